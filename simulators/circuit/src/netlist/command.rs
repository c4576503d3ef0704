//! Dot cards: analyses with their ranges, options, initial conditions.

use super::deck::{Body, Text, assignments, syntax};
use super::scope::Scopes;
use super::source::Line;
use super::tokens::{Token, tokenize};
use super::{Slots, Value};
use crate::error::{CircuitError, Location, Result, did_you_mean};

/// Integration method of the transient analysis.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Method {
    /// Trapezoidal rule, first order after breakpoints.
    #[default]
    Trapezoidal,
    /// Gear's backward differentiation, second order.
    Gear,
}

/// Tolerances and limits; the defaults are SPICE's.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    /// Relative tolerance of voltages and currents.
    pub reltol: f64,
    /// Absolute current tolerance, A.
    pub abstol: f64,
    /// Absolute voltage tolerance, V.
    pub vntol: f64,
    /// Absolute charge tolerance, C.
    pub chgtol: f64,
    /// Overestimation factor of the truncation error.
    pub trtol: f64,
    /// Conductance across every pn junction, S.
    pub gmin: f64,
    /// Newton iterations of an operating point.
    pub itl1: usize,
    /// Newton iterations of a sweep point; steers gmin stepping.
    pub itl2: usize,
    /// Newton iterations of a time point.
    pub itl4: usize,
    /// Integration method.
    pub method: Method,
    /// Highest integration order (1 or 2).
    pub max_order: usize,
    /// Circuit temperature, Celsius.
    pub temperature_c: f64,
    /// Temperature at which model parameters hold, Celsius.
    pub nominal_c: f64,
    /// Factor on the lengths of MOS instances.
    pub scale: f64,
    /// Width, length, drain and source area of a level-1 transistor that does not give its own, m and m^2.
    pub mos_defaults: [f64; 4],
    /// Most time points of a transient analysis, accepted and rejected together.
    pub max_points: usize,
    /// Wall-clock limit of one analysis, seconds.
    pub time_limit_s: f64,
    /// Resistance from every node to ground, ohm; infinite without `rshunt`.
    pub shunt_ohm: f64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            reltol: 1e-3,
            abstol: 1e-12,
            vntol: 1e-6,
            chgtol: 1e-14,
            trtol: 7.0,
            gmin: 1e-12,
            itl1: 100,
            itl2: 50,
            itl4: 10,
            method: Method::Trapezoidal,
            max_order: 2,
            temperature_c: 27.0,
            nominal_c: 27.0,
            scale: 1.0,
            mos_defaults: [1e-4, 1e-4, 0.0, 0.0],
            max_points: 5_000_000,
            time_limit_s: 600.0,
            shunt_ohm: f64::INFINITY,
        }
    }
}

/// Frequencies of a small-signal analysis.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Spacing {
    /// Points per decade.
    Decade,
    /// Points per octave.
    Octave,
    /// Points in all.
    Linear,
}

/// `.ac`-style frequency range.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AcSweep {
    /// Spacing.
    pub spacing: Spacing,
    /// Points per decade or octave, or in all.
    pub points: Value,
    /// First frequency, Hz.
    pub start: Value,
    /// Last frequency, Hz.
    pub stop: Value,
}

/// One swept quantity of a `.dc` card: an independent source, a resistor, or `temp`.
#[derive(Debug, Clone, PartialEq)]
pub struct DcSweep {
    /// Element name or `temp`.
    pub name: String,
    /// First value.
    pub start: Value,
    /// Last value.
    pub stop: Value,
    /// Step.
    pub step: Value,
}

/// A voltage between two nodes or a branch current, by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// `v(a)` or `v(a,b)`.
    Voltage(String, Option<String>),
    /// `i(v1)`.
    Current(String),
}

/// An analysis card.
#[derive(Debug, Clone, PartialEq)]
pub enum Analysis {
    /// `.op`.
    Op,
    /// `.dc`: inner sweep first.
    Dc(Vec<DcSweep>),
    /// `.ac`.
    Ac(AcSweep),
    /// `.noise`.
    Noise {
        /// Output voltage.
        output: Output,
        /// Input source.
        input: String,
        /// Frequencies.
        sweep: AcSweep,
        /// Whether per-source spectra are wanted (a trailing number on the card).
        per_source: bool,
    },
    /// `.tran`.
    Tran {
        /// Suggested step, s.
        step: Value,
        /// End, s.
        stop: Value,
        /// Start of the recorded part, s.
        start: Option<Value>,
        /// Largest step, s.
        max_step: Option<Value>,
        /// Skip the operating point and start from `.ic` values.
        uic: bool,
    },
    /// `.tf`.
    Tf {
        /// Output.
        output: Output,
        /// Input source.
        input: String,
    },
}

/// The parsed setup cards.
#[derive(Default)]
pub(super) struct Setup {
    /// Slots whose present value went into the options.
    pub fixed_slots: Vec<u32>,
    /// `.options` and `.temp`.
    pub options: Options,
    /// Whether there is a `.temp`.
    pub temperature_given: bool,
    /// Analyses in deck order.
    pub analyses: Vec<(Analysis, Location)>,
    /// `.nodeset` by node name.
    pub nodesets: Vec<(String, Value, Location)>,
    /// `.ic` by node name.
    pub initial: Vec<(String, Value, Location)>,
    /// `.csparam`: numbers for the control block.
    pub constants: Vec<(String, Value)>,
    /// `.measure` cards.
    pub measures: Vec<Line>,
    /// Things without effect.
    pub warnings: Vec<String>,
}

/// Flattens `v(a,b)`-like tokens to `v(a,b)` words so that cards can be read by position.
fn joined(tokens: &[Token]) -> Vec<Token> {
    let mut out: Vec<Token> = Vec::new();
    let mut i = 0;
    while i < tokens.len() {
        match (&tokens[i], tokens.get(i + 1)) {
            (Token::Word(w), Some(Token::Open)) => {
                let mut text = format!("{w}(");
                i += 2;
                while i < tokens.len() && tokens[i] != Token::Close {
                    match &tokens[i] {
                        Token::Word(x) | Token::Expression(x) => {
                            if !text.ends_with(['(', ',']) {
                                text.push(',');
                            }
                            text.push_str(x);
                        }
                        Token::Comma => text.push(','),
                        _ => {}
                    }
                    i += 1;
                }
                text.push(')');
                out.push(Token::Word(text.replace(",,", ",")));
                i += 1;
            }
            (t, _) => {
                out.push(t.clone());
                i += 1;
            }
        }
    }
    out
}

/// Reads `v(a)`, `v(a,b)` or `i(v1)`.
pub fn output(text: &str) -> Option<Output> {
    let (kind, rest) = text.split_once('(')?;
    let inner = rest.strip_suffix(')')?.trim();
    match (kind.trim(), inner.split_once(',')) {
        ("v", None) if !inner.is_empty() => Some(Output::Voltage(inner.to_string(), None)),
        ("v", Some((a, b))) => Some(Output::Voltage(a.trim().to_string(), Some(b.trim().to_string()))),
        ("i", None) if !inner.is_empty() => Some(Output::Current(inner.to_string())),
        _ => None,
    }
}

struct Words<'a, 'd> {
    items: Vec<Token>,
    at: usize,
    scopes: &'a mut Scopes<'d>,
    scope: usize,
    line: &'a Line,
}

impl Words<'_, '_> {
    fn fail<T>(&self, usage: &str) -> Result<T> {
        Err(syntax(&self.line.location, format!("`{}`: expected `{usage}`", self.line.text)))
    }

    fn peek(&self) -> Option<&str> {
        self.items.get(self.at).and_then(Token::word)
    }

    fn word(&mut self, usage: &str) -> Result<String> {
        match self.peek().map(str::to_string) {
            Some(w) => {
                self.at += 1;
                Ok(w)
            }
            None => self.fail(usage),
        }
    }

    fn optional(&mut self) -> Result<Option<Value>> {
        let text = match self.items.get(self.at) {
            Some(Token::Word(w) | Token::Expression(w)) => w.clone(),
            _ => return Ok(None),
        };
        self.at += 1;
        self.scopes.value_of(self.scope, &text, &self.line.location).map(Some)
    }

    fn value(&mut self, usage: &str) -> Result<Value> {
        match self.optional()? {
            Some(v) => Ok(v),
            None => self.fail(usage),
        }
    }

    fn sweep(&mut self, usage: &str) -> Result<AcSweep> {
        let spacing = match self.word(usage)?.as_str() {
            "dec" => Spacing::Decade,
            "oct" => Spacing::Octave,
            "lin" => Spacing::Linear,
            _ => return self.fail(usage),
        };
        Ok(AcSweep {
            spacing,
            points: self.value(usage)?,
            start: self.value(usage)?,
            stop: self.value(usage)?,
        })
    }

    fn output(&mut self, usage: &str) -> Result<Output> {
        let text = self.word(usage)?;
        match output(&text) {
            Some(o) => Ok(o),
            None => self.fail(usage),
        }
    }
}

/// Reads one setup card into `setup`.
pub(super) fn read(line: &Line, scopes: &mut Scopes<'_>, setup: &mut Setup) -> Result<()> {
    let keyword = line.text.split_whitespace().next().unwrap_or("").to_ascii_lowercase();
    if keyword == ".meas" || keyword == ".measure" {
        setup.measures.push(line.clone());
        return Ok(());
    }
    let tokens = tokenize(&line.text, &line.location)?;
    if keyword == ".csparam" {
        for (name, text) in assignments(&tokens[1..], &line.location)?.0 {
            let value = scopes.value(0, &text)?;
            setup.constants.push((name, value));
        }
        return Ok(());
    }
    if keyword.starts_with(".opt") {
        return options(&tokens[1..], line, scopes, setup);
    }
    let mut words = Words { items: joined(&tokens[1..]), at: 0, scopes, scope: 0, line };
    let analysis = match keyword.as_str() {
        ".op" => Analysis::Op,
        ".temp" => {
            let value = words.value(".temp celsius")?;
            setup.options.temperature_c = scopes.slots.get(value);
            setup.temperature_given = true;
            if let Value::Slot(slot) = value {
                setup.fixed_slots.push(slot);
            }
            return Ok(());
        }
        ".ac" => Analysis::Ac(words.sweep(".ac dec|oct|lin points start stop")?),
        ".dc" => {
            let usage = ".dc source start stop step [source start stop step]";
            let mut sweeps = Vec::new();
            while sweeps.is_empty() || words.at < words.items.len() {
                let name = words.word(usage)?;
                sweeps.push(DcSweep {
                    name,
                    start: words.value(usage)?,
                    stop: words.value(usage)?,
                    step: words.value(usage)?,
                });
            }
            if sweeps.len() > 2 {
                return words.fail(usage);
            }
            Analysis::Dc(sweeps)
        }
        ".noise" => {
            let usage = ".noise v(out[,ref]) source dec|oct|lin points start stop [points per summary]";
            let output = words.output(usage)?;
            let input = words.word(usage)?;
            let sweep = words.sweep(usage)?;
            let per_source = words.optional()?.is_some();
            Analysis::Noise { output, input, sweep, per_source }
        }
        ".tran" => {
            let usage = ".tran step stop [start [max step]] [uic]";
            let (step, stop) = (words.value(usage)?, words.value(usage)?);
            let mut more = [None, None];
            for slot in &mut more {
                if words.peek() != Some("uic") {
                    *slot = words.optional()?;
                }
            }
            let uic = words.peek() == Some("uic");
            Analysis::Tran { step, stop, start: more[0], max_step: more[1], uic }
        }
        ".tf" => {
            let usage = ".tf v(out[,ref])|i(source) source";
            Analysis::Tf { output: words.output(usage)?, input: words.word(usage)? }
        }
        ".nodeset" | ".ic" => {
            let list = if keyword == ".ic" { &mut setup.initial } else { &mut setup.nodesets };
            for (node, value) in start_values(line, scopes, 0)? {
                list.push((node, value, line.location.clone()));
            }
            return Ok(());
        }
        _ => return Ok(()),
    };
    setup.analyses.push((analysis, line.location.clone()));
    Ok(())
}

/// An analysis card that stands alone, its values numbers.
pub(crate) fn analysis_of(text: &str, location: &Location) -> Result<Analysis> {
    let top = Body::default();
    let (mut scopes, mut setup) = (Scopes::new(&top, &[]), Setup::default());
    read(&Line { text: text.to_string(), location: location.clone() }, &mut scopes, &mut setup)?;
    match setup.analyses.pop() {
        Some((analysis, _)) => Ok(analysis.fixed(&scopes.slots)),
        None => Err(syntax(location, format!("`{text}` is no analysis"))),
    }
}

/// Options with those of an `.options` card's text applied, and warnings.
pub(crate) fn options_of(
    text: &str,
    options: Options,
    location: &Location,
) -> Result<(Options, Vec<String>)> {
    let top = Body::default();
    let mut setup = Setup { options, ..Setup::default() };
    let line = Line { text: format!(".options {text}"), location: location.clone() };
    read(&line, &mut Scopes::new(&top, &[]), &mut setup)?;
    Ok((setup.options, setup.warnings))
}

impl Analysis {
    /// The same with all values as numbers.
    fn fixed(self, slots: &Slots) -> Self {
        let n = |v: Value| Value::Const(slots.get(v));
        let range = |s: AcSweep| AcSweep { points: n(s.points), start: n(s.start), stop: n(s.stop), ..s };
        match self {
            Self::Dc(list) => Self::Dc(
                list.into_iter()
                    .map(|s| DcSweep { start: n(s.start), stop: n(s.stop), step: n(s.step), ..s })
                    .collect(),
            ),
            Self::Ac(sweep) => Self::Ac(range(sweep)),
            Self::Noise { output, input, sweep, per_source } => {
                Self::Noise { output, input, sweep: range(sweep), per_source }
            }
            Self::Tran { step, stop, start, max_step, uic } => Self::Tran {
                step: n(step),
                stop: n(stop),
                start: start.map(n),
                max_step: max_step.map(n),
                uic,
            },
            other => other,
        }
    }
}

/// Nodes and values of `.ic` and `.nodeset`, the values as seen from `scope`.
pub(super) fn start_values(
    line: &Line,
    scopes: &mut Scopes<'_>,
    scope: usize,
) -> Result<Vec<(String, Value)>> {
    let tokens = tokenize(&line.text, &line.location)?;
    let mut words = Words { items: joined(&tokens[1..]), at: 0, scopes, scope, line };
    let usage = "v(node)=value ...";
    let mut out = Vec::new();
    while words.at < words.items.len() {
        if words.items[words.at] == Token::Comma {
            words.at += 1;
            continue;
        }
        let Output::Voltage(node, None) = words.output(usage)? else { return words.fail(usage) };
        if words.items.get(words.at) != Some(&Token::Equals) {
            return words.fail(usage);
        }
        words.at += 1;
        out.push((node, words.value(usage)?));
    }
    Ok(out)
}

fn options(tokens: &[Token], line: &Line, scopes: &mut Scopes<'_>, setup: &mut Setup) -> Result<()> {
    const KNOWN: [&str; 22] = [
        "reltol", "abstol", "vntol", "chgtol", "trtol", "gmin", "itl1", "itl2", "itl4", "method", "maxord",
        "temp", "tnom", "scale", "pivtol", "pivrel", "itl6", "defw", "defl", "defad", "defas", "rshunt",
    ];
    let (list, flags) = assignments(tokens, &line.location)?;
    let o = &mut setup.options;
    for (name, text) in &list {
        if name == "method" {
            o.method = match text.text.as_str() {
                "gear" => Method::Gear,
                "trap" | "trapezoidal" => Method::Trapezoidal,
                other => {
                    return Err(syntax(
                        &line.location,
                        format!("unknown integration method `{other}`; expected `trap` or `gear`"),
                    ));
                }
            };
            continue;
        }
        let value = match scopes.value(0, &Text { text: text.text.clone(), location: line.location.clone() })
        {
            Ok(v) => {
                if let Value::Slot(slot) = v {
                    setup.fixed_slots.push(slot);
                }
                scopes.slots.get(v)
            }
            // Options of other simulators may have words as values.
            Err(_) if !KNOWN.contains(&name.as_str()) => 0.0,
            Err(e) => return Err(e),
        };
        let positive = |v: f64| match v.is_finite() && v > 0.0 {
            true => Ok(v),
            false => Err(CircuitError::Value {
                element: ".options".into(),
                name: name.clone(),
                value: v,
                expected: "a positive number".into(),
                location: line.location.clone(),
            }),
        };
        match name.as_str() {
            "reltol" => o.reltol = positive(value)?,
            "abstol" => o.abstol = positive(value)?,
            "vntol" => o.vntol = positive(value)?,
            "chgtol" => o.chgtol = positive(value)?,
            "trtol" => o.trtol = positive(value)?,
            "gmin" => o.gmin = positive(value)?,
            "itl1" => o.itl1 = positive(value)? as usize,
            "itl2" => o.itl2 = positive(value)? as usize,
            "itl4" => o.itl4 = positive(value)? as usize,
            "maxord" => {
                if value > 2.0 {
                    setup.warnings.push(format!("{}: integration is of order 2 at most", line.location));
                }
                o.max_order = (positive(value)? as usize).clamp(1, 2);
            }
            "rshunt" => o.shunt_ohm = positive(value)?,
            // A `.temp` card has the last word, wherever it stands.
            "temp" if setup.temperature_given => {}
            "temp" => o.temperature_c = value,
            "tnom" => o.nominal_c = value,
            "scale" => o.scale = positive(value)?,
            "defw" => o.mos_defaults[0] = positive(value)?,
            "defl" => o.mos_defaults[1] = positive(value)?,
            "defad" => o.mos_defaults[2] = value,
            "defas" => o.mos_defaults[3] = value,
            "pivtol" | "pivrel" | "itl6" => {}
            _ => setup.warnings.push(format!(
                "{}: option `{name}` has no effect here{}",
                line.location,
                did_you_mean(name, KNOWN)
            )),
        }
    }
    for flag in flags {
        setup.warnings.push(format!("{}: option `{flag}` has no effect here", line.location));
    }
    Ok(())
}

impl AcSweep {
    /// The frequencies in hertz; repeated multiplication as ngspice does it. With `to_the_end` the points of a range that is no whole number
    /// of decades are spread so that the last one is its end, as in `.ac`; `.noise` keeps the points per decade and stops short of it.
    pub fn frequencies(&self, slots: &Slots, to_the_end: bool) -> Result<Vec<f64>> {
        let (points, start, stop) = (slots.get(self.points), slots.get(self.start), slots.get(self.stop));
        let fail = |message: String| Err(CircuitError::Analysis { analysis: "frequency sweep", message });
        if !(1.0..=1e7).contains(&points) {
            return fail(format!("{points} points; expected 1 to 10 million"));
        }
        if !(start.is_finite() && stop.is_finite() && stop >= start) {
            return fail(format!("range {start} Hz to {stop} Hz; expected start <= stop"));
        }
        let factor = match self.spacing {
            Spacing::Linear => {
                let n = if start == stop { 1 } else { points as usize };
                let step = if n > 1 { (stop - start) / (n as f64 - 1.0) } else { 0.0 };
                return Ok((0..n).map(|i| start + step * i as f64).collect());
            }
            _ if start <= 0.0 => {
                return fail(format!("starts at {start} Hz; a logarithmic sweep needs a positive start"));
            }
            Spacing::Decade => match ((stop / start).log10() * points).floor() {
                steps if to_the_end && steps >= 1.0 => ((stop / start).ln() / steps).exp(),
                _ => (10f64.ln() / points).exp(),
            },
            Spacing::Octave => (2f64.ln() / points).exp(),
        };
        // The tolerance admits the end point in spite of rounding.
        let limit = stop * (1.0 + (factor - 1.0) * 1e-3);
        if ((stop / start).ln() / factor.ln()) > 1e7 {
            return fail("more than 10 million points".into());
        }
        let mut out = Vec::new();
        let mut f = start;
        while f <= limit {
            out.push(f);
            f *= factor;
        }
        Ok(out)
    }
}
