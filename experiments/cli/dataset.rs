//! `hwgym dataset`: designs with their metrics, to train surrogates on.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use crate::Registries;
use crate::experiments::store::TrialLog;
use crate::experiments::{InputSource, Store};
use crate::surrogates::Dataset;
use indicatif::{ProgressBar, ProgressStyle};

use crate::arguments::{CacheFolderArgs, EnvironmentArgs};
use crate::envs::command::is_path;
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
        /// Number of distinct designs to sample from an environment [default: 2000]
        #[arg(long)]
        designs: Option<usize>,
        /// Seed of the sample [default: 1]
        #[arg(long)]
        seed: Option<u64>,
        /// File to write
        #[arg(long, value_name = "FILE.csv")]
        out: PathBuf,
        #[command(flatten)]
        cache: CacheFolderArgs,
    },
}

impl DatasetArgs {
    pub fn run(self, registries: &Registries) -> anyhow::Result<ExitCode> {
        let Action::Build { mut source, designs, seed, out, cache } = self.action;
        if is_path(&source.id) {
            // The data set finds its environment from any folder.
            source.id =
                std::fs::canonicalize(&source.id).map_or(source.id, |path| path.display().to_string());
        }
        let data = if Path::new(&source.id).is_dir() {
            if designs.is_some() || seed.is_some() {
                return Err(bad_input(format!(
                    "{}: a study is collected whole; leave out --designs and --seed",
                    source.id
                )));
            }
            collect(&source.id, registries)?
        } else {
            sample(&source, designs.unwrap_or(2000), seed.unwrap_or(1), &cache, registries)?
        };
        data.write(&out)?;
        let left_out = data.origin.infeasible;
        println!(
            "{}: {} designs of {}, {left_out} without metrics left out",
            out.display(),
            data.len(),
            data.origin.environment
        );
        Ok(ExitCode::SUCCESS)
    }
}

fn sample(
    source: &EnvironmentArgs,
    designs: usize,
    seed: u64,
    cache: &CacheFolderArgs,
    registries: &Registries,
) -> anyhow::Result<Dataset> {
    if designs == 0 {
        return Err(bad_input("--designs is 0; a data set needs at least one design"));
    }
    let env = cache.remember(source.make(registries)?)?;
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} designs, {eta} left")?;
    let bar = ProgressBar::new(designs as u64).with_style(style);
    let data = Dataset::sample(&env, source.options().text(), designs, seed, &|| bar.inc(1));
    bar.finish_and_clear();
    Ok(data)
}

/// All distinct designs that the trials of a study evaluated; the study has one environment with one set of options.
fn collect(directory: &str, registries: &Registries) -> anyhow::Result<Dataset> {
    let store = Store::open(Path::new(directory))?;
    let study = store.study(registries, InputSource::Original)?;
    let Some(first) = study.tasks.first() else {
        return Err(bad_input(format!("{directory} has no environments")));
    };
    if let Some(other) =
        study.tasks.iter().find(|task| task.env.id() != first.env.id() || task.options != first.options)
    {
        return Err(bad_input(format!(
            "{directory} searches `{}` and `{}`; a data set is of one environment with one set of options",
            first.environment, other.environment
        )));
    }
    let (mut seen, mut results) = (HashSet::new(), Vec::new());
    for trial in study.trials() {
        let path = store.records(&trial.name());
        for record in TrialLog::read(&path)?.records.into_iter().filter(|r| r.fidelity.is_none()) {
            let read = |error: String| {
                bad_input(format!("{}, evaluation {}: {error}", path.display(), record.evaluation))
            };
            let design = record.design(first.env.space()).map_err(read)?;
            if seen.insert(design.clone()) {
                results.push((design, record.outcome(first.env.metrics()).map_err(read)?));
            }
        }
    }
    Ok(Dataset::from_outcomes(first.env.as_ref(), &first.options, results))
}
