//! What a level does with one tile: the iteration states of every directive and the factor each contributes to the
//! volumes of a case. A volume of a case is the product of one factor per directive.
use super::{
    dims::DIMS,
    level::{Entry, FILTER, INPUT, Level, OUTPUT},
};

/// Where a directive is in its iteration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Position {
    Init,
    Steady,
    Edge,
}

/// Kinds of processing elements, as index of the factors of a spatial directive: the first of the array or not, partly
/// filled or not.
pub(super) const FIRST: usize = 0;
pub(super) const FIRST_PARTIAL: usize = 1;
pub(super) const OTHER: usize = 2;
pub(super) const OTHER_PARTIAL: usize = 3;

/// One number per kind of processing element.
pub(super) type Kinds = [i64; 4];

pub(super) fn multiply(left: Kinds, right: &Kinds) -> Kinds {
    [left[0] * right[0], left[1] * right[1], left[2] * right[2], left[3] * right[3]]
}

/// One iteration state of a directive with its factors.
#[derive(Debug, Clone, Copy)]
pub(super) struct State {
    pub position: Position,
    pub count: i64,
    /// Edge, or a first iteration that is already cut short.
    pub edge: bool,
    /// The last cluster of the edge is partly filled (spatial only).
    pub partial: bool,
    /// Factor of a tensor when a directive further in changes.
    pub before: Kinds,
    /// Factor when this directive changes: all of it, or only what is new.
    pub changed: Kinds,
    pub changed_new: Kinds,
    /// Factor when a directive further out changes.
    pub after: Kinds,
    /// Factor when nothing has changed yet.
    pub full: Kinds,
    /// Factor of the output.
    pub output: Kinds,
    /// Factor of the partial sums, `OTHER_PARTIAL` without the reduction across clusters.
    pub sums: Kinds,
}

impl State {
    const NONE: Self = Self {
        position: Position::Init,
        count: 1,
        edge: false,
        partial: false,
        before: [1; 4],
        changed: [1; 4],
        changed_new: [1; 4],
        after: [1; 4],
        full: [1; 4],
        output: [1; 4],
        sums: [1; 4],
    };
}

/// The iteration of one directive over a tile.
#[derive(Debug, Clone, Copy)]
pub(super) struct Iteration {
    states: [State; 3],
    len: usize,
    /// The first iteration covers the whole tile.
    pub unrolled: bool,
}

impl Iteration {
    const NONE: Self = Self { states: [State::NONE; 3], len: 0, unrolled: false };

    pub fn states(&self) -> &[State] {
        &self.states[..self.len]
    }

    fn push(
        &mut self,
        entry: &Entry,
        level: &Level,
        position: Position,
        count: i64,
        edge: bool,
        partial: bool,
    ) {
        let state = &mut self.states[self.len];
        *state = State { position, count, edge, partial, ..State::NONE };
        if entry.spatial {
            spatial_factors(state, entry, level.edge_clusters);
        } else {
            temporal_factors(state, entry);
        }
        self.len += 1;
    }
}

fn temporal_factors(state: &mut State, entry: &Entry) {
    let own = &entry.own;
    let init = state.position == Position::Init;
    let cut = if state.edge { own.edge } else { own.mapped };
    state.before = [if init { cut } else { own.mapped }; 4];
    state.changed = [own.mapped; 4];
    state.changed_new = [own.new; 4];
    state.after = [cut; 4];
    state.full = [cut; 4];
    state.output = [if state.edge { entry.out.edge } else { entry.out.mapped }; 4];
    state.sums = if entry.couples(OUTPUT) { state.output } else { [cut; 4] };
}

fn spatial_factors(state: &mut State, entry: &Entry, edge_clusters: i64) {
    let own = &entry.own;
    let single = edge_clusters == 1;
    state.before = [own.mapped, own.edge, own.mapped, own.edge];
    state.changed = state.before;
    state.changed_new = [own.mapped, own.edge, own.new, own.edge_new];
    state.after = state.changed_new;
    state.full = if !state.edge {
        [own.mapped; 4]
    } else if single {
        [own.edge, own.edge, 1, own.edge]
    } else {
        [own.mapped, own.edge, own.mapped, own.edge]
    };
    let base = |new: i64| if new == 0 { 1 } else { new };
    // The factor of an output-like volume with the amounts `of`; `kept` without the reduction across clusters.
    let output = |of: &super::level::Amounts, kept: bool| {
        let mut factors = [of.mapped, of.mapped, base(of.new), base(of.new)];
        match state.position {
            Position::Init if state.edge => {
                let partial = if single || kept { of.edge } else { of.edge_new };
                factors[FIRST_PARTIAL] = partial;
                factors[OTHER_PARTIAL] = partial;
            }
            Position::Edge if single => {
                factors = [own.edge, own.edge, 1, own.edge];
            }
            Position::Edge => {
                factors[FIRST_PARTIAL] = of.edge_new;
                factors[OTHER_PARTIAL] = of.edge_new;
            }
            _ => {}
        }
        factors
    };
    state.output = output(&entry.out, false);
    if entry.couples(OUTPUT) {
        state.sums = state.output;
        state.sums[OTHER_PARTIAL] = output(&entry.out, true)[OTHER_PARTIAL];
    } else {
        state.sums = output(own, true);
    }
}

/// All iterations of a level over one tile, with what only depends on the innermost changing directive.
#[derive(Debug, Clone, Copy)]
pub(super) struct Iterations {
    list: [Iteration; DIMS],
    /// Product over the temporal directives from an index on of the `after` factors of input and filter.
    pub after: [[i64; DIMS + 1]; 2],
    /// A directive behind an index belongs to the tensor and starts again without covering its tile.
    pub restarts: [[bool; DIMS]; 2],
    pub cases: usize,
}

impl Iterations {
    pub const EMPTY: Self = Self {
        list: [Iteration::NONE; DIMS],
        after: [[1; DIMS + 1]; 2],
        restarts: [[false; DIMS]; 2],
        cases: 1,
    };

    pub fn of(&self, directive: usize) -> &Iteration {
        &self.list[directive]
    }

    /// Prepares the iterations over a tile.
    pub fn prepare(&mut self, level: &Level, tile: &[i64; DIMS]) {
        self.cases = 1;
        for (at, entry) in level.entries().iter().enumerate() {
            let iteration = &mut self.list[at];
            iteration.len = 0;
            let (size, offset) = (entry.size, entry.offset);
            let extent = tile[entry.dim.index()];
            if entry.spatial {
                let clusters = level.clusters;
                let covered = size + offset * (clusters - 1);
                iteration.unrolled = extent <= covered;
                let cut = extent < covered;
                iteration.push(entry, level, Position::Init, 1, cut, cut);
                let steps = ((extent - size) / offset + 1) / clusters - 1;
                if covered < extent && steps > 0 {
                    iteration.push(entry, level, Position::Steady, steps, false, false);
                }
                let round = offset * clusters;
                if extent > covered
                    && (steps + 1) * round + covered > extent
                    && steps * round + covered != extent
                {
                    let rest = extent - (steps + 1) * round;
                    let active = if rest < size { 1 } else { (rest - size) / offset + 1 };
                    let partial = (active - 1) * offset + size < rest;
                    iteration.push(entry, level, Position::Edge, 1, true, partial);
                }
            } else {
                iteration.unrolled = extent <= size;
                iteration.push(entry, level, Position::Init, 1, extent < size, false);
                let steps = (extent - size) / offset;
                if size < extent && steps > 0 {
                    iteration.push(entry, level, Position::Steady, steps, false, false);
                }
                if extent >= size && steps * offset + size < extent {
                    iteration.push(entry, level, Position::Edge, 1, true, false);
                }
            }
            self.cases *= iteration.len;
        }
        for tensor in [INPUT, FILTER] {
            let mut product = 1;
            let mut restarts = false;
            self.after[tensor][level.entries().len()] = 1;
            for (at, entry) in level.entries().iter().enumerate().rev() {
                self.restarts[tensor][at] = restarts;
                if entry.couples(tensor) {
                    if !entry.spatial {
                        product *= self.list[at].states[0].after[FIRST];
                    }
                    restarts |= !self.list[at].unrolled;
                }
                self.after[tensor][at] = product;
            }
        }
    }
}
