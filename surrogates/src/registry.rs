//! Surrogates by id.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use hwgym_envs::Options;
use hwgym_envs::catalogue::{Catalogue, Entry, Field};

use crate::joint::{FittedJoint, FittedOneTarget, JointSurrogate, OneTarget};
use crate::{Fitted, Surrogate, SurrogateError};

type Make<T> = dyn Fn(&Options) -> Result<Box<T>, SurrogateError> + Send + Sync;
type Load<T> = dyn Fn(serde_json::Value) -> Result<Box<T>, SurrogateError> + Send + Sync;

/// How a surrogate is made and read.
#[derive(Clone)]
enum Maker {
    /// A model of one target; an environment gets one per metric.
    Single(Arc<Make<dyn Surrogate>>, Arc<Load<dyn Fitted>>),
    /// A model of all metrics.
    Joint(Arc<Make<dyn JointSurrogate>>, Arc<Load<dyn FittedJoint>>),
}

/// One registered surrogate.
#[derive(Clone)]
pub struct SurrogateEntry {
    /// Its id.
    pub id: String,
    /// What it is, in a line, with its source.
    pub summary: String,
    /// Its hyperparameters.
    pub hyperparameters: Vec<Field>,
    maker: Maker,
}

impl SurrogateEntry {
    /// An entry that makes its surrogate from hyperparameters with one function, and reads saved numbers with the other.
    pub fn new(
        id: &str,
        summary: &str,
        make: impl Fn(&Options) -> Result<Box<dyn Surrogate>, SurrogateError> + Send + Sync + 'static,
        load: impl Fn(serde_json::Value) -> Result<Box<dyn Fitted>, SurrogateError> + Send + Sync + 'static,
    ) -> Self {
        Self::of(id, summary, Maker::Single(Arc::new(make), Arc::new(load)))
    }

    /// The same for a model of all metrics at once.
    pub fn joint(
        id: &str,
        summary: &str,
        make: impl Fn(&Options) -> Result<Box<dyn JointSurrogate>, SurrogateError> + Send + Sync + 'static,
        load: impl Fn(serde_json::Value) -> Result<Box<dyn FittedJoint>, SurrogateError> + Send + Sync + 'static,
    ) -> Self {
        Self::of(id, summary, Maker::Joint(Arc::new(make), Arc::new(load)))
    }

    fn of(id: &str, summary: &str, maker: Maker) -> Self {
        Self { id: id.into(), summary: summary.into(), hyperparameters: Vec::new(), maker }
    }

    /// True for a model of all metrics at once.
    pub fn is_joint(&self) -> bool {
        matches!(self.maker, Maker::Joint(..))
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
            crate::chain_heads::entry(),
            crate::elastic_net::entry(),
            crate::gaussian_process::entry(),
            crate::gradient_boosting::entry(),
            crate::mlp_ensemble::entry(),
            crate::nearest_neighbours::entry(),
            crate::partial_least_squares::entry(),
            crate::random_forest::entry(),
            crate::transformer::entry(),
        ];
        Self(entries.into_iter().collect())
    }

    /// Makes an untrained surrogate; a joint one as a model of one target. Errors: unknown id, hyperparameters that do not read or are out
    /// of range.
    pub fn make(&self, id: &str, hyperparameters: &Options) -> Result<Box<dyn Surrogate>, SurrogateError> {
        match &self.get(id)?.maker {
            Maker::Single(make, _) => make(hyperparameters),
            Maker::Joint(make, _) => Ok(Box::new(OneTarget(make(hyperparameters)?))),
        }
    }

    /// Makes an untrained model of all metrics; `None` where this one is of one target. Errors: as of [`make`](Self::make).
    pub fn make_joint(
        &self,
        id: &str,
        hyperparameters: &Options,
    ) -> Result<Option<Box<dyn JointSurrogate>>, SurrogateError> {
        match &self.get(id)?.maker {
            Maker::Single(..) => Ok(None),
            Maker::Joint(make, _) => make(hyperparameters).map(Some),
        }
    }

    /// Reads a trained one from its saved numbers. Errors: unknown id, numbers that do not read.
    pub fn load(&self, id: &str, saved: serde_json::Value) -> Result<Box<dyn Fitted>, SurrogateError> {
        match &self.get(id)?.maker {
            Maker::Single(_, load) => load(saved),
            Maker::Joint(_, load) => Ok(Box::new(FittedOneTarget::load(saved, |saved| load(saved))?)),
        }
    }

    /// Reads a trained model of all metrics; `None` where this one is of one target. Errors: as of [`load`](Self::load).
    pub fn load_joint(
        &self,
        id: &str,
        saved: serde_json::Value,
    ) -> Result<Option<Box<dyn FittedJoint>>, SurrogateError> {
        match &self.get(id)?.maker {
            Maker::Single(..) => Ok(None),
            Maker::Joint(_, load) => load(saved).map(Some),
        }
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
