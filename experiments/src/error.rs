//! The one error type of this crate.

use std::path::{Path, PathBuf};

/// Why a study cannot be run, resumed or reported.
#[derive(Debug, thiserror::Error)]
pub enum StudyError {
    /// The study file is wrong.
    #[error("{location}: {message}")]
    Study {
        /// `file:line:column`.
        location: String,
        /// What was expected, and the remedy.
        message: String,
    },
    /// A file that the user named cannot be read.
    #[error("{}: {source}", .path.display())]
    Input {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// A file cannot be read or written.
    #[error("{}: {source}{}", .path.display(), remedy(.source))]
    File {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// The directory of a study is not usable as asked.
    #[error("{}: {message}", .path.display())]
    Directory {
        /// The directory.
        path: PathBuf,
        /// What is wrong, and the remedy.
        message: String,
    },
    /// A file that a study was started with is another one now.
    #[error("{}: {message}", .path.display())]
    Changed {
        /// The file.
        path: PathBuf,
        /// What is wrong, and the remedy.
        message: String,
    },
    /// A record is damaged.
    #[error("{}:{line}: {message}", .path.display())]
    Record {
        /// The file of records.
        path: PathBuf,
        /// Line, counted from 1.
        line: usize,
        /// What is wrong, and the remedy.
        message: String,
    },
    /// An agent does not repeat what it did when the records were made.
    #[error(
        "trial `{trial}`, evaluation {evaluation}: the agent now proposes {now}, but the record holds {recorded}; the records were made by \
         another version of the program or of the study, so this study cannot be resumed: run it again in a new directory"
    )]
    Replay {
        /// The trial.
        trial: String,
        /// Its evaluation, counted from 1.
        evaluation: usize,
        /// What the agent proposes now.
        now: String,
        /// What the record holds.
        recorded: String,
    },
    /// A trial broke.
    #[error("trial `{trial}`: {message}")]
    Trial {
        /// The trial.
        trial: String,
        /// What happened.
        message: String,
    },
    /// A plot cannot be drawn.
    #[error("plot {}: {message}", .path.display())]
    Plot {
        /// The file.
        path: PathBuf,
        /// What went wrong.
        message: String,
    },
    /// An environment or objective is wrong.
    #[error(transparent)]
    Env(#[from] hwgym_envs::EnvError),
    /// An agent is wrong.
    #[error(transparent)]
    Agent(#[from] hwgym_agents::AgentError),
}

impl StudyError {
    /// True if the user can mend it by giving other input.
    pub fn is_bad_input(&self) -> bool {
        !matches!(self, Self::File { .. } | Self::Plot { .. } | Self::Trial { .. })
    }

    /// A file that cannot be read or written.
    pub(crate) fn file(path: &Path, source: std::io::Error) -> Self {
        Self::File { path: path.into(), source }
    }
}

/// What helps where the operating system refuses a file; empty where nothing more is to be said.
fn remedy(source: &std::io::Error) -> &'static str {
    use std::io::ErrorKind;
    match source.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            "; records up to here are whole: make room, then go on with `hwgym resume`"
        }
        ErrorKind::ReadOnlyFilesystem | ErrorKind::PermissionDenied => {
            "; choose a place that can be written to with `--out`, or copy the directory of the study there"
        }
        _ => "",
    }
}
