//! How good a surrogate is, on data that it did not see.

use std::time::Instant;

use serde::Serialize;

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
    /// Kendall's tau-b: how well the order is kept; 1 is perfect. `None` where either side is constant.
    pub kendall_tau: Option<f64>,
    /// Share of true values within two predicted standard deviations.
    pub within_two_sd: f64,
    /// CPU time of one prediction in a batch, in microseconds, all metrics together.
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
        let metrics = data.origin.metrics.iter().enumerate().map(|(index, metric)| {
            let truth = data.targets(index);
            let predicted: Vec<f64> = predictions.iter().map(|p| p.mean[index]).collect();
            let sd: Vec<f64> = predictions.iter().map(|p| p.sd[index]).collect();
            let accuracy = Self::of(&metric.name, &truth, &predicted, &sd, predict_us);
            (
                accuracy,
                Parity { metric: metric.name.clone(), unit: metric.unit.clone(), truth, predicted, sd },
            )
        });
        Ok(metrics.collect())
    }

    fn of(metric: &str, truth: &[f64], predicted: &[f64], sd: &[f64], predict_us: f64) -> Self {
        let n = truth.len() as f64;
        let mean = truth.iter().sum::<f64>() / n;
        let squares: f64 = truth.iter().zip(predicted).map(|(t, p)| (t - p).powi(2)).sum();
        let spread: f64 = truth.iter().map(|t| (t - mean).powi(2)).sum();
        let rmse = (squares / n).sqrt();
        let within =
            truth.iter().zip(predicted).zip(sd).filter(|((t, p), sd)| (*t - *p).abs() <= 2.0 * **sd).count();
        Self {
            metric: metric.into(),
            rmse,
            rmse_percent_of_mean: 100.0 * rmse / mean.abs(),
            r2: (spread > 0.0).then(|| 1.0 - squares / spread),
            kendall_tau: kendall_tau(truth, predicted),
            within_two_sd: within as f64 / n,
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
