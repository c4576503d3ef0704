//! Passes with a growing cut, over all bypass patterns at once.
use std::time::{Duration, Instant};

use rayon::prelude::*;

use super::counts::Counts;
use super::cuts::Cuts;
use super::lattice::Lattice;
use super::mesh::Mesh;
use super::outside::MAX_WINDOWS;
use super::search::{Key, OrderCache, Search, UNBOUNDED};
use super::tables::LevelTables;
use super::transfers::Context;
use super::{Outcome, Proof};
use crate::error::{Error, Result};
use crate::mapper::{Goal, Mapspace, Solution, evolutionary};
use crate::timeloop::MAX_LEVELS;
use crate::timeloop::constraints::Limits;
use crate::timeloop::evaluate::Cost;
use crate::timeloop::model::Model;

/// Bypass patterns at most.
const MAX_PATTERNS: usize = 1 << 13;
/// Steps after which a narrow search for an incumbent pays, the width of it, and the patterns it looks at.
const DIVE_AFTER: u64 = 5_000;
const WIDTH: usize = 6;
const DIVED: usize = 8;
/// Steps after which sampling for an incumbent pays.
const SAMPLE_AFTER: u64 = 20_000;
/// Mappings sampled for an incumbent.
const SAMPLES: u64 = 2000;
/// Entries of tables that are kept between passes; patterns beyond are built anew in each pass.
const KEPT_ENTRIES: usize = 48 << 20;
/// Entries of the tables for each tile of a level, about.
const ENTRIES_EACH: usize = 28;

/// What each level keeps.
pub(crate) type Keep = [u8; MAX_LEVELS];

/// One problem on one architecture.
pub(crate) struct Solver<'a> {
    pub model: &'a Model,
    pub limits: &'a Limits,
    pub lattice: Lattice,
    pub counts: Counts,
    pub meshes: Vec<Mesh>,
    pub deadline: Option<Instant>,
}

/// A bypass pattern that is still to be searched.
pub(crate) struct Pattern {
    pub keep: Keep,
    pub bound: Key,
    tables: Option<Vec<LevelTables>>,
}

impl<'a> Solver<'a> {
    pub fn new(model: &'a Model, limits: &'a Limits, time_limit: Option<Duration>) -> Result<Self> {
        let deadline = time_limit.map(|limit| Instant::now() + limit);
        let sliding: Vec<usize> = (0..model.spaces.len()).filter(|&v| !model.spaces[v].plain).collect();
        if sliding.len() > 1 || sliding.iter().any(|&v| model.spaces[v].read_write) {
            return Err(Error::invalid(
                "the exact mapper takes one sliding input at most, and no sliding output",
                "use a sampling mapper for this problem",
            ));
        }
        let windows = |v: &usize| model.spaces[*v].point_windows().map_or(0, <[_]>::len);
        if sliding.iter().any(|v| windows(v) > MAX_WINDOWS) {
            return Err(Error::invalid(
                format!("the exact mapper takes at most {MAX_WINDOWS} windows in a data space"),
                "use a sampling mapper for this problem",
            ));
        }
        let unlike = |level: &crate::timeloop::Level| level.cluster_size > 1 || level.network_latency > 0;
        if let Some(level) = model.architecture.levels.iter().find(|level| unlike(level)) {
            return Err(Error::invalid(
                format!(
                    "the exact mapper does not model the clusters or the network latency of \"{}\"",
                    level.name
                ),
                "use the evolutionary mapper for this architecture",
            ));
        }
        if model.link_transfers {
            return Err(Error::invalid(
                "the exact mapper does not model link transfers",
                "turn them off for the search; a found mapping may be evaluated with them",
            ));
        }
        let lattice = Lattice::new(&model.problem.bounds)?;
        let counts = Counts::new(model, &lattice);
        let meshes = (0..model.levels).map(|level| Mesh::new(model, limits, &lattice, level)).collect();
        Ok(Self { model, limits, lattice, counts, meshes, deadline })
    }

    /// All keep masks that the constraints allow.
    pub fn keeps(&self) -> Result<Vec<Keep>> {
        let (levels, spaces) = (self.model.levels, self.model.spaces.len());
        let all = ((1u16 << spaces) - 1) as u8;
        let mut list = vec![[0u8; MAX_LEVELS]];
        for level in 0..levels {
            let fixed = self.limits.keep[level] | self.limits.bypass[level];
            let free = if level + 1 == levels { 0 } else { all & !fixed };
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
            if longer.len() > MAX_PATTERNS {
                return Err(Error::invalid(
                    format!(
                        "the constraints leave more than {MAX_PATTERNS} choices of what each level keeps"
                    ),
                    "fix keep and bypass of some levels",
                ));
            }
            list = longer;
        }
        Ok(list)
    }

    fn late(&self) -> bool {
        self.deadline.is_some_and(|d| Instant::now() >= d)
    }

    pub fn context<'b>(&'b self, keep: &'b Keep) -> Context<'b> {
        Context::new(self.model, self.limits, &self.lattice, &self.counts, &self.meshes, keep)
    }

    pub fn tables(&self, context: &Context) -> Vec<LevelTables> {
        let mut tables: Vec<LevelTables> = Vec::new();
        for level in 0..self.model.levels {
            tables.push(LevelTables::new(context, level, tables.last()));
        }
        tables
    }

    /// Patterns that have a mapping, the most promising first; `false` where time ran out before all were looked at.
    pub fn patterns(&self, goal: Goal) -> Result<(Vec<Pattern>, bool)> {
        let mut patterns: Vec<Pattern> = Vec::new();
        let most_held = (KEPT_ENTRIES / (self.model.levels * self.lattice.size * ENTRIES_EACH)).max(1);
        let mut held = 0;
        // Tables take most of the time where many patterns are open; no result depends on how many are built at once.
        for some in self.keeps()?.chunks(rayon::current_num_threads()) {
            if !patterns.is_empty() && self.late() {
                return Ok((patterns, false));
            }
            let built: Vec<Option<Pattern>> = some.par_iter().map(|keep| self.pattern(keep, goal)).collect();
            for pattern in built.into_iter().flatten() {
                patterns.push(pattern);
                held += 1;
                if held > most_held {
                    // The least promising one is the last to be needed, if ever.
                    let with_tables = patterns.iter_mut().filter(|p| p.tables.is_some());
                    if let Some(last) = with_tables.max_by(|a, b| a.bound.0.total_cmp(&b.bound.0)) {
                        last.tables = None;
                    }
                    held -= 1;
                }
            }
        }
        patterns.sort_by(|a, b| {
            let keys = a.bound.0.total_cmp(&b.bound.0).then(a.bound.1.total_cmp(&b.bound.1));
            keys.then(a.keep.cmp(&b.keep))
        });
        Ok((patterns, true))
    }

    /// One pattern with its tables, `None` where it has no mapping.
    fn pattern(&self, keep: &Keep, goal: Goal) -> Option<Pattern> {
        let context = self.context(keep);
        let tables = self.tables(&context);
        let mut orders = OrderCache::new();
        let bound = Search::new(&context, &tables, &mut orders, goal, None, None).root_bound()?;
        Some(Pattern { keep: *keep, bound, tables: Some(tables) })
    }

    /// Finds the best mapping of all patterns.
    pub fn solve(&self, goal: Goal) -> Result<Outcome> {
        let (patterns, complete) = self.patterns(goal)?;
        let mut orders = OrderCache::new();
        let mut best: Option<Solution> = None;
        let key = |s: &Solution| goal.key(s.cost.energy_pj, s.cost.cycles as f64);
        let (mut nodes, mut before, mut sampled, mut dived) = (0, 0, false, false);
        let mut proven = patterns.first().map_or(UNBOUNDED, |p| p.bound);
        let mut cuts = Cuts::new(goal, proven);
        let mut late = !complete;
        while !late && !patterns.is_empty() {
            let work = nodes - before;
            before = nodes;
            if nodes > DIVE_AFTER && !dived {
                dived = true;
                best = self.dive(goal, &patterns, &mut orders, best);
            }
            let (cut, budget) = cuts.next(best.as_ref().map(key), work);
            let mut given_up = false;
            for pattern in patterns.iter().take_while(|p| p.bound < cut) {
                if best.as_ref().is_some_and(|b| key(b) <= pattern.bound) {
                    break;
                }
                if nodes > SAMPLE_AFTER && !sampled {
                    sampled = true;
                    best = self.sample(goal, best);
                }
                let context = self.context(&pattern.keep);
                let built;
                let tables = match &pattern.tables {
                    Some(tables) => tables,
                    None => {
                        built = self.tables(&context);
                        &built
                    }
                };
                let mut search = Search::new(&context, tables, &mut orders, goal, best, self.deadline);
                search.pass(cut, budget);
                nodes += search.nodes;
                best = search.best;
                if search.stopped {
                    given_up = true;
                    late = self.late();
                    break;
                }
            }
            if given_up {
                continue;
            }
            if cut == UNBOUNDED || best.as_ref().is_some_and(|b| key(b) <= cut) {
                proven = UNBOUNDED;
                break;
            }
            if cut > proven {
                proven = cut;
            }
        }
        if late && !sampled {
            best = self.sample(goal, best);
        }
        let value = best.map_or(f64::INFINITY, |b| goal.value(&b.cost));
        let proven = if complete { proven.0 } else { goal.value(&self.arithmetic()) };
        let lower_bound = proven.min(value);
        let optimal = lower_bound >= value;
        let gap = if optimal { 0.0 } else { value / lower_bound - 1.0 };
        Ok(Outcome { best, proof: Proof { optimal, lower_bound, gap }, nodes })
    }

    /// The better of `best` and what narrow searches find in the most promising patterns.
    fn dive(
        &self,
        goal: Goal,
        patterns: &[Pattern],
        orders: &mut OrderCache,
        mut best: Option<Solution>,
    ) -> Option<Solution> {
        for pattern in patterns.iter().take(DIVED) {
            if let Some(tables) = &pattern.tables {
                let context = self.context(&pattern.keep);
                let mut search = Search::new(&context, tables, orders, goal, best, self.deadline);
                search.dive(WIDTH);
                best = search.best;
            }
        }
        best
    }

    /// What the arithmetic alone takes, all of it in use.
    fn arithmetic(&self) -> Cost {
        let arithmetic = &self.model.architecture.arithmetic;
        Cost {
            cycles: self.model.macs.div_ceil(arithmetic.instances),
            energy_pj: self.model.macs as f64 * arithmetic.compute_pj,
        }
    }

    /// The better of `best` and the best of some sampled mappings.
    fn sample(&self, goal: Goal, best: Option<Solution>) -> Option<Solution> {
        let space = Mapspace::new(self.model, self.limits);
        let found = evolutionary(&space, goal, SAMPLES, 0).best;
        match (best, found) {
            (Some(a), Some(b)) if goal.better(&b.cost, &a.cost) => Some(b),
            (None, found) => found,
            (best, _) => best,
        }
    }
}
