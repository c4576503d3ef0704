//! Flat lists and sets that are reused from evaluation to evaluation.

/// Several short lists of indices in one array.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lists {
    items: Vec<u32>,
    lengths: Vec<u32>,
    stride: usize,
}

impl Lists {
    /// Empties them and makes `count` lists of at most `stride` items.
    pub fn reset(&mut self, count: usize, stride: usize) {
        self.items.resize(count * stride, 0);
        self.lengths.clear();
        self.lengths.resize(count, 0);
        self.stride = stride;
    }

    pub fn get(&self, list: usize) -> &[u32] {
        let start = list * self.stride;
        &self.items[start..start + self.lengths[list] as usize]
    }

    pub fn at(&self, list: usize, position: usize) -> usize {
        self.items[list * self.stride + position] as usize
    }

    pub fn len(&self, list: usize) -> usize {
        self.lengths[list] as usize
    }

    pub fn contains(&self, list: usize, item: usize) -> bool {
        self.get(list).contains(&(item as u32))
    }

    pub fn push(&mut self, list: usize, item: usize) {
        let end = list * self.stride + self.len(list);
        self.items[end] = item as u32;
        self.lengths[list] += 1;
    }

    /// Removes the item, if it is there; the order of the others stays.
    pub fn remove(&mut self, list: usize, item: usize) {
        let start = list * self.stride;
        if let Some(at) = self.get(list).iter().position(|other| *other == item as u32) {
            let end = start + self.len(list);
            self.items.copy_within(start + at + 1..end, start + at);
            self.lengths[list] -= 1;
        }
    }
}

/// Rows of bits in one array.
#[derive(Clone, Debug, Default)]
pub(crate) struct BitRows {
    words: Vec<u64>,
    stride: usize,
}

impl BitRows {
    /// Empties them and makes `rows` sets of numbers below `size`.
    pub fn reset(&mut self, rows: usize, size: usize) {
        self.stride = size.div_ceil(64).max(1);
        self.words.clear();
        self.words.resize(rows * self.stride, 0);
    }

    pub fn add_row(&mut self) {
        self.words.resize(self.words.len() + self.stride, 0);
    }

    pub fn row(&self, row: usize) -> &[u64] {
        &self.words[row * self.stride..(row + 1) * self.stride]
    }

    /// Adds a number; true if it is new.
    pub fn insert(&mut self, row: usize, number: usize) -> bool {
        let word = &mut self.words[row * self.stride + number / 64];
        let bit = 1 << (number % 64);
        let new = *word & bit == 0;
        *word |= bit;
        new
    }

    pub fn remove(&mut self, row: usize, number: usize) {
        self.words[row * self.stride + number / 64] &= !(1 << (number % 64));
    }

    pub fn contains(&self, row: usize, number: usize) -> bool {
        self.words[row * self.stride + number / 64] & (1 << (number % 64)) != 0
    }
}

/// Whether two sets have a member in common.
pub(crate) fn meet(a: &[u64], b: &[u64]) -> bool {
    a.iter().zip(b).any(|(a, b)| a & b != 0)
}

/// Whether three sets have a member in common.
pub(crate) fn meet3(a: &[u64], b: &[u64], c: &[u64]) -> bool {
    a.iter().zip(b).zip(c).any(|((a, b), c)| a & b & c != 0)
}
