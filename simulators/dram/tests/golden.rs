//! The simulator against results and command logs measured with the reference simulators (tests/golden/dram).
use hwgym_dram::config::PowerDownPolicy;
use hwgym_dram::{Command, ControllerConfig, Device, Log, Request, Simulator, trace};
use std::collections::HashMap;
use std::path::PathBuf;

fn golden(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden/dram").join(name)
}

fn text(name: &str) -> String {
    let file = std::fs::File::open(golden(name)).unwrap();
    std::io::read_to_string(flate2::read::GzDecoder::new(file)).unwrap()
}

/// Whether two figures agree within a relative tolerance.
fn agrees(ours: f64, theirs: f64, tolerance: f64) -> bool {
    (ours - theirs).abs() <= tolerance * theirs.abs().max(1e-9)
}

#[test]
fn runs_equal_the_reference() {
    let text = text("rows.csv.gz");
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let headers = reader.headers().unwrap().clone();
    let mut traces: HashMap<String, Vec<Request>> = HashMap::new();
    let (mut rows, mut compared_4, mut differing_4) = (0, 0, 0);
    for record in reader.records() {
        let record = record.unwrap();
        let row: HashMap<&str, &str> = headers.iter().zip(record.iter()).collect();
        let device = Device::preset(row["device"]).unwrap();
        let mut config = ControllerConfig::default();
        for name in
            ControllerConfig::NAMES.iter().filter(|name| row.get(*name).is_some_and(|v| !v.is_empty()))
        {
            config.set(name, row[name]).unwrap();
        }
        let name = row["trace"];
        let requests = &*traces
            .entry(name.to_owned())
            .or_insert_with(|| trace::load(golden(&format!("traces/{name}.stl.gz"))).unwrap());
        let label = format!("{} {name} {}", row["device"], row["config_id"]);
        let run = |config: &ControllerConfig| {
            Simulator::new(&device, config).unwrap().run(requests.iter().copied().map(Ok)).unwrap()
        };
        let value = |name: &str| row[name].parse::<f64>().ok();
        let ours = run(&config);
        let count = |command: Command| ours.commands.get(command) as f64;
        let mut figures = vec![
            ("ds51p_total_time_ns", ours.total_time_ns),
            ("ds51p_lat_req2resp_ns", ours.latency_ns.mean),
            ("ds51p_lat_req2resp_rd_ns", ours.read_latency_ns.mean),
            ("ds51p_lat_req2resp_wr_ns", ours.write_latency_ns.mean),
            ("ds51p_lat_req2resp_p99_ns", ours.latency_ns.p99),
            ("ds51p_lat_req2resp_max_ns", ours.latency_ns.max),
            ("ds51p_row_hits", ours.row_hits as f64),
            ("ds51p_n_ACT", count(Command::Act)),
            ("ds51p_n_PREPB", count(Command::PrePb)),
            ("ds51p_n_PREAB", count(Command::PreAb)),
            ("ds51p_n_RD", count(Command::Rd)),
            ("ds51p_n_RDA", count(Command::Rda)),
            ("ds51p_n_WR", count(Command::Wr)),
            ("ds51p_n_WRA", count(Command::Wra)),
            ("ds51p_n_REFAB", count(Command::RefAb)),
            ("ds51p_n_REFPB", count(Command::RefPb)),
        ];
        figures.extend(ours.total_energy_pj.map(|energy| ("ds51p_total_energy_pJ", energy)));
        for (figure, ours) in figures {
            if let Some(theirs) = value(figure) {
                assert!(
                    agrees(ours, theirs, 1e-6),
                    "{label}: {figure} is {ours}, the reference has {theirs}"
                );
            }
        }
        rows += 1;
        if config.power_down_policy == PowerDownPolicy::NoPowerDown
            && let Some(theirs) = value("ag40_total_time_ns")
        {
            config.set("Reference", "DRAMSys4").unwrap();
            let ours = run(&config);
            compared_4 += 1;
            let energy = value("ag40_total_energy_pJ");
            let same_energy = energy.is_none_or(|e| agrees(ours.total_energy_pj.unwrap_or(0.0), e, 1e-3));
            assert!(agrees(ours.total_time_ns, theirs, 2e-2), "{label}: {} for {theirs}", ours.total_time_ns);
            differing_4 += usize::from(!(agrees(ours.total_time_ns, theirs, 1e-3) && same_energy));
        }
    }
    assert!(rows > 600 && compared_4 > 500, "{rows} rows, {compared_4} of DRAMSys 4");
    assert!(
        differing_4 * 100 <= compared_4,
        "{differing_4} of {compared_4} rows of DRAMSys 4 differ by over 0.1 %"
    );
}

#[test]
fn command_logs_equal_the_reference() {
    let items: serde_json::Value = serde_json::from_str(&text("logs.json.gz")).unwrap();
    let items = items.as_array().unwrap();
    assert!(items.len() > 900);
    for item in items {
        let label = format!("{} {} {}", item["device"], item["trace"], item["config"]);
        let device = Device::preset(item["device"].as_str().unwrap()).unwrap();
        let mut config = ControllerConfig::default();
        for (name, value) in item["settings"].as_object().unwrap() {
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            config.set(name, &value).unwrap();
        }
        let requests = item["requests"].as_array().unwrap().iter().map(|r| {
            let (cycle, address) = (r[0].as_u64().unwrap(), r[2].as_u64().unwrap());
            Ok(Request { cycle, address, is_write: r[1] == "W", bytes: 0 })
        });
        let mut log = Log::default();
        let statistics = Simulator::new(&device, &config).unwrap().run_observed(requests, &mut log).unwrap();
        // Rows count for reads, writes and activates; commands to a whole rank have no bank. Power-down commands are
        // logged by the reference in another form and left out.
        let line = |ps: u64, channel: u64, name: &str, rank: u64, bank: u64, row: u64| {
            let command = Command::from_name(name)?;
            let bank = if command.is_rank_wide() { 0 } else { bank };
            let row = if command.is_column() || command == Command::Act { row } else { 0 };
            (!name.starts_with("PD") && !name.starts_with("SREF"))
                .then_some((ps, channel, command, rank, bank, row))
        };
        let ps = device.clock_ps();
        let mut ours: Vec<_> = log
            .commands
            .iter()
            .filter_map(|c| {
                line(
                    c.clock * ps,
                    c.channel.into(),
                    c.command.name(),
                    c.rank.into(),
                    c.bank.into(),
                    c.row.into(),
                )
            })
            .collect();
        let mut theirs: Vec<_> = item["commands"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(|c| {
                let n = |index: usize| c[index].as_u64().unwrap_or(0);
                line(n(0), n(1), c[2].as_str().unwrap(), n(3), n(4), n(5))
            })
            .collect();
        ours.sort();
        theirs.sort();
        assert_eq!(ours, theirs, "{label}");
        assert!(agrees(statistics.total_time_ns, item["total_time_ns"].as_f64().unwrap(), 1e-9), "{label}");
        if let Some(theirs) = item["total_energy_pJ"].as_f64() {
            assert!(agrees(statistics.total_energy_pj.unwrap(), theirs, 1e-6), "{label}: energy");
        }
    }
}
