//! Transforms of outputs before a model is fitted: identity, logarithm, bilog and Yeo-Johnson, to be compared by evidence.

/// A monotone transform of an output.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Transform {
    /// `y`.
    Identity,
    /// `ln(y + shift)`.
    Log {
        /// What makes every output positive.
        shift: f64,
    },
    /// `sign(y) ln(1 + |y| / scale)`; it keeps 0.
    Bilog {
        /// Typical size of the output.
        scale: f64,
    },
    /// Yeo and Johnson's power transform (2000) of `(y - centre) / scale`; it keeps 0 where `centre` is 0.
    YeoJohnson {
        /// The power; 1 is the identity.
        power: f64,
        /// What is taken off first.
        centre: f64,
        /// What it is divided by then.
        scale: f64,
    },
}

impl Transform {
    /// The transformed output.
    pub fn apply(&self, y: f64) -> f64 {
        match *self {
            Self::Identity => y,
            Self::Log { shift } => (y + shift).max(f64::MIN_POSITIVE).ln(),
            Self::Bilog { scale } => y.signum() * (y.abs() / scale).ln_1p(),
            Self::YeoJohnson { power, centre, scale } => yeo_johnson((y - centre) / scale, power),
        }
    }

    /// `ln T'(y)`.
    pub fn log_derivative(&self, y: f64) -> f64 {
        match *self {
            Self::Identity => 0.0,
            Self::Log { shift } => -(y + shift).max(f64::MIN_POSITIVE).ln(),
            Self::Bilog { scale } => -(scale + y.abs()).ln(),
            Self::YeoJohnson { power, centre, scale } => {
                yeo_johnson_log_derivative((y - centre) / scale, power) - scale.ln()
            }
        }
    }

    /// The output that transforms to this, as near as the transform's range allows.
    pub fn invert(&self, t: f64) -> f64 {
        match *self {
            Self::Identity => t,
            Self::Log { shift } => t.exp() - shift,
            Self::Bilog { scale } => t.signum() * scale * t.abs().exp_m1(),
            Self::YeoJohnson { power, centre, scale } => {
                let inverse = if t >= 0.0 {
                    if power.abs() < 1e-12 {
                        t.exp_m1()
                    } else {
                        (1.0 + power * t).max(1e-9).powf(1.0 / power) - 1.0
                    }
                } else if (power - 2.0).abs() < 1e-12 {
                    1.0 - (-t).exp()
                } else {
                    1.0 - (1.0 - (2.0 - power) * t).max(1e-9).powf(1.0 / (2.0 - power))
                };
                centre + scale * inverse
            }
        }
    }

    /// The transforms worth trying for a quantity to be minimised.
    pub fn candidates_for_objective(outputs: &[f64]) -> Vec<Self> {
        let (lowest, median) = (outputs.iter().copied().fold(f64::INFINITY, f64::min), median(outputs));
        let shift = if lowest > 0.0 { 0.0 } else { 0.1 * (median - lowest) - lowest };
        let spread = median_of(outputs.iter().map(|y| (y - median).abs()));
        let mut candidates = vec![Self::Identity];
        if lowest + shift > 0.0 {
            candidates.push(Self::Log { shift });
        }
        if spread > 0.0 {
            candidates.push(Self::fitted_yeo_johnson(outputs, median, spread));
        }
        candidates
    }

    /// The transforms worth trying for a constraint `y <= 0`: all of them keep 0.
    pub fn candidates_for_constraint(outputs: &[f64]) -> Vec<Self> {
        let scale = median_of(outputs.iter().map(|y| y.abs()));
        let mut candidates = vec![Self::Identity];
        if scale > 0.0 {
            candidates.push(Self::Bilog { scale });
            candidates.push(Self::fitted_yeo_johnson(outputs, 0.0, scale));
        }
        candidates
    }

    /// The power of -1, -0.75, ... 3 under which the outputs look most normal, by the marginal likelihood with the Jacobian.
    pub fn fitted_yeo_johnson(outputs: &[f64], centre: f64, scale: f64) -> Self {
        let mut best = (f64::NEG_INFINITY, 1.0);
        for step in 0..=16 {
            let power = -1.0 + 0.25 * f64::from(step);
            let transform = Self::YeoJohnson { power, centre, scale };
            let (_, deviation) = moments(outputs.iter().map(|y| transform.apply(*y)));
            let jacobian: f64 = outputs.iter().map(|y| transform.log_derivative(*y)).sum();
            let likelihood = jacobian - outputs.len() as f64 * deviation.ln();
            if likelihood > best.0 && deviation > 0.0 && deviation.is_finite() {
                best = (likelihood, power);
            }
        }
        Self::YeoJohnson { power: best.1, centre, scale }
    }
}

/// A transform and the standardisation after it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TransformedOutput {
    /// The transform.
    pub transform: Transform,
    /// Mean of the transformed outputs.
    pub mean: f64,
    /// Their standard deviation; 1 where they are all the same.
    pub deviation: f64,
}

impl TransformedOutput {
    /// The standardisation that these outputs ask for after this transform.
    pub fn new(transform: Transform, outputs: &[f64]) -> Self {
        let (mean, deviation) = moments(outputs.iter().map(|y| transform.apply(*y)));
        let usable = deviation.is_finite() && deviation > 1e-12 * mean.abs().max(1e-300);
        Self { transform, mean, deviation: if usable { deviation } else { 1.0 } }
    }

    /// The output as the model sees it.
    pub fn apply(&self, y: f64) -> f64 {
        (self.transform.apply(y) - self.mean) / self.deviation
    }

    /// The output behind a value that the model sees.
    pub fn invert(&self, z: f64) -> f64 {
        self.transform.invert(self.mean + self.deviation * z)
    }

    /// `sum_i ln (d apply / dy)(y_i)`: what makes the evidence under different transforms comparable.
    pub fn log_jacobian(&self, outputs: &[f64]) -> f64 {
        outputs.iter().map(|y| self.transform.log_derivative(*y) - self.deviation.ln()).sum()
    }
}

/// The median; 0 of nothing.
pub fn median(values: &[f64]) -> f64 {
    median_of(values.iter().copied())
}

fn median_of(values: impl Iterator<Item = f64>) -> f64 {
    let mut sorted: Vec<f64> = values.collect();
    sorted.sort_by(f64::total_cmp);
    match sorted.len() {
        0 => 0.0,
        n if n % 2 == 1 => sorted[n / 2],
        n => 0.5 * (sorted[n / 2 - 1] + sorted[n / 2]),
    }
}

/// Mean and (population) standard deviation; the sum of squares is taken about the mean.
pub fn moments(values: impl Iterator<Item = f64> + Clone) -> (f64, f64) {
    let (count, sum) = values.clone().fold((0usize, 0.0), |(n, sum), value| (n + 1, sum + value));
    let mean = sum / count.max(1) as f64;
    let squares: f64 = values.map(|value| (value - mean).powi(2)).sum();
    (mean, (squares / count.max(1) as f64).sqrt())
}

fn yeo_johnson(x: f64, power: f64) -> f64 {
    if x >= 0.0 {
        if power.abs() < 1e-12 { x.ln_1p() } else { ((1.0 + x).powf(power) - 1.0) / power }
    } else if (power - 2.0).abs() < 1e-12 {
        -(-x).ln_1p()
    } else {
        -((1.0 - x).powf(2.0 - power) - 1.0) / (2.0 - power)
    }
}

fn yeo_johnson_log_derivative(x: f64, power: f64) -> f64 {
    if x >= 0.0 { (power - 1.0) * x.ln_1p() } else { (1.0 - power) * (-x).ln_1p() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transforms_invert_and_know_their_slope() {
        let transforms = [
            Transform::Identity,
            Transform::Log { shift: 4.0 },
            Transform::Bilog { scale: 0.7 },
            Transform::YeoJohnson { power: -0.5, centre: 0.2, scale: 2.0 },
            Transform::YeoJohnson { power: 0.0, centre: 0.2, scale: 2.0 },
            Transform::YeoJohnson { power: 2.0, centre: 0.2, scale: 2.0 },
        ];
        for transform in transforms {
            for y in [-3.0, -0.4, 0.3, 5.0] {
                assert!((transform.invert(transform.apply(y)) - y).abs() < 1e-9, "{transform:?} at {y}");
                let slope = (transform.apply(y + 1e-6) - transform.apply(y - 1e-6)) / 2e-6;
                assert!((slope.ln() - transform.log_derivative(y)).abs() < 1e-6, "{transform:?} at {y}");
            }
        }
    }

    #[test]
    fn a_skewed_output_asks_for_a_small_power() {
        let outputs: Vec<f64> = (0..50).map(|i| (0.2 * f64::from(i)).exp()).collect();
        let Transform::YeoJohnson { power, .. } = Transform::fitted_yeo_johnson(&outputs, 0.0, 1.0) else {
            return;
        };
        assert!(power <= 0.25, "{power}");
    }
}
