//! Transforms of targets, once for all models: they learn better where the target looks normal.

use serde::{Deserialize, Serialize};

/// What is done to a target before a model sees it; undone in every prediction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub enum Transform {
    /// The logarithm where all targets are above 0 and span more than a factor of 3, otherwise nothing; then standardised. Decibels
    /// and degrees stay as they are: the ones are logarithms already, the others places on a circle.
    #[default]
    Auto,
    /// Standardised only.
    Standard,
    /// The logarithm, standardised; targets must be above 0.
    Log,
}

/// A transform with its numbers, learned from the training targets.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct FittedTransform {
    log: bool,
    mean: f64,
    sd: f64,
}

impl Transform {
    /// [`fit`](Self::fit) for a metric in this unit, which tells `Auto` what never takes a logarithm.
    pub fn fit_in(self, unit: &str, targets: &[f64]) -> Option<FittedTransform> {
        match (self, unit) {
            (Self::Auto, "dB" | "deg") => Self::Standard.fit(targets),
            _ => self.fit(targets),
        }
    }

    /// Learns the numbers; constant targets get a standard deviation of 1. `None` for a logarithm of targets that are not above 0.
    pub fn fit(self, targets: &[f64]) -> Option<FittedTransform> {
        let low = targets.iter().copied().fold(f64::INFINITY, f64::min);
        let high = targets.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let log = match self {
            Self::Auto => low > 0.0 && high > 3.0 * low,
            Self::Standard => false,
            Self::Log if low <= 0.0 => return None,
            Self::Log => true,
        };
        let bare = FittedTransform { log, mean: 0.0, sd: 1.0 };
        let n = targets.len().max(1) as f64;
        let mean = targets.iter().map(|t| bare.forward(*t)).sum::<f64>() / n;
        let variance = targets.iter().map(|t| (bare.forward(*t) - mean).powi(2)).sum::<f64>() / n;
        let sd = variance.sqrt();
        Some(FittedTransform { log, mean, sd: if sd > 1e-12 * mean.abs().max(1e-300) { sd } else { 1.0 } })
    }
}

impl FittedTransform {
    /// Nothing is done.
    pub(crate) fn identity() -> Self {
        Self { log: false, mean: 0.0, sd: 1.0 }
    }

    /// The same kind of transform, with the numbers of other targets; `None` for a logarithm of targets that are not above 0.
    pub(crate) fn again(&self, targets: &[f64]) -> Option<Self> {
        if self.log { Transform::Log.fit(targets) } else { Transform::Standard.fit(targets) }
    }

    /// Checks numbers that were read from a file. Errors: which of them cannot be.
    pub(crate) fn check(&self) -> Result<(), String> {
        if self.mean.is_finite() && self.sd.is_finite() && self.sd > 0.0 {
            Ok(())
        } else {
            Err(format!(
                "the transform's mean is {} and its sd {}; expected finite numbers, sd above 0",
                self.mean, self.sd
            ))
        }
    }

    /// From a target to what the model sees.
    pub fn forward(&self, target: f64) -> f64 {
        ((if self.log { target.ln() } else { target }) - self.mean) / self.sd
    }

    /// From the model's mean and standard deviation to the target's; that of a logarithm to first order.
    pub fn backward(&self, mean: f64, sd: f64) -> (f64, f64) {
        let (mean, sd) = (mean * self.sd + self.mean, sd * self.sd);
        if self.log { (mean.exp(), mean.exp() * sd) } else { (mean, sd) }
    }
}
