//! Actor and critic: two multi-layer perceptrons with tanh, initialised from the agent's own random stream.

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor, TensorData, activation::tanh};
use hwgym_envs::Random;

/// A linear layer, `[batch, from] -> [batch, to]`.
#[derive(Module, Debug)]
pub struct Layer {
    weight: Param<Tensor<2>>,
    bias: Param<Tensor<1>>,
}

impl Layer {
    /// Normal weights of standard deviation `gain / sqrt(from)`, no bias.
    fn new(from: usize, to: usize, gain: f64, random: &mut Random, device: &Device) -> Self {
        let scale = gain / (from as f64).sqrt();
        let weights: Vec<f32> = (0..from * to).map(|_| (scale * random.normal()) as f32).collect();
        Self {
            weight: Param::from_data(TensorData::new(weights, [from, to]), device),
            bias: Param::from_data(TensorData::new(vec![0.0f32; to], [to]), device),
        }
    }

    fn forward(&self, input: Tensor<2>) -> Tensor<2> {
        input.matmul(self.weight.val()) + self.bias.val().unsqueeze::<2>()
    }
}

/// A policy and a value function, without shared layers.
#[derive(Module, Debug)]
pub struct ActorCritic {
    actor: Vec<Layer>,
    critic: Vec<Layer>,
}

impl ActorCritic {
    /// Networks with these hidden widths. The policy starts close to uniform: its last layer has a gain of 0.01 (Andrychowicz et al.,
    /// "What matters in on-policy reinforcement learning?", 2021).
    pub fn new(
        inputs: usize,
        hidden: &[usize],
        outputs: usize,
        random: &mut Random,
        device: &Device,
    ) -> Self {
        let mut chain = |outputs: usize, last_gain: f64| {
            let widths: Vec<usize> = [&[inputs], hidden, &[outputs]].concat();
            let gain = |layer: usize| if layer + 2 == widths.len() { last_gain } else { 1.0 };
            (0..widths.len() - 1)
                .map(|l| Layer::new(widths[l], widths[l + 1], gain(l), random, device))
                .collect()
        };
        Self { actor: chain(outputs, 0.01), critic: chain(1, 1.0) }
    }

    /// Logits, `[batch, outputs]`.
    pub fn policy(&self, observations: Tensor<2>) -> Tensor<2> {
        run(&self.actor, observations)
    }

    /// Values, `[batch]`.
    pub fn value(&self, observations: Tensor<2>) -> Tensor<1> {
        let batch = observations.dims()[0];
        run(&self.critic, observations).reshape([batch])
    }
}

fn run(layers: &[Layer], input: Tensor<2>) -> Tensor<2> {
    let last = layers.len() - 1;
    layers.iter().enumerate().fold(input, |signal, (index, layer)| {
        let signal = layer.forward(signal);
        if index < last { tanh(signal) } else { signal }
    })
}
