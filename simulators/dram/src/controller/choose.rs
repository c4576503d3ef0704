//! Which command is sent next, and when the controller wants to be run again: a quick way for one command bus and equal
//! command lengths, and the general one.
use super::mux::fast::Best;
use super::mux::{self, Candidate, Sender};
use super::refresh::RefreshManager;
use super::{Channel, NONE, POWER_DOWN_ID, Port};
use crate::command::Command;
use crate::system::pool::Payload;

impl Channel {
    /// Choice and wake-up for one bus and unit lengths, with the winner kept between runs.
    #[inline]
    pub(super) fn run_simple<P: Port>(&mut self, now: u64, pool: &mut [Payload], port: &mut P) {
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
        self.sleep(now, wake, port);
    }

    /// Asks to be run again at `wake`, or when a refresh falls due before.
    #[inline]
    fn sleep<P: Port>(&mut self, now: u64, mut wake: u64, port: &mut P) {
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
    pub(super) fn run_general<P: Port>(&mut self, now: u64, pool: &mut [Payload], port: &mut P) {
        self.collect(now, true);
        let winner = if self.rules.any_ready_command {
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
        let wake = times.clone().filter(|time| *time > now || !blocked).min().unwrap_or(u64::MAX);
        self.restless = blocked && times.min() == Some(now);
        self.sleep(now, wake, port);
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
}
