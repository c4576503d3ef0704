//! Which designs provably behave alike, so that an enumeration evaluates only one of them.
//!
//! Every rule follows from the semantics of the simulator and is tested against it, bit by bit:
//!
//! | where | what has no effect | why |
//! |---|---|---|
//! | `RefreshPolicy = NoRefresh` | `RefreshMaxPostponed`, `RefreshMaxPulledin` | nothing is refreshed (conditions of the space) |
//! | `Arbiter = Simple` | `MaxActiveTransactions` | it does not count (condition of the space) |
//! | `MaxActiveTransactions` up to `RequestBufferSize`, arbiter not `Simple` | `SchedulerBuffer`, larger `RequestBufferSize` | the buffer is never full |
//! | all requests read, or all write | `FrFcfsGrp` = `FrFcfs` | the direction of the last access prefers nobody |
//! | all requests read, or all write | `ReadWrite` = `Shared` | the other part of the buffer stays empty |
//! | `PagePolicy = Closed` | `FrFcfs` = `Fifo` | a bank is open only for its oldest request, which is the first hit |
//! | one request at a time: `Shared` of size 1, or at most 1 active | `Scheduler`, `RespQueue`, `OpenAdaptive` = `Open`, `ClosedAdaptive` = `Closed` | there is no choice, no order and no further request |
//! | one channel and responses in order, or at most 1 active | `Arbiter` `Reorder` = `Fifo` | there is nothing to put in order |

use super::space::at;
use crate::{Design, DesignSpace};

/// What the rules need to know of a workload and a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Setting {
    /// All requests have the same direction.
    pub one_direction: bool,
    /// The device has one channel.
    pub one_channel: bool,
}

// Coordinates of choices, in the order of `space`.
const OPEN: f64 = 0.0;
const OPEN_ADAPTIVE: f64 = 1.0;
const CLOSED: f64 = 2.0;
const CLOSED_ADAPTIVE: f64 = 3.0;
const FIFO: f64 = 0.0;
const FR_FCFS_GRP: f64 = 1.0;
const FR_FCFS: f64 = 2.0;
const BANKWISE: f64 = 0.0;
const READ_WRITE: f64 = 1.0;
const SHARED: f64 = 2.0;
const RESPONSES_IN_ORDER: f64 = 1.0;
const ARBITER_SIMPLE: f64 = 0.0;
const ARBITER_FIFO: f64 = 1.0;
const ARBITER_REORDER: f64 = 2.0;

/// Replaces a design by the representative of its class. Inactive parameters are dealt with before.
pub(super) fn canonicalise(space: &DesignSpace, design: &mut Design, setting: Setting) {
    let is = |design: &Design, parameter: usize, choice: f64| design.coordinate(parameter) == choice;
    let size = space.number(design, at::REQUEST_BUFFER_SIZE);
    let limit = match is(design, at::ARBITER, ARBITER_SIMPLE) {
        true => f64::INFINITY,
        false => space.number(design, at::MAX_ACTIVE_TRANSACTIONS),
    };
    if limit <= size {
        // Never full: the smallest size that still fits stands for all.
        design.set(at::SCHEDULER_BUFFER, BANKWISE);
        let mut smaller = design.clone();
        while design.coordinate(at::REQUEST_BUFFER_SIZE) > 0.0 {
            smaller.set(at::REQUEST_BUFFER_SIZE, design.coordinate(at::REQUEST_BUFFER_SIZE) - 1.0);
            if space.number(&smaller, at::REQUEST_BUFFER_SIZE) < limit {
                break;
            }
            design.set(at::REQUEST_BUFFER_SIZE, smaller.coordinate(at::REQUEST_BUFFER_SIZE));
        }
    }
    if setting.one_direction {
        if is(design, at::SCHEDULER, FR_FCFS_GRP) {
            design.set(at::SCHEDULER, FR_FCFS);
        }
        if is(design, at::SCHEDULER_BUFFER, READ_WRITE) {
            design.set(at::SCHEDULER_BUFFER, SHARED);
        }
    }
    if is(design, at::PAGE_POLICY, CLOSED) && is(design, at::SCHEDULER, FR_FCFS) {
        design.set(at::SCHEDULER, FIFO);
    }
    if limit == 1.0 || (is(design, at::SCHEDULER_BUFFER, SHARED) && size == 1.0) {
        design.set(at::SCHEDULER, FIFO);
        design.set(at::RESP_QUEUE, RESPONSES_IN_ORDER);
        if is(design, at::PAGE_POLICY, OPEN_ADAPTIVE) {
            design.set(at::PAGE_POLICY, OPEN);
        }
        if is(design, at::PAGE_POLICY, CLOSED_ADAPTIVE) {
            design.set(at::PAGE_POLICY, CLOSED);
        }
    }
    let in_order = setting.one_channel && is(design, at::RESP_QUEUE, RESPONSES_IN_ORDER);
    if (in_order || limit == 1.0) && is(design, at::ARBITER, ARBITER_REORDER) {
        design.set(at::ARBITER, ARBITER_FIFO);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dram_controller::space::{ValueSet, space};

    /// How many classes are left of the `archgym` space.
    fn classes(one_direction: bool, one_channel: bool) -> u32 {
        let space = space(ValueSet::ArchGym, true).unwrap();
        let setting = Setting { one_direction, one_channel };
        let canonical = |design: &Design| {
            let mut design = design.clone();
            canonicalise(&space, &mut design, setting);
            design
        };
        let mut count = 0;
        for design in space.designs() {
            let representative = canonical(&design);
            assert_eq!(canonical(&representative), representative);
            count += u32::from(representative == design);
        }
        count
    }

    #[test]
    fn classes_by_hand() {
        // Refresh: 1 + 4 * 4 = 17. Pairs of page policy and scheduler: 3 * 3 + 2 = 11; one at a time: 2.
        // Arbiter Simple: 23 buffers with 11 * 2 (response queue), the one with a single entry 2.
        // Others: at most 1 active: 2. At most 2^m: 3m buffers that can be full and one that cannot; with a single entry 2,
        // otherwise 11 * 3 (response queue and arbiter).
        let limits: u32 = (1..=7).map(|m| 2 + 3 * m * 33).sum();
        assert_eq!(classes(false, true), 17 * (23 * 22 + 2 + 2 + limits));
        // One direction: pairs of page policy and scheduler 3 * 2 + 1, two kinds of buffer.
        let limits: u32 = (1..=7).map(|m| 2 + 2 * m * 21).sum();
        assert_eq!(classes(true, true), 17 * (15 * 14 + 2 + 2 + limits));
        // Several channels: the arbiter puts in order what the controllers cannot.
        let limits: u32 = (1..=7).map(|m| 4 + 3 * m * 44).sum();
        assert_eq!(classes(false, false), 17 * (23 * 22 + 2 + 2 + limits));
    }
}
