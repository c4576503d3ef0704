//! The controller of one channel: admits requests, lets bank machines, refresh and power-down managers propose
//! commands, sends one when its time has come, and answers requests when their data are complete.
//!
//! A controller is run at clocks at which something may happen; between runs nothing changes. The order of the steps
//! inside a run is that of the reference simulator.
pub(crate) mod bank;
pub(crate) mod buffer;
mod choose;
mod issue;
pub(crate) mod mux;
mod page_policy;
mod power_down;
mod refresh;
pub(crate) mod response;
mod scheduler;
pub(crate) mod timing;

use crate::command::{COMMANDS, Command, CommandSet};
use crate::config::rules::Rules;
use crate::config::{CmdMux, ControllerConfig, PagePolicy, PowerDownPolicy, RefreshPolicy, Scheduler};
use crate::device::Device;
use crate::energy::EnergyAccount;
use crate::system::pool::Payload;
use bank::Bank;
use buffer::Buffer;
use mux::Candidate;
use mux::fast::{Scan, Wanted};
use power_down::Staggered;
use refresh::RefreshManager;
use response::ResponseQueue;
use scheduler::grp_fr_fcfs_wm;
use std::ops::Range;
use timing::{Place, TimingState};

/// No command.
pub(crate) const NONE: u8 = u8::MAX;

/// Number of a power-down command in the mux: behind every request.
const POWER_DOWN_ID: u64 = u64::MAX - 1;

/// One command as sent on a channel's command bus.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CommandRecord {
    /// Clock.
    pub clock: u64,
    /// Channel.
    pub channel: u32,
    /// What was sent.
    pub command: Command,
    /// Rank.
    pub rank: u32,
    /// Bank group in the rank; 0 for commands to a whole rank.
    pub bank_group: u32,
    /// Bank in the channel, counted through groups and ranks; the first of the rank for commands to a whole rank.
    pub bank: u32,
    /// Row addressed, or the open row of the bank; 0 for commands to a whole rank.
    pub row: u32,
    /// Column; 0 for commands other than reads and writes.
    pub column: u32,
    /// Stack.
    pub stack: u32,
}

/// What a controller tells its surroundings.
pub(crate) trait Port {
    /// The request was admitted.
    fn end_request(&mut self, channel: usize);
    /// The response of `handle` leaves the controller `delay` clocks from now.
    fn begin_response(&mut self, channel: usize, handle: u32, payload: &Payload, delay: u64);
    /// Run me again at that clock (in the next step if it is the present one).
    fn wake_at(&mut self, channel: usize, clock: u64);
    /// Run me again at that clock, when a response is ready.
    fn response_at(&mut self, channel: usize, clock: u64);
    /// Whether [`Port::command`] wants to be called.
    fn wants_commands(&self) -> bool;
    /// A command was sent.
    fn command(&mut self, record: CommandRecord);
}

/// The controller of one channel.
#[derive(Debug, Clone)]
pub(crate) struct Channel {
    index: usize,
    // Configuration.
    scheduler: Scheduler,
    page_policy: PagePolicy,
    cmd_mux: CmdMux,
    watermarks: (u32, u32),
    read_data_end: u64,
    write_data_end: u64,
    banks_per_rank: usize,
    banks_per_group: usize,
    groups_per_rank: usize,
    /// One bus, unit lengths, oldest first, no power-down: the winner can be kept between runs.
    simple: bool,
    /// Semantics of the reference that is followed.
    rules: Rules,
    /// Schedulers and page policies under which a later request can only change a bank's choice by being a hit.
    choice_is_stable: bool,
    // State.
    timing: TimingState,
    banks: Vec<Bank>,
    buffer: Buffer,
    scan: Scan,
    candidates: Vec<Candidate>,
    dirty: Vec<u64>,
    any_dirty: bool,
    refresh: Vec<RefreshManager>,
    refresh_trigger: u64,
    power_down: Vec<Staggered>,
    rank_requests: Vec<u32>,
    responses: ResponseQueue,
    response_out: bool,
    /// The initiator took the response that is out.
    response_taken: bool,
    /// Clock at which the initiator last took a response.
    response_ended: Option<u64>,
    slot: Option<(u32, u64)>,
    last_was_write: bool,
    draining: bool,
    last_id: u64,
    next_strict_id: u64,
    wake: u64,
    /// A legal command was passed over: the next run must not be skipped.
    restless: bool,
    pub energy: Option<EnergyAccount>,
    pub counts: [u64; COMMANDS],
}

impl Channel {
    /// The controller of channel `index`.
    pub(crate) fn new(index: usize, device: &Device, config: &ControllerConfig) -> Self {
        let o = device.organization();
        let banks_per_group = o.banks_per_group as usize;
        let banks_per_rank = o.bank_groups as usize * banks_per_group;
        let count = device.banks_per_channel();
        let rules = config.rules();
        let timing = TimingState::new(device, rules, possible_commands(config));
        let powers_down = config.power_down_policy == PowerDownPolicy::Staggered;
        let simple = !timing.two_buses()
            && timing.unit_lengths()
            && !timing.has_stacks()
            && config.cmd_mux == CmdMux::Oldest
            && !rules.any_ready_command
            && !powers_down;
        let bank = |b: usize| Bank::new((b / banks_per_group) as u32, (b / banks_per_rank) as u32);
        let ranks = o.ranks as usize;
        Self {
            index,
            scheduler: config.scheduler,
            page_policy: config.page_policy,
            cmd_mux: config.cmd_mux,
            watermarks: config.watermarks(),
            read_data_end: device.timing().read_data_end,
            write_data_end: device.timing().write_data_end,
            banks_per_rank,
            banks_per_group,
            groups_per_rank: o.bank_groups as usize,
            simple,
            rules,
            choice_is_stable: matches!(config.scheduler, Scheduler::Fifo | Scheduler::FrFcfs)
                && matches!(config.page_policy, PagePolicy::Open | PagePolicy::Closed)
                && !rules.older_conflict_may_close,
            timing,
            banks: (0..count).map(bank).collect(),
            buffer: Buffer::new(config, count),
            scan: Scan::new(count),
            candidates: Vec::with_capacity(count + 2 * ranks),
            dirty: vec![0; count.div_ceil(64)],
            any_dirty: false,
            refresh: (0..ranks).map(|rank| RefreshManager::new(config, device, rank)).collect(),
            refresh_trigger: 0,
            power_down: if powers_down { vec![Staggered::new(); ranks] } else { Vec::new() },
            rank_requests: vec![0; ranks],
            responses: ResponseQueue::new(config.resp_queue),
            response_out: false,
            response_taken: false,
            response_ended: None,
            slot: None,
            last_was_write: false,
            draining: false,
            last_id: 0,
            next_strict_id: 1,
            wake: 0,
            restless: false,
            energy: device.has_power_model().then(|| EnergyAccount::new(device)),
            counts: [0; COMMANDS],
        }
    }

    /// Puts a request into the input slot; it may be admitted from clock `arrival` on.
    #[inline]
    pub(crate) fn offer(&mut self, handle: u32, arrival: u64) {
        self.slot = Some((handle, arrival));
    }

    /// Whether a run never asks for another one in the next step of the same clock.
    #[inline]
    pub(crate) fn wakes_later(&self) -> bool {
        self.simple
    }

    /// The initiator took the response at clock `now`.
    #[inline]
    pub(crate) fn end_response(&mut self, now: u64) {
        self.response_taken = true;
        self.response_ended = Some(now);
    }

    /// One run at clock `now`.
    #[inline]
    pub(crate) fn run<P: Port>(&mut self, now: u64, pool: &mut [Payload], port: &mut P) {
        let responded = self.respond(now, pool, port);
        let admitted = self.admit(now, pool, port);
        let quiet = if self.simple { !admitted } else { !admitted && !responded };
        if quiet && now < self.wake && !self.restless {
            if self.wake != u64::MAX {
                port.wake_at(self.index, self.wake);
            }
            return;
        }
        if now >= self.refresh_trigger || !self.power_down.is_empty() {
            self.evaluate_managers(now);
        }
        if self.simple {
            self.run_simple(now, pool, port);
        } else {
            self.run_general(now, pool, port);
        }
    }

    /// Releases the response that is out and sends the next one; whether anything happened.
    #[inline]
    fn respond<P: Port>(&mut self, now: u64, pool: &[Payload], port: &mut P) -> bool {
        if self.response_out {
            if !self.response_taken {
                return false;
            }
            self.response_out = false;
            self.response_taken = false;
        }
        match self.responses.head() {
            Some(ready) if ready.clock <= now => {
                let delay =
                    u64::from(self.rules.delays_response_after_taking && self.response_ended == Some(now));
                self.responses.pop();
                self.response_out = true;
                port.begin_response(self.index, ready.handle, &pool[ready.handle as usize], delay);
                true
            }
            Some(ready) => {
                port.response_at(self.index, ready.clock);
                false
            }
            None => false,
        }
    }

    /// Admits the waiting request if it has arrived and there is room.
    #[inline(always)]
    fn admit<P: Port>(&mut self, now: u64, pool: &mut [Payload], port: &mut P) -> bool {
        match self.slot {
            Some((handle, arrival))
                if arrival <= now && self.buffer.has_room(pool[handle as usize].is_write) =>
            {
                self.store(handle, now, pool, port);
                true
            }
            _ => false,
        }
    }

    /// Stores the waiting request.
    fn store<P: Port>(&mut self, handle: u32, now: u64, pool: &mut [Payload], port: &mut P) {
        let payload = &mut pool[handle as usize];
        self.slot = None;
        self.last_id += 1;
        payload.id = self.last_id;
        let (bank, rank) = (payload.bank as usize, payload.rank as usize);
        if self.rank_requests[rank] == 0
            && let Some(power_down) = self.power_down.get_mut(rank)
        {
            power_down.request_arrived();
        }
        self.rank_requests[rank] += 1;
        self.buffer.push(bank, payload.row, handle, payload.is_write);
        self.update_mode();
        port.end_request(self.index);
        if self.keeps_choice(bank, payload.row) {
            return;
        }
        self.evaluate_bank(bank, pool);
        // The candidate of this bank may have become better or worse than the winner found before.
        if let Some(best) = self.scan.best {
            if best.sender == bank as u32 {
                self.scan.invalidate();
            } else if self.banks[bank].next != NONE {
                let floor = now.max(self.timing.bus_free(Command::Act));
                let candidate = self.scan.candidate(&self.timing, bank, floor);
                if candidate.beats(&best) {
                    self.scan.best = Some(candidate);
                }
            }
        }
    }

    /// Switches between serving reads and draining writes (watermark scheduler).
    #[inline]
    fn update_mode(&mut self) {
        if self.scheduler == Scheduler::GrpFrFcfsWm {
            let (low, high) = self.watermarks;
            let draining = grp_fr_fcfs_wm::drains(self.draining, &self.buffer, low, high);
            if draining != self.draining {
                self.draining = draining;
                self.mark_waiting_dirty();
            }
        }
    }

    /// Evaluates refresh, then power-down managers.
    fn evaluate_managers(&mut self, now: u64) {
        for rank in 0..self.refresh.len() {
            self.evaluate_refresh(rank, now);
        }
        self.refresh_trigger = self.refresh.iter().map(|manager| manager.trigger).min().unwrap_or(u64::MAX);
        self.evaluate_power_down();
    }

    fn evaluate_power_down(&mut self) {
        for rank in 0..self.power_down.len() {
            let any_open = self.banks_of_rank(rank).any(|bank| self.banks[bank].open);
            self.power_down[rank].evaluate(any_open);
        }
    }

    /// Enters a bank's next command into the flat arrays of the fast mux.
    #[inline]
    fn enter_candidate(&mut self, index: usize, next: Option<Command>) {
        let (word, bit) = (index / 64, 1u64 << (index % 64));
        match next {
            Some(command) => {
                let bank = &self.banks[index];
                let shared = self.timing.shared_entries(command, bank.group as usize, bank.rank as usize);
                self.scan.wanted[index] =
                    Wanted::new(self.timing.bank_part(command, index), bank.id, index, shared);
                self.scan.active[word] |= bit;
            }
            None => self.scan.active[word] &= !bit,
        }
    }

    /// Evaluates the banks whose state changed in this run.
    #[inline]
    fn evaluate_dirty(&mut self, pool: &[Payload]) {
        if !self.any_dirty {
            return;
        }
        self.any_dirty = false;
        for word in 0..self.dirty.len() {
            let mut bits = std::mem::take(&mut self.dirty[word]);
            while bits != 0 {
                let bank = word * 64 + bits.trailing_zeros() as usize;
                bits &= bits - 1;
                self.evaluate_bank(bank, pool);
            }
        }
        self.scan.invalidate();
    }

    #[inline]
    fn mark_dirty(&mut self, bank: usize) {
        self.dirty[bank / 64] |= 1 << (bank % 64);
        self.any_dirty = true;
    }

    /// Marks every bank with waiting requests.
    fn mark_waiting_dirty(&mut self) {
        for bank in 0..self.banks.len() {
            if !self.buffer.bank_is_empty(bank) || self.banks[bank].next != NONE {
                self.mark_dirty(bank);
            }
        }
    }

    fn banks_of_rank(&self, rank: usize) -> Range<usize> {
        rank * self.banks_per_rank..(rank + 1) * self.banks_per_rank
    }

    /// Banks that are refreshed together: one bank, or the same bank of every group.
    fn banks_of_set(&self, rank: usize, set: usize) -> Vec<usize> {
        let start = rank * self.banks_per_rank;
        let same_bank = self.refresh.first().is_some_and(|manager| manager.is_same_bank());
        if same_bank {
            (0..self.groups_per_rank).map(|group| start + group * self.banks_per_group + set).collect()
        } else {
            vec![start + set]
        }
    }

    #[inline]
    fn place(&self, bank: usize, stack: usize) -> Place {
        let state = &self.banks[bank];
        Place { bank, group: state.group as usize, rank: state.rank as usize, stack }
    }
}

/// Commands that can occur at all under a configuration.
fn possible_commands(config: &ControllerConfig) -> CommandSet {
    let mut set = CommandSet::of(&[Command::Act, Command::PrePb]);
    let mut add = |commands: &[Command]| commands.iter().for_each(|command| set.insert(*command));
    if config.page_policy != PagePolicy::Closed {
        add(&[Command::Rd, Command::Wr]);
    }
    if config.page_policy != PagePolicy::Open {
        add(&[Command::Rda, Command::Wra]);
    }
    match config.refresh_policy {
        RefreshPolicy::NoRefresh => {}
        RefreshPolicy::AllBank => add(&[Command::PreAb, Command::RefAb]),
        RefreshPolicy::PerBank => add(&[Command::RefPb]),
        RefreshPolicy::SameBank => add(&[Command::PreSb, Command::RefSb]),
    }
    if config.power_down_policy == PowerDownPolicy::Staggered {
        add(&[Command::RefAb, Command::PdEa, Command::PdXa, Command::PdEp, Command::PdXp]);
        add(&[Command::SrefEn, Command::SrefEx]);
    }
    set
}
