//! Energy and area of components without tables from other tools.
//!
//! A [`Component`] is a class with its attributes; [`Component::estimate`] answers energy per action, leakage and area.
//! Sources:
//! * SRAM: 46 points of CACTI 7 (HewlettPackard/cacti, "ram", one read-write port), interpolated; see [`cacti`];
//! * adders, multipliers, comparators, counters, registers, crossbars: the 40/45 nm tables of the Aladdin plug-in of
//!   Accelergy (Wu, Emer, Sze, ICCAD 2019), after Shao et al., ISCA 2014; see [`aladdin`];
//! * DRAM: energy per bit by type, as the CACTI plug-in of Accelergy uses them; see [`DramKind`].
pub mod aladdin;
pub mod cacti;
mod component;

pub use component::{Component, DramKind, Estimate};
