//! The text of a study file, and the places of its parts.

use std::path::{Path, PathBuf};

use hwgym_envs::Options;
use hwgym_envs::options::{explain, reader};
pub(super) use hwgym_envs::source::{Fields, leading};
use ron::value::RawValue;
use serde::Deserialize;

use crate::StudyError;

/// The text of a study file with its path.
pub(super) struct Source {
    pub text: String,
    pub path: PathBuf,
    /// Relative paths are meant against this folder.
    pub folder: PathBuf,
    /// Lines that were taken from other files.
    pub included: Vec<Included>,
}

/// Lines of a study that stand in another file.
pub(super) struct Included {
    /// The first of them in the text, counted from 1, and how many they are.
    pub line: usize,
    pub lines: usize,
    /// Where they are from: the file, and its line.
    pub path: PathBuf,
    pub original: usize,
}

impl Source {
    /// Reads the whole file as `T`.
    pub fn read<'a, T: Deserialize<'a>>(&'a self) -> Result<T, StudyError> {
        self.parse(&self.text)
    }

    /// Reads a part of the file as `T`; the error has the part's place in the file.
    pub fn part<'a, T: Deserialize<'a>>(&'a self, raw: &'a RawValue) -> Result<T, StudyError> {
        self.parse(raw.get_ron())
    }

    fn parse<'a, T: Deserialize<'a>>(&'a self, part: &'a str) -> Result<T, StudyError> {
        reader().from_str(part).map_err(|error| {
            let (line, column) = self.position(part);
            let position = error.span.start;
            let column = position.col + if position.line == 1 { column - 1 } else { 0 };
            StudyError::Study {
                location: self.location(position.line + line - 1, column),
                message: explain(&error.code),
            }
        })
    }

    /// Line and column, counted from 1, of a slice of the text.
    fn position(&self, part: &str) -> (usize, usize) {
        let start = (part.as_ptr() as usize).saturating_sub(self.text.as_ptr() as usize);
        let before = self.text.get(..start).unwrap_or("");
        let line_start = before.rfind('\n').map_or(0, |n| n + 1);
        (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
    }

    /// `file:line:column` of a slice of the text, white space and comments before it skipped.
    pub fn place(&self, part: &str) -> String {
        let (line, column) = self.position(&part[leading(part)..]);
        self.location(line, column)
    }

    /// `file:line:column`, in the file where the line was written.
    fn location(&self, line: usize, column: usize) -> String {
        let from = self.included.iter().find(|part| (part.line..part.line + part.lines).contains(&line));
        match from {
            // Its first line begins behind another indentation and name.
            Some(part) => format!("{}:{}:{column}", part.path.display(), part.original + line - part.line),
            None => format!("{}:{line}:{column}", self.path.display()),
        }
    }

    /// An error at a slice of the text.
    pub fn error(&self, part: &str, message: impl ToString) -> StudyError {
        StudyError::Study { location: self.place(part), message: message.to_string() }
    }

    /// The slice as options.
    pub fn options(&self, raw: Option<&RawValue>) -> Options {
        self.slice(raw.map_or(&self.text[self.text.len()..], RawValue::get_ron))
    }

    /// A slice of the text as options.
    pub fn slice(&self, part: &str) -> Options {
        Options::slice_of(part, &self.text, &self.path).in_folder(&self.folder)
    }
}

/// The path with the current folder in front, so that a study can be resumed from elsewhere.
pub(super) fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.into())
}
