//! Environments by id.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::{Env, EnvError, Options};

type Build = dyn Fn(&Options) -> Result<Box<dyn Env>, EnvError> + Send + Sync;

/// An option of an environment, as `hwgym env show` prints it.
#[derive(Clone, Debug, PartialEq)]
pub struct OptionInfo {
    /// Name of the field.
    pub name: &'static str,
    /// Its default, in RON.
    pub default: &'static str,
    /// What it does, in a line.
    pub description: &'static str,
}

/// One registered environment.
#[derive(Clone)]
pub struct EnvEntry {
    /// The versioned id.
    pub id: String,
    /// What it is, in a line.
    pub summary: String,
    /// The options it takes.
    pub options: Vec<OptionInfo>,
    build: Arc<Build>,
}

impl EnvEntry {
    /// An entry that builds its environment with this function.
    pub fn new(
        id: &str,
        summary: &str,
        build: impl Fn(&Options) -> Result<Box<dyn Env>, EnvError> + Send + Sync + 'static,
    ) -> Self {
        Self { id: id.into(), summary: summary.into(), options: Vec::new(), build: Arc::new(build) }
    }

    /// The same with one more option documented.
    pub fn option(mut self, name: &'static str, default: &'static str, description: &'static str) -> Self {
        self.options.push(OptionInfo { name, default, description });
        self
    }

    /// Builds the environment. Errors: options that do not read, or that it cannot use.
    pub fn make(&self, options: &Options) -> Result<Arc<dyn Env>, EnvError> {
        (self.build)(options).map(Arc::from)
    }
}

/// Environments by id. A value, not a global: a program may add its own to [`Registry::builtin`].
#[derive(Clone, Default)]
pub struct Registry {
    entries: BTreeMap<String, EnvEntry>,
}

impl Registry {
    /// A registry of nothing.
    pub fn empty() -> Self {
        Self::default()
    }

    /// Every environment of this crate.
    pub fn builtin() -> Self {
        let mut registry = Self::empty();
        let mut entries: Vec<EnvEntry> = vec![
            crate::dram_controller::entry(),
            crate::accelerator::eyeriss::entry(),
            crate::accelerator::maestro_mapping::entry(),
            crate::accelerator::mapping::entry(),
            crate::accelerator::simba::entry(),
            crate::accelerator::systolic_array::entry(),
            crate::accelerator::user_template::entry(),
        ];
        entries.extend(crate::circuit::entries());
        entries.extend(crate::synthetic::entries());
        entries.push(crate::table::entry());
        for entry in entries {
            registry.entries.insert(entry.id.clone(), entry);
        }
        registry
    }

    /// Adds an environment. Errors: the id is taken.
    pub fn add(&mut self, entry: EnvEntry) -> Result<(), EnvError> {
        if self.entries.contains_key(&entry.id) {
            return Err(EnvError::DuplicateEnv(entry.id));
        }
        self.entries.insert(entry.id.clone(), entry);
        Ok(())
    }

    /// All entries, by id.
    pub fn entries(&self) -> impl Iterator<Item = &EnvEntry> {
        self.entries.values()
    }

    /// One entry. Errors: nobody has this id; the message says which is nearest.
    pub fn get(&self, id: &str) -> Result<&EnvEntry, EnvError> {
        self.entries.get(id).ok_or_else(|| EnvError::UnknownEnv {
            id: id.into(),
            known: self.entries.keys().cloned().collect(),
        })
    }

    /// Builds an environment. Errors: see [`get`](Self::get) and [`EnvEntry::make`].
    pub fn make(&self, id: &str, options: &Options) -> Result<Arc<dyn Env>, EnvError> {
        self.get(id)?.make(options)
    }
}
