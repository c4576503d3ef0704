//! One layer mapped onto one architecture: the entry point for environments and the command line.
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::exact::{self, NoMapping, Proof};
use super::{Goal, Mapspace, Patience, Solution, evolutionary, exhaustive, random_pruned, random_until};
use crate::error::Error;
use crate::timeloop::constraints::Constraints;
use crate::timeloop::mapping::Mapping;
use crate::timeloop::{Architecture, Cost, Counting, Model, Report};
use crate::workload::Problem;

/// How a mapping is searched for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Mapper {
    /// The best mapping, with a proof.
    Exact {
        /// Milliseconds after which the best so far is returned with its gap; a limit makes results depend on the machine.
        time_limit_ms: Option<u64>,
    },
    /// Random-pruned sampling.
    Random {
        /// Valid mappings evaluated.
        evaluations: u64,
        /// Seed.
        seed: u64,
    },
    /// Random-pruned sampling that ends when its patience does, as the reference mapper's.
    RandomUntil {
        /// Valid mappings evaluated at most.
        evaluations: u64,
        /// When the search ends early.
        patience: Patience,
        /// Seed.
        seed: u64,
    },
    /// Evolutionary search.
    Evolutionary {
        /// Valid mappings evaluated.
        evaluations: u64,
        /// Seed.
        seed: u64,
    },
    /// Every mapping, for small spaces.
    Exhaustive {
        /// Most mappings.
        at_most: u64,
    },
}

impl Default for Mapper {
    fn default() -> Self {
        Self::Exact { time_limit_ms: None }
    }
}

/// A layer with its mapping.
#[derive(Debug, Clone, PartialEq)]
pub struct MappedLayer {
    /// The mapping with its names.
    pub mapping: Mapping,
    /// Energy and cycles.
    pub cost: Cost,
    /// The model's full answer.
    pub report: Report,
    /// What the exact mapper proved.
    pub proof: Option<Proof>,
    /// Valid mappings evaluated, or steps of the exact search.
    pub evaluations: u64,
}

/// Why there is no mapped layer.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum MapFailure {
    /// No mapping fits.
    #[error(transparent)]
    NoMapping(#[from] NoMapping),
    /// The search ended before it found a valid mapping.
    #[error(
        "no valid mapping found within the budget ({0} candidates did not fit)\n  remedy: raise the budget, or use the exact mapper"
    )]
    NotFound(u64),
    /// The question itself is wrong.
    #[error(transparent)]
    Invalid(#[from] Error),
}

/// Maps `problem` onto `architecture`, by exact counts.
///
/// # Errors
/// [`MapFailure::NoMapping`] with the level and data space that cannot fit, and what is invalid in the inputs.
pub fn map_layer(
    architecture: &Architecture,
    problem: &Problem,
    constraints: &Constraints,
    goal: Goal,
    mapper: Mapper,
) -> Result<MappedLayer, MapFailure> {
    map_model(&Model::new(architecture.clone(), problem.clone())?, constraints, goal, mapper)
}

/// Maps the problem of a model onto its architecture, with the model's settings.
///
/// # Errors
/// As [`map_layer`].
pub fn map_model(
    model: &Model,
    constraints: &Constraints,
    goal: Goal,
    mapper: Mapper,
) -> Result<MappedLayer, MapFailure> {
    let (architecture, problem) = (model.architecture(), model.problem());
    let limits = constraints.compile(architecture, problem)?;
    let space = Mapspace::new(model, &limits);
    let mut proof = None;
    let mut rejected = 0;
    let (best, evaluations) = match mapper {
        Mapper::Exact { time_limit_ms } => {
            let outcome = exact::solve(model, &limits, goal, time_limit_ms.map(Duration::from_millis))?;
            proof = Some(outcome.proof);
            (outcome.best, outcome.nodes)
        }
        Mapper::Random { evaluations, seed } => {
            let sampled = random_pruned(&space, goal, evaluations, seed);
            rejected = sampled.rejected;
            (sampled.best, sampled.evaluations)
        }
        Mapper::RandomUntil { evaluations, patience, seed } => {
            let sampled = random_until(&space, goal, evaluations, patience, seed);
            rejected = sampled.rejected;
            (sampled.best, sampled.evaluations)
        }
        Mapper::Evolutionary { evaluations, seed } => {
            let sampled = evolutionary(&space, goal, evaluations, seed);
            rejected = sampled.rejected;
            (sampled.best, sampled.evaluations)
        }
        Mapper::Exhaustive { at_most } => {
            let sampled = exhaustive(&space, goal, at_most)?;
            (sampled.best, sampled.evaluations)
        }
    };
    let Some(Solution { nest, cost }) = best else {
        return Err(match exact::explain(model, &limits)? {
            Some(why) => why.into(),
            // The exact mapper has looked at everything.
            None if proof.is_some_and(|p| p.optimal) => NoMapping::unjoined().into(),
            None => MapFailure::NotFound(rejected),
        });
    };
    let report = model.report(&nest)?;
    let mapping = Mapping::new(nest, architecture, problem);
    Ok(MappedLayer { mapping, cost, report, proof, evaluations })
}

/// A 128-bit key of all that a mapping depends on.
///
/// Names and areas do not count, and neither does a capacity beyond all tensors together: architectures that differ in
/// these alone share their mappings.
pub fn cache_key(
    architecture: &Architecture,
    problem: &Problem,
    counting: Counting,
    constraints: &Constraints,
    goal: Goal,
    mapper: Mapper,
) -> u128 {
    let mut hash = Fnv(0x6c62_272e_07bb_0142_62b8_2175_6295_c58d);
    let all: u64 = (0..problem.spaces.len()).map(|v| problem.words(v)).sum();
    for level in &architecture.levels {
        let capacity = level.effective_size().unwrap_or(u64::MAX).min(all);
        hash.number(capacity);
        hash.number(if level.min_utilization > 0.0 { level.size_words.unwrap_or(0) } else { 0 });
        hash.real(level.min_utilization);
        for n in [level.block_size, level.instances, level.mesh_x, level.cluster_size, level.network_latency]
        {
            hash.number(n);
        }
        for b in [level.read_bandwidth, level.write_bandwidth, level.shared_bandwidth] {
            hash.real(b.unwrap_or(f64::INFINITY));
        }
        for e in [level.energy.read_pj, level.energy.fill_pj, level.energy.update_pj, level.energy.leak_pj] {
            hash.real(e);
        }
    }
    let mac = &architecture.arithmetic;
    hash.number(mac.instances);
    hash.number(mac.mesh_x);
    hash.real(mac.compute_pj);
    hash.real(mac.leak_pj);
    for &bound in &problem.bounds {
        hash.number(bound);
    }
    for space in &problem.spaces {
        hash.number(u64::from(space.read_write));
        for rank in &space.ranks {
            hash.number(rank.len() as u64);
            for term in rank {
                hash.number(term.dim as u64);
                hash.number(term.coefficient);
            }
        }
    }
    // Constraints speak in names: resolve them first.
    match constraints.compile(architecture, problem) {
        Ok(limits) => hash.text(&format!("{limits:?}")),
        Err(error) => hash.text(&error.to_string()),
    }
    hash.text(&format!("{goal:?} {mapper:?} {counting:?}"));
    hash.0
}

/// Fowler-Noll-Vo, 128 bits (1a).
struct Fnv(u128);

impl Fnv {
    fn text(&mut self, text: &str) {
        for byte in text.bytes() {
            self.0 = (self.0 ^ u128::from(byte)).wrapping_mul(0x0000_0000_0100_0000_0000_0000_0000_013b);
        }
        self.number(text.len() as u64);
    }

    fn number(&mut self, n: u64) {
        for byte in n.to_le_bytes() {
            self.0 = (self.0 ^ u128::from(byte)).wrapping_mul(0x0000_0000_0100_0000_0000_0000_0000_013b);
        }
    }

    fn real(&mut self, x: f64) {
        self.number(x.to_bits());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::timeloop::{AccessEnergy, Arithmetic, Level};
    use crate::workload::Convolution;

    fn architecture(change: impl Fn(&mut Level)) -> Architecture {
        let energy = AccessEnergy { read_pj: 1.0, fill_pj: 1.0, update_pj: 1.0, leak_pj: 0.0 };
        let dram = Level { name: "DRAM".into(), energy, ..Level::default() };
        let mut buffer =
            Level { name: "buffer".into(), size_words: Some(1 << 20), energy, ..Level::default() };
        change(&mut buffer);
        let arithmetic = Arithmetic {
            name: "mac".into(),
            word_bits: 16,
            instances: 1,
            mesh_x: 1,
            compute_pj: 1.0,
            leak_pj: 0.0,
            area_um2: 0.0,
        };
        Architecture { name: "two levels".into(), levels: vec![buffer, dram], arithmetic }.checked().unwrap()
    }

    #[test]
    fn what_no_mapping_depends_on_is_not_part_of_the_key() {
        let problem = Convolution::gemm("product", 8, 8, 8).problem().unwrap();
        let key = |change: fn(&mut Level), problem: &Problem, goal: Goal| {
            cache_key(
                &architecture(change),
                problem,
                Counting::Exact,
                &Constraints::none(),
                goal,
                Mapper::default(),
            )
        };
        let plain = key(|_| (), &problem, Goal::Edp);
        let renamed = Problem { name: "other".into(), ..problem.clone() };
        assert_eq!(plain, key(|_| (), &renamed, Goal::Edp));
        assert_eq!(plain, key(|l| l.area_um2 = 7.0, &problem, Goal::Edp));
        assert_eq!(plain, key(|l| l.name = "scratchpad".into(), &problem, Goal::Edp));
        assert_eq!(plain, key(|l| l.size_words = Some(1 << 21), &problem, Goal::Edp));
        assert_ne!(plain, key(|l| l.size_words = Some(64), &problem, Goal::Edp));
        assert_ne!(plain, key(|l| l.energy.read_pj = 2.0, &problem, Goal::Edp));
        assert_ne!(plain, key(|l| l.read_bandwidth = Some(1.0), &problem, Goal::Edp));
        assert_ne!(plain, key(|_| (), &problem, Goal::Energy));
    }
}
