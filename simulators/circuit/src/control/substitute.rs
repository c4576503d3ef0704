//! Variables in the text of a command: `$x`, `$x[2]`, `$#x`, `$?x`, and vectors by `$&x`.

use super::Session;
use super::expression::leading;
use crate::error::{Location, Result};

fn name_length(text: &str) -> usize {
    text.bytes().take_while(|c| c.is_ascii_alphanumeric() || b"_.#-:".contains(c)).count()
}

/// Numbers as `$&x` gives them: as short as they are exact.
pub fn number(v: f64) -> String {
    if v != 0.0 && (v.abs() < 1e-4 || v.abs() >= 1e15) { format!("{v:e}") } else { format!("{v}") }
}

impl Session<'_> {
    /// The text with all variables replaced.
    pub(super) fn substituted(&self, text: &str, location: &Location) -> Result<String> {
        if !text.contains('$') {
            return Ok(text.to_string());
        }
        let mut out = String::new();
        let mut rest = text;
        while let Some(at) = rest.find('$') {
            out.push_str(&rest[..at]);
            rest = &rest[at + 1..];
            // `{$x}`: braces that only end the name.
            let embraced = out.ends_with('{');
            let before = out.len();
            if let Some(after) = rest.strip_prefix('&') {
                let parenthesised = after.starts_with('(');
                let (value, used) = if parenthesised {
                    let close = after.find(')').map_or(after.len(), |c| c + 1);
                    (self.value(&after[..close], location)?, close)
                } else {
                    let length = vector_length(after);
                    match leading(&after[..length], self) {
                        Ok((v, used)) => (v, used),
                        Err(message) => return self.fail(location, message),
                    }
                };
                let list: Vec<String> =
                    value
                        .data
                        .iter()
                        .map(|v| {
                            if value.complex {
                                format!("{},{}", number(v.0), number(v.1))
                            } else {
                                number(v.0)
                            }
                        })
                        .collect();
                out.push_str(&list.join(" "));
                rest = &after[used..];
                continue;
            }
            let (prefix, after) = match rest.as_bytes().first() {
                Some(b'?') => ('?', &rest[1..]),
                Some(b'#') => ('#', &rest[1..]),
                _ => (' ', rest),
            };
            // `{$x}` and `${x}`.
            let (braced, after) = after.strip_prefix('{').map_or((false, after), |a| (true, a));
            let length = name_length(after);
            let (mut name, mut tail) = after.split_at(length);
            if braced {
                tail = tail.strip_prefix('}').unwrap_or(tail);
            }
            let mut list = self.variable(name);
            // A name ends before its last dot or hyphen if there is no such variable.
            while list.is_none() && prefix == ' ' {
                let Some(cut) = name.rfind(|c: char| !c.is_ascii_alphanumeric() && c != '_') else { break };
                name = &name[..cut];
                tail = &after[cut..];
                list = self.variable(name);
            }
            match prefix {
                '?' => out.push_str(if list.is_some() { "1" } else { "0" }),
                '#' => out.push_str(&list.map_or(0, |l| l.len()).to_string()),
                _ if name.is_empty() => out.push('$'),
                _ => {
                    let Some(list) = list else {
                        let known = self.variables.keys().map(String::as_str);
                        let hint = crate::error::did_you_mean(name, known);
                        return self.fail(location, format!("there is no variable `{name}`{hint}"));
                    };
                    if let Some((index, after)) = tail.strip_prefix('[').and_then(|t| t.split_once(']')) {
                        let index = self.substituted(index, location)?;
                        let (low, high) = index.split_once('-').unwrap_or((&index, &index));
                        let place =
                            |t: &str| t.trim().parse::<usize>().ok().filter(|k| (1..=list.len()).contains(k));
                        let (Some(low), Some(high)) = (place(low), place(high)) else {
                            return self
                                .fail(location, format!("`{name}` has {} words, no `{index}`", list.len()));
                        };
                        out.push_str(&list[low - 1..high.max(low)].join(" "));
                        tail = after;
                    } else {
                        out.push_str(&list.join(" "));
                    }
                }
            }
            rest = tail;
            if embraced && let Some(after) = rest.strip_prefix('}') {
                out.remove(before - 1);
                rest = after;
            }
        }
        out.push_str(rest);
        Ok(out)
    }

    fn variable(&self, name: &str) -> Option<Vec<String>> {
        match name {
            "curplot" | "curplotname" => Some(vec![self.plot().name.clone()]),
            "plots" => {
                Some(self.plots.iter().rev().map(|p| p.name.clone()).chain(["const".into()]).collect())
            }
            "inputdir" => Some(vec![".".to_string()]),
            "curplottitle" => Some(vec![self.netlist.title.clone()]),
            _ => self.variables.get(name).cloned(),
        }
    }
}

/// Length of a vector expression after `$&`: a name with its parentheses and indices.
fn vector_length(text: &str) -> usize {
    let mut depth = 0i32;
    for (i, c) in text.char_indices() {
        match c {
            '(' | '[' => depth += 1,
            ')' | ']' if depth > 0 => depth -= 1,
            _ if depth > 0 => {}
            _ if c.is_ascii_alphanumeric() || "_.#@:".contains(c) => {}
            _ => return i,
        }
    }
    text.len()
}

impl Session<'_> {
    /// An element's or model's quantity, `name[what]`, at the solutions of `plot`.
    pub(super) fn quantity(
        &self,
        text: &str,
        plot: &super::Plot,
    ) -> std::result::Result<super::Vector, String> {
        use super::Vector;
        let Some((name, what)) = text.strip_suffix(']').and_then(|t| t.split_once('[')) else {
            return Err(format!("`@{text}`: expected `@name[quantity]`"));
        };
        if let Some((_, v)) = self.info.get(name).and_then(|list| list.iter().find(|(n, _)| *n == what)) {
            return Ok(Vector::scalar(*v));
        }
        if what == "dc" && plot.swept.as_deref() == Some(name) {
            return Ok(Vector::real(plot.scale()));
        }
        let slots = &self.netlist.slots;
        if let Some(model) = self.netlist.models.iter().find(|m| m.name == name) {
            let found = model.parameters.iter().rev().find(|(n, _)| n == what);
            return match found {
                Some((_, v)) => Ok(Vector::scalar(slots.get(*v))),
                None => Err(format!("the card of model `{name}` does not give `{what}`")),
            };
        }
        let Some(e) = self.netlist.elements.iter().find(|e| e.name == name) else {
            return Err(format!("there is no element or model `{name}`"));
        };
        let vector = |name: String| {
            let missing = || format!("plot `{}` has no vector `{name}`", plot.name);
            plot.get(&name).or_else(|| self.constants.get(&name)).ok_or_else(missing)
        };
        let voltage = |n: u32| match n {
            0 => Ok(Vector::scalar(0.0)),
            n => vector(format!("v({})", self.netlist.nodes[n as usize])),
        };
        let kelvin = self.netlist.options.temperature_c + 273.15;
        match (name.as_bytes()[0], what) {
            (b'r', "resistance" | "r") => {
                let own = e.value.or_else(|| e.parameter("r"));
                match own {
                    Some(v) => Ok(Vector::scalar(slots.get(v))),
                    None => crate::analysis::conductance(&self.netlist, e, kelvin)
                        .map(|g| Vector::scalar(1.0 / g))
                        .map_err(|e| e.to_string()),
                }
            }
            (b'r', "i" | "p") => {
                let g = crate::analysis::conductance(&self.netlist, e, kelvin).map_err(|e| e.to_string())?;
                let v = voltage(e.nodes[0])?.zip(&voltage(e.nodes[1])?, |a, b| (a.0 - b.0, a.1 - b.1));
                let square = what == "p";
                Ok(v.zip(&Vector::scalar(g), |v, g| {
                    if square { (v.0 * v.0 * g.0, 0.0) } else { (v.0 * g.0, v.1 * g.0) }
                }))
            }
            (b'v' | b'i', "dc" | "acmag" | "acphase" | "pulse" | "sin" | "exp" | "pwl" | "sffm" | "am") => {
                let source = match &e.kind {
                    crate::netlist::Kind::Voltage(s) | crate::netlist::Kind::Current(s) => s,
                    _ => return Err(format!("`{name}` is no source")),
                };
                let get =
                    |v: Option<crate::netlist::Value>| Ok(Vector::scalar(v.map_or(0.0, |v| slots.get(v))));
                match what {
                    "dc" => get(source.dc),
                    "acmag" => get(source.ac),
                    "acphase" => get(source.phase),
                    _ => match source.wave.as_ref().map(crate::netlist::Waveform::values) {
                        Some(list) => Ok(Vector::real(list.iter().map(|v| slots.get(*v)))),
                        None => Err(format!("`{name}` has no waveform")),
                    },
                }
            }
            (b'v', "i") => vector(format!("i({name})")),
            (_, what) => {
                let value = match what {
                    "capacitance" | "c" | "inductance" | "l" | "gain" | "area"
                        if e.parameter(what).is_none() =>
                    {
                        e.value
                    }
                    "m" => Some(e.multiplier),
                    _ => e.parameter(what),
                };
                let hint = self.info.get(name).map_or(String::new(), |list| {
                    crate::error::did_you_mean(what, list.iter().map(|(n, _)| *n))
                });
                value
                    .map(|v| Vector::scalar(slots.get(v)))
                    .ok_or_else(|| format!("`{name}` has no quantity `{what}`{hint}"))
            }
        }
    }
}
