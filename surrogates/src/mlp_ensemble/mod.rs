//! `mlp-ensemble`: an ensemble of small neural networks with mean, variance and a feasibility gate; one model of all metrics.
//!
//! Every net starts elsewhere and sees the data in another order; where they disagree, nobody knows. Sources: Lakshminarayanan et al., "Simple
//! and scalable predictive uncertainty estimation using deep ensembles", 2017; the loss is the beta-NLL of Seitzer et al., "On the pitfalls of
//! heteroscedastic uncertainty estimation with probabilistic neural networks", 2022; AdamW: Loshchilov and Hutter, 2019.
//!
//! ```
//! use hwgym_surrogates::mlp_ensemble::{MlpEnsemble, Tuning};
//! use hwgym_surrogates::{Features, JointTargets, SurrogateError};
//!
//! // Places in the unit cube; two metrics, standardised; the last design has none.
//! let places = Features::new(vec![0.0, 0.3, 0.5, 0.7, 1.0], 1).ok_or(SurrogateError::Training("odd".into()))?;
//! let values = vec![-1.0, 1.0, -0.4, 0.4, 0.0, 0.0, 0.4, -0.4, f64::NAN, f64::NAN];
//! let targets = JointTargets::new(values, 2, vec![true, true, true, true, false]);
//! let targets = targets.ok_or(SurrogateError::Training("odd".into()))?;
//! let ensemble = MlpEnsemble { width: 16, epochs: 600, ..MlpEnsemble::default() }.train(&places, &targets, 1)?;
//! let estimates = ensemble.estimate(&places);
//! assert_eq!((estimates.rows(), estimates.metrics), (5, 2));
//! assert!(estimates.at(0, 0).mean < estimates.at(3, 0).mean && estimates.feasible[4] < 0.5);
//! // Go on with it where little data of another instance came in.
//! let tuned = ensemble.tune(&places, &targets, &Tuning::default(), 2)?;
//! assert_eq!(tuned.estimate(&places).rows(), 5);
//! # Ok::<(), SurrogateError>(())
//! ```

pub(crate) mod network;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use hwgym_envs::Random;
use hwgym_envs::random::derive_seed;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use self::network::{Batch, Descent, Minibatches, Shape, backward, exp, forward, sigmoid};
use crate::joint::{FittedJoint, JointEstimates, JointSurrogate, JointTargets};
use crate::{Features, SurrogateEntry, SurrogateError};

/// Hyperparameters of `mlp-ensemble`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MlpEnsemble {
    /// Number of nets.
    pub nets: usize,
    /// Hidden layers of a net.
    pub layers: usize,
    /// Units of a hidden layer.
    pub width: usize,
    /// Passes over the data; more where that were fewer than 300 steps.
    pub epochs: usize,
    /// Rows of a step; 0 for about a twentieth of the data, from 16 to 128.
    pub batch: usize,
    /// Largest step size; it rises for a twentieth of the steps, then falls along a cosine.
    pub learning_rate: f64,
    /// Weight decay.
    pub weight_decay: f64,
    /// Exponent of the variance that weighs a row: 0 is the likelihood, 1 all but the squared error.
    pub beta: f64,
}

impl Default for MlpEnsemble {
    fn default() -> Self {
        Self {
            nets: 5,
            layers: 3,
            width: 128,
            epochs: 130,
            batch: 0,
            learning_rate: 4e-3,
            weight_decay: 1e-4,
            beta: 0.5,
        }
    }
}

/// How a trained ensemble goes on with other data: few and careful steps.
#[derive(Clone, Debug, PartialEq)]
pub struct Tuning {
    /// Steps.
    pub steps: usize,
    /// Rows of a step; 0 for about a twentieth of the data, from 16 to 128.
    pub batch: usize,
    /// Largest step size.
    pub learning_rate: f64,
    /// Weight decay.
    pub weight_decay: f64,
    /// Exponent of the variance that weighs a row.
    pub beta: f64,
    /// Change the output layer alone, skip included.
    pub head_only: bool,
}

impl Default for Tuning {
    fn default() -> Self {
        Self { steps: 200, batch: 0, learning_rate: 1e-3, weight_decay: 1e-4, beta: 0.5, head_only: false }
    }
}

/// Steps of a training at least.
pub(crate) const LEAST_STEPS: usize = 300;
/// Weight of the gate's loss.
pub(crate) const GATE: f32 = 0.2;
/// Least and largest logarithm of a variance.
const LOG_VARIANCES: (f32, f32) = (-9.0, 6.0);
/// Rows that are predicted together.
pub(crate) const BLOCK: usize = 256;

/// A trained ensemble.
#[derive(Clone, Debug, PartialEq)]
pub struct TrainedMlpEnsemble {
    shape: Shape,
    metrics: usize,
    has_gate: bool,
    /// Per input, the values that stand for -1.7 and 1.7.
    ranges: Vec<(f64, f64)>,
    nets: Vec<Vec<f32>>,
}

impl MlpEnsemble {
    /// Trains the nets on features (places in the unit cube, best) and targets that are standardised, one net per thread. NaN
    /// targets are skipped. Errors: lengths that do not fit, or fewer than two feasible rows.
    pub fn train(
        &self,
        features: &Features,
        targets: &JointTargets,
        seed: u64,
    ) -> Result<TrainedMlpEnsemble, SurrogateError> {
        check_rows(features, targets)?;
        let metrics = targets.metrics();
        let shape = Shape {
            inputs: features.width(),
            hidden: vec![self.width; self.layers],
            outputs: 2 * metrics + 1,
        };
        let nets = (0..self.nets).map(|net| {
            let mut random = Random::derived(seed, &format!("start-{net}"));
            let mut numbers = shape.draw(&mut random);
            // The outputs start at the means.
            let biases = &mut numbers[shape.output_biases()..][..metrics];
            biases.iter_mut().enumerate().for_each(|(metric, bias)| *bias = targets.mean(metric) as f32);
            numbers
        });
        let has_gate = (0..targets.rows()).any(|row| !targets.is_feasible(row));
        let ranges = ranges(features);
        let untrained = TrainedMlpEnsemble { nets: nets.collect(), shape, metrics, has_gate, ranges };
        let batch = batch_size(self.batch, features.rows());
        let steps = (self.epochs * features.rows().div_ceil(batch)).max(LEAST_STEPS);
        let tuning = Tuning {
            steps,
            batch,
            learning_rate: self.learning_rate,
            weight_decay: self.weight_decay,
            beta: self.beta,
            head_only: false,
        };
        untrained.tune(features, targets, &tuning, seed)
    }

    fn check(&self) -> Result<(), SurrogateError> {
        SurrogateError::check_count("nets", self.nets, 1, 100)?;
        SurrogateError::check_count("layers", self.layers, 1, 20)?;
        SurrogateError::check_count("width", self.width, 1, 4096)?;
        SurrogateError::check_count("epochs", self.epochs, 1, 100_000)?;
        SurrogateError::check_count("batch", self.batch, 0, 65_536)?;
        SurrogateError::check_rate("learning_rate", self.learning_rate)?;
        SurrogateError::check_share("weight_decay", self.weight_decay)?;
        SurrogateError::check_share("beta", self.beta)
    }
}

pub(crate) fn check_rows(features: &Features, targets: &JointTargets) -> Result<(), SurrogateError> {
    if features.rows() != targets.rows() {
        return Err(SurrogateError::Training(format!(
            "{} rows of features for {} rows of targets",
            features.rows(),
            targets.rows()
        )));
    }
    let feasible = (0..targets.rows()).filter(|row| targets.is_feasible(*row)).count();
    if feasible < 2 {
        return Err(SurrogateError::Training(format!(
            "{feasible} feasible row(s); a surrogate needs at least 2, and a useful one some hundred"
        )));
    }
    Ok(())
}

pub(crate) fn batch_size(asked: usize, rows: usize) -> usize {
    let size = if asked > 0 {
        asked
    } else {
        let twentieth = (rows as f64 / 20.0).max(1.0);
        (1usize << (twentieth.log2().round() as u32).min(20)).clamp(16, 128)
    };
    size.min(rows.max(1))
}

/// From 0 to 1 for features that stay within, as encoded designs do; otherwise from the least to the largest.
pub(crate) fn ranges(features: &Features) -> Vec<(f64, f64)> {
    let mut ranges = vec![(0.0, 1.0); features.width()];
    for (column, range) in ranges.iter_mut().enumerate() {
        let values = (0..features.rows()).map(|row| features.row(row)[column]);
        let (low, high) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(v), h.max(v)));
        if low < 0.0 || high > 1.0 {
            *range = if high > low { (low, high) } else { (low - 1.0, low + 1.0) };
        }
    }
    ranges
}

/// Features as the nets see them: from -1.7 to 1.7.
pub(crate) fn scaled(features: &Features, ranges: &[(f64, f64)]) -> Vec<f32> {
    let place =
        |(value, (low, high)): (&f64, &(f64, f64))| (1.7 * (2.0 * (value - low) / (high - low) - 1.0)) as f32;
    features.values().iter().zip(ranges.iter().cycle()).map(place).collect()
}

impl TrainedMlpEnsemble {
    /// Number of inputs.
    pub fn width(&self) -> usize {
        self.shape.inputs
    }

    /// Number of metrics.
    pub fn metrics(&self) -> usize {
        self.metrics
    }

    /// Trains a copy further, on data of the same width and metrics. Errors: lengths that do not fit, or fewer than two feasible rows.
    pub fn tune(
        &self,
        features: &Features,
        targets: &JointTargets,
        tuning: &Tuning,
        seed: u64,
    ) -> Result<Self, SurrogateError> {
        check_rows(features, targets)?;
        if features.width() != self.shape.inputs || targets.metrics() != self.metrics {
            return Err(SurrogateError::Training(format!(
                "{} features and {} metrics for an ensemble of {} and {}",
                features.width(),
                targets.metrics(),
                self.shape.inputs,
                self.metrics
            )));
        }
        let inputs = scaled(features, &self.ranges);
        let has_gate = (0..targets.rows()).any(|row| !targets.is_feasible(row));
        let train = |(net, numbers): (usize, &Vec<f32>)| {
            let seed = derive_seed(seed, &format!("order-{net}"));
            descend(&self.shape, numbers.clone(), &inputs, targets, tuning, has_gate, seed)
        };
        let nets: Vec<Vec<f32>> = self.nets.par_iter().enumerate().with_max_len(1).map(train).collect();
        check_trained(&nets)?;
        Ok(Self { nets, has_gate: self.has_gate || has_gate, ..self.clone() })
    }

    /// Predicts: the mean of the nets' means; as variance their mean variance plus the variance of their means.
    pub fn estimate(&self, features: &Features) -> JointEstimates {
        let (rows, metrics) = (features.rows(), self.metrics);
        let mut estimates = JointEstimates {
            metrics,
            mean: vec![0.0; rows * metrics],
            sd: vec![0.0; rows * metrics],
            feasible: vec![0.0; rows],
        };
        let inputs = scaled(features, &self.ranges);
        let (width, outputs) = (self.shape.inputs, self.shape.outputs);
        let share = 1.0 / self.nets.len() as f64;
        let mut batch = Batch::default();
        for first in (0..rows).step_by(BLOCK) {
            let count = BLOCK.min(rows - first);
            let inputs = &inputs[first * width..(first + count) * width];
            for numbers in &self.nets {
                forward(&self.shape, numbers, inputs, count, &mut batch);
                for (row, output) in (first..).zip(batch.outputs.chunks_exact(outputs)) {
                    for metric in 0..metrics {
                        let mean = f64::from(output[metric]);
                        let variance = f64::from(exp(bent(output[metrics + metric]).0));
                        estimates.mean[row * metrics + metric] += share * mean;
                        estimates.sd[row * metrics + metric] += share * (variance + mean * mean);
                    }
                    estimates.feasible[row] += share * f64::from(sigmoid(output[2 * metrics]));
                }
            }
        }
        for (sd, mean) in estimates.sd.iter_mut().zip(&estimates.mean) {
            *sd = (*sd - mean * mean).max(0.0).sqrt();
        }
        if !self.has_gate {
            estimates.feasible.fill(1.0);
        }
        estimates
    }
}

/// The logarithm of a variance, bent into its range, with the slope of the bend.
pub(crate) fn bent(raw: f32) -> (f32, f32) {
    let softplus = |x: f32| x.max(0.0) + (1.0 + exp(-x.abs())).ln();
    let (low, high) = LOG_VARIANCES;
    let below = high - softplus(high - raw);
    (low + softplus(below - low), sigmoid(high - raw) * sigmoid(below - low))
}

/// AdamW on one net.
fn descend(
    shape: &Shape,
    mut numbers: Vec<f32>,
    inputs: &[f32],
    targets: &JointTargets,
    tuning: &Tuning,
    has_gate: bool,
    seed: u64,
) -> Vec<f32> {
    let (rows, width) = (targets.rows(), shape.inputs);
    let size = batch_size(tuning.batch, rows);
    let mut random = Random::new(seed);
    let mut minibatches = Minibatches::new(rows, size);
    let mut batch = Batch::default();
    let (mut seen, mut slopes) = (Vec::new(), Vec::new());
    let mut gradient = vec![0.0; numbers.len()];
    let mut descent = Descent::new(numbers.len(), tuning.steps, tuning.learning_rate, tuning.weight_decay);
    let free = if tuning.head_only { shape.head() } else { 0 };
    for _ in 0..tuning.steps {
        let picked = minibatches.next(inputs, width, &mut random, &mut seen);
        forward(shape, &numbers, &seen, picked.len(), &mut batch);
        loss_slopes(&batch.outputs, targets, picked, tuning.beta as f32, has_gate, &mut slopes);
        backward(
            shape,
            &numbers,
            &seen,
            &slopes,
            picked.len(),
            tuning.head_only,
            &mut batch,
            &mut gradient,
            None,
        );

        descent.step(&mut numbers, &gradient, free);
    }
    numbers
}

/// Slopes of the loss with regard to the outputs: beta-NLL of what is known, and the gate's cross-entropy.
fn loss_slopes(
    outputs: &[f32],
    targets: &JointTargets,
    picked: &[usize],
    beta: f32,
    has_gate: bool,
    slopes: &mut Vec<f32>,
) {
    let metrics = targets.metrics();
    slopes.clear();
    slopes.resize(outputs.len(), 0.0);
    let feasible = picked.iter().filter(|row| targets.is_feasible(**row)).count();
    let share = 1.0 / (metrics * feasible.max(1)) as f32;
    let gate_share = GATE / picked.len() as f32;
    let rows = outputs.chunks_exact(2 * metrics + 1).zip(slopes.chunks_exact_mut(2 * metrics + 1));
    for (row, (output, slope)) in picked.iter().zip(rows) {
        let is_feasible = targets.is_feasible(*row);
        if has_gate {
            let truth = if is_feasible { 1.0 } else { 0.0 };
            slope[2 * metrics] = gate_share * (sigmoid(output[2 * metrics]) - truth);
        }
        if !is_feasible {
            continue;
        }
        for (metric, target) in targets.row(*row).iter().enumerate().filter(|(_, target)| !target.is_nan()) {
            let (mean, log_variance) =
                beta_slopes(output[metric], output[metrics + metric], *target as f32, beta);
            slope[metric] = share * mean;
            slope[metrics + metric] = share * log_variance;
        }
    }
}

/// Slopes of the beta-NLL of one target with regard to the mean and to the raw logarithm of the variance.
pub(crate) fn beta_slopes(mean: f32, raw: f32, target: f32, beta: f32) -> (f32, f32) {
    let (log_variance, bend) = bent(raw);
    let off = mean - target;
    let precision = exp(-log_variance);
    let weight = exp(beta * log_variance);
    (weight * precision * off, 0.5 * weight * bend * (1.0 - precision * off * off))
}

/// The numbers in a file: single precision, little-endian, in base64.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    inputs: usize,
    hidden: Vec<usize>,
    metrics: usize,
    has_gate: bool,
    ranges: Vec<(f64, f64)>,
    nets: Vec<String>,
}

/// Numbers as they stand in a file.
pub(crate) fn encode(numbers: &[f32]) -> String {
    let bytes: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
    BASE64_STANDARD.encode(bytes)
}

/// Numbers from a file.
pub(crate) fn decode(text: &str) -> Result<Vec<f32>, SurrogateError> {
    let bytes = BASE64_STANDARD.decode(text);
    let bytes =
        bytes.map_err(|_| SurrogateError::Training("the numbers of a net are not in base64".into()))?;
    Ok(bytes.chunks(4).map(|b| b.try_into().map_or(f32::NAN, f32::from_le_bytes)).collect())
}

/// Checks numbers from a file: as many as expected, far beyond what training can reach, and far below what overflows on the way to an
/// output.
pub(crate) fn check_numbers(numbers: &[f32], length: usize) -> Result<(), String> {
    if numbers.len() != length {
        return Err(format!("a net has {} numbers; expected {length}", numbers.len()));
    }
    match numbers.iter().all(|number| number.abs() < 1e6) {
        true => Ok(()),
        false => Err("a number of a net is not finite, or beyond a million".into()),
    }
}

/// Errors: numbers that grew out of all bounds in training.
pub(crate) fn check_trained(nets: &[Vec<f32>]) -> Result<(), SurrogateError> {
    match nets.iter().flatten().all(|number| number.is_finite()) {
        true => Ok(()),
        false => Err(SurrogateError::Training("the training diverged; lower `learning_rate`".into())),
    }
}

/// Checks ranges from a file, one per input.
pub(crate) fn check_ranges(ranges: &[(f64, f64)], width: usize) -> Result<(), String> {
    let sound = |(low, high): &(f64, f64)| low.is_finite() && high.is_finite() && low < high;
    match ranges.len() == width && ranges.iter().all(sound) {
        true => Ok(()),
        false => Err(format!("it has no range for each of its {width} inputs")),
    }
}

impl FittedJoint for TrainedMlpEnsemble {
    fn predict_joint(&self, features: &Features) -> JointEstimates {
        self.estimate(features)
    }

    fn has_gate(&self) -> bool {
        self.has_gate
    }

    fn save(&self) -> Result<serde_json::Value, SurrogateError> {
        Ok(serde_json::to_value(Stored {
            inputs: self.shape.inputs,
            hidden: self.shape.hidden.clone(),
            metrics: self.metrics,
            has_gate: self.has_gate,
            ranges: self.ranges.clone(),
            nets: self.nets.iter().map(|numbers| encode(numbers)).collect(),
        })?)
    }

    fn check(&self, width: usize, metrics: usize) -> Result<(), String> {
        let Shape { inputs, hidden, .. } = &self.shape;
        if *inputs != width || self.metrics != metrics {
            return Err(format!(
                "it has {inputs} inputs and {} metrics; expected {width} and {metrics}",
                self.metrics
            ));
        }
        check_ranges(&self.ranges, width)?;
        if self.nets.is_empty() || hidden.is_empty() || hidden.len() > 20 {
            return Err(format!("{} nets of {} hidden layers", self.nets.len(), hidden.len()));
        }
        self.nets.iter().try_for_each(|net| check_numbers(net, self.shape.len()))
    }
}

impl JointSurrogate for MlpEnsemble {
    fn fit_joint(
        &self,
        features: &Features,
        targets: &JointTargets,
        seed: u64,
    ) -> Result<Box<dyn FittedJoint>, SurrogateError> {
        Ok(Box::new(self.train(features, targets, seed)?))
    }
}

fn load(saved: serde_json::Value) -> Result<TrainedMlpEnsemble, SurrogateError> {
    let stored: Stored = serde_json::from_value(saved)?;
    let wrong = |message: &str| SurrogateError::Training(message.into());
    if stored.hidden.iter().chain([&stored.inputs, &stored.metrics]).any(|width| *width > 65_536) {
        return Err(wrong("a layer is wider than 65536"));
    }
    Ok(TrainedMlpEnsemble {
        nets: stored.nets.iter().map(|text| decode(text)).collect::<Result<_, SurrogateError>>()?,
        shape: Shape { inputs: stored.inputs, hidden: stored.hidden, outputs: 2 * stored.metrics + 1 },
        metrics: stored.metrics,
        has_gate: stored.has_gate,
        ranges: stored.ranges,
    })
}

pub(crate) fn entry() -> SurrogateEntry {
    SurrogateEntry::joint(
        "mlp-ensemble",
        "ensemble of neural networks with variance and feasibility gate, all metrics at once (Lakshminarayanan 2017)",
        |options| {
            let settings: MlpEnsemble = options.parse()?;
            settings.check()?;
            Ok(Box::new(settings))
        },
        |saved| Ok(Box::new(load(saved)?)),
    )
    .hyperparameter("nets", "5", "1 to 100", "number of nets")
    .hyperparameter("layers", "3", "1 to 20", "hidden layers of a net")
    .hyperparameter("width", "128", "1 to 4096", "units of a hidden layer")
    .hyperparameter("epochs", "130", "1 to 100000", "passes over the data; more where that were under 300 steps")
    .hyperparameter("batch", "0", "0 to 65536", "rows of a step; 0 for about a twentieth of the data, 16 to 128")
    .hyperparameter("learning_rate", "0.004", "above 0, at most 1", "largest step size")
    .hyperparameter("weight_decay", "0.0001", "0 to 1", "share of the weights that a step of size 1 takes off")
    .hyperparameter("beta", "0.5", "0 to 1", "exponent of the variance that weighs a row; 0 is the likelihood")
}
