//! `ippo`: independent proximal policy optimisation, one learner per named group of parameters, one shared reward.
//!
//! Source: de Witt et al., "Is independent learning all you need in the StarCraft multi-agent challenge?", 2020; on hardware design spaces,
//! one agent per parameter: Krishnan et al., "Multi-agent reinforcement learning for microprocessor design space exploration", 2022.
//!
//! Every learner has a policy, a critic and a probability ratio of its own; it sees the others only through the reward. Loss and learner are
//! those of [`ppo`](super::ppo).

use super::ppo::{PpoSettings, document};
use super::search::PolicySearch;
use crate::{AgentEntry, AgentError};

pub(crate) fn entry() -> AgentEntry {
    document(AgentEntry::new(
        "ippo",
        "independent PPO: one learner per group of parameters, shared reward (de Witt et al. 2020)",
        |options, problem, seed| {
            let settings = PpoSettings::read(options, problem)?;
            let position = |name: &String| problem.space.position(name);
            let groups = problem.space.groups();
            let owned: Result<Vec<Vec<usize>>, _> =
                groups.iter().map(|group| group.parameters.iter().map(position).collect()).collect();
            let owned = owned.map_err(|error| AgentError::Env(error.into()))?;
            Ok(Box::new(PolicySearch::new(owned, settings, problem, seed)))
        },
    ))
}
