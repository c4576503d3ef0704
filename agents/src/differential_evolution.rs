//! `differential-evolution`: JADE (Zhang and Sanderson 2009), current-to-p-best with adapted step and crossover, on the unit cube.
//!
//! Ordered values move as places in [0, 1] and are rounded when proposed; categories are taken from the donors.

use std::collections::HashMap;

use hwgym_envs::{Design, Domain, Random};
use serde::{Deserialize, Serialize};

use crate::tools::{check_count, check_range, initial, seen::Seen, variation};
use crate::{Agent, AgentEntry, AgentError, Evaluated, Goals, Problem};

/// Hyperparameters of `differential-evolution`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DifferentialEvolutionSettings {
    /// Size of the population, 5 to 10,000.
    pub population: usize,
    /// Part of the population that counts as best, above 0 to 1.
    pub best_part: f64,
    /// First mean of the step factor, 0.05 to 1.
    pub step: f64,
    /// First mean of the crossover probability, 0 to 1.
    pub crossover: f64,
    /// How fast both means follow what succeeds, 0 to 1.
    pub adaptation: f64,
}

impl Default for DifferentialEvolutionSettings {
    fn default() -> Self {
        Self { population: 20, best_part: 0.2, step: 0.6, crossover: 0.8, adaptation: 0.1 }
    }
}

impl DifferentialEvolutionSettings {
    /// Checks every range. Errors: the first hyperparameter outside its range.
    pub fn check(&self) -> Result<(), AgentError> {
        check_count("population", self.population, 5, 10_000)?;
        check_range("best_part", self.best_part, 1e-3, 1.0)?;
        check_range("step", self.step, 0.05, 1.0)?;
        check_range("crossover", self.crossover, 0.0, 1.0)?;
        check_range("adaptation", self.adaptation, 0.0, 1.0)
    }
}

struct Member {
    /// Places in [0, 1]; labels for categories.
    place: Vec<f64>,
    result: Evaluated,
}

struct Trial {
    target: usize,
    place: Vec<f64>,
    step: f64,
    crossover: f64,
}

struct DifferentialEvolution {
    settings: DifferentialEvolutionSettings,
    problem: Problem,
    random: Random,
    seen: Seen,
    waiting: Vec<Design>,
    population: Vec<Member>,
    pending: HashMap<Design, Trial>,
    /// The member whose turn it is.
    next: usize,
    step: f64,
    crossover: f64,
}

fn is_category(domain: &Domain) -> bool {
    matches!(domain, Domain::Categorical(_) | Domain::Boolean)
}

impl Agent for DifferentialEvolution {
    fn ask(&mut self, count: usize) -> Vec<Design> {
        (0..count).map(|_| self.propose()).collect()
    }

    fn tell(&mut self, results: &[Evaluated]) {
        for result in results {
            self.seen.insert(&result.design);
            match self.pending.remove(&result.design) {
                Some(trial) => self.compete(trial, result),
                None => self.join(result),
            }
        }
    }
}

impl DifferentialEvolution {
    fn propose(&mut self) -> Design {
        if let Some(design) = self.waiting.pop() {
            self.seen.insert(&design);
            return design;
        }
        if self.population.len() < 4 {
            return self
                .seen
                .fresh(&self.problem.space, 20, &mut self.random, |r| self.problem.space.sample(r));
        }
        let mut last = None;
        for _ in 0..20 {
            let trial = self.trial();
            let design = self.design(&trial.place);
            let usable = !self.seen.contains(&design)
                && (self.problem.space.constraints().is_empty()
                    || self.problem.space.violation(&design) == 0.0);
            last = Some((trial, design));
            if usable {
                break;
            }
        }
        self.next = (self.next + 1) % self.population.len();
        let Some((trial, mut design)) = last else { return self.problem.space.sample(&mut self.random) };
        if !self.seen.insert(&design) {
            variation::mutate(&self.problem.space, &mut design, 0.0, 0.1, &mut self.random);
            self.seen.insert(&design);
            return design;
        }
        self.pending.insert(design.clone(), trial);
        design
    }

    fn trial(&mut self) -> Trial {
        let Self { random, population, settings, problem, .. } = self;
        let count = population.len();
        let target = self.next % count;
        let step = loop {
            // Cauchy around the mean, drawn again below 0.
            let draw = self.step + 0.1 * (std::f64::consts::PI * (random.uniform() - 0.5)).tan();
            if draw > 0.0 {
                break draw.min(1.0);
            }
        };
        let crossover = (self.crossover + 0.1 * random.normal()).clamp(0.0, 1.0);
        let mut order: Vec<usize> = (0..count).collect();
        order.sort_by(|a, b| population[*b].result.score.compare(&population[*a].result.score));
        let best = order[random.below(((settings.best_part * count as f64).ceil() as usize).clamp(1, count))];
        let first = random.below(count);
        let second = random.below(count);
        let forced = random.below(problem.space.len());
        let mut place = population[target].place.clone();
        for (j, parameter) in problem.space.parameters().iter().enumerate() {
            if j != forced && !random.chance(crossover) {
                continue;
            }
            let of = |member: usize| population[member].place[j];
            place[j] = if is_category(&parameter.domain) {
                match random.below(10) {
                    0 => parameter.domain.sample(random),
                    1..=4 => of(best),
                    _ => of(first),
                }
            } else {
                let moved = of(target) + step * (of(best) - of(target)) + step * (of(first) - of(second));
                // Half way to the bound that was crossed.
                if moved < 0.0 {
                    0.5 * of(target)
                } else if moved > 1.0 {
                    0.5 * (1.0 + of(target))
                } else {
                    moved
                }
            };
        }
        Trial { target, place, step, crossover }
    }

    fn design(&self, place: &[f64]) -> Design {
        let parameters = self.problem.space.parameters();
        let coordinate = |(p, u): (&hwgym_envs::Parameter, &f64)| match is_category(&p.domain) {
            true => *u,
            false => p.domain.from_unit(*u),
        };
        let mut design = Design::new(parameters.iter().zip(place).map(coordinate).collect::<Vec<_>>());
        self.problem.space.canonicalise(&mut design);
        design
    }

    fn compete(&mut self, trial: Trial, result: &Evaluated) {
        let Some(target) = self.population.get_mut(trial.target) else { return self.join(result) };
        let order = result.score.compare(&target.result.score);
        if order.is_ge() {
            *target = Member { place: trial.place, result: result.clone() };
        }
        if order.is_gt() {
            let rate = self.settings.adaptation;
            // A moving Lehmer mean for the step, an arithmetic one for the crossover.
            self.step =
                ((1.0 - rate) * self.step + rate * trial.step.powi(2) / self.step.max(0.05)).clamp(0.05, 1.0);
            self.crossover = (1.0 - rate) * self.crossover + rate * trial.crossover;
        }
    }

    /// A foreign result, or one of the initial designs.
    fn join(&mut self, result: &Evaluated) {
        let parameters = self.problem.space.parameters();
        let place: Vec<f64> = parameters
            .iter()
            .zip(result.design.coordinates())
            .map(|(p, c)| if is_category(&p.domain) { *c } else { p.domain.to_unit(*c) })
            .collect();
        let member = Member { place, result: result.clone() };
        if self.population.len() < self.settings.population {
            self.population.push(member);
            return;
        }
        let worst = (0..self.population.len())
            .min_by(|a, b| self.population[*a].result.score.compare(&self.population[*b].result.score));
        if let Some(worst) = worst
            && result.score.compare(&self.population[worst].result.score).is_gt()
        {
            self.population[worst] = member;
        }
    }
}

pub(crate) fn entry() -> AgentEntry {
    AgentEntry::new(
        "differential-evolution",
        "differential evolution with adapted steps (JADE), for mixed spaces",
        |options, problem, seed| {
            let settings: DifferentialEvolutionSettings = options.parse()?;
            settings.check()?;
            if problem.space.is_empty() {
                return Err(AgentError::unsupported("differential-evolution", "the space has no parameters"));
            }
            let mut random = Random::new(seed);
            let count = settings.population.min(problem.budget.unwrap_or(usize::MAX).div_ceil(2)).max(1);
            Ok(Box::new(DifferentialEvolution {
                waiting: initial::latin_hypercube(&problem.space, count, &mut random),
                step: settings.step,
                crossover: settings.crossover,
                settings,
                problem: problem.clone(),
                random,
                seen: Seen::default(),
                population: Vec::new(),
                pending: HashMap::new(),
                next: 0,
            }))
        },
    )
    .goals(Goals::One)
    .hyperparameter("population", "20", "5 to 10000", "size of the population")
    .hyperparameter("best_part", "0.2", "0.001 to 1", "part of the population that counts as best")
    .hyperparameter("step", "0.6", "0.05 to 1", "first mean of the step factor")
    .hyperparameter("crossover", "0.8", "0 to 1", "first mean of the crossover probability")
    .hyperparameter("adaptation", "0.1", "0 to 1", "how fast both means follow what succeeds")
}
