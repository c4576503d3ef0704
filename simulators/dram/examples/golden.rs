//! Compares the simulator with tables of reference results and prints the agreement.
//!
//! ```text
//! golden rows TABLE.csv TRACE_FOLDER     total time, energy, latency and counts of every row
//! golden logs LOGS.json.gz               command logs of tiny traces
//! ```
//! `--list` prints every row or log that differs.
use hwgym_dram::{Command, ControllerConfig, Device, Log, Request, Result, Simulator, Statistics, trace};
use std::collections::{BTreeMap, HashMap};
use std::path::Path;

/// Parameters of the tables, which carry the names of the configuration.
const PARAMETERS: [&str; 14] = [
    "PagePolicy",
    "Scheduler",
    "SchedulerBuffer",
    "RequestBufferSize",
    "CmdMux",
    "RespQueue",
    "RefreshPolicy",
    "RefreshMaxPostponed",
    "RefreshMaxPulledin",
    "PowerDownPolicy",
    "Arbiter",
    "MaxActiveTransactions",
    "LowWatermark",
    "HighWatermark",
];

fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let all: Vec<String> = std::env::args().skip(1).collect();
    let list = all.iter().any(|argument| argument == "--list");
    let arguments: Vec<&str> =
        all.iter().map(String::as_str).filter(|argument| *argument != "--list").collect();
    match arguments.as_slice() {
        ["rows", table, traces] => rows(Path::new(table), Path::new(traces), list),
        ["logs", file] => logs(Path::new(file), list),
        _ => Err("usage: golden rows TABLE.csv TRACE_FOLDER | golden logs LOGS.json.gz [--list]".into()),
    }
}

/// Tally of relative differences of one quantity.
#[derive(Default)]
struct Tally {
    differences: Vec<f64>,
}

impl Tally {
    fn add(&mut self, ours: f64, theirs: f64) -> f64 {
        let scale = theirs.abs().max(1e-12);
        let difference = if ours == theirs { 0.0 } else { (ours - theirs).abs() / scale };
        self.differences.push(difference);
        difference
    }

    fn print(&self, what: &str) {
        let n = self.differences.len();
        if n == 0 {
            return;
        }
        let within = |limit: f64| self.differences.iter().filter(|d| **d <= limit).count();
        let worst = self.differences.iter().copied().fold(0.0, f64::max);
        println!(
            "  {what:<28} {n:>6} rows   equal (1e-6) {:>6}   <=0.1% {:>6}   <=1% {:>6}   worst {:.4}%",
            within(1e-6),
            within(1e-3),
            within(1e-2),
            100.0 * worst
        );
    }
}

/// Compares a table of runs.
fn rows(table: &Path, traces: &Path, list: bool) -> std::result::Result<(), Box<dyn std::error::Error>> {
    let mut tallies: BTreeMap<String, Tally> = BTreeMap::new();
    let mut loaded: HashMap<String, Vec<Request>> = HashMap::new();
    let mut reader = csv::Reader::from_path(table)?;
    let headers = reader.headers()?.clone();
    for record in reader.records() {
        let record = record?;
        let row: HashMap<&str, &str> = headers.iter().zip(record.iter()).collect();
        let get = |name: &str| row.get(name).copied().unwrap_or("");
        let number = |name: &str| get(name).parse::<f64>().ok();
        let device = Device::preset(get("device"))?;
        let mut config = ControllerConfig::default();
        for name in PARAMETERS {
            if !get(name).is_empty() {
                config.set(name, get(name))?;
            }
        }
        let name = get("trace").to_owned();
        if !loaded.contains_key(&name) {
            loaded.insert(name.clone(), trace::load(traces.join(format!("{name}.stl")))?);
        }
        let requests = &loaded[&name];
        let powered_down = get("PowerDownPolicy") == "Staggered";
        for (reference, prefix) in [("DRAMSys5", "ds51p"), ("DRAMSys4", "ag40")] {
            if get(&format!("{prefix}_status")) != "ok" {
                continue;
            }
            config.set("Reference", reference)?;
            let ours = simulate(&device, &config, requests);
            let ours = match ours {
                Ok(ours) => ours,
                Err(error) => {
                    println!("{} {} {} {reference}: {error}", get("device"), name, get("config_id"));
                    continue;
                }
            };
            let mut compared = vec![
                ("total time", ours.total_time_ns, number(&format!("{prefix}_total_time_ns"))),
                ("energy", ours.total_energy_pj.unwrap_or(0.0), number(&format!("{prefix}_total_energy_pJ"))),
                ("power", ours.average_power_mw.unwrap_or(0.0), number(&format!("{prefix}_avg_power_mW"))),
            ];
            if reference == "DRAMSys5" {
                compared.extend([
                    ("latency", ours.latency_ns.mean, number("ds51p_lat_req2resp_ns")),
                    ("read latency", ours.read_latency_ns.mean, number("ds51p_lat_req2resp_rd_ns")),
                    ("write latency", ours.write_latency_ns.mean, number("ds51p_lat_req2resp_wr_ns")),
                    ("p99 latency", ours.latency_ns.p99, number("ds51p_lat_req2resp_p99_ns")),
                    ("max latency", ours.latency_ns.max, number("ds51p_lat_req2resp_max_ns")),
                    (
                        "latency from acceptance",
                        ours.mean_latency_from_acceptance_ns,
                        number("ds51p_lat_gen2resp_ns"),
                    ),
                    (
                        "latency from trace",
                        ours.mean_latency_from_trace_ns,
                        number("ds51p_lat_sched2resp_ns"),
                    ),
                    ("row hits", ours.row_hits as f64, number("ds51p_row_hits")),
                ]);
                for command in ["ACT", "PREPB", "PREAB", "RD", "RDA", "WR", "WRA", "REFAB", "REFPB"] {
                    let count = Command::from_name(command).map_or(0, |command| ours.commands.get(command));
                    compared.push((command, count as f64, number(&format!("ds51p_n_{command}"))));
                }
            }
            let group = if powered_down { " (power-down)" } else { "" };
            let mut different = Vec::new();
            for (what, ours, theirs) in compared {
                let Some(theirs) = theirs else { continue };
                let difference =
                    tallies.entry(format!("{reference}{group} {what}")).or_default().add(ours, theirs);
                if difference > if what == "power" { 1e-4 } else { 1e-6 } {
                    different.push(format!("{what} {ours} for {theirs}"));
                }
            }
            if list && !different.is_empty() {
                let settings: Vec<&str> = PARAMETERS.iter().map(|name| get(name)).collect();
                println!(
                    "{reference} {} {name} {} [{}]: {}",
                    get("device"),
                    get("config_id"),
                    settings.join(" "),
                    different.join("; ")
                );
            }
        }
    }
    println!("{}", table.display());
    for (what, tally) in &tallies {
        tally.print(what);
    }
    Ok(())
}

/// One run over requests in memory.
fn simulate(device: &Device, config: &ControllerConfig, requests: &[Request]) -> Result<Statistics> {
    Simulator::new(device, config)?.run(requests.iter().copied().map(Ok))
}

/// A command as the logs write it.
type Logged = (u64, u64, String, u64, u64, u64);

/// Compares command logs.
fn logs(file: &Path, list: bool) -> std::result::Result<(), Box<dyn std::error::Error>> {
    let text = std::io::read_to_string(flate2::read::GzDecoder::new(std::fs::File::open(file)?))?;
    let golden: serde_json::Value = serde_json::from_str(&text)?;
    let mut equal: BTreeMap<String, [usize; 4]> = BTreeMap::new();
    for item in golden["items"].as_array().ok_or("no items")? {
        // Some logs come without their requests and cannot be replayed.
        let Some(requests) = item["requests"].as_array().filter(|list| !list.is_empty()) else { continue };
        if item["status"] != "ok" {
            continue;
        }
        let name = item["device"].as_str().unwrap_or("ddr3_1600_rbc");
        let device = Device::preset(name)?;
        let mut config = ControllerConfig::default();
        for settings in [&golden["base_config"], &item["overrides"]] {
            for (key, value) in settings.as_object().ok_or("no configuration")? {
                let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                config.set(key, &text)?;
            }
        }
        let number = |value: &serde_json::Value| value.as_u64().unwrap_or(u64::MAX);
        let requests: Vec<Request> = requests
            .iter()
            .map(|r| Request {
                cycle: number(&r[0]),
                is_write: r[1] == "W",
                address: number(&r[2]),
                bytes: 0,
            })
            .collect();
        let mut log = Log::default();
        let statistics =
            Simulator::new(&device, &config)?.run_observed(requests.iter().copied().map(Ok), &mut log)?;
        let ps = device.clock_ps();
        let mut ours: Vec<Logged> = log
            .commands
            .iter()
            .map(|c| {
                let bank = if c.command.is_rank_wide() { 0 } else { u64::from(c.bank) };
                (
                    c.clock * ps,
                    u64::from(c.channel),
                    c.command.name().to_owned(),
                    u64::from(c.rank),
                    bank,
                    u64::from(c.row),
                )
            })
            .collect();
        let short = item["device"].is_null();
        let mut theirs: Vec<Logged> = item["commands"]
            .as_array()
            .ok_or("no commands")?
            .iter()
            .map(|c| {
                let kind = |index: usize| c[index].as_str().unwrap_or("?").to_owned();
                if short {
                    (number(&c[0]), 0, kind(1), 0, number(&c[2]), number(&c[3]))
                } else {
                    (number(&c[0]), number(&c[1]), kind(2), number(&c[3]), number(&c[5]), number(&c[6]))
                }
            })
            .collect();
        // Within one clock the reference lists the channels in no particular order.
        ours.sort_by_key(|command| (command.0, command.1));
        theirs.sort_by_key(|command| (command.0, command.1));
        let power_down = config.power_down_policy == hwgym_dram::config::PowerDownPolicy::Staggered;
        let same = same_commands(&ours, &theirs, power_down);
        let time = (statistics.total_time_ns - item["total_time_ns"].as_f64().unwrap_or(-1.0)).abs() < 1e-6;
        let energy = item["total_energy_pJ"].as_f64().is_none_or(|theirs| {
            (statistics.total_energy_pj.unwrap_or(0.0) - theirs).abs() <= 1e-6 * theirs.abs()
        });
        let group = format!("{name}{}", if power_down { " (power-down)" } else { "" });
        let tally = equal.entry(group).or_default();
        tally[0] += 1;
        tally[1] += usize::from(same);
        tally[2] += usize::from(time);
        tally[3] += usize::from(energy);
        if list && !(same && time && energy) {
            println!("{name} {} {}: log {same} time {time} energy {energy}", item["trace"], item["config"]);
            let first = ours.iter().zip(&theirs).position(|(a, b)| (a.0, &a.2) != (b.0, &b.2));
            let at = first.unwrap_or(ours.len().min(theirs.len()));
            println!("   ours   {:?}", &ours[at.saturating_sub(1)..(at + 2).min(ours.len())]);
            println!("   theirs {:?}", &theirs[at.saturating_sub(1)..(at + 2).min(theirs.len())]);
            println!("   time {} for {}", statistics.total_time_ns, item["total_time_ns"]);
        }
    }
    for (device, [count, log, time, energy]) in &equal {
        println!("  {device:<40} {count:>4} logs: {log:>4} equal, {time:>4} in time, {energy:>4} in energy");
    }
    Ok(())
}

/// Equality of logs in clock, command, channel, bank and row; power-down commands are logged apart by the reference.
fn same_commands(ours: &[Logged], theirs: &[Logged], power_down: bool) -> bool {
    let power = |name: &str| name.starts_with("PD") || name.starts_with("SREF");
    let ours: Vec<&Logged> = ours.iter().filter(|c| !(power_down && power(&c.2))).collect();
    let theirs: Vec<&Logged> = theirs.iter().filter(|c| !(power_down && power(&c.2))).collect();
    let whole_rank = |name: &str| name == "PREAB" || name == "REFAB" || power(name);
    ours.len() == theirs.len()
        && ours.iter().zip(&theirs).all(|(a, b)| {
            (a.0, a.1, &a.2) == (b.0, b.1, &b.2)
                && (whole_rank(&a.2)
                    || (a.4 == b.4 && (a.5 == b.5 || a.2.starts_with("PRE") || a.2.starts_with("REF"))))
        })
}
