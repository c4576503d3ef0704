//! Evaluations to a target: expected running time with censored runs.
//!
//! N. Hansen et al., "COCO: a platform for comparing continuous optimizers in a black-box setting", 2021: the evaluations of all runs, those
//! that did not get there included, over the number of runs that did. It is the mean number of evaluations of a search that is started again
//! until it meets the target.

use hwgym_envs::Random;
use serde::Serialize;

use super::quantile;

/// One run towards a target.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub enum Outcome {
    /// It was met at this evaluation, counted from 1.
    Met(usize),
    /// It was not met within so many evaluations.
    Censored(usize),
}

/// What several runs come to.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Reached {
    /// Runs.
    pub runs: usize,
    /// Those that met the target.
    pub met: usize,
    /// Expected evaluations until it is met; `None` if no run met it.
    pub expected_evaluations: Option<f64>,
    /// 95 % interval of it (percentile bootstrap over runs; resamples in which no run met the target count as infinite).
    pub interval: Option<(f64, f64)>,
    /// Median of the evaluations of all runs, a censored one counting as later than any other; `None` if that is a censored run.
    pub median: Option<f64>,
}

/// Resamples of the bootstrap.
const RESAMPLES: usize = 2000;

impl Reached {
    /// Counts runs. The bootstrap draws from a stream of this seed.
    pub fn of(runs: &[Outcome], seed: u64) -> Self {
        let met = runs.iter().filter(|run| matches!(run, Outcome::Met(_))).count();
        let expected_evaluations = expected(runs.iter());
        let mut random = Random::derived(seed, "evaluations-to-target");
        let interval = expected_evaluations.map(|_| {
            let mut drawn: Vec<f64> = (0..RESAMPLES)
                .map(|_| {
                    let resample: Vec<&Outcome> =
                        runs.iter().map(|_| &runs[random.below(runs.len())]).collect();
                    expected(resample.into_iter()).unwrap_or(f64::INFINITY)
                })
                .collect();
            drawn.sort_by(f64::total_cmp);
            // Between a finite neighbour and an infinite one there is no number.
            let at = |share: f64| match quantile(&drawn, share) {
                value if value.is_nan() => f64::INFINITY,
                value => value,
            };
            (at(0.025), at(0.975))
        });
        let mut sorted: Vec<f64> = runs
            .iter()
            .map(|run| match run {
                Outcome::Met(evaluation) => *evaluation as f64,
                Outcome::Censored(_) => f64::INFINITY,
            })
            .collect();
        sorted.sort_by(f64::total_cmp);
        let median = Some(quantile(&sorted, 0.5)).filter(|median| median.is_finite());
        Self { runs: runs.len(), met, expected_evaluations, interval, median }
    }

    /// Share of the runs that met the target.
    pub fn share(&self) -> f64 {
        self.met as f64 / self.runs.max(1) as f64
    }
}

fn expected<'a>(runs: impl Iterator<Item = &'a Outcome>) -> Option<f64> {
    let (mut evaluations, mut met) = (0, 0);
    for run in runs {
        match run {
            Outcome::Met(evaluation) => (evaluations, met) = (evaluations + evaluation, met + 1),
            Outcome::Censored(budget) => evaluations += budget,
        }
    }
    (met > 0).then(|| evaluations as f64 / met as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn censored_runs_cost_and_do_not_count() {
        let runs = [Outcome::Met(10), Outcome::Censored(100), Outcome::Met(30), Outcome::Censored(100)];
        let reached = Reached::of(&runs, 1);
        assert_eq!((reached.runs, reached.met, reached.share()), (4, 2, 0.5));
        assert_eq!(reached.expected_evaluations, Some(240.0 / 2.0));
        assert_eq!(reached.median, None, "the middle of 10, 30 and two censored ones");
        let (low, high) = reached.interval.unwrap_or_default();
        assert!(low < 120.0 && high > 120.0, "{reached:?}");
        assert_eq!(Reached::of(&[Outcome::Censored(5)], 1).expected_evaluations, None);
        assert_eq!(Reached::of(&[Outcome::Met(3), Outcome::Met(5)], 1).median, Some(4.0));
    }

    #[test]
    fn a_search_that_meets_it_once_in_ten_draws_needs_ten() {
        // Geometric with p = 0.1, cut at 40: the expected running time is 1 / p whatever the cut (Auger and Hansen 2005).
        let mut random = Random::new(7);
        let runs: Vec<Outcome> = (0..20_000)
            .map(|_| match (1..=40).find(|_| random.chance(0.1)) {
                Some(evaluation) => Outcome::Met(evaluation),
                None => Outcome::Censored(40),
            })
            .collect();
        let value = expected(runs.iter()).unwrap_or_default();
        assert!((value - 10.0).abs() < 0.3, "{value}");
    }
}
