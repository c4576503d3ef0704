//! A test bench: one deck, made ready once, evaluated many times, by the embedded simulator or by ngspice.

use hwgym_simulators::circuit::{Circuit, CircuitError, Prepared, Probe, StartPoint, TranSpec};

use super::conditions::Simulator;
use super::miss::Miss;
use super::ngspice::Ngspice;
use super::sweep::Sweep;
use super::template::Template;
use crate::EnvError;

/// Who evaluates the deck.
#[derive(Clone)]
enum Runner {
    /// The circuit and its probes.
    Native(Box<Prepared>, Vec<Probe>),
    Ngspice(Box<Ngspice>),
}

/// A deck with the signals that its measurements read.
#[derive(Clone)]
pub(super) struct Bench {
    runner: Runner,
    temperature_c: f64,
    /// Results of the last AC, noise or transient analysis are left here by their owner.
    pub(super) complex: Vec<(f64, f64)>,
    pub(super) rows: Vec<f64>,
}

impl Bench {
    /// Makes a template ready. `probes` are `v(node)` or `i(source)`, later named by index.
    ///
    /// # Errors
    /// Whatever is wrong with the deck; ngspice asked for and not installed.
    pub(super) fn new(
        template: &Template,
        probes: &[&str],
        simulator: Simulator,
        frequencies: &[f64],
    ) -> Result<Self, EnvError> {
        let runner = match simulator {
            Simulator::Native => {
                let fail = |error: CircuitError| EnvError::Simulator(error.to_string());
                let deck = template.deck(&template.defaults, ".op");
                let circuit = Circuit::parse(&deck, &Default::default()).map_err(fail)?;
                let names: Vec<&str> = template.parameters.iter().map(String::as_str).collect();
                let mut prepared = Prepared::new(&circuit, &names).map_err(fail)?;
                prepared.set(&template.defaults).map_err(fail)?;
                let probes: Vec<Probe> =
                    probes.iter().map(|p| prepared.probe(p)).collect::<Result<_, _>>().map_err(fail)?;
                // The start values' solution shortens later ones; it is the same for every worker, so results do not depend on history.
                if prepared.operating_point().is_ok() {
                    // Finds the order of elimination for small signals too; a deck without AC sources has nothing else to find.
                    let _ = prepared.ac(frequencies, probes[0], &mut Vec::new());
                    prepared.keep_reference();
                    prepared.set_start(StartPoint::Reference);
                }
                Runner::Native(Box::new(prepared), probes)
            }
            Simulator::Ngspice => Runner::Ngspice(Box::new(Ngspice::new(template, probes)?)),
        };
        Ok(Self { runner, temperature_c: 27.0, complex: Vec::new(), rows: Vec::new() })
    }

    /// Sets all parameters of the template and the temperature.
    pub(super) fn set(&mut self, values: &[f64], temperature_c: f64) -> Result<(), Miss> {
        match &mut self.runner {
            Runner::Native(prepared, _) => {
                prepared.set(values)?;
                if self.temperature_c != temperature_c {
                    self.temperature_c = temperature_c;
                    prepared.set_temperature(temperature_c)?;
                }
            }
            Runner::Ngspice(ngspice) => ngspice.set(values, temperature_c),
        }
        Ok(())
    }

    /// Solves the operating point.
    pub(super) fn operating_point(&mut self) -> Result<(), Miss> {
        match &mut self.runner {
            Runner::Native(prepared, _) => Ok(prepared.operating_point()?),
            Runner::Ngspice(ngspice) => ngspice.operating_point(),
        }
    }

    /// A probe at the operating point, V or A.
    pub(super) fn value(&self, probe: usize) -> f64 {
        match &self.runner {
            Runner::Native(prepared, probes) => prepared.value(probes[probe]),
            Runner::Ngspice(ngspice) => ngspice.value(probe),
        }
    }

    /// Response of a probe to the AC sources, into `complex`.
    pub(super) fn ac(&mut self, sweep: &Sweep, frequencies: &[f64], probe: usize) -> Result<(), Miss> {
        match &mut self.runner {
            Runner::Native(prepared, probes) => {
                Ok(prepared.ac(frequencies, probes[probe], &mut self.complex)?)
            }
            Runner::Ngspice(ngspice) => ngspice.ac(sweep, probe, &mut self.complex),
        }
    }

    /// Input-referred noise density at each frequency, V/sqrt(Hz).
    pub(super) fn input_noise(
        &mut self,
        frequencies: &[f64],
        probe: usize,
        source: &str,
        out: &mut Vec<f64>,
    ) -> Result<(), Miss> {
        out.clear();
        match &mut self.runner {
            Runner::Native(prepared, probes) => {
                prepared.noise(frequencies, probes[probe], source)?;
                out.extend_from_slice(prepared.input_noise());
                Ok(())
            }
            Runner::Ngspice(ngspice) => ngspice.input_noise(frequencies, probe, source, out),
        }
    }

    /// Transient analysis; `rows` receives time and probes, point after point.
    pub(super) fn transient(&mut self, spec: TranSpec, probes: &[usize]) -> Result<(), Miss> {
        match &mut self.runner {
            Runner::Native(prepared, all) => {
                let probes: Vec<Probe> = probes.iter().map(|p| all[*p]).collect();
                Ok(prepared.transient(spec, &probes, &mut self.rows)?)
            }
            Runner::Ngspice(ngspice) => ngspice.transient(spec, probes, &mut self.rows),
        }
    }
}
