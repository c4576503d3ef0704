//! A multi-layer perceptron with tanh, its gradient by hand, and Adam.
//!
//! The networks of this family are tiny (some 50 inputs, 32 hidden units) and their inputs are mostly one-hot. At that size a tensor
//! framework pays per operation, not per number; here an input that is 0 costs nothing, and a caller asks for the outputs of one head alone. Everything is single precision and in a fixed order: the same seed gives the same bits.

use std::ops::Range;

use hwgym_envs::Random;

/// What a network sees: numbers in its first inputs, then those of the others that are 1.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    /// Values of the inputs `0..dense.len()`.
    pub dense: &'a [f32],
    /// Indices of further inputs that are 1; all the rest are 0.
    pub ones: &'a [u32],
}

/// A perceptron, `widths[0]` inputs to `widths.last()` outputs, tanh between, nothing after the last layer.
#[derive(Clone, Debug, PartialEq)]
pub struct Network {
    widths: Vec<usize>,
    /// Layer by layer: weights `[from][to]`, then biases `[to]`.
    weights: Vec<f32>,
}

/// The memory of one pass: activations of every layer, and what flows back. Reused from pass to pass.
#[derive(Clone, Debug, Default)]
pub struct Scratch {
    /// Activations of the hidden layers.
    hidden: Vec<Vec<f32>>,
    /// Gradients with respect to what goes into the tanh of the hidden layers.
    back: Vec<Vec<f32>>,
    /// The outputs that were asked for.
    pub output: Vec<f32>,
}

impl Network {
    /// Normal weights of standard deviation `gain / sqrt(inputs of the layer)`, the last layer's of `last_gain / sqrt(..)`; no biases.
    pub fn new(widths: &[usize], gain: f64, last_gain: f64, random: &mut Random) -> Self {
        let mut weights = Vec::new();
        for (layer, pair) in widths.windows(2).enumerate() {
            let gain = if layer + 2 == widths.len() { last_gain } else { gain };
            let scale = gain / (pair[0].max(1) as f64).sqrt();
            weights.extend((0..pair[0] * pair[1]).map(|_| (scale * random.normal()) as f32));
            weights.extend(std::iter::repeat_n(0.0, pair[1]));
        }
        Self { widths: widths.to_vec(), weights }
    }

    /// The same with first-layer weights of this standard deviation: where few of many inputs are 1, the count of inputs says little.
    pub fn with_first_deviation(mut self, deviation: f64, random: &mut Random) -> Self {
        let count = self.widths[0] * self.widths[1];
        self.weights[..count].iter_mut().for_each(|weight| *weight = (deviation * random.normal()) as f32);
        self
    }

    /// A network of stored weights; [`is_sound`](Self::is_sound) says whether they fit.
    pub fn of(widths: Vec<usize>, weights: Vec<f32>) -> Self {
        Self { widths, weights }
    }

    /// Widths of input, hidden layers and output.
    pub fn widths(&self) -> &[usize] {
        &self.widths
    }

    /// All weights, as they are stored.
    pub fn weights(&self) -> &[f32] {
        &self.weights
    }

    /// All weights, to be changed.
    pub fn weights_mut(&mut self) -> &mut [f32] {
        &mut self.weights
    }

    /// True if a stored network has as many weights as its widths say, all of them finite.
    pub fn is_sound(&self) -> bool {
        let count = |pair: &[usize]| pair[0].checked_mul(pair[1]).and_then(|n| n.checked_add(pair[1]));
        let total = self
            .widths
            .windows(2)
            .try_fold(0usize, |total, pair| count(pair).and_then(|n| total.checked_add(n)));
        self.widths.len() >= 2
            && self.widths.iter().all(|width| *width > 0)
            && total == Some(self.weights.len())
            && self.weights.iter().all(|weight| weight.is_finite())
    }

    /// Computes these outputs into `scratch.output`.
    pub fn forward(&self, input: Input, outputs: Range<usize>, scratch: &mut Scratch) {
        let layers = self.widths.len() - 1;
        scratch.hidden.resize_with(layers - 1, Vec::new);
        let mut start = 0;
        for layer in 0..layers {
            let (from, to) = (self.widths[layer], self.widths[layer + 1]);
            let weights = &self.weights[start..start + from * to];
            let biases = &self.weights[start + from * to..start + from * to + to];
            start += from * to + to;
            let asked = if layer + 1 == layers { outputs.clone() } else { 0..to };
            let (before, rest) = scratch.hidden.split_at_mut(layer);
            let sums = rest.first_mut().unwrap_or(&mut scratch.output);
            sums.clear();
            sums.extend_from_slice(&biases[asked.clone()]);
            let row = |index: usize| &weights[index * to + asked.start..index * to + asked.end];
            match before.last() {
                None => {
                    for (index, value) in input.dense.iter().enumerate() {
                        add_scaled(sums, row(index), *value);
                    }
                    for index in input.ones {
                        add_scaled(sums, row(*index as usize), 1.0);
                    }
                }
                Some(values) => {
                    for (index, value) in values.iter().enumerate() {
                        add_scaled(sums, row(index), *value);
                    }
                }
            }
            if layer + 1 < layers {
                sums.iter_mut().for_each(|sum| *sum = tanh(*sum));
            }
        }
    }

    /// Adds to `gradient` (as long as [`weights`](Self::weights)) the gradient of a loss whose derivative with respect to the outputs of the
    /// last [`forward`](Self::forward) is `slope`.
    pub fn backward(
        &self,
        input: Input,
        outputs: Range<usize>,
        slope: &[f32],
        scratch: &mut Scratch,
        gradient: &mut [f32],
    ) {
        let layers = self.widths.len() - 1;
        scratch.back.resize_with(layers - 1, Vec::new);
        let mut end = self.weights.len();
        for layer in (0..layers).rev() {
            let (from, to) = (self.widths[layer], self.widths[layer + 1]);
            let start = end - from * to - to;
            let (below, above) = scratch.back.split_at_mut(layer);
            let (slope, asked) = match above.first() {
                Some(back) => (back.as_slice(), 0..to),
                None => (slope, outputs.clone()),
            };
            add_scaled(
                &mut gradient[start + from * to + asked.start..start + from * to + asked.end],
                slope,
                1.0,
            );
            let place = |index: usize| start + index * to + asked.start..start + index * to + asked.end;
            if layer == 0 {
                for (index, value) in input.dense.iter().enumerate() {
                    add_scaled(&mut gradient[place(index)], slope, *value);
                }
                for index in input.ones {
                    add_scaled(&mut gradient[place(*index as usize)], slope, 1.0);
                }
            } else {
                let values = &scratch.hidden[layer - 1];
                let back = &mut below[layer - 1];
                back.clear();
                for (index, value) in values.iter().enumerate() {
                    add_scaled(&mut gradient[place(index)], slope, *value);
                    back.push(dot(&self.weights[place(index)], slope) * (1.0 - value * value));
                }
            }
            end = start;
        }
    }
}

/// `sums += factor * row`.
fn add_scaled(sums: &mut [f32], row: &[f32], factor: f32) {
    for (sum, weight) in sums.iter_mut().zip(row) {
        *sum += factor * weight;
    }
}

/// The inner product, in eight partial sums: an order that processors do at once.
fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [0.0f32; 8];
    let (a_chunks, b_chunks) = (a.chunks_exact(8), b.chunks_exact(8));
    let rest: f32 = a_chunks.remainder().iter().zip(b_chunks.remainder()).map(|(a, b)| a * b).sum();
    for (a, b) in a_chunks.zip(b_chunks) {
        for lane in 0..8 {
            sums[lane] += a[lane] * b[lane];
        }
    }
    sums.iter().sum::<f32>() + rest
}

/// tanh as a quotient of polynomials, right to some units in the last place (the coefficients are those of Eigen's `ptanh`).
pub fn tanh(x: f32) -> f32 {
    const ODD: [f32; 7] = [
        4.893_524_6e-3,
        6.372_619_3e-4,
        1.485_722_4e-5,
        5.122_297_1e-8,
        -8.604_672e-11,
        2.000_188e-13,
        -2.760_768_5e-16,
    ];
    const EVEN: [f32; 4] = [4.893_525e-3, 2.268_434_6e-3, 1.185_347_1e-4, 1.198_258_4e-6];
    let x = x.clamp(-7.905_311, 7.905_311);
    let square = x * x;
    let odd = ODD.iter().rev().fold(0.0, |sum, coefficient| sum * square + coefficient);
    let even = EVEN.iter().rev().fold(0.0, |sum, coefficient| sum * square + coefficient);
    (x * odd / even).clamp(-1.0, 1.0)
}

/// Adam (Kingma and Ba, 2015) with the usual decays of 0.9 and 0.999.
#[derive(Clone, Debug, Default)]
pub struct Adam {
    means: Vec<f32>,
    squares: Vec<f32>,
    steps: i32,
}

impl Adam {
    /// Steps down this gradient, after shortening it to at most `most` in length; the gradient is zeroed for the next one.
    pub fn step(&mut self, weights: &mut [f32], gradient: &mut [f32], rate: f32, most: f32) {
        let norm = gradient.iter().map(|g| f64::from(*g).powi(2)).sum::<f64>().sqrt() as f32;
        if !norm.is_finite() {
            // Nothing can be learned from it; the weights stay finite.
            gradient.fill(0.0);
            return;
        }
        let shorten = if norm > most { most / norm } else { 1.0 };
        self.means.resize(weights.len(), 0.0);
        self.squares.resize(weights.len(), 0.0);
        self.steps = self.steps.saturating_add(1);
        let (first, second) = (1.0 - 0.9f32.powi(self.steps), 1.0 - 0.999f32.powi(self.steps));
        let states = self.means.iter_mut().zip(&mut self.squares);
        for ((weight, slope), (mean, square)) in weights.iter_mut().zip(gradient.iter_mut()).zip(states) {
            let g = *slope * shorten;
            *slope = 0.0;
            *mean = 0.9 * *mean + 0.1 * g;
            *square = 0.999 * *square + 0.001 * g * g;
            *weight -= rate * (*mean / first) / ((*square / second).sqrt() + 1e-8);
        }
    }
}

/// A network with its optimiser and its gradient: what is trained.
#[derive(Clone, Debug)]
pub struct Trained {
    /// The network.
    pub network: Network,
    /// What the next [`step`](Self::step) goes down.
    pub gradient: Vec<f32>,
    adam: Adam,
}

impl Trained {
    /// A network at the start of its training.
    pub fn new(network: Network) -> Self {
        let gradient = vec![0.0; network.weights().len()];
        Self { network, gradient, adam: Adam::default() }
    }

    /// One step of Adam down the gathered gradient, at most `most` long, which is zero afterwards.
    pub fn step(&mut self, rate: f32, most: f32) {
        self.adam.step(self.network.weights_mut(), &mut self.gradient, rate, most);
    }

    /// Adds to the gradient: the last forward pass in `scratch`, with this derivative at its outputs.
    pub fn backward(&mut self, input: Input, outputs: Range<usize>, slope: &[f32], scratch: &mut Scratch) {
        self.network.backward(input, outputs, slope, scratch, &mut self.gradient);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tanh_is_tanh() {
        for step in -1200..=1200 {
            let x = step as f32 / 100.0;
            assert!((tanh(x) - x.tanh()).abs() < 1e-6, "{x}: {} and {}", tanh(x), x.tanh());
        }
    }

    #[test]
    fn gradients_agree_with_finite_differences() {
        let mut random = Random::new(5);
        let mut network = Network::new(&[6, 5, 4, 3], 1.0, 1.0, &mut random);
        for weight in network.weights_mut() {
            *weight += 0.1 * random.normal() as f32;
        }
        let (dense, ones) = ([0.3, -0.7], [3, 5]);
        let input = Input { dense: &dense, ones: &ones };
        let outputs = 1..3;
        // The loss is a weighted sum of two of the three outputs.
        let slope = [0.8, -1.3];
        let loss = |network: &Network| {
            let mut scratch = Scratch::default();
            network.forward(input, outputs.clone(), &mut scratch);
            scratch.output.iter().zip(slope).map(|(y, s)| f64::from(y * s)).sum::<f64>()
        };
        let mut scratch = Scratch::default();
        network.forward(input, outputs.clone(), &mut scratch);
        let mut gradient = vec![0.0; network.weights().len()];
        network.backward(input, outputs.clone(), &slope, &mut scratch, &mut gradient);
        let step = 1e-2f32;
        let mut checked = 0;
        for index in 0..gradient.len() {
            let at = |shift: f32| {
                let mut moved = network.clone();
                moved.weights_mut()[index] += shift;
                loss(&moved)
            };
            let difference = (at(step) - at(-step)) / (2.0 * f64::from(step));
            assert!((difference - f64::from(gradient[index])).abs() < 1e-3, "weight {index}");
            checked += usize::from(gradient[index] != 0.0);
        }
        assert!(checked > 30, "only {checked} weights matter");
    }

    #[test]
    fn adam_finds_the_bottom_of_a_bowl_and_survives_infinity() {
        let (mut weights, mut adam) = (vec![3.0f32, -2.0], Adam::default());
        for _ in 0..600 {
            let mut gradient: Vec<f32> = weights.iter().map(|w| 2.0 * (w - 1.0)).collect();
            adam.step(&mut weights, &mut gradient, 0.05, 5.0);
        }
        assert!(weights.iter().all(|w| (w - 1.0).abs() < 1e-2), "{weights:?}");
        adam.step(&mut weights, &mut [f32::NAN, f32::INFINITY], 0.05, 5.0);
        assert!(weights.iter().all(|w| w.is_finite()));
    }
}
