//! Data sets: designs of one environment with their metrics, and the files they live in.
//!
//! A file is CSV, or Parquet where its name ends in `.parquet`. Either begins or ends with the data card: environment, options, space, metrics and
//! sources as JSON, so that a data set explains itself. It has one row per design: parameters, metrics, `status` and `reason`. A design
//! without metrics has empty cells there, and a reason: gates learn from it, other models pass over it.

mod csv;
#[cfg(feature = "parquet")]
mod parquet;

use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use hwgym_envs::{Design, DesignSpace, Env, Fidelity, Guard, Metric, Outcome, Random, Value, evaluate};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::SurrogateError;

/// The first bytes of a Parquet file.
const PARQUET: &[u8] = b"PAR1";

/// Designs of one environment with their metrics.
#[derive(Clone, Debug, PartialEq)]
pub struct Dataset {
    /// Where the data is from.
    pub origin: Origin,
    /// The designs that have metrics, all in `origin.space`.
    pub designs: Vec<Design>,
    /// One row per such design, one finite value per metric of `origin.metrics`.
    pub metrics: Vec<Vec<f64>>,
    /// The designs that were evaluated and have no metrics.
    pub unmeasured: Vec<Unmeasured>,
}

/// A design without metrics.
#[derive(Clone, Debug, PartialEq)]
pub struct Unmeasured {
    /// The design.
    pub design: Design,
    /// `infeasible`, `timed-out` or `failed`.
    pub status: String,
    /// What constraint it breaks, or what happened.
    pub reason: String,
}

impl Unmeasured {
    /// A design whose outcome has no metrics.
    fn new(design: Design, outcome: &Outcome) -> Self {
        let reason = match outcome {
            Outcome::Feasible { .. } => String::new(),
            Outcome::Infeasible { constraint, .. } => constraint.clone(),
            Outcome::TimedOut { limit_s } => format!("stopped after {limit_s} s"),
            Outcome::Failed { reason, .. } => reason.clone(),
        };
        Self { design, status: outcome.status().into(), reason }
    }
}

/// Where a data set is from: enough to build the environment again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Origin {
    /// Id of the environment.
    pub environment: String,
    /// Its options, in RON.
    pub options: String,
    /// Its design space.
    pub space: DesignSpace,
    /// Its metrics.
    pub metrics: Vec<Metric>,
    /// Where the rows are from, one entry per command that made some.
    #[serde(default)]
    pub sources: Vec<Source>,
}

/// Where rows of a data set are from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// `random`, `sobol`, `enumerated`, or `study NAME`.
    pub sampler: String,
    /// Seed of the sampler.
    #[serde(default)]
    pub seed: Option<u64>,
    /// Designs that were evaluated.
    pub designs: usize,
    /// Version of the program.
    pub program: String,
    /// What the environment says of itself: workload, device, model cards, by content.
    pub provenance: Vec<(String, String)>,
}

impl Source {
    /// Rows of this environment, not counted yet.
    pub fn new(env: &dyn Env, sampler: &str, seed: Option<u64>) -> Self {
        Self {
            sampler: sampler.into(),
            seed,
            designs: 0,
            program: env!("CARGO_PKG_VERSION").into(),
            provenance: env.provenance(),
        }
    }
}

impl Dataset {
    /// Samples `count` distinct designs of an environment with this seed and evaluates them: see [`evaluate`](Self::evaluate). Fewer come
    /// where the space is small.
    pub fn sample(
        env: &Arc<dyn Env>,
        options: &str,
        count: usize,
        seed: u64,
        tick: &(dyn Fn() + Sync),
    ) -> Self {
        let mut random = Random::derived(seed, "dataset");
        let mut seen = std::collections::HashSet::new();
        let mut draws = 0;
        while seen.len() < count && draws < 20 * count {
            seen.insert(env.space().sample(&mut random));
            draws += 1;
        }
        let mut designs: Vec<Design> = seen.into_iter().collect();
        designs.sort_by(|a, b| {
            let order = a.coordinates().iter().zip(b.coordinates()).map(|(a, b)| a.total_cmp(b));
            order.fold(std::cmp::Ordering::Equal, std::cmp::Ordering::then)
        });
        random.shuffle(&mut designs);
        Self::evaluate(env, options, designs, Source::new(env.as_ref(), "random", Some(seed)), tick)
    }

    /// Evaluates these designs on all threads; the result does not depend on their number. `tick` is called once per evaluation.
    pub fn evaluate(
        env: &Arc<dyn Env>,
        options: &str,
        designs: Vec<Design>,
        source: Source,
        tick: &(dyn Fn() + Sync),
    ) -> Self {
        let outcomes: Vec<Outcome> = designs
            .par_iter()
            .map(|design| {
                let outcome = evaluate(env, design, Fidelity::FULL, &Guard::UNLIMITED);
                tick();
                outcome
            })
            .collect();
        Self::from_outcomes(env.as_ref(), options, source, designs.into_iter().zip(outcomes))
    }

    /// These results, which `source` has not counted.
    pub fn from_outcomes(
        env: &dyn Env,
        options: &str,
        source: Source,
        results: impl IntoIterator<Item = (Design, Outcome)>,
    ) -> Self {
        let origin = Origin {
            environment: env.id().into(),
            options: options.into(),
            space: env.space().clone(),
            metrics: env.metrics().to_vec(),
            sources: Vec::new(),
        };
        let mut data = Self { origin, designs: Vec::new(), metrics: Vec::new(), unmeasured: Vec::new() };
        for (design, outcome) in results {
            match outcome {
                Outcome::Feasible { metrics } => {
                    data.designs.push(design);
                    data.metrics.push(metrics);
                }
                other => data.unmeasured.push(Unmeasured::new(design, &other)),
            }
        }
        data.origin.sources.push(Source { designs: data.evaluated(), ..source });
        data
    }

    /// Designs with and without metrics.
    pub fn evaluated(&self) -> usize {
        self.designs.len() + self.unmeasured.len()
    }

    /// Adds the rows of another data set of the same environment, options, space and metrics; of designs that both have, the first stays.
    /// Returns how many were left out so. Errors: what differs.
    pub fn merge(&mut self, other: Self) -> Result<usize, SurrogateError> {
        let (mine, its) = (&self.origin, &other.origin);
        let differs = [
            ("environment", mine.environment != its.environment),
            ("options", mine.options != its.options),
            ("space", mine.space != its.space),
            ("metrics", mine.metrics != its.metrics),
        ];
        if let Some((what, _)) = differs.into_iter().find(|(_, differs)| *differs) {
            return Err(SurrogateError::Training(format!(
                "data sets of another {what} cannot be merged: `{}` ({}) and `{}` ({})",
                mine.environment, mine.options, its.environment, its.options
            )));
        }
        let before = self.evaluated() + other.evaluated();
        let mut seen: std::collections::HashSet<Design> = self.designs.iter().cloned().collect();
        seen.extend(self.unmeasured.iter().map(|row| row.design.clone()));
        for (design, metrics) in other.designs.into_iter().zip(other.metrics) {
            if seen.insert(design.clone()) {
                self.designs.push(design);
                self.metrics.push(metrics);
            }
        }
        self.unmeasured.extend(other.unmeasured.into_iter().filter(|row| seen.insert(row.design.clone())));
        self.origin.sources.extend(other.origin.sources);
        Ok(before - self.evaluated())
    }

    /// Number of rows with metrics.
    pub fn len(&self) -> usize {
        self.designs.len()
    }

    /// True without rows that have metrics.
    pub fn is_empty(&self) -> bool {
        self.designs.is_empty()
    }

    /// One metric of every row.
    pub fn targets(&self, metric: usize) -> Vec<f64> {
        self.metrics.iter().map(|row| row[metric]).collect()
    }

    /// Some of the rows with metrics, and none without.
    pub fn select(&self, rows: &[usize]) -> Self {
        Self {
            unmeasured: Vec::new(),
            origin: self.origin.clone(),
            designs: rows.iter().map(|r| self.designs[*r].clone()).collect(),
            metrics: rows.iter().map(|r| self.metrics[*r].clone()).collect(),
        }
    }

    /// Two parts at random: `share` of the rows, and the rest; the same share of those without metrics. Each has at least one row where there
    /// are two.
    pub fn split(&self, share: f64, seed: u64) -> (Self, Self) {
        let order = Random::derived(seed, "split").sample_indices(self.len(), self.len());
        let first = (share * self.len() as f64).round() as usize;
        let first = first.clamp(1.min(self.len()), self.len().saturating_sub(1).max(1).min(self.len()));
        let (mut one, mut rest) = (self.select(&order[..first]), self.select(&order[first..]));
        let without = Random::derived(seed, "split-unmeasured")
            .sample_indices(self.unmeasured.len(), self.unmeasured.len());
        let first = (share * without.len() as f64).round().clamp(0.0, without.len() as f64) as usize;
        let pick = |rows: &[usize]| rows.iter().map(|row| self.unmeasured[*row].clone()).collect();
        one.unmeasured = pick(&without[..first]);
        rest.unmeasured = pick(&without[first..]);
        (one, rest)
    }

    /// A hash (BLAKE3, hexadecimal) of space, metrics and rows.
    pub fn hash(&self) -> String {
        let mut hasher = blake3::Hasher::new();
        hasher.update(serde_json::to_string(&self.origin).unwrap_or_default().as_bytes());
        for (design, metrics) in self.designs.iter().zip(&self.metrics) {
            design.coordinates().iter().chain(metrics).for_each(|value| {
                hasher.update(&value.to_bits().to_le_bytes());
            });
        }
        for row in &self.unmeasured {
            row.design.coordinates().iter().for_each(|value| {
                hasher.update(&value.to_bits().to_le_bytes());
            });
            hasher.update(row.status.as_bytes());
        }
        hasher.finalize().to_hex().to_string()
    }

    /// Writes the file: Parquet where its name says so, otherwise CSV. Errors: it cannot be written, or this program was built without Parquet.
    pub fn write(&self, path: &Path) -> Result<(), SurrogateError> {
        if path.extension().is_some_and(|extension| extension == "parquet") {
            #[cfg(feature = "parquet")]
            return parquet::write(self, path);
            #[cfg(not(feature = "parquet"))]
            return Err(without_parquet(path));
        }
        csv::write(self, path)
    }

    /// Reads a file that [`write`](Self::write) made, or one of the same form made elsewhere; what it is shows in its first bytes. Errors: with
    /// the line, or row.
    pub fn read(path: &Path) -> Result<Self, SurrogateError> {
        let io = |source| hwgym_envs::EnvError::File { path: path.into(), source };
        let mut first = Vec::new();
        let file = std::fs::File::open(path).map_err(io)?;
        file.take(PARQUET.len() as u64).read_to_end(&mut first).map_err(io)?;
        if first == PARQUET {
            #[cfg(feature = "parquet")]
            return parquet::read(path);
            #[cfg(not(feature = "parquet"))]
            return Err(without_parquet(path));
        }
        csv::read(path)
    }

    /// No rows yet.
    fn empty(origin: Origin) -> Self {
        Self { origin, designs: Vec::new(), metrics: Vec::new(), unmeasured: Vec::new() }
    }

    /// Adds a row that was read, in the order of the columns. Errors: what is wrong with it.
    fn push(&mut self, row: &[&str]) -> Result<(), String> {
        let Self { origin, designs, metrics, unmeasured } = self;
        let values = origin.space.parameters().iter().zip(row).map(|(parameter, text)| {
            let value = match parameter.domain.is_ordered() {
                true => Value::parse(text),
                false => Value::Text((*text).into()),
            };
            (&parameter.name, value)
        });
        let design = origin.space.design(values).map_err(|error| error.to_string())?;
        let cell = |index: usize| row.get(origin.space.len() + index).copied().unwrap_or_default();
        let count = origin.metrics.len();
        match cell(count) {
            "feasible" => {}
            status @ ("infeasible" | "timed-out" | "failed") => {
                let (status, reason) = (status.into(), cell(count + 1).into());
                unmeasured.push(Unmeasured { design, status, reason });
                return Ok(());
            }
            other => {
                let expected = "feasible, infeasible, timed-out or failed";
                return Err(format!("the status is `{other}`; expected {expected}"));
            }
        }
        let number = |(index, metric): (usize, &Metric)| match cell(index).parse() {
            Ok(value) if f64::is_finite(value) => Ok(value),
            _ => Err(format!(
                "`{}` is `{}`, not a finite number; a design without metrics has a status that says so",
                metric.name,
                cell(index)
            )),
        };
        metrics.push(origin.metrics.iter().enumerate().map(number).collect::<Result<Vec<f64>, _>>()?);
        designs.push(design);
        Ok(())
    }
}

#[cfg(not(feature = "parquet"))]
fn without_parquet(path: &Path) -> SurrogateError {
    SurrogateError::Training(format!(
        "{}: this program was built without Parquet: build it with `--features parquet`, or use CSV",
        path.display()
    ))
}

/// The header of a file: parameters, metrics, status, reason.
fn columns(origin: &Origin) -> Vec<String> {
    let parameters = origin.space.parameters().iter().map(|p| p.name.clone());
    let metrics = origin.metrics.iter().map(|m| m.name.clone());
    parameters.chain(metrics).chain(["status".into(), "reason".into()]).collect()
}

/// What is wrong with a header.
fn columns_differ(expected: &[String], found: &[String]) -> String {
    let missing: Vec<_> = expected.iter().filter(|name| !found.contains(name)).cloned().collect();
    let unknown: Vec<_> = found.iter().filter(|name| !expected.contains(name)).cloned().collect();
    let list = |names: Vec<String>| names.join(", ");
    let detail = match (missing.is_empty(), unknown.is_empty()) {
        (true, true) => "they stand in another order".into(),
        (false, true) => format!("{} is missing", list(missing)),
        (true, false) => format!("{} is unknown", list(unknown)),
        (false, false) => format!("{} is missing and {} unknown", list(missing), list(unknown)),
    };
    format!("the columns are not those of the data card ({detail}); expected {}", expected.join(","))
}
