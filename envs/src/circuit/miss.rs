//! Why a design could not be measured.

use hwgym_simulators::circuit::CircuitError;

use crate::Outcome;

/// Why a design has no metrics: it breaks a requirement, or the simulator broke.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Miss {
    /// What should hold and does not, and by how much.
    Infeasible(String, f64),
    /// The simulator failed.
    Failed(String),
}

impl Miss {
    /// A broken requirement.
    pub(super) fn new(constraint: impl Into<String>, amount: f64) -> Self {
        Self::Infeasible(constraint.into(), amount)
    }

    /// The outcome of an evaluation that ended so.
    pub(super) fn outcome(self) -> Outcome {
        match self {
            Self::Infeasible(constraint, amount) => Outcome::infeasible(constraint, amount),
            Self::Failed(reason) => Outcome::failed(reason),
        }
    }
}

impl From<CircuitError> for Miss {
    /// What a simulator says against a design is a property of the design: it does not bias, converge, or have legal sizes.
    fn from(error: CircuitError) -> Self {
        Self::Infeasible(format!("the circuit can be simulated: {error}"), 1.0)
    }
}
