//! A mapping: loops per storage level, and which data spaces each level keeps.
use std::fmt;

use super::architecture::{Architecture, MAX_LEVELS};
use crate::error::{Error, Result};
use crate::workload::{MAX_DIMS, Problem};

/// A mapping in flat arrays: level 0 is the innermost, dimensions are in the problem's order.
///
/// Perfect factorisation: the product of a dimension's factors over all blocks is its bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Nest {
    /// Temporal factor of each level and dimension.
    pub temporal: [[u32; MAX_DIMS]; MAX_LEVELS],
    /// Spatial factor below each level.
    pub spatial: [[u32; MAX_DIMS]; MAX_LEVELS],
    /// Temporal loop order of each level, innermost dimension first.
    pub order: [[u8; MAX_DIMS]; MAX_LEVELS],
    /// Spatial loop order of each level, innermost dimension first; matters for link transfers only.
    pub spatial_order: [[u8; MAX_DIMS]; MAX_LEVELS],
    /// Bit `d` is set where dimension `d` of the spatial block lies along Y instead of X.
    pub along_y: [u16; MAX_LEVELS],
    /// Bit `v` is set where the level keeps data space `v`.
    pub keep: [u8; MAX_LEVELS],
}

impl Nest {
    /// All factors 1, dimensions in the problem's order, every level keeping everything.
    pub fn unit() -> Self {
        let mut order = [0u8; MAX_DIMS];
        for (index, slot) in order.iter_mut().enumerate() {
            *slot = index as u8;
        }
        Self {
            temporal: [[1; MAX_DIMS]; MAX_LEVELS],
            spatial: [[1; MAX_DIMS]; MAX_LEVELS],
            order: [order; MAX_LEVELS],
            spatial_order: [order; MAX_LEVELS],
            along_y: [0; MAX_LEVELS],
            keep: [u8::MAX; MAX_LEVELS],
        }
    }

    /// Product of the spatial factors below `level` along X and along Y.
    pub fn mesh_used(&self, level: usize, dims: usize) -> (u64, u64) {
        let mut used = (1, 1);
        for dim in 0..dims {
            let factor = u64::from(self.spatial[level][dim]);
            if self.along_y[level] >> dim & 1 == 0 {
                used.0 *= factor;
            } else {
                used.1 *= factor;
            }
        }
        used
    }
}

/// A mapping together with the names it speaks of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mapping {
    /// The loops.
    pub nest: Nest,
    /// Names of the levels, innermost first.
    pub levels: Vec<String>,
    /// Names of the dimensions.
    pub dims: Vec<String>,
    /// Names of the data spaces.
    pub spaces: Vec<String>,
}

impl Mapping {
    /// Names `nest` after this architecture and problem.
    pub fn new(nest: Nest, architecture: &Architecture, problem: &Problem) -> Self {
        Self {
            nest,
            levels: architecture.levels.iter().map(|l| l.name.clone()).collect(),
            dims: problem.dims.clone(),
            spaces: problem.spaces.iter().map(|s| s.name.clone()).collect(),
        }
    }

    /// The mapping as Timeloop YAML (`mapping:` with one directive a block), which the reader takes back.
    pub fn to_yaml(&self) -> String {
        use fmt::Write as _;
        let mut text = String::from("mapping:\n");
        let short = self.dims.iter().all(|d| d.chars().count() == 1);
        let separator = if short { "" } else { "," };
        let factors = |row: &[u32; MAX_DIMS]| {
            let items: Vec<String> = self.dims.iter().zip(row).map(|(d, f)| format!("{d}={f}")).collect();
            items.join(" ")
        };
        let names = |order: &[u8; MAX_DIMS]| {
            let items: Vec<&str> =
                order[..self.dims.len()].iter().map(|&d| self.dims[d as usize].as_str()).collect();
            items.join(separator)
        };
        for (index, level) in self.levels.iter().enumerate().rev() {
            let n = &self.nest;
            let _ = writeln!(
                text,
                "- target: {level}\n  type: temporal\n  factors: {}",
                factors(&n.temporal[index])
            );
            let _ = writeln!(text, "  permutation: {}", names(&n.order[index]));
            if n.spatial[index][..self.dims.len()].iter().any(|&f| f > 1) {
                let (order, split) = self.split_order(index);
                let _ = writeln!(
                    text,
                    "- target: {level}\n  type: spatial\n  factors: {}",
                    factors(&n.spatial[index])
                );
                let _ = writeln!(text, "  permutation: {}\n  split: {split}", names(&order));
            }
            let (mut keep, mut bypass) = (Vec::new(), Vec::new());
            for (v, name) in self.spaces.iter().enumerate() {
                if n.keep[index] >> v & 1 == 1 {
                    keep.push(name.as_str())
                } else {
                    bypass.push(name.as_str())
                }
            }
            let _ = writeln!(text, "- target: {level}\n  type: bypass");
            let _ = writeln!(text, "  keep: [{}]\n  bypass: [{}]", keep.join(", "), bypass.join(", "));
        }
        text
    }

    /// Spatial order with the X dimensions first, and how many of them there are.
    pub fn split_order(&self, level: usize) -> ([u8; MAX_DIMS], usize) {
        let dims = self.dims.len();
        let mut order = self.nest.spatial_order[level];
        let mut next = 0;
        let source = self.nest.spatial_order[level];
        for wanted in [0, 1] {
            for &dim in &source[..dims] {
                let y = self.nest.along_y[level] >> dim & 1;
                if y == wanted {
                    order[next] = dim;
                    next += 1;
                }
            }
        }
        let split = (0..dims).filter(|d| self.nest.along_y[level] >> d & 1 == 0).count();
        (order, split)
    }
}

/// One line: levels outermost first, data spaces kept in brackets, loops outermost first, spatial loops in `par()`.
impl fmt::Display for Mapping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, level) in self.levels.iter().enumerate().rev() {
            let n = &self.nest;
            if index + 1 != self.levels.len() {
                f.write_str(" / ")?;
            }
            write!(f, "{level}[")?;
            for (v, name) in self.spaces.iter().enumerate() {
                if n.keep[index] >> v & 1 == 1 {
                    f.write_str(name.get(..1).unwrap_or(name))?;
                }
            }
            f.write_str("]")?;
            for &dim in n.order[index][..self.dims.len()].iter().rev() {
                let factor = n.temporal[index][dim as usize];
                if factor > 1 {
                    write!(f, " {}{factor}", self.dims[dim as usize])?;
                }
            }
            let spatial: Vec<String> = self
                .dims
                .iter()
                .enumerate()
                .filter(|(d, _)| n.spatial[index][*d] > 1)
                .map(|(d, name)| {
                    format!(
                        "{name}{}{}",
                        n.spatial[index][d],
                        if n.along_y[index] >> d & 1 == 1 { "y" } else { "x" }
                    )
                })
                .collect();
            if !spatial.is_empty() {
                write!(f, " par({})", spatial.join(" "))?;
            }
        }
        Ok(())
    }
}

/// Checks that factors multiply to the bounds, that orders are permutations and that the outermost level keeps all.
///
/// # Errors
/// [`Error::Invalid`] with the dimension or level at fault.
pub fn check(nest: &Nest, architecture: &Architecture, problem: &Problem) -> Result<()> {
    let (levels, dims) = (architecture.levels.len(), problem.dims.len());
    for (dim, name) in problem.dims.iter().enumerate() {
        let mut product = 1u64;
        for level in 0..levels {
            product = product
                .saturating_mul(u64::from(nest.temporal[level][dim]))
                .saturating_mul(u64::from(nest.spatial[level][dim]));
        }
        if product != problem.bounds[dim] {
            return Err(Error::invalid(
                format!(
                    "the factors of dimension {name} multiply to {product}, its bound is {}",
                    problem.bounds[dim]
                ),
                format!("change the {name} factors so that their product over all blocks is the bound"),
            ));
        }
    }
    for level in 0..levels {
        for (what, order) in [("temporal", &nest.order[level]), ("spatial", &nest.spatial_order[level])] {
            let mut seen = 0u16;
            for &dim in &order[..dims] {
                seen |= 1 << dim;
            }
            if seen != (1 << dims) - 1 {
                return Err(Error::invalid(
                    format!(
                        "the {what} permutation of level \"{}\" is not one of all {dims} dimensions",
                        architecture.levels[level].name
                    ),
                    "name every dimension once",
                ));
            }
        }
    }
    for (v, space) in problem.spaces.iter().enumerate() {
        if nest.keep[levels - 1] >> v & 1 == 0 {
            return Err(Error::invalid(
                format!(
                    "the outermost level \"{}\" bypasses {}",
                    architecture.levels[levels - 1].name,
                    space.name
                ),
                "the outermost level keeps every data space",
            ));
        }
    }
    Ok(())
}
