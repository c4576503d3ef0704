//! The timing rules of each DRAM standard, as data: one table file per standard in this folder.
//!
//! A table holds formulas over timing names; with the figures of a device it becomes a [`Timing`], all in clocks.
pub(crate) mod expression;

use crate::command::{COMMANDS, Command, CommandSet};
use crate::error::{Error, Result};
use crate::source::read_ron;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

/// A DRAM standard with a rule table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, serde::Serialize)]
#[allow(missing_docs)]
pub enum Standard {
    DDR3,
    DDR4,
    DDR5,
    LPDDR4,
    LPDDR5,
    HBM2,
    HBM3,
    GDDR6,
    WideIO2,
}

impl Standard {
    /// Whether the ranks of a channel (the pseudo channels of HBM) have a data bus each.
    pub fn ranks_have_own_data_bus(self) -> bool {
        matches!(self, Self::HBM2 | Self::HBM3)
    }

    /// File name and text of the rule table.
    pub fn table(self) -> (&'static str, &'static str) {
        match self {
            Self::DDR3 => ("standard/ddr3.ron", include_str!("ddr3.ron")),
            Self::DDR4 => ("standard/ddr4.ron", include_str!("ddr4.ron")),
            Self::DDR5 => ("standard/ddr5.ron", include_str!("ddr5.ron")),
            Self::LPDDR4 => ("standard/lpddr4.ron", include_str!("lpddr4.ron")),
            Self::LPDDR5 => ("standard/lpddr5.ron", include_str!("lpddr5.ron")),
            Self::HBM2 => ("standard/hbm2.ron", include_str!("hbm2.ron")),
            Self::HBM3 => ("standard/hbm3.ron", include_str!("hbm3.ron")),
            Self::GDDR6 => ("standard/gddr6.ron", include_str!("gddr6.ron")),
            Self::WideIO2 => ("standard/wideio2.ron", include_str!("wideio2.ron")),
        }
    }
}

/// Which banks a rule's `to` command means, seen from the bank of `from`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
pub enum Scope {
    /// The same bank.
    Bank,
    /// The same bank group (of the same rank).
    Group,
    /// The same rank.
    Rank,
    /// Every rank but the own one.
    OtherRanks,
    /// Every stack but the own one (3D-stacked HBM).
    OtherStacks,
}

/// How many command buses there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum CommandBus {
    /// One bus for all commands.
    One,
    /// One bus for column commands (reads and writes), one for all others.
    RowAndColumn,
}

/// One rule: after `from` at T no `to` in `scope` before T + `gap`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// Where it holds.
    pub scope: Scope,
    /// The earlier command.
    pub from: Command,
    /// The later command.
    pub to: Command,
    /// Clocks between them.
    pub gap: u32,
}

/// A refresh command's period and length, in clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RefreshTiming {
    /// Average time between two commands.
    pub interval: u64,
    /// Time a bank is busy with one.
    pub duration: u64,
}

/// The rules of a standard resolved with the figures of one device. All times in clocks.
#[derive(Debug, Clone, PartialEq)]
pub struct Timing {
    /// Rules that always hold.
    pub rules: Vec<Rule>,
    /// Rules that hold only for the reference DRAMSys 4.
    pub rules_dramsys4: Vec<Rule>,
    /// Rules that hold only for the reference DRAMSys 5.
    pub rules_dramsys5: Vec<Rule>,
    /// Clocks each command occupies its bus.
    pub command_clocks: [u8; COMMANDS],
    /// Command buses.
    pub command_bus: CommandBus,
    /// Commands that count in the activate window and wait for it.
    pub window_commands: CommandSet,
    /// Number of them in one window.
    pub window_count: usize,
    /// Length of the window (tFAW).
    pub window_clocks: u64,
    /// Gap after a full round of per-bank refreshes, and inside the round, where the standard has that rule.
    pub refresh_round: Option<(u64, u64)>,
    /// All-bank refresh.
    pub all_bank_refresh: RefreshTiming,
    /// Per-bank refresh, where the standard has it.
    pub per_bank_refresh: Option<RefreshTiming>,
    /// Same-bank refresh, where the standard has it.
    pub same_bank_refresh: Option<RefreshTiming>,
    /// From a read command to the end of its data.
    pub read_data_end: u64,
    /// From a write command to the end of its data.
    pub write_data_end: u64,
    /// Length of a burst on the data bus.
    pub burst_clocks: u64,
    /// Every name with its value: the device's figures and the derived ones.
    pub values: BTreeMap<String, i64>,
}

impl Timing {
    /// Value of a timing name, 0 where the device has none.
    pub fn value(&self, name: &str) -> u64 {
        self.values.get(name).map_or(0, |value| u64::try_from(*value).unwrap_or(0))
    }
}

/// A table file as written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename = "Standard")]
struct Table {
    #[allow(dead_code)]
    name: String,
    all_bank_refresh: RefreshFormula,
    #[serde(default)]
    per_bank_refresh: Option<RefreshFormula>,
    #[serde(default)]
    same_bank_refresh: Option<RefreshFormula>,
    command_bus: CommandBus,
    #[serde(default)]
    command_clocks: Vec<(String, u8)>,
    activate_window: WindowFormula,
    #[serde(default)]
    refresh_round: Option<RoundFormula>,
    read_data_end: String,
    write_data_end: String,
    #[serde(default)]
    informative: String,
    derived: Vec<(String, String)>,
    rules: Vec<(Scope, String, String, String)>,
    #[serde(default)]
    rules_dramsys4: Vec<(Scope, String, String, String)>,
    #[serde(default)]
    rules_dramsys5: Vec<(Scope, String, String, String)>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RefreshFormula {
    interval: String,
    duration: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WindowFormula {
    commands: String,
    count: usize,
    clocks: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RoundFormula {
    full: String,
    between: String,
}

/// What went wrong while resolving a table with a device's figures.
pub(crate) enum Problem {
    /// The table itself is wrong.
    Table(Error),
    /// The device lacks this figure.
    Missing(String),
    /// The device has a figure that the standard does not know; the known ones follow.
    Unknown(String, Vec<String>),
}

/// Resolves the table of `standard` with the figures `values` and the burst of `burst_clocks`.
pub(crate) fn resolve(
    standard: Standard,
    values: &BTreeMap<String, u32>,
    burst_clocks: u64,
) -> Result<Timing, Problem> {
    let (file, text) = standard.table();
    let table: Table = read_ron(text, file).map_err(Problem::Table)?;
    let mut known: BTreeMap<String, i64> =
        values.iter().map(|(name, v)| (name.clone(), i64::from(*v))).collect();
    known.insert("BU".to_owned(), burst_clocks as i64);
    let mut used = BTreeSet::new();
    for (name, formula) in &table.derived {
        let value = formula_value(formula, &known, &mut used, file, text)?;
        known.insert(name.clone(), value);
    }
    let mut value = |formula: &str| formula_value(formula, &known, &mut used, file, text);
    let mut clocks = |formula: &str| value(formula).map(|v| v.max(0) as u64);
    let mut refresh = |formula: &RefreshFormula| {
        Ok(RefreshTiming { interval: clocks(&formula.interval)?, duration: clocks(&formula.duration)? })
    };
    let all_bank_refresh = refresh(&table.all_bank_refresh)?;
    let per_bank_refresh = table.per_bank_refresh.as_ref().map(&mut refresh).transpose()?;
    let same_bank_refresh = table.same_bank_refresh.as_ref().map(&mut refresh).transpose()?;
    let mut rules = |list: &[(Scope, String, String, String)]| {
        let mut out = Vec::new();
        for (scope, from, to, gap) in list {
            let gap = clocks(gap)? as u32;
            for from in commands(from, file, text)? {
                for to in commands(to, file, text)? {
                    out.push(Rule { scope: *scope, from, to, gap });
                }
            }
        }
        Ok(out)
    };
    let all = rules(&table.rules)?;
    let rules_dramsys4 = rules(&table.rules_dramsys4)?;
    let rules_dramsys5 = rules(&table.rules_dramsys5)?;
    let mut command_clocks = [1; COMMANDS];
    for (list, length) in &table.command_clocks {
        for command in commands(list, file, text)? {
            command_clocks[command as usize] = *length;
        }
    }
    let mut window_commands = CommandSet::default();
    for command in commands(&table.activate_window.commands, file, text)? {
        window_commands.insert(command);
    }
    let window_clocks = clocks(&table.activate_window.clocks)?;
    let refresh_round = match &table.refresh_round {
        Some(round) => Some((clocks(&round.full)?, clocks(&round.between)?)),
        None => None,
    };
    let read_data_end = clocks(&table.read_data_end)?;
    let write_data_end = clocks(&table.write_data_end)?;
    used.extend(table.informative.split_whitespace().map(str::to_owned));
    if let Some(name) = values.keys().find(|name| !used.contains(*name)) {
        let derived: BTreeSet<&String> = table.derived.iter().map(|(name, _)| name).collect();
        let known = used.iter().filter(|name| !derived.contains(name) && *name != "BU").cloned().collect();
        return Err(Problem::Unknown(name.clone(), known));
    }
    Ok(Timing {
        rules: all,
        rules_dramsys4,
        rules_dramsys5,
        command_clocks,
        command_bus: table.command_bus,
        window_commands,
        window_count: table.activate_window.count,
        window_clocks,
        refresh_round,
        all_bank_refresh,
        per_bank_refresh,
        same_bank_refresh,
        read_data_end,
        write_data_end,
        burst_clocks,
        values: known,
    })
}

/// Value of one formula; remembers the names it used.
fn formula_value(
    formula: &str,
    known: &BTreeMap<String, i64>,
    used: &mut BTreeSet<String>,
    file: &str,
    text: &str,
) -> Result<i64, Problem> {
    let mut missing = None;
    let result = expression::evaluate(formula, &mut |name| {
        used.insert(name.to_owned());
        known.get(name).copied().ok_or_else(|| {
            missing = Some(name.to_owned());
            String::new()
        })
    });
    match (result, missing) {
        (Ok(value), _) => Ok(value),
        (Err(_), Some(name)) => Err(Problem::Missing(name)),
        (Err(message), None) => Err(table_problem(file, text, formula, message)),
    }
}

/// Commands named in a list separated by blanks.
fn commands(list: &str, file: &str, text: &str) -> Result<Vec<Command>, Problem> {
    list.split_whitespace()
        .map(|name| {
            Command::from_name(name)
                .ok_or_else(|| table_problem(file, text, name, format!("`{name}` is no command")))
        })
        .collect()
}

/// A fault in a table file, placed at the first line that holds `fragment`.
fn table_problem(file: &str, text: &str, fragment: &str, message: String) -> Problem {
    let line = text.lines().position(|line| line.contains(fragment)).map_or(1, |index| index + 1);
    let remedy = "correct the rule table of the standard".to_owned();
    Problem::Table(Error::Source { file: file.to_owned(), line, column: 1, message, remedy })
}
