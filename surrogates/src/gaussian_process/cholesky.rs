//! Cholesky factors of small symmetric matrices, packed by rows, with the inverse of the factor and rank-one growth; faer past some size.

use faer::linalg::triangular_inverse::invert_lower_triangular;
use faer::{Mat, Par, Side};

/// A pivot at or below this is a failure.
const SMALLEST_PIVOT: f64 = 1e-14;

/// From this size on, faer's blocked algorithm is faster than the plain loops.
const BLOCKED_FROM: usize = 192;

/// Start of a row in a packed lower triangle.
#[inline]
pub(super) fn start(row: usize) -> usize {
    row * (row + 1) / 2
}

/// A Cholesky factor `L` and its inverse, both packed by rows.
#[derive(Clone, Debug, Default)]
pub(super) struct Cholesky {
    pub factor: Vec<f64>,
    pub inverse: Vec<f64>,
    pub size: usize,
}

impl Cholesky {
    /// Factors a packed symmetric matrix. `None` where it is not positive definite.
    pub fn new(matrix: Vec<f64>, size: usize) -> Option<Self> {
        if size >= BLOCKED_FROM {
            return Self::blocked(&matrix, size);
        }
        let mut factor = matrix;
        for i in 0..size {
            let (above, rest) = factor.split_at_mut(start(i));
            let row = &mut rest[..=i];
            for j in 0..i {
                let other = &above[start(j)..=start(j) + j];
                row[j] = (row[j] - dot(&row[..j], &other[..j])) / other[j];
            }
            let pivot = row[i] - dot(&row[..i], &row[..i]);
            if pivot.is_nan() || pivot <= SMALLEST_PIVOT {
                return None;
            }
            row[i] = pivot.sqrt();
        }
        let mut inverse = vec![0.0; start(size)];
        for i in 0..size {
            invert_row(&factor[start(i)..=start(i) + i], i, &mut inverse);
        }
        Some(Self { factor, inverse, size })
    }

    fn blocked(matrix: &[f64], size: usize) -> Option<Self> {
        let full = Mat::from_fn(size, size, |i, j| matrix[start(i.max(j)) + i.min(j)]);
        let decomposed = full.llt(Side::Lower).ok()?;
        let lower = decomposed.L();
        let mut inverted = Mat::<f64>::zeros(size, size);
        invert_lower_triangular(inverted.as_mut(), lower, Par::Seq);
        let mut factor = Vec::with_capacity(start(size));
        let mut inverse = Vec::with_capacity(start(size));
        for i in 0..size {
            let pivot: f64 = lower[(i, i)] * lower[(i, i)];
            if pivot.is_nan() || pivot <= SMALLEST_PIVOT {
                return None;
            }
            factor.extend((0..=i).map(|j| lower[(i, j)]));
            inverse.extend((0..=i).map(|j| inverted[(i, j)]));
        }
        Some(Self { factor, inverse, size })
    }

    /// Adds a row and column: `covariances` with the points so far, and its own `variance`. False where that is not positive definite;
    /// the factor is then unchanged.
    pub fn grow(&mut self, covariances: &[f64], variance: f64) -> bool {
        let mut row = vec![0.0; self.size];
        self.forward(covariances, &mut row);
        let pivot = variance - dot(&row, &row);
        if pivot.is_nan() || pivot <= SMALLEST_PIVOT {
            return false;
        }
        self.factor.extend_from_slice(&row);
        self.factor.push(pivot.sqrt());
        self.inverse.resize(start(self.size + 1), 0.0);
        let from = start(self.size);
        invert_row(&self.factor[from..], self.size, &mut self.inverse);
        self.size += 1;
        true
    }

    /// `out = L^-1 b`.
    pub fn forward(&self, b: &[f64], out: &mut [f64]) {
        for (i, place) in out.iter_mut().enumerate().take(self.size) {
            *place = dot(&self.inverse[start(i)..=start(i) + i], &b[..=i]);
        }
    }

    /// `out = L^-T b`.
    pub fn backward(&self, b: &[f64], out: &mut [f64]) {
        out[..self.size].fill(0.0);
        for (i, factor) in b.iter().enumerate().take(self.size) {
            axpy(*factor, &self.inverse[start(i)..=start(i) + i], &mut out[..=i]);
        }
    }

    /// The packed inverse of the matrix that was factored.
    pub fn matrix_inverse(&self) -> Vec<f64> {
        let mut inverse = vec![0.0; start(self.size)];
        if self.size >= BLOCKED_FROM {
            let lower =
                Mat::from_fn(
                    self.size,
                    self.size,
                    |i, j| {
                        if j <= i { self.inverse[start(i) + j] } else { 0.0 }
                    },
                );
            let product = lower.transpose() * &lower;
            for i in 0..self.size {
                for j in 0..=i {
                    inverse[start(i) + j] = product[(i, j)];
                }
            }
            return inverse;
        }
        for k in 0..self.size {
            let row = &self.inverse[start(k)..=start(k) + k];
            for i in 0..=k {
                axpy(row[i], &row[..=i], &mut inverse[start(i)..=start(i) + i]);
            }
        }
        inverse
    }

    /// Half the logarithm of the determinant.
    pub fn half_log_determinant(&self) -> f64 {
        (0..self.size).map(|i| self.factor[start(i) + i].ln()).sum()
    }
}

/// Row `i` of the inverse, from row `i` of the factor and the rows above.
fn invert_row(row: &[f64], i: usize, inverse: &mut [f64]) {
    let (above, rest) = inverse.split_at_mut(start(i));
    let target = &mut rest[..=i];
    target.fill(0.0);
    for k in 0..i {
        axpy(row[k], &above[start(k)..=start(k) + k], &mut target[..=k]);
    }
    let scale = 1.0 / row[i];
    target[..i].iter_mut().for_each(|t| *t *= -scale);
    target[i] = scale;
}

/// Scalar product, in four independent sums so that it vectorises.
#[inline]
pub(super) fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut sums = [0.0; 8];
    let (a8, b8) = (a.chunks_exact(8), b.chunks_exact(8));
    let tail: f64 = a8.remainder().iter().zip(b8.remainder()).map(|(x, y)| x * y).sum();
    for (x, y) in a8.zip(b8) {
        for lane in 0..8 {
            sums[lane] += x[lane] * y[lane];
        }
    }
    tail + ((sums[0] + sums[1]) + (sums[2] + sums[3])) + ((sums[4] + sums[5]) + (sums[6] + sums[7]))
}

/// `y += a x`.
#[inline]
pub(super) fn axpy(a: f64, x: &[f64], y: &mut [f64]) {
    y.iter_mut().zip(x).for_each(|(y, x)| *y += a * x);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matrix(size: usize) -> Vec<f64> {
        let entry = |i: usize, j: usize| (-0.3 * (i as f64 - j as f64).abs()).exp() + f64::from(i == j) * 0.1;
        (0..size).flat_map(|i| (0..=i).map(move |j| entry(i, j))).collect()
    }

    #[test]
    fn growing_and_blocking_agree_with_factoring_at_once() -> Result<(), &'static str> {
        let size = BLOCKED_FROM + 3;
        let whole = Cholesky::new(matrix(size), size).ok_or("not positive definite")?;
        let mut grown = Cholesky::new(matrix(5), 5).ok_or("not positive definite")?;
        let full = matrix(size);
        for i in 5..size {
            let row = &full[start(i)..=start(i) + i];
            assert!(grown.grow(&row[..i], row[i]));
        }
        for (a, b) in whole.inverse.iter().zip(&grown.inverse) {
            assert!((a - b).abs() < 1e-9);
        }
        let inverse = grown.matrix_inverse();
        let product: f64 =
            (0..size).map(|k| full[start(k.max(2)) + k.min(2)] * inverse[start(k.max(2)) + k.min(2)]).sum();
        assert!((product - 1.0).abs() < 1e-9);
        Ok(())
    }

    #[test]
    fn an_indefinite_matrix_is_refused() {
        assert!(Cholesky::new(vec![1.0, 2.0, 1.0], 2).is_none());
        assert!(Cholesky::new(vec![f64::NAN], 1).is_none());
    }
}
