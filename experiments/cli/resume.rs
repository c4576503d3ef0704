//! `hwgym resume`: goes on with a stopped study.

use std::path::PathBuf;
use std::process::ExitCode;

use crate::Registries;
use crate::experiments::{Access, InputSource, Store, Trial};

/// Go on with a study that was stopped, by replaying its records
#[derive(clap::Args)]
pub struct ResumeArgs {
    /// The directory of the study
    directory: PathBuf,
    /// Searches that run at the same time; 0 for one per processor. The results are the same
    #[arg(short, long, default_value_t = 0)]
    jobs: usize,
    /// Go on only with the searches that failed when they were last tried
    #[arg(long)]
    failed_only: bool,
    /// Go on with the copies of inputs in the study's directory, whatever became of the files that it was started with
    #[arg(long)]
    stored_inputs: bool,
    #[command(flatten)]
    cache: crate::arguments::CacheFolderArgs,
}

impl ResumeArgs {
    pub fn run(self, registries: &Registries) -> anyhow::Result<ExitCode> {
        let source = if self.stored_inputs { InputSource::Stored } else { InputSource::Original };
        let (store, mut study) = Store::resume(&self.directory, registries, Access::Alone, source)?;
        crate::run::share_results(&mut study, &store, &self.cache)?;
        let trials = study.trials();
        if !self.failed_only {
            return crate::run::carry_on(&study, &store, registries, &trials, self.jobs);
        }
        let failed: Vec<Trial> =
            trials.into_iter().filter(|trial| store.failure(&trial.name()).is_some()).collect();
        if failed.is_empty() {
            println!("no search failed when it was last tried");
            return Ok(ExitCode::SUCCESS);
        }
        crate::run::carry_on(&study, &store, registries, &failed, self.jobs)
    }
}
