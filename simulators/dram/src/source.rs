//! Places in texts: turns RON's errors and later findings into file, line and column.
use crate::error::{Error, Result};
use serde::de::DeserializeOwned;

/// Reads `text` as RON into `T`; errors carry file, line and column.
pub(crate) fn read_ron<T: DeserializeOwned>(text: &str, file: &str) -> Result<T> {
    ron::Options::default()
        .with_default_extension(ron::extensions::Extensions::IMPLICIT_SOME)
        .from_str(text)
        .map_err(|error| ron_error(&error, file))
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
