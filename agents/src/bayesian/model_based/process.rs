//! A Gaussian process for few results of quantities that are nearly products of powers, as those of circuits are: in logarithms a linear
//! trend, and a Matérn 5/2 process for what is left.
//!
//! `k(a, b) = v m(r) + w / d (sum_j x_j x'_j + matches) + c + noise [a = b]`, `x = 2 u - 1` of a number, and labels that are compared by equality.
//! Lengths, `v`, `w` and the noise by maximum a posteriori with exact gradients; the constant is given.

use hwgym_surrogates::gaussian_process::lbfgs::{LbfgsSettings, minimise};

const SQRT_5: f64 = 2.236_067_977_499_79;

/// The kernel's parameters, as logarithms: lengths, variance, linear variance, noise.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Kernel {
    /// `ln l_j`.
    pub lengths: Vec<f64>,
    /// `ln v`.
    pub variance: f64,
    /// `ln w`; minus infinity for none.
    pub linear: f64,
    /// `ln noise`.
    pub noise: f64,
    /// `c`, as it is.
    pub constant: f64,
}

/// Mean and deviation of the prior of the log lengths (beside half the log of the number of inputs), variance, linear variance, noise.
const LENGTH_PRIOR: (f64, f64) = (-0.5 + std::f64::consts::LN_2, 1.0);
const VARIANCE_PRIOR: (f64, f64) = (0.0, 1.0);
const LINEAR_PRIOR: (f64, f64) = (std::f64::consts::LN_2, 1.5);
const NOISE_PRIOR: (f64, f64) = (-7.0, 1.5);

/// Ranges of the logarithms.
const LENGTHS: (f64, f64) = (-3.0, 5.0);
const OTHERS: (f64, f64) = (-14.0, 6.0);

impl Kernel {
    /// The means of the priors.
    pub fn expected(width: usize) -> Self {
        let length = 0.5 * (width.max(1) as f64).ln() + LENGTH_PRIOR.0;
        Self {
            lengths: vec![length; width],
            variance: VARIANCE_PRIOR.0,
            linear: LINEAR_PRIOR.0,
            noise: NOISE_PRIOR.0,
            constant: 4.0,
        }
    }

    fn to_vector(&self) -> Vec<f64> {
        let mut vector = self.lengths.clone();
        vector.extend([self.variance, self.linear, self.noise]);
        vector
    }

    fn set_vector(&mut self, vector: &[f64]) {
        let width = self.lengths.len();
        self.lengths.copy_from_slice(&vector[..width]);
        (self.variance, self.linear, self.noise) = (vector[width], vector[width + 1], vector[width + 2]);
    }
}

/// The kernel's constants, out of the logarithms.
struct Plain {
    inverse_squares: Vec<f64>,
    variance: f64,
    linear: f64,
    noise: f64,
    constant: f64,
}

impl Plain {
    fn of(kernel: &Kernel) -> Self {
        Self {
            inverse_squares: kernel.lengths.iter().map(|l| (-2.0 * l).exp()).collect(),
            variance: kernel.variance.exp(),
            linear: kernel.linear.exp() / kernel.lengths.len().max(1) as f64,
            noise: kernel.noise.exp() + 1e-9,
            constant: kernel.constant,
        }
    }

    /// `r^2` and the linear sum of two points.
    fn compare(&self, a: &[f64], b: &[f64], categorical: &[bool]) -> (f64, f64) {
        let (mut squared, mut product) = (0.0, 0.0);
        for (((a, b), category), weight) in a.iter().zip(b).zip(categorical).zip(&self.inverse_squares) {
            if *category {
                let same = f64::from(a == b);
                squared += (1.0 - same) * weight;
                product += same;
            } else {
                let (x, y) = (2.0 * a - 1.0, 2.0 * b - 1.0);
                squared += (x - y) * (x - y) * weight;
                product += x * y;
            }
        }
        (squared, product)
    }

    fn covariance(&self, a: &[f64], b: &[f64], categorical: &[bool]) -> f64 {
        let (squared, product) = self.compare(a, b, categorical);
        self.variance * matern(squared).0 + self.linear * product + self.constant
    }
}

/// The correlation at `r^2`, and `(1 + sqrt5 r) exp(-sqrt5 r)`.
fn matern(squared: f64) -> (f64, f64) {
    let s = SQRT_5 * squared.sqrt();
    let decay = (-s).exp();
    ((1.0 + s + squared * (5.0 / 3.0)) * decay, (1.0 + s) * decay)
}

/// Where row `i` of a packed lower triangle starts.
fn start(row: usize) -> usize {
    row * (row + 1) / 2
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// A process conditioned on points.
#[derive(Clone, Debug)]
pub(super) struct Process {
    kernel: Kernel,
    categorical: Vec<bool>,
    points: Vec<Vec<f64>>,
    outputs: Vec<f64>,
    /// Lower Cholesky factor, packed by rows.
    factor: Vec<f64>,
    /// `K^-1 y`.
    weights: Vec<f64>,
    /// `1/2 y' K^-1 y + 1/2 ln|K| + n/2 ln 2 pi`, and the priors of what was fitted.
    pub negative_log_posterior: f64,
}

impl Process {
    /// Conditions on the points with this kernel; `None` where the covariance cannot be factored.
    pub fn with(kernel: Kernel, categorical: &[bool], points: &[Vec<f64>], outputs: &[f64]) -> Option<Self> {
        let plain = Plain::of(&kernel);
        let mut covariance = Vec::with_capacity(start(points.len()));
        for (i, a) in points.iter().enumerate() {
            covariance.extend(points[..i].iter().map(|b| plain.covariance(a, b, categorical)));
            covariance.push(plain.covariance(a, a, categorical) + plain.noise);
        }
        let factor = factorise(covariance, points.len())?;
        let mut process = Self {
            kernel,
            categorical: categorical.to_vec(),
            points: points.to_vec(),
            outputs: outputs.to_vec(),
            factor,
            weights: Vec::new(),
            negative_log_posterior: 0.0,
        };
        let half = process.solve();
        let n = points.len();
        let determinant: f64 = (0..n).map(|i| process.factor[start(i) + i].ln()).sum();
        process.negative_log_posterior =
            0.5 * dot(&half, &half) + determinant + 0.5 * n as f64 * (2.0 * std::f64::consts::PI).ln();
        Some(process)
    }

    /// Finds the kernel by at most `iterations` steps from this one, and conditions on the points. Falls back to more noise.
    pub fn fit(
        first: &Kernel,
        categorical: &[bool],
        points: &[Vec<f64>],
        outputs: &[f64],
        iterations: usize,
    ) -> Option<Self> {
        let mut kernel = first.clone();
        let mut theta = kernel.to_vector();
        let width = kernel.lengths.len();
        let mut low = vec![LENGTHS.0; width];
        let mut high = vec![LENGTHS.1; width];
        low.extend([OTHERS.0; 3]);
        high.extend([OTHERS.1; 3]);
        let settings = LbfgsSettings {
            iterations,
            gradient_tolerance: 1e-3,
            relative_decrease: 1e-6,
            first_step: 0.3,
            ..LbfgsSettings::default()
        };
        if iterations > 0 && !points.is_empty() {
            let mut trial = kernel.clone();
            minimise(&mut theta, &low, &high, &settings, |theta, gradient| {
                trial.set_vector(theta);
                posterior(&trial, categorical, points, outputs, gradient)
            });
            kernel.set_vector(&theta);
        }
        for _ in 0..6 {
            if let Some(mut process) = Self::with(kernel.clone(), categorical, points, outputs) {
                process.negative_log_posterior += penalty(&kernel, &mut vec![0.0; width + 3]);
                return Some(process);
            }
            kernel.noise += 2.0;
        }
        None
    }

    /// For what a good model leaves over: of a few kernels (shorter lengths, small variances, a constant, a trend) the likeliest.
    pub fn residual(categorical: &[bool], points: &[Vec<f64>], outputs: &[f64]) -> Option<Self> {
        let mut best: Option<Self> = None;
        for factor in [0.25f64, 0.5, 1.0] {
            for variance in [1e-4f64, 1e-3, 1e-2, 1e-1] {
                for constant in [1e-3, 0.1, 1.0] {
                    for linear in [0.0f64, 0.01, 0.1] {
                        let mut kernel = Kernel::expected(categorical.len());
                        kernel.lengths.iter_mut().for_each(|l| *l += factor.ln());
                        kernel.variance = variance.ln();
                        kernel.linear = linear.ln();
                        kernel.noise = (1e-2 * variance + 1e-5).ln();
                        kernel.constant = constant;
                        let process = Self::with(kernel, categorical, points, outputs);
                        let better = |process: &Self| {
                            best.as_ref()
                                .is_none_or(|b| process.negative_log_posterior < b.negative_log_posterior)
                        };
                        if let Some(process) = process.filter(better) {
                            best = Some(process);
                        }
                    }
                }
            }
        }
        best
    }

    pub fn kernel(&self) -> &Kernel {
        &self.kernel
    }

    /// Computes the weights; the half-solved outputs.
    fn solve(&mut self) -> Vec<f64> {
        let half = forward(&self.factor, &self.outputs);
        self.weights = backward(&self.factor, &half);
        half
    }

    /// One more point; the kernel stays. Nothing changes where the covariance could not be factored.
    pub fn add(&mut self, point: &[f64], output: f64) {
        let plain = Plain::of(&self.kernel);
        let covariances: Vec<f64> =
            self.points.iter().map(|p| plain.covariance(p, point, &self.categorical)).collect();
        let row = forward(&self.factor, &covariances);
        let rest = plain.covariance(point, point, &self.categorical) + plain.noise - dot(&row, &row);
        if rest <= 0.0 {
            return;
        }
        self.factor.extend(row);
        self.factor.push(rest.sqrt());
        self.points.push(point.to_vec());
        self.outputs.push(output);
        self.solve();
    }

    /// Mean and deviation at a point, without the noise.
    pub fn predict(&self, point: &[f64]) -> (f64, f64) {
        let plain = Plain::of(&self.kernel);
        self.predict_plain(point, &plain)
    }

    /// The same at many points.
    pub fn predict_all(&self, points: &[Vec<f64>]) -> Vec<(f64, f64)> {
        let plain = Plain::of(&self.kernel);
        points.iter().map(|point| self.predict_plain(point, &plain)).collect()
    }

    fn predict_plain(&self, point: &[f64], plain: &Plain) -> (f64, f64) {
        let covariances: Vec<f64> =
            self.points.iter().map(|p| plain.covariance(p, point, &self.categorical)).collect();
        let half = forward(&self.factor, &covariances);
        let own = plain.covariance(point, point, &self.categorical);
        (dot(&covariances, &self.weights), (own - dot(&half, &half)).max(1e-12).sqrt())
    }
}

/// The Cholesky factor, packed; `None` where the matrix is not positive definite.
fn factorise(mut matrix: Vec<f64>, size: usize) -> Option<Vec<f64>> {
    for i in 0..size {
        let (above, row) = matrix.split_at_mut(start(i));
        for j in 0..=i {
            let sum = if j < i {
                dot(&row[..j], &above[start(j)..start(j) + j])
            } else {
                row[..i].iter().map(|l| l * l).sum()
            };
            let rest = row[j] - sum;
            if j < i {
                row[j] = rest / above[start(j) + j];
            } else if rest > 0.0 && rest.is_finite() {
                row[i] = rest.sqrt();
            } else {
                return None;
            }
        }
    }
    Some(matrix)
}

fn forward(factor: &[f64], b: &[f64]) -> Vec<f64> {
    let mut out: Vec<f64> = Vec::with_capacity(b.len());
    for (i, b) in b.iter().enumerate() {
        let row = &factor[start(i)..start(i) + i + 1];
        let rest = b - dot(&row[..i], &out);
        out.push(rest / row[i]);
    }
    out
}

fn backward(factor: &[f64], b: &[f64]) -> Vec<f64> {
    let mut out = b.to_vec();
    for i in (0..b.len()).rev() {
        let row = &factor[start(i)..start(i) + i + 1];
        out[i] /= row[i];
        let value = out[i];
        out[..i].iter_mut().zip(row).for_each(|(o, l)| *o -= value * l);
    }
    out
}

/// The negative log prior of the kernel's parameters; its gradient is added.
fn penalty(kernel: &Kernel, gradient: &mut [f64]) -> f64 {
    let width = kernel.lengths.len();
    let half_log = 0.5 * (width.max(1) as f64).ln();
    let mut sum = 0.0;
    let mut add = |index: usize, value: f64, (mean, deviation): (f64, f64)| {
        let z = (value - mean) / deviation;
        sum += 0.5 * z * z;
        gradient[index] += z / deviation;
    };
    for (j, length) in kernel.lengths.iter().enumerate() {
        add(j, *length, (half_log + LENGTH_PRIOR.0, LENGTH_PRIOR.1));
    }
    add(width, kernel.variance, VARIANCE_PRIOR);
    add(width + 1, kernel.linear, LINEAR_PRIOR);
    add(width + 2, kernel.noise, NOISE_PRIOR);
    sum
}

/// The negative log posterior and its gradient by the logarithms; infinite where the covariance cannot be factored.
fn posterior(
    kernel: &Kernel,
    categorical: &[bool],
    points: &[Vec<f64>],
    outputs: &[f64],
    gradient: &mut [f64],
) -> f64 {
    let plain = Plain::of(kernel);
    let (n, width) = (points.len(), kernel.lengths.len());
    let mut covariance = Vec::with_capacity(start(n));
    let mut slopes = Vec::with_capacity(start(n));
    let mut products = Vec::with_capacity(start(n));
    let mut correlations = Vec::with_capacity(start(n));
    for (i, a) in points.iter().enumerate() {
        for b in &points[..=i] {
            let (squared, product) = plain.compare(a, b, categorical);
            let (correlation, slope) = matern(squared);
            covariance.push(plain.variance * correlation + plain.linear * product + plain.constant);
            slopes.push(slope);
            products.push(product);
            correlations.push(correlation);
        }
        if let Some(last) = covariance.last_mut() {
            *last += plain.noise;
        }
    }
    let Some(factor) = factorise(covariance, n) else { return f64::INFINITY };
    let half = forward(&factor, outputs);
    let weights = backward(&factor, &half);
    let mut value = 0.5 * dot(&half, &half) + (0..n).map(|i| factor[start(i) + i].ln()).sum::<f64>();
    // The inverse, column by column.
    let mut inverse = vec![0.0; n * n];
    let mut unit = vec![0.0; n];
    for i in 0..n {
        unit.fill(0.0);
        unit[i] = 1.0;
        inverse[i * n..(i + 1) * n].copy_from_slice(&backward(&factor, &forward(&factor, &unit)));
    }
    gradient.fill(0.0);
    let mut at = 0;
    for i in 0..n {
        for j in 0..=i {
            // Half of (K^-1 - w w'), each pair standing twice.
            let twice = if i == j { 0.5 } else { 1.0 };
            let pull = twice * (inverse[i * n + j] - weights[i] * weights[j]);
            if i != j {
                let by_length = pull * plain.variance * (5.0 / 3.0) * slopes[at];
                for k in 0..width {
                    let (a, b) = (points[i][k], points[j][k]);
                    let difference = if categorical[k] { f64::from(a != b) } else { 2.0 * (a - b) };
                    gradient[k] += by_length * difference * difference * plain.inverse_squares[k];
                }
            } else {
                gradient[width + 2] += pull * kernel.noise.exp();
            }
            gradient[width] += pull * plain.variance * correlations[at];
            gradient[width + 1] += pull * plain.linear * products[at];
            at += 1;
        }
    }
    value += penalty(kernel, gradient);
    value
}

#[cfg(test)]
mod tests {
    use hwgym_envs::Random;

    use super::*;

    fn data(count: usize) -> (Vec<bool>, Vec<Vec<f64>>, Vec<f64>) {
        let mut random = Random::new(4);
        let points: Vec<Vec<f64>> =
            (0..count).map(|_| vec![random.uniform(), random.uniform(), random.below(3) as f64]).collect();
        let outputs =
            points.iter().map(|p| 2.0 * p[0] - 1.5 * p[1] + 0.5 * (6.0 * p[0]).sin() + 0.3 * p[2]).collect();
        (vec![false, false, true], points, outputs)
    }

    #[test]
    fn gradient_is_that_of_finite_differences() {
        let (categorical, points, outputs) = data(9);
        let mut kernel = Kernel::expected(3);
        kernel.lengths[1] = 0.2;
        kernel.noise = -3.0;
        let theta = kernel.to_vector();
        let mut gradient = vec![0.0; 6];
        posterior(&kernel, &categorical, &points, &outputs, &mut gradient);
        for j in 0..6 {
            let mut at = |step: f64| {
                let mut moved = theta.clone();
                moved[j] += step;
                kernel.set_vector(&moved);
                posterior(&kernel, &categorical, &points, &outputs, &mut [0.0; 6])
            };
            let difference = (at(1e-5) - at(-1e-5)) / 2e-5;
            assert!((difference - gradient[j]).abs() < 1e-4 * (1.0 + difference.abs()), "{j}");
        }
    }

    #[test]
    fn it_learns_a_trend_and_what_is_left_and_grows_by_a_point() {
        let (categorical, points, outputs) = data(40);
        let first = Kernel::expected(3);
        let mut model = Process::fit(&first, &categorical, &points[..30], &outputs[..30], 30).unwrap();
        for (point, output) in points[30..].iter().zip(&outputs[30..]) {
            let (mean, deviation) = model.predict(point);
            assert!((mean - output).abs() < 0.1 + 4.0 * deviation, "{mean} {output} {deviation}");
            assert!(deviation < 0.5);
        }
        let (point, output) = (&points[35], outputs[35]);
        model.add(point, output);
        let (mean, deviation) = model.predict(point);
        assert!((mean - output).abs() < 0.02 && deviation < 0.1, "{mean} {output} {deviation}");
        let whole: Vec<Vec<f64>> = points[..30].iter().chain([point]).cloned().collect();
        let values: Vec<f64> = outputs[..30].iter().chain([&output]).copied().collect();
        let again = Process::with(model.kernel().clone(), &categorical, &whole, &values).unwrap();
        assert!((again.predict(&points[0]).0 - model.predict(&points[0]).0).abs() < 1e-9);
    }
}
