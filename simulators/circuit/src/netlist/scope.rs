//! Parameter scopes: the top level and one per subcircuit instance. Names resolve on demand, so their order in the deck does not matter.

use std::collections::HashMap;

use super::deck::{Body, Text, expression_error, syntax};
use super::expression::{self, Op};
use super::number::{notation, parse_number};
use super::source::Line;
use super::{Slots, Value};
use crate::error::{CircuitError, Location, Result, did_you_mean};

/// Parameters defined through each other deeper than this are refused.
const MAX_CHAIN: usize = 400;

enum Binding<'d> {
    /// Text, and the scope its names belong to.
    Pending(&'d Text, usize),
    Busy,
    Done(Value),
}

pub struct Scope<'d> {
    parent: Option<usize>,
    names: HashMap<String, Binding<'d>>,
    /// The cards: the body itself and the chosen branches of its `.if` blocks.
    pub bodies: Vec<&'d Body>,
    /// Element cards in order, once [`Scopes::choose`] has run.
    pub elements: Vec<&'d Line>,
    /// Other dot cards.
    pub commands: Vec<&'d Line>,
    /// Instance path with a trailing dot, empty at the top.
    pub path: String,
}

/// All scopes and the slot table they fill.
pub struct Scopes<'d> {
    pub list: Vec<Scope<'d>>,
    pub slots: Slots,
    overrides: HashMap<String, f64>,
    depth: usize,
    temperature: Option<u32>,
    /// Slots that conditions of `.if` were read from.
    pub condition_slots: Vec<u32>,
}

impl<'d> Scopes<'d> {
    pub fn new(top: &'d Body, overrides: &[(String, f64)]) -> Self {
        let overrides = overrides.iter().map(|(n, v)| (n.to_ascii_lowercase(), *v)).collect();
        let mut scopes = Self {
            list: Vec::new(),
            slots: Slots::default(),
            overrides,
            depth: 0,
            temperature: None,
            condition_slots: Vec::new(),
        };
        scopes.open(None, top, String::new(), &[]);
        scopes
    }

    /// Adds a scope; `defaults` are a subcircuit's own, evaluated inside it.
    pub fn open(
        &mut self,
        parent: Option<usize>,
        body: &'d Body,
        path: String,
        defaults: &'d [(String, Text)],
    ) -> usize {
        let id = self.list.len();
        let all = defaults.iter().chain(&body.parameters);
        let names = all.map(|(name, text)| (name.clone(), Binding::Pending(text, id))).collect();
        let (bodies, elements, commands) = (vec![body], Vec::new(), Vec::new());
        self.list.push(Scope { parent, names, bodies, elements, commands, path });
        id
    }

    /// Chooses the branches of a scope's `.if` blocks, in order, and lists its cards.
    pub fn choose(&mut self, scope: usize) -> Result<()> {
        let body = self.list[scope].bodies[0];
        self.unfold(scope, body)
    }

    fn unfold(&mut self, scope: usize, body: &'d Body) -> Result<()> {
        self.list[scope].commands.extend(&body.commands);
        let mut done = 0;
        for choice in &body.choices {
            self.list[scope].elements.extend(&body.elements[done..choice.elements_before]);
            done = choice.elements_before;
            for (condition, branch) in &choice.branches {
                let taken = match condition {
                    None => true,
                    Some(text) => {
                        let value = self.value(scope, text)?;
                        if let Value::Slot(slot) = value {
                            self.condition_slots.push(slot);
                        }
                        self.slots.get(value) != 0.0
                    }
                };
                if taken {
                    let s = &mut self.list[scope];
                    s.bodies.push(branch);
                    s.names.extend(
                        branch.parameters.iter().map(|(n, t)| (n.clone(), Binding::Pending(t, scope))),
                    );
                    self.unfold(scope, branch)?;
                    break;
                }
            }
        }
        self.list[scope].elements.extend(&body.elements[done..]);
        Ok(())
    }

    /// What the scope's own cards have under a name.
    pub fn own<T>(&self, scope: usize, find: impl Fn(&'d Body) -> Option<T>) -> Option<T> {
        self.list[scope].bodies.iter().rev().find_map(|b| find(b))
    }

    /// The scope nearest to `scope`, outwards, whose cards have something under a name, and that.
    pub fn nearest<T>(&self, scope: usize, find: impl Fn(&'d Body) -> Option<T>) -> Option<(usize, T)> {
        let mut at = Some(scope);
        while let Some(id) = at {
            if let Some(found) = self.own(id, &find) {
                return Some((id, found));
            }
            at = self.parent(id);
        }
        None
    }

    /// Everything that the cards of `scope` and of the scopes around it list.
    pub fn all<T>(&self, scope: usize, list: impl Fn(&'d Body) -> Vec<T>) -> Vec<T> {
        let mut out = Vec::new();
        let mut at = Some(scope);
        while let Some(id) = at {
            self.list[id].bodies.iter().for_each(|b| out.extend(list(b)));
            at = self.parent(id);
        }
        out
    }

    /// Adds an empty scope inside `parent`, for the parameters of one instance card.
    pub fn open_line(&mut self, parent: usize) -> usize {
        let path = self.list[parent].path.clone();
        let (bodies, elements, commands) = (Vec::new(), Vec::new(), Vec::new());
        self.list.push(Scope {
            parent: Some(parent),
            names: HashMap::new(),
            bodies,
            elements,
            commands,
            path,
        });
        self.list.len() - 1
    }

    /// The scope that `scope` was opened from.
    pub fn parent(&self, scope: usize) -> Option<usize> {
        self.list[scope].parent
    }

    /// Binds a name of a scope to a value.
    pub fn bind(&mut self, scope: usize, name: &str, value: Value) {
        self.list[scope].names.insert(name.to_string(), Binding::Done(value));
    }

    /// The slot holding the circuit temperature in Celsius (`temper`), if any expression uses it.
    pub fn temperature_slot(&self) -> Option<u32> {
        self.temperature
    }

    /// The value of a parameter seen from `scope`.
    pub fn resolve(&mut self, scope: usize, name: &str, location: &Location) -> Result<Value> {
        let mut at = Some(scope);
        while let Some(id) = at {
            let s = &mut self.list[id];
            let Some(binding) = s.names.get(name) else {
                at = s.parent;
                continue;
            };
            match binding {
                Binding::Done(v) => return Ok(*v),
                Binding::Busy => {
                    return Err(CircuitError::ParameterCycle {
                        name: name.to_string(),
                        location: location.clone(),
                    });
                }
                Binding::Pending(text, home) => {
                    let (text, home) = (*text, *home);
                    self.depth += 1;
                    if self.depth > MAX_CHAIN {
                        return Err(syntax(
                            &text.location,
                            format!("parameter `{name}` is defined through more than {MAX_CHAIN} others"),
                        ));
                    }
                    self.list[id].names.insert(name.to_string(), Binding::Busy);
                    let value = if id == 0 {
                        let fixed = self.overrides.get(name).copied();
                        let program = self.program(home, &text.text, &text.location)?;
                        Value::Slot(self.slots.push(program, fixed))
                    } else {
                        self.value(home, text)?
                    };
                    self.depth -= 1;
                    self.list[id].names.insert(name.to_string(), Binding::Done(value));
                    return Ok(value);
                }
            }
        }
        match name {
            "temper" => {
                let slot = match self.temperature {
                    Some(slot) => slot,
                    None => self.slots.push(vec![Op::Push(27.0)], None),
                };
                self.temperature = Some(slot);
                Ok(Value::Slot(slot))
            }
            "pi" => Ok(Value::Const(std::f64::consts::PI)),
            _ => {
                let mut known: Vec<&str> = Vec::new();
                let mut at = Some(scope);
                while let Some(id) = at {
                    known.extend(self.list[id].names.keys().map(String::as_str));
                    at = self.list[id].parent;
                }
                let hint = did_you_mean(name, known);
                Err(CircuitError::Unknown {
                    kind: "parameter",
                    name: name.to_string(),
                    hint,
                    location: location.clone(),
                })
            }
        }
    }

    fn program(&mut self, scope: usize, text: &str, location: &Location) -> Result<Vec<Op>> {
        let tree = expression::parse(text).map_err(|e| expression_error(text, &e, location))?;
        let mut program = Vec::new();
        let mut failure = None;
        let bodies: Vec<&'d Body> = {
            let mut at = Some(scope);
            let mut out = Vec::new();
            while let Some(id) = at {
                out.extend(self.list[id].bodies.iter().rev());
                at = self.list[id].parent;
            }
            out
        };
        let function = |name: &str| bodies.iter().find_map(|b| b.functions.get(name).cloned());
        let mut resolve = |name: &str| match self.resolve(scope, name, location) {
            Ok(Value::Const(v)) => Ok(Op::Push(v)),
            Ok(Value::Slot(s)) => Ok(Op::Load(s)),
            Err(e) => {
                failure = Some(e);
                Err(String::new())
            }
        };
        let result = expression::compile(&tree, &mut resolve, &function, &mut program);
        match (failure, result) {
            (Some(error), _) => Err(error),
            (None, Err(message)) => Err(CircuitError::Expression {
                expression: super::deck::excerpt(text, 0),
                column: 1,
                message,
                location: location.clone(),
            }),
            (None, Ok(())) => Ok(program),
        }
    }

    /// The value of a number or expression written in `scope`.
    pub fn value(&mut self, scope: usize, text: &Text) -> Result<Value> {
        self.value_of(scope, &text.text, &text.location)
    }

    /// The same from its parts.
    pub fn value_of(&mut self, scope: usize, text: &str, location: &Location) -> Result<Value> {
        if let Some(v) = parse_number(text.trim()) {
            return Ok(Value::Const(v));
        }
        if let Some(meant) = notation(text.trim()) {
            return Err(syntax(location, format!("`{}` is not a number here; {meant}", text.trim())));
        }
        let program = self.program(scope, text, location)?;
        Ok(match program.as_slice() {
            [Op::Push(v)] => Value::Const(*v),
            [Op::Load(s)] => Value::Slot(*s),
            p if p.iter().all(|op| !matches!(op, Op::Load(_))) => Value::Const(expression::run(p, &[])),
            _ => Value::Slot(self.slots.push(program, None)),
        })
    }

    /// A product of two values, folded where possible.
    pub fn product(&mut self, a: Value, b: Value) -> Value {
        let op = |v: Value| match v {
            Value::Const(c) => Op::Push(c),
            Value::Slot(s) => Op::Load(s),
        };
        match (a, b) {
            (Value::Const(x), Value::Const(y)) => Value::Const(x * y),
            (Value::Const(1.0), v) | (v, Value::Const(1.0)) => v,
            _ => Value::Slot(self.slots.push(vec![op(a), op(b), Op::Mul], None)),
        }
    }
}
