//! Expressions of control blocks: arithmetic on vectors, with results by name.

use super::vector::{self, Vector, divide, multiply, power};
use crate::netlist::number::number_prefix;

/// Expressions nested deeper than this are refused.
const MAX_DEPTH: usize = 100;
/// Elements of one vector.
const MAX_LENGTH: usize = 100_000_000;

/// What expressions look up.
pub trait Names {
    /// A vector by name: `v(out)`, `time`, `tran1.v(out)`, `x`, `@m1[id]`.
    fn vector(&self, name: &str) -> Result<Vector, String>;
    /// Parameters and body of a function that was defined.
    fn function(&self, name: &str, arguments: usize) -> Option<(Vec<String>, String)>;
    /// Abscissa of the current plot.
    fn scale(&self) -> Vec<f64>;
    /// Whether phases are in degrees.
    fn degrees(&self) -> bool;
}

/// Evaluates one expression.
///
/// # Errors
/// What is wrong, in words.
pub fn evaluate(text: &str, names: &dyn Names) -> Result<Vector, String> {
    let (value, used) = leading(text, names)?;
    if text[used..].trim().is_empty() {
        Ok(value)
    } else {
        Err(format!("`{text}`: did not expect `{}`", text[used..].trim()))
    }
}

/// Evaluates the expression that `text` begins with; returns how much of it that is.
pub fn leading(text: &str, names: &dyn Names) -> Result<(Vector, usize), String> {
    let mut p = Parser { text, at: 0, depth: 0, names, arguments: &[] };
    let value = p.choice()?;
    Ok((value, p.at))
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
    names: &'a dyn Names,
    /// Arguments of the function whose body this is.
    arguments: &'a [(String, Vector)],
}

fn truth(b: bool) -> vector::Complex {
    (f64::from(u8::from(b)), 0.0)
}

impl Parser<'_> {
    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn space(&mut self) {
        self.at += self.rest().len() - self.rest().trim_start().len();
    }

    fn take(&mut self, token: &str) -> bool {
        self.space();
        let word = token.starts_with(|c: char| c.is_ascii_alphabetic());
        let after = self.rest().as_bytes().get(token.len());
        let hit = self.rest().starts_with(token)
            && !(word && after.is_some_and(|c| c.is_ascii_alphanumeric() || *c == b'_'));
        if hit {
            self.at += token.len();
        }
        hit
    }

    fn any(&mut self, tokens: &[&str]) -> bool {
        tokens.iter().any(|t| self.take(t))
    }

    fn choice(&mut self) -> Result<Vector, String> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(format!("an expression is nested more than {MAX_DEPTH} deep"));
        }
        let condition = self.or()?;
        let value = if self.take("?") {
            let yes = self.choice()?;
            if !self.take(":") {
                return Err(format!("`{}`: expected `:`", self.text));
            }
            let no = self.choice()?;
            if condition.is_true() { yes } else { no }
        } else {
            condition
        };
        self.depth -= 1;
        Ok(value)
    }

    fn or(&mut self) -> Result<Vector, String> {
        let mut a = self.and()?;
        while self.any(&["||", "|", "or"]) {
            let b = self.and()?;
            a = a.zip(&b, |a, b| truth(a.0 != 0.0 || b.0 != 0.0));
        }
        Ok(a)
    }

    fn and(&mut self) -> Result<Vector, String> {
        let mut a = self.comparison()?;
        while self.any(&["&&", "&", "and"]) {
            let b = self.comparison()?;
            a = a.zip(&b, |a, b| truth(a.0 != 0.0 && b.0 != 0.0));
        }
        Ok(a)
    }

    fn comparison(&mut self) -> Result<Vector, String> {
        let mut a = self.comma()?;
        while let Some(f) = self.relation() {
            let b = self.comma()?;
            a = a.zip(&b, |a, b| truth(f(a.0, b.0)));
            a.complex = false;
        }
        Ok(a)
    }

    /// The comparison that stands next, if one does; it is passed over.
    fn relation(&mut self) -> Option<fn(f64, f64) -> bool> {
        Some(if self.any(&["<>", "!=", "ne"]) {
            |a, b| a != b
        } else if self.any(&["<=", "le"]) {
            |a, b| a <= b
        } else if self.any(&[">=", "ge"]) {
            |a, b| a >= b
        } else if self.any(&["<", "lt"]) {
            |a, b| a < b
        } else if self.any(&[">", "gt"]) {
            |a, b| a > b
        } else if self.any(&["==", "=", "eq"]) {
            |a, b| a == b
        } else {
            return None;
        })
    }

    /// `re, im`.
    fn comma(&mut self) -> Result<Vector, String> {
        let a = self.sum()?;
        if !self.take(",") {
            return Ok(a);
        }
        let b = self.comma()?;
        let mut out = a.zip(&b, |a, b| (a.0, b.0));
        out.complex = true;
        Ok(out)
    }

    fn sum(&mut self) -> Result<Vector, String> {
        let mut a = self.product()?;
        loop {
            if self.take("+") {
                a = a.zip(&self.product()?, |a, b| (a.0 + b.0, a.1 + b.1));
            } else if self.take("-") {
                a = a.zip(&self.product()?, |a, b| (a.0 - b.0, a.1 - b.1));
            } else {
                return Ok(a);
            }
        }
    }

    fn product(&mut self) -> Result<Vector, String> {
        let mut a = self.unary()?;
        loop {
            if !self.rest().trim_start().starts_with("**") && self.take("*") {
                a = a.zip(&self.unary()?, multiply);
            } else if self.take("/") {
                a = a.zip(&self.unary()?, divide);
            } else if self.take("%") {
                a = a.zip(&self.unary()?, |a, b| (a.0 % b.0, 0.0));
            } else {
                return Ok(a);
            }
        }
    }

    fn unary(&mut self) -> Result<Vector, String> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(format!("an expression is nested more than {MAX_DEPTH} deep"));
        }
        let value = if self.take("-") {
            let v = self.unary()?;
            v.zip(&Vector::scalar(0.0), |a, _| (-a.0, 0.0 - a.1))
        } else if self.take("+") {
            self.unary()?
        } else if self.any(&["~", "not"]) || !self.rest().starts_with("!=") && self.take("!") {
            let v = self.unary()?;
            v.zip(&Vector::scalar(0.0), |a, _| truth(a.0 == 0.0))
        } else {
            let base = self.indexed()?;
            if self.any(&["**", "^"]) { base.zip(&self.unary()?, power) } else { base }
        };
        self.depth -= 1;
        Ok(value)
    }

    fn indexed(&mut self) -> Result<Vector, String> {
        let mut value = self.primary()?;
        while self.rest().starts_with('[') {
            self.at += 1;
            let double = self.take("[");
            let index = self.choice()?;
            let closed = self.take("]") && (!double || self.take("]"));
            if !closed {
                return Err(format!("`{}`: `[` is never closed", self.text));
            }
            let (first, last) = if index.complex { index.at(0) } else { (index.first(), index.first()) };
            value = value.part(first, last)?;
        }
        Ok(value)
    }

    fn primary(&mut self) -> Result<Vector, String> {
        self.space();
        if self.take("(") {
            let value = self.choice()?;
            return if self.take(")") {
                Ok(value)
            } else {
                Err(format!("`{}`: `(` is never closed", self.text))
            };
        }
        let rest = self.rest();
        if let Some((v, used)) = number_prefix(rest).filter(|_| !rest.starts_with(['+', '-'])) {
            self.at += used;
            return Ok(Vector::scalar(v));
        }
        // Names with other characters stand in quotes.
        if let Some((name, _)) = rest.strip_prefix('"').and_then(|r| r.split_once('"')) {
            let (name, used) = (name.to_ascii_lowercase(), name.len() + 2);
            self.at += used;
            return self.names.vector(&name);
        }
        if rest.starts_with('@') {
            let end = rest.find(']').map_or(rest.len(), |i| i + 1);
            let name = rest[..end].to_ascii_lowercase();
            self.at += end;
            return self.names.vector(&name);
        }
        let length = rest
            .bytes()
            .take_while(|c| c.is_ascii_alphanumeric() || b"_.#:$@\\".contains(c) || !c.is_ascii())
            .count();
        if length == 0 {
            let found = rest.chars().next().map_or("the end".to_string(), |c| format!("`{c}`"));
            return Err(format!("`{}`: expected a number or a name, found {found}", self.text));
        }
        // `dc1.@r1[i]`
        if rest[..length].contains(".@")
            && let Some(close) = rest.find(']').filter(|_| rest[length..].starts_with('['))
        {
            let name = rest[..=close].to_ascii_lowercase();
            self.at += close + 1;
            return self.names.vector(&name);
        }
        let name = rest[..length].to_ascii_lowercase();
        self.at += length;
        if !self.rest().starts_with('(') {
            if let Some((_, v)) = self.arguments.iter().find(|(n, _)| *n == name) {
                return Ok(v.clone());
            }
            return self.names.vector(&name);
        }
        let short = name.rsplit('.').next().unwrap_or(&name);
        if matches!(short, "v" | "i" | "vm" | "vdb" | "vp" | "vr" | "vi" | "im" | "idb" | "ip" | "ir" | "ii")
            && let Some(close) = self.rest().find(')')
            && (short == "v" || short == "i" || self.names.function(short, 1).is_none())
        {
            let inner = self.rest()[1..close].trim().to_ascii_lowercase();
            // `im(...)` is a function too.
            if short != "im" || self.names.vector(&format!("i({inner})")).is_ok() {
                self.at += close + 1;
                return self.result(&name, short, &inner);
            }
        }
        self.function(&name)
    }

    /// `v(a)`, `v(a,b)`, `vdb(a)`, `i(x)`.
    fn result(&mut self, name: &str, short: &str, inner: &str) -> Result<Vector, String> {
        let plot = &name[..name.len() - short.len()];
        let (letter, part) = short.split_at(1);
        let one = |n: &str| self.names.vector(&format!("{plot}{letter}({})", n.trim()));
        let value = match inner.split_once(',') {
            Some((a, b)) => one(a)?.zip(&one(b)?, |a, b| (a.0 - b.0, a.1 - b.1)),
            None => one(inner)?,
        };
        let function = match part {
            "" => return Ok(value),
            "m" => "mag",
            "db" => "db",
            "p" => "ph",
            "r" => "re",
            _ => "im",
        };
        vector::call(function, &value, &[], self.names.degrees()).unwrap_or(Ok(value))
    }

    fn function(&mut self, name: &str) -> Result<Vector, String> {
        self.at += 1;
        let mut arguments = Vec::new();
        if !self.take(")") {
            loop {
                // Commas separate arguments here.
                let mut value = self.or_without_comma()?;
                arguments.push(std::mem::take(&mut value));
                if self.take(")") {
                    break;
                }
                if !self.take(",") {
                    return Err(format!(
                        "`{}`: expected `,` or `)` after an argument of `{name}`",
                        self.text
                    ));
                }
            }
        }
        if let Some((parameters, body)) = self.names.function(name, arguments.len()) {
            let bound: Vec<(String, Vector)> = parameters.into_iter().zip(arguments).collect();
            let mut inner =
                Parser { text: &body, at: 0, depth: self.depth + 5, names: self.names, arguments: &bound };
            let value = inner.choice()?;
            return if inner.rest().trim().is_empty() {
                Ok(value)
            } else {
                Err(format!("`{body}`: did not expect `{}`", inner.rest().trim()))
            };
        }
        let argument = match arguments.as_slice() {
            [one] => one.clone(),
            [re, im] => {
                let mut both = re.zip(im, |a, b| (a.0, b.0));
                both.complex = true;
                both
            }
            [] => Vector::scalar(0.0),
            _ => return Err(format!("`{name}` takes one argument, found {}", arguments.len())),
        };
        if argument.len() > MAX_LENGTH {
            return Err(format!("a vector of more than {MAX_LENGTH} elements"));
        }
        let scale =
            if matches!(name, "deriv" | "integ" | "group_delay") { self.names.scale() } else { Vec::new() };
        match vector::call(name, &argument, &scale, self.names.degrees()) {
            Some(result) => result,
            None => {
                Err(format!("unknown function `{name}`{}", crate::error::did_you_mean(name, vector::names())))
            }
        }
    }

    fn or_without_comma(&mut self) -> Result<Vector, String> {
        // A comparison's operands are sums, so only the comma level is left out.
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(format!("an expression is nested more than {MAX_DEPTH} deep"));
        }
        let mut a = self.sum()?;
        loop {
            let f: fn(f64, f64) -> bool = if let Some(relation) = self.relation() {
                relation
            } else if self.any(&["&&", "&", "and"]) {
                |a, b| a != 0.0 && b != 0.0
            } else if self.any(&["||", "|", "or"]) {
                |a, b| a != 0.0 || b != 0.0
            } else {
                break;
            };
            let b = self.sum()?;
            a = a.zip(&b, |a, b| truth(f(a.0, b.0)));
        }
        if self.take("?") {
            let yes = self.or_without_comma()?;
            if !self.take(":") {
                return Err(format!("`{}`: expected `:`", self.text));
            }
            let no = self.or_without_comma()?;
            a = if a.is_true() { yes } else { no };
        }
        self.depth -= 1;
        Ok(a)
    }
}
