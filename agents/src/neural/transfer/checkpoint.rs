//! A trained policy in a file: JSON with everything that says where it fits, weights in base64, no code.

use std::path::Path;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use hwgym_envs::walk::WalkRules;
use hwgym_envs::wrappers::{Course, View};
use hwgym_envs::{DesignSpace, Env, Objective};
use serde::{Deserialize, Serialize};

use super::design::DesignPolicy;
use super::walk::WalkPolicy;
use crate::neural::network::Network;

/// What every file begins with.
const FORMAT: &str = "hwgym-policy";

/// The version that is written and read.
pub const VERSION: u32 = 1;

/// Largest file that is read.
const LARGEST: u64 = 64 << 20;

/// A policy as it is stored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Checkpoint {
    format: String,
    version: u32,
    /// Its name.
    pub name: String,
    /// Id of the environment it is for.
    pub env: String,
    /// The design space, level by level.
    pub space: DesignSpace,
    /// What it was trained on.
    pub training: Training,
    /// What it does, with what it needs for that.
    pub policy: Stored,
}

/// What a policy was trained on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Training {
    /// The instances, as options of the environment.
    pub instances: Vec<String>,
    /// BLAKE3 of the instances' provenance and of the training study.
    pub hash: String,
    /// Simulations that training took.
    pub simulations: u64,
    /// Its seed.
    pub seed: u64,
}

/// The two kinds of policy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Stored {
    /// Proposes designs.
    Design {
        /// Names of the features it sees.
        features: Vec<String>,
        /// The objectives it knows; compared by goals and bounded metrics.
        objectives: Vec<Objective>,
        /// See [`Heads`](crate::neural::heads::Heads).
        most_levels: usize,
        /// One network per head.
        networks: Vec<StoredNetwork>,
        /// Designs that were best for training instances, in greedy order: a list to compare with.
        list: Vec<Vec<f64>>,
    },
    /// Walks towards targets.
    Walk {
        /// The metrics that have targets.
        specifications: Vec<String>,
        /// The steps.
        steps: Vec<i64>,
        /// The network of every parameter.
        owners: Vec<usize>,
        /// The networks.
        networks: Vec<StoredNetwork>,
    },
}

/// A network as it is stored: single-precision numbers, little-endian, in base64.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoredNetwork {
    widths: Vec<usize>,
    weights: String,
}

impl StoredNetwork {
    /// The stored form of a network.
    pub fn of(network: &Network) -> Self {
        let bytes: Vec<u8> = network.weights().iter().flat_map(|weight| weight.to_le_bytes()).collect();
        Self { widths: network.widths().to_vec(), weights: BASE64_STANDARD.encode(bytes) }
    }

    /// The network. `None` if it is damaged.
    fn network(&self) -> Option<Network> {
        let bytes = BASE64_STANDARD.decode(&self.weights).ok()?;
        let weights = bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
        let network = Network::of(self.widths.clone(), weights);
        (bytes.len() % 4 == 0 && network.is_sound()).then_some(network)
    }
}

/// Why a policy cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// The file cannot be read or written.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: String,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// The file is no policy, or a damaged one.
    #[error("{path}: {message}")]
    Damaged {
        /// The file.
        path: String,
        /// What is wrong.
        message: String,
    },
    /// The policy is for something else.
    #[error("policy `{name}` does not fit: {reason}")]
    Unfit {
        /// The policy.
        name: String,
        /// What differs, and the remedy.
        reason: String,
    },
}

impl Checkpoint {
    /// A policy to be stored.
    pub fn new(name: &str, env: &dyn Env, training: Training, policy: Stored) -> Self {
        Self {
            format: FORMAT.into(),
            version: VERSION,
            name: name.into(),
            env: env.id().into(),
            space: env.space().clone(),
            training,
            policy,
        }
    }

    /// Writes the file, which appears only when it is complete.
    pub fn save(&self, path: &Path) -> Result<(), CheckpointError> {
        let wrong = |source| CheckpointError::File { path: path.display().to_string(), source };
        let part = path.with_extension("part");
        let text = serde_json::to_string(self).map_err(|error| wrong(error.into()))?;
        std::fs::write(&part, text + "\n").and_then(|()| std::fs::rename(&part, path)).map_err(wrong)
    }

    /// Reads a file. Errors: no such file, another format or version, damaged networks.
    pub fn load(path: &Path) -> Result<Self, CheckpointError> {
        let shown = path.display().to_string();
        let wrong = |source| CheckpointError::File { path: shown.clone(), source };
        let size = std::fs::metadata(path).map_err(wrong)?.len();
        if size > LARGEST {
            let message = format!("{size} bytes are too many for a policy (at most {LARGEST})");
            return Err(CheckpointError::Damaged { path: shown, message });
        }
        Self::parse(&shown, &std::fs::read(path).map_err(wrong)?)
    }

    /// Reads the contents of a file; `name` stands for it in messages.
    pub fn parse(name: &str, bytes: &[u8]) -> Result<Self, CheckpointError> {
        let damaged = |message: String| CheckpointError::Damaged { path: name.into(), message };
        /// The beginning, whatever follows.
        #[derive(Deserialize)]
        struct Head {
            format: String,
            version: u32,
        }
        let head: Head = serde_json::from_slice(bytes)
            .map_err(|error| damaged(format!("this is no policy of `hwgym train` ({error})")))?;
        if head.format != FORMAT {
            return Err(damaged(format!("the format is `{}`; expected `{FORMAT}`", head.format)));
        }
        if head.version != VERSION {
            return Err(damaged(format!(
                "this policy has version {}, this program reads version {VERSION}; train it again with `hwgym train`",
                head.version
            )));
        }
        let checkpoint: Self = serde_json::from_slice(bytes)
            .map_err(|error| damaged(format!("the policy is damaged: {error}")))?;
        let whole = match &checkpoint.policy {
            Stored::Design { .. } => checkpoint.design_policy().is_some(),
            Stored::Walk { .. } => checkpoint.walk_policy().is_some(),
        };
        if whole {
            Ok(checkpoint)
        } else {
            Err(damaged("its networks are damaged or do not fit its space; train it again".into()))
        }
    }

    /// The policy that proposes designs, if it is one.
    pub fn design_policy(&self) -> Option<DesignPolicy> {
        let Stored::Design { features, objectives, most_levels, networks, .. } = &self.policy else {
            return None;
        };
        let networks = networks.iter().map(StoredNetwork::network).collect::<Option<Vec<_>>>()?;
        if !(2..=4096).contains(most_levels) {
            return None;
        }
        DesignPolicy::of(&self.space, *most_levels, features.len(), objectives.len(), networks)
    }

    /// The policy that walks, if it is one.
    pub fn walk_policy(&self) -> Option<WalkPolicy> {
        let Stored::Walk { specifications, steps, owners, networks } = &self.policy else { return None };
        let networks = networks.iter().map(StoredNetwork::network).collect::<Option<Vec<_>>>()?;
        let inputs = 4 * specifications.len() + self.space.len() + 1;
        let known = owners.len() == self.space.len() && owners.iter().all(|owner| *owner < networks.len());
        if !known || steps.len() < 2 {
            return None;
        }
        WalkPolicy::of(inputs, owners, steps.len(), networks)
    }

    /// Checks that the policy is for this space. Errors: the first parameter that differs.
    pub fn check_space(&self, env: &str, space: &DesignSpace) -> Result<(), CheckpointError> {
        let unfit = |reason: String| CheckpointError::Unfit { name: self.name.clone(), reason };
        if self.env != env {
            return Err(unfit(format!("it was trained on `{}`, not on `{env}`", self.env)));
        }
        let (own, other) = (self.space.parameters(), space.parameters());
        for (mine, theirs) in own.iter().zip(other) {
            if mine.name != theirs.name {
                return Err(unfit(format!(
                    "it expects a parameter `{}` where the space has `{}`",
                    mine.name, theirs.name
                )));
            }
            if mine.domain != theirs.domain {
                return Err(unfit(format!(
                    "parameter `{}` has other levels than those it was trained on: {} instead of {}; choose the space it was trained on, or train one on this space",
                    mine.name,
                    levels(&theirs.domain),
                    levels(&mine.domain)
                )));
            }
            if mine.condition != theirs.condition {
                return Err(unfit(format!("parameter `{}` has another condition", mine.name)));
            }
        }
        if own.len() != other.len() {
            return Err(unfit(format!("it decides {} parameters, the space has {}", own.len(), other.len())));
        }
        Ok(())
    }

    /// The features of an instance, in the policy's order. Errors: other features than those it was trained with.
    pub fn features(&self, given: &[hwgym_envs::Feature]) -> Result<Vec<f32>, CheckpointError> {
        let Stored::Design { features, .. } = &self.policy else { return Ok(Vec::new()) };
        let names: Vec<&str> = given.iter().map(|feature| feature.name.as_str()).collect();
        if !names.iter().eq(features) {
            return Err(CheckpointError::Unfit {
                name: self.name.clone(),
                reason: format!(
                    "it sees the features {}, the environment has {}; train it again",
                    features.join(", "),
                    if names.is_empty() { "none".into() } else { names.join(", ") }
                ),
            });
        }
        Ok(given.iter().map(|feature| feature.value as f32).collect())
    }

    /// Which of its objectives this one is: the same goals, and bounds on the same metrics. Errors: none of them.
    pub fn objective(&self, objective: &Objective) -> Result<usize, CheckpointError> {
        let Stored::Design { objectives, .. } = &self.policy else { return Ok(0) };
        let bounded = |objective: &Objective| -> Vec<String> {
            objective.bounds.iter().map(|bound| bound.metric.clone()).collect()
        };
        let same = |known: &Objective| known.goals == objective.goals && bounded(known) == bounded(objective);
        objectives.iter().position(same).ok_or_else(|| {
            let names: Vec<&str> = objectives.iter().map(|objective| objective.name.as_str()).collect();
            CheckpointError::Unfit {
                name: self.name.clone(),
                reason: format!(
                    "it was trained for {}, not for `{}`; train it for that objective, too",
                    names.join(" and "),
                    objective.name
                ),
            }
        })
    }

    /// The course of a walk that this policy knows. Errors: other specifications or steps.
    pub fn course(
        &self,
        env: &str,
        space: &DesignSpace,
        metrics: &[hwgym_envs::Metric],
        rules: WalkRules,
    ) -> Result<Course, CheckpointError> {
        let unfit = |reason: String| CheckpointError::Unfit { name: self.name.clone(), reason };
        self.check_space(env, space)?;
        let Stored::Walk { specifications, steps, .. } = &self.policy else {
            return Err(unfit("it proposes designs, and does not walk".into()));
        };
        let names: Vec<&String> = rules.specifications.iter().map(|s| &s.metric).collect();
        if !names.iter().copied().eq(specifications) {
            let list = |names: Vec<&String>| names.iter().map(|s| s.as_str()).collect::<Vec<_>>().join(", ");
            let trained = list(specifications.iter().collect());
            return Err(unfit(format!(
                "it walks towards targets of {trained}, the environment specifies {}",
                list(names)
            )));
        }
        if rules.steps != *steps {
            return Err(unfit(format!("it takes steps of {steps:?}, the walk has {:?}", rules.steps)));
        }
        let course = Course::new(space, metrics, rules).map_err(|error| unfit(error.to_string()))?;
        debug_assert_eq!(course.width(View::Margins), 4 * specifications.len() + space.len() + 1);
        Ok(course)
    }
}

/// A domain in a few words.
fn levels(domain: &hwgym_envs::Domain) -> String {
    match domain.cardinality() {
        Some(count) => format!("{count} levels"),
        None => "a real range".into(),
    }
}
