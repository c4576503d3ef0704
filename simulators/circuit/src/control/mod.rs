//! `.control` blocks: their analyses, measures, vectors, loops and prints. What draws, writes files or talks to the system is skipped and
//! said; what computes and is not here is refused by name.

mod alter;
mod commands;
mod expression;
mod plot;
mod script;
mod substitute;
mod vector;

use std::collections::{BTreeMap, HashMap};
use std::time::Instant;

use script::Step;

use crate::circuit::{Circuit, Results};
use crate::error::{CircuitError, Location, Result, did_you_mean};
use crate::measure::Measured;
use crate::netlist::{Line, Netlist};

pub(crate) use expression::{Names, evaluate};
pub(crate) use plot::Plot;
pub(crate) use vector::Vector;

/// Commands that one script may execute.
const MAX_COMMANDS: u64 = 1_000_000;

/// How a list of steps ended.
enum Flow {
    On,
    Break(usize),
    Continue(usize),
    Quit,
}

/// A running script.
struct Session<'c> {
    circuit: &'c Circuit,
    /// Parameter values that `alterparam` has set.
    parameters: Vec<(String, f64)>,
    netlist: Netlist,
    constants: Plot,
    plots: Vec<Plot>,
    /// Index into `plots`, none for the constants.
    current: Option<usize>,
    plot_number: usize,
    variables: HashMap<String, Vec<String>>,
    functions: Vec<(String, Vec<String>, String)>,
    /// Operating-point quantities by device.
    info: HashMap<String, Vec<(&'static str, f64)>>,
    analyses: usize,
    executed: u64,
    begun: Instant,
    skipped: BTreeMap<String, usize>,
    measures: Vec<Measured>,
    output: Vec<String>,
    warnings: Vec<String>,
}

/// Runs the control blocks of a circuit; `None` if they ran no analysis.
pub(crate) fn run(circuit: &Circuit) -> Result<Option<Results>> {
    let (deck, parameters) = circuit.parts();
    let steps = script::parse(&deck.control)?;
    let netlist = circuit.netlist()?;
    let mut session = Session {
        circuit,
        parameters: parameters.to_vec(),
        constants: Plot::new("const".into(), "const"),
        plots: Vec::new(),
        current: None,
        plot_number: 1,
        variables: HashMap::new(),
        functions: Vec::new(),
        info: HashMap::new(),
        analyses: 0,
        executed: 0,
        begun: Instant::now(),
        skipped: BTreeMap::new(),
        measures: Vec::new(),
        output: Vec::new(),
        warnings: netlist.warnings.clone(),
        netlist,
    };
    session.set_constants();
    session.steps(&steps)?;
    Ok(session.finish())
}

impl Session<'_> {
    /// The constants of the `const` plot, and what `.csparam` adds.
    fn set_constants(&mut self) {
        use crate::devices::constants::{BOLTZMANN, CHARGE};
        let numbers = [
            ("pi", std::f64::consts::PI),
            ("e", std::f64::consts::E),
            ("c", 299_792_458.0),
            ("yes", 1.0),
            ("no", 0.0),
            ("true", 1.0),
            ("false", 0.0),
            ("kelvin", -273.15),
            ("echarge", CHARGE),
            ("boltz", BOLTZMANN),
            ("planck", 6.626_070_040e-34),
        ];
        for (name, value) in numbers {
            self.constants.set(name, Vector::scalar(value));
        }
        self.constants.set("i", Vector { data: vec![(0.0, 1.0)], complex: true, dims: Vec::new() });
        for (name, value) in self.netlist.constants.clone() {
            self.constants.set(&name, Vector::scalar(self.netlist.slots.get(value)));
        }
    }

    fn finish(mut self) -> Option<Results> {
        if self.analyses == 0 {
            return None;
        }
        if !self.skipped.is_empty() {
            let list: Vec<String> = self
                .skipped
                .iter()
                .map(
                    |(name, count)| {
                        if *count > 1 { format!("`{name}` ({count} times)") } else { format!("`{name}`") }
                    },
                )
                .collect();
            self.warnings.push(format!("skipped in the control block: {}", list.join(", ")));
        }
        let mut results = Results::default();
        for plot in self.plots.iter().filter(|p| !p.names().is_empty()) {
            let stem = if plot.stem.starts_with("unknown") { &plot.name } else { &plot.stem };
            results.add(stem, plot.table());
        }
        results.measures = self.measures;
        if !self.netlist.measures.is_empty() {
            results.measures.extend(crate::circuit::measure(&self.netlist, &results));
        }
        results.warnings = self.warnings;
        results.output = self.output;
        Some(results)
    }

    fn plot(&self) -> &Plot {
        self.current.map_or(&self.constants, |k| &self.plots[k])
    }

    fn plot_mut(&mut self) -> &mut Plot {
        match self.current {
            Some(k) => &mut self.plots[k],
            None => &mut self.constants,
        }
    }

    /// ngspice's names: a number that grows when a name is taken.
    fn plot_name(&mut self, kind: &str) -> String {
        loop {
            let name = format!("{kind}{}", self.plot_number);
            if self.plots.iter().all(|p| p.name != name) {
                return name;
            }
            self.plot_number += 1;
        }
    }

    fn fail<T>(&self, location: &Location, message: impl Into<String>) -> Result<T> {
        Err(CircuitError::Syntax { message: message.into(), location: location.clone() })
    }

    fn value(&self, text: &str, location: &Location) -> Result<Vector> {
        match evaluate(text, self) {
            Ok(v) => Ok(v),
            Err(message) => self.fail(location, message),
        }
    }

    /// A condition; an empty one, or one that cannot be evaluated, is false as in ngspice.
    fn condition(&mut self, line: &Line) -> Result<bool> {
        let value = match self.substituted(&line.text, &line.location) {
            Ok(text) if text.trim().is_empty() => return Ok(false),
            Ok(text) => evaluate(text.trim(), self).map_err(|m| format!("{}: {m}", line.location)),
            Err(e) => Err(e.to_string()),
        };
        match value {
            Ok(v) => Ok(v.is_true()),
            Err(message) => {
                self.warnings.push(format!("{message}; taken as false"));
                Ok(false)
            }
        }
    }

    fn steps(&mut self, steps: &[Step]) -> Result<Flow> {
        for step in steps {
            let flow = match step {
                Step::Command(line) => self.command(line)?,
                Step::If(condition, yes, no) => {
                    let taken = self.condition(condition)?;
                    self.steps(if taken { yes } else { no })?
                }
                Step::Loop(kind, header, body) => self.repeat(kind, header, body)?,
            };
            if !matches!(flow, Flow::On) {
                return Ok(flow);
            }
        }
        Ok(Flow::On)
    }

    fn repeat(&mut self, kind: &str, header: &Line, body: &[Step]) -> Result<Flow> {
        let mut list = Vec::new();
        let mut variable = String::new();
        let mut count = u64::MAX;
        match kind {
            "foreach" => {
                let text = self.substituted(&header.text, &header.location)?;
                let mut words = text.split_whitespace().filter(|w| !matches!(*w, "(" | ")"));
                variable = words.next().unwrap_or("").to_string();
                list = words.map(|w| w.trim_matches(|c| c == '(' || c == ')').to_string()).collect();
                count = list.len() as u64;
            }
            "repeat" => {
                let text = self.substituted(&header.text, &header.location)?;
                if !text.trim().is_empty() {
                    count = self.value(text.trim(), &header.location)?.first().max(0.0) as u64;
                }
            }
            _ => {}
        }
        let mut done = 0;
        while done < count {
            self.count(&header.location)?;
            if kind == "foreach" {
                self.variables.insert(variable.clone(), vec![list[done as usize].clone()]);
            }
            if kind == "while" && !self.condition(header)? {
                break;
            }
            match self.steps(body)? {
                Flow::Break(1) => break,
                Flow::Break(n) => return Ok(Flow::Break(n - 1)),
                Flow::Continue(n) if n > 1 => return Ok(Flow::Continue(n - 1)),
                Flow::Quit => return Ok(Flow::Quit),
                _ => {}
            }
            if kind == "dowhile" && !self.condition(header)? {
                break;
            }
            done += 1;
        }
        Ok(Flow::On)
    }

    fn count(&mut self, location: &Location) -> Result<()> {
        self.executed += 1;
        let seconds = self.netlist.options.time_limit_s;
        if self.executed > MAX_COMMANDS {
            return self
                .fail(location, format!("the control block has executed more than {MAX_COMMANDS} commands"));
        }
        if self.begun.elapsed().as_secs_f64() > seconds {
            return self.fail(location, format!("the control block has run for more than {seconds} s"));
        }
        Ok(())
    }
}

impl Names for Session<'_> {
    fn vector(&self, name: &str) -> std::result::Result<Vector, String> {
        if let Some(inner) = name.strip_prefix('@') {
            return self.quantity(inner, self.plot());
        }
        if let Some(v) = self.plot().get(name).or_else(|| self.constants.get(name)) {
            return Ok(v);
        }
        if let Some((plot, rest)) = name.split_once('.')
            && let Some(plot) = self.plots.iter().chain([&self.constants]).find(|p| p.name == plot)
        {
            if let Some(inner) = rest.strip_prefix('@') {
                return self.quantity(inner, plot);
            }
            return plot.get(rest).ok_or_else(|| format!("plot `{}` has no vector `{rest}`", plot.name));
        }
        let known = self.plot().names().iter().chain(self.constants.names()).map(String::as_str);
        Err(format!("there is no vector `{name}`{}", did_you_mean(name, known)))
    }

    fn function(&self, name: &str, arguments: usize) -> Option<(Vec<String>, String)> {
        let found = self.functions.iter().rev().find(|f| f.0 == name && f.1.len() == arguments);
        found.map(|(_, parameters, body)| (parameters.clone(), body.clone()))
    }

    fn scale(&self) -> Vec<f64> {
        self.plot().scale()
    }

    fn degrees(&self) -> bool {
        self.variables.get("units").and_then(|v| v.first()).is_some_and(|v| v.starts_with("deg"))
    }
}
