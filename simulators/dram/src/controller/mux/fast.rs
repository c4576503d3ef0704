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

/// Bits of the bank and of the request's number in a packed key; above them stands the waiting time.
const BANK_BITS: u32 = 10;
const ID_BITS: u32 = 34;
/// Waiting times from here on do not fit into a key.
const LONG: u64 = (1 << (64 - BANK_BITS - ID_BITS)) - 1;

/// What a bank wants, ready for the scan.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Wanted {
    /// Earliest clock as far as the bank itself is concerned.
    pub time: u64,
    pub id: u64,
    /// Low part of the key: number of the request, then bank.
    low: u64,
    /// Entries of its group and rank in the timing table.
    group_entry: u32,
    rank_entry: u32,
}

impl Wanted {
    #[inline]
    pub(crate) fn new(time: u64, id: u64, bank: usize, (group_entry, rank_entry): (u32, u32)) -> Self {
        Self { time, id, low: id << BANK_BITS | bank as u64, group_entry, rank_entry }
    }
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
    ///
    /// Waiting time, number and bank are packed into one word, so that the loop is a plain minimum.
    #[inline]
    pub(crate) fn best_bank(&self, timing: &TimingState, floor: u64) -> Best {
        let entries = timing.entries();
        let mut least = u64::MAX;
        for (word, &bits) in self.active.iter().enumerate() {
            let mut bits = bits;
            let Some(wanted) = self.wanted.get(word * 64..) else { break };
            while bits != 0 {
                let Some(wanted) = wanted.get(bits.trailing_zeros() as usize) else { break };
                bits &= bits - 1;
                let shared = entries[wanted.group_entry as usize].max(entries[wanted.rank_entry as usize]);
                let wait = wanted.time.max(shared).saturating_sub(floor).min(LONG);
                least = least.min(wait << (BANK_BITS + ID_BITS) | wanted.low);
            }
        }
        let wait = least >> (BANK_BITS + ID_BITS);
        if wait == LONG {
            return self.best_bank_exact(timing, floor);
        }
        let bank = (least & ((1 << BANK_BITS) - 1)) as usize;
        Best { time: floor + wait, id: self.wanted[bank].id, sender: bank as u32 }
    }

    /// The same for waiting times of any length, or if nothing is wanted.
    #[cold]
    fn best_bank_exact(&self, timing: &TimingState, floor: u64) -> Best {
        let mut best = Best::NOTHING;
        for bank in 0..self.wanted.len() {
            if self.active[bank / 64] >> (bank % 64) & 1 == 1 {
                let candidate = self.candidate(timing, bank, floor);
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
