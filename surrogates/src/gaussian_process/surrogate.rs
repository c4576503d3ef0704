//! `gaussian-process`: the Gaussian process as a surrogate of one target.

use serde::{Deserialize, Serialize};

use super::{GaussianProcess, GaussianProcessSettings, Inputs, Noise};
use crate::model::check_finite;
use crate::{Estimate, Features, Fitted, Surrogate, SurrogateEntry, SurrogateError};

/// Hyperparameters of `gaussian-process`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GaussianProcessSurrogate {
    /// Rows on which the lengths are fitted; the process is then conditioned on all of them.
    pub points_for_lengths: usize,
    /// Learn the noise; otherwise it is 1e-6 of the variance, for simulators that repeat themselves.
    pub learn_noise: bool,
}

impl Default for GaussianProcessSurrogate {
    fn default() -> Self {
        Self { points_for_lengths: 400, learn_noise: true }
    }
}

impl GaussianProcessSurrogate {
    fn settings(&self) -> GaussianProcessSettings {
        GaussianProcessSettings {
            noise: if self.learn_noise { Noise::Learned } else { Noise::Fixed(1e-6) },
            points_for_lengths: self.points_for_lengths,
            ..GaussianProcessSettings::default()
        }
    }
}

impl Surrogate for GaussianProcessSurrogate {
    fn fit(
        &self,
        features: &Features,
        targets: &[f64],
        _seed: u64,
    ) -> Result<Box<dyn Fitted>, SurrogateError> {
        let inputs = Inputs::new(vec![false; features.width()], features.values().to_vec());
        let process = GaussianProcess::fit(&inputs, targets, &self.settings(), None);
        let saved = Saved {
            settings: self.clone(),
            width: features.width(),
            rows: features.values().to_vec(),
            targets: targets.to_vec(),
            parameters: process.parameters().to_vec(),
        };
        Ok(Box::new(Trained { process, saved }))
    }
}

#[derive(Serialize, Deserialize)]
struct Saved {
    settings: GaussianProcessSurrogate,
    width: usize,
    rows: Vec<f64>,
    targets: Vec<f64>,
    parameters: Vec<f64>,
}

struct Trained {
    process: GaussianProcess,
    saved: Saved,
}

impl Fitted for Trained {
    fn predict(&self, features: &Features) -> Vec<Estimate> {
        let predictions = self.process.predict_many(features.values());
        predictions.into_iter().map(|(mean, sd)| Estimate { mean, sd }).collect()
    }

    fn save(&self) -> Result<serde_json::Value, SurrogateError> {
        Ok(serde_json::to_value(&self.saved)?)
    }

    fn check(&self, width: usize) -> Result<(), String> {
        let Saved { rows, targets, parameters, .. } = &self.saved;
        if self.saved.width != width {
            return Err(format!("rows of {} features; expected {width}", self.saved.width));
        }
        check_finite("a number of a row or a parameter", rows.iter().chain(targets).chain(parameters))
    }
}

fn load(saved: serde_json::Value) -> Result<Box<dyn Fitted>, SurrogateError> {
    let saved: Saved = serde_json::from_value(saved)?;
    let Saved { width, rows, targets, parameters, .. } = &saved;
    if targets.is_empty() || rows.len() != width * targets.len() || parameters.len() <= *width {
        return Err(SurrogateError::Training(format!(
            "{} numbers in rows of {width} for {} targets, and {} parameters; expected one row per target, and more parameters than features",
            rows.len(),
            targets.len(),
            parameters.len()
        )));
    }
    let inputs = Inputs::new(vec![false; saved.width], saved.rows.clone());
    let process = GaussianProcess::restore(
        &inputs,
        &saved.targets,
        &saved.settings.settings(),
        saved.parameters.clone(),
    );
    Ok(Box::new(Trained { process, saved }))
}

pub(crate) fn entry() -> SurrogateEntry {
    SurrogateEntry::new(
        "gaussian-process",
        "Gaussian process, Matern 5/2 with one length per feature (Rasmussen and Williams 2006)",
        |options| {
            let settings: GaussianProcessSurrogate = options.parse()?;
            if settings.points_for_lengths < 2 {
                return Err(SurrogateError::out_of_range(
                    "points_for_lengths",
                    settings.points_for_lengths,
                    "at least 2",
                ));
            }
            Ok(Box::new(settings))
        },
        load,
    )
    .hyperparameter("points_for_lengths", "400", "at least 2", "rows on which the lengths are fitted")
    .hyperparameter(
        "learn_noise",
        "true",
        "true, false",
        "learn the noise; otherwise 1e-6 of the variance",
    )
}
