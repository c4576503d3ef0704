//! Designs by names, as a person writes them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::design::Design;
use crate::error::{Error, Result};
use crate::library::Library;
use crate::source::Source;
use crate::text::NamedDesign;
use crate::workload::Workload;

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
pub(crate) struct Written {
    #[serde(default)]
    pub workload: Option<String>,
    processors: Vec<Placed>,
    memories: Vec<Placed>,
    buses: Vec<Linked>,
    #[serde(default)]
    tasks: BTreeMap<String, Place>,
    /// Where all other tasks are.
    #[serde(default)]
    others: Option<Place>,
}

impl Written {
    /// The design. Errors: names that do not exist, tasks without a place, each with its place in the text.
    pub fn design(&self, source: &Source, workload: &Workload, library: &Library) -> Result<NamedDesign> {
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
