//! Agents that learn a policy with neural networks, for one learner or several.
//!
//! An algorithm is one file, read from top to bottom: hyperparameters, how it learns, its registry entry. What all of them need stands
//! beside them once: [`heads`] (any design space as a row of decisions), [`network`] (perceptrons, gradients by hand, Adam),
//! [`categorical`], [`actors`] (policies shared out among learners, the central critic), [`archive`] and [`goals`] (what was evaluated, and
//! its reward), [`advantage`], and [`search`] (what drives an algorithm inside ask and tell). The parts that each can use and switch off are
//! [`fresh`] (never a design twice), the restart of a collapsed policy (in [`search`]), the reward's shape (in [`archive`]) and screening
//! by [`critics`].

#[cfg(feature = "neural")]
pub mod actors;
#[cfg(feature = "neural")]
pub mod advantage;
#[cfg(feature = "neural")]
pub mod archive;
#[cfg(feature = "neural")]
pub mod categorical;
#[cfg(feature = "neural")]
pub mod coma;
#[cfg(feature = "neural")]
pub mod critics;
#[cfg(feature = "neural")]
pub mod dqn;
#[cfg(feature = "neural")]
pub mod draw;
#[cfg(feature = "neural")]
pub mod fresh;
#[cfg(feature = "neural")]
pub mod goals;
#[cfg(feature = "neural")]
pub mod heads;
#[cfg(feature = "neural")]
pub mod ippo;
#[cfg(feature = "neural")]
pub mod mappo;
#[cfg(feature = "neural")]
pub mod network;
#[cfg(feature = "neural")]
pub mod ppo;
#[cfg(feature = "neural")]
pub mod reinforce;
#[cfg(feature = "neural")]
pub mod sac;
#[cfg(feature = "neural")]
pub mod search;
#[cfg(feature = "neural")]
pub mod transfer;

use crate::AgentEntry;

/// Declares the agents of this family: their ids, known to every build, and their entries, known to one with the feature.
macro_rules! agents {
    ($($id:literal => $entry:path,)*) => {
        /// Ids of all agents of this family, whether or not this program has them.
        pub(crate) const IDS: &[&str] = &[$($id),*];

        /// The entries of this family; none in a build without the feature.
        pub(crate) fn entries() -> Vec<AgentEntry> {
            #[cfg(feature = "neural")]
            let entries = vec![$($entry()),*];
            #[cfg(not(feature = "neural"))]
            let entries = Vec::new();
            entries
        }
    };
}

agents! {
    "coma" => coma::entry,
    "dqn" => dqn::entry,
    "ippo" => ippo::entry,
    "mappo" => mappo::entry,
    "policy" => transfer::agent::entry,
    "ppo" => ppo::entry,
    "reinforce" => reinforce::entry,
    "sac" => sac::entry,
}

#[cfg(all(test, feature = "neural"))]
mod tests {
    #[test]
    fn every_entry_has_the_id_it_is_declared_with() {
        let entries = super::entries();
        assert!(entries.iter().map(|entry| entry.id.as_str()).eq(super::IDS.iter().copied()));
    }
}
