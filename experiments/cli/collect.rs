//! `hwgym collect`: the report of what there is, while others are at work.

use std::path::PathBuf;
use std::process::ExitCode;

use crate::experiments::Store;
use crate::experiments::store::status::Status;

/// Report what a submitted study has found so far, and say how far it is
#[derive(clap::Args)]
pub struct CollectArgs {
    /// The directory of the study
    directory: PathBuf,
}

impl CollectArgs {
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let store = Store::open(&self.directory)?;
        let status = Status::of(&store)?;
        let code = crate::report::write(&store, !status.is_complete())?;
        println!("{}", crate::status::summary(&store, &status));
        for (name, message) in status.failed() {
            eprintln!("failed: {name}: {message}");
        }
        Ok(if status.failed().next().is_some() { ExitCode::FAILURE } else { code })
    }
}
