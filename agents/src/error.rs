//! The one error type of this crate.

use hwgym_envs::EnvError;
use hwgym_envs::catalogue::CatalogueError;

/// Why an agent cannot be built.
#[derive(Debug, thiserror::Error)]
pub enum AgentError {
    /// The id is in no registry, or in it already.
    #[error(transparent)]
    Catalogue(#[from] CatalogueError),
    /// A neural agent in a program built without the feature `neural`.
    #[error(
        "agent `{0}` is not in this program: it was built without neural agents; build it with the default feature `neural`"
    )]
    NotBuilt(String),
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
    /// The agent cannot serve this space, objective or budget.
    #[error("agent `{agent}` cannot serve this problem: {reason}")]
    Unsupported {
        /// The agent.
        agent: String,
        /// Why, and what to use instead.
        reason: String,
    },
    /// Hyperparameters that do not read, with their place.
    #[error(transparent)]
    Env(#[from] EnvError),
}

impl AgentError {
    /// A hyperparameter outside its range.
    pub fn out_of_range(name: &str, value: impl ToString, expected: &str) -> Self {
        Self::OutOfRange { name: name.into(), value: value.to_string(), expected: expected.into() }
    }

    /// A problem that the agent cannot serve.
    pub fn unsupported(agent: &str, reason: impl Into<String>) -> Self {
        Self::Unsupported { agent: agent.into(), reason: reason.into() }
    }
}
