//! Whose counts the loop-nest commands print: the true ones, Timeloop's, or both where they differ.

use comfy_table::Table;
use serde_json::{Value, json};

use crate::failure::{BadInput, bad_input};
use crate::simulators::accelerator::timeloop::{Counting, Model, Nest, Report, Specification};

/// How words are counted.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Counts {
    /// What the hardware does: tiles are the words that are touched, every step of every loop counts
    Exact,
    /// What Timeloop prints: tiles are boxes, the first step of a loop stands for all
    Timeloop,
}

#[derive(clap::Args)]
pub struct CountingArgs {
    /// How words are counted
    #[arg(long, value_enum, default_value_t = Counts::Exact)]
    counting: Counts,
    /// Print both counts where they differ
    #[arg(long)]
    explain: bool,
    /// With `--counting timeloop`: round cycles up exactly where a bandwidth limits them, not in floating point as timeloop-model does
    #[arg(long)]
    exact_rounding: bool,
}

impl CountingArgs {
    /// The model with these counts.
    pub fn model(&self, specification: &Specification) -> anyhow::Result<Model> {
        let counting = self.counting();
        let model = specification.model_counting(counting).bad_input()?;
        Ok(if self.exact_rounding { model.with_exact_rounding(true) } else { model })
    }

    pub fn counting(&self) -> Counting {
        match self.counting {
            Counts::Exact => Counting::Exact,
            Counts::Timeloop => Counting::Timeloop,
        }
    }

    /// Turns link transfers on, where the counts have a rule for them.
    pub fn with_links(&self, model: Model, on: bool) -> anyhow::Result<Model> {
        if on && self.counting == Counts::Exact {
            return Err(bad_input(
                "--link-transfers follows Timeloop's rule, exact counts have none\n  remedy: add --counting timeloop, or leave it out",
            ));
        }
        model.with_link_transfers(on).bad_input()
    }

    /// Both counts of a mapping where they differ; `None` where that is not asked for.
    pub fn explain(&self, model: &Model, nest: &Nest) -> anyhow::Result<Option<Differences>> {
        if !self.explain {
            return Ok(None);
        }
        let report = |counting| model.counted(counting).and_then(|model| model.report(nest)).bad_input();
        Ok(Some(Differences::new(&report(Counting::Exact)?, &report(Counting::Timeloop)?)))
    }
}

/// One number by both counts.
struct Difference {
    level: String,
    space: String,
    what: &'static str,
    exact: f64,
    timeloop: f64,
}

/// Where two reports of one mapping differ.
pub struct Differences(Vec<Difference>);

impl Differences {
    fn new(exact: &Report, timeloop: &Report) -> Self {
        let mut list = Vec::new();
        let mut row = |level: &str, space: &str, what, exact: f64, timeloop: f64| {
            if exact != timeloop {
                list.push(Difference { level: level.into(), space: space.into(), what, exact, timeloop });
            }
        };
        row("", "", "cycles", exact.cycles as f64, timeloop.cycles as f64);
        row("", "", "energy_uj", exact.energy_pj / 1e6, timeloop.energy_pj / 1e6);
        for (a, b) in exact.levels.iter().zip(&timeloop.levels) {
            row(&a.name, "", "cycles", a.cycles as f64, b.cycles as f64);
            for (name, x) in &a.dataspaces {
                let Some(y) = b.dataspaces.get(name) else { continue };
                for (what, x, y) in [
                    ("tile", x.tile_words, y.tile_words),
                    ("reads", x.reads, y.reads),
                    ("fills", x.fills, y.fills),
                    ("updates", x.updates, y.updates),
                ] {
                    row(&a.name, name, what, x as f64, y as f64);
                }
            }
        }
        let missing = |report: &Report| report.violations.iter().map(|found| found.amount as f64).sum();
        row("", "", "words or instances beyond limits", missing(exact), missing(timeloop));
        Self(list)
    }

    pub fn json(&self) -> Value {
        let row = |d: &Difference| json!({ "level": d.level, "data_space": d.space, "number": d.what, "exact": d.exact, "timeloop": d.timeloop });
        self.0.iter().map(row).collect()
    }

    pub fn print(&self) {
        if self.0.is_empty() {
            println!("the exact counts and Timeloop's are equal for this mapping");
            return;
        }
        println!("where the exact counts and Timeloop's differ:");
        let mut table = Table::new();
        table.set_header(["level", "data space", "number", "exact", "Timeloop", "Timeloop / exact - 1"]);
        for d in &self.0 {
            let part = if d.exact == 0.0 {
                String::new()
            } else {
                format!("{:+.1} %", (d.timeloop / d.exact - 1.0) * 100.0)
            };
            let number = |x: f64| if x.fract() == 0.0 { format!("{x}") } else { format!("{x:.6}") };
            table.add_row([
                d.level.clone(),
                d.space.clone(),
                d.what.to_owned(),
                number(d.exact),
                number(d.timeloop),
                part,
            ]);
        }
        println!("{table}");
    }
}
