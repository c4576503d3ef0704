//! The system around the controllers: initiator, arbiter and the event kernel that orders them.
pub(crate) mod arbiter;
pub(crate) mod clock;
mod direct;
pub(crate) mod kernel;
pub(crate) mod pool;
pub(crate) mod queue;

use crate::controller::{Channel, CommandRecord, Port};
use crate::device::Decoder;
use crate::error::{Error, Result};
use crate::request::Request;
use crate::simulator::{Observer, ResponseRecord};
use crate::statistics::Latencies;
use arbiter::{Arbitrate, Message, Wires};
use clock::TraceClock;
use kernel::Kernel;
use pool::{Payload, Pool};
use queue::Queue;

/// A message to the initiator.
#[derive(Debug, Clone, Copy)]
enum ToPlayer {
    EndRequest,
    BeginResponse(u32),
}

/// Events: one of the initiator, one of the arbiter, four per controller.
const PLAYER: usize = 0;
const ARBITER: usize = 1;
const FIRST_CHANNEL: usize = 2;
const WAKE: usize = 0;
const RESPONSE: usize = 1;
const REQUEST: usize = 2;
const END_RESPONSE: usize = 3;

/// Event of controller `channel`.
#[inline]
fn event(channel: usize, reason: usize) -> usize {
    FIRST_CHANNEL + 4 * channel + reason
}

/// Clocks without any response, while requests wait, after which a run counts as stuck.
const PATIENCE: u64 = 1 << 26;

/// Steps within one clock after which a run counts as stuck.
const STEPS_PER_CLOCK: u32 = 100_000;

/// What all processes share: clock, messages, latencies, observer.
pub(crate) struct Fabric<'o, O> {
    kernel: Kernel,
    step: u64,
    to_arbiter: Queue<Message>,
    to_player: Queue<ToPlayer>,
    pub latencies: Latencies,
    observer: &'o mut O,
}

impl<O: Observer> Fabric<'_, O> {
    #[inline]
    fn send_arbiter(&mut self, message: Message, delay: u64) {
        let at = self.kernel.now + delay;
        self.to_arbiter.send(message, at, self.kernel.now, self.step);
        self.kernel.notify(ARBITER, at);
    }

    #[inline]
    fn send_player(&mut self, message: ToPlayer, delay: u64) {
        let at = self.kernel.now + delay;
        self.to_player.send(message, at, self.kernel.now, self.step);
        self.kernel.notify(PLAYER, at);
    }
}

impl<O: Observer> Port for Fabric<'_, O> {
    #[inline]
    fn end_request(&mut self, channel: usize) {
        self.send_arbiter(Message::EndRequest(channel), 0);
    }

    #[inline]
    fn begin_response(&mut self, channel: usize, handle: u32, payload: &Payload, delay: u64) {
        let leaves = self.kernel.now + delay;
        note_response(&mut self.latencies, self.observer, payload, leaves);
        self.send_arbiter(Message::BeginResponse(channel, handle), delay);
    }

    #[inline]
    fn wake_at(&mut self, channel: usize, clock: u64) {
        self.kernel.notify(event(channel, WAKE), clock);
    }

    #[inline]
    fn response_at(&mut self, channel: usize, clock: u64) {
        self.kernel.notify(event(channel, RESPONSE), clock);
    }

    #[inline]
    fn wants_commands(&self) -> bool {
        O::COMMANDS
    }

    #[inline]
    fn command(&mut self, record: CommandRecord) {
        self.observer.command(&record);
    }
}

/// Latency and record of a response that leaves its controller at clock `leaves`.
#[inline]
pub(crate) fn note_response<O: Observer>(
    latencies: &mut Latencies,
    observer: &mut O,
    payload: &Payload,
    leaves: u64,
) {
    let whole;
    let payload = if payload.parts > 1 {
        match latencies.join(payload) {
            Some(request) => {
                whole = request;
                &whole
            }
            None => return,
        }
    } else {
        payload
    };
    let clocks = leaves - payload.arrived;
    if payload.is_write {
        latencies.writes.add(clocks);
    } else {
        latencies.reads.add(clocks);
    }
    latencies.from_acceptance += leaves - payload.accepted;
    latencies.from_trace += leaves.saturating_sub(payload.scheduled);
    if O::RESPONSES {
        observer.response(&ResponseRecord {
            index: payload.index,
            channel: payload.channel,
            is_write: payload.is_write,
            arrival_clock: payload.arrived,
            response_clock: leaves,
        });
    }
}

/// The arbiter's wires.
struct Harness<'a, 'o, O> {
    fabric: &'a mut Fabric<'o, O>,
    channels: &'a mut [Channel],
    pool: &'a mut Pool,
}

impl<O: Observer> Wires for Harness<'_, '_, O> {
    #[inline]
    fn now(&self) -> u64 {
        self.fabric.kernel.now
    }

    #[inline]
    fn payload(&mut self, handle: u32) -> &mut Payload {
        &mut self.pool.slots[handle as usize]
    }

    #[inline]
    fn player_end_request(&mut self) {
        self.fabric.send_player(ToPlayer::EndRequest, 0);
    }

    #[inline]
    fn player_begin_response(&mut self, handle: u32, delay: u64) {
        self.fabric.send_player(ToPlayer::BeginResponse(handle), delay);
    }

    #[inline]
    fn controller_begin_request(&mut self, handle: u32, delay: u64) {
        let arrival = self.fabric.kernel.now + delay;
        let payload = &mut self.pool.slots[handle as usize];
        payload.arrived = arrival;
        let channel = payload.channel as usize;
        self.channels[channel].offer(handle, arrival);
        self.fabric.kernel.notify(event(channel, REQUEST), arrival);
    }

    #[inline]
    fn controller_end_response(&mut self, channel: usize) {
        let now = self.fabric.kernel.now;
        self.channels[channel].end_response(now);
        self.fabric.kernel.notify(event(channel, END_RESPONSE), now);
    }

    #[inline]
    fn myself(&mut self, message: Message) {
        self.fabric.send_arbiter(message, 0);
    }
}

/// What is left of a request that is longer than a burst.
#[derive(Debug, Clone, Copy)]
struct Rest {
    /// First byte of the next burst.
    address: u64,
    left: u32,
    parts: u32,
    scheduled: u64,
    is_write: bool,
}

/// The initiator: plays the trace burst by burst, one outstanding until it is accepted.
pub(crate) struct Player<'d, I> {
    source: I,
    decoder: &'d Decoder,
    clock: TraceClock,
    burst_bytes: u64,
    rest: Option<Rest>,
    exhausted: bool,
    /// Requests of the trace begun.
    pub requests: u64,
    /// Bursts sent.
    pub sent: u64,
    /// Bursts answered.
    pub answered: u64,
    pub last_response: u64,
}

impl<'d, I: Iterator<Item = Result<Request>>> Player<'d, I> {
    pub(crate) fn new(source: I, decoder: &'d Decoder, clock: TraceClock, burst_bytes: u64) -> Self {
        Self {
            source,
            decoder,
            clock,
            burst_bytes,
            rest: None,
            exhausted: false,
            requests: 0,
            sent: 0,
            answered: 0,
            last_response: 0,
        }
    }

    /// Puts the next burst into the pool; its handle, and the clock at which it is sent, which is not before `earliest`.
    #[inline]
    pub(crate) fn next(&mut self, earliest: u64, pool: &mut Pool) -> Result<Option<(u32, u64)>> {
        if self.rest.is_some() {
            return Ok(self.continue_request(earliest, pool));
        }
        let Some(request) = self.source.next() else {
            self.exhausted = true;
            return Ok(None);
        };
        let request = request?;
        if request.address >> self.decoder.address_bits() != 0 {
            return Err(beyond(self.requests, request.address, self.decoder.address_bits()));
        }
        let scheduled = self.clock.scheduled(request.cycle);
        let at = self.decoder.decode(request.address);
        let parts = if request.bytes == 0 { 1 } else { self.split(&request, scheduled)? };
        let handle = pool.insert(Payload::new(&at, request.is_write, scheduled, self.requests, parts));
        self.requests += 1;
        self.sent += 1;
        Ok(Some((handle, scheduled.max(earliest))))
    }

    /// How many bursts hold the bytes of a request; those after the first are kept for later.
    fn split(&mut self, request: &Request, scheduled: u64) -> Result<u32> {
        let last = request.address.saturating_add(u64::from(request.bytes) - 1);
        if last >> self.decoder.address_bits() != 0 {
            return Err(beyond(self.requests, last, self.decoder.address_bits()));
        }
        let first_burst = request.address / self.burst_bytes;
        let parts = (last / self.burst_bytes - first_burst + 1) as u32;
        if parts > 1 {
            let address = (first_burst + 1) * self.burst_bytes;
            let is_write = request.is_write;
            self.rest = Some(Rest { address, left: parts - 1, parts, scheduled, is_write });
        }
        Ok(parts)
    }

    /// The next burst of a request that is longer than one.
    #[cold]
    fn continue_request(&mut self, earliest: u64, pool: &mut Pool) -> Option<(u32, u64)> {
        let rest = self.rest?;
        let at = self.decoder.decode(rest.address);
        let index = self.requests - 1;
        let handle = pool.insert(Payload::new(&at, rest.is_write, rest.scheduled, index, rest.parts));
        self.sent += 1;
        let next = Rest { address: rest.address + self.burst_bytes, left: rest.left - 1, ..rest };
        self.rest = (next.left > 0).then_some(next);
        Some((handle, rest.scheduled.max(earliest)))
    }

    /// Earliest clock of the request after one accepted at `now`.
    #[inline]
    pub(crate) fn following(&self, now: u64) -> u64 {
        self.clock.following(now)
    }

    /// Whether every request of the trace was answered.
    #[inline]
    pub(crate) fn is_done(&self) -> bool {
        self.exhausted && self.answered == self.sent
    }
}

/// An address outside the device.
#[cold]
fn beyond(index: u64, address: u64, bits: u32) -> Error {
    Error::InvalidValue {
        parameter: format!("address of request {}", index + 1),
        value: format!("{address:#x}"),
        message: format!("beyond the device, which ends at {:#x}", (1u128 << bits) - 1),
        remedy: "choose a larger device or map the trace into the device's range".to_owned(),
    }
}

/// Runs the whole system until the last response; the general engine for every arbiter and number of channels.
///
/// `limit` is the last clock that may be reached. Returns the accumulated latencies.
pub(crate) fn run<A: Arbitrate, I: Iterator<Item = Result<Request>>, O: Observer>(
    mut arbiter: A,
    channels: &mut [Channel],
    player: &mut Player<'_, I>,
    observer: &mut O,
    limit: u64,
    period_ns: f64,
) -> Result<Latencies> {
    let mut pool = Pool::default();
    let mut fabric = Fabric {
        kernel: Kernel::new(FIRST_CHANNEL + 4 * channels.len()),
        step: 0,
        to_arbiter: Queue::new(),
        to_player: Queue::new(),
        latencies: Latencies::default(),
        observer,
    };
    for channel in channels.iter_mut() {
        channel.run(0, &mut pool.slots, &mut fabric);
    }
    send_next(player, 0, &mut fabric, &mut pool)?;
    let mut events = Vec::with_capacity(FIRST_CHANNEL + 4 * channels.len());
    let mut last_run = vec![0u64; FIRST_CHANNEL + channels.len()];
    let mut progress = 0;
    let mut steps = 0;
    while !player.is_done() {
        if fabric.kernel.has_step() {
            steps += 1;
            if steps > STEPS_PER_CLOCK {
                return Err(stalled(&fabric.kernel, player, period_ns));
            }
            fabric.kernel.take_step(&mut events);
        } else {
            steps = 0;
            if !fabric.kernel.advance(&mut events) {
                return Err(stalled(&fabric.kernel, player, period_ns));
            }
            let now = fabric.kernel.now;
            if now > limit {
                let limit_ns = limit as f64 * period_ns;
                return Err(Error::TimeLimit { limit_ns, sent: player.sent, answered: player.answered });
            }
            if pool.in_flight() <= 1 {
                progress = now;
            }
            if now.saturating_sub(progress.max(player.last_response)) > PATIENCE {
                return Err(stalled(&fabric.kernel, player, period_ns));
            }
            if direct::play(&mut arbiter, channels, &events, player, &mut fabric, &mut pool)? {
                continue;
            }
        }
        fabric.step += 1;
        if let &[event] = events.as_slice()
            && event as usize >= FIRST_CHANNEL
        {
            let now = fabric.kernel.now;
            channels[(event as usize - FIRST_CHANNEL) / 4].run(now, &mut pool.slots, &mut fabric);
            continue;
        }
        for &event in &events {
            let event = event as usize;
            let process =
                if event < FIRST_CHANNEL { event } else { FIRST_CHANNEL + (event - FIRST_CHANNEL) / 4 };
            if last_run[process] == fabric.step {
                continue;
            }
            last_run[process] = fabric.step;
            match process {
                PLAYER => run_player(player, &mut fabric, &mut pool)?,
                ARBITER => run_arbiter(&mut arbiter, channels, &mut fabric, &mut pool),
                channel => {
                    let now = fabric.kernel.now;
                    channels[channel - FIRST_CHANNEL].run(now, &mut pool.slots, &mut fabric);
                }
            }
        }
    }
    Ok(fabric.latencies)
}

/// The error of a run that makes no progress.
#[cold]
fn stalled<I>(kernel: &Kernel, player: &Player<'_, I>, period_ns: f64) -> Error {
    Error::Stalled { time_ns: kernel.now as f64 * period_ns, sent: player.sent, answered: player.answered }
}

/// Sends the next request of the trace, if there is one.
#[inline]
fn send_next<I: Iterator<Item = Result<Request>>, O: Observer>(
    player: &mut Player<'_, I>,
    earliest: u64,
    fabric: &mut Fabric<'_, O>,
    pool: &mut Pool,
) -> Result<()> {
    if let Some((handle, at)) = player.next(earliest, pool)? {
        let delay = at - fabric.kernel.now;
        fabric.send_arbiter(Message::BeginRequest(handle), delay);
    }
    Ok(())
}

/// The initiator handles its messages.
#[inline]
fn run_player<I: Iterator<Item = Result<Request>>, O: Observer>(
    player: &mut Player<'_, I>,
    fabric: &mut Fabric<'_, O>,
    pool: &mut Pool,
) -> Result<()> {
    let now = fabric.kernel.now;
    while let Some(message) = fabric.to_player.next(now, fabric.step) {
        match message {
            ToPlayer::EndRequest => send_next(player, player.following(now), fabric, pool)?,
            ToPlayer::BeginResponse(handle) => {
                player.answered += 1;
                player.last_response = now;
                fabric.send_arbiter(Message::EndResponse(handle), 0);
            }
        }
    }
    if let Some(clock) = fabric.to_player.next_clock() {
        fabric.kernel.notify(PLAYER, clock);
    }
    Ok(())
}

/// The arbiter handles its messages.
#[inline]
fn run_arbiter<A: Arbitrate, O: Observer>(
    arbiter: &mut A,
    channels: &mut [Channel],
    fabric: &mut Fabric<'_, O>,
    pool: &mut Pool,
) {
    let now = fabric.kernel.now;
    while let Some(message) = fabric.to_arbiter.next(now, fabric.step) {
        let mut harness = Harness { fabric, channels, pool };
        arbiter.handle(message, &mut harness);
        if let Message::EndResponse(handle) = message {
            pool.remove(handle);
        }
    }
    if let Some(clock) = fabric.to_arbiter.next_clock() {
        fabric.kernel.notify(ARBITER, clock);
    }
}
