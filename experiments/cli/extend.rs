//! `hwgym extend`: a longer budget or more seeds for a study that was run.

use std::path::PathBuf;
use std::process::ExitCode;

use crate::Registries;
use crate::experiments::{Access, InputSource, Store};

/// Give a study a longer budget or more seeds, and go on with it
///
/// Records stay what they are. Agents are told the budget that the study was started with, so that they repeat what is on record.
#[derive(clap::Args)]
pub struct ExtendArgs {
    /// The directory of the study
    directory: PathBuf,
    /// Evaluations per trial, more than now
    #[arg(long, value_name = "EVALUATIONS", required_unless_present = "seeds")]
    budget: Option<usize>,
    /// Number of seeds, more than now
    #[arg(long, value_name = "COUNT")]
    seeds: Option<usize>,
    /// Searches that run at the same time; 0 for one per processor. The results are the same
    #[arg(short, long, default_value_t = 0)]
    jobs: usize,
}

impl ExtendArgs {
    pub fn run(self, registries: &Registries) -> anyhow::Result<ExitCode> {
        let (mut store, _) =
            Store::resume(&self.directory, registries, Access::Alone, InputSource::Original)?;
        store.extend(self.budget, self.seeds)?;
        let study = store.study(registries, InputSource::Original)?;
        crate::run::carry_on(&study, &store, registries, &study.trials(), self.jobs)
    }
}
