//! What the user says of a deck: space, metrics, bounds, corners.

use std::path::PathBuf;

use serde::Deserialize;

use super::super::conditions::Simulator;
use crate::{Constraint, Direction, Group, Objective, Parameter};

/// Options of the environment.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NetlistOptions {
    /// The deck's file.
    pub deck: Option<PathBuf>,
    /// Or the deck itself.
    pub text: Option<String>,
    /// The design space: numeric parameters named as `.param`s of the deck.
    pub parameters: Vec<Parameter>,
    /// Constraints between parameters.
    pub constraints: Vec<Constraint>,
    /// Groups for multi-agent search.
    pub groups: Vec<Group>,
    /// What is measured.
    pub metrics: Vec<MeasureMetric>,
    /// Measures that a design must keep within bounds.
    pub require: Vec<Requirement>,
    /// Objectives by name, the default first; each metric and their Pareto front are added.
    pub objectives: Vec<Objective>,
    /// Corners: metrics are the worst over all of them.
    pub conditions: Vec<NetlistCondition>,
    /// Monte Carlo over parameters of the deck.
    pub monte_carlo: MonteCarlo,
    /// Other folders that includes may read from.
    pub allow_include: Vec<PathBuf>,
    /// Who simulates.
    pub engine: Simulator,
}

/// A metric and the `.measure` that it comes from.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MeasureMetric {
    /// Name of the metric, with its unit.
    pub name: String,
    /// The `.measure`'s name; the metric's own if left out.
    #[serde(default)]
    pub measure: Option<String>,
    /// Unit, `1` if left out.
    #[serde(default)]
    pub unit: Option<String>,
    /// Which way it is better.
    pub direction: Direction,
    /// What it is.
    #[serde(default)]
    pub definition: Option<String>,
}

/// A bound on a measure.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Requirement {
    /// The `.measure`'s name.
    pub measure: String,
    /// Smallest value.
    #[serde(default)]
    pub at_least: Option<f64>,
    /// Largest value.
    #[serde(default)]
    pub at_most: Option<f64>,
}

/// A corner: other parameter values, another temperature.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NetlistCondition {
    /// Name, for messages.
    pub name: String,
    /// Parameters of the deck and their values.
    pub parameters: Vec<(String, f64)>,
    /// Circuit temperature; the deck's if left out.
    pub temperature_c: Option<f64>,
}

/// Normal deviates added to parameters of the deck.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MonteCarlo {
    /// Samples per condition; 0 switches it off.
    pub samples: usize,
    /// Seed: the same deviates for every design.
    pub seed: u64,
    /// Parameters of the deck that are set to `sigma` times a deviate.
    pub sigmas: Vec<(String, f64)>,
}

impl Default for MonteCarlo {
    fn default() -> Self {
        Self { samples: 0, seed: 1, sigmas: Vec::new() }
    }
}
