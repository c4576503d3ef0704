//! Requests in flight: a pool with a free list, so that nothing is allocated per request.
use crate::device::Location;

/// One request in flight. Clocks are DRAM clocks.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Payload {
    /// Number in the channel's order of admission, from 1.
    pub id: u64,
    /// Number in the arbiter's order of acceptance, from 1.
    pub number: u64,
    /// Clock of the trace.
    pub scheduled: u64,
    /// Clock of acceptance by the arbiter.
    pub accepted: u64,
    /// Clock of arrival at the controller.
    pub arrived: u64,
    /// Index of the request in the trace, from 0.
    pub index: u64,
    /// Bursts into which the request was split; all of them carry its index.
    pub parts: u32,
    pub bank: u32,
    pub row: u32,
    pub column: u32,
    pub rank: u32,
    pub stack: u32,
    pub channel: u32,
    pub is_write: bool,
}

impl Payload {
    /// A fresh request.
    #[inline]
    pub(crate) fn new(at: &Location, is_write: bool, scheduled: u64, index: u64, parts: u32) -> Self {
        Self {
            scheduled,
            index,
            parts,
            bank: at.bank,
            row: at.row,
            column: at.column,
            rank: at.rank,
            stack: at.stack,
            channel: at.channel,
            is_write,
            ..Self::default()
        }
    }
}

/// The pool.
#[derive(Debug, Clone, Default)]
pub(crate) struct Pool {
    /// All slots; a handle is an index.
    pub slots: Vec<Payload>,
    free: Vec<u32>,
}

impl Pool {
    /// Stores a request and returns its handle.
    #[inline]
    pub(crate) fn insert(&mut self, payload: Payload) -> u32 {
        match self.free.pop() {
            Some(handle) => {
                self.slots[handle as usize] = payload;
                handle
            }
            None => {
                self.slots.push(payload);
                (self.slots.len() - 1) as u32
            }
        }
    }

    /// Gives a slot back.
    #[inline]
    pub(crate) fn remove(&mut self, handle: u32) {
        self.free.push(handle);
    }

    /// Requests in flight.
    pub(crate) fn in_flight(&self) -> usize {
        self.slots.len() - self.free.len()
    }
}
