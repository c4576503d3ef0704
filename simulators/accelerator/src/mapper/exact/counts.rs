//! Words that tiles need at the least: what depends on the problem alone.
//!
//! A sliding window that is counted by sets of words has its own rules ([`super::windows`]).
use super::lattice::Lattice;
use super::windows::Windows;
use crate::mapper::factors::divisors_of;
use crate::timeloop::model::Model;
use crate::timeloop::space::Space;
use crate::workload::MAX_DIMS;

/// What depends on the problem alone.
pub(crate) struct Counts {
    /// Energy-free counts: words each space needs at least if no loop outside a tile (but those it does not depend on) is
    /// reused, `wanted[v][tile]`.
    pub wanted: Vec<Vec<f64>>,
    /// The same if the tile is not held as a whole, but by smaller buffers further in: tiles count as boxes, and smaller boxes
    /// may leave out points between them that nobody touches. Empty where it is no different.
    apart: Vec<Vec<f64>>,
    /// Words if everything outside that it does not depend on repeats one sweep, `sweep[v][tile]`.
    pub sweep: Vec<Vec<f64>>,
    /// Words of a window's tile that all places of a smaller tile in it may share, `core[v][tile]`; empty for other spaces.
    pub core: Vec<Vec<u64>>,
    /// Tile words, `tile[v][tile]`.
    pub tile: Vec<Vec<u64>>,
    /// Volume of each tile.
    pub volume: Vec<u64>,
}

impl Counts {
    pub fn new(model: &Model, lattice: &Lattice) -> Self {
        let bounds: [u64; MAX_DIMS] = {
            let mut b = [1; MAX_DIMS];
            b[..model.dims].copy_from_slice(&model.problem.bounds);
            b
        };
        let spaces = model.spaces.len();
        let mut s = Self {
            wanted: vec![vec![0.0; lattice.size]; spaces],
            apart: model
                .spaces
                .iter()
                .map(|space| vec![0.0; if space.plain { 0 } else { lattice.size }])
                .collect(),
            sweep: vec![vec![0.0; lattice.size]; spaces],
            core: model
                .spaces
                .iter()
                .map(|space| vec![0; if space.plain { 0 } else { lattice.size }])
                .collect(),
            tile: vec![vec![0; lattice.size]; spaces],
            volume: vec![0; lattice.size],
        };
        let total = model.macs as f64;
        let factors: [u32; MAX_DIMS] = std::array::from_fn(|d| bounds[d] as u32);
        let once: Vec<f64> =
            model.spaces.iter().map(|space| distinct_points(space, &factors, &bounds, model.dims)).collect();
        let windows: Vec<Option<Windows>> =
            model.spaces.iter().map(|space| Windows::new(space, lattice)).collect();
        for index in 0..lattice.size {
            let digits = lattice.digits(index);
            let extents = lattice.extents(&digits);
            let volume: u64 = extents[..model.dims].iter().product();
            s.volume[index] = volume;
            for (v, space) in model.spaces.iter().enumerate() {
                let tile = space.tile(&extents);
                s.tile[v][index] = tile;
                if let Some(windows) = &windows[v] {
                    let least = windows.least(&digits, tile, lattice);
                    let visits = total / volume as f64;
                    s.core[v][index] = least.core;
                    s.wanted[v][index] = once[v].max(visits * least.moving);
                    s.apart[v][index] = s.wanted[v][index];
                    s.sweep[v][index] = once[v].max(visits * least.swept);
                    continue;
                }
                let mut repeats = 1.0;
                for d in 0..model.dims {
                    if space.relevant >> d & 1 == 0 {
                        repeats *= bounds[d] as f64 / extents[d] as f64;
                    }
                }
                let sweep = once[v] * repeats;
                s.sweep[v][index] = sweep;
                s.wanted[v][index] = if space.plain {
                    sweep
                } else {
                    let visits = total / volume as f64;
                    sweep.max(tile as f64 * visits * least_new_part(space, &extents, &bounds))
                };
                if !space.plain {
                    s.apart[v][index] =
                        if without_gaps(space, &extents) { s.wanted[v][index] } else { sweep };
                }
            }
        }
        for v in 0..spaces {
            // Of the whole problem there is one visit.
            s.sweep[v][lattice.size - 1] = once[v];
        }
        s
    }

    /// Words that a space needs at the least inside a tile if no loop outside is reused, held as a whole or by smaller buffers.
    #[inline]
    pub fn needed(&self, v: usize, tile: usize, whole: bool) -> f64 {
        if whole || self.apart[v].is_empty() { self.wanted[v][tile] } else { self.apart[v][tile] }
    }
}

/// Whether every point of a tile's box is touched.
fn without_gaps(space: &Space, extents: &[u64; MAX_DIMS]) -> bool {
    space.terms.iter().all(|rank| {
        let mut steps: Vec<(u64, u64)> =
            rank.iter().filter(|t| extents[t.0] > 1).map(|&(d, c)| (c, extents[d])).collect();
        steps.sort_unstable();
        let mut reach = 1;
        steps.iter().all(|&(step, count)| {
            let joined = step <= reach;
            reach += step * (count - 1);
            joined
        })
    })
}

/// A lower bound on the points of a tensor that are ever touched.
fn distinct_points(space: &Space, factors: &[u32; MAX_DIMS], bounds: &[u64; MAX_DIMS], dims: usize) -> f64 {
    if space.plain || space.point_windows().is_some() {
        return space.tile(bounds) as f64;
    }
    let mixed = (0..dims).any(|d| bounds[d] > 1 && space.moves[d].len() > 1)
        || space.terms.iter().any(|rank| rank.iter().filter(|t| bounds[t.0] > 1).count() > 2);
    if mixed {
        return 1.0;
    }
    space.distinct(factors, &[1; MAX_DIMS], dims) as f64
}

/// Whether the step of one loop along a rank may undo those of the loops inside it, so that the tile stays in place.
///
/// Loops of one dimension alone never do: each steps farther than all inside it together. Where one of two dimensions has
/// a single loop at most, its step would have to be a multiple of the other one's least step.
fn may_cancel(outside: &[&(usize, u64)], extents: &[u64; MAX_DIMS], bounds: &[u64; MAX_DIMS]) -> bool {
    let step = |&(dim, coefficient): &(usize, u64)| coefficient * extents[dim];
    let one_loop = |&(dim, _): &(usize, u64)| divisors_of((bounds[dim] / extents[dim]) as u32).len() == 2;
    match outside {
        [] | [_] => false,
        [a, b] => {
            let undone = |a, b| !one_loop(a) || step(a).is_multiple_of(step(b));
            undone(*a, *b) && undone(*b, *a)
        }
        _ => true,
    }
}

/// Least part of a tile that each visit brings, on average, when one axis slides.
fn least_new_part(space: &Space, extents: &[u64; MAX_DIMS], bounds: &[u64; MAX_DIMS]) -> f64 {
    let mut least = 1.0f64;
    for rank in &space.terms {
        let extent = 1 + rank.iter().map(|&(d, c)| c * (extents[d] - 1)).sum::<u64>();
        let outside: Vec<_> = rank.iter().filter(|t| bounds[t.0] > extents[t.0]).collect();
        for &&(dim, coefficient) in &outside {
            let step = coefficient * extents[dim];
            let mut part = (step as f64 / extent as f64).min(1.0);
            if may_cancel(&outside, extents, bounds) {
                // Steps that cancel cost nothing, but never in more than half of the visits.
                part /= 2.0;
            }
            least = least.min(part);
        }
    }
    // A dimension that moves several ranks at once is rare: claim nothing.
    if space.moves.iter().any(|m| m.len() > 1) { 0.0 } else { least }
}
