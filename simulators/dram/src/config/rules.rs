//! What the references do differently, each difference under a name of its own. Code asks the rule, never the reference.
use super::Reference;

/// The semantics of one reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rules {
    /// A request that follows another is sent at the next edge of the trace's clock, not in the clock of the last acceptance.
    pub follow_up_waits_for_edge: bool,
    /// A response that is due in the clock in which the one before was taken leaves one clock later.
    pub delays_response_after_taking: bool,
    /// The request for which a row was opened stays chosen until it is served, unless another hit is offered.
    pub keeps_request_of_activate: bool,
    /// A bank that is held back for a forced refresh forgets the command it had ready.
    pub held_bank_forgets_command: bool,
    /// A forced refresh holds its banks back.
    pub forced_refresh_holds_banks: bool,
    /// A refresh that is due is neither postponed nor pulled in, ranks are refreshed at once, banks in turn.
    pub refreshes_on_time_in_turn: bool,
    /// Of the commands that can be sent the oldest request's goes, without waiting for an older one that cannot.
    pub any_ready_command: bool,
    /// A request leaves its place in the buffer when its row is activated, and a full part holds up its own direction only.
    pub leaves_buffer_at_activate: bool,
    /// An older request for another row may close the row that a hit waits for.
    pub older_conflict_may_close: bool,
    /// The activate window counts the length of the command that waits, not of the one that filled it.
    pub window_takes_waiting_length: bool,
    /// Two separate command buses start as if they had been used, so that clock 0 is lost.
    pub two_buses_start_used: bool,
    /// The extra timing rules are those of DRAMSys 4.
    pub timing_of_dramsys4: bool,
    /// Energies are of the stated clock, not of the period rounded to whole picoseconds.
    pub energy_of_stated_clock: bool,
}

impl Rules {
    /// DRAMSys 5.1.
    const DRAMSYS5: Self = Self {
        follow_up_waits_for_edge: false,
        delays_response_after_taking: false,
        keeps_request_of_activate: true,
        held_bank_forgets_command: true,
        forced_refresh_holds_banks: true,
        refreshes_on_time_in_turn: false,
        any_ready_command: false,
        leaves_buffer_at_activate: false,
        older_conflict_may_close: false,
        window_takes_waiting_length: false,
        two_buses_start_used: false,
        timing_of_dramsys4: false,
        energy_of_stated_clock: false,
    };

    /// DRAMSys 4.0 as shipped with ArchGym.
    const DRAMSYS4: Self = Self {
        follow_up_waits_for_edge: true,
        delays_response_after_taking: true,
        keeps_request_of_activate: false,
        held_bank_forgets_command: false,
        window_takes_waiting_length: true,
        two_buses_start_used: true,
        timing_of_dramsys4: true,
        energy_of_stated_clock: true,
        ..Self::DRAMSYS5
    };

    /// Ramulator 2.1's controller.
    const RAMULATOR2: Self = Self {
        forced_refresh_holds_banks: false,
        refreshes_on_time_in_turn: true,
        any_ready_command: true,
        leaves_buffer_at_activate: true,
        older_conflict_may_close: true,
        ..Self::DRAMSYS5
    };

    /// The semantics of `reference`.
    pub(crate) const fn of(reference: Reference) -> Self {
        match reference {
            Reference::DRAMSys5 => Self::DRAMSYS5,
            Reference::DRAMSys4 => Self::DRAMSYS4,
            Reference::Ramulator2 => Self::RAMULATOR2,
        }
    }
}
