//! `turbo`: Bayesian optimisation in a trust region (TuRBO, Eriksson et al. 2019; constraints as in SCBO, Eriksson and Poloczek 2021).
//!
//! A box around the best design, its sides in proportion to the fitted lengths. It doubles after some successes, halves after some
//! failures, and starts over elsewhere when it has become tiny. Proposals are the best of a joint draw of all models at candidates in the
//! box, by Deb's rules: for many dimensions and batches, where `bayesian` is slow.

use std::collections::VecDeque;

use hwgym_envs::{Design, Random};
use hwgym_surrogates::gaussian_process::{GaussianProcessSettings, Inputs};
use serde::{Deserialize, Serialize};

use super::coder::Column;
use super::memory::Memory;
use super::{initial_designs, initial_size};
use crate::tools::{check_count, check_range, seen, variation::reflect};
use crate::{Agent, AgentEntry, AgentError, Evaluated, Goals};

/// Hyperparameters of `turbo`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TurboSettings {
    /// Size of the initial design, 1 to 1,000; as for `bayesian` if left out.
    pub initial: Option<usize>,
    /// First side of the trust region, as part of the space. 0.01 to 1.
    pub length: f64,
    /// Side at which the region starts over, 1e-6 to 0.5.
    pub shortest: f64,
    /// Successes in a row after which the side doubles, 1 to 100.
    pub successes: usize,
    /// Failures in a row after which it halves, 1 to 1,000; the number of parameters, at least 4, if left out.
    pub failures: Option<usize>,
    /// Candidates of a joint draw, 10 to 2,000.
    pub candidates: usize,
    /// Results that the models use at most, 50 to 5,000.
    pub exact_limit: usize,
}

impl Default for TurboSettings {
    fn default() -> Self {
        Self {
            initial: None,
            length: 0.8,
            shortest: 0.0078125,
            successes: 3,
            failures: None,
            candidates: 200,
            exact_limit: 400,
        }
    }
}

impl TurboSettings {
    /// Checks every range. Errors: the first hyperparameter outside its range.
    pub fn check(&self) -> Result<(), AgentError> {
        check_count("initial", self.initial.unwrap_or(1), 1, 1000)?;
        check_range("length", self.length, 0.01, 1.0)?;
        check_range("shortest", self.shortest, 1e-6, 0.5)?;
        check_count("successes", self.successes, 1, 100)?;
        check_count("failures", self.failures.unwrap_or(1), 1, 1000)?;
        check_count("candidates", self.candidates, 10, 2000)?;
        check_count("exact_limit", self.exact_limit, 50, 5000)
    }
}

struct Turbo {
    settings: TurboSettings,
    random: Random,
    waiting: VecDeque<Design>,
    memory: Memory,
    stale: bool,
    length: f64,
    successes: usize,
    failures: usize,
    /// The best result of this region, as an index of results.
    centre: Option<usize>,
}

impl Agent for Turbo {
    fn ask(&mut self, count: usize) -> Vec<Design> {
        (0..count).map_while(|_| self.propose()).collect()
    }

    fn tell(&mut self, results: &[Evaluated]) {
        let before = self.memory.results.len();
        for result in results {
            if self.memory.note(result) {
                self.waiting.pop_back();
            }
        }
        self.stale = true;
        let initial = self.memory.results.len() <= self.waiting.len() || !self.waiting.is_empty();
        for index in before..self.memory.results.len() {
            let better = self.centre.is_none_or(|c| {
                self.memory.results[index].score.compare(&self.memory.results[c].score).is_gt()
            });
            if better {
                self.centre = Some(index);
            }
            if !initial {
                (self.successes, self.failures) =
                    if better { (self.successes + 1, 0) } else { (0, self.failures + 1) };
            }
        }
        let patience = self.settings.failures.unwrap_or(self.memory.problem.space.len().max(4));
        if self.successes >= self.settings.successes {
            self.length = (2.0 * self.length).min(1.6);
            self.successes = 0;
        } else if self.failures >= patience {
            self.length /= 2.0;
            self.failures = 0;
        }
        if self.length < self.settings.shortest {
            self.length = self.settings.length;
            self.centre = None;
            let count = initial_size(&self.memory.problem, self.settings.initial);
            self.waiting = initial_designs(&self.memory.problem, count, &mut self.random);
        }
    }
}

impl Turbo {
    fn propose(&mut self) -> Option<Design> {
        let space = self.memory.problem.space.clone();
        while let Some(design) = self.waiting.pop_front() {
            if !self.memory.seen.contains(&design) {
                let point = self.memory.coder.encode(&space, &design);
                return Some(self.memory.propose(point));
            }
        }
        if self.memory.seen.exhausts(&space) {
            return None;
        }
        let point = match self.centre {
            Some(centre) => {
                if std::mem::take(&mut self.stale) {
                    self.memory.learn(&mut self.random);
                }
                self.draw(centre)
            }
            None => None,
        };
        let point = match point {
            Some(point) => point,
            None => {
                let design = seen::unseen_sample(&space, &self.memory.seen, &mut self.random)?;
                self.memory.coder.encode(&space, &design)
            }
        };
        Some(self.memory.propose(point))
    }

    /// The candidate that is best in one joint draw of all models.
    fn draw(&mut self, centre: usize) -> Option<Vec<f64>> {
        let Self { memory, random, settings, length, .. } = self;
        let space = memory.problem.space.clone();
        let middle = memory.points[centre].clone();
        let lengths = if memory.problem.is_specified() {
            // The goal has no model of its own: every parameter as the models of the targets see it together.
            let models: Vec<Vec<f64>> = memory.outputs[1..].iter().map(|o| o.model.lengths()).collect();
            let mean = |j: usize| models.iter().map(|l| l[j].ln()).sum::<f64>() / models.len() as f64;
            (0..middle.len()).map(|j| mean(j).exp()).collect()
        } else {
            memory.outputs.first()?.model.lengths()
        };
        let log_mean = lengths.iter().map(|l| l.ln()).sum::<f64>() / lengths.len().max(1) as f64;
        let sides: Vec<f64> =
            lengths.iter().map(|l| (*length * (l.ln() - log_mean).exp()).min(2.0)).collect();
        let width = middle.len();
        let moving = (20.0 / width as f64).min(1.0);
        let mut candidates: Vec<Vec<f64>> = Vec::new();
        for _ in 0..settings.candidates * 2 {
            if candidates.len() >= settings.candidates {
                break;
            }
            let mut point = middle.clone();
            let forced = random.below(width);
            for j in 0..width {
                if j != forced && !random.chance(moving) {
                    continue;
                }
                point[j] = match memory.coder.columns[j] {
                    Column::Category(levels) if random.chance(length.min(1.0)) => random.below(levels) as f64,
                    Column::Category(_) => point[j],
                    _ => reflect(point[j] + sides[j] * random.between(-0.5, 0.5), 0.0, 1.0),
                };
            }
            let design = memory.coder.decode(&space, &point);
            if !memory.seen.contains(&design)
                && (space.constraints().is_empty() || space.violation(&design) == 0.0)
            {
                candidates.push(memory.coder.encode(&space, &design));
            }
        }
        if candidates.is_empty() {
            return None;
        }
        let inputs = Inputs::new(memory.coder.categorical(), candidates.concat());
        let goals = memory.problem.goals;
        let mut values = vec![0.0; candidates.len()];
        let mut violations = vec![0.0; candidates.len()];
        for (k, output) in memory.outputs.iter().enumerate() {
            let normals: Vec<f64> = candidates.iter().map(|_| random.normal()).collect();
            let drawn = output.model.draw(&inputs, &normals);
            for (i, value) in drawn.iter().enumerate() {
                if k >= goals {
                    violations[i] += (value - output.limit()).max(0.0);
                } else if !memory.problem.is_specified() {
                    values[i] += value;
                }
            }
        }
        let order = |a: &usize, b: &usize| {
            violations[*a].total_cmp(&violations[*b]).then(values[*a].total_cmp(&values[*b]))
        };
        (0..candidates.len()).min_by(order).map(|best| candidates.swap_remove(best))
    }
}

pub(crate) fn entry() -> AgentEntry {
    AgentEntry::new(
        "turbo",
        "Bayesian optimisation in a trust region with Thompson sampling (TuRBO, SCBO)",
        |options, problem, seed| {
            let settings: TurboSettings = options.parse()?;
            settings.check()?;
            if problem.space.is_empty() {
                return Err(AgentError::unsupported("turbo", "the space has no parameters"));
            }
            let mut random = Random::new(seed);
            let count = initial_size(problem, settings.initial);
            let models =
                GaussianProcessSettings { points_for_lengths: 150, ..GaussianProcessSettings::default() };
            Ok(Box::new(Turbo {
                waiting: initial_designs(problem, count, &mut random),
                memory: Memory::new(problem, models, settings.exact_limit),
                length: settings.length,
                settings,
                random,
                stale: true,
                successes: 0,
                failures: 0,
                centre: None,
            }))
        },
    )
    .goals(Goals::One)
    .hyperparameter("initial", "None", "1 to 1000", "size of the initial design")
    .hyperparameter("length", "0.8", "0.01 to 1", "first side of the trust region")
    .hyperparameter("shortest", "0.0078125", "1e-6 to 0.5", "side at which the region starts over")
    .hyperparameter("successes", "3", "1 to 100", "successes in a row that double the side")
    .hyperparameter("failures", "None", "1 to 1000", "failures in a row that halve it")
    .hyperparameter("candidates", "200", "10 to 2000", "candidates of a joint draw")
    .hyperparameter("exact_limit", "400", "50 to 5000", "results that the models use at most")
}
