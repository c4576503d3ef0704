//! Expressions over the parameters of a space, as people write them: `rows * columns <= 64 && adder != 'ripple'`.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Design, DesignSpace, Domain, SpaceError};
use crate::suggest::suggestion;

/// An expression over parameters: arithmetic, comparisons, `&&`, `||`, `!`, functions and texts.
///
/// Names stand for the numbers of [`DesignSpace::number`](super::DesignSpace::number), a boolean for 0 or 1, a categorical for its text. A
/// name that is no identifier is put between backticks. `%` is the remainder, `^` the power; functions: `min`, `max`, `abs`, `floor`,
/// `ceil`, `round`, `sqrt`, `exp`, `ln`, `log2`, `log10`, `pow`.
///
/// ```
/// use hwgym_envs::{DesignSpace, Parameter, space::Expression};
/// let space = DesignSpace::new(vec![Parameter::integer("rows", 1, 16), Parameter::categorical("adder", ["ripple", "carry-save"])])?;
/// let design = space.design([("rows", 12.into()), ("adder", "ripple".into())])?;
/// let holds = Expression::parse("adder != 'ripple' || rows <= 8")?;
/// holds.check(&space)?;
/// assert_eq!(holds.violation(&space, &design), 4.0);
/// assert_eq!(Expression::parse("2 * rows + 1")?.number(&space, &design), 25.0);
/// # Ok::<(), hwgym_envs::SpaceError>(())
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Expression {
    text: String,
    root: Node,
}

impl PartialEq for Expression {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl TryFrom<String> for Expression {
    type Error = SpaceError;
    fn try_from(text: String) -> Result<Self, SpaceError> {
        Self::parse(&text)
    }
}

impl From<Expression> for String {
    fn from(expression: Expression) -> String {
        expression.text
    }
}

impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[derive(Clone, Debug)]
enum Node {
    Number(f64),
    Text(String),
    Name(String),
    Negative(Box<Node>),
    Not(Box<Node>),
    Arithmetic(char, Box<Node>, Box<Node>),
    Compare(Comparison, Box<Node>, Box<Node>),
    And(Box<Node>, Box<Node>),
    Or(Box<Node>, Box<Node>),
    Call(usize, Vec<Node>),
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Comparison {
    AtMost,
    Below,
    AtLeast,
    Above,
    Equal,
    Different,
}

/// Name, number of arguments (`None` for one or more), and what it computes.
type Function = (&'static str, Option<usize>, fn(&[f64]) -> f64);

const FUNCTIONS: [Function; 12] = [
    ("min", None, |x| x.iter().copied().fold(f64::INFINITY, f64::min)),
    ("max", None, |x| x.iter().copied().fold(f64::NEG_INFINITY, f64::max)),
    ("abs", Some(1), |x| x[0].abs()),
    ("floor", Some(1), |x| x[0].floor()),
    ("ceil", Some(1), |x| x[0].ceil()),
    ("round", Some(1), |x| x[0].round()),
    ("sqrt", Some(1), |x| x[0].sqrt()),
    ("exp", Some(1), |x| x[0].exp()),
    ("ln", Some(1), |x| x[0].ln()),
    ("log2", Some(1), |x| x[0].log2()),
    ("log10", Some(1), |x| x[0].log10()),
    ("pow", Some(2), |x| x[0].powf(x[1])),
];

/// How much a comparison of two equal numbers is off that asks for different ones.
const BARELY: f64 = 1e-9;

/// How deep brackets may nest.
const DEEPEST: usize = 100;

/// What a part of an expression is worth.
enum Worth<'a> {
    Number(f64),
    Text(Cow<'a, str>),
}

/// By how much something fails to be true.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Miss {
    /// In the units of what is compared; 0 where it holds.
    pub amount: f64,
    /// Relative to the larger side of what is compared.
    pub relative: f64,
}

impl Miss {
    const NONE: Self = Self { amount: 0.0, relative: 0.0 };

    /// Of something that is true or not.
    fn whole(missed: bool) -> Self {
        let amount = f64::from(u8::from(missed));
        Self { amount, relative: amount }
    }
}

impl Expression {
    /// Reads an expression. Errors: what was expected, and where (characters counted from 1).
    pub fn parse(text: &str) -> Result<Self, SpaceError> {
        let mut parser = Parser { text, at: 0, depth: 0 };
        let root = parser.any()?;
        parser.blank();
        match parser.rest().chars().next() {
            None => Ok(Self { text: text.into(), root }),
            Some(found) => Err(parser.expected(&format!("an operator instead of `{found}`"))),
        }
    }

    /// The text it was read from.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The names in it, in order, each once.
    pub fn names(&self) -> Vec<&str> {
        let mut names = Vec::new();
        self.root.names(&mut names);
        names
    }

    /// Checks it against a space. Errors: unknown names; texts where numbers belong, or that a categorical does not have.
    pub fn check(&self, space: &DesignSpace) -> Result<(), SpaceError> {
        self.root
            .is_text(space)
            .map(drop)
            .map_err(|message| SpaceError::Definition(format!("`{}`: {message}", self.text)))
    }

    /// The number that it is worth for a design; a truth is 1 or 0.
    pub fn number(&self, space: &DesignSpace, design: &Design) -> f64 {
        self.root.number(space, design)
    }

    /// By how much the design breaks it: 0 where it holds. A comparison is broken by the difference of its sides, `&&` by the sum of its
    /// parts, `||` by the least; anything else by 1.
    pub fn violation(&self, space: &DesignSpace, design: &Design) -> f64 {
        self.miss(space, design).amount
    }

    /// The same, with the amount relative to what is compared.
    pub(super) fn miss(&self, space: &DesignSpace, design: &Design) -> Miss {
        self.root.miss(space, design, true)
    }
}

/// True for a parameter whose values are texts.
fn has_texts(domain: &Domain) -> bool {
    matches!(domain, Domain::Categorical(_)) || domain.is_arrangement()
}

impl Node {
    fn names<'a>(&'a self, names: &mut Vec<&'a str>) {
        match self {
            Self::Number(_) | Self::Text(_) => {}
            Self::Name(name) if names.contains(&name.as_str()) => {}
            Self::Name(name) => names.push(name),
            Self::Negative(a) | Self::Not(a) => a.names(names),
            Self::Arithmetic(_, a, b) | Self::Compare(_, a, b) | Self::And(a, b) | Self::Or(a, b) => {
                a.names(names);
                b.names(names);
            }
            Self::Call(_, arguments) => arguments.iter().for_each(|a| a.names(names)),
        }
    }

    /// True if it is worth a text, false for a number. Errors: it is worth neither.
    fn is_text(&self, space: &DesignSpace) -> Result<bool, String> {
        let number = |node: &Node| match node.is_text(space)? {
            true => Err(format!("{} is a text, where a number is needed", node.shown())),
            false => Ok(()),
        };
        match self {
            Self::Number(_) => Ok(false),
            Self::Text(_) => Ok(true),
            Self::Name(name) => {
                let index = space.position(name).map_err(|error| error.to_string())?;
                Ok(has_texts(&space.parameters()[index].domain))
            }
            Self::Negative(a) | Self::Not(a) => number(a).map(|()| false),
            Self::Arithmetic(_, a, b) | Self::And(a, b) | Self::Or(a, b) => {
                number(a)?;
                number(b).map(|()| false)
            }
            Self::Compare(how, a, b) => {
                let (left, right) = (a.is_text(space)?, b.is_text(space)?);
                if left != right {
                    return Err(format!("{} and {} cannot be compared: one is a text", a.shown(), b.shown()));
                }
                if left && !matches!(how, Comparison::Equal | Comparison::Different) {
                    return Err(format!(
                        "{} and {} have no order; compare texts by == or !=",
                        a.shown(),
                        b.shown()
                    ));
                }
                for (name, text) in [(a, b), (b, a)] {
                    if let (Self::Name(name), Self::Text(text)) = (&**name, &**text)
                        && let Ok(index) = space.position(name)
                        && let Domain::Categorical(choices) = &space.parameters()[index].domain
                        && !choices.contains(text)
                    {
                        return Err(format!("`{name}` is never '{text}'{}", suggestion(text, choices)));
                    }
                }
                Ok(false)
            }
            Self::Call(_, arguments) => arguments.iter().try_for_each(number).map(|()| false),
        }
    }

    fn shown(&self) -> String {
        match self {
            Self::Number(number) => number.to_string(),
            Self::Text(text) => format!("'{text}'"),
            Self::Name(name) => format!("`{name}`"),
            _ => "a part of it".into(),
        }
    }

    fn worth<'a>(&'a self, space: &'a DesignSpace, design: &Design) -> Worth<'a> {
        match self {
            Self::Text(text) => Worth::Text(text.as_str().into()),
            Self::Name(name) => match space.position(name) {
                Ok(index) if matches!(space.parameters()[index].domain, Domain::Categorical(_)) => {
                    Worth::Text(space.choice(design, index).into())
                }
                Ok(index) if has_texts(&space.parameters()[index].domain) => {
                    Worth::Text(space.value(design, index).to_string().into())
                }
                Ok(index) => Worth::Number(space.number(design, index)),
                Err(_) => Worth::Number(f64::NAN),
            },
            _ => Worth::Number(self.number(space, design)),
        }
    }

    fn number(&self, space: &DesignSpace, design: &Design) -> f64 {
        let truth = |holds: bool| f64::from(u8::from(holds));
        match self {
            Self::Number(number) => *number,
            Self::Text(_) => f64::NAN,
            Self::Name(_) => match self.worth(space, design) {
                Worth::Number(number) => number,
                Worth::Text(_) => f64::NAN,
            },
            Self::Negative(a) => -a.number(space, design),
            Self::Arithmetic(operator, a, b) => {
                let (a, b) = (a.number(space, design), b.number(space, design));
                match operator {
                    '+' => a + b,
                    '-' => a - b,
                    '*' => a * b,
                    '/' => a / b,
                    '%' => a.rem_euclid(b),
                    _ => a.powf(b),
                }
            }
            Self::Not(_) | Self::Compare(..) | Self::And(..) | Self::Or(..) => {
                truth(self.miss(space, design, true).amount == 0.0)
            }
            Self::Call(function, arguments) => {
                let values: Vec<f64> = arguments.iter().map(|a| a.number(space, design)).collect();
                FUNCTIONS[*function].2(&values)
            }
        }
    }

    /// By how much it fails to be true, or false where that is not `wanted`.
    fn miss(&self, space: &DesignSpace, design: &Design, wanted: bool) -> Miss {
        let of = |node: &Node, wanted| node.miss(space, design, wanted);
        match self {
            Self::Not(a) => of(a, !wanted),
            Self::And(a, b) | Self::Or(a, b) => {
                let (left, right) = (of(a, wanted), of(b, wanted));
                if matches!(self, Self::And(..)) == wanted {
                    Miss { amount: left.amount + right.amount, relative: left.relative + right.relative }
                } else if left.relative <= right.relative {
                    left
                } else {
                    right
                }
            }
            Self::Compare(how, a, b) => {
                let how = if wanted { *how } else { how.opposite() };
                how.miss(a.worth(space, design), b.worth(space, design))
            }
            _ => Miss::whole((self.number(space, design) != 0.0) != wanted),
        }
    }
}

impl Comparison {
    fn opposite(self) -> Self {
        match self {
            Self::AtMost => Self::Above,
            Self::Below => Self::AtLeast,
            Self::AtLeast => Self::Below,
            Self::Above => Self::AtMost,
            Self::Equal => Self::Different,
            Self::Different => Self::Equal,
        }
    }

    fn miss(self, a: Worth, b: Worth) -> Miss {
        let (a, b) = match (a, b) {
            (Worth::Number(a), Worth::Number(b)) => (a, b),
            (Worth::Text(a), Worth::Text(b)) => return Miss::whole((a == b) != (self == Self::Equal)),
            _ => return Miss::whole(true),
        };
        let holds = match self {
            Self::AtMost => a <= b,
            Self::Below => a < b,
            Self::AtLeast => a >= b,
            Self::Above => a > b,
            Self::Equal => a == b,
            Self::Different => a != b,
        };
        if holds && !a.is_nan() && !b.is_nan() {
            return Miss::NONE;
        }
        if self == Self::Different || !(a - b).is_finite() {
            return Miss::whole(true);
        }
        let amount = (a - b).abs().max(BARELY);
        let scale = a.abs().max(b.abs());
        Miss { amount, relative: if scale > 0.0 { amount / scale } else { amount } }
    }
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
}

impl Parser<'_> {
    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn blank(&mut self) {
        self.at = self.text.len() - self.rest().trim_start().len();
    }

    fn expected(&self, what: &str) -> SpaceError {
        let place = self.text[..self.at].chars().count() + 1;
        SpaceError::Definition(format!("expression `{}`, character {place}: expected {what}", self.text))
    }

    /// Takes the first of these symbols that comes next.
    fn take(&mut self, symbols: &[&'static str]) -> Option<&'static str> {
        self.blank();
        let found = symbols.iter().find(|symbol| self.rest().starts_with(**symbol))?;
        self.at += found.len();
        Some(found)
    }

    fn any(&mut self) -> Result<Node, SpaceError> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(self.expected("fewer brackets within brackets"));
        }
        let mut left = self.all()?;
        while self.take(&["||"]).is_some() {
            left = Node::Or(left.into(), self.all()?.into());
        }
        self.depth -= 1;
        Ok(left)
    }

    fn all(&mut self) -> Result<Node, SpaceError> {
        let mut left = self.comparison()?;
        while self.take(&["&&"]).is_some() {
            left = Node::And(left.into(), self.comparison()?.into());
        }
        Ok(left)
    }

    fn comparison(&mut self) -> Result<Node, SpaceError> {
        let left = self.sum()?;
        let Some(how) = self.compare() else { return Ok(left) };
        let right = self.sum()?;
        if self.compare().is_some() {
            return Err(self.expected("one comparison at a time; join several by &&"));
        }
        Ok(Node::Compare(how, left.into(), right.into()))
    }

    fn compare(&mut self) -> Option<Comparison> {
        Some(match self.take(&["<=", ">=", "==", "!=", "<", ">"])? {
            "<=" => Comparison::AtMost,
            ">=" => Comparison::AtLeast,
            "==" => Comparison::Equal,
            "!=" => Comparison::Different,
            "<" => Comparison::Below,
            _ => Comparison::Above,
        })
    }

    fn sum(&mut self) -> Result<Node, SpaceError> {
        let mut left = self.product()?;
        while let Some(operator) = self.take(&["+", "-"]) {
            left = Node::Arithmetic(first(operator), left.into(), self.product()?.into());
        }
        Ok(left)
    }

    fn product(&mut self) -> Result<Node, SpaceError> {
        let mut left = self.power()?;
        while let Some(operator) = self.take(&["*", "/", "%"]) {
            left = Node::Arithmetic(first(operator), left.into(), self.power()?.into());
        }
        Ok(left)
    }

    fn power(&mut self) -> Result<Node, SpaceError> {
        self.blank();
        let sign = if self.rest().starts_with("!=") { None } else { self.take(&["-", "!"]) };
        if let Some(sign) = sign {
            self.depth += 1;
            if self.depth > DEEPEST {
                return Err(self.expected("fewer signs"));
            }
            let node = Box::new(self.power()?);
            self.depth -= 1;
            return Ok(if sign == "-" { Node::Negative(node) } else { Node::Not(node) });
        }
        let base = self.atom()?;
        if self.take(&["^"]).is_none() {
            return Ok(base);
        }
        Ok(Node::Arithmetic('^', base.into(), self.power()?.into()))
    }

    fn atom(&mut self) -> Result<Node, SpaceError> {
        if self.take(&["("]).is_some() {
            let inner = self.any()?;
            return match self.take(&[")"]) {
                Some(_) => Ok(inner),
                None => Err(self.expected("`)`")),
            };
        }
        if let Some(quote) = self.take(&["'", "\"", "`"]) {
            let Some(end) = self.rest().find(quote) else {
                return Err(self.expected(&format!("a closing {quote}")));
            };
            let inside = self.rest()[..end].to_string();
            self.at += end + quote.len();
            return Ok(if quote == "`" { Node::Name(inside) } else { Node::Text(inside) });
        }
        let word = |c: char| c.is_alphanumeric() || c == '_' || c == '.';
        let length = self.rest().find(|c| !word(c)).unwrap_or(self.rest().len());
        let found = self.rest()[..length].to_string();
        match found.chars().next() {
            None => Err(self.expected("a number, a name or `(`")),
            Some(c) if c.is_ascii_digit() || c == '.' => self.number(),
            Some(_) => {
                self.at += length;
                match found.as_str() {
                    "true" => Ok(Node::Number(1.0)),
                    "false" => Ok(Node::Number(0.0)),
                    _ if self.take(&["("]).is_some() => self.call(&found),
                    _ => Ok(Node::Name(found)),
                }
            }
        }
    }

    fn number(&mut self) -> Result<Node, SpaceError> {
        let bytes = self.rest().as_bytes();
        let mut end = bytes.iter().take_while(|b| b.is_ascii_digit() || **b == b'.').count();
        if matches!(bytes.get(end), Some(b'e' | b'E')) {
            let sign = usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
            let digits = bytes[end + 1 + sign..].iter().take_while(|b| b.is_ascii_digit()).count();
            end += if digits > 0 { 1 + sign + digits } else { 0 };
        }
        match self.rest()[..end].parse() {
            Ok(number) => {
                self.at += end;
                Ok(Node::Number(number))
            }
            Err(_) => Err(self.expected("a number")),
        }
    }

    fn call(&mut self, name: &str) -> Result<Node, SpaceError> {
        let Some(function) = FUNCTIONS.iter().position(|(known, ..)| *known == name) else {
            let known: Vec<&str> = FUNCTIONS.iter().map(|(known, ..)| *known).collect();
            return Err(self.expected(&format!(
                "a function that is known; there is no `{name}`{}",
                suggestion(name, &known)
            )));
        };
        let mut arguments = vec![self.any()?];
        while self.take(&[","]).is_some() {
            arguments.push(self.any()?);
        }
        if self.take(&[")"]).is_none() {
            return Err(self.expected("`)`"));
        }
        match FUNCTIONS[function].1 {
            Some(count) if count != arguments.len() => {
                Err(self.expected(&format!("{count} arguments of `{name}`, not {}", arguments.len())))
            }
            _ => Ok(Node::Call(function, arguments)),
        }
    }
}

fn first(symbol: &str) -> char {
    symbol.chars().next().unwrap_or('+')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Parameter;

    fn space() -> DesignSpace {
        DesignSpace::new(vec![
            Parameter::integer("rows", 1, 16),
            Parameter::real("x", -1.0, 1.0),
            Parameter::boolean("wide"),
            Parameter::categorical("kind", ["a", "b c"]),
            Parameter::integer("odd-name", 0, 3),
        ])
        .unwrap()
    }

    fn design() -> Design {
        Design::new([7.0, 0.5, 1.0, 1.0, 2.0])
    }

    #[test]
    fn arithmetic_follows_the_usual_rules() {
        for (text, expected) in [
            ("1 + 2 * 3", 7.0),
            ("-2 ^ 2", -4.0),
            ("2 ^ 3 ^ 2", 512.0),
            ("10 - 4 - 3", 3.0),
            ("7 % 4 / 2", 1.5),
            ("(1 + 2) * 3e0", 9.0),
            ("rows * x", 4.0),
            ("`odd-name` + wide", 3.0),
            ("max(1, rows, 3) + log2(8) - floor(2.5)", 9.0),
            ("kind == 'b c' && !(rows < 3)", 1.0),
            ("rows != 8 || x > 1", 0.0),
            ("1.5e-3 * 1000", 1.5),
        ] {
            let parsed = Expression::parse(text).unwrap();
            parsed.check(&space()).unwrap();
            assert_eq!(parsed.number(&space(), &design()), expected, "{text}");
        }
    }

    #[test]
    fn violations_say_by_how_much() {
        for (text, expected) in [
            ("rows <= 5", 3.0),
            ("rows > 8", BARELY),
            ("rows <= 5 && x <= 0", 3.5),
            ("rows <= 5 || x <= 0", 3.0), // the side that is nearer, relative to what it compares
            ("!(rows >= 5)", 3.0),
            ("kind == 'a'", 1.0),
            ("wide", 0.0),
            ("!wide", 1.0),
            ("rows == 10", 2.0),
            ("1 / 0 - 1 / 0 <= 1", 1.0),
        ] {
            let parsed = Expression::parse(text).unwrap();
            assert_eq!(parsed.violation(&space(), &design()), expected, "{text}");
        }
    }

    #[test]
    fn mistakes_are_named() {
        for (text, expected) in [
            ("rows <=", "character 8: expected a number"),
            ("rows <= 3)", "an operator instead of `)`"),
            ("1 < rows < 3", "join several by &&"),
            ("sqr(4)", "did you mean `sqrt`?"),
            ("pow(2)", "2 arguments of `pow`"),
            ("'a", "a closing '"),
            ("row <= 3", "did you mean `rows`?"),
            ("kind <= 'a'", "compare texts by == or !="),
            ("kind == 'c'", "`kind` is never 'c'"),
            ("kind + 1", "`kind` is a text"),
            ("kind == 3", "cannot be compared"),
            (&"(".repeat(200), "fewer brackets"),
            (&"-".repeat(2000), "fewer signs"),
        ] {
            let result = Expression::parse(text).and_then(|parsed| parsed.check(&space()));
            let message = result.err().map(|e| e.to_string()).unwrap_or_default();
            assert!(message.contains(expected), "{text}: {message}");
        }
    }
}
