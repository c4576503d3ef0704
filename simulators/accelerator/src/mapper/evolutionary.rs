//! Evolutionary search: a small population of mappings, improved by changing one factor, loop or bypass at a time.
//!
//! A fixed number of islands search on their own with seeds derived from the one given, so the result does not depend on threads.
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use super::mapspace::Mapspace;
use super::{Goal, Sampled, Solution};
use crate::timeloop::Nest;
use crate::timeloop::evaluate::Detail;

const ISLANDS: u64 = 2;
const POPULATION: usize = 6;
/// Candidates of which the busiest is evaluated.
const DRAWN_EACH: u64 = 32;
/// Candidates that do not fit, for each evaluation of the budget, before an island gives up.
const REJECTED_EACH: u64 = 2000;
/// Candidates that do not fit before an island turns to the smallest mapping and its neighbours.
const REJECTED_AT_FIRST: u64 = 400_000;

/// Evaluates at most `evaluations` valid mappings and returns the best.
pub fn evolutionary(space: &Mapspace, goal: Goal, evaluations: u64, seed: u64) -> Sampled {
    let islands: Vec<Sampled> = (0..ISLANDS)
        .into_par_iter()
        .map(|island| {
            let share = evaluations / ISLANDS + u64::from(island < evaluations % ISLANDS);
            self::island(space, goal, share, seed ^ (island + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15))
        })
        .collect();
    let mut all = Sampled::default();
    for one in islands {
        all.evaluations += one.evaluations;
        all.rejected += one.rejected;
        if let Some(s) = one.best
            && all.best.is_none_or(|b| goal.better(&s.cost, &b.cost))
        {
            all.best = Some(s);
        }
    }
    all
}

/// The busiest of some mappings drawn, where time counts: to know how many units work costs no evaluation.
fn draw(space: &Mapspace, goal: Goal, rng: &mut ChaCha8Rng, rejected: &mut u64) -> Option<Nest> {
    let tries = if goal == Goal::Energy { 1 } else { DRAWN_EACH };
    let mut best: Option<(u64, Nest)> = None;
    for _ in 0..tries {
        let Some(nest) = space.draw(rng) else {
            *rejected += 1;
            continue;
        };
        let busy = space.busy(&nest);
        if best.is_none_or(|(most, _)| busy > most) {
            best = Some((busy, nest));
        }
    }
    best.map(|(_, nest)| nest)
}

fn island(space: &Mapspace, goal: Goal, evaluations: u64, seed: u64) -> Sampled {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut detail = Detail::default();
    let mut result = Sampled::default();
    let mut population: Vec<Solution> = Vec::new();
    let rejected_at_most = evaluations.saturating_mul(REJECTED_EACH).max(1_000_000);
    let draws = (evaluations / 6).max(8);
    let mut smallest = space.smallest();
    // Nothing that was drawn fits: only what the smallest mapping leads to.
    let mut barren = false;
    let mut stale = 0u64;
    while result.evaluations < evaluations && result.rejected < rejected_at_most {
        // Fresh blood at first, and where the population stands still.
        let fresh = !barren && (result.evaluations < draws || stale > 120) || population.is_empty();
        let nest = if fresh {
            let drawn = draw(space, goal, &mut rng, &mut result.rejected);
            if drawn.is_none()
                && population.is_empty()
                && result.rejected > REJECTED_AT_FIRST
                && smallest.is_some()
            {
                barren = true;
                smallest.take()
            } else {
                let Some(nest) = drawn else { continue };
                Some(nest)
            }
        } else {
            let parent =
                population[rng.random_range(0..population.len()).min(rng.random_range(0..population.len()))];
            let mut nest = parent.nest;
            for _ in 0..[1, 1, 1, 2, 2, 3, 4][rng.random_range(0..7usize)] {
                space.mutate(&mut nest, &mut rng);
            }
            (nest != parent.nest).then_some(nest)
        };
        let fits = |n: &Nest| space.axes_allowed(n) && space.busy_enough(n) && space.model.fits(n).is_ok();
        let Some(nest) = nest.filter(fits) else {
            result.rejected += 1;
            continue;
        };
        let cost = space.model.cost(&nest, &mut detail);
        result.evaluations += 1;
        let found = Solution { nest, cost };
        if result.best.is_none_or(|b| goal.better(&cost, &b.cost)) {
            result.best = Some(found);
            stale = 0;
        } else {
            stale += 1;
        }
        if stale > 130 {
            population.truncate(1);
            stale = 0;
        }
        if population.iter().any(|s| s.cost == cost) {
            continue;
        }
        let at = population.partition_point(|s| goal.better(&s.cost, &cost));
        if at < POPULATION {
            population.insert(at, found);
            population.truncate(POPULATION);
        }
    }
    result
}
