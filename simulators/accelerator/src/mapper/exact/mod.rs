//! The exact mapper: the best mapping of the loop-nest model, with a proof.
//!
//! Exact over all perfect factorisations, loop orders, mesh axes and (where constraints leave it open) bypass choices, with link
//! transfers off, for one sliding input at most. Branch and bound over tiles, outermost level first: a state is the tile of
//! the next level, labels in one state are compared for dominance, and admissible tables bound what is left.
//! Passes with a growing cut give an incumbent early, and a certified gap when a time limit ends the search.
//! Deterministic: ties are broken by the order of tiles, mesh options and loop orders.
mod lattice;
mod orders;
mod search;
mod tables;

use std::time::{Duration, Instant};

use serde::Serialize;

use crate::error::{Error, Result};
use crate::timeloop::MAX_LEVELS;
use crate::timeloop::constraints::Limits;
use crate::timeloop::evaluate::Cost;
use crate::timeloop::mapping::Nest;
use crate::timeloop::model::Model;
use crate::workload::MAX_SPACES;
use lattice::Lattice;
pub(crate) use lattice::divisors_of;
use search::Search;
use tables::{Context, LevelTables, Pair, Shared, SpatialOption, spatial_options};

/// What is minimised.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Goal {
    /// Energy.
    Energy,
    /// Cycles, and among equals energy.
    Delay,
    /// Energy times cycles.
    Edp,
}

impl Goal {
    /// The figure that is compared.
    pub fn value(self, cost: &Cost) -> f64 {
        match self {
            Self::Energy => cost.energy_pj,
            Self::Delay => cost.cycles as f64,
            Self::Edp => cost.edp(),
        }
    }

    /// Whether `a` is better than `b`; delays break ties by energy.
    pub fn better(self, a: &Cost, b: &Cost) -> bool {
        match self {
            Self::Delay => (a.cycles, a.energy_pj) < (b.cycles, b.energy_pj),
            _ => self.value(a) < self.value(b),
        }
    }
}

/// A mapping with its cost.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Solution {
    /// The mapping.
    pub nest: Nest,
    /// Its cost, from the plain evaluator.
    pub cost: Cost,
}

/// What has been proven.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Proof {
    /// No mapping is better.
    pub optimal: bool,
    /// No mapping has a smaller value of the goal.
    pub lower_bound: f64,
    /// `value / lower_bound - 1` of the best mapping found.
    pub gap: f64,
}

/// The outcome of a search.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// The best mapping, `None` where there is no valid one (or none was found in time).
    pub best: Option<Solution>,
    /// Proof of its quality.
    pub proof: Proof,
    /// Steps evaluated.
    pub nodes: u64,
}

/// Finds the best mapping.
///
/// # Errors
/// A problem outside the exact mapper's reach: too many tiles, several sliding data spaces, a sliding output, link transfers.
pub fn solve(model: &Model, limits: &Limits, goal: Goal, time_limit: Option<Duration>) -> Result<Outcome> {
    let solver = Solver::new(model, limits)?;
    let deadline = time_limit.map(|t| Instant::now() + t);
    let mut patterns = solver.patterns()?;
    // The most promising bypass pattern first.
    let mut order: Vec<(f64, [u8; MAX_LEVELS])> = Vec::new();
    if patterns.len() > 1 {
        for keep in patterns.drain(..) {
            if deadline.is_some_and(|d| Instant::now() >= d) {
                order.push((0.0, keep));
                continue;
            }
            if let Some(bound) = solver.root_bound(&keep, goal) {
                order.push((bound, keep));
            }
        }
        order.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    } else {
        order.extend(patterns.drain(..).map(|keep| (0.0, keep)));
    }
    let mut best: Option<Solution> = None;
    let mut proven = f64::INFINITY;
    let mut nodes = 0;
    for (bound, keep) in order {
        if let Some(b) = &best
            && goal != Goal::Delay
            && bound >= goal.value(&b.cost)
        {
            break;
        }
        let (found, lower, visited) = solver.solve_pattern(&keep, goal, best, deadline);
        best = found;
        nodes += visited;
        proven = proven.min(lower);
    }
    let value = best.map_or(f64::INFINITY, |b| goal.value(&b.cost));
    let lower_bound = proven.min(value);
    let optimal = lower_bound >= value;
    let gap = if optimal { 0.0 } else { value / lower_bound - 1.0 };
    Ok(Outcome { best, proof: Proof { optimal, lower_bound, gap }, nodes })
}

/// The whole front of energy and cycles, fewest cycles first, and whether it is complete.
///
/// # Errors
/// As [`solve`].
pub fn front(
    model: &Model,
    limits: &Limits,
    time_limit: Option<Duration>,
) -> Result<(Vec<Solution>, bool, u64)> {
    let deadline = time_limit.map(|t| Instant::now() + t);
    let solver = Solver::new(model, limits)?;
    let mut front: Vec<Solution> = Vec::new();
    let mut nodes = 0;
    let mut complete = true;
    for goal in [Goal::Delay, Goal::Energy, Goal::Edp] {
        let left = deadline.map(|d| d.saturating_duration_since(Instant::now()));
        let outcome = solve(model, limits, goal, left)?;
        nodes += outcome.nodes;
        if let Some(s) = outcome.best {
            insert(&mut front, s);
        }
    }
    for keep in solver.patterns()? {
        let built = solver.build(&keep);
        let context = solver.context(&keep);
        let mut search = Search::new(&context, &built, Goal::Energy, None, deadline);
        search.front = Some(std::mem::take(&mut front));
        if search.root_bound().is_some() {
            search.pass((f64::INFINITY, f64::INFINITY));
        }
        nodes += search.nodes;
        complete &= !search.timed_out;
        front = search.front.take().unwrap_or_default();
    }
    front.sort_by_key(|mapping| mapping.cost.cycles);
    Ok((front, complete, nodes))
}

fn insert(front: &mut Vec<Solution>, s: Solution) {
    let covers = |a: &Cost, b: &Cost| a.energy_pj <= b.energy_pj && a.cycles <= b.cycles;
    if front.iter().any(|o| covers(&o.cost, &s.cost)) {
        return;
    }
    front.retain(|o| !covers(&s.cost, &o.cost));
    front.push(s);
}

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
/// As [`solve`].
pub fn explain(model: &Model, limits: &Limits) -> Result<Option<NoMapping>> {
    let solver = Solver::new(model, limits)?;
    let mut worst: Option<NoMapping> = None;
    for keep in solver.patterns()? {
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

struct Solver<'a> {
    model: &'a Model,
    limits: &'a Limits,
    lattice: Lattice,
    shared: Shared,
}

impl<'a> Solver<'a> {
    fn new(model: &'a Model, limits: &'a Limits) -> Result<Self> {
        let sliding: Vec<usize> = (0..model.spaces.len()).filter(|&v| !model.spaces[v].plain).collect();
        if sliding.len() > 1 || sliding.iter().any(|&v| model.spaces[v].read_write) {
            return Err(Error::invalid(
                "the exact mapper takes one sliding input at most, and no sliding output",
                "use a sampling mapper for this problem",
            ));
        }
        if model.link_transfers {
            return Err(Error::invalid(
                "the exact mapper does not model link transfers",
                "turn them off for the search; a found mapping may be evaluated with them",
            ));
        }
        let lattice = Lattice::new(&model.problem.bounds)?;
        let shared = Shared::new(model, &lattice);
        Ok(Self { model, limits, lattice, shared })
    }

    /// All keep masks that the constraints allow.
    fn patterns(&self) -> Result<Vec<[u8; MAX_LEVELS]>> {
        let (levels, spaces) = (self.model.levels, self.model.spaces.len());
        let all = ((1u16 << spaces) - 1) as u8;
        let mut list = vec![[0u8; MAX_LEVELS]];
        for level in 0..levels {
            let free = if level + 1 == levels {
                0
            } else {
                all & !self.limits.keep[level] & !self.limits.bypass[level]
            };
            let mut longer = Vec::new();
            for pattern in &list {
                let mut subset = free;
                loop {
                    let mut next = *pattern;
                    next[level] = (self.limits.keep[level] & all) | subset;
                    longer.push(next);
                    if subset == 0 {
                        break;
                    }
                    subset = (subset - 1) & free;
                }
            }
            if longer.len() > 1 << 13 {
                return Err(Error::invalid(
                    "the constraints leave more than 8192 choices of what each level keeps",
                    "fix keep and bypass of some levels",
                ));
            }
            list = longer;
        }
        Ok(list)
    }

    fn context<'b>(&'b self, keep: &'b [u8; MAX_LEVELS]) -> Context<'b> {
        let model = self.model;
        let mut most = vec![[1.0f64; MAX_SPACES]; model.levels];
        for (level, slot) in most.iter_mut().enumerate() {
            for option in &self.options(level) {
                for v in 0..model.spaces.len() {
                    slot[v] = slot[v].max(option.shared[v]);
                }
            }
        }
        let mut pairs = Vec::new();
        for level in 0..model.levels {
            let mut row = [None; MAX_SPACES];
            for (v, slot) in row.iter_mut().enumerate().take(model.spaces.len()) {
                let keeps = |l: &usize| keep[*l] >> v & 1 == 1;
                let parent = (level..model.levels).find(keeps).unwrap_or(model.levels - 1);
                let child = (0..level).rev().find(keeps);
                let product = |range: std::ops::Range<usize>| range.map(|l| most[l][v]).product::<f64>();
                *slot = Some(Pair {
                    parent,
                    child,
                    shared_above: product(level + 1..parent + 1),
                    shared_below: product(child.map_or(0, |c| c + 1)..level),
                    reduced: product(parent + 1..model.levels),
                });
            }
            pairs.push(row);
        }
        Context { model, limits: self.limits, lattice: &self.lattice, shared: &self.shared, keep, pairs }
    }

    fn options(&self, level: usize) -> Vec<SpatialOption> {
        spatial_options(self.model, self.limits, &self.lattice, level)
    }

    fn build(&self, keep: &[u8; MAX_LEVELS]) -> Vec<LevelTables> {
        let context = self.context(keep);
        let mut built: Vec<LevelTables> = Vec::new();
        for level in 0..self.model.levels {
            let tables = LevelTables::new(&context, level, self.options(level), built.last());
            built.push(tables);
        }
        built
    }

    fn root_bound(&self, keep: &[u8; MAX_LEVELS], goal: Goal) -> Option<f64> {
        let built = self.build(keep);
        let context = self.context(keep);
        let search = Search::new(&context, &built, goal, None, None);
        search.root_bound().map(|(energy, cycles)| match goal {
            Goal::Energy => energy,
            Goal::Delay => cycles,
            Goal::Edp => energy * cycles.ceil(),
        })
    }

    /// Best of this pattern and `best`, what has been proven for the pattern, steps.
    fn solve_pattern(
        &self,
        keep: &[u8; MAX_LEVELS],
        goal: Goal,
        best: Option<Solution>,
        deadline: Option<Instant>,
    ) -> (Option<Solution>, f64, u64) {
        let built = self.build(keep);
        let context = self.context(keep);
        let mut search = Search::new(&context, &built, goal, best, deadline);
        let Some((energy, cycles)) = search.root_bound() else { return (best, f64::INFINITY, 0) };
        let cycles = (cycles * (1.0 - 1e-12)).ceil();
        let mut proven = match goal {
            Goal::Energy => energy,
            Goal::Delay => cycles,
            Goal::Edp => energy * cycles,
        };
        let mut cuts: Vec<(f64, f64)> = Vec::new();
        if goal == Goal::Delay {
            for d in [0.02, 0.1, 0.4, 2.0] {
                cuts.push((cycles, energy * (1.0 + d)));
            }
            for d in [1e-9, 0.02, 0.1, 0.5, 2.0] {
                cuts.push((cycles * (1.0 + d) + 0.5, 0.0));
            }
        } else {
            let mut d = 0.02;
            while d < 100.0 {
                cuts.push((proven * (1.0 + d), f64::INFINITY));
                d *= 2.2;
            }
        }
        cuts.push((f64::INFINITY, f64::INFINITY));
        for cut in cuts {
            search.pass(cut);
            if search.timed_out {
                break;
            }
            let found = search.best.as_ref().is_some_and(|b| match goal {
                Goal::Delay => (b.cost.cycles as f64, b.cost.energy_pj) < cut,
                _ => goal.value(&b.cost) <= cut.0,
            });
            if found || cut.0 == f64::INFINITY {
                proven = f64::INFINITY;
                break;
            }
            proven = proven.max(match goal {
                Goal::Delay => cut.0.min(search.best.map_or(f64::INFINITY, |b| b.cost.cycles as f64)),
                _ => cut.0,
            });
        }
        (search.best, proven, search.nodes)
    }

    fn explain(&self, keep: &[u8; MAX_LEVELS]) -> Option<NoMapping> {
        let built = self.build(keep);
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
            let words = |index: u32| kept.iter().map(|&v| self.shared.tile[v][index as usize]).sum::<u64>();
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
            let largest = kept.iter().max_by_key(|&&v| self.shared.tile[v][span.index as usize]);
            let data_space = largest.map(|&v| model.problem.spaces[v].name.clone());
            let missing = least.saturating_sub(model.capacity[level]);
            let share = largest.map_or(0, |&v| self.shared.tile[v][span.index as usize]);
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
