//! The one error type of this crate.

use std::path::PathBuf;

use hwgym_envs::EnvError;
use hwgym_envs::catalogue::CatalogueError;

/// Why a surrogate cannot be trained, loaded or asked.
#[derive(Debug, thiserror::Error)]
pub enum SurrogateError {
    /// The id is in no registry, or in it already.
    #[error(transparent)]
    Catalogue(#[from] CatalogueError),
    /// A hyperparameter outside its range.
    #[error("hyperparameter `{name}` is {value}; expected {expected}")]
    OutOfRange {
        /// Its name.
        name: String,
        /// Its value.
        value: String,
        /// The range in words.
        expected: String,
    },
    /// Training data that no model can learn from.
    #[error("training data: {0}")]
    Training(String),
    /// A file of a data set that does not read.
    #[error("{}:{line}: {message}", .path.display())]
    Data {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: u64,
        /// What was expected, and the remedy.
        message: String,
    },
    /// A model file that is not one, or not for this use.
    #[error("{}: {message}", .path.display())]
    Model {
        /// The file.
        path: PathBuf,
        /// What was expected, and the remedy.
        message: String,
    },
    /// A model's numbers do not read.
    #[error("its numbers do not read: {0}")]
    Numbers(#[from] serde_json::Error),
    /// The contract's errors.
    #[error(transparent)]
    Env(#[from] EnvError),
}

impl SurrogateError {
    /// A hyperparameter outside its range.
    pub fn out_of_range(name: &str, value: impl ToString, expected: &str) -> Self {
        Self::OutOfRange { name: name.into(), value: value.to_string(), expected: expected.into() }
    }

    /// Checks a whole number. Errors: it is not from `low` to `high`.
    pub(crate) fn check_count(name: &str, value: usize, low: usize, high: usize) -> Result<(), Self> {
        let fits = (low..=high).contains(&value);
        if fits { Ok(()) } else { Err(Self::out_of_range(name, value, &format!("{low} to {high}"))) }
    }

    /// Checks a share. Errors: it is not from 0 to 1.
    pub(crate) fn check_share(name: &str, value: f64) -> Result<(), Self> {
        if (0.0..=1.0).contains(&value) { Ok(()) } else { Err(Self::out_of_range(name, value, "0 to 1")) }
    }

    /// Checks the size of a step. Errors: it is not above 0 and at most 1.
    pub(crate) fn check_rate(name: &str, value: f64) -> Result<(), Self> {
        let fits = value > 0.0 && value <= 1.0;
        if fits { Ok(()) } else { Err(Self::out_of_range(name, value, "above 0, at most 1")) }
    }

    /// Several data sets for a surrogate that learns from one.
    pub(crate) fn several(sets: usize) -> Self {
        Self::Training(format!(
            "{sets} data sets for a surrogate that learns from one; `transformer` learns from several"
        ))
    }

    /// A trained model to go on with, for a surrogate that cannot.
    pub(crate) fn no_start() -> Self {
        Self::Training(
            "this surrogate does not go on with a trained model; use `transformer`, or learn the errors of a base"
                .into(),
        )
    }
}
