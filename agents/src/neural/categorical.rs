//! The joint distribution of independent categorical heads: sampling, log-probability, entropy.

use burn::tensor::{Int, Tensor, TensorData, activation::log_softmax};
use hwgym_envs::Random;

/// Draws one choice per head from a row of logits, the heads side by side.
pub fn sample(logits: &[f32], sizes: &[usize], random: &mut Random) -> Vec<usize> {
    let mut start = 0;
    sizes
        .iter()
        .map(|size| {
            let head = &logits[start..start + size];
            start += size;
            let highest = head.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            let weights: Vec<f64> = head.iter().map(|logit| f64::from(logit - highest).exp()).collect();
            random.weighted(&weights)
        })
        .collect()
}

/// Log-probability of choices under a row of logits, heads with mask 0 left out.
pub fn log_probability(logits: &[f32], sizes: &[usize], choices: &[usize], mask: &[f32]) -> f32 {
    let mut start = 0;
    let mut total = 0.0;
    for ((size, choice), active) in sizes.iter().zip(choices).zip(mask) {
        let head = &logits[start..start + size];
        start += size;
        let highest = head.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let sum: f32 = head.iter().map(|logit| (logit - highest).exp()).sum();
        total += active * (head[*choice] - highest - sum.ln());
    }
    total
}

/// Log-probability and entropy of a batch: both `[batch]`, from logits `[batch, width]`, choices and masks `[batch][head]`.
pub fn evaluate(
    logits: &Tensor<2>,
    sizes: &[usize],
    choices: &[&[usize]],
    masks: &[&[f32]],
) -> (Tensor<1>, Tensor<1>) {
    let device = logits.device();
    let batch = choices.len();
    let mut log_probabilities: Option<Tensor<2>> = None;
    let mut entropies: Option<Tensor<2>> = None;
    let mut start = 0;
    for (head, size) in sizes.iter().enumerate() {
        let logs = log_softmax(logits.clone().slice([0..batch, start..start + size]), 1);
        start += size;
        let chosen: Vec<i64> = choices.iter().map(|row| row[head] as i64).collect();
        let chosen = Tensor::<2, Int>::from_data(TensorData::new(chosen, [batch, 1]), &device);
        let mask: Vec<f32> = masks.iter().map(|row| row[head]).collect();
        let mask = Tensor::<2>::from_data(TensorData::new(mask, [batch, 1]), &device);
        let entropy = (logs.clone().exp() * logs.clone()).sum_dim(1).neg() * mask.clone();
        let log_probability = logs.gather(1, chosen) * mask;
        log_probabilities =
            Some(log_probabilities.map_or(log_probability.clone(), |sum| sum + log_probability));
        entropies = Some(entropies.map_or(entropy.clone(), |sum| sum + entropy));
    }
    let zeros = || Tensor::<2>::zeros([batch, 1], &device);
    let flat = |tensor: Option<Tensor<2>>| tensor.unwrap_or_else(zeros).reshape([batch]);
    (flat(log_probabilities), flat(entropies))
}
