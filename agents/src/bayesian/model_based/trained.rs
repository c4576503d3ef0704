//! A model that was trained before, on another corner or for other targets: what `model-based` begins with.

use std::path::Path;

use hwgym_envs::Design;
use hwgym_surrogates::transform::FittedTransform;
use hwgym_surrogates::{Registry, SurrogateModel};

use super::quantity::Subject;
use crate::{AgentError, Problem};

/// A model, and which of its metrics the quantities are.
pub(super) struct Trained {
    model: SurrogateModel,
    metrics: Vec<Option<usize>>,
}

/// What a trained model says of some designs.
pub(super) struct Underlay {
    /// Per quantity that the model knows: mean and deviation at each design, in the model's units.
    pub quantities: Vec<Option<Vec<(f64, f64)>>>,
    /// Per design: the probability that it can be measured.
    pub measurable: Vec<f64>,
}

impl Trained {
    /// Reads a model for these quantities. Errors: no model, another space, a metric that it does not know.
    pub fn read(path: &Path, problem: &Problem, subjects: &[Subject]) -> Result<Self, AgentError> {
        let wrong = |reason: String| {
            AgentError::unsupported("model-based", format!("`pretrained: {}`: {reason}", path.display()))
        };
        let model =
            SurrogateModel::load(&Registry::builtin(), path).map_err(|error| wrong(error.to_string()))?;
        let origin = &model.header().origin;
        if origin.space.parameters() != problem.space.parameters() {
            return Err(wrong(format!(
                "it was trained on another space than this one: on that of `{}` {}; train one on designs of this circuit",
                origin.environment, origin.options
            )));
        }
        let place = |subject: &Subject| match subject {
            Subject::Goal => Ok(None),
            Subject::Metric(metric) => {
                let name = problem.metrics.get(*metric).cloned().unwrap_or_default();
                let place = origin.metrics.iter().position(|known| known.name == name);
                place.map(Some).ok_or_else(|| {
                    let known: Vec<&str> = origin.metrics.iter().map(|m| m.name.as_str()).collect();
                    wrong(format!("it does not know `{name}`, only {}", known.join(", ")))
                })
            }
        };
        let metrics = subjects.iter().map(place).collect::<Result<_, _>>()?;
        Ok(Self { model, metrics })
    }

    /// True of a model that predicts thousands of designs in some milliseconds.
    pub fn is_quick(&self) -> bool {
        self.model.is_joint()
    }

    /// The transform under a quantity.
    pub fn transform(&self, quantity: usize) -> Option<FittedTransform> {
        self.metrics[quantity].map(|metric| self.model.header().transforms[metric])
    }

    /// What the model says of these designs.
    pub fn look(&self, designs: &[Design]) -> Underlay {
        let predictions = self.model.predict(designs);
        let one = |metric: &Option<usize>| {
            let metric = (*metric)?;
            let transform = self.model.header().transforms[metric];
            let values = predictions.iter().map(|prediction| {
                let (mean, sd) = (prediction.mean[metric], prediction.sd[metric]);
                let seen = transform.forward(mean);
                // To first order, as the model's own deviation was brought out of its units.
                let step = 1e-4 * sd;
                let slope = if step > 0.0 { (transform.forward(mean + step) - seen) / step } else { 0.0 };
                (seen, slope * sd)
            });
            Some(values.collect())
        };
        Underlay {
            quantities: self.metrics.iter().map(one).collect(),
            measurable: predictions.iter().map(|prediction| prediction.feasible).collect(),
        }
    }
}
