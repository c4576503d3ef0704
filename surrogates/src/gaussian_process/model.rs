//! A fitted Gaussian process: prediction, gradients of the prediction, growth by one point.

use ndarray::{ArrayView2, ArrayViewMut2};

use super::cholesky::{Cholesky, dot};
use super::features::FeatureMap;
use super::kernel::{Inputs, difference, matern, squared_distance};
use super::lbfgs::{LbfgsSettings, minimise};
use super::likelihood::{Fitted, LEARNED_NOISE, Posterior, solve};

/// The variance that measurement adds, relative to standardised outputs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Noise {
    /// This variance; 1e-6 for simulators, which repeat themselves.
    Fixed(f64),
    /// Learned with the lengths.
    Learned,
}

/// How a Gaussian process is fitted.
#[derive(Clone, Debug)]
pub struct GaussianProcessSettings {
    /// Measurement noise.
    pub noise: Noise,
    /// Prior mean of the log length of a numeric input, beside half the log of the number of inputs.
    pub numeric_prior: f64,
    /// The same for a category.
    pub categorical_prior: f64,
    /// Iterations of the search for lengths and variance.
    pub iterations: usize,
    /// Lengths are found on at most this many points, evenly taken; the model then uses all.
    pub points_for_lengths: usize,
    /// Also start the search from the default lengths, not from those of a previous fit alone.
    pub restart: bool,
    /// Learn a warp of each number, so that the process may change faster near one end of its range.
    pub warped: bool,
    /// Per column: the number of labels of a category that are given places in a plane; 0, or nothing, compares them by equality.
    pub labels: Vec<usize>,
}

impl Default for GaussianProcessSettings {
    fn default() -> Self {
        Self {
            noise: Noise::Fixed(1e-6),
            numeric_prior: -0.5,
            categorical_prior: 0.0,
            iterations: 30,
            points_for_lengths: 500,
            restart: true,
            warped: false,
            labels: Vec::new(),
        }
    }
}

/// Smallest and largest length, smallest and largest variance.
const LENGTHS: (f64, f64) = (0.02, 50.0);
const VARIANCES: (f64, f64) = (0.02, 200.0);

/// A Gaussian process conditioned on points.
#[derive(Clone, Debug)]
pub struct GaussianProcess {
    map: FeatureMap,
    /// Where the map's parameters start among all.
    map_start: usize,
    /// The points as the kernel compares them.
    inputs: Inputs,
    outputs: Vec<f64>,
    parameters: Vec<f64>,
    inverse_squares: Vec<f64>,
    variance: f64,
    diagonal: f64,
    fitted: Fitted,
    negative_log_posterior: f64,
}

/// Work space of predictions, so that they do not allocate.
#[derive(Clone, Debug, Default)]
pub struct Scratch {
    covariances: Vec<f64>,
    slopes: Vec<f64>,
    half: Vec<f64>,
    solved: Vec<f64>,
    features: Vec<f64>,
    by_feature: Vec<f64>,
}

impl GaussianProcess {
    /// Fits lengths and variance, starting from the parameters of a `previous` fit if there is one, and conditions on the points.
    ///
    /// `outputs` holds one finite, standardised value per point. Where no covariance can be factored (points that coincide beyond
    /// rescue), noise is added until one can.
    pub fn fit(
        inputs: &Inputs,
        outputs: &[f64],
        settings: &GaussianProcessSettings,
        previous: Option<&[f64]>,
    ) -> Self {
        let width = inputs.width();
        let half_log = 0.5 * (width.max(1) as f64).ln();
        let prior: Vec<f64> = inputs
            .categorical
            .iter()
            .map(|c| half_log + if *c { settings.categorical_prior } else { settings.numeric_prior })
            .collect();
        let noise = match settings.noise {
            Noise::Fixed(variance) => Some(variance),
            Noise::Learned => None,
        };
        let mut default: Vec<f64> = prior
            .iter()
            .zip(&inputs.categorical)
            .map(|(mu, category)| if *category { *mu } else { (mu - 0.7).min(1.0) })
            .collect();
        default.push(0.0);
        let mut low = vec![LENGTHS.0.ln(); width];
        let mut high = vec![LENGTHS.1.ln(); width];
        low.push(VARIANCES.0.ln());
        high.push(VARIANCES.1.ln());
        if noise.is_none() {
            default.push(LEARNED_NOISE.0);
            low.push(1e-8f64.ln());
            high.push(0.0);
        }
        let map = FeatureMap::new(&inputs.categorical, settings.warped, &settings.labels);
        default.extend(map.start());
        low.resize(default.len(), FeatureMap::BOUNDS.0);
        high.resize(default.len(), FeatureMap::BOUNDS.1);
        let mut starts: Vec<Vec<f64>> =
            previous.filter(|p| p.len() == default.len()).map(<[f64]>::to_vec).into_iter().collect();
        if settings.restart || starts.is_empty() {
            starts.push(default.clone());
        }
        let stride = inputs.len().div_ceil(settings.points_for_lengths.max(1)).max(1);
        let chosen: Vec<usize> = (0..inputs.len()).step_by(stride).collect();
        let (subset, subset_outputs);
        let (points, values) = if stride == 1 {
            (inputs, outputs)
        } else {
            subset = inputs.select(&chosen);
            subset_outputs = chosen.iter().map(|i| outputs[*i]).collect::<Vec<_>>();
            (&subset, &subset_outputs[..])
        };
        let mut posterior = Posterior {
            inputs: points,
            outputs: values,
            map: &map,
            prior: &prior,
            noise,
            noise_learned: noise.is_none(),
            slopes: Vec::new(),
        };
        let search = LbfgsSettings { iterations: settings.iterations, ..LbfgsSettings::default() };
        let mut best = (f64::INFINITY, default);
        for mut start in starts {
            let value = minimise(&mut start, &low, &high, &search, |p, g| posterior.value_and_gradient(p, g));
            if value < best.0 {
                best = (value, start);
            }
        }
        Self::condition(inputs, outputs, map, &prior, noise, best.1)
    }

    /// Conditions on these points with the parameters of an earlier [`fit`](Self::fit): how a saved process comes back.
    pub fn restore(
        inputs: &Inputs,
        outputs: &[f64],
        settings: &GaussianProcessSettings,
        parameters: Vec<f64>,
    ) -> Self {
        let noise = match settings.noise {
            Noise::Fixed(variance) => Some(variance),
            Noise::Learned => None,
        };
        let map = FeatureMap::new(&inputs.categorical, settings.warped, &settings.labels);
        Self::condition(inputs, outputs, map, &vec![0.0; inputs.width()], noise, parameters)
    }

    fn condition(
        inputs: &Inputs,
        outputs: &[f64],
        map: FeatureMap,
        prior: &[f64],
        noise: Option<f64>,
        parameters: Vec<f64>,
    ) -> Self {
        let width = inputs.width();
        let noise_learned = noise.is_none();
        let mut posterior =
            Posterior { inputs, outputs, map: &map, prior, noise, noise_learned, slopes: Vec::new() };
        let map_start = posterior.map_start();
        let mut extra = noise.unwrap_or_else(|| parameters[width + 1].exp());
        loop {
            if let Some((fitted, value)) = posterior.at(&parameters) {
                return Self {
                    inverse_squares: posterior.inverse_squares(&parameters),
                    variance: parameters[width].exp(),
                    diagonal: posterior.diagonal(&parameters),
                    inputs: posterior.features(&parameters).into_owned(),
                    map_start,
                    outputs: outputs.to_vec(),
                    parameters,
                    fitted,
                    negative_log_posterior: value,
                    map,
                };
            }
            // Ends: a diagonal of 1e6 makes any correlation matrix of finite points positive definite.
            extra = (extra * 100.0).max(1e-8);
            posterior.noise = Some(extra);
            if extra > 1e12 {
                let fitted = solve(Cholesky::default(), &[]);
                return Self {
                    inverse_squares: vec![1.0; map.columns.len()],
                    variance: 1.0,
                    diagonal: 0.0,
                    inputs: Inputs::new(map.categorical.clone(), Vec::new()),
                    map,
                    map_start,
                    outputs: Vec::new(),
                    parameters,
                    fitted,
                    negative_log_posterior: f64::INFINITY,
                };
            }
        }
    }

    /// Number of points.
    pub fn len(&self) -> usize {
        self.outputs.len()
    }

    /// The outputs that it is conditioned on, one per point.
    pub fn outputs(&self) -> &[f64] {
        &self.outputs
    }

    /// True before any point.
    pub fn is_empty(&self) -> bool {
        self.outputs.is_empty()
    }

    /// Log lengths, log variance, and the log noise if it was learned: what a later fit starts from.
    pub fn parameters(&self) -> &[f64] {
        &self.parameters
    }

    /// The fitted length of each input.
    pub fn lengths(&self) -> Vec<f64> {
        let columns = self.map.columns.last().map_or(0, |last| last + 1);
        self.parameters[..columns].iter().map(|l| l.exp()).collect()
    }

    /// The variance of the noise: what a measurement adds to [`predict`](Self::predict).
    pub fn noise(&self) -> f64 {
        self.diagonal
    }

    /// The negative log posterior of the parameters, without constants: smaller is better.
    pub fn negative_log_posterior(&self) -> f64 {
        self.negative_log_posterior
    }

    /// Conditions on one more point without a new fit, in quadratic time. False, and nothing changed, where the point coincides with
    /// another beyond what the covariance can hold.
    pub fn add(&mut self, point: &[f64], output: f64) -> bool {
        let features = self.features(point);
        let point = features.as_deref().unwrap_or(point);
        let mut covariances = vec![0.0; self.len()];
        for (i, place) in covariances.iter_mut().enumerate() {
            *place = self.variance * matern(self.squared(point, i)).0;
        }
        if !self.fitted.cholesky.grow(&covariances, self.variance + self.diagonal) {
            return false;
        }
        self.inputs.values.extend_from_slice(point);
        self.outputs.push(output);
        self.resolve();
        true
    }

    /// Replaces the outputs (their standardisation may have moved); the points stay. One value per point.
    pub fn set_outputs(&mut self, outputs: &[f64]) {
        if outputs.len() == self.outputs.len() {
            self.outputs.copy_from_slice(outputs);
            self.resolve();
        }
    }

    fn resolve(&mut self) {
        let cholesky = std::mem::take(&mut self.fitted.cholesky);
        self.fitted = solve(cholesky, &self.outputs);
    }

    /// The features of a point; `None` where they are the point itself.
    fn features(&self, point: &[f64]) -> Option<Vec<f64>> {
        if self.map.is_identity() {
            return None;
        }
        let mut features = Vec::with_capacity(self.inputs.width());
        self.map.apply(point, &self.parameters[self.map_start..], &mut features);
        Some(features)
    }

    /// Runs `with` on the features of a point.
    fn with_features<T>(
        &self,
        point: &[f64],
        scratch: &mut Scratch,
        with: impl FnOnce(&Self, &[f64], &mut Scratch) -> T,
    ) -> T {
        if self.map.is_identity() {
            return with(self, point, scratch);
        }
        let mut features = std::mem::take(&mut scratch.features);
        self.map.apply(point, &self.parameters[self.map_start..], &mut features);
        let result = with(self, &features, scratch);
        scratch.features = features;
        result
    }

    #[inline]
    fn squared(&self, point: &[f64], index: usize) -> f64 {
        squared_distance(point, self.inputs.row(index), &self.inputs.categorical, &self.inverse_squares)
    }

    /// Mean and standard deviation at a point.
    pub fn predict(&self, point: &[f64]) -> (f64, f64) {
        self.predict_with(point, &mut Scratch::default())
    }

    /// Mean and standard deviation at a point, without allocation.
    pub fn predict_with(&self, point: &[f64], scratch: &mut Scratch) -> (f64, f64) {
        self.with_features(point, scratch, Self::predict_features)
    }

    /// Means and standard deviations at many points, one row each: the same to rounding, at a third of the time where there are hundreds of
    /// both.
    pub fn predict_many(&self, rows: &[f64]) -> Vec<(f64, f64)> {
        const TOGETHER: usize = 128;
        let width = self.map.width().max(1);
        let count = rows.len() / width;
        if count < 16 {
            let mut scratch = Scratch::default();
            return rows.chunks_exact(width).map(|row| self.predict_with(row, &mut scratch)).collect();
        }
        let size = self.len();
        let inverse = self.fitted.cholesky.full_inverse();
        let mut predictions = Vec::with_capacity(count);
        let (mut covariances, mut halves) = (Vec::new(), Vec::new());
        for block in rows.chunks(TOGETHER * width) {
            let points: Vec<Vec<f64>> = block
                .chunks_exact(width)
                .map(|row| self.features(row).unwrap_or_else(|| row.to_vec()))
                .collect();
            let shape = (size, points.len());
            covariances.clear();
            for i in 0..size {
                covariances.extend(points.iter().map(|p| self.variance * matern(self.squared(p, i)).0));
            }
            halves.resize(covariances.len(), 0.0);
            if let (Ok(from), Ok(to)) = (
                ArrayView2::from_shape(shape, &covariances),
                ArrayViewMut2::from_shape(shape, &mut halves[..covariances.len()]),
            ) {
                Cholesky::forward_many(&inverse, from, to);
            }
            let mut sums = vec![(self.fitted.mean, 0.0); points.len()];
            for i in 0..size {
                let row = i * points.len()..(i + 1) * points.len();
                let numbers = covariances[row.clone()].iter().zip(&halves[row]);
                for ((mean, square), (covariance, half)) in sums.iter_mut().zip(numbers) {
                    *mean += covariance * self.fitted.weights[i];
                    *square += half * half;
                }
            }
            let floor = 1e-12 * self.variance.max(1e-6);
            predictions.extend(
                sums.into_iter().map(|(mean, square)| (mean, (self.variance - square).max(floor).sqrt())),
            );
        }
        predictions
    }

    fn predict_features(&self, point: &[f64], scratch: &mut Scratch) -> (f64, f64) {
        scratch.covariances.resize(self.len(), 0.0);
        scratch.half.resize(self.len(), 0.0);
        for i in 0..self.len() {
            scratch.covariances[i] = self.variance * matern(self.squared(point, i)).0;
        }
        let mean = self.fitted.mean + dot(&scratch.covariances, &self.fitted.weights);
        self.fitted.cholesky.forward(&scratch.covariances, &mut scratch.half);
        (mean, self.deviation(&scratch.half))
    }

    fn deviation(&self, half: &[f64]) -> f64 {
        (self.variance - dot(half, half)).max(1e-12 * self.variance.max(1e-6)).sqrt()
    }

    /// Mean and standard deviation at a point, with their gradients; the entries of categories are 0. Both gradients have one entry
    /// per input.
    pub fn predict_with_gradient(
        &self,
        point: &[f64],
        mean_gradient: &mut [f64],
        deviation_gradient: &mut [f64],
        scratch: &mut Scratch,
    ) -> (f64, f64) {
        if self.map.is_identity() {
            return self.features_with_gradient(point, mean_gradient, deviation_gradient, scratch);
        }
        let mut by_feature = std::mem::take(&mut scratch.by_feature);
        by_feature.resize(2 * self.inputs.width(), 0.0);
        let (means, deviations) = by_feature.split_at_mut(self.inputs.width());
        let prediction = self.with_features(point, scratch, |process, features, scratch| {
            process.features_with_gradient(features, means, deviations, scratch)
        });
        let parameters = &self.parameters[self.map_start..];
        self.map.to_columns(point, parameters, means, mean_gradient);
        self.map.to_columns(point, parameters, deviations, deviation_gradient);
        scratch.by_feature = by_feature;
        prediction
    }

    fn features_with_gradient(
        &self,
        point: &[f64],
        mean_gradient: &mut [f64],
        deviation_gradient: &mut [f64],
        scratch: &mut Scratch,
    ) -> (f64, f64) {
        let size = self.len();
        scratch.covariances.resize(size, 0.0);
        scratch.slopes.resize(size, 0.0);
        scratch.half.resize(size, 0.0);
        scratch.solved.resize(size, 0.0);
        for i in 0..size {
            let (value, slope) = matern(self.squared(point, i));
            scratch.covariances[i] = self.variance * value;
            scratch.slopes[i] = slope;
        }
        let mean = self.fitted.mean + dot(&scratch.covariances, &self.fitted.weights);
        self.fitted.cholesky.forward(&scratch.covariances, &mut scratch.half);
        self.fitted.cholesky.backward(&scratch.half, &mut scratch.solved);
        let deviation = self.deviation(&scratch.half);
        mean_gradient.fill(0.0);
        deviation_gradient.fill(0.0);
        // dk/dx_j = -5/3 v (1 + sqrt5 r) exp(-sqrt5 r) d_j / l_j^2.
        for i in 0..size {
            let factor = -5.0 / 3.0 * self.variance * scratch.slopes[i];
            let (for_mean, for_variance) = (factor * self.fitted.weights[i], factor * scratch.solved[i]);
            for (j, x) in self.inputs.row(i).iter().enumerate() {
                if !self.inputs.categorical[j] {
                    let d = difference(point[j], *x, false);
                    mean_gradient[j] += for_mean * d;
                    deviation_gradient[j] += for_variance * d;
                }
            }
        }
        for j in 0..self.inputs.width() {
            mean_gradient[j] *= self.inverse_squares[j];
            deviation_gradient[j] *= -self.inverse_squares[j] / deviation;
        }
        (mean, deviation)
    }

    /// Joint covariance of the prediction at these points (row-major), with their means: what Thompson sampling draws from.
    pub fn predict_joint(&self, points: &Inputs) -> (Vec<f64>, Vec<f64>) {
        let mapped;
        let points = if self.map.is_identity() {
            points
        } else {
            mapped = self.map.map(points, &self.parameters[self.map_start..]);
            &mapped
        };
        let count = points.len();
        let mut means = Vec::with_capacity(count);
        let mut halves = vec![0.0; count * self.len()];
        let mut covariances = vec![0.0; self.len()];
        for p in 0..count {
            for (i, place) in covariances.iter_mut().enumerate() {
                *place = self.variance * matern(self.squared(points.row(p), i)).0;
            }
            means.push(self.fitted.mean + dot(&covariances, &self.fitted.weights));
            let half = &mut halves[p * self.len()..(p + 1) * self.len()];
            self.fitted.cholesky.forward(&covariances, half);
        }
        let mut joint = vec![0.0; count * count];
        for p in 0..count {
            for q in 0..=p {
                let squared = squared_distance(
                    points.row(p),
                    points.row(q),
                    &points.categorical,
                    &self.inverse_squares,
                );
                let (a, b) = (&halves[p * self.len()..(p + 1) * self.len()], &halves[q * self.len()..]);
                let value = self.variance * matern(squared).0 - dot(a, &b[..self.len()]);
                joint[p * count + q] = value;
                joint[q * count + p] = value;
            }
        }
        (means, joint)
    }

    /// `m + sum_i w_i` over the points: the mean far from them all is [`mean`](Self::mean).
    pub fn mean(&self) -> f64 {
        self.fitted.mean
    }

    /// A draw from the joint prediction at these points, from standard normal numbers, one per point.
    pub fn draw(&self, points: &Inputs, normals: &[f64]) -> Vec<f64> {
        let (mut means, joint) = self.predict_joint(points);
        let count = points.len();
        let mut jitter = 1e-9 * self.variance;
        while jitter < self.variance {
            let packed: Vec<f64> = (0..count)
                .flat_map(|p| (0..=p).map(move |q| (p, q)))
                .map(|(p, q)| joint[p * count + q] + if p == q { jitter } else { 0.0 })
                .collect();
            if let Some(cholesky) = Cholesky::new(packed, count) {
                for (p, mean) in means.iter_mut().enumerate() {
                    let from = super::cholesky::start(p);
                    *mean += dot(&cholesky.factor[from..=from + p], &normals[..=p]);
                }
                break;
            }
            jitter *= 100.0;
        }
        means
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data(count: usize) -> (Inputs, Vec<f64>) {
        let mut values = Vec::new();
        let mut outputs = Vec::new();
        for i in 0..count {
            let (x, y, c) = ((i as f64 * 0.618).fract(), (i as f64 * 0.414).fract(), (i % 3) as f64);
            values.extend([x, y, c]);
            outputs.push((4.0 * x).sin() + y * y - 0.5 * c);
        }
        (Inputs::new(vec![false, false, true], values), outputs)
    }

    #[test]
    fn the_gradient_of_the_posterior_is_exact() {
        let (inputs, outputs) = data(14);
        let prior = [0.1, 0.2, 0.3];
        for (noise, mapped) in [(Some(1e-4), false), (None, false), (Some(1e-4), true), (None, true)] {
            let map = FeatureMap::new(&inputs.categorical, mapped, if mapped { &[0, 0, 3] } else { &[] });
            let noise_learned = noise.is_none();
            let mut posterior = Posterior {
                inputs: &inputs,
                outputs: &outputs,
                map: &map,
                prior: &prior,
                noise,
                noise_learned,
                slopes: Vec::new(),
            };
            let at = [-0.3, 0.4, 0.6, 0.2, -4.0];
            let at = if noise.is_some() { &at[..4] } else { &at[..] };
            let start = map.start();
            let moved = start.iter().enumerate().map(|(k, s)| s + 0.1 * ((k * k) % 5) as f64 - 0.2);
            let at: Vec<f64> = at.iter().copied().chain(moved).collect();
            let at = &at[..];
            let mut gradient = vec![0.0; at.len()];
            posterior.value_and_gradient(at, &mut gradient);
            let mut other = vec![0.0; at.len()];
            for j in 0..at.len() {
                let mut shifted = at.to_vec();
                shifted[j] += 1e-5;
                let above = posterior.value_and_gradient(&shifted, &mut other);
                shifted[j] -= 2e-5;
                let below = posterior.value_and_gradient(&shifted, &mut other);
                let numeric = (above - below) / 2e-5;
                assert!(
                    (numeric - gradient[j]).abs() < 1e-4 * (1.0 + numeric.abs()),
                    "{j}: {numeric} {}",
                    gradient[j]
                );
            }
        }
    }

    #[test]
    fn many_points_are_predicted_as_one_by_one() {
        let (inputs, outputs) = data(150);
        for labels in [Vec::new(), vec![0, 0, 3]] {
            let warped = !labels.is_empty();
            let settings = GaussianProcessSettings { warped, labels, ..GaussianProcessSettings::default() };
            let process = GaussianProcess::fit(&inputs, &outputs, &settings, None);
            let (points, _) = data(300);
            let together = process.predict_many(&points.values);
            assert_eq!(together.len(), 300);
            for (row, (mean, sd)) in together.into_iter().enumerate() {
                let alone = process.predict(points.row(row));
                // The variance is a difference of numbers near 1: half of the digits are left of a small one.
                assert!((alone.0 - mean).abs() < 1e-7 && (alone.1 - sd).abs() < 1e-5, "{row}");
            }
        }
    }

    #[test]
    fn the_gradient_of_the_prediction_is_exact() {
        let (inputs, outputs) = data(14);
        for mapped in [false, true] {
            let labels = if mapped { vec![0, 0, 3] } else { Vec::new() };
            let settings = GaussianProcessSettings { warped: mapped, labels, ..Default::default() };
            let model = GaussianProcess::fit(&inputs, &outputs, &settings, None);
            let (mut dm, mut ds, mut scratch) = ([0.0; 3], [0.0; 3], Scratch::default());
            let point = [0.37, 0.71, 1.0];
            let (mean, deviation) = model.predict_with_gradient(&point, &mut dm, &mut ds, &mut scratch);
            assert_eq!((mean, deviation), model.predict(&point));
            for j in 0..2 {
                let mut shifted = point;
                shifted[j] += 1e-6;
                let above = model.predict(&shifted);
                shifted[j] -= 2e-6;
                let below = model.predict(&shifted);
                assert!(((above.0 - below.0) / 2e-6 - dm[j]).abs() < 1e-4);
                assert!(((above.1 - below.1) / 2e-6 - ds[j]).abs() < 1e-3);
            }
            assert_eq!((dm[2], ds[2]), (0.0, 0.0));
        }
    }

    /// Two of three labels behave alike: their places come together, and what one teaches counts for the other.
    #[test]
    fn labels_that_behave_alike_come_to_lie_together() {
        let (mut inputs, mut outputs) = (Inputs::new(vec![false, true], Vec::new()), Vec::new());
        for i in 0..36 {
            let (x, c) = ((i as f64 * 0.618).fract(), (i % 3) as f64);
            inputs.values.extend([x, c]);
            outputs.push(if c == 2.0 { -(4.0 * x).sin() } else { (4.0 * x).sin() });
        }
        let settings = GaussianProcessSettings { labels: vec![0, 3], ..Default::default() };
        let latent = GaussianProcess::fit(&inputs, &outputs, &settings, None);
        let equality = GaussianProcess::fit(&inputs, &outputs, &GaussianProcessSettings::default(), None);
        let place = |label: f64| latent.features(&[0.0, label]).map_or([0.0; 2], |f| [f[1], f[2]]);
        let apart =
            |a: f64, b: f64| place(a).iter().zip(place(b)).map(|(x, y)| (x - y).powi(2)).sum::<f64>().sqrt();
        assert!(apart(0.0, 1.0) < 0.5 * apart(0.0, 2.0), "{} {}", apart(0.0, 1.0), apart(0.0, 2.0));
        assert!(latent.negative_log_posterior() < equality.negative_log_posterior());
    }

    #[test]
    fn adding_a_point_is_conditioning_on_it() {
        let (inputs, outputs) = data(20);
        let settings = GaussianProcessSettings::default();
        let first: Vec<usize> = (0..19).collect();
        let mut grown = GaussianProcess::fit(&inputs.select(&first), &outputs[..19], &settings, None);
        let parameters = grown.parameters().to_vec();
        let still = GaussianProcessSettings { iterations: 0, restart: false, ..settings };
        let whole = GaussianProcess::fit(&inputs, &outputs, &still, Some(&parameters));
        assert!(grown.add(inputs.row(19), outputs[19]));
        let (a, b) = (grown.predict(&[0.2, 0.9, 2.0]), whole.predict(&[0.2, 0.9, 2.0]));
        assert!((a.0 - b.0).abs() < 1e-8 && (a.1 - b.1).abs() < 1e-8);
        assert!((grown.predict(inputs.row(19)).0 - outputs[19]).abs() < 1e-3);
    }

    #[test]
    fn coinciding_points_and_constants_are_survived() {
        let inputs = Inputs::new(vec![false], vec![0.5; 6]);
        let model = GaussianProcess::fit(&inputs, &[0.0; 6], &GaussianProcessSettings::default(), None);
        let (mean, deviation) = model.predict(&[0.1]);
        assert!(mean.abs() < 1e-9 && deviation.is_finite());
        let empty = GaussianProcess::fit(
            &Inputs::new(vec![false], vec![]),
            &[],
            &GaussianProcessSettings::default(),
            None,
        );
        assert!(empty.predict(&[0.3]).1 > 0.5);
    }
}
