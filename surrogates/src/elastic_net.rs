//! `elastic-net`: linear regression with L1 and L2 penalties on features and their squares and products (linfa).
//!
//! Source: Zou and Hastie, "Regularization and variable selection via the elastic net", 2005.

use linfa::prelude::{Fit, Predict};
use linfa_elasticnet::ElasticNet as Linfa;
use ndarray::{Array1, Array2};
use serde::{Deserialize, Serialize};

use crate::model::{check_deviation, check_finite};
use crate::{Estimate, Features, Fitted, Surrogate, SurrogateEntry, SurrogateError};

/// Hyperparameters of `elastic-net`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ElasticNet {
    /// Overall weight of the penalties, on standardised targets.
    pub penalty: f64,
    /// Share of the L1 penalty; the rest is L2.
    pub l1_ratio: f64,
    /// Add squares and pairwise products of the features.
    pub interactions: bool,
}

impl Default for ElasticNet {
    fn default() -> Self {
        Self { penalty: 1e-3, l1_ratio: 0.5, interactions: true }
    }
}

#[derive(Serialize, Deserialize)]
struct Trained {
    interactions: bool,
    /// Mean of each expanded feature, in training.
    centre: Vec<f64>,
    weights: Vec<f64>,
    intercept: f64,
    residual_sd: f64,
}

impl Surrogate for ElasticNet {
    fn fit(
        &self,
        features: &Features,
        targets: &[f64],
        _seed: u64,
    ) -> Result<Box<dyn Fitted>, SurrogateError> {
        let expanded = expand(features, self.interactions);
        let (rows, width) = (features.rows(), expanded.len() / features.rows().max(1));
        let mut matrix = Array2::from_shape_vec((rows, width), expanded).map_err(|error| {
            SurrogateError::Training(format!("the features have no rectangular shape: {error}"))
        })?;
        let centre: Vec<f64> =
            matrix.columns().into_iter().map(|column| column.sum() / rows as f64).collect();
        for mut row in matrix.rows_mut() {
            row.iter_mut().zip(&centre).for_each(|(value, mean)| *value -= mean);
        }
        let data = linfa::Dataset::new(matrix, Array1::from(targets.to_vec()));
        let model = Linfa::params()
            .penalty(self.penalty)
            .l1_ratio(self.l1_ratio)
            .max_iterations(2000)
            .tolerance(1e-5)
            .fit(&data)
            .map_err(|error| SurrogateError::Training(format!("the elastic net does not fit: {error}")))?;
        let fitted = model.predict(&data);
        let squares: f64 = fitted.iter().zip(targets).map(|(f, t)| (f - t).powi(2)).sum();
        Ok(Box::new(Trained {
            interactions: self.interactions,
            centre,
            weights: model.hyperplane().to_vec(),
            intercept: model.intercept(),
            residual_sd: (squares / rows as f64).sqrt(),
        }))
    }
}

/// The features, then their squares and pairwise products.
fn expand(features: &Features, interactions: bool) -> Vec<f64> {
    let mut expanded = Vec::new();
    for index in 0..features.rows() {
        let row = features.row(index);
        expanded.extend_from_slice(row);
        if interactions {
            for (first, a) in row.iter().enumerate() {
                expanded.extend(row[first..].iter().map(|b| a * b));
            }
        }
    }
    expanded
}

impl Fitted for Trained {
    fn predict(&self, features: &Features) -> Vec<Estimate> {
        let expanded = expand(features, self.interactions);
        let terms = |row: &[f64]| {
            row.iter()
                .zip(&self.centre)
                .zip(&self.weights)
                .map(|((value, mean), weight)| (value - mean) * weight)
                .sum::<f64>()
        };
        expanded
            .chunks_exact(self.weights.len().max(1))
            .map(|row| Estimate { mean: self.intercept + terms(row), sd: self.residual_sd })
            .collect()
    }

    fn save(&self) -> Result<serde_json::Value, SurrogateError> {
        Ok(serde_json::to_value(self)?)
    }

    fn check(&self, width: usize) -> Result<(), String> {
        check_deviation(self.residual_sd)?;
        let terms = width + if self.interactions { width * (width + 1) / 2 } else { 0 };
        if self.weights.len() != terms || self.centre.len() != terms {
            let (weights, means) = (self.weights.len(), self.centre.len());
            return Err(format!("{weights} weights and {means} means for {terms} terms of {width} features"));
        }
        check_finite("a weight or mean", self.weights.iter().chain(&self.centre).chain([&self.intercept]))
    }
}

pub(crate) fn entry() -> SurrogateEntry {
    SurrogateEntry::new(
        "elastic-net",
        "linear regression with L1 and L2 penalties on features, squares and products (Zou and Hastie 2005)",
        |options| {
            let settings: ElasticNet = options.parse()?;
            if !(settings.penalty >= 0.0 && settings.penalty.is_finite()) {
                return Err(SurrogateError::out_of_range("penalty", settings.penalty, "a number from 0"));
            }
            if !(0.0..=1.0).contains(&settings.l1_ratio) {
                return Err(SurrogateError::out_of_range(
                    "l1_ratio",
                    settings.l1_ratio,
                    "a share from 0 to 1",
                ));
            }
            Ok(Box::new(settings))
        },
        |saved| Ok(Box::new(serde_json::from_value::<Trained>(saved)?)),
    )
    .hyperparameter("penalty", "0.001", "from 0", "weight of the penalties, on standardised targets")
    .hyperparameter("l1_ratio", "0.5", "0 to 1", "share of the L1 penalty; the rest is L2")
    .hyperparameter(
        "interactions",
        "true",
        "true, false",
        "add squares and pairwise products of the features",
    )
}
