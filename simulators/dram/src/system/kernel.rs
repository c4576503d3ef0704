//! Event kernel with the ordering rules of the reference's simulation library.
//!
//! A clock is a sequence of steps. Each event holds at most one pending notification: for the next step, or for a
//! later clock. Notifications for the next step run in reverse order; those for a clock run in the order in which they
//! leave a binary heap keyed by time alone. Replaced notifications stay in the heap as dead entries.

/// The pending notification of an event, and the stamp that its entry in the heap must have.
#[derive(Debug, Clone, Copy)]
struct Pending {
    /// Clock, or [`NEXT_STEP`], or [`NOTHING`].
    at: u64,
    stamp: u32,
}

const NEXT_STEP: u64 = 0;
const NOTHING: u64 = u64::MAX;

/// An entry of the heap: dead once the event's stamp differs.
#[derive(Debug, Clone, Copy)]
struct Entry {
    time: u64,
    event: u32,
    stamp: u32,
}

/// The kernel: present clock and pending notifications.
#[derive(Debug, Clone)]
pub(crate) struct Kernel {
    /// Present clock.
    pub now: u64,
    pending: Vec<Pending>,
    next_step: Vec<u32>,
    /// Heap in an array that starts at index 1.
    heap: Vec<Entry>,
}

impl Kernel {
    /// A kernel at clock 0 with that many events.
    pub(crate) fn new(events: usize) -> Self {
        Self {
            now: 0,
            pending: vec![Pending { at: NOTHING, stamp: 0 }; events],
            next_step: Vec::with_capacity(events),
            heap: vec![Entry { time: 0, event: 0, stamp: 0 }],
        }
    }

    /// Notifies `event` for clock `at`, or for the next step if that is the present clock.
    #[inline(always)]
    pub(crate) fn notify(&mut self, event: usize, at: u64) {
        let at = if at <= self.now { NEXT_STEP } else { at };
        if at < self.pending[event].at {
            self.replace(event, at);
        }
    }

    /// Books a notification that is the event's first, or earlier than the one it has.
    #[inline]
    fn replace(&mut self, event: usize, at: u64) {
        let pending = &mut self.pending[event];
        pending.stamp += u32::from(pending.at != NOTHING);
        pending.at = at;
        if at == NEXT_STEP {
            self.next_step.push(event as u32);
        } else {
            let stamp = pending.stamp;
            self.push(Entry { time: at, event: event as u32, stamp });
        }
    }

    /// Takes the events of the next step, in the order in which they run.
    #[inline]
    pub(crate) fn take_step(&mut self, events: &mut Vec<u32>) {
        events.clear();
        std::mem::swap(events, &mut self.next_step);
        events.reverse();
        for event in events {
            self.pending[*event as usize].at = NOTHING;
        }
    }

    /// Whether the present clock has a further step.
    #[inline]
    pub(crate) fn has_step(&self) -> bool {
        !self.next_step.is_empty()
    }

    /// Books that `event` was notified for the next step of the present clock and ran there, alone, and then asked to be
    /// run at clock `next`.
    #[inline]
    pub(crate) fn step_alone(&mut self, event: usize, next: Option<u64>) {
        let pending = &mut self.pending[event];
        pending.stamp += u32::from(pending.at != NOTHING);
        pending.at = NOTHING;
        if let Some(at) = next {
            self.replace(event, at);
        }
    }

    /// Moves to the next clock with a notification and takes its events in order; `false` if there is none.
    #[inline]
    pub(crate) fn advance(&mut self, events: &mut Vec<u32>) -> bool {
        events.clear();
        while let Some(top) = self.top() {
            if self.alive(&top) {
                break;
            }
            self.pop();
        }
        let Some(first) = self.top() else { return false };
        self.now = first.time;
        while let Some(top) = self.top().filter(|top| top.time == first.time) {
            self.pop();
            if self.alive(&top) {
                let pending = &mut self.pending[top.event as usize];
                pending.at = NOTHING;
                pending.stamp += 1;
                events.push(top.event);
            }
        }
        true
    }

    #[inline]
    fn alive(&self, entry: &Entry) -> bool {
        self.pending[entry.event as usize].stamp == entry.stamp
    }

    #[inline]
    fn top(&self) -> Option<Entry> {
        self.heap.get(1).copied()
    }

    #[inline]
    fn push(&mut self, entry: Entry) {
        self.heap.push(entry);
        let mut at = self.heap.len() - 1;
        while at > 1 && self.heap[at / 2].time > entry.time {
            self.heap[at] = self.heap[at / 2];
            at /= 2;
        }
        self.heap[at] = entry;
    }

    #[inline]
    fn pop(&mut self) {
        let Some(last) = self.heap.pop() else { return };
        let size = self.heap.len() - 1;
        if size == 0 {
            return;
        }
        let mut at = 1;
        loop {
            let left = 2 * at;
            if left > size {
                break;
            }
            let mut earliest = at;
            let mut time = last.time;
            for child in [left, left + 1] {
                if child <= size && self.heap[child].time < time {
                    earliest = child;
                    time = self.heap[child].time;
                }
            }
            if earliest == at {
                break;
            }
            self.heap[at] = self.heap[earliest];
            at = earliest;
        }
        self.heap[at] = last;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zero_delay_replaces_a_timed_notification_and_order_is_reversed() {
        let mut kernel = Kernel::new(3);
        let mut events = Vec::new();
        kernel.notify(0, 5);
        kernel.notify(1, 3);
        kernel.notify(0, 0);
        kernel.notify(2, 0);
        kernel.notify(0, 7);
        kernel.take_step(&mut events);
        assert_eq!(events, [2, 0]);
        assert!(kernel.advance(&mut events));
        assert_eq!((kernel.now, events.as_slice()), (3, &[1][..]));
        assert!(!kernel.advance(&mut events), "the replaced notification is dead");
    }

    #[test]
    fn a_later_time_is_ignored_and_an_earlier_one_replaces() {
        let mut kernel = Kernel::new(2);
        let mut events = Vec::new();
        kernel.notify(0, 9);
        kernel.notify(0, 12);
        kernel.notify(1, 4);
        kernel.notify(0, 4);
        assert!(kernel.advance(&mut events));
        assert_eq!((kernel.now, events.as_slice()), (4, &[1, 0][..]));
    }
}
