//! What a model-based agent remembers, and the models it learns from that.

use hwgym_envs::Random;
use hwgym_surrogates::gaussian_process::{GaussianProcessSettings, Inputs};

use super::coder::Coder;
use super::outputs::{Output, Role};
use crate::tools::ranking;
use crate::tools::seen::Seen;
use crate::{Evaluated, Problem};

/// Results, the points of the models behind them, and the models.
pub(super) struct Memory {
    pub problem: Problem,
    pub coder: Coder,
    pub seen: Seen,
    pub results: Vec<Evaluated>,
    /// One per result, then one per pending proposal.
    pub points: Vec<Vec<f64>>,
    pub settings: GaussianProcessSettings,
    /// Goals, then bounds, then (once a design had no metrics) whether a design can be measured.
    pub outputs: Vec<Output>,
    told: Seen,
    /// Per result: whether its metrics are, to the bit, those of an earlier one.
    repeats: Vec<bool>,
    /// The models use at most this many points.
    limit: usize,
}

impl Memory {
    pub fn new(problem: &Problem, settings: GaussianProcessSettings, limit: usize) -> Self {
        Self {
            problem: problem.clone(),
            coder: Coder::new(&problem.space),
            seen: Seen::default(),
            results: Vec::new(),
            points: Vec::new(),
            settings,
            outputs: Vec::new(),
            told: Seen::default(),
            repeats: Vec::new(),
            limit,
        }
    }

    /// Notes a result; a repeated design is passed over. True if the design was nobody's proposal.
    pub fn note(&mut self, result: &Evaluated) -> bool {
        let foreign = self.seen.insert(&result.design);
        if !self.told.insert(&result.design) {
            return false;
        }
        let point = self.coder.encode(&self.problem.space, &result.design);
        if let Some(pending) = (self.results.len()..self.points.len()).find(|i| self.points[*i] == point) {
            self.points.remove(pending);
        }
        self.points.insert(self.results.len(), point);
        let metrics = result.outcome.metrics();
        self.repeats.push(metrics.is_some() && self.results.iter().any(|r| r.outcome.metrics() == metrics));
        self.results.push(result.clone());
        foreign
    }

    /// Notes a proposal.
    pub fn propose(&mut self, point: Vec<f64>) -> hwgym_envs::Design {
        let design = self.coder.decode(&self.problem.space, &point);
        self.seen.insert(&design);
        self.points.push(self.coder.encode(&self.problem.space, &design));
        design
    }

    /// True where at least three of the last ten results repeat the metrics of earlier ones: the search is on a plateau.
    pub fn on_plateau(&self) -> bool {
        let last = self.repeats.len().saturating_sub(10);
        self.repeats[last..].iter().filter(|r| **r).count() >= 3
    }

    pub fn measured(&self, index: usize) -> bool {
        !self.results[index].score.rewards.is_empty()
    }

    /// Results in the order in which they are worth searching around: by Deb's rules, or by how few others dominate them.
    pub fn best_first(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.results.len()).collect();
        if self.problem.is_specified() && !self.outputs.is_empty() {
            let totals: Vec<f64> = (0..self.results.len()).map(|i| self.total_violation(i)).collect();
            order.sort_by(|a, b| totals[*a].total_cmp(&totals[*b]));
        } else if self.problem.goals <= 1 {
            order.sort_by(|a, b| self.results[*b].score.compare(&self.results[*a].score));
        } else {
            let dominators = |i: &usize| {
                self.results.iter().filter(|other| other.score.dominates(&self.results[*i].score)).count()
            };
            order.sort_by_cached_key(dominators);
        }
        order
    }

    /// Learns from the results; past the limit, from the best ones and those nearest to the best.
    pub fn learn(&mut self, random: &mut Random) {
        let subset = self.subset(random);
        let whole = subset.len() == self.results.len();
        let measured: Vec<usize> = subset.iter().copied().filter(|i| self.measured(*i)).collect();
        let categorical = self.coder.categorical();
        let gather = |indices: &[usize]| {
            let values = indices.iter().flat_map(|i| self.points[*i].iter().copied()).collect();
            Inputs { categorical: categorical.clone(), values }
        };
        let (inputs, every) = (gather(&measured), gather(&subset));
        let (goals, bounds) = (self.problem.goals, self.problem.bounds);
        let unmeasured = measured.len() < subset.len();
        let mut outputs = std::mem::take(&mut self.outputs);
        if !whole {
            outputs.iter_mut().for_each(Output::forget);
        }
        while outputs.len() < goals + bounds + usize::from(unmeasured) {
            let role = match outputs.len() {
                k if k >= goals => Role::Constraint,
                _ if goals == 1 => Role::Goal,
                _ => Role::GoalOfSeveral,
            };
            let recorded = self.problem.space.listing().is_some();
            outputs.push(Output::new(role, recorded, &inputs, &self.settings));
        }
        for (k, output) in outputs.iter_mut().enumerate() {
            let score = |i: &usize| &self.results[*i].score;
            if k < goals && self.problem.is_specified() {
                // The sum of the misses says nothing that the models of the targets do not say better.
            } else if k < goals {
                let values: Vec<f64> = measured.iter().map(|i| -score(i).rewards[k]).collect();
                output.learn(&inputs, &values, &self.settings);
            } else if k < goals + bounds {
                let values: Vec<f64> = measured.iter().map(|i| score(i).slacks[k - goals]).collect();
                output.learn(&inputs, &values, &self.settings);
            } else {
                output.learn(&every, &self.measurability(&subset), &self.settings);
            }
        }
        self.outputs = outputs;
    }

    /// -1 for a measured design, 1 for one that broke, more for one that is known to be far outside.
    fn measurability(&self, subset: &[usize]) -> Vec<f64> {
        let amounts: Vec<f64> = subset
            .iter()
            .filter(|i| !self.measured(**i))
            .map(|i| self.results[*i].score.violation)
            .filter(|v| *v < 1e9)
            .collect();
        let scale = hwgym_surrogates::gaussian_process::transform::median(&amounts).max(1e-12);
        let value = |i: &usize| match (self.measured(*i), self.results[*i].score.violation) {
            (true, _) => -1.0,
            (false, amount) if amount < 1e9 => 0.5 + (amount / scale).ln_1p(),
            (false, _) => 1.0,
        };
        subset.iter().map(value).collect()
    }

    fn subset(&self, random: &mut Random) -> Vec<usize> {
        if self.results.len() <= self.limit {
            return (0..self.results.len()).collect();
        }
        let order = self.best_first();
        let mut chosen: Vec<usize> = order[..self.limit / 2].to_vec();
        let rest = &order[self.limit / 2..];
        chosen
            .extend(random.sample_indices(rest.len(), self.limit - self.limit / 2).iter().map(|i| rest[*i]));
        chosen.sort_unstable();
        chosen
    }

    /// The total violation of a result in the models' units, missed targets included; infinite without metrics.
    fn total_violation(&self, index: usize) -> f64 {
        if !self.measured(index) {
            return f64::INFINITY;
        }
        let (goals, bounds) = (self.problem.goals, self.problem.bounds);
        let constraints = self.outputs[goals..goals + bounds].iter();
        constraints
            .zip(&self.results[index].score.slacks)
            .map(|(output, slack)| (output.standard.apply(slack.clamp(-1e9, 1e9)) - output.limit()).max(0.0))
            .sum()
    }

    /// The total violation in the models' units that the best result has.
    pub fn least_violation(&self) -> f64 {
        let measured = (0..self.results.len()).map(|i| self.total_violation(i)).fold(f64::INFINITY, f64::min);
        if measured.is_finite() {
            return measured;
        }
        // Nothing was ever measured: the improvement is on the likelihood to be measurable at all.
        let all: Vec<usize> = (0..self.results.len()).collect();
        let output = self.outputs.last();
        self.measurability(&all)
            .into_iter()
            .map(|v| output.map_or(v, |o| (o.standard.apply(v) - o.limit()).max(0.0)))
            .fold(f64::INFINITY, f64::min)
    }

    /// The feasible results that none dominates, as values to be minimised in the models' units.
    pub fn front(&self) -> Vec<Vec<f64>> {
        ranking::feasible_front(&self.results)
            .into_iter()
            .map(|i| self.to_models(&self.results[i].score.rewards))
            .collect()
    }

    /// Rewards as values to be minimised, in the models' units.
    pub fn to_models(&self, rewards: &[f64]) -> Vec<f64> {
        rewards.iter().zip(&self.outputs).map(|(r, output)| output.standard.apply(-r)).collect()
    }

    /// The reference point in the models' units: the given one, or the worst value seen and a tenth of the range beyond, per goal.
    pub fn reference(&self) -> Vec<f64> {
        if self.problem.reference.len() == self.problem.goals {
            return self.to_models(&self.problem.reference);
        }
        (0..self.problem.goals)
            .map(|k| {
                let values = self.results.iter().filter_map(|r| r.score.rewards.get(k)).map(|r| -r);
                let (low, high) =
                    values.fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(v), h.max(v)));
                let width = if high > low { high - low } else { 1.0 };
                self.outputs[k].standard.apply(high + 0.1 * width)
            })
            .collect()
    }
}
