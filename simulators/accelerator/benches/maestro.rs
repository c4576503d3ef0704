//! Speed of the data-centric model: evaluations of mappings of ResNet-18's 56 x 56 layer, tables rebuilt for each.
use std::hint::black_box;

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

criterion_group!(benches, evaluations);
criterion_main!(benches);
