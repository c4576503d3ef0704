//! `hwgym report`: tables and plots of a study.

use std::path::PathBuf;
use std::process::ExitCode;

use hwgym::Registries;
use hwgym::experiments::{Report, Resimulation, Store, Study};

/// Write tables and plots of a study, finished or not
#[derive(clap::Args)]
pub struct ReportArgs {
    /// The directory of the study
    directory: PathBuf,
}

impl ReportArgs {
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let registries = hwgym::registries()?;
        let (store, study) = Store::open(&self.directory, &registries)?;
        write(&study, &store, &registries)
    }
}

/// Writes the report of a study, prints its summary, and names its files.
pub fn write(study: &Study, store: &Store, registries: &Registries) -> anyhow::Result<ExitCode> {
    let report = Report::of(study, store)?;
    let files = report.write(&store.directory().join("report"))?;
    println!("{}", report.summary_text());
    let resimulated = Resimulation::of(study, store, registries)?;
    if !resimulated.is_empty() {
        for task in &resimulated {
            println!("{}", task.summary());
        }
        println!("{}", Resimulation::write(&resimulated, store)?.display());
    }
    for file in files {
        println!("{}", file.display());
    }
    Ok(ExitCode::SUCCESS)
}
