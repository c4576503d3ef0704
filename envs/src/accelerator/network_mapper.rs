//! A whole network on one architecture: every different layer is mapped once, and what was mapped is remembered.
use std::collections::HashMap;
use std::sync::Mutex;

use hwgym_simulators::accelerator::{
    Error,
    mapper::exact::{self, Goal},
    networks::Network,
    timeloop::{Architecture, Constraints, Model},
    workload::Problem,
};
use serde::Deserialize;

use super::invalid;
use crate::{EnvError, Metric, Objective, Outcome};

/// Options that all environments with a mapper share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
pub enum Mapper {
    /// The best mapping, with a proof.
    #[default]
    Exact,
}

/// What is minimised for every layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
pub enum MapperGoal {
    /// Cycles, and among equals energy: ArchGym's setting.
    #[default]
    Delay,
    /// Energy.
    Energy,
    /// Energy times cycles.
    Edp,
}

/// The sum over a network.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Total {
    pub energy_pj: f64,
    pub cycles: f64,
}

/// The best mapping of one layer, or why there is none.
#[derive(Debug, Clone, PartialEq)]
enum Mapped {
    Cost { energy_pj: f64, cycles: f64 },
    None { reason: String, missing_words: f64 },
    Failed(String),
}

/// Remembered layers; beyond this many the memory starts again, which costs time and changes nothing.
const MOST_REMEMBERED: usize = 1 << 18;

/// Maps the layers of a network.
pub struct NetworkMapper {
    layers: Vec<(Problem, u64)>,
    goal: Goal,
    remembered: Mutex<HashMap<([u8; 16], usize), Mapped>>,
}

impl NetworkMapper {
    /// Layers that are equal but for their name are mapped once.
    pub fn new(network: &Network, metric: MapperGoal, _: Mapper) -> Result<Self, EnvError> {
        let mut layers: Vec<(Problem, u64)> = Vec::new();
        for (mut problem, times) in network.problems().map_err(invalid("network"))? {
            problem.name = "layer".into();
            match layers.iter_mut().find(|(known, _)| *known == problem) {
                Some((_, count)) => *count += times,
                None => layers.push((problem, times)),
            }
        }
        let goal = match metric {
            MapperGoal::Delay => Goal::Delay,
            MapperGoal::Energy => Goal::Energy,
            MapperGoal::Edp => Goal::Edp,
        };
        Ok(Self { layers, goal, remembered: Mutex::default() })
    }

    /// Maps every layer. Errors: the outcome where a layer has no mapping.
    pub fn map(&self, architecture: &Architecture, constraints: &Constraints) -> Result<Total, Outcome> {
        let key = key(architecture, constraints);
        let mut total = Total { energy_pj: 0.0, cycles: 0.0 };
        let (mut first, mut missing) = (None, 0.0);
        for (index, (problem, times)) in self.layers.iter().enumerate() {
            match self.layer(key, index, problem, architecture, constraints) {
                Mapped::Cost { energy_pj, cycles } => {
                    total.energy_pj += energy_pj * *times as f64;
                    total.cycles += cycles * *times as f64;
                }
                Mapped::None { reason, missing_words } => {
                    missing += missing_words;
                    first.get_or_insert(reason);
                }
                Mapped::Failed(reason) => return Err(Outcome::failed(reason)),
            }
        }
        match first {
            None => Ok(total),
            Some(reason) => Err(Outcome::infeasible(reason, missing)),
        }
    }

    fn layer(
        &self,
        key: [u8; 16],
        index: usize,
        problem: &Problem,
        architecture: &Architecture,
        constraints: &Constraints,
    ) -> Mapped {
        if let Ok(remembered) = self.remembered.lock()
            && let Some(known) = remembered.get(&(key, index))
        {
            return known.clone();
        }
        let mapped = self
            .search(problem, architecture, constraints)
            .unwrap_or_else(|error| Mapped::Failed(super::template::reason(error)));
        if let Ok(mut remembered) = self.remembered.lock() {
            if remembered.len() >= MOST_REMEMBERED {
                remembered.clear();
            }
            remembered.insert((key, index), mapped.clone());
        }
        mapped
    }

    fn search(
        &self,
        problem: &Problem,
        architecture: &Architecture,
        constraints: &Constraints,
    ) -> Result<Mapped, Error> {
        let limits = constraints.compile(architecture, problem)?;
        let model = Model::new(architecture.clone(), problem.clone())?;
        let found = exact::solve(&model, &limits, self.goal, None)?;
        if let Some(best) = found.best {
            return Ok(Mapped::Cost { energy_pj: best.cost.energy_pj, cycles: best.cost.cycles as f64 });
        }
        let (reason, missing_words) = match exact::explain(&model, &limits)? {
            Some(why) => (why.to_string(), why.missing_words.max(1) as f64),
            None => ("no valid mapping".into(), 1.0),
        };
        Ok(Mapped::None { reason, missing_words })
    }
}

/// A digest of what the mapping depends on: not the names, not the areas, and not the energies, bandwidths and sizes of a
/// level that keeps nothing.
fn key(architecture: &Architecture, constraints: &Constraints) -> [u8; 16] {
    use hwgym_simulators::accelerator::timeloop::constraints::Rule;
    let mut hasher = blake3::Hasher::new();
    let mut add = |value: u64| {
        hasher.update(&value.to_le_bytes());
    };
    for level in &architecture.levels {
        add(level.instances);
        add(level.mesh_x);
        let empty = constraints.rules.iter().any(
            |rule| matches!(rule, Rule::Keep { target, keep, bypass } if *target == level.name && keep.is_empty() && bypass.len() >= 3),
        );
        if empty {
            continue;
        }
        add(level.size_words.unwrap_or(u64::MAX));
        add(level.block_size);
        add(level.word_bits);
        let energy = level.energy;
        let limits = [level.read_bandwidth, level.write_bandwidth, level.shared_bandwidth];
        for limit in limits {
            add(limit.unwrap_or(0.0).to_bits());
        }
        for value in [
            energy.read_pj,
            energy.fill_pj,
            energy.update_pj,
            energy.leak_pj,
            level.multiple_buffering,
            level.min_utilization,
        ] {
            add(value.to_bits());
        }
    }
    let mac = &architecture.arithmetic;
    for value in [mac.instances, mac.mesh_x, mac.compute_pj.to_bits(), mac.leak_pj.to_bits()] {
        add(value);
    }
    let mut key = [0; 16];
    key.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
    key
}

/// The metrics of an environment that maps a network.
pub fn metrics() -> Vec<Metric> {
    vec![
        Metric::minimise("energy_uj", "uJ", "energy of all layers"),
        Metric::minimise("area_mm2", "mm^2", "area of storage and arithmetic"),
        Metric::minimise("cycles", "cycle", "cycles of all layers, one after the other"),
        Metric::minimise("edp_uj_cycle", "uJ cycle", "energy times cycles"),
    ]
}

/// The outcome of an architecture, in the order of [`metrics`].
pub fn outcome(mapper: &NetworkMapper, architecture: &Architecture, constraints: &Constraints) -> Outcome {
    match mapper.map(architecture, constraints) {
        Ok(total) => {
            let energy_uj = total.energy_pj / 1e6;
            Outcome::feasible([
                energy_uj,
                architecture.area_um2() / 1e6,
                total.cycles,
                energy_uj * total.cycles,
            ])
        }
        Err(outcome) => outcome,
    }
}

/// Objectives over [`metrics`].
pub fn objectives() -> Vec<Objective> {
    let goals = ["energy_uj", "area_mm2", "cycles"];
    let mut objectives: Vec<Objective> = ["edp_uj_cycle", "energy_uj", "area_mm2", "cycles"]
        .into_iter()
        .map(|name| Objective::new(name, vec![crate::Goal::Optimise(name.into())]))
        .collect();
    objectives.push(Objective::new("pareto", goals.map(|goal| crate::Goal::Optimise(goal.into())).to_vec()));
    objectives
}
