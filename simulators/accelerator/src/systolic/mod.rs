//! Systolic arrays: a convolution or matrix product on an R x C array, output-, weight- or input-stationary.
//!
//! [`simulate_exact`] counts what such hardware does (see `exact/mod.rs`, with its oracle in `tests/systolic_oracle.rs`).
//! The rest is the model of SCALE-Sim v2 (Samajdar et al., ISPASS 2020) with its peculiarities, evaluated in closed form
//! instead of cycle by cycle:
//! * [`compute`]: an array that never waits for memory (SCALE-Sim's `CALC` mode): cycles, utilisations, SRAM reads and writes;
//! * [`estimate_dram`]: the DRAM traffic such a run would cause;
//! * [`simulate`]: an array behind double-buffered SRAMs with a limited DRAM bandwidth (`USER` mode): stalls and DRAM traffic.
//!
//! One word is one byte and one element; buffer sizes are in words.
mod calc;
mod config;
mod dram;
mod exact;
pub mod files;
mod geometry;
mod network;
mod read_buffer;
mod traffic;
mod user;
mod walk;
mod write_buffer;

pub use calc::{Computation, Counts, Span, compute};
pub use config::{Array, Buffers, Dataflow, Layer};
pub use dram::estimate_dram;
pub use exact::{ExactNetwork, ExactSimulation, simulate_exact, simulate_network_exact};
pub use network::{NetworkReport, simulate_network};
pub use traffic::{MemoryTraffic, Transfer};
pub use user::{Simulation, simulate};
