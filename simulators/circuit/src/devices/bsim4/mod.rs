//! BSIM4, versions 4.5 and 4.8, written from the equations of the UC Berkeley manual with automatic derivatives.
//!
//! One file per physical effect: [`threshold`], [`mobility`], [`saturation`], [`output`], `leakage`, [`charge`],
//! [`junction`], [`geometry`], [`sizing`] (temperature, binning, stress), [`noise`]. This file puts the instance
//! together: nodes and sizes; `stamps` turns a bias into them. Where the manual and ngspice 39 differ, ngspice decides.

mod card;
mod channel;
mod charge;
mod geometry;
mod instance;
mod junction;
mod leakage;
mod mobility;
mod model;
mod noise;
mod numeric;
mod output;
mod report;
mod saturation;
mod sizing;
mod stamps;
mod state;
mod threshold;

use std::sync::Arc;

use self::channel::{Channel, channel};
use self::geometry::{Size, body_network, diffusions, series};
use self::instance::Instance;
use self::junction::Junction;
use self::leakage::{Leakage, leakage};
pub use self::model::Bsim4Model;
use self::sizing::Sized;
use self::state::State;
use super::dual::Dual;
use super::parameters::did_you_mean;
use super::{Charge, DeviceError, Surroundings};

/// Local node indices of the internal nodes; equal to the terminal where a node does not exist.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Nodes {
    dp: usize,
    gp: usize,
    sp: usize,
    gm: usize,
    bp: usize,
    db: usize,
    sb: usize,
}

/// A BSIM4 transistor: terminals drain, gate, source, body.
#[derive(Debug, Clone)]
pub struct Bsim4 {
    pub(in crate::devices) name: String,
    pub(in crate::devices) model: Arc<Bsim4Model>,
    given: Instance,
    instance: Instance,
    nodes: Nodes,
    names: Vec<&'static str>,
    charge_list: Vec<Charge>,
    rgatemod: i32,
    rbody: bool,
    noise_requested: bool,
    temperature_k: f64,
    gmin: f64,
    sized: Sized,
    source_junction: Junction,
    drain_junction: Junction,
    series: [f64; 2],
    gate_conductance: f64,
    /// Conductances rbdb, rbpb, rbps, rbsb, rbpd, siemens.
    body_conductances: [f64; 5],
    state: State,
    history: [State; 2],
    von: f64,
}

impl Bsim4 {
    pub(super) fn new(
        name: &str,
        model: &Arc<Bsim4Model>,
        parameters: &[(String, f64)],
        surroundings: &Surroundings,
    ) -> Result<Self, DeviceError> {
        let mut given = Instance::default();
        for (parameter, value) in parameters {
            let Some(index) = Instance::index(parameter) else {
                let hint = did_you_mean(parameter, Instance::NAMES);
                let device = name.to_owned();
                return Err(DeviceError::UnknownParameter { device, parameter: parameter.clone(), hint });
            };
            if !value.is_finite() {
                let (owner, parameter) = (name.to_owned(), parameter.clone());
                return Err(DeviceError::NotFinite { owner, parameter, value: *value });
            }
            if let Some(field) = given.field(index) {
                *field = *value;
            }
        }
        let instance = given.resolved(model);
        instance.check_switches(name)?;
        let size = Size::new(name, model, &instance)?;
        let temperature_k = surroundings.temperature_k;
        let mut device = Self {
            name: name.to_owned(),
            model: Arc::clone(model),
            given,
            instance,
            nodes: Nodes::default(),
            names: Vec::new(),
            charge_list: Vec::new(),
            rgatemod: Bsim4Model::switch(instance.rgatemod),
            rbody: instance.rbodymod != 0.0,
            noise_requested: surroundings.noise,
            temperature_k,
            gmin: surroundings.gmin,
            sized: Sized::new(model, &instance, size, temperature_k),
            source_junction: Junction::default(),
            drain_junction: Junction::default(),
            series: [1e3; 2],
            gate_conductance: 0.0,
            body_conductances: [0.0; 5],
            state: State::default(),
            history: [State::default(); 2],
            von: 0.0,
        };
        device.make_nodes();
        device.update(surroundings)?;
        Ok(device)
    }

    /// Whether the source and the drain have their own internal node.
    fn series_nodes(&self) -> [bool; 2] {
        let p = &self.model.p;
        let both = p.rdsmod != 0.0 || (p.tnoimod == 1.0 && self.noise_requested);
        let [(_, source), (_, drain)] = series(&self.model, &self.instance, &self.sized.size);
        [both || source, both || drain]
    }

    fn make_nodes(&mut self) {
        let [source, drain] = self.series_nodes();
        let mut names = Vec::new();
        let mut add = |wanted: bool, name: &'static str, terminal: usize| {
            if wanted {
                names.push(name);
                3 + names.len()
            } else {
                terminal
            }
        };
        let dp = add(drain, "drain", 0);
        let sp = add(source, "source", 2);
        let gp = add(self.rgatemod > 0, "gate", 1);
        let gm = add(self.rgatemod == 3, "midgate", gp);
        let db = add(self.rbody, "dbody", 3);
        let bp = add(self.rbody, "body", 3);
        let sb = add(self.rbody, "sbody", 3);
        self.nodes = Nodes { dp, gp, sp, gm, bp, db, sb };
        self.names = names;
        self.charge_list = [gp, bp, dp].map(|a| Charge { a, b: sp, truncation: true }).to_vec();
        if self.rbody {
            self.charge_list.extend([sb, db].map(|a| Charge { a, b: sp, truncation: true }));
        }
        if self.rgatemod == 3 {
            self.charge_list.push(Charge { a: gm, b: sp, truncation: true });
        }
    }

    pub(super) fn internal_nodes(&self) -> &[&'static str] {
        &self.names
    }

    pub(super) fn charges(&self) -> &[Charge] {
        &self.charge_list
    }

    pub(super) fn conductance_pattern(&self) -> Vec<(usize, usize)> {
        let n = &self.nodes;
        let p = &self.model.p;
        let core = [n.dp, n.gp, n.sp, n.bp];
        let gate_leaks = p.igcmod != 0.0 || p.igbmod != 0.0;
        let mut pairs = Vec::new();
        for row in core {
            if row != n.gp || gate_leaks {
                pairs.extend(core.map(|column| (row, column)));
            }
        }
        let mut branch = |a: usize, b: usize| pairs.extend([(a, a), (a, b), (b, a), (b, b)]);
        for (a, b) in [(n.db, n.dp), (n.sb, n.sp)] {
            branch(a, b);
        }
        for (a, b) in [
            (0, n.dp),
            (2, n.sp),
            (1, n.gm),
            (n.gm, n.gp),
            (3, n.db),
            (3, n.bp),
            (n.bp, n.sb),
            (3, n.sb),
            (n.bp, n.db),
        ] {
            if a != b {
                branch(a, b);
            }
        }
        if self.rgatemod == 2 || self.rgatemod == 3 {
            for row in [1, n.gm, n.gp] {
                pairs.extend(core.map(|column| (row, column)));
            }
        }
        if p.rdsmod == 1.0 {
            for row in [0, 2] {
                pairs.extend(core.map(|column| (row, column)));
            }
        }
        pairs.sort_unstable();
        pairs.dedup();
        pairs
    }

    pub(super) fn parameter_index(&self, name: &str) -> Option<usize> {
        Instance::index(name)
    }

    pub(super) fn set_parameter(&mut self, index: usize, value: f64) {
        if let Some(field) = self.given.field(index) {
            *field = value;
        }
    }

    pub(super) fn set_gmin(&mut self, gmin: f64) {
        self.gmin = gmin;
    }

    pub(super) fn update(&mut self, surroundings: &Surroundings) -> Result<(), DeviceError> {
        let model = Arc::clone(&self.model);
        let p = &model.p;
        self.temperature_k = surroundings.temperature_k;
        self.gmin = surroundings.gmin;
        self.instance = self.given.resolved(&model);
        let instance = &self.instance;
        let size = Size::new(&self.name, &model, instance)?;
        self.sized = Sized::new(&model, instance, size, self.temperature_k);
        let sides = series(&model, instance, &size);
        self.series = sides.map(|(conductance, _)| conductance);
        let [source, drain] = self.series_nodes();
        if source != (self.nodes.sp != 2) || drain != (self.nodes.dp != 0) {
            return Err(DeviceError::TopologyChanged { device: self.name.clone() });
        }
        let gate_width = size.weff_cj * instance.nf;
        let [source, drain] = diffusions(&model, instance, &size);
        self.source_junction = Junction::new(&model, &model.source, source, gate_width, self.temperature_k);
        self.drain_junction = Junction::new(&model, &model.drain, drain, gate_width, self.temperature_k);
        if self.rgatemod > 0 {
            let resistance = p.rshg * (instance.xgw + size.weff_cj / 3.0 / instance.ngcon)
                / (instance.ngcon * instance.nf * (size.drawn_l - p.xgl));
            self.gate_conductance = if resistance > 0.0 { 1.0 / resistance } else { 1e3 };
        }
        if self.rbody {
            self.body_conductances = body_network(&model, instance);
        }
        Ok(())
    }

    /// The size that the reference's parameter check identifies an instance by.
    pub(super) fn check_key(&self) -> [f64; 3] {
        [self.instance.l, self.instance.w, self.instance.nf]
    }

    /// Applies or takes back the clamps of the reference's parameter check.
    pub(super) fn set_checked(&mut self, checked: bool) {
        self.sized.set_checked(checked, self.model.p.paramchk != 0.0);
    }

    pub(super) fn accept(&mut self) {
        self.history = [self.state, self.history[0]];
    }

    /// Sets state and history from local node voltages.
    pub(super) fn place(&mut self, newest: &[f64], before: &[f64]) {
        self.state = self.read(newest);
        self.history = [self.state, self.read(before)];
    }

    pub(super) fn reset(&mut self) {
        self.state = State::default();
        self.history = [State::default(); 2];
        self.von = 0.0;
    }

    /// Channel and leakage at the last bias, in the mode frame.
    fn bias(&self) -> (Channel, Leakage) {
        let s = &self.state;
        let reverse = s.vds < 0.0;
        let (vgs, vds, vbs) =
            if reverse { (s.vgs - s.vds, -s.vds, s.vbs - s.vds) } else { (s.vgs, s.vds, s.vbs) };
        let (vgs, vds, vbs) = (Dual::variable(vgs, 0), Dual::variable(vds, 1), Dual::variable(vbs, 2));
        let channel = channel(&self.model, &self.sized, self.instance.nf, vgs, vds, vbs);
        let leakage = leakage(&self.model, &self.sized, &channel, vgs, reverse);
        (channel, leakage)
    }

    /// Conductance from the gate into the channel (`rgatemod` 2, 3), S.
    fn channel_gate_conductance(&self, ch: &Channel) -> Dual {
        let b = &self.sized.b;
        (ch.beta * (b.xrcrg2 * self.sized.vt) + ch.i2) * (b.xrcrg1 * self.instance.nf)
    }

    /// Bias-dependent series resistance (`rdsmod` 1) as a conductance over (gate, -, body) voltage of its own end.
    fn external_resistance(&self, vg: f64, vb: f64, source: bool) -> Dual {
        let s = &self.sized;
        let (fixed, minimum, scale) =
            if source { (self.series[0], s.rswmin, s.rs0) } else { (self.series[1], s.rdwmin, s.rd0) };
        let o = Dual::variable(vg, 0) - s.vfbsd;
        let q = (o + (o * o + 1e-4).sqrt()) * 0.5;
        let t = 1.0 / (q * s.b.prwg + 1.0) - Dual::variable(vb, 2) * s.b.prwb;
        let r = (t + (t * t + 0.01).sqrt()) * (0.5 * scale) + minimum;
        fixed / (r * fixed + 1.0)
    }

    /// Conductances of the source and drain series resistances at the last bias, S.
    fn series_conductances(&self) -> (f64, f64) {
        if self.model.p.rdsmod != 1.0 {
            return (self.series[0], self.series[1]);
        }
        let s = &self.state;
        (
            self.external_resistance(s.vgs, s.vbs, true).v(),
            self.external_resistance(s.vgs - s.vds, s.vbs - s.vds, false).v(),
        )
    }
}

#[cfg(test)]
mod tests;
