//! hwgym: a gym for hardware design-space exploration.
//!
//! This crate is a facade over the layers, lowest first: [`simulators`], [`envs`] (the contract and the environments), [`surrogates`],
//! [`agents`], [`experiments`] (studies and reports). The program `hwgym` is built from it.
//!
//! Authors of an agent or an environment take [`prelude`]; [`registries`] holds everything that the program knows by name.
//!
//! ```
//! let registries = hwgym::registries()?;
//! assert!(registries.agents.get("random").is_ok());
//! # Ok::<(), hwgym::envs::EnvError>(())
//! ```

pub use hwgym_agents as agents;
pub use hwgym_envs as envs;
pub use hwgym_experiments as experiments;
pub use hwgym_simulators as simulators;
pub use hwgym_surrogates as surrogates;

pub use hwgym_experiments::Registries;

/// Everything the author of an agent or an environment needs, in one `use`.
pub mod prelude {
    pub use hwgym_agents::{Agent, AgentEntry, AgentError, Evaluated, Problem};
    pub use hwgym_envs::{
        Constraint, Design, DesignSpace, Direction, Domain, Encoding, Env, EnvEntry, EnvError, Fidelity,
        Goal, Group, Metric, Objective, Options, Outcome, Parameter, Random, Scale, Score, Scorer, Value,
    };
    pub use hwgym_experiments::Registries;
}

/// Every environment, surrogate-backed ones included, and every agent. Errors: two of them share an id.
pub fn registries() -> Result<Registries, envs::EnvError> {
    Registries::builtin()
}
