//! The whole front of energy and cycles.
use std::time::Duration;

use super::search::{OrderCache, Search, UNBOUNDED};
use super::solver::Solver;
use crate::error::Result;
use crate::mapper::{Goal, Solution};
use crate::timeloop::constraints::Limits;
use crate::timeloop::evaluate::Cost;
use crate::timeloop::model::Model;

/// Mappings of which none is better than another in both energy and cycles.
#[derive(Debug, Clone, PartialEq)]
pub struct Front {
    /// Fewest cycles first.
    pub points: Vec<Solution>,
    /// Whether no other mapping could join.
    pub complete: bool,
    /// Steps evaluated.
    pub nodes: u64,
}

/// The whole front of energy and cycles, or what was found of it when the time was up.
///
/// # Errors
/// As [`super::solve`].
pub fn front(model: &Model, limits: &Limits, time_limit: Option<Duration>) -> Result<Front> {
    let solver = Solver::new(model, limits, time_limit)?;
    let mut front = Front { points: Vec::new(), complete: true, nodes: 0 };
    // The ends and the middle first: they cut off most of the rest.
    for goal in [Goal::Delay, Goal::Energy, Goal::Edp] {
        let outcome = solver.solve(goal)?;
        front.nodes += outcome.nodes;
        if let Some(solution) = outcome.best {
            insert(&mut front.points, solution);
        }
    }
    let (patterns, complete) = solver.patterns(Goal::Edp)?;
    front.complete = complete;
    let mut orders = OrderCache::new();
    for pattern in &patterns {
        let context = solver.context(&pattern.keep);
        let tables = solver.tables(&context);
        let mut search = Search::new(&context, &tables, &mut orders, Goal::Edp, None, solver.deadline);
        search.front = Some(std::mem::take(&mut front.points));
        search.pass(UNBOUNDED, u64::MAX);
        front.nodes += search.nodes;
        front.complete &= !search.stopped;
        front.points = search.front.take().unwrap_or_default();
    }
    front.points.sort_by_key(|mapping| mapping.cost.cycles);
    Ok(front)
}

/// Adds a mapping that no other covers, and drops those that it covers.
pub(crate) fn insert(front: &mut Vec<Solution>, new: Solution) {
    let covers = |a: &Cost, b: &Cost| a.energy_pj <= b.energy_pj && a.cycles <= b.cycles;
    if front.iter().any(|old| covers(&old.cost, &new.cost)) {
        return;
    }
    front.retain(|old| !covers(&new.cost, &old.cost));
    front.push(new);
}
