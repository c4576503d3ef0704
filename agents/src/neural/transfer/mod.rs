//! Policies that carry over: trained once on many instances of an environment, used on one never seen.
//!
//! [`design`] proposes whole designs, given what one default simulation says and what was tried since; [`walk`] goes over a grid towards
//! targets, as AutoCkt does. [`checkpoint`] keeps either in a file, [`agent`] searches with it. Training lives in `hwgym-experiments`, since it
//! evaluates environments.

pub mod agent;
pub mod checkpoint;
pub mod design;
pub mod walk;

use std::sync::Arc;

use hwgym_envs::walk::WalkRules;
use hwgym_envs::{Design, Env, Feature, Metric, Objective};

/// What may be known of the instance that is searched, beside its space: who needs no training leaves it alone.
#[derive(Clone)]
pub struct Instance {
    env: Arc<dyn Env>,
    objective: Objective,
}

impl Instance {
    /// The instance that this environment is, under an objective.
    pub fn new(env: Arc<dyn Env>, objective: Objective) -> Self {
        Self { env, objective }
    }

    /// Id of the environment.
    pub fn env(&self) -> &str {
        self.env.id()
    }

    /// The objective.
    pub fn objective(&self) -> &Objective {
        &self.objective
    }

    /// What is measured.
    pub fn metrics(&self) -> &[Metric] {
        self.env.metrics()
    }

    /// What tells this instance from others: see [`Env::features`]. Costs up to one evaluation of the default design, which whoever asks
    /// proposes first.
    pub fn features(&self) -> Vec<Feature> {
        self.env.features()
    }

    /// See [`Env::default_design`].
    pub fn default_design(&self) -> Option<Design> {
        self.env.default_design()
    }

    /// See [`Env::canonical`].
    pub fn canonical(&self, design: &Design) -> Design {
        self.env.canonical(design)
    }

    /// See [`Env::walk`].
    pub fn walk(&self) -> Option<WalkRules> {
        self.env.walk()
    }
}

impl std::fmt::Debug for Instance {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Instance({}, {})", self.env.id(), self.objective.name)
    }
}
