//! One agent per group of parameters, one shared reward.

use std::sync::Arc;

use super::Core;
use crate::episode::{MultiAgentEpisode, MultiAgentStep, Observation};
use crate::{Design, DesignSpace, Env, EnvError, Objective, Parameter};

/// An episode in which the groups of the design space act at once. Every agent sees the metrics of the previous design and gets the same
/// reward; what it decides is its own group.
pub struct MultiAgent {
    core: Core,
    names: Vec<String>,
    actions: Vec<DesignSpace>,
    /// Per agent: the positions of its parameters in the whole space.
    positions: Vec<Vec<usize>>,
}

impl MultiAgent {
    /// Wraps an environment; the agents are its space's [groups](DesignSpace::groups). Errors: an objective that does not fit it.
    pub fn new(env: Arc<dyn Env>, objective: &Objective) -> Result<Self, EnvError> {
        let space = env.space();
        let (mut names, mut actions, mut positions) = (Vec::new(), Vec::new(), Vec::new());
        for group in space.groups() {
            let indices =
                group.parameters.iter().map(|name| space.position(name)).collect::<Result<Vec<_>, _>>()?;
            let own = indices.iter().map(|i| Parameter { condition: None, ..space.parameters()[*i].clone() });
            actions.push(DesignSpace::new(own.collect())?);
            positions.push(indices);
            names.push(group.name);
        }
        Ok(Self { core: Core::new(env, objective)?, names, actions, positions })
    }

    /// The whole design that these actions make, one per agent.
    pub fn join(&self, actions: &[Design]) -> Design {
        let space = self.core.env.space();
        let mut design = Design::new(vec![0.0; space.len()]);
        for (positions, action) in self.positions.iter().zip(actions) {
            for (position, coordinate) in positions.iter().zip(action.coordinates()) {
                design.set(*position, *coordinate);
            }
        }
        space.canonicalise(&mut design);
        design
    }
}

impl MultiAgentEpisode for MultiAgent {
    fn agents(&self) -> Vec<String> {
        self.names.clone()
    }

    fn observation_width(&self) -> usize {
        self.core.env.metrics().len()
    }

    fn observation_bounds(&self) -> Vec<(f64, f64)> {
        vec![(-1.0, 1.0); self.observation_width()]
    }

    fn action_space(&self, agent: usize) -> &DesignSpace {
        &self.actions[agent]
    }

    fn reset(&mut self, _seed: u64) -> Vec<Observation> {
        vec![self.core.observe(None); self.names.len()]
    }

    fn step(&mut self, actions: &[Design]) -> MultiAgentStep {
        let evaluated = self.core.evaluate(self.join(actions));
        MultiAgentStep {
            observations: vec![self.core.observe(Some(&evaluated)); self.names.len()],
            rewards: vec![evaluated.reward(); self.names.len()],
            terminated: evaluated.score.done,
            truncated: false,
            evaluated: Some(evaluated),
        }
    }
}
