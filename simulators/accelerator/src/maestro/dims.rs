//! The dimensions of a layer, and sets of them.
use serde::{Deserialize, Serialize};

/// A dimension of a layer. `OutY` and `OutX` are written `Y'` and `X'` in the mapping language.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[repr(u8)]
pub enum Dim {
    /// Batch of a convolution, columns of the right matrix of a product.
    N,
    /// Groups.
    G,
    /// Output channels; the summed dimension of a matrix product.
    K,
    /// Input channels.
    C,
    /// Filter height.
    R,
    /// Filter width.
    S,
    /// Input height.
    Y,
    /// Input width.
    X,
    /// Rows of the left matrix of a product.
    M,
    /// Output height, `Y'`.
    OutY,
    /// Output width, `X'`.
    OutX,
}

/// Largest extent, size, offset or number of clusters accepted.
pub(super) const LARGEST: i64 = 1 << 24;

/// Number of dimensions.
pub(super) const DIMS: usize = 11;

impl Dim {
    /// All dimensions.
    pub const ALL: [Self; DIMS] = [
        Self::N,
        Self::G,
        Self::K,
        Self::C,
        Self::R,
        Self::S,
        Self::Y,
        Self::X,
        Self::M,
        Self::OutY,
        Self::OutX,
    ];

    /// The order in which dimensions that a cluster does not mention are appended to it: by name.
    pub(super) const BY_NAME: [Self; 9] =
        [Self::C, Self::G, Self::K, Self::M, Self::N, Self::R, Self::S, Self::X, Self::Y];

    /// Name in the mapping language.
    pub fn name(self) -> &'static str {
        match self {
            Self::N => "N",
            Self::G => "G",
            Self::K => "K",
            Self::C => "C",
            Self::R => "R",
            Self::S => "S",
            Self::Y => "Y",
            Self::X => "X",
            Self::M => "M",
            Self::OutY => "Y'",
            Self::OutX => "X'",
        }
    }

    /// The dimension called `name`.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|dim| dim.name() == name)
    }

    pub(super) fn index(self) -> usize {
        self as usize
    }

    /// The window dimension that slides along this one.
    pub(super) fn window(self) -> Option<Self> {
        match self {
            Self::Y => Some(Self::R),
            Self::X => Some(Self::S),
            _ => None,
        }
    }
}

/// A set of dimensions.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct DimSet(u16);

impl DimSet {
    pub fn of(dims: &[Dim]) -> Self {
        Self(dims.iter().fold(0, |bits, &dim| bits | 1 << dim.index()))
    }

    pub fn contains(self, dim: Dim) -> bool {
        self.0 >> dim.index() & 1 == 1
    }

    pub fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub fn iter(self) -> impl Iterator<Item = Dim> {
        Dim::ALL.into_iter().filter(move |&dim| self.contains(dim))
    }
}
