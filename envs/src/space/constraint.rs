//! Constraints between parameters, as data: they are checked before a simulator is called, and say by how much they are broken.

use serde::{Deserialize, Serialize};

use super::{Design, DesignSpace, Expression, SpaceError};

/// A relation that every sensible design keeps. The numbers are those of [`DesignSpace::number`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Constraint {
    /// `sum of factor * parameter <= at_most`.
    Sum {
        /// What it means, in a line.
        meaning: String,
        /// Pairs of parameter and factor.
        terms: Vec<(String, f64)>,
        /// The limit.
        at_most: f64,
    },
    /// `product of parameters <= at_most`.
    Product {
        /// What it means, in a line.
        meaning: String,
        /// The parameters.
        parameters: Vec<String>,
        /// The limit.
        at_most: f64,
    },
    /// An expression that is true, such as `rows * columns <= 64 && adder != 'ripple'`.
    Expression {
        /// What it means, in a line.
        meaning: String,
        /// What must be true.
        holds: Expression,
    },
}

/// A broken constraint.
#[derive(Clone, Debug, PartialEq)]
pub struct Violation {
    /// What the constraint means.
    pub meaning: String,
    /// By how much it is broken, above 0, in the constraint's own units.
    pub amount: f64,
    /// The amount relative to the limit; where the limit is 0, to the largest term.
    pub relative: f64,
}

impl Constraint {
    /// `smaller <= larger`.
    pub fn ordered(meaning: &str, smaller: &str, larger: &str) -> Self {
        let terms = vec![(smaller.into(), 1.0), (larger.into(), -1.0)];
        Self::Sum { meaning: meaning.into(), terms, at_most: 0.0 }
    }

    /// What it means, in a line.
    pub fn meaning(&self) -> &str {
        match self {
            Self::Sum { meaning, .. } | Self::Product { meaning, .. } | Self::Expression { meaning, .. } => {
                meaning
            }
        }
    }

    /// The parameters that it relates.
    pub fn parameters(&self) -> Vec<&str> {
        match self {
            Self::Sum { terms, .. } => terms.iter().map(|(name, _)| name.as_str()).collect(),
            Self::Product { parameters, .. } => parameters.iter().map(String::as_str).collect(),
            Self::Expression { holds, .. } => holds.names(),
        }
    }

    /// Checks it against a space. Errors: unknown parameters, an expression that makes no sense.
    pub(super) fn check(&self, space: &DesignSpace) -> Result<(), SpaceError> {
        if let Self::Expression { holds, .. } = self {
            return holds.check(space);
        }
        for name in self.parameters() {
            if space.parameters()[space.position(name)?].domain.is_arrangement() {
                return Err(SpaceError::Definition(format!(
                    "the constraint \"{}\" relates `{name}`, an arrangement, which is no number",
                    self.meaning()
                )));
            }
        }
        Ok(())
    }

    /// The violation by this design, if it breaks the constraint.
    pub fn violation(&self, space: &DesignSpace, design: &Design) -> Option<Violation> {
        if let Self::Expression { meaning, holds } = self {
            let miss = holds.miss(space, design);
            let (amount, relative) = (miss.amount, miss.relative);
            return (amount > 0.0).then(|| Violation { meaning: meaning.clone(), amount, relative });
        }
        let number = |name: &str| space.position(name).map_or(0.0, |index| space.number(design, index));
        let mut largest = 0f64;
        let (value, limit) = match self {
            Self::Sum { terms, at_most, .. } => {
                let terms = terms.iter().map(|(name, factor)| {
                    let term = factor * number(name);
                    largest = largest.max(term.abs());
                    term
                });
                (terms.sum::<f64>(), *at_most)
            }
            Self::Product { parameters, at_most, .. } => {
                let product: f64 = parameters.iter().map(|n| number(n)).product();
                largest = product.abs();
                (product, *at_most)
            }
            Self::Expression { .. } => return None,
        };
        let scale = if limit == 0.0 { largest } else { limit.abs() };
        (value > limit).then(|| Violation {
            meaning: self.meaning().into(),
            amount: value - limit,
            relative: (value - limit) / scale,
        })
    }
}
