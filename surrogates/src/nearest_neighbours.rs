//! `nearest-neighbours`: the distance-weighted mean of the nearest training rows. The baseline of every comparison.

use serde::{Deserialize, Serialize};

use crate::model::check_finite;
use crate::{Estimate, Features, Fitted, Surrogate, SurrogateEntry, SurrogateError};

/// Hyperparameters of `nearest-neighbours`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NearestNeighbours {
    /// How many neighbours are asked.
    pub neighbours: usize,
}

impl Default for NearestNeighbours {
    fn default() -> Self {
        Self { neighbours: 5 }
    }
}

#[derive(Serialize, Deserialize)]
struct Trained {
    neighbours: usize,
    width: usize,
    rows: Vec<f64>,
    targets: Vec<f64>,
}

impl Surrogate for NearestNeighbours {
    fn fit(
        &self,
        features: &Features,
        targets: &[f64],
        _seed: u64,
    ) -> Result<Box<dyn Fitted>, SurrogateError> {
        Ok(Box::new(Trained {
            neighbours: self.neighbours.min(targets.len()),
            width: features.width(),
            rows: features.values().to_vec(),
            targets: targets.to_vec(),
        }))
    }
}

impl Fitted for Trained {
    fn predict(&self, features: &Features) -> Vec<Estimate> {
        let mut nearest: Vec<(f64, usize)> = Vec::with_capacity(self.neighbours + 1);
        (0..features.rows()).map(|row| self.estimate(features.row(row), &mut nearest)).collect()
    }

    fn save(&self) -> Result<serde_json::Value, SurrogateError> {
        Ok(serde_json::to_value(self)?)
    }

    fn check(&self, width: usize) -> Result<(), String> {
        let rows = self.targets.len();
        if self.width != width || self.rows.len() != width * rows {
            return Err(format!(
                "{} numbers in {rows} rows of {}; expected rows of {width} features",
                self.rows.len(),
                self.width
            ));
        }
        if !(1..=rows).contains(&self.neighbours) {
            return Err(format!("{} neighbours among {rows} rows", self.neighbours));
        }
        check_finite("a number of a row", self.rows.iter().chain(&self.targets))
    }
}

impl Trained {
    /// `nearest` is room for the neighbours found so far, ordered by distance; ties go to the earlier row.
    fn estimate(&self, point: &[f64], nearest: &mut Vec<(f64, usize)>) -> Estimate {
        nearest.clear();
        for (index, row) in self.rows.chunks_exact(self.width.max(1)).enumerate() {
            let distance: f64 = row.iter().zip(point).map(|(a, b)| (a - b) * (a - b)).sum();
            if nearest.len() < self.neighbours || distance < nearest[nearest.len() - 1].0 {
                let place = nearest.partition_point(|(other, _)| *other <= distance);
                nearest.insert(place, (distance, index));
                nearest.truncate(self.neighbours);
            }
        }
        let weight = |distance: f64| 1.0 / (distance.sqrt() + 1e-9);
        let total: f64 = nearest.iter().map(|(distance, _)| weight(*distance)).sum();
        let average = |value: &dyn Fn(usize) -> f64| {
            nearest.iter().map(|(distance, index)| weight(*distance) * value(*index)).sum::<f64>() / total
        };
        let mean = average(&|index| self.targets[index]);
        let variance = average(&|index| (self.targets[index] - mean).powi(2));
        Estimate { mean, sd: variance.max(0.0).sqrt() }
    }
}

pub(crate) fn entry() -> SurrogateEntry {
    SurrogateEntry::new(
        "nearest-neighbours",
        "distance-weighted mean of the nearest training rows, the baseline",
        |options| {
            let settings: NearestNeighbours = options.parse()?;
            if settings.neighbours == 0 {
                return Err(SurrogateError::out_of_range("neighbours", 0, "at least 1"));
            }
            Ok(Box::new(settings))
        },
        |saved| Ok(Box::new(serde_json::from_value::<Trained>(saved)?)),
    )
    .hyperparameter("neighbours", "5", "at least 1", "how many neighbours are asked")
}
