//! Reading Timeloop's own YAML: architecture, component tables, problem, mapping, constraints, mapper.
mod architecture;
mod component;
mod constraints;
mod document;
mod expression;
mod libconfig;
mod loops;
mod mapping;
mod problem;
mod specification;
mod tables;

pub use document::MAX_BYTES;
pub use specification::{MapperSettings, Specification};
