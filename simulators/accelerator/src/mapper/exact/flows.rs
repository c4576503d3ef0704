//! The least that moves through one level: words, energy and cycles of each way to split a tile over its children.
//!
//! Everything that depends on the mesh option alone is worked out beforehand, so that a split costs a few multiplications
//! for each data space.
use super::mesh::{SpatialOption, Split};
use super::tables::LevelTables;
use super::transfers::Context;
use crate::workload::MAX_SPACES;

/// What one data space moves through one level, whatever the mesh option.
#[derive(Clone, Copy, Default)]
struct Flow {
    /// Whether the children are operations, so that nothing is reused in time.
    direct: bool,
    /// Words that need no read: the first visits of outputs.
    first: f64,
    /// Energy of a word sent, first or not.
    update: f64,
    /// Words of this space count as written, as read, or as filled into the level below.
    written: f64,
    read: f64,
    filled: f64,
}

/// One data space under one mesh option.
#[derive(Clone, Copy, Default)]
struct Rate {
    /// Words sent for each word taken, by this level's parent of the space and by each instance of this level.
    sent: f64,
    passed: f64,
    /// Energy of a word sent beyond the first visits, with the fills below.
    energy: f64,
    /// Words taken of which nothing need be filled.
    unfilled: f64,
}

/// What the words of a tile cost inside one child of it.
#[derive(Clone, Copy)]
pub(crate) struct Inside {
    /// Words that each space needs at the least if no loop outside the child is reused.
    words: [f64; MAX_SPACES],
    /// Least cycles of the whole problem on one child; infinite where it cannot be built.
    pub cycles: f64,
    /// Least energy below.
    pub energy: f64,
}

impl Inside {
    /// What is inside the child of a level, given the tables of the child's level.
    #[inline]
    pub fn new(c: &Context, level: usize, below: Option<&LevelTables>, tile: usize) -> Self {
        let mut words = [0.0; MAX_SPACES];
        for (v, slot) in words.iter_mut().enumerate().take(c.model.spaces.len()) {
            let whole = level > 0 && c.pairs[level][v].child == Some(level - 1);
            *slot = c.counts.needed(v, tile, whole);
        }
        let cycles = below.map_or(c.model.macs as f64, |b| b.fastest[tile]);
        Self { words, cycles, energy: below.map_or(0.0, |b| b.least_kept[tile]) }
    }
}

/// Which data spaces count in a sum: 1 or 0 for each.
pub(crate) type Weights = [f64; MAX_SPACES];

/// Energy and words of one split by data space.
pub(crate) struct Moved {
    /// Energy if no temporal loop of this level leaves the space in place.
    pub energy: [f64; MAX_SPACES],
    /// Words that each instance of this level passes on at the least, all instances together.
    pub passed: [f64; MAX_SPACES],
    /// Words read, written and filled below.
    read: [f64; MAX_SPACES],
    written: [f64; MAX_SPACES],
    filled: [f64; MAX_SPACES],
}

/// All flows through one level of one bypass pattern.
pub(crate) struct Flows {
    operations: f64,
    flows: [Flow; MAX_SPACES],
    rates: Vec<[Rate; MAX_SPACES]>,
    totals: Vec<f64>,
    /// One over the words a cycle of this level (read, written, both) and of the level below (written or both).
    limits: [f64; 3],
    limit_below: f64,
    /// Spaces whose children are operations.
    direct: u8,
    /// Whether cycles depend on words.
    pub stalls: bool,
}

impl Flows {
    pub fn new(c: &Context, level: usize) -> Self {
        let spaces = c.model.spaces.len();
        let mut flows = [Flow::default(); MAX_SPACES];
        let mut direct = 0;
        for v in 0..spaces {
            let pair = &c.pairs[level][v];
            let read_write = c.model.spaces[v].read_write;
            let own = f64::from(u8::from(pair.parent == level));
            flows[v] = Flow {
                direct: pair.child.is_none(),
                first: if read_write { c.first_visits(v, pair) } else { 0.0 },
                update: if read_write { c.energy_of_sending(v, pair) } else { 0.0 },
                written: if read_write { own } else { 0.0 },
                read: own,
                filled: f64::from(u8::from(level > 0 && pair.child == Some(level - 1))),
            };
            direct |= u8::from(pair.child.is_none()) << v;
        }
        let rate = |option: &SpatialOption, v: usize| {
            let pair = &c.pairs[level][v];
            let passed = option.shared[v] * pair.shared_below;
            let shared = passed * pair.shared_above;
            Rate {
                sent: 1.0 / shared,
                passed: 1.0 / passed,
                energy: c.energy_of_reading(pair) + shared * c.energy_of_filling(pair),
                unfilled: flows[v].first * shared,
            }
        };
        let rates = c.meshes[level].options.iter().map(|option| {
            let mut rates = [Rate::default(); MAX_SPACES];
            for v in 0..spaces {
                rates[v] = rate(option, v);
            }
            rates
        });
        let limits = |level: usize| c.model.bandwidth[level].map(|limit| 1.0 / limit);
        let below = if level > 0 { limits(level - 1) } else { [0.0; 3] };
        Self {
            operations: c.model.macs as f64,
            flows,
            rates: rates.collect(),
            totals: c.meshes[level].options.iter().map(|option| 1.0 / option.total as f64).collect(),
            limits: limits(level),
            limit_below: below[1].max(below[2]),
            direct,
            stalls: c.limited(level) || level > 0 && c.limited(level - 1),
        }
    }

    /// Least cycles of the whole problem that the children alone need, on one instance of this level.
    #[inline]
    pub fn arithmetic(&self, split: &Split, inside: &Inside) -> f64 {
        inside.cycles * self.totals[split.option as usize]
    }

    /// What one split moves.
    #[inline]
    pub fn moved(&self, split: &Split, inside: &Inside) -> Moved {
        let rates = &self.rates[split.option as usize];
        let none = [0.0; MAX_SPACES];
        let mut moved = Moved { energy: none, passed: none, read: none, written: none, filled: none };
        for v in 0..MAX_SPACES {
            let (flow, rate) = (&self.flows[v], &rates[v]);
            let words = if flow.direct { self.operations } else { inside.words[v] };
            let (sent, passed) = (words * rate.sent, words * rate.passed);
            moved.energy[v] = sent * flow.update + larger(sent - flow.first, 0.0) * rate.energy;
            moved.passed[v] = passed;
            if self.stalls {
                moved.read[v] = larger(passed - flow.first, 0.0) * flow.read;
                moved.written[v] = passed * flow.written;
                moved.filled[v] = larger(words - rate.unfilled, 0.0) * flow.filled;
            }
        }
        moved
    }

    /// Energy of what one split moves of the spaces that count, and of what is inside.
    #[inline]
    pub fn energy(&self, moved: &Moved, inside: &Inside, charged: &Weights) -> f64 {
        sum(&moved.energy, charged) + inside.energy
    }

    /// Spaces that cost energy at this level's splits where the spaces in `still` stay in place: all others, and those that
    /// operations take.
    pub fn moving(&self, still: u8) -> Weights {
        std::array::from_fn(|v| f64::from((!still | self.direct) >> v & 1))
    }

    /// Least cycles of the whole problem, on one instance of this level, by its bandwidth and by that of the level below for
    /// what this level delivers, if only these spaces move.
    #[inline]
    pub fn stall(&self, split: &Split, moved: &Moved, moving: &Weights) -> f64 {
        let (read, written) = (sum(&moved.read, moving), sum(&moved.written, moving));
        let filled = sum(&moved.filled, moving);
        let own = larger(
            larger(read * self.limits[0], written * self.limits[1]),
            (read + written) * self.limits[2],
        );
        larger(own, filled * self.limit_below * self.totals[split.option as usize])
    }
}

#[inline]
fn sum(words: &[f64; MAX_SPACES], weights: &Weights) -> f64 {
    (0..MAX_SPACES).map(|v| words[v] * weights[v]).sum()
}

/// The larger of two numbers (neither is NaN, which [`f64::max`] would check).
#[inline]
pub(crate) fn larger(a: f64, b: f64) -> f64 {
    if a > b { a } else { b }
}

/// The smaller of two numbers.
#[inline]
pub(crate) fn smaller(a: f64, b: f64) -> f64 {
    if a < b { a } else { b }
}
