//! The circuit as flat arrays: unknowns, the sparsity pattern, and every element with the matrix slots it writes to.

use std::collections::HashMap;

use super::waveform::Wave;
use crate::devices::{self, Device, Model, ModelCard, Surroundings};
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
    pub conductances: Vec<Conductance>,
    pub capacitances: Vec<Capacitance>,
    /// First of its charge states.
    pub state: usize,
    /// Devices in parallel of which ngspice's error test sees one (bipolar and BSIM4; the others fold `m` into their area).
    pub parallel: f64,
    /// Rank of its type in ngspice's order: bipolar, BSIM4, diode, other MOS.
    pub class: u8,
    /// Parameters that follow slots: index in the device, source, last value.
    pub bound: Vec<(usize, Value, f64)>,
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

/// Rank of an element's device type in ngspice's setup order.
fn class(netlist: &Netlist, e: &Element) -> u8 {
    let Some(card) = e.model.map(|m| &netlist.models[m as usize]) else { return 3 };
    let level =
        card.parameters.iter().rev().find(|(n, _)| n == "level").map_or(1.0, |(_, v)| netlist.slots.get(*v));
    match card.kind.as_str() {
        "npn" | "pnp" => 0,
        "nmos" | "pmos" if level == 14.0 || level == 54.0 => 1,
        "d" => 2,
        _ => 3,
    }
}

impl System {
    pub fn new(netlist: Netlist) -> Result<Self> {
        let deck_nodes = netlist.nodes.len();
        let mut names: Vec<String> = netlist.nodes.iter().map(|n| format!("v({n})")).collect();
        let mut is_branch = vec![false; deck_nodes];
        let options = &netlist.options;
        let noise = netlist.analyses.iter().any(|(a, _)| matches!(a, crate::netlist::Analysis::Noise { .. }));
        let surroundings = Surroundings {
            temperature_k: options.temperature_c + 273.15,
            gmin: options.gmin,
            reltol: options.reltol,
            noise,
        };
        let mut warnings = netlist.warnings.clone();
        let models = netlist
            .models
            .iter()
            .map(|m| match m.kind.as_str() {
                "r" | "res" | "c" | "cap" | "l" | "ind" => Ok(None),
                kind => {
                    let parameters =
                        m.parameters.iter().map(|(n, v)| (n.clone(), netlist.slots.get(*v))).collect();
                    let card = ModelCard {
                        name: m.name.clone(),
                        kind: kind.to_string(),
                        parameters,
                        version: m.version.clone(),
                    };
                    let (model, list) = Model::from_card(&card, options.nominal_c + 273.15).map_err(|e| {
                        CircuitError::Device {
                            element: m.name.clone(),
                            message: e.to_string(),
                            location: m.location.clone(),
                        }
                    })?;
                    warnings.extend(list.into_iter().map(|w| format!("{}: {w}", m.location)));
                    Ok(Some(model))
                }
            })
            .collect::<Result<Vec<Option<Model>>>>()?;

        // Devices first, because their internal nodes are unknowns too.
        let mut made: Vec<(usize, Device)> = Vec::new();
        for (index, e) in netlist.elements.iter().enumerate() {
            if !matches!(e.kind, Kind::Device) {
                continue;
            }
            made.push((index, device(&netlist, e, &models, &surroundings)?));
        }
        let mut devices: Vec<Device> = made.iter().map(|(_, d)| d.clone()).collect();
        devices::apply_model_checks(&mut devices);
        let order = device_order(&netlist, &made);
        let mut internal: Vec<Vec<u32>> = vec![Vec::new(); devices.len()];
        for i in &order {
            let e = &netlist.elements[made[*i].0];
            for label in devices[*i].internal_nodes() {
                internal[*i].push(names.len() as u32);
                names.push(format!("v({}#{label})", e.name));
                is_branch.push(false);
            }
        }
        // Branches: H, L, E, V, each last instance first.
        let mut branches: HashMap<String, u32> = HashMap::new();
        for wanted in 0..4 {
            for e in netlist.elements.iter().rev() {
                let class = match e.kind {
                    Kind::Ccvs(_) => 0,
                    Kind::Inductor => 1,
                    Kind::Vcvs => 2,
                    Kind::Voltage(_) => 3,
                    _ => continue,
                };
                if class == wanted {
                    branches.insert(e.name.clone(), names.len() as u32);
                    names.push(format!("i({})", e.name));
                    is_branch.push(true);
                }
            }
        }
        let n = names.len() - 1;
        let hidden = ["#internal", "#source", "#drain", "#collector", "#emitter", "#base"];
        let columns = (1..=n)
            .filter(|k| !hidden.iter().any(|h| names[*k].contains(h)))
            .map(|unknown| Column { name: names[unknown].clone(), unknown })
            .collect();
        let mut system = System {
            n,
            names,
            is_branch,
            pattern: Pattern::new(n),
            diagonal: vec![0; n + 1],
            resistors: Vec::new(),
            capacitors: Vec::new(),
            inductors: Vec::new(),
            mutuals: Vec::new(),
            sources: Vec::new(),
            fixed: Vec::new(),
            devices,
            places: Vec::new(),
            columns,
            noise_order: Vec::new(),
            states: 0,
            surroundings,
            branches,
            warnings,
            netlist,
        };
        system.connect(&internal, &made)?;
        system.noise_order =
            order.iter().map(|i| NoiseOwner::Device(*i)).chain(system.resistor_order()).collect();
        system.refresh()?;
        Ok(system)
    }

    /// Assigns matrix slots.
    fn connect(&mut self, internal: &[Vec<u32>], made: &[(usize, Device)]) -> Result<()> {
        for k in 1..=self.n as u32 {
            if !self.is_branch[k as usize] {
                self.diagonal[k as usize] = self.pattern.slot(k, k);
            }
        }
        let p = &mut self.pattern;
        let quad = |p: &mut Pattern, a: u32, b: u32, c: u32, d: u32| {
            [p.slot(a, c), p.slot(a, d), p.slot(b, c), p.slot(b, d)]
        };
        let inductor_index: HashMap<&str, usize> = self
            .netlist
            .elements
            .iter()
            .filter(|e| matches!(e.kind, Kind::Inductor))
            .enumerate()
            .map(|(i, e)| (e.name.as_str(), i))
            .collect();
        let control = |name: &str, e: &Element| {
            self.branches.get(name).copied().ok_or_else(|| CircuitError::Unknown {
                kind: "controlling voltage source",
                name: name.to_string(),
                hint: did_you_mean(name, self.branches.keys().map(String::as_str)),
                location: e.location.clone(),
            })
        };
        for (element, e) in self.netlist.elements.iter().enumerate() {
            let (a, b) = (e.nodes.first().copied().unwrap_or(0), e.nodes.get(1).copied().unwrap_or(0));
            let branch = self.branches.get(&e.name).copied().unwrap_or(0);
            if branch != 0 {
                for (row, column, sign) in
                    [(a, branch, 1.0), (b, branch, -1.0), (branch, a, 1.0), (branch, b, -1.0)]
                {
                    self.fixed.push(Fixed { slot: p.slot(row, column), sign, element: None });
                }
            }
            match &e.kind {
                Kind::Resistor => self.resistors.push(Resistor {
                    element,
                    nodes: [a, b],
                    slots: quad(p, a, b, a, b),
                    g: 0.0,
                    swept: None,
                }),
                Kind::Capacitor => self.capacitors.push(Capacitor {
                    element,
                    nodes: [a, b],
                    slots: quad(p, a, b, a, b),
                    c: 0.0,
                    parallel: 1.0,
                    initial: None,
                }),
                Kind::Inductor => self.inductors.push(Inductor {
                    element,
                    branch,
                    slot: p.slot(branch, branch),
                    l: 0.0,
                    initial: None,
                }),
                Kind::Mutual(one, two) => {
                    let find = |name: &String| {
                        inductor_index.get(name.as_str()).copied().ok_or_else(|| CircuitError::Unknown {
                            kind: "inductor",
                            name: name.clone(),
                            hint: did_you_mean(name, inductor_index.keys().copied()),
                            location: e.location.clone(),
                        })
                    };
                    let inductors = [find(one)?, find(two)?];
                    let (x, y) = (self.branches[one], self.branches[two]);
                    self.mutuals.push(Mutual {
                        element,
                        inductors,
                        slots: [p.slot(x, y), p.slot(y, x)],
                        m: 0.0,
                    });
                }
                Kind::Voltage(_) | Kind::Current(_) => self.sources.push(Independent {
                    element,
                    branch,
                    nodes: [a, b],
                    dc: None,
                    ac: (0.0, 0.0),
                    wave: None,
                    multiplier: 1.0,
                    swept: None,
                }),
                Kind::Vcvs => {
                    for (column, sign) in [(e.nodes[2], -1.0), (e.nodes[3], 1.0)] {
                        self.fixed.push(Fixed { slot: p.slot(branch, column), sign, element: Some(element) });
                    }
                }
                Kind::Vccs => {
                    for (slot, sign) in
                        quad(p, a, b, e.nodes[2], e.nodes[3]).into_iter().zip([1.0, -1.0, -1.0, 1.0])
                    {
                        self.fixed.push(Fixed { slot, sign, element: Some(element) });
                    }
                }
                Kind::Cccs(name) => {
                    let c = control(name, e)?;
                    for (row, sign) in [(a, 1.0), (b, -1.0)] {
                        self.fixed.push(Fixed { slot: p.slot(row, c), sign, element: Some(element) });
                    }
                }
                Kind::Ccvs(name) => {
                    let c = control(name, e)?;
                    self.fixed.push(Fixed { slot: p.slot(branch, c), sign: -1.0, element: Some(element) });
                }
                Kind::Device => {}
            }
        }
        let mut state = self.capacitors.len() + self.inductors.len();
        for (i, (element, _)) in made.iter().enumerate() {
            let e = &self.netlist.elements[*element];
            let device = &self.devices[i];
            let mut nodes = e.nodes.clone();
            nodes.extend(&internal[i]);
            let count = nodes.len();
            let conductances = device
                .conductance_pattern()
                .into_iter()
                .map(|(r, c)| Conductance {
                    row: r as u8,
                    column: c as u8,
                    local: (r * count + c) as u16,
                    slot: p.slot(nodes[r], nodes[c]),
                })
                .collect();
            let mut capacitances = Vec::new();
            for (k, charge) in device.charges().iter().enumerate() {
                for c in 0..count {
                    capacitances.push(Capacitance {
                        charge: k as u8,
                        column: c as u8,
                        local: (k * count + c) as u16,
                        slot_a: p.slot(nodes[charge.a], nodes[c]),
                        slot_b: p.slot(nodes[charge.b], nodes[c]),
                    });
                }
            }
            let bound = e
                .parameters
                .iter()
                .cloned()
                .chain([("m".to_string(), e.multiplier)])
                .filter(|(_, v)| matches!(v, Value::Slot(_)))
                .filter_map(|(name, v)| {
                    device.parameter_index(&name).map(|index| (index, v, self.netlist.slots.get(v)))
                })
                .collect();
            self.places.push(Place {
                element: *element,
                nodes,
                conductances,
                capacitances,
                state,
                parallel: 1.0,
                class: class(&self.netlist, e),
                bound,
            });
            state += device.charges().len();
        }
        self.states = state;
        Ok(())
    }

    fn resistor_order(&self) -> Vec<NoiseOwner> {
        // Models in reverse order of first use, instances in reverse.
        let mut models: Vec<Option<u32>> = Vec::new();
        for r in &self.resistors {
            let model = self.netlist.elements[r.element].model;
            if !models.contains(&model) {
                models.push(model);
            }
        }
        let mut out = Vec::new();
        for model in models.iter().rev() {
            for (i, r) in self.resistors.iter().enumerate().rev() {
                if self.netlist.elements[r.element].model == *model {
                    out.push(NoiseOwner::Resistor(i));
                }
            }
        }
        out
    }

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
        let kelvin = self.surroundings.temperature_k;
        let slots = &self.netlist.slots;
        for r in &mut self.resistors {
            r.g = super::passive::conductance(
                &self.netlist,
                &self.netlist.elements[r.element],
                r.swept,
                kelvin,
            )?;
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

    /// Changes the circuit temperature.
    pub fn set_temperature(&mut self, celsius: f64) -> Result<()> {
        self.surroundings.temperature_k = celsius + 273.15;
        for (device, place) in self.devices.iter_mut().zip(&self.places) {
            device
                .update(&self.surroundings)
                .map_err(|e| device_error(&self.netlist.elements[place.element], &e))?;
        }
        devices::apply_model_checks(&mut self.devices);
        self.refresh()
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

fn device(
    netlist: &Netlist,
    e: &Element,
    models: &[Option<Model>],
    surroundings: &Surroundings,
) -> Result<Device> {
    let wrong = |message: String| CircuitError::Device {
        element: e.name.clone(),
        message,
        location: e.location.clone(),
    };
    let Some(index) = e.model else { return Err(wrong("needs a model".into())) };
    let card = &netlist.models[index as usize];
    let allowed: &[&str] = match e.name.as_bytes()[0] {
        b'd' => &["d"],
        b'q' => &["npn", "pnp"],
        _ => &["nmos", "pmos"],
    };
    let model = match &models[index as usize] {
        Some(m) if allowed.contains(&card.kind.as_str()) => m,
        _ => {
            return Err(wrong(format!(
                "model `{}` is of type `{}`, expected {}",
                card.name,
                card.kind,
                allowed.join(" or ")
            )));
        }
    };
    let mut parameters: Vec<(String, f64)> =
        e.parameters.iter().map(|(n, v)| (n.clone(), netlist.slots.get(*v))).collect();
    if let Some(area) = e.value {
        parameters.push(("area".into(), netlist.slots.get(area)));
    }
    parameters.push(("m".into(), netlist.slots.get(e.multiplier)));
    Device::new(&e.name, model, &parameters, surroundings).map_err(|x| device_error(e, &x))
}

/// Devices in the order ngspice sets them up: by type, models last first, instances last first.
fn device_order(netlist: &Netlist, made: &[(usize, Device)]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..made.len()).collect();
    let key = |i: &usize| {
        let e = &netlist.elements[made[*i].0];
        (class(netlist, e), std::cmp::Reverse(e.model), std::cmp::Reverse(*i))
    };
    order.sort_by_key(key);
    order
}

/// Where an unknown was named, for messages.
pub fn location_of(system: &System, unknown: usize) -> Option<&Location> {
    system.netlist.node_locations.get(unknown)
}
