//! Exact hypervolume by exclusive volumes (the WFG algorithm: While, Bradstreet, Barone, IEEE TEC 16(1), 2012), with a sweep for two goals.

use super::front;

/// The volume between a reference point and the points that are better than it in every goal. Rewards: higher is better.
///
/// ```
/// use hwgym_experiments::pareto::hypervolume;
/// assert_eq!(hypervolume(&[vec![2.0, 1.0], vec![1.0, 2.0]], &[0.0, 0.0]), 3.0);
/// ```
pub fn hypervolume<P: AsRef<[f64]>>(points: &[P], reference: &[f64]) -> f64 {
    let inside: Vec<Vec<f64>> = points
        .iter()
        .map(|point| point.as_ref().iter().zip(reference).map(|(p, r)| p - r).collect())
        .filter(|point: &Vec<f64>| point.iter().all(|p| *p > 0.0))
        .collect();
    volume(&non_dominated(inside))
}

fn non_dominated(points: Vec<Vec<f64>>) -> Vec<Vec<f64>> {
    front(&points).into_iter().map(|index| points[index].clone()).collect()
}

/// Volume of a front above the origin, sorted by falling first goal.
fn volume(front: &[Vec<f64>]) -> f64 {
    let Some(first) = front.first() else { return 0.0 };
    match first.len() {
        1 => first[0],
        2 => {
            let mut below = 0.0;
            let strip = |point: &Vec<f64>| {
                let area = point[0] * (point[1] - below);
                below = point[1];
                area
            };
            front.iter().map(strip).sum()
        }
        _ => (0..front.len()).map(|index| exclusive(&front[index], &front[index + 1..])).sum(),
    }
}

/// Volume that `point` adds to what `others` cover, all above the origin.
fn exclusive(point: &[f64], others: &[Vec<f64>]) -> f64 {
    let limited: Vec<Vec<f64>> =
        others.iter().map(|other| other.iter().zip(point).map(|(o, p)| o.min(*p)).collect()).collect();
    point.iter().product::<f64>() - volume(&non_dominated(limited))
}

/// A front that grows point by point and knows its hypervolume after each.
pub struct Archive {
    reference: Vec<f64>,
    points: Vec<Vec<f64>>,
    volume: f64,
}

impl Archive {
    /// An empty archive above this reference point.
    pub fn new(reference: &[f64]) -> Self {
        Self { reference: reference.to_vec(), points: Vec::new(), volume: 0.0 }
    }

    /// Adds a point; returns the hypervolume with it.
    pub fn add(&mut self, point: &[f64]) -> f64 {
        let point: Vec<f64> = point.iter().zip(&self.reference).map(|(p, r)| p - r).collect();
        let beaten = |other: &Vec<f64>| other.iter().zip(&point).all(|(o, p)| o >= p);
        if point.iter().all(|p| *p > 0.0) && !self.points.iter().any(beaten) {
            self.volume += exclusive(&point, &self.points);
            self.points.retain(|other| !other.iter().zip(&point).all(|(o, p)| o <= p));
            self.points.push(point);
        }
        self.volume
    }

    /// The hypervolume.
    pub fn volume(&self) -> f64 {
        self.volume
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Counts the unit cells of a grid that some point covers.
    fn counted(points: &[Vec<f64>], goals: usize) -> f64 {
        let cells = 6usize.pow(goals as u32);
        let covered = |cell: usize| {
            let corner: Vec<f64> =
                (0..goals).map(|g| (cell / 6usize.pow(g as u32) % 6) as f64 + 1.0).collect();
            points.iter().any(|point| point.iter().zip(&corner).all(|(p, c)| p >= c))
        };
        (0..cells).filter(|cell| covered(*cell)).count() as f64
    }

    proptest! {
        #[test]
        fn volume_is_the_number_of_covered_cells(
            goals in 1usize..=4,
            points in prop::collection::vec(prop::array::uniform4(0u8..=6), 0..12)
        ) {
            let points: Vec<Vec<f64>> =
                points.iter().map(|p| p[..goals].iter().map(|c| f64::from(*c)).collect()).collect();
            let expected = counted(&points, goals);
            prop_assert!((hypervolume(&points, &vec![0.0; goals]) - expected).abs() < 1e-9);
            let mut archive = Archive::new(&vec![0.0; goals]);
            points.iter().for_each(|point| { archive.add(point); });
            prop_assert!((archive.volume() - expected).abs() < 1e-9);
        }
    }
}
