//! Orders and assignments are searched, not just drawn: after 300 evaluations every agent that learns is nearer to a known optimum than
//! uniform drawing is.

use std::sync::Arc;

use hwgym_agents::{Evaluated, Problem, Registry};
use hwgym_envs::{Design, DesignSpace, Goal, Metric, Objective, Options, Outcome, Parameter, Random};

const TASKS: usize = 9;

/// An order of nine items, and a place of three for each.
fn space() -> DesignSpace {
    let items: Vec<String> = (0..TASKS).map(|i| format!("t{i}")).collect();
    DesignSpace::new(vec![
        Parameter::permutation("order", items.clone()),
        Parameter::assignment("place", items, ["cpu", "dsp", "npu"]),
    ])
    .unwrap()
}

/// Weighted completion time on three machines that take the tasks in their order; each task runs best at one place.
fn cost(space: &DesignSpace, design: &Design) -> f64 {
    let (order, place) = (space.arrangement(design, 0), space.arrangement(design, 1));
    let mut clock = [0.0; 3];
    let mut cost = 0.0;
    for task in order {
        let duration = 1.0 + (task * 5 % 7) as f64;
        let at = place[task];
        clock[at] += if at == task % 3 { duration } else { 3.0 * duration };
        cost += clock[at] * (1.0 + (task * 3 % 5) as f64);
    }
    cost
}

/// Best cost of one run.
fn search(agents: &Registry, id: &str, seed: u64) -> f64 {
    let space = Arc::new(space());
    let objective = Objective::new("least", vec![Goal::Minimise("cost".into())]);
    let scorer = objective.scorer(&[Metric::minimise("cost", "1", "weighted completion time")]).unwrap();
    let problem = Problem::new(space.clone(), &scorer, Some(300));
    let mut agent = agents.make(id, &Options::none(), &problem, seed).unwrap();
    let (mut best, mut count) = (f64::INFINITY, 0);
    while count < 300 {
        let results: Vec<Evaluated> = agent
            .ask(1)
            .into_iter()
            .map(|design| {
                space.validate(&design).unwrap();
                let cost = cost(&space, &design);
                best = best.min(cost);
                let outcome = Outcome::feasible([cost]);
                let score = scorer.score(&outcome);
                Evaluated { design, outcome, score }
            })
            .collect();
        count += results.len();
        agent.tell(&results);
    }
    best
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

#[test]
fn every_agent_that_learns_beats_uniform_drawing() {
    let space = space();
    let drawn = (0..5).map(|seed| {
        let mut random = Random::new(seed);
        (0..300).map(|_| cost(&space, &space.sample(&mut random))).fold(f64::INFINITY, f64::min)
    });
    let drawn = median(drawn.collect());
    let agents = Registry::builtin();
    let native = ["hill-climber", "simulated-annealing", "genetic", "nsga2"];
    let unfolded = ["differential-evolution", "cma-es", "ant-colony", "tpe"];
    for id in native.into_iter().chain(unfolded) {
        let found = median((0..5).map(|seed| search(&agents, id, seed)).collect());
        assert!(found < drawn, "{id}: {found}, uniform drawing {drawn}");
    }
}
