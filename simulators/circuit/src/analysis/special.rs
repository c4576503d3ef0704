//! Elements that are neither linear nor devices: sources by formula, switches, lossless lines.

use std::sync::Arc;

use super::engine::{Dynamic, add_quad};
use super::system::Quad;
use crate::devices::Pass;
use crate::netlist::Slots;
use crate::netlist::formula::{Formula, Work};

/// A source by formula.
#[derive(Debug, Clone)]
pub struct FormulaSource {
    pub element: usize,
    pub nodes: [u32; 2],
    /// Branch row of a voltage, 0 for a current.
    pub branch: u32,
    pub formula: Arc<Formula>,
    /// Unknowns whose difference is each input.
    pub inputs: Vec<[u32; 2]>,
    /// Per input, of a current: its conductance's slots; of a voltage: the slots of the branch row, twice.
    pub slots: Vec<Quad>,
    pub multiplier: f64,
}

/// Work space of formula sources.
#[derive(Debug, Clone, Default)]
pub struct FormulaWork {
    inputs: Vec<f64>,
    work: Work,
}

impl FormulaSource {
    /// Evaluates at a solution and a time; adds the linearisation to matrix and right-hand side, the value times `factor`.
    pub fn load(
        &self,
        (x, time): (&[f64], f64),
        factor: f64,
        slots: &Slots,
        space: &mut FormulaWork,
        (a, b): (&mut [f64], &mut [f64]),
    ) {
        space.inputs.clear();
        space.inputs.extend(self.inputs.iter().map(|[p, m]| x[*p as usize] - x[*m as usize]));
        let scale = factor * self.multiplier;
        let mut rest = self.formula.evaluate(slots, &space.inputs, time, &mut space.work);
        for ((slope, input), quad) in space.work.slopes.iter().zip(&space.inputs).zip(&self.slots) {
            rest -= slope * input;
            self.slope(quad, slope * scale, a);
        }
        if self.branch != 0 {
            b[self.branch as usize] += scale * rest;
        } else {
            b[self.nodes[0] as usize] -= scale * rest;
            b[self.nodes[1] as usize] += scale * rest;
        }
    }

    fn slope(&self, quad: &Quad, slope: f64, a: &mut [f64]) {
        if self.branch != 0 {
            a[quad[0] as usize] -= slope;
            a[quad[1] as usize] += slope;
        } else {
            add_quad(a, *quad, slope);
        }
    }

    /// Adds the slopes at `x` alone, for small signals.
    pub fn linearise(&self, x: &[f64], slots: &Slots, space: &mut FormulaWork, g: &mut [f64]) {
        space.inputs.clear();
        space.inputs.extend(self.inputs.iter().map(|[p, m]| x[*p as usize] - x[*m as usize]));
        self.formula.evaluate(slots, &space.inputs, 0.0, &mut space.work);
        for (slope, quad) in space.work.slopes.iter().zip(&self.slots) {
            self.slope(quad, slope * self.multiplier, g);
        }
    }
}

/// Where a switch is: open or closed, and whether its control is between the thresholds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Contact {
    /// Open.
    #[default]
    Off,
    /// Closed.
    On,
    /// Open, and its control is in the band of the hysteresis.
    OffInBand,
    /// Closed, and its control is in the band.
    OnInBand,
}

/// A switch.
#[derive(Debug, Clone)]
pub struct Switch {
    pub element: usize,
    pub slots: Quad,
    /// Unknowns whose difference controls it.
    pub control: [u32; 2],
    pub on_at_first: bool,
    /// Of a `W`, whose state in the band is always the accepted one.
    pub by_current: bool,
    pub threshold: f64,
    pub hysteresis: f64,
    /// Conductances, open and closed, S.
    pub conductance: [f64; 2],
    now: Contact,
    accepted: Contact,
    level: f64,
    accepted_level: f64,
}

impl Switch {
    pub fn new(element: usize, slots: Quad, control: [u32; 2], on_at_first: bool, by_current: bool) -> Self {
        Self {
            element,
            slots,
            control,
            on_at_first,
            by_current,
            threshold: 0.0,
            hysteresis: 0.0,
            conductance: [1e-12, 1.0],
            now: Contact::Off,
            accepted: Contact::Off,
            level: 0.0,
            accepted_level: 0.0,
        }
    }

    /// ngspice's rules for the state at control `v`; `starting` in the first passes of a solution from nothing.
    fn next(&self, v: f64, pass: Pass, starting: bool) -> Contact {
        let (vt, vh) = (self.threshold, self.hysteresis);
        let band = vh.abs();
        if pass == Pass::AtState {
            return self.now;
        }
        if starting {
            return match self.on_at_first {
                true if v > vt + band => Contact::On,
                true => Contact::OnInBand,
                false if v < vt - band => Contact::Off,
                false => Contact::OffInBand,
            };
        }
        if v > vt + band {
            return Contact::On;
        }
        if v < vt - band {
            return Contact::Off;
        }
        let first = matches!(pass, Pass::Predict { .. } | Pass::FirstTransient);
        match (vh > 0.0, self.accepted) {
            (true, accepted) => {
                if first || self.by_current {
                    accepted
                } else {
                    self.now
                }
            }
            (false, inside @ (Contact::OffInBand | Contact::OnInBand)) => inside,
            (false, Contact::On) if first && !self.by_current => Contact::Off,
            (false, Contact::Off) if first && !self.by_current => Contact::On,
            (false, Contact::On) => Contact::OffInBand,
            (false, Contact::Off) => Contact::OnInBand,
        }
    }

    /// Sets the state at `x`. Returns whether it changed, so that another iteration is needed.
    pub fn decide(&mut self, x: &[f64], pass: Pass, starting: bool) -> bool {
        let v = x[self.control[0] as usize] - x[self.control[1] as usize];
        let new = self.next(v, pass, starting);
        let floating = !starting && matches!(pass, Pass::Newton | Pass::Free);
        let changed = floating && new != self.now;
        (self.now, self.level) = (new, v);
        changed
    }

    /// Present conductance, S.
    pub fn present(&self) -> f64 {
        self.conductance[usize::from(matches!(self.now, Contact::On | Contact::OnInBand))]
    }

    pub fn accept(&mut self) {
        (self.accepted, self.accepted_level) = (self.now, self.level);
    }

    pub fn reset(&mut self) {
        (self.now, self.accepted) = (Contact::Off, Contact::Off);
    }

    /// The step that keeps its control from running past a threshold, s.
    pub fn allowed(&self, step: f64) -> f64 {
        let change = self.level - self.accepted_level;
        if self.now == Contact::Off {
            let at = self.threshold + self.hysteresis;
            if self.level < at && change > 0.0 {
                return ((at - self.level) * 0.75 + 0.05) / change * step;
            }
        } else {
            let at = self.threshold - self.hysteresis;
            if self.level > at && change < 0.0 {
                return ((at - self.level) * 0.75 - 0.05) / change * step;
            }
        }
        f64::INFINITY
    }
}

/// A lossless line. Both ends are a resistor to an inner node whose voltage over the end's second node is what left the other end
/// a delay earlier.
#[derive(Debug, Clone)]
pub struct Line {
    pub element: usize,
    /// `a+ a- b+ b-`.
    pub nodes: [u32; 4],
    pub branches: [u32; 2],
    /// Slots that are the same in every analysis, and their factors: the conductance, or one.
    pub fixed: Vec<(u32, f64, bool)>,
    /// Slots of what comes from the other end: voltage plus, voltage minus, current; per end.
    pub coupling: [[u32; 3]; 2],
    pub impedance: f64,
    pub delay: f64,
    /// Relative and absolute change of slope that makes a breakpoint.
    pub tolerances: [f64; 2],
    /// Start values of `ic=`: voltage and current of both ends.
    pub initial: [f64; 4],
    /// Time and what left the ends, oldest first.
    history: Vec<[f64; 3]>,
    inputs: [f64; 2],
}

impl Line {
    pub fn new(
        element: usize,
        nodes: [u32; 4],
        branches: [u32; 2],
        fixed: Vec<(u32, f64, bool)>,
        coupling: [[u32; 3]; 2],
    ) -> Self {
        Self {
            element,
            nodes,
            branches,
            fixed,
            coupling,
            impedance: 1.0,
            delay: 0.0,
            tolerances: [1.0, 1.0],
            initial: [0.0; 4],
            history: Vec::new(),
            inputs: [0.0; 2],
        }
    }

    pub fn load_fixed(&self, a: &mut [f64]) {
        for (slot, sign, conductance) in &self.fixed {
            a[*slot as usize] += sign * if *conductance { 1.0 / self.impedance } else { 1.0 };
        }
    }

    /// DC: both ends are connected.
    pub fn load_dc(&self, gmin: f64, a: &mut [f64]) {
        for [plus, minus, current] in self.coupling {
            a[plus as usize] -= 1.0;
            a[minus as usize] += 1.0;
            a[current as usize] -= (1.0 - gmin) * self.impedance;
        }
    }

    pub fn load_inputs(&self, b: &mut [f64]) {
        for (branch, input) in self.branches.iter().zip(self.inputs) {
            b[*branch as usize] += input;
        }
    }

    /// Entries that are `factor * exp(-j w delay)` in small signals.
    pub fn delayed(&self) -> impl Iterator<Item = (u32, f64, f64)> + '_ {
        self.coupling.iter().flat_map(|[plus, minus, current]| {
            [(*plus, -1.0, self.delay), (*minus, 1.0, self.delay), (*current, -self.impedance, self.delay)]
        })
    }

    /// What leaves towards end 1 (from end 2) and towards end 2.
    fn leaving(&self, x: &[f64]) -> [f64; 2] {
        let [p1, n1, p2, n2] = self.nodes.map(|n| x[n as usize]);
        let [i1, i2] = self.branches.map(|b| x[b as usize]);
        [p2 - n2 + i2 * self.impedance, p1 - n1 + i1 * self.impedance]
    }

    /// Begins a transient at `x`, or at `ic=`.
    pub fn begin(&mut self, x: &[f64], uic: bool) {
        let [v1, i1, v2, i2] = self.initial;
        self.inputs =
            if uic { [v2 + i2 * self.impedance, v1 + i1 * self.impedance] } else { self.leaving(x) };
        self.history.clear();
        for k in [-2.0, -1.0, 0.0] {
            self.history.push([k * self.delay, self.inputs[0], self.inputs[1]]);
        }
    }

    /// What arrives at `time`: a parabola through three points of the past.
    pub fn arrive(&mut self, time: f64) {
        let t = time - self.delay;
        let last = self.history.len() - 1;
        let k = (2..last).find(|k| self.history[*k][0] > t).unwrap_or(last);
        let [[t1, a1, b1], [t2, a2, b2], [t3, a3, b3]] =
            [self.history[k - 2], self.history[k - 1], self.history[k]];
        if t2 == t1 || t3 == t2 {
            return;
        }
        let f1 = (t - t2) * (t - t3) / ((t1 - t2) * (t1 - t3));
        let f2 = (t - t1) * (t - t3) / ((t2 - t1) * (t2 - t3));
        let f3 = (t - t1) * (t - t2) / ((t3 - t1) * (t3 - t2));
        self.inputs = [f1 * a1 + f2 * a2 + f3 * a3, f1 * b1 + f2 * b2 + f3 * b3];
    }

    fn bends(&self, slopes: [[f64; 2]; 2]) -> bool {
        let [relative, absolute] = self.tolerances;
        slopes.iter().any(|[d1, d2]| (d1 - d2).abs() >= relative * d1.abs().max(d2.abs()) + absolute)
    }

    /// Keeps an accepted point. Returns the breakpoint that it makes, if any.
    pub fn accept(&mut self, x: &[f64], time: f64, steps: &[f64], min_break: f64) -> Option<f64> {
        let old = self.history[2..].iter().take_while(|h| time - self.delay > h[0]).count();
        // Three points before the delay are enough.
        if old > 0 && time - self.delay > self.history[2][0] {
            self.history.drain(..(old - 1).min(self.history.len() - 3));
        }
        let last = self.history.len() - 1;
        if time - self.history[last][0] <= min_break {
            return None;
        }
        let [one, two] = self.leaving(x);
        self.history.push([time, one, two]);
        let [newest, before, oldest] = [0, 1, 2].map(|k| self.history[self.history.len() - 1 - k]);
        let slopes = [1, 2].map(|k| [(newest[k] - before[k]) / steps[0], (before[k] - oldest[k]) / steps[1]]);
        self.bends(slopes).then_some(before[0] + self.delay)
    }

    /// The step that does not run past the arrival of a bend, s.
    pub fn allowed(&self, x: &[f64], time: f64, steps: &[f64]) -> f64 {
        let now = self.leaving(x);
        let [newest, before] = [0, 1].map(|k| self.history[self.history.len() - 1 - k]);
        let slopes =
            [0, 1].map(|k| [(now[k] - newest[k + 1]) / steps[1], (newest[k + 1] - before[k + 1]) / steps[2]]);
        if self.bends(slopes) { newest[0] + self.delay - time } else { f64::INFINITY }
    }
}

impl super::engine::Engine {
    /// Adds sources by formula and switches at `x`. Returns whether a switch changed its state.
    pub(super) fn load_special(&mut self, pass: Pass, starting: bool) -> bool {
        let mut changed = false;
        for s in &mut self.system.switches {
            changed |= s.decide(&self.x, pass, starting);
            add_quad(&mut self.a, s.slots, s.present());
        }
        let factor = if self.dynamic == Dynamic::States { self.source_factor } else { 1.0 };
        for f in &self.system.formulas {
            let slots = &self.system.netlist.slots;
            f.load((&self.x, self.time), factor, slots, &mut self.formula_work, (&mut self.a, &mut self.b));
        }
        changed
    }

    /// Small-signal conductances of sources by formula, switches and lines.
    pub(super) fn special_small_signal(&mut self, g: &mut [f64]) {
        for s in &self.system.switches {
            add_quad(g, s.slots, s.present());
        }
        for f in &self.system.formulas {
            f.linearise(&self.x, &self.system.netlist.slots, &mut self.formula_work, g);
        }
    }

    /// The step that switches and lines allow after a solved step to `time`, s.
    pub(super) fn special_allowed(&self, time: f64) -> f64 {
        let steps = &self.integrator.steps;
        let switches = self.system.switches.iter().map(|s| s.allowed(steps[0]));
        let lines = self.system.lines.iter().map(|l| l.allowed(&self.x, time, steps));
        switches.chain(lines).fold(f64::INFINITY, f64::min)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_switch_with_hysteresis_keeps_its_state_in_the_band() {
        let mut s = Switch::new(0, [0; 4], [1, 0], false, false);
        (s.threshold, s.hysteresis) = (1.0, 0.2);
        let mut at = |v: f64| {
            s.decide(&[0.0, v], Pass::Newton, false);
            s.accept();
            s.present() == 1.0
        };
        assert_eq!([0.0, 1.1, 1.3, 0.9, 0.7, 1.0].map(&mut at), [false, false, true, true, false, false]);
    }

    #[test]
    fn what_leaves_one_end_arrives_at_the_other_a_delay_later() {
        let mut line = Line::new(0, [1, 0, 2, 0], [3, 4], Vec::new(), [[0; 3]; 2]);
        (line.impedance, line.delay) = (50.0, 2.0);
        line.begin(&[0.0; 5], false);
        for k in 1..=40 {
            let t = f64::from(k) * 0.1;
            line.arrive(t);
            let expected = (t - 2.0).max(0.0);
            assert!((line.inputs[1] - expected).abs() < 0.02, "{t}: {:?}", line.inputs);
            line.accept(&[0.0, t, 0.0, 0.0, 0.0], t, &[0.1; 7], 1e-12);
        }
        assert!(line.history.len() < 30);
    }
}
