//! The evaluations that the page shows: the best ones all, the others thinned evenly; and why the rest has no result.

use std::collections::{BTreeMap, HashSet};

use serde_json::{Map, Value, json};

use crate::StudyError;
use crate::pareto::front;
use crate::report::{GoalView, TaskReport, TrialReport};
use crate::store::trial_log::records;
use crate::store::{Record, Store};

/// What is shown of a task's evaluations.
pub(super) struct Points {
    /// Rows, in the order of contestants, seeds and evaluations.
    pub rows: Vec<Row>,
    /// Solutions there are.
    pub all: usize,
    /// Contestant, what happened, why, how often.
    pub misses: Vec<(usize, String, String, usize)>,
}

/// One evaluation.
pub(super) struct Row {
    pub contestant: usize,
    pub seed: u64,
    pub evaluation: usize,
    /// In units of the goals.
    pub values: Vec<f64>,
    /// On the front of its contestant; with one goal, an improvement within its trial.
    pub is_front: bool,
    pub design: Map<String, Value>,
}

/// Letters of a reason that are kept.
const REASON: usize = 160;

impl Points {
    /// Reads the records of the counted trials once; keeps about `limit` evaluations, fewer where they would take more than `bytes`, and all of
    /// the front.
    pub fn of(task: &TaskReport, store: &Store, (limit, bytes): (usize, usize)) -> Result<Self, StudyError> {
        let all: usize = task.contestants.iter().flat_map(|c| &c.trials).map(|trial| trial.feasible).sum();
        let limit = limit.min(bytes / bytes_of_a_row(task, store)?);
        // Of all, evenly: the one at which the share that is to be shown passes a whole number.
        let is_shown = |number: usize| (number + 1) * limit / all > number * limit / all || limit >= all;
        let (mut rows, mut misses, mut number) = (Vec::new(), BTreeMap::new(), 0);
        for (contestant, report) in task.contestants.iter().enumerate() {
            let best = best_of(task, contestant);
            for trial in report.trials.iter().filter(|trial| trial.counted) {
                for record in records(&store.records(&trial.name))?.take(trial.evaluations) {
                    let record = record?;
                    if let Some((what, why)) = miss(&record) {
                        *misses.entry((contestant, what, why)).or_insert(0) += 1;
                        continue;
                    }
                    let is_front = best.contains(&(trial.seed, record.evaluation));
                    if is_front || is_shown(number) {
                        let value = |(goal, reward): (&GoalView, &f64)| goal.value(*reward);
                        rows.push(Row {
                            contestant,
                            seed: trial.seed,
                            evaluation: record.evaluation,
                            values: task.goals.iter().zip(&record.rewards).map(value).collect(),
                            is_front,
                            design: record.design,
                        });
                    }
                    number += 1;
                }
            }
        }
        let mut misses: Vec<_> = misses
            .into_iter()
            .map(|((contestant, what, why), count)| (contestant, what, why, count))
            .collect();
        misses.sort_by_key(|miss| std::cmp::Reverse(miss.3));
        misses.truncate(500);
        Ok(Self { rows, all, misses })
    }

    /// The rows as columns.
    pub fn json(&self, goals: usize) -> Value {
        let column = |of: &dyn Fn(&Row) -> Value| Value::Array(self.rows.iter().map(of).collect());
        let mut names: Vec<&String> = Vec::new();
        let mut seen = HashSet::new();
        for row in &self.rows {
            names.extend(row.design.keys().filter(|name| seen.insert(name.as_str())));
        }
        json!({
            "agent": column(&|row| json!(row.contestant)),
            "seed": column(&|row| json!(row.seed)),
            "evaluation": column(&|row| json!(row.evaluation)),
            "front": column(&|row| json!(u8::from(row.is_front))),
            "goals": (0..goals).map(|goal| column(&|row| rounded(row.values[goal]))).collect::<Vec<_>>(),
            "parameters": names.iter().map(|name| self.parameter(name)).collect::<Vec<_>>(),
        })
    }

    /// A parameter: numbers, or places in a list of choices; null where it does not apply.
    fn parameter(&self, name: &str) -> Value {
        let cells: Vec<&Value> =
            self.rows.iter().map(|row| row.design.get(name).unwrap_or(&Value::Null)).collect();
        if cells.iter().all(|cell| cell.is_number() || cell.is_null()) {
            let short = |cell: &&Value| {
                if cell.is_f64() { cell.as_f64().map_or(Value::Null, rounded) } else { (*cell).clone() }
            };
            return json!({ "name": name, "data": cells.iter().map(short).collect::<Vec<_>>() });
        }
        let text = |cell: &Value| cell.as_str().map_or_else(|| cell.to_string(), String::from);
        let mut choices: Vec<String> =
            cells.iter().filter(|cell| !cell.is_null()).map(|cell| text(cell)).collect();
        choices.sort();
        choices.dedup();
        let place =
            |cell: &&Value| (!cell.is_null()).then(|| choices.binary_search(&text(cell)).unwrap_or(0));
        json!({ "name": name, "choices": choices, "data": cells.iter().map(place).collect::<Vec<_>>() })
    }
}

/// A real number with six significant digits, which is what a page needs; the CSV files have all of them.
pub(super) fn rounded(value: f64) -> Value {
    json!(format!("{value:.5e}").parse::<f64>().unwrap_or(value))
}

/// Bytes that one evaluation takes in the page, as its first design tells.
fn bytes_of_a_row(task: &TaskReport, store: &Store) -> Result<usize, StudyError> {
    let mut trials = task.contestants.iter().flat_map(|c| &c.trials).filter(|trial| trial.counted);
    let Some(trial) = trials.next() else { return Ok(1) };
    let Some(record) = records(&store.records(&trial.name))?.next() else { return Ok(1) };
    let cell = |value: &Value| match value {
        Value::Number(number) if number.is_f64() => 10,
        _ => 4,
    };
    Ok(14 + 10 * task.goals.len() + record?.design.values().map(cell).sum::<usize>())
}

/// Seeds and evaluations on the front of a contestant; with one goal, those that were the best of their trial so far.
fn best_of(task: &TaskReport, contestant: usize) -> HashSet<(u64, usize)> {
    let trials = &task.contestants[contestant].trials;
    if task.goals.len() == 1 {
        let improvements = |trial: &TrialReport| -> Vec<(u64, usize)> {
            trial.improvements.iter().map(|(evaluation, _)| (trial.seed, *evaluation)).collect()
        };
        return trials.iter().flat_map(improvements).collect();
    }
    let all: Vec<(u64, usize, &[f64])> = (trials.iter())
        .flat_map(|trial| {
            trial.improvements.iter().map(|(evaluation, rewards)| (trial.seed, *evaluation, &rewards[..]))
        })
        .collect();
    let rewards: Vec<&[f64]> = all.iter().map(|point| point.2).collect();
    front(&rewards).into_iter().map(|index| (all[index].0, all[index].1)).collect()
}

/// Why an evaluation is no solution: what happened, and the reason; `None` for a solution.
fn miss(record: &Record) -> Option<(String, String)> {
    if record.is_solution() {
        return None;
    }
    let status = record.outcome["status"].as_str().unwrap_or("");
    let reason = match status {
        "feasible" => return Some(("out of bounds".into(), "a bound of the objective is not kept".into())),
        "infeasible" => record.outcome["constraint"].as_str().unwrap_or("").to_string(),
        "timed-out" => format!("after {} s", record.outcome["limit_s"]),
        _ => record.outcome["reason"].as_str().unwrap_or("no reason was given").to_string(),
    };
    let line = reason.lines().next().unwrap_or_default();
    Some((status.into(), line.chars().take(REASON).collect()))
}
