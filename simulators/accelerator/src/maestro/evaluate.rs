//! The evaluation: every level goes through its iteration cases, and asks the level below for the time of a tile.
use super::{
    dims::{DIMS, Dim},
    directive::Directive,
    hardware::{Hardware, ceiling},
    layer::{Coupling, Layer},
    level::{FILTER, INPUT, Level, MOST_LEVELS, OUTPUT, build},
    plan::{EDGE, Plan, Prefix, WHOLE},
    rejection::Rejection,
    report::Evaluation,
    totals::{Spread, Totals},
};

/// Evaluates mappings. It owns all memory an evaluation needs; reuse it, one for each thread.
#[derive(Debug, Clone)]
pub struct Evaluator {
    levels: [Level; MOST_LEVELS],
    memory: [Memory; MOST_LEVELS],
}

impl Default for Evaluator {
    fn default() -> Self {
        Self::new()
    }
}

/// Working memory of one level.
#[derive(Debug, Clone)]
struct Memory {
    plan: Plan,
    /// Results for tiles, by the bits of the directives of the level above that stand at their edge.
    known: Vec<Option<Tile>>,
}

/// What a level tells the level above about a tile.
#[derive(Debug, Clone, Copy, Default)]
struct Tile {
    cycles: i64,
    active: f64,
}

/// What all levels share.
struct Shared<'a> {
    hardware: &'a Hardware,
    coupling: &'a Coupling,
    /// Number of levels.
    count: usize,
    totals: Totals,
    /// Requirement of a processing element's buffer, from the first level that was finished.
    l1_bytes: Option<i64>,
    /// The outermost level was finished first.
    outermost_first: bool,
}

impl Evaluator {
    /// An evaluator.
    pub fn new() -> Self {
        Self {
            levels: [Level::EMPTY; MOST_LEVELS],
            memory: std::array::from_fn(|_| Memory {
                plan: Plan::EMPTY,
                known: Vec::with_capacity(1 << DIMS),
            }),
        }
    }

    /// Evaluates one mapping of one layer. With `compat` the energy is that of the reference, which leaves out the
    /// processing elements' buffers of mappings with a `Cluster`, and a network without a limit has the area and power of one
    /// that is 2^31 - 1 elements wide; nothing else differs.
    ///
    /// # Errors
    /// When the mapping is not one the reference could evaluate either; see [`Rejection`].
    pub fn evaluate(
        &mut self,
        layer: &Layer,
        directives: &[Directive],
        hardware: &Hardware,
        compat: bool,
    ) -> Result<Evaluation, Rejection> {
        hardware.check()?;
        let coupling = layer.coupling();
        let count = build(layer, &coupling, directives, hardware, &mut self.levels)?;
        for (above, memory) in self.levels.iter().zip(&mut self.memory[1..]).take(count - 1) {
            memory.known.clear();
            memory.known.resize(above.edge_keys(), None);
        }
        let mut shared = Shared {
            hardware,
            coupling: &coupling,
            count,
            totals: Totals::default(),
            l1_bytes: None,
            outermost_first: false,
        };
        level::<true>(&self.levels[..count], &mut self.memory[..count], &layer.bounds, &mut shared)?;
        if shared.totals.runtime <= 0 {
            return Err(Rejection::NoWork);
        }
        let with_l1 = !compat || shared.outermost_first;
        Ok(Evaluation::new(layer, hardware, &shared.totals, shared.l1_bytes.unwrap_or(0), with_l1, compat))
    }
}

/// The cases of one level over one tile, and the sums over them.
struct Cases<'r, 's, const OUTERMOST: bool> {
    here: &'r Level,
    plan: &'r Plan,
    inner_levels: &'r [Level],
    inner_memory: &'r mut [Memory],
    shared: &'r mut Shared<'s>,
    sums: Totals,
    spread: Spread,
    runtime: i64,
    active: f64,
    occurrences: i64,
    /// Cases up to the first with work, and whether that was met.
    first_cases: i64,
    passed: bool,
}

/// One level over one tile.
fn level<const OUTERMOST: bool>(
    levels: &[Level],
    memory: &mut [Memory],
    tile: &[i64; DIMS],
    shared: &mut Shared<'_>,
) -> Result<Tile, Rejection> {
    let (Some((here, inner_levels)), Some((own, inner_memory))) =
        (levels.split_first(), memory.split_first_mut())
    else {
        return Err(Rejection::NoWork);
    };
    own.plan.prepare(here, shared.count - levels.len(), tile, shared.hardware)?;
    let plan = &own.plan;
    let mut cases = Cases::<OUTERMOST> {
        here,
        plan,
        inner_levels,
        inner_memory,
        shared,
        sums: Totals::default(),
        spread: Spread::default(),
        runtime: 0,
        active: 0.0,
        occurrences: 0,
        first_cases: 0,
        passed: false,
    };
    // The statistics of the outermost level depend on the order of the cases, and so does what is counted before the first
    // case with work; elsewhere equal cases are taken together.
    cases.case(0, 0, &plan.start)?;
    if OUTERMOST || !cases.passed {
        cases.in_order(0, 0, &plan.start)?;
    } else {
        cases.together(0, &plan.start)?;
    }
    Ok(cases.finish(tile))
}

impl<const OUTERMOST: bool> Cases<'_, '_, OUTERMOST> {
    /// Every case but the first, in the order of the reference: the last directive changes fastest, and each comes to
    /// its first iteration last. `moved` as in [`Plan::fetches`].
    fn in_order(&mut self, at: usize, moved: usize, prefix: &Prefix) -> Result<(), Rejection> {
        let Some(moving) = self.plan.moving().get(at) else {
            return if moved == 0 { Ok(()) } else { self.case(at, moved, prefix) };
        };
        if moving.steady > 0 {
            self.in_order(at + 1, at + 1, &prefix.with(moving, WHOLE, moving.steady))?;
        }
        if moving.has_edge {
            self.in_order(at + 1, at + 1, &prefix.with(moving, EDGE, 1))?;
        }
        self.in_order(at + 1, moved, &prefix.with(moving, WHOLE, 1))
    }

    /// Every case in which a directive from `at` on has moved, equal ones together: further out, the first iteration is
    /// like the steady ones.
    fn together(&mut self, at: usize, prefix: &Prefix) -> Result<(), Rejection> {
        let Some(moving) = self.plan.moving().get(at) else { return Ok(()) };
        if moving.steady > 0 {
            self.case(at + 1, at + 1, &prefix.with(moving, WHOLE, moving.steady))?;
        }
        self.together(at + 1, &prefix.with(moving, WHOLE, 1 + moving.steady))?;
        if moving.has_edge {
            let edge = prefix.with(moving, EDGE, 1);
            self.case(at + 1, at + 1, &edge)?;
            self.together(at + 1, &edge)?;
        }
        Ok(())
    }

    /// One case: `prefix` for the directives before `next`, the first iteration for the others.
    fn case(&mut self, next: usize, moved: usize, prefix: &Prefix) -> Result<(), Rejection> {
        let hardware = self.shared.hardware;
        let array = &self.plan.arrays[prefix.array];
        let fetch = &self.plan.fetches[moved][prefix.array];
        let (output, partial) = self.plan.products(prefix, next);
        // Outputs leaving the array, partial sums of the busiest element.
        let egress = output * array.egress;
        let critical = partial * array.critical;
        let times = prefix.times;
        if !self.passed {
            self.first_cases += 1;
            if OUTERMOST {
                self.sums.l2_required[INPUT] += 2 * fetch.words[INPUT];
                self.sums.l2_required[FILTER] += 2 * fetch.words[FILTER];
                self.sums.l2_required[OUTPUT] = 2 * egress;
            }
        }
        if OUTERMOST {
            let partial_sums = partial * array.partial_sums;
            self.sums.count_outputs(times, egress, partial_sums);
            if critical > 0 {
                self.sums.count_inputs(times, fetch.words, partial_sums);
                let ingress = fetch.words[INPUT] + fetch.words[FILTER];
                self.sums.arithmetic_intensity = partial_sums as f64 / ingress as f64;
            }
        }
        if critical <= 0 {
            return Ok(());
        }
        let (compute, units) = if self.inner_levels.is_empty() {
            (ceiling(critical, hardware.num_simd_lanes), array.busy as f64)
        } else if array.split {
            let last = self.below(prefix.edges[1])?;
            let mut result = (last.cycles, last.active);
            let full = self.here.edge_clusters - 1;
            if full > 0 {
                let others = self.below(prefix.edges[0])?;
                result.0 = result.0.max(others.cycles);
                result.1 += others.active * full as f64;
            }
            result
        } else {
            let full = self.below(prefix.edges[0])?;
            (full.cycles, full.active * array.busy as f64)
        };
        let egress_delay = hardware.network(egress);
        let mut delay =
            if moved == 0 { compute + fetch.delay } else { compute.max(fetch.delay).max(egress_delay) };
        if OUTERMOST {
            if compute == 0 {
                return Err(Rejection::NoWork);
            }
            let read = self.sums.l2_required[INPUT] + self.sums.l2_required[FILTER];
            let written = self.sums.l2_required[OUTPUT];
            delay = delay.max(read / hardware.offchip_bw / 2).max(written / hardware.offchip_bw / 2);
            let bandwidth = &mut self.sums.offchip_bandwidth;
            *bandwidth = (*bandwidth).max(written / compute).max(read / compute) / 2;
            let ingress = fetch.words[INPUT] + fetch.words[FILTER];
            self.spread.add(times, fetch.delay, egress_delay, compute, ingress.max(egress));
        }
        self.passed = true;
        self.occurrences = self.occurrences.wrapping_add(times);
        self.runtime = self.runtime.wrapping_add(times.wrapping_mul(delay));
        self.active += times as f64 * units;
        Ok(())
    }

    /// The level below over the tile in which the directives of `edges` stand at their edge.
    fn below(&mut self, edges: u32) -> Result<Tile, Rejection> {
        let [next, ..] = &mut *self.inner_memory else { return Err(Rejection::NoWork) };
        if let Some(known) = next.known.get(edges as usize).copied().flatten() {
            return Ok(known);
        }
        let mut tile = [1; DIMS];
        for entry in self.here.entries() {
            let own = &entry.own;
            tile[entry.dim.index()] = if edges & entry.edge_bit != 0 { own.edge } else { own.mapped };
        }
        let result = level::<false>(self.inner_levels, self.inner_memory, &tile, self.shared)?;
        if let Some(place) = self.inner_memory[0].known.get_mut(edges as usize) {
            *place = Some(result);
        }
        Ok(result)
    }

    fn finish(mut self, tile: &[i64; DIMS]) -> Tile {
        let active = self.active / self.occurrences as f64;
        if self.shared.l1_bytes.is_none() {
            // The output is counted with its input extents, and once however often the inputs are.
            let inputs = mapped_volumes(self.here, INPUT) + mapped_volumes(self.here, FILTER);
            self.shared.l1_bytes =
                Some(2 * inputs * self.first_cases + 2 * mapped_volumes(self.here, OUTPUT));
            self.shared.outermost_first = OUTERMOST;
        }
        if OUTERMOST {
            self.sums.runtime = self.runtime;
            self.sums.active = active;
            self.sums.spread = self.spread.finish(self.occurrences);
            self.sums.count_whole_tensors(self.shared.coupling, tile);
            self.shared.totals = self.sums;
        }
        Tile { cycles: self.runtime, active }
    }
}

/// Product of what a level maps at a time over a tensor's dimensions, in input extents.
fn mapped_volumes(level: &Level, tensor: usize) -> i64 {
    level.entries().iter().filter(|entry| entry.couples(tensor)).map(|entry| entry.own.mapped).product()
}

impl Totals {
    fn count_whole_tensors(&mut self, coupling: &Coupling, tile: &[i64; DIMS]) {
        let extent = |dim: Dim| tile[dim.index()];
        let product = |dims: &[Dim]| dims.iter().map(|&dim| extent(dim)).product::<i64>();
        self.l2_write[INPUT] = product(coupling.input);
        self.l2_write[FILTER] = product(coupling.filter);
        self.l2_read[OUTPUT] = coupling
            .output
            .iter()
            .map(|&dim| match dim.window() {
                Some(window) => extent(dim) - extent(window) + 1,
                None => extent(dim),
            })
            .product();
    }
}
