//! Generalised advantage estimation (Schulman et al., 2016).

/// Advantages of a sequence of steps. `ends[t]` is true where an episode ends with step t; the value after the last step counts as 0 unless
/// `bootstrap` gives it. All slices have the same length.
pub fn generalised_advantages(
    rewards: &[f32],
    values: &[f32],
    ends: &[bool],
    bootstrap: f32,
    gamma: f32,
    lambda: f32,
) -> Vec<f32> {
    let mut advantages = vec![0.0; rewards.len()];
    let (mut next_value, mut next_advantage) = (bootstrap, 0.0);
    for step in (0..rewards.len()).rev() {
        let alive = if ends[step] { 0.0 } else { 1.0 };
        let delta = rewards[step] + gamma * next_value * alive - values[step];
        next_advantage = delta + gamma * lambda * alive * next_advantage;
        next_value = values[step];
        advantages[step] = next_advantage;
    }
    advantages
}

#[cfg(test)]
mod tests {
    use super::generalised_advantages;

    #[test]
    fn one_step_episodes_have_reward_minus_value() {
        assert_eq!(
            generalised_advantages(&[1.0, 2.0], &[0.5, 0.5], &[true, true], 9.0, 0.9, 0.9),
            [0.5, 1.5]
        );
    }

    #[test]
    fn lambda_one_is_the_discounted_return_minus_value() {
        let advantages =
            generalised_advantages(&[1.0, 1.0, 1.0], &[0.0; 3], &[false, false, true], 0.0, 0.5, 1.0);
        assert_eq!(advantages, [1.75, 1.5, 1.0]);
    }
}
