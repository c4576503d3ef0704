//! The constraints of the space, for agents that know of none.

use hwgym_envs::{Design, Fidelity, Random};

use crate::tools::variation::mutate;
use crate::{Agent, Evaluated, Problem};

/// Replaces a design that breaks a constraint of the space by a near one that keeps it: mutations of growing size, then a random draw.
///
/// The agent learns the result under the design that was evaluated.
pub struct Constrained {
    agent: Box<dyn Agent>,
    problem: Problem,
    random: Random,
}

impl Constrained {
    /// The agent within the constraints of the problem's space.
    pub fn new(agent: Box<dyn Agent>, problem: Problem, seed: u64) -> Self {
        Self { agent, problem, random: Random::derived(seed, "constrained") }
    }
}

impl Agent for Constrained {
    fn ask(&mut self, count: usize) -> Vec<Design> {
        let Self { agent, problem, random } = self;
        let space = &problem.space;
        let repair = |design: Design| {
            let mut best = (space.violation(&design), design);
            for attempt in 0..60 {
                if best.0 == 0.0 {
                    return best.1;
                }
                let mut near = best.1.clone();
                mutate(space, &mut near, 0.2, 0.02 * f64::from(1 + attempt / 10), random);
                let violation = space.violation(&near);
                if violation < best.0 {
                    best = (violation, near);
                }
            }
            let drawn = space.sample(random);
            if space.violation(&drawn) < best.0 { drawn } else { best.1 }
        };
        agent.ask(count).into_iter().map(repair).collect()
    }

    fn tell(&mut self, results: &[Evaluated]) {
        self.agent.tell(results);
    }

    fn fidelity(&self) -> Fidelity {
        self.agent.fidelity()
    }

    fn ended(&self) -> Option<&str> {
        self.agent.ended()
    }
}
