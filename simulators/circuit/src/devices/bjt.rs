//! The bipolar transistor: Gummel-Poon with base-width modulation, knees, base resistance modulation and charges.

use std::sync::Arc;

use super::constants::{BOLTZMANN, CHARGE, ZERO_CELSIUS_K};
use super::depletion::{Depletion, capacitance_factor, potential_at};
use super::dual::Dual;
use super::error::check_positive;
use super::parameters::{parameter_table, read_instance};
use super::{Charge, DeviceError, ModelCard, NoiseSource, Pass, Stamp, Surroundings, limiting};

parameter_table! {
    /// Parameters of a bipolar card (SPICE names and units, per unit area).
    #[allow(missing_docs)]
    BjtParameters {
        is = 1e-16, bf = 100.0, nf = 1.0, vaf | "va" = 0.0, ikf | "ik" = 0.0, ise = 0.0, ne = 1.5, br = 1.0, nr = 1.0,
        var | "vb" = 0.0, ikr = 0.0, isc = 0.0, nc = 2.0, rb = 0.0, irb = 0.0, rbm = f64::NAN, re = 0.0, rc = 0.0,
        cje = 0.0, vje | "pe" = 0.75, mje | "me" = 0.33, tf = 0.0, xtf = 0.0, vtf = 0.0, itf = 0.0, ptf = 0.0,
        cjc = 0.0, vjc | "pc" = 0.75, mjc | "mc" = 0.33, xcjc = 1.0, tr = 0.0, cjs | "csub" | "ccs" = 0.0,
        vjs | "ps" = 0.75, mjs | "ms" = 0.0, xtb = 0.0, eg = 1.11, xti | "pt" = 3.0, kf = 0.0, af = 1.0, fc = 0.5,
        tnom | "tref" = f64::NAN, subs = f64::NAN,
    }
}

/// A bipolar card.
#[derive(Debug, Clone)]
pub struct BjtModel {
    pub(super) name: String,
    polarity: f64,
    p: BjtParameters,
    nominal_k: f64,
}

impl BjtModel {
    /// Reads the card.
    ///
    /// # Errors
    /// Values that are not finite.
    pub fn from_card(card: &ModelCard, nominal_k: f64) -> Result<(Self, Vec<String>), DeviceError> {
        card.check_finite()?;
        let (mut p, mut warnings) = BjtParameters::read(card);
        if p.rbm.is_nan() || p.rbm == 0.0 {
            p.rbm = p.rb;
        }
        // As in ngspice: 1 is a vertical transistor, its substrate at the collector; -1 a lateral one, its substrate at the base.
        if p.subs.is_nan() {
            p.subs = if card.kind == "npn" { 1.0 } else { -1.0 };
        }
        if p.ptf != 0.0 {
            warnings.push(format!("model `{}`: excess phase `ptf` is ignored", card.name));
        }
        let nominal_k = if p.tnom.is_nan() { nominal_k } else { p.tnom + ZERO_CELSIUS_K };
        let polarity = if card.kind == "npn" { 1.0 } else { -1.0 };
        Ok((Self { name: card.name.clone(), polarity, p, nominal_k }, warnings))
    }
}

const PARAMETERS: [&str; 9] = ["area", "m", "temp", "dtemp", "off", "icvbe", "icvce", "areab", "areac"];

/// Currents and the base charge at a bias; partials over (base-emitter, collector-emitter) voltage.
struct Currents {
    collector: Dual,
    base: Dual,
    transport: Dual,
    reverse: Dual,
    qb: Dual,
}

/// A bipolar transistor: terminals collector, base, emitter, substrate.
#[derive(Debug, Clone)]
pub struct Bjt {
    pub(super) name: String,
    model: Arc<BjtModel>,
    values: [f64; 9],
    names: Vec<&'static str>,
    charge_list: [Charge; 4],
    cp: usize,
    bp: usize,
    ep: usize,
    /// The node that the substrate junction ends at, and the junction's sign.
    substrate: (usize, f64),
    temperature_k: f64,
    vt: f64,
    gmin: f64,
    v_critical: f64,
    is: f64,
    /// Saturation current of the reverse transport.
    is_reverse: f64,
    ise: f64,
    isc: f64,
    bf: f64,
    br: f64,
    depletion: [Depletion; 2],
    cje: f64,
    cjc: f64,
    cjs: f64,
    vjs: f64,
    /// Base-emitter, base-collector, outer base-collector, substrate-collector: now, last accepted, the one before.
    state: [[f64; 4]; 3],
}

impl Bjt {
    pub(super) fn new(
        name: &str,
        model: &Arc<BjtModel>,
        parameters: &[(String, f64)],
        surroundings: &Surroundings,
    ) -> Result<Self, DeviceError> {
        let mut values = [1.0, 1.0, f64::NAN, 0.0, 0.0, 0.0, 0.0, f64::NAN, f64::NAN];
        read_instance(name, &PARAMETERS, parameters, |index, value| values[index] = value)?;
        let p = &model.p;
        let mut names = Vec::new();
        let mut node = |r: f64, label: &'static str, terminal: usize| {
            if r > 0.0 {
                names.push(label);
                3 + names.len()
            } else {
                terminal
            }
        };
        let cp = node(p.rc, "collector", 0);
        let bp = node(p.rb, "base", 1);
        let ep = node(p.re, "emitter", 2);
        let vertical = p.subs > 0.0;
        let substrate = (if vertical { cp } else { bp }, model.polarity * p.subs.signum());
        let charge = |a, b| Charge { a, b, truncation: true };
        let mut device = Self {
            name: name.to_owned(),
            model: Arc::clone(model),
            values,
            names,
            charge_list: [charge(bp, ep), charge(bp, cp), charge(3, substrate.0), charge(1, cp)],
            cp,
            bp,
            ep,
            substrate,
            temperature_k: 0.0,
            vt: 0.0,
            gmin: 0.0,
            v_critical: 0.0,
            is: 0.0,
            is_reverse: 0.0,
            ise: 0.0,
            isc: 0.0,
            bf: 0.0,
            br: 0.0,
            depletion: [Depletion::default(); 2],
            cje: 0.0,
            cjc: 0.0,
            cjs: 0.0,
            vjs: 0.0,
            state: [[0.0; 4]; 3],
        };
        device.charge_list[3].truncation = false;
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
        let (c, b, e) = (self.cp, self.bp, self.ep);
        let mut pairs = Vec::new();
        for row in [c, b, e] {
            pairs.extend([c, b, e].map(|column| (row, column)));
        }
        for (x, y) in [(0, c), (1, b), (2, e), (3, self.substrate.0)] {
            if x != y {
                pairs.extend([(x, x), (x, y), (y, x)]);
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
        let own = |index: usize| if self.values[index].is_nan() { area } else { self.values[index] };
        let sizes = [("area", area), ("m", m), ("areab", own(7)), ("areac", own(8))];
        check_positive(&self.name, &sizes, "")?;
        let model = Arc::clone(&self.model);
        let p = &model.p;
        let t = if temp.is_nan() { surroundings.temperature_k + dtemp } else { temp + ZERO_CELSIUS_K };
        let tnom = model.nominal_k;
        let ratio = t / tnom;
        let vt = BOLTZMANN * t / CHARGE;
        let exponent = (ratio - 1.0) * p.eg / vt + p.xti * ratio.ln();
        let gain = ratio.powf(p.xtb);
        self.temperature_k = t;
        self.vt = vt;
        self.gmin = surroundings.gmin;
        // As in ngspice 39: the collector junction has an area of its own, as the substrate has, and they swap in a lateral transistor.
        let (area_collector, area_substrate) = if p.subs > 0.0 { (own(7), own(8)) } else { (own(8), own(7)) };
        self.is = p.is * exponent.exp() * area;
        self.is_reverse = self.is * area_collector;
        self.ise = p.ise * (exponent / p.ne).exp() / gain * area;
        self.isc = p.isc * (exponent / p.nc).exp() / gain * area_collector;
        self.bf = p.bf * gain;
        self.br = p.br * gain;
        self.v_critical = limiting::critical_voltage(vt, self.is);
        let fc = p.fc.min(0.9999);
        self.depletion = [(p.vje, p.mje), (p.vjc, p.mjc)]
            .map(|(potential, grading)| Depletion::new(potential_at(potential, tnom, t), grading, fc));
        self.cje = p.cje * area * capacitance_factor(p.vje, p.mje, tnom, t);
        self.cjc = p.cjc * area_collector * capacitance_factor(p.vjc, p.mjc, tnom, t);
        self.cjs = p.cjs * area_substrate * capacitance_factor(p.vjs, p.mjs, tnom, t);
        self.vjs = potential_at(p.vjs, tnom, t);
        Ok(())
    }

    pub(super) fn accept(&mut self) {
        self.state[2] = self.state[1];
        self.state[1] = self.state[0];
    }

    pub(super) fn reset(&mut self) {
        self.state = [[0.0; 4]; 3];
    }

    /// Junction current: exponential forward, cubic decay in reverse.
    fn junction(v: Dual, is: f64, nvt: f64) -> Dual {
        if v.v() >= -3.0 * nvt {
            let e = (v.v() / nvt).exp();
            v.chain(is * (e - 1.0), is * e / nvt)
        } else {
            let x = 3.0 * nvt / (v.v() * std::f64::consts::E);
            let cube = x * x * x;
            v.chain(-is * (1.0 + cube), is * 3.0 * cube / v.v())
        }
    }

    fn currents(&self) -> Currents {
        let p = &self.model.p;
        let area = self.values[0];
        let [vbe, vbc, ..] = self.state[0];
        let (be, bc) = (Dual([vbe, 1.0, 0.0, 0.0]), Dual([vbc, 1.0, -1.0, 0.0]));
        let transport = Self::junction(be, self.is, p.nf * self.vt);
        let reverse = Self::junction(bc, self.is_reverse, p.nr * self.vt);
        let leak = |v: Dual, is: f64, n: f64| {
            let ohmic = v * self.gmin;
            if is > 0.0 { Self::junction(v, is, n * self.vt) + ohmic } else { ohmic }
        };
        let base_emitter = leak(be, self.ise, p.ne);
        let base_collector = leak(bc, self.isc, p.nc);
        let over = |v: f64| if v != 0.0 { 1.0 / v } else { 0.0 };
        let q1 = 1.0 / (1.0 - bc * over(p.vaf) - be * over(p.var));
        let qb = if p.ikf == 0.0 && p.ikr == 0.0 {
            q1
        } else {
            let q2 = transport * over(p.ikf * area) + reverse * over(p.ikr * area);
            let arg = q2 * 4.0 + 1.0;
            let root = if arg.v() > 0.0 { arg.sqrt() } else { Dual::constant(1.0) };
            q1 * (root + 1.0) * 0.5
        };
        Currents {
            collector: (transport - reverse) / qb - reverse / self.br - base_collector,
            base: transport / self.bf + base_emitter + reverse / self.br + base_collector,
            transport,
            reverse,
            qb,
        }
    }

    /// Conductance of the base resistance, S (without the multiplier).
    fn base_conductance(&self, currents: &Currents) -> f64 {
        let p = &self.model.p;
        let area = self.values[0];
        let (high, low) = (p.rb / area, p.rbm / area);
        let r = if p.irb == 0.0 {
            low + (high - low) / currents.qb.v()
        } else {
            let x = (currents.base.v() / (p.irb * area)).max(1e-9);
            let z = ((1.0 + 14.590_25 * x).sqrt() - 1.0) / (2.4317 * x.sqrt());
            let tangent = z.tan();
            low + 3.0 * (high - low) * (tangent - z) / (z * tangent * tangent)
        };
        if r > 0.0 { 1.0 / r } else { 0.0 }
    }

    pub(super) fn evaluate(&mut self, v: &[f64], pass: Pass, charges: bool, stamp: &mut Stamp) -> bool {
        let n = 4 + self.names.len();
        let (cp, bp, ep, ty) = (self.cp, self.bp, self.ep, self.model.polarity);
        let [area, m, ..] = self.values;
        stamp.clear(n, 4);
        stamp.v[..n].fill(0.0);
        if pass != Pass::Junction {
            stamp.v[..n].copy_from_slice(&v[..n]);
        }
        let (junction, sign) = self.substrate;
        let read =
            || [ty * (v[bp] - v[ep]), ty * (v[bp] - v[cp]), ty * (v[1] - v[cp]), sign * (v[3] - v[junction])];
        let limit = |mut new: [f64; 4], old: &[f64; 4]| {
            let (vbe, first) = limiting::pn_junction(new[0], old[0], self.vt, self.v_critical);
            let (vbc, second) = limiting::pn_junction(new[1], old[1], self.vt, self.v_critical);
            (new[0], new[1]) = (vbe, vbc);
            (new, first || second)
        };
        let (state, limited) = match pass {
            Pass::Junction => ([self.v_critical, 0.0, 0.0, 0.0], false),
            Pass::Newton => limit(read(), &self.state[0]),
            Pass::Predict { factor } => {
                let [_, one, two] = &self.state;
                limit(std::array::from_fn(|k| (1.0 + factor) * one[k] - factor * two[k]), one)
            }
            Pass::FirstTransient => (self.state[1], false),
            Pass::AtState => (self.state[0], false),
            Pass::Free => (read(), false),
        };
        self.state[0] = state;
        let [vbe, vbc, vbx, vsub] = state;
        // Voltages against the inner emitter.
        let reference = stamp.v[ep];
        stamp.v[bp] = reference + ty * vbe;
        stamp.v[cp] = reference + ty * (vbe - vbc);

        let currents = self.currents();
        let columns = [bp, cp, bp, ep];
        stamp.row(cp, currents.collector, columns, ty, m);
        stamp.row(bp, currents.base, columns, ty, m);
        stamp.row(ep, -(currents.collector + currents.base), columns, ty, m);
        stamp.conductance(3, junction, m * self.gmin);
        let p = &self.model.p;
        if cp != 0 {
            stamp.conductance(0, cp, m * area / p.rc);
        }
        if bp != 1 {
            stamp.conductance(1, bp, m * self.base_conductance(&currents));
        }
        if ep != 2 {
            stamp.conductance(2, ep, m * area / p.re);
        }
        if charges {
            self.stamp_charges(&currents, vbx, vsub, columns, stamp);
        }
        limited
    }

    /// Emitter diffusion charge with its current and voltage dependence.
    fn diffusion(&self, currents: &Currents) -> Dual {
        let p = &self.model.p;
        let [vbe, vbc, ..] = self.state[0];
        if p.tf == 0.0 || vbe <= 0.0 {
            return Dual::ZERO;
        }
        let mut excess = Dual::ZERO;
        if p.xtf != 0.0 {
            excess = Dual::constant(p.xtf);
            if p.vtf != 0.0 {
                excess = excess * (Dual([vbc, 1.0, -1.0, 0.0]) * (1.0 / (1.44 * p.vtf))).exp();
            }
            if p.itf != 0.0 {
                let r = currents.transport / (currents.transport + p.itf * self.values[0]);
                excess = excess * r * r;
            }
        }
        currents.transport * (excess + 1.0) / currents.qb * p.tf
    }

    fn stamp_charges(
        &self,
        currents: &Currents,
        vbx: f64,
        vsub: f64,
        columns: [usize; 4],
        stamp: &mut Stamp,
    ) {
        let p = &self.model.p;
        let (ty, m, cp) = (self.model.polarity, self.values[1], self.cp);
        let [vbe, vbc, ..] = self.state[0];
        let (be, bc) = (Dual([vbe, 1.0, 0.0, 0.0]), Dual([vbc, 1.0, -1.0, 0.0]));
        let (q, c) = self.depletion[0].at(vbe);
        stamp.charge(0, self.diffusion(currents) + be.chain(q * self.cje, c * self.cje), columns, ty, m);
        let (q, c) = self.depletion[1].at(vbc);
        let inner = p.xcjc * self.cjc;
        stamp.charge(1, currents.reverse * p.tr + bc.chain(q * inner, c * inner), columns, ty, m);
        let (q, c) = if vsub < 0.0 {
            let x = 1.0 - vsub / self.vjs;
            let s = x.powf(-p.mjs);
            (self.vjs * (1.0 - x * s) / (1.0 - p.mjs), s)
        } else {
            (vsub * (1.0 + p.mjs * vsub / (2.0 * self.vjs)), 1.0 + p.mjs * vsub / self.vjs)
        };
        let (q, c) = (m * self.cjs * q, m * self.cjs * c);
        let (junction, sign) = self.substrate;
        stamp.linear_charge(2, sign * q, &[(3, c), (junction, -c)]);
        let (q, c) = self.depletion[1].at(vbx);
        let outer = m * (1.0 - p.xcjc) * self.cjc;
        stamp.linear_charge(3, ty * outer * q, &[(1, outer * c), (cp, -outer * c)]);
    }

    pub(super) fn noise_sources(&self, sources: &mut Vec<NoiseSource>) {
        let p = &self.model.p;
        let [area, m, ..] = self.values;
        let (cp, bp, ep) = (self.cp, self.bp, self.ep);
        let currents = self.currents();
        let kt4 = 4.0 * BOLTZMANN * self.temperature_k * m;
        if cp != 0 {
            sources.push(NoiseSource::white(cp, 0, "rc", kt4 * area / p.rc));
        }
        if bp != 1 {
            sources.push(NoiseSource::white(bp, 1, "rb", kt4 * self.base_conductance(&currents)));
        }
        if ep != 2 {
            sources.push(NoiseSource::white(ep, 2, "re", kt4 * area / p.re));
        }
        let shot = |i: Dual| 2.0 * CHARGE * m * i.v().abs();
        sources.push(NoiseSource::white(cp, ep, "ic", shot(currents.collector)));
        sources.push(NoiseSource::white(bp, ep, "ib", shot(currents.base)));
        let flicker = if p.kf > 0.0 { m * p.kf * currents.base.v().abs().max(1e-38).powf(p.af) } else { 0.0 };
        sources.push(NoiseSource::flicker(bp, ep, "1overf", flicker, 1.0));
    }

    pub(super) fn op_info(&self) -> Vec<(&'static str, f64)> {
        let currents = self.currents();
        let m = self.values[1];
        let [vbe, vbc, ..] = self.state[0];
        let ty = self.model.polarity;
        vec![
            ("ic", ty * m * currents.collector.v()),
            ("ib", ty * m * currents.base.v()),
            ("vbe", ty * vbe),
            ("vbc", ty * vbc),
            ("gm", m * (currents.collector.d(0) + currents.collector.d(1))),
            ("go", m * currents.collector.d(1)),
            ("gpi", m * (currents.base.d(0) + currents.base.d(1))),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cards::DIODE_BIPOLAR;
    use crate::devices::Device;
    use crate::devices::test_support::{check_derivatives, model};

    #[test]
    fn derivatives_are_partials_where_the_base_resistance_is_fixed() {
        let mut device =
            Device::new("q1", &model(DIODE_BIPOLAR, "qp1"), &[], &Surroundings::default()).unwrap();
        for v in [[-3.0, -0.65, 0.0, 0.0], [-0.1, -0.7, 0.0, 0.0], [0.5, -0.2, 0.3, 0.0]] {
            check_derivatives(&mut device, &v, 1e-4, true);
        }
    }

    #[test]
    fn forward_gain_is_bf_without_early_effect() {
        let card = ModelCard::new("q", "npn", &[("is", 1e-16), ("bf", 80.0)]);
        let (model, _) = BjtModel::from_card(&card, 300.15).unwrap();
        let mut device = Bjt::new("q1", &Arc::new(model), &[], &Surroundings::default()).unwrap();
        let mut stamp = Stamp::default();
        device.evaluate(&[0.7, 0.7, 0.0, 0.0], Pass::Free, false, &mut stamp);
        assert!((stamp.i[0] / stamp.i[1] - 80.0).abs() < 1e-3);
    }
}
