//! Random-pruned search, as the reference mapper's: draw a factorisation; where it fits, try loop orders on it.
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::mapspace::Mapspace;
use super::{Goal, Sampled, Solution};
use crate::timeloop::evaluate::Detail;

/// Loop orders tried on one factorisation that fits.
const ORDERS: u64 = 16;
/// When a search ends before its budget is spent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Patience {
    /// Candidates in a row that may fail to fit.
    pub invalid: u64,
    /// Valid mappings in a row that may be no better than the best.
    pub without_progress: u64,
}

impl Default for Patience {
    fn default() -> Self {
        Self { invalid: 2_000_000, without_progress: u64::MAX }
    }
}

/// Evaluates `evaluations` valid mappings at random and keeps the best.
pub fn random_pruned(space: &Mapspace, goal: Goal, evaluations: u64, seed: u64) -> Sampled {
    random_until(space, goal, evaluations, Patience::default(), seed)
}

/// Evaluates `evaluations` valid mappings at random, or fewer where patience ends, and keeps the best.
pub fn random_until(
    space: &Mapspace,
    goal: Goal,
    evaluations: u64,
    patience: Patience,
    seed: u64,
) -> Sampled {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut result = Sampled::default();
    let mut detail = Detail::default();
    let (mut rejected_in_a_row, mut without_progress) = (0, 0);
    while result.evaluations < evaluations
        && rejected_in_a_row < patience.invalid
        && without_progress < patience.without_progress
    {
        let Some(mut nest) = space.draw(&mut rng) else {
            result.rejected += 1;
            rejected_in_a_row += 1;
            continue;
        };
        rejected_in_a_row = 0;
        for _ in 0..ORDERS.min(evaluations - result.evaluations) {
            let cost = space.model.cost(&nest, &mut detail);
            result.evaluations += 1;
            if result.best.is_none_or(|b| goal.better(&cost, &b.cost)) {
                result.best = Some(Solution { nest, cost });
                without_progress = 0;
            } else {
                without_progress += 1;
            }
            for level in 0..space.model.levels {
                space.draw_order(&mut nest, level, &mut rng);
            }
        }
    }
    if let (None, Some(nest)) = (result.best, space.smallest())
        && evaluations > 0
    {
        let cost = space.model.cost(&nest, &mut detail);
        result.best = Some(Solution { nest, cost });
        result.evaluations += 1;
    }
    result
}
