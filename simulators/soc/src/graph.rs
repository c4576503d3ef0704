//! Blocks and their connections: order of discovery, shortest paths, and the removal of buses that nothing needs.

use crate::design::Design;
use crate::sets::{BitRows, Lists};

/// No block.
pub(crate) const NONE: usize = usize::MAX;

/// Blocks as numbers: processors first, then memories, then buses.
#[derive(Clone, Debug, Default)]
pub(crate) struct Graph {
    pub processors: usize,
    pub memories: usize,
    pub buses: usize,
    neighbours: Lists,
    /// Blocks in depth-first order from processor 0.
    pub order: Vec<usize>,
    /// Whether a block is in `order`.
    pub exists: Vec<bool>,
    /// Per pair of buses (from, to): the bus before `to` on the shortest path.
    before: Vec<usize>,
    /// Per block: the bus it is on; `NONE` for buses and loose blocks.
    home: Vec<usize>,
    queue: Vec<usize>,
    scratch: [Vec<usize>; 3],
}

impl Graph {
    /// Builds the connections of a design, in FARSI's order.
    pub fn build(&mut self, design: &Design) {
        (self.processors, self.memories, self.buses) =
            (design.processors.len(), design.memories.len(), design.buses.len());
        let count = self.len();
        self.neighbours.reset(count, count);
        for (processor, bus) in design.processor_bus.iter().enumerate() {
            self.connect(processor, self.bus(*bus));
        }
        for (from, to) in &design.bus_links {
            self.connect(self.bus(*from), self.bus(*to));
        }
        for (bus, memory) in &design.memory_links {
            self.connect(self.bus(*bus), self.memory(*memory));
        }
        self.discover();
    }

    pub fn len(&self) -> usize {
        self.processors + self.memories + self.buses
    }

    pub fn memory(&self, index: usize) -> usize {
        self.processors + index
    }

    pub fn bus(&self, index: usize) -> usize {
        self.processors + self.memories + index
    }

    pub fn is_processor(&self, block: usize) -> bool {
        block < self.processors
    }

    pub fn is_memory(&self, block: usize) -> bool {
        (self.processors..self.processors + self.memories).contains(&block)
    }

    pub fn is_bus(&self, block: usize) -> bool {
        block >= self.processors + self.memories
    }

    pub fn neighbours(&self, block: usize) -> &[u32] {
        self.neighbours.get(block)
    }

    /// Connects two blocks, unless they are.
    fn connect(&mut self, a: usize, b: usize) {
        if !self.neighbours.contains(a, b) {
            self.neighbours.push(a, b);
            if a != b {
                self.neighbours.push(b, a);
            }
        }
    }

    /// Finds the blocks that can be reached from processor 0, depth first, and the shortest paths between buses.
    fn discover(&mut self) {
        let count = self.len();
        self.order.clear();
        self.exists.clear();
        self.exists.resize(count, false);
        self.visit(0);
        self.home.clear();
        self.home.resize(count, NONE);
        for block in 0..self.processors + self.memories {
            let bus = self.neighbours.get(block).iter().find(|other| self.is_bus(**other as usize));
            self.home[block] = bus.map_or(NONE, |bus| *bus as usize);
        }
        self.before.clear();
        self.before.resize(self.buses * self.buses, NONE);
        let first = self.processors + self.memories;
        for from in 0..self.buses {
            let row = from * self.buses;
            self.before[row + from] = from;
            self.queue.clear();
            self.queue.push(from);
            let mut next = 0;
            while next < self.queue.len() {
                let bus = self.queue[next];
                next += 1;
                for other in self.neighbours.get(first + bus) {
                    let Some(other) = (*other as usize).checked_sub(first) else { continue };
                    if self.before[row + other] == NONE {
                        self.before[row + other] = bus;
                        self.queue.push(other);
                    }
                }
            }
        }
    }

    fn visit(&mut self, block: usize) {
        self.exists[block] = true;
        self.order.push(block);
        for position in 0..self.neighbours.len(block) {
            let next = self.neighbours.at(block, position);
            if !self.exists[next] {
                self.visit(next);
            }
        }
    }

    /// Writes the shortest path from a processor to a memory, both included, into `path`; false if there is none.
    pub fn path(&self, processor: usize, memory: usize, path: &mut Vec<usize>) -> bool {
        path.clear();
        let (from, to) = (self.home[processor], self.home[memory]);
        if from == NONE || to == NONE {
            return false;
        }
        let first = self.processors + self.memories;
        let (from, to) = (from - first, to - first);
        path.push(memory);
        let mut bus = to;
        loop {
            if self.before[from * self.buses + bus] == NONE {
                return false;
            }
            path.push(first + bus);
            if bus == from {
                break;
            }
            bus = self.before[from * self.buses + bus];
        }
        path.push(processor);
        path.reverse();
        true
    }

    /// Takes neighbouring buses apart that no task uses together. `tasks` holds a row per block.
    pub fn part_strangers(&mut self, tasks: &BitRows) {
        let first = self.bus(0);
        let order = std::mem::take(&mut self.order);
        for bus in order.iter().copied().filter(|block| *block >= first) {
            let mut position = 0;
            while position < self.neighbours.len(bus) {
                let other = self.neighbours.at(bus, position);
                if self.is_bus(other) && !crate::sets::meet(tasks.row(bus), tasks.row(other)) {
                    self.neighbours.remove(bus, other);
                    self.neighbours.remove(other, bus);
                } else {
                    position += 1;
                }
            }
        }
        self.order = order;
        self.discover();
    }

    /// Removes buses without processors or without memories at the end of the network, and empty ones within it.
    pub fn prune(&mut self) {
        let first = self.bus(0);
        let order = std::mem::take(&mut self.order);
        let [mut processors, mut memories, mut buses] = std::mem::take(&mut self.scratch);
        for bus in order.iter().copied().filter(|block| *block >= first) {
            processors.clear();
            memories.clear();
            buses.clear();
            for other in self.neighbours.get(bus) {
                let other = *other as usize;
                let list = if self.is_processor(other) {
                    &mut processors
                } else if self.is_memory(other) {
                    &mut memories
                } else {
                    &mut buses
                };
                list.push(other);
            }
            let Some(&heir) = buses.first() else { continue };
            let at_end = buses.len() == 1;
            if !(memories.is_empty() && (at_end || processors.is_empty()) || processors.is_empty() && at_end)
            {
                continue;
            }
            for block in processors.iter().chain(&memories).copied() {
                self.neighbours.remove(bus, block);
                self.neighbours.remove(block, bus);
                self.connect(heir, block);
            }
            for other in buses.iter().copied() {
                self.neighbours.remove(other, bus);
                self.neighbours.remove(bus, other);
            }
            for other in buses[1..].iter().copied() {
                self.connect(heir, other);
            }
        }
        self.order = order;
        self.scratch = [processors, memories, buses];
        self.discover();
    }
}
