#![doc = include_str!("../README.md")]

mod contain;
mod guard;
mod job;
mod lines;
mod runner;
mod scratch;
mod tree;

pub use contain::{kill_group, kill_group_of};
pub use guard::{serve, serve_if_asked, set_helper};
pub use job::{Ending, Job, Limits, Report};
pub use lines::{LineProcess, Silence};
pub use runner::Runner;
pub use scratch::Folder;
