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

/// The designs that an agent proposes when the reward is the sum of its levels.
fn trajectory(agent: &str, options: &str, steps: usize) -> Vec<Design> {
    let objective = Objective::new("most", vec![Goal::Maximise("reward".into())]);
    let Ok(scorer) = objective.scorer(&[Metric::maximise("reward", "1", "what is paid")]) else {
        panic!("it fits")
    };
    let problem = Problem::new(Arc::new(space(5, 3)), &scorer, Some(steps));
    let mut agent = match Registry::builtin().make(agent, &Options::ron(options), &problem, 9) {
        Ok(agent) => agent,
        Err(error) => panic!("{error}"),
    };
    let mut designs = Vec::new();
    while designs.len() < steps {
        for design in agent.ask(4) {
            let outcome = Outcome::feasible([design.coordinates().iter().sum::<f64>()]);
            let score = scorer.score(&outcome);
            agent.tell(&[Evaluated { design: design.clone(), outcome, score }]);
            designs.push(design);
        }
    }
    designs
}

#[test]
fn a_seed_gives_the_same_designs_on_any_number_of_threads() {
    // Networks wide enough for a backend to share them out among threads.
    let options = "(hidden: [256, 256], batch: 64, epochs: 2)";
    for agent in ["ppo", "ippo"] {
        let pool = |threads| match rayon::ThreadPoolBuilder::new().num_threads(threads).build() {
            Ok(pool) => pool.install(|| trajectory(agent, options, 192)),
            Err(error) => panic!("{error}"),
        };
        let alone = pool(1);
        assert_eq!(alone, pool(4), "{agent}");
        let beside_each_other: Vec<_> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..2).map(|_| scope.spawn(|| trajectory(agent, options, 192))).collect();
            threads.into_iter().filter_map(|thread| thread.join().ok()).collect()
        });
        assert_eq!(beside_each_other, [alone.clone(), alone], "{agent}");
    }
}

#[test]
fn learners_are_shared_out_as_asked_and_bad_groups_are_refused() {
    let per_group = trajectory("ippo", "(learners: PerGroup)", 60);
    assert_eq!(per_group, trajectory("ippo", "(learners: PerParameter)", 60), "the space names no groups");
    let one = "(learners: Groups([(name: \"all\", parameters: [\"agent0\", \"agent1\", \"agent2\"])]))";
    assert_eq!(trajectory("ippo", one, 60), trajectory("ppo", "()", 60), "one group is one learner");

    let objective = Objective::new("most", vec![Goal::Maximise("reward".into())]);
    let Ok(scorer) = objective.scorer(&[Metric::maximise("reward", "1", "what is paid")]) else {
        panic!("it fits")
    };
    let problem = Problem::new(Arc::new(space(2, 2)), &scorer, Some(100));
    let groups = |groups: &str| format!("(learners: Groups([{groups}]))");
    for (agent, options, expected) in [
        (
            "ippo",
            groups(
                "(name: \"a\", parameters: [\"agent0\", \"agent1\"]), (name: \"b\", parameters: [\"agent1\"])",
            ),
            "parameter `agent1` is in group `a` and in group `b`",
        ),
        ("ippo", groups("(name: \"a\", parameters: [\"agent0\"])"), "parameter `agent1` is in no group"),
        ("ippo", groups("(name: \"a\", parameters: [\"agent0\", \"agnet1\"])"), "did you mean `agent1`?"),
        ("ppo", "(learners: PerParameter)".into(), "`ppo` is one learner"),
    ] {
        let error = Registry::builtin().make(agent, &Options::ron(options.clone()), &problem, 1).err();
        let message = error.map(|e| e.to_string()).unwrap_or_default();
        assert!(message.contains(expected), "{agent} {options}: {message}");
    }
}

/// A parameter that means nothing is neither learned from nor proposed at other than its first level.
#[test]
fn conditional_parameters_are_masked_and_the_branch_that_pays_is_found() {
    let parameters = vec![
        Parameter::categorical("arbiter", ["simple", "fifo"]),
        Parameter::integer("depth", 0, 7).when("arbiter", ["fifo"]),
    ];
    let Ok(space) = DesignSpace::new(parameters) else { panic!("the space is sound") };
    for agent in ["ppo", "ippo"] {
        let pay = |design: &Design| {
            if design.level(0) == 0 {
                assert_eq!(design.level(1), 0, "an inactive parameter is at its first level");
                0.3
            } else {
                design.level(1) as f64 / 7.0
            }
        };
        let share = mastery(agent, space.clone(), pay, 1.0, 1000, 1);
        assert!(share >= 0.8, "{agent}: the best design in {share} of the last 50 steps");
    }
}

/// Results in another order, twice, or of designs that nobody proposed do not stop the learning.
#[test]
fn results_may_come_out_of_order_or_not_at_all() {
    let objective = Objective::new("most", vec![Goal::Maximise("reward".into())]);
    let Ok(scorer) = objective.scorer(&[Metric::maximise("reward", "1", "what is paid")]) else {
        panic!("it fits")
    };
    let problem = Problem::new(Arc::new(space(8, 1)), &scorer, Some(1200));
    let Ok(mut agent) = Registry::builtin().make("ppo", &Options::none(), &problem, 1) else {
        panic!("it is built in")
    };
    let mut last = Vec::new();
    for _ in 0..300 {
        let mut designs = agent.ask(4);
        designs.reverse();
        designs.pop();
        last = designs.iter().map(|design| design.level(0)).collect();
        let results: Vec<Evaluated> = designs
            .into_iter()
            .map(|design| {
                let outcome = Outcome::feasible([f64::from(u8::from(design.level(0) == 5))]);
                let score = scorer.score(&outcome);
                Evaluated { design, outcome, score }
            })
            .collect();
        agent.tell(&results);
    }
    assert!(last.iter().all(|level| *level == 5), "{last:?}");
}
