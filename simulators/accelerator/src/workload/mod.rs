//! Workloads as dense einsums: dimensions with bounds, and data spaces projected from them.
mod einsum;
mod shapes;

pub use einsum::{DataSpace, MAX_DIMS, MAX_RANKS, MAX_SPACES, Problem, Term};
pub use shapes::Convolution;
