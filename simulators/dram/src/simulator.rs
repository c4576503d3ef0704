//! The public face of the model: a device and a configuration, run over a stream of requests.
use crate::command::COMMANDS;
use crate::config::{Arbiter, ControllerConfig};
use crate::controller::{Channel, CommandRecord};
use crate::device::Device;
use crate::energy::EnergyByComponent;
use crate::error::{Error, Result};
use crate::request::Request;
use crate::statistics::{CommandCounts, Statistics};
use crate::system::arbiter::{Arbitrate, Fifo, Reorder, Simple};
use crate::system::clock::TraceClock;
use crate::system::{self, Player};

/// A response as it leaves its controller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ResponseRecord {
    /// Index of the request in the trace, from 0.
    pub index: u64,
    /// Channel.
    pub channel: u32,
    /// Whether the request was a write.
    pub is_write: bool,
    /// Clock of the request's arrival at the controller.
    pub arrival_clock: u64,
    /// Clock of the response.
    pub response_clock: u64,
}

/// Watches a run. What is not watched costs nothing.
pub trait Observer {
    /// Whether [`Observer::command`] is to be called.
    const COMMANDS: bool = false;
    /// Whether [`Observer::response`] is to be called.
    const RESPONSES: bool = false;
    /// A command was sent. Clocks never decrease within a channel.
    fn command(&mut self, _record: &CommandRecord) {}
    /// A response left a controller.
    fn response(&mut self, _record: &ResponseRecord) {}
}

/// Watches nothing.
impl Observer for () {}

/// Collects every command and response.
#[derive(Debug, Clone, Default)]
pub struct Log {
    /// Commands in the order in which they were sent.
    pub commands: Vec<CommandRecord>,
    /// Responses in the order in which they left.
    pub responses: Vec<ResponseRecord>,
}

impl Observer for Log {
    const COMMANDS: bool = true;
    const RESPONSES: bool = true;

    fn command(&mut self, record: &CommandRecord) {
        self.commands.push(*record);
    }

    fn response(&mut self, record: &ResponseRecord) {
        self.responses.push(*record);
    }
}

/// Calls a function for every command.
pub struct CommandSink<F>(
    /// The function.
    pub F,
);

impl<F: FnMut(&CommandRecord)> Observer for CommandSink<F> {
    const COMMANDS: bool = true;

    fn command(&mut self, record: &CommandRecord) {
        (self.0)(record);
    }
}

/// A memory system ready to run. One simulator may run many traces, on several threads at once.
///
/// ```
/// use hwgym_dram::{ControllerConfig, Device, Request, Simulator};
///
/// let device = Device::preset("ddr4_2400_brc")?;
/// let mut config = ControllerConfig::default();
/// config.set("Scheduler", "FrFcfs")?;
/// let requests = (0..1000).map(|i| Ok(Request { cycle: i, address: 64 * i, is_write: false, bytes: 64 }));
/// let statistics = Simulator::new(&device, &config)?.run(requests)?;
/// assert_eq!(statistics.requests, 1000);
/// assert!(statistics.bandwidth_gbps < device.peak_gbps());
/// # Ok::<(), hwgym_dram::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Simulator {
    device: Device,
    config: ControllerConfig,
    trace_ps: u64,
    limit_ns: f64,
}

impl Simulator {
    /// A simulator of `device` under `config`. The trace's clock is the memory's, and there is no time limit.
    ///
    /// # Errors
    /// [`Error::InvalidValue`] if the configuration contradicts itself or the device.
    pub fn new(device: &Device, config: &ControllerConfig) -> Result<Self> {
        config.check(device)?;
        let trace_ps = device.clock_ps();
        Ok(Self { device: device.clone(), config: config.clone(), trace_ps, limit_ns: f64::INFINITY })
    }

    /// Sets the clock in which the trace counts its cycles, in MHz.
    ///
    /// # Errors
    /// [`Error::InvalidValue`] unless 0.001 to 1,000,000.
    pub fn with_trace_clock_mhz(mut self, mhz: f64) -> Result<Self> {
        if !(0.001..=1e6).contains(&mhz) {
            return Err(Error::InvalidValue {
                parameter: "clock-mhz".to_owned(),
                value: mhz.to_string(),
                message: "not a sensible clock".to_owned(),
                remedy: "expected 0.001 to 1000000".to_owned(),
            });
        }
        self.trace_ps = (1e6 / mhz).round() as u64;
        Ok(self)
    }

    /// Ends runs that reach that simulated time with [`Error::TimeLimit`].
    #[must_use]
    pub fn with_max_time_ns(mut self, limit_ns: f64) -> Self {
        self.limit_ns = limit_ns;
        self
    }

    /// The device that is simulated.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// Runs a stream of requests to its last response. Memory does not grow with the stream.
    ///
    /// # Errors
    /// The first error of the stream, [`Error::InvalidValue`] for an address beyond the device,
    /// [`Error::TimeLimit`], or [`Error::Stalled`] if the configuration cannot make progress.
    pub fn run(&self, requests: impl IntoIterator<Item = Result<Request>>) -> Result<Statistics> {
        self.run_observed(requests, &mut ())
    }

    /// As [`Simulator::run`], for requests in memory; compiled here once, and as a whole, for every user.
    ///
    /// # Errors
    /// Those of [`Simulator::run`], except those of the stream.
    pub fn run_slice(&self, requests: &[Request]) -> Result<Statistics> {
        self.run(requests.iter().map(|request| Ok(*request)))
    }

    /// As [`Simulator::run`], with an observer of commands and responses.
    ///
    /// # Errors
    /// Those of [`Simulator::run`].
    pub fn run_observed<O: Observer>(
        &self,
        requests: impl IntoIterator<Item = Result<Request>>,
        observer: &mut O,
    ) -> Result<Statistics> {
        let source = requests.into_iter();
        let count = self.device.organization().channels as usize;
        let max_active = self.config.max_active_transactions;
        match self.config.arbiter {
            Arbiter::Simple => self.run_with(Simple::new(count), source, observer),
            Arbiter::Fifo => self.run_with(Fifo::new(count, max_active), source, observer),
            Arbiter::Reorder => self.run_with(Reorder::new(count, max_active), source, observer),
        }
    }

    /// The general engine with one arbiter.
    fn run_with<A: Arbitrate, I: Iterator<Item = Result<Request>>, O: Observer>(
        &self,
        arbiter: A,
        source: I,
        observer: &mut O,
    ) -> Result<Statistics> {
        let period_ns = self.device.clock_ps() as f64 / 1000.0;
        let limit = self.limit_clock(period_ns);
        let mut channels = self.channels();
        let clock = TraceClock::new(self.trace_ps, self.device.clock_ps(), self.config.rules());
        let mut player = Player::new(source, self.device.decoder(), clock, self.device.burst_bytes());
        let latencies = system::run(arbiter, &mut channels, &mut player, observer, limit, period_ns)?;
        let counts = (player.requests, player.answered);
        Ok(self.statistics(&mut channels, &latencies, counts, player.last_response))
    }

    /// Last clock that may be reached.
    fn limit_clock(&self, period_ns: f64) -> u64 {
        let clocks = self.limit_ns / period_ns;
        if clocks >= 1e18 { u64::MAX } else { clocks as u64 }
    }

    /// The controllers.
    fn channels(&self) -> Vec<Channel> {
        let count = self.device.organization().channels as usize;
        (0..count).map(|index| Channel::new(index, &self.device, &self.config)).collect()
    }

    /// Statistics of a finished run.
    fn statistics(
        &self,
        channels: &mut [Channel],
        latencies: &crate::statistics::Latencies,
        (requests, bursts): (u64, u64),
        last_response: u64,
    ) -> Statistics {
        let period_ns = self.device.clock_ps() as f64 / 1000.0;
        let energy_period_ns = if self.config.rules().energy_of_stated_clock {
            1000.0 / self.device.clock_mhz()
        } else {
            period_ns
        };
        let total_time_ns = last_response as f64 * period_ns;
        let mut counts = [0; COMMANDS];
        let mut energy = EnergyByComponent::default();
        let mut power = 0.0;
        for channel in channels {
            for (sum, count) in counts.iter_mut().zip(channel.counts) {
                *sum += count;
            }
            if let Some(account) = &mut channel.energy {
                let (part, covered) = account.finish(&self.device, energy_period_ns);
                energy.add(&part);
                if covered > 0 {
                    power += part.total() / (covered as f64 * energy_period_ns);
                }
            }
        }
        let commands = CommandCounts(counts);
        let [latency_ns, read_latency_ns, write_latency_ns] = latencies.summaries(period_ns);
        use crate::command::Command::{Act, Rd, Rda, Wr, Wra};
        let columns: u64 = [Rd, Rda, Wr, Wra].iter().map(|command| commands.get(*command)).sum();
        let per_request =
            |sum: u64| if requests == 0 { 0.0 } else { sum as f64 / requests as f64 * period_ns };
        let bits = (bursts * self.device.burst_bytes() * 8) as f64;
        let has_power = self.device.has_power_model();
        Statistics {
            total_time_ns,
            total_energy_pj: has_power.then(|| energy.total()),
            average_power_mw: has_power.then_some(power),
            bandwidth_gbps: if total_time_ns > 0.0 { bits / total_time_ns } else { 0.0 },
            requests,
            bursts,
            latency_ns,
            read_latency_ns,
            write_latency_ns,
            mean_latency_from_acceptance_ns: per_request(latencies.from_acceptance),
            mean_latency_from_trace_ns: per_request(latencies.from_trace),
            row_hits: columns as i64 - commands.get(Act) as i64,
            commands,
            energy_pj: has_power.then_some(energy),
        }
    }
}
