//! The matrix while it is eliminated: entries in lists by row and by column, and the lines in lists by their number of entries.

use std::cell::Cell;

use super::Pattern;

type Complex = (f64, f64);

/// The end of a list.
pub(super) const NONE: u32 = u32::MAX;

fn times(a: Complex, b: Complex) -> Complex {
    (a.0 * b.0 - a.1 * b.1, a.0 * b.1 + a.1 * b.0)
}

/// Magnitude of a complex number.
pub(super) fn size(a: Complex) -> f64 {
    if a.1 == 0.0 { a.0.abs() } else { a.0.hypot(a.1) }
}

/// One entry, with its neighbours in the lists of its row and its column.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry {
    pub row: u32,
    pub column: u32,
    pub slot: u32,
    pub value: Complex,
    in_row: (u32, u32),
    in_column: (u32, u32),
}

/// All rows, or all columns: how many entries each has, and lists of those that have equally many.
#[derive(Debug)]
pub(super) struct Lines {
    /// First entry of each line.
    entries: Vec<u32>,
    counts: Vec<u32>,
    active: Vec<bool>,
    /// First line of each count.
    heads: Vec<u32>,
    /// Neighbours in the list of a count.
    links: Vec<(u32, u32)>,
}

impl Lines {
    fn new(n: usize) -> Self {
        let mut active = vec![true; n + 1];
        active[0] = false;
        Self {
            entries: vec![NONE; n + 1],
            counts: vec![0; n + 1],
            active,
            heads: vec![NONE; n + 2],
            links: vec![(NONE, NONE); n + 1],
        }
    }

    /// Entries of a line.
    pub(super) fn count(&self, line: u32) -> u32 {
        self.counts[line as usize]
    }

    pub(super) fn is_active(&self, line: u32) -> bool {
        self.active[line as usize]
    }

    /// The first line with `count` entries; [`NONE`] if there is none.
    pub(super) fn first(&self, count: u32) -> u32 {
        self.heads[count as usize]
    }

    /// The next line with as many entries.
    pub(super) fn next(&self, line: u32) -> u32 {
        self.links[line as usize].1
    }

    /// Lines that have not been eliminated.
    pub(super) fn remaining(&self) -> Vec<u32> {
        (0..self.active.len() as u32).filter(|l| self.is_active(*l)).collect()
    }

    /// Puts a line at the head of the list of its count.
    fn enlist(&mut self, line: u32) {
        let head = &mut self.heads[self.counts[line as usize] as usize];
        self.links[line as usize] = (NONE, *head);
        if *head != NONE {
            self.links[*head as usize].0 = line;
        }
        *head = line;
    }

    /// Takes a line out of the list of its count.
    fn delist(&mut self, line: u32) {
        let (before, after) = self.links[line as usize];
        if before == NONE {
            self.heads[self.counts[line as usize] as usize] = after;
        } else {
            self.links[before as usize].1 = after;
        }
        if after != NONE {
            self.links[after as usize].0 = before;
        }
    }
}

/// What is left of the matrix.
#[derive(Debug)]
pub(super) struct Elimination {
    pub n: usize,
    /// Slots so far, fill-in included.
    pub slots: u32,
    pub rows: Lines,
    pub columns: Lines,
    entries: Vec<Entry>,
    /// The entry in each column of the row at hand.
    place: Vec<u32>,
    /// The largest entry of each column; not a number where it has to be looked for again. A supply's column is long, and asked for by
    /// every row that ends there.
    largest: Vec<Cell<f64>>,
}

impl Elimination {
    /// A matrix of the values given per slot.
    pub(super) fn new(pattern: &Pattern, value: impl Fn(usize) -> Complex) -> Self {
        let n = pattern.n;
        let mut left = Self {
            n,
            slots: pattern.places.len() as u32,
            rows: Lines::new(n),
            columns: Lines::new(n),
            entries: Vec::with_capacity(2 * pattern.places.len()),
            place: vec![NONE; n + 1],
            largest: vec![Cell::new(f64::NAN); n + 1],
        };
        for (slot, (row, column)) in pattern.places.iter().enumerate().skip(1) {
            left.insert(*row, *column, slot as u32, value(slot));
        }
        for line in (1..=n as u32).rev() {
            left.rows.enlist(line);
            left.columns.enlist(line);
        }
        left
    }

    pub(super) fn entry(&self, index: u32) -> &Entry {
        &self.entries[index as usize]
    }

    /// Indices of a row's entries, in no particular order.
    pub(super) fn row(&self, row: u32) -> impl Iterator<Item = u32> + '_ {
        let mut at = self.rows.entries[row as usize];
        std::iter::from_fn(move || {
            let found = (at != NONE).then_some(at)?;
            at = self.entries[at as usize].in_row.1;
            Some(found)
        })
    }

    /// Indices of a column's entries, in no particular order.
    pub(super) fn column(&self, column: u32) -> impl Iterator<Item = u32> + '_ {
        let mut at = self.columns.entries[column as usize];
        std::iter::from_fn(move || {
            let found = (at != NONE).then_some(at)?;
            at = self.entries[at as usize].in_column.1;
            Some(found)
        })
    }

    /// The largest entry of a column.
    pub(super) fn largest(&self, column: u32) -> f64 {
        let known = &self.largest[column as usize];
        if known.get().is_nan() {
            known.set(self.column(column).map(|e| size(self.entry(e).value)).fold(0.0, f64::max));
        }
        known.get()
    }

    /// Keeps the largest entry of a column up to date where one of its entries changes its size; a new one had none, a removed one has none
    /// any more.
    fn resize(&self, column: u32, old: f64, new: f64) {
        let known = &self.largest[column as usize];
        if new >= known.get() {
            known.set(new);
        } else if old >= known.get() {
            known.set(f64::NAN);
        }
    }

    /// The most entries that a line may have.
    pub(super) fn longest(&self) -> u32 {
        self.n as u32
    }

    fn insert(&mut self, row: u32, column: u32, slot: u32, value: Complex) -> u32 {
        let index = self.entries.len() as u32;
        let (r, c) = (self.rows.entries[row as usize], self.columns.entries[column as usize]);
        self.entries.push(Entry { row, column, slot, value, in_row: (NONE, r), in_column: (NONE, c) });
        if r != NONE {
            self.entries[r as usize].in_row.0 = index;
        }
        if c != NONE {
            self.entries[c as usize].in_column.0 = index;
        }
        self.rows.entries[row as usize] = index;
        self.columns.entries[column as usize] = index;
        self.rows.counts[row as usize] += 1;
        self.columns.counts[column as usize] += 1;
        self.resize(column, 0.0, size(value));
        index
    }

    fn remove_from_row(&mut self, index: u32) {
        let Entry { row, in_row: (before, after), .. } = self.entries[index as usize];
        if before == NONE {
            self.rows.entries[row as usize] = after;
        } else {
            self.entries[before as usize].in_row.1 = after;
        }
        if after != NONE {
            self.entries[after as usize].in_row.0 = before;
        }
        self.rows.delist(row);
        self.rows.counts[row as usize] -= 1;
        self.rows.enlist(row);
    }

    fn remove_from_column(&mut self, index: u32) {
        let Entry { column, in_column: (before, after), .. } = self.entries[index as usize];
        if before == NONE {
            self.columns.entries[column as usize] = after;
        } else {
            self.entries[before as usize].in_column.1 = after;
        }
        if after != NONE {
            self.entries[after as usize].in_column.0 = before;
        }
        self.columns.delist(column);
        self.columns.counts[column as usize] -= 1;
        self.columns.enlist(column);
        self.resize(column, size(self.entries[index as usize].value), 0.0);
    }

    /// Takes a pivot's row and column out of the matrix: `upper` receives the other entries of its row by ascending column, `lower` those
    /// of its column by ascending row.
    pub(super) fn detach(&mut self, pivot: u32, upper: &mut Vec<u32>, lower: &mut Vec<u32>) {
        let Entry { row, column, .. } = self.entries[pivot as usize];
        upper.clear();
        upper.extend(self.row(row).filter(|e| *e != pivot));
        upper.sort_unstable_by_key(|e| self.entries[*e as usize].column);
        lower.clear();
        lower.extend(self.column(column).filter(|e| *e != pivot));
        lower.sort_unstable_by_key(|e| self.entries[*e as usize].row);
        for e in upper.iter() {
            self.remove_from_column(*e);
        }
        for e in lower.iter() {
            self.remove_from_row(*e);
        }
        self.rows.delist(row);
        self.columns.delist(column);
        self.rows.active[row as usize] = false;
        self.columns.active[column as usize] = false;
    }

    /// Subtracts the detached pivot row `upper` from the row of the detached entry `below`; `targets` receives the slots that change.
    pub(super) fn subtract(&mut self, pivot: u32, below: u32, upper: &[u32], targets: &mut Vec<u32>) {
        if upper.is_empty() {
            return;
        }
        let pivot = self.entries[pivot as usize].value;
        let norm = pivot.0 * pivot.0 + pivot.1 * pivot.1;
        let inverse =
            if norm.is_normal() { (pivot.0 / norm, -pivot.1 / norm) } else { (1.0 / size(pivot), 0.0) };
        let Entry { row, value, .. } = self.entries[below as usize];
        let multiplier = times(value, inverse);
        // A long row, of a supply say, is not walked for a few entries when their columns are shorter.
        let across: usize = upper.iter().map(|e| self.columns.count(self.entry(*e).column) as usize).sum();
        let by_row = self.rows.count(row) as usize <= across;
        if by_row {
            self.place_row(row, true);
        }
        for e in upper {
            let Entry { column, value, .. } = self.entries[*e as usize];
            let found = if by_row {
                self.place[column as usize]
            } else {
                self.column(column).find(|e| self.entry(*e).row == row).unwrap_or(NONE)
            };
            let change = times(multiplier, value);
            if found == NONE {
                self.rows.delist(row);
                self.columns.delist(column);
                self.insert(row, column, self.slots, (-change.0, -change.1));
                self.rows.enlist(row);
                self.columns.enlist(column);
                targets.push(self.slots);
                self.slots += 1;
            } else {
                let target = &mut self.entries[found as usize];
                let old = size(target.value);
                target.value = (target.value.0 - change.0, target.value.1 - change.1);
                let new = size(target.value);
                targets.push(target.slot);
                self.resize(column, old, new);
            }
        }
        if by_row {
            self.place_row(row, false);
        }
    }

    /// Notes, or forgets, where each column's entry of a row is.
    fn place_row(&mut self, row: u32, note: bool) {
        let mut at = self.rows.entries[row as usize];
        while at != NONE {
            let e = &self.entries[at as usize];
            self.place[e.column as usize] = if note { at } else { NONE };
            at = e.in_row.1;
        }
    }
}
