//! One parameter per step: ArchGym's "time-multiplexed" formulation.

use std::sync::Arc;

use super::Core;
use crate::episode::{Episode, Observation, Step};
use crate::{Design, DesignSpace, Encoding, Env, EnvError, Objective, Parameter};

/// An episode of as many steps as the space has parameters; the last one evaluates the design and terminates.
///
/// The observation holds the unit-cube coordinates chosen so far (-1 for those to come), then a one-hot of the parameter whose turn it is.
/// A parameter that is inactive in the design so far is still asked for; the answer is ignored.
pub struct Sequential {
    core: Core,
    /// One space of one parameter each.
    actions: Vec<DesignSpace>,
    design: Design,
    turn: usize,
}

impl Sequential {
    /// Wraps an environment. Errors: an objective that does not fit it, or a space without parameters.
    pub fn new(env: Arc<dyn Env>, objective: &Objective) -> Result<Self, EnvError> {
        let space = env.space();
        if space.is_empty() {
            return Err(EnvError::Objective(
                "a space without parameters has nothing to choose step by step".into(),
            ));
        }
        let single = |p: &Parameter| DesignSpace::new(vec![Parameter { condition: None, ..p.clone() }]);
        let actions = space.parameters().iter().map(single).collect::<Result<_, _>>()?;
        let design = first(space);
        Ok(Self { core: Core::new(env, objective)?, actions, design, turn: 0 })
    }

    fn observe(&self) -> Observation {
        let space = self.core.env.space();
        let mut observation = Encoding::UnitCube.encode(space, &self.design);
        observation[self.turn.min(space.len())..].fill(-1.0);
        observation.extend((0..space.len()).map(|index| f64::from(index == self.turn)));
        observation
    }
}

fn first(space: &DesignSpace) -> Design {
    Design::new(space.parameters().iter().map(|p| p.domain.first()).collect::<Vec<_>>())
}

impl Episode for Sequential {
    fn observation_width(&self) -> usize {
        2 * self.actions.len()
    }

    fn observation_bounds(&self) -> Vec<(f64, f64)> {
        vec![(-1.0, 1.0); self.observation_width()]
    }

    fn action_space(&self) -> &DesignSpace {
        &self.actions[self.turn.min(self.actions.len() - 1)]
    }

    fn reset(&mut self, _seed: u64) -> Observation {
        self.turn = 0;
        self.design = first(self.core.env.space());
        self.observe()
    }

    fn step(&mut self, action: &Design) -> Step {
        if self.turn == self.actions.len() {
            self.reset(0);
        }
        self.design.set(self.turn, action.coordinate(0));
        self.turn += 1;
        let mut evaluated = None;
        if self.turn == self.actions.len() {
            let mut design = self.design.clone();
            self.core.env.space().canonicalise(&mut design);
            evaluated = Some(self.core.evaluate(design));
        }
        Step {
            observation: self.observe(),
            reward: evaluated.as_ref().map_or(0.0, |e| e.reward()),
            terminated: evaluated.is_some(),
            truncated: false,
            evaluated,
        }
    }
}
