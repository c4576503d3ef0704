//! Random-pruned search, as the reference mapper's: draw a factorisation; where it fits, try loop orders on it.
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::mapspace::Mapspace;
use super::{Goal, Sampled, Solution};
use crate::timeloop::evaluate::Detail;

/// Loop orders tried on one factorisation that fits.
const ORDERS: u64 = 16;
/// Candidates in a row that may fail before the search gives up.
const MOST_REJECTED: u64 = 2_000_000;

/// Evaluates `evaluations` valid mappings at random and keeps the best.
pub fn random_pruned(space: &Mapspace, goal: Goal, evaluations: u64, seed: u64) -> Sampled {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut result = Sampled::default();
    let mut detail = Detail::default();
    let mut rejected_in_a_row = 0;
    while result.evaluations < evaluations && rejected_in_a_row < MOST_REJECTED {
        let candidate = space.draw(&mut rng);
        let Some(mut nest) = candidate
            .filter(|n| space.axes_allowed(n) && space.busy_enough(n) && space.model.fits(n).is_ok())
        else {
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
            }
            for level in 0..space.model.levels {
                space.draw_order(&mut nest, level, &mut rng);
            }
        }
    }
    result
}
