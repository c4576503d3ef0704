//! Netlists: from text to a flat list of elements whose values can be changed without reading anything again.
//!
//! `source` reads files into cards, `deck` outlines them, `scope` resolves parameters into a flat table of slots, `flatten` expands
//! subcircuits, and `command` reads the analyses.

pub mod command;
mod controlled;
mod deck;
mod element;
pub mod expression;
mod flatten;
pub(crate) mod formula;
pub mod number;
mod scope;
mod source;
mod tokens;

pub use command::{AcSweep, Analysis, DcSweep, Options, Output};
pub use deck::Deck;
pub use element::{Element, Kind, Source, Waveform};
pub use formula::{Formula, Input};
pub(crate) use source::Line;
pub use source::{ParseOptions, included_files};

use std::path::Path;

use crate::error::{Location, Result};
use expression::{Op, run};

/// A number that is fixed, or the content of a parameter slot.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value {
    /// Fixed.
    Const(f64),
    /// Computed from parameters.
    Slot(u32),
}

/// Values computed from parameters, in an order in which each needs only earlier ones.
#[derive(Debug, Clone, Default)]
pub struct Slots {
    values: Vec<f64>,
    programs: Vec<Box<[Op]>>,
    /// Set from outside: keeps its value instead of running its program.
    overridden: Vec<bool>,
}

impl Slots {
    /// The number behind `value`.
    #[inline]
    pub fn get(&self, value: Value) -> f64 {
        match value {
            Value::Const(v) => v,
            Value::Slot(i) => self.values[i as usize],
        }
    }

    fn push(&mut self, program: Vec<Op>, fixed: Option<f64>) -> u32 {
        self.values.push(fixed.unwrap_or_else(|| run(&program, &self.values)));
        self.programs.push(program.into_boxed_slice());
        self.overridden.push(fixed.is_some());
        (self.values.len() - 1) as u32
    }

    /// Gives a slot a value from outside.
    pub fn set(&mut self, slot: u32, value: f64) {
        self.values[slot as usize] = value;
        self.overridden[slot as usize] = true;
    }

    /// Slots that depend on any of `roots`, in evaluation order, roots excluded.
    pub fn dependents(&self, roots: &[u32]) -> Vec<u32> {
        let mut touched = vec![false; self.values.len()];
        for r in roots {
            touched[*r as usize] = true;
        }
        let mut out = Vec::new();
        for (i, program) in self.programs.iter().enumerate() {
            let hit = program.iter().any(|op| matches!(op, Op::Load(s) if touched[*s as usize]));
            if hit && !touched[i] {
                touched[i] = true;
                out.push(i as u32);
            }
        }
        out
    }

    /// Recomputes the given slots (from [`Slots::dependents`]).
    pub fn recompute(&mut self, list: &[u32]) {
        for i in list {
            let i = *i as usize;
            if !self.overridden[i] {
                self.values[i] = run(&self.programs[i], &self.values);
            }
        }
    }
}

/// A model card with its values resolved to slots.
#[derive(Debug, Clone)]
pub struct FlatModel {
    /// Name, with the path of the subcircuit instance it belongs to.
    pub name: String,
    /// `nmos`, `pmos`, `d`, `npn`, `pnp`, `r`, `c`, ...
    pub kind: String,
    /// Numeric parameters as written.
    pub parameters: Vec<(String, Value)>,
    /// `version` when it is not a plain number.
    pub version: Option<String>,
    /// `lmin lmax wmin wmax` of a bin, metres.
    pub bin: Option<[f64; 4]>,
    /// The card.
    pub location: Location,
}

impl FlatModel {
    /// Whether a bin covers a length and a width per finger. A hair of tolerance lets a size at an edge fall into a bin.
    pub fn covers(bin: &[f64; 4], length: f64, width: f64) -> bool {
        let inside = |x: f64, low: f64, high: f64| x >= low * (1.0 - 1e-9) && x < high * (1.0 - 1e-9);
        inside(length, bin[0], bin[1]) && inside(width, bin[2], bin[3])
    }
}

/// A top-level parameter.
#[derive(Debug, Clone)]
pub struct Parameter {
    /// Name in lower case.
    pub name: String,
    /// Its slot; `None` if nothing in the circuit uses it.
    pub slot: Option<u32>,
    /// Its definition.
    pub location: Location,
}

/// A flat circuit: every subcircuit expanded, every value a number or a slot.
#[derive(Debug, Clone)]
pub struct Netlist {
    /// First line of the deck.
    pub title: String,
    /// Parameter values.
    pub slots: Slots,
    /// Top-level `.param`s.
    pub parameters: Vec<Parameter>,
    /// Node names; index 0 is ground.
    pub nodes: Vec<String>,
    /// Where each node was first named.
    pub node_locations: Vec<Location>,
    /// Elements in deck order.
    pub elements: Vec<Element>,
    /// Models in order of first use.
    pub models: Vec<FlatModel>,
    /// Slots whose values were used once, in `.options` and `.temp`.
    pub fixed_slots: Vec<u32>,
    /// `.options` and `.temp`.
    pub options: Options,
    /// Analyses in deck order.
    pub analyses: Vec<(Analysis, Location)>,
    /// The slot of `temper`, the circuit temperature in Celsius, if an expression uses it.
    pub temperature_slot: Option<u32>,
    /// `.csparam` numbers.
    pub constants: Vec<(String, Value)>,
    /// `.measure` cards.
    pub measures: Vec<crate::measure::Measure>,
    /// `.nodeset` values by node.
    pub nodesets: Vec<(u32, Value)>,
    /// `.ic` values by node.
    pub initial: Vec<(u32, Value)>,
    /// Things that were ignored.
    pub warnings: Vec<String>,
}

impl Netlist {
    /// Title and cards of a deck file, all includes in place.
    pub(crate) fn cards_of_file(path: &Path, options: &ParseOptions) -> Result<(String, Vec<Line>)> {
        source::read_path(path, options)
    }

    /// The same of a deck given as text; its first line is the title.
    pub(crate) fn cards_of_text(text: &str, options: &ParseOptions) -> Result<(String, Vec<Line>)> {
        source::read_text(text, "<netlist>", options)
    }

    /// Sorts cards into subcircuits.
    pub(crate) fn outline(title: String, cards: Vec<Line>) -> Result<Deck> {
        deck::outline(title, cards)
    }

    /// Reads and expands a deck given as text; its first line is the title.
    pub fn parse(text: &str, options: &ParseOptions) -> Result<Self> {
        let (title, cards) = source::read_text(text, "<netlist>", options)?;
        flatten::flatten(&deck::outline(title, cards)?, &options.parameters)
    }

    /// Expands an outline with some top-level parameters replaced.
    pub fn from_deck(deck: &Deck, parameters: &[(String, f64)]) -> Result<Self> {
        flatten::flatten(deck, parameters)
    }

    /// Index of a node by name (`0` and `gnd` are ground).
    pub fn node(&self, name: &str) -> Option<u32> {
        let name = name.to_ascii_lowercase();
        if name == "gnd" {
            return Some(0);
        }
        self.nodes.iter().position(|n| *n == name).map(|i| i as u32)
    }
}
