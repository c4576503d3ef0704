//! Tables of one level of one bypass pattern: which tiles can be built from the inside, and the least energy and time
//! below each of them.
//!
//! All bounds are admissible: they never exceed what any mapping needs. For one level they take, for each *class* of
//! loop orders (the set of data spaces that the innermost temporal loop leaves in place), the least over
//! all child tiles and spatial choices of the transfers of the other spaces (which cannot be reused over any loop of
//! the level), plus one full sweep for those that stay.
use super::lattice::Digits;
use super::mesh::{SpatialOption, Split};
use super::transfers::Context;
use crate::workload::{MAX_DIMS, MAX_SPACES};

/// Classes of loop orders: at most one for each dimension.
pub(crate) const MAX_CLASSES: usize = MAX_DIMS;

/// Loop orders whose innermost loop leaves the same data spaces in place.
pub(crate) struct Class {
    /// Spaces left in place.
    pub still: u8,
    /// Dimensions whose loops, innermost, make this class.
    pub dims: u16,
    /// Least energy below, by tile, without the spaces left in place.
    pub energy: Vec<f64>,
    /// Least cycles of the whole problem on one instance of this level, by tile.
    pub cycles: Vec<f64>,
}

/// All children of a level together.
pub(crate) struct Span {
    pub index: u32,
    pub digits: Digits,
    /// Least energy by class.
    pub energy: [f64; MAX_CLASSES],
    /// Least energy of inner spaces (no temporal loops at this level).
    pub inner: f64,
    /// Least cycles of the whole problem on one instance of this level (no temporal loops at this level).
    pub cycles: f64,
    pub lowest: f64,
}

/// Tables of one level.
pub(crate) struct LevelTables {
    /// Tiles of all children together that can be built, least energy first.
    pub spans: Vec<Span>,
    /// Position in `spans` by tile, or `u32::MAX`.
    pub span_at: Vec<u32>,
    /// Whether a tile of this level can be built.
    pub feasible: Vec<bool>,
    /// Least cycles of the whole problem on one instance of this level, by tile (infinite where infeasible).
    pub fastest: Vec<f64>,
    pub classes: Vec<Class>,
    /// Least energy below of the spaces this level or a lower one is the parent of.
    pub least_kept: Vec<f64>,
    /// Whether tile and children may hold the same part of a space, by space.
    pub stays: Vec<Vec<bool>>,
    /// Words that the parent sends at the least for each space that passes by this level, all instances together, if no
    /// mesh above this level shares them; empty for the others.
    pub passing: Vec<Vec<f64>>,
}

/// What one split of a span costs.
struct SplitCost {
    /// Energy of each space if no temporal loop of this level leaves it in place.
    each: [f64; MAX_SPACES],
    /// Energy of words that go straight to the arithmetic.
    fixed: [f64; MAX_SPACES],
}

impl LevelTables {
    /// Builds the tables of `level` from those of the level below.
    pub fn new(c: &Context, level: usize, below: Option<&LevelTables>) -> Self {
        let (model, lattice, mesh) = (c.model, c.lattice, &c.meshes[level]);
        let spaces = model.spaces.len();
        let pairs = &c.pairs[level];
        let loops = moving_dims(c, level);
        let mut classes = classes(c, loops);
        let kept = c.keep[level] & ((1u16 << spaces) - 1) as u8;
        let passes = |v: usize| pairs[v].parent > level;
        let stalls = c.limited(level) || level > 0 && c.limited(level - 1);
        let mut kept_energy = vec![vec![f64::INFINITY; lattice.size]; classes.len()];
        let mut passing: Vec<Vec<f64>> = (0..spaces)
            .map(|v| if passes(v) { vec![f64::INFINITY; lattice.size] } else { Vec::new() })
            .collect();
        let mut direct_kept = vec![f64::INFINITY; lattice.size];
        let mut spans: Vec<Span> = Vec::new();
        for index in 0..lattice.size {
            let mut span = Span {
                index: index as u32,
                digits: lattice.digits(index),
                energy: [f64::INFINITY; MAX_CLASSES],
                inner: f64::INFINITY,
                cycles: f64::INFINITY,
                lowest: f64::INFINITY,
            };
            let mut any = false;
            for split in mesh.splits(index) {
                if below.is_some_and(|b| !b.feasible[split.child as usize]) {
                    continue;
                }
                any = true;
                let option = &mesh.options[split.option as usize];
                let inside = below.map_or(model.macs as f64, |b| b.fastest[split.child as usize]);
                let inner = below.map_or(0.0, |b| b.least_kept[split.child as usize]);
                let cost = split_cost(c, level, split, option);
                let arithmetic = inside / option.total as f64;
                let still = cost.fixed[..spaces].iter().sum::<f64>() + inner;
                let of_kept = |energies: &[f64; MAX_SPACES], mask: u8| {
                    (0..spaces).filter(|v| (kept & mask) >> v & 1 == 1).map(|v| energies[v]).sum::<f64>()
                };
                let still_kept = of_kept(&cost.fixed, u8::MAX) + inner;
                let direct_cycles =
                    if stalls { arithmetic.max(stall(c, level, split, option, u8::MAX)) } else { arithmetic };
                span.inner = span.inner.min(still);
                span.cycles = span.cycles.min(direct_cycles);
                direct_kept[index] = direct_kept[index].min(still_kept);
                for v in (0..spaces).filter(|&v| passes(v)) {
                    let words = match pairs[v].child {
                        None => model.macs as f64,
                        Some(_) => c.counts.wanted[v][split.child as usize],
                    };
                    let sent = words / (option.shared[v] * pairs[v].shared_below);
                    passing[v][index] = passing[v][index].min(sent);
                }
                for (at, class) in classes.iter_mut().enumerate() {
                    let moving = !class.still;
                    let sum = still
                        + (0..spaces).filter(|v| moving >> v & 1 == 1).map(|v| cost.each[v]).sum::<f64>();
                    span.energy[at] = span.energy[at].min(sum);
                    let slot = &mut class.energy[index];
                    *slot = slot.min(sum);
                    let slot = &mut kept_energy[at][index];
                    *slot = slot.min(still_kept + of_kept(&cost.each, moving));
                    let cycles = if stalls {
                        arithmetic.max(stall(c, level, split, option, class.still))
                    } else {
                        arithmetic
                    };
                    let slot = &mut class.cycles[index];
                    *slot = slot.min(cycles);
                }
            }
            if any {
                span.lowest = span.energy[..classes.len()].iter().fold(span.inner, |a, &b| a.min(b));
                spans.push(span);
            }
        }
        spans.sort_by(|a, b| a.lowest.total_cmp(&b.lowest).then(a.index.cmp(&b.index)));
        let mut span_at = vec![u32::MAX; lattice.size];
        for (at, span) in spans.iter().enumerate() {
            span_at[span.index as usize] = at as u32;
        }
        // Spread over temporal factors.
        let direct: Vec<bool> = span_at.iter().map(|&s| s != u32::MAX).collect();
        let stays = model.spaces.iter().map(|space| {
            let mut table = direct.clone();
            lattice.spread(&mut table, loops & !space.relevant, |a, b| a | b);
            table
        });
        let stays = stays.collect();
        let mut feasible = direct;
        lattice.spread(&mut feasible, loops, |a, b| a | b);
        let tables = classes.iter_mut().flat_map(|class| [&mut class.energy, &mut class.cycles]);
        for table in tables.chain(&mut kept_energy).chain(passing.iter_mut().filter(|t| !t.is_empty())) {
            lattice.spread(table, loops, f64::min);
        }
        let mut tables = Self {
            spans,
            span_at,
            feasible,
            fastest: vec![f64::INFINITY; lattice.size],
            classes,
            least_kept: vec![f64::INFINITY; lattice.size],
            stays,
            passing,
        };
        for index in 0..lattice.size {
            tables.finish(c, level, index, &kept_energy, direct_kept[index]);
        }
        tables
    }

    /// Capacity, and the least over all classes, of one tile.
    fn finish(
        &mut self,
        c: &Context,
        level: usize,
        index: usize,
        kept_energy: &[Vec<f64>],
        direct_kept: f64,
    ) {
        if !self.feasible[index] {
            return;
        }
        let spaces = c.model.spaces.len();
        let keeps = |v: &usize| c.keep[level] >> v & 1 == 1;
        let words = (0..spaces).filter(keeps).map(|v| c.counts.tile[v][index]).sum();
        if c.model.words_fit(level, words).is_err() {
            self.feasible[index] = false;
            return;
        }
        let swept = |v: usize, from: usize| {
            let pair = &c.pairs[level][v];
            if pair.child.is_none() || !keeps(&v) {
                return 0.0;
            }
            c.energy(v, pair, c.counts.sweep[v][from], pair.shared_above * pair.shared_below)
        };
        let whole = c.lattice.size - 1;
        let (mut energy, mut cycles) = (f64::INFINITY, f64::INFINITY);
        if self.span_at[index] != u32::MAX {
            energy = direct_kept + (0..spaces).map(|v| swept(v, whole)).sum::<f64>();
            cycles = self.spans[self.span_at[index] as usize].cycles;
        }
        for (class, kept) in self.classes.iter().zip(kept_energy) {
            let still = (0..spaces).filter(|v| class.still >> v & 1 == 1);
            let sweeps: f64 = still.map(|v| swept(v, if self.stays[v][index] { whole } else { index })).sum();
            energy = energy.min(kept[index] + sweeps);
            cycles = cycles.min(class.cycles[index]);
        }
        self.least_kept[index] = energy;
        self.fastest[index] = cycles;
    }
}

/// Dimensions that may have a temporal loop at a level.
fn moving_dims(c: &Context, level: usize) -> u16 {
    let most = &c.limits.temporal[level].most;
    (0..c.model.dims).filter(|&d| most[d] > 1).fold(0, |mask, d| mask | 1 << d)
}

fn classes(c: &Context, loops: u16) -> Vec<Class> {
    let mut classes: Vec<Class> = Vec::new();
    for d in (0..c.model.dims).filter(|d| loops >> d & 1 == 1) {
        let spaces = c.model.spaces.iter().enumerate();
        let still = spaces.filter(|(_, s)| s.relevant >> d & 1 == 0).fold(0, |mask, (v, _)| mask | 1 << v);
        match classes.iter_mut().find(|class| class.still == still) {
            Some(class) => class.dims |= 1 << d,
            None => classes.push(Class {
                still,
                dims: 1 << d,
                energy: vec![f64::INFINITY; c.lattice.size],
                cycles: vec![f64::INFINITY; c.lattice.size],
            }),
        }
    }
    classes
}

#[inline]
fn split_cost(c: &Context, level: usize, split: &Split, option: &SpatialOption) -> SplitCost {
    let mut cost = SplitCost { each: [0.0; MAX_SPACES], fixed: [0.0; MAX_SPACES] };
    for v in 0..c.model.spaces.len() {
        let pair = &c.pairs[level][v];
        let shared = option.shared[v] * pair.shared_above * pair.shared_below;
        if pair.child.is_none() {
            cost.fixed[v] = c.energy(v, pair, c.model.macs as f64, shared);
        } else {
            cost.each[v] = c.energy(v, pair, c.counts.wanted[v][split.child as usize], shared);
        }
    }
    cost
}

/// Least cycles of the whole problem, on one instance of this level, by its bandwidth and by that of the level below for what
/// this level delivers, if the spaces in `still` stay in place.
#[inline]
pub(crate) fn stall(c: &Context, level: usize, split: &Split, option: &SpatialOption, still: u8) -> f64 {
    let (mut read, mut write, mut filled) = (0.0, 0.0, 0.0);
    for v in 0..c.model.spaces.len() {
        let pair = &c.pairs[level][v];
        let words = match pair.child {
            None => c.model.macs as f64,
            Some(_) if still >> v & 1 == 1 => continue,
            Some(_) => c.counts.wanted[v][split.child as usize],
        };
        let shared = option.shared[v] * pair.shared_below;
        let read_write = c.model.spaces[v].read_write;
        let first = if read_write { c.first_visits(v, pair) } else { 0.0 };
        if pair.parent == level {
            if read_write {
                write += words / shared;
            }
            read += (words / shared - first).max(0.0);
        }
        if level > 0 && pair.child == Some(level - 1) {
            filled += (words - first * shared * pair.shared_above).max(0.0);
        }
    }
    let own = c.cycles(level, read, write);
    if level == 0 { own } else { own.max(c.cycles(level - 1, 0.0, filled / option.total as f64)) }
}
