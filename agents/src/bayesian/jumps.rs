//! What the models cannot tell: how far recorded designs stray from a smooth function.
//!
//! A table may jump between neighbours, and by more in one region than in another. To a Gaussian process that is noise, the same
//! everywhere and normal. Here the outcome of a design is drawn instead from the residuals of those results that the models take to be
//! like it: their predicted goals are near its own. So a quiet region promises little and a rough one no more than roughness has
//! brought. The goals' residuals count as independent. Source of the idea: Nadaraya-Watson weights on the empirical distribution, as in
//! Hall, Wolff and Yao, "Methods for estimating a conditional distribution function", 1999.

use super::outputs::Output;

/// Width of the kernel between predictions, in deviations of a goal's jumps. Chosen with the next constant on the BOOM table: 0.957 of its
/// hypervolume at 200 evaluations, in the median of the seeds it was chosen with and 0.950 of others; with 0.6 and 1 it was 0.944.
const WIDTH: f64 = 0.3;

/// How much farther than `n` like residuals the next may go, times `n`: for even draws from an interval 2 (both ends), for normal ones more.
const SCARCITY: f64 = 3.0;

/// The residuals of all results, goal by goal.
#[derive(Clone, Debug)]
pub(super) struct Jumps {
    goals: Vec<GoalJumps>,
    count: usize,
}

#[derive(Clone, Debug)]
struct GoalJumps {
    /// Predicted mean per result.
    means: Vec<f64>,
    /// Residuals ascending, each with the result it belongs to.
    residuals: Vec<(f64, usize)>,
    /// One over the kernel's width.
    inverse_width: f64,
}

/// The distribution of one goal at one design, as work space.
#[derive(Clone, Debug, Default)]
pub(super) struct Outlook {
    /// Per residual of rising order: all weights, and all weighted residuals, up to it.
    sums: Vec<(f64, f64)>,
    centre: f64,
    mean: f64,
    stretch: f64,
}

impl Jumps {
    /// The residuals of the models of all goals; `None` unless every one of them has jumps.
    pub fn of(outputs: &[Output], points: &[Vec<f64>]) -> Option<Self> {
        let goals: Option<Vec<GoalJumps>> =
            outputs.iter().map(|output| GoalJumps::of(output, points)).collect();
        goals.map(|goals| Self { count: points.len(), goals })
    }

    /// The outlook of each goal for these predictions `(mean, deviation)`. Few alike say little about how far an outcome may stray, so the
    /// residuals are stretched; the models' own doubt about the mean is then in them, and is not added.
    pub fn look(&self, predictions: &[(f64, f64)], weights: &mut Vec<f64>, outlooks: &mut Vec<Outlook>) {
        weights.clear();
        weights.resize(self.count, 0.0);
        for (goal, (mean, _)) in self.goals.iter().zip(predictions) {
            for (weight, other) in weights.iter_mut().zip(&goal.means) {
                *weight += ((mean - other) * goal.inverse_width).powi(2);
            }
        }
        // The nearest result always counts, however far it is.
        let nearest = weights.iter().copied().fold(f64::INFINITY, f64::min);
        let (mut sum, mut squares) = (0.0, 0.0);
        for weight in weights.iter_mut() {
            *weight = (-0.5 * (*weight - nearest)).exp();
            sum += *weight;
            squares += *weight * *weight;
        }
        weights.iter_mut().for_each(|weight| *weight /= sum);
        let scarcity = squares / (sum * sum);
        let stretch = 1.0 + SCARCITY * scarcity;
        outlooks.resize(self.goals.len(), Outlook::default());
        for ((goal, prediction), outlook) in self.goals.iter().zip(predictions).zip(outlooks) {
            outlook.fill(goal, weights, stretch, prediction.0);
        }
    }

    /// `E (a - y)+` for the goal `y` under its outlook.
    pub fn shortfall(&self, goal: usize, outlook: &Outlook, a: f64) -> f64 {
        let residuals = &self.goals[goal].residuals;
        // a - y = stretch (limit - r), with r the residual.
        let limit = outlook.centre + (a - outlook.mean) / outlook.stretch;
        match residuals.partition_point(|(residual, _)| *residual < limit) {
            0 => 0.0,
            below => {
                let (weight, weighted) = outlook.sums[below - 1];
                (outlook.stretch * (limit * weight - weighted)).max(0.0)
            }
        }
    }
}

impl GoalJumps {
    fn of(output: &Output, points: &[Vec<f64>]) -> Option<Self> {
        let deviation = output.jumps().sqrt();
        let outputs = output.model.outputs();
        if deviation <= 0.0 || outputs.len() != points.len() {
            return None;
        }
        let means: Vec<f64> = points.iter().map(|point| output.model.predict(point).0).collect();
        let mut residuals: Vec<(f64, usize)> =
            outputs.iter().zip(&means).map(|(y, mean)| y - mean).zip(0..).collect();
        residuals.sort_by(|a, b| a.0.total_cmp(&b.0));
        Some(Self { means, residuals, inverse_width: 1.0 / (WIDTH * deviation) })
    }
}

impl Outlook {
    fn fill(&mut self, goal: &GoalJumps, weights: &[f64], stretch: f64, mean: f64) {
        self.sums.clear();
        let (mut weight, mut weighted) = (0.0, 0.0);
        for (residual, result) in &goal.residuals {
            weight += weights[*result];
            weighted += weights[*result] * residual;
            self.sums.push((weight, weighted));
        }
        self.centre = weighted;
        self.mean = mean + weighted;
        self.stretch = stretch;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two regions of one goal, a quiet one around 0 and a rough one around 4.
    fn two_regions() -> Jumps {
        let residuals = [0.01, -0.01, 0.0, 0.5, -0.5, 0.4, -0.4];
        let mut sorted: Vec<(f64, usize)> = residuals.into_iter().zip(0..).collect();
        sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
        let means = vec![0.0, 0.0, 0.0, 4.0, 4.0, 4.0, 4.0];
        Jumps { count: 7, goals: vec![GoalJumps { means, residuals: sorted, inverse_width: 1.0 }] }
    }

    fn shortfall(mean: f64, a: f64) -> f64 {
        let (jumps, mut weights, mut outlooks) = (two_regions(), Vec::new(), Vec::new());
        jumps.look(&[(mean, 0.1)], &mut weights, &mut outlooks);
        jumps.shortfall(0, &outlooks[0], a)
    }

    #[test]
    fn a_rough_region_promises_more_than_a_quiet_one() {
        // Half a unit below the mean: out of reach where all is quiet, within reach where results have strayed as far.
        assert!(shortfall(0.0, -0.4) < 1e-3 && shortfall(4.0, 3.6) > 0.1);
    }

    #[test]
    fn far_above_all_outcomes_the_shortfall_is_the_distance_to_the_mean() {
        for mean in [0.0, 4.0, 9.0] {
            assert!((shortfall(mean, mean + 10.0) - 10.0).abs() < 0.01, "{mean}");
            assert_eq!(shortfall(mean, mean - 10.0), 0.0);
        }
    }
}
