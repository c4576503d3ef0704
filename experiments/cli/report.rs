//! `hwgym report`: tables and plots of a study.

use std::path::PathBuf;
use std::process::ExitCode;

use crate::experiments::{Report, Resimulation, Store, publication};

/// Write tables and plots of a study, finished or not
#[derive(clap::Args)]
pub struct ReportArgs {
    /// The directory of the study
    directory: PathBuf,
    /// Count trials that are not over, too: all of a task up to the evaluation that the slowest has reached
    #[arg(long)]
    allow_unfinished: bool,
    /// Write nothing; show the interactive report to a browser on this machine, as far as the study is when the page is loaded
    #[arg(long)]
    serve: bool,
    /// Port of `--serve`; 0 for a free one
    #[arg(long, default_value_t = 0, requires = "serve")]
    port: u16,
}

impl ReportArgs {
    pub fn run(self) -> anyhow::Result<ExitCode> {
        if self.serve {
            return crate::serve::serve(&self.directory, self.port);
        }
        write(&Store::open(&self.directory)?, self.allow_unfinished)
    }
}

/// Writes the report of a study, prints its summary, and names its files.
pub fn write(store: &Store, allow_unfinished: bool) -> anyhow::Result<ExitCode> {
    let report = Report::of(store, allow_unfinished)?;
    let mut files = publication::write(&report, store, &store.directory().join("report"))?;
    println!("{}", publication::summary(&report));
    for task in &report.resimulations {
        println!("{}", task.summary());
    }
    if !report.resimulations.is_empty() {
        files.push(Resimulation::write(&report.resimulations, store)?);
    }
    for file in files {
        println!("{}", file.display());
    }
    let directory = store.directory().display();
    if !report.is_complete() && !allow_unfinished {
        eprintln!(
            "the study is not finished: only finished trials count; `hwgym report {directory} --allow-unfinished` counts what there is"
        );
    }
    match report.panics() {
        0 => Ok(ExitCode::SUCCESS),
        panics => {
            eprintln!(
                "error: an environment panicked in {panics} evaluations, as the report says; that is a mistake in the environment"
            );
            Ok(ExitCode::FAILURE)
        }
    }
}
