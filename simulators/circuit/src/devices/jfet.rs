//! The junction field-effect transistor, level 1: Shichman-Hodges with the doping-tail parameter `b` of Parker and Skellern, as ngspice 39
//! evaluates it.

use std::sync::Arc;

use super::constants::{BOLTZMANN, CHARGE, ZERO_CELSIUS_K};
use super::depletion::{Depletion, capacitance_factor, potential_at};
use super::error::check_positive;
use super::parameters::{parameter_table, read_instance};
use super::{Charge, DeviceError, ModelCard, NoiseSource, Pass, Stamp, Surroundings, limiting};

parameter_table! {
    /// Parameters of a level-1 JFET card (SPICE names and units, per unit area).
    JfetParameters {
        /// Pinch-off voltage, V.
        vto | "vt0" = -2.0,
        /// Transconductance, A/V^2.
        beta = 1e-4,
        /// Channel-length modulation, 1/V.
        lambda = 0.0,
        /// Drain resistance, ohm.
        rd = 0.0,
        /// Source resistance, ohm.
        rs = 0.0,
        /// Zero-bias gate-source capacitance, F.
        cgs = 0.0,
        /// Zero-bias gate-drain capacitance, F.
        cgd = 0.0,
        /// Gate junction potential, V.
        pb = 1.0,
        /// Gate saturation current, A.
        is = 1e-14,
        /// Forward depletion coefficient.
        fc = 0.5,
        /// Doping tail.
        b = 1.0,
        /// Flicker coefficient.
        kf = 0.0,
        /// Flicker exponent.
        af = 1.0,
        /// Noise equation.
        nlev = 2.0,
        /// Channel noise coefficient of equation 3.
        gdsnoi = 1.0,
        /// Nominal temperature, Celsius.
        tnom = f64::NAN,
        /// Threshold drift, V/K.
        tcv = 0.0,
        /// The same with the other sign, as Berkeley has it.
        vtotc = f64::NAN,
        /// Mobility exponent.
        bex = 0.0,
        /// Transconductance drift, %/K.
        betatce = f64::NAN,
        /// Exponent of the saturation current.
        xti = f64::NAN,
        /// Band gap, eV.
        eg = 1.11,
    }
}

/// A JFET card.
#[derive(Debug, Clone)]
pub struct JfetModel {
    pub(super) name: String,
    polarity: f64,
    p: JfetParameters,
    nominal_k: f64,
}

impl JfetModel {
    /// Reads the card.
    ///
    /// # Errors
    /// Values that are not finite.
    pub fn from_card(card: &ModelCard, nominal_k: f64) -> Result<(Self, Vec<String>), DeviceError> {
        card.check_finite()?;
        let (mut p, warnings) = JfetParameters::read(card);
        p.fc = p.fc.min(0.95);
        let polarity = if card.kind == "njf" { 1.0 } else { -1.0 };
        let nominal_k = if p.tnom.is_nan() { nominal_k } else { p.tnom + ZERO_CELSIUS_K };
        Ok((Self { name: card.name.clone(), polarity, p, nominal_k }, warnings))
    }
}

const PARAMETERS: [&str; 7] = ["area", "m", "temp", "dtemp", "off", "icvds", "icvgs"];

/// Channel current and its slopes over gate-source and drain-source voltage, type-normalised.
#[derive(Debug, Clone, Copy, Default)]
struct Channel {
    id: f64,
    gm: f64,
    gds: f64,
}

/// A junction field-effect transistor: terminals drain, gate, source.
#[derive(Debug, Clone)]
pub struct Jfet {
    pub(super) name: String,
    model: Arc<JfetModel>,
    values: [f64; 7],
    names: Vec<&'static str>,
    charge_list: [Charge; 2],
    dp: usize,
    sp: usize,
    temperature_k: f64,
    vt: f64,
    gmin: f64,
    v_critical: f64,
    is: f64,
    beta: f64,
    vto: f64,
    tail: f64,
    series: [f64; 2],
    cgs: f64,
    cgd: f64,
    depletion: Depletion,
    channel: Channel,
    drain_current: f64,
    /// Gate-source and gate-drain voltage: now, last accepted, the one before.
    state: [[f64; 2]; 3],
}

impl Jfet {
    pub(super) fn new(
        name: &str,
        model: &Arc<JfetModel>,
        parameters: &[(String, f64)],
        surroundings: &Surroundings,
    ) -> Result<Self, DeviceError> {
        let mut values = [1.0, 1.0, f64::NAN, 0.0, 0.0, 0.0, 0.0];
        read_instance(name, &PARAMETERS, parameters, |index, value| values[index] = value)?;
        let mut names = Vec::new();
        let mut node = |r: f64, label: &'static str, terminal: usize| {
            if r > 0.0 {
                names.push(label);
                2 + names.len()
            } else {
                terminal
            }
        };
        let (sp, dp) = (node(model.p.rs, "source", 2), node(model.p.rd, "drain", 0));
        let charge = |b| Charge { a: 1, b, truncation: true };
        let mut device = Self {
            name: name.to_owned(),
            model: Arc::clone(model),
            values,
            names,
            charge_list: [charge(sp), charge(dp)],
            dp,
            sp,
            temperature_k: 0.0,
            vt: 0.0,
            gmin: 0.0,
            v_critical: 0.0,
            is: 0.0,
            beta: 0.0,
            vto: 0.0,
            tail: 0.0,
            series: [0.0; 2],
            cgs: 0.0,
            cgd: 0.0,
            depletion: Depletion::default(),
            channel: Channel::default(),
            drain_current: 0.0,
            state: [[0.0; 2]; 3],
        };
        device.update(surroundings)?;
        Ok(device)
    }

    pub(super) fn internal_nodes(&self) -> &[&'static str] {
        &self.names
    }

    pub(super) fn charges(&self) -> &[Charge] {
        &self.charge_list
    }

    pub(super) fn conductance_pattern(&self) -> Vec<(usize, usize)> {
        let (dp, sp) = (self.dp, self.sp);
        let mut pairs = Vec::new();
        for row in [dp, 1, sp] {
            pairs.extend([dp, 1, sp].map(|column| (row, column)));
        }
        for (a, b) in [(0, dp), (2, sp)] {
            if a != b {
                pairs.extend([(a, a), (a, b), (b, a)]);
            }
        }
        pairs.sort_unstable();
        pairs.dedup();
        pairs
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
        let [area, m, temp, dtemp, ..] = self.values;
        check_positive(&self.name, &[("area", area), ("m", m)], "")?;
        let p = &self.model.p;
        let tnom = self.model.nominal_k;
        let t = if temp.is_nan() { surroundings.temperature_k + dtemp } else { temp + ZERO_CELSIUS_K };
        let scale = area * m;
        let ratio = t / tnom;
        self.temperature_k = t;
        self.vt = BOLTZMANN * t / CHARGE;
        self.gmin = surroundings.gmin;
        let heat = ((ratio - 1.0) * p.eg / self.vt).exp();
        let is = p.is * heat * if p.xti.is_nan() { 1.0 } else { ratio.powf(p.xti) };
        self.is = is * scale;
        self.v_critical = limiting::critical_voltage(self.vt, is);
        let shift = t - tnom;
        self.vto = if p.vtotc.is_nan() { p.vto - p.tcv * shift } else { p.vto + p.vtotc * shift };
        let beta = if p.betatce.is_nan() { ratio.powf(p.bex) } else { 1.01f64.powf(p.betatce * shift) };
        self.beta = p.beta * beta * scale;
        self.tail = (1.0 - p.b) / (p.pb - p.vto);
        self.series = [p.rd, p.rs].map(|r| if r > 0.0 { scale / r } else { 0.0 });
        let factor = capacitance_factor(p.pb, 0.5, tnom, t) * scale;
        (self.cgs, self.cgd) = (p.cgs * factor, p.cgd * factor);
        self.depletion = Depletion::new(potential_at(p.pb, tnom, t), 0.5, p.fc);
        Ok(())
    }

    pub(super) fn accept(&mut self) {
        self.state[2] = self.state[1];
        self.state[1] = self.state[0];
    }

    pub(super) fn reset(&mut self) {
        self.state = [[0.0; 2]; 3];
    }

    fn limit(&self, new: [f64; 2], old: [f64; 2]) -> ([f64; 2], bool) {
        let (vgs, one) = limiting::pn_junction(new[0], old[0], self.vt, self.v_critical);
        let (vgd, two) = limiting::pn_junction(new[1], old[1], self.vt, self.v_critical);
        let gate = |v: f64, old: f64| limiting::gate(v, old, self.vto);
        ([gate(vgs, old[0]), gate(vgd, old[1])], one || two)
    }

    /// Current and slope of a gate junction.
    fn junction(&self, v: f64) -> (f64, f64) {
        if v < -3.0 * self.vt {
            let x = 3.0 * self.vt / (v * std::f64::consts::E);
            let cube = x * x * x;
            (-self.is * (1.0 + cube) + self.gmin * v, self.is * 3.0 * cube / v + self.gmin)
        } else {
            let e = (v / self.vt).min(709.0).exp();
            (self.is * (e - 1.0) + self.gmin * v, self.is * e / self.vt + self.gmin)
        }
    }

    /// The channel in the forward direction at gate overdrive `v` and `vds >= 0`.
    fn forward(&self, v: f64, vds: f64) -> Channel {
        if v <= 0.0 {
            return Channel::default();
        }
        let p = &self.model.p;
        let beta = self.beta * (1.0 + p.lambda * vds);
        if v >= vds {
            let slope = 2.0 * p.b + 3.0 * self.tail * (v - vds);
            let part = vds * (vds * (self.tail * vds - p.b) + v * slope);
            Channel {
                id: beta * part,
                gm: beta * vds * (slope + 3.0 * self.tail * v),
                gds: beta * (v - vds) * slope + self.beta * p.lambda * part,
            }
        } else {
            let tail = v * self.tail;
            let part = v * v * (p.b + tail);
            Channel {
                id: beta * part,
                gm: beta * v * (2.0 * p.b + 3.0 * tail),
                gds: p.lambda * self.beta * part,
            }
        }
    }

    pub(super) fn evaluate(&mut self, v: &[f64], pass: Pass, charges: bool, stamp: &mut Stamp) -> bool {
        let n = 3 + self.names.len();
        let (dp, sp, ty) = (self.dp, self.sp, self.model.polarity);
        stamp.clear(n, if charges { 2 } else { 0 });
        stamp.v[..n].copy_from_slice(&v[..n]);
        let read = || [ty * (v[1] - v[sp]), ty * (v[1] - v[dp])];
        let mut limited = false;
        self.state[0] = match pass {
            Pass::Junction => {
                stamp.v[..n].fill(0.0);
                [-1.0, -1.0]
            }
            Pass::Newton => {
                let (state, flag) = self.limit(read(), self.state[0]);
                limited = flag;
                state
            }
            Pass::Predict { factor } => {
                let [_, one, two] = self.state;
                let at = |k: usize| (1.0 + factor) * one[k] - factor * two[k];
                let (state, flag) = self.limit([at(0), at(1)], one);
                limited = flag;
                state
            }
            Pass::FirstTransient => self.state[1],
            Pass::AtState => self.state[0],
            Pass::Free => read(),
        };
        let [vgs, vgd] = self.state[0];
        let vds = vgs - vgd;
        let reference = stamp.v[sp];
        stamp.v[1] = reference + ty * vgs;
        stamp.v[dp] = reference + ty * vds;
        // Drain and source change places when the drain is the lower one.
        let (dm, sm, channel) = if vds >= 0.0 {
            (dp, sp, self.forward(vgs - self.vto, vds))
        } else {
            (sp, dp, self.forward(vgd - self.vto, -vds))
        };
        self.channel = channel;
        let Channel { id, gm, gds } = channel;
        stamp.i[dm] += ty * id;
        stamp.i[sm] -= ty * id;
        for (column, slope) in [(1, gm), (dm, gds), (sm, -(gm + gds))] {
            stamp.g[dm * n + column] += slope;
            stamp.g[sm * n + column] -= slope;
        }
        let (source, drain) = (self.junction(vgs), self.junction(vgd));
        stamp.branch(1, sp, ty * source.0, source.1);
        stamp.branch(1, dp, ty * drain.0, drain.1);
        self.drain_current = if vds >= 0.0 { id } else { -id } - drain.0;
        if dp != 0 {
            stamp.conductance(0, dp, self.series[0]);
        }
        if sp != 2 {
            stamp.conductance(2, sp, self.series[1]);
        }
        if charges {
            for (k, (voltage, zero_bias, end)) in
                [(vgs, self.cgs, sp), (vgd, self.cgd, dp)].into_iter().enumerate()
            {
                let (q, c) = self.depletion.at(voltage);
                stamp.q[k] = ty * zero_bias * q;
                stamp.c[k * n + 1] += zero_bias * c;
                stamp.c[k * n + end] -= zero_bias * c;
            }
        }
        limited
    }

    pub(super) fn noise_sources(&self, sources: &mut Vec<NoiseSource>) {
        let p = &self.model.p;
        let four_kt = 4.0 * BOLTZMANN * self.temperature_k;
        if self.dp != 0 {
            sources.push(NoiseSource::white(0, self.dp, "rd", four_kt * self.series[0]));
        }
        if self.sp != 2 {
            sources.push(NoiseSource::white(2, self.sp, "rs", four_kt * self.series[1]));
        }
        let channel = if p.nlev < 3.0 {
            self.channel.gm.abs() * 2.0 / 3.0
        } else {
            let [vgs, vgd] = self.state[0];
            let (over, vds) = (vgs - self.vto, vgs - vgd);
            let alpha = if over >= vds { 1.0 - vds / over } else { 0.0 };
            2.0 / 3.0 * self.beta * over * (1.0 + alpha + alpha * alpha) / (1.0 + alpha) * p.gdsnoi
        };
        sources.push(NoiseSource::white(self.dp, self.sp, "id", four_kt * channel));
        let m = self.values[1];
        let flicker = p.kf * m * (self.drain_current / m).abs().max(1e-38).powf(p.af);
        sources.push(NoiseSource::flicker(self.dp, self.sp, "1overf", flicker, 1.0));
    }

    pub(super) fn op_info(&self) -> Vec<(&'static str, f64)> {
        let [vgs, vgd] = self.state[0];
        let Channel { gm, gds, .. } = self.channel;
        vec![("vgs", vgs), ("vgd", vgd), ("id", self.drain_current), ("gm", gm), ("gds", gds)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn device(kind: &str) -> Jfet {
        let card = ModelCard::new(
            "j",
            kind,
            &[
                ("vto", -1.5),
                ("beta", 1e-3),
                ("lambda", 0.02),
                ("b", 0.7),
                ("cgs", 2e-12),
                ("cgd", 1e-12),
                ("rd", 10.0),
                ("rs", 5.0),
            ],
        );
        let (model, warnings) = JfetModel::from_card(&card, 300.15).unwrap();
        assert!(warnings.is_empty());
        Jfet::new("j1", &Arc::new(model), &[], &Surroundings::default()).unwrap()
    }

    #[test]
    fn slopes_are_derivatives_in_both_directions_and_polarities() {
        let mut stamps = [Stamp::default(), Stamp::default(), Stamp::default()];
        for kind in ["njf", "pjf"] {
            let mut j = device(kind);
            for (vd, vg) in [(2.0, -0.5), (0.3, -0.2), (-0.4, -0.3), (-2.5, -0.6), (1.0, -2.0)] {
                let ty = if kind == "njf" { 1.0 } else { -1.0 };
                // Nodes: drain, gate, source, source', drain'.
                let at = |dg: f64, dd: f64| [ty * vd, ty * vg + dg, 0.0, 0.01, ty * vd + dd];
                for (node, dg, dd) in [(1, 1e-6, 0.0), (4, 0.0, 1e-6)] {
                    j.evaluate(&at(-dg, -dd), Pass::Free, true, &mut stamps[0]);
                    j.evaluate(&at(dg, dd), Pass::Free, true, &mut stamps[1]);
                    j.evaluate(&at(0.0, 0.0), Pass::Free, true, &mut stamps[2]);
                    for row in [3, 4, 1] {
                        let slope = (stamps[1].i[row] - stamps[0].i[row]) / 2e-6;
                        let given = stamps[2].g[row * 5 + node];
                        assert!(
                            (slope - given).abs() < 1e-6 * given.abs() + 1e-9,
                            "{kind} {vd} {vg} {row} {node}"
                        );
                    }
                    for k in 0..2 {
                        let slope = (stamps[1].q[k] - stamps[0].q[k]) / 2e-6;
                        let given = stamps[2].c[k * 5 + node];
                        assert!(
                            (slope - given).abs() < 1e-5 * given.abs() + 1e-18,
                            "{kind} {vd} {vg} charge {k}"
                        );
                    }
                }
                assert!(stamps[2].i[..5].iter().sum::<f64>().abs() < 1e-12);
            }
        }
    }
}
