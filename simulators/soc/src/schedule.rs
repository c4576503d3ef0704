//! The run itself: phases between events, in each of which every running task advances at a constant rate.

use crate::design::Design;
use crate::graph::{Graph, NONE};
use crate::infeasible::Infeasible;
use crate::library::Library;
use crate::loads::Loads;
use crate::rules::Rules;
use crate::sets::BitRows;
use crate::traffic::Traffic;
use crate::workload::{Role, Workload};

/// A task that runs through one phase.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Run {
    /// The task.
    pub task: usize,
    /// Instructions done in the phase.
    pub instructions: f64,
    /// The block that limited it.
    pub bottleneck: usize,
}

/// Stages of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Unlaunched,
    Launched,
    Done,
}

/// What happened, and when.
#[derive(Clone, Debug, Default)]
pub(crate) struct Schedule {
    /// Lengths of the phases, in seconds.
    pub phases: Vec<f64>,
    /// Runs of phase p: `runs[first_run[p]..first_run[p + 1]]`.
    pub runs: Vec<Run>,
    pub first_run: Vec<usize>,
    /// Per task, in seconds.
    pub launched_s: Vec<f64>,
    pub completed_s: Vec<f64>,
    pub running_s: Vec<f64>,
    /// Tasks in the order in which they are considered.
    pub order: Vec<usize>,
    /// Most bytes held at a time, per memory.
    pub peak_bytes: Vec<f64>,
    held_bytes: Vec<f64>,
    stage: Vec<Stage>,
    /// Per task: parents that have not ended.
    missing: Vec<usize>,
    /// Tasks that ended and still count as such for the freeing of data.
    ended: BitRows,
    left: Vec<f64>,
    running: Vec<usize>,
    waiting: Vec<usize>,
    all: Vec<usize>,
    finished: Vec<usize>,
    rates: Vec<(f64, usize)>,
    set: BitRows,
    busy: BitRows,
}

/// Everything that a run needs to know.
pub(crate) struct Setting<'a> {
    pub workload: &'a Workload,
    pub library: &'a Library,
    pub rules: &'a Rules,
    pub design: &'a Design,
    pub graph: &'a Graph,
    pub traffic: &'a Traffic,
}

impl Schedule {
    /// The order in which tasks are considered: that of their first appearance over all blocks.
    pub fn arrange(&mut self, workload: &Workload, design: &Design, graph: &Graph, loads: &Loads) {
        self.order.clear();
        if !design.order.is_empty() {
            self.order.extend_from_slice(&design.order);
            return;
        }
        self.set.reset(1, workload.len());
        for block in graph.order.iter().copied() {
            if graph.is_processor(block) {
                for task in (0..workload.len()).filter(|task| design.task_processor[*task] == block) {
                    if self.set.insert(0, task) {
                        self.order.push(task);
                    }
                }
            } else {
                for task in loads.tasks_in_order(block) {
                    if self.set.insert(0, task) {
                        self.order.push(task);
                    }
                }
            }
        }
    }

    fn reset(&mut self, workload: &Workload, design: &Design) {
        let count = workload.len();
        self.phases.clear();
        self.runs.clear();
        self.first_run.clear();
        for times in [&mut self.launched_s, &mut self.completed_s, &mut self.running_s] {
            times.clear();
            times.resize(count, 0.0);
        }
        for bytes in [&mut self.peak_bytes, &mut self.held_bytes] {
            bytes.clear();
            bytes.resize(design.memories.len(), 0.0);
        }
        self.stage.clear();
        self.stage.resize(count, Stage::Unlaunched);
        self.missing.clear();
        self.missing.extend((0..count).map(|task| workload.edges_in(task).len()));
        self.ended.reset(1, count);
        self.left.clear();
        self.left.extend_from_slice(&workload.work);
        self.rates.clear();
        self.running.clear();
        self.waiting.clear();
    }

    /// Runs everything from the source to the sink.
    ///
    /// Errors: tasks that wait for ever.
    pub fn run(&mut self, setting: &Setting) -> Result<(), Infeasible> {
        let (workload, rules) = (setting.workload, setting.rules);
        self.reset(workload, setting.design);
        let (mut clock, mut dt) = (0.0, 0.0);
        let mut unlaunched = workload.len();
        loop {
            self.advance(dt);
            let done = self.complete(setting, clock);
            let launched = self.launch(setting, clock);
            unlaunched -= launched;
            self.serialise(setting.design);
            if self.running.is_empty() {
                return match self.order.iter().find(|task| self.stage[**task] == Stage::Unlaunched) {
                    Some(task) if unlaunched > 0 => Err(Infeasible::Deadlock { task: *task }),
                    _ => Ok(()),
                };
            }
            if done + launched == 0 && clock > 0.0 && dt == 0.0 {
                // The step to the next event is lost in the clock's last bit.
                return Err(Infeasible::Deadlock { task: self.running[0] });
            }
            let least = self.rate(setting);
            let before = clock;
            clock += least;
            dt = if rules.times_by_clock { clock - before } else { least };
        }
    }

    /// Lets a phase of length `dt` pass.
    fn advance(&mut self, dt: f64) {
        self.phases.push(dt);
        self.first_run.push(self.runs.len());
        for (task, (rate, bottleneck)) in self.running.iter().copied().zip(self.rates.iter().copied()) {
            let instructions = rate * dt;
            self.left[task] -= instructions;
            self.running_s[task] += dt;
            self.runs.push(Run { task, instructions, bottleneck });
        }
    }

    /// Ends the running tasks that are done; returns how many.
    fn complete(&mut self, setting: &Setting, clock: f64) -> usize {
        let Setting { workload, rules, .. } = setting;
        let (work, left) = (&workload.work, &self.left);
        let is_done = |task: usize| work[task] == 0.0 || 1.0 - left[task] / work[task] >= rules.done_at;
        self.finished.clear();
        self.finished.extend(self.running.iter().copied().filter(|task| is_done(*task)));
        let finished = std::mem::take(&mut self.finished);
        self.running.retain(|task| !finished.contains(task));
        for task in finished.iter().copied() {
            self.stage[task] = Stage::Done;
            self.completed_s[task] = clock;
            for edge in workload.edges_out(task) {
                self.missing[workload.edges[edge].child] -= 1;
            }
            self.ended.insert(0, task);
            self.free(setting, task);
        }
        let count = finished.len();
        self.finished = finished;
        count
    }

    /// Frees the data of the parents of an ended task that nobody is to read any more.
    fn free(&mut self, setting: &Setting, task: usize) {
        let Setting { workload, rules, design, .. } = setting;
        for edge in workload.edges_in(task) {
            let parent = workload.edges[*edge].parent;
            let children = workload.edges_out(parent);
            if !children.clone().all(|edge| self.ended.contains(0, workload.edges[edge].child)) {
                continue;
            }
            if rules.frees_one_parent {
                for edge in children.clone() {
                    self.ended.remove(0, workload.edges[edge].child);
                }
            }
            if !(rules.keeps_input && workload.roles[parent] == Role::Source) {
                let bytes: f64 = children.map(|edge| workload.edges[edge].bytes).sum();
                self.held_bytes[design.task_memory[parent]] -= bytes;
            }
        }
    }

    /// Starts the tasks whose parents have ended; returns how many.
    fn launch(&mut self, setting: &Setting, clock: f64) -> usize {
        let Setting { workload, design, .. } = setting;
        let mut count = 0;
        for position in 0..self.order.len() {
            let task = self.order[position];
            if self.stage[task] != Stage::Unlaunched || self.missing[task] > 0 {
                continue;
            }
            self.stage[task] = Stage::Launched;
            self.launched_s[task] = clock;
            self.running.push(task);
            count += 1;
            let memory = design.task_memory[task];
            let bytes: f64 = workload.edges_out(task).map(|edge| workload.edges[edge].bytes).sum();
            self.held_bytes[memory] += bytes;
            self.peak_bytes[memory] = self.peak_bytes[memory].max(self.held_bytes[memory]);
        }
        count
    }

    /// Leaves one task running on each processor; the others wait.
    fn serialise(&mut self, design: &Design) {
        self.busy.reset(1, design.processors.len());
        std::mem::swap(&mut self.all, &mut self.running);
        self.all.append(&mut self.waiting);
        self.running.clear();
        for task in self.all.iter().copied() {
            let list = if self.busy.insert(0, design.task_processor[task]) {
                &mut self.running
            } else {
                &mut self.waiting
            };
            list.push(task);
        }
    }

    /// Finds the rates of the running tasks; returns the time to the first end.
    fn rate(&mut self, setting: &Setting) -> f64 {
        let Setting { workload, library, design, traffic, .. } = setting;
        self.set.reset(1, workload.len());
        for task in &self.running {
            self.set.insert(0, *task);
        }
        self.rates.clear();
        let mut least = f64::INFINITY;
        for task in self.running.iter().copied() {
            let processor = design.task_processor[task];
            let (rate, bottleneck) = if workload.work[task] == 0.0 {
                (1.0, NONE)
            } else {
                let peak = library.processors[design.processors[processor]].instructions_per_s;
                traffic.rate(task, processor, peak, &self.running, self.set.row(0))
            };
            self.rates.push((rate, bottleneck));
            least = least.min(self.left[task] / rate);
        }
        least
    }
}
