//! Checks of a device file beyond its syntax; each finding points at the entry it is about.
use super::DeviceFile;
use super::address::bits;
use crate::error::Result;
use crate::source::about;
use crate::standard::Timing;

/// Counts: positive, powers of two where bits select them, within the limits of the model.
pub(super) fn organization(device: &DeviceFile, text: &str, file: &str) -> Result<()> {
    let o = &device.organization;
    let fail =
        |key: &str, message: String, remedy: &str| Err(about(text, file, key, message, remedy.to_owned()));
    for (key, value) in [
        ("channels", o.channels),
        ("ranks", o.ranks),
        ("stacks", o.stacks),
        ("bank_groups", o.bank_groups),
        ("banks_per_group", o.banks_per_group),
        ("rows", o.rows),
        ("columns", o.columns),
    ] {
        if !value.is_power_of_two() {
            return fail(key, format!("{key} is {value}"), "expected a power of two, at least 1");
        }
    }
    for (key, value) in [("width_bits", o.width_bits), ("devices", o.devices), ("data_rate", o.data_rate)] {
        if value == 0 || value > 4096 {
            return fail(key, format!("{key} is {value}"), "expected 1 to 4096");
        }
    }
    if o.burst_length == 0 || o.burst_length > 1024 || !o.burst_length.is_multiple_of(o.data_rate) {
        let message =
            format!("burst_length {} does not fill whole clocks of {} beats", o.burst_length, o.data_rate);
        return fail("burst_length", message, "expected a multiple of data_rate, at most 1024");
    }
    if u64::from(o.burst_length) > u64::from(o.columns) {
        return fail("columns", format!("a burst of {} exceeds a row", o.burst_length), "raise columns");
    }
    let banks = u64::from(o.ranks) * u64::from(o.bank_groups) * u64::from(o.banks_per_group);
    if banks > 1024 || o.channels > 64 {
        return fail(
            "organization",
            format!("{banks} banks, {} channels", o.channels),
            "at most 1024 banks per channel and 64 channels",
        );
    }
    if !(device.clock_mhz > 0.1 && device.clock_mhz < 100_000.0) {
        return fail("clock_mhz", format!("clock_mhz is {}", device.clock_mhz), "expected 0.1 to 100000");
    }
    for supply in &device.supplies {
        let currents = [
            supply.idd0,
            supply.idd2n,
            supply.idd2p0,
            supply.idd2p1,
            supply.idd3n,
            supply.idd3p0,
            supply.idd3p1,
            supply.idd4r,
            supply.idd4w,
            supply.idd5,
            supply.idd5pb,
            supply.idd6,
        ];
        if !(supply.vdd > 0.0 && supply.vdd < 100.0) || currents.iter().any(|i| !(*i >= 0.0 && *i < 1e6)) {
            return fail(
                "supplies",
                "a voltage or current is not a sensible number".to_owned(),
                "expected vdd in V above 0 and currents in mA",
            );
        }
        // What a command costs is the difference of two currents; the order below keeps every part of the energy positive.
        let pairs = [
            ("idd0", supply.idd0, "idd2n", supply.idd2n),
            ("idd3n", supply.idd3n, "idd2n", supply.idd2n),
            ("idd0", supply.idd0, "idd3n", supply.idd3n),
            ("idd4r", supply.idd4r, "idd3n", supply.idd3n),
            ("idd4w", supply.idd4w, "idd3n", supply.idd3n),
            ("idd5", supply.idd5, "idd3n", supply.idd3n),
            ("idd5pb", if supply.idd5pb > 0.0 { supply.idd5pb } else { supply.idd3n }, "idd3n", supply.idd3n),
        ];
        if let Some((larger, high, smaller, low)) = pairs.into_iter().find(|(_, high, _, low)| high < low) {
            let message = format!("{larger} ({high} mA) is below {smaller} ({low} mA)");
            return fail(smaller, message, "no device draws less when it does more: check both currents");
        }
    }
    Ok(())
}

/// Every field has as many bits as it needs, and together they use the bits 0 to n once each.
pub(super) fn address_map(device: &DeviceFile, text: &str, file: &str) -> Result<()> {
    let o = &device.organization;
    let mut used: Vec<(u32, &str)> = Vec::new();
    for (key, value) in device.address_map.fields() {
        let list = bits(value)
            .map_err(|message| about(text, file, key, message, "write bits as `0-2 7 9-12`".to_owned()))?;
        let count: u64 = match key {
            "byte" => u64::from(o.width_bits) * u64::from(o.devices) / 8,
            "column" => o.columns.into(),
            "bank" => o.banks_per_group.into(),
            "row" => o.rows.into(),
            "bank_group" => o.bank_groups.into(),
            "rank" => o.ranks.into(),
            "stack" => o.stacks.into(),
            _ => o.channels.into(),
        };
        if list.len() >= 64 || 1u64 << list.len() != count.max(1) {
            let message = format!("{key} has {} address bits for {count} values", list.len());
            return Err(about(text, file, key, message, format!("give {} bits", count.max(1).ilog2())));
        }
        used.extend(list.into_iter().map(|bit| (bit, key)));
    }
    used.sort_unstable();
    for (expected, (bit, key)) in used.iter().enumerate() {
        if *bit != expected as u32 {
            let message = if *bit < expected as u32 {
                format!("address bit {bit} is used twice")
            } else {
                format!("address bit {expected} is not used")
            };
            return Err(about(text, file, key, message, "use every bit from 0 up exactly once".to_owned()));
        }
    }
    Ok(())
}

/// Contradictions between timing figures.
pub(super) fn timing(device: &DeviceFile, timing: &Timing, text: &str, file: &str) -> Result<()> {
    let get = |name: &str| device.timing.get(name).copied();
    let fail =
        |key: &str, message: String, remedy: &str| Err(about(text, file, key, message, remedy.to_owned()));
    for (name, value) in &device.timing {
        if *value > 10_000_000 {
            return fail(name, format!("{name} is {value} clocks"), "expected at most 10000000");
        }
    }
    for name in
        ["RL", "CL", "WL", "RP", "RPPB", "RPAB", "RAS", "RC", "RCPB", "RCD", "RCDRD", "RFC", "RFCAB", "RFCPB"]
    {
        if get(name) == Some(0) {
            return fail(name, format!("{name} is 0"), "expected a positive number of clocks");
        }
    }
    for (rc, ras, rp) in [("RC", "RAS", "RP"), ("RCPB", "RAS", "RPPB"), ("RCAB", "RAS", "RPAB")] {
        // Each figure is rounded up to whole clocks on its own, so that the sum may exceed tRC by one.
        if let (Some(c), Some(a), Some(p)) = (get(rc), get(ras), get(rp))
            && c + 1 < a + p
        {
            return fail(
                rc,
                format!("{rc} ({c}) is less than {ras} + {rp} ({})", a + p),
                "raise it, or lower the others",
            );
        }
    }
    for (short, long) in
        [("CCD_S", "CCD_L"), ("CCDS", "CCDL"), ("RRD_S", "RRD_L"), ("RRDS", "RRDL"), ("RCD", "RAS")]
    {
        if let (Some(s), Some(l)) = (get(short), get(long))
            && s > l
        {
            return fail(
                long,
                format!("{long} ({l}) is less than {short} ({s})"),
                "raise it, or lower the other",
            );
        }
    }
    // Where a standard has a round of per-bank refreshes, those of different banks overlap.
    let alone = timing.per_bank_refresh.filter(|_| timing.refresh_round.is_none());
    let kinds = [Some(timing.all_bank_refresh), alone, timing.same_bank_refresh];
    for refresh in kinds.into_iter().flatten() {
        if refresh.interval <= refresh.duration {
            let message = format!(
                "a refresh takes {} clocks but falls due every {}",
                refresh.duration, refresh.interval
            );
            return fail("REFI", message, "raise the refresh interval above the refresh time");
        }
    }
    if timing.read_data_end < timing.burst_clocks || timing.write_data_end < timing.burst_clocks {
        return fail("timing", "data would end before it starts".to_owned(), "check RL and WL");
    }
    Ok(())
}
