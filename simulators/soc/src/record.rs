//! Records of designs that FARSI evaluated: what was measured is read over.

use serde::Deserialize;

use crate::design::Design;
use crate::encoding::Arrays;
use crate::error::{Error, Result};
use crate::library::Library;
use crate::workload::Workload;

/// A record. One of `encoding`, `decoded` and `blocks` is the design, the first of them that is there.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Record {
    encoding: Option<Vec<i64>>,
    decoded: Option<Arrays>,
    blocks: Option<Vec<Block>>,
    kernels: Option<Vec<Kernel>>,
}

/// A block of a system as FARSI's explorer left it.
#[derive(Clone, Debug, Deserialize)]
struct Block {
    name: String,
    block: String,
    r#type: Kind,
    neighbours: Vec<String>,
    #[serde(default)]
    tasks: Vec<usize>,
    #[serde(default)]
    writes: Vec<(usize, usize)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Pe,
    Mem,
    Ic,
}

/// A task in the order of the run.
#[derive(Clone, Debug, Deserialize)]
struct Kernel {
    t: usize,
}

impl Record {
    /// Fields that a record may have.
    pub const FIELDS: [&str; 17] = [
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

    /// The design, with the names of its blocks. Errors: indices out of range, blocks that do not exist.
    pub fn design(&self, workload: &Workload, library: &Library) -> Result<(Design, Vec<String>)> {
        let arrays = match (&self.encoding, &self.decoded, &self.blocks) {
            (Some(encoding), ..) => Arrays::from_encoding(encoding, workload)?,
            (_, Some(arrays), _) => arrays.clone(),
            (_, _, Some(blocks)) => return self.system(blocks, workload, library),
            _ => {
                return Err(Error::design(
                    "the record holds no design",
                    "expected `encoding`, `decoded` or `blocks`",
                ));
            }
        };
        let design = arrays.design(workload, library)?;
        let names = design.names();
        Ok((design, names))
    }

    /// A system as it is: nothing will be taken from it, since everything in it is used.
    fn system(
        &self,
        blocks: &[Block],
        workload: &Workload,
        library: &Library,
    ) -> Result<(Design, Vec<String>)> {
        let of = |kind: Kind| -> Vec<&Block> { blocks.iter().filter(|block| block.r#type == kind).collect() };
        let (processors, memories, buses) = (of(Kind::Pe), of(Kind::Mem), of(Kind::Ic));
        let place = |list: &[&Block], name: &String| list.iter().position(|block| block.name == *name);
        let bus = |block: &Block| {
            let found = block.neighbours.iter().find_map(|name| place(&buses, name));
            found.ok_or_else(|| {
                Error::design(
                    format!("block `{}` is on no bus", block.name),
                    "name one among its `neighbours`",
                )
            })
        };
        let mut design = Design {
            task_processor: vec![0; workload.len()],
            task_memory: vec![0; workload.len()],
            order: self.kernels.iter().flatten().map(|kernel| kernel.t).collect(),
            ..Design::default()
        };
        let task = |task: usize| {
            let known = format!("there are {} tasks", workload.len());
            if task < workload.len() {
                Ok(task)
            } else {
                Err(Error::design(format!("task {task} is out of range"), known))
            }
        };
        for (index, block) in processors.iter().enumerate() {
            design.processors.push(library.processor(&block.block)?);
            design.processor_bus.push(bus(block)?);
            for hosted in &block.tasks {
                design.task_processor[task(*hosted)?] = index;
            }
        }
        for (index, block) in memories.iter().enumerate() {
            design.memories.push(library.memory(&block.block)?);
            design.memory_links.push((bus(block)?, index));
            for (writer, _) in &block.writes {
                design.task_memory[task(*writer)?] = index;
            }
        }
        for (index, block) in buses.iter().enumerate() {
            design.buses.push(library.bus(&block.block)?);
            let others = block.neighbours.iter().filter_map(|name| place(&buses, name));
            design.bus_links.extend(others.filter(|other| *other < index).map(|other| (other, index)));
        }
        let mut sorted = design.order.clone();
        sorted.sort_unstable();
        if !sorted.is_empty() && sorted != (0..workload.len()).collect::<Vec<_>>() {
            return Err(Error::design(
                "`kernels` does not name every task once",
                "leave it out, or name all tasks",
            ));
        }
        let names =
            processors.iter().chain(&memories).chain(&buses).map(|block| block.name.clone()).collect();
        Ok((design, names))
    }
}
