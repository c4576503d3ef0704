//! Words of the mapping language with their places.
use crate::error::{Error, Result};

/// A place in a text: line and column, counted from 1.
pub(super) type Place = (usize, usize);

/// A word or a brace. Commas, colons, semicolons, parentheses, arrows and blanks only separate words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Token<'a> {
    pub text: &'a str,
    pub place: Place,
}

/// Texts above this size are refused before they are read.
const LARGEST_TEXT: usize = 16 << 20;

/// Splits a text into words. `//` starts a comment up to the end of the line.
pub(super) fn tokens<'a>(file: &str, text: &'a str) -> Result<Vec<Token<'a>>> {
    if text.len() > LARGEST_TEXT {
        return Err(Error::invalid(
            format!("{file}: {} bytes are too long for a mapping", text.len()),
            "a mapping has a few lines a layer; check that this is the right file",
        ));
    }
    let mut tokens = Vec::new();
    for (index, line) in text.lines().enumerate() {
        line_tokens(file, index + 1, line, &mut tokens)?;
    }
    Ok(tokens)
}

fn is_word(character: char) -> bool {
    character.is_alphanumeric() || matches!(character, '_' | '\'' | '.' | '+' | '/' | '-' | '#')
}

fn line_tokens<'a>(file: &str, line: usize, text: &'a str, tokens: &mut Vec<Token<'a>>) -> Result<()> {
    let mut rest = text.char_indices().peekable();
    let mut column = 0;
    while let Some((start, character)) = rest.next() {
        column += 1;
        let place = (line, column);
        match character {
            '{' | '}' => tokens.push(Token { text: &text[start..start + 1], place }),
            ',' | ':' | ';' | '(' | ')' | '>' => {}
            _ if character.is_whitespace() => {}
            _ if text[start..].starts_with("//") => return Ok(()),
            '-' if text[start..].starts_with("->") => {}
            _ if is_word(character) => {
                let mut end = start + character.len_utf8();
                while let Some(&(at, next)) = rest.peek() {
                    let comment = text[at..].starts_with("//");
                    if !is_word(next) || comment || text[at..].starts_with("->") {
                        break;
                    }
                    end = at + next.len_utf8();
                    rest.next();
                    column += 1;
                }
                tokens.push(Token { text: &text[start..end], place });
            }
            _ => {
                return Err(Error::at(
                    file,
                    place,
                    format!("the character {character:?} has no meaning in a mapping"),
                    "remove it; comments start with //",
                ));
            }
        }
    }
    Ok(())
}
