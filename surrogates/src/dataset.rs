//! Data sets: designs of one environment with their metrics, and the CSV they live in.
//!
//! The first line of the file is a comment, the data card: environment, options, space, metrics and sources as JSON, so that a data set
//! explains itself. Then a header and one row per design: parameters, metrics, `status` and `reason`. A design without metrics has empty cells
//! there, and a reason: gates learn from it, other models pass over it.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::sync::Arc;

use hwgym_envs::{Design, DesignSpace, Env, Fidelity, Guard, Metric, Outcome, Random, Value, evaluate};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::SurrogateError;

const MARK: &str = "# hwgym-dataset ";

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

    /// Writes the CSV. Errors: the file cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), SurrogateError> {
        let io = |source| hwgym_envs::EnvError::File { path: path.into(), source };
        let mut file = std::io::BufWriter::new(std::fs::File::create(path).map_err(io)?);
        writeln!(file, "{MARK}{}", serde_json::to_string(&self.origin)?).map_err(io)?;
        let mut csv = csv::Writer::from_writer(file);
        let space = &self.origin.space;
        let csv_error = |error: csv::Error| io(std::io::Error::other(error));
        csv.write_record(columns(&self.origin)).map_err(csv_error)?;
        let values = |design: &Design| -> Vec<String> {
            let text = |i| match space.value(design, i) {
                Value::Real(real) => real.to_string(),
                value => value.to_string(),
            };
            (0..space.len()).map(text).collect()
        };
        for (design, metrics) in self.designs.iter().zip(&self.metrics) {
            let mut record = values(design);
            record.extend(metrics.iter().map(f64::to_string));
            record.extend(["feasible".into(), String::new()]);
            csv.write_record(record).map_err(csv_error)?;
        }
        for row in &self.unmeasured {
            let mut record = values(&row.design);
            record.extend(self.origin.metrics.iter().map(|_| String::new()));
            record.extend([row.status.clone(), row.reason.clone()]);
            csv.write_record(record).map_err(csv_error)?;
        }
        csv.flush().map_err(io)?;
        Ok(())
    }

    /// Reads a CSV that [`write`](Self::write) made, or one of the same form made elsewhere. Errors: with the line.
    pub fn read(path: &Path) -> Result<Self, SurrogateError> {
        let io = |source| hwgym_envs::EnvError::File { path: path.into(), source };
        let bad = |line: u64, message: String| SurrogateError::Data { path: path.into(), line, message };
        let mut file = BufReader::new(std::fs::File::open(path).map_err(io)?);
        let mut first = String::new();
        file.read_line(&mut first).map_err(io)?;
        let origin: Origin = match first.strip_prefix(MARK) {
            Some(json) => serde_json::from_str(json).map_err(|error| {
                bad(1, format!("the data card does not read: {error}; build the data set again"))
            })?,
            None => {
                return Err(bad(
                    1,
                    format!(
                        "expected a line that starts with `{MARK}`; make data sets with `hwgym dataset build`"
                    ),
                ));
            }
        };
        let mut csv = csv::Reader::from_reader(file);
        let width = origin.space.len();
        let header = csv.headers().map_err(|error| bad(2, error.to_string()))?.clone();
        let expected = columns(&origin);
        if !expected.iter().map(String::as_str).eq(header.iter()) {
            return Err(bad(2, columns_differ(&expected, &header)));
        }
        let (mut designs, mut metrics, mut unmeasured) = (Vec::new(), Vec::new(), Vec::new());
        let count = origin.metrics.len();
        for record in csv.records() {
            let record = record.map_err(|error| {
                let line = error.position().map_or(0, |p| p.line() + 1);
                bad(line, error.to_string())
            })?;
            let line = record.position().map_or(0, |p| p.line() + 1);
            let values = origin.space.parameters().iter().zip(&record).map(|(parameter, text)| {
                let value = if !parameter.domain.is_ordered() {
                    Value::Text(text.into())
                } else {
                    Value::parse(text)
                };
                (&parameter.name, value)
            });
            let design = origin.space.design(values).map_err(|error| bad(line, error.to_string()))?;
            let cell = |index: usize| record.get(width + index).unwrap_or_default();
            match cell(count) {
                "feasible" => {}
                status @ ("infeasible" | "timed-out" | "failed") => {
                    let reason = cell(count + 1).into();
                    unmeasured.push(Unmeasured { design, status: status.into(), reason });
                    continue;
                }
                other => {
                    let expected = "feasible, infeasible, timed-out or failed";
                    return Err(bad(line, format!("the status is `{other}`; expected {expected}")));
                }
            }
            let number = |(index, metric): (usize, &Metric)| match cell(index).parse() {
                Ok(value) if f64::is_finite(value) => Ok(value),
                _ => Err(bad(
                    line,
                    format!(
                        "`{}` is `{}`, not a finite number; a design without metrics has a status that says so",
                        metric.name,
                        cell(index)
                    ),
                )),
            };
            let row = origin.metrics.iter().enumerate().map(number).collect::<Result<Vec<f64>, _>>()?;
            designs.push(design);
            metrics.push(row);
        }
        Ok(Self { origin, designs, metrics, unmeasured })
    }
}

/// The header of a file: parameters, metrics, status, reason.
fn columns(origin: &Origin) -> Vec<String> {
    let parameters = origin.space.parameters().iter().map(|p| p.name.clone());
    let metrics = origin.metrics.iter().map(|m| m.name.clone());
    parameters.chain(metrics).chain(["status".into(), "reason".into()]).collect()
}

/// What is wrong with a header.
fn columns_differ(expected: &[String], found: &csv::StringRecord) -> String {
    let missing: Vec<_> = expected.iter().filter(|name| !found.iter().any(|f| f == name.as_str())).collect();
    let unknown: Vec<_> = found.iter().filter(|name| !expected.iter().any(|e| e == name)).collect();
    let list = |names: Vec<String>| names.join(", ");
    let detail = match (missing.is_empty(), unknown.is_empty()) {
        (true, true) => "they stand in another order".into(),
        (false, true) => format!("{} is missing", list(missing.into_iter().cloned().collect())),
        (true, false) => format!("{} is unknown", list(unknown.into_iter().map(String::from).collect())),
        (false, false) => format!(
            "{} is missing and {} unknown",
            list(missing.into_iter().cloned().collect()),
            list(unknown.into_iter().map(String::from).collect())
        ),
    };
    format!("the columns are not those of the data card ({detail}); expected {}", expected.join(","))
}
