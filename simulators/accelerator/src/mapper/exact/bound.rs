//! What no completion of a label can beat.
//!
//! The tables know the inside of a tile, the label its outside: what its loops reuse, how far its meshes share words, and
//! the words that limited levels have moved already.
use super::label::Label;
use super::outside::{Outside, Steps};
use super::tables::{LevelTables, MAX_CLASSES};
use super::transfers::Context;
use crate::workload::MAX_SPACES;

/// Bounds of labels in one bypass pattern.
pub(crate) struct Bounds<'a> {
    pub context: &'a Context<'a>,
    pub tables: &'a [LevelTables],
    /// Levels whose bandwidth is limited.
    limited: Vec<usize>,
}

/// What a label adds to the tables of its level, by class of loop orders and for no loops at all.
pub(crate) struct Outlook {
    /// Energy of the label and of the spaces that a class leaves in place.
    pub energy: [f64; MAX_CLASSES],
    /// Least cycles.
    pub cycles: [f64; MAX_CLASSES],
    pub direct_energy: f64,
    pub direct_cycles: f64,
}

/// One data space as seen from a label.
#[derive(Clone, Copy, Default)]
struct View {
    /// Energy of one sweep where loops of the level may move the space, and where none do.
    once: f64,
    spread: f64,
    /// Energy that meshes outside cost more than the tables took for granted.
    unshared: f64,
    /// Words the parent sends, per instance of it: moved by the level, or swept, or with the level's loops absent.
    moved_words: f64,
    once_words: f64,
    spread_words: f64,
}

impl<'a> Bounds<'a> {
    pub fn new(context: &'a Context<'a>, tables: &'a [LevelTables]) -> Self {
        let limited = (0..context.model.levels).filter(|&level| context.limited(level)).collect();
        Self { context, tables, limited }
    }

    /// Least (energy, cycles) by class of loop orders at `level`.
    pub fn each(&self, level: usize, label: &Label, mut found: impl FnMut(f64, f64)) {
        let t = &self.tables[level];
        let at = label.tile as usize;
        let outlook = self.outlook(level, label);
        if t.span_at[at] != u32::MAX {
            let span = &t.spans[t.span_at[at] as usize];
            let cycles = outlook.direct_cycles.max(span.cycles / label.instances as f64);
            found(outlook.direct_energy + span.inner + self.leak(label, cycles), cycles);
        }
        for (class, tables) in t.classes.iter().enumerate() {
            let cycles = outlook.cycles[class];
            found(outlook.energy[class] + tables.energy[at] + self.leak(label, cycles), cycles);
        }
    }

    /// What the loops outside leave to do at `level`.
    pub fn outlook(&self, level: usize, label: &Label) -> Outlook {
        let c = self.context;
        let t = &self.tables[level];
        let at = label.tile as usize;
        let mut views = [View::default(); MAX_SPACES];
        for v in 0..c.model.spaces.len() {
            views[v] = self.view(level, label, v);
        }
        let mut outlook = Outlook {
            energy: [f64::INFINITY; MAX_CLASSES],
            cycles: [f64::INFINITY; MAX_CLASSES],
            direct_energy: label.energy,
            direct_cycles: self.passing_cycles(level, label, |v| views[v].spread_words),
        };
        for (v, view) in views.iter().enumerate().take(c.model.spaces.len()) {
            outlook.direct_energy +=
                if c.pairs[level][v].child.is_some() { view.spread } else { view.unshared };
        }
        for (at_class, class) in t.classes.iter().enumerate() {
            let stays = |v: usize| class.still >> v & 1 == 1 && c.pairs[level][v].child.is_some();
            let mut energy = label.energy;
            for v in 0..c.model.spaces.len() {
                energy += if stays(v) { views[v].once } else { views[v].unshared };
            }
            outlook.energy[at_class] = energy;
            outlook.cycles[at_class] = self
                .passing_cycles(level, label, |v| {
                    if stays(v) { views[v].once_words } else { views[v].moved_words }
                })
                .max(class.cycles[at] / label.instances as f64);
        }
        outlook
    }

    fn view(&self, level: usize, label: &Label, v: usize) -> View {
        let c = self.context;
        let t = &self.tables[level];
        let at = label.tile as usize;
        let pair = &c.pairs[level][v];
        let distinct = label.parent_instances[v] as f64 * label.groups[v] as f64;
        // Children outside that share a word, and distinct ones of one parent per instance of this level.
        let shared = label.instances as f64 / distinct;
        let part = label.groups[v] as f64 / label.instances as f64;
        let mut view = View::default();
        if pair.parent > level {
            let sent = t.passing[v][at];
            view.moved_words = sent * part;
            view.unshared =
                c.energy_of_sending(v, pair) * sent * (1.0 / shared - 1.0 / pair.shared_above).max(0.0);
            view.spread_words = view.moved_words;
        }
        if pair.child.is_some() {
            let (words, reused) = match &label.outside {
                Outside::Steps(steps) if !c.model.spaces[v].plain => self.of_visits(label, v, steps),
                _ => {
                    let words = c.counts.sweep[v][at];
                    (words, self.reused(label, v, words))
                }
            };
            let sharing = shared * pair.shared_below;
            view.spread = c.energy(v, pair, reused, sharing);
            view.spread_words = reused / pair.shared_below * part;
            let stays = t.stays[v][at];
            view.once = if stays { view.spread } else { c.energy(v, pair, words, sharing) };
            view.once_words = if stays { view.spread_words } else { words / pair.shared_below * part };
        }
        view
    }

    /// Cycles of the levels outside for the words they have moved and those that still pass by this level.
    fn passing_cycles(&self, level: usize, label: &Label, words: impl Fn(usize) -> f64) -> f64 {
        let c = self.context;
        let mut cycles = label.stall;
        for &parent in self.limited.iter().filter(|&&l| l > level) {
            let [mut read, mut write] = label.traffic[parent];
            let mut passes = false;
            for v in 0..c.model.spaces.len() {
                let pair = &c.pairs[level][v];
                if pair.parent != parent {
                    continue;
                }
                passes = true;
                let sent = words(v);
                if c.model.spaces[v].read_write {
                    write += sent;
                    read += (sent - c.first_visits(v, pair) / label.parent_instances[v] as f64).max(0.0);
                } else {
                    read += sent;
                }
            }
            if passes {
                cycles = cycles.max(c.cycles(parent, read, write));
            }
        }
        cycles
    }

    /// Words of all visits of a window's tile, counted by sets: where a smaller tile moves inside, and where none does.
    fn of_visits(&self, label: &Label, v: usize, steps: &Steps) -> (f64, f64) {
        let c = self.context;
        let at = label.tile as usize;
        let tile = c.counts.tile[v][at] as f64;
        let visits = c.iterations(label) as f64;
        let moved = (visits - (steps.still + steps.free) as f64) * tile - steps.shared as f64;
        let again = steps.still as f64 * (tile - c.counts.core[v][at] as f64);
        let instances = label.instances as f64;
        let once = c.counts.sweep[v][c.lattice.size - 1];
        ((instances * (moved + again)).max(once), (instances * moved).max(once))
    }

    /// Words of one sweep, divided by what the loops outside reuse.
    fn reused(&self, label: &Label, v: usize, words: f64) -> f64 {
        let c = self.context;
        let space = &c.model.spaces[v];
        if space.plain {
            return words / label.reuse[v] as f64;
        }
        let mut still = 1u64;
        let Outside::Run(run) = &label.outside else { return words };
        for l in run.loops() {
            if space.relevant >> l.dim & 1 == 1 {
                // A sliding window: the sweep counts distinct points, which every repetition of later still loops needs
                // again, but moving loops of the same axis may share.
                return c.counts.sweep[v][c.lattice.size - 1].min(words / still as f64);
            }
            still *= u64::from(l.bound);
        }
        words / still as f64
    }

    /// Leakage: instances in use inside are not known yet, those outside are.
    pub fn leak(&self, label: &Label, cycles: f64) -> f64 {
        let model = self.context.model;
        let mut energy = model.architecture.levels[model.levels - 1].energy.leak_pj * cycles;
        if model.levels == 1 {
            energy += model.architecture.arithmetic.leak_pj * cycles * label.instances as f64;
        }
        energy
    }
}
