//! Address patterns of synthetic traces.
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::GeneratorSpec;

/// Which addresses are asked for. A *line* is [`GeneratorSpec::access_bytes`] long; the footprint is a whole number of
/// lines.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Pattern {
    /// Line after line, starting again at the end of the footprint.
    Stream,
    /// Independent uniformly random lines.
    Random,
    /// A fixed step, starting one line further after each pass over the footprint.
    Strided {
        /// Bytes from one request to the next, a multiple of the line.
        stride_bytes: u64,
    },
    /// A linked list through all lines of the footprint in random order, walked round and round.
    PointerChase,
    /// Lines with a popularity of 1 / rank^exponent, popular lines scattered over the footprint.
    Zipf {
        /// Skew, 0 to 10: 0 is uniform, 0.99 is usual for key-value stores.
        exponent: f64,
    },
}

/// The state of a pattern.
#[derive(Debug, Clone)]
pub(super) struct Addresses {
    base: u64,
    line_bytes: u64,
    lines: u64,
    state: State,
}

#[derive(Debug, Clone)]
enum State {
    Stream { next: u64 },
    Random,
    Strided { step: u64, start: u64, next: u64 },
    PointerChase { order: Vec<u32>, next: usize },
    Zipf { sampler: ZipfSampler, multiplier: u64 },
}

impl Addresses {
    /// `spec` is checked.
    pub(super) fn new(spec: &GeneratorSpec, rng: &mut ChaCha8Rng) -> Self {
        let line_bytes = u64::from(spec.access_bytes);
        let lines = spec.footprint_bytes / line_bytes;
        let state = match spec.pattern {
            Pattern::Stream => State::Stream { next: 0 },
            Pattern::Random => State::Random,
            Pattern::Strided { stride_bytes } => {
                State::Strided { step: stride_bytes / line_bytes, start: 0, next: 0 }
            }
            Pattern::PointerChase => State::PointerChase { order: shuffled(lines, rng), next: 0 },
            Pattern::Zipf { exponent } => {
                State::Zipf { sampler: ZipfSampler::new(lines, exponent), multiplier: scatter(lines) }
            }
        };
        Self { base: spec.base_address, line_bytes, lines, state }
    }

    pub(super) fn next(&mut self, rng: &mut ChaCha8Rng) -> u64 {
        let lines = self.lines;
        let line = match &mut self.state {
            State::Stream { next } => {
                let line = *next;
                *next = (line + 1) % lines;
                line
            }
            State::Random => rng.random_range(0..lines),
            State::Strided { step, start, next } => {
                let line = *next;
                *next += *step;
                if *next >= lines {
                    *start = (*start + 1) % (*step).min(lines);
                    *next = *start;
                }
                line
            }
            State::PointerChase { order, next } => {
                let line = order[*next];
                *next = (*next + 1) % order.len();
                u64::from(line)
            }
            State::Zipf { sampler, multiplier } => {
                let rank = sampler.sample(rng);
                (u128::from(rank) * u128::from(*multiplier) % u128::from(lines)) as u64
            }
        };
        self.base + line * self.line_bytes
    }
}

/// All lines in random order.
fn shuffled(lines: u64, rng: &mut ChaCha8Rng) -> Vec<u32> {
    let mut order: Vec<u32> = (0..lines as u32).collect();
    for last in (1..order.len()).rev() {
        order.swap(last, rng.random_range(0..=last));
    }
    order
}

/// A multiplier without common factor with `lines`, near the golden section of it: `rank * multiplier % lines` visits
/// every line once and puts neighbouring ranks far apart.
fn scatter(lines: u64) -> u64 {
    let golden = (lines as f64 * 0.618_033_988_75) as u64;
    (golden.max(1)..).find(|candidate| greatest_common_divisor(*candidate, lines) == 1).unwrap_or(1)
}

fn greatest_common_divisor(mut a: u64, mut b: u64) -> u64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

/// Zipf-distributed ranks by rejection-inversion: W. Hörmann and G. Derflinger, "Rejection-inversion to generate variates
/// from monotone discrete distributions", ACM TOMACS 6(3), 1996.
#[derive(Debug, Clone)]
struct ZipfSampler {
    ranks: f64,
    exponent: f64,
    /// The integral of the hat function at 1.5 less its first bar, and at `ranks` + 0.5.
    low: f64,
    high: f64,
}

impl ZipfSampler {
    fn new(ranks: u64, exponent: f64) -> Self {
        let mut sampler = Self { ranks: ranks as f64, exponent, low: 0.0, high: 0.0 };
        sampler.low = sampler.integral(1.5) - 1.0;
        sampler.high = sampler.integral(sampler.ranks + 0.5);
        sampler
    }

    /// Integral of x^-exponent, with `integral(1) = 0`.
    fn integral(&self, x: f64) -> f64 {
        let power = 1.0 - self.exponent;
        if power.abs() < 1e-9 { x.ln() } else { (power * x.ln()).exp_m1() / power }
    }

    fn inverse(&self, y: f64) -> f64 {
        let power = 1.0 - self.exponent;
        if power.abs() < 1e-9 { y.exp() } else { ((power * y).ln_1p() / power).exp() }
    }

    /// A rank from 0 (most popular).
    fn sample(&self, rng: &mut ChaCha8Rng) -> u64 {
        loop {
            let area = self.high + rng.random::<f64>() * (self.low - self.high);
            let x = self.inverse(area);
            let rank = x.round().clamp(1.0, self.ranks);
            if area >= self.integral(rank + 0.5) - rank.powf(-self.exponent) {
                return rank as u64 - 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn zipf_frequencies_follow_the_law() {
        for exponent in [0.0, 0.7, 1.0, 2.0] {
            let sampler = ZipfSampler::new(50, exponent);
            let mut rng = ChaCha8Rng::seed_from_u64(1);
            let mut counts = [0_u32; 50];
            let draws = 200_000;
            (0..draws).for_each(|_| counts[sampler.sample(&mut rng) as usize] += 1);
            let norm: f64 = (1..=50).map(|rank| f64::from(rank).powf(-exponent)).sum();
            for (rank, count) in (1..).zip(counts) {
                let expected = f64::from(draws) * f64::from(rank).powf(-exponent) / norm;
                // Five standard deviations of a binomial count.
                let tolerance = 5.0 * expected.sqrt() + 1.0;
                assert!(
                    (f64::from(count) - expected).abs() < tolerance,
                    "{exponent} {rank}: {count} {expected}"
                );
            }
        }
    }

    #[test]
    fn scatter_is_a_permutation() {
        for lines in [1, 2, 12, 97, 4096] {
            let multiplier = scatter(lines);
            let mut seen = vec![false; lines as usize];
            (0..lines).for_each(|rank| seen[(rank * multiplier % lines) as usize] = true);
            assert!(seen.into_iter().all(|line| line), "{lines}");
        }
    }
}
