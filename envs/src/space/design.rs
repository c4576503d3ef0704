//! Designs and values, and the way between the two.

use std::fmt;
use std::hash::{Hash, Hasher};

use serde::{Deserialize, Serialize};

use super::{DesignSpace, SpaceError};

/// A point of a design space: one coordinate per parameter, in the space's order.
///
/// The coordinate of a discrete parameter is the index of its level, that of a real one the number itself. Two designs are equal if all
/// coordinates are, to the bit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Design(Box<[f64]>);

impl Eq for Design {}

impl Hash for Design {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.iter().for_each(|c| (c + 0.0).to_bits().hash(state));
    }
}

impl Design {
    /// A design from its coordinates; [`DesignSpace::validate`] tells whether it lies in a space.
    pub fn new(coordinates: impl Into<Box<[f64]>>) -> Self {
        Self(coordinates.into())
    }

    /// All coordinates.
    pub fn coordinates(&self) -> &[f64] {
        &self.0
    }

    /// Number of coordinates.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// True for the one design of an empty space.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// One coordinate.
    pub fn coordinate(&self, index: usize) -> f64 {
        self.0[index]
    }

    /// The level of a discrete parameter.
    pub fn level(&self, index: usize) -> usize {
        self.0[index] as usize
    }

    /// Sets one coordinate.
    pub fn set(&mut self, index: usize, coordinate: f64) {
        self.0[index] = coordinate;
    }
}

/// The value of a parameter, as a person writes it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Value {
    /// Of a boolean.
    Boolean(bool),
    /// Of an integer, or of an ordinal with an integral level.
    Integer(i64),
    /// Of a real, or of an ordinal.
    Real(f64),
    /// Of a categorical.
    Text(String),
}

impl Value {
    /// An integer where the number is one, otherwise a real.
    pub fn number(number: f64) -> Self {
        if number.fract() == 0.0 && number.abs() < 9e15 {
            Self::Integer(number as i64)
        } else {
            Self::Real(number)
        }
    }

    /// The number, for a numeric value.
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Self::Integer(i) => Some(*i as f64),
            Self::Real(r) => Some(*r),
            _ => None,
        }
    }

    /// Reads what a person types after `Name=`: `true`, a number (`1e-6` included), or text.
    pub fn parse(text: &str) -> Self {
        match text {
            "true" => Self::Boolean(true),
            "false" => Self::Boolean(false),
            _ => match (text.parse::<i64>(), text.parse::<f64>()) {
                (Ok(integer), _) => Self::Integer(integer),
                (_, Ok(real)) if real.is_finite() => Self::Real(real),
                _ => Self::Text(text.into()),
            },
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Boolean(b) => write!(f, "{b}"),
            Self::Integer(i) => write!(f, "{i}"),
            Self::Real(r) if *r != 0.0 && (r.abs() < 1e-3 || r.abs() >= 1e6) => write!(f, "{r:e}"),
            Self::Real(r) => write!(f, "{r}"),
            Self::Text(t) => write!(f, "{t}"),
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.into())
    }
}
impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}
impl From<bool> for Value {
    fn from(boolean: bool) -> Self {
        Self::Boolean(boolean)
    }
}
impl From<i64> for Value {
    fn from(integer: i64) -> Self {
        Self::Integer(integer)
    }
}
impl From<f64> for Value {
    fn from(real: f64) -> Self {
        Self::Real(real)
    }
}

impl DesignSpace {
    /// The design with these values. Inactive parameters may be left out. Errors: unknown or missing names, values outside the domain.
    pub fn design<S: AsRef<str>>(
        &self,
        values: impl IntoIterator<Item = (S, Value)>,
    ) -> Result<Design, SpaceError> {
        let mut given = vec![false; self.len()];
        let mut design = Design::new(self.parameters().iter().map(|p| p.domain.first()).collect::<Vec<_>>());
        for (name, value) in values {
            let index = self.position(name.as_ref())?;
            design.set(index, self.parameters()[index].coordinate(&value)?);
            given[index] = true;
        }
        if let Some(missing) = (0..self.len()).find(|i| !given[*i] && self.is_active(&design, *i)) {
            return Err(SpaceError::MissingParameter(self.parameters()[missing].name.clone()));
        }
        self.canonicalise(&mut design);
        Ok(design)
    }

    /// Names and values of the design's parameters, in order.
    pub fn values(&self, design: &Design) -> Vec<(String, Value)> {
        self.parameters()
            .iter()
            .zip(design.coordinates())
            .map(|(p, c)| (p.name.clone(), p.value(*c)))
            .collect()
    }

    /// The value of one parameter.
    pub fn value(&self, design: &Design, index: usize) -> Value {
        self.parameters()[index].value(design.coordinate(index))
    }

    /// The number of one parameter: see [`Parameter::number`](super::Parameter::number).
    pub fn number(&self, design: &Design, index: usize) -> f64 {
        self.parameters()[index].number(design.coordinate(index))
    }

    /// True for a boolean that is set, and for any other parameter past the start of its domain.
    pub fn flag(&self, design: &Design, index: usize) -> bool {
        design.coordinate(index) != 0.0
    }

    /// The choice of a categorical parameter; the empty string for any other.
    pub fn choice<'a>(&'a self, design: &Design, index: usize) -> &'a str {
        match &self.parameters()[index].domain {
            super::Domain::Categorical(choices) => &choices[design.level(index)],
            _ => "",
        }
    }
}
