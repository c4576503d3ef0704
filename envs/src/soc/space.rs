//! The rich space, and designs in its terms: where tasks and data go, what the blocks are, and how the buses hang together.

use hwgym_simulators::soc::library::MemoryKind;
use hwgym_simulators::soc::workload::Role;
use hwgym_simulators::soc::{Design as SocDesign, Library, Model};

use crate::prelude::*;

/// Places for general processors, memories and buses.
pub(super) const PROCESSORS: usize = 4;
pub(super) const MEMORIES: usize = 6;
pub(super) const BUSES: usize = 4;

/// Where a task runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// A general processor.
    Processor(usize),
    /// The task's own accelerator.
    Accelerator,
}

/// A processor: the block and its bus.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Slot {
    /// Index in the library.
    pub block: usize,
    /// Its bus.
    pub bus: usize,
}

/// A memory of a kind and a rate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct MemorySlot {
    /// Its kind.
    pub kind: MemoryKind,
    /// Index of its rate among all rates of memories.
    pub rate: usize,
    /// Its bus.
    pub bus: usize,
}

/// A design in terms of the space. What nothing uses is there, too, and does not exist in the system.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Blueprint {
    /// Per task.
    pub places: Vec<Place>,
    /// Per task: the accelerator that it has or would have.
    pub accelerators: Vec<Slot>,
    /// General processors.
    pub processors: Vec<Slot>,
    /// Memories.
    pub memories: Vec<MemorySlot>,
    /// Per bus: index of its rate among all rates of buses.
    pub buses: Vec<usize>,
    /// Per bus: a bus before it that it hangs on; the first hangs on none.
    pub links: Vec<usize>,
    /// Per task: the memory that it writes to.
    pub data: Vec<usize>,
}

/// The places of the parameters, and the levels behind them.
pub(super) struct Layout {
    /// The space.
    pub space: DesignSpace,
    /// Tasks that work, and so have a place.
    pub workers: Vec<usize>,
    /// Tasks that write data.
    pub writers: Vec<usize>,
    /// Rates of memories, ascending, in bytes per second.
    pub memory_rates: Vec<f64>,
    /// Rates of buses, ascending, in bytes per second.
    pub bus_rates: Vec<f64>,
    /// Kinds of memories in the library.
    pub kinds: Vec<MemoryKind>,
    /// General processors of the library.
    general: usize,
    /// Per task: unrollings and clocks of its accelerators; empty where it has none.
    unrolls: Vec<Vec<u64>>,
    clocks: Vec<f64>,
}

fn rates(rates: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut rates: Vec<f64> = rates.collect();
    rates.sort_by(f64::total_cmp);
    rates.dedup();
    rates
}

impl Layout {
    /// The space of a model.
    pub fn new(model: &Model) -> Result<Self, EnvError> {
        let (workload, library) = (&model.workload, &model.library);
        let tasks = workload.len();
        let mut layout = Self {
            space: DesignSpace::new(Vec::new())?,
            workers: (0..tasks).filter(|task| workload.roles[*task] == Role::Work).collect(),
            writers: (0..tasks).filter(|task| !workload.edges_out(*task).is_empty()).collect(),
            memory_rates: rates(library.memories.iter().map(|block| block.bytes_per_s)),
            bus_rates: rates(library.buses.iter().map(|block| block.bytes_per_s)),
            kinds: [MemoryKind::Dram, MemoryKind::Sram]
                .into_iter()
                .filter(|kind| library.memories.iter().any(|block| block.kind == *kind))
                .collect(),
            general: library.processors.iter().filter(|block| block.task.is_none()).count(),
            unrolls: (0..tasks).map(|task| unrolls(library, task)).collect(),
            clocks: rates(library.processors.iter().filter(|b| b.task.is_some()).map(|b| b.frequency)),
        };
        layout.space = layout.lay_out(model)?;
        Ok(layout)
    }

    fn lay_out(&self, model: &Model) -> Result<DesignSpace, EnvError> {
        let name = |task: &usize| &model.workload.tasks[*task];
        let processors: Vec<String> = (0..PROCESSORS).map(|index| format!("processor{index}")).collect();
        let memories: Vec<String> = (0..MEMORIES).map(|index| format!("memory{index}")).collect();
        let buses: Vec<String> = (0..BUSES).map(|index| format!("bus{index}")).collect();
        let (mut parameters, mut groups) = (Vec::new(), Vec::new());
        let mut group = |parameters: &mut Vec<Parameter>, label: &str, new: Vec<Parameter>| {
            let names: Vec<String> = new.iter().map(|parameter| parameter.name.clone()).collect();
            parameters.extend(new);
            groups.push(Group::new(label, names));
        };
        let accelerated = |task: &&usize| !self.unrolls[**task].is_empty();
        let mut allocation = Vec::new();
        for task in self.workers.iter().filter(accelerated) {
            let (name, own) = (name(task), format!("{}.accelerator", name(task)));
            let unrolls = self.unrolls[*task].iter().map(|unroll| *unroll as f64);
            allocation
                .push(Parameter::boolean(&own).describe("whether the task has an accelerator of its own"));
            allocation.push(
                Parameter::ordinal(&format!("{name}.unroll"), unrolls)
                    .describe("how often the accelerator's loop is unrolled")
                    .when(&own, [true]),
            );
            allocation.push(
                Parameter::ordinal(&format!("{name}.clock"), self.clocks.iter().copied())
                    .unit("100 MHz")
                    .describe("clock of the accelerator")
                    .when(&own, [true]),
            );
        }
        if self.general > 1 {
            let blocks = || model.library.processors[..self.general].iter().map(|block| block.name.clone());
            allocation.extend(processors.iter().map(|processor| {
                Parameter::categorical(&format!("{processor}.block"), blocks())
                    .describe("the processor's block")
            }));
        }
        for memory in &memories {
            if self.kinds.len() > 1 {
                let kinds = self.kinds.iter().map(|kind| format!("{kind:?}"));
                allocation.push(
                    Parameter::categorical(&format!("{memory}.kind"), kinds).describe("kind of the memory"),
                );
            }
            allocation.push(
                Parameter::ordinal(&format!("{memory}.rate"), self.memory_rates.iter().copied())
                    .unit("byte/s")
                    .describe("rate of the memory: the slowest block of its kind that has it, or the fastest there is"),
            );
        }
        allocation.extend(buses.iter().map(|bus| {
            Parameter::ordinal(&format!("{bus}.rate"), self.bus_rates.iter().copied())
                .unit("byte/s")
                .describe("rate of the bus")
        }));
        group(&mut parameters, "allocation", allocation);
        let on_bus = |what: String| Parameter::categorical(&format!("{what}.bus"), buses.iter().cloned());
        let mut topology: Vec<Parameter> = Vec::new();
        for bus in 1..BUSES {
            topology.push(
                Parameter::categorical(&format!("bus{bus}.to"), buses[..bus].iter().cloned())
                    .describe("the bus that it hangs on"),
            );
        }
        topology.extend(
            processors.iter().chain(&memories).map(|block| on_bus(block.clone()).describe("its bus")),
        );
        for task in self.workers.iter().filter(accelerated) {
            let accelerator = on_bus(name(task).clone()).describe("the bus of its accelerator");
            topology.push(accelerator.when(&format!("{}.accelerator", name(task)), [true]));
        }
        group(&mut parameters, "topology", topology);
        let assignments = |label: &str, tasks: &[usize], places: &[String], what: &str| -> Vec<Parameter> {
            let chunks = tasks.chunks(chunk(places.len())).enumerate();
            let assignment = |(index, tasks): (usize, &[usize])| {
                let label = if index == 0 { label.to_owned() } else { format!("{label}{}", index + 1) };
                Parameter::assignment(&label, tasks.iter().map(name), places.iter().cloned()).describe(what)
            };
            chunks.map(assignment).collect()
        };
        let what = "the processor of every task without an accelerator";
        group(&mut parameters, "task-mapping", assignments("processors", &self.workers, &processors, what));
        let what = "the memory that every task writes to";
        group(&mut parameters, "data-mapping", assignments("data", &self.writers, &memories, what));
        Ok(DesignSpace::new(parameters)?.with_groups(groups)?)
    }

    /// The accelerator of a task with this unrolling and clock, as an index of the library.
    fn accelerator(&self, library: &Library, task: usize, unroll: f64, clock: f64) -> usize {
        let fits = |block: &hwgym_simulators::soc::library::Processor| {
            block.task == Some(task) && block.unroll as f64 == unroll && block.frequency == clock
        };
        library.processors.iter().position(fits).unwrap_or(0)
    }

    /// Reads a design.
    pub fn read(&self, model: &Model, design: &Design) -> Blueprint {
        let mut next = 0..self.space.len();
        let mut take = || next.next().unwrap_or(0);
        let tasks = model.workload.len();
        let mut blueprint = Blueprint {
            places: vec![Place::Processor(0); tasks],
            accelerators: vec![Slot { block: 0, bus: 0 }; tasks],
            processors: vec![Slot { block: 0, bus: 0 }; PROCESSORS],
            memories: vec![MemorySlot { kind: self.kinds[0], rate: 0, bus: 0 }; MEMORIES],
            buses: vec![0; BUSES],
            links: vec![0; BUSES],
            data: vec![0; tasks],
        };
        for task in self.workers.iter().filter(|task| !self.unrolls[**task].is_empty()) {
            if self.space.flag(design, take()) {
                blueprint.places[*task] = Place::Accelerator;
            }
            let unroll = self.space.number(design, take());
            let clock = self.space.number(design, take());
            blueprint.accelerators[*task].block = self.accelerator(&model.library, *task, unroll, clock);
        }
        if self.general > 1 {
            blueprint.processors.iter_mut().for_each(|slot| slot.block = design.level(take()));
        }
        for memory in &mut blueprint.memories {
            if self.kinds.len() > 1 {
                memory.kind = self.kinds[design.level(take())];
            }
            memory.rate = design.level(take());
        }
        blueprint.buses.iter_mut().for_each(|rate| *rate = design.level(take()));
        blueprint.links[1..].iter_mut().for_each(|link| *link = design.level(take()));
        blueprint.processors.iter_mut().for_each(|slot| slot.bus = design.level(take()));
        blueprint.memories.iter_mut().for_each(|slot| slot.bus = design.level(take()));
        for task in self.workers.iter().filter(|task| !self.unrolls[**task].is_empty()) {
            blueprint.accelerators[*task].bus = design.level(take());
        }
        for tasks in self.workers.chunks(chunk(PROCESSORS)) {
            for (task, processor) in tasks.iter().zip(self.space.arrangement(design, take())) {
                if blueprint.places[*task] != Place::Accelerator {
                    blueprint.places[*task] = Place::Processor(processor);
                }
            }
        }
        for tasks in self.writers.chunks(chunk(MEMORIES)) {
            for (task, memory) in tasks.iter().zip(self.space.arrangement(design, take())) {
                blueprint.data[*task] = memory;
            }
        }
        blueprint
    }

    /// Writes a design: the inverse of [`read`](Self::read), what has no effect at the start of its domain.
    pub fn write(&self, model: &Model, blueprint: &Blueprint) -> Design {
        let mut coordinates: Vec<f64> = Vec::with_capacity(self.space.len());
        let accelerated: Vec<usize> =
            self.workers.iter().copied().filter(|task| !self.unrolls[*task].is_empty()).collect();
        for task in &accelerated {
            coordinates.push(f64::from(blueprint.places[*task] == Place::Accelerator));
            let block = &model.library.processors[blueprint.accelerators[*task].block];
            let place = |found: Option<usize>| found.unwrap_or(0) as f64;
            coordinates.push(place(self.unrolls[*task].iter().position(|unroll| *unroll == block.unroll)));
            coordinates.push(place(self.clocks.iter().position(|clock| *clock == block.frequency)));
        }
        if self.general > 1 {
            coordinates.extend(blueprint.processors.iter().map(|slot| slot.block as f64));
        }
        for memory in &blueprint.memories {
            if self.kinds.len() > 1 {
                coordinates.push(f64::from(memory.kind == self.kinds[1]));
            }
            coordinates.push(memory.rate as f64);
        }
        coordinates.extend(blueprint.buses.iter().map(|rate| *rate as f64));
        coordinates.extend(blueprint.links[1..].iter().map(|link| *link as f64));
        coordinates.extend(blueprint.processors.iter().map(|slot| slot.bus as f64));
        coordinates.extend(blueprint.memories.iter().map(|slot| slot.bus as f64));
        coordinates.extend(accelerated.iter().map(|task| blueprint.accelerators[*task].bus as f64));
        let mut arrange = |tasks: &[usize], place: &dyn Fn(usize) -> usize| {
            let domain = &self.space.parameters()[coordinates.len()].domain;
            let places: Vec<usize> = tasks.iter().map(|task| place(*task)).collect();
            coordinates.push(domain.arranged(&places));
        };
        for tasks in self.workers.chunks(chunk(PROCESSORS)) {
            arrange(tasks, &|task| match blueprint.places[task] {
                Place::Processor(index) => index,
                Place::Accelerator => 0,
            });
        }
        for tasks in self.writers.chunks(chunk(MEMORIES)) {
            arrange(tasks, &|task| blueprint.data[task]);
        }
        let mut design = Design::new(coordinates);
        self.space.canonicalise(&mut design);
        design
    }

    /// The least design: everything on one processor, the slowest memory and the slowest bus.
    pub fn least(&self, model: &Model) -> Design {
        let blueprint = self.read(model, &Design::new(vec![0.0; self.space.len()]));
        self.write(model, &blueprint)
    }

    /// The memory of a kind with a rate: the slowest that has it, or the fastest there is.
    pub fn memory(&self, library: &Library, kind: MemoryKind, rate: usize) -> usize {
        let wanted = self.memory_rates[rate];
        let of_kind = || (0..library.memories.len()).filter(|block| library.memories[*block].kind == kind);
        let speed = |block: &usize| library.memories[*block].bytes_per_s;
        of_kind()
            .filter(|block| speed(block) >= wanted)
            .min_by(|a, b| speed(a).total_cmp(&speed(b)))
            .or_else(|| of_kind().max_by(|a, b| speed(a).total_cmp(&speed(b))))
            .unwrap_or(0)
    }
}

/// Most tasks of one assignment: a coordinate tells 2^50 arrangements apart.
fn chunk(places: usize) -> usize {
    (50.0 / (places as f64).log2()).floor() as usize
}

fn unrolls(library: &Library, task: usize) -> Vec<u64> {
    let own = library.processors.iter().filter(|block| block.task == Some(task));
    let mut unrolls: Vec<u64> = own.map(|block| block.unroll).collect();
    unrolls.sort_unstable();
    unrolls.dedup();
    unrolls
}

/// A block of a system, in terms of the blueprint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// A general processor.
    Processor(usize),
    /// A task's accelerator.
    Accelerator(usize),
    /// A memory.
    Memory(usize),
    /// A bus.
    Bus(usize),
}

/// The system of a blueprint: what is used, and nothing else.
pub(super) struct System {
    /// The design for the simulator.
    pub design: SocDesign,
    /// Its blocks: processors, memories, buses.
    pub parts: Vec<Part>,
}

impl Blueprint {
    /// Buses that hold something, or lie on the way between such; the first always does.
    fn used_buses(&self, parts: &[Part]) -> Vec<usize> {
        let mut used = [false; BUSES];
        used[0] = true;
        for part in parts {
            let mut bus = self.bus(*part);
            while !used[bus] {
                used[bus] = true;
                bus = self.links[bus];
            }
        }
        (0..BUSES).filter(|bus| used[*bus]).collect()
    }

    /// The bus of a processor, an accelerator or a memory; a bus itself.
    pub fn bus(&self, part: Part) -> usize {
        match part {
            Part::Processor(index) => self.processors[index].bus,
            Part::Accelerator(task) => self.accelerators[task].bus,
            Part::Memory(index) => self.memories[index].bus,
            Part::Bus(index) => index,
        }
    }

    /// The block on which a task runs.
    pub fn home(&self, task: usize) -> Part {
        match self.places[task] {
            Place::Processor(index) => Part::Processor(index),
            Place::Accelerator => Part::Accelerator(task),
        }
    }

    /// The system.
    pub fn system(&self, layout: &Layout, model: &Model) -> System {
        let tasks = self.places.len();
        let runs_on = |index: usize| (0..tasks).any(|task| self.places[task] == Place::Processor(index));
        let mut parts: Vec<Part> = (0..PROCESSORS).filter(|p| runs_on(*p)).map(Part::Processor).collect();
        parts.extend((0..tasks).filter(|t| self.places[*t] == Place::Accelerator).map(Part::Accelerator));
        let processors = parts.len();
        let holds = |index: usize| layout.writers.iter().any(|task| self.data[*task] == index);
        parts.extend((0..MEMORIES).filter(|memory| holds(*memory)).map(Part::Memory));
        let memories = parts.len() - processors;
        let buses = self.used_buses(&parts);
        let place = |bus: usize| buses.iter().position(|used| *used == bus).unwrap_or(0);
        let (on_processors, on_memories) = parts.split_at(processors);
        let design = SocDesign {
            processors: on_processors
                .iter()
                .map(|part| match part {
                    Part::Processor(index) => self.processors[*index].block,
                    Part::Accelerator(task) => self.accelerators[*task].block,
                    _ => 0,
                })
                .collect(),
            memories: on_memories
                .iter()
                .map(|part| match part {
                    Part::Memory(index) => {
                        layout.memory(&model.library, self.memories[*index].kind, self.memories[*index].rate)
                    }
                    _ => 0,
                })
                .collect(),
            buses: buses.iter().map(|bus| bus_block(layout, &model.library, self.buses[*bus])).collect(),
            processor_bus: on_processors.iter().map(|part| place(self.bus(*part))).collect(),
            bus_links: buses
                .iter()
                .enumerate()
                .skip(1)
                .map(|(position, bus)| (place(self.links[*bus]), position))
                .collect(),
            memory_links: (0..memories)
                .map(|memory| (place(self.bus(on_memories[memory])), memory))
                .collect(),
            task_processor: (0..tasks)
                .map(|task| on_processors.iter().position(|part| *part == self.home(task)).unwrap_or(0))
                .collect(),
            task_memory: (0..tasks)
                .map(|task| {
                    on_memories.iter().position(|part| *part == Part::Memory(self.data[task])).unwrap_or(0)
                })
                .collect(),
            order: Vec::new(),
        };
        parts.extend(buses.into_iter().map(Part::Bus));
        System { design, parts }
    }
}

fn bus_block(layout: &Layout, library: &Library, rate: usize) -> usize {
    library.buses.iter().position(|block| block.bytes_per_s == layout.bus_rates[rate]).unwrap_or(0)
}
