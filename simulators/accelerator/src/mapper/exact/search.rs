//! Branch and bound over tiles, from the outermost level inwards.
use std::collections::HashMap;
use std::rc::Rc;
use std::time::Instant;

use super::lattice::{Digits, Lattice};
use super::orders::{Order, continues, orders};
use super::tables::{Context, LevelTables, MAX_CLASSES, Pair, pair_energy};
use super::{Goal, Solution};
use crate::timeloop::MAX_LEVELS;
use crate::timeloop::evaluate::Detail;
use crate::timeloop::mapping::Nest;
use crate::timeloop::model::Model;
use crate::timeloop::reuse::{Loop, delivered};
use crate::workload::{MAX_DIMS, MAX_SPACES};

const MAX_SLIDE: usize = 14;
/// Labels remembered for one state; more would cost more than they cut off.
const MAX_COMPARED: usize = 48;

/// Loops just outside the current tile, as far as a sliding window can still use them.
#[derive(Clone, Copy, PartialEq)]
struct Slide {
    loops: [Loop; MAX_SLIDE],
    count: u8,
    /// Product of the loops beyond.
    rest: u64,
    open: bool,
}

/// A partial mapping: everything outside a tile.
#[derive(Clone, Copy)]
struct Label {
    tile: u32,
    digits: Digits,
    instances: u64,
    energy: f64,
    /// Innermost run of loops that leave each space in place.
    reuse: [u64; MAX_SPACES],
    /// Distinct children per parent instance since the last level that keeps the space.
    groups: [u64; MAX_SPACES],
    /// Instances of that level.
    parent_instances: [u64; MAX_SPACES],
    /// Distinct children over all levels so far, for the share of the outputs.
    all_groups: u64,
    /// Words read and written so far at levels with a bandwidth.
    traffic: [[f64; 2]; MAX_LEVELS],
    /// Least cycles by bandwidth so far.
    stall: f64,
    slide: Slide,
}

/// A child on the list of one expansion.
struct Child {
    label: Label,
    key: (f64, f64),
    span: u32,
    option: u32,
    order: Rc<Vec<Order>>,
    which: usize,
}

/// A search with its incumbent.
pub(crate) struct Search<'a> {
    context: &'a Context<'a>,
    tables: &'a [LevelTables],
    goal: Goal,
    output: usize,
    sliding: Option<usize>,
    limited: bool,
    /// Best so far.
    pub best: Option<Solution>,
    /// Nothing at or above this is looked at.
    cut: (f64, f64),
    nest: Nest,
    seen: HashMap<(u8, u32, u64), Vec<Label>>,
    orders: Vec<Option<Rc<Vec<Order>>>>,
    pub nodes: u64,
    deadline: Option<Instant>,
    pub timed_out: bool,
    /// Least bound of what a time limit left out.
    pub left_out: f64,
    detail: Detail,
    /// All solutions met (for fronts).
    pub front: Option<Vec<Solution>>,
}

impl<'a> Search<'a> {
    pub fn new(
        context: &'a Context<'a>,
        tables: &'a [LevelTables],
        goal: Goal,
        best: Option<Solution>,
        deadline: Option<Instant>,
    ) -> Self {
        let model = context.model;
        let mut nest = Nest::unit();
        for (slot, keep) in nest.keep.iter_mut().zip(context.keep) {
            *slot = *keep;
        }
        Self {
            context,
            tables,
            goal,
            output: model.problem.output(),
            sliding: model.spaces.iter().position(|s| !s.plain),
            limited: model.bandwidth[..model.levels].iter().any(|b| *b != [f64::INFINITY; 3]),
            best,
            cut: (f64::INFINITY, f64::INFINITY),
            nest,
            seen: HashMap::new(),
            orders: vec![None; model.levels << model.dims],
            nodes: 0,
            deadline,
            timed_out: false,
            left_out: f64::INFINITY,
            detail: Detail::default(),
            front: None,
        }
    }

    fn lattice(&self) -> &'a Lattice {
        self.context.lattice
    }

    fn root(&self) -> Label {
        let lattice = self.lattice();
        let mut digits = [0; MAX_DIMS];
        for d in 0..lattice.dims {
            digits[d] = (lattice.divisors[d].len() - 1) as u8;
        }
        Label {
            tile: (lattice.size - 1) as u32,
            digits,
            instances: 1,
            energy: self.context.model.macs as f64 * self.context.model.architecture.arithmetic.compute_pj,
            reuse: [1; MAX_SPACES],
            groups: [1; MAX_SPACES],
            parent_instances: [1; MAX_SPACES],
            all_groups: 1,
            traffic: [[0.0; 2]; MAX_LEVELS],
            stall: 0.0,
            slide: Slide { loops: [Loop::default(); MAX_SLIDE], count: 0, rest: 1, open: true },
        }
    }

    /// Least (energy, cycles) of any mapping, `None` where there is none.
    pub fn root_bound(&self) -> Option<(f64, f64)> {
        let top = self.context.model.levels - 1;
        let root = self.root();
        if !self.tables[top].feasible[root.tile as usize] {
            return None;
        }
        Some(self.bound(top, &root))
    }

    /// Objective as a key that is compared in order; smaller is better.
    fn key(&self, energy: f64, cycles: f64) -> (f64, f64) {
        match self.goal {
            Goal::Energy => (energy, cycles),
            Goal::Delay => (cycles, energy),
            Goal::Edp => (energy * cycles, energy),
        }
    }

    /// Runs once with a cut; finds the best solution below it.
    pub fn pass(&mut self, cut: (f64, f64)) {
        self.cut = cut;
        if let Some(best) = &self.best {
            let key = self.key(best.cost.energy_pj, best.cost.cycles as f64);
            if key < self.cut {
                self.cut = key;
            }
        }
        self.seen.clear();
        let top = self.context.model.levels - 1;
        let root = self.root();
        self.expand(top, &root);
    }

    /// Least energy of one sweep of each space below `level`: where loops of the level may move it, and where none do.
    fn sweeps(&self, level: usize, label: &Label) -> ([f64; MAX_SPACES], [f64; MAX_SPACES]) {
        let t = &self.tables[level];
        let at = label.tile as usize;
        let c = self.context;
        let mut once = [0.0; MAX_SPACES];
        let mut spread = [0.0; MAX_SPACES];
        for (v, space) in c.model.spaces.iter().enumerate() {
            let Some(pair) = &c.pairs[level][v] else { continue };
            if pair.child.is_none() {
                continue;
            }
            let words = c.shared.sweep[v][at];
            let reused = self.reused(label, v, words, space.plain);
            let shared = pair.shared_above * pair.shared_below;
            spread[v] = pair_energy(c.model, v, pair, reused, shared);
            once[v] = if t.stays[v][at] { spread[v] } else { pair_energy(c.model, v, pair, words, shared) };
        }
        (once, spread)
    }

    /// Least energy and cycles of any completion of a label at `level`.
    fn bound(&self, level: usize, label: &Label) -> (f64, f64) {
        let t = &self.tables[level];
        let at = label.tile as usize;
        let (once, spread) = self.sweeps(level, label);
        let mut least = f64::INFINITY;
        if t.span_at[at] != u32::MAX {
            least = t.spans[t.span_at[at] as usize].inner + spread.iter().sum::<f64>();
        }
        for (class, &z) in t.classes.iter().enumerate() {
            least = least.min(t.least[class][at] + part(&once, z));
        }
        let cycles = (t.fastest[at] / label.instances as f64).max(label.stall);
        let energy = label.energy + least;
        (energy + self.leak(label, cycles), cycles)
    }

    /// Words of one sweep, divided by what the loops outside reuse.
    fn reused(&self, label: &Label, v: usize, words: f64, plain: bool) -> f64 {
        if plain {
            return words / label.reuse[v] as f64;
        }
        let space = &self.context.model.spaces[v];
        let mut still = 1u64;
        for l in &label.slide.loops[..usize::from(label.slide.count)] {
            if space.relevant >> l.dim & 1 == 1 {
                // A sliding window: the sweep counts distinct points, which every repetition of later still loops needs
                // again, but moving loops of the same axis may share.
                return self.context.shared.sweep[v][self.context.lattice.size - 1].min(words / still as f64);
            }
            still *= u64::from(l.bound);
        }
        words / still as f64
    }

    fn leak(&self, label: &Label, cycles: f64) -> f64 {
        // Instances in use inside are not known yet: those outside are.
        let model = self.context.model;
        let top = model.levels - 1;
        let mut energy = model.architecture.levels[top].energy.leak_pj * cycles;
        if model.levels == 1 {
            energy += model.architecture.arithmetic.leak_pj * cycles * label.instances as f64;
        }
        energy
    }

    fn worse(&self, energy: f64, cycles: f64) -> bool {
        // A hair below, so that rounding in another order never cuts off an equal solution's better one.
        let key = match self.goal {
            Goal::Energy => (energy * (1.0 - 1e-12), cycles),
            Goal::Delay => ((cycles * (1.0 - 1e-12)).ceil(), energy * (1.0 - 1e-12)),
            Goal::Edp => (energy * (cycles * (1.0 - 1e-12)).ceil() * (1.0 - 1e-12), energy),
        };
        if self.front.is_some() {
            return self.front_worse(energy, (cycles * (1.0 - 1e-12)).ceil());
        }
        match self.goal {
            Goal::Delay => key >= self.cut,
            _ => key.0 >= self.cut.0,
        }
    }

    fn front_worse(&self, energy: f64, cycles: f64) -> bool {
        self.front.as_ref().is_some_and(|front| {
            front.iter().any(|s| s.cost.energy_pj <= energy * (1.0 - 1e-12) && s.cost.cycles as f64 <= cycles)
        })
    }

    fn expand(&mut self, level: usize, label: &Label) {
        if self.timed_out {
            return;
        }
        if self.nodes.is_multiple_of(64) && self.deadline.is_some_and(|d| Instant::now() >= d) {
            self.timed_out = true;
            return;
        }
        let mut children = self.children(level, label);
        children.sort_by(|a, b| {
            a.key
                .0
                .total_cmp(&b.key.0)
                .then(a.key.1.total_cmp(&b.key.1))
                .then(a.span.cmp(&b.span))
                .then(a.option.cmp(&b.option))
        });
        let (tables, lattice) = (self.tables, self.lattice());
        for child in &children {
            let cut = match self.goal {
                _ if self.front.is_some() => false,
                Goal::Delay => child.key >= self.cut,
                _ => child.key.0 >= self.cut.0,
            };
            if cut {
                break;
            }
            if self.timed_out {
                self.left_out = self.left_out.min(child.key.0);
                break;
            }
            let span = &tables[level].spans[child.span as usize];
            let order = &child.order[child.which];
            let option = &tables[level].options[child.option as usize];
            for d in 0..lattice.dims {
                let t = lattice.quotient(d, label.digits[d], span.digits[d]);
                self.nest.temporal[level][d] = lattice.divisors[d][usize::from(t)];
            }
            self.nest.spatial[level] = option.factors;
            self.nest.along_y[level] = option.along_y;
            self.write_order(level, order);
            if level == 0 {
                self.finish();
                continue;
            }
            // The innermost level leaves nothing to choose.
            if level > 1 && self.dominated(level - 1, &child.label) {
                continue;
            }
            self.expand(level - 1, &child.label);
            if self.timed_out {
                self.left_out = self.left_out.min(child.key.0);
            }
        }
    }

    fn write_order(&mut self, level: usize, order: &Order) {
        let dims = self.context.model.dims;
        let limits = self.context.limits;
        let (inner, outer) = (&limits.innermost[level], &limits.outermost[level]);
        let mut next = 0;
        let slot = &mut self.nest.order[level];
        let mut used = 0u16;
        let mut put = |d: u8, used: &mut u16| {
            if *used >> d & 1 == 0 {
                *used |= 1 << d;
                slot[next] = d;
                next += 1;
            }
        };
        for &d in inner {
            put(d, &mut used);
        }
        for &d in &order.dims {
            if !outer.contains(&d) {
                put(d, &mut used);
            }
        }
        for d in 0..dims as u8 {
            if !outer.contains(&d) {
                put(d, &mut used);
            }
        }
        for &d in outer {
            put(d, &mut used);
        }
    }

    fn finish(&mut self) {
        let model = self.context.model;
        let Ok(cost) = model.evaluate(&self.nest, &mut self.detail) else { return };
        let used = self.detail.macs_used as f64 / model.architecture.arithmetic.instances as f64;
        if used + 1e-12 < self.context.limits.parallelism {
            return;
        }
        if let Some(front) = &mut self.front {
            if front.iter().any(|s| s.cost.energy_pj <= cost.energy_pj && s.cost.cycles <= cost.cycles) {
                return;
            }
            front.retain(|s| !(cost.energy_pj <= s.cost.energy_pj && cost.cycles <= s.cost.cycles));
            front.push(Solution { nest: self.nest, cost });
            return;
        }
        let key = self.key(cost.energy_pj, cost.cycles as f64);
        if key < self.cut {
            self.cut = key;
            self.best = Some(Solution { nest: self.nest, cost });
        }
    }

    fn children(&mut self, level: usize, label: &Label) -> Vec<Child> {
        let (tables, lattice) = (self.tables, self.lattice());
        let model = self.context.model;
        let t = &tables[level];
        let block = self.context.limits.temporal[level];
        let mut children = Vec::new();
        let cycles = (t.fastest[label.tile as usize] / label.instances as f64).max(label.stall);
        let base = label.energy + self.leak(label, cycles);
        let (once, spread) = self.sweeps(level, label);
        'spans: for (at, span) in t.spans.iter().enumerate() {
            // Sorted by least energy.
            if self.worse(base + span.lowest, cycles) {
                break;
            }
            let mut active = 0u16;
            let mut factors = [1u32; MAX_DIMS];
            for d in 0..lattice.dims {
                let q = lattice.quotient(d, label.digits[d], span.digits[d]);
                if q == super::lattice::NONE {
                    continue 'spans;
                }
                let factor = lattice.divisors[d][usize::from(q)];
                if factor < block.least[d] || factor > block.most[d] {
                    continue 'spans;
                }
                factors[d] = factor;
                if factor > 1 {
                    active |= 1 << d;
                }
            }
            self.nodes += 1;
            // Least energy by class of the loops that are there.
            let mut by_class = [f64::INFINITY; MAX_CLASSES];
            let mut lowest = f64::INFINITY;
            if active == 0 {
                lowest = span.inner + spread.iter().sum::<f64>();
            }
            for (class, &z) in t.classes.iter().enumerate() {
                if t.class_dims[class] & active != 0 {
                    by_class[class] = span.least[class] + part(&once, z);
                    lowest = lowest.min(by_class[class]);
                }
            }
            if self.worse(base + lowest, cycles) {
                continue;
            }
            let options = self.orders_for(level, active);
            let extents = lattice.extents(&span.digits);
            for pair in &t.pairs[span.first as usize..(span.first + span.count) as usize] {
                let option = &t.options[pair.1 as usize];
                let inside =
                    if level == 0 { model.macs as f64 } else { tables[level - 1].fastest[pair.0 as usize] };
                let fastest = (inside / option.total as f64).max(option.stall) / label.instances as f64;
                let fastest = fastest.max(label.stall);
                if self.worse(base + lowest, fastest) {
                    continue;
                }
                for which in 0..options.len() {
                    if let Some(&first) = options[which].dims.first()
                        && let Some(class) = t.class_dims.iter().position(|m| m >> first & 1 == 1)
                        && self.worse(base + by_class[class], fastest)
                    {
                        continue;
                    }
                    let Some(next) = self.step(level, label, *pair, &factors, &extents, &options[which])
                    else {
                        continue;
                    };
                    let (energy, cycles) = if level == 0 {
                        let cycles = next.stall.max(model.macs as f64 / next.instances as f64);
                        (next.energy + self.leak(&next, cycles), cycles)
                    } else {
                        self.bound(level - 1, &next)
                    };
                    if self.worse(energy, cycles) {
                        continue;
                    }
                    let key = match self.goal {
                        Goal::Delay => ((cycles * (1.0 - 1e-12)).ceil(), energy * (1.0 - 1e-12)),
                        Goal::Energy => (energy * (1.0 - 1e-12), 0.0),
                        Goal::Edp => (energy * (cycles * (1.0 - 1e-12)).ceil() * (1.0 - 1e-12), 0.0),
                    };
                    children.push(Child {
                        label: next,
                        key,
                        span: at as u32,
                        option: pair.1,
                        order: options.clone(),
                        which,
                    });
                }
            }
        }
        children
    }

    fn orders_for(&mut self, level: usize, active: u16) -> Rc<Vec<Order>> {
        let limits = self.context.limits;
        let model = self.context.model;
        let slot = &mut self.orders[level << model.dims | usize::from(active)];
        slot.get_or_insert_with(|| {
            Rc::new(orders(model, active, &limits.innermost[level], &limits.outermost[level]))
        })
        .clone()
    }

    /// The label after one step, with the exact energy of all transfers that it decides.
    fn step(
        &mut self,
        level: usize,
        label: &Label,
        (child, option): (u32, u32),
        factors: &[u32; MAX_DIMS],
        span: &[u64; MAX_DIMS],
        order: &Order,
    ) -> Option<Label> {
        self.nodes += 1;
        let c = self.context;
        let model: &Model = c.model;
        let lattice = c.lattice;
        let option = &self.tables[level].options[option as usize];
        let mut next = *label;
        next.tile = child;
        next.digits = lattice.digits(child as usize);
        next.instances = label.instances * option.total;
        let extents = lattice.extents(&next.digits);
        let iterations = model.macs / (c.shared.volume[child as usize] * next.instances);
        // Reuse outside the child.
        for (v, space) in model.spaces.iter().enumerate() {
            if !space.plain {
                next.slide = self.slide(label, space, factors, span, order);
                continue;
            }
            let mut run = 1u64;
            let mut still = true;
            for &d in &order.dims {
                if space.relevant >> d & 1 == 1 {
                    still = false;
                    break;
                }
                run *= u64::from(factors[d as usize]);
            }
            next.reuse[v] = if still { run * label.reuse[v] } else { run };
        }
        let below = level.checked_sub(1);
        for (v, space) in model.spaces.iter().enumerate() {
            let Some(pair) = &c.pairs[level][v] else { continue };
            let groups = space.distinct(&option.factors, &extents, model.dims);
            next.groups[v] = label.groups[v] * groups;
            if v == self.output {
                next.all_groups = label.all_groups * groups;
            }
            let taken = match (below, pair.child) {
                (None, None) => iterations,
                (Some(b), Some(k)) if b == k => {
                    let tile = c.shared.tile[v][child as usize];
                    if space.plain {
                        tile * (iterations / next.reuse[v])
                    } else {
                        let s = &next.slide;
                        delivered(space, &extents, tile, &s.loops[..usize::from(s.count)]) * s.rest
                    }
                }
                _ => continue,
            };
            self.charge(&mut next, v, pair, taken, label.groups[v] * groups);
            if below.is_some() {
                next.groups[v] = 1;
                next.parent_instances[v] = next.instances;
            }
        }
        if self.limited {
            self.stall(level, &mut next);
        }
        Some(next)
    }

    /// Adds the energy and traffic of `taken` words for each child, through `groups` distinct children per parent.
    fn charge(&self, next: &mut Label, v: usize, pair: &Pair, taken: u64, groups: u64) {
        let model = self.context.model;
        let parent = &model.architecture.levels[pair.parent];
        let content = taken * groups;
        let up = next.parent_instances[v];
        let vectors = |words: u64, block: u64| words.div_ceil(block) as f64;
        let (reads, updates, mut fills) = if v == self.output {
            let words = model.words[v];
            let own = words / (next.all_groups / groups);
            let share = words / next.all_groups;
            (content.saturating_sub(own), content, taken.saturating_sub(share))
        } else {
            (content, 0, taken)
        };
        if pair.child.is_none() {
            fills = 0;
        }
        next.energy += (vectors(reads, parent.block_size) * parent.energy.read_pj
            + vectors(updates, parent.block_size) * parent.energy.update_pj)
            * up as f64;
        next.traffic[pair.parent][0] += reads as f64;
        next.traffic[pair.parent][1] += updates as f64;
        if let Some(k) = pair.child {
            let child = &model.architecture.levels[k];
            next.energy += vectors(fills, child.block_size) * child.energy.fill_pj * next.instances as f64;
            next.traffic[k][1] += fills as f64;
        }
    }

    /// Least cycles from the bandwidth of every level whose traffic is known in part.
    fn stall(&self, level: usize, next: &mut Label) {
        let model = self.context.model;
        // Words per instance over the words per cycle: compute cycles cancel.
        for at in level.saturating_sub(1)..model.levels {
            let limits = model.bandwidth[at];
            if limits == [f64::INFINITY; 3] {
                continue;
            }
            let [read, write] = next.traffic[at];
            let cycles = (read / limits[0]).max(write / limits[1]).max((read + write) / limits[2]);
            if cycles > next.stall {
                next.stall = cycles;
            }
        }
    }

    fn slide(
        &self,
        label: &Label,
        space: &crate::timeloop::reuse::Space,
        factors: &[u32; MAX_DIMS],
        span: &[u64; MAX_DIMS],
        order: &Order,
    ) -> Slide {
        let mut slide = Slide { loops: [Loop::default(); MAX_SLIDE], count: 0, rest: 1, open: true };
        let mut axis = None;
        let mut push = |l: Loop, slide: &mut Slide| {
            if slide.open && usize::from(slide.count) < MAX_SLIDE && continues(space, l.dim, &mut axis) {
                slide.loops[usize::from(slide.count)] = l;
                slide.count += 1;
            } else {
                slide.open = false;
                slide.rest *= u64::from(l.bound);
            }
        };
        for &d in &order.dims {
            let dim = usize::from(d);
            push(Loop { dim: d, bound: factors[dim], step: span[dim] }, &mut slide);
        }
        for l in &label.slide.loops[..usize::from(label.slide.count)] {
            push(*l, &mut slide);
        }
        if label.slide.rest > 1 {
            slide.rest *= label.slide.rest;
        }
        if !label.slide.open {
            slide.open = false;
        }
        slide
    }

    /// Whether a label met before is at least as good in every respect; remembers the label otherwise.
    fn dominated(&mut self, level: usize, label: &Label) -> bool {
        let plain = self.sliding.is_none();
        let list = self.seen.entry((level as u8, label.tile, label.instances)).or_default();
        if list.len() >= MAX_COMPARED {
            return false;
        }
        let better = |a: &Label, b: &Label| {
            a.energy <= b.energy
                && a.stall <= b.stall
                && (0..MAX_SPACES).all(|v| {
                    a.reuse[v] >= b.reuse[v]
                        && a.groups[v] == b.groups[v]
                        && a.parent_instances[v] == b.parent_instances[v]
                })
                && a.all_groups == b.all_groups
                && a.traffic.iter().zip(&b.traffic).all(|(x, y)| x[0] <= y[0] && x[1] <= y[1])
                && (plain || a.slide == b.slide)
        };
        if list.iter().any(|other| better(other, label)) {
            return true;
        }
        list.retain(|other| !better(label, other));
        list.push(*label);
        false
    }
}

/// Sum over the data spaces in `mask`.
#[inline]
fn part(energies: &[f64; MAX_SPACES], mask: u8) -> f64 {
    energies.iter().enumerate().filter(|(v, _)| mask >> v & 1 == 1).map(|(_, e)| e).sum()
}
