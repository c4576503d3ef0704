//! `accelerator-simba-v0`: a weight-stationary accelerator of processing elements with vector units, for a whole network.
use serde::Deserialize;

use super::{
    network,
    network_mapper::{self, Mapper, MapperGoal, NetworkMapper},
    template::{Class, Simba, Storage, reason},
};
use crate::prelude::*;

/// Options of the environment.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    network: String,
    mapper: Mapper,
    metric: MapperGoal,
    technology_nm: f64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            network: "alexnet-conv".into(),
            mapper: Mapper::Exact,
            metric: MapperGoal::Delay,
            technology_nm: 45.0,
        }
    }
}

/// The environment.
struct SimbaEnv {
    space: DesignSpace,
    metrics: Vec<Metric>,
    settings: Settings,
    mapper: NetworkMapper,
    constraints: hwgym_simulators::accelerator::timeloop::Constraints,
}

/// The registry entry.
pub fn entry() -> EnvEntry {
    EnvEntry::new(
        "accelerator-simba-v0",
        "a weight-stationary accelerator of processing elements with vector units, for a whole network",
        |options| Ok(Box::new(SimbaEnv::new(options)?)),
    )
    .option("network", "\"alexnet-conv\"", "a built-in network, or the path of a layer table (.ron)")
    .option(
        "mapper",
        "Exact",
        "`Exact`, `Random(evaluations: 2000, seed: 1)` or `Evolutionary(evaluations: 2000, seed: 1)`",
    )
    .option("metric", "Delay", "what the mapper minimises: Delay (then energy), Energy or Edp")
    .option("technology_nm", "45.0", "technology of the energy and area estimates, 5 to 180 nm")
}

impl SimbaEnv {
    fn new(options: &Options) -> Result<Self, EnvError> {
        let settings: Settings = options.parse()?;
        let network = network(&settings.network, options)?;
        let mapper = NetworkMapper::new(&network, settings.metric, settings.mapper)?;
        let env = Self {
            space: space()?,
            metrics: network_mapper::metrics(),
            settings,
            mapper,
            constraints: Simba::constraints(),
        };
        let first = Design::new(vec![0.0; env.space.len()]);
        env.decode(&first)
            .architecture(env.settings.technology_nm)
            .map_err(super::invalid("technology_nm"))?;
        Ok(env)
    }

    /// The accelerator of a design.
    fn decode(&self, design: &Design) -> Simba {
        let number = |index: usize| self.space.number(design, index);
        let sram = |depth: usize, block: u64, bandwidth: Option<f64>| Storage {
            class: Class::Sram,
            depth: number(depth) as u64,
            block_size: block,
            banks: 1,
            read_bandwidth: bandwidth,
            write_bandwidth: bandwidth,
        };
        let vector_width = number(3) as u64;
        Simba {
            pes_x: number(0) as u64,
            pes_y: number(1) as u64,
            vectors: number(2) as u64,
            vector_width,
            // A row feeds all lanes of a vector unit.
            weight: sram(4, vector_width, None),
            input: sram(5, vector_width, Some(number(8))),
            accumulation: sram(6, 1, None),
            global: sram(7, 4, Some(number(9))),
        }
    }
}

fn space() -> Result<DesignSpace, EnvError> {
    let power = |name: &str, low: u64, high: u64, meaning: &str| {
        Parameter::powers_of_two(name, low, high).describe(meaning)
    };
    let parameters = vec![
        power("PesX", 1, 8, "processing elements along X"),
        power("PesY", 1, 8, "processing elements along Y"),
        power("VectorUnits", 1, 16, "vector units of an element, one output channel each"),
        power("VectorWidth", 1, 16, "lanes of a vector unit, one input channel each"),
        power("WeightBufferDepth", 64, 8192, "rows of a vector unit's weight buffer"),
        power("InputBufferDepth", 64, 8192, "rows of an element's input buffer"),
        power("AccumulationBufferDepth", 16, 1024, "words of a vector unit's accumulation buffer"),
        power("GlobalBufferDepth", 1024, 65536, "rows of 4 words of the global buffer"),
        power("InputBandwidth", 4, 64, "bandwidth of an input buffer").unit("word/cycle"),
        power("GlobalBandwidth", 4, 64, "bandwidth of the global buffer").unit("word/cycle"),
    ];
    let array = Group::new("array", ["PesX", "PesY", "VectorUnits", "VectorWidth"]);
    let element = Group::new(
        "element_buffers",
        ["WeightBufferDepth", "InputBufferDepth", "AccumulationBufferDepth", "InputBandwidth"],
    );
    let global = Group::new("global_buffer", ["GlobalBufferDepth", "GlobalBandwidth"]);
    Ok(DesignSpace::new(parameters)?.with_groups(vec![array, element, global])?)
}

impl Env for SimbaEnv {
    fn id(&self) -> &str {
        "accelerator-simba-v0"
    }

    fn space(&self) -> &DesignSpace {
        &self.space
    }

    fn metrics(&self) -> &[Metric] {
        &self.metrics
    }

    fn evaluate(&self, design: &Design, _: Fidelity) -> Outcome {
        match self.decode(design).architecture(self.settings.technology_nm) {
            Ok(architecture) => network_mapper::outcome(&self.mapper, &architecture, &self.constraints),
            Err(error) => Outcome::infeasible(reason(error), 1.0),
        }
    }

    fn objectives(&self) -> Vec<Objective> {
        network_mapper::objectives()
    }

    fn provenance(&self) -> Vec<(String, String)> {
        vec![
            ("model".into(), "loop nests, equal to Timeloop 4cf6d4c".into()),
            ("network".into(), self.settings.network.clone()),
            ("mapper".into(), format!("{:?}, {:?}", self.settings.mapper, self.settings.metric)),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// More lanes are not slower.
    #[test]
    fn more_lanes_are_not_slower() {
        let env = SimbaEnv::new(&Options::none()).unwrap();
        let cycles = |lanes: f64| {
            let mut coordinates = vec![2.0; env.space.len()];
            coordinates[2] = lanes;
            coordinates[3] = lanes;
            env.evaluate(&Design::new(coordinates), Fidelity::FULL).metrics().unwrap()[2]
        };
        assert!(cycles(3.0) < cycles(1.0));
    }
}
