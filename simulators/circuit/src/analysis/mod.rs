//! The analyses: operating point, DC sweep, AC, transfer function, noise and transient, all on one [`Engine`].

pub mod ac;
mod dc;
pub mod diagnose;
pub mod engine;
mod integrate;
pub mod noise;
mod op;
mod passive;
pub mod result;
pub mod system;
pub mod tran;
mod waveform;

pub use engine::Engine;
pub use result::Table;
pub use system::System;
pub use tran::TranSpec;
