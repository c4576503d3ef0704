//! The design space, and what else texts may name.

use std::collections::BTreeMap;

use ron::value::RawValue;

use super::Reader;
use crate::command::definition::Level;
use crate::command::file::FidelityEntry;
use crate::command::text::{Names, RESERVED};
use crate::source::{Fields, starts};
use crate::space::{Constraint, Expression};
use crate::{DesignSpace, EnvError, Group, Parameter, Value};

impl Reader<'_> {
    /// The space, constants, derived numbers, and levels of fidelity.
    pub fn names(&self) -> Result<(Names, Vec<Level>), EnvError> {
        let space = self.space()?;
        let constants = self.constants(&space)?;
        let derived = self.derived(&space, &constants)?;
        let levels = self.levels(&constants)?;
        let mut values: BTreeMap<String, Vec<Value>> = BTreeMap::new();
        for (name, value) in levels.iter().flat_map(|level| &level.constants) {
            let values = values.entry(name.clone()).or_default();
            if !values.contains(value) {
                values.push(value.clone());
            }
        }
        let names = Names {
            space,
            constants: values,
            derived,
            fidelities: levels.iter().map(|level| level.name.clone()).collect(),
            folder: self.folder.to_string_lossy().into_owned(),
        };
        Ok((names, levels))
    }

    fn space(&self) -> Result<DesignSpace, EnvError> {
        let list: Vec<&RawValue> = self.source.part(self.file.parameters)?;
        if list.is_empty() {
            return Err(self
                .raw_error(self.file.parameters, "`parameters` is empty; a design space has one at least"));
        }
        let mut parameters: Vec<Parameter> = Vec::new();
        for raw in list {
            let parameter: Parameter = self.source.part(raw)?;
            self.free_name(self.source.field(raw.get_ron(), "name"), &parameter.name)?;
            parameters.push(parameter);
            // Each with those before it, so that a mistake is reported where it stands.
            DesignSpace::new(parameters.clone()).map_err(|error| self.raw_error(raw, error))?;
        }
        let mut space = DesignSpace::new(parameters)?;
        let mut constraints = Vec::new();
        for raw in &self.file.constraints {
            constraints.push(if starts(raw, '"') {
                let text: String = self.source.part(raw)?;
                let holds = Expression::parse(&text).map_err(|error| self.raw_error(raw, error))?;
                Constraint::Expression { meaning: text, holds }
            } else {
                self.source.part(raw)?
            });
            let together = space.clone().with_constraints(constraints.clone());
            space = together.map_err(|error| self.raw_error(raw, error))?;
        }
        if let Some(raw) = self.file.groups {
            let groups: Vec<Group> = self.source.part(raw)?;
            space = space.with_groups(groups).map_err(|error| self.raw_error(raw, error))?;
        }
        Ok(space)
    }

    /// Checks that a name can be used in texts.
    fn free_name(&self, part: &str, name: &str) -> Result<(), EnvError> {
        if RESERVED.contains(&name) {
            let message = format!("`{name}` means something by itself in texts; choose another name");
            return Err(self.error(part, message));
        }
        if name.trim() != name || name.contains(['{', '}', '\n']) {
            let message =
                format!("`{}` cannot be named in texts: choose a name without braces", name.escape_debug());
            return Err(self.error(part, message));
        }
        Ok(())
    }

    /// The entries of a map, each under a name of its own.
    fn entries<'a>(
        &self,
        raw: Option<&'a RawValue>,
        taken: &dyn Fn(&str) -> bool,
    ) -> Result<Vec<(String, &'a RawValue)>, EnvError>
    where
        Self: 'a,
    {
        let Some(raw) = raw else { return Ok(Vec::new()) };
        // The slices live as long as the file's text, as the raw value does.
        let fields: Fields<'a> = crate::options::reader()
            .from_str(raw.get_ron())
            .map_err(|error| self.raw_error(raw, crate::options::explain(&error.code)))?;
        for (index, (name, value)) in fields.0.iter().enumerate() {
            self.free_name(value.get_ron(), name)?;
            if taken(name) || fields.0[..index].iter().any(|(earlier, _)| earlier == name) {
                let message =
                    format!("`{name}` is taken by a parameter or an entry before it; choose another name");
                return Err(self.error(value.get_ron(), message));
            }
        }
        Ok(fields.0)
    }

    fn constants(&self, space: &DesignSpace) -> Result<BTreeMap<String, Value>, EnvError> {
        let taken = |name: &str| space.position(name).is_ok();
        let mut constants = BTreeMap::new();
        for (name, raw) in self.entries(self.file.constants, &taken)? {
            constants.insert(name, self.value(raw)?);
        }
        for (name, value) in &self.changes.constants {
            let known: Vec<&String> = constants.keys().collect();
            if !constants.contains_key(name) {
                let hint = crate::suggest::suggestion(name, &known);
                return Err(EnvError::invalid(
                    "constants",
                    format!("the definition has no constant `{name}`{hint}"),
                ));
            }
            constants.insert(name.clone(), value.clone());
        }
        Ok(constants)
    }

    fn value(&self, raw: &RawValue) -> Result<Value, EnvError> {
        let value: Value = crate::options::reader().from_str(raw.get_ron()).map_err(|_| {
            self.raw_error(raw, "a constant is a number, a text in quotes, `true` or `false`")
        })?;
        match value.as_f64() {
            Some(number) if !number.is_finite() => Err(self.raw_error(raw, "a constant is finite")),
            _ => Ok(value),
        }
    }

    fn derived(
        &self,
        space: &DesignSpace,
        constants: &BTreeMap<String, Value>,
    ) -> Result<Vec<(String, Expression)>, EnvError> {
        let taken = |name: &str| space.position(name).is_ok() || constants.contains_key(name);
        let entries = self.entries(self.file.derived, &taken)?;
        let read = |(name, raw): (String, &RawValue)| {
            let text: String = crate::options::reader().from_str(raw.get_ron()).map_err(|_| {
                self.raw_error(raw, "a derived number is an expression in quotes, such as \"rows * columns\"")
            })?;
            let expression = Expression::parse(&text).map_err(|error| self.raw_error(raw, error))?;
            expression.check(space).map_err(|error| self.raw_error(raw, error))?;
            Ok((name, expression))
        };
        entries.into_iter().map(read).collect()
    }

    fn levels(&self, constants: &BTreeMap<String, Value>) -> Result<Vec<Level>, EnvError> {
        let mut levels =
            vec![Level { name: "full".into(), relative_cost: 1.0, constants: constants.clone() }];
        for raw in &self.file.fidelities {
            let entry: FidelityEntry = self.source.part(raw)?;
            let part = |name: &str| self.source.field(raw.get_ron(), name);
            if levels.iter().any(|level| level.name == entry.name) || entry.name.trim().is_empty() {
                let message = format!(
                    "`{}` is empty or taken (`full` is the level without changes); choose another name",
                    entry.name
                );
                return Err(self.error(part("name"), message));
            }
            if !(entry.relative_cost.is_finite() && entry.relative_cost > 0.0) {
                let message = "`relative_cost` is a number above 0: the cost of an evaluation, that of the full level being 1";
                return Err(self.error(part("relative_cost"), message));
            }
            let mut constants = constants.clone();
            for (name, raw) in self.entries(Some(entry.set), &|_| false)? {
                let value = self.value(raw)?;
                let known: Vec<String> = constants.keys().cloned().collect();
                let Some(constant) = constants.get_mut(&name) else {
                    let hint = crate::suggest::suggestion(&name, &known);
                    let message = format!(
                        "no constant is called `{name}`{hint}; a level sets `constants` of the definition"
                    );
                    return Err(self.raw_error(raw, message));
                };
                *constant = value;
            }
            levels.push(Level { name: entry.name, relative_cost: entry.relative_cost, constants });
        }
        if levels.len() > usize::from(u8::MAX) {
            return Err(self.raw_error(self.file.fidelities[0], "there are at most 254 levels of fidelity"));
        }
        Ok(levels)
    }
}
