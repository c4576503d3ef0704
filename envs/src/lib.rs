#![doc = include_str!("../README.md")]

pub mod accelerator;
pub mod catalogue;
pub mod circuit;
pub mod command;
pub mod conformance;
pub mod dram_controller;
pub mod encoding;
pub mod enumerate;
pub mod env;
pub mod episode;
pub mod error;
pub mod evaluate;
pub mod guide;
pub mod known_optima;
pub mod number;
pub mod objective;
pub mod options;
pub mod outcome;
pub mod pareto;
pub mod policy;
pub mod random;
pub mod registry;
pub mod results;
pub mod soc;
pub mod source;
pub mod space;
pub mod suggest;
pub mod synthetic;
pub mod table;
pub mod walk;
pub mod wrappers;

pub use catalogue::Field;
pub use encoding::Encoding;
pub use env::{Env, Feature, Fidelity, FidelityLevel, Noise};
pub use episode::{Episode, MultiAgentEpisode, MultiAgentStep, Observation, Step};
pub use error::EnvError;
pub use evaluate::{Guard, evaluate, evaluate_batch};
pub use guide::Guide;
pub use objective::{Bound, Goal, Limit, Objective, Score, Scorer};
pub use options::Options;
pub use outcome::{Direction, Metric, Outcome};
pub use policy::{Player, Policy};
pub use random::Random;
pub use registry::{EnvEntry, Registry};
pub use space::{
    Constraint, Design, DesignSpace, Domain, Group, Listing, Parameter, Scale, SpaceError, Value,
};

/// Everything the author of an environment needs, in one `use`.
pub mod prelude {
    pub use crate::{
        Constraint, Design, DesignSpace, Direction, Domain, Env, EnvEntry, EnvError, Fidelity, Goal, Group,
        Metric, Objective, Options, Outcome, Parameter, Registry, Scale,
    };
}
