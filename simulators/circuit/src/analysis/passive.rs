//! Values of resistors, capacitors and inductors: instance, model and geometry, and their dependence on temperature.

use super::system::finite;
use crate::error::{CircuitError, Result};
use crate::netlist::{Element, Netlist};

/// A parameter of the instance, or of its model, or a default.
fn parameter(netlist: &Netlist, e: &Element, name: &str) -> Option<f64> {
    let own = e.parameter(name);
    let model = || {
        e.model.and_then(|m| {
            netlist.models[m as usize].parameters.iter().rev().find(|(n, _)| n == name).map(|(_, v)| *v)
        })
    };
    own.or_else(model).map(|v| netlist.slots.get(v))
}

/// `1 + tc1 dT + tc2 dT^2`, or `1.01^(tce dT)`, dT from the nominal temperature of the card or the circuit.
fn temperature_factor(netlist: &Netlist, e: &Element, kelvin: f64) -> f64 {
    let nominal = parameter(netlist, e, "tnom").unwrap_or(netlist.options.nominal_c) + 273.15;
    let own = e.parameter("temp").map(|v| netlist.slots.get(v) + 273.15);
    let shift = e.parameter("dtemp").map_or(0.0, |v| netlist.slots.get(v));
    let dt = own.unwrap_or(kelvin + shift) - nominal;
    if let Some(exponent) = parameter(netlist, e, "tce") {
        return 1.01f64.powf(exponent * dt);
    }
    let either = |a: &str, b: &str| parameter(netlist, e, a).or_else(|| parameter(netlist, e, b));
    1.0 + either("tc1", "tc").or_else(|| parameter(netlist, e, "tc1r")).unwrap_or(0.0) * dt
        + either("tc2", "tc2r").unwrap_or(0.0) * dt * dt
}

fn missing(e: &Element, what: &str) -> CircuitError {
    CircuitError::Syntax { message: format!("`{}` has no {what}", e.name), location: e.location.clone() }
}

/// Conductance in siemens of a resistor at `kelvin`.
pub(crate) fn conductance_of(netlist: &Netlist, e: &Element, kelvin: f64) -> Result<f64> {
    conductance(netlist, e, None, kelvin)
}

/// Conductance in siemens of a resistor at `kelvin`; zero ohms count as one milliohm.
pub fn conductance(netlist: &Netlist, e: &Element, swept: Option<f64>, kelvin: f64) -> Result<f64> {
    let get = |v| netlist.slots.get(v);
    let own = |n: &str| e.parameter(n).map(get);
    let given =
        swept.or(e.value.map(get)).or_else(|| own("r")).or_else(|| parameter(netlist, e, "resistance"));
    let ohms = match given {
        Some(r) => r,
        None => {
            let p = |n: &str| parameter(netlist, e, n);
            // As in ngspice: a sheet resistance goes before the model's `r`, and length and width have defaults.
            match (p("rsh").filter(|rsh| *rsh > 0.0), p("r").or_else(|| p("res"))) {
                (Some(rsh), _) => {
                    let narrow = p("narrow").or(p("dw")).unwrap_or(0.0);
                    let short = p("short").or(p("dlr")).unwrap_or(0.0);
                    let w = p("w").or(p("defw")).unwrap_or(10e-6);
                    let l = p("l").unwrap_or(10e-6);
                    let ohms = rsh * (l - 2.0 * short) / (w - 2.0 * narrow);
                    // No width is left: nothing conducts.
                    if ohms.is_infinite() {
                        return Ok(0.0);
                    }
                    ohms
                }
                (None, Some(r)) => r,
                (None, None) => {
                    return Err(missing(e, "resistance; expected a value, or a model with `r` or `rsh`"));
                }
            }
        }
    };
    let scale = parameter(netlist, e, "scale").unwrap_or(1.0);
    let ohms =
        finite(ohms, e, "resistance", "a finite number")? * temperature_factor(netlist, e, kelvin) * scale;
    let ohms = if ohms == 0.0 { 1e-3 } else { ohms };
    finite(get(e.multiplier) / ohms, e, "conductance", "a finite number")
}

/// Flicker noise of a resistor that carries `amperes`: density at 1 Hz, A^2/Hz, and exponent of the frequency.
pub fn flicker(netlist: &Netlist, e: &Element, amperes: f64) -> (f64, f64) {
    let p = |n: &str| parameter(netlist, e, n);
    let coefficient = p("kf").unwrap_or(0.0);
    if coefficient == 0.0 {
        return (0.0, 1.0);
    }
    let m = netlist.slots.get(e.multiplier);
    let mut area = 1.0;
    if e.parameter("l").is_some() || e.parameter("w").is_some() {
        let l = p("l").unwrap_or(10e-6) - 2.0 * p("short").or(p("dlr")).unwrap_or(0.0);
        let w = p("w").or(p("defw")).unwrap_or(10e-6) - 2.0 * p("narrow").or(p("dw")).unwrap_or(0.0);
        area = l.powf(p("lf").unwrap_or(1.0)) * w.powf(p("wf").unwrap_or(1.0));
    }
    let density = m * coefficient * (amperes / m).abs().powf(p("af").unwrap_or(1.0)) / area;
    (density, p("ef").unwrap_or(1.0))
}

/// Capacitance in farads.
pub fn capacitance(netlist: &Netlist, e: &Element, kelvin: f64) -> Result<f64> {
    let get = |v| netlist.slots.get(v);
    let p = |n: &str| parameter(netlist, e, n);
    let own = |n: &str| e.parameter(n).map(get);
    let farads = match e.value.map(get).or_else(|| own("c")).or_else(|| p("capacitance")).or_else(|| p("cap"))
    {
        Some(c) => c,
        None => {
            let Some(l) = p("l").or_else(|| p("defl")) else {
                return Err(missing(e, "capacitance; expected a value, or `l`, `w` and a model with `cj`"));
            };
            let w = p("w").or(p("defw")).unwrap_or(10e-6) - p("narrow").unwrap_or(0.0);
            let l = l - p("short").unwrap_or(0.0);
            p("cj").unwrap_or(0.0) * l * w + p("cjsw").unwrap_or(0.0) * 2.0 * (l + w)
        }
    };
    let scale = p("scale").unwrap_or(1.0);
    finite(
        farads * temperature_factor(netlist, e, kelvin) * scale * get(e.multiplier),
        e,
        "capacitance",
        "a finite number",
    )
}

/// Inductance in henries.
pub fn inductance(netlist: &Netlist, e: &Element, kelvin: f64) -> Result<f64> {
    let get = |v| netlist.slots.get(v);
    let Some(value) =
        e.value.map(get).or_else(|| parameter(netlist, e, "l")).or_else(|| parameter(netlist, e, "ind"))
    else {
        return Err(missing(e, "inductance"));
    };
    finite(
        value * temperature_factor(netlist, e, kelvin) * parameter(netlist, e, "scale").unwrap_or(1.0)
            / get(e.multiplier),
        e,
        "inductance",
        "a finite number",
    )
}
