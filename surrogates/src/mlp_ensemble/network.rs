//! One net of the ensemble: its numbers in one flat array, forward and backward in batches.
//!
//! `h_0 = x`, `h_l = silu(h_(l-1) W_l + b_l)`, outputs `h_L W + b + x S`; `S` is a linear skip from the inputs. Matrices are row-major, inputs
//! times outputs.

use hwgym_envs::Random;
use ndarray::linalg::general_mat_mul;
use ndarray::{ArrayView2, ArrayViewMut2};

/// Widths of a net.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Shape {
    pub inputs: usize,
    pub hidden: Vec<usize>,
    pub outputs: usize,
}

impl Shape {
    /// Inputs and outputs of layer `l`; the last one is the output layer.
    fn layer(&self, l: usize) -> (usize, usize) {
        let from = if l == 0 { self.inputs } else { self.hidden[l - 1] };
        (from, self.hidden.get(l).copied().unwrap_or(self.outputs))
    }

    /// Where the weights of layer `l` begin; its biases follow them. One more than the last layer: where the skip begins.
    fn start(&self, l: usize) -> usize {
        (0..l).map(|l| self.layer(l)).map(|(from, to)| (from + 1) * to).sum()
    }

    /// Numbers of a net.
    pub fn len(&self) -> usize {
        self.start(self.hidden.len() + 1) + self.inputs * self.outputs
    }

    /// Where the output layer begins: weights, biases and skip stand behind it.
    pub fn head(&self) -> usize {
        self.start(self.hidden.len())
    }

    /// Where the biases of the outputs begin.
    pub fn output_biases(&self) -> usize {
        let (from, to) = self.layer(self.hidden.len());
        self.head() + from * to
    }

    /// Random numbers: deviations `1/sqrt(in)` in the first layer, `sqrt(2/in)` in the next, `0.3/sqrt(in)` in the last; biases and skip 0.
    pub fn draw(&self, random: &mut Random) -> Vec<f32> {
        let mut numbers = vec![0.0; self.len()];
        for l in 0..=self.hidden.len() {
            let (from, to) = self.layer(l);
            let scale = match l {
                l if l == self.hidden.len() => 0.3,
                0 => 1.0,
                _ => 2f64.sqrt(),
            };
            let deviation = scale / (from as f64).sqrt();
            let start = self.start(l);
            numbers[start..start + from * to].fill_with(|| (deviation * random.normal()) as f32);
        }
        numbers
    }
}

/// Room for a batch.
#[derive(Default)]
pub(crate) struct Batch {
    /// Sigmoids and outputs of every hidden layer, and slopes with regard to the latter.
    gates: Vec<Vec<f32>>,
    hidden: Vec<Vec<f32>>,
    slopes: Vec<Vec<f32>>,
    /// Outputs, rows times outputs.
    pub outputs: Vec<f32>,
}

/// A row-major matrix within a slice.
pub(crate) fn matrix(numbers: &[f32], rows: usize, columns: usize) -> ArrayView2<'_, f32> {
    let strides = ndarray::Ix2(rows, columns);
    // The lengths are this module's own.
    ArrayView2::from_shape(strides, &numbers[..rows * columns]).unwrap_or_else(|_| unreachable_shape())
}

pub(crate) fn matrix_mut(numbers: &mut [f32], rows: usize, columns: usize) -> ArrayViewMut2<'_, f32> {
    let strides = ndarray::Ix2(rows, columns);
    ArrayViewMut2::from_shape(strides, &mut numbers[..rows * columns]).unwrap_or_else(|_| unreachable_shape())
}

fn unreachable_shape() -> ! {
    unreachable!("a slice of rows * columns numbers is a matrix of that shape")
}

/// Computes the outputs of `rows` inputs into the batch.
pub(crate) fn forward(shape: &Shape, numbers: &[f32], inputs: &[f32], rows: usize, batch: &mut Batch) {
    let layers = shape.hidden.len();
    batch.gates.resize(layers, Vec::new());
    batch.hidden.resize(layers, Vec::new());
    let affine = |l: usize, inputs: &[f32], outputs: &mut Vec<f32>| {
        let (from, to) = shape.layer(l);
        let start = shape.start(l);
        let (weights, biases) = (&numbers[start..], &numbers[start + from * to..][..to]);
        outputs.clear();
        (0..rows).for_each(|_| outputs.extend_from_slice(biases));
        let weights = matrix(weights, from, to);
        general_mat_mul(1.0, &matrix(inputs, rows, from), &weights, 1.0, &mut matrix_mut(outputs, rows, to));
    };
    for l in 0..layers {
        let (before, here) = batch.hidden.split_at_mut(l);
        let (gates, hidden) = (&mut batch.gates[l], &mut here[0]);
        affine(l, before.last().map_or(inputs, |h| h.as_slice()), hidden);
        gates.resize(hidden.len(), 0.0);
        for (gate, value) in gates.iter_mut().zip(hidden.iter_mut()) {
            *gate = sigmoid(*value);
            *value *= *gate;
        }
    }
    let last = batch.hidden.last().map_or(inputs, |h| h.as_slice());
    affine(layers, last, &mut batch.outputs);
    let skip = matrix(&numbers[shape.start(layers + 1)..], shape.inputs, shape.outputs);
    let inputs = matrix(inputs, rows, shape.inputs);
    general_mat_mul(1.0, &inputs, &skip, 1.0, &mut matrix_mut(&mut batch.outputs, rows, shape.outputs));
}

/// Writes the gradient of all numbers, given the slopes of the loss with regard to the outputs of the last [`forward`]. With `head_only`,
/// that of the output layer alone; the rest is 0. With `input_slopes`, also writes those with regard to the inputs.
#[allow(clippy::too_many_arguments)]
pub(crate) fn backward(
    shape: &Shape,
    numbers: &[f32],
    inputs: &[f32],
    output_slopes: &[f32],
    rows: usize,
    head_only: bool,
    batch: &mut Batch,
    gradient: &mut [f32],
    input_slopes: Option<&mut Vec<f32>>,
) {
    let layers = shape.hidden.len();
    batch.slopes.resize(layers, Vec::new());
    gradient.fill(0.0);
    let skip = matrix_mut(&mut gradient[shape.start(layers + 1)..], shape.inputs, shape.outputs);
    let slopes = matrix(output_slopes, rows, shape.outputs);
    outer(matrix(inputs, rows, shape.inputs), slopes, skip);
    for l in (0..=layers).rev() {
        let (from, to) = shape.layer(l);
        let start = shape.start(l);
        let (before, after) = batch.slopes.split_at_mut(l);
        let slopes = after.first().map_or(output_slopes, |s| s.as_slice());
        let below = if l == 0 { inputs } else { &batch.hidden[l - 1] };
        outer(
            matrix(below, rows, from),
            matrix(slopes, rows, to),
            matrix_mut(&mut gradient[start..], from, to),
        );
        let biases = &mut gradient[start + from * to..][..to];
        for row in slopes.chunks_exact(to) {
            biases.iter_mut().zip(row).for_each(|(bias, slope)| *bias += slope);
        }
        let (Some(below), false) = (before.last_mut(), head_only) else { break };
        below.resize(rows * from, 0.0);
        let weights = matrix(&numbers[start..], from, to);
        general_mat_mul(
            1.0,
            &matrix(slopes, rows, to),
            &weights.t(),
            0.0,
            &mut matrix_mut(below, rows, from),
        );
        // silu(z) = z s has the slope s + z s (1 - s), with z s at hand.
        for ((slope, gate), value) in below.iter_mut().zip(&batch.gates[l - 1]).zip(&batch.hidden[l - 1]) {
            *slope *= gate + value * (1.0 - gate);
        }
    }
    let Some(below) = input_slopes else { return };
    below.resize(rows * shape.inputs, 0.0);
    let (from, to) = shape.layer(0);
    let slopes = batch.slopes.first().map_or(output_slopes, |s| s.as_slice());
    let mut below = matrix_mut(below, rows, shape.inputs);
    let weights = matrix(numbers, from, to);
    general_mat_mul(1.0, &matrix(slopes, rows, to), &weights.t(), 0.0, &mut below);
    let skip = matrix(&numbers[shape.start(layers + 1)..], shape.inputs, shape.outputs);
    general_mat_mul(1.0, &matrix(output_slopes, rows, shape.outputs), &skip.t(), 1.0, &mut below);
}

/// AdamW on some numbers: a step size that rises for a twentieth of the steps, then falls along a cosine; gradients longer than 5 are shortened.
pub(crate) struct Descent {
    first: Vec<f32>,
    second: Vec<f32>,
    step: usize,
    steps: usize,
    rate: f64,
    decay: f64,
}

/// Share of the steps in which the step size rises.
const WARM_UP: f64 = 0.05;
/// Largest length of a gradient.
const MOST: f32 = 5.0;

impl Descent {
    /// For so many numbers and steps, with this largest step size and weight decay.
    pub fn new(numbers: usize, steps: usize, rate: f64, decay: f64) -> Self {
        Self { first: vec![0.0; numbers], second: vec![0.0; numbers], step: 0, steps, rate, decay }
    }

    /// Takes a step; numbers before `free` stay.
    pub fn step(&mut self, numbers: &mut [f32], gradient: &[f32], free: usize) {
        let length = gradient.iter().map(|slope| slope * slope).sum::<f32>().sqrt();
        let shrink = if length > MOST { MOST / length } else { 1.0 };
        self.step += 1;
        let at = self.step as f64;
        let warm_up = WARM_UP * self.steps as f64;
        let progress = (at - warm_up) / (self.steps as f64 - warm_up).max(1.0);
        let share =
            if at < warm_up { at / warm_up } else { 0.5 + 0.5 * (std::f64::consts::PI * progress).cos() };
        let rate = (self.rate * share) as f32;
        let keep = 1.0 - rate * self.decay as f32;
        let correct_first = (1.0 / (1.0 - 0.9f64.powf(at))) as f32;
        let correct_second = (1.0 / (1.0 - 0.999f64.powf(at))) as f32;
        let moments = self.first[free..].iter_mut().zip(&mut self.second[free..]);
        for ((number, slope), (first, second)) in
            numbers[free..].iter_mut().zip(&gradient[free..]).zip(moments)
        {
            let slope = shrink * slope;
            *first = 0.9 * *first + 0.1 * slope;
            *second = 0.999 * *second + 0.001 * slope * slope;
            let deviation = (*second * correct_second).sqrt() + 1e-8;
            *number = keep * *number - rate * *first * correct_first / deviation;
        }
    }
}

/// Rows in a new order every pass, a few at a time.
pub(crate) struct Minibatches {
    order: Vec<usize>,
    next: usize,
    size: usize,
}

impl Minibatches {
    /// Over so many rows, `size` at a time; what is left of a pass makes a smaller one.
    pub fn new(rows: usize, size: usize) -> Self {
        Self { order: (0..rows).collect(), next: rows, size }
    }

    /// The next rows, with their inputs gathered in `seen`.
    pub fn next(
        &mut self,
        inputs: &[f32],
        width: usize,
        random: &mut Random,
        seen: &mut Vec<f32>,
    ) -> &[usize] {
        if self.next >= self.order.len() {
            random.shuffle(&mut self.order);
            self.next = 0;
        }
        let picked = &self.order[self.next..(self.next + self.size).min(self.order.len())];
        self.next += self.size;
        seen.clear();
        picked.iter().for_each(|row| seen.extend_from_slice(&inputs[row * width..(row + 1) * width]));
        picked
    }
}

/// `a' b`.
fn outer(a: ArrayView2<f32>, b: ArrayView2<f32>, mut product: ArrayViewMut2<f32>) {
    general_mat_mul(1.0, &a.t(), &b, 0.0, &mut product);
}

/// The logistic function, in steps that a compiler does for many numbers at once: a power of two by its exponent, and a polynomial.
#[inline]
pub(crate) fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + exp(-x))
}

/// e^x to seven digits, for x cut off at -87 and 87.
#[inline]
pub(crate) fn exp(x: f32) -> f32 {
    // Adding it rounds to a whole number.
    const ROUND: f32 = 12_582_912.0;
    let x = x.clamp(-87.0, 87.0);
    let whole = x * std::f32::consts::LOG2_E + ROUND - ROUND;
    // ln 2 in two parts, so that nothing is lost.
    let rest = x - whole * 0.693_359_4 + whole * 2.121_944_4e-4;
    let polynomial = 1.0
        + rest
            * (1.0
                + rest
                    * (0.5
                        + rest
                            * (0.166_666_67
                                + rest * (0.041_666_67 + rest * (0.008_333_334 + rest * 0.001_388_889)))));
    polynomial * f32::from_bits(((whole as i32 + 127) << 23) as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exponential_to_seven_digits() {
        for step in -870..=870 {
            let x = step as f32 / 10.0;
            let relative = f64::from(exp(x)) / f64::from(x).exp() - 1.0;
            assert!(relative.abs() < 4e-7, "{x}: {relative}");
        }
        assert_eq!(sigmoid(0.0), 0.5);
    }

    #[test]
    fn gradients_are_those_of_differences() {
        let shape = Shape { inputs: 3, hidden: vec![5, 4], outputs: 2 };
        let mut random = Random::new(3);
        let mut numbers = shape.draw(&mut random);
        numbers.iter_mut().for_each(|number| *number += 0.1 * random.normal() as f32);
        let inputs: Vec<f32> = (0..12).map(|_| random.normal() as f32).collect();
        let weights: Vec<f32> = (0..8).map(|_| random.normal() as f32).collect();
        let mut batch = Batch::default();
        let loss = |numbers: &[f32], batch: &mut Batch| -> f64 {
            forward(&shape, numbers, &inputs, 4, batch);
            batch.outputs.iter().zip(&weights).map(|(o, w)| f64::from(o * w)).sum()
        };
        loss(&numbers, &mut batch);
        let mut gradient = vec![0.0; shape.len()];
        let mut below = Vec::new();
        backward(&shape, &numbers, &inputs, &weights, 4, false, &mut batch, &mut gradient, Some(&mut below));
        for index in 0..inputs.len() {
            let mut at = |step: f32| {
                let mut moved = inputs.clone();
                moved[index] += step;
                forward(&shape, &numbers, &moved, 4, &mut batch);
                batch.outputs.iter().zip(&weights).map(|(o, w)| f64::from(o * w)).sum::<f64>()
            };
            let difference = (at(1e-2) - at(-1e-2)) / 2e-2;
            assert!((difference - f64::from(below[index])).abs() < 3e-3, "{index}: {difference}");
        }
        for index in 0..shape.len() {
            let mut at = |step: f32| {
                let mut moved = numbers.clone();
                moved[index] += step;
                loss(&moved, &mut batch)
            };
            let difference = (at(1e-2) - at(-1e-2)) / 2e-2;
            // Single precision and a finite step: three digits.
            assert!((difference - f64::from(gradient[index])).abs() < 3e-3, "{index}: {difference}");
        }
    }
}
