//! `hill-climber`: moves in a mixed neighbourhood, keeps what is not worse, starts over where it is stuck.

use hwgym_envs::{Design, Random};
use serde::{Deserialize, Serialize};

use crate::tools::{check_count, check_range, neighbourhood::Neighbourhood, seen::Seen};
use crate::{Agent, AgentEntry, AgentError, Evaluated, Goals, Problem};

/// Hyperparameters of `hill-climber`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HillClimberSettings {
    /// Failures in a row after which it starts over at a random design, 1 to 1,000,000.
    pub patience: usize,
    /// Largest standard deviation of a move, as part of the range; smaller ones are drawn over three decades. Above 0 to 1.
    pub scale: f64,
}

impl Default for HillClimberSettings {
    fn default() -> Self {
        Self { patience: 60, scale: 0.3 }
    }
}

impl HillClimberSettings {
    /// Checks every range. Errors: the first hyperparameter outside its range.
    pub fn check(&self) -> Result<(), AgentError> {
        check_count("patience", self.patience, 1, 1_000_000)?;
        check_range("scale", self.scale, 1e-9, 1.0)
    }
}

struct HillClimber {
    settings: HillClimberSettings,
    problem: Problem,
    random: Random,
    seen: Seen,
    current: Option<Evaluated>,
    failures: usize,
}

impl Agent for HillClimber {
    fn ask(&mut self, count: usize) -> Vec<Design> {
        let Self { settings, problem, random, seen, current, .. } = self;
        let each = 1.0 / problem.space.len().max(1) as f64;
        let near = Neighbourhood { scale: settings.scale, decades: 3.0, several: 1.0, each };
        (0..count).map(|_| near.step(&problem.space, current.as_ref(), seen, random)).collect()
    }

    fn tell(&mut self, results: &[Evaluated]) {
        for result in results {
            self.seen.insert(&result.design);
            match &self.current {
                Some(current) if result.score.compare(&current.score).is_lt() => self.failures += 1,
                _ => {
                    self.current = Some(result.clone());
                    self.failures = 0;
                }
            }
            if self.failures >= self.settings.patience {
                self.current = None;
                self.failures = 0;
            }
        }
    }
}

pub(crate) fn entry() -> AgentEntry {
    AgentEntry::new(
        "hill-climber",
        "random moves in a mixed neighbourhood, keeping what is not worse",
        |options, problem, seed| {
            let settings: HillClimberSettings = options.parse()?;
            settings.check()?;
            Ok(Box::new(HillClimber {
                settings,
                problem: problem.clone(),
                random: Random::new(seed),
                seen: Seen::default(),
                current: None,
                failures: 0,
            }))
        },
    )
    .arranging()
    .goals(Goals::One)
    .hyperparameter("patience", "60", "1 to 1000000", "failures in a row after which it starts over")
    .hyperparameter("scale", "0.3", "1e-9 to 1", "largest deviation of a move, as part of the range")
}
