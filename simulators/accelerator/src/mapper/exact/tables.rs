//! Tables of one problem and level: which tiles can be built from the inside, and least energies below each tile.
//!
//! All bounds are admissible: they never exceed what any mapping needs. For one level they take, for each *class* of
//! loop orders (the set `z` of data spaces that the innermost temporal loop leaves in place), the least over
//! all child tiles and spatial choices of the transfers of the spaces outside `z` (which cannot be reused over any loop of
//! the level), plus one full sweep for those in `z`.
use super::lattice::{Digits, Lattice};
use crate::timeloop::constraints::Limits;
use crate::timeloop::model::Model;
use crate::workload::{MAX_DIMS, MAX_SPACES};

/// Data-space masks of loop orders: at most one for each dimension.
pub(crate) const MAX_CLASSES: usize = MAX_DIMS;

/// One way to use a level's mesh.
pub(crate) struct SpatialOption {
    pub factors: [u32; MAX_DIMS],
    pub total: u64,
    pub along_y: u16,
    /// Least cycles of the whole problem by this level's bandwidth towards the arithmetic, on one instance.
    pub stall: f64,
    /// Most children that share one word, by data space.
    pub shared: [f64; MAX_SPACES],
}

/// What depends on the problem alone.
pub(crate) struct Shared {
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

/// Tables of one level.
pub(crate) struct LevelTables {
    pub options: Vec<SpatialOption>,
    /// Tiles of all children together that can be built, each with its `(child tile, option)` pairs.
    pub spans: Vec<Span>,
    pub pairs: Vec<(u32, u32)>,
    /// Position in `spans` by tile, or `u32::MAX`.
    pub span_at: Vec<u32>,
    /// Whether a tile of this level can be built.
    pub feasible: Vec<bool>,
    /// Least cycles of the whole problem on one instance of this level, by tile (infinite where infeasible): arithmetic
    /// units in reach, and the bandwidth that feeds them.
    pub fastest: Vec<f64>,
    /// Classes of loop orders: bit masks of data spaces.
    pub classes: Vec<u8>,
    /// Dimensions whose loops, innermost, make each class.
    pub class_dims: Vec<u16>,
    /// Least energy below by class and tile.
    pub least: Vec<Vec<f64>>,
    /// Least energy below of the spaces this level or a lower one is the parent of.
    pub least_kept: Vec<f64>,
    /// Whether tile and children may hold the same part of a space, by space.
    pub stays: Vec<Vec<bool>>,
}

/// All children of a level together.
pub(crate) struct Span {
    pub index: u32,
    pub digits: Digits,
    pub first: u32,
    pub count: u32,
    /// Least energy by class.
    pub least: [f64; MAX_CLASSES],
    /// Least energy of inner spaces (no temporal loops at this level).
    pub inner: f64,
    pub lowest: f64,
}

/// Next kept level and energies of one space below one level.
#[derive(Clone, Copy)]
pub(crate) struct Pair {
    /// Level that delivers (lowest one at or above that keeps the space).
    pub parent: usize,
    /// Level that receives; `None` is the arithmetic.
    pub child: Option<usize>,
    /// Most sharing in meshes above this level that are part of the path.
    pub shared_above: f64,
    /// Most sharing in meshes below this level's own.
    pub shared_below: f64,
    /// Most spatial reduction outside the parent.
    pub reduced: f64,
}

impl Shared {
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
fn distinct_points(
    space: &crate::timeloop::reuse::Space,
    factors: &[u32; MAX_DIMS],
    bounds: &[u64; MAX_DIMS],
    dims: usize,
) -> f64 {
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
fn least_new_part(
    space: &crate::timeloop::reuse::Space,
    extents: &[u64; MAX_DIMS],
    bounds: &[u64; MAX_DIMS],
) -> f64 {
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

/// All ways to use the mesh below `level`.
pub(crate) fn spatial_options(
    model: &Model,
    limits: &Limits,
    lattice: &Lattice,
    level: usize,
) -> Vec<SpatialOption> {
    let (fx, fy) = model.fanout[level];
    let mut found: Vec<SpatialOption> = Vec::new();
    let mut factors = [1u32; MAX_DIMS];
    let mut seen = std::collections::HashSet::new();
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
    seen: &mut std::collections::HashSet<[u32; MAX_DIMS]>,
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
                // Two dimensions of one rank: at least the larger factor's places are distinct.
                for rank in &space.terms {
                    let all: f64 = rank.iter().map(|t| f64::from(factors[t.0])).product();
                    let largest = rank.iter().map(|t| factors[t.0]).max().unwrap_or(1);
                    *slot *= (all / f64::from(largest)).max(1.0);
                }
            }
        }
        let total = factors[..model.dims].iter().map(|&f| u64::from(f)).product();
        found.push(SpatialOption { factors: *factors, total, along_y, stall: 0.0, shared });
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

/// Least energy of the transfers of one pair, from the words its child receives and the most sharing.
#[inline]
pub(crate) fn pair_energy(model: &Model, v: usize, pair: &Pair, words: f64, shared: f64) -> f64 {
    let parent = &model.architecture.levels[pair.parent];
    let block = parent.block_size as f64;
    let sent = words / shared;
    let mut energy;
    if model.spaces[v].read_write {
        let first = model.words[v] as f64 * pair.reduced;
        energy =
            sent * parent.energy.update_pj / block + (sent - first).max(0.0) * parent.energy.read_pj / block;
        if let Some(child) = pair.child {
            let child = &model.architecture.levels[child];
            energy += (words - first * shared).max(0.0) * child.energy.fill_pj / child.block_size as f64;
        }
    } else {
        energy = sent * parent.energy.read_pj / block;
        if let Some(child) = pair.child {
            let child = &model.architecture.levels[child];
            energy += words * child.energy.fill_pj / child.block_size as f64;
        }
    }
    energy
}

/// Everything a level's tables are made from.
pub(crate) struct Context<'a> {
    pub model: &'a Model,
    pub limits: &'a Limits,
    pub lattice: &'a Lattice,
    pub shared: &'a Shared,
    pub keep: &'a [u8],
    /// `pairs[level][v]`.
    pub pairs: Vec<[Option<Pair>; MAX_SPACES]>,
}

impl LevelTables {
    /// Builds the tables of `level` from those of the level below.
    pub fn new(
        c: &Context,
        level: usize,
        mut options: Vec<SpatialOption>,
        below: Option<&LevelTables>,
    ) -> Self {
        let (model, lattice) = (c.model, c.lattice);
        let spaces = model.spaces.len();
        let temporal = &c.limits.temporal[level];
        let mut loops = 0u16;
        for d in 0..model.dims {
            if temporal.most[d] > 1 {
                loops |= 1 << d;
            }
        }
        let mut classes: Vec<u8> = Vec::new();
        let mut class_dims: Vec<u16> = Vec::new();
        for d in 0..model.dims {
            if loops >> d & 1 == 1 {
                let z = (0..spaces)
                    .filter(|&v| model.spaces[v].relevant >> d & 1 == 0)
                    .fold(0, |m, v| m | 1 << v);
                match classes.iter().position(|&c| c == z) {
                    Some(at) => class_dims[at] |= 1 << d,
                    None => {
                        classes.push(z);
                        class_dims.push(1 << d);
                    }
                }
            }
        }
        for option in &mut options {
            option.stall = arithmetic_stall(c, level, option);
        }
        // Children spans.
        let ones = [0u8; MAX_DIMS];
        let mut raw: Vec<(u32, u32, u32)> = Vec::new();
        {
            let mut add = |digits: &Digits, index: usize| {
                'options: for (o, option) in options.iter().enumerate() {
                    let mut span = [0; MAX_DIMS];
                    for d in 0..model.dims {
                        let extent = u64::from(lattice.divisors[d][usize::from(digits[d])])
                            * u64::from(option.factors[d]);
                        match lattice.position(d, extent) {
                            Some(p) => span[d] = p,
                            None => continue 'options,
                        }
                    }
                    raw.push((lattice.index(&span) as u32, index as u32, o as u32));
                }
            };
            match below {
                None => add(&ones, 0),
                Some(inner) => {
                    for index in 0..lattice.size {
                        if inner.feasible[index] {
                            add(&lattice.digits(index), index);
                        }
                    }
                }
            }
        }
        raw.sort_unstable();
        let all: u8 = ((1u16 << spaces) - 1) as u8;
        let kept = c.keep[level] & all;
        let mut spans: Vec<Span> = Vec::new();
        let mut span_at = vec![u32::MAX; lattice.size];
        let mut fastest = vec![f64::INFINITY; lattice.size];
        let mut least_raw = vec![vec![f64::INFINITY; lattice.size]; classes.len()];
        let mut kept_raw = vec![vec![f64::INFINITY; lattice.size]; classes.len()];
        let mut pairs = Vec::with_capacity(raw.len());
        let mut inner_kept = vec![f64::INFINITY; lattice.size];
        for &(span, child, option) in &raw {
            if spans.last().is_none_or(|s| s.index != span) {
                span_at[span as usize] = spans.len() as u32;
                spans.push(Span {
                    index: span,
                    digits: lattice.digits(span as usize),
                    first: pairs.len() as u32,
                    count: 0,
                    least: [f64::INFINITY; MAX_CLASSES],
                    inner: f64::INFINITY,
                    lowest: f64::INFINITY,
                });
            }
            pairs.push((child, option));
            let o = &options[option as usize];
            let inside = below.map_or(model.macs as f64, |b| b.fastest[child as usize]);
            let slot = &mut fastest[span as usize];
            *slot = slot.min((inside / o.total as f64).max(o.stall));
            let inner = below.map_or(0.0, |b| b.least_kept[child as usize]);
            // Energy of each space if no temporal loop of this level leaves it in place.
            let mut each = [0.0; MAX_SPACES];
            let mut fixed = [0.0; MAX_SPACES];
            for v in 0..spaces {
                let Some(pair) = &c.pairs[level][v] else { continue };
                let shared = o.shared[v] * pair.shared_above * pair.shared_below;
                if pair.child.is_none() {
                    fixed[v] = pair_energy(model, v, pair, model.macs as f64, shared);
                } else {
                    each[v] = pair_energy(model, v, pair, c.shared.wanted[v][child as usize], shared);
                }
            }
            let at = spans.len() - 1;
            let span_slot = &mut spans[at];
            span_slot.count += 1;
            let still: f64 = fixed[..spaces].iter().sum::<f64>() + inner;
            let still_kept: f64 =
                (0..spaces).filter(|v| kept >> v & 1 == 1).map(|v| fixed[v]).sum::<f64>() + inner;
            span_slot.inner = span_slot.inner.min(still);
            inner_kept[span as usize] = inner_kept[span as usize].min(still_kept);
            for (class, &z) in classes.iter().enumerate() {
                let mut sum = still;
                let mut sum_kept = still_kept;
                for (v, &energy) in each[..spaces].iter().enumerate() {
                    if z >> v & 1 == 0 {
                        sum += energy;
                        if kept >> v & 1 == 1 {
                            sum_kept += energy;
                        }
                    }
                }
                span_slot.least[class] = span_slot.least[class].min(sum);
                let slot = &mut least_raw[class][span as usize];
                *slot = slot.min(sum);
                let slot = &mut kept_raw[class][span as usize];
                *slot = slot.min(sum_kept);
            }
        }
        for span in &mut spans {
            span.lowest = span.least[..classes.len()].iter().fold(span.inner, |a, &b| a.min(b));
        }
        let mut order: Vec<u32> = (0..spans.len() as u32).collect();
        order.sort_by(|&a, &b| {
            spans[a as usize]
                .lowest
                .total_cmp(&spans[b as usize].lowest)
                .then(spans[a as usize].index.cmp(&spans[b as usize].index))
        });
        let mut sorted: Vec<Span> = Vec::with_capacity(spans.len());
        let mut slots: Vec<Option<Span>> = spans.into_iter().map(Some).collect();
        for at in order {
            if let Some(span) = slots[at as usize].take() {
                span_at[span.index as usize] = sorted.len() as u32;
                sorted.push(span);
            }
        }
        // Spread over temporal factors.
        let mut buildable: Vec<bool> = span_at.iter().map(|&s| s != u32::MAX).collect();
        let direct = buildable.clone();
        let mut stays = Vec::new();
        for space in &model.spaces {
            let mut table = direct.clone();
            lattice.spread(&mut table, loops & !space.relevant, |a, b| a | b);
            stays.push(table);
        }
        lattice.spread(&mut buildable, loops, |a, b| a | b);
        lattice.spread(&mut fastest, loops, f64::min);
        for table in least_raw.iter_mut().chain(&mut kept_raw) {
            lattice.spread(table, loops, f64::min);
        }
        let mut least_kept = vec![f64::INFINITY; lattice.size];
        for index in 0..lattice.size {
            if !buildable[index] {
                fastest[index] = f64::INFINITY;
                continue;
            }
            let mut words = 0;
            for (v, tiles) in c.shared.tile.iter().enumerate() {
                if kept >> v & 1 == 1 {
                    words += tiles[index];
                }
            }
            if model.words_fit(level, words).is_err() {
                buildable[index] = false;
                fastest[index] = f64::INFINITY;
                continue;
            }
            let once = |v: usize, stationary: bool| -> f64 {
                let Some(pair) = &c.pairs[level][v] else { return 0.0 };
                if pair.child.is_none() || kept >> v & 1 == 0 {
                    return 0.0;
                }
                let words = c.shared.sweep[v][index];
                let words = if stationary { c.shared.sweep[v][lattice.size - 1] } else { words };
                pair_energy(model, v, pair, words, pair.shared_above * pair.shared_below)
            };
            let mut best = f64::INFINITY;
            if direct[index] {
                let all: f64 = (0..spaces).map(|v| once(v, true)).sum();
                best = inner_kept[index] + all;
            }
            for (class, &z) in classes.iter().enumerate() {
                let swept: f64 =
                    (0..spaces).filter(|v| z >> v & 1 == 1).map(|v| once(v, stays[v][index])).sum();
                best = best.min(kept_raw[class][index] + swept);
            }
            least_kept[index] = best;
        }
        Self {
            options,
            spans: sorted,
            pairs,
            span_at,
            feasible: buildable,
            fastest,
            classes,
            class_dims,
            least: least_raw,
            least_kept,
            stays,
        }
    }
}

/// Least cycles by the bandwidth of `level` for words that go straight to the arithmetic, on one instance of the level.
fn arithmetic_stall(c: &Context, level: usize, option: &SpatialOption) -> f64 {
    let model = c.model;
    let limits = model.bandwidth[level];
    if limits == [f64::INFINITY; 3] {
        return 0.0;
    }
    let (mut read, mut write) = (0.0, 0.0);
    for v in 0..model.spaces.len() {
        let Some(pair) = &c.pairs[level][v] else { continue };
        if pair.child.is_some() || pair.parent != level {
            continue;
        }
        let words = model.macs as f64 / (option.shared[v] * pair.shared_below);
        if model.spaces[v].read_write {
            write += words;
            read += (words - model.words[v] as f64 * pair.reduced).max(0.0);
        } else {
            read += words;
        }
    }
    (read / limits[0]).max(write / limits[1]).max((read + write) / limits[2])
}
