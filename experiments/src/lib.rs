#![doc = include_str!("../README.md")]

pub mod difficulty;
pub mod error;
pub mod executor;
pub mod export;
pub mod interactive;
pub mod pareto;
pub mod plot;
mod progress;
pub mod publication;
pub mod registries;
pub mod report;
pub mod resimulation;
pub mod statistics;
pub mod store;
pub mod study;
pub mod suite;
mod text;
#[cfg(feature = "neural")]
pub mod training;
pub mod trial;

pub use error::StudyError;
pub use executor::{Executor, Finished, Local};
pub use progress::Progress;
pub use registries::Registries;
pub use report::Report;
pub use resimulation::Resimulation;
pub use store::{Access, InputSource, Manifest, Store};
pub use study::{Contestant, Study, Task, Trial};
pub use trial::Control;
