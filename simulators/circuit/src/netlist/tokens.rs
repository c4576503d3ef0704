//! Tokens of one card: words, quoted or braced expressions, `=`, `(`, `)` and `,`.

use super::number::parse_number;
use crate::error::{CircuitError, Location, Result};

/// One token. Words are in lower case.
#[derive(Debug, Clone, PartialEq)]
pub enum Token {
    /// A name, number or bare expression.
    Word(String),
    /// The inside of `{...}` or `'...'`.
    Expression(String),
    /// `=`.
    Equals,
    /// `(`.
    Open,
    /// `)`.
    Close,
    /// `,`.
    Comma,
}

impl Token {
    /// The word, if it is one.
    pub fn word(&self) -> Option<&str> {
        match self {
            Token::Word(w) => Some(w),
            _ => None,
        }
    }

    /// Whether the token can be a value: a number or an expression.
    pub fn is_value(&self) -> bool {
        match self {
            Token::Word(w) => parse_number(w).is_some(),
            Token::Expression(_) => true,
            _ => false,
        }
    }
}

/// Splits a card into tokens. After `=`, a word runs to the next white space outside parentheses, so that `w=max(a, b)` is one value.
pub fn tokenize(text: &str, location: &Location) -> Result<Vec<Token>> {
    let bytes = text.as_bytes();
    let fail = |message: String| Err(CircuitError::Syntax { message, location: location.clone() });
    let mut out = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let c = bytes[at];
        match c {
            _ if c.is_ascii_whitespace() => at += 1,
            b'=' => {
                out.push(Token::Equals);
                at += 1;
            }
            b'(' => {
                out.push(Token::Open);
                at += 1;
            }
            b')' => {
                out.push(Token::Close);
                at += 1;
            }
            b',' => {
                out.push(Token::Comma);
                at += 1;
            }
            b'}' => return fail(format!("`}}` without `{{` at column {} of `{text}`", at + 1)),
            b'{' => {
                let mut depth = 0usize;
                let start = at + 1;
                loop {
                    match bytes.get(at) {
                        Some(b'{') => depth += 1,
                        Some(b'}') => depth -= 1,
                        None => return fail(format!("`{{` at column {start} is never closed in `{text}`")),
                        _ => {}
                    }
                    at += 1;
                    if depth == 0 {
                        break;
                    }
                }
                out.push(Token::Expression(text[start..at - 1].to_ascii_lowercase()));
            }
            b'\'' | b'"' => {
                let Some(length) = bytes[at + 1..].iter().position(|x| *x == c) else {
                    return fail(format!(
                        "the quote `{}` at column {} is never closed in `{text}`",
                        c as char,
                        at + 1
                    ));
                };
                out.push(Token::Expression(text[at + 1..at + 1 + length].to_ascii_lowercase()));
                at += length + 2;
            }
            _ => {
                let value = out.last() == Some(&Token::Equals);
                let start = at;
                let mut depth = 0usize;
                while at < bytes.len() {
                    let x = bytes[at];
                    if value && x == b'(' {
                        depth += 1;
                    } else if value && x == b')' && depth > 0 {
                        depth -= 1;
                    } else if depth == 0 && (x.is_ascii_whitespace() || b"=(),{}'\"".contains(&x)) {
                        break;
                    }
                    at += 1;
                }
                if depth > 0 {
                    return fail(format!("a `(` from column {} on is never closed in `{text}`", start + 1));
                }
                out.push(Token::Word(text[start..at].to_ascii_lowercase()));
            }
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[test]
    fn words_expressions_and_errors() {
        let here = Location { file: Arc::from("t"), line: 1 };
        let t = tokenize("M1 d G {a+{b}} w = 'x*2' l=max(a, b) m=2 pulse(0 1,2)", &here).unwrap();
        assert_eq!(t[0], Token::Word("m1".into()));
        assert_eq!(t[3], Token::Expression("a+{b}".into()));
        assert_eq!(t[6], Token::Expression("x*2".into()));
        assert_eq!(t[9], Token::Word("max(a, b)".into()));
        assert!(t.contains(&Token::Comma));
        assert!(tokenize("r1 a b {x", &here).unwrap_err().to_string().contains("never closed"));
        assert!(tokenize("r1 a b x}", &here).is_err());
    }
}
