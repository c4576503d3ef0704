//! The conformance kit for agents: what `hwgym agent check` runs, and what third parties run on their own.

use std::sync::Arc;

use hwgym_envs::conformance::Report;
use hwgym_envs::guide::{Aim, Diagnosis, Figure, Guide, Move};
use hwgym_envs::{
    Design, DesignSpace, FidelityLevel, Goal, Group, Metric, Objective, Options, Outcome, Parameter, Scorer,
    SpaceError,
};

use crate::{AgentEntry, AgentError, Evaluated, Goals, Problem, Registry};

const BUDGET: usize = 40;

/// Checks the promises that [`Agent`](crate::Agent) makes, on small spaces of every kind.
///
/// A space that the agent says it cannot serve ([`AgentError::Unsupported`]) is passed over, but one must remain.
pub fn check_agent(registry: &Registry, id: &str, seed: u64) -> Report {
    let mut report = Report::default();
    let mut served = 0;
    match registry.get(id) {
        Ok(entry) => check_goals(&mut report, entry, seed),
        Err(error) => report.rule("it is registered", Err(error.to_string())),
    }
    for (name, task) in tasks() {
        let task = match task {
            Ok(task) => task,
            Err(error) => {
                report.rule(name, Err(error.to_string()));
                continue;
            }
        };
        let Ok(entry) = registry.get(id) else { continue };
        match entry.make(&Options::none(), &task.problem, seed) {
            Err(AgentError::Unsupported { .. }) => continue,
            Err(error) => report.rule(name, Err(error.to_string())),
            Ok(_) => {
                served += 1;
                report.rule(name, task.check(entry, seed));
            }
        }
    }
    report.rule(
        "some space is served",
        if served > 0 { Ok(()) } else { Err("every space was refused".into()) },
    );
    report
}

/// What an agent says of its goals is what it does; and one that keeps several apart does not care for their units.
fn check_goals(report: &mut Report, entry: &AgentEntry, seed: u64) {
    let space = DesignSpace::new(vec![Parameter::integer("a", 0, 9), Parameter::real("b", 0.0, 1.0)]);
    fn goals(design: &hwgym_envs::Design, unit: f64) -> Outcome {
        let (a, b) = (design.coordinate(0), design.coordinate(1));
        Outcome::feasible([unit * (a + b), (a - 7.0).powi(2) + 3.0 * (b - 0.5).powi(2)])
    }
    let plain: Evaluate = |_, design| goals(design, 1.0);
    let scaled: Evaluate = |_, design| goals(design, 1024.0);
    let task = |goals, evaluate| task(space.clone(), goals, evaluate).map_err(|error| error.to_string());
    let make = |goals: usize| {
        let task = task(goals, plain)?;
        Ok(match entry.make(&Options::none(), &task.problem, seed) {
            Ok(_) => true,
            Err(AgentError::Unsupported { .. }) => false,
            Err(error) => return Err(error.to_string()),
        })
    };
    let served = [1, 2].map(make);
    let expected = match entry.goals {
        Goals::One => [true, false],
        Goals::Any => [true, true],
        Goals::Several => [false, true],
    };
    let said = match served {
        [Ok(one), Ok(two)] if [one, two] == expected => Ok(()),
        // It serves spaces of another kind alone, such as those with a guide.
        [Ok(false), Ok(false)] => return,
        [Err(error), _] | [_, Err(error)] => Err(error),
        [Ok(one), Ok(two)] => Err(format!(
            "it says that it searches for {}, and serves one goal: {one}, two goals: {two}",
            entry.goals
        )),
    };
    report.rule("one goal or several, as it says", said);
    if entry.goals != Goals::One {
        let designs = |evaluate| -> Result<Vec<_>, String> {
            let results = task(2, evaluate)?.run(entry, seed, 1)?;
            Ok(results.into_iter().map(|result| result.design).collect())
        };
        let same = designs(plain).and_then(|plain| {
            let other = designs(scaled)?;
            match plain.iter().zip(&other).position(|(a, b)| a != b) {
                None => Ok(()),
                Some(at) => Err(format!(
                    "with one of two goals in a unit 1,024 times smaller, proposal {} is another one",
                    at + 1
                )),
            }
        });
        report.rule("goals are kept apart, whatever their units", same);
    }
}

type Evaluate = fn(&DesignSpace, &hwgym_envs::Design) -> Outcome;

struct Task {
    problem: Problem,
    scorer: Scorer,
    evaluate: Evaluate,
}

fn total(space: &DesignSpace, design: &hwgym_envs::Design) -> f64 {
    (0..space.len()).map(|i| space.parameters()[i].domain.to_unit(design.coordinate(i))).sum()
}

fn tasks() -> Vec<(&'static str, Result<Task, AgentError>)> {
    let mixed = || {
        vec![
            Parameter::categorical("kind", ["a", "b", "c"]),
            Parameter::boolean("flag"),
            Parameter::powers_of_two("size", 1, 64),
            Parameter::integer("count", 1, 9),
            Parameter::real("x", -1.0, 1.0),
            Parameter::log_real("y", 1e-6, 1.0).when("flag", [true]),
        ]
    };
    let arranged = || {
        vec![
            Parameter::boolean("mapped"),
            Parameter::permutation("order", ["a", "b", "c", "d"]),
            Parameter::assignment("place", ["x", "y", "z"], ["left", "right"]).when("mapped", [true]),
            Parameter::integer("count", 0, 3),
        ]
    };
    let discrete =
        || vec![Parameter::categorical("kind", ["a", "b", "c"]), Parameter::integer("count", 1, 30)];
    let reals = || (0..5).map(|i| Parameter::real(&format!("x{i}"), -2.0, 2.0)).collect::<Vec<_>>();
    let grouped = |space: DesignSpace| {
        space.with_groups(vec![Group::new("first", ["kind"]), Group::new("second", ["count"])])
    };
    let plain: fn(&DesignSpace, &hwgym_envs::Design) -> Outcome =
        |space, design| Outcome::feasible([total(space, design), 1.0 / (0.1 + total(space, design))]);
    let holes: fn(&DesignSpace, &hwgym_envs::Design) -> Outcome = |space, design| match total(space, design) {
        t if t < 0.6 => Outcome::infeasible("total below 0.6", 0.6 - t),
        t if t > 2.4 => Outcome::failed("total above 2.4"),
        t => Outcome::feasible([t, 1.0]),
    };
    let nothing: fn(&DesignSpace, &hwgym_envs::Design) -> Outcome =
        |space, design| Outcome::infeasible("never", 1.0 + total(space, design));
    let constant: fn(&DesignSpace, &hwgym_envs::Design) -> Outcome = |_, _| Outcome::feasible([1.0, 1.0]);
    vec![
        ("mixed space, one goal", task(DesignSpace::new(mixed()), 1, plain)),
        ("mixed space, two goals", task(DesignSpace::new(mixed()), 2, plain)),
        ("discrete space with groups", task(DesignSpace::new(discrete()).and_then(grouped), 1, plain)),
        ("orders and assignments", task(DesignSpace::new(arranged()), 1, plain)),
        ("orders and assignments, two goals", task(DesignSpace::new(arranged()), 2, plain)),
        ("real space", task(DesignSpace::new(reals()), 1, plain)),
        ("infeasible and failed designs", task(DesignSpace::new(reals()), 1, holes)),
        ("nothing is feasible", task(DesignSpace::new(discrete()), 1, nothing)),
        ("a constant objective", task(DesignSpace::new(mixed()), 1, constant)),
        ("a space with a cheaper level", task(DesignSpace::new(mixed()), 1, plain).map(levelled)),
        ("a space with a guide", task(DesignSpace::new(discrete()), 1, plain).map(guided)),
        ("a space of one design", task(DesignSpace::new(vec![Parameter::integer("only", 3, 3)]), 1, plain)),
    ]
}

fn task(
    space: Result<DesignSpace, SpaceError>,
    goals: usize,
    evaluate: Evaluate,
) -> Result<Task, AgentError> {
    let metrics = [Metric::minimise("total", "1", "sum"), Metric::minimise("inverse", "1", "its inverse")];
    let goals = metrics[..goals].iter().map(|m| Goal::Minimise(m.name.clone())).collect();
    let scorer = Objective::new("check", goals).scorer(&metrics)?;
    let space = Arc::new(space.map_err(hwgym_envs::EnvError::from)?);
    Ok(Task { problem: Problem::new(space, &scorer, Some(BUDGET)), scorer, evaluate })
}

/// The same task with a cheaper level of fidelity, on which the figures are off.
fn levelled(task: Task) -> Task {
    let level = |name: &str, relative_cost| FidelityLevel { name: name.into(), relative_cost };
    let fidelities = vec![level("full", 1.0), level("rough", 0.25)];
    Task { problem: Problem { fidelities, ..task.problem }, ..task }
}

/// The same task with a guide: every parameter is a part, and moves go to its neighbouring levels.
fn guided(task: Task) -> Task {
    let guide: Arc<dyn Guide> = Arc::new(Neighbours(task.problem.space.clone()));
    Task { problem: task.problem.clone().with_guide(Some(guide)), ..task }
}

struct Neighbours(Arc<DesignSpace>);

impl Guide for Neighbours {
    fn start(&self) -> Design {
        Design::new(self.0.parameters().iter().map(|parameter| parameter.domain.first()).collect::<Vec<_>>())
    }

    fn diagnose(&self, design: &Design) -> Option<Diagnosis> {
        let parts = design.coordinates().to_vec();
        let figure = Figure { name: "total".into(), excess: total(&self.0, design) - 0.5, parts };
        Some(Diagnosis { figures: vec![figure], cost: 0.0 })
    }

    fn moves(&self, design: &Design, aim: Aim) -> Vec<Move> {
        let levels = self.0.parameters()[aim.part].domain.cardinality().unwrap_or(1);
        let level = design.level(aim.part);
        let to = |level: usize, kind: &'static str| {
            let mut moved = design.clone();
            moved.set(aim.part, level as f64);
            Move { kind, design: moved }
        };
        let down = level.checked_sub(1).map(|level| to(level, "down"));
        let up = (level + 1 < levels).then(|| to(level + 1, "up"));
        down.into_iter().chain(up).collect()
    }
}

impl Task {
    fn check(&self, entry: &AgentEntry, seed: u64) -> Result<(), String> {
        let first = self.run(entry, seed, 1)?;
        if first != self.run(entry, seed, 1)? {
            return Err("two runs with one seed differ".into());
        }
        self.run(entry, seed, 7).map(drop)
    }

    /// A search of at most `BUDGET` evaluations, asked in batches. Errors: a design outside the space, too many designs.
    fn run(&self, entry: &AgentEntry, seed: u64, batch: usize) -> Result<Vec<Evaluated>, String> {
        let make = entry.make(&Options::none(), &self.problem, seed);
        let mut agent = make.map_err(|error| error.to_string())?;
        let mut all = Vec::new();
        while all.len() < BUDGET {
            let designs = agent.ask(batch.min(BUDGET - all.len()));
            if designs.len() > batch {
                return Err(format!("asked for {batch} designs, got {}", designs.len()));
            }
            if designs.is_empty() {
                break;
            }
            let level = usize::from(agent.fidelity().0);
            if level >= self.problem.fidelities.len().max(1) {
                return Err(format!("it asks for level {level} of fidelity, which there is not"));
            }
            let mut results = Vec::new();
            for design in designs {
                self.problem.space.validate(&design).map_err(|error| error.to_string())?;
                let mut outcome = (self.evaluate)(&self.problem.space, &design);
                if let (1.., Outcome::Feasible { metrics }) = (level, &mut outcome) {
                    metrics.iter_mut().for_each(|metric| *metric = 0.3 + 0.9 * *metric);
                }
                let score = self.scorer.score(&outcome);
                results.push(Evaluated { design, outcome, score });
            }
            agent.tell(&results);
            all.extend(results);
        }
        if all.is_empty() { Err("it proposed nothing at all".into()) } else { Ok(all) }
    }
}
