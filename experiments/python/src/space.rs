//! Design spaces.

use std::sync::Arc;

use hwgym::envs::{Constraint, DesignSpace, Encoding, Options, Random};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};

use crate::{bad_input, convert};

/// A design space.
#[pyclass(frozen, module = "hwgym._native")]
pub struct Space {
    pub space: Arc<DesignSpace>,
}

impl Space {
    pub fn of(space: &DesignSpace) -> Self {
        Self { space: Arc::new(space.clone()) }
    }
}

fn encoding(name: &str) -> PyResult<Encoding> {
    match name {
        "index" => Ok(Encoding::Index),
        "unit" => Ok(Encoding::UnitCube),
        "one-hot" => Ok(Encoding::OneHot),
        other => {
            let hint = hwgym::envs::suggest::suggestion(other, &["index", "unit", "one-hot"]);
            Err(bad_input(format!("no encoding is called `{other}`{hint}; there are index, unit, one-hot")))
        }
    }
}

#[pymethods]
impl Space {
    /// A space from RON: `(parameters: [...], constraints: [...], groups: [...])`.
    #[staticmethod]
    fn from_ron(text: &str) -> PyResult<Self> {
        let space: DesignSpace = Options::ron(text).parse().map_err(bad_input)?;
        Ok(Self { space: Arc::new(space) })
    }

    /// A space from JSON, as `json` gives it.
    #[staticmethod]
    fn from_json(text: &str) -> PyResult<Self> {
        let space: DesignSpace = serde_json::from_str(text).map_err(bad_input)?;
        Ok(Self { space: Arc::new(space) })
    }

    /// The same with further constraints, a list in RON.
    fn constrained(&self, constraints: &str) -> PyResult<Self> {
        let more: Vec<Constraint> = Options::ron(constraints).parse().map_err(bad_input)?;
        let mut all = self.space.constraints().to_vec();
        all.extend(more);
        let space = self.space.as_ref().clone().with_constraints(all).map_err(bad_input)?;
        Ok(Self { space: Arc::new(space) })
    }

    /// Parameters, constraints and groups in RON.
    fn ron(&self) -> PyResult<(String, String, String)> {
        let text = |result: Result<String, ron::Error>| result.map_err(bad_input);
        Ok((
            text(ron::to_string(self.space.parameters()))?,
            text(ron::to_string(self.space.constraints()))?,
            text(ron::to_string(&self.space.groups()))?,
        ))
    }

    /// The definition as JSON.
    fn json(&self) -> PyResult<String> {
        serde_json::to_string(self.space.as_ref()).map_err(bad_input)
    }

    /// Number of designs; None where there are infinitely many.
    fn size(&self) -> Option<u128> {
        self.space.size()
    }

    /// Number of levels of every parameter; 0 for a real one.
    fn levels(&self) -> Vec<usize> {
        self.space.parameters().iter().map(|p| p.domain.cardinality().unwrap_or(0)).collect()
    }

    /// The domain of every parameter in words.
    fn domains(&self) -> Vec<String> {
        self.space.parameters().iter().map(|p| p.domain.describe()).collect()
    }

    /// The first values of every discrete parameter, at most `most` each; none for a real one.
    fn values<'py>(&self, py: Python<'py>, most: usize) -> PyResult<Vec<Vec<Bound<'py, PyAny>>>> {
        let of = |p: &hwgym::envs::Parameter| {
            let count = p.domain.cardinality().unwrap_or(0).min(most);
            (0..count).map(|level| convert::object(py, &p.value(level as f64))).collect()
        };
        self.space.parameters().iter().map(of).collect()
    }

    /// Names of groups with their parameters.
    fn groups(&self) -> Vec<(String, Vec<String>)> {
        self.space.groups().into_iter().map(|group| (group.name, group.parameters)).collect()
    }

    /// Random designs.
    fn sample<'py>(&self, py: Python<'py>, seed: u64, count: usize) -> PyResult<Vec<Bound<'py, PyDict>>> {
        let mut random = Random::new(seed);
        (0..count).map(|_| convert::dict(py, &self.space, &self.space.sample(&mut random))).collect()
    }

    /// The design with every parameter, those that mean nothing at the start of their domains.
    fn complete<'py>(&self, design: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyDict>> {
        convert::dict(design.py(), &self.space, &convert::design(&self.space, design)?)
    }

    /// The design with this index.
    fn design_at<'py>(&self, py: Python<'py>, index: u128) -> PyResult<Option<Bound<'py, PyDict>>> {
        self.space.design_at(index).map(|design| convert::dict(py, &self.space, &design)).transpose()
    }

    /// Names of the parameters that mean something in this design.
    fn active(&self, design: &Bound<'_, PyAny>) -> PyResult<Vec<String>> {
        let design = convert::design(&self.space, design)?;
        let active = self.space.parameters().iter().enumerate();
        let active = active.filter(|(index, _)| self.space.is_active(&design, *index));
        Ok(active.map(|(_, parameter)| parameter.name.clone()).collect())
    }

    /// Broken constraints: meaning, amount, amount relative to the limit.
    fn violations(&self, design: &Bound<'_, PyAny>) -> PyResult<Vec<(String, f64, f64)>> {
        let design = convert::design(&self.space, design)?;
        let violations = self.space.violations(&design).into_iter();
        Ok(violations.map(|v| (v.meaning, v.amount, v.relative)).collect())
    }

    /// Length of an encoded design.
    fn width(&self, name: &str) -> PyResult<usize> {
        Ok(encoding(name)?.width(&self.space))
    }

    /// Designs as numbers, row by row.
    fn encode<'py>(&self, designs: &Bound<'py, PyAny>, name: &str) -> PyResult<Bound<'py, PyBytes>> {
        let encoding = encoding(name)?;
        let py = designs.py();
        let designs = convert::designs(&self.space, designs)?;
        let count = designs.len() * encoding.width(&self.space);
        let numbers = designs.iter().flat_map(|design| encoding.encode(&self.space, design));
        convert::bytes(py, count, numbers)
    }

    /// The designs nearest to rows of numbers.
    fn decode<'py>(&self, py: Python<'py>, rows: &[u8], name: &str) -> PyResult<Vec<Bound<'py, PyDict>>> {
        let encoding = encoding(name)?;
        let rows = convert::rows(rows, encoding.width(&self.space))?;
        let designs = rows.iter().filter_map(|row| encoding.decode(&self.space, row));
        designs.map(|design| convert::dict(py, &self.space, &design)).collect()
    }
}
