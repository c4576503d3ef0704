//! Wrappers by name, as a study writes them beside an agent.

use std::collections::BTreeMap;
use std::path::PathBuf;

use hwgym_envs::{Design, EnvError, Options, Value};
use serde::{Deserialize, Serialize};

use super::{Batched, Constrained, Deduplicated, Scalarisation, Scalarised, WarmStarted};
use crate::tools::ranking;
use crate::{Agent, AgentEntry, AgentError, Evaluated, Problem};

/// One wrapper.
///
/// ```
/// use hwgym_agents::wrappers::Wrapper;
///
/// let text = r#"[WarmStart(designs: [{"ways": 4, "policy": "lru"}]), Deduplicate, Batch(16)]"#;
/// let wrappers: Vec<Wrapper> = ron::from_str(text)?;
/// assert_eq!(wrappers[2], Wrapper::Batch(16));
/// # Ok::<(), ron::error::SpannedError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Wrapper {
    /// Given designs come first; results of an earlier study are told before the first proposal.
    WarmStart {
        /// Designs, as values by the parameters' names.
        #[serde(default)]
        designs: Vec<BTreeMap<String, Value>>,
        /// Directory of the earlier study.
        #[serde(default)]
        study: Option<PathBuf>,
        /// Label of its environment; that of the search if left out.
        #[serde(default)]
        environment: Option<String>,
        /// Tell only this many of its best results; all if left out.
        #[serde(default)]
        best: Option<usize>,
    },
    /// No design twice: see [`Deduplicated`].
    Deduplicate,
    /// Ask in batches of this size and tell whole batches: see [`Batched`].
    Batch(usize),
    /// Designs that break a constraint of the space are mended: see [`Constrained`].
    Constrain,
    /// Several goals are one to the agent: see [`Scalarised`]. It comes first, since the agent itself is made for one goal.
    Scalarise {
        /// One per goal; all alike if left out.
        #[serde(default)]
        weights: Vec<f64>,
        /// `WeightedSum` or `Chebyshev`.
        #[serde(default)]
        method: Scalarisation,
    },
}

/// Makes an agent and wraps it in these wrappers, the first innermost. `earlier` reads the results of a [`Wrapper::WarmStart`] from its study.
///
/// Errors: see [`AgentEntry::make`]; a warm start without anything to start from, a batch of no designs, a design outside the space,
/// a [`Wrapper::Scalarise`] that is not the first, whatever `earlier` reports.
pub fn make<E: From<AgentError>>(
    entry: &AgentEntry,
    hyperparameters: &Options,
    wrappers: &[Wrapper],
    problem: &Problem,
    seed: u64,
    earlier: impl Fn(&Wrapper) -> Result<Vec<Evaluated>, E>,
) -> Result<Box<dyn Agent>, E> {
    let (mut agent, wrappers): (Box<dyn Agent>, _) = match wrappers {
        [Wrapper::Scalarise { weights, method }, outer @ ..] => {
            let agent = entry.make(hyperparameters, &Scalarised::problem(problem), seed)?;
            (Box::new(Scalarised::new(agent, weights, *method, problem.goals)?), outer)
        }
        all => (entry.make(hyperparameters, problem, seed)?, all),
    };
    for wrapper in wrappers {
        agent = match wrapper {
            Wrapper::Scalarise { .. } => {
                let expected = "the first of the wrappers: the agent inside is made for one goal";
                return Err(AgentError::out_of_range("Scalarise", "not the first", expected).into());
            }
            Wrapper::Deduplicate => Box::new(Deduplicated::new(agent, problem.clone(), seed)),
            Wrapper::Batch(size @ 1..) => Box::new(Batched::new(agent, *size)),
            Wrapper::Batch(_) => return Err(AgentError::out_of_range("Batch", 0, "1 design or more").into()),
            Wrapper::Constrain => Box::new(Constrained::new(agent, problem.clone(), seed)),
            Wrapper::WarmStart { designs, study, best, .. } => {
                if designs.is_empty() && study.is_none() {
                    let expected = "`designs: [...]`, `study: \"DIRECTORY\"`, or both";
                    return Err(AgentError::out_of_range("WarmStart", "empty", expected).into());
                }
                let given: Result<Vec<Design>, _> =
                    designs.iter().map(|values| problem.space.design(values.clone())).collect();
                let given = given.map_err(|error| AgentError::from(EnvError::from(error)))?;
                if study.is_some() {
                    let mut results = earlier(wrapper)?;
                    if let Some(best) = best {
                        ranking::sort_best_first(&mut results, problem.goals);
                        results.truncate(*best);
                    }
                    agent = Box::new(WarmStarted::from_results(agent, &results));
                }
                Box::new(WarmStarted::new(agent, given))
            }
        };
    }
    Ok(agent)
}
