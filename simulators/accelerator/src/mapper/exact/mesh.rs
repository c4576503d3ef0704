//! The ways to lay loops over the mesh below a level, and the tiles that each of them makes of its children.
use std::collections::HashSet;

use super::lattice::Lattice;
use crate::timeloop::constraints::Limits;
use crate::timeloop::model::Model;
use crate::workload::{MAX_DIMS, MAX_SPACES};

/// One way to use a level's mesh.
pub(crate) struct SpatialOption {
    pub factors: [u32; MAX_DIMS],
    pub total: u64,
    pub along_y: u16,
    /// Most children that share one word, by data space.
    pub shared: [f64; MAX_SPACES],
}

/// A tile of one child, and the way to use the mesh that makes a given tile of all children together.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Split {
    pub child: u32,
    pub option: u32,
}

/// The mesh below one level: all options, and by tile of all children together (the *span*) how it splits.
pub(crate) struct Mesh {
    pub options: Vec<SpatialOption>,
    splits: Vec<Split>,
    first: Vec<u32>,
    /// Most children that share one word under any option, by data space.
    pub most_shared: [f64; MAX_SPACES],
}

impl Mesh {
    pub fn new(model: &Model, limits: &Limits, lattice: &Lattice, level: usize) -> Self {
        let options = spatial_options(model, limits, lattice, level);
        let mut most_shared = [1.0f64; MAX_SPACES];
        for option in &options {
            for (most, &shared) in most_shared.iter_mut().zip(&option.shared) {
                *most = most.max(shared);
            }
        }
        // Counted, then placed: spans come in ascending order without a sort.
        let mut first = vec![0u32; lattice.size + 1];
        let innermost = level == 0;
        for (index, option) in options.iter().enumerate() {
            each_split(lattice, option, innermost, index, |span, _| first[span + 1] += 1);
        }
        for span in 0..lattice.size {
            first[span + 1] += first[span];
        }
        let mut next = first.clone();
        let mut splits = vec![Split { child: 0, option: 0 }; first[lattice.size] as usize];
        for (index, option) in options.iter().enumerate() {
            each_split(lattice, option, innermost, index, |span, split| {
                splits[next[span] as usize] = split;
                next[span] += 1;
            });
        }
        Self { options, splits, first, most_shared }
    }

    /// The splits of one tile of all children.
    pub fn splits(&self, span: usize) -> &[Split] {
        &self.splits[self.first[span] as usize..self.first[span + 1] as usize]
    }
}

/// Calls `found(span, split)` for every child tile that an option can multiply (the innermost level's child is one
/// operation).
fn each_split(
    lattice: &Lattice,
    option: &SpatialOption,
    innermost: bool,
    index: usize,
    mut found: impl FnMut(usize, Split),
) {
    // Index weights of child and span, by dimension and divisor that the factor still divides.
    let mut places: [Vec<(usize, usize)>; MAX_DIMS] = Default::default();
    for d in 0..lattice.dims {
        for (at, &extent) in lattice.divisors[d].iter().enumerate() {
            if innermost && at > 0 {
                break;
            }
            let span = u64::from(extent) * u64::from(option.factors[d]);
            if let Some(to) = lattice.position(d, span) {
                places[d].push((at * lattice.weight[d], usize::from(to) * lattice.weight[d]));
            }
        }
    }
    if places[..lattice.dims].iter().any(Vec::is_empty) {
        return;
    }
    let mut at = [0usize; MAX_DIMS];
    let sum = |at: &[usize; MAX_DIMS]| {
        let mut sums = (0, 0);
        for d in 1..lattice.dims {
            let place = places[d][at[d]];
            sums = (sums.0 + place.0, sums.1 + place.1);
        }
        sums
    };
    loop {
        let (child, span) = sum(&at);
        for &(c, s) in &places[0] {
            found(span + s, Split { child: (child + c) as u32, option: index as u32 });
        }
        let mut d = 1;
        loop {
            if d >= lattice.dims {
                return;
            }
            at[d] += 1;
            if at[d] < places[d].len() {
                break;
            }
            at[d] = 0;
            d += 1;
        }
    }
}

/// All ways to use the mesh below `level`.
fn spatial_options(model: &Model, limits: &Limits, lattice: &Lattice, level: usize) -> Vec<SpatialOption> {
    let (fx, fy) = model.fanout[level];
    let mut found: Vec<SpatialOption> = Vec::new();
    let mut factors = [1u32; MAX_DIMS];
    let mut seen = HashSet::new();
    choose(model, limits, lattice, level, 0, (fx, fy), 0, &mut factors, &mut seen, &mut found);
    found
}

#[expect(clippy::too_many_arguments, reason = "private recursion")]
fn choose(
    model: &Model,
    limits: &Limits,
    lattice: &Lattice,
    level: usize,
    dim: usize,
    left: (u64, u64),
    along_y: u16,
    factors: &mut [u32; MAX_DIMS],
    seen: &mut HashSet<[u32; MAX_DIMS]>,
    found: &mut Vec<SpatialOption>,
) {
    if dim == model.dims {
        if !seen.insert(*factors) {
            return;
        }
        let mut shared = [1.0; MAX_SPACES];
        for (slot, space) in shared.iter_mut().zip(&model.spaces) {
            for d in 0..model.dims {
                if space.relevant >> d & 1 == 0 {
                    *slot *= f64::from(factors[d]);
                }
            }
            if !space.plain {
                // Dimensions of one rank: the sums of two progressions of a and b places are a + b - 1 places at the least,
                // and no fewer with every further one.
                for rank in &space.terms {
                    let all: f64 = rank.iter().map(|t| f64::from(factors[t.0])).product();
                    let distinct = 1.0 + rank.iter().map(|t| f64::from(factors[t.0]) - 1.0).sum::<f64>();
                    *slot *= (all / distinct).max(1.0);
                }
            }
        }
        let total = factors[..model.dims].iter().map(|&f| u64::from(f)).product();
        found.push(SpatialOption { factors: *factors, total, along_y, shared });
        return;
    }
    let block = &limits.spatial[level];
    for &factor in &lattice.divisors[dim] {
        if factor < block.least[dim] || factor > block.most[dim] {
            continue;
        }
        factors[dim] = factor;
        if factor == 1 {
            choose(model, limits, lattice, level, dim + 1, left, along_y, factors, seen, found);
            continue;
        }
        let f = u64::from(factor);
        if limits.x_allowed[level] >> dim & 1 == 1 && f <= left.0 {
            choose(
                model,
                limits,
                lattice,
                level,
                dim + 1,
                (left.0 / f, left.1),
                along_y,
                factors,
                seen,
                found,
            );
        }
        if limits.y_allowed[level] >> dim & 1 == 1 && f <= left.1 {
            let y = along_y | 1 << dim;
            choose(model, limits, lattice, level, dim + 1, (left.0, left.1 / f), y, factors, seen, found);
        }
    }
    factors[dim] = 1;
}
