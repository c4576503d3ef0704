//! Which level delivers each data space to which, and the least that a delivered word costs.
use super::counts::Counts;
use super::label::Label;
use super::lattice::Lattice;
use super::mesh::Mesh;
use crate::timeloop::Counting;
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
    /// Most sharing in meshes below this level's own among operations. Among buffers there is none to count on: together
    /// they hold all of the tile that they share, so that their parent sends at least all of it.
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
    /// Whether windows are sets of words.
    pub exact: bool,
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
                shared_below: if child.is_some() { 1.0 } else { product(0..level) },
                reduced: product(parent + 1..levels),
            }
        };
        let pairs = (0..levels).map(|level| std::array::from_fn(|v| pair(level, v))).collect();
        let exact = model.counting == Counting::Exact;
        Self { model, limits, lattice, counts, meshes, exact, keep, pairs }
    }

    /// Iterations of the loops outside a label's tile, for each of its instances.
    pub fn iterations(&self, label: &Label) -> u64 {
        self.model.macs / (self.counts.volume[label.tile as usize] * label.instances)
    }

    /// Least energy of moving `words` to the children of one pair where at most `shared` of them share a word.
    #[inline]
    pub fn energy(&self, v: usize, pair: &Pair, words: f64, shared: f64) -> f64 {
        let sent = words / shared;
        let rate = self.energy_of_reading(pair) + shared * self.energy_of_filling(pair);
        if !self.model.spaces[v].read_write {
            return sent * rate;
        }
        // The first visit of each output needs no read, and no fill.
        sent * self.energy_of_sending(v, pair) + (sent - self.first_visits(v, pair)).max(0.0) * rate
    }

    /// Energy of a word that the parent reads.
    pub fn energy_of_reading(&self, pair: &Pair) -> f64 {
        let parent = &self.model.architecture.levels[pair.parent];
        parent.energy.read_pj / parent.block_size as f64
    }

    /// Energy of a word that the child is filled with.
    pub fn energy_of_filling(&self, pair: &Pair) -> f64 {
        let levels = &self.model.architecture.levels;
        pair.child.map_or(0.0, |c| levels[c].energy.fill_pj / levels[c].block_size as f64)
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

    /// Cycles that the outermost level needs to read every input and write every output once.
    pub fn least_cycles(&self) -> f64 {
        let whole = self.lattice.size - 1;
        let (mut read, mut written) = (0.0, 0.0);
        for (v, space) in self.model.spaces.iter().enumerate() {
            let words = self.counts.sweep[v][whole];
            if space.read_write {
                written += words;
            } else {
                read += words;
            }
        }
        self.cycles(self.model.levels - 1, read, written)
    }

    /// Words of a read-write space that its parents need not read, all instances together.
    pub fn first_visits(&self, v: usize, pair: &Pair) -> f64 {
        self.model.words[v] as f64 * pair.reduced
    }
}
