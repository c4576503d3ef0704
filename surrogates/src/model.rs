//! A whole surrogate: one trained model per metric of an environment, with encoding and transforms, and the file it is saved in.

use std::path::Path;

use hwgym_envs::random::derive_seed;
use hwgym_envs::{Design, Encoding, Options};
use serde::{Deserialize, Serialize};

use crate::dataset::Origin;
use crate::transform::FittedTransform;
use crate::{Dataset, Features, Fitted, Registry, SurrogateError, Transform};

/// Checks a deviation that was read from a file.
pub(crate) fn check_deviation(sd: f64) -> Result<(), String> {
    if sd.is_finite() && sd >= 0.0 {
        Ok(())
    } else {
        Err(format!("its standard deviation is {sd}; expected a number from 0"))
    }
}

/// Checks numbers that were read from a file.
pub(crate) fn check_finite<'a>(what: &str, numbers: impl IntoIterator<Item = &'a f64>) -> Result<(), String> {
    if numbers.into_iter().all(|number| number.is_finite()) {
        Ok(())
    } else {
        Err(format!("{what} is not finite"))
    }
}

const FORMAT: &str = "hwgym-surrogate";
const VERSION: u32 = 1;

/// Means and standard deviations of all metrics of one design.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Prediction {
    /// One per metric.
    pub mean: Vec<f64>,
    /// One per metric.
    pub sd: Vec<f64>,
}

/// How a [`SurrogateModel`] is trained.
#[derive(Clone, Debug)]
pub struct Training {
    /// Id of the surrogate.
    pub surrogate: String,
    /// Its hyperparameters.
    pub hyperparameters: Options,
    /// How designs become features.
    pub encoding: Encoding,
    /// What is done to every target.
    pub transform: Transform,
    /// Seed of the training.
    pub seed: u64,
}

impl Training {
    /// This surrogate with its defaults.
    pub fn new(surrogate: &str) -> Self {
        Self {
            surrogate: surrogate.into(),
            hyperparameters: Options::none(),
            encoding: Encoding::OneHot,
            transform: Transform::Auto,
            seed: 1,
        }
    }
}

/// A trained surrogate of an environment.
pub struct SurrogateModel {
    header: Header,
    fitted: Vec<Box<dyn Fitted>>,
}

/// What a model file says before the numbers.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// Always `hwgym-surrogate`.
    pub format: String,
    /// Version of the format.
    pub version: u32,
    /// Id of the surrogate.
    pub surrogate: String,
    /// The environment that it imitates.
    pub origin: Origin,
    /// Hash of the training data.
    pub training_hash: String,
    /// Number of training rows.
    pub training_rows: usize,
    /// How designs become features.
    pub encoding: Encoding,
    /// One per metric.
    pub transforms: Vec<FittedTransform>,
}

#[derive(Serialize, Deserialize)]
struct File {
    #[serde(flatten)]
    header: Header,
    models: Vec<serde_json::Value>,
}

impl SurrogateModel {
    /// Trains one model per metric. Errors: fewer than two rows, targets that are not finite, what the surrogate says.
    pub fn train(registry: &Registry, training: &Training, data: &Dataset) -> Result<Self, SurrogateError> {
        let surrogate = registry.make(&training.surrogate, &training.hyperparameters)?;
        if data.len() < 2 {
            return Err(SurrogateError::Training(format!(
                "{} row(s); a surrogate needs at least 2, and a useful one some hundred",
                data.len()
            )));
        }
        let features = Features::encode(&data.origin.space, &data.designs, training.encoding);
        let (mut transforms, mut fitted) = (Vec::new(), Vec::new());
        for (index, metric) in data.origin.metrics.iter().enumerate() {
            let mut targets = data.targets(index);
            if let Some(row) = targets.iter().position(|t| !t.is_finite()) {
                return Err(SurrogateError::Training(format!(
                    "`{}` of row {row} is not finite; leave such rows out",
                    metric.name
                )));
            }
            let transform = training.transform.fit(&targets).ok_or_else(|| {
                SurrogateError::Training(format!(
                    "`{}` has values of 0 or less, which have no logarithm; use another transform",
                    metric.name
                ))
            })?;
            targets.iter_mut().for_each(|target| *target = transform.forward(*target));
            fitted.push(surrogate.fit(&features, &targets, derive_seed(training.seed, &metric.name))?);
            transforms.push(transform);
        }
        let header = Header {
            format: FORMAT.into(),
            version: VERSION,
            surrogate: training.surrogate.clone(),
            origin: data.origin.clone(),
            training_hash: data.hash(),
            training_rows: data.len(),
            encoding: training.encoding,
            transforms,
        };
        Ok(Self { header, fitted })
    }

    /// What the file says before the numbers.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// One prediction per design of the origin's space.
    pub fn predict(&self, designs: &[Design]) -> Vec<Prediction> {
        let features = Features::encode(&self.header.origin.space, designs, self.header.encoding);
        let mut predictions = vec![Prediction::default(); designs.len()];
        for (fitted, transform) in self.fitted.iter().zip(&self.header.transforms) {
            for (prediction, estimate) in predictions.iter_mut().zip(fitted.predict(&features)) {
                let (mean, sd) = transform.backward(estimate.mean, estimate.sd);
                prediction.mean.push(mean);
                prediction.sd.push(sd);
            }
        }
        predictions
    }

    /// Writes the model beside the place and renames it there. Errors: the file cannot be written.
    pub fn save(&self, path: &Path) -> Result<(), SurrogateError> {
        let models = self.fitted.iter().map(|fitted| fitted.save()).collect::<Result<_, _>>()?;
        let json = serde_json::to_vec(&File { header: self.header.clone(), models })?;
        let io = |source| hwgym_envs::EnvError::File { path: path.into(), source };
        let partial = path.with_extension("partial");
        std::fs::write(&partial, json).map_err(io)?;
        std::fs::rename(&partial, path).map_err(io)?;
        Ok(())
    }

    /// Reads a model and checks it. Errors: no such file, no model, another version, numbers that do not fit.
    pub fn load(registry: &Registry, path: &Path) -> Result<Self, SurrogateError> {
        let bad = |message: String| SurrogateError::Model { path: path.into(), message };
        let text =
            std::fs::read(path).map_err(|source| hwgym_envs::EnvError::File { path: path.into(), source })?;
        let json: serde_json::Value =
            serde_json::from_slice(&text).map_err(|error| bad(format!("no model file of hwgym: {error}")))?;
        if json["format"] != FORMAT {
            return Err(bad("no model file of hwgym; make one with `hwgym surrogate train`".into()));
        }
        if json["version"] != VERSION {
            return Err(bad(format!(
                "format version {}, but this program reads version {VERSION}; train the model again",
                json["version"]
            )));
        }
        let File { header, models } = serde_json::from_value(json).map_err(|error| bad(error.to_string()))?;
        if models.len() != header.origin.metrics.len() || header.transforms.len() != models.len() {
            return Err(bad(format!("{} models for {} metrics", models.len(), header.origin.metrics.len())));
        }
        registry.get(&header.surrogate).map_err(|error| bad(error.to_string()))?;
        let width = header.encoding.width(&header.origin.space);
        let fitted = models.into_iter().zip(&header.transforms).zip(&header.origin.metrics);
        let fitted = fitted.map(|((model, transform), metric)| {
            let bad =
                |message: String| bad(format!("the model of `{}`: {message}; train it again", metric.name));
            transform.check().map_err(bad)?;
            let fitted = registry.load(&header.surrogate, model).map_err(|error| bad(error.to_string()))?;
            fitted.check(width).map_err(bad)?;
            Ok(fitted)
        });
        let fitted = fitted.collect::<Result<_, SurrogateError>>()?;
        Ok(Self { header, fitted })
    }
}
