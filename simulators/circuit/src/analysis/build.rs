//! From a netlist to a [`System`]: devices are made, unknowns numbered in ngspice's order, and every element gets its matrix slots.

use std::collections::HashMap;

use super::special::{FormulaSource, Line, Switch};
use super::system::{
    Capacitance, Capacitor, Column, Conductance, Fixed, Independent, Inductor, Mutual, NoiseOwner, Place,
    Resistor, System, device_error,
};
use crate::devices::{self, Device, Model, ModelCard, Surroundings};
use crate::error::{CircuitError, Result, did_you_mean};
use crate::matrix::Pattern;
use crate::netlist::formula::Input;
use crate::netlist::{Element, Kind, Netlist, Value};

/// Instance parameters that a MOS card may give for its instances.
const MOS_DEFAULTS: [&str; 8] = ["w", "l", "ad", "as", "pd", "ps", "nrd", "nrs"];

fn mos(kind: &str) -> bool {
    matches!(kind, "nmos" | "pmos")
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
                "r" | "res" | "c" | "cap" | "l" | "ind" | "sw" | "csw" => Ok(None),
                kind => {
                    let own = |n: &str| !(mos(kind) && MOS_DEFAULTS.contains(&n));
                    let parameters = m
                        .parameters
                        .iter()
                        .filter(|(n, _)| own(n))
                        .map(|(n, v)| (n.clone(), netlist.slots.get(*v)))
                        .collect();
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
        // Two inner nodes and two currents per line.
        let mut inner: HashMap<usize, [u32; 4]> = HashMap::new();
        for (index, e) in netlist.elements.iter().enumerate().filter(|(_, e)| matches!(e.kind, Kind::Line)) {
            let first = names.len() as u32;
            for (label, branch) in [("i1", true), ("i2", true), ("int1", false), ("int2", false)] {
                names.push(format!("v({}#{label})", e.name));
                is_branch.push(branch);
            }
            inner.insert(index, [first, first + 1, first + 2, first + 3]);
        }
        // Branches: H, L, E, V, each last instance first.
        let mut branches: HashMap<String, u32> = HashMap::new();
        for wanted in 0..5 {
            for e in netlist.elements.iter().rev() {
                let class = match e.kind {
                    Kind::Ccvs(_) => 0,
                    Kind::Inductor => 1,
                    Kind::Vcvs => 2,
                    Kind::Voltage(_) => 3,
                    Kind::Formula { voltage: true, .. } => 4,
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
        let hidden = [
            "#internal",
            "#source",
            "#drain",
            "#collector",
            "#emitter",
            "#base",
            "#body diode",
            "#i1",
            "#i2",
            "#int1",
            "#int2",
        ];
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
            formulas: Vec::new(),
            switches: Vec::new(),
            lines: Vec::new(),
            ties: Vec::new(),
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
        system.connect(&internal, &made, &inner)?;
        if system.netlist.options.shunt_ohm.is_infinite() {
            for group in super::diagnose::floating(&system) {
                system.ties.push(system.diagonal[group[0]]);
                let warning = super::diagnose::tied(&system, &group);
                system.warnings.push(warning);
            }
        }
        system.noise_order =
            order.iter().map(|i| NoiseOwner::Device(*i)).chain(system.resistor_order()).collect();
        system.refresh()?;
        Ok(system)
    }

    /// Assigns matrix slots.
    fn connect(
        &mut self,
        internal: &[Vec<u32>],
        made: &[(usize, Device)],
        inner: &HashMap<usize, [u32; 4]>,
    ) -> Result<()> {
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
                    g_ac: 0.0,
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
                Kind::Formula { formula, .. } => {
                    let mut inputs = Vec::with_capacity(formula.inputs.len());
                    for input in &formula.inputs {
                        inputs.push(match input {
                            Input::Voltage(plus, minus) => [*plus, *minus],
                            Input::Current(name) => [control(name, e)?, 0],
                        });
                    }
                    let slots = inputs
                        .iter()
                        .map(|[c, d]| match branch {
                            0 => quad(p, a, b, *c, *d),
                            row => [p.slot(row, *c), p.slot(row, *d), 0, 0],
                        })
                        .collect();
                    let formula = formula.clone();
                    self.formulas.push(FormulaSource {
                        element,
                        nodes: [a, b],
                        branch,
                        formula,
                        inputs,
                        slots,
                        multiplier: 1.0,
                    });
                }
                Kind::Switch { control: name, on } => {
                    let pair = match name {
                        Some(name) => [control(name, e)?, 0],
                        None => [e.nodes[2], e.nodes[3]],
                    };
                    let kind = e.model.map_or("", |m| self.netlist.models[m as usize].kind.as_str());
                    let expected = if name.is_some() { "csw" } else { "sw" };
                    if kind != expected {
                        return Err(CircuitError::Device {
                            element: e.name.clone(),
                            message: format!("its model is of type `{kind}`, expected {expected}"),
                            location: e.location.clone(),
                        });
                    }
                    let slots = quad(p, a, b, a, b);
                    self.switches.push(Switch::new(element, slots, pair, *on, name.is_some()));
                }
                Kind::Line => self.lines.push(line(p, element, e, inner[&element])),
                Kind::Device => {}
            }
        }
        let mut state = self.capacitors.len() + self.inductors.len();
        for (i, (element, _)) in made.iter().enumerate() {
            let e = &self.netlist.elements[*element];
            let device = &self.devices[i];
            let mut nodes = e.nodes.clone();
            // Behind a thermal node stands the ground that its heat capacity ends at.
            nodes.resize(device.terminals(), 0);
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
                for c in device.charge_columns(k) {
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
                // The area of a diode or a bipolar transistor has no name on the card.
                .chain(e.value.map(|area| ("area".to_string(), area)))
                .chain([("m".to_string(), e.multiplier)])
                .filter(|(_, v)| matches!(v, Value::Slot(_)))
                .filter_map(|(name, v)| {
                    device.parameter_index(&name).map(|index| (index, v, self.netlist.slots.get(v)))
                })
                .collect();
            let mut place = Place {
                element: *element,
                nodes,
                conductances,
                live: 0,
                capacitances,
                spans: [0; 3],
                state,
                parallel: 1.0,
                class: class(&self.netlist, e),
                off: e.parameter("off").is_some_and(|v| self.netlist.slots.get(v) != 0.0),
                bound,
            };
            place.sort();
            self.places.push(place);
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
                let e = &self.netlist.elements[r.element];
                let silent = e.parameter("noisy").is_some_and(|v| self.netlist.slots.get(v) == 0.0);
                if e.model == *model && !silent {
                    out.push(NoiseOwner::Resistor(i));
                }
            }
        }
        out
    }
}

/// A lossless line with its slots; `inner` are its two currents and its two inner nodes.
fn line(p: &mut Pattern, element: usize, e: &Element, inner: [u32; 4]) -> Line {
    let [i1, i2, m1, m2] = inner;
    let nodes = [e.nodes[0], e.nodes[1], e.nodes[2], e.nodes[3]];
    let mut fixed = Vec::new();
    for (plus, minus, middle, current) in [(nodes[0], nodes[1], m1, i1), (nodes[2], nodes[3], m2, i2)] {
        for (row, column, sign) in
            [(plus, plus, 1.0), (plus, middle, -1.0), (middle, plus, -1.0), (middle, middle, 1.0)]
        {
            fixed.push((p.slot(row, column), sign, true));
        }
        for (row, column, sign) in
            [(minus, current, -1.0), (middle, current, 1.0), (current, minus, -1.0), (current, middle, 1.0)]
        {
            fixed.push((p.slot(row, column), sign, false));
        }
    }
    let coupling = [
        [p.slot(i1, nodes[2]), p.slot(i1, nodes[3]), p.slot(i1, i2)],
        [p.slot(i2, nodes[0]), p.slot(i2, nodes[1]), p.slot(i2, i1)],
    ];
    Line::new(element, nodes, [i1, i2], fixed, coupling)
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
        b'j' => &["njf", "pjf"],
        _ if e.nodes.len() == 3 => &["vdmosn", "vdmosp"],
        _ => &["nmos", "pmos"],
    };
    let model = match &models[index as usize] {
        Some(m) if allowed.contains(&card.kind.as_str()) => m,
        _ => {
            let nodes = match (card.kind.as_str(), e.nodes.len()) {
                ("nmos" | "pmos", 3) => " (with a body, as a fourth node, for the former)",
                (kind, 4) if kind.starts_with("vdmos") => {
                    " (with three nodes, drain gate source, for the former)"
                }
                _ => "",
            };
            return Err(wrong(format!(
                "model `{}` is of type `{}`, expected {}{nodes}",
                card.name,
                card.kind,
                allowed.join(" or ")
            )));
        }
    };
    let mut parameters: Vec<(String, f64)> = e
        .parameters
        .iter()
        .filter(|(n, _)| n != "off")
        .map(|(n, v)| (n.clone(), netlist.slots.get(*v)))
        .collect();
    if mos(&card.kind) {
        for (name, value) in card.parameters.iter().filter(|(n, _)| MOS_DEFAULTS.contains(&n.as_str())) {
            if parameters.iter().all(|(n, _)| n != name) {
                parameters.push((name.clone(), netlist.slots.get(*value)));
            }
        }
    }
    if matches!(model, Model::Mos1(_)) {
        for (name, value) in ["w", "l", "ad", "as"].into_iter().zip(netlist.options.mos_defaults) {
            if parameters.iter().all(|(n, _)| n != name) {
                parameters.push((name.into(), value));
            }
        }
    }
    match (model, e.nodes.len()) {
        (Model::Vbic(_), 5) => parameters.push(("thermal".into(), 1.0)),
        (_, 5) => {
            return Err(wrong(format!("model `{}` has no thermal node: four nodes at most", card.name)));
        }
        _ => {}
    }
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
    // The type is read off the model's card: once per device.
    order.sort_by_cached_key(key);
    order
}
