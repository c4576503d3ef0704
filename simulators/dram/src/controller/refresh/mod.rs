//! Refresh managers, one per rank: when to refresh, how far to postpone or pull in. One scheme per file.
mod all_bank;
mod bank_by_bank;

use super::Channel;
use crate::command::Command;
use crate::config::{ControllerConfig, RefreshPolicy};
use crate::device::Device;

/// Whether refreshes run on time or ahead of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pace {
    Regular,
    PulledIn,
}

/// What a refresh manager wants to send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RefreshCommand {
    pub command: Command,
    /// The bank, or the first bank of the set, for commands to banks.
    pub bank: usize,
}

/// State of one rank's refresh manager.
#[derive(Debug, Clone)]
pub(crate) struct RefreshManager {
    policy: RefreshPolicy,
    /// Clock of the next trigger; `u64::MAX` for never.
    pub trigger: u64,
    interval: u64,
    pace: Pace,
    /// Refreshes postponed; negative if pulled in.
    counter: i64,
    max_postponed: i64,
    max_pulledin: i64,
    /// Bank by bank: in order, whether idle or not.
    in_turn: bool,
    pub sleeping: bool,
    pub next: Option<RefreshCommand>,
    /// Bank by bank: sets of banks not yet refreshed in this round, and the one chosen.
    remaining: Vec<usize>,
    chosen: usize,
    frozen: bool,
    sets: usize,
}

impl RefreshManager {
    /// Manager of `rank`; the ranks' first triggers are spread over one interval.
    pub(crate) fn new(config: &ControllerConfig, device: &Device, rank: usize) -> Self {
        let (timing, o) = (device.timing(), device.organization());
        let (refresh, sets) = match config.refresh_policy {
            RefreshPolicy::NoRefresh => (None, 0),
            RefreshPolicy::AllBank => (Some(timing.all_bank_refresh), 1),
            RefreshPolicy::PerBank => (timing.per_bank_refresh, (o.bank_groups * o.banks_per_group) as usize),
            RefreshPolicy::SameBank => (timing.same_bank_refresh, o.banks_per_group as usize),
        };
        let interval = refresh.map_or(0, |refresh| refresh.interval);
        let ranks = u64::from(o.ranks);
        let bits = ranks.ilog2();
        let reversed = if bits == 0 { 0 } else { (rank as u64).reverse_bits() >> (64 - bits) };
        let on_time = config.rules().refreshes_on_time_in_turn;
        let offset = if on_time { 0 } else { reversed * interval / ranks };
        let trigger = if refresh.is_some() { interval - offset } else { u64::MAX };
        let limit = |limit: u32| if on_time { 0 } else { i64::from(limit) };
        let scale = if config.refresh_policy == RefreshPolicy::AllBank { 1 } else { sets as i64 };
        Self {
            policy: config.refresh_policy,
            trigger,
            interval,
            pace: Pace::Regular,
            counter: 0,
            in_turn: on_time,
            max_postponed: limit(config.refresh_max_postponed) * scale,
            max_pulledin: limit(config.refresh_max_pulledin) * scale,
            sleeping: false,
            next: None,
            remaining: (0..sets).collect(),
            chosen: 0,
            frozen: false,
            sets,
        }
    }

    /// Whether the same bank of every group is refreshed together.
    pub(crate) fn is_same_bank(&self) -> bool {
        self.policy == RefreshPolicy::SameBank
    }

    /// Bookkeeping after a refresh was sent.
    fn advance(&mut self) {
        match self.pace {
            Pace::PulledIn => self.counter -= 1,
            Pace::Regular => self.pace = Pace::PulledIn,
        }
        if self.counter == -self.max_pulledin {
            self.pace = Pace::Regular;
            self.trigger += self.interval;
        }
    }

    /// Takes note of a command sent to the rank.
    pub(crate) fn update(&mut self, command: Command, now: u64) {
        match command {
            Command::PdEa | Command::PdEp => self.sleeping = true,
            Command::SrefEn => {
                self.sleeping = true;
                self.trigger = u64::MAX;
            }
            Command::PdXa | Command::PdXp => self.sleeping = false,
            Command::RefAb if self.sleeping => {
                self.sleeping = false;
                self.pace = Pace::Regular;
                self.trigger = now + self.interval;
            }
            Command::RefAb => self.advance(),
            Command::RefPb | Command::RefSb => {
                self.frozen = false;
                let chosen = self.chosen;
                self.remaining.retain(|set| *set != chosen);
                if self.remaining.is_empty() {
                    self.remaining.extend(0..self.sets);
                }
                self.advance();
            }
            _ => {}
        }
    }
}

impl Channel {
    /// Works out what the refresh manager of `rank` wants at `now`.
    pub(super) fn evaluate_refresh(&mut self, rank: usize, now: u64) {
        self.refresh[rank].next = None;
        if now < self.refresh[rank].trigger {
            return;
        }
        self.scan.invalidate();
        if let Some(power_down) = self.power_down.get_mut(rank) {
            power_down.interrupt();
        }
        let manager = &mut self.refresh[rank];
        if manager.sleeping {
            return;
        }
        if now >= manager.trigger + manager.interval {
            manager.trigger += manager.interval;
            manager.pace = Pace::Regular;
        }
        let next = match manager.policy {
            RefreshPolicy::NoRefresh => None,
            RefreshPolicy::AllBank => all_bank::next(self, rank),
            RefreshPolicy::PerBank | RefreshPolicy::SameBank => bank_by_bank::next(self, rank),
        };
        self.refresh[rank].next = next;
    }

    /// Holds a bank back for a forced refresh.
    fn block(&mut self, bank: usize) {
        if !self.banks[bank].blocked && self.rules.forced_refresh_holds_banks {
            self.banks[bank].blocked = true;
            if self.rules.held_bank_forgets_command {
                self.banks[bank].next = super::NONE;
                self.enter_candidate(bank, None);
            }
            self.mark_dirty(bank);
        }
    }
}
