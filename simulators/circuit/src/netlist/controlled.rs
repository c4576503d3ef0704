//! Sources by formula: `B`, the non-linear forms of `E`, `G`, `F` and `H`, and resistors, capacitors and inductors whose value is one.

use super::deck::{assignments, expression_error, syntax, value_text};
use super::element::Card;
use super::expression::{self, Expr, Op};
use super::number::parse_number;
use super::source::Line;
use super::tokens::{Token, tokenize};
use crate::error::{Location, Result};

/// Inputs of a polynomial, and its highest power.
const MAX_INPUTS: usize = 20;

fn word_at(text: &str, wanted: &[&str]) -> Option<usize> {
    let name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    wanted
        .iter()
        .flat_map(|w| text.match_indices(w).map(|(i, w)| (i, w.len())))
        .filter(|(i, n)| {
            let before = text[..*i].chars().next_back();
            let after = text[i + n..].chars().next();
            before.is_some_and(char::is_whitespace) && after.is_none_or(|c| !name(c))
        })
        .map(|(i, _)| i)
        .min()
}

fn tree(text: &str, location: &Location) -> Result<Expr> {
    expression::parse(text).map_err(|e| expression_error(text, &e, location))
}

fn binary(op: Op, a: Expr, b: Expr) -> Expr {
    Expr::Binary(op, Box::new(a), Box::new(b))
}

/// The first two words after the name.
fn nodes(text: &str, name: &str, location: &Location) -> Result<(Vec<String>, usize)> {
    let mut out = Vec::new();
    let mut at = name.len();
    for _ in 0..2 {
        let gap = text[at..].find(|c: char| !(c.is_whitespace() || c == '(' || c == ',')).unwrap_or(0);
        let start = at + gap;
        let length = text[start..]
            .find(|c: char| c.is_whitespace() || "(),=".contains(c))
            .unwrap_or(text.len() - start);
        if length == 0 {
            return Err(syntax(location, format!("`{name}` needs two nodes and a formula")));
        }
        out.push(text[start..start + length].to_string());
        at = start + length;
    }
    Ok((out, at))
}

/// Reads a card that follows a formula into `card`; false if it is of another kind.
pub fn formula(card: &mut Card, line: &Line) -> Result<bool> {
    let location = &line.location;
    let text = line.text.to_ascii_lowercase();
    let name = card.name.clone();
    match name.as_bytes().first() {
        Some(b'b') => {
            let (pair, at) = nodes(&text, &name, location)?;
            card.nodes = pair;
            let rest = text[at..].trim_start_matches(|c: char| c.is_whitespace() || c == ')');
            let usage = || {
                syntax(
                    location,
                    format!("`{name}`: expected `{name} n+ n- v=formula` or `{name} n+ n- i=formula`"),
                )
            };
            let (kind, rest) = rest.split_once('=').ok_or_else(usage)?;
            let voltage = match kind.trim() {
                "v" => true,
                "i" => false,
                _ => return Err(usage()),
            };
            let (body, after) = formula_text(rest, location)?;
            let tree = adjusted(card, tree(&body, location)?, &after, voltage, location)?;
            card.formula = Some((voltage, tree));
            Ok(true)
        }
        Some(letter @ (b'e' | b'g')) => {
            let voltage = *letter == b'e';
            let value = word_at(&text, &["value", "vol", "cur"]);
            let table = word_at(&text, &["table"]);
            if value.is_none() && table.is_none() {
                return polynomial(card, &text, location);
            }
            let (pair, at) = nodes(&text, &name, location)?;
            card.nodes = pair;
            let Some(place) = value.or(table).filter(|p| *p >= at) else { return Ok(false) };
            let rest = text[place..].trim_start_matches(|c: char| c.is_ascii_alphabetic()).trim_start();
            let rest = rest.strip_prefix('=').unwrap_or(rest);
            if value.is_some() {
                let (body, after) = formula_text(rest, location)?;
                let tree = adjusted(card, tree(&body, location)?, &after, voltage, location)?;
                card.formula = Some((voltage, tree));
            } else {
                card.formula = Some((voltage, table_tree(&name, rest, location)?));
            }
            Ok(true)
        }
        Some(b'f' | b'h') => polynomial(card, &text, location),
        _ => Ok(false),
    }
}

/// The formula at the start of `rest`, and the `name=value` pairs after it.
fn formula_text(rest: &str, location: &Location) -> Result<(String, String)> {
    let rest = rest.trim();
    let (body, after) = value_text(rest).map_err(|m| syntax(location, m))?;
    Ok((body.to_string(), after.trim().to_string()))
}

/// The tree times `m` and its dependence on temperature.
fn adjusted(card: &mut Card, tree: Expr, after: &str, voltage: bool, location: &Location) -> Result<Expr> {
    let tokens = tokenize(after, location)?;
    let (list, words) = assignments(&tokens, location)?;
    if let Some(word) = words.first() {
        return Err(syntax(location, format!("`{}`: did not expect `{word}` after the formula", card.name)));
    }
    let mut out = tree;
    let (mut heat, mut reciprocal) = (None, false);
    for (key, text) in list {
        let value = || self::tree(&text.text, location);
        let shift = || binary(Op::Sub, Expr::Name("temper".into()), Expr::Number(27.0));
        match key.as_str() {
            "m" if voltage => out = binary(Op::Mul, out, value()?),
            "m" => card.parameters.push((key, text)),
            "tc1" | "tc2" => {
                let mut term = binary(Op::Mul, value()?, shift());
                if key == "tc2" {
                    term = binary(Op::Mul, term, shift());
                }
                heat = Some(binary(Op::Add, heat.unwrap_or(Expr::Number(1.0)), term));
            }
            "reciproctc" => reciprocal = text.text.trim() == "1",
            "reciprocm" if text.text.trim() == "0" => {}
            "noisy" | "noise" if text.text.trim() == "0" => {}
            _ => {
                let message = format!("`{}`: unknown parameter `{key}`; expected m, tc1 or tc2", card.name);
                return Err(syntax(location, message));
            }
        }
    }
    Ok(match heat {
        Some(factor) if reciprocal => binary(Op::Div, out, factor),
        Some(factor) => binary(Op::Mul, out, factor),
        None => out,
    })
}

/// `{formula} = (x,y) (x,y) ...`.
fn table_tree(name: &str, rest: &str, location: &Location) -> Result<Expr> {
    let usage = || {
        syntax(
            location,
            format!("`{name}`: expected `table {{formula}} = (x0,y0) (x1,y1) ...` with increasing x"),
        )
    };
    let rest = rest.trim_start();
    if !rest.starts_with(['{', '\'', '"']) {
        return Err(usage());
    }
    let (body, pairs) = value_text(rest).map_err(|m| syntax(location, m))?;
    let numbers = pairs
        .split(|c: char| c.is_whitespace() || "(),={}".contains(c))
        .filter(|w| !w.is_empty())
        .map(parse_number)
        .collect::<Option<Vec<f64>>>()
        .ok_or_else(usage)?;
    match numbers.as_slice() {
        [_, y] => Ok(Expr::Number(*y)),
        list if list.len() >= 4 && list.len() % 2 == 0 => {
            if list.chunks_exact(2).zip(list.chunks_exact(2).skip(1)).any(|(a, b)| b[0] <= a[0]) {
                return Err(usage());
            }
            let arguments =
                std::iter::once(tree(body, location)?).chain(list.iter().map(|v| Expr::Number(*v))).collect();
            Ok(Expr::Call("table#".into(), arguments))
        }
        _ => Err(usage()),
    }
}

/// `poly(n)` of `n` node pairs or sources and its coefficients.
fn polynomial(card: &mut Card, text: &str, location: &Location) -> Result<bool> {
    if word_at(text, &["poly"]).is_none() {
        return Ok(false);
    }
    let name = card.name.clone();
    let letter = name.as_bytes()[0];
    let usage = || {
        let inputs = if matches!(letter, b'e' | b'g') { "n pairs of nodes" } else { "n voltage sources" };
        syntax(location, format!("`{name}`: expected `{name} n+ n- poly(n) {inputs} p0 p1 ...`"))
    };
    let tokens = tokenize(text, location)?;
    let first = (1..tokens.len()).find(|i| tokens.get(i + 1) == Some(&Token::Equals)).unwrap_or(tokens.len());
    let words: Vec<&str> = tokens[1..first]
        .iter()
        .filter_map(|t| match t {
            Token::Word(w) | Token::Expression(w) => Some(w.as_str()),
            _ => None,
        })
        .collect();
    if words.get(2) != Some(&"poly") {
        return Ok(false);
    }
    let count = words.get(3).and_then(|w| parse_number(w)).ok_or_else(usage)?;
    if !(1.0..=MAX_INPUTS as f64).contains(&count) || count.fract() != 0.0 {
        return Err(usage());
    }
    let n = count as usize;
    let each = if matches!(letter, b'e' | b'g') { 2 } else { 1 };
    let coefficients = words.get(4 + n * each..).filter(|c| !c.is_empty()).ok_or_else(usage)?;
    let inputs: Vec<Expr> = words[4..4 + n * each]
        .chunks(each)
        .map(|names| {
            let function = if each == 2 { "v" } else { "i" };
            Expr::Call(function.into(), names.iter().map(|w| Expr::Name((*w).to_string())).collect())
        })
        .collect();
    card.nodes = words[..2].iter().map(|w| (*w).to_string()).collect();
    // A single coefficient of one input is its gain.
    let mut products = monomials(n, coefficients.len() + 1);
    if n == 1 && coefficients.len() == 1 {
        products.remove(0);
    }
    let mut sum: Option<Expr> = None;
    for (coefficient, product) in coefficients.iter().zip(products) {
        let mut term = tree(coefficient, location)?;
        if matches!(term, Expr::Number(v) if v == 0.0) {
            continue;
        }
        for input in product {
            term = binary(Op::Mul, term, inputs[input].clone());
        }
        sum = Some(match sum {
            Some(sum) => binary(Op::Add, sum, term),
            None => term,
        });
    }
    let voltage = matches!(letter, b'e' | b'h');
    let tail = tokens[first..].to_vec();
    let (list, flags) = assignments(&tail, location)?;
    if let Some(word) = flags.first() {
        return Err(syntax(location, format!("`{name}`: did not expect `{word}`")));
    }
    let mut sum = sum.unwrap_or(Expr::Number(0.0));
    for (key, value) in list {
        match key.as_str() {
            "m" if voltage => sum = binary(Op::Mul, sum, tree(&value.text, location)?),
            "m" => card.parameters.push((key, value)),
            // A start value that no one needs.
            "ic" => {}
            _ => return Err(syntax(location, format!("`{name}`: unknown parameter `{key}`"))),
        }
    }
    card.formula = Some((voltage, sum));
    Ok(true)
}

/// The first `count` products of `n` inputs in SPICE's order: the constant, the inputs, products of two, ...
fn monomials(n: usize, count: usize) -> Vec<Vec<usize>> {
    let mut out: Vec<Vec<usize>> = vec![Vec::new()];
    let mut last = vec![Vec::new()];
    while out.len() < count {
        let mut next = Vec::new();
        for product in &last {
            for input in product.last().copied().unwrap_or(0)..n {
                let mut longer: Vec<usize> = product.clone();
                longer.push(input);
                next.push(longer);
                if out.len() + next.len() >= count {
                    break;
                }
            }
        }
        out.extend(next.iter().cloned());
        last = next;
    }
    out.truncate(count);
    out
}

/// A resistor, capacitor or inductor whose value depends on the solution, as the cards that ngspice makes of it; `None` for one that does not.
pub fn rewrite(line: &Line) -> Result<Option<Vec<Line>>> {
    let text = line.text.to_ascii_lowercase();
    let letter = text.as_bytes().first().copied().unwrap_or(b' ');
    if !matches!(letter, b'r' | b'c' | b'l') {
        return Ok(None);
    }
    let location = &line.location;
    let name = text.split_whitespace().next().unwrap_or("").to_string();
    let Ok((pair, at)) = nodes(&text, &name, location) else { return Ok(None) };
    let rest = text[at..].trim();
    let charge = letter == b'c'
        && rest.trim_start().strip_prefix('q').is_some_and(|r| r.trim_start().starts_with('='));
    if !charge && !depends(rest) {
        return Ok(None);
    }
    // `r = {formula}`, `{formula}`, `'formula'`.
    let body = match rest.split_once('=') {
        Some((key, after)) if key.trim().len() == 1 && key.trim().as_bytes()[0].is_ascii_alphabetic() => {
            after.trim_start()
        }
        _ => rest,
    };
    let (formula, after) = value_text(body).map_err(|m| syntax(location, m))?;
    let (a, b) = (&pair[0], &pair[1]);
    let after = after.trim();
    let cards = match letter {
        b'r' => vec![format!("b{name} {a} {b} i = {{v({a},{b})/({formula})}} {after} reciproctc=1")],
        b'c' if charge => vec![
            format!("g{name} {a} {b} {name}_int1 0 1"),
            format!("l{name} {name}_int1 0 1"),
            format!("b{name} 0 {name}_int1 i = {{{formula}}} {after}"),
        ],
        b'c' => vec![
            format!("e{name} {name}_int1 0 {b} {a} 1"),
            format!("c{name} {name}_int1 0 1"),
            format!("b{name} {a} {b} i = {{i(e{name})*({formula})}} {after}"),
        ],
        _ => vec![
            format!("f{name} {name}_int2 0 b{name} -1"),
            format!("l{name} {name}_int2 0 1"),
            format!("b{name} {a} {b} v = {{v({name}_int2)*({formula})}} {after}"),
        ],
    };
    Ok(Some(cards.into_iter().map(|text| Line { text, location: location.clone() }).collect()))
}

/// Whether a value names a voltage, a current or the time.
fn depends(text: &str) -> bool {
    let name = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '.';
    let starts = |i: usize| !text[..i].chars().next_back().is_some_and(name);
    let call =
        text.match_indices(['v', 'i']).any(|(i, _)| starts(i) && text[i + 1..].trim_start().starts_with('('));
    let word = |w: &str| {
        text.match_indices(w).any(|(i, _)| starts(i) && !text[i + w.len()..].chars().next().is_some_and(name))
    };
    call || word("time") || word("hertz")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_come_in_the_order_of_spice() {
        let all: Vec<Vec<usize>> = monomials(2, 8);
        let expected: [&[usize]; 8] = [&[], &[0], &[1], &[0, 0], &[0, 1], &[1, 1], &[0, 0, 0], &[0, 0, 1]];
        assert_eq!(all, expected);
        assert_eq!(monomials(3, 5)[4], [0, 0]);
    }

    #[test]
    fn only_values_of_the_solution_are_rewritten() {
        let here = Location { file: std::sync::Arc::from("t"), line: 1 };
        let cards = |text: &str| {
            let line = Line { text: text.into(), location: here.clone() };
            rewrite(&line).unwrap().map(|l| l.into_iter().map(|l| l.text).collect::<Vec<_>>())
        };
        assert_eq!(cards("r1 a b {2*rv}"), None);
        assert_eq!(cards("rv1 a i1 1k"), None);
        assert_eq!(cards("r1 a b r='1k+v(c)'").unwrap(), ["br1 a b i = {v(a,b)/(1k+v(c))}  reciproctc=1"]);
        assert_eq!(cards("c1 a 0 c={1p*(1+v(a))}").unwrap().len(), 3);
    }
}
