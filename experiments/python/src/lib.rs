//! The native part of the Python package `hwgym`: what needs the simulators, or speed. Everything that only arranges it is Python, in
//! `python/hwgym`, one file per library that it serves.
//!
//! | file | what |
//! |---|---|
//! | `convert.rs` | designs and values between Python and Rust |
//! | `space.rs`, `env.rs` | design spaces, environments, outcomes |
//! | `episode.rs` | episodes for one agent (one or many at a time) and for several agents |
//! | `agent.rs`, `surrogate.rs` | agents and surrogates by id |
//! | `study.rs` | studies: run, resume, read |
//! | `program.rs` | the command line as a function; circuits with whole tables |
//! | `foreign.rs` | environments and agents that are Python classes, in worker processes |
//! | `threads.rs` | work on all cores with the interpreter released, ended by Ctrl-C |
//!
//! Arrays cross the border as `bytes` of native doubles, row by row: `numpy.frombuffer` reads them without a copy.

mod agent;
mod convert;
mod env;
mod episode;
mod foreign;
mod picture;
mod program;
mod registry;
mod space;
mod study;
mod surrogate;
mod threads;

use std::fmt::Display;

use pyo3::PyErr;
use pyo3::exceptions::{PyRuntimeError, PyValueError};

/// Input that the caller can mend.
fn bad_input(error: impl Display) -> PyErr {
    PyValueError::new_err(error.to_string())
}

/// Anything else that went wrong.
fn failure(error: impl Display) -> PyErr {
    PyRuntimeError::new_err(error.to_string())
}

/// The native part of hwgym.
#[pyo3::pymodule]
mod _native {
    /// Version of hwgym.
    #[pymodule_export]
    #[allow(non_upper_case_globals)]
    const __version__: &str = env!("CARGO_PKG_VERSION");

    #[pymodule_export]
    use super::agent::Agent;
    #[pymodule_export]
    use super::env::{Env, Evaluation, env_space};
    #[pymodule_export]
    use super::episode::{Episodes, Team};
    #[pymodule_export]
    use super::picture::plot;
    #[pymodule_export]
    use super::program::{circuit, command, main, serve_guard};
    #[pymodule_export]
    use super::registry::{catalogue, register_agent, register_env, start};
    #[pymodule_export]
    use super::space::Space;
    #[pymodule_export]
    use super::study::{check_study, read_study, resume_study, run_study, study_records, write_report};
    #[pymodule_export]
    use super::surrogate::{Fitted, fit_surrogate};
}
