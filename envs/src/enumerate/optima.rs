//! From the table of an enumeration to exact optima and Pareto fronts.

use std::cmp::Ordering;

use super::Table;
use crate::known_optima::{KnownObjective, KnownOptima, MetricRange, Optimum};
use crate::{Direction, Env, EnvError, Objective, Outcome, Scorer};

impl KnownOptima {
    /// Distils a complete table of `env`. Errors: an objective that does not fit the metrics.
    pub fn distil(env: &dyn Env, size: u64, table: &Table) -> Result<Self, EnvError> {
        let rows = || (0..table.len()).filter_map(|row| table.row(row));
        let metrics = env.metrics().iter().enumerate().map(|(column, metric)| {
            let low = rows().map(|row| row[column]).fold(f64::INFINITY, f64::min);
            let high = rows().map(|row| row[column]).fold(f64::NEG_INFINITY, f64::max);
            let (best, worst) =
                if metric.direction == Direction::Minimise { (low, high) } else { (high, low) };
            MetricRange { metric: metric.name.clone(), unit: metric.unit.clone(), best, worst }
        });
        let bits = |row: &[f64]| row.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
        let distinct: std::collections::HashSet<_> = rows().map(bits).collect();
        let objectives = env.objectives().into_iter().map(|objective| {
            let scorer = objective.scorer(env.metrics())?;
            Ok(KnownObjective::distil(objective, &scorer, table))
        });
        Ok(Self {
            env: env.id().into(),
            provenance: env.provenance(),
            size,
            evaluated: table.len() as u64,
            unmeasured: table.unmeasured() as u64,
            distinct: distinct.len() as u64,
            metrics: metrics.collect(),
            objectives: objectives.collect::<Result<_, EnvError>>()?,
        })
    }

    /// True if this is the truth about `env`: same id, same provenance, same size.
    pub fn fits(&self, env: &dyn Env) -> bool {
        self.env == env.id()
            && self.provenance == env.provenance()
            && env.space().size() == Some(u128::from(self.size))
    }
}

impl KnownObjective {
    fn distil(objective: Objective, scorer: &Scorer, table: &Table) -> Self {
        let mut points: Vec<Optimum> = Vec::new();
        let mut ranges = vec![(f64::INFINITY, f64::NEG_INFINITY); scorer.goal_count()];
        for (row, index) in table.indices().iter().enumerate() {
            let Some(metrics) = table.row(row) else { continue };
            let score = scorer.score(&Outcome::feasible(metrics));
            if !score.is_feasible() {
                continue;
            }
            for (range, reward) in ranges.iter_mut().zip(&score.rewards) {
                *range = (range.0.min(*reward), range.1.max(*reward));
            }
            points.push(Optimum { index: *index, ties: 1, metrics: metrics.into(), rewards: score.rewards });
        }
        if points.is_empty() {
            ranges.clear();
        }
        Self { objective, reward_ranges: ranges, front: front(points) }
    }
}

/// The points that no other dominates, equal ones merged, by falling rewards.
fn front(mut points: Vec<Optimum>) -> Vec<Optimum> {
    // In falling lexicographic order of rewards a point can only be dominated by an earlier one.
    let order = |a: &Optimum, b: &Optimum| {
        let rewards = a.rewards.iter().zip(&b.rewards).map(|(a, b)| b.total_cmp(a));
        rewards.fold(Ordering::Equal, Ordering::then).then(a.index.cmp(&b.index))
    };
    points.sort_by(order);
    let mut front: Vec<Optimum> = Vec::new();
    for point in points {
        match front.last_mut() {
            Some(last) if last.rewards == point.rewards => last.ties += 1,
            _ => {
                let dominates = |kept: &Optimum| kept.rewards.iter().zip(&point.rewards).all(|(a, b)| a >= b);
                if !front.iter().rev().any(dominates) {
                    front.push(point);
                }
            }
        }
    }
    front
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(index: u64, rewards: &[f64]) -> Optimum {
        Optimum { index, ties: 1, metrics: vec![], rewards: rewards.into() }
    }

    #[test]
    fn fronts_by_hand() {
        let kept = |points: Vec<Optimum>| front(points).iter().map(|p| (p.index, p.ties)).collect::<Vec<_>>();
        assert_eq!(
            kept(vec![point(0, &[1.0]), point(1, &[3.0]), point(2, &[3.0]), point(3, &[2.0])]),
            [(1, 2)]
        );
        let plane = vec![
            point(0, &[1.0, 5.0]),
            point(1, &[2.0, 4.0]),
            point(2, &[2.0, 3.0]),
            point(3, &[0.5, 5.0]),
            point(4, &[2.0, 4.0]),
            point(5, &[3.0, -1.0]),
        ];
        assert_eq!(kept(plane), [(5, 1), (1, 2), (0, 1)]);
        assert_eq!(kept(vec![]), []);
    }

    #[test]
    fn the_front_agrees_with_the_definition_in_three_dimensions() {
        let mut random = crate::Random::new(5);
        let points: Vec<_> =
            (0..300).map(|index| point(index, &[0, 1, 2].map(|_| random.below(8) as f64))).collect();
        let dominated = |a: &Optimum| {
            points
                .iter()
                .any(|b| a.rewards != b.rewards && a.rewards.iter().zip(&b.rewards).all(|(a, b)| b >= a))
        };
        let mut expected: Vec<_> =
            points.iter().filter(|p| !dominated(p)).map(|p| p.rewards.clone()).collect();
        expected.sort_by(|a, b| a.partial_cmp(b).unwrap());
        expected.dedup();
        let mut found: Vec<_> = front(points.clone()).into_iter().map(|p| p.rewards).collect();
        found.sort_by(|a, b| a.partial_cmp(b).unwrap());
        assert_eq!(found, expected);
    }
}
