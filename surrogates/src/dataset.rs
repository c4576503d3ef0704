//! Data sets: designs of one environment with their metrics, and the CSV they live in.
//!
//! The first line of the file is a comment with the environment, its options, space and metrics as JSON, so that a data set explains
//! itself; then a header and one row per design. Infeasible designs are left out, and counted in that first line.

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
    /// The designs, all in `origin.space`.
    pub designs: Vec<Design>,
    /// One row per design, one finite value per metric of `origin.metrics`.
    pub metrics: Vec<Vec<f64>>,
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
    /// Designs that were evaluated and had no metrics.
    #[serde(default)]
    pub infeasible: usize,
}

impl Dataset {
    /// Samples `count` distinct designs of an environment with this seed and evaluates them on all threads; the result does not depend on
    /// their number. Fewer come back where some have no metrics, or the space is small. `tick` is called once per evaluation.
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
        let outcomes: Vec<Outcome> = designs
            .par_iter()
            .map(|design| {
                let outcome = evaluate(env, design, Fidelity::FULL, &Guard::UNLIMITED);
                tick();
                outcome
            })
            .collect();
        Self::from_outcomes(env.as_ref(), options, designs.into_iter().zip(outcomes))
    }

    /// The feasible ones of these results.
    pub fn from_outcomes(
        env: &dyn Env,
        options: &str,
        results: impl IntoIterator<Item = (Design, Outcome)>,
    ) -> Self {
        let origin = Origin {
            environment: env.id().into(),
            options: options.into(),
            space: env.space().clone(),
            metrics: env.metrics().to_vec(),
            infeasible: 0,
        };
        let mut data = Self { origin, designs: Vec::new(), metrics: Vec::new() };
        for (design, outcome) in results {
            match outcome {
                Outcome::Feasible { metrics } => {
                    data.designs.push(design);
                    data.metrics.push(metrics);
                }
                _ => data.origin.infeasible += 1,
            }
        }
        data
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.designs.len()
    }

    /// True without rows.
    pub fn is_empty(&self) -> bool {
        self.designs.is_empty()
    }

    /// One metric of every row.
    pub fn targets(&self, metric: usize) -> Vec<f64> {
        self.metrics.iter().map(|row| row[metric]).collect()
    }

    /// Some of the rows.
    pub fn select(&self, rows: &[usize]) -> Self {
        Self {
            origin: self.origin.clone(),
            designs: rows.iter().map(|r| self.designs[*r].clone()).collect(),
            metrics: rows.iter().map(|r| self.metrics[*r].clone()).collect(),
        }
    }

    /// Two parts at random: `share` of the rows, and the rest. Each has at least one row where there are two.
    pub fn split(&self, share: f64, seed: u64) -> (Self, Self) {
        let order = Random::derived(seed, "split").sample_indices(self.len(), self.len());
        let first = (share * self.len() as f64).round() as usize;
        let first = first.clamp(1.min(self.len()), self.len().saturating_sub(1).max(1).min(self.len()));
        (self.select(&order[..first]), self.select(&order[first..]))
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
        hasher.finalize().to_hex().to_string()
    }

    /// Writes the CSV. Errors: the file cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), SurrogateError> {
        let io = |source| hwgym_envs::EnvError::File { path: path.into(), source };
        let mut file = std::io::BufWriter::new(std::fs::File::create(path).map_err(io)?);
        writeln!(file, "{MARK}{}", serde_json::to_string(&self.origin)?).map_err(io)?;
        let mut csv = csv::Writer::from_writer(file);
        let space = &self.origin.space;
        let names =
            space.parameters().iter().map(|p| &p.name).chain(self.origin.metrics.iter().map(|m| &m.name));
        let csv_error = |error: csv::Error| io(std::io::Error::other(error));
        csv.write_record(names).map_err(csv_error)?;
        for (design, metrics) in self.designs.iter().zip(&self.metrics) {
            let values = (0..space.len()).map(|i| match space.value(design, i) {
                Value::Real(real) => real.to_string(),
                value => value.to_string(),
            });
            csv.write_record(values.chain(metrics.iter().map(f64::to_string))).map_err(csv_error)?;
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
            Some(json) => serde_json::from_str(json).map_err(|error| bad(1, error.to_string()))?,
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
        let expected = || {
            origin.space.parameters().iter().map(|p| &p.name).chain(origin.metrics.iter().map(|m| &m.name))
        };
        if !expected().map(String::as_str).eq(header.iter()) {
            let expected: Vec<_> = expected().cloned().collect();
            return Err(bad(
                2,
                format!(
                    "the columns are not those of the space and metrics: expected {}",
                    expected.join(",")
                ),
            ));
        }
        let (mut designs, mut metrics) = (Vec::new(), Vec::new());
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
            designs.push(origin.space.design(values).map_err(|error| bad(line, error.to_string()))?);
            let row: Result<Vec<f64>, _> = record.iter().skip(width).map(str::parse).collect();
            match row {
                Ok(row) if row.iter().all(|value| value.is_finite()) => metrics.push(row),
                _ => return Err(bad(line, "a metric is not a finite number; leave such rows out".into())),
            }
        }
        Ok(Self { origin, designs, metrics })
    }
}
