//! What goes in wrong comes out as a clear error, or as a search that copes.

use std::sync::Arc;

use hwgym_agents::{AgentError, Evaluated, Problem, Registry};
use hwgym_envs::{
    Bound, Design, DesignSpace, EnvError, Goal, Metric, Objective, Options, Outcome, Parameter, Scorer,
};

fn problem(
    parameters: Vec<Parameter>,
    goals: usize,
    budget: Option<usize>,
) -> Result<(Problem, Scorer), EnvError> {
    let metrics = [Metric::minimise("a", "1", "first"), Metric::minimise("b", "1", "second")];
    let goals = metrics[..goals].iter().map(|m| Goal::Minimise(m.name.clone())).collect();
    let objective = Objective::new("test", goals).with_bounds(vec![Bound::at_most("b", 1e3)]);
    let scorer = objective.scorer(&metrics)?;
    Ok((Problem::new(Arc::new(DesignSpace::new(parameters)?), &scorer, budget), scorer))
}

fn reals(count: usize) -> Vec<Parameter> {
    (0..count).map(|i| Parameter::real(&format!("x{i}"), -1.0, 1.0)).collect()
}

/// Runs an agent; the number of designs it proposed.
fn run(
    id: &str,
    problem: &Problem,
    scorer: &Scorer,
    evaluations: usize,
    evaluate: fn(&Design, usize) -> Outcome,
) -> Result<Vec<Evaluated>, AgentError> {
    let mut agent = Registry::builtin().make(id, &Options::none(), problem, 3)?;
    let mut all = Vec::new();
    while all.len() < evaluations {
        let designs = agent.ask(1);
        let Some(design) = designs.into_iter().next() else { break };
        problem.space.validate(&design).map_err(EnvError::from)?;
        let outcome = evaluate(&design, all.len());
        let score = scorer.score(&outcome);
        let result = Evaluated { design, outcome, score };
        agent.tell(std::slice::from_ref(&result));
        all.push(result);
    }
    Ok(all)
}

fn ids() -> Vec<String> {
    Registry::builtin()
        .entries()
        .map(|e| e.id.clone())
        .filter(|id| id != "external" && id != "policy")
        .collect()
}

fn served(result: Result<Vec<Evaluated>, AgentError>) -> Result<Option<Vec<Evaluated>>, AgentError> {
    match result {
        Ok(all) => Ok(Some(all)),
        Err(AgentError::Unsupported { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

#[test]
fn a_space_of_categories_is_refused_by_cma_es_with_a_remedy() -> Result<(), EnvError> {
    let (problem, _) = problem(vec![Parameter::categorical("c", ["a", "b", "c"])], 1, None)?;
    let error = Registry::builtin().make("cma-es", &Options::none(), &problem, 1).err();
    let message = error.map(|e| e.to_string()).unwrap_or_default();
    assert!(message.contains("no parameter has an order") && message.contains("`genetic`"), "{message}");
    Ok(())
}

#[test]
fn hyperparameters_out_of_range_or_misspelt_are_refused() -> Result<(), EnvError> {
    let (problem, _) = problem(reals(2), 1, None)?;
    for (id, options, expected) in [
        ("genetic", "(population: 1)", "`population` is 1; expected an integer from 4 to 10000"),
        ("genetic", "(crossover: 1.5)", "`crossover` is 1.5"),
        ("ant-colony", "(greediness: -0.1)", "`greediness` is -0.1"),
        ("bayesian", "(noise: 0.0)", "`noise` is 0"),
        ("tpe", "(good_part: 0.9)", "`good_part` is 0.9"),
        ("turbo", "(lenght: 0.5)", "did you mean `length`?"),
        ("cma-es", "(deviation: \"big\")", "options:1:"),
        ("differential-evolution", "(step: 0.0)", "`step` is 0"),
        ("simulated-annealing", "(coldest: 2.0)", "`coldest` is 2"),
        ("hill-climber", "(patience: 0)", "`patience` is 0"),
        ("nsga2", "(population: 0)", "`population` is 0"),
        ("grid", "(levels: 1)", "`levels` is 1"),
        ("latin-hypercube", "(tries: 0)", "`tries` is 0"),
    ] {
        let made = Registry::builtin().make(id, &Options::ron(options), &problem, 1);
        let message = made.err().map(|e| e.to_string()).unwrap_or_default();
        assert!(message.contains(expected), "{id} {options}: {message}");
    }
    Ok(())
}

#[test]
fn documented_defaults_read_and_are_in_range() -> Result<(), EnvError> {
    let (problem, _) = problem(reals(2), 2, None)?;
    for entry in Registry::builtin().entries().filter(|e| e.id != "external") {
        let fields: Vec<String> =
            entry.hyperparameters.iter().map(|h| format!("{}: {}", h.name, h.default)).collect();
        match entry.make(&Options::ron(format!("({})", fields.join(", "))), &problem, 1) {
            Ok(_) | Err(AgentError::Unsupported { .. }) => {}
            Err(error) => panic!("{}: {error}", entry.id),
        }
    }
    Ok(())
}

#[test]
fn a_budget_smaller_than_the_initial_design_is_kept_and_still_used() -> Result<(), AgentError> {
    let (problem, scorer) = problem(reals(6), 1, Some(3))?;
    // Agents that learn in batches refuse such a budget by name: see `policies.rs`.
    let learners = ["coma", "dqn", "ippo", "mappo", "ppo", "reinforce", "sac"];
    for id in ids().into_iter().filter(|id| !learners.contains(&id.as_str())) {
        if let Some(all) =
            served(run(&id, &problem, &scorer, 3, |d, _| Outcome::feasible([d.coordinate(0), 0.0])))?
        {
            assert!(!all.is_empty() && all.len() <= 3, "{id}: {}", all.len());
        }
    }
    Ok(())
}

#[test]
fn nothing_feasible_nothing_finite_and_constants_do_not_stop_a_search() -> Result<(), AgentError> {
    let cases: [fn(&Design, usize) -> Outcome; 6] = [
        |_, _| Outcome::infeasible("never", 2.0),
        |_, _| Outcome::failed("broken"),
        |_, n| {
            if n % 3 == 0 {
                Outcome::feasible([f64::NAN, 0.0])
            } else {
                Outcome::feasible([1.0, f64::INFINITY])
            }
        },
        |_, _| Outcome::feasible([1.0, 0.0]),
        |_, n| Outcome::feasible([if n % 4 == 0 { 1e300 } else { -1e-300 }, 1e305]),
        |d, n| match n % 4 {
            0 => Outcome::TimedOut { limit_s: 1.0 },
            1 => Outcome::infeasible("sometimes", 1e-300),
            _ => Outcome::feasible([d.coordinate(0), 2e3 * d.coordinate(1)]),
        },
    ];
    for goals in [1, 2] {
        let mut parameters = reals(2);
        parameters.push(Parameter::categorical("c", ["a", "b"]));
        let (problem, scorer) = problem(parameters, goals, Some(24))?;
        for id in ids() {
            for (case, evaluate) in cases.iter().enumerate() {
                if let Some(all) = served(run(&id, &problem, &scorer, 24, *evaluate))? {
                    assert_eq!(all.len(), 24, "{id}, case {case}, {goals} goals");
                }
            }
        }
    }
    Ok(())
}

#[test]
fn model_based_agents_never_repeat_and_stop_when_the_space_is_used_up() -> Result<(), AgentError> {
    let parameters = vec![Parameter::categorical("c", ["a", "b", "c"]), Parameter::integer("n", 1, 4)];
    let (problem, scorer) = problem(parameters, 1, Some(40))?;
    for id in ["bayesian", "turbo", "model-based"] {
        let all =
            run(id, &problem, &scorer, 40, |d, _| Outcome::feasible([d.coordinate(1), d.coordinate(0)]))?;
        assert_eq!(all.len(), 12, "{id}");
    }
    Ok(())
}

#[test]
fn repeated_and_foreign_results_are_taken() -> Result<(), AgentError> {
    let (problem, scorer) = problem(reals(2), 1, Some(30))?;
    let foreign: Vec<Evaluated> = (0..6)
        .map(|n| {
            let design = Design::new(vec![0.1 * f64::from(n / 2), 0.0]);
            let outcome = Outcome::feasible([f64::from(n / 2), 0.0]);
            let score = scorer.score(&outcome);
            Evaluated { design, outcome, score }
        })
        .collect();
    for id in ids() {
        let agent = Registry::builtin().make(&id, &Options::none(), &problem, 1);
        let Ok(mut agent) = agent else { continue };
        agent.tell(&foreign);
        assert!(!agent.ask(3).is_empty(), "{id}");
        agent.tell(&foreign[..1]);
        assert!(!agent.ask(3).is_empty(), "{id}");
    }
    Ok(())
}

#[test]
fn two_hundred_dimensions_and_one_point_are_served() -> Result<(), AgentError> {
    let (large, scorer) = problem(reals(200), 1, Some(24))?;
    let (point, point_scorer) =
        problem(vec![Parameter::real("x", 2.0, 2.0), Parameter::integer("n", 3, 3)], 1, Some(24))
            .or_else(|_| problem(vec![Parameter::integer("n", 3, 3)], 1, Some(24)))?;
    for id in ids() {
        let sum: fn(&Design, usize) -> Outcome =
            |d, _| Outcome::feasible([d.coordinates().iter().map(|c| c * c).sum::<f64>(), 0.0]);
        if let Some(all) = served(run(&id, &large, &scorer, 24, sum))? {
            assert!(!all.is_empty(), "{id}");
        }
        if let Some(all) = served(run(&id, &point, &point_scorer, 6, sum))? {
            assert!(!all.is_empty(), "{id}");
        }
    }
    Ok(())
}

/// Rows of a table that jump, repeat themselves, or have no metrics: each is proposed once, and the search ends with the last.
#[test]
fn a_table_is_searched_to_its_last_row_whatever_its_rows_say() -> Result<(), AgentError> {
    let cases: [fn(&Design, usize) -> Outcome; 4] = [
        |d, n| Outcome::feasible([(d.coordinate(0) * 7.3).sin(), (n * n % 17) as f64]),
        |_, _| Outcome::feasible([1.0, 0.0]),
        |d, n| Outcome::feasible([if n % 3 == 0 { f64::NAN } else { d.coordinate(1) }, d.coordinate(0)]),
        |_, n| {
            if n % 2 == 0 { Outcome::failed("broken") } else { Outcome::feasible([n as f64, -(n as f64)]) }
        },
    ];
    let metrics = [Metric::minimise("a", "1", "first"), Metric::minimise("b", "1", "second")];
    let objective = Objective::new("test", vec![Goal::Minimise("a".into()), Goal::Minimise("b".into())]);
    let scorer = objective.scorer(&metrics)?;
    for rows in [1, 70] {
        let parameters = vec![Parameter::integer("m", 1, 100), Parameter::integer("n", 1, 100)];
        let row = |i: usize| Design::new(vec![(i * 37 % 100) as f64, (i * 61 % 100) as f64]);
        let space = DesignSpace::new(parameters).and_then(|s| s.with_listed((0..rows).map(row).collect()));
        let problem = Problem::new(Arc::new(space.map_err(EnvError::from)?), &scorer, Some(100));
        for (case, evaluate) in cases.iter().enumerate() {
            for id in ["bayesian", "bayesian-pareto"] {
                let all = run(id, &problem, &scorer, 100, *evaluate)?;
                assert_eq!(all.len(), rows, "{id}, case {case}");
            }
        }
    }
    Ok(())
}
