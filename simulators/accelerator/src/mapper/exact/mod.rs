//! The exact mapper: the best mapping of the loop-nest model, with a proof.
//!
//! Exact over all perfect factorisations, loop orders, mesh axes and (where constraints leave it open) bypass choices, with link
//! transfers off, for one sliding input at most. Branch and bound over tiles, outermost level first.
//!
//! # Why nothing better is missed
//!
//! * **Every mapping is a path.** A state is the tile of the next level, one divisor of each bound ([`lattice`]). A step from
//!   a level chooses its temporal factors, their order, and the factors over the mesh below ([`mesh`]); [`label`] charges
//!   all transfers that this decides, exactly as [`crate::timeloop`] does. A complete path is evaluated by the plain model,
//!   so no figure of a result comes from the search.
//! * **Few orders matter.** An order counts only through the innermost run of loops that leave each space in place, and
//!   the loops along which a window slides. One whose runs contain another's is at least as good ([`orders`]).
//! * **Bounds never exceed the truth.** The [`tables`] hold the least energy and time below each tile over all child tiles
//!   and meshes with ideal orders, the rounding to whole vector accesses left out; [`bound`] adds what the loops outside a tile really
//!   cost. Each is compared a hair (1e-12) low, so that the order of floating-point sums cuts nothing off.
//! * **Dominance compares completions.** A label is dropped for another with the same tile and instances only where every
//!   completion of the other is at least as good ([`label::Label::dominates`]).
//! * **A pass that finds nothing below its cut has proven the cut** ([`solver`]): that is the certified gap when time runs out. A
//!   pass that finds something has found the optimum, as it looks at everything whose bound is below what it found.
//!
//! # Ties
//!
//! Deterministic, for any number of threads: several build the tables where many bypass patterns are open, one searches. Of
//! mappings with equal values the first one met stays: bypass patterns come by bound, steps by bound, then by child tiles'
//! energy, mesh option and loop order; on longer searches what narrow searches and 2,000 sampled mappings find is met
//! before all others.
mod bound;
mod counts;
mod cuts;
mod explain;
mod flows;
mod front;
mod label;
mod lattice;
mod mesh;
mod orders;
mod search;
mod solver;
mod tables;
mod transfers;

use std::time::Duration;

use serde::Serialize;

use crate::error::Result;
use crate::timeloop::constraints::Limits;
use crate::timeloop::evaluate::Cost;
use crate::timeloop::mapping::Nest;
use crate::timeloop::model::Model;
pub use explain::{NoMapping, explain};
pub use front::{Front, front};
pub(crate) use lattice::divisors_of;
use solver::Solver;

/// What is minimised.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Goal {
    /// Energy.
    Energy,
    /// Cycles, and among equals energy.
    Delay,
    /// Energy times cycles.
    Edp,
}

impl Goal {
    /// The figure that is compared.
    pub fn value(self, cost: &Cost) -> f64 {
        match self {
            Self::Energy => cost.energy_pj,
            Self::Delay => cost.cycles as f64,
            Self::Edp => cost.edp(),
        }
    }

    /// Whether `a` is better than `b`; delays break ties by energy.
    pub fn better(self, a: &Cost, b: &Cost) -> bool {
        match self {
            Self::Delay => (a.cycles, a.energy_pj) < (b.cycles, b.energy_pj),
            _ => self.value(a) < self.value(b),
        }
    }
}

/// A mapping with its cost.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Solution {
    /// The mapping.
    pub nest: Nest,
    /// Its cost, from the plain evaluator.
    pub cost: Cost,
}

/// What has been proven.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Proof {
    /// No mapping is better.
    pub optimal: bool,
    /// No mapping has a smaller value of the goal.
    pub lower_bound: f64,
    /// `value / lower_bound - 1` of the best mapping found.
    pub gap: f64,
}

/// The outcome of a search.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// The best mapping, `None` where there is no valid one (or none was found in time).
    pub best: Option<Solution>,
    /// Proof of its quality.
    pub proof: Proof,
    /// Steps evaluated.
    pub nodes: u64,
}

/// Finds the best mapping.
///
/// # Errors
/// A problem outside the exact mapper's reach: too many tiles, several sliding data spaces, a sliding output, link transfers.
pub fn solve(model: &Model, limits: &Limits, goal: Goal, time_limit: Option<Duration>) -> Result<Outcome> {
    Solver::new(model, limits, time_limit)?.solve(goal)
}
