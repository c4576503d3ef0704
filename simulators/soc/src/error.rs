//! The errors of this crate. Every message says what is wrong, where, and what to do about it.
use std::path::PathBuf;

/// Result with this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Everything that can be wrong with a task graph, a library or the text of a design. What is wrong with a design that reads well is an
/// [`Infeasible`](crate::Infeasible).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A place in a text that was read.
    #[error("{file}:{line}:{column}: {message}\n  help: {remedy}")]
    Source {
        /// Name of the file as the user gave it, or of the built-in table.
        file: String,
        /// Line, counted from 1.
        line: usize,
        /// Column in characters, counted from 1.
        column: usize,
        /// What is wrong.
        message: String,
        /// What the user can do about it.
        remedy: String,
    },
    /// A file could not be read.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// A name that does not exist.
    #[error("unknown {what} `{name}`{}\n  help: {}", suggestion(name, expected), list(expected))]
    UnknownName {
        /// Kind of thing, for example `task`.
        what: &'static str,
        /// What was given.
        name: String,
        /// What exists.
        expected: Vec<String>,
    },
    /// A design that names what there is not, or leaves out what must be there.
    #[error("{message}\n  help: {remedy}")]
    Design {
        /// What is wrong.
        message: String,
        /// What the user can do about it.
        remedy: String,
    },
}

impl Error {
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

    /// An [`Error::Design`].
    pub fn design(message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::Design { message: message.into(), remedy: remedy.into() }
    }
}

/// `, did you mean ...?` when one of `expected` is close to `name`, otherwise nothing.
fn suggestion(name: &str, expected: &[String]) -> String {
    closest(name, expected.iter().map(String::as_str))
        .map_or_else(String::new, |best| format!(", did you mean `{best}`?"))
}

/// What exists, the first of it where it is much.
fn list(expected: &[String]) -> String {
    let shown = expected[..expected.len().min(32)].join(", ");
    let rest = expected.len().saturating_sub(32);
    if rest == 0 {
        format!("expected one of: {shown}")
    } else {
        format!("expected one of: {shown} and {rest} more")
    }
}

/// The most similar of `candidates` to `name`, ignoring case, if any is similar at all.
pub(crate) fn closest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wanted = name.to_lowercase();
    candidates
        .into_iter()
        .map(|candidate| (strsim::jaro_winkler(&wanted, &candidate.to_lowercase()), candidate))
        .filter(|(score, _)| *score > 0.75)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate)
}
