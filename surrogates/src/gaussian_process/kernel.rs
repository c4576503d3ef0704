//! The Matérn 5/2 kernel with one length per input; categories are compared by equality (a Hamming term in the same distance).
//!
//! `k(a, b) = v (1 + sqrt5 r + 5 r^2 / 3) exp(-sqrt5 r)`, `r^2 = sum_j d_j^2 / l_j^2`, `d_j` the difference of two numbers, or 1 where two
//! categories differ (Rasmussen and Williams 2006, eq. 4.17).

pub(super) const SQRT_5: f64 = 2.236_067_977_499_79;

/// Points as a flat matrix, one row per point, with a mark on each column that holds categories.
#[derive(Clone, Debug, Default)]
pub struct Inputs {
    /// True for a column that is compared by equality only.
    pub categorical: Vec<bool>,
    /// Row-major values; numeric columns in [0, 1].
    pub values: Vec<f64>,
}

impl Inputs {
    /// Points of `categorical.len()` columns each. A partial last row is dropped.
    pub fn new(categorical: Vec<bool>, mut values: Vec<f64>) -> Self {
        let width = categorical.len();
        values.truncate(values.len().checked_div(width).unwrap_or(0) * width);
        Self { categorical, values }
    }

    /// Number of columns.
    pub fn width(&self) -> usize {
        self.categorical.len()
    }

    /// Number of points.
    pub fn len(&self) -> usize {
        self.values.len().checked_div(self.width()).unwrap_or(0)
    }

    /// True without points.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// One point.
    pub fn row(&self, index: usize) -> &[f64] {
        &self.values[index * self.width()..(index + 1) * self.width()]
    }

    /// The points at these indices.
    pub fn select(&self, indices: &[usize]) -> Self {
        let values = indices.iter().flat_map(|i| self.row(*i).iter().copied()).collect();
        Self { categorical: self.categorical.clone(), values }
    }
}

/// `d_j`: see the module.
#[inline]
pub(super) fn difference(a: f64, b: f64, categorical: bool) -> f64 {
    if categorical { f64::from(a != b) } else { a - b }
}

/// `r^2` with `weights[j] = 1 / l_j^2`.
#[inline]
pub(super) fn squared_distance(a: &[f64], b: &[f64], categorical: &[bool], weights: &[f64]) -> f64 {
    let mut sum = 0.0;
    for (((a, b), category), weight) in a.iter().zip(b).zip(categorical).zip(weights) {
        let d = difference(*a, *b, *category);
        sum += d * d * weight;
    }
    sum
}

/// The correlation at `r^2`, and `(1 + sqrt5 r) exp(-sqrt5 r)`, which its derivatives need.
#[inline]
pub(super) fn matern(squared: f64) -> (f64, f64) {
    let s = SQRT_5 * squared.sqrt();
    let decay = (-s).exp();
    ((1.0 + s + squared * (5.0 / 3.0)) * decay, (1.0 + s) * decay)
}
