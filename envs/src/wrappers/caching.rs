//! Evaluates no design twice.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::Layer;
use crate::{Design, Env, Fidelity, Outcome};

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

    fn recall(&self, key: &(Design, Fidelity)) -> Option<Outcome> {
        let found = self.outcomes.lock().unwrap_or_else(PoisonError::into_inner).get(key).cloned();
        if found.is_some() {
            self.hits.fetch_add(1, Ordering::Relaxed);
        }
        found
    }

    fn remember(&self, key: (Design, Fidelity), outcome: Outcome) {
        let mut outcomes = self.outcomes.lock().unwrap_or_else(PoisonError::into_inner);
        if outcomes.len() >= self.capacity {
            outcomes.clear();
        }
        outcomes.insert(key, outcome);
    }
}

impl Layer for Caching {
    fn inner(&self) -> &dyn Env {
        self.inner.as_ref()
    }
    fn evaluate(&self, design: &Design, fidelity: Fidelity) -> Outcome {
        let key = (self.inner.canonical(design), fidelity);
        if let Some(outcome) = self.recall(&key) {
            return outcome;
        }
        let outcome = self.inner.evaluate(design, fidelity);
        self.remember(key, outcome.clone());
        outcome
    }
    fn evaluate_batch(&self, designs: &[Design], fidelity: Fidelity) -> Vec<Outcome> {
        let keys: Vec<_> = designs.iter().map(|design| (self.inner.canonical(design), fidelity)).collect();
        let mut outcomes: Vec<_> = keys.iter().map(|key| self.recall(key)).collect();
        let missing: Vec<usize> = (0..designs.len()).filter(|index| outcomes[*index].is_none()).collect();
        let batch: Vec<Design> = missing.iter().map(|index| designs[*index].clone()).collect();
        let fresh = if batch.is_empty() { Vec::new() } else { self.inner.evaluate_batch(&batch, fidelity) };
        for (index, outcome) in missing.into_iter().zip(fresh) {
            self.remember(keys[index].clone(), outcome.clone());
            outcomes[index] = Some(outcome);
        }
        outcomes.into_iter().flatten().collect()
    }
    fn prefers_batches(&self) -> bool {
        self.inner.prefers_batches()
    }
}
