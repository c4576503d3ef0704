//! The loop-nest model (Timeloop-equivalent): architecture, mapping, nest analysis, cost.
pub mod architecture;
pub mod constraints;
pub(crate) mod evaluate;
mod links;
pub mod mapping;
pub mod model;
pub mod report;
pub(crate) mod reuse;
pub mod yaml;

pub use architecture::{AccessEnergy, Architecture, Arithmetic, Level, MAX_LEVELS};
pub use constraints::Constraints;
pub use evaluate::{Cost, Detail, Misfit};
pub use mapping::{Mapping, Nest};
pub use model::Model;
pub use report::Report;
pub use yaml::{MapperSettings, Specification};
