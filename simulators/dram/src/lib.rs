//! Event-driven DRAM controller simulator.
pub mod error;
pub mod request;

pub use error::{Error, Result};
pub use request::Request;
