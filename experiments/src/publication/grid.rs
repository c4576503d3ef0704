//! A table as heads and rows of text, in every format that prints one.

use std::path::{Path, PathBuf};

use crate::StudyError;
use crate::text;

/// Heads and rows; every row has as many cells as there are heads.
pub(super) struct Grid {
    pub heads: Vec<String>,
    pub rows: Vec<Vec<String>>,
}

impl Grid {
    /// A table of Markdown.
    pub fn markdown(&self) -> String {
        let line = |cells: &[String]| {
            format!("| {} |\n", cells.iter().map(|cell| text::markdown(cell)).collect::<Vec<_>>().join(" | "))
        };
        let rows: String = self.rows.iter().map(|row| line(row)).collect();
        format!("{}|{}\n{rows}", line(&self.heads), "---|".repeat(self.heads.len()))
    }

    /// A table of LaTeX, for `booktabs`, under a comment.
    pub fn latex(&self, comment: &str) -> String {
        let line = |cells: &[String]| {
            format!("{} \\\\\n", cells.iter().map(|cell| text::latex(cell)).collect::<Vec<_>>().join(" & "))
        };
        let rows: String = self.rows.iter().map(|row| line(row)).collect();
        format!(
            "% {}\n\\begin{{tabular}}{{l{}}}\n\\toprule\n{}\\midrule\n{rows}\\bottomrule\n\\end{{tabular}}\n",
            comment.replace(['\n', '\r'], " "),
            "r".repeat(self.heads.len() - 1),
            line(&self.heads)
        )
    }

    /// Writes the table of LaTeX to a file; returns its path.
    pub fn write_latex(&self, comment: &str, path: &Path) -> Result<PathBuf, StudyError> {
        crate::store::write_whole(path, self.latex(comment).as_bytes())?;
        Ok(path.into())
    }
}

/// Writes rows of CSV to a file; returns its path.
pub(super) fn write_csv(path: &Path, rows: &[Vec<String>]) -> Result<PathBuf, StudyError> {
    let failed = |error: String| StudyError::file(path, std::io::Error::other(error));
    let mut csv = csv::Writer::from_writer(Vec::new());
    for row in rows {
        csv.write_record(row).map_err(|error| failed(error.to_string()))?;
    }
    let bytes = csv.into_inner().map_err(|error| failed(error.to_string()))?;
    crate::store::write_whole(path, &bytes)?;
    Ok(path.into())
}
