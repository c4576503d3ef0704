//! Splines through samples, and Brent's root: what SciPy does when AutoCkt reads a bandwidth and a phase off a response.

/// An interpolating spline in the B-spline basis (de Boor, "A Practical Guide to Splines", chapters IX and X).
pub(super) struct Spline {
    degree: usize,
    knots: Vec<f64>,
    coefficients: Vec<f64>,
}

impl Spline {
    /// The cubic through these points, with a knot at every abscissa but the second and the last but one ("not a knot"). Abscissae
    /// ascend. `None` for fewer than 4 points or a system that cannot be solved.
    pub(super) fn cubic(x: &[f64], y: &[f64]) -> Option<Self> {
        let inner = x.get(2..x.len().checked_sub(2)?)?;
        Self::through(x, y, 3, inner.to_vec())
    }

    /// The parabolas through these points, with a knot midway between neighbours, except the first and the last two. `None` for fewer
    /// than 3 points.
    pub(super) fn quadratic(x: &[f64], y: &[f64]) -> Option<Self> {
        let midpoints: Vec<f64> = x.windows(2).map(|pair| 0.5 * (pair[0] + pair[1])).collect();
        let inner = midpoints.get(1..midpoints.len().checked_sub(1)?)?;
        Self::through(x, y, 2, inner.to_vec())
    }

    fn through(x: &[f64], y: &[f64], degree: usize, inner: Vec<f64>) -> Option<Self> {
        let (first, last) = (*x.first()?, *x.last()?);
        let mut knots = vec![first; degree + 1];
        knots.extend(inner);
        knots.extend(vec![last; degree + 1]);
        let n = x.len();
        if n <= degree || y.len() != n || knots.len() != n + degree + 1 {
            return None;
        }
        let mut spline = Self { degree, knots, coefficients: Vec::new() };
        // Collocation: totally positive and banded, so elimination needs no pivots.
        let mut rows = vec![vec![0.0; n]; n];
        for (row, x) in rows.iter_mut().zip(x) {
            let (span, basis) = spline.basis(*x);
            row[span - degree..=span].copy_from_slice(&basis[..=degree]);
        }
        let mut right = y.to_vec();
        for pivot in 0..n {
            if rows[pivot][pivot] == 0.0 {
                return None;
            }
            for row in pivot + 1..(pivot + degree + 1).min(n) {
                let factor = rows[row][pivot] / rows[pivot][pivot];
                if factor != 0.0 {
                    for column in pivot..(pivot + degree + 1).min(n) {
                        rows[row][column] -= factor * rows[pivot][column];
                    }
                    right[row] -= factor * right[pivot];
                }
            }
        }
        for pivot in (0..n).rev() {
            let known: f64 =
                (pivot + 1..(pivot + degree + 1).min(n)).map(|c| rows[pivot][c] * right[c]).sum();
            right[pivot] = (right[pivot] - known) / rows[pivot][pivot];
        }
        spline.coefficients = right;
        Some(spline)
    }

    /// The span of `x`, and the basis functions that are not 0 there, the first of which belongs to `span - degree`.
    fn basis(&self, x: f64) -> (usize, [f64; 4]) {
        let (degree, t) = (self.degree, &self.knots);
        let last = t.len() - degree - 2;
        let span = (t.partition_point(|knot| *knot <= x)).saturating_sub(1).clamp(degree, last);
        let mut basis = [1.0, 0.0, 0.0, 0.0];
        for order in 1..=degree {
            let mut carried = 0.0;
            for k in 0..order {
                let (right, left) = (t[span + k + 1], t[span + 1 + k - order]);
                let share = basis[k] / (right - left);
                basis[k] = carried + (right - x) * share;
                carried = (x - left) * share;
            }
            basis[order] = carried;
        }
        (span, basis)
    }

    /// The value at `x`.
    pub(super) fn at(&self, x: f64) -> f64 {
        let (span, basis) = self.basis(x);
        let coefficients = &self.coefficients[span - self.degree..=span];
        coefficients.iter().zip(basis).map(|(c, b)| c * b).sum()
    }
}

/// A root of `f` between `a` and `b` by Brent's method ("Algorithms for Minimization without Derivatives", 1973, chapter 4), to the last
/// digit; `None` where `f` has the same sign at both ends. Where there are several roots the steps decide which one is found, so they are
/// those of SciPy's `brentq`.
pub(super) fn brent_root(f: impl Fn(f64) -> f64, a: f64, b: f64) -> Option<f64> {
    const ABSOLUTE: f64 = 2e-12;
    const RELATIVE: f64 = 4.0 * f64::EPSILON;
    let (mut previous, mut current) = ((a, f(a)), (b, f(b)));
    if previous.1 == 0.0 {
        return Some(a);
    }
    if current.1 == 0.0 {
        return Some(b);
    }
    if previous.1 * current.1 > 0.0 || previous.1.is_nan() || current.1.is_nan() {
        return None;
    }
    // The end that brackets the root together with `current`, and the last two steps.
    let mut other = previous;
    let (mut step_before, mut step) = (0.0, 0.0);
    for _ in 0..100 {
        if previous.1 != 0.0 && current.1 != 0.0 && previous.1.signum() != current.1.signum() {
            other = previous;
            step = current.0 - previous.0;
            step_before = step;
        }
        if other.1.abs() < current.1.abs() {
            previous = current;
            current = other;
            other = previous;
        }
        let tolerance = 0.5 * (ABSOLUTE + RELATIVE * current.0.abs());
        let half = 0.5 * (other.0 - current.0);
        if current.1 == 0.0 || half.abs() < tolerance {
            break;
        }
        let mut next = None;
        if step_before.abs() > tolerance && current.1.abs() < previous.1.abs() {
            let trial = if previous.0 == other.0 {
                -current.1 * (current.0 - previous.0) / (current.1 - previous.1)
            } else {
                let slope = |end: (f64, f64)| (end.1 - current.1) / (end.0 - current.0);
                let (p, o) = (slope(previous), slope(other));
                -current.1 * (other.1 * o - previous.1 * p) / (o * p * (other.1 - previous.1))
            };
            if 2.0 * trial.abs() < step_before.abs().min(3.0 * half.abs() - tolerance) {
                next = Some(trial);
            }
        }
        (step_before, step) = next.map_or((half, half), |trial| (step, trial));
        previous = current;
        let moved = if step.abs() > tolerance { step } else { tolerance.copysign(half) };
        current.0 += moved;
        current.1 = f(current.0);
    }
    Some(current.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn polynomials_are_reproduced() {
        let x = [0.0, 1.0, 2.5, 3.0, 7.0, 8.0, 11.0];
        let cubic = |x: f64| 1.0 - 2.0 * x + 0.3 * x * x - 0.05 * x * x * x;
        let spline = Spline::cubic(&x, &x.map(cubic)).unwrap();
        let parabola = |x: f64| 4.0 + x - 0.7 * x * x;
        let quadratic = Spline::quadratic(&x, &x.map(parabola)).unwrap();
        for k in 0..=110 {
            let x = f64::from(k) / 10.0;
            assert!((spline.at(x) - cubic(x)).abs() < 1e-10, "{x}");
            assert!((quadratic.at(x) - parabola(x)).abs() < 1e-10, "{x}");
        }
        assert!(Spline::cubic(&x[..3], &x[..3]).is_none() && Spline::quadratic(&x[..2], &x[..2]).is_none());
    }

    /// Gain, two poles, unity-gain frequency, all in Hz, and phase there, degrees.
    const CASES: [(f64, f64, f64, f64, f64); 4] = [
        (350.0, 2e4, 3e7, 6_824_832.542_312_649, -102.648_485_295_558_49),
        (250.0, 1e3, 2e8, 249_996.471_793_906_97, -89.842_420_659_610_13),
        (380.0, 9e4, 2e7, 22_637_521.667_157_788, -138.310_671_410_817),
        (1.5, 1e2, 1e9, 111.807_629_449_492_28, -48.191_703_236_813_88),
    ];

    #[test]
    fn bandwidth_and_phase_are_scipys() {
        // Two poles, ten points per decade from 1 Hz to 10 GHz; SciPy 1.17: InterpolatedUnivariateSpline, interp1d(kind="quadratic"), brentq.
        let frequencies: Vec<f64> = (0..=100).map(|k| 10f64.powf(f64::from(k) / 10.0)).collect();
        for (gain, first, second, unity, phase) in CASES {
            let (magnitude, angle): (Vec<f64>, Vec<f64>) = frequencies
                .iter()
                .map(|f| {
                    let (a, b) = (f / first, f / second);
                    (gain / ((1.0 + a * a) * (1.0 + b * b)).sqrt(), -(a.atan() + b.atan()).to_degrees())
                })
                .unzip();
            let spline = Spline::cubic(&frequencies, &magnitude).unwrap();
            let root = brent_root(|f| spline.at(f) - 1.0, 1.0, 1e10).unwrap();
            assert!((root / unity - 1.0).abs() < 1e-9, "{root} {unity}");
            let found = Spline::quadratic(&frequencies, &angle).unwrap().at(root);
            assert!((found / phase - 1.0).abs() < 1e-8, "{found} {phase}");
        }
    }

    #[test]
    fn roots_need_a_change_of_sign() {
        assert!(brent_root(|x| x * x + 1.0, -1.0, 1.0).is_none());
        let root = brent_root(|x| x * x * x - 2.0, 0.0, 2.0).unwrap();
        assert!((root - 2f64.cbrt()).abs() < 2e-12);
    }
}
