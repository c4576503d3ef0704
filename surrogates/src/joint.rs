//! Models of all metrics at once: they share what they learn between metrics, and some know which designs have no metrics at all.

use hwgym_envs::random::derive_seed;

use crate::transform::FittedTransform;
use crate::{Estimate, Features, Fitted, Surrogate, SurrogateError, Transform};

/// What a joint model learns from: one row per design, one column per metric.
#[derive(Clone, Debug, PartialEq)]
pub struct JointTargets {
    values: Vec<f64>,
    metrics: usize,
    feasible: Vec<bool>,
}

impl JointTargets {
    /// Targets row after row, as many as rows times `metrics`; NaN where a metric of a feasible design is not known. Rows that are not feasible
    /// teach the gate alone, and their targets are not looked at. `None` if the lengths do not fit, or an infinity is among the targets.
    pub fn new(values: Vec<f64>, metrics: usize, feasible: Vec<bool>) -> Option<Self> {
        let fits = metrics > 0 && values.len() == metrics * feasible.len();
        (fits && !values.iter().any(|value| value.is_infinite())).then_some(Self {
            values,
            metrics,
            feasible,
        })
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.feasible.len()
    }

    /// Number of metrics.
    pub fn metrics(&self) -> usize {
        self.metrics
    }

    /// One row; NaN where nothing is known.
    pub fn row(&self, index: usize) -> &[f64] {
        &self.values[index * self.metrics..(index + 1) * self.metrics]
    }

    /// Whether a row has metrics.
    pub fn is_feasible(&self, index: usize) -> bool {
        self.feasible[index]
    }

    /// Mean of a metric over what is known of it; 0 where nothing is.
    pub fn mean(&self, metric: usize) -> f64 {
        let known = (0..self.rows()).filter(|row| self.feasible[*row]).map(|row| self.row(row)[metric]);
        let (sum, count) = known.filter(|value| !value.is_nan()).fold((0.0, 0), |(s, n), v| (s + v, n + 1));
        if count == 0 { 0.0 } else { sum / f64::from(count) }
    }
}

/// Names of what a data set holds: a model of several knows by them what they have in common.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SetNames {
    /// What the data is of, from the general to the particular: the circuit, the corner.
    pub contexts: Vec<String>,
    /// One per feature.
    pub features: Vec<String>,
    /// One per metric.
    pub metrics: Vec<String>,
}

/// One of the data sets that a joint model learns from.
#[derive(Clone, Debug)]
pub struct JointSet<'a> {
    /// What it is called.
    pub names: SetNames,
    /// One row per design.
    pub features: &'a Features,
    /// As many rows.
    pub targets: &'a JointTargets,
}

impl<'a> JointSet<'a> {
    /// A data set whose features and metrics are told apart by their places.
    pub fn unnamed(features: &'a Features, targets: &'a JointTargets) -> Self {
        let numbered = |letter: &str, count: usize| (0..count).map(|at| format!("{letter}{at}")).collect();
        let names = SetNames {
            contexts: Vec::new(),
            features: numbered("x", features.width()),
            metrics: numbered("y", targets.metrics()),
        };
        Self { names, features, targets }
    }

    /// Errors: names that are not as many as features and metrics.
    pub(crate) fn check(&self) -> Result<(), SurrogateError> {
        let (features, metrics) = (self.names.features.len(), self.names.metrics.len());
        if features == self.features.width() && metrics == self.targets.metrics() {
            return Ok(());
        }
        Err(SurrogateError::Training(format!(
            "names of {features} features and {metrics} metrics for {} and {}",
            self.features.width(),
            self.targets.metrics()
        )))
    }
}

/// What a joint model predicts of some designs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct JointEstimates {
    /// Number of metrics.
    pub metrics: usize,
    /// Expected values, row after row.
    pub mean: Vec<f64>,
    /// Standard deviations, row after row; at least 0.
    pub sd: Vec<f64>,
    /// Per row, the probability that the design has metrics; 1 from models without a gate.
    pub feasible: Vec<f64>,
}

impl JointEstimates {
    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.feasible.len()
    }

    /// The estimate of one metric of one row.
    pub fn at(&self, row: usize, metric: usize) -> Estimate {
        let place = row * self.metrics + metric;
        Estimate { mean: self.mean[place], sd: self.sd[place] }
    }
}

/// A model of all metrics that can be trained: its hyperparameters, checked. Training is deterministic for a seed, on any number of threads.
pub trait JointSurrogate: Send + Sync {
    /// Learns from `features` and their targets, as many rows; at least two are feasible. Errors: data that the model cannot learn from.
    fn fit_joint(
        &self,
        features: &Features,
        targets: &JointTargets,
        seed: u64,
    ) -> Result<Box<dyn FittedJoint>, SurrogateError>;

    /// Learns from several named data sets, and goes on with the saved numbers of an earlier model where there are some. Most models learn
    /// from one, from scratch. Errors: as of [`fit_joint`](Self::fit_joint), or more than the model can.
    fn fit_sets(
        &self,
        sets: &[JointSet],
        start: Option<serde_json::Value>,
        seed: u64,
    ) -> Result<Box<dyn FittedJoint>, SurrogateError> {
        match (sets, start) {
            ([set], None) => self.fit_joint(set.features, set.targets, seed),
            (_, Some(_)) => Err(SurrogateError::no_start()),
            _ => Err(SurrogateError::several(sets.len())),
        }
    }
}

/// A trained model of all metrics.
pub trait FittedJoint: Send + Sync {
    /// One estimate per row and metric.
    fn predict_joint(&self, features: &Features) -> JointEstimates;

    /// True if the model was shown designs without metrics, and so can tell.
    fn has_gate(&self) -> bool;

    /// The model's numbers as JSON. No code.
    fn save(&self) -> Result<serde_json::Value, SurrogateError>;

    /// Checks numbers that were read from a file: rows of this width are answered with this many metrics, without a panic. Errors: what does
    /// not fit.
    fn check(&self, width: usize, metrics: usize) -> Result<(), String>;

    /// The same model for another of the data sets that it learned from, in their order; the model itself answers for the first. `None` where
    /// there are not so many.
    fn member(&self, _index: usize) -> Option<Box<dyn FittedJoint>> {
        None
    }

    /// Draws all metrics of every row together, row after row. `None` from models that do not know what metrics have to do with each other.
    fn sample(&self, _features: &Features, _seed: u64) -> Option<Vec<f64>> {
        None
    }

    /// Per row the logarithm of the probability density of its targets together. `None` as of [`sample`](Self::sample).
    fn log_likelihood(&self, _features: &Features, _targets: &JointTargets) -> Option<Vec<f64>> {
        None
    }
}

/// A joint model as a model of one target.
pub(crate) struct OneTarget(pub Box<dyn JointSurrogate>);

/// A trained joint model of one metric, which was standardised.
pub(crate) struct FittedOneTarget {
    standard: FittedTransform,
    fitted: Box<dyn FittedJoint>,
}

impl FittedOneTarget {
    /// Reads it from what [`Fitted::save`] wrote.
    pub fn load(
        saved: serde_json::Value,
        load: impl FnOnce(serde_json::Value) -> Result<Box<dyn FittedJoint>, SurrogateError>,
    ) -> Result<Self, SurrogateError> {
        let (standard, saved) = serde_json::from_value(saved)?;
        Ok(Self { standard, fitted: load(saved)? })
    }
}

impl Surrogate for OneTarget {
    fn fit(
        &self,
        features: &Features,
        targets: &[f64],
        seed: u64,
    ) -> Result<Box<dyn Fitted>, SurrogateError> {
        let misfit = || SurrogateError::Training("expected one finite target per row".into());
        let standard = Transform::Standard.fit(targets).ok_or_else(misfit)?;
        let scaled = targets.iter().map(|target| standard.forward(*target)).collect();
        let targets = JointTargets::new(scaled, 1, vec![true; features.rows()]).ok_or_else(misfit)?;
        let fitted = self.0.fit_joint(features, &targets, derive_seed(seed, "one-target"))?;
        Ok(Box::new(FittedOneTarget { standard, fitted }))
    }
}

impl Fitted for FittedOneTarget {
    fn predict(&self, features: &Features) -> Vec<Estimate> {
        let estimates = self.fitted.predict_joint(features);
        let estimate = |row| {
            let Estimate { mean, sd } = estimates.at(row, 0);
            let (mean, sd) = self.standard.backward(mean, sd);
            Estimate { mean, sd }
        };
        (0..estimates.rows()).map(estimate).collect()
    }

    fn save(&self) -> Result<serde_json::Value, SurrogateError> {
        Ok(serde_json::to_value((self.standard, self.fitted.save()?))?)
    }

    fn check(&self, width: usize) -> Result<(), String> {
        self.standard.check()?;
        self.fitted.check(width, 1)
    }
}
