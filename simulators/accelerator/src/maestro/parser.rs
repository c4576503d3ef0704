//! Reads the mapping language: networks of layers, each with its extents and its dataflow.
use std::collections::HashMap;

use super::{
    dims::{Dim, LARGEST},
    directive::Directive,
    layer::{Layer, LayerKind},
    lexer::{Place, Token, tokens},
};
use crate::error::{Error, Result, did_you_mean};

/// A mapping file: a network and its layers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MappingFile {
    /// Name of the network.
    pub network: String,
    /// The layers in the order of the file.
    pub layers: Vec<MappedLayer>,
}

/// A layer with its dataflow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MappedLayer {
    /// Name of the layer.
    pub name: String,
    /// Type, extents and strides.
    pub layer: Layer,
    /// The dataflow, outermost directive first.
    pub directives: Vec<Directive>,
}

impl MappingFile {
    /// Reads a mapping from a text; `file` names it in messages.
    ///
    /// # Errors
    /// With file, line and column for whatever is not the language, a number out of range, an unknown dimension or layer
    /// type, or an extent the layer type needs and does not get.
    pub fn parse(file: &str, text: &str) -> Result<Self> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let tokens = tokens(file, text)?;
        let end =
            (text.lines().count().max(1), text.lines().last().map_or(0, |line| line.chars().count()) + 1);
        Parser { file, tokens: &tokens, next: 0, end, constants: HashMap::new() }.file()
    }

    /// Reads a mapping file.
    ///
    /// # Errors
    /// As [`MappingFile::parse`], and when the file cannot be read.
    pub fn read(path: &std::path::Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).map_err(|reason| Error::file(path, &reason))?;
        Self::parse(&path.display().to_string(), &text)
    }
}

impl MappedLayer {
    /// The dataflow with each temporal map that is larger than its dimension, and moves on by less than that, as one that
    /// covers the dimension at once. The reference counts the rest of such a map as negative work and prints a runtime of
    /// 0.
    pub fn covering_directives(&self) -> Vec<Directive> {
        let whole = |directive: &Directive| match *directive {
            Directive::TemporalMap { size, offset, dim } => {
                let extent = self.layer.bounds[dim.index()];
                if offset < extent && extent < size {
                    Directive::TemporalMap { size: extent, offset: extent, dim }
                } else {
                    *directive
                }
            }
            other => other,
        };
        self.directives.iter().map(whole).collect()
    }
}

struct Parser<'a> {
    file: &'a str,
    tokens: &'a [Token<'a>],
    next: usize,
    end: Place,
    constants: HashMap<&'a str, i64>,
}

impl<'a> Parser<'a> {
    fn error<T>(&self, place: Place, message: impl Into<String>, remedy: impl Into<String>) -> Result<T> {
        Err(Error::at(self.file, place, message, remedy))
    }

    /// The next word, or an error that says what should stand here.
    fn word(&mut self, expected: &str) -> Result<Token<'a>> {
        match self.tokens.get(self.next) {
            Some(&token) => {
                self.next += 1;
                Ok(token)
            }
            None => self.error(
                self.end,
                format!("the text ends where {expected} is expected"),
                "complete the mapping; every { needs its }",
            ),
        }
    }

    fn peek(&self) -> Option<&'a str> {
        self.tokens.get(self.next).map(|token| token.text)
    }

    fn expect(&mut self, text: &str, after: &str) -> Result<()> {
        let token = self.word(&format!("\"{text}\""))?;
        if token.text == text {
            return Ok(());
        }
        self.error(
            token.place,
            format!("\"{}\" stands where \"{text}\" is expected", token.text),
            format!("write \"{text}\" after {after}"),
        )
    }

    fn file(mut self) -> Result<MappingFile> {
        while self.peek() == Some("Constant") {
            self.next += 1;
            let name = self.word("the name of the constant")?;
            let value = self.number()?;
            self.constants.insert(name.text, value);
        }
        let token = self.word("\"Network\"")?;
        if token.text != "Network" {
            return self.error(
                token.place,
                format!("\"{}\" stands where \"Network\" is expected", token.text),
                "a mapping starts with \"Network NAME {\"; constants go before it",
            );
        }
        let network = self.word("the name of the network")?;
        self.expect("{", "the name of the network")?;
        let mut layers: Vec<MappedLayer> = Vec::new();
        loop {
            let token = self.word("\"Layer\" or \"}\"")?;
            match token.text {
                "}" => break,
                "Layer" => {
                    let layer = self.layer(layers.last())?;
                    layers.push(layer);
                }
                other => {
                    return self.error(
                        token.place,
                        format!("\"{other}\" stands where \"Layer\" or \"}}\" is expected"),
                        did_you_mean(other, ["Layer"]),
                    );
                }
            }
        }
        if layers.is_empty() {
            return self.error(token.place, "the network has no layer", "add a Layer block");
        }
        if let Some(token) = self.tokens.get(self.next) {
            return self.error(
                token.place,
                format!("\"{}\" stands behind the end of the network", token.text),
                "one file holds one network",
            );
        }
        Ok(MappingFile { network: network.text.to_owned(), layers })
    }

    fn layer(&mut self, previous: Option<&MappedLayer>) -> Result<MappedLayer> {
        let name = self.word("the name of the layer")?;
        self.expect("{", "the name of the layer")?;
        let mut kind = None;
        let mut strides = (1, 1);
        let mut layer: Option<Layer> = None;
        let mut directives: Option<Vec<Directive>> = None;
        loop {
            let token = self.word("a part of the layer or \"}\"")?;
            match token.text {
                "}" => break,
                "Type" => {
                    let word = self.word("the layer type")?;
                    kind = match LayerKind::from_name(word.text) {
                        Some(kind) => Some(kind),
                        None => {
                            return self.error(
                                word.place,
                                format!("unknown layer type \"{}\"", word.text),
                                did_you_mean(word.text, LayerKind::ALL.map(LayerKind::name)),
                            );
                        }
                    };
                }
                "Stride" => {
                    if layer.is_some() {
                        return self.error(
                            token.place,
                            "Stride follows Dimensions",
                            "write Stride before Dimensions",
                        );
                    }
                    for (dim, place, value) in self.extents("Stride")? {
                        match dim {
                            Dim::Y => strides.0 = value,
                            Dim::X => strides.1 = value,
                            _ => {
                                return self.error(
                                    place,
                                    format!("a stride along {} has no meaning", dim.name()),
                                    "only X and Y have strides",
                                );
                            }
                        }
                    }
                }
                "Dimensions" => {
                    let Some(kind) = kind else {
                        return self.error(
                            token.place,
                            "Dimensions precede the layer type",
                            "write \"Type: CONV\" (or another type) first",
                        );
                    };
                    let extents: Vec<(Dim, i64)> =
                        self.extents("Dimensions")?.into_iter().map(|(dim, _, value)| (dim, value)).collect();
                    layer = match Layer::new(kind, &extents, strides) {
                        Ok(layer) => Some(layer),
                        Err(rejection) => return self.rejected(token.place, rejection.into()),
                    };
                }
                "Dataflow" => {
                    let Some(layer) = &layer else {
                        return self.error(
                            token.place,
                            "Dataflow precedes Dimensions",
                            "write the Dimensions first: sizes such as Sz(R) refer to them",
                        );
                    };
                    self.expect("{", "Dataflow")?;
                    let mut list = self.dataflow(layer)?;
                    if list.is_empty() {
                        let Some(previous) = previous else {
                            return self.error(
                                token.place,
                                "the dataflow is empty and there is no layer before to take it from",
                                "write the directives",
                            );
                        };
                        list.clone_from(&previous.directives);
                    }
                    directives = Some(list);
                }
                other => {
                    return self.error(
                        token.place,
                        format!("\"{other}\" is no part of a layer"),
                        did_you_mean(other, ["Type", "Stride", "Dimensions", "Dataflow"]),
                    );
                }
            }
        }
        match (layer, directives) {
            (Some(layer), Some(directives)) => {
                Ok(MappedLayer { name: name.text.to_owned(), layer, directives })
            }
            (None, _) => self.error(
                name.place,
                format!("layer \"{}\" has no Dimensions", name.text),
                "add \"Dimensions { K: .., C: .., R: .., S: .., Y: .., X: .. }\"",
            ),
            (_, None) => self.error(
                name.place,
                format!("layer \"{}\" has no Dataflow", name.text),
                "add \"Dataflow { .. }\" with at least one SpatialMap",
            ),
        }
    }

    /// Puts a place in front of an error that has none.
    fn rejected<T>(&self, place: Place, error: Error) -> Result<T> {
        match error {
            Error::Invalid { message, remedy } => self.error(place, message, remedy),
            other => Err(other),
        }
    }

    /// `{ NAME: number, ... }`
    fn extents(&mut self, block: &str) -> Result<Vec<(Dim, Place, i64)>> {
        self.expect("{", block)?;
        let mut extents: Vec<(Dim, Place, i64)> = Vec::new();
        loop {
            let token = self.word("a dimension or \"}\"")?;
            if token.text == "}" {
                return Ok(extents);
            }
            let dim = self.dim(token)?;
            if extents.iter().any(|&(earlier, ..)| earlier == dim) {
                return self.error(
                    token.place,
                    format!("{block} lists {} twice", dim.name()),
                    "remove one of the two",
                );
            }
            extents.push((dim, token.place, self.number()?));
        }
    }

    fn dim(&self, token: Token<'a>) -> Result<Dim> {
        Dim::from_name(token.text).ok_or_else(|| {
            Error::at(
                self.file,
                token.place,
                format!("unknown dimension \"{}\"", token.text),
                did_you_mean(token.text, Dim::ALL.map(Dim::name)),
            )
        })
    }

    /// A number or the name of a constant.
    fn number(&mut self) -> Result<i64> {
        let token = self.word("a number")?;
        let value = self.constants.get(token.text).copied().or_else(|| token.text.parse().ok());
        match value {
            Some(value) if (1..=LARGEST).contains(&value) => Ok(value),
            Some(value) => self.error(
                token.place,
                format!("{value} is out of range"),
                format!("give a number from 1 to {LARGEST}"),
            ),
            None => self.error(
                token.place,
                format!("\"{}\" stands where a number is expected", token.text),
                "write a number, the name of a Constant, or Sz(D) inside a dataflow",
            ),
        }
    }

    /// A number, a constant or `Sz(D)`.
    fn size(&mut self, layer: &Layer) -> Result<i64> {
        if self.peek() != Some("Sz") {
            return self.number();
        }
        self.next += 1;
        let token = self.word("a dimension")?;
        let dim = self.dim(token)?;
        match layer.listed[dim.index()] {
            0 => self.error(
                token.place,
                format!("Sz({}) names a dimension the layer does not list", dim.name()),
                "list it in Dimensions or write the number",
            ),
            extent => Ok(extent),
        }
    }

    fn dataflow(&mut self, layer: &Layer) -> Result<Vec<Directive>> {
        let mut directives = Vec::new();
        loop {
            let token = self.word("a directive or \"}\"")?;
            match token.text {
                "}" => return Ok(directives),
                "TemporalMap" | "SpatialMap" => {
                    let (size, offset) = (self.size(layer)?, self.size(layer)?);
                    let dim = self.word("a dimension")?;
                    let dim = self.dim(dim)?;
                    directives.push(if token.text == "SpatialMap" {
                        Directive::SpatialMap { size, offset, dim }
                    } else {
                        let extent = layer.bounds[dim.index()];
                        // A map that covers the window splits nothing, whatever its offset.
                        let covers = matches!(dim, Dim::R | Dim::S) && size >= extent && extent > 0;
                        let (size, offset) = if covers { (extent, extent) } else { (size, offset) };
                        if matches!(dim, Dim::R | Dim::S) && size != extent {
                            let split = super::rejection::Rejection::SplitWindow { dim, extent };
                            return self.rejected(token.place, split.into());
                        }
                        Directive::TemporalMap { size, offset, dim }
                    });
                }
                "Cluster" => {
                    let size = self.size(layer)?;
                    if matches!(self.peek(), Some("P" | "L")) {
                        self.next += 1;
                    }
                    directives.push(Directive::Cluster { size });
                }
                other => {
                    return self.error(
                        token.place,
                        format!("unknown directive \"{other}\""),
                        did_you_mean(other, ["TemporalMap", "SpatialMap", "Cluster"]),
                    );
                }
            }
        }
    }
}
