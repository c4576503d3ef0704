//! The choice of the next pivot.

use super::elimination::{Elimination, NONE, size};

/// A pivot must be at least this part of the largest entry of its column.
const THRESHOLD: f64 = 1e-3;
/// Pivots smaller than this are zero.
const ABSOLUTE: f64 = 1e-200;
/// Rows and columns that are looked at once there is a usable pivot (Zlatev's strategy: after a few, the next ones bring nothing).
const COMPARED: usize = 4;

/// Rank of a candidate, less is better: possible fill-ins, then whether it lies off the diagonal, then the relative size, negative.
type Rank = (u64, bool, f64);

/// The best candidate so far.
#[derive(Default)]
struct Best(Option<(Rank, u32)>);

impl Best {
    /// Compares an entry that is `relative` to the largest of its column, unless it is too small to be a pivot.
    fn offer(&mut self, left: &Elimination, index: u32, relative: f64) {
        let e = left.entry(index);
        let size = size(e.value);
        if !(size > ABSOLUTE && relative >= THRESHOLD) {
            return;
        }
        let rank = (cost(left, e.row, e.column), e.row != e.column, -relative);
        if self.0.is_none_or(|(best, _)| rank < best) {
            self.0 = Some((rank, index));
        }
    }

    fn cost(&self) -> u64 {
        self.0.map_or(u64::MAX, |((cost, ..), _)| cost)
    }
}

/// Markowitz's count: entries that the pivot may create.
fn cost(left: &Elimination, row: u32, column: u32) -> u64 {
    u64::from(left.rows.count(row) - 1) * u64::from(left.columns.count(column) - 1)
}

/// The best of all entries; the first one, by row and column, among equals.
pub(super) fn exhaustive(left: &Elimination) -> Option<u32> {
    let mut largest = vec![0.0f64; left.n + 1];
    let active = || (1..=left.n as u32).filter(|r| left.rows.is_active(*r));
    for e in active().flat_map(|r| left.row(r)).map(|e| left.entry(e)) {
        let largest = &mut largest[e.column as usize];
        *largest = largest.max(size(e.value));
    }
    let mut best = Best::default();
    let mut entries = Vec::new();
    for r in active() {
        entries.clear();
        entries.extend(left.row(r));
        entries.sort_unstable_by_key(|e| left.entry(*e).column);
        for e in &entries {
            let entry = left.entry(*e);
            best.offer(left, *e, size(entry.value) / largest[entry.column as usize]);
        }
    }
    best.0.map(|(_, e)| e)
}

/// A good entry among the shortest columns and rows.
pub(super) fn listed(left: &Elimination) -> Option<u32> {
    let mut best = Best::default();
    let mut compared = 0;
    for count in 1..=left.longest() {
        // No entry of the lines that are left has fewer fill-ins than this.
        if best.cost() <= u64::from(count - 1).pow(2) {
            break;
        }
        let mut column = left.columns.first(count);
        while column != NONE {
            let largest = left.largest(column);
            for e in left.column(column) {
                best.offer(left, e, size(left.entry(e).value) / largest);
            }
            compared += usize::from(best.0.is_some());
            if compared >= COMPARED || best.cost() <= u64::from(count - 1).pow(2) {
                return best.0.map(|(_, e)| e);
            }
            column = left.columns.next(column);
        }
        let mut row = left.rows.first(count);
        while row != NONE {
            for e in left.row(row) {
                let entry = left.entry(e);
                if cost(left, entry.row, entry.column) < best.cost() {
                    best.offer(left, e, size(entry.value) / left.largest(entry.column));
                }
            }
            compared += usize::from(best.0.is_some());
            if compared >= COMPARED || best.cost() <= u64::from(count - 1) * u64::from(count) {
                return best.0.map(|(_, e)| e);
            }
            row = left.rows.next(row);
        }
    }
    best.0.map(|(_, e)| e)
}
