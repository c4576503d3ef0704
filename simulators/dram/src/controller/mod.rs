//! The controller of one channel: admits requests, lets bank machines, refresh and power-down managers propose
//! commands, sends one when its time has come, and answers requests when their data are complete.
//!
//! A controller is run at clocks at which something may happen; between runs nothing changes. The order of the steps
//! inside a run is that of the reference simulator.
pub(crate) mod bank;
pub(crate) mod buffer;
pub(crate) mod mux;
mod page_policy;
mod power_down;
mod refresh;
pub(crate) mod response;
mod scheduler;
pub(crate) mod timing;

use crate::command::{COMMANDS, Command, CommandSet};
use crate::config::{
    CmdMux, ControllerConfig, PagePolicy, PowerDownPolicy, Reference, RefreshPolicy, Scheduler,
};
use crate::device::Device;
use crate::energy::EnergyAccount;
use crate::system::pool::Payload;
use bank::Bank;
use buffer::Buffer;
use mux::fast::{Best, Scan, Wanted};
use mux::{Candidate, Sender};
use power_down::Staggered;
use refresh::RefreshManager;
use response::{Ready, ResponseQueue};
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
    keeps_activated: bool,
    /// Schedulers and page policies under which a later request can only change a bank's choice by being a hit.
    choice_is_stable: bool,
    blocking_deletes: bool,
    delays_response: bool,
    /// Details of Ramulator's controller: see [`Reference::Ramulator2`].
    ramulator: bool,
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
        let dramsys4 = config.reference == Reference::DRAMSys4;
        let ramulator = config.reference == Reference::Ramulator2;
        let timing = TimingState::new(device, config.reference, possible_commands(config));
        let powers_down = config.power_down_policy == PowerDownPolicy::Staggered;
        let simple = !timing.two_buses()
            && timing.unit_lengths()
            && !timing.has_stacks()
            && config.cmd_mux == CmdMux::Oldest
            && !ramulator
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
            keeps_activated: !dramsys4,
            choice_is_stable: matches!(config.scheduler, Scheduler::Fifo | Scheduler::FrFcfs)
                && matches!(config.page_policy, PagePolicy::Open | PagePolicy::Closed)
                && !ramulator,
            blocking_deletes: !dramsys4,
            delays_response: dramsys4,
            ramulator,
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
                let delay = u64::from(self.delays_response && self.response_ended == Some(now));
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
    #[inline]
    fn admit<P: Port>(&mut self, now: u64, pool: &mut [Payload], port: &mut P) -> bool {
        let Some((handle, arrival)) = self.slot else { return false };
        let payload = &mut pool[handle as usize];
        if arrival > now || !self.buffer.has_room(payload.is_write) {
            return false;
        }
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
            return true;
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
        true
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

    /// Choice and wake-up for one bus and unit lengths, with the winner kept between runs.
    #[inline]
    fn run_simple<P: Port>(&mut self, now: u64, pool: &mut [Payload], port: &mut P) {
        let best = match self.scan.best {
            Some(best) => best,
            None => self.find_best(now),
        };
        let issues = best.time == now;
        if issues {
            let sender = match best.sender.checked_sub(Best::REFRESH) {
                Some(rank) => Sender::Refresh(rank as usize),
                None => Sender::Bank(best.sender as usize),
            };
            self.issue(sender, now, pool, port);
            self.scan.invalidate();
        } else {
            self.scan.best = Some(best);
        }
        let blocked = !issues && best != Best::NOTHING;
        self.evaluate_dirty(pool);
        if now >= self.refresh_trigger {
            self.evaluate_managers(now);
        }
        let best = match self.scan.best {
            Some(best) => best,
            None => self.find_best(now),
        };
        self.scan.best = Some(best);
        let mut wake = best.time;
        self.restless = blocked && wake == now;
        if self.restless {
            // A command became legal at this very clock, after the choice: it is sent in the next run, whatever
            // causes that run.
            self.scan.invalidate();
            self.collect(now, false);
            let times = self.candidates.iter().map(|candidate| candidate.time);
            wake = times.filter(|time| *time > now).min().unwrap_or(u64::MAX);
        }
        if self.refresh_trigger != u64::MAX {
            for manager in &self.refresh {
                if manager.next.is_none() && manager.trigger > now {
                    wake = wake.min(manager.trigger);
                }
            }
        }
        self.wake = wake;
        if wake != u64::MAX {
            port.wake_at(self.index, wake);
        }
    }

    /// Winner among banks and refresh managers.
    #[inline]
    fn find_best(&self, now: u64) -> Best {
        let floor = now.max(self.timing.bus_free(Command::Act));
        let mut best = self.scan.best_bank(&self.timing, floor);
        for (rank, manager) in self.refresh.iter().enumerate() {
            if let Some(time) = self.refresh_time(manager, rank) {
                let candidate = Best { time: time.max(now), id: 0, sender: Best::REFRESH + rank as u32 };
                if candidate.beats(&best) {
                    best = candidate;
                }
            }
        }
        best
    }

    /// Earliest clock of a refresh manager's command.
    #[inline]
    fn refresh_time(&self, manager: &RefreshManager, rank: usize) -> Option<u64> {
        let next = manager.next?;
        Some(match next.command {
            Command::PrePb | Command::RefPb => {
                self.timing.bank_command(next.command, self.place(next.bank, 0))
            }
            Command::PreSb | Command::RefSb => {
                let set = (next.bank - rank * self.banks_per_rank) % self.banks_per_group;
                let times = self.banks_of_set(rank, set).into_iter();
                times
                    .map(|bank| self.timing.bank_command(next.command, self.place(bank, 0)))
                    .max()
                    .unwrap_or(0)
            }
            command => self.timing.rank_command(command, rank),
        })
    }

    /// Choice and wake-up in general: two buses, commands of several lengths, strict order, power-down.
    fn run_general<P: Port>(&mut self, now: u64, pool: &mut [Payload], port: &mut P) {
        self.collect(now, true);
        let winner = if self.ramulator {
            self.select_ready(now)
        } else {
            mux::select(self.cmd_mux, &self.candidates, self.timing.two_buses(), self.next_strict_id)
        };
        let issued = match winner {
            Some(winner) if winner.time == now => {
                self.issue(winner.sender, now, pool, port);
                true
            }
            _ => false,
        };
        let blocked = !issued && !self.candidates.is_empty();
        self.evaluate_dirty(pool);
        self.evaluate_managers(now);
        self.collect(now, false);
        let times = self.candidates.iter().map(|candidate| candidate.time);
        let mut wake = times.clone().filter(|time| *time > now || !blocked).min().unwrap_or(u64::MAX);
        self.restless = blocked && times.min() == Some(now);
        for manager in &self.refresh {
            if manager.next.is_none() && manager.trigger > now {
                wake = wake.min(manager.trigger);
            }
        }
        self.wake = wake;
        if wake != u64::MAX {
            port.wake_at(self.index, wake);
        }
    }

    /// Lists the candidates rank by rank. With `choosing`, a power-down command stands alone in its rank.
    fn collect(&mut self, now: u64, choosing: bool) {
        self.candidates.clear();
        for rank in 0..self.refresh.len() {
            let power_down = self.power_down.get(rank).and_then(|manager| manager.next);
            if let Some(command) = power_down {
                self.candidates.push(Candidate {
                    time: self.timing.rank_command(command, rank).max(now),
                    length: self.timing.length(command),
                    id: POWER_DOWN_ID,
                    command,
                    sender: Sender::PowerDown(rank),
                });
                if choosing {
                    continue;
                }
            }
            let manager = &self.refresh[rank];
            if let (Some(next), Some(time)) = (manager.next, self.refresh_time(manager, rank)) {
                self.candidates.push(Candidate {
                    time: time.max(now),
                    length: self.timing.length(next.command),
                    id: 0,
                    command: next.command,
                    sender: Sender::Refresh(rank),
                });
            }
            for index in self.banks_of_rank(rank) {
                let bank = &self.banks[index];
                if bank.next != NONE {
                    let command = Command::ALL[bank.next as usize];
                    let place = self.place(index, bank.stack as usize);
                    self.candidates.push(Candidate {
                        time: self.timing.bank_command(command, place).max(now),
                        length: self.timing.length(command),
                        id: bank.id,
                        command,
                        sender: Sender::Bank(index),
                    });
                    if bank.older_conflict != u64::MAX && !bank.activated && command.is_column() {
                        self.candidates.push(Candidate {
                            time: self.timing.bank_command(Command::PrePb, place).max(now),
                            length: self.timing.length(Command::PrePb),
                            id: bank.older_conflict,
                            command: Command::PrePb,
                            sender: Sender::Close(index),
                        });
                    }
                }
            }
        }
    }

    /// Sends the command of `sender` and updates everything that depends on it.
    #[inline]
    fn issue<P: Port>(&mut self, sender: Sender, now: u64, pool: &mut [Payload], port: &mut P) {
        match sender {
            Sender::Bank(index) => self.issue_bank(index, now, pool, port),
            Sender::Close(index) => {
                self.banks[index].next = Command::PrePb as u8;
                self.issue_bank(index, now, pool, port);
            }
            Sender::Refresh(rank) => {
                if let Some(next) = self.refresh[rank].next {
                    self.issue_management(next.command, rank, next.bank, now, port);
                }
            }
            Sender::PowerDown(rank) => {
                if let Some(command) = self.power_down[rank].next {
                    self.issue_management(command, rank, rank * self.banks_per_rank, now, port);
                }
            }
        }
    }

    /// A command of a bank machine.
    #[inline]
    fn issue_bank<P: Port>(&mut self, index: usize, now: u64, pool: &mut [Payload], port: &mut P) {
        let bank = &mut self.banks[index];
        let command = Command::ALL[bank.next as usize];
        let (rank, handle, id, stack) = (bank.rank as usize, bank.handle, bank.id, bank.stack as usize);
        let (list, position) = (bank.list, bank.position);
        match command {
            Command::Act => {
                bank.open = true;
                bank.row = bank.wanted_row;
                bank.keep = true;
                if self.ramulator {
                    bank.activated = true;
                    self.buffer.release(bank.is_write);
                }
            }
            Command::PrePb => {
                bank.open = false;
                bank.keep = false;
            }
            _ => {
                bank.busy = false;
                bank.keep = false;
                if matches!(command, Command::Rda | Command::Wra) {
                    bank.open = false;
                }
                if std::mem::take(&mut bank.activated) {
                    // Its place was given free at the activate; the removal below frees one more.
                    self.buffer.occupy(bank.is_write);
                }
            }
        }
        let row = bank.row;
        let freed_place = self.ramulator && command == Command::Act;
        let place = self.place(index, stack);
        self.timing.issue_bank(command, place, now);
        self.book(command, rank, index, row, pool[handle as usize].column, stack, now, port);
        self.mark_dirty(index);
        if freed_place {
            self.update_mode();
            self.admit(now, pool, port);
        }
        if command.is_column() {
            let is_write = matches!(command, Command::Wr | Command::Wra);
            self.next_strict_id += 1;
            if is_write != self.last_was_write {
                self.last_was_write = is_write;
                if scheduler::depends_on_direction(self.scheduler) {
                    self.mark_waiting_dirty();
                }
            }
            self.buffer.remove(list, position);
            self.update_mode();
            self.admit(now, pool, port);
            let clock = now + if is_write { self.write_data_end } else { self.read_data_end };
            self.responses.push(id, Ready { clock, handle });
            if let Some(ready) = self.responses.head().filter(|ready| ready.clock > now) {
                port.response_at(self.index, ready.clock);
            }
            self.rank_requests[rank] -= 1;
        }
        self.note_idle(rank);
    }

    /// A command of a refresh or power-down manager.
    #[cold]
    fn issue_management<P: Port>(
        &mut self,
        command: Command,
        rank: usize,
        bank: usize,
        now: u64,
        port: &mut P,
    ) {
        let row = if command == Command::PrePb { self.banks[bank].row } else { 0 };
        let banks: Vec<usize> = match command {
            Command::PrePb | Command::RefPb => vec![bank],
            Command::PreSb | Command::RefSb => {
                self.banks_of_set(rank, (bank - rank * self.banks_per_rank) % self.banks_per_group)
            }
            _ => self.banks_of_rank(rank).collect(),
        };
        match command {
            Command::PrePb | Command::RefPb => self.timing.issue_bank(command, self.place(bank, 0), now),
            Command::PreSb | Command::RefSb => {
                let places: Vec<Place> = banks.iter().map(|bank| self.place(*bank, 0)).collect();
                self.timing.issue_banks(command, &places, now);
            }
            _ => self.timing.issue_rank(command, rank, now),
        }
        for &index in &banks {
            let bank = &mut self.banks[index];
            match command {
                Command::PrePb | Command::PreAb | Command::PreSb => {
                    bank.open = false;
                    bank.keep = false;
                }
                Command::PdEa | Command::PdEp | Command::SrefEn => bank.sleeping = true,
                Command::PdXa | Command::PdXp => bank.sleeping = false,
                Command::RefAb | Command::RefPb | Command::RefSb => {
                    bank.sleeping = false;
                    bank.blocked = false;
                }
                _ => {}
            }
            self.mark_dirty(index);
        }
        if let Some(energy) = self.energy.as_mut().filter(|_| command == Command::PreSb) {
            banks.iter().for_each(|bank| energy.command(Command::PrePb, *bank, now));
        }
        self.book(command, rank, bank, row, 0, 0, now, port);
        self.refresh[rank].update(command, now);
        if let Some(power_down) = self.power_down.get_mut(rank) {
            power_down.update(command);
        }
        self.refresh_trigger = 0;
        self.note_idle(rank);
    }

    /// Tells the power-down manager that the rank has no request.
    #[inline]
    fn note_idle(&mut self, rank: usize) {
        if let Some(power_down) = self.power_down.get_mut(rank).filter(|_| self.rank_requests[rank] == 0) {
            power_down.rank_idle();
        }
    }

    /// Energy, counts and log of a command.
    #[allow(clippy::too_many_arguments)]
    #[inline]
    fn book<P: Port>(
        &mut self,
        command: Command,
        rank: usize,
        bank: usize,
        row: u32,
        column: u32,
        stack: usize,
        now: u64,
        port: &mut P,
    ) {
        self.counts[command as usize] += 1;
        if let Some(energy) = &mut self.energy {
            energy.command(command, bank, now);
        }
        if port.wants_commands() {
            let whole_rank = command.is_rank_wide();
            port.command(CommandRecord {
                clock: now,
                channel: self.index as u32,
                command,
                rank: rank as u32,
                bank_group: if whole_rank { 0 } else { self.banks[bank].group % self.groups_per_rank as u32 },
                bank: bank as u32,
                row: if whole_rank { 0 } else { row },
                column: if command.is_column() { column } else { 0 },
                stack: stack as u32,
            });
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
