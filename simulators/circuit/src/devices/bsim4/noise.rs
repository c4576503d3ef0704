//! Noise generators: channel thermal and flicker noise, resistances, shot noise of the gate current (manual, chapter 9).

use super::channel::Channel;
use super::charge::noise_charge;
use super::leakage::Leakage;
use super::sizing::Sized;
use super::{Bsim4, Bsim4Model};
use crate::devices::NoiseSource;
use crate::devices::constants::{BOLTZMANN, CHARGE};

/// Flicker noise of the unified model (`fnoimod` 1) at 1 Hz, A^2/Hz.
fn unified_flicker(model: &Bsim4Model, s: &Sized, ch: &Channel, fingers: f64, t: f64) -> f64 {
    let p = &model.p;
    let id = ch.ids.v().abs();
    let (vgt, vde, v2) = (ch.vgt.v(), ch.vde.v(), ch.saturation.v2.v());
    let leff = s.size.leff;
    let l = leff - 2.0 * p.lintnoi;
    let n0 = model.coxe * vgt / CHARGE;
    let nl = model.coxe * vgt * (1.0 - vde * ch.abulk.v() / v2) / CHARGE;
    let nstar = ch.threshold.nstar;
    let esat = 2.0 * s.b.vsat / ch.mobility.v();
    let shortening = if p.em <= 0.0 {
        0.0
    } else {
        let x = ((ch.vds.v().abs() - vde) / s.litl + p.em) / esat;
        (s.litl * x.max(1e-38).ln()).max(0.0)
    };
    let kt = BOLTZMANN * t;
    let weff = s.size.weff * fingers;
    let traps =
        p.noia * ((n0 + nstar) / (nl + nstar)).ln() + p.noib * (n0 - nl) + 0.5 * p.noic * (n0 * n0 - nl * nl);
    let inner = CHARGE * CHARGE * kt * ch.mobility.v() * id
        / (1e10 * ch.abulk_before_keta * model.coxe * l * l)
        * traps;
    let pinched =
        kt * id * id / (1e10 * l * l * weff) * shortening * (p.noia + p.noib * nl + p.noic * nl * nl)
            / ((nl + nstar) * (nl + nstar));
    let strong = inner + pinched;
    let weak = p.noia * kt * id * id / (weff * leff * 1e10 * nstar * nstar);
    if strong + weak > 0.0 { strong * weak / (strong + weak) } else { 0.0 }
}

impl Bsim4 {
    /// Appends the generators at the last bias.
    pub(in crate::devices) fn noise_sources(&self, sources: &mut Vec<NoiseSource>) {
        let model = &*self.model;
        let (s, p, n) = (&self.sized, &model.p, &self.nodes);
        let (m, nf) = (self.instance.m, self.instance.nf);
        let reverse = self.state.vds < 0.0;
        let (ch, leak) = self.bias();
        let kt4 = 4.0 * BOLTZMANN * self.temperature_k * m;
        let current_over_vds = ch.i2.v().max(1e-9) * nf;
        let ids = ch.ids;
        let (gm, gds, gmbs) = (ids.d(0), ids.d(1), ids.d(2));

        // Series resistances; the holistic model moves part of the source's noise into the channel.
        let (mut gs, mut gd) = self.series_conductances();
        let holistic = p.tnoimod >= 1.0;
        let z = ch.vgt.v() / ch.saturation.esat_l.v();
        let beta = p.rnoia * (1.0 + z * z * p.tnoia * s.size.leff);
        let mut theta = p.rnoib * (1.0 + z * z * p.tnoib * s.size.leff);
        if holistic {
            if !model.v45 {
                theta = theta.min(0.9).min(0.9 * beta);
            }
            let g = if reverse { &mut gd } else { &mut gs };
            let correction = 1.0 + theta * theta * *g / current_over_vds;
            *g = if model.v45 { *g / correction } else { *g * correction };
        }
        if n.dp != 0 {
            sources.push(NoiseSource::white(n.dp, 0, "rd", kt4 * gd));
        }
        if n.sp != 2 {
            sources.push(NoiseSource::white(n.sp, 2, "rs", kt4 * gs));
        }
        match self.rgatemod {
            1 => sources.push(NoiseSource::white(n.gp, 1, "rg", kt4 * self.gate_conductance)),
            2 => {
                let crg = self.channel_gate_conductance(&ch).v();
                let share = 1.0 + self.gate_conductance / crg;
                let g =
                    if model.v45 { self.gate_conductance } else { self.gate_conductance / (share * share) };
                sources.push(NoiseSource::white(n.gp, 1, "rg", kt4 * g));
            }
            3 => sources.push(NoiseSource::white(n.gm, 1, "rg", kt4 * self.gate_conductance)),
            _ => {}
        }
        if self.rbody {
            let [rbdb, rbpb, rbps, rbsb, rbpd] = self.body_conductances;
            for (a, b, label, g) in [
                (n.bp, n.sb, "rbps", rbps),
                (n.bp, n.db, "rbpd", rbpd),
                (n.bp, 3, "rbpb", rbpb),
                (3, n.sb, "rbsb", rbsb),
                (3, n.db, "rbdb", rbdb),
            ] {
                // Of the network over size only the resistances that the card describes are noisy.
                let there = self.instance.rbodymod == 1.0 || (g != p.gbmin && g != 1e3);
                sources.push(NoiseSource::white(a, b, label, if there { kt4 * g } else { 0.0 }));
            }
        }

        let thermal = if holistic {
            let (a, b) = (beta * (gm + gmbs) + gds, theta * (gm + gmbs + gds));
            kt4 * (a * a - b * b) / current_over_vds
        } else {
            let charge = ch.mobility.v() * noise_charge(model, s, &ch, nf).abs();
            let rds = if p.rdsmod == 1.0 { 0.0 } else { ch.rds.v() / if model.v45 { 1.0 } else { nf } };
            kt4 * p.ntnoi * charge / (charge * rds + s.size.leff * s.size.leff)
        };
        sources.push(NoiseSource::white(n.dp, n.sp, "id", thermal));
        let flicker = if p.fnoimod == 0.0 {
            let id = ids.v().abs().max(1e-38);
            p.kf * id.powf(p.af) / (s.size.leff * s.size.leff * model.coxe)
        } else {
            unified_flicker(model, s, &ch, nf, self.temperature_k)
        };
        sources.push(NoiseSource::flicker(n.dp, n.sp, "1overf", m * flicker, p.ef));

        let Leakage { gate_source, gate_drain, gate_body, .. } = leak;
        let shot = |i: f64| 2.0 * CHARGE * i.abs() * nf * m;
        let (at_source, at_drain) =
            if reverse { (gate_drain, gate_source) } else { (gate_source, gate_drain) };
        sources.push(NoiseSource::white(n.gp, n.sp, "igs", shot(at_source.v())));
        sources.push(NoiseSource::white(n.gp, n.dp, "igd", shot(at_drain.v())));
        sources.push(NoiseSource::white(n.gp, n.bp, "igb", shot(gate_body.v())));
    }
}
