//! The same test benches on an installed ngspice, one child process per analysis.

use std::fmt::Write as _;
use std::sync::OnceLock;

use hwgym_simulators::circuit::{Ngspice as Engine, TranSpec};

use super::miss::Miss;
use super::sweep::Sweep;
use super::template::Template;
use crate::EnvError;

/// The installed ngspice, which all benches share with its limit on processes.
///
/// # Errors
/// There is none on the PATH; how to get one.
fn installed() -> Result<Engine, EnvError> {
    static ENGINE: OnceLock<Result<Engine, String>> = OnceLock::new();
    let found = ENGINE.get_or_init(|| Engine::find().map_err(|e| e.to_string()));
    found.clone().map_err(|message| EnvError::invalid("engine", message))
}

/// The installed ngspice's version; `None` where there is none on the PATH.
pub(super) fn version() -> Option<String> {
    installed().ok().map(|engine| engine.version().to_owned())
}

/// A deck evaluated by ngspice.
#[derive(Clone)]
pub(super) struct Ngspice {
    engine: Engine,
    template: Template,
    probes: Vec<String>,
    values: Vec<f64>,
    temperature_c: f64,
    operating_point: Vec<f64>,
}

impl Ngspice {
    /// Makes a template ready.
    ///
    /// # Errors
    /// There is no ngspice on the PATH.
    pub(super) fn new(template: &Template, probes: &[&str]) -> Result<Self, EnvError> {
        Ok(Self {
            engine: installed()?,
            template: template.clone(),
            probes: probes.iter().map(|p| (*p).to_owned()).collect(),
            values: template.defaults.clone(),
            temperature_c: 27.0,
            operating_point: vec![f64::NAN; probes.len()],
        })
    }

    pub(super) fn set(&mut self, values: &[f64], temperature_c: f64) {
        self.values.clear();
        self.values.extend_from_slice(values);
        self.temperature_c = temperature_c;
    }

    /// Runs control commands that write `out.txt`, and returns its numbers row by row.
    fn run(&self, commands: &str) -> Result<Vec<Vec<f64>>, Miss> {
        let mut cards = format!(".temp {}\n", self.temperature_c);
        let _ = write!(cards, ".control\nset wr_singlescale\nset numdgt=13\n{commands}\nquit\n.endc");
        let deck = self.template.deck(&self.values, &cards);
        let ran = self.engine.control(&deck, "out.txt");
        let (text, log) = ran.map_err(|e| Miss::Failed(e.to_string()))?;
        text.as_deref().and_then(table).ok_or_else(|| complaint(&log))
    }

    pub(super) fn operating_point(&mut self) -> Result<(), Miss> {
        let rows = self.run(&format!("op\nwrdata out.txt {}", self.probes.join(" ")))?;
        let row = rows.first().filter(|row| row.len() > self.probes.len());
        let row = row.ok_or_else(|| Miss::Failed("ngspice wrote no operating point".into()))?;
        self.operating_point = row[1..].to_vec();
        Ok(())
    }

    pub(super) fn value(&self, probe: usize) -> f64 {
        self.operating_point[probe]
    }

    pub(super) fn ac(&mut self, sweep: &Sweep, probe: usize, out: &mut Vec<(f64, f64)>) -> Result<(), Miss> {
        let Sweep { per_decade, from_hz, to_hz } = sweep;
        let name = &self.probes[probe];
        let rows = self.run(&format!("ac dec {per_decade} {from_hz:e} {to_hz:e}\nwrdata out.txt {name}"))?;
        out.clear();
        out.extend(rows.iter().filter(|row| row.len() >= 3).map(|row| (row[1], row[2])));
        Ok(())
    }

    pub(super) fn input_noise(
        &mut self,
        frequencies: &[f64],
        probe: usize,
        source: &str,
        out: &mut Vec<f64>,
    ) -> Result<(), Miss> {
        out.clear();
        for f in frequencies {
            let name = &self.probes[probe];
            let rows = self.run(&format!(
                "noise {name} {source} dec 1 {f:e} {f:e}\nsetplot noise1\nwrdata out.txt inoise_spectrum"
            ))?;
            let value = rows.first().and_then(|row| row.get(1)).copied();
            out.push(value.ok_or_else(|| Miss::Failed("ngspice wrote no noise spectrum".into()))?);
        }
        Ok(())
    }

    pub(super) fn transient(
        &mut self,
        spec: TranSpec,
        probes: &[usize],
        out: &mut Vec<f64>,
    ) -> Result<(), Miss> {
        let names: Vec<&str> = probes.iter().map(|p| self.probes[*p].as_str()).collect();
        let TranSpec { step, stop, start, max_step, .. } = spec;
        let largest = max_step.map_or(String::new(), |m| format!("{m:e}"));
        let rows = self.run(&format!(
            "tran {step:e} {stop:e} {start:e} {largest}\nwrdata out.txt {}",
            names.join(" ")
        ))?;
        out.clear();
        for row in rows.iter().filter(|row| row.len() > names.len()) {
            out.extend_from_slice(&row[..=names.len()]);
        }
        Ok(())
    }
}

/// Rows of whitespace-separated numbers; `None` if there are none.
fn table(text: &str) -> Option<Vec<Vec<f64>>> {
    let rows: Vec<Vec<f64>> = text
        .lines()
        .map(|line| line.split_whitespace().map_while(|word| word.parse().ok()).collect())
        .collect();
    (!rows.is_empty()).then_some(rows)
}

/// What ngspice's log says is wrong.
fn complaint(log: &str) -> Miss {
    let errors: Vec<&str> =
        log.lines().filter(|l| l.to_lowercase().contains("error") || l.contains("failed")).take(2).collect();
    Miss::new(format!("the circuit can be simulated: ngspice says `{}`", errors.join("; ")), 1.0)
}
