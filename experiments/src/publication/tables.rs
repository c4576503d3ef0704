//! CSV and JSON files of a report.

use std::path::{Path, PathBuf};

use super::grid::write_csv;
use crate::report::{GoalView, State, TaskReport};
use crate::store::trial_log::records;
use crate::store::{Store, write_whole};
use crate::{Report, StudyError, text};

/// Writes all of them; returns their paths.
pub(super) fn write(report: &Report, store: &Store, folder: &Path) -> Result<Vec<PathBuf>, StudyError> {
    let mut files = Vec::new();
    let mut save = |name: &str, rows: Vec<Vec<String>>| -> Result<(), StudyError> {
        files.push(write_csv(&folder.join(name), &rows)?);
        Ok(())
    };
    save("summary.csv", summary(report))?;
    save("trials.csv", trials(report))?;
    save("convergence.csv", convergence(report))?;
    for task in &report.tasks {
        save(&format!("front.{}.csv", task.file_name()), front(task))?;
        if task.goals.len() > 1 {
            save(&format!("fronts.{}.csv", task.file_name()), fronts(task))?;
        }
    }
    for task in &report.tasks {
        let path = folder.join(format!("evaluations.{}.csv", task.file_name()));
        evaluations(task, store, &path)?;
        files.push(path);
    }
    let path = folder.join("report.json");
    let json =
        serde_json::to_vec_pretty(report).map_err(|e| StudyError::file(&path, std::io::Error::other(e)))?;
    write_whole(&path, &json)?;
    files.push(path);
    Ok(files)
}

fn row<const N: usize>(cells: [&str; N]) -> Vec<String> {
    cells.map(String::from).to_vec()
}

fn summary(report: &Report) -> Vec<Vec<String>> {
    let mut rows = vec![row([
        "environment",
        "objective",
        "agent",
        "hyperparameters",
        "quality",
        "seeds",
        "minimum",
        "lower_quartile",
        "median",
        "upper_quartile",
        "maximum",
        "median_ci_low",
        "median_ci_high",
        "median_regret",
        "regret_ci_low",
        "regret_ci_high",
        "at_the_optimum",
        "solved",
        "searches",
        "expected_evaluations_to_solve",
        "p_against_the_best",
    ])];
    for task in &report.tasks {
        for contestant in &task.contestants {
            let varied: Vec<_> = contestant.varied.iter().map(|(n, v)| format!("{n}: {v}")).collect();
            let mut cells = vec![
                text::csv(&task.environment),
                text::csv(&task.objective),
                text::csv(&contestant.label),
                varied.join(", "),
                task.quality_label(),
            ];
            match &contestant.quality {
                None => cells.extend(std::iter::repeat_n(String::new(), 8)),
                Some(s) => {
                    cells.push(s.count.to_string());
                    let numbers = [
                        s.minimum,
                        s.lower_quartile,
                        s.median,
                        s.upper_quartile,
                        s.maximum,
                        s.confidence.0,
                        s.confidence.1,
                    ];
                    cells.extend(numbers.iter().map(f64::to_string));
                }
            }
            match contestant.regret {
                None => cells.extend(std::iter::repeat_n(String::new(), 4)),
                Some(r) => {
                    cells.extend([r.median, r.confidence.0, r.confidence.1].map(|v| v.to_string()));
                    cells.push(task.at_the_optimum(contestant).to_string());
                }
            }
            match contestant.reached {
                None => cells.extend(std::iter::repeat_n(String::new(), 3)),
                Some(r) => {
                    cells.extend([r.met.to_string(), r.runs.to_string()]);
                    cells.push(r.expected_evaluations.map_or(String::new(), |n| n.to_string()));
                }
            }
            cells.push(contestant.p_value.map_or(String::new(), |p| p.to_string()));
            rows.push(cells);
        }
    }
    rows
}

fn trials(report: &Report) -> Vec<Vec<String>> {
    let mut rows = vec![row([
        "trial",
        "environment",
        "objective",
        "agent",
        "seed",
        "evaluations",
        "feasible",
        "failed",
        "state",
        "quality",
        "seconds",
    ])];
    for task in &report.tasks {
        for contestant in &task.contestants {
            for trial in &contestant.trials {
                rows.push(vec![
                    trial.name.clone(),
                    text::csv(&task.environment),
                    text::csv(&task.objective),
                    text::csv(&contestant.label),
                    trial.seed.to_string(),
                    trial.evaluations.to_string(),
                    trial.feasible.to_string(),
                    trial.failures.values().sum::<usize>().to_string(),
                    state(&trial.state).into(),
                    trial.quality.map_or(String::new(), |q| q.to_string()),
                    format!("{:.3}", trial.seconds),
                ]);
            }
        }
    }
    rows
}

fn state(state: &State) -> &'static str {
    match state {
        State::Finished => "finished",
        State::Unfinished => "unfinished",
        State::NotStarted => "not started",
        State::Damaged(_) => "damaged",
    }
}

fn convergence(report: &Report) -> Vec<Vec<String>> {
    let mut rows =
        vec![row(["environment", "objective", "agent", "seed", "evaluation", "quality", "regret"])];
    for task in &report.tasks {
        for contestant in &task.contestants {
            for trial in &contestant.trials {
                // Only where it changes: a step function; and its end.
                let end = trial.quality.map(|quality| (trial.evaluations, quality));
                let end = end.filter(|end| trial.convergence.last().is_some_and(|last| last.0 < end.0));
                for (evaluation, quality) in trial.convergence.iter().chain(&end) {
                    rows.push(vec![
                        text::csv(&task.environment),
                        text::csv(&task.objective),
                        text::csv(&contestant.label),
                        trial.seed.to_string(),
                        evaluation.to_string(),
                        quality.to_string(),
                        task.regret(*quality).map_or(String::new(), |regret| regret.to_string()),
                    ]);
                }
            }
        }
    }
    rows
}

fn cell(value: &serde_json::Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), text::csv)
}

/// Writes every evaluation of a task, trial by trial as they are read; damaged trials are left out.
fn evaluations(task: &TaskReport, store: &Store, path: &Path) -> Result<(), StudyError> {
    let failed = |error: csv::Error| StudyError::file(path, std::io::Error::other(error));
    let trials: Vec<_> = task
        .contestants
        .iter()
        .flat_map(|contestant| contestant.trials.iter().map(move |trial| (contestant, trial)))
        .filter(|(_, trial)| !matches!(trial.state, State::Damaged(_)))
        .collect();
    let (parameters, metrics) = columns(trials.iter().map(|(_, trial)| store.records(&trial.name)))?;
    let part = path.with_extension("part");
    let mut csv = csv::Writer::from_path(&part).map_err(failed)?;
    let mut header = row(["agent", "seed", "evaluation", "status", "violation"]);
    header.extend(parameters.iter().chain(&metrics).map(|name| text::csv(name)));
    csv.write_record(header).map_err(failed)?;
    for (contestant, trial) in trials {
        for record in records(&store.records(&trial.name))? {
            let record = record?;
            let mut cells = vec![
                text::csv(&contestant.label),
                trial.seed.to_string(),
                record.evaluation.to_string(),
                cell(&record.outcome["status"]),
                record.violation.to_string(),
            ];
            cells.extend(parameters.iter().map(|p| record.design.get(p).map_or(String::new(), cell)));
            cells
                .extend(metrics.iter().map(|m| record.outcome["metrics"].get(m).map_or(String::new(), cell)));
            csv.write_record(cells).map_err(failed)?;
        }
    }
    csv.flush().and_then(|()| std::fs::rename(&part, path)).map_err(|error| StudyError::file(path, error))
}

/// Names of the parameters and of the metrics: those of the first record that has metrics.
fn columns(files: impl Iterator<Item = PathBuf>) -> Result<(Vec<String>, Vec<String>), StudyError> {
    let mut parameters = Vec::new();
    for file in files {
        for record in records(&file)? {
            let record = record?;
            if parameters.is_empty() {
                parameters = record.design.keys().cloned().collect();
            }
            if let Some(metrics) = record.outcome["metrics"].as_object() {
                return Ok((parameters, metrics.keys().cloned().collect()));
            }
        }
    }
    Ok((parameters, Vec::new()))
}

/// The front of each contestant over its runs, as the picture shows it.
fn fronts(task: &TaskReport) -> Vec<Vec<String>> {
    let mut rows = vec![row(["agent", "seed", "evaluation"])];
    rows[0].extend(task.goals.iter().map(GoalView::label));
    for contestant in &task.contestants {
        let all: Vec<(u64, usize, &[f64])> = (contestant.trials.iter())
            .flat_map(|trial| trial.improvements.iter().map(|(n, rewards)| (trial.seed, *n, &rewards[..])))
            .collect();
        let rewards: Vec<&[f64]> = all.iter().map(|point| point.2).collect();
        for index in crate::pareto::front(&rewards) {
            let (seed, evaluation, rewards) = all[index];
            let mut cells = vec![text::csv(&contestant.title()), seed.to_string(), evaluation.to_string()];
            cells.extend(task.goals.iter().zip(rewards).map(|(goal, r)| goal.value(*r).to_string()));
            rows.push(cells);
        }
    }
    rows
}

fn front(task: &TaskReport) -> Vec<Vec<String>> {
    let parameters: Vec<String> =
        task.front.first().map(|p| p.design.keys().cloned().collect()).unwrap_or_default();
    let mut header: Vec<String> = task.goals.iter().map(GoalView::label).collect();
    header.extend(row(["agent", "seed", "evaluation"]));
    header.extend(parameters.iter().cloned());
    let mut rows = vec![header];
    for point in &task.front {
        let mut cells: Vec<String> = point.values.iter().map(f64::to_string).collect();
        cells.extend([text::csv(&point.contestant), point.seed.to_string(), point.evaluation.to_string()]);
        cells.extend(parameters.iter().map(|p| point.design.get(p).map_or(String::new(), cell)));
        rows.push(cells);
    }
    rows
}
