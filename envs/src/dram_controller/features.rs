//! What tells one workload from another, as numbers: the trace itself, and one run of the usual controller.

use std::collections::HashSet;

use hwgym_simulators::dram::config::ControllerConfig;
use hwgym_simulators::dram::{Device, Request, Statistics};

use crate::{Design, DesignSpace, Feature, Value};

/// The design that the default controller is, if the space has it.
pub(super) fn default_design(space: &DesignSpace) -> Option<Design> {
    let usual = ControllerConfig::default();
    let number = |value: u32| Value::Integer(i64::from(value));
    let values = [
        ("PagePolicy", usual.page_policy.name().into()),
        ("Scheduler", usual.scheduler.name().into()),
        ("SchedulerBuffer", usual.scheduler_buffer.name().into()),
        ("RequestBufferSize", number(usual.request_buffer_size)),
        ("RespQueue", usual.resp_queue.name().into()),
        ("RefreshPolicy", usual.refresh_policy.name().into()),
        ("RefreshMaxPostponed", number(usual.refresh_max_postponed)),
        ("RefreshMaxPulledin", number(usual.refresh_max_pulledin)),
        ("Arbiter", usual.arbiter.name().into()),
        ("MaxActiveTransactions", number(usual.max_active_transactions)),
    ];
    space.design(values).ok()
}

/// Eighteen numbers, about -1 to 1 for everyday workloads and never beyond -3 and 3. Shares are 0 to 1, brought to -1 to 1.
pub(super) fn features(
    requests: &[Request],
    device: &Device,
    clock_mhz: f64,
    run: &Statistics,
) -> Vec<Feature> {
    let count = requests.len().max(1) as f64;
    let share = |hits: usize| 2.0 * hits as f64 / count - 1.0;
    let pairs = || requests.windows(2).map(|pair| (pair[0], pair[1]));
    let follows =
        |holds: &dyn Fn(Request, Request) -> bool| share(pairs().filter(|(a, b)| holds(*a, *b)).count());

    // Gaps between time stamps, in ns.
    let gaps: Vec<f64> =
        pairs().map(|(a, b)| b.cycle.saturating_sub(a.cycle) as f64 * 1e3 / clock_mhz).collect();
    let gap = gaps.iter().sum::<f64>() / gaps.len().max(1) as f64;
    let deviation = (gaps.iter().map(|g| (g - gap).powi(2)).sum::<f64>() / gaps.len().max(1) as f64).sqrt();
    let burst_ns = device.burst_bytes() as f64 * 8.0 / device.peak_gbps();

    // Who follows whom in a bank, and how evenly banks are used.
    let banks = device.banks_per_channel() * device.organization().channels as usize;
    let mut last_row: Vec<Option<u32>> = vec![None; banks];
    let mut histogram = vec![0usize; banks];
    let (mut same_row, mut other_row) = (0, 0);
    let mut seen = HashSet::new();
    let mut reused = 0;
    for request in requests {
        let place = device.decoder().decode(request.address);
        let bank = (place.channel as usize * device.banks_per_channel() + place.bank as usize) % banks.max(1);
        match last_row[bank].replace(place.row) {
            Some(row) if row == place.row => same_row += 1,
            Some(_) => other_row += 1,
            None => {}
        }
        histogram[bank] += 1;
        reused += usize::from(!seen.insert(request.address / device.burst_bytes().max(1)));
    }
    let part = |hits: &usize| *hits as f64 / count;
    let entropy: f64 = histogram.iter().map(part).filter(|p| *p > 0.0).map(|p| -p * p.ln()).sum();
    let log = |value: f64, middle: f64, half_width: f64| (value.max(1e-9).ln() - middle) / half_width;
    let latency = run.latency_ns;
    let before_controller = (run.mean_latency_from_trace_ns - run.mean_latency_from_acceptance_ns).max(0.0);

    let named = [
        ("reads", share(requests.iter().filter(|r| !r.is_write).count())),
        ("row-hits", 2.0 * run.row_hits as f64 / run.bursts.max(1) as f64 - 1.0),
        ("gap", log(gap, 3.0, 2.0)),
        ("bandwidth", 2.0 * run.bandwidth_gbps / device.peak_gbps() - 1.0),
        ("latency", log(latency.mean, 4.5, 1.5)),
        ("tail", log(latency.p99 / latency.mean.max(1e-9), 1.0, 1.0)),
        ("bank-entropy", 2.0 * entropy / (banks.max(2) as f64).ln() - 1.0),
        ("direction-changes", follows(&|a, b| a.is_write != b.is_write)),
        ("back-to-back", share(gaps.iter().filter(|gap| **gap <= burst_ns).count())),
        ("same-region", follows(&|a, b| a.address >> 13 == b.address >> 13)),
        ("reused", share(reused)),
        ("sequential", follows(&|a, b| b.address == a.address + device.burst_bytes())),
        ("burstiness", log(deviation / gap.max(1e-9) + 0.05, 0.0, 1.5)),
        ("latency-before", log(1.0 + before_controller, 3.0, 3.0)),
        ("power", run.average_power_mw.map_or(0.0, |power| log(power, 7.0, 1.0))),
        ("same-row-next", share(same_row)),
        ("other-row-next", share(other_row)),
        ("time", log(run.total_time_ns, 12.0, 3.0)),
    ];
    named.map(|(name, value)| Feature::new(name, value)).into()
}
