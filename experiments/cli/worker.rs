//! `hwgym worker`: some trials of a study, as a plain process.

use std::path::PathBuf;
use std::process::ExitCode;

use crate::Registries;
use crate::experiments::{Access, InputSource, Store, Trial};

use crate::failure::bad_input;

/// Run some trials of a study beside other workers, without a report
///
/// The study is started by `hwgym run` or `hwgym run --prepare`. Workers may run on any machines that see its directory: every trial has a
/// lock and a file of its own. `hwgym report DIR` reads what they wrote.
#[derive(clap::Args)]
pub struct WorkerArgs {
    /// The directory of the study
    directory: PathBuf,
    /// Run this trial only; may be repeated
    #[arg(long = "trial", value_name = "NAME", conflicts_with = "share")]
    trials: Vec<String>,
    /// Run one of so many equal shares of the trials, such as `3/16`
    #[arg(long, value_name = "K/N", value_parser = share)]
    share: Option<(usize, usize)>,
    /// Searches that run at the same time; 0 for one per processor. The results are the same
    #[arg(short, long, default_value_t = 1)]
    jobs: usize,
    /// Go on with the copies of inputs in the study's directory, whatever became of the files that it was started with
    #[arg(long)]
    stored_inputs: bool,
    #[command(flatten)]
    cache: crate::arguments::CacheFolderArgs,
}

impl WorkerArgs {
    pub fn run(self, registries: &Registries) -> anyhow::Result<ExitCode> {
        let source = if self.stored_inputs { InputSource::Stored } else { InputSource::Original };
        let (store, mut study) = Store::resume(&self.directory, registries, Access::Shared, source)?;
        crate::run::share_results(&mut study, &store, &self.cache)?;
        let all = study.trials();
        let chosen: Vec<Trial> = match (self.share, &self.trials[..]) {
            (Some((share, of)), _) => all.into_iter().skip(share - 1).step_by(of).collect(),
            (None, []) => all,
            (None, names) => {
                let known: Vec<String> = all.iter().map(Trial::name).collect();
                if let Some(name) = names.iter().find(|name| !known.contains(name)) {
                    let hint = crate::envs::suggest::suggestion(name, &known);
                    return Err(bad_input(format!("no trial is called `{name}`{hint}")));
                }
                all.into_iter().filter(|trial| names.contains(&trial.name())).collect()
            }
        };
        let finished = crate::run::execute(&study, &store, &chosen, self.jobs)?;
        Ok(crate::run::exit_code(&finished, &store).unwrap_or(ExitCode::SUCCESS))
    }
}

/// Reads `K/N`.
fn share(text: &str) -> Result<(usize, usize), String> {
    let parts = text.split_once('/').and_then(|(k, n)| Some((k.parse().ok()?, n.parse().ok()?)));
    parts
        .filter(|(k, n)| (1..=*n).contains(k))
        .ok_or_else(|| "expected K/N with K from 1 to N, such as 3/16".into())
}
