//! Asking and telling in batches of one size, whatever the runner does.

use std::collections::VecDeque;

use hwgym_envs::{Design, Fidelity};

use crate::{Agent, Evaluated};

/// Asks its agent for batches of a fixed size and tells it a whole batch at a time. Proposals depend on whole batches alone, so a run with
/// one worker and one with many take the same way.
pub struct Batched {
    agent: Box<dyn Agent>,
    size: usize,
    waiting: VecDeque<Design>,
    outstanding: usize,
    results: Vec<Evaluated>,
}

impl Batched {
    /// The agent in batches of `size`, at least 1.
    pub fn new(agent: Box<dyn Agent>, size: usize) -> Self {
        Self { agent, size: size.max(1), waiting: VecDeque::new(), outstanding: 0, results: Vec::new() }
    }
}

impl Agent for Batched {
    /// Fewer than asked for at the end of a batch: the next one starts when all its results are told.
    fn ask(&mut self, count: usize) -> Vec<Design> {
        if self.waiting.is_empty() && self.outstanding == 0 {
            self.waiting = self.agent.ask(self.size).into();
        }
        let given = count.min(self.waiting.len());
        self.outstanding += given;
        self.waiting.drain(..given).collect()
    }

    fn tell(&mut self, results: &[Evaluated]) {
        self.results.extend_from_slice(results);
        self.outstanding = self.outstanding.saturating_sub(results.len());
        if self.outstanding == 0 && self.waiting.is_empty() {
            self.agent.tell(&std::mem::take(&mut self.results));
        }
    }

    fn fidelity(&self) -> Fidelity {
        self.agent.fidelity()
    }

    fn ended(&self) -> Option<&str> {
        self.agent.ended()
    }
}
