//! Surrogates: learn one target from rows of features.

use hwgym::envs::Options;
use hwgym::surrogates::{self, Features};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::registry::registries;
use crate::threads::released;
use crate::{bad_input, convert};

/// A trained surrogate.
#[pyclass(frozen, module = "hwgym._native")]
pub struct Fitted {
    fitted: Box<dyn surrogates::Fitted>,
    width: usize,
}

fn features(bytes: &[u8], width: usize) -> PyResult<Features> {
    let numbers = convert::numbers(bytes)?;
    if numbers.iter().any(|number| !number.is_finite()) {
        return Err(bad_input("a feature is not finite"));
    }
    Features::new(numbers, width).ok_or_else(|| bad_input(format!("these are no rows of {width} features")))
}

/// Trains the surrogate of this id.
#[pyfunction]
pub fn fit_surrogate(
    py: Python<'_>,
    id: &str,
    hyperparameters: Vec<(String, String)>,
    rows: &[u8],
    width: usize,
    targets: &[u8],
    seed: u64,
) -> PyResult<Fitted> {
    let registries = registries()?;
    let features = features(rows, width)?;
    let targets = convert::numbers(targets)?;
    if targets.len() != features.rows() || targets.len() < 2 {
        let (given, wanted) = (targets.len(), features.rows());
        return Err(bad_input(format!(
            "{given} targets for {wanted} rows; a surrogate learns from 2 at least"
        )));
    }
    if targets.iter().any(|target| !target.is_finite()) {
        return Err(bad_input("a target is not finite; leave such rows out"));
    }
    let pairs = hyperparameters.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let options = Options::from_pairs(pairs);
    let surrogate = registries.surrogates().make(id, &options).map_err(bad_input)?;
    let fitted = released(py, || surrogate.fit(&features, &targets, seed))?.map_err(bad_input)?;
    Ok(Fitted { fitted, width })
}

#[pymethods]
impl Fitted {
    /// Means and standard deviations of rows of features.
    fn predict<'py>(
        &self,
        py: Python<'py>,
        rows: &[u8],
    ) -> PyResult<(Bound<'py, PyBytes>, Bound<'py, PyBytes>)> {
        let features = features(rows, self.width)?;
        let estimates = released(py, || self.fitted.predict(&features))?;
        let count = estimates.len();
        Ok((
            convert::bytes(py, count, estimates.iter().map(|estimate| estimate.mean))?,
            convert::bytes(py, count, estimates.iter().map(|estimate| estimate.sd))?,
        ))
    }
}
