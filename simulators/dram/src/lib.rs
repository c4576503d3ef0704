//! Event-driven DRAM controller simulator.
pub mod command;
pub mod device;
pub mod error;
pub mod request;
mod source;
pub mod standard;
pub mod trace;

pub use command::Command;
pub use device::Device;
pub use error::{Error, Result};
pub use request::Request;
