//! Cuts an episode after a number of steps.

use crate::episode::{Episode, Observation, Step};
use crate::{Design, DesignSpace};

/// Truncates an episode after `limit` steps.
pub struct TimeLimit<E> {
    inner: E,
    limit: usize,
    steps: usize,
}

impl<E: Episode> TimeLimit<E> {
    /// Wraps an episode; a limit of 0 counts as 1.
    pub fn new(inner: E, limit: usize) -> Self {
        Self { inner, limit: limit.max(1), steps: 0 }
    }
}

impl<E: Episode> Episode for TimeLimit<E> {
    fn observation_width(&self) -> usize {
        self.inner.observation_width()
    }

    fn observation_bounds(&self) -> Vec<(f64, f64)> {
        self.inner.observation_bounds()
    }

    fn action_space(&self) -> &DesignSpace {
        self.inner.action_space()
    }

    fn reset(&mut self, seed: u64) -> Observation {
        self.steps = 0;
        self.inner.reset(seed)
    }

    fn step(&mut self, action: &Design) -> Step {
        self.steps += 1;
        let step = self.inner.step(action);
        Step { truncated: step.truncated || self.steps >= self.limit, ..step }
    }
}
