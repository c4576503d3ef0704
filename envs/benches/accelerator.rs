//! Speed of one step of the accelerator environments, nothing remembered from earlier steps.
use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use hwgym_envs::{Design, Env, Fidelity, Options, Registry};
use std::sync::Arc;

/// The 168 elements of the chip with its buffers, in the environment's levels.
fn eyeriss(env: &dyn Env) -> Design {
    let values = [
        ("NUM_PES", 168.0),
        ("MAC_MESH_X", 14.0),
        ("IFMAP_SPAD_MEMORY_DEPTH", 16.0),
        ("PSUM_SPAD_MEMORY_DEPTH", 16.0),
        ("WEIGHTS_SPAD_MEMORY_DEPTH", 256.0),
        ("SHARED_GLB_MEMORY_DEPTH", 16384.0),
        ("SHARED_GLB_BLOCK_SIZE", 4.0),
    ];
    let mut design = Design::new(vec![0.0; env.space().len()]);
    for (name, value) in values {
        let index = env.space().position(name).expect("a parameter of the environment");
        let parameter = &env.space().parameters()[index];
        let level = parameter.coordinate(&hwgym_envs::Value::number(value)).expect("a value of it");
        design.set(index, level);
    }
    design
}

fn steps(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("accelerator step");
    group.sample_size(10);
    let registry = Registry::builtin();
    let make = |id: &str, options: &str| -> Arc<dyn Env> {
        registry.make(id, &Options::ron(options)).expect("a registered environment")
    };
    for mapper in ["Exact", "Random(evaluations: 2000, seed: 1)"] {
        let options = format!("(network: \"alexnet-conv\", mapper: {mapper})");
        let design = eyeriss(make("accelerator-eyeriss-v1", &options).as_ref());
        group.bench_function(format!("eyeriss, {mapper}"), |bencher| {
            bencher.iter_batched(
                || make("accelerator-eyeriss-v1", &options),
                |env| env.evaluate(&design, Fidelity::FULL),
                BatchSize::PerIteration,
            );
        });
    }
    for id in ["systolic-array-v0", "maestro-mapping-v0", "accelerator-mapping-v1"] {
        let env = make(id, "()");
        let mut random = hwgym_envs::Random::derived(1, "bench");
        let designs: Vec<Design> = (0..16).map(|_| env.space().sample(&mut random)).collect();
        group.bench_function(format!("{id}, 16 random designs"), |bencher| {
            bencher.iter(|| {
                designs
                    .iter()
                    .filter(|design| env.evaluate(design, Fidelity::FULL).metrics().is_some())
                    .count()
            });
        });
    }
    group.finish();
}

criterion_group!(benches, steps);
criterion_main!(benches);
