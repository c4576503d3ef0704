#![doc = include_str!("../README.md")]

pub mod error;
pub mod pareto;
pub mod plot;
pub mod registries;
pub mod report;
pub mod resimulation;
pub mod runner;
pub mod statistics;
pub mod store;
pub mod study;

pub use error::StudyError;
pub use registries::Registries;
pub use report::Report;
pub use resimulation::Resimulation;
pub use runner::{Finished, Progress, Runner};
pub use store::Store;
pub use study::{Contestant, Study, Task, Trial};
