//! Per-bank and same-bank refresh: one bank, or the same bank of every group, at a time; idle ones first.
use super::{Pace, RefreshCommand};
use crate::command::Command;
use crate::config::RefreshPolicy;
use crate::controller::Channel;

pub(super) fn next(channel: &mut Channel, rank: usize) -> Option<RefreshCommand> {
    let manager = &channel.refresh[rank];
    let first_idle = manager.remaining.iter().copied().find(|set| {
        let mut banks = channel.banks_of_set(rank, *set).into_iter();
        manager.in_turn || banks.all(|bank| !channel.banks[bank].busy)
    });
    let postpone = |channel: &mut Channel| {
        let manager = &mut channel.refresh[rank];
        manager.trigger += manager.interval;
        None
    };
    match manager.pace {
        Pace::Regular => {
            let forced = manager.counter == manager.max_postponed;
            if !manager.frozen {
                match first_idle.or(if forced { manager.remaining.first().copied() } else { None }) {
                    Some(set) => channel.refresh[rank].chosen = set,
                    None => {
                        channel.refresh[rank].counter += 1;
                        return postpone(channel);
                    }
                }
            }
            let next = command(channel, rank);
            if forced && matches!(next.command, Command::RefPb | Command::RefSb) {
                for bank in channel.banks_of_set(rank, channel.refresh[rank].chosen) {
                    channel.block(bank);
                }
                channel.refresh[rank].frozen = true;
            }
            Some(next)
        }
        Pace::PulledIn => match first_idle {
            Some(set) => {
                channel.refresh[rank].chosen = set;
                Some(command(channel, rank))
            }
            None => {
                channel.refresh[rank].pace = Pace::Regular;
                postpone(channel)
            }
        },
    }
}

/// Precharge if a bank of the chosen set is open, otherwise the refresh itself.
fn command(channel: &Channel, rank: usize) -> RefreshCommand {
    let manager = &channel.refresh[rank];
    let banks = channel.banks_of_set(rank, manager.chosen);
    let open = banks.iter().any(|bank| channel.banks[*bank].open);
    let command = match (manager.policy, open) {
        (RefreshPolicy::SameBank, true) => Command::PreSb,
        (RefreshPolicy::SameBank, false) => Command::RefSb,
        (_, true) => Command::PrePb,
        (_, false) => Command::RefPb,
    };
    RefreshCommand { command, bank: banks.first().copied().unwrap_or(0) }
}
