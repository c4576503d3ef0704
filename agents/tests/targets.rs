//! Targets, trained models and levels of fidelity: what agents make of them, and what is refused.

use std::sync::Arc;

use hwgym_agents::{AgentError, Evaluated, Problem, Registry};
use hwgym_envs::objective::Target;
use hwgym_envs::{
    Bound, Design, DesignSpace, Env, Fidelity, FidelityLevel, Goal, Metric, Objective, Options, Outcome,
    Parameter,
};
use hwgym_surrogates::model::Training;
use hwgym_surrogates::{Dataset, SurrogateModel};

type Failure = Box<dyn std::error::Error>;

/// What an agent was told, with the level.
type Told = Vec<(Fidelity, Evaluated)>;

/// An amplifier in closed form: products of powers, as circuits nearly are, and a corner where it does not work.
struct Amplifier {
    space: DesignSpace,
    metrics: Vec<Metric>,
    /// What the process is worth: 1 is typical.
    process: f64,
}

impl Amplifier {
    fn new(process: f64) -> Result<Self, Failure> {
        let parameters = ["w", "l", "ib", "cc", "r"].map(|name| Parameter::log_real(name, 1.0, 100.0));
        Ok(Self {
            space: DesignSpace::new(parameters.to_vec())?,
            metrics: vec![
                Metric::maximise("gain", "1", "w l / ib"),
                Metric::maximise("bandwidth", "Hz", "ib w / cc"),
                Metric::minimise("power", "W", "ib, and a little more for a wide device"),
                Metric::minimise("noise", "V", "1 / (w l cc), and r"),
            ],
            process,
        })
    }
}

impl Env for Amplifier {
    fn id(&self) -> &str {
        "amplifier-test-v0"
    }
    fn space(&self) -> &DesignSpace {
        &self.space
    }
    fn metrics(&self) -> &[Metric] {
        &self.metrics
    }
    fn evaluate(&self, design: &Design, level: Fidelity) -> Outcome {
        let value = |index| self.space.number(design, index);
        let (w, l, ib, cc, r) = (value(0), value(1), value(2), value(3), value(4));
        if ib * r > 2000.0 {
            return Outcome::infeasible("it biases", ib * r - 2000.0);
        }
        let p = self.process;
        let exact = [
            p * (w * l / ib).powf(0.7) * 30.0,
            1e5 * (ib * w).sqrt() / cc / p,
            ib * (1.0 + w / 300.0),
            10.0 / (w * l * cc).powf(0.4) + 0.05 * r.sqrt() * p,
        ];
        // The cheap level knows nothing of the resistor.
        let cheap = [exact[0] * 1.1, exact[1], exact[2], 10.0 / (w * l * cc).powf(0.4)];
        Outcome::feasible(if level == Fidelity::FULL { exact } else { cheap })
    }
    fn fidelities(&self) -> Vec<FidelityLevel> {
        let level = |name: &str, relative_cost| FidelityLevel { name: name.into(), relative_cost };
        vec![level("full", 1.0), level("without-resistor", 0.1)]
    }
}

const TARGETS: [(&str, f64); 4] = [("gain", 1500.0), ("bandwidth", 4e5), ("power", 3.0), ("noise", 0.45)];

fn targets() -> Objective {
    let target = |(metric, target): (&str, f64)| Target { metric: metric.into(), target, tolerance: 0.0 };
    Objective::new("targets", vec![Goal::Targets(TARGETS.map(target).to_vec())])
}

/// Evaluations until all targets are met, what they cost, and everything that was told with its level.
fn search(
    env: &dyn Env,
    objective: &Objective,
    (id, options): (&str, &str),
    seed: u64,
    (budget, batch): (usize, usize),
) -> Result<(Option<f64>, Told), Failure> {
    let scorer = objective.scorer(env.metrics())?;
    let problem = Problem::of(env, objective, Some(budget))?;
    let mut agent = Registry::builtin().make(id, &Options::ron(options), &problem, seed)?;
    let (mut all, mut cost) = (Vec::new(), 0.0);
    while all.len() < budget {
        let designs = agent.ask(batch);
        let level = agent.fidelity();
        let results: Vec<Evaluated> = designs
            .into_iter()
            .map(|design| {
                let outcome = env.evaluate(&design, level);
                let score = scorer.score(&outcome);
                Evaluated { design, outcome, score }
            })
            .collect();
        for result in &results {
            cost += env.fidelities()[usize::from(level.0)].relative_cost;
            all.push((level, result.clone()));
            if level == Fidelity::FULL && result.score.is_met() {
                return Ok((Some(cost), all));
            }
        }
        if results.is_empty() {
            break;
        }
        agent.tell(&results);
    }
    Ok((None, all))
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn costs(env: &dyn Env, objective: &Objective, agent: (&str, &str), batch: usize) -> Result<f64, Failure> {
    let runs = (1..=5).map(|seed| search(env, objective, agent, seed, (120, batch)));
    let costs: Result<Vec<f64>, Failure> = runs.map(|run| Ok(run?.0.unwrap_or(f64::INFINITY))).collect();
    Ok(median(costs?))
}

#[test]
fn slacks_of_targets_come_after_those_of_bounds_and_break_nothing() -> Result<(), Failure> {
    let metrics =
        [Metric::minimise("a", "1", ""), Metric::maximise("b", "1", ""), Metric::minimise("c", "1", "")];
    let target = |metric: &str, target, tolerance| Target { metric: metric.into(), target, tolerance };
    let goal = Goal::Targets(vec![target("a", 10.0, 0.1), target("b", -4.0, 0.0), target("c", 0.0, 0.0)]);
    let scorer =
        Objective::new("t", vec![goal]).with_bounds(vec![Bound::at_most("c", 8.0)]).scorer(&metrics)?;
    let problem = Problem::new(Arc::new(DesignSpace::new(vec![])?), &scorer, None);
    assert_eq!((problem.bounds, problem.targets, problem.is_specified()), (4, 3, true));
    assert_eq!(problem.metrics, ["a", "b", "c"]);
    let limits: Vec<(usize, f64, f64)> =
        problem.limits.iter().map(|limit| (limit.metric, limit.sign, limit.value)).collect();
    assert_eq!(limits, [(2, 1.0, 8.0), (0, 1.0, 11.0), (1, -1.0, -4.0), (2, 1.0, 0.0)]);
    let score = |metrics: [f64; 3]| scorer.score(&Outcome::feasible(metrics));
    let missed = score([13.0, -6.0, 4.0]);
    let expected = [-0.5, 0.2, 0.5, 4.0];
    assert!(missed.slacks.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-12), "{:?}", missed.slacks);
    assert!(missed.violation == 0.0 && missed.is_feasible() && !missed.is_met() && !missed.done);
    // The reward says met exactly where the slacks do, at the edge of the tolerance too.
    for a in [10.999_999, 11.0, 11.000_001] {
        let score = score([a, -4.0, -1.0]);
        assert_eq!(score.is_met(), score.rewards[0] == 0.0, "{a}");
        assert_eq!(score.is_met(), score.done, "{a}");
    }
    assert!(!score([0.0, 0.0, 9.0]).is_feasible());
    Ok(())
}

#[test]
fn among_several_goals_targets_are_bounds_to_a_scalarised_agent() -> Result<(), Failure> {
    let env = Amplifier::new(1.0)?;
    let mut objective = targets();
    objective.goals.push(Goal::Minimise("power".into()));
    let problem = Problem::of(&env, &objective, None)?;
    assert!(!problem.is_specified());
    let inside = hwgym_agents::wrappers::Scalarised::problem(&problem);
    assert!(!inside.is_specified() && inside.bounds == 4);
    Ok(())
}

#[test]
fn agents_with_models_meet_narrow_targets_soon() -> Result<(), Failure> {
    let env = Amplifier::new(1.0)?;
    let of = |agent, batch| costs(&env, &targets(), agent, batch);
    assert!(of(("random", "()"), 1)?.is_infinite(), "the targets are no longer narrow");
    for (agent, batch, most) in [
        ("model-based", 1, 20.0),
        ("model-based", 5, 30.0),
        ("bayesian", 1, 30.0),
        ("turbo", 1, 70.0),
        ("cma-es", 1, 119.0),
    ] {
        let cost = of((agent, "()"), batch)?;
        assert!(cost <= most, "{agent} in batches of {batch}: {cost}");
    }
    Ok(())
}

#[test]
fn a_goal_beside_bounds_is_lowered_after_they_are_met() -> Result<(), Failure> {
    let env = Amplifier::new(1.0)?;
    let bounds = vec![Bound::at_least("gain", 600.0), Bound::at_least("bandwidth", 2.5e5)];
    let objective = Objective::new("least", vec![Goal::Minimise("power".into())]).with_bounds(bounds);
    // Gain and bandwidth are free of the resistor: least current 1, wide and long: power is near 1.
    for (agent, most) in [("model-based", 2.0), ("multi-fidelity", 2.5)] {
        let (_, all) = {
            let scorer = objective.scorer(env.metrics())?;
            let problem = Problem::of(&env, &objective, Some(60))?;
            let mut agent = Registry::builtin().make(agent, &Options::none(), &problem, 2)?;
            let mut all = Vec::new();
            let mut cost = 0.0;
            while cost < 40.0 {
                let designs = agent.ask(1);
                let level = agent.fidelity();
                let Some(design) = designs.into_iter().next() else { break };
                let outcome = env.evaluate(&design, level);
                cost += env.fidelities()[usize::from(level.0)].relative_cost;
                let score = scorer.score(&outcome);
                let result = Evaluated { design, outcome, score };
                agent.tell(std::slice::from_ref(&result));
                all.push((level, result));
            }
            (cost, all)
        };
        let best = all
            .iter()
            .filter(|(level, result)| *level == Fidelity::FULL && result.score.is_met())
            .filter_map(|(_, result)| result.score.reward())
            .fold(f64::NEG_INFINITY, f64::max);
        assert!(-best <= most, "{agent}: {}", -best);
    }
    Ok(())
}

#[test]
fn multi_fidelity_looks_before_it_leaps_and_pays_less() -> Result<(), Failure> {
    let env = Amplifier::new(1.0)?;
    let (met, all) = search(&env, &targets(), ("multi-fidelity", "()"), 3, (300, 1))?;
    assert!(met.is_some(), "not met in {} evaluations", all.len());
    assert_eq!(all[0].0, Fidelity(1), "the first is a look");
    for (at, (level, result)) in all.iter().enumerate() {
        let looked =
            all[..at].iter().any(|(l, earlier)| *l == Fidelity(1) && earlier.design == result.design);
        assert_eq!(*level == Fidelity::FULL, looked, "evaluation {at}");
    }
    let single = costs(&env, &targets(), ("model-based", "()"), 1)?;
    let runs = (1..=5).map(|seed| search(&env, &targets(), ("multi-fidelity", "()"), seed, (300, 1)));
    let costs: Result<Vec<f64>, Failure> = runs.map(|run| Ok(run?.0.unwrap_or(f64::INFINITY))).collect();
    let several = median(costs?);
    assert!(several < 0.6 * single, "{several} against {single}");
    // In batches, all of a batch at one level.
    assert!(search(&env, &targets(), ("multi-fidelity", "()"), 3, (300, 7))?.0.is_some());
    Ok(())
}

#[test]
fn levels_that_there_are_not_are_refused_by_name() -> Result<(), Failure> {
    let env = Amplifier::new(1.0)?;
    let problem = Problem::of(&env, &targets(), None)?;
    let made = |options: &str, problem: &Problem| {
        let made = Registry::builtin().make("multi-fidelity", &Options::ron(options), problem, 1);
        made.err().map(|error| error.to_string()).unwrap_or_default()
    };
    assert_eq!(made("(level: Some(\"without-resistor\"))", &problem), "");
    let message = made("(level: Some(\"first-half\"))", &problem);
    assert!(message.contains("`first-half`") && message.contains("`without-resistor`"), "{message}");
    let message = made("()", &Problem { fidelities: Vec::new(), ..problem });
    assert!(
        message.contains("no level of fidelity that is cheaper") && message.contains("`bayesian`"),
        "{message}"
    );
    Ok(())
}

fn trained(folder: &std::path::Path, process: f64) -> Result<std::path::PathBuf, Failure> {
    let env: Arc<dyn Env> = Arc::new(Amplifier::new(process)?);
    let data = Dataset::sample(&env, "()", 300, 5, &|| ());
    let model = SurrogateModel::train(
        &hwgym_surrogates::Registry::builtin(),
        &Training::new("gaussian-process"),
        &data,
    )?;
    let path = folder.join(format!("process-{process}.json"));
    model.save(&path)?;
    Ok(path)
}

#[test]
fn a_model_of_another_corner_saves_most_simulations() -> Result<(), Failure> {
    let folder = tempfile::tempdir()?;
    let env = Amplifier::new(1.0)?;
    for (process, most) in [(1.0, 2.0), (1.3, 8.0)] {
        let options = format!("(pretrained: Some({:?}))", trained(folder.path(), process)?);
        let cost = costs(&env, &targets(), ("model-based", &options), 1)?;
        assert!(cost <= most, "trained on process {process}: {cost}");
    }
    Ok(())
}

#[test]
fn trained_models_that_do_not_fit_are_refused() -> Result<(), Failure> {
    let folder = tempfile::tempdir()?;
    let path = trained(folder.path(), 1.0)?;
    let make = |path: &std::path::Path, problem: &Problem| -> Result<String, AgentError> {
        let options = Options::ron(format!("(pretrained: Some({path:?}))"));
        let made = Registry::builtin().make("model-based", &options, problem, 1);
        Ok(made.err().map(|error| error.to_string()).unwrap_or_default())
    };
    let env = Amplifier::new(1.0)?;
    let problem = Problem::of(&env, &targets(), None)?;
    assert_eq!(make(&path, &problem)?, "");
    let none = make(&folder.path().join("nothing.json"), &problem)?;
    assert!(none.contains("nothing.json"), "{none}");
    let text = std::fs::read_to_string(&path)?;
    let garbage = folder.path().join("garbage.json");
    std::fs::write(&garbage, &text[..text.len() / 2])?;
    let message = make(&garbage, &problem)?;
    assert!(message.contains("no model file"), "{message}");
    let space = Arc::new(DesignSpace::new(vec![Parameter::real("x", 0.0, 1.0)])?);
    let message = make(&path, &Problem { space, ..problem.clone() })?;
    assert!(message.contains("another space") && message.contains("amplifier-test-v0"), "{message}");
    let mut metrics = problem.metrics.clone();
    metrics[3] = "settling".into();
    let message = make(&path, &Problem { metrics, ..problem })?;
    assert!(message.contains("`settling`") && message.contains("gain, bandwidth"), "{message}");
    Ok(())
}
