//! Throughputs under `Reference=Ramulator2` against those measured on Ramulator 2.1 (tests/golden/dram/ramulator.csv).
use hwgym_dram::{ControllerConfig, Device, Request, Simulator, trace};
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
