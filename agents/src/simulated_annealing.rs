//! `simulated-annealing`: moves in a mixed neighbourhood; a worse design is accepted with a probability that falls with the temperature.

use hwgym_envs::{Design, Random};
use serde::{Deserialize, Serialize};

use crate::tools::{check_count, check_range, neighbourhood::Neighbourhood, seen::Seen};
use crate::{Agent, AgentEntry, AgentError, Evaluated, Goals, Problem};

/// Hyperparameters of `simulated-annealing`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SimulatedAnnealingSettings {
    /// First temperature, in standard deviations of the rewards seen. 1e-6 to 100.
    pub hottest: f64,
    /// Last temperature, 1e-12 to 100.
    pub coldest: f64,
    /// Evaluations from the first to the last temperature, 1 to 10,000,000; the budget, or 1,000, if left out.
    pub steps: Option<usize>,
    /// Largest standard deviation of a move, as part of the range; smaller ones are drawn over two decades. Above 0 to 1.
    pub scale: f64,
}

impl Default for SimulatedAnnealingSettings {
    fn default() -> Self {
        Self { hottest: 1.0, coldest: 1e-4, steps: None, scale: 0.3 }
    }
}

impl SimulatedAnnealingSettings {
    /// Checks every range. Errors: the first hyperparameter outside its range.
    pub fn check(&self) -> Result<(), AgentError> {
        check_range("hottest", self.hottest, 1e-6, 100.0)?;
        check_range("coldest", self.coldest, 1e-12, self.hottest)?;
        check_count("steps", self.steps.unwrap_or(1), 1, 10_000_000)?;
        check_range("scale", self.scale, 1e-9, 1.0)
    }
}

struct Annealing {
    settings: SimulatedAnnealingSettings,
    problem: Problem,
    random: Random,
    seen: Seen,
    current: Option<Evaluated>,
    told: usize,
    /// Count, mean and sum of squares of the rewards seen (Welford).
    rewards: (f64, f64, f64),
}

impl Agent for Annealing {
    fn ask(&mut self, count: usize) -> Vec<Design> {
        let Self { settings, problem, random, seen, current, .. } = self;
        let near = Neighbourhood { scale: settings.scale, decades: 2.0, several: 0.3, each: 0.3 };
        (0..count).map(|_| near.step(&problem.space, current.as_ref(), seen, random)).collect()
    }

    fn tell(&mut self, results: &[Evaluated]) {
        for result in results {
            self.seen.insert(&result.design);
            self.told += 1;
            if let (true, Some(reward)) = (result.score.is_feasible(), result.score.reward()) {
                self.rewards.0 += 1.0;
                let change = reward - self.rewards.1;
                self.rewards.1 += change / self.rewards.0;
                self.rewards.2 += change * (reward - self.rewards.1);
            }
            if self.accepts(result) {
                self.current = Some(result.clone());
            }
        }
    }
}

impl Annealing {
    fn temperature(&self) -> f64 {
        let steps = self.settings.steps.or(self.problem.budget).unwrap_or(1000).max(1);
        let part = (self.told as f64 / steps as f64).min(1.0);
        self.settings.hottest * (self.settings.coldest / self.settings.hottest).powf(part)
    }

    fn accepts(&mut self, result: &Evaluated) -> bool {
        let Some(current) = &self.current else { return true };
        if result.score.compare(&current.score).is_ge() {
            return true;
        }
        let deviation = (self.rewards.2 / self.rewards.0.max(1.0)).sqrt();
        let loss = match (current.score.is_feasible(), result.score.is_feasible()) {
            (true, true) => {
                let reward = |e: &Evaluated| e.score.reward().unwrap_or(0.0);
                (reward(current) - reward(result)) / if deviation > 0.0 { deviation } else { 1.0 }
            }
            (false, false) => (result.score.violation - current.score.violation) / current.score.violation,
            _ => 3.0,
        };
        self.random.chance((-loss / self.temperature()).exp())
    }
}

pub(crate) fn entry() -> AgentEntry {
    AgentEntry::new(
        "simulated-annealing",
        "moves in a mixed neighbourhood, accepted by temperature",
        |options, problem, seed| {
            let settings: SimulatedAnnealingSettings = options.parse()?;
            settings.check()?;
            Ok(Box::new(Annealing {
                settings,
                problem: problem.clone(),
                random: Random::new(seed),
                seen: Seen::default(),
                current: None,
                told: 0,
                rewards: (0.0, 0.0, 0.0),
            }))
        },
    )
    .arranging()
    .goals(Goals::One)
    .hyperparameter("hottest", "1.0", "1e-6 to 100", "first temperature, in deviations of the rewards")
    .hyperparameter("coldest", "1e-4", "1e-12 to hottest", "last temperature")
    .hyperparameter(
        "steps",
        "None",
        "1 to 10000000",
        "evaluations from the first to the last; the budget if left out",
    )
    .hyperparameter("scale", "0.3", "1e-9 to 1", "largest deviation of a move, as part of the range")
}
