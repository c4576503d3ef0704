//! A whole network on one architecture: every different layer is mapped once, and what was mapped is remembered.
use std::collections::HashMap;
use std::sync::Mutex;

use hwgym_simulators::accelerator::{
    mapper::{self, Goal, MapFailure, cache_key, map_model},
    networks::Network,
    timeloop::{AccessEnergy, Architecture, Constraints, Counting, Model, constraints::Rule},
    workload::Problem,
};
use rayon::prelude::*;
use serde::Deserialize;

use super::invalid;
use crate::{EnvError, Metric, Objective, Outcome};

/// How every layer is mapped. No choice depends on the speed of the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
pub enum Mapper {
    /// The best mapping, with a proof.
    #[default]
    Exact,
    /// Random-pruned sampling, as Timeloop's mapper.
    Random {
        /// Valid mappings evaluated for every layer.
        evaluations: u64,
        /// Seed.
        seed: u64,
    },
    /// Evolutionary search.
    Evolutionary {
        /// Valid mappings evaluated for every layer.
        evaluations: u64,
        /// Seed.
        seed: u64,
    },
}

impl From<Mapper> for mapper::Mapper {
    fn from(mapper: Mapper) -> Self {
        match mapper {
            Mapper::Exact => Self::Exact { time_limit_ms: None },
            Mapper::Random { evaluations, seed } => Self::Random { evaluations, seed },
            Mapper::Evolutionary { evaluations, seed } => Self::Evolutionary { evaluations, seed },
        }
    }
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
    mapper: mapper::Mapper,
    counting: Counting,
    remembered: Mutex<HashMap<u128, Mapped>>,
}

impl NetworkMapper {
    /// Layers that are equal but for their name are mapped once.
    pub fn new(network: &Network, goal: Goal, mapper: Mapper, counting: Counting) -> Result<Self, EnvError> {
        if let Mapper::Random { evaluations: 0, .. } | Mapper::Evolutionary { evaluations: 0, .. } = mapper {
            return Err(EnvError::invalid("mapper", "evaluations is 0; give at least 1"));
        }
        let mut layers: Vec<(Problem, u64)> = Vec::new();
        for (mut problem, times) in network.problems().map_err(invalid("network"))? {
            problem.name = "layer".into();
            match layers.iter_mut().find(|(known, _)| *known == problem) {
                Some((_, count)) => *count += times,
                None => layers.push((problem, times)),
            }
        }
        Ok(Self { layers, goal, mapper: mapper.into(), counting, remembered: Mutex::default() })
    }

    /// Maps every layer, several at a time. Errors: the outcome where a layer has no mapping.
    pub fn map(&self, architecture: &Architecture, constraints: &Constraints) -> Result<Total, Outcome> {
        let architecture = without_unused(architecture, constraints);
        let mut total = Total { energy_pj: 0.0, cycles: 0.0 };
        let (mut first, mut missing) = (None, 0.0);
        let mapped: Vec<Mapped> = self
            .layers
            .par_iter()
            .map(|(problem, _)| self.layer(problem, &architecture, constraints))
            .collect();
        for ((_, times), mapped) in self.layers.iter().zip(mapped) {
            match mapped {
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

    fn layer(&self, problem: &Problem, architecture: &Architecture, constraints: &Constraints) -> Mapped {
        let key = cache_key(architecture, problem, self.counting, constraints, self.goal, self.mapper);
        if let Ok(remembered) = self.remembered.lock()
            && let Some(known) = remembered.get(&key)
        {
            return known.clone();
        }
        let mapped = Model::with_counting(architecture.clone(), problem.clone(), self.counting)
            .map_err(MapFailure::from)
            .and_then(|model| map_model(&model, constraints, self.goal, self.mapper));
        let mapped = match mapped {
            Ok(layer) => Mapped::Cost { energy_pj: layer.cost.energy_pj, cycles: layer.cost.cycles as f64 },
            Err(MapFailure::NoMapping(why)) => {
                Mapped::None { reason: why.to_string(), missing_words: why.missing_words.max(1) as f64 }
            }
            Err(MapFailure::NotFound(_)) => Mapped::None {
                reason: "no valid mapping found within the budget of the mapper".into(),
                missing_words: 1.0,
            },
            Err(MapFailure::Invalid(error)) => Mapped::Failed(super::template::reason(error)),
        };
        if let Ok(mut remembered) = self.remembered.lock() {
            if remembered.len() >= MOST_REMEMBERED {
                remembered.clear();
            }
            remembered.insert(key, mapped.clone());
        }
        mapped
    }
}

/// The architecture without what no mapping depends on: sizes, bandwidths and energies of levels that keep nothing. So
/// designs that differ in these alone share what is remembered.
fn without_unused(architecture: &Architecture, constraints: &Constraints) -> Architecture {
    let mut architecture = architecture.clone();
    for level in &mut architecture.levels {
        let unused = constraints.rules.iter().any(|rule| {
            matches!(rule, Rule::Keep { target, keep, bypass }
                if *target == level.name && keep.is_empty() && bypass.len() >= super::template::SPACES.len())
        });
        if unused {
            level.size_words = None;
            level.block_size = 1;
            level.read_bandwidth = None;
            level.write_bandwidth = None;
            level.shared_bandwidth = None;
            level.energy = AccessEnergy::default();
        }
    }
    architecture
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

#[cfg(test)]
mod tests {
    use super::super::template::Eyeriss;
    use super::*;

    /// Two accelerators that differ in a buffer which keeps nothing share every mapping; one with another buffer does not.
    #[test]
    fn accelerators_that_differ_in_what_no_mapping_depends_on_share_their_mappings() {
        let network = Network::builtin("alexnet-conv").unwrap();
        let mapper = Mapper::Random { evaluations: 200, seed: 1 };
        let mapper = NetworkMapper::new(&network, Goal::Edp, mapper, Counting::Exact).unwrap();
        let remembered = || mapper.remembered.lock().unwrap().len();
        let map = |change: &dyn Fn(&mut Eyeriss)| {
            let mut eyeriss = Eyeriss::default();
            change(&mut eyeriss);
            mapper.map(&eyeriss.architecture(45.0).unwrap(), &Eyeriss::constraints())
        };
        let first = map(&|_| ()).unwrap();
        let layers = remembered();
        assert_eq!(layers, 5);
        let second = map(&|eyeriss| eyeriss.dummy.depth *= 8).unwrap();
        assert_eq!((first, remembered()), (second, layers));
        map(&|eyeriss| eyeriss.weights.depth *= 2).unwrap();
        assert_eq!(remembered(), 2 * layers);
    }
}
