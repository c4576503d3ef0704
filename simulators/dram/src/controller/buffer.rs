//! The request buffer: per bank (and direction, where the scheduler wants it) a list in order of admission.
use crate::config::{ControllerConfig, Scheduler, SchedulerBuffer};

/// Marks a write in an entry's handle.
const WRITE: u32 = 1 << 31;

/// One waiting request as the schedulers see it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Entry {
    /// Row wanted.
    pub row: u32,
    handle: u32,
}

impl Entry {
    /// Handle of the request in the pool.
    #[inline]
    pub(crate) fn handle(self) -> u32 {
        self.handle & !WRITE
    }

    /// Whether it is a write.
    #[inline]
    pub(crate) fn is_write(self) -> bool {
        self.handle & WRITE != 0
    }
}

/// Waiting requests of one channel.
#[derive(Debug, Clone)]
pub(crate) struct Buffer {
    division: SchedulerBuffer,
    size: u32,
    by_direction: bool,
    capacity: usize,
    entries: Vec<Entry>,
    lengths: Vec<u32>,
    reads: u32,
    writes: u32,
    last_bank: usize,
    /// Places are given free at the activate, and a full part holds up its own direction only.
    frees_at_activate: bool,
}

impl Buffer {
    /// An empty buffer for `banks` banks.
    pub(crate) fn new(config: &ControllerConfig, banks: usize) -> Self {
        let by_direction = matches!(config.scheduler, Scheduler::GrpFrFcfs | Scheduler::GrpFrFcfsWm);
        let size = config.request_buffer_size;
        let frees_at_activate = config.rules().leaves_buffer_at_activate;
        // Bankwise room is tested on the bank stored to last, so that a full bank may take one more.
        let capacity = match config.scheduler_buffer {
            SchedulerBuffer::Bankwise => size as usize + 1,
            SchedulerBuffer::ReadWrite => 2 * size as usize,
            SchedulerBuffer::Shared => size as usize,
        } + usize::from(frees_at_activate);
        let lists = banks * if by_direction { 2 } else { 1 };
        Self {
            division: config.scheduler_buffer,
            size,
            by_direction,
            capacity,
            entries: vec![Entry { row: 0, handle: 0 }; lists * capacity],
            lengths: vec![0; lists],
            reads: 0,
            writes: 0,
            last_bank: 0,
            frees_at_activate,
        }
    }

    /// Whether the next request may enter now. A full part for one direction holds up the other as well, since
    /// requests come in order; where places are freed at the activate, `is_write` decides.
    #[inline]
    pub(crate) fn has_room(&self, is_write: bool) -> bool {
        match self.division {
            SchedulerBuffer::ReadWrite if self.frees_at_activate => {
                (if is_write { self.writes } else { self.reads }) < self.size
            }
            SchedulerBuffer::Bankwise => {
                let bank = self.last_bank;
                let waiting = if self.by_direction {
                    self.lengths[2 * bank] + self.lengths[2 * bank + 1]
                } else {
                    self.lengths[bank]
                };
                waiting < self.size
            }
            SchedulerBuffer::ReadWrite => self.reads < self.size && self.writes < self.size,
            SchedulerBuffer::Shared => self.reads + self.writes < self.size,
        }
    }

    /// Index of the list of `bank` (and direction).
    #[inline]
    pub(crate) fn list_index(&self, bank: usize, is_write: bool) -> usize {
        if self.by_direction { 2 * bank + usize::from(is_write) } else { bank }
    }

    /// Requests of one list in order of admission.
    #[inline]
    pub(crate) fn list(&self, list: usize) -> &[Entry] {
        let start = list * self.capacity;
        &self.entries[start..start + self.lengths[list] as usize]
    }

    /// Stores a request at the end of its list.
    #[inline]
    pub(crate) fn push(&mut self, bank: usize, row: u32, handle: u32, is_write: bool) {
        let list = self.list_index(bank, is_write);
        let length = self.lengths[list] as usize;
        self.entries[list * self.capacity + length] =
            Entry { row, handle: handle | if is_write { WRITE } else { 0 } };
        self.lengths[list] += 1;
        self.last_bank = bank;
        self.occupy(is_write);
    }

    /// Takes the entry at `position` out of a list.
    #[inline]
    pub(crate) fn remove(&mut self, list: usize, position: usize) {
        let start = list * self.capacity;
        let length = self.lengths[list] as usize;
        self.release(self.entries[start + position].is_write());
        for index in start + position..start + length - 1 {
            self.entries[index] = self.entries[index + 1];
        }
        self.lengths[list] -= 1;
    }

    /// Gives the place of a request free.
    #[inline]
    pub(crate) fn release(&mut self, is_write: bool) {
        if is_write {
            self.writes -= 1;
        } else {
            self.reads -= 1;
        }
    }

    /// Takes a place for a request that is stored and has none.
    #[inline]
    pub(crate) fn occupy(&mut self, is_write: bool) {
        if is_write {
            self.writes += 1;
        } else {
            self.reads += 1;
        }
    }

    /// Reads waiting in all banks.
    pub(crate) fn reads(&self) -> u32 {
        self.reads
    }

    /// Writes waiting in all banks.
    pub(crate) fn writes(&self) -> u32 {
        self.writes
    }

    /// Whether a bank has nothing waiting.
    #[inline]
    pub(crate) fn bank_is_empty(&self, bank: usize) -> bool {
        if self.by_direction {
            self.lengths[2 * bank] + self.lengths[2 * bank + 1] == 0
        } else {
            self.lengths[bank] == 0
        }
    }
}
