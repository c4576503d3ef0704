//! Everything that depends on size and temperature but not on bias: computed once per sizing.
//!
//! Order and formulas follow the BSIM4 manual (chapters 1, 2 and 13) as ngspice 39 evaluates them.

use super::card::Bins;
use super::geometry::Size;
use super::instance::Instance;
use super::model::Bsim4Model;
use super::numeric::{EPS0, ESI, KBOQ, PI, QM, decay_of};

/// Size- and temperature-dependent quantities of an instance. Short names are the manual's.
#[derive(Debug, Clone)]
pub(super) struct Sized {
    /// Binned parameters, at temperature where they depend on it.
    pub(super) b: Bins,
    pub(super) size: Size,
    /// kT/q at circuit temperature, volts.
    pub(super) vt: f64,
    /// T / Tnom - 1.
    pub(super) warming: f64,
    /// Thermal voltage of the DITS and tunnelling terms.
    pub(super) vt_effect: f64,
    pub(super) phi: f64,
    pub(super) sqrt_phi: f64,
    pub(super) xdep0: f64,
    pub(super) litl: f64,
    pub(super) vbi: f64,
    pub(super) vfb: f64,
    pub(super) vfbsd: f64,
    pub(super) cdep0: f64,
    pub(super) mstar: f64,
    pub(super) voffcbn: f64,
    pub(super) ldeb: f64,
    pub(super) k1ox: f64,
    pub(super) k2ox: f64,
    pub(super) vbsc: f64,
    pub(super) vfbzb: f64,
    pub(super) vtfbphi1: f64,
    pub(super) vtfbphi2: f64,
    /// Effective overdrive at threshold without drain and body bias, V (`mobmod` 3).
    pub(super) vgt_at_threshold: f64,
    pub(super) th_dibl: f64,
    pub(super) th_rout: f64,
    /// sqrt(1 + lpeb / Leff).
    pub(super) lateral: f64,
    /// Threshold voltage without its bias-dependent terms, type-normalised.
    pub(super) vth_fixed: f64,
    /// toxe phi / (Weff + w0).
    pub(super) narrow: f64,
    pub(super) rds0: f64,
    pub(super) rdswmin: f64,
    pub(super) rd0: f64,
    pub(super) rdwmin: f64,
    pub(super) rs0: f64,
    pub(super) rswmin: f64,
    pub(super) tfac: f64,
    /// Charges: abulkCVfactor, overlaps per finger, oxide capacitance of all fingers.
    pub(super) ab_cv: f64,
    pub(super) cgdo: f64,
    pub(super) cgso: f64,
    pub(super) cgbo: f64,
    pub(super) coxe_area: f64,
    /// Tunnelling prefactors.
    pub(super) tunnel_channel: [f64; 2],
    pub(super) tunnel_edge: [f64; 3],
    pub(super) tunnel_body: [f64; 2],
    /// Unclamped `ckappas`, `ckappad`, `a1`, `a2`, `prwg`, `rds0`, `rdswmin` for the reference's parameter check.
    unchecked: [f64; 7],
}

/// Band gap, eV.
pub(super) fn band_gap(t: f64) -> f64 {
    1.16 - 7.02e-4 * t * t / (t + 1108.0)
}

impl Sized {
    /// Preprocesses one size at temperature `t` kelvin.
    pub(super) fn new(model: &Bsim4Model, instance: &Instance, size: Size, t: f64) -> Self {
        let p = &model.p;
        let ty = model.polarity;
        let Size { leff, weff, weff_cj, .. } = size;
        let tnom = model.nominal_k;
        let tempmod = Bsim4Model::switch(p.tempmod);
        let mut b = if model.binned {
            let unit = if p.binunit == 1.0 { 1e-6 } else { 1.0 };
            let inverse = [unit / leff, unit / weff, unit * unit / (leff * weff)];
            // The product coefficient carries one unit factor per length.
            Bins::combine(&model.base, &model.coefficients, inverse)
        } else {
            model.base.clone()
        };
        let (vt0, vt) = (KBOQ * tnom, KBOQ * t);
        let ratio = t / tnom;
        let (warming, dt) = (ratio - 1.0, t - tnom);

        // Temperature of mobility, velocity and resistances.
        let up = if b.up == 0.0 { 1.0 } else { 1.0 - b.up * (-leff / b.lp).exp() };
        // The reference forms u0(T) from the size value here; stress and well-proximity factors never reach it.
        b.u0 *= up * ratio.powf(b.ute) * instance.mulu0;
        if tempmod == 0 {
            b.ua += b.ua1 * warming;
            b.ub += b.ub1 * warming;
            b.uc += b.uc1 * warming;
            b.ud += b.ud1 * warming;
            b.vsat -= b.at * warming;
        } else {
            b.ua *= 1.0 + b.ua1 * dt;
            b.ub *= 1.0 + b.ub1 * dt;
            b.uc *= 1.0 + b.uc1 * dt;
            b.ud *= 1.0 + b.ud1 * dt;
            b.vsat *= 1.0 - b.at * dt;
        }
        if p.mobmod == 3.0 {
            b.ucs *= ratio.powf(b.ucste);
        }
        b.eu *= 1.0 + b.eu1 * dt;
        let prt = b.prt;
        let warm = |r: f64| if tempmod == 0 { r + prt * warming } else { r * (1.0 + prt * dt) };
        let per_width = (if b.wr == 1.0 { weff_cj * 1e6 } else { (weff_cj * 1e6).powf(b.wr) }) * instance.nf;
        let (rds0, rdswmin) =
            (warm(b.rdsw) * instance.nf / per_width, warm(p.rdswmin) * instance.nf / per_width);
        let outer = |r: f64| warm(r).max(0.0) / per_width;
        b.vfbsdoff *= 1.0 + b.tvfbsdoff * dt;
        b.voff *= 1.0 + b.tvoff * dt;
        let t_xn = leff / (b.xn * leff + p.lc);
        let tfac = (1.0 - t_xn) / (1.0 + t_xn);

        // Potentials and depletion widths.
        let nominal_gap = band_gap(tnom);
        let ni = 1.45e10
            * (tnom / 300.15)
            * (tnom / 300.15).sqrt()
            * (21.556_598_1 - nominal_gap / (2.0 * vt0)).exp();
        let phi = vt0 * (b.ndep / ni).ln() + b.phin + 0.4;
        let sqrt_phi = phi.sqrt();
        let xdep0 = (2.0 * ESI / (QM * b.ndep * 1e6)).sqrt() * sqrt_phi;
        let oxide_ratio = if model.v45 { 3.0 } else { 3.0 * 3.9 / p.epsrox };
        let litl = (oxide_ratio * b.xj * p.toxe).sqrt();
        let vbi = vt0 * (b.nsd * b.ndep / (ni * ni)).ln();
        let vfbsd = if b.ngate > 0.0 { vt0 * (b.ngate / b.nsd).ln() } else { 0.0 };
        let cdep0 = (QM * ESI * b.ndep * 1e6 / (2.0 * phi)).sqrt();
        b.acde *= (b.ndep / 2e16).powf(-0.25);
        body_effect(&mut b, model.coxe, phi, sqrt_phi);
        let given_vth0 = !b.vth0.is_nan();
        if b.vfb.is_nan() {
            b.vfb = if given_vth0 { ty * b.vth0 - phi - b.k1 * sqrt_phi } else { -1.0 };
        }
        if !given_vth0 {
            b.vth0 = ty * (b.vfb + phi + b.k1 * sqrt_phi);
        }
        let k1ox = b.k1 * p.toxe / p.toxm;

        // Short- and narrow-channel terms at zero bias.
        let l0 = (ESI * p.toxe * xdep0 / (p.epsrox * EPS0)).sqrt();
        let th_dibl = decay_of(b.dsub * leff / l0);
        let th_rout = b.pdiblc1 * decay_of(b.drout * leff / l0) + b.pdiblc2;
        let narrow = p.toxe * phi / (weff + b.w0);
        let lateral0 = k1ox * ((1.0 + b.lpe0 / leff).sqrt() - 1.0) * sqrt_phi;
        let short_width = if b.dvt0w == 0.0 { 0.0 } else { b.dvt0w * decay_of(b.dvt1w * weff * leff / l0) };
        let short = if b.dvt0 == 0.0 { 0.0 } else { b.dvt0 * decay_of(b.dvt1 * leff / l0) };
        let flat_warming = if tempmod == 2 { -b.kt1 * warming } else { (b.kt1 + b.kt1l / leff) * warming };
        let vfbzb_fixed = -(short_width + short) * (vbi - phi) + b.k3 * narrow + lateral0 + flat_warming
            - phi
            - b.k1 * sqrt_phi;

        // Tunnelling prefactors: (toxref / toxe)^ntox / toxe^2.
        let tunnels = p.igcmod != 0.0 || p.igbmod != 0.0;
        let (a, big_b) = if ty > 0.0 { (4.972_32e-7, 7.456_69e11) } else { (3.425_37e-7, 1.166_45e12) };
        let ratio_of = |tox: f64| if tunnels { (p.toxref / tox).powf(b.ntox) / (tox * tox) } else { 0.0 };
        let channel_ratio = ratio_of(p.toxe);
        let edge = p.toxe * b.poxedge;
        let edge_ratio = ratio_of(edge);
        let tunnel_edge = [a * weff * p.dlcig * edge_ratio, a * weff * p.dlcigd * edge_ratio, -big_b * edge];

        stress(&mut b, model, instance, &size, warming);
        well_proximity(&mut b, model, instance);
        b.vth0 += instance.delvto;
        b.vfb += ty * instance.delvto;
        let surface = ty * b.vth0 - b.vfb - phi;
        let vbsc = if b.k2 < 0.0 {
            let t = 0.5 * b.k1 / b.k2;
            (0.9 * (phi - t * t)).clamp(-30.0, -3.0)
        } else {
            -30.0
        };
        let lateral = (1.0 + b.lpeb / leff).sqrt();
        let mstar = 0.5 + if b.minv == 0.0 { 0.0 } else { b.minv.atan() / PI };
        let voffcbn = b.voff + p.voffl / leff;
        let vgt_at_threshold = if p.mobmod == 3.0 {
            let slope =
                (b.nfactor * ESI / xdep0 + b.cdsc * decay_of(b.dvt1 * leff / l0) + b.cit) / model.coxe;
            let n = if slope >= -0.5 { 1.0 + slope } else { (1.0 + 3.0 * slope) / (3.0 + 8.0 * slope) };
            let weak = model.coxe / cdep0 * (voffcbn / (n * vt)).clamp(-34.0, 34.0).exp();
            n * vt * std::f64::consts::LN_2 / (mstar + n * weak)
        } else {
            0.0
        };

        Self {
            vt,
            warming,
            vt_effect: if tempmod < 2 { vt } else { vt0 },
            phi,
            sqrt_phi,
            xdep0,
            litl,
            vbi,
            vfb: b.vfb,
            vfbsd,
            cdep0,
            mstar,
            voffcbn,
            vgt_at_threshold,
            ldeb: (ESI * vt0 / (QM * b.ndep * 1e6)).sqrt() / 3.0,
            k1ox,
            k2ox: b.k2 * p.toxe / p.toxm,
            vbsc: vbsc.min(b.vbm),
            vfbzb: vfbzb_fixed + ty * b.vth0,
            vtfbphi1: (if ty > 0.0 { 2.0 } else { 2.5 } * surface).max(0.0),
            vtfbphi2: (4.0 * surface).max(0.0),
            th_dibl,
            th_rout,
            lateral,
            vth_fixed: ty * b.vth0 - b.k1 * sqrt_phi * lateral
                + b.k3 * narrow
                + lateral0
                + (b.kt1 + b.kt1l / leff) * warming,
            narrow,
            rds0,
            rdswmin,
            rd0: outer(b.rdw),
            rdwmin: outer(p.rdwmin),
            rs0: outer(b.rsw),
            rswmin: outer(p.rswmin),
            tfac,
            ab_cv: 1.0 + (b.clc / size.leff_cv).powf(b.cle),
            cgdo: (p.cgdo + b.cf) * size.weff_cv,
            cgso: (p.cgso + b.cf) * size.weff_cv,
            cgbo: p.cgbo * size.leff_cv * instance.nf,
            coxe_area: model.coxe * size.weff_cv * size.leff_cv * instance.nf,
            tunnel_channel: [a * weff * leff * channel_ratio, -big_b * p.toxe],
            tunnel_edge,
            tunnel_body: [4.972_32e-7 * weff * leff * channel_ratio, -7.456_69e11 * p.toxe],
            unchecked: [b.ckappas, b.ckappad, b.a1, b.a2, b.prwg, rds0, rdswmin],
            size,
            b,
        }
    }

    /// Applies (or takes back) the reference's parameter clamps; see [`crate::devices::apply_model_checks`].
    pub(super) fn set_checked(&mut self, checked: bool, paramchk: bool) {
        let [ckappas, ckappad, a1, a2, prwg, rds0, rdswmin] = self.unchecked;
        let b = &mut self.b;
        (b.ckappas, b.ckappad, b.a1, b.a2, b.prwg) = (ckappas, ckappad, a1, a2, prwg);
        (self.rds0, self.rdswmin) = (rds0, rdswmin);
        if !checked {
            return;
        }
        b.ckappas = ckappas.max(0.02);
        b.ckappad = ckappad.max(0.02);
        if paramchk {
            if a2 > 1.0 {
                b.a1 = 0.0;
            }
            b.a2 = a2.clamp(0.01, 1.0);
            b.prwg = prwg.max(0.0);
            self.rds0 = if b.rdsw < 0.0 { 0.0 } else { rds0.max(0.0) };
            self.rdswmin = rdswmin.max(0.0);
        }
    }
}

/// Body-effect coefficients, from the doping profile where the card gives neither.
fn body_effect(b: &mut Bins, coxe: f64, phi: f64, sqrt_phi: f64) {
    match (b.k1.is_nan(), b.k2.is_nan()) {
        (false, false) => {}
        (false, true) => b.k2 = -0.0186,
        (true, false) => b.k1 = 0.53,
        (true, true) => {
            let vbx = if b.vbx.is_nan() { phi - 7.7348e-4 * b.ndep * b.xt * b.xt } else { b.vbx };
            let (vbx, vbm) = (-vbx.abs(), -b.vbm.abs());
            let gamma1 = if b.gamma1.is_nan() { 5.753e-12 * b.ndep.sqrt() / coxe } else { b.gamma1 };
            let gamma2 = if b.gamma2.is_nan() { 5.753e-12 * b.nsub.sqrt() / coxe } else { b.gamma2 };
            let numerator = (gamma1 - gamma2) * ((phi - vbx).sqrt() - sqrt_phi);
            b.k2 = numerator / (2.0 * (sqrt_phi * (phi - vbm).sqrt() - phi) + vbm);
            b.k1 = gamma2 - 2.0 * b.k2 * (phi - vbm).sqrt();
            b.vbm = vbm;
        }
    }
}

/// Mechanical stress of the shallow-trench isolation: velocity, threshold, body effect and DIBL.
fn stress(b: &mut Bins, model: &Bsim4Model, instance: &Instance, size: &Size, warming: f64) {
    let p = &model.p;
    let (sa, sb, nf) = (instance.sa, instance.sb, instance.nf);
    if !(sa > 0.0 && sb > 0.0 && (nf == 1.0 || instance.sd > 0.0)) {
        return;
    }
    let l = instance.l;
    let mut od = 0.0;
    for finger in 0..(nf as usize).max(1) {
        let offset = 0.5 * l + finger as f64 * (instance.sd + l);
        od += (1.0 / (sa + offset) + 1.0 / (sb + offset)) / nf;
    }
    let od_ref = 1.0 / (p.saref + 0.5 * l) + 1.0 / (p.sbref + 0.5 * l);
    let w = size.drawn_w + p.wlod;
    let sensitivity = |kl: f64, kw: f64, kp: f64, ln: f64, wn: f64| {
        let (x, y) = (size.drawn_l.powf(ln), w.powf(wn));
        1.0 + kl / x + kw / y + kp / (x * y)
    };
    let k0 = sensitivity(p.lku0, p.wku0, p.pku0, p.llodku0, p.wlodku0) * (1.0 + p.tku0 * warming) + 1e-9;
    let kv = sensitivity(p.lkvth0, p.wkvth0, p.pkvth0, p.llodvth, p.wlodvth);
    let kv = (kv * kv + 1e-9).sqrt();
    let kvsat = p.kvsat.clamp(-1.0, 1.0);
    let (rho, rho_ref) = (p.ku0 * od / k0, p.ku0 * od_ref / k0);
    b.vsat *= (1.0 + kvsat * rho) / (1.0 + kvsat * rho_ref);
    let excess = od - od_ref;
    b.vth0 += p.kvth0 * excess / kv;
    b.k2 += p.stk2 * excess / kv.powf(p.lodk2);
    b.eta0 += p.steta0 * excess / kv.powf(p.lodeta0);
}

/// Distance to the well edge: threshold and body effect.
fn well_proximity(b: &mut Bins, model: &Bsim4Model, instance: &Instance) {
    let p = &model.p;
    if p.wpemod == 0.0 {
        return;
    }
    let or_zero = |x: f64| if x.is_nan() { 0.0 } else { x };
    let (mut sca, mut scb, mut scc) = (or_zero(instance.sca), or_zero(instance.scb), or_zero(instance.scc));
    if instance.sca.is_nan() && instance.scb.is_nan() && instance.scc.is_nan() && instance.sc > 0.0 {
        let (r, sc, w) = (p.scref, instance.sc, instance.w / instance.nf);
        let far = sc + w;
        sca = r * r / (sc * far);
        scb = ((0.1 * sc + 0.01 * r) * (-10.0 * sc / r).exp()
            - (0.1 * far + 0.01 * r) * (-10.0 * far / r).exp())
            / w;
        scc = ((0.05 * sc + 0.0025 * r) * (-20.0 * sc / r).exp()
            - (0.05 * far + 0.0025 * r) * (-20.0 * far / r).exp())
            / w;
    }
    let effective = sca + p.web * scb + p.wec * scc;
    b.vth0 += p.kvth0we * effective;
    b.k2 += p.k2we * effective;
}
