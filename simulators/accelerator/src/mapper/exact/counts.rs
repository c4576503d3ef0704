//! Words that tiles need at the least: what depends on the problem alone.
use super::lattice::Lattice;
use crate::timeloop::model::Model;
use crate::timeloop::reuse::Space;
use crate::workload::MAX_DIMS;

/// What depends on the problem alone.
pub(crate) struct Counts {
    /// Energy-free counts: words each space needs at least if no loop outside a tile (but those it does not depend on) is
    /// reused, `wanted[v][tile]`.
    pub wanted: Vec<Vec<f64>>,
    /// Words if everything outside that it does not depend on repeats one sweep, `sweep[v][tile]`.
    pub sweep: Vec<Vec<f64>>,
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
            sweep: vec![vec![0.0; lattice.size]; spaces],
            tile: vec![vec![0; lattice.size]; spaces],
            volume: vec![0; lattice.size],
        };
        let total = model.macs as f64;
        let factors: [u32; MAX_DIMS] = std::array::from_fn(|d| bounds[d] as u32);
        let once: Vec<f64> =
            model.spaces.iter().map(|space| distinct_points(space, &factors, &bounds, model.dims)).collect();
        for index in 0..lattice.size {
            let digits = lattice.digits(index);
            let extents = lattice.extents(&digits);
            let volume: u64 = extents[..model.dims].iter().product();
            s.volume[index] = volume;
            for (v, space) in model.spaces.iter().enumerate() {
                let tile = space.tile(&extents);
                s.tile[v][index] = tile;
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
            }
        }
        s
    }
}

/// A lower bound on the points of a tensor that are ever touched.
fn distinct_points(space: &Space, factors: &[u32; MAX_DIMS], bounds: &[u64; MAX_DIMS], dims: usize) -> f64 {
    if space.plain {
        return space.tile(bounds) as f64;
    }
    let mixed = (0..dims).any(|d| bounds[d] > 1 && space.moves[d].len() > 1)
        || space.terms.iter().any(|rank| rank.iter().filter(|t| bounds[t.0] > 1).count() > 2);
    if mixed {
        return 1.0;
    }
    space.distinct(factors, &[1; MAX_DIMS], dims) as f64
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
            if outside.len() > 1 {
                // Steps of two dimensions may cancel, which costs nothing, but never in more than half of the visits.
                part /= 2.0;
            }
            least = least.min(part);
        }
    }
    // A dimension that moves several ranks at once is rare: claim nothing.
    if space.moves.iter().any(|m| m.len() > 1) { 0.0 } else { least }
}
