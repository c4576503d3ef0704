//! `grid`: enumeration in index order; where the budget is smaller than the grid, evenly spread indices of it.

use hwgym_envs::Design;
use serde::{Deserialize, Serialize};

use crate::tools::check_count;
use crate::{Agent, AgentEntry, AgentError, Evaluated, Problem};

/// Hyperparameters of `grid`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GridSettings {
    /// Grid points of a real parameter, both ends included. 2 to 1,000.
    pub levels: usize,
    /// Spread the budget evenly over the grid; otherwise start at its first point and stop where the budget ends.
    pub spread: bool,
}

impl Default for GridSettings {
    fn default() -> Self {
        Self { levels: 5, spread: true }
    }
}

impl GridSettings {
    /// Checks every range. Errors: the first hyperparameter outside its range.
    pub fn check(&self) -> Result<(), AgentError> {
        check_count("levels", self.levels, 2, 1000)
    }
}

struct Grid {
    settings: GridSettings,
    problem: Problem,
    /// Number of grid points, at most 2^64.
    size: u128,
    /// Number of proposals over which the grid is spread.
    steps: u128,
    next: u128,
}

impl Agent for Grid {
    fn ask(&mut self, count: usize) -> Vec<Design> {
        let mut designs = Vec::new();
        while designs.len() < count && self.next < self.steps {
            // The middle of each stretch of the grid.
            let index = if self.steps == self.size {
                self.next
            } else {
                ((2 * self.next + 1) * self.size) / (2 * self.steps)
            };
            self.next += 1;
            let design = self.design(index);
            let mut canonical = design.clone();
            self.problem.space.canonicalise(&mut canonical);
            if canonical == design && self.problem.space.violation(&design) == 0.0 {
                designs.push(design);
            }
        }
        designs
    }

    fn tell(&mut self, _: &[Evaluated]) {}
}

impl Grid {
    fn design(&self, index: u128) -> Design {
        let mut rest = index;
        let space = &self.problem.space;
        if let Some(listing) = space.listing() {
            return listing.designs()[index as usize].clone();
        }
        let mut coordinates = vec![0.0; space.len()];
        for (coordinate, parameter) in coordinates.iter_mut().zip(space.parameters()).rev() {
            let domain = &parameter.domain;
            let levels = domain.cardinality().unwrap_or(self.settings.levels) as u128;
            let level = (rest % levels) as f64;
            rest /= levels;
            *coordinate = match domain.cardinality() {
                Some(_) => level,
                None => domain.from_unit(level / (self.settings.levels - 1) as f64),
            };
        }
        Design::new(coordinates)
    }
}

pub(crate) fn entry() -> AgentEntry {
    AgentEntry::new("grid", "enumeration, or evenly spread points of it", |options, problem, _| {
        let settings: GridSettings = options.parse()?;
        settings.check()?;
        // Past 2^64 points only a spread makes sense, and the last parameters then keep to their start.
        let size = problem.space.parameters().iter().fold(1u128, |size, p| {
            size.saturating_mul(p.domain.cardinality().unwrap_or(settings.levels) as u128).min(1 << 64)
        });
        let budget = problem.budget.map_or(size, |budget| (budget.max(1)) as u128);
        let conditional = problem.space.parameters().iter().any(|p| p.condition.is_some())
            || !problem.space.constraints().is_empty();
        // Where points drop out, more of them are looked at.
        let steps = if settings.spread { (budget * if conditional { 8 } else { 1 }).min(size) } else { size };
        Ok(Box::new(Grid { settings, problem: problem.clone(), size, steps, next: 0 }))
    })
    .arranging()
    .hyperparameter("levels", "5", "2 to 1000", "grid points of a real parameter")
    .hyperparameter("spread", "true", "true, false", "spread the budget evenly over the grid")
}
