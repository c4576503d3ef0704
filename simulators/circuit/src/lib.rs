//! An embedded SPICE.
