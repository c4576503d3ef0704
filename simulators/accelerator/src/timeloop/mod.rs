//! The loop-nest model: architecture, mapping, nest analysis, cost; with true counts or with Timeloop's ([`Counting`]).
pub mod architecture;
pub mod constraints;
mod counting;
pub(crate) mod evaluate;
mod links;
pub mod mapping;
pub mod model;
pub mod report;
pub(crate) mod reuse;
pub(crate) mod space;
pub(crate) mod window;
pub mod yaml;

pub use architecture::{AccessEnergy, Architecture, Arithmetic, Level, MAX_LEVELS};
pub use constraints::Constraints;
pub use counting::Counting;
pub use evaluate::{Cost, Detail, Misfit};
pub use mapping::{Mapping, Nest};
pub use model::Model;
pub use report::Report;
pub use yaml::{MapperSettings, Specification};
