//! `transformer`: one autoregressive network over tokens of parameters and metrics, of one circuit and corner or of several.
//!
//! A parameter is a token that carries its place; a metric is predicted from the parameters and from the metrics before it, as a normal
//! distribution; metrics are told with a little noise in training, and as the model's own means in prediction. Tokens go by name: what is called
//! alike in two data sets is one token, and a data set adds what its circuit and its corner are. So one model learns from several, and goes on
//! with little data of another. Source: Poddar et al., "INSIGHT: universal neural simulator for analog circuits harnessing autoregressive
//! transformers", 2024; loss, gate and optimiser are those of [`mlp_ensemble`](crate::mlp_ensemble).
//!
//! ```
//! use hwgym_surrogates::transformer::Transformer;
//! use hwgym_surrogates::{Features, JointSet, JointTargets, SurrogateError};
//!
//! let odd = || SurrogateError::Training("odd".into());
//! // Places in the unit cube; two metrics, standardised; the second is the first turned round.
//! let places = Features::new((0..40).map(|row| row as f64 / 39.0).collect(), 1).ok_or_else(odd)?;
//! let values = (0..40).map(|row| row as f64 / 39.0 - 0.5).flat_map(|y| [y, -y]).collect();
//! let targets = JointTargets::new(values, 2, vec![true; 40]).ok_or_else(odd)?;
//! let settings = Transformer { width: 8, heads: 2, hidden: 8, ..Transformer::default() };
//! let model = settings.train(&[JointSet::unnamed(&places, &targets)], 1)?;
//! assert!(model.estimate(&places).at(0, 1).mean > model.estimate(&places).at(39, 1).mean);
//! // Draws keep what metrics have to do with each other; so does the likelihood.
//! let draws = model.sample(&places, 1);
//! assert_eq!(draws.len(), 40 * 2);
//! let wrong = JointTargets::new(vec![0.4; 80], 2, vec![true; 40]).ok_or_else(odd)?;
//! let likely = |targets| model.log_likelihood(&places, targets).iter().sum::<f64>();
//! assert!(likely(&targets) > likely(&wrong));
//! # Ok::<(), SurrogateError>(())
//! ```

mod network;

use std::sync::Arc;

use hwgym_envs::Random;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use self::network::{Batch, Sequence, Shape, Slopes, backward, forward};
use crate::joint::{FittedJoint, JointEstimates, JointSet, JointSurrogate, JointTargets};
use crate::mlp_ensemble::network::{Descent, Minibatches, exp, sigmoid};
use crate::mlp_ensemble::{
    GATE, LEAST_STEPS, batch_size, bent, beta_slopes, check_numbers, check_ranges, check_rows, check_trained,
    decode, encode, ranges, scaled,
};
use crate::{Features, SurrogateEntry, SurrogateError};

/// Hyperparameters of `transformer`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Transformer {
    /// Units of a token.
    pub width: usize,
    /// Heads of attention; they divide the width.
    pub heads: usize,
    /// Units between the two maps that follow attention.
    pub hidden: usize,
    /// Layers.
    pub layers: usize,
    /// Passes over the data; more where that were fewer than 300 steps.
    pub epochs: usize,
    /// Rows of a step, of all data sets together; 0 for about a twentieth of the data, from 16 to 64.
    pub batch: usize,
    /// Largest step size; it rises for a twentieth of the steps, then falls along a cosine.
    pub learning_rate: f64,
    /// Weight decay.
    pub weight_decay: f64,
    /// Deviation of the noise on earlier metrics in training.
    pub noise: f64,
    /// Steps where a trained model goes on with other data.
    pub tuning_steps: usize,
    /// Largest step size then.
    pub tuning_rate: f64,
}

impl Default for Transformer {
    fn default() -> Self {
        Self {
            width: 48,
            heads: 4,
            hidden: 96,
            layers: 2,
            epochs: 80,
            batch: 0,
            learning_rate: 6e-3,
            weight_decay: 1e-4,
            noise: 0.03,
            tuning_steps: 400,
            tuning_rate: 1e-3,
        }
    }
}

/// Exponent of the variance that weighs a row.
const BETA: f32 = 0.5;
/// Designs that are computed together, in training and in prediction.
const BLOCK: usize = 64;

/// Names of the tokens, each kind in the order in which they came.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Vocabulary {
    parameters: Vec<String>,
    metrics: Vec<String>,
    contexts: Vec<String>,
}

impl Vocabulary {
    /// The tokens of a data set; names that are new are added.
    fn sequence(&mut self, set: &JointSet) -> Sequence {
        fn place(known: &mut Vec<String>, name: &str) -> usize {
            known.iter().position(|other| other == name).unwrap_or_else(|| {
                known.push(name.into());
                known.len() - 1
            })
        }
        let places =
            |known: &mut Vec<String>, names: &[String]| names.iter().map(|name| place(known, name)).collect();
        Sequence {
            parameters: places(&mut self.parameters, &set.names.features),
            contexts: places(&mut self.contexts, &set.names.contexts),
            metrics: places(&mut self.metrics, &set.names.metrics),
        }
    }
}

/// What the model knows of one of its data sets.
#[derive(Clone, Debug, PartialEq)]
struct Member {
    sequence: Sequence,
    has_gate: bool,
    /// Per feature, the values that stand for -1.7 and 1.7.
    ranges: Vec<(f64, f64)>,
}

/// A trained transformer. It answers for the first of the data sets that it learned from; [`member`](FittedJoint::member) gives the others.
#[derive(Clone, Debug, PartialEq)]
pub struct TrainedTransformer {
    shape: Shape,
    vocabulary: Vocabulary,
    numbers: Arc<Vec<f32>>,
    members: Vec<Member>,
}

impl Transformer {
    /// Trains a model on data sets (features are places in the unit cube, best; targets are standardised; NaN targets are skipped). Errors:
    /// lengths that do not fit, or a data set of fewer than two feasible rows.
    pub fn train(&self, sets: &[JointSet], seed: u64) -> Result<TrainedTransformer, SurrogateError> {
        self.learn(sets, None, seed)
    }

    /// Goes on with a trained model, on other data: names that it knows keep their tokens, others are added. Errors: as of
    /// [`train`](Self::train).
    pub fn tune(
        &self,
        trained: &TrainedTransformer,
        sets: &[JointSet],
        seed: u64,
    ) -> Result<TrainedTransformer, SurrogateError> {
        self.learn(sets, Some(trained), seed)
    }

    fn learn(
        &self,
        sets: &[JointSet],
        start: Option<&TrainedTransformer>,
        seed: u64,
    ) -> Result<TrainedTransformer, SurrogateError> {
        let mut vocabulary = start.map(|known| known.vocabulary.clone()).unwrap_or_default();
        let mut members = Vec::new();
        for set in sets {
            check_rows(set.features, set.targets)?;
            set.check()?;
            let sequence = vocabulary.sequence(set);
            // Parameters that the model knows are placed as they were.
            let known = start.and_then(|known| {
                known.members.iter().find(|m| m.sequence.parameters == sequence.parameters)
            });
            let ranges = known.map_or_else(|| ranges(set.features), |known| known.ranges.clone());
            let has_gate = (0..set.targets.rows()).any(|row| !set.targets.is_feasible(row));
            members.push(Member { sequence, has_gate, ranges });
        }
        let mut random = Random::derived(seed, "start");
        let sized = Shape {
            parameters: vocabulary.parameters.len(),
            metrics: vocabulary.metrics.len(),
            contexts: vocabulary.contexts.len(),
            width: self.width,
            heads: self.heads,
            hidden: self.hidden,
            layers: self.layers,
        };
        let (shape, numbers) = match start {
            None => {
                let numbers = sized.draw(&mut random);
                (sized, numbers)
            }
            Some(known) => {
                let Shape { width, heads, hidden, layers, .. } = known.shape;
                let shape = Shape { width, heads, hidden, layers, ..sized };
                let numbers = shape.grow(&known.shape, &known.numbers, &mut random);
                (shape, numbers)
            }
        };
        let numbers = self.descend(&shape, numbers, sets, &members, start.is_some(), seed);
        check_trained(std::slice::from_ref(&numbers))?;
        Ok(TrainedTransformer { shape, vocabulary, numbers: Arc::new(numbers), members })
    }

    /// AdamW. A step takes rows of every data set, in blocks; their gradients are added in a fixed order.
    fn descend(
        &self,
        shape: &Shape,
        mut numbers: Vec<f32>,
        sets: &[JointSet],
        members: &[Member],
        is_tuning: bool,
        seed: u64,
    ) -> Vec<f32> {
        let rows: usize = sets.iter().map(|set| set.targets.rows()).sum();
        let size = if self.batch > 0 { self.batch } else { batch_size(0, rows).min(BLOCK) };
        let (steps, rate) = match is_tuning {
            true => (self.tuning_steps, self.tuning_rate),
            false => ((self.epochs * rows.div_ceil(size)).max(LEAST_STEPS), self.learning_rate),
        };
        let mut descent = Descent::new(numbers.len(), steps, rate, self.weight_decay);
        let mut random = Random::derived(seed, "order");
        let inputs: Vec<Vec<f32>> =
            sets.iter().zip(members).map(|(set, member)| scaled(set.features, &member.ranges)).collect();
        let mut orders: Vec<Minibatches> = sets
            .iter()
            .map(|set| {
                let part = (size * set.targets.rows()).div_ceil(rows);
                Minibatches::new(set.targets.rows(), part.max(1))
            })
            .collect();
        let mut blocks: Vec<Block> = Vec::new();
        let mut gradient = vec![0.0; numbers.len()];
        let mut seen = Vec::new();
        for _ in 0..steps {
            let mut used = 0;
            for (place, set) in sets.iter().enumerate() {
                let width = set.features.width();
                let picked = orders[place].next(&inputs[place], width, &mut random, &mut seen);
                let feasible = picked.iter().filter(|row| set.targets.is_feasible(**row)).count();
                let weight = picked.len() as f32 / size as f32;
                let share = weight / (set.targets.metrics() * feasible.max(1)) as f32;
                let gate_share =
                    if members[place].has_gate { weight * GATE / picked.len() as f32 } else { 0.0 };
                for (picked, inputs) in picked.chunks(BLOCK).zip(seen.chunks(BLOCK * width)) {
                    if blocks.len() == used {
                        blocks.push(Block::default());
                    }
                    let block = &mut blocks[used];
                    (block.set, block.share, block.gate_share) = (place, share, gate_share);
                    block.fill(shape, &members[place].sequence, inputs, set.targets, picked);
                    block
                        .batch
                        .told
                        .iter_mut()
                        .for_each(|told| *told += (self.noise * random.normal()) as f32);
                    used += 1;
                }
            }
            blocks[..used].par_iter_mut().with_max_len(1).for_each(|block| {
                let sequence = &members[block.set].sequence;
                forward(shape, &numbers, sequence, 0..sequence.len(), &mut block.batch);
                block.loss_slopes(sets[block.set].targets);
                block.gradient.clear();
                block.gradient.resize(numbers.len(), 0.0);
                backward(shape, &numbers, sequence, &block.batch, &mut block.slopes, &mut block.gradient);
            });
            gradient.fill(0.0);
            for block in &blocks[..used] {
                gradient.iter_mut().zip(&block.gradient).for_each(|(sum, slope)| *sum += slope);
            }
            descent.step(&mut numbers, &gradient, 0);
        }
        numbers
    }

    fn check(&self) -> Result<(), SurrogateError> {
        SurrogateError::check_count("width", self.width, 1, 1024)?;
        SurrogateError::check_count("heads", self.heads, 1, 1024)?;
        SurrogateError::check_count("hidden", self.hidden, 1, 4096)?;
        SurrogateError::check_count("layers", self.layers, 1, 20)?;
        SurrogateError::check_count("epochs", self.epochs, 1, 100_000)?;
        SurrogateError::check_count("tuning_steps", self.tuning_steps, 1, 1_000_000)?;
        if !self.width.is_multiple_of(self.heads) {
            return Err(SurrogateError::out_of_range("heads", self.heads, "a divisor of `width`"));
        }
        SurrogateError::check_count("batch", self.batch, 0, 65_536)?;
        SurrogateError::check_rate("learning_rate", self.learning_rate)?;
        SurrogateError::check_rate("tuning_rate", self.tuning_rate)?;
        SurrogateError::check_share("weight_decay", self.weight_decay)?;
        SurrogateError::check_share("noise", self.noise)
    }
}

/// Rows of one data set within a step.
#[derive(Default)]
struct Block {
    set: usize,
    rows: Vec<usize>,
    /// Weights of a metric and of the gate in the loss.
    share: f32,
    gate_share: f32,
    batch: Batch,
    slopes: Slopes,
    gradient: Vec<f32>,
}

impl Block {
    fn fill(
        &mut self,
        shape: &Shape,
        sequence: &Sequence,
        inputs: &[f32],
        targets: &JointTargets,
        picked: &[usize],
    ) {
        self.rows.clear();
        self.rows.extend_from_slice(picked);
        self.batch.begin(shape, sequence, picked.len());
        place_inputs(&mut self.batch, inputs, sequence.parameters.len());
        tell(&mut self.batch, targets, picked);
    }

    /// Slopes of the loss: beta-NLL of what is known, and the gate's cross-entropy.
    fn loss_slopes(&mut self, targets: &JointTargets) {
        let batch = &mut self.batch;
        for (place, row) in self.rows.iter().enumerate() {
            let is_feasible = targets.is_feasible(*row);
            let truth = if is_feasible { 1.0 } else { 0.0 };
            batch.gate_slopes[place] = self.gate_share * (sigmoid(batch.gate[place]) - truth);
            if !is_feasible {
                continue;
            }
            for (metric, target) in targets.row(*row).iter().enumerate().filter(|(_, t)| !t.is_nan()) {
                let at = 2 * metric * batch.designs + place;
                let (mean, raw) = (batch.outputs[at], batch.outputs[at + batch.designs]);
                let (mean, log_variance) = beta_slopes(mean, raw, *target as f32, BETA);
                batch.output_slopes[at] = self.share * mean;
                batch.output_slopes[at + batch.designs] = self.share * log_variance;
            }
        }
    }
}

/// Writes rows of places into the columns of a batch.
fn place_inputs(batch: &mut Batch, inputs: &[f32], width: usize) {
    for (place, row) in inputs.chunks_exact(width).enumerate() {
        row.iter().enumerate().for_each(|(at, value)| batch.places[at * batch.designs + place] = *value);
    }
}

/// Writes metrics into the columns of a batch. Unknown ones stand at their mean, which is about 0.
fn tell(batch: &mut Batch, targets: &JointTargets, picked: &[usize]) {
    for (place, row) in picked.iter().enumerate().filter(|(_, row)| targets.is_feasible(**row)) {
        for (metric, value) in targets.row(*row).iter().enumerate().filter(|(_, value)| !value.is_nan()) {
            batch.told[metric * batch.designs + place] = *value as f32;
        }
    }
}

impl TrainedTransformer {
    /// The data set that it answers for.
    fn own(&self) -> &Member {
        &self.members[0]
    }

    /// Goes through all metrics of all designs, metric by metric: `tell` gets row, metric, mean and deviation, and says what later metrics are
    /// told. Returns the gate's probabilities.
    fn roll_out(&self, features: &Features, mut tell: impl FnMut(usize, usize, f64, f64) -> f64) -> Vec<f64> {
        let Member { sequence, has_gate, ranges } = self.own();
        let (rows, width) = (features.rows(), features.width());
        let inputs = scaled(features, ranges);
        let mut feasible = vec![1.0; rows];
        let mut batch = Batch::default();
        for first in (0..rows).step_by(BLOCK) {
            let count = BLOCK.min(rows - first);
            batch.begin(&self.shape, sequence, count);
            place_inputs(&mut batch, &inputs[first * width..(first + count) * width], width);
            forward(&self.shape, &self.numbers, sequence, 0..sequence.slot(0), &mut batch);
            if *has_gate {
                let logits = feasible[first..].iter_mut().zip(&batch.gate[..count]);
                logits.for_each(|(feasible, logit)| *feasible = f64::from(sigmoid(*logit)));
            }
            for metric in 0..sequence.metrics.len() {
                let slot = sequence.slot(metric);
                forward(&self.shape, &self.numbers, sequence, slot..slot + 1, &mut batch);
                for place in 0..count {
                    let at = 2 * metric * batch.designs + place;
                    let sd = f64::from(exp(bent(batch.outputs[at + batch.designs]).0)).sqrt();
                    let told = tell(first + place, metric, f64::from(batch.outputs[at]), sd);
                    batch.told[metric * batch.designs + place] = told as f32;
                }
            }
        }
        feasible
    }

    /// Predicts, every metric from the means of those before it; deviations are those around such predictions.
    pub fn estimate(&self, features: &Features) -> JointEstimates {
        let (rows, metrics) = (features.rows(), self.own().sequence.metrics.len());
        let (mut means, mut sds) = (vec![0.0; rows * metrics], vec![0.0; rows * metrics]);
        let feasible = self.roll_out(features, |row, metric, mean, sd| {
            (means[row * metrics + metric], sds[row * metrics + metric]) = (mean, sd);
            mean
        });
        JointEstimates { metrics, mean: means, sd: sds, feasible }
    }

    /// Draws all metrics of every design, one after the other: row after row. Deterministic for a seed.
    pub fn sample(&self, features: &Features, seed: u64) -> Vec<f64> {
        let metrics = self.own().sequence.metrics.len();
        let mut draws = vec![0.0; features.rows() * metrics];
        let mut random = Random::derived(seed, "draws");
        self.roll_out(features, |row, metric, mean, sd| {
            let draw = mean + sd * random.normal();
            draws[row * metrics + metric] = draw;
            draw
        });
        draws
    }

    /// Logarithm of the probability density of every row's metrics, in the unit of the targets; unknown metrics count nothing.
    pub fn log_likelihood(&self, features: &Features, targets: &JointTargets) -> Vec<f64> {
        let mut sums = vec![0.0; features.rows()];
        self.roll_out(features, |row, metric, mean, sd| {
            let target = targets.row(row)[metric];
            if target.is_nan() {
                return mean;
            }
            sums[row] += normal_log_density(target, mean, sd);
            target
        });
        sums
    }
}

/// Logarithm of the density of a normal distribution.
pub(crate) fn normal_log_density(value: f64, mean: f64, sd: f64) -> f64 {
    -0.5 * ((value - mean) / sd).powi(2) - sd.ln() - 0.5 * std::f64::consts::TAU.ln()
}

impl JointSurrogate for Transformer {
    fn fit_joint(
        &self,
        features: &Features,
        targets: &JointTargets,
        seed: u64,
    ) -> Result<Box<dyn FittedJoint>, SurrogateError> {
        Ok(Box::new(self.train(&[JointSet::unnamed(features, targets)], seed)?))
    }

    fn fit_sets(
        &self,
        sets: &[JointSet],
        start: Option<serde_json::Value>,
        seed: u64,
    ) -> Result<Box<dyn FittedJoint>, SurrogateError> {
        let start = start.map(load).transpose()?;
        Ok(Box::new(self.learn(sets, start.as_ref(), seed)?))
    }
}

impl FittedJoint for TrainedTransformer {
    fn predict_joint(&self, features: &Features) -> JointEstimates {
        self.estimate(features)
    }

    fn has_gate(&self) -> bool {
        self.own().has_gate
    }

    fn member(&self, index: usize) -> Option<Box<dyn FittedJoint>> {
        let members = vec![self.members.get(index)?.clone()];
        Some(Box::new(Self { members, ..self.clone() }))
    }

    fn sample(&self, features: &Features, seed: u64) -> Option<Vec<f64>> {
        Some(self.sample(features, seed))
    }

    fn log_likelihood(&self, features: &Features, targets: &JointTargets) -> Option<Vec<f64>> {
        Some(self.log_likelihood(features, targets))
    }

    fn save(&self) -> Result<serde_json::Value, SurrogateError> {
        let Shape { width, heads, hidden, layers, .. } = self.shape;
        let members = self.members.iter().map(|member| StoredMember {
            parameters: member.sequence.parameters.clone(),
            contexts: member.sequence.contexts.clone(),
            metrics: member.sequence.metrics.clone(),
            has_gate: member.has_gate,
            ranges: member.ranges.clone(),
        });
        Ok(serde_json::to_value(Stored {
            width,
            heads,
            hidden,
            layers,
            vocabulary: self.vocabulary.clone(),
            members: members.collect(),
            numbers: encode(&self.numbers),
        })?)
    }

    fn check(&self, width: usize, metrics: usize) -> Result<(), String> {
        let Shape { width: units, heads, hidden, layers, .. } = self.shape;
        if units == 0 || heads == 0 || !units.is_multiple_of(heads) || hidden == 0 || layers == 0 {
            return Err(format!("{layers} layers of {units} units, {heads} heads and {hidden} hidden units"));
        }
        let Some(own) = self.members.first() else { return Err("it is of no data set".into()) };
        let (inputs, outputs) = (own.sequence.parameters.len(), own.sequence.metrics.len());
        if inputs != width || outputs != metrics {
            return Err(format!(
                "it has {inputs} inputs and {outputs} metrics; expected {width} and {metrics}"
            ));
        }
        for member in &self.members {
            let Sequence { parameters, contexts, metrics } = &member.sequence;
            let within = |ids: &[usize], known: &[String]| ids.iter().all(|id| *id < known.len());
            if !within(parameters, &self.vocabulary.parameters)
                || !within(contexts, &self.vocabulary.contexts)
                || !within(metrics, &self.vocabulary.metrics)
            {
                return Err("a token is not in its vocabulary".into());
            }
            check_ranges(&member.ranges, parameters.len())?;
        }
        check_numbers(&self.numbers, self.shape.len())
    }
}

/// The numbers in a file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    width: usize,
    heads: usize,
    hidden: usize,
    layers: usize,
    vocabulary: Vocabulary,
    members: Vec<StoredMember>,
    numbers: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredMember {
    parameters: Vec<usize>,
    contexts: Vec<usize>,
    metrics: Vec<usize>,
    has_gate: bool,
    ranges: Vec<(f64, f64)>,
}

fn load(saved: serde_json::Value) -> Result<TrainedTransformer, SurrogateError> {
    let Stored { width, heads, hidden, layers, vocabulary, members, numbers } =
        serde_json::from_value(saved)?;
    if [width, heads, hidden, layers].iter().any(|size| *size > 4096) {
        return Err(SurrogateError::Training("a layer is wider than 4096, or there are more of them".into()));
    }
    let shape = Shape {
        parameters: vocabulary.parameters.len(),
        metrics: vocabulary.metrics.len(),
        contexts: vocabulary.contexts.len(),
        width,
        heads,
        hidden,
        layers,
    };
    let member = |stored: StoredMember| Member {
        sequence: Sequence {
            parameters: stored.parameters,
            contexts: stored.contexts,
            metrics: stored.metrics,
        },
        has_gate: stored.has_gate,
        ranges: stored.ranges,
    };
    Ok(TrainedTransformer {
        shape,
        vocabulary,
        numbers: Arc::new(decode(&numbers)?),
        members: members.into_iter().map(member).collect(),
    })
}

pub(crate) fn entry() -> SurrogateEntry {
    SurrogateEntry::joint(
        "transformer",
        "autoregressive, over tokens of parameters and metrics; one model of several circuits and corners (Poddar et al. 2024)",
        |options| {
            let settings: Transformer = options.parse()?;
            settings.check()?;
            Ok(Box::new(settings))
        },
        |saved| Ok(Box::new(load(saved)?)),
    )
    .hyperparameter("width", "48", "1 to 1024", "units of a token")
    .hyperparameter("heads", "4", "a divisor of width", "heads of attention")
    .hyperparameter("hidden", "96", "1 to 4096", "units between the two maps that follow attention")
    .hyperparameter("layers", "2", "1 to 20", "layers")
    .hyperparameter("epochs", "80", "1 to 100000", "passes over the data; more where that were under 300 steps")
    .hyperparameter("batch", "0", "0 to 65536", "rows of a step; 0 for about a twentieth of the data, 16 to 64")
    .hyperparameter("learning_rate", "0.006", "above 0, at most 1", "largest step size")
    .hyperparameter("weight_decay", "0.0001", "0 to 1", "share of the weights that a step of size 1 takes off")
    .hyperparameter("noise", "0.03", "0 to 1", "deviation of the noise on earlier metrics in training")
    .hyperparameter("tuning_steps", "400", "1 to 1000000", "steps where a trained model goes on with other data")
    .hyperparameter("tuning_rate", "0.001", "above 0, at most 1", "largest step size then")
}
