//! A loop nest run in hardware: every iteration in time order, every buffer a set of words.
//!
//! * The **tree** of the hardware: an instance of a level has one child for each choice of its spatial indices, an instance of the
//!   level below, or a multiply-accumulate unit below the innermost level. All run in lockstep.
//! * A **buffer** holds its tile and nothing else: the words that the iterations inside it touch while the temporal loops of
//!   the levels outside and the spatial indices that lead to it stand still. When one of them moves on, the words
//!   it has not yet are *new* and come from above; those that it needs no more are *dropped*, and partial sums among them go up.
//! * A **unit** needs its operands anew at every operation, and gives its result back.
//! * A level that does not keep a data space is a **wire**: it passes on what its children need.
//! * **Multicast and spatial reduction**: children of one instance that need the very same words at the same step get
//!   them together, as one word each; what they give up is added up on the way and counts once. Children that
//!   share only a part of their words get them one by one.
//! * **Partial sums** start from nothing: a word that an instance has never held needs no fill, and one that it has never given
//!   to a child needs no read.
use std::collections::{BTreeMap, BTreeSet};

use hwgym_accelerator::timeloop::{MAX_LEVELS, Nest};
use hwgym_accelerator::workload::{MAX_DIMS, MAX_SPACES, Problem};

/// A word by its place in the tensor: three digits for each rank.
type Word = u64;
type Words = BTreeSet<Word>;
/// What passes over one wire at one step: a set of words for each group at its end that waits for one.
type Load = Vec<Words>;
/// An iteration, or the first of a tile.
type Point = [u64; MAX_DIMS];

/// All instances of a level together, by level and data space.
pub type Table = [[u64; MAX_SPACES]; MAX_LEVELS];

/// What was counted.
#[derive(Debug, Default, PartialEq)]
pub struct Counts {
    pub reads: Table,
    pub fills: Table,
    pub updates: Table,
    /// Most words that an instance holds.
    pub tile: Table,
}

/// One buffer and one data space.
#[derive(Default)]
struct Buffer {
    at: Option<Point>,
    held: Words,
    /// Words ever held, and ever given to a child.
    ever: Words,
    given: Words,
}

struct Machine<'a> {
    problem: &'a Problem,
    nest: &'a Nest,
    levels: usize,
    counts: Counts,
    /// By level, data space and the spatial indices that lead to the instance.
    buffers: BTreeMap<(usize, usize, Vec<Point>), Buffer>,
}

/// Runs a mapping from the first iteration to the last.
pub fn run(problem: &Problem, nest: &Nest, levels: usize) -> Counts {
    let mut machine = Machine { problem, nest, levels, counts: Counts::default(), buffers: BTreeMap::new() };
    // All temporal loops, outermost first.
    let dims = problem.dims.len();
    let loops: Vec<(usize, usize, u64)> = (0..levels)
        .rev()
        .flat_map(|level| (0..dims).rev().map(move |place| (level, place)))
        .map(|(level, place)| (level, usize::from(nest.order[level][place])))
        .map(|(level, dim)| (level, dim, u64::from(nest.temporal[level][dim])))
        .collect();
    let mut clock = vec![0; loops.len()];
    loop {
        // Indices of the temporal loops by level.
        let mut time = [[0; MAX_DIMS]; MAX_LEVELS];
        for (&(level, dim, _), &index) in loops.iter().zip(&clock) {
            time[level][dim] = index;
        }
        for v in 0..problem.spaces.len() {
            machine.step(levels - 1, v, &time, &mut Vec::new(), Some([0; MAX_DIMS]));
        }
        let Some(moving) = (0..loops.len()).rev().find(|&at| clock[at] + 1 < loops[at].2) else { break };
        clock[moving] += 1;
        clock[moving + 1..].fill(0);
    }
    // All partial sums go up at last.
    for v in 0..problem.spaces.len() {
        machine.step(levels - 1, v, &[[0; MAX_DIMS]; MAX_LEVELS], &mut Vec::new(), None);
    }
    machine.counts
}

impl Machine<'_> {
    /// Iterations inside an instance of a level, by dimension.
    fn extent(&self, level: Option<usize>, dim: usize) -> u64 {
        let inside = 0..level.map_or(0, |level| level + 1);
        inside.map(|l| u64::from(self.nest.temporal[l][dim]) * u64::from(self.nest.spatial[l][dim])).product()
    }

    fn word(&self, v: usize, at: &Point) -> Word {
        let ranks = &self.problem.spaces[v].ranks;
        let places = ranks.iter().map(|rank| rank.iter().map(|t| t.coefficient * at[t.dim]).sum::<u64>());
        places.fold(0, |word, place| {
            assert!(place < 1000);
            1000 * word + place
        })
    }

    /// Words of the iterations of a tile.
    fn touched(&self, v: usize, level: usize, first: &Point) -> Words {
        let dims = self.problem.dims.len();
        let mut points = vec![*first];
        for dim in 0..dims {
            let extent = self.extent(Some(level), dim);
            let along = |p: &Point| {
                let p = *p;
                (0..extent).map(move |i| {
                    let mut next = p;
                    next[dim] += i;
                    next
                })
            };
            points = points.iter().flat_map(along).collect();
        }
        points.iter().map(|p| self.word(v, p)).collect()
    }

    /// Spatial indices of the children of a level.
    fn children(&self, level: usize) -> Vec<Point> {
        let mut all = vec![[0; MAX_DIMS]];
        for dim in 0..self.problem.dims.len() {
            let with = |p: &Point| {
                let p = *p;
                (0..u64::from(self.nest.spatial[level][dim])).map(move |i| {
                    let mut next = p;
                    next[dim] = i;
                    next
                })
            };
            all = all.iter().flat_map(with).collect();
        }
        all
    }

    /// Moves one instance of a level on to the tile that begins at `first` (at the end of time: to none), its children before it;
    /// what it needs from above, and what it gives up.
    fn step(
        &mut self,
        level: usize,
        v: usize,
        time: &[[u64; MAX_DIMS]; MAX_LEVELS],
        path: &mut Vec<Point>,
        first: Option<Point>,
    ) -> (Load, Load) {
        let dims = self.problem.dims.len();
        let below = level.checked_sub(1);
        // Loads of all children; equal ones pass once.
        let (mut needed, mut given_up) = (BTreeSet::<Load>::new(), BTreeSet::<Load>::new());
        for child in self.children(level) {
            let start = first.map(|mut at| {
                for dim in 0..dims {
                    let extent = self.extent(below, dim);
                    let side_by_side = extent * u64::from(self.nest.spatial[level][dim]);
                    at[dim] += time[level][dim] * side_by_side + child[dim] * extent;
                }
                at
            });
            let (needs, gives) = match (below, start) {
                (Some(below), _) => {
                    path.push(child);
                    let moved = self.step(below, v, time, path, start);
                    path.pop();
                    moved
                }
                (None, Some(at)) => {
                    let one = vec![Words::from([self.word(v, &at)])];
                    (one.clone(), one)
                }
                (None, None) => Default::default(),
            };
            needed.insert(needs);
            given_up.insert(gives);
        }
        let needed: Load = needed.into_iter().flatten().collect();
        let given_up: Load = given_up.into_iter().flatten().collect();
        if self.nest.keep[level] >> v & 1 == 0 {
            return (needed, given_up);
        }
        let read_write = self.problem.spaces[v].read_write;
        let mut buffer = self.buffers.remove(&(level, v, path.clone())).unwrap_or_default();
        for &word in needed.iter().flatten() {
            // A partial sum that does not exist yet is not read.
            if buffer.given.insert(word) && read_write {
                continue;
            }
            self.counts.reads[level][v] += 1;
        }
        if read_write {
            self.counts.updates[level][v] += given_up.iter().map(|words| words.len() as u64).sum::<u64>();
        }
        let mut load = (Load::new(), Load::new());
        if buffer.at != first {
            let now = first.map(|at| self.touched(v, level, &at)).unwrap_or_default();
            let new: Words = now.difference(&buffer.held).copied().collect();
            let dropped: Words = buffer.held.difference(&now).copied().collect();
            let outermost = (level + 1..self.levels).all(|l| self.nest.keep[l] >> v & 1 == 0);
            for &word in &new {
                // Nothing fills the outermost level, and no partial sum that does not exist yet is filled in.
                let first = buffer.ever.insert(word);
                let nothing = outermost || read_write && first;
                self.counts.fills[level][v] += u64::from(!nothing);
            }
            self.counts.tile[level][v] = self.counts.tile[level][v].max(now.len() as u64);
            (buffer.at, buffer.held) = (first, now);
            load = (one(new), one(dropped));
        }
        self.buffers.insert((level, v, path.clone()), buffer);
        load
    }
}

/// The load of one set of words; nothing where it is empty.
fn one(words: Words) -> Load {
    if words.is_empty() { Load::new() } else { vec![words] }
}
