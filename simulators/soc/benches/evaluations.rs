//! Evaluations per second, one thread, over random valid designs of the golden set.
use std::hint::black_box;
use std::io::Read;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use hwgym_soc::{Design, DesignText, Evaluator, Model, Rules, WORKLOADS, Workload};

/// The designs of one workload, as indices.
fn designs(model: &Model) -> Vec<Design> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/golden/soc/designs.jsonl.gz");
    let file = std::fs::File::open(path).expect("the golden data are in the repository");
    let mut text = String::new();
    flate2::read::GzDecoder::new(file).read_to_string(&mut text).expect("they are compressed text");
    let rows = text.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).expect("JSON lines"));
    rows.filter(|row| row["workload"] == model.workload.name.as_str())
        .map(|mut row| {
            // What was measured stands there in another form than in a record.
            row.as_object_mut().map(|row| row.remove("kernels"));
            let text = DesignText::new(row.to_string(), "designs.jsonl");
            text.design(&model.workload, &model.library).expect("a design").design
        })
        .collect()
}

fn evaluations(criterion: &mut Criterion) {
    for (rules, label) in [(Rules::CORRECTED, "corrected"), (Rules::FARSI, "farsi")] {
        let mut group = criterion.benchmark_group(label);
        for name in WORKLOADS {
            let model = Model::new(Workload::builtin(name).expect("built in"), rules);
            let designs = designs(&model);
            let mut evaluator = Evaluator::default();
            group.throughput(Throughput::Elements(designs.len() as u64));
            group.bench_function(name, |bencher| {
                bencher.iter(|| {
                    for design in &designs {
                        let _ = black_box(evaluator.evaluate(&model, black_box(design)));
                    }
                });
            });
        }
        group.finish();
    }
}

criterion_group!(benches, evaluations);
criterion_main!(benches);
