//! What an environment promises.

use std::collections::HashSet;

use super::Report;
use crate::space::SpaceError;
use crate::{Design, Encoding, Env, Fidelity, Outcome, Random};

/// Checks the promises that [`Env`] makes, on designs drawn with this seed.
pub fn check_env(env: &dyn Env, seed: u64) -> Report {
    let mut report = Report::default();
    let designs = draw(env, seed, 12);
    report.rule("the id is versioned", versioned(env.id()));
    report.rule("metrics have unique names, units and definitions", metrics(env));
    report.rule("named objectives fit the metrics", objectives(env));
    report.rule("groups partition the parameters", groups(env));
    report.rule(
        "designs survive the way to values and back",
        round_trips(env, &designs).map_err(|e| e.to_string()),
    );
    report.rule("designs survive every encoding", encodings(env, &designs));
    report.rule("enumeration is the inverse of indexing", enumeration(env));
    let outcomes: Vec<_> = designs.iter().map(|d| env.evaluate(d, Fidelity::FULL)).collect();
    report.rule("outcomes are well-formed", outcomes.iter().try_for_each(|o| well_formed(env, o)));
    report.rule("evaluation is deterministic, on any thread", deterministic(env, &designs, &outcomes));
    report.rule("canonical designs have the same outcome", canonical(env, &designs, &outcomes));
    report.rule("anchors and descriptors are sound", described(env, &designs));
    report.rule("a batch answers as single evaluations do", {
        let batch = env.evaluate_batch(&designs[..designs.len().min(3)], Fidelity::FULL);
        if batch[..] == outcomes[..batch.len()] { Ok(()) } else { Err("the outcomes differ".into()) }
    });
    report.rule(
        "the full fidelity comes first and costs 1",
        match env.fidelities().first() {
            Some(full) if full.relative_cost == 1.0 => Ok(()),
            other => Err(format!("the first level is {other:?}")),
        },
    );
    report
}

fn draw(env: &dyn Env, seed: u64, count: usize) -> Vec<Design> {
    let mut random = Random::derived(seed, "check-env");
    (0..count).map(|_| env.space().sample(&mut random)).collect()
}

fn versioned(id: &str) -> Result<(), String> {
    let version = id.rsplit_once("-v").map(|(_, version)| version);
    match version {
        Some(v) if !v.is_empty() && v.bytes().all(|b| b.is_ascii_digit()) => Ok(()),
        _ => Err(format!("`{id}` does not end in `-v0` or another version")),
    }
}

fn metrics(env: &dyn Env) -> Result<(), String> {
    let mut names = HashSet::new();
    if env.metrics().is_empty() {
        return Err("there are none".into());
    }
    env.metrics().iter().try_for_each(|m| {
        match (names.insert(&m.name), m.unit.is_empty() || m.definition.is_empty()) {
            (true, false) => Ok(()),
            (false, _) => Err(format!("`{}` stands twice", m.name)),
            (_, true) => Err(format!("`{}` lacks a unit (`1` for a ratio) or a definition", m.name)),
        }
    })
}

fn objectives(env: &dyn Env) -> Result<(), String> {
    let mut names = HashSet::new();
    if env.objectives().is_empty() {
        return Err("there are none".into());
    }
    env.objectives().iter().try_for_each(|objective| {
        objective.scorer(env.metrics()).map_err(|e| e.to_string())?;
        if names.insert(objective.name.clone()) {
            Ok(())
        } else {
            Err(format!("`{}` stands twice", objective.name))
        }
    })
}

fn groups(env: &dyn Env) -> Result<(), String> {
    let groups = env.space().groups();
    env.space().clone().with_groups(groups).map(drop).map_err(|e| e.to_string())
}

fn round_trips(env: &dyn Env, designs: &[Design]) -> Result<(), SpaceError> {
    designs.iter().try_for_each(|design| {
        env.space().validate(design)?;
        let again = env.space().design(env.space().values(design))?;
        let same = again
            .coordinates()
            .iter()
            .zip(design.coordinates())
            .all(|(a, b)| (a - b).abs() <= 1e-12 * b.abs());
        if same { Ok(()) } else { Err(SpaceError::Definition(format!("{design:?} came back as {again:?}"))) }
    })
}

fn encodings(env: &dyn Env, designs: &[Design]) -> Result<(), String> {
    let space = env.space();
    for encoding in [Encoding::Index, Encoding::UnitCube, Encoding::OneHot] {
        for design in designs {
            let vector = encoding.encode(space, design);
            let again = encoding.decode(space, &vector).ok_or("a vector of the wrong width")?;
            let close = again
                .coordinates()
                .iter()
                .zip(design.coordinates())
                .all(|(a, b)| (a - b).abs() <= 1e-9 * (1.0 + b.abs()));
            if !close || vector.iter().any(|v| !v.is_finite()) {
                return Err(format!("{encoding:?}: {design:?} came back as {again:?}"));
            }
        }
    }
    Ok(())
}

fn enumeration(env: &dyn Env) -> Result<(), String> {
    let Some(size) = env.space().size() else { return Ok(()) };
    for index in [0, size / 3, size / 2, size - 1] {
        let back = env.space().design_at(index).and_then(|design| env.space().index_of(&design));
        if back != Some(index) {
            return Err(format!("index {index} came back as {back:?}"));
        }
    }
    if env.space().design_at(size).is_some() { Err("a design past the end".into()) } else { Ok(()) }
}

fn well_formed(env: &dyn Env, outcome: &Outcome) -> Result<(), String> {
    match outcome {
        Outcome::Feasible { metrics } if metrics.len() != env.metrics().len() => {
            Err(format!("{} values for {} metrics", metrics.len(), env.metrics().len()))
        }
        Outcome::Feasible { metrics } if metrics.iter().any(|m| !m.is_finite()) => {
            Err("a metric is not finite; build outcomes with `Outcome::feasible`".into())
        }
        Outcome::Infeasible { amount, .. } if !(amount.is_finite() && *amount > 0.0) => {
            Err("an amount is not above 0; build outcomes with `Outcome::infeasible`".into())
        }
        Outcome::Failed { reason, .. } => Err(format!("a sampled design failed: {reason}")),
        _ => Ok(()),
    }
}

fn deterministic(env: &dyn Env, designs: &[Design], outcomes: &[Outcome]) -> Result<(), String> {
    let evaluate = || designs.iter().rev().map(|d| env.evaluate(d, Fidelity::FULL)).collect::<Vec<_>>();
    let results: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..2).map(|_| scope.spawn(evaluate)).collect();
        threads
            .into_iter()
            .map(|thread| thread.join().map_err(|_| "an evaluation panicked".to_string()))
            .collect()
    });
    for result in results {
        let mut again = result?;
        again.reverse();
        if let Some(index) = (0..designs.len()).find(|i| again[*i] != outcomes[*i]) {
            return Err(format!("{:?}: {:?} became {:?}", designs[index], outcomes[index], again[index]));
        }
    }
    Ok(())
}

/// Anchors are representatives and their own anchors; descriptors are finite, and as many as there are names.
fn described(env: &dyn Env, designs: &[Design]) -> Result<(), String> {
    let names = env.descriptors().len();
    for design in designs {
        let numbers = env.describe(design);
        if numbers.len() != names || numbers.iter().any(|number| !number.is_finite()) {
            return Err(format!("{design:?} is described by {numbers:?}; expected {names} finite numbers"));
        }
        let Some(anchor) = env.anchor(design) else { continue };
        env.space().validate(&anchor).map_err(|e| e.to_string())?;
        if env.canonical(&anchor) != anchor || env.anchor(&anchor).as_ref() != Some(&anchor) {
            return Err(format!(
                "the anchor {anchor:?} of {design:?} is no representative, or has another anchor"
            ));
        }
        if env.anchor(&env.canonical(design)).as_ref() != Some(&anchor) {
            return Err(format!("{design:?} and its representative have different anchors"));
        }
    }
    Ok(())
}

fn canonical(env: &dyn Env, designs: &[Design], outcomes: &[Outcome]) -> Result<(), String> {
    for (design, outcome) in designs.iter().zip(outcomes) {
        let representative = env.canonical(design);
        env.space().validate(&representative).map_err(|e| e.to_string())?;
        if env.canonical(&representative) != representative {
            return Err(format!("the representative of {design:?} has another representative"));
        }
        if representative != *design && env.evaluate(&representative, Fidelity::FULL) != *outcome {
            return Err(format!("{design:?} and its representative {representative:?} differ"));
        }
    }
    Ok(())
}
