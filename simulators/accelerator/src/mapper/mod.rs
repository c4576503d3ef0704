//! Mappers: searches for a good, or the best, mapping of one layer onto one architecture.
//!
//! [`map_layer`] is the entry point; [`Mapper`] chooses the method. All are deterministic for a seed on any number of threads.
mod draw;
mod evolutionary;
pub mod exact;
mod exhaustive;
mod factors;
mod goal;
mod layer;
mod mapspace;
mod random;

pub use evolutionary::evolutionary;
pub use exact::{NoMapping, Proof};
pub use exhaustive::exhaustive;
pub use goal::{Goal, Sampled, Solution};
pub use layer::{MapFailure, MappedLayer, Mapper, cache_key, map_layer, map_model};
pub use mapspace::Mapspace;
pub use random::{Patience, random_pruned, random_until};
