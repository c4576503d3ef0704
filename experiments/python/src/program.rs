//! The command line as a function, and as the program `hwgym` that the wheel brings.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use hwgym::simulators::circuit::netlist::number::parse_number;
use hwgym::simulators::circuit::{Circuit, ParseOptions};
use hwgym::simulators::process;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};

use crate::registry::registries;
use crate::threads::released;
use crate::{bad_input, convert, failure};

/// Runs a command: what it printed, what it noted on the side, and whether it succeeded. Errors: what it says where it has no result.
#[pyfunction]
pub fn command(py: Python<'_>, arguments: Vec<OsString>) -> PyResult<(String, String, bool)> {
    let registries = registries()?;
    let called = released(py, || hwgym::call(arguments, &registries))?;
    let called = called.map_err(|error| if error.bad_input { bad_input(error) } else { failure(error) })?;
    Ok((called.output, called.notes, called.success))
}

/// The program `hwgym`; returns its exit code.
#[pyfunction]
pub fn main(py: Python<'_>, arguments: Vec<OsString>) -> PyResult<u8> {
    let registries = registries()?;
    released(py, || hwgym::run(arguments, || Ok::<_, hwgym::envs::EnvError>((*registries).clone()))).map(
        |code| {
            if code == ExitCode::SUCCESS {
                0
            } else if code == ExitCode::FAILURE {
                1
            } else {
                2
            }
        },
    )
}

/// Serves as a guard of other programs: see `hwgym_process`.
#[pyfunction]
pub fn serve_guard() -> u8 {
    u8::from(process::serve() != ExitCode::SUCCESS)
}

/// Tables by name: columns and numbers row by row; then measures, a number or the reason why there is none; printed lines; warnings.
type Simulated<'py> = (Bound<'py, PyDict>, Bound<'py, PyDict>, Vec<String>, Vec<String>);

/// Simulates a SPICE deck.
#[pyfunction]
pub fn circuit<'py>(
    py: Python<'py>,
    deck: PathBuf,
    parameters: Vec<(String, String)>,
    include: Vec<PathBuf>,
) -> PyResult<Simulated<'py>> {
    let options = ParseOptions { allowed_folders: include, ..ParseOptions::default() };
    let mut circuit = Circuit::read(&deck, &options).map_err(bad_input)?;
    for (name, value) in &parameters {
        let number = parse_number(value).ok_or_else(|| {
            bad_input(format!("parameter `{name}`: `{value}` is not a number such as 10u or 2.5e-6"))
        })?;
        circuit.set_param(name, number);
    }
    let results = released(py, || circuit.simulate())?.map_err(bad_input)?;
    let (tables, measures) = (PyDict::new(py), PyDict::new(py));
    for (name, table) in &results.tables {
        let numbers: Bound<'py, PyBytes> = convert::bytes(py, table.data.len(), table.data.iter().copied())?;
        tables.set_item(name, (table.columns.clone(), numbers))?;
    }
    for measure in &results.measures {
        match &measure.value {
            Ok(value) => measures.set_item(&measure.name, value)?,
            Err(reason) => measures.set_item(&measure.name, reason.to_string())?,
        }
    }
    Ok((tables, measures, results.output.clone(), results.warnings.iter().map(ToString::to_string).collect()))
}
