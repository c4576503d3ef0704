//! Reading `.measure` cards.

use super::{Domain, Edge, Level, Measure, Operand, Part, Point, Quantity, Signal, Statistic};
use crate::error::{CircuitError, Location, Result, did_you_mean};
use crate::netlist::Value;
use crate::netlist::expression::{self, Op};

type Resolve<'a> = &'a mut dyn FnMut(&str, &Location) -> Result<Value>;

/// Words of a card: signals with their parentheses, `=` apart, expressions without their quotes (marked with a leading `'`).
fn words(text: &str) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    let mut current = String::new();
    let mut depth = 0;
    let mut quote = None;
    for c in text.chars() {
        match (quote, c) {
            (Some(q), _) if c == q => {
                quote = None;
                out.push(std::mem::take(&mut current));
            }
            (Some(_), _) => current.push(c),
            (None, '\'' | '"' | '{') if depth == 0 => {
                if !current.is_empty() {
                    out.push(std::mem::take(&mut current));
                }
                quote = Some(if c == '{' { '}' } else { c });
                current.push('\'');
            }
            (None, '=') if depth == 0 => {
                if !current.is_empty() {
                    out.push(std::mem::take(&mut current));
                }
                out.push("=".into());
            }
            (None, _) if c.is_whitespace() && depth == 0 => {
                if !current.is_empty() {
                    out.push(std::mem::take(&mut current));
                }
            }
            _ => {
                depth += i32::from(c == '(') - i32::from(c == ')');
                if !c.is_whitespace() {
                    current.push(c.to_ascii_lowercase());
                }
            }
        }
    }
    if !current.is_empty() {
        out.push(current);
    }
    out
}

/// Reads `v(a)`, `v(a,b)`, `vdb(a)`, `i(v1)`.
fn signal(text: &str) -> Option<Signal> {
    let Some((head, rest)) = text.split_once('(') else {
        let known = ["onoise_spectrum", "inoise_spectrum", "onoise_total", "inoise_total"];
        let name = if text.ends_with("_total") { format!("v({text})") } else { text.to_string() };
        return known.contains(&text).then_some(Signal {
            part: Part::Plain,
            column: name,
            minus: None,
            formula: None,
        });
    };
    let inner = rest.strip_suffix(')')?;
    let (letter, suffix) = head.split_at_checked(1)?;
    if !matches!(letter, "v" | "i") {
        return None;
    }
    let part = match suffix {
        "" => Part::Plain,
        "m" => Part::Magnitude,
        "db" => Part::Decibel,
        "p" | "ph" => Part::Phase,
        "r" => Part::Real,
        "i" => Part::Imaginary,
        _ => return None,
    };
    let column = |n: &str| format!("{letter}({})", n.trim());
    Some(match inner.split_once(',') {
        Some((a, b)) => Signal { part, column: column(a), minus: Some(column(b)), formula: None },
        None => Signal { part, column: column(inner), minus: None, formula: None },
    })
}

struct Cursor<'a, 'r> {
    words: Vec<String>,
    at: usize,
    location: &'a Location,
    resolve: Resolve<'r>,
}

impl Cursor<'_, '_> {
    fn fail<T>(&self, message: impl Into<String>) -> Result<T> {
        Err(CircuitError::Syntax { message: message.into(), location: self.location.clone() })
    }

    fn next(&mut self) -> Option<String> {
        let w = self.words.get(self.at).cloned();
        self.at += 1;
        w
    }

    fn peek(&self, ahead: usize) -> &str {
        self.words.get(self.at + ahead).map_or("", String::as_str)
    }

    fn value(&mut self, text: &str) -> Result<Value> {
        (self.resolve)(text.trim_start_matches('\''), self.location)
    }

    fn signal(&mut self) -> Result<Signal> {
        let text = self.next().unwrap_or_default();
        let formula = text.strip_prefix("par(").and_then(|t| t.strip_suffix(')'));
        if let Some(formula) = formula.map(|f| f.trim_matches(['\'', '"', '{', '}'])) {
            return Ok(self.formula(formula));
        }
        match signal(&text) {
            Some(s) => Ok(s),
            // A vector of a script, or an expression of vectors.
            None if text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '@') => Ok(self.formula(&text)),
            None => self.fail(format!("`{text}` is not a signal; expected v(node), v(a,b), vdb(node), vp(node), i(source) or onoise_spectrum")),
        }
    }

    /// A signal computed from others; its words that are parameters of the netlist are looked up now.
    fn formula(&mut self, text: &str) -> Signal {
        let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
        let mut known = Vec::new();
        for word in words.filter(|w| w.starts_with(|c: char| c.is_ascii_alphabetic())) {
            if let Ok(value) = (self.resolve)(word, self.location) {
                known.push((word.to_string(), value));
            }
        }
        Signal { part: Part::Plain, column: text.to_string(), minus: None, formula: Some(known) }
    }

    /// `name=value` options up to a word that is not one.
    fn options(
        &mut self,
        mut each: impl FnMut(&str, &str, Value) -> std::result::Result<(), String>,
    ) -> Result<()> {
        while self.peek(1) == "=" {
            let (name, text) = (self.peek(0).to_string(), self.peek(2).to_string());
            if text.is_empty() {
                return self.fail(format!("`{name}=` has no value"));
            }
            self.at += 3;
            let value = if text == "last" { Value::Const(0.0) } else { self.value(&text)? };
            if let Err(message) = each(&name, &text, value) {
                return self.fail(message);
            }
        }
        Ok(())
    }

    /// `at=x`, or `signal val=x rise=n td=t`, or `signal=level rise=n`.
    fn point(&mut self) -> Result<Point> {
        if self.peek(0) == "at" && self.peek(1) == "=" {
            self.at += 2;
            let text = self.next().unwrap_or_default();
            return Ok(Point::At(self.value(&text)?));
        }
        let signal = self.signal()?;
        let mut level = None;
        if self.peek(0) == "=" {
            self.at += 1;
            let text = self.next().unwrap_or_default();
            level = Some(match self::signal(&text) {
                Some(s) => Level::Signal(s),
                None => Level::Number(self.value(&text)?),
            });
        }
        let (mut edge, mut delay) = (Edge::Cross(1), Value::Const(0.0));
        let mut counts = Vec::new();
        self.options(|name, _, value| {
            match name {
                "val" => level = Some(Level::Number(value)),
                "td" => delay = value,
                "rise" | "fall" | "cross" => counts.push((name.to_string(), value)),
                "from" | "to" => {}
                _ => {
                    return Err(format!(
                        "unknown option `{name}`{}",
                        did_you_mean(name, ["val", "rise", "fall", "cross", "td"])
                    ));
                }
            }
            Ok(())
        })?;
        for (name, value) in counts {
            let n = match value {
                Value::Const(v) if v >= 0.0 => v as usize,
                _ => 1,
            };
            edge = match name.as_str() {
                "rise" => Edge::Rise(n),
                "fall" => Edge::Fall(n),
                _ => Edge::Cross(n),
            };
        }
        match level {
            Some(level) => Ok(Point::Crossing { signal, level, edge, delay }),
            None => self.fail("a crossing needs `val=` or `signal=level`"),
        }
    }
}

/// Reads one card. `resolve` evaluates numbers and expressions of netlist parameters.
pub fn parse(text: &str, location: &Location, resolve: Resolve<'_>) -> Result<Measure> {
    let mut c = Cursor { words: words(text), at: 1, location, resolve };
    let domain = c.next().unwrap_or_default();
    let domain = match domain.as_str() {
        "tran" => Domain::Tran,
        "ac" => Domain::Ac,
        "dc" => Domain::Dc,
        "noise" => Domain::Noise,
        "op" => Domain::Op,
        _ => {
            return c.fail(format!(
                "`{domain}` is not an analysis; expected `.measure tran|ac|dc|noise|op name ...`"
            ));
        }
    };
    let Some(name) = c.next() else { return c.fail("`.measure` needs a name") };
    let keyword = c.next().unwrap_or_default();
    let quantity = match keyword.as_str() {
        "trig" => {
            let trigger = c.point()?;
            if c.next().as_deref() != Some("targ") {
                return c.fail("`trig` needs a `targ`");
            }
            Quantity::Delay { trigger, target: c.point()? }
        }
        "when" => Quantity::When(c.point()?),
        "find" | "deriv" | "derivative" => {
            let signal = c.signal()?;
            if c.peek(0) == "when" {
                c.at += 1;
            }
            let point = if domain == Domain::Op && c.peek(0).is_empty() {
                Point::At(Value::Const(0.0))
            } else {
                c.point()?
            };
            if keyword == "find" { Quantity::Find(signal, point) } else { Quantity::Slope(signal, point) }
        }
        "max" | "min" | "pp" | "avg" | "rms" | "integ" | "integral" | "max_at" | "min_at" => {
            let statistic = match keyword.as_str() {
                "max" => Statistic::Max,
                "min" => Statistic::Min,
                "pp" => Statistic::PeakToPeak,
                "avg" => Statistic::Average,
                "rms" => Statistic::Rms,
                "max_at" => Statistic::MaxAt,
                "min_at" => Statistic::MinAt,
                _ => Statistic::Integral,
            };
            let signal = c.signal()?;
            let (mut from, mut to) = (None, None);
            c.options(|name, _, value| {
                match name {
                    "from" => from = Some(value),
                    "to" => to = Some(value),
                    _ => return Err(format!("unknown option `{name}`; expected `from=` or `to=`")),
                }
                Ok(())
            })?;
            Quantity::Statistic { statistic, signal, from, to }
        }
        "param" => {
            if c.next().as_deref() != Some("=") {
                return c.fail("expected `param='expression'`");
            }
            let text = c.next().unwrap_or_default();
            expression_of(text.trim_start_matches('\''), &mut c)?
        }
        other => {
            let known = [
                "trig", "when", "find", "deriv", "max", "min", "pp", "avg", "rms", "integ", "param",
                "max_at", "min_at",
            ];
            return c.fail(format!("unknown kind of measure `{other}`{}", did_you_mean(other, known)));
        }
    };
    Ok(Measure { name, domain, quantity, location: location.clone() })
}

fn expression_of(text: &str, c: &mut Cursor<'_, '_>) -> Result<Quantity> {
    let error = |message: String, column: usize| CircuitError::Expression {
        expression: text.to_string(),
        column,
        message,
        location: c.location.clone(),
    };
    let tree = expression::parse(text).map_err(|e| error(e.message.clone(), e.offset + 1))?;
    let mut uses = Vec::new();
    let mut program = Vec::new();
    let location = c.location;
    let resolve = &mut c.resolve;
    let mut lookup = |name: &str| {
        // A name that is not a parameter is taken for a measure, which is checked when it is needed.
        let operand = match resolve(name, location) {
            Ok(v) => Operand::Parameter(v),
            Err(_) => Operand::Measure(name.to_string()),
        };
        uses.push(operand);
        Ok(Op::Load(uses.len() as u32 - 1))
    };
    expression::compile(&tree, &mut lookup, &|_| None, &mut program).map_err(|m| error(m, 1))?;
    Ok(Quantity::Expression { program, uses })
}
