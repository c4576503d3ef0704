//! The one error type of this crate.
use std::path::PathBuf;

use thiserror::Error;

/// Everything that can go wrong while reading a specification or evaluating a model.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Error {
    /// A parsed text is wrong at a known place.
    #[error("{file}:{line}:{column}: {message}\n  remedy: {remedy}")]
    At {
        /// Name of the file (or of the text when it does not come from a file).
        file: String,
        /// Line, counted from 1.
        line: usize,
        /// Column, counted from 1.
        column: usize,
        /// What is wrong and what was expected.
        message: String,
        /// What the reader can do about it.
        remedy: String,
    },
    /// A value that did not come from a text, or whose place is not known, is wrong.
    #[error("{message}\n  remedy: {remedy}")]
    Invalid {
        /// What is wrong and what was expected.
        message: String,
        /// What the reader can do about it.
        remedy: String,
    },
    /// A file could not be read.
    #[error("cannot read {}: {reason}\n  remedy: check the path and its permissions", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        reason: String,
    },
}

impl Error {
    /// An [`Error::Invalid`] from its two sentences.
    pub fn invalid(message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::Invalid { message: message.into(), remedy: remedy.into() }
    }

    /// An [`Error::At`] from a place and two sentences.
    pub fn at(
        file: impl Into<String>,
        (line, column): (usize, usize),
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self::At { file: file.into(), line, column, message: message.into(), remedy: remedy.into() }
    }

    /// An [`Error::File`] from a path and the error of the operating system.
    pub fn file(path: impl Into<PathBuf>, reason: &std::io::Error) -> Self {
        Self::File { path: path.into(), reason: reason.to_string() }
    }
}

/// Result with this crate's [`enum@Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The closest of `known` to `word`, as a sentence to put behind a remedy (`did you mean "glb"?`),
/// or the list of what is known where nothing is close.
pub fn did_you_mean<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let known: Vec<&str> = known.into_iter().collect();
    let lower = word.to_lowercase();
    let best = known
        .iter()
        .map(|&name| (strsim::jaro_winkler(&lower, &name.to_lowercase()), name))
        .max_by(|a, b| a.0.total_cmp(&b.0));
    match best {
        Some((score, name)) if score > 0.8 => format!("did you mean \"{name}\"?"),
        _ => format!("known are: {}", known.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suggests_a_close_name() {
        assert_eq!(did_you_mean("shard_glb", ["DRAM", "shared_glb"]), "did you mean \"shared_glb\"?");
        assert_eq!(did_you_mean("zzz", ["DRAM", "buf"]), "known are: DRAM, buf");
    }

    #[test]
    fn says_the_place() {
        let text = Error::at("a.yaml", (3, 7), "wrong", "fix it").to_string();
        assert_eq!(text, "a.yaml:3:7: wrong\n  remedy: fix it");
    }
}
