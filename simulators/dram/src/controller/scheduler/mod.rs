//! Schedulers: which waiting request of a bank comes next. One per file; to add one, add a file, a variant of
//! [`Scheduler`] and a line in each `match` below.
mod fifo;
mod fr_fcfs;
mod fr_fcfs_grp;
mod grp_fr_fcfs;
pub(crate) mod grp_fr_fcfs_wm;

use super::buffer::{Buffer, Entry};
use crate::config::Scheduler;
use crate::system::pool::Payload;

/// What a scheduler may look at.
pub(crate) struct View<'a> {
    pub buffer: &'a Buffer,
    pub pool: &'a [Payload],
    pub bank: usize,
    /// The open row, if the bank is open.
    pub open_row: Option<u32>,
    /// Direction of the channel's last access.
    pub last_was_write: bool,
    /// Whether writes are being drained (watermark scheduler).
    pub draining: bool,
}

/// A choice: the entry at `position` of `list`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pick {
    pub list: usize,
    pub position: usize,
}

/// The next request of the bank, if the scheduler offers one.
#[inline]
pub(crate) fn next(scheduler: Scheduler, view: &View<'_>) -> Option<Pick> {
    match scheduler {
        Scheduler::Fifo => fifo::next(view),
        Scheduler::FrFcfs => fr_fcfs::next(view),
        Scheduler::FrFcfsGrp => fr_fcfs_grp::next(view),
        Scheduler::GrpFrFcfs => grp_fr_fcfs::next(view),
        Scheduler::GrpFrFcfsWm => grp_fr_fcfs_wm::next(view),
    }
}

/// Whether the list that the scheduler looks at holds a second request, and a second hit of the open row.
/// `is_write` is the direction of the request about to be served.
pub(crate) fn further(scheduler: Scheduler, view: &View<'_>, is_write: bool) -> (bool, bool) {
    let list = match scheduler {
        Scheduler::GrpFrFcfsWm => view.buffer.list(view.buffer.list_index(view.bank, view.draining)),
        _ => view.buffer.list(view.buffer.list_index(view.bank, is_write)),
    };
    let request = list.len() >= 2;
    let hit = match scheduler {
        Scheduler::Fifo => list.get(1).is_some_and(|entry| Some(entry.row) == view.open_row),
        _ => list.iter().filter(|entry| Some(entry.row) == view.open_row).take(2).count() == 2,
    };
    (request, hit)
}

/// Whether the choice depends on the direction of the last access.
pub(crate) fn depends_on_direction(scheduler: Scheduler) -> bool {
    matches!(scheduler, Scheduler::FrFcfsGrp | Scheduler::GrpFrFcfs)
}

/// Position of the first row hit, otherwise the head; nothing if the list is empty.
#[inline]
fn first_ready(list: &[Entry], open_row: Option<u32>) -> Option<usize> {
    if list.is_empty() {
        return None;
    }
    let hit = open_row.and_then(|row| list.iter().position(|entry| entry.row == row));
    Some(hit.unwrap_or(0))
}
