//! The errors of this crate. Every message says what is wrong, where, and what to do about it.
use std::path::PathBuf;

/// Result with this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Everything that can go wrong while reading or running a DRAM model.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A place in a text that was read: a trace, a device file, a controller file.
    #[error("{file}:{line}:{column}: {message}\n  help: {remedy}")]
    Source {
        /// Name of the file as the user gave it, or of the preset.
        file: String,
        /// Line, counted from 1.
        line: usize,
        /// Column in characters, counted from 1.
        column: usize,
        /// What is wrong and what was expected.
        message: String,
        /// What the user can do about it.
        remedy: String,
    },
    /// A file could not be opened, read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// A name (device, parameter, value, generator) that does not exist.
    #[error("unknown {what} `{name}`{}\n  help: expected one of: {}", suggestion(name, expected), expected.join(", "))]
    UnknownName {
        /// Kind of thing, for example `device`.
        what: &'static str,
        /// What was given.
        name: String,
        /// What exists.
        expected: Vec<String>,
    },
    /// A value outside its range.
    #[error("{parameter} = {value}: {message}\n  help: {remedy}")]
    InvalidValue {
        /// Parameter as the user writes it.
        parameter: String,
        /// What was given.
        value: String,
        /// Why it is wrong.
        message: String,
        /// What the user can do about it.
        remedy: String,
    },
    /// A run that reached its limit of simulated time before every request was answered.
    #[error(
        "{answered} of {sent} requests were answered when the limit of {limit_ns} ns simulated time was reached\n  \
         help: raise `max_time_ns`, or check the combination of scheduler, buffer and device"
    )]
    TimeLimit {
        /// Limit, in nanoseconds.
        limit_ns: f64,
        /// Requests sent.
        sent: u64,
        /// Requests answered.
        answered: u64,
    },
    /// A run in which requests wait but no event is left: the controller configuration cannot make progress.
    #[error(
        "the controller stopped at {time_ns} ns with {answered} of {sent} requests answered\n  \
         help: this combination of scheduler, buffer and refresh policy cannot make progress; change one of them"
    )]
    Stalled {
        /// Simulated time, in nanoseconds.
        time_ns: f64,
        /// Requests sent.
        sent: u64,
        /// Requests answered.
        answered: u64,
    },
}

impl Error {
    /// An [`Error::Io`] about `path`.
    pub fn io(path: impl Into<PathBuf>, source: std::io::Error) -> Self {
        Self::Io { path: path.into(), source }
    }

    /// An [`Error::UnknownName`], with the list of what exists.
    pub fn unknown<S: Into<String>>(
        what: &'static str,
        name: impl Into<String>,
        expected: impl IntoIterator<Item = S>,
    ) -> Self {
        Self::UnknownName {
            what,
            name: name.into(),
            expected: expected.into_iter().map(Into::into).collect(),
        }
    }
}

/// `, did you mean ...?` when one of `expected` is close to `name`, otherwise nothing.
fn suggestion(name: &str, expected: &[String]) -> String {
    closest(name, expected.iter().map(String::as_str))
        .map_or_else(String::new, |best| format!(", did you mean `{best}`?"))
}

/// The most similar of `candidates` to `name`, ignoring case, if any is similar at all.
pub fn closest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wanted = name.to_lowercase();
    candidates
        .into_iter()
        .map(|candidate| (strsim::jaro_winkler(&wanted, &candidate.to_lowercase()), candidate))
        .filter(|(score, _)| *score > 0.75)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate)
}
