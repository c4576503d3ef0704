//! The one error type of this crate.

use std::path::PathBuf;

use crate::catalogue::CatalogueError;
use crate::space::SpaceError;

/// What can go wrong before an evaluation starts. During one, nothing is an error: see [`Outcome`](crate::Outcome).
#[derive(Debug, thiserror::Error)]
pub enum EnvError {
    /// The id is in no registry, or in it already.
    #[error(transparent)]
    Catalogue(#[from] CatalogueError),
    /// The options of an environment, or another RON value, do not read.
    #[error("{location}: {message}")]
    Options {
        /// `file:line:column`, or `options:line:column` where there is no file.
        location: String,
        /// What was expected, and the remedy.
        message: String,
    },
    /// An option has a value that the environment cannot use.
    #[error("option `{option}`: {message}")]
    Invalid {
        /// The name of the option.
        option: String,
        /// What was expected, and the remedy.
        message: String,
    },
    /// The design space, a design or a name in it is wrong.
    #[error(transparent)]
    Space(#[from] SpaceError),
    /// The objective does not fit the environment.
    #[error("objective: {0}")]
    Objective(String),
    /// A file cannot be read.
    #[error("{}: {source}", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// A simulator refused its input; the text is the simulator's, with file and line.
    #[error("{0}")]
    Simulator(String),
}

impl EnvError {
    /// An option with a value that the environment cannot use.
    pub fn invalid(option: impl Into<String>, message: impl ToString) -> Self {
        Self::Invalid { option: option.into(), message: message.to_string() }
    }
}
