//! Why a design has no latency, power or area.

use std::fmt;

/// What is wrong with a design. Blocks and tasks are indices.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Infeasible {
    /// A bus is connected to itself.
    BusToItself {
        /// The first such bus.
        bus: usize,
        /// How many there are.
        count: usize,
    },
    /// No bus has a memory.
    NoBusHasMemory,
    /// A memory is on several buses.
    MemoryOnSeveralBuses {
        /// The first such memory.
        memory: usize,
        /// How many connections there are too many.
        count: usize,
    },
    /// A task is on an accelerator that is for another one.
    TaskProcessorMismatch {
        /// The first such task.
        task: usize,
        /// Its processor.
        processor: usize,
        /// How many such tasks there are.
        count: usize,
    },
    /// A task's processor cannot be reached from the first one.
    ProcessorUnreachable {
        /// The first such task.
        task: usize,
        /// How many such tasks there are.
        count: usize,
    },
    /// No memory can be reached from the first processor, once buses without common traffic are apart.
    NoReachableMemory,
    /// FARSI's rules: none of the tasks of a processor moves data over a bus.
    SilentProcessor {
        /// The processor.
        processor: usize,
    },
    /// A task writes to a memory that no bus connects to its processor.
    LooseMemory {
        /// The first such task.
        task: usize,
        /// Its memory.
        memory: usize,
        /// How many such tasks there are.
        count: usize,
    },
    /// A memory would have to be larger than the table of costs.
    MemoryTooLarge {
        /// The memory.
        memory: usize,
        /// Bytes that it must hold.
        bytes: f64,
        /// Bytes of the largest one.
        limit: f64,
    },
    /// Nothing runs any more, and not everything is done.
    Deadlock {
        /// A task that never started.
        task: usize,
    },
}

impl Infeasible {
    /// The name of the reason: FARSI's and ArchGym's, where they have one.
    pub fn code(&self) -> &'static str {
        match self {
            Self::BusToItself { .. } => "bus_to_itself_connection",
            Self::NoBusHasMemory => "no_bus_is_connected_to_mem",
            Self::MemoryOnSeveralBuses { .. } => "mem_multiple_neighbour",
            Self::TaskProcessorMismatch { .. } => "task_pe_compatibility",
            Self::ProcessorUnreachable { .. } => "build_IndexError",
            Self::NoReachableMemory => "build_AssertionError",
            Self::SilentProcessor { .. } => "eval_IndexError",
            Self::LooseMemory { .. } => "memory_unreachable",
            Self::MemoryTooLarge { .. } => "memory_too_large",
            Self::Deadlock { .. } => "deadlock",
        }
    }

    /// How much is wrong: a count of tasks or connections, or the excess over a limit as a part of it. Above 0.
    pub fn amount(&self) -> f64 {
        match self {
            Self::BusToItself { count, .. }
            | Self::MemoryOnSeveralBuses { count, .. }
            | Self::TaskProcessorMismatch { count, .. }
            | Self::ProcessorUnreachable { count, .. }
            | Self::LooseMemory { count, .. } => *count as f64,
            Self::MemoryTooLarge { bytes, limit, .. } => (bytes / limit - 1.0).max(f64::MIN_POSITIVE),
            Self::NoBusHasMemory
            | Self::NoReachableMemory
            | Self::SilentProcessor { .. }
            | Self::Deadlock { .. } => 1.0,
        }
    }
}

impl fmt::Display for Infeasible {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BusToItself { bus, .. } => write!(f, "bus {bus} is connected to itself"),
            Self::NoBusHasMemory => write!(f, "no bus has a memory"),
            Self::MemoryOnSeveralBuses { memory, .. } => write!(f, "memory {memory} is on several buses"),
            Self::TaskProcessorMismatch { task, processor, .. } => {
                write!(f, "task {task} is on processor {processor}, an accelerator for another task")
            }
            Self::ProcessorUnreachable { task, .. } => {
                write!(f, "no path of buses leads from processor 0 to the processor of task {task}")
            }
            Self::NoReachableMemory => write!(f, "no memory can be reached from processor 0"),
            Self::SilentProcessor { processor } => {
                write!(f, "no task of processor {processor} moves data over a bus")
            }
            Self::LooseMemory { task, memory, .. } => {
                write!(f, "task {task} writes to memory {memory}, which no bus connects to its processor")
            }
            Self::MemoryTooLarge { memory, bytes, limit } => {
                write!(f, "memory {memory} must hold {bytes} bytes; the table of costs ends at {limit}")
            }
            Self::Deadlock { task } => {
                write!(f, "task {task} never starts: nothing runs that it could wait for")
            }
        }
    }
}
