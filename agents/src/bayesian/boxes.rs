//! The region that no point of a front dominates, cut into boxes, and the exact expected hypervolume improvement over them.
//!
//! Everything is minimised. The cut goes slab by slab along the last objective: inside a slab only the points with a smaller last value
//! matter, which is the same problem with one objective less.

use super::normal::improvement;

/// Boxes below a reference point, as pairs of indices into sorted coordinates per objective.
#[derive(Clone, Debug)]
pub(super) struct Boxes {
    /// Per objective: the coordinates of the front and the reference, ascending, with minus infinity first.
    coordinates: Vec<Vec<f64>>,
    /// Flat: per box and objective the index of its lower and upper coordinate.
    corners: Vec<(u32, u32)>,
}

impl Boxes {
    /// The boxes for this front and reference point, both to be minimised; `None` past `limit` boxes.
    pub fn new(front: &[Vec<f64>], reference: &[f64], limit: usize) -> Option<Self> {
        let goals = reference.len();
        let inside: Vec<&Vec<f64>> =
            front.iter().filter(|p| p.iter().zip(reference).all(|(p, r)| p < r)).collect();
        let coordinates: Vec<Vec<f64>> = (0..goals)
            .map(|k| {
                let mut all: Vec<f64> = inside.iter().map(|p| p[k]).collect();
                all.extend([f64::NEG_INFINITY, reference[k]]);
                all.sort_by(f64::total_cmp);
                all.dedup();
                all
            })
            .collect();
        let indexed: Vec<Vec<u32>> = inside
            .iter()
            .map(|p| (0..goals).map(|k| coordinates[k].partition_point(|c| *c < p[k]) as u32).collect())
            .collect();
        let mut corners = Vec::new();
        let last: Vec<u32> = coordinates.iter().map(|c| c.len() as u32 - 1).collect();
        let points: Vec<&[u32]> = indexed.iter().map(Vec::as_slice).collect();
        let mut prefix = Vec::new();
        cut(&points, &last, goals, &mut prefix, &mut corners, limit * goals)
            .then_some(Self { coordinates, corners })
    }

    /// The expected improvement of the hypervolume for independent normal predictions `(mean, deviation)`, one per objective.
    pub fn expected_improvement(&self, predictions: &[(f64, f64)], table: &mut Vec<f64>) -> f64 {
        self.improvement_under(table, |k, a| {
            let (mean, deviation) = predictions[k];
            deviation * improvement((a - mean) / deviation)
        })
    }

    /// The same for any independent predictions, given as `E (a - y_k)+` of objective `k` and coordinate `a`.
    pub fn improvement_under(&self, table: &mut Vec<f64>, shortfall: impl Fn(usize, f64) -> f64) -> f64 {
        let goals = self.coordinates.len();
        table.clear();
        let mut offsets = [0usize; 8];
        for (k, coordinates) in self.coordinates.iter().enumerate() {
            offsets[k] = table.len();
            table.extend(coordinates.iter().map(|a| if a.is_finite() { shortfall(k, *a) } else { 0.0 }));
        }
        let mut sum = 0.0;
        for corners in self.corners.chunks_exact(goals) {
            let mut volume = 1.0;
            for (k, (low, high)) in corners.iter().enumerate() {
                volume *= table[offsets[k] + *high as usize] - table[offsets[k] + *low as usize];
            }
            sum += volume;
        }
        sum
    }
}

/// Cuts along objective `goal - 1`; `prefix` holds the corners along the later ones. False past the limit.
fn cut(
    points: &[&[u32]],
    last: &[u32],
    goal: usize,
    prefix: &mut Vec<(u32, u32)>,
    corners: &mut Vec<(u32, u32)>,
    limit: usize,
) -> bool {
    let axis = goal - 1;
    if axis == 0 {
        let high = points.iter().map(|p| p[0]).min().unwrap_or(last[0]);
        if high > 0 {
            corners.push((0, high));
            corners.extend(prefix.iter().rev());
        }
        return corners.len() <= limit;
    }
    let mut levels: Vec<u32> = points.iter().map(|p| p[axis]).collect();
    levels.extend([0, last[axis]]);
    levels.sort_unstable();
    levels.dedup();
    for slab in levels.windows(2) {
        let below: Vec<&[u32]> = points.iter().copied().filter(|p| p[axis] <= slab[0]).collect();
        prefix.push((slab[0], slab[1]));
        let fits = cut(&below, last, axis, prefix, corners, limit);
        prefix.pop();
        if !fits {
            return false;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use hwgym_envs::Random;

    /// With tiny deviations the expectation is the improvement itself.
    #[test]
    fn a_certain_prediction_gives_the_plain_improvement() {
        let front = vec![vec![1.0, 3.0], vec![2.0, 2.0], vec![3.0, 1.0]];
        let boxes = Boxes::new(&front, &[4.0, 4.0], 1000)
            .map(|b| b.expected_improvement(&[(1.5, 1e-9), (1.5, 1e-9)], &mut Vec::new()));
        // Between (1,3) and (3,1), removing (2,2): [1.5,3]x[1.5,3] minus what (2,2) covers [2,3]x[2,3].
        assert!(boxes.is_some_and(|v| (v - (1.5 * 1.5 - 1.0)).abs() < 1e-6), "{boxes:?}");
    }

    #[test]
    fn boxes_agree_with_monte_carlo_in_three_and_four_dimensions() {
        for goals in [3, 4] {
            let mut random = Random::new(5);
            let front: Vec<Vec<f64>> =
                (0..7).map(|_| (0..goals).map(|_| random.between(0.2, 1.0)).collect()).collect();
            let reference = vec![1.1; goals];
            let prediction: Vec<(f64, f64)> = (0..goals).map(|k| (0.5 + 0.05 * k as f64, 0.15)).collect();
            let Some(boxes) = Boxes::new(&front, &reference, 100_000) else {
                unreachable!("few points make few boxes");
            };
            let exact = boxes.expected_improvement(&prediction, &mut Vec::new());
            // The volume of [y, r] outside the dominated region, by drawing y and a uniform point of [y, r].
            let draws = 200_000;
            let mut sum = 0.0;
            for _ in 0..draws {
                let y: Vec<f64> = prediction.iter().map(|(m, s)| m + s * random.normal()).collect();
                let volume: f64 = y.iter().zip(&reference).map(|(y, r)| (r - y).max(0.0)).product();
                let at: Vec<f64> =
                    y.iter().zip(&reference).map(|(y, r)| y + (r - y) * random.uniform()).collect();
                let dominated = front.iter().any(|p| p.iter().zip(&at).all(|(p, a)| p <= a));
                sum += if dominated { 0.0 } else { volume };
            }
            let estimate = sum / f64::from(draws);
            assert!((exact / estimate - 1.0).abs() < 0.02, "{goals}: {exact} {estimate}");
        }
    }
}
