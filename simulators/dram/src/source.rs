//! Places in texts: turns RON's errors and later findings into file, line and column.
use crate::error::{Error, Result};
use serde::de::DeserializeOwned;
use std::path::Path;

/// Reads `text` as RON into `T`; errors carry file, line and column.
pub(crate) fn read_ron<T: DeserializeOwned>(text: &str, file: &str) -> Result<T> {
    ron::Options::default()
        .with_default_extension(ron::extensions::Extensions::IMPLICIT_SOME)
        .from_str(text)
        .map_err(|error| ron_error(&error, file))
}

/// Reads a text file. What is no text is refused where it stops being one.
pub(crate) fn read_text(path: &Path) -> Result<String> {
    let bytes = std::fs::read(path).map_err(|error| Error::io(path, error))?;
    String::from_utf8(bytes).map_err(|error| {
        let good = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line_start = good.iter().rposition(|byte| *byte == b'\n').map_or(0, |newline| newline + 1);
        Error::Source {
            file: path.display().to_string(),
            line: good.iter().filter(|byte| **byte == b'\n').count() + 1,
            column: String::from_utf8_lossy(&good[line_start..]).chars().count() + 1,
            message: "this is no text (not UTF-8)".to_owned(),
            remedy: "expected a RON file; unpack it if it is compressed".to_owned(),
        }
    })
}

/// The error of RON's parser as ours, with a remedy that fits its kind.
fn ron_error(error: &ron::error::SpannedError, file: &str) -> Error {
    use ron::Error as E;
    let names = |expected: &[&str]| expected.join(", ");
    let did_you_mean = |found: &str, expected: &[&str]| {
        crate::error::closest(found, expected.iter().copied())
            .map_or_else(String::new, |best| format!("did you mean `{best}`? "))
    };
    let remedy = match &error.code {
        E::NoSuchStructField { expected, found, .. } => {
            format!("{}expected one of: {}", did_you_mean(found, expected), names(expected))
        }
        E::NoSuchEnumVariant { expected, found, .. } => {
            format!("{}expected one of: {}", did_you_mean(found, expected), names(expected))
        }
        E::MissingStructField { field, .. } => format!("add `{field}: ...`"),
        E::DuplicateStructField { field, .. } => format!("remove the second `{field}`"),
        E::IntegerOutOfBounds => {
            "expected a whole number, not negative and within the entry's range".to_owned()
        }
        E::ExpectedComma => {
            "close the bracket or add a comma; numbers other than clocks, voltages and currents are whole"
                .to_owned()
        }
        E::Eof => "the text ends early: close every bracket".to_owned(),
        _ => "see simulators/dram/README.md for the format of the file".to_owned(),
    };
    let (line, column) = (error.span.start.line, error.span.start.col);
    Error::Source { file: file.to_owned(), line, column, message: error.code.to_string(), remedy }
}

/// Error about the entry called `key` in `text`: its line and column are looked up.
pub(crate) fn about(text: &str, file: &str, key: &str, message: String, remedy: String) -> Error {
    let (line, column) = locate(text, key);
    Error::Source { file: file.to_owned(), line, column, message, remedy }
}

/// Line and column of the key `name` (`name:` or `"name":`) in RON, outside comments; the first line if absent.
pub(crate) fn locate(text: &str, name: &str) -> (usize, usize) {
    for (number, line) in text.lines().enumerate() {
        let code = line.split("//").next().unwrap_or_default();
        let mut from = 0;
        while let Some(at) = code[from..].find(name).map(|at| at + from) {
            let before = code[..at].chars().next_back();
            let after = code[at + name.len()..].trim_start_matches('"').trim_start();
            let starts = before.is_none_or(|c| !c.is_alphanumeric() && c != '_');
            if starts && after.starts_with(':') {
                return (number + 1, code[..at].chars().count() + 1);
            }
            from = at + name.len();
        }
    }
    (1, 1)
}
