//! Numbers written as expressions (v0.4): `4 * n_columns`, `ceil(depth / 2)`, with names of variables and attributes.
use std::rc::Rc;

use super::document::{Node, Value};
use crate::error::{Error, Result, did_you_mean};

/// Names that refer to names that refer to names ... at most.
const MAX_DEPTH: usize = 16;
/// Nested parentheses, signs and powers at most.
const MAX_NESTING: usize = 32;
const FUNCTIONS: [&str; 10] = ["min", "max", "ceil", "floor", "round", "abs", "sqrt", "log2", "pow", "int"];

/// Where names are looked up: the last one that holds a name wins.
#[derive(Clone, Copy)]
pub(crate) struct Scope<'a> {
    /// Maps of names to values, outermost first.
    pub maps: &'a [Rc<Node>],
}

impl Scope<'_> {
    /// A finite number.
    pub fn number(&self, node: &Node) -> Result<f64> {
        self.value(node, 0)
    }

    /// A whole number, at least 0.
    pub fn whole(&self, node: &Node) -> Result<u64> {
        let text = node.text()?;
        if let Ok(number) = text.parse() {
            return Ok(number);
        }
        let value = self.value(node, 0)?;
        let rounded = value.round();
        if value >= 0.0 && (value - rounded).abs() < 1e-9 && rounded < 9e15 {
            return Ok(rounded as u64);
        }
        let what = if text.parse::<f64>().is_ok() { String::new() } else { format!(" = {value}") };
        Err(node.error(format!("\"{text}\"{what} is not a whole number"), "write a number such as 16"))
    }

    fn value(&self, node: &Node, depth: usize) -> Result<f64> {
        let text = node.text()?;
        let value = match text.parse::<f64>() {
            Ok(value) => value,
            Err(_) => {
                if depth > MAX_DEPTH {
                    return Err(node.error(
                        format!("\"{text}\" leads through more than {MAX_DEPTH} other names"),
                        "a value must not depend on itself",
                    ));
                }
                let mut parser = Parser { scope: self, node, text, at: 0, depth, nesting: 0 };
                let value = parser.sum()?;
                parser.end()?;
                value
            }
        };
        if value.is_finite() {
            return Ok(value);
        }
        Err(node.error(format!("\"{text}\" is {value}"), "write a finite number"))
    }

    /// The value of a name, not looking at the node that asks.
    fn find(&self, name: &str, asking: &Node) -> Option<&Rc<Node>> {
        let mut found = self.maps.iter().rev().filter_map(|map| map.get(name));
        found.find(|found| !std::ptr::eq(Rc::as_ptr(found), asking))
    }

    fn names(&self) -> Vec<&str> {
        let mut names = Vec::new();
        for map in self.maps {
            if let Value::Map(entries) = &map.value {
                names.extend(entries.iter().map(|(name, _)| name.as_str()));
            }
        }
        names
    }
}

struct Parser<'a> {
    scope: &'a Scope<'a>,
    node: &'a Node,
    text: &'a str,
    at: usize,
    depth: usize,
    nesting: usize,
}

impl<'a> Parser<'a> {
    fn error(&self, what: impl std::fmt::Display) -> Error {
        self.node.error(
            format!("\"{}\" is not a number: {what}", self.text),
            "write a number such as 16, or an expression of numbers, attributes and variables: 2 * (width + 1)",
        )
    }

    fn rest(&mut self) -> &'a str {
        let rest = &self.text[self.at..];
        let trimmed = rest.trim_start();
        self.at += rest.len() - trimmed.len();
        trimmed
    }

    /// Takes the first of `signs` that comes next; longer ones stand before their beginnings.
    fn take(&mut self, signs: &[&'static str]) -> Option<&'static str> {
        let rest = self.rest();
        let sign = signs.iter().copied().find(|sign| rest.starts_with(sign))?;
        self.at += sign.len();
        Some(sign)
    }

    fn end(&mut self) -> Result<()> {
        match self.rest() {
            "" => Ok(()),
            rest => Err(self.error(format!("nothing is expected before \"{rest}\""))),
        }
    }

    fn nested<T>(&mut self, inner: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        self.nesting += 1;
        if self.nesting > MAX_NESTING {
            return Err(self.error(format!("nested deeper than {MAX_NESTING}")));
        }
        let value = inner(self);
        self.nesting -= 1;
        value
    }

    fn sum(&mut self) -> Result<f64> {
        let mut value = self.product()?;
        while let Some(sign) = self.take(&["+", "-"]) {
            let other = self.product()?;
            value = if sign == "+" { value + other } else { value - other };
        }
        Ok(value)
    }

    fn product(&mut self) -> Result<f64> {
        let mut value = self.signed()?;
        while let Some(sign) = self.take(&["*", "//", "/", "%"]) {
            let other = self.signed()?;
            value = match sign {
                "*" => value * other,
                "/" => value / other,
                "//" => (value / other).floor(),
                _ => value - (value / other).floor() * other,
            };
        }
        Ok(value)
    }

    fn signed(&mut self) -> Result<f64> {
        match self.take(&["-", "+"]) {
            Some("-") => Ok(-self.nested(Self::signed)?),
            Some(_) => self.nested(Self::signed),
            None => {
                let base = self.atom()?;
                match self.take(&["**"]) {
                    Some(_) => Ok(base.powf(self.nested(Self::signed)?)),
                    None => Ok(base),
                }
            }
        }
    }

    fn atom(&mut self) -> Result<f64> {
        if self.take(&["("]).is_some() {
            let value = self.nested(Self::sum)?;
            return match self.take(&[")"]) {
                Some(_) => Ok(value),
                None => Err(self.error("a parenthesis is not closed")),
            };
        }
        let rest = self.rest();
        let end = |accept: fn(char) -> bool| rest.find(|c| !accept(c)).unwrap_or(rest.len());
        if rest.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
            let mut length = end(|c| c.is_ascii_alphanumeric() || c == '.');
            // The sign of an exponent belongs to the number.
            if rest[..length].ends_with(['e', 'E']) && rest[length..].starts_with(['-', '+']) {
                length += 1 + rest[length + 1..]
                    .find(|c: char| !c.is_ascii_digit())
                    .unwrap_or(rest.len() - length - 1);
            }
            self.at += length;
            return rest[..length].parse().map_err(|_| self.error(format!("\"{}\"", &rest[..length])));
        }
        let length = end(|c| c.is_alphanumeric() || c == '_');
        if length == 0 {
            return Err(self.error("a number or a name is missing"));
        }
        let name = &rest[..length];
        self.at += length;
        if self.take(&["("]).is_some() {
            return self.call(name);
        }
        let scope = self.scope;
        match scope.find(name, self.node) {
            Some(found) => scope.value(found, self.depth + 1),
            None => Err(self.error(format!(
                "no variable or attribute is called \"{name}\" here ({})",
                did_you_mean(name, scope.names())
            ))),
        }
    }

    fn call(&mut self, name: &str) -> Result<f64> {
        let mut values = Vec::new();
        if self.take(&[")"]).is_none() {
            loop {
                values.push(self.nested(Self::sum)?);
                match self.take(&[",", ")"]) {
                    Some(",") => {}
                    Some(_) => break,
                    None => return Err(self.error("a parenthesis is not closed")),
                }
            }
        }
        match (name, &values[..]) {
            ("min", [first, more @ ..]) => Ok(more.iter().copied().fold(*first, f64::min)),
            ("max", [first, more @ ..]) => Ok(more.iter().copied().fold(*first, f64::max)),
            ("ceil", [x]) => Ok(x.ceil()),
            ("floor", [x]) => Ok(x.floor()),
            ("int", [x]) => Ok(x.trunc()),
            ("round", [x]) => Ok(x.round_ties_even()),
            ("abs", [x]) => Ok(x.abs()),
            ("sqrt", [x]) => Ok(x.sqrt()),
            ("log2", [x]) => Ok(x.log2()),
            ("pow", [x, y]) => Ok(x.powf(*y)),
            _ if FUNCTIONS.contains(&name) => {
                Err(self.error(format!("{name} does not take {} values", values.len())))
            }
            _ => Err(self.error(format!("unknown function {name} ({})", did_you_mean(name, FUNCTIONS)))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::document::parse;
    use super::*;

    fn evaluate(expression: &str) -> Result<f64> {
        let outer = parse("a.yaml", "{width: 8, columns: 3, name: glb, loop_a: loop_b, loop_b: loop_a + 1}")?;
        let inner = parse("a.yaml", &format!("{{width: width * 2, rows: columns, it: \"{expression}\"}}"))?;
        let asked = inner.need("it")?.clone();
        Scope { maps: &[outer, inner] }.number(&asked)
    }

    #[test]
    fn expressions_follow_the_usual_rules() {
        for (text, value) in [
            ("2 + 3 * 4", 14.0),
            ("-(1 - 3) ** 2", -4.0),
            ("2 ** 3 ** 2", 512.0),
            ("7 // 2 + 7 % 4", 6.0),
            ("-7 // 2", -4.0),
            ("ceil(width / columns) + min(5, 2, 9)", 8.0),
            ("width", 16.0),
            ("rows * 1e2", 300.0),
            ("1e-1 * 10", 1.0),
            ("pow(2, log2(8)) - abs(-1)", 7.0),
        ] {
            assert_eq!(evaluate(text).unwrap(), value, "{text}");
        }
    }

    #[test]
    fn wrong_expressions_say_why() {
        for (text, why) in [
            ("widht + 1", "did you mean \"width\""),
            ("(1", "not closed"),
            ("1 +", "missing"),
            ("1 2", "nothing is expected"),
            ("sinh(1)", "unknown function"),
            ("min()", "does not take"),
            ("name", "\"glb\" is not a number"),
            ("loop_a", "depend on itself"),
            ("1 / 0", "finite"),
            ("1.2.3", "1.2.3"),
            (&"(".repeat(100), "nested deeper"),
        ] {
            let error = evaluate(text).unwrap_err().to_string();
            assert!(error.contains(why) && error.starts_with("a.yaml:1:"), "{text}: {error}");
        }
    }
}
