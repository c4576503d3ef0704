//! Who is responsible for the figures of a design: what limits each task for how long, and what it spends where.

use crate::design::Design;
use crate::evaluator::{Evaluator, Model};
use crate::graph::NONE;

/// What an architect asks of a run. Blocks are numbered: processors, then memories, then buses of the design.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Explanation {
    /// Per task: how long it ran, in seconds.
    pub running_s: Vec<f64>,
    /// Per task and block: how long the block limited it, in seconds.
    pub limited_s: Vec<Vec<f64>>,
    /// Per task and block: energy, in joules.
    pub energy_j: Vec<Vec<f64>>,
    /// Per block: area, in square metres.
    pub area_m2: Vec<f64>,
    /// Per memory: most bytes held at a time.
    pub peak_bytes: Vec<f64>,
    /// Pairs of tasks that share a channel of a block at some time, and the block.
    pub rivals: Vec<(usize, usize, usize)>,
}

impl Evaluator {
    /// Explains the last design that this evaluator gave a summary for.
    pub fn explain(&self, model: &Model, design: &Design) -> Explanation {
        let (tasks, blocks) = (model.workload.len(), self.graph.len());
        let mut explanation = Explanation {
            running_s: self.schedule.running_s.clone(),
            limited_s: vec![vec![0.0; blocks]; tasks],
            energy_j: vec![vec![0.0; blocks]; tasks],
            area_m2: self.account.areas_m2.clone(),
            peak_bytes: self.schedule.peak_bytes.clone(),
            rivals: Vec::new(),
        };
        let mut instructions = vec![0.0; tasks];
        for (length, runs) in self.runs() {
            for (position, run) in runs.iter().enumerate() {
                instructions[run.task] += run.instructions;
                if run.bottleneck == NONE {
                    continue;
                }
                explanation.limited_s[run.task][run.bottleneck] += length;
                for other in &runs[position + 1..] {
                    for block in design.processors.len()..blocks {
                        let rivals = (run.task, other.task, block);
                        if self.traffic.share_channel(block, run.task, other.task)
                            && !explanation.rivals.contains(&rivals)
                        {
                            explanation.rivals.push(rivals);
                        }
                    }
                }
            }
        }
        for task in 0..tasks {
            let energies = &mut explanation.energy_j[task];
            energies[design.task_processor[task]] = self.account.joules[task][0] * instructions[task];
            self.traffic.memory_traffic(task, |block, direction, bytes| {
                let memory = block - design.processors.len();
                energies[block] += bytes * instructions[task] * self.account.memory_joules(memory, direction);
            });
        }
        explanation
    }

    /// Length and runs of every phase of the last design.
    pub(crate) fn runs(&self) -> impl Iterator<Item = (f64, &[crate::schedule::Run])> {
        let schedule = &self.schedule;
        schedule.phases.iter().enumerate().map(|(phase, length)| {
            let end = schedule.first_run.get(phase + 1).copied().unwrap_or(schedule.runs.len());
            (*length, &schedule.runs[schedule.first_run[phase]..end])
        })
    }
}
