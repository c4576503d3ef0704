//! Evaluates no design twice.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::WalkRules;
use crate::{Design, DesignSpace, Env, Fidelity, FidelityLevel, Metric, Objective, Options, Outcome};

/// An environment that remembers outcomes by [canonical](Env::canonical) design and fidelity.
///
/// Since evaluations are deterministic, a cached environment answers exactly as the bare one. When full, it forgets everything and
/// starts again.
pub struct Caching {
    inner: Arc<dyn Env>,
    capacity: usize,
    outcomes: Mutex<HashMap<(Design, Fidelity), Outcome>>,
    hits: AtomicU64,
}

impl Caching {
    /// Wraps an environment; at most `capacity` outcomes are kept.
    pub fn new(inner: Arc<dyn Env>, capacity: usize) -> Self {
        Self { inner, capacity, outcomes: Mutex::default(), hits: AtomicU64::new(0) }
    }

    /// How many evaluations were answered from memory.
    pub fn hits(&self) -> u64 {
        self.hits.load(Ordering::Relaxed)
    }
}

impl Env for Caching {
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
        let key = (self.inner.canonical(design), fidelity);
        let lock = || self.outcomes.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(outcome) = lock().get(&key) {
            self.hits.fetch_add(1, Ordering::Relaxed);
            return outcome.clone();
        }
        let outcome = self.inner.evaluate(design, fidelity);
        let mut outcomes = lock();
        if outcomes.len() >= self.capacity {
            outcomes.clear();
        }
        outcomes.insert(key, outcome.clone());
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
