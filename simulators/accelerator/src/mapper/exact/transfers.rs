//! Which level delivers each data space to which, and the least that a delivered word costs.
use super::counts::Counts;
use super::lattice::Lattice;
use super::mesh::Mesh;
use crate::timeloop::constraints::Limits;
use crate::timeloop::model::Model;
use crate::workload::MAX_SPACES;

/// The two levels between which a space moves past one level.
#[derive(Clone, Copy)]
pub(crate) struct Pair {
    /// Level that delivers (lowest one at or above that keeps the space).
    pub parent: usize,
    /// Level that receives; `None` is the arithmetic.
    pub child: Option<usize>,
    /// Most sharing in meshes above this level that are part of the path.
    pub shared_above: f64,
    /// Most sharing in meshes below this level's own.
    pub shared_below: f64,
    /// Most spatial reduction outside the parent.
    pub reduced: f64,
}

/// One bypass pattern of one problem: what tables and searches are made from.
pub(crate) struct Context<'a> {
    pub model: &'a Model,
    pub limits: &'a Limits,
    pub lattice: &'a Lattice,
    pub counts: &'a Counts,
    pub meshes: &'a [Mesh],
    /// Data spaces kept, by level.
    pub keep: &'a [u8],
    /// `pairs[level][v]`.
    pub pairs: Vec<[Pair; MAX_SPACES]>,
}

impl<'a> Context<'a> {
    pub fn new(
        model: &'a Model,
        limits: &'a Limits,
        lattice: &'a Lattice,
        counts: &'a Counts,
        meshes: &'a [Mesh],
        keep: &'a [u8],
    ) -> Self {
        let levels = model.levels;
        let pair = |level: usize, v: usize| {
            let keeps = |l: &usize| keep[*l] >> v & 1 == 1;
            let parent = (level..levels).find(keeps).unwrap_or(levels - 1);
            let child = (0..level).rev().find(keeps);
            let product =
                |range: std::ops::Range<usize>| range.map(|l| meshes[l].most_shared[v]).product::<f64>();
            Pair {
                parent,
                child,
                shared_above: product(level + 1..parent + 1),
                shared_below: product(child.map_or(0, |c| c + 1)..level),
                reduced: product(parent + 1..levels),
            }
        };
        let pairs = (0..levels).map(|level| std::array::from_fn(|v| pair(level, v))).collect();
        Self { model, limits, lattice, counts, meshes, keep, pairs }
    }

    /// Least energy of moving `words` to the children of one pair where at most `shared` of them share a word.
    #[inline]
    pub fn energy(&self, v: usize, pair: &Pair, words: f64, shared: f64) -> f64 {
        let levels = &self.model.architecture.levels;
        let parent = &levels[pair.parent];
        let block = parent.block_size as f64;
        let sent = words / shared;
        if !self.model.spaces[v].read_write {
            let fill = pair.child.map_or(0.0, |c| levels[c].energy.fill_pj / levels[c].block_size as f64);
            return sent * parent.energy.read_pj / block + words * fill;
        }
        // The first visit of each output needs no read.
        let first = self.model.words[v] as f64 * pair.reduced;
        let mut energy =
            (sent * parent.energy.update_pj + (sent - first).max(0.0) * parent.energy.read_pj) / block;
        if let Some(child) = pair.child {
            let child = &levels[child];
            energy += (words - first * shared).max(0.0) * child.energy.fill_pj / child.block_size as f64;
        }
        energy
    }

    /// Energy that one more word sent by the parent costs at the least.
    pub fn energy_of_sending(&self, v: usize, pair: &Pair) -> f64 {
        let parent = &self.model.architecture.levels[pair.parent];
        let energy =
            if self.model.spaces[v].read_write { parent.energy.update_pj } else { parent.energy.read_pj };
        energy / parent.block_size as f64
    }

    /// Whether a level's traffic can stretch the run.
    pub fn limited(&self, level: usize) -> bool {
        self.model.bandwidth[level] != [f64::INFINITY; 3]
    }

    /// Cycles that a level of limited bandwidth needs for these words.
    #[inline]
    pub fn cycles(&self, level: usize, read: f64, write: f64) -> f64 {
        let limits = self.model.bandwidth[level];
        (read / limits[0]).max(write / limits[1]).max((read + write) / limits[2])
    }

    /// Words of a read-write space that its parents need not read, all instances together.
    pub fn first_visits(&self, v: usize, pair: &Pair) -> f64 {
        self.model.words[v] as f64 * pair.reduced
    }
}
