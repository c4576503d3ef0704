//! What a point is worth: log expected improvement, log expected hypervolume improvement, or the log expected improvement of the total
//! violation while nothing is feasible; constraints by the log probability that they hold.

use hwgym_surrogates::gaussian_process::Scratch;

use super::boxes::Boxes;
use super::jumps::{Jumps, Outlook};
use super::normal;
use super::outputs::Output;

/// The aim of the next proposal.
#[derive(Clone, Debug)]
pub(super) enum Aim {
    /// Improve on this value of the only goal, in the model's units.
    Improvement(f64),
    /// Enlarge the dominated hypervolume.
    Hypervolume(Boxes),
    /// Improve on this value of `max_k w_k (y_k - ideal_k)`, the goals in the models' units: weights, ideals, value.
    Chebyshev(Vec<f64>, Vec<f64>, f64),
    /// Lower the total violation below this.
    Violation(f64),
}

/// The acquisition function over fitted outputs: goals first, then constraints.
pub(super) struct Acquisition<'a> {
    pub outputs: &'a [Output],
    pub goals: usize,
    pub aim: Aim,
    /// Factor on every deviation.
    pub caution: f64,
    pub limits: Vec<f64>,
    /// How designs stray from the models of the goals, if they do and it matters.
    pub jumps: Option<Jumps>,
}

/// Work space of an evaluation.
#[derive(Default)]
pub(super) struct Work {
    scratch: Scratch,
    predictions: Vec<(f64, f64)>,
    /// d value / d mean and d value / d deviation, per output.
    slopes: Vec<(f64, f64)>,
    factors: Vec<f64>,
    mean_gradients: Vec<f64>,
    deviation_gradients: Vec<f64>,
    table: Vec<f64>,
    weights: Vec<f64>,
    outlooks: Vec<Outlook>,
}

impl Acquisition<'_> {
    fn needed(&self, output: usize) -> bool {
        output >= self.goals || !matches!(self.aim, Aim::Violation(_))
    }

    /// The deviation that counts: the model's, times the caution, and what jumps add.
    fn spread(&self, output: &Output, deviation: f64) -> f64 {
        match output.jumps() {
            0.0 => self.caution * deviation,
            jumps => ((self.caution * deviation).powi(2) + jumps).sqrt(),
        }
    }

    /// The value at a point.
    pub fn value(&self, point: &[f64], work: &mut Work) -> f64 {
        if let (Some(jumps), Aim::Hypervolume(boxes)) = (&self.jumps, &self.aim) {
            return self.value_with_jumps(point, jumps, boxes, work);
        }
        work.predictions.clear();
        for (k, output) in self.outputs.iter().enumerate() {
            let (mean, deviation) = match self.needed(k) {
                true => output.model.predict_with(point, &mut work.scratch),
                false => (0.0, 1.0),
            };
            work.predictions.push((mean, self.spread(output, deviation)));
        }
        let Work { predictions, table, .. } = work;
        self.of_predictions(predictions, None, table)
    }

    /// The hypervolume improvement at a point whose outcome may stray from the models as those of designs like it have.
    fn value_with_jumps(&self, point: &[f64], jumps: &Jumps, boxes: &Boxes, work: &mut Work) -> f64 {
        work.predictions.clear();
        for output in self.outputs {
            let (mean, deviation) = output.model.predict_with(point, &mut work.scratch);
            work.predictions.push((mean, self.caution * deviation));
        }
        let (goals, constraints) = work.predictions.split_at(self.goals);
        jumps.look(goals, &mut work.weights, &mut work.outlooks);
        let outlooks = &work.outlooks;
        let improvement =
            boxes.improvement_under(&mut work.table, |k, a| jumps.shortfall(k, &outlooks[k], a));
        let holds = |((mean, deviation), limit): (&(f64, f64), &f64)| {
            normal::log_cumulative((limit - mean) / deviation)
        };
        (improvement.max(0.0) + 1e-200).ln() + constraints.iter().zip(&self.limits).map(holds).sum::<f64>()
    }

    /// The value and its gradient; the entries of categories are 0.
    pub fn value_and_gradient(&self, point: &[f64], gradient: &mut [f64], work: &mut Work) -> f64 {
        let (width, count) = (point.len(), self.outputs.len());
        work.mean_gradients.resize(width * count, 0.0);
        work.deviation_gradients.resize(width * count, 0.0);
        work.predictions.clear();
        work.factors.clear();
        for (k, output) in self.outputs.iter().enumerate() {
            let range = k * width..(k + 1) * width;
            let (mean, deviation) = match self.needed(k) {
                true => output.model.predict_with_gradient(
                    point,
                    &mut work.mean_gradients[range.clone()],
                    &mut work.deviation_gradients[range],
                    &mut work.scratch,
                ),
                false => (0.0, 1.0),
            };
            let spread = self.spread(output, deviation);
            work.predictions.push((mean, spread));
            // d spread = caution^2 deviation / spread d deviation.
            work.factors.push(self.caution * self.caution * deviation / spread);
        }
        work.slopes.clear();
        work.slopes.resize(count, (0.0, 0.0));
        let Work { predictions, slopes, table, .. } = work;
        let value = self.of_predictions(predictions, Some(slopes), table);
        gradient.fill(0.0);
        for (k, (by_mean, by_deviation)) in slopes.iter().enumerate() {
            if *by_mean == 0.0 && *by_deviation == 0.0 {
                continue;
            }
            for j in 0..width {
                gradient[j] += by_mean * work.mean_gradients[k * width + j]
                    + by_deviation * work.factors[k] * work.deviation_gradients[k * width + j];
            }
        }
        value
    }

    fn of_predictions(
        &self,
        predictions: &[(f64, f64)],
        mut slopes: Option<&mut Vec<(f64, f64)>>,
        table: &mut Vec<f64>,
    ) -> f64 {
        let goals = self.goals;
        if let Aim::Violation(least) = self.aim {
            let constraints = &predictions[goals..];
            let value = expected_violation_improvement(constraints, &self.limits, least);
            if let Some(slopes) = slopes {
                let mut shifted = constraints.to_vec();
                differentiate(&mut shifted, value, &mut slopes[goals..], |p| {
                    expected_violation_improvement(p, &self.limits, least)
                });
            }
            return value;
        }
        let mut value = match &self.aim {
            Aim::Improvement(best) => {
                let (mean, deviation) = predictions[0];
                let z = (best - mean) / deviation;
                if let Some(slopes) = slopes.as_deref_mut() {
                    let slope = normal::log_improvement_slope(z);
                    slopes[0] = (-slope / deviation, (1.0 - slope * z) / deviation);
                }
                deviation.ln() + normal::log_improvement(z)
            }
            Aim::Hypervolume(boxes) => {
                let mut of = |p: &[(f64, f64)]| (boxes.expected_improvement(p, table).max(0.0) + 1e-200).ln();
                let value = of(&predictions[..goals]);
                if let Some(slopes) = slopes.as_deref_mut() {
                    let mut shifted = predictions[..goals].to_vec();
                    differentiate(&mut shifted, value, &mut slopes[..goals], of);
                }
                value
            }
            Aim::Chebyshev(weights, ideals, best) => {
                let of = |p: &[(f64, f64)]| chebyshev(p, weights, ideals, *best);
                let value = of(&predictions[..goals]);
                if let Some(slopes) = slopes.as_deref_mut() {
                    let mut shifted = predictions[..goals].to_vec();
                    differentiate(&mut shifted, value, &mut slopes[..goals], of);
                }
                value
            }
            Aim::Violation(_) => 0.0,
        };
        for (k, ((mean, deviation), limit)) in predictions[goals..].iter().zip(&self.limits).enumerate() {
            let z = (limit - mean) / deviation;
            value += normal::log_cumulative(z);
            if let Some(slopes) = slopes.as_deref_mut() {
                let slope = normal::log_cumulative_slope(z);
                slopes[goals + k] = (-slope / deviation, -slope * z / deviation);
            }
        }
        value
    }
}

/// Forward differences in mean and deviation, steps of 1e-4 deviations.
fn differentiate(
    predictions: &mut [(f64, f64)],
    value: f64,
    slopes: &mut [(f64, f64)],
    mut function: impl FnMut(&[(f64, f64)]) -> f64,
) {
    for k in 0..predictions.len() {
        let (mean, deviation) = predictions[k];
        let step = 1e-4 * deviation;
        predictions[k] = (mean + step, deviation);
        let by_mean = (function(predictions) - value) / step;
        predictions[k] = (mean, deviation + step);
        let by_deviation = (function(predictions) - value) / step;
        predictions[k] = (mean, deviation);
        slopes[k] = (by_mean, by_deviation);
    }
}

/// `ln S + ln h((V - M) / S)`, where the total violation has mean `M` and deviation `S` under independent normal constraints.
pub(super) fn expected_violation_improvement(constraints: &[(f64, f64)], limits: &[f64], least: f64) -> f64 {
    let (mut mean_sum, mut variance_sum) = (0.0, 1e-10);
    for ((mean, deviation), limit) in constraints.iter().zip(limits) {
        let (mu, sd) = (mean - limit, *deviation);
        let z = mu / sd;
        let first = sd * normal::improvement(z);
        let second = (mu * mu + sd * sd) * normal::cumulative(z) + mu * sd * normal::density(z);
        mean_sum += first;
        variance_sum += (second - first * first).max(0.0);
    }
    let deviation = variance_sum.sqrt();
    deviation.ln() + normal::log_improvement((least - mean_sum) / deviation)
}

/// The augmented Chebyshev distance `max_k w_k (y_k - ideal_k) + 0.05 sum_k w_k (y_k - ideal_k)` (Knowles 2006), and the goal that leads.
pub(super) fn scalarise(goals: impl Iterator<Item = f64>, weights: &[f64], ideals: &[f64]) -> (f64, usize) {
    let (mut largest, mut leader, mut sum) = (f64::NEG_INFINITY, 0, 0.0);
    for (k, ((y, weight), ideal)) in goals.zip(weights).zip(ideals).enumerate() {
        let term = weight * (y - ideal);
        sum += term;
        if term > largest {
            (largest, leader) = (term, k);
        }
    }
    (largest + 0.05 * sum, leader)
}

/// Log expected improvement of the Chebyshev distance, taken as normal with the deviation of the goal that leads at the means.
fn chebyshev(goals: &[(f64, f64)], weights: &[f64], ideals: &[f64], best: f64) -> f64 {
    let (mean, leader) = scalarise(goals.iter().map(|g| g.0), weights, ideals);
    let deviation = weights[leader] * goals[leader].1 + 1e-9;
    deviation.ln() + normal::log_improvement((best - mean) / deviation)
}
