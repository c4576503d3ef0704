//! What a level does with one tile, prepared so that a case costs a few multiplications.
//!
//! Every directive starts in its first iteration (`Init`), repeats it (`Steady`) and may end with a smaller one (`Edge`). A
//! case is one choice for every directive. All volumes of a case are products of one factor per directive, and a factor knows only two
//! classes: whole (`Init` and `Steady`, or an `Init` that is already cut short) and `Edge`. What is fetched depends on the
//! innermost directive that has moved and, among the others, on the classes of the spatial ones alone.
use super::{
    dims::DIMS,
    hardware::Hardware,
    level::{Amounts, Entry, FILTER, INPUT, Level, OUTPUT},
    rejection::Rejection,
};

/// Kinds of processing elements, as index of the factors of a spatial directive: the first of the array or not, partly
/// filled or not.
const FIRST: usize = 0;
const FIRST_PARTIAL: usize = 1;
const OTHER: usize = 2;
const OTHER_PARTIAL: usize = 3;

/// One number per kind of processing element.
type Kinds = [i64; 4];

fn multiply(left: Kinds, right: &Kinds) -> Kinds {
    [left[0] * right[0], left[1] * right[1], left[2] * right[2], left[3] * right[3]]
}

/// Classes of iterations.
pub(super) const WHOLE: usize = 0;
pub(super) const EDGE: usize = 1;

/// How a directive goes through a tile.
#[derive(Debug, Clone, Copy)]
struct Iteration {
    /// Iterations between the first and the edge.
    steady: i64,
    /// The first iteration is larger than the tile.
    cut: bool,
    has_edge: bool,
    /// The last cluster of the edge is partly filled (spatial only).
    edge_partial: bool,
    /// The first iteration covers the whole tile.
    unrolled: bool,
}

impl Iteration {
    fn new(entry: &Entry, clusters: i64, extent: i64) -> Self {
        let (size, offset) = (entry.size, entry.offset);
        if !entry.spatial {
            if extent <= size {
                let cut = extent < size;
                return Self { steady: 0, cut, has_edge: false, edge_partial: false, unrolled: true };
            }
            let steps = (extent - size) / offset;
            let has_edge = steps * offset + size < extent;
            return Self { steady: steps, cut: false, has_edge, edge_partial: false, unrolled: false };
        }
        let round = offset * clusters;
        let covered = size + round - offset;
        if extent <= covered {
            let cut = extent < covered;
            return Self { steady: 0, cut, has_edge: false, edge_partial: false, unrolled: true };
        }
        let steps = ((extent - size) / offset + 1) / clusters - 1;
        let has_edge = (steps + 1) * round + covered > extent && steps * round + covered != extent;
        let mut edge_partial = false;
        if has_edge {
            let rest = extent - (steps + 1) * round;
            let active = if rest < size { 1 } else { (rest - size) / offset + 1 };
            edge_partial = (active - 1) * offset + size < rest;
        }
        Self { steady: steps.max(0), cut: false, has_edge, edge_partial, unrolled: false }
    }

    fn moves(&self) -> bool {
        self.steady > 0 || self.has_edge
    }

    fn is_edge(&self, class: usize) -> bool {
        class == EDGE || self.cut
    }

    fn is_partial(&self, class: usize) -> bool {
        if class == EDGE { self.edge_partial } else { self.cut }
    }
}

/// A directive with more than one iteration over the tile.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moving {
    /// Iterations between the first and the edge.
    pub steady: i64,
    pub has_edge: bool,
    /// Factors of the output and of the partial sums by class; 1 for spatial directives, whose factors are in [`Array`].
    output: [i64; 2],
    sums: [i64; 2],
    /// Bits that the edge adds to the keys of the tile below, as in [`Prefix`].
    edge_bits: [u32; 2],
    /// What the edge adds to the index of [`Plan::arrays`].
    array: usize,
}

/// Choices for the directives up to an index, and the products over them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Prefix {
    /// How often the choices occur.
    pub times: i64,
    /// Temporal factors of the output and of the partial sums.
    pub output: i64,
    pub sums: i64,
    /// Directives at an edge that changes the tile below: without, and with, those that only cut the last cluster.
    pub edges: [u32; 2],
    /// Index into [`Plan::arrays`].
    pub array: usize,
}

impl Prefix {
    const START: Self = Self { times: 1, output: 1, sums: 1, edges: [0; 2], array: 0 };

    /// Appends a directive in `class`, `times` times.
    pub fn with(&self, moving: &Moving, class: usize, times: i64) -> Self {
        let mut next = Self {
            times: self.times * times,
            output: self.output * moving.output[class],
            sums: self.sums * moving.sums[class],
            ..*self
        };
        if class == EDGE {
            next.edges[0] |= moving.edge_bits[0];
            next.edges[1] |= moving.edge_bits[1];
            next.array |= moving.array;
        }
        next
    }
}

/// Factors of the array for one choice of the spatial directives' classes.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Array {
    /// Factor of the outputs that leave the array.
    pub egress: i64,
    /// Factor of the partial sums of the busiest processing element, and of all of them.
    pub critical: i64,
    pub partial_sums: i64,
    /// Sub-clusters at work.
    pub busy: i64,
    /// The last one has a smaller tile than the others.
    pub split: bool,
}

/// Inputs and filters fetched, and how long the network takes for both.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Fetch {
    pub words: [i64; 2],
    pub delay: i64,
}

/// A level over a tile.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    moving: [Moving; DIMS],
    len: usize,
    /// The directives with a single iteration.
    pub start: Prefix,
    /// Products of the whole-class factors of the moving directives from an index on: output, partial sums.
    rest: [(i64, i64); DIMS + 1],
    /// By class of the first and, twice, of the second spatial directive.
    pub arrays: [Array; 4],
    /// By the innermost directive that has moved plus one (0: none), and as `arrays`.
    pub fetches: [[Fetch; 4]; DIMS + 1],
}

impl Plan {
    pub const EMPTY: Self = Self {
        moving: [Moving {
            steady: 0,
            has_edge: false,
            output: [1; 2],
            sums: [1; 2],
            edge_bits: [0; 2],
            array: 0,
        }; DIMS],
        len: 0,
        start: Prefix::START,
        rest: [(1, 1); DIMS + 1],
        arrays: [Array { egress: 1, critical: 1, partial_sums: 1, busy: 1, split: false }; 4],
        fetches: [[Fetch { words: [0; 2], delay: 0 }; 4]; DIMS + 1],
    };

    /// The directives with more than one iteration, outermost first.
    pub fn moving(&self) -> &[Moving] {
        &self.moving[..self.len]
    }

    /// Output and partial-sum products of `prefix`, all directives from `next` on in their first iteration.
    pub fn products(&self, prefix: &Prefix, next: usize) -> (i64, i64) {
        let (output, sums) = self.rest[next];
        (prefix.output * output, prefix.sums * sums)
    }

    /// Prepares the plan of `level`, the `index`th from outside, for a tile.
    pub fn prepare(
        &mut self,
        level: &Level,
        index: usize,
        tile: &[i64; DIMS],
        hardware: &Hardware,
    ) -> Result<(), Rejection> {
        let entries = level.entries();
        let mut iterations =
            [Iteration { steady: 0, cut: false, has_edge: false, edge_partial: false, unrolled: true }; DIMS];
        let mut places = [0; DIMS];
        let mut slot = 0;
        self.len = 0;
        self.start = Prefix::START;
        let mut most_times = 1i64;
        for (at, entry) in entries.iter().enumerate() {
            let iteration = Iteration::new(entry, level.clusters, tile[entry.dim.index()]);
            iterations[at] = iteration;
            let mut moving = Moving {
                steady: iteration.steady,
                has_edge: iteration.has_edge,
                output: [1; 2],
                sums: [1; 2],
                edge_bits: [entry.edge_bit; 2],
                array: 0,
            };
            if entry.spatial {
                if level.edge_clusters != 1 {
                    moving.edge_bits[0] = 0;
                }
                moving.array = 1 << slot;
                slot += 1;
            } else {
                let amounts = if entry.couples(OUTPUT) { &entry.out } else { &entry.own };
                moving.sums = [if iteration.cut { amounts.edge } else { amounts.mapped }, amounts.edge];
                if entry.couples(OUTPUT) {
                    moving.output = moving.sums;
                }
            }
            if iteration.moves() {
                most_times = most_times.saturating_mul(iteration.steady.max(1));
                self.moving[self.len] = moving;
                places[self.len] = at;
                self.len += 1;
            } else {
                let whole = self.start.with(&moving, WHOLE, 1);
                self.start = whole;
                if iteration.cut {
                    self.start.edges[0] |= moving.edge_bits[0];
                    self.start.edges[1] |= moving.edge_bits[1];
                }
            }
        }
        if most_times > i64::from(i32::MAX) {
            return Err(Rejection::TooManyIterations { level: index });
        }
        self.rest[self.len] = (1, 1);
        for at in (0..self.len).rev() {
            let (output, sums) = self.rest[at + 1];
            let moving = &self.moving[at];
            self.rest[at] = (output * moving.output[WHOLE], sums * moving.sums[WHOLE]);
        }
        let spatial = Spatial::new(level, &iterations);
        for choice in 0..4 {
            if spatial.exists(choice) {
                self.arrays[choice] = spatial.array(level, choice);
            }
        }
        self.prepare_fetches(level, index, &iterations, &places, &spatial, hardware)
    }

    fn prepare_fetches(
        &mut self,
        level: &Level,
        index: usize,
        iterations: &[Iteration; DIMS],
        places: &[usize; DIMS],
        spatial: &Spatial,
        hardware: &Hardware,
    ) -> Result<(), Rejection> {
        for row in &mut self.fetches[..=self.len] {
            *row = [Fetch::default(); 4];
        }
        let entries = level.entries();
        for tensor in [INPUT, FILTER] {
            // Product of the first iterations from an index on (temporal), and whether something there starts again.
            let mut after = [1; DIMS + 1];
            let mut restarts = [false; DIMS];
            let mut again = false;
            for (at, entry) in entries.iter().enumerate().rev() {
                restarts[at] = again;
                after[at] = after[at + 1];
                if entry.couples(tensor) {
                    if !entry.spatial {
                        after[at] *= first_amount(entry, &iterations[at]);
                    }
                    again |= !iterations[at].unrolled;
                }
            }
            self.fetches[0][0].words[tensor] = after[0] * spatial.fetched(level, tensor, 0, None);
            let mut before = 1;
            let mut behind = 0;
            for (row, &at) in places[..self.len].iter().enumerate() {
                for (entry, iteration) in entries[behind..at].iter().zip(&iterations[behind..at]) {
                    if !entry.spatial && entry.couples(tensor) {
                        before *= first_amount(entry, iteration);
                    }
                }
                behind = at;
                let entry = &entries[at];
                if !entry.couples(tensor) {
                    continue;
                }
                let step = if entry.spatial {
                    1
                } else if restarts[at] {
                    entry.own.mapped
                } else if entry.own.new == 0 {
                    return Err(Rejection::NothingNew { level: index, dim: entry.dim });
                } else {
                    entry.own.new
                };
                let scalar = before * step * after[at + 1];
                for choice in 0..4 {
                    if spatial.exists_within(choice, at) {
                        self.fetches[row + 1][choice].words[tensor] =
                            scalar * spatial.fetched(level, tensor, choice, Some((at, restarts[at])));
                    }
                }
            }
        }
        for row in &mut self.fetches[..=self.len] {
            for fetch in row {
                fetch.delay = hardware.network(fetch.words[INPUT] + fetch.words[FILTER]);
            }
        }
        Ok(())
    }
}

/// What the first iteration maps of a temporal directive's dimension.
fn first_amount(entry: &Entry, iteration: &Iteration) -> i64 {
    if iteration.cut { entry.own.edge } else { entry.own.mapped }
}

/// The spatial directives of a level over a tile.
struct Spatial {
    at: [usize; 2],
    len: usize,
    iterations: [Iteration; 2],
}

impl Spatial {
    fn new(level: &Level, iterations: &[Iteration; DIMS]) -> Self {
        let list = level.spatial();
        let at = [list[0], list[list.len() - 1]];
        Self { at, len: list.len(), iterations: at.map(|at| iterations[at]) }
    }

    /// Whether the directives reach the classes of `choice`.
    fn exists(&self, choice: usize) -> bool {
        self.exists_within(choice, DIMS)
    }

    /// The same where the innermost directive that has moved is the one at `changing`.
    fn exists_within(&self, choice: usize, changing: usize) -> bool {
        (0..2).all(|slot| {
            choice >> slot & 1 == WHOLE
                || (slot < self.len && self.iterations[slot].has_edge && self.at[slot] <= changing)
        })
    }

    fn class(&self, choice: usize, at: usize) -> (usize, &Iteration) {
        let slot = usize::from(at != self.at[0]);
        (choice >> slot & 1, &self.iterations[slot])
    }

    /// Whether one of the directives `list` is at its edge, and whether that of the last one is partly filled.
    fn flags(&self, list: &[usize], choice: usize) -> (bool, bool) {
        let mut flags = (false, false);
        for &at in list {
            let (class, iteration) = self.class(choice, at);
            flags = (flags.0 | iteration.is_edge(class), iteration.is_partial(class));
        }
        flags
    }

    fn array(&self, level: &Level, choice: usize) -> Array {
        let (clusters, edge_clusters) = (level.clusters, level.edge_clusters);
        let coupled = level.coupled_spatial(OUTPUT);
        let (mut output, mut sums) = ([1; 4], [1; 4]);
        for &at in level.spatial() {
            let entry = &level.entries()[at];
            let (class, iteration) = self.class(choice, at);
            let factors = output_factors(entry, iteration, class, edge_clusters);
            sums = multiply(sums, &factors.sums);
            if entry.couples(OUTPUT) {
                output = multiply(output, &factors.output);
            }
        }
        let (output_edge, output_partial) = self.flags(coupled, choice);
        let (any_edge, last_partial) = self.flags(level.spatial(), choice);
        let (class, first) = self.class(choice, self.at[0]);
        let single = edge_clusters == 1;
        Array {
            egress: over_array(&output, level, coupled, output_edge, output_partial),
            critical: sums[if output_edge && single && output_partial { FIRST_PARTIAL } else { FIRST }],
            partial_sums: if !any_edge {
                clusters * sums[FIRST]
            } else if single {
                sums[if last_partial { FIRST_PARTIAL } else { FIRST }]
            } else {
                let unfilled = i64::from(last_partial);
                (1 + (edge_clusters - unfilled - 1).max(0)) * sums[FIRST] + unfilled * sums[OTHER_PARTIAL]
            },
            busy: if first.is_edge(class) { edge_clusters } else { clusters },
            split: first.is_edge(class) && first.is_partial(class),
        }
    }

    /// Factor of what the array fetches when the directive at `changing` moves, and starts again or not.
    fn fetched(&self, level: &Level, tensor: usize, choice: usize, changing: Option<(usize, bool)>) -> i64 {
        let list = level.coupled_spatial(tensor);
        let mut kinds = [1; 4];
        for &at in list {
            let own = &level.entries()[at].own;
            let whole = [own.mapped, own.edge, own.mapped, own.edge];
            let new = [own.mapped, own.edge, own.new, own.edge_new];
            let factor = match changing {
                None if !self.class(choice, at).1.cut => [own.mapped; 4],
                None if level.edge_clusters == 1 => [own.edge, own.edge, 1, own.edge],
                None => whole,
                Some((moved, _)) if at < moved => whole,
                Some((moved, restarts)) if at == moved && restarts => whole,
                Some(_) => new,
            };
            kinds = multiply(kinds, &factor);
        }
        let (edge, partial) = self.flags(list, choice);
        over_array(&kinds, level, list, edge, partial)
    }
}

/// Volume over the array from the volumes of its kinds of processing elements.
fn over_array(volume: &Kinds, level: &Level, coupled: &[usize], edge: bool, partial: bool) -> i64 {
    if coupled.is_empty() {
        volume[FIRST]
    } else if !edge {
        volume[FIRST] + (level.clusters - 1) * volume[OTHER]
    } else if level.edge_clusters == 1 {
        volume[if partial { FIRST_PARTIAL } else { FIRST }]
    } else {
        let unfilled = i64::from(partial);
        volume[FIRST]
            + (level.edge_clusters - unfilled - 1).max(0) * volume[OTHER]
            + unfilled * volume[OTHER_PARTIAL]
    }
}

/// Factors of a spatial directive: of the output, and of the partial sums.
struct OutputFactors {
    output: Kinds,
    sums: Kinds,
}

fn output_factors(entry: &Entry, iteration: &Iteration, class: usize, edge_clusters: i64) -> OutputFactors {
    let own = &entry.own;
    let single = edge_clusters == 1;
    let base = |new: i64| if new == 0 { 1 } else { new };
    // The factor of an output-like volume with the amounts `of`; `kept` without the reduction across clusters.
    let output = |of: &Amounts, kept: bool| {
        if class == EDGE && single {
            return [own.edge, own.edge, 1, own.edge];
        }
        let mut factors = [of.mapped, of.mapped, base(of.new), base(of.new)];
        if class == EDGE || iteration.cut {
            let partial = if class == WHOLE && (single || kept) { of.edge } else { of.edge_new };
            factors[FIRST_PARTIAL] = partial;
            factors[OTHER_PARTIAL] = partial;
        }
        factors
    };
    if !entry.couples(OUTPUT) {
        return OutputFactors { output: [1; 4], sums: output(own, true) };
    }
    let factors = output(&entry.out, false);
    let mut sums = factors;
    sums[OTHER_PARTIAL] = output(&entry.out, true)[OTHER_PARTIAL];
    OutputFactors { output: factors, sums }
}
