//! Partial mappings: what the inside needs to know of the loops outside a tile, and the step that adds a level.
use super::lattice::Digits;
use super::mesh::{SpatialOption, Split};
use super::orders::Order;
use super::outside::{Around, Outside};
use super::transfers::{Context, Pair};
use crate::timeloop::MAX_LEVELS;
use crate::workload::{MAX_DIMS, MAX_SPACES};

/// A partial mapping: everything outside a tile.
#[derive(Clone, Copy)]
pub(crate) struct Label {
    pub tile: u32,
    pub digits: Digits,
    pub instances: u64,
    pub energy: f64,
    /// Innermost run of loops that leave each space in place.
    pub reuse: [u64; MAX_SPACES],
    /// Distinct children per parent instance since the last level that keeps the space.
    pub groups: [u64; MAX_SPACES],
    /// Instances of that level.
    pub parent_instances: [u64; MAX_SPACES],
    /// Distinct children over all levels so far, for the share of the outputs.
    all_groups: u64,
    /// Words read and written so far at levels with a bandwidth.
    pub traffic: [[f64; 2]; MAX_LEVELS],
    /// Tells labels apart whose words are spread differently over the data spaces.
    traffic_by_space: u64,
    /// Least cycles by bandwidth so far.
    pub stall: f64,
    /// What a sliding window can use of the loops outside.
    pub outside: Outside,
}

impl Label {
    /// The label outside everything.
    pub fn root(c: &Context) -> Self {
        let lattice = c.lattice;
        let mut digits = [0; MAX_DIMS];
        for d in 0..lattice.dims {
            digits[d] = (lattice.divisors[d].len() - 1) as u8;
        }
        Self {
            tile: (lattice.size - 1) as u32,
            digits,
            instances: 1,
            energy: c.model.macs as f64 * c.model.architecture.arithmetic.compute_pj,
            reuse: [1; MAX_SPACES],
            groups: [1; MAX_SPACES],
            parent_instances: [1; MAX_SPACES],
            all_groups: 1,
            traffic: [[0.0; 2]; MAX_LEVELS],
            traffic_by_space: 0,
            stall: c.least_cycles(),
            outside: Outside::new(c.exact),
        }
    }

    /// Whether every completion of `self` is at least as good as the same completion of `other`; both have the same tile
    /// and instances.
    ///
    /// Cycles are compared by words. Where two levels' sums are equal, the floating-point rounding of
    /// [`crate::timeloop`] may still tell them apart by one cycle if the words lie in different data spaces.
    pub fn dominates(&self, other: &Self, sliding: bool, rounded: bool) -> bool {
        let mut tied = false;
        self.energy <= other.energy
            && self.stall <= other.stall
            && (0..MAX_SPACES).all(|v| {
                self.reuse[v] >= other.reuse[v]
                    && self.groups[v] == other.groups[v]
                    && self.parent_instances[v] == other.parent_instances[v]
            })
            && self.all_groups == other.all_groups
            && self.traffic.iter().zip(&other.traffic).all(|(x, y)| {
                tied |= x[0] == y[0] && x[0] > 0.0 || x[1] == y[1] && x[1] > 0.0;
                x[0] <= y[0] && x[1] <= y[1]
            })
            && (!sliding || self.outside.dominates(&other.outside))
            && (!rounded || !tied || self.traffic_by_space == other.traffic_by_space)
    }
}

/// Adds one level to labels.
pub(crate) struct Stepper<'a> {
    pub context: &'a Context<'a>,
    output: usize,
    limited: bool,
}

/// The loops of one level: factors and their order, around children of these extents together.
pub(crate) struct Block<'a> {
    pub factors: &'a [u32; MAX_DIMS],
    pub span: &'a [u64; MAX_DIMS],
    pub order: &'a Order,
}

impl<'a> Stepper<'a> {
    pub fn new(context: &'a Context<'a>) -> Self {
        Self {
            context,
            output: context.model.problem.output(),
            limited: (0..context.model.levels).any(|level| context.limited(level)),
        }
    }

    /// The label after one step, with the exact energy of all transfers that it decides.
    pub fn step(
        &self,
        level: usize,
        label: &Label,
        split: Split,
        option: &SpatialOption,
        block: &Block,
    ) -> Label {
        let c = self.context;
        let model = c.model;
        let mut next = *label;
        next.tile = split.child;
        next.digits = c.lattice.digits(split.child as usize);
        next.instances = label.instances * option.total;
        let extents = c.lattice.extents(&next.digits);
        let iterations = c.iterations(&next);
        // Reuse outside the child.
        for (v, space) in model.spaces.iter().enumerate() {
            if !space.plain {
                let around = Around { factors: block.factors, span: block.span, dims: &block.order.dims };
                next.outside = label.outside.step(space, &around, &extents, c.iterations(label));
                continue;
            }
            let mut run = 1u64;
            let mut still = true;
            for &d in &block.order.dims {
                if space.relevant >> d & 1 == 1 {
                    still = false;
                    break;
                }
                run *= u64::from(block.factors[d as usize]);
            }
            next.reuse[v] = if still { run * label.reuse[v] } else { run };
        }
        let below = level.checked_sub(1);
        for (v, space) in model.spaces.iter().enumerate() {
            let pair = &c.pairs[level][v];
            let groups = space.distinct(&option.factors, &extents, model.dims);
            next.groups[v] = label.groups[v] * groups;
            if v == self.output {
                next.all_groups = label.all_groups * groups;
            }
            let taken = match (below, pair.child) {
                (None, None) => iterations,
                (Some(b), Some(k)) if b == k => {
                    let tile = c.counts.tile[v][split.child as usize];
                    if space.plain {
                        tile * (iterations / next.reuse[v])
                    } else {
                        next.outside.delivered(space, &extents, tile, iterations)
                    }
                }
                _ => continue,
            };
            self.charge(&mut next, v, pair, taken, label.groups[v] * groups);
            if below.is_some() {
                next.groups[v] = 1;
                next.parent_instances[v] = next.instances;
            }
        }
        if self.limited {
            // Words per instance over the words per cycle: compute cycles cancel.
            for at in level.saturating_sub(1)..model.levels {
                if c.limited(at) {
                    let [read, write] = next.traffic[at];
                    next.stall = next.stall.max(c.cycles(at, read, write));
                }
            }
        }
        next
    }

    /// Adds the energy and traffic of `taken` words for each child, through `groups` distinct children per parent.
    fn charge(&self, next: &mut Label, v: usize, pair: &Pair, taken: u64, groups: u64) {
        let model = self.context.model;
        let parent = &model.architecture.levels[pair.parent];
        let content = taken * groups;
        let up = next.parent_instances[v];
        let vectors = |words: u64, block: u64| words.div_ceil(block) as f64;
        let (reads, updates, mut fills) = if v == self.output {
            let words = model.words[v];
            let own = words / (next.all_groups / groups);
            let share = words / next.all_groups;
            (content.saturating_sub(own), content, taken.saturating_sub(share))
        } else {
            (content, 0, taken)
        };
        if pair.child.is_none() {
            fills = 0;
        }
        next.energy += (vectors(reads, parent.block_size) * parent.energy.read_pj
            + vectors(updates, parent.block_size) * parent.energy.update_pj)
            * up as f64;
        if let Some(k) = pair.child {
            let child = &model.architecture.levels[k];
            next.energy += vectors(fills, child.block_size) * child.energy.fill_pj * next.instances as f64;
            count(next, k, v, 0, fills);
        }
        count(next, pair.parent, v, reads, updates);
    }
}

/// Counts words of one space at a level.
fn count(next: &mut Label, level: usize, v: usize, read: u64, written: u64) {
    next.traffic[level][0] += read as f64;
    next.traffic[level][1] += written as f64;
    let place = (level * MAX_SPACES + v) as u64;
    let weight = |direction: u64| (2 * place + direction + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mixed = read.wrapping_mul(weight(0)) ^ written.wrapping_mul(weight(1)).rotate_left(32);
    next.traffic_by_space = next.traffic_by_space.wrapping_add(mixed);
}
