//! `bayesian` and `bayesian-pareto`: Gaussian processes for goals and constraints, and the design that promises most.
//!
//! One model per goal and per bound (Matérn 5/2, a length per parameter, output transforms chosen by evidence). With one goal: log expected
//! improvement; with several: exact expected hypervolume improvement up to four goals, and random Chebyshev scalarisations beyond or where
//! the front makes too many boxes. Constraints enter by the log probability that they hold; while nothing is feasible, the expected
//! improvement of the total violation leads; so it does to the targets of a goal `Targets`, each with a model of its own. Designs without metrics (refused, broken, timed out) teach one more constraint.
//! Where results keep repeating each other to the bit (a plateau), most proposals are random until they no longer do. Batches are made by believing the mean prediction of what is pending. No design is proposed twice; a discrete space that is used up ends
//! the search. Past `exact_limit` results the models use half of that many best ones and as many others.

mod acquisition;
mod boxes;
mod coder;
mod jumps;
mod memory;
pub mod model_based;
mod normal;
mod outputs;
mod search;
pub mod turbo;

use std::collections::VecDeque;

use hwgym_envs::{Design, Domain, Random};
use hwgym_surrogates::gaussian_process::{GaussianProcessSettings, Noise};
use serde::{Deserialize, Serialize};

use self::acquisition::{Acquisition, Aim};
use self::boxes::Boxes;
use self::jumps::Jumps;
use self::memory::Memory;
use self::search::Search;
use crate::tools::{check_count, check_range, initial, ranking, seen};
use crate::{Agent, AgentEntry, AgentError, Evaluated, Goals, Problem};

/// Hyperparameters of `bayesian` and `bayesian-pareto`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BayesianSettings {
    /// Size of the initial design, 1 to 1,000; parameters + 4, at least 8, at most 20 and at most half of the budget, if left out.
    pub initial: Option<usize>,
    /// Uniform candidates per proposal, 10 to 100,000.
    pub candidates: usize,
    /// Candidates near the best designs, 0 to 100,000.
    pub near_candidates: usize,
    /// Factor on the predicted deviations in every second proposal (with one goal: of the second half of the budget). Above 0 to 1.
    pub caution: f64,
    /// Variance of the measurement noise relative to that of the outputs, 1e-9 to 1.
    pub noise: f64,
    /// Results that the models use at most, 50 to 5,000.
    pub exact_limit: usize,
    /// Learn a warp (Kumaraswamy's distribution function) of every number: for goals that change fast near one end of a range. Slower.
    pub warped: bool,
    /// How labels are compared.
    pub categories: Categories,
}

/// How the models compare the labels of a category.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Categories {
    /// Any two labels are equally far apart.
    #[default]
    Hamming,
    /// Every label gets a learned place in a plane, so that labels can be alike. Worth it with many results per label.
    Latent,
}

impl Default for BayesianSettings {
    fn default() -> Self {
        Self {
            initial: None,
            candidates: 600,
            near_candidates: 400,
            caution: 0.1,
            noise: 1e-6,
            exact_limit: 600,
            warped: false,
            categories: Categories::Hamming,
        }
    }
}

impl BayesianSettings {
    /// Checks every range. Errors: the first hyperparameter outside its range.
    pub fn check(&self) -> Result<(), AgentError> {
        check_count("initial", self.initial.unwrap_or(1), 1, 1000)?;
        check_count("candidates", self.candidates, 10, 100_000)?;
        check_count("near_candidates", self.near_candidates, 0, 100_000)?;
        check_range("caution", self.caution, 1e-3, 1.0)?;
        check_range("noise", self.noise, 1e-9, 1.0)?;
        check_count("exact_limit", self.exact_limit, 50, 5000)
    }
}

/// Boxes past which a front is too large for the exact hypervolume improvement.
const MOST_BOXES: usize = 20_000;

/// Results up to which every proposal takes all candidates; beyond, in inverse proportion.
const FULL_CANDIDATES: usize = 60;

/// Part of the proposals that are random while results repeat each other: where many designs are one to the environment, models that
/// tell them apart lead nowhere.
const PLATEAU_PART: f64 = 0.7;

/// Goals past which the boxes are too many anyway.
const MOST_EXACT_GOALS: usize = 4;

struct Bayesian {
    settings: BayesianSettings,
    random: Random,
    waiting: VecDeque<Design>,
    memory: Memory,
    /// True if results have come since the models were learned.
    stale: bool,
}

/// The size of an initial design: parameters + 4, from 8 to 20, at most half of the budget.
fn initial_size(problem: &Problem, asked: Option<usize>) -> usize {
    let usual = asked.unwrap_or_else(|| (problem.space.len() + 4).clamp(8, 20));
    usual.min(problem.budget.map_or(usual, |budget| budget.div_ceil(2))).max(1)
}

/// The centre and the most spread-out of 60 Latin hypercubes, each design once.
fn initial_designs(problem: &Problem, count: usize, random: &mut Random) -> VecDeque<Design> {
    let space = &problem.space;
    let mut designs = vec![initial::centre(space)];
    designs.extend(initial::spread_latin_hypercube(space, count - 1, 60, &[], random));
    if !space.constraints().is_empty() && space.violation(&designs[0]) > 0.0 {
        designs[0] = space.sample(random);
    }
    let mut known = seen::Seen::default();
    let mut fresh = VecDeque::new();
    for design in designs {
        if known.insert(&design) {
            fresh.push_back(design);
        } else if let Some(other) = seen::unseen_sample(space, &known, random) {
            known.insert(&other);
            fresh.push_back(other);
        }
    }
    fresh
}

impl Agent for Bayesian {
    fn ask(&mut self, count: usize) -> Vec<Design> {
        (0..count).map_while(|_| self.propose()).collect()
    }

    fn tell(&mut self, results: &[Evaluated]) {
        for result in results {
            if self.memory.note(result) {
                self.waiting.pop_back();
            }
        }
        self.stale = true;
    }
}

impl Bayesian {
    fn propose(&mut self) -> Option<Design> {
        while let Some(design) = self.waiting.pop_front() {
            if !self.memory.seen.contains(&design) {
                let point = self.memory.coder.encode(&self.memory.problem.space, &design);
                self.memory.points.push(point);
                self.memory.seen.insert(&design);
                return Some(design);
            }
        }
        let space = self.memory.problem.space.clone();
        if self.memory.seen.exhausts(&space) {
            return None;
        }
        if self.memory.results.is_empty() {
            let design = seen::unseen_sample(&space, &self.memory.seen, &mut self.random)?;
            let point = self.memory.coder.encode(&space, &design);
            return Some(self.memory.propose(point));
        }
        if std::mem::take(&mut self.stale) {
            self.memory.learn(&mut self.random);
        }
        let wander = self.memory.on_plateau() && self.random.chance(PLATEAU_PART);
        let point = if wander { None } else { self.next_point() };
        let design = match point {
            Some(point) => self.memory.propose(point),
            None => {
                let design = seen::unseen_sample(&space, &self.memory.seen, &mut self.random)?;
                let point = self.memory.coder.encode(&space, &design);
                self.memory.propose(point)
            }
        };
        Some(design)
    }

    fn next_point(&mut self) -> Option<Vec<f64>> {
        let memory = &self.memory;
        let (goals, count) = (memory.problem.goals, memory.points.len());
        let mut outputs = std::borrow::Cow::Borrowed(&memory.outputs);
        let mut believed = Vec::new();
        if count > memory.results.len() {
            for point in &memory.points[memory.results.len()..] {
                let means: Vec<f64> = outputs.iter().map(|o| o.model.predict(point).0).collect();
                for (output, mean) in outputs.to_mut().iter_mut().zip(&means) {
                    output.model.add(point, *mean);
                }
                believed.push(means);
            }
        }
        let limits: Vec<f64> = outputs[goals..].iter().map(|o| o.limit()).collect();
        // A believed point is one to improve on, or the next of the batch would be its neighbour.
        let missed = |means: &Vec<f64>| -> f64 {
            means[goals..].iter().zip(&limits).map(|(mean, limit)| (mean - limit).max(0.0)).sum()
        };
        let feasible = memory.results.iter().any(|r| r.score.is_met()) && !memory.problem.is_specified();
        let aim = match (feasible, goals) {
            (false, _) => {
                Aim::Violation(believed.iter().map(missed).fold(memory.least_violation(), f64::min))
            }
            (true, 1) => {
                let believed = believed.iter().filter(|means| missed(means) == 0.0).map(|means| means[0]);
                let known = memory.front().into_iter().map(|p| p[0]);
                Aim::Improvement(known.chain(believed).fold(f64::INFINITY, f64::min))
            }
            (true, _) => self.pareto_aim(believed.into_iter().map(|means| means[..goals].to_vec()).collect()),
        };
        let half = memory.problem.budget.unwrap_or(100) / 2;
        let cautious = if goals == 1 { count >= half && count % 2 == 1 } else { count.is_multiple_of(2) };
        let caution = if cautious && feasible { self.settings.caution } else { 1.0 };
        let jumps = match aim {
            Aim::Hypervolume(_) => Jumps::of(&outputs[..goals], &memory.points),
            _ => None,
        };
        let acquisition = Acquisition { outputs: &outputs, goals, aim, caution, limits, jumps };
        // With many results a candidate costs more, and the models know better where to look.
        let part = (FULL_CANDIDATES as f64 / count as f64).min(1.0);
        let some = |candidates: usize| (part * candidates as f64).ceil() as usize;
        let search = Search {
            space: &memory.problem.space,
            coder: &memory.coder,
            seen: &memory.seen,
            points: &memory.points,
            uniform: some(self.settings.candidates),
            near: some(self.settings.near_candidates),
        };
        let order = memory.best_first();
        let best: Vec<&Vec<f64>> = if goals == 1 {
            order.iter().take(3).map(|i| &memory.points[*i]).collect()
        } else {
            // A front is larger than what one proposal looks around: its members take turns.
            let front = ranking::feasible_front(&memory.results).len().max(8).min(order.len());
            let chosen = self.random.sample_indices(front, 8.min(front));
            chosen.into_iter().map(|k| &memory.points[order[k]]).collect()
        };
        let ranking = search.maximise(&acquisition, &best, &mut self.random);
        if let Some(point) = ranking.into_iter().next() {
            return Some(point);
        }
        for _ in 0..50 {
            let mut point = best.first().map(|p| (*p).clone())?;
            search.perturb(&mut point, 0.05, false, &mut self.random);
            if !search.taken(&point) {
                return Some(point);
            }
        }
        None
    }

    /// Hypervolume where its boxes are few enough, a random scalarisation otherwise.
    fn pareto_aim(&self, believed: Vec<Vec<f64>>) -> Aim {
        let memory = &self.memory;
        let mut front = memory.front();
        front.extend(believed);
        if memory.problem.goals <= MOST_EXACT_GOALS
            && let Some(boxes) = Boxes::new(&front, &memory.reference(), MOST_BOXES)
        {
            return Aim::Hypervolume(boxes);
        }
        let mut random = Random::derived(memory.points.len() as u64, "weights");
        let mut weights: Vec<f64> =
            (0..memory.problem.goals).map(|_| -(1.0 - random.uniform()).ln()).collect();
        let total: f64 = weights.iter().sum();
        weights.iter_mut().for_each(|w| *w /= total);
        let ideals: Vec<f64> = (0..memory.problem.goals)
            .map(|k| front.iter().map(|p| p[k]).fold(f64::INFINITY, f64::min))
            .collect();
        let best = front
            .iter()
            .map(|p| acquisition::scalarise(p.iter().copied(), &weights, &ideals).0)
            .fold(f64::INFINITY, f64::min);
        Aim::Chebyshev(weights, ideals, best)
    }
}

fn build(settings: BayesianSettings, problem: &Problem, seed: u64) -> Result<Box<dyn Agent>, AgentError> {
    settings.check()?;
    let mut random = Random::new(seed);
    let count = initial_size(problem, settings.initial);
    let labels = |p: &hwgym_envs::Parameter| match p.domain {
        Domain::Categorical(_) => p.domain.cardinality().unwrap_or(0),
        _ => 0,
    };
    let latent = settings.categories == Categories::Latent;
    let models = GaussianProcessSettings {
        warped: settings.warped,
        labels: problem.space.parameters().iter().filter(|_| latent).map(labels).collect(),
        noise: Noise::Fixed(settings.noise),
        points_for_lengths: 150,
        ..GaussianProcessSettings::default()
    };
    Ok(Box::new(Bayesian {
        waiting: initial_designs(problem, count, &mut random),
        memory: Memory::new(problem, models, settings.exact_limit),
        settings,
        random,
        stale: true,
    }))
}

fn documented(entry: AgentEntry) -> AgentEntry {
    entry
        .hyperparameter("initial", "None", "1 to 1000", "size of the initial design")
        .hyperparameter("candidates", "600", "10 to 100000", "uniform candidates per proposal")
        .hyperparameter("near_candidates", "400", "0 to 100000", "candidates near the best designs")
        .hyperparameter("caution", "0.1", "0.001 to 1", "factor on the deviations in every second proposal")
        .hyperparameter("noise", "1e-6", "1e-9 to 1", "measurement noise, relative to the outputs' variance")
        .hyperparameter("exact_limit", "600", "50 to 5000", "results that the models use at most")
        .hyperparameter("warped", "false", "true, false", "learn a warp of every number")
        .hyperparameter(
            "categories",
            "Hamming",
            "Hamming, Latent",
            "labels equally far apart, or with learned places",
        )
}

pub(crate) fn entry() -> AgentEntry {
    documented(AgentEntry::new(
        "bayesian",
        "Bayesian optimisation: Gaussian processes, log expected improvement, constraints",
        |options, problem, seed| build(options.parse()?, problem, seed),
    ))
}

pub(crate) fn pareto_entry() -> AgentEntry {
    documented(AgentEntry::new(
        "bayesian-pareto",
        "Bayesian optimisation of several goals: exact expected hypervolume improvement",
        |options, problem, seed| build(options.parse()?, problem, seed),
    ))
    .goals(Goals::Several)
}
