//! Curves over the evaluations of a search: median and quartiles over the seeds.

use serde::Serialize;

use super::ContestantReport;
use crate::statistics::quantile;

/// Points of a curve at most.
const POINTS: usize = 400;

/// A point of a curve; it holds until the next one.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct CurvePoint {
    /// Evaluations so far.
    pub evaluation: usize,
    /// First quartile.
    pub low: f64,
    /// Median.
    pub median: f64,
    /// Third quartile.
    pub high: f64,
}

/// Median and quartiles over the seeds of what `value` makes of a trial's quality, from the first evaluation on at which every counted trial has
/// something feasible. A trial that ended early keeps its last value.
pub fn curve(contestant: &ContestantReport, value: impl Fn(f64) -> f64) -> Vec<CurvePoint> {
    let trials: Vec<_> = contestant.trials.iter().filter(|t| t.quality.is_some()).collect();
    let length = trials.iter().map(|t| t.evaluations).max().unwrap_or(0);
    let stride = length.div_ceil(POINTS).max(1);
    let mut numbers: Vec<usize> = (0..length).step_by(stride).collect();
    if numbers.last().is_some_and(|last| last + 1 < length) {
        numbers.push(length - 1);
    }
    let at = |number: usize| {
        let mut values: Vec<f64> = trials
            .iter()
            .map(|trial| trial.quality_at(number + 1).map(&value).filter(|v| !v.is_nan()))
            .collect::<Option<_>>()?;
        values.sort_by(f64::total_cmp);
        let quantile = |share| quantile(&values, share);
        Some(CurvePoint {
            evaluation: number + 1,
            low: quantile(0.25),
            median: quantile(0.5),
            high: quantile(0.75),
        })
    };
    numbers.into_iter().filter_map(at).collect()
}

/// What line and band are, for a legend: `median, quartiles, n = 5 seeds`.
pub fn band_label(seeds: usize) -> String {
    match seeds {
        1 => "one seed".into(),
        n => format!("median, quartiles, n = {n} seeds"),
    }
}
