//! The lines of control blocks as a tree of commands and loops.

use crate::error::{CircuitError, Result};
use crate::netlist::Line;

/// Blocks nested deeper than this are refused.
const MAX_DEPTH: usize = 50;

/// One step of a script.
#[derive(Debug)]
pub enum Step {
    /// A command.
    Command(Line),
    /// `if` with its condition, and `else`.
    If(Line, Vec<Step>, Vec<Step>),
    /// `while`, `dowhile`, `repeat` or `foreach`, with what follows the word.
    Loop(&'static str, Line, Vec<Step>),
}

/// First word in lower case, and the rest.
pub fn split(text: &str) -> (String, &str) {
    let end = text.find(|c: char| c.is_whitespace() || c == '(').unwrap_or(text.len());
    (text[..end].to_ascii_lowercase(), text[end..].trim())
}

/// Reads all lines.
pub fn parse(lines: &[Line]) -> Result<Vec<Step>> {
    let mut at = 0;
    let steps = block(lines, &mut at, 0)?;
    match lines.get(at) {
        None => Ok(steps),
        Some(line) => Err(CircuitError::Syntax {
            message: format!("`{}` without `if`, `while`, `dowhile`, `repeat` or `foreach`", line.text),
            location: line.location.clone(),
        }),
    }
}

fn block(lines: &[Line], at: &mut usize, depth: usize) -> Result<Vec<Step>> {
    let mut out = Vec::new();
    while let Some(line) = lines.get(*at) {
        let (word, rest) = split(&line.text);
        if matches!(word.as_str(), "end" | "endif" | "endwhile" | "else") {
            return Ok(out);
        }
        *at += 1;
        let kind = ["while", "dowhile", "repeat", "foreach"].into_iter().find(|k| *k == word);
        if word != "if" && kind.is_none() {
            out.push(Step::Command(line.clone()));
            continue;
        }
        if depth >= MAX_DEPTH {
            return Err(CircuitError::Syntax {
                message: format!("blocks are nested more than {MAX_DEPTH} deep"),
                location: line.location.clone(),
            });
        }
        let header = Line { text: rest.to_string(), location: line.location.clone() };
        let body = block(lines, at, depth + 1)?;
        let mut otherwise = Vec::new();
        if word == "if" && lines.get(*at).is_some_and(|l| split(&l.text).0 == "else") {
            *at += 1;
            otherwise = block(lines, at, depth + 1)?;
        }
        if lines.get(*at).is_none_or(|l| split(&l.text).0 == "else") {
            return Err(CircuitError::Syntax {
                message: format!("`{word}` is never closed by `end`"),
                location: line.location.clone(),
            });
        }
        *at += 1;
        out.push(match kind {
            Some(kind) => Step::Loop(kind, header, body),
            None => Step::If(header, body, otherwise),
        });
    }
    Ok(out)
}
