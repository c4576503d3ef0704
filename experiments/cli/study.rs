//! `hwgym study`: what a study would run, what that would cost, and whether its records are whole.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use crate::Registries;
use crate::envs::number::significant;
use crate::envs::{Fidelity, Guard, Random, evaluate};
use crate::experiments::store::trial_log::records;
use crate::experiments::{Store, Study};

/// Look at a study before it runs, and prove its records whole after
#[derive(clap::Args)]
pub struct StudyArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(clap::Subcommand)]
enum Action {
    /// Check a study file, and say how much it would run
    Check {
        /// The study, a RON file
        study: PathBuf,
    },
    /// List what a study file comes to: tasks, and agents with every set of hyperparameters
    Expand {
        /// The study, a RON file
        study: PathBuf,
        /// The names of all searches instead, one a line
        #[arg(long)]
        trials: bool,
    },
    /// Say how long a study would take, from a few random designs of each environment
    Cost {
        /// The study, a RON file
        study: PathBuf,
        /// Random designs per environment
        #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u64).range(1..))]
        designs: u64,
        /// Searches that run at the same time; 0 for one per processor
        #[arg(short, long, default_value_t = 0)]
        jobs: usize,
    },
    /// Make the records of a study small: all of them in deflated blocks with checksums. It stays what it was for every command
    Pack {
        /// The directory of the study
        directory: PathBuf,
    },
    /// Read every record of a study and prove it whole: checksums, numbers, ends
    Verify {
        /// The directory of the study
        directory: PathBuf,
    },
}

impl StudyArgs {
    pub fn run(self, registries: &Registries) -> anyhow::Result<ExitCode> {
        match self.action {
            Action::Check { study } => check(&Study::load(&study, registries)?),
            Action::Expand { study, trials } => expand(&Study::load(&study, registries)?, trials),
            Action::Cost { study, designs, jobs } => cost(&Study::load(&study, registries)?, designs, jobs),
            Action::Pack { directory } => pack(&mut Store::open(&directory)?),
            Action::Verify { directory } => verify(&Store::open(&directory)?),
        }
    }
}

/// One line: how much a study runs.
fn size(study: &Study) -> String {
    let (tasks, contestants, seeds) = (study.tasks.len(), study.contestants.len(), study.seeds.len());
    let trials = tasks * contestants * seeds;
    format!(
        "{}: {tasks} tasks x {contestants} contestants x {seeds} seeds = {trials} searches of up to {} evaluations, {} in all",
        study.name,
        study.evaluations,
        trials * study.evaluations
    )
}

fn check(study: &Study) -> anyhow::Result<ExitCode> {
    println!("{}", size(study));
    Ok(ExitCode::SUCCESS)
}

fn expand(study: &Study, trials: bool) -> anyhow::Result<ExitCode> {
    if trials {
        let names: Vec<String> = study.trials().iter().map(crate::experiments::Trial::name).collect();
        println!("{}", names.join("\n"));
        return Ok(ExitCode::SUCCESS);
    }
    println!("{}\n\nTasks:", size(study));
    let mut table = crate::env::plain_table();
    for task in &study.tasks {
        table.add_row([task.name(), task.env.id().to_string(), task.objective.describe(task.env.metrics())]);
    }
    println!("{table}\n\nContestants:");
    let mut table = crate::env::plain_table();
    for contestant in &study.contestants {
        let varied: Vec<String> =
            contestant.hyperparameters.varied.iter().map(|(name, value)| format!("{name}={value}")).collect();
        table.add_row([contestant.label.clone(), contestant.agent.id.clone(), varied.join(" ")]);
    }
    println!("{table}\n\nSeeds: {}", study.seeds.iter().map(u64::to_string).collect::<Vec<_>>().join(" "));
    Ok(ExitCode::SUCCESS)
}

fn cost(study: &Study, designs: u64, jobs: usize) -> anyhow::Result<ExitCode> {
    println!("{}", size(study));
    let mut table = crate::env::plain_table();
    table.add_row(["environment", "an evaluation (median, longest)", "all its evaluations"]);
    let guard = Guard { time_limit_s: study.time_limit_s };
    let mut total = 0.0;
    let mut labels: Vec<&str> = study.tasks.iter().map(|task| task.environment.as_str()).collect();
    labels.dedup();
    for label in labels {
        let of_it: Vec<_> = study.tasks.iter().filter(|task| task.environment == label).collect();
        let Some(task) = of_it.first() else { continue };
        let mut random = Random::derived(0, "cost");
        let mut seconds: Vec<f64> = (0..designs)
            .map(|_| {
                let design = task.env.space().sample(&mut random);
                let start = Instant::now();
                evaluate(&task.env, &design, Fidelity::FULL, &guard);
                start.elapsed().as_secs_f64()
            })
            .collect();
        seconds.sort_by(f64::total_cmp);
        let median = crate::experiments::statistics::quantile(&seconds, 0.5);
        let longest = seconds.last().copied().unwrap_or(0.0);
        let searches = of_it.len() * study.contestants.len() * study.seeds.len();
        // A search ends with the first part of its budget that is spent.
        let evaluations =
            study.cost.map_or(study.evaluations as f64, |cost| cost.min(study.evaluations as f64));
        let each = median * evaluations;
        let all = searches as f64 * study.seconds.map_or(each, |seconds| seconds.min(each));
        total += all;
        table.add_row([
            label.to_string(),
            format!("{}, {}", duration(median), duration(longest)),
            duration(all),
        ]);
    }
    let threads = if jobs == 0 { std::thread::available_parallelism().map_or(1, usize::from) } else { jobs };
    println!("{table}");
    println!(
        "about {} of processor time, {} on {threads} threads, for the evaluations alone: agents think on top, and repeated designs are looked up",
        duration(total),
        duration(total / threads as f64)
    );
    Ok(ExitCode::SUCCESS)
}

/// A time with its unit.
fn duration(seconds: f64) -> String {
    let (value, unit) = match seconds {
        s if s < 1e-3 => (1e6 * s, "us"),
        s if s < 1.0 => (1e3 * s, "ms"),
        s if s < 120.0 => (s, "s"),
        s if s < 7200.0 => (s / 60.0, "min"),
        s => (s / 3600.0, "h"),
    };
    format!("{} {unit}", significant(value, 3))
}

fn pack(store: &mut Store) -> anyhow::Result<ExitCode> {
    let packed = store.pack()?;
    let each = packed.bytes as f64 / packed.evaluations.max(1) as f64;
    println!(
        "{}: {} evaluations of {} searches in {} bytes ({} an evaluation) instead of {}",
        store.manifest().name,
        packed.evaluations,
        packed.trials,
        packed.bytes,
        significant(each, 3),
        packed.bytes_before
    );
    if packed.busy > 0 {
        eprintln!("{} searches are at work in other processes, and were left alone", packed.busy);
    }
    Ok(ExitCode::SUCCESS)
}

fn verify(store: &Store) -> anyhow::Result<ExitCode> {
    let manifest = store.manifest();
    let names =
        manifest.tasks.iter().flat_map(|task| manifest.trials(&task.environment, &task.objective.name));
    let (mut trials, mut over, mut evaluations, mut damaged) = (0, 0, 0, 0);
    for name in names {
        trials += 1;
        let mut stream = match records(&store.records(&name)) {
            Ok(stream) => stream,
            Err(error) => {
                damaged += 1;
                println!("{error}");
                continue;
            }
        };
        match stream.by_ref().find_map(Result::err) {
            Some(error) => {
                damaged += 1;
                println!("{error}");
            }
            None => {
                evaluations += stream.summary().evaluations;
                over += usize::from(stream.summary().end.is_some());
            }
        }
    }
    println!(
        "{}: {evaluations} evaluations of {trials} searches are whole, {over} searches are over, {damaged} files are damaged",
        manifest.name
    );
    Ok(if damaged > 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}
