//! `hwgym dataset`: designs with their metrics, to train surrogates on.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use crate::Registries;
use crate::agents::sobol::SobolSequence;
use crate::envs::enumerate::Enumeration;
use crate::envs::number::significant;
use crate::envs::{Design, Encoding, Env};
use crate::experiments::store::TrialLog;
use crate::experiments::study::Task;
use crate::experiments::{InputSource, Store};
use crate::surrogates::Dataset;
use crate::surrogates::dataset::Source;
use indicatif::{ProgressBar, ProgressStyle};

use crate::arguments::{CacheFolderArgs, EnvironmentArgs};
use crate::env::plain_table;
use crate::envs::command::is_path;
use crate::failure::bad_input;

/// Build, merge and show data sets of evaluated designs
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
        /// How designs are chosen
        #[arg(long, value_enum)]
        sampler: Option<Sampler>,
        /// The environment of a study with several, by its label
        #[arg(long)]
        label: Option<String>,
        /// File to write
        #[arg(long, value_name = "FILE.csv")]
        out: PathBuf,
        #[command(flatten)]
        cache: CacheFolderArgs,
    },
    /// Join data sets of one environment; a design that several have is taken from the first
    Merge {
        /// Data sets with the same environment, options, space and metrics
        #[arg(required = true, num_args = 2..)]
        data: Vec<PathBuf>,
        /// File to write
        #[arg(long, value_name = "FILE.csv")]
        out: PathBuf,
    },
    /// Show the data card: where rows are from, ranges of the metrics, why designs have none
    Show {
        /// Data set
        data: PathBuf,
    },
}

/// How designs are chosen.
#[derive(Clone, Copy, clap::ValueEnum)]
enum Sampler {
    /// Every level alike, independently
    Random,
    /// A shifted Sobol sequence: even coverage
    Sobol,
    /// Every design of a discrete space, each class of provably equal ones once
    Enumerated,
}

impl DatasetArgs {
    pub fn run(self, registries: &Registries) -> anyhow::Result<ExitCode> {
        match self.action {
            Action::Build { mut source, designs, seed, sampler, label, out, cache } => {
                if is_path(&source.id) {
                    // The data set finds its environment from any folder.
                    source.id = std::fs::canonicalize(&source.id)
                        .map_or(source.id, |path| path.display().to_string());
                }
                let data = if Path::new(&source.id).is_dir() {
                    if designs.is_some() || seed.is_some() || sampler.is_some() {
                        return Err(bad_input(format!(
                            "{}: a study is collected whole; leave out --designs, --seed and --sampler",
                            source.id
                        )));
                    }
                    if !source.options.is_empty() {
                        return Err(bad_input(format!(
                            "{}: the environments of a study have their options; choose one by --label",
                            source.id
                        )));
                    }
                    collect(&source.id, label.as_deref(), registries)?
                } else {
                    if label.is_some() {
                        return Err(bad_input("--label chooses among the environments of a study"));
                    }
                    sample(&source, sampler.unwrap_or(Sampler::Random), designs, seed, &cache, registries)?
                };
                data.write(&out)?;
                println!(
                    "{}: {} designs of {}, and {} without metrics",
                    out.display(),
                    data.len(),
                    data.origin.environment,
                    data.unmeasured.len()
                );
            }
            Action::Merge { data, out } => {
                let mut merged: Option<Dataset> = None;
                for path in &data {
                    let next = Dataset::read(path)?;
                    if let Some(merged) = &mut merged {
                        let twice =
                            merged.merge(next).map_err(|e| bad_input(format!("{}: {e}", path.display())))?;
                        if twice > 0 {
                            eprintln!("{}: {twice} designs were there already", path.display());
                        }
                    } else {
                        merged = Some(next);
                    }
                }
                if let Some(merged) = merged {
                    merged.write(&out)?;
                    println!(
                        "{}: {} designs of {}, and {} without metrics",
                        out.display(),
                        merged.len(),
                        merged.origin.environment,
                        merged.unmeasured.len()
                    );
                }
            }
            Action::Show { data } => show(&Dataset::read(&data)?),
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn show(data: &Dataset) {
    let origin = &data.origin;
    println!("{} {}", origin.environment, origin.options);
    println!(
        "{} designs of {} parameters with metrics, {} without",
        data.len(),
        origin.space.len(),
        data.unmeasured.len()
    );
    let mut sources = plain_table();
    for source in &origin.sources {
        let seed = source.seed.map_or(String::new(), |seed| format!("seed {seed}"));
        let designs = format!("{} designs", source.designs);
        sources.add_row([source.sampler.clone(), designs, seed, format!("hwgym {}", source.program)]);
        for (name, value) in &source.provenance {
            sources.add_row([String::new(), name.clone(), value.clone(), String::new()]);
        }
    }
    println!("\n{sources}");
    let mut table = plain_table();
    table.add_row(["metric", "least", "median", "largest", "unit"]);
    for (index, metric) in origin.metrics.iter().enumerate() {
        let mut values = data.targets(index);
        values.sort_by(f64::total_cmp);
        let at = |place: usize| values.get(place).map_or("-".into(), |value| significant(*value, 5));
        let last = values.len().saturating_sub(1);
        let constant = if values.first() == values.last() { " (constant)" } else { "" };
        let name = format!("{}{constant}", metric.name);
        table.add_row([name, at(0), at(values.len() / 2), at(last), metric.unit.clone()]);
    }
    println!("\n{table}");
    let mut reasons: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for row in &data.unmeasured {
        *reasons.entry((&row.status, &row.reason)).or_default() += 1;
    }
    let mut reasons: Vec<_> = reasons.into_iter().collect();
    reasons.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
    if !reasons.is_empty() {
        let mut table = plain_table();
        for ((status, reason), count) in reasons.iter().take(10) {
            table.add_row([count.to_string(), (*status).into(), (*reason).into()]);
        }
        println!("\n{table}");
        if reasons.len() > 10 {
            println!("and {} reasons more", reasons.len() - 10);
        }
    }
}

fn sample(
    source: &EnvironmentArgs,
    sampler: Sampler,
    designs: Option<usize>,
    seed: Option<u64>,
    cache: &CacheFolderArgs,
    registries: &Registries,
) -> anyhow::Result<Dataset> {
    if designs == Some(0) {
        return Err(bad_input("--designs is 0; a data set needs at least one design"));
    }
    let env = cache.remember(source.make(registries)?)?;
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} designs, {eta} left")?;
    let count = designs.unwrap_or(2000);
    let options = source.options();
    let options = options.text();
    let bar = ProgressBar::new(count as u64).with_style(style);
    let tick = || bar.inc(1);
    let data = match sampler {
        Sampler::Random => Dataset::sample(&env, options, count, seed.unwrap_or(1), &tick),
        Sampler::Sobol => {
            let seed = seed.unwrap_or(1);
            let source = Source::new(env.as_ref(), "sobol", Some(seed));
            Dataset::evaluate(&env, options, sobol(&env, count, seed), source, &tick)
        }
        Sampler::Enumerated => {
            if designs.is_some() || seed.is_some() {
                return Err(bad_input(
                    "--sampler enumerated takes every design; leave out --designs and --seed",
                ));
            }
            let plan = Enumeration::plan(&env)?;
            bar.set_length(plan.evaluations());
            let designs = plan.representatives().collect();
            let source = Source::new(env.as_ref(), "enumerated", None);
            Dataset::evaluate(&env, options, designs, source, &tick)
        }
    };
    bar.finish_and_clear();
    Ok(data)
}

/// Distinct designs along a shifted Sobol sequence, in its order; fewer where the space is small.
fn sobol(env: &Arc<dyn Env>, count: usize, seed: u64) -> Vec<Design> {
    let space = env.space();
    let mut sequence = SobolSequence::new(space.len(), Some(seed));
    let (mut seen, mut designs) = (HashSet::new(), Vec::new());
    let mut point = vec![0.0; space.len()];
    for _ in 0..20 * count {
        if designs.len() == count {
            break;
        }
        sequence.next_into(&mut point);
        let design = Encoding::UnitCube.decode(space, &point);
        designs.extend(design.filter(|design| space.violation(design) == 0.0 && seen.insert(design.clone())));
    }
    designs
}

/// All distinct designs that the trials of a study evaluated in one environment with one set of options: the one of this label, or the only
/// one.
fn collect(directory: &str, label: Option<&str>, registries: &Registries) -> anyhow::Result<Dataset> {
    let store = Store::open(Path::new(directory))?;
    let study = store.study(registries, InputSource::Original)?;
    let labels = || {
        let mut labels: Vec<&str> = study.tasks.iter().map(|task| task.environment.as_str()).collect();
        labels.dedup();
        labels.join(", ")
    };
    let first = match label {
        None => study.tasks.first(),
        Some(label) => study.tasks.iter().find(|task| task.environment == label),
    };
    let Some(first) = first else {
        return Err(bad_input(format!(
            "{directory} has no environment `{}`; its labels are {}",
            label.unwrap_or_default(),
            labels()
        )));
    };
    let differs = |other: &Task| other.env.id() != first.env.id() || other.options != first.options;
    if label.is_none()
        && let Some(other) = study.tasks.iter().find(|task| differs(task))
    {
        return Err(bad_input(format!(
            "{directory} searches `{}` and `{}`; a data set is of one environment with one set of options: choose it by --label, one of {}",
            first.environment,
            other.environment,
            labels()
        )));
    }
    let (mut seen, mut results) = (HashSet::new(), Vec::new());
    for trial in study.trials() {
        if differs(trial.task) {
            continue;
        }
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
    let source = Source::new(first.env.as_ref(), &format!("study {}", study.name), None);
    Ok(Dataset::from_outcomes(first.env.as_ref(), &first.options, source, results))
}
