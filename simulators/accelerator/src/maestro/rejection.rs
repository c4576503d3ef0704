//! Why a mapping cannot be evaluated: small values without text, so that a search can meet millions of them.
use super::dims::{Dim, LARGEST};
use crate::error::Error;

/// Why a layer, a mapping or the hardware is refused. `level` counts clusters from 0, the outermost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[allow(missing_docs)] // the fields are what the messages below say
pub enum Rejection {
    /// An extent of the layer is out of range.
    Extent { dim: Dim, extent: i64 },
    /// A stride is out of range.
    Stride { dim: Dim, stride: i64 },
    /// The layer type needs a dimension that is not listed.
    MissingDimension { dim: Dim },
    /// A hardware parameter is out of range.
    Hardware { name: &'static str, value: i64 },
    /// A size, an offset or a cluster size is out of range.
    Size { value: i64 },
    /// More levels than the model has.
    TooManyLevels { levels: usize },
    /// A level maps the same dimension twice.
    RepeatedDimension { level: usize, dim: Dim },
    /// A level maps a dimension that has no extent there.
    UnknownDimension { level: usize, dim: Dim },
    /// `Y'` or `X'` is mapped in a level without its window dimension.
    NoWindow { level: usize, dim: Dim },
    /// A temporal map splits R or S.
    SplitWindow { dim: Dim, extent: i64 },
    /// A level has no or too many spatial maps.
    SpatialMaps { level: usize, count: usize },
    /// There are fewer processing elements than one outermost cluster has.
    TooFewPes { num_pes: i64, cluster: i64 },
    /// The tiles are too large for 64-bit arithmetic.
    TooLarge { level: usize },
    /// The number of iterations does not fit into 32 bits.
    TooManyIterations { level: usize },
    /// The tile handed to a level leaves nothing new to fetch when `dim` moves on.
    NothingNew { level: usize, dim: Dim },
    /// The tiles of a level contain no work.
    NoWork,
}

impl From<Rejection> for Error {
    fn from(rejection: Rejection) -> Self {
        use Rejection as R;
        let (message, remedy) = match rejection {
            R::Extent { dim, extent } => (
                format!("dimension {} has the extent {extent}", dim.name()),
                format!("give a number from 1 to {LARGEST}"),
            ),
            R::Stride { dim, stride } => (
                format!("the stride of {} is {stride}", dim.name()),
                format!("give a number from 1 to {LARGEST}"),
            ),
            R::MissingDimension { dim } => (
                format!("the layer does not list dimension {}", dim.name()),
                format!("add \"{}: 1\" (or its extent) to Dimensions", dim.name()),
            ),
            R::Hardware { name, value } => {
                (format!("{name} is {value}"), format!("{name} takes a number from {}", range_of(name)))
            }
            R::Size { value } => (
                format!("a map or cluster has the size or offset {value}"),
                format!("give a number from 1 to {LARGEST}"),
            ),
            R::TooManyLevels { levels } => {
                (format!("the dataflow has {levels} levels"), "use at most three Cluster directives".into())
            }
            R::RepeatedDimension { level, dim } => (
                format!("level {level} maps dimension {} twice", dim.name()),
                "keep one of the two directives, or put a Cluster between them".into(),
            ),
            R::UnknownDimension { level, dim } => (
                format!("dimension {} has no extent at level {level}", dim.name()),
                "remove the directive, or list the dimension; below a Cluster only dimensions of the inputs and \
                 filters exist"
                    .into(),
            ),
            R::NoWindow { level, dim } => (
                format!("level {level} maps {} without its window dimension", dim.name()),
                "add a TemporalMap of R (for Y') or S (for X') to the same level".into(),
            ),
            R::SplitWindow { dim, extent } => (
                format!("a TemporalMap splits dimension {}", dim.name()),
                format!("write TemporalMap({extent},{extent}) {}, or map it spatially", dim.name()),
            ),
            R::SpatialMaps { level, count } => (
                format!("level {level} has {count} spatial maps"),
                "give every level one or two SpatialMap directives".into(),
            ),
            R::TooFewPes { num_pes, cluster } => (
                format!("{num_pes} processing elements cannot hold one cluster of {cluster}"),
                "raise num_pes or make the clusters smaller".into(),
            ),
            R::TooLarge { level } => (
                format!("the tiles of level {level} are too large to count in 64 bits"),
                "check the sizes of its directives".into(),
            ),
            R::TooManyIterations { level } => (
                format!("level {level} takes 2^31 iterations or more"),
                "map larger tiles".into(),
            ),
            R::NothingNew { level, dim } => (
                format!("a step of {} at level {level} fetches nothing new", dim.name()),
                "make the tile above a multiple of the offset, or the size smaller than the tile".into(),
            ),
            R::NoWork => (
                "the tiles of the mapping contain no work".into(),
                "make Y and X tiles at least as large as the window".into(),
            ),
        };
        Self::invalid(message, remedy)
    }
}

fn range_of(name: &str) -> &'static str {
    if name.starts_with("noc_hop") { "0 to 2^31 - 1" } else { "1 to 2^31 - 1" }
}
