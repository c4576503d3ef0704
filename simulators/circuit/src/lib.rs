//! An embedded SPICE.

pub mod devices;
