//! Agents by id.

use std::collections::BTreeMap;
use std::sync::Arc;

use hwgym_envs::Options;

use crate::{Agent, AgentError, Problem};

type Build = dyn Fn(&Options, &Problem, u64) -> Result<Box<dyn Agent>, AgentError> + Send + Sync;

/// A hyperparameter, as `hwgym agent show` prints it.
#[derive(Clone, Debug, PartialEq)]
pub struct Hyperparameter {
    /// Name of the field in RON.
    pub name: &'static str,
    /// Its default, in RON.
    pub default: &'static str,
    /// The values it may take, in words.
    pub range: &'static str,
    /// What it does, in a line.
    pub description: &'static str,
}

/// One registered agent.
#[derive(Clone)]
pub struct AgentEntry {
    /// Its id.
    pub id: String,
    /// What it is, in a line, with its source.
    pub summary: String,
    /// Its hyperparameters.
    pub hyperparameters: Vec<Hyperparameter>,
    build: Arc<Build>,
}

impl AgentEntry {
    /// An entry that builds its agent with this function, from hyperparameters, problem and seed.
    pub fn new(
        id: &str,
        summary: &str,
        build: impl Fn(&Options, &Problem, u64) -> Result<Box<dyn Agent>, AgentError> + Send + Sync + 'static,
    ) -> Self {
        Self { id: id.into(), summary: summary.into(), hyperparameters: Vec::new(), build: Arc::new(build) }
    }

    /// The same with one more hyperparameter documented.
    pub fn hyperparameter(
        mut self,
        name: &'static str,
        default: &'static str,
        range: &'static str,
        description: &'static str,
    ) -> Self {
        self.hyperparameters.push(Hyperparameter { name, default, range, description });
        self
    }

    /// Builds the agent. Errors: hyperparameters that do not read or are out of range, a problem it cannot serve.
    pub fn make(
        &self,
        hyperparameters: &Options,
        problem: &Problem,
        seed: u64,
    ) -> Result<Box<dyn Agent>, AgentError> {
        (self.build)(hyperparameters, problem, seed)
    }
}

/// Agents by id. A value, not a global: a program may add its own to [`Registry::builtin`].
#[derive(Clone, Default)]
pub struct Registry {
    entries: BTreeMap<String, AgentEntry>,
}

impl Registry {
    /// A registry of nothing.
    pub fn empty() -> Self {
        Self::default()
    }

    /// Every agent of this crate.
    pub fn builtin() -> Self {
        let entries = [
            crate::ant_colony::entry(),
            crate::bayesian::entry(),
            crate::bayesian::pareto_entry(),
            crate::bayesian::turbo::entry(),
            crate::cma_es::entry(),
            crate::differential_evolution::entry(),
            crate::external::entry(),
            crate::genetic::entry(),
            crate::grid::entry(),
            crate::hill_climber::entry(),
            #[cfg(feature = "neural")]
            crate::neural::ippo::entry(),
            crate::latin_hypercube::entry(),
            crate::nsga2::entry(),
            crate::nsga3::entry(),
            #[cfg(feature = "neural")]
            crate::neural::ppo::entry(),
            crate::random::entry(),
            crate::simulated_annealing::entry(),
            crate::sobol::entry(),
            crate::tpe::entry(),
        ];
        Self { entries: entries.into_iter().map(|entry| (entry.id.clone(), entry)).collect() }
    }

    /// Adds an agent. Errors: the id is taken.
    pub fn add(&mut self, entry: AgentEntry) -> Result<(), AgentError> {
        if self.entries.contains_key(&entry.id) {
            return Err(AgentError::DuplicateAgent(entry.id));
        }
        self.entries.insert(entry.id.clone(), entry);
        Ok(())
    }

    /// All entries, by id.
    pub fn entries(&self) -> impl Iterator<Item = &AgentEntry> {
        self.entries.values()
    }

    /// One entry. Errors: nobody has this id; the message says which is nearest.
    pub fn get(&self, id: &str) -> Result<&AgentEntry, AgentError> {
        self.entries.get(id).ok_or_else(|| match id {
            "ppo" | "ippo" if cfg!(not(feature = "neural")) => AgentError::NotBuilt(id.into()),
            _ => AgentError::UnknownAgent { id: id.into(), known: self.entries.keys().cloned().collect() },
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
