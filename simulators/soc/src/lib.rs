#![doc = include_str!("../README.md")]

mod account;
mod design;
mod encoding;
pub mod error;
mod evaluator;
mod explanation;
mod graph;
mod infeasible;
pub mod library;
mod loads;
mod record;
mod report;
mod rules;
mod schedule;
mod sets;
mod source;
mod text;
mod traffic;
pub mod workload;
mod written;

pub use account::{Met, Summary};
pub use design::Design;
pub use encoding::Arrays;
pub use error::{Error, Result};
pub use evaluator::{Evaluator, Model};
pub use explanation::Explanation;
pub use infeasible::Infeasible;
pub use library::Library;
pub use report::{BlockReport, KernelReport, PhaseReport, Report};
pub use rules::Rules;
pub use text::{DesignText, NamedDesign};
pub use workload::{WORKLOADS, Workload};
