//! One action is one whole design.

use std::sync::Arc;

use super::Core;
use crate::episode::{Episode, Observation, Step};
use crate::{Design, DesignSpace, Env, EnvError, Objective};

/// An episode in which every step evaluates a whole design. The observation holds the metrics of the previous one.
pub struct Joint {
    core: Core,
}

impl Joint {
    /// Wraps an environment. Errors: an objective that does not fit it.
    pub fn new(env: Arc<dyn Env>, objective: &Objective) -> Result<Self, EnvError> {
        Ok(Self { core: Core::new(env, objective)? })
    }
}

impl Episode for Joint {
    fn observation_width(&self) -> usize {
        self.core.env.metrics().len()
    }

    fn observation_bounds(&self) -> Vec<(f64, f64)> {
        vec![(-1.0, 1.0); self.observation_width()]
    }

    fn action_space(&self) -> &DesignSpace {
        self.core.env.space()
    }

    fn reset(&mut self, _seed: u64) -> Observation {
        self.core.observe(None)
    }

    fn step(&mut self, action: &Design) -> Step {
        let evaluated = self.core.evaluate(action.clone());
        Step {
            observation: self.core.observe(Some(&evaluated)),
            reward: evaluated.reward(),
            terminated: evaluated.score.done,
            truncated: false,
            evaluated: Some(evaluated),
        }
    }
}
