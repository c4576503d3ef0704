//! Given designs first, known results at once, then the agent.

use std::collections::VecDeque;

use hwgym_envs::{Design, Fidelity};

use crate::{Agent, Evaluated};

/// Proposes given designs before its agent's own.
pub struct WarmStarted {
    agent: Box<dyn Agent>,
    waiting: VecDeque<Design>,
}

impl WarmStarted {
    /// The agent, after these designs, which must lie in its space.
    pub fn new(agent: Box<dyn Agent>, designs: Vec<Design>) -> Self {
        Self { agent, waiting: designs.into() }
    }

    /// The agent, told these results of an earlier study before its first proposal.
    pub fn from_results(mut agent: Box<dyn Agent>, results: &[Evaluated]) -> Self {
        agent.tell(results);
        Self { agent, waiting: VecDeque::new() }
    }
}

impl Agent for WarmStarted {
    fn ask(&mut self, count: usize) -> Vec<Design> {
        let given = count.min(self.waiting.len());
        let mut designs: Vec<Design> = self.waiting.drain(..given).collect();
        if designs.len() < count {
            designs.extend(self.agent.ask(count - designs.len()));
        }
        designs
    }

    fn tell(&mut self, results: &[Evaluated]) {
        self.agent.tell(results);
    }

    /// The agent's, for the given designs, too: they are the agent's first ones.
    fn fidelity(&self) -> Fidelity {
        self.agent.fidelity()
    }

    fn ended(&self) -> Option<&str> {
        self.agent.ended()
    }
}
