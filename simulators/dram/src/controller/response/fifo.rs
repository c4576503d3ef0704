//! Responses in the order of their column commands.
use super::Ready;
use std::collections::VecDeque;

#[derive(Debug, Clone, Default)]
pub(crate) struct Fifo(VecDeque<Ready>);

impl Fifo {
    #[inline]
    pub(super) fn push(&mut self, ready: Ready) {
        self.0.push_back(ready);
    }

    #[inline]
    pub(super) fn head(&self) -> Option<Ready> {
        self.0.front().copied()
    }

    #[inline]
    pub(super) fn pop(&mut self) {
        self.0.pop_front();
    }
}
