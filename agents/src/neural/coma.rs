//! `coma`: counterfactual multi-agent policy gradients (Foerster et al., 2018), one learner per group of parameters.
//!
//! A critic predicts the reward of a whole design. A decision is credited with what the design is worth beyond what it would be worth on
//! average if this one head had decided otherwise, by its own policy, and all others the same. Such an average needs the critic only, so
//! it costs no evaluation. Two critics are trained and averaged; policies learn by the clipped objective of [`ppo`](super::ppo).

use hwgym_envs::Random;

use super::actors::{Actors, Form, Learners};
use super::advantage::{clipped_weight, standardise_where};
use super::draw::Chooser;
use super::network::{Input, Network, Scratch, Trained};
use super::ppo::{batch_size, check_hidden};
use super::search::{Algorithm, Lesson, Search, in_range, settings};
use crate::AgentEntry;

settings! {
    /// Hyperparameters of `coma`.
    ComaSettings {
        /// Who decides what; groups have every parameter exactly once.
        learners: Learners = Learners::PerGroup, "PerGroup", "PerGroup, PerParameter, One or Groups([(name: .., parameters: [..]), ..])";
        /// Designs between two updates; 20 if left out, 10 with screening.
        batch: Option<usize> = None, "None", "1 to the budget";
        /// Passes over a batch, each one step of Adam.
        epochs: usize = 8, "8", "1 to 1000";
        /// Step size of the policies.
        learning_rate: f32 = 0.01, "0.01", "above 0, at most 1";
        /// Step size of the critics.
        critic_rate: f32 = 0.003, "0.003", "above 0, at most 1";
        /// Steps of each critic at an update, of 32 evaluations each.
        critic_steps: usize = 32, "32", "1 to 10000";
        /// How far a probability ratio may move before its gradient is cut.
        clip: f32 = 0.2, "0.2", "between 0 and 1";
        /// Weight of the entropy bonus at the start; it falls to 0 over the budget.
        entropy: f32 = 0.1, "0.1", "0 or more";
        /// Largest length of a gradient.
        max_gradient: f32 = 0.5, "0.5", "above 0";
        /// Widths of the hidden layers.
        hidden: Vec<usize> = vec![32], "[32]", "widths from 1 to 4096";
    }
}

struct Coma {
    settings: ComaSettings,
    actors: Actors,
    critics: Vec<Trained>,
    scratch: Scratch,
}

impl Coma {
    fn critics(actors: &Actors, hidden: &[usize], random: &mut Random) -> Vec<Trained> {
        let widths = [&[actors.heads().width().max(1)], hidden, &[1]].concat();
        (0..2).map(|_| Trained::new(Network::new(&widths, 1.0, 1.0, random))).collect()
    }

    /// What the critics expect of the design with these one-hots.
    fn expect(&mut self, ones: &[u32]) -> f32 {
        let mut sum = 0.0;
        for critic in &self.critics {
            critic.network.forward(Input { dense: &[], ones }, 0..1, &mut self.scratch);
            sum += self.scratch.output[0];
        }
        sum / self.critics.len() as f32
    }

    fn train_critics(&mut self, lesson: &Lesson, random: &mut Random) {
        const SAMPLES: usize = 32;
        for critic in &mut self.critics {
            for _ in 0..self.settings.critic_steps {
                for _ in 0..SAMPLES {
                    let index = random.below(lesson.entries.len());
                    let row = &lesson.entries[index].row;
                    let one = |head| self.actors.heads().one_hot(head, usize::from(row.choices[head])) as u32;
                    let ones: Vec<u32> = row.heads().map(one).collect();
                    let input = Input { dense: &[], ones: &ones };
                    critic.network.forward(input, 0..1, &mut self.scratch);
                    let error = self.scratch.output[0] - lesson.rewards[index];
                    critic.backward(input, 0..1, &[2.0 * error / SAMPLES as f32], &mut self.scratch);
                }
                critic.step(self.settings.critic_rate, 5.0);
            }
        }
    }
}

impl Algorithm for Coma {
    fn learn(&mut self, lesson: &Lesson, random: &mut Random) {
        self.train_critics(lesson, random);
        let (rows, rewards) = lesson.rows();
        let count = self.actors.heads().len();

        // Counterfactual advantages: the reward, less the mean over the choices that this head might have made. Choices that would switch
        // other heads on or off are imagined with those heads as they are.
        let mut advantages = vec![0.0; rows.len() * count];
        for (index, row) in rows.iter().enumerate() {
            let one = |head: usize| self.actors.heads().one_hot(head, usize::from(row.choices[head])) as u32;
            let mut ones: Vec<u32> = row.heads().map(one).collect();
            for (place, head) in row.heads().enumerate() {
                let probabilities = self.actors.probabilities(head, &[head as u32]).to_vec();
                let chosen = ones[place];
                let mut baseline = 0.0;
                for (choice, probability) in probabilities.iter().enumerate() {
                    ones[place] = self.actors.heads().one_hot(head, choice) as u32;
                    baseline += probability * self.expect(&ones);
                }
                ones[place] = chosen;
                advantages[index * count + head] = rewards[index] - baseline;
            }
        }
        standardise_where(&mut advantages, |place| rows[place / count].active[place % count]);

        let bonus = self.settings.entropy * (1.0 - lesson.progress);
        let Self { settings, actors, .. } = self;
        let mut weights = vec![0.0; advantages.len()];
        for _ in 0..settings.epochs {
            let now = actors.log_probabilities(&rows);
            for (index, row) in rows.iter().enumerate() {
                let mut moved = vec![0.0; actors.learner_count()];
                for head in row.heads() {
                    moved[actors.owner(head)] += now[index * count + head] - row.log_probabilities[head];
                }
                for head in row.heads() {
                    let place = index * count + head;
                    let weight = clipped_weight(advantages[place], moved[actors.owner(head)], settings.clip);
                    weights[place] = weight / rows.len() as f32;
                }
            }
            actors.ascend(&rows, &weights, bonus, settings.learning_rate, settings.max_gradient);
        }
    }

    fn restart(&mut self, random: &mut Random) {
        self.actors.restart(random);
        self.critics = Self::critics(&self.actors, &self.settings.hidden, random);
    }
}

impl Chooser for Coma {
    fn choose(&mut self, head: usize, ones: &[u32], random: &mut Random) -> (usize, f32) {
        self.actors.choose(head, ones, random)
    }

    fn log_probability(&mut self, head: usize, ones: &[u32], choice: usize) -> f32 {
        self.actors.log_probability(head, ones, choice)
    }
}

pub(crate) fn entry() -> AgentEntry {
    ComaSettings::document(AgentEntry::new(
        "coma",
        "counterfactual multi-agent policy gradients (Foerster et al. 2018), with PPO's clipped objective; several goals by hypervolume improvement",
        |options, problem, seed| {
            let settings: ComaSettings = options.parse()?;
            for (name, rate) in
                [("learning_rate", settings.learning_rate), ("critic_rate", settings.critic_rate)]
            {
                in_range(name, rate > 0.0 && rate <= 1.0, rate, "above 0, at most 1")?;
            }
            in_range("epochs", (1..=1000).contains(&settings.epochs), settings.epochs, "1 to 1000")?;
            let steps = settings.critic_steps;
            in_range("critic_steps", (1..=10_000).contains(&steps), steps, "1 to 10000")?;
            in_range("clip", settings.clip > 0.0 && settings.clip < 1.0, settings.clip, "between 0 and 1")?;
            let bonus = settings.entropy;
            in_range("entropy", bonus >= 0.0 && bonus.is_finite(), bonus, "0 or more")?;
            in_range("max_gradient", settings.max_gradient > 0.0, settings.max_gradient, "above 0")?;
            check_hidden(&settings.hidden)?;
            let batch = batch_size(settings.batch, settings.screen);
            settings.parts().check(batch, problem)?;
            let owners = settings.learners.owners(problem)?;
            Ok(Box::new(Search::new(problem, settings.parts(), batch, seed, |heads, random| {
                let actors = Actors::new(heads, &owners, Form::Factored, &settings.hidden, random);
                let critics = Coma::critics(&actors, &settings.hidden, random);
                Coma { critics, actors, settings, scratch: Scratch::default() }
            })))
        },
    ))
}
