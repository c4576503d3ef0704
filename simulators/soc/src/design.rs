//! Designs: instances of blocks, what is connected, and where tasks and data go.

use crate::infeasible::Infeasible;
use crate::library::Library;
use crate::workload::Workload;

/// A design. All numbers are indices; those in the first three lists are of the library, in the others of the lists here.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Design {
    /// Processors and accelerators: index in the library.
    pub processors: Vec<usize>,
    /// Memories: index in the library.
    pub memories: Vec<usize>,
    /// Buses: index in the library.
    pub buses: Vec<usize>,
    /// The bus of each processor.
    pub processor_bus: Vec<usize>,
    /// Pairs of connected buses, in the order in which they are connected.
    pub bus_links: Vec<(usize, usize)>,
    /// Pairs of a bus and a memory on it, in the order in which they are connected.
    pub memory_links: Vec<(usize, usize)>,
    /// The processor of each task.
    pub task_processor: Vec<usize>,
    /// The memory that each task writes to.
    pub task_memory: Vec<usize>,
    /// All tasks in the order in which those that are ready start; empty: that of their first appearance over the blocks, as in FARSI.
    pub order: Vec<usize>,
}

impl Design {
    /// What can be seen without tracing any data. The last of three findings about connections counts, as in ArchGym.
    pub(crate) fn check(&self, library: &Library) -> Result<(), Infeasible> {
        let mut found = None;
        let mut to_itself = self.bus_links.iter().filter(|(from, to)| from == to);
        if let Some((bus, _)) = to_itself.next() {
            found = Some(Infeasible::BusToItself { bus: *bus, count: 1 + to_itself.count() });
        }
        if self.memory_links.is_empty() {
            found = Some(Infeasible::NoBusHasMemory);
        }
        let repeated = |position: usize| {
            let (bus, memory) = self.memory_links[position];
            self.memory_links[..position].iter().any(|(other, m)| *m == memory && *other != bus)
        };
        let mut several = (0..self.memory_links.len()).filter(|position| repeated(*position));
        if let Some(first) = several.next() {
            let memory = self.memory_links[first].1;
            found = Some(Infeasible::MemoryOnSeveralBuses { memory, count: 1 + several.count() });
        }
        if let Some(found) = found {
            return Err(found);
        }
        let misplaced = |task: usize| {
            let block = &library.processors[self.processors[self.task_processor[task]]];
            block.task.is_some_and(|only| only != task)
        };
        let mut tasks = (0..self.task_processor.len()).filter(|task| misplaced(*task));
        match tasks.next() {
            None => Ok(()),
            Some(task) => Err(Infeasible::TaskProcessorMismatch {
                task,
                processor: self.task_processor[task],
                count: 1 + tasks.count(),
            }),
        }
    }

    /// The least design: one processor of the first kind, one memory and one bus, all of the lowest rate.
    pub fn least(workload: &Workload, library: &Library) -> Self {
        let slowest = |rates: &mut dyn Iterator<Item = f64>| {
            let rates: Vec<f64> = rates.collect();
            (0..rates.len()).min_by(|a, b| rates[*a].total_cmp(&rates[*b])).unwrap_or(0)
        };
        Self {
            processors: vec![0],
            memories: vec![slowest(&mut library.memories.iter().map(|block| block.bytes_per_s))],
            buses: vec![slowest(&mut library.buses.iter().map(|block| block.bytes_per_s))],
            processor_bus: vec![0],
            bus_links: Vec::new(),
            memory_links: vec![(0, 0)],
            task_processor: vec![0; workload.len()],
            task_memory: vec![0; workload.len()],
            order: Vec::new(),
        }
    }

    /// Names of the blocks where they have none of their own: P0, ..., M0, ..., B0, ...
    pub fn names(&self) -> Vec<String> {
        let counts = [('P', self.processors.len()), ('M', self.memories.len()), ('B', self.buses.len())];
        counts
            .into_iter()
            .flat_map(|(letter, count)| (0..count).map(move |index| format!("{letter}{index}")))
            .collect()
    }
}
