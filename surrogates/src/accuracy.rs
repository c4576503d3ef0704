//! How good a surrogate is, on data that it did not see.

use std::time::Instant;

use hwgym_envs::Design;
use serde::Serialize;

use crate::model::HeldOut;
use crate::transform::FittedTransform;
use crate::{Dataset, SurrogateError, SurrogateModel};

/// Accuracy on one metric.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Accuracy {
    /// The metric.
    pub metric: String,
    /// Root mean square error, in the metric's unit.
    pub rmse: f64,
    /// The same in per cent of the mean of the true values.
    pub rmse_percent_of_mean: f64,
    /// Coefficient of determination; 1 is perfect, 0 is the mean. `None` for constant true values.
    pub r2: Option<f64>,
    /// The same in the unit that the model sees: of logarithms, where the metric spans ratios.
    pub r2_transformed: Option<f64>,
    /// Kendall's tau-b: how well the order is kept; 1 is perfect. `None` where either side is constant.
    pub kendall_tau: Option<f64>,
    /// Share of true values within two predicted standard deviations.
    pub within_two_sd: f64,
    /// Wall time of one prediction in a batch, on all threads, in microseconds, all metrics together.
    pub predict_us: f64,
}

/// True and predicted values of one metric, for a parity plot.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Parity {
    /// The metric.
    pub metric: String,
    /// Its unit.
    pub unit: String,
    /// True values.
    pub truth: Vec<f64>,
    /// Predicted means.
    pub predicted: Vec<f64>,
    /// Predicted standard deviations.
    pub sd: Vec<f64>,
}

impl Accuracy {
    /// Accuracy and parity of a model on a data set. Errors: no rows, or data of another space.
    pub fn measure(model: &SurrogateModel, data: &Dataset) -> Result<Vec<(Self, Parity)>, SurrogateError> {
        let origin = &model.header().origin;
        if data.origin.space != origin.space || data.origin.metrics != origin.metrics {
            return Err(SurrogateError::Training(format!(
                "the data is of `{}` ({}), but the model was trained on another space or other metrics of `{}` ({})",
                data.origin.environment, data.origin.options, origin.environment, origin.options
            )));
        }
        if data.is_empty() {
            return Err(SurrogateError::Training("no rows to measure accuracy on".into()));
        }
        let start = Instant::now();
        let predictions = model.predict(&data.designs);
        let predict_us = start.elapsed().as_secs_f64() * 1e6 / data.len() as f64;
        let weights = vec![1.0; data.len()];
        let transforms = &model.header().transforms;
        let metrics = data.origin.metrics.iter().enumerate().map(|(index, metric)| {
            let truth = data.targets(index);
            let predicted: Vec<f64> = predictions.iter().map(|p| p.mean[index]).collect();
            let sd: Vec<f64> = predictions.iter().map(|p| p.sd[index]).collect();
            let accuracy =
                Self::of(&metric.name, &truth, &predicted, &sd, &weights, predict_us, &transforms[index]);
            (
                accuracy,
                Parity { metric: metric.name.clone(), unit: metric.unit.clone(), truth, predicted, sd },
            )
        });
        Ok(metrics.collect())
    }

    /// Accuracy and parity of rows that were held out. `predict_us` is not known, and 0.
    pub fn held_out(held_out: &HeldOut, model: &SurrogateModel) -> Vec<(Self, Parity)> {
        let (metrics, transforms) = (&model.header().origin.metrics, &model.header().transforms);
        let weights = vec![1.0; held_out.truth.len()];
        let measured = metrics.iter().enumerate().map(|(index, metric)| {
            let truth: Vec<f64> = held_out.truth.iter().map(|row| row[index]).collect();
            let predicted: Vec<f64> = held_out.predictions.iter().map(|p| p.mean[index]).collect();
            let sd: Vec<f64> = held_out.predictions.iter().map(|p| p.sd[index]).collect();
            let accuracy = Self::of(&metric.name, &truth, &predicted, &sd, &weights, 0.0, &transforms[index]);
            (
                accuracy,
                Parity { metric: metric.name.clone(), unit: metric.unit.clone(), truth, predicted, sd },
            )
        });
        measured.collect()
    }

    /// The same over a whole space: representatives of classes with their true metrics, and how many designs each stands for. Order is
    /// measured on at most 2,000 of them, evenly taken.
    pub fn of_whole_space(
        model: &SurrogateModel,
        designs: &[Design],
        truths: &[&[f64]],
        weights: &[f64],
    ) -> Vec<(Self, Parity)> {
        let start = Instant::now();
        let predictions = model.predict(designs);
        let predict_us = start.elapsed().as_secs_f64() * 1e6 / designs.len().max(1) as f64;
        let transforms = &model.header().transforms;
        let metrics = model.header().origin.metrics.iter().enumerate().map(|(index, metric)| {
            let truth: Vec<f64> = truths.iter().map(|row| row[index]).collect();
            let predicted: Vec<f64> = predictions.iter().map(|p| p.mean[index]).collect();
            let sd: Vec<f64> = predictions.iter().map(|p| p.sd[index]).collect();
            let accuracy =
                Self::of(&metric.name, &truth, &predicted, &sd, weights, predict_us, &transforms[index]);
            (
                accuracy,
                Parity { metric: metric.name.clone(), unit: metric.unit.clone(), truth, predicted, sd },
            )
        });
        metrics.collect()
    }

    #[allow(clippy::too_many_arguments)]
    fn of(
        metric: &str,
        truth: &[f64],
        predicted: &[f64],
        sd: &[f64],
        weights: &[f64],
        predict_us: f64,
        transform: &FittedTransform,
    ) -> Self {
        let n: f64 = weights.iter().sum();
        let sum = |of: &dyn Fn(usize) -> f64| (0..truth.len()).map(|i| weights[i] * of(i)).sum::<f64>();
        let mean = sum(&|i| truth[i]) / n;
        let squares = sum(&|i| (truth[i] - predicted[i]).powi(2));
        let spread = sum(&|i| (truth[i] - mean).powi(2));
        let rmse = (squares / n).sqrt();
        let within = sum(&|i| f64::from(u8::from((truth[i] - predicted[i]).abs() <= 2.0 * sd[i])));
        let every = truth.len().div_ceil(2000).max(1);
        let thin = |values: &[f64]| values.iter().step_by(every).copied().collect::<Vec<_>>();
        Self {
            metric: metric.into(),
            rmse,
            rmse_percent_of_mean: 100.0 * rmse / mean.abs(),
            r2: (spread > 0.0).then(|| 1.0 - squares / spread),
            r2_transformed: {
                let seen = |i: usize| transform.forward(truth[i]);
                let mean = sum(&seen) / n;
                let spread = sum(&|i| (seen(i) - mean).powi(2));
                let squares = sum(&|i| (seen(i) - transform.forward(predicted[i])).powi(2));
                (spread > 0.0).then(|| 1.0 - squares / spread).filter(|r2| r2.is_finite())
            },
            kendall_tau: kendall_tau(&thin(truth), &thin(predicted)),
            within_two_sd: within / n,
            predict_us,
        }
    }
}

/// Kendall's tau-b of two rankings, over all pairs; `None` if either is constant.
pub fn kendall_tau(a: &[f64], b: &[f64]) -> Option<f64> {
    let (mut agreement, mut untied_a, mut untied_b) = (0i64, 0i64, 0i64);
    for i in 0..a.len() {
        for j in 0..i {
            let (x, y) = (a[i].total_cmp(&a[j]) as i64, b[i].total_cmp(&b[j]) as i64);
            agreement += x * y;
            untied_a += x * x;
            untied_b += y * y;
        }
    }
    (untied_a > 0 && untied_b > 0).then(|| agreement as f64 / (untied_a as f64 * untied_b as f64).sqrt())
}
