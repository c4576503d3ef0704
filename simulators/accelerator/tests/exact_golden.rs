//! The exact mapper against proven optima (another implementation of the same search).
use std::io::Read as _;

use hwgym_accelerator::mapper::Goal;
use hwgym_accelerator::mapper::exact::solve;
use hwgym_accelerator::timeloop::{Counting, Model, Specification};
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
    // Timeloop's counts; but the table rounds words over bandwidth up exactly, timeloop-model in floating point.
    let model = Model::with_counting(specification.architecture, problem, Counting::Timeloop).unwrap();
    let model = model.with_exact_rounding(true);
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

/// The reference mapper's best of 2,000 random mappings is an upper bound, on every case.
#[test]
fn never_above_the_reference_mapper() {
    let layer = |name: &str| match name {
        "resnet18_l1" => Convolution { c: 64, m: 64, r: 3, s: 3, p: 56, q: 56, ..Default::default() },
        "bert_qkv_512" => Convolution::gemm(name, 512, 768, 768),
        "alexnet_conv3" => Convolution { c: 256, m: 384, r: 3, s: 3, p: 13, q: 13, ..Default::default() },
        "mobilenetv2_pw_b3" => Convolution { c: 24, m: 144, p: 56, q: 56, ..Default::default() },
        other => panic!("unknown layer {other}"),
    };
    let table = text("../../tests/golden/accelerator/mapper_reference.csv");
    let mut cases = 0;
    for row in csv::Reader::from_reader(table.as_bytes()).records().map(Result::unwrap) {
        let [architecture, bypass] =
            ["arch.yaml", "bypass.yaml"].map(|file| text(&format!("examples/{}/{file}", &row[0])));
        let shape = text("examples/problems/resnet18_l1.yaml");
        let specification =
            Specification::from_texts(&[("a.yaml", &architecture), ("b.yaml", &bypass), ("p.yaml", &shape)])
                .unwrap();
        let problem = layer(&row[1]).problem().unwrap();
        let model = Model::with_counting(specification.architecture, problem, Counting::Timeloop).unwrap();
        let limits = specification.constraints.compile(model.architecture(), model.problem()).unwrap();
        let outcome = solve(&model, &limits, Goal::Edp, None).unwrap();
        let found = outcome.best.expect("a mapping").cost.edp();
        // An empty cell: the reference found nothing in its time.
        let reference = if row[7].is_empty() { f64::INFINITY } else { row[7].parse().unwrap() };
        assert!(outcome.proof.optimal && found <= reference, "{} {}: {found} {reference}", &row[0], &row[1]);
        cases += 1;
    }
    assert_eq!(cases, 13);
}

#[test]
fn bypass_chosen() {
    check(|r| &r[0] != "flat2" && &r[2] == "chosen");
}
