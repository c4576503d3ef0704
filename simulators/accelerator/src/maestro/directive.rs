//! Directives: how a mapping distributes the dimensions over time and over clusters.
use serde::{Deserialize, Serialize};

use super::dims::Dim;

/// One line of a dataflow, outermost first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Directive {
    /// `size` indices of `dim` at a time, moved on by `offset` from one time step to the next.
    TemporalMap {
        /// Indices mapped at a time.
        size: i64,
        /// Step from one mapping to the next.
        offset: i64,
        /// The dimension.
        dim: Dim,
    },
    /// `size` indices of `dim` on each cluster, moved on by `offset` from one cluster to the next.
    SpatialMap {
        /// Indices mapped on one cluster.
        size: i64,
        /// Step from one cluster to the next.
        offset: i64,
        /// The dimension.
        dim: Dim,
    },
    /// The directives below describe the inside of a cluster of `size` units.
    Cluster {
        /// Units in the cluster.
        size: i64,
    },
}

impl std::fmt::Display for Directive {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::TemporalMap { size, offset, dim } => {
                write!(f, "TemporalMap({size},{offset}) {};", dim.name())
            }
            Self::SpatialMap { size, offset, dim } => {
                write!(f, "SpatialMap({size},{offset}) {};", dim.name())
            }
            Self::Cluster { size } => write!(f, "Cluster({size},P);"),
        }
    }
}
