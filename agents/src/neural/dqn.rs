//! `dqn`: deep Q-learning (Mnih et al., 2015; double: van Hasselt et al., 2016) on the sequential formulation, one parameter per step.
//!
//! A step decides one head; its state is what was decided before, and only the last step pays. With usual settings values need as many
//! bootstraps as there are heads to reach the first decision, and the search equals random search. Three corrections make it learn: a
//! target is never below the return that the stored design had (designs are deterministic, so it is a lower bound of the best value); the
//! target network follows fast; half of the designs that are learned from are the best of three.

use hwgym_envs::Random;

use super::actors::{Form, over_decisions};
use super::archive::Row;
use super::categorical::most_probable;
use super::draw::Chooser;
use super::heads::Heads;
use super::network::{Input, Network, Scratch, Trained};
use super::ppo::check_hidden;
use super::search::{Algorithm, Lesson, Search, in_range, settings};
use crate::AgentEntry;

settings! {
    /// Hyperparameters of `dqn`.
    DqnSettings {
        /// Designs between two steps of learning.
        batch: usize = 4, "4", "1 to the budget";
        /// Designs before the first one; drawn uniformly until then.
        start: usize = 64, "64", "1 or more";
        /// Designs in a step, with all their decisions.
        samples: usize = 16, "16", "1 to 4096";
        /// Step size.
        learning_rate: f32 = 0.003, "0.003", "above 0, at most 1";
        /// Probability of a random choice at the start.
        epsilon: f64 = 0.3, "0.3", "0 to 1";
        /// Probability of a random choice at the end of the budget.
        epsilon_end: f64 = 0.02, "0.02", "0 to 1";
        /// Part of the way that the target network goes at each step.
        follow: f32 = 0.2, "0.2", "above 0, at most 1";
        /// Widths of the hidden layers.
        hidden: Vec<usize> = vec![32, 32], "[32, 32]", "widths from 1 to 4096";
    }
}

struct Dqn {
    settings: DqnSettings,
    heads: Heads,
    values: Trained,
    target: Network,
    /// Nothing was learned yet: choices are random.
    blank: bool,
    epsilon: f64,
    scratch: Scratch,
}

impl Dqn {
    fn new(settings: DqnSettings, heads: &Heads, random: &mut Random) -> Self {
        let network = over_decisions(heads, Form::Sequential, &settings.hidden, heads.width(), 1.0, random);
        Self {
            target: network.clone(),
            values: Trained::new(network),
            heads: heads.clone(),
            blank: true,
            epsilon: settings.epsilon,
            scratch: Scratch::default(),
            settings,
        }
    }
}

/// A design to learn from: uniformly drawn, or every second time the best of three.
pub(super) fn sample<'a>(lesson: &'a Lesson, number: usize, random: &mut Random) -> (&'a Row, f32) {
    let tries = if number.is_multiple_of(2) { 3 } else { 1 };
    let drawn = (0..tries).map(|_| random.below(lesson.entries.len())).collect::<Vec<_>>();
    let best = drawn.into_iter().reduce(|a, b| if lesson.rewards[b] > lesson.rewards[a] { b } else { a });
    let index = best.unwrap_or(0);
    // Rank-exponential rewards reach ln n; values should not grow with n.
    let scale = (lesson.entries.len() as f32).ln().max(1.0);
    (&lesson.entries[index].row, lesson.rewards[index] / scale)
}

impl Algorithm for Dqn {
    fn learn(&mut self, lesson: &Lesson, random: &mut Random) {
        let Self { settings, heads, values, target, scratch, .. } = self;
        self.epsilon =
            settings.epsilon + (settings.epsilon_end - settings.epsilon) * f64::from(lesson.progress);
        if lesson.entries.len() < settings.start {
            return;
        }
        self.blank = false;
        let (mut ones, mut next_ones) = (Vec::new(), Vec::new());
        for number in 0..settings.samples {
            let (row, reward) = sample(lesson, number, random);
            let order: Vec<usize> = row.heads().collect();
            for (place, head) in order.iter().enumerate() {
                // Double Q-learning: the network chooses, its slow copy says what that is worth. What the design did return is a floor.
                let goal = match order.get(place + 1) {
                    None => reward,
                    Some(next) => {
                        row.inputs(heads, *next, true, &mut next_ones);
                        let input = Input { dense: &[], ones: &next_ones };
                        values.network.forward(input, heads.range(*next), scratch);
                        let choice = most_probable(&scratch.output);
                        target.forward(input, heads.range(*next), scratch);
                        scratch.output[choice].max(reward)
                    }
                };
                row.inputs(heads, *head, true, &mut ones);
                let input = Input { dense: &[], ones: &ones };
                let range = heads.range(*head);
                values.network.forward(input, range.clone(), scratch);
                let choice = usize::from(row.choices[*head]);
                let mut slope = vec![0.0; range.len()];
                let count = (settings.samples * order.len()) as f32;
                slope[choice] = 2.0 * (scratch.output[choice] - goal) / count;
                values.backward(input, range, &slope, scratch);
            }
        }
        values.step(settings.learning_rate, 5.0);
        follow(target, &values.network, settings.follow);
    }

    fn restart(&mut self, random: &mut Random) {
        let epsilon = self.epsilon;
        *self = Self::new(self.settings.clone(), &self.heads, random);
        self.epsilon = epsilon;
    }
}

/// Moves a network part of the way to another one.
pub(super) fn follow(target: &mut Network, to: &Network, part: f32) {
    for (slow, fast) in target.weights_mut().iter_mut().zip(to.weights()) {
        *slow += part * (fast - *slow);
    }
}

impl Chooser for Dqn {
    fn choose(&mut self, head: usize, ones: &[u32], random: &mut Random) -> (usize, f32) {
        let range = self.heads.range(head);
        if self.blank || random.chance(self.epsilon) {
            return (random.below(range.len()), 0.0);
        }
        self.values.network.forward(Input { dense: &[], ones }, range, &mut self.scratch);
        (most_probable(&self.scratch.output), 0.0)
    }

    fn log_probability(&mut self, _: usize, _: &[u32], _: usize) -> f32 {
        0.0
    }
}

pub(crate) fn entry() -> AgentEntry {
    DqnSettings::document(AgentEntry::new(
        "dqn",
        "deep Q-learning, one parameter per step (Mnih et al. 2015), with what a sparse reward needs; several goals by hypervolume improvement",
        |options, problem, seed| {
            let settings: DqnSettings = options.parse()?;
            settings.parts().check(settings.batch, problem)?;
            in_range("start", settings.start >= 1, settings.start, "1 or more")?;
            in_range("samples", (1..=4096).contains(&settings.samples), settings.samples, "1 to 4096")?;
            for (name, rate) in [("learning_rate", settings.learning_rate), ("follow", settings.follow)] {
                in_range(name, rate > 0.0 && rate <= 1.0, rate, "above 0, at most 1")?;
            }
            for (name, share) in [("epsilon", settings.epsilon), ("epsilon_end", settings.epsilon_end)] {
                in_range(name, (0.0..=1.0).contains(&share), share, "0 to 1")?;
            }
            check_hidden(&settings.hidden)?;
            let (parts, batch) = (settings.parts(), settings.batch);
            Ok(Box::new(Search::new(problem, parts, batch, seed, |heads, random| {
                Dqn::new(settings, heads, random)
            })))
        },
    ))
}
