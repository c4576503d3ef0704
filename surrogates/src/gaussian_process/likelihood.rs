//! The negative log posterior of the kernel's parameters, with its exact gradient.
//!
//! `1/2 (y - m)' K^-1 (y - m) + 1/2 m^2 + 1/2 ln|K| + sum_j (ln l_j - mu_j)^2 / 2 + (ln v)^2 / 2`, where the constant mean is
//! `m = 1'K^-1 y / (1'K^-1 1 + 1)`, the minimum over `m`; a learned noise adds `(ln noise - ln 1e-3)^2 / 8`.

use std::borrow::Cow;

use super::cholesky::{Cholesky, axpy, dot, start};
use super::features::FeatureMap;
use super::kernel::{Inputs, difference, matern, squared_distance};

/// A factored covariance with everything that prediction needs.
#[derive(Clone, Debug)]
pub(super) struct Fitted {
    pub cholesky: Cholesky,
    /// `K^-1 (y - m)`.
    pub weights: Vec<f64>,
    pub mean: f64,
    /// Half of `(y - m)' K^-1 (y - m)` and `m^2` together.
    pub misfit: f64,
}

/// `K^-1 (y - m)` and `m` for a factored covariance.
pub(super) fn solve(cholesky: Cholesky, outputs: &[f64]) -> Fitted {
    let size = cholesky.size;
    let mut half = vec![0.0; size];
    let mut ones = vec![0.0; size];
    cholesky.forward(outputs, &mut half);
    cholesky.forward(&vec![1.0; size], &mut ones);
    let mean = dot(&ones, &half) / (dot(&ones, &ones) + 1.0);
    axpy(-mean, &ones, &mut half);
    let mut weights = vec![0.0; size];
    cholesky.backward(&half, &mut weights);
    let misfit = 0.5 * dot(&half, &half) + 0.5 * mean * mean;
    Fitted { cholesky, weights, mean, misfit }
}

/// The parameters `(ln l_1 .. ln l_d, ln v)`, then `ln noise` if it is learned, then those of the features.
pub(super) struct Posterior<'a> {
    pub inputs: &'a Inputs,
    pub outputs: &'a [f64],
    /// What the kernel compares.
    pub map: &'a FeatureMap,
    /// Prior means of the log lengths.
    pub prior: &'a [f64],
    /// Fixed variance on the diagonal; learned if `None`.
    pub noise: Option<f64>,
    /// True if the parameters hold a noise, whether it is used or not.
    pub noise_learned: bool,
    /// Work space: `(1 + sqrt5 r) exp(-sqrt5 r)` of each pair, packed.
    pub slopes: Vec<f64>,
}

/// Mean and deviation of the prior of a learned `ln noise`.
pub(super) const LEARNED_NOISE: (f64, f64) = (-6.907_755_278_982_137, 2.0);

impl<'a> Posterior<'a> {
    /// Where the parameters of the features start.
    pub fn map_start(&self) -> usize {
        self.prior.len() + 1 + usize::from(self.noise_learned)
    }

    /// The value on the diagonal beside the variance.
    pub fn diagonal(&self, parameters: &[f64]) -> f64 {
        let width = self.prior.len();
        self.noise.unwrap_or_else(|| parameters[width + 1].exp()) + 1e-9 * parameters[width].exp()
    }

    /// The features of the points: the inputs themselves where nothing is mapped.
    pub fn features(&self, parameters: &[f64]) -> Cow<'a, Inputs> {
        if self.map.is_identity() {
            return Cow::Borrowed(self.inputs);
        }
        Cow::Owned(self.map.map(self.inputs, &parameters[self.map_start()..]))
    }

    /// `1 / l^2` per feature.
    pub fn inverse_squares(&self, parameters: &[f64]) -> Vec<f64> {
        self.map.columns.iter().map(|column| (-2.0 * parameters[*column]).exp()).collect()
    }

    fn factor(&mut self, parameters: &[f64], features: &Inputs) -> Option<(Fitted, Vec<f64>)> {
        let (size, width) = (features.len(), self.prior.len());
        let inverse_squares = self.inverse_squares(parameters);
        let variance = parameters[width].exp();
        let diagonal = variance + self.diagonal(parameters);
        let mut covariance = Vec::with_capacity(start(size));
        self.slopes.clear();
        for i in 0..size {
            let row = features.row(i);
            for j in 0..i {
                let squared = squared_distance(row, features.row(j), &features.categorical, &inverse_squares);
                let (value, slope) = matern(squared);
                covariance.push(variance * value);
                self.slopes.push(slope);
            }
            covariance.push(diagonal);
            self.slopes.push(1.0);
        }
        Some((solve(Cholesky::new(covariance, size)?, self.outputs), inverse_squares))
    }

    /// The factored covariance and the posterior at these parameters; `None` where the covariance is not positive definite.
    pub fn at(&mut self, parameters: &[f64]) -> Option<(Fitted, f64)> {
        let features = self.features(parameters);
        let (fitted, _) = self.factor(parameters, &features)?;
        let value = fitted.misfit + fitted.cholesky.half_log_determinant() + self.penalty(parameters, None);
        Some((fitted, value))
    }

    fn penalty(&self, parameters: &[f64], gradient: Option<&mut [f64]>) -> f64 {
        let start = self.map_start();
        let map = self.map.penalty(&parameters[start..], gradient.map(|g| &mut g[start..]));
        let width = self.prior.len();
        let lengths: f64 = parameters.iter().zip(self.prior).map(|(l, mu)| (l - mu).powi(2)).sum();
        let noise = match self.noise {
            Some(_) => 0.0,
            None => ((parameters[width + 1] - LEARNED_NOISE.0) / LEARNED_NOISE.1).powi(2),
        };
        map + 0.5 * (lengths + parameters[width].powi(2) + noise)
    }

    /// The posterior and its gradient; infinite where the covariance is not positive definite.
    pub fn value_and_gradient(&mut self, parameters: &[f64], gradient: &mut [f64]) -> f64 {
        let features = self.features(parameters);
        let Some((fitted, inverse_squares)) = self.factor(parameters, &features) else {
            return f64::INFINITY;
        };
        let (size, width) = (features.len(), self.prior.len());
        gradient.fill(0.0);
        let value =
            fitted.misfit + fitted.cholesky.half_log_determinant() + self.penalty(parameters, Some(gradient));
        let inverse = fitted.cholesky.matrix_inverse();
        let variance = parameters[width].exp();
        let weights = &fitted.weights;
        // dK/d ln l_j = v 5/3 (1 + sqrt5 r) exp(-sqrt5 r) d_j^2 / l_j^2, and each pair stands twice in the trace.
        let count = features.width();
        let mut lengths = vec![0.0; count];
        // What pulls at each feature of each point; needed where features have parameters.
        let mapped = !self.map.is_identity();
        let mut pulls = vec![0.0; if mapped { size * count } else { 0 }];
        let mut trace = 0.0;
        for i in 0..size {
            let row = features.row(i);
            let from = start(i);
            for j in 0..i {
                let sensitivity = (inverse[from + j] - weights[i] * weights[j]) * self.slopes[from + j];
                let other = features.row(j);
                for (((sum, a), b), category) in
                    lengths.iter_mut().zip(row).zip(other).zip(&features.categorical)
                {
                    let d = difference(*a, *b, *category);
                    *sum += sensitivity * d * d;
                }
                if mapped {
                    for k in 0..count {
                        let pull = sensitivity * (row[k] - other[k]);
                        pulls[i * count + k] += pull;
                        pulls[j * count + k] -= pull;
                    }
                }
            }
            trace += inverse[from + i];
        }
        let factor = variance * (5.0 / 3.0);
        for (k, column) in self.map.columns.iter().enumerate() {
            gradient[*column] += lengths[k] * inverse_squares[k] * factor;
        }
        for j in 0..width {
            gradient[j] += parameters[j] - self.prior[j];
        }
        if mapped {
            let from = self.map_start();
            for i in 0..size {
                let pull = &mut pulls[i * count..(i + 1) * count];
                pull.iter_mut().zip(&inverse_squares).for_each(|(p, w)| *p *= -factor * w);
                self.map.pull_back(self.inputs.row(i), &parameters[from..], pull, &mut gradient[from..]);
            }
        }
        let noise = self.noise.unwrap_or_else(|| parameters[width + 1].exp());
        let squares = dot(weights, weights);
        let residual: f64 = self.outputs.iter().zip(weights).map(|(y, w)| (y - fitted.mean) * w).sum();
        gradient[width] =
            0.5 * (size as f64 - noise * trace - residual + noise * squares) + parameters[width];
        if self.noise.is_none() {
            let prior = (parameters[width + 1] - LEARNED_NOISE.0) / LEARNED_NOISE.1.powi(2);
            gradient[width + 1] = 0.5 * noise * (trace - squares) + prior;
        }
        value
    }
}
