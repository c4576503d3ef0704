//! What an evaluation answers: metrics, or an honest reason why there are none.

use serde::{Deserialize, Serialize};

/// Which way a metric is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Direction {
    /// Smaller is better.
    Minimise,
    /// Larger is better.
    Maximise,
}

impl Direction {
    /// The worse of two numbers.
    pub fn worse(self, a: f64, b: f64) -> f64 {
        match self {
            Self::Minimise => a.max(b),
            Self::Maximise => a.min(b),
        }
    }
}

/// A quantity that an environment measures.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Metric {
    /// Name with its unit in it, such as `energy_pj`.
    pub name: String,
    /// Unit as it stands on an axis, such as `pJ`; `1` for a ratio.
    pub unit: String,
    /// Which way it is better.
    pub direction: Direction,
    /// Its definition in one line.
    pub definition: String,
}

impl Metric {
    /// A metric of which less is better.
    pub fn minimise(name: &str, unit: &str, definition: &str) -> Self {
        Self::new(name, unit, Direction::Minimise, definition)
    }

    /// A metric of which more is better.
    pub fn maximise(name: &str, unit: &str, definition: &str) -> Self {
        Self::new(name, unit, Direction::Maximise, definition)
    }

    fn new(name: &str, unit: &str, direction: Direction, definition: &str) -> Self {
        Self { name: name.into(), unit: unit.into(), direction, definition: definition.into() }
    }
}

/// The answer to one evaluation. Never a made-up number: what has no metrics says why.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "kebab-case")]
pub enum Outcome {
    /// The design was measured: one finite value per metric of the environment, in its order.
    Feasible {
        /// The values.
        metrics: Vec<f64>,
    },
    /// The design breaks a constraint that the simulator, or the design space, knows.
    Infeasible {
        /// What the constraint says.
        constraint: String,
        /// By how much it is broken, in its own units: above zero, and finite.
        amount: f64,
        /// The sum over everything that is broken, each amount relative to its limit, where that is known; otherwise the amount ranks.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        relative: Option<f64>,
    },
    /// The simulator was stopped at its time limit.
    TimedOut {
        /// The limit, in seconds.
        limit_s: f64,
    },
    /// The simulator broke: it crashed, or answered nonsense.
    Failed {
        /// What happened.
        reason: String,
        /// The last lines it wrote, if it wrote any.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        log_tail: String,
    },
}

impl Outcome {
    /// A measured design; [`Outcome::Failed`] if a value is not finite, since that is no measurement.
    pub fn feasible(metrics: impl Into<Vec<f64>>) -> Self {
        let metrics = metrics.into();
        match metrics.iter().position(|m| !m.is_finite()) {
            None => Self::Feasible { metrics },
            Some(index) => {
                Self::failed(format!("metric {index} is {}, which is no measurement", metrics[index]))
            }
        }
    }

    /// A broken constraint. An amount that is not above zero and finite counts as 1.
    pub fn infeasible(constraint: impl Into<String>, amount: f64) -> Self {
        let amount = if amount.is_finite() && amount > 0.0 { amount } else { 1.0 };
        Self::Infeasible { constraint: constraint.into(), amount, relative: None }
    }

    /// The same, with the sum over everything that is broken, each amount relative to its limit: what a search ranks by.
    pub fn ranked_by(mut self, sum: f64) -> Self {
        if let Self::Infeasible { relative, .. } = &mut self {
            *relative = (sum.is_finite() && sum > 0.0).then_some(sum);
        }
        self
    }

    /// A broken simulator, without a log.
    pub fn failed(reason: impl Into<String>) -> Self {
        Self::Failed { reason: reason.into(), log_tail: String::new() }
    }

    /// The metrics, if the design was measured.
    pub fn metrics(&self) -> Option<&[f64]> {
        match self {
            Self::Feasible { metrics } => Some(metrics),
            _ => None,
        }
    }

    /// One word for tables: `feasible`, `infeasible`, `timed-out` or `failed`.
    pub fn status(&self) -> &'static str {
        match self {
            Self::Feasible { .. } => "feasible",
            Self::Infeasible { .. } => "infeasible",
            Self::TimedOut { .. } => "timed-out",
            Self::Failed { .. } => "failed",
        }
    }
}
