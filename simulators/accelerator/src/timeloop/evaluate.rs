//! The evaluation of one mapping: tiles, traffic, energy, cycles. No allocation.
use super::architecture::MAX_LEVELS;
use super::links;
use super::mapping::Nest;
use super::model::Model;
use super::reuse::{Loop, delivered};
use super::space::Space;
use crate::workload::{MAX_DIMS, MAX_SPACES};

/// What a search needs of a mapping.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Cost {
    /// Execution time in cycles.
    pub cycles: u64,
    /// Total energy in pJ.
    pub energy_pj: f64,
}

impl Cost {
    /// Energy-delay product in pJ x cycles.
    pub fn edp(&self) -> f64 {
        self.energy_pj * self.cycles as f64
    }
}

/// Why a mapping does not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Misfit {
    /// More children in use along one axis than there are.
    Mesh {
        /// Level above the mesh.
        level: usize,
        /// Whether the axis is Y.
        along_y: bool,
        /// Children in use.
        used: u64,
        /// Children there are.
        available: u64,
    },
    /// The tiles kept do not fit the capacity.
    Capacity {
        /// Level.
        level: usize,
        /// Words kept.
        words: u64,
        /// Words there are.
        available: u64,
    },
    /// The tiles kept use less than the least utilisation asked for.
    Underused {
        /// Level.
        level: usize,
        /// Words kept.
        words: u64,
        /// Words at least.
        least: u64,
    },
}

/// Per-level, per-data-space results; entries of levels and spaces that do not exist stay 0.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Detail {
    /// Tile in words per instance (also of levels that bypass the space).
    pub tile: [[u64; MAX_SPACES]; MAX_LEVELS],
    /// Words of the tensor that one instance is ever responsible for (of a sliding input, as Timeloop has it).
    pub partition: [[f64; MAX_SPACES]; MAX_LEVELS],
    /// Words read per instance.
    pub reads: [[u64; MAX_SPACES]; MAX_LEVELS],
    /// Words filled from above per instance.
    pub fills: [[u64; MAX_SPACES]; MAX_LEVELS],
    /// Words updated from below per instance.
    pub updates: [[u64; MAX_SPACES]; MAX_LEVELS],
    /// Access energy of all instances, in pJ, without leakage.
    pub energy_pj: [[f64; MAX_SPACES]; MAX_LEVELS],
    /// Instances in use.
    pub instances: [u64; MAX_LEVELS],
    /// Cycles this level needs.
    pub cycles: [u64; MAX_LEVELS],
    /// Multiply-accumulate units in use.
    pub macs_used: u64,
    /// Cycles of the arithmetic alone.
    pub compute_cycles: u64,
}

impl Default for Detail {
    fn default() -> Self {
        Self {
            tile: [[0; MAX_SPACES]; MAX_LEVELS],
            partition: [[0.0; MAX_SPACES]; MAX_LEVELS],
            reads: [[0; MAX_SPACES]; MAX_LEVELS],
            fills: [[0; MAX_SPACES]; MAX_LEVELS],
            updates: [[0; MAX_SPACES]; MAX_LEVELS],
            energy_pj: [[0.0; MAX_SPACES]; MAX_LEVELS],
            instances: [0; MAX_LEVELS],
            cycles: [0; MAX_LEVELS],
            macs_used: 0,
            compute_cycles: 0,
        }
    }
}

/// Temporal loops with a bound above 1, innermost first, and where each level's begin.
pub(crate) struct Loops {
    pub loops: [Loop; MAX_LEVELS * MAX_DIMS],
    pub count: usize,
    pub begin: [usize; MAX_LEVELS + 1],
}

/// Extents of the tiles: of each level, and of one child of each level's spatial block.
pub(crate) struct Extents {
    /// Extents over the loops of level `l` and everything inside.
    pub tile: [[u64; MAX_DIMS]; MAX_LEVELS],
    /// Extents of one child below level `l` (the tile of level `l - 1`, or one operation).
    pub child: [[u64; MAX_DIMS]; MAX_LEVELS],
    /// Extents of all children together.
    pub children: [[u64; MAX_DIMS]; MAX_LEVELS],
}

impl Extents {
    #[inline]
    pub fn new(nest: &Nest, levels: usize, dims: usize) -> Self {
        let mut e = Self {
            tile: [[1; MAX_DIMS]; MAX_LEVELS],
            child: [[1; MAX_DIMS]; MAX_LEVELS],
            children: [[1; MAX_DIMS]; MAX_LEVELS],
        };
        for level in 0..levels {
            if level > 0 {
                e.child[level] = e.tile[level - 1];
            }
            for dim in 0..dims {
                e.children[level][dim] = e.child[level][dim] * u64::from(nest.spatial[level][dim]);
                e.tile[level][dim] = e.children[level][dim] * u64::from(nest.temporal[level][dim]);
            }
        }
        e
    }
}

impl Loops {
    #[inline]
    pub fn new(nest: &Nest, extents: &Extents, levels: usize, dims: usize) -> Self {
        let mut l =
            Self { loops: [Loop::default(); MAX_LEVELS * MAX_DIMS], count: 0, begin: [0; MAX_LEVELS + 1] };
        for level in 0..levels {
            l.begin[level] = l.count;
            for &dim in &nest.order[level][..dims] {
                let bound = nest.temporal[level][dim as usize];
                if bound > 1 {
                    l.loops[l.count] = Loop { dim, bound, step: extents.children[level][dim as usize] };
                    l.count += 1;
                }
            }
        }
        l.begin[levels] = l.count;
        l
    }
}

impl Model {
    /// The first thing that does not fit, cheap to find: mesh, then capacities from the inside.
    ///
    /// # Errors
    /// The misfit.
    #[inline]
    pub fn fits(&self, nest: &Nest) -> Result<(), Misfit> {
        for level in 0..self.levels {
            self.mesh_fits(nest, level)?;
        }
        let mut extents = [1u64; MAX_DIMS];
        for level in 0..self.levels {
            for (dim, extent) in extents[..self.dims].iter_mut().enumerate() {
                *extent *= u64::from(nest.temporal[level][dim]) * u64::from(nest.spatial[level][dim]);
            }
            if self.capacity[level] == u64::MAX && self.least[level] == 0 {
                continue;
            }
            self.words_fit(level, self.kept_words(nest.keep[level], &extents))?;
        }
        Ok(())
    }

    /// Words of the tiles of the data spaces in `keep`.
    #[inline]
    pub(crate) fn kept_words(&self, keep: u8, extents: &[u64; MAX_DIMS]) -> u64 {
        let kept = self.spaces.iter().enumerate().filter(|(v, _)| keep >> v & 1 == 1);
        kept.map(|(_, space)| space.tile(extents)).sum()
    }

    #[inline]
    pub(crate) fn mesh_fits(&self, nest: &Nest, level: usize) -> Result<(), Misfit> {
        let used = nest.mesh_used(level, self.dims);
        let fanout = self.fanout[level];
        if used.0 > fanout.0 {
            return Err(Misfit::Mesh { level, along_y: false, used: used.0, available: fanout.0 });
        }
        if used.1 > fanout.1 {
            return Err(Misfit::Mesh { level, along_y: true, used: used.1, available: fanout.1 });
        }
        Ok(())
    }

    #[inline]
    pub(crate) fn words_fit(&self, level: usize, words: u64) -> Result<(), Misfit> {
        if words > self.capacity[level] {
            return Err(Misfit::Capacity { level, words, available: self.capacity[level] });
        }
        if words < self.least[level] {
            return Err(Misfit::Underused { level, words, least: self.least[level] });
        }
        Ok(())
    }

    /// Checks that the mapping fits, then evaluates it.
    ///
    /// The mapping must be one of this problem (factors multiply to the bounds, orders are permutations), which is not checked here.
    ///
    /// # Errors
    /// The first misfit.
    #[inline]
    pub fn evaluate(&self, nest: &Nest, detail: &mut Detail) -> Result<Cost, Misfit> {
        self.fits(nest)?;
        Ok(self.cost(nest, detail))
    }

    /// The cost of a mapping whether or not it fits.
    pub fn cost(&self, nest: &Nest, detail: &mut Detail) -> Cost {
        let (levels, dims) = (self.levels, self.dims);
        let extents = Extents::new(nest, levels, dims);
        let loops = Loops::new(nest, &extents, levels, dims);
        let mut instances = 1;
        for level in (0..levels).rev() {
            detail.instances[level] = instances;
            for &factor in &nest.spatial[level][..dims] {
                instances *= u64::from(factor);
            }
        }
        detail.macs_used = instances;
        detail.compute_cycles = self.macs / instances;
        let mut energy = self.macs as f64 * self.architecture.arithmetic.compute_pj;
        for v in 0..self.spaces.len() {
            energy += self.space_traffic(nest, &extents, &loops, v, detail);
        }
        let mut cycles = detail.compute_cycles;
        for level in 0..levels {
            detail.cycles[level] = self.level_cycles(level, detail);
            cycles = cycles.max(detail.cycles[level]);
        }
        for (level, specification) in self.architecture.levels.iter().enumerate() {
            if specification.energy.leak_pj > 0.0 {
                energy += specification.energy.leak_pj * cycles as f64 * detail.instances[level] as f64;
            }
        }
        let mac_leak = self.architecture.arithmetic.leak_pj;
        if mac_leak > 0.0 {
            energy += mac_leak * cycles as f64 * instances as f64;
        }
        Cost { cycles: cycles + self.network_latency, energy_pj: energy }
    }

    /// Traffic of one data space at every level; returns its access energy in pJ.
    #[inline]
    fn space_traffic(
        &self,
        nest: &Nest,
        extents: &Extents,
        loops: &Loops,
        v: usize,
        detail: &mut Detail,
    ) -> f64 {
        let space = &self.spaces[v];
        let levels = self.levels;
        let mut partition = self.words[v] as f64;
        let by_points = space.read_write && !space.plain && space.point_windows().is_some();
        for level in (0..levels).rev() {
            detail.tile[level][v] = space.tile(&extents.tile[level]);
            if level + 1 < levels {
                let union = space.tile(&extents.children[level + 1]);
                if union != detail.tile[level][v] {
                    partition = partition * detail.tile[level][v] as f64 / union as f64;
                }
            }
            if by_points {
                let outside = &loops.loops[loops.begin[level + 1]..loops.count];
                partition = touched(space, &extents.tile[level], outside) as f64;
            }
            detail.partition[level][v] = partition;
        }
        // Words one child of the level at hand takes over the whole run, and the groups of distinct children so far.
        let mut taken = detail.compute_cycles;
        let mut below: Option<usize> = None;
        let mut energy = 0.0;
        for level in 0..levels {
            let groups = space.distinct(&nest.spatial[level], &extents.child[level], self.dims);
            let mut content = taken * groups;
            if self.link_transfers
                && let Some(child) = below
                && child + 1 == level
                && detail.instances[child] > detail.instances[level]
            {
                let moved = links::transfers(
                    space,
                    nest,
                    level,
                    self.dims,
                    self.architecture.fanout(level),
                    &extents.child[level],
                    &loops.loops[loops.begin[level]..loops.count],
                );
                content = moved.from_above;
                let share = detail.instances[child] / detail.instances[level];
                let parent = taken as f64 - moved.between_children as f64 / share as f64;
                // As in the reference: transfers below one parent, spread over the children of all parents.
                let peer = moved.between_children as f64 / detail.instances[child] as f64;
                energy -= detail.energy_pj[child][v];
                self.record(
                    v,
                    child,
                    detail,
                    detail_content(detail, child, v, space.read_write),
                    parent,
                    peer,
                    false,
                );
                energy += detail.energy_pj[child][v];
            }
            if nest.keep[level] >> v & 1 == 0 {
                for table in [&mut detail.reads, &mut detail.fills, &mut detail.updates] {
                    table[level][v] = 0;
                }
                detail.energy_pj[level][v] = 0.0;
                taken = content;
                below = None;
                continue;
            }
            let outermost = nest.keep[level + 1..levels].iter().all(|k| k >> v & 1 == 0);
            taken = delivered(
                space,
                &extents.tile[level],
                detail.tile[level][v],
                &loops.loops[loops.begin[level + 1]..loops.count],
            );
            self.record(v, level, detail, content as f64, taken as f64, 0.0, outermost);
            energy += detail.energy_pj[level][v];
            below = Some(level);
        }
        energy
    }

    /// Reads, fills, updates and energy of one level and data space, from the words it delivers (`content`), the words it
    /// gets from above and the words that neighbours pass on.
    #[inline]
    #[expect(clippy::too_many_arguments, reason = "one private step of the evaluation")]
    fn record(
        &self,
        v: usize,
        level: usize,
        detail: &mut Detail,
        content: f64,
        share: f64,
        peer: f64,
        outermost: bool,
    ) {
        let (reads, fills, updates);
        if self.spaces[v].read_write {
            let partition = detail.partition[level][v];
            updates = content.round() as u64;
            reads = (content + peer - partition).round().max(0.0) as u64;
            fills = if outermost { 0 } else { (share + peer - partition).round().max(0.0) as u64 };
        } else {
            updates = 0;
            reads = (content + peer).round() as u64;
            fills = if outermost { 0 } else { (share + peer).round() as u64 };
        }
        let e = self.architecture.levels[level].energy;
        let block = self.block[level];
        let vectors = |words: u64| (if block == 1 { words } else { words.div_ceil(block) }) as f64;
        detail.reads[level][v] = reads;
        detail.fills[level][v] = fills;
        detail.updates[level][v] = updates;
        detail.energy_pj[level][v] = (vectors(reads) * e.read_pj + vectors(fills) * e.fill_pj + vectors(updates) * e.update_pj)
                // Instances in use are spread over the clusters, which are accessed as a whole.
                * detail.instances[level].min(self.clusters[level]) as f64;
    }

    /// Cycles of a level: the compute cycles stretched where the words wanted per cycle exceed a bandwidth.
    #[inline]
    pub(crate) fn level_cycles(&self, level: usize, detail: &Detail) -> u64 {
        let limits = self.bandwidth[level];
        if limits == [f64::INFINITY; 3] {
            return detail.compute_cycles;
        }
        if self.exact_rounding {
            return self.exact_level_cycles(level, detail);
        }
        let compute = detail.compute_cycles as f64;
        let (mut read, mut write) = (0.0, 0.0);
        for v in 0..self.spaces.len() {
            read += detail.reads[level][v] as f64 / compute;
            write += (detail.fills[level][v] + detail.updates[level][v]) as f64 / compute;
        }
        stretched(compute, limits, read, write)
    }

    /// The same, in whole words until the one division.
    fn exact_level_cycles(&self, level: usize, detail: &Detail) -> u64 {
        let read: u64 = detail.reads[level].iter().sum();
        let write: u64 = detail.fills[level].iter().chain(&detail.updates[level]).sum();
        let wanted = [read, write, read + write];
        let cycles = wanted
            .iter()
            .zip(self.bandwidth[level])
            .map(|(&words, limit)| (words as f64 / limit).ceil() as u64);
        cycles.max().unwrap_or(0).max(detail.compute_cycles)
    }
}

/// Words of a sliding space that an instance with tiles of these extents ever touches.
fn touched(space: &Space, tile: &[u64; MAX_DIMS], outside: &[Loop]) -> u64 {
    let tile = tile.iter().enumerate().map(|(dim, &extent)| (dim, 1, extent));
    let outside = outside.iter().map(|l| (l.dim as usize, l.step, u64::from(l.bound)));
    space.touched(&tile.chain(outside).collect::<Vec<_>>())
}

/// Words a read-write or read-only level delivers, back from its recorded counts (no link transfers recorded yet).
fn detail_content(detail: &Detail, level: usize, v: usize, read_write: bool) -> f64 {
    (if read_write { detail.updates[level][v] } else { detail.reads[level][v] }) as f64
}

/// Compute cycles over the worst slowdown, rounded up.
#[inline]
pub(crate) fn stretched(compute: f64, limits: [f64; 3], read: f64, write: f64) -> u64 {
    let mut slowdown = 1.0f64;
    if limits[0] < read {
        slowdown = slowdown.min(limits[0] / read);
    }
    if limits[1] < write {
        slowdown = slowdown.min(limits[1] / write);
    }
    if limits[2] < write + read {
        slowdown = slowdown.min(limits[2] / (write + read));
    }
    (compute / slowdown).ceil() as u64
}
