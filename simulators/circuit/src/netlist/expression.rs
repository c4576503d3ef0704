//! Parameter expressions: a small recursive-descent parser to a tree, compiled to a flat stack program.
//!
//! Operators, loosest first: `?:`, `||`, `&&`, comparisons, `+ -`, `* / %`, unary `+ - !`, `^ **` (right-associative). Names are looked up when
//! the tree is compiled, so one tree serves every instance of a subcircuit.

use super::number::number_prefix;

/// Expressions nested deeper than this are rejected (a hostile deck must not overflow the stack).
const MAX_DEPTH: usize = 200;
/// Binary operators of one expression. A chain of them is a tree as deep as it is long, and trees are walked by recursion.
const MAX_OPERATORS: usize = 4000;
/// Evaluation stack; the compiler rejects programs that need more.
const STACK: usize = 64;

/// A parsed expression.
#[derive(Debug, Clone)]
pub enum Expr {
    /// A literal.
    Number(f64),
    /// A parameter.
    Name(String),
    /// Prefix `-` or `!`.
    Unary(Op, Box<Expr>),
    /// An infix operator.
    Binary(Op, Box<Expr>, Box<Expr>),
    /// A function call.
    Call(String, Vec<Expr>),
    /// `condition ? a : b`.
    Choice(Box<Expr>, Box<Expr>, Box<Expr>),
}

/// One instruction of a compiled expression.
#[derive(Debug, Clone, Copy)]
pub enum Op {
    /// Push a literal.
    Push(f64),
    /// Push the value of a slot.
    Load(u32),
    /// Negate.
    Neg,
    /// Logical not.
    Not,
    /// `a + b`.
    Add,
    /// `a - b`.
    Sub,
    /// `a * b`.
    Mul,
    /// `a / b`.
    Div,
    /// Remainder.
    Rem,
    /// `a ^ b`, that is `|a| ^ b`.
    Pow,
    /// `a < b`.
    Lt,
    /// `a <= b`.
    Le,
    /// `a > b`.
    Gt,
    /// `a >= b`.
    Ge,
    /// `a == b`.
    Eq,
    /// `a != b`.
    Ne,
    /// `a && b`.
    And,
    /// `a || b`.
    Or,
    /// `c ? a : b` with all three on the stack.
    Select,
    /// A function of one argument.
    Call1(fn(f64) -> f64),
    /// A function of two arguments.
    Call2(fn(f64, f64) -> f64),
}

/// Where and why parsing stopped.
#[derive(Debug, Clone, PartialEq)]
pub struct ParseError {
    /// Byte offset in the text.
    pub offset: usize,
    /// What was found and what was expected.
    pub message: String,
}

/// Parses `text` (without its surrounding braces or quotes). Names come out in lower case.
pub fn parse(text: &str) -> Result<Expr, ParseError> {
    let mut parser = Parser { text, at: 0, depth: 0, operators: 0 };
    let tree = parser.choice()?;
    parser.space();
    if parser.at < text.len() {
        return parser.fail("expected an operator or the end of the expression");
    }
    Ok(tree)
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
    operators: usize,
}

impl Parser<'_> {
    fn fail<T>(&self, expected: &str) -> Result<T, ParseError> {
        let found = self.text[self.at..].chars().next().map_or("the end".to_string(), |c| format!("`{c}`"));
        Err(ParseError { offset: self.at, message: format!("found {found}, {expected}") })
    }

    fn space(&mut self) {
        let rest = &self.text[self.at..];
        self.at += rest.len() - rest.trim_start().len();
    }

    fn take(&mut self, token: &str) -> bool {
        self.space();
        let hit = self.text[self.at..].starts_with(token);
        if hit {
            self.at += token.len();
        }
        hit
    }

    fn choice(&mut self) -> Result<Expr, ParseError> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return self.fail("expected an expression nested less than 200 deep");
        }
        let condition = self.infix(0)?;
        let tree = if self.take("?") {
            let yes = self.choice()?;
            if !self.take(":") {
                return self.fail("expected `:` of the conditional `?:`");
            }
            let no = self.choice()?;
            Expr::Choice(Box::new(condition), Box::new(yes), Box::new(no))
        } else {
            condition
        };
        self.depth -= 1;
        Ok(tree)
    }

    /// Binary operators by precedence level; every level is left-associative.
    fn infix(&mut self, level: usize) -> Result<Expr, ParseError> {
        const LEVELS: [&[(&str, Op)]; 5] = [
            &[("||", Op::Or), ("|", Op::Or)],
            &[("&&", Op::And), ("&", Op::And)],
            &[
                ("==", Op::Eq),
                ("!=", Op::Ne),
                ("<>", Op::Ne),
                ("<=", Op::Le),
                (">=", Op::Ge),
                ("<", Op::Lt),
                (">", Op::Gt),
                ("=", Op::Eq),
            ],
            &[("+", Op::Add), ("-", Op::Sub)],
            &[("*", Op::Mul), ("/", Op::Div), ("%", Op::Rem)],
        ];
        if level == LEVELS.len() {
            return self.unary();
        }
        let mut left = self.infix(level + 1)?;
        'next: loop {
            self.space();
            for (token, op) in LEVELS[level] {
                if *token == "*" && self.text[self.at..].starts_with("**") {
                    continue;
                }
                if self.take(token) {
                    self.operators += 1;
                    if self.operators > MAX_OPERATORS {
                        return self.fail("expected at most 4000 operators; split the expression");
                    }
                    let right = self.infix(level + 1)?;
                    left = Expr::Binary(*op, Box::new(left), Box::new(right));
                    continue 'next;
                }
            }
            return Ok(left);
        }
    }

    fn unary(&mut self) -> Result<Expr, ParseError> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return self.fail("expected an expression nested less than 200 deep");
        }
        self.space();
        let tree = if self.take("-") {
            Expr::Unary(Op::Neg, Box::new(self.unary()?))
        } else if self.take("+") {
            self.unary()?
        } else if !self.text[self.at..].starts_with("!=") && self.take("!") {
            Expr::Unary(Op::Not, Box::new(self.unary()?))
        } else {
            let base = self.primary()?;
            if self.take("**") || self.take("^") {
                Expr::Binary(Op::Pow, Box::new(base), Box::new(self.unary()?))
            } else {
                base
            }
        };
        self.depth -= 1;
        Ok(tree)
    }

    fn primary(&mut self) -> Result<Expr, ParseError> {
        self.space();
        let rest = &self.text[self.at..];
        if let Some((value, used)) = number_prefix(rest).filter(|_| !rest.starts_with(['+', '-'])) {
            self.at += used;
            return Ok(Expr::Number(value));
        }
        for (open, close) in [("(", ")"), ("{", "}"), ("'", "'")] {
            if self.take(open) {
                let inner = self.choice()?;
                if !self.take(close) {
                    return self.fail(&format!("expected `{close}` for an earlier `{open}`"));
                }
                return Ok(inner);
            }
        }
        let length = rest.bytes().take_while(|c| c.is_ascii_alphanumeric() || b"_.#@$[]".contains(c)).count();
        if length == 0 || rest.starts_with(|c: char| c.is_ascii_digit()) {
            return self.fail("expected a number, a name or `(`");
        }
        let name = rest[..length].to_ascii_lowercase();
        self.at += length;
        if !self.take("(") {
            return Ok(Expr::Name(name));
        }
        // Names of nodes and sources may hold any character.
        if matches!(name.as_str(), "v" | "i")
            && let Some(close) = self.text[self.at..].find(')')
        {
            let inner = &self.text[self.at..self.at + close];
            if !inner.contains('(') && inner.split(',').all(|w| !w.trim().is_empty()) {
                self.at += close + 1;
                let words = inner.split(',').map(|w| Expr::Name(w.trim().to_ascii_lowercase()));
                return Ok(Expr::Call(name, words.collect()));
            }
        }
        let mut arguments = Vec::new();
        if !self.take(")") {
            loop {
                arguments.push(self.choice()?);
                if self.take(")") {
                    break;
                }
                if !self.take(",") {
                    return self.fail("expected `,` or `)` in a function call");
                }
            }
        }
        Ok(Expr::Call(name, arguments))
    }
}

/// A function of one argument by name.
type Named1 = (&'static str, fn(f64) -> f64);
/// A function of two arguments by name.
type Named2 = (&'static str, fn(f64, f64) -> f64);
/// Finds a user function: its parameters and body.
pub type FindFunction<'a> = &'a dyn Fn(&str) -> Option<(Vec<String>, Expr)>;

const ONE: [Named1; 26] = [
    ("sqrt", f64::sqrt),
    ("exp", f64::exp),
    ("ln", f64::ln),
    ("log", f64::ln),
    ("log10", f64::log10),
    ("abs", f64::abs),
    ("int", f64::trunc),
    ("trunc", f64::trunc),
    ("floor", f64::floor),
    ("ceil", f64::ceil),
    ("nint", f64::round_ties_even),
    ("sgn", |x| {
        if x > 0.0 {
            1.0
        } else if x < 0.0 {
            -1.0
        } else {
            0.0
        }
    }),
    ("sin", f64::sin),
    ("cos", f64::cos),
    ("tan", f64::tan),
    ("asin", f64::asin),
    ("acos", f64::acos),
    ("atan", f64::atan),
    ("sinh", f64::sinh),
    ("cosh", f64::cosh),
    ("tanh", f64::tanh),
    ("asinh", f64::asinh),
    ("acosh", f64::acosh),
    ("atanh", f64::atanh),
    ("sqr", |x| x * x),
    ("arctan", f64::atan),
];
const TWO: [Named2; 5] = [
    ("pow", f64::powf),
    ("pwr", |x, y| x.abs().powf(y)),
    ("min", f64::min),
    ("max", f64::max),
    ("atan2", f64::atan2),
];
/// Statistical functions: their nominal value is the first argument.
const NOMINAL: [(&str, usize); 6] =
    [("agauss", 3), ("gauss", 3), ("aunif", 2), ("unif", 2), ("limit", 2), ("ternary_fcn", 3)];

/// Names of all functions, for suggestions.
fn function_names() -> impl Iterator<Item = &'static str> {
    ONE.iter().map(|f| f.0).chain(TWO.iter().map(|f| f.0)).chain(NOMINAL.iter().map(|f| f.0))
}

/// Compiles a tree to stack code. `resolve` maps a parameter name to a slot or a constant, or explains why not; `function` returns the
/// parameters and body of a user function.
pub fn compile(
    tree: &Expr,
    resolve: &mut dyn FnMut(&str) -> Result<Op, String>,
    function: FindFunction<'_>,
    out: &mut Vec<Op>,
) -> Result<(), String> {
    emit(tree, resolve, function, out, 0)?;
    let (mut depth, mut deepest) = (0i64, 0i64);
    for op in out.iter() {
        depth += match op {
            Op::Push(_) | Op::Load(_) => 1,
            Op::Neg | Op::Not | Op::Call1(_) => 0,
            Op::Select => -2,
            _ => -1,
        };
        deepest = deepest.max(depth);
    }
    if deepest as usize > STACK {
        return Err(format!(
            "needs {deepest} intermediate values, at most {STACK} are kept; split the expression"
        ));
    }
    Ok(())
}

fn emit(
    tree: &Expr,
    resolve: &mut dyn FnMut(&str) -> Result<Op, String>,
    function: FindFunction<'_>,
    out: &mut Vec<Op>,
    nesting: usize,
) -> Result<(), String> {
    if nesting > 4 * MAX_DEPTH || out.len() > 100_000 {
        return Err("user functions call each other without end".to_string());
    }
    match tree {
        Expr::Number(v) => out.push(Op::Push(*v)),
        Expr::Name(name) => out.push(resolve(name)?),
        Expr::Unary(op, a) => {
            emit(a, resolve, function, out, nesting + 1)?;
            out.push(*op);
        }
        Expr::Binary(op, a, b) => {
            emit(a, resolve, function, out, nesting + 1)?;
            emit(b, resolve, function, out, nesting + 1)?;
            out.push(*op);
        }
        Expr::Choice(c, a, b) => {
            for part in [c, a, b] {
                emit(part, resolve, function, out, nesting + 1)?;
            }
            out.push(Op::Select);
        }
        Expr::Call(name, arguments) => {
            if let Some((parameters, body)) = function(name) {
                if parameters.len() != arguments.len() {
                    return Err(format!(
                        "`{name}` takes {} arguments, found {}",
                        parameters.len(),
                        arguments.len()
                    ));
                }
                let inlined = substitute(&body, &parameters, arguments);
                return emit(&inlined, resolve, function, out, nesting + 10);
            }
            let expected = |n: usize| match arguments.len() == n {
                true => Ok(()),
                false => Err(format!("`{name}` takes {n} argument(s), found {}", arguments.len())),
            };
            if let Some((_, f)) = ONE.iter().find(|f| f.0 == name) {
                expected(1)?;
                emit(&arguments[0], resolve, function, out, nesting + 1)?;
                out.push(Op::Call1(*f));
            } else if let Some((_, f)) = TWO.iter().find(|f| f.0 == name) {
                if arguments.is_empty() || (arguments.len() != 2 && !matches!(name.as_str(), "min" | "max")) {
                    expected(2)?;
                }
                emit(&arguments[0], resolve, function, out, nesting + 1)?;
                for argument in &arguments[1..] {
                    emit(argument, resolve, function, out, nesting + 1)?;
                    out.push(Op::Call2(*f));
                }
            } else if name == "ternary_fcn" {
                expected(3)?;
                let choice = Expr::Choice(
                    Box::new(arguments[0].clone()),
                    Box::new(arguments[1].clone()),
                    Box::new(arguments[2].clone()),
                );
                emit(&choice, resolve, function, out, nesting + 1)?;
            } else if let Some((_, n)) = NOMINAL.iter().find(|f| f.0 == name) {
                expected(*n)?;
                emit(&arguments[0], resolve, function, out, nesting + 1)?;
            } else if matches!(name.as_str(), "v" | "i") {
                return Err(format!(
                    "`{name}(...)` is a voltage or current of the circuit, and expressions know parameters only: behavioural elements are not supported"
                ));
            } else {
                return Err(format!(
                    "unknown function `{name}`{}",
                    crate::error::did_you_mean(name, function_names())
                ));
            }
        }
    }
    Ok(())
}

pub(super) fn substitute(tree: &Expr, parameters: &[String], arguments: &[Expr]) -> Expr {
    let again = |t: &Expr| Box::new(substitute(t, parameters, arguments));
    match tree {
        Expr::Number(v) => Expr::Number(*v),
        Expr::Name(n) => {
            parameters.iter().position(|p| p == n).map_or_else(|| tree.clone(), |i| arguments[i].clone())
        }
        Expr::Unary(op, a) => Expr::Unary(*op, again(a)),
        Expr::Binary(op, a, b) => Expr::Binary(*op, again(a), again(b)),
        Expr::Choice(c, a, b) => Expr::Choice(again(c), again(a), again(b)),
        // Names of nodes and sources are not those of arguments.
        Expr::Call(n, _) if matches!(n.as_str(), "v" | "i") => tree.clone(),
        Expr::Call(n, list) => Expr::Call(n.clone(), list.iter().map(|a| *again(a)).collect()),
    }
}

/// Runs a compiled program over the slot values. Programs come from [`compile`], which bounds their stack.
pub fn run(program: &[Op], slots: &[f64]) -> f64 {
    let mut stack = [0.0f64; STACK];
    let mut top = 0;
    let truth = |b: bool| if b { 1.0 } else { 0.0 };
    for op in program {
        match op {
            Op::Push(v) => {
                stack[top] = *v;
                top += 1;
                continue;
            }
            Op::Load(slot) => {
                stack[top] = slots[*slot as usize];
                top += 1;
                continue;
            }
            Op::Neg => stack[top - 1] = -stack[top - 1],
            Op::Not => stack[top - 1] = truth(stack[top - 1] == 0.0),
            Op::Call1(f) => stack[top - 1] = f(stack[top - 1]),
            Op::Select => {
                top -= 2;
                stack[top - 1] = if stack[top - 1] != 0.0 { stack[top] } else { stack[top + 1] };
            }
            _ => {
                top -= 1;
                let (a, b) = (stack[top - 1], stack[top]);
                stack[top - 1] = match op {
                    Op::Add => a + b,
                    Op::Sub => a - b,
                    Op::Mul => a * b,
                    Op::Div => a / b,
                    Op::Rem => a % b,
                    // As in ngspice: the power of the magnitude.
                    Op::Pow => a.abs().powf(b),
                    Op::Lt => truth(a < b),
                    Op::Le => truth(a <= b),
                    Op::Gt => truth(a > b),
                    Op::Ge => truth(a >= b),
                    Op::Eq => truth(a == b),
                    Op::Ne => truth(a != b),
                    Op::And => truth(a != 0.0 && b != 0.0),
                    Op::Or => truth(a != 0.0 || b != 0.0),
                    Op::Call2(f) => f(a, b),
                    _ => f64::NAN,
                };
            }
        }
    }
    stack[0]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> f64 {
        let mut program = Vec::new();
        let mut names = |n: &str| if n == "a" { Ok(Op::Push(3.0)) } else { Err(format!("no {n}")) };
        compile(&parse(text).unwrap(), &mut names, &|_| None, &mut program).unwrap();
        run(&program, &[])
    }

    #[test]
    fn precedence_and_functions() {
        assert_eq!(value("1+2*3"), 7.0);
        assert_eq!(value("2**3^2"), 512.0);
        assert_eq!(value("-2^2"), -4.0);
        assert_eq!(value("2^-1"), 0.5);
        assert_eq!(value("(-2)**3"), 8.0);
        assert_eq!(value("3 <> 4"), 1.0);
        assert_eq!(value("a > 2 ? max(a, 5) : 1"), 5.0);
        assert_eq!(value("a != 3 || !(a<3)"), 1.0);
        assert_eq!(value("1.5k/10u"), 1.5e8);
        assert_eq!(value("agauss(4, 1, 3) + 'a'"), 7.0);
        assert_eq!(value("sqrt(a*a)-{a}"), 0.0);
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_the_parser_panic(text in "[-+*/^()?:<>=!&|{}'a-z0-9., ]{0,60}") {
            if let Ok(tree) = parse(&text) {
                let mut program = Vec::new();
                if compile(&tree, &mut |_| Ok(Op::Push(2.0)), &|_| None, &mut program).is_ok() {
                    run(&program, &[]);
                }
            }
        }
    }

    #[test]
    fn errors_name_the_place() {
        assert_eq!(parse("1+").unwrap_err().offset, 2);
        assert!(parse("(1+2").unwrap_err().message.contains("expected `)`"));
        assert!(parse(&"(".repeat(10_000)).is_err());
        assert!(parse(&"-".repeat(10_000)).is_err());
        assert!(parse(&"1+".repeat(50_000)).unwrap_err().message.contains("4000 operators"));
        let mut none = |_: &str| Err("x".to_string());
        assert!(
            compile(&parse("sqr7(1)").unwrap(), &mut none, &|_| None, &mut Vec::new())
                .unwrap_err()
                .contains("sqrt")
        );
    }
}
