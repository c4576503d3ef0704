//! Where the passes of a search end, one after the other.
use super::Goal;
use super::search::{Key, UNBOUNDED};

/// First cut above the least bound.
const FIRST_STEP: f64 = 0.02;
/// How many times more nodes each pass should have, and how many times farther the next cut may lie.
const GROWTH: f64 = 3.0;
const FASTEST: f64 = 2.2;
/// Passes of fewer nodes tell nothing of how they grow.
const CHEAP: u64 = 2_000;
/// A cut this close below the incumbent is raised to it.
const CLOSE: f64 = 1.005;

/// Growing cuts, relative to the least bound.
pub(crate) struct Cuts {
    goal: Goal,
    root: Key,
    /// Whether a mapping of the least cycles is known, so that energies are compared.
    least_cycles: bool,
    /// Logarithm of the last cut over the root's bound, and how far it was from the one before.
    at: f64,
    step: f64,
    /// Nodes of the pass before.
    before: u64,
}

impl Cuts {
    pub fn new(goal: Goal, root: Key) -> Self {
        Self { goal, root, least_cycles: false, at: 0.0, step: 0.0, before: 0 }
    }

    /// The next cut after a pass of so many nodes; the incumbent's value where that is close.
    ///
    /// Nodes grow exponentially with the cut: the next one is placed where they are expected to grow by [`GROWTH`].
    pub fn next(&mut self, incumbent: Option<Key>, nodes: u64) -> Key {
        let least_cycles = self.goal == Goal::Delay && incumbent.is_some_and(|key| key.0 <= self.root.0);
        if least_cycles != self.least_cycles {
            (self.least_cycles, self.at, self.step, self.before) = (true, 0.0, 0.0, 0);
        }
        let grown = nodes as f64 / self.before.max(1) as f64;
        self.step = if self.step == 0.0 {
            if self.goal == Goal::Delay && !least_cycles && self.before == 0 { 1e-9 } else { FIRST_STEP }
        } else if self.step < FIRST_STEP / 8.0 {
            FIRST_STEP
        } else if self.before > CHEAP && grown > 1.0 {
            self.step * (GROWTH.ln() / grown.ln()).clamp(0.25, FASTEST)
        } else {
            self.step * FASTEST
        };
        self.before = nodes;
        self.at += self.step;
        let raised = |bound: f64| bound * self.at.exp();
        let (cut, close) = match self.goal {
            Goal::Delay if least_cycles => {
                let cut = (self.root.0, raised(self.root.1));
                (cut, incumbent.is_some_and(|key| key.1 <= cut.1 * CLOSE))
            }
            Goal::Delay => {
                let cut = (raised(self.root.0) + 0.5, 0.0);
                (cut, incumbent.is_some_and(|key| key.0 <= cut.0 * CLOSE))
            }
            _ => {
                let cut = (raised(self.root.0), f64::INFINITY);
                (cut, incumbent.is_some_and(|key| key.0 <= cut.0 * CLOSE))
            }
        };
        if close || self.at > 10.0 { UNBOUNDED } else { cut }
    }
}
