//! The deck's outline: which cards belong to which subcircuit, and every body's parameters, functions, models and elements, still unevaluated.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use super::expression::{self, Expr};
use super::source::Line;
use super::tokens::{Token, tokenize};
use crate::error::{CircuitError, Location, Result, did_you_mean};

/// A value as written, with its place.
#[derive(Debug, Clone)]
pub struct Text {
    /// Number or expression, without quotes or braces.
    pub text: String,
    /// The card.
    pub location: Location,
}

/// Name and unevaluated value, in the order written.
pub type Assignments = Vec<(String, Text)>;

/// A `.model` card; its parameters are split only when a device uses it.
#[derive(Debug)]
pub struct RawModel {
    /// Name.
    pub name: String,
    /// The card.
    pub line: Line,
    parsed: OnceLock<(String, Assignments)>,
}

impl RawModel {
    /// Device type (`nmos`, `d`, `r`, ...) and parameters.
    pub fn parse(&self) -> Result<&(String, Assignments)> {
        if let Some(done) = self.parsed.get() {
            return Ok(done);
        }
        let tokens = tokenize(&self.line.text, &self.line.location)?;
        let Some(kind) = tokens.get(2).and_then(Token::word) else {
            return Err(syntax(
                &self.line.location,
                format!(
                    "`.model {}` has no type; expected e.g. `.model {} nmos (level=1 ...)`",
                    self.name, self.name
                ),
            ));
        };
        let (list, flags) = assignments(&tokens[3..], &self.line.location)?;
        if let Some(flag) = flags.iter().find(|f| !f.is_empty() && f.as_str() != "off") {
            // ngspice reads a bare word as a flag; a number here is a forgotten `=`.
            if super::number::parse_number(flag).is_some() {
                return Err(syntax(
                    &self.line.location,
                    format!("model `{}`: found `{flag}` where `name=value` was expected", self.name),
                ));
            }
        }
        // The channel of a power transistor is a bare word.
        let kind = match kind {
            "vdmos" if flags.iter().any(|f| f == "pchan") => "vdmosp",
            "vdmos" => "vdmosn",
            kind => kind,
        };
        // Who makes a part is no number.
        let list = list.into_iter().filter(|(name, _)| name != "mfg").collect();
        Ok(self.parsed.get_or_init(|| (kind.to_string(), list)))
    }
}

/// A user function of `.func` or `.param f(x)=...`.
pub type Function = (Vec<String>, Expr);

/// The cards of the deck's top level or of one subcircuit.
#[derive(Debug, Default)]
pub struct Body {
    /// `.param` definitions.
    pub parameters: Assignments,
    /// User functions by name.
    pub functions: HashMap<String, Function>,
    /// Models by name, bins (`name.1`) included.
    pub models: HashMap<String, Arc<RawModel>>,
    /// Bins of each binned model: base name to bin names.
    pub bins: HashMap<String, Vec<String>>,
    /// Subcircuits defined here.
    pub subcircuits: HashMap<String, Arc<Subcircuit>>,
    /// Element cards in order.
    pub elements: Vec<Line>,
    /// Other dot cards in order.
    pub commands: Vec<Line>,
    /// `.if` blocks in order.
    pub choices: Vec<Choice>,
}

/// An `.if` block: the first branch whose condition holds is read as if it stood there alone.
#[derive(Debug)]
pub struct Choice {
    /// How many of the body's elements stand before it.
    pub elements_before: usize,
    /// Conditions, none for `.else`, and what they guard.
    pub branches: Vec<(Option<Text>, Body)>,
}

/// A `.subckt` definition.
#[derive(Debug)]
pub struct Subcircuit {
    /// Name.
    pub name: String,
    /// Port names.
    pub ports: Vec<String>,
    /// Parameters with default values.
    pub defaults: Assignments,
    /// Its cards.
    pub body: Body,
}

/// A whole deck, outlined.
#[derive(Debug)]
pub struct Deck {
    /// First line.
    pub title: String,
    /// The top level.
    pub top: Body,
    /// The lines of `.control` blocks, one block after another.
    pub control: Vec<Line>,
}

/// Dot cards that belong to a simulation and are read later.
const COMMANDS: [&str; 12] = [
    ".op", ".dc", ".ac", ".noise", ".tran", ".tf", ".temp", ".options", ".option", ".opt", ".measure",
    ".meas",
];
/// Dot cards that set up the solution.
const SETUP: [&str; 5] = [".nodeset", ".ic", ".global", ".csparam", ".end"];
/// Dot cards that hold for the whole deck, also where they stand in a subcircuit.
const EVERYWHERE: [&str; 5] = [".temp", ".options", ".option", ".opt", ".global"];
/// Dot cards without effect on the results here.
const IGNORED: [&str; 8] = [".print", ".plot", ".save", ".probe", ".title", ".width", ".backanno", ".endc"];
/// Dot cards of ngspice that are refused, and what they ask for.
const MISSING: [(&str, &str); 8] = [
    (".pz", "pole-zero analysis"),
    (".sens", "sensitivity analysis"),
    (".disto", "distortion analysis"),
    (".pss", "periodic steady state"),
    (".sp", "S-parameter analysis"),
    (".hb", "harmonic balance"),
    (".four", "Fourier analysis"),
    (".fft", "Fourier analysis"),
];

/// What is being collected.
enum Open {
    Subcircuit(Subcircuit, Location),
    /// The branches that are complete, and the present one.
    Choice {
        done: Vec<(Option<Text>, Body)>,
        condition: Option<Text>,
        body: Body,
        location: Location,
    },
}

impl Open {
    fn body(&mut self) -> &mut Body {
        match self {
            Self::Subcircuit(s, _) => &mut s.body,
            Self::Choice { body, .. } => body,
        }
    }

    fn unclosed(&self) -> CircuitError {
        match self {
            Self::Subcircuit(s, location) => {
                syntax(location, format!("`.subckt {}` is never closed by `.ends`", s.name))
            }
            Self::Choice { location, .. } => syntax(location, "`.if` is never closed by `.endif`".into()),
        }
    }
}

/// Sorts the cards into bodies.
pub fn outline(title: String, lines: Vec<Line>) -> Result<Deck> {
    let mut open: Vec<Open> = Vec::new();
    let mut top = Body::default();
    let (mut control, mut inside_control) = (Vec::new(), false);
    for line in lines {
        let keyword = line
            .text
            .split(|c: char| c.is_whitespace() || c == '(' || c == '{')
            .next()
            .unwrap_or("")
            .to_ascii_lowercase();
        if inside_control || keyword == ".control" {
            let marker = matches!(keyword.as_str(), ".control" | ".endc");
            inside_control = keyword != ".endc";
            if !marker {
                control.push(line);
            }
            continue;
        }
        let inside = open.iter().any(|o| matches!(o, Open::Subcircuit(..)));
        let body = match open.last_mut() {
            Some(_) if inside && EVERYWHERE.contains(&keyword.as_str()) => &mut top,
            Some(last) => last.body(),
            None => &mut top,
        };
        match keyword.as_str() {
            ".subckt" => {
                let subcircuit = header(&line)?;
                open.push(Open::Subcircuit(subcircuit, line.location));
            }
            ".ends" => {
                let done = match open.pop() {
                    Some(Open::Subcircuit(done, _)) => done,
                    Some(other) => return Err(other.unclosed()),
                    None => return Err(syntax(&line.location, "`.ends` without `.subckt`".into())),
                };
                let outer = open.last_mut().map_or(&mut top, Open::body);
                outer.subcircuits.insert(done.name.clone(), Arc::new(done));
            }
            ".if" | ".elseif" | ".else" | ".endif" => choice(&keyword, &line, &mut open, &mut top)?,
            ".param" | ".parameter" | ".parameters" | ".params" => parameters(&line, body)?,
            ".func" | ".function" => parameters(&line, body)?,
            ".model" => model(line, body)?,
            k if COMMANDS.contains(&k) || SETUP.contains(&k) => body.commands.push(line),
            k if IGNORED.contains(&k) => {}
            k if k.starts_with('.') => {
                let known = COMMANDS.iter().chain(&SETUP).chain(&[
                    ".subckt", ".ends", ".param", ".func", ".model", ".include", ".lib", ".endl", ".if",
                    ".elseif", ".else", ".endif", ".control",
                ]);
                let hint = match MISSING.iter().find(|m| m.0 == k) {
                    Some((_, what)) => format!("; there is no {what} here"),
                    None => did_you_mean(k, known.copied()),
                };
                return Err(CircuitError::Unknown {
                    kind: "card",
                    name: k.to_string(),
                    hint,
                    location: line.location,
                });
            }
            _ => body.elements.push(line),
        }
    }
    match open.pop() {
        Some(left) => Err(left.unclosed()),
        None => Ok(Deck { title, top, control }),
    }
}

/// `.if (condition)`, `.elseif (condition)`, `.else` and `.endif`.
fn choice(keyword: &str, line: &Line, open: &mut Vec<Open>, top: &mut Body) -> Result<()> {
    let text = line.text[keyword.len()..].trim().trim_matches(|c| c == '\'' || c == '"').to_ascii_lowercase();
    let condition = match (keyword, text.is_empty()) {
        (".if" | ".elseif", true) => {
            return Err(syntax(
                &line.location,
                format!("`{keyword}` has no condition; expected e.g. `{keyword} (a > 1)`"),
            ));
        }
        (".if" | ".elseif", false) => Some(Text { text, location: line.location.clone() }),
        _ => None,
    };
    if keyword == ".if" {
        open.push(Open::Choice {
            done: Vec::new(),
            condition,
            body: Body::default(),
            location: line.location.clone(),
        });
        return Ok(());
    }
    let Some(Open::Choice { done, condition: present, body, .. }) = open.last_mut() else {
        return Err(syntax(&line.location, format!("`{keyword}` without `.if`")));
    };
    if keyword != ".endif" && present.is_none() {
        return Err(syntax(&line.location, format!("`{keyword}` after `.else`")));
    }
    done.push((present.take(), std::mem::take(body)));
    if keyword == ".endif" {
        let branches = std::mem::take(done);
        open.pop();
        let outer = open.last_mut().map_or(top, Open::body);
        outer.choices.push(Choice { elements_before: outer.elements.len(), branches });
    } else {
        *present = condition;
    }
    Ok(())
}

fn header(line: &Line) -> Result<Subcircuit> {
    let tokens = tokenize(&line.text, &line.location)?;
    let (list, words) = assignments(&tokens[1..], &line.location)?;
    let mut words = words.into_iter().filter(|w| w != "params:" && w != "params");
    let Some(name) = words.next() else {
        return Err(syntax(&line.location, "`.subckt` needs a name and ports".into()));
    };
    Ok(Subcircuit { name, ports: words.collect(), defaults: list, body: Body::default() })
}

fn model(line: Line, body: &mut Body) -> Result<()> {
    let Some(name) = line.text.split_whitespace().nth(1).map(str::to_ascii_lowercase) else {
        return Err(syntax(&line.location, "`.model` needs a name and a type".into()));
    };
    if let Some((base, number)) = name.rsplit_once('.')
        && !number.is_empty()
        && number.bytes().all(|c| c.is_ascii_digit())
    {
        body.bins.entry(base.to_string()).or_default().push(name.clone());
    }
    body.models.insert(name.clone(), Arc::new(RawModel { name, line, parsed: OnceLock::new() }));
    Ok(())
}

/// `.param a=1 b='a*2' f(x)='x*x'` and `.func f(x) {x*x}`.
fn parameters(line: &Line, body: &mut Body) -> Result<()> {
    let text = line.text.split_once(char::is_whitespace).map_or("", |(_, r)| r).to_ascii_lowercase();
    let mut rest = text.as_str();
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_whitespace() || c == ',');
        if rest.is_empty() {
            return Ok(());
        }
        let length = rest.bytes().take_while(|c| c.is_ascii_alphanumeric() || b"_.#@$[]".contains(c)).count();
        if length == 0 {
            return Err(syntax(
                &line.location,
                format!("expected `name=value`, found `{}`", abbreviate(rest)),
            ));
        }
        let name = rest[..length].to_string();
        rest = rest[length..].trim_start();
        let mut arguments = None;
        if let Some(inner) = rest.strip_prefix('(') {
            let Some((list, after)) = inner.split_once(')') else {
                return Err(syntax(&line.location, format!("`(` of function `{name}` is never closed")));
            };
            arguments = Some(
                list.split(',').map(|a| a.trim().to_string()).filter(|a| !a.is_empty()).collect::<Vec<_>>(),
            );
            rest = after.trim_start();
        }
        match rest.strip_prefix('=') {
            Some(after) => rest = after.trim_start(),
            None if arguments.is_some() => {}
            None => {
                return Err(syntax(
                    &line.location,
                    format!("parameter `{name}` has no value; expected `{name}=value`"),
                ));
            }
        }
        let (value, after) = value_text(rest).map_err(|m| syntax(&line.location, m))?;
        rest = after;
        match arguments {
            Some(list) => {
                let tree =
                    expression::parse(value).map_err(|e| expression_error(value, &e, &line.location))?;
                body.functions.insert(name, (list, tree));
            }
            None => body
                .parameters
                .push((name, Text { text: value.to_string(), location: line.location.clone() })),
        }
    }
}

/// The value at the start of `rest` and what follows: a quoted or braced expression, or bare text up to the next `name =`.
pub(super) fn value_text(rest: &str) -> std::result::Result<(&str, &str), String> {
    let close = match rest.as_bytes().first() {
        None => return Err("a parameter has no value".into()),
        Some(b'\'') => rest[1..].find('\'').map(|i| i + 1),
        Some(b'"') => rest[1..].find('"').map(|i| i + 1),
        Some(b'{') => {
            let mut depth = 0i32;
            rest.bytes().position(|c| {
                depth += i32::from(c == b'{') - i32::from(c == b'}');
                depth == 0
            })
        }
        _ => {
            let end = bare_end(rest);
            return Ok((rest[..end].trim(), &rest[end..]));
        }
    };
    match close {
        // `'a'+1` or `{a}*2`: more follows than one group, so take the bare text.
        Some(i) if rest[i + 1..].trim_start().starts_with(['+', '-', '*', '/', '^', '?']) => {
            let end = bare_end(rest);
            Ok((rest[..end].trim(), &rest[end..]))
        }
        Some(i) => Ok((&rest[1..i], &rest[i + 1..])),
        None => Err(format!("`{}` is never closed in `{}`", &rest[..1], abbreviate(rest))),
    }
}

/// Where a bare value ends: before the next `name =` (or `name(args) =`) outside parentheses, or at the end.
fn bare_end(rest: &str) -> usize {
    let bytes = rest.as_bytes();
    for (i, c) in bytes.iter().enumerate() {
        if *c != b'=' || bytes.get(i + 1) == Some(&b'=') || i == 0 || b"=<>!".contains(&bytes[i - 1]) {
            continue;
        }
        let before = rest[..i].trim_end();
        let name =
            before.bytes().rev().take_while(|c| c.is_ascii_alphanumeric() || b"_.#@$[]".contains(c)).count();
        if name > 0 && name < before.len() {
            return before.len() - name;
        }
    }
    rest.len()
}

/// Splits tokens into `name=value` pairs and the remaining words; parentheses and commas only separate.
pub fn assignments(tokens: &[Token], location: &Location) -> Result<(Assignments, Vec<String>)> {
    let (mut list, mut words) = (Assignments::new(), Vec::new());
    let mut i = 0;
    while i < tokens.len() {
        match (&tokens[i], tokens.get(i + 1), tokens.get(i + 2)) {
            (Token::Word(name), Some(Token::Equals), Some(Token::Word(v) | Token::Expression(v))) => {
                list.push((name.clone(), Text { text: v.clone(), location: location.clone() }));
                i += 3;
                // A vector value (`ic=1,2,3`): its further entries are called `ic#2`, `ic#3`.
                let mut entry = 2;
                while let (Some(Token::Comma), Some(Token::Word(v) | Token::Expression(v))) =
                    (tokens.get(i), tokens.get(i + 1))
                    && tokens[i + 1].is_value()
                    && tokens.get(i + 2) != Some(&Token::Equals)
                {
                    list.push((
                        format!("{name}#{entry}"),
                        Text { text: v.clone(), location: location.clone() },
                    ));
                    entry += 1;
                    i += 2;
                }
            }
            (Token::Word(name), Some(Token::Equals), _) => {
                return Err(syntax(location, format!("`{name}=` has no value")));
            }
            (Token::Equals, _, _) => {
                return Err(syntax(location, "found `=` where a name was expected".into()));
            }
            (Token::Word(w), _, _) => {
                words.push(w.clone());
                i += 1;
            }
            (Token::Expression(_), _, _) => {
                words.push(String::new());
                i += 1;
            }
            _ => i += 1,
        }
    }
    Ok((list, words))
}

pub(super) fn syntax(location: &Location, message: String) -> CircuitError {
    CircuitError::Syntax { message, location: location.clone() }
}

pub(super) fn expression_error(
    text: &str,
    error: &expression::ParseError,
    location: &Location,
) -> CircuitError {
    CircuitError::Expression {
        expression: excerpt(text, error.offset),
        column: error.offset + 1,
        message: error.message.clone(),
        location: location.clone(),
    }
}

/// The part of an expression around a byte offset, short enough for a message.
pub(super) fn excerpt(text: &str, offset: usize) -> String {
    const AROUND: usize = 60;
    if text.len() <= 2 * AROUND {
        return text.to_string();
    }
    let first = text.floor_char_boundary(offset.saturating_sub(AROUND));
    let last = text.ceil_char_boundary(offset.saturating_add(AROUND).min(text.len()));
    let mark = |cut: bool| if cut { "..." } else { "" };
    format!("{}{}{}", mark(first > 0), &text[first..last], mark(last < text.len()))
}

fn abbreviate(text: &str) -> String {
    text.chars().take(40).collect()
}
