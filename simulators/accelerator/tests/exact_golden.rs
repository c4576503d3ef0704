//! The exact mapper against proven optima (another implementation of the same search).
use std::io::Read as _;

use hwgym_accelerator::mapper::exact::{Goal, solve};
use hwgym_accelerator::timeloop::{Model, Specification};
use hwgym_accelerator::workload::Convolution;

fn text(path: &str) -> String {
    let path = format!("{}/{path}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{path}: {e}"))
}

fn rows() -> Vec<csv::StringRecord> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/golden/accelerator/optima.csv.gz");
    let mut csv_text = String::new();
    flate2::read::GzDecoder::new(std::fs::File::open(path).unwrap()).read_to_string(&mut csv_text).unwrap();
    csv::Reader::from_reader(csv_text.as_bytes()).records().map(Result::unwrap).collect()
}

fn run(row: &csv::StringRecord) -> Option<String> {
    let number = |at: usize| row[at].parse::<u64>().unwrap();
    let architecture = &row[0];
    let folder = format!("examples/{architecture}");
    let mut files = vec![
        ("arch.yaml", text(&format!("{folder}/arch.yaml"))),
        ("problem.yaml", text("examples/problems/resnet18_l1.yaml")),
    ];
    if &row[2] == "archs.json" {
        files.push(("bypass.yaml", text(&format!("{folder}/bypass.yaml"))));
    }
    if &row[1] == "row_stationary" {
        files.push(("row_stationary.yaml", text(&format!("{folder}/row_stationary.yaml"))));
    }
    let pairs: Vec<(&str, &str)> = files.iter().map(|(n, t)| (*n, t.as_str())).collect();
    let specification = Specification::from_texts(&pairs).unwrap();
    let problem = Convolution {
        name: row[3].into(),
        n: number(4),
        c: number(5),
        m: number(6),
        r: number(7),
        s: number(8),
        p: number(9),
        q: number(10),
        stride: (number(11), number(11)),
        depthwise: number(12) == 1,
        ..Convolution::default()
    }
    .problem()
    .unwrap();
    let limits = specification.constraints.compile(&specification.architecture, &problem).unwrap();
    // The table rounds words over bandwidth up exactly; timeloop-model, and so the model by default, in floating point.
    let model = Model::new(specification.architecture, problem).unwrap().with_exact_rounding(true);
    let (goal, column) = match &row[13] {
        "energy" => (Goal::Energy, 14),
        "edp" => (Goal::Edp, 16),
        _ => (Goal::Delay, 15),
    };
    let started = std::time::Instant::now();
    let outcome = solve(&model, &limits, goal, None).unwrap();
    let best = outcome.best.expect("a mapping");
    let expected: f64 = row[column].parse().unwrap();
    let value = goal.value(&best.cost);
    if std::env::var_os("SHOW_TIMES").is_some() {
        println!(
            "{:.4} s {} nodes {:?}",
            started.elapsed().as_secs_f64(),
            outcome.nodes,
            &row.iter().take(14).collect::<Vec<_>>().join(",")
        );
    }
    let energy: f64 = row[14].parse().unwrap();
    let report = model.report(&best.nest).unwrap();
    assert_eq!((report.cycles, report.energy_pj), (best.cost.cycles, best.cost.energy_pj));
    let right = (value / expected - 1.0).abs() < 1e-9 && outcome.proof.optimal;
    (!right).then(|| {
        format!(
            "{},{},{},{}: {value} (E {}) != {expected} (E {energy}), {:?}\n  {}\n  {}",
            &row[0],
            &row[2],
            &row[3],
            &row[13],
            best.cost.energy_pj,
            outcome.proof,
            hwgym_accelerator::timeloop::Mapping::new(best.nest, model.architecture(), model.problem()),
            &row[17]
        )
    })
}

fn check(select: impl Fn(&csv::StringRecord) -> bool) {
    let only = std::env::var("ONLY").unwrap_or_default();
    let rows: Vec<_> = rows()
        .into_iter()
        .filter(|r| select(r) && r.iter().collect::<Vec<_>>().join(",").contains(&only))
        .collect();
    let wrong: Vec<String> = rows.iter().filter_map(run).collect();
    assert!(wrong.is_empty(), "{} of {} differ:\n{}", wrong.len(), rows.len(), wrong.join("\n"));
}

#[test]
fn two_levels() {
    check(|r| &r[0] == "flat2");
}

#[test]
fn eyeriss_with_its_dataflow() {
    check(|r| &r[0] == "eyeriss168");
}

#[test]
fn weight_stationary() {
    check(|r| &r[0] == "ws256" && &r[2] == "archs.json");
}

#[test]
fn output_stationary() {
    check(|r| &r[0] == "os64" && &r[2] == "archs.json");
}

#[test]
#[ignore = "a minute or more"]
fn bypass_chosen() {
    check(|r| &r[0] != "flat2" && &r[2] == "chosen");
}
