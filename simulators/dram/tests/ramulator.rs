//! Throughputs under `Reference=Ramulator2` against those measured on Ramulator 2.1 (tests/golden/dram/ramulator.csv).
use hwgym_dram::{Command, ControllerConfig, Device, Log, Request, Simulator, trace};
use std::collections::HashMap;
use std::path::PathBuf;

fn golden(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden/dram").join(name)
}

/// The requests of a trace: streams are sequential bursts, every third a write in mixed ones; random ones stand in files.
fn requests(device: &Device, trace: &str, count: u64) -> Vec<Request> {
    let (base, interval) = match device.name() {
        "ddr5_4800" => (0x800_0000, 8),
        "lpddr5_6400" => (0x200_0000, 2),
        "gddr6_14000_own" => (0x80_0000, 2),
        _ => (0x100_0000, 1),
    };
    if !trace.contains("g_stream") {
        return trace::load(golden(&format!("traces/{trace}.stl.gz"))).unwrap();
    }
    let request = |i: u64| Request {
        cycle: i * interval,
        address: base + i * device.burst_bytes(),
        is_write: trace.ends_with("_rw") && i % 3 == 2,
        bytes: 0,
    };
    (0..count).map(request).collect()
}

#[test]
fn throughput_agrees_with_ramulator() {
    let mut reader = csv::Reader::from_path(golden("ramulator.csv")).unwrap();
    let headers = reader.headers().unwrap().clone();
    let mut loaded: HashMap<String, Vec<Request>> = HashMap::new();
    let mut rows = 0;
    for record in reader.records() {
        let record = record.unwrap();
        let row: HashMap<&str, &str> = headers.iter().zip(record.iter()).collect();
        let number = |name: &str| row[name].parse::<f64>().unwrap();
        let device = Device::preset(row["device"]).unwrap();
        let mut config = ControllerConfig::default();
        let refresh = if row["refresh"].contains("PerBank") { "PerBank" } else { row["refresh"] };
        for (name, value) in [
            ("Reference", "Ramulator2"),
            ("Scheduler", "GrpFrFcfsWm"),
            ("SchedulerBuffer", "ReadWrite"),
            ("RequestBufferSize", row["buffer"]),
            ("RefreshPolicy", refresh),
        ] {
            config.set(name, value).unwrap();
        }
        let count = (number("reads") + number("writes")) as u64;
        let list =
            &*loaded.entry(row["trace"].to_owned()).or_insert_with(|| requests(&device, row["trace"], count));
        assert_eq!(list.iter().filter(|request| request.is_write).count() as f64, number("writes"));
        let full = row["injection"] == "full";
        let offered =
            list.iter().map(|request| Request { cycle: if full { 0 } else { request.cycle }, ..*request });
        let ours = Simulator::new(&device, &config).unwrap().run(offered.map(Ok)).unwrap();
        let difference = number("last_done_ns") / ours.total_time_ns - 1.0;
        let reads_only = row["writes"] == "0";
        let tolerance = match (row["device"], reads_only) {
            ("ddr5_4800" | "gddr6_14000", true) => 0.001,
            ("lpddr5_6400", true) => 0.02,
            (_, true) => 0.04,
            // Whether bursts of reads and writes overlap in the two pseudo channels hangs on single clocks.
            ("hbm3_6400", false) => 0.20,
            (_, false) => 0.02,
        };
        assert!(
            difference.abs() <= tolerance,
            "{} {} {} buffer {} {}: throughput {:+.2} %",
            row["device"],
            row["trace"],
            row["refresh"],
            row["buffer"],
            row["injection"],
            100.0 * difference
        );
        rows += 1;
    }
    assert!(rows > 80);
}

/// A refresh of the same bank of every group waits for the rows that were just opened in any of them.
#[test]
fn same_bank_refresh_waits_for_rows_just_opened() {
    let device = Device::preset("ddr5_4800").unwrap();
    let mut config = ControllerConfig::default();
    for (name, value) in
        [("Reference", "Ramulator2"), ("RefreshPolicy", "SameBank"), ("RequestBufferSize", "8")]
    {
        config.set(name, value).unwrap();
    }
    let list = trace::load(golden("traces/r_ddr5__g_random_rw.stl.gz")).unwrap();
    let mut log = Log::default();
    let simulator = Simulator::new(&device, &config).unwrap();
    let run = simulator.run_observed(list.iter().copied().map(Ok), &mut log).unwrap();
    assert_eq!(run.requests, list.len() as u64);
    assert!(run.commands.get(Command::RefSb) > 10);
    let per_group = device.organization().banks_per_group;
    let mut opened_for_nothing = 0;
    let mut fresh: Vec<u32> = Vec::new();
    for record in &log.commands {
        match record.command {
            Command::Act => fresh.push(record.bank),
            Command::PreSb => {
                opened_for_nothing +=
                    fresh.iter().filter(|bank| **bank % per_group == record.bank % per_group).count();
            }
            _ if record.command.is_column() => fresh.retain(|bank| *bank != record.bank),
            _ => {}
        }
    }
    assert_eq!(opened_for_nothing, 0);
}
