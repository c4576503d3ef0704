//! DC sweeps of sources, resistors and temperature, one or two nested.

use super::engine::{Dynamic, Engine, Start};
use super::result::Table;
use crate::error::{CircuitError, Result, did_you_mean};
use crate::netlist::DcSweep;

/// Points of one sweep; more is taken for an accident.
const MAX_POINTS: f64 = 1e7;

#[derive(Clone, Copy)]
enum Target {
    Source(usize),
    Resistor(usize),
    Temperature,
}

struct Range {
    target: Target,
    start: f64,
    step: f64,
    count: usize,
}

impl Engine {
    /// Runs a `.dc` card. The first column is the inner swept quantity.
    pub fn dc(&mut self, sweeps: &[DcSweep]) -> Result<Table> {
        let ranges = sweeps.iter().map(|s| self.range(s)).collect::<Result<Vec<_>>>()?;
        let Some(inner) = ranges.first() else {
            return Err(CircuitError::Analysis { analysis: "dc", message: "nothing to sweep".into() });
        };
        let name = match inner.target {
            Target::Temperature => "temp-sweep".to_string(),
            Target::Resistor(_) => "res-sweep".to_string(),
            Target::Source(i) if self.system.sources[i].branch == 0 => "i(i-sweep)".to_string(),
            Target::Source(_) => "v(v-sweep)".to_string(),
        };
        let mut table = Table::new(
            std::iter::once(name).chain(self.system.columns.iter().map(|c| c.name.clone())).collect(),
        );
        let kelvin = self.system.surroundings.temperature_k;
        let result = self.sweep(&ranges, &mut table);
        for r in &ranges {
            match r.target {
                Target::Source(i) => self.system.sources[i].swept = None,
                Target::Resistor(i) => self.system.resistors[i].swept = None,
                Target::Temperature => {}
            }
        }
        // Element values as before, whatever happened.
        self.system.set_temperature(kelvin - 273.15)?;
        result.map(|()| table)
    }

    fn sweep(&mut self, ranges: &[Range], table: &mut Table) -> Result<()> {
        let inner = &ranges[0];
        let outer_count = ranges.get(1).map_or(1, |r| r.count);
        for outer in 0..outer_count {
            if let Some(r) = ranges.get(1) {
                self.apply(r.target, r.start + r.step * outer as f64)?;
            }
            self.begin_dc(Dynamic::Off);
            let mut failed_before = false;
            for k in 0..inner.count {
                let value = inner.start + inner.step * k as f64;
                self.apply(inner.target, value)?;
                let solved = if k == 0 || failed_before {
                    false
                } else {
                    self.prepare_dc();
                    let factor = if k == 1 { 0.0 } else { 1.0 };
                    let held = std::mem::take(&mut self.held);
                    let limit = self.system.netlist.options.itl2;
                    let done = self.newton(Start::Predict(factor), limit).is_ok();
                    self.held = held;
                    done
                };
                if !solved {
                    self.solve_dc(false)
                        .map_err(|stop| self.failure("dc", format!(" at sweep value {value:e}"), &stop))?;
                }
                failed_before = false;
                for d in &mut self.system.devices {
                    d.accept();
                }
                for s in &mut self.system.switches {
                    s.accept();
                }
                table.push(value);
                for c in &self.system.columns {
                    table.data.push(self.x[c.unknown]);
                }
            }
        }
        Ok(())
    }

    fn range(&self, sweep: &DcSweep) -> Result<Range> {
        let system = &self.system;
        let slots = &system.netlist.slots;
        let fail = |message: String| Err(CircuitError::Analysis { analysis: "dc", message });
        let target = if sweep.name == "temp" {
            Target::Temperature
        } else if let Some(i) = system.source(&sweep.name) {
            Target::Source(i)
        } else if let Some(i) =
            system.resistors.iter().position(|r| system.netlist.elements[r.element].name == sweep.name)
        {
            Target::Resistor(i)
        } else {
            let known = system
                .netlist
                .elements
                .iter()
                .map(|e| e.name.as_str())
                .filter(|n| n.starts_with(['v', 'i', 'r']));
            return fail(format!(
                "cannot sweep `{}`: there is no such source or resistor{}",
                sweep.name,
                did_you_mean(&sweep.name, known)
            ));
        };
        let (start, stop, step) = (slots.get(sweep.start), slots.get(sweep.stop), slots.get(sweep.step));
        if ![start, stop, step].iter().all(|v| v.is_finite()) {
            return fail(format!("the range of `{}` is not finite", sweep.name));
        }
        if step == 0.0 && start != stop {
            return fail(format!("the step of `{}` is zero", sweep.name));
        }
        let count = if step == 0.0 { 0.0 } else { (stop - start) / step };
        if count > MAX_POINTS {
            return fail(format!("{count:e} points of `{}`; at most {MAX_POINTS:e}", sweep.name));
        }
        if count < 0.0 {
            return fail(format!("the step of `{}` leads away from its end", sweep.name));
        }
        Ok(Range { target, start, step, count: (count + 1e-6).floor() as usize + 1 })
    }

    fn apply(&mut self, target: Target, value: f64) -> Result<()> {
        match target {
            Target::Source(i) => self.system.sources[i].swept = Some(value),
            Target::Resistor(i) => {
                self.system.resistors[i].swept = Some(value);
                self.system.refresh()?;
            }
            Target::Temperature => self.system.set_temperature(value)?,
        }
        Ok(())
    }
}
