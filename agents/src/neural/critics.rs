//! Screening: a small ensemble of critics looks at many draws of a policy, and the best-looking one is proposed.

use hwgym_envs::Random;
use hwgym_envs::random::derive_seed;

use super::archive::{Entry, Row};
use super::heads::Heads;
use super::network::{Input, Network, Scratch, Trained};

/// Critics in the ensemble.
const MEMBERS: usize = 3;
/// Units of each of the two hidden layers.
const HIDDEN: usize = 32;
/// Steps of every critic at an update.
const STEPS: usize = 32;
/// Evaluations in a step, drawn with replacement.
const SAMPLES: usize = 32;
/// Step size.
const RATE: f32 = 0.003;
/// Largest length of a gradient.
const MOST: f32 = 5.0;
/// Evaluations before the critics are asked.
pub const FIRST: usize = 40;

/// Networks from the one-hots of a design to its reward.
pub struct Critics {
    members: Vec<Trained>,
    scratch: Scratch,
    ones: Vec<u32>,
}

impl Critics {
    /// Untrained critics of designs with these heads.
    pub fn new(heads: &Heads, seed: u64) -> Self {
        let widths = [heads.width().max(1), HIDDEN, HIDDEN, 1];
        let member = |index: usize| {
            let mut random = Random::new(derive_seed(seed, &format!("critic-{index}")));
            let deviation = (1.0 / heads.len().max(1) as f64).sqrt();
            let network = Network::new(&widths, 1.0, 1.0, &mut random);
            Trained::new(network.with_first_deviation(deviation, &mut random))
        };
        Self { members: (0..MEMBERS).map(member).collect(), scratch: Scratch::default(), ones: Vec::new() }
    }

    /// The mean of what the critics expect of a design.
    pub fn expect(&mut self, heads: &Heads, row: &Row) -> f32 {
        see(heads, row, &mut self.ones);
        let mut sum = 0.0;
        for member in &self.members {
            let input = Input { dense: &[], ones: &self.ones };
            member.network.forward(input, 0..1, &mut self.scratch);
            sum += self.scratch.output[0];
        }
        sum / self.members.len() as f32
    }

    /// Learns the rewards of what was evaluated so far, as they are ranked now.
    pub fn learn(&mut self, heads: &Heads, entries: &[Entry], rewards: &[f32], random: &mut Random) {
        for member in &mut self.members {
            for _ in 0..STEPS {
                for _ in 0..SAMPLES {
                    let index = random.below(entries.len());
                    see(heads, &entries[index].row, &mut self.ones);
                    let input = Input { dense: &[], ones: &self.ones };
                    member.network.forward(input, 0..1, &mut self.scratch);
                    let error = self.scratch.output[0] - rewards[index];
                    member.backward(input, 0..1, &[2.0 * error / SAMPLES as f32], &mut self.scratch);
                }
                member.step(RATE, MOST);
            }
        }
    }
}

/// The one-hots of the choices that mean something.
fn see(heads: &Heads, row: &Row, ones: &mut Vec<u32>) {
    ones.clear();
    ones.extend(row.heads().map(|head| heads.one_hot(head, usize::from(row.choices[head])) as u32));
}
