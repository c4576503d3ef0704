//! Projected L-BFGS: minimises a smooth function in a box (two-loop recursion of Nocedal 1980, active bounds held, Armijo backtracking).

/// When to stop, and how much to remember.
#[derive(Clone, Copy, Debug)]
pub struct LbfgsSettings {
    /// Pairs of steps and gradients that are remembered.
    pub memory: usize,
    /// Iterations at most.
    pub iterations: usize,
    /// Stop when the largest component of the projected gradient is below this.
    pub gradient_tolerance: f64,
    /// Stop when an iteration lowers the value by less than this part of it.
    pub relative_decrease: f64,
    /// Length of the first step, in the units of `x`.
    pub first_step: f64,
}

impl Default for LbfgsSettings {
    fn default() -> Self {
        Self { memory: 8, iterations: 30, gradient_tolerance: 1e-2, relative_decrease: 1e-6, first_step: 1.0 }
    }
}

/// Minimises `function(x, gradient) -> value` from `x` within `low` and `high`; `x` becomes the best point and its value is returned.
/// A value that is not finite is stepped back from. All slices have the length of `x`.
pub fn minimise(
    x: &mut [f64],
    low: &[f64],
    high: &[f64],
    settings: &LbfgsSettings,
    mut function: impl FnMut(&[f64], &mut [f64]) -> f64,
) -> f64 {
    let size = x.len();
    for j in 0..size {
        x[j] = x[j].clamp(low[j], high[j]);
    }
    let mut gradient = vec![0.0; size];
    let mut value = function(x, &mut gradient);
    if !value.is_finite() || size == 0 {
        return value;
    }
    let mut pairs: Vec<(Vec<f64>, Vec<f64>, f64)> = Vec::with_capacity(settings.memory);
    let mut direction = vec![0.0; size];
    let mut next = vec![0.0; size];
    let mut next_gradient = vec![0.0; size];
    let mut weights = vec![0.0; settings.memory];
    for _ in 0..settings.iterations {
        let held = |j: usize| (x[j] <= low[j] && gradient[j] > 0.0) || (x[j] >= high[j] && gradient[j] < 0.0);
        let largest = (0..size).filter(|j| !held(*j)).map(|j| gradient[j].abs()).fold(0.0, f64::max);
        if largest < settings.gradient_tolerance {
            break;
        }
        for j in 0..size {
            direction[j] = if held(j) { 0.0 } else { gradient[j] };
        }
        for (weight, (step, change, inverse)) in weights.iter_mut().zip(&pairs).rev() {
            *weight = inverse * inner(step, &direction);
            add(&mut direction, -*weight, change);
        }
        if let Some((_, change, inverse)) = pairs.last() {
            let scale = 1.0 / (inverse * inner(change, change));
            direction.iter_mut().for_each(|d| *d *= scale);
        }
        for (weight, (step, change, inverse)) in weights.iter().zip(&pairs) {
            let correction = weight - inverse * inner(change, &direction);
            add(&mut direction, correction, step);
        }
        for j in 0..size {
            direction[j] = if held(j) { 0.0 } else { -direction[j] };
        }
        let mut slope = inner(&direction, &gradient);
        if slope.is_nan() || slope >= 0.0 {
            pairs.clear();
            for j in 0..size {
                direction[j] = if held(j) { 0.0 } else { -gradient[j] };
            }
            slope = inner(&direction, &gradient);
        }
        let length = inner(&direction, &direction).sqrt();
        let mut step = if pairs.is_empty() { (settings.first_step / length).min(1.0) } else { 1.0 };
        if !step.is_finite() || slope >= 0.0 {
            break;
        }
        let mut accepted = None;
        for _ in 0..20 {
            let mut predicted = 0.0;
            for j in 0..size {
                next[j] = (x[j] + step * direction[j]).clamp(low[j], high[j]);
                predicted += gradient[j] * (next[j] - x[j]);
            }
            let candidate = function(&next, &mut next_gradient);
            if candidate.is_finite() && candidate <= value + 1e-4 * predicted && predicted < 0.0 {
                accepted = Some(candidate);
                break;
            }
            step *= 0.4;
        }
        let Some(lower) = accepted else { break };
        let moved: Vec<f64> = next.iter().zip(x.iter()).map(|(n, x)| n - x).collect();
        let change: Vec<f64> = next_gradient.iter().zip(&gradient).map(|(n, g)| n - g).collect();
        let curvature = inner(&moved, &change);
        if curvature > 1e-10 * inner(&change, &change).sqrt() * inner(&moved, &moved).sqrt() {
            if pairs.len() == settings.memory {
                pairs.remove(0);
            }
            pairs.push((moved, change, 1.0 / curvature));
        }
        let decrease = value - lower;
        x.copy_from_slice(&next);
        gradient.copy_from_slice(&next_gradient);
        value = lower;
        if decrease < settings.relative_decrease * (1.0 + value.abs()) {
            break;
        }
    }
    value
}

fn inner(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn add(target: &mut [f64], factor: f64, other: &[f64]) {
    target.iter_mut().zip(other).for_each(|(t, o)| *t += factor * o);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rosenbrock(x: &[f64], gradient: &mut [f64]) -> f64 {
        let (a, b) = (1.0 - x[0], x[1] - x[0] * x[0]);
        gradient[0] = -2.0 * a - 400.0 * x[0] * b;
        gradient[1] = 200.0 * b;
        a * a + 100.0 * b * b
    }

    #[test]
    fn rosenbrock_free_and_against_a_bound() {
        let settings = LbfgsSettings {
            iterations: 200,
            gradient_tolerance: 1e-9,
            relative_decrease: 0.0,
            ..LbfgsSettings::default()
        };
        let mut x = [-1.2, 1.0];
        assert!(minimise(&mut x, &[-2.0; 2], &[2.0; 2], &settings, rosenbrock) < 1e-12);
        let mut x = [-1.2, 1.0];
        minimise(&mut x, &[-2.0; 2], &[0.5, 2.0], &settings, rosenbrock);
        assert!((x[0] - 0.5).abs() < 1e-9 && (x[1] - 0.25).abs() < 1e-4, "{x:?}");
    }
}
