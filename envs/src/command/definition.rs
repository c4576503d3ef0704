//! A definition, read and checked: everything that an evaluation needs.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use regex::Regex;

use super::check;
use super::extract::Extraction;
use super::file::{Aggregate, Changes, DefinitionFile, Keep, LimitsEntry, Protocol};
use super::text::{Names, Text};
use crate::source::Source;
use crate::{EnvError, Metric, Objective, Options, Value};

/// A checked definition.
pub(super) struct Definition {
    /// The file; none for the example that is built in.
    pub path: Option<PathBuf>,
    pub name: String,
    pub description: String,
    /// The design space, and all that texts may name.
    pub names: Names,
    /// Levels of fidelity, the full one first.
    pub levels: Vec<Level>,
    pub program: Program,
    pub metrics: Vec<Metric>,
    pub extractions: Vec<Extraction>,
    pub deviations: Vec<Option<f64>>,
    pub objectives: Vec<Objective>,
    /// Exit codes that are no failure; empty if all are.
    pub success: Vec<i32>,
    pub rules: Vec<Rule>,
    pub retry: Option<Retry>,
    pub limits: LimitsEntry,
    /// Runs at the same time; 0 for any number.
    pub parallel: usize,
    pub repeats: usize,
    pub aggregate: Aggregate,
    pub seed: u64,
    pub keep: Keep,
    pub keep_in: PathBuf,
    pub scratch: PathBuf,
    /// What the version commands said.
    pub version: Vec<String>,
    /// Hash of all that results depend on beside the design and the level.
    pub digest: blake3::Hash,
    /// What is probably not meant, but no mistake.
    pub doubts: Vec<String>,
}

/// A level of fidelity, with the constants that it has.
pub(super) struct Level {
    pub name: String,
    pub relative_cost: f64,
    pub constants: BTreeMap<String, Value>,
}

/// What is started, and what it finds in its folder.
pub(super) struct Program {
    pub protocol: Protocol,
    pub launcher: Vec<String>,
    /// The program as it is started.
    pub program: String,
    pub arguments: Vec<Argument>,
    pub env: Vec<(String, Text)>,
    pub files: Vec<Placed>,
    pub templates: Vec<Template>,
    pub design_file: Option<String>,
    /// Files that results depend on.
    pub inputs: Vec<PathBuf>,
}

/// A word of the command, or words that are there for some designs.
pub(super) enum Argument {
    Always(Text),
    When { parameter: usize, coordinates: Vec<f64>, arguments: Vec<Text> },
}

/// A file or folder that is brought into the scratch folder.
pub(super) struct Placed {
    pub from: PathBuf,
    pub to: String,
    pub link: bool,
}

/// A file whose variables are filled in.
pub(super) struct Template {
    pub to: Text,
    pub body: Text,
    pub executable: bool,
}

/// What makes a design infeasible.
pub(super) enum Rule {
    ExitCode { code: i32, meaning: String, amount: f64 },
    Pattern { pattern: Regex, file: Option<Text>, meaning: String, amount: f64 },
    Metric { metric: usize, at_most: Option<f64>, at_least: Option<f64>, meaning: String },
}

/// What is tried again.
pub(super) struct Retry {
    pub pattern: Regex,
    pub times: usize,
    pub wait_s: f64,
}

impl Definition {
    /// Reads and checks a definition. `options` hold what a study changes of it, and note the files that it reads. Errors: anything that
    /// would go wrong at every evaluation, at its place in the file.
    pub fn load(path: &Path, options: &Options) -> Result<Self, EnvError> {
        let folder = std::path::absolute(path).unwrap_or_else(|_| path.into());
        let folder = folder.parent().map_or_else(PathBuf::new, Path::to_path_buf);
        Self::read(&Source::load(path)?, &folder, Some(path), options)
    }

    /// The same of a text that was read; relative paths are meant against this folder.
    pub fn read(
        source: &Source,
        folder: &Path,
        path: Option<&Path>,
        options: &Options,
    ) -> Result<Self, EnvError> {
        let file: DefinitionFile = source.read()?;
        let changes: Changes = options.parse()?;
        let reader = check::Reader { source, file: &file, changes: &changes, folder };
        let (names, levels) = reader.names()?;
        let (program, mut doubts) = reader.program(&names)?;
        let (metrics, extractions, deviations) = reader.metrics(&names, program.protocol)?;
        let objectives = reader.objectives(&metrics)?;
        let rules = reader.rules(&metrics, &names)?;
        let success = reader.success(&extractions)?;
        let numbers = reader.numbers(program.protocol)?;
        let version = reader.version()?;
        let digest = reader.digest(&program, &numbers, &version)?;
        doubts.extend(reader.unused(&names, &program));
        options.note(program.inputs.iter().cloned());
        let stem = path
            .and_then(Path::file_stem)
            .map_or_else(String::new, |stem| stem.to_string_lossy().into_owned());
        let place =
            |given: &Option<String>, changed: &Option<String>, otherwise: PathBuf| match (changed, given) {
                (Some(changed), _) => options.folder().join(changed),
                (None, Some(given)) => folder.join(given),
                (None, None) => otherwise,
            };
        Ok(Self {
            path: path.map(Path::to_path_buf),
            name: if file.name.is_empty() { stem } else { file.name.clone() },
            description: file.description.clone(),
            keep: changes.keep.unwrap_or(file.keep),
            keep_in: place(&file.keep_in, &changes.keep_in, folder.join("kept")),
            scratch: place(&file.scratch, &changes.scratch, std::env::temp_dir()),
            retry: reader.retry()?,
            aggregate: file.aggregate,
            limits: numbers.limits,
            parallel: numbers.parallel,
            repeats: numbers.repeats,
            seed: numbers.seed,
            names,
            levels,
            program,
            metrics,
            extractions,
            deviations,
            objectives,
            success,
            rules,
            version,
            digest,
            doubts,
        })
    }
}
