//! Small-signal analyses around the operating point: AC, transfer function.

use super::engine::Engine;
use super::result::Table;
use crate::error::{CircuitError, Result};
use crate::matrix::{LANES, LaneSolver, order};
use crate::netlist::Output;

/// Squared multipliers above this mean that the order of elimination does not suit the frequency.
const GROWTH_LIMIT: f64 = 1e20;

/// Work space of small-signal analyses.
#[derive(Debug, Clone, Default)]
pub struct SmallSignal {
    /// Conductances by slot.
    pub g: Vec<f64>,
    /// Capacitances by slot.
    pub c: Vec<f64>,
    /// Complex solver.
    pub solver: LaneSolver,
    /// Right-hand side by row (or column, for the adjoint).
    pub rhs: Vec<(f64, f64)>,
    /// Entries of lines: slot, factor and the delay that turns it.
    pub delayed: Vec<(u32, f64, f64)>,
}

impl SmallSignal {
    /// Linearises the engine's circuit at its present solution.
    pub fn linearise(&mut self, engine: &mut Engine) {
        engine.small_signal(&mut self.g, &mut self.c);
        self.delayed.clear();
        self.delayed.extend(engine.system.lines.iter().flat_map(super::special::Line::delayed));
        self.rhs.clear();
        self.rhs.resize(engine.system.n + 1, (0.0, 0.0));
    }

    /// Right-hand side of all AC sources.
    pub fn ac_sources(&mut self, engine: &Engine) {
        self.rhs.fill((0.0, 0.0));
        for s in &engine.system.sources {
            let (re, im) = s.ac;
            if s.branch != 0 {
                let r = &mut self.rhs[s.branch as usize];
                *r = (r.0 + re, r.1 + im);
            } else {
                for (node, sign) in [(s.nodes[0], -s.multiplier), (s.nodes[1], s.multiplier)] {
                    let r = &mut self.rhs[node as usize];
                    *r = (r.0 + sign * re, r.1 + sign * im);
                }
            }
        }
    }

    /// Factors the system at a group of angular frequencies, finding a new order of elimination when the recorded one does not suit.
    pub fn factor(&mut self, engine: &mut Engine, omega: &[f64; LANES]) -> Result<()> {
        for attempt in 0..3 {
            if engine.ac_program.is_none() || attempt > 0 {
                // Second try: the order for the group's middle; third: for its first frequency.
                let w = omega[if attempt == 2 { 0 } else { LANES / 2 }];
                let (g, c) = (&self.g, &self.c);
                let delayed = &self.delayed;
                let value = |slot: usize| {
                    let mut sum = (g[slot], w * c[slot]);
                    for (_, factor, delay) in delayed.iter().filter(|d| d.0 as usize == slot) {
                        sum = (sum.0 + factor * (w * delay).cos(), sum.1 - factor * (w * delay).sin());
                    }
                    sum
                };
                let program = order(&engine.system.pattern, value)
                    .map_err(|e| super::diagnose::singular(&engine.system, &e.columns))?;
                engine.ac_program = Some(program);
                engine.reordered = true;
            }
            let Some(program) = &engine.ac_program else { continue };
            self.solver.prepare(program);
            let growth = self.solver.factor(program, &self.g, &self.c, &self.delayed, omega);
            if growth < GROWTH_LIMIT || (attempt == 2 && growth.is_finite()) {
                return Ok(());
            }
        }
        Err(CircuitError::Singular { reason: "the small-signal matrix is singular".into() })
    }
}

/// Groups frequencies into lanes; the last group repeats its last frequency.
pub fn groups(frequencies: &[f64]) -> impl Iterator<Item = (usize, [f64; LANES])> + '_ {
    frequencies.chunks(LANES).map(|chunk| {
        let mut omega = [0.0; LANES];
        for (k, w) in omega.iter_mut().enumerate() {
            *w = 2.0 * std::f64::consts::PI * chunk[k.min(chunk.len() - 1)];
        }
        (chunk.len(), omega)
    })
}

impl Engine {
    /// Solves AC at every frequency around the present solution. `visit(index, lane, x)` receives each frequency's solution by unknown.
    pub fn ac_solve(
        &mut self,
        work: &mut SmallSignal,
        frequencies: &[f64],
        mut visit: impl FnMut(usize, usize, &[crate::matrix::Lane]),
    ) -> Result<()> {
        work.linearise(self);
        work.ac_sources(self);
        let mut done = 0;
        for (count, omega) in groups(frequencies) {
            work.factor(self, &omega)?;
            let Some(program) = &self.ac_program else { continue };
            work.solver.solve(program, &work.rhs);
            for lane in 0..count {
                visit(done + lane, lane, &work.solver.x);
            }
            done += count;
        }
        Ok(())
    }

    /// Runs an AC analysis around the present solution: `frequency`, then real and imaginary part of every column.
    pub fn ac(&mut self, frequencies: &[f64]) -> Result<Table> {
        let names = std::iter::once("frequency".to_string())
            .chain(
                self.system.columns.iter().flat_map(|c| [format!("{}.re", c.name), format!("{}.im", c.name)]),
            )
            .collect();
        let mut table = Table::new(names);
        let unknowns: Vec<usize> = self.system.columns.iter().map(|c| c.unknown).collect();
        let mut work = SmallSignal::default();
        let data = &mut table.data;
        self.ac_solve(&mut work, frequencies, |index, lane, x| {
            data.push(frequencies[index]);
            for u in &unknowns {
                data.push(x[*u].re[lane]);
                data.push(x[*u].im[lane]);
            }
        })?;
        Ok(table)
    }

    /// Transfer function at DC: ratio of output to input, input resistance, output resistance.
    pub fn transfer(&mut self, output: &Output, input: &str) -> Result<Table> {
        let (plus, minus) = self.system.output(output, "tf")?;
        let Some(source) = self.system.source(input) else {
            return Err(CircuitError::Analysis {
                analysis: "tf",
                message: format!("there is no independent source `{input}`"),
            });
        };
        let s = self.system.sources[source].clone();
        let mut work = SmallSignal::default();
        work.linearise(self);
        work.c.fill(0.0);
        work.factor(self, &[0.0; LANES])?;
        let mut solve = |engine: &Engine, rhs: &[(usize, f64)], out: &[(usize, usize)]| -> Vec<f64> {
            work.rhs.fill((0.0, 0.0));
            for (row, value) in rhs {
                work.rhs[*row].0 += value;
            }
            work.rhs[0] = (0.0, 0.0);
            if let Some(program) = &engine.ac_program {
                work.solver.solve(program, &work.rhs);
            }
            out.iter().map(|(a, b)| work.solver.x[*a].re[0] - work.solver.x[*b].re[0]).collect()
        };
        let (a, b) = (s.nodes[0] as usize, s.nodes[1] as usize);
        let drive = if s.branch != 0 { vec![(s.branch as usize, 1.0)] } else { vec![(a, -1.0), (b, 1.0)] };
        let values = solve(self, &drive, &[(plus, minus), (a, b), (s.branch as usize, 0)]);
        let resistance_in = if s.branch != 0 {
            if values[2].abs() < 1e-20 { 1e20 } else { -1.0 / values[2] }
        } else {
            -values[1]
        };
        let resistance_out = match output {
            Output::Current(name) => {
                let branch = self.system.branches.get(name).copied().unwrap_or(0) as usize;
                let i = solve(self, &[(branch, 1.0)], &[(branch, 0)])[0];
                if i.abs() < 1e-20 { 1e20 } else { -1.0 / i }
            }
            Output::Voltage(..) => solve(self, &[(plus, 1.0), (minus, -1.0)], &[(plus, minus)])[0],
        };
        let shown = match output {
            Output::Voltage(a, None) => format!("v(output_impedance_at_v({a}))"),
            Output::Voltage(a, Some(b)) => format!("v(output_impedance_at_v({a},{b}))"),
            Output::Current(v) => format!("v({v}#output_impedance)"),
        };
        Ok(Table {
            columns: vec!["v(transfer_function)".into(), format!("v({input}#input_impedance)"), shown],
            data: vec![values[0], resistance_in, resistance_out],
        })
    }
}
