//! The outcomes of an enumeration: one row per evaluated design, in index order.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufReader, BufWriter, Write};
use std::path::Path;

use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;

use crate::{Design, Env, EnvError, Outcome};

/// Rows of design index, status and metrics. On disk: gzip-compressed CSV with a header, numbers in the shortest form that reads back the
/// same.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    metrics: Vec<String>,
    indices: Vec<u64>,
    /// Row after row; 0 where a design has no metrics.
    values: Vec<f64>,
    /// Statuses other than `feasible`, by row.
    others: HashMap<usize, String>,
}

impl Table {
    /// A table without rows.
    pub fn new(metrics: impl IntoIterator<Item = String>) -> Self {
        Self { metrics: metrics.into_iter().collect(), ..Self::default() }
    }

    /// Names of the metrics, in column order.
    pub fn metrics(&self) -> &[String] {
        &self.metrics
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.indices.len()
    }

    /// True without rows.
    pub fn is_empty(&self) -> bool {
        self.indices.is_empty()
    }

    /// The design indices, ascending: see [`DesignSpace::design_at`](crate::DesignSpace::design_at).
    pub fn indices(&self) -> &[u64] {
        &self.indices
    }

    /// The metrics of a row, if its design was measured.
    pub fn row(&self, row: usize) -> Option<&[f64]> {
        let width = self.metrics.len();
        (!self.others.contains_key(&row)).then(|| &self.values[row * width..][..width])
    }

    /// Rows without metrics.
    pub fn unmeasured(&self) -> usize {
        self.others.len()
    }

    /// The metrics of a design, looked up by its representative; `None` if it has none or is not in the table.
    pub fn lookup(&self, env: &dyn Env, design: &Design) -> Option<&[f64]> {
        let index = u64::try_from(env.space().index_of(&env.canonical(design))?).ok()?;
        self.row(self.indices.binary_search(&index).ok()?)
    }

    /// Adds a row; indices ascend.
    pub fn push(&mut self, index: u64, outcome: &Outcome) {
        match outcome.metrics() {
            Some(metrics) if metrics.len() == self.metrics.len() => self.values.extend(metrics),
            _ => {
                self.others.insert(self.indices.len(), outcome.status().into());
                self.values.extend(self.metrics.iter().map(|_| 0.0));
            }
        }
        self.indices.push(index);
    }

    /// Adds all rows of `other`, which has the same metrics.
    pub fn append(&mut self, other: Self) {
        let offset = self.indices.len();
        self.indices.extend(other.indices);
        self.values.extend(other.values);
        self.others.extend(other.others.into_iter().map(|(row, status)| (row + offset, status)));
    }

    /// Writes the table to `path`, which appears only when it is complete.
    pub fn save(&self, path: &Path) -> Result<(), EnvError> {
        let part = path.with_extension("part");
        let write = || -> std::io::Result<()> {
            let mut output = GzEncoder::new(BufWriter::new(File::create(&part)?), Compression::new(6));
            writeln!(output, "index,status,{}", self.metrics.join(","))?;
            for (row, index) in self.indices.iter().enumerate() {
                let status = self.others.get(&row).map_or("feasible", String::as_str);
                write!(output, "{index},{status}")?;
                for column in 0..self.metrics.len() {
                    match self.row(row) {
                        Some(values) => write!(output, ",{}", values[column])?,
                        None => output.write_all(b",")?,
                    }
                }
                output.write_all(b"\n")?;
            }
            output.finish()?.flush()?;
            std::fs::rename(&part, path)
        };
        write().map_err(|source| super::file(path, source))
    }

    /// Reads a table. Errors: no such file, damaged, or another format; with the line.
    pub fn load(path: &Path) -> Result<Self, EnvError> {
        let input = File::open(path).map_err(|source| super::file(path, source))?;
        let mut reader = csv::Reader::from_reader(MultiGzDecoder::new(BufReader::new(input)));
        let wrong = |message: String| {
            EnvError::Simulator(format!(
                "{}: {message}; remove the file to have it made again",
                path.display()
            ))
        };
        let headers = reader.headers().map_err(|error| wrong(error.to_string()))?;
        if headers.get(0) != Some("index") || headers.get(1) != Some("status") {
            return Err(wrong("this is no table of an enumeration".into()));
        }
        let mut table = Self::new(headers.iter().skip(2).map(String::from));
        for (line, record) in (2..).zip(reader.records()) {
            let record = record.map_err(|error| wrong(error.to_string()))?;
            let index = record.get(0).and_then(|text| text.parse().ok());
            let index = index.ok_or_else(|| wrong(format!("line {line}: expected a design index")))?;
            match record.get(1) {
                Some("feasible") => {
                    for text in record.iter().skip(2) {
                        let value = text.parse();
                        table
                            .values
                            .push(value.map_err(|_| wrong(format!("line {line}: `{text}` is no number")))?);
                    }
                }
                Some(status) => {
                    table.others.insert(table.indices.len(), status.into());
                    table.values.extend(table.metrics.iter().map(|_| 0.0));
                }
                None => return Err(wrong(format!("line {line}: expected a status"))),
            }
            table.indices.push(index);
        }
        Ok(table)
    }
}
