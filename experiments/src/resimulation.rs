//! Promised and true: the best designs of a search on a stand-in, evaluated in the environment that it stands for.
//!
//! A task whose environment [stands for](hwgym_envs::Env::stands_for) another one (a surrogate does) is searched cheaply, but its records
//! are promises. After the search, the best `re_simulate` designs of every trial are evaluated for real; both values stand side by side
//! in the report and in `resimulated.csv`. The true outcomes are kept in `resimulated/`, one file of records per trial, so that nothing is
//! simulated twice.

use std::collections::HashMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;

use hwgym_envs::{Design, Env, Fidelity, Outcome, Score, Scorer};
use rayon::prelude::*;

use crate::pareto::{front, hypervolume};
use crate::report::short;
use crate::statistics::Spread;
use crate::store::{Record, TrialLog, Wall, design_to_json, write_whole};
use crate::{Registries, Store, Study, StudyError, Task};

/// A design that was searched for on a stand-in, and then evaluated for real.
#[derive(Clone, Debug)]
pub struct Resimulated {
    /// Name of the trial that found it.
    pub trial: String,
    /// The design.
    pub design: Design,
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
    /// Re-simulates the best designs of every task that needs it. Nothing where the study asks for none. Errors: records that do not read,
    /// a true environment that does not build.
    pub fn of(study: &Study, store: &Store, registries: &Registries) -> Result<Vec<Self>, StudyError> {
        let tasks = study.tasks.iter().filter(|_| study.re_simulate > 0);
        tasks.filter_map(|task| Self::of_task(study, store, registries, task).transpose()).collect()
    }

    fn of_task(
        study: &Study,
        store: &Store,
        registries: &Registries,
        task: &Task,
    ) -> Result<Option<Self>, StudyError> {
        let Some((id, options)) = task.env.stands_for() else { return Ok(None) };
        let unusable = |message: String| StudyError::Directory { path: store.directory().into(), message };
        let truth = registries
            .envs
            .make(&id, &options)
            .map_err(|e| unusable(format!("re-simulation in `{id}`: {e}")))?;
        let scorer = task.objective.scorer(truth.metrics()).map_err(|e| unusable(e.to_string()))?;
        let (mut designs, mut fronts) = (Vec::new(), Vec::new());
        for trial in study.trials().into_iter().filter(|trial| std::ptr::eq(trial.task, task)) {
            let name = trial.name();
            let found = best(&store.records(&name), task, study.re_simulate)?;
            let records = store.directory().join("resimulated").join(format!("{name}.jsonl"));
            let outcomes = outcomes(&*truth, &scorer, &found, &records)?;
            let scores = outcomes.iter().map(|outcome| scorer.score(outcome));
            fronts.push(scores.filter(Score::is_feasible).map(|score| score.rewards).collect::<Vec<_>>());
            designs.extend(found.into_iter().zip(outcomes).map(|((design, promised), truth)| Resimulated {
                trial: name.clone(),
                design,
                promised,
                truth,
            }));
        }
        let sibling = study.tasks.iter().find(|other| {
            other.env.id() == id
                && other.env.provenance() == truth.provenance()
                && other.env.space() == truth.space()
                && other.objective.name == task.objective.name
        });
        let mut direct_fronts = Vec::new();
        for trial in study.trials().into_iter().filter(|t| sibling.is_some_and(|s| std::ptr::eq(t.task, s))) {
            let log = TrialLog::read(&store.records(&trial.name()))?;
            let feasible = log.records.iter().filter(|r| r.violation == 0.0 && !r.rewards.is_empty());
            direct_fronts.push(feasible.map(|record| record.rewards.clone()).collect::<Vec<_>>());
        }
        let reference = reference(scorer.reference(), fronts.iter().chain(&direct_fronts));
        let volumes =
            |fronts: &[Vec<Vec<f64>>]| fronts.iter().map(|points| hypervolume(points, &reference)).collect();
        Ok(Some(Self {
            task: task.name(),
            metrics: truth.metrics().iter().map(|m| m.name.clone()).collect(),
            hypervolumes: volumes(&fronts),
            direct: sibling.map(|s| (s.name(), volumes(&direct_fronts))),
            designs,
            reference,
        }))
    }

    /// Writes `resimulated.csv` into the study's directory. Errors: it cannot be written.
    pub fn write(all: &[Self], store: &Store) -> Result<PathBuf, StudyError> {
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
                        task.task, found.trial
                    );
                }
            }
        }
        let path = store.directory().join("resimulated.csv");
        write_whole(&path, text.as_bytes())?;
        Ok(path)
    }

    /// The comparison for the page of a report: what was promised and what is true of the best designs of the first trial, and the errors.
    pub fn page(&self) -> String {
        let mut text = format!("## {}: promised and true\n\n", self.task);
        let columns: Vec<String> =
            self.metrics.iter().flat_map(|name| [format!("{name} promised"), "true".into()]).collect();
        let _ = writeln!(text, "| trial | {} |\n|{}", columns.join(" | "), "---|".repeat(columns.len() + 1));
        let first = self.designs.first().map(|found| &found.trial);
        for found in self.designs.iter().filter(|found| Some(&found.trial) == first).take(10) {
            let cells: Vec<String> = (0..self.metrics.len())
                .flat_map(|metric| {
                    let truth = found.truth.metrics().map(|values| short(values[metric]));
                    [short(found.promised[metric]), truth.unwrap_or_else(|| found.truth.status().into())]
                })
                .collect();
            let _ = writeln!(text, "| {} | {} |", found.trial, cells.join(" | "));
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

/// The true outcomes of designs: those on record as they stand there, the others simulated and recorded.
fn outcomes(
    truth: &dyn Env,
    scorer: &Scorer,
    found: &[(Design, Vec<f64>)],
    path: &Path,
) -> Result<Vec<Outcome>, StudyError> {
    let mut log = TrialLog::read(path)?;
    let mut known = HashMap::new();
    for (index, record) in log.records.iter().enumerate() {
        let bad = |message| StudyError::Record { path: path.into(), line: index + 1, message };
        let design = record.design(truth.space()).map_err(bad)?;
        known.insert(design, record.outcome(truth.metrics()).map_err(bad)?);
    }
    let missing: Vec<&Design> =
        found.iter().map(|(design, _)| design).filter(|design| !known.contains_key(design)).collect();
    let fresh: Vec<(Outcome, f64)> = missing
        .par_iter()
        .map(|design| {
            let start = Instant::now();
            let outcome = Scorer::refuse(truth.space(), design)
                .unwrap_or_else(|| truth.evaluate(design, Fidelity::FULL));
            (outcome, start.elapsed().as_secs_f64())
        })
        .collect();
    if !missing.is_empty()
        && let Some(folder) = path.parent()
    {
        std::fs::create_dir_all(folder).map_err(|e| StudyError::file(folder, e))?;
    }
    for (design, (outcome, evaluation_s)) in missing.into_iter().zip(fresh) {
        log.append(Record::new(
            log.records.len() + 1,
            design_to_json(truth.space(), design),
            &outcome,
            &scorer.score(&outcome),
            truth.metrics(),
            Wall { evaluation_s, at_s: 0.0 },
        ))?;
        known.insert(design.clone(), outcome);
    }
    let outcome = |design| known.get(design).cloned().unwrap_or_else(|| Outcome::failed("not simulated"));
    Ok(found.iter().map(|(design, _)| outcome(design)).collect())
}

/// The best designs of a trial with their promised metrics: front by front for several goals, by reward for one.
fn best(records: &std::path::Path, task: &Task, count: usize) -> Result<Vec<(Design, Vec<f64>)>, StudyError> {
    let log = TrialLog::read(records)?;
    let mut seen = std::collections::HashSet::new();
    let mut rest = Vec::new();
    for (index, record) in
        log.records.iter().enumerate().filter(|(_, r)| r.violation == 0.0 && !r.rewards.is_empty())
    {
        let bad = |message| StudyError::Record { path: records.into(), line: index + 1, message };
        let design = record.design(task.env.space()).map_err(bad)?;
        let outcome = record.outcome(task.env.metrics()).map_err(bad)?;
        if let (true, Some(metrics)) = (seen.insert(design.clone()), outcome.metrics()) {
            rest.push((record.rewards.clone(), design, metrics.to_vec()));
        }
    }
    let mut chosen = Vec::new();
    while chosen.len() < count && !rest.is_empty() {
        let rewards: Vec<&Vec<f64>> = rest.iter().map(|(rewards, ..)| rewards).collect();
        let mut first = front(&rewards);
        first.sort_unstable();
        for index in first.into_iter().rev() {
            let (_, design, metrics) = rest.remove(index);
            chosen.push((design, metrics));
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
