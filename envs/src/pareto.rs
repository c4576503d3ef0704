//! Pareto fronts and exact hypervolumes. Everything is a reward here: higher is better.

/// Indices of the points that no other dominates, in order; of equal points the first. All points have the same length.
pub fn front(points: &[Vec<f64>]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..points.len()).collect();
    // A dominating point comes first in this order, so that one pass over the front so far is enough.
    order.sort_by(|a, b| {
        let (a, b) = (&points[*a], &points[*b]);
        b.iter().zip(a).map(|(b, a)| b.total_cmp(a)).find(|o| o.is_ne()).unwrap_or(std::cmp::Ordering::Equal)
    });
    let mut front: Vec<usize> = Vec::new();
    for index in order {
        let covered = front.iter().any(|f| points[*f].iter().zip(&points[index]).all(|(a, b)| a >= b));
        if !covered {
            front.push(index);
        }
    }
    front.sort_unstable();
    front
}

/// The volume between the reference point and the points' front: exact, by slicing along the last coordinate
/// (Zitzler's HSO). Points that do not exceed the reference in every coordinate count nothing.
///
/// ```
/// let points = [vec![1.0, 3.0], vec![3.0, 1.0], vec![1.0, 1.0]];
/// assert_eq!(hwgym_envs::pareto::hypervolume(&points, &[0.0, 0.0]), 5.0);
/// ```
pub fn hypervolume(points: &[Vec<f64>], reference: &[f64]) -> f64 {
    let gains: Vec<Vec<f64>> = points
        .iter()
        .map(|p| p.iter().zip(reference).map(|(p, r)| p - r).collect::<Vec<f64>>())
        .filter(|gain| gain.len() == reference.len() && gain.iter().all(|g| *g > 0.0))
        .collect();
    volume(gains.iter().map(Vec::as_slice).collect(), reference.len())
}

/// Volume of the union of the boxes from the origin to each point, in the first `goals` coordinates.
fn volume(mut points: Vec<&[f64]>, goals: usize) -> f64 {
    match goals {
        0 => 0.0,
        1 => points.iter().map(|p| p[0]).fold(0.0, f64::max),
        2 => {
            points.sort_by(|a, b| b[0].total_cmp(&a[0]));
            let (mut area, mut height) = (0.0, 0.0);
            for p in points {
                if p[1] > height {
                    area += p[0] * (p[1] - height);
                    height = p[1];
                }
            }
            area
        }
        _ => {
            let axis = goals - 1;
            points.sort_by(|a, b| b[axis].total_cmp(&a[axis]));
            let mut sum = 0.0;
            let mut slice: Vec<&[f64]> = Vec::new();
            for (index, point) in points.iter().enumerate() {
                let covers = |a: &[f64], b: &[f64]| a[..axis].iter().zip(&b[..axis]).all(|(a, b)| a >= b);
                if !slice.iter().any(|other| covers(other, point)) {
                    slice.retain(|other| !covers(point, other));
                    slice.push(point);
                }
                let below = points.get(index + 1).map_or(0.0, |next| next[axis]);
                let thickness = point[axis] - below;
                if thickness > 0.0 {
                    sum += thickness * volume(slice.clone(), axis);
                }
            }
            sum
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Random;

    #[test]
    fn fronts_leave_out_what_is_dominated_or_repeated() {
        let points = [vec![1.0, 2.0], vec![2.0, 1.0], vec![1.0, 1.0], vec![2.0, 1.0]];
        assert_eq!(front(&points), [0, 1]);
    }

    #[test]
    fn volumes_agree_with_inclusion_and_exclusion() {
        let mut random = Random::new(2);
        for goals in [3, 4] {
            let points: Vec<Vec<f64>> =
                (0..3).map(|_| (0..goals).map(|_| random.between(0.1, 1.0)).collect()).collect();
            let boxed = |set: &[usize]| -> f64 {
                (0..goals).map(|k| set.iter().map(|i| points[*i][k]).fold(f64::INFINITY, f64::min)).product()
            };
            let expected =
                boxed(&[0]) + boxed(&[1]) + boxed(&[2]) - boxed(&[0, 1]) - boxed(&[0, 2]) - boxed(&[1, 2])
                    + boxed(&[0, 1, 2]);
            assert!((hypervolume(&points, &vec![0.0; goals]) - expected).abs() < 1e-12);
        }
    }
}
