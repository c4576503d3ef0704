//! The full answer about one mapping, named and ready to be written as JSON.
use std::collections::BTreeMap;

use serde::Serialize;

use super::evaluate::{Detail, Misfit};
use super::mapping::Nest;
use super::model::Model;

/// Counts and energy of one data space at one level.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SpaceReport {
    /// Words of one instance's tile.
    pub tile_words: u64,
    /// Words read per instance.
    pub reads: u64,
    /// Words filled from above per instance.
    pub fills: u64,
    /// Words updated from below per instance.
    pub updates: u64,
    /// Access energy of all instances, in pJ.
    pub energy_pj: f64,
}

/// One storage level.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LevelReport {
    /// Name.
    pub name: String,
    /// Instances in use.
    pub utilized_instances: u64,
    /// Cycles this level alone needs.
    pub cycles: u64,
    /// Data spaces the level keeps, by name.
    pub dataspaces: BTreeMap<String, SpaceReport>,
}

/// Where a mapping does not fit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Violation {
    /// Name of the level.
    pub level: String,
    /// What is exceeded: `capacity`, `min_utilization`, `mesh_x` or `mesh_y`.
    pub constraint: &'static str,
    /// What the mapping uses (words or instances).
    pub used: u64,
    /// What there is (or what must be used at least).
    pub limit: u64,
    /// By how much it misses.
    pub amount: u64,
}

impl std::fmt::Display for Violation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { level, constraint, used, limit, amount } = self;
        match *constraint {
            "capacity" => write!(f, "{level}: {used} words do not fit {limit} ({amount} too many)"),
            "min_utilization" => {
                write!(f, "{level}: {used} words, at least {limit} are asked for ({amount} missing)")
            }
            axis => write!(
                f,
                "{level}: {used} children in use along {axis}, there are {limit} ({amount} too many)"
            ),
        }
    }
}

/// Cost, traffic and violations of one mapping.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// Execution time in cycles.
    pub cycles: u64,
    /// Operations over (multiply-accumulate units x cycles).
    pub utilization: f64,
    /// Total energy in pJ.
    pub energy_pj: f64,
    /// Energy-delay product in pJ x cycles.
    pub edp_pj_cycles: f64,
    /// Area in square micrometres, all instances.
    pub area_um2: f64,
    /// Multiply-accumulate operations.
    pub macs: u64,
    /// Energy of the operations alone, in pJ.
    pub compute_energy_pj: f64,
    /// Leakage of storage and arithmetic, in pJ.
    pub leakage_energy_pj: f64,
    /// Storage levels, outermost first.
    pub levels: Vec<LevelReport>,
    /// Where the mapping does not fit; empty for a valid one.
    pub violations: Vec<Violation>,
}

impl Report {
    pub(crate) fn new(model: &Model, nest: &Nest) -> Self {
        let mut detail = Detail::default();
        let cost = model.cost(nest, &mut detail);
        let architecture = &model.architecture;
        let cycles = cost.cycles as f64;
        // Nothing leaks while the networks fill and drain: as in the reference.
        let leaking = (cost.cycles - model.network_latency) as f64;
        let leakage = architecture
            .levels
            .iter()
            .zip(&detail.instances)
            .map(|(l, &n)| l.energy.leak_pj * leaking * n as f64)
            .sum::<f64>()
            + architecture.arithmetic.leak_pj * leaking * detail.macs_used as f64;
        let levels = (0..model.levels)
            .rev()
            .map(|level| LevelReport {
                name: architecture.levels[level].name.clone(),
                utilized_instances: detail.instances[level],
                cycles: detail.cycles[level],
                dataspaces: (0..model.spaces.len())
                    .filter(|v| nest.keep[level] >> v & 1 == 1)
                    .map(|v| {
                        let report = SpaceReport {
                            tile_words: detail.tile[level][v],
                            reads: detail.reads[level][v],
                            fills: detail.fills[level][v],
                            updates: detail.updates[level][v],
                            energy_pj: detail.energy_pj[level][v],
                        };
                        (model.problem.spaces[v].name.clone(), report)
                    })
                    .collect(),
            })
            .collect();
        let mut violations = Vec::new();
        for level in (0..model.levels).rev() {
            let words = (0..model.spaces.len())
                .filter(|v| nest.keep[level] >> v & 1 == 1)
                .map(|v| detail.tile[level][v])
                .sum();
            let found = [model.mesh_fits(nest, level), model.words_fit(level, words)];
            violations.extend(found.into_iter().filter_map(Result::err).map(|m| violation(model, m)));
        }
        Self {
            cycles: cost.cycles,
            utilization: model.macs as f64 / architecture.arithmetic.instances as f64 / cycles,
            energy_pj: cost.energy_pj,
            edp_pj_cycles: cost.edp(),
            area_um2: architecture.area_um2(),
            macs: model.macs,
            compute_energy_pj: model.macs as f64 * architecture.arithmetic.compute_pj,
            leakage_energy_pj: leakage,
            levels,
            violations,
        }
    }
}

/// Names a misfit.
pub(crate) fn violation(model: &Model, misfit: Misfit) -> Violation {
    let (level, constraint, used, limit) = match misfit {
        Misfit::Mesh { level, along_y, used, available } => {
            (level, if along_y { "mesh_y" } else { "mesh_x" }, used, available)
        }
        Misfit::Capacity { level, words, available } => (level, "capacity", words, available),
        Misfit::Underused { level, words, least } => (level, "min_utilization", words, least),
    };
    let name = model.architecture.levels[level].name.clone();
    Violation { level: name, constraint, used, limit, amount: used.abs_diff(limit) }
}
