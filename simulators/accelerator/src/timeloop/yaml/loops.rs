//! Factor lists and permutations, shared by mappings and constraints.
use super::document::{Node, Value};
use crate::error::Result;
use crate::timeloop::constraints::Factor;
use crate::workload::Problem;

/// A factor as written.
pub(crate) struct Written {
    pub dim: usize,
    pub factor: Factor,
    /// Residual of an imperfect factor (`P=5,3`).
    pub residual: Option<u32>,
}

/// Reads `C=1 M=4`, `C1 M4`, `C=1, M<=4` or a list of such words.
pub(crate) fn factors(node: &Node, problem: &Problem) -> Result<Vec<Written>> {
    let text = match &node.value {
        Value::List(items) => items.iter().map(|i| i.text()).collect::<Result<Vec<_>>>()?.join(" "),
        _ => node.text()?.to_string(),
    };
    let text = text.split('#').next().unwrap_or("");
    let mut found: Vec<Written> = Vec::new();
    let mut chars = text.chars().peekable();
    loop {
        while chars.peek().is_some_and(|c| c.is_whitespace() || *c == ',') {
            chars.next();
        }
        if chars.peek().is_none() {
            return Ok(found);
        }
        let take = |chars: &mut std::iter::Peekable<std::str::Chars>, accept: fn(char) -> bool| {
            let mut word = String::new();
            while let Some(c) = chars.next_if(|c| accept(*c)) {
                word.push(c);
            }
            word
        };
        let bad = |what: &str| {
            node.error(
                format!("cannot read {what} in the factors \"{text}\""),
                "write them as C=4 M=16, one for each dimension (constraints also take C<=4 and C>=2)",
            )
        };
        let mut name = take(&mut chars, |c| c.is_alphanumeric() || c == '_');
        let spaces = take(&mut chars, char::is_whitespace);
        let sign = take(&mut chars, |c| matches!(c, '=' | '<' | '>'));
        let number = if sign.is_empty() {
            // `C4`: letters, then digits; or `C 4`.
            let letters = name.trim_end_matches(|c: char| c.is_ascii_digit()).len();
            if letters < name.len() {
                name.split_off(letters)
            } else if spaces.is_empty() {
                return Err(bad(&format!("\"{name}\"")));
            } else {
                take(&mut chars, |c| c.is_ascii_digit())
            }
        } else {
            take(&mut chars, char::is_whitespace);
            take(&mut chars, |c| c.is_ascii_digit())
        };
        let dim = problem.dim(&name).map_err(|e| node.place_error(e))?;
        let value: u32 = number.parse().map_err(|_| bad(&format!("the factor of {name}")))?;
        let mut residual = None;
        let mut ahead = chars.clone();
        if ahead.next() == Some(',') && ahead.peek().is_some_and(char::is_ascii_digit) {
            chars = ahead;
            let digits = take(&mut chars, |c| c.is_ascii_digit());
            residual = Some(digits.parse().map_err(|_| bad(&format!("the residual of {name}")))?);
        }
        let factor = match (sign.as_str(), value) {
            ("" | "=", 0) => Factor::Rest,
            ("" | "=" | "==", n) => Factor::Exactly(n),
            ("<=", n) => Factor::AtMost(n),
            ("<", n) => Factor::AtMost(n.saturating_sub(1)),
            (">=", n) => Factor::AtLeast(n),
            (">", n) => Factor::AtLeast(n.saturating_add(1)),
            _ => return Err(bad(&format!("the sign \"{sign}\""))),
        };
        if found
            .iter()
            .any(|w| w.dim == dim && std::mem::discriminant(&w.factor) == std::mem::discriminant(&factor))
        {
            return Err(node.error(format!("two factors for dimension {name}"), "remove one of them"));
        }
        found.push(Written { dim, factor, residual });
    }
}

/// Reads `CMR SN`, `[C, M, R]` or `C,M,R`: dimensions, and those behind a `_` or `*` separately.
pub(crate) fn permutation(node: &Node, problem: &Problem) -> Result<(Vec<u8>, Vec<u8>)> {
    let (mut first, mut last, mut behind) = (Vec::new(), Vec::new(), false);
    for word in node.words()? {
        let whole = problem.dims.contains(&word);
        let names: Vec<String> =
            if whole { vec![word.clone()] } else { word.chars().map(String::from).collect() };
        for name in names {
            if matches!(name.as_str(), "_" | "*") {
                behind = true;
                continue;
            }
            let dim = problem.dim(&name).map_err(|e| node.place_error(e))? as u8;
            if first.contains(&dim) || last.contains(&dim) {
                return Err(node.error(
                    format!("dimension {name} appears twice in the permutation"),
                    "name every dimension once",
                ));
            }
            if behind { last.push(dim) } else { first.push(dim) }
        }
    }
    Ok((first, last))
}
