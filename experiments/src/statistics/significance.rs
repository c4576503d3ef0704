//! Tests between two samples, and what several of them at once allow to be said.

use statrs::distribution::{ContinuousCDF, Normal};

/// Most values of the two samples together for which the distribution is worked out exactly.
const EXACT: usize = 60;

/// Two-sided p-value of the Mann-Whitney U test: how often two samples of one distribution are as far apart in rank as these. Exact without
/// ties up to 60 values together, else by the normal approximation with the corrections for ties and continuity (as
/// `scipy.stats.mannwhitneyu`). `None` for an empty sample.
pub fn mann_whitney(a: &[f64], b: &[f64]) -> Option<f64> {
    if a.is_empty() || b.is_empty() {
        return None;
    }
    let mut all: Vec<(f64, bool)> =
        a.iter().map(|v| (*v, true)).chain(b.iter().map(|v| (*v, false))).collect();
    all.sort_by(|x, y| x.0.total_cmp(&y.0));
    let (mut rank_sum, mut ties, mut start) = (0.0, 0.0, 0);
    while start < all.len() {
        let end = start + all[start..].iter().take_while(|x| x.0 == all[start].0).count();
        // Equal values share the mean of their ranks, which count from 1.
        let rank = (start + end + 1) as f64 / 2.0;
        rank_sum += rank * all[start..end].iter().filter(|x| x.1).count() as f64;
        let size = (end - start) as f64;
        ties += size.powi(3) - size;
        start = end;
    }
    let (n, m) = (a.len() as f64, b.len() as f64);
    let u = rank_sum - n * (n + 1.0) / 2.0;
    let larger = u.max(n * m - u);
    if ties == 0.0 && all.len() <= EXACT {
        return Some((2.0 * upper_tail(a.len(), b.len(), larger as usize)).min(1.0));
    }
    let total = n + m;
    let variance = n * m / 12.0 * ((total + 1.0) - ties / (total * (total - 1.0)));
    if variance <= 0.0 {
        return Some(1.0);
    }
    let z = (larger - n * m / 2.0 - 0.5) / variance.sqrt();
    Some((2.0 * Normal::standard().sf(z)).min(1.0))
}

/// The chance of a statistic of `u` or more, counted over all ways to share the ranks out.
fn upper_tail(n: usize, m: usize, u: usize) -> f64 {
    // ways[i][s]: subsets of i of the first values whose statistic is s.
    let most = n * m;
    let mut ways = vec![vec![0.0_f64; most + 1]; n + 1];
    ways[0][0] = 1.0;
    for value in 0..n + m {
        for size in (1..=n.min(value + 1)).rev() {
            // The value is above `value - (size - 1)` values of the other sample.
            let below = value + 1 - size;
            if below > m {
                continue;
            }
            for sum in (below..=most).rev() {
                ways[size][sum] += ways[size - 1][sum - below];
            }
        }
    }
    let total: f64 = ways[n].iter().sum();
    ways[n][u.min(most)..].iter().sum::<f64>() / total
}

/// P-values of several tests, adjusted so that the chance of one false finding among them stays what it is for one (Holm 1979); in the order
/// given.
pub fn holm(p_values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p_values.len()).collect();
    order.sort_by(|a, b| p_values[*a].total_cmp(&p_values[*b]));
    let mut adjusted = vec![0.0; p_values.len()];
    let mut largest = 0.0_f64;
    for (place, index) in order.into_iter().enumerate() {
        largest = largest.max(((p_values.len() - place) as f64 * p_values[index]).min(1.0));
        adjusted[index] = largest;
    }
    adjusted
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(value: Option<f64>, expected: f64) {
        let value = value.unwrap_or(f64::NAN);
        assert!((value - expected).abs() < 1e-9, "{value} {expected}");
    }

    /// Expected values: scipy 1.17, `mannwhitneyu`.
    #[test]
    fn p_values_are_those_of_scipy() {
        let (x, y) = ([1.1, 2.3, 3.5, 4.2, 5.0], [2.0, 6.1, 7.3, 8.8, 9.9]);
        near(mann_whitney(&x, &y), 0.09523809523809523);
        near(mann_whitney(&y, &x), 0.09523809523809523);
        let steps: Vec<f64> = (0..12).map(f64::from).collect();
        let later: Vec<f64> = steps.iter().map(|v| v + 2.5).collect();
        near(mann_whitney(&steps, &later), 0.12768789966259345);
        let x = [1.0, 2.0, 2.0, 3.0, 4.0, 5.0, 5.0, 5.0, 6.0, 7.0, 8.0, 9.0];
        let y = [2.0, 5.0, 6.0, 7.0, 7.0, 8.0, 9.0, 10.0, 11.0, 12.0];
        near(mann_whitney(&x, &y), 0.026273939717996794);
        near(mann_whitney(&[1.0, 1.0], &[1.0, 1.0]), 1.0);
        assert_eq!(mann_whitney(&[], &[1.0]), None);
    }

    #[test]
    fn holm_keeps_the_order_and_grows() {
        // Holm's procedure by hand: 0.01 * 4, 0.02 * 3, max(0.03 * 2, 0.06), 0.04.
        let adjusted = holm(&[0.04, 0.01, 0.03, 0.02]);
        let expected = [0.06, 0.04, 0.06, 0.06];
        assert!(adjusted.iter().zip(expected).all(|(a, e)| (a - e).abs() < 1e-12), "{adjusted:?}");
        assert!(holm(&[]).is_empty());
    }
}
