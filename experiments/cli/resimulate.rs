//! `hwgym resimulate`: the best designs of a search on a stand-in, evaluated for real.

use std::path::PathBuf;
use std::process::ExitCode;

use crate::Registries;
use crate::experiments::resimulation::resimulate;
use crate::experiments::{Access, InputSource, Store};

use crate::failure::bad_input;

/// Evaluate the best designs of searches on a surrogate in the environment that it stands for, then report
///
/// `hwgym run` and `hwgym resume` do it at their end; this is for studies that workers ran. What is on record is not evaluated again.
#[derive(clap::Args)]
pub struct ResimulateArgs {
    /// The directory of the study
    directory: PathBuf,
}

impl ResimulateArgs {
    pub fn run(self, registries: &Registries) -> anyhow::Result<ExitCode> {
        let (store, study) =
            Store::resume(&self.directory, registries, Access::Alone, InputSource::Original)?;
        if study.re_simulate == 0 {
            let message = "the study asks for no re-simulation; it would say `re_simulate: 10`";
            return Err(bad_input(format!("{}: {message}", self.directory.display())));
        }
        let count = resimulate(&study, &store, registries)?;
        eprintln!("{count} designs evaluated for real, the others were on record");
        crate::report::write(&store, false)
    }
}
