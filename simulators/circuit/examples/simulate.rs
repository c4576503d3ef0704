//! Runs decks and writes their results: `simulate OUT_FOLDER [--allow FOLDER] DECK...`, one sub-folder of CSV files per deck.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use hwgym_circuit::{Circuit, ParseOptions};

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let Some(out) = arguments.next().map(PathBuf::from) else {
        eprintln!("usage: simulate OUT_FOLDER [--allow FOLDER] DECK...");
        return ExitCode::from(2);
    };
    let mut options = ParseOptions::default();
    let mut failed = false;
    while let Some(argument) = arguments.next() {
        if argument == "--allow" {
            options.allowed_folders.extend(arguments.next().map(PathBuf::from));
            continue;
        }
        let deck = Path::new(&argument);
        let mut name = deck.file_stem().unwrap_or_default().to_os_string();
        if name == "netlist" {
            name = deck.parent().and_then(Path::file_name).unwrap_or_default().to_os_string();
        }
        let results = Circuit::read(deck, &options).and_then(|c| c.simulate());
        let written = results.and_then(|r| {
            for w in &r.warnings {
                eprintln!("{}: {w}", deck.display());
            }
            for m in &r.measures {
                println!("{} = {:?}", m.name, m.value);
            }
            r.write(&out.join(&name))
        });
        if let Err(e) = written {
            eprintln!("{}: {e}", deck.display());
            failed = true;
        }
    }
    if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
