//! Event-driven DRAM controller simulator.
//!
//! A [`Simulator`] runs a stream of [`Request`]s through the controllers of a [`Device`] under a [`ControllerConfig`]
//! and yields [`Statistics`]. Commands, clocks and energies are those of DRAMSys and DRAMPower.
pub mod command;
pub mod config;
mod controller;
pub mod device;
mod dramsys;
mod energy;
pub mod error;
pub mod request;
mod simulator;
mod source;
pub mod standard;
mod statistics;
mod system;
pub mod trace;

pub use command::Command;
pub use config::ControllerConfig;
pub use controller::CommandRecord;
pub use device::Device;
pub use energy::EnergyByComponent;
pub use error::{Error, Result};
pub use request::Request;
pub use simulator::{CommandSink, Log, Observer, ResponseRecord, Simulator};
pub use statistics::{CommandCounts, LatencySummary, Statistics};
