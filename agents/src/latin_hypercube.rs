//! `latin-hypercube`: one Latin hypercube as large as the budget, or one block after another where no budget is known.

use hwgym_envs::{Design, Random};
use serde::{Deserialize, Serialize};

use crate::tools::{check_count, initial};
use crate::{Agent, AgentEntry, AgentError, Evaluated, Problem};

/// Hyperparameters of `latin-hypercube`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LatinHypercubeSettings {
    /// Designs of one hypercube, 1 to 1,000,000; the budget, or 64, if left out.
    pub block: Option<usize>,
    /// Hypercubes of which the most spread-out one is taken, 1 to 1,000 (only for blocks of at most 200 designs).
    pub tries: usize,
}

impl Default for LatinHypercubeSettings {
    fn default() -> Self {
        Self { block: None, tries: 10 }
    }
}

impl LatinHypercubeSettings {
    /// Checks every range. Errors: the first hyperparameter outside its range.
    pub fn check(&self) -> Result<(), AgentError> {
        check_count("block", self.block.unwrap_or(1), 1, 1_000_000)?;
        check_count("tries", self.tries, 1, 1000)
    }
}

struct LatinHypercube {
    settings: LatinHypercubeSettings,
    problem: Problem,
    random: Random,
    waiting: Vec<Design>,
}

impl Agent for LatinHypercube {
    fn ask(&mut self, count: usize) -> Vec<Design> {
        (0..count).filter_map(|_| self.next()).collect()
    }

    fn tell(&mut self, _: &[Evaluated]) {}
}

impl LatinHypercube {
    fn next(&mut self) -> Option<Design> {
        if self.waiting.is_empty() {
            let block = self.settings.block.or(self.problem.budget).unwrap_or(64).clamp(1, 1_000_000);
            let tries = if block <= 200 { self.settings.tries } else { 1 };
            let space = &self.problem.space;
            self.waiting = initial::spread_latin_hypercube(space, block, tries, &[], &mut self.random);
        }
        self.waiting.pop()
    }
}

pub(crate) fn entry() -> AgentEntry {
    AgentEntry::new(
        "latin-hypercube",
        "a Latin hypercube as large as the budget",
        |options, problem, seed| {
            let settings: LatinHypercubeSettings = options.parse()?;
            settings.check()?;
            Ok(Box::new(LatinHypercube {
                settings,
                problem: problem.clone(),
                random: Random::new(seed),
                waiting: Vec::new(),
            }))
        },
    )
    .arranging()
    .hyperparameter("block", "None", "1 to 1000000", "designs of one hypercube; the budget if left out")
    .hyperparameter("tries", "10", "1 to 1000", "hypercubes of which the most spread-out is taken")
}
