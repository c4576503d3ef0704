//! Designs as integers: arrays of indices under ArchGym's names, and its flat encoding.

use serde::{Deserialize, Serialize};

use crate::design::Design;
use crate::error::{Error, Result};
use crate::library::Library;
use crate::workload::Workload;

/// A design as arrays of indices, under ArchGym's names; -1 means none.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Arrays {
    /// Per processor: its block in the library.
    pub pe_allocation: Vec<i64>,
    /// Per memory: its block in the library.
    pub mem_allocation: Vec<i64>,
    /// Per bus: its block in the library.
    pub bus_allocation: Vec<i64>,
    /// Per processor: its bus.
    pub pe_to_bus_connection: Vec<i64>,
    /// Per bus: a bus that it is connected to.
    pub bus_to_bus_connection: Vec<i64>,
    /// Per bus: a memory on it.
    #[serde(default)]
    pub bus_to_mem_connection: Vec<i64>,
    /// Per memory: its bus.
    #[serde(default)]
    pub mem_to_bus_connection: Vec<i64>,
    /// Per task: its processor.
    pub task_to_pe_mapping: Vec<i64>,
    /// Per task: the memory that it writes to.
    pub task_to_mem_mapping: Vec<i64>,
}

/// Blocks of each kind in ArchGym's encoding.
const LIMITED: usize = 3;

impl Arrays {
    /// The arrays of ArchGym's encoding: 18 integers about blocks, then a processor and a memory per task.
    ///
    /// # Errors
    /// [`Error::Design`]: another number of integers.
    pub fn from_encoding(encoding: &[i64], workload: &Workload) -> Result<Self> {
        let tasks = workload.len();
        let expected = 6 * LIMITED + 2 * tasks;
        if encoding.len() != expected {
            let message = format!("an encoding of {} integers for `{}`", encoding.len(), workload.name);
            return Err(Error::design(
                message,
                format!(
                    "expected {expected}: 18 for blocks and connections, {tasks} for processors of tasks, {tasks} for their memories; \
                     or name another --workload"
                ),
            ));
        }
        let mut rest = encoding;
        let mut take = |count: usize| {
            let (head, tail) = rest.split_at(count);
            rest = tail;
            head.to_vec()
        };
        Ok(Self {
            pe_allocation: take(LIMITED),
            mem_allocation: take(LIMITED),
            bus_allocation: take(LIMITED),
            pe_to_bus_connection: take(LIMITED),
            bus_to_bus_connection: take(LIMITED),
            bus_to_mem_connection: take(LIMITED),
            mem_to_bus_connection: Vec::new(),
            task_to_pe_mapping: take(tasks),
            task_to_mem_mapping: take(tasks),
        })
    }

    /// The design. Errors: an index out of range, arrays of wrong lengths, connections of blocks that there are not.
    pub fn design(&self, workload: &Workload, library: &Library) -> Result<Design> {
        let blocks = |name: &str, list: &[i64], known: usize| -> Result<Vec<usize>> {
            let used = list.iter().position(|index| *index < 0).unwrap_or(list.len());
            if list[used..].iter().any(|index| *index >= 0) {
                let message = format!("{name}: a block after a place without one");
                return Err(Error::design(message, "put the -1 last"));
            }
            if used == 0 {
                return Err(Error::design(format!("{name}: no blocks"), "give at least one"));
            }
            list[..used].iter().map(|index| within(name, *index, known, "blocks in the library")).collect()
        };
        let processors = blocks("pe_allocation", &self.pe_allocation, library.processors.len())?;
        let memories = blocks("mem_allocation", &self.mem_allocation, library.memories.len())?;
        let buses = blocks("bus_allocation", &self.bus_allocation, library.buses.len())?;
        let links =
            |name: &str, list: &[i64], from: usize, to: usize, what: &str| -> Result<Vec<(usize, usize)>> {
                let mut links = Vec::new();
                for (index, target) in list.iter().enumerate().filter(|(_, target)| **target >= 0) {
                    within(&format!("{name}, its length"), index as i64, from, "such blocks")?;
                    links.push((index, within(name, *target, to, what)?));
                }
                Ok(links)
            };
        let (p, m, b) = (processors.len(), memories.len(), buses.len());
        let processor_links = links("pe_to_bus_connection", &self.pe_to_bus_connection, p, b, "buses")?;
        if processor_links.len() != p {
            let message = format!("pe_to_bus_connection: {} buses for {p} processors", processor_links.len());
            return Err(Error::design(message, "give the bus of every processor"));
        }
        let mut memory_links = links("bus_to_mem_connection", &self.bus_to_mem_connection, b, m, "memories")?;
        let of_memories = links("mem_to_bus_connection", &self.mem_to_bus_connection, m, b, "buses")?;
        memory_links.extend(of_memories.into_iter().map(|(memory, bus)| (bus, memory)));
        let tasks = |name: &str, list: &[i64], known: usize, what: &str| -> Result<Vec<usize>> {
            if list.len() != workload.len() {
                let message = format!("{name}: {} entries for {} tasks", list.len(), workload.len());
                return Err(Error::design(
                    message,
                    format!("give one for every task of `{}`", workload.name),
                ));
            }
            let missing = list.iter().position(|index| *index < 0);
            if let Some(task) = missing {
                let message = format!("{name}: task `{}` has none", workload.tasks[task]);
                return Err(Error::design(message, format!("give the index of one of the {known} {what}")));
            }
            list.iter().map(|index| within(name, *index, known, what)).collect()
        };
        Ok(Design {
            processor_bus: processor_links.into_iter().map(|(_, bus)| bus).collect(),
            bus_links: links("bus_to_bus_connection", &self.bus_to_bus_connection, b, b, "buses")?,
            memory_links,
            task_processor: tasks("task_to_pe_mapping", &self.task_to_pe_mapping, p, "processors")?,
            task_memory: tasks("task_to_mem_mapping", &self.task_to_mem_mapping, m, "memories")?,
            processors,
            memories,
            buses,
            order: Vec::new(),
        })
    }
}

fn within(name: &str, index: i64, count: usize, what: &str) -> Result<usize> {
    usize::try_from(index).ok().filter(|index| *index < count).ok_or_else(|| {
        let message = format!("{name}: {index} is out of range");
        Error::design(message, format!("there are {count} {what}: 0 to {}", count.saturating_sub(1)))
    })
}
