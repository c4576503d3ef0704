//! Mappers: searches for a good, or the best, mapping of one layer onto one architecture.
pub mod exact;
