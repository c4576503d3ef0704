//! Tables of one level of one bypass pattern: which tiles can be built from the inside, and the least energy and time
//! below each of them.
//!
//! All bounds are admissible: they never exceed what any mapping needs. For one level they take, for each *class* of
//! loop orders (the set of data spaces that the innermost temporal loop leaves in place), the least over
//! all child tiles and spatial choices of the transfers of the other spaces (which cannot be reused over any loop of
//! the level), plus one full sweep for those that stay.
use super::flows::{Flows, Inside, Weights, larger, smaller};
use super::lattice::Digits;
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
    /// What each split moves.
    pub flows: Flows,
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
        let flows = Flows::new(c, level);
        // Weights of the spaces that move, and of those among them that this level keeps: without loops, and by class.
        let and_kept =
            |moving: Weights| -> Weights { std::array::from_fn(|v| moving[v] * f64::from(kept >> v & 1)) };
        let direct = flows.moving(u8::MAX);
        let direct_and_kept = and_kept(direct);
        let moving: Vec<(Weights, Weights)> = classes
            .iter()
            .map(|class| flows.moving(class.still))
            .map(|weights| (weights, and_kept(weights)))
            .collect();
        let insides: Vec<Inside> = (0..lattice.size).map(|tile| Inside::new(c, level, below, tile)).collect();
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
            let mut least_kept = [f64::INFINITY; MAX_CLASSES];
            let mut cycles = [f64::INFINITY; MAX_CLASSES];
            let mut least_direct_kept = f64::INFINITY;
            let mut least_passed = [f64::INFINITY; MAX_SPACES];
            for split in mesh.splits(index) {
                let inside = &insides[split.child as usize];
                if inside.cycles == f64::INFINITY {
                    continue;
                }
                let moved = flows.moved(split, inside);
                let arithmetic = flows.arithmetic(split, inside);
                let needed = |moving: &Weights| {
                    if flows.stalls {
                        larger(arithmetic, flows.stall(split, &moved, moving))
                    } else {
                        arithmetic
                    }
                };
                span.inner = smaller(span.inner, flows.energy(&moved, inside, &direct));
                span.cycles = smaller(span.cycles, needed(&direct));
                least_direct_kept =
                    smaller(least_direct_kept, flows.energy(&moved, inside, &direct_and_kept));
                for v in 0..MAX_SPACES {
                    least_passed[v] = smaller(least_passed[v], moved.passed[v]);
                }
                for (at, (all, kept)) in moving.iter().enumerate() {
                    span.energy[at] = smaller(span.energy[at], flows.energy(&moved, inside, all));
                    least_kept[at] = smaller(least_kept[at], flows.energy(&moved, inside, kept));
                    cycles[at] = smaller(cycles[at], needed(all));
                }
            }
            let any = span.cycles < f64::INFINITY;
            direct_kept[index] = least_direct_kept;
            for (passing, &least) in passing.iter_mut().zip(&least_passed).filter(|(p, _)| !p.is_empty()) {
                passing[index] = least;
            }
            for (at, class) in classes.iter_mut().enumerate() {
                class.energy[index] = span.energy[at];
                class.cycles[index] = cycles[at];
                kept_energy[at][index] = least_kept[at];
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
        let within = &c.limits.temporal[level];
        let direct: Vec<bool> = span_at.iter().map(|&s| s != u32::MAX).collect();
        let stays = model.spaces.iter().map(|space| {
            let mut table = direct.clone();
            lattice.spread(&mut table, loops & !space.relevant, within, false, |a, b| a | b);
            table
        });
        let stays = stays.collect();
        let mut feasible = direct;
        lattice.spread(&mut feasible, loops, within, false, |a, b| a | b);
        let tables = classes.iter_mut().flat_map(|class| [&mut class.energy, &mut class.cycles]);
        for table in tables.chain(&mut kept_energy).chain(passing.iter_mut().filter(|t| !t.is_empty())) {
            lattice.spread(table, loops, within, f64::INFINITY, smaller);
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
            flows,
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
