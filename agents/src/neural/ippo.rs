//! `ippo`: independent proximal policy optimisation, one learner per named group of parameters, one shared reward.
//!
//! Source: de Witt et al., "Is independent learning all you need in the StarCraft multi-agent challenge?", 2020; on hardware design spaces,
//! one agent per parameter: Krishnan et al., "Multi-agent reinforcement learning for microprocessor design space exploration", 2022.
//!
//! Every learner has a policy, a critic and a probability ratio of its own; it sees the others only through the reward. Loss and learner are
//! those of [`ppo`](super::ppo).

use hwgym_envs::{EnvError, Group};

use super::ppo::{Learners, PpoSettings, document, search};
use crate::{AgentEntry, AgentError, Problem};

/// Positions of the parameters of every learner. Errors: groups that overlap, miss a parameter, or name an unknown one.
fn owned(learners: &Learners, problem: &Problem) -> Result<Vec<Vec<usize>>, AgentError> {
    let space = &problem.space;
    let groups = match learners {
        Learners::PerGroup => space.groups(),
        Learners::PerParameter => space.parameters().iter().map(|p| Group::new(&p.name, [&p.name])).collect(),
        Learners::Groups(groups) => {
            (**space).clone().with_groups(groups.clone()).map_err(EnvError::from)?.groups()
        }
    };
    let positions = |group: &Group| group.parameters.iter().map(|name| space.position(name)).collect();
    let owned: Result<Vec<Vec<usize>>, _> =
        groups.iter().filter(|group| !group.parameters.is_empty()).map(positions).collect();
    owned.map_err(|error| EnvError::from(error).into())
}

pub(crate) fn entry() -> AgentEntry {
    document(AgentEntry::new(
        "ippo",
        "independent PPO: one learner per group of parameters, shared reward (de Witt et al. 2020)",
        |options, problem, seed| {
            let settings = PpoSettings::read(options, problem)?;
            let owned = owned(&settings.learners, problem)?;
            Ok(Box::new(search(owned, &settings, problem, seed)))
        },
    ))
    .hyperparameter(
        "learners",
        "PerGroup",
        "PerGroup, PerParameter or Groups([(name: .., parameters: [..]), ..])",
        "who decides what; groups have every parameter exactly once",
    )
}
