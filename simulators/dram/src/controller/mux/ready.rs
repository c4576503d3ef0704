//! First ready, as in Ramulator 2: among the commands that can be sent at this clock the access to a row just opened, then a refresh, then
//! the oldest request. While a refresh is due nothing else but those accesses is sent, and it does not close a row just opened.
use super::{Candidate, Sender};
use crate::command::Command;
use crate::controller::Channel;

impl Channel {
    /// The winner among the collected candidates.
    pub(in crate::controller) fn select_ready(&self, now: u64) -> Option<Candidate> {
        // Refreshes that are due queue up: the first is done before the second begins.
        let due = self.refresh.iter().enumerate().filter(|(_, manager)| manager.next.is_some());
        let first_due = due.min_by_key(|(rank, manager)| (manager.trigger, *rank)).map(|(rank, _)| rank);
        let class = |candidate: &Candidate| match candidate.sender {
            Sender::Bank(bank) if self.banks[bank].activated => Some(0),
            Sender::Bank(_) | Sender::Close(_) => first_due.is_none().then_some(2),
            Sender::Refresh(rank) => {
                (first_due == Some(rank) && !self.closes_activated(candidate.command, rank)).then_some(1)
            }
            // Not with this reference.
            Sender::PowerDown(_) => None,
        };
        self.candidates
            .iter()
            .filter(|candidate| candidate.time == now)
            .filter_map(|candidate| Some((class(candidate)?, candidate.id, candidate)))
            .min_by_key(|(class, id, _)| (*class, *id))
            .map(|(.., candidate)| *candidate)
    }

    /// Whether a refresh manager's command would close a row before the access it was opened for.
    fn closes_activated(&self, command: Command, rank: usize) -> bool {
        let activated = |bank: usize| self.banks[bank].activated;
        match (command, self.refresh[rank].next) {
            (_, None) => false,
            (Command::PreSb | Command::RefSb, Some(next)) => {
                let set = (next.bank - rank * self.banks_per_rank) % self.banks_per_group;
                self.banks_of_set(rank, set).into_iter().any(activated)
            }
            (command, _) if command.is_rank_wide() => self.banks_of_rank(rank).any(activated),
            (_, Some(next)) => activated(next.bank),
        }
    }
}
