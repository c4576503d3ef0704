//! Rows of typed cells, and where they go.

use std::fs::File;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::{StudyError, text};

/// What the cells of a column are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Nothing has been seen of it yet.
    Unknown,
    Flag,
    Whole,
    Real,
    Text,
}

impl Kind {
    /// The kind of a JSON value.
    pub fn of(value: &Value) -> Self {
        match value {
            Value::Null => Self::Unknown,
            Value::Bool(_) => Self::Flag,
            Value::Number(number) if number.as_i64().is_some() => Self::Whole,
            Value::Number(_) => Self::Real,
            _ => Self::Text,
        }
    }

    /// The kind that holds both.
    pub fn with(self, other: Self) -> Self {
        match (self, other) {
            (one, other) if one == other => one,
            (Self::Unknown, kind) | (kind, Self::Unknown) => kind,
            (Self::Whole, Self::Real) | (Self::Real, Self::Whole) => Self::Real,
            _ => Self::Text,
        }
    }

    /// A JSON value as a cell of this kind.
    pub fn cell(self, value: &Value) -> Cell {
        let cell = match self {
            Self::Flag => value.as_bool().map(Cell::Flag),
            Self::Whole => value.as_i64().map(Cell::Whole),
            Self::Real => value.as_f64().map(Cell::Real),
            Self::Text | Self::Unknown if value.is_null() => None,
            Self::Text | Self::Unknown => {
                Some(Cell::Text(value.as_str().map_or_else(|| value.to_string(), String::from)))
            }
        };
        cell.unwrap_or(Cell::Null)
    }
}

/// A column.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Column {
    pub name: String,
    pub kind: Kind,
}

impl Column {
    pub fn new(name: &str, kind: Kind) -> Self {
        Self { name: name.into(), kind }
    }
}

/// One cell.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Cell {
    Null,
    Flag(bool),
    Whole(i64),
    Real(f64),
    Text(String),
}

/// A file that is given rows.
pub(super) trait Sink {
    /// Adds a row, as many cells as there are columns. Errors: it cannot be written.
    fn row(&mut self, cells: Vec<Cell>) -> Result<(), StudyError>;

    /// Completes the file and puts it into its place. Errors: it cannot be written.
    fn finish(self: Box<Self>) -> Result<(), StudyError>;
}

/// The name of a file while it is written.
pub(super) fn part(path: &Path) -> PathBuf {
    let mut part = path.as_os_str().to_owned();
    part.push(".part");
    part.into()
}

/// A CSV file.
pub(super) struct CsvTable {
    path: PathBuf,
    writer: csv::Writer<File>,
}

impl CsvTable {
    pub fn new(path: &Path, columns: &[Column]) -> Result<Self, StudyError> {
        let mut writer = csv::Writer::from_path(part(path)).map_err(|error| failed(path, error))?;
        writer
            .write_record(columns.iter().map(|column| text::csv(&column.name)))
            .map_err(|error| failed(path, error))?;
        Ok(Self { path: path.into(), writer })
    }
}

fn failed(path: &Path, error: csv::Error) -> StudyError {
    StudyError::file(path, std::io::Error::other(error))
}

impl Sink for CsvTable {
    fn row(&mut self, cells: Vec<Cell>) -> Result<(), StudyError> {
        let text = |cell: &Cell| match cell {
            Cell::Null => String::new(),
            Cell::Flag(flag) => flag.to_string(),
            Cell::Whole(number) => number.to_string(),
            Cell::Real(number) => number.to_string(),
            Cell::Text(label) => text::csv(label),
        };
        self.writer.write_record(cells.iter().map(text)).map_err(|error| failed(&self.path, error))
    }

    fn finish(mut self: Box<Self>) -> Result<(), StudyError> {
        self.writer
            .flush()
            .and_then(|()| std::fs::rename(part(&self.path), &self.path))
            .map_err(|error| StudyError::file(&self.path, error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_column_has_the_kind_that_holds_all_its_cells() {
        let kind = |cells: &[Value]| cells.iter().map(Kind::of).fold(Kind::Unknown, Kind::with);
        assert_eq!(kind(&[json!(1), json!(null), json!(2)]), Kind::Whole);
        assert_eq!(kind(&[json!(1), json!(2.5)]), Kind::Real);
        assert_eq!(kind(&[json!(1), json!("a")]), Kind::Text);
        assert_eq!(kind(&[json!(true), json!(1)]), Kind::Text);
        assert_eq!(Kind::Text.cell(&json!(true)), Cell::Text("true".into()));
        assert_eq!(Kind::Real.cell(&json!(2)), Cell::Real(2.0));
        assert_eq!(Kind::Text.cell(&Value::Null), Cell::Null);
    }
}
