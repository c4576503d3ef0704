//! The crate's front door: read a deck, set parameters, run its analyses.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::analysis::{Dynamic, Engine, System, Table, TranSpec};
use crate::error::{CircuitError, Location, Result};
use crate::measure::{Domain, Measured, evaluate};
use crate::netlist::{Analysis, Deck, Line, Netlist, ParseOptions};

/// A deck that has been read, with parameter values to simulate it at.
#[derive(Debug, Clone)]
pub struct Circuit {
    deck: Arc<Deck>,
    /// The cards with all includes in place, for other engines.
    lines: Arc<Vec<Line>>,
    parameters: Vec<(String, f64)>,
}

/// All results of a deck's analyses.
#[derive(Debug, Clone, Default)]
pub struct Results {
    /// File stem (`op`, `ac`, `dc`, `dc2`, `tran`, `noise`, `noise_int`, `tf`) and table.
    pub tables: Vec<(String, Table)>,
    /// `.measure` outcomes in deck order.
    pub measures: Vec<Measured>,
    /// Things in the deck that had no effect.
    pub warnings: Vec<String>,
    /// What the control block printed, line by line.
    pub output: Vec<String>,
}

impl Results {
    /// A table by its stem.
    pub fn table(&self, stem: &str) -> Option<&Table> {
        self.tables.iter().find(|(s, _)| s == stem).map(|(_, t)| t)
    }

    /// Adds a table; a second one of a stem is called `stem2`.
    pub(crate) fn add(&mut self, stem: &str, table: Table) {
        let own = |s: &str| s.trim_end_matches(|c: char| c.is_ascii_digit()) == stem;
        let count = self.tables.iter().filter(|(s, _)| s == stem || own(s)).count();
        let name = if count == 0 { stem.to_string() } else { format!("{stem}{}", count + 1) };
        self.tables.push((name, table));
    }

    /// Writes every table as `<stem>.csv` into `folder`, which is made if missing. Returns the files.
    pub fn write(&self, folder: &Path) -> Result<Vec<PathBuf>> {
        std::fs::create_dir_all(folder)
            .map_err(|e| CircuitError::Write { path: folder.to_path_buf(), reason: e.to_string() })?;
        let mut files = Vec::new();
        for (stem, table) in &self.tables {
            let path = folder.join(format!("{stem}.csv"));
            table.write_csv(&path)?;
            files.push(path);
        }
        Ok(files)
    }
}

impl Circuit {
    /// Reads a deck given as text; its first line is the title.
    ///
    /// ```
    /// use hwgym_circuit::Circuit;
    /// let deck = "divider\n.param r=1k\nv1 in 0 10\nr1 in out {r}\nr2 out 0 3k\n.op\n.end\n";
    /// let results = Circuit::parse(deck, &Default::default())?.with_param("r", 2e3).simulate()?;
    /// let out = results.table("op").and_then(|t| t.last("v(out)"));
    /// assert!((out.unwrap() - 6.0).abs() < 1e-9);
    /// # Ok::<(), hwgym_circuit::CircuitError>(())
    /// ```
    pub fn parse(text: &str, options: &ParseOptions) -> Result<Self> {
        Self::outlined(Netlist::cards_of_text(text, options)?, options)
    }

    /// Reads a deck file.
    pub fn read(path: impl AsRef<Path>, options: &ParseOptions) -> Result<Self> {
        Self::outlined(Netlist::cards_of_file(path.as_ref(), options)?, options)
    }

    fn outlined((title, lines): (String, Vec<Line>), options: &ParseOptions) -> Result<Self> {
        let deck = Arc::new(Netlist::outline(title, lines.clone())?);
        Ok(Self { deck, lines: Arc::new(lines), parameters: options.parameters.clone() })
    }

    /// The cards, includes in place, in order.
    pub(crate) fn lines(&self) -> impl Iterator<Item = &str> {
        self.lines.iter().map(|l| l.text.as_str())
    }

    /// Replaces a top-level `.param`.
    #[must_use]
    pub fn with_param(mut self, name: &str, value: f64) -> Self {
        self.set_param(name, value);
        self
    }

    /// Replaces a top-level `.param`.
    pub fn set_param(&mut self, name: &str, value: f64) {
        self.parameters.retain(|(n, _)| !n.eq_ignore_ascii_case(name));
        self.parameters.push((name.to_string(), value));
    }

    /// The flat circuit at the present parameters.
    pub fn netlist(&self) -> Result<Netlist> {
        Netlist::from_deck(&self.deck, &self.parameters)
    }

    /// A solver for the present parameters.
    pub(crate) fn engine(&self) -> Result<Engine> {
        Engine::new(System::new(self.netlist()?)?)
    }

    /// The deck's outline and parameter values, for re-sizable handles.
    pub(crate) fn parts(&self) -> (&Arc<Deck>, &[(String, f64)]) {
        (&self.deck, &self.parameters)
    }

    /// Runs the deck: its control block if that runs an analysis, otherwise all analysis cards; and its measures.
    pub fn simulate(&self) -> Result<Results> {
        let mut skipped = None;
        if !self.deck.control.is_empty() {
            match crate::control::run(self)? {
                Some(results) => return Ok(results),
                None => {
                    skipped =
                        Some("the control block runs no analysis; the analysis cards are run".to_string())
                }
            }
        }
        let mut engine = self.engine()?;
        let mut results = Results { warnings: engine.system.warnings.clone(), ..Results::default() };
        results.warnings.extend(skipped);
        let analyses = in_order(&engine.system.netlist.analyses);
        if analyses.is_empty() {
            return Err(CircuitError::Analysis {
                analysis: "deck",
                message: "has no analysis card (.op, .dc, .ac, .noise, .tran or .tf)".into(),
            });
        }
        for analysis in &analyses {
            for (stem, table) in run_one(&mut engine, analysis)? {
                results.add(stem, table);
            }
        }
        results.measures = measure(&engine.system.netlist, &results);
        Ok(results)
    }
}

/// Analyses as ngspice runs them: of several cards of one kind the last first.
pub(crate) fn in_order(cards: &[(Analysis, Location)]) -> Vec<Analysis> {
    let mut analyses: Vec<Analysis> = cards.iter().map(|(a, _)| a.clone()).collect();
    let kinds: Vec<_> = analyses.iter().map(std::mem::discriminant).collect();
    analyses.reverse();
    analyses.sort_by_key(|a| kinds.iter().position(|k| *k == std::mem::discriminant(a)));
    analyses
}

/// Evaluates a netlist's measures on results of either engine.
pub(crate) fn measure(netlist: &Netlist, results: &Results) -> Vec<Measured> {
    let tables = |domain: Domain| {
        let stem = match domain {
            Domain::Tran => "tran",
            Domain::Ac => "ac",
            Domain::Dc => "dc",
            Domain::Noise => "noise",
            Domain::Op => "op",
        };
        let mut table = results.table(stem)?.clone();
        // Integrated noise is one row; it joins the spectrum as constant columns.
        if domain == Domain::Noise
            && let Some(total) = results.table("noise_int")
        {
            let (n, rows) = (table.columns.len(), table.len());
            let mut data = Vec::with_capacity((n + total.columns.len()) * rows);
            for row in table.data.chunks(n) {
                data.extend_from_slice(row);
                data.extend_from_slice(&total.data);
            }
            table.columns.extend(total.columns.iter().cloned());
            table.data = data;
        }
        Some(table)
    };
    evaluate(&netlist.measures, &tables, &netlist.slots)
}

/// Runs one analysis on an engine. Returns file stems and tables.
pub(crate) fn run_one(engine: &mut Engine, analysis: &Analysis) -> Result<Vec<(&'static str, Table)>> {
    let slots = engine.system.netlist.slots.clone();
    Ok(match analysis {
        Analysis::Op => {
            engine.begin_dc(Dynamic::Off);
            engine.operating_point("op")?;
            let columns = engine.system.columns.iter();
            let table = Table {
                columns: columns.clone().map(|c| c.name.clone()).collect(),
                data: columns.map(|c| engine.x[c.unknown]).collect(),
            };
            vec![("op", table)]
        }
        Analysis::Dc(sweeps) => vec![("dc", engine.dc(sweeps)?)],
        Analysis::Ac(sweep) => {
            let frequencies = sweep.frequencies(&slots, true)?;
            engine.begin_dc(Dynamic::Off);
            engine.operating_point("ac")?;
            vec![("ac", engine.ac(&frequencies)?)]
        }
        Analysis::Noise { output, input, sweep, per_source } => {
            let frequencies = sweep.frequencies(&slots, false)?;
            engine.begin_dc(Dynamic::Off);
            engine.operating_point("noise")?;
            let (spectrum, total) = engine.noise(output, input, &frequencies, *per_source)?;
            vec![("noise", spectrum), ("noise_int", total)]
        }
        Analysis::Tran { step, stop, start, max_step, uic } => {
            let get = |v: &Option<crate::netlist::Value>| v.map(|v| slots.get(v));
            let spec = TranSpec {
                step: slots.get(*step),
                stop: slots.get(*stop),
                start: get(start).unwrap_or(0.0),
                max_step: get(max_step),
                uic: *uic,
            };
            vec![("tran", engine.transient(spec)?)]
        }
        Analysis::Tf { output, input } => {
            engine.begin_dc(Dynamic::Off);
            engine.operating_point("tf")?;
            vec![("tf", engine.transfer(output, input)?)]
        }
    })
}
