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
//!   the loops along which a window slides. One whose runs contain another's is at least as good ([`orders`]). By exact counts a
//!   window can find words in place at a step of any loop, up to the first that moves it along a dimension of its own:
//!   of two orders that begin alike for it, the one that goes on longer is at least as good.
//! * **The outside of a window is a set of steps** ([`outside`]): by exact counts a step of a loop outside a tile always moves it
//!   by the same distance and leaves the words in place that the tile shares with itself moved so far. Loops added inside move
//!   all of them by what they move in all, so distances and numbers of steps are all that a completion needs to know. A step
//!   that leaves no word of a tile in place leaves none of a smaller tile inside it.
//! * **Bounds never exceed the truth.** The [`tables`] hold the least energy and time below each tile over all child tiles
//!   and meshes with ideal orders, the rounding to whole vector accesses left out; [`bound`] adds what the loops outside a tile really
//!   cost. For windows by exact counts they rest on what a visit of a tile must bring, however it is held inside ([`windows`]).
//!   Each is compared a hair (1e-12) low, so that the order of floating-point sums cuts nothing off.
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
mod outside;
mod search;
mod solver;
mod tables;
mod transfers;
mod windows;

use std::time::Duration;

use serde::Serialize;

use crate::error::Result;
use crate::mapper::{Goal, Solution};
use crate::timeloop::constraints::Limits;
use crate::timeloop::model::Model;
pub use explain::{NoMapping, explain};
pub use front::{Front, front};
use solver::Solver;

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
