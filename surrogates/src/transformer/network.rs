//! The network: tokens of parameters, of a context and of metrics, through layers of attention; forward and backward for many designs at once.
//!
//! The sequence of a data set is its parameters, the context, then one slot per metric. The slot of metric `j` is told metric `j - 1` and predicts
//! metric `j`. Parameters and context see each other; a slot sees them, the slots before it and itself. Since nothing before a slot sees it, keys
//! and values of what is before are computed once and kept: [`forward`] goes over any range of tokens, after those before.
//!
//! `x += O attention(n(x)); x += D silu(U n(x))`, with `n` the normalisation over the width (Vaswani et al. 2017, normalised before each step as in
//! Xiong et al. 2020). In the last layer only context and slots are asked for. A metric's mean also has a linear skip from parameters and earlier
//! metrics, as logarithms of circuits' metrics are nearly linear in those of sizes. All numbers are in one flat array. A matrix of activations has one
//! row per unit and one column per token and design, designs innermost: products are large, and all else runs along the designs.

use hwgym_envs::Random;
use ndarray::linalg::general_mat_mul;
use ndarray::{ArrayView2, ArrayViewMut2, s};

use crate::mlp_ensemble::network::{exp, matrix, matrix_mut, sigmoid};

/// Designs that are computed side by side; their number is filled up to a multiple of it.
pub(crate) const LANES: usize = 16;

/// Sizes of the network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Shape {
    pub width: usize,
    pub heads: usize,
    pub hidden: usize,
    pub layers: usize,
    /// Number of tokens that are known, of each kind.
    pub parameters: usize,
    pub metrics: usize,
    pub contexts: usize,
}

/// Tokens of a data set, by their places in the vocabulary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sequence {
    pub parameters: Vec<usize>,
    /// Their embeddings are added up to one token.
    pub contexts: Vec<usize>,
    pub metrics: Vec<usize>,
}

impl Sequence {
    /// The token of the context, which is behind the parameters.
    fn context(&self) -> usize {
        self.parameters.len()
    }

    /// The slot of a metric.
    pub fn slot(&self, metric: usize) -> usize {
        self.parameters.len() + 1 + metric
    }

    /// Number of tokens.
    pub fn len(&self) -> usize {
        self.slot(self.metrics.len())
    }

    /// How many tokens a token sees, from the first on.
    fn seen(&self, token: usize) -> usize {
        token.max(self.context()) + 1
    }
}

/// Weights, outputs times inputs, and the biases behind them.
#[derive(Clone, Copy)]
struct Linear {
    at: usize,
    inputs: usize,
    outputs: usize,
}

impl Linear {
    fn end(&self) -> usize {
        self.at + (self.inputs + 1) * self.outputs
    }

    fn weights<'a>(&self, numbers: &'a [f32]) -> ArrayView2<'a, f32> {
        matrix(&numbers[self.at..], self.outputs, self.inputs)
    }

    /// `output = keep output + W input + b`.
    fn apply(&self, numbers: &[f32], input: ArrayView2<f32>, mut output: ArrayViewMut2<f32>, keep: bool) {
        let biases = &numbers[self.at + self.inputs * self.outputs..self.end()];
        for (mut row, bias) in output.rows_mut().into_iter().zip(biases) {
            if keep { row += *bias } else { row.fill(*bias) }
        }
        general_mat_mul(1.0, &self.weights(numbers), &input, 1.0, &mut output);
    }

    /// Adds to the gradient of weights and biases; writes, or adds with `keep`, the slopes with regard to the input.
    fn learn(
        &self,
        numbers: &[f32],
        gradient: &mut [f32],
        slopes: ArrayView2<f32>,
        input: ArrayView2<f32>,
        mut below: ArrayViewMut2<f32>,
        keep: bool,
    ) {
        let (weights, biases) = gradient[self.at..self.end()].split_at_mut(self.inputs * self.outputs);
        let mut weights = matrix_mut(weights, self.outputs, self.inputs);
        general_mat_mul(1.0, &slopes, &input.t(), 1.0, &mut weights);
        for (bias, row) in biases.iter_mut().zip(slopes.rows()) {
            *bias += row.sum();
        }
        let keep = if keep { 1.0 } else { 0.0 };
        general_mat_mul(1.0, &self.weights(numbers).t(), &slopes, keep, &mut below);
    }
}

/// The linear maps of a layer.
struct Maps {
    query: Linear,
    keys_values: Linear,
    out: Linear,
    up: Linear,
    down: Linear,
}

impl Shape {
    /// Slope and identity of a parameter's token.
    fn parameter(&self, id: usize) -> usize {
        2 * self.width * id
    }

    /// Slope and identity of a metric that is told, and identity of one that is to be predicted.
    fn metric(&self, id: usize) -> usize {
        self.parameter(self.parameters) + 3 * self.width * id
    }

    fn context(&self, id: usize) -> usize {
        self.metric(self.metrics) + self.width * id
    }

    /// Where the output of a metric stands: weights of mean and of log variance, then their biases.
    pub fn head(&self, id: usize) -> usize {
        self.context(self.contexts) + (2 * self.width + 2) * id
    }

    /// Factors of the skip to a metric's mean: of all parameters, then of all metrics.
    fn skip(&self, id: usize) -> usize {
        self.head(self.metrics) + (self.parameters + self.metrics) * id
    }

    /// Weights and bias of the gate.
    fn gate(&self) -> usize {
        self.skip(self.metrics)
    }

    fn layer(&self, layer: usize) -> usize {
        let (w, h) = (self.width, self.hidden);
        self.gate() + w + 1 + layer * ((w + 1) * 4 * w + (w + 1) * h + (h + 1) * w)
    }

    fn maps(&self, layer: usize) -> Maps {
        let (w, h) = (self.width, self.hidden);
        let query = Linear { at: self.layer(layer), inputs: w, outputs: w };
        let keys_values = Linear { at: query.end(), inputs: w, outputs: 2 * w };
        let out = Linear { at: keys_values.end(), inputs: w, outputs: w };
        let up = Linear { at: out.end(), inputs: w, outputs: h };
        let down = Linear { at: up.end(), inputs: h, outputs: w };
        Maps { query, keys_values, out, up, down }
    }

    /// Numbers of the network.
    pub fn len(&self) -> usize {
        self.layer(self.layers)
    }

    /// Random numbers: variances that keep what passes through about 1; biases 0; outputs and what is added by a layer begin small.
    pub fn draw(&self, random: &mut Random) -> Vec<f32> {
        let mut numbers = vec![0.0; self.len()];
        let mut fill = |from: usize, to: usize, deviation: f64| {
            numbers[from..to].fill_with(|| (deviation * random.normal()) as f32);
        };
        let deviation = |gain: f64, inputs: usize| (gain / inputs as f64).sqrt();
        fill(0, self.head(0), 0.5);
        for id in 0..self.metrics {
            fill(self.head(id), self.head(id) + 2 * self.width, deviation(0.1, self.width));
        }
        fill(self.gate(), self.gate() + self.width, deviation(0.1, self.width));
        let small = 1.0 / (2 * self.layers) as f64;
        for layer in 0..self.layers {
            let Maps { query, keys_values, out, up, down } = self.maps(layer);
            for (linear, gain) in [(query, 1.0), (keys_values, 1.0), (out, small), (up, 2.0), (down, small)] {
                fill(linear.at, linear.at + linear.inputs * linear.outputs, deviation(gain, linear.inputs));
            }
        }
        numbers
    }

    /// Numbers for a larger vocabulary: what `from` knows stays, its tokens are the first ones; new contexts are the mean of the known ones.
    pub fn grow(&self, from: &Shape, known: &[f32], random: &mut Random) -> Vec<f32> {
        let mut numbers = self.draw(random);
        let mut copy = |to: usize, at: usize, count: usize| {
            numbers[to..to + count].copy_from_slice(&known[at..at + count]);
        };
        copy(0, 0, from.metric(0));
        copy(self.metric(0), from.metric(0), from.context(0) - from.metric(0));
        copy(self.context(0), from.context(0), from.head(0) - from.context(0));
        copy(self.head(0), from.head(0), from.skip(0) - from.head(0));
        for id in 0..from.metrics {
            copy(self.skip(id), from.skip(id), from.parameters);
            copy(self.skip(id) + self.parameters, from.skip(id) + from.parameters, from.metrics);
        }
        copy(self.gate(), from.gate(), from.len() - from.gate());
        for id in from.contexts..self.contexts {
            for unit in 0..self.width {
                let sum: f32 = (0..from.contexts).map(|old| known[from.context(old) + unit]).sum();
                numbers[self.context(id) + unit] = sum / from.contexts.max(1) as f32;
            }
        }
        numbers
    }
}

/// What a layer computed, kept for the tokens behind and for the way back.
#[derive(Default)]
struct Kept {
    /// Normalised inputs and what they were multiplied by.
    seen: Vec<f32>,
    seen_scales: Vec<f32>,
    queries: Vec<f32>,
    /// Of all tokens so far: rows of keys, then of values.
    keys_values: Vec<f32>,
    /// Shares of attention, by head, asking token, seen token and design.
    shares: Vec<f32>,
    attended: Vec<f32>,
    between: Vec<f32>,
    between_scales: Vec<f32>,
    gates: Vec<f32>,
    hidden: Vec<f32>,
}

/// Room for some designs on their way.
#[derive(Default)]
pub(crate) struct Batch {
    /// Number of designs, a multiple of [`LANES`].
    pub designs: usize,
    /// Places of the parameters, one row each.
    pub places: Vec<f32>,
    /// Metrics as they are told, one row each.
    pub told: Vec<f32>,
    /// Means and raw logarithms of variances: two rows per metric.
    pub outputs: Vec<f32>,
    /// Logits of the gate.
    pub gate: Vec<f32>,
    /// Slopes of the loss with regard to both.
    pub output_slopes: Vec<f32>,
    pub gate_slopes: Vec<f32>,
    layers: Vec<Kept>,
    flow: Vec<f32>,
    last: Vec<f32>,
    last_scales: Vec<f32>,
    spare: Vec<f32>,
}

impl Batch {
    /// Makes room for so many designs of a sequence; all places and metrics are 0.
    pub fn begin(&mut self, shape: &Shape, sequence: &Sequence, designs: usize) {
        let designs = designs.next_multiple_of(LANES);
        self.designs = designs;
        let (parameters, metrics) = (sequence.parameters.len(), sequence.metrics.len());
        let zeros = [
            (&mut self.places, parameters),
            (&mut self.told, metrics),
            (&mut self.outputs, 2 * metrics),
            (&mut self.output_slopes, 2 * metrics),
            (&mut self.gate, 1),
            (&mut self.gate_slopes, 1),
        ];
        for (room, rows) in zeros {
            room.clear();
            room.resize(rows * designs, 0.0);
        }
        self.layers.resize_with(shape.layers, Kept::default);
        for kept in &mut self.layers {
            kept.keys_values.resize(2 * shape.width * sequence.len() * designs, 0.0);
        }
    }
}

/// `LANES` numbers from a place on.
fn lanes(numbers: &[f32], at: usize) -> &[f32; LANES] {
    numbers[at..].first_chunk().unwrap_or_else(|| unreachable!("rows are multiples of the lanes"))
}

fn lanes_mut(numbers: &mut [f32], at: usize) -> &mut [f32; LANES] {
    numbers[at..].first_chunk_mut().unwrap_or_else(|| unreachable!("rows are multiples of the lanes"))
}

/// Sum of products, in an order that does not depend on the machine.
fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [0.0; LANES];
    for (a, b) in a.chunks_exact(LANES).zip(b.chunks_exact(LANES)) {
        (0..LANES).for_each(|lane| sums[lane] += a[lane] * b[lane]);
    }
    sums.iter().sum()
}

/// A sum in such an order.
fn sum(a: &[f32]) -> f32 {
    let mut sums = [0.0; LANES];
    for a in a.chunks_exact(LANES) {
        (0..LANES).for_each(|lane| sums[lane] += a[lane]);
    }
    sums.iter().sum()
}

/// Adds `factor * a` to `sum`.
fn add_scaled(sum: &mut [f32], factor: f32, a: &[f32]) {
    sum.iter_mut().zip(a).for_each(|(sum, a)| *sum += factor * a);
}

/// Takes the mean over the rows from every column, and divides by the deviation.
fn normalise(flow: &[f32], width: usize, into: &mut Vec<f32>, scales: &mut Vec<f32>) {
    let columns = flow.len() / width;
    into.resize(flow.len(), 0.0);
    scales.clear();
    scales.resize(columns, 0.0);
    let share = 1.0 / width as f32;
    for from in (0..columns).step_by(LANES) {
        let (mut mean, mut variance) = ([0.0; LANES], [0.0; LANES]);
        for unit in 0..width {
            let values = lanes(flow, unit * columns + from);
            (0..LANES).for_each(|lane| mean[lane] += share * values[lane]);
        }
        for unit in 0..width {
            let values = lanes(flow, unit * columns + from);
            (0..LANES).for_each(|lane| variance[lane] += share * (values[lane] - mean[lane]).powi(2));
        }
        let scales = lanes_mut(scales, from);
        (0..LANES).for_each(|lane| scales[lane] = 1.0 / (variance[lane] + 1e-5).sqrt());
        for unit in 0..width {
            let values = lanes(flow, unit * columns + from);
            let into = lanes_mut(into, unit * columns + from);
            (0..LANES).for_each(|lane| into[lane] = scales[lane] * (values[lane] - mean[lane]));
        }
    }
}

/// The way back through [`normalise`]: `slopes` with regard to its result become those with regard to its input.
fn normalise_back(slopes: &mut [f32], normal: &[f32], scales: &[f32], width: usize) {
    let columns = slopes.len() / width;
    let share = 1.0 / width as f32;
    for from in (0..columns).step_by(LANES) {
        let (mut mean, mut along) = ([0.0; LANES], [0.0; LANES]);
        for unit in 0..width {
            let at = unit * columns + from;
            let (slopes, normal) = (lanes(slopes, at), lanes(normal, at));
            for lane in 0..LANES {
                mean[lane] += share * slopes[lane];
                along[lane] += share * slopes[lane] * normal[lane];
            }
        }
        let scales = lanes(scales, from);
        for unit in 0..width {
            let at = unit * columns + from;
            let (slopes, normal) = (lanes_mut(slopes, at), lanes(normal, at));
            for lane in 0..LANES {
                slopes[lane] = scales[lane] * (slopes[lane] - mean[lane] - along[lane] * normal[lane]);
            }
        }
    }
}

/// Which tokens ask and how many stand there, for the two ways through attention.
struct Attention<'a> {
    shape: &'a Shape,
    sequence: &'a Sequence,
    designs: usize,
    /// The asking tokens.
    first: usize,
    end: usize,
}

impl Attention<'_> {
    fn asking(&self) -> usize {
        self.end - self.first
    }

    fn scale(&self) -> f32 {
        (self.shape.heads as f32 / self.shape.width as f32).sqrt()
    }

    /// Calls for every head, group of designs and asking token: with the head's units, the first design and the token.
    fn each(&self, mut visit: impl FnMut(usize, usize, usize)) {
        for head in 0..self.shape.heads {
            for from in (0..self.designs).step_by(LANES) {
                (self.first..self.end).for_each(|token| visit(head, from, token));
            }
        }
    }

    fn units(&self, head: usize) -> std::ops::Range<usize> {
        let units = self.shape.width / self.shape.heads;
        head * units..(head + 1) * units
    }

    /// Where a unit of an asking token stands.
    fn asked(&self, unit: usize, token: usize, from: usize) -> usize {
        (unit * self.asking() + token - self.first) * self.designs + from
    }

    /// Where a key of a token stands; its value so many rows further.
    fn key(&self, unit: usize, token: usize, from: usize) -> usize {
        (unit * self.sequence.len() + token) * self.designs + from
    }

    /// Where the share of a seen token stands.
    fn share(&self, head: usize, token: usize, seen: usize, from: usize) -> usize {
        ((head * self.asking() + token - self.first) * self.sequence.len() + seen) * self.designs + from
    }

    fn forward(&self, kept: &mut Kept) {
        let Kept { queries, keys_values, shares, attended, .. } = kept;
        let (width, scale) = (self.shape.width, self.scale());
        attended.resize(queries.len(), 0.0);
        shares.resize(self.shape.heads * self.asking() * self.sequence.len() * self.designs, 0.0);
        self.each(|head, from, token| {
            let seen = self.sequence.seen(token);
            let mut most = [f32::NEG_INFINITY; LANES];
            for other in 0..seen {
                let mut score = [0.0; LANES];
                for unit in self.units(head) {
                    let query = lanes(queries, self.asked(unit, token, from));
                    let key = lanes(keys_values, self.key(unit, other, from));
                    (0..LANES).for_each(|lane| score[lane] += query[lane] * key[lane]);
                }
                (0..LANES).for_each(|lane| {
                    score[lane] *= scale;
                    most[lane] = most[lane].max(score[lane]);
                });
                *lanes_mut(shares, self.share(head, token, other, from)) = score;
            }
            let mut sum = [0.0; LANES];
            for other in 0..seen {
                let share = lanes_mut(shares, self.share(head, token, other, from));
                for lane in 0..LANES {
                    share[lane] = exp(share[lane] - most[lane]);
                    sum[lane] += share[lane];
                }
            }
            sum.iter_mut().for_each(|sum| *sum = 1.0 / *sum);
            for other in 0..seen {
                let share = lanes_mut(shares, self.share(head, token, other, from));
                (0..LANES).for_each(|lane| share[lane] *= sum[lane]);
            }
            for unit in self.units(head) {
                let mut mixed = [0.0; LANES];
                for other in 0..seen {
                    let share = lanes(shares, self.share(head, token, other, from));
                    let value = lanes(keys_values, self.key(width + unit, other, from));
                    (0..LANES).for_each(|lane| mixed[lane] += share[lane] * value[lane]);
                }
                *lanes_mut(attended, self.asked(unit, token, from)) = mixed;
            }
        });
    }

    /// From the slopes with regard to what was attended: those of queries, keys and values.
    fn backward(&self, kept: &Kept, slopes: &[f32], queries: &mut Vec<f32>, keys_values: &mut Vec<f32>) {
        let (width, scale) = (self.shape.width, self.scale());
        queries.resize(kept.queries.len(), 0.0);
        keys_values.clear();
        keys_values.resize(kept.keys_values.len(), 0.0);
        let mut score_slopes = vec![[0.0; LANES]; self.sequence.len()];
        self.each(|head, from, token| {
            let seen = self.sequence.seen(token);
            let mut mean = [0.0; LANES];
            for (other, score_slope) in score_slopes[..seen].iter_mut().enumerate() {
                let share = lanes(&kept.shares, self.share(head, token, other, from));
                let mut slope = [0.0; LANES];
                for unit in self.units(head) {
                    let above = lanes(slopes, self.asked(unit, token, from));
                    let at = self.key(width + unit, other, from);
                    let value = lanes(&kept.keys_values, at);
                    let value_slope = lanes_mut(keys_values, at);
                    for lane in 0..LANES {
                        slope[lane] += above[lane] * value[lane];
                        value_slope[lane] += above[lane] * share[lane];
                    }
                }
                (0..LANES).for_each(|lane| mean[lane] += share[lane] * slope[lane]);
                *score_slope = slope;
            }
            for (other, slope) in score_slopes[..seen].iter_mut().enumerate() {
                let share = lanes(&kept.shares, self.share(head, token, other, from));
                (0..LANES).for_each(|lane| slope[lane] = scale * share[lane] * (slope[lane] - mean[lane]));
            }
            for unit in self.units(head) {
                let at = self.asked(unit, token, from);
                let query = lanes(&kept.queries, at);
                let mut sum = [0.0; LANES];
                for (other, slope) in score_slopes[..seen].iter().enumerate() {
                    let at = self.key(unit, other, from);
                    let key = lanes(&kept.keys_values, at);
                    let key_slope = lanes_mut(keys_values, at);
                    for lane in 0..LANES {
                        sum[lane] += slope[lane] * key[lane];
                        key_slope[lane] += slope[lane] * query[lane];
                    }
                }
                *lanes_mut(queries, at) = sum;
            }
        });
    }
}

/// Tokens from `tokens.start` to before `tokens.end`, after those before them: writes the outputs of the slots among them, and the gate where the
/// context is.
pub(crate) fn forward(
    shape: &Shape,
    numbers: &[f32],
    sequence: &Sequence,
    tokens: std::ops::Range<usize>,
    batch: &mut Batch,
) {
    let (width, hidden, designs, context) = (shape.width, shape.hidden, batch.designs, sequence.context());
    let mut columns = tokens.len() * designs;
    batch.flow.clear();
    batch.flow.resize(width * columns, 0.0);
    for token in tokens.clone() {
        let at = (token - tokens.start) * designs;
        let (identities, slope) = sources(shape, sequence, token);
        for unit in 0..width {
            let room = &mut batch.flow[unit * columns + at..][..designs];
            room.fill(identities.iter().map(|at| numbers[at + unit]).sum());
            if let Some((at, row)) = slope {
                let told = row.of(&batch.places, &batch.told);
                add_scaled(room, numbers[at + unit], &told[row.at * designs..][..designs]);
            }
        }
    }
    let mut first = tokens.start;
    for layer in 0..shape.layers {
        let maps = shape.maps(layer);
        let kept = &mut batch.layers[layer];
        normalise(&batch.flow, width, &mut kept.seen, &mut kept.seen_scales);
        let seen = matrix(&kept.seen, width, columns);
        let mut keys_values = matrix_mut(&mut kept.keys_values, 2 * width, sequence.len() * designs);
        let here = keys_values.slice_mut(s![.., first * designs..tokens.end * designs]);
        maps.keys_values.apply(numbers, seen, here, false);
        // Parameters have been asked for the last time once their keys are known.
        let skipped = if layer + 1 == shape.layers { context.saturating_sub(first) * designs } else { 0 };
        if skipped > 0 {
            first = context;
            batch.spare.clear();
            for row in batch.flow.chunks_exact(columns) {
                batch.spare.extend_from_slice(&row[skipped..]);
            }
            std::mem::swap(&mut batch.flow, &mut batch.spare);
        }
        let asking = columns - skipped;
        kept.queries.resize(width * asking, 0.0);
        let queries = matrix_mut(&mut kept.queries, width, asking);
        maps.query.apply(numbers, seen.slice(s![.., skipped..]), queries, false);
        columns = asking;
        Attention { shape, sequence, designs, first, end: tokens.end }.forward(kept);
        let flow = matrix_mut(&mut batch.flow, width, columns);
        maps.out.apply(numbers, matrix(&kept.attended, width, columns), flow, true);
        normalise(&batch.flow, width, &mut kept.between, &mut kept.between_scales);
        kept.hidden.resize(hidden * columns, 0.0);
        kept.gates.resize(hidden * columns, 0.0);
        let between = matrix(&kept.between, width, columns);
        maps.up.apply(numbers, between, matrix_mut(&mut kept.hidden, hidden, columns), false);
        for (gate, value) in kept.gates.iter_mut().zip(kept.hidden.iter_mut()) {
            *gate = sigmoid(*value);
            *value *= *gate;
        }
        let flow = matrix_mut(&mut batch.flow, width, columns);
        maps.down.apply(numbers, matrix(&kept.hidden, hidden, columns), flow, true);
    }
    normalise(&batch.flow, width, &mut batch.last, &mut batch.last_scales);
    for token in first.max(context)..tokens.end {
        for (weights, bias, row) in heads(shape, sequence, token) {
            let room = row.of(&mut batch.gate, &mut batch.outputs);
            let room = &mut room[row.at * designs..][..designs];
            room.fill(numbers[bias]);
            for unit in 0..width {
                let at = unit * columns + (token - first) * designs;
                add_scaled(room, numbers[weights + unit], &batch.last[at..][..designs]);
            }
        }
        for (at, from, to) in skips(shape, sequence, token) {
            let told = &from.of(&batch.places, &batch.told)[from.at * designs..][..designs];
            add_scaled(&mut batch.outputs[to * designs..][..designs], numbers[at], told);
        }
    }
}

/// A row of the first or of the second of two matrices.
#[derive(Clone, Copy)]
struct Row {
    is_second: bool,
    at: usize,
}

impl Row {
    fn of<T>(&self, first: T, second: T) -> T {
        if self.is_second { second } else { first }
    }
}

/// What is read from a token: weights, bias, and the row (of the gate or the outputs) that it goes to.
fn heads(shape: &Shape, sequence: &Sequence, token: usize) -> Vec<(usize, usize, Row)> {
    let width = shape.width;
    if token == sequence.context() {
        return vec![(shape.gate(), shape.gate() + width, Row { is_second: false, at: 0 })];
    }
    let metric = token - sequence.slot(0);
    let at = shape.head(sequence.metrics[metric]);
    let output = |k: usize| (at + k * width, at + 2 * width + k, Row { is_second: true, at: 2 * metric + k });
    vec![output(0), output(1)]
}

/// What skips to the mean of a slot: factor, the row (of the places or of the told metrics) that it multiplies, and that of the outputs.
fn skips(shape: &Shape, sequence: &Sequence, token: usize) -> Vec<(usize, Row, usize)> {
    let Some(metric) = token.checked_sub(sequence.slot(0)) else { return Vec::new() };
    let at = shape.skip(sequence.metrics[metric]);
    let of = |is_second, ids: &[usize], at: usize| -> Vec<(usize, Row, usize)> {
        let row = |place| Row { is_second, at: place };
        ids.iter().enumerate().map(|(place, id)| (at + id, row(place), 2 * metric)).collect()
    };
    let mut skips = of(false, &sequence.parameters, at);
    skips.extend(of(true, &sequence.metrics[..metric], at + shape.parameters));
    skips
}

/// Where the embedding of a token is from: identities, and a slope with the row (of the places or of the told metrics) that it is multiplied by.
fn sources(shape: &Shape, sequence: &Sequence, token: usize) -> (Vec<usize>, Option<(usize, Row)>) {
    let width = shape.width;
    if let Some(id) = sequence.parameters.get(token) {
        let at = shape.parameter(*id);
        return (vec![at + width], Some((at, Row { is_second: false, at: token })));
    }
    if token == sequence.context() {
        return (sequence.contexts.iter().map(|id| shape.context(*id)).collect(), None);
    }
    let metric = token - sequence.slot(0);
    let own = shape.metric(sequence.metrics[metric]) + 2 * width;
    let Some(before) = metric.checked_sub(1) else { return (vec![own], None) };
    let at = shape.metric(sequence.metrics[before]);
    (vec![own, at + width], Some((at, Row { is_second: true, at: before })))
}

/// Room for the way back.
#[derive(Default)]
pub(crate) struct Slopes {
    flow: Vec<f32>,
    below: Vec<f32>,
    hidden: Vec<f32>,
    queries: Vec<f32>,
    keys_values: Vec<f32>,
}

/// Adds the gradient of all numbers, given the slopes in the batch, after a [`forward`] of the whole sequence.
pub(crate) fn backward(
    shape: &Shape,
    numbers: &[f32],
    sequence: &Sequence,
    batch: &Batch,
    slopes: &mut Slopes,
    gradient: &mut [f32],
) {
    let (width, hidden, designs) = (shape.width, shape.hidden, batch.designs);
    let (tokens, context) = (sequence.len(), sequence.context());
    let mut columns = batch.last.len() / width;
    let Slopes { flow, below, hidden: hidden_slopes, queries, keys_values } = slopes;
    flow.clear();
    flow.resize(width * columns, 0.0);
    // The last layer leaves context and slots.
    for token in context..tokens {
        for (weights, bias, row) in heads(shape, sequence, token) {
            let above = row.of(&batch.gate_slopes, &batch.output_slopes);
            let above = &above[row.at * designs..][..designs];
            gradient[bias] += sum(above);
            for unit in 0..width {
                let at = unit * columns + (token - context) * designs;
                gradient[weights + unit] += dot(above, &batch.last[at..][..designs]);
                add_scaled(&mut flow[at..][..designs], numbers[weights + unit], above);
            }
        }
        for (at, from, to) in skips(shape, sequence, token) {
            let told = &from.of(&batch.places, &batch.told)[from.at * designs..][..designs];
            gradient[at] += dot(&batch.output_slopes[to * designs..][..designs], told);
        }
    }
    normalise_back(flow, &batch.last, &batch.last_scales, width);
    for layer in (0..shape.layers).rev() {
        let maps = shape.maps(layer);
        let kept = &batch.layers[layer];
        let first = if layer + 1 == shape.layers { context } else { 0 };
        hidden_slopes.resize(hidden * columns, 0.0);
        maps.down.learn(
            numbers,
            gradient,
            matrix(flow, width, columns),
            matrix(&kept.hidden, hidden, columns),
            matrix_mut(hidden_slopes, hidden, columns),
            false,
        );
        // silu(z) = z s has the slope s + z s (1 - s), with z s at hand.
        for ((slope, gate), value) in hidden_slopes.iter_mut().zip(&kept.gates).zip(&kept.hidden) {
            *slope *= gate + value * (1.0 - gate);
        }
        below.resize(width * columns, 0.0);
        maps.up.learn(
            numbers,
            gradient,
            matrix(hidden_slopes, hidden, columns),
            matrix(&kept.between, width, columns),
            matrix_mut(below, width, columns),
            false,
        );
        normalise_back(&mut below[..width * columns], &kept.between, &kept.between_scales, width);
        add_scaled(flow, 1.0, below);
        maps.out.learn(
            numbers,
            gradient,
            matrix(flow, width, columns),
            matrix(&kept.attended, width, columns),
            matrix_mut(below, width, columns),
            false,
        );
        let attention = Attention { shape, sequence, designs, first, end: tokens };
        attention.backward(kept, below, queries, keys_values);
        let all = tokens * designs;
        below.resize(width * all, 0.0);
        let seen = matrix(&kept.seen, width, all);
        let mut seen_slopes = matrix_mut(below, width, all);
        let above = matrix(keys_values, 2 * width, all);
        maps.keys_values.learn(numbers, gradient, above, seen, seen_slopes.view_mut(), false);
        let skipped = all - columns;
        maps.query.learn(
            numbers,
            gradient,
            matrix(queries, width, columns),
            seen.slice(s![.., skipped..]),
            seen_slopes.slice_mut(s![.., skipped..]),
            true,
        );
        normalise_back(&mut below[..width * all], &kept.seen, &kept.seen_scales, width);
        for (below, flow) in below.chunks_exact_mut(all).zip(flow.chunks_exact(columns)) {
            add_scaled(&mut below[skipped..], 1.0, flow);
        }
        std::mem::swap(flow, below);
        flow.truncate(width * all);
        columns = all;
    }
    for token in 0..tokens {
        let (identities, slope) = sources(shape, sequence, token);
        for unit in 0..width {
            let above = &flow[unit * columns + token * designs..][..designs];
            let total = sum(above);
            identities.iter().for_each(|at| gradient[at + unit] += total);
            if let Some((at, row)) = slope {
                let told = &row.of(&batch.places, &batch.told)[row.at * designs..][..designs];
                gradient[at + unit] += dot(above, told);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn small() -> (Shape, Sequence) {
        let shape =
            Shape { width: 8, heads: 2, hidden: 6, layers: 2, parameters: 4, metrics: 4, contexts: 3 };
        // Not all of the vocabulary, and not in its order.
        let sequence = Sequence { parameters: vec![2, 0, 3], contexts: vec![0, 2], metrics: vec![3, 1, 0] };
        (shape, sequence)
    }

    /// Random designs and metrics, in a batch.
    fn filled(shape: &Shape, sequence: &Sequence, random: &mut Random) -> Batch {
        let mut batch = Batch::default();
        batch.begin(shape, sequence, 5);
        for room in [&mut batch.places, &mut batch.told, &mut batch.output_slopes, &mut batch.gate_slopes] {
            room.fill_with(|| random.normal() as f32);
        }
        batch
    }

    #[test]
    fn gradients_are_those_of_differences() {
        let (shape, sequence) = small();
        let mut random = Random::new(3);
        let mut numbers = shape.draw(&mut random);
        numbers.iter_mut().for_each(|number| *number += 0.2 * random.normal() as f32);
        let mut batch = filled(&shape, &sequence, &mut random);
        let loss = |numbers: &[f32], batch: &mut Batch| -> f64 {
            forward(&shape, numbers, &sequence, 0..sequence.len(), batch);
            let outputs = batch.outputs.iter().zip(&batch.output_slopes);
            let gate = batch.gate.iter().zip(&batch.gate_slopes);
            outputs.chain(gate).map(|(o, w)| f64::from(o * w)).sum()
        };
        loss(&numbers, &mut batch);
        let mut gradient = vec![0.0; shape.len()];
        backward(&shape, &numbers, &sequence, &batch, &mut Slopes::default(), &mut gradient);
        let largest = gradient.iter().fold(0f32, |most, slope| most.max(slope.abs()));
        for index in 0..shape.len() {
            let mut at = |step: f32| {
                let mut moved = numbers.clone();
                moved[index] += step;
                loss(&moved, &mut batch)
            };
            let difference = (at(1e-2) - at(-1e-2)) / 2e-2;
            // Single precision and a finite step: three digits of the largest.
            let off = (difference - f64::from(gradient[index])).abs();
            assert!(off < 3e-3 * f64::from(largest), "{index}: {difference} and {}", gradient[index]);
        }
    }

    #[test]
    fn kept_keys_give_what_the_whole_sequence_gives() {
        let (shape, sequence) = small();
        let mut random = Random::new(4);
        let numbers = shape.draw(&mut random);
        let mut batch = filled(&shape, &sequence, &mut random);
        forward(&shape, &numbers, &sequence, 0..sequence.len(), &mut batch);
        let whole = (batch.outputs.clone(), batch.gate.clone());
        batch.outputs.fill(0.0);
        batch.gate.fill(0.0);
        forward(&shape, &numbers, &sequence, 0..sequence.slot(0), &mut batch);
        for metric in 0..3 {
            let slot = sequence.slot(metric);
            forward(&shape, &numbers, &sequence, slot..slot + 1, &mut batch);
        }
        let parts = (batch.outputs, batch.gate);
        for (whole, part) in whole.0.iter().chain(&whole.1).zip(parts.0.iter().chain(&parts.1)) {
            assert!((whole - part).abs() < 1e-5, "{whole} and {part}");
        }
    }

    #[test]
    fn a_slot_does_not_see_metrics_behind_it() {
        let (shape, sequence) = small();
        let mut random = Random::new(5);
        let numbers = shape.draw(&mut random);
        let mut batch = filled(&shape, &sequence, &mut random);
        let designs = batch.designs;
        forward(&shape, &numbers, &sequence, 0..sequence.len(), &mut batch);
        let (outputs, gate) = (batch.outputs.clone(), batch.gate.clone());
        // The second metric is told to the third alone.
        batch.told[designs..2 * designs].fill(9.0);
        forward(&shape, &numbers, &sequence, 0..sequence.len(), &mut batch);
        assert_eq!((&batch.outputs[..4 * designs], &batch.gate), (&outputs[..4 * designs], &gate));
        assert_ne!(batch.outputs[4 * designs..], outputs[4 * designs..]);
    }

    #[test]
    fn a_larger_vocabulary_keeps_what_is_known() {
        let (shape, sequence) = small();
        let mut random = Random::new(6);
        let numbers = shape.draw(&mut random);
        let larger = Shape { parameters: 6, metrics: 5, contexts: 4, ..shape.clone() };
        let grown = larger.grow(&shape, &numbers, &mut random);
        let mut batch = filled(&shape, &sequence, &mut random);
        forward(&shape, &numbers, &sequence, 0..sequence.len(), &mut batch);
        let before = batch.outputs.clone();
        forward(&larger, &grown, &sequence, 0..sequence.len(), &mut batch);
        assert_eq!(before, batch.outputs);
    }
}
