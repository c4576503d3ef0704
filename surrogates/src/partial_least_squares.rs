//! `partial-least-squares`: linear regression on the few directions that vary most with the target; with all of them, least squares.
//!
//! PLS1 by NIPALS (Wold, Sjöström and Eriksson, "PLS-regression: a basic tool of chemometrics", 2001). Features are standardised. The number of
//! directions is that with the least error in five-fold cross-validation, unless it is given; as many as there are features is ordinary least
//! squares.

use hwgym_envs::Random;
use serde::{Deserialize, Serialize};

use crate::model::{check_deviation, check_finite};
use crate::{Estimate, Features, Fitted, Surrogate, SurrogateEntry, SurrogateError};

/// Hyperparameters of `partial-least-squares`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PartialLeastSquares {
    /// Number of directions; 0 for that with the least error in cross-validation.
    pub components: usize,
}

/// Directions that are tried.
const MOST: usize = 30;
const FOLDS: usize = 5;

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Trained {
    weights: Vec<f64>,
    intercept: f64,
    residual_sd: f64,
}

impl Trained {
    fn mean(&self, row: &[f64]) -> f64 {
        self.intercept + row.iter().zip(&self.weights).map(|(value, weight)| value * weight).sum::<f64>()
    }
}

/// Regressions with 1, 2, ... directions, as far as there are any.
fn regressions(features: &Features, targets: &[f64], most: usize) -> Vec<Trained> {
    let (rows, width) = (features.rows(), features.width());
    let n = rows.max(1) as f64;
    let target_mean = targets.iter().sum::<f64>() / n;
    let column = |j: usize| (0..rows).map(move |row| features.row(row)[j]);
    let means: Vec<f64> = (0..width).map(|j| column(j).sum::<f64>() / n).collect();
    let sds: Vec<f64> = (0..width)
        .map(|j| {
            let sd = (column(j).map(|x| (x - means[j]).powi(2)).sum::<f64>() / n).sqrt();
            if sd > 1e-12 { sd } else { 1.0 }
        })
        .collect();
    // Row-major, deflated as directions are found.
    let mut x: Vec<f64> = (0..rows)
        .flat_map(|row| (0..width).map(move |j| (row, j)))
        .map(|(row, j)| (features.row(row)[j] - means[j]) / sds[j])
        .collect();
    let mut y: Vec<f64> = targets.iter().map(|t| t - target_mean).collect();
    let times = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let weigh = |x: &[f64], by: &[f64]| {
        let mut sums = vec![0.0; width];
        for (row, factor) in x.chunks_exact(width).zip(by) {
            sums.iter_mut().zip(row).for_each(|(sum, value)| *sum += factor * value);
        }
        sums
    };
    let mut models = Vec::new();
    // Directions in terms of the undeflated features, with their loadings.
    let mut directions: Vec<(Vec<f64>, Vec<f64>)> = Vec::new();
    let mut weights = vec![0.0; width];
    let spread = times(&y, &y);
    for _ in 0..most.min(width).min(rows.saturating_sub(1)) {
        let mut direction = weigh(&x, &y);
        let length = times(&direction, &direction).sqrt();
        if length.is_nan() || length <= 1e-10 * (1.0 + spread.sqrt()) {
            break;
        }
        direction.iter_mut().for_each(|w| *w /= length);
        let scores: Vec<f64> = x.chunks_exact(width).map(|row| times(row, &direction)).collect();
        let square = times(&scores, &scores);
        if square.is_nan() || square <= 1e-12 {
            break;
        }
        let mut loadings = weigh(&x, &scores);
        loadings.iter_mut().for_each(|p| *p /= square);
        let slope = times(&y, &scores) / square;
        for (row, score) in x.chunks_exact_mut(width).zip(&scores) {
            row.iter_mut().zip(&loadings).for_each(|(value, loading)| *value -= score * loading);
        }
        y.iter_mut().zip(&scores).for_each(|(value, score)| *value -= slope * score);
        // r = w - sum_k (p_k . w) r_k
        let mut whole = direction.clone();
        for (earlier, loadings) in &directions {
            let share = times(loadings, &direction);
            whole.iter_mut().zip(earlier).for_each(|(w, e)| *w -= share * e);
        }
        weights.iter_mut().zip(&whole).for_each(|(weight, w)| *weight += slope * w);
        directions.push((whole, loadings));
        let weights: Vec<f64> = weights.iter().zip(&sds).map(|(weight, sd)| weight / sd).collect();
        let intercept = target_mean - times(&weights, &means);
        models.push(Trained { weights, intercept, residual_sd: (times(&y, &y) / n).sqrt() });
    }
    if models.is_empty() {
        models.push(Trained {
            weights: vec![0.0; width],
            intercept: target_mean,
            residual_sd: (spread / n).sqrt(),
        });
    }
    models
}

impl Surrogate for PartialLeastSquares {
    fn fit(
        &self,
        features: &Features,
        targets: &[f64],
        seed: u64,
    ) -> Result<Box<dyn Fitted>, SurrogateError> {
        let rows = features.rows();
        let most = if self.components > 0 { self.components } else { MOST };
        let models = regressions(features, targets, most);
        let mut best = models.len() - 1;
        let mut residual_sd = models[best].residual_sd;
        if self.components == 0 && rows >= 2 * FOLDS {
            let mut folds: Vec<usize> = (0..rows).map(|row| row % FOLDS).collect();
            Random::derived(seed, "folds").shuffle(&mut folds);
            let mut squares = vec![0.0; models.len()];
            for fold in 0..FOLDS {
                let (rest, seen): (Vec<usize>, Vec<usize>) = (0..rows).partition(|row| folds[*row] == fold);
                let shown: Vec<f64> = seen.iter().map(|row| targets[*row]).collect();
                let tried = regressions(&features.select(&seen), &shown, most);
                for (count, squares) in squares.iter_mut().enumerate() {
                    let model = &tried[count.min(tried.len() - 1)];
                    let off = |row: &usize| (model.mean(features.row(*row)) - targets[*row]).powi(2);
                    *squares += rest.iter().map(off).sum::<f64>();
                }
            }
            best = (0..squares.len()).min_by(|a, b| squares[*a].total_cmp(&squares[*b])).unwrap_or(0);
            residual_sd = (squares[best] / rows as f64).sqrt();
        }
        Ok(Box::new(Trained { residual_sd, ..models[best].clone() }))
    }
}

impl Fitted for Trained {
    fn predict(&self, features: &Features) -> Vec<Estimate> {
        let estimate = |row| Estimate { mean: self.mean(features.row(row)), sd: self.residual_sd };
        (0..features.rows()).map(estimate).collect()
    }

    fn save(&self) -> Result<serde_json::Value, SurrogateError> {
        Ok(serde_json::to_value(self)?)
    }

    fn check(&self, width: usize) -> Result<(), String> {
        check_deviation(self.residual_sd)?;
        if self.weights.len() != width {
            return Err(format!("{} weights for {width} features", self.weights.len()));
        }
        check_finite("a weight", self.weights.iter().chain([&self.intercept]))
    }
}

pub(crate) fn entry() -> SurrogateEntry {
    SurrogateEntry::new(
        "partial-least-squares",
        "linear regression on the directions that vary most with the target (Wold et al. 2001)",
        |options| {
            let settings: PartialLeastSquares = options.parse()?;
            if settings.components > 10_000 {
                return Err(SurrogateError::out_of_range("components", settings.components, "0 to 10000"));
            }
            Ok(Box::new(settings))
        },
        |saved| Ok(Box::new(serde_json::from_value::<Trained>(saved)?)),
    )
    .hyperparameter(
        "components",
        "0",
        "0 to 10000",
        "directions; 0 for the best in cross-validation; as many as features: least squares",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_directions_are_least_squares() {
        let mut random = Random::new(4);
        let values: Vec<f64> = (0..200).map(|_| random.uniform()).collect();
        let features = Features::new(values, 4).expect("rows of four");
        let line = |row: &[f64]| 3.0 - row[0] + 2.0 * row[1] + 0.5 * row[3];
        let targets: Vec<f64> = (0..50).map(|row| line(features.row(row))).collect();
        let fitted = PartialLeastSquares { components: 4 }.fit(&features, &targets, 1).expect("it fits");
        let all = fitted.predict(&features);
        assert!(all.iter().zip(&targets).all(|(e, t)| (e.mean - t).abs() < 1e-9));
        let fewer = PartialLeastSquares { components: 1 }.fit(&features, &targets, 1).expect("it fits");
        let off = |e: &[Estimate]| e.iter().zip(&targets).map(|(e, t)| (e.mean - t).powi(2)).sum::<f64>();
        assert!(off(&fewer.predict(&features)) > 0.01);
        // Cross-validation finds that all are needed.
        let chosen = PartialLeastSquares::default().fit(&features, &targets, 1).expect("it fits");
        assert!(off(&chosen.predict(&features)) < 1e-6);
    }
}
