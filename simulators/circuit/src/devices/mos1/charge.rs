//! Charges: Meyer's gate capacitances, which a transient integrates piece by piece, and the body junctions.

use super::meyer::meyer;
use super::{Channel, Junction, Mos1, State};
use crate::devices::{Pass, Stamp};

impl Mos1 {
    pub(super) fn junction_charge(&self, junction: &Junction, v: f64) -> (f64, f64) {
        let mut total = (0.0, 0.0);
        for (depletion, c) in self.depletion.iter().zip([junction.area, junction.sidewall]) {
            if c != 0.0 {
                let (q, slope) = depletion.at(v);
                total = (total.0 + c * q, total.1 + c * slope);
            }
        }
        total
    }

    /// Gate voltages against source, drain, body.
    pub(super) fn gate_voltages(state: &State) -> [f64; 3] {
        [state.vgs, state.vgs - state.vds, state.vgs - state.vbs]
    }

    pub(super) fn stamp_charges(&mut self, channel: &Channel, reverse: bool, pass: Pass, stamp: &mut Stamp) {
        let n = stamp.n;
        let ty = self.model.polarity;
        let s = self.state;
        let mut half = meyer(channel.vgst, s.vds.abs(), channel.vdsat, self.phi, self.cox);
        if reverse {
            half.swap(0, 1);
        }
        self.state.half = half;
        let (dp, sp) = (self.dp, self.sp);
        let v = Self::gate_voltages(&s);
        let in_time = self.transient && pass != Pass::AtState;
        let [last, before] = &self.history;
        let v_last = Self::gate_voltages(last);
        for (k, node) in [sp, dp, 3].into_iter().enumerate() {
            let (c, q) = if in_time {
                let c = half[k] + last.half[k] + self.overlap[k];
                match pass {
                    Pass::FirstTransient => (0.0, last.charge[k]),
                    Pass::Predict { factor } => {
                        (c, (1.0 + factor) * last.charge[k] - factor * before.charge[k])
                    }
                    _ => (c, last.charge[k] + c * (v[k] - v_last[k])),
                }
            } else {
                let c = 2.0 * half[k] + self.overlap[k];
                (c, c * v[k])
            };
            self.state.charge[k] = q;
            stamp.q[k] = ty * q;
            stamp.c[k * n + 1] += c;
            stamp.c[k * n + node] -= c;
        }
        for (k, node, junction, v) in [(3, dp, &self.drain, s.vbs - s.vds), (4, sp, &self.source, s.vbs)] {
            let (q, c) = self.junction_charge(junction, v);
            stamp.q[k] = ty * q;
            stamp.c[k * n + 3] += c;
            stamp.c[k * n + node] -= c;
        }
    }
}
