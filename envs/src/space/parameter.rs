//! One parameter: its name, its domain, and the condition under which it means something.

use serde::{Deserialize, Serialize};

use super::{SpaceError, Value};
use crate::suggest::suggestion;

/// Largest whole number up to which every one is a coordinate of its own.
const EXACT: u64 = 1 << 53;

/// How a numeric parameter is spread over its range: what "half way" means to an agent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Scale {
    /// Equal differences.
    #[default]
    Linear,
    /// Equal ratios; the range lies above zero.
    Log,
}

/// The values that a parameter may take.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Domain {
    /// Named choices without an order.
    Categorical(Vec<String>),
    /// False or true.
    Boolean,
    /// An explicit, strictly ascending list of numbers.
    Ordinal(Vec<f64>),
    /// `low, low + step, ...` up to `high`.
    Integer {
        /// First value.
        low: i64,
        /// Last value at most.
        high: i64,
        /// Distance of neighbours, at least 1.
        #[serde(default = "one")]
        step: i64,
        /// How it is spread in the unit cube.
        #[serde(default)]
        scale: Scale,
    },
    /// Every number of `[low, high]`.
    Real {
        /// Smallest value.
        low: f64,
        /// Largest value.
        high: f64,
        /// How it is spread in the unit cube.
        #[serde(default)]
        scale: Scale,
    },
    /// Every order of these items: of loops, of passes. A value is written `M,R,C`.
    Permutation(Vec<String>),
    /// A place for every item, such as a processor for every task. A value is written `filter:cpu,sort:dsp`.
    Assignment {
        /// What is placed.
        items: Vec<String>,
        /// Where each of them may be, several at one place included.
        places: Vec<String>,
    },
}

fn one() -> i64 {
    1
}

impl Domain {
    /// Number of values; `None` for a real domain.
    pub fn cardinality(&self) -> Option<usize> {
        match self {
            Self::Categorical(choices) => Some(choices.len()),
            Self::Boolean => Some(2),
            Self::Ordinal(levels) => Some(levels.len()),
            Self::Integer { low, high, step, .. } => Some(((high - low) / step + 1) as usize),
            Self::Real { .. } => None,
            Self::Permutation(_) | Self::Assignment { .. } => {
                Some(self.arrangements().map_or(usize::MAX, |count| count as usize))
            }
        }
    }

    /// The coordinate at the start of the domain.
    pub fn first(&self) -> f64 {
        match self {
            Self::Real { low, .. } => *low,
            _ => 0.0,
        }
    }

    /// True if the values have an order: everything but categories and arrangements.
    pub fn is_ordered(&self) -> bool {
        !matches!(self, Self::Categorical(_)) && !self.is_arrangement()
    }

    /// The domain in words, for messages.
    pub fn describe(&self) -> String {
        match self {
            Self::Categorical(choices) => format!("one of {}", choices.join(", ")),
            Self::Boolean => "true or false".into(),
            Self::Ordinal(levels) if levels.len() <= 24 => {
                format!("one of {}", levels.iter().map(f64::to_string).collect::<Vec<_>>().join(", "))
            }
            Self::Ordinal(levels) => {
                format!("one of {} levels from {} to {}", levels.len(), levels[0], levels[levels.len() - 1])
            }
            Self::Integer { low, high, step: 1, .. } => format!("an integer from {low} to {high}"),
            Self::Integer { low, high, step, .. } => {
                format!("an integer from {low} to {high} in steps of {step}")
            }
            Self::Real { low, high, .. } => format!("a number from {low} to {high}"),
            Self::Permutation(items) => {
                let example = self.arrangement_text((self.arrangements().unwrap_or(0) / 2) as f64);
                format!("{} in some order, such as `{example}`", items.join(", "))
            }
            Self::Assignment { items, places } => format!(
                "one of {} for each of {}, such as `{}`",
                places.join(", "),
                items.join(", "),
                self.arrangement_text(0.0)
            ),
        }
    }
}

/// A parameter means something only where an earlier one takes one of these values.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Condition {
    /// The earlier parameter.
    pub parameter: String,
    /// Its values for which the condition holds.
    pub is_one_of: Vec<Value>,
}

/// A named, typed parameter of a design space.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parameter {
    /// Its name, unique in the space.
    pub name: String,
    /// The values it may take.
    pub domain: Domain,
    /// Unit of a numeric value, empty if it has none.
    #[serde(default)]
    pub unit: String,
    /// What it is, in a line.
    #[serde(default)]
    pub description: String,
    /// When it means something; always, if `None`.
    #[serde(default)]
    pub condition: Option<Condition>,
}

impl Parameter {
    /// A parameter with this domain.
    pub fn new(name: &str, domain: Domain) -> Self {
        Self { name: name.into(), domain, unit: String::new(), description: String::new(), condition: None }
    }

    /// Named choices without an order.
    pub fn categorical<S: Into<String>>(name: &str, choices: impl IntoIterator<Item = S>) -> Self {
        Self::new(name, Domain::Categorical(choices.into_iter().map(Into::into).collect()))
    }

    /// False or true.
    pub fn boolean(name: &str) -> Self {
        Self::new(name, Domain::Boolean)
    }

    /// An explicit, ascending list of numbers.
    pub fn ordinal(name: &str, levels: impl IntoIterator<Item = f64>) -> Self {
        Self::new(name, Domain::Ordinal(levels.into_iter().collect()))
    }

    /// `low, 2 low, 4 low, ...` up to `high`.
    pub fn powers_of_two(name: &str, low: u64, high: u64) -> Self {
        let levels = std::iter::successors(Some(low.max(1)), |level| level.checked_mul(2));
        Self::ordinal(name, levels.take_while(|level| *level <= high).map(|level| level as f64))
    }

    /// Every integer from `low` to `high`.
    pub fn integer(name: &str, low: i64, high: i64) -> Self {
        Self::stepped(name, low, high, 1)
    }

    /// `low, low + step, ...` up to `high`.
    pub fn stepped(name: &str, low: i64, high: i64, step: i64) -> Self {
        Self::new(name, Domain::Integer { low, high, step, scale: Scale::Linear })
    }

    /// Every integer from `low` to `high`, spread by ratio.
    pub fn log_integer(name: &str, low: i64, high: i64) -> Self {
        Self::new(name, Domain::Integer { low, high, step: 1, scale: Scale::Log })
    }

    /// Every number from `low` to `high`.
    pub fn real(name: &str, low: f64, high: f64) -> Self {
        Self::new(name, Domain::Real { low, high, scale: Scale::Linear })
    }

    /// Every number from `low` to `high`, spread by ratio.
    pub fn log_real(name: &str, low: f64, high: f64) -> Self {
        Self::new(name, Domain::Real { low, high, scale: Scale::Log })
    }

    /// Every order of these items, 17 at most.
    pub fn permutation<S: Into<String>>(name: &str, items: impl IntoIterator<Item = S>) -> Self {
        Self::new(name, Domain::Permutation(items.into_iter().map(Into::into).collect()))
    }

    /// One of these places for every item; 2^50 arrangements at most.
    pub fn assignment<I: Into<String>, P: Into<String>>(
        name: &str,
        items: impl IntoIterator<Item = I>,
        places: impl IntoIterator<Item = P>,
    ) -> Self {
        let items = items.into_iter().map(Into::into).collect();
        let places = places.into_iter().map(Into::into).collect();
        Self::new(name, Domain::Assignment { items, places })
    }

    /// The same with a unit.
    pub fn unit(mut self, unit: &str) -> Self {
        self.unit = unit.into();
        self
    }

    /// The same with a description.
    pub fn describe(mut self, description: &str) -> Self {
        self.description = description.into();
        self
    }

    /// The same, meaning something only where the earlier `parameter` takes one of these values.
    pub fn when<V: Into<Value>>(mut self, parameter: &str, is_one_of: impl IntoIterator<Item = V>) -> Self {
        let is_one_of = is_one_of.into_iter().map(Into::into).collect();
        self.condition = Some(Condition { parameter: parameter.into(), is_one_of });
        self
    }

    /// The coordinate of a value: the level's index, or the number itself for a real domain. Errors: not in the domain.
    pub fn coordinate(&self, value: &Value) -> Result<f64, SpaceError> {
        let number = value.as_f64();
        let found = match (&self.domain, value) {
            (Domain::Categorical(choices), Value::Text(text)) => {
                choices.iter().position(|c| c == text).map(|i| i as f64)
            }
            (Domain::Boolean, Value::Boolean(b)) => Some(f64::from(*b)),
            (Domain::Ordinal(levels), _) => number
                .and_then(|n| levels.iter().position(|l| (l - n).abs() <= 1e-9 * n.abs().max(1e-300)))
                .map(|i| i as f64),
            (Domain::Integer { low, high, step, .. }, _) => number
                .filter(|n| n.fract() == 0.0 && *n >= *low as f64 && *n <= *high as f64)
                .map(|n| n as i64 - low)
                .filter(|offset| offset % step == 0)
                .map(|offset| (offset / step) as f64),
            (Domain::Real { low, high, .. }, _) => number.filter(|n| n >= low && n <= high),
            (domain, value) if domain.is_arrangement() => domain.parse_arrangement(&value.to_string()),
            _ => None,
        };
        found.ok_or_else(|| SpaceError::BadValue {
            name: self.name.clone(),
            value: format!("`{value}`"),
            expected: self.domain.describe(),
            hint: match (&self.domain, value) {
                (Domain::Categorical(choices), Value::Text(text)) => crate::suggest::nearest(text, choices)
                    .map(|_| suggestion(text, choices))
                    .unwrap_or_default(),
                _ => String::new(),
            },
        })
    }

    /// The value at a coordinate: the inverse of [`coordinate`](Self::coordinate), for a coordinate that is valid.
    pub fn value(&self, coordinate: f64) -> Value {
        match &self.domain {
            Domain::Categorical(choices) => Value::Text(choices[coordinate as usize].clone()),
            Domain::Boolean => Value::Boolean(coordinate != 0.0),
            Domain::Ordinal(levels) => Value::number(levels[coordinate as usize]),
            Domain::Integer { low, step, .. } => Value::Integer(low + coordinate as i64 * step),
            Domain::Real { .. } => Value::Real(coordinate),
            domain => Value::Text(domain.arrangement_text(coordinate)),
        }
    }

    /// The number at a coordinate: a level, an integer, a real; 0 or 1 for a boolean; the index of a choice or of an arrangement.
    pub fn number(&self, coordinate: f64) -> f64 {
        match &self.domain {
            Domain::Ordinal(levels) => levels[coordinate as usize],
            Domain::Integer { low, step, .. } => (low + coordinate as i64 * step) as f64,
            _ => coordinate,
        }
    }

    pub(super) fn check_coordinate(&self, coordinate: f64) -> Result<(), SpaceError> {
        let valid = match (&self.domain, self.domain.cardinality()) {
            (_, Some(levels)) => coordinate.fract() == 0.0 && coordinate >= 0.0 && coordinate < levels as f64,
            (Domain::Real { low, high, .. }, _) => coordinate >= *low && coordinate <= *high,
            _ => false,
        };
        if valid {
            return Ok(());
        }
        Err(SpaceError::BadValue {
            name: self.name.clone(),
            value: format!("at coordinate {coordinate}"),
            expected: self.domain.describe(),
            hint: String::new(),
        })
    }

    pub(super) fn check(&self) -> Result<(), SpaceError> {
        let bad =
            |message: &str| Err(SpaceError::Definition(format!("parameter `{}`: {message}", self.name)));
        if self.name.is_empty() {
            return Err(SpaceError::Definition("a parameter has an empty name".into()));
        }
        self.domain.check_arrangement().or_else(|message| bad(&message))?;
        match &self.domain {
            Domain::Categorical(choices) if choices.is_empty() => bad("no choices"),
            Domain::Categorical(choices)
                if (1..choices.len()).any(|i| choices[..i].contains(&choices[i])) =>
            {
                bad("a choice stands twice")
            }
            Domain::Ordinal(levels) if levels.is_empty() => bad("no levels"),
            Domain::Ordinal(levels) if levels.iter().any(|l| !l.is_finite()) => bad("a level is not finite"),
            Domain::Ordinal(levels) if levels.windows(2).any(|w| w[0] >= w[1]) => {
                bad("the levels do not ascend")
            }
            Domain::Integer { step, .. } if *step < 1 => bad("the step is below 1"),
            Domain::Integer { low, high, .. } if low > high => bad("the range is empty (low > high)"),
            Domain::Integer { low, high, .. } if low.unsigned_abs().max(high.unsigned_abs()) > EXACT => {
                bad("the range goes beyond 2^53, past which a number no longer tells neighbours apart")
            }
            Domain::Integer { low, scale: Scale::Log, .. } if *low < 1 => bad("a log range starts above 0"),
            Domain::Real { low, high, .. } if !((high - low).is_finite() && low <= high) => {
                bad("the range is empty or not finite")
            }
            Domain::Real { low, scale: Scale::Log, .. } if *low <= 0.0 => bad("a log range starts above 0"),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_beyond_exact_numbers_are_refused() {
        let limit = 1i64 << 53;
        let message = |low, high| Parameter::integer("n", low, high).check().err().map(|e| e.to_string());
        assert_eq!(message(-limit, limit), None);
        for (low, high) in [(i64::MIN, i64::MAX), (0, limit + 1), (-limit - 1, 0)] {
            assert!(message(low, high).is_some_and(|text| text.contains("`n`") && text.contains("2^53")));
        }
        assert!(Parameter::real("x", -f64::MAX, f64::MAX).check().is_err());
    }
}
