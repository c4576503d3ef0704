//! A data space prepared for the hot path: the words of its tiles, and the distinct ones among neighbours.
use super::counting::Counting;
use super::window::{Window, gcd, sums};
use crate::error::{Error, Result};
use crate::workload::{DataSpace, MAX_DIMS, MAX_RANKS, Problem};

/// A data space prepared for the hot path.
#[derive(Debug, Clone)]
pub(crate) struct Space {
    /// Number of ranks.
    pub ranks: usize,
    /// Terms `(dim, coefficient)` of each rank.
    pub terms: Vec<Vec<(usize, u64)>>,
    /// Dimensions whose extents multiply the tile.
    single: Vec<u8>,
    /// What else multiplies it.
    windows: Windows,
    /// For each dimension, the ranks it moves and its coefficient there.
    pub moves: [Vec<(usize, i64)>; MAX_DIMS],
    /// Bit mask of the dimensions the space depends on.
    pub relevant: u16,
    /// Whether the tile is the product of its dimensions' extents, and two tiles are the same or share nothing; not so
    /// for a sliding window.
    pub plain: bool,
    /// Whether the space is accumulated into.
    pub read_write: bool,
}

/// Ranks that are more than one dimension.
#[derive(Debug, Clone)]
enum Windows {
    /// Counted by their extent from the first point to the last, as Timeloop does.
    Boxes(Vec<Vec<(usize, u64)>>),
    /// Counted point by point.
    Points(Vec<Window>),
}

/// Position or extent per rank.
pub(crate) type Ranks = [i64; MAX_RANKS];

/// Windows of a data space at most, which all have at least two dimensions.
pub(crate) const MAX_WINDOWS: usize = MAX_DIMS / 2;

impl Space {
    /// # Errors
    /// Under exact counting, a projection in which a dimension appears in a sliding window and elsewhere.
    pub fn new(space: &DataSpace, problem: &Problem, counting: Counting) -> Result<Self> {
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
        let mut space = Self {
            ranks: terms.len(),
            terms,
            single: Vec::new(),
            windows: Windows::Boxes(Vec::new()),
            moves,
            relevant,
            plain,
            read_write: space.read_write,
        };
        match counting {
            Counting::Timeloop => space.count_boxes(),
            Counting::Exact => space.count_points(problem)?,
        }
        Ok(space)
    }

    fn count_boxes(&mut self) {
        let mut windows = Vec::new();
        for rank in &self.terms {
            match rank[..] {
                [] => {}
                [(dim, 1)] => self.single.push(dim as u8),
                _ => windows.push(rank.clone()),
            }
        }
        self.windows = Windows::Boxes(windows);
    }

    fn count_points(&mut self, problem: &Problem) -> Result<()> {
        let live = |rank: &[(usize, u64)]| -> Vec<(usize, u64)> {
            let mut live: Vec<(usize, u64)> = Vec::new();
            for &(dim, coefficient) in rank.iter().filter(|t| problem.bounds[t.0] > 1) {
                match live.iter_mut().find(|t| t.0 == dim) {
                    Some(term) => term.1 += coefficient,
                    None => live.push((dim, coefficient)),
                }
            }
            live
        };
        let ranks: Vec<Vec<(usize, u64)>> = self.terms.iter().map(|rank| live(rank)).collect();
        // A rank whose points tell the indices of its dimensions apart, those known from other ranks aside, makes them known.
        let mut known = 0u16;
        loop {
            let before = known;
            for rank in &ranks {
                let unknown: Vec<_> = rank.iter().copied().filter(|t| known >> t.0 & 1 == 0).collect();
                if tells_apart(&unknown, problem) {
                    known |= unknown.iter().fold(0, |mask, t| mask | 1 << t.0);
                }
            }
            if known == before {
                break;
            }
        }
        let mut windows = Vec::new();
        for (at, rank) in ranks.iter().enumerate() {
            if rank.iter().all(|t| known >> t.0 & 1 == 1) {
                continue;
            }
            let elsewhere = |t: &&(usize, u64)| {
                ranks.iter().enumerate().any(|(other, terms)| other != at && terms.iter().any(|o| o.0 == t.0))
            };
            if let Some(term) = rank.iter().find(elsewhere) {
                return Err(Error::invalid(
                    format!(
                        "dimension {} appears in a sliding window and once more in the same data space",
                        problem.dims[term.0]
                    ),
                    "such projections are counted by `counting: timeloop` alone",
                ));
            }
            windows.push(Window::new(rank));
        }
        self.plain = windows.is_empty();
        self.single = (0..problem.dims.len() as u8).filter(|d| known >> d & 1 == 1).collect();
        self.windows = Windows::Points(windows);
        Ok(())
    }

    /// The windows that are counted point by point.
    #[inline]
    pub fn point_windows(&self) -> Option<&[Window]> {
        match &self.windows {
            Windows::Points(windows) => Some(windows),
            Windows::Boxes(_) => None,
        }
    }

    /// Words over a sub-nest of these extents.
    #[inline]
    pub fn tile(&self, extents: &[u64; MAX_DIMS]) -> u64 {
        let mut words = self.single_words(extents);
        match &self.windows {
            Windows::Boxes(windows) => {
                for window in windows {
                    let mut extent = 1;
                    for &(dim, coefficient) in window {
                        extent += coefficient * (extents[dim] - 1);
                    }
                    words *= extent;
                }
            }
            Windows::Points(windows) => {
                for window in windows {
                    words *= window.size(extents);
                }
            }
        }
        words
    }

    /// The factor of a tile that no window has a part in.
    #[inline]
    pub fn single_words(&self, extents: &[u64; MAX_DIMS]) -> u64 {
        let mut words = 1;
        for &dim in &self.single {
            words *= extents[dim as usize];
        }
        words
    }

    /// Whether a step along `dim` leaves nothing of a tile in place.
    #[inline]
    pub fn is_single(&self, dim: u8) -> bool {
        self.single.contains(&dim)
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

    /// Words that an instance whose iterations are these progressions (by dimension: step and count) ever touches, where
    /// that is no box of a tile; allocates.
    pub fn touched(&self, progressions: &[(usize, u64, u64)]) -> u64 {
        let of = |dims: &dyn Fn(usize) -> Option<u64>| {
            let found =
                progressions.iter().filter_map(|&(dim, step, count)| Some((dims(dim)? * step, count)));
            sums(found).iter().filter(|&&hit| hit).count() as u64
        };
        let Some(windows) = self.point_windows() else { return 0 };
        let single = self.single.iter().map(|&single| of(&|dim| (dim == single as usize).then_some(1)));
        single.chain(windows.iter().map(|window| of(&|dim| window.coefficient(dim)))).product()
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

/// Whether no two choices of indices give a rank the same point.
fn tells_apart(terms: &[(usize, u64)], problem: &Problem) -> bool {
    let mut terms: Vec<(u64, u64)> = terms.iter().map(|&(d, c)| (c, problem.bounds[d])).collect();
    if let [(ca, a), (cb, b)] = terms[..] {
        let divisor = gcd(ca, cb);
        return a <= cb / divisor || b <= ca / divisor;
    }
    terms.sort_unstable();
    let mut reach = 0;
    terms.iter().all(|&(step, count)| {
        let apart = step > reach;
        reach += step * (count - 1);
        apart
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workload::Convolution;

    #[test]
    fn distinct_places_of_two_progressions_match_enumeration() {
        let layer = Convolution { r: 9, p: 9, stride: (3, 1), dilation: (2, 1), c: 2, ..Default::default() };
        let problem = layer.problem().unwrap();
        let space = Space::new(&problem.spaces[1], &problem, Counting::Timeloop).unwrap();
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

    #[test]
    fn a_kernel_no_wider_than_its_stride_does_not_slide() {
        let plain = |layer: Convolution| {
            let problem = layer.problem().unwrap();
            Space::new(&problem.spaces[1], &problem, Counting::Exact).unwrap().plain
        };
        let layer = Convolution { c: 4, r: 3, p: 5, ..Default::default() };
        assert!(!plain(layer.clone()));
        assert!(!plain(Convolution { stride: (2, 1), ..layer.clone() }));
        assert!(plain(Convolution { stride: (3, 1), ..layer.clone() }));
        assert!(plain(Convolution { stride: (4, 1), r: 1, ..layer.clone() }));
        assert!(plain(Convolution { dilation: (5, 1), ..layer.clone() }));
        assert!(!plain(Convolution { dilation: (4, 1), ..layer }));
    }
}
