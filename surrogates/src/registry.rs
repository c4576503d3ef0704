//! Surrogates by id.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use hwgym_envs::Options;
use hwgym_envs::catalogue::{Catalogue, Entry, Field};

use crate::{Fitted, Surrogate, SurrogateError};

type Make = dyn Fn(&Options) -> Result<Box<dyn Surrogate>, SurrogateError> + Send + Sync;
type Load = dyn Fn(serde_json::Value) -> Result<Box<dyn Fitted>, SurrogateError> + Send + Sync;

/// One registered surrogate.
#[derive(Clone)]
pub struct SurrogateEntry {
    /// Its id.
    pub id: String,
    /// What it is, in a line, with its source.
    pub summary: String,
    /// Its hyperparameters.
    pub hyperparameters: Vec<Field>,
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
        self.hyperparameters.push(Field { name, default, range, description });
        self
    }
}

impl Entry for SurrogateEntry {
    const KIND: &'static str = "surrogate";
    const LISTED_BY: &'static str = "hwgym surrogate list";

    fn id(&self) -> &str {
        &self.id
    }
}

/// Surrogates by id. A value, not a global: a program may add its own to [`Registry::builtin`].
#[derive(Clone, Default)]
pub struct Registry(Catalogue<SurrogateEntry>);

impl Registry {
    /// Every surrogate of this crate.
    pub fn builtin() -> Self {
        let entries = [
            crate::elastic_net::entry(),
            crate::gaussian_process::entry(),
            crate::gradient_boosting::entry(),
            crate::nearest_neighbours::entry(),
        ];
        Self(entries.into_iter().collect())
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

impl Deref for Registry {
    type Target = Catalogue<SurrogateEntry>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl DerefMut for Registry {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.0
    }
}
