//! Sparse LU for small, unchanging patterns: the order of elimination and all fill-in are found once and become a flat program of slot
//! numbers that real and complex solves repeat without searching, pivoting or allocating.

mod elimination;
mod lanes;
mod order;
mod pivot;
mod program;

pub use lanes::{LANES, Lane, LaneSolver};
pub use order::order;
pub use program::Program;

use std::collections::HashMap;

/// Where the non-zero entries are. Row and column 0 stand for ground: their entries share slot 0, whose value nobody reads.
#[derive(Debug, Clone, Default)]
pub struct Pattern {
    /// Number of unknowns; rows and columns run from 1 to `n`.
    pub n: usize,
    /// Row and column of each slot.
    pub places: Vec<(u32, u32)>,
    index: HashMap<(u32, u32), u32>,
}

impl Pattern {
    /// An empty pattern of `n` unknowns.
    pub fn new(n: usize) -> Self {
        Self { n, places: vec![(0, 0)], index: HashMap::new() }
    }

    /// The slot of an entry, made if new.
    pub fn slot(&mut self, row: u32, column: u32) -> u32 {
        if row == 0 || column == 0 {
            return 0;
        }
        *self.index.entry((row, column)).or_insert_with(|| {
            self.places.push((row, column));
            (self.places.len() - 1) as u32
        })
    }
}
