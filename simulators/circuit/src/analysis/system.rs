//! The circuit as flat arrays: unknowns, the sparsity pattern, and every element with the matrix slots it writes to.

use std::collections::HashMap;

use super::special::{FormulaSource, Line, Switch};
use super::waveform::Wave;
use crate::devices::{self, Device, Surroundings};
use crate::error::{CircuitError, Location, Result, did_you_mean};
use crate::matrix::Pattern;
use crate::netlist::{Element, Kind, Netlist, Output, Source, Value};

/// Slots of a conductance-like quad: `(p,c) (p,d) (n,c) (n,d)`.
pub type Quad = [u32; 4];

#[derive(Debug, Clone)]
pub struct Resistor {
    pub element: usize,
    pub nodes: [u32; 2],
    pub slots: Quad,
    /// Conductance at the circuit temperature, S.
    pub g: f64,
    /// What small signals see: that of `ac=` where it is given.
    pub g_ac: f64,
    pub swept: Option<f64>,
}

#[derive(Debug, Clone)]
pub struct Capacitor {
    pub element: usize,
    pub nodes: [u32; 2],
    pub slots: Quad,
    pub c: f64,
    /// `m=`.
    pub parallel: f64,
    /// `ic=` of the element, V.
    pub initial: Option<f64>,
}

#[derive(Debug, Clone)]
pub struct Inductor {
    pub element: usize,
    pub branch: u32,
    pub slot: u32,
    pub l: f64,
    pub initial: Option<f64>,
}

#[derive(Debug, Clone)]
pub struct Mutual {
    pub element: usize,
    pub inductors: [usize; 2],
    pub slots: [u32; 2],
    pub m: f64,
}

#[derive(Debug, Clone)]
pub struct Independent {
    pub element: usize,
    /// Branch row of a voltage source, 0 for a current source.
    pub branch: u32,
    pub nodes: [u32; 2],
    pub dc: Option<f64>,
    pub ac: (f64, f64),
    pub wave: Option<Wave>,
    pub multiplier: f64,
    pub swept: Option<f64>,
}

/// A fixed entry of the matrix: gains and the ones of voltage branches.
#[derive(Debug, Clone)]
pub struct Fixed {
    pub slot: u32,
    pub sign: f64,
    /// Element whose value is the factor, or none for 1.
    pub element: Option<usize>,
}

#[derive(Debug, Clone, Copy)]
pub struct Conductance {
    pub row: u8,
    pub column: u8,
    pub local: u16,
    pub slot: u32,
}

#[derive(Debug, Clone, Copy)]
pub struct Capacitance {
    pub charge: u8,
    pub column: u8,
    pub local: u16,
    pub slot_a: u32,
    pub slot_b: u32,
}

/// Where a device stands in the circuit.
#[derive(Debug, Clone)]
pub struct Place {
    pub element: usize,
    pub nodes: Vec<u32>,
    /// Those at ground, whose slot nobody reads, stand last.
    pub conductances: Vec<Conductance>,
    /// How many conductances have a slot of their own.
    pub live: usize,
    /// Those with two slots stand first, then those with one at either end.
    pub capacitances: Vec<Capacitance>,
    /// Where the capacitances with two slots end, those with the first alone, and those with the second alone.
    pub spans: [usize; 3],
    /// First of its charge states.
    pub state: usize,
    /// Devices in parallel of which ngspice's error test sees one (bipolar and BSIM4; the others fold `m` into their area).
    pub parallel: f64,
    /// Rank of its type in ngspice's order: bipolar, BSIM4, diode, other MOS.
    pub class: u8,
    /// `off`: a Newton loop from nothing starts with no voltage across it, until the others have settled.
    pub off: bool,
    /// Parameters that follow slots: index in the device, source, last value.
    pub bound: Vec<(usize, Value, f64)>,
}

impl Place {
    /// Puts conductances and capacitances in the order of [`Place::live`] and [`Place::spans`]: a sum that nobody reads, at ground, would
    /// make every device wait for the one before it.
    pub fn sort(&mut self) {
        self.conductances.sort_by_key(|g| g.slot == 0);
        self.live = self.conductances.partition_point(|g| g.slot != 0);
        let class = |c: &Capacitance| match (c.slot_a, c.slot_b) {
            (0, 0) => 3,
            (_, 0) => 1,
            (0, _) => 2,
            _ => 0,
        };
        self.capacitances.sort_by_key(class);
        self.spans = [0, 1, 2].map(|k| self.capacitances.partition_point(|c| class(c) <= k));
    }

    /// Values that a linearisation takes: currents into the nodes, conductances, capacitances, and three per charge.
    pub fn values(&self, charges: usize) -> usize {
        self.nodes.len() + self.conductances.len() + self.capacitances.len() + 3 * charges
    }

    /// Adds the conductances `from` to the matrix.
    #[inline]
    pub fn add_conductances(&self, from: &[f64], to: &mut [f64]) {
        for (g, value) in self.conductances[..self.live].iter().zip(from) {
            to[g.slot as usize] += value;
        }
    }

    /// Adds the capacitances `from`, times `factor`, to the matrix.
    #[inline]
    pub fn add_capacitances(&self, from: &[f64], factor: f64, to: &mut [f64]) {
        let [both, first, second] = self.spans;
        let mut entries = self.capacitances.iter().zip(from);
        for (c, value) in entries.by_ref().take(both) {
            to[c.slot_a as usize] += factor * value;
            to[c.slot_b as usize] -= factor * value;
        }
        for (c, value) in entries.by_ref().take(first - both) {
            to[c.slot_a as usize] += factor * value;
        }
        for (c, value) in entries.take(second - first) {
            to[c.slot_b as usize] -= factor * value;
        }
    }
}

/// A named unknown in the order of ngspice's result vectors.
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    /// `v(out)` or `i(v1)`.
    pub name: String,
    /// Unknown (row of the solution).
    pub unknown: usize,
}

#[derive(Debug, Clone)]
pub struct System {
    pub netlist: Netlist,
    /// Number of unknowns; index 0 of vectors is ground.
    pub n: usize,
    /// Unknown names for messages.
    pub names: Vec<String>,
    pub is_branch: Vec<bool>,
    pub pattern: Pattern,
    pub diagonal: Vec<u32>,
    pub resistors: Vec<Resistor>,
    pub capacitors: Vec<Capacitor>,
    pub inductors: Vec<Inductor>,
    pub mutuals: Vec<Mutual>,
    pub sources: Vec<Independent>,
    pub fixed: Vec<Fixed>,
    pub formulas: Vec<FormulaSource>,
    pub switches: Vec<Switch>,
    pub lines: Vec<Line>,
    /// Diagonals of nodes that nothing ties to ground: they get `gmin`.
    pub ties: Vec<u32>,
    pub devices: Vec<Device>,
    pub places: Vec<Place>,
    pub columns: Vec<Column>,
    /// Order of noise generators: devices and resistors as ngspice lists them.
    pub noise_order: Vec<NoiseOwner>,
    pub states: usize,
    pub surroundings: Surroundings,
    pub branches: HashMap<String, u32>,
    pub warnings: Vec<String>,
}

/// Who makes noise.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum NoiseOwner {
    Device(usize),
    Resistor(usize),
}

impl System {
    /// Unknown of an output expression's parts: plus and minus (0 for ground).
    pub fn output(&self, output: &Output, analysis: &'static str) -> Result<(usize, usize)> {
        let node = |name: &str| {
            self.netlist.node(name).map(|n| n as usize).ok_or_else(|| CircuitError::Analysis {
                analysis,
                message: format!(
                    "there is no node `{name}`{}",
                    did_you_mean(name, self.netlist.nodes.iter().map(String::as_str))
                ),
            })
        };
        match output {
            Output::Voltage(a, None) => Ok((node(a)?, 0)),
            Output::Voltage(a, Some(b)) => Ok((node(a)?, node(b)?)),
            Output::Current(name) => {
                self.branches.get(name).map(|b| (*b as usize, 0)).ok_or_else(|| CircuitError::Analysis {
                    analysis,
                    message: format!(
                        "there is no branch current `i({name})`{}",
                        did_you_mean(name, self.branches.keys().map(String::as_str))
                    ),
                })
            }
        }
    }

    /// Index of an independent source by element name.
    pub fn source(&self, name: &str) -> Option<usize> {
        self.sources.iter().position(|s| self.netlist.elements[s.element].name == name)
    }

    /// Recomputes all element values from the parameter slots and the temperature.
    pub fn refresh(&mut self) -> Result<()> {
        self.refresh_special()?;
        let kelvin = self.surroundings.temperature_k;
        let slots = &self.netlist.slots;
        for r in &mut self.resistors {
            r.g = super::passive::conductance(
                &self.netlist,
                &self.netlist.elements[r.element],
                r.swept,
                kelvin,
            )?;
            let e = &self.netlist.elements[r.element];
            r.g_ac = match e.parameter("ac") {
                Some(ohms) => {
                    let ohms = Some(slots.get(ohms));
                    super::passive::conductance(&self.netlist, e, ohms, kelvin)?
                }
                None => r.g,
            };
        }
        for c in &mut self.capacitors {
            let e = &self.netlist.elements[c.element];
            c.c = super::passive::capacitance(&self.netlist, e, kelvin)?;
            c.parallel = slots.get(e.multiplier);
            c.initial = e.parameter("ic").map(|v| slots.get(v));
        }
        for l in &mut self.inductors {
            let e = &self.netlist.elements[l.element];
            l.l = super::passive::inductance(&self.netlist, e, kelvin)?;
            l.initial = e.parameter("ic").map(|v| slots.get(v));
        }
        for k in &mut self.mutuals {
            let e = &self.netlist.elements[k.element];
            let coupling = e.value.map_or(0.0, |v| slots.get(v));
            finite(coupling, e, "coupling", "a number from -1 to 1")?;
            k.m = coupling * (self.inductors[k.inductors[0]].l * self.inductors[k.inductors[1]].l).sqrt();
        }
        for s in &mut self.sources {
            let e = &self.netlist.elements[s.element];
            let (Kind::Voltage(source) | Kind::Current(source)) = &e.kind else { continue };
            set_source(s, source, e, &self.netlist)?;
        }
        let mut changed = false;
        for (device, place) in self.devices.iter_mut().zip(&mut self.places) {
            let mut touched = false;
            if place.class < 2 {
                place.parallel = slots.get(self.netlist.elements[place.element].multiplier);
            }
            for (index, source, last) in &mut place.bound {
                let now = slots.get(*source);
                if now.to_bits() != last.to_bits() {
                    *last = now;
                    let scaled = now;
                    device.set_parameter(*index, scaled);
                    touched = true;
                }
            }
            if touched {
                changed = true;
                device
                    .update(&self.surroundings)
                    .map_err(|e| device_error(&self.netlist.elements[place.element], &e))?;
            }
        }
        if changed {
            devices::apply_model_checks(&mut self.devices);
        }
        Ok(())
    }

    /// Values of sources by formula, switches and lines.
    fn refresh_special(&mut self) -> Result<()> {
        let netlist = &self.netlist;
        let slots = &netlist.slots;
        for f in &mut self.formulas {
            f.multiplier =
                if f.branch == 0 { slots.get(netlist.elements[f.element].multiplier) } else { 1.0 };
        }
        for s in &mut self.switches {
            let e = &netlist.elements[s.element];
            let Some(model) = e.model.map(|m| &netlist.models[m as usize]) else { continue };
            let get = |names: [&str; 2], default: f64| {
                let found = model.parameters.iter().rev().find(|(n, _)| names.contains(&n.as_str()));
                found.map_or(default, |(_, v)| slots.get(*v))
            };
            s.threshold = finite(get(["vt", "it"], 0.0), e, "threshold", "a finite number")?;
            s.hysteresis = finite(get(["vh", "ih"], 0.0), e, "hysteresis", "a finite number")?;
            let ohms = [get(["roff", "roff"], 1e12), get(["ron", "ron"], 1.0)];
            let m = slots.get(e.multiplier);
            for (g, r) in s.conductance.iter_mut().zip(ohms) {
                *g = finite(m / r, e, "conductance", "resistances `ron` and `roff` that are not zero")?;
            }
        }
        for l in &mut self.lines {
            let e = &netlist.elements[l.element];
            let get = |name: &str| e.parameter(name).map(|v| slots.get(v));
            let wrong = |name: &str, value: f64, expected: &str| CircuitError::Value {
                element: e.name.clone(),
                name: name.into(),
                value,
                expected: expected.into(),
                location: e.location.clone(),
            };
            l.impedance = get("z0").or_else(|| get("zo")).unwrap_or(f64::NAN);
            if !(l.impedance.is_finite() && l.impedance != 0.0) {
                return Err(wrong("z0", l.impedance, "an impedance, `z0=ohms`"));
            }
            let frequency = get("f").unwrap_or(1e9);
            l.delay = get("td").unwrap_or(get("nl").unwrap_or(0.25) / frequency);
            if !(l.delay.is_finite() && l.delay > 0.0) {
                return Err(wrong(
                    "td",
                    l.delay,
                    "a delay, `td=seconds`, or a frequency and a length, `f=hertz nl=wavelengths`",
                ));
            }
            l.tolerances = [get("rel").unwrap_or(1.0), get("abs").unwrap_or(1.0)];
            l.initial = ["v1", "i1", "v2", "i2"].map(|name| get(name).unwrap_or(0.0));
        }
        Ok(())
    }

    /// Changes the circuit temperature.
    pub fn set_temperature(&mut self, celsius: f64) -> Result<()> {
        self.surroundings.temperature_k = celsius + 273.15;
        if let Some(slot) = self.netlist.temperature_slot {
            self.follow_temperature(slot, celsius)?;
        }
        for (device, place) in self.devices.iter_mut().zip(&self.places) {
            device
                .update(&self.surroundings)
                .map_err(|e| device_error(&self.netlist.elements[place.element], &e))?;
        }
        devices::apply_model_checks(&mut self.devices);
        self.refresh()
    }

    /// Values that depend on `temper`; where those of a model do, its devices are made anew.
    fn follow_temperature(&mut self, slot: u32, celsius: f64) -> Result<()> {
        let slots = &mut self.netlist.slots;
        slots.set(slot, celsius);
        let list = slots.dependents(&[slot]);
        slots.recompute(&list);
        let reached = |v: &Value| matches!(v, Value::Slot(s) if *s == slot || list.contains(s));
        if !self.netlist.models.iter().flat_map(|m| &m.parameters).any(|(_, v)| reached(v)) {
            return Ok(());
        }
        let mut netlist = self.netlist.clone();
        netlist.options.temperature_c = celsius;
        let fresh = System::new(netlist)?;
        if fresh.names == self.names {
            self.devices = fresh.devices;
        }
        Ok(())
    }

    /// Adds `scale` times the linear capacitances and (negative, in their branch rows) inductances.
    pub fn add_linear_dynamics(&self, values: &mut [f64], scale: f64) {
        for c in &self.capacitors {
            super::engine::add_quad(values, c.slots, scale * c.c);
        }
        for l in &self.inductors {
            values[l.slot as usize] -= scale * l.l;
        }
        for k in &self.mutuals {
            for slot in k.slots {
                values[slot as usize] -= scale * k.m;
            }
        }
    }

    /// Values of the fixed entries added to `base`.
    pub fn add_fixed(&self, base: &mut [f64]) -> Result<()> {
        for f in &self.fixed {
            let factor = match f.element {
                None => 1.0,
                Some(i) => {
                    let e = &self.netlist.elements[i];
                    let gain = e.value.map_or(0.0, |v| self.netlist.slots.get(v));
                    finite(gain, e, "gain", "a finite number")?;
                    match e.kind {
                        Kind::Vccs | Kind::Cccs(_) => gain * self.netlist.slots.get(e.multiplier),
                        _ => gain,
                    }
                }
            };
            base[f.slot as usize] += f.sign * factor;
        }
        Ok(())
    }
}

/// A typed error for a value that is not finite.
pub fn finite(value: f64, e: &Element, name: &str, expected: &str) -> Result<f64> {
    if value.is_finite() {
        return Ok(value);
    }
    Err(CircuitError::Value {
        element: e.name.clone(),
        name: name.into(),
        value,
        expected: expected.into(),
        location: e.location.clone(),
    })
}

fn set_source(s: &mut Independent, source: &Source, e: &Element, netlist: &Netlist) -> Result<()> {
    let slots = &netlist.slots;
    let get = |v: &Value| finite(slots.get(*v), e, "value", "a finite number");
    s.dc = source.dc.as_ref().map(get).transpose()?;
    let magnitude = source.ac.as_ref().map_or(Ok(0.0), get)?;
    let phase = source.phase.as_ref().map_or(Ok(0.0), get)?.to_radians();
    s.ac = (magnitude * phase.cos(), magnitude * phase.sin());
    s.multiplier = if s.branch == 0 { slots.get(e.multiplier) } else { 1.0 };
    let Some(wave) = &source.wave else {
        s.wave = None;
        return Ok(());
    };
    let kept = s.wave.as_mut().is_some_and(|old| old.refresh(wave, slots));
    if !kept {
        s.wave = Some(Wave::new(wave, netlist, e)?);
    }
    Ok(())
}

pub fn device_error(e: &Element, error: &devices::DeviceError) -> CircuitError {
    CircuitError::Device { element: e.name.clone(), message: error.to_string(), location: e.location.clone() }
}

/// Where an unknown was named, for messages.
pub fn location_of(system: &System, unknown: usize) -> Option<&Location> {
    system.netlist.node_locations.get(unknown)
}
