//! Promised and true: the best designs of a search on a stand-in, evaluated in the environment that it stands for.
//!
//! A task whose environment [stands for](hwgym_envs::Env::stands_for) another one (a surrogate does) is searched cheaply, but its records
//! are promises. After the search, the best `re_simulate` designs of every trial are evaluated for real ([`resimulate`], which writes
//! `resimulated/`, one file of records per trial, so that nothing is simulated twice). A report reads both ([`Resimulation::of`]); they
//! stand side by side in it and in `resimulated.csv`.

use std::collections::{HashMap, HashSet};
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;

use hwgym_envs::number::significant;
use hwgym_envs::{Design, Fidelity, Guard, Outcome, Score, evaluate};
use rayon::prelude::*;
use serde_json::Map;

use crate::pareto::{front, hypervolume};

use crate::statistics::Spread;
use crate::store::manifest::{TaskFacts, TruthFacts};
use crate::store::trial_log::{Journal, records};
use crate::store::{Record, TrialLog, Wall, design_to_json, write_whole};
use crate::{Registries, Store, Study, StudyError, Task, Trial, text};

/// Evaluates the best designs of every trial that searched a stand-in in the environment that it stands for, those that are not on record
/// yet; returns how many. Nothing where the study asks for none.
///
/// # Errors
/// Damaged records, an environment that does not build, a file that cannot be written.
pub fn resimulate(study: &Study, store: &Store, registries: &Registries) -> Result<usize, StudyError> {
    let mut count = 0;
    for trial in study.trials().iter().filter(|_| study.re_simulate > 0) {
        count += resimulate_trial(study, store, registries, trial)?;
    }
    Ok(count)
}

fn resimulate_trial(
    study: &Study,
    store: &Store,
    registries: &Registries,
    trial: &Trial,
) -> Result<usize, StudyError> {
    let Some((id, options)) = trial.task.env.stands_for() else { return Ok(0) };
    let unusable = |message: String| StudyError::Directory { path: store.directory().into(), message };
    let truth = registries
        .envs
        .make(&id, &options)
        .map_err(|error| unusable(format!("re-simulation in `{id}`: {error}")))?;
    let scorer = trial.task.objective.scorer(truth.metrics()).map_err(|error| unusable(error.to_string()))?;
    let name = trial.name();
    let path = store.resimulated(&name);
    let known: HashSet<String> = TrialLog::read(&path)?.records.iter().map(|r| key(&r.design)).collect();
    let missing: Vec<Design> = best(&store.records(&name), trial.task, study.re_simulate)?
        .into_iter()
        .filter(|design| !known.contains(&key(&design_to_json(truth.space(), design))))
        .collect();
    if missing.is_empty() {
        return Ok(0);
    }
    let guard = Guard { time_limit_s: study.time_limit_s };
    let outcomes: Vec<(Outcome, f64)> = missing
        .par_iter()
        .map(|design| {
            let start = Instant::now();
            (evaluate(&truth, design, Fidelity::FULL, &guard), start.elapsed().as_secs_f64())
        })
        .collect();
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(|e| StudyError::file(folder, e))?;
    }
    let Some(mut journal) = Journal::open(&path)? else {
        return Err(unusable(format!("another process re-simulates trial `{name}`; wait for it")));
    };
    for (design, (outcome, evaluation_s)) in missing.iter().zip(&outcomes) {
        let (score, values) = (scorer.score(outcome), design_to_json(truth.space(), design));
        let wall = Wall { evaluation_s: *evaluation_s, at_s: 0.0 };
        let number = journal.summary().evaluations + 1;
        journal.append(&Record::new(number, values, outcome, &score, truth.metrics(), wall))?;
    }
    Ok(missing.len())
}

/// A design that was searched for on a stand-in, and then evaluated for real.
#[derive(Clone, Debug)]
pub struct Resimulated {
    /// Name of the trial that found it.
    pub trial: String,
    /// What the stand-in promised, one value per metric.
    pub promised: Vec<f64>,
    /// What is true.
    pub truth: Outcome,
}

/// All re-simulated designs of one task.
#[derive(Debug)]
pub struct Resimulation {
    /// Name of the task.
    pub task: String,
    /// Names of the metrics.
    pub metrics: Vec<String>,
    /// The designs, trial by trial, in the order of their promise.
    pub designs: Vec<Resimulated>,
    /// Hypervolume of the true front of each trial.
    pub hypervolumes: Vec<f64>,
    /// The same of the trials that searched the true environment for the same objective, if the study has such a task.
    pub direct: Option<(String, Vec<f64>)>,
    /// The reference point of both, as rewards.
    pub reference: Vec<f64>,
}

impl Resimulation {
    /// Reads what was re-simulated, task by task. Nothing where the study asks for none. Errors: records that do not read.
    pub fn of(store: &Store) -> Result<Vec<Self>, StudyError> {
        let manifest = store.manifest();
        let tasks = manifest.tasks.iter().filter(|_| manifest.re_simulate > 0);
        let with_truth =
            tasks.filter_map(|task| Some((task, manifest.environment(&task.environment)?.truth.as_ref()?)));
        with_truth.map(|(task, truth)| Self::of_task(store, task, truth)).collect()
    }

    fn of_task(store: &Store, task: &TaskFacts, truth: &TruthFacts) -> Result<Self, StudyError> {
        let manifest = store.manifest();
        let unusable = |message: String| StudyError::Directory { path: store.directory().into(), message };
        let scorer = task.objective.scorer(&truth.metrics).map_err(|error| unusable(error.to_string()))?;
        let names = |environment: &str| manifest.trials(environment, &task.objective.name);
        let (mut designs, mut fronts) = (Vec::new(), Vec::new());
        for trial in names(&task.environment) {
            let path = store.resimulated(&trial);
            let resimulated = TrialLog::read(&path)?.records;
            let mut promises = promises(&store.records(&trial), manifest.metrics(task), &resimulated)?;
            let mut points = Vec::new();
            for record in resimulated {
                let bad =
                    |message| StudyError::Record { path: path.clone(), line: record.evaluation, message };
                let outcome = record.outcome(&truth.metrics).map_err(bad)?;
                let score = scorer.score(&outcome);
                if Score::is_feasible(&score) {
                    points.push(score.rewards);
                }
                let promised = promises
                    .remove(&key(&record.design))
                    .ok_or_else(|| bad("the trial holds no such design".into()))?;
                designs.push(Resimulated { trial: trial.clone(), promised, truth: outcome });
            }
            fronts.push(points);
        }
        let sibling = manifest.tasks.iter().find(|other| {
            Some(&other.environment) == truth.same_as.as_ref() && other.objective.name == task.objective.name
        });
        let mut direct_fronts = Vec::new();
        for trial in sibling.map_or(Vec::new(), |sibling| names(&sibling.environment)) {
            let solutions = TrialLog::read(&store.records(&trial))?.records;
            let solutions = solutions.into_iter().filter(Record::is_solution);
            direct_fronts.push(solutions.map(|record| record.rewards).collect::<Vec<_>>());
        }
        let reference = reference(scorer.reference(), fronts.iter().chain(&direct_fronts));
        let volumes =
            |fronts: &[Vec<Vec<f64>>]| fronts.iter().map(|points| hypervolume(points, &reference)).collect();
        Ok(Self {
            task: task.name(),
            metrics: truth.metrics.iter().map(|m| m.name.clone()).collect(),
            hypervolumes: volumes(&fronts),
            direct: sibling.map(|s| (s.name(), volumes(&direct_fronts))),
            designs,
            reference,
        })
    }

    /// Writes `resimulated.csv` into a folder. Errors: it cannot be written.
    pub fn write(all: &[Self], folder: &Path) -> Result<PathBuf, StudyError> {
        let mut text = String::from("task,trial,rank,metric,promised,true,relative_error\n");
        for task in all {
            let mut rank = 0;
            for (index, found) in task.designs.iter().enumerate() {
                rank = if index > 0 && task.designs[index - 1].trial == found.trial { rank + 1 } else { 1 };
                for (metric, (name, promised)) in task.metrics.iter().zip(&found.promised).enumerate() {
                    let (truth, error) = match found.truth.metrics() {
                        Some(metrics) => {
                            (metrics[metric].to_string(), (promised / metrics[metric] - 1.0).to_string())
                        }
                        None => (found.truth.status().to_string(), String::new()),
                    };
                    // Writing to a string cannot fail.
                    let _ = writeln!(
                        text,
                        "{},{},{rank},{name},{promised},{truth},{error}",
                        text::csv(&task.task),
                        text::csv(&found.trial)
                    );
                }
            }
        }
        let path = folder.join("resimulated.csv");
        write_whole(&path, text.as_bytes())?;
        Ok(path)
    }

    /// The comparison for the page of a report: what was promised and what is true of the best designs of the first trial, and the errors.
    pub fn page(&self) -> String {
        let mut text = format!("## {}: promised and true\n\n", text::markdown(&self.task));
        let columns: Vec<String> =
            self.metrics.iter().flat_map(|name| [format!("{name} promised"), "true".into()]).collect();
        let _ = writeln!(text, "| trial | {} |\n|{}", columns.join(" | "), "---|".repeat(columns.len() + 1));
        let first = self.designs.first().map(|found| &found.trial);
        for found in self.designs.iter().filter(|found| Some(&found.trial) == first).take(10) {
            let cells: Vec<String> = (0..self.metrics.len())
                .flat_map(|metric| {
                    let truth = found.truth.metrics().map(|values| significant(values[metric], 4));
                    [
                        significant(found.promised[metric], 4),
                        truth.unwrap_or_else(|| found.truth.status().into()),
                    ]
                })
                .collect();
            let _ = writeln!(text, "| {} | {} |", text::markdown(&found.trial), cells.join(" | "));
        }
        let _ = writeln!(
            text,
            "\nAll of them: [resimulated.csv](../resimulated.csv).\n\n```text\n{}```\n",
            self.summary()
        );
        text
    }

    /// The comparison in words: errors of the promises, and the hypervolume beside that of the direct search.
    pub fn summary(&self) -> String {
        let mut text = format!("{}: {} designs re-simulated\n", self.task, self.designs.len());
        for (metric, name) in self.metrics.iter().enumerate() {
            let errors: Vec<f64> = self
                .designs
                .iter()
                .filter_map(|d| Some(100.0 * (d.promised[metric] / d.truth.metrics()?[metric] - 1.0).abs()))
                .collect();
            if let Some(spread) = Spread::of(&errors, 1) {
                let _ = writeln!(
                    text,
                    "  {name}: promise off by {:.2} % in the median, {:.2} % at most",
                    spread.median, spread.maximum
                );
            }
        }
        let median = |volumes: &[f64]| Spread::of(volumes, 1).map(|spread| spread.median);
        if let (Some(found), Some((name, direct))) = (median(&self.hypervolumes), &self.direct)
            && let Some(direct) = median(direct)
        {
            let share = 100.0 * found / direct;
            let _ = writeln!(
                text,
                "  hypervolume {found:.4e}, {share:.1} % of the {direct:.4e} of {name} (medians over the seeds, reference {:?} as rewards)",
                self.reference
            );
        }
        text
    }
}

/// A design of a record as a key.
fn key(design: &Map<String, serde_json::Value>) -> String {
    serde_json::to_string(design).unwrap_or_default()
}

/// The metrics that a trial has on record for these designs.
fn promises(
    path: &Path,
    metrics: &[hwgym_envs::Metric],
    wanted: &[Record],
) -> Result<HashMap<String, Vec<f64>>, StudyError> {
    let wanted: HashSet<String> = wanted.iter().map(|record| key(&record.design)).collect();
    let mut promises = HashMap::new();
    for record in records(path)? {
        let record = record?;
        let bad = |message| StudyError::Record { path: path.into(), line: record.evaluation, message };
        let key = key(&record.design);
        if wanted.contains(&key)
            && let Some(values) = record.outcome(metrics).map_err(bad)?.metrics()
        {
            promises.entry(key).or_insert_with(|| values.to_vec());
        }
    }
    Ok(promises)
}

/// The best designs of a trial: front by front for several goals, by reward for one.
fn best(path: &Path, task: &Task, count: usize) -> Result<Vec<Design>, StudyError> {
    let mut seen = HashSet::new();
    let mut rest = Vec::new();
    for record in records(path)? {
        let record = record?;
        if !record.is_solution() {
            continue;
        }
        let bad = |message| StudyError::Record { path: path.into(), line: record.evaluation, message };
        let design = record.design(task.env.space()).map_err(bad)?;
        if seen.insert(design.clone()) {
            rest.push((record.rewards, design));
        }
    }
    let mut chosen = Vec::new();
    while chosen.len() < count && !rest.is_empty() {
        let rewards: Vec<&Vec<f64>> = rest.iter().map(|(rewards, _)| rewards).collect();
        let mut first = front(&rewards);
        first.sort_unstable();
        for index in first.into_iter().rev() {
            chosen.push(rest.remove(index).1);
        }
    }
    chosen.truncate(count);
    Ok(chosen)
}

/// The given reference point, or the worst value of every goal on any front.
fn reference<'a>(given: &[f64], fronts: impl Iterator<Item = &'a Vec<Vec<f64>>>) -> Vec<f64> {
    if !given.is_empty() {
        return given.to_vec();
    }
    let mut worst: Vec<f64> = Vec::new();
    for points in fronts {
        for point in front(points).into_iter().map(|index| &points[index]) {
            worst.resize(point.len(), f64::INFINITY);
            worst.iter_mut().zip(point).for_each(|(w, p)| *w = w.min(*p));
        }
    }
    worst
}
