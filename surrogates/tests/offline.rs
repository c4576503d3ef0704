//! Offline search: what a data set promises, on a space small enough to know.

use std::sync::Arc;

use hwgym_envs::enumerate::Enumeration;
use hwgym_envs::pareto::{front, hypervolume};
use hwgym_envs::{Design, DesignSpace, Env, Fidelity, Goal, Metric, Objective, Outcome, Parameter, Scorer};
use hwgym_surrogates::offline::{OfflineSearch, Proposal};
use hwgym_surrogates::{Dataset, SurrogateError};

type Tried<T = ()> = Result<T, SurrogateError>;

/// More units and a larger cache take less time and more area; too large ones do not fit.
struct Machine {
    space: DesignSpace,
    metrics: Vec<Metric>,
}

fn machine() -> Tried<Arc<dyn Env>> {
    let space = DesignSpace::new(vec![
        Parameter::integer("units", 1, 16),
        Parameter::integer("cache", 0, 15),
        Parameter::integer("ports", 1, 4),
    ])
    .map_err(hwgym_envs::EnvError::from)?;
    let metrics =
        vec![Metric::minimise("time", "s", "how long it takes"), Metric::minimise("area", "mm2", "its size")];
    Ok(Arc::new(Machine { space, metrics }))
}

impl Env for Machine {
    fn id(&self) -> &str {
        "machine-v0"
    }
    fn space(&self) -> &DesignSpace {
        &self.space
    }
    fn metrics(&self) -> &[Metric] {
        &self.metrics
    }
    fn evaluate(&self, design: &Design, _: Fidelity) -> Outcome {
        let [units, cache, ports] = [0, 1, 2].map(|parameter| self.space.number(design, parameter));
        let area = units * (1.0 + 0.2 * ports) + 0.7 * cache;
        if area > 30.0 {
            return Outcome::infeasible("area", area - 30.0);
        }
        let starved = (units / (1.0 + ports)).max(1.0);
        Outcome::feasible([100.0 / units * starved + 200.0 / (1.0 + cache), area])
    }
    fn objectives(&self) -> Vec<Objective> {
        let goals = ["time", "area"].map(|name| Goal::Optimise(name.into()));
        vec![Objective::new("both", goals.to_vec())]
    }
}

fn scorer(env: &dyn Env) -> Tried<Scorer> {
    Ok(env.objectives()[0].scorer(env.metrics())?)
}

fn volume(scorer: &Scorer, rows: impl Iterator<Item = Vec<f64>>) -> f64 {
    let points: Vec<Vec<f64>> = rows.map(|row| scorer.score(&Outcome::feasible(row)).rewards).collect();
    hypervolume(&points, &[-320.0, -32.0])
}

fn worth(scorer: &Scorer, data: &Dataset, found: &[Proposal]) -> f64 {
    let found = found.iter().filter_map(|proposal| Some(proposal.outcome.metrics()?.to_vec()));
    volume(scorer, data.metrics.iter().cloned().chain(found))
}

#[test]
fn a_few_simulations_come_near_to_the_true_front() -> Tried {
    let env = machine()?;
    let scorer = scorer(env.as_ref())?;
    let data = Dataset::sample(&env, "()", 120, 1, &|| ());
    let whole = Enumeration::plan(&env)?.run();
    let truth = volume(&scorer, (0..whole.len()).filter_map(|row| Some(whole.row(row)?.to_vec())));
    let alone = worth(&scorer, &data, &[]);
    for rounds in [1, 3] {
        let search = OfflineSearch { simulations: 30, rounds, ..OfflineSearch::default() };
        let found = search.run(&env, &scorer, &data, &|| ())?;
        assert_eq!(found.len(), 30);
        let last = found.iter().map(|proposal| proposal.round).max();
        assert_eq!(last, Some(rounds - 1));
        let reached = worth(&scorer, &data, &found);
        assert!(reached > alone + 0.2 * (truth - alone), "{alone} before, {reached} of {truth}");
        // No design twice, and none that was known.
        let mut designs: Vec<&Design> = found.iter().map(|p| &p.design).chain(&data.designs).collect();
        designs.sort_by_key(|design| env.space().index_of(design));
        designs.dedup();
        assert_eq!(designs.len(), 30 + data.len());
    }
    Ok(())
}

#[test]
fn pessimism_promises_less() -> Tried {
    let env = machine()?;
    let scorer = scorer(env.as_ref())?;
    let data = Dataset::sample(&env, "()", 60, 2, &|| ());
    let promised = |pessimism: f64| -> Tried<f64> {
        let search = OfflineSearch { pessimism, simulations: 20, ..OfflineSearch::default() };
        let found = search.run(&env, &scorer, &data, &|| ())?;
        Ok(volume(&scorer, found.into_iter().map(|proposal| proposal.promised)))
    };
    assert!(promised(2.0)? < promised(0.0)?);
    Ok(())
}

#[test]
fn the_result_does_not_depend_on_threads() -> Tried {
    let env = machine()?;
    let scorer = scorer(env.as_ref())?;
    let data = Dataset::sample(&env, "()", 80, 3, &|| ());
    let search = OfflineSearch { simulations: 12, rounds: 2, ..OfflineSearch::default() };
    let on = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        pool.map(|pool| pool.install(|| search.run(&env, &scorer, &data, &|| ())))
    };
    let (one, three) = (on(1), on(3));
    match (one, three) {
        (Ok(one), Ok(three)) => assert_eq!(one?, three?),
        _ => panic!("no threads"),
    }
    Ok(())
}

#[test]
fn what_cannot_be_searched_is_refused() -> Tried {
    let env = machine()?;
    let scorer = scorer(env.as_ref())?;
    let data = Dataset::sample(&env, "()", 40, 4, &|| ());
    let refused = |search: OfflineSearch, data: &Dataset| {
        search.run(&env, &scorer, data, &|| ()).err().map_or(String::new(), |error| error.to_string())
    };
    let search = OfflineSearch::default();
    assert!(refused(OfflineSearch { members: 0, ..search.clone() }, &data).contains("bag"));
    assert!(refused(OfflineSearch { rounds: 0, ..search.clone() }, &data).contains("rounds"));
    assert!(refused(OfflineSearch { pessimism: f64::NAN, ..search.clone() }, &data).contains("pessimism"));
    assert!(refused(search.clone(), &data.select(&[0, 1, 2])).contains("3 design(s)"));
    let mut other = data.clone();
    other.origin.metrics.pop();
    assert!(refused(search, &other).contains("other metrics"));
    // The front of nothing is nothing.
    assert!(front(&[]).is_empty());
    Ok(())
}
