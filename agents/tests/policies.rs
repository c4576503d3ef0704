//! Agents that learn a policy find known answers, and say what they cannot do.
#![cfg(feature = "neural")]

use std::sync::Arc;

use hwgym_agents::{AgentError, Evaluated, Problem, Registry};
use hwgym_envs::{Design, DesignSpace, Goal, Metric, Objective, Options, Outcome, Parameter, Score, Scorer};

/// Every agent of the family that learns while it searches.
const ALL: [&str; 7] = ["coma", "dqn", "ippo", "mappo", "ppo", "reinforce", "sac"];

fn scorer() -> Scorer {
    let objective = Objective::new("most", vec![Goal::Maximise("reward".into())]);
    match objective.scorer(&[Metric::maximise("reward", "1", "what is paid")]) {
        Ok(scorer) => scorer,
        Err(error) => panic!("{error}"),
    }
}

/// What an agent is paid, design by design.
fn play(
    agent: &str,
    options: &str,
    space: &DesignSpace,
    reward: &dyn Fn(&Design) -> f64,
    steps: usize,
    seed: u64,
) -> Vec<(Design, f64)> {
    let scorer = scorer();
    let problem = Problem::new(Arc::new(space.clone()), &scorer, Some(steps));
    let mut agent = match Registry::builtin().make(agent, &Options::ron(options), &problem, seed) {
        Ok(agent) => agent,
        Err(error) => panic!("{error}"),
    };
    let mut paid = Vec::new();
    while paid.len() < steps {
        for design in agent.ask(1) {
            let outcome = Outcome::feasible([reward(&design)]);
            paid.push((design.clone(), reward(&design)));
            let score = scorer.score(&outcome);
            agent.tell(&[Evaluated { design, outcome, score }]);
        }
    }
    paid
}

/// The share of the last 50 proposals that are the best design, repeats being allowed.
fn mastery(
    agent: &str,
    space: &DesignSpace,
    reward: &dyn Fn(&Design) -> f64,
    best: f64,
    steps: usize,
    seed: u64,
) -> f64 {
    let paid = play(agent, "(unique: false)", space, reward, steps, seed);
    paid[steps - 50..].iter().filter(|(_, r)| *r >= best).count() as f64 / 50.0
}

fn space(choices: usize, parameters: usize) -> DesignSpace {
    let parameters = (0..parameters)
        .map(|a| Parameter::categorical(&format!("agent{a}"), (0..choices).map(|c| c.to_string())));
    match DesignSpace::new(parameters.collect()) {
        Ok(space) => space,
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn a_ten_armed_bandit_is_solved_in_600_steps() {
    for agent in ALL {
        for seed in 1..=3 {
            let arms = |design: &Design| [0.1, 0.3, 0.2, 0.9, 0.4, 0.0, 0.5, 0.3, 0.6, 0.2][design.level(0)];
            let share = mastery(agent, &space(10, 1), &arms, 0.9, 600, seed);
            assert!(share >= 0.8, "{agent}, seed {seed}: the best arm in {share} of the last 50 steps");
        }
    }
}

/// Twelve switches in a row; what is paid is how far one comes from the left with all of them on. Of 4,096 designs one is best, and only the
/// earlier decisions say whether a later one matters.
#[test]
fn the_end_of_a_chain_is_reached() {
    let chain = |design: &Design| (0..12).take_while(|switch| design.level(*switch) == 1).count() as f64;
    for agent in ALL {
        // Values of single decisions take longer than policies to see what the last switch is worth.
        let steps = if ["dqn", "sac"].contains(&agent) { 2000 } else { 600 };
        let reached = (1..=3).filter(|seed| {
            play(agent, "()", &space(2, 12), &chain, steps, *seed).iter().any(|(_, r)| *r == 12.0)
        });
        assert_eq!(reached.count(), 3, "{agent}");
    }
}

#[test]
fn several_learners_coordinate_in_1500_steps() {
    for agent in ["coma", "ippo", "mappo"] {
        for (agents, choices) in [(2, 4), (4, 3)] {
            for seed in 1..=3 {
                // The payoff is the share of agents that do what the first one does. Every agreement is a solution; which one is reached is left
                // to the learners.
                let game = |design: &Design| {
                    let first = design.level(0);
                    (1..agents).filter(|a| design.level(*a) == first).count() as f64 / (agents - 1) as f64
                };
                let share = mastery(agent, &space(choices, agents), &game, 1.0, 1500, seed);
                assert!(
                    share >= 0.8,
                    "{agent}, {agents} agents, seed {seed}: agreement in {share} of the last 50"
                );
            }
        }
    }
}

/// Whether the parts do what they are named for: no design twice, and critics that choose.
#[test]
fn nothing_is_proposed_twice_until_nothing_is_left() {
    let level_sum = |design: &Design| design.coordinates().iter().sum::<f64>();
    for agent in ALL {
        for options in ["()", "(screen: 8)"] {
            let designs = play(agent, options, &space(5, 3), &level_sum, 140, 2);
            let mut seen = std::collections::HashSet::new();
            let repeated = designs.iter().position(|(design, _)| !seen.insert(design.clone()));
            assert!(repeated.is_none_or(|n| n >= 125), "{agent} {options}: repeated at {repeated:?} of 125");
            assert_eq!(seen.len(), 125, "{agent} {options}: all designs are found");
        }
    }
}

#[test]
fn critics_find_the_best_of_4096_designs_sooner() {
    // A sum of one-hot weights, which three critics learn in no time.
    let weights = |design: &Design| (0..6).map(|p| ((design.level(p) * 7 + p * 5) % 11) as f64).sum::<f64>();
    let soonest = |options: &str| {
        (1..=5)
            .map(|seed| {
                let paid = play("ppo", options, &space(4, 6), &weights, 400, seed);
                let best = paid.iter().map(|(_, r)| *r).fold(0.0, f64::max);
                paid.iter().position(|(_, r)| *r == best).unwrap_or(400)
            })
            .sum::<usize>()
    };
    let (plain, screened) = (soonest("()"), soonest("(screen: 32)"));
    assert!(screened < plain, "{screened} and {plain} evaluations over five seeds");
}

#[test]
fn a_batch_larger_than_the_budget_is_refused_by_name() {
    let problem = Problem::new(Arc::new(space(2, 2)), &scorer(), Some(10));
    for agent in ALL {
        let error = Registry::builtin().make(agent, &Options::ron("(batch: 64)"), &problem, 1).err();
        let error = error.or_else(|| {
            Registry::builtin().make(agent, &Options::ron("(batch: Some(64))"), &problem, 1).err()
        });
        let message = error.map(|e| e.to_string()).unwrap_or_default();
        assert!(message.contains("`batch` is 64") && message.contains("budget of 10"), "{agent}: {message}");
    }
}

#[test]
fn numbers_out_of_range_are_refused_by_name() {
    let problem = Problem::new(Arc::new(space(2, 2)), &scorer(), Some(100));
    for (agent, options, expected) in [
        ("ppo", "(clip: 1.5)", "`clip` is 1.5"),
        ("ppo", "(screen: 5000)", "`screen` is 5000"),
        ("ppo", "(restart: -1.0)", "`restart` is -1"),
        ("ppo", "(hidden: [0])", "`hidden` is [0]"),
        ("ippo", "(learning_rate: 0.0)", "`learning_rate` is 0"),
        ("mappo", "(value_rate: 2.0)", "`value_rate` is 2"),
        ("reinforce", "(entropy: -0.1)", "`entropy` is -0.1"),
        ("coma", "(critic_steps: 0)", "`critic_steps` is 0"),
        ("dqn", "(epsilon: 1.1)", "`epsilon` is 1.1"),
        ("sac", "(temperature: 0.0)", "`temperature` is 0"),
        ("sac", "(most_levels: 1)", "`most_levels` is 1"),
        ("ppo", "(sreen: 8)", "did you mean `screen`?"),
    ] {
        let error = Registry::builtin().make(agent, &Options::ron(options), &problem, 1).err();
        let message = error.map(|e| e.to_string()).unwrap_or_default();
        assert!(message.contains(expected), "{agent} {options}: {message}");
    }
}

#[test]
fn a_reward_that_is_no_number_ends_the_search_and_names_its_design() {
    for agent in ALL {
        let problem = Problem::new(Arc::new(space(5, 3)), &scorer(), Some(100));
        let Ok(mut search) = Registry::builtin().make(agent, &Options::none(), &problem, 3) else {
            panic!("{agent} is built in")
        };
        for number in 1..=9 {
            let design = search.ask(1).remove(0);
            let outcome = Outcome::feasible([1.0]);
            let reward = if number == 9 { f64::NAN } else { number as f64 };
            let score = Score { rewards: vec![reward], slacks: vec![], violation: 0.0, done: false };
            search.tell(&[Evaluated { design, outcome, score }]);
        }
        assert!(search.ask(1).is_empty());
        let reason = search.ended().unwrap_or_default();
        assert!(
            reason.contains("evaluation 9") && reason.contains("NaN") && reason.contains("agent0="),
            "{reason}"
        );
    }
}

/// The designs that an agent proposes when the reward is the sum of its levels.
fn trajectory(agent: &str, options: &str, steps: usize) -> Vec<Design> {
    let scorer = scorer();
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
    for agent in ALL {
        let pool = |threads| match rayon::ThreadPoolBuilder::new().num_threads(threads).build() {
            Ok(pool) => pool.install(|| trajectory(agent, "(screen: 8)", 96)),
            Err(error) => panic!("{error}"),
        };
        let alone = pool(1);
        assert_eq!(alone, pool(4), "{agent}");
        let beside_each_other: Vec<_> = std::thread::scope(|scope| {
            let threads: Vec<_> =
                (0..2).map(|_| scope.spawn(|| trajectory(agent, "(screen: 8)", 96))).collect();
            threads.into_iter().filter_map(|thread| thread.join().ok()).collect()
        });
        assert_eq!(beside_each_other, [alone.clone(), alone], "{agent}");
    }
}

#[test]
fn learners_are_shared_out_as_asked_and_bad_groups_are_refused() -> Result<(), AgentError> {
    let per_group = trajectory("ippo", "(learners: PerGroup)", 60);
    assert_eq!(per_group, trajectory("ippo", "(learners: PerParameter)", 60), "the space names no groups");
    assert_ne!(per_group, trajectory("ippo", "(learners: One)", 60));
    let one = "(learners: Groups([(name: \"all\", parameters: [\"agent0\", \"agent1\", \"agent2\"])]))";
    assert_eq!(
        trajectory("ippo", one, 60),
        trajectory("ippo", "(learners: One)", 60),
        "one group is one learner"
    );
    let same = "(form: Factored, value: false, entropy: 0.1, entropy_end: 0.0)";
    assert_eq!(trajectory("ippo", one, 60), trajectory("ppo", same, 60), "and one learner is `ppo`");

    let problem = Problem::new(Arc::new(space(2, 2)), &scorer(), Some(100));
    let groups = |groups: &str| format!("(learners: Groups([{groups}]))");
    for agent in ["coma", "ippo", "mappo"] {
        for (options, expected) in [
            (
                groups(
                    "(name: \"a\", parameters: [\"agent0\", \"agent1\"]), (name: \"b\", parameters: [\"agent1\"])",
                ),
                "parameter `agent1` is in group `a` and in group `b`",
            ),
            (groups("(name: \"a\", parameters: [\"agent0\"])"), "parameter `agent1` is in no group"),
            (groups("(name: \"a\", parameters: [\"agent0\", \"agnet1\"])"), "did you mean `agent1`?"),
            (groups(""), "at least one group"),
        ] {
            let error = Registry::builtin().make(agent, &Options::ron(options.clone()), &problem, 1).err();
            let message = error.map(|e| e.to_string()).unwrap_or_default();
            assert!(message.contains(expected), "{agent} {options}: {message}");
        }
    }
    Ok(())
}

/// A parameter that means nothing is neither learned from nor proposed at other than its first level.
#[test]
fn conditional_parameters_are_masked_and_the_branch_that_pays_is_found() {
    let parameters = vec![
        Parameter::categorical("arbiter", ["simple", "fifo"]),
        Parameter::integer("depth", 0, 7).when("arbiter", ["fifo"]),
    ];
    let Ok(space) = DesignSpace::new(parameters) else { panic!("the space is sound") };
    for agent in ALL {
        let pay = |design: &Design| {
            if design.level(0) == 0 {
                assert_eq!(design.level(1), 0, "an inactive parameter is at its first level");
                0.3
            } else {
                design.level(1) as f64 / 7.0
            }
        };
        let share = mastery(agent, &space, &pay, 1.0, 1000, 1);
        assert!(share >= 0.8, "{agent}: the best design in {share} of the last 50 steps");
    }
}

/// Results in another order, or never, do not stop the learning.
#[test]
fn results_may_come_out_of_order_or_not_at_all() {
    let scorer = scorer();
    let problem = Problem::new(Arc::new(space(8, 1)), &scorer, Some(1200));
    let Ok(mut agent) = Registry::builtin().make("ppo", &Options::ron("(unique: false)"), &problem, 1) else {
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
    assert!(last.iter().filter(|level| **level == 5).count() + 1 >= last.len(), "{last:?}");
}

/// Two goals that pull against each other: the Pareto front is every design with equal levels, eight of 64.
#[test]
fn several_goals_are_searched_by_what_a_design_adds_to_the_front() -> Result<(), Box<dyn std::error::Error>> {
    let metrics = [Metric::maximise("a", "1", "first"), Metric::maximise("b", "1", "second")];
    let objective = Objective::new("both", vec![Goal::Maximise("a".into()), Goal::Maximise("b".into())]);
    let scorer = objective.scorer(&metrics)?;
    let space = DesignSpace::new((0..4).map(|i| Parameter::integer(&format!("p{i}"), 0, 7)).collect())?;
    const STEPS: usize = 1000;
    for agent in ["ppo", "ippo"] {
        let problem = Problem::new(Arc::new(space.clone()), &scorer, Some(STEPS));
        let mut search = Registry::builtin().make(agent, &Options::none(), &problem, 1)?;
        let mut front = std::collections::HashSet::new();
        for _ in 0..STEPS {
            for design in search.ask(1) {
                let level = |p: usize| design.level(p) as f64;
                // The second pair has to agree with the first, and p0 + p1 is shared out among the goals.
                let waste = (level(2) - level(0)).abs()
                    + (level(3) - level(1)).abs()
                    + (level(0) + level(1) - 7.0).abs();
                if waste == 0.0 {
                    front.insert(design.level(0));
                }
                let outcome = Outcome::feasible([level(0) - waste, level(1) - waste]);
                let score = scorer.score(&outcome);
                search.tell(&[Evaluated { design, outcome, score }]);
            }
        }
        // Uniform drawing finds two of the eight in so many steps.
        assert!(front.len() >= 4, "{agent}: {} of 8 points of the front", front.len());
    }
    Ok(())
}
