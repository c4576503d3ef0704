//! `hwgym simulate dram`: one trace through a memory controller.
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use comfy_table::{Table, presets};
use hwgym_simulators::dram::device::{ALIASES, PRESETS};
use hwgym_simulators::dram::trace::{ShippedTrace, StlReader, Workload};
use hwgym_simulators::dram::{
    Command, CommandRecord, CommandSink, ControllerConfig, Device, Request, Simulator, Statistics,
};

use crate::arguments::pair;
use crate::failure::BadInput;

/// Run a trace through a DRAM controller
///
/// Example: hwgym simulate dram --device ddr4_2400_brc --trace random:requests=10000 --set Scheduler=Fifo --json
#[derive(clap::Args)]
pub struct DramArgs {
    /// Device: a preset, a RON file, or a DRAMSys simulation or memory specification in JSON; `--list-devices` shows the presets
    #[arg(long, default_value = "ddr4_2400_brc")]
    device: String,
    /// Trace: a file (.stl or .stl.gz), a shipped trace, or a generator such as `random:seed=3`
    #[arg(long, required_unless_present_any = ["list_devices", "list_parameters"])]
    trace: Option<String>,
    /// Clock in which the trace counts its cycles, in MHz; without it the one in the trace's header, else the memory's own
    #[arg(long, value_name = "MHZ")]
    clock_mhz: Option<f64>,
    /// A parameter of the controller, such as `PagePolicy=Open`; may be repeated
    #[arg(long, value_name = "NAME=VALUE", value_parser = pair)]
    set: Vec<(String, String)>,
    /// Parameters of the controller from a RON file, or JSON as `--list-parameters` prints or DRAMSys reads it (`mcconfig`);
    /// `--set` comes on top
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Write every command to a CSV file
    #[arg(long, value_name = "FILE.csv")]
    commands: Option<PathBuf>,
    /// Give up when this much time has been simulated, in ns
    #[arg(long, value_name = "NS")]
    max_time_ns: Option<f64>,
    /// Refuse time stamps before earlier ones, and data of another length than their request
    #[arg(long)]
    strict: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// List the devices
    #[arg(long, conflicts_with_all = ["device", "trace", "clock_mhz", "set", "config", "commands", "max_time_ns", "strict", "json", "list_parameters"])]
    list_devices: bool,
    /// List the parameters of the controller with their present values, as JSON
    #[arg(long, conflicts_with_all = ["device", "trace", "clock_mhz", "commands", "max_time_ns", "strict", "json"])]
    list_parameters: bool,
}

impl DramArgs {
    pub fn run(self) -> Result<ExitCode> {
        if self.list_devices {
            print!("{}", devices()?);
            return Ok(ExitCode::SUCCESS);
        }
        let mut config = match &self.config {
            Some(path) => ControllerConfig::from_file(path).bad_input()?,
            None => ControllerConfig::default(),
        };
        for (name, value) in &self.set {
            config.set(name, value).bad_input()?;
        }
        if self.list_parameters {
            println!("{}", serde_json::to_string_pretty(&config)?);
            return Ok(ExitCode::SUCCESS);
        }
        let device = Device::named(&self.device).bad_input()?;
        let mut simulator = Simulator::new(&device, &config).bad_input()?;
        let trace = self.trace.as_deref().unwrap_or_default();
        let (mut reader, generated) = open(trace, &device, self.strict)?;
        let header = reader.as_ref().and_then(StlReader::clock_mhz);
        let clock = match (self.clock_mhz, header) {
            (Some(mhz), _) => Some((mhz, "--clock-mhz")),
            (None, Some(mhz)) => Some((mhz, "header of the trace")),
            (None, None) => None,
        };
        if let Some((mhz, _)) = clock {
            simulator = simulator.with_trace_clock_mhz(mhz).bad_input()?;
        }
        if let Some(limit) = self.max_time_ns {
            simulator = simulator.with_max_time_ns(limit);
        }
        let requests: Requests<'_> = match (&mut reader, generated) {
            (Some(reader), _) => Box::new(reader),
            (None, Some(generated)) => generated,
            (None, None) => Box::new(std::iter::empty()),
        };
        let statistics = match &self.commands {
            None => simulator.run(requests).bad_input()?,
            Some(path) => run_logged(&simulator, &device, requests, path)?,
        };
        if let Some(late) = reader.as_ref().map(StlReader::late).filter(|late| *late > 0) {
            eprintln!(
                "warning: {late} requests of `{trace}` have a time stamp before that of an earlier one; they were played at once (--strict refuses them)"
            );
        }
        let (clock_mhz, clock_from) = clock.unwrap_or_else(|| (device.clock_mhz(), "the memory's own"));
        if self.json {
            let mut value = serde_json::to_value(&statistics)?;
            value["trace_clock_mhz"] = clock_mhz.into();
            println!("{}", serde_json::to_string_pretty(&value)?);
        } else {
            let clock = format!("{clock_mhz} MHz ({clock_from})");
            println!("{}", summary(&device, &statistics, clock));
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// A stream of requests; the first error ends it.
type Requests<'a> = Box<dyn Iterator<Item = hwgym_simulators::dram::Result<Request>> + Send + 'a>;

/// The trace: a reader of a file or a recorded trace, whose addresses are checked against the device where they stand, or what a
/// generator makes.
fn open(
    trace: &str,
    device: &Device,
    strict: bool,
) -> Result<(Option<StlReader<'static>>, Option<Requests<'static>>)> {
    let reader = match Workload::parse(trace).bad_input()? {
        Workload::File(path) => StlReader::open(path).bad_input()?,
        other => match ShippedTrace::find(trace) {
            Ok(shipped) => shipped.reader().bad_input()?,
            Err(_) => return Ok((None, Some(other.requests().bad_input()?))),
        },
    };
    Ok((Some(reader.with_strict(strict).with_address_limit(device.capacity_bytes())), None))
}

/// Runs and writes every command; a run that fails leaves no file.
fn run_logged(
    simulator: &Simulator,
    device: &Device,
    requests: Requests<'_>,
    path: &Path,
) -> Result<Statistics> {
    let partial = path.with_extension("partial");
    let file = File::create(&partial).with_context(|| format!("{}", partial.display())).bad_input()?;
    let mut out = BufWriter::new(file);
    let mut written = writeln!(out, "time_ps,channel,command,rank,bank_group,bank,row,column");
    let (period, per_group) = (device.clock_ps(), device.organization().banks_per_group);
    let mut sink = CommandSink(|c: &CommandRecord| {
        if written.is_ok() {
            let whole_rank = c.command.is_rank_wide();
            let bank = if whole_rank { 0 } else { c.bank % per_group };
            let (time, name) = (c.clock * period, c.command.name());
            written = writeln!(
                out,
                "{time},{},{name},{},{},{bank},{},{}",
                c.channel, c.rank, c.bank_group, c.row, c.column
            );
        }
    });
    let result = simulator.run_observed(requests, &mut sink).bad_input();
    let finished = written.and_then(|()| out.flush()).with_context(|| format!("{}", partial.display()));
    let moved = match (&result, finished) {
        (Ok(_), Ok(())) => std::fs::rename(&partial, path).with_context(|| format!("{}", path.display())),
        (_, finished) => std::fs::remove_file(&partial).map_err(Into::into).and(finished),
    };
    let statistics = result?;
    moved?;
    Ok(statistics)
}

/// A table without borders.
fn table() -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table
}

/// Every preset with its size and speed.
fn devices() -> Result<String> {
    let mut table = table();
    table.set_header(["device", "also called", "GiB", "peak Gb/s", "energy", "what it is"]);
    for preset in PRESETS {
        let device = Device::preset(preset.name)?;
        let of_this = ALIASES.iter().filter(|(_, full)| *full == preset.name);
        let short: Vec<&str> = of_this.map(|(short, _)| *short).collect();
        table.add_row([
            preset.name.to_owned(),
            short.join(", "),
            format!("{}", device.capacity_bytes() as f64 / (1u64 << 30) as f64),
            format!("{:.1}", device.peak_gbps()),
            if device.has_power_model() { "yes" } else { "no" }.to_owned(),
            device.description().to_owned(),
        ]);
    }
    let energy = "energy: without I/O and termination, for devices whose currents are published; `null` in JSON for the others";
    Ok(format!("{table}\n\n{energy}\n"))
}

/// What a person wants to see.
fn summary(device: &Device, s: &Statistics, clock: String) -> String {
    let mut table = table();
    let mut row = |name: &str, value: String| {
        table.add_row([name.to_owned(), value]);
    };
    row("device", format!("{} ({})", device.name(), device.description()));
    row("clock of the trace", clock);
    row("requests", s.requests.to_string());
    if s.bursts != s.requests {
        row("  in bursts", s.bursts.to_string());
    }
    row("total time", format!("{:.3} us", s.total_time_ns / 1e3));
    let share = 100.0 * s.bandwidth_gbps / device.peak_gbps();
    row("bandwidth", format!("{:.2} Gb/s, {share:.1} % of the peak", s.bandwidth_gbps));
    for (name, l) in [
        ("latency", &s.latency_ns),
        ("read latency", &s.read_latency_ns),
        ("write latency", &s.write_latency_ns),
    ] {
        row(name, format!("mean {:.1}, p50 {:.1}, p99 {:.1}, max {:.1} ns", l.mean, l.p50, l.p99, l.max));
    }
    row("row hits", format!("{} of {}", s.row_hits, s.bursts));
    let counts: Vec<String> = Command::ALL
        .iter()
        .filter(|command| s.commands.get(**command) > 0)
        .map(|command| format!("{} {}", command.name(), s.commands.get(*command)))
        .collect();
    row("commands", counts.join(", "));
    match (s.total_energy_pj, s.average_power_mw, &s.energy_pj) {
        (Some(energy), Some(power), Some(parts)) => {
            row("energy", format!("{:.3} uJ, {power:.1} mW on average", energy / 1e6));
            for (name, part) in [
                ("  activate", parts.activate),
                ("  precharge", parts.precharge),
                ("  read", parts.read),
                ("  write", parts.write),
                ("  refresh", parts.refresh),
                ("  active standby", parts.active_standby),
                ("  precharge standby", parts.precharge_standby),
                ("  power-down", parts.active_power_down + parts.precharge_power_down),
                ("  self refresh", parts.self_refresh),
            ] {
                if part != 0.0 {
                    row(name, format!("{:.3} uJ ({:.1} %)", part / 1e6, 100.0 * part / energy));
                }
            }
        }
        _ => row("energy", "not known: no published currents for this device".to_owned()),
    }
    table.to_string()
}
