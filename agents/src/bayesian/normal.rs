//! The normal distribution in numerically safe form: logarithms of what would underflow.

/// `1 / sqrt(2 pi)`.
const INVERSE_ROOT: f64 = 0.398_942_280_401_432_7;
/// `ln sqrt(2 pi)`.
const LOG_ROOT: f64 = 0.918_938_533_204_672_7;

/// Density of the standard normal distribution.
pub(super) fn density(z: f64) -> f64 {
    INVERSE_ROOT * (-0.5 * z * z).exp()
}

/// Distribution function, to double precision (Hart's rational approximation, as given by West 2005).
pub(super) fn cumulative(z: f64) -> f64 {
    let x = z.abs();
    if x > 37.0 {
        return if z > 0.0 { 1.0 } else { 0.0 };
    }
    let decay = (-0.5 * x * x).exp();
    let horner = |coefficients: &[f64]| coefficients.iter().fold(0.0, |sum, c| sum * x + c);
    let tail = if x < 7.071_067_811_865_47 {
        decay
            * horner(&[
                3.526_249_659_989_11e-2,
                0.700_383_064_443_688,
                6.373_962_203_531_65,
                33.912_866_078_383,
                112.079_291_497_871,
                221.213_596_169_931,
                220.206_867_912_376,
            ])
            / horner(&[
                8.838_834_764_831_84e-2,
                1.755_667_163_182_64,
                16.064_177_579_207,
                86.780_732_202_946_1,
                296.564_248_779_674,
                637.333_633_378_831,
                793.826_512_519_948,
                440.413_735_824_752,
            ])
    } else {
        decay * INVERSE_ROOT / (x + 1.0 / (x + 2.0 / (x + 3.0 / (x + 4.0 / (x + 0.65)))))
    };
    if z > 0.0 { 1.0 - tail } else { tail }
}

/// `h(z) = phi(z) + z Phi(z)`: the expected improvement in units of the deviation.
pub(super) fn improvement(z: f64) -> f64 {
    if z < -6.0 { log_improvement(z).exp() } else { density(z) + z * cumulative(z) }
}

/// `ln h(z)`, by its asymptotic series below -6.
pub(super) fn log_improvement(z: f64) -> f64 {
    if z < -6.0 {
        let square = z * z;
        let series = -3.0 / square + 15.0 / (square * square);
        -0.5 * square - LOG_ROOT - 2.0 * z.abs().ln() + series.ln_1p()
    } else {
        (density(z) + z * cumulative(z)).ln()
    }
}

/// `d ln h / dz = Phi(z) / h(z)`.
pub(super) fn log_improvement_slope(z: f64) -> f64 {
    if z < -6.0 {
        let (s, a) = (z * z, z.abs());
        // d/dz of the series above.
        let series = 1.0 - 3.0 / s + 15.0 / (s * s);
        a + 2.0 / a - (6.0 / (a * s) - 60.0 / (a * s * s)) / series
    } else {
        cumulative(z) / (density(z) + z * cumulative(z))
    }
}

/// `ln Phi(z)`, by its asymptotic series below -8.
pub(super) fn log_cumulative(z: f64) -> f64 {
    if z < -8.0 {
        let s = z * z;
        -0.5 * s - LOG_ROOT - z.abs().ln() + (-1.0 / s + 3.0 / (s * s)).ln_1p()
    } else {
        cumulative(z).ln()
    }
}

/// `d ln Phi / dz = phi(z) / Phi(z)`.
pub(super) fn log_cumulative_slope(z: f64) -> f64 {
    if z < -8.0 {
        let s = z * z;
        z.abs() / (1.0 - 1.0 / s + 3.0 / (s * s))
    } else {
        density(z) / cumulative(z)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_values() {
        for (z, p) in [
            (1.0, 0.841_344_746_068_542_9),
            (-5.0, 2.866_515_718_791_939e-7),
            (-8.0, 6.220_960_574_271_78e-16),
        ] {
            assert!((cumulative(z) / p - 1.0).abs() < if z < -7.0 { 1e-6 } else { 1e-10 }, "{z}");
        }
    }

    #[test]
    fn logarithms_are_continuous_and_slopes_are_theirs() {
        for (edge, function) in [(-6.0, log_improvement as fn(f64) -> f64), (-8.0, log_cumulative)] {
            assert!((function(edge - 1e-9) - function(edge + 1e-9)).abs() < 3e-3);
        }
        for z in [-300.0, -20.0, -7.0, -3.0, 0.0, 2.0] {
            let numeric = |f: fn(f64) -> f64| (f(z + 1e-5) - f(z - 1e-5)) / 2e-5;
            let (a, b) = (log_improvement_slope(z), log_cumulative_slope(z));
            assert!((numeric(log_improvement) / a - 1.0).abs() < 1e-4, "{z}");
            assert!((numeric(log_cumulative) - b).abs() < 1e-3 * (1.0 + b), "{z}");
        }
    }
}
