//! Requests of any length: split into bursts, masked where shorter, every byte moved exactly once.
use hwgym_dram::config::{Arbiter, Reference, SchedulerBuffer};
use hwgym_dram::device::PRESETS;
use hwgym_dram::trace::StlReader;
use hwgym_dram::{Command, ControllerConfig, Device, Log, Request, Simulator, Statistics};
use proptest::prelude::*;
use std::collections::BTreeMap;

fn run(device: &str, trace: &str) -> Statistics {
    let device = Device::preset(device).unwrap();
    let simulator = Simulator::new(&device, &ControllerConfig::default()).unwrap();
    simulator.run(StlReader::new("trace", trace.as_bytes()).unwrap()).unwrap()
}

#[test]
fn a_long_request_is_as_many_bursts_as_it_fills() {
    let long = run("ddr4_2400_brc", "0: (128) read 0x0\n");
    let two = run("ddr4_2400_brc", "0: read 0x0\n0: read 0x40\n");
    assert_eq!((long.requests, long.bursts, long.commands.get(Command::Rd)), (1, 2, 2));
    assert_eq!((long.total_time_ns, long.energy_pj), (two.total_time_ns, two.energy_pj));
    assert_eq!((long.bandwidth_gbps, long.row_hits), (two.bandwidth_gbps, two.row_hits));
    // It is answered with its last burst, and counts from the arrival of its first.
    assert!(long.latency_ns.mean >= two.latency_ns.max, "{} {}", long.latency_ns.mean, two.latency_ns.max);
}

#[test]
fn short_requests_are_one_masked_burst_and_borders_make_two() {
    for (trace, bursts) in [
        ("0: (1) write 0x7f\n", 1),
        ("0: (64) write 0x40\n", 1),
        ("0: (64) write 0x60\n", 2),
        ("0: (2) write 0x7f\n", 2),
        ("0: (4096) write 0x40\n", 64),
    ] {
        assert_eq!(run("ddr4_2400_brc", trace).commands.get(Command::Wr), bursts, "{trace}");
    }
    // A burst of LPDDR4 x16 has 32 bytes.
    assert_eq!(run("lpddr4_3200_brc", "0: (64) read 0x0\n").bursts, 2);
}

#[test]
fn the_last_byte_counts_for_the_size_of_the_device() {
    let device = Device::preset("ddr3_1600_rbc").unwrap();
    let simulator = Simulator::new(&device, &ControllerConfig::default()).unwrap();
    let end = device.capacity_bytes();
    let request = |bytes| Request { cycle: 0, address: end - 64, is_write: false, bytes };
    assert!(simulator.run_slice(&[request(64)]).is_ok());
    let error = simulator.run_slice(&[request(65)]).unwrap_err().to_string();
    assert!(error.contains("beyond the device"), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    /// Bus monitor: the column commands of a run are the bursts of its requests, each exactly once and in the right direction,
    /// data never overlap on a bus, and every request is answered once, not before its last burst.
    #[test]
    fn every_byte_is_moved_exactly_once(
        preset in 0..PRESETS.len(),
        choice in 0_usize..27,
        seeds in proptest::collection::vec((any::<u64>(), 0_u32..700, any::<bool>()), 1..60),
    ) {
        let device = Device::preset(PRESETS[preset].name).unwrap();
        let burst = device.burst_bytes();
        let config = ControllerConfig {
            arbiter: Arbiter::ALL[choice % 3],
            scheduler_buffer: SchedulerBuffer::ALL[choice / 3 % 3],
            reference: Reference::ALL[choice / 9],
            ..Default::default()
        };
        let mut cycle = 0;
        let requests: Vec<Request> = seeds
            .iter()
            .map(|&(seed, bytes, is_write)| {
                cycle += seed % 7;
                Request { cycle, address: seed % (device.capacity_bytes() - 1024), is_write, bytes }
            })
            .collect();
        let mut wanted: BTreeMap<(u32, u32, u32, u32, bool), i64> = BTreeMap::new();
        for request in &requests {
            let last = request.address + u64::from(request.bytes.max(1)) - 1;
            for index in request.address / burst..=last / burst {
                let at = device.decoder().decode(index * burst);
                let columns = device.organization().burst_length;
                *wanted.entry((at.channel, at.bank, at.row, at.column / columns, request.is_write)).or_default() += 1;
            }
        }
        let mut log = Log::default();
        let simulator = Simulator::new(&device, &config).unwrap();
        let statistics = simulator.run_observed(requests.iter().copied().map(Ok), &mut log).unwrap();
        let timing = device.timing();
        let mut bus: BTreeMap<(u32, u32), Vec<(u64, u64)>> = BTreeMap::new();
        for c in log.commands.iter().filter(|c| c.command.is_column()) {
            let is_write = matches!(c.command, Command::Wr | Command::Wra);
            let columns = device.organization().burst_length;
            *wanted.entry((c.channel, c.bank, c.row, c.column / columns, is_write)).or_default() -= 1;
            let end = c.clock + if is_write { timing.write_data_end } else { timing.read_data_end };
            let own = if device.standard().ranks_have_own_data_bus() { c.rank } else { 0 };
            bus.entry((c.channel, own)).or_default().push((end - timing.burst_clocks, end));
        }
        prop_assert!(wanted.values().all(|left| *left == 0), "{wanted:?}");
        for list in bus.values_mut() {
            list.sort_unstable();
            prop_assert!(list.windows(2).all(|pair| pair[0].1 <= pair[1].0), "data overlap");
        }
        let mut answered: Vec<u64> = log.responses.iter().map(|response| response.index).collect();
        answered.sort_unstable();
        prop_assert_eq!(answered, (0..requests.len() as u64).collect::<Vec<_>>());
        prop_assert_eq!(statistics.requests, requests.len() as u64);
    }
}
