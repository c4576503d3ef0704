//! The junction diode, SPICE level 1: exponential, reverse cubic and breakdown branches, depletion and diffusion charge.

use std::sync::Arc;

use super::constants::{BOLTZMANN, CHARGE, ZERO_CELSIUS_K};
use super::depletion::{Depletion, capacitance_factor, potential_at};
use super::error::check_positive;
use super::parameters::{parameter_table, read_instance};
use super::{Charge, DeviceError, ModelCard, NoiseSource, Pass, Stamp, Surroundings, limiting};

parameter_table! {
    /// Parameters of a diode card (SPICE names; volts, amperes, farads, seconds, ohms per unit area).
    DiodeParameters {
        /// Saturation current, A.
        is | "js" = 1e-14,
        /// Series resistance, ohm.
        rs = 0.0,
        /// Emission coefficient.
        n = 1.0,
        /// Transit time, s.
        tt = 0.0,
        /// Zero-bias junction capacitance, F.
        cjo | "cj0" | "cj" = 0.0,
        /// Junction potential, V.
        vj | "pb" = 1.0,
        /// Grading coefficient.
        m | "mj" = 0.5,
        /// Activation energy, eV.
        eg = 1.11,
        /// Saturation current temperature exponent.
        xti | "pt" = 3.0,
        /// Sidewall saturation current, A per unit of perimeter.
        jsw | "isw" = 0.0,
        /// Sidewall emission coefficient (the junction's unless given).
        ns = f64::NAN,
        /// Forward knee current, A (none unless given).
        ikf | "ik" = f64::NAN,
        /// Reverse knee current, A (none unless given).
        ikr = f64::NAN,
        /// Recombination saturation current, A.
        isr = 0.0,
        /// Recombination emission coefficient.
        nr = 2.0,
        /// Sidewall capacitance, F per unit of perimeter.
        cjsw | "cjp" = 0.0,
        /// Sidewall potential, V.
        php = 1.0,
        /// Sidewall grading coefficient.
        mjsw = 0.33,
        /// Forward-bias depletion coefficient of the sidewall.
        fcs = 0.5,
        /// Linear and quadratic temperature coefficients of the series resistance, 1/K and 1/K^2.
        trs1 | "trs" = 0.0,
        trs2 = 0.0,
        /// The same of the transit time.
        ttt1 = 0.0,
        ttt2 = 0.0,
        /// Flicker noise coefficient.
        kf = 0.0,
        /// Flicker noise exponent.
        af = 1.0,
        /// Forward-bias depletion coefficient.
        fc = 0.5,
        /// Breakdown voltage, V (none unless given).
        bv | "vb" = f64::NAN,
        /// Current at breakdown, A.
        ibv | "ib" = 1e-3,
        /// Breakdown emission coefficient (`n` unless given).
        nbv = f64::NAN,
        /// Breakdown voltage temperature coefficient, V/K.
        tcv = 0.0,
        /// Nominal temperature, Celsius (the circuit's unless given).
        tnom | "tref" = f64::NAN,
    }
}

/// A diode card.
#[derive(Debug, Clone)]
pub struct DiodeModel {
    pub(super) name: String,
    p: DiodeParameters,
    nominal_k: f64,
}

impl DiodeModel {
    /// Reads the card.
    ///
    /// # Errors
    /// Values that are not finite.
    pub fn from_card(card: &ModelCard, nominal_k: f64) -> Result<(Self, Vec<String>), DeviceError> {
        card.check_finite()?;
        let (mut p, warnings) = DiodeParameters::read(card);
        if p.nbv.is_nan() {
            p.nbv = p.n;
        }
        p.m = p.m.min(0.9);
        let nominal_k = if p.tnom.is_nan() { nominal_k } else { p.tnom + ZERO_CELSIUS_K };
        Ok((Self { name: card.name.clone(), p, nominal_k }, warnings))
    }
}

const PARAMETERS: [&str; 6] = ["area", "m", "temp", "dtemp", "pj", "ic"];

/// A diode instance: terminals anode, cathode; an internal anode if the card has a series resistance.
#[derive(Debug, Clone)]
pub struct Diode {
    pub(super) name: String,
    model: Arc<DiodeModel>,
    values: [f64; 6],
    charge: [Charge; 1],
    // At temperature and size.
    vt: f64,
    temperature_k: f64,
    gmin: f64,
    is: f64,
    v_critical: f64,
    breakdown: f64,
    capacitance: f64,
    depletion: Depletion,
    sidewall_is: f64,
    sidewall_capacitance: f64,
    sidewall_depletion: Depletion,
    recombination_is: f64,
    /// Junction potential at temperature, V.
    potential: f64,
    /// Knee currents of this size, A.
    knees: [f64; 2],
    transit: f64,
    series: f64,
    // Junction voltage: last evaluation, last accepted, the one before.
    state: [f64; 3],
    current: f64,
    slope: f64,
    total_capacitance: f64,
}

impl Diode {
    pub(super) fn new(
        name: &str,
        model: &Arc<DiodeModel>,
        parameters: &[(String, f64)],
        surroundings: &Surroundings,
    ) -> Result<Self, DeviceError> {
        let mut values = [1.0, 1.0, f64::NAN, 0.0, 0.0, 0.0];
        read_instance(name, &PARAMETERS, parameters, |index, value| values[index] = value)?;
        let inner = if model.p.rs > 0.0 { 2 } else { 0 };
        let mut diode = Self {
            name: name.to_owned(),
            model: Arc::clone(model),
            values,
            charge: [Charge { a: inner, b: 1, truncation: true }],
            vt: 0.0,
            temperature_k: 0.0,
            gmin: 0.0,
            is: 0.0,
            v_critical: 0.0,
            breakdown: f64::INFINITY,
            capacitance: 0.0,
            depletion: Depletion::default(),
            sidewall_is: 0.0,
            sidewall_capacitance: 0.0,
            sidewall_depletion: Depletion::default(),
            recombination_is: 0.0,
            potential: 1.0,
            knees: [f64::NAN; 2],
            transit: 0.0,
            series: 0.0,
            state: [0.0; 3],
            current: 0.0,
            slope: 0.0,
            total_capacitance: 0.0,
        };
        diode.update(surroundings)?;
        Ok(diode)
    }

    pub(super) fn internal_nodes(&self) -> &[&'static str] {
        if self.model.p.rs > 0.0 { &["internal"] } else { &[] }
    }

    pub(super) fn charges(&self) -> &[Charge] {
        &self.charge
    }

    pub(super) fn conductance_pattern(&self) -> Vec<(usize, usize)> {
        if self.model.p.rs > 0.0 {
            vec![(0, 0), (0, 2), (1, 1), (1, 2), (2, 0), (2, 1), (2, 2)]
        } else {
            vec![(0, 0), (0, 1), (1, 0), (1, 1)]
        }
    }

    pub(super) fn parameter_index(&self, name: &str) -> Option<usize> {
        PARAMETERS.iter().position(|known| *known == name)
    }

    pub(super) fn set_parameter(&mut self, index: usize, value: f64) {
        self.values[index] = value;
    }

    pub(super) fn set_gmin(&mut self, gmin: f64) {
        self.gmin = gmin;
    }

    pub(super) fn update(&mut self, surroundings: &Surroundings) -> Result<(), DeviceError> {
        let [area, m, temp, dtemp, perimeter, _] = self.values;
        check_positive(&self.name, &[("area", area), ("m", m)], "")?;
        let p = &self.model.p;
        let t = if temp.is_nan() { surroundings.temperature_k + dtemp } else { temp + ZERO_CELSIUS_K };
        let area = area * m;
        let ratio = t / self.model.nominal_k;
        self.temperature_k = t;
        self.gmin = surroundings.gmin;
        self.vt = BOLTZMANN * t / CHARGE;
        let vte = p.n * self.vt;
        // Saturation currents over temperature, by emission coefficient.
        let heated = |n: f64| ((ratio - 1.0) * p.eg / (n * self.vt) + p.xti / n * ratio.ln()).exp();
        self.is = p.is * area * heated(p.n);
        let perimeter = perimeter * m;
        self.sidewall_is = p.jsw * perimeter * heated(if p.ns.is_nan() { p.n } else { p.ns });
        self.recombination_is = p.isr * area * heated(p.nr);
        if p.ns.is_nan() {
            // Without a characteristic of its own the sidewall is part of the junction.
            self.is += self.sidewall_is;
            self.sidewall_is = 0.0;
        }
        self.knees = [p.ikf * area, p.ikr * area];
        self.v_critical = limiting::critical_voltage(vte, self.is);
        let potential = potential_at(p.vj, self.model.nominal_k, t);
        self.potential = potential;
        let sidewall = potential_at(p.php, self.model.nominal_k, t);
        self.sidewall_capacitance =
            p.cjsw * perimeter * capacitance_factor(p.php, p.mjsw, self.model.nominal_k, t);
        self.sidewall_depletion = Depletion::new(sidewall, p.mjsw, p.fcs.min(0.95));
        let dt = t - self.model.nominal_k;
        self.transit = p.tt * (1.0 + p.ttt1 * dt + p.ttt2 * dt * dt);
        self.capacitance = p.cjo * area * capacitance_factor(p.vj, p.m, self.model.nominal_k, t);
        let fc = if p.fc * potential > 1.0 { 1.0 / potential } else { p.fc };
        self.depletion = Depletion::new(potential, p.m, fc.min(0.95));
        self.series = if p.rs > 0.0 { area / (p.rs * (1.0 + p.trs1 * dt + p.trs2 * dt * dt)) } else { 0.0 };
        self.breakdown = if p.bv.is_nan() {
            f64::INFINITY
        } else {
            let bv = p.bv - p.tcv * (t - self.model.nominal_k);
            matched_breakdown(bv, p.ibv * m, self.is, p.nbv * self.vt, self.vt, surroundings.reltol)
        };
        Ok(())
    }

    fn limit(&self, v_new: f64, v_old: f64) -> (f64, bool) {
        let vtb = self.model.p.nbv * self.vt;
        let vte = self.model.p.n * self.vt;
        if v_new < (10.0 * vtb - self.breakdown).min(0.0) {
            let (v, limited) = limiting::pn_junction(
                -(v_new + self.breakdown),
                -(v_old + self.breakdown),
                vtb,
                self.v_critical,
            );
            (-(v + self.breakdown), limited)
        } else {
            limiting::pn_junction(v_new, v_old, vte, self.v_critical)
        }
    }

    /// Current and slope of a junction: exponential, cubic decay in reverse, breakdown.
    fn characteristic(&self, v: f64, is: f64, vte: f64) -> (f64, f64) {
        if v >= -3.0 * vte {
            let e = (v / vte).exp();
            (is * (e - 1.0), is * e / vte)
        } else if v >= -self.breakdown {
            let x = 3.0 * vte / (v * std::f64::consts::E);
            let cube = x * x * x;
            (-is * (1.0 + cube), is * 3.0 * cube / v)
        } else {
            let vtb = self.model.p.nbv * self.vt;
            let e = (-(self.breakdown + v) / vtb).exp();
            (-is * e, is * e / vtb)
        }
    }

    fn junction(&self, v: f64) -> (f64, f64) {
        let p = &self.model.p;
        let vte = p.n * self.vt;
        let (mut i, mut g) = self.characteristic(v, self.is, vte);
        if self.sidewall_is > 0.0 {
            let (side, slope) = self.characteristic(v, self.sidewall_is, p.ns * self.vt);
            i += side;
            g += slope;
        }
        // As in ngspice, only where the junction conducts.
        if self.recombination_is > 0.0 && v >= -3.0 * vte {
            let vtr = p.nr * self.vt;
            let e = (v / vtr).exp();
            let (rate, rate_slope) = (self.recombination_is * (e - 1.0), self.recombination_is * e / vtr);
            // The generation factor of the depletion layer.
            let x = 1.0 - v / self.potential;
            let inner = x * x + 0.005;
            let factor = inner.powf(0.5 * p.m);
            i += rate * factor;
            g += rate_slope * factor - rate * factor * p.m * x / (inner * self.potential);
        }
        // High injection: i / (1 + sqrt(i / knee)).
        let knee = if v >= -3.0 * vte { self.knees[0] } else { -self.knees[1] };
        if i.abs() > 1e-18 && knee * i > 0.0 {
            let root = (i / knee).sqrt();
            g = g * (1.0 + 0.5 * root) / ((1.0 + root) * (1.0 + root));
            i /= 1.0 + root;
        }
        (i + self.gmin * v, g + self.gmin)
    }

    pub(super) fn evaluate(&mut self, v: &[f64], pass: Pass, charges: bool, stamp: &mut Stamp) -> bool {
        let n = if self.model.p.rs > 0.0 { 3 } else { 2 };
        let inner = self.charge[0].a;
        stamp.clear(n, 1);
        stamp.v[..n].copy_from_slice(&v[..n]);
        let (vd, limited) = match pass {
            Pass::Junction => {
                stamp.v[..n].fill(0.0);
                (self.v_critical, false)
            }
            Pass::Newton => self.limit(v[inner] - v[1], self.state[0]),
            Pass::Predict { factor } => {
                let [_, v1, v2] = self.state;
                self.limit((1.0 + factor) * v1 - factor * v2, v1)
            }
            Pass::FirstTransient => (self.state[1], false),
            Pass::AtState => (self.state[0], false),
            Pass::Free => (v[inner] - v[1], false),
        };
        self.state[0] = vd;
        stamp.v[inner] = stamp.v[1] + vd;
        let (i, g) = self.junction(vd);
        (self.current, self.slope) = (i, g);
        stamp.branch(inner, 1, i, g);
        if inner != 0 {
            stamp.conductance(0, inner, self.series);
        }
        if charges {
            let (q, c) = self.depletion.at(vd);
            let (side_q, side_c) = self.sidewall_depletion.at(vd);
            let tt = self.transit;
            stamp.q[0] = self.capacitance * q + self.sidewall_capacitance * side_q + tt * i;
            self.total_capacitance = self.capacitance * c + self.sidewall_capacitance * side_c + tt * g;
            stamp.c[inner] = self.total_capacitance;
            stamp.c[1] = -self.total_capacitance;
        }
        limited
    }

    pub(super) fn accept(&mut self) {
        self.state[2] = self.state[1];
        self.state[1] = self.state[0];
    }

    pub(super) fn reset(&mut self) {
        self.state = [0.0; 3];
    }

    pub(super) fn noise_sources(&self, sources: &mut Vec<NoiseSource>) {
        let p = &self.model.p;
        let inner = self.charge[0].a;
        let [area, m, ..] = self.values;
        if inner != 0 {
            // ngspice multiplies the conductance, scaled by area and multiplier already, by both once more, and the multiplier again.
            let g = area * m / p.rs * (area * m) * m;
            sources.push(NoiseSource::white(0, inner, "rs", 4.0 * BOLTZMANN * self.temperature_k * g));
        }
        sources.push(NoiseSource::white(inner, 1, "id", 2.0 * CHARGE * self.current.abs()));
        let flicker =
            if p.kf > 0.0 { p.kf * m * (self.current / m).abs().max(1e-38).powf(p.af) } else { 0.0 };
        sources.push(NoiseSource::flicker(inner, 1, "1overf", flicker, 1.0));
    }

    pub(super) fn op_info(&self) -> Vec<(&'static str, f64)> {
        vec![("vd", self.state[0]), ("id", self.current), ("gd", self.slope), ("cd", self.total_capacitance)]
    }
}

/// Breakdown voltage at which the reverse branch of a junction of saturation current `is` carries `ibv` at `bv` (fixed-point iteration of
/// SPICE, 25 steps). `vtb` and `vt` are the thermal voltage with and without the breakdown's emission coefficient.
pub(super) fn matched_breakdown(bv: f64, ibv: f64, is: f64, vtb: f64, vt: f64, reltol: f64) -> f64 {
    if ibv < is * bv / vt {
        return bv;
    }
    let mut x = bv - vtb * (1.0 + ibv / is).ln();
    for _ in 0..25 {
        x = bv - vtb * (ibv / is + 1.0 - x / vt).ln();
        let reached = is * (((bv - x) / vtb).exp() - 1.0 + x / vt);
        if (reached - ibv).abs() <= reltol * ibv {
            break;
        }
    }
    x
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zener() -> Diode {
        let card = ModelCard::new(
            "dz",
            "d",
            &[
                ("is", 1e-14),
                ("n", 1.1),
                ("rs", 3.0),
                ("bv", 5.1),
                ("ibv", 1e-3),
                ("cjo", 20e-12),
                ("vj", 0.7),
                ("m", 0.35),
            ],
        );
        let (model, _) = DiodeModel::from_card(&card, 300.15).unwrap();
        Diode::new("d1", &Arc::new(model), &[], &Surroundings::default()).unwrap()
    }

    #[test]
    fn breakdown_carries_ibv_at_bv() {
        let mut diode = zener();
        let mut stamp = Stamp::default();
        diode.evaluate(&[-5.1, 0.0, -5.1], Pass::Free, false, &mut stamp);
        assert!((stamp.i[1] / 1e-3 - 1.0).abs() < 2e-3, "{}", stamp.i[1]);
    }

    #[test]
    fn currents_sum_to_zero_and_slopes_are_derivatives() {
        let mut diode = zener();
        let (mut lower, mut upper, mut stamp) = (Stamp::default(), Stamp::default(), Stamp::default());
        for v in [-5.2, -2.0, -0.05, 0.4, 0.65] {
            let h = 1e-7;
            diode.evaluate(&[v, 0.0, v - h], Pass::Free, true, &mut lower);
            diode.evaluate(&[v, 0.0, v + h], Pass::Free, true, &mut upper);
            diode.evaluate(&[v, 0.0, v], Pass::Free, true, &mut stamp);
            assert!(stamp.i[..3].iter().sum::<f64>().abs() < 1e-15);
            let slope = (upper.i[1] - lower.i[1]) / (2.0 * h);
            assert!((slope - stamp.g[3 + 2]).abs() < 1e-5 * slope.abs() + 1e-9);
            assert!(((upper.q[0] - lower.q[0]) / (2.0 * h) / stamp.c[2] - 1.0).abs() < 1e-5);
        }
    }

    #[test]
    fn bad_input_is_refused_with_a_hint() {
        let card = ModelCard::new("d1", "d", &[("iss", 1e-14)]);
        let (model, warnings) = DiodeModel::from_card(&card, 300.15).unwrap();
        assert!(warnings[0].contains("did you mean `is`"), "{warnings:?}");
        let model = Arc::new(model);
        let error = Diode::new("d1", &model, &[("aera".into(), 1.0)], &Surroundings::default()).unwrap_err();
        assert!(error.to_string().contains("did you mean `area`"), "{error}");
        assert!(Diode::new("d1", &model, &[("area".into(), 0.0)], &Surroundings::default()).is_err());
        assert!(DiodeModel::from_card(&ModelCard::new("d", "d", &[("is", f64::NAN)]), 300.15).is_err());
    }
}
