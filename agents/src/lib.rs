#![doc = include_str!("../README.md")]

pub mod agent;
pub mod ant_colony;
pub mod bayesian;
pub mod cma_es;
pub mod conformance;
pub mod differential_evolution;
pub mod error;
pub mod external;
pub mod farsi;
pub mod genetic;
pub mod grid;
pub mod hill_climber;
pub mod latin_hypercube;
pub mod neural;
pub mod nsga2;
pub mod nsga3;
pub mod random;
pub mod registry;
pub mod simulated_annealing;
pub mod sobol;
pub mod tools;
pub mod tpe;
pub mod wrappers;

pub use agent::{Agent, Problem};
pub use error::AgentError;
pub use hwgym_envs::episode::Evaluated;
pub use registry::{AgentEntry, Goals, Registry};

/// Everything the author of an agent needs, in one `use`.
pub mod prelude {
    pub use crate::{Agent, AgentEntry, AgentError, Evaluated, Goals, Problem, Registry};
    pub use hwgym_envs::{Design, DesignSpace, Domain, Encoding, Options, Random, Score};
}
