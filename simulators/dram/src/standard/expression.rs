//! Gaps as formulas: sums and differences of timing names, numbers and `max(a, b)`, in clocks.
use std::iter::Peekable;

/// Value of `formula`, with `lookup` giving the value of a name.
///
/// # Errors
/// What is wrong with the formula, or the error of `lookup`.
pub(crate) fn evaluate(
    formula: &str,
    lookup: &mut impl FnMut(&str) -> Result<i64, String>,
) -> Result<i64, String> {
    let tokens = tokens(formula)?;
    let mut tokens = tokens.into_iter().peekable();
    let value = sum(&mut tokens, lookup)?;
    match tokens.next() {
        None => Ok(value),
        Some(token) => Err(format!("unexpected {token:?} in `{formula}`")),
    }
}

/// A lexical unit of a formula.
#[derive(Debug, Clone, PartialEq)]
enum Token {
    Number(i64),
    Name(String),
    Symbol(char),
}

/// Splits a formula.
fn tokens(formula: &str) -> Result<Vec<Token>, String> {
    let mut out = Vec::new();
    let mut chars = formula.chars().peekable();
    while let Some(&c) = chars.peek() {
        if c.is_ascii_alphanumeric() || c == '_' {
            let mut word = String::new();
            while let Some(&c) = chars.peek().filter(|c| c.is_ascii_alphanumeric() || **c == '_') {
                word.push(c);
                chars.next();
            }
            out.push(match word.parse() {
                Ok(number) => Token::Number(number),
                Err(_) => Token::Name(word),
            });
        } else {
            chars.next();
            match c {
                ' ' => {}
                '+' | '-' | '(' | ')' | ',' => out.push(Token::Symbol(c)),
                _ => return Err(format!("unexpected character `{c}` in `{formula}`")),
            }
        }
    }
    Ok(out)
}

/// `term (+|- term)*`
fn sum<I: Iterator<Item = Token>>(
    tokens: &mut Peekable<I>,
    lookup: &mut impl FnMut(&str) -> Result<i64, String>,
) -> Result<i64, String> {
    let mut value = term(tokens, lookup)?;
    loop {
        match tokens.peek() {
            Some(Token::Symbol('+')) => {
                tokens.next();
                value += term(tokens, lookup)?;
            }
            Some(Token::Symbol('-')) => {
                tokens.next();
                value -= term(tokens, lookup)?;
            }
            _ => return Ok(value),
        }
    }
}

/// A number, a name, `max(a, b)` or `(sum)`.
fn term<I: Iterator<Item = Token>>(
    tokens: &mut Peekable<I>,
    lookup: &mut impl FnMut(&str) -> Result<i64, String>,
) -> Result<i64, String> {
    let expect = |tokens: &mut Peekable<I>, symbol| match tokens.next() {
        Some(Token::Symbol(found)) if found == symbol => Ok(()),
        found => Err(format!("expected `{symbol}`, found {found:?}")),
    };
    match tokens.next() {
        Some(Token::Number(number)) => Ok(number),
        Some(Token::Name(name)) if name == "max" => {
            expect(tokens, '(')?;
            let first = sum(tokens, lookup)?;
            expect(tokens, ',')?;
            let second = sum(tokens, lookup)?;
            expect(tokens, ')')?;
            Ok(first.max(second))
        }
        Some(Token::Name(name)) => lookup(&name),
        Some(Token::Symbol('(')) => {
            let value = sum(tokens, lookup)?;
            expect(tokens, ')')?;
            Ok(value)
        }
        found => Err(format!("expected a number or a name, found {found:?}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_follow_arithmetic() {
        let mut lookup = |name: &str| match name {
            "RL" => Ok(10),
            "WL" => Ok(8),
            other => Err(format!("no {other}")),
        };
        assert_eq!(evaluate("RL + 4 + 2 - WL", &mut lookup), Ok(8));
        assert_eq!(evaluate("max(RL - WL, (3 + 4)) - 1", &mut lookup), Ok(6));
        assert!(evaluate("RL +", &mut lookup).is_err());
        assert!(evaluate("RL * 2", &mut lookup).is_err());
        assert_eq!(evaluate("XY", &mut lookup), Err("no XY".to_owned()));
    }
}
