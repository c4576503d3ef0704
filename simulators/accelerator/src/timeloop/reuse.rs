//! How a data space's tile moves: words delivered over a run of loops, and distinct tiles over a spatial block.
//!
//! The rule is that of a buffer which remembers its last tile and the stride between the last two: a tile at the same
//! place costs nothing; one that moves by the remembered stride (or by any stride, right after a full fetch) costs its
//! new part; any other move fetches the whole tile and forgets the stride.
//!
//! Visiting a nest at iterations 0 and 1 of each loop, with the weight `bound - 1` on iteration 1, the innermost moving
//! loop is stepped at every second visit, hence always after a full fetch or with its own stride. So a step of
//! loop `j` moves the tile by `t_j = step_j - sum of the steps of all loops inside j`, and costs nothing where `t_j = 0`, the new part
//! where `t_j` equals the innermost moving step `t_0`, and the whole tile elsewhere. That gives a closed form in one
//! pass over the loops.
use crate::workload::{DataSpace, MAX_DIMS, MAX_RANKS, Problem};

/// A data space prepared for the hot path.
#[derive(Debug, Clone)]
pub(crate) struct Space {
    /// Number of ranks.
    pub ranks: usize,
    /// Terms `(dim, coefficient)` of each rank.
    pub terms: Vec<Vec<(usize, u64)>>,
    /// Dimensions that are a rank by themselves, with coefficient 1.
    single: Vec<u8>,
    /// Terms of all other ranks.
    windows: Vec<Vec<(usize, u64)>>,
    /// For each dimension, the ranks it moves and its coefficient there.
    pub moves: [Vec<(usize, i64)>; MAX_DIMS],
    /// Bit mask of the dimensions the space depends on.
    pub relevant: u16,
    /// Dimensions whose product is the tile, where every rank is one dimension with coefficient 1 and no dimension
    /// appears twice; `None` for a sliding window.
    pub plain: bool,
    /// Whether the space is accumulated into.
    pub read_write: bool,
}

/// Position or extent per rank.
pub(crate) type Ranks = [i64; MAX_RANKS];

impl Space {
    pub fn new(space: &DataSpace, problem: &Problem) -> Self {
        let terms: Vec<Vec<(usize, u64)>> =
            space.ranks.iter().map(|rank| rank.iter().map(|t| (t.dim, t.coefficient)).collect()).collect();
        let mut moves: [Vec<(usize, i64)>; MAX_DIMS] = std::array::from_fn(|_| Vec::new());
        let mut relevant = 0;
        let mut plain = true;
        for (rank, terms) in terms.iter().enumerate() {
            // Terms of dimensions with bound 1 never move.
            let live = terms.iter().filter(|t| problem.bounds[t.0] > 1).count();
            plain &= live <= 1 && terms.iter().all(|t| t.1 == 1 || problem.bounds[t.0] == 1);
            for &(dim, coefficient) in terms {
                plain &= moves[dim].is_empty() || problem.bounds[dim] == 1;
                relevant |= 1 << dim;
                moves[dim].push((rank, coefficient as i64));
            }
        }
        let (mut single, mut windows) = (Vec::new(), Vec::new());
        for rank in &terms {
            match rank[..] {
                [] => {}
                [(dim, 1)] => single.push(dim as u8),
                _ => windows.push(rank.clone()),
            }
        }
        let ranks = terms.len();
        Self { ranks, terms, single, windows, moves, relevant, plain, read_write: space.read_write }
    }

    /// Words of the bounding box over a sub-nest of these extents.
    #[inline]
    pub fn tile(&self, extents: &[u64; MAX_DIMS]) -> u64 {
        let mut words = 1;
        for &dim in &self.single {
            words *= extents[dim as usize];
        }
        for window in &self.windows {
            let mut extent = 1;
            for &(dim, coefficient) in window {
                extent += coefficient * (extents[dim] - 1);
            }
            words *= extent;
        }
        words
    }

    /// Extent of each rank over a sub-nest of these extents.
    pub fn box_of(&self, extents: &[u64; MAX_DIMS]) -> Ranks {
        let mut size = [1; MAX_RANKS];
        for (rank, terms) in self.terms.iter().enumerate() {
            size[rank] = 1 + terms.iter().map(|&(d, c)| (c * (extents[d] - 1)) as i64).sum::<i64>();
        }
        size
    }

    /// Words of a box that were not in the same box before it moved by `step`.
    pub fn new_part(&self, size: &Ranks, step: &Ranks) -> u64 {
        let (mut whole, mut common) = (1, 1);
        for rank in 0..self.ranks {
            whole *= size[rank];
            common *= (size[rank] - step[rank].abs()).max(0);
        }
        (whole - common) as u64
    }

    /// Distinct tiles among the children of a spatial block with these factors, over children of these extents.
    #[inline]
    pub fn distinct(&self, factors: &[u32; MAX_DIMS], child: &[u64; MAX_DIMS], dims: usize) -> u64 {
        if self.plain {
            let mut groups = 1;
            for (dim, &factor) in factors[..dims].iter().enumerate() {
                if self.relevant >> dim & 1 == 1 {
                    groups *= u64::from(factor);
                }
            }
            return groups;
        }
        self.distinct_sliding(factors, child, dims)
    }

    fn distinct_sliding(&self, factors: &[u32; MAX_DIMS], child: &[u64; MAX_DIMS], dims: usize) -> u64 {
        let one_rank_each =
            (0..dims).all(|d| factors[d] == 1 || self.relevant >> d & 1 == 0 || self.moves[d].len() == 1);
        let mut groups = 1;
        for terms in &self.terms {
            let mut live = terms.iter().filter(|t| factors[t.0] > 1);
            match (live.next(), live.next(), live.next()) {
                (None, _, _) => {}
                (Some(a), None, _) if one_rank_each => groups *= u64::from(factors[a.0]),
                (Some(a), Some(b), None) if one_rank_each && a.0 != b.0 => {
                    // Sums of two arithmetic progressions: i * sa + j * sb collide at (sb/g, -sa/g) and its multiples.
                    let (na, nb) = (u64::from(factors[a.0]), u64::from(factors[b.0]));
                    let (sa, sb) = (a.1 * child[a.0], b.1 * child[b.0]);
                    let g = gcd(sa, sb);
                    groups *= na * nb - na.saturating_sub(sb / g) * nb.saturating_sub(sa / g);
                }
                _ => return self.distinct_counted(factors, child, dims),
            }
        }
        groups
    }

    /// The same by enumeration, for projections that mix three or more spatial dimensions in a rank.
    fn distinct_counted(&self, factors: &[u32; MAX_DIMS], child: &[u64; MAX_DIMS], dims: usize) -> u64 {
        let mut seen = std::collections::BTreeSet::new();
        let mut index = [0u32; MAX_DIMS];
        loop {
            let mut place = [0i64; MAX_RANKS];
            for dim in 0..dims {
                for &(rank, coefficient) in &self.moves[dim] {
                    place[rank] += i64::from(index[dim]) * coefficient * child[dim] as i64;
                }
            }
            seen.insert(place);
            let mut dim = 0;
            loop {
                if dim == dims {
                    return seen.len() as u64;
                }
                let moves = self.relevant >> dim & 1 == 1;
                index[dim] += 1;
                if moves && index[dim] < factors[dim] {
                    break;
                }
                index[dim] = 0;
                dim += 1;
            }
        }
    }
}

fn gcd(mut a: u64, mut b: u64) -> u64 {
    while b > 0 {
        (a, b) = (b, a % b);
    }
    a
}

/// One temporal loop with a bound above 1.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Loop {
    /// Dimension.
    pub dim: u8,
    /// Bound.
    pub bound: u32,
    /// Iterations of the dimension that one step jumps.
    pub step: u64,
}

/// Words a tile of these extents receives over `loops` (innermost first), starting empty.
#[inline]
pub(crate) fn delivered(space: &Space, extents: &[u64; MAX_DIMS], tile: u64, loops: &[Loop]) -> u64 {
    if space.plain {
        let mut words = tile;
        let mut moved = false;
        for l in loops {
            moved |= space.relevant >> l.dim & 1 == 1;
            if moved {
                words *= u64::from(l.bound);
            }
        }
        return words;
    }
    delivered_sliding(space, extents, tile, loops)
}

fn delivered_sliding(space: &Space, extents: &[u64; MAX_DIMS], tile: u64, loops: &[Loop]) -> u64 {
    let ranks = space.ranks;
    let mut words = tile;
    let mut inside = [0i64; MAX_RANKS];
    let mut first = [0i64; MAX_RANKS];
    let mut first_words = None;
    for l in loops {
        let mut moved = [0i64; MAX_RANKS];
        for rank in 0..ranks {
            moved[rank] = -inside[rank];
        }
        for &(rank, coefficient) in &space.moves[l.dim as usize] {
            let step = coefficient * l.step as i64;
            moved[rank] += step;
            inside[rank] += step;
        }
        let cost = if moved[..ranks].iter().all(|&t| t == 0) {
            0
        } else {
            match first_words {
                None => {
                    first = moved;
                    let new = space.new_part(&space.box_of(extents), &moved);
                    first_words = Some(new);
                    new
                }
                Some(new) if moved[..ranks] == first[..ranks] => new,
                Some(_) => tile,
            }
        };
        let bound = u64::from(l.bound);
        words = (words - tile) * bound + tile + cost * (bound - 1);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workload::Convolution;

    fn inputs(layer: Convolution) -> Space {
        let problem = layer.problem().unwrap();
        Space::new(&problem.spaces[1], &problem)
    }

    #[test]
    fn distinct_places_of_two_progressions_match_enumeration() {
        let space =
            inputs(Convolution { r: 9, p: 9, stride: (3, 1), dilation: (2, 1), c: 2, ..Default::default() });
        for (r, p, er, ep) in
            [(3, 3, 1, 1), (4, 5, 2, 1), (9, 2, 1, 3), (2, 9, 3, 1), (6, 6, 1, 2), (1, 4, 1, 1)]
        {
            let mut factors = [1; MAX_DIMS];
            let mut child = [1; MAX_DIMS];
            (factors[2], factors[5], child[2], child[5]) = (r, p, er, ep);
            factors[0] = 2;
            assert_eq!(space.distinct(&factors, &child, 7), space.distinct_counted(&factors, &child, 7));
        }
    }

    /// The rule as it is stated, visit by visit.
    fn by_visits(space: &Space, extents: &[u64; MAX_DIMS], loops: &[Loop]) -> u64 {
        let size = space.box_of(extents);
        let tile: i64 = size[..space.ranks].iter().product();
        let (mut last, mut stride): (Option<Ranks>, Option<Ranks>) = (None, None);
        let mut total = 0;
        for visit in 0u32..1 << loops.len() {
            let (mut place, mut weight) = ([0i64; MAX_RANKS], 1u64);
            for (j, l) in loops.iter().enumerate() {
                if visit >> j & 1 == 1 {
                    weight *= u64::from(l.bound) - 1;
                    for &(rank, c) in &space.moves[l.dim as usize] {
                        place[rank] += c * l.step as i64;
                    }
                }
            }
            let moved = last.map(|a| std::array::from_fn(|r| place[r] - a[r]));
            let words = match (moved, stride) {
                (None, _) => tile as u64,
                (Some(t), _) if t == [0; MAX_RANKS] => 0,
                (Some(t), None) => {
                    stride = Some(t);
                    space.new_part(&size, &t)
                }
                (Some(t), Some(s)) if t == s => space.new_part(&size, &t),
                _ => {
                    stride = None;
                    tile as u64
                }
            };
            last = Some(place);
            total += words * weight;
        }
        total
    }

    #[test]
    fn closed_form_equals_the_rule_visit_by_visit() {
        use rand::{RngExt, SeedableRng};
        let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(1);
        for _ in 0..3000 {
            let space = inputs(Convolution {
                r: 64,
                p: 64,
                s: 64,
                q: 64,
                c: 64,
                stride: (rng.random_range(1..4), rng.random_range(1..4)),
                dilation: (rng.random_range(1..3), 1),
                ..Default::default()
            });
            let mut extents = [1u64; MAX_DIMS];
            for e in &mut extents[..7] {
                *e = rng.random_range(1..4);
            }
            let mut inner = extents;
            let loops: Vec<Loop> = (0..rng.random_range(0..7))
                .map(|_| {
                    let dim = rng.random_range(0..7usize);
                    let bound = rng.random_range(2..5);
                    let l = Loop { dim: dim as u8, bound, step: inner[dim] };
                    inner[dim] *= u64::from(bound);
                    l
                })
                .collect();
            let tile = space.tile(&extents);
            assert_eq!(delivered(&space, &extents, tile, &loops), by_visits(&space, &extents, &loops));
        }
    }
}
