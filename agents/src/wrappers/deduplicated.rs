//! No design twice.

use hwgym_envs::{Design, Fidelity, Random};

use crate::tools::seen::{Seen, unseen_sample};
use crate::{Agent, Evaluated, Problem};

/// Replaces a design that was proposed or told before: by asking again a few times, then by a random new one. Where a discrete space is
/// used up, it proposes nothing more.
pub struct Deduplicated {
    agent: Box<dyn Agent>,
    problem: Problem,
    random: Random,
    seen: Seen,
}

impl Deduplicated {
    /// The agent without repetitions. The seed is for the random replacements.
    pub fn new(agent: Box<dyn Agent>, problem: Problem, seed: u64) -> Self {
        Self { agent, problem, random: Random::derived(seed, "deduplicated"), seen: Seen::default() }
    }
}

impl Agent for Deduplicated {
    fn ask(&mut self, count: usize) -> Vec<Design> {
        let mut designs = Vec::new();
        let mut tries = 0;
        while designs.len() < count && tries < 5 {
            tries += 1;
            let asked = self.agent.ask(count - designs.len());
            if asked.is_empty() {
                return designs;
            }
            designs.extend(asked.into_iter().filter(|design| self.seen.insert(design)));
        }
        while designs.len() < count {
            let Some(design) = unseen_sample(&self.problem.space, &self.seen, &mut self.random) else {
                break;
            };
            self.seen.insert(&design);
            designs.push(design);
        }
        designs
    }

    fn tell(&mut self, results: &[Evaluated]) {
        results.iter().for_each(|result| {
            self.seen.insert(&result.design);
        });
        self.agent.tell(results);
    }

    fn fidelity(&self) -> Fidelity {
        self.agent.fidelity()
    }

    fn ended(&self) -> Option<&str> {
        self.agent.ended()
    }
}
