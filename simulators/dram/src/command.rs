//! The commands a DRAM controller sends, and small sets of them.

/// A DRAM command. The discriminant indexes the flat timing tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Command {
    /// Activate: open a row of a bank.
    Act,
    /// Precharge one bank.
    PrePb,
    /// Precharge all banks of a rank.
    PreAb,
    /// Precharge one bank of every bank group.
    PreSb,
    /// Read burst.
    Rd,
    /// Read burst with auto-precharge.
    Rda,
    /// Write burst.
    Wr,
    /// Write burst with auto-precharge.
    Wra,
    /// Refresh all banks of a rank.
    RefAb,
    /// Refresh one bank.
    RefPb,
    /// Refresh one bank of every bank group.
    RefSb,
    /// Enter active power-down.
    PdEa,
    /// Leave active power-down.
    PdXa,
    /// Enter precharge power-down.
    PdEp,
    /// Leave precharge power-down.
    PdXp,
    /// Enter self refresh.
    SrefEn,
    /// Leave self refresh.
    SrefEx,
}

/// Number of commands.
pub const COMMANDS: usize = 17;

impl Command {
    /// All commands, in order of their discriminants.
    pub const ALL: [Self; COMMANDS] = [
        Self::Act,
        Self::PrePb,
        Self::PreAb,
        Self::PreSb,
        Self::Rd,
        Self::Rda,
        Self::Wr,
        Self::Wra,
        Self::RefAb,
        Self::RefPb,
        Self::RefSb,
        Self::PdEa,
        Self::PdXa,
        Self::PdEp,
        Self::PdXp,
        Self::SrefEn,
        Self::SrefEx,
    ];

    /// Name as the standards and the command log write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Act => "ACT",
            Self::PrePb => "PREPB",
            Self::PreAb => "PREAB",
            Self::PreSb => "PRESB",
            Self::Rd => "RD",
            Self::Rda => "RDA",
            Self::Wr => "WR",
            Self::Wra => "WRA",
            Self::RefAb => "REFAB",
            Self::RefPb => "REFPB",
            Self::RefSb => "REFSB",
            Self::PdEa => "PDEA",
            Self::PdXa => "PDXA",
            Self::PdEp => "PDEP",
            Self::PdXp => "PDXP",
            Self::SrefEn => "SREFEN",
            Self::SrefEx => "SREFEX",
        }
    }

    /// The command of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|command| command.name() == name)
    }

    /// Whether it moves data.
    #[inline]
    pub const fn is_column(self) -> bool {
        matches!(self, Self::Rd | Self::Rda | Self::Wr | Self::Wra)
    }

    /// Whether it addresses a whole rank.
    #[inline]
    pub const fn is_rank_wide(self) -> bool {
        matches!(
            self,
            Self::PreAb
                | Self::RefAb
                | Self::PdEa
                | Self::PdXa
                | Self::PdEp
                | Self::PdXp
                | Self::SrefEn
                | Self::SrefEx
        )
    }
}

/// A set of commands, one bit each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CommandSet(u32);

impl CommandSet {
    /// The set of `commands`.
    pub const fn of(commands: &[Command]) -> Self {
        let mut bits = 0;
        let mut i = 0;
        while i < commands.len() {
            bits |= 1 << commands[i] as u32;
            i += 1;
        }
        Self(bits)
    }

    /// Adds one command.
    pub fn insert(&mut self, command: Command) {
        self.0 |= 1 << command as u32;
    }

    /// Whether `command` is in the set.
    #[inline]
    pub const fn contains(self, command: Command) -> bool {
        self.0 >> command as u32 & 1 == 1
    }
}
