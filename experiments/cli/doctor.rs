//! `hwgym doctor`: which optional engines are found, and how to get the others.

use std::process::{Command, ExitCode, Stdio};

/// Say which optional engines are found, their versions, and how to get the others
///
/// Nothing of hwgym needs them to run: its simulators are part of the program.
#[derive(clap::Args)]
pub struct DoctorArgs {
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// An engine: the program, what prints its version, what it is for, and where it is from.
struct Engine {
    program: &'static str,
    version: &'static [&'static str],
    purpose: &'static str,
    source: &'static str,
}

const fn engine(
    program: &'static str,
    version: &'static [&'static str],
    purpose: &'static str,
    source: &'static str,
) -> Engine {
    Engine { program, version, purpose, source }
}

const ENGINES: [Engine; 9] = [
    engine(
        "ngspice",
        &["--version"],
        "second engine of the circuit environments (`engine: ngspice`)",
        "Debian: apt-get install ngspice",
    ),
    engine(
        "valgrind",
        &["--version"],
        "recording traces of programs (`hwgym trace record`)",
        "Debian: apt-get install valgrind",
    ),
    engine(
        "yosys",
        &["-V"],
        "logic synthesis, in experiments/simulators/nextpnr",
        "Debian: apt-get install yosys",
    ),
    engine(
        "nextpnr-ice40",
        &["--version"],
        "place and route, in experiments/simulators/nextpnr",
        "Debian: apt-get install nextpnr-ice40",
    ),
    engine(
        "verilator",
        &["--version"],
        "simulation of Verilog, in experiments/simulators/verilator",
        "Debian: apt-get install verilator",
    ),
    engine("g++", &["--version"], "models that verilator makes", "Debian: apt-get install g++"),
    engine(
        "python3",
        &["--version"],
        "models in Python, in experiments/simulators/python",
        "Debian: apt-get install python3",
    ),
    engine(
        "sbatch",
        &["--version"],
        "job arrays (`hwgym submit`)",
        "Debian: apt-get install slurm-client; or a login node of your cluster",
    ),
    engine(
        "chromium",
        &["--version"],
        "the test of the interactive report (tests/browser/run); any browser shows it",
        "Debian: apt-get install chromium",
    ),
];

impl DoctorArgs {
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let found: Vec<(&Engine, Option<String>)> =
            ENGINES.iter().map(|engine| (engine, version(engine))).collect();
        if self.json {
            let all: Vec<_> = found
                .iter()
                .map(|(engine, version)| serde_json::json!({ "program": engine.program, "version": version, "purpose": engine.purpose, "source": engine.source }))
                .collect();
            println!("{}", serde_json::to_string_pretty(&all)?);
            return Ok(ExitCode::SUCCESS);
        }
        println!("hwgym {}\n", env!("CARGO_PKG_VERSION"));
        let mut table = crate::env::plain_table();
        for (engine, version) in &found {
            match version {
                Some(version) => table.add_row([engine.program, version.as_str(), engine.purpose]),
                None => table.add_row([
                    engine.program,
                    "not found",
                    &format!("{}; {}", engine.purpose, engine.source),
                ]),
            };
        }
        println!("{table}");
        Ok(ExitCode::SUCCESS)
    }
}

/// The first line with a digit that the program prints of its version; `None` if it cannot be started.
fn version(engine: &Engine) -> Option<String> {
    let output = Command::new(engine.program).args(engine.version).stdin(Stdio::null()).output().ok()?;
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text);
    let line =
        text.lines().find(|line| line.chars().any(|c| c.is_ascii_digit())).unwrap_or("no version printed");
    Some(line.trim_matches(|c: char| c == '*' || c.is_whitespace()).chars().take(60).collect())
}
