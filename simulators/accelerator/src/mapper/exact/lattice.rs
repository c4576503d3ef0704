//! The lattice of tiles: one divisor of each dimension's bound.
use crate::error::{Error, Result};
use crate::mapper::factors::divisors_of;
use crate::timeloop::constraints::BlockLimits;
use crate::workload::MAX_DIMS;

/// The most tiles tables are built for.
const MAX_TILES: usize = 6_000_000;
/// No quotient: the first divisor is not a multiple of the second.
pub(crate) const NONE: u8 = u8::MAX;

/// A tile as the position of each dimension's extent among its divisors.
pub(crate) type Digits = [u8; MAX_DIMS];

/// Divisors, mixed-radix indices and quotients.
pub(crate) struct Lattice {
    pub dims: usize,
    pub divisors: Vec<Vec<u32>>,
    pub size: usize,
    /// Index weight of each dimension.
    pub weight: [usize; MAX_DIMS],
    /// `quotient[d][i * n + j]`: position of divisor i / divisor j, or [`NONE`].
    quotient: Vec<Vec<u8>>,
    /// For each divisor, those one prime factor below.
    covers: Vec<Vec<Vec<u8>>>,
}

impl Lattice {
    pub fn new(bounds: &[u64]) -> Result<Self> {
        let mut divisors = Vec::new();
        let mut weight = [0; MAX_DIMS];
        let mut size = 1usize;
        for (dim, &bound) in bounds.iter().enumerate() {
            let list = divisors_of(bound as u32);
            weight[dim] = size;
            size = size.saturating_mul(list.len());
            if list.len() >= usize::from(NONE) || size > MAX_TILES {
                return Err(Error::invalid(
                    format!("the bounds {bounds:?} have more than {MAX_TILES} tiles"),
                    "use a sampling mapper for this layer, or fix factors by constraints on a smaller problem",
                ));
            }
            divisors.push(list);
        }
        let mut quotient = Vec::new();
        let mut covers = Vec::new();
        for list in &divisors {
            let n = list.len();
            let mut table = vec![NONE; n * n];
            let mut below = vec![Vec::new(); n];
            for i in 0..n {
                for j in 0..=i {
                    if list[i].is_multiple_of(list[j]) {
                        let q = list[i] / list[j];
                        table[i * n + j] = list.binary_search(&q).map_or(NONE, |at| at as u8);
                        if q > 1 && divisors_of(q).len() == 2 {
                            below[i].push(j as u8);
                        }
                    }
                }
            }
            quotient.push(table);
            covers.push(below);
        }
        Ok(Self { dims: bounds.len(), divisors, size, weight, quotient, covers })
    }

    /// Position of `divisor i / divisor j` of dimension `dim`.
    #[inline]
    pub fn quotient(&self, dim: usize, i: u8, j: u8) -> u8 {
        self.quotient[dim][usize::from(i) * self.divisors[dim].len() + usize::from(j)]
    }

    #[inline]
    pub fn digits(&self, index: usize) -> Digits {
        let mut digits = [0; MAX_DIMS];
        let mut rest = index;
        for (digit, list) in digits.iter_mut().zip(&self.divisors) {
            *digit = (rest % list.len()) as u8;
            rest /= list.len();
        }
        digits
    }

    #[inline]
    pub fn extents(&self, digits: &Digits) -> [u64; MAX_DIMS] {
        let mut extents = [1; MAX_DIMS];
        for dim in 0..self.dims {
            extents[dim] = u64::from(self.divisors[dim][usize::from(digits[dim])]);
        }
        extents
    }

    /// Position of an extent among the divisors of a dimension.
    pub fn position(&self, dim: usize, extent: u64) -> Option<u8> {
        self.divisors[dim].binary_search(&u32::try_from(extent).ok()?).ok().map(|at| at as u8)
    }

    /// Spreads values to all multiples along the dimensions in `mask` by factors within the limits: `join(at,
    /// from_a_divisor)`, where `none` changes nothing.
    pub fn spread<T: Copy>(
        &self,
        table: &mut [T],
        mask: u16,
        limits: &BlockLimits,
        none: T,
        join: impl Fn(T, T) -> T,
    ) {
        for dim in 0..self.dims {
            if mask >> dim & 1 == 0 || self.divisors[dim].len() == 1 {
                continue;
            }
            let bound = self.divisors[dim].last().copied().unwrap_or(1);
            if limits.least[dim] > 1 || limits.most[dim] < bound {
                self.spread_within(table, dim, limits, none, &join);
                continue;
            }
            let (weight, n) = (self.weight[dim], self.divisors[dim].len());
            let block = weight * n;
            for start in (0..self.size).step_by(block) {
                for digit in 1..n {
                    for &lower in &self.covers[dim][digit] {
                        let (to, from) = (start + digit * weight, start + usize::from(lower) * weight);
                        let (left, right) = table.split_at_mut(to);
                        for (slot, &value) in right[..weight].iter_mut().zip(&left[from..from + weight]) {
                            *slot = join(*slot, value);
                        }
                    }
                }
            }
        }
    }

    /// The same along one dimension whose factors are limited.
    fn spread_within<T: Copy>(
        &self,
        table: &mut [T],
        dim: usize,
        limits: &BlockLimits,
        none: T,
        join: &impl Fn(T, T) -> T,
    ) {
        let (weight, n) = (self.weight[dim], self.divisors[dim].len());
        let fits = |factor: u32| (limits.least[dim]..=limits.most[dim]).contains(&factor);
        // Largest first, so that the divisors below still have their own values.
        for to in (0..n).rev() {
            let from: Vec<usize> = (0..=to)
                .filter(|&from| {
                    let q = self.quotient(dim, to as u8, from as u8);
                    q != NONE && fits(self.divisors[dim][usize::from(q)])
                })
                .collect();
            for start in (0..self.size).step_by(weight * n) {
                for at in start..start + weight {
                    table[at + to * weight] =
                        from.iter().fold(none, |value, &from| join(value, table[at + from * weight]));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reachable tiles along one dimension, one by one.
    #[test]
    fn factors_within_limits_reach_what_enumeration_says() {
        let lattice = Lattice::new(&[36, 4]).unwrap();
        for (least, most) in [(1, u32::MAX), (1, 6), (3, u32::MAX), (2, 12), (5, 5)] {
            let mut limits = BlockLimits { least: [1; MAX_DIMS], most: [u32::MAX; MAX_DIMS] };
            (limits.least[0], limits.most[0]) = (least, most);
            for start in 0..lattice.size {
                let mut table = vec![false; lattice.size];
                table[start] = true;
                lattice.spread(&mut table, 1, &limits, false, |a, b| a | b);
                let from = lattice.extents(&lattice.digits(start));
                for (index, &reached) in table.iter().enumerate() {
                    let to = lattice.extents(&lattice.digits(index));
                    let factor = to[0] / from[0];
                    let within = to[0].is_multiple_of(from[0])
                        && (u64::from(least)..=u64::from(most)).contains(&factor);
                    assert_eq!(reached, to[1] == from[1] && within, "{from:?} {to:?} {least} {most}");
                }
            }
        }
    }
}
