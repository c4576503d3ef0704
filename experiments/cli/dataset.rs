//! `hwgym dataset`: designs with their metrics, to train surrogates on.

use std::path::PathBuf;
use std::process::ExitCode;

use hwgym::envs::{Design, Outcome};
use hwgym::surrogates::Dataset;
use indicatif::{ProgressBar, ProgressStyle};

use crate::arguments::EnvironmentArgs;
use crate::failure::bad_input;

/// Build data sets of evaluated designs
#[derive(clap::Args)]
pub struct DatasetArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(clap::Subcommand)]
enum Action {
    /// Sample an environment, or collect the records of a study, into a CSV
    Build {
        #[command(flatten)]
        source: EnvironmentArgs,
        /// Number of distinct designs to sample; ignored for a study
        #[arg(long, default_value_t = 2000)]
        designs: usize,
        /// Seed of the sample
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// File to write
        #[arg(long, value_name = "FILE.csv")]
        out: PathBuf,
    },
}

impl DatasetArgs {
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let Action::Build { source, designs, seed, out } = self.action;
        let data = if std::path::Path::new(&source.id).is_dir() {
            collect(&source.id)?
        } else {
            sample(&source, designs, seed)?
        };
        data.write(&out)?;
        let left_out = data.origin.infeasible;
        println!("{}: {} designs of {}, {left_out} without metrics left out", out.display(), data.len(), data.origin.environment);
        Ok(ExitCode::SUCCESS)
    }
}

fn sample(source: &EnvironmentArgs, designs: usize, seed: u64) -> anyhow::Result<Dataset> {
    if designs == 0 {
        return Err(bad_input("--designs is 0; a data set needs at least one design"));
    }
    let env = source.make()?;
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} designs, {eta} left")?;
    let bar = ProgressBar::new(designs as u64).with_style(style);
    let data = Dataset::sample(env.as_ref(), source.options().text(), designs, seed, &|| bar.inc(1));
    bar.finish_and_clear();
    Ok(data)
}

/// All distinct designs that the trials of a study evaluated in one environment.
fn collect(directory: &str) -> anyhow::Result<Dataset> {
    let records = hwgym::experiments::store::read_study(std::path::Path::new(directory))?;
    let registries = hwgym::registries()?;
    let mut seen = std::collections::HashSet::new();
    let mut results: Vec<(Design, Outcome)> = Vec::new();
    let mut source: Option<(String, String)> = None;
    for trial in &records.trials {
        let here = (trial.environment.id.clone(), trial.environment.options.text().to_string());
        match &source {
            Some(first) if *first != here => {
                return Err(bad_input(format!(
                    "{directory} has trials of `{} {}` and of `{} {}`; a data set is of one environment with one set of options",
                    first.0, first.1, here.0, here.1
                )));
            }
            _ => source = Some(here),
        }
        results.extend(trial.evaluations.iter().filter(|e| seen.insert(e.design.clone())).map(|e| (e.design.clone(), e.outcome.clone())));
    }
    let (id, options) = source.ok_or_else(|| bad_input(format!("{directory} has no trials")))?;
    let env = registries.envs.make(&id, &hwgym::envs::Options::ron(options.clone()))?;
    Ok(Dataset::from_outcomes(env.as_ref(), &options, results))
}
