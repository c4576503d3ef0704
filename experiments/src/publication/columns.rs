//! The table of a task, for every format that prints it: heads and cells as text.

use hwgym_envs::number::significant;

use super::grid::Grid;
use crate::report::{ContestantReport, TaskReport};

/// Heads of the columns.
pub(super) fn header(task: &TaskReport) -> Vec<String> {
    let few = task.has_few_seeds();
    let mut cells = vec!["agent".to_string(), format!("median {}", task.quality_label())];
    // Of a handful of seeds an interval says nothing that the extremes do not say.
    cells.extend(
        if few { vec!["minimum to maximum"] } else { vec!["95 % interval", "quartiles"] }
            .into_iter()
            .map(String::from),
    );
    cells.extend(["best", "seeds"].map(String::from));
    if any_failed(task) {
        cells.push("failed".into());
    }
    if task.known_optimum.is_some() {
        let interval = if few { "minimum to maximum" } else { "95 % interval" };
        cells.extend(["median regret", interval, "at the optimum"].map(String::from));
    }
    if !task.target.is_empty() {
        cells.extend(["solved", "expected evaluations to it"].map(String::from));
    }
    if task.contestants.iter().any(|c| c.p_value.is_some()) {
        cells.push("p against the best".into());
    }
    cells
}

/// Cells of one contestant.
pub(super) fn cells(task: &TaskReport, contestant: &ContestantReport) -> Vec<String> {
    let few = task.has_few_seeds();
    let digits = digits(task);
    let short = |value: f64| significant(value, digits);
    let range = |(low, high): (f64, f64)| format!("{} to {}", short(low), short(high));
    let mut cells = vec![contestant.title()];
    match &contestant.quality {
        None => {
            cells.push("nothing feasible".into());
            cells.extend(std::iter::repeat_n(String::new(), if few { 2 } else { 3 }));
            cells.push("0".into());
        }
        Some(s) => {
            let best = if task.smaller_is_better() { s.minimum } else { s.maximum };
            cells.push(short(s.median));
            if few {
                cells.push(range((s.minimum, s.maximum)));
            } else {
                cells.extend([range(s.confidence), range((s.lower_quartile, s.upper_quartile))]);
            }
            cells.push(short(best));
            cells.push(s.count.to_string());
        }
    }
    if any_failed(task) {
        let (evaluations, failed) = contestant.evaluations();
        cells.push(format!("{failed} of {evaluations}"));
    }
    if task.known_optimum.is_some() {
        let percent = |share: f64| format!("{:.2} %", 100.0 * share);
        match contestant.regret {
            None => cells.extend(["", "", "0"].map(String::from)),
            Some(r) => {
                let (low, high) = if few { (r.minimum, r.maximum) } else { r.confidence };
                cells.push(percent(r.median));
                cells.push(format!("{} to {}", percent(low), percent(high)));
                cells.push(format!("{} of {}", task.at_the_optimum(contestant), contestant.trials.len()));
            }
        }
    }
    if !task.target.is_empty() {
        match contestant.reached {
            None => cells.extend(["", ""].map(String::from)),
            Some(r) => {
                cells.push(format!("{} of {}", r.met, r.runs));
                cells.push(r.expected_evaluations.map_or("never met".into(), |n| significant(n, 3)));
            }
        }
    }
    if task.contestants.iter().any(|c| c.p_value.is_some()) {
        cells.push(
            contestant
                .p_value
                .map_or(String::new(), |p| if p < 1e-4 { "< 0.0001".into() } else { format!("{p:.4}") }),
        );
    }
    cells
}

/// True if an evaluation of the task failed.
pub(super) fn any_failed(task: &TaskReport) -> bool {
    task.contestants.iter().any(|contestant| !contestant.failures.is_empty())
}

/// Significant digits that tell the medians of the agents apart.
fn digits(task: &TaskReport) -> usize {
    let medians: Vec<f64> = task.contestants.iter().filter_map(|c| c.quality).map(|q| q.median).collect();
    digits_apart(&medians)
}

/// Significant digits that tell these numbers apart: four, or as many more as it takes, up to eight.
pub(super) fn digits_apart(numbers: &[f64]) -> usize {
    let mut numbers = numbers.to_vec();
    numbers.sort_by(f64::total_cmp);
    numbers.dedup();
    let apart = |digits: &usize| {
        let texts: Vec<String> = numbers.iter().map(|number| significant(*number, *digits)).collect();
        texts.windows(2).all(|pair| pair[0] != pair[1])
    };
    (4..=8).find(apart).unwrap_or(8)
}

/// The table of a task.
pub(super) fn grid(task: &TaskReport) -> Grid {
    let rows = task.contestants.iter().map(|contestant| cells(task, contestant));
    Grid { heads: header(task), rows: rows.collect() }
}
