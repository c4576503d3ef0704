//! DRAM traffic of one interface.
use serde::Serialize;

/// Words moved over one DRAM interface and when.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Transfer {
    /// Words read or written.
    pub words: u64,
    /// First cycle of the transfer; negative where data is fetched before the run starts.
    pub start: i64,
    /// Last cycle of the transfer.
    pub stop: i64,
    /// Last cycle in which a word moves: SCALE-Sim v2 starts the last drain of outputs at the end of the run, although
    /// another may be under way that ends later.
    #[serde(skip)]
    pub latest: i64,
}

impl Transfer {
    /// Average bandwidth while the interface is in use, in words per cycle.
    pub fn words_per_cycle(&self) -> f64 {
        self.words as f64 / (self.stop - self.start + 1) as f64
    }
}

/// DRAM traffic of the three interfaces.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct MemoryTraffic {
    /// Reads of the input feature map.
    pub ifmap: Transfer,
    /// Reads of the filters.
    pub filter: Transfer,
    /// Writes of the output feature map.
    pub ofmap: Transfer,
}

impl MemoryTraffic {
    /// Cycles from the first prefetch to the last write: the "Total Cycles (incl. prefetch)" of SCALE-Sim v3.
    pub fn cycles_with_prefetch(&self) -> i64 {
        self.ofmap.latest - self.ifmap.start.min(self.filter.start)
    }

    /// Words read and written over all interfaces.
    pub fn words(&self) -> u64 {
        self.ifmap.words + self.filter.words + self.ofmap.words
    }
}
