//! Ranking under Deb's rules: by score for one goal, by fronts and crowding for several.

use std::cmp::Ordering;

use crate::Evaluated;

/// Sorts the best first: by [`Score::compare`](hwgym_envs::Score::compare) with one goal; by front, then by crowding with several.
pub fn sort_best_first(results: &mut Vec<Evaluated>, goals: usize) {
    if goals <= 1 {
        results.sort_by(|a, b| b.score.compare(&a.score));
        return;
    }
    let (rank, crowding) = ranks_and_crowding(results);
    let mut order: Vec<usize> = (0..results.len()).collect();
    order.sort_by(|a, b| rank[*a].cmp(&rank[*b]).then(crowding[*b].total_cmp(&crowding[*a])).then(a.cmp(b)));
    let mut taken: Vec<Option<Evaluated>> = std::mem::take(results).into_iter().map(Some).collect();
    results.extend(order.into_iter().filter_map(|index| taken[index].take()));
}

/// The front of each result (0 is the best) and its crowding distance in that front.
pub fn ranks_and_crowding(results: &[Evaluated]) -> (Vec<usize>, Vec<f64>) {
    let fronts = fronts(results);
    let mut rank = vec![0; results.len()];
    let mut crowding = vec![0.0; results.len()];
    for (number, front) in fronts.iter().enumerate() {
        front.iter().for_each(|index| rank[*index] = number);
        crowd(results, front, &mut crowding);
    }
    (rank, crowding)
}

/// Non-dominated sorting: indices of the results, front by front.
pub fn fronts(results: &[Evaluated]) -> Vec<Vec<usize>> {
    let count = results.len();
    let mut dominated_by = vec![0usize; count];
    let mut dominates: Vec<Vec<usize>> = vec![Vec::new(); count];
    for a in 0..count {
        for b in a + 1..count {
            match pareto_order(&results[a], &results[b]) {
                Ordering::Greater => {
                    dominates[a].push(b);
                    dominated_by[b] += 1;
                }
                Ordering::Less => {
                    dominates[b].push(a);
                    dominated_by[a] += 1;
                }
                Ordering::Equal => {}
            }
        }
    }
    let mut fronts = Vec::new();
    let mut current: Vec<usize> = (0..count).filter(|i| dominated_by[*i] == 0).collect();
    while !current.is_empty() {
        let mut next = Vec::new();
        for index in &current {
            for other in &dominates[*index] {
                dominated_by[*other] -= 1;
                if dominated_by[*other] == 0 {
                    next.push(*other);
                }
            }
        }
        next.sort_unstable();
        fronts.push(std::mem::replace(&mut current, next));
    }
    fronts
}

/// `Greater` where `a` dominates `b`.
fn pareto_order(a: &Evaluated, b: &Evaluated) -> Ordering {
    if a.score.dominates(&b.score) {
        Ordering::Greater
    } else if b.score.dominates(&a.score) {
        Ordering::Less
    } else {
        Ordering::Equal
    }
}

/// Crowding distance (Deb et al. 2002): the sum over the goals of the gap between both neighbours; infinite at the ends.
fn crowd(results: &[Evaluated], front: &[usize], crowding: &mut [f64]) {
    let Some(goals) = front.first().map(|i| results[*i].score.rewards.len()) else { return };
    if front.iter().any(|i| results[*i].score.rewards.len() != goals) {
        return;
    }
    let mut order = front.to_vec();
    for goal in 0..goals {
        let reward = |index: usize| results[index].score.rewards[goal];
        order.sort_by(|a, b| reward(*a).total_cmp(&reward(*b)).then(a.cmp(b)));
        let (first, last) = (order[0], order[order.len() - 1]);
        let width = reward(last) - reward(first);
        crowding[first] = f64::INFINITY;
        crowding[last] = f64::INFINITY;
        if width > 0.0 && width.is_finite() {
            for three in order.windows(3) {
                crowding[three[1]] += (reward(three[2]) - reward(three[0])) / width;
            }
        }
    }
}

/// The results that no other dominates, of those with metrics and within the bounds; indices in order.
pub fn feasible_front(results: &[Evaluated]) -> Vec<usize> {
    let feasible: Vec<usize> = (0..results.len()).filter(|i| results[*i].score.is_feasible()).collect();
    feasible
        .iter()
        .copied()
        .filter(|i| !feasible.iter().any(|j| results[*j].score.dominates(&results[*i].score)))
        .collect()
}
