//! Time functions of independent sources and the instants at which they have corners.

use std::f64::consts::PI;

use crate::error::{CircuitError, Result};
use crate::netlist::{Element, Netlist, Slots, Waveform};

/// A time function with its values evaluated.
#[derive(Debug, Clone)]
pub struct Wave {
    kind: Shape,
    values: Vec<f64>,
    /// Of `pwl`: what is subtracted from the time.
    delay: f64,
    /// Of `pwl`: the time from which it repeats.
    repeat: Option<f64>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Shape {
    Pulse,
    Sin,
    Exp,
    Pwl,
    Sffm,
    Am,
}

fn parts(wave: &Waveform) -> (Shape, &[crate::netlist::Value]) {
    match wave {
        Waveform::Pulse(v) => (Shape::Pulse, v),
        Waveform::Sin(v) => (Shape::Sin, v),
        Waveform::Exp(v) => (Shape::Exp, v),
        Waveform::Pwl { points, .. } => (Shape::Pwl, points),
        Waveform::Sffm(v) => (Shape::Sffm, v),
        Waveform::Am(v) => (Shape::Am, v),
    }
}

/// Delay and start of the repetition of a `pwl`; a negative start switches the repetition off, as in ngspice.
fn shift(wave: &Waveform, slots: &Slots) -> (f64, Option<f64>) {
    match wave {
        Waveform::Pwl { delay, repeat, .. } => {
            (delay.map_or(0.0, |v| slots.get(v)), repeat.map(|v| slots.get(v)).filter(|r| *r >= 0.0))
        }
        _ => (0.0, None),
    }
}

/// Step and end of the transient analysis, from which missing values come.
#[derive(Debug, Clone, Copy, Default)]
pub struct Span {
    /// `.tran` step, s.
    pub step: f64,
    /// `.tran` stop, s.
    pub stop: f64,
}

impl Wave {
    /// Evaluates a waveform's values.
    pub fn new(wave: &Waveform, netlist: &Netlist, e: &Element) -> Result<Self> {
        let (kind, list) = parts(wave);
        let values: Vec<f64> = list.iter().map(|v| netlist.slots.get(*v)).collect();
        let fail = |message: &str| {
            Err(CircuitError::Syntax {
                message: format!("`{}`: {message}", e.name),
                location: e.location.clone(),
            })
        };
        if values.iter().any(|v| !v.is_finite()) {
            return fail("a value of its waveform is not a finite number");
        }
        if kind == Shape::Pwl {
            if values.len() % 2 == 1 {
                return fail("`pwl` needs pairs of time and value");
            }
            if values.chunks_exact(2).zip(values.chunks_exact(2).skip(1)).any(|(a, b)| b[0] < a[0]) {
                return fail("the times of `pwl` must not decrease");
            }
        }
        let (delay, repeat) = shift(wave, &netlist.slots);
        let corner = |t: f64| values.chunks_exact(2).any(|p| (p[0] - t).abs() <= 1e-9 * t.abs());
        if let Some(start) = repeat.filter(|r| !(corner(*r) && *r < values[values.len() - 2])) {
            return fail(&format!("`r={start:e}` of `pwl` must be one of its times, and not the last"));
        }
        if !delay.is_finite() {
            return fail("`td` of `pwl` is not a finite number");
        }
        Ok(Self { kind, values, delay, repeat })
    }

    /// Re-evaluates in place; false if the waveform is of another shape.
    pub fn refresh(&mut self, wave: &Waveform, slots: &Slots) -> bool {
        let (kind, list) = parts(wave);
        if kind != self.kind || list.len() != self.values.len() {
            return false;
        }
        let mut good = true;
        for (value, source) in self.values.iter_mut().zip(list) {
            *value = slots.get(*source);
            good &= value.is_finite();
        }
        (self.delay, self.repeat) = shift(wave, slots);
        good && self.delay.is_finite()
    }

    fn at_index(&self, i: usize) -> f64 {
        self.values.get(i).copied().unwrap_or(0.0)
    }

    /// Value `i` if given and not zero, else the default.
    fn or(&self, i: usize, default: f64) -> f64 {
        match self.values.get(i) {
            Some(v) if *v != 0.0 => *v,
            _ => default,
        }
    }

    fn pulse(&self, span: Span) -> (f64, f64, f64, f64, f64) {
        (
            self.at_index(2),
            self.or(3, span.step),
            self.or(4, span.step),
            self.or(5, span.stop),
            self.or(6, span.stop),
        )
    }

    /// The value at time `t` (seconds).
    pub fn value(&self, t: f64, span: Span) -> f64 {
        let v = |i: usize| self.at_index(i);
        match self.kind {
            Shape::Pulse => {
                let (td, tr, tf, pw, per) = self.pulse(span);
                let (v1, v2) = (v(0), v(1));
                let mut t = t - td;
                if v(7) > 0.0 && t > v(7) * per {
                    return v1;
                }
                if t > per && per > 0.0 {
                    t -= per * (t / per).floor();
                }
                if t <= 0.0 || t >= tr + pw + tf {
                    v1
                } else if t >= tr && t <= tr + pw {
                    v2
                } else if t < tr {
                    v1 + (v2 - v1) * t / tr
                } else {
                    v2 + (v1 - v2) * (t - tr - pw) / tf
                }
            }
            Shape::Sin => {
                let (vo, va, td, theta) = (v(0), v(1), v(3), v(4));
                let f = self.or(2, 1.0 / span.stop.max(f64::MIN_POSITIVE));
                let phase = v(5) * PI / 180.0;
                let t = t - td;
                if t <= 0.0 {
                    vo + va * phase.sin()
                } else {
                    vo + va * (2.0 * PI * f * t + phase).sin() * (-t * theta).exp()
                }
            }
            Shape::Exp => {
                let td1 = self.or(2, span.step);
                let tau1 = self.or(3, span.step);
                let td2 = self.or(4, td1 + span.step);
                let tau2 = self.or(5, span.step);
                let mut out = v(0);
                if t > td1 {
                    out += (v(1) - v(0)) * (1.0 - (-(t - td1) / tau1).exp());
                }
                if t > td2 {
                    out += (v(0) - v(1)) * (1.0 - (-(t - td2) / tau2).exp());
                }
                out
            }
            Shape::Pwl => {
                let points = self.values.as_slice();
                let Some(last) = points.len().checked_sub(2) else { return 0.0 };
                let t = self.folded(t, points[last]).0;
                if t <= points[0] {
                    return points[1];
                }
                if t >= points[last] {
                    return points[last + 1];
                }
                let pairs = points.as_chunks::<2>().0;
                let i = pairs.partition_point(|p| p[0] <= t);
                let ([t0, v0], [t1, v1]) = (pairs[i - 1], pairs[i]);
                v0 + (v1 - v0) * (t - t0) / (t1 - t0)
            }
            Shape::Am => {
                // Nothing before the delay; then a carrier whose amplitude swings around `vo`.
                let t = t - v(4);
                if t <= 0.0 {
                    return 0.0;
                }
                let turn = 2.0 * PI * t;
                v(0) * (v(1) + (turn * self.or(2, 1.0 / span.stop.max(f64::MIN_POSITIVE))).sin())
                    * (turn * v(3)).sin()
            }
            Shape::Sffm => {
                let fc = self.or(2, 1.0 / span.stop.max(f64::MIN_POSITIVE));
                let fs = self.or(4, 1.0 / span.stop.max(f64::MIN_POSITIVE));
                v(0) + v(1) * ((2.0 * PI * fc * t) + v(3) * (2.0 * PI * fs * t).sin()).sin()
            }
        }
    }

    /// The time inside the points of a `pwl` that end at `last`, and what has to be added to come back.
    fn folded(&self, t: f64, last: f64) -> (f64, f64) {
        let local = t - self.delay;
        match self.repeat {
            Some(start) if local > last => {
                // A hair before a period's end is its end.
                let periods = ((local - last) / (last - start) + 1e-9).floor() + 1.0;
                let folded = local - periods * (last - start);
                (folded.max(start), t - folded)
            }
            _ => (local, self.delay),
        }
    }

    /// The first corner later than `t`, or infinity. Only `pulse` and `pwl` have corners.
    pub fn next_corner(&self, t: f64, span: Span) -> f64 {
        match self.kind {
            Shape::Pulse => {
                let (td, tr, tf, pw, per) = self.pulse(span);
                if t < td {
                    return td;
                }
                let period = if per > 0.0 { per } else { f64::INFINITY };
                let base = if period.is_finite() { td + period * ((t - td) / period).floor() } else { td };
                for start in [base - period, base, base + period] {
                    if !start.is_finite() || start < td - 0.5 * period.min(1.0) {
                        continue;
                    }
                    // An eighth value limits the number of pulses.
                    let count = self.or(7, 0.0);
                    if count > 0.0 && start >= td + (count - 0.5) * period {
                        continue;
                    }
                    for offset in [0.0, tr, tr + pw, tr + pw + tf] {
                        // Corners past the period's end never happen.
                        if offset < period && start + offset > t {
                            return start + offset;
                        }
                    }
                }
                f64::INFINITY
            }
            Shape::Pwl => {
                let Some(last) = self.values.len().checked_sub(2) else { return f64::INFINITY };
                let (inner, shifted) = self.folded(t, self.values[last]);
                let times = || self.values.chunks_exact(2).map(|p| p[0]);
                let later = |after: f64, shift: f64| {
                    times().filter(|x| *x >= after).map(|x| x + shift).find(|x| *x > t)
                };
                later(f64::NEG_INFINITY, shifted)
                    // The next corner is in the next period.
                    .or_else(|| self.repeat.and_then(|r| later(r, shifted + self.values[last] - r)))
                    .filter(|_| inner < self.values[last] || self.repeat.is_some())
                    .unwrap_or(f64::INFINITY)
            }
            _ => f64::INFINITY,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wave(kind: Shape, values: &[f64]) -> Wave {
        Wave { kind, values: values.to_vec(), delay: 0.0, repeat: None }
    }

    #[test]
    fn pulse_levels_and_corners() {
        let w = wave(Shape::Pulse, &[0.0, 1.0, 1.0, 0.1, 0.2, 2.0, 5.0]);
        let s = Span { step: 0.1, stop: 10.0 };
        assert_eq!(w.value(0.5, s), 0.0);
        assert!((w.value(1.05, s) - 0.5).abs() < 1e-12);
        assert_eq!(w.value(2.0, s), 1.0);
        assert!((w.value(3.2, s) - 0.5).abs() < 1e-12);
        assert_eq!(w.value(7.0, s), 1.0);
        let mut t = 0.0;
        let mut corners = Vec::new();
        while t < 7.0 {
            t = w.next_corner(t, s);
            corners.push((t * 1e6).round() / 1e6);
        }
        assert_eq!(corners, [1.0, 1.1, 3.1, 3.3, 6.0, 6.1, 8.1]);
    }

    #[test]
    fn an_eighth_value_of_a_pulse_counts_the_pulses() {
        let w = wave(Shape::Pulse, &[0.0, 1.0, 1.0, 0.1, 0.1, 1.0, 4.0, 3.0]);
        let s = Span { step: 0.01, stop: 20.0 };
        assert_eq!((w.value(9.5, s), w.value(13.5, s), w.value(17.5, s)), (1.0, 0.0, 0.0));
        assert_eq!(w.next_corner(11.0, s), f64::INFINITY);
    }

    #[test]
    fn piecewise_linear_interpolates_and_holds() {
        let w = wave(Shape::Pwl, &[0.0, 0.0, 1.0, 2.0, 1.0, 3.0, 2.0, 3.0]);
        let s = Span::default();
        assert_eq!(w.value(0.5, s), 1.0);
        assert_eq!(w.value(1.5, s), 3.0);
        assert_eq!(w.value(9.0, s), 3.0);
        assert_eq!(w.next_corner(0.5, s), 1.0);
        assert_eq!(w.next_corner(1.0, s), 2.0);
    }

    #[test]
    fn piecewise_lines_wait_and_repeat() {
        let mut w = wave(Shape::Pwl, &[0.0, 0.0, 1.0, 2.0, 3.0, 0.0]);
        w.repeat = Some(1.0);
        let span = Span::default();
        // Period 2 from 1 on: the value jumps from 0 back to 2.
        for (t, v) in [(0.5, 1.0), (2.0, 1.0), (3.5, 1.5), (4.0, 1.0), (6.5, 0.5)] {
            assert!((w.value(t, span) - v).abs() < 1e-12, "{t}: {}", w.value(t, span));
        }
        assert_eq!([0.5, 1.0, 3.5, 5.0].map(|t| w.next_corner(t, span)), [1.0, 3.0, 5.0, 7.0]);
        w.repeat = None;
        w.delay = 10.0;
        assert_eq!((w.value(9.0, span), w.value(11.0, span), w.value(20.0, span)), (0.0, 2.0, 0.0));
        assert_eq!([0.0, 10.0, 13.0].map(|t| w.next_corner(t, span)), [10.0, 11.0, f64::INFINITY]);
    }
}
