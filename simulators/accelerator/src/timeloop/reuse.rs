//! How a data space's tile moves: the words delivered over a run of loops.
//!
//! # Exact
//!
//! A buffer holds its tile and nothing else. All tiles of a level have the same shape, so a step of loop `j` always moves the tile
//! by the same `t_j`: its own step less what the loops inside it, which begin again, have moved (`bound - 1` steps each).
//! The step brings the words that the tile does not share with itself moved by `t_j`, and happens once for each iteration
//! but the first of `j` and all outside it. That gives the count in one pass over the loops.
//!
//! # Timeloop
//!
//! The rule is that of a buffer which remembers its last tile and the stride between the last two: a tile at the same
//! place costs nothing; one that moves by the remembered stride (or by any stride, right after a full fetch) costs its
//! new part; any other move fetches the whole tile and forgets the stride.
//!
//! Visiting a nest at iterations 0 and 1 of each loop, with the weight `bound - 1` on iteration 1, the innermost moving
//! loop is stepped at every second visit, hence always after a full fetch or with its own stride. So a step of
//! loop `j` moves the tile by `t_j = step_j - sum of the steps of all loops inside j`, and costs nothing where `t_j = 0`, the new part
//! where `t_j` equals the innermost moving step `t_0`, and the whole tile elsewhere. That gives a closed form in one
//! pass over the loops, too.
use super::space::{MAX_WINDOWS, Space};
use super::window::Window;
use crate::workload::{MAX_DIMS, MAX_RANKS};

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
    match space.point_windows() {
        Some(windows) => delivered_exactly(space, windows, extents, tile, loops),
        None => delivered_by_boxes(space, extents, tile, loops),
    }
}

fn delivered_exactly(
    space: &Space,
    windows: &[Window],
    extents: &[u64; MAX_DIMS],
    tile: u64,
    loops: &[Loop],
) -> u64 {
    let mut moves = Moves::new(space, windows, extents);
    let mut words = tile;
    for l in loops {
        let cost = tile - moves.shared(l);
        let bound = u64::from(l.bound);
        words = (words - tile) * bound + tile + cost * (bound - 1);
    }
    words
}

/// Places of a tile of windows as loops are added from the inside.
struct Moves<'a> {
    space: &'a Space,
    windows: &'a [Window],
    extents: &'a [u64; MAX_DIMS],
    /// How far the loops so far move each window from their first iteration to their last.
    inside: [i64; MAX_WINDOWS],
    /// Words for each point of the windows.
    each: u64,
    /// Whether a loop moves the tile away along a dimension of its own, so that every later step finds nothing shared.
    apart: bool,
}

impl<'a> Moves<'a> {
    fn new(space: &'a Space, windows: &'a [Window], extents: &'a [u64; MAX_DIMS]) -> Self {
        let each = space.single_words(extents);
        Self { space, windows, extents, inside: [0; MAX_WINDOWS], each, apart: false }
    }

    /// Adds a loop; words of the tile that a step of it leaves in place.
    #[inline]
    fn shared(&mut self, l: &Loop) -> u64 {
        self.apart |= self.space.is_single(l.dim);
        if self.apart {
            return 0;
        }
        let mut words = self.each;
        for (window, inside) in self.windows.iter().zip(&mut self.inside) {
            let step = window.step(l.dim) * l.step as i64;
            if words > 0 {
                words *= window.overlap(self.extents, step - *inside);
            }
            *inside += step * i64::from(l.bound - 1);
        }
        words
    }
}

fn delivered_by_boxes(space: &Space, extents: &[u64; MAX_DIMS], tile: u64, loops: &[Loop]) -> u64 {
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
    use crate::timeloop::Counting;
    use crate::timeloop::space::Ranks;
    use crate::workload::Convolution;

    fn inputs(layer: Convolution) -> Space {
        let problem = layer.problem().unwrap();
        Space::new(&problem.spaces[1], &problem, Counting::Timeloop).unwrap()
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
