//! What stands in the RON file, before it is checked. Every field is documented in `envs/docs/command.md`.

use ron::value::RawValue;
use serde::{Deserialize, Serialize};

use super::escape::FileKind;
use super::extract::Pick;
use crate::{Direction, Objective, Value};

/// The file. What needs a place of its own in messages stays unread.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DefinitionFile<'a> {
    #[serde(default)]
    pub name: String,
    #[serde(default)]
    pub description: String,
    #[serde(borrow)]
    pub parameters: &'a RawValue,
    #[serde(default, borrow)]
    pub constraints: Vec<&'a RawValue>,
    #[serde(default, borrow)]
    pub groups: Option<&'a RawValue>,
    #[serde(default, borrow)]
    pub derived: Option<&'a RawValue>,
    #[serde(default, borrow)]
    pub constants: Option<&'a RawValue>,
    #[serde(default, borrow)]
    pub fidelities: Vec<&'a RawValue>,
    #[serde(borrow)]
    pub command: &'a RawValue,
    #[serde(default, borrow)]
    pub launcher: Option<&'a RawValue>,
    #[serde(default)]
    pub protocol: Protocol,
    #[serde(default, borrow)]
    pub env: Option<&'a RawValue>,
    #[serde(default, borrow)]
    pub files: Vec<&'a RawValue>,
    #[serde(default, borrow)]
    pub reads: Vec<&'a RawValue>,
    #[serde(default, borrow)]
    pub templates: Vec<&'a RawValue>,
    #[serde(default, borrow)]
    pub design_file: Option<&'a RawValue>,
    #[serde(default, borrow)]
    pub needs: Vec<&'a RawValue>,
    #[serde(default, borrow)]
    pub version: Option<&'a RawValue>,
    #[serde(borrow)]
    pub metrics: Vec<&'a RawValue>,
    #[serde(default, borrow)]
    pub objectives: Vec<&'a RawValue>,
    #[serde(default, borrow)]
    pub success: Option<&'a RawValue>,
    #[serde(default, borrow)]
    pub infeasible: Vec<&'a RawValue>,
    #[serde(default, borrow)]
    pub retry: Option<&'a RawValue>,
    #[serde(default, borrow)]
    pub limits: Option<&'a RawValue>,
    #[serde(default, borrow)]
    pub parallel: Option<&'a RawValue>,
    #[serde(default, borrow)]
    pub repeats: Option<&'a RawValue>,
    #[serde(default)]
    pub aggregate: Aggregate,
    #[serde(default)]
    pub seed: Option<u64>,
    #[serde(default)]
    pub keep: Keep,
    #[serde(default)]
    pub keep_in: Option<String>,
    #[serde(default)]
    pub scratch: Option<String>,
}

/// How the program is talked to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Protocol {
    /// It is started for every evaluation.
    #[default]
    OneShot,
    /// It stays, and answers one line of JSON for one line of JSON.
    JsonLines,
}

/// How several runs become one number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Aggregate {
    /// The middle one; of an even number the mean of the two in the middle.
    #[default]
    Median,
    /// The mean.
    Mean,
    /// The smallest.
    Minimum,
    /// The largest.
    Maximum,
    /// The worst, by the direction of the metric.
    Worst,
    /// The best, by the direction of the metric.
    Best,
}

/// Which scratch folders are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Keep {
    /// None.
    #[default]
    Never,
    /// Those of runs without metrics.
    Failures,
    /// All.
    Always,
}

/// A part of the command that is there for some designs only.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WhenFile<'a> {
    #[serde(borrow)]
    pub when: &'a RawValue,
    #[serde(default, borrow)]
    pub is_one_of: Option<&'a RawValue>,
    #[serde(borrow)]
    pub arguments: Vec<&'a RawValue>,
}

/// A file or folder that is brought into the scratch folder.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FileEntry {
    pub from: String,
    #[serde(default)]
    pub to: Option<String>,
    #[serde(default)]
    pub link: bool,
}

/// A file whose variables are filled in.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TemplateEntry {
    #[serde(default)]
    pub from: Option<String>,
    #[serde(default)]
    pub text: Option<String>,
    #[serde(default)]
    pub to: Option<String>,
    #[serde(default)]
    pub escape: Option<FileKind>,
    #[serde(default)]
    pub marks: Option<(String, String)>,
}

/// A level of fidelity beside the full one.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FidelityEntry<'a> {
    pub name: String,
    pub relative_cost: f64,
    #[serde(borrow)]
    pub set: &'a RawValue,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MetricEntry<'a> {
    pub name: String,
    #[serde(default)]
    pub unit: Option<String>,
    pub direction: Direction,
    #[serde(default)]
    pub definition: Option<String>,
    #[serde(default, borrow)]
    pub from: Option<&'a RawValue>,
    #[serde(default)]
    pub in_unit: Option<String>,
    #[serde(default = "yes")]
    pub required: bool,
    #[serde(default)]
    pub otherwise: Option<f64>,
    #[serde(default)]
    pub range: Option<(f64, f64)>,
    #[serde(default)]
    pub deviation: Option<f64>,
}

/// Where the number of a metric is found.
#[derive(Deserialize)]
pub(super) enum PlaceEntry {
    Json {
        #[serde(default)]
        file: Option<String>,
        pointer: String,
    },
    Csv {
        #[serde(default)]
        file: Option<String>,
        column: ColumnEntry,
        #[serde(default)]
        row: RowEntry,
        #[serde(default)]
        delimiter: Option<char>,
    },
    Regex {
        #[serde(default)]
        file: Option<String>,
        pattern: String,
        #[serde(default)]
        pick: Pick,
    },
    Stdout,
    ExitCode,
    WallTime,
    CpuTime,
    PeakMemory,
}

#[derive(Clone, Deserialize)]
#[serde(untagged)]
pub(super) enum ColumnEntry {
    Number(usize),
    Name(String),
}

#[derive(Default, Deserialize)]
pub(super) enum RowEntry {
    First,
    #[default]
    Last,
    Number(usize),
    Key {
        column: ColumnEntry,
        value: Value,
    },
}

/// What makes a design infeasible.
#[derive(Deserialize)]
pub(super) enum RuleEntry {
    ExitCode {
        code: i32,
        meaning: String,
        #[serde(default)]
        amount: Option<f64>,
    },
    Pattern {
        pattern: String,
        #[serde(default)]
        file: Option<String>,
        meaning: String,
        #[serde(default)]
        amount: Option<f64>,
    },
    Metric {
        metric: String,
        #[serde(default)]
        at_most: Option<f64>,
        #[serde(default)]
        at_least: Option<f64>,
        #[serde(default)]
        meaning: Option<String>,
    },
}

/// What is tried again.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RetryEntry {
    pub pattern: String,
    pub times: usize,
    #[serde(default)]
    pub wait_s: f64,
}

#[derive(Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct LimitsEntry {
    pub time_s: f64,
    pub memory_mb: Option<f64>,
    pub output_mb: f64,
    pub grace_s: f64,
    pub start_s: f64,
}

impl Default for LimitsEntry {
    fn default() -> Self {
        Self { time_s: 3600.0, memory_mb: None, output_mb: 256.0, grace_s: 1.0, start_s: 60.0 }
    }
}

/// What a study, or `-o` on the command line, may change of a definition.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Changes {
    /// The RON file, for the id `command-v0`.
    pub file: Option<String>,
    pub launcher: Option<Vec<String>>,
    pub parallel: Option<usize>,
    pub repeats: Option<usize>,
    pub seed: Option<u64>,
    pub keep: Option<Keep>,
    pub keep_in: Option<String>,
    pub scratch: Option<String>,
    pub time_s: Option<f64>,
    pub constants: std::collections::BTreeMap<String, Value>,
}

/// An objective of the file.
pub(super) type ObjectiveEntry = Objective;

fn yes() -> bool {
    true
}
