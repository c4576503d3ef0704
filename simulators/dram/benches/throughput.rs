//! Requests per second on DDR4-2400 with energy accounting, requests made on the fly.
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use hwgym_dram::{ControllerConfig, Device, Request, Simulator};
use std::hint::black_box;

const REQUESTS: u64 = 100_000;

/// A multiplicative hash spreads the lines over the whole device.
fn address(pattern: &str, index: u64) -> u64 {
    match pattern {
        "stream" => index * 64,
        _ => (index.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 38) * 64,
    }
}

fn throughput(criterion: &mut Criterion) {
    let device = Device::preset("ddr4_2400_brc").expect("the preset is built in");
    let mut group = criterion.benchmark_group("ddr4_2400");
    group.throughput(Throughput::Elements(REQUESTS)).sample_size(10);
    for (pattern, writes) in [("stream", false), ("random", false), ("random", true)] {
        for arbiter in ["Simple", "Reorder"] {
            let mut config = ControllerConfig::default();
            config.set("Arbiter", arbiter).expect("the parameter exists");
            let simulator = Simulator::new(&device, &config).expect("the default configuration is valid");
            let name = format!("{pattern}{} {arbiter}", if writes { " half writes" } else { "" });
            group.bench_function(name, |bencher| {
                bencher.iter(|| {
                    let requests = (0..REQUESTS).map(|index| {
                        let is_write = writes && index.count_ones() % 2 == 0;
                        Ok(Request { cycle: index, address: address(pattern, index), is_write, bytes: 64 })
                    });
                    black_box(simulator.run(requests).expect("the run ends"))
                });
            });
        }
    }
    group.finish();
}

criterion_group!(benches, throughput);
criterion_main!(benches);
