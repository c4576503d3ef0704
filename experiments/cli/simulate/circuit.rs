//! `hwgym simulate circuit`: one SPICE deck, on the embedded engine or on a real ngspice.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use crate::simulators::circuit::{Circuit, Ngspice, ParseOptions, Results};
use serde_json::{Map, json};

use crate::arguments::pair;
use crate::failure::BadInput;

/// Simulate a SPICE deck
#[derive(clap::Args)]
pub struct CircuitArgs {
    /// The deck
    #[arg(value_name = "DECK")]
    deck: PathBuf,
    /// Write every analysis as a CSV file into this folder
    #[arg(short, long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Replace a top-level `.param`; may be repeated. Scale suffixes as in the deck (`10u`)
    #[arg(short, long = "param", value_name = "NAME=VALUE", value_parser = pair)]
    param: Vec<(String, String)>,
    /// Let includes read from this folder too; may be repeated. Without it they stay in the deck's own folder
    #[arg(long, value_name = "DIR")]
    allow_include: Vec<PathBuf>,
    /// Which simulator
    #[arg(long, value_enum, default_value = "native")]
    engine: Engine,
    /// Wall-clock limit for ngspice, seconds
    #[arg(long, default_value_t = 600)]
    time_limit: u64,
    /// Print JSON: measures, and the last row of every table
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Engine {
    /// The embedded SPICE
    Native,
    /// `ngspice` from the PATH
    Ngspice,
}

impl CircuitArgs {
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let options = ParseOptions { allowed_folders: self.allow_include.clone(), ..ParseOptions::default() };
        let mut circuit = Circuit::read(&self.deck, &options).bad_input()?;
        for (name, value) in &self.param {
            let number =
                crate::simulators::circuit::netlist::number::parse_number(value).ok_or_else(|| {
                    crate::failure::bad_input(format!(
                        "parameter `{name}`: `{value}` is not a number such as 10u or 2.5e-6"
                    ))
                })?;
            circuit.set_param(name, number);
        }
        let (engine, results) = match self.engine {
            Engine::Native => {
                (concat!("hwgym ", env!("CARGO_PKG_VERSION")).to_string(), circuit.simulate().bad_input()?)
            }
            Engine::Ngspice => {
                let ngspice = Ngspice::find()?.with_time_limit(Duration::from_secs(self.time_limit));
                (ngspice.version().to_string(), ngspice.simulate(&circuit)?)
            }
        };
        for warning in &results.warnings {
            eprintln!("warning: {warning}");
        }
        let files = self.out.as_deref().map(|folder| results.write(folder)).transpose()?.unwrap_or_default();
        if self.json {
            println!("{:#}", answer(&engine, &results));
        } else {
            print(&results);
            for file in files {
                println!("wrote {}", file.display());
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// What the deck's control block printed, and everything that fits on a screen: operating points and single-row tables in full, the size of the others, the measures.
fn print(results: &Results) {
    for line in &results.output {
        println!("{line}");
    }
    for (name, table) in &results.tables {
        if table.len() == 1 {
            println!("{name}");
            for (column, value) in table.columns.iter().zip(table.row(0)) {
                println!("  {column} = {value:.6e}");
            }
        } else {
            println!("{name}: {} rows, {} columns", table.len(), table.columns.len());
        }
    }
    for measure in &results.measures {
        match &measure.value {
            Ok(value) => println!("{} = {value:.6e}", measure.name),
            Err(reason) => println!("{}: no value, {reason}", measure.name),
        }
    }
}

fn answer(engine: &str, results: &Results) -> serde_json::Value {
    let tables: Map<String, serde_json::Value> = results
        .tables
        .iter()
        .map(|(name, table)| {
            let last = table.len().checked_sub(1).map(|k| table.row(k)).unwrap_or_default();
            let row: Map<String, serde_json::Value> = table
                .columns
                .iter()
                .zip(last)
                .map(|(column, value)| (column.clone(), json!(value)))
                .collect();
            (name.clone(), json!({ "rows": table.len(), "last": row }))
        })
        .collect();
    let measures: Map<String, serde_json::Value> = results
        .measures
        .iter()
        .map(|m| {
            (m.name.clone(), m.value.as_ref().map_or_else(|reason| json!({ "error": reason }), |v| json!(v)))
        })
        .collect();
    json!({ "engine": engine, "tables": tables, "measures": measures, "output": results.output })
}
