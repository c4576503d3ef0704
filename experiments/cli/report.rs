//! `hwgym report`: tables and plots of a study.

use std::path::PathBuf;
use std::process::ExitCode;

use crate::experiments::{Report, Resimulation, Store};

/// Write tables and plots of a study, finished or not
#[derive(clap::Args)]
pub struct ReportArgs {
    /// The directory of the study
    directory: PathBuf,
}

impl ReportArgs {
    pub fn run(self) -> anyhow::Result<ExitCode> {
        write(&Store::open(&self.directory)?)
    }
}

/// Writes the report of a study, prints its summary, and names its files.
pub fn write(store: &Store) -> anyhow::Result<ExitCode> {
    let report = Report::of(store)?;
    let mut files = report.write(&store.directory().join("report"))?;
    println!("{}", report.summary_text());
    for task in &report.resimulations {
        println!("{}", task.summary());
    }
    if !report.resimulations.is_empty() {
        files.push(Resimulation::write(&report.resimulations, store)?);
    }
    for file in files {
        println!("{}", file.display());
    }
    Ok(ExitCode::SUCCESS)
}
