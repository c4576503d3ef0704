//! Whose behaviour is followed: each difference between FARSI and what it means to compute, by name.

/// What the model does where FARSI has a defect. Section numbers are those of the list in the README.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rules {
    /// Part of its work after which a task counts as done whenever another one ends (1).
    pub done_at: f64,
    /// The length of a phase is the difference of two readings of the clock, which loses digits late in a run.
    pub times_by_clock: bool,
    /// A task that ends frees the data of the first parent all of whose children have ended, and no other one's (2).
    pub frees_one_parent: bool,
    /// The data of the source stay in memory to the end (2).
    pub keeps_input: bool,
    /// Data in a memory without a bus move at no cost, and nobody reads them (3).
    pub loose_memories: bool,
    /// Each channel of a bus is charged for all traffic of the bus (4).
    pub charges_whole_bus: bool,
    /// Tasks share a channel in proportion to their bursts, not their bytes (5).
    pub shares_by_bursts: bool,
    /// Phases of no length shift the slices over which power is averaged (6).
    pub shifts_slices: bool,
    /// Loads of buses are those from before empty buses were removed (8).
    pub stale_loads: bool,
}

impl Rules {
    /// FARSI at ce59c968, its defects included.
    pub const FARSI: Self = Self {
        done_at: 0.99,
        times_by_clock: true,
        frees_one_parent: true,
        keeps_input: true,
        loose_memories: true,
        charges_whole_bus: true,
        shares_by_bursts: true,
        shifts_slices: true,
        stale_loads: true,
    };

    /// The default: what FARSI means to compute.
    pub const CORRECTED: Self = Self {
        // Sums of phases miss the whole by rounding only.
        done_at: 1.0 - 1e-12,
        times_by_clock: false,
        frees_one_parent: false,
        keeps_input: false,
        loose_memories: false,
        charges_whole_bus: false,
        shares_by_bursts: false,
        shifts_slices: false,
        stale_loads: false,
    };
}
