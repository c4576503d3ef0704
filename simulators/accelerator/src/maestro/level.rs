//! Cluster levels: the directive list cut at its `Cluster`s and completed, with the static numbers of every directive.
use super::{
    dims::{DIMS, Dim, LARGEST},
    directive::Directive,
    hardware::Hardware,
    layer::{Coupling, Layer},
    rejection::Rejection,
};

/// Most levels of a mapping.
pub(super) const MOST_LEVELS: usize = 4;

/// Input, filter and output, as indices and bits.
pub(super) const INPUT: usize = 0;
pub(super) const FILTER: usize = 1;
pub(super) const OUTPUT: usize = 2;

/// Amounts of one dimension: mapped at a time, new after a step, and both for the last, smaller step.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Amounts {
    pub mapped: i64,
    pub new: i64,
    pub edge: i64,
    pub edge_new: i64,
}

/// A completed directive of a level.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry {
    pub dim: Dim,
    pub spatial: bool,
    pub size: i64,
    pub offset: i64,
    pub bound: i64,
    /// Amounts of the dimension itself.
    pub own: Amounts,
    /// Amounts of the output: the same, but output positions for Y and X.
    pub out: Amounts,
    /// Bit per tensor that has the dimension.
    pub coupled: u8,
    /// The directive's bit in the keys of the tiles below, 0 where its edge is as large as its other tiles.
    pub edge_bit: u32,
}

impl Entry {
    const NONE: Self = Self {
        dim: Dim::N,
        spatial: false,
        size: 1,
        offset: 1,
        bound: 1,
        own: Amounts { mapped: 1, new: 1, edge: 1, edge_new: 1 },
        out: Amounts { mapped: 1, new: 1, edge: 1, edge_new: 1 },
        coupled: 0,
        edge_bit: 0,
    };

    fn new(dim: Dim, spatial: bool, size: i64, offset: i64) -> Self {
        Self { dim, spatial, size, offset, ..Self::NONE }
    }

    pub fn couples(&self, tensor: usize) -> bool {
        self.coupled >> tensor & 1 == 1
    }
}

/// One cluster level.
#[derive(Debug, Clone, Copy)]
pub(super) struct Level {
    entries: [Entry; DIMS],
    len: usize,
    /// Sub-clusters (processing elements at the innermost level).
    pub clusters: i64,
    /// Clusters of the last, partly occupied round of the first spatial map.
    pub edge_clusters: i64,
    /// Indices of the spatial maps.
    spatial: [usize; 2],
    spatial_len: usize,
    /// Per tensor, the spatial maps that it has, in the order of the tensor's dimensions.
    coupled_spatial: [[usize; 2]; 3],
    coupled_spatial_len: [usize; 3],
    /// Extents inside which the level maps.
    bounds: [i64; DIMS],
}

impl Level {
    pub const EMPTY: Self = Self {
        entries: [Entry::NONE; DIMS],
        len: 0,
        clusters: 1,
        edge_clusters: 1,
        spatial: [0; 2],
        spatial_len: 0,
        coupled_spatial: [[0; 2]; 3],
        coupled_spatial_len: [0; 3],
        bounds: [0; DIMS],
    };

    pub fn entries(&self) -> &[Entry] {
        &self.entries[..self.len]
    }

    pub fn spatial(&self) -> &[usize] {
        &self.spatial[..self.spatial_len]
    }

    pub fn coupled_spatial(&self, tensor: usize) -> &[usize] {
        &self.coupled_spatial[tensor][..self.coupled_spatial_len[tensor]]
    }

    /// Number of keys of the tiles below.
    pub fn edge_keys(&self) -> usize {
        1 << self.entries().iter().filter(|entry| entry.edge_bit != 0).count()
    }

    pub fn find(&self, dim: Dim) -> Option<usize> {
        self.entries().iter().position(|entry| entry.dim == dim)
    }

    fn push(&mut self, entry: Entry, level: usize) -> Result<(), Rejection> {
        if self.find(entry.dim).is_some() {
            return Err(Rejection::RepeatedDimension { level, dim: entry.dim });
        }
        // Every dimension stands at most once, so there is room.
        self.entries[self.len] = entry;
        self.len += 1;
        Ok(())
    }

    fn push_front(&mut self, entry: Entry) {
        self.entries.copy_within(0..self.len, 1);
        self.entries[0] = entry;
        self.len += 1;
    }
}

/// Fills `levels` from a directive list and returns how many there are.
pub(super) fn build(
    layer: &Layer,
    coupling: &Coupling,
    directives: &[Directive],
    hardware: &Hardware,
    levels: &mut [Level; MOST_LEVELS],
) -> Result<usize, Rejection> {
    let mut count = 1;
    let mut cluster_product = 1i64;
    for directive in directives {
        if let Directive::Cluster { size } = *directive {
            if !(1..=LARGEST).contains(&size) {
                return Err(Rejection::Size { value: size });
            }
            count += 1;
            cluster_product = cluster_product.saturating_mul(size);
        }
    }
    if count > MOST_LEVELS {
        return Err(Rejection::TooManyLevels { levels: count });
    }
    if hardware.num_pes < cluster_product {
        return Err(Rejection::TooFewPes { num_pes: hardware.num_pes, cluster: cluster_product });
    }
    let mut rest = directives;
    let mut clusters = hardware.num_pes / cluster_product;
    let mut bounds = layer.bounds;
    for index in 0..count {
        let (above, here) = levels.split_at_mut(index);
        let level = &mut here[0];
        level.len = 0;
        level.clusters = clusters;
        level.bounds = bounds;
        let end = rest.iter().position(|directive| matches!(directive, Directive::Cluster { .. }));
        let (own, remaining) = rest.split_at(end.unwrap_or(rest.len()));
        complete(level, index, own, above.last(), layer, coupling)?;
        static_amounts(level, index, coupling)?;
        if let Some((Directive::Cluster { size }, below)) = remaining.split_first() {
            clusters = *size;
            rest = below;
        }
        let mut next = [0; DIMS];
        for dim in coupling.input_variables().iter() {
            // Every input variable has a directive after `complete`.
            let size = level.find(dim).map_or(1, |at| level.entries[at].size);
            next[dim.index()] = size.min(bounds[dim.index()]);
        }
        bounds = next;
    }
    Ok(count)
}

/// Takes the level's own directives, renames output dimensions, inherits and unrolls what is missing, applies strides.
fn complete(
    level: &mut Level,
    index: usize,
    own: &[Directive],
    above: Option<&Level>,
    layer: &Layer,
    coupling: &Coupling,
) -> Result<(), Rejection> {
    let is_gemm = layer.kind == super::layer::LayerKind::Gemm;
    for directive in own {
        let (spatial, size, offset, dim) = match *directive {
            Directive::TemporalMap { size, offset, dim } => (false, size, offset, dim),
            Directive::SpatialMap { size, offset, dim } => (true, size, offset, dim),
            Directive::Cluster { .. } => continue,
        };
        for value in [size, offset] {
            if !(1..=LARGEST).contains(&value) {
                return Err(Rejection::Size { value });
            }
        }
        let extent = layer.bounds[dim.index()];
        if !spatial && matches!(dim, Dim::R | Dim::S) && (size != extent || offset != extent) {
            return Err(Rejection::SplitWindow { dim, extent });
        }
        level.push(Entry::new(dim, spatial, size, offset), index)?;
    }
    if !is_gemm {
        for (out, dim, window) in [(Dim::OutX, Dim::X, Dim::S), (Dim::OutY, Dim::Y, Dim::R)] {
            if let (Some(at), None) = (level.find(out), level.find(dim)) {
                let Some(window) = level.find(window) else {
                    return Err(Rejection::NoWindow { level: index, dim: out });
                };
                level.entries[at].dim = dim;
                level.entries[at].size += level.entries[window].size - 1;
            }
        }
    }
    if let Some(above) = above {
        for entry in above.entries() {
            if level.find(entry.dim).is_none() {
                level.push_front(Entry::new(entry.dim, false, entry.size, entry.offset));
            }
        }
    }
    let variables = coupling.input_variables();
    for dim in Dim::BY_NAME {
        if variables.contains(dim) && level.find(dim).is_none() {
            let bound = level.bounds[dim.index()];
            level.push(Entry::new(dim, false, bound, bound), index)?;
        }
    }
    for at in 0..level.len {
        let entry = level.entries[at];
        let stride = layer.stride(entry.dim);
        if let (Some(window), true) = (entry.dim.window(), stride != 1) {
            let window = layer.bounds[window.index()];
            if entry.size >= window {
                let outputs = (entry.size + stride - window) / stride;
                level.entries[at].size = outputs * stride.min(window) + (window - stride).max(0);
                level.entries[at].offset =
                    outputs * if index > 0 && window < stride { window } else { stride };
            }
        }
    }
    level.spatial_len = 0;
    let spatial = level.entries().iter().filter(|entry| entry.spatial).count();
    if !(1..=2).contains(&spatial) {
        return Err(Rejection::SpatialMaps { level: index, count: spatial });
    }
    for at in 0..level.len {
        if level.entries[at].spatial {
            level.spatial[level.spatial_len] = at;
            level.spatial_len += 1;
        }
    }
    Ok(())
}

/// The numbers of a level that do not depend on the tile it is handed.
fn static_amounts(level: &mut Level, index: usize, coupling: &Coupling) -> Result<(), Rejection> {
    let tensors = [coupling.input, coupling.filter, coupling.output];
    let mut edge_bit = 1;
    for at in 0..level.len {
        let entry = &mut level.entries[at];
        let bound = level.bounds[entry.dim.index()];
        if bound < 1 {
            return Err(Rejection::UnknownDimension { level: index, dim: entry.dim });
        }
        let (size, offset) = (entry.size, entry.offset);
        let steps = ((bound - size) / offset).max(0);
        let has_edge = steps * offset + size < bound || size > bound;
        let rest = bound - (steps + 1) * offset;
        let rest = if rest < 0 { bound } else { rest };
        entry.bound = bound;
        entry.own = Amounts {
            mapped: size,
            new: if !entry.spatial && bound <= size { 0 } else { size.min(offset) },
            edge: if has_edge { rest } else { size },
            edge_new: (offset - (size - rest)).max(0),
        };
        entry.edge_bit = 0;
        if entry.own.edge != entry.own.mapped {
            entry.edge_bit = edge_bit;
            edge_bit <<= 1;
        }
        entry.out = entry.own;
        entry.coupled = 0;
        for (tensor, dims) in tensors.iter().enumerate() {
            if dims.contains(&entry.dim) {
                entry.coupled |= 1 << tensor;
            }
        }
    }
    for dim in [Dim::Y, Dim::X] {
        if let (Some(at), Some(window)) = (level.find(dim), dim.window().and_then(|dim| level.find(dim))) {
            let window = level.entries[window].own;
            let entry = &mut level.entries[at];
            let edge = entry.own.edge - window.edge + 1;
            entry.out = Amounts {
                mapped: entry.own.mapped - window.mapped + 1,
                new: entry.offset.min(entry.size),
                edge,
                edge_new: entry.offset.min(edge),
            };
        }
    }
    // The products below stay inside 64 bits, whatever is multiplied: amounts are at most size or bound.
    let largest: f64 =
        level.entries().iter().map(|entry| entry.size.max(entry.bound) as f64).product::<f64>();
    if largest * level.clusters as f64 > (1u64 << 60) as f64 {
        return Err(Rejection::TooLarge { level: index });
    }
    for (tensor, dims) in tensors.iter().enumerate() {
        let mut len = 0;
        for &dim in *dims {
            if let Some(at) = level.find(dim)
                && level.entries[at].spatial
            {
                level.coupled_spatial[tensor][len] = at;
                len += 1;
            }
        }
        level.coupled_spatial_len[tensor] = len;
    }
    let first = level.entries[level.spatial[0]];
    let (bound, size, offset, clusters) = (first.bound, first.size, first.offset, level.clusters);
    let covered = offset * (clusters - 1) + size;
    level.edge_clusters = if bound > covered {
        let steps = ((bound - size) / offset + 1) / clusters - 1;
        let rest = bound - (steps + 1) * offset * clusters;
        if rest < size { 1 } else { (rest - size) / offset + 1 }
    } else if bound > size {
        let count = (bound - size) / offset + 1;
        count + i64::from(offset * (count - 1) + size < bound)
    } else {
        1
    };
    Ok(())
}
