//! Layer types, and which dimension belongs to which tensor.
use serde::{Deserialize, Serialize};

use super::dims::{DIMS, Dim, DimSet, LARGEST};
use super::rejection::Rejection;

/// Layer types of the mapping language.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum LayerKind {
    /// Convolution; also used for fully connected layers.
    #[serde(rename = "CONV")]
    Conv,
    /// Transposed convolution, treated as [`LayerKind::Conv`].
    #[serde(rename = "TRCONV")]
    TransposedConv,
    /// Depthwise convolution.
    #[serde(rename = "DSCONV")]
    DepthwiseConv,
    /// Grouped convolution.
    #[serde(rename = "NGCONV")]
    GroupedConv,
    /// Matrix product of M x K and K x N.
    #[serde(rename = "GEMM")]
    Gemm,
}

impl LayerKind {
    /// All layer types.
    pub const ALL: [Self; 5] =
        [Self::Conv, Self::TransposedConv, Self::DepthwiseConv, Self::GroupedConv, Self::Gemm];

    /// Name in the mapping language.
    pub fn name(self) -> &'static str {
        match self {
            Self::Conv => "CONV",
            Self::TransposedConv => "TRCONV",
            Self::DepthwiseConv => "DSCONV",
            Self::GroupedConv => "NGCONV",
            Self::Gemm => "GEMM",
        }
    }

    /// The layer type called `name`.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// The dimensions of the three tensors, in the order in which the reference goes through them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Coupling {
    pub input: &'static [Dim],
    pub filter: &'static [Dim],
    pub output: &'static [Dim],
    /// Whether the batch dimension precedes the input and output lists.
    pub batch: bool,
}

impl Coupling {
    fn new(kind: LayerKind, batch: bool) -> Self {
        use Dim::{C, G, K, M, N, R, S, X, Y};
        let (input, filter, output): (&[Dim], &[Dim], &[Dim]) = match kind {
            LayerKind::Conv | LayerKind::TransposedConv => (&[N, C, Y, X], &[K, C, R, S], &[N, K, Y, X]),
            LayerKind::DepthwiseConv => (&[N, C, Y, X], &[C, R, S], &[N, C, Y, X]),
            LayerKind::GroupedConv => (&[N, G, C, Y, X], &[G, K, C, R, S], &[N, G, K, C, Y, X]),
            LayerKind::Gemm => return Self { input: &[M, K], filter: &[K, N], output: &[M, N], batch },
        };
        if batch {
            Self { input, filter, output, batch }
        } else {
            Self { input: &input[1..], filter, output: &output[1..], batch }
        }
    }

    pub fn input_variables(&self) -> DimSet {
        DimSet::of(self.input).union(DimSet::of(self.filter))
    }
}

/// A layer: its type, the extent of every dimension and the strides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layer {
    pub(super) kind: LayerKind,
    /// Extents as listed; 0 where a dimension is not.
    pub(super) listed: [i64; DIMS],
    /// Extents with Y and X derived from Y' and X' where only those are listed.
    pub(super) bounds: [i64; DIMS],
    pub(super) stride_y: i64,
    pub(super) stride_x: i64,
}

impl Layer {
    /// A layer from its listed extents. `strides` are those of Y and X.
    ///
    /// Where `Y'` or `X'` is listed in place of `Y` or `X`, the input extent is that of stride 1 and the two strides
    /// change places, as in the reference.
    ///
    /// # Errors
    /// When an extent or stride is below 1 or above 2^24, or a dimension the layer type needs is missing.
    pub fn new(
        kind: LayerKind,
        extents: &[(Dim, i64)],
        (stride_y, stride_x): (i64, i64),
    ) -> Result<Self, Rejection> {
        let mut listed = [0; DIMS];
        for &(dim, extent) in extents {
            if !(1..=LARGEST).contains(&extent) {
                return Err(Rejection::Extent { dim, extent });
            }
            listed[dim.index()] = extent;
        }
        for (dim, stride) in [(Dim::Y, stride_y), (Dim::X, stride_x)] {
            if !(1..=LARGEST).contains(&stride) {
                return Err(Rejection::Stride { dim, stride });
            }
        }
        let mut bounds = listed;
        let mut layer = Self { kind, listed, bounds, stride_y, stride_x };
        let mut swap = false;
        if kind != LayerKind::Gemm {
            for (outer, inner) in [(Dim::OutX, Dim::X), (Dim::OutY, Dim::Y)] {
                let window = if inner == Dim::X { Dim::S } else { Dim::R };
                if listed[inner.index()] == 0 && listed[outer.index()] > 0 {
                    bounds[inner.index()] = listed[outer.index()] + listed[window.index()] - 1;
                    swap = true;
                }
            }
        }
        layer.bounds = bounds;
        if swap {
            std::mem::swap(&mut layer.stride_y, &mut layer.stride_x);
        }
        for dim in layer.coupling().input_variables().iter() {
            if bounds[dim.index()] < 1 {
                return Err(Rejection::MissingDimension { dim });
            }
        }
        Ok(layer)
    }

    /// The extent of a dimension, if the layer has it.
    pub fn extent(&self, dim: Dim) -> Option<i64> {
        (self.bounds[dim.index()] > 0).then_some(self.bounds[dim.index()])
    }

    /// The layer type.
    pub fn kind(&self) -> LayerKind {
        self.kind
    }

    pub(super) fn coupling(&self) -> Coupling {
        Coupling::new(self.kind, self.listed[Dim::N.index()] > 0)
    }

    pub(super) fn stride(&self, dim: Dim) -> i64 {
        match dim {
            Dim::Y => self.stride_y,
            Dim::X => self.stride_x,
            _ => 1,
        }
    }

    /// Multiply-accumulate operations of the layer (padding is not counted: every output has a whole window).
    pub fn macs(&self) -> i64 {
        let extent = |dim: Dim| self.bounds[dim.index()].max(1);
        if self.kind == LayerKind::Gemm {
            return extent(Dim::M).saturating_mul(extent(Dim::N)).saturating_mul(extent(Dim::K));
        }
        let outputs = |dim: Dim, window: Dim| ((extent(dim) - extent(window)) / self.stride(dim) + 1).max(0);
        let channels = match self.kind {
            LayerKind::DepthwiseConv => extent(Dim::C),
            _ => extent(Dim::K).saturating_mul(extent(Dim::C)),
        };
        [
            channels,
            if self.coupling().batch { extent(Dim::N) } else { 1 },
            if self.kind == LayerKind::GroupedConv { extent(Dim::G) } else { 1 },
            extent(Dim::R),
            extent(Dim::S),
            outputs(Dim::Y, Dim::R),
            outputs(Dim::X, Dim::S),
        ]
        .into_iter()
        .fold(1, i64::saturating_mul)
    }
}
