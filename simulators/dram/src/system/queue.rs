//! Message queue of a process: messages of the step before in order of sending, then those whose clock has come.

/// Messages of one process.
#[derive(Debug, Clone)]
pub(crate) struct Queue<M> {
    /// (step of sending, message), taken up to `taken`; empty again at the end of a clock.
    immediate: Vec<(u64, M)>,
    taken: usize,
    /// (clock, message), the next one last: in falling order of clock, then of sending.
    timed: Vec<(u64, M)>,
}

impl<M: Copy> Queue<M> {
    pub(crate) fn new() -> Self {
        Self { immediate: Vec::with_capacity(16), taken: 0, timed: Vec::with_capacity(16) }
    }

    /// Sends a message for clock `at`; `now` and `step` are the present ones.
    #[inline]
    pub(crate) fn send(&mut self, message: M, at: u64, now: u64, step: u64) {
        if at <= now {
            self.immediate.push((step, message));
        } else {
            let later = self.timed.iter().take_while(|(clock, _)| *clock > at).count();
            self.timed.insert(later, (at, message));
        }
    }

    /// The next message that may be handled in this step.
    #[inline]
    pub(crate) fn next(&mut self, now: u64, step: u64) -> Option<M> {
        if let Some((sent, message)) = self.immediate.get(self.taken)
            && *sent < step
        {
            let message = *message;
            self.taken += 1;
            if self.taken == self.immediate.len() {
                self.immediate.clear();
                self.taken = 0;
            }
            return Some(message);
        }
        self.timed.pop_if(|(clock, _)| *clock <= now).map(|(_, message)| message)
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
        match self.timed.as_slice() {
            &[(clock, message)] if clock == now && self.immediate.is_empty() => {
                self.timed.clear();
                Some(message)
            }
            _ => None,
        }
    }

    /// Clock of the earliest message still to come.
    #[inline]
    pub(crate) fn next_clock(&self) -> Option<u64> {
        self.timed.last().map(|(clock, _)| *clock)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_come_by_clock_then_by_sending_and_never_in_the_step_of_sending() {
        let mut queue = Queue::new();
        for (message, at) in [('c', 7), ('a', 5), ('d', 7), ('b', 5), ('e', 3)] {
            queue.send(message, at, 3, 1);
        }
        assert_eq!(queue.next(3, 1), None, "'e' was sent in this step");
        let taken: String =
            (3..8).flat_map(|now| std::iter::from_fn(|| queue.next(now, 2)).collect::<Vec<_>>()).collect();
        assert_eq!(taken, "eabcd");
        assert!(queue.is_empty() && queue.next_clock().is_none());
    }
}
