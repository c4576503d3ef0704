//! The model of one quantity: a metric, or a goal that is made of several.

use hwgym_surrogates::gaussian_process::{Transform, TransformedOutput};
use hwgym_surrogates::transform::FittedTransform;

use super::process::{Kernel, Process};
use crate::Evaluated;

/// What a model is of.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Subject {
    /// The metric at this place.
    Metric(usize),
    /// The goal, to be minimised.
    Goal,
}

impl Subject {
    /// The value of a result that was measured.
    pub fn value(self, result: &Evaluated) -> f64 {
        let value = match self {
            Self::Metric(metric) => result.outcome.metrics().map_or(0.0, |metrics| metrics[metric]),
            Self::Goal => -result.score.reward().unwrap_or(0.0),
        };
        if value.is_nan() { 0.0 } else { value.clamp(-1e100, 1e100) }
    }
}

/// How values become what the processes see.
#[derive(Clone, Copy, Debug)]
enum View {
    /// By what was seen so far.
    Learned(TransformedOutput),
    /// As the trained model that is under it does.
    Trained(FittedTransform),
}

/// Iterations of a fit, from the last kernel.
const ITERATIONS: usize = 8;

/// Largest over smallest value from which on a logarithm is thought of.
const LOG_SPAN: f64 = 3.0;

/// A process, and one of what the full level adds to it where there is a cheaper one.
#[derive(Clone, Debug)]
pub(super) struct Quantity {
    pub subject: Subject,
    view: View,
    kernel: Kernel,
    pub process: Option<Process>,
    /// Of full level less cheap level, and the mean of that.
    pub rise: Option<Process>,
    pub mean_rise: f64,
}

impl Quantity {
    pub fn new(subject: Subject, width: usize, trained: Option<FittedTransform>) -> Self {
        let none = TransformedOutput { transform: Transform::Identity, mean: 0.0, deviation: 1.0 };
        Self {
            subject,
            view: trained.map_or(View::Learned(none), View::Trained),
            kernel: Kernel::expected(width),
            process: None,
            rise: None,
            mean_rise: 0.0,
        }
    }

    /// A value as the processes see it.
    pub fn apply(&self, value: f64) -> f64 {
        let seen = match self.view {
            View::Learned(standard) => standard.apply(value),
            View::Trained(transform) => transform.forward(value),
        };
        if seen.is_nan() { -1e6 } else { seen.clamp(-1e6, 1e6) }
    }

    /// Learns values at points from nothing: kernel, and logarithm or not by evidence, only where `due`. `limits` are to have logarithms too.
    pub fn learn(
        &mut self,
        categorical: &[bool],
        points: &[Vec<f64>],
        values: &[f64],
        limits: &[f64],
        due: bool,
    ) {
        let View::Learned(last) = self.view else { return };
        let positive = values.iter().chain(limits).all(|v| *v > 0.0);
        let (low, high) =
            values.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(*v), h.max(*v)));
        let transforms = if !due && (positive || last.transform == Transform::Identity) {
            vec![last.transform]
        } else if positive && high > LOG_SPAN * low {
            vec![Transform::Identity, Transform::Log { shift: 0.0 }]
        } else {
            vec![Transform::Identity]
        };
        let mut best = f64::INFINITY;
        let first = self.kernel.clone();
        for transform in transforms {
            let standard = TransformedOutput::new(transform, values);
            let outputs: Vec<f64> = values.iter().map(|v| standard.apply(*v)).collect();
            let iterations = if due { ITERATIONS } else { 0 };
            let Some(process) = Process::fit(&first, categorical, points, &outputs, iterations) else {
                continue;
            };
            let score = process.negative_log_posterior - standard.log_jacobian(values);
            if score < best || best == f64::INFINITY {
                best = score;
                self.kernel = process.kernel().clone();
                self.view = View::Learned(standard);
                self.process = Some(process);
            }
        }
    }

    /// Learns what a trained model leaves over: `residuals` in its units.
    pub fn learn_residuals(&mut self, categorical: &[bool], points: &[Vec<f64>], residuals: &[f64]) {
        self.process = Process::residual(categorical, points, residuals);
    }

    /// Learns what the full level adds, from pairs of values at the same points.
    pub fn learn_rise(&mut self, categorical: &[bool], points: &[Vec<f64>], pairs: &[(f64, f64)]) {
        let rises: Vec<f64> = pairs.iter().map(|(low, full)| self.apply(*full) - self.apply(*low)).collect();
        self.mean_rise = rises.iter().sum::<f64>() / rises.len().max(1) as f64;
        let rest: Vec<f64> = rises.iter().map(|rise| rise - self.mean_rise).collect();
        self.rise = if rises.iter().all(|rise| *rise == 0.0) {
            // The cheap level is exact here.
            None
        } else {
            Process::residual(categorical, points, &rest)
        };
    }
}
