//! Layers of a network in the form of each model.
use super::{layer::NetworkLayer, table::Network};
use crate::{
    error::Result,
    maestro, systolic,
    workload::{Convolution, Problem},
};

impl NetworkLayer {
    /// The layer for the systolic-array model, with how often one occurrence runs it: once for every group, image or
    /// independent product. The input has its valid extents, so that no window hangs over the edge.
    ///
    /// # Errors
    /// As [`systolic::Layer::check`].
    pub fn systolic(&self) -> Result<(systolic::Layer, u64)> {
        let (layer, times) = match *self {
            Self::Convolution { in_channels, out_channels, filter, stride, groups, batch, .. } => {
                let (height, width) = self.output();
                let layer = systolic::Layer {
                    ifmap_height: (height - 1) * stride + filter.0,
                    ifmap_width: (width - 1) * stride + filter.1,
                    filter_height: filter.0,
                    filter_width: filter.1,
                    channels: in_channels / groups,
                    filters: out_channels / groups,
                    stride_height: stride,
                    stride_width: stride,
                };
                (layer, groups * batch)
            }
            Self::MatrixProduct { m, k, n, batch, .. } => (systolic::Layer::matrix_product(m, k, n), batch),
        };
        layer.check()?;
        Ok((layer, times))
    }

    /// The layer for the data-centric model, with how often one occurrence runs it. A matrix product is a convolution
    /// with M along Y, and the input has its valid extents.
    ///
    /// # Errors
    /// As [`maestro::Layer::new`].
    pub fn data_centric(&self) -> Result<(maestro::Layer, u64)> {
        use maestro::{Dim, LayerKind};
        let (kind, extents, stride, times) = match *self {
            Self::Convolution { in_channels, out_channels, filter, stride, groups, batch, .. } => {
                let (height, width) = self.output();
                // One filter for every input channel is the model's own layer type; other groups run one by one.
                let depthwise = self.is_depthwise() && in_channels == out_channels;
                let (kind, k, c, groups) = if depthwise {
                    (LayerKind::DepthwiseConv, 1, in_channels, 1)
                } else {
                    (LayerKind::Conv, out_channels / groups, in_channels / groups, groups)
                };
                let extents = [
                    (Dim::K, k),
                    (Dim::C, c),
                    (Dim::R, filter.0),
                    (Dim::S, filter.1),
                    (Dim::Y, (height - 1) * stride + filter.0),
                    (Dim::X, (width - 1) * stride + filter.1),
                ];
                (kind, extents, stride, groups * batch)
            }
            Self::MatrixProduct { m, k, n, batch, .. } => {
                let extents = [(Dim::K, n), (Dim::C, k), (Dim::R, 1), (Dim::S, 1), (Dim::Y, m), (Dim::X, 1)];
                (LayerKind::Conv, extents, 1, batch)
            }
        };
        let extents = extents.map(|(dim, extent)| (dim, extent as i64));
        Ok((maestro::Layer::new(kind, &extents, (stride as i64, stride as i64))?, times))
    }
}

impl NetworkLayer {
    /// The layer as a loop nest, with how often one occurrence runs it: groups that are not depthwise and independent
    /// matrix products run one by one.
    ///
    /// # Errors
    /// As [`Convolution::problem`].
    pub fn problem(&self) -> Result<(Problem, u64)> {
        let name = self.name().to_owned();
        let (shape, times) = match *self {
            Self::Convolution { in_channels, out_channels, filter, stride, groups, batch, .. } => {
                let (p, q) = self.output();
                let depthwise = self.is_depthwise() && in_channels == out_channels;
                let (c, m, times) = if depthwise {
                    (1, out_channels, 1)
                } else {
                    (in_channels / groups, out_channels / groups, groups)
                };
                let shape = Convolution {
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
                (shape, times)
            }
            Self::MatrixProduct { m, k, n, batch, .. } => (Convolution::gemm(name, m, k, n), batch),
        };
        Ok((shape.problem()?, times))
    }
}

impl Network {
    /// The layers as loop nests with how often each runs.
    ///
    /// # Errors
    /// As [`NetworkLayer::problem`].
    pub fn problems(&self) -> Result<Vec<(Problem, u64)>> {
        self.layers
            .iter()
            .map(|layer| layer.problem().map(|(problem, times)| (problem, times * layer.repeat())))
            .collect()
    }

    /// The layers for the systolic-array model with how often each runs.
    ///
    /// # Errors
    /// As [`NetworkLayer::systolic`].
    pub fn systolic(&self) -> Result<Vec<(systolic::Layer, u64)>> {
        self.layers
            .iter()
            .map(|layer| layer.systolic().map(|(shape, times)| (shape, times * layer.repeat())))
            .collect()
    }

    /// The layers for the data-centric model with how often each runs.
    ///
    /// # Errors
    /// As [`NetworkLayer::data_centric`].
    pub fn data_centric(&self) -> Result<Vec<(maestro::Layer, u64)>> {
        self.layers
            .iter()
            .map(|layer| layer.data_centric().map(|(shape, times)| (shape, times * layer.repeat())))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every form has all the operations of the table.
    #[test]
    fn no_operation_is_lost() {
        for name in Network::names() {
            let network = Network::builtin(name).unwrap();
            let systolic: u64 =
                network.systolic().unwrap().iter().map(|(layer, times)| layer.macs() * times).sum();
            assert_eq!(systolic, network.macs(), "{name}");
            let data_centric: u64 = network
                .data_centric()
                .unwrap()
                .iter()
                .map(|(layer, times)| layer.macs() as u64 * times)
                .sum();
            assert_eq!(data_centric, network.macs(), "{name}");
            let nests: u64 =
                network.problems().unwrap().iter().map(|(problem, times)| problem.macs() * times).sum();
            assert_eq!(nests, network.macs(), "{name}");
            assert!(network.systolic().unwrap().iter().all(|(layer, _)| !layer.has_overhang()));
        }
    }
}
