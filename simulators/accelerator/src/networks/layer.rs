//! One layer of a network.
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// Largest extent, channel or repeat count accepted.
const LARGEST: u64 = 1 << 20;

/// One kind of layer with the number of times it occurs.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum NetworkLayer {
    /// A convolution; a depthwise one has as many groups as input channels.
    Convolution {
        /// Name.
        name: String,
        /// Input channels of all groups together.
        in_channels: u64,
        /// Output channels of all groups together.
        out_channels: u64,
        /// Height and width of the input, without padding.
        input: (u64, u64),
        /// Height and width of a filter.
        filter: (u64, u64),
        /// Stride in both directions.
        #[serde(default = "one")]
        stride: u64,
        /// Zeros added on each side.
        #[serde(default)]
        padding: u64,
        /// Groups.
        #[serde(default = "one")]
        groups: u64,
        /// Images.
        #[serde(default = "one")]
        batch: u64,
        /// How often the layer occurs.
        #[serde(default = "one")]
        repeat: u64,
    },
    /// `batch` products of an m x k and a k x n matrix; a fully connected layer has m = 1.
    MatrixProduct {
        /// Name.
        name: String,
        /// Rows of the left matrix.
        m: u64,
        /// Columns of the left, rows of the right matrix.
        k: u64,
        /// Columns of the right matrix.
        n: u64,
        /// Independent products, such as the heads of an attention.
        #[serde(default = "one")]
        batch: u64,
        /// How often the layer occurs.
        #[serde(default = "one")]
        repeat: u64,
    },
}

fn one() -> u64 {
    1
}

impl NetworkLayer {
    /// Name of the layer.
    pub fn name(&self) -> &str {
        match self {
            Self::Convolution { name, .. } | Self::MatrixProduct { name, .. } => name,
        }
    }

    /// How often the layer occurs.
    pub fn repeat(&self) -> u64 {
        match self {
            Self::Convolution { repeat, .. } | Self::MatrixProduct { repeat, .. } => *repeat,
        }
    }

    /// Whether every input channel has its own filters.
    pub fn is_depthwise(&self) -> bool {
        matches!(self, Self::Convolution { in_channels, groups, .. } if groups == in_channels && *groups > 1)
    }

    /// Height and width of the output of a layer that passed [`NetworkLayer::check`]; m and 1 for a matrix product.
    pub fn output(&self) -> (u64, u64) {
        match *self {
            Self::Convolution { input, filter, stride, padding, .. } => {
                let extent = |input: u64, filter: u64| (input + 2 * padding - filter) / stride + 1;
                (extent(input.0, filter.0), extent(input.1, filter.1))
            }
            Self::MatrixProduct { m, .. } => (m, 1),
        }
    }

    /// Multiply-accumulate operations of one occurrence.
    pub fn macs(&self) -> u64 {
        match *self {
            Self::Convolution { in_channels, out_channels, filter, groups, batch, .. } => {
                let (height, width) = self.output();
                batch * out_channels * height * width * (in_channels / groups) * filter.0 * filter.1
            }
            Self::MatrixProduct { m, k, n, batch, .. } => batch * m * k * n,
        }
    }

    /// Elements of the filters (of the right matrices) of one occurrence.
    pub fn weights(&self) -> u64 {
        match *self {
            Self::Convolution { in_channels, out_channels, filter, groups, .. } => {
                out_channels * (in_channels / groups) * filter.0 * filter.1
            }
            Self::MatrixProduct { k, n, batch, .. } => batch * k * n,
        }
    }

    /// Checks the numbers.
    ///
    /// # Errors
    /// [`Error::Invalid`] that names the layer and the field, when a number is 0 or too large, the filter is larger than
    /// the padded input, or the groups do not divide the channels.
    pub fn check(&self) -> Result<()> {
        let name = self.name();
        let wrong = |message: String, remedy: &str| {
            Err(Error::invalid(format!("layer \"{name}\": {message}"), remedy))
        };
        let fields: Vec<(&str, u64)> = match *self {
            Self::Convolution {
                in_channels,
                out_channels,
                input,
                filter,
                stride,
                groups,
                batch,
                repeat,
                ..
            } => vec![
                ("in_channels", in_channels),
                ("out_channels", out_channels),
                ("input height", input.0),
                ("input width", input.1),
                ("filter height", filter.0),
                ("filter width", filter.1),
                ("stride", stride),
                ("groups", groups),
                ("batch", batch),
                ("repeat", repeat),
            ],
            Self::MatrixProduct { m, k, n, batch, repeat, .. } => {
                vec![("m", m), ("k", k), ("n", n), ("batch", batch), ("repeat", repeat)]
            }
        };
        for &(field, value) in &fields {
            if value == 0 || value > LARGEST {
                return wrong(format!("{field} is {value}"), "give a number from 1 to 2^20");
            }
        }
        if let Self::Convolution { in_channels, out_channels, input, filter, padding, groups, .. } = *self {
            if padding > LARGEST {
                return wrong(format!("padding is {padding}"), "give a number from 0 to 2^20");
            }
            if filter.0 > input.0 + 2 * padding || filter.1 > input.1 + 2 * padding {
                return wrong(
                    format!(
                        "a filter of {filter:?} does not fit into an input of {input:?} padded by {padding}"
                    ),
                    "make the filter smaller or the padding larger",
                );
            }
            if in_channels % groups != 0 || out_channels % groups != 0 {
                return wrong(
                    format!(
                        "{groups} groups do not divide {in_channels} input and {out_channels} output channels"
                    ),
                    "choose groups that divide both",
                );
            }
        }
        let product: f64 = fields.iter().map(|&(_, value)| value as f64).product();
        if product > 2f64.powi(60) && self.macs_exceed(1 << 45) {
            return wrong("more than 2^45 operations".into(), "split it into smaller layers");
        }
        Ok(())
    }

    fn macs_exceed(&self, limit: u128) -> bool {
        let factors = match *self {
            Self::Convolution { in_channels, out_channels, filter, groups, batch, .. } => {
                let (height, width) = self.output();
                vec![batch, out_channels, height, width, in_channels / groups, filter.0, filter.1]
            }
            Self::MatrixProduct { m, k, n, batch, .. } => vec![batch, m, k, n],
        };
        factors.iter().fold(1u128, |product, &factor| product.saturating_mul(u128::from(factor))) > limit
    }
}
