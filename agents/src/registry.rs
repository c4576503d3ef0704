//! Agents by id.

use std::ops::{Deref, DerefMut};
use std::path::PathBuf;
use std::sync::Arc;

use hwgym_envs::Options;
use hwgym_envs::catalogue::{Catalogue, Entry, Field};

use crate::wrappers::Unfolded;
use crate::{Agent, AgentError, Problem};

type Build = dyn Fn(&Options, &Problem, u64) -> Result<Box<dyn Agent>, AgentError> + Send + Sync;

/// One registered agent.
#[derive(Clone)]
pub struct AgentEntry {
    /// Its id.
    pub id: String,
    /// What it is, in a line, with its source.
    pub summary: String,
    /// Its hyperparameters.
    pub hyperparameters: Vec<Field>,
    /// How many goals it searches for.
    pub goals: Goals,
    /// True if it knows what neighbouring orders and assignments are. To any other agent each is shown as one parameter per item: see
    /// [`Unfolded`].
    pub arranges: bool,
    build: Arc<Build>,
    inputs: Option<Inputs>,
}

/// How many goals an agent searches for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Goals {
    /// One; several are refused, since their sum would add milliwatts to nanoseconds.
    One,
    /// One or several, which it keeps apart.
    #[default]
    Any,
    /// Two at least.
    Several,
}

impl std::fmt::Display for Goals {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::One => "one",
            Self::Any => "one or several",
            Self::Several => "several",
        })
    }
}

/// The files that an agent with these hyperparameters is built from.
type Inputs = fn(&Options) -> Result<Vec<PathBuf>, AgentError>;

impl AgentEntry {
    /// An entry that builds its agent with this function, from hyperparameters, problem and seed.
    pub fn new(
        id: &str,
        summary: &str,
        build: impl Fn(&Options, &Problem, u64) -> Result<Box<dyn Agent>, AgentError> + Send + Sync + 'static,
    ) -> Self {
        Self {
            id: id.into(),
            summary: summary.into(),
            hyperparameters: Vec::new(),
            goals: Goals::Any,
            arranges: false,
            build: Arc::new(build),
            inputs: None,
        }
    }

    /// The same with one more hyperparameter documented.
    pub fn hyperparameter(
        mut self,
        name: &'static str,
        default: &'static str,
        range: &'static str,
        description: &'static str,
    ) -> Self {
        self.hyperparameters.push(Field { name, default, range, description });
        self
    }

    /// The same, saying how many goals it searches for; one or several, unless this is said.
    pub fn goals(self, goals: Goals) -> Self {
        Self { goals, ..self }
    }

    /// The same, for an agent that moves orders and assignments itself.
    pub fn arranging(self) -> Self {
        Self { arranges: true, ..self }
    }

    /// The same, saying which files an agent is built from: scripts, saved policies.
    pub fn built_from(self, inputs: fn(&Options) -> Result<Vec<PathBuf>, AgentError>) -> Self {
        Self { inputs: Some(inputs), ..self }
    }

    /// The files that an agent with these hyperparameters is built from; a study records their contents. Errors: hyperparameters that do
    /// not read.
    pub fn inputs(&self, hyperparameters: &Options) -> Result<Vec<PathBuf>, AgentError> {
        self.inputs.map_or(Ok(Vec::new()), |inputs| inputs(hyperparameters))
    }

    /// Builds the agent. Errors: hyperparameters that do not read or are out of range, a problem it cannot serve, more or fewer goals than
    /// it searches for.
    pub fn make(
        &self,
        hyperparameters: &Options,
        problem: &Problem,
        seed: u64,
    ) -> Result<Box<dyn Agent>, AgentError> {
        match (self.goals, problem.goals) {
            (Goals::One, goals @ 2..) => Err(AgentError::unsupported(
                &self.id,
                format!(
                    "it searches for one goal, and the objective has {goals}; use an agent that keeps goals apart (`bayesian-pareto`, `nsga2`, \
                     `nsga3`, `genetic`, `tpe`), or say how they become one: `wrappers: [Scalarise(method: Chebyshev)]`"
                ),
            )),
            (Goals::Several, 0 | 1) => Err(AgentError::unsupported(
                &self.id,
                "it searches for two goals or more, and the objective has one; for one use `bayesian`, `genetic` or `cma-es`",
            )),
            _ if self.arranges => (self.build)(hyperparameters, problem, seed),
            _ => match Unfolded::problem(problem)? {
                None => (self.build)(hyperparameters, problem, seed),
                Some(unfolded) => {
                    let agent = (self.build)(hyperparameters, &unfolded, seed)?;
                    Ok(Box::new(Unfolded::new(agent, problem)?))
                }
            },
        }
    }
}

impl Entry for AgentEntry {
    const KIND: &'static str = "agent";
    const LISTED_BY: &'static str = "hwgym agent list";

    fn id(&self) -> &str {
        &self.id
    }
}

/// Agents by id. A value, not a global: a program may add its own to [`Registry::builtin`].
#[derive(Clone, Default)]
pub struct Registry(Catalogue<AgentEntry>);

impl Registry {
    /// Every agent of this crate.
    pub fn builtin() -> Self {
        let entries = [
            crate::ant_colony::entry(),
            crate::bayesian::entry(),
            crate::bayesian::pareto_entry(),
            crate::bayesian::model_based::entry(),
            crate::bayesian::model_based::multi_fidelity_entry(),
            crate::bayesian::turbo::entry(),
            crate::cma_es::entry(),
            crate::differential_evolution::entry(),
            crate::external::entry(),
            crate::farsi::entry(),
            crate::genetic::entry(),
            crate::grid::entry(),
            crate::hill_climber::entry(),
            crate::latin_hypercube::entry(),
            crate::nsga2::entry(),
            crate::nsga3::entry(),
            crate::random::entry(),
            crate::simulated_annealing::entry(),
            crate::sobol::entry(),
            crate::tpe::entry(),
        ];
        Self(entries.into_iter().chain(crate::neural::entries()).collect())
    }

    /// One entry. Errors: nobody has this id; the message says which is nearest, or that this program was built without it.
    pub fn get(&self, id: &str) -> Result<&AgentEntry, AgentError> {
        self.0.get(id).map_err(|unknown| {
            let left_out = cfg!(not(feature = "neural")) && crate::neural::IDS.contains(&id);
            if left_out { AgentError::NotBuilt(id.into()) } else { unknown.into() }
        })
    }

    /// Builds an agent. Errors: see [`get`](Self::get) and [`AgentEntry::make`].
    pub fn make(
        &self,
        id: &str,
        hyperparameters: &Options,
        problem: &Problem,
        seed: u64,
    ) -> Result<Box<dyn Agent>, AgentError> {
        self.get(id)?.make(hyperparameters, problem, seed)
    }
}

impl Deref for Registry {
    type Target = Catalogue<AgentEntry>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl DerefMut for Registry {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.0
    }
}
