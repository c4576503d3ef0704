//! A whole surrogate: one trained model per metric of an environment, with encoding and transforms, and the file it is saved in.

use std::path::Path;
use std::sync::Arc;

use hwgym_envs::random::derive_seed;
use hwgym_envs::{Design, Encoding, Options, Random};
use serde::{Deserialize, Serialize};

use crate::class_table::{self, ClassTable};
use crate::dataset::Origin;
use crate::joint::{FittedJoint, JointEstimates, JointSet, JointTargets};
use crate::seen::{joint_rows, names, seen_targets};
use crate::transform::FittedTransform;
use crate::transformer::normal_log_density;
use crate::{Dataset, Estimate, Features, Fitted, Registry, SurrogateError, Transform};

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
const VERSION: u32 = 2;

/// Means and standard deviations of all metrics of one design.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Prediction {
    /// One per metric.
    pub mean: Vec<f64>,
    /// One per metric.
    pub sd: Vec<f64>,
    /// Probability that the design has metrics; 1 from models without a gate.
    pub feasible: f64,
}

/// How a [`SurrogateModel`] is trained.
#[derive(Clone)]
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
    /// A model of the same space and metrics, of another corner or workload, say: only what is left of its errors is learned.
    pub base: Option<Arc<SurrogateModel>>,
    /// A model of the same surrogate, of other data: training goes on with its numbers. `transformer` can.
    pub start: Option<Arc<SurrogateModel>>,
    /// Parts of a cross-validation, by which deviations are scaled; less than 2 for none.
    pub folds: usize,
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
            base: None,
            start: None,
            folds: 0,
        }
    }
}

/// A trained surrogate of an environment.
pub struct SurrogateModel {
    header: Header,
    /// Of the other data sets that the model learned from.
    others: Vec<Header>,
    fitted: Models,
    base: Option<Arc<SurrogateModel>>,
}

/// The trained numbers.
enum Models {
    /// One model per metric.
    PerMetric(Vec<Box<dyn Fitted>>),
    /// One model of all.
    Joint(Box<dyn FittedJoint>),
    /// A prediction per class of designs.
    Table(ClassTable),
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
    /// One per metric: what deviations are multiplied by, found on held-out rows; all 1 without cross-validation.
    pub sd_scales: Vec<f64>,
}

#[derive(Serialize, Deserialize)]
struct File {
    #[serde(flatten)]
    header: Header,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    others: Vec<Header>,
    models: Vec<serde_json::Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    base: Option<serde_json::Value>,
}

/// Share of the variance of a base that is left where rows of its own were learned ; found by the number of simulations until targets were met.
const BASE_VARIANCE: f64 = 0.3;

impl SurrogateModel {
    /// Trains one model per metric, or one of all. Rows without metrics teach the gate, where the model has one. Errors: fewer than two rows,
    /// targets that are not finite, a base of another space or other metrics, what the surrogate says.
    pub fn train(registry: &Registry, training: &Training, data: &Dataset) -> Result<Self, SurrogateError> {
        let mut model = Self::train_once(registry, training, &[data])?;
        if training.folds >= 2 {
            model.scale_deviations(&Self::cross_validate(registry, training, data)?);
        }
        Ok(model)
    }

    /// Trains one model of several data sets: of several corners, or of circuits that share names of parameters and metrics. It answers for the
    /// first, and [`member`](Self::member) gives it for the others. Errors: as of [`train`](Self::train), or a surrogate, a base or folds, which
    /// are for one data set.
    pub fn train_several(
        registry: &Registry,
        training: &Training,
        sets: &[&Dataset],
    ) -> Result<Self, SurrogateError> {
        match sets {
            [data] => Self::train(registry, training, data),
            _ if training.folds >= 2 || training.base.is_some() => Err(SurrogateError::Training(
                "cross-validation and the errors of a base are of one data set; leave `folds` and `base` out, or give one".into(),
            )),
            _ => Self::train_once(registry, training, sets),
        }
    }

    /// What the file says of every data set that the model learned from, in their order.
    pub(crate) fn headers(&self) -> impl Iterator<Item = &Header> {
        std::iter::once(&self.header).chain(&self.others)
    }

    /// Where the data is from that the model learned from, in its order.
    pub fn origins(&self) -> impl Iterator<Item = &Origin> {
        self.headers().map(|header| &header.origin)
    }

    /// The model for another of its data sets, from 0; `None` where there are not so many.
    pub fn member(&self, index: usize) -> Option<Self> {
        let header = self.headers().nth(index)?.clone();
        let Models::Joint(joint) = &self.fitted else { return None };
        let fitted = Models::Joint(joint.member(index)?);
        Some(Self { header, others: Vec::new(), fitted, base: None })
    }

    /// The model for the environment and the options of this data, where it learned from such; otherwise the model as it is.
    pub fn for_origin(self, origin: &Origin) -> Self {
        let alike = |own: &Origin| (&own.environment, &own.options) == (&origin.environment, &origin.options);
        let index = self.origins().position(alike);
        index.filter(|index| *index > 0).and_then(|index| self.member(index)).unwrap_or(self)
    }

    /// Scales the deviations so that they fit what was held out.
    pub fn scale_deviations(&mut self, held_out: &HeldOut) {
        let scales = held_out.sd_scales();
        if scales.len() == self.header.sd_scales.len() {
            self.header.sd_scales = scales;
        }
    }

    /// Share of the designs of a data set whose feasibility is told right; `None` without a gate.
    pub fn gate_right(&self, data: &Dataset) -> Option<f64> {
        let without: Vec<Design> = data.unmeasured.iter().map(|row| row.design.clone()).collect();
        let right = self.predict(&data.designs).iter().filter(|p| p.feasible >= 0.5).count()
            + self.predict(&without).iter().filter(|p| p.feasible < 0.5).count();
        self.has_gate().then(|| right as f64 / data.evaluated().max(1) as f64)
    }

    /// Predicts every row by a model that was trained on the others, in `training.folds` parts. Errors: as of [`train`](Self::train), or more
    /// parts than rows.
    pub fn cross_validate(
        registry: &Registry,
        training: &Training,
        data: &Dataset,
    ) -> Result<HeldOut, SurrogateError> {
        let folds = training.folds;
        if folds < 2 || 2 * folds > data.len() {
            return Err(SurrogateError::Training(format!(
                "{folds} folds of {} rows; expected at least 2, each with two rows or more",
                data.len()
            )));
        }
        let mut random = Random::derived(training.seed, "folds");
        let mut parts = |rows: usize| {
            let mut parts: Vec<usize> = (0..rows).map(|row| row % folds).collect();
            random.shuffle(&mut parts);
            parts
        };
        let (measured, without) = (parts(data.len()), parts(data.unmeasured.len()));
        let mut held_out = HeldOut {
            truth: data.metrics.clone(),
            predictions: vec![Prediction::default(); data.len()],
            off: vec![vec![0.0; data.origin.metrics.len()]; data.len()],
            without: vec![1.0; data.unmeasured.len()],
            has_gate: true,
        };
        for fold in 0..folds {
            let (rest, seen): (Vec<usize>, Vec<usize>) =
                (0..data.len()).partition(|row| measured[*row] == fold);
            let mut train = data.select(&seen);
            let rows = data.unmeasured.iter().zip(&without);
            train.unmeasured = rows.filter(|(_, part)| **part != fold).map(|(row, _)| row.clone()).collect();
            let model = Self::train_once(registry, training, &[&train])?;
            held_out.has_gate &= model.has_gate();
            let designs: Vec<Design> = rest.iter().map(|row| data.designs[*row].clone()).collect();
            let estimates = model.estimate(&designs);
            for (place, (row, prediction)) in rest.iter().zip(model.predict(&designs)).enumerate() {
                for (metric, transform) in model.header.transforms.iter().enumerate() {
                    let Estimate { mean, sd } = estimates.at(place, metric);
                    let off = (transform.forward(data.metrics[*row][metric]) - mean).abs();
                    held_out.off[*row][metric] = off / sd.max(1e-12);
                }
                held_out.predictions[*row] = prediction;
            }
            for (row, likely) in
                held_out.without.iter_mut().enumerate().filter(|(row, _)| without[*row] == fold)
            {
                *likely = model.predict(std::slice::from_ref(&data.unmeasured[row].design))[0].feasible;
            }
        }
        Ok(held_out)
    }

    fn train_once(
        registry: &Registry,
        training: &Training,
        sets: &[&Dataset],
    ) -> Result<Self, SurrogateError> {
        if let Some(start) = &training.start
            && start.header.surrogate != training.surrogate
        {
            return Err(SurrogateError::Training(format!(
                "the model to go on with is of `{}`, not of `{}`; name that one",
                start.header.surrogate, training.surrogate
            )));
        }
        let (mut headers, mut targets): (Vec<Header>, Vec<Vec<Vec<f64>>>) = Default::default();
        for data in sets {
            let (transforms, columns) = seen_targets(training, &headers, data)?;
            targets.push(columns);
            headers.push(Header {
                format: FORMAT.into(),
                version: VERSION,
                surrogate: training.surrogate.clone(),
                origin: data.origin.clone(),
                training_hash: data.hash(),
                training_rows: data.len(),
                encoding: training.encoding,
                sd_scales: vec![1.0; transforms.len()],
                transforms,
            });
        }
        let joint = registry.make_joint(&training.surrogate, &training.hyperparameters)?;
        let fitted = match (joint, sets, targets.as_slice()) {
            (Some(surrogate), _, _) => {
                let mut read = Vec::new();
                for (data, columns) in sets.iter().zip(&targets) {
                    read.push(joint_rows(data, columns, training.encoding)?);
                }
                let named = sets.iter().zip(&read).map(|(data, (features, targets))| JointSet {
                    names: names(&data.origin, training.encoding),
                    features,
                    targets,
                });
                let start = match training.start.as_ref().map(|start| &start.fitted) {
                    Some(Models::Joint(start)) => Some(start.save()?),
                    _ => None,
                };
                Models::Joint(surrogate.fit_sets(&named.collect::<Vec<_>>(), start, training.seed)?)
            }
            (None, [data], [columns]) if training.start.is_none() => {
                let surrogate = registry.make(&training.surrogate, &training.hyperparameters)?;
                let features = Features::encode(&data.origin.space, &data.designs, training.encoding);
                let fit = |(metric, targets): (&hwgym_envs::Metric, &Vec<f64>)| {
                    surrogate.fit(&features, targets, derive_seed(training.seed, &metric.name))
                };
                let fitted = data.origin.metrics.iter().zip(columns).map(fit);
                Models::PerMetric(fitted.collect::<Result<_, _>>()?)
            }
            _ if training.start.is_some() => return Err(SurrogateError::no_start()),
            _ => return Err(SurrogateError::several(sets.len())),
        };
        let mut headers = headers.into_iter();
        let header = headers.next().ok_or_else(|| SurrogateError::Training("no data set".into()))?;
        Ok(Self { header, others: headers.collect(), fitted, base: training.base.clone() })
    }

    /// Checks that the model is of this space and these metrics. Errors: what differs.
    pub fn fits(&self, origin: &Origin) -> Result<(), SurrogateError> {
        let own = &self.header.origin;
        let what = match (own.space == origin.space, own.metrics == origin.metrics) {
            (true, true) => return Ok(()),
            (false, _) => "space",
            (_, false) => "metrics",
        };
        Err(SurrogateError::Training(format!(
            "the model is of `{}` ({}), whose {what} differs from that of `{}` ({})",
            own.environment, own.options, origin.environment, origin.options
        )))
    }

    /// Whether one model predicts all metrics at once, and no other stands under it.
    pub fn is_joint(&self) -> bool {
        matches!(self.fitted, Models::Joint(_)) && self.base.is_none()
    }

    /// The model whose errors this one corrects, if there is one.
    pub fn base(&self) -> Option<&SurrogateModel> {
        self.base.as_deref()
    }

    /// A table of classes, and the rows it was made from.
    pub fn of_table(table: ClassTable, simulated: &Dataset) -> Self {
        let header = Header {
            format: FORMAT.into(),
            version: VERSION,
            surrogate: class_table::ID.into(),
            origin: simulated.origin.clone(),
            training_hash: simulated.hash(),
            training_rows: simulated.evaluated(),
            encoding: Encoding::Index,
            transforms: vec![FittedTransform::identity(); simulated.origin.metrics.len()],
            sd_scales: vec![1.0; simulated.origin.metrics.len()],
        };
        Self { header, others: Vec::new(), fitted: Models::Table(table), base: None }
    }

    /// The table of classes, if this is one.
    pub fn table(&self) -> Option<&ClassTable> {
        match &self.fitted {
            Models::Table(table) => Some(table),
            _ => None,
        }
    }

    /// What the file says before the numbers.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// One prediction per design of the origin's space.
    pub fn predict(&self, designs: &[Design]) -> Vec<Prediction> {
        let estimates = self.estimate(designs);
        let prediction = |row: usize| {
            let mut prediction = Prediction { feasible: estimates.feasible[row], ..Prediction::default() };
            for (metric, transform) in self.header.transforms.iter().enumerate() {
                let estimate = estimates.at(row, metric);
                let (mean, sd) = transform.backward(estimate.mean, estimate.sd);
                prediction.mean.push(mean);
                prediction.sd.push(sd);
            }
            prediction
        };
        (0..designs.len()).map(prediction).collect()
    }

    /// The same in the unit that the models see: see [`FittedTransform`]. The estimates of a base and of what corrects it are added, with a
    /// share of the base's variance.
    pub fn estimate(&self, designs: &[Design]) -> JointEstimates {
        let mut estimates = self.own_estimate(designs);
        if let Some(base) = &self.base {
            let known = base.estimate(designs);
            estimates.mean.iter_mut().zip(&known.mean).for_each(|(mean, base)| *mean += base);
            for (sd, base) in estimates.sd.iter_mut().zip(&known.sd) {
                *sd = (*sd * *sd + BASE_VARIANCE * base * base).sqrt();
            }
            // What was shown no designs without metrics knows nothing of them.
            if !self.own_gate() {
                estimates.feasible = known.feasible;
            }
        }
        let scales = self.header.sd_scales.iter().cycle();
        estimates.sd.iter_mut().zip(scales).for_each(|(sd, scale)| *sd *= scale);
        estimates
    }

    /// Draws metrics of every design: all together where the model knows what they have to do with each other, each by itself otherwise.
    /// Deterministic for a seed.
    pub fn sample(&self, designs: &[Design], seed: u64) -> Vec<Vec<f64>> {
        let metrics = self.header.transforms.len();
        let draws = self.joint().and_then(|joint| joint.sample(&self.features(designs), seed));
        let draws = draws.unwrap_or_else(|| {
            let mut random = Random::derived(seed, "draws");
            let estimates = self.estimate(designs);
            estimates.mean.iter().zip(&estimates.sd).map(|(mean, sd)| mean + sd * random.normal()).collect()
        });
        let row = |draws: &[f64]| {
            let metrics = draws.iter().zip(&self.header.transforms);
            metrics.map(|(draw, transform)| transform.backward(*draw, 0.0).0).collect()
        };
        draws.chunks_exact(metrics.max(1)).map(row).collect()
    }

    /// Per design of a data set, the logarithm of the probability density of its metrics, in the unit that the models see: of all together
    /// where the model knows what they have to do with each other, otherwise of each by itself.
    pub fn log_likelihood(&self, data: &Dataset) -> Vec<f64> {
        let targets: Vec<f64> = data
            .metrics
            .iter()
            .flat_map(|row| row.iter().zip(&self.header.transforms).map(|(value, t)| t.forward(*value)))
            .collect();
        let metrics = self.header.transforms.len();
        let joint = self.joint().and_then(|joint| {
            let targets = JointTargets::new(targets.clone(), metrics, vec![true; data.len()])?;
            joint.log_likelihood(&self.features(&data.designs), &targets)
        });
        joint.unwrap_or_else(|| {
            let estimates = self.estimate(&data.designs);
            let densities = targets.iter().zip(estimates.mean.iter().zip(&estimates.sd));
            let densities: Vec<f64> =
                densities.map(|(target, (mean, sd))| normal_log_density(*target, *mean, *sd)).collect();
            densities.chunks_exact(metrics.max(1)).map(|row| row.iter().sum()).collect()
        })
    }

    /// The joint model, where nothing is added to what it says.
    fn joint(&self) -> Option<&dyn FittedJoint> {
        match &self.fitted {
            Models::Joint(joint) if self.base.is_none() => Some(joint.as_ref()),
            _ => None,
        }
    }

    fn features(&self, designs: &[Design]) -> Features {
        Features::encode(&self.header.origin.space, designs, self.header.encoding)
    }

    fn own_estimate(&self, designs: &[Design]) -> JointEstimates {
        let fitted = match &self.fitted {
            Models::Joint(fitted) => return fitted.predict_joint(&self.features(designs)),
            Models::Table(table) => return looked_up(table, designs),
            Models::PerMetric(fitted) => fitted,
        };
        let features = self.features(designs);
        let (rows, metrics) = (designs.len(), fitted.len());
        let mut estimates = JointEstimates {
            metrics,
            mean: vec![0.0; rows * metrics],
            sd: vec![0.0; rows * metrics],
            feasible: vec![1.0; rows],
        };
        for (metric, fitted) in fitted.iter().enumerate() {
            for (row, estimate) in fitted.predict(&features).into_iter().enumerate() {
                estimates.mean[row * metrics + metric] = estimate.mean;
                estimates.sd[row * metrics + metric] = estimate.sd;
            }
        }
        estimates
    }

    /// True if the model was shown designs without metrics, and says how likely a design is one.
    pub fn has_gate(&self) -> bool {
        self.own_gate() || self.base.as_ref().is_some_and(|base| base.has_gate())
    }

    fn own_gate(&self) -> bool {
        match &self.fitted {
            Models::PerMetric(_) => false,
            Models::Joint(fitted) => fitted.has_gate(),
            Models::Table(_) => true,
        }
    }

    /// Writes the model beside the place and renames it there. Errors: the file cannot be written.
    pub fn save(&self, path: &Path) -> Result<(), SurrogateError> {
        let json = serde_json::to_vec(&self.file()?)?;
        let io = |source| hwgym_envs::EnvError::File { path: path.into(), source };
        let partial = path.with_extension("partial");
        std::fs::write(&partial, json).map_err(io)?;
        std::fs::rename(&partial, path).map_err(io)?;
        Ok(())
    }

    fn file(&self) -> Result<File, SurrogateError> {
        let models = match &self.fitted {
            Models::PerMetric(fitted) => {
                fitted.iter().map(|fitted| fitted.save()).collect::<Result<_, _>>()?
            }
            Models::Joint(fitted) => vec![fitted.save()?],
            Models::Table(table) => vec![table.save()?],
        };
        let base = self
            .base
            .as_ref()
            .map(|base| -> Result<_, SurrogateError> { Ok(serde_json::to_value(base.file()?)?) });
        Ok(File { header: self.header.clone(), others: self.others.clone(), models, base: base.transpose()? })
    }

    /// Reads a model and checks it. Errors: no such file, no model, another version, numbers that do not fit.
    pub fn load(registry: &Registry, path: &Path) -> Result<Self, SurrogateError> {
        let bad = |message: String| SurrogateError::Model { path: path.into(), message };
        let text =
            std::fs::read(path).map_err(|source| hwgym_envs::EnvError::File { path: path.into(), source })?;
        let json: serde_json::Value =
            serde_json::from_slice(&text).map_err(|error| bad(format!("no model file of hwgym: {error}")))?;
        Self::of_json(registry, json, &bad)
    }

    fn of_json(
        registry: &Registry,
        json: serde_json::Value,
        bad: &dyn Fn(String) -> SurrogateError,
    ) -> Result<Self, SurrogateError> {
        if json["format"] != FORMAT {
            return Err(bad("no model file of hwgym; make one with `hwgym surrogate train`".into()));
        }
        if json["version"] != VERSION {
            return Err(bad(format!(
                "format version {}, but this program reads version {VERSION}; train the model again",
                json["version"]
            )));
        }
        let File { header, others, models, base } =
            serde_json::from_value(json).map_err(|error| bad(error.to_string()))?;
        let metrics = header.origin.metrics.len();
        for header in std::iter::once(&header).chain(&others) {
            header.check_scales().map_err(bad)?;
        }
        if header.surrogate == class_table::ID {
            let model = models.into_iter().next().unwrap_or_default();
            let table = ClassTable::load(model, &header.origin.space, metrics);
            let table = table.map_err(|message| bad(format!("the table: {message}; build it again")))?;
            let identity = vec![FittedTransform::identity(); metrics];
            if header.transforms != identity {
                return Err(bad("a table has no transforms; build it again".into()));
            }
            return Ok(Self { header, others: Vec::new(), fitted: Models::Table(table), base: None });
        }
        if !others.is_empty() && base.is_some() {
            return Err(bad("a model of several data sets has no base; train it again".into()));
        }
        let is_joint = registry.get(&header.surrogate).map_err(|error| bad(error.to_string()))?.is_joint();
        if models.len() != if is_joint { 1 } else { metrics } || header.transforms.len() != metrics {
            return Err(bad(format!("{} models for {metrics} metrics", models.len())));
        }
        let width = header.encoding.width(&header.origin.space);
        let names = header.origin.metrics.iter().map(|metric| &metric.name);
        let of =
            |name: &str, message: String| bad(format!("the model of `{name}`: {message}; train it again"));
        for header in std::iter::once(&header).chain(&others) {
            header.check_transforms().map_err(bad)?;
        }
        let fitted = if is_joint {
            let model = models.into_iter().next().unwrap_or_default();
            let joint = registry.load_joint(&header.surrogate, model);
            let joint = joint.map_err(|error| bad(error.to_string()))?;
            let joint = joint.ok_or_else(|| bad("no model of all metrics".into()))?;
            joint
                .check(width, metrics)
                .map_err(|message| bad(format!("the model: {message}; train it again")))?;
            for (index, other) in (1..).zip(&others) {
                let (width, metrics) =
                    (other.encoding.width(&other.origin.space), other.origin.metrics.len());
                let member = joint.member(index).ok_or_else(|| format!("it is of {index} data set(s)"));
                let checked = member.and_then(|member| member.check(width, metrics));
                checked.map_err(|message| bad(format!("data set {index}: {message}; train it again")))?;
            }
            Models::Joint(joint)
        } else {
            let fitted = models.into_iter().zip(names).map(|(model, name)| {
                let fitted =
                    registry.load(&header.surrogate, model).map_err(|error| bad(error.to_string()))?;
                fitted.check(width).map_err(|message| of(name, message))?;
                Ok(fitted)
            });
            Models::PerMetric(fitted.collect::<Result<_, SurrogateError>>()?)
        };
        let base = match base {
            None => None,
            // One level, so that no file nests without end.
            Some(json) if json.get("base").is_some() => {
                return Err(bad("its base has a base of its own; train it again".into()));
            }
            Some(json) => {
                let base = Self::of_json(registry, json, &|message| bad(format!("its base: {message}")))?;
                base.fits(&header.origin).map_err(|error| bad(format!("its base: {error}")))?;
                if base.header.transforms != header.transforms || base.table().is_some() {
                    return Err(bad("its base has other transforms; train it again".into()));
                }
                Some(Arc::new(base))
            }
        };
        Ok(Self { header, others, fitted, base })
    }
}

impl Header {
    fn check_scales(&self) -> Result<(), String> {
        let metrics = self.origin.metrics.len();
        let sound = |scale: &f64| scale.is_finite() && *scale >= 0.0;
        if self.sd_scales.len() != metrics || !self.sd_scales.iter().all(sound) {
            return Err(format!("no scale of the deviation for each of {metrics} metrics; train it again"));
        }
        Ok(())
    }

    fn check_transforms(&self) -> Result<(), String> {
        let metrics = self.origin.metrics.len();
        if self.transforms.len() != metrics {
            return Err(format!(
                "{} transforms for {metrics} metrics; train it again",
                self.transforms.len()
            ));
        }
        for (transform, metric) in self.transforms.iter().zip(&self.origin.metrics) {
            let of = |message| format!("the model of `{}`: {message}; train it again", metric.name);
            transform.check().map_err(of)?;
        }
        Ok(())
    }
}

/// Predictions of rows by models that did not see them.
#[derive(Clone, Debug)]
pub struct HeldOut {
    /// True metrics of the rows that have some.
    pub truth: Vec<Vec<f64>>,
    /// Their predictions.
    pub predictions: Vec<Prediction>,
    /// Per row and metric, how many deviations the truth is off, in the unit that the models see.
    pub off: Vec<Vec<f64>>,
    /// Probability of metrics of the rows that have none.
    pub without: Vec<f64>,
    /// Whether the models tell designs with metrics from others.
    pub has_gate: bool,
}

impl HeldOut {
    /// Per metric, what deviations are multiplied by so that 1.96 of them hold 95 % of the truth. Between a tenth and ten.
    pub fn sd_scales(&self) -> Vec<f64> {
        let metrics = self.truth.first().map_or(0, Vec::len);
        let scale = |metric: usize| {
            let mut off: Vec<f64> = self.off.iter().map(|row| row[metric]).collect();
            off.sort_by(f64::total_cmp);
            let place = (0.95 * off.len() as f64).ceil() as usize;
            (off.get(place.saturating_sub(1)).copied().unwrap_or(1.96) / 1.96).clamp(0.1, 10.0)
        };
        (0..metrics).map(scale).collect()
    }

    /// Share of all rows whose feasibility was told right; `None` without a gate.
    pub fn gate_right(&self) -> Option<f64> {
        let right = self.predictions.iter().filter(|p| p.feasible >= 0.5).count()
            + self.without.iter().filter(|likely| **likely < 0.5).count();
        let rows = self.predictions.len() + self.without.len();
        self.has_gate.then(|| right as f64 / rows as f64)
    }
}

/// What a table says of designs.
fn looked_up(table: &ClassTable, designs: &[Design]) -> JointEstimates {
    let metrics = table.relative_sd().len();
    let mut estimates = JointEstimates { metrics, ..JointEstimates::default() };
    for design in designs {
        let entry = table.class(design).map(|class| table.entry(class)).filter(|entry| entry.is_feasible);
        let Some(entry) = entry else {
            estimates.mean.extend(std::iter::repeat_n(f64::NAN, metrics));
            estimates.sd.extend(std::iter::repeat_n(0.0, metrics));
            estimates.feasible.push(0.0);
            continue;
        };
        estimates.mean.extend_from_slice(entry.values);
        let off = |(value, sd): (&f64, &f64)| if entry.is_simulated { 0.0 } else { value.abs() * sd };
        estimates.sd.extend(entry.values.iter().zip(table.relative_sd()).map(off));
        estimates.feasible.push(1.0);
    }
    estimates
}
