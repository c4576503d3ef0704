//! Agents that learn a policy with neural networks (feature `neural`, burn's pure-Rust CPU backend).
//!
//! What every algorithm of this family needs is here once: `heads` (any design space as a set of categorical choices), `categorical` (their
//! distribution), `network` (actor and critic), `advantage` (generalised advantage estimation), `learner` (the trait that an algorithm
//! implements) and `search` (the roll-out inside ask, the training inside tell). An algorithm is one file beside them and one line in
//! `AGENTS`.

#[cfg(feature = "neural")]
pub mod advantage;
#[cfg(feature = "neural")]
pub mod categorical;
#[cfg(feature = "neural")]
pub mod heads;
#[cfg(feature = "neural")]
pub mod ippo;
#[cfg(feature = "neural")]
pub mod learner;
#[cfg(feature = "neural")]
pub mod network;
#[cfg(feature = "neural")]
pub mod ppo;
#[cfg(feature = "neural")]
pub mod search;

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
    "ippo" => ippo::entry,
    "ppo" => ppo::entry,
}

#[cfg(all(test, feature = "neural"))]
mod tests {
    #[test]
    fn every_entry_has_the_id_it_is_declared_with() {
        let entries = super::entries();
        assert!(entries.iter().map(|entry| entry.id.as_str()).eq(super::IDS.iter().copied()));
    }
}
