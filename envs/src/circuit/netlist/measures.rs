//! What the `.measure` cards of a simulation gave.

use hwgym_simulators::circuit::Results;

use super::super::miss::Miss;

/// A measure by name; a miss where it has no finite value.
pub(super) fn measured(results: &Results, name: &str) -> Result<f64, Miss> {
    let found = match results.measures.iter().find(|m| m.name.eq_ignore_ascii_case(name)) {
        Some(measured) => measured.value.clone(),
        None => Err("the analysis did not run".into()),
    };
    match found {
        Ok(value) if value.is_finite() => Ok(value),
        Ok(value) => Err(Miss::new(format!("`{name}` can be measured: it is {value}"), 1.0)),
        Err(reason) => Err(Miss::new(format!("`{name}` can be measured: {reason}"), 1.0)),
    }
}

/// A miss with the condition's name in front.
pub(super) fn named(miss: Miss, condition: &str) -> Miss {
    match miss {
        Miss::Infeasible(text, amount) if !condition.is_empty() => {
            Miss::Infeasible(format!("{condition}: {text}"), amount)
        }
        other => other,
    }
}
