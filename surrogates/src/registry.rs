//! Surrogates by id.

use std::collections::BTreeMap;
use std::sync::Arc;

use hwgym_envs::Options;

use crate::{Fitted, Surrogate, SurrogateError};

type Make = dyn Fn(&Options) -> Result<Box<dyn Surrogate>, SurrogateError> + Send + Sync;
type Load = dyn Fn(serde_json::Value) -> Result<Box<dyn Fitted>, SurrogateError> + Send + Sync;

/// A hyperparameter, as `hwgym surrogate list` prints it.
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

/// One registered surrogate.
#[derive(Clone)]
pub struct SurrogateEntry {
    /// Its id.
    pub id: String,
    /// What it is, in a line, with its source.
    pub summary: String,
    /// Its hyperparameters.
    pub hyperparameters: Vec<Hyperparameter>,
    make: Arc<Make>,
    load: Arc<Load>,
}

impl SurrogateEntry {
    /// An entry that makes its surrogate from hyperparameters with one function, and reads saved numbers with the other.
    pub fn new(
        id: &str,
        summary: &str,
        make: impl Fn(&Options) -> Result<Box<dyn Surrogate>, SurrogateError> + Send + Sync + 'static,
        load: impl Fn(serde_json::Value) -> Result<Box<dyn Fitted>, SurrogateError> + Send + Sync + 'static,
    ) -> Self {
        Self {
            id: id.into(),
            summary: summary.into(),
            hyperparameters: Vec::new(),
            make: Arc::new(make),
            load: Arc::new(load),
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
        self.hyperparameters.push(Hyperparameter { name, default, range, description });
        self
    }
}

/// Surrogates by id. A value, not a global: a program may add its own to [`Registry::builtin`].
#[derive(Clone, Default)]
pub struct Registry {
    entries: BTreeMap<String, SurrogateEntry>,
}

impl Registry {
    /// Every surrogate of this crate.
    pub fn builtin() -> Self {
        let entries = [
            crate::elastic_net::entry(),
            crate::gaussian_process::entry(),
            crate::gradient_boosting::entry(),
            crate::nearest_neighbours::entry(),
        ];
        Self { entries: entries.into_iter().map(|entry| (entry.id.clone(), entry)).collect() }
    }

    /// Adds a surrogate. Errors: the id is taken.
    pub fn add(&mut self, entry: SurrogateEntry) -> Result<(), SurrogateError> {
        if self.entries.contains_key(&entry.id) {
            return Err(SurrogateError::DuplicateSurrogate(entry.id));
        }
        self.entries.insert(entry.id.clone(), entry);
        Ok(())
    }

    /// All entries, by id.
    pub fn entries(&self) -> impl Iterator<Item = &SurrogateEntry> {
        self.entries.values()
    }

    /// One entry. Errors: nobody has this id; the message says which is nearest.
    pub fn get(&self, id: &str) -> Result<&SurrogateEntry, SurrogateError> {
        self.entries.get(id).ok_or_else(|| SurrogateError::UnknownSurrogate {
            id: id.into(),
            known: self.entries.keys().cloned().collect(),
        })
    }

    /// Makes an untrained surrogate. Errors: unknown id, hyperparameters that do not read or are out of range.
    pub fn make(&self, id: &str, hyperparameters: &Options) -> Result<Box<dyn Surrogate>, SurrogateError> {
        (self.get(id)?.make)(hyperparameters)
    }

    /// Reads a trained one from its saved numbers. Errors: unknown id, numbers that do not read.
    pub fn load(&self, id: &str, saved: serde_json::Value) -> Result<Box<dyn Fitted>, SurrogateError> {
        (self.get(id)?.load)(saved)
    }
}
