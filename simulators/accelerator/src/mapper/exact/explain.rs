//! Why there is no mapping.
use serde::Serialize;

use super::solver::{Keep, Solver};
use crate::error::Result;
use crate::timeloop::constraints::Limits;
use crate::timeloop::model::Model;
use crate::workload::MAX_DIMS;

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

impl NoMapping {
    /// A level that must keep `least` words, the most of them of one space.
    fn too_large(model: &Model, level: usize, largest: Option<(u64, usize)>, least: u64) -> Self {
        let name = model.architecture.levels[level].name.clone();
        let capacity = model.capacity[level];
        let missing = least - capacity;
        let (share, data_space) = match largest {
            Some((share, v)) => (share, Some(model.problem.spaces[v].name.clone())),
            None => (0, None),
        };
        let reason = format!(
            "{name} has {capacity} words, the smallest tiles it must keep have {least} ({} {share}): at least {missing} {} missing",
            data_space.as_deref().unwrap_or("nothing"),
            if missing == 1 { "word is" } else { "words are" },
        );
        Self { level: Some(name), data_space, missing_words: missing, reason }
    }

    /// A reason that names no level.
    pub(crate) fn without_level(reason: String) -> Self {
        Self { level: None, data_space: None, missing_words: 0, reason }
    }

    /// The reason where all tiles fit by themselves.
    pub(crate) fn unjoined() -> Self {
        let reason =
            "no tiles that fit the levels can be joined by factors that the constraints and the meshes allow";
        Self::without_level(reason.into())
    }
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
    if let Some(dim) = (0..model.dims).find(|&d| !solver.reaches_bound(d)) {
        return Ok(Some(NoMapping::without_level(format!(
            "no factors of dimension {} that the constraints and the meshes allow multiply to its bound {}",
            model.problem.dims[dim], model.problem.bounds[dim]
        ))));
    }
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
        if let Some(why) = self.forced_too_large(keep) {
            return Some(why);
        }
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
            let capacity = model.capacity[level];
            let largest =
                kept.iter().map(|&v| (self.counts.tile[v][span.index as usize], v)).max_by_key(|w| w.0);
            if least > capacity {
                return Some(NoMapping::too_large(model, level, largest, least));
            }
            if model.least[level] == 0 {
                break;
            }
            return Some(NoMapping {
                reason: format!(
                    "no tile of {name} is between its least use of {} words (min_utilization) and its {capacity} words",
                    model.least[level]
                ),
                level: Some(name),
                data_space: largest.map(|(_, v)| model.problem.spaces[v].name.clone()),
                missing_words: 0,
            });
        }
        Some(NoMapping::unjoined())
    }

    /// A level whose tile the factor limits force beyond its capacity.
    fn forced_too_large(&self, keep: &Keep) -> Option<NoMapping> {
        let model = self.model;
        let mut inside = [1u64; MAX_DIMS];
        for level in 0..model.levels {
            let mut smallest = [1u64; MAX_DIMS];
            for d in 0..model.dims {
                inside[d] *= u64::from(self.limits.spatial[level].least[d])
                    * u64::from(self.limits.temporal[level].least[d]);
                let outside = (level + 1..model.levels).fold(1u64, |most, l| {
                    let factors = [self.limits.spatial[l].most[d], self.limits.temporal[l].most[d]];
                    factors.iter().fold(most, |most, &f| most.saturating_mul(u64::from(f)))
                });
                let least = inside[d].max(model.problem.bounds[d].div_ceil(outside));
                let divisors = self.lattice.divisors[d].iter().map(|&e| u64::from(e));
                smallest[d] = divisors.into_iter().find(|&e| e >= least).unwrap_or(model.problem.bounds[d]);
            }
            let kept = (0..model.spaces.len()).filter(|v| keep[level] >> v & 1 == 1);
            let words: Vec<(u64, usize)> = kept.map(|v| (model.spaces[v].tile(&smallest), v)).collect();
            let all: u64 = words.iter().map(|w| w.0).sum();
            if all > model.capacity[level] {
                let largest = words.iter().max_by_key(|w| w.0);
                return Some(NoMapping::too_large(model, level, largest.copied(), all));
            }
        }
        None
    }

    /// Whether factors within the limits of all blocks can multiply to a dimension's bound, taken by itself.
    fn reaches_bound(&self, dim: usize) -> bool {
        let divisors = &self.lattice.divisors[dim];
        let mut reached = vec![false; divisors.len()];
        reached[0] = true;
        for level in 0..self.model.levels {
            let (x, y) = self.model.fanout[level];
            let allowed = |mask: u16, size: u64| if mask >> dim & 1 == 1 { size } else { 1 };
            let widest =
                allowed(self.limits.x_allowed[level], x).max(allowed(self.limits.y_allowed[level], y));
            for (limits, widest) in
                [(&self.limits.spatial[level], widest), (&self.limits.temporal[level], u64::MAX)]
            {
                let fits = |factor: u32| {
                    (limits.least[dim]..=limits.most[dim]).contains(&factor) && u64::from(factor) <= widest
                };
                reached = (0..divisors.len())
                    .map(|to| {
                        (0..=to).any(|from| {
                            reached[from]
                                && divisors[to].is_multiple_of(divisors[from])
                                && fits(divisors[to] / divisors[from])
                        })
                    })
                    .collect();
            }
        }
        reached.last().is_some_and(|&r| r)
    }
}
