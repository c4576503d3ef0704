//! Branch and bound over tiles, from the outermost level inwards.
use std::collections::HashMap;
use std::rc::Rc;
use std::time::Instant;

use super::bound::Bounds;
use super::flows::{Inside, larger};
use super::label::{Block, Label, Stepper};
use super::lattice::{Lattice, NONE};
use super::orders::{Order, orders};
use super::tables::{LevelTables, MAX_CLASSES};
use super::transfers::Context;
use crate::mapper::{Goal, Solution};
use crate::timeloop::constraints::BlockLimits;
use crate::timeloop::evaluate::Detail;
use crate::timeloop::mapping::Nest;
use crate::workload::{MAX_DIMS, MAX_SPACES};

/// Labels remembered for one state; more would cost more than they cut off.
const MAX_COMPARED: usize = 48;

/// Figures that are compared in order; smaller is better.
pub(crate) type Key = (f64, f64);

/// Beyond every key.
pub(crate) const UNBOUNDED: Key = (f64::INFINITY, f64::INFINITY);

/// A child on the list of one expansion.
struct Child {
    label: Label,
    key: Key,
    span: u32,
    option: u32,
    order: Rc<Vec<Order>>,
    which: usize,
}

impl Child {
    /// The more promising first; ties by child tiles' energy, mesh option and, as the sort is stable, loop order.
    fn compare(&self, other: &Self) -> std::cmp::Ordering {
        let keys = self.key.0.total_cmp(&other.key.0).then(self.key.1.total_cmp(&other.key.1));
        keys.then(self.span.cmp(&other.span)).then(self.option.cmp(&other.option))
    }
}

/// Loop orders by level and active dimensions, kept over searches of one problem.
pub(crate) type OrderCache = HashMap<(usize, u16), Rc<Vec<Order>>>;

/// The spans that the temporal factors of a level can multiply to a label's tile.
#[derive(Default)]
struct Reachable {
    /// Positions among the spans.
    found: Vec<u32>,
    /// Divisors of the tile within the limits, by dimension.
    digits: [Vec<u8>; MAX_DIMS],
}

impl Reachable {
    /// Finds all among the first `end` spans, by going through those spans or through the divisors, whichever are fewer.
    fn find(
        &mut self,
        lattice: &Lattice,
        label: &Label,
        block: &BlockLimits,
        tables: &LevelTables,
        end: usize,
    ) {
        self.found.clear();
        let mut allowed = [[false; 256]; MAX_DIMS];
        let mut tiles = 1usize;
        for d in 0..lattice.dims {
            self.digits[d].clear();
            for digit in 0..=label.digits[d] {
                let q = lattice.quotient(d, label.digits[d], digit);
                let fits = |factor: u32| (block.least[d]..=block.most[d]).contains(&factor);
                if q != NONE && fits(lattice.divisors[d][usize::from(q)]) {
                    allowed[d][usize::from(digit)] = true;
                    self.digits[d].push(digit);
                }
            }
            tiles = tiles.saturating_mul(self.digits[d].len());
        }
        if tiles == 0 {
            return;
        }
        if tiles >= end {
            for (at, span) in tables.spans[..end].iter().enumerate() {
                if (0..lattice.dims).all(|d| allowed[d][usize::from(span.digits[d])]) {
                    self.found.push(at as u32);
                }
            }
            return;
        }
        let mut at = [0usize; MAX_DIMS];
        loop {
            let index: usize =
                (0..lattice.dims).map(|d| usize::from(self.digits[d][at[d]]) * lattice.weight[d]).sum();
            if (tables.span_at[index] as usize) < end {
                self.found.push(tables.span_at[index]);
            }
            let mut d = 0;
            loop {
                if d == lattice.dims {
                    return;
                }
                at[d] += 1;
                if at[d] < self.digits[d].len() {
                    break;
                }
                at[d] = 0;
                d += 1;
            }
        }
    }
}

/// A search of one bypass pattern with its incumbent.
pub(crate) struct Search<'a> {
    bounds: Bounds<'a>,
    stepper: Stepper<'a>,
    orders: &'a mut OrderCache,
    goal: Goal,
    sliding: bool,
    /// Best so far.
    pub best: Option<Solution>,
    /// Nothing at or above this is looked at.
    cut: Key,
    nest: Nest,
    seen: HashMap<(u8, u32, u64), Vec<Label>>,
    pub nodes: u64,
    deadline: Option<Instant>,
    /// Nodes after which a pass is given up.
    budget: u64,
    /// Whether the pass ended before it had looked at everything.
    pub stopped: bool,
    detail: Detail,
    /// All undominated solutions met (for fronts).
    pub front: Option<Vec<Solution>>,
    /// Children looked into for each label, where not all are.
    width: usize,
    reachable: Reachable,
}

/// `x.ceil()` of a number that is not negative, without a call; numbers without a fraction to speak of stay.
#[inline]
fn ceil(x: f64) -> f64 {
    if x >= 4e15 {
        return x;
    }
    let whole = x as i64 as f64;
    if whole < x { whole + 1.0 } else { whole }
}

impl Goal {
    /// Exact figures as a key.
    pub(crate) fn key(self, energy: f64, cycles: f64) -> Key {
        match self {
            Self::Energy => (energy, cycles),
            Self::Delay => (cycles, energy),
            Self::Edp => (energy * cycles, energy),
        }
    }

    /// Bounds as a key, a hair below, so that rounding in another order never cuts off an equal solution's better one.
    fn floor(self, energy: f64, cycles: f64) -> Key {
        let hair = 1.0 - 1e-12;
        let cycles = ceil(cycles * hair);
        match self {
            Self::Energy => (energy * hair, 0.0),
            Self::Delay => (cycles, energy * hair),
            Self::Edp => (energy * cycles * hair, 0.0),
        }
    }
}

impl<'a> Search<'a> {
    pub fn new(
        context: &'a Context<'a>,
        tables: &'a [LevelTables],
        orders: &'a mut OrderCache,
        goal: Goal,
        best: Option<Solution>,
        deadline: Option<Instant>,
    ) -> Self {
        let mut nest = Nest::unit();
        for (slot, keep) in nest.keep.iter_mut().zip(context.keep) {
            *slot = *keep;
        }
        Self {
            bounds: Bounds::new(context, tables),
            stepper: Stepper::new(context),
            orders,
            goal,
            sliding: context.model.spaces.iter().any(|s| !s.plain),
            best,
            cut: UNBOUNDED,
            nest,
            seen: HashMap::new(),
            nodes: 0,
            deadline,
            budget: u64::MAX,
            stopped: false,
            detail: Detail::default(),
            front: None,
            width: usize::MAX,
            reachable: Reachable::default(),
        }
    }

    fn context(&self) -> &'a Context<'a> {
        self.stepper.context
    }

    /// Least key of any mapping, `None` where there is none.
    pub fn root_bound(&self) -> Option<Key> {
        let top = self.context().model.levels - 1;
        let root = Label::root(self.context());
        if !self.bounds.tables[top].feasible[root.tile as usize] {
            return None;
        }
        self.least(top, &root, self.cut)
    }

    /// Runs once with a cut; finds the best solution below it unless it needs more nodes than the budget.
    pub fn pass(&mut self, cut: Key, budget: u64) {
        self.cut = cut;
        self.budget = budget;
        if let Some(best) = &self.best {
            let key = self.goal.key(best.cost.energy_pj, best.cost.cycles as f64);
            if key < self.cut {
                self.cut = key;
            }
        }
        self.seen.clear();
        let top = self.context().model.levels - 1;
        let root = Label::root(self.context());
        self.expand(top, &root);
    }

    /// Looks into the most promising `width` children of each label only: a good mapping soon, and no proof.
    pub fn dive(&mut self, width: usize) {
        self.width = width;
        self.pass(UNBOUNDED, u64::MAX);
        self.width = usize::MAX;
    }

    /// Least key of all completions of a label, `None` where none is below the cut.
    fn least(&self, level: usize, label: &Label, cut: Key) -> Option<Key> {
        let mut least: Option<Key> = None;
        self.bounds.each(level, label, |energy, cycles| {
            if !self.worse(energy, cycles, cut) {
                let key = self.goal.floor(energy, cycles);
                if least.is_none_or(|l| key < l) {
                    least = Some(key);
                }
            }
        });
        least
    }

    fn worse(&self, energy: f64, cycles: f64, cut: Key) -> bool {
        if let Some(front) = &self.front {
            let hair = 1.0 - 1e-12;
            let (energy, cycles) = (energy * hair, ceil(cycles * hair));
            return front.iter().any(|s| s.cost.energy_pj <= energy && s.cost.cycles as f64 <= cycles);
        }
        let key = self.goal.floor(energy, cycles);
        match self.goal {
            Goal::Delay => key >= cut,
            _ => key.0 >= cut.0,
        }
    }

    /// An energy beyond which a mapping of so many cycles is worse for certain.
    fn energy_limit(&self, cycles: f64, cut: Key) -> f64 {
        let slack = 1.0 + 1e-9;
        let floor = self.goal.floor(0.0, cycles);
        match self.goal {
            _ if self.front.is_some() => f64::INFINITY,
            Goal::Energy => cut.0 * slack,
            Goal::Delay if floor.0 < cut.0 => f64::INFINITY,
            Goal::Delay if floor.0 > cut.0 => f64::NEG_INFINITY,
            Goal::Delay => cut.1 * slack,
            Goal::Edp => cut.0 / ceil(cycles * (1.0 - 1e-12)) * slack,
        }
    }

    /// Whether time or budget is used up.
    fn late(&mut self) -> bool {
        self.stopped |= self.nodes >= self.budget || self.deadline.is_some_and(|d| Instant::now() >= d);
        self.stopped
    }

    fn expand(&mut self, level: usize, label: &Label) {
        if self.late() {
            return;
        }
        let mut children = self.children(level, label);
        if children.len() > self.width {
            self.narrow(&mut children);
        }
        // Children are large: their places are sorted.
        let mut places: Vec<u32> = (0..children.len() as u32).collect();
        places.sort_by(|&a, &b| children[a as usize].compare(&children[b as usize]));
        let c = self.context();
        for place in places {
            let child = &children[place as usize];
            let cut = match self.goal {
                _ if self.front.is_some() => false,
                Goal::Delay => child.key >= self.cut,
                _ => child.key.0 >= self.cut.0,
            };
            if cut || self.stopped {
                break;
            }
            let span = &self.bounds.tables[level].spans[child.span as usize];
            let option = &c.meshes[level].options[child.option as usize];
            for d in 0..c.lattice.dims {
                let t = c.lattice.quotient(d, label.digits[d], span.digits[d]);
                self.nest.temporal[level][d] = c.lattice.divisors[d][usize::from(t)];
            }
            self.nest.spatial[level] = option.factors;
            self.nest.along_y[level] = option.along_y;
            self.write_order(level, &child.order[child.which]);
            if level == 0 {
                self.finish();
                continue;
            }
            // The innermost level leaves nothing to choose.
            if level > 1 && self.dominated(level - 1, &child.label) {
                continue;
            }
            self.expand(level - 1, &child.label);
        }
    }

    fn write_order(&mut self, level: usize, order: &Order) {
        let dims = self.context().model.dims;
        let limits = self.context().limits;
        let (inner, outer) = (&limits.innermost[level], &limits.outermost[level]);
        let mut next = 0;
        let slot = &mut self.nest.order[level];
        let mut used = 0u16;
        let mut put = |d: u8| {
            if used >> d & 1 == 0 {
                used |= 1 << d;
                slot[next] = d;
                next += 1;
            }
        };
        inner.iter().for_each(|&d| put(d));
        order.dims.iter().filter(|d| !outer.contains(d)).for_each(|&d| put(d));
        (0..dims as u8).filter(|d| !outer.contains(d)).for_each(&mut put);
        outer.iter().for_each(|&d| put(d));
    }

    /// Evaluates the complete mapping by the plain model.
    fn finish(&mut self) {
        let model = self.context().model;
        let Ok(cost) = model.evaluate(&self.nest, &mut self.detail) else { return };
        let used = self.detail.macs_used as f64 / model.architecture.arithmetic.instances as f64;
        if used + 1e-12 < self.context().limits.parallelism {
            return;
        }
        let solution = Solution { nest: self.nest, cost };
        if let Some(front) = &mut self.front {
            super::front::insert(front, solution);
            return;
        }
        let key = self.goal.key(cost.energy_pj, cost.cycles as f64);
        if key < self.cut {
            self.cut = key;
            self.best = Some(solution);
        }
    }

    /// All steps from a label whose bound is below the cut; in a narrow search, only the most promising of them and some more.
    fn children(&mut self, level: usize, label: &Label) -> Vec<Child> {
        let c = self.context();
        let (model, lattice, mesh) = (c.model, c.lattice, &c.meshes[level]);
        let tables = self.bounds.tables;
        let t = &tables[level];
        let block = self.context().limits.temporal[level];
        let instances = label.instances as f64;
        // A narrow search looks for nothing worse than what it has enough of.
        let mut cut = self.cut;
        let mut children = Vec::new();
        let outlook = self.bounds.outlook(level, label);
        let fastest = (t.fastest[label.tile as usize] / instances).max(label.stall);
        let base = label.energy + self.bounds.leak(label, fastest);
        // Sorted by least energy.
        let end = t.spans.partition_point(|span| !self.worse(base + span.lowest, fastest, cut));
        let mut reachable = std::mem::take(&mut self.reachable);
        reachable.find(lattice, label, &block, t, end);
        // (Energy outside, least cycles, spaces that move, dimensions) by class of the loops that are there, first those
        // that the label leaves open, then those that a span does.
        let mut classes = [(0.0, 0.0, [0.0; MAX_SPACES], 0u16); MAX_CLASSES];
        for (slot, (at, class)) in classes.iter_mut().zip(t.classes.iter().enumerate()) {
            let cycles = outlook.cycles[at];
            let outside = outlook.energy[at] + self.bounds.leak(label, cycles);
            *slot = (outside, cycles, t.flows.moving(class.still), class.dims);
        }
        let still = t.flows.moving(u8::MAX);
        let mut open = classes;
        // Energy of a span beyond which a class is worse for certain, as long as the cut stands.
        let limits = classes.map(|(outside, cycles, ..)| self.energy_limit(cycles, cut) - outside);
        for &at in &reachable.found {
            let span = &t.spans[at as usize];
            let mut active = 0u16;
            for d in 0..lattice.dims {
                active |= u16::from(label.digits[d] != span.digits[d]) << d;
            }
            self.nodes += 1;
            if self.nodes.is_multiple_of(256) && self.late() {
                break;
            }
            let mut count = 0;
            if active == 0 {
                let cycles = outlook.direct_cycles.max(span.cycles / instances);
                let outside = outlook.direct_energy + self.bounds.leak(label, cycles);
                if !self.worse(span.inner + outside, cycles, cut) {
                    open[0] = (outside, cycles, still, 0);
                    count = 1;
                }
            }
            // No class needs fewer cycles than no loops at all do.
            let fastest = span.cycles / instances;
            for at in 0..t.classes.len() {
                let (energy, class) = (span.energy[at], &classes[at]);
                if energy <= limits[at] && class.3 & active != 0 {
                    let cycles = larger(class.1, fastest);
                    if !self.worse(energy + class.0, cycles, cut) {
                        open[count] = (class.0, cycles, class.2, class.3);
                        count += 1;
                    }
                }
            }
            if count == 0 {
                continue;
            }
            let mut factors = [1u32; MAX_DIMS];
            for d in 0..lattice.dims {
                let q = lattice.quotient(d, label.digits[d], span.digits[d]);
                factors[d] = lattice.divisors[d][usize::from(q)];
            }
            let options = self.orders_for(level, active);
            let extents = lattice.extents(&span.digits);
            for &split in mesh.splits(span.index as usize) {
                let option = &mesh.options[split.option as usize];
                let inside =
                    Inside::new(c, level, level.checked_sub(1).map(|l| &tables[l]), split.child as usize);
                if inside.cycles == f64::INFINITY {
                    continue;
                }
                let arithmetic = t.flows.arithmetic(&split, &inside) / instances;
                let moved = t.flows.moved(&split, &inside);
                for &(outside, cycles, ref moving, dims) in &open[..count] {
                    let energy = outside + t.flows.energy(&moved, &inside, moving);
                    let mut cycles = cycles.max(arithmetic);
                    if t.flows.stalls {
                        cycles = cycles.max(t.flows.stall(&split, &moved, moving) / instances);
                    }
                    if self.worse(energy, cycles, cut) {
                        continue;
                    }
                    for which in 0..options.len() {
                        let order = &options[which];
                        if order.dims.first().is_some_and(|first| dims >> first & 1 == 0) {
                            continue;
                        }
                        self.nodes += 1;
                        let loops = Block { factors: &factors, span: &extents, order };
                        let next = self.stepper.step(level, label, split, option, &loops);
                        let key = if level == 0 {
                            let cycles = next.stall.max(model.macs as f64 / next.instances as f64);
                            let energy = next.energy + self.bounds.leak(&next, cycles);
                            (!self.worse(energy, cycles, cut)).then(|| self.goal.floor(energy, cycles))
                        } else {
                            self.least(level - 1, &next, cut)
                        };
                        let Some(key) = key else { continue };
                        children.push(Child {
                            label: next,
                            key,
                            span: at,
                            option: split.option,
                            order: options.clone(),
                            which,
                        });
                        if children.len() / 2 >= self.width {
                            cut = self.narrow(&mut children);
                        }
                    }
                }
            }
        }
        self.reachable = reachable;
        children
    }

    /// Leaves the most promising children; the key that another one must be below to join them.
    fn narrow(&self, children: &mut Vec<Child>) -> Key {
        children.sort_by(Child::compare);
        children.truncate(self.width);
        children.last().map_or(self.cut, |last| last.key)
    }

    fn orders_for(&mut self, level: usize, active: u16) -> Rc<Vec<Order>> {
        let (model, limits) = (self.context().model, self.context().limits);
        let found = || Rc::new(orders(model, active, &limits.innermost[level], &limits.outermost[level]));
        self.orders.entry((level, active)).or_insert_with(found).clone()
    }

    /// Whether a label met before is at least as good in every respect; remembers the label otherwise.
    fn dominated(&mut self, level: usize, label: &Label) -> bool {
        let list = self.seen.entry((level as u8, label.tile, label.instances)).or_default();
        if list.len() >= MAX_COMPARED {
            return false;
        }
        let rounded =
            (self.front.is_some() || self.goal != Goal::Energy) && !self.stepper.context.model.exact_rounding;
        let better = |a: &Label, b: &Label| a.dominates(b, self.sliding, rounded);
        if list.iter().any(|other| better(other, label)) {
            return true;
        }
        list.retain(|other| !better(label, other));
        list.push(*label);
        false
    }
}
