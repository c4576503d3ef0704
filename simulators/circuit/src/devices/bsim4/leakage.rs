//! Leakage: impact ionisation, gate-induced drain leakage, tunnelling through the gate oxide (manual, chapters 4 and 6).

use super::channel::Channel;
use super::model::Bsim4Model;
use super::numeric::{EXP_LIMIT, MIN_EXP, clipped_exp, soft_plus};
use super::sizing::Sized;
use super::threshold::poly_depletion;
use crate::devices::dual::Dual;

/// Leakage currents of one finger, A; `drain` and `source` are those of the mode.
#[derive(Clone, Copy, Default)]
pub(super) struct Leakage {
    /// Drain to body, by impact ionisation.
    pub(super) impact: Dual,
    /// Drain to body and source to body, gate-induced.
    pub(super) gidl: Dual,
    pub(super) gisl: Dual,
    /// Gate to source and to drain: overlap plus channel part.
    pub(super) gate_source: Dual,
    pub(super) gate_drain: Dual,
    /// Gate to body.
    pub(super) gate_body: Dual,
}

/// Impact ionisation.
#[inline(always)]
fn impact_ionisation(s: &Sized, c: &Channel) -> Dual {
    let b = &s.b;
    let a = b.alpha0 + b.alpha1 * s.size.leff;
    if a <= 0.0 || b.beta0 <= 0.0 {
        return Dual::ZERO;
    }
    let dv = c.vds - c.vde;
    let scale = a / s.size.leff;
    let base = if dv.v() > b.beta0 / EXP_LIMIT {
        dv * (-b.beta0 / dv).exp() * scale
    } else {
        dv * (scale * MIN_EXP)
    };
    base * c.i1 * c.vde
}

/// Gate-induced leakage at one end: `lateral` is the end's voltage against the other end, `body` the body's against it.
#[inline]
fn gate_induced(
    s: &Sized,
    model: &Bsim4Model,
    [a, b, c, e]: [f64; 4],
    lateral: Dual,
    vge: Dual,
    body: Dual,
) -> Dual {
    if a <= 0.0 || b <= 0.0 || c <= 0.0 || body.v() > 0.0 {
        return Dual::ZERO;
    }
    let t = (lateral - vge - e) / (3.0 * model.p.toxe);
    if t.v() <= 0.0 {
        return Dual::ZERO;
    }
    let x = b / t;
    let tunnel = if x.v() < 100.0 { t * (-x).exp() } else { t * 3.720_075_976e-44 };
    let cube = body * body * body;
    tunnel * (a * s.size.weff_cj) * cube / (cube - c)
}

/// Flat-band voltage limited by the gate-body voltage.
#[inline(always)]
pub(super) fn effective_flat_band(s: &Sized, vge: Dual, vb: Dual) -> Dual {
    let f = s.vfbzb;
    let t = f - vge + vb - 0.02;
    f - (t + (t * t + 0.08 * f.abs()).sqrt()) * 0.5
}

/// Tunnelling probability over a barrier at oxide voltage `v`.
#[inline(always)]
fn tunnelling(v: Dual, scale: f64, a: f64, b: f64, c: f64) -> Dual {
    clipped_exp((v * (a * c - b) - v * v * (b * c) + a) * scale)
}

/// Gate current: channel, overlap and body parts, added to `out`.
#[inline]
fn gate_tunnelling(model: &Bsim4Model, s: &Sized, ch: &Channel, vgs: Dual, reverse: bool, out: &mut Leakage) {
    let (b, p) = (&s.b, &model.p);
    let (vb, vge, vgt) = (ch.threshold.vb, ch.vge, ch.vgt);
    let vfbeff = effective_flat_band(s, vge, vb);
    let y = vge - vfbeff - vb - vgt;
    let depletion = if s.k1ox == 0.0 {
        Dual::ZERO
    } else if y.v() < 0.0 {
        -y
    } else {
        ((y + 0.25 * s.k1ox * s.k1ox).sqrt() - 0.5 * s.k1ox) * s.k1ox
    };
    let v_oxide = depletion + vgt;
    let vt = Dual::constant(s.vt_effect);

    if p.igcmod != 0.0 {
        let [area, slope] = s.tunnel_channel;
        let z = if p.igcmod == 1.0 { vge - model.polarity * b.vth0 } else { vge - ch.threshold.vth };
        let supply = soft_plus(z, vt * b.nigc);
        let igc = vge * supply * tunnelling(v_oxide, slope, b.aigc, b.bigc, b.cigc) * area;
        let partition = if b.pigcd.is_nan() {
            let v = vgt + 1e-20;
            let scale = if model.v45 { slope * model.p.toxe } else { -slope / model.p.toxe * model.p.toxe };
            (1.0 - ch.vde * 0.5 / v) * scale / (v * v)
        } else {
            Dual::constant(b.pigcd)
        };
        let u = -(partition * ch.vde);
        let d = u * u + 2e-4;
        let e = clipped_exp(u);
        let to_source = igc * (e - 1.0 + 1e-4 - u) / d;
        let to_drain = igc * (u * e - (e - 1.0 - 1e-4)) / d;
        // Overlap parts, each with its own end's gate voltage; 4.8 has separate coefficients for the two ends.
        let [area_s, area_d, slope_edge] = s.tunnel_edge;
        let mut edges = [(area_s, b.aigs, b.bigs, b.cigs), (area_d, b.aigd, b.bigd, b.cigd)];
        if reverse {
            edges.swap(0, 1);
        }
        let edge = |v: Dual, (area, a, bb, c): (f64, f64, f64, f64)| {
            let o = v - (s.vfbsd + b.vfbsdoff);
            let q = (o * o + 1e-4).sqrt();
            v * q * tunnelling(q, slope_edge, a, bb, c) * area
        };
        out.gate_source = to_source + edge(vgs, edges[0]);
        out.gate_drain = to_drain + edge(vgs - ch.vds, edges[1]);
    }

    if p.igbmod != 0.0 {
        let [area, slope] = s.tunnel_body;
        let vgb = vge - vb;
        let accumulation = {
            let v = s.vfbzb - vfbeff;
            let v = if v.v() < 0.0 { Dual::ZERO } else { v };
            let supply = soft_plus(s.vfbzb - vgb, vt * b.nigbacc);
            supply * tunnelling(v, slope, b.aigbacc, b.bigbacc, b.cigbacc)
        };
        let inversion = {
            let supply = soft_plus(v_oxide - b.eigbinv, vt * b.nigbinv);
            supply * tunnelling(v_oxide, 1.317_24 * slope, b.aigbinv, b.bigbinv, b.cigbinv) * 0.7561
        };
        out.gate_body = (accumulation + inversion) * vgb * area;
    }
}

/// All leakage at a bias. `vgs` is the gate voltage of the mode before poly depletion.
#[inline(always)]
pub(super) fn leakage(model: &Bsim4Model, s: &Sized, ch: &Channel, vgs: Dual, reverse: bool) -> Leakage {
    let b = &s.b;
    let mut out = Leakage { impact: impact_ionisation(s, ch), ..Leakage::default() };
    if b.agidl > 0.0 || b.agisl > 0.0 {
        let mut ends = [[b.agidl, b.bgidl, b.cgidl, b.egidl], [b.agisl, b.bgisl, b.cgisl, b.egisl]];
        if reverse {
            ends.swap(0, 1);
        }
        let vge_drain = poly_depletion(model, s, vgs - ch.vds);
        out.gidl = gate_induced(s, model, ends[0], ch.vds, ch.vge, ch.vbs - ch.vds);
        out.gisl = gate_induced(s, model, ends[1], -ch.vds, vge_drain, ch.vbs);
    }
    if model.p.igcmod != 0.0 || model.p.igbmod != 0.0 {
        gate_tunnelling(model, s, ch, vgs, reverse, &mut out);
    }
    out
}
