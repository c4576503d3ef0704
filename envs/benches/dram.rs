//! Time of one step of `dram-controller-v0` on 10,000 requests: a stream, addresses at random, and the recorded trace of a program,
//! for a common controller under each arbiter, and for designs at random.
use criterion::{Criterion, criterion_group, criterion_main};
use hwgym_envs::{Design, Env, Fidelity, Options, Random, Registry, Value};
use std::hint::black_box;
use std::sync::Arc;

/// A common controller: open pages, first ready first, eight places per bank.
fn common(env: &dyn Env, arbiter: &str) -> Design {
    env.space()
        .design([
            ("PagePolicy", "Open".into()),
            ("Scheduler", "FrFcfs".into()),
            ("SchedulerBuffer", "Bankwise".into()),
            ("RequestBufferSize", Value::Integer(8)),
            ("RespQueue", "Fifo".into()),
            ("RefreshPolicy", "AllBank".into()),
            ("RefreshMaxPostponed", Value::Integer(1)),
            ("RefreshMaxPulledin", Value::Integer(1)),
            ("Arbiter", arbiter.into()),
            ("MaxActiveTransactions", Value::Integer(128)),
        ])
        .expect("a design of the space")
}

fn steps(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("dram-controller-v0");
    let registry = Registry::builtin();
    for workload in ["stream:requests=10000", "random:requests=10000", "bfs"] {
        let options = format!("(device: \"ddr4_2400_brc\", workload: \"{workload}\")");
        let env: Arc<dyn Env> =
            registry.make("dram-controller-v0", &Options::ron(&options)).expect("a registered environment");
        for arbiter in ["Simple", "Fifo", "Reorder"] {
            let design = common(env.as_ref(), arbiter);
            group.bench_function(format!("{workload}, {arbiter}"), |bencher| {
                bencher.iter(|| black_box(env.evaluate(&design, Fidelity::FULL)));
            });
        }
        let mut random = Random::derived(1, "bench");
        let designs: Vec<Design> = (0..32).map(|_| env.space().sample(&mut random)).collect();
        let mut next = designs.iter().cycle();
        group.bench_function(format!("{workload}, designs at random"), |bencher| {
            bencher.iter(|| next.next().map(|design| black_box(env.evaluate(design, Fidelity::FULL))));
        });
    }
    group.finish();
}

criterion_group!(benches, steps);
criterion_main!(benches);
