//! `hwgym run`: starts a study.

use std::path::PathBuf;
use std::process::ExitCode;

/// Run a study: every environment with every agent, set of hyperparameters and seed; then report
#[derive(clap::Args)]
pub struct RunArgs {
    /// The study, a RON file
    study: PathBuf,
}

impl RunArgs {
    pub fn run(self) -> anyhow::Result<ExitCode> {
        anyhow::bail!("{}: the runner is not in yet", self.study.display())
    }
}
