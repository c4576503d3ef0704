//! Wrappers: the same pure environment as an episode, cached or cut short.
//!
//! | wrapper | from | to |
//! |---|---|---|
//! | [`Joint`] | [`Env`] | [`Episode`](crate::Episode): one action is one whole design |
//! | [`Sequential`] | `Env` | `Episode`: one parameter per step ("time-multiplexed") |
//! | [`MultiAgent`] | `Env` | [`MultiAgentEpisode`](crate::MultiAgentEpisode): one agent per group |
//! | [`Caching`] | `Env` | `Env` that evaluates no design twice |
//! | [`TargetWalk`] | `Env` | `Episode`: small steps of every parameter, towards drawn targets |
//! | [`TimeLimit`] | `Episode` | `Episode` cut after so many steps |
//!
//! A wrapper from `Env` to `Env` implements [`Layer`] and says only what it changes.

mod caching;
mod course;
mod joint;
mod layer;
mod multi_agent;
mod sequential;
mod target_walk;
mod time_limit;

pub use caching::Caching;
pub use course::{Course, View};
pub use joint::Joint;
pub use layer::Layer;
pub use multi_agent::MultiAgent;
pub use sequential::Sequential;
pub use target_walk::TargetWalk;
pub use time_limit::TimeLimit;

use std::sync::Arc;

use crate::episode::Evaluated;
use crate::{Design, Env, EnvError, Fidelity, Guard, Objective, Scorer, evaluate};

/// What the episodes share: an environment, an objective, and how they observe.
pub(crate) struct Core {
    pub env: Arc<dyn Env>,
    scorer: Scorer,
}

impl Core {
    pub fn new(env: Arc<dyn Env>, objective: &Objective) -> Result<Self, EnvError> {
        let scorer = objective.scorer(env.metrics())?;
        Ok(Self { env, scorer })
    }

    pub fn evaluate(&self, design: Design) -> Evaluated {
        let outcome = evaluate(&self.env, &design, Fidelity::FULL, &Guard::UNLIMITED);
        let score = self.scorer.score(&outcome);
        Evaluated { design, outcome, score }
    }

    /// The metrics squashed into (-1, 1) by `x / (1 + |x|)` of their logarithm, zeros without metrics.
    pub fn observe(&self, evaluated: Option<&Evaluated>) -> Vec<f64> {
        match evaluated.and_then(|e| e.outcome.metrics()) {
            None => vec![0.0; self.env.metrics().len()],
            Some(metrics) => metrics
                .iter()
                .map(|m| {
                    let log = m.signum() * m.abs().ln_1p();
                    log / (1.0 + log.abs())
                })
                .collect(),
        }
    }
}
