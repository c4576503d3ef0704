//! Noise by the adjoint method: one transposed solve per frequency gives the transfer from every generator to the output.

use super::ac::{SmallSignal, groups};
use super::engine::Engine;
use super::result::Table;
use super::system::NoiseOwner;
use crate::devices::{Device, NoiseSource, Partner, constants::BOLTZMANN};
use crate::error::{CircuitError, Result};
use crate::netlist::Output;

/// Smallest density whose logarithm is taken.
const SMALLEST_DENSITY: f64 = 1e-38;
/// Smallest squared gain by which noise is referred to the input.
const SMALLEST_GAIN2: f64 = 1e-20;

/// One generator: nodes as unknowns, density `white + flicker / f^exponent` in A^2/Hz.
#[derive(Debug, Clone, Copy)]
pub struct Generator {
    a: usize,
    b: usize,
    white: f64,
    flicker: f64,
    exponent: f64,
    partner: Option<Partner>,
}

/// Result columns of one noisy element.
struct OwnerColumns {
    /// Its name with a separator in front.
    own: String,
    /// Names of its columns, those without a generator included.
    columns: Vec<String>,
    /// For each of its generators: the column it belongs to.
    owned: Vec<Option<usize>>,
}

/// ngspice's generator columns by device class (bipolar, BSIM4, diode, MOS level 1), present even when there is no such generator.
const LABELS: [&[&str]; 4] = [
    &["rc", "rb", "re", "ic", "ib", "1overf"],
    &["rd", "rs", "rg", "rbps", "rbpd", "rbpb", "rbsb", "rbdb", "id", "1overf", "igs", "igd", "igb"],
    &["rs", "id", "1overf"],
    &["rd", "rs", "id", "1overf"],
];
/// Those of BSIM4.8.
const LABELS_V48: &[&str] =
    &["rd", "rs", "rg", "rbps", "rbpd", "rbpb", "rbsb", "rbdb", "id", "1overf", "igs", "igd", "igb", "corl"];

/// Totals of a noise analysis.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct NoiseTotals {
    /// Integrated output noise, V rms.
    pub output: f64,
    /// Integrated input-referred noise, V (or A) rms.
    pub input: f64,
}

/// Work space and results of noise analyses, reusable without allocation.
#[derive(Debug, Clone, Default)]
pub struct NoiseWork {
    /// Small-signal work space.
    pub small: SmallSignal,
    sources: Vec<NoiseSource>,
    generators: Vec<Generator>,
    previous: Vec<f64>,
    ln_previous: Vec<f64>,
    sums: Vec<(f64, f64)>,
    densities: Vec<f64>,
    /// Output noise per frequency, V/sqrt(Hz).
    pub output: Vec<f64>,
    /// Input-referred noise per frequency.
    pub input: Vec<f64>,
    /// Gain from input source to output per frequency, magnitude.
    pub gain: Vec<f64>,
}

/// Integral of a density between two frequencies, interpolated as a power law (ngspice's rule). `slope` is that of the logarithms;
/// with it `a f^(slope + 1)` is simply `d f` at both ends. `d0` and `d1` are the floored densities of which logarithms were taken, `density`
/// the one at `f1` as it is.
fn integrate(density: f64, d0: f64, d1: f64, slope: f64, f0: f64, f1: f64, ln_ratio: f64) -> f64 {
    let exponent = slope + 1.0;
    if slope.abs() < 1e-10 {
        density * (f1 - f0)
    } else if exponent.abs() < 1e-10 {
        d1 * f1 * ln_ratio
    } else {
        (d1 * f1 - d0 * f0) / exponent
    }
}

/// Output density of a current of density `s` whose transfer is `own`, together with its partner, V^2/Hz: amplitudes add before they are
/// squared.
fn correlated(s: f64, own: (f64, f64), partner: &Partner, f: f64, at: impl Fn(usize) -> (f64, f64)) -> f64 {
    let (p, q) = (at(partner.a), at(partner.b));
    let x = std::f64::consts::TAU * f * partner.time_s;
    let x2 = x * x;
    let (first, second) = (s.sqrt(), (partner.white * x2 / (1.0 + x2)).sqrt());
    let re = first * own.0 - second * (p.1 - q.1);
    let im = first * own.1 + second * (p.0 - q.0);
    re * re + im * im
}

impl Engine {
    /// Collects the generators at the present solution. Returns the range of generators of each owner.
    fn generators(&mut self, work: &mut NoiseWork, names: Option<&mut Vec<OwnerColumns>>) {
        work.generators.clear();
        let kelvin = self.system.surroundings.temperature_k;
        let mut names = names;
        for owner in &self.system.noise_order {
            match owner {
                NoiseOwner::Device(i) => {
                    let (device, place) = (&self.system.devices[*i], &self.system.places[*i]);
                    work.sources.clear();
                    device.noise_sources(&mut work.sources);
                    for s in &work.sources {
                        work.generators.push(Generator {
                            a: place.nodes[s.a] as usize,
                            b: place.nodes[s.b] as usize,
                            white: s.white,
                            flicker: s.flicker,
                            exponent: s.exponent,
                            partner: s.partner.map(|p| Partner {
                                a: place.nodes[p.a] as usize,
                                b: place.nodes[p.b] as usize,
                                ..p
                            }),
                        });
                    }
                    if let Some(names) = &mut names {
                        // BSIM4 separates with dots in ngspice, the other models with underscores.
                        let separator = if place.class == 1 { '.' } else { '_' };
                        let own = format!("{separator}{}", device.name());
                        let columns = match device {
                            Device::Bsim4(d) if d.has_correlated_noise() => LABELS_V48,
                            _ => LABELS[usize::from(place.class.min(3))],
                        };
                        let owned =
                            work.sources.iter().map(|s| columns.iter().position(|l| *l == s.label)).collect();
                        let columns =
                            columns.iter().map(|label| format!("{own}{separator}{label}")).collect();
                        names.push(OwnerColumns { own, columns, owned });
                    }
                }
                NoiseOwner::Resistor(i) => {
                    let r = &self.system.resistors[*i];
                    let e = &self.system.netlist.elements[r.element];
                    let (a, b) = (r.nodes[0] as usize, r.nodes[1] as usize);
                    let white = 4.0 * BOLTZMANN * kelvin * r.g.abs();
                    let (flicker, exponent) =
                        super::passive::flicker(&self.system.netlist, e, r.g * (self.x[a] - self.x[b]));
                    for (white, flicker) in [(white, 0.0), (0.0, flicker)] {
                        work.generators.push(Generator { a, b, white, flicker, exponent, partner: None });
                    }
                    if let Some(names) = &mut names {
                        let columns = vec![format!("_{}_thermal", e.name), format!("_{}_1overf", e.name)];
                        names.push(OwnerColumns {
                            own: format!("_{}", e.name),
                            columns,
                            owned: vec![Some(0), Some(1)],
                        });
                    }
                }
            }
        }
    }

    /// Noise at `output` (two unknowns) around the present solution, referred to source `input`. With `each`, it is called per frequency
    /// with the index and the output density of every generator, V^2/Hz. Returns the integrated totals.
    pub fn noise_solve(
        &mut self,
        work: &mut NoiseWork,
        output: (usize, usize),
        input: usize,
        frequencies: &[f64],
        mut each: impl FnMut(usize, f64, &[f64]),
    ) -> Result<NoiseTotals> {
        work.small.linearise(self);
        self.generators(work, None);
        let count = work.generators.len();
        work.previous.clear();
        work.previous.resize(count, 0.0);
        work.ln_previous.clear();
        work.ln_previous.resize(count, f64::ln(SMALLEST_DENSITY));
        work.sums.clear();
        work.sums.resize(count, (0.0, 0.0));
        work.densities.clear();
        work.densities.resize(count, 0.0);
        for list in [&mut work.output, &mut work.input, &mut work.gain] {
            list.clear();
            list.reserve(frequencies.len());
        }
        work.small.rhs.fill((0.0, 0.0));
        work.small.rhs[output.0].0 += 1.0;
        work.small.rhs[output.1].0 -= 1.0;
        work.small.rhs[0] = (0.0, 0.0);
        let source = self.system.sources[input].clone();
        let mut done = 0;
        let (mut previous_f, mut previous_ln_f) = (0.0, 0.0);
        for (lanes, omega) in groups(frequencies) {
            work.small.factor(self, &omega)?;
            let Some(program) = &self.ac_program else { continue };
            let small = &mut work.small;
            small.solver.solve_transposed(program, &small.rhs);
            let x = &small.solver.x;
            for lane in 0..lanes {
                let f = frequencies[done];
                let at = |k: usize| (x[k].re[lane], x[k].im[lane]);
                let gain = if source.branch != 0 {
                    at(source.branch as usize)
                } else {
                    let (p, q) = (at(source.nodes[0] as usize), at(source.nodes[1] as usize));
                    ((q.0 - p.0) * source.multiplier, (q.1 - p.1) * source.multiplier)
                };
                let gain2 = (gain.0 * gain.0 + gain.1 * gain.1).max(SMALLEST_GAIN2);
                let mut sum = 0.0;
                let ln_f = f.ln();
                for (generator, density) in work.generators.iter().zip(&mut work.densities) {
                    let (p, q) = (at(generator.a), at(generator.b));
                    let (re, im) = (p.0 - q.0, p.1 - q.1);
                    let mut s = generator.white;
                    if generator.flicker != 0.0 {
                        s += generator.flicker * (-generator.exponent * ln_f).exp();
                    }
                    *density = s * (re * re + im * im);
                    if let Some(partner) = &generator.partner {
                        *density = correlated(s, (re, im), partner, f, at);
                    }
                    sum += *density;
                }
                let ln_ratio = ln_f - previous_ln_f;
                for (((density, previous), ln_previous), total) in
                    work.densities.iter().zip(&work.previous).zip(&mut work.ln_previous).zip(&mut work.sums)
                {
                    if *density == 0.0 && *previous == 0.0 {
                        continue;
                    }
                    let (d0, d1) = (previous.max(SMALLEST_DENSITY), density.max(SMALLEST_DENSITY));
                    let (ln0, ln1) = (*ln_previous, d1.ln());
                    *ln_previous = ln1;
                    if done > 0 {
                        let part =
                            integrate(*density, d0, d1, (ln1 - ln0) / ln_ratio, previous_f, f, ln_ratio);
                        total.0 += part;
                        // ngspice refers both ends of the interval to the input by the gain at its upper end.
                        total.1 += part / gain2;
                    }
                }
                each(done, gain2, &work.densities);
                work.previous.copy_from_slice(&work.densities);
                previous_f = f;
                previous_ln_f = ln_f;
                work.output.push(sum.sqrt());
                work.input.push((sum / gain2).sqrt());
                work.gain.push(gain2.sqrt());
                done += 1;
            }
        }
        let (output, input) = work.sums.iter().fold((0.0, 0.0), |t, s| (t.0 + s.0, t.1 + s.1));
        Ok(NoiseTotals { output: output.sqrt(), input: input.sqrt() })
    }

    /// Runs a noise analysis: the spectra and the integrated table, with per-source columns if asked for.
    pub fn noise(
        &mut self,
        output: &Output,
        input: &str,
        frequencies: &[f64],
        per_source: bool,
    ) -> Result<(Table, Table)> {
        let nodes = self.system.output(output, "noise")?;
        if matches!(output, Output::Current(_)) {
            return Err(CircuitError::Analysis {
                analysis: "noise",
                message: "the output must be a voltage, v(a) or v(a,b)".into(),
            });
        }
        let Some(source) = self.system.source(input) else {
            let known =
                self.system.sources.iter().map(|s| self.system.netlist.elements[s.element].name.as_str());
            let hint = crate::error::did_you_mean(input, known);
            return Err(CircuitError::Analysis {
                analysis: "noise",
                message: format!("there is no independent source `{input}`{hint}"),
            });
        };
        let mut work = NoiseWork::default();
        let mut names = Vec::new();
        // Linearising evaluates the devices, so that their names and generators agree with the solve below.
        work.small.linearise(self);
        self.generators(&mut work, Some(&mut names));
        let mut columns = vec!["frequency".to_string()];
        if per_source {
            for owner in &names {
                columns.extend(owner.columns.iter().chain([&owner.own]).map(|n| format!("onoise{n}")));
            }
        }
        columns.extend(["onoise_spectrum".to_string(), "inoise_spectrum".to_string()]);
        let mut spectrum = Table::new(columns);
        let mut rows: Vec<f64> = Vec::new();
        let totals = self.noise_solve(&mut work, nodes, source, frequencies, |_, _, densities| {
            if per_source {
                rows.extend_from_slice(densities);
            }
        })?;
        let count = work.generators.len();
        for (k, f) in frequencies.iter().enumerate() {
            spectrum.data.push(*f);
            if per_source {
                let mut at = k * count;
                for owner in &names {
                    let own = &rows[at..at + owner.owned.len()];
                    for column in 0..owner.columns.len() {
                        let of_column = own.iter().zip(&owner.owned).filter(|(_, c)| **c == Some(column));
                        spectrum.data.push(of_column.map(|(s, _)| s).sum::<f64>().sqrt());
                    }
                    spectrum.data.push(own.iter().sum::<f64>().sqrt());
                    at += owner.owned.len();
                }
            }
            spectrum.data.push(work.output[k]);
            spectrum.data.push(work.input[k]);
        }
        let mut integrated = Table::default();
        // Named after the input: a current source's noise is a current.
        let unit = if self.system.sources[source].branch != 0 { 'v' } else { 'i' };
        let mut pair = |name: &str, sum: (f64, f64)| {
            integrated.columns.push(format!("v(onoise_total{name})"));
            integrated.columns.push(format!("{unit}(inoise_total{name})"));
            integrated.data.extend([sum.0.sqrt(), sum.1.sqrt()]);
        };
        if per_source {
            let mut at = 0;
            for owner in &names {
                let own = &work.sums[at..at + owner.owned.len()];
                let add = |t: (f64, f64), s: &(f64, f64)| (t.0 + s.0, t.1 + s.1);
                for (column, name) in owner.columns.iter().enumerate() {
                    let of_column = own.iter().zip(&owner.owned).filter(|(_, c)| **c == Some(column));
                    pair(name, of_column.map(|(s, _)| s).fold((0.0, 0.0), add));
                }
                pair(&owner.own, own.iter().fold((0.0, 0.0), add));
                at += owner.owned.len();
            }
        }
        pair("", (totals.output * totals.output, totals.input * totals.input));
        Ok((spectrum, integrated))
    }
}
