//! `hwgym train`: one policy for many instances of an environment.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use crate::Registries;
use crate::experiments::training::{TrainingError, TrainingStudy};
use crate::failure::{BadInput, bad_input};

/// Train a policy on many instances of an environment, for ones it has never seen
#[derive(clap::Args)]
pub struct TrainArgs {
    /// The training study
    #[arg(value_name = "STUDY.ron")]
    study: PathBuf,
    /// File to write
    #[arg(long, value_name = "POLICY.json")]
    out: PathBuf,
    /// Another seed than the study's
    #[arg(long)]
    seed: Option<u64>,
    /// Threads; all processors by default. The policy does not depend on their number
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..))]
    jobs: Option<u16>,
}

impl TrainArgs {
    pub fn run(self, registries: &Registries) -> anyhow::Result<ExitCode> {
        let (mut study, text) = TrainingStudy::read(&self.study).bad_input()?;
        study.seed = self.seed.unwrap_or(study.seed);
        let folder = self.study.parent().map(PathBuf::from).unwrap_or_default();
        if self.out.is_dir() {
            return Err(bad_input(format!("{} is a folder; name a file to write", self.out.display())));
        }
        let stop = Arc::new(AtomicBool::new(false));
        let flag = stop.clone();
        // Without a handler Ctrl-C ends the program at once, which loses nothing but the training.
        let _ = ctrlc::set_handler(move || flag.store(true, Ordering::Relaxed));
        let say = |message: &str| {
            eprintln!("{message}");
            !stop.load(Ordering::Relaxed)
        };
        let start = Instant::now();
        let threads = usize::from(self.jobs.unwrap_or(0));
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build()?;
        let checkpoint = pool.install(|| study.run(registries, &text, &folder, &say)).map_err(failed)?;
        checkpoint.save(&self.out)?;
        println!(
            "{}: policy `{}` for `{}`, {} instances, {} simulations, {:.0} s, {:.0} kB",
            self.out.display(),
            checkpoint.name,
            checkpoint.env,
            checkpoint.training.instances.len(),
            checkpoint.training.simulations,
            start.elapsed().as_secs_f64(),
            std::fs::metadata(&self.out)?.len() as f64 / 1e3
        );
        Ok(ExitCode::SUCCESS)
    }
}

/// What the user can mend is bad input.
pub(crate) fn failed(error: TrainingError) -> anyhow::Error {
    match error {
        TrainingError::Stopped => error.into(),
        other => bad_input(other),
    }
}
