//! Sweeps: from one struct of hyperparameters with lists and ranges to many structs without.
//!
//! A list is a grid over its elements (a hyperparameter that is a list itself takes a list of lists), and so are `Linear(a, b, n)` and
//! `Logarithmic(a, b, n)`: n values from a to b, at equal distances or equal factors, whole numbers where a and b are. `Uniform(a, b)`,
//! `LogUniform(a, b)`, `Integer(a, b)` and `LogInteger(a, b)` are ranges from which `samples` sets are drawn, at random or, with
//! `sampling: Sobol`, from a scrambled Sobol sequence that covers them evenly. Every set keeps the places of its values in the study file: what is
//! not chosen is blanked, what is chosen stays where it stands.

use hwgym_agents::sobol::SobolSequence;
use hwgym_envs::{Options, Random};
use ron::value::RawValue;
use serde::Deserialize;

use super::source::{Fields, Source, leading};
use crate::StudyError;

/// One concrete set of hyperparameters.
#[derive(Clone, Debug)]
pub struct HyperparameterSet {
    /// The varied ones, as name and RON value; empty without a sweep.
    pub varied: Vec<(String, String)>,
    /// All of them.
    pub options: Options,
}

/// How sets are drawn from ranges.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub(super) enum Sampling {
    /// Independently.
    #[default]
    Random,
    /// By a scrambled Sobol sequence: evenly over all ranges together.
    Sobol,
}

/// Values at equal distances or equal factors.
#[derive(Deserialize)]
enum Steps {
    Linear(Number, Number, usize),
    Logarithmic(Number, Number, usize),
}

/// A number as it is written: whole, or not.
#[derive(Clone, Copy, Deserialize)]
#[serde(untagged, expecting = "expected two numbers and a count, as in Linear(0.1, 0.9, 5)")]
enum Number {
    Whole(i64),
    Real(f64),
}

impl Number {
    fn value(self) -> f64 {
        match self {
            Self::Whole(whole) => whole as f64,
            Self::Real(real) => real,
        }
    }
}

impl Steps {
    /// The values in RON; `None` unless both ends are finite, in order, above 0 for a logarithmic one, and there are two values at least.
    fn values(&self) -> Option<Vec<String>> {
        let (Self::Linear(low, high, count) | Self::Logarithmic(low, high, count)) = self;
        let (from, to) = (low.value(), high.value());
        let logarithmic = matches!(self, Self::Logarithmic(..));
        if !(from < to && from.is_finite() && to.is_finite() && *count >= 2 && *count <= 10_000)
            || (logarithmic && from <= 0.0)
        {
            return None;
        }
        let whole = matches!((low, high), (Number::Whole(_), Number::Whole(_)));
        let at = |step: usize| {
            let share = step as f64 / (*count - 1) as f64;
            let value = if logarithmic { from * (to / from).powf(share) } else { from + share * (to - from) };
            if whole { format!("{}", value.round() as i64) } else { real(value) }
        };
        let mut values: Vec<String> = (0..*count).map(at).collect();
        // Whole numbers close together may round to the same.
        values.dedup();
        Some(values)
    }
}

/// A real number in RON with six significant digits, so that a person can copy it.
fn real(value: f64) -> String {
    let rounded: f64 = format!("{value:.5e}").parse().unwrap_or(value);
    format!("{rounded:?}")
}

#[derive(Deserialize)]
enum Range {
    Uniform(f64, f64),
    LogUniform(f64, f64),
    Integer(i64, i64),
    LogInteger(i64, i64),
}

impl Range {
    fn is_valid(&self) -> bool {
        match self {
            Self::Uniform(low, high) => low.is_finite() && high.is_finite() && low < high,
            Self::LogUniform(low, high) => *low > 0.0 && high.is_finite() && low < high,
            Self::Integer(low, high) => low < high,
            Self::LogInteger(low, high) => *low > 0 && low < high,
        }
    }

    /// The value in RON at a place of the unit interval.
    fn at(&self, place: f64) -> String {
        let between = |low: f64, high: f64| low + place * (high - low);
        let integer = |value: f64, low: i64, high: i64| (value.floor() as i64).clamp(low, high).to_string();
        match *self {
            Self::Uniform(low, high) => real(between(low, high)),
            Self::LogUniform(low, high) => real(between(low.ln(), high.ln()).exp()),
            Self::Integer(low, high) => integer(between(low as f64, high as f64 + 1.0), low, high),
            Self::LogInteger(low, high) => {
                integer(between((low as f64).ln(), (high as f64 + 1.0).ln()).exp(), low, high)
            }
        }
    }
}

/// A field that varies.
struct Axis<'a> {
    name: String,
    slot: &'a str,
    kind: Kind<'a>,
}

enum Kind<'a> {
    /// The elements, as slices of the study file.
    Grid(Vec<&'a str>),
    Steps(Vec<String>),
    Range(Range),
}

impl Kind<'_> {
    /// Values of a grid; 1 for a range, which is drawn from.
    fn grid(&self) -> usize {
        match self {
            Self::Grid(elements) => elements.len(),
            Self::Steps(values) => values.len(),
            Self::Range(_) => 1,
        }
    }
}

/// All sets of one entry of the study: the product of its lists, times `samples` draws from its ranges.
pub(super) fn expand(
    source: &Source,
    raw: Option<&RawValue>,
    (samples, sampling): (usize, Sampling),
    seed: u64,
    entry: &str,
) -> Result<Vec<HyperparameterSet>, StudyError> {
    let options = source.options(raw);
    let Some(raw) = raw else {
        return Ok(vec![HyperparameterSet { varied: Vec::new(), options }]);
    };
    let fields: Fields = source.part(raw)?;
    let axes = axes(source, &fields)?;
    let ranges = axes.iter().filter(|axis| matches!(axis.kind, Kind::Range(_))).count();
    if (ranges > 0) != (samples > 0) {
        let message = if ranges > 0 {
            "a range needs `samples: N` beside `hyperparameters`: the number of sets to draw from it"
        } else {
            "`samples` needs a range, such as `LogUniform(0.001, 0.1)`, among the hyperparameters"
        };
        return Err(source.error(entry, message));
    }
    let grids: usize = axes.iter().map(|axis| axis.kind.grid()).fold(1, usize::saturating_mul);
    if grids.saturating_mul(samples.max(1)) > 10_000 {
        return Err(source.error(entry, "more than 10,000 sets of hyperparameters; shorten the lists"));
    }
    let mut random = Random::derived(seed, "hyperparameters");
    let mut sequence = SobolSequence::new(ranges.max(1), Some(seed));
    let mut point = vec![0.0; ranges.max(1)];
    let mut sets = Vec::new();
    for _ in 0..samples.max(1) {
        match sampling {
            Sampling::Random => point[..ranges].iter_mut().for_each(|place| *place = random.uniform()),
            Sampling::Sobol => sequence.next_into(&mut point),
        }
        let mut places = point.iter();
        let drawn: Vec<Option<String>> = axes
            .iter()
            .map(|axis| match &axis.kind {
                Kind::Range(range) => places.next().map(|place| range.at(*place)),
                Kind::Grid(_) | Kind::Steps(_) => None,
            })
            .collect();
        for mut number in 0..grids {
            let mut varied = Vec::new();
            let mut text = raw.get_ron().to_string();
            for (axis, drawn) in axes.iter().zip(&drawn) {
                let (value, at) = match (&axis.kind, drawn) {
                    (Kind::Grid(elements), _) => {
                        let element = elements[number % elements.len()];
                        number /= elements.len();
                        (element, offset(element, axis.slot))
                    }
                    (Kind::Steps(values), _) => {
                        let value = &values[number % values.len()];
                        number /= values.len();
                        (value.as_str(), leading(axis.slot))
                    }
                    (_, Some(drawn)) => (drawn.as_str(), leading(axis.slot)),
                    _ => continue,
                };
                // A list of one value varies nothing.
                if drawn.is_some() || axis.kind.grid() > 1 {
                    varied.push((axis.name.clone(), value.trim().to_string()));
                }
                replace(&mut text, raw.get_ron(), axis.slot, value, at);
            }
            sets.push(HyperparameterSet { varied, options: options.with_text(text) });
        }
    }
    Ok(sets)
}

fn axes<'a>(source: &'a Source, fields: &Fields<'a>) -> Result<Vec<Axis<'a>>, StudyError> {
    let mut axes = Vec::new();
    for (name, raw) in &fields.0 {
        let slot = raw.get_ron();
        let value = &slot[leading(slot)..];
        let kind = if value.starts_with('[') {
            let elements: Vec<&RawValue> = source.part(raw)?;
            if elements.is_empty() {
                return Err(
                    source.error(slot, format!("the list of `{name}` is empty; give one value at least"))
                );
            }
            Kind::Grid(elements.into_iter().map(|e| e.get_ron()).collect())
        } else if is_call(value, &["Linear", "Logarithmic"]) {
            let steps: Steps = source.part(raw)?;
            let Some(values) = steps.values() else {
                let message = format!(
                    "the steps of `{name}` are empty; expected (low, high, count) with low < high, 2 or more values, and low > 0 for logarithmic ones"
                );
                return Err(source.error(slot, message));
            };
            Kind::Steps(values)
        } else if is_call(value, &["Uniform", "LogUniform", "Integer", "LogInteger"]) {
            let range: Range = source.part(raw)?;
            if !range.is_valid() {
                return Err(source.error(
                    slot,
                    format!("the range of `{name}` is empty; expected low < high, and low > 0 for a logarithmic one"),
                ));
            }
            Kind::Range(range)
        } else {
            continue;
        };
        axes.push(Axis { name: name.clone(), slot, kind });
    }
    Ok(axes)
}

/// True for one of these names with something in parentheses.
fn is_call(value: &str, names: &[&str]) -> bool {
    names.iter().any(|name| value.strip_prefix(name).is_some_and(|rest| rest.trim_start().starts_with('(')))
}

/// Byte offset of a slice in the slice it was taken from.
fn offset(part: &str, whole: &str) -> usize {
    (part.as_ptr() as usize).saturating_sub(whole.as_ptr() as usize)
}

/// Puts `value` into the slot of `text`, `at` bytes after the slot's start; the rest of the slot becomes blank, its line breaks stay.
fn replace(text: &mut String, original: &str, slot: &str, value: &str, at: usize) {
    // Slots are replaced from left to right; what was replaced before may have changed the length by this much.
    let shift = text.len() as isize - original.len() as isize;
    let start = offset(slot, original).saturating_add_signed(shift);
    let blank = |part: &str| -> String { part.chars().map(|c| if c == '\n' { '\n' } else { ' ' }).collect() };
    let tail = slot.get(at + value.len()..).unwrap_or("");
    let new = format!("{}{value}{}", blank(&slot[..at]), blank(tail));
    text.replace_range(start..start + slot.len(), &new);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sets(text: &str, samples: usize) -> Result<Vec<HyperparameterSet>, StudyError> {
        let source = Source {
            text: text.into(),
            path: "study.ron".into(),
            folder: Default::default(),
            included: Vec::new(),
        };
        let raw: &RawValue = source.read()?;
        expand(&source, Some(raw), (samples, Sampling::Random), 1, &source.text)
    }

    #[derive(Deserialize, Debug, PartialEq)]
    #[serde(deny_unknown_fields)]
    struct Mine {
        size: u32,
        rate: f64,
        name: String,
    }

    #[test]
    fn lists_make_a_grid() -> Result<(), Box<dyn std::error::Error>> {
        let sets = sets("(\n  size: [1, 22,\n 3], rate: [0.5, 0.25], name: \"x\")", 0)?;
        let read: Vec<Mine> = sets.iter().map(|s| s.options.parse()).collect::<Result<_, _>>()?;
        assert_eq!(read.len(), 6);
        assert_eq!(read[1], Mine { size: 22, rate: 0.5, name: "x".into() });
        assert_eq!(read[5], Mine { size: 3, rate: 0.25, name: "x".into() });
        assert_eq!(sets[5].varied[0], ("size".into(), "3".into()));
        Ok(())
    }

    #[test]
    fn a_mistake_in_an_element_is_reported_at_the_element() -> Result<(), Box<dyn std::error::Error>> {
        let sets = sets("(\n  size: [1, -22,\n 3], rate: 1.0, name: \"x\")", 0)?;
        let error = sets[1].options.parse::<Mine>().err().map(|e| e.to_string()).unwrap_or_default();
        // RON points behind the sign.
        assert!(error.starts_with("study.ron:2:14"), "{error}");
        Ok(())
    }

    #[test]
    fn ranges_are_sampled_and_reproduce() -> Result<(), Box<dyn std::error::Error>> {
        let text = "(size: LogInteger(4, 64), rate: LogUniform(1e-4, 1e-1), name: \"x\")";
        let (first, again) = (sets(text, 20)?, sets(text, 20)?);
        for (set, again) in first.iter().zip(&again) {
            let read: Mine = set.options.parse()?;
            assert!((4..=64).contains(&read.size) && (1e-4..=1e-1).contains(&read.rate), "{read:?}");
            assert_eq!(read, again.options.parse()?);
        }
        assert!(sets(text, 0).is_err() && sets("(size: 1)", 3).is_err());
        Ok(())
    }

    #[test]
    fn steps_are_a_grid_of_their_own() -> Result<(), Box<dyn std::error::Error>> {
        let sets = sets("(size: Logarithmic(1, 1000, 4), rate: Linear(0.1, 0.3, 3), name: \"x\")", 0)?;
        let read: Vec<Mine> = sets.iter().map(|s| s.options.parse()).collect::<Result<_, _>>()?;
        assert_eq!(read.iter().map(|m| m.size).take(4).collect::<Vec<_>>(), [1, 10, 100, 1000]);
        assert_eq!(read.iter().map(|m| m.rate).step_by(4).collect::<Vec<_>>(), [0.1, 0.2, 0.3]);
        assert_eq!(sets[11].varied, [("size".into(), "1000".into()), ("rate".into(), "0.3".into())]);
        for wrong in ["Linear(3, 1, 4)", "Linear(1, 3, 1)", "Logarithmic(0, 3, 4)", "Linear(1, 3)"] {
            assert!(
                super::tests::sets(&format!("(size: {wrong}, rate: 1.0, name: \"x\")"), 0).is_err(),
                "{wrong}"
            );
        }
        Ok(())
    }

    #[test]
    fn sobol_samples_fall_into_every_part() -> Result<(), Box<dyn std::error::Error>> {
        let text = "(size: Integer(0, 7), rate: Uniform(0.0, 1.0), name: \"x\")";
        let source = Source {
            text: text.into(),
            path: "study.ron".into(),
            folder: Default::default(),
            included: Vec::new(),
        };
        let raw: &RawValue = source.read()?;
        let sets = expand(&source, Some(raw), (64, Sampling::Sobol), 1, &source.text)?;
        let read: Vec<Mine> = sets.iter().map(|s| s.options.parse()).collect::<Result<_, _>>()?;
        // A net: each of the 8 x 8 parts of the square holds one of the 64 points.
        let parts: std::collections::HashSet<_> =
            read.iter().map(|m| (m.size, (m.rate * 8.0) as u32)).collect();
        assert_eq!(parts.len(), 64);
        Ok(())
    }
}
