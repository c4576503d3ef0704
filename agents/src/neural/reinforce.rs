//! `reinforce`: the plainest policy gradient (Williams, 1992), to be read first.
//!
//! Draw a batch of designs, weigh the log-probability of each by how much better than the batch's mean it did, take one step. What `ppo`
//! adds: several steps on a batch, and a bound on how far they go.

use hwgym_envs::Random;

use super::actors::{Actors, Form};
use super::advantage::standardise;
use super::draw::Chooser;
use super::ppo::{batch_size, check_hidden};
use super::search::{Algorithm, Lesson, Search, in_range, settings};
use crate::AgentEntry;

settings! {
    /// Hyperparameters of `reinforce`.
    ReinforceSettings {
        /// Designs between two updates; 20 if left out, 10 with screening.
        batch: Option<usize> = None, "None", "1 to the budget";
        /// Step size.
        learning_rate: f32 = 0.03, "0.03", "above 0, at most 1";
        /// Weight of the entropy bonus.
        entropy: f32 = 0.05, "0.05", "0 or more";
        /// Largest length of a gradient.
        max_gradient: f32 = 0.5, "0.5", "above 0";
        /// Widths of the hidden layers.
        hidden: Vec<usize> = vec![32], "[32]", "widths from 1 to 4096";
        /// What a head sees of the decisions before it.
        form: Form = Form::Factored, "Factored", "Factored or Sequential";
    }
}

struct Reinforce {
    settings: ReinforceSettings,
    actors: Actors,
}

impl Algorithm for Reinforce {
    fn learn(&mut self, lesson: &Lesson, _: &mut Random) {
        let Self { settings, actors } = self;
        let (rows, mut advantages) = lesson.rows();
        standardise(&mut advantages);
        let heads = actors.heads().len();
        let share = 1.0 / rows.len() as f32;
        let weights: Vec<f32> =
            advantages.iter().flat_map(|advantage| std::iter::repeat_n(advantage * share, heads)).collect();
        actors.ascend(&rows, &weights, settings.entropy, settings.learning_rate, settings.max_gradient);
    }

    fn restart(&mut self, random: &mut Random) {
        self.actors.restart(random);
    }
}

impl Chooser for Reinforce {
    fn choose(&mut self, head: usize, ones: &[u32], random: &mut Random) -> (usize, f32) {
        self.actors.choose(head, ones, random)
    }

    fn log_probability(&mut self, head: usize, ones: &[u32], choice: usize) -> f32 {
        self.actors.log_probability(head, ones, choice)
    }
}

pub(crate) fn entry() -> AgentEntry {
    ReinforceSettings::document(AgentEntry::new(
        "reinforce",
        "the plain policy gradient (Williams 1992): a baseline to read and to beat; several goals by hypervolume improvement",
        |options, problem, seed| {
            let settings: ReinforceSettings = options.parse()?;
            let rate = settings.learning_rate;
            in_range("learning_rate", rate > 0.0 && rate <= 1.0, rate, "above 0, at most 1")?;
            let bonus = settings.entropy;
            in_range("entropy", bonus >= 0.0 && bonus.is_finite(), bonus, "0 or more")?;
            in_range("max_gradient", settings.max_gradient > 0.0, settings.max_gradient, "above 0")?;
            check_hidden(&settings.hidden)?;
            let batch = batch_size(settings.batch, settings.screen);
            settings.parts().check(batch, problem)?;
            Ok(Box::new(Search::new(problem, settings.parts(), batch, seed, |heads, random| Reinforce {
                actors: Actors::new(
                    heads,
                    &vec![0; problem.space.len()],
                    settings.form,
                    &settings.hidden,
                    random,
                ),
                settings,
            })))
        },
    ))
}
