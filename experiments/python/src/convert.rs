//! Designs and values between Python and Rust.

use hwgym::envs::{Design, DesignSpace, Domain, Parameter, Value};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyDict, PyFloat, PyInt, PyList, PyString};

use crate::bad_input;

/// A value as Python has it; numbers of numpy are numbers.
pub fn value(object: &Bound<'_, PyAny>) -> PyResult<Value> {
    if let Ok(text) = object.cast::<PyString>() {
        return Ok(Value::Text(text.to_str()?.into()));
    }
    if let Ok(boolean) = object.cast::<PyBool>() {
        return Ok(Value::Boolean(boolean.is_true()));
    }
    if object.is_instance_of::<PyFloat>() {
        return Ok(Value::Real(object.extract()?));
    }
    if !object.is_instance_of::<PyInt>()
        && let Ok(boolean) = object.extract::<bool>()
    {
        return Ok(Value::Boolean(boolean));
    }
    if let Ok(integer) = object.extract::<i64>() {
        return Ok(Value::Integer(integer));
    }
    object.extract::<f64>().map(Value::Real).map_err(|_| {
        let kind = object.get_type().name().map_or_else(|_| "object".into(), |name| name.to_string());
        PyTypeError::new_err(format!(
            "a value of a parameter is a number, a text or a truth value, not {kind}"
        ))
    })
}

/// The coordinate of a value; `None` where it is left out (`None`, or not a number).
fn coordinate(parameter: &Parameter, object: &Bound<'_, PyAny>) -> PyResult<Option<f64>> {
    if object.is_none() {
        return Ok(None);
    }
    // What occurs in every evaluation goes without an intermediate text.
    let number = match &parameter.domain {
        Domain::Categorical(choices) => {
            if let Ok(text) = object.cast_exact::<PyString>() {
                let text = text.to_str()?;
                if let Some(index) = choices.iter().position(|choice| choice == text) {
                    return Ok(Some(index as f64));
                }
            }
            None
        }
        _ if object.is_exact_instance_of::<PyFloat>() || object.is_exact_instance_of::<PyInt>() => {
            Some(Value::Real(object.extract()?))
        }
        _ => None,
    };
    let value = match number {
        Some(number) => number,
        None => value(object)?,
    };
    match &value {
        Value::Real(real) if real.is_nan() => Ok(None),
        value => parameter.coordinate(value).map(Some).map_err(bad_input),
    }
}

/// The design with these values, canonical. Inactive parameters may be left out.
pub fn design(space: &DesignSpace, values: &Bound<'_, PyAny>) -> PyResult<Design> {
    let converted;
    let values = match values.cast::<PyDict>() {
        Ok(dict) => dict,
        Err(_) => {
            let dict = values.py().get_type::<PyDict>().call1((values,)).map_err(|_| {
                PyTypeError::new_err("a design is a mapping from names of parameters to values")
            })?;
            converted = dict.cast_into::<PyDict>()?;
            &converted
        }
    };
    let mut design = first(space);
    let mut given = vec![false; space.len()];
    for (place, (name, object)) in values.iter().enumerate() {
        let name =
            name.cast::<PyString>().map_err(|_| PyTypeError::new_err("names of parameters are texts"))?;
        let name = name.to_str()?;
        // Most designs have the space's order; only others are looked up by name.
        let index = match space.parameters().get(place) {
            Some(parameter) if parameter.name == name => place,
            _ => space.position(name).map_err(bad_input)?,
        };
        if let Some(coordinate) = coordinate(&space.parameters()[index], &object)? {
            design.set(index, coordinate);
            given[index] = true;
        }
    }
    finished(space, design, &given)
}

fn first(space: &DesignSpace) -> Design {
    Design::new(space.parameters().iter().map(|p| p.domain.first()).collect::<Vec<_>>())
}

fn finished(space: &DesignSpace, mut design: Design, given: &[bool]) -> PyResult<Design> {
    if let Some(missing) = (0..space.len()).find(|index| !given[*index] && space.is_active(&design, *index)) {
        let missing = &space.parameters()[missing].name;
        return Err(bad_input(hwgym::envs::SpaceError::MissingParameter(missing.clone())));
    }
    space.canonicalise(&mut design);
    Ok(design)
}

/// Designs from a list of mappings, or from a mapping of names to columns of equal length.
pub fn designs(space: &DesignSpace, given: &Bound<'_, PyAny>) -> PyResult<Vec<Design>> {
    let Ok(columns) = given.cast::<PyDict>() else {
        return given.try_iter()?.map(|values| design(space, &values?)).collect();
    };
    let mut rows: Option<Vec<(Design, Vec<bool>)>> = None;
    for (name, column) in columns.iter() {
        let name: String = name.extract()?;
        let index = space.position(&name).map_err(bad_input)?;
        let parameter = &space.parameters()[index];
        let column = column.cast_into::<PyList>()?;
        let rows = rows.get_or_insert_with(|| vec![(first(space), vec![false; space.len()]); column.len()]);
        if rows.len() != column.len() {
            return Err(PyValueError::new_err("the columns of the designs differ in length"));
        }
        for ((design, given), object) in rows.iter_mut().zip(column.iter()) {
            if let Some(coordinate) = coordinate(parameter, &object)? {
                design.set(index, coordinate);
                given[index] = true;
            }
        }
    }
    rows.unwrap_or_default().into_iter().map(|(design, given)| finished(space, design, &given)).collect()
}

/// A value for Python.
pub fn object<'py>(py: Python<'py>, value: &Value) -> PyResult<Bound<'py, PyAny>> {
    Ok(match value {
        Value::Boolean(boolean) => PyBool::new(py, *boolean).to_owned().into_any(),
        Value::Integer(integer) => integer.into_pyobject(py)?.into_any(),
        Value::Real(real) => PyFloat::new(py, *real).into_any(),
        Value::Text(text) => PyString::new(py, text).into_any(),
    })
}

/// A design for Python: names and values, in the space's order.
pub fn dict<'py>(py: Python<'py>, space: &DesignSpace, design: &Design) -> PyResult<Bound<'py, PyDict>> {
    let values = PyDict::new(py);
    for (index, parameter) in space.parameters().iter().enumerate() {
        values.set_item(&parameter.name, object(py, &space.value(design, index))?)?;
    }
    Ok(values)
}

/// Numbers from bytes. Errors: bytes that are not so many rows of this width.
pub fn rows(bytes: &[u8], width: usize) -> PyResult<Vec<Vec<f64>>> {
    let numbers = numbers(bytes)?;
    if width == 0 || numbers.len() % width != 0 {
        return Err(PyValueError::new_err(format!("{} numbers are no rows of {width}", numbers.len())));
    }
    Ok(numbers.chunks_exact(width).map(<[f64]>::to_vec).collect())
}

/// Numbers from bytes. Errors: bytes that are no doubles.
pub fn numbers(bytes: &[u8]) -> PyResult<Vec<f64>> {
    let (doubles, rest) = bytes.as_chunks::<8>();
    if !rest.is_empty() {
        return Err(PyValueError::new_err("these bytes are no doubles"));
    }
    Ok(doubles.iter().map(|double| f64::from_ne_bytes(*double)).collect())
}

/// Numbers as bytes.
pub fn bytes<'py>(
    py: Python<'py>,
    count: usize,
    numbers: impl IntoIterator<Item = f64>,
) -> PyResult<Bound<'py, PyBytes>> {
    PyBytes::new_with(py, 8 * count, |buffer| {
        for (place, number) in buffer.chunks_exact_mut(8).zip(numbers) {
            place.copy_from_slice(&number.to_ne_bytes());
        }
        Ok(())
    })
}
