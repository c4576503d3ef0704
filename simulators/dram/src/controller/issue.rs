//! What follows from a command that is sent: state of the banks, timing tables, buffer, energy, counts and log.
use super::mux::Sender;
use super::response::Ready;
use super::timing::Place;
use super::{Channel, CommandRecord, Port, scheduler};
use crate::command::Command;
use crate::system::pool::Payload;

impl Channel {
    /// Sends the command of `sender` and updates everything that depends on it.
    #[inline]
    pub(super) fn issue<P: Port>(&mut self, sender: Sender, now: u64, pool: &mut [Payload], port: &mut P) {
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
                if self.rules.leaves_buffer_at_activate {
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
        let freed_place = self.rules.leaves_buffer_at_activate && command == Command::Act;
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
}
