//! Analytical models of DNN accelerators: loop-nest (Timeloop-equivalent), data-centric (MAESTRO-equivalent) and
//! systolic-array (SCALE-Sim-equivalent) models, with mappers.
pub mod energy;
pub mod error;
pub mod maestro;
pub mod mapper;
pub mod networks;
pub mod systolic;
pub mod timeloop;
pub mod workload;

pub use error::{Error, Result};
