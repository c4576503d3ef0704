//! All-bank refresh: waits until every bank of the rank is idle, at most `RefreshMaxPostponed` intervals; then, while
//! the banks stay idle, refreshes up to `RefreshMaxPulledin` times ahead.
use super::{Pace, RefreshCommand};
use crate::command::Command;
use crate::controller::Channel;

pub(super) fn next(channel: &mut Channel, rank: usize) -> Option<RefreshCommand> {
    let banks = channel.banks_of_rank(rank);
    let idle = banks.clone().all(|bank| !channel.banks[bank].busy);
    let any_open = banks.clone().any(|bank| channel.banks[bank].open);
    let refresh = |command| Some(RefreshCommand { command, bank: banks.start });
    let manager = &mut channel.refresh[rank];
    match manager.pace {
        Pace::Regular => {
            if manager.counter == manager.max_postponed {
                for bank in banks.clone() {
                    channel.block(bank);
                }
            } else if !idle {
                manager.counter += 1;
                manager.trigger += manager.interval;
                return None;
            }
            refresh(if any_open { Command::PreAb } else { Command::RefAb })
        }
        Pace::PulledIn if idle => refresh(Command::RefAb),
        Pace::PulledIn => {
            manager.pace = Pace::Regular;
            manager.trigger += manager.interval;
            None
        }
    }
}
