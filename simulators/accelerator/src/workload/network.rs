//! Network layers as einsums for the loop-nest model.
use super::einsum::Problem;
use super::shapes::Convolution;
use crate::error::Result;
use crate::networks::{Network, NetworkLayer};

impl NetworkLayer {
    /// The layer as an einsum, with how often one occurrence runs it. A matrix product is a convolution with its rows along P;
    /// independent products and the groups of a grouped convolution (other than a depthwise one) run one by one.
    ///
    /// # Errors
    /// As [`Problem::checked`].
    pub fn loop_nest(&self) -> Result<(Problem, u64)> {
        let name = self.name().to_string();
        let (layer, times) = match *self {
            Self::Convolution { in_channels, out_channels, filter, stride, groups, batch, .. } => {
                let (p, q) = self.output();
                let depthwise = self.is_depthwise() && in_channels == out_channels;
                let groups = groups.max(1);
                let (c, m, times) = if depthwise {
                    (1, out_channels, 1)
                } else {
                    (in_channels / groups, out_channels / groups, groups)
                };
                let layer = Convolution {
                    name,
                    n: batch,
                    c,
                    m,
                    r: filter.0,
                    s: filter.1,
                    p,
                    q,
                    stride: (stride, stride),
                    depthwise,
                    ..Convolution::default()
                };
                (layer, times)
            }
            Self::MatrixProduct { m, k, n, batch, .. } => (Convolution::gemm(name, m, k, n), batch),
        };
        Ok((layer.problem()?, times))
    }
}

impl Network {
    /// The layers as einsums with how often each runs.
    ///
    /// # Errors
    /// As [`NetworkLayer::loop_nest`].
    pub fn loop_nests(&self) -> Result<Vec<(Problem, u64)>> {
        self.layers
            .iter()
            .map(|layer| layer.loop_nest().map(|(problem, times)| (problem, times * layer.repeat())))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_operation_is_lost() {
        for name in Network::names() {
            for layer in Network::builtin(name).unwrap().layers {
                let (problem, times) = layer.loop_nest().unwrap();
                assert_eq!(problem.macs() * times, layer.macs(), "{name} {}", layer.name());
            }
        }
    }
}
