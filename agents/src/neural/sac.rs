//! `sac`: soft actor-critic in its discrete form (Christodoulou, 2019) on the sequential formulation, one parameter per step.
//!
//! Twin critics value every choice of a head, the policy follows the smaller of both values, and a temperature that falls keeps it random
//! in the beginning. Targets, replay and the pace of the slow copies are corrected as in [`dqn`](super::dqn), without which the search
//! equals random search.

use hwgym_envs::Random;

use super::actors::{Form, over_decisions};
use super::categorical;
use super::dqn::{follow, sample};
use super::draw::Chooser;
use super::heads::Heads;
use super::network::{Input, Network, Scratch, Trained};
use super::ppo::check_hidden;
use super::search::{Algorithm, Lesson, Search, in_range, settings};
use crate::AgentEntry;

settings! {
    /// Hyperparameters of `sac`.
    SacSettings {
        /// Designs between two steps of learning.
        batch: usize = 4, "4", "1 to the budget";
        /// Designs before the first one.
        start: usize = 64, "64", "1 or more";
        /// Designs in a step, with all their decisions.
        samples: usize = 16, "16", "1 to 4096";
        /// Step size of the critics.
        learning_rate: f32 = 0.003, "0.003", "above 0, at most 1";
        /// Step size of the policy.
        policy_rate: f32 = 0.003, "0.003", "above 0, at most 1";
        /// Factor on the policy's gradient, which is shortened to at most 5.
        policy_gain: f32 = 10.0, "10.0", "above 0";
        /// Weight of the entropy at the start; it falls geometrically.
        temperature: f32 = 0.03, "0.03", "above 0";
        /// Weight of the entropy at the end of the budget.
        temperature_end: f32 = 0.003, "0.003", "above 0";
        /// Part of the way that the slow copies of the critics go at each step.
        follow: f32 = 0.2, "0.2", "above 0, at most 1";
        /// Widths of the critics' hidden layers.
        hidden: Vec<usize> = vec![32, 32], "[32, 32]", "widths from 1 to 4096";
        /// Widths of the policy's hidden layers.
        policy_hidden: Vec<usize> = vec![32], "[32]", "widths from 1 to 4096";
    }
}

struct Sac {
    settings: SacSettings,
    heads: Heads,
    policy: Trained,
    critics: [Trained; 2],
    slow: [Network; 2],
    scratch: Scratch,
}

impl Sac {
    fn new(settings: SacSettings, heads: &Heads, random: &mut Random) -> Self {
        let mut network = |hidden: &[usize], gain| {
            over_decisions(heads, Form::Sequential, hidden, heads.width(), gain, random)
        };
        let critics = [0, 1].map(|_| network(&settings.hidden, 1.0));
        Self {
            policy: Trained::new(network(&settings.policy_hidden, 0.01)),
            slow: critics.clone(),
            critics: critics.map(Trained::new),
            heads: heads.clone(),
            scratch: Scratch::default(),
            settings,
        }
    }

    /// Probabilities of a head's choices.
    fn probabilities(&mut self, head: usize, ones: &[u32]) -> &[f32] {
        let input = Input { dense: &[], ones };
        self.policy.network.forward(input, self.heads.range(head), &mut self.scratch);
        categorical::softmax(&mut self.scratch.output);
        &self.scratch.output
    }
}

/// Per choice, the smaller of two values.
fn smaller(
    networks: [&Network; 2],
    input: Input,
    range: std::ops::Range<usize>,
    scratch: &mut Scratch,
) -> Vec<f32> {
    networks[0].forward(input, range.clone(), scratch);
    let first = scratch.output.clone();
    networks[1].forward(input, range, scratch);
    first.iter().zip(&scratch.output).map(|(a, b)| a.min(*b)).collect()
}

impl Algorithm for Sac {
    fn learn(&mut self, lesson: &Lesson, random: &mut Random) {
        if lesson.entries.len() < self.settings.start {
            return;
        }
        let (start, end) = (self.settings.temperature, self.settings.temperature_end);
        let temperature = start * (end / start).powf(lesson.progress);
        let (mut ones, mut next_ones) = (Vec::new(), Vec::new());
        for number in 0..self.settings.samples {
            let (row, reward) = sample(lesson, number, random);
            let order: Vec<usize> = row.heads().collect();
            let count = (self.settings.samples * order.len()) as f32;
            for (place, head) in order.iter().enumerate() {
                let goal = match order.get(place + 1) {
                    None => reward,
                    Some(next) => {
                        // The soft value of the next state; what the design did return is a floor.
                        row.inputs(&self.heads, *next, true, &mut next_ones);
                        let p = self.probabilities(*next, &next_ones).to_vec();
                        let input = Input { dense: &[], ones: &next_ones };
                        let slow = [&self.slow[0], &self.slow[1]];
                        let q = smaller(slow, input, self.heads.range(*next), &mut self.scratch);
                        let soft = |(p, q): (&f32, &f32)| p * (q - temperature * categorical::log(*p));
                        p.iter().zip(&q).map(soft).sum::<f32>().max(reward)
                    }
                };
                row.inputs(&self.heads, *head, true, &mut ones);
                let (input, range) = (Input { dense: &[], ones: &ones }, self.heads.range(*head));
                let choice = usize::from(row.choices[*head]);
                for critic in &mut self.critics {
                    critic.network.forward(input, range.clone(), &mut self.scratch);
                    let mut slope = vec![0.0; range.len()];
                    slope[choice] = 2.0 * (self.scratch.output[choice] - goal) / count;
                    critic.backward(input, range.clone(), &slope, &mut self.scratch);
                }
                // The policy's loss at this state: sum over choices of p (temperature ln p - q).
                let q = smaller(
                    [&self.critics[0].network, &self.critics[1].network],
                    input,
                    range.clone(),
                    &mut self.scratch,
                );
                let p = self.probabilities(*head, &ones).to_vec();
                let slope = policy_slope(&p, &q, temperature);
                let slope: Vec<f32> = slope.iter().map(|s| s * self.settings.policy_gain / count).collect();
                self.policy.backward(input, range, &slope, &mut self.scratch);
            }
        }
        self.critics.iter_mut().for_each(|critic| critic.step(self.settings.learning_rate, 5.0));
        self.policy.step(self.settings.policy_rate, 5.0);
        for (slow, fast) in self.slow.iter_mut().zip(&self.critics) {
            follow(slow, &fast.network, self.settings.follow);
        }
    }

    fn restart(&mut self, random: &mut Random) {
        *self = Self::new(self.settings.clone(), &self.heads, random);
    }
}

/// The derivative with respect to the logits of `sum p (temperature ln p - q)`.
fn policy_slope(p: &[f32], q: &[f32], temperature: f32) -> Vec<f32> {
    let cost = |(p, q): (&f32, &f32)| temperature * categorical::log(*p) - q;
    let mean: f32 = p.iter().zip(q).map(|(p, q)| p * cost((p, q))).sum();
    p.iter().zip(q).map(|(p, q)| p * (cost((p, q)) - mean)).collect()
}

impl Chooser for Sac {
    fn choose(&mut self, head: usize, ones: &[u32], random: &mut Random) -> (usize, f32) {
        let p = self.probabilities(head, ones);
        let choice = categorical::draw(p, random);
        (choice, categorical::log(p[choice]))
    }

    fn log_probability(&mut self, head: usize, ones: &[u32], choice: usize) -> f32 {
        categorical::log(self.probabilities(head, ones)[choice])
    }
}

pub(crate) fn entry() -> AgentEntry {
    SacSettings::document(AgentEntry::new(
        "sac",
        "discrete soft actor-critic, one parameter per step (Christodoulou 2019), with what a sparse reward needs; several goals by hypervolume improvement",
        |options, problem, seed| {
            let settings: SacSettings = options.parse()?;
            settings.parts().check(settings.batch, problem)?;
            in_range("start", settings.start >= 1, settings.start, "1 or more")?;
            in_range("samples", (1..=4096).contains(&settings.samples), settings.samples, "1 to 4096")?;
            for (name, rate) in [
                ("learning_rate", settings.learning_rate),
                ("policy_rate", settings.policy_rate),
                ("follow", settings.follow),
            ] {
                in_range(name, rate > 0.0 && rate <= 1.0, rate, "above 0, at most 1")?;
            }
            for (name, number) in [
                ("policy_gain", settings.policy_gain),
                ("temperature", settings.temperature),
                ("temperature_end", settings.temperature_end),
            ] {
                in_range(name, number > 0.0 && number.is_finite(), number, "above 0")?;
            }
            check_hidden(&settings.hidden)?;
            check_hidden(&settings.policy_hidden)?;
            let (parts, batch) = (settings.parts(), settings.batch);
            Ok(Box::new(Search::new(problem, parts, batch, seed, |heads, random| {
                Sac::new(settings, heads, random)
            })))
        },
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_policy_slope_agrees_with_finite_differences() {
        let (logits, q) = ([0.3f32, -0.8, 0.5], [0.2f32, 0.9, -0.4]);
        let loss = |logits: [f32; 3]| {
            let mut p = logits;
            categorical::softmax(&mut p);
            p.iter().zip(q).map(|(p, q)| f64::from(p * (0.1 * categorical::log(*p) - q))).sum::<f64>()
        };
        let mut p = logits;
        categorical::softmax(&mut p);
        let slope = policy_slope(&p, &q, 0.1);
        for index in 0..3 {
            let at = |shift: f32| {
                let mut moved = logits;
                moved[index] += shift;
                loss(moved)
            };
            let difference = (at(1e-2) - at(-1e-2)) / 2e-2;
            assert!((difference - f64::from(slope[index])).abs() < 1e-3, "logit {index}");
        }
    }
}
