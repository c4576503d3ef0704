//! Agents.

use std::sync::{Arc, Mutex, PoisonError};

use hwgym::agents::{Evaluated, Problem};
use hwgym::envs::{Metric, Objective, Options, Outcome, Scorer};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

use crate::env::{Env, Evaluation, Facts};
use crate::registry::registries;
use crate::space::Space;
use crate::threads::released;
use crate::{bad_input, convert, failure};

/// A search over a space: asked for designs, told what became of them.
#[pyclass(frozen, module = "hwgym._native")]
pub struct Agent {
    agent: Mutex<Box<dyn hwgym::agents::Agent>>,
    facts: Arc<Facts>,
    scorer: Scorer,
}

/// What Python says became of a design: `("feasible", [values])`, `("infeasible", constraint, amount)`, `("timed-out", seconds)` or
/// `("failed", reason)`.
fn outcome(told: &Bound<'_, PyAny>, metrics: &[Metric]) -> PyResult<Outcome> {
    let told = told.cast::<PyTuple>().map_err(|_| PyTypeError::new_err("an outcome is a tuple"))?;
    let status: String = told.get_item(0)?.extract()?;
    Ok(match status.as_str() {
        "feasible" => {
            let values: Vec<f64> = told.get_item(1)?.extract()?;
            if values.len() != metrics.len() {
                let (given, wanted) = (values.len(), metrics.len());
                return Err(bad_input(format!("{given} values for {wanted} metrics")));
            }
            Outcome::feasible(values)
        }
        "infeasible" => {
            let amount: f64 = told.get_item(2)?.extract()?;
            Outcome::infeasible(told.get_item(1)?.extract::<String>()?, amount)
        }
        "timed-out" => Outcome::TimedOut { limit_s: told.get_item(1)?.extract()? },
        "failed" => Outcome::failed(told.get_item(1)?.extract::<String>()?),
        other => return Err(bad_input(format!("`{other}` is no outcome"))),
    })
}

#[pymethods]
impl Agent {
    /// An agent for a space, metrics (RON: `[(name: ..., unit: ..., direction: ..., definition: ...)]`) and an objective (RON).
    #[new]
    #[allow(clippy::too_many_arguments, reason = "Python's side names them")]
    fn new(
        py: Python<'_>,
        id: &str,
        hyperparameters: Vec<(String, String)>,
        space: &Space,
        metrics: &str,
        objective: &str,
        budget: Option<usize>,
        seed: u64,
    ) -> PyResult<Self> {
        let metrics: Vec<Metric> = Options::ron(metrics).parse().map_err(bad_input)?;
        let objective: Objective = Options::ron(objective).parse().map_err(bad_input)?;
        let scorer = objective.scorer(&metrics).map_err(bad_input)?;
        let problem = Problem::new(space.space.clone(), &scorer, budget);
        let facts = Arc::new(Facts { space: space.space.clone(), metrics });
        Self::make(py, id, &hyperparameters, &problem, facts, scorer, seed)
    }

    /// An agent for an environment and one of its objectives, with all that it may know of them.
    #[staticmethod]
    fn of_env(
        py: Python<'_>,
        id: &str,
        hyperparameters: Vec<(String, String)>,
        env: &Env,
        objective: Option<&str>,
        budget: Option<usize>,
        seed: u64,
    ) -> PyResult<Self> {
        let objective = env.objective(objective)?;
        let scorer = objective.scorer(env.env.metrics()).map_err(bad_input)?;
        let problem = Problem::of_instance(&env.env, &objective, budget).map_err(bad_input)?;
        Self::make(py, id, &hyperparameters, &problem, env.facts.clone(), scorer, seed)
    }

    /// Up to `count` designs; none when the agent has nothing left to propose.
    fn ask<'py>(&self, py: Python<'py>, count: usize) -> PyResult<Vec<Bound<'py, PyDict>>> {
        let designs = self.with(py, |agent| {
            let designs = agent.ask(count);
            (designs, agent.ended().map(String::from))
        })?;
        if let (_, Some(reason)) = &designs {
            return Err(failure(reason));
        }
        designs.0.iter().map(|design| convert::dict(py, &self.facts.space, design)).collect()
    }

    /// Tells what became of designs.
    fn tell(&self, py: Python<'_>, results: Vec<(Bound<'_, PyAny>, Bound<'_, PyAny>)>) -> PyResult<()> {
        let results: PyResult<Vec<Evaluated>> =
            results.iter().map(|(design, told)| self.evaluated(design, told)).collect();
        let results = results?;
        self.with(py, |agent| agent.tell(&results))
    }

    /// How an outcome of a design counts.
    fn score(&self, design: &Bound<'_, PyAny>, told: &Bound<'_, PyAny>) -> PyResult<Evaluation> {
        let evaluated = self.evaluated(design, told)?;
        Ok(Evaluation::new(&self.facts, evaluated.design, evaluated.outcome, Some(evaluated.score)))
    }

    /// The index of the level of fidelity at which the last designs are to be evaluated; 0 is the full one.
    fn fidelity(&self, py: Python<'_>) -> PyResult<u8> {
        self.with(py, |agent| agent.fidelity().0)
    }

    /// The outcome of a design that the space's own constraints refuse, as `tell` takes it; None if they do not.
    fn refuse(&self, design: &Bound<'_, PyAny>) -> PyResult<Option<(&'static str, String, f64)>> {
        let design = convert::design(&self.facts.space, design)?;
        Ok(match Scorer::refuse(&self.facts.space, &design) {
            Some(Outcome::Infeasible { constraint, amount, relative }) => {
                Some(("infeasible", constraint, relative.unwrap_or(amount)))
            }
            _ => None,
        })
    }
}

impl Agent {
    fn evaluated(&self, design: &Bound<'_, PyAny>, told: &Bound<'_, PyAny>) -> PyResult<Evaluated> {
        let design = convert::design(&self.facts.space, design)?;
        let outcome = outcome(told, &self.facts.metrics)?;
        let score = self.scorer.score(&outcome);
        Ok(Evaluated { design, outcome, score })
    }

    fn make(
        py: Python<'_>,
        id: &str,
        hyperparameters: &[(String, String)],
        problem: &Problem,
        facts: Arc<Facts>,
        scorer: Scorer,
        seed: u64,
    ) -> PyResult<Self> {
        let registries = registries()?;
        let pairs = hyperparameters.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let options = Options::from_pairs(pairs);
        let agent = released(py, || registries.agents().make(id, &options, problem, seed))?;
        Ok(Self { agent: Mutex::new(agent.map_err(bad_input)?), facts, scorer })
    }

    fn with<R: Send>(
        &self,
        py: Python<'_>,
        work: impl FnOnce(&mut dyn hwgym::agents::Agent) -> R + Send,
    ) -> PyResult<R> {
        released(py, || {
            let mut agent = self.agent.lock().unwrap_or_else(PoisonError::into_inner);
            hwgym::envs::evaluate::guarded(|| work(agent.as_mut()))
        })?
        .map_err(|message| failure(format!("the agent panicked: {message}")))
    }
}
