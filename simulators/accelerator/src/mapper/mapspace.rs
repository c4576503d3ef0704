//! The space of mappings: factorisations x loop orders x mesh axes x bypass, under constraints.
use std::sync::OnceLock;

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use super::draw::Draws;
use super::factors::primes;
use crate::timeloop::Model;
use crate::timeloop::constraints::Limits;
use crate::timeloop::mapping::Nest;
use crate::workload::MAX_DIMS;

/// A block of loops.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Slot {
    pub level: usize,
    pub spatial: bool,
}

/// All mappings of a model that meet the constraints (capacity apart), with ways to draw and to change one.
#[derive(Debug, Clone)]
pub struct Mapspace<'a> {
    pub(crate) model: &'a Model,
    pub(crate) limits: &'a Limits,
    /// Slots that may hold a factor above 1, by dimension.
    pub(crate) slots: Vec<Vec<Slot>>,
    /// Prime factors of each bound, ascending.
    primes: Vec<Vec<u32>>,
    /// Levels and data spaces whose bypass is open.
    pub(crate) free_bypass: Vec<(usize, u8)>,
    /// What draws need, listed at the first one.
    pub(crate) draws: OnceLock<Draws>,
}

impl<'a> Mapspace<'a> {
    /// The space of `model` under `limits`.
    pub fn new(model: &'a Model, limits: &'a Limits) -> Self {
        let (levels, dims) = (model.levels, model.dims);
        let mut slots = vec![Vec::new(); dims];
        for level in 0..levels {
            for (d, list) in slots.iter_mut().enumerate() {
                if limits.temporal[level].most[d] > 1 {
                    list.push(Slot { level, spatial: false });
                }
                if limits.spatial[level].most[d] > 1 {
                    list.push(Slot { level, spatial: true });
                }
            }
        }
        let mut free_bypass = Vec::new();
        for level in 0..levels - 1 {
            for v in 0..model.spaces.len() {
                let bit = 1u8 << v;
                if (limits.keep[level] | limits.bypass[level]) & bit == 0 {
                    free_bypass.push((level, bit));
                }
            }
        }
        let primes = model.problem.bounds.iter().map(|&b| primes(b)).collect();
        Self { model, limits, slots, primes, free_bypass, draws: OnceLock::new() }
    }

    pub(crate) fn get(nest: &Nest, slot: Slot, dim: usize) -> u32 {
        if slot.spatial { nest.spatial[slot.level][dim] } else { nest.temporal[slot.level][dim] }
    }

    pub(crate) fn set(nest: &mut Nest, slot: Slot, dim: usize, factor: u32) {
        if slot.spatial {
            nest.spatial[slot.level][dim] = factor;
        } else {
            nest.temporal[slot.level][dim] = factor;
        }
    }

    pub(crate) fn most(&self, slot: Slot, dim: usize) -> u32 {
        let table = if slot.spatial { &self.limits.spatial } else { &self.limits.temporal };
        table[slot.level].most[dim]
    }

    pub(crate) fn least(&self, slot: Slot, dim: usize) -> u32 {
        let table = if slot.spatial { &self.limits.spatial } else { &self.limits.temporal };
        table[slot.level].least[dim]
    }

    /// The mapping that every draw starts from: least factors, everything kept that must be.
    pub(crate) fn start(&self) -> Nest {
        let mut nest = Nest::unit();
        for level in 0..self.model.levels {
            nest.keep[level] = self.limits.keep[level];
            for d in 0..self.model.dims {
                nest.temporal[level][d] = self.limits.temporal[level].least[d];
                nest.spatial[level][d] = self.limits.spatial[level].least[d];
            }
        }
        nest
    }

    fn takes(&self, nest: &Nest, slot: Slot, dim: usize, prime: u32) -> bool {
        let factor = Self::get(nest, slot, dim);
        if u64::from(factor) * u64::from(prime) > u64::from(self.most(slot, dim)) {
            return false;
        }
        if !slot.spatial {
            return true;
        }
        let (x, y) = self.model.fanout[slot.level];
        let used: u64 = nest.spatial[slot.level][..self.model.dims].iter().map(|&f| u64::from(f)).product();
        used * u64::from(prime) <= x * y
    }

    /// The mapping with the smallest tiles: all loops that are free at the outermost level, and nothing kept that need not be.
    /// Where small memories leave few mappings, it is one of them.
    pub(crate) fn smallest(&self) -> Option<Nest> {
        let mut nest = self.start();
        let outermost = Slot { level: self.model.levels - 1, spatial: false };
        for dim in 0..self.model.dims {
            let inside = (0..self.model.levels)
                .map(|level| u64::from(nest.temporal[level][dim]) * u64::from(nest.spatial[level][dim]));
            let rest = self.model.problem.bounds[dim] * u64::from(Self::get(&nest, outermost, dim));
            let taken: u64 = inside.product();
            if !rest.is_multiple_of(taken) || rest / taken > u64::from(self.most(outermost, dim)) {
                return None;
            }
            Self::set(&mut nest, outermost, dim, (rest / taken) as u32);
        }
        let mut rng = rand::SeedableRng::seed_from_u64(0);
        for level in 0..self.model.levels {
            self.draw_order(&mut nest, level, &mut rng);
        }
        let fits =
            self.draw_axes(&mut nest, &mut rng) && self.busy_enough(&nest) && self.model.fits(&nest).is_ok();
        fits.then_some(nest)
    }

    /// Lays spatial factors along X or Y, along X where both do; `false` where a level's do not fit its mesh.
    pub(crate) fn draw_axes(&self, nest: &mut Nest, rng: &mut ChaCha8Rng) -> bool {
        let dims = self.model.dims;
        for level in 0..self.model.levels {
            nest.along_y[level] = 0;
            if nest.spatial[level][..dims].iter().all(|&f| f == 1) {
                continue;
            }
            let start = rng.random_range(0..dims);
            let order = (0..dims).map(|i| (start + i) % dims).filter(|&d| nest.spatial[level][d] > 1);
            let mut list = [0u8; MAX_DIMS];
            let mut count = 0;
            for d in order {
                list[count] = d as u8;
                count += 1;
            }
            let factors = nest.spatial[level];
            if !self.lay(level, &factors, &list[..count], self.model.fanout[level], &mut nest.along_y[level])
            {
                return false;
            }
        }
        true
    }

    /// Lays the factors of `dims` into what is free along X and Y.
    fn lay(
        &self,
        level: usize,
        factors: &[u32; MAX_DIMS],
        dims: &[u8],
        free: (u64, u64),
        along_y: &mut u16,
    ) -> bool {
        let Some((&d, rest)) = dims.split_first() else { return true };
        let factor = u64::from(factors[d as usize]);
        if factor <= free.0
            && self.limits.x_allowed[level] >> d & 1 == 1
            && self.lay(level, factors, rest, (free.0 / factor, free.1), along_y)
        {
            return true;
        }
        if factor <= free.1
            && self.limits.y_allowed[level] >> d & 1 == 1
            && self.lay(level, factors, rest, (free.0, free.1 / factor), along_y)
        {
            *along_y |= 1 << d;
            return true;
        }
        false
    }

    /// Shuffles the loops of a level within its constraints.
    pub(crate) fn draw_order(&self, nest: &mut Nest, level: usize, rng: &mut ChaCha8Rng) {
        let dims = self.model.dims;
        let (inner, outer) = (&self.limits.innermost[level], &self.limits.outermost[level]);
        let mut middle = [0u8; MAX_DIMS];
        let mut count = 0;
        for d in 0..dims as u8 {
            if !inner.contains(&d) && !outer.contains(&d) {
                middle[count] = d;
                count += 1;
            }
        }
        for i in (1..count).rev() {
            middle.swap(i, rng.random_range(0..=i));
        }
        let order = &mut nest.order[level];
        order[..inner.len()].copy_from_slice(inner);
        order[inner.len()..inner.len() + count].copy_from_slice(&middle[..count]);
        let mut next = inner.len() + count;
        for &d in outer {
            if !inner.contains(&d) {
                order[next] = d;
                next += 1;
            }
        }
    }

    /// Changes one thing: a factor moves between two slots of a dimension, two loops change places, or a bypass flips.
    pub fn mutate(&self, nest: &mut Nest, rng: &mut ChaCha8Rng) {
        let kind = rng.random_range(0..10);
        if kind == 0 && !self.free_bypass.is_empty() {
            let (level, bit) = self.free_bypass[rng.random_range(0..self.free_bypass.len())];
            nest.keep[level] ^= bit;
            return;
        }
        if kind < 3 {
            let level = rng.random_range(0..self.model.levels);
            self.move_inwards(nest, level, rng);
            return;
        }
        if kind < 5 {
            self.exchange(nest, rng);
            return;
        }
        let dim = rng.random_range(0..self.model.dims);
        let slots = &self.slots[dim];
        if slots.len() < 2 || self.primes[dim].is_empty() {
            return;
        }
        for _ in 0..4 {
            let (from, to) =
                (slots[rng.random_range(0..slots.len())], slots[rng.random_range(0..slots.len())]);
            let prime = self.primes[dim][rng.random_range(0..self.primes[dim].len())];
            let factor = Self::get(nest, from, dim);
            if from == to || factor % prime != 0 || factor / prime < self.least(from, dim) {
                continue;
            }
            Self::set(nest, from, dim, factor / prime);
            if self.takes(nest, to, dim, prime) {
                let other = Self::get(nest, to, dim);
                Self::set(nest, to, dim, other * prime);
                if from.spatial || to.spatial {
                    // Where they do not fit, the check of the mapping says so.
                    self.draw_axes(nest, rng);
                }
                return;
            }
            Self::set(nest, from, dim, factor);
        }
    }

    /// Prime factors of two dimensions change places, so that a full mesh or buffer stays about as full.
    fn exchange(&self, nest: &mut Nest, rng: &mut ChaCha8Rng) {
        let dims = self.model.dims;
        for _ in 0..8 {
            let (a, b) = (rng.random_range(0..dims), rng.random_range(0..dims));
            if a == b || self.primes[a].is_empty() || self.primes[b].is_empty() {
                continue;
            }
            let pick = |dim: usize, rng: &mut ChaCha8Rng| {
                let (slots, primes) = (&self.slots[dim], &self.primes[dim]);
                (slots[rng.random_range(0..slots.len())], primes[rng.random_range(0..primes.len())])
            };
            if self.slots[a].is_empty() || self.slots[b].is_empty() {
                continue;
            }
            let ((from, p), (to, q)) = (pick(a, rng), pick(b, rng));
            let has = |slot, dim, prime: u32| Self::get(nest, slot, dim).is_multiple_of(prime);
            let may = |slot, dim: usize| self.slots[dim].contains(&slot);
            if from == to || !may(to, a) || !may(from, b) || !has(from, a, p) || !has(to, b, q) {
                continue;
            }
            let before = *nest;
            Self::set(nest, from, a, Self::get(&before, from, a) / p);
            Self::set(nest, to, b, Self::get(&before, to, b) / q);
            let least = Self::get(nest, from, a) >= self.least(from, a)
                && Self::get(nest, to, b) >= self.least(to, b);
            if least && self.takes(nest, to, a, p) && self.takes(nest, from, b, q) {
                Self::set(nest, to, a, Self::get(&before, to, a) * p);
                Self::set(nest, from, b, Self::get(&before, from, b) * q);
                if from.spatial || to.spatial {
                    self.draw_axes(nest, rng);
                }
                return;
            }
            *nest = before;
        }
    }

    /// Takes one loop of a level to a random place further in.
    fn move_inwards(&self, nest: &mut Nest, level: usize, rng: &mut ChaCha8Rng) {
        let dims = self.model.dims;
        let low = self.limits.innermost[level].len();
        let high = dims - self.limits.outermost[level].len().min(dims);
        if high <= low + 1 {
            return;
        }
        let a = rng.random_range(low..high);
        let b = rng.random_range(low..high);
        let order = &mut nest.order[level];
        let (a, b) = (a.min(b), a.max(b));
        order[a..=b].rotate_right(1);
    }

    /// Whether the arithmetic in use meets the least parallelism asked for.
    pub(crate) fn busy_enough(&self, nest: &Nest) -> bool {
        self.limits.parallelism <= 0.0 || self.is_busy(self.busy(nest))
    }

    /// Multiply-accumulate units in use.
    pub(crate) fn busy(&self, nest: &Nest) -> u64 {
        let factors = nest.spatial[..self.model.levels].iter().flat_map(|row| &row[..self.model.dims]);
        factors.map(|&f| u64::from(f)).product()
    }

    /// Whether this many multiply-accumulate units meet it.
    pub(crate) fn is_busy(&self, used: u64) -> bool {
        used as f64 / self.model.architecture.arithmetic.instances as f64 + 1e-12 >= self.limits.parallelism
    }

    /// Whether the data spaces' axes are allowed (a draw may have had to put a dimension on a forbidden one).
    pub(crate) fn axes_allowed(&self, nest: &Nest) -> bool {
        (0..self.model.levels).all(|level| self.axes_allowed_below(nest, level))
    }

    /// The same for the mesh below one level.
    pub(crate) fn axes_allowed_below(&self, nest: &Nest, level: usize) -> bool {
        let along_y = nest.along_y[level];
        (0..self.model.dims).filter(|&d| nest.spatial[level][d] > 1).all(|d| {
            let allowed = if along_y >> d & 1 == 1 { &self.limits.y_allowed } else { &self.limits.x_allowed };
            allowed[level] >> d & 1 == 1
        })
    }
}
