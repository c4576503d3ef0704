//! The usual layer shapes as einsums, in Timeloop's dimension names.
use super::einsum::{DataSpace, Problem, Term};
use crate::error::Result;

/// A convolution with `C M R S N P Q` dimensions; a fully connected layer or matrix product is one with
/// `R = S = Q = 1`.
///
/// `R` slides with `P` (height) and `S` with `Q` (width). The input has its valid extent,
/// `(P - 1) * stride + (R - 1) * dilation + 1`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Convolution {
    /// Name of the layer.
    pub name: String,
    /// Batch.
    pub n: u64,
    /// Input channels (of one group, where `groups > 1`).
    pub c: u64,
    /// Output channels (of one group, where `groups > 1`; all channels where `depthwise`).
    pub m: u64,
    /// Kernel height.
    pub r: u64,
    /// Kernel width.
    pub s: u64,
    /// Output height.
    pub p: u64,
    /// Output width.
    pub q: u64,
    /// Stride in height and width.
    pub stride: (u64, u64),
    /// Dilation in height and width.
    pub dilation: (u64, u64),
    /// Groups; more than one adds a dimension `G`.
    pub groups: u64,
    /// Whether each output channel reads its own input channel only (`c` must be 1).
    pub depthwise: bool,
}

impl Default for Convolution {
    fn default() -> Self {
        Self {
            name: "conv".into(),
            n: 1,
            c: 1,
            m: 1,
            r: 1,
            s: 1,
            p: 1,
            q: 1,
            stride: (1, 1),
            dilation: (1, 1),
            groups: 1,
            depthwise: false,
        }
    }
}

impl Convolution {
    /// A matrix product of `rows x inner` by `inner x columns`.
    pub fn gemm(name: impl Into<String>, rows: u64, inner: u64, columns: u64) -> Self {
        Self { name: name.into(), p: rows, c: inner, m: columns, ..Self::default() }
    }

    /// The einsum of this layer.
    ///
    /// # Errors
    /// A bound, stride or dilation of 0, or a depthwise layer with `c` other than 1.
    pub fn problem(&self) -> Result<Problem> {
        if self.depthwise && self.c != 1 {
            return Err(crate::Error::invalid(
                format!("depthwise layer {} has C = {}", self.name, self.c),
                "a depthwise layer has C = 1; its channels are M",
            ));
        }
        let mut dims: Vec<String> = ["C", "M", "R", "S", "N", "P", "Q"].map(String::from).to_vec();
        let mut bounds = vec![self.c, self.m, self.r, self.s, self.n, self.p, self.q];
        let [c, m, r, s, n, p, q, g] = [0, 1, 2, 3, 4, 5, 6, 7];
        let one = |dim| vec![Term { dim, coefficient: 1 }];
        let two = |a, ca, b, cb| vec![Term { dim: a, coefficient: ca }, Term { dim: b, coefficient: cb }];
        let mut weights = vec![one(c), one(m), one(r), one(s)];
        let mut inputs = vec![
            one(n),
            one(if self.depthwise { m } else { c }),
            two(r, self.dilation.0, p, self.stride.0),
            two(s, self.dilation.1, q, self.stride.1),
        ];
        let mut outputs = vec![one(n), one(m), one(q), one(p)];
        if self.groups > 1 {
            dims.push("G".into());
            bounds.push(self.groups);
            for ranks in [&mut weights, &mut inputs, &mut outputs] {
                ranks.push(one(g));
            }
        }
        let space = |name: &str, ranks, read_write| DataSpace { name: name.into(), ranks, read_write };
        Problem {
            name: self.name.clone(),
            dims,
            bounds,
            spaces: vec![
                space("Weights", weights, false),
                space("Inputs", inputs, false),
                space("Outputs", outputs, true),
            ],
        }
        .checked()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn input_has_its_valid_extent() {
        let layer =
            Convolution { c: 3, m: 96, r: 11, s: 11, p: 55, q: 55, stride: (4, 4), ..Default::default() };
        let problem = layer.problem().unwrap();
        assert_eq!(problem.macs(), 105_415_200);
        assert_eq!(problem.words(1), 3 * 227 * 227);
        assert_eq!(problem.words(2), 290_400);
    }

    #[test]
    fn zero_bounds_are_refused() {
        let error = Convolution { m: 0, ..Default::default() }.problem().unwrap_err().to_string();
        assert!(error.contains("dimension M has the bound 0"), "{error}");
    }
}
