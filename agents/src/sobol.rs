//! `sobol`: a Sobol sequence with a random digital shift, mapped onto the space.
//!
//! Direction numbers of the first 21 dimensions are Joe and Kuo's (2008, `new-joe-kuo-6`); those beyond belong to the next primitive
//! polynomials, with odd numbers drawn from a fixed stream: still a digital sequence, but with less even pairs.

use hwgym_envs::{Design, Random};
use serde::{Deserialize, Serialize};

use crate::{Agent, AgentEntry, Evaluated, Problem};

/// Hyperparameters of `sobol`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SobolSettings {
    /// Shift the sequence by the seed. Without it every seed gives the same designs.
    pub scrambled: bool,
}

impl Default for SobolSettings {
    fn default() -> Self {
        Self { scrambled: true }
    }
}

const BITS: usize = 32;

/// Degree, coefficients and first direction numbers from the second dimension on.
const JOE_KUO: [(u32, u32, &[u32]); 20] = [
    (1, 0, &[1]),
    (2, 1, &[1, 3]),
    (3, 1, &[1, 3, 1]),
    (3, 2, &[1, 1, 1]),
    (4, 1, &[1, 1, 3, 3]),
    (4, 4, &[1, 3, 5, 13]),
    (5, 2, &[1, 1, 5, 5, 17]),
    (5, 4, &[1, 1, 5, 5, 5]),
    (5, 7, &[1, 1, 7, 11, 19]),
    (5, 11, &[1, 1, 5, 1, 1]),
    (5, 13, &[1, 1, 1, 3, 11]),
    (5, 14, &[1, 3, 5, 5, 31]),
    (6, 1, &[1, 3, 3, 9, 7, 49]),
    (6, 13, &[1, 1, 1, 15, 21, 21]),
    (6, 16, &[1, 3, 1, 13, 27, 49]),
    (6, 19, &[1, 1, 1, 15, 7, 5]),
    (6, 22, &[1, 3, 1, 15, 13, 25]),
    (6, 25, &[1, 1, 5, 5, 19, 61]),
    (7, 1, &[1, 3, 7, 11, 23, 15, 103]),
    (7, 4, &[1, 3, 7, 13, 13, 15, 69]),
];

/// A Sobol sequence in the unit cube.
pub struct SobolSequence {
    /// Per dimension, `BITS` direction numbers.
    directions: Vec<[u32; BITS]>,
    state: Vec<u32>,
    shift: Vec<u32>,
    index: u32,
}

impl SobolSequence {
    /// A sequence of this many dimensions, shifted by the seed if one is given.
    pub fn new(dimensions: usize, seed: Option<u64>) -> Self {
        let mut polynomials: Vec<(u32, u32, Vec<u32>)> =
            JOE_KUO.iter().map(|(s, a, m)| (*s, *a, m.to_vec())).collect();
        let mut random = Random::new(20_080_101);
        let (mut degree, mut coefficients) = (7, 5);
        while polynomials.len() + 1 < dimensions {
            if coefficients >= 1 << (degree - 1) {
                (degree, coefficients) = (degree + 1, 0);
            }
            if is_primitive(degree, coefficients) {
                let m = (0..degree).map(|k| 2 * random.below(1 << k) as u32 + 1).collect();
                polynomials.push((degree, coefficients, m));
            }
            coefficients += 1;
        }
        let mut directions = vec![std::array::from_fn(|k| 1 << (BITS - 1 - k))];
        for (degree, coefficients, m) in polynomials.iter().take(dimensions.saturating_sub(1)) {
            let s = *degree as usize;
            let mut v = [0u32; BITS];
            for k in 0..BITS {
                v[k] = if k < s {
                    m[k] << (BITS - 1 - k)
                } else {
                    let mut value = v[k - s] ^ (v[k - s] >> s);
                    for i in 1..s {
                        if coefficients >> (s - 1 - i) & 1 == 1 {
                            value ^= v[k - i];
                        }
                    }
                    value
                };
            }
            directions.push(v);
        }
        directions.truncate(dimensions);
        let shift = match seed {
            None => vec![0; dimensions],
            Some(seed) => {
                let mut random = Random::new(seed);
                (0..dimensions).map(|_| (random.seed() >> 32) as u32).collect()
            }
        };
        Self { state: vec![0; dimensions], directions, shift, index: 0 }
    }

    /// Writes the next point; `point` has one place per dimension.
    pub fn next_into(&mut self, point: &mut [f64]) {
        for ((place, state), shift) in point.iter_mut().zip(&self.state).zip(&self.shift) {
            *place = (f64::from(state ^ shift) + 0.5) / 2f64.powi(BITS as i32);
        }
        let bit = self.index.trailing_ones() as usize;
        self.index = self.index.wrapping_add(1);
        for (state, directions) in self.state.iter_mut().zip(&self.directions) {
            *state ^= directions[bit.min(BITS - 1)];
        }
    }
}

/// True if `x^s + a_1 x^(s-1) + ... + 1` is primitive over GF(2): the order of x is 2^s - 1.
fn is_primitive(degree: u32, coefficients: u32) -> bool {
    let polynomial = (1u64 << degree) | (u64::from(coefficients) << 1) | 1;
    let order = (1u64 << degree) - 1;
    let mut power = 1u64;
    for step in 1..=order {
        power <<= 1;
        if power >> degree & 1 == 1 {
            power ^= polynomial;
        }
        if power == 1 {
            return step == order;
        }
    }
    false
}

struct Sobol {
    problem: Problem,
    sequence: SobolSequence,
    point: Vec<f64>,
}

impl Agent for Sobol {
    fn ask(&mut self, count: usize) -> Vec<Design> {
        (0..count).map(|_| self.next()).collect()
    }

    fn tell(&mut self, _: &[Evaluated]) {}
}

impl Sobol {
    /// The next design that keeps the space's constraints; the last of 100 if none does.
    fn next(&mut self) -> Design {
        let space = &self.problem.space;
        let mut tries = 0;
        loop {
            self.sequence.next_into(&mut self.point);
            let coordinates: Vec<f64> =
                space.parameters().iter().zip(&self.point).map(|(p, u)| p.domain.from_unit(*u)).collect();
            let mut design = Design::new(coordinates);
            space.canonicalise(&mut design);
            tries += 1;
            if space.constraints().is_empty() || tries == 100 || space.violation(&design) == 0.0 {
                return design;
            }
        }
    }
}

pub(crate) fn entry() -> AgentEntry {
    AgentEntry::new("sobol", "a shifted Sobol sequence: even coverage", |options, problem, seed| {
        let settings: SobolSettings = options.parse()?;
        let dimensions = problem.space.len();
        Ok(Box::new(Sobol {
            sequence: SobolSequence::new(dimensions, settings.scrambled.then_some(seed)),
            point: vec![0.0; dimensions],
            problem: problem.clone(),
        }))
    })
    .arranging()
    .hyperparameter("scrambled", "true", "true, false", "shift the sequence by the seed")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_dimension_fills_every_stratum_once() {
        let mut sequence = SobolSequence::new(200, Some(3));
        let mut counts = vec![[0; 64]; 200];
        let mut point = vec![0.0; 200];
        for _ in 0..64 {
            sequence.next_into(&mut point);
            counts.iter_mut().zip(&point).for_each(|(c, p)| c[(p * 64.0) as usize] += 1);
        }
        assert!(counts.iter().all(|c| c.iter().all(|n| *n == 1)));
    }

    #[test]
    fn the_first_points_are_the_published_ones() {
        let mut sequence = SobolSequence::new(3, None);
        let mut point = [0.0; 3];
        let mut next = || {
            sequence.next_into(&mut point);
            point.map(|p| (p * 8.0).floor() / 8.0)
        };
        next();
        assert_eq!(next(), [0.5, 0.5, 0.5]);
        assert_eq!(next(), [0.75, 0.25, 0.25]);
        assert_eq!(next(), [0.25, 0.75, 0.75]);
        assert_eq!(next(), [0.375, 0.375, 0.625]);
    }
}
