//! Entries by id: what the registries of environments, agents and surrogates have in common.

use std::collections::BTreeMap;

use crate::suggest::suggestion;

/// Something that a registry knows by id.
pub trait Entry {
    /// What it is called in messages: `environment`.
    const KIND: &'static str;
    /// The command that lists all of them: `hwgym env list`.
    const LISTED_BY: &'static str;

    /// Its id.
    fn id(&self) -> &str;
}

/// An option or a hyperparameter as `hwgym ... show` prints it.
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    /// Its name in RON.
    pub name: &'static str,
    /// Its default, in RON.
    pub default: &'static str,
    /// The values it may take, in words; empty where the description says it.
    pub range: &'static str,
    /// What it does, in a line.
    pub description: &'static str,
}

/// Entries of one kind by id, in the order of their ids.
#[derive(Clone, Debug)]
pub struct Catalogue<E> {
    entries: BTreeMap<String, E>,
}

impl<E: Entry> Catalogue<E> {
    /// Adds an entry. Errors: the id is taken.
    pub fn add(&mut self, entry: E) -> Result<(), CatalogueError> {
        if self.entries.contains_key(entry.id()) {
            return Err(CatalogueError::Duplicate { kind: E::KIND, id: entry.id().into() });
        }
        self.entries.insert(entry.id().into(), entry);
        Ok(())
    }

    /// Takes an entry out, if it is there.
    pub fn remove(&mut self, id: &str) -> Option<E> {
        self.entries.remove(id)
    }

    /// All entries, by id.
    pub fn entries(&self) -> impl Iterator<Item = &E> {
        self.entries.values()
    }

    /// One entry. Errors: nobody has this id; the message says which is nearest.
    pub fn get(&self, id: &str) -> Result<&E, CatalogueError> {
        self.entries.get(id).ok_or_else(|| CatalogueError::Unknown {
            kind: E::KIND,
            listed_by: E::LISTED_BY,
            id: id.into(),
            known: self.entries.keys().cloned().collect(),
        })
    }
}

impl<E> Default for Catalogue<E> {
    fn default() -> Self {
        Self { entries: BTreeMap::new() }
    }
}

/// Entries whose ids are known to differ, such as those of one crate; of two with one id the later stays.
impl<E: Entry> FromIterator<E> for Catalogue<E> {
    fn from_iter<I: IntoIterator<Item = E>>(entries: I) -> Self {
        Self { entries: entries.into_iter().map(|entry| (entry.id().to_string(), entry)).collect() }
    }
}

/// An id that is not known, or known twice.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CatalogueError {
    /// Nobody has this id.
    #[error("no {kind} is called `{id}`{hint}; `{listed_by}` shows them all", hint = suggestion(.id, .known))]
    Unknown {
        /// What was asked for: `agent`.
        kind: &'static str,
        /// The command that lists them.
        listed_by: &'static str,
        /// The id that was asked for.
        id: String,
        /// Every id that is registered.
        known: Vec<String>,
    },
    /// Two registrations of one id.
    #[error("another {kind} is called `{id}` already; a change of behaviour takes a new version (`-v1`)")]
    Duplicate {
        /// What was registered: `agent`.
        kind: &'static str,
        /// The id.
        id: String,
    },
}
