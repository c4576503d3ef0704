//! `class-table`: a prediction for every class of provably equal designs of a discrete space, computed once and looked up since.
//!
//! It answers any design in well under a microsecond, and can be searched exhaustively. What was simulated is answered as it was; a metric that
//! follows from another one, such as bandwidth from time, is computed, to nine digits. [`recipe`] makes one
//! from a budget of simulations.
//!
//! In a file, both parts are compressed (deflate) and in base64: the class of every design, and per class and metric either the simulated
//! number as it is, or the logarithm of a factor over the class that it starts from, in steps so small that they are lost in the error.

pub mod recipe;

use std::io::{Read, Write};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use hwgym_envs::{Design, DesignSpace};
use serde::{Deserialize, Serialize};

use crate::SurrogateError;

/// What a file says instead of the id of a surrogate.
pub const ID: &str = "class-table";

/// Bits of a class in a file.
const SIMULATED: u8 = 1;
const FEASIBLE: u8 = 2;
const EXACT: u8 = 4;

/// Designs of a space at most.
pub const LARGEST: u128 = 1 << 24;

/// A prediction for every design of a space.
#[derive(Clone, Debug, PartialEq)]
pub struct ClassTable {
    /// Levels per parameter.
    levels: Vec<u32>,
    /// Class of every design, in index order.
    class_of: Vec<u32>,
    /// The first design of every class.
    representatives: Vec<u32>,
    /// Row after row, a number per metric; NaN in rows of classes without metrics.
    values: Vec<f64>,
    /// Whether a class was simulated.
    simulated: Vec<bool>,
    /// Whether a class has metrics.
    feasible: Vec<bool>,
    /// The class that a class starts from; itself for most.
    anchors: Vec<u32>,
    /// Per metric, the expected error of what was not simulated, relative.
    relative_sd: Vec<f64>,
    /// Metrics that are computed from others.
    relations: Vec<Option<Relation>>,
}

/// A metric that follows from another to nine digits, and is not stored.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Relation {
    /// The other one.
    source: usize,
    factor: f64,
    /// A constant over the other, instead of times it.
    inverse: bool,
}

impl Relation {
    fn value(&self, source: f64) -> f64 {
        if self.inverse { self.factor / source } else { self.factor * source }
    }
}

/// What a table says of a design.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Entry<'a> {
    /// One number per metric.
    pub values: &'a [f64],
    /// Whether they are simulated, not predicted.
    pub is_simulated: bool,
    /// Whether the design has metrics; the values mean nothing otherwise.
    pub is_feasible: bool,
}

impl ClassTable {
    /// The class of a design, which is one of the space's grid points.
    pub fn class(&self, design: &Design) -> Option<usize> {
        if design.len() != self.levels.len() {
            return None;
        }
        let mut index = 0usize;
        for (levels, coordinate) in self.levels.iter().zip(design.coordinates()) {
            let level = *coordinate as usize;
            if level as f64 != *coordinate || level >= *levels as usize {
                return None;
            }
            index = index * *levels as usize + level;
        }
        self.class_of.get(index).map(|class| *class as usize)
    }

    /// What is known of a class.
    pub fn entry(&self, class: usize) -> Entry<'_> {
        let metrics = self.relative_sd.len();
        Entry {
            values: &self.values[class * metrics..(class + 1) * metrics],
            is_simulated: self.simulated[class],
            is_feasible: self.feasible[class],
        }
    }

    /// The index of the first design of a class.
    pub fn representative(&self, class: usize) -> Option<usize> {
        self.representatives.get(class).map(|index| *index as usize)
    }

    /// Number of classes.
    pub fn classes(&self) -> usize {
        self.simulated.len()
    }

    /// Number of classes that were simulated.
    pub fn simulations(&self) -> usize {
        self.simulated.iter().filter(|simulated| **simulated).count()
    }

    /// The class of every design, in index order.
    pub fn class_of(&self) -> &[u32] {
        &self.class_of
    }

    /// Per metric, the expected error of what was not simulated, as a share of the value.
    pub fn relative_sd(&self) -> &[f64] {
        &self.relative_sd
    }

    /// The table as JSON.
    pub(crate) fn save(&self) -> Result<serde_json::Value, SurrogateError> {
        let stored: Vec<usize> =
            (0..self.relations.len()).filter(|metric| self.relations[*metric].is_none()).collect();
        let classes = self.classes();
        let flag = |flag: u8, is: bool| if is { flag } else { 0 };
        let flags: Vec<u8> = (0..classes)
            .map(|class| {
                flag(SIMULATED, self.simulated[class])
                    | flag(FEASIBLE, self.feasible[class])
                    | flag(EXACT, self.is_exact(class))
            })
            .collect();
        let packed = (0..classes).filter(|class| self.feasible[*class]);
        // Numbers of one kind stand together, byte by byte: they compress better so.
        let mut exact = Vec::new();
        let mut factors = vec![Vec::new(); stored.len()];
        for class in packed {
            let row = self.entry(class).values;
            if self.is_exact(class) {
                exact.extend(stored.iter().map(|metric| row[*metric]));
            } else {
                let anchor = self.entry(self.anchors[class] as usize).values;
                for (metric, factors) in stored.iter().zip(&mut factors) {
                    factors.push((row[*metric] / anchor[*metric]).ln());
                }
            }
        }
        let steps: Vec<f64> = factors
            .iter()
            .map(|factors| {
                let largest = factors.iter().fold(0.0f64, |largest, factor| largest.max(factor.abs()));
                (largest / 32_000.0).max(1e-9)
            })
            .collect();
        let quantised: Vec<i16> = factors
            .iter()
            .zip(&steps)
            .flat_map(|(factors, step)| factors.iter().map(move |factor| (factor / step).round() as i16))
            .collect();
        Ok(serde_json::to_value(Stored {
            classes,
            class_of: pack(&planes(&self.class_of, u32::to_le_bytes))?,
            anchors: pack(&planes(&self.anchors, u32::to_le_bytes))?,
            flags: pack(&flags)?,
            exact: pack(&planes(&exact, f64::to_le_bytes))?,
            factors: pack(&planes(&quantised, i16::to_le_bytes))?,
            steps,
            relative_sd: self.relative_sd.clone(),
            relations: self.relations.clone(),
        })?)
    }

    /// Whether a row stands in a file as it is: it was simulated, or has nothing to start from.
    fn is_exact(&self, class: usize) -> bool {
        let anchor = self.anchors[class] as usize;
        let positive = |class: usize| self.entry(class).values.iter().all(|value| *value > 0.0);
        self.simulated[class]
            || anchor == class
            || !self.simulated[anchor]
            || !self.feasible[anchor]
            || !positive(class)
            || !positive(anchor)
    }

    /// Reads it. Errors: what does not fit the space or the number of metrics.
    pub(crate) fn load(
        saved: serde_json::Value,
        space: &DesignSpace,
        metrics: usize,
    ) -> Result<Self, String> {
        let stored: Stored = serde_json::from_value(saved).map_err(|error| error.to_string())?;
        let size = space.size().filter(|size| *size <= LARGEST);
        let size = size.ok_or("its space is not discrete, or larger than 2^24")? as usize;
        let levels = levels(space).ok_or("its space is not discrete")?;
        let classes = stored.classes;
        if classes == 0 || classes > size || metrics == 0 {
            return Err(format!("{classes} classes of {size} designs"));
        }
        let class_of = unplanes(&unpack("class_of", &stored.class_of, 4 * size)?, u32::from_le_bytes);
        let anchors = unplanes(&unpack("anchors", &stored.anchors, 4 * classes)?, u32::from_le_bytes);
        if class_of.iter().chain(&anchors).any(|class| *class as usize >= classes) {
            return Err(format!("a class beyond its {classes}"));
        }
        let flags = unpack("flags", &stored.flags, classes)?;
        let sound = |sd: &f64| sd.is_finite() && *sd >= 0.0;
        let relations = &stored.relations;
        let plain: Vec<usize> =
            (0..metrics).filter(|m| relations.get(*m).is_some_and(Option::is_none)).collect();
        let follows = |relation: &Relation| relation.factor.is_finite() && plain.contains(&relation.source);
        if relations.len() != metrics || plain.is_empty() || !relations.iter().flatten().all(follows) {
            return Err(format!("relations that do not fit {metrics} metrics"));
        }
        let numbers = [(&stored.relative_sd, metrics), (&stored.steps, plain.len())];
        if numbers.iter().any(|(numbers, count)| numbers.len() != *count || !numbers.iter().all(sound)) {
            return Err(format!("no deviation and step for each of {metrics} metrics"));
        }
        let representatives = first_of(&class_of, classes).ok_or("a class without designs")?;
        let mut table = Self {
            levels,
            class_of,
            representatives,
            values: vec![f64::NAN; classes * metrics],
            simulated: flags.iter().map(|flag| flag & SIMULATED != 0).collect(),
            feasible: flags.iter().map(|flag| flag & FEASIBLE != 0).collect(),
            anchors,
            relative_sd: stored.relative_sd,
            relations: stored.relations,
        };
        let (all, metrics) = (metrics, plain.len());
        let measured: Vec<usize> = (0..classes).filter(|class| table.feasible[*class]).collect();
        let raw = unpack_any("exact", &stored.exact, 8 * metrics * measured.len())?;
        let exact = unplanes(&raw, f64::from_le_bytes);
        let coded = unpack_any("factors", &stored.factors, 2 * metrics * measured.len())?;
        let coded = unplanes(&coded, i16::from_le_bytes);
        let rows = exact.len() / metrics + coded.len() / metrics;
        if exact.len() % metrics != 0 || coded.len() % metrics != 0 || rows != measured.len() {
            return Err(format!("{rows} rows of numbers for {} classes with metrics", measured.len()));
        }
        if let Some(bad) = exact.iter().find(|value| !value.is_finite()) {
            return Err(format!("a simulated number is {bad}"));
        }
        // Exact rows first: the others start from them.
        let (mut next_exact, mut late) = (0, Vec::new());
        for class in &measured {
            if flags[*class] & EXACT == 0 {
                let anchor = table.anchors[*class] as usize;
                if flags[anchor] & (EXACT | FEASIBLE) != EXACT | FEASIBLE {
                    return Err(format!("class {class} starts from class {anchor}, which has no numbers"));
                }
                late.push(*class);
                continue;
            }
            let row = exact.get(next_exact * metrics..(next_exact + 1) * metrics);
            let row = row.ok_or("fewer rows of exact numbers than classes that ask for one")?;
            for (metric, value) in plain.iter().zip(row) {
                table.values[class * all + metric] = *value;
            }
            next_exact += 1;
        }
        if late.len() != coded.len() / metrics {
            return Err(format!("{} factors for {} classes", coded.len() / metrics, late.len()));
        }
        for (place, class) in late.iter().enumerate() {
            let anchor = table.anchors[*class] as usize;
            for (index, metric) in plain.iter().enumerate() {
                let factor = f64::from(coded[index * late.len() + place]) * stored.steps[index];
                table.values[class * all + metric] = table.values[anchor * all + metric] * factor.exp();
            }
        }
        for class in &measured {
            let row = &mut table.values[class * all..(class + 1) * all];
            for (metric, relation) in table.relations.iter().enumerate() {
                if let Some(relation) = relation {
                    row[metric] = relation.value(row[relation.source]);
                }
            }
            if row.iter().any(|value| !value.is_finite()) {
                return Err("a predicted number is not finite".into());
            }
        }
        Ok(table)
    }
}

/// The first index of every class; `None` if one has none.
fn first_of(class_of: &[u32], classes: usize) -> Option<Vec<u32>> {
    let mut first = vec![u32::MAX; classes];
    for (index, class) in class_of.iter().enumerate().rev() {
        first[*class as usize] = index as u32;
    }
    (!first.contains(&u32::MAX)).then_some(first)
}

/// Levels of every parameter; `None` with a real one.
fn levels(space: &DesignSpace) -> Option<Vec<u32>> {
    space.parameters().iter().map(|p| u32::try_from(p.domain.cardinality()?).ok()).collect()
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    classes: usize,
    class_of: String,
    anchors: String,
    flags: String,
    exact: String,
    factors: String,
    steps: Vec<f64>,
    relative_sd: Vec<f64>,
    relations: Vec<Option<Relation>>,
}

/// The first bytes of all numbers, then the second ones, and so on.
fn planes<T: Copy, const N: usize>(numbers: &[T], bytes: impl Fn(T) -> [u8; N]) -> Vec<u8> {
    (0..N).flat_map(|plane| numbers.iter().map(move |n| (plane, *n))).map(|(p, n)| bytes(n)[p]).collect()
}

fn unplanes<T, const N: usize>(bytes: &[u8], number: impl Fn([u8; N]) -> T) -> Vec<T> {
    let count = bytes.len() / N;
    (0..count).map(|i| number(std::array::from_fn(|plane| bytes[plane * count + i]))).collect()
}

fn pack(bytes: &[u8]) -> Result<String, SurrogateError> {
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
    let packed = encoder.write_all(bytes).and_then(|()| encoder.finish());
    let packed =
        packed.map_err(|error| SurrogateError::Training(format!("the table does not pack: {error}")))?;
    Ok(BASE64_STANDARD.encode(packed))
}

/// Unpacks at most `most` bytes.
fn unpack_any(what: &str, text: &str, most: usize) -> Result<Vec<u8>, String> {
    let packed = BASE64_STANDARD.decode(text).map_err(|_| format!("`{what}` is not in base64"))?;
    let mut bytes = Vec::new();
    let limit = most as u64 + 1;
    let read = flate2::read::ZlibDecoder::new(packed.as_slice()).take(limit).read_to_end(&mut bytes);
    match read {
        Ok(length) if length <= most => Ok(bytes),
        Ok(_) => Err(format!("`{what}` holds more than {most} bytes")),
        Err(error) => Err(format!("`{what}` does not unpack: {error}")),
    }
}

fn unpack(what: &str, text: &str, length: usize) -> Result<Vec<u8>, String> {
    let bytes = unpack_any(what, text, length)?;
    match bytes.len() == length {
        true => Ok(bytes),
        false => Err(format!("`{what}` holds {} bytes; expected {length}", bytes.len())),
    }
}
