//! `command-v0`: any program becomes an environment by one RON file, without a line of Rust.
//!
//! ```ron
//! (
//!     parameters: [
//!         (name: "rows", domain: Integer(low: 1, high: 16)),
//!         (name: "policy", domain: Categorical(["lru", "fifo"])),
//!     ],
//!     command: ["python3", "model.py", "--rows={{rows}}", "--policy={{policy}}"],
//!     files: ["model.py"],
//!     metrics: [
//!         (name: "latency_s", unit: "s", direction: Minimise, from: Regex(pattern: "latency: (?P<value>[0-9.]+) (?P<unit>[a-z]+)")),
//!     ],
//!     limits: (time_s: 60.0),
//! )
//! ```
//!
//! A path that ends in `.ron` is accepted wherever the id of an environment is. Every field is described in `envs/docs/command.md`;
//! `hwgym env new my-tool.ron` writes a commented one, `hwgym env check my-tool.ron` probes it.
//!
//! How a program is run, and what becomes of it whatever it does, is said in [`hwgym_simulators::process`].

mod check;
mod definition;
mod escape;
mod extract;
mod file;
mod one_shot;
mod packages;
mod probe;
mod slots;
mod text;
mod unit;
mod worker;

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use hwgym_simulators::process::Runner;

use definition::{Definition, Level};
use file::{Aggregate, Protocol};
use one_shot::Run;
use slots::Slots;
use worker::Worker;

pub use probe::{Kind, probe};

use crate::{
    Design, DesignSpace, Direction, Env, EnvEntry, EnvError, Fidelity, FidelityLevel, Metric, Noise,
    Objective, Options, Outcome,
};

/// The id under which a definition is named by option: `-o file=my-tool.ron`.
pub const ID: &str = "command-v0";

/// What [`ID`] is without a file.
const EXAMPLE: &str = include_str!("example.ron");

/// A commented definition to start from: what `hwgym env new` writes. The model beside it is `model.py`.
pub const SKELETON: &str = include_str!("skeleton.ron");

/// The model that [`SKELETON`] runs.
pub const SKELETON_MODEL: &str = include_str!("skeleton.py");

/// A program as an environment.
pub struct Command {
    id: String,
    definition: Definition,
    /// The metrics of the definition, and with several repetitions the spread of each.
    metrics: Vec<Metric>,
    slots: Arc<Slots>,
    idle: Mutex<Vec<Worker>>,
    /// After the programs that stay, which have folders in it.
    runner: Runner,
}

impl Command {
    /// Reads a definition. `id` is what the environment is called; relative paths of `options` are meant against their folder. Errors: a
    /// definition that cannot work, with file, line, column, what was expected, and the remedy.
    pub fn load(id: &str, path: &std::path::Path, options: &Options) -> Result<Self, EnvError> {
        Ok(Self::of(id, Definition::load(path, options)?))
    }

    /// The example that is built in. Errors: options that it does not have; no shell.
    fn example(options: &Options) -> Result<Self, EnvError> {
        let source = crate::source::Source::named(EXAMPLE, "the example of command-v0");
        Ok(Self::of(ID, Definition::read(&source, &std::env::temp_dir(), None, options)?))
    }

    fn of(id: &str, definition: Definition) -> Self {
        let mut metrics = definition.metrics.clone();
        if definition.repeats > 1 {
            for metric in &definition.metrics {
                let definition = format!("standard deviation of {} over the repetitions", metric.name);
                metrics.push(Metric::minimise(&format!("{}_spread", metric.name), &metric.unit, &definition));
            }
        }
        Self {
            id: id.into(),
            metrics,
            slots: Slots::of(
                definition.path.as_deref().unwrap_or("command-v0".as_ref()),
                definition.parallel,
            ),
            idle: Mutex::default(),
            runner: Runner::new(&definition.scratch),
            definition,
        }
    }

    /// One repetition, tried again where it failed for a while only.
    fn once(&self, level: &Level, design: &Design, repetition: usize, deadline: Option<Instant>) -> Outcome {
        let definition = &self.definition;
        let seed = definition.seed.wrapping_add(repetition as u64);
        let left =
            || deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()).as_secs_f64());
        let (times, wait_s) = definition.retry.as_ref().map_or((0, 0.0), |retry| (retry.times, retry.wait_s));
        let mut tries = 0;
        loop {
            let Run { outcome, transient } = match definition.program.protocol {
                Protocol::OneShot => definition.run(&self.runner, level, design, seed, left()),
                Protocol::JsonLines => self.ask(level, design, seed, left()),
            };
            let late = left().is_some_and(|left| left <= wait_s);
            if !transient {
                return outcome;
            }
            if tries == times || late {
                return still(outcome, tries);
            }
            tries += 1;
            std::thread::sleep(Duration::try_from_secs_f64(wait_s).unwrap_or_default());
        }
    }

    fn level(&self, fidelity: Fidelity) -> Option<&Level> {
        self.definition.levels.get(usize::from(fidelity.0))
    }
}

/// The outcome of the last of several tries.
fn still(outcome: Outcome, tries: usize) -> Outcome {
    match outcome {
        Outcome::Failed { reason, log_tail } => {
            Outcome::Failed { reason: format!("{reason}; still so after {tries} more tries"), log_tail }
        }
        // What looks transient is no statement about the design.
        Outcome::Infeasible { constraint, .. } => Outcome::failed(format!(
            "{constraint}, but the log also holds the pattern of `retry`, after {tries} more tries"
        )),
        other => other,
    }
}

impl Env for Command {
    fn id(&self) -> &str {
        &self.id
    }
    fn space(&self) -> &DesignSpace {
        &self.definition.names.space
    }
    fn metrics(&self) -> &[Metric] {
        &self.metrics
    }
    fn evaluate(&self, design: &Design, fidelity: Fidelity) -> Outcome {
        let Some(level) = self.level(fidelity) else {
            return Outcome::failed(format!("there is no level {} of fidelity", fidelity.0));
        };
        let _slot = self.slots.take();
        let deadline = crate::evaluate::deadline();
        let mut rows = Vec::with_capacity(self.definition.repeats);
        for repetition in 0..self.definition.repeats {
            match self.once(level, design, repetition, deadline) {
                Outcome::Feasible { metrics } => rows.push(metrics),
                other => return other,
            }
        }
        self.together(&rows)
    }
    fn fidelities(&self) -> Vec<FidelityLevel> {
        let level =
            |level: &Level| FidelityLevel { name: level.name.clone(), relative_cost: level.relative_cost };
        self.definition.levels.iter().map(level).collect()
    }
    fn noise(&self) -> Option<Noise> {
        let definition = &self.definition;
        let known = definition.deviations.iter().any(Option::is_some);
        (known || definition.repeats > 1).then(|| {
            let mut deviations = definition.deviations.clone();
            deviations.resize(self.metrics.len(), None);
            Noise { repeats: definition.repeats, deviations }
        })
    }
    fn objectives(&self) -> Vec<Objective> {
        self.definition.objectives.clone()
    }
    fn provenance(&self) -> Vec<(String, String)> {
        let version = self.definition.version.iter().map(|version| ("version".to_string(), version.clone()));
        std::iter::once(("definition".to_string(), self.definition.name.clone())).chain(version).collect()
    }
    fn inputs(&self) -> Vec<PathBuf> {
        self.definition.path.iter().chain(&self.definition.program.inputs).cloned().collect()
    }
    fn fingerprint(&self, fidelity: Fidelity) -> Option<String> {
        let level = self.level(fidelity)?;
        let mut hasher = blake3::Hasher::new();
        hasher.update(self.definition.digest.as_bytes());
        hasher.update(serde_json::to_string(&(&level.name, &level.constants)).ok()?.as_bytes());
        Some(hasher.finalize().to_hex().to_string())
    }
}

impl Command {
    /// Several repetitions as one: each metric by the rule of the definition, then its spread.
    fn together(&self, rows: &[Vec<f64>]) -> Outcome {
        if self.definition.repeats == 1 {
            return rows
                .first()
                .map_or_else(|| Outcome::failed("no run was made"), |row| Outcome::feasible(row.clone()));
        }
        let columns: Vec<Vec<f64>> = (0..self.definition.metrics.len())
            .map(|index| rows.iter().map(|row| row[index]).collect())
            .collect();
        let metrics = columns.iter().zip(&self.definition.metrics);
        let mut values: Vec<f64> = metrics
            .map(|(column, metric)| aggregate(column, self.definition.aggregate, metric.direction))
            .collect();
        values.extend(columns.iter().map(|column| deviation(column)));
        // The limits of the definition are on what is reported, too.
        let within = self.definition.within(&values);
        within.unwrap_or_else(|| Outcome::feasible(values))
    }
}

fn aggregate(column: &[f64], how: Aggregate, direction: Direction) -> f64 {
    let mut sorted = column.to_vec();
    sorted.sort_by(f64::total_cmp);
    let (smallest, largest) = (sorted[0], sorted[sorted.len() - 1]);
    match (how, direction) {
        (Aggregate::Median, _) => f64::midpoint(sorted[(sorted.len() - 1) / 2], sorted[sorted.len() / 2]),
        (Aggregate::Mean, _) => mean(column),
        (Aggregate::Minimum, _)
        | (Aggregate::Best, Direction::Minimise)
        | (Aggregate::Worst, Direction::Maximise) => smallest,
        (Aggregate::Maximum, _) | (Aggregate::Best, _) | (Aggregate::Worst, _) => largest,
    }
}

fn mean(column: &[f64]) -> f64 {
    column.iter().sum::<f64>() / column.len() as f64
}

/// The sample's standard deviation.
fn deviation(column: &[f64]) -> f64 {
    let mean = mean(column);
    let squares: f64 = column.iter().map(|x| (x - mean).powi(2)).sum();
    (squares / (column.len() as f64 - 1.0)).sqrt()
}

/// An environment of a definition that is in no file. `name` stands for it in messages and records, relative paths are meant against
/// `folder`, `changes` are what a study may change of it, in RON. Errors: a definition that cannot work.
pub fn of_text(
    id: &str,
    text: &str,
    name: &str,
    folder: &std::path::Path,
    changes: &str,
) -> Result<Box<dyn Env>, EnvError> {
    let source = crate::source::Source::named(text, name);
    let folder = if folder.as_os_str().is_empty() { std::path::Path::new(".") } else { folder };
    let folder = std::path::absolute(folder).unwrap_or_else(|_| folder.into());
    Ok(Box::new(Command::of(id, Definition::read(&source, &folder, None, &Options::ron(changes))?)))
}

/// True for an id that is the path of a definition.
pub fn is_path(id: &str) -> bool {
    id.len() > 4 && id.ends_with(".ron")
}

/// An entry for the definition in this file. Its options are what a study may change of it.
pub(crate) fn entry_of(path: &str) -> EnvEntry {
    let given = path.to_string();
    let build = move |options: &Options| -> Result<Box<dyn Env>, EnvError> {
        let path = options.path(&given);
        // In a study the file's own place tells it from others of that name.
        let id =
            if options.folder().as_os_str().is_empty() { given.clone() } else { path.display().to_string() };
        Ok(Box::new(Command::load(&id, &path, options)?))
    };
    with_options(EnvEntry::new(path, "a program of your own", build))
}

/// The entry of `command-v0`.
pub(crate) fn entry() -> EnvEntry {
    let build = |options: &Options| -> Result<Box<dyn Env>, EnvError> {
        let changes: file::Changes = options.parse()?;
        Ok(Box::new(match changes.file {
            Some(file) => Command::load(ID, &options.path(file), options)?,
            None => Command::example(options)?,
        }))
    };
    let entry = EnvEntry::new(ID, "any program, described by a RON file", build);
    with_options(entry.option(
        "file",
        "(a small example)",
        "the definition; a path that ends in .ron can also stand for the id",
    ))
}

fn with_options(entry: EnvEntry) -> EnvEntry {
    entry
        .option("constants", "{}", "other values of the definition's constants, such as {\"cycles\": 1000}")
        .option("repeats", "(as defined)", "runs that are taken together")
        .option("seed", "(as defined)", "seed of the first repetition")
        .option("parallel", "(as defined)", "runs at the same time")
        .option("launcher", "(as defined)", "words in front of the command, such as [\"srun\", \"-n1\"]")
        .option("time_s", "(as defined)", "seconds that a run may take")
        .option("keep", "(as defined)", "which scratch folders are kept: Never, Failures or Always")
        .option("keep_in", "(as defined)", "the folder for those that are kept")
        .option("scratch", "(as defined)", "the folder in which scratch folders are made")
}
