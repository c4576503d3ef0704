//! `maestro-mapping-v0`: the two-level mapping of one layer in the data-centric model.
//!
//! The space is that of ArchGym's MaestroGym (17 parameters with its names), but a design alone decides the mapping. In the
//! original the outer tiles and the cluster size are drawn at random for every step; here `K_l2` to `Y_l2` are the outer
//! tiles, `K_l1` to `Y_l1` the inner ones, and `num_PE` is the size of the cluster that the original only bounded by it. The
//! two seeds number the 720 orders of the six dimensions. An inner tile above the outer one counts as the outer one.
use std::sync::Mutex;

use hwgym_simulators::accelerator::{
    Error,
    maestro::{Dim, Directive, Evaluation, Evaluator, Hardware, Layer, LayerKind, Rejection},
};
use serde::Deserialize;

use super::{invalid, layer, network};
use crate::prelude::*;

/// Options of the environment.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    network: String,
    layer: String,
    hardware: Hardware,
    compat: bool,
    allow_miscounts: bool,
}

/// Bandwidth and buffers of ArchGym's runs: as good as unlimited.
const UNLIMITED: i64 = 1 << 30;

impl Default for Settings {
    fn default() -> Self {
        Self {
            network: "resnet18".into(),
            layer: "conv2".into(),
            hardware: Hardware {
                num_pes: 1024,
                noc_bw: UNLIMITED,
                offchip_bw: UNLIMITED,
                noc_hop_latency: 1,
                ..Hardware::default()
            },
            compat: false,
            allow_miscounts: false,
        }
    }
}

/// The environment.
struct MaestroMapping {
    space: DesignSpace,
    metrics: Vec<Metric>,
    settings: Settings,
    layer: Layer,
    /// Evaluators that no thread is using.
    evaluators: Mutex<Vec<Evaluator>>,
}

/// Directives of a mapping: six dimensions on two levels and the cluster between them.
const DIRECTIVES: usize = 13;

/// The dimensions that a level may spread over its clusters, in ArchGym's numbering.
const PARALLEL: [Dim; 4] = [Dim::K, Dim::C, Dim::OutX, Dim::OutY];

/// Places of the parameters.
mod place {
    pub const INNER_ORDER: usize = 0;
    pub const INNER_PARALLEL: usize = 1;
    /// S, R, K, C, X, Y.
    pub const INNER_TILES: usize = 2;
    pub const OUTER_PARALLEL: usize = 8;
    pub const OUTER_TILES: usize = 9;
    pub const OUTER_ORDER: usize = 15;
    pub const CLUSTER: usize = 16;
}

/// The registry entry.
pub fn entry() -> EnvEntry {
    EnvEntry::new(
        "maestro-mapping-v0",
        "the two-level mapping of one layer in the data-centric model (ArchGym's MaestroGym space)",
        |options| Ok(Box::new(MaestroMapping::new(options)?)),
    )
    .option("network", "\"resnet18\"", "a built-in network, or the path of a layer table (.ron)")
    .option("layer", "\"conv2\"", "name of the layer in the network")
    .option(
        "hardware",
        "(num_pes: 1024, noc_bw: 1073741824, offchip_bw: 1073741824, noc_hop_latency: 1)",
        "the hardware, with the names of MAESTRO's options; l1_size and l2_size in bytes make larger needs infeasible",
    )
    .option("compat", "false", "energy as MAESTRO prints it, without the private buffers of clusters")
    .option("allow_miscounts", "false", "accept mappings whose operations the model counts wrongly")
}

impl MaestroMapping {
    fn new(options: &Options) -> Result<Self, EnvError> {
        let settings: Settings = options.parse()?;
        let network = network(&settings.network, options)?;
        let found = layer(&network, &settings.layer)?;
        let (layer, _) = found.data_centric().map_err(invalid("layer"))?;
        settings.hardware.check().map_err(|rejection| invalid("hardware")(rejection.into()))?;
        let (height, width) = found.output();
        let space = Self::define(&layer, height as i64, width as i64)?;
        let metrics = vec![
            Metric::minimise("runtime_cycles", "cycle", "runtime of the layer"),
            Metric::minimise("energy_nj", "nJ", "energy of the buffers' activity"),
            Metric::minimise(
                "area_um2",
                "um^2",
                "area by ArchGym's formula: elements, shared and private buffers",
            ),
            Metric::maximise("throughput_macs_per_cycle", "1/cycle", "multiply-accumulates per cycle"),
            Metric::minimise("edp_nj_cycle", "nJ cycle", "energy times runtime"),
            Metric::minimise("power_mw", "mW", "power by MAESTRO's formula"),
            Metric::minimise("l1_bytes", "byte", "requirement of a processing element's buffer"),
            Metric::minimise("l2_bytes", "byte", "requirement of the shared buffer"),
        ];
        Ok(Self { space, metrics, settings, layer, evaluators: Mutex::default() })
    }

    /// The 17 parameters in ArchGym's order.
    fn define(layer: &Layer, height: i64, width: i64) -> Result<DesignSpace, EnvError> {
        let extent = |dim: Dim| layer.extent(dim).unwrap_or(1);
        let fixed = |name: &str, dim: Dim| {
            Parameter::integer(name, extent(dim), extent(dim)).describe("window, never split")
        };
        let tile = |name: &str, bound: i64| {
            Parameter::integer(name, 1, bound).describe("tile of the dimension on this level")
        };
        let parallel = |name: &str| {
            Parameter::categorical(name, ["K", "C", "X", "Y"]).describe("dimension spread over the clusters")
        };
        let order = |name: &str| {
            Parameter::integer(name, 0, 719).describe("number of the order of the six dimensions")
        };
        let level = |suffix: &str| {
            [
                fixed(&format!("S_{suffix}"), Dim::S),
                fixed(&format!("R_{suffix}"), Dim::R),
                tile(&format!("K_{suffix}"), extent(Dim::K)),
                tile(&format!("C_{suffix}"), extent(Dim::C)),
                tile(&format!("X_{suffix}"), width),
                tile(&format!("Y_{suffix}"), height),
            ]
        };
        let mut parameters = vec![order("seed_l1"), parallel("ClusterDim_l1")];
        parameters.extend(level("l1"));
        parameters.push(parallel("ClusterDim_l2"));
        parameters.extend(level("l2"));
        parameters.push(order("seed_l2"));
        parameters.push(Parameter::integer("num_PE", 1, 1023).describe("processing elements of a cluster"));
        let names: Vec<String> = parameters.iter().map(|parameter| parameter.name.clone()).collect();
        let outer = |name: &String| name.ends_with("_l2") || name == "num_PE";
        let (second, first): (Vec<String>, Vec<String>) = names.into_iter().partition(outer);
        Ok(DesignSpace::new(parameters)?
            .with_groups(vec![Group::new("outer_level", second), Group::new("inner_level", first)])?)
    }

    /// The directives of a design. A depthwise layer has no output channels of its own, and the model refuses directives on
    /// them: there they are left out, and C stands for K as parallel dimension.
    fn mapping(&self, design: &Design) -> Vec<Directive> {
        let number = |index: usize| self.space.number(design, index) as i64;
        let depthwise = self.layer.kind() == LayerKind::DepthwiseConv;
        let mut directives = Vec::with_capacity(DIRECTIVES);
        let mut level = |order: usize, parallel: usize, tiles: usize| {
            let spatial = match PARALLEL[design.level(parallel).min(PARALLEL.len() - 1)] {
                Dim::K if depthwise => Dim::C,
                dim => dim,
            };
            for index in permutation(number(order)) {
                let dim = DIMS[index];
                if dim == Dim::K && depthwise {
                    continue;
                }
                let size = number(tiles + index).min(number(place::OUTER_TILES + index));
                directives.push(if dim == spatial {
                    Directive::SpatialMap { size, offset: size, dim }
                } else {
                    Directive::TemporalMap { size, offset: size, dim }
                });
            }
            if tiles == place::OUTER_TILES {
                directives.push(Directive::Cluster { size: number(place::CLUSTER) });
            }
        };
        level(place::OUTER_ORDER, place::OUTER_PARALLEL, place::OUTER_TILES);
        level(place::INNER_ORDER, place::INNER_PARALLEL, place::INNER_TILES);
        directives
    }

    fn run(&self, directives: &[Directive]) -> Result<Evaluation, Rejection> {
        let pooled = self.evaluators.lock().ok().and_then(|mut pool| pool.pop());
        let mut evaluator = pooled.unwrap_or_default();
        let result =
            evaluator.evaluate(&self.layer, directives, &self.settings.hardware, self.settings.compat);
        if let Ok(mut pool) = self.evaluators.lock() {
            pool.push(evaluator);
        }
        result
    }

    fn outcome(&self, result: &Evaluation) -> Outcome {
        let excess: f64 = result
            .violations()
            .map(|violation| violation.required_bytes as f64 / violation.available_bytes as f64 - 1.0)
            .sum();
        if let Some(violation) = result.violations().next() {
            let constraint = format!(
                "the mapping needs {} bytes of {} with {} there",
                violation.required_bytes,
                violation.buffer.trim_end_matches("_size"),
                violation.available_bytes
            );
            return Outcome::infeasible(constraint, excess);
        }
        if result.macs != result.true_macs && !self.settings.allow_miscounts {
            let miss = (result.macs as f64 / result.true_macs as f64 - 1.0).abs();
            return Outcome::infeasible("the model counts the operations of this mapping wrongly", miss);
        }
        let pes = self.settings.hardware.num_pes as f64;
        let units = |bytes: i64, unit: f64| (bytes as f64 / unit).ceil();
        let area = pes * 4470.0
            + units(result.l2_bytes, 32768.0) * 4161.536
            + units(result.l1_bytes, 64.0) * 4505.1889 * pes;
        Outcome::feasible([
            result.runtime_cycles as f64,
            result.energy_nj,
            area,
            result.throughput_macs_per_cycle,
            result.energy_delay_product(),
            result.power.total_mw(),
            result.l1_bytes as f64,
            result.l2_bytes as f64,
        ])
    }
}

/// The six dimensions in ArchGym's order.
const DIMS: [Dim; 6] = [Dim::S, Dim::R, Dim::K, Dim::C, Dim::OutX, Dim::OutY];

/// The permutation of 0 to 5 with this number, in the order of the factorial number system.
fn permutation(number: i64) -> [usize; 6] {
    let mut left: Vec<usize> = (0..6).collect();
    let mut rest = number.clamp(0, 719) as usize;
    let mut radix = 720;
    std::array::from_fn(|slot| {
        radix /= 6 - slot;
        let index = rest / radix;
        rest %= radix;
        left.remove(index)
    })
}

impl Env for MaestroMapping {
    fn id(&self) -> &str {
        "maestro-mapping-v0"
    }

    fn space(&self) -> &DesignSpace {
        &self.space
    }

    fn metrics(&self) -> &[Metric] {
        &self.metrics
    }

    fn evaluate(&self, design: &Design, _: Fidelity) -> Outcome {
        match self.run(&self.mapping(design)) {
            Ok(result) => self.outcome(&result),
            Err(rejection) => {
                let amount = match rejection {
                    Rejection::TooFewPes { num_pes, cluster } => (cluster - num_pes) as f64,
                    _ => 1.0,
                };
                let reason = match Error::from(rejection) {
                    Error::Invalid { message, .. } => message,
                    other => other.to_string(),
                };
                Outcome::infeasible(reason, amount)
            }
        }
    }

    fn objectives(&self) -> Vec<Objective> {
        let alone = |name: &str| Objective::new(name, vec![Goal::Optimise(name.into())]);
        let goals = ["runtime_cycles", "energy_nj", "area_um2"];
        let mut objectives: Vec<Objective> =
            ["runtime_cycles", "edp_nj_cycle", "energy_nj", "area_um2", "throughput_macs_per_cycle"]
                .into_iter()
                .map(alone)
                .collect();
        objectives.push(Objective::new("pareto", goals.map(|goal| Goal::Optimise(goal.into())).to_vec()));
        objectives
    }

    /// Inner tiles above the outer ones count as the outer ones.
    fn canonical(&self, design: &Design) -> Design {
        let mut design = design.clone();
        for index in 0..6 {
            let (inner, outer) = (place::INNER_TILES + index, place::OUTER_TILES + index);
            if design.coordinate(inner) > design.coordinate(outer) {
                design.set(inner, design.coordinate(outer));
            }
        }
        design
    }

    fn provenance(&self) -> Vec<(String, String)> {
        vec![
            ("model".into(), "data-centric, equal to MAESTRO 4eb08d1".into()),
            ("network".into(), self.settings.network.clone()),
            ("layer".into(), self.settings.layer.clone()),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Random;

    fn env(options: &str) -> Result<MaestroMapping, EnvError> {
        MaestroMapping::new(&Options::ron(options))
    }

    #[test]
    fn permutations_are_all_there() {
        let all: std::collections::HashSet<[usize; 6]> = (0..720).map(permutation).collect();
        assert_eq!(all.len(), 720);
        assert_eq!(permutation(0), [0, 1, 2, 3, 4, 5]);
        assert_eq!(permutation(719), [5, 4, 3, 2, 1, 0]);
    }

    #[test]
    fn the_space_has_archgyms_parameters() {
        let env = env("()").unwrap();
        assert_eq!(env.space().len(), 17);
        assert_eq!(env.space().parameters()[16].name, "num_PE");
    }

    /// Random designs are measured often enough to learn from, for ordinary and depthwise layers.
    #[test]
    fn random_designs_are_measured_or_refused_for_a_reason() {
        for (options, least) in [
            ("()", 20),
            ("(network: \"mobilenet-v2\", layer: \"block2_depthwise\")", 20),
            ("(network: \"bert-base\", layer: \"query_key_value\")", 20),
        ] {
            let env = env(options).unwrap();
            let mut random = Random::derived(3, "maestro");
            let mut measured = 0;
            for _ in 0..200 {
                let design = env.space().sample(&mut random);
                match env.evaluate(&design, Fidelity::FULL) {
                    Outcome::Feasible { metrics } => {
                        assert!(metrics.iter().all(|&metric| metric > 0.0), "{metrics:?}");
                        measured += 1;
                    }
                    Outcome::Infeasible { amount, .. } => assert!(amount > 0.0),
                    other => panic!("{other:?}"),
                }
            }
            assert!(measured >= least, "{options}: {measured} of 200 designs were measured");
        }
    }

    #[test]
    fn small_buffers_make_mappings_infeasible_by_an_amount() {
        let small = env("(hardware: (num_pes: 1024, l1_size: 4, l2_size: 4))").unwrap();
        let mut random = Random::derived(1, "maestro");
        let design = small.space().sample(&mut random);
        match small.evaluate(&design, Fidelity::FULL) {
            Outcome::Infeasible { constraint, amount, .. } => {
                assert!(amount > 0.0 && constraint.contains("bytes"), "{constraint} {amount}");
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn wrong_options_name_the_remedy() {
        let text = |options: &str| env(options).err().map(|error| error.to_string()).unwrap_or_default();
        assert!(text("(layer: \"conv22\")").contains("conv2"), "{}", text("(layer: \"conv22\")"));
        assert!(text("(hardware: (num_pes: 0))").contains("num_pes"));
        assert!(text("(hardware: (noc_bandwidth: 4))").contains("noc_bw"));
    }
}
