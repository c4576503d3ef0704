//! The parameters of a level-1 card and what follows from them (substrate doping route, transconductance).

use crate::devices::constants::{BOLTZMANN, CHARGE, EPSILON_OXIDE, EPSILON_SILICON, ZERO_CELSIUS_K};
use crate::devices::depletion::band_gap;
use crate::devices::parameters::parameter_table;
use crate::devices::{DeviceError, ModelCard};

parameter_table! {
    /// Parameters of a level-1 MOS card (SPICE names and units).
    Mos1Parameters {
        /// Zero-bias threshold voltage, V.
        vto | "vt0" = f64::NAN,
        /// Transconductance, A/V^2.
        kp = f64::NAN,
        /// Body-effect coefficient, sqrt(V).
        gamma = f64::NAN,
        /// Surface potential, V.
        phi = f64::NAN,
        /// Channel-length modulation, 1/V.
        lambda = 0.0,
        /// Drain resistance, ohm.
        rd = 0.0,
        /// Source resistance, ohm.
        rs = 0.0,
        /// Zero-bias body-drain capacitance, F.
        cbd = f64::NAN,
        /// Zero-bias body-source capacitance, F.
        cbs = f64::NAN,
        /// Junction saturation current, A.
        is = 1e-14,
        /// Junction potential, V.
        pb = 0.8,
        /// Gate-source overlap, F/m.
        cgso = 0.0,
        /// Gate-drain overlap, F/m.
        cgdo = 0.0,
        /// Gate-body overlap, F/m.
        cgbo = 0.0,
        /// Sheet resistance, ohm per square.
        rsh = 0.0,
        /// Junction capacitance per area, F/m^2.
        cj = 0.0,
        /// Area grading.
        mj = 0.5,
        /// Sidewall capacitance, F/m.
        cjsw = 0.0,
        /// Sidewall grading.
        mjsw = 0.5,
        /// Saturation current density, A/m^2.
        js = 0.0,
        /// Oxide thickness, m.
        tox = f64::NAN,
        /// Lateral diffusion, m.
        ld = 0.0,
        /// Surface mobility, cm^2/(V s).
        u0 | "uo" = 600.0,
        /// Forward depletion coefficient.
        fc = 0.5,
        /// Substrate doping, cm^-3.
        nsub = f64::NAN,
        /// Gate type: 1 opposite to, -1 same as substrate, 0 aluminium.
        tpg = 1.0,
        /// Surface state density, cm^-2.
        nss = 0.0,
        /// Flicker coefficient.
        kf = 0.0,
        /// Flicker exponent.
        af = 1.0,
        /// Nominal temperature, Celsius.
        tnom = f64::NAN,
    }
}

/// A level-1 card.
#[derive(Debug, Clone)]
pub struct Mos1Model {
    pub(crate) name: String,
    pub(super) polarity: f64,
    pub(super) nominal_k: f64,
    pub(super) p: Mos1Parameters,
    /// Oxide capacitance per area, F/m^2; zero without `tox`.
    pub(super) cox: f64,
}

impl Mos1Model {
    /// Reads the card.
    ///
    /// # Errors
    /// Values that are not finite; an oxide thickness of zero or less.
    pub fn from_card(card: &ModelCard, nominal_k: f64) -> Result<(Self, Vec<String>), DeviceError> {
        card.check_finite()?;
        let (mut p, warnings) = Mos1Parameters::read(card);
        let polarity = if card.kind == "nmos" { 1.0 } else { -1.0 };
        let nominal_k = if p.tnom.is_nan() { nominal_k } else { p.tnom + ZERO_CELSIUS_K };
        let default = |value: &mut f64, fallback: f64| {
            if value.is_nan() {
                *value = fallback;
            }
        };
        let mut cox = 0.0;
        if !p.tox.is_nan() {
            if p.tox <= 0.0 {
                let (what, hint) = ("tox".to_owned(), String::new());
                return Err(DeviceError::NotPositive { device: card.name.clone(), what, value: p.tox, hint });
            }
            cox = EPSILON_OXIDE / p.tox;
            default(&mut p.kp, p.u0 * cox * 1e-4);
            if p.nsub > 1.45e10 {
                // Threshold from the doping.
                let vt = BOLTZMANN * nominal_k / CHARGE;
                default(&mut p.phi, (2.0 * vt * (p.nsub / 1.45e10).ln()).max(0.1));
                let gap = band_gap(nominal_k);
                let gate = if p.tpg == 0.0 { 3.2 } else { 3.25 + 0.5 * gap - polarity * p.tpg * 0.5 * gap };
                let work = gate - (3.25 + 0.5 * gap + polarity * 0.5 * p.phi);
                default(&mut p.gamma, (2.0 * EPSILON_SILICON * CHARGE * p.nsub * 1e6).sqrt() / cox);
                let flat_band = work - p.nss * 1e4 * CHARGE / cox;
                default(&mut p.vto, flat_band + polarity * (p.gamma * p.phi.sqrt() + p.phi));
            }
        }
        default(&mut p.kp, 2e-5);
        default(&mut p.phi, 0.6);
        default(&mut p.gamma, 0.0);
        default(&mut p.vto, 0.0);
        Ok((Self { name: card.name.clone(), polarity, nominal_k, p, cox }, warnings))
    }
}
