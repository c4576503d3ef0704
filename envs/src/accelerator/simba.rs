//! `accelerator-simba-v1`: a package of weight-stationary chiplets for a whole network, after Simba (Shao et al., MICRO 2019).
//!
//! The package is a mesh of chiplets around one DRAM; every chiplet has a global buffer and a mesh of processing elements, every
//! element vector units of multiply-accumulates with their own weights. The chip of the paper, 6 x 6 chiplets of 4 x 4
//! elements with 8 units of 8 lanes, is a point of the space. See [`Simba`] for the levels and what the package's links cost.
use hwgym_simulators::accelerator::{
    Result,
    timeloop::{Architecture, Constraints},
};
use serde::Deserialize;

use super::{
    Version,
    network_env::{self, Template},
    template::{Class, Partition, Simba, Storage},
};
use crate::prelude::*;

/// The registry entry.
pub fn entry(version: Version) -> EnvEntry {
    network_env::entry::<Package>(version)
}

/// The template.
struct Package;

/// How the chiplets share a layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
enum Dataflow {
    /// Output channels along X, output positions and batch along Y of the package.
    #[default]
    WeightStationary,
    /// Output channels alone, along both axes.
    OutputChannels,
}

impl Template for Package {
    const NAME: &'static str = "accelerator-simba";
    const SUMMARY: &'static str =
        "a package of weight-stationary chiplets with vector units, for a whole network (after Simba)";
    const DATAFLOW: (&'static str, &'static str) = (
        "WeightStationary",
        "how chiplets share a layer: `WeightStationary` (output channels along X, positions along Y of the package) or \
         `OutputChannels`",
    );

    type Dataflow = Dataflow;

    fn space() -> std::result::Result<DesignSpace, EnvError> {
        space()
    }

    fn architecture(number: &dyn Fn(usize) -> f64, _: &Design, technology_nm: f64) -> Result<Architecture> {
        let whole = |index: usize| number(index) as u64;
        let sram = |depth: usize, block: u64, bandwidth: Option<f64>| Storage {
            class: Class::Sram,
            depth: whole(depth),
            block_size: block,
            banks: 1,
            read_bandwidth: bandwidth,
            write_bandwidth: bandwidth,
        };
        let vector_width = whole(5);
        let simba = Simba {
            chiplets: (whole(0), whole(1)),
            pes: (whole(2), whole(3)),
            vectors: whole(4),
            vector_width,
            // A row feeds all lanes of a vector unit.
            weight: sram(6, vector_width, None),
            input: sram(7, vector_width, Some(number(10))),
            accumulation: sram(8, 1, None),
            global: sram(9, 4, Some(number(11))),
            package_bandwidth: number(12),
        };
        simba.architecture(technology_nm)
    }

    fn constraints(dataflow: &Dataflow) -> Constraints {
        Simba::constraints(match dataflow {
            Dataflow::WeightStationary => Partition::ChannelsAndPositions,
            Dataflow::OutputChannels => Partition::Channels,
        })
    }
}

fn space() -> std::result::Result<DesignSpace, EnvError> {
    let power = |name: &str, low: u64, high: u64, meaning: &str| {
        Parameter::powers_of_two(name, low, high).describe(meaning)
    };
    let chiplets =
        |name: &str, meaning: &str| Parameter::ordinal(name, [1.0, 2.0, 3.0, 4.0, 6.0]).describe(meaning);
    let parameters = vec![
        chiplets("ChipletsX", "chiplets of the package along X"),
        chiplets("ChipletsY", "chiplets of the package along Y"),
        power("PesX", 1, 8, "processing elements of a chiplet along X"),
        power("PesY", 1, 8, "processing elements of a chiplet along Y"),
        power("VectorUnits", 1, 16, "vector units of an element, one output channel each"),
        power("VectorWidth", 1, 16, "lanes of a vector unit, one input channel each"),
        power("WeightBufferDepth", 64, 8192, "rows of a vector unit's weight buffer"),
        power("InputBufferDepth", 64, 8192, "rows of an element's input buffer"),
        power("AccumulationBufferDepth", 16, 1024, "words of a vector unit's accumulation buffer"),
        power("GlobalBufferDepth", 1024, 65536, "rows of 4 words of a chiplet's global buffer"),
        power("InputBandwidth", 4, 64, "bandwidth of an input buffer").unit("word/cycle"),
        power("GlobalBandwidth", 4, 64, "bandwidth of a global buffer").unit("word/cycle"),
        power("PackageBandwidth", 4, 64, "bandwidth between DRAM and the package, each way")
            .unit("word/cycle"),
    ];
    let groups = vec![
        Group::new("package", ["ChipletsX", "ChipletsY", "PackageBandwidth"]),
        Group::new("chiplet", ["PesX", "PesY", "GlobalBufferDepth", "GlobalBandwidth"]),
        Group::new(
            "element",
            [
                "VectorUnits",
                "VectorWidth",
                "WeightBufferDepth",
                "InputBufferDepth",
                "AccumulationBufferDepth",
                "InputBandwidth",
            ],
        ),
    ];
    Ok(DesignSpace::new(parameters)?.with_groups(groups)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use network_env::NetworkEnv;

    fn env(options: &str) -> NetworkEnv<Package> {
        NetworkEnv::new(&Options::ron(options), Version::V1).unwrap()
    }

    /// A small package; `changes` are places and levels.
    fn metrics(env: &NetworkEnv<Package>, changes: &[(usize, f64)]) -> Vec<f64> {
        let mut coordinates = vec![1.0, 1.0, 1.0, 1.0, 2.0, 2.0, 3.0, 3.0, 4.0, 6.0, 4.0, 4.0, 4.0];
        for &(place, level) in changes {
            coordinates[place] = level;
        }
        env.evaluate(&Design::new(coordinates), Fidelity::FULL).metrics().unwrap().to_vec()
    }

    #[test]
    fn more_lanes_or_chiplets_are_not_slower() {
        let env = env("()");
        let small = metrics(&env, &[]);
        assert!(metrics(&env, &[(4, 3.0), (5, 3.0)])[2] < small[2]);
        let package = metrics(&env, &[(0, 3.0)]);
        assert!(package[2] < small[2] && package[1] > small[1]);
    }

    #[test]
    fn one_chiplet_needs_less_energy_for_the_links_than_many() {
        let env = env("(metric: Energy)");
        let one = metrics(&env, &[(0, 0.0), (1, 0.0)]);
        let many = metrics(&env, &[(0, 4.0), (1, 4.0)]);
        assert!(one[0] < many[0], "{one:?} {many:?}");
    }

    /// The two ways to share a layer give the same area and other costs.
    #[test]
    fn the_partition_matters() {
        let (both, channels) = (env("()"), env("(dataflow: OutputChannels)"));
        let (both, channels) = (metrics(&both, &[(1, 4.0)]), metrics(&channels, &[(1, 4.0)]));
        assert_eq!(both[1], channels[1]);
        assert_ne!(both[2], channels[2]);
    }
}
