//! The core trait: a surrogate learns one target from rows of features, and predicts mean and standard deviation.

use crate::{Features, SurrogateError};

/// A model of one target that can be trained: its hyperparameters, checked.
///
/// It cannot be asked before it is trained: [`fit`](Surrogate::fit) returns the thing that predicts. Training is deterministic for a seed.
///
/// ```
/// use hwgym_envs::Options;
/// use hwgym_surrogates::{Features, Registry, SurrogateError};
///
/// let features = Features::new((0..40).map(f64::from).collect(), 1).ok_or(SurrogateError::Training("odd".into()))?;
/// let targets: Vec<f64> = (0..40).map(|x| 3.0 * f64::from(x) + 1.0).collect();
/// let line = Registry::builtin().make("elastic-net", &Options::none())?.fit(&features, &targets, 1)?;
/// assert!((line.predict(&features)[10].mean - 31.0).abs() < 0.5);
/// # Ok::<(), SurrogateError>(())
/// ```
pub trait Surrogate: Send + Sync {
    /// Learns from `features` and one finite target per row; there are at least two rows. Errors: data that the model cannot learn from.
    fn fit(&self, features: &Features, targets: &[f64], seed: u64)
    -> Result<Box<dyn Fitted>, SurrogateError>;
}

/// A trained model of one target.
pub trait Fitted: Send + Sync {
    /// One estimate per row.
    fn predict(&self, features: &Features) -> Vec<Estimate>;

    /// The model's numbers as JSON; its registry entry reads them back. No code.
    fn save(&self) -> Result<serde_json::Value, SurrogateError>;

    /// Checks numbers that were read from a file, which anybody may have edited: [`predict`](Self::predict) on rows of this width answers
    /// without a panic, in finite time, with deviations from 0. Errors: what does not fit.
    fn check(&self, width: usize) -> Result<(), String>;
}

/// A prediction of one target.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Estimate {
    /// Expected value.
    pub mean: f64,
    /// Standard deviation: how far off it is expected to be. At least 0.
    pub sd: f64,
}
