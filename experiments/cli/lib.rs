//! hwgym: a gym for hardware design-space exploration.
//!
//! This crate is a facade over the layers, lowest first: [`simulators`], [`envs`] (the contract and the environments), [`surrogates`],
//! [`agents`], [`experiments`] (studies and reports); and it is the program `hwgym`, as the function [`main`].
//!
//! Authors of an environment, an agent or a surrogate take [`prelude`]; [`registries`] is everything that the program knows by name. A
//! program that knows more is three lines, and has every command:
//!
//! ```no_run
//! use hwgym::prelude::*;
//!
//! fn main() -> std::process::ExitCode {
//!     hwgym::main(registries)
//! }
//!
//! fn registries() -> Result<Registries, EnvError> {
//!     let mut registries = hwgym::registries()?;
//!     registries.add_env(EnvEntry::new("mine-v0", "my own", |_options| Err(EnvError::Simulator("not yet".into()))))?;
//!     Ok(registries)
//! }
//! ```

#[macro_use]
mod output;

mod agent;
mod arguments;
mod bench;
mod cache;
mod collect;
mod commands;
mod compare;
mod dataset;
mod difficulty;
mod doctor;
mod enumerate;
mod env;
mod env_new;
mod evaluate;
mod export;
mod extend;
mod failure;
mod map;
mod offline;
mod play;
#[cfg(feature = "neural")]
mod policy;
mod report;
mod resimulate;
mod resume;
mod run;
mod serve;
mod shell;
mod simulate;
mod status;
mod study;
mod submit;
mod surrogate;
mod trace;
#[cfg(feature = "neural")]
mod train;
mod worker;

use std::ffi::OsString;
use std::process::ExitCode;

pub use hwgym_agents as agents;
pub use hwgym_envs as envs;
pub use hwgym_experiments as experiments;
pub use hwgym_simulators as simulators;
pub use hwgym_surrogates as surrogates;

pub use hwgym_experiments::Registries;

/// Everything the author of an environment, an agent or a surrogate needs, in one `use`.
pub mod prelude {
    pub use hwgym_agents::{Agent, AgentEntry, AgentError, Evaluated, Problem};
    pub use hwgym_envs::{
        Constraint, Design, DesignSpace, Direction, Domain, Encoding, Env, EnvEntry, EnvError, Fidelity,
        Goal, Group, Metric, Objective, Options, Outcome, Parameter, Random, Scale, Score, Scorer, Value,
    };
    pub use hwgym_experiments::Registries;
    pub use hwgym_surrogates::{Estimate, Features, Fitted, Surrogate, SurrogateEntry, SurrogateError};
}

/// Every environment, surrogate-backed ones included, every agent and every surrogate of the project. Errors: two of them share an id.
pub fn registries() -> Result<Registries, envs::EnvError> {
    Registries::builtin()
}

/// The whole program: reads the command line, and runs the command with these registries.
///
/// Started in the mode of a [guard](simulators::process), it does that instead. Exit codes: 0 fine, 1 something failed, 2 the input is wrong. Results go to standard output, messages and errors to standard error.
pub fn main<E: Into<anyhow::Error>>(registries: impl FnOnce() -> Result<Registries, E>) -> ExitCode {
    if let Some(code) = simulators::process::serve_if_asked() {
        return code;
    }
    run(std::env::args_os().skip(1), registries)
}

/// The program for an executable that is no program of its own, such as an interpreter: with these arguments, without the mode of a guard.
pub fn run<E: Into<anyhow::Error>>(
    arguments: impl IntoIterator<Item = OsString>,
    registries: impl FnOnce() -> Result<Registries, E>,
) -> ExitCode {
    let words = std::iter::once(OsString::from("hwgym")).chain(arguments);
    let cli = <commands::Cli as clap::Parser>::parse_from(words);
    let result = registries().map_err(Into::into).and_then(|registries| cli.run(&registries));
    let code = result.unwrap_or_else(|error| failure::report(&error));
    match output::finish() {
        Ok(()) => code,
        Err(error) => failure::unwritten(&error, code),
    }
}

/// What a command wrote that was [called](call) from a program.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Called {
    /// Its results, as they would stand on standard output.
    pub output: String,
    /// Warnings and remarks, as they would stand on standard error.
    pub notes: String,
    /// True if its exit code would be 0.
    pub success: bool,
}

/// Why a command that was [called](call) has no result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallError {
    /// What the program would say.
    pub message: String,
    /// True if its exit code would be 2: the caller can mend the input.
    pub bad_input: bool,
}

impl std::fmt::Display for CallError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for CallError {}

/// Runs a command of the program from within another one, and returns what it would print. Errors: arguments that are no command, and what the
/// command itself says.
///
/// ```
/// let registries = hwgym::registries()?;
/// let called = hwgym::call(["env", "show", "synthetic/ackley-v0"].map(Into::into), &registries)?;
/// assert!(called.success && called.output.contains("Parameters"));
/// assert!(hwgym::call(["env", "shw"].map(Into::into), &registries).is_err_and(|error| error.bad_input));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn call(
    arguments: impl IntoIterator<Item = OsString>,
    registries: &Registries,
) -> Result<Called, CallError> {
    let words = std::iter::once(OsString::from("hwgym")).chain(arguments);
    let cli = <commands::Cli as clap::Parser>::try_parse_from(words)
        .map_err(|error| CallError { message: error.to_string(), bad_input: true })?;
    let (result, kept) = output::keep(|| cli.run(registries));
    match result {
        Ok(code) => Ok(Called { output: kept.output, notes: kept.notes, success: code == ExitCode::SUCCESS }),
        Err(error) => {
            let (message, bad_input) = failure::words(&error);
            Err(CallError { message, bad_input })
        }
    }
}
