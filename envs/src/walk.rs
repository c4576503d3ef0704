//! The rules of a walk towards target specifications, which an environment may have: see [`TargetWalk`](crate::wrappers::TargetWalk).

use crate::{Design, Random};

/// The rules of a walk: where it starts, how far a step goes, what it is after.
#[derive(Clone, Debug, PartialEq)]
pub struct WalkRules {
    /// The design at which every episode starts.
    pub start: Design,
    /// What an action may add to a parameter's index. The original's are -1, 0 and +2.
    pub steps: Vec<i64>,
    /// Number of points that a real parameter's range is divided into, evenly on its own scale; at least 2.
    pub grid: usize,
    /// The specifications, in the order in which they are observed.
    pub specifications: Vec<Specification>,
    /// A reward of this much or more, at most 0, ends the episode.
    pub success: f64,
    /// The reward of the step that ends it so, instead of its own.
    pub success_reward: f64,
    /// The number of steps after which an episode is cut.
    pub horizon: usize,
    /// Normalise by `value + reference` as the original does, instead of `|value| + |reference|`. The two differ where one of them is
    /// negative (a phase margin): the original's then leaves [-1, 1] and is singular.
    pub compat: bool,
}

/// One specification: a metric, and the targets that it is given.
#[derive(Clone, Debug, PartialEq)]
pub struct Specification {
    /// The metric; its direction says which side of a target is good.
    pub metric: String,
    /// Targets are drawn uniformly from here,
    pub low: f64,
    /// to here.
    pub high: f64,
    /// Targets are whole numbers.
    pub whole: bool,
    /// What values and targets are compared with in the observation; not 0.
    pub reference: f64,
}

impl Specification {
    /// A target of the range.
    pub(crate) fn draw(&self, random: &mut Random) -> f64 {
        if self.whole {
            self.low + random.below((self.high - self.low).max(0.0) as usize + 1) as f64
        } else {
            random.between(self.low, self.high)
        }
    }
}
