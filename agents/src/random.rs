//! `random`: uniform random search, the baseline of every comparison.

use std::collections::HashSet;

use hwgym_envs::{Design, Random};
use serde::{Deserialize, Serialize};

use crate::{Agent, AgentEntry, Evaluated, Problem};

/// Hyperparameters of `random`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RandomSettings {
    /// Draw again (at most 100 times) rather than propose a design twice.
    pub distinct: bool,
}

impl Default for RandomSettings {
    fn default() -> Self {
        Self { distinct: true }
    }
}

struct RandomSearch {
    settings: RandomSettings,
    problem: Problem,
    random: Random,
    seen: HashSet<Design>,
}

impl Agent for RandomSearch {
    fn ask(&mut self, count: usize) -> Vec<Design> {
        (0..count).map(|_| self.draw()).collect()
    }

    fn tell(&mut self, results: &[Evaluated]) {
        self.seen.extend(results.iter().map(|result| result.design.clone()));
    }
}

impl RandomSearch {
    fn draw(&mut self) -> Design {
        let mut design = self.problem.space.sample(&mut self.random);
        let mut tries = 0;
        while self.settings.distinct && tries < 100 && self.seen.contains(&design) {
            design = self.problem.space.sample(&mut self.random);
            tries += 1;
        }
        self.seen.insert(design.clone());
        design
    }
}

pub(crate) fn entry() -> AgentEntry {
    AgentEntry::new("random", "uniform random search, the baseline", |options, problem, seed| {
        let settings = options.parse()?;
        let search = RandomSearch {
            settings,
            problem: problem.clone(),
            random: Random::new(seed),
            seen: HashSet::new(),
        };
        Ok(Box::new(search))
    })
    .arranging()
    .hyperparameter("distinct", "true", "true, false", "draw again rather than propose a design twice")
}
