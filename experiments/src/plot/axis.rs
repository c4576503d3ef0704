//! One axis type for linear and logarithmic ranges, with ticks that read well on any of them, ranges under a decade included.

use std::ops::Range;

use plotters::coord::ranged1d::{KeyPointHint, NoDefaultFormatting, Ranged, ValueFormatter};

/// Ticks that an axis aims at.
const TICKS: f64 = 6.0;

/// Share of an axis below the break that parts zero from a logarithmic range.
const BREAK: f64 = 0.12;

/// A range of numbers on an axis.
#[derive(Clone, Debug)]
pub struct Axis {
    low: f64,
    high: f64,
    logarithmic: bool,
    /// Zero has a place of its own at the lower end of a logarithmic axis, below a break.
    zero: bool,
    ticks: Vec<f64>,
    /// Labels are divided by 10 to this power, which the caption of the axis names.
    power: i32,
}

impl Axis {
    /// An axis over these values with a margin; logarithmic where they are above zero and span a decade or more.
    pub fn over(values: impl IntoIterator<Item = f64>) -> Self {
        let (low, high) = values
            .into_iter()
            .filter(|v| v.is_finite())
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| (low.min(v), high.max(v)));
        if low > high {
            return Self::linear(0.0, 1.0);
        }
        if low > 0.0 && high / low >= 10.0 {
            let margin = (high / low).powf(0.04);
            return Self::logarithmic(low / margin, high * margin);
        }
        let margin = if high > low { 0.05 * (high - low) } else { 0.05 * low.abs().max(1.0) };
        // A quantity that is never negative does not get an axis below zero.
        let bottom = if low >= 0.0 { (low - margin).max(0.0) } else { low - margin };
        Self::linear(bottom, high + margin)
    }

    /// A logarithmic axis over the positive ones of these values, with zero below a break at its lower end; everything not above zero is
    /// there.
    pub fn over_with_zero(values: impl IntoIterator<Item = f64>) -> Self {
        let positive = values.into_iter().filter(|v| v.is_finite() && *v > 0.0);
        let (low, high) = positive.fold((f64::INFINITY, 0.0), |(low, high), v| (v.min(low), v.max(high)));
        let (low, high): (f64, f64) = if low > high { (0.1, 1.0) } else { (low, high.max(low * 10.0)) };
        let mut axis = Self::logarithmic(low / 1.5, high * 1.2);
        axis.zero = true;
        axis.ticks.insert(0, 0.0);
        axis
    }

    /// A linear axis.
    pub fn linear(low: f64, high: f64) -> Self {
        let step = nice_step((high - low) / TICKS);
        // An end that is a tick stays one in spite of rounding.
        let first = (low / step - 1e-9).ceil() as i64;
        let last = (high / step + 1e-9).floor() as i64;
        let ticks = (first..=last).map(|k| k as f64 * step).collect();
        Self::new(low, high, false, ticks)
    }

    /// A logarithmic axis over positive numbers.
    pub fn logarithmic(low: f64, high: f64) -> Self {
        let decades = (high / low).log10();
        let (first, last) = (low.log10().floor() as i32, high.log10().ceil() as i32);
        let leads: &[f64] = match decades {
            d if d > 4.0 => &[1.0],
            d if d > 2.0 => &[1.0, 3.0],
            _ => &[1.0, 2.0, 5.0],
        };
        let stride = if decades > 8.0 { (decades / TICKS).ceil() as usize } else { 1 };
        let ticks: Vec<f64> = (first..=last)
            .step_by(stride)
            .flat_map(|exponent| leads.iter().map(move |lead| lead * 10f64.powi(exponent)))
            .filter(|tick| *tick >= low && *tick <= high)
            .collect();
        // Under a decade the leads give too few: equal steps then, which a reader expects of close numbers.
        let ticks = if ticks.len() < 4 && decades < 1.0 { Self::linear(low, high).ticks } else { ticks };
        Self::new(low, high, true, ticks)
    }

    fn new(low: f64, high: f64, logarithmic: bool, ticks: Vec<f64>) -> Self {
        let size = low.abs().max(high.abs());
        let exponent = if size > 0.0 { size.log10().floor() as i32 } else { 0 };
        let power = if (-2..5).contains(&exponent) { 0 } else { exponent.div_euclid(3) * 3 };
        Self { low, high, logarithmic, zero: false, ticks, power }
    }

    /// The same with few ticks, for a small picture: of a logarithmic axis the powers of ten before others; zero below a break stays.
    pub fn with_few_ticks(mut self, most: usize) -> Self {
        let is_power = |tick: &f64| *tick > 0.0 && (tick.log10() - tick.log10().round()).abs() < 1e-9;
        if self.logarithmic
            && self.ticks.len() > most
            && self.ticks.iter().filter(|t| is_power(t)).count() > 1
        {
            self.ticks.retain(|tick| *tick == 0.0 || is_power(tick));
        }
        let stride = self.ticks.len().div_ceil(most.max(1)).max(1);
        self.ticks = self.ticks.into_iter().step_by(stride).collect();
        self
    }

    /// The caption: name and unit, with the power of ten that the labels leave out, such as `energy (10⁹ pJ)`.
    pub fn caption(&self, name: &str, unit: &str) -> String {
        let factor = if self.power == 0 { String::new() } else { format!("10{}", superscript(self.power)) };
        match (factor.is_empty(), unit.is_empty()) {
            (true, true) => name.into(),
            (true, false) => format!("{name} ({unit})"),
            (false, true) => format!("{name} ({factor})"),
            (false, false) => format!("{name} ({factor} {unit})"),
        }
    }

    /// True if equal distances on it are equal factors.
    pub fn is_logarithmic(&self) -> bool {
        self.logarithmic
    }

    /// The label of a tick.
    pub fn label(&self, tick: f64) -> String {
        let value = tick / 10f64.powi(self.power);
        if value == 0.0 {
            return "0".into();
        }
        if self.logarithmic && value != 0.0 && !(1e-3..1e5).contains(&value.abs()) {
            return format!("{value:.0e}");
        }
        let step = self.ticks.windows(2).map(|w| (w[1] - w[0]).abs()).fold(f64::INFINITY, f64::min);
        let step = if step.is_finite() { step / 10f64.powi(self.power) } else { value.abs().max(1e-9) };
        if self.logarithmic {
            let text = format!("{value:.6}");
            return text.trim_end_matches('0').trim_end_matches('.').into();
        }
        let decimals = (-(step * 1.0001).log10().floor()).max(0.0) as usize;
        let text = format!("{value:.decimals$}");
        if text.trim_start_matches('-').chars().all(|c| c == '0' || c == '.') { "0".into() } else { text }
    }
}

/// 1, 2, 2.5 or 5 times a power of ten, at least `step`.
fn nice_step(step: f64) -> f64 {
    if !(step.is_finite() && step > 0.0) {
        return 1.0;
    }
    let power = 10f64.powf(step.log10().floor());
    let lead = [1.0, 2.0, 2.5, 5.0, 10.0].into_iter().find(|lead| lead * power >= step * 0.999);
    lead.unwrap_or(10.0) * power
}

fn superscript(power: i32) -> String {
    let digit = |c: char| match c {
        '-' => '⁻',
        '0' => '⁰',
        '1' => '¹',
        '2' => '²',
        '3' => '³',
        '4' => '⁴',
        '5' => '⁵',
        '6' => '⁶',
        '7' => '⁷',
        '8' => '⁸',
        _ => '⁹',
    };
    power.to_string().chars().map(digit).collect()
}

impl Ranged for Axis {
    type FormatOption = NoDefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, limit: (i32, i32)) -> i32 {
        let place = if self.zero && *value <= 0.0 {
            0.0
        } else if self.zero {
            BREAK + (1.0 - BREAK) * ((value / self.low).ln() / (self.high / self.low).ln()).max(0.0)
        } else if self.logarithmic {
            let value = value.max(f64::MIN_POSITIVE);
            (value / self.low).ln() / (self.high / self.low).ln()
        } else {
            (value - self.low) / (self.high - self.low)
        };
        limit.0 + (place * f64::from(limit.1 - limit.0)).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, _: Hint) -> Vec<f64> {
        self.ticks.clone()
    }

    fn range(&self) -> Range<f64> {
        if self.zero { 0.0..self.high } else { self.low..self.high }
    }
}

impl ValueFormatter<f64> for Axis {
    fn format_ext(&self, value: &f64) -> String {
        self.label(*value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(axis: &Axis) -> Vec<String> {
        axis.ticks.iter().map(|tick| axis.label(*tick)).collect()
    }

    #[test]
    fn a_logarithmic_range_under_a_decade_has_distinct_labels() {
        for (low, high) in [(1.2e6, 5.1e6), (0.031, 0.044), (95.0, 105.0), (3.0, 29.0)] {
            let labels = labels(&Axis::logarithmic(low, high));
            let distinct: std::collections::HashSet<_> = labels.iter().collect();
            assert!(labels.len() >= 3 && distinct.len() == labels.len(), "{low} to {high}: {labels:?}");
        }
    }

    #[test]
    fn large_numbers_put_their_power_into_the_caption() {
        let axis = Axis::linear(1.1e9, 1.9e9);
        assert_eq!(axis.caption("energy", "pJ"), "energy (10⁹ pJ)");
        assert_eq!(labels(&axis), ["1.2", "1.4", "1.6", "1.8"]);
    }

    #[test]
    fn small_steps_on_a_large_offset_keep_their_decimals() {
        assert_eq!(labels(&Axis::linear(99.9, 100.1)), ["99.90", "99.95", "100.00", "100.05", "100.10"]);
    }

    #[test]
    fn zero_stands_apart_from_a_logarithmic_range() {
        let axis = Axis::over_with_zero([0.0, 0.2, 30.0]);
        assert_eq!(labels(&axis)[0], "0");
        let place = |value: f64| axis.map(&value, (0, 1000));
        assert_eq!((place(0.0), place(-1.0)), (0, 0));
        assert!(place(0.2) > 120 && place(30.0) > place(0.2) && place(30.0) < 1000);
        assert!(labels(&Axis::over_with_zero([0.0])).len() > 1, "nothing but zero");
    }

    #[test]
    fn small_pictures_have_few_ticks() {
        let few = |axis: Axis, most| labels(&axis.with_few_ticks(most));
        assert_eq!(few(Axis::logarithmic(3e-3, 1.0), 4), ["0.01", "0.1", "1"]);
        assert_eq!(few(Axis::linear(0.0, 60.0), 4), ["0", "20", "40", "60"]);
        assert_eq!(few(Axis::over_with_zero([0.2, 30.0]), 4)[0], "0");
        assert_eq!(few(Axis::linear(0.0, 2.0), 10).len(), 5, "no more are left out than have to be");
    }

    #[test]
    fn one_value_or_none_makes_an_axis() {
        assert!(labels(&Axis::over([5.0])).len() > 1);
        assert!(labels(&Axis::over([])).len() > 1);
    }
}
