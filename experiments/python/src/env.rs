//! Environments and outcomes.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use hwgym::envs::{
    Design, DesignSpace, Direction, EnvError, Fidelity, Guard, Metric, Objective, Options, Outcome, Score,
    evaluate, evaluate_batch,
};
use pyo3::exceptions::PyKeyError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};
use serde_json::json;

use crate::registry::registries;
use crate::space::Space;
use crate::threads::{released, spread};
use crate::{bad_input, convert};

/// What outcomes of one environment have in common.
pub struct Facts {
    pub space: Arc<DesignSpace>,
    pub metrics: Vec<Metric>,
}

/// What became of many designs: metrics row by row, outcomes, reasons.
type Many<'py> = (Bound<'py, PyBytes>, Vec<&'static str>, Vec<Option<String>>);

/// What became of a design: metrics by name, or why there are none.
#[pyclass(frozen, mapping, module = "hwgym")]
pub struct Evaluation {
    facts: Arc<Facts>,
    outcome: Outcome,
    design: Design,
    score: Option<Score>,
}

impl Evaluation {
    pub fn new(facts: &Arc<Facts>, design: Design, outcome: Outcome, score: Option<Score>) -> Self {
        Self { facts: facts.clone(), outcome, design, score }
    }
}

/// Why there are no metrics.
fn reason(outcome: &Outcome) -> Option<String> {
    match outcome {
        Outcome::Feasible { .. } => None,
        Outcome::Infeasible { constraint, .. } => Some(constraint.clone()),
        Outcome::TimedOut { limit_s } => Some(format!("timed out after {limit_s} s")),
        Outcome::Failed { reason, .. } => Some(reason.clone()),
    }
}

#[pymethods]
impl Evaluation {
    /// `feasible`, `infeasible`, `timed-out` or `failed`.
    #[getter]
    fn outcome(&self) -> &'static str {
        self.outcome.status()
    }

    /// True for a design that was measured.
    #[getter]
    fn feasible(&self) -> bool {
        self.outcome.metrics().is_some()
    }

    /// Metrics by name, in the environment's units; empty where there are none.
    #[getter]
    fn metrics<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let values = PyDict::new(py);
        for (metric, value) in self.facts.metrics.iter().zip(self.outcome.metrics().unwrap_or_default()) {
            values.set_item(&metric.name, value)?;
        }
        Ok(values)
    }

    /// Units of the metrics by name.
    #[getter]
    fn units<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let units = PyDict::new(py);
        for metric in &self.facts.metrics {
            units.set_item(&metric.name, &metric.unit)?;
        }
        Ok(units)
    }

    /// Why there are no metrics: the broken constraint, or what failed.
    #[getter]
    fn reason(&self) -> Option<String> {
        reason(&self.outcome)
    }

    /// By how much the constraint is broken, in its own units.
    #[getter]
    fn amount(&self) -> Option<f64> {
        match self.outcome {
            Outcome::Infeasible { amount, .. } => Some(amount),
            _ => None,
        }
    }

    /// The last lines that a failed program wrote.
    #[getter]
    fn log(&self) -> Option<String> {
        match &self.outcome {
            Outcome::Failed { log_tail, .. } if !log_tail.is_empty() => Some(log_tail.clone()),
            _ => None,
        }
    }

    /// The design that was evaluated, canonical.
    #[getter]
    fn design<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        convert::dict(py, &self.facts.space, &self.design)
    }

    /// One reward per goal of the objective, higher is better; empty without metrics, None without an objective.
    #[getter]
    fn rewards(&self) -> Option<Vec<f64>> {
        self.score.as_ref().map(|score| score.rewards.clone())
    }

    /// Sum of everything that is broken, each relative to its limit; 0 for a solution, None without an objective.
    #[getter]
    fn violation(&self) -> Option<f64> {
        self.score.as_ref().map(|score| score.violation)
    }

    /// Broken constraints of the design space: meaning, amount in its own units, amount relative to its limit.
    #[getter]
    fn violations(&self) -> Vec<(String, f64, f64)> {
        let violations = self.facts.space.violations(&self.design).into_iter();
        violations.map(|v| (v.meaning, v.amount, v.relative)).collect()
    }

    fn __getitem__(&self, name: &str) -> PyResult<f64> {
        let index = self.facts.metrics.iter().position(|metric| metric.name == name);
        let value = index.and_then(|index| self.outcome.metrics()?.get(index).copied());
        value.ok_or_else(|| {
            let known: Vec<&str> = self.facts.metrics.iter().map(|m| m.name.as_str()).collect();
            PyKeyError::new_err(match (index, reason(&self.outcome)) {
                (Some(_), Some(reason)) => format!("{name}: there are no metrics ({reason})"),
                _ => format!("no metric is called `{name}` (known: {})", known.join(", ")),
            })
        })
    }

    fn __contains__(&self, name: &str) -> bool {
        self.outcome.metrics().is_some() && self.facts.metrics.iter().any(|metric| metric.name == name)
    }

    fn __len__(&self) -> usize {
        self.outcome.metrics().map_or(0, <[f64]>::len)
    }

    fn __iter__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        Ok(self.metrics(py)?.try_iter()?.into_any())
    }

    /// Names of the metrics that there are.
    fn keys(&self) -> Vec<&str> {
        self.facts.metrics.iter().take(self.__len__()).map(|metric| metric.name.as_str()).collect()
    }

    fn __repr__(&self) -> String {
        let words: Vec<String> = match self.outcome.metrics() {
            Some(values) => {
                let pairs = self.facts.metrics.iter().zip(values);
                pairs.map(|(metric, value)| format!("{}={value}", metric.name)).collect()
            }
            None => reason(&self.outcome).into_iter().collect(),
        };
        format!("<{}: {}>", self.outcome.status(), words.join(", "))
    }
}

/// An environment: a pure function from a design to an outcome.
#[pyclass(frozen, subclass, module = "hwgym._native")]
pub struct Env {
    pub env: Arc<dyn hwgym::envs::Env>,
    pub facts: Arc<Facts>,
}

impl Env {
    /// The objective of this name, or that of this RON; the default without one.
    pub fn objective(&self, text: Option<&str>) -> PyResult<Objective> {
        objective(&*self.env, text)
    }
}

fn objective(env: &dyn hwgym::envs::Env, text: Option<&str>) -> PyResult<Objective> {
    let named = env.objectives();
    let found = match text {
        None => named.into_iter().next(),
        Some(text) if text.trim_start().starts_with('(') => {
            Some(Options::ron(text).parse().map_err(bad_input)?)
        }
        Some(name) => {
            let names: Vec<String> = named.iter().map(|o| o.name.clone()).collect();
            let hint = hwgym::envs::suggest::suggestion(name, &names);
            let found = named.into_iter().find(|o| o.name == name);
            Some(found.ok_or_else(|| {
                bad_input(format!(
                    "`{}` names no objective `{name}`{hint} (known: {})",
                    env.id(),
                    names.join(", ")
                ))
            })?)
        }
    };
    let objective = found.ok_or_else(|| bad_input(format!("`{}` names no objective; give one", env.id())))?;
    objective.scorer(env.metrics()).map_err(bad_input)?;
    Ok(objective)
}

/// A direction as Optuna and scipy name it.
pub fn direction(direction: Direction) -> &'static str {
    match direction {
        Direction::Minimise => "minimize",
        Direction::Maximise => "maximize",
    }
}

#[pymethods]
impl Env {
    /// The environment of this id with these options, as on the command line; the id may also be the path of a RON file.
    #[new]
    fn new(py: Python<'_>, id: &str, options: Vec<(String, String)>) -> PyResult<Self> {
        let registries = registries()?;
        let pairs = options.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let options = Options::from_pairs(pairs);
        let env = released(py, || registries.envs().make(id, &options))?;
        let env = env.map_err(|error| match error {
            EnvError::Catalogue(error) => {
                bad_input(error.to_string().replace("`hwgym env list`", "`hwgym.environments()`"))
            }
            error => bad_input(error),
        })?;
        let facts = Facts { space: Arc::new(env.space().clone()), metrics: env.metrics().to_vec() };
        Ok(Self { env, facts: Arc::new(facts) })
    }

    /// The versioned id.
    #[getter]
    fn id(&self) -> &str {
        self.env.id()
    }

    fn native_space(&self) -> Space {
        Space { space: self.facts.space.clone() }
    }

    /// Name, unit, direction, definition of every metric.
    fn native_metrics(&self) -> Vec<(&str, &str, &str, &str)> {
        let metrics = self.facts.metrics.iter();
        metrics.map(|m| (&*m.name, &*m.unit, direction(m.direction), &*m.definition)).collect()
    }

    /// The objectives as JSON: name, goals, bounds, and the whole in words.
    fn native_objectives(&self) -> String {
        let of =
            |o: &Objective| json!({"name": o.name, "words": o.describe(self.env.metrics()), "definition": o});
        json!(self.env.objectives().iter().map(of).collect::<Vec<_>>()).to_string()
    }

    /// The objective of this name, or that of this RON, as JSON.
    fn native_objective(&self, text: Option<&str>) -> PyResult<String> {
        Ok(json!(self.objective(text)?).to_string())
    }

    /// Names and relative costs of the levels of fidelity, the full one first.
    fn native_fidelities(&self) -> Vec<(String, f64)> {
        self.env.fidelities().into_iter().map(|level| (level.name, level.relative_cost)).collect()
    }

    /// Names and values of what records remember of this instance.
    fn native_provenance(&self) -> Vec<(String, String)> {
        self.env.provenance()
    }

    /// The truth as JSON, its designs by name, where the space was enumerated.
    fn native_known_optima(&self, objective: &str) -> PyResult<Option<String>> {
        let Some(known) = self.env.known_optima().map_err(bad_input)? else { return Ok(None) };
        let Some(of_objective) = known.objective(objective) else { return Ok(None) };
        let front: Vec<_> = of_objective
            .front
            .iter()
            .map(|optimum| {
                let design = self.facts.space.design_at(optimum.index.into());
                let design: serde_json::Map<_, _> = design
                    .map(|design| self.facts.space.values(&design))
                    .unwrap_or_default()
                    .into_iter()
                    .map(|(name, value)| (name, json!(value)))
                    .collect();
                json!({"design": design, "metrics": optimum.metrics, "rewards": optimum.rewards, "ties": optimum.ties})
            })
            .collect();
        let all = json!({"front": front, "reward_ranges": of_objective.reward_ranges, "size": known.size, "evaluated": known.evaluated});
        Ok(Some(all.to_string()))
    }

    /// The design that people use who do not search.
    fn native_default<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyDict>>> {
        let design = self.env.default_design();
        design.map(|design| convert::dict(py, &self.facts.space, &design)).transpose()
    }

    /// Evaluates one design.
    #[pyo3(signature = (design, fidelity = 0))]
    fn evaluate_one(&self, design: &Bound<'_, PyAny>, fidelity: u8) -> PyResult<Evaluation> {
        let py = design.py();
        let design = convert::design(&self.facts.space, design)?;
        let outcome = released(py, || evaluate(&self.env, &design, Fidelity(fidelity), &Guard::UNLIMITED))?;
        Ok(Evaluation::new(&self.facts, design, outcome, None))
    }

    /// Seconds that evaluations take without Python, one after the other or all together on all cores: what the cost of Python is measured
    /// against.
    fn native_seconds(&self, designs: &Bound<'_, PyAny>, together: bool) -> PyResult<f64> {
        let py = designs.py();
        let designs = convert::designs(&self.facts.space, designs)?;
        let began = Instant::now();
        if together {
            self.outcomes(py, designs, Fidelity::FULL)?;
        } else {
            let all = || {
                designs.iter().map(|design| evaluate(&self.env, design, Fidelity::FULL, &Guard::UNLIMITED))
            };
            released(py, || all().for_each(|outcome| drop(std::hint::black_box(outcome))))?;
        }
        Ok(began.elapsed().as_secs_f64())
    }

    /// Evaluates many designs on all cores: metrics row by row (not a number where there are none), outcomes, reasons.
    #[pyo3(signature = (designs, fidelity = 0))]
    fn evaluate_many<'py>(&self, designs: &Bound<'py, PyAny>, fidelity: u8) -> PyResult<Many<'py>> {
        let py = designs.py();
        let designs = convert::designs(&self.facts.space, designs)?;
        let outcomes = self.outcomes(py, designs, Fidelity(fidelity))?;
        let width = self.facts.metrics.len();
        let metrics = outcomes.iter().flat_map(|outcome| {
            (0..width).map(|index| outcome.metrics().and_then(|m| m.get(index)).copied().unwrap_or(f64::NAN))
        });
        let bytes = convert::bytes(py, outcomes.len() * width, metrics)?;
        let statuses = outcomes.iter().map(Outcome::status).collect();
        Ok((bytes, statuses, outcomes.iter().map(reason).collect()))
    }
}

impl Env {
    fn outcomes(&self, py: Python<'_>, designs: Vec<Design>, fidelity: Fidelity) -> PyResult<Vec<Outcome>> {
        let env = self.env.clone();
        if env.prefers_batches() {
            return released(py, || evaluate_batch(&env, &designs, fidelity, &Guard::UNLIMITED));
        }
        spread(py, designs, move |design| evaluate(&env, &design, fidelity, &Guard::UNLIMITED))
    }
}

/// The space of an environment that a study names, with options in RON and paths meant against the folder of the study's file.
#[pyfunction]
pub fn env_space(py: Python<'_>, id: &str, options: &str, study_file: PathBuf) -> PyResult<Space> {
    let registries = registries()?;
    let options = Options::ron(options).in_folder(study_file.parent().unwrap_or(Path::new("")));
    let env = released(py, || registries.envs().make(id, &options))?.map_err(bad_input)?;
    Ok(Space::of(env.space()))
}
