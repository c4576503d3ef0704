//! Policies in files: what is saved acts the same when it is loaded, and what does not fit is refused.
#![cfg(feature = "neural")]

use std::path::Path;
use std::sync::Arc;

use hwgym_agents::neural::network::Scratch;
use hwgym_agents::neural::transfer::checkpoint::{Checkpoint, Stored, StoredNetwork, Training};
use hwgym_agents::neural::transfer::design::DesignPolicy;
use hwgym_agents::neural::transfer::walk::WalkPolicy;
use hwgym_agents::{Evaluated, Problem, Registry};
use hwgym_envs::{Design, Env, EnvError, Fidelity, Guard, Objective, Options, Random, evaluate};

type Failure = Box<dyn std::error::Error>;

fn env(id: &str, options: &str) -> Result<Arc<dyn Env>, EnvError> {
    hwgym_envs::Registry::builtin().make(id, &Options::ron(options))
}

fn dram(options: &str) -> Result<Arc<dyn Env>, EnvError> {
    env("dram-controller-v0", options)
}

fn objective(env: &dyn Env, name: &str) -> Result<Objective, Failure> {
    Ok(env.objectives().into_iter().find(|o| o.name == name).ok_or("no such objective")?)
}

fn training() -> Training {
    Training { instances: vec!["(requests: 200)".into()], hash: "none".into(), simulations: 0, seed: 1 }
}

/// An untrained policy for low power.
fn designs(env: &dyn Env) -> Result<Checkpoint, Failure> {
    let features: Vec<String> = env.features().iter().map(|feature| feature.name.clone()).collect();
    let policy = DesignPolicy::new(env.space(), 32, features.len(), 1, 16, &mut Random::new(4));
    let stored = Stored::Design {
        objectives: vec![objective(env, "low-power")?],
        networks: policy.networks.iter().map(StoredNetwork::of).collect(),
        most_levels: 32,
        list: vec![],
        features,
    };
    Ok(Checkpoint::new("untrained", env, training(), stored))
}

fn walks(env: &dyn Env) -> Result<Checkpoint, Failure> {
    let rules = env.walk().ok_or("it walks")?;
    let owners: Vec<usize> = (0..env.space().len()).collect();
    let inputs = 4 * rules.specifications.len() + env.space().len() + 1;
    let policy = WalkPolicy::new(inputs, &owners, rules.steps.len(), &[8], &mut Random::new(2));
    let stored = Stored::Walk {
        specifications: rules.specifications.iter().map(|s| s.metric.clone()).collect(),
        steps: rules.steps,
        networks: policy.networks.iter().map(StoredNetwork::of).collect(),
        owners,
    };
    Ok(Checkpoint::new("untrained walk", env, training(), stored))
}

/// The designs that the agent `policy` proposes, or why it cannot.
fn search(
    file: &Path,
    env: &Arc<dyn Env>,
    objective: &Objective,
    budget: usize,
) -> Result<Vec<Design>, String> {
    let text = |error: &dyn std::fmt::Display| error.to_string();
    let problem = Problem::of_instance(env, objective, Some(budget)).map_err(|e| text(&e))?;
    let scorer = objective.scorer(env.metrics()).map_err(|e| text(&e))?;
    let options = Options::ron(format!("(file: {:?})", file.display().to_string()));
    let mut agent = Registry::builtin().make("policy", &options, &problem, 5).map_err(|e| text(&e))?;
    let mut designs = Vec::new();
    while designs.len() < budget {
        let asked = agent.ask(1);
        if asked.is_empty() {
            return Err(agent.ended().unwrap_or("nothing proposed").into());
        }
        for design in asked {
            let outcome = evaluate(env, &design, Fidelity::FULL, &Guard::UNLIMITED);
            let score = scorer.score(&outcome);
            designs.push(design.clone());
            agent.tell(&[Evaluated { design, outcome, score }]);
        }
    }
    Ok(designs)
}

#[test]
fn a_saved_policy_acts_the_same_and_begins_with_the_default_design() -> Result<(), Failure> {
    let folder = tempfile::tempdir()?;
    let env = dram("(requests: 200)")?;
    let checkpoint = designs(env.as_ref())?;
    let file = folder.path().join("policy.json");
    checkpoint.save(&file)?;
    let loaded = Checkpoint::load(&file)?;
    assert_eq!(loaded, checkpoint, "to the last bit of every weight");

    let goal = objective(env.as_ref(), "low-power")?;
    let proposed = search(&file, &env, &goal, 12)?;
    assert_eq!(Some(&proposed[0]), env.default_design().as_ref());
    let representatives: std::collections::HashSet<Design> =
        proposed.iter().map(|design| env.canonical(design)).collect();
    assert_eq!(representatives.len(), 12, "nothing equivalent is tried twice");
    assert_eq!(proposed, search(&file, &env, &goal, 12)?, "a seed gives the same search");
    Ok(())
}

#[test]
fn a_saved_walker_acts_the_same() -> Result<(), Failure> {
    let folder = tempfile::tempdir()?;
    let env = env("opamp-autockt-v0", "(transient: false)")?;
    let checkpoint = walks(env.as_ref())?;
    let file = folder.path().join("walk.json");
    checkpoint.save(&file)?;
    let (before, after) = (checkpoint.walk_policy(), Checkpoint::load(&file)?.walk_policy());
    let (before, after) = (before.ok_or("sound")?, after.ok_or("sound")?);
    let (mut random, mut scratch) = (Random::new(1), Scratch::default());
    for _ in 0..20 {
        let seen: Vec<f32> = (0..24).map(|_| random.normal() as f32).collect();
        assert_eq!(before.act(&seen, None, &mut scratch), after.act(&seen, None, &mut scratch));
    }
    let walked = search(&file, &env, &objective(env.as_ref(), "targets")?, 5)?;
    assert_eq!(Some(&walked[0]), env.default_design().as_ref(), "a walk begins at its start");
    Ok(())
}

#[test]
fn what_does_not_fit_is_refused_with_the_reason() -> Result<(), Failure> {
    let folder = tempfile::tempdir()?;
    let plain = dram("(requests: 200)")?;
    let file = folder.path().join("policy.json");
    designs(plain.as_ref())?.save(&file)?;
    let goal = objective(plain.as_ref(), "low-power")?;
    let refused = |file: &Path, env: &Arc<dyn Env>, goal: &Objective| {
        search(file, env, goal, 3).err().unwrap_or_else(|| "it was accepted".into())
    };

    let wide = dram("(requests: 200, space: \"wide\")")?;
    let message = refused(&file, &wide, &objective(wide.as_ref(), "low-power")?);
    assert!(message.contains("parameter `RequestBufferSize` has other levels"), "{message}");
    let amplifier = env("opamp-autockt-v0", "(transient: false)")?;
    let message = refused(&file, &amplifier, &objective(amplifier.as_ref(), "targets")?);
    assert!(message.contains("it was trained on `dram-controller-v0`"), "{message}");
    let message = refused(&file, &plain, &objective(plain.as_ref(), "low-latency")?);
    assert!(message.contains("it was trained for low-power, not for `low-latency`"), "{message}");
    let message = refused(&folder.path().join("none.json"), &plain, &goal);
    assert!(message.contains("none.json"), "{message}");

    let text = std::fs::read_to_string(&file)?;
    let written = |text: &str| -> Result<std::path::PathBuf, Failure> {
        let file = folder.path().join("changed.json");
        std::fs::write(&file, text)?;
        Ok(file)
    };
    for (from, to, expected) in [
        ("\"version\":1", "\"version\":2", "this policy has version 2, this program reads version 1"),
        ("hwgym-policy", "something-else", "expected `hwgym-policy`"),
        ("\"row-hits\"", "\"hits\"", "it sees the features reads, hits,"),
        ("\"weights\":\"", "\"weights\":\"AAAA", "networks are damaged"),
        ("\"training\":", "\"trainnig\":", "the policy is damaged"),
    ] {
        assert!(text.contains(from), "{from}");
        let message = refused(&written(&text.replacen(from, to, 1))?, &plain, &goal);
        assert!(message.contains(expected), "{from}: {message}");
    }
    let message = refused(&written("not a policy")?, &plain, &goal);
    assert!(message.contains("this is no policy of `hwgym train`"), "{message}");
    let message = refused(&written(&text[..text.len() / 2])?, &plain, &goal);
    assert!(message.contains("changed.json"), "{message}");
    Ok(())
}
