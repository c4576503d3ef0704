//! What a mapping may do: fixed and largest factors, loop orders, spatial axes, data spaces kept or bypassed.
use serde::{Deserialize, Serialize};

use super::architecture::{Architecture, MAX_LEVELS};
use crate::error::{Error, Result};
use crate::workload::{MAX_DIMS, Problem};

/// What a factor may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Factor {
    /// Exactly this.
    Exactly(u32),
    /// At most this.
    AtMost(u32),
    /// At least this.
    AtLeast(u32),
    /// All that the other levels leave (Timeloop's factor 0): no other level splits the dimension.
    Rest,
}

/// One statement about a level.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Rule {
    /// The temporal loops of a level.
    Temporal {
        /// Level.
        target: String,
        /// Factors by dimension.
        factors: Vec<(String, Factor)>,
        /// Innermost dimensions, innermost first.
        innermost: Vec<String>,
        /// Outermost dimensions, the last one outermost.
        outermost: Vec<String>,
    },
    /// The spatial loops below a level.
    Spatial {
        /// Level above the mesh.
        target: String,
        /// Factors by dimension.
        factors: Vec<(String, Factor)>,
        /// Dimensions in order; with `split`, the first ones lie along X and the others along Y.
        permutation: Vec<String>,
        /// How many dimensions lie along X.
        split: Option<usize>,
    },
    /// The data spaces a level keeps.
    Keep {
        /// Level.
        target: String,
        /// Data spaces it must keep.
        keep: Vec<String>,
        /// Data spaces that must pass by it.
        bypass: Vec<String>,
    },
    /// At least this fraction of the arithmetic is in use.
    Parallelism(f64),
}

/// A list of rules; names are resolved against an architecture and a problem by [`Constraints::compile`].
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Constraints {
    /// The rules; all hold.
    pub rules: Vec<Rule>,
}

/// Rules of one block of loops, by dimension.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct BlockLimits {
    /// Smallest factor.
    pub least: [u32; MAX_DIMS],
    /// Largest factor.
    pub most: [u32; MAX_DIMS],
}

/// Constraints in flat arrays.
#[derive(Debug, Clone, PartialEq)]
pub struct Limits {
    /// Temporal loops by level.
    pub temporal: Vec<BlockLimits>,
    /// Spatial loops by level.
    pub spatial: Vec<BlockLimits>,
    /// Innermost temporal dimensions by level, innermost first.
    pub innermost: Vec<Vec<u8>>,
    /// Outermost temporal dimensions by level, the last one outermost.
    pub outermost: Vec<Vec<u8>>,
    /// Bit `d`: dimension `d` may lie along X.
    pub x_allowed: [u16; MAX_LEVELS],
    /// Bit `d`: dimension `d` may lie along Y.
    pub y_allowed: [u16; MAX_LEVELS],
    /// Bit `v`: the level must keep data space `v`.
    pub keep: [u8; MAX_LEVELS],
    /// Bit `v`: data space `v` must pass by the level.
    pub bypass: [u8; MAX_LEVELS],
    /// Least fraction of the arithmetic in use.
    pub parallelism: f64,
}

impl Constraints {
    /// No rule: any factors, orders and bypass.
    pub fn none() -> Self {
        Self::default()
    }

    /// Adds that `level` keeps exactly the data spaces in `keep`, out of `spaces`.
    #[must_use]
    pub fn keeping(mut self, level: &str, keep: &[&str], spaces: &[&str]) -> Self {
        let bypass = spaces.iter().filter(|s| !keep.contains(s)).map(|s| s.to_string()).collect();
        let keep = keep.iter().map(|s| s.to_string()).collect();
        self.rules.push(Rule::Keep { target: level.into(), keep, bypass });
        self
    }

    /// Resolves names and checks that the rules do not contradict each other.
    ///
    /// # Errors
    /// [`Error::Invalid`] that names the level, dimension or data space at fault.
    pub fn compile(&self, architecture: &Architecture, problem: &Problem) -> Result<Limits> {
        let (levels, dims) = (architecture.levels.len(), problem.dims.len());
        let mut bound = [1u32; MAX_DIMS];
        for (slot, &b) in bound.iter_mut().zip(&problem.bounds) {
            *slot = b as u32;
        }
        let free = BlockLimits { least: [1; MAX_DIMS], most: bound };
        let all = ((1u32 << dims) - 1) as u16;
        let mut limits = Limits {
            temporal: vec![free; levels],
            spatial: vec![free; levels],
            innermost: vec![Vec::new(); levels],
            outermost: vec![Vec::new(); levels],
            x_allowed: [all; MAX_LEVELS],
            y_allowed: [all; MAX_LEVELS],
            keep: [0; MAX_LEVELS],
            bypass: [0; MAX_LEVELS],
            parallelism: 0.0,
        };
        let mut rest: Vec<(usize, bool, usize)> = Vec::new();
        for rule in &self.rules {
            self.apply(rule, architecture, problem, &mut limits, &mut rest)?;
        }
        for &(level, spatial, dim) in &rest {
            for other in 0..levels {
                for (kind, blocks) in [(false, &mut limits.temporal), (true, &mut limits.spatial)] {
                    if (other, kind) != (level, spatial) {
                        // A factor fixed elsewhere stays; everything else becomes 1.
                        let block = &mut blocks[other];
                        if block.least[dim] == 1 {
                            block.most[dim] = 1;
                        }
                    }
                }
            }
        }
        for level in 0..levels {
            let fanout = architecture.fanout(level);
            for dim in 0..dims {
                let axis = |allowed: u16, size: u64| if allowed >> dim & 1 == 1 { size } else { 1 };
                let most =
                    axis(limits.x_allowed[level], fanout.0).max(axis(limits.y_allowed[level], fanout.1));
                let block = &mut limits.spatial[level];
                block.most[dim] = block.most[dim].min(most.min(u64::from(u32::MAX)) as u32);
                for (what, block) in
                    [("temporal", &limits.temporal[level]), ("spatial", &limits.spatial[level])]
                {
                    if block.least[dim] > block.most[dim] {
                        return Err(Error::invalid(
                            format!(
                                "the {what} factor of {} at \"{}\" must be at least {} and at most {}",
                                problem.dims[dim],
                                architecture.levels[level].name,
                                block.least[dim],
                                block.most[dim]
                            ),
                            "the constraints contradict each other or the mesh: loosen one of them",
                        ));
                    }
                }
            }
            if limits.keep[level] & limits.bypass[level] != 0 {
                let v = (limits.keep[level] & limits.bypass[level]).trailing_zeros() as usize;
                return Err(Error::invalid(
                    format!(
                        "\"{}\" must both keep and bypass {}",
                        architecture.levels[level].name, problem.spaces[v].name
                    ),
                    "remove it from one of the two lists",
                ));
            }
        }
        if limits.bypass[levels - 1] != 0 {
            return Err(Error::invalid(
                format!(
                    "the outermost level \"{}\" may not bypass anything",
                    architecture.levels[levels - 1].name
                ),
                "remove the bypass of the outermost level",
            ));
        }
        limits.keep[levels - 1] = ((1u16 << problem.spaces.len()) - 1) as u8;
        Ok(limits)
    }

    fn apply(
        &self,
        rule: &Rule,
        architecture: &Architecture,
        problem: &Problem,
        limits: &mut Limits,
        rest: &mut Vec<(usize, bool, usize)>,
    ) -> Result<()> {
        let dims = |names: &[String]| -> Result<Vec<u8>> {
            let mut list: Vec<u8> = Vec::new();
            for name in names {
                let dim = problem.dim(name)? as u8;
                if list.contains(&dim) {
                    return Err(Error::invalid(
                        format!("dimension {name} appears twice in a permutation"),
                        "name every dimension at most once",
                    ));
                }
                list.push(dim);
            }
            Ok(list)
        };
        let set = |block: &mut BlockLimits, factors: &[(String, Factor)]| -> Result<Vec<usize>> {
            let mut all = Vec::new();
            for (name, factor) in factors {
                let dim = problem.dim(name)?;
                match *factor {
                    Factor::Exactly(n) => {
                        if n == 0 || !problem.bounds[dim].is_multiple_of(u64::from(n)) {
                            return Err(Error::invalid(
                                format!(
                                    "the factor {name}={n} does not divide the bound {}",
                                    problem.bounds[dim]
                                ),
                                "factors are perfect: use a divisor of the bound (0 stands for all that is left)",
                            ));
                        }
                        block.least[dim] = block.least[dim].max(n);
                        block.most[dim] = block.most[dim].min(n);
                    }
                    Factor::AtMost(n) => block.most[dim] = block.most[dim].min(n.max(1)),
                    Factor::AtLeast(n) => block.least[dim] = block.least[dim].max(n),
                    Factor::Rest => all.push(dim),
                }
            }
            Ok(all)
        };
        match rule {
            Rule::Temporal { target, factors, innermost, outermost } => {
                let level = architecture.level(target)?;
                let all = set(&mut limits.temporal[level], factors)?;
                rest.extend(all.into_iter().map(|dim| (level, false, dim)));
                for (slot, names) in
                    [(&mut limits.innermost[level], innermost), (&mut limits.outermost[level], outermost)]
                {
                    if !names.is_empty() {
                        *slot = dims(names)?;
                    }
                }
            }
            Rule::Spatial { target, factors, permutation, split } => {
                let level = architecture.level(target)?;
                let all = set(&mut limits.spatial[level], factors)?;
                rest.extend(all.into_iter().map(|dim| (level, true, dim)));
                let order = dims(permutation)?;
                let total = problem.dims.len();
                match *split {
                    Some(split) if split >= total => limits.y_allowed[level] = 0,
                    Some(0) => limits.x_allowed[level] = 0,
                    Some(split) if split <= order.len() => {
                        let x = order[..split].iter().fold(0u16, |mask, d| mask | 1 << d);
                        limits.x_allowed[level] = x;
                        limits.y_allowed[level] &= !x;
                    }
                    _ => {}
                }
            }
            Rule::Keep { target, keep, bypass } => {
                let level = architecture.level(target)?;
                for name in keep {
                    limits.keep[level] |= 1 << problem.space(name)?;
                }
                for name in bypass {
                    limits.bypass[level] |= 1 << problem.space(name)?;
                }
            }
            Rule::Parallelism(least) => limits.parallelism = *least,
        }
        Ok(())
    }
}
