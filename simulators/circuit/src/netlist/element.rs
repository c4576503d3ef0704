//! Element cards: what each letter takes, and the flat element it becomes.

use super::Value;
use super::deck::{Assignments, Text, assignments, syntax};
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
    /// Diode, MOS or bipolar device.
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

/// Splits an element card.
pub fn parse(line: &Line) -> Result<Card> {
    let location = &line.location;
    let tokens = tokenize(&line.text, location)?;
    let Some(name) = tokens.first().and_then(Token::word).map(str::to_string) else {
        return Err(syntax(location, format!("expected an element name, found `{}`", line.text)));
    };
    let letter = name.as_bytes()[0];
    let fail = |usage: &str| {
        Err(syntax(location, format!("`{name}`: the card is incomplete or out of order; expected `{usage}`")))
    };
    let mut card = Card {
        name: name.clone(),
        nodes: Vec::new(),
        value: None,
        model: None,
        controls: Vec::new(),
        parameters: Vec::new(),
        source: None,
        location: location.clone(),
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
    match letter {
        b'r' | b'c' | b'l' => {
            let Some(nodes) = take_nodes(2) else { return fail("Rname n+ n- value") };
            card.nodes = nodes;
            for i in 2..positional.len() {
                if is_value(i) {
                    card.value = text(i);
                } else if card.model.is_none() {
                    card.model = word(i);
                }
            }
        }
        b'k' => {
            let (Some(a), Some(b), Some(k)) = (word(0), word(1), text(2)) else {
                return fail("Kname Lone Ltwo coupling");
            };
            card.controls = vec![a, b];
            card.value = Some(k);
        }
        b'e' | b'g'
            if card
                .parameters
                .iter()
                .any(|(n, _)| matches!(n.as_str(), "value" | "vol" | "cur" | "table")) =>
        {
            return Err(syntax(
                location,
                format!(
                    "`{name}`: only linear controlled sources are supported (`{name} n+ n- nc+ nc- gain`)"
                ),
            ));
        }
        b'e' | b'g' => {
            let (Some(nodes), Some(gain)) = (take_nodes(4), text(4)) else {
                return fail("Ename n+ n- nc+ nc- gain");
            };
            if nodes[2].starts_with("poly") || nodes[2] == "value" || nodes[2] == "vol" {
                return Err(syntax(
                    location,
                    format!(
                        "`{name}`: only linear controlled sources are supported (`{name} n+ n- nc+ nc- gain`)"
                    ),
                ));
            }
            card.nodes = nodes;
            card.value = Some(gain);
        }
        b'f' | b'h' => {
            let (Some(nodes), Some(control), Some(gain)) = (take_nodes(2), word(2), text(3)) else {
                return fail("Fname n+ n- Vcontrol gain");
            };
            card.nodes = nodes;
            card.controls = vec![control];
            card.value = Some(gain);
        }
        b'd' => {
            let (Some(nodes), Some(model)) = (take_nodes(2), word(2)) else {
                return fail("Dname anode cathode model [area]");
            };
            card.nodes = nodes;
            card.model = Some(model);
            card.value = text(3).filter(|t| t != "off");
        }
        b'q' => {
            let four = positional.len() >= 5 && !is_value(4) && word(4).is_some_and(|w| w != "off");
            let n = if four { 4 } else { 3 };
            let (Some(nodes), Some(model)) = (take_nodes(n), word(n)) else {
                return fail("Qname c b e [substrate] model [area]");
            };
            card.nodes = nodes;
            if !four {
                card.nodes.push("0".into());
            }
            card.model = Some(model);
            card.value = text(n + 1).filter(|t| t != "off");
        }
        b'm' => {
            let (Some(nodes), Some(model)) = (take_nodes(4), word(4)) else {
                return fail("Mname d g s b model w=... l=...");
            };
            card.nodes = nodes;
            card.model = Some(model);
        }
        b'x' => {
            let mut words: Vec<String> =
                (0..positional.len()).filter_map(word).filter(|w| w != "params:" && w != "params").collect();
            let Some(model) = words.pop() else { return fail("Xname nodes subcircuit") };
            card.nodes = words;
            card.model = Some(model);
        }
        _ => {
            return Err(CircuitError::Unknown {
                kind: "element",
                name,
                hint: "; known element letters are R C L K V I E G F H D M Q X".into(),
                location: location.clone(),
            });
        }
    }
    let off = flags
        .iter()
        .map(String::as_str)
        .chain(positional.iter().filter_map(|t| t.word()))
        .any(|w| w == "off");
    if off && matches!(letter, b'd' | b'q' | b'm') {
        card.parameters.push(("off".into(), Text { text: "1".into(), location: location.clone() }));
    }
    Ok(card)
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
            w if WAVES.contains(&w) => {
                let wave = WAVES.iter().find(|k| **k == w).copied().unwrap_or("pulse");
                let mut values = Vec::new();
                i += 1;
                while let Some(token) = items.get(i).filter(|_| items.get(i + 1) != Some(&&Token::Equals)) {
                    match token {
                        Token::Word(v) if v == "dc" || v == "ac" || WAVES.contains(&v.as_str()) => break,
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
