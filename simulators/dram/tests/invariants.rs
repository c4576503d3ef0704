//! What must hold for every device, configuration and trace, checked on command logs by a checker of its own that
//! knows only the rule tables.
use hwgym_dram::config::{
    Arbiter, CmdMux, PagePolicy, Reference, RefreshPolicy, RespQueue, Scheduler, SchedulerBuffer,
};
use hwgym_dram::device::PRESETS;
use hwgym_dram::standard::{CommandBus, Rule, Scope};
use hwgym_dram::{Command, CommandRecord, ControllerConfig, Device, Log, Request, Simulator, Statistics};
use proptest::prelude::*;
use std::collections::BTreeMap;

/// Every rule of the table, every bus and the state of every bank.
fn check_commands(
    device: &Device,
    config: &ControllerConfig,
    commands: &[CommandRecord],
) -> Result<(), String> {
    let (timing, o) = (device.timing(), device.organization());
    let banks_per_rank = o.bank_groups * o.banks_per_group;
    let extra = match config.reference {
        Reference::DRAMSys5 | Reference::Ramulator2 => &timing.rules_dramsys5,
        Reference::DRAMSys4 => &timing.rules_dramsys4,
    };
    let rules: Vec<&Rule> = timing.rules.iter().chain(extra).collect();
    let longest = rules.iter().map(|rule| u64::from(rule.gap)).max().unwrap_or(0);
    for (index, later) in commands.iter().enumerate() {
        for earlier in commands[..index].iter().rev() {
            if earlier.channel != later.channel {
                continue;
            }
            let gap = later.clock - earlier.clock;
            if gap > longest {
                break;
            }
            let group = |c: &CommandRecord| (c.rank, (c.bank % banks_per_rank) / o.banks_per_group);
            for rule in rules.iter().filter(|r| r.from == earlier.command && r.to == later.command) {
                let applies = match rule.scope {
                    Scope::Bank => earlier.bank == later.bank,
                    Scope::Group => group(earlier) == group(later),
                    Scope::Rank => earlier.rank == later.rank,
                    Scope::OtherRanks => earlier.rank != later.rank,
                    Scope::OtherStacks => earlier.stack != later.stack,
                };
                if applies && gap < u64::from(rule.gap) {
                    return Err(format!("{rule:?} broken: {earlier:?}, then {later:?}"));
                }
            }
            let same_bus = timing.command_bus == CommandBus::One
                || earlier.command.is_column() == later.command.is_column();
            if same_bus && gap < u64::from(timing.command_clocks[earlier.command as usize]) {
                return Err(format!("command bus: {earlier:?}, then {later:?}"));
            }
        }
    }
    let mut open: BTreeMap<(u32, u32), u32> = BTreeMap::new();
    for c in commands {
        let at = (c.channel, c.bank);
        match c.command {
            Command::Act if open.insert(at, c.row).is_some() => {
                return Err(format!("activate of an open bank: {c:?}"));
            }
            Command::Rd | Command::Wr if open.get(&at) != Some(&c.row) => {
                return Err(format!("access to a row that is not open: {c:?}"));
            }
            Command::Rda | Command::Wra if open.remove(&at) != Some(c.row) => {
                return Err(format!("access to a row that is not open: {c:?}"));
            }
            Command::PrePb => drop(open.remove(&at)),
            Command::PreAb => {
                open.retain(|(channel, bank), _| *channel != c.channel || bank / banks_per_rank != c.rank)
            }
            Command::PreSb => open.retain(|(channel, bank), _| {
                let same = bank % o.banks_per_group == c.bank % o.banks_per_group;
                *channel != c.channel || bank / banks_per_rank != c.rank || !same
            }),
            Command::RefAb if open.keys().any(|(ch, b)| *ch == c.channel && b / banks_per_rank == c.rank) => {
                return Err(format!("refresh of a rank with an open bank: {c:?}"));
            }
            Command::RefPb if open.contains_key(&at) => {
                return Err(format!("refresh of an open bank: {c:?}"));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Bursts on one data bus follow each other without overlap.
fn check_bursts(device: &Device, commands: &[CommandRecord]) -> Result<(), String> {
    let timing = device.timing();
    let own_bus = device.standard().ranks_have_own_data_bus();
    let mut bursts: BTreeMap<(u32, u32), Vec<(u64, u64)>> = BTreeMap::new();
    for c in commands.iter().filter(|c| c.command.is_column()) {
        let write = matches!(c.command, Command::Wr | Command::Wra);
        let end = c.clock + if write { timing.write_data_end } else { timing.read_data_end };
        let bus = (c.channel, if own_bus { c.rank } else { 0 });
        bursts.entry(bus).or_default().push((end - timing.burst_clocks, end));
    }
    for list in bursts.values_mut() {
        list.sort_unstable();
        if let Some(pair) = list.windows(2).find(|pair| pair[1].0 < pair[0].1) {
            return Err(format!("bursts overlap: {pair:?}"));
        }
    }
    Ok(())
}

fn run(device: &Device, config: &ControllerConfig, requests: &[Request]) -> (Statistics, Log) {
    let mut log = Log::default();
    let simulator = Simulator::new(device, config).unwrap();
    let statistics = simulator.run_observed(requests.iter().copied().map(Ok), &mut log).unwrap();
    (statistics, log)
}

/// A trace with runs of neighbouring lines, hot spots and pauses inside the device.
fn requests(device: &Device, seeds: &[(u64, u8, bool)]) -> Vec<Request> {
    let (burst, capacity) = (device.burst_bytes(), device.capacity_bytes());
    let mut cycle = 0;
    let mut address = 0;
    seeds
        .iter()
        .map(|&(seed, kind, is_write)| {
            cycle += if kind % 16 == 0 { seed % 5000 } else { seed % 4 };
            address = match kind % 4 {
                0 => (address + burst) % capacity,
                1 => seed % 8 * (capacity / 8) + seed / 8 % 4 * burst,
                _ => seed % capacity / burst * burst,
            };
            Request { cycle, address, is_write, bytes: burst as u32 }
        })
        .collect()
}

fn configuration(device: &Device, choice: u64) -> ControllerConfig {
    let mut rest = choice;
    let mut pick = |n: usize| {
        let value = (rest % n as u64) as usize;
        rest /= n as u64;
        value
    };
    let refresh = match (pick(3), device.timing().per_bank_refresh, device.timing().same_bank_refresh) {
        (0, Some(_), _) => RefreshPolicy::PerBank,
        (0, _, Some(_)) => RefreshPolicy::SameBank,
        (1, ..) => RefreshPolicy::NoRefresh,
        _ => RefreshPolicy::AllBank,
    };
    let scheduler = Scheduler::ALL[pick(5)];
    let reference = Reference::ALL[pick(3)];
    let strict = scheduler == Scheduler::Fifo && reference != Reference::Ramulator2 && pick(2) == 1;
    ControllerConfig {
        scheduler,
        cmd_mux: if strict { CmdMux::Strict } else { CmdMux::Oldest },
        refresh_policy: refresh,
        page_policy: PagePolicy::ALL[pick(4)],
        scheduler_buffer: SchedulerBuffer::ALL[pick(3)],
        request_buffer_size: [1, 2, 4, 8, 32][pick(5)],
        resp_queue: RespQueue::ALL[pick(2)],
        refresh_max_postponed: pick(4) as u32,
        refresh_max_pulledin: pick(4) as u32,
        arbiter: Arbiter::ALL[pick(3)],
        max_active_transactions: [1, 3, 16][pick(3)],
        reference,
        ..ControllerConfig::default()
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn runs_keep_every_rule(
        preset in 0..PRESETS.len(),
        choice: u64,
        seeds in proptest::collection::vec((any::<u64>(), any::<u8>(), any::<bool>()), 1..250),
    ) {
        let device = Device::preset(PRESETS[preset].name).unwrap();
        let config = configuration(&device, choice);
        let requests = requests(&device, &seeds);
        let (statistics, log) = run(&device, &config, &requests);
        prop_assert_eq!(check_commands(&device, &config, &log.commands), Ok(()), "{:?}", config);
        prop_assert_eq!(check_bursts(&device, &log.commands), Ok(()), "{:?}", config);

        let mut answered: Vec<u64> = log.responses.iter().map(|response| response.index).collect();
        answered.sort_unstable();
        prop_assert!(answered.iter().copied().eq(0..requests.len() as u64), "each request is answered once");
        let columns = log.commands.iter().filter(|c| c.command.is_column()).count();
        prop_assert_eq!(columns, requests.len());
        if let (Some(total), Some(parts)) = (statistics.total_energy_pj, statistics.energy_pj) {
            let json = serde_json::to_value(parts).unwrap();
            let sum: f64 = json.as_object().unwrap().values().map(|part| part.as_f64().unwrap()).sum();
            prop_assert!((sum - total).abs() <= 1e-9 * total.abs());
            prop_assert!(json.as_object().unwrap().values().all(|part| part.as_f64().unwrap() >= 0.0));
        }
    }
}

#[test]
fn more_of_the_same_stream_never_takes_less_time() {
    for preset in PRESETS {
        let device = Device::preset(preset.name).unwrap();
        let burst = device.burst_bytes();
        let mut last = 0.0;
        for count in [1, 10, 100, 1000, 3000] {
            let requests: Vec<Request> = (0..count)
                .map(|i| Request { cycle: i, address: i * burst, is_write: i % 3 == 0, bytes: 0 })
                .collect();
            let (statistics, _) = run(&device, &ControllerConfig::default(), &requests);
            assert!(statistics.total_time_ns >= last, "{} at {count}", preset.name);
            last = statistics.total_time_ns;
        }
    }
}

/// Addresses that a good interleaving would produce: bank groups, ranks and channels take turns line by line.
fn spread(device: &Device, count: u64) -> Vec<u64> {
    let (decoder, burst, capacity) = (device.decoder(), device.burst_bytes(), device.capacity_bytes());
    let mut queues: BTreeMap<(u32, u32), Vec<u64>> = BTreeMap::new();
    // One sample address for every channel and bank, found by flipping single address bits.
    let mut seeds = vec![0u64];
    let at = |address: u64| (decoder.decode(address).channel, decoder.decode(address).bank);
    for bit in 0..decoder.address_bits() {
        let address = 1u64 << bit;
        if at(address) != (0, 0) {
            seeds = seeds.iter().flat_map(|seed| [*seed, seed | address]).collect();
        }
    }
    for seed in seeds {
        queues.entry(at(seed)).or_insert_with(|| {
            let line = |i: u64| seed ^ (i * burst);
            (0..capacity / burst).map(line).filter(|a| at(*a) == at(seed)).take(64).collect()
        });
    }
    // Neighbouring banks of the list are taken from different groups.
    let o = device.organization();
    #[allow(clippy::type_complexity)]
    let mut lanes: Vec<((u32, u32, u32, u32), Vec<u64>)> = queues
        .into_iter()
        .map(|((channel, bank), list)| {
            let group = bank / o.banks_per_group;
            let rank = group / o.bank_groups;
            ((bank % o.banks_per_group, rank, group % o.bank_groups, channel), list)
        })
        .collect();
    lanes.sort_unstable();
    let together = (o.channels
        * o.bank_groups
        * if device.standard().ranks_have_own_data_bus() { o.ranks } else { 1 }) as usize;
    let mut out = Vec::new();
    for chunk in lanes.chunks(together).cycle() {
        for line in 0..32 {
            for (_, list) in chunk {
                out.extend(list.get(line).copied());
            }
        }
        if out.len() as u64 >= count {
            break;
        }
    }
    out
}

#[test]
fn a_well_spread_stream_reaches_nine_tenths_of_the_peak() {
    for preset in PRESETS {
        let device = Device::preset(preset.name).unwrap();
        let config = ControllerConfig {
            request_buffer_size: 32,
            scheduler_buffer: SchedulerBuffer::Shared,
            ..ControllerConfig::default()
        };
        let requests: Vec<Request> = spread(&device, 20_000)
            .into_iter()
            .map(|address| Request { cycle: 0, address, is_write: false, bytes: 0 })
            .collect();
        let (statistics, _) = run(&device, &config, &requests);
        // The one initiator takes one response per clock, which is less than four Wide I/O channels can deliver.
        let initiator_gbps = device.burst_bytes() as f64 * 8000.0 / device.clock_ps() as f64;
        let peak = device.peak_gbps().min(initiator_gbps);
        let share = statistics.bandwidth_gbps / peak;
        assert!(share >= 0.9, "{}: {share} of {peak} Gb/s", preset.name);
    }
}
