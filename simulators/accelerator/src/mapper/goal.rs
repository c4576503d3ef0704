//! What a search minimises, and what it finds.
use serde::{Deserialize, Serialize};

use crate::timeloop::evaluate::Cost;
use crate::timeloop::mapping::Nest;

/// What is minimised.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Goal {
    /// Energy.
    Energy,
    /// Cycles, and among equals energy.
    Delay,
    /// Energy times cycles.
    Edp,
}

impl Goal {
    /// The goal called `name`, as Timeloop's `mapper:` section and the command line have it.
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "energy" => Some(Self::Energy),
            "delay" | "cycles" | "latency" => Some(Self::Delay),
            "edp" => Some(Self::Edp),
            _ => None,
        }
    }

    /// The figure that is compared.
    pub fn value(self, cost: &Cost) -> f64 {
        match self {
            Self::Energy => cost.energy_pj,
            Self::Delay => cost.cycles as f64,
            Self::Edp => cost.edp(),
        }
    }

    /// Whether `a` is better than `b`; delays break ties by energy.
    pub fn better(self, a: &Cost, b: &Cost) -> bool {
        match self {
            Self::Delay => (a.cycles, a.energy_pj) < (b.cycles, b.energy_pj),
            _ => self.value(a) < self.value(b),
        }
    }
}

/// A mapping with its cost.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Solution {
    /// The mapping.
    pub nest: Nest,
    /// Its cost, from the plain evaluator.
    pub cost: Cost,
}

/// What a sampling search did.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Sampled {
    /// The best mapping met, `None` where none was valid.
    pub best: Option<Solution>,
    /// Valid mappings evaluated.
    pub evaluations: u64,
    /// Candidates that did not fit.
    pub rejected: u64,
}
