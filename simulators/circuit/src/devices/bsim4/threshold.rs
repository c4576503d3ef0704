//! Threshold voltage: body effect, short and narrow channel, DIBL, pocket implants, temperature (manual, chapter 2).

use super::model::Bsim4Model;
use super::numeric::{ESI, EXP_LIMIT, MIN_EXP, QM, decay, positive_one_plus};
use super::sizing::Sized;
use crate::devices::constants::CHARGE;
use crate::devices::dual::Dual;

/// The threshold and what its computation shares with later chapters. All type-normalised, in the mode frame.
#[derive(Clone, Copy)]
pub(super) struct Threshold {
    /// Effective body voltage, volts.
    pub(super) vb: Dual,
    /// sqrt(phi - vb).
    pub(super) sqrt_phis: Dual,
    /// Depletion width, metres.
    pub(super) xdep: Dual,
    /// Threshold voltage, volts.
    pub(super) vth: Dual,
    /// Subthreshold swing factor.
    pub(super) n: Dual,
    /// Carrier density of the flicker model's trap term, m^-2.
    pub(super) nstar: f64,
}

/// Body voltage, limited smoothly below (`vbsc`) and above (0.95 phi).
#[inline(always)]
fn effective_body(s: &Sized, vbs: Dual) -> Dual {
    let t = vbs - s.vbsc - 0.001;
    let root = (t * t - 0.004 * s.vbsc).sqrt();
    let vb = if t.v() >= 0.0 { (t + root) * 0.5 + s.vbsc } else { (1.0 - 0.002 / (root - t)) * s.vbsc };
    let top = 0.95 * s.phi;
    let t = top - vb - 0.001;
    top - (t + (t * t + 0.004 * top).sqrt()) * 0.5
}

/// Threshold voltage at a bias.
#[inline(always)]
pub(super) fn threshold(model: &Bsim4Model, s: &Sized, vds: Dual, vbs: Dual) -> Threshold {
    let b = &s.b;
    let (leff, weff) = (s.size.leff, s.size.weff);
    let vb = effective_body(s, vbs);
    let sqrt_phis = (s.phi - vb).sqrt();
    let xdep = sqrt_phis * (s.xdep0 / s.sqrt_phi);
    let root_xdep = xdep.sqrt();

    // Characteristic length and the short-channel decay.
    let lt = root_xdep * model.factor1 * positive_one_plus(vb * b.dvt2);
    let theta0 = decay(b.dvt1 * leff / lt);
    let barrier = s.vbi - s.phi;
    let mut vth = (sqrt_phis * s.k1ox) * s.lateral - vb * s.k2ox - theta0 * (b.dvt0 * barrier)
        + s.vth_fixed
        + vb * (b.k3b * s.narrow + b.kt2 * s.warming);
    if b.dvt0w != 0.0 {
        let ltw = root_xdep * model.factor1 * positive_one_plus(vb * b.dvt2w);
        vth = vth - decay(b.dvt1w * weff * leff / ltw) * (b.dvt0w * barrier);
    }

    // Drain-induced barrier lowering.
    let eta = vb * b.etab + b.eta0;
    let eta = if eta.v() < 1e-4 { (2e-4 - eta) / (3.0 - eta * 2e4) } else { eta };
    vth = vth - eta * vds * s.th_dibl;

    // Subthreshold swing.
    let depletion = (b.nfactor * ESI) / xdep;
    let coupling = vb * b.cdscb + vds * b.cdscd + b.cdsc;
    let n = positive_one_plus((depletion + coupling * theta0 + b.cit) / model.coxe);
    let nstar = s.vt / QM * (model.coxe + ESI / xdep.v() + b.cit);

    // Drain-induced threshold shift of pocket-implanted long channels.
    if b.dvtp0 > 0.0 {
        let x = vds * -b.dvtp1;
        let e = if x.v() < -EXP_LIMIT { Dual::constant(MIN_EXP) } else { x.exp() };
        let stretched = (e + 1.0) * b.dvtp0 + leff;
        vth = vth - n * s.vt_effect * (leff / stretched).ln();
    }
    Threshold { vb, sqrt_phis, xdep, vth, n, nstar }
}

/// Gate voltage after the drop in a depleted polysilicon gate.
#[inline(always)]
pub(super) fn poly_depletion(model: &Bsim4Model, s: &Sized, vg: Dual) -> Dual {
    let flat = s.vfb + s.phi;
    let ngate = s.b.ngate;
    if !(ngate > 1e18 && ngate < 1e25 && vg.v() > flat) {
        return vg;
    }
    let a = 1e6 * CHARGE * ESI * ngate / (model.coxe * model.coxe);
    let over = vg - flat;
    let w = over * 2.0 / ((over * (2.0 / a) + 1.0).sqrt() + 1.0);
    let vpoly = w * w * (0.5 / a);
    let t = 1.07 - vpoly;
    vg - (1.12 - (t + (t * t + 0.224).sqrt()) * 0.5)
}
