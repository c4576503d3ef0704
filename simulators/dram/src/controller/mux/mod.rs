//! Command multiplexers: which candidate gets the bus. One per file; `fast` is the oldest-first one for the common
//! case of one bus and equal command lengths, over flat arrays.
pub(crate) mod fast;
mod oldest;
mod ready;
mod strict;

use crate::command::Command;
use crate::config::CmdMux;

/// Who wants to send a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sender {
    /// Bank machine of that bank.
    Bank(usize),
    /// Bank machine of that bank, closing the row for an older request than the one that hits it.
    Close(usize),
    /// Refresh manager of that rank.
    Refresh(usize),
    /// Power-down manager of that rank.
    PowerDown(usize),
}

/// A command that could be sent.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Candidate {
    /// Earliest clock, not before the present one.
    pub time: u64,
    /// Clocks on the bus.
    pub length: u64,
    /// Number of the request in order of admission; 0 for refresh, largest for power-down.
    pub id: u64,
    pub command: Command,
    pub sender: Sender,
}

/// The winner, which is sent if its time has come.
pub(crate) fn select(
    mux: CmdMux,
    candidates: &[Candidate],
    two_buses: bool,
    next_id: u64,
) -> Option<Candidate> {
    let allowed = |candidate: &&Candidate| match mux {
        CmdMux::Oldest => true,
        CmdMux::Strict => strict::allows(candidate, next_id),
    };
    if two_buses { oldest::two_buses(candidates, allowed) } else { oldest::one_bus(candidates, allowed) }
}
