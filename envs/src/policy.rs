//! Plain policies by name: how an episode can be played before anything is learned.

use std::str::FromStr;

use crate::suggest::suggestion;
use crate::{Design, DesignSpace, EnvError, Random};

/// Chooses actions without looking at observations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// Every action is drawn anew.
    Random,
    /// An action that helped is taken again, another one is drawn where it did not.
    Persistent,
    /// The middle of every parameter's domain.
    Middle,
}

impl Policy {
    /// All of them with their names.
    pub const ALL: [(&str, Policy); 3] =
        [("random", Policy::Random), ("persistent", Policy::Persistent), ("middle", Policy::Middle)];
}

impl FromStr for Policy {
    type Err = EnvError;

    fn from_str(name: &str) -> Result<Self, EnvError> {
        let known = Self::ALL.map(|(name, _)| name);
        Self::ALL.iter().find(|(known, _)| *known == name).map(|(_, policy)| *policy).ok_or_else(|| {
            let hint = suggestion(name, &known);
            EnvError::invalid("policy", format!("there is no `{name}`{hint}"))
        })
    }
}

/// A policy at play, for one agent.
pub struct Player {
    policy: Policy,
    random: Random,
    last: Option<(Design, f64)>,
}

impl Player {
    /// Starts to play; `agent` tells the random streams of several players of one seed apart.
    pub fn new(policy: Policy, seed: u64, agent: &str) -> Self {
        Self { policy, random: Random::derived(seed, &format!("play/{agent}")), last: None }
    }

    /// The next action. `reward` is what the last one gave; `None` before the first.
    pub fn act(&mut self, space: &DesignSpace, reward: Option<f64>) -> Design {
        let action = match (self.policy, &self.last, reward) {
            (Policy::Middle, ..) => {
                Design::new(space.parameters().iter().map(|p| p.domain.from_unit(0.5)).collect::<Vec<_>>())
            }
            (Policy::Persistent, Some((action, before)), Some(reward))
                if reward > *before && space.validate(action).is_ok() =>
            {
                action.clone()
            }
            _ => space.sample(&mut self.random),
        };
        self.last = Some((action.clone(), reward.unwrap_or(f64::NEG_INFINITY)));
        action
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Parameter;

    #[test]
    fn what_helped_is_taken_again() -> Result<(), EnvError> {
        let space = DesignSpace::new(vec![Parameter::integer("x", 0, 1_000_000)])?;
        let mut player = Player::new("persistent".parse()?, 1, "a");
        let first = player.act(&space, None);
        assert_eq!(player.act(&space, Some(1.0)), first);
        let other = player.act(&space, Some(0.5));
        assert_ne!(other, first);
        assert_eq!(player.act(&space, Some(0.7)), other);
        assert!("greedy".parse::<Policy>().is_err_and(|e| e.to_string().contains("`persistent`")));
        Ok(())
    }
}
