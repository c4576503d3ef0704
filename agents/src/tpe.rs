//! `tpe`: the tree-structured Parzen estimator (Bergstra et al. 2011), multivariate (Falkner et al. 2018), with several goals by front and
//! crowding.
//!
//! The results are split into a few good ones and the rest; each side gets a density that is a mixture over its designs. Proposals are
//! drawn from the density of the good ones, and the candidate with the largest ratio of the two densities is taken.

use hwgym_envs::{Design, Domain, Random};
use serde::{Deserialize, Serialize};

use crate::tools::{check_count, check_range, initial, misses, ranking, seen::Seen, variation::reflect};
use crate::{Agent, AgentEntry, AgentError, Evaluated, Problem};

/// Hyperparameters of `tpe`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TpeSettings {
    /// Random designs before the densities are used, 1 to 10,000.
    pub startup: usize,
    /// Candidates of a proposal, 1 to 10,000.
    pub candidates: usize,
    /// Part of the results that counts as good, above 0 to 0.5.
    pub good_part: f64,
    /// Good results at most, 1 to 1,000.
    pub good_most: usize,
    /// Factor on the widths of the densities, 0.01 to 10.
    pub bandwidth: f64,
    /// Results that the densities use at most (the good ones and the latest), 10 to 100,000.
    pub memory: usize,
}

impl Default for TpeSettings {
    fn default() -> Self {
        Self { startup: 10, candidates: 60, good_part: 0.1, good_most: 25, bandwidth: 0.3, memory: 400 }
    }
}

impl TpeSettings {
    /// Checks every range. Errors: the first hyperparameter outside its range.
    pub fn check(&self) -> Result<(), AgentError> {
        check_count("startup", self.startup, 1, 10_000)?;
        check_count("candidates", self.candidates, 1, 10_000)?;
        check_range("good_part", self.good_part, 1e-3, 0.5)?;
        check_count("good_most", self.good_most, 1, 1000)?;
        check_range("bandwidth", self.bandwidth, 0.01, 10.0)?;
        check_count("memory", self.memory, 10, 100_000)
    }
}

struct Tpe {
    settings: TpeSettings,
    problem: Problem,
    random: Random,
    seen: Seen,
    waiting: Vec<Design>,
    results: Vec<Evaluated>,
    /// Both densities, built when results have come.
    densities: Option<(Density, Density)>,
}

/// A mixture over designs, with one uniform component.
struct Density {
    /// Flat, one row per design: places in [0, 1], labels for categories.
    places: Vec<f64>,
    /// Per parameter: the width, or the probability of keeping a label.
    widths: Vec<f64>,
    /// Per parameter: number of labels; 0 for an ordered one.
    labels: Vec<usize>,
    /// Log of the normaliser of a component.
    normaliser: f64,
}

impl Density {
    fn new(problem: &Problem, designs: &[&Design], bandwidth: f64) -> Self {
        let parameters = problem.space.parameters();
        let (count, dimensions) = (designs.len().max(1) as f64, parameters.len().max(1) as f64);
        let is_category = |d: &Domain| matches!(d, Domain::Categorical(_) | Domain::Boolean);
        let places: Vec<f64> = designs
            .iter()
            .flat_map(|design| {
                parameters
                    .iter()
                    .zip(design.coordinates())
                    .map(|(p, c)| if is_category(&p.domain) { *c } else { p.domain.to_unit(*c) })
            })
            .collect();
        // Scott's rule for a fifth of the range, not below a level of a discrete parameter or a fiftieth of the range over the count.
        let scott = 0.2 * bandwidth * count.powf(-1.0 / (dimensions + 4.0));
        let mut normaliser = 0.0;
        let mut widths = Vec::new();
        let mut labels = Vec::new();
        for parameter in parameters {
            match parameter.domain.cardinality() {
                Some(levels) if is_category(&parameter.domain) => {
                    labels.push(levels);
                    widths.push((count + 1.0 / levels as f64) / (count + 1.0));
                }
                levels => {
                    let least = levels.map_or(0.01, |l| 0.5 / l as f64).min(0.5);
                    let width = scott.max(least);
                    normaliser -= width.ln();
                    labels.push(0);
                    widths.push(width);
                }
            }
        }
        Self { places, widths, labels, normaliser }
    }

    fn width(&self) -> usize {
        self.widths.len()
    }

    fn draw(&self, random: &mut Random) -> Vec<f64> {
        let count = self.places.len() / self.width().max(1);
        let component = random.below(count + 1);
        if component == count {
            return self
                .labels
                .iter()
                .map(|l| if *l > 0 { random.below(*l) as f64 } else { random.uniform() })
                .collect();
        }
        let row = &self.places[component * self.width()..(component + 1) * self.width()];
        row.iter()
            .zip(&self.widths)
            .zip(&self.labels)
            .map(|((place, width), labels)| match labels {
                0 => reflect(place + width * random.normal(), 0.0, 1.0),
                _ if random.chance(*width) => *place,
                labels => random.below(*labels) as f64,
            })
            .collect()
    }

    fn log(&self, point: &[f64], logs: &mut Vec<f64>) -> f64 {
        logs.clear();
        // The uniform component; the constant of the normal density is left out of both sides.
        let categories: f64 = self.labels.iter().filter(|l| **l > 0).map(|l| (*l as f64).ln()).sum();
        let ordered = self.labels.iter().filter(|l| **l == 0).count() as f64;
        logs.push(ordered * 0.918_938_533_204_672_7 - categories);
        let inverse: Vec<f64> = self.widths.iter().map(|w| 1.0 / w).collect();
        for row in self.places.chunks_exact(self.width()) {
            let mut log = self.normaliser;
            for j in 0..row.len() {
                match self.labels[j] {
                    0 => {
                        let z = (point[j] - row[j]) * inverse[j];
                        log -= 0.5 * z * z;
                    }
                    labels => {
                        let other = (1.0 - self.widths[j]) / labels as f64;
                        log +=
                            (other + if point[j] == row[j] { self.widths[j] } else { 0.0 }).max(1e-12).ln();
                    }
                }
            }
            logs.push(log);
        }
        let largest = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let sum: f64 = logs.iter().map(|l| (l - largest).exp()).sum();
        largest + (sum / logs.len() as f64).ln()
    }
}

impl Agent for Tpe {
    fn ask(&mut self, count: usize) -> Vec<Design> {
        (0..count).map(|_| self.propose()).collect()
    }

    fn tell(&mut self, results: &[Evaluated]) {
        for result in results {
            self.seen.insert(&result.design);
            self.results.push(result.clone());
        }
        self.densities = None;
    }
}

impl Tpe {
    fn propose(&mut self) -> Design {
        if let Some(design) = self.waiting.pop() {
            self.seen.insert(&design);
            return design;
        }
        if self.results.is_empty() {
            return self
                .seen
                .fresh(&self.problem.space, 20, &mut self.random, |r| self.problem.space.sample(r));
        }
        if self.densities.is_none() {
            self.densities = Some(self.estimate());
        }
        let Self { settings, problem, random, seen, densities, .. } = self;
        let Some((good, rest)) = densities else { return problem.space.sample(random) };
        let mut logs = Vec::new();
        seen.fresh(&problem.space, 6, random, |random| {
            let mut best = (f64::NEG_INFINITY, Vec::new());
            for _ in 0..settings.candidates {
                let point = good.draw(random);
                let ratio = good.log(&point, &mut logs) - rest.log(&point, &mut logs);
                if ratio > best.0 || best.1.is_empty() {
                    best = (ratio, point);
                }
            }
            let coordinates: Vec<f64> = problem
                .space
                .parameters()
                .iter()
                .zip(&best.1)
                .zip(&good.labels)
                .map(|((p, place), labels)| if *labels > 0 { *place } else { p.domain.from_unit(*place) })
                .collect();
            let mut design = Design::new(coordinates);
            problem.space.canonicalise(&mut design);
            design
        })
    }

    fn estimate(&mut self) -> (Density, Density) {
        let count = self.results.len();
        let good =
            ((self.settings.good_part * count as f64).ceil() as usize).clamp(1, self.settings.good_most);
        // Past the memory, the latest and the good ones stay.
        if count > self.settings.memory + self.settings.memory / 4 {
            let mut kept: Vec<Evaluated> = self.results.split_off(count - self.settings.memory + good);
            ranking::sort_best_first(&mut self.results, self.problem.goals);
            self.results.truncate(good);
            self.results.append(&mut kept);
        }
        let mut order: Vec<usize> = (0..self.results.len()).collect();
        if self.problem.is_specified() {
            order = misses::order(&self.results);
        } else if self.problem.goals <= 1 {
            order.sort_by(|a, b| self.results[*b].score.compare(&self.results[*a].score));
        } else {
            let (rank, crowding) = ranking::ranks_and_crowding(&self.results);
            order.sort_by(|a, b| rank[*a].cmp(&rank[*b]).then(crowding[*b].total_cmp(&crowding[*a])));
        }
        let designs: Vec<&Design> = order.iter().map(|i| &self.results[*i].design).collect();
        let (good, rest) = designs.split_at(good.min(designs.len()));
        let bandwidth = self.settings.bandwidth;
        (Density::new(&self.problem, good, bandwidth), Density::new(&self.problem, rest, bandwidth))
    }
}

pub(crate) fn entry() -> AgentEntry {
    AgentEntry::new(
        "tpe",
        "tree-structured Parzen estimator: multivariate, several goals",
        |options, problem, seed| {
            let settings: TpeSettings = options.parse()?;
            settings.check()?;
            let mut random = Random::new(seed);
            let count = settings.startup.min(problem.budget.unwrap_or(usize::MAX).div_ceil(2)).max(1);
            Ok(Box::new(Tpe {
                waiting: initial::latin_hypercube(&problem.space, count, &mut random),
                settings,
                problem: problem.clone(),
                random,
                seen: Seen::default(),
                results: Vec::new(),
                densities: None,
            }))
        },
    )
    .hyperparameter("startup", "10", "1 to 10000", "designs of a Latin hypercube at the start")
    .hyperparameter("candidates", "60", "1 to 10000", "candidates of a proposal")
    .hyperparameter("good_part", "0.1", "0.001 to 0.5", "part of the results that counts as good")
    .hyperparameter("good_most", "25", "1 to 1000", "good results at most")
    .hyperparameter("bandwidth", "0.3", "0.01 to 10", "factor on the widths of the densities")
    .hyperparameter("memory", "400", "10 to 100000", "results that the densities use at most")
}
