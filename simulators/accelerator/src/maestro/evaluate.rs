//! The evaluation: every level goes through its iteration cases, and asks the level below for the time of a tile.
use super::{
    dims::{Coupling, DIMS, Dim, Layer},
    directive::Directive,
    hardware::Hardware,
    level::{FILTER, INPUT, Level, MOST_LEVELS, OUTPUT, build},
    rejection::Rejection,
    report::Evaluation,
    states::{FIRST, FIRST_PARTIAL, Iterations, Kinds, OTHER, OTHER_PARTIAL, multiply},
    totals::{Spread, Totals},
};

/// Evaluates mappings. It owns all memory an evaluation needs; reuse it, one for each thread.
#[derive(Debug, Clone)]
pub struct Evaluator {
    levels: [Level; MOST_LEVELS],
    below: [Below; MOST_LEVELS],
}

impl Default for Evaluator {
    fn default() -> Self {
        Self::new()
    }
}

/// Working memory of one level.
#[derive(Debug, Clone)]
struct Below {
    iterations: Iterations,
    /// Results for the tiles seen so far: which directives of the level above stood at their edge, and the result.
    seen: Vec<(u32, Tile)>,
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
            below: std::array::from_fn(|_| Below {
                iterations: Iterations::EMPTY,
                seen: Vec::with_capacity(16),
            }),
        }
    }

    /// Evaluates one mapping of one layer. With `compat` the energy is that of the reference, which leaves out the
    /// processing elements' buffers of mappings with a `Cluster`; nothing else differs.
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
        for below in &mut self.below[..count] {
            below.seen.clear();
        }
        let mut shared = Shared {
            hardware,
            coupling: &coupling,
            count,
            totals: Totals::default(),
            l1_bytes: None,
            outermost_first: false,
        };
        level::<true>(&self.levels[..count], &mut self.below[..count], &layer.bounds, &mut shared)?;
        if shared.totals.runtime <= 0 {
            return Err(Rejection::NoWork);
        }
        let with_l1 = !compat || shared.outermost_first;
        Ok(Evaluation::new(layer, hardware, &shared.totals, shared.l1_bytes.unwrap_or(0), with_l1))
    }
}

/// Products over the directives up to an index, and the state each is in.
struct Walk {
    digits: [u8; DIMS],
    /// Temporal `before` factors of input and filter.
    before: [[i64; DIMS + 1]; 2],
    /// Temporal factors of the output, and of the partial sums that the output does not have.
    output: [i64; DIMS + 1],
    reduced: [i64; DIMS + 1],
    occurrences: [i64; DIMS + 1],
    /// Directives at their edge, without and with the spatial ones of an unfilled cluster.
    edges: [u32; DIMS + 1],
    edges_partial: [u32; DIMS + 1],
    /// Innermost directive that is not in its first iteration, plus one.
    changing: [usize; DIMS + 1],
}

impl Walk {
    fn new() -> Self {
        Self {
            digits: [0; DIMS],
            before: [[1; DIMS + 1]; 2],
            output: [1; DIMS + 1],
            reduced: [1; DIMS + 1],
            occurrences: [1; DIMS + 1],
            edges: [0; DIMS + 1],
            edges_partial: [0; DIMS + 1],
            changing: [0; DIMS + 1],
        }
    }

    /// Recomputes the products from directive `from` on.
    fn update(&mut self, level: &Level, iterations: &Iterations, from: usize) {
        for (at, entry) in level.entries().iter().enumerate().skip(from) {
            let digit = usize::from(self.digits[at]);
            let state = &iterations.of(at).states()[digit];
            let mut before = [1, 1];
            let (mut output, mut reduced) = (1, 1);
            if !entry.spatial {
                for tensor in [INPUT, FILTER] {
                    if entry.couples(tensor) {
                        before[tensor] = state.before[FIRST];
                    }
                }
                if entry.couples(OUTPUT) {
                    output = state.output[FIRST];
                } else {
                    reduced = state.sums[FIRST];
                }
            }
            self.before[INPUT][at + 1] = self.before[INPUT][at] * before[INPUT];
            self.before[FILTER][at + 1] = self.before[FILTER][at] * before[FILTER];
            self.output[at + 1] = self.output[at] * output;
            self.reduced[at + 1] = self.reduced[at] * reduced;
            self.occurrences[at + 1] = self.occurrences[at].saturating_mul(state.count);
            let differs = state.edge && entry.own.edge != entry.own.mapped;
            let partial = u32::from(differs) << at;
            let always = differs && (!entry.spatial || level.edge_clusters == 1);
            self.edges[at + 1] = self.edges[at] | u32::from(always) << at;
            self.edges_partial[at + 1] = self.edges_partial[at] | partial;
            self.changing[at + 1] = if digit > 0 { at + 1 } else { self.changing[at] };
        }
    }

    /// Goes from case number `case` to the next, in the order of the reference.
    fn advance(&mut self, level: &Level, iterations: &Iterations, case: usize) {
        let mut inner = 1;
        let mut from = level.entries().len();
        for at in (0..level.entries().len()).rev() {
            if !case.is_multiple_of(inner) {
                break;
            }
            let count = iterations.of(at).states().len();
            if count > 1 {
                let next = usize::from(self.digits[at]) + 1;
                self.digits[at] = if next == count { 0 } else { next as u8 };
                from = at;
                inner *= count;
            }
        }
        self.update(level, iterations, from);
    }
}

/// Volume over the array from the volumes of its kinds of processing elements.
fn over_array(volume: &Kinds, clusters: i64, edge_clusters: i64, edge: bool, partial: bool) -> i64 {
    if !edge {
        volume[FIRST] + (clusters - 1) * volume[OTHER]
    } else if edge_clusters == 1 {
        volume[if partial { FIRST_PARTIAL } else { FIRST }]
    } else {
        let unfilled = i64::from(partial);
        volume[FIRST]
            + (edge_clusters - unfilled - 1).max(0) * volume[OTHER]
            + unfilled * volume[OTHER_PARTIAL]
    }
}

fn scaled(kinds: Kinds, scalar: i64) -> Kinds {
    multiply(kinds, &[scalar; 4])
}

/// One level over one tile.
fn level<const OUTERMOST: bool>(
    levels: &[Level],
    memory: &mut [Below],
    tile: &[i64; DIMS],
    shared: &mut Shared<'_>,
) -> Result<Tile, Rejection> {
    let (Some((here, inner_levels)), Some((own, inner_memory))) =
        (levels.split_first(), memory.split_first_mut())
    else {
        return Err(Rejection::NoWork);
    };
    let hardware = shared.hardware;
    let iterations = &mut own.iterations;
    iterations.prepare(here, tile);
    let entries = here.entries();
    let len = entries.len();
    let (clusters, edge_clusters) = (here.clusters, here.edge_clusters);
    let hops = hardware.noc_hops * hardware.noc_hop_latency;
    let network = |volume: i64| hops + ceiling(volume, hardware.noc_bw) - 1;
    let mut walk = Walk::new();
    walk.update(here, iterations, 0);
    let mut spread = Spread::default();
    let mut sums = Totals::default();
    let mut l1_bytes = 0;
    let mut runtime = 0i64;
    let mut active = 0.0;
    let mut occurrences = 0i64;
    let mut passed = false;
    for case in 0..iterations.cases {
        if case > 0 {
            walk.advance(here, iterations, case - 1);
        }
        let state = |at: usize| &iterations.of(at).states()[usize::from(walk.digits[at])];
        let times = walk.occurrences[len];
        if times > i64::from(i32::MAX) {
            return Err(Rejection::TooManyIterations { level: shared.count - levels.len() });
        }
        // Volumes of input and filter that are new in this case.
        let mut fetched = [0i64; 2];
        for tensor in [INPUT, FILTER] {
            let spatial = here.coupled_spatial(tensor);
            let mut kinds = [1; 4];
            let scalar = match walk.changing[len].checked_sub(1) {
                None => {
                    for &at in spatial {
                        kinds = multiply(kinds, &state(at).full);
                    }
                    iterations.after[tensor][0]
                }
                Some(changing) if !entries[changing].couples(tensor) => continue,
                Some(changing) => {
                    let restarts = iterations.restarts[tensor][changing];
                    for &at in spatial {
                        let state = state(at);
                        kinds = multiply(
                            kinds,
                            match at.cmp(&changing) {
                                std::cmp::Ordering::Less => &state.before,
                                std::cmp::Ordering::Equal if restarts => &state.changed,
                                std::cmp::Ordering::Equal => &state.changed_new,
                                std::cmp::Ordering::Greater => &state.after,
                            },
                        );
                    }
                    let step = if entries[changing].spatial {
                        1
                    } else if restarts {
                        entries[changing].own.mapped
                    } else if entries[changing].own.new == 0 {
                        let dim = entries[changing].dim;
                        return Err(Rejection::NothingNew { level: shared.count - levels.len(), dim });
                    } else {
                        entries[changing].own.new
                    };
                    walk.before[tensor][changing] * step * iterations.after[tensor][changing + 1]
                }
            };
            fetched[tensor] = if spatial.is_empty() {
                scalar
            } else {
                let edge = spatial.iter().any(|&at| state(at).edge);
                let partial = spatial.last().is_some_and(|&at| state(at).partial);
                over_array(&scaled(kinds, scalar), clusters, edge_clusters, edge, partial)
            };
        }
        let ingress = fetched[INPUT] + fetched[FILTER];
        // Outputs leaving the array, partial sums of the busiest element and of the array.
        let spatial = here.coupled_spatial(OUTPUT);
        let mut output_kinds = [walk.output[len]; 4];
        for &at in spatial {
            output_kinds = multiply(output_kinds, &state(at).output);
        }
        let mut sum_kinds = [walk.output[len] * walk.reduced[len]; 4];
        let (mut any_edge, mut last_partial) = (false, false);
        for &at in here.spatial() {
            sum_kinds = multiply(sum_kinds, &state(at).sums);
            any_edge |= state(at).edge;
            last_partial = state(at).partial;
        }
        let output_edge = spatial.iter().any(|&at| state(at).edge);
        let output_partial = spatial.last().is_some_and(|&at| state(at).partial);
        let egress = if spatial.is_empty() {
            output_kinds[FIRST]
        } else {
            over_array(&output_kinds, clusters, edge_clusters, output_edge, output_partial)
        };
        let critical = sum_kinds
            [if output_edge && edge_clusters == 1 && output_partial { FIRST_PARTIAL } else { FIRST }];
        if !passed {
            l1_bytes += 2 * mapped_volumes(here, INPUT) + 2 * mapped_volumes(here, FILTER);
            sums.l2_required[INPUT] += 2 * fetched[INPUT];
            sums.l2_required[FILTER] += 2 * fetched[FILTER];
            sums.l2_required[OUTPUT] = 2 * egress;
        }
        if OUTERMOST {
            let partial_sums = if !any_edge {
                clusters * sum_kinds[FIRST]
            } else if edge_clusters == 1 {
                sum_kinds[if last_partial { FIRST_PARTIAL } else { FIRST }]
            } else {
                let unfilled = i64::from(last_partial);
                (1 + (edge_clusters - unfilled - 1).max(0)) * sum_kinds[FIRST]
                    + unfilled * sum_kinds[OTHER_PARTIAL]
            };
            sums.count_outputs(times, egress, partial_sums);
            if critical > 0 {
                sums.count_inputs(times, fetched, partial_sums);
                sums.arithmetic_intensity = partial_sums as f64 / ingress as f64;
            }
        }
        if critical <= 0 {
            continue;
        }
        let first_spatial = state(here.spatial()[0]);
        let busy = if first_spatial.edge { edge_clusters } else { clusters };
        let (compute, units) = if inner_levels.is_empty() {
            (ceiling(critical, hardware.num_simd_lanes), busy as f64)
        } else {
            let mut below = |edges: u32| -> Result<Tile, Rejection> {
                let [next, ..] = &mut *inner_memory else { return Err(Rejection::NoWork) };
                if let Some((_, known)) = next.seen.iter().find(|(key, _)| *key == edges) {
                    return Ok(*known);
                }
                let mut tile = [1; DIMS];
                for (at, entry) in entries.iter().enumerate() {
                    let own = &entry.own;
                    tile[entry.dim.index()] = if edges >> at & 1 == 1 { own.edge } else { own.mapped };
                }
                let result = level::<false>(inner_levels, inner_memory, &tile, shared)?;
                inner_memory[0].seen.push((edges, result));
                Ok(result)
            };
            if first_spatial.edge && first_spatial.partial {
                let last = below(walk.edges_partial[len])?;
                let mut result = (last.cycles, last.active);
                if edge_clusters > 1 {
                    let full = below(walk.edges[len])?;
                    result.0 = result.0.max(full.cycles);
                    result.1 += full.active * (edge_clusters - 1) as f64;
                }
                result
            } else {
                let full = below(walk.edges[len])?;
                (full.cycles, full.active * busy as f64)
            }
        };
        let (ingress_delay, egress_delay) = (network(ingress), network(egress));
        let initial = walk.changing[len] == 0;
        let mut delay =
            if initial { compute + ingress_delay } else { compute.max(ingress_delay).max(egress_delay) };
        if OUTERMOST {
            if compute == 0 {
                return Err(Rejection::NoWork);
            }
            let read = sums.l2_required[INPUT] + sums.l2_required[FILTER];
            let written = sums.l2_required[OUTPUT];
            delay = delay.max(read / hardware.offchip_bw / 2).max(written / hardware.offchip_bw / 2);
            sums.offchip_bandwidth = sums.offchip_bandwidth.max(written / compute).max(read / compute) / 2;
            spread.add(times, ingress_delay, egress_delay, compute, ingress.max(egress));
        }
        passed = true;
        occurrences = occurrences.wrapping_add(times);
        runtime = runtime.wrapping_add(times.wrapping_mul(delay));
        active += times as f64 * units;
    }
    let active = active / occurrences as f64;
    if shared.l1_bytes.is_none() {
        // The output is counted with its input extents, and once however often the inputs are.
        shared.l1_bytes = Some(l1_bytes + 2 * mapped_volumes(here, OUTPUT));
        shared.outermost_first = OUTERMOST;
    }
    if OUTERMOST {
        sums.runtime = runtime;
        sums.active = active;
        sums.spread = spread.finish(occurrences);
        sums.count_whole_tensors(shared.coupling, tile);
        shared.totals = sums;
    }
    Ok(Tile { cycles: runtime, active })
}

/// Rounded up; towards zero where the volume is negative, as the reference does.
fn ceiling(volume: i64, width: i64) -> i64 {
    if volume > 0 { (volume - 1) / width + 1 } else { volume / width }
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
