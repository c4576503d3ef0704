//! What a study is, as its directory remembers it: everything that a report needs beside the records, without building an environment.

use std::path::{Path, PathBuf};

use hwgym_envs::evaluate::{Guard, evaluate};
use hwgym_envs::known_optima::KnownObjective;
use hwgym_envs::{Fidelity, Metric, Objective};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::inputs::Inputs;
use super::{design_to_json, line};
use crate::study::{Study, Task, trial_name};
use crate::{Registries, StudyError};

/// Version of the directory's layout. A program reads every earlier version; a later one is refused by name, never guessed at. Version 1 had no
/// blocks of sealed records; going on with such a study, or packing it, makes it version 2.
const FORMAT: u32 = 2;

/// What is known of a study.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// Version of the directory's layout.
    pub format: u32,
    /// Version of the program that started it.
    pub hwgym: String,
    /// Name of the study.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// The study file it was started from, absolute.
    pub study_file: PathBuf,
    /// BLAKE3 of the study's text, hexadecimal.
    pub study_hash: String,
    /// When it was started, in seconds since 1970.
    pub started_unix_s: u64,
    /// The environments.
    pub environments: Vec<EnvironmentFacts>,
    /// Pairs of environment and objective, in the order of the study.
    pub tasks: Vec<TaskFacts>,
    /// The contestants, in the order of the study.
    pub contestants: Vec<ContestantFacts>,
    /// The seeds.
    pub seeds: Vec<u64>,
    /// Evaluations per trial: the budget of the study, then what it was extended to.
    pub stages: Vec<usize>,
    /// Best designs per trial that are evaluated again in the environment that a surrogate stands for; 0 for none.
    pub re_simulate: usize,
    /// The files it was built from.
    pub inputs: Inputs,
}

/// What is known of an environment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EnvironmentFacts {
    /// Its label in the study.
    pub label: String,
    /// Its id.
    pub id: String,
    /// Its options, in RON.
    pub options: String,
    /// What it says of itself: names and values.
    pub provenance: Vec<(String, String)>,
    /// Its metrics.
    pub metrics: Vec<Metric>,
    /// The environment that it stands for, where it is no truth itself.
    pub truth: Option<TruthFacts>,
}

/// What is known of the environment that another one stands for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TruthFacts {
    /// Its id.
    pub id: String,
    /// Its options, in RON.
    pub options: String,
    /// Its metrics; empty if it could not be built when the study was started.
    pub metrics: Vec<Metric>,
    /// Label of the environment of the study that is the same, if there is one.
    pub same_as: Option<String>,
}

/// What is known of a task.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TaskFacts {
    /// Label of the environment.
    pub environment: String,
    /// What is searched for.
    pub objective: Objective,
    /// The truth about it, where the environment's space has been enumerated.
    pub known: Option<KnownObjective>,
    /// What the design is worth that people use who do not search, where the environment knows one; earlier programs did not ask.
    #[serde(default)]
    pub default_design: Option<DefaultDesign>,
}

/// The default design of an environment, evaluated for a task when the study was started.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DefaultDesign {
    /// Values of the parameters by name.
    pub design: Map<String, Value>,
    /// One reward per goal, higher is better.
    pub rewards: Vec<f64>,
    /// By how much it breaks the bounds of the objective; 0 if it keeps them.
    pub violation: f64,
}

/// What is known of a contestant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ContestantFacts {
    /// Its label.
    pub label: String,
    /// Id of the agent.
    pub agent: String,
    /// The hyperparameters that the study varies.
    pub varied: Vec<(String, String)>,
}

impl TaskFacts {
    /// `environment/objective`.
    pub fn name(&self) -> String {
        format!("{}/{}", self.environment, self.objective.name)
    }
}

impl Manifest {
    /// What is to be remembered of a study that starts now. Errors: an input that cannot be read, damaged known optima.
    pub(super) fn of(study: &Study, registries: &Registries) -> Result<Self, StudyError> {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        let tasks = study.tasks.iter().map(|task| {
            let known =
                task.env.known_optima()?.and_then(|optima| optima.objective(&task.objective.name).cloned());
            Ok(TaskFacts {
                default_design: default_design(task, study.time_limit_s),
                environment: task.environment.clone(),
                objective: task.objective.clone(),
                known: known.filter(|known| known.objective == task.objective),
            })
        });
        let contestant = |contestant: &crate::Contestant| ContestantFacts {
            label: contestant.label.clone(),
            agent: contestant.agent.id.clone(),
            varied: contestant.hyperparameters.varied.clone(),
        };
        Ok(Self {
            format: FORMAT,
            hwgym: env!("CARGO_PKG_VERSION").into(),
            name: study.name.clone(),
            description: study.description.clone(),
            study_file: study.path.clone(),
            study_hash: study.hash(),
            started_unix_s: now.map_or(0, |d| d.as_secs()),
            environments: environments(study, registries),
            tasks: tasks.collect::<Result<_, StudyError>>()?,
            contestants: study.contestants.iter().map(contestant).collect(),
            seeds: study.seeds.clone(),
            stages: study.stages.clone(),
            re_simulate: study.re_simulate,
            inputs: Inputs::record(study.folder(), study.inputs()?)?,
        })
    }

    /// The metrics of a task.
    pub fn metrics(&self, task: &TaskFacts) -> &[Metric] {
        self.environment(&task.environment).map_or(&[], |environment| &environment.metrics)
    }

    /// The environment of this label.
    pub fn environment(&self, label: &str) -> Option<&EnvironmentFacts> {
        self.environments.iter().find(|environment| environment.label == label)
    }

    /// Evaluations per trial.
    pub fn evaluations(&self) -> usize {
        self.stages.last().copied().unwrap_or(0)
    }

    /// Names of all trials of an environment.
    pub fn trials_of(&self, environment: &str) -> Vec<String> {
        let tasks = self.tasks.iter().filter(|task| task.environment == environment);
        tasks.flat_map(|task| self.trials(environment, &task.objective.name)).collect()
    }

    /// Names of the trials of a task, seed by seed.
    pub fn trials(&self, environment: &str, objective: &str) -> Vec<String> {
        let of_seed = |seed: &u64| -> Vec<String> {
            let name = |c: &ContestantFacts| trial_name(environment, objective, &c.label, *seed);
            self.contestants.iter().map(name).collect()
        };
        self.seeds.iter().flat_map(of_seed).collect()
    }

    /// Reads the file. Errors: it is not there, is damaged, or is of another version.
    pub(super) fn read(directory: &Path) -> Result<Self, StudyError> {
        let unusable = |message: String| StudyError::Directory { path: directory.into(), message };
        let path = directory.join(FILE);
        let text = match std::fs::read(&path) {
            Ok(text) => text,
            Err(_) if directory.join("provenance.json").exists() => {
                return Err(unusable(
                    "its study was run by a version of the program whose records had no checksums; run it again, or use that version".into(),
                ));
            }
            Err(error) => {
                return Err(unusable(format!("this is no directory of a study: {FILE}: {error}")));
            }
        };
        let damaged = |message: String| StudyError::Record { path: path.clone(), line: 1, message };
        let content = line::open(text.strip_suffix(b"\n").unwrap_or(&text)).ok_or_else(|| {
            damaged("this is not what was written: its checksum does not fit; restore the file".into())
        })?;
        #[derive(Deserialize)]
        struct Version {
            format: u32,
        }
        let version: Version = serde_json::from_slice(&content).map_err(|e| damaged(e.to_string()))?;
        if !(1..=FORMAT).contains(&version.format) {
            let message = format!(
                "its layout has version {}, this program reads versions 1 to {FORMAT}; use the version of the program that made it",
                version.format
            );
            return Err(unusable(message));
        }
        serde_json::from_slice(&content).map_err(|error| damaged(error.to_string()))
    }

    /// Says that the directory may hold what this version writes. Errors: the file cannot be written.
    pub(super) fn update(&mut self, directory: &Path) -> Result<(), StudyError> {
        if self.format == FORMAT {
            return Ok(());
        }
        self.format = FORMAT;
        self.write(directory)
    }

    /// Writes the file. Errors: it cannot be written.
    pub(super) fn write(&self, directory: &Path) -> Result<(), StudyError> {
        let path = directory.join(FILE);
        let bytes =
            line::seal(self).map_err(|error| StudyError::file(&path, std::io::Error::other(error)))?;
        super::write_whole(&path, &bytes)
    }
}

const FILE: &str = "manifest.json";

/// The default design of a task, if it has metrics. Costs an evaluation.
fn default_design(task: &Task, time_limit_s: Option<f64>) -> Option<DefaultDesign> {
    let design = task.env.default_design()?;
    let outcome = evaluate(&task.env, &design, Fidelity::FULL, &Guard { time_limit_s });
    let score = task.scorer.score(&outcome);
    (!score.rewards.is_empty()).then(|| DefaultDesign {
        design: design_to_json(task.env.space(), &design),
        rewards: score.rewards,
        violation: score.violation,
    })
}

/// What every environment says of itself, each once.
fn environments(study: &Study, registries: &Registries) -> Vec<EnvironmentFacts> {
    let mut environments: Vec<EnvironmentFacts> = Vec::new();
    for task in &study.tasks {
        if environments.iter().all(|e| e.label != task.environment) {
            environments.push(EnvironmentFacts {
                label: task.environment.clone(),
                id: task.env.id().into(),
                options: task.options.clone(),
                provenance: task.env.provenance(),
                metrics: task.env.metrics().to_vec(),
                truth: truth(study, task, registries),
            });
        }
    }
    environments
}

fn truth(study: &Study, task: &Task, registries: &Registries) -> Option<TruthFacts> {
    let (id, options) = task.env.stands_for()?;
    let truth = registries.envs.make(&id, &options).ok();
    let same = |other: &&Task| {
        truth.as_ref().is_some_and(|truth| {
            other.env.id() == id
                && other.env.provenance() == truth.provenance()
                && other.env.space() == truth.space()
        })
    };
    Some(TruthFacts {
        same_as: study.tasks.iter().find(same).map(|other| other.environment.clone()),
        metrics: truth.map_or(Vec::new(), |truth| truth.metrics().to_vec()),
        options: options.text().into(),
        id,
    })
}
