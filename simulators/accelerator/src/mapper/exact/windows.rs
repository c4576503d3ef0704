//! The least that a sliding window moves, counted by sets of words.
//!
//! A tile is *visited* once for each iteration of all loops outside it and each instance that works on it. From one visit to the
//! next it stays where it is or moves, and what it has then and had not before must come from outside, into one buffer
//! or several smaller ones. So much for each visit:
//!
//! * **The innermost loop outside moves the tile** ([`Least::moving`]): at least every second step is one of that loop, by a
//!   multiple of the tile's own extent along one dimension, and brings a new part. The others are moves by some multiple of the common
//!   divisor of the steps there are, or none where the steps of two dimensions can cancel.
//! * **A smaller tile moves inside** ([`Least::swept`]): every word of the tile is in a smaller one at some time of the visit, and those
//!   that are not brought in this visit were there when it began. Where the tile has not moved, the smaller
//!   one began where it had not ended: only words that its first and its last place share need not come again ([`Least::core`]).
//!   The more places there are, the fewer they share, so that two, three, five... equal parts along one dimension are the most.
//!   Where the tile has moved, its new part comes in any case.
use super::lattice::{Digits, Lattice};
use crate::mapper::factors::{divisors_of, primes};
use crate::timeloop::space::Space;
use crate::timeloop::window::{Window, gcd};
use crate::workload::MAX_DIMS;

/// Words that one visit of a tile brings at the least.
#[derive(Clone, Copy)]
pub(crate) struct Least {
    /// On average, where the innermost loop outside moves the tile.
    pub moving: f64,
    /// Where a smaller tile moves inside.
    pub swept: f64,
    /// Words that all places of a smaller tile inside may share.
    pub core: u64,
}

/// What each window of a data space moves at the least, by its extents.
pub(crate) struct Windows(Vec<Table>);

/// One window: entries by the digits of its dimensions.
struct Table {
    dims: Vec<usize>,
    entries: Vec<Entry>,
}

/// One window of a tile.
#[derive(Clone, Copy)]
struct Entry {
    points: f64,
    /// Fractions of the points that are new: at an average step, and at any that moves the window.
    moving: f64,
    any: f64,
    /// Points that all places of a smaller tile may share.
    core: f64,
}

impl Windows {
    /// `None` for a data space without windows that are sets of points.
    pub fn new(space: &Space, lattice: &Lattice) -> Option<Self> {
        let windows = space.point_windows().filter(|_| !space.plain)?;
        let table = |window: &Window| {
            let dims: Vec<usize> = window.dims().collect();
            let count = dims.iter().map(|&dim| lattice.divisors[dim].len()).product();
            let mut entries = Vec::with_capacity(count);
            for index in 0..count {
                let (mut extents, mut rest) = ([1; MAX_DIMS], index);
                for &dim in &dims {
                    let divisors = &lattice.divisors[dim];
                    extents[dim] = u64::from(divisors[rest % divisors.len()]);
                    rest /= divisors.len();
                }
                entries.push(Entry::new(window, &extents, lattice));
            }
            Table { dims, entries }
        };
        Some(Self(windows.iter().map(table).collect()))
    }

    /// One visit of a tile of so many words.
    pub fn least(&self, digits: &Digits, tile: u64, lattice: &Lattice) -> Least {
        let words = tile as f64;
        let (mut moving, mut any, mut core) = (1.0f64, 1.0f64, 0.0f64);
        for table in &self.0 {
            let (mut index, mut stride) = (0, 1);
            for &dim in &table.dims {
                index += usize::from(digits[dim]) * stride;
                stride *= lattice.divisors[dim].len();
            }
            let entry = &table.entries[index];
            moving = moving.min(entry.moving);
            any = any.min(entry.any);
            core = core.max((words / entry.points).round() * entry.core);
        }
        Least { moving: words * moving, swept: (words - core).min(words * any), core: core as u64 }
    }
}

impl Entry {
    fn new(window: &Window, extents: &[u64; MAX_DIMS], lattice: &Lattice) -> Self {
        let steps = Steps::new(window, extents, lattice);
        let (own, any) = steps.least_new_parts(window, extents);
        let other = if steps.may_cancel() { 0.0 } else { any };
        let mut core = 0;
        for dim in window.dims() {
            for part in primes(extents[dim]) {
                let mut smaller = *extents;
                smaller[dim] /= u64::from(part);
                let shift = window.step(dim as u8) * (smaller[dim] * u64::from(part - 1)) as i64;
                core = core.max(window.overlap(&smaller, shift));
            }
        }
        Self {
            points: window.size(extents) as f64,
            moving: own.min((own + other) / 2.0),
            any,
            core: core as f64,
        }
    }
}

/// The steps by which loops outside a tile can move one window of it.
struct Steps {
    /// By dimension: its step, and how many of them there are.
    list: Vec<(i64, u64)>,
}

impl Steps {
    fn new(window: &Window, extents: &[u64; MAX_DIMS], lattice: &Lattice) -> Self {
        let times = |dim: usize| u64::from(lattice.divisors[dim].last().copied().unwrap_or(1)) / extents[dim];
        let outside = window.dims().filter(|&dim| times(dim) > 1);
        let list = outside.map(|dim| (window.step(dim as u8) * extents[dim] as i64, times(dim)));
        Self { list: list.collect() }
    }

    /// Least new part of a step of one loop, and of any move: a fraction of the window's points.
    fn least_new_parts(&self, window: &Window, extents: &[u64; MAX_DIMS]) -> (f64, f64) {
        let size = window.size(extents) as f64;
        let reach: i64 = window.dims().map(|d| window.step(d as u8) * (extents[d] - 1) as i64).sum();
        let new_part = |shift: i64| 1.0 - window.overlap(extents, shift) as f64 / size;
        let least = |step: i64, count: i64| {
            (1..=count.min(reach / step)).map(|k| new_part(k * step)).fold(1.0, f64::min)
        };
        // A mesh may take some iterations out of a loop's step.
        let own = self.list.iter().map(|&(step, count)| least(step, count as i64 - 1)).fold(1.0, f64::min);
        let divisor = self.list.iter().fold(0, |g, &(step, _)| gcd(g, step as u64)) as i64;
        let any = if divisor == 0 { 1.0 } else { least(divisor, i64::MAX) };
        (own, any)
    }

    /// Whether the step of one loop may undo those of the loops inside it, so that the window stays in place.
    ///
    /// Loops of one dimension alone never do: each steps farther than all inside it together. Where one of two dimensions has
    /// a single loop at most, its step, or all of its steps together, would have to be a multiple of the other one's least step.
    fn may_cancel(&self) -> bool {
        let undone = |&(a, count): &(i64, u64), &(b, _): &(i64, u64)| {
            let single = divisors_of(count as u32).len() == 2;
            !single || a % b == 0 || (a * (count as i64 - 1)) % b == 0
        };
        match &self.list[..] {
            [] | [_] => false,
            [a, b] => undone(a, b) && undone(b, a),
            _ => true,
        }
    }
}
