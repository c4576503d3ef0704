//! Cholesky factors of small symmetric matrices, packed by rows, with the inverse of the factor and rank-one growth; past some size by
//! halves, in products of matrices.

use ndarray::linalg::general_mat_mul;
use ndarray::{Array2, ArrayView2, ArrayViewMut2, Axis, s};

/// A pivot at or below this is a failure.
const SMALLEST_PIVOT: f64 = 1e-14;

/// From this size on, working by halves is faster than the plain loops.
const BLOCKED_FROM: usize = 192;

/// Blocks up to this size are factored by the plain loops.
const BLOCK: usize = 64;

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
            return Self::by_halves(&matrix, size);
        }
        Self::plain(matrix, size)
    }

    fn plain(matrix: Vec<f64>, size: usize) -> Option<Self> {
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

    /// By halves, so that nearly all of the work is in products of matrices.
    fn by_halves(matrix: &[f64], size: usize) -> Option<Self> {
        let mut factor = unpack(matrix, size);
        let mut inverse = Array2::zeros((size, size));
        halve(factor.view_mut(), inverse.view_mut())?;
        Some(Self { factor: pack(factor.view()), inverse: pack(inverse.view()), size })
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

    /// `L^-1` as a full matrix, for [`forward_many`](Self::forward_many).
    pub fn full_inverse(&self) -> Array2<f64> {
        unpack(&self.inverse, self.size)
    }

    /// `out = L^-1 b` for many right-hand sides, one per column, in products of matrices that leave the upper triangle out.
    pub fn forward_many(full_inverse: &Array2<f64>, b: ArrayView2<f64>, mut out: ArrayViewMut2<f64>) {
        const ROWS: usize = 128;
        let size = full_inverse.nrows();
        for first in (0..size).step_by(ROWS) {
            let end = (first + ROWS).min(size);
            let rows = full_inverse.slice(s![first..end, ..end]);
            let mut out = out.slice_mut(s![first..end, ..]);
            general_mat_mul(1.0, &rows, &b.slice(s![..end, ..]), 0.0, &mut out);
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
        if self.size >= BLOCKED_FROM {
            let lower = unpack(&self.inverse, self.size);
            return pack(lower.t().dot(&lower).view());
        }
        let mut inverse = vec![0.0; start(self.size)];
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

/// Factors the lower triangle of a symmetric matrix in place and writes the factor's inverse. A block of twice the size has the factor
/// `[L 0; B M]` and its inverse `[L' 0; -M' B L' M']`, where `B` is the lower left quarter times `L'^T`, and `M` the factor of what
/// `B B^T` leaves of the lower right one. Above the diagonal, `factor` and `inverse` are zero.
fn halve(mut factor: ArrayViewMut2<f64>, mut inverse: ArrayViewMut2<f64>) -> Option<()> {
    let size = factor.nrows();
    if size <= BLOCK {
        let plain = Cholesky::plain(pack(factor.view()), size)?;
        for i in 0..size {
            for j in 0..=i {
                factor[[i, j]] = plain.factor[start(i) + j];
                inverse[[i, j]] = plain.inverse[start(i) + j];
            }
        }
        return Some(());
    }
    let half = size / 2;
    let (upper, lower) = factor.view_mut().split_at(Axis(0), half);
    let (mut left, _) = upper.split_at(Axis(1), half);
    let (mut corner, mut right) = lower.split_at(Axis(1), half);
    let (inverse_upper, inverse_lower) = inverse.view_mut().split_at(Axis(0), half);
    let (mut inverse_left, _) = inverse_upper.split_at(Axis(1), half);
    let (mut inverse_corner, mut inverse_right) = inverse_lower.split_at(Axis(1), half);
    halve(left.view_mut(), inverse_left.view_mut())?;
    corner.assign(&corner.dot(&inverse_left.t()));
    general_mat_mul(-1.0, &corner, &corner.t(), 1.0, &mut right);
    halve(right.view_mut(), inverse_right.view_mut())?;
    general_mat_mul(-1.0, &inverse_right, &corner.dot(&inverse_left), 0.0, &mut inverse_corner);
    Some(())
}

/// The lower triangle, packed by rows.
fn pack(matrix: ArrayView2<f64>) -> Vec<f64> {
    (0..matrix.nrows()).flat_map(|i| matrix.slice(s![i, ..=i])).copied().collect()
}

/// The reverse of `pack`, with zeros above the diagonal.
fn unpack(packed: &[f64], size: usize) -> Array2<f64> {
    Array2::from_shape_fn((size, size), |(i, j)| if j <= i { packed[start(i) + j] } else { 0.0 })
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
