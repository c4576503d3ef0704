//! `hwgym simulate systolic`: a layer or a whole network on a systolic array.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use crate::simulators::accelerator::{
    networks::Network,
    systolic::{
        Array, Buffers, Dataflow, ExactNetwork, Layer, MemoryTraffic, NetworkReport, compute, estimate_dram,
        files::{Configuration, Topology},
        simulate, simulate_exact,
    },
};
use serde_json::{Value, json};

use crate::failure::{BadInput, bad_input};

/// Run a layer or a whole network on a systolic array
#[derive(clap::Args)]
#[command(group = clap::ArgGroup::new("work").required(true).args(["layer", "gemm", "network", "topology"]))]
pub struct SystolicArgs {
    /// Rows x columns of processing elements, such as 32x32 [default: 32x32]
    #[arg(long, value_name = "RxC", conflicts_with = "config")]
    array: Option<String>,
    /// Stationary operand: os (outputs), ws (weights) or is (inputs) [default: os]
    #[arg(long, conflicts_with = "config")]
    dataflow: Option<String>,
    /// A convolution: input height, width, filter height, width, channels, filters, stride (and stride to the right, where it
    /// is another), separated by commas
    #[arg(long, value_name = "H,W,R,S,C,K,STRIDE")]
    layer: Option<String>,
    /// A matrix product M,K,N
    #[arg(long, value_name = "M,K,N")]
    gemm: Option<String>,
    /// A built-in network or the path of a layer table (.ron)
    #[arg(long)]
    network: Option<String>,
    /// A SCALE-Sim topology (.csv): convolutions, or matrix products M, N, K
    #[arg(long, value_name = "FILE")]
    topology: Option<PathBuf>,
    /// A SCALE-Sim configuration (.cfg): array, dataflow, buffers and bandwidth
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// DRAM bandwidth of each interface in words (bytes) per cycle; without it the array never waits for memory
    #[arg(long, value_name = "WORDS", conflicts_with = "config")]
    bandwidth: Option<u64>,
    /// Size of the input buffer in kB [default: 64]
    #[arg(long, value_name = "KB", conflicts_with = "config")]
    ifmap_sram: Option<u64>,
    /// Size of the filter buffer in kB [default: 64]
    #[arg(long, value_name = "KB", conflicts_with = "config")]
    filter_sram: Option<u64>,
    /// Size of the output buffer in kB [default: 64]
    #[arg(long, value_name = "KB", conflicts_with = "config")]
    ofmap_sram: Option<u64>,
    /// Count as another simulator does, its errors included
    #[arg(long, value_enum, value_name = "NAME")]
    reference: Option<Reference>,
    /// The former name of `--reference scale-sim2`
    #[arg(long, hide = true, conflicts_with = "reference")]
    scalesim_compat: bool,
    /// With `--reference` and no bandwidth: also estimate the DRAM traffic (slow for large layers)
    #[arg(long)]
    dram: bool,
    /// Print the true numbers and SCALE-Sim's side by side
    #[arg(long, conflicts_with_all = ["reference", "scalesim_compat", "dram"])]
    explain: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Whose numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Reference {
    /// SCALE-Sim v2 (git 22f88b1)
    #[value(alias = "ScaleSim2", alias = "scalesim2")]
    ScaleSim2,
    /// SCALE-Sim v3: as v2, with its total cycles from the first prefetch to the last write
    #[value(alias = "ScaleSim3", alias = "scalesim3")]
    ScaleSim3,
}

/// A layer with its name and how often it runs.
struct Work {
    name: String,
    layer: Layer,
    times: u64,
}

/// The array and what is behind it.
struct Machine {
    array: Array,
    buffers: Buffers,
    bandwidth_limited: bool,
}

impl SystolicArgs {
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let machine = self.machine()?;
        let (title, work) = self.work()?;
        let reference = self.reference.or(self.scalesim_compat.then_some(Reference::ScaleSim2));
        self.refuse_what_has_no_effect(reference)?;
        let value = if self.explain {
            explain(&work, &machine)?
        } else if let Some(title) = title {
            match reference {
                Some(reference) => self.reference_network(&title, &work, &machine, reference)?,
                None => exact_network(&title, &work, &machine)?,
            }
        } else {
            match reference {
                Some(reference) => self.reference_layer(&work[0].layer, &machine, reference)?,
                None => exact_layer(&work[0].layer, &machine)?,
            }
        };
        if self.json {
            println!("{}", serde_json::to_string_pretty(&value)?);
        } else {
            print(&value, 0);
        }
        Ok(ExitCode::SUCCESS)
    }

    fn machine(&self) -> anyhow::Result<Machine> {
        if let Some(path) = &self.config {
            let Configuration { array, buffers, bandwidth_limited, .. } =
                Configuration::read(path).bad_input()?;
            return Ok(Machine { array, buffers, bandwidth_limited });
        }
        let (rows, columns) = Array::parse_shape(self.array.as_deref().unwrap_or("32x32")).bad_input()?;
        let dataflow: Dataflow = self.dataflow.as_deref().unwrap_or("os").parse().bad_input()?;
        let [ifmap, filter, ofmap] =
            [self.ifmap_sram, self.filter_sram, self.ofmap_sram].map(|size| size.unwrap_or(64));
        Ok(Machine {
            array: Array { rows, columns, dataflow },
            buffers: Buffers::from_kb(ifmap, filter, ofmap, self.bandwidth.unwrap_or(1)),
            bandwidth_limited: self.bandwidth.is_some(),
        })
    }

    /// The layers; a title where they are those of a network.
    fn work(&self) -> anyhow::Result<(Option<String>, Vec<Work>)> {
        if let Some(name) = &self.network {
            let network = Network::named_or_read(name, Path::new("")).bad_input()?;
            let shapes = network.systolic().bad_input()?;
            let work = network.layers.iter().zip(shapes).map(|(table, (layer, times))| Work {
                name: table.name().to_owned(),
                layer,
                times,
            });
            return Ok((Some(network.name.clone()), work.collect()));
        }
        if let Some(path) = &self.topology {
            let topology = Topology::read(path).bad_input()?;
            for warning in &topology.warnings {
                eprintln!("warning: {warning}");
            }
            let title = path.file_stem().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
            let work = topology.layers.into_iter().map(|row| Work {
                name: row.name,
                layer: row.layer,
                times: row.times,
            });
            return Ok((Some(title), work.collect()));
        }
        let layer = if let Some(text) = &self.gemm {
            let [m, k, n] = numbers(text, "--gemm", "M,K,N")?;
            Layer::matrix_product(m, k, n)
        } else {
            let text = self.layer.as_deref().unwrap_or_default();
            let form = "H,W,R,S,C,K,STRIDE";
            let (stride_width, most) = match text.split(',').count() {
                8 => (text.rsplit_once(','), text.rsplit_once(',').map_or(text, |parts| parts.0)),
                _ => (None, text),
            };
            let [ifmap_height, ifmap_width, filter_height, filter_width, channels, filters, stride_height] =
                numbers(most, "--layer", form)?;
            let stride_width = match stride_width {
                Some((_, last)) => numbers::<1>(last, "--layer", form)?[0],
                None => stride_height,
            };
            Layer {
                ifmap_height,
                ifmap_width,
                filter_height,
                filter_width,
                channels,
                filters,
                stride_height,
                stride_width,
            }
        };
        layer.check().bad_input()?;
        Ok((None, vec![Work { name: "layer".into(), layer, times: 1 }]))
    }

    fn refuse_what_has_no_effect(&self, reference: Option<Reference>) -> anyhow::Result<()> {
        let sizes = [
            ("--ifmap-sram", self.ifmap_sram),
            ("--filter-sram", self.filter_sram),
            ("--ofmap-sram", self.ofmap_sram),
        ];
        let Some(reference) = reference else {
            if self.dram {
                return Err(bad_input(
                    "--dram: the DRAM words are part of the true numbers; leave it out, or add --reference",
                ));
            }
            return Ok(());
        };
        if self.dram && self.bandwidth.is_some() {
            return Err(bad_input(
                "--dram: with --bandwidth the DRAM traffic is always printed; leave it out",
            ));
        }
        // Version 3 counts from the first prefetch to the last write, so that the sizes matter.
        let uses_sizes = self.dram || self.bandwidth.is_some() || reference == Reference::ScaleSim3;
        if let Some((name, _)) = sizes.iter().find(|size| size.1.is_some() && !uses_sizes) {
            return Err(bad_input(format!(
                "{name}: the reference's numbers depend on buffers with --bandwidth or --dram only; add one of them, \
                 or leave it out"
            )));
        }
        Ok(())
    }

    /// SCALE-Sim's numbers of a layer.
    fn reference_layer(
        &self,
        layer: &Layer,
        machine: &Machine,
        reference: Reference,
    ) -> anyhow::Result<Value> {
        let Machine { array, buffers, bandwidth_limited } = machine;
        let (mut value, traffic) = if *bandwidth_limited {
            let result = simulate(layer, array, buffers, true).bad_input()?;
            (serde_json::to_value(result)?, Some(result.dram))
        } else {
            let mut value = serde_json::to_value(compute(layer, array, true).bad_input()?)?;
            let wanted = self.dram || self.config.is_some() || reference == Reference::ScaleSim3;
            let traffic = wanted.then(|| estimate_dram(layer, array, buffers)).transpose().bad_input()?;
            if let Some(traffic) = &traffic {
                value["dram"] = serde_json::to_value(traffic)?;
            }
            (value, traffic)
        };
        if reference == Reference::ScaleSim3
            && let Some(traffic) = traffic
        {
            value["total_cycles_with_prefetch"] = traffic.cycles_with_prefetch().into();
        }
        Ok(value)
    }

    /// SCALE-Sim's numbers of a network.
    fn reference_network(
        &self,
        title: &str,
        work: &[Work],
        machine: &Machine,
        reference: Reference,
    ) -> anyhow::Result<Value> {
        let Machine { array, buffers, bandwidth_limited } = machine;
        let mut total = NetworkReport::default();
        let mut with_prefetch = 0;
        let mut list = Vec::new();
        let estimates = self.dram || self.config.is_some() || reference == Reference::ScaleSim3;
        for Work { name, layer, times } in work {
            let (computation, cycles, stalls, utilization, dram) = if *bandwidth_limited {
                let run = simulate(layer, array, buffers, true).bad_input()?;
                let utilization = run.overall_utilization_percent;
                (run.computation, run.cycles, run.stall_cycles, utilization, Some(run.dram))
            } else {
                let run = compute(layer, array, true).bad_input()?;
                let dram = estimates.then(|| estimate_dram(layer, array, buffers)).transpose().bad_input()?;
                (run, run.cycles, 0, run.overall_utilization_percent, dram)
            };
            let mut row = json!({
                "layer": name,
                "times": times,
                "cycles": cycles,
                "stall_cycles": stalls,
                "utilization_percent": utilization,
            });
            total.cycles += cycles * times;
            total.stall_cycles += stalls * times;
            total.macs += computation.macs * times;
            if let Some(dram) = &dram {
                add_traffic(&mut total, dram, *times);
                row["dram_words"] = dram.words().into();
                if reference == Reference::ScaleSim3 {
                    row["total_cycles_with_prefetch"] = dram.cycles_with_prefetch().into();
                    with_prefetch += dram.cycles_with_prefetch() * *times as i64;
                }
            }
            list.push(row);
        }
        let slots = total.cycles as f64 * (array.rows * array.columns) as f64;
        let mut value = json!({
            "network": title,
            "cycles": total.cycles,
            "stall_cycles": total.stall_cycles,
            "macs": total.macs,
            "overall_utilization_percent": 100.0 * total.macs as f64 / slots,
            "layers": list,
        });
        if *bandwidth_limited || estimates {
            value["dram_words"] = serde_json::to_value(total.dram_words)?;
        }
        if reference == Reference::ScaleSim3 {
            value["total_cycles_with_prefetch"] = with_prefetch.into();
        }
        Ok(value)
    }
}

fn add_traffic(total: &mut NetworkReport, traffic: &MemoryTraffic, times: u64) {
    total.dram_words.ifmap += times * traffic.ifmap.words;
    total.dram_words.filter += times * traffic.filter.words;
    total.dram_words.ofmap += times * traffic.ofmap.words;
}

/// The true numbers of a layer.
fn exact_layer(layer: &Layer, machine: &Machine) -> anyhow::Result<Value> {
    let run =
        simulate_exact(layer, &machine.array, &machine.buffers, machine.bandwidth_limited).bad_input()?;
    Ok(serde_json::to_value(run)?)
}

/// The true numbers of a network.
fn exact_network(title: &str, work: &[Work], machine: &Machine) -> anyhow::Result<Value> {
    let mut total = ExactNetwork::default();
    let mut list = Vec::new();
    for Work { name, layer, times } in work {
        let run =
            simulate_exact(layer, &machine.array, &machine.buffers, machine.bandwidth_limited).bad_input()?;
        total.add(&run, *times);
        let dram = run.dram_words;
        list.push(json!({
            "layer": name,
            "times": times,
            "cycles": run.cycles,
            "stall_cycles": run.stall_cycles,
            "utilization_percent": run.overall_utilization_percent,
            "dram_words": dram.ifmap + dram.filter + dram.ofmap + run.dram_partial_sum_reads,
        }));
    }
    total.finish(&machine.array);
    let mut value = serde_json::to_value(total)?;
    value["network"] = title.into();
    value["layers"] = list.into();
    Ok(value)
}

/// True and reference's numbers of every layer, side by side.
fn explain(work: &[Work], machine: &Machine) -> anyhow::Result<Value> {
    let Machine { array, buffers, bandwidth_limited } = machine;
    let mut list = Vec::new();
    for Work { name, layer, .. } in work {
        let ours = simulate_exact(layer, array, buffers, *bandwidth_limited).bad_input()?;
        let (computation, cycles, stalls, utilization, dram) = if *bandwidth_limited {
            let run = simulate(layer, array, buffers, true).bad_input()?;
            let utilization = run.overall_utilization_percent;
            (run.computation, run.cycles, run.stall_cycles, utilization, run.dram)
        } else {
            let run = compute(layer, array, true).bad_input()?;
            let dram = estimate_dram(layer, array, buffers).bad_input()?;
            (run, run.cycles, 0, run.overall_utilization_percent, dram)
        };
        let mut row = |number: &str, ours: Value, theirs: Value, why: &str| {
            let why = if ours == theirs { "" } else { why };
            list.push(json!({
                "layer": name, "number": number, "true": ours, "scale_sim_2": theirs, "why they differ": why,
            }));
        };
        row(
            "macs",
            ours.macs.into(),
            computation.macs.into(),
            "it counts windows that hang over the edge of the input",
        );
        row(
            "cycles",
            ours.cycles.into(),
            cycles.into(),
            "it counts idle rows and columns of partial folds and no drain that a fold must wait for, starts at 0, and \
             has other stalls",
        );
        row(
            "stall_cycles",
            ours.stall_cycles.into(),
            stalls.into(),
            "its prefetcher only moves forward and fetches what it holds again",
        );
        row(
            "overall_utilization_percent",
            ours.overall_utilization_percent.into(),
            utilization.into(),
            "follows from macs and cycles",
        );
        row(
            "compute_utilization_percent",
            ours.compute_utilization_percent.into(),
            computation.compute_utilization_percent.into(),
            "it charges both skews, or all rows and columns, to each fold",
        );
        let (sram, theirs) = (ours.sram_words, computation.sram);
        let extra = "it counts windows over the edge";
        row("sram_ifmap_reads", sram.ifmap.into(), theirs.ifmap.into(), extra);
        row("sram_filter_reads", sram.filter.into(), theirs.filter.into(), extra);
        let phantom = "it adds one row and one column of writes to each output stationary fold";
        row("sram_ofmap_writes", sram.ofmap.into(), theirs.ofmap.into(), phantom);
        let again = "it fetches in hundredths of the buffer, in the order of use with repetitions";
        row("dram_ifmap_reads", ours.dram_words.ifmap.into(), dram.ifmap.words.into(), again);
        row("dram_filter_reads", ours.dram_words.filter.into(), dram.filter.words.into(), again);
        let sums = "it sends all partial sums to DRAM and never reads them back";
        row("dram_ofmap_writes", ours.dram_words.ofmap.into(), dram.ofmap.words.into(), sums);
        row("dram_partial_sum_reads", ours.dram_partial_sum_reads.into(), 0.into(), sums);
    }
    Ok(list.into())
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
