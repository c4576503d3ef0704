//! Intrinsic charges: capMod 0, 1 and 2 with their drain/source partition (manual, chapter 7).

use super::channel::{Channel, charge_capacitance};
use super::leakage::effective_flat_band;
use super::model::Bsim4Model;
use super::numeric::{ESI, clipped_exp, smooth_minimum, soft_plus};
use super::sizing::Sized;
use crate::devices::dual::Dual;

/// Intrinsic charges of all fingers, C; the drain is that of the mode, the source's charge is minus their sum.
#[derive(Clone, Copy)]
pub(super) struct Charges {
    pub(super) gate: Dual,
    pub(super) body: Dual,
    pub(super) drain: Dual,
}

/// Effective drain voltage of the charges; `bulk` is the full bulk factor.
#[inline(always)]
fn drain_voltage(model: &Bsim4Model, s: &Sized, ch: &Channel, overdrive: Dual, bulk: Dual) -> Dual {
    let v = overdrive / bulk;
    let vds = ch.vds;
    if vds.v() == 0.0 {
        let full = smooth_minimum(vds, v, 0.02);
        return Dual([0.0, 0.0, full.d(1), 0.0]);
    }
    let mut vde = smooth_minimum(vds, v, 0.02);
    let t = v.v() - vds.v() - 0.02;
    if model.v45 && t < 0.0 {
        // The reference's extra body slope in this branch: 0.04 / (s - t) times the bulk factor's part of dv/dVb.
        let root = (t * t + 0.08 * v.v()).sqrt();
        vde.0[3] -= 0.04 / (root - t) * v.v() / bulk.v() * ch.abulk0.d(2) * s.ab_cv;
    }
    vde
}

/// Splits an inversion charge between source and drain; `q` is per unit of `c`.
#[inline(always)]
fn source_share(xpart: f64, c: Dual, v: Dual, a: Dual, u: Dual, total: Dual) -> Dual {
    if xpart > 0.5 {
        -(c * (v * 0.5 + a * 0.25 - a * a / (u * 2.0)))
    } else if xpart < 0.5 {
        let u = u / 12.0;
        let inner = a * a * (2.0 / 3.0) + v * (v - a * (4.0 / 3.0));
        -(c / (u * u * 2.0) * (v * inner - a * a * a * (2.0 / 15.0)))
    } else {
        total * -0.5
    }
}

/// Intrinsic charges at a bias.
#[inline(always)]
pub(super) fn charges(model: &Bsim4Model, s: &Sized, ch: &Channel) -> Charges {
    if model.p.xpart < 0.0 {
        return Charges { gate: Dual::ZERO, body: Dual::ZERO, drain: Dual::ZERO };
    }
    if model.p.capmod == 0.0 {
        return piecewise(model, s, ch);
    }
    let b = &s.b;
    let (vb, vge) = (ch.threshold.vb, ch.vge);
    let vgc = soft_plus(ch.vgst - b.voffcv, ch.threshold.n * (b.noff * s.vt));
    let vfbeff = effective_flat_band(s, vge, vb);
    let y = vge - vfbeff - vb - vgc;
    let t1 = if s.k1ox == 0.0 {
        Dual::ZERO
    } else if y.v() < 0.0 {
        y / s.k1ox + 0.5 * s.k1ox
    } else {
        (y + 0.25 * s.k1ox * s.k1ox).sqrt()
    };
    let bulk = ch.abulk0 * s.ab_cv;
    let depletion = (t1 - 0.5 * s.k1ox) * s.k1ox;
    let accumulation = vfbeff - s.vfbzb;

    let (overdrive, c_inversion, c_accumulation) = if model.p.capmod == 1.0 {
        (vgc, Dual::constant(s.coxe_area), Dual::constant(s.coxe_area))
    } else {
        let toxp = model.p.toxp;
        // Accumulation and depletion: centroid of the charge, limited to the Debye length.
        let x = (vge - vb - s.vfbzb) * (b.acde / (1e8 * toxp));
        let thickness = clipped_exp(x) * s.ldeb;
        let k = 1e-3 * toxp;
        let t = s.ldeb - thickness - k;
        let thickness = s.ldeb - (t + (t * t + 4.0 * k * s.ldeb).sqrt()) * 0.5;
        let scale = s.coxe_area / model.coxe;
        let c_accumulation = (ESI * model.coxp * scale) / (thickness * model.coxp + ESI);
        // Surface potential above strong inversion.
        let (h, dn) = if s.k1ox > 0.0 {
            (s.k1ox * s.sqrt_phi, b.moin * s.vt * s.k1ox * s.k1ox)
        } else {
            (0.5 * s.sqrt_phi, 0.25 * b.moin * s.vt)
        };
        let shift = (vgc * (vgc + 2.0 * h) / dn + 1.0).ln() * s.vt;
        let t = vgc - shift - 0.001;
        let overdrive = (t + (t * t + vgc * 0.004).sqrt()) * 0.5;
        (overdrive, charge_capacitance(model, s, vgc) * scale, c_accumulation)
    };

    let vde = drain_voltage(model, s, ch, overdrive, bulk);
    let a = bulk * vde;
    let u = (overdrive - a * 0.5 + 1e-20) * 12.0;
    let a_over_u = a / u;
    let inversion = c_inversion * (overdrive - a * 0.5 + a * a_over_u);
    let bulk_part = c_inversion * (1.0 - bulk) * (vde * 0.5 - vde * a_over_u);
    let fixed = c_accumulation * (accumulation + depletion);
    // capMod 1's gate charge is Vgc - D/2 + A D/U: inversion charge plus bulk part with the factor taken out.
    let inversion = if model.p.capmod == 1.0 {
        c_inversion * (overdrive - vde * 0.5 + vde * a_over_u)
    } else {
        inversion
    };
    let (channel_total, gate_inversion) = if model.p.capmod == 1.0 {
        (inversion + bulk_part, inversion)
    } else {
        (inversion, inversion - bulk_part)
    };
    let source = source_share(model.p.xpart, c_inversion, overdrive, a, u, channel_total);
    let gate = gate_inversion + fixed;
    let body = bulk_part - fixed;
    Charges { gate, body, drain: -(gate + body + source) }
}

/// capMod 0: piecewise charges with a simple threshold.
fn piecewise(model: &Bsim4Model, s: &Sized, ch: &Channel) -> Charges {
    let b = &s.b;
    let cw = s.coxe_area;
    let vge = ch.vge;
    let vb = if ch.threshold.vb.v() < 0.0 { ch.vbs } else { ch.threshold.vb };
    let threshold = ch.threshold.sqrt_phis * s.k1ox + (b.vfbcv + s.phi);
    let over = vge - threshold;
    let above_flat = vge - vb - b.vfbcv;
    if above_flat.v() <= 0.0 {
        let gate = above_flat * cw;
        return Charges { gate, body: -gate, drain: Dual::ZERO };
    }
    if over.v() <= 0.0 {
        let gate = ((above_flat + 0.25 * s.k1ox * s.k1ox).sqrt() - 0.5 * s.k1ox) * (cw * s.k1ox);
        return Charges { gate, body: -gate, drain: Dual::ZERO };
    }
    let vs = over / (ch.abulk0 * s.ab_cv);
    let vds = ch.vds;
    let xpart = model.p.xpart;
    let flat = vge - b.vfbcv - s.phi;
    if vds.v() >= vs.v() {
        let gate = (flat - vs / 3.0) * cw;
        let t = over * (-2.0 / 3.0 * cw);
        let share = if xpart > 0.5 {
            0.0
        } else if xpart < 0.5 {
            0.4
        } else {
            0.5
        };
        return Charges { gate, body: -(gate + t), drain: t * share };
    }
    let r = vs * 2.0 - vds;
    let e = vds / (r * 3.0);
    let z = over * cw / (vs * 4.0);
    let gate = (flat - (vds - e * vds) * 0.5) * cw;
    if xpart > 0.5 {
        let drain = z * (vds * 2.0 - r - e * vds * 3.0);
        let body = -(gate + drain + z * (e * vds - r - vds * 2.0));
        Charges { gate, body, drain }
    } else if xpart < 0.5 {
        let poly = vs * vs * 8.0 - vs * vds * 6.0 + vds * vds * 1.2;
        let drain = z * (vds - r - e / r * poly);
        Charges { gate, body: -(gate - z * (r + e * vds) * 2.0), drain }
    } else {
        let drain = -(z * (r + e * vds));
        Charges { gate, body: -(gate + drain * 2.0), drain }
    }
}

/// Inversion charge of the thermal noise model (`tnoimod` 0), C; uses the channel's overdrive.
pub(super) fn noise_charge(model: &Bsim4Model, s: &Sized, ch: &Channel, fingers: f64) -> f64 {
    let bulk = ch.abulk0 * s.ab_cv;
    let vde = drain_voltage(model, s, ch, ch.vgt, bulk).v();
    let (vgt, a) = (ch.vgt.v(), bulk.v() * vde);
    let u = 12.0 * (vgt - 0.5 * a + 1e-20);
    ch.coxeff.v() * s.size.weff_cv * fingers * s.size.leff_cv * (vgt - 0.5 * a + bulk.v() * a * vde / u)
}

/// Overlap charge of one end at `v` (gate minus that end), C and F; of all fingers.
#[inline(always)]
pub(super) fn overlap(model: &Bsim4Model, s: &Sized, fingers: f64, drain: bool, v: f64) -> (f64, f64) {
    let b = &s.b;
    let (fixed, light, kappa) = if drain { (s.cgdo, b.cgdl, b.ckappad) } else { (s.cgso, b.cgsl, b.ckappas) };
    if model.p.capmod == 0.0 {
        return (fixed * fingers * v, fixed * fingers);
    }
    let light = light * s.size.weff_cv;
    let t = v + 0.02;
    let root = (t * t + 0.08).sqrt();
    let accumulated = 0.5 * (t - root);
    let slope = 0.5 * (1.0 - t / root);
    let curve = (1.0 - 4.0 * accumulated / kappa).sqrt();
    let q = (fixed + light) * v - light * (accumulated + 0.5 * kappa * (curve - 1.0));
    // d/dT of T + kappa/2 (sqrt(1 - 4T/kappa) - 1) is 1 - 1/curve.
    let c = fixed + light - light * slope * (1.0 - 1.0 / curve);
    (q * fingers, c * fingers)
}
