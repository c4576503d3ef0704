//! What an algorithm of this family implements, and what it learns from.

use hwgym_envs::Random;

use super::heads::Heads;

/// One decision maker among those that propose designs together. An algorithm implements this; roll-out, masks, rewards and advantages are
/// done by [`PolicySearch`](super::search::PolicySearch).
pub trait Learner: Send {
    /// What it decides.
    fn heads(&self) -> &Heads;

    /// Its policy and its estimate of the return at this observation, the same until it learns.
    fn policy(&self, observation: &[f32]) -> Policy;

    /// Learns from a batch of its own decisions. `progress` is the share of the budget that is spent, from 0 to 1.
    fn learn(&mut self, batch: &[Experience], progress: f32, random: &mut Random);
}

/// What a learner would do at an observation.
#[derive(Clone, Debug)]
pub struct Policy {
    /// Logits of all heads, side by side.
    pub logits: Vec<f32>,
    /// The expected return.
    pub value: f32,
}

/// One decision of one learner, as it was made.
#[derive(Clone, Debug)]
pub struct Decision {
    /// What the learner saw.
    pub observation: Vec<f32>,
    /// One choice per head.
    pub choices: Vec<usize>,
    /// 1 where the head means something in the design, 0 where it does not.
    pub mask: Vec<f32>,
    /// Log-probability when it was made, heads with mask 0 left out.
    pub log_probability: f32,
    /// Value when it was made.
    pub value: f32,
}

/// A decision with what came of it.
#[derive(Clone, Debug)]
pub struct Experience {
    /// The decision.
    pub decision: Decision,
    /// Advantage over the expected value.
    pub advantage: f32,
    /// The return that the critic should have expected.
    pub target: f32,
}
