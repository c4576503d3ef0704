//! A report as files: tables as CSV and JSON, plots, one page that links them, and the interactive page.

pub(crate) mod across;
mod columns;
mod grid;
mod page;
mod tables;

use std::path::{Path, PathBuf};

pub use page::summary;

use crate::{Report, Store, StudyError, interactive, plot};

/// Writes everything into a folder; returns the files, the page first. Errors: a file cannot be written.
pub fn write(report: &Report, store: &Store, folder: &Path) -> Result<Vec<PathBuf>, StudyError> {
    std::fs::create_dir_all(folder).map_err(|e| StudyError::file(folder, e))?;
    let mut files = vec![folder.join("report.md"), interactive::write(report, store, folder)?];
    files.extend(tables::write(report, store, folder)?);
    for task in &report.tasks {
        let path = folder.join(format!("table.{}.tex", task.file_name()));
        files.push(columns::grid(task).write_latex(&task.name(), &path)?);
    }
    let mut plots: Vec<Vec<PathBuf>> = Vec::new();
    let mut sections = Vec::new();
    for task in &report.tasks {
        let mut of_task = Vec::new();
        if task.contestants.iter().any(|c| c.quality.is_some()) {
            of_task.extend(plot::convergence(task, folder)?);
            of_task.extend(plot::regret(task, folder)?);
            if task.goals.len() > 1 {
                of_task.extend(plot::pareto(task, folder)?);
            }
        }
        let attainment = across::write_attainment(task, folder, &mut files)?;
        sections.push(attainment + &across::write_lottery(task, folder, &mut files)?);
        files.extend(of_task.iter().cloned());
        plots.push(of_task);
    }
    let ranks = across::write_ranks(report, folder, &mut files)?;
    crate::store::write_whole(&files[0], page::page(report, &plots, &sections, &ranks).as_bytes())?;
    Ok(files)
}
