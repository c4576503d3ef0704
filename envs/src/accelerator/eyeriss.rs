//! `accelerator-eyeriss-v1`: a row-stationary accelerator for a whole network, ArchGym's TimeloopGym space.
use hwgym_simulators::accelerator::{
    Result,
    timeloop::{Architecture, Constraints},
};
use serde::Deserialize;

use super::{
    Version,
    network_env::{self, Template},
    network_mapper,
    template::{Class, Eyeriss, Storage},
};
use crate::objective::Target;
use crate::prelude::*;

/// The registry entry.
pub fn entry(version: Version) -> EnvEntry {
    network_env::entry::<RowStationary>(version)
}

/// The template.
struct RowStationary;

/// What the mapper may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
enum Dataflow {
    /// Rows of filters and outputs over the array, as on the chip.
    #[default]
    RowStationary,
    /// Anything that keeps the same tensors in the same memories: a much larger space, in which the exact mapper can take
    /// minutes a layer.
    Free,
}

impl Template for RowStationary {
    const NAME: &'static str = "accelerator-eyeriss";
    const SUMMARY: &'static str =
        "a row-stationary accelerator for a whole network (ArchGym's TimeloopGym space, 26 parameters)";
    const DATAFLOW: (&'static str, &'static str) =
        ("RowStationary", "`RowStationary`, or `Free` for any loops (slow)");

    type Dataflow = Dataflow;

    fn space() -> std::result::Result<DesignSpace, EnvError> {
        space()
    }

    fn architecture(
        number: &dyn Fn(usize) -> f64,
        design: &Design,
        technology_nm: f64,
    ) -> Result<Architecture> {
        let class = |index: usize| Class::ALL[design.level(index).min(Class::ALL.len() - 1)];
        let spad = |first: usize| Storage {
            class: class(first),
            depth: number(first + 1) as u64,
            block_size: number(first + 2) as u64,
            banks: 1,
            read_bandwidth: Some(number(first + 3)),
            write_bandwidth: Some(number(first + 4)),
        };
        let eyeriss = Eyeriss {
            pes: number(0) as u64,
            mesh_x: number(1) as u64,
            ifmap: spad(2),
            psum: spad(7),
            weights: spad(12),
            dummy: Storage {
                class: class(17),
                depth: number(18) as u64,
                block_size: number(19) as u64,
                banks: 1,
                read_bandwidth: None,
                write_bandwidth: None,
            },
            glb: Storage {
                class: class(20),
                depth: number(21) as u64,
                banks: number(22) as u32,
                block_size: number(23) as u64,
                read_bandwidth: Some(number(24)),
                write_bandwidth: Some(number(25)),
            },
        };
        eyeriss.architecture(technology_nm)
    }

    fn constraints(dataflow: &Dataflow) -> Constraints {
        match dataflow {
            Dataflow::RowStationary => Eyeriss::constraints(),
            Dataflow::Free => Eyeriss::keeping(),
        }
    }

    fn objectives() -> Vec<Objective> {
        let mut objectives = network_mapper::objectives();
        objectives.insert(1, archgym_targets());
        objectives
    }
}

/// ArchGym's 26 parameters in its order.
fn space() -> std::result::Result<DesignSpace, EnvError> {
    let class = |of: &str| {
        Parameter::categorical(&format!("{of}_CLASS"), Class::NAMES).describe("class of the memory")
    };
    let block = |of: &str| {
        Parameter::ordinal(&format!("{of}_BLOCK_SIZE"), [1.0, 2.0, 4.0])
            .unit("word")
            .describe("words of a row")
    };
    let bandwidth = |of: &str, what: &str| {
        Parameter::powers_of_two(&format!("{of}_{what}_BANDWIDTH"), 2, 16)
            .unit("word/cycle")
            .describe("bandwidth of each instance")
    };
    let depth = |of: &str, low: u64| {
        Parameter::powers_of_two(&format!("{of}_MEMORY_DEPTH"), low, 65536).describe("rows of the memory")
    };
    let mut parameters = vec![
        Parameter::stepped("NUM_PES", 14, 336, 14).describe("processing elements"),
        Parameter::ordinal("MAC_MESH_X", [2.0, 7.0, 14.0]).describe("elements in a row"),
    ];
    for of in ["IFMAP_SPAD", "PSUM_SPAD", "WEIGHTS_SPAD"] {
        parameters.extend([
            class(of),
            depth(of, 2),
            block(of),
            bandwidth(of, "READ"),
            bandwidth(of, "WRITE"),
        ]);
    }
    parameters.extend([class("DUMMY_BUFFER"), depth("DUMMY_BUFFER", 2), block("DUMMY_BUFFER")]);
    parameters.extend([
        class("SHARED_GLB"),
        depth("SHARED_GLB", 1024),
        Parameter::powers_of_two("SHARED_GLB_N_BANKS", 16, 128).describe("banks of the memory"),
        block("SHARED_GLB"),
        bandwidth("SHARED_GLB", "READ"),
        bandwidth("SHARED_GLB", "WRITE"),
    ]);
    let names: Vec<String> = parameters.iter().map(|parameter| parameter.name.clone()).collect();
    let groups = [
        ("array", 0..2),
        ("ifmap_spad", 2..7),
        ("psum_spad", 7..12),
        ("weights_spad", 12..17),
        ("dummy_buffer", 17..20),
        ("shared_glb", 20..26),
    ];
    let groups = groups.map(|(name, range)| Group::new(name, names[range].to_vec())).to_vec();
    Ok(DesignSpace::new(parameters)?.with_groups(groups)?)
}

/// ArchGym's targets: its reference values less 30, 15 and 20 percent.
fn archgym_targets() -> Objective {
    let target = |metric: &str, target: f64| Target { metric: metric.into(), target, tolerance: 0.0 };
    let targets = vec![
        target("energy_uj", 29_206.0 * 0.7),
        target("area_mm2", 2.03 * 0.85),
        target("cycles", 7_885_704.0 * 0.8),
    ];
    Objective::new("archgym-targets", vec![Goal::Targets(targets)])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Random;
    use network_env::NetworkEnv;

    fn env(options: &str) -> std::result::Result<NetworkEnv<RowStationary>, EnvError> {
        NetworkEnv::new(&Options::ron(options), Version::V1)
    }

    #[test]
    fn the_space_is_archgyms() {
        let space = space().unwrap();
        assert_eq!(space.len(), 26);
        assert_eq!(space.size(), Some(2_154_550_209_231_716_352));
    }

    /// What is remembered does not change what is answered, and the buffer that stores nothing only has an area.
    #[test]
    fn the_dummy_buffer_changes_the_area_alone() {
        let env = env("()").unwrap();
        let mut random = Random::derived(11, "eyeriss");
        let mut compared = 0;
        for _ in 0..6 {
            let mut design = env.space().sample(&mut random);
            design.set(17, 0.0);
            let first = env.evaluate(&design, Fidelity::FULL);
            design.set(18, ((design.level(18) + 3) % 16) as f64);
            let second = env.evaluate(&design, Fidelity::FULL);
            if let (Some(a), Some(b)) = (first.metrics(), second.metrics()) {
                assert_eq!((a[0], a[2]), (b[0], b[2]));
                assert_ne!(a[1], b[1]);
                compared += 1;
            }
        }
        assert!(compared > 0);
    }

    /// The smallest accelerator of the space: two words in every scratchpad.
    #[test]
    fn the_smallest_design_is_measured_or_infeasible_with_the_level_that_does_not_fit() {
        let env = env("()").unwrap();
        let design = env.space().design_at(0).unwrap();
        match env.evaluate(&design, Fidelity::FULL) {
            Outcome::Feasible { metrics } => assert!(metrics.iter().all(|&m| m > 0.0)),
            Outcome::Infeasible { constraint, amount, .. } => {
                assert!(constraint.contains("no valid mapping") && amount > 0.0, "{constraint}");
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn wrong_options_name_the_remedy() {
        let text = |options: &str| env(options).err().map(|error| error.to_string()).unwrap_or_default();
        assert!(text("(network: \"alexnet-con\")").contains("alexnet-conv"));
        assert!(text("(metric: Dealy)").contains("Delay"));
        assert!(text("(technology_nm: 0)").contains("from 5 to 180"));
    }
}
