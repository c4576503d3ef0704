//! Result tables: named columns of numbers in one flat array, row by row.

use std::io::Write;
use std::path::Path;

use super::decimal::Decimal;
use crate::error::{CircuitError, Result};

/// A table of results.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Table {
    /// Column names as ngspice gives them (`v(out)`, `i(vdd)`, `frequency`, `v(out).re`, ...).
    pub columns: Vec<String>,
    /// Rows one after another.
    pub data: Vec<f64>,
}

impl Table {
    /// An empty table.
    pub fn new(columns: Vec<String>) -> Self {
        Self { columns, data: Vec::new() }
    }

    pub(crate) fn push(&mut self, value: f64) {
        self.data.push(value);
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        if self.columns.is_empty() { 0 } else { self.data.len() / self.columns.len() }
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.data.is_empty()
    }

    /// Row `index`.
    pub fn row(&self, index: usize) -> &[f64] {
        let n = self.columns.len();
        self.data.get(index * n..(index + 1) * n).unwrap_or(&[])
    }

    /// Index of a column.
    pub fn column_index(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|c| c == name)
    }

    /// The values of a column, top to bottom.
    pub fn column(&self, name: &str) -> Option<impl Iterator<Item = f64> + '_> {
        let k = self.column_index(name)?;
        Some(self.data.iter().skip(k).step_by(self.columns.len().max(1)).copied())
    }

    /// The last value of a column.
    pub fn last(&self, name: &str) -> Option<f64> {
        let k = self.column_index(name)?;
        self.data.len().checked_sub(self.columns.len()).map(|start| self.data[start + k])
    }

    /// The table as CSV text; numbers as ngspice's `%.12e`.
    pub fn to_csv(&self) -> String {
        let mut out = self
            .columns
            .iter()
            .map(|c| if c.contains(',') { format!("\"{c}\"") } else { c.clone() })
            .collect::<Vec<_>>()
            .join(",");
        out.push('\n');
        out.reserve(20 * self.data.len());
        let decimal = Decimal::default();
        for row in self.data.chunks(self.columns.len().max(1)) {
            for (i, v) in row.iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                decimal.push(&mut out, *v);
            }
            out.push('\n');
        }
        out
    }

    /// Writes the table as CSV.
    pub fn write_csv(&self, path: &Path) -> Result<()> {
        let fail =
            |e: std::io::Error| CircuitError::Write { path: path.to_path_buf(), reason: e.to_string() };
        let mut file = std::fs::File::create(path).map_err(fail)?;
        file.write_all(self.to_csv().as_bytes()).map_err(fail)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_ngspice_does() {
        let t = Table { columns: vec!["a".into(), "b".into()], data: vec![1.5e-5, -2.0, 3e120, 0.0] };
        assert_eq!(
            t.to_csv(),
            "a,b\n1.500000000000e-05,-2.000000000000e+00\n3.000000000000e+120,0.000000000000e+00\n"
        );
        assert_eq!(t.len(), 2);
        assert_eq!(t.column("b").unwrap().collect::<Vec<_>>(), [-2.0, 0.0]);
        assert_eq!(t.last("a"), Some(3e120));
    }
}
