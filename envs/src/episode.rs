//! Gym's view of an environment: episodes of observations, actions and rewards, for one agent or for many.
//!
//! The [wrappers](crate::wrappers) build them from any [`Env`](crate::Env). An action is always a [`Design`] of the action space that is
//! current: the whole space at once (joint), one parameter at a time (sequential), or one group per agent (multi-agent).

use crate::{Design, DesignSpace, Outcome, Score};

/// What an agent sees: a vector of finite numbers, of fixed length for an episode.
pub type Observation = Vec<f64>;

/// What a step answers.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// The next observation.
    pub observation: Observation,
    /// Higher is better, finite; 0 until a whole design has been evaluated.
    pub reward: f64,
    /// The episode has reached its goal.
    pub terminated: bool,
    /// The episode was cut, by a time limit for example.
    pub truncated: bool,
    /// The evaluation of this step, if it made one.
    pub evaluated: Option<Evaluated>,
}

/// A design with its outcome and score.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluated {
    /// The design.
    pub design: Design,
    /// What the environment answered.
    pub outcome: Outcome,
    /// What the objective made of it.
    pub score: Score,
}

impl Evaluated {
    /// The score as one finite number: the reward, or minus (1 + violation) where there is none.
    pub fn reward(&self) -> f64 {
        if self.score.is_feasible() {
            self.score.reward().unwrap_or(0.0)
        } else {
            -(1.0 + self.score.violation)
        }
    }
}

/// An episode with one agent.
pub trait Episode: Send {
    /// Length of an observation.
    fn observation_width(&self) -> usize;

    /// Smallest and largest value of each number of an observation; infinite where nothing is known.
    fn observation_bounds(&self) -> Vec<(f64, f64)> {
        vec![(f64::NEG_INFINITY, f64::INFINITY); self.observation_width()]
    }

    /// What the next action is taken from.
    fn action_space(&self) -> &DesignSpace;

    /// Starts an episode; same seed, same episode.
    fn reset(&mut self, seed: u64) -> Observation;

    /// Acts. `action` is a design of [`action_space`](Episode::action_space).
    fn step(&mut self, action: &Design) -> Step;
}

/// What a step of several agents answers: one observation and one reward per agent, in their order.
#[derive(Clone, Debug, PartialEq)]
pub struct MultiAgentStep {
    /// The next observations.
    pub observations: Vec<Observation>,
    /// Higher is better, finite.
    pub rewards: Vec<f64>,
    /// The episode has reached its goal.
    pub terminated: bool,
    /// The episode was cut.
    pub truncated: bool,
    /// The evaluation of this step.
    pub evaluated: Option<Evaluated>,
}

/// An episode in which several agents act at once (PettingZoo's parallel API).
pub trait MultiAgentEpisode: Send {
    /// Names of the agents.
    fn agents(&self) -> Vec<String>;

    /// Length of an observation.
    fn observation_width(&self) -> usize;

    /// Smallest and largest value of each number of an observation; infinite where nothing is known.
    fn observation_bounds(&self) -> Vec<(f64, f64)> {
        vec![(f64::NEG_INFINITY, f64::INFINITY); self.observation_width()]
    }

    /// What an agent's actions are taken from.
    fn action_space(&self, agent: usize) -> &DesignSpace;

    /// Starts an episode.
    fn reset(&mut self, seed: u64) -> Vec<Observation>;

    /// All agents act: one design of its own action space each.
    fn step(&mut self, actions: &[Design]) -> MultiAgentStep;
}
