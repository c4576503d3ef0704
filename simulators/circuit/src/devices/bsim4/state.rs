//! The bias that a BSIM4 instance was last evaluated at, and how a Newton step may change it.

use super::Bsim4;
use crate::devices::{MAX_NODES, Pass, limiting};

/// Thermal voltage at 300.15 K and critical voltage of a 1e-14 A junction: the body junctions are limited with these.
const LIMIT_VT: f64 = crate::devices::constants::BOLTZMANN * 300.15 / crate::devices::constants::CHARGE;

/// Type-normalised voltages against the inner source node.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct State {
    pub(super) vgs: f64,
    pub(super) vds: f64,
    pub(super) vbs: f64,
    /// Drain-side and source-side body nodes.
    pub(super) vdbs: f64,
    pub(super) vsbs: f64,
    /// Outer and middle gate.
    pub(super) vges: f64,
    pub(super) vgms: f64,
    /// Outer drain and source.
    pub(super) vdes: f64,
    pub(super) vses: f64,
}

impl State {
    /// `(1 + factor) self - factor before`, voltage by voltage.
    fn extrapolated(&self, before: &Self, factor: f64) -> Self {
        let at = |now: f64, then: f64| (1.0 + factor) * now - factor * then;
        Self {
            vgs: at(self.vgs, before.vgs),
            vds: at(self.vds, before.vds),
            vbs: at(self.vbs, before.vbs),
            vdbs: at(self.vdbs, before.vdbs),
            vsbs: at(self.vsbs, before.vsbs),
            vges: at(self.vges, before.vges),
            vgms: at(self.vgms, before.vgms),
            vdes: at(self.vdes, before.vdes),
            vses: at(self.vses, before.vses),
        }
    }
}

impl Bsim4 {
    /// The bias of local node voltages.
    pub(super) fn read(&self, v: &[f64]) -> State {
        let (n, ty) = (&self.nodes, self.model.polarity);
        let at = |node: usize| ty * (v[node] - v[n.sp]);
        State {
            vgs: at(n.gp),
            vds: at(n.dp),
            vbs: at(n.bp),
            vdbs: at(n.db),
            vsbs: at(n.sb),
            vges: at(1),
            vgms: at(n.gm),
            vdes: at(0),
            vses: at(2),
        }
    }

    /// Decides the voltages of this evaluation, stores them as the state and as local node voltages.
    pub(super) fn choose_voltages(&mut self, v: &[f64], pass: Pass, out: &mut [f64; MAX_NODES]) -> bool {
        let count = 4 + self.names.len();
        let n = self.nodes;
        let ty = self.model.polarity;
        let mut reference = 0.0;
        out[..count].fill(0.0);
        if pass != Pass::Junction {
            out[..count].copy_from_slice(&v[..count]);
            reference = v[n.sp];
        }
        let (state, limited) = match pass {
            Pass::Junction => {
                let vgs = ty * self.sized.b.vth0 + 0.1;
                let state = State {
                    vgs,
                    vds: 0.1,
                    vges: vgs,
                    vgms: vgs,
                    vdes: 0.11,
                    vses: -0.01,
                    ..State::default()
                };
                (state, false)
            }
            Pass::Newton => self.limit(self.read(v), self.state),
            Pass::Predict { factor } => {
                self.limit(self.history[0].extrapolated(&self.history[1], factor), self.history[0])
            }
            Pass::FirstTransient => (self.history[0], false),
            Pass::AtState => (self.state, false),
            Pass::Free => (self.read(v), false),
        };
        self.state = state;
        out[n.sp] = reference;
        out[n.dp] = reference + ty * state.vds;
        out[n.gp] = reference + ty * state.vgs;
        out[n.bp] = reference + ty * state.vbs;
        if self.rbody {
            out[n.db] = reference + ty * state.vdbs;
            out[n.sb] = reference + ty * state.vsbs;
        }
        if self.rgatemod > 0 {
            out[1] = reference + ty * state.vges;
        }
        if self.rgatemod == 3 {
            out[n.gm] = reference + ty * state.vgms;
        }
        if self.model.p.rdsmod == 1.0 {
            out[0] = reference + ty * state.vdes;
            out[2] = reference + ty * state.vses;
        }
        limited
    }

    /// Limits a new set of voltages against an old one; true if a junction was limited.
    fn limit(&self, mut new: State, old: State) -> (State, bool) {
        let von = self.von;
        let rds = self.model.p.rdsmod == 1.0;
        let v_critical = limiting::critical_voltage(LIMIT_VT, 1e-14);
        let (vds_free, vgd) = (new.vds, new.vgs - new.vds);
        if old.vds >= 0.0 {
            new.vgs = limiting::gate(new.vgs, old.vgs, von);
            new.vds = limiting::drain(new.vgs - vgd, old.vds);
            if self.rgatemod > 0 {
                new.vges = limiting::gate(new.vges, old.vges, von);
            }
            if self.rgatemod == 3 {
                new.vgms = limiting::gate(new.vgms, old.vgms, von);
            }
            if rds {
                new.vdes = limiting::drain(new.vdes, old.vdes);
                new.vses = -limiting::drain(-new.vses, -old.vses);
            }
        } else {
            let vgd = limiting::gate(vgd, old.vgs - old.vds, von);
            new.vds = -limiting::drain(-(new.vgs - vgd), -old.vds);
            new.vgs = vgd + new.vds;
            if self.rgatemod > 0 {
                new.vges = limiting::gate(new.vges - vds_free, old.vges - old.vds, von) + new.vds;
            }
            if self.rgatemod == 3 {
                new.vgms = limiting::gate(new.vgms - vds_free, old.vgms - old.vds, von) + new.vds;
            }
            if rds {
                new.vdes = -limiting::drain(-new.vdes, -old.vdes);
                new.vses = limiting::drain(new.vses, old.vses);
            }
        }

        let junction = |v: f64, old: f64| limiting::pn_junction(v, old, LIMIT_VT, v_critical);
        let limited;
        if new.vds >= 0.0 {
            let (vbs, at_body) = junction(new.vbs, old.vbs);
            new.vbs = vbs;
            if self.rbody {
                let (vdbs, at_drain) = junction(new.vdbs, old.vdbs);
                let (vsbs, at_source) = junction(new.vsbs, old.vsbs);
                (new.vdbs, new.vsbs) = (vdbs, vsbs);
                limited = at_drain || at_source;
            } else {
                limited = at_body;
            }
        } else {
            let (vbd, at_body) = junction(new.vbs - vds_free, old.vbs - old.vds);
            new.vbs = vbd + new.vds;
            if self.rbody {
                let (vdbd, at_drain) = junction(new.vdbs - vds_free, old.vdbs - old.vds);
                let (vsbd, at_source) = junction(new.vsbs - new.vds, old.vsbs - old.vds);
                (new.vdbs, new.vsbs) = (vdbd + new.vds, vsbd + new.vds);
                limited = at_drain || at_source;
            } else {
                limited = at_body;
            }
        }
        (new, limited)
    }
}
