//! One number for bounds and targets together, whatever their sizes.

use crate::Evaluated;

/// Per result the sum over its slacks of `ln(1 + miss / typical miss)`, so that a target of which all designs miss a hundredfold does not drown the
/// others; infinite without metrics. 0 where everything is kept.
pub fn totals<'a>(results: impl Iterator<Item = &'a Evaluated> + Clone) -> Vec<f64> {
    let slacks = results.clone().map(|r| r.score.slacks.len()).max().unwrap_or(0);
    let typical: Vec<f64> = (0..slacks)
        .map(|j| {
            let mut missed: Vec<f64> =
                results.clone().filter_map(|r| r.score.slacks.get(j)).copied().filter(|s| *s > 0.0).collect();
            missed.sort_by(f64::total_cmp);
            missed.get(missed.len() / 2).copied().unwrap_or(1.0)
        })
        .collect();
    let total = |result: &Evaluated| {
        if result.score.rewards.is_empty() {
            return f64::INFINITY;
        }
        let terms = result.score.slacks.iter().zip(&typical);
        terms.map(|(slack, typical)| (slack.max(0.0) / typical).ln_1p()).sum()
    };
    results.map(total).collect()
}

/// The positions of the results, fewest misses first; equal ones by Deb's rules.
pub fn order(results: &[Evaluated]) -> Vec<usize> {
    let totals = totals(results.iter());
    let mut order: Vec<usize> = (0..results.len()).collect();
    order.sort_by(|a, b| {
        totals[*a].total_cmp(&totals[*b]).then_with(|| results[*b].score.compare(&results[*a].score))
    });
    order
}

#[cfg(test)]
mod tests {
    use hwgym_envs::{Design, Outcome, Score};

    use super::*;

    fn result(slacks: &[f64]) -> Evaluated {
        let score = Score { rewards: vec![0.0], slacks: slacks.to_vec(), violation: 0.0, done: false };
        Evaluated { design: Design::new(vec![]), outcome: Outcome::feasible(vec![]), score }
    }

    #[test]
    fn a_target_counts_in_what_is_usual_for_it() {
        // The second misses nothing of the first target, which is missed a thousandfold, and twice what is usual of the other.
        let results =
            [result(&[1000.0, 0.01]), result(&[0.0, 0.02]), result(&[-5.0, -1.0]), result(&[900.0, 0.0])];
        assert_eq!(order(&results), [2, 3, 1, 0]);
        assert_eq!(totals(results.iter())[2], 0.0);
    }

    #[test]
    fn what_was_not_measured_comes_last() {
        let mut broken = result(&[]);
        broken.score.rewards.clear();
        assert_eq!(order(&[broken, result(&[7.0])]), [1, 0]);
    }
}
