//! Drain current and output conductance: channel-length modulation, DIBL, pocket implants, substrate current
//! (manual, chapter 5 and 6).

use super::model::Bsim4Model;
use super::numeric::{EXP_LIMIT, MAX_EXP, MIN_EXP, bounded_reciprocal};
use super::saturation::Saturation;
use super::sizing::Sized;
use crate::devices::dual::Dual;

/// Drain current over the effective drain voltage of one finger, A/V: without and with the substrate-current term.
#[inline(always)]
#[allow(clippy::too_many_arguments)]
pub(super) fn output_current(
    s: &Sized,
    vgt: Dual,
    vb: Dual,
    vds: Dual,
    vde: Dual,
    abulk: Dual,
    mobility: Dual,
    beta: Dual,
    _w: Dual,
    rds: Dual,
    saturation: &Saturation,
    model: &Bsim4Model,
) -> (Dual, Dual) {
    let b = &s.b;
    let leff = s.size.leff;
    let Saturation { esat, mut esat_l, v2, vdsat, lambda, r } = *saturation;
    let mut esat = esat;
    let dv = vds - vde;

    // Velocity overshoot raises the saturation field.
    if b.lambda > 0.0 {
        let g = dv / (esat * s.litl) + 1.0;
        let gain = b.lambda / (mobility * leff) * (1.0 - 2.0 / (g * g + 1.0)) + 1.0;
        esat_l = esat_l * gain;
        if !model.v45 {
            esat = esat_l / leff;
        }
    }
    let over_v2 = v2.recip();
    let vasat = (esat_l + vdsat + r * vgt * 2.0 * (1.0 - abulk * vdsat * over_v2 * 0.5))
        / (2.0 / lambda - 1.0 + r * abulk);

    let gche = beta * vgt * (1.0 - vde * abulk * over_v2 * 0.5) / (vde / esat_l + 1.0);
    let idl = if rds.v() == 0.0 { gche } else { gche / (gche * rds + 1.0) };

    // Long-channel pocket factor and gate dependence.
    let fp =
        if b.fprout <= 0.0 { Dual::constant(1.0) } else { 1.0 / (over_v2 * (b.fprout * leff.sqrt()) + 1.0) };
    let pv = if b.pvag == 0.0 {
        Dual::constant(1.0)
    } else {
        let x = vgt / esat_l * b.pvag;
        if x.v() > -0.9 { x + 1.0 } else { (x + 0.8) / (x * 20.0 + 17.0) }
    };

    // Channel-length modulation.
    let clm = if b.pclm > MIN_EXP && dv.v() > 1e-10 {
        let c = fp * pv * (rds * idl + 1.0) * (vdsat / esat + leff) / (b.pclm * s.litl);
        let va = c * dv;
        ((vasat + va) / vasat).ln() / c + 1.0
    } else {
        Dual::constant(1.0 + ((vasat.v() + MAX_EXP) / vasat.v()).ln() / MAX_EXP)
    };

    // Drain-induced barrier lowering.
    let mut i1 = idl * clm;
    if s.th_rout > MIN_EXP {
        let av = abulk * vdsat;
        let body = if b.pdiblcb == 0.0 { Dual::constant(1.0) } else { bounded_reciprocal(vb * b.pdiblcb) };
        let va = (v2 - v2 * av / (v2 + av)) / s.th_rout * body * pv;
        i1 = i1 * (dv / va + 1.0);
    } else {
        i1 = i1 * (dv / MAX_EXP + 1.0);
    }

    // Drain-induced threshold shift of pocket implants.
    if b.pdits > MIN_EXP {
        let x = vds * b.pditsd;
        let e = if x.v() > EXP_LIMIT { Dual::constant(MAX_EXP) } else { x.exp() };
        let va = fp * (e * (1.0 + model.p.pditsl * leff) + 1.0) / b.pdits;
        i1 = i1 * (dv / va + 1.0);
    }

    // Substrate-current body effect.
    let i2 = if b.pscbe2 > 0.0 && (model.v45 || b.pscbe1 >= 0.0) {
        if dv.v() > b.pscbe1 * s.litl / EXP_LIMIT {
            // 1 / VASCBE = pscbe2 / (Leff exp(pscbe1 litl / dv))
            let over_va = (b.pscbe1 * s.litl / dv).exp().recip() * (b.pscbe2 / leff);
            i1 * (dv * over_va + 1.0)
        } else {
            i1 * (dv * (b.pscbe2 / (MAX_EXP * leff)) + 1.0)
        }
    } else {
        i1 * (dv / MAX_EXP + 1.0)
    };
    (i1, i2)
}
