//! What a run costs: energy, power, area, and the distance to the budgets.

use serde::{Deserialize, Serialize};

use crate::graph::NONE;
use crate::infeasible::Infeasible;
use crate::library::{MemoryCost, MemoryKind};
use crate::schedule::{Schedule, Setting};
use crate::workload::{Budget, Role};

/// Time over which power is averaged, in seconds.
const POWER_SLICE_S: f64 = 0.01;
/// A term of the distance counts as met below this.
const MET: f64 = 1e-3;
/// What a met term adds, so that a design within all budgets has a distance above 0.
const MET_TERM: f64 = 1e-9;

/// The figures of a design.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// End of the last task, in seconds.
    pub latency_s: f64,
    /// Largest mean power of a slice of about 10 ms, in watts.
    pub power_w: f64,
    /// Energy of the whole run, in joules.
    pub energy_j: f64,
    /// Area of everything, in square metres: the four below.
    pub area_m2: f64,
    /// Area of stacked DRAM.
    pub area_dram_m2: f64,
    /// Area of SRAM.
    pub area_sram_m2: f64,
    /// Area of processors.
    pub area_processor_m2: f64,
    /// Area of accelerators.
    pub area_accelerator_m2: f64,
}

/// How a term of the distance to the budgets counts that is met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Met {
    /// As almost nothing: only what is over budget counts.
    Eliminate,
    /// As a tenth: what is over budget counts more.
    Dampen,
}

impl Summary {
    /// The terms of the distance: latency, power, area without DRAM, DRAM area; each relative to its budget, 0 on it.
    pub fn excess(&self, budget: &Budget) -> [f64; 4] {
        let stacked = self.area_dram_m2;
        let relative = |value: f64, limit: f64| (value - limit) / limit;
        [
            relative(self.latency_s, budget.latency_s),
            relative(self.power_w, budget.power_w),
            relative(self.area_m2 - stacked, budget.area_m2),
            relative(stacked, budget.area_m2),
        ]
    }

    /// The distance to the budgets: about 0 (4e-9) for a design that keeps all of them, by [`Met::Eliminate`].
    pub fn distance(&self, budget: &Budget, met: Met) -> f64 {
        let term = |x: f64| match met {
            _ if x >= MET => x,
            Met::Eliminate => MET_TERM,
            Met::Dampen => x.abs() / 10.0,
        };
        self.excess(budget).map(term).iter().sum()
    }

    /// Whether all budgets are kept.
    pub fn fits(&self, budget: &Budget) -> bool {
        self.excess(budget).iter().all(|x| *x < MET)
    }
}

/// Costs of the blocks of a design, filled after a run.
#[derive(Clone, Debug, Default)]
pub(crate) struct Account {
    /// Per memory: its cost at the size that the run needs; `None` without a load.
    pub memories: Vec<Option<MemoryCost>>,
    /// Per block, in square metres.
    pub areas_m2: Vec<f64>,
    /// Per task: energy of an instruction, in joules: that of the processor, and all of it.
    pub joules: Vec<[f64; 2]>,
    phase_j: Vec<f64>,
}

impl Account {
    /// Adds everything up.
    ///
    /// Errors: a memory that must be larger than the table of costs.
    pub fn settle(
        &mut self,
        setting: &Setting,
        schedule: &Schedule,
        is_loaded: impl Fn(usize) -> bool,
    ) -> Result<Summary, Infeasible> {
        let Setting { workload, graph, .. } = setting;
        let mut summary = Summary { latency_s: schedule.completed_s[workload.last], ..Summary::default() };
        self.measure(setting, schedule, is_loaded, &mut summary)?;
        summary.area_m2 = summary.area_dram_m2
            + summary.area_sram_m2
            + summary.area_processor_m2
            + summary.area_accelerator_m2;
        self.joules.clear();
        for task in 0..workload.len() {
            if workload.work[task] == 0.0 {
                self.joules.push([0.0; 2]);
                continue;
            }
            let mut joules = self.processor_joules(setting, task);
            let own = joules;
            setting.traffic.memory_traffic(task, |block, direction, bytes| {
                joules += bytes * self.memory_joules(block - graph.processors, direction);
            });
            self.joules.push([own, joules]);
        }
        self.phase_j.clear();
        for phase in 0..schedule.phases.len() {
            let end = schedule.first_run.get(phase + 1).copied().unwrap_or(schedule.runs.len());
            let runs = &schedule.runs[schedule.first_run[phase]..end];
            self.phase_j.push(runs.iter().map(|run| run.instructions * self.joules[run.task][1]).sum());
        }
        summary.energy_j = self.phase_j.iter().sum();
        summary.power_w = power(&schedule.phases, &self.phase_j, setting.rules.shifts_slices);
        Ok(summary)
    }

    /// Energy of an instruction in a task's processor, in joules.
    fn processor_joules(&self, setting: &Setting, task: usize) -> f64 {
        let block = setting.design.processors[setting.design.task_processor[task]];
        1.0 / setting.library.processors[block].instructions_per_j
    }

    /// Energy of a byte read from or written to a memory, in joules.
    pub fn memory_joules(&self, memory: usize, direction: usize) -> f64 {
        self.memories[memory].map_or(0.0, |cost| [cost.read_j, cost.write_j][direction])
    }

    fn measure(
        &mut self,
        setting: &Setting,
        schedule: &Schedule,
        is_loaded: impl Fn(usize) -> bool,
        summary: &mut Summary,
    ) -> Result<(), Infeasible> {
        let Setting { workload, library, design, graph, .. } = setting;
        self.areas_m2.clear();
        self.areas_m2.resize(graph.len(), 0.0);
        self.memories.clear();
        self.memories.resize(design.memories.len(), None);
        for (processor, block) in design.processors.iter().enumerate() {
            let block = &library.processors[*block];
            let mut hosted = (0..workload.len()).filter(|task| design.task_processor[*task] == processor);
            let works = |task: usize| !matches!(workload.roles[task], Role::Source | Role::Sink);
            let counts = if block.task.is_some() { hosted.next().is_some() } else { hosted.any(works) };
            if !graph.exists[processor] || !counts {
                continue;
            }
            self.areas_m2[processor] = block.area_m2;
            if block.task.is_some() {
                summary.area_accelerator_m2 += block.area_m2;
            } else {
                summary.area_processor_m2 += block.area_m2;
            }
        }
        for (memory, kind) in design.memories.iter().enumerate() {
            let block = graph.memory(memory);
            if !graph.exists[block] || !is_loaded(block) {
                continue;
            }
            let (kind, bytes) = (library.memories[*kind].kind, schedule.peak_bytes[memory]);
            let Some(cost) = library.memory_cost(kind, bytes) else {
                let limit = library.largest_memory_bytes(kind);
                return Err(Infeasible::MemoryTooLarge { memory, bytes, limit });
            };
            self.memories[memory] = Some(cost);
            self.areas_m2[block] = cost.area_m2;
            match kind {
                MemoryKind::Dram => summary.area_dram_m2 += cost.area_m2,
                MemoryKind::Sram => summary.area_sram_m2 += cost.area_m2,
            }
        }
        Ok(())
    }
}

/// The largest mean power of a slice. A slice ends with the phase that reaches past 10 ms; the last one ends with the run. `shifted` keeps
/// FARSI's count, in which phases without length do not move a slice's end.
fn power(phases: &[f64], joules: &[f64], shifted: bool) -> f64 {
    let mean = |low: usize, high: usize| {
        let time: f64 = phases[low..high].iter().sum();
        if time > 0.0 { joules[low..high].iter().sum::<f64>() / time } else { 0.0 }
    };
    let (mut low, mut high, mut left, mut largest) = (0, 0, POWER_SLICE_S, 0.0f64);
    let mut sliced = NONE;
    for length in phases.iter().copied() {
        if length == 0.0 {
            high += usize::from(!shifted);
            continue;
        }
        if length > left {
            left = POWER_SLICE_S;
            largest = largest.max(mean(low, high + 1));
            low = high + 1;
            sliced = low;
        } else {
            left -= length;
        }
        high += 1;
    }
    if sliced == NONE {
        mean(0, phases.len())
    } else if sliced != phases.len() {
        largest.max(mean(sliced, phases.len()))
    } else {
        largest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn power_is_that_of_the_worst_slice() {
        assert_eq!(power(&[0.001, 0.003], &[1.0, 3.0], false), 1000.0);
        // The second phase reaches past 10 ms and ends the first slice.
        let phases = [0.006, 0.006, 0.004];
        let close = |a: f64, b: f64| (a - b).abs() < 1e-9 * b;
        assert!(close(power(&phases, &[6.0, 6.0, 8.0], false), 2000.0));
        assert!(close(power(&phases, &[12.0, 6.0, 0.0], false), 1500.0));
        // A phase without length: by FARSI's count the slice ends one phase early.
        let phases = [0.0, 0.006, 0.006, 0.004];
        assert!(close(power(&phases, &[0.0, 12.0, 6.0, 0.0], false), 1500.0));
        assert!(close(power(&phases, &[0.0, 12.0, 6.0, 0.0], true), 2000.0));
    }

    #[test]
    fn distance_counts_what_is_over_budget() {
        let budget = Budget { latency_s: 1.0, power_w: 1.0, area_m2: 1.0 };
        let summary =
            Summary { latency_s: 3.0, power_w: 0.5, area_m2: 1.5, area_dram_m2: 1.0, ..Summary::default() };
        assert_eq!(summary.excess(&budget), [2.0, -0.5, -0.5, 0.0]);
        assert!((summary.distance(&budget, Met::Eliminate) - (2.0 + 3e-9)).abs() < 1e-15);
        assert!((summary.distance(&budget, Met::Dampen) - 2.1).abs() < 1e-15);
        assert!(!summary.fits(&budget));
    }
}
