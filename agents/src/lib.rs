#![doc = include_str!("../README.md")]

pub mod agent;
pub mod bayesian;
pub mod conformance;
pub mod error;
pub mod genetic;
pub mod random;
pub mod registry;
pub mod tools;

pub use agent::{Agent, Problem};
pub use error::AgentError;
pub use hwgym_envs::episode::Evaluated;
pub use registry::{AgentEntry, Hyperparameter, Registry};

/// Everything the author of an agent needs, in one `use`.
pub mod prelude {
    pub use crate::{Agent, AgentEntry, AgentError, Evaluated, Hyperparameter, Problem, Registry};
    pub use hwgym_envs::{Design, DesignSpace, Domain, Encoding, Options, Random, Score};
}
