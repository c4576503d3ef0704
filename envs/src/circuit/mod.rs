//! Analog circuits: sizing amplifiers, a regulator, a comparator and a reference, and any deck of your own.
//!
//! One file per environment (its decks, ranges and metrics); `sizing` is the body that the built-in ones share, `netlist` the environment
//! that needs no Rust.

mod amplifier;
mod bandgap;
mod bench;
mod comparator_strongarm;
mod conditions;
mod ldo;
mod miss;
mod netlist;
mod ngspice;
mod opamp_autockt;
mod opamp_folded_cascode;
mod opamp_two_stage;
mod ota_5t;
mod response;
mod sizing;
mod spline;
mod sweep;
mod template;

pub use conditions::{Corner, Mismatch, Simulator};
pub use netlist::{MeasureMetric, MonteCarlo, Netlist, NetlistCondition, NetlistOptions, Requirement};
pub use sizing::{SizingOptions, WalkOptions};

use crate::EnvEntry;

/// The registry entries of all circuit environments.
pub(crate) fn entries() -> Vec<EnvEntry> {
    vec![
        bandgap::registry_entry(),
        comparator_strongarm::registry_entry(),
        ldo::registry_entry(),
        netlist::registry_entry(),
        opamp_autockt::registry_entry(),
        opamp_folded_cascode::registry_entry(),
        opamp_two_stage::registry_entry(),
        ota_5t::registry_entry(),
    ]
}

#[cfg(test)]
mod tests;
