//! `hwgym resume`: goes on with a stopped study.

use std::path::PathBuf;
use std::process::ExitCode;

/// Go on with a study that was stopped, by replaying its records
#[derive(clap::Args)]
pub struct ResumeArgs {
    /// The directory of the study
    study: PathBuf,
}

impl ResumeArgs {
    pub fn run(self) -> anyhow::Result<ExitCode> {
        anyhow::bail!("{}: the runner is not in yet", self.study.display())
    }
}
