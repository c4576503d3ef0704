//! `hwgym report`: tables and plots of a study.

use std::path::PathBuf;
use std::process::ExitCode;

/// Write tables and plots of a study, finished or not
#[derive(clap::Args)]
pub struct ReportArgs {
    /// The directory of the study
    study: PathBuf,
}

impl ReportArgs {
    pub fn run(self) -> anyhow::Result<ExitCode> {
        anyhow::bail!("{}: the runner is not in yet", self.study.display())
    }
}
