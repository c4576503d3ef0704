//! One evaluation, as it stands in a file.

use hwgym_envs::{Design, DesignSpace, FidelityLevel, Metric, Outcome, Score};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// One line of a trial's records. Everything but `wall` is the same whenever and wherever the trial is run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// Number of the evaluation in its trial, counted from 1.
    pub evaluation: usize,
    /// The level of fidelity with its relative cost, unless it is the full one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fidelity: Option<FidelityLevel>,
    /// Values of the parameters by name, in the space's order.
    pub design: Map<String, Value>,
    /// `status`, and what belongs to it: `metrics` by name, or why there are none.
    pub outcome: Value,
    /// One reward per goal, higher is better.
    pub rewards: Vec<f64>,
    /// By how much bounds and constraints are broken; 0 for a solution.
    pub violation: f64,
    /// The clock: the only part that differs between runs.
    pub wall: Wall,
}

/// Wall-clock times of an evaluation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wall {
    /// Seconds that the evaluation took.
    pub evaluation_s: f64,
    /// Seconds from the start of the trial to its end, pauses between runs not counted.
    pub at_s: f64,
}

/// Why a trial is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum End {
    /// All evaluations of the budget are made.
    Budget,
    /// The cost of the budget is spent.
    Cost,
    /// The seconds of the budget are spent.
    Seconds,
    /// The agent proposes nothing more.
    AgentDone,
    /// Every target specification is met.
    TargetsMet,
}

impl Record {
    /// The record of an evaluation.
    pub fn new(
        evaluation: usize,
        design: Map<String, Value>,
        outcome: &Outcome,
        score: &Score,
        metrics: &[Metric],
        wall: Wall,
    ) -> Self {
        Self {
            evaluation,
            fidelity: None,
            design,
            outcome: outcome_to_json(outcome, metrics),
            rewards: score.rewards.clone(),
            violation: score.violation,
            wall,
        }
    }

    /// True for a design that was measured at full fidelity and keeps every bound: what counts in a report.
    pub fn is_solution(&self) -> bool {
        self.violation == 0.0 && !self.rewards.is_empty() && self.fidelity.is_none()
    }

    /// What the evaluation cost, in evaluations at full fidelity.
    pub fn cost(&self) -> f64 {
        self.fidelity.as_ref().map_or(1.0, |level| level.relative_cost)
    }

    /// The outcome. Errors: metrics other than those of the environment.
    pub fn outcome(&self, metrics: &[Metric]) -> Result<Outcome, String> {
        if self.outcome["status"] == "feasible" {
            let values = metrics.iter().map(|metric| {
                self.outcome["metrics"][&metric.name]
                    .as_f64()
                    .ok_or_else(|| format!("the record has no number for metric `{}`", metric.name))
            });
            return Ok(Outcome::feasible(values.collect::<Result<Vec<_>, _>>()?));
        }
        serde_json::from_value(self.outcome.clone()).map_err(|error| format!("outcome: {error}"))
    }

    /// The design. Errors: values that the space does not have.
    pub fn design(&self, space: &DesignSpace) -> Result<Design, String> {
        let values = self.design.iter().map(|(name, value)| {
            serde_json::from_value(value.clone())
                .map(|value| (name, value))
                .map_err(|e| format!("`{name}`: {e}"))
        });
        space.design(values.collect::<Result<Vec<_>, _>>()?).map_err(|e| e.to_string())
    }
}

/// A design by name.
pub fn design_to_json(space: &DesignSpace, design: &Design) -> Map<String, Value> {
    space.values(design).into_iter().map(|(name, value)| (name, json!(value))).collect()
}

/// An outcome, its metrics by name.
pub fn outcome_to_json(outcome: &Outcome, metrics: &[Metric]) -> Value {
    match outcome {
        Outcome::Feasible { metrics: values } => {
            let values: Map<String, Value> = metrics
                .iter()
                .zip(values)
                .map(|(metric, value)| (metric.name.clone(), json!(value)))
                .collect();
            json!({ "status": "feasible", "metrics": values })
        }
        other => json!(other),
    }
}
