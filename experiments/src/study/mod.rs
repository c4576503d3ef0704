//! Studies: what is searched, by whom, how often and how long. One RON file, checked as a whole before anything is written.
//!
//! ```ron
//! (
//!     name: "example",
//!     environments: [(id: "dram-controller-v0", label: "sort", options: (workload: "sort"), objectives: ["low-power"])],
//!     agents: [(id: "random"), (id: "genetic", hyperparameters: (population: [16, 32]))],
//!     seeds: 5,
//!     budget: 400,
//! )
//! ```

mod hyperparameters;
mod include;
mod name;
mod schema;
mod source;
mod warm_start;

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hwgym_agents::wrappers::{self, Wrapper};
use hwgym_agents::{Agent, AgentEntry, AgentError, Problem};
use hwgym_envs::random::derive_seed;
use hwgym_envs::results::ResultCache;
use hwgym_envs::wrappers::Caching;
use hwgym_envs::{Env, EnvError, Fidelity, Objective, Scorer};
use ron::value::RawValue;

pub use hyperparameters::HyperparameterSet;
pub use name::{file_part, trial_name};
use schema::{AgentFile, BudgetFile, EnvironmentFile, StudyFile};
use source::{Fields, Source};

use crate::{Registries, StudyError};

/// Outcomes that one environment remembers.
const CACHED_OUTCOMES: usize = 50_000;

/// Seeds that a study may have.
pub(crate) const MOST_SEEDS: usize = 100_000;

/// A checked study, ready to run.
pub struct Study {
    /// Its name.
    pub name: String,
    /// What it is for, in the author's words; may be empty.
    pub description: String,
    /// Pairs of environment and objective.
    pub tasks: Vec<Task>,
    /// The contestants, one per set of hyperparameters.
    pub contestants: Vec<Contestant>,
    /// The seeds.
    pub seeds: Vec<u64>,
    /// Evaluations per trial.
    pub evaluations: usize,
    /// The budget that the study was written with, which is what agents are told, then what it was extended to; the last is
    /// [`evaluations`](Self::evaluations).
    pub stages: Vec<usize>,
    /// Cost per trial, in evaluations at full fidelity, if that is limited too.
    pub cost: Option<f64>,
    /// Seconds per trial, if they are limited too. A study with such a limit does not reproduce to the last evaluation.
    pub seconds: Option<f64>,
    /// Designs that are asked for at a time.
    pub batch: usize,
    /// Seconds after which an evaluation counts as timed out.
    pub time_limit_s: Option<f64>,
    /// End a trial as soon as every target specification is met.
    pub stop_when_met: bool,
    /// Best designs per trial that are evaluated again in the environment that a surrogate stands for; 0 for none.
    pub re_simulate: usize,
    /// True if results may be looked up instead of being made again.
    pub cache: bool,
    /// The text of the file.
    pub text: String,
    /// The file.
    pub path: PathBuf,
    /// The folder against which relative paths in it are meant.
    folder: PathBuf,
}

/// An environment with an objective: what one table and one plot of a report is about.
#[derive(Clone)]
pub struct Task {
    /// The label of the environment.
    pub environment: String,
    /// The environment.
    pub env: Arc<dyn Env>,
    /// Its options, in RON.
    pub options: String,
    /// What is searched for.
    pub objective: Objective,
    /// The objective, resolved.
    pub scorer: Scorer,
}

impl Task {
    /// `environment/objective`.
    pub fn name(&self) -> String {
        format!("{}/{}", self.environment, self.objective.name)
    }
}

/// An agent with one set of hyperparameters.
#[derive(Clone)]
pub struct Contestant {
    /// Its label; with a sweep, followed by `#1`, `#2`, ...
    pub label: String,
    /// The agent.
    pub agent: AgentEntry,
    /// Its hyperparameters.
    pub hyperparameters: HyperparameterSet,
    /// What it is wrapped in, the first innermost.
    pub wrappers: Vec<Wrapper>,
    /// Relative paths in the wrappers are meant against this folder.
    folder: PathBuf,
    /// Which entry of the study's `agents` it is from.
    entry: usize,
}

impl Contestant {
    /// The agent for a task. Errors: see [`AgentEntry::make`]; an earlier study that does not read or does not fit.
    fn make(&self, task: &Task, budget: usize, seed: u64) -> Result<Box<dyn Agent>, StudyError> {
        let problem = Problem::of_instance(&task.env, &task.objective, Some(budget))?;
        let options = &self.hyperparameters.options;
        wrappers::make(&self.agent, options, &self.wrappers, &problem, seed, |wrapper| {
            warm_start::results(wrapper, &self.folder, task)
        })
    }

    /// The files that the agent is built from.
    fn inputs(&self, task: &Task) -> Result<Vec<PathBuf>, StudyError> {
        let mut files = self.agent.inputs(&self.hyperparameters.options)?;
        for wrapper in &self.wrappers {
            files.extend(warm_start::files(wrapper, &self.folder, task)?);
        }
        Ok(files)
    }
}

/// One search: a task, a contestant and a seed.
#[derive(Clone, Copy)]
pub struct Trial<'a> {
    /// What is searched.
    pub task: &'a Task,
    /// Who searches.
    pub contestant: &'a Contestant,
    /// The seed that the study gives.
    pub seed: u64,
}

impl Trial<'_> {
    /// Its name: also that of its file of records.
    pub fn name(&self) -> String {
        trial_name(&self.task.environment, &self.task.objective.name, &self.contestant.label, self.seed)
    }

    /// The seed of the agent: derived from the study's seed and the names of task and contestant.
    pub fn agent_seed(&self) -> u64 {
        derive_seed(self.seed, &format!("{}/{}/agent", self.task.name(), self.contestant.label))
    }

    /// A fresh agent. Errors: it cannot serve the task, or does not find what it is to start from.
    pub fn agent(&self, study: &Study) -> Result<Box<dyn Agent>, StudyError> {
        self.contestant.make(self.task, study.stages[0], self.agent_seed())
    }
}

impl Study {
    /// Reads and checks a study file. Errors: anything that would go wrong later, with its place in the file.
    pub fn load(path: &Path, registries: &Registries) -> Result<Self, StudyError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| StudyError::Input { path: path.into(), source })?;
        // Some editors begin a file with a byte-order mark.
        let text = text.strip_prefix('\u{feff}').map(String::from).unwrap_or(text);
        Self::read(text, path, registries)
    }

    /// Checks the text of a study file; `path` is used in messages, and for relative paths. Errors: see [`load`](Self::load).
    pub fn read(text: String, path: &Path, registries: &Registries) -> Result<Self, StudyError> {
        let folder = source::absolute(path).parent().map_or(PathBuf::new(), Path::to_path_buf);
        Self::read_in(text, path, &folder, registries)
    }

    /// The same with relative paths meant against another folder than that of the file.
    pub fn read_in(
        text: String,
        path: &Path,
        folder: &Path,
        registries: &Registries,
    ) -> Result<Self, StudyError> {
        let source =
            include::expand(Source { text, path: path.into(), folder: folder.into(), included: Vec::new() })?;
        let mut study = Checker { source: &source, registries }.study()?;
        study.path = source::absolute(path);
        study.folder = folder.into();
        study.text = source.text;
        Ok(study)
    }

    /// BLAKE3 of the text, hexadecimal.
    pub fn hash(&self) -> String {
        blake3::hash(self.text.as_bytes()).to_hex().to_string()
    }

    /// The folder against which relative paths are meant.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The files that its environments and agents were built from. Errors: the records of an earlier study that cannot be found.
    pub fn inputs(&self) -> Result<Vec<PathBuf>, StudyError> {
        let mut files = Vec::new();
        for task in &self.tasks {
            files.extend(task.env.inputs());
            for contestant in &self.contestants {
                files.extend(contestant.inputs(task)?);
            }
        }
        Ok(files)
    }

    /// Looks results of its environments up in this folder, and keeps new ones there, where an environment has a
    /// [fingerprint](Env::fingerprint) and the study says nothing else (`cache: false`).
    pub fn share_results(&mut self, results: &ResultCache) {
        if !self.cache {
            return;
        }
        let mut shared: Vec<(Arc<dyn Env>, Arc<dyn Env>)> = Vec::new();
        for task in &mut self.tasks {
            let known = shared
                .iter()
                .find(|(plain, _)| Arc::ptr_eq(plain, &task.env))
                .map(|(_, shared)| shared.clone());
            let env = known.unwrap_or_else(|| results.remember(task.env.clone()));
            shared.push((std::mem::replace(&mut task.env, env.clone()), env));
        }
    }

    /// The same in the folder here, which is made if anything is kept in it. Errors: it cannot be made.
    pub fn share_results_in(&mut self, folder: &Path) -> Result<(), StudyError> {
        let any = self.tasks.iter().any(|task| task.env.fingerprint(Fidelity::FULL).is_some());
        if any && self.cache {
            let results = ResultCache::open(folder).map_err(|error| StudyError::file(folder, error))?;
            self.share_results(&results);
        }
        Ok(())
    }

    /// Takes a longer budget and more seeds: see [`Store::extend`](crate::Store::extend).
    pub(crate) fn extend(&mut self, stages: Vec<usize>, seeds: Vec<u64>) {
        self.evaluations = stages.last().copied().unwrap_or(self.evaluations);
        (self.stages, self.seeds) = (stages, seeds);
    }

    /// Evaluations left until the next stage of the budget, after so many. An extended trial asks as it did before in front of a stage, so
    /// that its records repeat.
    pub(crate) fn left_of_stage(&self, told: usize) -> usize {
        let next = self.stages.iter().find(|stage| **stage > told);
        next.copied().unwrap_or(self.evaluations).saturating_sub(told)
    }

    /// All trials, seed by seed, so that a study that is stopped early has something of everything.
    pub fn trials(&self) -> Vec<Trial<'_>> {
        let mut trials = Vec::new();
        for seed in &self.seeds {
            for task in &self.tasks {
                for contestant in &self.contestants {
                    trials.push(Trial { task, contestant, seed: *seed });
                }
            }
        }
        trials
    }
}

struct Checker<'a> {
    source: &'a Source,
    registries: &'a Registries,
}

impl Checker<'_> {
    fn study(&self) -> Result<Study, StudyError> {
        let file: StudyFile = self.source.read()?;
        let whole = self.source.text.as_str();
        let word = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        if file.name.is_empty() || file.name.starts_with('.') || !file.name.chars().all(word) {
            let message =
                "`name` is a word of letters, digits, `-`, `_` and `.`, and does not begin with `.`";
            return Err(self.source.error(whole, message));
        }
        let Budget { evaluations, seconds, cost } = self.budget(file.budget)?;
        let batch = match file.batch {
            None => 1,
            Some(raw) => match self.source.part::<usize>(raw)? {
                batch if (1..=evaluations).contains(&batch) => batch,
                batch => {
                    return Err(self.source.error(
                        raw.get_ron(),
                        format!("`batch` is {batch}; expected 1 to the budget of {evaluations} evaluations"),
                    ));
                }
            },
        };
        let time_limit_s = file.time_limit_s.map(|raw| self.positive(raw, "time_limit_s")).transpose()?;
        let seeds = self.seeds(file.seeds)?;
        let tasks = self.tasks(&file)?;
        let contestants = self.contestants(&file, &tasks, evaluations)?;
        self.names(&file, &tasks, &contestants, &seeds)?;
        Ok(Study {
            name: file.name,
            description: file.description,
            tasks,
            contestants,
            seeds,
            evaluations,
            stages: vec![evaluations],
            cost,
            seconds,
            batch,
            time_limit_s,
            stop_when_met: file.stop_when_met,
            re_simulate: file.re_simulate,
            cache: file.cache,
            text: String::new(),
            path: PathBuf::new(),
            folder: PathBuf::new(),
        })
    }

    fn budget(&self, raw: &RawValue) -> Result<Budget, StudyError> {
        let BudgetFile { evaluations, cost, seconds } = if starts(raw, '(') {
            self.source.part(raw)?
        } else {
            BudgetFile { evaluations: Some(self.source.part(raw)?), cost: None, seconds: None }
        };
        for (name, limit) in [("cost", cost), ("seconds", seconds)] {
            if limit.is_some_and(|limit| !(limit.is_finite() && limit > 0.0)) {
                return Err(self.source.error(raw.get_ron(), format!("`{name}` is not above 0")));
            }
        }
        match evaluations {
            Some(0) => {
                Err(self.source.error(raw.get_ron(), "the budget is 0 evaluations; expected 1 or more"))
            }
            Some(evaluations) => Ok(Budget { evaluations, cost, seconds }),
            None => Err(self.source.error(
                raw.get_ron(),
                "the budget names no `evaluations`, the most that a trial may make (`cost` and `seconds` come on top)",
            )),
        }
    }

    /// Every trial has a name of its own that a file system takes. Errors: two of them share one, or one is too long.
    fn names(
        &self,
        file: &StudyFile,
        tasks: &[Task],
        contestants: &[Contestant],
        seeds: &[u64],
    ) -> Result<(), StudyError> {
        let mut seen = HashSet::new();
        let seed = seeds.iter().max().copied().unwrap_or(0);
        for task in tasks {
            for contestant in contestants {
                let name = Trial { task, contestant, seed }.name();
                let entry = file.agents[contestant.entry].get_ron();
                if !name::fits(&name) {
                    let message = format!(
                        "the labels `{}` and `{}` make file names of {} bytes, more than file systems take; give shorter ones (`label`)",
                        shorten(&task.environment),
                        shorten(&contestant.label),
                        name.len()
                    );
                    return Err(self.source.error(entry, message));
                }
                if !seen.insert(name) {
                    let message = format!(
                        "two contestants are called `{}`; give one another `label`",
                        contestant.label
                    );
                    return Err(self.source.error(entry, message));
                }
            }
        }
        Ok(())
    }

    fn positive(&self, raw: &RawValue, name: &str) -> Result<f64, StudyError> {
        match self.source.part::<f64>(raw)? {
            value if value.is_finite() && value > 0.0 => Ok(value),
            value => Err(self
                .source
                .error(raw.get_ron(), format!("`{name}` is {value}; expected a number above 0"))),
        }
    }

    fn seeds(&self, raw: &RawValue) -> Result<Vec<u64>, StudyError> {
        let seeds: Vec<u64> = if starts(raw, '[') {
            self.source.part(raw)?
        } else {
            (1..=self.source.part::<u64>(raw)?).collect()
        };
        let distinct: HashSet<_> = seeds.iter().collect();
        if seeds.is_empty() || distinct.len() < seeds.len() || seeds.len() > MOST_SEEDS {
            return Err(self.source.error(
                raw.get_ron(),
                "`seeds` is a count such as `5`, or a list such as `[1, 2, 3]`: at least one, none twice",
            ));
        }
        Ok(seeds)
    }

    fn tasks(&self, file: &StudyFile) -> Result<Vec<Task>, StudyError> {
        if file.environments.is_empty() {
            return Err(self.source.error(&self.source.text, "`environments` is empty; give one at least"));
        }
        let mut tasks: Vec<Task> = Vec::new();
        let mut labels = HashSet::new();
        for raw in &file.environments {
            let entry: EnvironmentFile = self.source.part(raw)?;
            let id: String = self.source.part(entry.id)?;
            let registered = self
                .registries
                .envs
                .find(&id)
                .map_err(|error| self.source.error(entry.id.get_ron(), error))?;
            let label = entry.label.unwrap_or_else(|| id.clone());
            self.label(raw, &label, &mut labels)?;
            let options = self.source.options(entry.options);
            let env =
                registered.make(&options).map_err(|error| self.env_error(&entry.options, raw, error))?;
            let env: Arc<dyn Env> =
                if file.cache { Arc::new(Caching::new(env, CACHED_OUTCOMES)) } else { env };
            let mut names = HashSet::new();
            for (place, objective) in self.objectives(env.as_ref(), raw, &entry.objectives)? {
                let scorer =
                    objective.scorer(env.metrics()).map_err(|error| self.source.error(place, error))?;
                if !names.insert(objective.name.clone()) {
                    let message = format!("two objectives are called `{}`", objective.name);
                    return Err(self.source.error(place, message));
                }
                tasks.push(Task {
                    environment: label.clone(),
                    env: env.clone(),
                    options: options.text().trim().to_string(),
                    objective,
                    scorer,
                });
            }
        }
        Ok(tasks)
    }

    fn label(&self, raw: &RawValue, label: &str, labels: &mut HashSet<String>) -> Result<(), StudyError> {
        if label.trim().is_empty() {
            return Err(self
                .source
                .error(raw.get_ron(), "the `label` is empty; give it a name, or leave it out"));
        }
        if !labels.insert(label.into()) {
            let message = format!("two entries are called `{label}`; give one of them another `label`");
            return Err(self.source.error(raw.get_ron(), message));
        }
        Ok(())
    }

    fn objectives<'a>(
        &self,
        env: &dyn Env,
        entry: &'a RawValue,
        raws: &[&'a RawValue],
    ) -> Result<Vec<(&'a str, Objective)>, StudyError>
    where
        Self: 'a,
    {
        let named = env.objectives();
        if raws.is_empty() {
            return match named.into_iter().next() {
                Some(default) => Ok(vec![(entry.get_ron(), default)]),
                None => Err(self
                    .source
                    .error(entry.get_ron(), "the environment names no objective; give `objectives`")),
            };
        }
        let mut objectives = Vec::new();
        for raw in raws {
            let text = raw.get_ron();
            let objective = if starts(raw, '(') {
                self.part_of::<Objective>(text)?
            } else {
                let name: String = self.part_of(text)?;
                let names: Vec<_> = named.iter().map(|o| o.name.clone()).collect();
                named.iter().find(|o| o.name == name).cloned().ok_or_else(|| {
                    let known = format!("(known: {})", names.join(", "));
                    let hint = hwgym_envs::suggest::nearest(&name, &names)
                        .map_or(String::new(), |n| format!("; did you mean `{n}`?"));
                    self.source
                        .error(text, format!("`{}` names no objective `{name}`{hint} {known}", env.id()))
                })?
            };
            objectives.push((text, objective));
        }
        Ok(objectives)
    }

    /// Reads an owned value from a slice of the file.
    fn part_of<T: serde::de::DeserializeOwned>(&self, text: &str) -> Result<T, StudyError> {
        Ok(self.source.slice(text).parse()?)
    }

    fn contestants(
        &self,
        file: &StudyFile,
        tasks: &[Task],
        budget: usize,
    ) -> Result<Vec<Contestant>, StudyError> {
        if file.agents.is_empty() {
            return Err(self.source.error(&self.source.text, "`agents` is empty; give one at least"));
        }
        let mut contestants = Vec::new();
        let mut labels = HashSet::new();
        for (index, raw) in file.agents.iter().enumerate() {
            let entry: AgentFile = self.source.part(raw)?;
            let id: String = self.source.part(entry.id)?;
            let agent = self
                .registries
                .agents
                .get(&id)
                .map_err(|error| self.source.error(entry.id.get_ron(), error))?;
            let label = entry.label.unwrap_or_else(|| id.clone());
            self.label(raw, &label, &mut labels)?;
            let seed = derive_seed(0, &format!("{}/{label}", file.name));
            let sets = hyperparameters::expand(
                self.source,
                entry.hyperparameters,
                (entry.samples, entry.sampling),
                seed,
                raw.get_ron(),
            )?;
            let several = sets.len() > 1;
            for (number, set) in sets.into_iter().enumerate() {
                let label = if several { format!("{label}#{}", number + 1) } else { label.clone() };
                let mut contestant = Contestant {
                    label,
                    agent: agent.clone(),
                    hyperparameters: set,
                    wrappers: Vec::new(),
                    folder: self.source.folder.clone(),
                    entry: index,
                };
                // Bare first, then wrapper by wrapper, so that a mistake is reported where it stands. Scalarising belongs to the bare agent.
                let mut wrappers = entry.wrappers.iter();
                if let Some(first) = entry.wrappers.first() {
                    let first: Wrapper = self.part_of(first.get_ron())?;
                    if matches!(first, Wrapper::Scalarise { .. }) {
                        contestant.wrappers.push(first);
                        wrappers.next();
                    }
                }
                self.try_out(&contestant, tasks, budget, &entry.hyperparameters, raw)?;
                for wrapper in wrappers {
                    contestant.wrappers.push(self.part_of(wrapper.get_ron())?);
                    self.try_out(&contestant, tasks, budget, &None, wrapper)?;
                }
                contestants.push(contestant);
            }
        }
        Ok(contestants)
    }

    /// Makes a contestant for every task. Errors: what goes wrong, at the place of the hyperparameter or of the entry.
    fn try_out(
        &self,
        contestant: &Contestant,
        tasks: &[Task],
        budget: usize,
        hyperparameters: &Option<&RawValue>,
        entry: &RawValue,
    ) -> Result<(), StudyError> {
        for task in tasks {
            contestant.make(task, budget, 0).map_err(|error| match error {
                StudyError::Agent(error) => {
                    self.agent_error(hyperparameters, entry, &contestant.hyperparameters, error)
                }
                other => self.source.error(entry.get_ron(), other),
            })?;
        }
        Ok(())
    }

    /// Gives an error of an environment the best place that can be found.
    fn env_error(&self, options: &Option<&RawValue>, entry: &RawValue, error: EnvError) -> StudyError {
        match &error {
            EnvError::Options { .. } => error.into(),
            EnvError::Invalid { option, .. } => self.source.error(self.field(options, option, entry), error),
            _ => self.source.error(entry.get_ron(), error),
        }
    }

    fn agent_error(
        &self,
        hyperparameters: &Option<&RawValue>,
        entry: &RawValue,
        set: &HyperparameterSet,
        error: AgentError,
    ) -> StudyError {
        let varied: Vec<_> = set.varied.iter().map(|(name, value)| format!("{name}: {value}")).collect();
        let context = if varied.is_empty() {
            String::new()
        } else {
            format!(" (in the set with {})", varied.join(", "))
        };
        match &error {
            AgentError::Env(EnvError::Options { .. }) => error.into(),
            AgentError::OutOfRange { name, .. } => {
                self.source.error(self.field(hyperparameters, name, entry), format!("{error}{context}"))
            }
            _ => self.source.error(entry.get_ron(), format!("{error}{context}")),
        }
    }

    /// The slice of the value of a field; failing that, the whole entry.
    fn field<'r>(&self, options: &Option<&'r RawValue>, name: &str, entry: &'r RawValue) -> &'r str {
        let Some(raw) = options else { return entry.get_ron() };
        let fields: Result<Fields<'r>, _> = hwgym_envs::options::reader().from_str(raw.get_ron());
        let found = fields.ok().and_then(|fields| {
            fields.0.into_iter().find(|(field, _)| field == name).map(|(_, value)| value.get_ron())
        });
        found.unwrap_or(raw.get_ron())
    }
}

/// What a trial may spend.
struct Budget {
    evaluations: usize,
    cost: Option<f64>,
    seconds: Option<f64>,
}

/// The start of a long label, for a message.
fn shorten(label: &str) -> String {
    if label.chars().count() <= 40 { label.into() } else { label.chars().take(40).chain(['…']).collect() }
}

fn starts(raw: &RawValue, with: char) -> bool {
    let text = raw.get_ron();
    text[source::leading(text)..].starts_with(with)
}
