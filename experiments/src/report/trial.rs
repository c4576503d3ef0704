//! What a study found in one trial.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Serialize;

use crate::StudyError;
use crate::store::trial_log::records;
use crate::store::{End, Record};

/// Letters of a reason that are kept: enough to tell reasons apart.
const REASON: usize = 120;

/// How far a trial is.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// It is over.
    Finished,
    /// It has records and is not over.
    Unfinished,
    /// It has no records.
    NotStarted,
    /// Its records do not read; the error says where.
    Damaged(String),
}

/// The findings about one trial. What it holds does not grow with the number of evaluations.
#[derive(Debug, Serialize)]
pub struct TrialReport {
    /// Name of the trial.
    pub name: String,
    /// Its seed.
    pub seed: u64,
    /// How far it is.
    pub state: State,
    /// True if it enters medians, fronts and curves.
    pub counted: bool,
    /// Evaluations that are counted.
    pub evaluations: usize,
    /// Counted evaluations that met all bounds.
    pub feasible: usize,
    /// With one goal: the best value. With several: the share of `full_hypervolume`. `None` if nothing was feasible.
    pub quality: Option<f64>,
    /// Quality as steps: from this evaluation on it is this much, until the next. Before the first there is nothing feasible.
    pub convergence: Vec<(usize, f64)>,
    /// Seconds of the trial.
    pub seconds: f64,
    /// Feasible evaluations that no earlier one of the trial was at least as good as in every goal: their numbers and rewards.
    #[serde(skip)]
    pub improvements: Vec<(usize, Vec<f64>)>,
    /// Rewards of feasible evaluations, every `stride`-th of them; only of tasks with several goals.
    #[serde(skip)]
    pub cloud: Cloud,
    /// Counted evaluations that failed or timed out, by reason.
    #[serde(skip)]
    pub failures: BTreeMap<String, usize>,
    /// Evaluations on record, counted or not.
    #[serde(skip)]
    reached: usize,
}

/// Some of the rewards of a trial, evenly.
#[derive(Debug, Default)]
pub struct Cloud {
    /// The rewards.
    pub rewards: Vec<Vec<f64>>,
    /// Each stands for so many.
    pub stride: usize,
}

impl Cloud {
    /// Adds the feasible evaluation of this number, counted from 0; keeps fewer than `limit`.
    fn add(&mut self, number: usize, rewards: &[f64], limit: usize) {
        self.stride = self.stride.max(1);
        if limit == 0 || !number.is_multiple_of(self.stride) {
            return;
        }
        self.rewards.push(rewards.to_vec());
        if self.rewards.len() >= limit {
            self.stride *= 2;
            let mut place = 0;
            self.rewards.retain(|_| {
                place += 1;
                place % 2 == 1
            });
        }
    }
}

/// What is counted of the trials of a task.
#[derive(Clone, Copy)]
pub(super) struct Count {
    /// Evaluations per trial in full.
    pub budget: usize,
    /// Evaluations that are counted at most.
    pub limit: usize,
    /// Trials that are not over count too.
    pub unfinished: bool,
    /// Rewards that are kept of each trial for a picture.
    pub cloud: usize,
}

impl TrialReport {
    /// Reads the records of a trial, one by one.
    pub(super) fn read(name: String, seed: u64, path: &Path, count: Count) -> Self {
        let mut trial = Self {
            name,
            seed,
            state: State::NotStarted,
            counted: false,
            evaluations: 0,
            feasible: 0,
            quality: None,
            convergence: Vec::new(),
            seconds: 0.0,
            improvements: Vec::new(),
            cloud: Cloud::default(),
            failures: BTreeMap::new(),
            reached: 0,
        };
        if let Err(error) = trial.add_records(path, count) {
            trial.state = State::Damaged(error.to_string());
        }
        trial.counted = match trial.state {
            State::Finished => true,
            State::Unfinished => count.unfinished,
            State::NotStarted | State::Damaged(_) => false,
        };
        if !trial.counted {
            (trial.evaluations, trial.feasible) = (0, 0);
            (trial.improvements, trial.cloud) = (Vec::new(), Cloud::default());
            trial.failures.clear();
        }
        trial
    }

    fn add_records(&mut self, path: &Path, count: Count) -> Result<(), StudyError> {
        let mut stream = records(path)?.without_designs();
        let mut best = Best::default();
        for record in stream.by_ref() {
            let record = record?;
            self.reached = record.evaluation;
            if record.evaluation <= count.limit {
                self.add(record, &mut best, count.cloud);
            }
        }
        let summary = stream.summary();
        self.seconds = summary.at_s;
        self.state = match summary.end {
            // An extended trial that has not gone on yet.
            Some(End::Budget) if summary.evaluations < count.budget => State::Unfinished,
            Some(_) => State::Finished,
            None if summary.evaluations > 0 => State::Unfinished,
            None => State::NotStarted,
        };
        Ok(())
    }

    fn add(&mut self, record: Record, best: &mut Best, cloud: usize) {
        self.evaluations = record.evaluation;
        if record.is_solution() {
            self.cloud.add(self.feasible, &record.rewards, cloud);
            self.feasible += 1;
            if best.improves(&record.rewards) {
                self.improvements.push((record.evaluation, record.rewards));
            }
        } else if let Some(reason) = failure(&record.outcome) {
            *self.failures.entry(reason).or_default() += 1;
        }
    }

    /// What keeps the trial from being counted in full, in words; `None` for a finished one.
    pub fn shortfall(&self, budget: usize) -> Option<String> {
        match &self.state {
            State::Finished => None,
            State::Unfinished => {
                Some(format!("seed {}: {} of {budget} evaluations", self.seed, self.reached))
            }
            State::NotStarted => Some(format!("seed {}: not started", self.seed)),
            State::Damaged(error) => Some(format!("seed {}: damaged, {error}", self.seed)),
        }
    }

    /// Fills the convergence from the quality that `add` gives after each improvement.
    pub(super) fn fill(&mut self, mut add: impl FnMut(&[f64]) -> f64) {
        self.convergence.clear();
        for (evaluation, rewards) in &self.improvements {
            let quality = add(rewards);
            if self.quality != Some(quality) {
                self.convergence.push((*evaluation, quality));
            }
            self.quality = Some(quality);
        }
    }

    /// Quality after so many evaluations; `None` before the first feasible one. A trial that ended early keeps its last value.
    pub fn quality_at(&self, evaluation: usize) -> Option<f64> {
        let steps = self.convergence.partition_point(|(from, _)| *from <= evaluation);
        Some(self.convergence[..steps].last()?.1)
    }
}

/// The rewards that nothing seen so far is at least as good as.
#[derive(Default)]
struct Best(Vec<Vec<f64>>);

impl Best {
    /// Adds rewards; true if they belong to the best so far.
    fn improves(&mut self, rewards: &[f64]) -> bool {
        let covers = |a: &[f64], b: &[f64]| a.iter().zip(b).all(|(a, b)| a >= b);
        // What covered one is likely to cover the next.
        if let Some(place) = self.0.iter().position(|best| covers(best, rewards)) {
            self.0.swap(0, place);
            return false;
        }
        self.0.retain(|best| !covers(rewards, best));
        self.0.push(rewards.to_vec());
        true
    }
}

/// Why an evaluation has no metrics, if that is nothing that the design space knows.
fn failure(outcome: &serde_json::Value) -> Option<String> {
    match outcome["status"].as_str()? {
        "failed" => {
            let reason = outcome["reason"].as_str().unwrap_or("no reason was given");
            let line = reason.lines().next().unwrap_or_default();
            let short: String = line.chars().take(REASON).collect();
            Some(if short.len() < line.len() { format!("{short}…") } else { short })
        }
        "timed-out" => Some(format!("timed out after {} s", outcome["limit_s"])),
        _ => None,
    }
}

/// How often each reason occurs, the most frequent first.
pub(super) fn by_reason<'a>(trials: impl Iterator<Item = &'a TrialReport>) -> Vec<(String, usize)> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for (reason, count) in trials.flat_map(|trial| &trial.failures) {
        *counts.entry(reason).or_default() += count;
    }
    let mut counts: Vec<(String, usize)> = counts.into_iter().map(|(reason, n)| (reason.into(), n)).collect();
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cloud_is_thinned_evenly_and_stays_small() {
        let mut cloud = Cloud::default();
        (0..1000).for_each(|number| cloud.add(number, &[number as f64], 100));
        assert_eq!(cloud.stride, 16);
        assert_eq!(cloud.rewards.len(), 1000usize.div_ceil(16));
        assert!(cloud.rewards.iter().enumerate().all(|(place, rewards)| rewards[0] == (16 * place) as f64));
    }

    #[test]
    fn only_what_nothing_covers_improves() {
        let mut best = Best::default();
        let seen = [[1.0, 1.0], [1.0, 1.0], [2.0, 0.5], [0.5, 0.5], [2.0, 1.0], [1.5, 1.0]];
        assert_eq!(seen.map(|rewards| best.improves(&rewards)), [true, false, true, false, true, false]);
    }
}
