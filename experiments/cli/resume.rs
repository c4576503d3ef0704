//! `hwgym resume`: goes on with a stopped study.

use std::path::PathBuf;
use std::process::ExitCode;

use hwgym::experiments::Store;

/// Go on with a study that was stopped, by replaying its records
#[derive(clap::Args)]
pub struct ResumeArgs {
    /// The directory of the study
    directory: PathBuf,
    /// Searches that run at the same time; 0 for one per processor. The results are the same
    #[arg(short, long, default_value_t = 0)]
    jobs: usize,
}

impl ResumeArgs {
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let registries = hwgym::registries()?;
        let (store, study) = Store::resume(&self.directory, &registries)?;
        crate::run::carry_on(&study, &store, &registries, self.jobs)
    }
}
