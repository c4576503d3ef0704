//! Noise generators: channel thermal and flicker noise, resistances, shot noise of the gate current (manual, chapter 9).

use super::channel::Channel;
use super::charge::noise_charge;
use super::leakage::Leakage;
use super::sizing::Sized;
use super::{Bsim4, Bsim4Model};
use crate::devices::constants::{BOLTZMANN, CHARGE};
use crate::devices::{NoiseSource, Partner};

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

/// Channel noise that the gate feels (`tnoimod` 2).
struct CorrelatedNoise {
    /// The conductance whose thermal noise the channel has, S.
    conductance: f64,
    /// The part of the amplitude that channel and gate share.
    correlation: f64,
    /// Ratio of the induced gate current to the channel's, per angular frequency, s.
    time_s: f64,
}

/// Noise of the channel and what it induces in the gate, as ngspice evaluates it; `z2` is the squared ratio of overdrive and saturation
/// field times length.
fn correlated_channel(model: &Bsim4Model, s: &Sized, ch: &Channel, fingers: f64, z2: f64) -> CorrelatedNoise {
    let p = &model.p;
    let (vgt, vde, v2) = (ch.vgt.v(), ch.vde.v(), ch.saturation.v2.v());
    let (abulk, esat_l, leff) = (ch.abulk.v(), ch.saturation.esat_l.v(), s.size.leff);
    let eta = 1.0 - vde * abulk / v2;
    let (low, high) = (1.0 - eta, 1.0 + eta);
    let full = high + 2.0 * abulk * s.vt / vgt;
    // Length over the length that velocity saturation makes of it.
    let length = 1.0 / (1.0 + vde / esat_l);
    let gamma = length * (0.5 * high + low * low / (6.0 * full));
    let (low2, full2) = (low * low, full * full);
    let delta = (high / full2 - (5.0 * high + full) * low2 / (15.0 * full2 * full2)
        + low2 * low2 / (9.0 * full2 * full2 * full))
        / (6.0 * length.powi(3));
    let ratio = low / full;
    let epsilon = (ratio - ratio.powi(3) / 3.0) / (6.0 * length);
    let fitted = |r: f64, t: f64| r * (1.0 + z2 * t * leff);
    let correlation = epsilon / (gamma * delta).sqrt() * (2.5316 * fitted(p.rnoic, p.tnoic));
    let gamma = gamma * 3.0 * fitted(p.rnoia, p.tnoia).powi(2);
    let delta = delta * 3.75 * fitted(p.rnoib, p.tnoib).powi(2);
    let gche = ch.beta.v() * vgt * (1.0 - 0.5 * vde * abulk / v2) / (1.0 + vde / esat_l);
    let at_zero_drain = fingers * ch.beta.v() * vgt / (1.0 + gche * ch.rds.v());
    let gate = ch.coxeff.v() * s.size.weff_cv * fingers * s.size.leff_cv;
    CorrelatedNoise {
        conductance: gamma * at_zero_drain,
        correlation,
        time_s: gate / at_zero_drain * (delta / gamma).sqrt(),
    }
}

impl Bsim4 {
    /// Whether this version writes the noise that channel and gate share.
    pub(crate) fn has_correlated_noise(&self) -> bool {
        self.model.shared_noise
    }

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
        let holistic = p.tnoimod == 1.0;
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

        let correlated = (p.tnoimod == 2.0).then(|| correlated_channel(model, s, &ch, nf, z * z));
        let thermal = if let Some(noise) = &correlated {
            kt4 * noise.conductance * (1.0 - noise.correlation * noise.correlation)
        } else if holistic {
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
        if !model.v45 {
            let (drain, source) = if reverse { (n.sp, n.dp) } else { (n.dp, n.sp) };
            let mut together = NoiseSource::white(drain, source, "corl", 0.0);
            if let Some(noise) = correlated {
                let white = kt4 * noise.conductance;
                together.white = white * noise.correlation * noise.correlation;
                together.partner = Some(Partner { a: n.gp, b: source, white, time_s: noise.time_s });
            }
            sources.push(together);
        }
    }
}
