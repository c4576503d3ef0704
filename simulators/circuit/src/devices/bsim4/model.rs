//! A BSIM4 card with its derived defaults: which code version it selects, oxide capacitances, junction sides.

use super::card::{Bins, Card, Plain};
use super::numeric::{EPS0, ESI, PI};
use crate::devices::constants::ZERO_CELSIUS_K;
use crate::devices::{DeviceError, ModelCard};

/// Parameters of one junction (source or drain side).
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct JunctionCard {
    pub(super) js: [f64; 3],
    pub(super) emission: f64,
    pub(super) xti: f64,
    pub(super) ijth_forward: f64,
    pub(super) ijth_reverse: f64,
    pub(super) bv: f64,
    pub(super) xjbv: f64,
    pub(super) capacitance: [f64; 3],
    pub(super) grading: [f64; 3],
    pub(super) potential: [f64; 3],
    pub(super) jts: [f64; 3],
    pub(super) xts: [f64; 3],
    pub(super) vts: [f64; 3],
}

/// A BSIM4 card, complete.
#[derive(Debug, Clone)]
pub struct Bsim4Model {
    pub(crate) name: String,
    /// +1 for NMOS, -1 for PMOS.
    pub(super) polarity: f64,
    /// Whether the card selects the 4.5 equations (versions 4.0 to 4.5) rather than 4.8.
    pub(super) v45: bool,
    /// Whether noise that channel and gate share has a column of its own (from 4.7 on).
    pub(super) shared_noise: bool,
    pub(super) p: Plain,
    pub(super) base: Bins,
    pub(super) coefficients: [Bins; 3],
    pub(super) binned: bool,
    pub(super) nominal_k: f64,
    pub(super) coxe: f64,
    pub(super) coxp: f64,
    pub(super) factor1: f64,
    pub(super) source: JunctionCard,
    pub(super) drain: JunctionCard,
}

/// Replaces a value that was not given.
fn default(value: &mut f64, fallback: f64) {
    if value.is_nan() {
        *value = fallback;
    }
}

impl Bsim4Model {
    /// Reads a card.
    ///
    /// # Errors
    /// Values that are not finite; oxide thickness of zero or less.
    pub fn from_card(card: &ModelCard, nominal_k: f64) -> Result<(Self, Vec<String>), DeviceError> {
        card.check_finite()?;
        let (Card { plain: mut p, mut base, mut coefficients, binned }, mut warnings) = Card::read(card);
        let n_channel = card.kind == "nmos";
        let by_type = |n: f64, p: f64| if n_channel { n } else { p };
        let v45 = match version(card) {
            (4, 0..=5) => true,
            (4, 6 | 7) => {
                warnings.push(format!(
                    "model `{}`: version 4.6/4.7 is evaluated with the 4.8 equations",
                    card.name
                ));
                false
            }
            _ => false,
        };
        check_switches(card, &p, v45)?;
        let nominal_k = if p.tnom.is_nan() { nominal_k } else { p.tnom + ZERO_CELSIUS_K };

        // Oxide: toxe and toxp determine each other through dtox.
        let toxe_read = if p.toxe.is_nan() { 3e-9 } else { p.toxe };
        match (p.toxe.is_nan(), p.toxp.is_nan()) {
            (true, true) => (p.toxe, p.toxp) = (3e-9, 3e-9),
            (false, true) => p.toxp = p.toxe - p.dtox,
            (true, false) => p.toxe = p.toxp + p.dtox,
            (false, false) => {}
        }
        default(&mut p.toxm, p.toxe);
        for (what, value) in [("toxe", p.toxe), ("toxp", p.toxp), ("toxm", p.toxm), ("epsrox", p.epsrox)] {
            if value <= 0.0 {
                let hint = String::new();
                return Err(DeviceError::NotPositive {
                    device: card.name.clone(),
                    what: what.into(),
                    value,
                    hint,
                });
            }
        }
        let coxe = p.epsrox * EPS0 / p.toxe;

        // Doping written per cubic metre is converted (the reference's thresholds).
        let sets = std::iter::once((&mut base, 1.0)).chain(coefficients.iter_mut().map(|set| (set, 1e-1)));
        for (set, scale) in sets {
            for (value, limit) in [
                (&mut set.ndep, 1e20),
                (&mut set.nsd, 1.000_001e24 * scale),
                (&mut set.ngate, 1.000_001e24 * scale),
            ] {
                if *value > limit {
                    *value *= 1e-6;
                }
            }
        }

        if base.ndep.is_nan() {
            base.ndep =
                if base.gamma1.is_nan() { 1.7e17 } else { 3.012_48e22 * (base.gamma1 * coxe).powi(2) };
        }

        // Defaults that depend on type, switches or other parameters.
        default(&mut base.dsub, base.drout);
        default(&mut base.u0, by_type(0.067, 0.025));
        if base.u0 > 1.0 {
            base.u0 /= 1e4;
        }
        default(&mut base.ua, if p.mobmod == 2.0 { 1e-15 } else { 1e-9 });
        default(&mut base.uc, if p.mobmod == 1.0 { -0.0465 } else { -0.0465e-9 });
        default(&mut base.uc1, if p.mobmod == 1.0 { -0.056 } else { -0.056e-9 });
        default(&mut base.ud, if v45 { 1e14 } else { 0.0 });
        default(&mut base.eu, by_type(1.67, 1.0));
        base.eu = base.eu.max(0.0);
        default(&mut base.ucs, by_type(1.67, 1.0));
        default(&mut base.aigc, by_type(1.36e-2, 9.8e-3));
        default(&mut base.bigc, by_type(1.71e-3, 7.59e-4));
        default(&mut base.cigc, by_type(0.075, 0.03));
        default(&mut base.aigsd, by_type(1.36e-2, 9.8e-3));
        default(&mut base.bigsd, by_type(1.71e-3, 7.59e-4));
        default(&mut base.cigsd, by_type(0.075, 0.03));
        if v45 {
            (base.aigs, base.bigs, base.cigs) = (f64::NAN, f64::NAN, f64::NAN);
            (base.aigd, base.bigd, base.cigd) = (f64::NAN, f64::NAN, f64::NAN);
            (base.agisl, base.bgisl, base.cgisl, base.egisl) = (f64::NAN, f64::NAN, f64::NAN, f64::NAN);
        }
        default(&mut base.aigs, base.aigsd);
        default(&mut base.bigs, base.bigsd);
        default(&mut base.cigs, base.cigsd);
        default(&mut base.aigd, base.aigsd);
        default(&mut base.bigd, base.bigsd);
        default(&mut base.cigd, base.cigsd);
        default(&mut base.agisl, base.agidl);
        default(&mut base.bgisl, base.bgidl);
        default(&mut base.cgisl, base.cgidl);
        default(&mut base.egisl, base.egidl);
        default(&mut base.ckappad, base.ckappas);
        default(&mut base.cf, 2.0 * p.epsrox * EPS0 / PI * (4e-7 / toxe_read).ln_1p());
        default(&mut p.noia, by_type(6.25e41, 6.188e40));
        default(&mut p.noib, by_type(3.125e26, 1.5e25));

        // Geometry.
        let dlc_given = !p.dlc.is_nan();
        default(&mut p.dlc, p.lint);
        default(&mut p.dwc, p.wint);
        default(&mut p.dwj, p.dwc);
        default(&mut p.dlcig, p.lint);
        default(&mut p.dlcigd, p.dlcig);
        default(&mut p.llc, p.ll);
        default(&mut p.lwc, p.lw);
        default(&mut p.lwlc, p.lwl);
        default(&mut p.wlc, p.wl);
        default(&mut p.wwc, p.ww);
        default(&mut p.wwlc, p.wwl);
        default(&mut p.dmci, p.dmcg);

        // Overlap capacitances.
        let overlap = |bias_dependent: f64| {
            if dlc_given && p.dlc > 0.0 { p.dlc * coxe - bias_dependent } else { 0.6 * base.xj * coxe }
        };
        let (cgdo, cgso) = (overlap(base.cgdl), overlap(base.cgsl));
        default(&mut p.cgdo, cgdo);
        default(&mut p.cgso, cgso);
        default(&mut p.cgbo, 2.0 * p.dwc * coxe);

        let (source, drain) = junctions(&p);
        let model = Self {
            name: card.name.clone(),
            polarity: by_type(1.0, -1.0),
            v45,
            shared_noise: !v45 && version(card) != (4, 6),
            nominal_k,
            coxe,
            coxp: p.epsrox * EPS0 / p.toxp,
            factor1: (ESI * p.toxe / (p.epsrox * EPS0)).sqrt(),
            source,
            drain,
            base,
            coefficients,
            binned,
            p,
        };
        Ok((model, warnings))
    }

    /// A switch's value as an integer.
    pub(super) fn switch(value: f64) -> i32 {
        value as i32
    }
}

/// Refuses a switch whose value selects equations that are not implemented; `owner` is the card or instance.
pub(super) fn check_switch(
    owner: &str,
    parameter: &str,
    value: f64,
    supported: &[f64],
) -> Result<(), DeviceError> {
    if supported.contains(&value) {
        return Ok(());
    }
    let supported = supported.iter().map(f64::to_string).collect::<Vec<_>>().join(", ");
    Err(DeviceError::Unsupported { owner: owner.into(), parameter: parameter.into(), value, supported })
}

/// Checks every switch of a card: none may be ignored or taken for another.
fn check_switches(card: &ModelCard, p: &Plain, v45: bool) -> Result<(), DeviceError> {
    let mobilities: &[f64] = if v45 { &[0.0, 1.0, 2.0] } else { &[0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0] };
    for (parameter, value, supported) in [
        ("mobmod", p.mobmod, mobilities),
        ("capmod", p.capmod, &[0.0, 1.0, 2.0]),
        ("rdsmod", p.rdsmod, &[0.0, 1.0]),
        ("igcmod", p.igcmod, &[0.0, 1.0, 2.0]),
        ("igbmod", p.igbmod, &[0.0, 1.0]),
        ("diomod", p.diomod, &[0.0, 1.0, 2.0]),
        ("tempmod", p.tempmod, &[0.0, 1.0, 2.0]),
        ("fnoimod", p.fnoimod, &[0.0, 1.0]),
        ("tnoimod", p.tnoimod, if v45 { &[0.0, 1.0] } else { &[0.0, 1.0, 2.0] }),
    ] {
        check_switch(&card.name, parameter, value, supported)?;
    }
    // Switches of 4.8 for effects that are not implemented; earlier versions do not know them.
    for parameter in ["gidlmod", "mtrlmod", "cvchargemod"] {
        if let (false, Some(value)) = (v45, card.get(parameter)) {
            check_switch(&card.name, parameter, value, &[0.0])?;
        }
    }
    Ok(())
}

/// Major and minor version; a card without one selects 4.8.
fn version(card: &ModelCard) -> (u32, u32) {
    let text = card.version.clone().or_else(|| card.get("version").map(|v| v.to_string()));
    let Some(text) = text else { return (4, 8) };
    let mut parts = text.split('.').map(|part| part.trim().parse::<u32>().unwrap_or(0));
    (parts.next().unwrap_or(4), parts.next().unwrap_or(0))
}

/// The two junction sides; what the drain side lacks is as on the source side.
fn junctions(p: &Plain) -> (JunctionCard, JunctionCard) {
    let or = |value: f64, fallback: f64| if value.is_nan() { fallback } else { value };
    let checked = p.paramchk != 0.0;
    let potential = |v: f64| if checked { v.max(0.1) } else { v };
    let grading = |v: f64| if checked && v >= 0.99 { 0.99 } else { v };
    let source = JunctionCard {
        js: [p.jss, p.jsws, p.jswgs],
        emission: p.njs,
        xti: p.xtis,
        ijth_forward: p.ijthsfwd,
        ijth_reverse: p.ijthsrev,
        bv: p.bvs,
        xjbv: p.xjbvs,
        capacitance: [p.cjs, p.cjsws, or(p.cjswgs, p.cjsws)],
        grading: [p.mjs, p.mjsws, or(p.mjswgs, p.mjsws)].map(grading),
        potential: [p.pbs, p.pbsws, or(p.pbswgs, p.pbsws)].map(potential),
        jts: [p.jtss, p.jtssws, p.jtsswgs],
        xts: [p.xtss, p.xtssws, p.xtsswgs],
        vts: [p.vtss, p.vtssws, p.vtsswgs],
    };
    let s = &source;
    let drain = JunctionCard {
        js: [or(p.jsd, s.js[0]), or(p.jswd, s.js[1]), or(p.jswgd, s.js[2])],
        emission: or(p.njd, s.emission),
        xti: or(p.xtid, s.xti),
        ijth_forward: or(p.ijthdfwd, s.ijth_forward),
        ijth_reverse: or(p.ijthdrev, s.ijth_reverse),
        bv: or(p.bvd, s.bv),
        xjbv: or(p.xjbvd, s.xjbv),
        capacitance: {
            let sidewall = or(p.cjswd, p.cjsws);
            let gate =
                if p.cjswgd.is_nan() && p.cjswd.is_nan() { s.capacitance[2] } else { or(p.cjswgd, sidewall) };
            [or(p.cjd, p.cjs), sidewall, gate]
        },
        grading: [or(p.mjd, s.grading[0]), or(p.mjswd, s.grading[1]), or(p.mjswgd, s.grading[2])]
            .map(grading),
        potential: [or(p.pbd, s.potential[0]), or(p.pbswd, s.potential[1]), or(p.pbswgd, s.potential[2])]
            .map(potential),
        jts: [or(p.jtsd, s.jts[0]), or(p.jtsswd, s.jts[1]), or(p.jtsswgd, s.jts[2])],
        xts: [or(p.xtsd, s.xts[0]), or(p.xtsswd, s.xts[1]), or(p.xtsswgd, s.xts[2])],
        vts: [or(p.vtsd, s.vts[0]), or(p.vtsswd, s.vts[1]), or(p.vtsswgd, s.vts[2])],
    };
    (source, drain)
}
