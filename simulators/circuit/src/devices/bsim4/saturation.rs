//! Velocity saturation: saturation voltage, effective drain voltage, velocity overshoot (manual, chapters 5 and 6).

use super::numeric::smooth_minimum;
use super::sizing::Sized;
use crate::devices::dual::Dual;

/// Saturation quantities at a bias.
#[derive(Clone, Copy)]
pub(super) struct Saturation {
    /// Saturation field, V/m.
    pub(super) esat: Dual,
    /// Saturation field times channel length, V.
    pub(super) esat_l: Dual,
    /// Overdrive plus two thermal voltages, V.
    pub(super) v2: Dual,
    /// Saturation voltage, V.
    pub(super) vdsat: Dual,
    /// The a1, a2 factor.
    pub(super) lambda: Dual,
    /// W vsat coxe Rds.
    pub(super) r: Dual,
}

impl Saturation {
    /// Effective drain voltage: `vds` below saturation, `vdsat` above.
    #[inline(always)]
    pub(super) fn effective_drain(&self, vds: Dual, delta: f64) -> Dual {
        let vde = smooth_minimum(vds, self.vdsat, delta);
        if vds.v() == 0.0 {
            // The reference sets the value and the gate and body slopes to zero there.
            Dual([0.0, 0.0, vde.d(1), 0.0])
        } else if vde.v() > vds.v() {
            // The value alone is held; its slopes stay.
            Dual([vds.v(), vde.d(0), vde.d(1), vde.d(2)])
        } else {
            vde
        }
    }
}

/// Saturation voltage, with series resistance and the non-saturation factor.
#[inline(always)]
pub(super) fn saturation_voltage(
    s: &Sized,
    vgt: Dual,
    abulk: Dual,
    mobility: Dual,
    w: Dual,
    rds: Dual,
    coxe: f64,
) -> Saturation {
    let b = &s.b;
    let esat = (2.0 * b.vsat) / mobility;
    let esat_l = esat * s.size.leff;
    let v2 = vgt + 2.0 * s.vt;
    let lambda = if b.a1 == 0.0 {
        Dual::constant(b.a2)
    } else if b.a1 > 0.0 {
        let c = 1.0 - b.a2;
        let t = c - vgt * b.a1 - 1e-4;
        (b.a2 + c) - (t + (t * t + 4e-4 * c).sqrt()) * 0.5
    } else {
        let t = vgt * b.a1 + (b.a2 - 1e-4);
        (t + (t * t + 4e-4 * b.a2).sqrt()) * 0.5
    };
    let r = w * rds * (b.vsat * coxe);
    let vdsat = if rds.v() == 0.0 && lambda.v() == 1.0 {
        esat_l * v2 / (abulk * esat_l + v2)
    } else {
        let over = 1.0 / lambda;
        let ar = abulk * r;
        let c0 = abulk * (ar + over - 1.0) * 2.0;
        let c1 = v2 * (over * 2.0 - 1.0) + abulk * esat_l + v2 * ar * 3.0;
        let c2 = v2 * (esat_l + v2 * r * 2.0);
        (c1 - (c1 * c1 - c0 * c2 * 2.0).sqrt()) / c0
    };
    Saturation { esat, esat_l, v2, vdsat, lambda, r }
}
