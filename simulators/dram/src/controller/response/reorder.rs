//! Responses in the order of admission: nothing leaves while the next number is missing.
use super::Ready;
use std::collections::VecDeque;

/// Slots for the numbers from `next` up.
#[derive(Debug, Clone)]
pub(crate) struct Reorder {
    next: u64,
    slots: VecDeque<Option<Ready>>,
}

impl Default for Reorder {
    fn default() -> Self {
        Self { next: 1, slots: VecDeque::new() }
    }
}

impl Reorder {
    pub(super) fn push(&mut self, id: u64, ready: Ready) {
        let slot = (id - self.next) as usize;
        if slot >= self.slots.len() {
            self.slots.resize(slot + 1, None);
        }
        self.slots[slot] = Some(ready);
    }

    pub(super) fn head(&self) -> Option<Ready> {
        self.slots.front().copied().flatten()
    }

    pub(super) fn pop(&mut self) {
        self.slots.pop_front();
        self.next += 1;
    }
}
