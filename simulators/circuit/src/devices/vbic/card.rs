//! The VBIC card: parameters, and their values at a temperature.

use crate::devices::constants::ZERO_CELSIUS_K;
use crate::devices::parameters::parameter_table;
use crate::devices::{DeviceError, ModelCard};

parameter_table! {
    /// Parameters of a VBIC card (names and units of VBIC 1.2, per unit area).
    #[allow(missing_docs)]
    VbicParameters {
        tnom | "tref" = f64::NAN, rcx = 0.0, rci = 0.1, vo = 0.0, gamm = 0.0, hrcf = 1.0, rbx = 0.0, rbi = 0.1, re = 0.0,
        rs = 0.0, rbp = 0.1, is = 1e-16, nf = 1.0, nr = 1.0, fc = 0.9, cbeo = 0.0, cje = 0.0, pe = 0.75, me = 0.33,
        aje = -0.5, cbco = 0.0, cjc = 0.0, qco = 0.0, cjep = 0.0, pc = 0.75, mc = 0.33, ajc = -0.5, cjcp = 0.0, ps = 0.75,
        ms = 0.33, ajs = -0.5, ibei = 1e-18, wbe = 1.0, nei = 1.0, iben = 0.0, nen = 2.0, ibci = 1e-16, nci = 1.0,
        ibcn = 0.0, ncn = 2.0, avc1 = 0.0, avc2 = 0.0, isp = 0.0, wsp = 1.0, nfp = 1.0, ibeip = 0.0, ibenp = 0.0,
        ibcip = 0.0, ncip = 1.0, ibcnp = 0.0, ncnp = 2.0, vef = 0.0, ver = 0.0, ikf = 0.0, ikr = 0.0, ikp = 0.0, tf = 0.0,
        qtf = 0.0, xtf = 0.0, vtf = 0.0, itf = 0.0, tr = 0.0, td = 0.0, kfn = 0.0, afn = 1.0, bfn = 1.0, xre = 0.0,
        xrb = f64::NAN, xrbi = f64::NAN, xrc = f64::NAN, xrci = f64::NAN, xrs = 0.0, xvo = 0.0, ea = 1.12, eaie = 1.12,
        eaic = 1.12, eais = 1.12, eane = 1.12, eanc = 1.12, eans = 1.12, xis = 3.0, xii = 3.0, xin = 3.0, tnf = 0.0,
        tavc = 0.0, rth = 0.0, cth = 0.0, vrt = 0.0, art = 0.1, ccso = 0.0, qbm = 0.0, nkf = 0.5, xikf = 0.0,
        xrcx = f64::NAN, xrbx = f64::NAN, xrbp = 0.0, isrr = 1.0, xisr = 0.0, dear = 0.0, eap = 1.12, vbbe = 0.0,
        nbbe = 1.0, ibbe = 1e-6, tvbbe1 = 0.0, tvbbe2 = 0.0, tnbbe = 0.0, ebbe = 0.0, dtemp = 0.0, vers = 1.2, vref = 0.0,
        vbe_max = f64::NAN, vbc_max = f64::NAN, vce_max = f64::NAN,
    }
}

/// A VBIC card.
#[derive(Debug, Clone)]
pub struct VbicModel {
    pub(in crate::devices) name: String,
    pub(super) polarity: f64,
    pub(super) p: VbicParameters,
    pub(super) nominal_k: f64,
}

impl VbicModel {
    /// Reads the card.
    ///
    /// # Errors
    /// Values that are not finite.
    pub fn from_card(card: &ModelCard, nominal_k: f64) -> Result<(Self, Vec<String>), DeviceError> {
        card.check_finite()?;
        let (mut p, mut warnings) = VbicParameters::read(card);
        // As in ngspice, a resistance that is given has at least 10 milliohms.
        for (name, value) in [
            ("rcx", &mut p.rcx),
            ("rci", &mut p.rci),
            ("rbx", &mut p.rbx),
            ("rbi", &mut p.rbi),
            ("re", &mut p.re),
            ("rs", &mut p.rs),
            ("rbp", &mut p.rbp),
        ] {
            if card.get(name).is_some() {
                *value = value.max(0.01);
            }
        }
        // The exponents of an outer and an inner resistance are those of both where they are not given.
        let or =
            |own: f64, both: f64| if own.is_nan() { if both.is_nan() { 0.0 } else { both } } else { own };
        (p.xrbi, p.xrbx, p.xrci, p.xrcx) =
            (or(p.xrbi, p.xrb), or(p.xrbx, p.xrb), or(p.xrci, p.xrc), or(p.xrcx, p.xrc));
        if p.td != 0.0 {
            warnings.push(format!("model `{}`: excess phase `td` is ignored, as in ngspice", card.name));
        }
        let nominal_k = if p.tnom.is_nan() { nominal_k } else { p.tnom + ZERO_CELSIUS_K };
        let polarity = if card.kind == "npn" { 1.0 } else { -1.0 };
        Ok((Self { name: card.name.clone(), polarity, p, nominal_k }, warnings))
    }

    /// The parameters at `t_k` kelvin, and the thermal voltage there, V.
    pub(super) fn at(&self, t_k: f64) -> (VbicParameters, f64) {
        let n = &self.p;
        let mut p = n.clone();
        let vt = super::thermal_voltage(t_k);
        let (r, dt) = (t_k / self.nominal_k, t_k - self.nominal_k);
        let heated = |x: f64, energy: f64| r.powf(x) * (-energy * (1.0 - r) / vt).exp();
        for (value, exponent) in [
            (&mut p.ikf, n.xikf),
            (&mut p.rcx, n.xrcx),
            (&mut p.rci, n.xrci),
            (&mut p.rbx, n.xrbx),
            (&mut p.rbi, n.xrbi),
            (&mut p.re, n.xre),
            (&mut p.rs, n.xrs),
            (&mut p.rbp, n.xrbp),
            (&mut p.vo, n.xvo),
        ] {
            *value *= r.powf(exponent);
        }
        for (value, exponent, energy, emission) in [
            (&mut p.is, n.xis, n.ea, n.nf),
            (&mut p.isrr, n.xisr, n.dear, n.nr),
            (&mut p.isp, n.xis, n.eap, n.nfp),
            (&mut p.ibei, n.xii, n.eaie, n.nei),
            (&mut p.iben, n.xin, n.eane, n.nen),
            (&mut p.ibci, n.xii, n.eaic, n.nci),
            (&mut p.ibcn, n.xin, n.eanc, n.ncn),
            (&mut p.ibeip, n.xii, n.eaic, n.nci),
            (&mut p.ibenp, n.xin, n.eanc, n.ncn),
            (&mut p.ibcip, n.xii, n.eais, n.ncip),
            (&mut p.ibcnp, n.xin, n.eans, n.ncnp),
            (&mut p.gamm, n.xis, n.ea, 1.0),
        ] {
            *value *= heated(exponent, energy).powf(1.0 / emission);
        }
        p.nf *= 1.0 + dt * n.tnf;
        p.nr *= 1.0 + dt * n.tnf;
        p.avc2 *= 1.0 + dt * n.tavc;
        p.vbbe *= 1.0 + dt * (n.tvbbe1 + dt * n.tvbbe2);
        p.nbbe *= 1.0 + dt * n.tnbbe;
        p.ebbe = (-p.vbbe / (p.nbbe * vt)).exp();
        let potential = |nominal: f64, energy: f64| {
            let x = 0.5 * nominal * r / vt;
            let reference = 2.0 * (vt / r) * (x.exp() - (-x).exp()).ln();
            let shifted = reference * r - 3.0 * vt * r.ln() - energy * (r - 1.0);
            shifted + 2.0 * vt * (0.5 * (1.0 + (1.0 + 4.0 * (-shifted / vt).exp()).sqrt())).ln()
        };
        (p.pe, p.pc, p.ps) = (potential(n.pe, n.eaie), potential(n.pc, n.eaic), potential(n.ps, n.eais));
        p.cje *= (n.pe / p.pe).powf(n.me);
        p.cjc *= (n.pc / p.pc).powf(n.mc);
        p.cjep *= (n.pc / p.pc).powf(n.mc);
        p.cjcp *= (n.ps / p.ps).powf(n.ms);
        (p, vt)
    }
}
