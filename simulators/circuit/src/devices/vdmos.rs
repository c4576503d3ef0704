//! The vertical power transistor (VDMOS): a level-1 channel with weak inversion, mobility and quasi-saturation, a body diode, and a
//! gate-drain capacitance that falls with the drain voltage, as ngspice 39 evaluates it (V. d'Alessandro et al., EPE 2001, for the
//! drift region; `ngspice` manual, chapter "Power MOSFET model"). Self-heating is not here.

use std::sync::Arc;

use super::constants::{BOLTZMANN, CHARGE, EPSILON_OXIDE, ZERO_CELSIUS_K};
use super::depletion::{Depletion, capacitance_factor, potential_at};
use super::error::check_positive;
use super::parameters::{parameter_table, read_instance};
use super::{Charge, DeviceError, ModelCard, NoiseSource, Pass, Stamp, Surroundings, limiting};

parameter_table! {
    /// Parameters of a VDMOS card (names and units of ngspice's manual).
    VdmosParameters {
        /// Threshold voltage, V.
        vto | "vth0" = 0.0,
        /// Transconductance, A/V^2.
        kp = 1.0,
        /// Surface potential, V; without effect.
        phi = 0.6,
        /// Channel-length modulation, 1/V.
        lambda = 0.0,
        /// Fall of the mobility with the gate voltage, 1/V.
        theta = 0.0,
        /// Drain resistance, ohm.
        rd = 0.0,
        /// Source resistance, ohm.
        rs = 0.0,
        /// Gate resistance, ohm.
        rg = 0.0,
        /// Drain-source shunt resistance, ohm.
        rds = f64::NAN,
        /// Quasi-saturation resistance, ohm.
        rq = f64::NAN,
        /// Quasi-saturation voltage, V.
        vq = f64::NAN,
        /// Factor on the conductance in the triode region.
        mtriode = 1.0,
        /// Shift of weak inversion along the gate voltage, V.
        subshift = 0.0,
        /// Slope of weak inversion, V.
        ksubthres = 0.1,
        /// Linear drift of that slope, 1/K.
        tksubthres1 = 0.0,
        /// Quadratic drift of that slope, 1/K^2.
        tksubthres2 = 0.0,
        /// Threshold drift, V/K.
        tcvth | "vtotc" = 0.0,
        /// Exponent of the transconductance over temperature.
        mu | "bex" = -1.5,
        /// Exponent of the drain resistance.
        texp0 = f64::NAN,
        /// Exponent of the quasi-saturation resistance.
        texp1 = 0.3,
        /// Linear drift of the drain resistance, 1/K.
        trd1 = 0.0,
        /// Quadratic drift of the drain resistance, 1/K^2.
        trd2 = 0.0,
        /// Linear drift of the gate resistance, 1/K.
        trg1 = 0.0,
        /// Quadratic drift of the gate resistance, 1/K^2.
        trg2 = 0.0,
        /// Linear drift of the source resistance, 1/K.
        trs1 = 0.0,
        /// Quadratic drift of the source resistance, 1/K^2.
        trs2 = 0.0,
        /// Linear drift of the diode's resistance, 1/K.
        trb1 = 0.0,
        /// Quadratic drift of the diode's resistance, 1/K^2.
        trb2 = 0.0,
        /// Smallest gate-drain capacitance, F.
        cgdmin = 0.0,
        /// Largest gate-drain capacitance, F.
        cgdmax = 0.0,
        /// Steepness of the gate-drain capacitance, 1/V.
        a = 1.0,
        /// Gate-source capacitance, F.
        cgs = 0.0,
        /// Flicker coefficient.
        kf = 0.0,
        /// Flicker exponent.
        af = 1.0,
        /// Nominal temperature, Celsius.
        tnom = f64::NAN,
        /// Saturation current of the body diode, A.
        is = 1e-14,
        /// Its emission coefficient.
        n = 1.0,
        /// Its resistance, ohm.
        rb = 0.0,
        /// Its transit time, s.
        tt = 0.0,
        /// Its breakdown voltage, V.
        bv = f64::NAN,
        /// Current at breakdown, A.
        ibv = 1e-10,
        /// Emission coefficient of the breakdown.
        nbv = 1.0,
        /// Band gap, eV.
        eg = 1.11,
        /// Exponent of the saturation current over temperature.
        xti = 3.0,
        /// Junction potential, V.
        vj = 0.8,
        /// Zero-bias capacitance, F.
        cjo = 0.0,
        /// Grading coefficient.
        m = 0.5,
        /// Forward depletion coefficient.
        fc = 0.5,
    }
}

/// Names on a card that rate a part, or serve self-heating and checks of safe operation; they do not bear on its currents.
const RATINGS: [&str; 18] = [
    "vds", "ron", "qg", "mfg", "rthjc", "rthca", "cthj", "rth_ext", "derating", "vgs_max", "vgd_max",
    "vds_max", "vgsr_max", "vgdr_max", "pd_max", "id_max", "idr_max", "te_max",
];

/// A VDMOS card.
#[derive(Debug, Clone)]
pub struct VdmosModel {
    pub(super) name: String,
    polarity: f64,
    p: VdmosParameters,
    nominal_k: f64,
}

impl VdmosModel {
    /// Reads the card; its kind is `vdmos` or `vdmosn`, or `vdmosp` for a p-channel.
    ///
    /// # Errors
    /// Values that are not finite.
    pub fn from_card(card: &ModelCard, nominal_k: f64) -> Result<(Self, Vec<String>), DeviceError> {
        card.check_finite()?;
        let mut card = card.clone();
        card.parameters.retain(|(name, _)| !RATINGS.contains(&name.as_str()));
        let (mut p, warnings) = VdmosParameters::read(&card);
        p.eg = p.eg.max(0.1);
        p.fc = p.fc.min(0.95);
        p.is = p.is.max(1e-28);
        let polarity = if card.kind == "vdmosp" { -1.0 } else { 1.0 };
        let nominal_k = if p.tnom.is_nan() { nominal_k } else { p.tnom + ZERO_CELSIUS_K };
        Ok((Self { name: card.name, polarity, p, nominal_k }, warnings))
    }
}

const PARAMETERS: [&str; 6] = ["m", "temp", "dtemp", "off", "icvds", "icvgs"];

/// Voltages, half of the gate-drain capacitance and gate charges of one evaluation, type-normalised.
#[derive(Debug, Clone, Copy, Default)]
struct State {
    vgs: f64,
    vds: f64,
    /// Over the body diode.
    vd: f64,
    half: f64,
    charge: [f64; 2],
}

/// Channel current and its slopes, in the mode frame.
#[derive(Debug, Clone, Copy, Default)]
struct Channel {
    id: f64,
    gm: f64,
    gds: f64,
}

/// A power transistor: terminals drain, gate, source.
#[derive(Debug, Clone)]
pub struct Vdmos {
    pub(super) name: String,
    model: Arc<VdmosModel>,
    values: [f64; 6],
    names: Vec<&'static str>,
    charge_list: [Charge; 3],
    dp: usize,
    gp: usize,
    sp: usize,
    /// The diode's inner anode.
    anode: usize,
    temperature_k: f64,
    vt: f64,
    gmin: f64,
    beta: f64,
    von: f64,
    slope: f64,
    /// Drain and quasi-saturation resistance, ohm.
    drain: [f64; 2],
    gate: f64,
    source: f64,
    shunt: f64,
    diode: f64,
    is: f64,
    v_critical: f64,
    breakdown: f64,
    capacitance: f64,
    depletion: Depletion,
    state: State,
    history: [State; 2],
    transient: bool,
    channel: Channel,
    drain_conductance: f64,
}

impl Vdmos {
    pub(super) fn new(
        name: &str,
        model: &Arc<VdmosModel>,
        parameters: &[(String, f64)],
        surroundings: &Surroundings,
    ) -> Result<Self, DeviceError> {
        let mut values = [1.0, f64::NAN, 0.0, 0.0, 0.0, 0.0];
        read_instance(name, &PARAMETERS, parameters, |index, value| values[index] = value)?;
        let p = &model.p;
        let mut names = Vec::new();
        let mut node = |r: f64, label: &'static str, terminal: usize| {
            if r > 0.0 {
                names.push(label);
                2 + names.len()
            } else {
                terminal
            }
        };
        let (dp, gp, sp) = (node(p.rd, "drain", 0), node(p.rg, "gate", 1), node(p.rs, "source", 2));
        let anode = node(p.rb, "body diode", 2);
        let charge = |a, b| Charge { a, b, truncation: true };
        let mut device = Self {
            name: name.to_owned(),
            model: Arc::clone(model),
            values,
            names,
            charge_list: [charge(gp, sp), charge(gp, dp), charge(anode, 0)],
            dp,
            gp,
            sp,
            anode,
            temperature_k: 0.0,
            vt: 0.0,
            gmin: 0.0,
            beta: 0.0,
            von: 0.0,
            slope: 0.0,
            drain: [0.0; 2],
            gate: 0.0,
            source: 0.0,
            shunt: 0.0,
            diode: 0.0,
            is: 0.0,
            v_critical: 0.0,
            breakdown: f64::INFINITY,
            capacitance: 0.0,
            depletion: Depletion::default(),
            state: State::default(),
            history: [State::default(); 2],
            transient: false,
            channel: Channel::default(),
            drain_conductance: 0.0,
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
        let (dp, gp, sp) = (self.dp, self.gp, self.sp);
        let mut pairs = Vec::new();
        for row in [dp, sp] {
            pairs.extend([dp, gp, sp].map(|column| (row, column)));
        }
        for (a, b) in [(0, dp), (1, gp), (2, sp), (2, self.anode), (self.anode, 0), (0, 2)] {
            if a != b {
                pairs.extend([(a, a), (a, b), (b, a), (b, b)]);
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
        let [m, temp, dtemp, ..] = self.values;
        check_positive(&self.name, &[("m", m)], "")?;
        let p = &self.model.p;
        let tnom = self.model.nominal_k;
        let t = if temp.is_nan() { surroundings.temperature_k + dtemp } else { temp + ZERO_CELSIUS_K };
        let (ratio, dt) = (t / tnom, t - tnom);
        let drift = |one: f64, two: f64| 1.0 + one * dt + two * dt * dt;
        let conductance = |r: f64, factor: f64| if r > 0.0 { m / (r * factor) } else { 0.0 };
        self.temperature_k = t;
        self.vt = BOLTZMANN * t / CHARGE;
        self.gmin = surroundings.gmin;
        self.beta = p.kp * m * ratio.powf(p.mu);
        self.von = self.model.polarity * p.vto - p.tcvth * dt;
        self.slope = p.ksubthres * drift(p.tksubthres1, p.tksubthres2);
        let heated = if p.texp0.is_nan() { drift(p.trd1, p.trd2) } else { ratio.powf(p.texp0) };
        let quasi = if p.rq.is_nan() || p.vq.is_nan() { 0.0 } else { p.rq / m * ratio.powf(p.texp1) };
        self.drain = [p.rd / m * heated, quasi];
        self.gate = conductance(p.rg, drift(p.trg1, p.trg2));
        self.source = conductance(p.rs, drift(p.trs1, p.trs2));
        self.diode = conductance(p.rb, drift(p.trb1, p.trb2));
        self.shunt = if p.rds > 0.0 { m / p.rds } else { 1e-15 };
        let vte = p.n * self.vt;
        self.is = p.is * m * ((ratio - 1.0) * p.eg / vte + p.xti / p.n * ratio.ln()).exp();
        self.v_critical = limiting::critical_voltage(vte, self.is);
        self.capacitance = p.cjo * m * capacitance_factor(p.vj, p.m, tnom, t);
        self.depletion = Depletion::new(potential_at(p.vj, tnom, t), p.m, p.fc);
        self.breakdown = if p.bv.is_nan() {
            f64::INFINITY
        } else {
            super::diode::matched_breakdown(
                p.bv.abs(),
                p.ibv,
                self.is,
                p.nbv * self.vt,
                self.vt,
                surroundings.reltol,
            )
        };
        Ok(())
    }

    pub(super) fn accept(&mut self) {
        self.history = [self.state, self.history[0]];
    }

    pub(super) fn reset(&mut self) {
        self.state = State::default();
        self.history = [State::default(); 2];
        self.transient = false;
    }

    fn limit(&self, [vgs, vds, vd]: [f64; 3], old: &State) -> (State, bool) {
        let mut new = State { vgs, vds, vd, ..*old };
        let vgd = vgs - vds;
        if old.vds >= 0.0 {
            new.vgs = limiting::gate(vgs, old.vgs, self.von);
            new.vds = limiting::drain(new.vgs - vgd, old.vds);
        } else {
            let vgd = limiting::gate(vgd, old.vgs - old.vds, self.von);
            new.vds = -limiting::drain(-(vgs - vgd), -old.vds);
            new.vgs = vgd + new.vds;
        }
        let p = &self.model.p;
        let vtb = p.nbv * self.vt;
        let limited;
        if vd < (10.0 * vtb - self.breakdown).min(0.0) {
            let (moved, flag) = limiting::pn_junction(
                -(vd + self.breakdown),
                -(old.vd + self.breakdown),
                vtb,
                self.v_critical,
            );
            (new.vd, limited) = (-(moved + self.breakdown), flag);
        } else {
            (new.vd, limited) = limiting::pn_junction(vd, old.vd, p.n * self.vt, self.v_critical);
        }
        (new, limited)
    }

    /// The channel at the present state, in the mode frame. As in ngspice, `lambda` and `theta` see the voltages of the terminals also
    /// when drain and source have changed places.
    fn channel(&self) -> Channel {
        let p = &self.model.p;
        let State { vgs, vds, .. } = self.state;
        let forward = vds >= 0.0;
        let over = if forward { vgs } else { vgs - vds } - self.von;
        let scaled = vds.abs() * p.mtriode;
        let (t0, t1) = (1.0 + p.lambda * vds, 1.0 + p.theta * vgs);
        let beta = self.beta * t0 / t1;
        let beta_g = -self.beta * p.theta * t0 / (t1 * t1);
        let beta_d = self.beta * p.lambda / t1;
        let x = (over - p.subshift) / self.slope;
        // Far above the threshold the softened overdrive is the overdrive.
        let (over, slope) = if x > 300.0 {
            (over - p.subshift, 1.0)
        } else {
            let e = x.exp();
            (self.slope * e.ln_1p(), e / (1.0 + e))
        };
        if over <= scaled {
            Channel {
                id: 0.5 * beta * over * over,
                gm: beta * over * slope + 0.5 * beta_g * over * over,
                gds: 0.5 * beta_d * over * over,
            }
        } else {
            let part = over - 0.5 * scaled;
            Channel {
                id: beta * scaled * part,
                gm: beta * scaled * slope + scaled * beta_g * part,
                gds: scaled * beta_d * part + beta * p.mtriode * (over - scaled),
            }
        }
    }

    /// Current and slope of the body diode, without gmin.
    fn junction(&self, v: f64) -> (f64, f64) {
        let p = &self.model.p;
        let vte = p.n * self.vt;
        if v >= -3.0 * vte {
            let e = (v / vte).min(709.0).exp();
            (self.is * (e - 1.0), self.is * e / vte)
        } else if v >= -self.breakdown {
            let x = 3.0 * vte / (v * std::f64::consts::E);
            let cube = x * x * x;
            // The slope is ngspice's.
            (-self.is * (1.0 + cube), self.is * 3.0 * x / v)
        } else {
            let vtb = p.nbv * self.vt;
            let e = (-(self.breakdown + v) / vtb).exp();
            (-self.is * e, self.is * e / vtb)
        }
    }

    /// Conductance of the drain's resistances at a drain-source voltage of the terminals, S; the drift region saturates.
    fn drain_conductance(&self, vds: f64) -> f64 {
        let [fixed, quasi] = self.drain;
        let plain = if fixed > 0.0 { 1.0 / fixed } else { 0.0 };
        if quasi > 0.0 && self.state.vds >= 0.0 {
            let r = fixed + quasi * vds / (vds + self.model.p.vq.abs());
            return if r > 0.0 { 1.0 / r + self.gmin } else { plain };
        }
        plain
    }

    pub(super) fn evaluate(&mut self, v: &[f64], pass: Pass, charges: bool, stamp: &mut Stamp) -> bool {
        let n = 3 + self.names.len();
        let (dp, gp, sp, anode, ty) = (self.dp, self.gp, self.sp, self.anode, self.model.polarity);
        stamp.clear(n, if charges { 3 } else { 0 });
        stamp.v[..n].fill(0.0);
        if pass != Pass::Junction {
            stamp.v[..n].copy_from_slice(&v[..n]);
        }
        let at = |a: usize, b: usize| ty * (stamp.v[a] - stamp.v[b]);
        let raw = [at(gp, sp), at(dp, sp), at(anode, 0)];
        let outer = at(0, 2);
        let mut limited = false;
        self.state = match pass {
            Pass::Junction => {
                self.transient = false;
                State { vgs: ty * self.model.p.vto + 0.1, vd: self.v_critical, ..State::default() }
            }
            Pass::Newton => {
                let (state, flag) = self.limit(raw, &self.state);
                limited = flag;
                state
            }
            Pass::Predict { factor } => {
                let [one, two] = &self.history;
                let at = |now: f64, then: f64| (1.0 + factor) * now - factor * then;
                let guess = [at(one.vgs, two.vgs), at(one.vds, two.vds), at(one.vd, two.vd)];
                let (state, flag) = self.limit(guess, one);
                limited = flag;
                state
            }
            Pass::FirstTransient => {
                self.transient = true;
                self.history[0]
            }
            Pass::AtState => self.state,
            Pass::Free => {
                let [vgs, vds, vd] = raw;
                State { vgs, vds, vd, ..self.state }
            }
        };
        let s = self.state;
        // Channel and diode may be limited differently at the same nodes: currents are carried on to the voltages of the nodes.
        let channel = self.channel();
        self.channel = channel;
        let forward = s.vds >= 0.0;
        let (dm, sm) = if forward { (dp, sp) } else { (sp, dp) };
        let gate = |vgs: f64, vds: f64| if forward { vgs } else { vgs - vds };
        let move_g = gate(raw[0], raw[1]) - gate(s.vgs, s.vds);
        let move_d = if forward { raw[1] - s.vds } else { s.vds - raw[1] };
        let id = channel.id + channel.gm * move_g + channel.gds * move_d;
        stamp.i[dm] += ty * id;
        stamp.i[sm] -= ty * id;
        for (column, slope) in [(gp, channel.gm), (dm, channel.gds), (sm, -(channel.gm + channel.gds))] {
            stamp.g[dm * n + column] += slope;
            stamp.g[sm * n + column] -= slope;
        }
        let (i, g) = self.junction(s.vd);
        let (i, g) = (i + self.gmin * s.vd, g + self.gmin);
        stamp.branch(anode, 0, ty * (i + g * (raw[2] - s.vd)), g);
        stamp.conductance(0, 2, self.shunt);
        self.drain_conductance = self.drain_conductance(outer);
        for (a, b, g) in [
            (0, dp, self.drain_conductance),
            (1, gp, self.gate),
            (2, sp, self.source),
            (2, anode, self.diode),
        ] {
            if a != b {
                stamp.conductance(a, b, g);
            }
        }
        if charges {
            self.stamp_charges(raw, pass, stamp);
        }
        limited
    }

    fn stamp_charges(&mut self, raw: [f64; 3], pass: Pass, stamp: &mut Stamp) {
        let n = stamp.n;
        let (dp, gp, sp, anode, ty) = (self.dp, self.gp, self.sp, self.anode, self.model.polarity);
        let p = &self.model.p;
        let s = self.state;
        let vgd = s.vgs - s.vds;
        let span = (p.cgdmax - p.cgdmin) / (1.0 + std::f64::consts::FRAC_PI_2);
        let x = p.a * vgd;
        let half = 0.5 * (span * if vgd > 0.0 { x.tanh() } else { x.atan() } + p.cgdmax - span);
        self.state.half = half;
        let in_time = self.transient && pass != Pass::AtState;
        let [last, before] = &self.history;
        let now =
            [(s.vgs, raw[0], p.cgs), (vgd, raw[0] - raw[1], half + if in_time { last.half } else { half })];
        let then = [last.vgs, last.vgs - last.vds];
        for (k, ((v, node, c), other)) in now.into_iter().zip([sp, dp]).enumerate() {
            // As with Meyer's capacitances, a transient adds the charge piece by piece.
            let (c, q) = match pass {
                _ if !in_time => (c, c * v),
                Pass::FirstTransient => (0.0, last.charge[k]),
                Pass::Predict { factor } => (c, (1.0 + factor) * last.charge[k] - factor * before.charge[k]),
                _ => (c, last.charge[k] + c * (v - then[k])),
            };
            self.state.charge[k] = q;
            stamp.q[k] = ty * (q + c * (node - v));
            stamp.c[k * n + gp] += c;
            stamp.c[k * n + other] -= c;
        }
        let (q, c) = self.depletion.at(s.vd);
        let (i, g) = self.junction(s.vd);
        let (q, c) = (self.capacitance * q + p.tt * i, self.capacitance * c + p.tt * g);
        stamp.q[2] = ty * (q + c * (raw[2] - s.vd));
        stamp.c[2 * n + anode] += c;
        stamp.c[2 * n] -= c;
    }

    pub(super) fn noise_sources(&self, sources: &mut Vec<NoiseSource>) {
        let p = &self.model.p;
        let four_kt = 4.0 * BOLTZMANN * self.temperature_k;
        if self.dp != 0 {
            sources.push(NoiseSource::white(0, self.dp, "rd", four_kt * self.drain_conductance));
        }
        if self.sp != 2 {
            sources.push(NoiseSource::white(2, self.sp, "rs", four_kt * self.source));
        }
        let channel = four_kt * 2.0 / 3.0 * self.channel.gm.abs();
        sources.push(NoiseSource::white(self.dp, self.sp, "id", channel));
        // The oxide is taken as 100 nm.
        let cox = EPSILON_OXIDE / 1e-7;
        let current = self.channel.id.abs().max(1e-38);
        let flicker = p.kf * current.powf(p.af) / (self.values[0] * cox * cox);
        sources.push(NoiseSource::flicker(self.dp, self.sp, "1overf", flicker, 1.0));
    }

    pub(super) fn op_info(&self) -> Vec<(&'static str, f64)> {
        let s = self.state;
        let Channel { id, gm, gds } = self.channel;
        let ty = self.model.polarity;
        vec![
            ("id", if s.vds >= 0.0 { id } else { -id }),
            ("vgs", s.vgs),
            ("vds", s.vds),
            ("gm", gm),
            ("gds", gds),
            ("von", ty * self.von),
            ("cgs", self.model.p.cgs),
            ("cgd", 2.0 * s.half),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn device(kind: &str) -> Vdmos {
        let ty = if kind == "vdmosp" { -1.0 } else { 1.0 };
        let list = [
            ("vto", 3.0 * ty),
            ("kp", 5.0),
            ("theta", 0.02),
            ("rd", 0.05),
            ("rs", 0.02),
            ("rg", 3.0),
            ("rb", 0.03),
            ("is", 1e-10),
            ("cgdmax", 2e-9),
            ("cgdmin", 1e-10),
            ("cjo", 1e-9),
            ("vds", 100.0),
        ];
        let (model, warnings) = VdmosModel::from_card(&ModelCard::new("p", kind, &list), 300.15).unwrap();
        assert!(warnings.is_empty(), "{warnings:?}");
        Vdmos::new("m1", &Arc::new(model), &[], &Surroundings::default()).unwrap()
    }

    #[test]
    fn currents_sum_to_zero_and_slopes_are_derivatives() {
        let mut stamps = [Stamp::default(), Stamp::default(), Stamp::default()];
        for (kind, ty) in [("vdmosn", 1.0), ("vdmosp", -1.0)] {
            let mut m = device(kind);
            // Drain, gate, source, and the inner ends of drain, gate, source and diode.
            for v in [[5.0, 4.0, 0.0, 4.8, 4.0, 0.1, 0.0], [0.3, 6.0, 0.0, 0.25, 6.0, 0.05, -0.1]] {
                let v = v.map(|x| ty * x);
                for column in 0..7 {
                    let h = 1e-6;
                    for (k, shift) in [-h, h, 0.0].into_iter().enumerate() {
                        let mut at = v;
                        at[column] += shift;
                        m.evaluate(&at, Pass::Free, false, &mut stamps[k]);
                    }
                    assert!(stamps[2].i[..7].iter().sum::<f64>().abs() < 1e-9);
                    for row in 0..7 {
                        let slope = (stamps[1].i[row] - stamps[0].i[row]) / (2.0 * h);
                        let own = stamps[2].g[row * 7 + column];
                        assert!((slope - own).abs() < 1e-4 * own.abs() + 1e-4, "{kind} {row} {column}");
                    }
                }
            }
        }
    }
}
