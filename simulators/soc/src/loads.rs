//! Loads: which tasks read and write which data through which buses and memories.

use crate::design::Design;
use crate::graph::Graph;
use crate::infeasible::Infeasible;
use crate::sets::{BitRows, Lists};
use crate::workload::Workload;

/// Index of reads and of writes, wherever there are both.
pub(crate) const READ: usize = 0;
pub(crate) const WRITE: usize = 1;

/// What passes through every bus and memory. A load is a task, a direction, and the edges that it moves.
#[derive(Clone, Debug, Default)]
pub(crate) struct Loads {
    /// Per block: loads as `task * 2 + direction`, in order of first appearance.
    entries: Lists,
    /// Per block: the same as a set.
    has: BitRows,
    /// Per block and direction: edges.
    edges: BitRows,
    /// Per block: tasks.
    pub tasks: BitRows,
    visited: BitRows,
    path: Vec<usize>,
}

impl Loads {
    /// Traces all data from the source on. `routed` is false where only the loads of buses are to be traced anew.
    ///
    /// Errors: a task whose processor cannot reach the data of its parent, or its own memory.
    pub fn trace(&mut self, workload: &Workload, design: &Design, graph: &Graph) -> Result<(), Infeasible> {
        let blocks = graph.len();
        self.entries.reset(blocks, 2 * workload.len());
        self.has.reset(blocks, 2 * workload.len());
        self.edges.reset(2 * blocks, workload.edges.len());
        self.tasks.reset(blocks, workload.len());
        self.visited.reset(1, workload.len());
        for task in 0..workload.len() {
            for edge in workload.edges_out(task) {
                self.add(graph.memory(design.task_memory[task]), task, WRITE, edge);
            }
        }
        let source = workload.source();
        self.visit(workload, design, graph, source, None)
    }

    /// Whether the task moves something in this direction through the block.
    pub fn has(&self, block: usize, task: usize, direction: usize) -> bool {
        self.has.contains(block, task * 2 + direction)
    }

    /// Whether an edge passes through the block in this direction.
    pub fn has_edge(&self, block: usize, direction: usize, edge: usize) -> bool {
        self.edges.contains(2 * block + direction, edge)
    }

    /// Tasks of the block's loads, in order of first appearance; a task stands there once per direction.
    pub fn tasks_in_order(&self, block: usize) -> impl Iterator<Item = usize> + '_ {
        self.entries.get(block).iter().map(|entry| *entry as usize / 2)
    }

    /// Whether the block has any load.
    pub fn is_loaded(&self, block: usize) -> bool {
        self.entries.len(block) > 0
    }

    fn add(&mut self, block: usize, task: usize, direction: usize, edge: usize) {
        if self.has.insert(block, task * 2 + direction) {
            self.entries.push(block, task * 2 + direction);
            self.tasks.insert(block, task);
        }
        self.edges.insert(2 * block + direction, edge);
    }

    /// Adds an edge to the buses of the path between a task's processor and a memory, and to the memory itself for a read.
    fn route(
        &mut self,
        design: &Design,
        graph: &Graph,
        task: usize,
        memory: usize,
        direction: usize,
        edge: usize,
    ) -> Result<(), Infeasible> {
        let mut path = std::mem::take(&mut self.path);
        if !graph.path(design.task_processor[task], memory, &mut path) {
            self.path = path;
            return Err(Infeasible::ProcessorUnreachable { task, count: 1 });
        }
        // A write is in the memory from the start.
        let end = path.len() - direction;
        for block in &path[1..end] {
            self.add(*block, task, direction, edge);
        }
        self.path = path;
        Ok(())
    }

    /// A task reads what `via` brings and, the first time, writes for its children, which are visited in turn.
    fn visit(
        &mut self,
        workload: &Workload,
        design: &Design,
        graph: &Graph,
        task: usize,
        via: Option<usize>,
    ) -> Result<(), Infeasible> {
        if let Some(edge) = via {
            let memory = graph.memory(design.task_memory[workload.edges[edge].parent]);
            self.route(design, graph, task, memory, READ, edge)?;
        }
        let memory = graph.memory(design.task_memory[task]);
        if !self.visited.insert(0, task) || !graph.exists[memory] {
            return Ok(());
        }
        for edge in workload.edges_out(task) {
            self.route(design, graph, task, memory, WRITE, edge)?;
        }
        for edge in workload.edges_out(task) {
            self.visit(workload, design, graph, workload.edges[edge].child, Some(edge))?;
        }
        Ok(())
    }
}
