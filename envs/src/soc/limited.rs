//! `soc-limited-v0`: ArchGym's encoding of FARSI, 18 + 2 T integers for T tasks.
//!
//! As it is: three processors (a Cortex-A53, or the first accelerator of the library), three DRAMs of the four lowest rates, three buses of
//! the four lowest rates, and one memory for all that a task writes. Most designs are infeasible (a bus connected to itself, a memory on two
//! buses, a task on a foreign accelerator, something that cannot be reached), and none meets the budgets: a space to compare with published
//! curves. `soc-v0` is the one to search in.

use super::Soc;
use crate::prelude::*;
use hwgym_simulators::soc::Arrays;

/// Blocks of each kind.
const BLOCKS: usize = 3;

/// The registry entry.
pub fn entry() -> EnvEntry {
    super::documented(EnvEntry::new(
        "soc-limited-v0",
        "a system on chip in ArchGym's encoding of FARSI; no design in it meets the budgets",
        |options| Ok(Box::new(Limited::new(options)?)),
    ))
}

struct Limited {
    soc: Soc,
    space: DesignSpace,
}

impl Limited {
    fn new(options: &Options) -> Result<Self, EnvError> {
        let soc = Soc::new(options)?;
        let space = space(&soc)?;
        Ok(Self { soc, space })
    }
}

/// The parameters, in the order of the encoding.
fn space(soc: &Soc) -> Result<DesignSpace, EnvError> {
    let library = &soc.model.library;
    let most = |count: usize, limit: usize| count.min(limit) as i64 - 1;
    let arrays = [
        (
            "pe_allocation",
            0,
            most(library.processors.len(), 2),
            "block: 0 a processor, 1 the first accelerator",
        ),
        ("mem_allocation", 0, most(library.memories.len(), 4), "block: a memory of the library"),
        ("bus_allocation", 0, most(library.buses.len(), 4), "block: a bus of the library"),
        ("pe_to_bus", 0, 2, "the bus of the processor"),
        ("bus_to_bus", -1, 2, "a bus that the bus is connected to; -1: none"),
        ("bus_to_mem", -1, 2, "a memory on the bus; -1: none"),
    ];
    let mut parameters = Vec::new();
    let mut groups =
        vec![Group::new("allocation", Vec::<String>::new()), Group::new("topology", Vec::<String>::new())];
    for (index, (name, low, high, what)) in arrays.into_iter().enumerate() {
        for block in 0..BLOCKS {
            let name = format!("{name}_{block}");
            parameters.push(Parameter::integer(&name, low, high).describe(what));
            groups[usize::from(index >= 3)].parameters.push(name);
        }
    }
    for (group, suffix, what) in [
        ("task-mapping", "pe", "the processor that runs the task"),
        ("data-mapping", "mem", "the memory that the task writes to"),
    ] {
        let names = soc.model.workload.tasks.iter().map(|task| format!("{task}_to_{suffix}"));
        let names: Vec<String> = names.collect();
        parameters.extend(names.iter().map(|name| Parameter::integer(name, 0, 2).describe(what)));
        groups.push(Group::new(group, names));
    }
    Ok(DesignSpace::new(parameters)?.with_groups(groups)?)
}

impl Env for Limited {
    fn id(&self) -> &str {
        "soc-limited-v0"
    }

    fn space(&self) -> &DesignSpace {
        &self.space
    }

    fn metrics(&self) -> &[Metric] {
        &self.soc.metrics
    }

    fn evaluate(&self, design: &Design, _: Fidelity) -> Outcome {
        let encoding: Vec<i64> =
            (0..self.space.len()).map(|index| self.space.number(design, index) as i64).collect();
        let model = &self.soc.model;
        let decoded = Arrays::from_encoding(&encoding, &model.workload)
            .and_then(|arrays| arrays.design(&model.workload, &model.library));
        match decoded {
            Ok(design) => self.soc.outcome(&design),
            Err(error) => Outcome::failed(error.to_string()),
        }
    }

    fn objectives(&self) -> Vec<Objective> {
        self.soc.objectives()
    }

    fn provenance(&self) -> Vec<(String, String)> {
        self.soc.provenance()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_space_is_archgyms() {
        for (workload, tasks) in [("audio_decoder", 18), ("edge_detection", 8), ("hpvm_cava", 9)] {
            let env = Limited::new(&Options::ron(format!("(workload: \"{workload}\")"))).unwrap();
            assert_eq!(env.space.len(), 18 + 2 * tasks);
            let size = 2u128.pow(3) * 4u128.pow(12) * 3u128.pow(3 + 2 * tasks as u32);
            assert_eq!(env.space.size(), Some(size), "{workload}");
        }
    }

    #[test]
    fn a_golden_encoding_has_its_latency() {
        let env = Limited::new(&Options::ron("(workload: \"audio_decoder\", farsi_compat: true)")).unwrap();
        let encoding = [
            0, 0, 0, 3, 1, 1, 0, 0, 2, 0, 0, 1, 1, 2, 1, -1, 1, 0, 0, 0, 2, 0, 2, 1, 2, 1, 1, 0, 2, 1, 1, 0,
            1, 0, 0, 0, 1, 0, 1, 0, 0, 1, 0, 1, 1, 1, 0, 0, 0, 0, 0, 0, 1, 1,
        ];
        let names = env.space.parameters().iter().map(|parameter| parameter.name.clone());
        let values = encoding.iter().map(|value| crate::Value::from(*value as i64));
        let design = env.space.design(names.zip(values)).unwrap();
        let outcome = env.evaluate(&design, Fidelity::FULL);
        let metrics = outcome.metrics().unwrap();
        assert!(
            (metrics[0] / 0.008838869 - 1.0).abs() < 1e-12
                && (metrics[5] / 3.375056718674955 - 1.0).abs() < 1e-12
        );
    }
}
