//! YAML text as a tree that remembers where everything stands.
//!
//! Anchors, aliases and merge keys (`<<`, and the hierarchical `<<<` of v0.4) are followed; depth, size and number of nodes are limited, so a hostile file ends in an error.
use std::collections::HashMap;
use std::rc::Rc;

use saphyr_parser::{Event, Parser, ScalarStyle, Span};

use crate::error::{Error, Result, did_you_mean};

/// The largest text that is read, in bytes.
pub const MAX_BYTES: usize = 16 << 20;
pub const MAX_DEPTH: usize = 64;
const MAX_NODES: usize = 1 << 20;
/// Items of a list that merges have joined.
const MAX_JOINED: usize = 1 << 12;

/// A value with its place.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub value: Value,
    pub tag: Option<String>,
    pub place: (usize, usize),
    pub file: Rc<str>,
}

#[derive(Debug, Clone)]
pub(crate) enum Value {
    /// `null`, `~` or nothing. As the value of a key it is the same as no key.
    Null,
    Scalar(String),
    List(Vec<Rc<Node>>),
    /// Keys with `-` replaced by `_`, in order.
    Map(Vec<(String, Rc<Node>)>),
}

/// One open collection while parsing.
struct Open {
    node: Node,
    anchor: usize,
    key: Option<(String, (usize, usize))>,
}

/// Parses the first document of `text`; `file` is the name used in errors.
pub(crate) fn parse(file: &str, text: &str) -> Result<Rc<Node>> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.len() > MAX_BYTES {
        return Err(Error::at(
            file,
            (1, 1),
            format!("the file has {} bytes, at most {MAX_BYTES} are read", text.len()),
            "a specification has a few kilobytes: is this the right file?",
        ));
    }
    let file: Rc<str> = file.into();
    let mut parser = Parser::new_from_str(text);
    let mut anchors: HashMap<usize, Rc<Node>> = HashMap::new();
    let mut stack: Vec<Open> = Vec::new();
    let mut nodes = 0;
    while let Some(event) = parser.next_event() {
        let (event, span) = event.map_err(|e| {
            Error::at(
                &*file,
                (e.marker().line(), e.marker().col() + 1),
                format!("this is not YAML: {}", e.info()),
                if text.contains("{%") || text.contains("{{") {
                    "this looks like a template: give the rendered file (Timeloop's front end writes \
                     parsed-processed-input.yaml)"
                } else {
                    "check indentation, brackets and quotes around here"
                },
            )
        })?;
        let at = place(&span);
        let new = |value, tag| Node { value, tag, place: at, file: file.clone() };
        nodes += 1;
        if nodes > MAX_NODES {
            return Err(Error::at(&*file, at, format!("more than {MAX_NODES} YAML nodes"), "split the file"));
        }
        let (done, anchor) = match event {
            Event::Scalar(text, style, anchor, tag) => {
                let null =
                    style == ScalarStyle::Plain && matches!(&*text, "" | "~" | "null" | "Null" | "NULL");
                let value = if null { Value::Null } else { Value::Scalar(text.into_owned()) };
                (new(value, tag.map(|t| t.suffix.clone())), anchor)
            }
            Event::Alias(id) => {
                let node = anchors.get(&id).cloned().ok_or_else(|| {
                    Error::at(
                        &*file,
                        at,
                        "an alias to an anchor that is still open",
                        "an anchor cannot contain itself",
                    )
                })?;
                if let Some(root) = attach(&mut stack, node, 0, &mut anchors)? {
                    return Ok(root);
                }
                continue;
            }
            Event::SequenceStart(anchor, tag) => {
                open(&mut stack, new(Value::List(Vec::new()), tag.map(|t| t.suffix.clone())), anchor)?;
                continue;
            }
            Event::MappingStart(anchor, tag) => {
                open(&mut stack, new(Value::Map(Vec::new()), tag.map(|t| t.suffix.clone())), anchor)?;
                continue;
            }
            Event::SequenceEnd => match stack.pop() {
                Some(open) => (open.node, open.anchor),
                None => continue,
            },
            Event::MappingEnd => match stack.pop() {
                Some(open) => (hierarchical(open.node)?, open.anchor),
                None => continue,
            },
            Event::StreamEnd => break,
            _ => continue,
        };
        if let Some(root) = attach(&mut stack, Rc::new(done), anchor, &mut anchors)? {
            return Ok(root);
        }
    }
    Ok(Rc::new(Node { value: Value::Map(Vec::new()), tag: None, place: (1, 1), file }))
}

fn place(span: &Span) -> (usize, usize) {
    (span.start.line(), span.start.col() + 1)
}

fn open(stack: &mut Vec<Open>, node: Node, anchor: usize) -> Result<()> {
    if stack.len() >= MAX_DEPTH {
        return Err(node.error(format!("nested deeper than {MAX_DEPTH}"), "flatten the structure"));
    }
    stack.push(Open { node, anchor, key: None });
    Ok(())
}

/// Puts a finished node into the open collection; returns it where there is none (it is the root).
fn attach(
    stack: &mut [Open],
    node: Rc<Node>,
    anchor: usize,
    anchors: &mut HashMap<usize, Rc<Node>>,
) -> Result<Option<Rc<Node>>> {
    if anchor > 0 {
        anchors.insert(anchor, node.clone());
    }
    let Some(top) = stack.last_mut() else { return Ok(Some(node)) };
    match &mut top.node.value {
        Value::List(items) => items.push(node),
        Value::Map(entries) => match top.key.take() {
            None => {
                let Value::Scalar(key) = &node.value else {
                    return Err(node.error(
                        "a key must be a word",
                        "write `name: value`; Jinja's {{ }} is not evaluated: give the rendered file",
                    ));
                };
                top.key = Some((key.replace('-', "_"), node.place));
            }
            Some((key, _)) if key == "<<" => merge(entries, &node)?,
            Some((key, place)) => {
                if key != "<<" && entries.iter().any(|(k, n)| *k == key && Rc::strong_count(n) == 1) {
                    return Err(Error::at(
                        &*node.file,
                        place,
                        format!("the key \"{key}\" appears twice"),
                        "remove one of them",
                    ));
                }
                entries.retain(|(k, _)| *k != key);
                if !matches!(node.value, Value::Null) {
                    entries.push((key, node));
                }
            }
        },
        Value::Null | Value::Scalar(_) => {}
    }
    Ok(None)
}

/// Adds what a merge key brings, without replacing keys that are there.
fn merge(entries: &mut Vec<(String, Rc<Node>)>, node: &Rc<Node>) -> Result<()> {
    match &node.value {
        Value::Map(more) => {
            for (key, value) in more {
                if !entries.iter().any(|(k, _)| k == key) {
                    entries.push((key.clone(), value.clone()));
                }
            }
            Ok(())
        }
        Value::List(items) if items.iter().all(|i| matches!(i.value, Value::Map(_))) => {
            items.iter().try_for_each(|item| merge(entries, item))
        }
        _ => Err(node.error("`<<` merges mappings only", "write `<<: *anchor` with an anchor on a mapping")),
    }
}

/// Carries out the hierarchical merges (`<<<`, v0.4) of a mapping: maps are merged key by key, lists joined; what is tagged
/// `!nomerge` stays as it is.
fn hierarchical(mut node: Node) -> Result<Node> {
    let Value::Map(entries) = &mut node.value else { return Ok(node) };
    let Some(at) = entries.iter().position(|(key, _)| key == "<<<") else { return Ok(node) };
    let (_, merged) = entries.remove(at);
    let sources = match &merged.value {
        Value::List(items) => items.clone(),
        _ => vec![merged.clone()],
    };
    for source in sources {
        let Value::Map(more) = &source.value else {
            return Err(source
                .error("`<<<` merges mappings only", "write `<<<: *anchor` with an anchor on a mapping"));
        };
        join(entries, more)?;
    }
    Ok(node)
}

fn join(entries: &mut Vec<(String, Rc<Node>)>, more: &[(String, Rc<Node>)]) -> Result<()> {
    for (key, value) in more {
        let Some((_, own)) = entries.iter_mut().find(|(k, _)| k == key) else {
            entries.push((key.clone(), value.clone()));
            continue;
        };
        if own.tag.as_deref() == Some("nomerge") {
            continue;
        }
        let joined = match (&own.value, &value.value) {
            (Value::Map(inner), Value::Map(more)) => {
                let mut inner = inner.clone();
                join(&mut inner, more)?;
                Value::Map(inner)
            }
            (Value::List(items), Value::List(more)) => {
                if items.len() + more.len() > MAX_JOINED {
                    return Err(
                        own.error(format!("merges join more than {MAX_JOINED} items"), "merge fewer lists")
                    );
                }
                Value::List(items.iter().chain(more).cloned().collect())
            }
            _ => continue,
        };
        *own = Rc::new(Node { value: joined, ..(**own).clone() });
    }
    Ok(())
}

impl Node {
    /// An error at this node.
    pub fn error(&self, message: impl Into<String>, remedy: impl Into<String>) -> Error {
        Error::at(&*self.file, self.place, message, remedy)
    }

    /// Turns an error without a place into one at this node.
    pub fn place_error(&self, error: Error) -> Error {
        match error {
            Error::Invalid { message, remedy } => self.error(message, remedy),
            other => other,
        }
    }

    /// The value of `key`, where this is a mapping that has it.
    pub fn get(&self, key: &str) -> Option<&Rc<Node>> {
        match &self.value {
            Value::Map(entries) => entries.iter().find(|(k, _)| k == key).map(|(_, node)| node),
            _ => None,
        }
    }

    /// The first of `keys` that is there.
    pub fn any(&self, keys: &[&str]) -> Option<&Rc<Node>> {
        keys.iter().find_map(|key| self.get(key))
    }

    /// The value of `key`.
    pub fn need(&self, key: &str) -> Result<&Rc<Node>> {
        self.get(key).ok_or_else(|| {
            let names = match &self.value {
                Value::Map(entries) => entries.iter().map(|(k, _)| k.as_str()).collect(),
                _ => Vec::new(),
            };
            self.error(
                format!("\"{key}\" is missing here"),
                format!("add `{key}:` ({})", did_you_mean(key, names)),
            )
        })
    }

    /// The entries of a mapping.
    pub fn entries(&self) -> Result<&[(String, Rc<Node>)]> {
        match &self.value {
            Value::Map(entries) => Ok(entries),
            _ => Err(self.error("a mapping is expected here", "write `key: value` lines")),
        }
    }

    /// The items of a list.
    pub fn items(&self) -> Result<&[Rc<Node>]> {
        match &self.value {
            Value::List(items) => Ok(items),
            _ => Err(self.error("a list is expected here", "write `- item` lines or `[a, b]`")),
        }
    }

    /// The text of a scalar.
    pub fn text(&self) -> Result<&str> {
        match &self.value {
            Value::Scalar(text) => Ok(text),
            _ => Err(self.error("a single value is expected here", "write one word or number")),
        }
    }

    /// A whole number, at least 0.
    pub fn whole(&self) -> Result<u64> {
        let text = self.text()?;
        if let Ok(number) = text.parse() {
            return Ok(number);
        }
        match text.parse::<f64>() {
            Ok(v) if v >= 0.0 && v.fract() == 0.0 && v < 9e15 => Ok(v as u64),
            _ => Err(self.error(
                format!("\"{text}\" is not a whole number"),
                "write a number such as 16; expressions are not evaluated here",
            )),
        }
    }

    /// A finite number.
    pub fn number(&self) -> Result<f64> {
        let text = self.text()?;
        match text.parse::<f64>() {
            Ok(v) if v.is_finite() => Ok(v),
            _ => Err(self.error(
                format!("\"{text}\" is not a number"),
                "write a number such as 0.5; expressions are not evaluated here",
            )),
        }
    }

    /// A truth value.
    pub fn truth(&self) -> Result<bool> {
        match self.text()?.to_ascii_lowercase().as_str() {
            "true" | "yes" | "on" | "1" => Ok(true),
            "false" | "no" | "off" | "0" => Ok(false),
            other => Err(self.error(format!("\"{other}\" is neither true nor false"), "write true or false")),
        }
    }

    /// Words: the items of a list, or a scalar split at spaces and commas.
    pub fn words(&self) -> Result<Vec<String>> {
        match &self.value {
            Value::List(items) => items.iter().map(|i| i.text().map(String::from)).collect(),
            Value::Scalar(text) => {
                let text = text.split('#').next().unwrap_or("");
                Ok(text
                    .split([' ', ',', '\t', '\n'])
                    .filter(|w| !w.is_empty() && *w != "~")
                    .map(String::from)
                    .collect())
            }
            Value::Null => Ok(Vec::new()),
            Value::Map(_) => Err(self.error("a list of words is expected here", "write [a, b]")),
        }
    }
}
