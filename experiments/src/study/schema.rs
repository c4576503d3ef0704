//! What stands in a study file, before it is checked.

use ron::value::RawValue;
use serde::Deserialize;

use super::hyperparameters::Sampling;

/// The file. Parts that need the registries, or a better place in error messages, stay unread.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StudyFile<'a> {
    pub name: String,
    #[serde(default)]
    pub description: String,
    #[serde(borrow)]
    pub environments: Vec<&'a RawValue>,
    #[serde(borrow)]
    pub agents: Vec<&'a RawValue>,
    #[serde(borrow)]
    pub seeds: &'a RawValue,
    #[serde(borrow)]
    pub budget: &'a RawValue,
    #[serde(default, borrow)]
    pub batch: Option<&'a RawValue>,
    #[serde(default, borrow)]
    pub time_limit_s: Option<&'a RawValue>,
    #[serde(default)]
    pub stop_when_met: bool,
    #[serde(default = "yes")]
    pub cache: bool,
    #[serde(default)]
    pub re_simulate: usize,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EnvironmentFile<'a> {
    #[serde(borrow, alias = "environment")]
    pub id: &'a RawValue,
    #[serde(default)]
    pub label: Option<String>,
    #[serde(default, borrow)]
    pub options: Option<&'a RawValue>,
    #[serde(default, borrow)]
    pub objectives: Vec<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AgentFile<'a> {
    #[serde(borrow)]
    pub id: &'a RawValue,
    #[serde(default)]
    pub label: Option<String>,
    #[serde(default, borrow)]
    pub hyperparameters: Option<&'a RawValue>,
    #[serde(default)]
    pub samples: usize,
    #[serde(default)]
    pub sampling: Sampling,
    #[serde(default, borrow)]
    pub wrappers: Vec<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct BudgetFile {
    #[serde(default)]
    pub evaluations: Option<usize>,
    #[serde(default)]
    pub cost: Option<f64>,
    #[serde(default)]
    pub seconds: Option<f64>,
}

fn yes() -> bool {
    true
}
