//! `hwgym report`: tables and plots of a study.

use std::path::{Path, PathBuf};
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
    /// Folder of the files, for a study in a place that cannot be written to [default: DIR/report]
    #[arg(long, value_name = "FOLDER", conflicts_with = "serve")]
    out: Option<PathBuf>,
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
        let store = Store::open(&self.directory)?;
        match self.out {
            Some(folder) => write_into(&store, &folder, &folder, self.allow_unfinished),
            None => write(&store, self.allow_unfinished),
        }
    }
}

/// Writes the report of a study into its directory, prints its summary, and names its files.
pub fn write(store: &Store, allow_unfinished: bool) -> anyhow::Result<ExitCode> {
    write_into(store, &store.directory().join("report"), store.directory(), allow_unfinished)
}

/// The same into a folder; the table of designs that were evaluated again for real has one of its own.
fn write_into(
    store: &Store,
    folder: &Path,
    resimulated: &Path,
    allow_unfinished: bool,
) -> anyhow::Result<ExitCode> {
    let report = Report::of(store, allow_unfinished)?;
    let mut files = publication::write(&report, store, folder)?;
    println!("{}", publication::summary(&report));
    for task in &report.resimulations {
        println!("{}", task.summary());
    }
    if !report.resimulations.is_empty() {
        files.push(Resimulation::write(&report.resimulations, resimulated)?);
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
