//! Response queues: in which order finished requests are answered. One per file.
mod fifo;
mod reorder;

use crate::config::RespQueue;
use fifo::Fifo;
use reorder::Reorder;

/// A response and the clock at which its data are complete.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ready {
    pub clock: u64,
    pub handle: u32,
}

/// Queue of responses of one channel.
#[derive(Debug, Clone)]
pub(crate) enum ResponseQueue {
    Fifo(Fifo),
    Reorder(Reorder),
}

impl ResponseQueue {
    /// An empty queue.
    pub(crate) fn new(kind: RespQueue) -> Self {
        match kind {
            RespQueue::Fifo => Self::Fifo(Fifo::default()),
            RespQueue::Reorder => Self::Reorder(Reorder::default()),
        }
    }

    /// Adds the response of the request with number `id`.
    #[inline]
    pub(crate) fn push(&mut self, id: u64, ready: Ready) {
        match self {
            Self::Fifo(queue) => queue.push(ready),
            Self::Reorder(queue) => queue.push(id, ready),
        }
    }

    /// The response that leaves next, if it is known.
    #[inline]
    pub(crate) fn head(&self) -> Option<Ready> {
        match self {
            Self::Fifo(queue) => queue.head(),
            Self::Reorder(queue) => queue.head(),
        }
    }

    /// Removes the head.
    #[inline]
    pub(crate) fn pop(&mut self) {
        match self {
            Self::Fifo(queue) => queue.pop(),
            Self::Reorder(queue) => queue.pop(),
        }
    }
}
