#![doc = include_str!("../README.md")]

pub mod error;
pub mod registries;

pub use error::StudyError;
pub use registries::Registries;
