//! Exact optima and Pareto fronts of an environment, with ties counted: what is left of an enumeration when the table is put away.

use std::path::Path;

use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use serde::{Deserialize, Serialize};

use crate::{EnvError, Objective};

/// The truth about one environment with one set of options.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KnownOptima {
    /// The environment's id.
    pub env: String,
    /// Its provenance: [`KnownOptima::fits`] compares it.
    pub provenance: Vec<(String, String)>,
    /// Designs of the space.
    pub size: u64,
    /// Designs evaluated: one per class of provably equal ones.
    pub evaluated: u64,
    /// Evaluated designs without metrics.
    pub unmeasured: u64,
    /// Different outcomes among the evaluated designs.
    pub distinct: u64,
    /// Best and worst value of every metric.
    pub metrics: Vec<MetricRange>,
    /// One entry per objective that the environment names.
    pub objectives: Vec<KnownObjective>,
}

/// Best and worst value of a metric over the space.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MetricRange {
    /// The metric.
    pub metric: String,
    /// Its unit.
    pub unit: String,
    /// Its best value.
    pub best: f64,
    /// Its worst value.
    pub worst: f64,
}

/// The truth about one objective.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KnownObjective {
    /// The objective.
    pub objective: Objective,
    /// Per goal, the worst and the best reward among the designs that keep the bounds.
    pub reward_ranges: Vec<(f64, f64)>,
    /// With one goal: the best design. With several: the Pareto front, by falling first reward. Each point stands for all designs with the
    /// same rewards, through the one with the lowest index. Empty if no design keeps the bounds.
    pub front: Vec<Optimum>,
}

/// One optimal design.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Optimum {
    /// Its index: see [`DesignSpace::design_at`](crate::DesignSpace::design_at).
    pub index: u64,
    /// Evaluated designs with the same rewards, this one included.
    pub ties: u64,
    /// Its metrics, in the environment's order.
    pub metrics: Vec<f64>,
    /// Its rewards, one per goal, higher is better.
    pub rewards: Vec<f64>,
}

impl KnownOptima {
    /// The truth about the objective of this name, if the environment names it.
    pub fn objective(&self, name: &str) -> Option<&KnownObjective> {
        self.objectives.iter().find(|known| known.objective.name == name)
    }

    /// Writes gzip-compressed JSON.
    pub fn save(&self, path: &Path) -> Result<(), EnvError> {
        let write = || -> std::io::Result<()> {
            let part = path.with_extension("part");
            let mut output = GzEncoder::new(std::fs::File::create(&part)?, Compression::best());
            serde_json::to_writer(&mut output, self)?;
            output.finish()?;
            std::fs::rename(part, path)
        };
        write().map_err(|source| EnvError::File { path: path.into(), source })
    }

    /// Reads gzip-compressed JSON. Errors: damaged data; `name` stands for it in the message.
    pub fn read(name: &str, bytes: &[u8]) -> Result<Self, EnvError> {
        serde_json::from_reader(MultiGzDecoder::new(bytes))
            .map_err(|error| EnvError::Simulator(format!("{name}: these are no known optima ({error})")))
    }
}

impl KnownObjective {
    /// The best reward of an objective with one goal.
    pub fn best_reward(&self) -> Option<f64> {
        match self.front.as_slice() {
            [only] if only.rewards.len() == 1 => only.rewards.first().copied(),
            _ => None,
        }
    }

    /// How far `reward` is from the best, for an objective with one goal: at least 0.
    pub fn regret(&self, reward: f64) -> Option<f64> {
        Some((self.best_reward()? - reward).max(0.0))
    }

    /// The regret as a share of the distance between the worst and the best design, 0 to 1.
    pub fn normalised_regret(&self, reward: f64) -> Option<f64> {
        let (worst, best) = *self.reward_ranges.first()?;
        let regret = self.regret(reward)?;
        Some(if best > worst { (regret / (best - worst)).min(1.0) } else { 0.0 })
    }
}
