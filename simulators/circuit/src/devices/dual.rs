//! Forward-mode automatic derivatives: a value with its partials over three voltages.
//!
//! Four `f64` in one 32-byte register: lane 0 is the value, lanes 1 to 3 the partials with respect to the gate, drain and
//! body voltage. Every operation is written lane by lane so that the compiler makes vector code of it.

use std::ops::{Add, Div, Mul, Neg, Sub};

/// A value and its partial derivatives with respect to (gate, drain, body) voltage.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
#[repr(align(32))]
pub struct Dual(pub [f64; 4]);

impl Dual {
    /// Zero.
    pub const ZERO: Self = Self([0.0; 4]);

    /// A constant.
    #[inline(always)]
    #[must_use]
    pub fn constant(v: f64) -> Self {
        Self([v, 0.0, 0.0, 0.0])
    }

    /// An independent variable: lane 0 is the gate, 1 the drain, 2 the body voltage.
    #[inline(always)]
    #[must_use]
    pub fn variable(v: f64, lane: usize) -> Self {
        let mut x = [v, 0.0, 0.0, 0.0];
        x[lane + 1] = 1.0;
        Self(x)
    }

    /// The value.
    #[inline(always)]
    #[must_use]
    pub fn v(self) -> f64 {
        self.0[0]
    }

    /// The partial derivative of a lane (0 gate, 1 drain, 2 body).
    #[inline(always)]
    #[must_use]
    pub fn d(self, lane: usize) -> f64 {
        self.0[lane + 1]
    }

    /// `f(self)`, given the function's value and slope there.
    #[inline(always)]
    #[must_use]
    pub fn chain(self, value: f64, slope: f64) -> Self {
        let a = self.0;
        Self([value, slope * a[1], slope * a[2], slope * a[3]])
    }

    /// The value alone, derivatives stopped.
    #[inline(always)]
    #[must_use]
    pub fn frozen(self) -> Self {
        Self::constant(self.v())
    }

    /// Square.
    #[inline(always)]
    #[must_use]
    pub fn squared(self) -> Self {
        self * self
    }

    /// Square root.
    #[inline(always)]
    #[must_use]
    pub fn sqrt(self) -> Self {
        let s = self.v().sqrt();
        self.chain(s, 0.5 / s)
    }

    /// Natural logarithm.
    #[inline(always)]
    #[must_use]
    pub fn ln(self) -> Self {
        self.chain(self.v().ln(), 1.0 / self.v())
    }

    /// Exponential.
    #[inline(always)]
    #[must_use]
    pub fn exp(self) -> Self {
        let e = self.v().exp();
        self.chain(e, e)
    }

    /// Power with a constant exponent, of a positive value.
    #[inline(always)]
    #[must_use]
    pub fn powf(self, exponent: f64) -> Self {
        let p = self.v().powf(exponent);
        self.chain(p, exponent * p / self.v())
    }

    /// Reciprocal.
    #[inline(always)]
    #[must_use]
    pub fn recip(self) -> Self {
        let r = 1.0 / self.v();
        self.chain(r, -r * r)
    }
}

impl Add for Dual {
    type Output = Self;
    #[inline(always)]
    fn add(self, o: Self) -> Self {
        let (a, b) = (self.0, o.0);
        Self([a[0] + b[0], a[1] + b[1], a[2] + b[2], a[3] + b[3]])
    }
}

impl Sub for Dual {
    type Output = Self;
    #[inline(always)]
    fn sub(self, o: Self) -> Self {
        let (a, b) = (self.0, o.0);
        Self([a[0] - b[0], a[1] - b[1], a[2] - b[2], a[3] - b[3]])
    }
}

impl Mul for Dual {
    type Output = Self;
    #[inline(always)]
    fn mul(self, o: Self) -> Self {
        let (a, b) = (self.0, o.0);
        Self([a[0] * b[0], a[0] * b[1] + a[1] * b[0], a[0] * b[2] + a[2] * b[0], a[0] * b[3] + a[3] * b[0]])
    }
}

impl Div for Dual {
    type Output = Self;
    #[inline(always)]
    fn div(self, o: Self) -> Self {
        let (a, b) = (self.0, o.0);
        let q = a[0] / b[0];
        let r = 1.0 / b[0];
        Self([q, (a[1] - q * b[1]) * r, (a[2] - q * b[2]) * r, (a[3] - q * b[3]) * r])
    }
}

impl Neg for Dual {
    type Output = Self;
    #[inline(always)]
    fn neg(self) -> Self {
        let a = self.0;
        Self([-a[0], -a[1], -a[2], -a[3]])
    }
}

impl Add<f64> for Dual {
    type Output = Self;
    #[inline(always)]
    fn add(mut self, o: f64) -> Self {
        self.0[0] += o;
        self
    }
}

impl Sub<f64> for Dual {
    type Output = Self;
    #[inline(always)]
    fn sub(mut self, o: f64) -> Self {
        self.0[0] -= o;
        self
    }
}

impl Mul<f64> for Dual {
    type Output = Self;
    #[inline(always)]
    fn mul(self, o: f64) -> Self {
        let a = self.0;
        Self([a[0] * o, a[1] * o, a[2] * o, a[3] * o])
    }
}

impl Div<f64> for Dual {
    type Output = Self;
    #[inline(always)]
    fn div(self, o: f64) -> Self {
        let a = self.0;
        let r = 1.0 / o;
        Self([a[0] / o, a[1] * r, a[2] * r, a[3] * r])
    }
}

impl Add<Dual> for f64 {
    type Output = Dual;
    #[inline(always)]
    fn add(self, o: Dual) -> Dual {
        o + self
    }
}

impl Sub<Dual> for f64 {
    type Output = Dual;
    #[inline(always)]
    fn sub(self, o: Dual) -> Dual {
        -o + self
    }
}

impl Mul<Dual> for f64 {
    type Output = Dual;
    #[inline(always)]
    fn mul(self, o: Dual) -> Dual {
        o * self
    }
}

impl Div<Dual> for f64 {
    type Output = Dual;
    #[inline(always)]
    fn div(self, o: Dual) -> Dual {
        let q = self / o.v();
        o.chain(q, -q / o.v())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A function that uses every operation, on duals and on plain numbers.
    fn sample(g: Dual, d: Dual, b: Dual) -> Dual {
        ((g * d + 2.0) / (b - 3.0)).squared().sqrt().ln().exp()
            + (1.0 - d).recip() * 0.5
            + 2.0 / g
            + (g + 1.0).powf(0.7)
            - b / 4.0
            + (3.0 - b) * d.chain(d.v().sin(), d.v().cos())
    }

    #[test]
    fn partials_agree_with_differences() {
        let at =
            |x: [f64; 3]| sample(Dual::variable(x[0], 0), Dual::variable(x[1], 1), Dual::variable(x[2], 2));
        let x = [0.8, 0.3, -0.4];
        let exact = at(x);
        for lane in 0..3 {
            let h = 1e-6;
            let (mut low, mut high) = (x, x);
            low[lane] -= h;
            high[lane] += h;
            let slope = (at(high).v() - at(low).v()) / (2.0 * h);
            assert!((slope - exact.d(lane)).abs() < 1e-8, "lane {lane}: {slope} {}", exact.d(lane));
        }
    }
}
