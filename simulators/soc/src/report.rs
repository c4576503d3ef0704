//! What a person wants to know of a run: blocks, tasks and phases, by name.

use serde::Serialize;

use crate::account::{Met, Summary};
use crate::evaluator::{Evaluator, Model};
use crate::explanation::Explanation;
use crate::graph::NONE;
use crate::text::NamedDesign;

/// Everything about a run.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Latency, power, energy and area.
    #[serde(flatten)]
    pub summary: Summary,
    /// Whether all budgets are kept.
    pub fits_budget: bool,
    /// Distance to the budgets, about 0 where all are kept; what is within budget does not count.
    pub distance: f64,
    /// The same, but what is within budget counts a tenth.
    pub distance_dampened: f64,
    /// Blocks in depth-first order, as simulated: buses that nothing needs are gone.
    pub blocks: Vec<BlockReport>,
    /// Tasks in the order in which the simulator considers them.
    pub kernels: Vec<KernelReport>,
    /// Phases of constant rates.
    pub phases: Vec<PhaseReport>,
}

/// One block.
#[derive(Clone, Debug, Serialize)]
pub struct BlockReport {
    /// Its name in the design.
    pub name: String,
    /// Its name in the library.
    pub block: String,
    /// Names of its neighbours.
    pub neighbours: Vec<String>,
    /// Its area, in square metres.
    pub area_m2: f64,
    /// Most bytes held at a time, for a memory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peak_bytes: Option<f64>,
}

/// One task.
#[derive(Clone, Debug, Serialize)]
pub struct KernelReport {
    /// Its name.
    pub task: String,
    /// Its processor.
    pub processor: String,
    /// When its data were there, in seconds.
    pub launch_s: f64,
    /// When it first ran, in seconds.
    pub start_s: f64,
    /// When it was done, in seconds.
    pub end_s: f64,
    /// How long it ran, in seconds.
    pub running_s: f64,
    /// Its energy, in joules.
    pub energy_j: f64,
    /// The block that limited it longest; none for a dummy.
    pub bottleneck: Option<String>,
    /// Seconds for which each block limited it.
    pub bottleneck_s: Vec<(String, f64)>,
    /// Energy in each block, in joules.
    pub block_energy_j: Vec<(String, f64)>,
    /// Times at which it ran, from and to, in seconds.
    #[serde(skip)]
    pub spans_s: Vec<(f64, f64, Option<String>)>,
}

/// One phase.
#[derive(Clone, Debug, Serialize)]
pub struct PhaseReport {
    /// Its length, in seconds.
    pub length_s: f64,
    /// Its energy, in joules.
    pub energy_j: f64,
    /// The running tasks, each with the block that limits it.
    pub running: Vec<(String, Option<String>)>,
}

impl Evaluator {
    /// Explains the last design that this evaluator gave a summary for.
    pub fn report(&self, model: &Model, named: &NamedDesign, summary: &Summary) -> Report {
        let budget = &model.workload.budget;
        let explanation = self.explain(model, &named.design);
        let kernel = |task: &usize| self.kernel(model, named, &explanation, *task);
        Report {
            summary: *summary,
            fits_budget: summary.fits(budget),
            distance: summary.distance(budget, Met::Eliminate),
            distance_dampened: summary.distance(budget, Met::Dampen),
            blocks: self.graph.order.iter().map(|block| self.block(model, named, *block)).collect(),
            kernels: self.schedule.order.iter().map(kernel).collect(),
            phases: self.phases(model, named),
        }
    }

    fn block(&self, model: &Model, named: &NamedDesign, block: usize) -> BlockReport {
        let (graph, library, design) = (&self.graph, &model.library, &named.design);
        let name = if graph.is_processor(block) {
            &library.processors[design.processors[block]].name
        } else if graph.is_memory(block) {
            &library.memories[design.memories[block - graph.memory(0)]].name
        } else {
            &library.buses[design.buses[block - graph.bus(0)]].name
        };
        let neighbours = graph.neighbours(block).iter().map(|other| named.names[*other as usize].clone());
        BlockReport {
            name: named.names[block].clone(),
            block: name.clone(),
            neighbours: neighbours.collect(),
            area_m2: self.account.areas_m2[block],
            peak_bytes: graph.is_memory(block).then(|| self.schedule.peak_bytes[block - graph.memory(0)]),
        }
    }

    fn kernel(
        &self,
        model: &Model,
        named: &NamedDesign,
        explanation: &Explanation,
        task: usize,
    ) -> KernelReport {
        let name = |block: usize| (block != NONE).then(|| named.names[block].clone());
        let mut spans: Vec<(f64, f64, Option<String>)> = Vec::new();
        let mut clock = 0.0;
        for (length, runs) in self.runs() {
            for run in runs.iter().filter(|run| run.task == task) {
                let bottleneck = name(run.bottleneck);
                match spans.last_mut() {
                    Some(last) if last.1 == clock && last.2 == bottleneck => last.1 = clock + length,
                    _ => spans.push((clock, clock + length, bottleneck)),
                }
            }
            clock += length;
        }
        let per_block = |list: &[f64]| -> Vec<(String, f64)> {
            let used = list.iter().zip(&named.names).filter(|(value, _)| **value > 0.0);
            used.map(|(value, name)| (name.clone(), *value)).collect()
        };
        let (limits, energies) = (&explanation.limited_s[task], &explanation.energy_j[task]);
        let longest = (0..limits.len()).max_by(|a, b| limits[*a].total_cmp(&limits[*b]));
        KernelReport {
            task: model.workload.tasks[task].clone(),
            processor: named.names[named.design.task_processor[task]].clone(),
            launch_s: self.schedule.launched_s[task],
            start_s: spans.first().map_or(self.schedule.launched_s[task], |span| span.0),
            end_s: self.schedule.completed_s[task],
            running_s: self.schedule.running_s[task],
            energy_j: energies.iter().sum(),
            bottleneck: longest.filter(|block| limits[*block] > 0.0).and_then(name),
            bottleneck_s: per_block(limits),
            block_energy_j: per_block(energies),
            spans_s: spans,
        }
    }

    fn phases(&self, model: &Model, named: &NamedDesign) -> Vec<PhaseReport> {
        self.runs()
            .map(|(length_s, runs)| PhaseReport {
                length_s,
                energy_j: runs.iter().map(|run| run.instructions * self.account.joules[run.task][1]).sum(),
                running: runs
                    .iter()
                    .map(|run| {
                        let bottleneck =
                            (run.bottleneck != NONE).then(|| named.names[run.bottleneck].clone());
                        (model.workload.tasks[run.task].clone(), bottleneck)
                    })
                    .collect(),
            })
            .collect()
    }
}
