//! `hwgym simulate maestro`: evaluates the mappings of a file in MAESTRO's language.

use std::path::PathBuf;
use std::process::ExitCode;

use hwgym::simulators::accelerator::{
    Error,
    maestro::{Evaluation, Evaluator, Hardware, MappingFile},
};
use serde_json::{Value, json};

use crate::failure::BadInput;

/// Evaluate the mappings of a file in MAESTRO's language
#[derive(clap::Args)]
pub struct MaestroArgs {
    /// The mapping file (.m): a network of layers, each with its dataflow
    #[arg(long, visible_alias = "Mapping_file", value_name = "FILE")]
    mapping: PathBuf,
    /// Processing elements
    #[arg(long, alias = "num_pes", default_value_t = 256)]
    num_pes: i64,
    /// Bandwidth of the on-chip network in elements per cycle
    #[arg(long, aliases = ["noc_bw_cstr", "noc-bw-cstr"], default_value_t = i64::from(i32::MAX))]
    noc_bw: i64,
    /// Average hops of the on-chip network
    #[arg(long, alias = "noc_hops", default_value_t = 1)]
    noc_hops: i64,
    /// Latency of a hop in cycles
    #[arg(long, alias = "noc_hop_latency", default_value_t = 1)]
    noc_hop_latency: i64,
    /// Off-chip bandwidth in elements per cycle
    #[arg(long, aliases = ["offchip_bw_cstr", "offchip-bw-cstr"], default_value_t = 70_000)]
    offchip_bw: i64,
    /// Multiply-accumulate units of a processing element
    #[arg(long, alias = "num_simd_lanes", default_value_t = 1)]
    num_simd_lanes: i64,
    /// Size of a processing element's buffer in bytes; a larger need is a violation
    #[arg(long, aliases = ["l1_size_cstr", "l1-size-cstr"])]
    l1_size: Option<i64>,
    /// Size of the shared buffer in bytes; a larger need is a violation
    #[arg(long, aliases = ["l2_size_cstr", "l2-size-cstr"])]
    l2_size: Option<i64>,
    /// Energy as MAESTRO prints it: without the private buffers of mappings with a Cluster
    #[arg(long)]
    maestro_compat: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl MaestroArgs {
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let hardware = Hardware {
            num_pes: self.num_pes,
            noc_bw: self.noc_bw,
            noc_hops: self.noc_hops,
            noc_hop_latency: self.noc_hop_latency,
            offchip_bw: self.offchip_bw,
            num_simd_lanes: self.num_simd_lanes,
            l1_size: self.l1_size,
            l2_size: self.l2_size,
        };
        let file = MappingFile::read(&self.mapping).bad_input()?;
        let mut evaluator = Evaluator::new();
        let mut layers = Vec::new();
        for mapped in &file.layers {
            let result = evaluator
                .evaluate(&mapped.layer, &mapped.directives, &hardware, self.maestro_compat)
                .map_err(|rejection| format!("layer \"{}\": {}", mapped.name, Error::from(rejection)))
                .bad_input()?;
            layers.push((mapped.name.as_str(), result));
        }
        if self.json {
            let list: Vec<Value> =
                layers.iter().map(|(name, result)| report(name, result)).collect::<Result<_, _>>()?;
            println!("{}", serde_json::to_string_pretty(&json!({"network": file.network, "layers": list}))?);
        } else {
            for (name, result) in &layers {
                print(name, result);
            }
        }
        Ok(ExitCode::SUCCESS)
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

fn print(name: &str, result: &Evaluation) {
    println!("{name}");
    println!("  runtime     {} cycles", result.runtime_cycles);
    println!("  throughput  {:.3} MACs/cycle", result.throughput_macs_per_cycle);
    println!("  energy      {:.6e} nJ", result.energy_nj);
    println!("  area        {:.6e} um^2", result.area_um2);
    println!("  power       {:.6e} mW", result.power.total_mw());
    println!("  buffers     L1 {} B, L2 {} B", result.l1_bytes, result.l2_bytes);
    for violation in result.violations() {
        println!(
            "  violation   {}: {} B needed, {} B there",
            violation.buffer, violation.required_bytes, violation.available_bytes
        );
    }
    if result.macs != result.true_macs {
        println!(
            "  warning     the model counts {} operations of this mapping, the layer has {}",
            result.macs, result.true_macs
        );
    }
}
