//! Agents that learn a policy with neural networks (feature `neural`, burn's pure-Rust CPU backend).
//!
//! What every algorithm of this family needs is here once: [`heads`] (any design space as a set of categorical choices),
//! [`categorical`] (their distribution), [`network`] (actor and critic), [`advantage`] (generalised advantage estimation) and
//! [`search`] (the roll-out inside ask, the training inside tell). An algorithm is one file beside them.

pub mod advantage;
pub mod categorical;
pub mod heads;
pub mod ippo;
pub mod network;
pub mod ppo;
pub mod search;
