//! Remembers every evaluation.

use std::sync::{Arc, Mutex, PoisonError};

use super::WalkRules;
use crate::{Design, DesignSpace, Env, Fidelity, FidelityLevel, Metric, Objective, Options, Outcome};

/// An environment that keeps a list of all it was asked and answered: the raw material of a data set.
pub struct Recording {
    inner: Arc<dyn Env>,
    records: Mutex<Vec<(Design, Fidelity, Outcome)>>,
}

impl Recording {
    /// Wraps an environment.
    pub fn new(inner: Arc<dyn Env>) -> Self {
        Self { inner, records: Mutex::default() }
    }

    /// Takes the records so far, in the order in which evaluations ended, and starts an empty list.
    pub fn take(&self) -> Vec<(Design, Fidelity, Outcome)> {
        std::mem::take(&mut self.records.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Env for Recording {
    fn id(&self) -> &str {
        self.inner.id()
    }
    fn space(&self) -> &DesignSpace {
        self.inner.space()
    }
    fn metrics(&self) -> &[Metric] {
        self.inner.metrics()
    }
    fn evaluate(&self, design: &Design, fidelity: Fidelity) -> Outcome {
        let outcome = self.inner.evaluate(design, fidelity);
        let record = (design.clone(), fidelity, outcome.clone());
        self.records.lock().unwrap_or_else(PoisonError::into_inner).push(record);
        outcome
    }
    fn fidelities(&self) -> Vec<FidelityLevel> {
        self.inner.fidelities()
    }
    fn objectives(&self) -> Vec<Objective> {
        self.inner.objectives()
    }
    fn walk(&self) -> Option<WalkRules> {
        self.inner.walk()
    }
    fn canonical(&self, design: &Design) -> Design {
        self.inner.canonical(design)
    }
    fn provenance(&self) -> Vec<(String, String)> {
        self.inner.provenance()
    }
    fn stands_for(&self) -> Option<(String, Options)> {
        self.inner.stands_for()
    }
}
