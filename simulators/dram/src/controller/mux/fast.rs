//! Oldest first over flat arrays, for one command bus and equal command lengths: there the command that may start
//! first wins, and the winner found after one command is still the winner when its time comes, unless a request was
//! stored since.
use crate::controller::timing::TimingState;

/// Best candidate: who may start first, then the oldest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Best {
    pub time: u64,
    pub id: u64,
    /// Bank, or [`Best::REFRESH`] plus the rank.
    pub sender: u32,
}

impl Best {
    /// Nothing wants to be sent.
    pub(crate) const NOTHING: Self = Self { time: u64::MAX, id: u64::MAX, sender: u32::MAX };
    /// Offset of refresh managers among the senders.
    pub(crate) const REFRESH: u32 = 1 << 16;

    /// Whether this one comes before `other`.
    #[inline]
    pub(crate) fn beats(&self, other: &Self) -> bool {
        (self.time, self.id) < (other.time, other.id)
    }
}

/// What a bank wants, ready for the scan.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Wanted {
    /// Earliest clock as far as the bank itself is concerned.
    pub time: u64,
    pub id: u64,
    /// Entries of its group and rank in the timing table.
    pub group_entry: u32,
    pub rank_entry: u32,
}

/// Banks with a command, and the winner among them.
#[derive(Debug, Clone)]
pub(crate) struct Scan {
    pub wanted: Vec<Wanted>,
    /// Bit per bank: it has a command.
    pub active: Vec<u64>,
    /// The winner, if nothing changed since it was found.
    pub best: Option<Best>,
}

impl Scan {
    pub(crate) fn new(banks: usize) -> Self {
        Self { wanted: vec![Wanted::default(); banks], active: vec![0; banks.div_ceil(64)], best: None }
    }

    /// Forgets the winner.
    #[inline]
    pub(crate) fn invalidate(&mut self) {
        self.best = None;
    }

    /// Best of all banks at `floor`, the first clock at which the bus is free.
    #[inline]
    pub(crate) fn best_bank(&self, timing: &TimingState, floor: u64) -> Best {
        let entries = timing.entries();
        let mut best = Best::NOTHING;
        for (word, &bits) in self.active.iter().enumerate() {
            let mut bits = bits;
            while bits != 0 {
                let bank = word * 64 + bits.trailing_zeros() as usize;
                bits &= bits - 1;
                let wanted = &self.wanted[bank];
                let time = wanted
                    .time
                    .max(entries[wanted.group_entry as usize])
                    .max(entries[wanted.rank_entry as usize])
                    .max(floor);
                let candidate = Best { time, id: wanted.id, sender: bank as u32 };
                if candidate.beats(&best) {
                    best = candidate;
                }
            }
        }
        best
    }

    /// Time of one bank's command at `floor`.
    #[inline]
    pub(crate) fn candidate(&self, timing: &TimingState, bank: usize, floor: u64) -> Best {
        let (wanted, entries) = (&self.wanted[bank], timing.entries());
        let shared = entries[wanted.group_entry as usize].max(entries[wanted.rank_entry as usize]);
        Best { time: wanted.time.max(shared).max(floor), id: wanted.id, sender: bank as u32 }
    }
}
