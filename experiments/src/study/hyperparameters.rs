//! Sweeps: from one struct of hyperparameters with lists and ranges to many structs without.
//!
//! A list is a grid over its elements (a hyperparameter that is a list itself takes a list of lists); `Uniform(a, b)`, `LogUniform(a, b)`,
//! `Integer(a, b)` and `LogInteger(a, b)` are ranges from which `samples` sets are drawn. Every set keeps the places of its values in the
//! study file: what is not chosen is blanked, what is chosen stays where it stands.

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

    /// A value in RON; reals with six significant digits, so that a person can copy them.
    fn draw(&self, random: &mut Random) -> String {
        let real = |value: f64| {
            let rounded: f64 = format!("{value:.5e}").parse().unwrap_or(value);
            format!("{rounded:?}")
        };
        let integer = |value: f64, low: i64, high: i64| (value.floor() as i64).clamp(low, high).to_string();
        match *self {
            Self::Uniform(low, high) => real(random.between(low, high)),
            Self::LogUniform(low, high) => real(random.between(low.ln(), high.ln()).exp()),
            Self::Integer(low, high) => integer(random.between(low as f64, high as f64 + 1.0), low, high),
            Self::LogInteger(low, high) => {
                integer(random.between((low as f64).ln(), (high as f64 + 1.0).ln()).exp(), low, high)
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
    Range(Range),
}

/// All sets of one entry of the study: the product of its lists, times `samples` draws from its ranges.
pub(super) fn expand(
    source: &Source,
    raw: Option<&RawValue>,
    samples: usize,
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
    let grids: usize =
        axes.iter().map(|axis| if let Kind::Grid(e) = &axis.kind { e.len() } else { 1 }).product();
    if grids.saturating_mul(samples.max(1)) > 10_000 {
        return Err(source.error(entry, "more than 10,000 sets of hyperparameters; shorten the lists"));
    }
    let mut random = Random::derived(seed, "hyperparameters");
    let mut sets = Vec::new();
    for _ in 0..samples.max(1) {
        let drawn: Vec<Option<String>> = axes
            .iter()
            .map(
                |axis| if let Kind::Range(range) = &axis.kind { Some(range.draw(&mut random)) } else { None },
            )
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
                    (_, Some(drawn)) => (drawn.as_str(), leading(axis.slot)),
                    _ => continue,
                };
                varied.push((axis.name.clone(), value.trim().to_string()));
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
        } else if ["Uniform", "LogUniform", "Integer", "LogInteger"]
            .iter()
            .any(|range| value.strip_prefix(range).is_some_and(|rest| rest.trim_start().starts_with('(')))
        {
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
        let source = Source { text: text.into(), path: "study.ron".into(), folder: Default::default() };
        let raw: &RawValue = source.read()?;
        expand(&source, Some(raw), samples, 1, &source.text)
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
}
