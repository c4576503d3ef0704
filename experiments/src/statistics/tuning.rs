//! What tuning buys: the best result expected of k random configurations.
//!
//! J. Dodge et al., "Show your work", EMNLP 2019, with the unbiased estimate of R. Tang et al., "Showing your work doesn't always work", ACL
//! 2020: the mean of the best over all subsets of k of the configurations that were tried.

/// The best (largest) score expected of `k` of these configurations, drawn without replacement; `None` unless 1 <= k <= their number.
///
/// ```
/// use hwgym_experiments::statistics::expected_best;
/// // The three pairs of 1, 2 and 3 have 2, 3 and 3 for their best.
/// assert_eq!(expected_best(&[1.0, 2.0, 3.0], 2), Some(8.0 / 3.0));
/// ```
pub fn expected_best(scores: &[f64], k: usize) -> Option<f64> {
    let n = scores.len();
    if !(1..=n).contains(&k) {
        return None;
    }
    let mut sorted = scores.to_vec();
    sorted.sort_by(|a, b| b.total_cmp(a));
    // The best is the i-th from above (from 0) with chance C(n - 1 - i, k - 1) / C(n, k).
    let mut chance = k as f64 / n as f64;
    let mut sum = 0.0;
    for (i, score) in sorted.iter().enumerate().take(n - k + 1) {
        sum += chance * score;
        let left = (n - 1 - i) as f64;
        if left > 0.0 {
            chance *= (left - (k - 1) as f64) / left;
        }
    }
    Some(sum)
}

/// The same for k = 1 up to the number of configurations.
pub fn expected_best_curve(scores: &[f64]) -> Vec<f64> {
    (1..=scores.len()).filter_map(|k| expected_best(scores, k)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_estimate_is_the_mean_over_all_subsets() {
        let scores = [0.3, -1.0, 2.5, 0.7, 0.7, 1.9, -0.2];
        for k in 1..=scores.len() {
            let (mut sum, mut count) = (0.0, 0);
            for subset in 0_u32..1 << scores.len() {
                if subset.count_ones() as usize == k {
                    let chosen = (0..scores.len()).filter(|i| subset >> i & 1 == 1);
                    sum += chosen.map(|i| scores[i]).fold(f64::NEG_INFINITY, f64::max);
                    count += 1;
                }
            }
            let value = expected_best(&scores, k).unwrap_or(f64::NAN);
            assert!((value - sum / f64::from(count)).abs() < 1e-12, "{k}: {value}");
        }
        assert_eq!((expected_best(&scores, 0), expected_best(&scores, 8)), (None, None));
    }

    #[test]
    fn the_curve_ends_at_the_best() {
        let curve = expected_best_curve(&[1.0, 5.0, 3.0]);
        assert!((curve[0] - 3.0).abs() < 1e-12 && curve[2] == 5.0 && curve.len() == 3);
    }
}
