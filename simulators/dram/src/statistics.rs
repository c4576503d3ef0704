//! Statistics of a run: times, latencies, bandwidth, commands, energy.
use crate::command::Command;
use crate::energy::EnergyByComponent;
use crate::system::pool::Payload;
use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};
use std::collections::{BTreeMap, HashMap};

/// Latencies of a class of requests, from arrival at the controller to the response leaving it, in ns.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct LatencySummary {
    /// Arithmetic mean.
    pub mean: f64,
    /// Median, by the same rule as `p99`.
    pub p50: f64,
    /// 99th percentile: the latency at rank 0.99 (n - 1), rounded down, of the sorted latencies.
    pub p99: f64,
    /// Largest.
    pub max: f64,
}

/// How often each command was sent, over all channels.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CommandCounts(pub(crate) [u64; crate::command::COMMANDS]);

impl CommandCounts {
    /// How often `command` was sent.
    pub fn get(&self, command: Command) -> u64 {
        self.0[command as usize]
    }
}

impl Serialize for CommandCounts {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(Command::ALL.len()))?;
        for command in Command::ALL {
            map.serialize_entry(command.name(), &self.get(command))?;
        }
        map.end()
    }
}

/// What a run yields. Serialises with these field names as JSON keys.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Statistics {
    /// From clock 0 to the last response at the initiator, in ns.
    pub total_time_ns: f64,
    /// Energy of all channels in pJ; absent if the device has no currents.
    pub total_energy_pj: Option<f64>,
    /// Energy over the time that the energy account covers, in mW, summed over channels.
    pub average_power_mw: Option<f64>,
    /// Bursts moved over total time, in gigabits per second; bytes that are masked count as moved.
    pub bandwidth_gbps: f64,
    /// Requests served.
    pub requests: u64,
    /// Bursts that served them: more where requests are longer than a burst or cross the border of one.
    pub bursts: u64,
    /// Latency of all requests.
    pub latency_ns: LatencySummary,
    /// Latency of reads.
    pub read_latency_ns: LatencySummary,
    /// Latency of writes.
    pub write_latency_ns: LatencySummary,
    /// Mean time from acceptance by the arbiter to the response leaving the controller, in ns.
    pub mean_latency_from_acceptance_ns: f64,
    /// Mean time from the time stamp in the trace to the response leaving the controller, in ns.
    pub mean_latency_from_trace_ns: f64,
    /// Reads and writes less activates; an activate undone by a forced refresh counts against it.
    pub row_hits: i64,
    /// Commands sent.
    pub commands: CommandCounts,
    /// Energy by cause in pJ; absent if the device has no currents.
    pub energy_pj: Option<EnergyByComponent>,
}

/// Clocks below this have a counter of their own.
const DIRECT: usize = 1 << 14;

/// Exact distribution of latencies in clocks.
#[derive(Debug, Clone, Default)]
pub(crate) struct Distribution {
    direct: Vec<u32>,
    large: BTreeMap<u64, u64>,
    count: u64,
    sum: u64,
    max: u64,
}

impl Distribution {
    #[inline]
    pub(crate) fn add(&mut self, clocks: u64) {
        self.count += 1;
        self.sum += clocks;
        self.max = self.max.max(clocks);
        match self.direct.get_mut(clocks as usize) {
            Some(counter) => *counter += 1,
            None => self.add_beyond(clocks),
        }
    }

    #[cold]
    fn add_beyond(&mut self, clocks: u64) {
        if (clocks as usize) < DIRECT {
            self.direct.resize((clocks as usize + 1).next_power_of_two().max(256), 0);
            self.direct[clocks as usize] += 1;
        } else {
            *self.large.entry(clocks).or_default() += 1;
        }
    }

    /// Both distributions together.
    fn merged(&self, other: &Self) -> Self {
        let mut out = self.clone();
        out.direct.resize(self.direct.len().max(other.direct.len()), 0);
        for (sum, count) in out.direct.iter_mut().zip(&other.direct) {
            *sum += count;
        }
        for (clocks, count) in &other.large {
            *out.large.entry(*clocks).or_default() += count;
        }
        out.count += other.count;
        out.sum += other.sum;
        out.max = out.max.max(other.max);
        out
    }

    /// The latency at `rank` (from 0) in ascending order.
    fn at(&self, rank: u64) -> u64 {
        let mut seen = 0;
        let direct = self.direct.iter().enumerate().map(|(clocks, count)| (clocks as u64, u64::from(*count)));
        for (clocks, count) in direct.chain(self.large.iter().map(|(clocks, count)| (*clocks, *count))) {
            seen += count;
            if seen > rank {
                return clocks;
            }
        }
        self.max
    }

    /// Quantile `q`: the latency at rank `q (count - 1)`, rounded down, of the sorted latencies.
    fn quantile(&self, q: f64) -> f64 {
        if self.count == 0 {
            return 0.0;
        }
        self.at((q * (self.count - 1) as f64) as u64) as f64
    }

    /// Summary in ns.
    fn summary(&self, period_ns: f64) -> LatencySummary {
        if self.count == 0 {
            return LatencySummary::default();
        }
        LatencySummary {
            mean: self.sum as f64 / self.count as f64 * period_ns,
            p50: self.quantile(0.5) * period_ns,
            p99: self.quantile(0.99) * period_ns,
            max: self.max as f64 * period_ns,
        }
    }
}

/// Latencies as they accumulate.
#[derive(Debug, Clone, Default)]
pub(crate) struct Latencies {
    pub reads: Distribution,
    pub writes: Distribution,
    pub from_acceptance: u64,
    pub from_trace: u64,
    /// Requests of several bursts of which some were answered, by index: what is known so far, and bursts to come.
    split: HashMap<u64, (Payload, u32)>,
}

impl Latencies {
    /// Takes note that one burst of a longer request was answered. With the last one: the request as a whole, which arrived
    /// with its first burst.
    #[cold]
    pub(crate) fn join(&mut self, burst: &Payload) -> Option<Payload> {
        let (whole, left) = self.split.entry(burst.index).or_insert((*burst, burst.parts));
        whole.arrived = whole.arrived.min(burst.arrived);
        whole.accepted = whole.accepted.min(burst.accepted);
        *left -= 1;
        if *left > 0 {
            return None;
        }
        self.split.remove(&burst.index).map(|(whole, _)| whole)
    }

    /// Summaries of all, reads and writes, in ns.
    pub(crate) fn summaries(&self, period_ns: f64) -> [LatencySummary; 3] {
        let all = self.reads.merged(&self.writes);
        [all.summary(period_ns), self.reads.summary(period_ns), self.writes.summary(period_ns)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_latencies_that_occurred() {
        let mut d = Distribution::default();
        for clocks in [1, 2, 3, 4, 100_000] {
            d.add(clocks);
        }
        let summary = d.summary(2.0);
        assert_eq!((summary.p50, summary.max), (6.0, 200_000.0));
        assert_eq!(summary.p99, 8.0);
        assert_eq!(summary.mean, 2.0 * 100_010.0 / 5.0);
    }
}
