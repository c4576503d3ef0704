//! Speed of the data-centric model: mappings of ResNet-18's 56 x 56 layer, tables rebuilt for each, and the rate over all
//! golden mappings (slowest and median, printed; `cargo bench -p hwgym-accelerator --bench maestro -- golden`).
use std::{hint::black_box, io::Read, path::Path, time::Instant};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use hwgym_accelerator::maestro::{Evaluator, Hardware, MappingFile};

/// A weight-stationary, an output-stationary and a tiled two-level mapping.
const MAPPINGS: [(&str, &str); 3] = [
    (
        "kc partitioned",
        "SpatialMap(1,1) K; TemporalMap(64,64) C; TemporalMap(Sz(R),Sz(R)) R; TemporalMap(Sz(S),Sz(S)) S;
         TemporalMap(Sz(R),1) Y; TemporalMap(Sz(S),1) X; Cluster(64,P);
         SpatialMap(1,1) C; TemporalMap(Sz(R),1) Y; TemporalMap(Sz(S),1) X;",
    ),
    (
        "yx partitioned",
        "TemporalMap(1,1) K; TemporalMap(1,1) C; SpatialMap(Sz(R),1) Y; TemporalMap(10,8) X;
         TemporalMap(Sz(R),Sz(R)) R; TemporalMap(Sz(S),Sz(S)) S; Cluster(8,P); SpatialMap(Sz(S),1) X;",
    ),
    (
        "tiled",
        "TemporalMap(3,3) R; TemporalMap(22,22) K; TemporalMap(26,26) C; SpatialMap(6,6) X'; TemporalMap(3,3) Y';
         TemporalMap(3,3) S; Cluster(4,P); TemporalMap(2,2) C; SpatialMap(4,4) X'; TemporalMap(3,3) S;
         TemporalMap(1,1) Y'; TemporalMap(7,7) K; TemporalMap(3,3) R;",
    ),
];

fn evaluations(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("maestro");
    group.throughput(Throughput::Elements(1));
    let hardware = Hardware { num_pes: 256, noc_bw: 64, offchip_bw: 64, ..Hardware::default() };
    for (name, dataflow) in MAPPINGS {
        let text = format!(
            "Network n {{ Layer l {{ Type: CONV Dimensions {{ K: 64, C: 64, R: 3, S: 3, Y: 58, X: 58 }}
             Dataflow {{ {dataflow} }} }} }}"
        );
        let file = MappingFile::parse("bench.m", &text).unwrap();
        let layer = &file.layers[0];
        let mut evaluator = Evaluator::new();
        evaluator.evaluate(&layer.layer, &layer.directives, &hardware, false).unwrap();
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                evaluator.evaluate(black_box(&layer.layer), black_box(&layer.directives), &hardware, false)
            });
        });
    }
    group.finish();
}

/// Prints evaluations per second over the golden mappings, the best of five runs of each, and benches them together.
fn golden(criterion: &mut Criterion) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden/accelerator/maestro.jsonl.gz");
    let mut text = String::new();
    flate2::read::GzDecoder::new(std::fs::File::open(path).unwrap()).read_to_string(&mut text).unwrap();
    let mut mappings = Vec::new();
    for line in text.lines() {
        let row: serde_json::Value = serde_json::from_str(line).unwrap();
        let file = MappingFile::parse("golden.m", row["mapping_text"].as_str().unwrap()).unwrap();
        let given = |name: &str| {
            let value = &row["hw"][name];
            value.as_i64().unwrap_or_else(|| value.as_str().unwrap().parse().unwrap())
        };
        let hardware = Hardware {
            num_pes: given("num_pes"),
            noc_bw: given("noc_bw"),
            noc_hop_latency: 1,
            offchip_bw: given("offchip_bw"),
            num_simd_lanes: given("simd"),
            ..Hardware::default()
        };
        let id = row["id"].as_str().unwrap().to_owned();
        mappings.push((id, file.layers.into_iter().next().unwrap(), hardware));
    }
    let mut evaluator = Evaluator::new();
    let mut rates: Vec<(f64, &str)> = Vec::new();
    for (id, layer, hardware) in &mappings {
        let best = (0..5).map(|_| {
            let started = Instant::now();
            for _ in 0..200 {
                let _ = black_box(evaluator.evaluate(
                    black_box(&layer.layer),
                    &layer.directives,
                    hardware,
                    false,
                ));
            }
            started.elapsed().as_secs_f64() / 200.0
        });
        rates.push((1.0 / best.fold(f64::INFINITY, f64::min), id));
    }
    rates.sort_by(|a, b| a.0.total_cmp(&b.0));
    println!(
        "golden mappings: {}; evaluations per second: least {:.0} ({}), median {:.0}, most {:.0}",
        rates.len(),
        rates[0].0,
        rates[0].1,
        rates[rates.len() / 2].0,
        rates[rates.len() - 1].0
    );
    let mut group = criterion.benchmark_group("maestro");
    group.throughput(Throughput::Elements(mappings.len() as u64));
    group.bench_function("golden mappings", |bencher| {
        bencher.iter(|| {
            for (_, layer, hardware) in &mappings {
                let _ = black_box(evaluator.evaluate(&layer.layer, &layer.directives, hardware, false));
            }
        });
    });
    group.finish();
}

criterion_group!(benches, evaluations, golden);
criterion_main!(benches);
