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
mod schema;
mod source;
mod warm_start;

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hwgym_agents::wrappers::{Wrapper, wrap};
use hwgym_agents::{Agent, AgentEntry, AgentError, Problem};
use hwgym_envs::random::derive_seed;
use hwgym_envs::wrappers::Caching;
use hwgym_envs::{Env, EnvError, Objective, Scorer};
use ron::value::RawValue;

pub use hyperparameters::HyperparameterSet;
use schema::{AgentFile, BudgetFile, EnvironmentFile, StudyFile};
use source::{Fields, Source};

use crate::{Registries, StudyError};

/// Outcomes that one environment remembers.
const CACHED_OUTCOMES: usize = 50_000;

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
    /// The text of the file.
    pub text: String,
    /// The file; relative paths in it are meant against its folder.
    pub path: PathBuf,
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
}

impl Contestant {
    /// The agent for a task. Errors: see [`AgentEntry::make`]; an earlier study that does not read or does not fit.
    fn make(&self, task: &Task, budget: usize, seed: u64) -> Result<Box<dyn Agent>, StudyError> {
        let problem = Problem::new(Arc::new(task.env.space().clone()), &task.scorer, Some(budget));
        let agent = self.agent.make(&self.hyperparameters.options, &problem, seed)?;
        wrap(agent, &self.wrappers, &problem, seed, |wrapper| {
            warm_start::results(wrapper, &self.folder, task)
        })
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
        format!(
            "{}.{}.{}.s{}",
            plain(&self.task.environment),
            plain(&self.task.objective.name),
            plain(&self.contestant.label),
            self.seed
        )
    }

    /// The seed of the agent: derived from the study's seed and the names of task and contestant.
    pub fn agent_seed(&self) -> u64 {
        derive_seed(self.seed, &format!("{}/{}/agent", self.task.name(), self.contestant.label))
    }

    /// A fresh agent. Errors: it cannot serve the task, or does not find what it is to start from.
    pub fn agent(&self, budget: usize) -> Result<Box<dyn Agent>, StudyError> {
        self.contestant.make(self.task, budget, self.agent_seed())
    }
}

impl Study {
    /// Reads and checks a study file. Errors: anything that would go wrong later, with its place in the file.
    pub fn load(path: &Path, registries: &Registries) -> Result<Self, StudyError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| StudyError::Input { path: path.into(), source })?;
        Self::read(text, path, registries)
    }

    /// Checks the text of a study file; `path` is used in messages, and for relative paths. Errors: see [`load`](Self::load).
    pub fn read(text: String, path: &Path, registries: &Registries) -> Result<Self, StudyError> {
        let source = Source { text, path: path.into() };
        let mut study = Checker { source: &source, registries }.study()?;
        study.path = source::absolute(path);
        study.text = source.text;
        Ok(study)
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
        if file.name.is_empty() || !file.name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
        {
            return Err(self.source.error(whole, "`name` is a word of letters, digits, `-`, `_` and `.`"));
        }
        let (evaluations, seconds) = self.budget(file.budget)?;
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
        Ok(Study {
            name: file.name,
            description: file.description,
            tasks,
            contestants,
            seeds,
            evaluations,
            seconds,
            batch,
            time_limit_s,
            stop_when_met: file.stop_when_met,
            re_simulate: file.re_simulate,
            text: String::new(),
            path: PathBuf::new(),
        })
    }

    fn budget(&self, raw: &RawValue) -> Result<(usize, Option<f64>), StudyError> {
        let budget = if starts(raw, '(') {
            self.source.part::<BudgetFile>(raw)?
        } else {
            BudgetFile { evaluations: self.source.part(raw)?, seconds: None }
        };
        if budget.evaluations == 0 {
            return Err(self.source.error(raw.get_ron(), "the budget is 0 evaluations; expected 1 or more"));
        }
        if budget.seconds.is_some_and(|s| !(s.is_finite() && s > 0.0)) {
            return Err(self.source.error(raw.get_ron(), "`seconds` is not above 0"));
        }
        Ok((budget.evaluations, budget.seconds))
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
        if seeds.is_empty() || distinct.len() < seeds.len() || seeds.len() > 100_000 {
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
                .get(&id)
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
        if label.is_empty() || label.contains(['/', '#', '\n']) {
            return Err(self
                .source
                .error(raw.get_ron(), format!("the label `{label}` is empty, or has `/` or `#` in it")));
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
                    let hint = hwgym_envs::error::nearest(&name, &names)
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
        Ok(hwgym_envs::Options::slice_of(text, &self.source.text, &self.source.path).parse()?)
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
        for raw in &file.agents {
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
                entry.samples,
                seed,
                raw.get_ron(),
            )?;
            let several = sets.len() > 1;
            for (number, set) in sets.into_iter().enumerate() {
                let label = if several { format!("{label}#{}", number + 1) } else { label.clone() };
                let folder = source::absolute(&self.source.path).parent().map(Path::to_path_buf);
                let mut contestant = Contestant {
                    label,
                    agent: agent.clone(),
                    hyperparameters: set,
                    wrappers: Vec::new(),
                    folder: folder.unwrap_or_default(),
                };
                // Bare first, then wrapper by wrapper, so that a mistake is reported where it stands.
                self.try_out(&contestant, tasks, budget, &entry.hyperparameters, raw)?;
                for wrapper in &entry.wrappers {
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

/// A label as a part of a file name.
fn plain(label: &str) -> String {
    label.chars().map(|c| if c.is_ascii_alphanumeric() || "-_#".contains(c) { c } else { '_' }).collect()
}

fn starts(raw: &RawValue, with: char) -> bool {
    let text = raw.get_ron();
    text[source::leading(text)..].starts_with(with)
}
