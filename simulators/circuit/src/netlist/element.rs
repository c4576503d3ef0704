//! Element cards: what each letter takes, and the flat element it becomes.

use std::sync::Arc;

use super::Value;
use super::controlled;
use super::deck::{Assignments, Text, assignments, syntax};
use super::expression::Expr;
use super::formula::Formula;
use super::source::Line;
use super::tokens::{Token, tokenize};
use crate::error::{CircuitError, Location, Result};

/// A time-dependent source function with its parameters as written (fewer than the full number are allowed).
#[derive(Debug, Clone, PartialEq)]
pub enum Waveform {
    /// `pulse(v1 v2 td tr tf pw per)`.
    Pulse(Vec<Value>),
    /// `sin(vo va f td theta phase)`.
    Sin(Vec<Value>),
    /// `exp(v1 v2 td1 tau1 td2 tau2)`.
    Exp(Vec<Value>),
    /// `pwl(t1 v1 t2 v2 ...) [td=delay] [r=start of what repeats for ever]`.
    Pwl {
        /// Times and values in turn.
        points: Vec<Value>,
        /// The function starts this much later.
        delay: Option<Value>,
        /// From the last time on, what follows this time repeats.
        repeat: Option<Value>,
    },
    /// `sffm(vo va fc mdi fs)`.
    Sffm(Vec<Value>),
    /// `am(va vo mf fc td)`.
    Am(Vec<Value>),
}

impl Waveform {
    /// A waveform by its keyword.
    pub(crate) fn new(keyword: &str, values: Vec<Value>) -> Option<Self> {
        Some(match keyword {
            "pulse" => Self::Pulse(values),
            "sin" => Self::Sin(values),
            "exp" => Self::Exp(values),
            "pwl" => Self::Pwl { points: values, delay: None, repeat: None },
            "sffm" => Self::Sffm(values),
            "am" => Self::Am(values),
            _ => return None,
        })
    }

    /// Its values in order.
    pub(crate) fn values(&self) -> &[Value] {
        match self {
            Self::Pulse(v) | Self::Sin(v) | Self::Exp(v) | Self::Sffm(v) | Self::Am(v) => v,
            Self::Pwl { points, .. } => points,
        }
    }
}

/// An independent source.
#[derive(Debug, Clone, Default)]
pub struct Source {
    /// `dc` value, if given.
    pub dc: Option<Value>,
    /// Small-signal magnitude.
    pub ac: Option<Value>,
    /// Small-signal phase, degrees.
    pub phase: Option<Value>,
    /// Time function.
    pub wave: Option<Waveform>,
}

/// What an element is.
#[derive(Debug, Clone)]
pub enum Kind {
    /// Resistor: value, temperature coefficients, model.
    Resistor,
    /// Capacitor.
    Capacitor,
    /// Inductor.
    Inductor,
    /// Coupling of two inductors, by element name.
    Mutual(String, String),
    /// Voltage source.
    Voltage(Source),
    /// Current source.
    Current(Source),
    /// `E`: voltage-controlled voltage source.
    Vcvs,
    /// `G`: voltage-controlled current source.
    Vccs,
    /// `F`: current-controlled current source, controlled by the named voltage source.
    Cccs(String),
    /// `H`: current-controlled voltage source.
    Ccvs(String),
    /// `B` and controlled sources that are not linear: a voltage or a current by formula.
    Formula {
        /// A voltage, with a branch of its own; otherwise a current from the first to the second node.
        voltage: bool,
        /// What it follows.
        formula: Arc<Formula>,
    },
    /// `S`: switch controlled by the voltage between its third and fourth node; `W`: by the current of the named source. `on` at first.
    Switch {
        /// The controlling source of a `W`.
        control: Option<String>,
        /// Whether it starts closed.
        on: bool,
    },
    /// `T`: lossless transmission line.
    Line,
    /// Diode, MOS, bipolar or junction field-effect device.
    Device,
}

/// A flat element.
#[derive(Debug, Clone)]
pub struct Element {
    /// Name as ngspice gives it (`r1`, `r.x1.r1`).
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// Nodes in card order; 0 is ground.
    pub nodes: Vec<u32>,
    /// The positional value (resistance, gain, area, ...).
    pub value: Option<Value>,
    /// Index into the netlist's models.
    pub model: Option<u32>,
    /// Named parameters; sizes of MOS devices already scaled.
    pub parameters: Vec<(String, Value)>,
    /// Number of devices in parallel.
    pub multiplier: Value,
    /// The card.
    pub location: Location,
}

impl Element {
    /// A named parameter.
    pub fn parameter(&self, name: &str) -> Option<Value> {
        self.parameters.iter().rev().find(|(n, _)| n == name).map(|(_, v)| *v)
    }
}

/// An element card split into its parts, nothing evaluated.
pub struct Card {
    pub name: String,
    pub nodes: Vec<String>,
    pub value: Option<String>,
    pub model: Option<String>,
    /// Names of controlling elements.
    pub controls: Vec<String>,
    pub parameters: Assignments,
    pub source: Option<RawSource>,
    /// What a source by formula follows, and whether it is a voltage.
    pub formula: Option<(bool, Expr)>,
    /// `on` of a switch.
    pub on: bool,
    pub location: Location,
}

/// An independent source, nothing evaluated.
#[derive(Default)]
pub struct RawSource {
    pub dc: Option<String>,
    pub ac: Option<String>,
    pub phase: Option<String>,
    pub wave: Option<(&'static str, Vec<String>)>,
}

const WAVES: [&str; 6] = ["pulse", "sin", "exp", "pwl", "sffm", "am"];

/// Element letters of ngspice that are refused, and what they are.
const MISSING: [(u8, &str); 7] = [
    (b'a', "code models (XSPICE)"),
    (b'n', "compiled Verilog-A models"),
    (b'o', "lossy transmission lines"),
    (b'p', "coupled transmission lines"),
    (b'u', "distributed RC lines"),
    (b'y', "lossy transmission lines (TXL)"),
    (b'z', "MESFETs"),
];

/// Splits an element card.
pub fn parse(line: &Line) -> Result<Card> {
    let location = &line.location;
    let first =
        line.text.split(|c: char| c.is_whitespace() || c == '(').next().unwrap_or("").to_ascii_lowercase();
    let mut card = Card {
        name: first,
        nodes: Vec::new(),
        value: None,
        model: None,
        controls: Vec::new(),
        parameters: Vec::new(),
        source: None,
        formula: None,
        on: false,
        location: location.clone(),
    };
    // Formulas are free text.
    if controlled::formula(&mut card, line)? {
        return Ok(card);
    }
    let tokens = tokenize(&line.text, location)?;
    let Some(name) = tokens.first().and_then(Token::word).map(str::to_string) else {
        return Err(syntax(location, format!("expected an element name, found `{}`", line.text)));
    };
    card.name.clone_from(&name);
    let letter = name.as_bytes()[0];
    let fail = |usage: &str| {
        Err(syntax(location, format!("`{name}`: the card is incomplete or out of order; expected `{usage}`")))
    };
    if matches!(letter, b'v' | b'i') {
        return source(card, &tokens[1..], location);
    }
    // Positional part: everything before the first `name =`.
    let first = (1..tokens.len()).find(|i| tokens.get(i + 1) == Some(&Token::Equals)).unwrap_or(tokens.len());
    let positional: Vec<&Token> =
        tokens[1..first].iter().filter(|t| matches!(t, Token::Word(_) | Token::Expression(_))).collect();
    let (parameters, flags) = assignments(&tokens[first..], location)?;
    card.parameters = parameters;
    let word = |i: usize| positional.get(i).and_then(|t| t.word()).map(str::to_string);
    let text = |i: usize| match positional.get(i) {
        Some(Token::Word(w) | Token::Expression(w)) => Some(w.clone()),
        _ => None,
    };
    let is_value = |i: usize| positional.get(i).is_some_and(|t| t.is_value());
    let take_nodes = |n: usize| (0..n).map(word).collect::<Option<Vec<_>>>();
    // A word after the model is an area unless it is a flag.
    let area = |i: usize| text(i).filter(|t| t != "off");
    let taken = match letter {
        b'r' | b'c' | b'l' => {
            let Some(nodes) = take_nodes(2) else { return fail("Rname n+ n- value") };
            card.nodes = nodes;
            for i in 2..positional.len() {
                if is_value(i) && card.value.is_none() {
                    card.value = text(i);
                } else if !is_value(i) && card.model.is_none() {
                    card.model = word(i);
                } else {
                    return Err(surplus(&name, text(i), location));
                }
            }
            positional.len()
        }
        b'k' => {
            let (Some(a), Some(b), Some(k)) = (word(0), word(1), text(2)) else {
                return fail("Kname Lone Ltwo coupling");
            };
            card.controls = vec![a, b];
            card.value = Some(k);
            3
        }
        b'e' | b'g' => {
            let skip = usize::from(matches!(word(2).as_deref(), Some("vcvs" | "vccs")));
            let nodes = [0, 1, 2 + skip, 3 + skip].into_iter().map(word).collect::<Option<Vec<_>>>();
            let (Some(nodes), Some(gain)) = (nodes, text(4 + skip)) else {
                return fail("Ename n+ n- nc+ nc- gain");
            };
            card.nodes = nodes;
            card.value = Some(gain);
            5 + skip
        }
        b'f' | b'h' => {
            let skip = usize::from(matches!(word(2).as_deref(), Some("cccs" | "ccvs")));
            let (Some(nodes), Some(control), Some(gain)) = (take_nodes(2), word(2 + skip), text(3 + skip))
            else {
                return fail("Fname n+ n- Vcontrol gain");
            };
            card.nodes = nodes;
            card.controls = vec![control];
            card.value = Some(gain);
            4 + skip
        }
        b'd' => {
            let (Some(nodes), Some(model)) = (take_nodes(2), word(2)) else {
                return fail("Dname anode cathode model [area]");
            };
            card.nodes = nodes;
            card.model = Some(model);
            card.value = area(3);
            3 + usize::from(card.value.is_some())
        }
        b'q' => {
            let names = |i: usize| !is_value(i) && word(i).is_some_and(|w| w != "off");
            // A fifth node is the thermal one.
            let n = match positional.len() {
                6.. if names(4) && names(5) => 5,
                5.. if names(4) => 4,
                _ => 3,
            };
            let (Some(nodes), Some(model)) = (take_nodes(n), word(n)) else {
                return fail("Qname c b e [substrate [thermal]] model [area]");
            };
            card.nodes = nodes;
            if n == 3 {
                card.nodes.push("0".into());
            }
            card.model = Some(model);
            card.value = area(n + 1);
            n + 1 + usize::from(card.value.is_some())
        }
        b'j' => {
            let (Some(nodes), Some(model)) = (take_nodes(3), word(3)) else {
                return fail("Jname drain gate source model [area]");
            };
            card.nodes = nodes;
            card.model = Some(model);
            card.value = area(4);
            4 + usize::from(card.value.is_some())
        }
        b'm' => {
            // Power transistors have no body terminal.
            let words = positional.iter().filter_map(|t| t.word()).filter(|w| *w != "off").count();
            let n = words.saturating_sub(1).clamp(3, 4);
            let (Some(nodes), Some(model)) = (take_nodes(n), word(n)) else {
                return fail("Mname d g s b model w=... l=...");
            };
            card.nodes = nodes;
            card.model = Some(model);
            n + 1
        }
        b's' | b'w' => {
            let n = if letter == b's' { 4 } else { 2 };
            let control = if letter == b's' { None } else { word(2) };
            let model = n + usize::from(control.is_some());
            let (Some(nodes), Some(name)) = (take_nodes(n), word(model)) else {
                return fail("Sname n+ n- nc+ nc- model [on|off], or Wname n+ n- Vcontrol model [on|off]");
            };
            card.nodes = nodes;
            card.controls = control.into_iter().collect();
            card.model = Some(name);
            card.on = positional.iter().filter_map(|t| t.word()).any(|w| w == "on");
            model + 1
        }
        b't' => {
            let Some(nodes) = take_nodes(4) else { return fail("Tname a+ a- b+ b- z0=ohms td=seconds") };
            card.nodes = nodes;
            4
        }
        b'x' => {
            let mut words: Vec<String> =
                (0..positional.len()).filter_map(word).filter(|w| w != "params:" && w != "params").collect();
            let Some(model) = words.pop() else { return fail("Xname nodes subcircuit") };
            card.nodes = words;
            card.model = Some(model);
            positional.len()
        }
        _ => {
            let hint = match MISSING.iter().find(|m| m.0 == letter) {
                Some((_, what)) => format!("; {what} are not available"),
                None => "; known element letters are R C L K V I E G F H B S W T D M Q J X".into(),
            };
            return Err(CircuitError::Unknown { kind: "element", name, hint, location: location.clone() });
        }
    };
    let devices = matches!(letter, b'd' | b'q' | b'm' | b'j');
    let switches = matches!(letter, b's' | b'w');
    let rest = positional[taken.min(positional.len())..].iter().map(|t| t.word().unwrap_or("an expression"));
    for flag in rest.chain(flags.iter().map(|f| if f.is_empty() { "an expression" } else { f })) {
        match flag {
            "off" if devices => {
                card.parameters.push(("off".into(), Text { text: "1".into(), location: location.clone() }));
            }
            "on" | "off" if switches => {}
            "params:" | "params" if letter == b'x' => {}
            "thermal" if devices && letter != b'q' => {
                return Err(syntax(location, format!("`{name}`: self-heating (`thermal`) is not available")));
            }
            _ if letter == b'm' => {
                let message = format!(
                    "`{name}`: did not expect `{flag}` after the model `{}`; transistors with more than four nodes (on insulator, with heat) are not available",
                    card.model.as_deref().unwrap_or_default()
                );
                return Err(syntax(location, message));
            }
            other => return Err(surplus(&name, Some(other.to_string()), location)),
        }
    }
    vectors(&mut card, letter)?;
    Ok(card)
}

fn surplus(name: &str, found: Option<String>, location: &Location) -> CircuitError {
    let found = found.unwrap_or_else(|| "an expression".into());
    syntax(
        location,
        format!(
            "`{name}`: did not expect `{found}`; the card is complete before it, or a `name=` is missing"
        ),
    )
}

/// Parameters with several values: `tc=a,b`, `ic=a,b,c`.
fn vectors(card: &mut Card, letter: u8) -> Result<()> {
    for (key, text) in &mut card.parameters {
        let known = match (letter, key.as_str()) {
            (b'r' | b'c' | b'l', "tc#2") => "tc2",
            (b'm' | b'j', "ic") => "icvds",
            (b'm' | b'j', "ic#2") => "icvgs",
            (b'm', "ic#3") => "icvbs",
            (b'q', "ic") => "icvbe",
            (b'q', "ic#2") => "icvce",
            (b't', "ic") => "v1",
            (b't', "ic#2") => "i1",
            (b't', "ic#3") => "v2",
            (b't', "ic#4") => "i2",
            (_, k) if k.contains('#') => {
                let (name, count) = k.split_once('#').unwrap_or((k, ""));
                let message = format!("`{}`: `{name}` takes one value, found {count}", card.name);
                return Err(syntax(&text.location, message));
            }
            _ => continue,
        };
        *key = known.into();
    }
    Ok(())
}

fn source(mut card: Card, tokens: &[Token], location: &Location) -> Result<Card> {
    let name = card.name.clone();
    let fail = |what: &str| {
        Err(syntax(
            location,
            format!(
                "`{name}`: {what}; expected `{name} n+ n- [dc] value [ac magnitude [phase]] [pulse(...)|sin(...)|exp(...)|pwl(...)|sffm(...)|am(...)]`"
            ),
        ))
    };
    let items: Vec<&Token> =
        tokens.iter().filter(|t| !matches!(t, Token::Open | Token::Close | Token::Comma)).collect();
    let (Some(plus), Some(minus)) =
        (items.first().and_then(|t| t.word()), items.get(1).and_then(|t| t.word()))
    else {
        return fail("two nodes are needed");
    };
    card.nodes = vec![plus.to_string(), minus.to_string()];
    let mut raw = RawSource::default();
    let text = |i: usize| match items.get(i) {
        Some(Token::Word(w) | Token::Expression(w)) => Some(w.clone()),
        _ => None,
    };
    let mut i = 2;
    while i < items.len() {
        let keyword = items[i].word().unwrap_or("").to_string();
        let equals = usize::from(items.get(i + 1) == Some(&&Token::Equals));
        match keyword.as_str() {
            "dc" => {
                raw.dc = text(i + 1 + equals);
                if raw.dc.is_none() {
                    return fail("`dc` has no value");
                }
                i += 2 + equals;
            }
            "ac" => {
                i += 1 + equals;
                raw.ac = Some("1".into());
                if (items.get(i)).is_some_and(|t| t.is_value() || equals == 1) {
                    raw.ac = text(i);
                    i += 1;
                    if items.get(i).is_some_and(|t| t.is_value()) {
                        raw.phase = text(i);
                        i += 1;
                    }
                }
            }
            // Distortion analysis alone would use it.
            "distof1" | "distof2" => {
                i += 1;
                while items.get(i).is_some_and(|t| t.is_value()) {
                    i += 1;
                }
            }
            "trnoise" | "trrandom" | "external" => {
                return fail(&format!("the waveform `{keyword}` is not available"));
            }
            w if WAVES.contains(&w) || w == "sine" => {
                let w = if w == "sine" { "sin" } else { w };
                let wave = WAVES.iter().find(|k| **k == w).copied().unwrap_or("pulse");
                let mut values = Vec::new();
                i += 1;
                while let Some(token) = items.get(i).filter(|_| items.get(i + 1) != Some(&&Token::Equals)) {
                    match token {
                        Token::Word(v)
                            if matches!(v.as_str(), "dc" | "ac" | "distof1" | "distof2")
                                || WAVES.contains(&v.as_str()) =>
                        {
                            break;
                        }
                        Token::Word(v) | Token::Expression(v) => values.push(v.clone()),
                        _ => break,
                    }
                    i += 1;
                }
                if values.is_empty() {
                    return fail(&format!("`{wave}` has no values"));
                }
                raw.wave = Some((wave, values));
            }
            w if equals == 1 => {
                let Some(value) = text(i + 2) else { return fail(&format!("`{w}=` has no value")) };
                card.parameters.push((w.to_string(), Text { text: value, location: location.clone() }));
                i += 3;
            }
            w if raw.dc.is_none() && i == 2 => {
                raw.dc = text(i);
                let _ = w;
                i += 1;
            }
            w => return fail(&format!("did not expect `{w}`")),
        }
    }
    card.source = Some(raw);
    Ok(card)
}
