//! Scores over several tasks: interquartile mean, optimality gap, probability of improvement and performance profiles, each with the
//! interval of a stratified bootstrap.
//!
//! R. Agarwal et al., "Deep reinforcement learning at the edge of the statistical precipice", NeurIPS 2021. Scores stand as one list of runs
//! per task, normalised so that tasks may be mixed (1 is the known optimum, 0 what the task calls nothing).

use hwgym_envs::Random;
use serde::Serialize;

use super::quantile;

/// A number with its 95 % interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Estimate {
    /// The number on the whole sample.
    pub value: f64,
    /// 2.5 % quantile of the resamples.
    pub low: f64,
    /// 97.5 % quantile of the resamples.
    pub high: f64,
}

/// The mean of the middle half of all runs of all tasks; NaN for none. As many values are cut at each end as a quarter of them, rounded down
/// (`scipy.stats.trim_mean(x, 0.25)`).
pub fn interquartile_mean(tasks: &[Vec<f64>]) -> f64 {
    let mut all: Vec<f64> = tasks.iter().flatten().copied().collect();
    all.sort_by(f64::total_cmp);
    let cut = all.len() / 4;
    let middle = &all[cut..all.len() - cut];
    middle.iter().sum::<f64>() / middle.len() as f64
}

/// How far the runs miss a score of `target` on average; runs above it count as having reached it.
pub fn optimality_gap(tasks: &[Vec<f64>], target: f64) -> f64 {
    let count: usize = tasks.iter().map(Vec::len).sum();
    target - tasks.iter().flatten().map(|score| score.min(target)).sum::<f64>() / count as f64
}

/// How likely a run of `ours` is better than a run of `theirs` on a random task: the mean over the tasks of the Mann-Whitney statistic, a tie
/// counting half. The lists stand for the same tasks.
pub fn probability_of_improvement(ours: &[Vec<f64>], theirs: &[Vec<f64>]) -> f64 {
    let of_task = |(a, b): (&Vec<f64>, &Vec<f64>)| {
        let points = |x: &f64| {
            b.iter()
                .map(|y| {
                    if x > y {
                        1.0
                    } else if x == y {
                        0.5
                    } else {
                        0.0
                    }
                })
                .sum::<f64>()
        };
        a.iter().map(points).sum::<f64>() / (a.len() * b.len()) as f64
    };
    ours.iter().zip(theirs).map(of_task).sum::<f64>() / ours.len() as f64
}

/// The share of runs with a score above each threshold, averaged over the tasks.
pub fn performance_profile(tasks: &[Vec<f64>], thresholds: &[f64]) -> Vec<f64> {
    let share = |runs: &Vec<f64>, threshold: f64| {
        runs.iter().filter(|score| **score > threshold).count() as f64 / runs.len() as f64
    };
    let at =
        |threshold: &f64| tasks.iter().map(|runs| share(runs, *threshold)).sum::<f64>() / tasks.len() as f64;
    thresholds.iter().map(at).collect()
}

/// A statistic with its interval: runs are drawn with replacement within each task, so that every task keeps its weight.
pub fn stratified_bootstrap(
    tasks: &[Vec<f64>],
    resamples: usize,
    seed: u64,
    statistic: impl Fn(&[Vec<f64>]) -> f64,
) -> Estimate {
    let mut random = Random::derived(seed, "stratified-bootstrap");
    let mut resample = tasks.to_vec();
    let mut values: Vec<f64> = (0..resamples)
        .map(|_| {
            for (to, from) in resample.iter_mut().zip(tasks) {
                to.iter_mut().for_each(|score| *score = from[random.below(from.len())]);
            }
            statistic(&resample)
        })
        .collect();
    values.sort_by(f64::total_cmp);
    Estimate { value: statistic(tasks), low: quantile(&values, 0.025), high: quantile(&values, 0.975) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three tasks of five runs, and what scipy 1.17 and rliable 1.2 say of them (`trim_mean`, `aggregate_optimality_gap`,
    /// `probability_of_improvement`, `get_interval_estimates` with 50,000 resamples).
    fn a() -> Vec<Vec<f64>> {
        vec![
            vec![0.9, 0.8, 0.95, 0.7, 0.85],
            vec![0.3, 0.5, 0.4, 0.45, 0.35],
            vec![0.99, 0.97, 0.2, 0.98, 0.96],
        ]
    }

    fn b() -> Vec<Vec<f64>> {
        vec![
            vec![0.6, 0.8, 0.65, 0.75, 0.7],
            vec![0.5, 0.55, 0.45, 0.4, 0.6],
            vec![0.9, 0.92, 0.91, 0.3, 0.89],
        ]
    }

    fn near(value: f64, expected: f64) {
        assert!((value - expected).abs() < 1e-12, "{value} {expected}");
    }

    #[test]
    fn numbers_are_those_of_rliable() {
        near(interquartile_mean(&a()), 0.7233333333333333);
        near(interquartile_mean(&b()), 0.6711111111111111);
        near(optimality_gap(&a(), 1.0), 0.31333333333333324);
        near(probability_of_improvement(&a(), &b()), 0.62);
        let profile = performance_profile(&a(), &[0.5, 0.9]);
        near(profile[0], 0.6);
        near(profile[1], 1.0 / 3.0);
    }

    #[test]
    fn intervals_are_those_of_rliable() {
        let iqm = stratified_bootstrap(&a(), 20_000, 1, interquartile_mean);
        near(iqm.value, 0.7233333333333333);
        // Two random streams: their quantiles agree within the resampling error.
        assert!((iqm.low - RLIABLE_IQM.0).abs() < 0.01 && (iqm.high - RLIABLE_IQM.1).abs() < 0.01, "{iqm:?}");
        let gap = stratified_bootstrap(&a(), 20_000, 1, |tasks| optimality_gap(tasks, 1.0));
        assert!((gap.low - RLIABLE_GAP.0).abs() < 0.01 && (gap.high - RLIABLE_GAP.1).abs() < 0.01, "{gap:?}");
    }

    const RLIABLE_IQM: (f64, f64) = (0.57777778, 0.81444444);
    const RLIABLE_GAP: (f64, f64) = (0.238, 0.42266667);
}
