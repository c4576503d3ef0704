//! Pipes and clusters: who competes with whom for which channel.

use crate::design::Design;
use crate::graph::Graph;
use crate::library::Library;
use crate::loads::{Loads, READ, WRITE};
use crate::rules::Rules;
use crate::sets::{BitRows, meet, meet3};
use crate::workload::Workload;

/// A directed connection with the traffic of one direction.
#[derive(Clone, Copy, Debug)]
struct Pipe {
    from: usize,
    to: usize,
    direction: usize,
}

/// A channel: of a bus towards one neighbour, or of a memory. `pipes` is a range of `Traffic::inputs`.
#[derive(Clone, Copy, Debug)]
struct Cluster {
    block: usize,
    /// The pipe out of a bus.
    out: Option<usize>,
    direction: usize,
    bytes_per_s: f64,
    pipes: (usize, usize),
}

/// One task's use of a channel.
#[derive(Clone, Copy, Debug)]
struct Use {
    cluster: usize,
    /// Bytes that pass per instruction.
    bytes_per_instruction: f64,
}

/// All channels of a design, and what each task moves through them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Traffic {
    pipes: Vec<Pipe>,
    /// Per direction and pair of blocks: the pipe plus 1.
    pipe_index: Vec<u32>,
    /// Per pipe: tasks, and edges.
    tasks: BitRows,
    edges: BitRows,
    /// Per pipe and task: its weight in the sharing of the pipe.
    weights: Vec<f64>,
    clusters: Vec<Cluster>,
    inputs: Vec<usize>,
    uses: Vec<Use>,
    /// Uses of task t: `first_use[t]..first_use[t + 1]`.
    first_use: Vec<usize>,
    path: Vec<usize>,
    count: usize,
}

impl Traffic {
    /// Finds all channels.
    pub fn build(
        &mut self,
        workload: &Workload,
        library: &Library,
        rules: &Rules,
        design: &Design,
        graph: &Graph,
        loads: &Loads,
    ) {
        self.count = workload.len();
        self.lay_pipes(workload, rules, design, graph, loads);
        self.find_clusters(library, design, graph);
        self.find_uses(workload, rules, graph, loads);
    }

    /// Whether any task on this processor moves data over a bus.
    pub fn leaves(&self, processor: usize, task: usize) -> bool {
        self.pipes
            .iter()
            .enumerate()
            .any(|(index, pipe)| pipe.from == processor && self.tasks.contains(index, task))
    }

    fn lay_pipes(
        &mut self,
        workload: &Workload,
        rules: &Rules,
        design: &Design,
        graph: &Graph,
        loads: &Loads,
    ) {
        let blocks = graph.len();
        self.pipes.clear();
        self.pipe_index.clear();
        self.pipe_index.resize(2 * blocks * blocks, 0);
        self.tasks.reset(0, workload.len());
        self.edges.reset(0, workload.edges.len());
        self.weights.clear();
        let mut path = std::mem::take(&mut self.path);
        for task in 0..workload.len() {
            let processor = design.task_processor[task];
            let own = graph.memory(design.task_memory[task]);
            if loads.has(own, task, WRITE) && graph.exists[own] && graph.path(processor, own, &mut path) {
                self.lay(workload, rules, loads, blocks, task, WRITE, &path);
            }
            for (position, edge) in workload.edges_in(task).iter().enumerate() {
                let memory = design.task_memory[workload.edges[*edge].parent];
                let before = &workload.edges_in(task)[..position];
                if before.iter().any(|other| design.task_memory[workload.edges[*other].parent] == memory) {
                    continue;
                }
                let memory = graph.memory(memory);
                if loads.has(memory, task, READ)
                    && graph.exists[memory]
                    && graph.path(processor, memory, &mut path)
                {
                    self.lay(workload, rules, loads, blocks, task, READ, &path);
                }
            }
        }
        self.path = path;
    }

    /// Puts a task on the pipes of a path, where it has a load at their ends.
    #[allow(clippy::too_many_arguments)]
    fn lay(
        &mut self,
        workload: &Workload,
        rules: &Rules,
        loads: &Loads,
        blocks: usize,
        task: usize,
        direction: usize,
        path: &[usize],
    ) {
        let (out, into) = (workload.edges_out(task), workload.edges_in(task));
        for hop in path.windows(2) {
            let (from, to) = (hop[0], hop[1]);
            if !loads.has(to, task, direction) {
                continue;
            }
            let slot = (direction * blocks + from) * blocks + to;
            if self.pipe_index[slot] == 0 {
                self.pipes.push(Pipe { from, to, direction });
                self.pipe_index[slot] = self.pipes.len() as u32;
                self.tasks.add_row();
                self.edges.add_row();
                self.weights.resize(self.weights.len() + self.count, 0.0);
            }
            let pipe = self.pipe_index[slot] as usize - 1;
            if !self.tasks.insert(pipe, task) {
                continue;
            }
            let mut weight = 0.0;
            let mut carry = |edge: usize| {
                if loads.has_edge(to, direction, edge) {
                    self.edges.insert(pipe, edge);
                    weight += if rules.shares_by_bursts {
                        workload.units[edge][direction]
                    } else {
                        workload.edges[edge].bytes
                    };
                }
            };
            if direction == WRITE {
                out.clone().for_each(&mut carry);
            } else {
                into.iter().copied().for_each(&mut carry);
            }
            self.weights[pipe * self.count + task] = weight;
        }
    }

    fn find_clusters(&mut self, library: &Library, design: &Design, graph: &Graph) {
        self.clusters.clear();
        self.inputs.clear();
        for index in 0..self.pipes.len() {
            let pipe = self.pipes[index];
            let start = self.inputs.len();
            if graph.is_bus(pipe.from) {
                // A channel of the bus towards `to`: what comes in and shares data with what goes out.
                for (input, other) in self.pipes.iter().enumerate() {
                    if (other.to, other.direction) == (pipe.from, pipe.direction)
                        && meet(self.edges.row(input), self.edges.row(index))
                    {
                        self.inputs.push(input);
                    }
                }
                let bus = pipe.from - graph.bus(0);
                self.clusters.push(Cluster {
                    block: pipe.from,
                    out: Some(index),
                    direction: pipe.direction,
                    bytes_per_s: library.buses[design.buses[bus]].bytes_per_s,
                    pipes: (start, self.inputs.len()),
                });
            }
            if graph.is_memory(pipe.to) {
                let start = self.inputs.len();
                self.inputs.push(index);
                let memory = pipe.to - graph.memory(0);
                self.clusters.push(Cluster {
                    block: pipe.to,
                    out: None,
                    direction: pipe.direction,
                    bytes_per_s: library.memories[design.memories[memory]].bytes_per_s,
                    pipes: (start, self.inputs.len()),
                });
            }
        }
    }

    fn find_uses(&mut self, workload: &Workload, rules: &Rules, graph: &Graph, loads: &Loads) {
        self.uses.clear();
        self.first_use.clear();
        for task in 0..self.count {
            self.first_use.push(self.uses.len());
            for (index, cluster) in self.clusters.iter().enumerate() {
                let pipe = cluster.out.unwrap_or_else(|| self.inputs[cluster.pipes.0]);
                if !self.tasks.contains(pipe, task) {
                    continue;
                }
                let direction = cluster.direction;
                let charged = |edge: &usize| {
                    if rules.charges_whole_bus || graph.is_memory(cluster.block) {
                        loads.has_edge(cluster.block, direction, *edge)
                    } else {
                        self.edges.contains(pipe, *edge)
                    }
                };
                let ratio = |edge: usize| workload.ratios[edge][direction];
                let bytes_per_instruction: f64 = if direction == WRITE {
                    workload.edges_out(task).filter(charged).map(ratio).sum()
                } else {
                    workload.edges_in(task).iter().copied().filter(charged).map(ratio).sum()
                };
                self.uses.push(Use { cluster: index, bytes_per_instruction });
            }
        }
        self.first_use.push(self.uses.len());
    }

    /// The rate of a task while the tasks of `running` (a list, and the same as a set) run, in instructions per second; and the block that
    /// limits it. `peak` is that of its processor.
    pub fn rate(
        &self,
        task: usize,
        processor: usize,
        peak: f64,
        running: &[usize],
        set: &[u64],
    ) -> (f64, usize) {
        let mut least = (peak, processor);
        for used in &self.uses[self.first_use[task]..self.first_use[task + 1]] {
            let cluster = &self.clusters[used.cluster];
            let (mut active, mut share) = (0usize, 0.0);
            for pipe in &self.inputs[cluster.pipes.0..cluster.pipes.1] {
                let is_active = match cluster.out {
                    Some(out) => meet3(set, self.tasks.row(*pipe), self.tasks.row(out)),
                    None => meet(set, self.tasks.row(*pipe)),
                };
                if !is_active {
                    continue;
                }
                active += 1;
                let weights = &self.weights[pipe * self.count..(pipe + 1) * self.count];
                let all: f64 = running.iter().map(|other| weights[*other]).sum();
                if weights[task] > 0.0 {
                    share += weights[task] / all;
                }
            }
            if share > 0.0 && used.bytes_per_instruction > 0.0 {
                let rate = cluster.bytes_per_s * (share / active as f64) / used.bytes_per_instruction;
                if rate < least.0 {
                    least = (rate, cluster.block);
                }
            }
        }
        least
    }

    /// Bytes that a task reads from and writes to a memory, per instruction: calls `add` with memory block, direction and bytes.
    pub fn memory_traffic(&self, task: usize, mut add: impl FnMut(usize, usize, f64)) {
        for used in &self.uses[self.first_use[task]..self.first_use[task + 1]] {
            let cluster = &self.clusters[used.cluster];
            if cluster.out.is_none() {
                add(cluster.block, cluster.direction, used.bytes_per_instruction);
            }
        }
    }

    /// Whether two tasks use a channel of this block together.
    pub fn share_channel(&self, block: usize, a: usize, b: usize) -> bool {
        let uses = |task: usize| &self.uses[self.first_use[task]..self.first_use[task + 1]];
        uses(a).iter().any(|used| {
            self.clusters[used.cluster].block == block
                && uses(b).iter().any(|other| other.cluster == used.cluster)
        })
    }
}
