//! Agents over many tasks, by rank: the test of Friedman, and the critical difference of Nemenyi.
//!
//! J. Demšar, "Statistical comparisons of classifiers over multiple data sets", JMLR 7, 2006.

use serde::Serialize;
use statrs::distribution::{ChiSquared, Continuous, ContinuousCDF, Normal};

/// Agents ranked on every task.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Ranking {
    /// Tasks.
    pub tasks: usize,
    /// Mean rank of each agent, 1 being the best; equal scores share their ranks.
    pub mean_ranks: Vec<f64>,
    /// Friedman's statistic with the correction for ties, and its p-value (chi-squared); `None` if every task is a tie of all.
    pub friedman: Option<(f64, f64)>,
    /// Two mean ranks that differ by this much differ at the 5 % level (Nemenyi); `None` for fewer than two agents or no task.
    pub critical_difference: Option<f64>,
}

impl Ranking {
    /// Ranks agents: `scores[task][agent]`, higher is better.
    pub fn of(scores: &[Vec<f64>]) -> Self {
        let agents = scores.first().map_or(0, Vec::len);
        let tasks = scores.len();
        let mut sums = vec![0.0; agents];
        let mut ties = 0.0;
        for task in scores {
            let mut order: Vec<usize> = (0..agents).collect();
            order.sort_by(|a, b| task[*b].total_cmp(&task[*a]));
            let mut start = 0;
            while start < agents {
                let equal =
                    order[start..].iter().take_while(|agent| task[**agent] == task[order[start]]).count();
                let rank = (2 * start + equal + 1) as f64 / 2.0;
                order[start..start + equal].iter().for_each(|agent| sums[*agent] += rank);
                ties += (equal as f64).powi(3) - equal as f64;
                start += equal;
            }
        }
        let (k, n) = (agents as f64, tasks as f64);
        let squares: f64 = sums.iter().map(|sum| sum * sum).sum();
        let correction = 1.0 - ties / (n * k * (k * k - 1.0));
        let statistic = (12.0 / (n * k * (k + 1.0)) * squares - 3.0 * n * (k + 1.0)) / correction;
        let chi_squared = ChiSquared::new(k - 1.0).ok();
        Self {
            tasks,
            mean_ranks: sums.iter().map(|sum| sum / n).collect(),
            friedman: chi_squared
                .filter(|_| correction > 0.0 && agents > 1 && tasks > 0)
                .map(|chi| (statistic, chi.sf(statistic))),
            critical_difference: (agents > 1 && tasks > 0).then(|| critical_difference(agents, tasks, 0.05)),
        }
    }

    /// The p-value of Nemenyi's test that two agents differ.
    pub fn nemenyi(&self, one: usize, other: usize) -> f64 {
        let k = self.mean_ranks.len();
        let spread = ((k * (k + 1)) as f64 / (6.0 * self.tasks as f64)).sqrt();
        let distance = (self.mean_ranks[one] - self.mean_ranks[other]).abs() / spread;
        studentized_range_upper(distance * 2.0_f64.sqrt(), k)
    }
}

/// Nemenyi's critical difference of mean ranks at this level.
pub fn critical_difference(agents: usize, tasks: usize, level: f64) -> f64 {
    // The upper tail falls from 1 to 0: its inverse by bisection.
    let (mut low, mut high) = (0.0, 100.0);
    for _ in 0..80 {
        let middle = 0.5 * (low + high);
        if studentized_range_upper(middle, agents) > level { low = middle } else { high = middle }
    }
    let k = agents as f64;
    low / 2.0_f64.sqrt() * (k * (k + 1.0) / (6.0 * tasks as f64)).sqrt()
}

/// The chance that the range of `k` standard normal numbers is above `q` (the studentized range with infinitely many degrees of freedom).
pub fn studentized_range_upper(q: f64, k: usize) -> f64 {
    if q <= 0.0 {
        return 1.0;
    }
    let normal = Normal::standard();
    // P(range <= q) = k ∫ φ(z) (Φ(z) - Φ(z - q))^(k-1) dz, z the largest; Simpson's rule where φ is above 1e-14.
    let (from, to, steps) = (-8.0, 8.0 + q.min(8.0), 4_000);
    let width = (to - from) / steps as f64;
    let density = |z: f64| normal.pdf(z) * (normal.cdf(z) - normal.cdf(z - q)).powi(k as i32 - 1);
    let weight = |step: usize| match step {
        0 => 1.0,
        s if s == steps => 1.0,
        s if s % 2 == 1 => 4.0,
        _ => 2.0,
    };
    let integral: f64 = (0..=steps).map(|s| weight(s) * density(from + s as f64 * width)).sum();
    (1.0 - k as f64 * integral * width / 3.0).clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Table 6 of Demšar 2006: four classifiers on fourteen data sets. Expected: scipy 1.17, `friedmanchisquare` and `rankdata`.
    const SCORES: [[f64; 4]; 14] = [
        [0.763, 0.768, 0.771, 0.798],
        [0.599, 0.591, 0.590, 0.569],
        [0.954, 0.971, 0.968, 0.967],
        [0.628, 0.661, 0.654, 0.657],
        [0.882, 0.888, 0.886, 0.898],
        [0.936, 0.931, 0.916, 0.931],
        [0.661, 0.668, 0.609, 0.685],
        [0.583, 0.583, 0.563, 0.625],
        [0.775, 0.838, 0.866, 0.875],
        [1.0, 1.0, 1.0, 1.0],
        [0.940, 0.962, 0.965, 0.962],
        [0.619, 0.666, 0.614, 0.669],
        [0.972, 0.981, 0.9751, 0.975],
        [0.957, 0.978, 0.946, 0.970],
    ];

    #[test]
    fn friedman_is_that_of_scipy_and_the_ranks_are_demsars() {
        let scores: Vec<Vec<f64>> = SCORES.iter().map(|row| row.to_vec()).collect();
        let ranking = Ranking::of(&scores);
        for (rank, expected) in
            ranking.mean_ranks.iter().zip([3.142857142857143, 2.0, 2.892857142857143, 1.964285714285714])
        {
            assert!((rank - expected).abs() < 1e-12, "{ranking:?}");
        }
        let (statistic, p) = ranking.friedman.unwrap_or_default();
        assert!(
            (statistic - 10.228346456692925).abs() < 1e-9 && (p - 0.016721580328441323).abs() < 1e-9,
            "{statistic} {p}"
        );
        // "The critical value for four classifiers is 2.569 and the corresponding CD is 1.25."
        assert!((ranking.critical_difference.unwrap_or_default() - 1.25).abs() < 0.005, "{ranking:?}");
        assert!(ranking.nemenyi(0, 1) > 0.05);
    }

    /// Expected: scipy 1.17, `studentized_range`.
    #[test]
    fn the_studentized_range_is_that_of_scipy() {
        assert!((studentized_range_upper(3.0, 4) - 0.14627148104765975).abs() < 1e-8);
        for (k, at_5, at_10) in [
            (2, 1.9599639845400534, 1.6448536269514722),
            (3, 2.343700586378409, 2.0522927304967755),
            (4, 2.569031772546482, 2.2913414968880566),
            (10, 3.163683577053373, 2.9198888400615384),
            (20, 3.5437991315177815, 3.319233059548415),
        ] {
            let unit = ((k * (k + 1)) as f64 / 6.0).sqrt();
            for (level, expected) in [(0.05, at_5), (0.10, at_10)] {
                let q = critical_difference(k, 1, level) / unit;
                assert!((q - expected).abs() < 1e-6, "{k} {level}: {q} {expected}");
            }
        }
    }

    #[test]
    fn nothing_but_ties_says_nothing() {
        let ranking = Ranking::of(&[vec![1.0, 1.0, 1.0], vec![2.0, 2.0, 2.0]]);
        assert_eq!((ranking.friedman, ranking.mean_ranks), (None, vec![2.0; 3]));
    }
}
