//! Time of ten suggestions from 100 observations on, in 10 dimensions: `cargo bench -p hwgym-agents`. Ten, because models are not learned
//! anew at each.

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use hwgym_agents::{Agent, Evaluated, Problem, Registry};
use hwgym_envs::{Design, DesignSpace, Goal, Metric, Objective, Options, Outcome, Parameter, Scorer};

fn evaluated(design: Design, scorer: &Scorer) -> Evaluated {
    let sum: f64 = design.coordinates().iter().map(|c| c * c - (3.0 * c).cos()).sum();
    let outcome = Outcome::feasible([sum]);
    let score = scorer.score(&outcome);
    Evaluated { design, outcome, score }
}

fn suggestion(criterion: &mut Criterion) {
    let space = DesignSpace::new((0..10).map(|i| Parameter::real(&format!("x{i}"), -2.0, 2.0)).collect());
    let objective = Objective::new("sum", vec![Goal::Minimise("y".into())]);
    let scorer = objective.scorer(&[Metric::minimise("y", "1", "sum")]);
    let (Ok(space), Ok(scorer)) = (space, scorer) else { return };
    let problem = Problem::new(Arc::new(space), &scorer, Some(200));
    let mut group = criterion.benchmark_group("ten suggestions from 100 observations on, 10 dimensions");
    group.sample_size(10).warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(2));
    for id in
        ["bayesian", "turbo", "tpe", "cma-es", "differential-evolution", "genetic", "nsga2", "ant-colony"]
    {
        // Each sample drives a fresh search to 100 observations and times the ten proposals after them.
        group.bench_function(id, |bencher| {
            bencher.iter_batched(
                || {
                    let mut agent = Registry::builtin().make(id, &Options::none(), &problem, 1).ok()?;
                    for _ in 0..100 {
                        let results: Vec<_> =
                            agent.ask(1).into_iter().map(|d| evaluated(d, &scorer)).collect();
                        agent.tell(&results);
                    }
                    Some(agent)
                },
                |agent: Option<Box<dyn Agent>>| {
                    let mut agent = agent?;
                    for _ in 0..10 {
                        let results: Vec<_> =
                            agent.ask(1).into_iter().map(|d| evaluated(d, &scorer)).collect();
                        agent.tell(black_box(&results));
                    }
                    Some(agent)
                },
                BatchSize::PerIteration,
            );
        });
    }
    group.finish();
}

criterion_group!(benches, suggestion);
criterion_main!(benches);
