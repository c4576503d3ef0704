//! How designs are written: ArchGym's integers, arrays of indices, or names.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::design::Design;
use crate::error::{Error, Result};
use crate::library::Library;
use crate::source::{Source, read_text};
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
        })
    }
}

fn within(name: &str, index: i64, count: usize, what: &str) -> Result<usize> {
    usize::try_from(index).ok().filter(|index| *index < count).ok_or_else(|| {
        let message = format!("{name}: {index} is out of range");
        Error::design(message, format!("there are {count} {what}: 0 to {}", count.saturating_sub(1)))
    })
}

/// A block on a bus.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Placed {
    name: String,
    block: String,
    bus: String,
}

/// A bus and the buses that it is connected to.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Linked {
    name: String,
    block: String,
    #[serde(default)]
    to: Vec<String>,
}

/// Where a task runs, and where it writes to.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Place {
    processor: String,
    memory: String,
}

/// A design by names, as a person writes it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename = "Design")]
struct Written {
    #[serde(default)]
    workload: Option<String>,
    processors: Vec<Placed>,
    memories: Vec<Placed>,
    buses: Vec<Linked>,
    #[serde(default)]
    tasks: BTreeMap<String, Place>,
    /// Where all other tasks are.
    #[serde(default)]
    others: Option<Place>,
}

/// Parts of a golden record; what was measured is read over.
const RECORD: [&str; 17] = [
    "id",
    "workload",
    "source",
    "routing_complete",
    "encoding",
    "decoded",
    "alloc",
    "result",
    "blocks",
    "kernels",
    "phases",
    "seed",
    "eval",
    "strict",
    "archgym_step",
    "latency_s",
    "mode",
];

/// A design with the names of its blocks, as it was read.
#[derive(Clone, Debug)]
pub struct NamedDesign {
    /// The design.
    pub design: Design,
    /// Names of processors, then memories, then buses.
    pub names: Vec<String>,
}

/// A text that holds a design, before it is known for what.
#[derive(Clone, Debug)]
pub struct DesignText {
    file: String,
    text: String,
}

impl DesignText {
    /// Reads a file. Errors: [`Error::Io`].
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        Ok(Self { file: path.display().to_string(), text: read_text(path)? })
    }

    /// A text; `file` is its name in messages.
    pub fn new(text: impl Into<String>, file: impl Into<String>) -> Self {
        Self { file: file.into(), text: text.into() }
    }

    /// The workload that the text names, if it does. Errors: a text that does not read.
    pub fn workload(&self) -> Result<Option<String>> {
        #[derive(Deserialize)]
        struct Named {
            #[serde(default)]
            workload: Option<String>,
        }
        let source = self.source();
        if source.is_json() {
            Ok(source.read::<Named>()?.workload)
        } else {
            Ok(source.read::<Written>()?.workload)
        }
    }

    /// The design. Errors: a text that does not read, names and indices that do not exist, tasks without a place.
    pub fn design(&self, workload: &Workload, library: &Library) -> Result<NamedDesign> {
        let source = self.source();
        if !source.is_json() {
            return source.read::<Written>()?.design(&source, workload, library);
        }
        let value: serde_json::Value = source.read()?;
        let arrays = if value.get("encoding").is_some() || value.get("decoded").is_some() {
            self.record(&value, workload)?
        } else if value.get("pe_allocation").is_some() {
            source.read::<Arrays>()?
        } else {
            return source.read::<Written>()?.design(&source, workload, library);
        };
        let design = arrays.design(workload, library).map_err(|error| self.place(error))?;
        let name = |letter: char, count: usize| (0..count).map(move |index| format!("{letter}{index}"));
        let names = name('P', design.processors.len())
            .chain(name('M', design.memories.len()))
            .chain(name('B', design.buses.len()));
        Ok(NamedDesign { names: names.collect(), design })
    }

    fn source(&self) -> Source<'_> {
        Source { file: &self.file, text: &self.text }
    }

    /// The same error with the name of the file.
    fn place(&self, error: Error) -> Error {
        match error {
            Error::Design { message, remedy } => Error::design(format!("{}: {message}", self.file), remedy),
            other => other,
        }
    }

    fn record(&self, value: &serde_json::Value, workload: &Workload) -> Result<Arrays> {
        let fields = value.as_object().map(|object| object.keys().map(String::as_str)).into_iter().flatten();
        for field in fields {
            if !RECORD.contains(&field) {
                return Err(Error::unknown("field of a record", field, RECORD));
            }
        }
        let wrong = |error: serde_json::Error| {
            self.place(Error::design(
                error.to_string(),
                "see simulators/soc/README.md for the forms of a design",
            ))
        };
        if let Some(decoded) = value.get("decoded") {
            return serde_json::from_value(decoded.clone()).map_err(wrong);
        }
        let encoding: Vec<i64> = serde_json::from_value(value["encoding"].clone()).map_err(wrong)?;
        Arrays::from_encoding(&encoding, workload).map_err(|error| self.place(error))
    }
}

impl Written {
    fn design(&self, source: &Source, workload: &Workload, library: &Library) -> Result<NamedDesign> {
        let processors = self.processors.iter().map(|block| (&block.name, &block.block));
        let memories = self.memories.iter().map(|block| (&block.name, &block.block));
        let buses = self.buses.iter().map(|block| (&block.name, &block.block));
        let names: Vec<String> = processors
            .clone()
            .chain(memories.clone())
            .chain(buses.clone())
            .map(|block| block.0.clone())
            .collect();
        if let Some(index) = (1..names.len()).find(|index| names[..*index].contains(&names[*index])) {
            let message = format!("two blocks are called `{}`", names[index]);
            return Err(source.about(&names[index], 1, message, "rename one of them"));
        }
        for (kind, empty) in [
            ("processors", self.processors.is_empty()),
            ("memories", self.memories.is_empty()),
            ("buses", self.buses.is_empty()),
        ] {
            if empty {
                return Err(source.about("", 0, format!("the design has no {kind}"), "give at least one"));
            }
        }
        let place = |error: Error, name: &str| match error {
            Error::UnknownName { what, expected, .. } => {
                let meant = crate::error::closest(name, expected.iter().map(String::as_str))
                    .map_or_else(String::new, |best| format!(", did you mean `{best}`?"));
                let shown = expected[..expected.len().min(8)].join(", ");
                source.about(name, 0, format!("unknown {what} `{name}`{meant}"), format!("such as: {shown}"))
            }
            other => other,
        };
        let find = |name: &str, kind: &'static str, list: &[&String]| {
            list.iter().position(|known| *known == name).ok_or_else(|| {
                place(Error::unknown(kind, name, list.iter().map(|known| known.as_str())), name)
            })
        };
        let processor_names: Vec<&String> = processors.clone().map(|block| block.0).collect();
        let memory_names: Vec<&String> = memories.clone().map(|block| block.0).collect();
        let bus_names: Vec<&String> = buses.clone().map(|block| block.0).collect();
        let mut design = Design::default();
        for (_, block) in processors {
            design.processors.push(library.processor(block).map_err(|error| place(error, block))?);
        }
        for (_, block) in memories {
            design.memories.push(library.memory(block).map_err(|error| place(error, block))?);
        }
        for (_, block) in buses {
            design.buses.push(library.bus(block).map_err(|error| place(error, block))?);
        }
        for block in &self.processors {
            design.processor_bus.push(find(&block.bus, "bus of this design", &bus_names)?);
        }
        for (index, bus) in self.buses.iter().enumerate() {
            for to in &bus.to {
                design.bus_links.push((index, find(to, "bus of this design", &bus_names)?));
            }
        }
        for (index, memory) in self.memories.iter().enumerate() {
            design.memory_links.push((find(&memory.bus, "bus of this design", &bus_names)?, index));
        }
        for name in self.tasks.keys() {
            workload.task(name).map_err(|error| place(error, name))?;
        }
        for task in &workload.tasks {
            let Some(at) = self.tasks.get(task).or(self.others.as_ref()) else {
                let message = format!("task `{task}` of `{}` has no processor and no memory", workload.name);
                let remedy =
                    format!("add `\"{task}\": (processor: ..., memory: ...)` to `tasks`, or give `others`");
                return Err(source.about(task, 0, message, remedy));
            };
            design.task_processor.push(find(&at.processor, "processor of this design", &processor_names)?);
            design.task_memory.push(find(&at.memory, "memory of this design", &memory_names)?);
        }
        Ok(NamedDesign { design, names })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> std::result::Result<NamedDesign, String> {
        let workload = Workload::builtin("edge_detection").map_err(|error| error.to_string())?;
        let library = Library::farsi(&workload);
        DesignText::new(text, "d").design(&workload, &library).map_err(|error| error.to_string())
    }

    const WRITTEN: &str = "(\n  processors: [(name: \"cpu\", block: \"A53_pe\", bus: \"main\")],\n  \
        memories: [(name: \"ram\", block: \"GMEM_0_1_mem\", bus: \"main\")],\n  \
        buses: [(name: \"main\", block: \"LMEM_ic_0_1_ic\")],\n  others: (processor: \"cpu\", memory: \"ram\"),\n)";

    #[test]
    fn names_and_integers_say_the_same() {
        let named = read(WRITTEN).unwrap();
        let zeros = |count: usize| vec!["0"; count].join(", ");
        let arrays = format!(
            "{{\"pe_allocation\": [0], \"mem_allocation\": [0], \"bus_allocation\": [0], \"pe_to_bus_connection\": [0], \
             \"bus_to_bus_connection\": [-1], \"mem_to_bus_connection\": [0], \"task_to_pe_mapping\": [{}], \
             \"task_to_mem_mapping\": [{}]}}",
            zeros(8),
            zeros(8)
        );
        assert_eq!(named.design, read(&arrays).unwrap().design);
        assert_eq!(named.names, ["cpu", "ram", "main"]);
    }

    #[test]
    fn what_does_not_exist_is_named_with_its_place() {
        let error = |from: &str, to: &str| read(&WRITTEN.replace(from, to)).err().unwrap_or_default();
        let block = error("A53_pe", "A35_pe");
        assert!(block.contains("d:2:") && block.contains("did you mean `A53_pe`"), "{block}");
        assert!(
            error("bus: \"main\")],\n  memories", "bus: \"mian\")],\n  memories")
                .contains("bus of this design `mian`")
        );
        let homeless = error("others: (processor: \"cpu\", memory: \"ram\")", "tasks: {}");
        assert!(homeless.contains("task `souurce` of `edge_detection` has no processor"), "{homeless}");
        let short = read("{\"encoding\": [0, 1]}").err().unwrap_or_default();
        assert!(short.contains("expected 34"), "{short}");
    }
}
