//! How often, and by how much, the mapping that is optimal by Timeloop's counts is not the optimal one: both are proven, and both
//! are charged by the exact counts.
//!
//! `cargo run --release -p hwgym-accelerator --example counting -- 20` prints a row for each architecture and goal over the layers
//! of all shipped networks, and the layers with the largest gaps; a layer whose proof takes more than 20 seconds by either count is
//! left out and counted. Networks after the number restrict it to them.
use std::time::Duration;

use hwgym_accelerator::mapper::exact::solve;
use hwgym_accelerator::mapper::{Goal, Solution};
use hwgym_accelerator::networks::Network;
use hwgym_accelerator::timeloop::{Counting, Model, Specification};
use hwgym_accelerator::workload::Problem;

type Answer<T> = Result<T, Box<dyn std::error::Error>>;

/// One layer on one architecture.
struct Row {
    name: String,
    /// Whether the counts differ at all: an input that slides, or has gaps.
    window: bool,
    /// The true value of the mapping that Timeloop's counts choose, over that of the best.
    gap: f64,
    /// What Timeloop's counts say of their choice, over its true value.
    claim: f64,
}

fn main() -> Answer<()> {
    let mut arguments = std::env::args().skip(1);
    let limit = Duration::from_secs_f64(arguments.next().map_or(Ok(20.0), |text| text.parse())?);
    let layers = layers(&arguments.collect::<Vec<_>>())?;
    println!(
        "| architecture | goal | layers | with a window | choice not optimal | median gap of those | worst gap | claim over truth, median | least | most | not proven |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|---|");
    let mut worst: Vec<(f64, String)> = Vec::new();
    for (folder, constraints) in [
        ("eyeriss168", &["bypass.yaml", "row_stationary.yaml"][..]),
        ("ws256", &["bypass.yaml"]),
        ("os64", &["bypass.yaml"]),
    ] {
        let base = format!("{}/examples", env!("CARGO_MANIFEST_DIR"));
        let mut files =
            vec![format!("{base}/{folder}/arch.yaml"), format!("{base}/problems/resnet18_l1.yaml")];
        files.extend(constraints.iter().map(|name| format!("{base}/{folder}/{name}")));
        let specification = Specification::from_files(&files)?;
        for goal in [Goal::Energy, Goal::Edp] {
            let (mut rows, mut open) = (Vec::new(), 0);
            for (name, problem) in &layers {
                match compare(&specification, name, problem, goal, limit)? {
                    Some(row) => rows.push(row),
                    None => open += 1,
                }
            }
            print(folder, goal, &rows, open);
            worst.extend(rows.into_iter().map(|row| (row.gap, format!("{folder}, {goal:?}: {}", row.name))));
        }
    }
    worst.sort_by(|a, b| b.0.total_cmp(&a.0));
    println!();
    for (gap, name) in worst.iter().take(12).filter(|row| row.0 > 0.0) {
        println!("{:.2} % {name}", gap * 100.0);
    }
    Ok(())
}

/// Both optima of a layer; `None` where one is not proven in time.
fn compare(
    specification: &Specification,
    name: &str,
    problem: &Problem,
    goal: Goal,
    limit: Duration,
) -> Answer<Option<Row>> {
    let limits = specification.constraints.compile(&specification.architecture, problem)?;
    let model = |counting| -> Answer<Model> {
        let model = Model::with_counting(specification.architecture.clone(), problem.clone(), counting)?;
        // So that nothing but the counts differs.
        Ok(model.with_exact_rounding(true))
    };
    let best = |model: &Model| -> Answer<Option<Solution>> {
        let outcome = solve(model, &limits, goal, Some(limit))?;
        Ok(outcome.best.filter(|_| outcome.proof.optimal))
    };
    let (exact, timeloop) = (model(Counting::Exact)?, model(Counting::Timeloop)?);
    let (Some(optimum), Some(choice)) = (best(&exact)?, best(&timeloop)?) else { return Ok(None) };
    let report = exact.report(&choice.nest)?;
    let truth = match goal {
        Goal::Energy => report.energy_pj,
        _ => report.edp_pj_cycles,
    };
    let differ = (goal.value(&choice.cost) / truth - 1.0).abs() > 1e-9;
    let slides = |space: &hwgym_accelerator::workload::DataSpace| {
        space.ranks.iter().any(|rank| rank.iter().filter(|term| problem.bounds[term.dim] > 1).count() > 1)
    };
    Ok(Some(Row {
        name: name.into(),
        window: differ || problem.spaces.iter().any(slides),
        gap: truth / goal.value(&optimum.cost) - 1.0,
        claim: goal.value(&choice.cost) / truth,
    }))
}

fn print(folder: &str, goal: Goal, rows: &[Row], open: usize) {
    let windows: Vec<&Row> = rows.iter().filter(|row| row.window).collect();
    let mut gaps: Vec<f64> = windows.iter().map(|row| row.gap).filter(|gap| *gap > 1e-9).collect();
    let mut claims: Vec<f64> = windows.iter().map(|row| row.claim).collect();
    gaps.sort_by(f64::total_cmp);
    claims.sort_by(f64::total_cmp);
    let middle = |list: &[f64]| list.get(list.len() / 2).copied().unwrap_or(f64::NAN);
    let ends =
        |list: &[f64]| (list.first().copied().unwrap_or(f64::NAN), list.last().copied().unwrap_or(f64::NAN));
    println!(
        "| {folder} | {goal:?} | {} | {} | {} | {:.2} % | {:.2} % | {:.3} | {:.3} | {:.3} | {open} |",
        rows.len(),
        windows.len(),
        gaps.len(),
        middle(&gaps) * 100.0,
        ends(&gaps).1 * 100.0,
        middle(&claims),
        ends(&claims).0,
        ends(&claims).1,
    );
}

/// The layers of these networks, or of all, that differ in more than their name.
fn layers(names: &[String]) -> Answer<Vec<(String, Problem)>> {
    let names: Vec<String> =
        if names.is_empty() { Network::names().map(String::from).collect() } else { names.to_vec() };
    let mut layers: Vec<(String, Problem)> = Vec::new();
    for name in &names {
        for (problem, _) in Network::builtin(name)?.problems()? {
            let unnamed = |p: &Problem| Problem { name: String::new(), ..p.clone() };
            if !layers.iter().any(|(_, known)| unnamed(known) == unnamed(&problem)) {
                layers.push((format!("{name} {}", problem.name), problem));
            }
        }
    }
    Ok(layers)
}
