//! Wrappers that compose with any agent: each takes a boxed agent and is one. A study names them beside an agent: [`Wrapper`].
//!
//! ```
//! use hwgym_agents::wrappers::{Deduplicated, WarmStarted};
//! use hwgym_agents::{Agent, Problem, Registry};
//! use hwgym_envs::{DesignSpace, Goal, Metric, Objective, Options, Parameter};
//! use std::sync::Arc;
//!
//! let space = Arc::new(DesignSpace::new(vec![Parameter::integer("x", 0, 9)])?);
//! let objective = Objective::new("least", vec![Goal::Minimise("y".into())]);
//! let problem = Problem::new(space.clone(), &objective.scorer(&[Metric::minimise("y", "1", "x")])?, None);
//! let known = space.design([("x", 4.into())])?;
//! let inner = Registry::builtin().make("random", &Options::none(), &problem, 1)?;
//! let mut agent = WarmStarted::new(Box::new(Deduplicated::new(inner, problem, 1)), vec![known.clone()]);
//! assert_eq!(agent.ask(1), [known]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod batched;
mod constrained;
mod deduplicated;
mod named;
mod scalarised;
mod unfolded;
mod warm_started;

pub use batched::Batched;
pub use constrained::Constrained;
pub use deduplicated::Deduplicated;
pub use named::{Wrapper, make};
pub use scalarised::{Scalarisation, Scalarised};
pub use unfolded::Unfolded;
pub use warm_started::WarmStarted;
