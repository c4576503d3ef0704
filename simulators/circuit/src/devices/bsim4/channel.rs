//! Channel current: effective gate overdrive, bulk charge, mobility, saturation and output conductance, in that order
//! (manual, chapters 1, 3, 5 and 6). Each step is a function; [`channel`] puts them together.

use super::mobility::mobility;
use super::model::Bsim4Model;
use super::numeric::{ESI, EXP_LIMIT, MAX_EXP, MIN_EXP, bounded_reciprocal, soft_plus};
use super::output::output_current;
use super::saturation::{Saturation, saturation_voltage};
use super::sizing::Sized;
use super::threshold::{Threshold, poly_depletion, threshold};
use crate::devices::dual::Dual;

/// The channel at a bias, for one finger unless said otherwise; type-normalised, in the mode frame.
#[derive(Clone, Copy)]
pub(super) struct Channel {
    pub(super) threshold: Threshold,
    pub(super) vds: Dual,
    pub(super) vbs: Dual,
    /// Gate voltage after poly depletion.
    pub(super) vge: Dual,
    /// `vge - vth`.
    pub(super) vgst: Dual,
    /// Effective overdrive.
    pub(super) vgt: Dual,
    /// Bulk charge factor, at zero overdrive effect, and before the `keta` factor.
    pub(super) abulk: Dual,
    pub(super) abulk0: Dual,
    pub(super) abulk_before_keta: f64,
    pub(super) mobility: Dual,
    pub(super) saturation: Saturation,
    /// Effective drain voltage.
    pub(super) vde: Dual,
    pub(super) coxeff: Dual,
    pub(super) beta: Dual,
    pub(super) rds: Dual,
    /// Current over `vde` without substrate-current enhancement, and with it.
    pub(super) i1: Dual,
    pub(super) i2: Dual,
    /// Drain current of all fingers, A.
    pub(super) ids: Dual,
}

/// Effective overdrive: exponential below threshold, `vgst` above.
#[inline(always)]
fn overdrive(model: &Bsim4Model, s: &Sized, vgst: Dual, n: Dual) -> Dual {
    let nvt = n * s.vt;
    let top = soft_plus(vgst * s.mstar, nvt);
    let x = (s.voffcbn - vgst * (1.0 - s.mstar)) / nvt;
    let ratio = model.coxe / s.cdep0;
    let bottom = if x.v() < -EXP_LIMIT {
        n * (ratio * MIN_EXP)
    } else if x.v() > EXP_LIMIT {
        n * (ratio * MAX_EXP)
    } else {
        n * x.exp() * ratio
    };
    top / (bottom + s.mstar)
}

/// Bulk charge factors: (before keta, full, at zero overdrive).
#[inline(always)]
fn bulk_charge(s: &Sized, t: &Threshold, vgt: Dual) -> (Dual, Dual, Dual) {
    let b = &s.b;
    let leff = s.size.leff;
    let body = (0.5 * s.k1ox * s.lateral) / t.sqrt_phis + (s.k2ox - b.k3b * s.narrow);
    let f = leff / ((t.xdep * b.xj).sqrt() * 2.0 + leff);
    let a0f = f * b.a0;
    let zero = body * (a0f + b.b0 / (s.size.weff + b.b1)) + 1.0;
    let full = zero - body * (a0f * f * f) * vgt * b.ags;
    let floor = |a: Dual| if a.v() < 0.1 { (0.2 - a) / (3.0 - a * 20.0) } else { a };
    let (zero, full) = (floor(zero), floor(full));
    let keta = bounded_reciprocal(t.vb * b.keta);
    (full, full * keta, zero * keta)
}

/// Centroid of the inversion charge and the oxide capacitance seen by it, F/m^2.
#[inline(always)]
pub(super) fn charge_capacitance(model: &Bsim4Model, s: &Sized, overdrive: Dual) -> Dual {
    let x = (overdrive + s.vtfbphi2) / (2e8 * model.p.toxp);
    let p = x.v().powf(0.7);
    let x07 = x.chain(p, 0.7 * p / x.v());
    let thickness = 1.9e-9 / (x07 + 1.0);
    (ESI * model.coxp) / (thickness * model.coxp + ESI)
}

/// Evaluates the channel at mode-frame voltages.
#[inline(always)]
pub(super) fn channel(
    model: &Bsim4Model,
    s: &Sized,
    fingers: f64,
    vgs: Dual,
    vds: Dual,
    vbs: Dual,
) -> Channel {
    let b = &s.b;
    let leff = s.size.leff;
    let threshold = threshold(model, s, vds, vbs);
    let vge = poly_depletion(model, s, vgs);
    let vgst = vge - threshold.vth;
    let vgt = overdrive(model, s, vgst, threshold.n);
    let root_shift = threshold.sqrt_phis - s.sqrt_phi;

    let w = if b.dwg == 0.0 && b.dwb == 0.0 {
        Dual::constant(s.size.weff)
    } else {
        s.size.weff - (vgt * b.dwg + root_shift * b.dwb) * 2.0
    };
    let w = if w.v() < 2e-8 { (4e-8 - w) * 2e-8 / (6e-8 - w * 2.0) } else { w };

    let rds = if model.p.rdsmod == 1.0 {
        Dual::ZERO
    } else {
        let t = 1.0 / (vgt * b.prwg + 1.0) + root_shift * b.prwb;
        (t + (t * t + 0.01).sqrt()) * (0.5 * s.rds0) + s.rdswmin
    };

    let (before_keta, abulk, abulk0) = bulk_charge(s, &threshold, vgt);
    let mobility = mobility(model, s, vgt, threshold.vth, threshold.vb);
    let saturation = saturation_voltage(s, vgt, abulk, mobility, w, rds, model.coxe);
    let vde = saturation.effective_drain(vds, b.delta);
    let coxeff = charge_capacitance(model, s, vgt);
    let beta = mobility * coxeff * w / leff;
    let (i1, i2) =
        output_current(s, vgt, threshold.vb, vds, vde, abulk, mobility, beta, w, rds, &saturation, model);

    let mut ids = i2 * vde;
    if b.vtl > 0.0 {
        // Carriers cannot be injected faster than vtl at the source end.
        let vs = ids / (w * coxeff * vgt);
        let x = vs / (b.vtl * s.tfac);
        let x2 = x * x;
        ids = ids * (x2 * x2 * x2 + 1.0).powf(-1.0 / 6.0);
    }
    Channel {
        vds,
        vbs,
        vge,
        vgst,
        vgt,
        abulk,
        abulk0,
        abulk_before_keta: before_keta.v(),
        mobility,
        saturation,
        vde,
        coxeff,
        beta,
        rds,
        i1,
        i2,
        ids: ids * fingers,
        threshold,
    }
}
