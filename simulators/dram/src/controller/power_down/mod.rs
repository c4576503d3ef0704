//! Power-down managers, one per rank.
mod staggered;

pub(crate) use staggered::Staggered;
