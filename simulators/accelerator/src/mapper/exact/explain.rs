//! Why there is no mapping.
use serde::Serialize;

use super::solver::{Keep, Solver};
use crate::error::Result;
use crate::timeloop::constraints::Limits;
use crate::timeloop::model::Model;

/// What does not fit, where there is no valid mapping at all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NoMapping {
    /// Level, where one can be named.
    pub level: Option<String>,
    /// Data space with the largest tile there.
    pub data_space: Option<String>,
    /// Words missing at the least.
    pub missing_words: u64,
    /// The whole sentence.
    pub reason: String,
}

impl std::fmt::Display for NoMapping {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "no valid mapping: {}", self.reason)
    }
}

impl std::error::Error for NoMapping {}

/// Says why there is no valid mapping; `None` where there is one.
///
/// # Errors
/// As [`super::solve`].
pub fn explain(model: &Model, limits: &Limits) -> Result<Option<NoMapping>> {
    let solver = Solver::new(model, limits, None)?;
    let mut worst: Option<NoMapping> = None;
    for keep in solver.keeps()? {
        match solver.explain(&keep) {
            None => return Ok(None),
            Some(why) => {
                if worst.as_ref().is_none_or(|w| why.missing_words < w.missing_words) {
                    worst = Some(why);
                }
            }
        }
    }
    Ok(worst)
}

impl Solver<'_> {
    fn explain(&self, keep: &Keep) -> Option<NoMapping> {
        let built = self.tables(&self.context(keep));
        let model = self.model;
        let top = model.levels - 1;
        if built[top].feasible[self.lattice.size - 1] {
            return None;
        }
        for (level, tables) in built.iter().enumerate() {
            if tables.feasible.iter().any(|f| *f) {
                continue;
            }
            // The children spans can be built, but no tile with them fits.
            let kept: Vec<usize> = (0..model.spaces.len()).filter(|v| keep[level] >> v & 1 == 1).collect();
            let words = |index: u32| kept.iter().map(|&v| self.counts.tile[v][index as usize]).sum::<u64>();
            let name = model.architecture.levels[level].name.clone();
            let Some(span) = tables.spans.iter().min_by_key(|s| (words(s.index), s.index)) else {
                return Some(NoMapping {
                    reason: format!("the spatial constraints below {name} leave no choice"),
                    level: Some(name),
                    data_space: None,
                    missing_words: 0,
                });
            };
            let least = words(span.index);
            let largest = kept.iter().max_by_key(|&&v| self.counts.tile[v][span.index as usize]);
            let data_space = largest.map(|&v| model.problem.spaces[v].name.clone());
            let missing = least.saturating_sub(model.capacity[level]);
            let share = largest.map_or(0, |&v| self.counts.tile[v][span.index as usize]);
            return Some(NoMapping {
                reason: format!(
                    "{name} has {} words, the smallest tiles it must keep have {least} ({} {share}): at least {missing} words are missing",
                    model.capacity[level],
                    data_space.as_deref().unwrap_or("nothing"),
                ),
                level: Some(name),
                data_space,
                missing_words: missing,
            });
        }
        Some(NoMapping {
            level: None,
            data_space: None,
            missing_words: 0,
            reason: "the constraints and the meshes leave no factors that multiply to the bounds".into(),
        })
    }
}
