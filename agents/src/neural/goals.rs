//! Several goals as one number: what a design adds to the hypervolume.

use super::archive::Entry;

/// The value of every entry; only those of feasible ones mean something beyond minus their violation.
///
/// Goals come in any unit, so each is first replaced by its rank among the feasible entries, from 0 to 1. A design on the Pareto front is then
/// worth the volume that it alone dominates, seen from 0; any other, minus what it would have to gain in every goal to reach the front.
pub fn values(entries: &[Entry]) -> Vec<f64> {
    let feasible: Vec<usize> = (0..entries.len()).filter(|index| entries[*index].feasible).collect();
    let goals = feasible.first().map_or(0, |index| entries[*index].rewards.len());
    let mut points = vec![vec![0.0; goals]; feasible.len()];
    for goal in 0..goals {
        let reward = |place: usize| entries[feasible[place]].rewards[goal];
        let mut order: Vec<usize> = (0..feasible.len()).collect();
        order.sort_by(|a, b| reward(*a).total_cmp(&reward(*b)));
        let mut rank = 0;
        for position in 0..order.len() {
            if position > 0 && reward(order[position]) > reward(order[position - 1]) {
                rank = position;
            }
            points[order[position]][goal] = (rank + 1) as f64 / order.len() as f64;
        }
    }
    let front = front(&points);
    let mut values: Vec<f64> = entries.iter().map(|entry| -entry.violation).collect();
    let on_front = |place: usize| front.binary_search(&place).is_ok();
    for (place, index) in feasible.iter().enumerate() {
        let point = &points[place];
        values[*index] = if on_front(place) {
            let others: Vec<&[f64]> = front
                .iter()
                .filter(|other| **other != place && points[**other] != *point)
                .map(|other| points[*other].as_slice())
                .collect();
            exclusive_volume(point, &others)
        } else {
            let gap = |other: &usize| {
                points[*other].iter().zip(point).map(|(f, p)| f - p).fold(f64::NEG_INFINITY, f64::max)
            };
            -front.iter().map(gap).fold(f64::INFINITY, f64::min)
        };
    }
    values
}

/// Indices of the points that no other dominates, ascending. Larger is better.
fn front(points: &[Vec<f64>]) -> Vec<usize> {
    let dominates =
        |a: &[f64], b: &[f64]| a.iter().zip(b).all(|(a, b)| a >= b) && a.iter().zip(b).any(|(a, b)| a > b);
    let mut order: Vec<usize> = (0..points.len()).collect();
    let sum = |index: usize| points[index].iter().sum::<f64>();
    order.sort_by(|a, b| sum(*b).total_cmp(&sum(*a)));
    let mut front: Vec<usize> = Vec::new();
    for index in order {
        if !front.iter().any(|other| dominates(&points[*other], &points[index])) {
            front.push(index);
        }
    }
    front.sort_unstable();
    front
}

/// The volume that `point` dominates and none of `others` does, seen from 0: its own box without what the others cover of it (While,
/// Bradstreet and Barone, "A fast way of calculating exact hypervolumes", 2012).
fn exclusive_volume(point: &[f64], others: &[&[f64]]) -> f64 {
    let limited: Vec<Vec<f64>> =
        others.iter().map(|other| other.iter().zip(point).map(|(o, p)| o.min(*p)).collect()).collect();
    let kept: Vec<&[f64]> = front(&limited).into_iter().map(|index| limited[index].as_slice()).collect();
    point.iter().product::<f64>() - volume(&kept)
}

/// The volume that any of the points dominates.
fn volume(points: &[&[f64]]) -> f64 {
    (0..points.len()).map(|index| exclusive_volume(points[index], &points[index + 1..])).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::neural::archive::Row;

    fn entry(rewards: &[f64]) -> Entry {
        let row = Row { choices: [].into(), active: [].into(), log_probabilities: [].into() };
        Entry { row, rewards: rewards.to_vec(), feasible: true, violation: 0.0 }
    }

    #[test]
    fn volumes_of_overlapping_boxes() {
        assert!((volume(&[&[2.0, 1.0], &[1.0, 2.0]]) - 3.0).abs() < 1e-12);
        let three: [&[f64]; 3] = [&[2.0, 1.0, 1.0], &[1.0, 2.0, 1.0], &[1.0, 1.0, 2.0]];
        assert!((volume(&three) - 4.0).abs() < 1e-12);
        assert!((exclusive_volume(&[2.0, 2.0], &[&[3.0, 1.0]]) - 2.0).abs() < 1e-12);
    }

    #[test]
    fn the_front_is_above_the_dominated_and_units_do_not_matter() {
        let plain = [[1.0, 5.0], [3.0, 3.0], [5.0, 1.0], [2.0, 2.0], [1.0, 1.0]];
        let values_of = |scale: f64| values(&plain.map(|[a, b]| entry(&[a * scale, b])));
        let v = values_of(1.0);
        assert_eq!(v, values_of(1e6));
        assert!(v[..3].iter().all(|v| *v > 0.0) && v[3] < 0.0 && v[4] < v[3], "{v:?}");
    }
}
