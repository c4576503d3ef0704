//! `chain-heads`: metrics one after the other, each seeing those before it; an ensemble, with mean, variance and a feasibility gate.
//!
//! A trunk reads the design; the head of metric `j` reads the trunk and the metrics before `j`, measured ones (with a little noise) in training, its own
//! means in prediction. The order is that of the data set. Source: classifier chains, Read et al. 2011, with regression heads; losses and
//! optimiser are those of [`mlp_ensemble`](crate::mlp_ensemble).

use hwgym_envs::Random;
use hwgym_envs::random::derive_seed;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::joint::{FittedJoint, JointEstimates, JointSurrogate, JointTargets};
use crate::mlp_ensemble::network::{Batch, Descent, Minibatches, Shape, backward, exp, forward, sigmoid};
use crate::mlp_ensemble::{
    BLOCK, GATE, LEAST_STEPS, batch_size, bent, beta_slopes, check_numbers, check_ranges, check_rows,
    check_trained, decode, encode, ranges, scaled,
};
use crate::{Features, SurrogateEntry, SurrogateError};

/// Hyperparameters of `chain-heads`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ChainHeads {
    /// Number of chains.
    pub nets: usize,
    /// Units of each of the two hidden layers of a trunk, and of its outputs.
    pub width: usize,
    /// Units of the hidden layer of a head.
    pub head_width: usize,
    /// Passes over the data; more where that were fewer than 300 steps.
    pub epochs: usize,
    /// Rows of a step; 0 for about a twentieth of the data, from 16 to 128.
    pub batch: usize,
    /// Largest step size; it rises for a twentieth of the steps, then falls along a cosine.
    pub learning_rate: f64,
    /// Weight decay.
    pub weight_decay: f64,
    /// Deviation of the noise on earlier metrics in training.
    pub noise: f64,
}

impl Default for ChainHeads {
    fn default() -> Self {
        Self {
            nets: 3,
            width: 96,
            head_width: 48,
            epochs: 50,
            batch: 0,
            learning_rate: 4e-3,
            weight_decay: 1e-4,
            noise: 0.03,
        }
    }
}

/// Exponent of the variance that weighs a row.
const BETA: f32 = 0.5;

/// The parts of a chain: the trunk, one head per metric, and the gate.
#[derive(Clone, Debug, PartialEq)]
struct Layout {
    trunk: Shape,
    heads: Vec<Shape>,
    gate: Shape,
}

impl Layout {
    fn new(inputs: usize, metrics: usize, width: usize, head_width: usize) -> Self {
        let head = |earlier| Shape { inputs: width + earlier, hidden: vec![head_width], outputs: 2 };
        Self {
            trunk: Shape { inputs, hidden: vec![width; 2], outputs: width },
            heads: (0..metrics).map(head).collect(),
            gate: Shape { inputs: width, hidden: vec![head_width], outputs: 1 },
        }
    }

    fn parts(&self) -> impl Iterator<Item = &Shape> {
        std::iter::once(&self.trunk).chain(&self.heads).chain([&self.gate])
    }

    fn len(&self) -> usize {
        self.parts().map(Shape::len).sum()
    }

    /// The numbers of every part.
    fn split<'a>(&self, mut numbers: &'a [f32]) -> Vec<&'a [f32]> {
        let cut = |shape: &Shape| {
            let (part, rest) = numbers.split_at(shape.len());
            numbers = rest;
            part
        };
        self.parts().map(cut).collect()
    }
}

/// Trained chains.
struct Trained {
    layout: Layout,
    width: usize,
    head_width: usize,
    has_gate: bool,
    ranges: Vec<(f64, f64)>,
    nets: Vec<Vec<f32>>,
}

/// Rows of the trunk beside the earlier metrics.
fn beside(trunk: &[f32], width: usize, earlier: &[Vec<f32>], into: &mut Vec<f32>) {
    into.clear();
    for (row, trunk) in trunk.chunks_exact(width).enumerate() {
        into.extend_from_slice(trunk);
        into.extend(earlier.iter().map(|metric| metric[row]));
    }
}

impl ChainHeads {
    fn descend(
        &self,
        layout: &Layout,
        mut numbers: Vec<f32>,
        inputs: &[f32],
        targets: &JointTargets,
        has_gate: bool,
        seed: u64,
    ) -> Vec<f32> {
        let (rows, metrics, width) = (targets.rows(), targets.metrics(), self.width);
        let size = batch_size(self.batch, rows);
        let steps = (self.epochs * rows.div_ceil(size)).max(LEAST_STEPS);
        let mut descent = Descent::new(numbers.len(), steps, self.learning_rate, self.weight_decay);
        let mut random = Random::new(seed);
        let mut minibatches = Minibatches::new(rows, size);
        let (mut trunk, mut head) = (Batch::default(), Batch::default());
        let (mut seen, mut joined, mut below) = (Vec::new(), Vec::new(), Vec::new());
        let mut gradient = vec![0.0; numbers.len()];
        for _ in 0..steps {
            let picked = minibatches.next(inputs, layout.trunk.inputs, &mut random, &mut seen);
            let count = picked.len();
            // Unknown metrics stand at their mean, which is about 0.
            let earlier: Vec<Vec<f32>> = (0..metrics)
                .map(|metric| {
                    let known = |row: &usize| {
                        let value = targets.row(*row)[metric];
                        if targets.is_feasible(*row) && !value.is_nan() { value as f32 } else { 0.0 }
                    };
                    picked.iter().map(|row| known(row) + (self.noise * random.normal()) as f32).collect()
                })
                .collect();
            let parts = layout.split(&numbers);
            forward(&layout.trunk, parts[0], &seen, count, &mut trunk);
            let feasible = picked.iter().filter(|row| targets.is_feasible(**row)).count();
            let share = 1.0 / (metrics * feasible.max(1)) as f32;
            let mut trunk_slopes = vec![0.0; count * width];
            let mut from = layout.trunk.len();
            for (metric, shape) in layout.heads.iter().chain([&layout.gate]).enumerate() {
                let is_gate = metric == metrics;
                beside(&trunk.outputs, width, &earlier[..if is_gate { 0 } else { metric }], &mut joined);
                forward(shape, parts[metric + 1], &joined, count, &mut head);
                let mut slopes = vec![0.0; head.outputs.len()];
                for (place, row) in picked.iter().enumerate() {
                    let is_feasible = targets.is_feasible(*row);
                    if is_gate {
                        let truth = if is_feasible { 1.0 } else { 0.0 };
                        if has_gate {
                            slopes[place] = GATE / count as f32 * (sigmoid(head.outputs[place]) - truth);
                        }
                    } else if is_feasible && !targets.row(*row)[metric].is_nan() {
                        let target = targets.row(*row)[metric] as f32;
                        let output = &head.outputs[2 * place..2 * place + 2];
                        let (mean, log_variance) = beta_slopes(output[0], output[1], target, BETA);
                        slopes[2 * place] = share * mean;
                        slopes[2 * place + 1] = share * log_variance;
                    }
                }
                let part = &mut gradient[from..from + shape.len()];
                let numbers = parts[metric + 1];
                backward(shape, numbers, &joined, &slopes, count, false, &mut head, part, Some(&mut below));
                from += shape.len();
                for (sum, slope) in trunk_slopes.chunks_exact_mut(width).zip(below.chunks_exact(shape.inputs))
                {
                    sum.iter_mut().zip(slope).for_each(|(sum, slope)| *sum += slope);
                }
            }
            let part = &mut gradient[..layout.trunk.len()];
            backward(&layout.trunk, parts[0], &seen, &trunk_slopes, count, false, &mut trunk, part, None);
            descent.step(&mut numbers, &gradient, 0);
        }
        numbers
    }

    fn check(&self) -> Result<(), SurrogateError> {
        SurrogateError::check_count("nets", self.nets, 1, 100)?;
        SurrogateError::check_count("width", self.width, 1, 4096)?;
        SurrogateError::check_count("head_width", self.head_width, 1, 4096)?;
        SurrogateError::check_count("epochs", self.epochs, 1, 100_000)?;
        SurrogateError::check_count("batch", self.batch, 0, 65_536)?;
        SurrogateError::check_rate("learning_rate", self.learning_rate)?;
        SurrogateError::check_share("weight_decay", self.weight_decay)?;
        SurrogateError::check_share("noise", self.noise)
    }
}

impl JointSurrogate for ChainHeads {
    fn fit_joint(
        &self,
        features: &Features,
        targets: &JointTargets,
        seed: u64,
    ) -> Result<Box<dyn FittedJoint>, SurrogateError> {
        check_rows(features, targets)?;
        let layout = Layout::new(features.width(), targets.metrics(), self.width, self.head_width);
        let has_gate = (0..targets.rows()).any(|row| !targets.is_feasible(row));
        let ranges = ranges(features);
        let inputs = scaled(features, &ranges);
        let train = |net: usize| {
            let mut random = Random::derived(seed, &format!("start-{net}"));
            let mut numbers: Vec<f32> = layout.parts().flat_map(|shape| shape.draw(&mut random)).collect();
            let mut from = layout.trunk.len();
            for (metric, shape) in layout.heads.iter().enumerate() {
                numbers[from + shape.output_biases()] = targets.mean(metric) as f32;
                from += shape.len();
            }
            let seed = derive_seed(seed, &format!("order-{net}"));
            self.descend(&layout, numbers, &inputs, targets, has_gate, seed)
        };
        let nets: Vec<Vec<f32>> = (0..self.nets).into_par_iter().with_max_len(1).map(train).collect();
        check_trained(&nets)?;
        let (width, head_width) = (self.width, self.head_width);
        Ok(Box::new(Trained { layout, width, head_width, has_gate, ranges, nets }))
    }
}

impl FittedJoint for Trained {
    fn predict_joint(&self, features: &Features) -> JointEstimates {
        let (rows, metrics) = (features.rows(), self.layout.heads.len());
        let mut estimates = JointEstimates {
            metrics,
            mean: vec![0.0; rows * metrics],
            sd: vec![0.0; rows * metrics],
            feasible: vec![0.0; rows],
        };
        let inputs = scaled(features, &self.ranges);
        let share = 1.0 / self.nets.len() as f64;
        let (mut trunk, mut head, mut joined) = (Batch::default(), Batch::default(), Vec::new());
        let width = self.layout.trunk.inputs;
        for first in (0..rows).step_by(BLOCK) {
            let count = BLOCK.min(rows - first);
            for numbers in &self.nets {
                let parts = self.layout.split(numbers);
                let inputs = &inputs[first * width..(first + count) * width];
                forward(&self.layout.trunk, parts[0], inputs, count, &mut trunk);
                let mut earlier: Vec<Vec<f32>> = Vec::with_capacity(metrics);
                for (metric, shape) in self.layout.heads.iter().enumerate() {
                    beside(&trunk.outputs, self.width, &earlier, &mut joined);
                    forward(shape, parts[metric + 1], &joined, count, &mut head);
                    for (place, output) in head.outputs.chunks_exact(2).enumerate() {
                        let mean = f64::from(output[0]);
                        let at = (first + place) * metrics + metric;
                        estimates.mean[at] += share * mean;
                        estimates.sd[at] += share * (f64::from(exp(bent(output[1]).0)) + mean * mean);
                    }
                    earlier.push(head.outputs.iter().step_by(2).copied().collect());
                }
                forward(&self.layout.gate, parts[metrics + 1], &trunk.outputs, count, &mut head);
                for (place, logit) in head.outputs.iter().enumerate() {
                    estimates.feasible[first + place] += share * f64::from(sigmoid(*logit));
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

    fn has_gate(&self) -> bool {
        self.has_gate
    }

    fn save(&self) -> Result<serde_json::Value, SurrogateError> {
        Ok(serde_json::to_value(Stored {
            inputs: self.layout.trunk.inputs,
            metrics: self.layout.heads.len(),
            width: self.width,
            head_width: self.head_width,
            has_gate: self.has_gate,
            ranges: self.ranges.clone(),
            nets: self.nets.iter().map(|numbers| encode(numbers)).collect(),
        })?)
    }

    fn check(&self, width: usize, metrics: usize) -> Result<(), String> {
        let (inputs, heads) = (self.layout.trunk.inputs, self.layout.heads.len());
        if inputs != width || heads != metrics {
            return Err(format!(
                "it has {inputs} inputs and {heads} metrics; expected {width} and {metrics}"
            ));
        }
        check_ranges(&self.ranges, width)?;
        if self.nets.is_empty() || self.width == 0 || self.head_width == 0 {
            return Err(format!("{} nets of {} and {} units", self.nets.len(), self.width, self.head_width));
        }
        self.nets.iter().try_for_each(|net| check_numbers(net, self.layout.len()))
    }
}

/// The numbers in a file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    inputs: usize,
    metrics: usize,
    width: usize,
    head_width: usize,
    has_gate: bool,
    ranges: Vec<(f64, f64)>,
    nets: Vec<String>,
}

fn load(saved: serde_json::Value) -> Result<Trained, SurrogateError> {
    let stored: Stored = serde_json::from_value(saved)?;
    if [stored.inputs, stored.metrics, stored.width, stored.head_width].iter().any(|width| *width > 65_536) {
        return Err(SurrogateError::Training("a layer is wider than 65536".into()));
    }
    Ok(Trained {
        layout: Layout::new(stored.inputs, stored.metrics, stored.width, stored.head_width),
        width: stored.width,
        head_width: stored.head_width,
        has_gate: stored.has_gate,
        ranges: stored.ranges,
        nets: stored.nets.iter().map(|text| decode(text)).collect::<Result<_, _>>()?,
    })
}

pub(crate) fn entry() -> SurrogateEntry {
    SurrogateEntry::joint(
        "chain-heads",
        "metrics one after the other, each seeing those before it; ensemble with variance and gate (Read et al. 2011)",
        |options| {
            let settings: ChainHeads = options.parse()?;
            settings.check()?;
            Ok(Box::new(settings))
        },
        |saved| Ok(Box::new(load(saved)?)),
    )
    .hyperparameter("nets", "3", "1 to 100", "number of chains")
    .hyperparameter("width", "96", "1 to 4096", "units of the layers of a trunk")
    .hyperparameter("head_width", "48", "1 to 4096", "units of the hidden layer of a head")
    .hyperparameter("epochs", "50", "1 to 100000", "passes over the data; more where that were under 300 steps")
    .hyperparameter("batch", "0", "0 to 65536", "rows of a step; 0 for about a twentieth of the data, 16 to 128")
    .hyperparameter("learning_rate", "0.004", "above 0, at most 1", "largest step size")
    .hyperparameter("weight_decay", "0.0001", "0 to 1", "share of the weights that a step of size 1 takes off")
    .hyperparameter("noise", "0.03", "0 to 1", "deviation of the noise on earlier metrics in training")
}
