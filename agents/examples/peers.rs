//! Compares agents on the synthetic problems with the medians of other optimisers (`tests/golden/optimizers/peers.csv`).
//!
//! `cargo run --release -p hwgym-agents --example peers -- --agents bayesian,tpe --budget 50 --seeds 10`
//! Options: `--purpose tuning` (the problems that constants were chosen on; `reporting` by default), `--problems a,b` (all by default), `--table FILE`
//! (the BOOM table, which adds `boom` and `boom-pareto`), `--csv` for raw values, `--options "(population: 30)"` for hyperparameters,
//! `--batch 5` for proposals that are told together.
//! Single-objective problems: the best feasible value, smaller is better; several objectives: hypervolume, larger is better.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use hwgym_agents::{Evaluated, Problem, Registry};
use hwgym_envs::synthetic::Purpose;
use hwgym_envs::table::Lookup;
use hwgym_envs::{Env, Fidelity, Goal, Objective, Options, pareto};

type Failure = Box<dyn std::error::Error>;

struct Task {
    name: String,
    env: Arc<dyn Env>,
    objective: Objective,
}

fn argument(name: &str) -> Option<String> {
    let mut arguments = std::env::args().skip_while(|a| a != name);
    arguments.next();
    arguments.next()
}

fn list(name: &str) -> Vec<String> {
    argument(name).map(|l| l.split(',').map(str::to_string).collect()).unwrap_or_default()
}

fn tasks() -> Result<Vec<Task>, Failure> {
    let registry = hwgym_envs::Registry::builtin();
    let mut tasks = Vec::new();
    let purpose = match argument("--purpose").as_deref() {
        None | Some("reporting") => Purpose::Reporting,
        Some("tuning") => Purpose::Tuning,
        Some(other) => return Err(format!("--purpose is `reporting` or `tuning`, not `{other}`").into()),
    };
    for problem in hwgym_envs::synthetic::problems(purpose) {
        let sizes: &[usize] = if problem == "ackley" { &[2, 6, 10] } else { &[0] };
        for size in sizes {
            let options = if *size > 0 { format!("(dimensions: {size})") } else { String::new() };
            let env = registry.make(&format!("synthetic/{problem}-v0"), &Options::ron(options))?;
            let name = if *size > 0 { format!("{problem}-{size}") } else { problem.to_string() };
            let objective = env.objectives().swap_remove(0);
            tasks.push(Task { name, env, objective });
        }
    }
    if let Some(file) = argument("--table") {
        let metric = |column: &str, name: &str, direction: &str| {
            format!("(column: \"{column}\", name: \"{name}\", direction: {direction}, standardise: true)")
        };
        let options = format!(
            "(file: {file:?}, header: false, ignore: [\"c33\"], lookup: {:?}, metrics: [{}, {}, {}])",
            Lookup::NearestRow,
            metric("c30", "performance", "Maximise"),
            metric("c31", "power", "Minimise"),
            metric("c32", "area", "Minimise")
        );
        let env = registry.make("table-v0", &Options::ron(options))?;
        for (key, value) in env.provenance() {
            eprintln!("table {key}: {value}");
        }
        let sum = [("performance", -1.0), ("power", 0.5), ("area", 0.5)].map(|(m, w)| (m.to_string(), w));
        let objective = Objective::new("boom", vec![Goal::WeightedSum(sum.to_vec())]);
        tasks.push(Task { name: "boom".into(), env: env.clone(), objective });
        let objective = env.objectives().pop().ok_or("no objective")?;
        tasks.push(Task { name: "boom-pareto".into(), env, objective });
    }
    let wanted = list("--problems");
    tasks.retain(|t| wanted.is_empty() || wanted.contains(&t.name));
    Ok(tasks)
}

/// The figure of a run, and the seconds that the agent took. `None` where no design was feasible.
fn run(task: &Task, agent: &str, budget: usize, seed: u64) -> Result<(Option<f64>, f64), Failure> {
    let scorer = task.objective.scorer(task.env.metrics())?;
    let problem = Problem::of(&*task.env, &task.objective, Some(budget))?;
    let options = argument("--options").map_or_else(Options::none, Options::ron);
    let mut agent = Registry::builtin().make(agent, &options, &problem, seed)?;
    let batch: usize = argument("--batch").map_or(Ok(1), |batch| batch.parse())?;
    let (mut results, mut seconds): (Vec<Evaluated>, f64) = (Vec::new(), 0.0);
    while results.len() < budget {
        let start = Instant::now();
        let designs = agent.ask(batch.clamp(1, budget - results.len()));
        seconds += start.elapsed().as_secs_f64();
        if designs.is_empty() {
            break;
        }
        let evaluate = |design| {
            let outcome = task.env.evaluate(&design, Fidelity::FULL);
            let score = scorer.score(&outcome);
            Evaluated { design, outcome, score }
        };
        let told: Vec<Evaluated> = designs.into_iter().map(evaluate).collect();
        let start = Instant::now();
        agent.tell(&told);
        seconds += start.elapsed().as_secs_f64();
        results.extend(told);
    }
    let feasible: Vec<Vec<f64>> =
        results.into_iter().filter(|r| r.score.is_feasible()).map(|r| r.score.rewards).collect();
    let value = if problem.goals > 1 {
        let front: Vec<Vec<f64>> =
            pareto::front(&feasible).into_iter().map(|i| feasible[i].clone()).collect();
        Some(pareto::hypervolume(&front, &problem.reference))
    } else {
        feasible.iter().map(|r| -r[0]).min_by(f64::total_cmp)
    };
    Ok((value, seconds))
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    let n = values.len();
    if n == 0 { f64::NAN } else { 0.5 * (values[(n - 1) / 2] + values[n / 2]) }
}

fn show(value: f64) -> String {
    if value.is_finite() { format!("{value:.6}") } else { "none feasible".into() }
}

fn main() -> Result<(), Failure> {
    let budget: usize = argument("--budget").map_or(Ok(50), |b| b.parse())?;
    let seeds: u64 = argument("--seeds").map_or(Ok(10), |s| s.parse())?;
    let agents = list("--agents");
    let raw = std::env::args().any(|a| a == "--csv");
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/optimizers/peers.csv");
    let mut peers: BTreeMap<(String, usize), Vec<(String, f64)>> = BTreeMap::new();
    for line in std::fs::read_to_string(path)?.lines().skip(1) {
        let cells: Vec<&str> = line.split(',').collect();
        let value = cells[3].parse().unwrap_or(f64::INFINITY);
        peers.entry((cells[0].into(), cells[1].parse()?)).or_default().push((cells[2].into(), value));
    }
    println!("| problem | {} | best peer | its median | ms per suggestion |", agents.join(" | "));
    println!("|---|{}---|---|---|", "---|".repeat(agents.len()));
    for task in tasks()? {
        let several = task.objective.goals.len() > 1;
        let mut cells = Vec::new();
        let mut times = Vec::new();
        for agent in &agents {
            let runs: Result<Vec<(Option<f64>, f64)>, Failure> =
                (0..seeds).map(|seed| run(&task, agent, budget, seed)).collect();
            let runs = match runs {
                Ok(runs) => runs,
                Err(error) => {
                    eprintln!("{}: {error}", task.name);
                    cells.push("-".into());
                    continue;
                }
            };
            if raw {
                for (seed, (value, _)) in runs.iter().enumerate() {
                    eprintln!("{},{agent},{budget},{seed},{}", task.name, value.unwrap_or(f64::NAN));
                }
            }
            let mut values: Vec<f64> = runs.iter().map(|r| r.0.unwrap_or(f64::INFINITY)).collect();
            cells.push(show(median(&mut values)));
            let mut seconds: Vec<f64> = runs.iter().map(|r| 1e3 * r.1 / budget as f64).collect();
            times.push(format!("{:.3}", median(&mut seconds)));
        }
        let known = peers.get(&(task.name.clone(), budget)).cloned().unwrap_or_default();
        let known = known.into_iter().filter(|(name, _)| name != "random");
        let best = if several {
            known.max_by(|a, b| a.1.total_cmp(&b.1))
        } else {
            known.min_by(|a, b| a.1.total_cmp(&b.1))
        };
        let (name, value) = best.map_or(("-".into(), "-".into()), |(name, value)| (name, show(value)));
        println!("| {} | {} | {name} | {value} | {} |", task.name, cells.join(" | "), times.join(", "));
    }
    Ok(())
}
