//! Evaluating a whole design space: the truth against which searches are measured.
//!
//! Every class of provably equal designs ([`Env::canonical`]) is evaluated once. The work goes in chunks that are stored as they are
//! finished, so that it can be stopped and resumed at any moment; the result is a [`Table`], from which [`KnownOptima`] are distilled.
//!
//! Works for every environment with a discrete space.

mod optima;
mod table;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

pub use table::Table;

use crate::known_optima::KnownOptima;
use crate::{Design, Env, EnvError, Fidelity, Guard, Outcome};

/// Designs per chunk: what is lost at most when the process is killed.
const CHUNK: usize = 1024;

/// How far an enumeration is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Designs evaluated, those of earlier runs included.
    pub done: u64,
    /// Designs to evaluate.
    pub total: u64,
}

/// The plan of an enumeration: which designs are evaluated.
pub struct Enumeration<'a> {
    env: &'a Arc<dyn Env>,
    size: u64,
    representatives: Vec<u64>,
    refused: u64,
}

/// What a folder of a running enumeration belongs to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Manifest {
    env: String,
    provenance: Vec<(String, String)>,
    space: String,
    representatives: u64,
    chunk: usize,
}

impl<'a> Enumeration<'a> {
    /// Finds the representatives. Errors: a space with a real parameter, or with 2^32 designs or more.
    pub fn plan(env: &'a Arc<dyn Env>) -> Result<Self, EnvError> {
        let space = env.space();
        let size = space.size().filter(|size| *size < 1 << 32).ok_or_else(|| {
            EnvError::invalid(
                "space",
                format!(
                    "`{}` cannot be enumerated: its space has real parameters or more than 2^32 designs",
                    env.id()
                ),
            )
        })? as u64;
        let class = |index: u64| -> Option<(u64, bool)> {
            let design = space.design_at(u128::from(index))?;
            (env.canonical(&design) == design).then(|| (index, space.violation(&design) == 0.0))
        };
        let classes: Vec<_> = (0..size).into_par_iter().filter_map(class).collect();
        let representatives: Vec<u64> =
            classes.iter().filter(|(_, kept)| *kept).map(|(index, _)| *index).collect();
        let refused = (classes.len() - representatives.len()) as u64;
        Ok(Self { env, size, representatives, refused })
    }

    /// Number of designs of the space.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Number of designs to evaluate.
    pub fn evaluations(&self) -> u64 {
        self.representatives.len() as u64
    }

    /// The designs to evaluate, in index order.
    pub fn representatives(&self) -> impl Iterator<Item = Design> + '_ {
        self.representatives.iter().filter_map(|index| self.env.space().design_at(u128::from(*index)))
    }

    /// Number of designs left out because they provably equal another one.
    pub fn skipped(&self) -> u64 {
        self.size - self.evaluations() - self.refused
    }

    /// Number of classes left out because the space's own constraints refuse them.
    pub fn refused(&self) -> u64 {
        self.refused
    }

    /// Evaluates everything in memory, on the threads of the current rayon pool.
    pub fn run(&self) -> Table {
        let mut table = self.empty();
        self.evaluate(&self.representatives, &mut table);
        table
    }

    /// Evaluates everything, keeping finished chunks in `folder`, and goes on where an earlier run stopped. After every chunk `go_on` is
    /// asked whether to continue; `None` if it said no.
    ///
    /// The result stands in `folder/table.csv.gz` too. It does not depend on the number of threads or on interruptions. Errors: the folder
    /// belongs to another enumeration, or cannot be written.
    pub fn run_in(
        &self,
        folder: &Path,
        mut go_on: impl FnMut(Progress) -> bool,
    ) -> Result<Option<Table>, EnvError> {
        std::fs::create_dir_all(folder).map_err(|source| file(folder, source))?;
        self.claim(&folder.join("manifest.json"))?;
        let whole = folder.join("table.csv.gz");
        if whole.exists() {
            let table = Table::load(&whole)?;
            if table.len() == self.representatives.len() {
                return Ok(Some(table));
            }
        }
        let total = self.evaluations();
        let mut chunks: Vec<PathBuf> = Vec::new();
        let mut done = 0;
        for (number, indices) in self.representatives.chunks(CHUNK).enumerate() {
            let path = folder.join(format!("chunk-{number:05}.csv.gz"));
            if !path.exists() {
                let mut table = self.empty();
                self.evaluate(indices, &mut table);
                table.save(&path)?;
            }
            chunks.push(path);
            done += indices.len() as u64;
            if !go_on(Progress { done, total }) && done < total {
                return Ok(None);
            }
        }
        let mut table = self.empty();
        for path in &chunks {
            table.append(Table::load(path)?);
        }
        if table.indices() != self.representatives {
            return Err(EnvError::invalid(
                "out",
                format!(
                    "the chunks in {} do not fit together; remove the folder and start again",
                    folder.display()
                ),
            ));
        }
        table.save(&whole)?;
        for path in chunks {
            std::fs::remove_file(&path).map_err(|source| file(&path, source))?;
        }
        Ok(Some(table))
    }

    /// The optima of every objective that the environment names.
    pub fn optima(&self, table: &Table) -> Result<KnownOptima, EnvError> {
        KnownOptima::distil(self.env.as_ref(), self.size, table)
    }

    fn empty(&self) -> Table {
        Table::new(self.env.metrics().iter().map(|metric| metric.name.clone()))
    }

    fn evaluate(&self, indices: &[u64], table: &mut Table) {
        let evaluate = |index: &u64| match self.env.space().design_at(u128::from(*index)) {
            Some(design) => crate::evaluate(self.env, &design, Fidelity::FULL, &Guard::UNLIMITED),
            None => Outcome::failed("no such design"),
        };
        let outcomes: Vec<Outcome> = indices.par_iter().with_max_len(16).map(evaluate).collect();
        for (index, outcome) in indices.iter().zip(&outcomes) {
            table.push(*index, outcome);
        }
    }

    /// Writes the manifest, or compares with the one that is there.
    fn claim(&self, path: &Path) -> Result<(), EnvError> {
        let space = serde_json::to_string(self.env.space().parameters()).unwrap_or_default();
        let manifest = Manifest {
            env: self.env.id().into(),
            provenance: self.env.provenance(),
            space: blake3::hash(space.as_bytes()).to_hex().to_string(),
            representatives: self.evaluations(),
            chunk: CHUNK,
        };
        match std::fs::read_to_string(path) {
            Ok(text) if serde_json::from_str::<Manifest>(&text).is_ok_and(|found| found == manifest) => {
                Ok(())
            }
            Ok(_) => Err(EnvError::invalid(
                "out",
                format!(
                    "{} belongs to another environment, workload or version; choose another folder",
                    path.display()
                ),
            )),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let text = serde_json::to_string_pretty(&manifest).unwrap_or_default();
                std::fs::write(path, text).map_err(|source| file(path, source))
            }
            Err(source) => Err(file(path, source)),
        }
    }
}

fn file(path: &Path, source: std::io::Error) -> EnvError {
    EnvError::File { path: path.into(), source }
}

#[cfg(test)]
mod tests;
