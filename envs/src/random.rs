//! Reproducible random numbers: every stream is derived from a seed and a label, and no stream is global.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Derives the seed of a component from the seed of the whole: same parent and label, same child, on every machine.
///
/// ```
/// use hwgym_envs::random::derive_seed;
/// assert_eq!(derive_seed(1, "agent"), derive_seed(1, "agent"));
/// assert_ne!(derive_seed(1, "agent"), derive_seed(1, "env"));
/// ```
pub fn derive_seed(parent: u64, label: &str) -> u64 {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&parent.to_le_bytes());
    hasher.update(label.as_bytes());
    let mut first = [0; 8];
    first.copy_from_slice(&hasher.finalize().as_bytes()[..8]);
    u64::from_le_bytes(first)
}

/// A stream of random numbers (ChaCha8), with the handful of draws that search needs.
///
/// It hides the generator's crate, so that its version is nobody's concern.
#[derive(Clone, Debug)]
pub struct Random(ChaCha8Rng);

impl Random {
    /// The stream of this seed.
    pub fn new(seed: u64) -> Self {
        Self(ChaCha8Rng::seed_from_u64(seed))
    }

    /// The stream of a component: see [`derive_seed`].
    pub fn derived(parent: u64, label: &str) -> Self {
        Self::new(derive_seed(parent, label))
    }

    /// A seed for somebody else.
    pub fn seed(&mut self) -> u64 {
        self.0.random()
    }

    /// Uniform in [0, 1).
    pub fn uniform(&mut self) -> f64 {
        self.0.random()
    }

    /// Uniform in [low, high).
    pub fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.uniform()
    }

    /// Uniform in 0..n; 0 where n is 0.
    pub fn below(&mut self, n: usize) -> usize {
        if n <= 1 { 0 } else { self.0.random_range(0..n) }
    }

    /// Uniform in 0..n; 0 where n is 0.
    pub fn below_u128(&mut self, n: u128) -> u128 {
        if n <= 1 { 0 } else { self.0.random_range(0..n) }
    }

    /// Standard normal, by Box and Muller's method.
    pub fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.uniform()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.uniform()).cos()
    }

    /// True with this probability.
    pub fn chance(&mut self, probability: f64) -> bool {
        self.uniform() < probability
    }

    /// A uniformly drawn index, with these weights; uniform where they sum to nothing usable.
    pub fn weighted(&mut self, weights: &[f64]) -> usize {
        let total: f64 = weights.iter().sum();
        if !(total.is_finite() && total > 0.0) {
            return self.below(weights.len());
        }
        let mut left = self.uniform() * total;
        for (index, weight) in weights.iter().enumerate() {
            left -= weight;
            if left < 0.0 {
                return index;
            }
        }
        weights.iter().rposition(|w| *w > 0.0).unwrap_or(0)
    }

    /// A uniformly drawn element, if there is one.
    pub fn choose<'a, T>(&mut self, items: &'a [T]) -> Option<&'a T> {
        items.get(self.below(items.len()))
    }

    /// Shuffles in place (Fisher and Yates).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last + 1));
        }
    }

    /// `count` distinct indices of 0..n, in random order; all of them where `count` exceeds n.
    pub fn sample_indices(&mut self, n: usize, count: usize) -> Vec<usize> {
        let mut indices: Vec<usize> = (0..n).collect();
        let count = count.min(n);
        for first in 0..count {
            let other = first + self.below(n - first);
            indices.swap(first, other);
        }
        indices.truncate(count);
        indices
    }
}
