//! Several files read as one specification, as Timeloop's command line takes them.
use std::path::Path;
use std::rc::Rc;

use super::document::{self, MAX_BYTES, Node};
use super::tables::Tables;
use super::{architecture, constraints, libconfig, mapping, problem};
use crate::error::{Error, Result, did_you_mean};
use crate::timeloop::Counting;
use crate::timeloop::architecture::Architecture;
use crate::timeloop::constraints::Constraints;
use crate::timeloop::mapping::Nest;
use crate::timeloop::model::Model;
use crate::workload::Problem;

/// The `mapper:` section, as far as it has a meaning here.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct MapperSettings {
    /// `optimization_metrics` (or `optimization_metric`), the first one decides.
    pub metrics: Vec<String>,
    /// `search_size`: valid mappings to evaluate; 0 is no limit.
    pub search_size: Option<u64>,
    /// `timeout`: consecutive invalid mappings after which a search ends.
    pub timeout: Option<u64>,
    /// `victory_condition`: consecutive mappings without progress after which a search ends.
    pub victory_condition: Option<u64>,
    /// `algorithm`.
    pub algorithm: Option<String>,
    /// `num_threads`: independent searches, among which the search size is divided; the best of them counts.
    pub num_threads: Option<u64>,
    /// Settings that are read and have no effect here, with their values.
    pub without_effect: Vec<String>,
}

/// Settings of the reference that change what it prints and when its threads meet, or how it walks through a space that is
/// drawn from otherwise here.
const WITHOUT_EFFECT: [&str; 15] = [
    "diagnostics",
    "filter_revisits",
    "live_status",
    "log_all",
    "log_interval",
    "log_oaves",
    "log_oaves_mappings",
    "log_stats",
    "log_suboptimal",
    "max_permutations_per_if_visit",
    "max_temporal_loops_in_a_mapping",
    "out_prefix",
    "penalize_consecutive_bypass_fails",
    "sync_interval",
    "version",
];

/// Settings that are followed.
const FOLLOWED: [&str; 7] = [
    "algorithm",
    "num_threads",
    "optimization_metric",
    "optimization_metrics",
    "search_size",
    "timeout",
    "victory_condition",
];

/// Everything the files say.
#[derive(Debug, Clone, PartialEq)]
pub struct Specification {
    /// The hardware, with energies and areas.
    pub architecture: Architecture,
    /// The layer.
    pub problem: Problem,
    /// The mapping, where one is given.
    pub mapping: Option<Nest>,
    /// All constraints.
    pub constraints: Constraints,
    /// The mapper's settings.
    pub mapper: MapperSettings,
}

impl Specification {
    /// Reads files in order; each holds one or more sections (`architecture`, `ERT`, `ART`, `problem`, `mapping`,
    /// `constraints`, `mapper`). A section that appears twice is taken from the last file, tables and constraints add up.
    ///
    /// # Errors
    /// A file that cannot be read, or anything wrong in it, with its place.
    pub fn from_files<P: AsRef<Path>>(paths: &[P]) -> Result<Self> {
        let mut texts = Vec::new();
        for path in paths {
            let path = path.as_ref();
            let name = path.display().to_string();
            let length = std::fs::metadata(path).map_err(|e| Error::file(path, &e))?.len();
            if length > MAX_BYTES as u64 {
                return Err(Error::at(
                    name,
                    (1, 1),
                    format!("the file has {length} bytes, at most {MAX_BYTES} are read"),
                    "a specification has a few kilobytes: is this the right file?",
                ));
            }
            let bytes = std::fs::read(path).map_err(|e| Error::file(path, &e))?;
            let text = String::from_utf8(bytes).map_err(|e| {
                let line =
                    e.as_bytes()[..e.utf8_error().valid_up_to()].iter().filter(|b| **b == b'\n').count();
                Error::at(&*name, (line + 1, 1), "this is not UTF-8 text", "save the file as UTF-8")
            })?;
            texts.push((name, text));
        }
        let texts: Vec<(&str, &str)> = texts.iter().map(|(n, t)| (n.as_str(), t.as_str())).collect();
        Self::from_texts(&texts)
    }

    /// Reads `(name, text)` pairs; the name is used in errors, and one that ends in `.cfg` is libconfig text instead of YAML.
    ///
    /// # Errors
    /// Anything wrong in the texts, with its place.
    pub fn from_texts(texts: &[(&str, &str)]) -> Result<Self> {
        let roots: Vec<Rc<Node>> =
            texts.iter().map(|(name, text)| parse(name, text)).collect::<Result<_>>()?;
        let missing = |section: &str| {
            let files: Vec<&str> = texts.iter().map(|(n, _)| *n).collect();
            Error::invalid(
                format!("no `{section}:` section in {}", files.join(", ")),
                format!("give a file with a `{section}:` section at the top level"),
            )
        };
        let with = |section: &str| roots.iter().rev().find(|r| r.get(section).is_some());
        let mut tables = Tables::default();
        for root in &roots {
            tables.read(root)?;
        }
        for root in &roots {
            refuse_sparse(root)?;
        }
        let root = with("architecture").or_else(|| with("arch")).ok_or_else(|| missing("architecture"))?;
        let read = architecture::read(root, &tables, &roots)?;
        let variables = architecture::variables(&roots);
        let problem = problem::read(with("problem").ok_or_else(|| missing("problem"))?, &variables)?;
        let mut constraints = Constraints::none();
        for (node, owner) in &read.constraints {
            constraints::read_component(node, *owner, &read.architecture, &problem, &mut constraints)?;
        }
        constraints::pass_through(&read, &problem, &mut constraints);
        for root in &roots {
            constraints::read(root, &read, &problem, &mut constraints)?;
        }
        let mapping = match with("mapping").and_then(|r| r.get("mapping")) {
            // The front end writes an empty list where nothing was given.
            Some(node) if matches!(&node.value, document::Value::List(items) if items.is_empty()) => None,
            Some(node) => Some(mapping::read(node, &read, &problem)?),
            None => None,
        };
        let mapper = with("mapper")
            .and_then(|r| r.get("mapper"))
            .map_or(Ok(MapperSettings::default()), |n| mapper(n))?;
        Ok(Self { architecture: read.architecture, problem, mapping, constraints, mapper })
    }

    /// The compiled model, with exact counts.
    ///
    /// # Errors
    /// As [`Model::new`].
    pub fn model(&self) -> Result<Model> {
        self.model_counting(Counting::Exact)
    }

    /// The compiled model with the counts chosen.
    ///
    /// # Errors
    /// As [`Model::new`].
    pub fn model_counting(&self, counting: Counting) -> Result<Model> {
        Model::with_counting(self.architecture.clone(), self.problem.clone(), counting)
    }
}

/// One file as a tree.
fn parse(name: &str, text: &str) -> Result<Rc<Node>> {
    let extension = Path::new(name).extension();
    if extension.is_some_and(|extension| extension.eq_ignore_ascii_case("cfg")) {
        libconfig::parse(name, text)
    } else {
        document::parse(name, text)
    }
}

/// Sparse optimizations change every number, and none of it is modelled.
fn refuse_sparse(root: &Node) -> Result<()> {
    let Some(section) = root.get("sparse_optimizations") else { return Ok(()) };
    let targets = section.get("targets").unwrap_or(section);
    match &targets.value {
        document::Value::List(items) if items.is_empty() => Ok(()),
        document::Value::Map(entries) if entries.is_empty() => Ok(()),
        _ => Err(section.error(
            "sparse optimizations are not modelled",
            "remove the section for the numbers of dense tensors",
        )),
    }
}

fn mapper(node: &Node) -> Result<MapperSettings> {
    let whole = |keys: &[&str]| node.any(keys).map(|n| n.whole()).transpose();
    let mut without_effect = Vec::new();
    if let document::Value::Map(entries) = &node.value {
        for (key, value) in entries {
            let word = key.as_str();
            if WITHOUT_EFFECT.contains(&word) {
                // The version is that of the file's form, which is read.
                if word != "version" {
                    without_effect.push(word.replace('_', "-"));
                }
            } else if !FOLLOWED.contains(&word) {
                let known = FOLLOWED.into_iter().chain(WITHOUT_EFFECT);
                return Err(
                    value.error(format!("unknown mapper setting \"{word}\""), did_you_mean(word, known))
                );
            }
        }
    }
    Ok(MapperSettings {
        metrics: node
            .any(&["optimization_metrics", "optimization_metric"])
            .map_or(Ok(Vec::new()), |n| n.words())?,
        search_size: whole(&["search_size"])?,
        timeout: whole(&["timeout"])?,
        victory_condition: whole(&["victory_condition"])?,
        algorithm: node.get("algorithm").map(|n| n.text().map(String::from)).transpose()?,
        num_threads: whole(&["num_threads"])?,
        without_effect,
    })
}
