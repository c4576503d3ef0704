//! Speed of the systolic-array model: the closed form, and the one with limited memory.
use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use hwgym_accelerator::{
    networks::Network,
    systolic::{Array, Buffers, Dataflow, compute, simulate},
};

fn layers(criterion: &mut Criterion) {
    let network = Network::builtin("resnet18").unwrap().systolic().unwrap();
    let mut group = criterion.benchmark_group("systolic");
    group.throughput(Throughput::Elements(network.len() as u64));
    for dataflow in Dataflow::ALL {
        let array = Array { rows: 32, columns: 32, dataflow };
        group.bench_function(format!("{} closed form", dataflow.short_name()), |bencher| {
            bencher.iter(|| {
                for (layer, _) in &network {
                    let _ = black_box(compute(black_box(layer), &array, false));
                }
            });
        });
        let buffers = Buffers::from_kb(64, 64, 64, 16);
        group.bench_function(format!("{} limited memory", dataflow.short_name()), |bencher| {
            bencher.iter(|| {
                for (layer, _) in &network {
                    let _ = black_box(simulate(black_box(layer), &array, &buffers, false));
                }
            });
        });
    }
    group.finish();
}

criterion_group!(benches, layers);
criterion_main!(benches);
