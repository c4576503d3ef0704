//! `ppo`: proximal policy optimisation (Schulman et al., 2017), one policy for the whole design.
//!
//! An episode is one design, decided head by head: in the sequential form every head sees the decisions before it. The reward comes at the
//! end, and a central critic says at each head what to expect of the decisions made so far. Read from top to bottom: hyperparameters, the
//! update, the registry entry. The parts can be switched off one by one:
//! `experiments/studies/rl-ablation.ron`.

use hwgym_envs::Random;

use super::actors::{Actors, Form, Values};
use super::advantage::{clipped_weight, standardise, standardise_where};
use super::draw::Chooser;
use super::search::{Algorithm, Lesson, Search, in_range, settings};
use crate::{AgentEntry, AgentError};

settings! {
    /// Hyperparameters of `ppo`.
    PpoSettings {
        /// Designs between two updates; 20 if left out, 10 with screening.
        batch: Option<usize> = None, "None", "1 to the budget";
        /// Passes over a batch, each one step of Adam.
        epochs: usize = 8, "8", "1 to 1000";
        /// Step size of the policy.
        learning_rate: f32 = 0.01, "0.01", "above 0, at most 1";
        /// How far a probability ratio may move before its gradient is cut.
        clip: f32 = 0.2, "0.2", "between 0 and 1";
        /// Weight of the entropy bonus at the start.
        entropy: f32 = 0.05, "0.05", "0 or more";
        /// Weight of the entropy bonus at the end of the budget.
        entropy_end: f32 = 0.05, "0.05", "0 or more";
        /// Largest length of a gradient.
        max_gradient: f32 = 0.5, "0.5", "above 0";
        /// Widths of the hidden layers.
        hidden: Vec<usize> = vec![32], "[32]", "widths from 1 to 4096";
        /// What a head sees of the decisions before it.
        form: Form = Form::Sequential, "Sequential", "Factored or Sequential";
        /// Advantages over a critic that sees the decisions made so far; over the mean of the batch without.
        value: bool = true, "true", "true or false";
        /// Step size of the critic.
        value_rate: f32 = 0.005, "0.005", "above 0, at most 1";
    }
}

impl PpoSettings {
    /// The update that these say. Errors: what is out of range.
    fn update(&self) -> Result<Update, AgentError> {
        let update = Update {
            epochs: self.epochs,
            learning_rate: self.learning_rate,
            clip: self.clip,
            entropy: (self.entropy, self.entropy_end),
            max_gradient: self.max_gradient,
            value_rate: self.value_rate,
        };
        update.check()?;
        check_hidden(&self.hidden)?;
        Ok(update)
    }
}

/// Designs between two updates.
pub(super) fn batch_size(asked: Option<usize>, screen: usize) -> usize {
    asked.unwrap_or(if screen > 0 { 10 } else { 20 })
}

/// Checks widths of hidden layers. Errors: one that is out of range.
pub(super) fn check_hidden(hidden: &[usize]) -> Result<(), AgentError> {
    let ok = hidden.len() <= 8 && hidden.iter().all(|width| (1..=4096).contains(width));
    in_range("hidden", ok, format!("{hidden:?}"), "at most 8 widths from 1 to 4096")
}

/// The numbers of an update; those of `ppo`, `ippo` and `mappo` alike.
#[derive(Clone, Copy, Debug)]
pub(super) struct Update {
    pub epochs: usize,
    pub learning_rate: f32,
    pub clip: f32,
    /// At the start, and at the end of the budget.
    pub entropy: (f32, f32),
    pub max_gradient: f32,
    pub value_rate: f32,
}

impl Update {
    pub fn check(&self) -> Result<(), AgentError> {
        in_range("epochs", (1..=1000).contains(&self.epochs), self.epochs, "1 to 1000")?;
        let rate = |rate: f32| rate > 0.0 && rate <= 1.0;
        in_range("learning_rate", rate(self.learning_rate), self.learning_rate, "above 0, at most 1")?;
        in_range("value_rate", rate(self.value_rate), self.value_rate, "above 0, at most 1")?;
        in_range("clip", self.clip > 0.0 && self.clip < 1.0, self.clip, "between 0 and 1")?;
        for (name, bonus) in [("entropy", self.entropy.0), ("entropy_end", self.entropy.1)] {
            in_range(name, bonus >= 0.0 && bonus.is_finite(), bonus, "0 or more")?;
        }
        in_range("max_gradient", self.max_gradient > 0.0, self.max_gradient, "above 0")
    }
}

/// Policies with their critic; one learner or several, each with a probability ratio of its own.
pub(super) struct Ppo {
    pub update: Update,
    pub actors: Actors,
    pub values: Option<Values>,
}

impl Algorithm for Ppo {
    fn learn(&mut self, lesson: &Lesson, _: &mut Random) {
        let Self { update, actors, values } = self;
        let (rows, rewards) = lesson.rows();
        let count = actors.heads().len();
        let active = |place: usize| rows[place / count].active[place % count];

        // Advantages of every (design, head): over the critic where there is one, else over the mean of the batch.
        let mut advantages = vec![0.0; rows.len() * count];
        match values {
            Some(values) => {
                values.advantages(&rows, &rewards, None, &mut advantages);
                standardise_where(&mut advantages, active);
            }
            None => {
                let mut of_designs = rewards.clone();
                standardise(&mut of_designs);
                advantages.iter_mut().enumerate().for_each(|(place, a)| *a = of_designs[place / count]);
            }
        }

        let mut unused = vec![0.0; advantages.len()];
        let mut weights = vec![0.0; advantages.len()];
        let bonus = update.entropy.0 + (update.entropy.1 - update.entropy.0) * lesson.progress;
        for _ in 0..update.epochs {
            // A learner's ratio is that of all its decisions in a design together.
            let now = actors.log_probabilities(&rows);
            for (index, row) in rows.iter().enumerate() {
                let mut moved = vec![0.0; actors.learner_count()];
                for head in row.heads() {
                    moved[actors.owner(head)] += now[index * count + head] - row.log_probabilities[head];
                }
                for head in row.heads() {
                    let place = index * count + head;
                    let weight = clipped_weight(advantages[place], moved[actors.owner(head)], update.clip);
                    weights[place] = weight / rows.len() as f32;
                }
            }
            actors.ascend(&rows, &weights, bonus, update.learning_rate, update.max_gradient);
            if let Some(values) = values {
                values.advantages(&rows, &rewards, Some(update.value_rate), &mut unused);
            }
        }
    }

    fn restart(&mut self, random: &mut Random) {
        self.actors.restart(random);
        if let Some(values) = &mut self.values {
            values.restart(random);
        }
    }
}

impl Chooser for Ppo {
    fn choose(&mut self, head: usize, ones: &[u32], random: &mut Random) -> (usize, f32) {
        self.actors.choose(head, ones, random)
    }

    fn log_probability(&mut self, head: usize, ones: &[u32], choice: usize) -> f32 {
        self.actors.log_probability(head, ones, choice)
    }
}

pub(crate) fn entry() -> AgentEntry {
    PpoSettings::document(AgentEntry::new(
        "ppo",
        "proximal policy optimisation, one policy that decides a design head by head (Schulman et al. 2017); several goals by hypervolume improvement",
        |options, problem, seed| {
            let settings: PpoSettings = options.parse()?;
            let update = settings.update()?;
            let batch = batch_size(settings.batch, settings.screen);
            settings.parts().check(batch, problem)?;
            let owners = vec![0; problem.space.len()];
            Ok(Box::new(Search::new(problem, settings.parts(), batch, seed, |heads, random| Ppo {
                update,
                actors: Actors::new(heads, &owners, settings.form, &settings.hidden, random),
                values: settings.value.then(|| Values::new(heads, &settings.hidden, random)),
            })))
        },
    ))
}
