//! `systolic-array-v1`: a systolic array with its three buffers, for a whole network. `systolic-array-v0` has the same
//! designs and counts as SCALE-Sim v2 does.
use std::collections::HashMap;
use std::sync::Mutex;

use hwgym_simulators::accelerator::{
    energy::{Component, DramKind, Estimate},
    systolic::{Array, Buffers, Counts, Dataflow, Layer, simulate_network, simulate_network_exact},
};
use serde::Deserialize;

use super::{invalid, network};
use crate::prelude::*;

/// Options of the environment.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    network: String,
    technology_nm: f64,
    clock_ghz: f64,
    dram: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self { network: "alexnet".into(), technology_nm: 45.0, clock_ghz: 1.0, dram: "LPDDR4".into() }
    }
}

/// Whose numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Version {
    /// SCALE-Sim v2's, without its surplus of output writes.
    V0,
    /// The true ones.
    V1,
}

/// What both versions count for a network.
struct Traffic {
    cycles: u64,
    stall_cycles: u64,
    macs: u64,
    utilization_percent: f64,
    sram_words: Counts,
    dram_words: Counts,
    /// Partial sums read from the output buffer and from DRAM.
    sum_reads: u64,
    dram_sum_reads: u64,
}

/// The environment.
struct SystolicArray {
    version: Version,
    space: DesignSpace,
    metrics: Vec<Metric>,
    network: String,
    layers: Vec<(Layer, u64)>,
    technology_nm: f64,
    clock_ghz: f64,
    dram_pj_per_word: f64,
    mac: Estimate,
    registers: Estimate,
    /// Estimates of buffers by (port bits, words): there are a few hundred.
    buffers: Mutex<HashMap<(u64, u64), Estimate>>,
}

/// Words are bytes.
const WORD_BITS: u32 = 8;
/// Two operands pass through registers of every processing element, and a partial sum of 32 bits.
const REGISTER_BITS: u32 = 2 * WORD_BITS + 32;
/// Widest SRAM macro; wider ports are made of several.
const MACRO_BITS: u64 = 256;

/// The registry entry of the first version.
pub fn entry() -> EnvEntry {
    with_options(EnvEntry::new(
        "systolic-array-v0",
        "systolic-array-v1 with the counts of SCALE-Sim v2",
        |options| Ok(Box::new(SystolicArray::new(options, Version::V0)?)),
    ))
}

/// The registry entry.
pub fn entry_v1() -> EnvEntry {
    with_options(EnvEntry::new(
        "systolic-array-v1",
        "a systolic array: shape, dataflow, three buffers and bandwidth for a whole network",
        |options| Ok(Box::new(SystolicArray::new(options, Version::V1)?)),
    ))
}

fn with_options(entry: EnvEntry) -> EnvEntry {
    entry
        .option("network", "\"alexnet\"", "a built-in network, or the path of a layer table (.ron)")
        .option("technology_nm", "45.0", "technology of the energy and area estimates, 5 to 180 nm")
        .option("clock_ghz", "1.0", "clock, for the leakage")
        .option("dram", "\"LPDDR4\"", "type of DRAM: LPDDR4, LPDDR, DDR3, GDDR5, HBM2 or HMC")
}

impl SystolicArray {
    fn new(options: &Options, version: Version) -> Result<Self, EnvError> {
        let settings: Settings = options.parse()?;
        let layers = network(&settings.network, options)?.systolic().map_err(invalid("network"))?;
        if !(0.001..=100.0).contains(&settings.clock_ghz) {
            return Err(EnvError::invalid("clock_ghz", "give a number from 0.001 to 100"));
        }
        let dram: DramKind = settings.dram.parse().map_err(invalid("dram"))?;
        let estimate = |component: Component| {
            component.estimate(settings.technology_nm).map_err(invalid("technology_nm"))
        };
        let space = DesignSpace::new(vec![
            Parameter::powers_of_two("Rows", 4, 256).describe("rows of processing elements"),
            Parameter::powers_of_two("Columns", 4, 256).describe("columns of processing elements"),
            Parameter::categorical("Dataflow", ["os", "ws", "is"])
                .describe("stationary operand: outputs, weights or inputs"),
            Parameter::powers_of_two("IfmapBuffer", 4, 1024).unit("kB").describe("size of the input buffer"),
            Parameter::powers_of_two("FilterBuffer", 4, 1024)
                .unit("kB")
                .describe("size of the filter buffer"),
            Parameter::powers_of_two("OfmapBuffer", 4, 1024).unit("kB").describe("size of the output buffer"),
            Parameter::powers_of_two("Bandwidth", 1, 128)
                .unit("byte/cycle")
                .describe("DRAM bandwidth of each of the three interfaces"),
        ])?
        .with_groups(vec![
            Group::new("array", ["Rows", "Columns", "Dataflow"]),
            Group::new("memory", ["IfmapBuffer", "FilterBuffer", "OfmapBuffer", "Bandwidth"]),
        ])?;
        let metrics = vec![
            Metric::minimise("cycles", "cycle", "cycles of all layers, stalls included"),
            Metric::minimise("energy_uj", "uJ", "energy of array, buffers and DRAM, leakage included"),
            Metric::minimise("area_mm2", "mm^2", "area of processing elements and buffers"),
            Metric::maximise("utilization_percent", "%", "multiply-accumulates done of those possible"),
            Metric::minimise("edp_uj_cycle", "uJ cycle", "energy times cycles"),
            Metric::minimise("stall_cycles", "cycle", "cycles in which the array waits for memory"),
            Metric::minimise("dram_mb", "MB", "DRAM traffic of all layers, 10^6 bytes"),
        ];
        Ok(Self {
            version,
            space,
            metrics,
            layers,
            mac: estimate(Component::IntMac { width_bits: WORD_BITS })?,
            registers: estimate(Component::RegisterFile { width_bits: REGISTER_BITS, depth: 1 })?,
            dram_pj_per_word: f64::from(WORD_BITS) * dram.pj_per_bit(),
            network: settings.network,
            technology_nm: settings.technology_nm,
            clock_ghz: settings.clock_ghz,
            buffers: Mutex::default(),
        })
    }

    /// A buffer whose port is `ports` words wide: energy per access of one word, leakage and area of all of it.
    fn buffer(&self, ports: u64, words: u64) -> Result<Estimate, String> {
        let bits = ports * u64::from(WORD_BITS);
        let key = (bits, words);
        if let Ok(known) = self.buffers.lock()
            && let Some(estimate) = known.get(&key)
        {
            return Ok(*estimate);
        }
        let macros = bits.div_ceil(MACRO_BITS);
        let width_bits = (bits / macros) as u32;
        let depth = (words / ports).max(1);
        let one = Component::Sram { width_bits, depth, banks: 1 }
            .estimate(self.technology_nm)
            .map_err(|error| error.to_string())?;
        let words_per_access = f64::from(width_bits) / f64::from(WORD_BITS);
        let estimate = Estimate {
            read_pj: one.read_pj / words_per_access,
            write_pj: one.write_pj / words_per_access,
            leak_mw: one.leak_mw * macros as f64,
            area_um2: one.area_um2 * macros as f64,
        };
        if let Ok(mut known) = self.buffers.lock() {
            known.insert(key, estimate);
        }
        Ok(estimate)
    }

    fn count(&self, array: &Array, buffers: &Buffers) -> Result<Traffic, String> {
        let layers = self.layers.iter().copied();
        match self.version {
            Version::V0 => simulate_network(layers, array, buffers, false).map(|report| Traffic {
                cycles: report.cycles,
                stall_cycles: report.stall_cycles,
                macs: report.macs,
                utilization_percent: report.overall_utilization_percent,
                sram_words: report.sram_words,
                dram_words: report.dram_words,
                sum_reads: 0,
                dram_sum_reads: 0,
            }),
            Version::V1 => simulate_network_exact(layers, array, buffers, true).map(|report| Traffic {
                cycles: report.cycles,
                stall_cycles: report.stall_cycles,
                macs: report.macs,
                utilization_percent: report.overall_utilization_percent,
                sram_words: report.sram_words,
                dram_words: report.dram_words,
                sum_reads: report.partial_sum_reads,
                dram_sum_reads: report.dram_partial_sum_reads,
            }),
        }
        .map_err(|error| error.to_string())
    }

    fn measure(&self, array: &Array, buffers: &Buffers) -> Result<Vec<f64>, String> {
        let report = self.count(array, buffers)?;
        let ifmap = self.buffer(array.rows, buffers.ifmap_words)?;
        let filter = self.buffer(array.columns, buffers.filter_words)?;
        let ofmap = self.buffer(array.columns, buffers.ofmap_words)?;
        let elements = (array.rows * array.columns) as f64;
        let energy_uj = self.energy_pj(&report, elements, [&ifmap, &filter, &ofmap]) / 1e6;
        let element_um2 = self.mac.area_um2 + self.registers.area_um2;
        let area_um2 = elements * element_um2 + ifmap.area_um2 + filter.area_um2 + ofmap.area_um2;
        let dram = report.dram_words;
        Ok(vec![
            report.cycles as f64,
            energy_uj,
            area_um2 / 1e6,
            report.utilization_percent,
            energy_uj * report.cycles as f64,
            report.stall_cycles as f64,
            (dram.ifmap + dram.filter + dram.ofmap + report.dram_sum_reads) as f64 / 1e6,
        ])
    }

    fn energy_pj(&self, report: &Traffic, elements: f64, buffers: [&Estimate; 3]) -> f64 {
        let [ifmap, filter, ofmap] = buffers;
        let (sram, dram) = (&report.sram_words, &report.dram_words);
        let macs = report.macs as f64 * (self.mac.read_pj + self.registers.read_pj);
        let reads = sram.ifmap as f64 * ifmap.read_pj + sram.filter as f64 * filter.read_pj;
        let fills = dram.ifmap as f64 * ifmap.write_pj + dram.filter as f64 * filter.write_pj;
        let outputs = sram.ofmap as f64 * ofmap.write_pj
            + (report.sum_reads + dram.ofmap) as f64 * ofmap.read_pj
            + report.dram_sum_reads as f64 * ofmap.write_pj;
        let off_chip =
            (dram.ifmap + dram.filter + dram.ofmap + report.dram_sum_reads) as f64 * self.dram_pj_per_word;
        let leak_mw = ifmap.leak_mw
            + filter.leak_mw
            + ofmap.leak_mw
            + elements * (self.mac.leak_mw + self.registers.leak_mw);
        // mW times ns is pJ.
        let leakage = leak_mw * report.cycles as f64 / self.clock_ghz;
        macs + reads + fills + outputs + off_chip + leakage
    }
}

impl Env for SystolicArray {
    fn id(&self) -> &str {
        match self.version {
            Version::V0 => "systolic-array-v0",
            Version::V1 => "systolic-array-v1",
        }
    }

    fn space(&self) -> &DesignSpace {
        &self.space
    }

    fn metrics(&self) -> &[Metric] {
        &self.metrics
    }

    fn evaluate(&self, design: &Design, _: Fidelity) -> Outcome {
        let number = |index: usize| self.space.number(design, index) as u64;
        let array = Array {
            rows: number(0),
            columns: number(1),
            dataflow: Dataflow::ALL[design.level(2).min(Dataflow::ALL.len() - 1)],
        };
        let buffers = Buffers::from_kb(number(3), number(4), number(5), number(6));
        match self.measure(&array, &buffers) {
            Ok(metrics) => Outcome::feasible(metrics),
            Err(reason) => Outcome::failed(reason),
        }
    }

    fn objectives(&self) -> Vec<Objective> {
        let alone = |name: &str| Objective::new(name, vec![Goal::Optimise(name.into())]);
        let together = |name: &str, metrics: &[&str]| {
            Objective::new(name, metrics.iter().map(|metric| Goal::Optimise((*metric).into())).collect())
        };
        vec![
            alone("edp_uj_cycle"),
            alone("cycles"),
            alone("energy_uj"),
            alone("area_mm2"),
            alone("utilization_percent"),
            Objective::new("edp-under-10-mm2", vec![Goal::Optimise("edp_uj_cycle".into())])
                .with_bounds(vec![crate::Bound::at_most("area_mm2", 10.0)]),
            together("pareto", &["cycles", "energy_uj", "area_mm2"]),
        ]
    }

    fn provenance(&self) -> Vec<(String, String)> {
        vec![
            (
                "model".into(),
                match self.version {
                    Version::V0 => "systolic array, equal to SCALE-Sim v2 22f88b1".into(),
                    Version::V1 => "systolic array, registers and double-buffered memories".into(),
                },
            ),
            ("network".into(), self.network.clone()),
            ("technology_nm".into(), self.technology_nm.to_string()),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(options: &str) -> Result<SystolicArray, EnvError> {
        SystolicArray::new(&Options::ron(options), Version::V0)
    }

    fn metrics(env: &SystolicArray, [side, buffer, bandwidth]: [i64; 3], dataflow: &str) -> Vec<f64> {
        let design = env
            .space()
            .design([
                ("Rows", side.into()),
                ("Columns", side.into()),
                ("Dataflow", dataflow.into()),
                ("IfmapBuffer", buffer.into()),
                ("FilterBuffer", buffer.into()),
                ("OfmapBuffer", buffer.into()),
                ("Bandwidth", bandwidth.into()),
            ])
            .unwrap();
        env.evaluate(&design, Fidelity::FULL).metrics().unwrap().to_vec()
    }

    #[test]
    fn a_larger_array_is_faster_and_larger_and_bandwidth_removes_stalls() {
        let env = env("()").unwrap();
        for dataflow in ["os", "ws", "is"] {
            let small = metrics(&env, [8, 256, 128], dataflow);
            let large = metrics(&env, [64, 256, 128], dataflow);
            // The prefetcher of the reference only moves forward, and stationary weights make it go round and round.
            let faster = large[0] - large[5] < small[0] - small[5];
            assert!(faster && large[2] > small[2], "{dataflow}: {small:?} {large:?}");
            let starved = metrics(&env, [64, 256, 1], dataflow);
            assert!(starved[5] > large[5] && starved[0] > large[0]);
        }
    }

    #[test]
    fn true_counts_move_no_less_than_every_word_once_and_gain_from_every_resource() {
        let env = SystolicArray::new(&Options::default(), Version::V1).unwrap();
        let compulsory: u64 = env
            .layers
            .iter()
            .map(|(layer, times)| {
                let words = layer.filters * layer.window() + layer.filters * layer.outputs_per_filter();
                times * words
            })
            .sum();
        for dataflow in ["os", "ws", "is"] {
            let small = metrics(&env, [8, 4, 1], dataflow);
            let large = metrics(&env, [8, 1024, 128], dataflow);
            assert!(large[0] < small[0] && large[5] < small[5] && large[6] < small[6], "{dataflow}");
            assert!(large[6] * 1e6 >= compulsory as f64 && large[3] <= 100.0);
        }
    }

    #[test]
    fn the_space_has_the_size_it_is_said_to_have() {
        assert_eq!(env("()").unwrap().space().size(), Some(7 * 7 * 3 * 9 * 9 * 9 * 8));
    }

    #[test]
    fn wrong_options_name_the_remedy() {
        let text = |options: &str| env(options).err().map(|error| error.to_string()).unwrap_or_default();
        assert!(
            text("(network: \"alexnt\")").contains("did you mean \"alexnet\"?"),
            "{}",
            text("(network: \"alexnt\")")
        );
        assert!(text("(dram: \"DDR9\")").contains("dram"));
        assert!(text("(technology_nm: 1.0)").contains("from 5 to 180"));
        assert!(text("(clock_ghz: 0.0)").contains("clock_ghz"));
        assert!(text("(netwrok: \"vgg16\")").contains("did you mean `network`?"));
    }
}
