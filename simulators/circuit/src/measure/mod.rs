//! `.measure` cards: crossings, values at crossings, extremes, averages and expressions of other measures.

pub mod amplifier;
mod evaluate;
mod parse;

pub(crate) use evaluate::unwrap_degrees;
pub use evaluate::{Measured, evaluate};
pub use parse::parse;

use crate::error::Location;
use crate::netlist::Value;
use crate::netlist::expression::Op;

/// The analysis a measure looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Domain {
    /// `.tran`.
    Tran,
    /// `.ac`.
    Ac,
    /// `.dc`.
    Dc,
    /// `.noise`.
    Noise,
    /// `.op` (only `find`).
    Op,
}

/// A measured quantity: a column of the results, or a part of a complex column.
#[derive(Debug, Clone, PartialEq)]
pub struct Signal {
    /// How the column is read.
    pub part: Part,
    /// Column without `.re`/`.im`: `v(out)`, `i(vdd)`, `onoise_spectrum`. Of a formula, its text.
    pub column: String,
    /// Column to subtract (`v(a,b)`).
    pub minus: Option<String>,
    /// Of `par('formula')`: the netlist's parameters in it.
    pub formula: Option<Vec<(String, Value)>>,
}

/// Part of a complex number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// As is; the magnitude of a complex value.
    Plain,
    /// Magnitude (`vm`).
    Magnitude,
    /// 20 log10 of the magnitude (`vdb`).
    Decibel,
    /// Phase in degrees, unwrapped (`vp`).
    Phase,
    /// Real part (`vr`).
    Real,
    /// Imaginary part (`vi`).
    Imaginary,
}

/// Which crossing of a level counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edge {
    /// The n-th upward crossing, from 1; 0 means the last.
    Rise(usize),
    /// The n-th downward crossing.
    Fall(usize),
    /// The n-th crossing of either kind.
    Cross(usize),
}

/// An instant: where a signal crosses a level or another signal, or a fixed abscissa.
#[derive(Debug, Clone, PartialEq)]
pub enum Point {
    /// `at=`.
    At(Value),
    /// `signal val=level rise=n td=delay`.
    Crossing {
        /// What crosses.
        signal: Signal,
        /// The level.
        level: Level,
        /// Which crossing.
        edge: Edge,
        /// Nothing before this abscissa counts.
        delay: Value,
    },
}

/// What is crossed.
#[derive(Debug, Clone, PartialEq)]
pub enum Level {
    /// A number.
    Number(Value),
    /// Another signal.
    Signal(Signal),
}

/// Statistics over a range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Statistic {
    /// Maximum.
    Max,
    /// Minimum.
    Min,
    /// Maximum minus minimum.
    PeakToPeak,
    /// Mean over the abscissa.
    Average,
    /// Root mean square over the abscissa.
    Rms,
    /// Integral over the abscissa.
    Integral,
    /// Abscissa of the maximum.
    MaxAt,
    /// Abscissa of the minimum.
    MinAt,
}

/// What a measure computes.
#[derive(Debug, Clone)]
pub enum Quantity {
    /// Distance from one instant to another.
    Delay {
        /// From.
        trigger: Point,
        /// To.
        target: Point,
    },
    /// The abscissa of an instant.
    When(Point),
    /// A signal at an instant.
    Find(Signal, Point),
    /// The slope of a signal at an instant.
    Slope(Signal, Point),
    /// A statistic between two abscissas.
    Statistic {
        /// Which.
        statistic: Statistic,
        /// Of what.
        signal: Signal,
        /// Start of the range, if given.
        from: Option<Value>,
        /// End of the range, if given.
        to: Option<Value>,
    },
    /// An expression; [`Op::Load`] beyond the slots refers to other measures by name in order of `uses`.
    Expression {
        /// Stack program; loads index `uses`.
        program: Vec<Op>,
        /// Operands.
        uses: Vec<Operand>,
    },
}

/// An operand of a measure expression.
#[derive(Debug, Clone, PartialEq)]
pub enum Operand {
    /// A netlist parameter.
    Parameter(Value),
    /// An earlier measure.
    Measure(String),
}

/// A `.measure` card.
#[derive(Debug, Clone)]
pub struct Measure {
    /// Name.
    pub name: String,
    /// Where it looks.
    pub domain: Domain,
    /// What it computes.
    pub quantity: Quantity,
    /// The card.
    pub location: Location,
}
