//! External agents: one that works, and every way to break.

use std::sync::Arc;

use hwgym_agents::{Agent, Evaluated, Problem, Registry};
use hwgym_envs::{DesignSpace, EnvError, Goal, Metric, Objective, Options, Outcome, Parameter, Scorer};

type Failure = Box<dyn std::error::Error>;

fn problem() -> Result<(Problem, Scorer), EnvError> {
    let space = DesignSpace::new(vec![
        Parameter::real("x", -1.0, 1.0),
        Parameter::integer("n", 1, 5),
        Parameter::categorical("kind", ["a", "b"]),
        Parameter::boolean("flag"),
    ])?;
    let objective = Objective::new("least", vec![Goal::Minimise("y".into())]);
    let scorer = objective.scorer(&[Metric::minimise("y", "1", "sum")])?;
    Ok((Problem::new(Arc::new(space), &scorer, Some(40)), scorer))
}

fn agent(command: &[&str], time_limit_s: f64) -> Result<Box<dyn Agent>, Failure> {
    let options = Options::ron(format!("(command: {command:?}, time_limit_s: {time_limit_s:?})"));
    Ok(Registry::builtin().make("external", &options, &problem()?.0, 7)?)
}

fn python() -> Option<&'static str> {
    ["python3", "python"].into_iter().find(|name| {
        std::process::Command::new(name).arg("--version").output().is_ok_and(|o| o.status.success())
    })
}

#[test]
fn the_python_example_searches_and_repeats_itself() -> Result<(), Failure> {
    let Some(python) = python() else { return Ok(()) };
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/external_agent.py");
    let (problem, scorer) = problem()?;
    let run = || -> Result<Vec<f64>, Failure> {
        let mut agent = agent(&[python, script], 30.0)?;
        let mut rewards = Vec::new();
        while rewards.len() < 40 {
            let designs = agent.ask(2);
            assert_eq!(designs.len(), 2, "{:?}", agent.ended());
            let results: Vec<Evaluated> = designs
                .into_iter()
                .map(|design| {
                    let y = problem.space.number(&design, 0).abs() + problem.space.number(&design, 1);
                    let outcome = Outcome::feasible([y]);
                    let score = scorer.score(&outcome);
                    Evaluated { design, outcome, score }
                })
                .collect();
            rewards.extend(results.iter().map(Evaluated::reward));
            agent.tell(&results);
        }
        Ok(rewards)
    };
    let first = run()?;
    assert_eq!(first, run()?);
    assert!(first.iter().copied().fold(f64::NEG_INFINITY, f64::max) > -1.5);
    Ok(())
}

#[test]
fn every_way_to_break_ends_the_trial_and_says_why() -> Result<(), Failure> {
    let shell = |script: &str| agent(&["sh", "-c", script], 1.0);
    for (script, expected) in [
        ("echo no licence >&2; exit 3", "it said: no licence"),
        ("read a; read b; echo hello", "`hello` is not"),
        (
            "read a; read b; echo '{\"designs\": [{\"x\": 7, \"n\": 1, \"kind\": \"a\", \"flag\": true}]}'",
            "outside the space",
        ),
        (
            "read a; read b; echo '{\"designs\": [{\"x\": 0, \"n\": 1, \"kind\": \"c\", \"flag\": true}]}'",
            "outside the space",
        ),
        ("read a; read b; echo '{\"designs\": [{\"x\": 0}, {\"x\": 0}]}'", "asked for 1 designs and gave 2"),
        ("read a; read b; echo '{\"designs\": [{\"x\": 0}]}'", "`n` has no value"),
        ("sleep 30", "did not answer within 1 s"),
    ] {
        let mut agent = shell(script)?;
        assert!(agent.ask(1).is_empty(), "{script}");
        let ended = agent.ended().unwrap_or_default().to_string();
        assert!(ended.contains(expected), "{script}: {ended}");
        agent.tell(&[]);
        assert!(agent.ask(1).is_empty());
    }
    let mut missing = agent(&["/no/such/program"], 1.0)?;
    assert!(missing.ask(1).is_empty());
    assert!(missing.ended().is_some_and(|e| e.contains("cannot be started")));
    Ok(())
}

#[test]
fn an_external_agent_without_a_program_is_refused() -> Result<(), Failure> {
    let made = Registry::builtin().make("external", &Options::none(), &problem()?.0, 1);
    assert!(made.err().is_some_and(|e| e.to_string().contains("no program is given")));
    Ok(())
}
