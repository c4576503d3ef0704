//! The crate's one error type: what went wrong, where in which file, and what to do about it.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

/// A place in a netlist: file and line (1-based). `line` is the first physical line of a continued card.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location {
    /// The file as the user named it, or `<netlist>` for a deck given as text.
    pub file: Arc<str>,
    /// Line number from 1.
    pub line: u32,
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            // A place outside any file, such as a parameter of the command line.
            0 => write!(f, "{}", self.file),
            line => write!(f, "{}:{line}", self.file),
        }
    }
}

/// `; did you mean ...?` when a known name is close to the one that was not found.
pub(crate) fn did_you_mean<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let best = known
        .into_iter()
        .map(|k| (strsim::damerau_levenshtein(name, k), name.len().abs_diff(k.len()), k))
        .filter(|(d, _, k)| *d <= 2.max(name.len() / 3) && *d < k.len().max(name.len()))
        .min();
    best.map_or(String::new(), |(_, _, k)| format!("; did you mean `{k}`?"))
}

/// Everything that can go wrong between a deck and its results.
#[derive(Debug, Clone, thiserror::Error)]
pub enum CircuitError {
    /// A file could not be read.
    #[error("{}: cannot read {path}: {reason}", place(.location))]
    Read {
        /// The file.
        path: PathBuf,
        /// The operating system's reason.
        reason: String,
        /// The card that asked for the file, if any.
        location: Option<Location>,
    },
    /// The file holds control characters: not a netlist.
    #[error("{path}: is a binary file, expected a SPICE netlist as text")]
    Binary {
        /// The file.
        path: PathBuf,
    },
    /// An include leads out of the folders that the caller allowed.
    #[error(
        "{location}: include of {path} leaves the deck's folder; allow the folder it lies in (`ParseOptions::allow_folder`, or `--allow-include DIR`)"
    )]
    IncludeEscapes {
        /// The file that was asked for.
        path: PathBuf,
        /// The card.
        location: Location,
    },
    /// A file includes itself, directly or through others.
    #[error("{location}: include of {path} never ends: the file is already being read")]
    IncludeRecursion {
        /// The file.
        path: PathBuf,
        /// The card.
        location: Location,
    },
    /// A subcircuit contains itself.
    #[error("{location}: subcircuit `{name}` contains itself (nesting deeper than {limit})")]
    SubcircuitRecursion {
        /// The subcircuit.
        name: String,
        /// Nesting limit.
        limit: usize,
        /// The instance card.
        location: Location,
    },
    /// A card does not follow the grammar.
    #[error("{location}: {message}")]
    Syntax {
        /// What was found and what was expected.
        message: String,
        /// The card.
        location: Location,
    },
    /// An expression does not follow the grammar or names an unknown function.
    #[error("{location}: in expression `{expression}`, column {column}: {message}")]
    Expression {
        /// The expression text.
        expression: String,
        /// Column inside the expression, from 1.
        column: usize,
        /// What was found and what was expected.
        message: String,
        /// The card.
        location: Location,
    },
    /// A name (parameter, model, subcircuit, node, element) is not known.
    #[error("{location}: unknown {kind} `{name}`{hint}")]
    Unknown {
        /// What kind of name.
        kind: &'static str,
        /// The name.
        name: String,
        /// A suggestion, or empty.
        hint: String,
        /// The card.
        location: Location,
    },
    /// Parameters refer to each other in a circle.
    #[error("{location}: parameter `{name}` is defined through itself")]
    ParameterCycle {
        /// The parameter.
        name: String,
        /// Its definition.
        location: Location,
    },
    /// A value is outside what the element or model accepts.
    #[error("{location}: {element}: {name} = {value:e} is not allowed, expected {expected}")]
    Value {
        /// Element or model name.
        element: String,
        /// Parameter name.
        name: String,
        /// The offending value.
        value: f64,
        /// What is allowed.
        expected: String,
        /// The card.
        location: Location,
    },
    /// A device model rejected its card or instance.
    #[error("{location}: {element}: {message}")]
    Device {
        /// Element name.
        element: String,
        /// What the model says.
        message: String,
        /// The card.
        location: Location,
    },
    /// No bin of a binned model covers the device.
    #[error(
        "{location}: {element}: no bin of model `{model}` covers w/nf = {width:e} m, l = {length:e} m; {hint}"
    )]
    NoBin {
        /// Element name.
        element: String,
        /// Model base name.
        model: String,
        /// Width of one finger in metres.
        width: f64,
        /// Length in metres.
        length: f64,
        /// The covered range.
        hint: String,
        /// The card.
        location: Location,
    },
    /// The matrix is singular at a node or branch.
    #[error("the circuit has no unique solution: {reason}")]
    Singular {
        /// Names the node or branch and the usual cause.
        reason: String,
    },
    /// Newton iteration failed in every way tried.
    #[error("{analysis} does not converge{at}: largest change at {}; looser `.options reltol vntol abstol`, a `.nodeset` or a smaller step may help", .nodes.join(", "))]
    NoConvergence {
        /// Which analysis.
        analysis: &'static str,
        /// `" at time 1e-9 s"` or `" at v1 = 0.3"`, or empty.
        at: String,
        /// The unknowns that changed most in the last iteration.
        nodes: Vec<String>,
    },
    /// A hard limit on work or time was reached.
    #[error("{analysis} stopped: {limit}")]
    Limit {
        /// Which analysis.
        analysis: &'static str,
        /// Which limit and how to raise it.
        limit: String,
    },
    /// An analysis asks for something the circuit does not have.
    #[error("{analysis}: {message}")]
    Analysis {
        /// Which analysis.
        analysis: &'static str,
        /// What is missing.
        message: String,
    },
    /// The external ngspice could not be found or failed.
    #[error("{message}")]
    Ngspice {
        /// What happened and the remedy.
        message: String,
    },
    /// Results could not be written.
    #[error("cannot write {path}: {reason}")]
    Write {
        /// The file.
        path: PathBuf,
        /// The operating system's reason.
        reason: String,
    },
}

fn place(location: &Option<Location>) -> String {
    location.as_ref().map_or_else(|| "deck".to_string(), ToString::to_string)
}

/// Result of everything in this crate.
pub type Result<T> = std::result::Result<T, CircuitError>;
