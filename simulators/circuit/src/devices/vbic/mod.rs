//! The bipolar transistor VBIC 1.2 (levels 4 and 9): parasitic substrate transistor, quasi-saturation, weak avalanche, the breakdown of the
//! emitter, and self-heating where the card of the transistor has a thermal node. As ngspice 39 evaluates it, except that the exponentials
//! have the thermal voltage of the transistor's temperature, and that the outer base-collector charge is integrated once.

mod card;
mod equations;

use std::sync::Arc;

pub use self::card::VbicModel;
use self::card::VbicParameters;
use self::equations::{
    ACROSS, BCP, BEI, BEX, Bias, FORWARD, IBC, IBE, IBEP, IBEX, ICCP, IRBI, IRBP, IRCI, Quantity, RBI, RBP,
    RCI, REVERSE, Voltages,
};
use super::constants::{BOLTZMANN, ZERO_CELSIUS_K};
use super::error::check_positive;
use super::parameters::read_instance;
use super::{Charge, DeviceError, NoiseSource, Pass, Stamp, Surroundings, constants::CHARGE, limiting};

/// `thermal` is set where the card has a thermal node.
const PARAMETERS: [&str; 8] = ["area", "m", "temp", "dtemp", "off", "icvbe", "icvce", "thermal"];

/// The thermal node and the ground that follows it, among the local nodes.
const HEAT: usize = 4;
const GROUND: usize = 5;
/// Step of the derivatives over the temperature, K.
const STEP_K: f64 = 0.01;

/// Thermal voltage with VBIC's own constants, V.
fn thermal_voltage(t_k: f64) -> f64 {
    1.380_662e-23 * t_k / 1.602_189e-19
}

/// Where the nodes of the model are among the local nodes.
#[derive(Debug, Clone, Copy, Default)]
struct Nodes {
    cx: usize,
    bx: usize,
    ei: usize,
    si: usize,
    ci: usize,
    bp: usize,
    bi: usize,
}

impl Nodes {
    /// The ends of each branch voltage, in the order of [`Voltages`].
    fn branches(&self) -> [(usize, usize); 9] {
        let Self { cx, bx, ei, si, ci, bp, bi } = *self;
        [(bi, ei), (bx, ei), (bi, ci), (bi, cx), (bx, bp), (si, bp), (cx, ci), (bx, bi), (bp, cx)]
    }
}

impl Nodes {
    /// The ends of each current of [`Bias`].
    fn currents(&self) -> [(usize, usize); 11] {
        let Self { cx, bx, ei, si, ci, bp, bi } = *self;
        [
            (bi, ei),
            (bx, ei),
            (ci, ei),
            (ei, ci),
            (bi, ci),
            (bx, bp),
            (cx, ci),
            (bx, bi),
            (bp, cx),
            (si, bp),
            (bx, si),
        ]
    }
}

/// A transistor: terminals collector, base, emitter, substrate; where it heats itself also the thermal node, whose voltage is the rise of
/// temperature in kelvin, and ground.
#[derive(Debug, Clone)]
pub struct Vbic {
    pub(super) name: String,
    model: Arc<VbicModel>,
    values: [f64; 8],
    names: Vec<&'static str>,
    charge_list: Vec<Charge>,
    nodes: Nodes,
    p: VbicParameters,
    temperature_k: f64,
    vt: f64,
    /// Thermal voltage of the limiting.
    vt_limit: f64,
    gmin: f64,
    v_critical: f64,
    /// Branch voltages: now, last accepted, the one before.
    state: [Voltages; 3],
    /// The rise of temperature with them, K.
    rise: [f64; 3],
}

impl Vbic {
    pub(super) fn new(
        name: &str,
        model: &Arc<VbicModel>,
        parameters: &[(String, f64)],
        surroundings: &Surroundings,
    ) -> Result<Self, DeviceError> {
        let mut values = [1.0, 1.0, f64::NAN, 0.0, 0.0, 0.0, 0.0, 0.0];
        read_instance(name, &PARAMETERS, parameters, |index, value| values[index] = value)?;
        let p = &model.p;
        let terminals = if values[7] > 0.0 { 6 } else { 4 };
        let mut names = Vec::new();
        let mut node = |r: f64, label: &'static str, terminal: usize| {
            if r > 0.0 {
                names.push(label);
                terminals - 1 + names.len()
            } else {
                terminal
            }
        };
        let nodes = Nodes {
            cx: node(p.rcx, "collector", 0),
            bx: node(p.rbx, "base", 1),
            ei: node(p.re, "emitter", 2),
            si: node(p.rs, "substrate", 3),
            ci: node(1.0, "collci", 0),
            bp: node(1.0, "basebp", 0),
            bi: node(1.0, "basebi", 0),
        };
        let Nodes { cx, bx, ei, si, ci, bp, bi } = nodes;
        let charge = |(a, b)| Charge { a, b, truncation: true };
        let mut ends = vec![(bi, ei), (bx, ei), (bi, ci), (bi, cx), (bx, bp), (si, bp), (1, 2), (1, 0)];
        if terminals == 6 {
            ends.push((HEAT, GROUND));
        }
        let mut device = Self {
            name: name.to_owned(),
            model: Arc::clone(model),
            values,
            names,
            charge_list: ends.into_iter().map(charge).collect(),
            nodes,
            p: p.clone(),
            temperature_k: 0.0,
            vt: 0.0,
            vt_limit: 0.0,
            gmin: 0.0,
            v_critical: 0.0,
            state: [[0.0; 9]; 3],
            rise: [0.0; 3],
        };
        device.update(surroundings)?;
        Ok(device)
    }

    /// Whether it has a thermal node.
    fn hot(&self) -> bool {
        self.values[7] > 0.0
    }

    pub(super) fn terminals(&self) -> usize {
        if self.hot() { 6 } else { 4 }
    }

    pub(super) fn internal_nodes(&self) -> &[&'static str] {
        &self.names
    }

    pub(super) fn charges(&self) -> &[Charge] {
        &self.charge_list
    }

    pub(super) fn conductance_pattern(&self) -> Vec<(usize, usize)> {
        let Nodes { cx, bx, ei, si, ci, bp, bi } = self.nodes;
        let inner = [cx, bx, ei, si, ci, bp, bi];
        let mut pairs = Vec::new();
        for row in inner {
            pairs.extend(inner.map(|column| (row, column)));
        }
        if self.hot() {
            for other in inner.into_iter().chain([0, 1, 2, 3]) {
                pairs.extend([(other, HEAT), (HEAT, other)]);
            }
            pairs.push((HEAT, HEAT));
        }
        for (a, b) in [(0, cx), (1, bx), (2, ei), (3, si)] {
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
        let t = if temp.is_nan() { surroundings.temperature_k } else { temp + ZERO_CELSIUS_K } + dtemp;
        self.temperature_k = t;
        self.gmin = surroundings.gmin;
        (self.p, self.vt) = self.model.at(t + self.model.p.dtemp);
        self.vt_limit = BOLTZMANN * t / CHARGE;
        self.v_critical = limiting::critical_voltage(self.vt_limit, self.model.p.is * area * m);
        Ok(())
    }

    pub(super) fn accept(&mut self) {
        self.state[2] = self.state[1];
        self.state[1] = self.state[0];
        self.rise[2] = self.rise[1];
        self.rise[1] = self.rise[0];
    }

    pub(super) fn reset(&mut self) {
        self.state = [[0.0; 9]; 3];
        self.rise = [0.0; 3];
    }

    /// The parameters and the thermal voltage at the present temperature and `step` above it.
    fn heated(&self, step: f64) -> (VbicParameters, f64) {
        self.model.at(self.temperature_k + self.model.p.dtemp + self.rise[0] + step)
    }

    /// The junctions are limited, the resistances are not.
    fn limit(&self, mut new: Voltages, old: &Voltages) -> (Voltages, bool) {
        let mut limited = false;
        for k in BEI..=BCP {
            let (v, flag) = limiting::pn_junction(new[k], old[k], self.vt_limit, self.v_critical);
            new[k] = v;
            limited |= flag;
        }
        (new, limited)
    }

    pub(super) fn evaluate(&mut self, v: &[f64], pass: Pass, charges: bool, stamp: &mut Stamp) -> bool {
        let n = self.terminals() + self.names.len();
        let ty = self.model.polarity;
        let scale = self.values[0] * self.values[1];
        stamp.clear(n, self.charge_list.len());
        stamp.v[..n].fill(0.0);
        if pass != Pass::Junction {
            stamp.v[..n].copy_from_slice(&v[..n]);
        }
        let branches = self.nodes.branches();
        let raw: Voltages = branches.map(|(a, b)| ty * (stamp.v[a] - stamp.v[b]));
        let rise = if self.hot() { stamp.v[HEAT] } else { 0.0 };
        let (state, mut limited) = match pass {
            Pass::Junction => {
                let mut start = [0.0; 9];
                (start[BEI], start[BEX], start[BCP]) = (self.v_critical, self.v_critical, -self.v_critical);
                self.rise[0] = 0.0;
                (start, false)
            }
            Pass::Newton => {
                let (state, flag) = self.limit(raw, &self.state[0]);
                let warm = limiting::temperature(rise, self.rise[0], 100.0);
                self.rise[0] = warm.0;
                (state, flag || warm.1)
            }
            Pass::Predict { factor } => {
                let [_, one, two] = &self.state;
                let found =
                    self.limit(std::array::from_fn(|k| (1.0 + factor) * one[k] - factor * two[k]), one);
                self.rise[0] = (1.0 + factor) * self.rise[1] - factor * self.rise[2];
                found
            }
            Pass::FirstTransient => {
                self.rise[0] = self.rise[1];
                (self.state[1], false)
            }
            Pass::AtState => (self.state[0], false),
            Pass::Free => {
                self.rise[0] = rise;
                (raw, false)
            }
        };
        self.state[0] = state;
        limited &= pass != Pass::Junction;
        if self.hot() {
            (self.p, self.vt) = self.heated(0.0);
        }
        let bias = Bias::new(&self.p, self.vt, &state);
        // Each branch is limited by itself, so currents are carried on to the voltages of the nodes.
        let carried = |q: &Quantity| {
            let moved: f64 =
                q.over.iter().enumerate().map(|(k, b)| q.value.d(k) * (raw[*b] - state[*b])).sum();
            ty * scale * (q.value.v() + moved)
        };
        for (q, (a, b)) in bias.currents.iter().zip(self.nodes.currents()) {
            let current = carried(q);
            stamp.i[a] += current;
            stamp.i[b] -= current;
            for (k, branch) in q.over.iter().enumerate() {
                let slope = scale * q.value.d(k);
                if slope != 0.0 {
                    let (plus, minus) = branches[*branch];
                    stamp.g[a * n + plus] += slope;
                    stamp.g[a * n + minus] -= slope;
                    stamp.g[b * n + plus] -= slope;
                    stamp.g[b * n + minus] += slope;
                }
            }
        }
        let Nodes { cx, bx, ei, si, ci, bp, bi } = self.nodes;
        let gmin = self.gmin;
        for (a, b) in [(bi, ei), (bx, ei), (bi, ci), (bx, bp), (cx, ci), (si, bp)] {
            stamp.conductance(a, b, gmin);
        }
        for (r, (a, b)) in self.resistances(&self.p) {
            if a != b {
                stamp.conductance(a, b, scale / r);
            }
        }
        if self.hot() {
            self.stamp_heat(&bias, raw, rise, stamp);
        }
        if charges {
            for (k, q) in bias.charges.iter().enumerate() {
                stamp.q[k] = carried(q);
                for (lane, branch) in q.over.iter().enumerate() {
                    let (plus, minus) = branches[*branch];
                    let slope = scale * q.value.d(lane);
                    stamp.c[k * n + plus] += slope;
                    stamp.c[k * n + minus] -= slope;
                }
            }
            for (k, c, other) in [(6, self.p.cbeo, 2), (7, self.p.cbco, 0)] {
                let c = scale * c;
                stamp.linear_charge(k, c * (stamp.v[1] - stamp.v[other]), &[(1, c), (other, -c)]);
            }
            if self.hot() {
                let c = scale * self.p.cth.max(1e-12);
                stamp.linear_charge(8, c * rise, &[(HEAT, c)]);
            }
        }
        limited
    }

    /// The outer resistances and their ends.
    fn resistances(&self, p: &VbicParameters) -> [(f64, (usize, usize)); 4] {
        let Nodes { cx, bx, ei, si, .. } = self.nodes;
        [(p.rcx, (0, cx)), (p.rbx, (1, bx)), (p.re, (2, ei)), (p.rs, (3, si))]
    }

    /// The heat that flows into the thermal node, and how all currents follow the temperature.
    fn stamp_heat(&self, bias: &Bias, raw: Voltages, rise: f64, stamp: &mut Stamp) {
        let n = stamp.n;
        let ty = self.model.polarity;
        let scale = self.values[0] * self.values[1];
        let state = &self.state[0];
        let moved = rise - self.rise[0];
        let branches = self.nodes.branches();
        let ((above, vt_above), (below, vt_below)) = (self.heated(STEP_K), self.heated(-STEP_K));
        let (high, low) = (Bias::new(&above, vt_above, state), Bias::new(&below, vt_below, state));
        let mut power = 0.0;
        for (k, (a, b)) in self.nodes.currents().into_iter().enumerate() {
            let q = &bias.currents[k];
            let by_heat = scale * (high.currents[k].value.v() - low.currents[k].value.v()) / (2.0 * STEP_K);
            let current = scale * q.value.v();
            let across: f64 = ACROSS[k].iter().map(|(branch, sign)| sign * state[*branch]).sum();
            power += current * across + by_heat * across * moved;
            stamp.i[a] += ty * by_heat * moved;
            stamp.i[b] -= ty * by_heat * moved;
            stamp.g[a * n + HEAT] += ty * by_heat;
            stamp.g[b * n + HEAT] -= ty * by_heat;
            stamp.g[HEAT * n + HEAT] -= by_heat * across;
            let slopes =
                q.over.iter().enumerate().map(|(lane, branch)| (*branch, scale * q.value.d(lane) * across));
            for (branch, slope) in
                slopes.chain(ACROSS[k].iter().map(|(branch, sign)| (*branch, sign * current)))
            {
                let (plus, minus) = branches[branch];
                stamp.g[HEAT * n + plus] -= ty * slope;
                stamp.g[HEAT * n + minus] += ty * slope;
                power += slope * (raw[branch] - state[branch]);
            }
        }
        for ((r, (a, b)), (r_high, r_low)) in self
            .resistances(&self.p)
            .into_iter()
            .zip(self.resistances(&above).iter().zip(&self.resistances(&below)).map(|(x, y)| (x.0, y.0)))
            .filter(|((_, (a, b)), _)| a != b)
        {
            let v = stamp.v[a] - stamp.v[b];
            let by_heat = scale * v * (1.0 / r_high - 1.0 / r_low) / (2.0 * STEP_K);
            let slope = 2.0 * scale * v / r;
            power += scale * v * v / r + by_heat * v * moved;
            stamp.i[a] += by_heat * moved;
            stamp.i[b] -= by_heat * moved;
            stamp.g[a * n + HEAT] += by_heat;
            stamp.g[b * n + HEAT] -= by_heat;
            stamp.g[HEAT * n + HEAT] -= by_heat * v;
            stamp.g[HEAT * n + a] -= slope;
            stamp.g[HEAT * n + b] += slope;
        }
        // Without a thermal resistance the node keeps the temperature of the circuit.
        let conductance = scale * if self.p.rth > 0.0 { 1.0 / self.p.rth } else { 1e3 };
        let power = if self.p.rth > 0.0 { power } else { 0.0 };
        stamp.i[HEAT] += conductance * rise - power;
        stamp.g[HEAT * n + HEAT] += conductance;
    }

    fn bias(&self) -> Bias {
        Bias::new(&self.p, self.vt, &self.state[0])
    }

    pub(super) fn noise_sources(&self, sources: &mut Vec<NoiseSource>) {
        let [area, m, ..] = self.values;
        let scale = area * m;
        let bias = self.bias();
        let Nodes { cx, bx, ei, si, ci, bp, bi } = self.nodes;
        let p = &self.p;
        let four_kt = 4.0 * BOLTZMANN * (self.temperature_k + self.rise[0]) * scale;
        let currents = &bias.currents;
        // The slope of a resistance over its own voltage.
        let own = |q: &Quantity, branch: usize| {
            q.over.iter().position(|b| *b == branch).map_or(0.0, |k| q.value.d(k))
        };
        for (label, a, b, g) in [
            ("rc", cx, 0, 1.0 / p.rcx),
            ("rci", cx, ci, own(&currents[IRCI], RCI)),
            ("rb", bx, 1, 1.0 / p.rbx),
            ("rbi", bx, bi, own(&currents[IRBI], RBI)),
            ("re", ei, 2, 1.0 / p.re),
            ("rbp", bp, cx, own(&currents[IRBP], RBP)),
            ("rs", si, 3, 1.0 / p.rs),
        ] {
            if a != b {
                sources.push(NoiseSource::white(a, b, label, four_kt * g));
            }
        }
        let shot = |q: &Quantity| 2.0 * CHARGE * scale * q.value.v().abs();
        sources.push(NoiseSource::white(ci, ei, "ic", shot(&currents[FORWARD])));
        sources.push(NoiseSource::white(bi, ei, "ib", shot(&currents[IBE])));
        sources.push(NoiseSource::white(bx, bp, "ibep", shot(&currents[IBEP])));
        sources.push(NoiseSource::white(bx, si, "iccp", shot(&currents[ICCP])));
        for (label, q, a, b) in [("1overfbe", &currents[IBE], bi, ei), ("1overfbep", &currents[IBEP], bx, bp)]
        {
            let density = m * p.kfn * (area * q.value.v()).abs().max(1e-38).powf(p.afn);
            sources.push(NoiseSource::flicker(a, b, label, density, p.bfn));
        }
    }

    pub(super) fn op_info(&self) -> Vec<(&'static str, f64)> {
        let scale = self.values[0] * self.values[1];
        let ty = self.model.polarity;
        let bias = self.bias();
        let value = |k: usize| bias.currents[k].value.v();
        let [vbe, _, vbc, ..] = self.state[0];
        let collector = value(FORWARD) - value(REVERSE) - value(IBC);
        let base = value(IBE) + value(IBC) + value(IBEX) + value(IBEP) + value(ICCP);
        vec![
            ("ic", ty * scale * collector),
            ("ib", ty * scale * base),
            ("vbe", vbe),
            ("vbc", vbc),
            ("gm", scale * bias.currents[FORWARD].value.d(0)),
            ("gpi", scale * bias.currents[IBE].value.d(0)),
            ("cbe", scale * bias.charges[0].value.d(0)),
            ("cbc", scale * bias.charges[2].value.d(1)),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::devices::ModelCard;

    const CARD: [(&str, f64); 24] = [
        ("is", 2e-16),
        ("ibei", 2e-18),
        ("iben", 3e-15),
        ("ibci", 2e-17),
        ("isp", 1e-15),
        ("rcx", 8.0),
        ("rci", 40.0),
        ("rbx", 9.0),
        ("rbi", 30.0),
        ("re", 1.5),
        ("rs", 15.0),
        ("rbp", 35.0),
        ("vef", 12.0),
        ("ver", 5.0),
        ("ikf", 3e-3),
        ("cje", 1e-13),
        ("cjc", 3e-14),
        ("vo", 2.0),
        ("gamm", 2e-11),
        ("avc1", 2.0),
        ("avc2", 15.0),
        ("tf", 1e-11),
        ("wbe", 0.9),
        ("qco", 1e-13),
    ];

    fn device(kind: &str) -> Vbic {
        let (model, warnings) = VbicModel::from_card(&ModelCard::new("q", kind, &CARD), 300.15).unwrap();
        assert!(warnings.is_empty(), "{warnings:?}");
        Vbic::new("q1", &Arc::new(model), &[], &Surroundings::default()).unwrap()
    }

    #[test]
    fn currents_sum_to_zero_and_slopes_are_derivatives() {
        let mut stamps = [Stamp::default(), Stamp::default(), Stamp::default()];
        for (kind, ty) in [("npn", 1.0), ("pnp", -1.0)] {
            let mut q = device(kind);
            // Terminals, outer ends of the four resistances, inner collector, parasitic base, inner base.
            for v in [
                [3.0, 0.8, 0.0, -1.0, 2.95, 0.79, 0.002, -1.0, 2.9, 2.8, 0.78],
                [0.2, 0.8, 0.0, 0.0, 0.18, 0.78, 0.01, 0.0, 0.15, 0.3, 0.75],
            ] {
                let v = v.map(|x| ty * x);
                for column in 0..11 {
                    let h = 1e-6;
                    for (k, shift) in [-h, h, 0.0].into_iter().enumerate() {
                        let mut at = v;
                        at[column] += shift;
                        q.evaluate(&at, Pass::Free, true, &mut stamps[k]);
                    }
                    assert!(stamps[2].i[..11].iter().sum::<f64>().abs() < 1e-15);
                    for row in 0..11 {
                        let slope = (stamps[1].i[row] - stamps[0].i[row]) / (2.0 * h);
                        let own = stamps[2].g[row * 11 + column];
                        assert!((slope - own).abs() < 1e-5 * own.abs() + 1e-8, "{kind} {row} {column}");
                    }
                    for k in 0..8 {
                        let slope = (stamps[1].q[k] - stamps[0].q[k]) / (2.0 * h);
                        let own = stamps[2].c[k * 11 + column];
                        assert!((slope - own).abs() < 1e-5 * own.abs() + 1e-20, "{kind} charge {k} {column}");
                    }
                }
            }
        }
    }

    #[test]
    fn heat_is_the_power_of_the_terminals_and_its_slopes_are_derivatives() {
        let card: Vec<_> = CARD.into_iter().chain([("rth", 300.0)]).collect();
        let (model, _) = VbicModel::from_card(&ModelCard::new("q", "npn", &card), 300.15).unwrap();
        let thermal = [("thermal".to_string(), 1.0)];
        let mut q = Vbic::new("q1", &Arc::new(model), &thermal, &Surroundings::default()).unwrap();
        q.set_gmin(0.0);
        // Terminals, temperature, ground; then as above.
        let v = [3.0, 0.8, 0.0, -1.0, 12.0, 0.0, 2.95, 0.79, 0.002, -1.0, 2.9, 2.8, 0.78];
        let mut stamps = [Stamp::default(), Stamp::default(), Stamp::default()];
        for column in (0..13).filter(|c| *c != GROUND) {
            let h = 1e-5;
            for (k, shift) in [-h, h, 0.0].into_iter().enumerate() {
                let mut at = v;
                at[column] += shift;
                q.evaluate(&at, Pass::Free, false, &mut stamps[k]);
            }
            for row in 0..13 {
                let slope = (stamps[1].i[row] - stamps[0].i[row]) / (2.0 * h);
                let own = stamps[2].g[row * 13 + column];
                assert!((slope - own).abs() < 1e-4 * own.abs() + 1e-8, "{row} {column}: {slope} {own}");
            }
        }
        let electric: f64 = (0..13).filter(|k| *k != HEAT).map(|k| stamps[2].i[k] * v[k]).sum();
        let heat = v[HEAT] / 300.0 - stamps[2].i[HEAT];
        assert!((heat / electric - 1.0).abs() < 1e-9, "{heat} {electric}");
    }
}
