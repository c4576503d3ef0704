//! Places in texts: turns errors of RON and JSON, and later findings, into file, line and column.
use std::path::Path;

use serde::de::DeserializeOwned;

use crate::error::{Error, Result, closest};

/// A text with the name of its file, for messages.
#[derive(Clone, Debug)]
pub(crate) struct Source<'a> {
    pub file: &'a str,
    pub text: &'a str,
}

/// Reads a text file.
pub(crate) fn read_text(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).map_err(|source| Error::Io { path: path.into(), source })
}

impl Source<'_> {
    /// Reads the text as JSON where its first sign is a brace, otherwise as RON.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T> {
        if self.is_json() { self.read_json() } else { self.read_ron() }
    }

    /// True for JSON: RON's structs begin with a bracket.
    pub fn is_json(&self) -> bool {
        self.text.trim_start_matches('\u{feff}').trim_start().starts_with('{')
    }

    fn read_json<T: DeserializeOwned>(&self) -> Result<T> {
        serde_json::from_str(self.text.trim_start_matches('\u{feff}')).map_err(|error| Error::Source {
            file: self.file.into(),
            line: error.line(),
            column: error.column(),
            message: error.to_string(),
            remedy: "see simulators/soc/README.md for the forms of a design".into(),
        })
    }

    fn read_ron<T: DeserializeOwned>(&self) -> Result<T> {
        ron::Options::default()
            .with_default_extension(ron::extensions::Extensions::IMPLICIT_SOME)
            .from_str(self.text.trim_start_matches('\u{feff}'))
            .map_err(|error| self.ron_error(&error))
    }

    fn ron_error(&self, error: &ron::error::SpannedError) -> Error {
        use ron::Error as E;
        let one_of = |found: &str, expected: &[&str]| {
            let meant = closest(found, expected.iter().copied())
                .map_or_else(String::new, |best| format!("did you mean `{best}`? "));
            format!("{meant}expected one of: {}", expected.join(", "))
        };
        let remedy = match &error.code {
            E::NoSuchStructField { expected, found, .. } => one_of(found, expected),
            E::NoSuchEnumVariant { expected, found, .. } => one_of(found, expected),
            E::MissingStructField { field, .. } => format!("add `{field}: ...`"),
            E::DuplicateStructField { field, .. } => format!("remove the second `{field}`"),
            E::Eof => "the text ends early: close every bracket".into(),
            _ => "see simulators/soc/README.md for the form of the file".into(),
        };
        let (line, column) = (error.span.start.line, error.span.start.col);
        Error::Source { file: self.file.into(), line, column, message: error.code.to_string(), remedy }
    }

    /// An error about the `nth` place where `name` stands in quotes; the first line if it stands nowhere.
    pub fn about(
        &self,
        name: &str,
        nth: usize,
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Error {
        let (line, column) = self.locate(&format!("\"{name}\""), nth);
        Error::Source { file: self.file.into(), line, column, message: message.into(), remedy: remedy.into() }
    }

    fn locate(&self, quoted: &str, nth: usize) -> (usize, usize) {
        let places = self.text.lines().enumerate().flat_map(|(number, line)| {
            let code = line.split("//").next().unwrap_or_default();
            code.match_indices(quoted).map(move |(at, _)| (number + 1, code[..at].chars().count() + 1))
        });
        let places: Vec<_> = places.collect();
        places.get(nth).or(places.first()).copied().unwrap_or((1, 1))
    }
}
