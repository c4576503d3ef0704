//! The text of a RON file, and the places of its parts: so that a mistake that is found late is still reported where it stands.

use std::path::{Path, PathBuf};

use ron::value::RawValue;
use serde::Deserialize;

use crate::EnvError;
use crate::options::{explain, reader};

/// The text of a file with its path.
pub struct Source {
    text: String,
    path: PathBuf,
}

impl Source {
    /// Reads a file. Errors: it cannot be read, or is no text.
    pub fn load(path: &Path) -> Result<Self, EnvError> {
        let text =
            std::fs::read_to_string(path).map_err(|source| EnvError::File { path: path.into(), source })?;
        // Some editors begin a file with a byte-order mark.
        let text = text.strip_prefix('\u{feff}').map(String::from).unwrap_or(text);
        Ok(Self { text, path: path.into() })
    }

    /// A text that is in no file; `name` stands for the file in messages.
    pub fn named(text: impl Into<String>, name: &str) -> Self {
        Self { text: text.into(), path: name.into() }
    }

    /// The whole text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads the whole file. Errors: what RON says, at its place.
    pub fn read<'a, T: Deserialize<'a>>(&'a self) -> Result<T, EnvError> {
        self.parse(&self.text)
    }

    /// Reads a part of the file. Errors: what RON says, at its place in the file.
    pub fn part<'a, T: Deserialize<'a>>(&'a self, raw: &'a RawValue) -> Result<T, EnvError> {
        self.parse(raw.get_ron())
    }

    /// The same of a part that may be missing.
    pub fn part_or<'a, T: Deserialize<'a>>(
        &'a self,
        raw: Option<&'a RawValue>,
        otherwise: T,
    ) -> Result<T, EnvError> {
        raw.map_or(Ok(otherwise), |raw| self.part(raw))
    }

    /// Reads a slice of the text. Errors: what RON says, at its place in the file.
    pub fn parse<'a, T: Deserialize<'a>>(&'a self, part: &'a str) -> Result<T, EnvError> {
        reader().from_str(part).map_err(|error| {
            let (line, column) = self.position(part);
            let position = error.span.start;
            let column = position.col + if position.line == 1 { column - 1 } else { 0 };
            EnvError::Options {
                location: format!("{}:{}:{column}", self.path.display(), position.line + line - 1),
                message: explain(&error.code),
            }
        })
    }

    /// Line and column, counted from 1, of a slice of the text.
    fn position(&self, part: &str) -> (usize, usize) {
        let start = (part.as_ptr() as usize).saturating_sub(self.text.as_ptr() as usize);
        let before = self.text.get(..start).unwrap_or("");
        let line_start = before.rfind('\n').map_or(0, |n| n + 1);
        (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
    }

    /// An error at a slice of the text, white space and comments before it skipped.
    pub fn error(&self, part: &str, message: impl ToString) -> EnvError {
        let (line, column) = self.position(&part[leading(part)..]);
        EnvError::Options {
            location: format!("{}:{line}:{column}", self.path.display()),
            message: message.to_string(),
        }
    }

    /// The slice that is the value of a field of this struct or of this variant with fields; the whole of it if there is no such field.
    pub fn field<'a>(&self, part: &'a str, name: &str) -> &'a str {
        let text = &part[leading(part)..];
        let text = text.find(['(', '{']).map_or(text, |bracket| &text[bracket..]);
        let fields: Option<Fields<'a>> = reader().from_str(text).ok();
        let found = fields.and_then(|fields| fields.0.into_iter().find(|(field, _)| field == name));
        found.map_or(part, |(_, value)| value.get_ron())
    }

    /// The slice that is this element of a list; the whole of it if there is no such element.
    pub fn element<'a>(&self, part: &'a str, index: usize) -> &'a str {
        let list: Option<Vec<&'a RawValue>> = reader().from_str(part).ok();
        list.and_then(|list| list.get(index).map(|raw| raw.get_ron())).unwrap_or(part)
    }
}

/// True if the value begins so.
pub fn starts(raw: &RawValue, with: char) -> bool {
    let text = raw.get_ron();
    text[leading(text)..].starts_with(with)
}

/// Bytes of white space and comments at the start.
pub fn leading(text: &str) -> usize {
    let mut rest = text.trim_start();
    loop {
        if let Some(comment) = rest.strip_prefix("//") {
            rest = comment.split_once('\n').map_or("", |(_, after)| after).trim_start();
        } else if let Some(comment) = rest.strip_prefix("/*") {
            rest = comment.split_once("*/").map_or("", |(_, after)| after).trim_start();
        } else {
            return text.len() - rest.len();
        }
    }
}

/// The fields of a RON struct or the entries of a map, in order, their values unread.
pub struct Fields<'a>(pub Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Fields<'de> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = Fields<'de>;
            fn expecting(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
                f.write_str("a map such as `{\"name\": value}` or a struct such as `(name: value)`")
            }
            fn visit_unit<E>(self) -> Result<Self::Value, E> {
                Ok(Fields(Vec::new()))
            }
            fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut fields = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    fields.push(entry);
                }
                Ok(Fields(fields))
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}
