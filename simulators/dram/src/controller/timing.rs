//! Earliest-time tables: for every bank, bank group, rank and stack the first clock at which each command may come.
//!
//! Rows of [`STRIDE`] clocks in one flat array. Issuing a command raises entries by a list compiled from the rules
//! of the standard, without targets that cannot occur under the configuration.
use crate::command::{COMMANDS, Command, CommandSet};
use crate::config::rules::Rules;
use crate::device::Device;
use crate::standard::{CommandBus, Rule, Scope};

/// Entries per row; a power of two not below [`COMMANDS`].
pub(crate) const STRIDE: usize = 32;

/// Where a bank sits.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    pub bank: usize,
    pub group: usize,
    pub rank: usize,
    pub stack: usize,
}

/// One compiled update: raise the entry `to` of a row to now + `gap`.
type Update = (u32, u32);

/// Ranges of one command in the list of updates, by scope.
#[derive(Debug, Clone, Copy, Default)]
struct Updates {
    bank: (u32, u32),
    group: (u32, u32),
    rank: (u32, u32),
    other_ranks: (u32, u32),
    other_stacks: (u32, u32),
}

/// The tables of one channel.
#[derive(Debug, Clone)]
pub(crate) struct TimingState {
    earliest: Vec<u64>,
    group_base: usize,
    rank_base: usize,
    stack_base: usize,
    ranks: usize,
    stacks: usize,
    list: Vec<Update>,
    updates: [Updates; COMMANDS],
    /// First free clock of the command bus; of the row bus and the column bus if there are two.
    bus: [u64; 2],
    two_buses: bool,
    lengths: [u64; COMMANDS],
    /// Issue times of the last commands of the activate window, per rank.
    window: Vec<Window>,
    window_commands: CommandSet,
    window_clocks: u64,
    window_takes_waiting_length: bool,
    refresh_round: Option<(u64, u64)>,
    bank_refreshes: Vec<u64>,
    banks_per_rank: u64,
}

/// Ring of the last commands of one rank that count in the activate window: (clock, length).
#[derive(Debug, Clone)]
struct Window {
    ring: Vec<(u64, u64)>,
    next: usize,
    filled: bool,
}

impl TimingState {
    /// Tables of one channel of `device`, all zero. Rules towards commands outside `possible` are dropped.
    pub(crate) fn new(device: &Device, rules: Rules, possible: CommandSet) -> Self {
        let timing = device.timing();
        let o = device.organization();
        let (ranks, stacks) = (o.ranks as usize, o.stacks as usize);
        let banks = device.banks_per_channel();
        let groups = ranks * o.bank_groups as usize;
        let extra = if rules.timing_of_dramsys4 { &timing.rules_dramsys4 } else { &timing.rules_dramsys5 };
        let mut list: Vec<Update> = Vec::new();
        let mut updates = [Updates::default(); COMMANDS];
        let table: Vec<Rule> =
            timing.rules.iter().chain(extra).filter(|rule| possible.contains(rule.to)).copied().collect();
        for from in Command::ALL {
            let mut part = |scope: Scope| {
                let start = list.len() as u32;
                for rule in table.iter().filter(|rule| rule.from == from && rule.scope == scope) {
                    // Of several rules between the same commands the strictest holds.
                    match list[start as usize..].iter_mut().find(|(to, _)| *to == rule.to as u32) {
                        Some((_, gap)) => *gap = rule.gap.max(*gap),
                        None => list.push((rule.to as u32, rule.gap)),
                    }
                }
                (start, list.len() as u32)
            };
            updates[from as usize] = Updates {
                bank: part(Scope::Bank),
                group: part(Scope::Group),
                rank: part(Scope::Rank),
                other_ranks: part(Scope::OtherRanks),
                other_stacks: part(Scope::OtherStacks),
            };
        }
        let two_buses = timing.command_bus == CommandBus::RowAndColumn;
        Self {
            earliest: vec![0; STRIDE * (banks + groups + ranks + stacks)],
            group_base: STRIDE * banks,
            rank_base: STRIDE * (banks + groups),
            stack_base: STRIDE * (banks + groups + ranks),
            ranks,
            stacks,
            list,
            updates,
            bus: if rules.two_buses_start_used && two_buses { [1, 1] } else { [0, 0] },
            two_buses,
            lengths: timing.command_clocks.map(u64::from),
            window: vec![
                Window { ring: vec![(0, 0); timing.window_count.max(1)], next: 0, filled: false };
                ranks
            ],
            window_commands: timing.window_commands,
            window_clocks: timing.window_clocks,
            window_takes_waiting_length: rules.window_takes_waiting_length,
            refresh_round: timing.refresh_round,
            bank_refreshes: vec![0; ranks],
            banks_per_rank: u64::from(o.bank_groups * o.banks_per_group),
        }
    }

    /// Clocks `command` occupies its bus.
    #[inline]
    pub(crate) fn length(&self, command: Command) -> u64 {
        self.lengths[command as usize]
    }

    /// First free clock of the bus that `command` takes.
    #[inline]
    pub(crate) fn bus_free(&self, command: Command) -> u64 {
        self.bus[usize::from(self.two_buses && command.is_column())]
    }

    /// Whether row and column commands have separate buses.
    pub(crate) fn two_buses(&self) -> bool {
        self.two_buses
    }

    /// Whether every command takes one clock.
    pub(crate) fn unit_lengths(&self) -> bool {
        self.lengths.iter().all(|length| *length == 1)
    }

    /// Earliest clock of `command` as far as its bank is concerned.
    #[inline]
    pub(crate) fn bank_part(&self, command: Command, bank: usize) -> u64 {
        self.earliest[bank * STRIDE + command as usize]
    }

    /// Indices of the bank group's and the rank's entry for `command`, for [`TimingState::entry`].
    #[inline]
    pub(crate) fn shared_entries(&self, command: Command, group: usize, rank: usize) -> (u32, u32) {
        let command = command as usize;
        (
            (self.group_base + group * STRIDE + command) as u32,
            (self.rank_base + rank * STRIDE + command) as u32,
        )
    }

    /// The whole flat table, for scans that hold indices into it.
    #[inline]
    pub(crate) fn entries(&self) -> &[u64] {
        &self.earliest
    }

    /// Whether stacks have rules of their own.
    pub(crate) fn has_stacks(&self) -> bool {
        self.stacks > 1
    }

    /// Earliest clock of `command` to a bank, without the floor of the present clock.
    #[inline]
    pub(crate) fn bank_command(&self, command: Command, place: Place) -> u64 {
        let c = command as usize;
        let mut time = self.earliest[place.bank * STRIDE + c]
            .max(self.earliest[self.group_base + place.group * STRIDE + c])
            .max(self.earliest[self.rank_base + place.rank * STRIDE + c])
            .max(self.bus_free(command));
        if self.stacks > 1 {
            time = time.max(self.earliest[self.stack_base + place.stack * STRIDE + c]);
        }
        time
    }

    /// Earliest clock of `command` to a whole rank, without the floor of the present clock.
    pub(crate) fn rank_command(&self, command: Command, rank: usize) -> u64 {
        self.earliest[self.rank_base + rank * STRIDE + command as usize].max(self.bus_free(command))
    }

    /// Raises a row by a list of updates.
    #[inline]
    fn raise(&mut self, base: usize, range: (u32, u32), now: u64) {
        let row = &mut self.earliest[base..base + STRIDE];
        for &(to, gap) in &self.list[range.0 as usize..range.1 as usize] {
            let entry = &mut row[to as usize & (STRIDE - 1)];
            *entry = (*entry).max(now + u64::from(gap));
        }
    }

    /// Books a command to one bank.
    #[inline]
    pub(crate) fn issue_bank(&mut self, command: Command, place: Place, now: u64) {
        let updates = self.updates[command as usize];
        self.raise(place.bank * STRIDE, updates.bank, now);
        self.raise(self.group_base + place.group * STRIDE, updates.group, now);
        self.issue_shared(command, place.rank, place.stack, now);
    }

    /// Books a command to one bank of every group: `places` are those banks.
    pub(crate) fn issue_banks(&mut self, command: Command, places: &[Place], now: u64) {
        let updates = self.updates[command as usize];
        for place in places {
            self.raise(place.bank * STRIDE, updates.bank, now);
            self.raise(self.group_base + place.group * STRIDE, updates.group, now);
        }
        if let Some(first) = places.first() {
            self.issue_shared(command, first.rank, first.stack, now);
        }
    }

    /// Books a command to a whole rank.
    pub(crate) fn issue_rank(&mut self, command: Command, rank: usize, now: u64) {
        self.issue_shared(command, rank, 0, now);
    }

    /// Rank, other ranks, other stacks, bus and activate window.
    #[inline]
    fn issue_shared(&mut self, command: Command, rank: usize, stack: usize, now: u64) {
        let updates = self.updates[command as usize];
        self.raise(self.rank_base + rank * STRIDE, updates.rank, now);
        if self.ranks > 1 {
            for other in (0..self.ranks).filter(|other| *other != rank) {
                self.raise(self.rank_base + other * STRIDE, updates.other_ranks, now);
            }
        }
        if self.stacks > 1 {
            for other in (0..self.stacks).filter(|other| *other != stack) {
                self.raise(self.stack_base + other * STRIDE, updates.other_stacks, now);
            }
        }
        self.bus[usize::from(self.two_buses && command.is_column())] = now + self.lengths[command as usize];
        if self.window_commands.contains(command) {
            self.enter_window(command, rank, now);
        }
        if command == Command::RefPb
            && let Some((full, between)) = self.refresh_round
        {
            self.bank_refreshes[rank] += 1;
            let gap =
                if self.bank_refreshes[rank].is_multiple_of(self.banks_per_rank) { full } else { between };
            let entry = &mut self.earliest[self.rank_base + rank * STRIDE + Command::RefPb as usize];
            *entry = (*entry).max(now + gap);
        }
    }

    /// Sliding activate window: the next command waits for the oldest of the last four plus tFAW.
    ///
    /// Where commands have different lengths, the window runs between their ends: DRAMSys 5 takes the length of the
    /// command that fills the window, DRAMSys 4 that of the command that waits.
    fn enter_window(&mut self, command: Command, rank: usize, now: u64) {
        let length = self.lengths[command as usize];
        let window = &mut self.window[rank];
        window.ring[window.next] = (now, length);
        window.next += 1;
        if window.next == window.ring.len() {
            window.next = 0;
            window.filled = true;
        }
        if !window.filled {
            return;
        }
        let (oldest, oldest_length) = window.ring[window.next];
        for waiting in [Command::Act, Command::RefPb] {
            if self.window_commands.contains(waiting) {
                let other =
                    if self.window_takes_waiting_length { self.lengths[waiting as usize] } else { length };
                let clock = (oldest + oldest_length + self.window_clocks).saturating_sub(other);
                let entry = &mut self.earliest[self.rank_base + rank * STRIDE + waiting as usize];
                *entry = (*entry).max(clock);
            }
        }
    }
}
