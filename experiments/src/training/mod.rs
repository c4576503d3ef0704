//! Training of policies that carry over: what `hwgym train` does.
//!
//! A training study is a RON file that says on which instances of an environment, and how. [`designs`] trains a policy that proposes
//! designs; [`walks`] one that walks towards targets; [`evaluation`] judges either on instances it has never seen. Episodes run on the
//! threads of the current rayon pool; the result does not depend on their number.

pub mod designs;
pub mod evaluation;
pub mod walks;

use std::path::Path;
use std::sync::Arc;

use hwgym_agents::neural::transfer::checkpoint::{Checkpoint, CheckpointError, Training};
use hwgym_envs::options::{explain, reader};
use hwgym_envs::wrappers::Caching;
use hwgym_envs::{Env, EnvError, Options, Random};
use serde::{Deserialize, Serialize};

use crate::{Registries, StudyError};

/// Outcomes that are kept per instance.
const CACHED: usize = 1 << 17;

/// A training study, as it stands in its file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainingStudy {
    /// Name of the policy.
    pub name: String,
    /// What it is for, in a line.
    #[serde(default)]
    pub description: String,
    /// Id of the environment.
    pub environment: String,
    /// Seed of everything drawn.
    #[serde(default = "one")]
    pub seed: u64,
    /// What is trained, and how.
    pub train: Method,
}

fn one() -> u64 {
    1
}

/// What is trained.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Method {
    /// A policy that proposes designs.
    Designs(designs::DesignTraining),
    /// A policy that walks towards targets.
    Walks(walks::WalkTraining),
}

/// Instances of an environment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Instances {
    /// Drawn at random.
    Drawn {
        /// How many.
        count: usize,
        /// Options that all of them have, such as `requests: 1500`.
        #[serde(default)]
        options: String,
    },
    /// Those with these options, such as `(workload: "sqlite", requests: 1500)`.
    Listed(Vec<String>),
}

/// An instance that is trained on.
pub struct Instance {
    /// Its options.
    pub options: String,
    /// The environment, with a memory.
    pub env: Arc<dyn Env>,
}

/// Why training did not come to an end.
#[derive(Debug, thiserror::Error)]
pub enum TrainingError {
    /// The study cannot be read.
    #[error(transparent)]
    Study(#[from] StudyError),
    /// An environment cannot be built.
    #[error(transparent)]
    Env(#[from] EnvError),
    /// A policy cannot be read, written or used.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The study asks for what cannot be done.
    #[error("{0}")]
    Invalid(String),
    /// It was stopped from outside.
    #[error("training was stopped; nothing was written")]
    Stopped,
}

/// What training says while it runs; `false` stops it.
pub type Say<'a> = &'a (dyn Fn(&str) -> bool + Sync);

impl TrainingStudy {
    /// Reads a file. Errors: no such file; what does not read, with its place.
    pub fn read(path: &Path) -> Result<(Self, String), TrainingError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| StudyError::Input { path: path.into(), source })?;
        let study = reader().from_str(&text).map_err(|error| StudyError::Study {
            location: format!("{}:{}:{}", path.display(), error.span.start.line, error.span.start.col),
            message: explain(&error.code),
        })?;
        Ok((study, text))
    }

    /// Trains the policy that this study says. `text` is the study's own, which the policy remembers by its hash; relative paths are meant
    /// against `folder`.
    pub fn run(
        &self,
        registries: &Registries,
        text: &str,
        folder: &Path,
        say: Say,
    ) -> Result<Checkpoint, TrainingError> {
        match &self.train {
            Method::Designs(training) => designs::train(self, training, registries, text, folder, say),
            Method::Walks(training) => walks::train(self, training, registries, text, folder, say),
        }
    }

    /// Builds instances.
    fn instances(
        &self,
        registries: &Registries,
        asked: &[Instances],
        folder: &Path,
    ) -> Result<Vec<Instance>, TrainingError> {
        let entry = registries.envs().get(&self.environment).map_err(EnvError::from)?;
        let mut random = Random::derived(self.seed, "instances");
        let mut options = Vec::new();
        for asked in asked {
            match asked {
                Instances::Listed(list) => options.extend(list.iter().cloned()),
                Instances::Drawn { count, options: further } => {
                    for _ in 0..*count {
                        options.push(entry.draw_instance(&mut random, further).ok_or_else(|| {
                            TrainingError::Invalid(format!(
                                "instances of `{}` cannot be drawn; give a list of options (`Listed([..])`)",
                                self.environment
                            ))
                        })?);
                    }
                }
            }
        }
        let build = |options: String| -> Result<Instance, TrainingError> {
            let env = entry.make(&Options::ron(options.clone()).in_folder(folder))?;
            Ok(Instance { env: Arc::new(Caching::new(env, CACHED)), options })
        };
        options.into_iter().map(build).collect()
    }

    /// What the policy remembers of its training.
    fn training(&self, instances: &[Instance], text: &str, simulations: u64) -> Training {
        let mut hasher = blake3::Hasher::new();
        hasher.update(text.as_bytes());
        for instance in instances {
            for (name, value) in instance.env.provenance() {
                hasher.update(name.as_bytes());
                hasher.update(value.as_bytes());
            }
        }
        Training {
            instances: instances.iter().map(|instance| instance.options.clone()).collect(),
            hash: hasher.finalize().to_hex().to_string(),
            simulations,
            seed: self.seed,
        }
    }
}

/// Goes on unless it is to stop.
fn go_on(say: Say, message: &str) -> Result<(), TrainingError> {
    if say(message) { Ok(()) } else { Err(TrainingError::Stopped) }
}

/// Checks a number of a training study.
fn in_range(name: &str, ok: bool, value: impl ToString, expected: &str) -> Result<(), TrainingError> {
    if ok {
        Ok(())
    } else {
        Err(TrainingError::Invalid(format!("`{name}` is {}; expected {expected}", value.to_string())))
    }
}
