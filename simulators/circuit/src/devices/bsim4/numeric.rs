//! BSIM4's own constants and its guarded exponentials and smoothing functions.

use crate::devices::dual::Dual;

/// Boltzmann constant over elementary charge, V/K (BSIM4's value).
pub(super) const KBOQ: f64 = 8.617_087e-5;
/// Vacuum permittivity, F/m (BSIM4's value).
pub(super) const EPS0: f64 = 8.854_18e-12;
/// Permittivity of silicon, F/m (BSIM4's value).
pub(super) const ESI: f64 = 1.035_94e-10;
/// Elementary charge, C (BSIM4's value).
pub(super) const QM: f64 = 1.602_19e-19;
/// Pi, to BSIM4's digits.
#[allow(clippy::approx_constant)]
pub(super) const PI: f64 = 3.141_592_654;
/// Largest exponential that the model forms, exp(34).
pub(super) const MAX_EXP: f64 = 5.834_617_425e14;
/// Smallest, exp(-34).
pub(super) const MIN_EXP: f64 = 1.713_908_431e-15;
/// The exponent at which they are reached.
pub(super) const EXP_LIMIT: f64 = 34.0;

/// Exponential, continued linearly above and constant below the limits.
pub(super) fn limited_exp(x: f64) -> f64 {
    if x > EXP_LIMIT {
        MAX_EXP * (1.0 + x - EXP_LIMIT)
    } else if x < -EXP_LIMIT {
        MIN_EXP
    } else {
        x.exp()
    }
}

/// Exponential, constant beyond both limits.
#[inline(always)]
pub(super) fn clipped_exp(x: Dual) -> Dual {
    if x.v() > EXP_LIMIT {
        Dual::constant(MAX_EXP)
    } else if x.v() < -EXP_LIMIT {
        Dual::constant(MIN_EXP)
    } else {
        x.exp()
    }
}

/// `scale ln(1 + e^(x / scale))`: zero far below, `x` far above.
#[inline(always)]
pub(super) fn soft_plus(x: Dual, scale: Dual) -> Dual {
    let u = x / scale;
    if u.v() > EXP_LIMIT {
        x
    } else if u.v() < -EXP_LIMIT {
        scale * MIN_EXP.ln_1p()
    } else {
        let e = u.v().exp();
        scale * u.chain((1.0 + e).ln(), e / (1.0 + e))
    }
}

/// The short-channel decay `e^u / ((e^u - 1)^2 + 2 e^u MIN)`.
#[inline(always)]
pub(super) fn decay(u: Dual) -> Dual {
    if u.v() < EXP_LIMIT {
        let e = u.exp();
        let t = e - 1.0;
        e / (t * t + e * (2.0 * MIN_EXP))
    } else {
        Dual::constant(1.0 / (MAX_EXP - 2.0))
    }
}

/// [`decay`] of a plain number.
pub(super) fn decay_of(u: f64) -> f64 {
    decay(Dual::constant(u)).v()
}

/// `1 + x`, kept positive below -0.5.
#[inline(always)]
pub(super) fn positive_one_plus(x: Dual) -> Dual {
    if x.v() >= -0.5 { x + 1.0 } else { (x * 3.0 + 1.0) / (x * 8.0 + 3.0) }
}

/// `1 / (1 + x)`, kept finite below -0.9.
#[inline(always)]
pub(super) fn bounded_reciprocal(x: Dual) -> Dual {
    if x.v() >= -0.9 { 1.0 / (x + 1.0) } else { (x * 20.0 + 17.0) / (x + 0.8) }
}

/// `limit - (t + sqrt(t^2 + 4 d limit)) / 2` with `t = limit - x - d`: the smooth minimum of `x` and `limit`,
/// written so that it does not cancel for large `x`.
#[inline(always)]
pub(super) fn smooth_minimum(x: Dual, limit: Dual, d: f64) -> Dual {
    let t = limit - x - d;
    let s = (t * t + limit * (4.0 * d)).sqrt();
    if t.v() >= 0.0 { limit - (t + s) * 0.5 } else { limit * (1.0 - (2.0 * d) / (s - t)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn smoothing_functions_have_their_limits() {
        let scale = Dual::constant(0.03);
        assert!((soft_plus(Dual::constant(2.0), scale).v() - 2.0).abs() < 1e-12);
        assert!(soft_plus(Dual::constant(-2.0), scale).v() < 1e-15);
        assert!((smooth_minimum(Dual::constant(5.0), Dual::constant(0.3), 0.01).v() - 0.3).abs() < 1e-3);
        assert!((smooth_minimum(Dual::constant(0.01), Dual::constant(0.3), 1e-6).v() - 0.01).abs() < 1e-5);
    }

    #[test]
    fn pieces_join_at_their_borders() {
        for border in [-0.5, -0.9] {
            let below = Dual::constant(border - 1e-9);
            let above = Dual::constant(border + 1e-9);
            assert!((positive_one_plus(below).v() - positive_one_plus(above).v()).abs() < 1e-7);
            assert!((bounded_reciprocal(below).v() / bounded_reciprocal(above).v() - 1.0).abs() < 1e-6);
        }
    }
}
