//! Message queue of a process: messages of the step before in order of sending, then those whose clock has come.
use std::collections::VecDeque;

/// Messages of one process.
#[derive(Debug, Clone)]
pub(crate) struct Queue<M> {
    /// (step of sending, message).
    immediate: VecDeque<(u64, M)>,
    /// (clock, message), in order of clock, then of sending.
    timed: VecDeque<(u64, M)>,
}

impl<M: Copy> Queue<M> {
    pub(crate) fn new() -> Self {
        Self { immediate: VecDeque::with_capacity(16), timed: VecDeque::with_capacity(16) }
    }

    /// Sends a message for clock `at`; `now` and `step` are the present ones.
    #[inline]
    pub(crate) fn send(&mut self, message: M, at: u64, now: u64, step: u64) {
        if at <= now {
            self.immediate.push_back((step, message));
        } else {
            let place = self.timed.iter().rposition(|(clock, _)| *clock <= at).map_or(0, |index| index + 1);
            self.timed.insert(place, (at, message));
        }
    }

    /// The next message that may be handled in this step.
    #[inline]
    pub(crate) fn next(&mut self, now: u64, step: u64) -> Option<M> {
        if self.immediate.front().is_some_and(|(sent, _)| *sent < step) {
            return self.immediate.pop_front().map(|(_, message)| message);
        }
        if self.timed.front().is_some_and(|(clock, _)| *clock <= now) {
            return self.timed.pop_front().map(|(_, message)| message);
        }
        None
    }

    /// Whether no message waits for the next step.
    #[inline]
    pub(crate) fn has_no_immediate(&self) -> bool {
        self.immediate.is_empty()
    }

    /// Whether no message waits at all.
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.immediate.is_empty() && self.timed.is_empty()
    }

    /// Takes the only message there is, if it waits for clock `now`.
    #[inline]
    pub(crate) fn take_only_timed(&mut self, now: u64) -> Option<M> {
        if self.immediate.is_empty() && self.timed.len() == 1 && self.timed[0].0 == now {
            return self.timed.pop_front().map(|(_, message)| message);
        }
        None
    }

    /// Clock of the earliest message still to come.
    #[inline]
    pub(crate) fn next_clock(&self) -> Option<u64> {
        self.timed.front().map(|(clock, _)| *clock)
    }
}
