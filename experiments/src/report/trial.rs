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

/// The findings about one trial.
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
    /// Quality after every evaluation; `NaN` (null) before the first feasible one.
    pub convergence: Vec<f64>,
    /// Seconds of the trial.
    pub seconds: f64,
    /// Rewards of the feasible evaluations with their numbers.
    #[serde(skip)]
    pub points: Vec<(usize, Vec<f64>)>,
    /// Numbers of the evaluations that failed or timed out, with the reason.
    #[serde(skip)]
    pub failures: Vec<(usize, String)>,
}

impl TrialReport {
    /// Reads the records of a trial, one by one.
    pub(super) fn read(name: String, seed: u64, path: &Path, budget: usize) -> Self {
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
            points: Vec::new(),
            failures: Vec::new(),
        };
        if let Err(error) = trial.add_records(path, budget) {
            trial.state = State::Damaged(error.to_string());
        }
        trial
    }

    fn add_records(&mut self, path: &Path, budget: usize) -> Result<(), StudyError> {
        let mut stream = records(path)?;
        for record in stream.by_ref() {
            self.add(record?);
        }
        let summary = stream.summary();
        self.seconds = summary.at_s;
        self.state = match summary.end {
            // An extended trial that has not gone on yet.
            Some(End::Budget) if summary.evaluations < budget => State::Unfinished,
            Some(_) => State::Finished,
            None if summary.evaluations > 0 => State::Unfinished,
            None => State::NotStarted,
        };
        Ok(())
    }

    fn add(&mut self, record: Record) {
        self.evaluations = record.evaluation;
        if record.is_solution() {
            self.feasible += 1;
            self.points.push((record.evaluation, record.rewards));
        } else if let Some(reason) = failure(&record.outcome) {
            self.failures.push((record.evaluation, reason));
        }
    }

    /// Counts only so many evaluations.
    pub(super) fn cut(&mut self, evaluations: usize) {
        self.evaluations = self.evaluations.min(evaluations);
        self.points.retain(|(evaluation, _)| *evaluation <= evaluations);
        self.failures.retain(|(evaluation, _)| *evaluation <= evaluations);
        self.feasible = self.points.len();
    }

    /// What keeps the trial from being counted in full, in words; `None` for a finished one.
    pub fn shortfall(&self, budget: usize) -> Option<String> {
        match &self.state {
            State::Finished => None,
            State::Unfinished => {
                Some(format!("seed {}: {} of {budget} evaluations", self.seed, self.evaluations))
            }
            State::NotStarted => Some(format!("seed {}: not started", self.seed)),
            State::Damaged(error) => Some(format!("seed {}: damaged, {error}", self.seed)),
        }
    }

    /// Fills the convergence from the quality that `add` gives after each feasible evaluation.
    pub(super) fn fill(&mut self, mut add: impl FnMut(&[f64]) -> f64) {
        self.convergence = vec![f64::NAN; self.evaluations];
        for (evaluation, rewards) in &self.points {
            let quality = add(rewards);
            self.quality = Some(quality);
            self.convergence[evaluation - 1] = quality;
        }
        let mut last = f64::NAN;
        for value in &mut self.convergence {
            if value.is_nan() {
                *value = last;
            }
            last = *value;
        }
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
    for (_, reason) in trials.flat_map(|trial| &trial.failures) {
        *counts.entry(reason).or_default() += 1;
    }
    let mut counts: Vec<(String, usize)> = counts.into_iter().map(|(reason, n)| (reason.into(), n)).collect();
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    counts
}
