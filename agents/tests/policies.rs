//! Policy-gradient agents find known answers: a bandit, and coordination games in which no agent succeeds alone.
#![cfg(feature = "neural")]

use std::sync::Arc;

use hwgym_agents::{Evaluated, Problem, Registry};
use hwgym_envs::{Design, DesignSpace, Goal, Metric, Objective, Options, Outcome, Parameter};

/// The share of the last 50 proposals that are the best design, after `steps` evaluations.
fn mastery(
    agent: &str,
    space: DesignSpace,
    reward: impl Fn(&Design) -> f64,
    best: f64,
    steps: usize,
    seed: u64,
) -> f64 {
    let objective = Objective::new("most", vec![Goal::Maximise("reward".into())]);
    let scorer = match objective.scorer(&[Metric::maximise("reward", "1", "what is paid")]) {
        Ok(scorer) => scorer,
        Err(error) => panic!("{error}"),
    };
    let problem = Problem::new(Arc::new(space), &scorer, Some(steps));
    let mut agent = match Registry::builtin().make(agent, &Options::none(), &problem, seed) {
        Ok(agent) => agent,
        Err(error) => panic!("{error}"),
    };
    let mut paid = Vec::new();
    while paid.len() < steps {
        for design in agent.ask(1) {
            let outcome = Outcome::feasible([reward(&design)]);
            paid.push(reward(&design));
            let score = scorer.score(&outcome);
            agent.tell(&[Evaluated { design, outcome, score }]);
        }
    }
    paid[steps - 50..].iter().filter(|r| **r >= best).count() as f64 / 50.0
}

fn space(arms: usize, agents: usize) -> DesignSpace {
    let parameters =
        (0..agents).map(|a| Parameter::categorical(&format!("agent{a}"), (0..arms).map(|c| c.to_string())));
    match DesignSpace::new(parameters.collect()) {
        Ok(space) => space,
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn a_ten_armed_bandit_is_solved_in_600_steps() {
    for agent in ["ppo", "ippo"] {
        for seed in 1..=3 {
            let arms = |design: &Design| [0.1, 0.3, 0.2, 0.9, 0.4, 0.0, 0.5, 0.3, 0.6, 0.2][design.level(0)];
            let share = mastery(agent, space(10, 1), arms, 0.9, 600, seed);
            assert!(share >= 0.8, "{agent}, seed {seed}: the best arm in {share} of the last 50 steps");
        }
    }
}

#[test]
fn independent_learners_coordinate_two_and_four_agents_in_1500_steps() {
    for (agents, choices) in [(2, 4), (4, 3)] {
        for seed in 1..=3 {
            // A pure coordination game: the payoff is the share of agents that do what the first one does. Every agreement is a solution; which
            // one is reached is left to the learners. (With unequal agreements independent learners may settle on a lesser one.)
            let game = |design: &Design| {
                let first = design.level(0);
                (1..agents).filter(|a| design.level(*a) == first).count() as f64 / (agents - 1) as f64
            };
            let share = mastery("ippo", space(choices, agents), game, 1.0, 1500, seed);
            assert!(share >= 0.8, "{agents} agents, seed {seed}: agreement in {share} of the last 50 steps");
        }
    }
}

#[test]
fn a_batch_larger_than_the_budget_is_refused_by_name() {
    let objective = Objective::new("most", vec![Goal::Maximise("reward".into())]);
    let Ok(scorer) = objective.scorer(&[Metric::maximise("reward", "1", "what is paid")]) else {
        panic!("it fits")
    };
    let problem = Problem::new(Arc::new(space(2, 2)), &scorer, Some(10));
    let error = Registry::builtin().make("ippo", &Options::ron("(batch: 64)"), &problem, 1).err();
    let message = error.map(|e| e.to_string()).unwrap_or_default();
    assert!(message.contains("`batch` is 64") && message.contains("budget of 10"), "{message}");
}

#[test]
fn draws_do_not_depend_on_other_agents_in_the_process() {
    let run = || {
        let game = |design: &Design| design.level(0) as f64;
        mastery("ppo", space(5, 2), game, 4.0, 200, 9)
    };
    let alone = run();
    let together: Vec<f64> = std::thread::scope(|scope| {
        (0..3)
            .map(|_| scope.spawn(run))
            .collect::<Vec<_>>()
            .into_iter()
            .filter_map(|t| t.join().ok())
            .collect()
    });
    assert_eq!(together, [alone; 3]);
}
