//! `mappo`: multi-agent PPO, one learner per group of parameters and one critic for all (Yu et al., "The surprising effectiveness of PPO in
//! cooperative multi-agent games", 2022).
//!
//! The critic is central: at every head it knows what all learners have decided before, and what remains of the return is what this
//! decision is credited with. The learners themselves decide as those of [`ippo`](super::ippo); the update is that of [`ppo`](super::ppo).

use super::actors::{Actors, Form, Learners, Values};
use super::ppo::{Ppo, Update, batch_size, check_hidden};
use super::search::{Search, settings};
use crate::AgentEntry;

settings! {
    /// Hyperparameters of `mappo`.
    MappoSettings {
        /// Who decides what; groups have every parameter exactly once.
        learners: Learners = Learners::PerGroup, "PerGroup", "PerGroup, PerParameter, One or Groups([(name: .., parameters: [..]), ..])";
        /// Designs between two updates; 20 if left out, 10 with screening.
        batch: Option<usize> = None, "None", "1 to the budget";
        /// Passes over a batch, each one step of Adam.
        epochs: usize = 8, "8", "1 to 1000";
        /// Step size of the policies.
        learning_rate: f32 = 0.01, "0.01", "above 0, at most 1";
        /// Step size of the critic.
        value_rate: f32 = 0.005, "0.005", "above 0, at most 1";
        /// How far a probability ratio may move before its gradient is cut.
        clip: f32 = 0.2, "0.2", "between 0 and 1";
        /// Weight of the entropy bonus at the start.
        entropy: f32 = 0.1, "0.1", "0 or more";
        /// Weight of the entropy bonus at the end of the budget.
        entropy_end: f32 = 0.0, "0.0", "0 or more";
        /// Largest length of a gradient.
        max_gradient: f32 = 0.5, "0.5", "above 0";
        /// Widths of the hidden layers.
        hidden: Vec<usize> = vec![32], "[32]", "widths from 1 to 4096";
        /// What a head sees of the decisions before it.
        form: Form = Form::Sequential, "Sequential", "Factored or Sequential";
    }
}

pub(crate) fn entry() -> AgentEntry {
    MappoSettings::document(AgentEntry::new(
        "mappo",
        "multi-agent PPO: one learner per group of parameters, one central critic (Yu et al. 2022); several goals by hypervolume improvement",
        |options, problem, seed| {
            let settings: MappoSettings = options.parse()?;
            let update = Update {
                epochs: settings.epochs,
                learning_rate: settings.learning_rate,
                clip: settings.clip,
                entropy: (settings.entropy, settings.entropy_end),
                max_gradient: settings.max_gradient,
                value_rate: settings.value_rate,
            };
            update.check()?;
            check_hidden(&settings.hidden)?;
            let batch = batch_size(settings.batch, settings.screen);
            settings.parts().check(batch, problem)?;
            let owners = settings.learners.owners(problem)?;
            Ok(Box::new(Search::new(problem, settings.parts(), batch, seed, |heads, random| Ppo {
                update,
                actors: Actors::new(heads, &owners, settings.form, &settings.hidden, random),
                values: Some(Values::new(heads, &settings.hidden, random)),
            })))
        },
    ))
}
