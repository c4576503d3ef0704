//! Virtual to physical addresses: every 4 KiB page gets a frame when it is first touched.
use std::collections::HashMap;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// Bytes of a page.
pub const PAGE_BYTES: u64 = 4096;

/// In which order frames are handed out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum FrameOrder {
    /// One after the other from address 0: a freshly started machine.
    Sequential,
    /// Random frames, as after a long uptime.
    Shuffled {
        /// Seed of the order.
        seed: u64,
    },
}

/// The page table of one recording.
#[derive(Debug)]
pub struct PageTable {
    frames: u64,
    order: FrameOrder,
    rng: ChaCha8Rng,
    table: HashMap<u64, u64>,
    used: std::collections::HashSet<u64>,
    /// Last page and frame: most accesses stay on the page.
    last: (u64, u64),
}

impl PageTable {
    /// An empty table for a memory of `memory_bytes`.
    ///
    /// # Errors
    /// [`Error::InvalidValue`] unless the memory holds a whole number of pages, at least one.
    pub fn new(memory_bytes: u64, order: FrameOrder) -> Result<Self> {
        if memory_bytes == 0 || !memory_bytes.is_multiple_of(PAGE_BYTES) {
            return Err(Error::InvalidValue {
                parameter: "memory_bytes".into(),
                value: memory_bytes.to_string(),
                message: "expected a positive multiple of the page size, 4096".into(),
                remedy: "give the capacity of the memory, for example 1G".into(),
            });
        }
        let seed = match order {
            FrameOrder::Sequential => 0,
            FrameOrder::Shuffled { seed } => seed,
        };
        Ok(Self {
            frames: memory_bytes / PAGE_BYTES,
            order,
            rng: ChaCha8Rng::seed_from_u64(seed),
            table: HashMap::new(),
            used: std::collections::HashSet::new(),
            last: (u64::MAX, 0),
        })
    }

    /// The physical address of `address`.
    ///
    /// # Errors
    /// [`Error::InvalidValue`] when the program touches more pages than the memory has.
    pub fn translate(&mut self, address: u64) -> Result<u64> {
        let page = address / PAGE_BYTES;
        if page != self.last.0 {
            let frame = match self.table.get(&page) {
                Some(frame) => *frame,
                None => self.allocate(page)?,
            };
            self.last = (page, frame);
        }
        Ok(self.last.1 * PAGE_BYTES + address % PAGE_BYTES)
    }

    /// Pages touched so far.
    pub fn pages(&self) -> usize {
        self.table.len()
    }

    fn allocate(&mut self, page: u64) -> Result<u64> {
        let count = self.table.len() as u64;
        if count == self.frames {
            return Err(Error::InvalidValue {
                parameter: "memory_bytes".into(),
                value: (self.frames * PAGE_BYTES).to_string(),
                message: "the program touches more memory than that".into(),
                remedy: "give a larger memory, or a smaller input to the program".into(),
            });
        }
        let frame = match self.order {
            FrameOrder::Sequential => count,
            FrameOrder::Shuffled { .. } => {
                // The next free frame after a random one.
                let mut frame = self.rng.random_range(0..self.frames);
                while !self.used.insert(frame) {
                    frame = (frame + 1) % self.frames;
                }
                frame
            }
        };
        self.table.insert(page, frame);
        Ok(frame)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_get_frames_once() {
        for order in [FrameOrder::Sequential, FrameOrder::Shuffled { seed: 3 }] {
            let mut table = PageTable::new(8 * PAGE_BYTES, order).unwrap();
            let first: Vec<_> = (0..8).map(|page| table.translate(page * 0x10_0000 + 5).unwrap()).collect();
            let mut frames: Vec<_> = first.iter().map(|address| address / PAGE_BYTES).collect();
            assert!(first.iter().all(|address| address % PAGE_BYTES == 5));
            assert_eq!(table.translate(0x10_0000 + 9).unwrap(), first[1] + 4);
            frames.sort_unstable();
            assert_eq!(frames, (0..8).collect::<Vec<_>>());
            assert!(table.translate(u64::MAX).unwrap_err().to_string().contains("more memory"));
        }
        assert!(PageTable::new(100, FrameOrder::Sequential).is_err());
    }
}
