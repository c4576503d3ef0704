//! Compares throughputs with those measured on Ramulator 2.1 (DDR5, LPDDR5, GDDR6, HBM3; FR-FCFS, open page).
//!
//! ```text
//! ramulator TABLE.csv TRACE_FOLDER [--list] [NAME=VALUE ...]
//! ```
//! `--list` prints every row; parameters of the controller given as `NAME=VALUE` replace those of the comparison.
use hwgym_dram::{ControllerConfig, Device, Request, Simulator, trace};
use std::collections::{BTreeMap, HashMap};
use std::path::Path;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let all: Vec<String> = std::env::args().skip(1).collect();
    let list = all.iter().any(|argument| argument == "--list");
    let rest: Vec<&str> = all.iter().map(String::as_str).filter(|argument| *argument != "--list").collect();
    let [table, traces, settings @ ..] = rest.as_slice() else {
        return Err("usage: ramulator TABLE.csv TRACE_FOLDER [--list] [NAME=VALUE ...]".into());
    };
    let mut loaded: HashMap<String, Vec<Request>> = HashMap::new();
    let mut tallies: BTreeMap<(String, &str), Vec<f64>> = BTreeMap::new();
    let mut reader = csv::Reader::from_path(table)?;
    let headers = reader.headers()?.clone();
    for record in reader.records() {
        let record = record?;
        let row: HashMap<&str, &str> = headers.iter().zip(record.iter()).collect();
        let get = |name: &str| row.get(name).copied().unwrap_or("");
        let device = Device::preset(get("device"))?;
        let mut config = ControllerConfig::default();
        for (name, value) in [
            ("Scheduler", "GrpFrFcfsWm"),
            ("SchedulerBuffer", "ReadWrite"),
            ("RequestBufferSize", get("read_buffer")),
            ("RefreshPolicy", if get("refresh").contains("PerBank") { "PerBank" } else { get("refresh") }),
            ("Reference", "Ramulator2"),
        ] {
            config.set(name, value)?;
        }
        for setting in settings {
            let (name, value) = setting.split_once('=').ok_or("write settings as NAME=VALUE")?;
            config.set(name, value)?;
        }
        let name = get("trace").to_owned();
        if !loaded.contains_key(&name) {
            let path = Path::new(traces).join(format!("{name}.stl"));
            let path = if path.exists() { path } else { path.with_extension("stl.gz") };
            loaded.insert(name.clone(), trace::load(path)?);
        }
        let full = get("injection") == "full";
        let requests = loaded[&name]
            .iter()
            .map(|request| Ok(Request { cycle: if full { 0 } else { request.cycle }, ..*request }));
        let ours = Simulator::new(&device, &config)?.run(requests)?;
        let theirs: f64 = get("last_done_ns").parse()?;
        // Throughput over theirs: the same bytes in another time.
        let ratio = theirs / ours.total_time_ns - 1.0;
        let kind = if get("n_wr") == "0" { "reads" } else { "mixed" };
        tallies.entry((get("device").to_owned(), kind)).or_default().push(ratio);
        if list {
            println!(
                "{:<14} {:<22} {:<18} {:>3} {:<6} {:>11.1} ns for {:>11.1}: throughput {:+.2} %, read latency {:.1} ns for {}, row hits {} for {}",
                get("device"),
                name,
                get("refresh"),
                get("read_buffer"),
                get("injection"),
                ours.total_time_ns,
                theirs,
                100.0 * ratio,
                ours.read_latency_ns.mean,
                get("avg_rd_lat_ns"),
                ours.row_hits,
                get("row_hits")
            );
        }
    }
    for ((device, kind), ratios) in &tallies {
        let within = |limit: f64| ratios.iter().filter(|ratio| ratio.abs() <= limit).count();
        let low = ratios.iter().copied().fold(f64::INFINITY, f64::min);
        let high = ratios.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        println!(
            "  {device:<14} {kind:<6} {:>3} rows: throughput within 5 % on {:>3}, within 10 % on {:>3}, from {:+.2} % to {:+.2} %",
            ratios.len(),
            within(0.05),
            within(0.10),
            100.0 * low,
            100.0 * high
        );
    }
    Ok(())
}
