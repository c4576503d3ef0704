//! What is read off a bias: noise generators and operating-point quantities.

use super::Mos1;
use super::meyer::meyer;
use crate::devices::NoiseSource;
use crate::devices::constants::{BOLTZMANN, EPSILON_OXIDE};

impl Mos1 {
    pub(in crate::devices) fn noise_sources(&self, sources: &mut Vec<NoiseSource>) {
        let p = &self.model.p;
        let [w, _, m, ..] = self.values;
        let (channel, reverse) = self.bias();
        let kt4 = 4.0 * BOLTZMANN * self.temperature_k;
        let (dp, sp) = (self.dp, self.sp);
        if dp != 0 {
            sources.push(NoiseSource::white(dp, 0, "rd", kt4 * self.series[0]));
        }
        if sp != 2 {
            sources.push(NoiseSource::white(sp, 2, "rs", kt4 * self.series[1]));
        }
        sources.push(NoiseSource::white(dp, sp, "id", kt4 * 2.0 / 3.0 * channel.gm.abs()));
        let (body_drain, _) = self.junction_current(&self.drain, self.state.vbs - self.state.vds);
        let id = if reverse { -channel.id } else { channel.id } - body_drain;
        let cox = if self.model.cox == 0.0 { EPSILON_OXIDE / 1e-7 } else { self.model.cox };
        let flicker = if p.kf > 0.0 {
            p.kf * id.abs().max(1e-38).powf(p.af) / (w * m * self.leff * cox * cox)
        } else {
            0.0
        };
        sources.push(NoiseSource::flicker(dp, sp, "1overf", flicker, 1.0));
    }

    pub(in crate::devices) fn op_info(&self) -> Vec<(&'static str, f64)> {
        let (channel, reverse) = self.bias();
        let s = &self.state;
        let (body_drain, _) = self.junction_current(&self.drain, s.vbs - s.vds);
        let id = if reverse { -channel.id } else { channel.id } - body_drain;
        let mut half = meyer(channel.vgst, s.vds.abs(), channel.vdsat, self.phi, self.cox);
        if reverse {
            half.swap(0, 1);
        }
        let total = |k: usize| 2.0 * half[k] + self.overlap[k];
        let ty = self.model.polarity;
        vec![
            ("id", id),
            ("vgs", s.vgs),
            ("vds", s.vds),
            ("vbs", s.vbs),
            ("von", ty * channel.von),
            ("vdsat", ty * channel.vdsat),
            ("gm", channel.gm),
            ("gds", channel.gds),
            ("gmbs", channel.gmbs),
            ("cgs", total(0)),
            ("cgd", total(1)),
            ("cgb", total(2)),
            ("cbd", self.junction_charge(&self.drain, s.vbs - s.vds).1),
            ("cbs", self.junction_charge(&self.source, s.vbs).1),
        ]
    }
}
