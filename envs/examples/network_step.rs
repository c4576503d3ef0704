//! What a step of an environment that maps a network costs with the exact mapper, over random designs of its space: seconds of CPU
//! of all threads together, nothing remembered from other steps.
//!
//! `cargo run --release -p hwgym-envs --example network_step -- 50 id=accelerator-simba-v1 network=alexnet metric=Delay` (the defaults
//! but for `accelerator-eyeriss-v1` and `alexnet-conv`); `seed=1` draws other designs.
use hwgym_envs::{Fidelity, Options, Outcome, Random, Registry};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let option = |name: &str, default: &str| {
        let given = arguments.iter().find_map(|a| a.strip_prefix(name)?.strip_prefix('='));
        given.unwrap_or(default).to_string()
    };
    let designs: usize = arguments.iter().find(|a| !a.contains('=')).map_or(Ok(50), |n| n.parse())?;
    let (network, metric) = (option("network", "alexnet-conv"), option("metric", "Delay"));
    let id = option("id", "accelerator-eyeriss-v1");
    let options = Options::ron(format!("(network: \"{network}\", metric: {metric})"));
    let mut random = Random::derived(option("seed", "0").parse()?, "eyeriss step");
    let mut seconds = Vec::new();
    for index in 0..designs {
        // A new environment has nothing to remember.
        let env = Registry::builtin().make(&id, &options)?;
        let design = env.space().sample(&mut random);
        let begun = cpu_seconds();
        let outcome = env.evaluate(&design, Fidelity::FULL);
        let took = cpu_seconds() - begun;
        seconds.push(took);
        if took > 0.15 {
            let space = env.space();
            let values = space.parameters().iter().enumerate();
            let values: Vec<String> = values
                .map(|(at, parameter)| format!("{} {}", parameter.name, space.number(&design, at)))
                .collect();
            println!("{}", values.join(", "));
        }
        match outcome {
            Outcome::Feasible { metrics } => println!("{index}: {took:.4} s, {metrics:?}"),
            Outcome::Infeasible { constraint, .. } => println!("{index}: {took:.4} s, {constraint}"),
            other => return Err(format!("{index}: {other:?}").into()),
        }
    }
    seconds.sort_by(f64::total_cmp);
    let quantile = |q: f64| seconds[((seconds.len() - 1) as f64 * q).round() as usize];
    let late = seconds.iter().filter(|&&s| s > 0.15).count();
    println!(
        "{id}, {network}, {metric}: mean {:.4} s, median {:.4} s, 90th percentile {:.4} s, worst {:.4} s; {late} of {designs} above 0.15 s",
        seconds.iter().sum::<f64>() / seconds.len() as f64,
        quantile(0.5),
        quantile(0.9),
        quantile(1.0)
    );
    Ok(())
}

/// Seconds that all threads of this process together have been on a processor, so that a busy machine does not spoil the figures.
fn cpu_seconds() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}
