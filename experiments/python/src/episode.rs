//! Episodes: one or many of one agent, stepped on all cores, and one of several agents.

use std::sync::{Arc, Mutex, PoisonError};

use hwgym::envs::wrappers::{Joint, Layer, MultiAgent, Sequential, TargetWalk, TimeLimit};
use hwgym::envs::{
    Design, DesignSpace, Episode, Fidelity, MultiAgentEpisode, Objective, Outcome, Parameter, Step,
};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::env::{Env, Evaluation, Facts};
use crate::space::Space;
use crate::threads::{released, spread};
use crate::{bad_input, convert};

type Shared = Arc<Mutex<Box<dyn Episode>>>;

/// What Python is told of steps: observations, rewards, terminated, truncated, evaluations.
type Steps<'py> = (Bound<'py, PyBytes>, Vec<f64>, Vec<bool>, Vec<bool>, Vec<Option<Evaluation>>);

/// The space of the parameters that actions are taken from, without conditions: every one of them is always asked for.
fn asked(space: &DesignSpace) -> PyResult<DesignSpace> {
    let parameters = space.parameters().iter().map(|p| Parameter { condition: None, ..p.clone() });
    DesignSpace::new(parameters.collect()).map_err(bad_input)
}

/// The action that numbers mean: places in the unit interval, or levels, which are rounded and kept in range.
fn action(space: &DesignSpace, numbers: &[f64], unit: bool) -> Design {
    let coordinate = |(parameter, number): (&Parameter, &f64)| match parameter.domain.cardinality() {
        Some(levels) if !unit => number.round().clamp(0.0, levels as f64 - 1.0),
        _ => parameter.domain.from_unit(*number),
    };
    let mut action =
        Design::new(space.parameters().iter().zip(numbers).map(coordinate).collect::<Vec<f64>>());
    space.canonicalise(&mut action);
    action
}

/// Episodes of one environment, all alike, each with a course of its own.
#[pyclass(frozen, module = "hwgym._native")]
pub struct Episodes {
    episodes: Vec<Shared>,
    facts: Arc<Facts>,
    goals: usize,
}

fn episode(
    env: &Arc<dyn hwgym::envs::Env>,
    objective: &Objective,
    formulation: &str,
    horizon: usize,
) -> PyResult<Box<dyn Episode>> {
    let limit = if horizon == 0 { usize::MAX } else { horizon };
    Ok(match formulation {
        "joint" => Box::new(TimeLimit::new(Joint::new(env.clone(), objective).map_err(bad_input)?, limit)),
        "sequential" => Box::new(Sequential::new(env.clone(), objective).map_err(bad_input)?),
        "walk" => Box::new(TimeLimit::new(TargetWalk::new(env.clone()).map_err(bad_input)?, limit)),
        other => {
            let known = ["joint", "sequential", "walk"];
            let hint = hwgym::envs::suggest::suggestion(other, &known);
            return Err(bad_input(format!(
                "no formulation is called `{other}`{hint}; there are {}",
                known.join(", ")
            )));
        }
    })
}

#[pymethods]
impl Episodes {
    #[new]
    fn new(
        py: Python<'_>,
        env: &Env,
        objective: Option<&str>,
        formulation: &str,
        count: usize,
        horizon: usize,
    ) -> PyResult<Self> {
        let objective = env.objective(objective)?;
        let episodes: PyResult<Vec<Shared>> = released(py, || {
            let one = |_| Ok(Arc::new(Mutex::new(episode(&env.env, &objective, formulation, horizon)?)));
            (0..count).map(one).collect()
        })?;
        Ok(Self { episodes: episodes?, facts: env.facts.clone(), goals: objective.goals.len() })
    }

    /// Number of goals of the objective.
    #[getter]
    fn goals(&self) -> usize {
        self.goals
    }

    /// Smallest and largest value of each number of an observation.
    fn bounds(&self) -> Vec<(f64, f64)> {
        self.episodes.first().map(|episode| lock(episode).observation_bounds()).unwrap_or_default()
    }

    /// What the next action of an episode is taken from.
    fn action_space(&self, index: usize) -> PyResult<Space> {
        let episode = self.episodes.get(index).ok_or_else(|| bad_input("there is no such episode"))?;
        Ok(Space::of(&asked(lock(episode).action_space())?))
    }

    /// Starts these episodes with these seeds; observations row by row.
    fn reset<'py>(
        &self,
        py: Python<'py>,
        which: Vec<usize>,
        seeds: Vec<u64>,
    ) -> PyResult<Bound<'py, PyBytes>> {
        let starts: Vec<(Shared, u64)> =
            which.iter().map(|index| self.episodes[*index].clone()).zip(seeds).collect();
        let start = |(episode, seed): (Shared, u64)| lock(&episode).reset(seed);
        let observations = match <[_; 1]>::try_from(starts) {
            Ok([one]) => vec![released(py, || start(one))?],
            Err(starts) => spread(py, starts, start)?,
        };
        observed(py, observations.iter())
    }

    /// Takes a step of these episodes. Actions are numbers row by row: places in the unit interval, or levels.
    fn step<'py>(
        &self,
        py: Python<'py>,
        which: Vec<usize>,
        actions: &[u8],
        width: usize,
        unit: bool,
    ) -> PyResult<Steps<'py>> {
        let actions = convert::rows(actions, width)?;
        let work: Vec<(Shared, Vec<f64>)> =
            which.iter().map(|index| self.episodes[*index].clone()).zip(actions).collect();
        let one = move |(episode, numbers): (Shared, Vec<f64>)| {
            let mut episode = lock(&episode);
            let action = action(episode.action_space(), &numbers, unit);
            episode.step(&action)
        };
        let steps: Vec<Step> = match <[_; 1]>::try_from(work) {
            Ok([work]) => vec![released(py, || one(work))?],
            Err(work) => spread(py, work, one)?,
        };
        let observations = observed(py, steps.iter().map(|step| &step.observation))?;
        let (mut rewards, mut terminated, mut truncated, mut evaluations) =
            (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for step in steps {
            rewards.push(step.reward);
            terminated.push(step.terminated);
            truncated.push(step.truncated);
            let evaluation = step.evaluated;
            evaluations
                .push(evaluation.map(|e| Evaluation::new(&self.facts, e.design, e.outcome, Some(e.score))));
        }
        Ok((observations, rewards, terminated, truncated, evaluations))
    }
}

fn lock<T: ?Sized>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn observed<'a, 'py>(
    py: Python<'py>,
    observations: impl ExactSizeIterator<Item = &'a Vec<f64>> + Clone,
) -> PyResult<Bound<'py, PyBytes>> {
    let count = observations.clone().map(Vec::len).sum();
    convert::bytes(py, count, observations.flatten().copied())
}

/// An environment whose groups are its parameters, one by one.
struct Ungrouped {
    inner: Arc<dyn hwgym::envs::Env>,
    space: DesignSpace,
}

impl Layer for Ungrouped {
    fn inner(&self) -> &dyn hwgym::envs::Env {
        self.inner.as_ref()
    }
    fn space(&self) -> &DesignSpace {
        &self.space
    }
    fn evaluate_batch(&self, designs: &[Design], fidelity: Fidelity) -> Vec<Outcome> {
        self.inner.evaluate_batch(designs, fidelity)
    }
    fn prefers_batches(&self) -> bool {
        self.inner.prefers_batches()
    }
}

/// What Python is told of a step of several agents: observations, rewards, terminated, truncated, evaluation.
type TeamStep<'py> = (Bound<'py, PyBytes>, Vec<f64>, bool, bool, Option<Evaluation>);

/// An episode of several agents.
#[pyclass(frozen, module = "hwgym._native")]
pub struct Team {
    episode: Mutex<MultiAgent>,
    spaces: Vec<DesignSpace>,
    facts: Arc<Facts>,
}

#[pymethods]
impl Team {
    /// One agent per group of the space, or per parameter.
    #[new]
    fn new(env: &Env, objective: Option<&str>, by_parameter: bool) -> PyResult<Self> {
        let objective = env.objective(objective)?;
        let mut played = env.env.clone();
        if by_parameter {
            let space = played.space().clone().with_groups(Vec::new()).map_err(bad_input)?;
            played = Arc::new(Ungrouped { inner: played, space });
        }
        let episode = MultiAgent::new(played, &objective).map_err(bad_input)?;
        let spaces = (0..episode.agents().len()).map(|agent| episode.action_space(agent).clone()).collect();
        Ok(Self { episode: Mutex::new(episode), spaces, facts: env.facts.clone() })
    }

    /// Names of the agents.
    fn agents(&self) -> Vec<String> {
        lock(&self.episode).agents()
    }

    /// Smallest and largest value of each number of an observation.
    fn bounds(&self) -> Vec<(f64, f64)> {
        lock(&self.episode).observation_bounds()
    }

    /// What an agent's actions are taken from.
    fn action_space(&self, agent: usize) -> PyResult<Space> {
        let space = self.spaces.get(agent).ok_or_else(|| bad_input("there is no such agent"))?;
        Ok(Space::of(space))
    }

    /// Starts an episode; observations row by row.
    fn reset<'py>(&self, py: Python<'py>, seed: u64) -> PyResult<Bound<'py, PyBytes>> {
        let observations = released(py, || lock(&self.episode).reset(seed))?;
        observed(py, observations.iter())
    }

    /// All agents act: numbers of the first agent, then of the next. Observations, rewards, terminated, truncated, evaluation.
    fn step<'py>(&self, py: Python<'py>, actions: &[u8], unit: Vec<bool>) -> PyResult<TeamStep<'py>> {
        let numbers = convert::numbers(actions)?;
        let wanted: usize = self.spaces.iter().map(DesignSpace::len).sum();
        if numbers.len() != wanted || unit.len() != self.spaces.len() {
            return Err(bad_input(format!("{} numbers for actions of {wanted}", numbers.len())));
        }
        let mut rest = &numbers[..];
        let mut designs = Vec::with_capacity(self.spaces.len());
        for (space, unit) in self.spaces.iter().zip(unit) {
            let (own, others) = rest.split_at(space.len());
            designs.push(action(space, own, unit));
            rest = others;
        }
        let step = released(py, || lock(&self.episode).step(&designs))?;
        let observations = observed(py, step.observations.iter())?;
        let evaluation =
            step.evaluated.map(|e| Evaluation::new(&self.facts, e.design, e.outcome, Some(e.score)));
        Ok((observations, step.rewards, step.terminated, step.truncated, evaluation))
    }
}
