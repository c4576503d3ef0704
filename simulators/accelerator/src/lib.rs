//! Analytical models of DNN accelerators: loop-nest (Timeloop-equivalent), data-centric (MAESTRO-equivalent) and
//! systolic-array (SCALE-Sim-equivalent) models, with mappers.
pub mod error;
pub mod maestro;
pub mod mapper;
pub mod systolic;
pub mod timeloop;
pub mod workload;

pub use error::{Error, Result};
