//! The lottery of hyperparameters: what the configurations of each agent found on a task, and what tuning buys.

use hwgym_envs::Random;
use hwgym_envs::random::derive_seed;
use serde::Serialize;

use super::TaskReport;
use crate::statistics::{expected_best, quantile};

/// Configurations of an agent from which on tuning is a lottery worth a table.
const CONFIGURATIONS: usize = 3;

/// Resamples of an interval.
const RESAMPLES: usize = 500;

/// What tuning an agent on one task comes to: the median over the seeds of every configuration, where a search without a design is worse than
/// any.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Tuned {
    /// Label of the agent, without what a sweep varies.
    pub agent: String,
    /// Configurations that found no design in half of their searches, and are left out.
    pub barren: usize,
    /// From the worst to the best.
    pub values: Vec<f64>,
    /// For k of 1, 2, 4 and so on.
    pub expected: Vec<ExpectedBest>,
}

/// The best of k configurations that are drawn without replacement, on average, with a 95 % interval (bootstrap over configurations).
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct ExpectedBest {
    /// Configurations that are drawn.
    pub k: usize,
    /// What is to be expected.
    pub value: f64,
    /// Smaller end of the interval.
    pub low: f64,
    /// Larger end of the interval.
    pub high: f64,
}

impl Tuned {
    /// The agents of a task with their configurations, those without a sweep too; empty if none was swept enough.
    pub(super) fn of(task: &TaskReport) -> Vec<Self> {
        let sign = if task.smaller_is_better() { -1.0 } else { 1.0 };
        let mut agents: Vec<(String, Vec<f64>, usize)> = Vec::new();
        for contestant in &task.contestants {
            let name = match contestant.label.rsplit_once('#') {
                Some((stem, _)) if !contestant.varied.is_empty() => stem,
                _ => &contestant.label,
            };
            let counted = contestant.trials.iter().filter(|trial| trial.counted);
            let mut scores: Vec<f64> = counted
                .map(|trial| trial.quality.map_or(f64::NEG_INFINITY, |quality| sign * quality))
                .collect();
            if scores.is_empty() {
                continue;
            }
            scores.sort_by(f64::total_cmp);
            let place = match agents.iter().position(|(agent, ..)| agent == name) {
                Some(place) => place,
                None => {
                    agents.push((name.into(), Vec::new(), 0));
                    agents.len() - 1
                }
            };
            // Half of an infinity is one, too: a median between a design and none is none.
            match quantile(&scores, 0.5) {
                median if median.is_finite() => agents[place].1.push(median),
                _ => agents[place].2 += 1,
            }
        }
        if agents.iter().all(|(_, scores, barren)| scores.len() + barren < CONFIGURATIONS) {
            return Vec::new();
        }
        let tuned = |(agent, mut scores, barren): (String, Vec<f64>, usize)| {
            scores.sort_by(f64::total_cmp);
            let seed = derive_seed(0, &format!("{}/{agent}/lottery", task.name()));
            let expected = expected(&scores, sign, seed);
            Self { agent, barren, values: scores.iter().map(|score| sign * score).collect(), expected }
        };
        agents.into_iter().map(tuned).collect()
    }

    /// The best of `k`, if there are as many configurations.
    pub fn best_of(&self, k: usize) -> Option<&ExpectedBest> {
        self.expected.iter().find(|expected| expected.k == k)
    }
}

fn expected(scores: &[f64], sign: f64, seed: u64) -> Vec<ExpectedBest> {
    let mut random = Random::new(seed);
    let ks = (0..).map(|power| 1_usize << power).take_while(|k| *k <= scores.len());
    let of = |k| {
        let value = expected_best(scores, k)?;
        let mut drawn: Vec<f64> = (0..RESAMPLES)
            .filter_map(|_| {
                let resample: Vec<f64> = scores.iter().map(|_| scores[random.below(scores.len())]).collect();
                expected_best(&resample, k)
            })
            .collect();
        drawn.sort_by(f64::total_cmp);
        let ends = [quantile(&drawn, 0.025), quantile(&drawn, 0.975)].map(|end| sign * end);
        Some(ExpectedBest { k, value: sign * value, low: ends[0].min(ends[1]), high: ends[0].max(ends[1]) })
    };
    ks.filter_map(of).collect()
}
