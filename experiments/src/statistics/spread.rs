//! Statistics of a handful of seeds: quantiles, and bootstrap confidence intervals of the median.

use hwgym_envs::Random;
use serde::Serialize;

/// Resamples of the bootstrap.
const RESAMPLES: usize = 2000;

/// What is said of a sample.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Spread {
    /// Size of the sample.
    pub count: usize,
    /// Smallest value.
    pub minimum: f64,
    /// First quartile.
    pub lower_quartile: f64,
    /// Median.
    pub median: f64,
    /// Third quartile.
    pub upper_quartile: f64,
    /// Largest value.
    pub maximum: f64,
    /// 95 % confidence interval of the median (percentile bootstrap, 2000 resamples).
    pub confidence: (f64, f64),
}

impl Spread {
    /// The spread of a sample; `None` for an empty one. The bootstrap draws from a stream of this seed.
    pub fn of(values: &[f64], seed: u64) -> Option<Self> {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let (minimum, maximum) = (*sorted.first()?, *sorted.last()?);
        let mut random = Random::derived(seed, "bootstrap");
        let mut medians: Vec<f64> = (0..RESAMPLES)
            .map(|_| {
                let mut resample: Vec<f64> =
                    sorted.iter().map(|_| sorted[random.below(sorted.len())]).collect();
                resample.sort_by(f64::total_cmp);
                quantile(&resample, 0.5)
            })
            .collect();
        medians.sort_by(f64::total_cmp);
        Some(Self {
            count: sorted.len(),
            minimum,
            lower_quartile: quantile(&sorted, 0.25),
            median: quantile(&sorted, 0.5),
            upper_quartile: quantile(&sorted, 0.75),
            maximum,
            confidence: (quantile(&medians, 0.025), quantile(&medians, 0.975)),
        })
    }
}

/// The quantile of a sorted sample, linear between neighbours (Hyndman and Fan's type 7); NaN for an empty one.
pub fn quantile(sorted: &[f64], share: f64) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else { return f64::NAN };
    let position = share.clamp(0.0, 1.0) * last as f64;
    let (low, part) = (position.floor() as usize, position.fract());
    if part == 0.0 { sorted[low] } else { sorted[low] + part * (sorted[low + 1] - sorted[low]) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_follow_type_7() {
        let sample = [1.0, 2.0, 3.0, 4.0];
        assert_eq!([0.0, 0.25, 0.5, 1.0].map(|q| quantile(&sample, q)), [1.0, 1.75, 2.5, 4.0]);
    }

    #[test]
    fn the_interval_holds_the_median_and_shrinks_with_the_sample() {
        let sample = |n: usize| (0..n).map(|i| ((i * 7919) % n) as f64 / n as f64).collect::<Vec<_>>();
        let width = |n: usize| {
            let spread = Spread::of(&sample(n), 1).unwrap_or_else(|| panic!("{n} values"));
            assert!(spread.confidence.0 <= spread.median && spread.median <= spread.confidence.1);
            spread.confidence.1 - spread.confidence.0
        };
        assert!(width(400) < width(20) / 2.0);
        assert_eq!(Spread::of(&[], 1), None);
    }
}
