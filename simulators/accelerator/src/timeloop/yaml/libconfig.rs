//! libconfig text (`.cfg`), the form of Timeloop's files before YAML, as the same tree.
//!
//! `name = value;` or `name : value;`, groups in `{ }`, lists in `( )`, arrays in `[ ]`, strings in quotes, comments after `#` or
//! `//` and in `/* */`. `@include` is refused.
use std::rc::Rc;

use super::document::{MAX_BYTES, MAX_DEPTH, Node, Value};
use crate::error::{Error, Result};

/// Parses a file; `file` is the name used in errors.
pub(crate) fn parse(file: &str, text: &str) -> Result<Rc<Node>> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.len() > MAX_BYTES {
        return Err(Error::at(
            file,
            (1, 1),
            format!("the file has {} bytes, at most {MAX_BYTES} are read", text.len()),
            "a specification has a few kilobytes: is this the right file?",
        ));
    }
    let mut reader = Reader { file: file.into(), rest: text, line: 1, column: 1, depth: 0 };
    let entries = reader.settings(None)?;
    Ok(Rc::new(Node { value: Value::Map(entries), tag: None, place: (1, 1), file: reader.file }))
}

struct Reader<'a> {
    file: Rc<str>,
    rest: &'a str,
    line: usize,
    column: usize,
    depth: usize,
}

impl Reader<'_> {
    fn error(&self, message: impl Into<String>, remedy: &str) -> Error {
        Error::at(&*self.file, (self.line, self.column), message, remedy)
    }

    fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.rest = &self.rest[c.len_utf8()..];
        if c == '\n' {
            (self.line, self.column) = (self.line + 1, 1);
        } else {
            self.column += 1;
        }
        Some(c)
    }

    /// Passes over blanks and comments.
    fn blanks(&mut self) -> Result<()> {
        loop {
            match self.peek() {
                Some(c) if c.is_whitespace() => {
                    self.next();
                }
                Some('#') => self.line_comment(),
                Some('/') if self.rest.starts_with("//") => self.line_comment(),
                Some('/') if self.rest.starts_with("/*") => {
                    let open = self.error("a comment that does not end", "close it with */");
                    while !self.rest.starts_with("*/") {
                        if self.next().is_none() {
                            return Err(open);
                        }
                    }
                    self.next();
                    self.next();
                }
                Some('@') => {
                    return Err(self.error(
                        "`@include` is not followed",
                        "give the included file beside this one: sections may stand in several files",
                    ));
                }
                _ => return Ok(()),
            }
        }
    }

    fn line_comment(&mut self) {
        while self.peek().is_some_and(|c| c != '\n') {
            self.next();
        }
    }

    /// Settings up to `close`, or to the end of the file.
    fn settings(&mut self, close: Option<char>) -> Result<Vec<(String, Rc<Node>)>> {
        let mut entries: Vec<(String, Rc<Node>)> = Vec::new();
        loop {
            self.blanks()?;
            match self.peek() {
                None if close.is_none() => return Ok(entries),
                None => {
                    return Err(self.error("the file ends inside a group", "close the group with }"));
                }
                found if found == close => {
                    self.next();
                    return Ok(entries);
                }
                Some(';' | ',') => {
                    self.next();
                    continue;
                }
                _ => {}
            }
            let at = (self.line, self.column);
            let name = self.word();
            if name.is_empty() {
                return Err(self.error("a setting is expected here", "write `name = value;`"));
            }
            self.blanks()?;
            if !matches!(self.peek(), Some('=' | ':')) {
                return Err(self.error(format!("`=` is missing after \"{name}\""), "write `name = value;`"));
            }
            self.next();
            let value = self.value()?;
            let key = name.replace('-', "_");
            if entries.iter().any(|(known, _)| *known == key) {
                let message = format!("the key \"{key}\" appears twice");
                return Err(Error::at(&*self.file, at, message, "remove one of them"));
            }
            entries.push((key, value));
        }
    }

    /// A name, number or truth value.
    fn word(&mut self) -> String {
        let mut word = String::new();
        while let Some(c) = self.peek().filter(|c| c.is_alphanumeric() || "_-.+*".contains(*c)) {
            word.push(c);
            self.next();
        }
        word
    }

    fn value(&mut self) -> Result<Rc<Node>> {
        self.blanks()?;
        let place = (self.line, self.column);
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(self.error(format!("nested deeper than {MAX_DEPTH}"), "flatten the structure"));
        }
        let value = match self.peek() {
            Some('{') => {
                self.next();
                Value::Map(self.settings(Some('}'))?)
            }
            Some(open @ ('(' | '[')) => {
                self.next();
                self.list(if open == '(' { ')' } else { ']' })?
            }
            Some('"') => Value::Scalar(self.strings()?),
            _ => {
                let word = self.word();
                if word.is_empty() {
                    return Err(self.error(
                        "a value is expected here",
                        "write a number, a \"text\", true, false, { group } or ( list )",
                    ));
                }
                // Long integers are marked so.
                let digits = word.trim_end_matches('L');
                let long = !digits.is_empty() && digits.chars().all(|c| c.is_ascii_digit());
                Value::Scalar(if long { digits.to_owned() } else { word })
            }
        };
        self.depth -= 1;
        Ok(Rc::new(Node { value, tag: None, place, file: self.file.clone() }))
    }

    fn list(&mut self, close: char) -> Result<Value> {
        let mut items = Vec::new();
        loop {
            self.blanks()?;
            match self.peek() {
                None => return Err(self.error("the file ends inside a list", "close the list")),
                Some(c) if c == close => {
                    self.next();
                    return Ok(Value::List(items));
                }
                Some(',') => {
                    self.next();
                }
                _ => items.push(self.value()?),
            }
        }
    }

    /// A text in quotes; texts side by side are one.
    fn strings(&mut self) -> Result<String> {
        let mut text = String::new();
        while self.peek() == Some('"') {
            let open = self.error("a text that does not end", "close it with a quote");
            self.next();
            loop {
                match self.next() {
                    None => return Err(open),
                    Some('"') => break,
                    Some('\\') => match self.next() {
                        Some('n') => text.push('\n'),
                        Some('t') => text.push('\t'),
                        Some(c) => text.push(c),
                        None => return Err(open),
                    },
                    Some(c) => text.push(c),
                }
            }
            self.blanks()?;
        }
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_lists_comments_and_texts() {
        let text = "arch : { # one\n arithmetic : { word-bits = 16; };\n storage = ( { name = \"a\" \"b\"; n = 0x10L; }, /* two\n */ { list = [1, 2]; } ); };";
        let root = parse("a.cfg", text).unwrap();
        let arch = root.get("arch").unwrap();
        assert_eq!(arch.get("arithmetic").unwrap().get("word_bits").unwrap().whole().unwrap(), 16);
        let storage = arch.get("storage").unwrap().items().unwrap();
        assert_eq!(storage[0].get("name").unwrap().text().unwrap(), "ab");
        assert_eq!(storage[1].get("list").unwrap().words().unwrap(), ["1", "2"]);
        assert_eq!(storage[1].place, (4, 5));
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place() {
        for (text, place, told) in [
            ("a = ;", "1:5", "a value is expected"),
            ("a 3;", "1:3", "`=` is missing"),
            ("a = {\n b = 1;", "2:8", "inside a group"),
            ("a = (1,\n2", "2:2", "inside a list"),
            ("a = \"text", "1:5", "does not end"),
            ("@include \"x\"", "1:1", "not followed"),
            ("a = 1;\na = 2;", "2:1", "appears twice"),
        ] {
            let error = parse("a.cfg", text).unwrap_err().to_string();
            assert!(error.contains(&format!("a.cfg:{place}")) && error.contains(told), "{error}");
        }
        let deep = "a = ".to_owned() + &"(".repeat(100);
        assert!(parse("a.cfg", &deep).unwrap_err().to_string().contains("nested deeper"));
    }
}
