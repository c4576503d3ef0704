//! What a sliding window can still use of the loops outside a tile.
use super::orders::continues;
use crate::timeloop::reuse::{Loop, delivered};
use crate::timeloop::space::Space;
use crate::timeloop::window::Window;
use crate::workload::MAX_DIMS;

/// Windows of a data space at most.
pub(crate) const MAX_WINDOWS: usize = 2;

/// The loops outside a tile, as far as they count.
#[derive(Clone, Copy)]
pub(crate) enum Outside {
    /// By Timeloop's rule.
    Run(Run),
    /// By sets of words.
    Steps(Steps),
}

/// The loops of one level: factors and their order (innermost first), around children of these extents together.
pub(crate) struct Around<'a> {
    pub factors: &'a [u32; MAX_DIMS],
    pub span: &'a [u64; MAX_DIMS],
    pub dims: &'a [u8],
}

impl Outside {
    /// Nothing.
    pub fn new(exact: bool) -> Self {
        if exact { Self::Steps(Steps::default()) } else { Self::Run(Run::new()) }
    }

    /// Adds the loops of a level inside all others; `before` is the iterations of the others for each instance.
    pub fn step(&self, space: &Space, loops: &Around, child: &[u64; MAX_DIMS], before: u64) -> Self {
        match (self, space.point_windows()) {
            (Self::Steps(steps), Some(windows)) => {
                Self::Steps(steps.step(space, windows, loops, child, before))
            }
            (Self::Steps(_), None) => *self,
            (Self::Run(run), _) => Self::Run(run.step(space, loops)),
        }
    }

    /// Words that a tile of these extents receives in so many iterations of the loops outside.
    pub fn delivered(&self, space: &Space, extents: &[u64; MAX_DIMS], tile: u64, iterations: u64) -> u64 {
        match self {
            Self::Run(run) => delivered(space, extents, tile, run.loops()) * run.rest,
            Self::Steps(steps) => {
                ((iterations - steps.still).saturating_sub(steps.free) * tile).saturating_sub(steps.shared)
            }
        }
    }

    /// Whether every completion of `self` uses at least as much as the same completion of `other`.
    pub fn dominates(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Run(a), Self::Run(b)) => a == b,
            (Self::Steps(a), Self::Steps(b)) => a.dominates(b),
            _ => false,
        }
    }
}

const MAX_RUN: usize = 14;

/// Loops just outside the current tile, until the window turns.
#[derive(Clone, Copy)]
pub(crate) struct Run {
    loops: [Loop; MAX_RUN],
    count: u8,
    /// Product of the loops beyond.
    rest: u64,
    open: bool,
}

impl PartialEq for Run {
    fn eq(&self, other: &Self) -> bool {
        (self.rest, self.open) == (other.rest, other.open) && self.loops() == other.loops()
    }
}

impl Run {
    fn new() -> Self {
        Self { loops: [Loop::default(); MAX_RUN], count: 0, rest: 1, open: true }
    }

    /// The loops, innermost first.
    pub fn loops(&self) -> &[Loop] {
        &self.loops[..usize::from(self.count)]
    }

    fn step(&self, space: &Space, around: &Around) -> Self {
        let mut next = Self::new();
        let mut axis = None;
        let mut push = |l: Loop, next: &mut Self| {
            if next.open && usize::from(next.count) < MAX_RUN && continues(space, l.dim, &mut axis) {
                next.loops[usize::from(next.count)] = l;
                next.count += 1;
            } else {
                next.open = false;
                next.rest *= u64::from(l.bound);
            }
        };
        for &d in around.dims {
            let dim = usize::from(d);
            push(Loop { dim: d, bound: around.factors[dim], step: around.span[dim] }, &mut next);
        }
        for l in self.loops() {
            push(*l, &mut next);
        }
        next.rest *= self.rest;
        next.open &= self.open;
        next
    }
}

const MAX_STEPS: usize = 12;

/// Steps of the loops outside that leave a part of the tile in place: how far each moves it and how often it is taken.
///
/// A step that leaves nothing of a tile leaves nothing of a smaller one inside, and is forgotten; so is the order of steps, as the
/// loops inside add the same to all of them.
#[derive(Clone, Copy, Default)]
pub(crate) struct Steps {
    list: [Step; MAX_STEPS],
    count: u8,
    /// Steps that do not move the tile.
    pub still: u64,
    /// Steps for which the list has no room. They count as if they left every tile in place, so that no count is too high.
    pub free: u64,
    /// Words that the steps which move the tile leave in place.
    pub shared: u64,
}

#[derive(Clone, Copy, Default)]
struct Step {
    by: [i64; MAX_WINDOWS],
    times: u64,
}

impl Steps {
    fn step(
        &self,
        space: &Space,
        windows: &[Window],
        around: &Around,
        child: &[u64; MAX_DIMS],
        before: u64,
    ) -> Self {
        let mut next = Self::default();
        let each = space.single_words(child);
        let mut inside = [0i64; MAX_WINDOWS];
        let factors = around.dims.iter().map(|&d| u64::from(around.factors[usize::from(d)]));
        let mut outside = before * factors.product::<u64>();
        for &d in around.dims {
            let (dim, bound) = (usize::from(d), u64::from(around.factors[usize::from(d)]));
            outside /= bound;
            if space.is_single(d) {
                // Nothing is left in place by this step and by any outside it.
                return next;
            }
            let mut by = [0i64; MAX_WINDOWS];
            for (slot, window) in windows.iter().enumerate() {
                let step = window.step(d) * around.span[dim] as i64;
                by[slot] = step - inside[slot];
                inside[slot] += step * (bound - 1) as i64;
            }
            next.add(windows, child, each, Step { by, times: (bound - 1) * outside });
        }
        for step in &self.list[..usize::from(self.count)] {
            let by = std::array::from_fn(|slot| step.by[slot] - inside[slot]);
            next.add(windows, child, each, Step { by, times: step.times });
        }
        next.free += self.free;
        next
    }

    fn add(&mut self, windows: &[Window], child: &[u64; MAX_DIMS], each: u64, step: Step) {
        if step.times == 0 {
            return;
        }
        let mut words = each;
        for (window, &by) in windows.iter().zip(&step.by) {
            words *= window.overlap(child, by);
            if words == 0 {
                return;
            }
        }
        let count = usize::from(self.count);
        if let Some(known) = self.list[..count].iter_mut().find(|known| known.by == step.by) {
            known.times += step.times;
        } else if count < MAX_STEPS {
            self.list[count] = step;
            self.count += 1;
        } else {
            self.free += step.times;
            return;
        }
        if step.by == [0; MAX_WINDOWS] {
            self.still += step.times;
        } else {
            self.shared += words * step.times;
        }
    }

    fn dominates(&self, other: &Self) -> bool {
        let list = &self.list[..usize::from(self.count)];
        self.free == 0
            && other.list[..usize::from(other.count)]
                .iter()
                .all(|step| list.iter().any(|known| known.by == step.by && known.times >= step.times))
            && other.free == 0
    }
}
