//! Formulas of behavioural sources: expressions of node voltages, branch currents, time and parameters, with their slopes.
//!
//! A formula is a list of nodes, each of which needs only earlier ones. Values are found front to back, the slope over every input back to
//! front in one pass, however many inputs there are.

use std::f64::consts::PI;
use std::sync::Arc;

use super::expression::{Expr, Op};
use super::{Slots, Value};

/// Nodes of one formula.
const MAX_NODES: usize = 20_000;
/// User functions nested deeper than this are taken for recursion.
const MAX_NESTING: usize = 100;
/// Slopes are cut to this, so that a square root at zero keeps the equations solvable.
const MAX_SLOPE: f64 = 1e15;

/// What a formula depends on besides parameters.
#[derive(Debug, Clone, PartialEq)]
pub enum Input {
    /// Voltage between two nodes; 0 is ground.
    Voltage(u32, u32),
    /// Current of a branch, by element name.
    Current(String),
}

type Function1 = fn(f64) -> f64;
type Slope1 = fn(f64, f64) -> f64;

#[derive(Debug, Clone)]
enum Node {
    Const(f64),
    Slot(u32),
    Time,
    Input(u32),
    Neg(u32),
    /// A function and its slope over argument and result.
    One(Function1, Slope1, u32),
    Two(Op, u32, u32),
    Power(u32, u32),
    /// `sgn(a) |a|^b`.
    SignedPower(u32, u32),
    Least(u32, u32),
    Greatest(u32, u32),
    Choose(u32, u32, u32),
    /// Straight lines between points, extended beyond the ends.
    Lines(u32, Arc<[[f64; 2]]>),
    /// The same with level ends and corners rounded over a tenth of the shorter neighbour, as ngspice's tables are.
    Rounded(u32, Arc<[[f64; 2]]>),
}

/// A compiled formula. The last node is its value.
#[derive(Debug, Clone)]
pub struct Formula {
    nodes: Vec<Node>,
    /// Inputs in order of first use.
    pub inputs: Vec<Input>,
}

/// Work space of an evaluation.
#[derive(Debug, Clone, Default)]
pub struct Work {
    values: Vec<f64>,
    adjoints: Vec<f64>,
    /// Slopes over the inputs.
    pub slopes: Vec<f64>,
}

/// Explains the names of a formula.
pub trait Names {
    /// A parameter.
    fn parameter(&mut self, name: &str) -> Result<Value, String>;
    /// An input by `v` or `i` and its arguments.
    fn input(&mut self, kind: &str, words: &[String]) -> Result<Input, String>;
    /// Parameters and body of a user function.
    fn function(&self, name: &str) -> Option<(Vec<String>, Expr)>;
}

/// Ramp, steps and other functions of behavioural sources, with their slopes.
const FUNCTIONS: [(&str, Function1, Slope1); 35] = [
    ("sqrt", f64::sqrt, |_, y| 0.5 / y),
    (
        "exp",
        |x| if x > 227.955_924_2 { 1e99 } else { x.exp() },
        |x, y| if x > 227.955_924_2 { 0.0 } else { y },
    ),
    ("ln", logarithm, |x, _| 1.0 / x),
    ("log", logarithm, |x, _| 1.0 / x),
    ("log10", |x| if x == 0.0 { -1e99 } else { x.log10() }, |x, _| 1.0 / (x * std::f64::consts::LN_10)),
    ("abs", f64::abs, |x, _| sign(x)),
    ("sgn", sign, |_, _| 0.0),
    ("int", f64::trunc, |_, _| 0.0),
    ("trunc", f64::trunc, |_, _| 0.0),
    ("floor", f64::floor, |_, _| 0.0),
    ("ceil", f64::ceil, |_, _| 0.0),
    ("nint", f64::round_ties_even, |_, _| 0.0),
    ("sin", |x| (x % (2.0 * PI)).sin(), |x, _| (x % (2.0 * PI)).cos()),
    ("cos", |x| (x % (2.0 * PI)).cos(), |x, _| -(x % (2.0 * PI)).sin()),
    ("tan", |x| (x % PI).tan(), |_, y| 1.0 + y * y),
    ("asin", f64::asin, |x, _| 1.0 / (1.0 - x * x).sqrt()),
    ("acos", f64::acos, |x, _| -1.0 / (1.0 - x * x).sqrt()),
    ("atan", f64::atan, |x, _| 1.0 / (1.0 + x * x)),
    ("arctan", f64::atan, |x, _| 1.0 / (1.0 + x * x)),
    ("sinh", f64::sinh, |x, _| x.cosh()),
    ("cosh", f64::cosh, |x, _| x.sinh()),
    ("tanh", f64::tanh, |_, y| 1.0 - y * y),
    ("asinh", f64::asinh, |x, _| 1.0 / (x * x + 1.0).sqrt()),
    ("acosh", f64::acosh, |x, _| 1.0 / (x * x - 1.0).sqrt()),
    ("atanh", f64::atanh, |x, _| 1.0 / (1.0 - x * x)),
    ("sqr", |x| x * x, |x, _| 2.0 * x),
    ("u", |x| 0.5 * (sign(x) + 1.0), |_, _| 0.0),
    ("u2", |x| x.clamp(0.0, 1.0), |x, _| f64::from(u8::from(x > 0.0 && x <= 1.0))),
    ("uramp", |x| x.max(0.0), |x, _| f64::from(u8::from(x > 0.0))),
    ("eq0", |x| f64::from(u8::from(x == 0.0)), |_, _| 0.0),
    ("gt0", |x| f64::from(u8::from(x > 0.0)), |_, _| 0.0),
    ("lt0", |x| f64::from(u8::from(x < 0.0)), |_, _| 0.0),
    ("ge0", |x| f64::from(u8::from(x >= 0.0)), |_, _| 0.0),
    ("le0", |x| f64::from(u8::from(x <= 0.0)), |_, _| 0.0),
    ("ne0", |x| f64::from(u8::from(x != 0.0)), |_, _| 0.0),
];

fn sign(x: f64) -> f64 {
    if x > 0.0 {
        1.0
    } else if x < 0.0 {
        -1.0
    } else {
        0.0
    }
}

fn logarithm(x: f64) -> f64 {
    if x == 0.0 { -1e99 } else { x.ln() }
}

impl Formula {
    /// Compiles a tree. `names` explains parameters, inputs and user functions.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub fn compile(tree: &Expr, names: &mut dyn Names) -> Result<Self, String> {
        let mut formula = Self { nodes: Vec::new(), inputs: Vec::new() };
        formula.emit(tree, names, 0)?;
        Ok(formula)
    }

    /// Whether it depends on the time.
    pub fn has_time(&self) -> bool {
        self.nodes.iter().any(|n| matches!(n, Node::Time))
    }

    fn push(&mut self, node: Node) -> Result<u32, String> {
        if self.nodes.len() >= MAX_NODES {
            return Err(format!("the formula has more than {MAX_NODES} operations"));
        }
        self.nodes.push(node);
        Ok(self.nodes.len() as u32 - 1)
    }

    fn emit(&mut self, tree: &Expr, names: &mut dyn Names, nesting: usize) -> Result<u32, String> {
        match tree {
            Expr::Number(v) => self.push(Node::Const(*v)),
            Expr::Name(name) if name == "time" => self.push(Node::Time),
            Expr::Name(name) if name == "hertz" => {
                Err("formulas that depend on the frequency (`hertz`) are not available".into())
            }
            Expr::Name(name) => {
                let value = match names.parameter(name) {
                    Ok(value) => value,
                    Err(_) if name == "e" => Value::Const(std::f64::consts::E),
                    Err(e) => return Err(e),
                };
                match value {
                    Value::Const(v) => self.push(Node::Const(v)),
                    Value::Slot(s) => self.push(Node::Slot(s)),
                }
            }
            Expr::Unary(op, a) => {
                let a = self.emit(a, names, nesting)?;
                match op {
                    Op::Neg => self.push(Node::Neg(a)),
                    _ => self.push(Node::One(|x| f64::from(u8::from(x == 0.0)), |_, _| 0.0, a)),
                }
            }
            Expr::Binary(op, a, b) => {
                let (a, b) = (self.emit(a, names, nesting)?, self.emit(b, names, nesting)?);
                match op {
                    Op::Pow => self.push(Node::Power(a, b)),
                    op => self.push(Node::Two(*op, a, b)),
                }
            }
            Expr::Choice(c, a, b) => {
                let c = self.emit(c, names, nesting)?;
                let (a, b) = (self.emit(a, names, nesting)?, self.emit(b, names, nesting)?);
                self.push(Node::Choose(c, a, b))
            }
            Expr::Call(name, arguments) => self.call(name, arguments, names, nesting),
        }
    }

    fn call(
        &mut self,
        name: &str,
        arguments: &[Expr],
        names: &mut dyn Names,
        nesting: usize,
    ) -> Result<u32, String> {
        if matches!(name, "v" | "i") {
            let words = arguments.iter().map(word).collect::<Option<Vec<_>>>();
            let Some(words) = words.filter(|w| !w.is_empty()) else {
                return Err(format!("`{name}(...)` takes the name of a node or source"));
            };
            let input = names.input(name, &words)?;
            let index = self.inputs.iter().position(|i| *i == input).unwrap_or_else(|| {
                self.inputs.push(input);
                self.inputs.len() - 1
            });
            return self.push(Node::Input(index as u32));
        }
        if let Some((parameters, body)) = names.function(name) {
            if nesting >= MAX_NESTING {
                return Err("user functions call each other without end".into());
            }
            if parameters.len() != arguments.len() {
                let found = arguments.len();
                return Err(format!("`{name}` takes {} arguments, found {found}", parameters.len()));
            }
            let inlined = super::expression::substitute(&body, &parameters, arguments);
            return self.emit(&inlined, names, nesting + 1);
        }
        let expected = |n: usize| match arguments.len() == n {
            true => Ok(()),
            false => Err(format!("`{name}` takes {n} argument(s), found {}", arguments.len())),
        };
        if let Some((_, f, slope)) = FUNCTIONS.iter().find(|f| f.0 == name) {
            expected(1)?;
            let a = self.emit(&arguments[0], names, nesting)?;
            return self.push(Node::One(*f, *slope, a));
        }
        match name {
            "pow" | "pwr" | "atan2" => expected(2)?,
            "ternary_fcn" | "if" | "limit" => expected(3)?,
            "min" | "max" if arguments.is_empty() => expected(2)?,
            _ => {}
        }
        match name {
            "min" | "max" => {
                let mut a = self.emit(&arguments[0], names, nesting)?;
                for other in &arguments[1..] {
                    let b = self.emit(other, names, nesting)?;
                    a = self.push(if name == "min" { Node::Least(a, b) } else { Node::Greatest(a, b) })?;
                }
                Ok(a)
            }
            "pow" | "pwr" => {
                let (a, b) =
                    (self.emit(&arguments[0], names, nesting)?, self.emit(&arguments[1], names, nesting)?);
                self.push(if name == "pow" { Node::Power(a, b) } else { Node::SignedPower(a, b) })
            }
            "ternary_fcn" | "if" => {
                let [c, a, b] = [0, 1, 2].map(|i| self.emit(&arguments[i], names, nesting));
                let (c, a, b) = (c?, a?, b?);
                self.push(Node::Choose(c, a, b))
            }
            "limit" => {
                let [x, a, b] = [0, 1, 2].map(|i| self.emit(&arguments[i], names, nesting));
                let (x, a, b) = (x?, a?, b?);
                let (low, high) = (self.push(Node::Least(a, b))?, self.push(Node::Greatest(a, b))?);
                let cut = self.push(Node::Least(x, high))?;
                self.push(Node::Greatest(cut, low))
            }
            "pwl" | "table#" => {
                let Some((x, points)) =
                    arguments.split_first().filter(|(_, p)| p.len() >= 4 && p.len() % 2 == 0)
                else {
                    return Err(format!("`{name}` takes an argument and two or more pairs of numbers"));
                };
                let numbers = points.iter().map(constant).collect::<Option<Vec<f64>>>();
                let Some(numbers) = numbers else {
                    return Err(format!("the points of `{name}` must be numbers"));
                };
                let points: Arc<[[f64; 2]]> = numbers.chunks_exact(2).map(|p| [p[0], p[1]]).collect();
                if points.windows(2).any(|w| w[1][0] <= w[0][0]) {
                    return Err(format!("the abscissae of `{name}` must increase"));
                }
                let x = self.emit(x, names, nesting)?;
                self.push(if name == "pwl" { Node::Lines(x, points) } else { Node::Rounded(x, points) })
            }
            "ddt" => Err("time derivatives (`ddt`) are not available".into()),
            "agauss" | "gauss" | "aunif" | "unif" if !arguments.is_empty() => {
                self.emit(&arguments[0], names, nesting)
            }
            _ => Err(format!(
                "unknown function `{name}`{}",
                crate::error::did_you_mean(
                    name,
                    FUNCTIONS.iter().map(|f| f.0).chain(["min", "max", "pow", "pwr", "pwl", "v", "i"])
                )
            )),
        }
    }

    /// Value at `inputs` and `time` (s); the slopes over the inputs are left in the work space.
    pub fn evaluate(&self, slots: &Slots, inputs: &[f64], time: f64, work: &mut Work) -> f64 {
        let values = &mut work.values;
        values.clear();
        for node in &self.nodes {
            let at = |i: u32| values[i as usize];
            let v = match node {
                Node::Const(v) => *v,
                Node::Slot(s) => slots.get(Value::Slot(*s)),
                Node::Time => time,
                Node::Input(i) => inputs[*i as usize],
                Node::Neg(a) => -at(*a),
                Node::One(f, _, a) => f(at(*a)),
                Node::Two(op, a, b) => two(*op, at(*a), at(*b)),
                Node::Power(a, b) => at(*a).abs().powf(at(*b)),
                Node::SignedPower(a, b) => at(*a).abs().powf(at(*b)).copysign(at(*a)),
                Node::Least(a, b) => at(*a).min(at(*b)),
                Node::Greatest(a, b) => at(*a).max(at(*b)),
                Node::Choose(c, a, b) => at(if at(*c) != 0.0 { *a } else { *b }),
                Node::Lines(x, points) => lines(at(*x), points).0,
                Node::Rounded(x, points) => rounded(at(*x), points).0,
            };
            values.push(v);
        }
        self.slopes(work);
        work.values.last().copied().unwrap_or(0.0)
    }

    fn slopes(&self, work: &mut Work) {
        let Work { values, adjoints, slopes } = work;
        adjoints.clear();
        adjoints.resize(values.len(), 0.0);
        slopes.clear();
        slopes.resize(self.inputs.len(), 0.0);
        let Some(last) = adjoints.last_mut() else { return };
        *last = 1.0;
        for (i, node) in self.nodes.iter().enumerate().rev() {
            let w = adjoints[i];
            if w == 0.0 {
                continue;
            }
            let (at, y) = (|i: u32| values[i as usize], values[i]);
            let mut add = |i: u32, slope: f64| {
                if slope != 0.0 && !slope.is_nan() {
                    adjoints[i as usize] += (w * slope).clamp(-MAX_SLOPE, MAX_SLOPE);
                }
            };
            match node {
                Node::Const(_) | Node::Slot(_) | Node::Time => {}
                Node::Input(k) => slopes[*k as usize] += w,
                Node::Neg(a) => add(*a, -1.0),
                Node::One(_, slope, a) => add(*a, slope(at(*a), y)),
                Node::Two(Op::Add, a, b) => {
                    add(*a, 1.0);
                    add(*b, 1.0);
                }
                Node::Two(Op::Sub, a, b) => {
                    add(*a, 1.0);
                    add(*b, -1.0);
                }
                Node::Two(Op::Mul, a, b) => {
                    add(*a, at(*b));
                    add(*b, at(*a));
                }
                Node::Two(Op::Div, a, b) => {
                    add(*a, 1.0 / at(*b));
                    add(*b, -y / at(*b));
                }
                Node::Two(Op::Rem, a, _) => add(*a, 1.0),
                Node::Two(..) => {}
                Node::Power(a, b) => {
                    let (x, n) = (at(*a), at(*b));
                    add(*a, if n == 0.0 { 0.0 } else { n * x.abs().powf(n - 1.0) * sign(x) });
                    if x != 0.0 {
                        add(*b, y * x.abs().ln());
                    }
                }
                Node::SignedPower(a, b) => {
                    let (x, n) = (at(*a), at(*b));
                    add(*a, if n == 0.0 { 0.0 } else { n * x.abs().powf(n - 1.0) });
                    if x != 0.0 {
                        add(*b, y * x.abs().ln());
                    }
                }
                Node::Least(a, b) => add(if at(*a) > at(*b) { *b } else { *a }, 1.0),
                Node::Greatest(a, b) => add(if at(*a) > at(*b) { *a } else { *b }, 1.0),
                Node::Choose(c, a, b) => add(if at(*c) != 0.0 { *a } else { *b }, 1.0),
                Node::Lines(x, points) => add(*x, lines(at(*x), points).1),
                Node::Rounded(x, points) => add(*x, rounded(at(*x), points).1),
            }
        }
    }
}

fn two(op: Op, a: f64, b: f64) -> f64 {
    let truth = |t: bool| f64::from(u8::from(t));
    match op {
        Op::Add => a + b,
        Op::Sub => a - b,
        Op::Mul => a * b,
        // ngspice moves a divisor away from zero by gmin * 1e-20.
        Op::Div if b == 0.0 => a / 1e-32,
        Op::Div => a / b,
        Op::Rem => a % b,
        Op::Lt => truth(a < b),
        Op::Le => truth(a <= b),
        Op::Gt => truth(a > b),
        Op::Ge => truth(a >= b),
        Op::Eq => truth(a == b),
        Op::Ne => truth(a != b),
        Op::And => truth(a != 0.0 && b != 0.0),
        Op::Or => truth(a != 0.0 || b != 0.0),
        _ => f64::NAN,
    }
}

/// Value and slope of straight lines through `points`, extended.
fn lines(x: f64, points: &[[f64; 2]]) -> (f64, f64) {
    let k = points.partition_point(|p| p[0] <= x).clamp(1, points.len() - 1);
    let ([x0, y0], [x1, y1]) = (points[k - 1], points[k]);
    let slope = (y1 - y0) / (x1 - x0);
    (y0 + (x - x0) * slope, slope)
}

/// Value and slope of lines with level ends whose corners are parabolas.
fn rounded(x: f64, points: &[[f64; 2]]) -> (f64, f64) {
    let last = points.len() - 1;
    // The corner nearest to x, and the slopes on both sides of it.
    let k = points.windows(2).position(|w| x < 0.5 * (w[0][0] + w[1][0])).unwrap_or(last);
    let [xc, yc] = points[k];
    let side = |i: usize, j: usize| {
        let ([x0, y0], [x1, y1]) = (points[i], points[j]);
        ((y1 - y0) / (x1 - x0), x1 - x0)
    };
    let inner = if k > 0 { side(k - 1, k) } else { (0.0, side(0, 1).1) };
    let outer = if k < last { side(k, k + 1) } else { (0.0, inner.1) };
    let domain = 0.1 * inner.1.min(outer.1);
    let d = x - xc;
    if d < -domain {
        (yc + d * inner.0, inner.0)
    } else if d >= domain {
        (yc + d * outer.0, outer.0)
    } else {
        let (bend, mean) = (0.25 * (outer.0 - inner.0) / domain, 0.5 * (outer.0 + inner.0));
        (yc + d * mean + bend * (d * d + domain * domain), mean + 2.0 * bend * d)
    }
}

/// A name, or a number that stands for a node.
fn word(tree: &Expr) -> Option<String> {
    match tree {
        Expr::Name(name) => Some(name.clone()),
        Expr::Number(v) if *v >= 0.0 && v.fract() == 0.0 => Some(format!("{v}")),
        _ => None,
    }
}

fn constant(tree: &Expr) -> Option<f64> {
    match tree {
        Expr::Number(v) => Some(*v),
        Expr::Unary(Op::Neg, a) => constant(a).map(|v| -v),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One node, and a parameter `p` of 2.
    struct One;

    impl Names for One {
        fn parameter(&mut self, name: &str) -> Result<Value, String> {
            if name == "p" { Ok(Value::Const(2.0)) } else { Err(format!("no {name}")) }
        }

        fn input(&mut self, _: &str, _: &[String]) -> Result<Input, String> {
            Ok(Input::Voltage(1, 0))
        }

        fn function(&self, _: &str) -> Option<(Vec<String>, Expr)> {
            None
        }
    }

    fn at(text: &str, x: f64) -> (f64, f64) {
        let tree = super::super::expression::parse(text).unwrap();
        let formula = Formula::compile(&tree, &mut One).unwrap();
        let mut work = Work::default();
        let y = formula.evaluate(&Slots::default(), &[x], 0.25, &mut work);
        (y, work.slopes.first().copied().unwrap_or(0.0))
    }

    #[test]
    fn slopes_are_derivatives() {
        for text in [
            "v(a)*v(a)+p*v(a)",
            "exp(v(a)/p)/(1+v(a))",
            "sin(v(a))*cos(p*v(a))",
            "v(a)^3 - pwr(v(a),1.5)",
            "v(a) > 0.5 ? sqrt(v(a)) : v(a)",
            "max(v(a), 0.2*v(a)**2)",
            "tanh(3*v(a)) + atan(v(a))",
            "pwl(v(a), 0, 0, 1, 2, 2, 3)",
            "table#(v(a), 0, 0, 1, 2, 2, 3)",
            "limit(v(a), -1, 1)*uramp(v(a))",
        ] {
            for x in [0.11, 0.83, 0.97, 1.04, 1.7] {
                let h = 1e-6;
                let numeric = (at(text, x + h).0 - at(text, x - h).0) / (2.0 * h);
                let slope = at(text, x).1;
                assert!(
                    (slope - numeric).abs() < 1e-6 * (1.0 + slope.abs()),
                    "{text} at {x}: {slope} {numeric}"
                );
            }
        }
        assert_eq!(at("time*4", 0.0), (1.0, 0.0));
    }

    #[test]
    fn a_square_root_at_zero_keeps_a_finite_slope() {
        let (y, slope) = at("sqrt(v(a))", 0.0);
        assert!(y == 0.0 && slope.is_finite());
    }
}
