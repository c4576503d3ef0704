//! From a bias to stamps: currents of the inner nodes, junctions, resistance networks, charges.

use super::Bsim4;
use super::channel::Channel;
use super::charge::{charges, overlap};
use crate::devices::{Pass, Stamp};

impl Bsim4 {
    pub(in crate::devices) fn evaluate(
        &mut self,
        v: &[f64],
        pass: Pass,
        want_charges: bool,
        stamp: &mut Stamp,
    ) -> bool {
        let n = self.nodes;
        stamp.clear(4 + self.names.len(), if want_charges { self.charge_list.len() } else { 0 });
        let limited = self.choose_voltages(v, pass, &mut stamp.v);
        let ty = self.model.polarity;
        let (m, nf) = (self.instance.m, self.instance.nf);
        let st = self.state;
        let reverse = st.vds < 0.0;
        let (ch, leak) = self.bias();
        self.von = ch.threshold.vth.v();
        let model = &*self.model;
        let (dm, sm) = if reverse { (n.sp, n.dp) } else { (n.dp, n.sp) };
        let columns = [n.gp, dm, n.bp, sm];

        // Currents leaving the four inner nodes.
        let (at_drain, at_source);
        let leaks = model.p.igcmod != 0.0 || model.p.igbmod != 0.0;
        let body_leaks = leak.impact + leak.gidl;
        let at_body = -(body_leaks + leak.gisl + leak.gate_body) * nf;
        if leaks {
            let at_gate = (leak.gate_source + leak.gate_drain + leak.gate_body) * nf;
            at_drain = ch.ids + (body_leaks - leak.gate_drain) * nf;
            at_source = -(at_drain + at_body + at_gate);
            stamp.row(n.gp, at_gate, columns, ty, m);
        } else {
            at_drain = ch.ids + body_leaks * nf;
            at_source = -(at_drain + at_body);
        }
        stamp.row(dm, at_drain, columns, ty, m);
        stamp.row(n.bp, at_body, columns, ty, m);
        stamp.row(sm, at_source, columns, ty, m);

        // Junctions.
        let (vs_junction, vd_junction) =
            if self.rbody { (st.vsbs, st.vdbs - st.vds) } else { (st.vbs, st.vbs - st.vds) };
        let (i, g) = self.source_junction.current(vs_junction);
        stamp.branch(n.sb, n.sp, ty * m * (i + self.gmin * vs_junction), m * (g + self.gmin));
        let (i, g) = self.drain_junction.current(vd_junction);
        stamp.branch(n.db, n.dp, ty * m * (i + self.gmin * vd_junction), m * (g + self.gmin));

        self.stamp_networks(&ch, columns, stamp);
        if want_charges {
            self.stamp_charges(&ch, columns, vs_junction, vd_junction, stamp);
        }
        limited
    }

    /// Series, gate and body resistances.
    fn stamp_networks(&self, ch: &Channel, columns: [usize; 4], stamp: &mut Stamp) {
        let n = &self.nodes;
        let m = self.instance.m;
        let st = &self.state;
        if self.model.p.rdsmod == 1.0 {
            let g = self.external_resistance(st.vgs, st.vbs, true);
            stamp.modulated(2, n.sp, g, [n.gp, n.dp, n.bp, n.sp], self.model.polarity, m);
            let g = self.external_resistance(st.vgs - st.vds, st.vbs - st.vds, false);
            stamp.modulated(0, n.dp, g, [n.gp, n.sp, n.bp, n.dp], self.model.polarity, m);
        } else {
            if n.sp != 2 {
                stamp.conductance(2, n.sp, m * self.series[0]);
            }
            if n.dp != 0 {
                stamp.conductance(0, n.dp, m * self.series[1]);
            }
        }
        match self.rgatemod {
            1 => stamp.conductance(1, n.gp, m * self.gate_conductance),
            2 => {
                let crg = self.channel_gate_conductance(ch);
                let g = crg * self.gate_conductance / (crg + self.gate_conductance);
                stamp.modulated(1, n.gp, g, columns, self.model.polarity, m);
            }
            3 => {
                stamp.conductance(1, n.gm, m * self.gate_conductance);
                let crg = self.channel_gate_conductance(ch);
                stamp.modulated(n.gm, n.gp, crg, columns, self.model.polarity, m);
            }
            _ => {}
        }
        if self.rbody {
            let [rbdb, rbpb, rbps, rbsb, rbpd] = self.body_conductances;
            stamp.conductance(3, n.db, m * rbdb);
            stamp.conductance(3, n.bp, m * rbpb);
            stamp.conductance(n.bp, n.sb, m * rbps);
            stamp.conductance(3, n.sb, m * rbsb);
            stamp.conductance(n.bp, n.db, m * rbpd);
        }
    }

    /// Charges: intrinsic, overlap, gate-body and junction.
    fn stamp_charges(
        &self,
        ch: &Channel,
        columns: [usize; 4],
        vs_junction: f64,
        vd_junction: f64,
        stamp: &mut Stamp,
    ) {
        const GATE: usize = 0;
        const BODY: usize = 1;
        const DRAIN: usize = 2;
        let model = &*self.model;
        let (n, st, m, nf) = (&self.nodes, &self.state, self.instance.m, self.instance.nf);
        let ty = model.polarity;
        let q = charges(model, &self.sized, ch);
        let drain = if columns[1] == n.dp { q.drain } else { -(q.gate + q.body + q.drain) };
        stamp.charge(GATE, q.gate, columns, ty, m);
        stamp.charge(BODY, q.body, columns, ty, m);
        stamp.charge(DRAIN, drain, columns, ty, m);

        // Overlaps and the gate-body capacitance sit at the middle gate node where there is one.
        let (gate, holder, vg) = if self.rgatemod == 3 {
            (n.gm, self.charge_list.len() - 1, st.vgms)
        } else {
            (n.gp, GATE, st.vgs)
        };
        let (mut qd, mut cd) = (0.0, 0.0);
        let mut qs = (0.0, 0.0);
        let mut qb = 0.0;
        let mut cb = 0.0;
        if model.p.xpart >= 0.0 {
            (qd, cd) = overlap(model, &self.sized, nf, true, vg - st.vds);
            qs = overlap(model, &self.sized, nf, false, vg);
            cb = self.sized.cgbo;
            qb = cb * (vg - st.vbs);
        }
        stamp.linear_charge(holder, ty * m * (qd + qs.0 + qb), &[]);
        stamp.linear_charge(DRAIN, -ty * m * qd, &[]);
        stamp.linear_charge(BODY, -ty * m * qb, &[]);
        let (cd, cs, cb) = (m * cd, m * qs.1, m * cb);
        stamp.linear_charge(holder, 0.0, &[(gate, cd + cs + cb), (n.dp, -cd), (n.sp, -cs), (n.bp, -cb)]);
        stamp.linear_charge(DRAIN, 0.0, &[(gate, -cd), (n.dp, cd)]);
        stamp.linear_charge(BODY, 0.0, &[(gate, -cb), (n.bp, cb)]);

        // Junctions: with a body network they are states of their own, otherwise part of body and drain.
        let (qs, cs) = self.source_junction.charge(vs_junction);
        let (qd, cd) = self.drain_junction.charge(vd_junction);
        let (cs, cd) = (m * cs, m * cd);
        let (qs, qd) = (ty * m * qs, ty * m * qd);
        let (at_source, at_drain) = if self.rbody { (3, 4) } else { (BODY, BODY) };
        stamp.linear_charge(at_source, qs, &[(n.sb, cs), (n.sp, -cs)]);
        stamp.linear_charge(at_drain, qd, &[(n.db, cd), (n.dp, -cd)]);
        stamp.linear_charge(DRAIN, -qd, &[(n.db, -cd), (n.dp, cd)]);
    }
}
