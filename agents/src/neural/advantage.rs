//! Advantages: how much better than expected a decision was.

/// Brings numbers to mean 0 and standard deviation 1.
pub fn standardise(numbers: &mut [f32]) {
    standardise_where(numbers, |_| true);
}

/// The same for the numbers at these indices; the others stay.
pub fn standardise_where(numbers: &mut [f32], counts: impl Fn(usize) -> bool) {
    let chosen = |numbers: &[f32]| -> Vec<f32> {
        numbers.iter().enumerate().filter(|(index, _)| counts(*index)).map(|(_, number)| *number).collect()
    };
    let good = chosen(numbers);
    let n = good.len().max(1) as f32;
    let mean = good.iter().sum::<f32>() / n;
    let deviation = (good.iter().map(|x| (x - mean).powi(2)).sum::<f32>() / n).sqrt();
    for (index, number) in numbers.iter_mut().enumerate() {
        if counts(index) {
            *number = (*number - mean) / (deviation + 1e-6);
        }
    }
}

/// Generalised advantage estimation (Schulman et al., 2016) over a sequence of steps. `ends[t]` is true where an episode ends with step t;
/// the value after an end counts as 0. All slices have the same length.
pub fn generalised_advantages(
    rewards: &[f32],
    values: &[f32],
    ends: &[bool],
    gamma: f32,
    lambda: f32,
) -> Vec<f32> {
    let mut advantages = vec![0.0; rewards.len()];
    let (mut next_value, mut next_advantage) = (0.0, 0.0);
    for step in (0..rewards.len()).rev() {
        let alive = if ends[step] { 0.0 } else { 1.0 };
        let delta = rewards[step] + gamma * next_value * alive - values[step];
        next_advantage = delta + gamma * lambda * alive * next_advantage;
        next_value = values[step];
        advantages[step] = next_advantage;
    }
    advantages
}

/// The weight of a decision's log-probability in the gradient of PPO's clipped objective (Schulman et al., 2017): `advantage * ratio`, or 0
/// where the ratio has already moved as far as it may. `moved` is the logarithm of the ratio.
pub fn clipped_weight(advantage: f32, moved: f32, clip: f32) -> f32 {
    let ratio = moved.exp();
    let far = if advantage > 0.0 { ratio > 1.0 + clip } else { ratio < 1.0 - clip };
    if far { 0.0 } else { advantage * ratio }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_step_episodes_have_reward_minus_value() {
        assert_eq!(generalised_advantages(&[1.0, 2.0], &[0.5, 0.5], &[true, true], 0.9, 0.9), [0.5, 1.5]);
    }

    #[test]
    fn lambda_one_is_the_discounted_return_minus_value() {
        let advantages = generalised_advantages(&[1.0, 1.0, 1.0], &[0.0; 3], &[false, false, true], 0.5, 1.0);
        assert_eq!(advantages, [1.75, 1.5, 1.0]);
    }

    /// The derivative of `min(ratio a, clip(ratio) a)` with respect to the log-probability, by differences.
    #[test]
    fn clipped_weights_are_slopes_of_the_clipped_objective() {
        for advantage in [1.5f32, -0.7] {
            for moved in [-0.5f32, -0.1, 0.05, 0.4] {
                let objective = |moved: f32| {
                    let ratio = f64::from(moved).exp();
                    let a = f64::from(advantage);
                    (ratio * a).min(ratio.clamp(0.8, 1.2) * a)
                };
                let slope = (objective(moved + 1e-4) - objective(moved - 1e-4)) / 2e-4;
                assert!((slope - f64::from(clipped_weight(advantage, moved, 0.2))).abs() < 2e-3);
            }
        }
    }

    #[test]
    fn standardising_passes_over_what_does_not_count() {
        let mut numbers = [1.0, 100.0, 3.0];
        standardise_where(&mut numbers, |index| index != 1);
        assert!((numbers[0] + 1.0).abs() < 1e-4 && numbers[1] == 100.0 && (numbers[2] - 1.0).abs() < 1e-4);
    }
}
