//! The commands of control blocks.

use super::expression::leading;
use super::plot::Plot;
use super::script::split;
use super::vector::Vector;
use super::{Flow, Session};
use crate::analysis::{Engine, SmallSignal, System, Table};
use crate::circuit::run_one;
use crate::error::{Location, Result, did_you_mean};
use crate::measure::{self, Domain};
use crate::netlist::{Analysis, Line, Slots, Value, command};

/// Commands without effect on the results here: they draw, write, list or talk to the system.
const SKIPPED: [&str; 45] = [
    "plot",
    "gnuplot",
    "hardcopy",
    "asciiplot",
    "iplot",
    "write",
    "wrdata",
    "wrs2p",
    "save",
    "shell",
    "cd",
    "rusage",
    "listing",
    "edisplay",
    "eprint",
    "eprvcd",
    "esave",
    "display",
    "show",
    "showmod",
    "status",
    "version",
    "settype",
    "deftype",
    "setscale",
    "transpose",
    "mdump",
    "mrdump",
    "inventory",
    "devhelp",
    "history",
    "help",
    "bug",
    "where",
    "trace",
    "iplot",
    "alias",
    "unalias",
    "rehash",
    "setcs",
    "pre_set",
    "codemodel",
    "load",
    "remcirc",
    "remzerovec",
];
/// Commands that would compute something and are refused.
const MISSING: [(&str, &str); 17] = [
    ("sens", "sensitivity analysis"),
    ("pz", "pole-zero analysis"),
    ("disto", "distortion analysis"),
    ("sp", "S-parameter analysis"),
    ("pss", "periodic steady state"),
    ("fft", "Fourier analysis"),
    ("fourier", "Fourier analysis"),
    ("spec", "Fourier analysis"),
    ("psd", "Fourier analysis"),
    ("stop", "breakpoints of a run"),
    ("resume", "breakpoints of a run"),
    ("step", "breakpoints of a run"),
    ("iplot", "plots during a run"),
    ("source", "other decks"),
    ("circbyline", "other decks"),
    ("setcirc", "other decks"),
    ("goto", "jumps"),
];
const KNOWN: [&str; 41] = [
    "op",
    "dc",
    "ac",
    "tran",
    "noise",
    "tf",
    "run",
    "let",
    "unlet",
    "set",
    "unset",
    "print",
    "echo",
    "meas",
    "measure",
    "alter",
    "altermod",
    "alterparam",
    "reset",
    "option",
    "options",
    "define",
    "undefine",
    "setplot",
    "destroy",
    "mc_source",
    "compose",
    "linearize",
    "reshape",
    "strcmp",
    "quit",
    "exit",
    "break",
    "continue",
    "if",
    "while",
    "dowhile",
    "repeat",
    "foreach",
    "cutout",
    "label",
];

/// Where the first word ends: at white space outside parentheses.
fn word_end(text: &str) -> usize {
    let mut depth = 0i32;
    for (i, c) in text.char_indices() {
        depth += i32::from(c == '(' || c == '[') - i32::from(c == ')' || c == ']');
        if c.is_whitespace() && depth <= 0 {
            return i;
        }
    }
    text.len()
}

/// C's `%e`.
fn scientific(v: f64) -> String {
    let text = format!("{v:.6e}");
    match text.split_once('e') {
        Some((mantissa, exponent)) => {
            let (sign, digits) = exponent.strip_prefix('-').map_or(('+', exponent), |d| ('-', d));
            format!("{mantissa}e{sign}{digits:0>2}")
        }
        None => text,
    }
}

fn shown(v: &Vector, k: usize) -> String {
    let (re, im) = v.at(k);
    if v.complex { format!("{},{}", scientific(re), scientific(im)) } else { scientific(re) }
}

impl Session<'_> {
    pub(super) fn command(&mut self, line: &Line) -> Result<Flow> {
        let location = &line.location;
        self.count(location)?;
        let (word, raw) = split(&line.text);
        if SKIPPED.contains(&word.as_str()) {
            *self.skipped.entry(word).or_default() += 1;
            return Ok(Flow::On);
        }
        let text = self.substituted(raw, location)?;
        let text = text.trim();
        match word.as_str() {
            "op" | "dc" | "ac" | "tran" | "noise" | "tf" => {
                let analysis = command::analysis_of(&format!(".{word} {text}"), location)?;
                self.analyse(&analysis, location)?;
            }
            "run" | "bg_run" => self.run_cards(location)?,
            "let" => self.assign(text, location)?,
            "unlet" => text.split_whitespace().for_each(|n| {
                self.plot_mut().remove(&n.to_ascii_lowercase());
            }),
            "set" => self.set(text, location)?,
            "unset" => text.split_whitespace().for_each(|n| {
                self.variables.remove(n);
            }),
            "print" => self.print(text, location)?,
            "echo" => {
                let text = text.trim_start_matches("-n ");
                self.output.push(text.replace(['"', '\\'], ""));
            }
            "meas" | "measure" => self.measure(text, location)?,
            "alter" => self.alter(text, location)?,
            "altermod" => self.alter_model(text, location)?,
            "alterparam" => self.alter_parameter(text, location)?,
            "reset" | "mc_source" => self.reset()?,
            "option" | "options" => self.option(text, location)?,
            "define" => self.define(text, location)?,
            "undefine" => self.functions.retain(|f| f.0 != text),
            "setplot" => self.set_plot(text, location)?,
            "destroy" => self.destroy(text),
            "compose" => self.compose(text, location)?,
            "linearize" => self.linearize(text, location)?,
            "reshape" => self.reshape(text, location)?,
            "cutout" => self.cut_out(location)?,
            "strcmp" => {
                let words: Vec<&str> = text.split_whitespace().collect();
                let clean = |k: usize| words.get(k).map_or("", |w| w.trim_matches('"'));
                let order = clean(1).cmp(clean(2)) as i32;
                self.variables.insert(clean(0).to_string(), vec![order.to_string()]);
            }
            "quit" | "exit" => {
                if text.parse::<i32>().is_ok_and(|code| code != 0) {
                    self.warnings.push(format!("{location}: the control block ends with exit code {text}"));
                }
                return Ok(Flow::Quit);
            }
            "break" => return Ok(Flow::Break(text.parse().unwrap_or(1))),
            "continue" => return Ok(Flow::Continue(text.parse().unwrap_or(1))),
            "label" => {}
            _ => {
                if let Some((_, what)) = MISSING.iter().find(|m| m.0 == word) {
                    return self
                        .fail(location, format!("`{word}` in a control block: {what} are not available"));
                }
                let hint = did_you_mean(&word, KNOWN.into_iter().chain(SKIPPED));
                return self.fail(location, format!("unknown command `{word}` in a control block{hint}"));
            }
        }
        Ok(Flow::On)
    }

    fn engine(&self) -> Result<Engine> {
        Engine::new(System::new(self.netlist.clone())?)
    }

    /// Runs an analysis into a new plot, which becomes the current one.
    fn analyse(&mut self, analysis: &Analysis, location: &Location) -> Result<()> {
        let _ = location;
        let mut netlist = self.netlist.clone();
        netlist.analyses = vec![(analysis.clone(), location.clone())];
        let mut engine = Engine::new(System::new(netlist)?)?;
        let tables = run_one(&mut engine, analysis)?;
        let known: Vec<String> =
            engine.system.warnings.iter().filter(|w| !self.warnings.contains(w)).cloned().collect();
        self.warnings.extend(known);
        if matches!(analysis, Analysis::Op | Analysis::Ac(_) | Analysis::Noise { .. }) {
            let mut small = SmallSignal::default();
            small.linearise(&mut engine);
            self.info = engine.system.devices.iter().map(|d| (d.name().to_string(), d.op_info())).collect();
        }
        self.analyses += 1;
        for (stem, table) in tables {
            self.take_in(stem, &table);
        }
        if let (Analysis::Dc(sweeps), Some(k)) = (analysis, self.current) {
            self.plots[k].swept = sweeps.first().map(|s| s.name.clone());
        }
        Ok(())
    }

    fn take_in(&mut self, stem: &str, table: &Table) {
        let kind = stem.split('_').next().unwrap_or(stem).to_string();
        let name = self.plot_name(&kind);
        self.plots.push(Plot::of_table(name, stem, table));
        self.current = Some(self.plots.len() - 1);
    }

    /// `run`: the deck's analysis cards.
    fn run_cards(&mut self, location: &Location) -> Result<()> {
        let analyses = crate::circuit::in_order(&self.netlist.analyses);
        if analyses.is_empty() {
            self.warnings.push(format!("{location}: `run` runs nothing: the deck has no analysis card"));
            return Ok(());
        }
        let mut engine = self.engine()?;
        for analysis in &analyses {
            self.analyses += 1;
            for (stem, table) in run_one(&mut engine, analysis)? {
                self.take_in(stem, &table);
            }
            if matches!(analysis, Analysis::Op) {
                let mut small = SmallSignal::default();
                small.linearise(&mut engine);
                self.info =
                    engine.system.devices.iter().map(|d| (d.name().to_string(), d.op_info())).collect();
            }
        }
        Ok(())
    }

    /// `let name = expression`, `let name[k] = expression`.
    fn assign(&mut self, text: &str, location: &Location) -> Result<()> {
        if text.is_empty() {
            return Ok(());
        }
        let Some((left, right)) = text.split_once('=') else {
            return self.fail(location, format!("`let {text}`: expected `let name = expression`"));
        };
        let left = left.trim().to_ascii_lowercase();
        let value = self.value(right.trim(), location)?;
        let mut indices = Vec::new();
        let name = match left.split_once('[') {
            Some((name, rest)) => {
                for inner in rest.trim_end().trim_end_matches(']').split("][") {
                    indices.push(self.value(inner, location)?);
                }
                name.trim().to_string()
            }
            None => left,
        };
        let (plot, name) = match name.split_once('.') {
            Some((plot, rest)) if self.plots.iter().any(|p| p.name == plot) => {
                (self.plots.iter().position(|p| p.name == plot), rest.to_string())
            }
            Some(("const", rest)) => (None, rest.to_string()),
            // A vector of the constants stays there, as in ngspice.
            _ if self.plot().get(&name).is_none() && self.constants.get(&name).is_some() => (None, name),
            _ => (self.current, name),
        };
        let plot = match plot {
            Some(k) => &mut self.plots[k],
            None => &mut self.constants,
        };
        if indices.is_empty() {
            plot.set(&name, value);
            return Ok(());
        }
        let Some(vector) = plot.get_mut(&name) else {
            return self.fail(location, format!("there is no vector `{name}` to change an element of"));
        };
        let dims = if vector.dims.is_empty() { vec![vector.len()] } else { vector.dims.clone() };
        let (mut start, mut width) = (0, vector.len());
        for (k, index) in indices.iter().enumerate() {
            let (first, last) = if index.complex { index.at(0) } else { (index.first(), index.first()) };
            let outer = dims.get(k).copied().unwrap_or(0);
            if !(first >= 0.0 && last >= first && (last as usize) < outer) {
                return self.fail(
                    location,
                    format!("index {first} is outside `{name}`, which has {outer} elements"),
                );
            }
            let inner = width / outer;
            start += first as usize * inner;
            width = inner * (last as usize - first as usize + 1);
        }
        for k in 0..width {
            vector.data[start + k] = value.at(k);
        }
        vector.complex |= value.complex;
        Ok(())
    }

    /// `reshape name [a][b]`, `reshape name [a,b]`.
    fn reshape(&mut self, text: &str, location: &Location) -> Result<()> {
        let (names, shape) = text.split_once('[').unwrap_or((text, ""));
        let dims: Option<Vec<usize>> = shape
            .split(|c: char| "[], ".contains(c))
            .filter(|w| !w.is_empty())
            .map(|w| w.parse().ok().filter(|n| *n > 0))
            .collect();
        let Some(dims) = dims else {
            return self.fail(location, format!("`reshape {text}`: expected `reshape name [rows][columns]`"));
        };
        for name in names.split_whitespace() {
            let name = name.to_ascii_lowercase();
            let Some(vector) = self.plot_mut().get_mut(&name) else {
                return self.fail(location, format!("there is no vector `{name}` to reshape"));
            };
            if dims.iter().product::<usize>() != vector.len() {
                let n = vector.len();
                return self.fail(location, format!("`reshape {text}`: `{name}` has {n} elements"));
            }
            vector.dims.clone_from(&dims);
        }
        Ok(())
    }

    /// `set a`, `set a=b`, `set a = ( b c )`.
    fn set(&mut self, text: &str, location: &Location) -> Result<()> {
        let spaced = text.replace('=', " = ").replace('(', " ( ").replace(')', " ) ");
        let words: Vec<&str> = spaced.split_whitespace().collect();
        let mut i = 0;
        while i < words.len() {
            let name = words[i].to_string();
            i += 1;
            let mut list = vec!["TRUE".to_string()];
            if words.get(i) == Some(&"=") {
                i += 1;
                if words.get(i) == Some(&"(") {
                    let end = words[i..].iter().position(|w| *w == ")").map_or(words.len(), |n| i + n);
                    list = words[i + 1..end].iter().map(|w| w.trim_matches('"').to_string()).collect();
                    i = end + 1;
                } else if words.get(i).is_some_and(|w| w.starts_with('"')) {
                    let rest = words[i..].join(" ");
                    let inner = rest.trim_start_matches('"');
                    let end = inner.find('"').unwrap_or(inner.len());
                    list = vec![inner[..end].to_string()];
                    i = words.len();
                } else {
                    list = words.get(i).map(|w| vec![(*w).to_string()]).unwrap_or_default();
                    i += 1;
                }
            }
            match name.as_str() {
                "curplot" => self.set_plot(&list.join(" "), location)?,
                "temp" | "tnom" | "gmin" | "reltol" | "abstol" | "vntol" => {
                    self.option(&format!("{name}={}", list.join(" ")), location)?;
                }
                _ => {
                    self.variables.insert(name, list);
                }
            }
        }
        Ok(())
    }

    fn print(&mut self, text: &str, location: &Location) -> Result<()> {
        let text = text.split('>').next().unwrap_or("").trim();
        let mut rest = text;
        for word in ["line", "col"] {
            rest = rest
                .strip_prefix(word)
                .filter(|r| r.starts_with(char::is_whitespace))
                .unwrap_or(rest)
                .trim_start();
        }
        let mut list: Vec<(String, Vector)> = Vec::new();
        while !rest.is_empty() {
            if rest == "all" || rest.starts_with("all ") {
                let plot = self.plot();
                list.extend(plot.names().iter().filter_map(|n| plot.get(n).map(|v| (n.clone(), v))));
                rest = rest[3..].trim_start();
                continue;
            }
            match leading(rest, self) {
                Ok((v, used)) => {
                    list.push((rest[..used].trim().to_string(), v));
                    rest = rest[used..].trim_start_matches(|c: char| c.is_whitespace() || c == ',');
                }
                Err(message) => return self.fail(location, message),
            }
        }
        for (name, v) in list.iter().filter(|(_, v)| v.len() == 1) {
            self.output.push(format!("{name} = {}", shown(v, 0)));
        }
        let long: Vec<&(String, Vector)> = list.iter().filter(|(_, v)| v.len() != 1).collect();
        if long.is_empty() {
            return Ok(());
        }
        let scale = self.plot().names().first().cloned().unwrap_or_default();
        let abscissa = self.plot().get(&scale).unwrap_or_default();
        let rows = long.iter().map(|(_, v)| v.len()).max().unwrap_or(0);
        let mut head = format!("{:<8}{scale:<16}", "Index");
        for (name, v) in &long {
            head.push_str(&format!("{name:<width$}", width = if v.complex { 32 } else { 16 }));
        }
        self.output.push(head.trim_end().to_string());
        for k in 0..rows {
            let mut row = format!("{k:<8}{:<16}", scientific(abscissa.at(k).0));
            for (_, v) in &long {
                if k < v.len() {
                    row.push_str(&format!(
                        "{:<width$}",
                        shown(v, k),
                        width = if v.complex { 32 } else { 16 }
                    ));
                }
            }
            self.output.push(row.trim_end().to_string());
        }
        Ok(())
    }

    /// `meas tran name ...`, on the newest plot of its kind.
    fn measure(&mut self, text: &str, location: &Location) -> Result<()> {
        let parsed = measure::parse(&format!(".measure {text}"), location, &mut |text, _| {
            self.value(text, location).map(|v| Value::Const(v.first()))
        })?;
        let stem = |domain: Domain| match domain {
            Domain::Tran => "tran",
            Domain::Ac => "ac",
            Domain::Dc => "dc",
            Domain::Noise => "noise",
            Domain::Op => "op",
        };
        let tables = |domain: Domain| {
            let wanted = stem(domain);
            let own = self.current.map(|k| &self.plots[k]).filter(|p| p.stem == wanted);
            own.or_else(|| self.plots.iter().rev().find(|p| p.stem == wanted)).map(Plot::table)
        };
        let done = measure::evaluate(std::slice::from_ref(&parsed), &tables, &Slots::default());
        for m in done {
            match &m.value {
                Ok(v) => {
                    self.output.push(format!("{} = {}", m.name, scientific(*v)));
                    let (name, value) = (m.name.clone(), Vector::scalar(*v));
                    self.plot_mut().set(&name, value);
                }
                Err(e) => self.output.push(format!("{}: failed: {e}", m.name)),
            }
            self.measures.retain(|old| old.name != m.name);
            self.measures.push(m);
        }
        Ok(())
    }

    /// `define f(x,y) body`.
    fn define(&mut self, text: &str, location: &Location) -> Result<()> {
        if text.is_empty() {
            return Ok(());
        }
        let parts = text.split_once('(').and_then(|(name, rest)| {
            let (list, body) = rest.split_once(')')?;
            Some((name.trim(), list, body.trim()))
        });
        let Some((name, list, body)) = parts.filter(|p| !p.2.is_empty()) else {
            return self
                .fail(location, format!("`define {text}`: expected `define name(arguments) expression`"));
        };
        let parameters: Vec<String> =
            list.split(',').map(|p| p.trim().to_ascii_lowercase()).filter(|p| !p.is_empty()).collect();
        let name = name.to_ascii_lowercase();
        self.functions.retain(|f| !(f.0 == name && f.1.len() == parameters.len()));
        self.functions.push((name, parameters, body.to_ascii_lowercase()));
        Ok(())
    }

    fn set_plot(&mut self, text: &str, location: &Location) -> Result<()> {
        let name = text.trim().to_ascii_lowercase();
        match name.as_str() {
            "" => {}
            "const" => self.current = None,
            "new" => {
                let name = self.plot_name("unknown");
                self.plots.push(Plot::new(name, "unknown"));
                self.current = Some(self.plots.len() - 1);
            }
            "previous" => self.current = self.current.and_then(|k| k.checked_sub(1)),
            "next" => self.current = self.current.map(|k| (k + 1).min(self.plots.len() - 1)),
            _ => match self.plots.iter().position(|p| p.name == name) {
                Some(k) => self.current = Some(k),
                None => {
                    let hint = did_you_mean(&name, self.plots.iter().map(|p| p.name.as_str()));
                    return self.fail(location, format!("there is no plot `{name}`{hint}"));
                }
            },
        }
        Ok(())
    }

    fn destroy(&mut self, text: &str) {
        let present = self.current.map(|k| self.plots[k].name.clone());
        let words: Vec<String> = match text.trim() {
            "" => present.iter().cloned().collect(),
            list => list.split_whitespace().map(str::to_ascii_lowercase).collect(),
        };
        self.plots.retain(|p| !words.iter().any(|w| *w == p.name || w == "all"));
        self.current = self
            .plots
            .iter()
            .position(|p| Some(&p.name) == present.as_ref())
            .or_else(|| self.plots.len().checked_sub(1));
    }

    /// `compose name values a b c`, `compose name start=a stop=b step=c`.
    fn compose(&mut self, text: &str, location: &Location) -> Result<()> {
        let (name, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
        let rest = rest.trim();
        let vector = if let Some(list) = rest.strip_prefix("values") {
            let list = list.trim();
            let mut rest = list.strip_prefix('(').and_then(|l| l.strip_suffix(')')).unwrap_or(list).trim();
            let mut out = Vector::default();
            while !rest.is_empty() {
                // `-1 2` is two numbers here, not a difference.
                let end = word_end(rest);
                let v = self.value(&rest[..end], location)?;
                out.data.push(v.at(0));
                out.complex |= v.complex;
                rest = rest[end..].trim_start();
            }
            out
        } else {
            let mut given: Vec<(String, f64)> = Vec::new();
            let spaced = rest.replace('=', " = ");
            let words: Vec<&str> = spaced.split_whitespace().collect();
            for triple in words.chunks(3) {
                let [key, "=", value] = triple else {
                    return self.fail(
                        location,
                        format!("`compose {text}`: expected `values ...` or `start= stop= step=`"),
                    );
                };
                given.push((key.to_ascii_lowercase(), self.value(value, location)?.first()));
            }
            let get = |n: &str| given.iter().find(|(k, _)| k == n).map(|(_, v)| *v);
            let (start, stop) = (get("start").unwrap_or(0.0), get("stop"));
            let count = get("lin").map(|n| n.max(1.0) as usize);
            let step = get("step").or_else(|| Some((stop? - start) / (count? as f64 - 1.0).max(1.0)));
            let (Some(step), Some(n)) = (
                step,
                count.or_else(|| Some(((stop? - start) / step? + 1e-9).floor().max(0.0) as usize + 1)),
            ) else {
                return self.fail(location, "`compose`: expected two of `stop=`, `step=` and `lin=`");
            };
            if n > 10_000_000 {
                return self.fail(location, format!("`compose`: {n} elements"));
            }
            Vector::real((0..n).map(|k| start + step * k as f64))
        };
        let name = name.to_ascii_lowercase();
        self.plot_mut().set(&name, vector);
        Ok(())
    }

    /// The current transient on evenly spaced times, as a new plot.
    fn linearize(&mut self, text: &str, location: &Location) -> Result<()> {
        let time = self.plot().scale();
        let names: Vec<String> = match text.trim() {
            "" => self.plot().names()[1.min(self.plot().names().len())..].to_vec(),
            list => list.split_whitespace().map(str::to_ascii_lowercase).collect(),
        };
        let (Some(first), Some(last)) = (time.first().copied(), time.last().copied()) else {
            return self.fail(location, "`linearize`: there is no transient to take");
        };
        let card = self.netlist.analyses.iter().rev().find_map(|(a, _)| match a {
            Analysis::Tran { step, .. } => Some(self.netlist.slots.get(*step)),
            _ => None,
        });
        let wanted = |name: &str| self.plot().get(name).map(|v| v.first());
        let (start, stop) = (wanted("lin-tstart").unwrap_or(first), wanted("lin-tstop").unwrap_or(last));
        let step = wanted("lin-tstep").or(card).unwrap_or((stop - start) / 1000.0);
        let count = ((stop - start) / step + 1e-9).floor();
        if !(0.0..1e8).contains(&count) {
            return self.fail(location, format!("`linearize`: {count} points from {start:e} to {stop:e} s"));
        }
        let grid: Vec<f64> = (0..=count as usize).map(|k| start + step * k as f64).collect();
        let mut columns = Vec::new();
        for name in &names {
            let v = self.value(name, location)?;
            let data = grid.iter().map(|t| {
                let k = time.partition_point(|x| x < t).clamp(1, time.len().max(2) - 1);
                let (x0, x1) = (time[k - 1], time.get(k).copied().unwrap_or(time[k - 1]));
                let (y0, y1) = (v.at(k - 1).0, v.at(k).0);
                if x1 > x0 { y0 + (y1 - y0) * (t - x0) / (x1 - x0) } else { y1 }
            });
            columns.push((name.clone(), Vector::real(data)));
        }
        let name = self.plot_name("tran");
        let mut plot = Plot::new(name, "tran");
        plot.set("time", Vector::real(grid));
        columns.into_iter().for_each(|(name, v)| plot.set(&name, v));
        self.plots.push(plot);
        self.current = Some(self.plots.len() - 1);
        Ok(())
    }

    /// The part of the current plot between `cut-tstart` and `cut-tstop`, as a new plot.
    fn cut_out(&mut self, location: &Location) -> Result<()> {
        let scale = self.plot().scale();
        let wanted = |name: &str| self.vector_or(name);
        let (Some(first), Some(last)) = (scale.first(), scale.last()) else {
            return self.fail(location, "`cutout`: there is no plot to cut");
        };
        let (start, stop) = (wanted("cut-tstart").unwrap_or(*first), wanted("cut-tstop").unwrap_or(*last));
        let inside: Vec<usize> = (0..scale.len()).filter(|k| (start..=stop).contains(&scale[*k])).collect();
        let name = self.plot_name("tran");
        let stem = self.plot().stem.clone();
        let mut plot = Plot::new(name, &stem);
        for name in self.plot().names() {
            let Some(v) = self.plot().get(name).filter(|v| v.len() == scale.len()) else { continue };
            plot.set(
                name,
                Vector {
                    data: inside.iter().map(|k| v.data[*k]).collect(),
                    complex: v.complex,
                    dims: Vec::new(),
                },
            );
        }
        self.plots.push(plot);
        self.current = Some(self.plots.len() - 1);
        Ok(())
    }

    fn vector_or(&self, name: &str) -> Option<f64> {
        self.plot().get(name).map(|v| v.first())
    }
}
