//! The analyses: operating point, DC sweep, AC, transfer function, noise and transient, all on one `Engine`.

mod ac;
mod build;
mod companion;
mod dc;
mod decimal;
mod diagnose;
mod engine;
mod integrate;
mod noise;
mod op;
mod passive;
mod result;
mod special;
mod system;
mod tran;
mod waveform;

pub(crate) use ac::SmallSignal;
pub(crate) use engine::{Dynamic, Engine, Start};
pub use noise::NoiseTotals;
pub(crate) use noise::NoiseWork;
pub(crate) use passive::conductance_of as conductance;
pub use result::Table;
pub(crate) use system::System;
pub use tran::TranSpec;
