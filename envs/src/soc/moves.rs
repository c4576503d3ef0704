//! FARSI's moves: what can be done about the block that limits a task, or spends most for it.
//!
//! `swap` takes another block of the library, `split` a second one of the same kind for what runs at the same time, `split_swap` another one
//! for this task alone, `migrate` a block that is there already.

use hwgym_simulators::soc::library::{MemoryKind, Processor};
use hwgym_simulators::soc::{Explanation, Model, Summary};

use super::space::{BUSES, Blueprint, Layout, MEMORIES, MemorySlot, PROCESSORS, Part, Place, Slot, System};

/// Figures that moves are for, in the order of [`Diagnosis::figures`](crate::guide::Diagnosis::figures).
pub(super) const LATENCY: usize = 0;
pub(super) const POWER: usize = 1;
pub(super) const AREA: usize = 2;
pub(super) const STACKED_AREA: usize = 3;

/// Everything that a move looks at.
pub(super) struct Scene<'a> {
    pub layout: &'a Layout,
    pub model: &'a Model,
    pub blueprint: &'a Blueprint,
    pub system: &'a System,
    pub summary: &'a Summary,
    pub explanation: &'a Explanation,
}

/// A move: its kind and where it leads.
pub(super) type Step = (&'static str, Blueprint);

impl Scene<'_> {
    /// The moves that change a figure by changing what a task uses.
    pub fn moves(&self, figure: usize, task: usize) -> Vec<Step> {
        let Some(block) = self.culprit(figure, task) else { return Vec::new() };
        let part = self.system.parts[block];
        let mut steps = match part {
            Part::Processor(_) | Part::Accelerator(_) => self.processor_moves(figure, task, part),
            Part::Memory(memory) => self.memory_moves(figure, task, block, memory),
            Part::Bus(bus) => self.bus_moves(task, bus),
        };
        steps.retain(|(_, blueprint)| blueprint != self.blueprint);
        steps
    }

    /// The block that limits a task for the longest time, or spends or takes the most of what it uses.
    fn culprit(&self, figure: usize, task: usize) -> Option<usize> {
        let Explanation { limited_s, energy_j, area_m2, .. } = self.explanation;
        let areas: Vec<f64>;
        let amounts = match figure {
            LATENCY => &limited_s[task],
            POWER => &energy_j[task],
            _ => {
                let used = |block: usize| self.uses(task, self.system.parts[block], figure);
                areas =
                    (0..area_m2.len()).map(|block| if used(block) { area_m2[block] } else { 0.0 }).collect();
                &areas
            }
        };
        (0..amounts.len())
            .filter(|block| amounts[*block] > 0.0)
            .max_by(|a, b| amounts[*a].total_cmp(&amounts[*b]))
    }

    /// Whether a task uses a block whose area counts for this figure.
    pub fn uses(&self, task: usize, part: Part, figure: usize) -> bool {
        match part {
            Part::Memory(memory) => {
                let stacked = self.blueprint.memories[memory].kind == MemoryKind::Dram;
                stacked == (figure == STACKED_AREA) && self.data_sets(task, memory).next().is_some()
            }
            Part::Bus(_) => false,
            _ => figure == AREA && self.blueprint.home(task) == part,
        }
    }

    /// Tasks whose data this task writes to or reads from a memory.
    fn data_sets(&self, task: usize, memory: usize) -> impl Iterator<Item = usize> + '_ {
        let workload = &self.model.workload;
        let parents = workload.edges_in(task).iter().map(|edge| workload.edges[*edge].parent);
        let own = (!workload.edges_out(task).is_empty()).then_some(task);
        parents.chain(own).filter(move |writer| self.blueprint.data[*writer] == memory)
    }

    /// How many times faster a task must become if all become faster alike.
    fn speed_up(&self) -> f64 {
        (self.summary.latency_s / self.model.workload.budget.latency_s).max(1.05)
    }

    fn changed(&self, kind: &'static str, change: impl FnOnce(&mut Blueprint)) -> Step {
        let mut blueprint = self.blueprint.clone();
        change(&mut blueprint);
        (kind, blueprint)
    }

    fn processor_moves(&self, figure: usize, task: usize, part: Part) -> Vec<Step> {
        let library = &self.model.library;
        let current = match part {
            Part::Processor(index) => &library.processors[self.blueprint.processors[index].block],
            _ => &library.processors[self.blueprint.accelerators[task].block],
        };
        let roommates: Vec<usize> = self
            .layout
            .workers
            .iter()
            .copied()
            .filter(|t| *t != task && self.blueprint.home(*t) == part)
            .collect();
        let mut steps = Vec::new();
        let kind = if roommates.is_empty() { "swap" } else { "split_swap" };
        for block in self.better_accelerators(figure, task, current) {
            steps.push(self.changed(kind, |blueprint| {
                blueprint.accelerators[task] = Slot { block, bus: self.blueprint.bus(part) };
                blueprint.places[task] = Place::Accelerator;
            }));
        }
        let Part::Processor(index) = part else { return steps };
        let general = library.processors.iter().enumerate().filter(|(_, block)| block.task.is_none());
        for (block, other) in general.filter(|(_, other)| gain(figure, current, other) > 1.0) {
            let _ = other;
            steps.push(self.changed("swap", |blueprint| blueprint.processors[index].block = block));
        }
        let is_used = |slot: usize| self.system.parts.contains(&Part::Processor(slot));
        let parallel: Vec<usize> =
            roommates.into_iter().filter(|other| self.independent(task, *other)).collect();
        if figure == LATENCY && !parallel.is_empty() {
            for slot in (0..PROCESSORS).filter(|slot| *slot != index && is_used(*slot)) {
                steps.push(
                    self.changed("migrate", |blueprint| blueprint.places[task] = Place::Processor(slot)),
                );
            }
            if let Some(slot) = (0..PROCESSORS).find(|slot| !is_used(*slot)) {
                steps.push(self.changed("split", |blueprint| {
                    blueprint.processors[slot] = blueprint.processors[index];
                    parallel.iter().for_each(|other| blueprint.places[*other] = Place::Processor(slot));
                }));
            }
        }
        if figure == AREA {
            for slot in (0..PROCESSORS).filter(|slot| *slot != index && is_used(*slot)) {
                steps.push(self.changed("migrate", |blueprint| {
                    for place in
                        blueprint.places.iter_mut().filter(|place| **place == Place::Processor(index))
                    {
                        *place = Place::Processor(slot);
                    }
                }));
            }
        }
        steps
    }

    /// Accelerators of a task that are better than a block: the next better one, and the one that is good enough.
    fn better_accelerators(&self, figure: usize, task: usize, current: &Processor) -> Vec<usize> {
        let processors = &self.model.library.processors;
        let rate = |block: &usize| processors[*block].instructions_per_s;
        let area = |block: &usize| processors[*block].area_m2;
        let mut better: Vec<usize> = (0..processors.len())
            .filter(|block| {
                processors[*block].task == Some(task) && gain(figure, current, &processors[*block]) > 1.0
            })
            .collect();
        let mut found = Vec::new();
        if figure == LATENCY {
            better.sort_by(|a, b| rate(a).total_cmp(&rate(b)).then(area(a).total_cmp(&area(b))));
            // Of the next two in rate the smaller, as FARSI takes them.
            let next = better.iter().take(2).copied().min_by(|a, b| area(a).total_cmp(&area(b)));
            let needed = current.instructions_per_s * self.speed_up();
            let enough = better.iter().copied().filter(|block| rate(block) >= needed);
            let enough = enough.min_by(|a, b| area(a).total_cmp(&area(b)).then(rate(a).total_cmp(&rate(b))));
            found.extend(next);
            found.extend(enough.or(better.last().copied()));
        } else {
            // No slower than now, where that is possible; the smallest of these.
            let as_fast = better.iter().copied().filter(|block| rate(block) >= current.instructions_per_s);
            let smallest =
                |a: &usize, b: &usize| area(a).total_cmp(&area(b)).then(rate(b).total_cmp(&rate(a)));
            found.extend(as_fast.min_by(smallest));
            found.extend(
                better
                    .iter()
                    .copied()
                    .max_by(|a, b| area(a).total_cmp(&area(b)).then(rate(a).total_cmp(&rate(b)))),
            );
        }
        found.dedup();
        found
    }

    /// Whether two tasks can run at the same time: neither waits for the other.
    fn independent(&self, a: usize, b: usize) -> bool {
        !self.leads_to(a, b) && !self.leads_to(b, a)
    }

    fn leads_to(&self, from: usize, to: usize) -> bool {
        let workload = &self.model.workload;
        let mut open = vec![from];
        let mut seen = vec![false; workload.len()];
        while let Some(task) = open.pop() {
            if task == to {
                return true;
            }
            for edge in workload.edges_out(task) {
                let child = workload.edges[edge].child;
                if !std::mem::replace(&mut seen[child], true) {
                    open.push(child);
                }
            }
        }
        false
    }

    /// Tasks that share a channel of a block with this one at some time.
    fn rivals(&self, task: usize, block: usize) -> Vec<usize> {
        let pairs = self.explanation.rivals.iter().filter(|rival| rival.2 == block);
        pairs
            .filter_map(|(a, b, _)| match () {
                () if *a == task => Some(*b),
                () if *b == task => Some(*a),
                () => None,
            })
            .collect()
    }

    fn memory_moves(&self, figure: usize, task: usize, block: usize, memory: usize) -> Vec<Step> {
        let slot = self.blueprint.memories[memory];
        let data: Vec<usize> = self.data_sets(task, memory).collect();
        let is_used = |index: usize| self.system.parts.contains(&Part::Memory(index));
        let spare = (0..MEMORIES).find(|index| !is_used(*index));
        let alone = self.layout.writers.iter().all(|t| self.blueprint.data[*t] != memory || data.contains(t));
        let mut steps = Vec::new();
        for better in self.better_memories(figure, slot) {
            steps.push(self.changed("swap", |blueprint| blueprint.memories[memory] = better));
            if let Some(spare) = spare.filter(|_| !alone) {
                steps.push(self.changed("split_swap", |blueprint| {
                    blueprint.memories[spare] = better;
                    data.iter().for_each(|writer| blueprint.data[*writer] = spare);
                }));
            }
        }
        let rivals = self.rivals(task, block);
        if figure != LATENCY || !rivals.is_empty() {
            for other in (0..MEMORIES).filter(|other| *other != memory && is_used(*other)) {
                steps.push(self.changed("migrate", |blueprint| {
                    data.iter().for_each(|writer| blueprint.data[*writer] = other);
                }));
            }
        }
        if let Some(spare) = spare.filter(|_| figure == LATENCY && !rivals.is_empty()) {
            let moved: Vec<usize> = rivals
                .iter()
                .flat_map(|rival| self.data_sets(*rival, memory))
                .filter(|writer| !data.contains(writer))
                .collect();
            steps.push(self.changed("split", |blueprint| {
                blueprint.memories[spare] = slot;
                moved.iter().for_each(|writer| blueprint.data[*writer] = spare);
            }));
        }
        steps
    }

    fn better_memories(&self, figure: usize, slot: MemorySlot) -> Vec<MemorySlot> {
        let rates = &self.layout.memory_rates;
        if figure == LATENCY {
            return faster(rates, slot.rate, self.speed_up())
                .into_iter()
                .map(|rate| MemorySlot { rate, ..slot })
                .collect();
        }
        let kinds = self.layout.kinds.iter().filter(|kind| **kind != slot.kind);
        kinds.map(|kind| MemorySlot { kind: *kind, ..slot }).collect()
    }

    fn bus_moves(&self, task: usize, bus: usize) -> Vec<Step> {
        let rates = &self.layout.bus_rates;
        let is_used = |index: usize| self.system.parts.contains(&Part::Bus(index));
        let spare = (1..BUSES).find(|index| !is_used(*index) && *index > bus);
        let home = self.blueprint.home(task);
        let memories: Vec<usize> = (0..MEMORIES)
            .filter(|memory| self.data_sets(task, *memory).next().is_some())
            .filter(|memory| self.blueprint.memories[*memory].bus == bus)
            .collect();
        let mut steps = Vec::new();
        let branch = |blueprint: &mut Blueprint, spare: usize, rate: usize| {
            blueprint.buses[spare] = rate;
            blueprint.links[spare] = bus;
            match home {
                Part::Processor(index) => blueprint.processors[index].bus = spare,
                Part::Accelerator(task) => blueprint.accelerators[task].bus = spare,
                Part::Memory(_) | Part::Bus(_) => {}
            }
            memories.iter().for_each(|memory| blueprint.memories[*memory].bus = spare);
        };
        for rate in faster(rates, self.blueprint.buses[bus], self.speed_up()) {
            steps.push(self.changed("swap", |blueprint| blueprint.buses[bus] = rate));
            if let Some(spare) = spare.filter(|_| !memories.is_empty()) {
                steps.push(self.changed("split_swap", |blueprint| branch(blueprint, spare, rate)));
            }
        }
        if let Some(spare) = spare.filter(|_| !memories.is_empty()) {
            let rate = self.blueprint.buses[bus];
            steps.push(self.changed("split", |blueprint| branch(blueprint, spare, rate)));
        }
        steps
    }
}

/// How many times better a block is in a figure.
fn gain(figure: usize, current: &Processor, other: &Processor) -> f64 {
    match figure {
        LATENCY => other.instructions_per_s / current.instructions_per_s,
        POWER => other.instructions_per_j / current.instructions_per_j,
        _ => current.area_m2 / other.area_m2,
    }
}

/// Indices of faster rates of an ascending list: the next one, and the first that is `factor` times as fast.
fn faster(rates: &[f64], current: usize, factor: f64) -> Vec<usize> {
    if current + 1 >= rates.len() {
        return Vec::new();
    }
    let enough = rates.iter().position(|rate| *rate >= rates[current] * factor).unwrap_or(rates.len() - 1);
    let mut found = vec![current + 1, enough.max(current + 1)];
    found.dedup();
    found
}
