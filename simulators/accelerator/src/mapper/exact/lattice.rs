//! The lattice of tiles: one divisor of each dimension's bound.
use crate::error::{Error, Result};
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

    /// Spreads values to all multiples along the dimensions in `mask`: `join(at, from_a_divisor)`.
    pub fn spread<T: Copy>(&self, table: &mut [T], mask: u16, join: impl Fn(T, T) -> T) {
        for dim in 0..self.dims {
            if mask >> dim & 1 == 0 || self.divisors[dim].len() == 1 {
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
}

/// All divisors in ascending order.
pub(crate) fn divisors_of(n: u32) -> Vec<u32> {
    let mut low = Vec::new();
    let mut high = Vec::new();
    let mut d = 1u64;
    while d * d <= u64::from(n) {
        if u64::from(n) % d == 0 {
            low.push(d as u32);
            let other = n / d as u32;
            if u64::from(other) != d {
                high.push(other);
            }
        }
        d += 1;
    }
    high.reverse();
    low.extend(high);
    low
}
