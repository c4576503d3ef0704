//! SPICE's depletion charge of a pn junction and the temperature of its potential and capacitance.

use super::constants::{BOLTZMANN, CHARGE, REFERENCE_K};

/// Band gap of silicon at `t_k` kelvin, eV (Thurmond's fit as SPICE has it).
#[inline]
pub(super) fn band_gap(t_k: f64) -> f64 {
    1.16 - 7.02e-4 * t_k * t_k / (t_k + 1108.0)
}

/// The shift that SPICE subtracts from a built-in potential at `t_k`, volts.
pub(super) fn potential_shift(t_k: f64) -> f64 {
    let vt = BOLTZMANN * t_k / CHARGE;
    let exponent = -band_gap(t_k) / (2.0 * BOLTZMANN * t_k) + 1.115_087_7 / (BOLTZMANN * 2.0 * REFERENCE_K);
    -2.0 * vt * (1.5 * (t_k / REFERENCE_K).ln() + CHARGE * exponent)
}

/// Built-in potential at `t_k` of one that is `potential` at `nominal_k`, volts.
pub(super) fn potential_at(potential: f64, nominal_k: f64, t_k: f64) -> f64 {
    t_k / REFERENCE_K * reference_potential(potential, nominal_k) + potential_shift(t_k)
}

/// Built-in potential moved from `nominal_k` to the reference temperature, volts.
pub(super) fn reference_potential(potential: f64, nominal_k: f64) -> f64 {
    (potential - potential_shift(nominal_k)) / (nominal_k / REFERENCE_K)
}

/// Factor on a zero-bias capacitance of grading `grading` between `nominal_k` and `t_k`.
pub(super) fn capacitance_factor(potential: f64, grading: f64, nominal_k: f64, t_k: f64) -> f64 {
    let reference = reference_potential(potential, nominal_k);
    let at = |p: f64, t: f64| 1.0 + grading * (4e-4 * (t - REFERENCE_K) - (p - reference) / reference);
    at(potential_at(potential, nominal_k, t_k), t_k) / at(potential, nominal_k)
}

/// A depletion capacitance at temperature: potential, grading and the forward extension beyond `fc * potential`.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Depletion {
    potential: f64,
    grading: f64,
    knee: f64,
    f1: f64,
    f2: f64,
    f3: f64,
}

impl Depletion {
    /// A junction of built-in potential `potential` (V), grading coefficient and forward coefficient `fc`.
    pub(super) fn new(potential: f64, grading: f64, fc: f64) -> Self {
        Self {
            potential,
            grading,
            knee: fc * potential,
            f1: potential * (1.0 - (1.0 - fc).powf(1.0 - grading)) / (1.0 - grading),
            f2: (1.0 - fc).powf(1.0 + grading),
            f3: 1.0 - fc * (1.0 + grading),
        }
    }

    /// Charge and capacitance at `v` of a junction of 1 F zero-bias capacitance.
    #[inline]
    pub(super) fn at(&self, v: f64) -> (f64, f64) {
        if v < self.knee {
            let x = 1.0 - v / self.potential;
            let s = (-self.grading * x.ln()).exp();
            (self.potential * (1.0 - x * s) / (1.0 - self.grading), s)
        } else {
            let slope = self.grading / self.potential;
            let charge = self.f1
                + (self.f3 * (v - self.knee) + 0.5 * slope * (v * v - self.knee * self.knee)) / self.f2;
            (charge, (self.f3 + slope * v) / self.f2)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn capacitance_is_the_slope_of_the_charge() {
        let junction = Depletion::new(0.75, 0.4, 0.5);
        for v in [-5.0, -0.3, 0.2, 0.374, 0.376, 0.9] {
            let h = 1e-6;
            let slope = (junction.at(v + h).0 - junction.at(v - h).0) / (2.0 * h);
            assert!((slope / junction.at(v).1 - 1.0).abs() < 1e-6, "at {v}");
        }
    }

    #[test]
    fn temperature_rules_are_neutral_at_nominal() {
        assert!((potential_at(0.8, 300.15, 300.15) - 0.8).abs() < 1e-15);
        assert!((capacitance_factor(0.8, 0.4, 310.0, 310.0) - 1.0).abs() < 1e-14);
    }
}
