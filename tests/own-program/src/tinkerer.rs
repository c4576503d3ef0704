//! An agent: changes one parameter of the best design, and sometimes starts anew.

use hwgym::agents::Goals;
use hwgym::prelude::*;
use serde::Deserialize;

/// Hyperparameters of the agent.
#[derive(Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Tinkerer {
    restart: f64,
}

impl Default for Tinkerer {
    fn default() -> Self {
        Self { restart: 0.1 }
    }
}

struct Search {
    settings: Tinkerer,
    problem: Problem,
    random: Random,
    best: Option<Evaluated>,
}

impl Agent for Search {
    fn ask(&mut self, count: usize) -> Vec<Design> {
        let space = &self.problem.space;
        let propose = |_| match &self.best {
            Some(best) if !self.random.chance(self.settings.restart) => {
                let mut design = best.design.clone();
                let index = self.random.below(space.len());
                design.set(index, space.parameters()[index].domain.sample(&mut self.random));
                space.canonicalise(&mut design);
                design
            }
            _ => space.sample(&mut self.random),
        };
        (0..count).map(propose).collect()
    }

    fn tell(&mut self, results: &[Evaluated]) {
        for result in results {
            if self.best.as_ref().is_none_or(|best| result.score.compare(&best.score).is_gt()) {
                self.best = Some(result.clone());
            }
        }
    }
}

pub fn entry() -> AgentEntry {
    AgentEntry::new("tinkerer", "changes one parameter of the best design", |options, problem, seed| {
        let settings: Tinkerer = options.parse()?;
        if !(0.0..=1.0).contains(&settings.restart) {
            return Err(AgentError::out_of_range("restart", settings.restart, "a probability from 0 to 1"));
        }
        Ok(Box::new(Search { settings, problem: problem.clone(), random: Random::new(seed), best: None }))
    })
    .goals(Goals::One)
    .hyperparameter("restart", "0.1", "0 to 1", "probability of a fresh random design")
}
