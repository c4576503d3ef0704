//! Large circuits beside ngspice: `large_circuits [--write FOLDER] [NAME-PART...]` prints the processor time of both programs per deck
//! (best of three), each a process of its own with one thread that reads the deck, runs it and writes all results; ngspice's are skipped
//! where it is not installed. With `--write` the decks are only written. Needs `bash`, whose `time` measures.

mod decks;

use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

use hwgym_circuit::{Circuit, ParseOptions};

/// Runs of which the quickest counts.
const RUNS: usize = 3;

/// User and system time of a command, s, the least of [`RUNS`]; `None` if it fails.
fn seconds(command: &str, folder: &Path) -> Option<f64> {
    let mut best: Option<f64> = None;
    for _ in 0..RUNS {
        let script = format!("TIMEFORMAT='%3U %3S'; time {command} > out.txt 2> err.txt");
        let mut child = Command::new("bash");
        child.args(["-c", &script]).current_dir(folder).stdin(Stdio::null());
        let output = child.env("OMP_NUM_THREADS", "1").env("HOME", folder).output().ok()?;
        if !output.status.success() {
            return None;
        }
        let text = String::from_utf8_lossy(&output.stderr);
        let time: f64 = text.split_whitespace().map_while(|word| word.parse::<f64>().ok()).sum();
        best = Some(best.map_or(time, |b| b.min(time)));
    }
    best
}

/// Reads, runs and writes one deck: what a measured process does.
fn run(deck: &str) -> ExitCode {
    let results = Circuit::read(deck, &ParseOptions::default()).and_then(|c| c.simulate());
    match results.and_then(|r| r.write(Path::new("hwgym"))) {
        Ok(_) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("{e}");
            ExitCode::FAILURE
        }
    }
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [flag, deck] = arguments.as_slice()
        && flag == "--run"
    {
        return run(deck);
    }
    let mut wanted = arguments.as_slice();
    let mut kept = None;
    if let [flag, folder, rest @ ..] = wanted
        && flag == "--write"
    {
        (kept, wanted) = (Some(folder), rest);
    }
    let Ok(own) = std::env::current_exe() else { return ExitCode::FAILURE };
    let folder = match kept {
        Some(folder) => Path::new(folder).to_path_buf(),
        None => std::env::temp_dir().join(format!("hwgym-large-{}", std::process::id())),
    };
    if let Err(e) = std::fs::create_dir_all(&folder) {
        eprintln!("{}: {e}", folder.display());
        return ExitCode::FAILURE;
    }
    let _ = std::fs::write(folder.join(".spiceinit"), "set num_threads=1\n");
    println!("{:<26} {:>11} {:>11} {:>7}", "deck", "ngspice, ms", "hwgym, ms", "ratio");
    for work in decks::all() {
        if !wanted.is_empty() && !wanted.iter().any(|w| work.name.contains(w.as_str())) {
            continue;
        }
        let file = format!("{}.cir", work.name);
        if let Err(e) = std::fs::write(folder.join(&file), &work.deck) {
            eprintln!("{file}: {e}");
            return ExitCode::FAILURE;
        }
        if kept.is_some() {
            continue;
        }
        let theirs = seconds(&format!("ngspice -b -r out.raw {file}"), &folder);
        let ours = seconds(&format!("{} --run {file}", own.display()), &folder);
        let ms = |s: Option<f64>| s.map_or("-".into(), |s| format!("{:.0}", s * 1e3));
        let ratio = theirs.zip(ours).map_or("-".into(), |(t, o)| format!("{:.3}", o / t.max(1e-3)));
        println!("{:<26} {:>11} {:>11} {:>7}", work.name, ms(theirs), ms(ours), ratio);
    }
    if kept.is_none() {
        let _ = std::fs::remove_dir_all(&folder);
    }
    ExitCode::SUCCESS
}
