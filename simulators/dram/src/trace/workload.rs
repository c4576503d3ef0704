//! Workloads by name: a shipped trace, a generator, or a file.
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::generate::PRESETS;
use super::shipped::SHIPPED;
use super::{GeneratorSpec, ProgramMix, ShippedTrace, StlReader};
use crate::{Error, Request, Result};

/// Where requests come from. In RON: `Named("sqlite")`, `Named("random:requests=5000")`, `Generated((seed: 3))` or
/// `File("my.stl.gz")`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Workload {
    /// A shipped trace, a generator preset with optional settings as [`GeneratorSpec::parse`] reads them, or a [`ProgramMix`].
    Named(String),
    /// A synthetic trace.
    Generated(GeneratorSpec),
    /// A trace file, plain or gzip.
    File(PathBuf),
}

impl Workload {
    /// Reads what a user types: the name of a shipped trace, a generator such as `random:seed=3`, programs that share the memory such as
    /// `mix:programs=bfs+sort,load=0.6`, or a path, recognised by its ending, a path separator, or because there is such a file.
    ///
    /// # Errors
    /// [`Error::UnknownName`] listing shipped traces and generators, and those of [`GeneratorSpec::parse`] and [`ProgramMix::parse`].
    pub fn parse(text: &str) -> Result<Self> {
        Self::parse_in(text, Path::new(""))
    }

    /// As [`Workload::parse`]. What names nothing built in but a file in `folder` is that file; a path of the result is as
    /// it was written, not joined with `folder`.
    ///
    /// # Errors
    /// As [`Workload::parse`].
    pub fn parse_in(text: &str, folder: &Path) -> Result<Self> {
        let lower = text.to_ascii_lowercase();
        let is_path = [".stl", ".gz", ".txt", ".rstl"].iter().any(|ending| lower.ends_with(ending));
        if is_path || (text.contains(std::path::is_separator) && !text.contains('=')) {
            return Ok(Self::File(text.into()));
        }
        match resolve(text) {
            Ok(_) => Ok(Self::Named(text.into())),
            Err(_) if folder.join(text).is_file() => Ok(Self::File(text.into())),
            Err(error) => Err(error),
        }
    }

    /// A short name for tables and file names.
    pub fn label(&self) -> String {
        match self {
            Self::Named(name) => name.clone(),
            Self::Generated(spec) => {
                let pattern = format!("{:?}", spec.pattern);
                let kind = pattern.split(' ').next().unwrap_or_default().to_lowercase();
                format!("{kind}-{}-{}", spec.requests, spec.seed)
            }
            Self::File(path) => {
                let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
                name.trim_end_matches(".gz").trim_end_matches(".stl").to_owned()
            }
        }
    }

    /// The requests, one by one.
    ///
    /// # Errors
    /// Those of finding, opening and reading.
    pub fn requests(&self) -> Result<Box<dyn Iterator<Item = Result<Request>> + Send>> {
        match self {
            Self::Named(name) => match resolve(name)? {
                Named::Shipped(trace) => Ok(Box::new(trace.reader()?)),
                Named::Generated(spec) => Ok(Box::new(spec.generator()?.map(Ok))),
                Named::Programs(mix) => Ok(Box::new(mix.requests()?.into_iter().map(Ok))),
            },
            Self::Generated(spec) => Ok(Box::new(spec.generator()?.map(Ok))),
            Self::File(path) => Ok(Box::new(StlReader::open(path)?)),
        }
    }

    /// All requests in memory.
    ///
    /// # Errors
    /// As [`Workload::requests`].
    pub fn load(&self) -> Result<Vec<Request>> {
        self.requests()?.collect()
    }
}

/// What a name stands for.
enum Named {
    Shipped(&'static ShippedTrace),
    Generated(GeneratorSpec),
    Programs(ProgramMix),
}

fn resolve(text: &str) -> Result<Named> {
    let preset = text.split(':').next().unwrap_or(text);
    if let Ok(trace) = ShippedTrace::find(text) {
        return Ok(Named::Shipped(trace));
    }
    if ProgramMix::is_meant(text) {
        return ProgramMix::parse(text).map(Named::Programs);
    }
    if PRESETS.iter().any(|(name, _)| *name == preset) {
        return GeneratorSpec::parse(text).map(Named::Generated);
    }
    let names = SHIPPED.iter().map(|trace| trace.name).chain(PRESETS.map(|(name, _)| name));
    Err(Error::unknown("workload", text, names))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_told_apart() {
        assert_eq!(Workload::parse("a/b.stl.gz").unwrap(), Workload::File("a/b.stl.gz".into()));
        assert_eq!(Workload::parse("a/b.stl.gz").unwrap().label(), "b");
        assert_eq!(Workload::parse("b.stl").unwrap(), Workload::File("b.stl".into()));
        let random = Workload::parse("random:requests=7,seed=2").unwrap();
        assert_eq!(random.load().unwrap().len(), 7);
        let spec = GeneratorSpec::parse("random:requests=7,seed=2").unwrap();
        assert_eq!(Workload::Generated(spec.clone()).load().unwrap(), random.load().unwrap());
        assert_eq!(Workload::Generated(spec).label(), "random-7-2");
        let error = Workload::parse("randm").unwrap_err().to_string();
        assert!(error.contains("did you mean `random`"), "{error}");
        assert!(Workload::parse("random:seed=x").is_err());
        let programs = Workload::parse("mix:programs=bfs+sort,load=0.6,requests=60").unwrap();
        assert_eq!(programs.load().unwrap().len(), 60);
        assert!(
            Workload::parse("mix:programs=bfs+srt").unwrap_err().to_string().contains("did you mean `sort`")
        );
        assert_eq!(Workload::parse("mix:requests=60").unwrap().load().unwrap().len(), 60);
        assert!(
            Workload::parse("missing.stl").unwrap().load().unwrap_err().to_string().contains("missing.stl")
        );
    }

    #[test]
    fn an_existing_file_needs_no_ending() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("mytrace"), "0: read 0x40\n").unwrap();
        assert_eq!(Workload::parse_in("mytrace", folder.path()).unwrap(), Workload::File("mytrace".into()));
        assert!(Workload::parse_in("mytrac", folder.path()).is_err());
    }

    #[test]
    fn workloads_are_written_in_ron() {
        for text in ["Named(\"stream\")", "Generated((seed:3))", "File(\"x.stl\")"] {
            let workload: Workload = ron::from_str(text).unwrap();
            let again: Workload = ron::from_str(&ron::to_string(&workload).unwrap()).unwrap();
            assert_eq!(workload, again);
        }
    }
}
