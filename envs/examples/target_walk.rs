//! Walks towards drawn targets in small steps, AutoCkt's formulation, under two plain policies:
//! `cargo run --release -p hwgym-envs --example target_walk -- 100`.

use hwgym_envs::prelude::*;
use hwgym_envs::wrappers::TargetWalk;
use hwgym_envs::{Episode, Random};

/// Plays one episode; true if it reached its targets, and the number of steps.
fn play(walk: &mut TargetWalk, seed: u64, persistent: bool) -> (bool, usize) {
    let mut random = Random::derived(seed, "policy");
    walk.reset(seed);
    let mut action = walk.action_space().sample(&mut random);
    let mut before = f64::NEG_INFINITY;
    for steps in 1.. {
        let step = walk.step(&action);
        if step.terminated || step.truncated {
            return (step.terminated, steps);
        }
        // A step that helped is taken again.
        if !persistent || step.reward <= before {
            action = walk.action_space().sample(&mut random);
        }
        before = step.reward;
    }
    (false, 0)
}

fn main() -> Result<(), EnvError> {
    let episodes: u64 = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(100);
    for id in ["opamp-autockt-v0", "opamp-two-stage-v0"] {
        let options = Options::ron("(transient: false)");
        let mut walk = TargetWalk::new(Registry::builtin().make(id, &options)?)?;
        for (policy, persistent) in [("random", false), ("persistent", true)] {
            let played: Vec<(bool, usize)> =
                (0..episodes).map(|seed| play(&mut walk, seed, persistent)).collect();
            let reached = played.iter().filter(|(reached, _)| *reached).count();
            let steps: usize = played.iter().map(|(_, steps)| steps).sum();
            let mean = steps as f64 / episodes.max(1) as f64;
            println!(
                "{id} {policy}: {reached} of {episodes} target sets reached, {mean:.1} steps per episode"
            );
        }
    }
    Ok(())
}
