//! Evaluating measures on result tables.

use super::{Domain, Edge, Level, Measure, Operand, Part, Point, Quantity, Signal, Statistic};
use crate::analysis::Table;
use crate::control::{self, Names, Plot, Vector};
use crate::netlist::expression;
use crate::netlist::{Slots, Value};

/// A measure's outcome.
#[derive(Debug, Clone, PartialEq)]
pub struct Measured {
    /// Name.
    pub name: String,
    /// The number, or why there is none.
    pub value: Result<f64, String>,
}

/// Abscissa and ordinate of a signal.
struct Curve {
    x: Vec<f64>,
    y: Vec<f64>,
}

/// The results and parameters that a formula knows.
struct Known<'a> {
    plot: Plot,
    parameters: &'a [(String, Value)],
    slots: &'a Slots,
}

impl Names for Known<'_> {
    fn vector(&self, name: &str) -> Result<Vector, String> {
        if let Some(v) = self.plot.get(name) {
            return Ok(v);
        }
        let found = self.parameters.iter().find(|(n, _)| n == name);
        found.map(|(_, v)| Vector::scalar(self.slots.get(*v))).ok_or_else(|| {
            let known = self.plot.names().iter().map(String::as_str);
            format!("there is no result `{name}`{}", crate::error::did_you_mean(name, known))
        })
    }

    fn function(&self, _: &str, _: usize) -> Option<(Vec<String>, String)> {
        None
    }

    fn scale(&self) -> Vec<f64> {
        self.plot.scale()
    }

    fn degrees(&self) -> bool {
        true
    }
}

/// The curve of `par('formula')`; magnitudes of complex values.
fn formula(
    table: &Table,
    slots: &Slots,
    text: &str,
    parameters: &[(String, Value)],
) -> Result<Curve, String> {
    let known = Known { plot: Plot::of_table(String::new(), "", table), parameters, slots };
    let v = control::evaluate(text, &known)?;
    let x = known.plot.scale();
    let one = |k: usize| if v.complex { v.at(k).0.hypot(v.at(k).1) } else { v.at(k).0 };
    Ok(Curve { y: (0..x.len()).map(one).collect(), x })
}

fn curve(table: &Table, slots: &Slots, signal: &Signal) -> Result<Curve, String> {
    if let Some(parameters) = &signal.formula {
        return formula(table, slots, &signal.column, parameters);
    }
    let complex = |name: &str| -> Option<Vec<(f64, f64)>> {
        if let Some(column) = table.column(name) {
            return Some(column.map(|v| (v, 0.0)).collect());
        }
        let re = table.column(&format!("{name}.re"))?;
        let im = table.column(&format!("{name}.im"))?;
        Some(re.zip(im).collect())
    };
    let missing = |name: &str| {
        let known = table.columns.iter().map(|c| c.trim_end_matches(".re").trim_end_matches(".im"));
        format!("there is no result `{name}`{}", crate::error::did_you_mean(name, known))
    };
    let ground = |name: &str| matches!(name, "v(0)" | "v(gnd)");
    let zeros = || vec![(0.0, 0.0); table.len()];
    let read = |name: &str| if ground(name) { Some(zeros()) } else { complex(name) };
    let mut values = read(&signal.column).ok_or_else(|| missing(&signal.column))?;
    if let Some(minus) = &signal.minus {
        let other = read(minus).ok_or_else(|| missing(minus))?;
        for (v, o) in values.iter_mut().zip(other) {
            *v = (v.0 - o.0, v.1 - o.1);
        }
    }
    let is_complex = table.column_index(&format!("{}.re", signal.column)).is_some();
    let mut y: Vec<f64> = values
        .iter()
        .map(|(re, im)| match signal.part {
            Part::Plain if !is_complex => *re,
            Part::Plain | Part::Magnitude => re.hypot(*im),
            Part::Decibel => 20.0 * re.hypot(*im).log10(),
            Part::Phase => im.atan2(*re).to_degrees(),
            Part::Real => *re,
            Part::Imaginary => *im,
        })
        .collect();
    if signal.part == Part::Phase {
        unwrap_degrees(&mut y);
    }
    let x = table.data.iter().step_by(table.columns.len().max(1)).copied().collect();
    Ok(Curve { x, y })
}

/// Removes jumps of more than 180 degrees.
pub(crate) fn unwrap_degrees(phase: &mut [f64]) {
    let mut offset = 0.0;
    for i in 1..phase.len() {
        let raw = phase[i] + offset;
        offset -= 360.0 * ((raw - phase[i - 1]) / 360.0).round();
        phase[i] += offset;
    }
}

impl Curve {
    fn at(&self, x: f64) -> Option<f64> {
        let i = self.x.windows(2).position(|w| (w[0] <= x && x <= w[1]) || (w[1] <= x && x <= w[0]));
        match i {
            Some(i) if self.x[i + 1] != self.x[i] => {
                Some(self.y[i] + (self.y[i + 1] - self.y[i]) * (x - self.x[i]) / (self.x[i + 1] - self.x[i]))
            }
            Some(i) => Some(self.y[i]),
            None if self.x.len() == 1 => self.y.first().copied(),
            None => None,
        }
    }
}

fn crossing(
    table: &Table,
    slots: &Slots,
    signal: &Signal,
    level: &Level,
    edge: Edge,
    delay: f64,
) -> Result<f64, String> {
    let mut c = curve(table, slots, signal)?;
    match level {
        Level::Number(v) => {
            let v = slots.get(*v);
            c.y.iter_mut().for_each(|y| *y -= v);
        }
        Level::Signal(other) => {
            let o = curve(table, slots, other)?;
            c.y.iter_mut().zip(o.y).for_each(|(y, o)| *y -= o);
        }
    }
    let (wanted, rising, falling) = match edge {
        Edge::Rise(n) => (n, true, false),
        Edge::Fall(n) => (n, false, true),
        Edge::Cross(n) => (n, true, true),
    };
    let mut seen = 0;
    let mut last = None;
    for i in 1..c.x.len() {
        let (a, b) = (c.y[i - 1], c.y[i]);
        let up = a < 0.0 && b >= 0.0;
        let down = a > 0.0 && b <= 0.0;
        if (up && rising) || (down && falling) {
            let x = c.x[i - 1] + (c.x[i] - c.x[i - 1]) * a / (a - b);
            if x < delay {
                continue;
            }
            seen += 1;
            last = Some(x);
            if seen == wanted {
                return Ok(x);
            }
        }
    }
    match last {
        Some(x) if wanted == 0 => Ok(x),
        _ => Err(format!("the level is crossed {seen} times, crossing {} was asked for", wanted.max(1))),
    }
}

fn instant(table: &Table, slots: &Slots, point: &Point) -> Result<f64, String> {
    match point {
        Point::At(v) => Ok(slots.get(*v)),
        Point::Crossing { signal, level, edge, delay } => {
            crossing(table, slots, signal, level, *edge, slots.get(*delay))
        }
    }
}

fn statistic(c: &Curve, statistic: Statistic, from: Option<f64>, to: Option<f64>) -> Result<f64, String> {
    let first = c.x.iter().copied().fold(f64::INFINITY, f64::min);
    let last = c.x.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let (from, to) = (from.unwrap_or(first).max(first), to.unwrap_or(last).min(last));
    if from.is_nan() || to.is_nan() || from > to {
        return Err("the range from `from` to `to` holds no points".into());
    }
    // The range's ends by interpolation, the points between them as they are.
    let mut points = Vec::new();
    if let Some(y) = c.at(from) {
        points.push((from, y));
    }
    points.extend(c.x.iter().copied().zip(c.y.iter().copied()).filter(|(x, _)| *x > from && *x < to));
    if let Some(y) = c.at(to).filter(|_| to > from) {
        points.push((to, y));
    }
    let Some(start) = points.first().copied() else { return Err("no points in range".into()) };
    // Extremes are those of the points themselves, as in ngspice.
    let given = || c.x.iter().copied().zip(c.y.iter().copied()).filter(|(x, _)| (from..=to).contains(x));
    let start = given().next().unwrap_or(start);
    let max = given().fold(start, |m, p| if p.1 > m.1 { p } else { m });
    let min = given().fold(start, |m, p| if p.1 < m.1 { p } else { m });
    let integral = |f: &dyn Fn(f64) -> f64| {
        points.windows(2).map(|w| 0.5 * (f(w[0].1) + f(w[1].1)) * (w[1].0 - w[0].0)).sum::<f64>()
    };
    let width = if to > from { to - from } else { 1.0 };
    Ok(match statistic {
        Statistic::Max => max.1,
        Statistic::Min => min.1,
        Statistic::PeakToPeak => max.1 - min.1,
        Statistic::MaxAt => max.0,
        Statistic::MinAt => min.0,
        Statistic::Integral => integral(&|y| y),
        Statistic::Average => integral(&|y| y) / width,
        Statistic::Rms => (integral(&|y| y * y) / width).sqrt(),
    })
}

fn one(
    measure: &Measure,
    tables: &dyn Fn(Domain) -> Option<Table>,
    slots: &Slots,
    done: &[Measured],
) -> Result<f64, String> {
    if let Quantity::Expression { program, uses } = &measure.quantity {
        let mut operands = Vec::new();
        for operand in uses {
            operands.push(match operand {
                Operand::Parameter(v) => slots.get(*v),
                Operand::Measure(name) => match done.iter().find(|m| m.name == *name) {
                    Some(m) => m.value.clone().map_err(|e| format!("`{name}` has no value: {e}"))?,
                    None => {
                        let hint = crate::error::did_you_mean(name, done.iter().map(|m| m.name.as_str()));
                        return Err(format!("`{name}` is neither a parameter nor an earlier measure{hint}"));
                    }
                },
            });
        }
        return Ok(expression::run(program, &operands));
    }
    let table = tables(measure.domain).ok_or("its analysis was not run")?;
    let table = &table;
    let get = |v: &Option<Value>| v.map(|v| slots.get(v));
    match &measure.quantity {
        Quantity::Delay { trigger, target } => {
            Ok(instant(table, slots, target)? - instant(table, slots, trigger)?)
        }
        Quantity::When(point) => instant(table, slots, point),
        Quantity::Find(signal, point) => {
            let x = instant(table, slots, point)?;
            let c = curve(table, slots, signal)?;
            match measure.domain {
                Domain::Op => table
                    .last(&signal.column)
                    .ok_or_else(|| format!("there is no result `{}`", signal.column)),
                _ => c.at(x).ok_or_else(|| format!("{x:e} is outside the results")),
            }
        }
        Quantity::Slope(signal, point) => {
            let x = instant(table, slots, point)?;
            let c = curve(table, slots, signal)?;
            let i =
                c.x.windows(2)
                    .position(|w| w[0] <= x && x <= w[1] && w[1] > w[0])
                    .ok_or_else(|| format!("{x:e} is outside the results"))?;
            Ok((c.y[i + 1] - c.y[i]) / (c.x[i + 1] - c.x[i]))
        }
        Quantity::Statistic { statistic: kind, signal, from, to } => {
            if signal.column.starts_with("v(onoise_total") || signal.column.starts_with("v(inoise_total") {
                let current = signal.column.replacen('v', "i", 1);
                let total = table.last(&signal.column).or_else(|| table.last(&current));
                return total.ok_or_else(|| "no integrated noise".to_string());
            }
            statistic(&curve(table, slots, signal)?, *kind, get(from), get(to))
        }
        Quantity::Expression { .. } => Err("not reached".into()),
    }
}

/// Evaluates measures in deck order. `tables` gives the results of an analysis, if it was run.
pub fn evaluate(
    measures: &[Measure],
    tables: &dyn Fn(Domain) -> Option<Table>,
    slots: &Slots,
) -> Vec<Measured> {
    let mut done: Vec<Measured> = Vec::new();
    for m in measures {
        let value = one(m, tables, slots, &done);
        done.push(Measured { name: m.name.clone(), value });
    }
    done
}
