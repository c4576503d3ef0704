//! An embedded SPICE.

pub mod cards;
pub mod devices;
