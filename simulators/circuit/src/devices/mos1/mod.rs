//! MOS level 1 (Shichman-Hodges) with Meyer capacitances, as ngspice 39 evaluates it.

mod card;
mod charge;
mod meyer;
mod report;

use std::sync::Arc;

pub use self::card::Mos1Model;
use super::constants::{BOLTZMANN, CHARGE, ZERO_CELSIUS_K};
use super::depletion::{Depletion, band_gap, capacitance_factor, potential_at};
use super::error::check_positive;
use super::parameters::read_instance;
use super::{Charge, DeviceError, Pass, Stamp, Surroundings, limiting};

const PARAMETERS: [&str; 15] =
    ["w", "l", "m", "ad", "as", "pd", "ps", "nrd", "nrs", "temp", "dtemp", "off", "icvds", "icvgs", "icvbs"];

/// Voltages and Meyer quantities of one evaluation.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct State {
    vgs: f64,
    vds: f64,
    vbs: f64,
    /// Half capacitances and charges of gate-source, gate-drain, gate-body.
    half: [f64; 3],
    charge: [f64; 3],
}

/// One body junction.
#[derive(Debug, Clone, Copy, Default)]
struct Junction {
    is: f64,
    v_critical: f64,
    area: f64,
    sidewall: f64,
}

/// Channel quantities, type-normalised, in the mode frame.
#[derive(Debug, Clone, Copy, Default)]
struct Channel {
    id: f64,
    gm: f64,
    gds: f64,
    gmbs: f64,
    von: f64,
    vgst: f64,
    vdsat: f64,
}

/// A level-1 transistor: terminals drain, gate, source, body.
#[derive(Debug, Clone)]
pub struct Mos1 {
    pub(super) name: String,
    model: Arc<Mos1Model>,
    values: [f64; 15],
    dp: usize,
    sp: usize,
    names: Vec<&'static str>,
    charge_list: [Charge; 5],
    temperature_k: f64,
    vt: f64,
    gmin: f64,
    phi: f64,
    sqrt_phi: f64,
    vbi: f64,
    beta: f64,
    cox: f64,
    overlap: [f64; 3],
    leff: f64,
    series: [f64; 2],
    drain: Junction,
    source: Junction,
    depletion: [Depletion; 2],
    state: State,
    history: [State; 2],
    transient: bool,
    von: f64,
}

impl Mos1 {
    pub(super) fn new(
        name: &str,
        model: &Arc<Mos1Model>,
        parameters: &[(String, f64)],
        surroundings: &Surroundings,
    ) -> Result<Self, DeviceError> {
        let mut values = [0.0; 15];
        (values[0], values[1], values[2]) = (1e-4, 1e-4, 1.0);
        (values[7], values[8]) = (1.0, 1.0);
        values[9] = f64::NAN;
        read_instance(name, &PARAMETERS, parameters, |index, value| values[index] = value)?;
        let mut device = Self {
            name: name.to_owned(),
            model: Arc::clone(model),
            values,
            dp: 0,
            sp: 2,
            names: Vec::new(),
            charge_list: [Charge { a: 0, b: 0, truncation: false }; 5],
            temperature_k: 0.0,
            vt: 0.0,
            gmin: 0.0,
            phi: 0.0,
            sqrt_phi: 0.0,
            vbi: 0.0,
            beta: 0.0,
            cox: 0.0,
            overlap: [0.0; 3],
            leff: 0.0,
            series: [0.0; 2],
            drain: Junction::default(),
            source: Junction::default(),
            depletion: [Depletion::default(); 2],
            state: State::default(),
            history: [State::default(); 2],
            transient: false,
            von: 0.0,
        };
        let [drain, source] = device.series_conductance();
        if drain > 0.0 {
            device.dp = 4;
            device.names.push("drain");
        }
        if source > 0.0 {
            device.sp = 4 + device.names.len();
            device.names.push("source");
        }
        let (dp, sp) = (device.dp, device.sp);
        let gate = |b| Charge { a: 1, b, truncation: true };
        let body = |b| Charge { a: 3, b, truncation: false };
        device.charge_list = [gate(sp), gate(dp), gate(3), body(dp), body(sp)];
        device.update(surroundings)?;
        Ok(device)
    }

    /// Conductances of the drain and source resistances, S; zero where there is none.
    fn series_conductance(&self) -> [f64; 2] {
        let p = &self.model.p;
        let m = self.values[2];
        [(p.rd, self.values[7]), (p.rs, self.values[8])].map(|(r, squares)| {
            let r = if r == 0.0 { p.rsh * squares } else { r };
            if r > 0.0 { m / r } else { 0.0 }
        })
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
        for row in [dp, sp] {
            pairs.extend([dp, 1, sp, 3].map(|column| (row, column)));
        }
        pairs.extend([dp, sp, 3].map(|column| (3, column)));
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
        let [w, l, m, ad, area_s, pd, ps, _, _, temp, dtemp, ..] = self.values;
        let model = Arc::clone(&self.model);
        let p = &model.p;
        let leff = l - 2.0 * p.ld;
        let hint =
            if leff > 0.0 { String::new() } else { format!(" (l = {l:e} m less twice ld = {:e} m)", p.ld) };
        let sizes = [("w", w), ("l", l), ("m", m), ("effective channel length", leff)];
        check_positive(&self.name, &sizes, &hint)?;
        self.series = self.series_conductance();
        if (self.series[0] > 0.0) != (self.dp != 0) || (self.series[1] > 0.0) != (self.sp != 2) {
            return Err(DeviceError::TopologyChanged { device: self.name.clone() });
        }
        let t = if temp.is_nan() { surroundings.temperature_k + dtemp } else { temp + ZERO_CELSIUS_K };
        let tnom = model.nominal_k;
        let ratio = t / tnom;
        let vt = BOLTZMANN * t / CHARGE;
        let (gap, gap_nominal) = (band_gap(t), band_gap(tnom));
        let ty = model.polarity;
        self.temperature_k = t;
        self.vt = vt;
        self.gmin = surroundings.gmin;
        self.leff = leff;
        self.phi = potential_at(p.phi, tnom, t);
        self.sqrt_phi = self.phi.sqrt();
        self.vbi =
            p.vto - ty * p.gamma * p.phi.sqrt() + 0.5 * (gap_nominal - gap) + ty * 0.5 * (self.phi - p.phi);
        self.beta = p.kp / (ratio * ratio.sqrt()) * m * w / leff;
        self.cox = model.cox * leff * m * w;
        self.overlap = [p.cgso * m * w, p.cgdo * m * w, p.cgbo * m * leff];

        let heat = (-gap / vt + gap_nominal / (BOLTZMANN * tnom / CHARGE)).exp();
        let potential = potential_at(p.pb, tnom, t);
        self.depletion = [Depletion::new(potential, p.mj, p.fc), Depletion::new(potential, p.mjsw, p.fc)];
        let area_factor = capacitance_factor(p.pb, p.mj, tnom, t);
        let sidewall_factor = capacitance_factor(p.pb, p.mjsw, tnom, t);
        let by_area = p.js != 0.0 && ad != 0.0 && area_s != 0.0;
        let junction = |area: f64, perimeter: f64, fixed: f64| {
            let is = if by_area { m * p.js * area } else { m * p.is } * heat;
            Junction {
                is,
                v_critical: limiting::critical_voltage(vt, is),
                area: area_factor * m * if fixed.is_nan() { p.cj * area } else { fixed },
                sidewall: sidewall_factor * m * p.cjsw * perimeter,
            }
        };
        self.drain = junction(ad, pd, p.cbd);
        self.source = junction(area_s, ps, p.cbs);
        Ok(())
    }

    pub(super) fn accept(&mut self) {
        self.history = [self.state, self.history[0]];
    }

    pub(super) fn reset(&mut self) {
        self.state = State::default();
        self.history = [State::default(); 2];
        self.transient = false;
        self.von = 0.0;
    }

    fn limit(&self, vgs: f64, vds: f64, vbs: f64, old: &State) -> (State, bool) {
        let mut new = State { vgs, vds, vbs, ..*old };
        let vgd = vgs - vds;
        if old.vds >= 0.0 {
            new.vgs = limiting::gate(vgs, old.vgs, self.von);
            new.vds = limiting::drain(new.vgs - vgd, old.vds);
        } else {
            let vgd = limiting::gate(vgd, old.vgs - old.vds, self.von);
            new.vds = -limiting::drain(-(vgs - vgd), -old.vds);
            new.vgs = vgd + new.vds;
        }
        let limited;
        if new.vds >= 0.0 {
            (new.vbs, limited) = limiting::pn_junction(vbs, old.vbs, self.vt, self.source.v_critical);
        } else {
            let vbd = limiting::pn_junction(vbs - vds, old.vbs - old.vds, self.vt, self.drain.v_critical);
            limited = vbd.1;
            new.vbs = vbd.0 + new.vds;
        }
        (new, limited)
    }

    /// Current and conductance of a junction, with gmin.
    fn junction_current(&self, junction: &Junction, v: f64) -> (f64, f64) {
        if v <= -3.0 * self.vt {
            (-junction.is + self.gmin * v, self.gmin)
        } else {
            let e = (v / self.vt).min(709.0).exp();
            (junction.is * (e - 1.0) + self.gmin * v, junction.is * e / self.vt + self.gmin)
        }
    }

    /// The channel at mode-frame voltages.
    fn channel(&self, vgs: f64, vds: f64, vbs: f64) -> Channel {
        let p = &self.model.p;
        let root = if vbs <= 0.0 {
            (self.phi - vbs).sqrt()
        } else {
            (self.sqrt_phi - vbs / (2.0 * self.sqrt_phi)).max(0.0)
        };
        let von = self.vbi * self.model.polarity + p.gamma * root;
        let vgst = vgs - von;
        let body = if root > 0.0 { p.gamma / (root + root) } else { 0.0 };
        let mut channel = Channel { von, vgst, vdsat: vgst.max(0.0), ..Channel::default() };
        if vgst > 0.0 {
            let beta = self.beta * (1.0 + p.lambda * vds);
            if vgst <= vds {
                channel.id = beta * vgst * vgst * 0.5;
                channel.gm = beta * vgst;
                channel.gds = p.lambda * self.beta * vgst * vgst * 0.5;
            } else {
                channel.id = beta * vds * (vgst - 0.5 * vds);
                channel.gm = beta * vds;
                channel.gds = beta * (vgst - vds) + p.lambda * self.beta * vds * (vgst - 0.5 * vds);
            }
            channel.gmbs = channel.gm * body;
        }
        channel
    }

    /// The channel at the last bias and whether drain and source are exchanged.
    fn bias(&self) -> (Channel, bool) {
        let s = &self.state;
        if s.vds >= 0.0 {
            (self.channel(s.vgs, s.vds, s.vbs), false)
        } else {
            (self.channel(s.vgs - s.vds, -s.vds, s.vbs - s.vds), true)
        }
    }

    pub(super) fn evaluate(&mut self, v: &[f64], pass: Pass, charges: bool, stamp: &mut Stamp) -> bool {
        let n = 4 + self.names.len();
        let (dp, sp, ty) = (self.dp, self.sp, self.model.polarity);
        stamp.clear(n, if charges { 5 } else { 0 });
        stamp.v[..n].fill(0.0);
        let mut reference = 0.0;
        if pass != Pass::Junction {
            stamp.v[..n].copy_from_slice(&v[..n]);
            reference = v[sp];
        }
        let read = || [ty * (v[1] - reference), ty * (v[dp] - reference), ty * (v[3] - reference)];
        let mut limited = false;
        let previous = self.state;
        self.state = match pass {
            Pass::Junction => {
                self.transient = false;
                // The threshold at zero body bias: Vbi + gamma sqrt(phi), type-normalised.
                let vgs = ty * self.vbi + self.model.p.gamma * self.sqrt_phi;
                State { vgs, vds: 0.0, vbs: -1.0, ..State::default() }
            }
            Pass::Newton => {
                let [vgs, vds, vbs] = read();
                let (state, flag) = self.limit(vgs, vds, vbs, &self.state);
                limited = flag;
                state
            }
            Pass::Predict { factor } => {
                let [one, two] = &self.history;
                let at = |now: f64, then: f64| (1.0 + factor) * now - factor * then;
                let (vgs, vds, vbs) = (at(one.vgs, two.vgs), at(one.vds, two.vds), at(one.vbs, two.vbs));
                let (state, flag) = self.limit(vgs, vds, vbs, one);
                limited = flag;
                state
            }
            Pass::FirstTransient => {
                self.transient = true;
                self.history[0]
            }
            Pass::AtState => previous,
            Pass::Free => {
                let [vgs, vds, vbs] = read();
                State { vgs, vds, vbs, ..previous }
            }
        };
        let s = self.state;
        stamp.v[sp] = reference;
        stamp.v[dp] = reference + ty * s.vds;
        stamp.v[1] = reference + ty * s.vgs;
        stamp.v[3] = reference + ty * s.vbs;

        let (channel, reverse) = self.bias();
        self.von = channel.von;
        let (dm, sm) = if reverse { (sp, dp) } else { (dp, sp) };
        let Channel { id, gm, gds, gmbs, .. } = channel;
        stamp.i[dm] += ty * id;
        stamp.i[sm] -= ty * id;
        for (column, slope) in [(1, gm), (dm, gds), (3, gmbs), (sm, -(gm + gds + gmbs))] {
            stamp.g[dm * n + column] += slope;
            stamp.g[sm * n + column] -= slope;
        }
        let (vbd, vbs) = (s.vbs - s.vds, s.vbs);
        let (i, g) = self.junction_current(&self.drain, vbd);
        stamp.branch(3, dp, ty * i, g);
        let (i, g) = self.junction_current(&self.source, vbs);
        stamp.branch(3, sp, ty * i, g);
        if dp != 0 {
            stamp.conductance(0, dp, self.series[0]);
        }
        if sp != 2 {
            stamp.conductance(2, sp, self.series[1]);
        }
        if charges {
            self.stamp_charges(&channel, reverse, pass, stamp);
        }
        limited
    }
}

#[cfg(test)]
mod tests;
