//! Problems in closed form with known difficulties: constrained engineering, mixed spaces, several objectives.
//!
//! Each is either for *tuning* or for *reporting*: constants of agents were chosen on the former ones alone, so that what is claimed of agents
//! is measured on the latter.
//!
//! One environment per problem: `synthetic/welded-beam-v0`, or `synthetic/ackley-v0` with `(dimensions: 6)`.
//! Every metric is minimised: `f`, or `f1 f2 ...`; constraints are metrics `g1 g2 ...` with a bound of 0 in the named objectives. So is
//! the reference point of the hypervolume where there are several objectives.

mod accelerator;
mod engineering;
mod hardware;
mod machines;
mod mixed;
mod pareto;

use serde::{Deserialize, Serialize};

use crate::suggest::suggestion;
use crate::{
    Bound, Design, DesignSpace, Env, EnvEntry, EnvError, Fidelity, Goal, Metric, Objective, Outcome,
    Parameter,
};

/// What stands in for a value that is not finite.
const HUGE: f64 = 1e12;

/// Options of the environments `synthetic/...-v0`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SyntheticSettings {
    /// Number of parameters, for the problems that scale: `ackley`, `zdt1`, `zdt2`, `dtlz2`. The usual number if left out.
    pub dimensions: Option<usize>,
}

/// Objectives, then constraints, of the parameters' numbers (the index of a category).
pub(crate) type Function = fn(&[f64]) -> (Vec<f64>, Vec<f64>);

/// A problem: what is minimised, and what is known of it.
pub(crate) struct Definition {
    pub name: &'static str,
    pub summary: &'static str,
    pub parameters: fn(usize) -> Vec<Parameter>,
    /// Usual, least and largest number of parameters.
    pub dimensions: (usize, usize, usize),
    pub goals: usize,
    pub constraints: usize,
    pub function: Function,
    /// The hypervolume's reference point, for several goals.
    pub reference: &'static [f64],
    /// The least value known, for one goal.
    pub best_known: fn(usize) -> Option<f64>,
}

impl Definition {
    /// A problem with one goal and a fixed number of parameters, of which nothing more is known.
    fn new(
        name: &'static str,
        summary: &'static str,
        parameters: fn(usize) -> Vec<Parameter>,
        dimensions: usize,
        constraints: usize,
        function: Function,
    ) -> Self {
        Self {
            name,
            summary,
            parameters,
            dimensions: (dimensions, dimensions, dimensions),
            goals: 1,
            constraints,
            function,
            reference: &[],
            best_known: |_| None,
        }
    }
}

fn reals(bounds: &[(&str, f64, f64)]) -> Vec<Parameter> {
    bounds.iter().map(|(name, low, high)| Parameter::real(name, *low, *high)).collect()
}

fn cube(count: usize, low: f64, high: f64) -> Vec<Parameter> {
    (1..=count).map(|i| Parameter::real(&format!("x{i}"), low, high)).collect()
}

/// What a problem serves: nothing that is reported may have been chosen on it, or everything may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Constants of agents were chosen here.
    Tuning,
    /// No constant of any agent was chosen here.
    Reporting,
}

fn definitions(purpose: Purpose) -> Vec<Definition> {
    let parts: &[fn() -> Vec<Definition>] = match purpose {
        Purpose::Tuning => {
            &[engineering::definitions, mixed::definitions, accelerator::definitions, pareto::definitions]
        }
        Purpose::Reporting => &[machines::definitions, hardware::definitions],
    };
    parts.iter().flat_map(|part| part()).collect()
}

fn everything() -> impl Iterator<Item = (Purpose, Definition)> {
    [Purpose::Tuning, Purpose::Reporting]
        .into_iter()
        .flat_map(|purpose| definitions(purpose).into_iter().map(move |definition| (purpose, definition)))
}

/// The names of the problems that serve a purpose.
pub fn problems(purpose: Purpose) -> Vec<&'static str> {
    definitions(purpose).iter().map(|d| d.name).collect()
}

/// A problem in closed form as an environment.
pub struct Synthetic {
    id: String,
    purpose: Purpose,
    definition: Definition,
    dimensions: usize,
    space: DesignSpace,
    metrics: Vec<Metric>,
}

impl Synthetic {
    /// The environment of a problem. Errors: an unknown name, or a number of parameters that the problem cannot have.
    pub fn new(problem: &str, settings: &SyntheticSettings) -> Result<Self, EnvError> {
        let mut all: Vec<_> = everything().collect();
        let Some(index) = all.iter().position(|(_, d)| d.name == problem) else {
            let known: Vec<&str> = all.iter().map(|(_, d)| d.name).collect();
            let hint = suggestion(problem, &known);
            return Err(EnvError::invalid(
                "problem",
                format!("no problem is called `{problem}`{hint} (known: {})", known.join(", ")),
            ));
        };
        let (purpose, definition) = all.swap_remove(index);
        let (usual, least, most) = definition.dimensions;
        let dimensions = settings.dimensions.unwrap_or(usual);
        if !(least..=most).contains(&dimensions) {
            return Err(EnvError::invalid(
                "dimensions",
                format!("`{}` takes {least} to {most} parameters, not {dimensions}", definition.name),
            ));
        }
        let space = DesignSpace::new((definition.parameters)(dimensions))?;
        let name = |k: usize| if definition.goals == 1 { "f".into() } else { format!("f{}", k + 1) };
        let mut metrics: Vec<Metric> = (0..definition.goals)
            .map(|k| Metric::minimise(&name(k), "1", "an objective of the problem"))
            .collect();
        metrics.extend((0..definition.constraints).map(|k| {
            Metric::minimise(
                &format!("g{}", k + 1),
                "1",
                "a constraint of the problem: kept where it is at most 0",
            )
        }));
        Ok(Self { id: format!("synthetic/{problem}-v0"), purpose, definition, dimensions, space, metrics })
    }

    /// The least value known, for a problem with one goal.
    pub fn best_known(&self) -> Option<f64> {
        (self.definition.best_known)(self.dimensions)
    }

    /// Whether agents' constants were chosen on it.
    pub fn purpose(&self) -> Purpose {
        self.purpose
    }

    /// What the problem is, in a line.
    pub fn summary(&self) -> &str {
        self.definition.summary
    }
}

impl Env for Synthetic {
    fn id(&self) -> &str {
        &self.id
    }

    fn space(&self) -> &DesignSpace {
        &self.space
    }

    fn metrics(&self) -> &[Metric] {
        &self.metrics
    }

    fn evaluate(&self, design: &Design, _: Fidelity) -> Outcome {
        let numbers: Vec<f64> = (0..self.space.len()).map(|index| self.space.number(design, index)).collect();
        let (mut values, constraints) = (self.definition.function)(&numbers);
        values.extend(constraints);
        values.iter_mut().filter(|v| !v.is_finite()).for_each(|v| *v = HUGE);
        Outcome::feasible(values)
    }

    fn objectives(&self) -> Vec<Objective> {
        let goals =
            self.metrics[..self.definition.goals].iter().map(|m| Goal::Minimise(m.name.clone())).collect();
        let bounds =
            self.metrics[self.definition.goals..].iter().map(|m| Bound::at_most(&m.name, 0.0)).collect();
        vec![
            Objective::new("problem", goals)
                .with_bounds(bounds)
                .with_reference(self.definition.reference.to_vec()),
        ]
    }

    fn provenance(&self) -> Vec<(String, String)> {
        let purpose = match self.purpose {
            Purpose::Tuning => "tuning: constants of agents were chosen on it",
            Purpose::Reporting => "reporting: no constant of an agent was chosen on it",
        };
        vec![("dimensions".into(), self.dimensions.to_string()), ("purpose".into(), purpose.into())]
    }
}

pub(crate) fn entries() -> Vec<EnvEntry> {
    let entry = |definition: Definition| {
        let (name, (_, least, most)) = (definition.name, definition.dimensions);
        let id = format!("synthetic/{name}-v0");
        let entry = EnvEntry::new(&id, definition.summary, move |options| {
            Ok(Box::new(Synthetic::new(name, &options.parse()?)?))
        });
        if least == most {
            return entry;
        }
        entry.option("dimensions", "None", "number of parameters; the usual one if left out")
    };
    everything().map(|(_, definition)| entry(definition)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `(problem, dimensions, numbers, metrics)`, worked out once with an independent implementation of the formulas.
    #[test]
    fn values_at_known_points() -> Result<(), EnvError> {
        for (problem, dimensions, numbers, expected) in include!("known_points.in") {
            let env = Synthetic::new(problem, &SyntheticSettings { dimensions })?;
            let numbers: &[f64] = numbers;
            let (mut values, constraints) = (env.definition.function)(numbers);
            values.extend(constraints);
            let expected: &[f64] = expected;
            assert_eq!(values.len(), expected.len(), "{problem}");
            for (value, expected) in values.iter().zip(expected) {
                assert!((value - expected).abs() <= 1e-9 * (1.0 + expected.abs()), "{problem}: {values:?}");
            }
        }
        Ok(())
    }

    #[test]
    fn every_problem_keeps_the_contract() -> Result<(), EnvError> {
        for (_, Definition { name: problem, .. }) in everything() {
            let env = Synthetic::new(problem, &SyntheticSettings::default())?;
            let report = crate::conformance::check_env(&env, 3);
            assert!(report.passed(), "{problem}\n{report}");
        }
        Ok(())
    }

    #[test]
    fn a_wrong_name_or_size_says_what_would_be_right() {
        let make = |problem: &str, dimensions| {
            let made = Synthetic::new(problem, &SyntheticSettings { dimensions });
            made.err().map(|e| e.to_string()).unwrap_or_default()
        };
        assert!(make("weldedbeam", None).contains("did you mean `welded-beam`?"));
        assert!(make("ackley", Some(0)).contains("takes 1 to 200 parameters"));
    }
}
