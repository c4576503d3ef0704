//! Source and drain junctions: diode current with its limits, trap-assisted tunnelling, charge (manual, chapters 10-12).

use super::Bsim4Model;
use super::model::JunctionCard;
use super::numeric::{EXP_LIMIT, KBOQ, MIN_EXP, limited_exp};
use super::sizing::band_gap;

/// A junction at its size and temperature.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Junction {
    diomod: i32,
    isat: f64,
    nvt: f64,
    /// Where the forward branch becomes linear, and its current and slope there.
    v_forward: f64,
    i_forward: f64,
    g_forward: f64,
    /// Where the reverse branch becomes linear, and its current and slope there.
    v_reverse: f64,
    i_reverse: f64,
    g_reverse: f64,
    bv: f64,
    xjbv: f64,
    x_breakdown: f64,
    /// Zero-bias capacitance, potential and grading of area, sidewall and gate-side sidewall.
    capacitance: [f64; 3],
    potential: [f64; 3],
    grading: [f64; 3],
    /// Trap-assisted current, exponent scale and voltage of the three parts.
    trap: [(f64, f64, f64); 3],
}

/// Exponential that is constant `MIN_EXP` with zero slope below the limit, and capped above.
fn bounded_exp(x: f64) -> (f64, f64) {
    if x < -EXP_LIMIT {
        (MIN_EXP, 0.0)
    } else {
        let e = x.exp();
        (e, e)
    }
}

impl Junction {
    /// Prepares a junction of `area`, `perimeter` (m^2, m) and gate-side width `gate_width` (m).
    pub(super) fn new(
        model: &Bsim4Model,
        card: &JunctionCard,
        (area, perimeter): (f64, f64),
        gate_width: f64,
        t: f64,
    ) -> Self {
        let p = &model.p;
        let tnom = model.nominal_k;
        let (vt0, vt) = (KBOQ * tnom, KBOQ * t);
        let (gap0, gap) = (band_gap(tnom), band_gap(t));
        let (warming, dt) = (t / tnom - 1.0, t - tnom);
        let sizes = [area, perimeter, gate_width];
        let heat = if t == tnom {
            1.0
        } else {
            ((gap0 / vt0 - gap / vt + card.xti * (t / tnom).ln()) / card.emission).exp()
        };
        let isat = if area <= 0.0 && perimeter <= 0.0 {
            // 4.5 keeps a token current for a junction without area; 4.8 has none.
            if model.v45 { 1e-14 } else { 0.0 }
        } else {
            sizes.iter().zip(card.js).map(|(size, js)| size * (js * heat).max(0.0)).sum()
        };
        let nvt = card.emission * vt;
        let diomod = Bsim4Model::switch(p.diomod);
        let bv = card.bv;
        let breakdown = {
            let x = bv / nvt;
            let e = if x > EXP_LIMIT { MIN_EXP } else { (-x).exp() };
            card.xjbv * e
        };
        let mut junction =
            Self { diomod, isat, nvt, bv, xjbv: card.xjbv, x_breakdown: breakdown, ..Self::default() };
        if isat > 0.0 {
            let c = if diomod == 2 { breakdown } else { 0.0 };
            let b = 1.0 + card.ijth_forward / isat - c;
            junction.v_forward = nvt * (0.5 * (b + (b * b + 4.0 * c).sqrt())).ln();
            let e = (junction.v_forward / nvt).exp();
            if diomod == 2 {
                junction.i_forward = isat * (e - breakdown / e + breakdown - 1.0);
                junction.g_forward = isat * (e + breakdown / e) / nvt;
                let r = (card.ijth_reverse / isat).max(0.0);
                let r = if r < 1.0 { 10.0 } else { r };
                junction.v_reverse = -bv - nvt * ((r - 1.0) / card.xjbv).ln();
                let t1 = card.xjbv * (-(bv + junction.v_reverse) / nvt).exp();
                junction.i_reverse = isat * (1.0 + t1);
                junction.g_reverse = -isat * t1 / nvt;
            } else {
                junction.i_forward = isat * e;
                junction.g_forward = isat * e / nvt;
            }
        }
        for k in 0..3 {
            let (tc, tp) = [(p.tcj, p.tpb), (p.tcjsw, p.tpbsw), (p.tcjswg, p.tpbswg)][k];
            let scale = 1.0 + (tc * dt).max(-1.0);
            junction.capacitance[k] = card.capacitance[k] * sizes[k] * scale;
            junction.potential[k] = (card.potential[k] - tp * dt).max(0.01);
            junction.grading[k] = card.grading[k];
            if card.jts[k] != 0.0 {
                let (njts, tnjts) = [(p.njts, p.tnjts), (p.njtssw, p.tnjtssw), (p.njtsswg, p.tnjtsswg)][k];
                let scale = njts * (1.0 + tnjts * warming) * vt0;
                let current = card.jts[k] * sizes[k] * limited_exp(card.xts[k] * gap0 / vt * warming);
                junction.trap[k] = (current, scale, card.vts[k]);
            }
        }
        junction
    }

    /// Current and conductance at `v`, without gmin.
    #[inline]
    pub(super) fn current(&self, v: f64) -> (f64, f64) {
        let (mut i, mut g) = self.diode(v);
        for &(current, scale, v_trap) in &self.trap {
            if current != 0.0 {
                let (x, slope) = if v_trap - v < v_trap * 1e-3 {
                    (-v / scale * 1e3, -1e3 / scale)
                } else {
                    let r = v_trap / (v_trap - v);
                    (-v / scale * r, -(r + v * r / (v_trap - v)) / scale)
                };
                let e = limited_exp(x);
                let de = if x > EXP_LIMIT {
                    super::numeric::MAX_EXP
                } else if x < -EXP_LIMIT {
                    0.0
                } else {
                    e
                };
                i -= current * (e - 1.0);
                g -= current * de * slope;
            }
        }
        (i, g)
    }

    #[inline]
    fn diode(&self, v: f64) -> (f64, f64) {
        let (isat, nvt) = (self.isat, self.nvt);
        if isat <= 0.0 {
            return (0.0, 0.0);
        }
        match self.diomod {
            0 => {
                let e = (v / nvt).exp();
                let r = self.xjbv * (-(self.bv + v) / nvt).exp();
                (isat * (e + self.x_breakdown - r - 1.0), isat * (e + r) / nvt)
            }
            2 => {
                if v < self.v_reverse {
                    let (e, slope) = bounded_exp(v / nvt);
                    let line = self.i_reverse + self.g_reverse * (v - self.v_reverse);
                    ((e - 1.0) * line, slope / nvt * line + (e - 1.0) * self.g_reverse)
                } else if v <= self.v_forward {
                    let (e, slope) = bounded_exp(v / nvt);
                    let (r, r_slope) = bounded_exp(-(self.bv + v) / nvt);
                    let i = isat * (e + self.x_breakdown - 1.0 - self.xjbv * r);
                    (i, isat * (slope + self.xjbv * r_slope) / nvt)
                } else {
                    (self.i_forward + self.g_forward * (v - self.v_forward), self.g_forward)
                }
            }
            _ => {
                let x = v / nvt;
                if x < -EXP_LIMIT {
                    (isat * (MIN_EXP - 1.0), 0.0)
                } else if v <= self.v_forward {
                    let e = x.exp();
                    (isat * (e - 1.0), isat * e / nvt)
                } else {
                    (self.i_forward - isat + self.g_forward * (v - self.v_forward), self.g_forward)
                }
            }
        }
    }

    /// Charge and capacitance at `v`.
    #[inline]
    pub(super) fn charge(&self, v: f64) -> (f64, f64) {
        let (mut q, mut c) = (0.0, 0.0);
        for k in 0..3 {
            let (cj, pb, m) = (self.capacitance[k], self.potential[k], self.grading[k]);
            if v == 0.0 {
                c += cj;
            } else if v < 0.0 {
                // A negative part (a perimeter less than the gate's width) counts in forward bias only, as in ngspice.
                if cj > 0.0 {
                    let x = 1.0 - v / pb;
                    let s = if m == 0.5 { 1.0 / x.sqrt() } else { (-m * x.ln()).exp() };
                    q += pb * cj * (1.0 - x * s) / (1.0 - m);
                    c += cj * s;
                }
            } else {
                q += v * cj * (1.0 + 0.5 * v * m / pb);
                c += cj * (1.0 + v * m / pb);
            }
        }
        (q, c)
    }
}
