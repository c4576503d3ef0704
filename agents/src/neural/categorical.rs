//! One categorical distribution: from logits to probabilities, draws and slopes.

use hwgym_envs::Random;

/// Turns logits into probabilities, in place.
pub fn softmax(logits: &mut [f32]) {
    let highest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let mut sum = 0.0;
    for logit in logits.iter_mut() {
        *logit = (*logit - highest).exp();
        sum += *logit;
    }
    logits.iter_mut().for_each(|weight| *weight /= sum);
}

/// Draws an index with these probabilities.
pub fn draw(probabilities: &[f32], random: &mut Random) -> usize {
    let mut left = random.uniform() as f32 * probabilities.iter().sum::<f32>();
    for (index, probability) in probabilities.iter().enumerate() {
        left -= probability;
        if left < 0.0 {
            return index;
        }
    }
    most_probable(probabilities)
}

/// The index of the largest number; the first of equals.
pub fn most_probable(numbers: &[f32]) -> usize {
    let better = |best: usize, index: usize| if numbers[index] > numbers[best] { index } else { best };
    (0..numbers.len()).reduce(better).unwrap_or(0)
}

/// The logarithm of a probability, finite for a probability of 0.
pub fn log(probability: f32) -> f32 {
    probability.max(1e-30).ln()
}

/// Entropy in nats.
pub fn entropy(probabilities: &[f32]) -> f32 {
    -probabilities.iter().map(|p| p * log(*p)).sum::<f32>()
}

/// Adds to `slope` the derivative with respect to the logits of `weight * ln p(choice) + bonus * entropy`.
pub fn add_slope(probabilities: &[f32], choice: usize, weight: f32, bonus: f32, slope: &mut [f32]) {
    let entropy = if bonus == 0.0 { 0.0 } else { entropy(probabilities) };
    for (index, (slope, p)) in slope.iter_mut().zip(probabilities).enumerate() {
        let chosen = if index == choice { 1.0 } else { 0.0 };
        *slope += weight * (chosen - p);
        if bonus != 0.0 {
            *slope -= bonus * p * (log(*p) + entropy);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slopes_agree_with_finite_differences() {
        let logits = [0.4f32, -1.0, 0.9, 0.1];
        let value = |logits: [f32; 4]| {
            let mut p = logits;
            softmax(&mut p);
            f64::from(0.7 * log(p[2]) + 0.3 * entropy(&p))
        };
        let mut p = logits;
        softmax(&mut p);
        let mut slope = [0.0; 4];
        add_slope(&p, 2, 0.7, 0.3, &mut slope);
        for index in 0..4 {
            let at = |shift: f32| {
                let mut moved = logits;
                moved[index] += shift;
                value(moved)
            };
            let difference = (at(1e-2) - at(-1e-2)) / 2e-2;
            assert!((difference - f64::from(slope[index])).abs() < 1e-3, "logit {index}");
        }
    }

    #[test]
    fn draws_follow_the_probabilities() {
        let mut random = Random::new(2);
        let mut counts = [0; 3];
        (0..3000).for_each(|_| counts[draw(&[0.1, 0.6, 0.3], &mut random)] += 1);
        assert!((counts[1] as f64 / 3000.0 - 0.6).abs() < 0.03 && counts[0] > 200, "{counts:?}");
        assert_eq!(most_probable(&[0.2, 0.5, 0.5]), 1);
    }
}
