//! Expands subcircuits into a flat list of elements with their values, nodes and models resolved.

use std::collections::HashMap;
use std::sync::Arc;

use super::command::{self, Setup};
use super::controlled;
use super::deck::{Body, Deck, RawModel, Text, syntax};
use super::element::{self, Card, Element, Kind, Source, Waveform};
use super::expression::Expr;
use super::formula::{Formula, Input, Names};
use super::scope::Scopes;
use super::source::Line;
use super::{FlatModel, Netlist, Parameter, Value};
use crate::error::{CircuitError, Location, Result, did_you_mean};

/// Subcircuits nested deeper than this are taken for recursion.
const MAX_NESTING: usize = 64;
/// Elements of one circuit; more is taken for an accident.
const MAX_ELEMENTS: usize = 1_000_000;
/// MOS instance parameters that are lengths; `ad` and `as` are areas.
const LENGTHS: [&str; 8] = ["w", "l", "pd", "ps", "sa", "sb", "sd", "sc"];

/// An element's name with its path: `r1` of `x1` is `r.x1.r1`.
fn flat_name(name: &str, path: &str) -> String {
    match (path.is_empty(), name.get(..1)) {
        (false, Some(letter)) => format!("{letter}.{path}{name}"),
        _ => name.to_string(),
    }
}

/// Names in formulas, as seen from a scope.
struct FormulaNames<'f, 'd> {
    f: &'f mut Flattener<'d>,
    scope: usize,
    ports: &'f HashMap<String, String>,
    location: &'f Location,
    failure: Option<CircuitError>,
}

impl Names for FormulaNames<'_, '_> {
    fn parameter(&mut self, name: &str) -> std::result::Result<Value, String> {
        self.f.scopes.resolve(self.scope, name, self.location).map_err(|e| {
            let message = e.to_string();
            // `e` has a meaning of its own.
            if name != "e" {
                self.failure.get_or_insert(e);
            }
            message
        })
    }

    fn input(&mut self, kind: &str, words: &[String]) -> std::result::Result<Input, String> {
        let too_many =
            || Err(format!("`{kind}(...)` takes one name{}", if kind == "v" { " or two" } else { "" }));
        if kind == "i" {
            let [name] = words else { return too_many() };
            return Ok(Input::Current(flat_name(name, &self.f.scopes.list[self.scope].path)));
        }
        let mut nodes = [0, 0];
        if words.len() > 2 {
            return too_many();
        }
        for (node, name) in nodes.iter_mut().zip(words) {
            let name = self.f.node_name(name, self.scope, self.ports);
            *node = self.f.node(name, self.location);
        }
        Ok(Input::Voltage(nodes[0], nodes[1]))
    }

    fn function(&self, name: &str) -> Option<(Vec<String>, Expr)> {
        self.f.scopes.nearest(self.scope, |b| b.functions.get(name).cloned()).map(|(_, f)| f)
    }
}

struct Flattener<'d> {
    scopes: Scopes<'d>,
    nodes: HashMap<String, u32>,
    node_names: Vec<String>,
    node_locations: Vec<Location>,
    globals: Vec<String>,
    elements: Vec<Element>,
    models: Vec<FlatModel>,
    model_index: HashMap<(usize, String), u32>,
    setup: Setup,
}

/// Expands a deck with some of its top-level parameters replaced.
pub fn flatten(deck: &Deck, overrides: &[(String, f64)]) -> Result<Netlist> {
    let mut scopes = Scopes::new(&deck.top, overrides);
    scopes.choose(0)?;
    let defined: Vec<&'_ (String, Text)> = scopes.list[0].bodies.iter().flat_map(|b| &b.parameters).collect();
    let definitions: HashMap<&str, &Location> =
        defined.iter().map(|(n, t)| (n.as_str(), &t.location)).collect();
    for (name, value) in overrides {
        let lower = name.to_ascii_lowercase();
        let nowhere = Location { file: "parameters given beside the deck".into(), line: 0 };
        if !definitions.contains_key(lower.as_str()) {
            let mut known: Vec<&str> = definitions.keys().copied().collect();
            known.sort_unstable();
            let hint = match did_you_mean(&lower, known.iter().copied()) {
                hint if !hint.is_empty() => hint,
                _ if known.is_empty() => "; the deck has no top-level `.param`".into(),
                _ if known.len() <= 12 => format!("; the deck has {}", known.join(", ")),
                hint => hint,
            };
            return Err(CircuitError::Unknown {
                kind: "parameter",
                name: name.clone(),
                hint,
                location: nowhere,
            });
        }
        if !value.is_finite() {
            let location = definitions.get(lower.as_str()).map_or(nowhere, |l| (*l).clone());
            return Err(CircuitError::Value {
                element: "parameter".into(),
                name: name.clone(),
                value: *value,
                expected: "a finite number".into(),
                location,
            });
        }
    }
    let mut setup = Setup::default();
    let mut globals = vec!["0".to_string(), "gnd".to_string()];
    for line in std::mem::take(&mut scopes.list[0].commands) {
        if line.text.to_ascii_lowercase().starts_with(".global") {
            globals.extend(line.text.split_whitespace().skip(1).map(str::to_ascii_lowercase));
        } else {
            command::read(line, &mut scopes, &mut setup)?;
        }
    }
    let ground = Location { file: "<netlist>".into(), line: 1 };
    let mut f = Flattener {
        scopes,
        nodes: HashMap::from([("0".to_string(), 0), ("gnd".to_string(), 0)]),
        node_names: vec!["0".to_string()],
        node_locations: vec![ground],
        globals,
        elements: Vec::new(),
        models: Vec::new(),
        model_index: HashMap::new(),
        setup,
    };
    f.body(0, &HashMap::new(), Value::Const(1.0), 0)?;
    f.check_names()?;
    let mut setup = std::mem::take(&mut f.setup);
    setup.fixed_slots.append(&mut f.scopes.condition_slots);
    let mut parameters: Vec<Parameter> = Vec::new();
    for (name, text) in defined.into_iter().rev() {
        if parameters.iter().all(|p| p.name != *name) {
            // Resolving here makes every top-level parameter settable, and reports errors in unused ones.
            let slot = match f.scopes.resolve(0, name, &text.location)? {
                Value::Slot(s) => Some(s),
                Value::Const(_) => None,
            };
            parameters.push(Parameter { name: name.clone(), slot, location: text.location.clone() });
        }
    }
    parameters.reverse();
    if let Some(slot) = f.scopes.temperature_slot() {
        f.scopes.slots.set(slot, setup.options.temperature_c);
        let all = f.scopes.slots.dependents(&[slot]);
        f.scopes.slots.recompute(&all);
    }
    let measures = setup
        .measures
        .iter()
        .map(|l| {
            crate::measure::parse(l.text.as_str(), &l.location, &mut |text, location| {
                f.scopes.value_of(0, text, location)
            })
        })
        .collect::<Result<Vec<_>>>()?;
    let preset = |list: &[(String, Value, Location)], what: &str, warnings: &mut Vec<String>| {
        let mut out = Vec::new();
        for (name, value, location) in list {
            match f.nodes.get(name) {
                Some(n) => out.push((*n, *value)),
                None => warnings.push(format!(
                    "{location}: {what} of unknown node `{name}` is ignored{}",
                    did_you_mean(name, f.node_names.iter().map(String::as_str))
                )),
            }
        }
        out
    };
    let nodesets = preset(&setup.nodesets, ".nodeset", &mut setup.warnings);
    let initial = preset(&setup.initial, ".ic", &mut setup.warnings);
    let temperature_slot = f.scopes.temperature_slot();
    Ok(Netlist {
        title: deck.title.clone(),
        temperature_slot,
        slots: f.scopes.slots,
        parameters,
        nodes: f.node_names,
        node_locations: f.node_locations,
        elements: f.elements,
        models: f.models,
        fixed_slots: setup.fixed_slots,
        options: setup.options,
        analyses: setup.analyses,
        constants: setup.constants,
        measures,
        nodesets,
        initial,
        warnings: setup.warnings,
    })
}

impl<'d> Flattener<'d> {
    fn body(
        &mut self,
        scope: usize,
        ports: &HashMap<String, String>,
        multiplier: Value,
        depth: usize,
    ) -> Result<()> {
        for line in std::mem::take(&mut self.scopes.list[scope].elements) {
            if let Some(cards) = controlled::rewrite(line)? {
                for card in &cards {
                    self.card(card, scope, ports, multiplier, depth)?;
                }
            } else {
                self.card(line, scope, ports, multiplier, depth)?;
            }
        }
        Ok(())
    }

    /// One element card.
    fn card(
        &mut self,
        line: &Line,
        scope: usize,
        ports: &HashMap<String, String>,
        multiplier: Value,
        depth: usize,
    ) -> Result<()> {
        let card = element::parse(line)?;
        if self.elements.len() >= MAX_ELEMENTS {
            return Err(syntax(&line.location, format!("the circuit has more than {MAX_ELEMENTS} elements")));
        }
        // Nodes count from their first use by an element, as in ngspice's flattened deck.
        let names = card.nodes.iter().map(|n| self.node_name(n, scope, ports)).collect::<Vec<_>>();
        if card.name.starts_with('x') {
            self.instance(&card, scope, names, multiplier, depth)?;
        } else {
            let nodes = names.into_iter().map(|n| self.node(n, &line.location)).collect();
            self.element(card, scope, ports, nodes, multiplier)?;
        }
        Ok(())
    }

    /// Dot cards of a subcircuit: start values are those of this instance's nodes, analyses belong to the deck.
    fn inner_commands(&mut self, scope: usize, name: &str, ports: &HashMap<String, String>) -> Result<()> {
        for line in std::mem::take(&mut self.scopes.list[scope].commands) {
            let keyword = line.text.split_whitespace().next().unwrap_or("").to_ascii_lowercase();
            match keyword.as_str() {
                ".ic" | ".nodeset" => {
                    for (node, value) in command::start_values(line, &mut self.scopes, scope)? {
                        let node = self.node_name(&node, scope, ports);
                        let list =
                            if keyword == ".ic" { &mut self.setup.initial } else { &mut self.setup.nodesets };
                        list.push((node, value, line.location.clone()));
                    }
                }
                ".end" => {}
                _ => {
                    let message = format!(
                        "`{keyword}` inside subcircuit `{name}` is not read; write it at the top level"
                    );
                    return Err(syntax(&line.location, message));
                }
            }
        }
        Ok(())
    }

    fn node_name(&self, name: &str, scope: usize, ports: &HashMap<String, String>) -> String {
        if let Some(n) = ports.get(name) {
            return n.clone();
        }
        let path = &self.scopes.list[scope].path;
        if path.is_empty() || self.globals.iter().any(|g| g == name) {
            name.to_string()
        } else {
            format!("{path}{name}")
        }
    }

    fn node(&mut self, name: String, location: &Location) -> u32 {
        if let Some(n) = self.nodes.get(&name) {
            return *n;
        }
        let index = self.node_names.len() as u32;
        self.nodes.insert(name.clone(), index);
        self.node_names.push(name);
        self.node_locations.push(location.clone());
        index
    }

    fn instance(
        &mut self,
        card: &Card,
        scope: usize,
        nodes: Vec<String>,
        multiplier: Value,
        depth: usize,
    ) -> Result<()> {
        let name = card.model.clone().unwrap_or_default();
        let find = |b: &'d Body| b.subcircuits.get(&name).map(|s| &**s);
        let Some((_, definition)) = self.scopes.nearest(scope, find) else {
            let known: Vec<&str> =
                self.scopes.all(scope, |b| b.subcircuits.keys().map(String::as_str).collect());
            let hint = did_you_mean(&name, known);
            return Err(CircuitError::Unknown {
                kind: "subcircuit",
                name,
                hint,
                location: card.location.clone(),
            });
        };
        if depth >= MAX_NESTING {
            return Err(CircuitError::SubcircuitRecursion {
                name,
                limit: MAX_NESTING,
                location: card.location.clone(),
            });
        }
        if nodes.len() != definition.ports.len() {
            let message = format!(
                "`{}` connects {} nodes, but subcircuit `{name}` has {} ports ({})",
                card.name,
                nodes.len(),
                definition.ports.len(),
                definition.ports.join(" ")
            );
            return Err(syntax(&card.location, message));
        }
        let path = format!("{}{}.", self.scopes.list[scope].path, card.name);
        let inner = self.scopes.open(Some(scope), &definition.body, path, &definition.defaults);
        let mut own = Value::Const(1.0);
        // A subcircuit that declares `m` applies it by itself.
        let declared = definition.defaults.iter().any(|(n, _)| n == "m");
        for (key, value) in self.arguments(card, scope)? {
            if key == "m" && !declared {
                own = value;
            }
            self.scopes.bind(inner, &key, value);
        }
        let multiplier = self.scopes.product(multiplier, own);
        let ports = definition.ports.iter().cloned().zip(nodes).collect();
        self.scopes.choose(inner)?;
        self.inner_commands(inner, &name, &ports)?;
        self.body(inner, &ports, multiplier, depth + 1)
    }

    /// Values of an instance's parameters. A name in them is another parameter of the same card before it is one of the outer scope;
    /// in `w='w'`, and in a circle of parameters, it is the outer one.
    fn arguments(&mut self, card: &Card, scope: usize) -> Result<Vec<(String, Value)>> {
        let line = self.scopes.open_line(scope);
        let uses = |text: &str, name: &str| {
            text.split(|c: char| !(c.is_ascii_alphanumeric() || "_.#@$[]".contains(c)))
                .any(|w| w.eq_ignore_ascii_case(name))
        };
        let mut pending: Vec<_> = card.parameters.iter().collect();
        let mut values = Vec::with_capacity(pending.len());
        while !pending.is_empty() {
            let ready = pending.iter().position(|(key, text)| {
                pending.iter().all(|(other, _)| other == key || !uses(&text.text, other))
            });
            let Some(i) = ready else {
                for (key, text) in pending {
                    values.push((key.clone(), self.scopes.value(scope, text)?));
                }
                return Ok(values);
            };
            let (key, text) = pending.remove(i);
            let value = self.scopes.value(line, text)?;
            self.scopes.bind(line, key, value);
            values.push((key.clone(), value));
        }
        Ok(values)
    }

    /// Compiles what a source follows.
    fn formula(
        &mut self,
        tree: &Expr,
        scope: usize,
        ports: &HashMap<String, String>,
        location: &Location,
    ) -> Result<Formula> {
        let mut names = FormulaNames { f: self, scope, ports, location, failure: None };
        let result = Formula::compile(tree, &mut names);
        match (names.failure, result) {
            (Some(error), _) => Err(error),
            (None, Ok(formula)) => Ok(formula),
            (None, Err(message)) => Err(syntax(location, message)),
        }
    }

    fn element(
        &mut self,
        card: Card,
        scope: usize,
        ports: &HashMap<String, String>,
        nodes: Vec<u32>,
        multiplier: Value,
    ) -> Result<()> {
        let location = card.location.clone();
        let letter = card.name.as_bytes()[0];
        let path = &self.scopes.list[scope].path;
        let name = flat_name(&card.name, path);
        let controls: Vec<String> = card.controls.iter().map(|c| flat_name(c, path)).collect();
        let value = card.value.as_ref().map(|t| self.scopes.value_of(scope, t, &location));
        let mut parameters = Vec::new();
        let mut m = multiplier;
        for (key, text) in &card.parameters {
            let value = match (key.as_str(), text.text.as_str()) {
                ("noisy", "no" | "off") => Value::Const(0.0),
                ("noisy", "yes" | "on") => Value::Const(1.0),
                _ => self.scopes.value(scope, text)?,
            };
            if key == "m" {
                m = self.scopes.product(multiplier, value);
            } else {
                let factor = match key.as_str() {
                    k if letter == b'm' && LENGTHS.contains(&k) => self.setup.options.scale,
                    "ad" | "as" if letter == b'm' => self.setup.options.scale * self.setup.options.scale,
                    _ => 1.0,
                };
                let value = self.scopes.product(value, Value::Const(factor));
                parameters.push((key.clone(), value));
            }
        }
        let mut value = match value {
            Some(Ok(v)) => Some(v),
            Some(Err(e)) => return Err(e),
            None => None,
        };
        let mut model_name = card.model.clone();
        // `r1 a b rval`: a bare word is a model if there is one, else a parameter.
        if matches!(letter, b'r' | b'c' | b'l')
            && let Some(word) = &model_name
            && value.is_none()
            && self.find_model(scope, word).is_none()
        {
            match self.scopes.value_of(scope, word, &location) {
                Ok(v) => {
                    value = Some(v);
                    model_name = None;
                }
                Err(e) if super::number::notation(word).is_some() => return Err(e),
                Err(_) => {}
            }
        }
        let mut out = Element {
            name,
            kind: Kind::Resistor,
            nodes,
            value,
            model: None,
            parameters,
            multiplier: m,
            location,
        };
        out.kind = match letter {
            _ if card.formula.is_some() => Kind::Resistor,
            b'r' => Kind::Resistor,
            b'c' => Kind::Capacitor,
            b'l' => Kind::Inductor,
            b'k' => Kind::Mutual(controls[0].clone(), controls[1].clone()),
            b'e' => Kind::Vcvs,
            b'g' => Kind::Vccs,
            b'f' => Kind::Cccs(controls[0].clone()),
            b'h' => Kind::Ccvs(controls[0].clone()),
            b'v' => Kind::Voltage(self.source(&card, scope)?),
            b'i' => Kind::Current(self.source(&card, scope)?),
            b's' | b'w' => Kind::Switch { control: controls.first().cloned(), on: card.on },
            b't' => Kind::Line,
            _ => Kind::Device,
        };
        if let Some((voltage, tree)) = &card.formula {
            let formula = Arc::new(self.formula(tree, scope, ports, &out.location)?);
            out.kind = Kind::Formula { voltage: *voltage, formula };
        }
        if let Some(model) = model_name {
            out.model = Some(self.model(scope, &model, &out)?);
        }
        self.elements.push(out);
        Ok(())
    }

    fn source(&mut self, card: &Card, scope: usize) -> Result<Source> {
        let Some(raw) = &card.source else { return Ok(Source::default()) };
        let mut value = |text: &Option<String>| {
            text.as_ref().map(|t| self.scopes.value_of(scope, t, &card.location)).transpose()
        };
        let (dc, ac, phase) = (value(&raw.dc)?, value(&raw.ac)?, value(&raw.phase)?);
        let wave = match &raw.wave {
            None => None,
            Some((kind, list)) => {
                let values = list
                    .iter()
                    .map(|t| self.scopes.value_of(scope, t, &card.location))
                    .collect::<Result<Vec<_>>>()?;
                Some(match *kind {
                    "pulse" => Waveform::Pulse(values),
                    "sin" => Waveform::Sin(values),
                    "exp" => Waveform::Exp(values),
                    "pwl" => {
                        let mut named = |name: &str| {
                            let text = card.parameters.iter().rev().find(|(n, _)| n == name);
                            text.map(|(_, t)| self.scopes.value(scope, t)).transpose()
                        };
                        Waveform::Pwl { points: values, delay: named("td")?, repeat: named("r")? }
                    }
                    "am" => Waveform::Am(values),
                    _ => Waveform::Sffm(values),
                })
            }
        };
        Ok(Source { dc, ac, phase, wave })
    }

    /// The scope that defines a model (or its bins).
    fn find_model(&self, scope: usize, name: &str) -> Option<usize> {
        let find = |b: &'d Body| (b.models.contains_key(name) || b.bins.contains_key(name)).then_some(());
        self.scopes.nearest(scope, find).map(|(id, ())| id)
    }

    fn model(&mut self, scope: usize, name: &str, element: &Element) -> Result<u32> {
        let location = &element.location;
        let Some(home) = self.find_model(scope, name) else {
            let known: Vec<&str> = self
                .scopes
                .all(scope, |b| b.models.keys().chain(b.bins.keys()).map(String::as_str).collect());
            let hint = did_you_mean(name, known);
            return Err(CircuitError::Unknown {
                kind: "model",
                name: name.to_string(),
                hint,
                location: location.clone(),
            });
        };
        let chosen = match self.scopes.own(home, |b| b.models.get(name)) {
            Some(_) => name.to_string(),
            None => self.bin(home, name, element)?,
        };
        if let Some(index) = self.model_index.get(&(home, chosen.clone())) {
            return Ok(*index);
        }
        let Some(raw) = self.scopes.own(home, |b| b.models.get(&chosen).map(|m| &**m)) else {
            return Err(syntax(location, format!("model `{chosen}` is gone")));
        };
        let raw: &'d RawModel = raw;
        let (kind, list) = raw.parse()?;
        let mut parameters = Vec::with_capacity(list.len());
        let mut version = None;
        for (key, text) in list {
            match self.scopes.value(home, text) {
                Ok(value) => parameters.push((key.clone(), value)),
                Err(_) if key == "version" => version = Some(text.text.clone()),
                Err(e) => return Err(e),
            }
        }
        let index = self.models.len() as u32;
        let full = format!("{}{chosen}", self.scopes.list[home].path);
        let limit = |name: &str, default: f64| {
            parameters
                .iter()
                .rev()
                .find(|(n, _)| n == name)
                .map_or(default, |(_, v)| self.scopes.slots.get(*v))
        };
        let bin = (chosen != name)
            .then(|| [limit("lmin", 0.0), limit("lmax", 1.0), limit("wmin", 0.0), limit("wmax", 1.0)]);
        self.models.push(FlatModel {
            name: full,
            kind: kind.clone(),
            parameters,
            version,
            bin,
            location: raw.line.location.clone(),
        });
        self.model_index.insert((home, chosen), index);
        Ok(index)
    }

    /// The bin of a binned model that covers the element's `w/nf` and `l`.
    fn bin(&mut self, home: usize, base: &str, element: &Element) -> Result<String> {
        let size = |name: &str, default: f64, s: &Scopes| {
            element.parameter(name).map_or(default, |v| s.slots.get(v))
        };
        let length = size("l", 5e-6, &self.scopes);
        let width = size("w", 5e-6, &self.scopes) / size("nf", 1.0, &self.scopes);
        let bins = self.scopes.own(home, |b| b.bins.get(base)).map_or(&[][..], Vec::as_slice);
        let mut range = [f64::INFINITY, f64::NEG_INFINITY, f64::INFINITY, f64::NEG_INFINITY];
        for bin in bins {
            let Some(card) = self.scopes.own(home, |b| b.models.get(bin)) else { continue };
            let (_, list) = card.parse()?;
            let mut limits = [0.0, 1.0, 0.0, 1.0];
            for (key, text) in list {
                if let Some(i) = ["lmin", "lmax", "wmin", "wmax"].iter().position(|k| k == key) {
                    let v = self.scopes.value(home, text)?;
                    limits[i] = self.scopes.slots.get(v);
                }
            }
            if FlatModel::covers(&limits, length, width) {
                return Ok(bin.clone());
            }
            for (i, v) in limits.iter().enumerate() {
                range[i] = if i % 2 == 0 { range[i].min(*v) } else { range[i].max(*v) };
            }
        }
        Err(CircuitError::NoBin {
            element: element.name.clone(),
            model: base.to_string(),
            width,
            length,
            hint: format!(
                "its bins span l = {:e} to {:e}, w = {:e} to {:e} m (and need not fill that range)",
                range[0], range[1], range[2], range[3]
            ),
            location: element.location.clone(),
        })
    }

    fn check_names(&self) -> Result<()> {
        let mut seen: HashMap<&str, &Location> = HashMap::new();
        for e in &self.elements {
            if let Some(first) = seen.insert(&e.name, &e.location) {
                return Err(syntax(
                    &e.location,
                    format!("element `{}` is already defined at {first}", e.name),
                ));
            }
        }
        Ok(())
    }
}
