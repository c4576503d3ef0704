//! Wrappers by name, as a study writes them beside an agent.

use std::collections::BTreeMap;
use std::path::PathBuf;

use hwgym_envs::{Design, EnvError, Value};
use serde::{Deserialize, Serialize};

use super::{Batched, Constrained, Deduplicated, WarmStarted};
use crate::tools::ranking;
use crate::{Agent, AgentError, Evaluated, Problem};

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
}

/// Wraps an agent in these wrappers, the first innermost. `earlier` reads the results of a [`Wrapper::WarmStart`] from its study.
///
/// Errors: a warm start without anything to start from, a batch of no designs, a design outside the space, whatever `earlier` reports.
pub fn wrap<E: From<AgentError>>(
    agent: Box<dyn Agent>,
    wrappers: &[Wrapper],
    problem: &Problem,
    seed: u64,
    earlier: impl Fn(&Wrapper) -> Result<Vec<Evaluated>, E>,
) -> Result<Box<dyn Agent>, E> {
    let mut agent = agent;
    for wrapper in wrappers {
        agent = match wrapper {
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
