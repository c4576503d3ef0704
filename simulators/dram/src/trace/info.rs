//! What a trace looks like: counts, times, addresses and locality, in one pass.
use std::collections::HashMap;
use std::fmt;

use serde::Serialize;

use crate::{Request, Result};

/// Line size for footprint and sequentiality, in bytes.
const LINE_BYTES: u64 = 64;
/// Region size for locality, in bytes: the order of one DRAM row.
const REGION_BYTES: u64 = 8192;

/// Statistics of a trace.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TraceInfo {
    /// Number of requests.
    pub requests: u64,
    /// Of these, reads.
    pub reads: u64,
    /// Of these, writes.
    pub writes: u64,
    /// Changes between reading and writing from one request to the next.
    pub direction_changes: u64,
    /// Time stamp of the first request, cycles.
    pub first_cycle: u64,
    /// Time stamp of the last request, cycles.
    pub last_cycle: u64,
    /// Mean cycles from one request to the next; 0 for a single request.
    pub mean_interval_cycles: f64,
    /// Longest pause between two requests, cycles.
    pub max_interval_cycles: u64,
    /// Share of requests in the same cycle as the one before, or the next cycle: 1 for a saturating trace.
    pub back_to_back_fraction: f64,
    /// Lowest address.
    pub min_address: u64,
    /// Highest address.
    pub max_address: u64,
    /// Different 64-byte lines touched, in bytes.
    pub footprint_bytes: u64,
    /// Share of requests to the line after the one before.
    pub sequential_fraction: f64,
    /// Share of requests to the same aligned 8 KiB region as the one before.
    pub same_region_fraction: f64,
    /// Share of requests to a line that was asked for before.
    pub reuse_fraction: f64,
}

impl TraceInfo {
    /// Reads all of `requests`. Memory grows with the number of 4 KiB pages touched, not with the length.
    ///
    /// # Errors
    /// The first error of the input.
    pub fn collect(requests: impl IntoIterator<Item = Result<Request>>) -> Result<Self> {
        let mut info = Self {
            requests: 0,
            reads: 0,
            writes: 0,
            direction_changes: 0,
            first_cycle: 0,
            last_cycle: 0,
            mean_interval_cycles: 0.0,
            max_interval_cycles: 0,
            back_to_back_fraction: 0.0,
            min_address: u64::MAX,
            max_address: 0,
            footprint_bytes: 0,
            sequential_fraction: 0.0,
            same_region_fraction: 0.0,
            reuse_fraction: 0.0,
        };
        // Per page of 64 lines, one bit per line that was touched.
        let mut pages: HashMap<u64, u64> = HashMap::new();
        let (mut lines, mut close, mut sequential, mut same_region) = (0_u64, 0_u64, 0_u64, 0_u64);
        let mut previous: Option<Request> = None;
        for request in requests {
            let request = request?;
            info.requests += 1;
            info.writes += u64::from(request.is_write);
            info.min_address = info.min_address.min(request.address);
            info.max_address = info.max_address.max(request.address);
            let line = request.address / LINE_BYTES;
            let page = pages.entry(line / 64).or_default();
            let bit = 1 << (line % 64);
            lines += u64::from(*page & bit == 0);
            *page |= bit;
            match previous {
                None => info.first_cycle = request.cycle,
                Some(before) => {
                    let interval = request.cycle.saturating_sub(before.cycle);
                    info.max_interval_cycles = info.max_interval_cycles.max(interval);
                    close += u64::from(interval <= 1);
                    info.direction_changes += u64::from(before.is_write != request.is_write);
                    sequential += u64::from(before.address / LINE_BYTES + 1 == line);
                    same_region += u64::from(before.address / REGION_BYTES == request.address / REGION_BYTES);
                }
            }
            info.last_cycle = request.cycle;
            previous = Some(request);
        }
        info.reads = info.requests - info.writes;
        info.footprint_bytes = lines * LINE_BYTES;
        if info.requests == 0 {
            info.min_address = 0;
        } else {
            info.reuse_fraction = (info.requests - lines) as f64 / info.requests as f64;
        }
        if info.requests > 1 {
            let pairs = (info.requests - 1) as f64;
            info.mean_interval_cycles = (info.last_cycle - info.first_cycle) as f64 / pairs;
            info.back_to_back_fraction = close as f64 / pairs;
            info.sequential_fraction = sequential as f64 / pairs;
            info.same_region_fraction = same_region as f64 / pairs;
        }
        Ok(info)
    }

    /// Bandwidth asked for, in GB/s, if every request moves `bytes` and the trace clock runs at `clock_mhz`. Infinite
    /// if all requests share one time stamp.
    pub fn offered_gb_per_s(&self, bytes: u32, clock_mhz: f64) -> f64 {
        f64::from(bytes) / self.mean_interval_cycles * clock_mhz * 1e6 / 1e9
    }
}

impl fmt::Display for TraceInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let percent = |part: f64| format!("{:.1} %", 100.0 * part);
        let share = |part: u64| percent(part as f64 / self.requests.max(1) as f64);
        writeln!(f, "requests            {}", self.requests)?;
        writeln!(f, "  reads             {} ({})", self.reads, share(self.reads))?;
        writeln!(f, "  writes            {} ({})", self.writes, share(self.writes))?;
        writeln!(f, "  direction changes {}", self.direction_changes)?;
        writeln!(f, "time                cycle {} to {}", self.first_cycle, self.last_cycle)?;
        writeln!(f, "  mean interval     {:.3} cycles", self.mean_interval_cycles)?;
        writeln!(f, "  longest pause     {} cycles", self.max_interval_cycles)?;
        writeln!(f, "  back to back      {}", percent(self.back_to_back_fraction))?;
        writeln!(f, "addresses           {:#x} to {:#x}", self.min_address, self.max_address)?;
        writeln!(f, "  footprint         {} bytes", self.footprint_bytes)?;
        writeln!(f, "  next line         {}", percent(self.sequential_fraction))?;
        writeln!(f, "  same 8 KiB region {}", percent(self.same_region_fraction))?;
        write!(f, "  repeated lines    {}", percent(self.reuse_fraction))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_by_hand() {
        let requests = [(0, 0, false), (1, 64, false), (1, 64, true), (11, 8192, false)]
            .map(|(cycle, address, is_write)| Ok(Request { cycle, address, is_write, bytes: 0 }));
        let info = TraceInfo::collect(requests).unwrap();
        assert_eq!((info.requests, info.reads, info.writes, info.direction_changes), (4, 3, 1, 2));
        assert_eq!((info.first_cycle, info.last_cycle, info.max_interval_cycles), (0, 11, 10));
        assert_eq!((info.min_address, info.max_address, info.footprint_bytes), (0, 8192, 192));
        assert_eq!(info.reuse_fraction, 0.25);
        assert_eq!(info.sequential_fraction, 1.0 / 3.0);
        assert_eq!(info.same_region_fraction, 2.0 / 3.0);
        assert_eq!(info.back_to_back_fraction, 2.0 / 3.0);
        assert_eq!(info.mean_interval_cycles, 11.0 / 3.0);
        assert!((info.offered_gb_per_s(64, 1000.0) - 64.0 * 3.0 / 11.0).abs() < 1e-12);
        assert!(info.to_string().contains("writes            1 (25.0 %)"));
    }
}
