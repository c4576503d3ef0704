//! The block library: processors, accelerators, memories and buses that a design is built from, and what memories cost by size.
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::source::{Source, read_text};
use crate::workload::Workload;

/// Kind of a memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum MemoryKind {
    /// Stacked DRAM.
    Dram,
    /// On-chip SRAM.
    Sram,
}

/// A processor or an accelerator.
#[derive(Clone, Debug, PartialEq)]
pub struct Processor {
    /// Its name, such as `A53_pe` or `computeGradient_IP0_4_8_pe` (unrolled 4 times, 800 MHz).
    pub name: String,
    /// The one task of an accelerator; `None` for a processor that runs everything.
    pub task: Option<usize>,
    /// Peak rate, in instructions per second.
    pub instructions_per_s: f64,
    /// Instructions per joule.
    pub instructions_per_j: f64,
    /// Area where it is used, in square metres.
    pub area_m2: f64,
    /// How often the loop of an accelerator is unrolled; 0 for a processor.
    pub unroll: u64,
    /// Clock of an accelerator, in 100 MHz; 0 for a processor.
    pub frequency: f64,
}

/// A memory. Its energy and area follow from its kind and the size that the design needs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Memory {
    /// Its name.
    pub name: String,
    /// Its kind.
    pub kind: MemoryKind,
    /// Peak rate of each direction, in bytes per second.
    pub bytes_per_s: f64,
}

/// A bus. It has neither energy nor area in this model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bus {
    /// Its name.
    pub name: String,
    /// Peak rate of each channel, in bytes per second.
    pub bytes_per_s: f64,
}

/// A general processor as it is written.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ProcessorFile {
    name: String,
    instructions_per_s: f64,
    instructions_per_j: f64,
    area_m2: f64,
}

/// A library as it is written; what is left out is as in FARSI.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename = "Library")]
struct LibraryFile {
    processors: Vec<ProcessorFile>,
    memories: Vec<Memory>,
    buses: Vec<Bus>,
    /// Clocks of accelerators, in 100 MHz.
    accelerator_frequencies: Vec<f64>,
    /// Technology factors from the figures of accelerators.
    accelerator_energy_factor: f64,
    accelerator_area_factor: f64,
    /// Technology factors from CACTI's 40 nm.
    memory_energy_factor: f64,
    memory_area_factor: f64,
}

/// Clocks of the library, in 100 MHz, and widths of memories and buses, in bytes.
const FREQUENCIES: [f64; 4] = [1.0, 4.0, 6.0, 8.0];
const WIDTHS: [f64; 6] = [4.0, 8.0, 16.0, 32.0, 64.0, 128.0];
/// One unit of `FREQUENCIES`, in hertz; accelerators are measured at it.
const BASE_CLOCK_HZ: f64 = 1e8;

impl Default for LibraryFile {
    fn default() -> Self {
        let (mut memories, mut buses) = (Vec::new(), Vec::new());
        for (kind, letter) in [(MemoryKind::Dram, 'G'), (MemoryKind::Sram, 'L')] {
            for (k, width) in WIDTHS.iter().enumerate() {
                for f in FREQUENCIES {
                    let name = format!("{letter}MEM_{k}_{f}_mem");
                    memories.push(Memory { name, kind, bytes_per_s: f * width * BASE_CLOCK_HZ });
                }
            }
        }
        for (k, width) in WIDTHS.iter().enumerate() {
            for f in FREQUENCIES {
                let name = format!("LMEM_ic_{k}_{f}_ic");
                buses.push(Bus { name, bytes_per_s: f * width * BASE_CLOCK_HZ });
            }
        }
        let a53 = ProcessorFile {
            name: "A53_pe".into(),
            instructions_per_s: 2e9,
            instructions_per_j: 47_019_607_843.0,
            area_m2: 6.5e-7,
        };
        Self {
            processors: vec![a53],
            memories,
            buses,
            accelerator_frequencies: FREQUENCIES.to_vec(),
            accelerator_energy_factor: 0.064,
            accelerator_area_factor: 0.0374,
            memory_energy_factor: 0.064,
            memory_area_factor: 0.07,
        }
    }
}

/// The blocks that a design of one workload may use. Blocks are indices within their kind.
#[derive(Clone, Debug)]
pub struct Library {
    /// General processors first, then the accelerators of each task: unrolling outermost, then frequency.
    pub processors: Vec<Processor>,
    /// Memories.
    pub memories: Vec<Memory>,
    /// Buses.
    pub buses: Vec<Bus>,
    table: [Vec<MemoryCost>; 2],
}

/// What a memory of one size costs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MemoryCost {
    /// Energy of reading a byte, in joules.
    pub read_j: f64,
    /// Energy of writing a byte, in joules.
    pub write_j: f64,
    /// Area, in square metres.
    pub area_m2: f64,
}

/// Sizes of the table are multiples of this, in bytes.
const SIZE_STEP: f64 = 256_000.0;
/// Least size of a memory, in bytes.
const LEAST_SIZE: f64 = 2048.0;

impl Library {
    /// FARSI's library for a workload.
    pub fn farsi(workload: &Workload) -> Self {
        LibraryFile::default().build(workload)
    }

    /// Reads a library from a file, for a workload; what the file leaves out is as in FARSI.
    ///
    /// # Errors
    /// [`Error::Io`] if it cannot be read, [`Error::Source`] with line and column if it is wrong.
    pub fn from_file(path: impl AsRef<Path>, workload: &Workload) -> Result<Self> {
        let path = path.as_ref();
        Self::from_text(&read_text(path)?, &path.display().to_string(), workload)
    }

    /// Reads a library from a text; `file` is its name in messages.
    ///
    /// # Errors
    /// [`Error::Source`] with line and column: a rate of zero, a repeated name, an empty list.
    pub fn from_text(text: &str, file: &str, workload: &Workload) -> Result<Self> {
        let source = Source { file, text };
        let parsed: LibraryFile = source.read()?;
        parsed.check(&source)?;
        Ok(parsed.build(workload))
    }

    /// What a memory costs that holds at most `peak_bytes` at a time; `None` beyond the table's end (67 MB DRAM, 65 MB SRAM).
    pub fn memory_cost(&self, kind: MemoryKind, peak_bytes: f64) -> Option<MemoryCost> {
        let steps = (peak_bytes.ceil().max(LEAST_SIZE) / SIZE_STEP).ceil() as usize;
        self.table[kind as usize].get(steps - 1).copied()
    }

    /// The largest memory in the table, in bytes.
    pub fn largest_memory_bytes(&self, kind: MemoryKind) -> f64 {
        self.table[kind as usize].len() as f64 * SIZE_STEP
    }

    /// The index of a processor. Errors: none has this name.
    pub fn processor(&self, name: &str) -> Result<usize> {
        find("processor", name, self.processors.iter().map(|block| &block.name))
    }

    /// The index of a memory. Errors: none has this name.
    pub fn memory(&self, name: &str) -> Result<usize> {
        find("memory", name, self.memories.iter().map(|block| &block.name))
    }

    /// The index of a bus. Errors: none has this name.
    pub fn bus(&self, name: &str) -> Result<usize> {
        find("bus", name, self.buses.iter().map(|block| &block.name))
    }
}

fn find<'a>(
    what: &'static str,
    name: &str,
    names: impl Iterator<Item = &'a String> + Clone,
) -> Result<usize> {
    names.clone().position(|known| known == name).ok_or_else(|| Error::unknown(what, name, names.cloned()))
}

/// How often a loop may be unrolled: powers of two, 16 of them where there are more than 17, and all of it.
pub fn unrollings(iterations: u64) -> Vec<u64> {
    let mut list: Vec<u64> = (0..=iterations.max(1).ilog2()).map(|power| 1 << power).collect();
    if list.len() > 17 {
        list.truncate(16);
    }
    if list.last() != Some(&iterations.max(1)) {
        list.push(iterations);
    }
    list
}

impl LibraryFile {
    fn build(self, workload: &Workload) -> Library {
        let general = self.processors.iter().map(|block| Processor {
            name: block.name.clone(),
            task: None,
            instructions_per_s: block.instructions_per_s,
            instructions_per_j: block.instructions_per_j,
            area_m2: block.area_m2,
            unroll: 0,
            frequency: 0.0,
        });
        let mut processors: Vec<Processor> = general.collect();
        for accelerator in &workload.accelerators {
            let (task, work) = (accelerator.task, workload.work[accelerator.task]);
            for unroll in unrollings(accelerator.iterations) {
                let u = unroll as f64;
                for f in &self.accelerator_frequencies {
                    processors.push(Processor {
                        name: format!("{}_IP0_{unroll}_{f}_pe", workload.tasks[task]),
                        task: Some(task),
                        instructions_per_s: f * u * work / (accelerator.cycles / BASE_CLOCK_HZ),
                        instructions_per_j: work
                            / (u * self.accelerator_energy_factor * accelerator.energy_fj * 1e-15),
                        area_m2: u * self.accelerator_area_factor * accelerator.area_um2 * 1e-12,
                        unroll,
                        frequency: *f,
                    });
                }
            }
        }
        let table = memory_table(self.memory_energy_factor, self.memory_area_factor);
        Library { processors, memories: self.memories, buses: self.buses, table }
    }

    fn check(&self, source: &Source) -> Result<()> {
        let mut names: Vec<&str> = Vec::new();
        let mut figures: Vec<(&str, &str, f64)> = Vec::new();
        for block in &self.processors {
            names.push(&block.name);
            figures.push((&block.name, "instructions_per_s", block.instructions_per_s));
            figures.push((&block.name, "instructions_per_j", block.instructions_per_j));
            figures.push((&block.name, "area_m2", block.area_m2));
        }
        for block in &self.memories {
            names.push(&block.name);
            figures.push((&block.name, "bytes_per_s", block.bytes_per_s));
        }
        for block in &self.buses {
            names.push(&block.name);
            figures.push((&block.name, "bytes_per_s", block.bytes_per_s));
        }
        for f in &self.accelerator_frequencies {
            figures.push(("", "accelerator_frequencies", *f));
        }
        figures.push(("", "accelerator_energy_factor", self.accelerator_energy_factor));
        figures.push(("", "accelerator_area_factor", self.accelerator_area_factor));
        figures.push(("", "memory_energy_factor", self.memory_energy_factor));
        figures.push(("", "memory_area_factor", self.memory_area_factor));
        for (block, figure, value) in figures {
            if !(value.is_finite() && value > 0.0) {
                let message = if block.is_empty() {
                    format!("the library has {figure}: {value}")
                } else {
                    format!("block `{block}` has {figure}: {value}")
                };
                return Err(source.about(
                    block,
                    0,
                    message,
                    "give a number above 0: nothing would ever get done",
                ));
            }
        }
        if let Some(index) = (1..names.len()).find(|index| names[..*index].contains(&names[*index])) {
            let message = format!("two blocks are called `{}`", names[index]);
            return Err(source.about(names[index], 1, message, "rename one of them"));
        }
        for (list, empty) in [
            ("processors", self.processors.is_empty()),
            ("memories", self.memories.is_empty()),
            ("buses", self.buses.is_empty()),
        ] {
            if empty {
                let message = format!("the library has no {list}");
                return Err(source.about(
                    "",
                    0,
                    message,
                    format!("give one, or leave `{list}` out to have FARSI's"),
                ));
            }
        }
        Ok(())
    }
}

/// Costs by multiples of `SIZE_STEP`, per kind, from CACTI 7 (40 nm, 16 bytes per access).
fn memory_table(energy_factor: f64, area_factor: f64) -> [Vec<MemoryCost>; 2] {
    let mut table = [Vec::new(), Vec::new()];
    for line in include_str!("../tables/memory.csv").lines().skip(1) {
        let mut cells = line.split(',');
        let kind = if cells.next() == Some("sram") { MemoryKind::Sram } else { MemoryKind::Dram };
        let mut numbers = cells.skip(1).map(|cell| cell.parse::<f64>().unwrap_or(f64::NAN));
        let mut next = || numbers.next().unwrap_or(f64::NAN);
        let per_byte = |nj: f64| nj * 1e-9 / 16.0 * energy_factor;
        let cost = MemoryCost {
            read_j: per_byte(next()),
            write_j: per_byte(next()),
            area_m2: next() * 1e-6 * area_factor,
        };
        table[kind as usize].push(cost);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_library_has_farsis_blocks_in_farsis_order() {
        for (name, processors) in [("audio_decoder", 301), ("edge_detection", 377), ("hpvm_cava", 253)] {
            let library = Library::farsi(&Workload::builtin(name).unwrap());
            let counts = (library.processors.len(), library.memories.len(), library.buses.len());
            assert_eq!(counts, (processors, 48, 24), "{name}");
        }
        let library = Library::farsi(&Workload::builtin("audio_decoder").unwrap());
        assert_eq!(library.processors[1].name, "rotatorSet_fxp_cloned_IP0_1_1_pe");
        let block = &library.processors[library.processor("rotateOrder1_fxp_cloned_IP0_512_8_pe").unwrap()];
        assert!((block.instructions_per_s / 13_372_414_779_499.404 - 1.0).abs() < 1e-14);
        assert!((block.instructions_per_j / 5.933048445637371e16 - 1.0).abs() < 1e-14);
        assert_eq!(library.memories[35].name, "LMEM_2_8_mem");
        assert_eq!(library.buses[4].bytes_per_s, 8e8);
    }

    #[test]
    fn memories_are_complete_and_end_where_cactis_table_ends() {
        let library = Library::farsi(&Workload::builtin("hpvm_cava").unwrap());
        for (kind, steps) in [(MemoryKind::Dram, 262), (MemoryKind::Sram, 253)] {
            assert_eq!(library.table[kind as usize].len(), steps);
            assert!(
                library.table[kind as usize]
                    .iter()
                    .all(|c| c.read_j > 0.0 && c.write_j > 0.0 && c.area_m2 > 0.0)
            );
            assert!(library.memory_cost(kind, library.largest_memory_bytes(kind)).is_some());
            assert!(library.memory_cost(kind, library.largest_memory_bytes(kind) + 1.0).is_none());
        }
        let cost = library.memory_cost(MemoryKind::Dram, 0.0).unwrap();
        assert!(
            (cost.area_m2 / 3.344222e-8 - 1.0).abs() < 1e-12
                && (cost.read_j / 2.3786080000000007e-13 - 1.0).abs() < 1e-12
        );
    }

    #[test]
    fn loops_are_unrolled_by_powers_of_two_and_wholly() {
        assert_eq!(unrollings(1), [1]);
        assert_eq!(unrollings(151), [1, 2, 4, 8, 16, 32, 64, 128, 151]);
        let long = unrollings(1_638_400);
        assert_eq!((long.len(), long[15], long[16]), (17, 32_768, 1_638_400));
    }

    #[test]
    fn a_rate_of_zero_is_refused_with_its_place() {
        let workload = Workload::builtin("hpvm_cava").unwrap();
        let text = "(\n  buses: [(name: \"slow\", bytes_per_s: 0)],\n)";
        let error =
            Library::from_text(text, "lib.ron", &workload).err().map(|e| e.to_string()).unwrap_or_default();
        assert!(error.contains("lib.ron:2:18") && error.contains("`slow` has bytes_per_s: 0"), "{error}");
    }
}
