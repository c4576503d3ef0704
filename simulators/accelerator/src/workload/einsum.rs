//! A dense einsum: loop dimensions, and the data spaces every point of the loop nest touches.
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result, did_you_mean};

/// The most dimensions a problem may have (flat arrays on the hot path have this size).
pub const MAX_DIMS: usize = 10;
/// The most data spaces a problem may have.
pub const MAX_SPACES: usize = 4;
/// The most ranks a data space may have.
pub const MAX_RANKS: usize = 8;
/// Largest product of bounds and coefficients: word counts then stay exact in 64-bit integers and in `f64`.
const MAX_VOLUME: f64 = 4.5e15;

/// One summand of a rank: `coefficient * index(dim)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Term {
    /// Index of the dimension in [`Problem::dims`].
    pub dim: usize,
    /// Stride or dilation, at least 1.
    pub coefficient: u64,
}

/// A tensor: each rank is a sum of terms, and a loop iteration touches the point of these sums.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct DataSpace {
    /// Name, such as `Weights`.
    pub name: String,
    /// The ranks; each is a sum of terms.
    pub ranks: Vec<Vec<Term>>,
    /// Whether the space is accumulated into (outputs) instead of only read.
    pub read_write: bool,
}

/// A dense einsum with all bounds known.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Problem {
    /// Name of the layer or shape; no result depends on it.
    pub name: String,
    /// Dimension names, in the order of all per-dimension arrays.
    pub dims: Vec<String>,
    /// Loop bound of each dimension, at least 1.
    pub bounds: Vec<u64>,
    /// The data spaces; exactly one is read-write.
    pub spaces: Vec<DataSpace>,
}

impl Problem {
    /// Checks sizes, bounds and projections.
    ///
    /// # Errors
    /// [`Error::Invalid`] that names the dimension or data space at fault.
    pub fn checked(self) -> Result<Self> {
        if self.dims.is_empty() || self.dims.len() > MAX_DIMS {
            return Err(Error::invalid(
                format!("a problem has 1 to {MAX_DIMS} dimensions, this one has {}", self.dims.len()),
                "drop dimensions of bound 1 or fold them into another",
            ));
        }
        if self.bounds.len() != self.dims.len() {
            return Err(Error::invalid(
                format!("{} dimensions but {} bounds", self.dims.len(), self.bounds.len()),
                "give one bound for each dimension",
            ));
        }
        for (name, &bound) in self.dims.iter().zip(&self.bounds) {
            if bound == 0 || bound > u64::from(u32::MAX) {
                return Err(Error::invalid(
                    format!("dimension {name} has the bound {bound}"),
                    "a bound is at least 1 and fits 32 bits",
                ));
            }
        }
        if self.spaces.is_empty() || self.spaces.len() > MAX_SPACES {
            return Err(Error::invalid(
                format!("a problem has 1 to {MAX_SPACES} data spaces, this one has {}", self.spaces.len()),
                "list the tensors under data_spaces",
            ));
        }
        let mut volume: f64 = self.bounds.iter().map(|&b| b as f64).product();
        for space in &self.spaces {
            if space.ranks.len() > MAX_RANKS {
                return Err(Error::invalid(
                    format!("data space {} has {} ranks", space.name, space.ranks.len()),
                    format!("at most {MAX_RANKS} are supported"),
                ));
            }
            for term in space.ranks.iter().flatten() {
                if term.dim >= self.dims.len() {
                    return Err(Error::invalid(
                        format!("data space {} projects from dimension number {}", space.name, term.dim),
                        format!("there are {} dimensions", self.dims.len()),
                    ));
                }
                if term.coefficient == 0 {
                    return Err(Error::invalid(
                        format!(
                            "data space {} has coefficient 0 on dimension {}",
                            space.name, self.dims[term.dim]
                        ),
                        "strides and dilations are at least 1",
                    ));
                }
            }
            let strides: f64 = space
                .ranks
                .iter()
                .map(|rank| rank.iter().map(|t| t.coefficient as f64).sum::<f64>().max(1.0))
                .product();
            volume = volume.max(self.bounds.iter().map(|&b| b as f64).product::<f64>() * strides);
        }
        if volume > MAX_VOLUME {
            return Err(Error::invalid(
                format!("the problem has about {volume:.1e} operations (bounds times strides)"),
                format!("split it: at most {MAX_VOLUME:.1e} are counted exactly"),
            ));
        }
        let written = self.spaces.iter().filter(|s| s.read_write).count();
        if written != 1 {
            return Err(Error::invalid(
                format!("{written} data spaces are read_write, exactly one must be"),
                "mark the output tensor, and only it, with read_write: true",
            ));
        }
        Ok(self)
    }

    /// Index of the dimension called `name`.
    ///
    /// # Errors
    /// [`Error::Invalid`] with the closest known name.
    pub fn dim(&self, name: &str) -> Result<usize> {
        self.dims.iter().position(|d| d == name).ok_or_else(|| {
            Error::invalid(
                format!("unknown dimension \"{name}\""),
                did_you_mean(name, self.dims.iter().map(String::as_str)),
            )
        })
    }

    /// Index of the data space called `name`.
    ///
    /// # Errors
    /// [`Error::Invalid`] with the closest known name.
    pub fn space(&self, name: &str) -> Result<usize> {
        self.spaces.iter().position(|s| s.name == name).ok_or_else(|| {
            Error::invalid(
                format!("unknown data space \"{name}\""),
                did_you_mean(name, self.spaces.iter().map(|s| s.name.as_str())),
            )
        })
    }

    /// Multiply-accumulate operations: the product of all bounds.
    pub fn macs(&self) -> u64 {
        self.bounds.iter().product()
    }

    /// Words of data space `space` that a sub-nest with these extents touches (its bounding box).
    pub fn tile_words(&self, space: usize, extents: &[u64]) -> u64 {
        self.spaces[space]
            .ranks
            .iter()
            .map(|rank| 1 + rank.iter().map(|t| t.coefficient * (extents[t.dim] - 1)).sum::<u64>())
            .product()
    }

    /// Words of the whole tensor.
    pub fn words(&self, space: usize) -> u64 {
        self.tile_words(space, &self.bounds)
    }

    /// Index of the read-write data space.
    pub fn output(&self) -> usize {
        self.spaces.iter().position(|s| s.read_write).unwrap_or(0)
    }
}
