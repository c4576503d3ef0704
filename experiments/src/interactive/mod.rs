//! The interactive report: one HTML file with everything in it, for a browser without a network.
//!
//! | file | what |
//! |---|---|
//! | `data.rs` | what the page knows, as JSON: tables, curves, versions |
//! | `points.rs` | the evaluations it shows, read from the records, thinned where there are too many |
//! | `assets/` | the page: markup, style, and one script per part |
//! | `vendor/` | uPlot, which draws the curves |
//!
//! Every label is text in the page, whatever stands in it: scripts set `textContent`, and `<` cannot end the data.

mod data;
mod points;

use std::path::{Path, PathBuf};

use crate::{Report, Store, StudyError};

/// Evaluations that one page holds at most, over all tasks; fronts are always whole.
pub const POINTS: usize = 20_000;

/// Bytes that they take at most.
const BYTES: usize = 2_500_000;

const STYLE: &str = concat!(include_str!("vendor/uPlot.min.css"), "\n", include_str!("assets/page.css"));
const SCRIPT: &str = concat!(
    include_str!("vendor/uPlot.iife.min.js"),
    "\n",
    include_str!("assets/core.js"),
    include_str!("assets/tables.js"),
    include_str!("assets/scatter.js"),
    include_str!("assets/parallel.js"),
    include_str!("assets/lines.js"),
    include_str!("assets/curves.js"),
    include_str!("assets/across.js"),
    include_str!("assets/page.js"),
);

/// Writes `report.html` into a folder; returns its path. Errors: records that cannot be read, a file that cannot be written.
pub fn write(report: &Report, store: &Store, folder: &Path) -> Result<PathBuf, StudyError> {
    let path = folder.join("report.html");
    crate::store::write_whole(&path, page(report, store)?.as_bytes())?;
    Ok(path)
}

/// The page. Errors: records that cannot be read.
pub fn page(report: &Report, store: &Store) -> Result<String, StudyError> {
    let data = data::of(report, store)?;
    // In a script element only `<` could begin something else; in JSON it stands in strings alone.
    let json = data.to_string().replace('<', "\\u003c");
    let page = include_str!("assets/page.html").replace("/*STYLE*/", STYLE).replace("/*SCRIPT*/", SCRIPT);
    // The data come last: they may hold any text, also that of a mark.
    Ok(page.replacen("/*DATA*/", &json, 1))
}
