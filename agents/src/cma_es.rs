//! `cma-es`: matrix adaptation (MA-ES, Beyer and Sendhoff 2017, the simplified CMA-ES) on the unit cube, with restarts.
//!
//! Ordered values are places in [0, 1], rounded when proposed, with a least spread of a fifth of a level so that integers do not freeze.
//! Categories have probabilities that follow the better half. The worse half repels (active weights, Hansen's tutorial). With bounds, ranking
//! is by an augmented Lagrangian (Atamna, Auger and Hansen 2017), with targets alone by the sum of their misses, each in its usual size; by Deb's rules where there is nothing to weigh. When the spread is gone, or
//! nothing improves any more, it starts over with twice the population.

use std::collections::HashMap;

use hwgym_envs::{Design, Domain, Random};
use serde::{Deserialize, Serialize};

use crate::tools::lagrangian::Lagrangian;
use crate::tools::{check_count, check_range, initial, misses, variation::reflect};
use crate::{Agent, AgentEntry, AgentError, Evaluated, Goals, Problem};

/// Hyperparameters of `cma-es`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CmaEsSettings {
    /// Proposals per generation, 4 to 10,000; 4 + 3 ln(parameters) if left out.
    pub population: Option<usize>,
    /// First standard deviation, as part of the range. 0.001 to 1.
    pub deviation: f64,
    /// How fast the probabilities of categories follow, 0 to 1.
    pub learning_rate: f64,
    /// Deviation at which the search starts over with twice the population, 1e-15 to 0.1.
    pub smallest_deviation: f64,
}

impl Default for CmaEsSettings {
    fn default() -> Self {
        Self { population: None, deviation: 0.2, learning_rate: 0.2, smallest_deviation: 1e-10 }
    }
}

impl CmaEsSettings {
    /// Checks every range. Errors: the first hyperparameter outside its range.
    pub fn check(&self) -> Result<(), AgentError> {
        check_count("population", self.population.unwrap_or(4), 4, 10_000)?;
        check_range("deviation", self.deviation, 1e-3, 1.0)?;
        check_range("learning_rate", self.learning_rate, 0.0, 1.0)?;
        check_range("smallest_deviation", self.smallest_deviation, 1e-15, 0.1)
    }
}

/// A sample: the normal numbers, and the step that the matrix made of them.
#[derive(Clone)]
struct Sample {
    normals: Vec<f64>,
    step: Vec<f64>,
}

struct CmaEs {
    settings: CmaEsSettings,
    problem: Problem,
    random: Random,
    waiting: Vec<Design>,
    /// Ordered parameters, then categories, as positions.
    ordered: Vec<usize>,
    categories: Vec<usize>,
    population: usize,
    mean: Vec<f64>,
    deviation: f64,
    /// Row-major.
    matrix: Vec<f64>,
    path: Vec<f64>,
    probabilities: Vec<Vec<f64>>,
    pending: HashMap<Design, Vec<Sample>>,
    generation: Vec<(Sample, Evaluated)>,
    best: Option<Evaluated>,
    /// Initial results until the first generation.
    first: usize,
    lagrangian: Lagrangian,
    /// Generations since this start improved on its best, and that best.
    idle: usize,
    best_of_start: Option<Evaluated>,
}

impl Agent for CmaEs {
    fn ask(&mut self, count: usize) -> Vec<Design> {
        (0..count).map(|_| self.propose()).collect()
    }

    fn tell(&mut self, results: &[Evaluated]) {
        for result in results {
            let better = self.best.as_ref().is_none_or(|b| result.score.compare(&b.score).is_gt());
            if better {
                self.best = Some(result.clone());
            }
            let sample = self.pending.get_mut(&result.design).and_then(Vec::pop);
            match sample {
                Some(sample) => self.generation.push((sample, result.clone())),
                // An initial or a foreign design: the search starts at the best of them.
                None if better && self.first > 0 => self.mean = self.places(&result.design),
                None => {}
            }
            self.first = self.first.saturating_sub(1);
            if self.generation.len() >= self.population {
                self.adapt();
            }
        }
    }
}

impl CmaEs {
    fn places(&self, design: &Design) -> Vec<f64> {
        let parameters = self.problem.space.parameters();
        self.ordered.iter().map(|j| parameters[*j].domain.to_unit(design.coordinate(*j))).collect()
    }

    fn propose(&mut self) -> Design {
        if let Some(design) = self.waiting.pop() {
            return design;
        }
        let mut last = None;
        for _ in 0..10 {
            let (sample, design) = self.draw();
            let kept =
                self.problem.space.constraints().is_empty() || self.problem.space.violation(&design) == 0.0;
            last = Some((sample, design));
            if kept {
                break;
            }
        }
        let Some((sample, design)) = last else { return self.problem.space.sample(&mut self.random) };
        self.pending.entry(design.clone()).or_default().push(sample);
        design
    }

    fn draw(&mut self) -> (Sample, Design) {
        let size = self.ordered.len();
        let random = &mut self.random;
        let normals: Vec<f64> = (0..size).map(|_| random.normal()).collect();
        let mut step = vec![0.0; size];
        for (row, place) in self.matrix.chunks_exact(size.max(1)).zip(&mut step) {
            *place = row.iter().zip(&normals).map(|(m, z)| m * z).sum();
        }
        let mut design = initial::centre(&self.problem.space);
        for (k, j) in self.ordered.iter().enumerate() {
            let domain = &self.problem.space.parameters()[*j].domain;
            let mut place = self.mean[k] + self.deviation * step[k];
            if let Some(levels) = domain.cardinality() {
                place += 0.2 / levels as f64 * random.normal();
            }
            design.set(*j, domain.from_unit(reflect(place, 0.0, 1.0)));
        }
        for (j, probabilities) in self.categories.iter().zip(&self.probabilities) {
            design.set(*j, random.weighted(probabilities) as f64);
        }
        self.problem.space.canonicalise(&mut design);
        (Sample { normals, step }, design)
    }

    fn adapt(&mut self) {
        let (size, population) = (self.ordered.len(), self.population);
        let mut generation: Vec<(Sample, Evaluated)> = std::mem::take(&mut self.generation);
        self.rank(&mut generation);
        let parents = (population / 2).max(1);
        let raw: Vec<f64> =
            (0..parents).map(|i| (parents as f64 + 0.5).ln() - (i as f64 + 1.0).ln()).collect();
        let total: f64 = raw.iter().sum();
        let weights: Vec<f64> = raw.iter().map(|w| w / total).collect();
        let effective = 1.0 / weights.iter().map(|w| w * w).sum::<f64>();
        let n = size as f64;
        // The usual constants of Hansen's tutorial (arXiv 1604.00772, table 1).
        let c_path = (effective + 2.0) / (n + effective + 5.0);
        let c_one = 2.0 / ((n + 1.3).powi(2) + effective);
        let c_rank = (1.0 - c_one)
            .min(2.0 * (effective - 2.0 + 1.0 / effective) / ((n + 2.0).powi(2) + effective))
            .max(0.0);
        let damping = 1.0 + c_path + 2.0 * (((effective - 1.0) / (n + 1.0)).sqrt() - 1.0).max(0.0);
        let expected = n.sqrt() * (1.0 - 1.0 / (4.0 * n) + 1.0 / (21.0 * n * n));

        let average = |of: fn(&Sample) -> &Vec<f64>| -> Vec<f64> {
            (0..size).map(|k| weights.iter().zip(&generation).map(|(w, (s, _))| w * of(s)[k]).sum()).collect()
        };
        let (normal, step) = (average(|s| &s.normals), average(|s| &s.step));
        for k in 0..size {
            self.mean[k] = (self.mean[k] + self.deviation * step[k]).clamp(0.0, 1.0);
        }
        let scale = (effective * c_path * (2.0 - c_path)).sqrt();
        for (path, z) in self.path.iter_mut().zip(&normal) {
            *path = (1.0 - c_path) * *path + scale * z;
        }
        let signed = active_weights(&weights, &generation, c_one, c_rank);
        // The weights times the squared lengths of the normal numbers, in dimensions: what the identity is weighed with.
        let balance: f64 = weights.iter().sum::<f64>()
            + signed[parents..]
                .iter()
                .zip(&generation[parents..])
                .map(|(w, (s, _))| w * squared_length(&s.normals) / n)
                .sum::<f64>();
        // M <- M (I + c1/2 (p p' - I) + cw/2 (sum w z z' - I)); M z is the step that was drawn.
        let image: Vec<f64> = self
            .matrix
            .chunks_exact(size.max(1))
            .map(|row| row.iter().zip(&self.path).map(|(m, p)| m * p).sum())
            .collect();
        for i in 0..size {
            for j in 0..size {
                let rank: f64 =
                    signed.iter().zip(&generation).map(|(w, (s, _))| w * s.step[i] * s.normals[j]).sum();
                let entry = &mut self.matrix[i * size + j];
                *entry += 0.5 * c_one * (image[i] * self.path[j] - *entry)
                    + 0.5 * c_rank * (rank - balance * *entry);
            }
        }
        let length = self.path.iter().map(|p| p * p).sum::<f64>().sqrt();
        self.deviation *= ((c_path / damping) * (length / expected - 1.0)).exp();
        self.deviation = self.deviation.min(1.0);
        for (j, probabilities) in self.categories.iter().zip(&mut self.probabilities) {
            let mut frequencies = vec![0.0; probabilities.len()];
            for (weight, (_, result)) in weights.iter().zip(&generation) {
                frequencies[result.design.level(*j)] += weight;
            }
            let rate = self.settings.learning_rate;
            let floor = 0.2 / (probabilities.len() as f64 * n.max(1.0));
            for (p, f) in probabilities.iter_mut().zip(&frequencies) {
                *p = ((1.0 - rate) * *p + rate * f).max(floor);
            }
            let total: f64 = probabilities.iter().sum();
            probabilities.iter_mut().for_each(|p| *p /= total);
        }
        let spread = self.deviation * self.matrix.iter().fold(0.0, |m: f64, v| m.max(v.abs()));
        let patience = 24 + 40 * size / population;
        if !(spread > self.settings.smallest_deviation && spread.is_finite()) || self.idle > patience {
            self.restart();
        }
    }

    /// Sorts a generation, best first: by Deb's rules; with bounds, by the augmented Lagrangian.
    fn rank(&mut self, generation: &mut [(Sample, Evaluated)]) {
        generation.sort_by(|a, b| b.1.score.compare(&a.1.score));
        let specified = self.problem.is_specified();
        if specified {
            let totals = misses::totals(generation.iter().map(|(_, result)| result));
            let mut order: Vec<usize> = (0..generation.len()).collect();
            order.sort_by(|a, b| totals[*a].total_cmp(&totals[*b]));
            let sorted: Vec<_> = order.iter().map(|i| generation[*i].clone()).collect();
            generation.clone_from_slice(&sorted);
        }
        let improved =
            self.best_of_start.as_ref().is_none_or(|best| generation[0].1.score.compare(&best.score).is_gt());
        self.idle = if improved { 0 } else { self.idle + 1 };
        if improved {
            self.best_of_start = Some(generation[0].1.clone());
        }
        if !specified
            && self.problem.bounds > 0
            && generation.iter().all(|(_, e)| !e.score.rewards.is_empty())
        {
            self.lagrangian.rank(generation, self.ordered.len() as f64);
        }
    }

    fn restart(&mut self) {
        self.population = (2 * self.population).min(10_000);
        let design = self.problem.space.sample(&mut self.random);
        let mean = self.places(&design);
        self.begin(mean);
    }

    fn begin(&mut self, mean: Vec<f64>) {
        let size = mean.len();
        self.mean = mean;
        self.deviation = self.settings.deviation;
        self.matrix = (0..size * size).map(|i| f64::from(i % (size + 1) == 0)).collect();
        self.path = vec![0.0; size];
        let levels = |j: &usize| self.problem.space.parameters()[*j].domain.cardinality().unwrap_or(1);
        self.probabilities =
            self.categories.iter().map(|j| vec![1.0 / levels(j) as f64; levels(j)]).collect();
        self.pending.clear();
        self.generation.clear();
        self.lagrangian = Lagrangian::new(self.problem.bounds);
        self.idle = 0;
        self.best_of_start = None;
    }
}

/// `sum of squares`.
fn squared_length(z: &[f64]) -> f64 {
    z.iter().map(|z| z * z).sum()
}

/// The weights of a whole generation, the worse half with negative ones (Hansen's tutorial, eqs. 50 to 53), those scaled so that a long step
/// does not count more.
fn active_weights(positive: &[f64], generation: &[(Sample, Evaluated)], c_one: f64, c_rank: f64) -> Vec<f64> {
    let (parents, population) = (positive.len(), generation.len());
    let n = generation.first().map_or(0.0, |(s, _)| s.normals.len() as f64);
    let effective = 1.0 / positive.iter().map(|w| w * w).sum::<f64>();
    let total = (1.0 + c_one / c_rank.max(1e-12))
        .min((1.0 - c_one - c_rank) / (n * c_rank.max(1e-12)))
        .min(1.0 + 2.0 * effective / (effective + 2.0))
        .max(0.0);
    let middle = (population as f64 / 2.0 + 0.5).ln();
    let worse: Vec<f64> = (parents..population).map(|i| (i as f64 + 1.0).ln() - middle).collect();
    let sum: f64 = worse.iter().sum::<f64>().max(1e-12);
    let negative = worse
        .iter()
        .zip(&generation[parents..])
        .map(|(w, (sample, _))| -total * w / sum * n / squared_length(&sample.normals).max(1e-12));
    positive.iter().copied().chain(negative).collect()
}

pub(crate) fn entry() -> AgentEntry {
    AgentEntry::new(
        "cma-es",
        "covariance matrix adaptation (MA-ES) with integers, categories and restarts",
        |options, problem, seed| {
            let settings: CmaEsSettings = options.parse()?;
            settings.check()?;
            let is_category =
                |j: &usize| matches!(problem.space.parameters()[*j].domain, Domain::Categorical(_));
            let (categories, ordered): (Vec<usize>, Vec<usize>) =
                (0..problem.space.len()).partition(is_category);
            if ordered.is_empty() {
                return Err(AgentError::unsupported(
                    "cma-es",
                    "no parameter has an order; use `genetic`, `tpe` or `bayesian` for categories alone",
                ));
            }
            let mut random = Random::new(seed);
            let usual = 4 + (3.0 * (problem.space.len() as f64).ln()).floor() as usize;
            let population = settings.population.unwrap_or(usual);
            let first = population.min(problem.budget.unwrap_or(usize::MAX).div_ceil(2)).max(1);
            let waiting = initial::latin_hypercube(&problem.space, first, &mut random);
            let mut agent = CmaEs {
                settings,
                problem: problem.clone(),
                random,
                first,
                waiting,
                ordered,
                categories,
                population,
                mean: Vec::new(),
                deviation: 0.0,
                matrix: Vec::new(),
                path: Vec::new(),
                probabilities: Vec::new(),
                pending: HashMap::new(),
                generation: Vec::new(),
                best: None,
                lagrangian: Lagrangian::new(problem.bounds),
                idle: 0,
                best_of_start: None,
            };
            let mean = vec![0.5; agent.ordered.len()];
            agent.begin(mean);
            Ok(Box::new(agent))
        },
    )
    .goals(Goals::One)
    .hyperparameter("population", "None", "4 to 10000", "proposals per generation")
    .hyperparameter("deviation", "0.2", "0.001 to 1", "first standard deviation, as part of the range")
    .hyperparameter("learning_rate", "0.2", "0 to 1", "how fast the probabilities of categories follow")
    .hyperparameter("smallest_deviation", "1e-10", "1e-15 to 0.1", "deviation at which it starts over")
}
