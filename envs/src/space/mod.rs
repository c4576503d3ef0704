//! Design spaces: ordered, named, typed parameters, with conditions, constraints and groups.

mod arrangement;
mod constraint;
mod design;
mod enumeration;
mod expression;
mod listing;
mod parameter;

use std::collections::HashMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub use constraint::{Constraint, Violation};
pub use design::{Design, Value};
pub use expression::Expression;
pub use listing::Listing;
pub use parameter::{Condition, Domain, Parameter, Scale};

use crate::suggest::suggestion;

/// Why a space or a design is refused.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum SpaceError {
    /// A name that no parameter has.
    #[error("no parameter is called `{name}`{hint}")]
    UnknownParameter {
        /// The name.
        name: String,
        /// What was probably meant.
        hint: String,
    },
    /// A parameter for which a design gives no value.
    #[error("parameter `{0}` has no value; a design gives one for every active parameter")]
    MissingParameter(String),
    /// A value outside the domain of its parameter.
    #[error("parameter `{name}` cannot be {value}; expected {expected}{hint}")]
    BadValue {
        /// The parameter.
        name: String,
        /// The value as it was given.
        value: String,
        /// The domain in words.
        expected: String,
        /// What was probably meant.
        hint: String,
    },
    /// The definition of the space contradicts itself.
    #[error("design space: {0}")]
    Definition(String),
}

/// A named subset of parameters: what one agent of a multi-agent search decides, such as a sub-system.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Group {
    /// Its name.
    pub name: String,
    /// Names of its parameters.
    pub parameters: Vec<String>,
}

impl Group {
    /// A group of these parameters.
    pub fn new<S: Into<String>>(name: &str, parameters: impl IntoIterator<Item = S>) -> Self {
        Self { name: name.into(), parameters: parameters.into_iter().map(Into::into).collect() }
    }
}

/// An ordered list of named, typed parameters; conditions and constraints between them; groups of them.
///
/// A [`Design`] is a point in it. Designs are flat: one coordinate per parameter, in order.
///
/// ```
/// use hwgym_envs::{Design, DesignSpace, Parameter};
///
/// let space = DesignSpace::new(vec![
///     Parameter::categorical("Arbiter", ["Simple", "Fifo"]),
///     Parameter::integer("QueueDepth", 1, 8).when("Arbiter", ["Fifo"]),
/// ])?;
/// assert_eq!(space.size(), Some(16));
/// assert_eq!(space.designs().count(), 1 + 8); // the depth means nothing to a simple arbiter
/// let design = space.design([("Arbiter", "Fifo".into()), ("QueueDepth", 3.into())])?;
/// assert_eq!(space.choice(&design, 0), "Fifo");
/// assert_eq!(space.number(&design, 1), 3.0);
/// # Ok::<(), hwgym_envs::SpaceError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Definition", into = "Definition")]
pub struct DesignSpace {
    parameters: Vec<Parameter>,
    constraints: Vec<Constraint>,
    groups: Vec<Group>,
    index: HashMap<String, usize>,
    /// Per parameter: the index of the parameter its condition asks, and the coordinates that satisfy it.
    conditions: Vec<Option<(usize, Vec<f64>)>>,
    listing: Option<Arc<Listing>>,
}

/// What is stored of a space: the definition, without what follows from it.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Definition {
    parameters: Vec<Parameter>,
    #[serde(default)]
    constraints: Vec<Constraint>,
    #[serde(default)]
    groups: Vec<Group>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    listed: Vec<Design>,
}

impl TryFrom<Definition> for DesignSpace {
    type Error = SpaceError;
    fn try_from(definition: Definition) -> Result<Self, SpaceError> {
        Self::new(definition.parameters)?
            .with_constraints(definition.constraints)?
            .with_groups(definition.groups)?
            .with_listed(definition.listed)
    }
}

impl From<DesignSpace> for Definition {
    fn from(space: DesignSpace) -> Self {
        let listed = space.listing.map_or_else(Vec::new, |listing| listing.designs().to_vec());
        Self { parameters: space.parameters, constraints: space.constraints, groups: space.groups, listed }
    }
}

impl DesignSpace {
    /// A space of these parameters. Errors: an empty or repeated name, an empty domain, a condition on a later or unknown parameter.
    pub fn new(parameters: Vec<Parameter>) -> Result<Self, SpaceError> {
        let mut index = HashMap::new();
        let mut conditions = Vec::with_capacity(parameters.len());
        for (position, parameter) in parameters.iter().enumerate() {
            parameter.check()?;
            if index.insert(parameter.name.clone(), position).is_some() {
                return Err(SpaceError::Definition(format!(
                    "two parameters are called `{}`",
                    parameter.name
                )));
            }
            conditions.push(match &parameter.condition {
                None => None,
                Some(condition) => {
                    let parent =
                        index.get(&condition.parameter).copied().filter(|p| *p < position).ok_or_else(
                            || {
                                SpaceError::Definition(format!(
                                    "the condition of `{}` asks `{}`, which is no earlier parameter",
                                    parameter.name, condition.parameter
                                ))
                            },
                        )?;
                    let asked = &parameters[parent];
                    let accepted: Result<Vec<f64>, _> =
                        condition.is_one_of.iter().map(|value| asked.coordinate(value)).collect();
                    Some((parent, accepted?))
                }
            });
        }
        Ok(Self { parameters, constraints: Vec::new(), groups: Vec::new(), index, conditions, listing: None })
    }

    /// The same space with these constraints. Errors: a constraint on an unknown parameter; a sum or product of an arrangement, which is no
    /// number; an expression that makes no sense.
    pub fn with_constraints(mut self, constraints: Vec<Constraint>) -> Result<Self, SpaceError> {
        for constraint in &constraints {
            constraint.check(&self)?;
        }
        self.constraints = constraints;
        Ok(self)
    }

    /// The same space with these groups. Errors: groups that overlap, miss a parameter, or name an unknown one; none at all is fine.
    pub fn with_groups(mut self, groups: Vec<Group>) -> Result<Self, SpaceError> {
        if !groups.is_empty() {
            let mut owner: Vec<Option<&str>> = vec![None; self.len()];
            for group in &groups {
                for name in &group.parameters {
                    if let Some(other) = owner[self.position(name)?].replace(&group.name) {
                        return Err(SpaceError::Definition(format!(
                            "parameter `{name}` is in group `{other}` and in group `{}`; groups may not overlap",
                            group.name
                        )));
                    }
                }
            }
            if let Some(missed) = owner.iter().position(Option::is_none) {
                return Err(SpaceError::Definition(format!(
                    "parameter `{}` is in no group; add it to one, or give no groups to have one agent per parameter",
                    self.parameters[missed].name
                )));
            }
        }
        self.groups = groups;
        Ok(self)
    }

    /// The same space with these designs alone, such as the rows of a table; none at all makes it a full grid again.
    /// [`canonicalise`](Self::canonicalise) then goes to the nearest of them. Errors: a design outside the space.
    pub fn with_listed(mut self, designs: Vec<Design>) -> Result<Self, SpaceError> {
        for design in &designs {
            self.validate(design)?;
        }
        self.listing = (!designs.is_empty()).then(|| Arc::new(Listing::new(&self.parameters, designs)));
        Ok(self)
    }

    /// The only designs that there are, in a space that is no full grid.
    pub fn listing(&self) -> Option<&Listing> {
        self.listing.as_deref()
    }

    /// The parameters, in order.
    pub fn parameters(&self) -> &[Parameter] {
        &self.parameters
    }

    /// The constraints between parameters.
    pub fn constraints(&self) -> &[Constraint] {
        &self.constraints
    }

    /// Number of parameters.
    pub fn len(&self) -> usize {
        self.parameters.len()
    }

    /// True for a space without parameters, which has exactly one design.
    pub fn is_empty(&self) -> bool {
        self.parameters.is_empty()
    }

    /// The groups for multi-agent search; where none were named, one group per parameter.
    pub fn groups(&self) -> Vec<Group> {
        if self.groups.is_empty() {
            self.parameters.iter().map(|p| Group::new(&p.name, [&p.name])).collect()
        } else {
            self.groups.clone()
        }
    }

    /// The position of a parameter. Errors: no parameter has this name; the message says which is nearest.
    pub fn position(&self, name: &str) -> Result<usize, SpaceError> {
        self.index.get(name).copied().ok_or_else(|| {
            let known: Vec<_> = self.parameters.iter().map(|p| &p.name).collect();
            SpaceError::UnknownParameter { name: name.into(), hint: suggestion(name, &known) }
        })
    }

    /// Number of grid points, inactive parameters and unlisted designs counted; `None` with a real parameter, or past 2^128.
    pub fn size(&self) -> Option<u128> {
        self.parameters.iter().try_fold(1u128, |size, p| size.checked_mul(p.domain.cardinality()? as u128))
    }

    /// True if every parameter is discrete.
    pub fn is_discrete(&self) -> bool {
        self.parameters.iter().all(|p| p.domain.cardinality().is_some())
    }

    /// True if the parameter means something in this design, given the condition on it.
    pub fn is_active(&self, design: &Design, index: usize) -> bool {
        match &self.conditions[index] {
            None => true,
            Some((parent, accepted)) => {
                accepted.contains(&design.coordinate(*parent)) && self.is_active(design, *parent)
            }
        }
    }

    /// Sets every inactive parameter to the start of its domain, so that designs that mean the same are equal. In a space of listed
    /// designs it goes to the nearest of them.
    pub fn canonicalise(&self, design: &mut Design) {
        if let Some(listing) = &self.listing {
            if listing.position(design).is_none() {
                *design = listing.designs()[listing.nearest(design).0].clone();
            }
            return;
        }
        for index in 0..self.len() {
            if !self.is_active(design, index) {
                design.set(index, self.parameters[index].domain.first());
            }
        }
    }

    /// Every broken constraint with its amount.
    pub fn violations(&self, design: &Design) -> Vec<Violation> {
        self.constraints.iter().filter_map(|constraint| constraint.violation(self, design)).collect()
    }

    /// Sum of the amounts by which constraints are broken, each relative to its limit; 0 for a design that keeps them all.
    pub fn violation(&self, design: &Design) -> f64 {
        self.constraints.iter().filter_map(|c| c.violation(self, design)).map(|v| v.relative).sum()
    }

    /// Checks that every coordinate lies in its domain. Errors: the first that does not.
    pub fn validate(&self, design: &Design) -> Result<(), SpaceError> {
        if design.len() != self.len() {
            return Err(SpaceError::Definition(format!(
                "a design of {} coordinates in a space of {} parameters",
                design.len(),
                self.len()
            )));
        }
        for (index, parameter) in self.parameters.iter().enumerate() {
            parameter.check_coordinate(design.coordinate(index))?;
        }
        Ok(())
    }
}
