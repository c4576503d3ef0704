//! Bank machine: the state of one bank and the command it wants next.
use super::page_policy::{Further, auto_precharge};
use super::scheduler::{self, View};
use super::{Channel, NONE};
use crate::command::Command;
use crate::system::pool::Payload;

/// State of one bank.
#[derive(Debug, Clone)]
pub(crate) struct Bank {
    /// Open row; meaningful while `open`.
    pub row: u32,
    pub open: bool,
    /// Activated for `current`, which stays chosen until served unless another hit is offered.
    pub keep: bool,
    /// The rank is in power-down or self refresh.
    pub sleeping: bool,
    /// Held back for a forced refresh.
    pub blocked: bool,
    /// Whether `current` is set.
    pub busy: bool,
    /// The row was opened for `current`, which left its place in the buffer then and is served next ([`Rules::leaves_buffer_at_activate`](crate::config::rules::Rules)).
    pub activated: bool,
    /// Number of an older request that wants another row than the one that `current` hits; `u64::MAX` if none.
    pub older_conflict: u64,
    /// Request chosen: handle, number, row, direction and place in the buffer.
    pub handle: u32,
    pub id: u64,
    pub wanted_row: u32,
    pub is_write: bool,
    pub list: usize,
    pub position: usize,
    /// Next command, as discriminant; [`NONE`] if there is none.
    pub next: u8,
    pub group: u32,
    pub rank: u32,
    pub stack: u32,
}

impl Bank {
    pub(super) fn new(group: u32, rank: u32) -> Self {
        Self {
            row: 0,
            open: false,
            keep: false,
            sleeping: false,
            blocked: false,
            busy: false,
            activated: false,
            older_conflict: u64::MAX,
            handle: 0,
            id: 0,
            wanted_row: 0,
            is_write: false,
            list: 0,
            position: 0,
            next: NONE,
            group,
            rank,
            stack: 0,
        }
    }
}

impl Channel {
    /// Works out the next command of a bank and enters it among the candidates.
    #[inline]
    pub(super) fn evaluate_bank(&mut self, index: usize, pool: &[Payload]) {
        let next = self.next_command(index, pool);
        self.banks[index].next = next.map_or(NONE, |command| command as u8);
        self.enter_candidate(index, next);
    }

    /// Whether a request for `row` that was just stored surely leaves the bank's next command as it is: it stands last in
    /// the list, so that only a hit could be preferred to what was chosen, and the policy does not look at it.
    #[inline]
    pub(super) fn keeps_choice(&self, index: usize, row: u32) -> bool {
        let bank = &self.banks[index];
        self.choice_is_stable
            && bank.next != NONE
            && !(bank.open && row == bank.row && bank.wanted_row != row)
    }

    #[inline]
    fn next_command(&mut self, index: usize, pool: &[Payload]) -> Option<Command> {
        let bank = &self.banks[index];
        if bank.sleeping || bank.blocked {
            return None;
        }
        let view = View {
            buffer: &self.buffer,
            pool,
            bank: index,
            open_row: bank.open.then_some(bank.row),
            last_was_write: self.last_was_write,
            draining: self.draining,
        };
        if !bank.activated {
            if self.rules.older_conflict_may_close {
                self.banks[index].older_conflict = u64::MAX;
            }
            let pick = scheduler::next(self.scheduler, &view)?;
            let entry = self.buffer.list(pick.list)[pick.position];
            if self.rules.older_conflict_may_close
                && let Some(oldest) = self.buffer.list(pick.list).first()
                && oldest.row != entry.row
            {
                self.banks[index].older_conflict = pool[oldest.handle() as usize].id;
            }
            let bank = &mut self.banks[index];
            if !(self.rules.keeps_request_of_activate && bank.keep && entry.row != bank.row) {
                bank.handle = entry.handle();
                bank.wanted_row = entry.row;
                bank.is_write = entry.is_write();
                bank.list = pick.list;
                bank.position = pick.position;
                bank.busy = true;
                let payload = &pool[entry.handle() as usize];
                bank.id = payload.id;
                bank.stack = payload.stack;
            }
        }
        let bank = &self.banks[index];
        if !bank.open {
            return Some(Command::Act);
        }
        if bank.wanted_row != bank.row && self.page_policy != crate::config::PagePolicy::Closed {
            return Some(Command::PrePb);
        }
        let (scheduler, is_write) = (self.scheduler, bank.is_write);
        let closes = auto_precharge(self.page_policy, || {
            let (request, hit) = scheduler::further(scheduler, &view_of(self, index, pool), is_write);
            Further { request, hit }
        });
        Some(match (is_write, closes) {
            (false, false) => Command::Rd,
            (false, true) => Command::Rda,
            (true, false) => Command::Wr,
            (true, true) => Command::Wra,
        })
    }
}

/// The scheduler's view of a bank.
fn view_of<'a>(channel: &'a Channel, index: usize, pool: &'a [Payload]) -> View<'a> {
    let bank = &channel.banks[index];
    View {
        buffer: &channel.buffer,
        pool,
        bank: index,
        open_row: bank.open.then_some(bank.row),
        last_was_write: channel.last_was_write,
        draining: channel.draining,
    }
}
