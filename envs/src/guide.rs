//! What an architect knows of an environment beyond its metrics: who is responsible for a figure, and what could be changed about it.
//!
//! Most environments have no such knowledge to offer. One that has it returns it from [`Env::guide`](crate::Env::guide); an agent that searches
//! by it (`farsi`) is handed it with its problem, and still sees designs and their outcomes only.

use std::fmt;

use crate::Design;

/// Knowledge of the structure of designs. Its answers are deterministic, and about designs of the environment's own space.
pub trait Guide: Send + Sync {
    /// Where a search begins: the least design.
    fn start(&self) -> Design;

    /// Who is responsible for the figures of a design; `None` where it has none. To be asked about evaluated designs only: it costs the guide
    /// as much as an evaluation.
    fn diagnose(&self, design: &Design) -> Option<Diagnosis>;

    /// The designs one move away from a design that change a figure by changing what one part needs. Those that cannot help are left out, and
    /// there may be none.
    fn moves(&self, design: &Design, aim: Aim) -> Vec<Move>;
}

impl fmt::Debug for dyn Guide {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Guide")
    }
}

/// The figures of a design, and the parts of the system that are responsible for them.
#[derive(Clone, Debug, PartialEq)]
pub struct Diagnosis {
    /// The figures, in a fixed order.
    pub figures: Vec<Figure>,
    /// What everything costs that is in no figure; of two designs that keep all budgets the less costly one is better.
    pub cost: f64,
}

/// A figure with a budget.
#[derive(Clone, Debug, PartialEq)]
pub struct Figure {
    /// Its name.
    pub name: String,
    /// By how much it is over its budget, as a part of it: 0 on the budget, below 0 within it.
    pub excess: f64,
    /// What every part contributes, in the figure's unit, at least 0.
    pub parts: Vec<f64>,
}

/// What a move is to change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Aim {
    /// Index of the figure.
    pub figure: usize,
    /// Index of the part.
    pub part: usize,
}

/// A design one move away.
#[derive(Clone, Debug, PartialEq)]
pub struct Move {
    /// Kind of the move, such as `swap`.
    pub kind: &'static str,
    /// Where it leads.
    pub design: Design,
}
