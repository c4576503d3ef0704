//! Pareto fronts and exact hypervolumes, for any number of goals; every goal is a reward: higher is better.

mod hypervolume;

pub use hypervolume::{Archive, hypervolume};

/// True if `a` is at least as good as `b` in every goal and better in one.
pub fn dominates(a: &[f64], b: &[f64]) -> bool {
    a.iter().zip(b).all(|(a, b)| a >= b) && a.iter().zip(b).any(|(a, b)| a > b)
}

/// Indices of the points that no other dominates, by falling first goal; of equal points the first.
pub fn front<P: AsRef<[f64]>>(points: &[P]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..points.len()).collect();
    let compare = |a: &[f64], b: &[f64]| {
        a.iter().zip(b).map(|(a, b)| b.total_cmp(a)).find(|o| o.is_ne()).unwrap_or(std::cmp::Ordering::Equal)
    };
    // In this order a point can only be dominated by an earlier one.
    order.sort_by(|a, b| compare(points[*a].as_ref(), points[*b].as_ref()).then(a.cmp(b)));
    let mut front: Vec<usize> = Vec::new();
    for candidate in order {
        let point = points[candidate].as_ref();
        let beaten = |f: &usize| points[*f].as_ref().iter().zip(point).all(|(f, p)| f >= p);
        if !front.iter().rev().any(beaten) {
            front.push(candidate);
        }
    }
    front
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_front_has_no_dominated_point_and_no_twin() {
        let points = [[1.0, 1.0], [2.0, 0.0], [0.0, 2.0], [1.0, 1.0], [0.5, 0.5], [2.0, -1.0]];
        assert_eq!(front(&points), [1, 0, 2]);
        assert!(front::<[f64; 2]>(&[]).is_empty());
    }

    proptest! {
        #[test]
        fn every_point_is_on_the_front_or_beaten_by_it(
            points in prop::collection::vec(prop::array::uniform3(0u8..6), 1..40)
        ) {
            let points: Vec<[f64; 3]> = points.iter().map(|p| p.map(f64::from)).collect();
            let front = front(&points);
            for (index, point) in points.iter().enumerate() {
                let beaten = front.iter().any(|f| dominates(&points[*f], point) || points[*f] == *point);
                prop_assert!(beaten);
                prop_assert!(!front.contains(&index) || points.iter().all(|other| !dominates(other, point)));
            }
        }
    }
}
