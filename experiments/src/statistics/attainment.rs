//! Empirical attainment: which share of several runs reaches a point of the plane of two goals.
//!
//! V. Grunert da Fonseca, C. Fonseca, A. Hall, "Inferential performance assessment of stochastic optimisers and the attainment function", EMO
//! 2001. Goals are rewards: higher is better.

/// The share of runs with a point at least as good as this one in every goal.
pub fn attained_share<P: AsRef<[f64]>>(point: &[f64], runs: &[Vec<P>]) -> f64 {
    let covers = |other: &P| other.as_ref().iter().zip(point).all(|(o, p)| o >= p);
    runs.iter().filter(|run| run.iter().any(covers)).count() as f64 / runs.len().max(1) as f64
}

/// The best points of two goals that at least this share of the runs attain, by falling first goal; empty if there are none. With a share of
/// one half it is the median front.
pub fn attainment_surface(runs: &[Vec<[f64; 2]>], share: f64) -> Vec<[f64; 2]> {
    let needed = ((share * runs.len() as f64 - 1e-9).ceil() as usize).clamp(1, runs.len().max(1));
    let mut firsts: Vec<f64> = runs.iter().flatten().map(|point| point[0]).collect();
    firsts.sort_by(|a, b| b.total_cmp(a));
    firsts.dedup();
    let mut order: Vec<(f64, f64, usize)> = runs
        .iter()
        .enumerate()
        .flat_map(|(run, points)| points.iter().map(move |p| (p[0], p[1], run)))
        .collect();
    order.sort_by(|a, b| b.0.total_cmp(&a.0));
    let mut best = vec![f64::NEG_INFINITY; runs.len()];
    let mut next = 0;
    let mut surface: Vec<[f64; 2]> = Vec::new();
    for first in firsts {
        while next < order.len() && order[next].0 >= first {
            let (_, second, run) = order[next];
            best[run] = best[run].max(second);
            next += 1;
        }
        let mut seconds = best.clone();
        seconds.sort_by(|a, b| b.total_cmp(a));
        let second = seconds[needed - 1];
        if second > surface.last().map_or(f64::NEG_INFINITY, |point| point[1]) {
            surface.push([first, second]);
        }
    }
    surface
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn surfaces_of_three_runs() {
        let runs = [vec![[3.0, 1.0], [1.0, 3.0]], vec![[2.0, 2.0]], vec![[3.0, 2.0]]];
        assert_eq!(attainment_surface(&runs, 1.0 / 3.0), [[3.0, 2.0], [1.0, 3.0]]);
        assert_eq!(attainment_surface(&runs, 0.5), [[3.0, 1.0], [2.0, 2.0]]);
        assert_eq!(attainment_surface(&runs, 1.0), [[2.0, 1.0], [1.0, 2.0]]);
        assert!(attainment_surface(&[], 0.5).is_empty());
    }

    proptest! {
        #[test]
        fn a_point_is_attained_exactly_under_the_surface(
            runs in prop::collection::vec(prop::collection::vec(prop::array::uniform2(0u8..7), 0..6), 1..6),
            share in 0.05f64..1.0,
            at in prop::array::uniform2(0u8..7),
        ) {
            let runs: Vec<Vec<[f64; 2]>> =
                runs.iter().map(|run| run.iter().map(|p| p.map(f64::from)).collect()).collect();
            let at = at.map(f64::from);
            let surface = attainment_surface(&runs, share);
            let under = surface.iter().any(|p| p[0] >= at[0] && p[1] >= at[1]);
            prop_assert_eq!(under, attained_share(&at, &runs) >= share - 1e-9);
        }
    }
}
