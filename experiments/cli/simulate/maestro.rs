//! `hwgym simulate maestro`: evaluates the mappings of a file in MAESTRO's language.

use std::path::PathBuf;
use std::process::ExitCode;

use crate::simulators::accelerator::{
    Error,
    maestro::{Evaluation, Evaluator, Hardware, MappingFile, Rejection},
};
use serde_json::{Value, json};

use crate::failure::BadInput;

/// Evaluate the mappings of a file in MAESTRO's language
#[derive(clap::Args)]
pub struct MaestroArgs {
    /// The mapping file (.m): a network of layers, each with its dataflow
    #[arg(long, visible_alias = "Mapping_file", value_name = "FILE")]
    mapping: PathBuf,
    /// A hardware file with lines such as `num_pes: 256`; options that are given win over it (with --maestro-compat the file
    /// wins, as in MAESTRO). Its hops take a cycle each
    #[arg(long, visible_alias = "HW_file", value_name = "FILE")]
    hw_file: Option<PathBuf>,
    /// Processing elements [default: 7, as in MAESTRO]
    #[arg(long, alias = "num_pes")]
    num_pes: Option<i64>,
    /// Bandwidth of the on-chip network in elements per cycle [default: no limit]
    #[arg(long, aliases = ["noc_bw", "noc_bw_cstr", "noc-bw-cstr"])]
    noc_bw: Option<i64>,
    /// Average hops of the on-chip network [default: 1]
    #[arg(long, alias = "noc_hops")]
    noc_hops: Option<i64>,
    /// Latency of a hop in cycles [default: 0; 1 with a hardware file, as in MAESTRO]
    #[arg(long, alias = "noc_hop_latency")]
    noc_hop_latency: Option<i64>,
    /// Off-chip bandwidth in elements per cycle [default: 70000]
    #[arg(long, aliases = ["offchip_bw", "offchip_bw_cstr", "offchip-bw-cstr"])]
    offchip_bw: Option<i64>,
    /// Multiply-accumulate units of a processing element [default: 1]
    #[arg(long, alias = "num_simd_lanes")]
    num_simd_lanes: Option<i64>,
    /// Size of a processing element's buffer in bytes; a larger need is a violation
    #[arg(long, aliases = ["l1_size", "l1_size_cstr", "l1-size-cstr"])]
    l1_size: Option<i64>,
    /// Size of the shared buffer in bytes; a larger need is a violation
    #[arg(long, aliases = ["l2_size", "l2_size_cstr", "l2-size-cstr"])]
    l2_size: Option<i64>,
    /// Options of MAESTRO that change no result
    #[arg(long = "full_buffer", aliases = ["noc_mc_support", "print_res", "print_res_csv_file", "print_log_file", "print_design_space", "msg_print_lv"], hide = true, num_args = 0..=1, action = clap::ArgAction::Append)]
    without_effect: Vec<String>,
    /// Energy, area and power as MAESTRO prints them: private buffers of mappings with a Cluster are left out and those of
    /// the layer before counted in their place, and no limit of bandwidth is a width of 2^31 - 1
    #[arg(long)]
    maestro_compat: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl MaestroArgs {
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let base = match &self.hw_file {
            Some(path) => Hardware::read(path).bad_input()?,
            None => Hardware::default(),
        };
        let hardware = self.hardware(base);
        let file = MappingFile::read(&self.mapping).bad_input()?;
        let mut evaluator = Evaluator::new();
        let mut layers: Vec<(&str, Evaluation)> = Vec::new();
        for mapped in &file.layers {
            let covering;
            let directives = if self.maestro_compat {
                &mapped.directives
            } else {
                covering = mapped.covering_directives();
                &covering
            };
            let result = match evaluator.evaluate(&mapped.layer, directives, &hardware, self.maestro_compat) {
                Ok(result) => result,
                Err(Rejection::NoWork) if self.maestro_compat => {
                    eprintln!(
                        "warning: layer \"{}\": MAESTRO counts no work and prints a runtime of 0; it is left out",
                        mapped.name
                    );
                    continue;
                }
                Err(rejection) => {
                    let error = Error::from(rejection);
                    return Err(format!("layer \"{}\": {error}", mapped.name)).bad_input();
                }
            };
            let result = match layers.last() {
                Some((_, previous)) if self.maestro_compat => result.with_energy_leaked_from(previous),
                _ => result,
            };
            layers.push((mapped.name.as_str(), result));
        }
        if self.json {
            let list: Vec<Value> =
                layers.iter().map(|(name, result)| report(name, result)).collect::<Result<_, _>>()?;
            println!("{}", serde_json::to_string_pretty(&json!({"network": file.network, "layers": list}))?);
        } else {
            print(&layers);
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl MaestroArgs {
    /// The hardware of options and file.
    fn hardware(&self, base: Hardware) -> Hardware {
        let file_wins = self.maestro_compat && self.hw_file.is_some();
        let pick = |name: &str, option: Option<i64>, base: i64| match option {
            Some(value) if file_wins && value != base => {
                eprintln!("warning: {name} {value}: MAESTRO takes what the hardware file says, {base}");
                base
            }
            Some(value) => value,
            None => base,
        };
        Hardware {
            num_pes: pick("--num-pes", self.num_pes, base.num_pes),
            noc_bw: pick("--noc-bw", self.noc_bw, base.noc_bw),
            noc_hops: pick("--noc-hops", self.noc_hops, base.noc_hops),
            noc_hop_latency: pick("--noc-hop-latency", self.noc_hop_latency, base.noc_hop_latency),
            offchip_bw: pick("--offchip-bw", self.offchip_bw, base.offchip_bw),
            num_simd_lanes: self.num_simd_lanes.unwrap_or(base.num_simd_lanes),
            l1_size: self.l1_size.or(base.l1_size),
            l2_size: self.l2_size.or(base.l2_size),
        }
    }
}

fn report(name: &str, result: &Evaluation) -> anyhow::Result<Value> {
    let mut value = serde_json::to_value(result)?;
    if let Some(object) = value.as_object_mut() {
        object.remove("l1_violation");
        object.remove("l2_violation");
        object.insert("layer".into(), name.into());
        object.insert("power_mw".into(), result.power.total_mw().into());
        object.insert("violations".into(), serde_json::to_value(result.violations().collect::<Vec<_>>())?);
    }
    Ok(value)
}

/// A table with a line for every layer, then what is to be said about single layers.
fn print(layers: &[(&str, Evaluation)]) {
    let mut table = comfy_table::Table::new();
    table.set_header([
        "layer",
        "runtime\ncycles",
        "throughput\nMACs/cycle",
        "PEs active",
        "energy\nnJ",
        "area\num^2",
        "power\nmW",
        "L1 need\nbytes",
        "L2 need\nbytes",
        "NoC\nelements/cycle",
        "off-chip\nelements/cycle",
    ]);
    for (name, result) in layers {
        table.add_row([
            (*name).to_string(),
            result.runtime_cycles.to_string(),
            format!("{:.3}", result.throughput_macs_per_cycle),
            format!("{:.1}", result.active_pes),
            format!("{:.6e}", result.energy_nj),
            format!("{:.6e}", result.area_um2),
            format!("{:.6e}", result.power.total_mw()),
            result.l1_bytes.to_string(),
            result.l2_bytes.to_string(),
            result.delays.peak_bandwidth.to_string(),
            result.offchip_bandwidth.to_string(),
        ]);
    }
    for column in 1..11 {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(comfy_table::CellAlignment::Right);
        }
    }
    println!("{table}");
    if layers.len() > 1 {
        let cycles: i64 = layers.iter().map(|(_, result)| result.runtime_cycles).sum();
        let energy: f64 = layers.iter().map(|(_, result)| result.energy_nj).sum();
        println!("all {} layers: {cycles} cycles, {energy:.6e} nJ", layers.len());
    }
    for (name, result) in layers {
        for violation in result.violations() {
            let (needed, there) = (violation.required_bytes, violation.available_bytes);
            println!(
                "{name} does not fit: {} has {there} bytes, {needed} are needed ({} too many)",
                violation.buffer,
                needed - there
            );
        }
        if let Some(width) = result.network_sized_to {
            println!(
                "{name}: the network has no limit; area and power are those of {width} elements per cycle, the most \
                 that is used"
            );
        }
        if result.macs != result.true_macs {
            println!(
                "{name}: the model counts {} operations of this mapping, the layer has {}; do not trust its runtime",
                result.macs, result.true_macs
            );
        }
    }
}
