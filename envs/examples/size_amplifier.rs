//! Random search over the two-stage amplifier, on all cores: `cargo run --release -p hwgym-envs --example size_amplifier -- 10000`.

use hwgym_envs::Random;
use hwgym_envs::prelude::*;
use rayon::prelude::*;

fn main() -> Result<(), EnvError> {
    let count: usize = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(10_000);
    let env = Registry::builtin().make("opamp-two-stage-v0", &Options::ron("(transient: false)"))?;
    let mut random = Random::new(1);
    let designs: Vec<Design> = (0..count).map(|_| env.space().sample(&mut random)).collect();
    let scorer = env.objectives()[0].scorer(env.metrics())?;
    let started = std::time::Instant::now();
    let outcomes: Vec<Outcome> =
        designs.par_iter().map(|design| env.evaluate(design, Fidelity::FULL)).collect();
    let seconds = started.elapsed().as_secs_f64();
    let feasible = outcomes.iter().filter(|outcome| outcome.metrics().is_some()).count();
    println!("{count} sizings in {seconds:.2} s, {feasible} of them measured");
    let scores = outcomes.iter().map(|outcome| scorer.score(outcome));
    if let Some((best, score)) = scores.enumerate().max_by(|a, b| a.1.compare(&b.1)) {
        println!("best: reward {:?}", score.reward());
        for (name, value) in env.space().values(&designs[best]) {
            println!("  {name} = {value}");
        }
        for (metric, value) in env.metrics().iter().zip(outcomes[best].metrics().unwrap_or_default()) {
            println!("  {}: {value:.4e} {}", metric.name, metric.unit);
        }
    }
    Ok(())
}
