//! Transient analysis: ngspice's step control, breakpoint by breakpoint.

use std::time::Instant;

use super::engine::{Dynamic, Engine, Start};
use super::result::Table;
use super::waveform::Span;
use crate::devices::{Device, Pass};
use crate::error::{CircuitError, Result};

/// Range of a transient analysis.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TranSpec {
    /// Suggested step, s.
    pub step: f64,
    /// End, s.
    pub stop: f64,
    /// Points before this time are not recorded, s.
    pub start: f64,
    /// Largest step, s.
    pub max_step: Option<f64>,
    /// Start from `.ic` values without an operating point.
    pub uic: bool,
}

/// Step control between two breakpoints.
struct Clock {
    time: f64,
    delta: f64,
    saved: f64,
    max_step: f64,
    min_step: f64,
    min_break: f64,
    /// The breakpoint at or before which the next step ends, and the one after it.
    breaks: [f64; 2],
    /// Breakpoints that lines have announced, in order.
    announced: Vec<f64>,
}

impl Clock {
    /// Takes in a breakpoint that the solution has made.
    fn announce(&mut self, at: f64) {
        let near = |b: &f64| (b - at).abs() <= self.min_break;
        if at <= self.time + self.min_break || self.breaks.iter().chain(&self.announced).any(near) {
            return;
        }
        if at < self.breaks[0] {
            // The one that moves back comes again after the one before it.
            self.announced.push(self.breaks[1]);
            self.breaks = [at, self.breaks[0]];
        } else if at < self.breaks[1] {
            self.announced.push(self.breaks[1]);
            self.breaks[1] = at;
        } else {
            self.announced.push(at);
        }
        let now = self.time;
        self.announced.retain(|b| *b > now);
        self.announced.sort_by(f64::total_cmp);
    }
}

fn almost(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-14 * a.abs().max(b.abs())
}

impl Engine {
    /// Runs a transient analysis into a table of `time` and all columns.
    pub fn transient(&mut self, spec: TranSpec) -> Result<Table> {
        let names = std::iter::once("time".to_string())
            .chain(self.system.columns.iter().map(|c| c.name.clone()))
            .collect();
        let mut table = Table::new(names);
        let unknowns: Vec<usize> = self.system.columns.iter().map(|c| c.unknown).collect();
        let data = &mut table.data;
        self.transient_solve(spec, |time, x| {
            data.push(time);
            data.extend(unknowns.iter().map(|u| x[*u]));
        })?;
        Ok(table)
    }

    /// Runs a transient analysis; `record(time, x)` receives every accepted point from `start` on, with the solution by unknown.
    pub fn transient_solve(&mut self, spec: TranSpec, mut record: impl FnMut(f64, &[f64])) -> Result<()> {
        check(&spec)?;
        let options = self.system.netlist.options.clone();
        self.span = Span { step: spec.step, stop: spec.stop };
        self.start_point(spec.uic)?;
        let natural = (spec.stop - spec.start) / 50.0;
        let max_step = spec.max_step.filter(|m| *m > 0.0).unwrap_or(if spec.step < natural {
            spec.step
        } else {
            natural
        });
        let min_step = 1e-11 * max_step;
        let mut clock = Clock {
            time: 0.0,
            delta: (spec.stop / 100.0).min(spec.step) / 10.0,
            saved: spec.stop / 50.0,
            max_step,
            min_step,
            min_break: 10.0 * min_step,
            breaks: [0.0, spec.stop],
            announced: Vec::new(),
        };
        clock.breaks[1] = self.next_break(0.0, &clock, spec);
        self.integrator.order = 1;
        self.integrator.steps = [max_step; 7];
        self.integrator.start();
        for d in &mut self.system.devices {
            d.accept();
        }
        for s in &mut self.system.switches {
            s.accept();
        }
        for l in &mut self.system.lines {
            l.begin(&self.x, spec.uic);
        }
        self.dynamic = Dynamic::Step;
        self.mark_tested();
        self.begin_steps();
        // Only the first step, which has no history to predict from, is a Newton loop for every circuit.
        let system = &self.system;
        let special = !(system.formulas.is_empty() && system.switches.is_empty() && system.lines.is_empty());
        let smooth = !special && system.devices.iter().all(Device::is_smooth);
        let begun = Instant::now();
        let mut first = true;
        // Without an operating point there is no solution at time zero to record.
        let mut recorded_from = if spec.uic { f64::MIN_POSITIVE } else { 0.0 };
        if spec.start > 0.0 {
            recorded_from = spec.start;
        }
        let mut points = 0usize;
        let end = spec.stop * (1.0 - 1e-13);
        let result = loop {
            if clock.time >= recorded_from || (clock.time > 0.0 && almost(clock.time, recorded_from)) {
                record(clock.time, &self.x);
            }
            if clock.time >= end {
                break Ok(());
            }
            if clock.time > clock.breaks[0] {
                clock.breaks[0] = clock.breaks[1];
                clock.breaks[1] = self.next_break(clock.breaks[0], &clock, spec);
            }
            clock.delta = clock.delta.min(clock.max_step);
            if almost(clock.time, clock.breaks[0]) || clock.breaks[0] - clock.time <= clock.min_step {
                self.integrator.order = 1;
                clock.delta = clock.delta.min(0.1 * clock.saved.min(clock.breaks[1] - clock.breaks[0]));
                if first {
                    clock.delta /= 10.0;
                }
                clock.delta = clock.delta.max(2.0 * clock.min_step);
            } else if clock.time + clock.delta >= clock.breaks[0] {
                clock.saved = clock.delta;
                clock.delta = clock.breaks[0] - clock.time;
            }
            self.integrator.steps.rotate_right(1);
            self.integrator.shift();
            let step = self.one_step(&mut clock, &mut first, &mut points, smooth);
            if let Err(e) = step {
                break Err(e);
            }
            if smooth {
                self.accept_step();
            } else {
                self.system.devices.iter_mut().for_each(Device::accept);
            }
            if special {
                self.accept_special(&mut clock);
            }
            if points > options.max_points {
                break Err(limit(format!(
                    "more than {} time points at {:e} s; raise `max_points` or the tolerances",
                    options.max_points, clock.time
                )));
            }
            if points.is_multiple_of(64) && begun.elapsed().as_secs_f64() > options.time_limit_s {
                break Err(limit(format!(
                    "{} s passed at time {:e} s; raise `time_limit_s` or the tolerances",
                    options.time_limit_s, clock.time
                )));
            }
        };
        if smooth {
            self.end_steps();
        }
        self.dynamic = Dynamic::Off;
        self.span = Span::default();
        result
    }

    /// An accepted point of switches and lines.
    fn accept_special(&mut self, clock: &mut Clock) {
        for s in &mut self.system.switches {
            s.accept();
        }
        for k in 0..self.system.lines.len() {
            let steps = &self.integrator.steps;
            let bend = self.system.lines[k].accept(&self.x, clock.time, steps, clock.min_break);
            if let Some(at) = bend {
                clock.announce(at);
            }
        }
    }

    /// Steps once, retrying with smaller steps until a point is accepted.
    fn one_step(
        &mut self,
        clock: &mut Clock,
        first: &mut bool,
        points: &mut usize,
        smooth: bool,
    ) -> Result<()> {
        let max_order = self.system.netlist.options.max_order;
        loop {
            *points += 1;
            let tried = clock.delta;
            let target = clock.time + clock.delta;
            self.integrator.steps[0] = clock.delta;
            self.integrator.set_coefficients();
            let solved = if smooth && !*first {
                self.companion_step(target)
            } else {
                self.prepare_step(target);
                let start = if *first {
                    Start::FirstTransient
                } else {
                    Start::Predict(self.integrator.steps[0] / self.integrator.steps[1])
                };
                self.newton(start, self.system.netlist.options.itl4)
            };
            match solved {
                Ok(_) => {
                    self.store_linear_states();
                    if *first {
                        *first = false;
                        self.integrator.flatten_history();
                        clock.time = target;
                        return Ok(());
                    }
                    let special = self.special_allowed(target);
                    let mut allowed = self.integrator.allowed().min(special).min(2.0 * clock.delta);
                    if allowed > 0.9 * clock.delta {
                        if self.integrator.order == 1 && max_order > 1 {
                            self.integrator.order = 2;
                            allowed = self.integrator.allowed().min(special).min(2.0 * clock.delta);
                            if allowed <= 1.05 * clock.delta {
                                self.integrator.order = 1;
                            }
                        }
                        clock.time = target;
                        clock.delta = allowed;
                        return Ok(());
                    }
                    clock.delta = allowed;
                }
                Err(stop) => {
                    if matches!(stop, super::engine::Stop::Singular(_)) && tried <= clock.min_step {
                        return Err(self.failure("tran", format!(" at time {target:e} s"), &stop));
                    }
                    clock.delta /= 8.0;
                    self.integrator.order = 1;
                }
            }
            if clock.delta <= clock.min_step {
                if tried > clock.min_step {
                    clock.delta = clock.min_step;
                } else {
                    return Err(CircuitError::NoConvergence {
                        analysis: "tran",
                        at: format!(" at time {target:e} s (the step fell below {:e} s)", clock.min_step),
                        nodes: self.restless(),
                    });
                }
            }
        }
    }

    /// The solution at time zero.
    fn start_point(&mut self, uic: bool) -> Result<()> {
        self.begin_dc(Dynamic::States);
        let slots = &self.system.netlist.slots;
        let initial: Vec<(usize, f64)> =
            self.system.netlist.initial.iter().map(|(n, v)| (*n as usize, slots.get(*v))).collect();
        self.integrator.order = 1;
        self.integrator.steps = [1.0; 7];
        if !uic {
            // `.ic` holds its nodes through the whole operating point, nodesets only at its beginning.
            if initial.is_empty() {
                self.operating_point("tran")?;
            } else {
                self.forced_point(&initial)?;
            }
            self.store_linear_states();
            return Ok(());
        }
        self.held.clear();
        self.x.fill(0.0);
        for (node, value) in &initial {
            self.x[*node] = *value;
        }
        self.x[0] = 0.0;
        // Sources switch on in the first step, as in ngspice.
        self.evaluate_states();
        self.store_linear_states();
        // `ic=` of capacitors and inductors wins over node values.
        let first = self.system.capacitors.len();
        for (k, c) in self.system.capacitors.iter().enumerate() {
            if let Some(v) = c.initial {
                self.integrator.charge(k, c.c * v, true);
            }
        }
        for (k, l) in self.system.inductors.iter().enumerate() {
            let i = l.initial.unwrap_or(0.0);
            self.integrator.charge(first + k, l.l * i, true);
        }
        Ok(())
    }

    /// Operating point with nodes forced to voltages through 1e10 S, as ngspice does for `.ic`.
    fn forced_point(&mut self, initial: &[(usize, f64)]) -> Result<()> {
        self.forced.clear();
        self.forced.extend_from_slice(initial);
        let result = self.operating_point("tran");
        self.forced.clear();
        result
    }

    /// Charges of all devices exactly at `x`.
    fn evaluate_states(&mut self) {
        let mut v = [0.0; crate::devices::MAX_NODES];
        for (device, place) in self.system.devices.iter_mut().zip(&self.system.places) {
            for (v, node) in v.iter_mut().zip(&place.nodes) {
                *v = self.x[*node as usize];
            }
            device.evaluate(&v[..place.nodes.len()], Pass::Free, true, &mut self.stamp);
            for k in 0..device.charges().len() {
                self.integrator.charge(place.state + k, self.stamp.q[k], true);
            }
        }
    }

    /// Tells the integrator which states take part in the truncation error test.
    fn mark_tested(&mut self) {
        let integrator = &mut self.integrator;
        integrator.tested.fill(1.0);
        integrator.parallel.fill(1.0);
        for (parallel, c) in integrator.parallel.iter_mut().zip(&self.system.capacitors) {
            *parallel = c.parallel;
        }
        for (device, place) in self.system.devices.iter().zip(&self.system.places) {
            for (k, charge) in device.charges().iter().enumerate() {
                integrator.tested[place.state + k] = f64::from(u8::from(charge.truncation));
                integrator.parallel[place.state + k] = place.parallel;
            }
        }
    }

    /// The first breakpoint after `t`.
    fn next_break(&self, t: f64, clock: &Clock, spec: TranSpec) -> f64 {
        let after = t + clock.min_break;
        let mut next = self
            .system
            .sources
            .iter()
            .filter_map(|s| s.wave.as_ref())
            .map(|w| w.next_corner(after, self.span))
            .chain(clock.announced.iter().copied().filter(|b| *b > after))
            .fold(f64::INFINITY, f64::min);
        if spec.uic && after < spec.step {
            next = next.min(spec.step);
        }
        if next >= spec.stop - clock.min_break {
            if t >= spec.stop { f64::INFINITY } else { spec.stop }
        } else {
            next
        }
    }
}

fn check(spec: &TranSpec) -> Result<()> {
    let fail = |message: String| Err(CircuitError::Analysis { analysis: "tran", message });
    if !(spec.step > 0.0 && spec.step.is_finite()) {
        return fail(format!("the step is {:e} s, it must be positive", spec.step));
    }
    if !(spec.stop > 0.0 && spec.stop.is_finite()) {
        return fail(format!("the stop time is {:e} s, it must be positive", spec.stop));
    }
    if !(spec.start >= 0.0 && spec.start < spec.stop) {
        return fail(format!("recording starts at {:e} s, expected 0 <= start < stop", spec.start));
    }
    Ok(())
}

fn limit(limit: String) -> CircuitError {
    CircuitError::Limit { analysis: "tran", limit }
}
