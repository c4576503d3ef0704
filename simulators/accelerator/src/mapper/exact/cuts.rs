//! Where the passes of a search end, one after the other.
use super::search::{Key, UNBOUNDED};
use crate::mapper::Goal;

/// First cut above the least bound.
const FIRST_STEP: f64 = 0.02;
/// How many times more nodes each pass should have, and how many times farther the next cut may lie.
const GROWTH: f64 = 3.0;
const FASTEST: f64 = 2.2;
const FASTEST_KNOWN: f64 = 5.0;
/// Passes of fewer nodes tell nothing of how they grow.
const CHEAP: u64 = 2_000;
/// A cut this close below the incumbent is raised to it.
const CLOSE: f64 = 1.005;

/// Nodes that passes at the least cycles may have while no mapping with so few cycles is known.
const LOOKED: u64 = 10_000;

/// Growing cuts, relative to the least bound.
///
/// Delays come in two phases: energies at the least cycles first, as long as that is cheap, and where no mapping with so few
/// cycles turns up, cycles.
pub(crate) struct Cuts {
    goal: Goal,
    root: Key,
    /// Whether energies are raised at the least cycles.
    least_cycles: bool,
    /// Logarithm of the last cut over the root's bound, and how far it was from the one before.
    at: f64,
    step: f64,
    /// Nodes of the pass before.
    before: u64,
}

impl Cuts {
    pub fn new(goal: Goal, root: Key) -> Self {
        Self { goal, root, least_cycles: goal == Goal::Delay, at: 0.0, step: 0.0, before: 0 }
    }

    /// The next cut after a pass of so many nodes, the incumbent's value where that is close; and the nodes to spend on it.
    ///
    /// Nodes grow exponentially with the cut: the next one is placed where they are expected to grow by [`GROWTH`].
    pub fn next(&mut self, incumbent: Option<Key>, nodes: u64) -> (Key, u64) {
        let unknown = incumbent.is_none_or(|key| key.0 > self.root.0);
        if self.least_cycles && !unknown {
            return (UNBOUNDED, u64::MAX);
        }
        if self.least_cycles && (nodes >= LOOKED || self.at > 1.0) {
            (self.least_cycles, self.at, self.step, self.before) = (false, 0.0, 0.0, 0);
        }
        self.step = self.step_after(nodes);
        self.before = nodes;
        self.at += self.step;
        let raised = |bound: f64| bound * self.at.exp();
        let near = |value: f64, cut: f64| value <= cut * CLOSE;
        let (cut, close) = match self.goal {
            Goal::Delay if self.least_cycles => {
                return ((self.root.0, raised(self.root.1)), LOOKED);
            }
            Goal::Delay => {
                let cut = (raised(self.root.0) + 0.5, 0.0);
                (cut, incumbent.is_some_and(|key| near(key.0, cut.0)))
            }
            _ => {
                let cut = (raised(self.root.0), f64::INFINITY);
                (cut, incumbent.is_some_and(|key| near(key.0, cut.0)))
            }
        };
        (if close || self.at > 10.0 { UNBOUNDED } else { cut }, u64::MAX)
    }

    /// How far the next cut is from the last one.
    fn step_after(&self, nodes: u64) -> f64 {
        let grown = nodes as f64 / self.before.max(1) as f64;
        if self.step == 0.0 {
            // The least cycles themselves come first.
            if self.goal == Goal::Delay && !self.least_cycles { 1e-9 } else { FIRST_STEP }
        } else if self.step < FIRST_STEP / 8.0 {
            FIRST_STEP
        } else if self.before > CHEAP && grown > 1.0 {
            self.step * (GROWTH.ln() / grown.ln()).clamp(0.25, FASTEST_KNOWN)
        } else {
            self.step * FASTEST
        }
    }
}
