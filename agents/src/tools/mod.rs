//! What several agents share: initial designs, moves in mixed spaces, ranking, and the memory of what was proposed.

pub mod arrangements;
pub mod initial;
pub mod lagrangian;
pub mod misses;
pub mod neighbourhood;
pub mod ranking;
pub mod seen;
pub mod variation;

use crate::AgentError;

/// Checks a hyperparameter against its range. Errors: a value outside it, or not a number.
pub fn check_range(name: &str, value: f64, low: f64, high: f64) -> Result<(), AgentError> {
    if value >= low && value <= high {
        Ok(())
    } else {
        Err(AgentError::out_of_range(name, value, &format!("a number from {low} to {high}")))
    }
}

/// Checks a count against its range. Errors: a value outside it.
pub fn check_count(name: &str, value: usize, low: usize, high: usize) -> Result<(), AgentError> {
    if (low..=high).contains(&value) {
        Ok(())
    } else {
        Err(AgentError::out_of_range(name, value, &format!("an integer from {low} to {high}")))
    }
}
