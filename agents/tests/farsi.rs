//! The explorer meets the budgets of latency, power and area as soon as FARSI's own does, and serves nobody else's space.

use hwgym_agents::{AgentError, Evaluated, Problem, Registry};
use hwgym_envs::{Env, Fidelity, Options};

/// Evaluations until a design kept all budgets, within as many.
fn search(env: &dyn Env, options: &Options, seed: u64, budget: usize) -> Option<usize> {
    let objective = env.objectives().into_iter().next().unwrap();
    let problem = Problem::of(env, &objective, Some(budget)).unwrap();
    let scorer = objective.scorer(env.metrics()).unwrap();
    let distance = env.metrics().iter().position(|metric| metric.name == "distance").unwrap();
    let mut agent = Registry::builtin().make("farsi", options, &problem, seed).unwrap();
    for count in 1..=budget {
        let design = agent.ask(1).remove(0);
        env.space().validate(&design).unwrap();
        let outcome = env.evaluate(&design, Fidelity::FULL);
        if outcome.metrics().is_some_and(|metrics| metrics[distance] < 1e-8) {
            return Some(count);
        }
        let score = scorer.score(&outcome);
        agent.tell(&[Evaluated { design, outcome, score }]);
    }
    None
}

/// The most that FARSI's architecture-aware mode needed in three runs per task graph, as the median of 20 seeds.
#[test]
fn budgets_are_met_as_soon_as_by_the_reference() {
    for (workload, bar) in [("audio_decoder", 77), ("edge_detection", 78), ("hpvm_cava", 72)] {
        for compat in [false, true] {
            let options = Options::ron(format!("(workload: \"{workload}\", farsi_compat: {compat})"));
            let env = hwgym_envs::Registry::builtin().make("soc-v0", &options).unwrap();
            let met = (0..20).filter(|seed| search(&*env, &Options::none(), *seed, bar).is_some()).count();
            assert!(
                met > 10,
                "{workload}, FARSI's rules {compat}: {met} of 20 seeds within {bar} evaluations"
            );
        }
    }
}

#[test]
fn spaces_without_a_guide_are_refused_by_name() {
    let env = hwgym_envs::Registry::builtin().make("soc-limited-v0", &Options::none()).unwrap();
    let problem = Problem::of(&*env, &env.objectives()[0], None).unwrap();
    let error = Registry::builtin().make("farsi", &Options::none(), &problem, 1).err().unwrap();
    assert!(matches!(error, AgentError::Unsupported { .. }));
    assert!(error.to_string().contains("farsi") && error.to_string().contains("soc-v0"), "{error}");
}
