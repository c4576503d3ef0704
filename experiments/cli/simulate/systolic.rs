//! `hwgym simulate systolic`: a layer or a whole network on a systolic array.

use std::path::Path;
use std::process::ExitCode;

use hwgym::simulators::accelerator::{
    networks::Network,
    systolic::{Array, Buffers, Dataflow, Layer, compute, estimate_dram, simulate, simulate_network},
};
use serde_json::{Value, json};

use crate::failure::{BadInput, bad_input};

/// Run a layer or a whole network on a systolic array
#[derive(clap::Args)]
#[command(group = clap::ArgGroup::new("work").required(true).args(["layer", "gemm", "network"]))]
pub struct SystolicArgs {
    /// Rows x columns of processing elements, such as 32x32
    #[arg(long, value_name = "RxC", default_value = "32x32")]
    array: String,
    /// Stationary operand: os (outputs), ws (weights) or is (inputs)
    #[arg(long, default_value = "os")]
    dataflow: String,
    /// A convolution: input height, width, filter height, width, channels, filters, stride, separated by commas
    #[arg(long, value_name = "H,W,R,S,C,K,STRIDE")]
    layer: Option<String>,
    /// A matrix product M,K,N
    #[arg(long, value_name = "M,K,N")]
    gemm: Option<String>,
    /// A built-in network or the path of a layer table (.ron)
    #[arg(long)]
    network: Option<String>,
    /// DRAM bandwidth of each interface in words (bytes) per cycle; without it the array never waits for memory
    #[arg(long, value_name = "WORDS")]
    bandwidth: Option<u64>,
    /// Size of the input buffer in kB
    #[arg(long, value_name = "KB", default_value_t = 64)]
    ifmap_sram: u64,
    /// Size of the filter buffer in kB
    #[arg(long, value_name = "KB", default_value_t = 64)]
    filter_sram: u64,
    /// Size of the output buffer in kB
    #[arg(long, value_name = "KB", default_value_t = 64)]
    ofmap_sram: u64,
    /// Count output writes as SCALE-Sim does: one row and one column too many a fold
    #[arg(long)]
    scalesim_compat: bool,
    /// Also estimate the DRAM traffic of an array that never waits (slow for large layers)
    #[arg(long)]
    dram: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl SystolicArgs {
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let (rows, columns) = Array::parse_shape(&self.array).bad_input()?;
        let dataflow: Dataflow = self.dataflow.parse().bad_input()?;
        let array = Array { rows, columns, dataflow };
        let value = match &self.network {
            Some(name) => self.network(name, &array)?,
            None => self.single(&self.shape()?, &array)?,
        };
        if self.json {
            println!("{}", serde_json::to_string_pretty(&value)?);
        } else {
            print(&value, 0);
        }
        Ok(ExitCode::SUCCESS)
    }

    fn buffers(&self, bandwidth: u64) -> Buffers {
        Buffers::from_kb(self.ifmap_sram, self.filter_sram, self.ofmap_sram, bandwidth)
    }

    fn shape(&self) -> anyhow::Result<Layer> {
        if let Some(text) = &self.gemm {
            let [m, k, n] = numbers(text, "--gemm", "M,K,N")?;
            return Ok(Layer::matrix_product(m, k, n));
        }
        let text = self.layer.as_deref().unwrap_or_default();
        let [ifmap_height, ifmap_width, filter_height, filter_width, channels, filters, stride] =
            numbers(text, "--layer", "H,W,R,S,C,K,STRIDE")?;
        Ok(Layer { ifmap_height, ifmap_width, filter_height, filter_width, channels, filters, stride })
    }

    fn single(&self, layer: &Layer, array: &Array) -> anyhow::Result<Value> {
        if let Some(bandwidth) = self.bandwidth {
            let result =
                simulate(layer, array, &self.buffers(bandwidth), self.scalesim_compat).bad_input()?;
            return Ok(serde_json::to_value(result)?);
        }
        let result = compute(layer, array, self.scalesim_compat).bad_input()?;
        let mut value = serde_json::to_value(result)?;
        if self.dram {
            let traffic = estimate_dram(layer, array, &self.buffers(1)).bad_input()?;
            value["dram"] = serde_json::to_value(traffic)?;
        }
        Ok(value)
    }

    fn network(&self, name: &str, array: &Array) -> anyhow::Result<Value> {
        let network = Network::named_or_read(name, Path::new("")).bad_input()?;
        let layers = network.systolic().bad_input()?;
        if let Some(bandwidth) = self.bandwidth {
            let buffers = self.buffers(bandwidth);
            let report = simulate_network(layers, array, &buffers, self.scalesim_compat).bad_input()?;
            return Ok(serde_json::to_value(report)?);
        }
        let (mut cycles, mut macs) = (0, 0);
        let mut list = Vec::new();
        for (table, (layer, times)) in network.layers.iter().zip(&layers) {
            let result = compute(layer, array, self.scalesim_compat).bad_input()?;
            cycles += result.cycles * times;
            macs += result.macs * times;
            list.push(json!({
                "layer": table.name(),
                "times": times,
                "cycles": result.cycles,
                "utilization_percent": result.overall_utilization_percent,
            }));
        }
        let slots = cycles as f64 * (array.rows * array.columns) as f64;
        Ok(json!({
            "network": network.name,
            "cycles": cycles,
            "macs": macs,
            "overall_utilization_percent": 100.0 * macs as f64 / slots,
            "layers": list,
        }))
    }
}

/// Numbers separated by commas.
fn numbers<const N: usize>(text: &str, option: &str, form: &str) -> anyhow::Result<[u64; N]> {
    let parsed: Result<Vec<u64>, _> = text.split(',').map(|part| part.trim().parse()).collect();
    parsed
        .ok()
        .and_then(|list| <[u64; N]>::try_from(list).ok())
        .ok_or_else(|| bad_input(format!("{option} {text}: expected {N} whole numbers {form}")))
}

/// Whether a value is an object of single values: a row of a table.
fn is_flat(value: &Value) -> bool {
    value.as_object().is_some_and(|object| !object.values().any(|v| v.is_object() || v.is_array()))
}

/// A table with a column for every name of the first row.
fn table(rows: &[Value]) -> comfy_table::Table {
    let mut table = comfy_table::Table::new();
    let Some(first) = rows.first().and_then(Value::as_object) else { return table };
    table.set_header(first.keys());
    for row in rows {
        table.add_row(first.keys().map(|name| match &row[name] {
            Value::String(text) => text.clone(),
            Value::Number(number) if number.is_f64() => format!("{:.3}", number.as_f64().unwrap_or(0.0)),
            other => other.to_string(),
        }));
    }
    table
}

/// Names and values, one a line; rows of a list as a table.
fn print(value: &Value, depth: usize) {
    let indent = "  ".repeat(depth);
    match value {
        Value::Object(object) => {
            for (name, value) in object {
                match value {
                    Value::Object(_) | Value::Array(_) => {
                        println!("{indent}{name}");
                        print(value, depth + 1);
                    }
                    Value::Number(number) if number.is_f64() => {
                        println!("{indent}{name}  {:.3}", number.as_f64().unwrap_or(0.0));
                    }
                    Value::String(text) => println!("{indent}{name}  {text}"),
                    other => println!("{indent}{name}  {other}"),
                }
            }
        }
        Value::Array(list) if list.iter().all(is_flat) => println!("{}", table(list)),
        Value::Array(list) => list.iter().for_each(|item| {
            print(item, depth);
            println!();
        }),
        other => println!("{indent}{other}"),
    }
}
