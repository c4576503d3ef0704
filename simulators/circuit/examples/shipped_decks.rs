//! How many decks of a folder give the same results in ngspice and here: `shipped_decks FOLDER [--limit SECONDS] [NAME-PART...]`.
//!
//! Every deck (`.cir`, `.sp`, `.spice`, `.ckt`, `.net`, `.deck`) below the folder runs in a scratch copy of it: ngspice in batch mode, with
//! lines added that write all plots, and this crate, each a process of its own with a time limit. Plots are compared by kind and order, column
//! by column: sweeps and spectra to 0.1 % of the value (and a millionth of the column's largest), transients at ngspice's time points to
//! 1 % of the column's range at 98 of 100 points. The last lines count.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use hwgym_circuit::{Circuit, ParseOptions, Table, ngspice};

/// Commands that a script is not let to execute in ngspice.
const LEFT_OUT: [&str; 10] =
    ["quit", "exit", "shell", "rusage", "plot", "gnuplot", "hardcopy", "asciiplot", "write", "wrdata"];

fn decks(folder: &Path, out: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    let mut entries: Vec<PathBuf> = entries.flatten().map(|e| e.path()).collect();
    entries.sort();
    for path in entries {
        let ending = path.extension().map(|e| e.to_ascii_lowercase().to_string_lossy().into_owned());
        if path.is_dir() {
            decks(&path, out);
        } else if ending.is_some_and(|e| ["cir", "sp", "spice", "ckt", "net", "deck"].contains(&e.as_str())) {
            out.push(path);
        }
    }
}

fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let path = entry?.path();
        let target = to.join(path.file_name().unwrap_or_default());
        if path.is_dir() {
            copy(&path, &target)?;
        } else if path.is_file() {
            std::fs::copy(&path, &target)?;
        }
    }
    Ok(())
}

/// Runs a command for at most `limit`; its output, or nothing if it took longer.
fn bounded(command: &mut Command, limit: Duration, log: &Path) -> Option<String> {
    let file = std::fs::File::create(log).ok()?;
    let errors = file.try_clone().ok()?;
    let mut child = command.stdin(Stdio::null()).stdout(file).stderr(errors).spawn().ok()?;
    let begun = Instant::now();
    loop {
        match child.try_wait() {
            Ok(Some(_)) => return Some(String::from_utf8_lossy(&std::fs::read(log).ok()?).into_owned()),
            Ok(None) if begun.elapsed() < limit => std::thread::sleep(Duration::from_millis(5)),
            _ => {
                let _ = child.kill();
                let _ = child.wait();
                return None;
            }
        }
    }
}

/// The deck with lines that write every plot before its `.end`.
fn with_dump(text: &str) -> String {
    let (mut lines, mut end, mut control, mut scripted) = (Vec::new(), None, false, false);
    for line in text.lines() {
        let lower = line.trim().to_ascii_lowercase();
        if lower.starts_with(".control") {
            (control, scripted) = (true, true);
        } else if lower.starts_with(".endc") {
            control = false;
        }
        let word = lower.split_whitespace().next().unwrap_or("");
        if control && LEFT_OUT.contains(&word) {
            continue;
        }
        if lower == ".end" {
            end = Some(lines.len());
        }
        lines.push(line.to_string());
    }
    let run = if scripted { "" } else { "run\n" };
    let dump = format!(
        ".control\n{run}set filetype=ascii\nset appendwrite\nforeach hwgymplot $plots\nsetplot $hwgymplot\n\
         write hwgym_out.raw\nend\nquit\n.endc"
    );
    lines.insert(end.unwrap_or(lines.len()), dump);
    lines.join("\n") + "\n"
}

/// ngspice's tables by kind, in the order in which they were made.
fn reference(deck: &Path, limit: Duration) -> Result<Vec<(String, Table)>, String> {
    let folder = deck.parent().unwrap_or(Path::new("."));
    let text = String::from_utf8_lossy(&std::fs::read(deck).map_err(|e| e.to_string())?).into_owned();
    let changed = folder.join("hwgym_deck.cir");
    std::fs::write(&changed, with_dump(&text)).map_err(|e| e.to_string())?;
    let raw = folder.join("hwgym_out.raw");
    let _ = std::fs::remove_file(&raw);
    let mut command = Command::new("ngspice");
    command.args(["-b", "hwgym_deck.cir"]).current_dir(folder).env("OMP_NUM_THREADS", "1");
    let log = bounded(&mut command, limit, &folder.join("hwgym.log"));
    let _ = std::fs::remove_file(&changed);
    if log.is_none() {
        return Err("takes too long".into());
    }
    let text = std::fs::read(&raw).map_err(|_| "writes nothing".to_string())?;
    let text = String::from_utf8_lossy(&text).into_owned();
    let mut parts: Vec<Vec<(String, Table)>> = Vec::new();
    for part in text.split("Title: ").filter(|p| !p.trim().is_empty()) {
        if let Ok(tables) = ngspice::raw_tables(&format!("Title: {part}")) {
            parts.push(tables);
        }
    }
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    let mut out = Vec::new();
    for (stem, table) in parts.into_iter().flatten().filter(|(_, t)| !t.is_empty()) {
        let count = counts.entry(stem.clone()).or_default();
        *count += 1;
        out.push((if *count == 1 { stem } else { format!("{stem}{count}") }, table));
    }
    if out.is_empty() { Err("gives no plot".into()) } else { Ok(out) }
}

/// One deck here: tables on standard output as CSV, each after a line with its name.
fn run(deck: &str) -> ExitCode {
    let options = ParseOptions { allow_any_include: true, ..ParseOptions::default() };
    match Circuit::read(deck, &options).and_then(|c| c.simulate()) {
        Ok(results) => {
            let mut out = String::new();
            for (stem, table) in &results.tables {
                let _ = write!(out, "== {stem}\n{}", table.to_csv());
            }
            print!("{out}");
            ExitCode::SUCCESS
        }
        Err(e) => {
            println!("error: {e}");
            ExitCode::FAILURE
        }
    }
}

fn own(deck: &Path, limit: Duration) -> Result<Vec<(String, Table)>, String> {
    let program = std::env::current_exe().map_err(|e| e.to_string())?;
    let log = deck.with_extension("hwgym_own");
    let text = bounded(Command::new(program).arg("--run").arg(deck), limit, &log);
    let text = text.ok_or("takes too long here")?;
    let mut out = Vec::new();
    for part in text.split("== ").skip(1) {
        let mut lines = part.lines();
        let stem = lines.next().unwrap_or("").to_string();
        let columns = split_csv(lines.next().unwrap_or(""));
        let data =
            lines.flat_map(|l| l.split(',').map(|w| w.parse().unwrap_or(f64::NAN)).collect::<Vec<f64>>());
        out.push((stem, Table { columns, data: data.collect() }));
    }
    if out.is_empty() {
        let line =
            text.lines().find(|l| l.contains("error") || l.contains("panicked")).unwrap_or("no results");
        return Err(line.trim_start_matches("error: ").to_string());
    }
    Ok(out)
}

fn split_csv(line: &str) -> Vec<String> {
    let (mut out, mut word, mut quoted) = (Vec::new(), String::new(), false);
    for c in line.chars() {
        match c {
            '"' => quoted = !quoted,
            ',' if !quoted => out.push(std::mem::take(&mut word)),
            c => word.push(c),
        }
    }
    out.push(word);
    out
}

/// Names of nodes and branches that either simulator makes for itself.
fn internal(name: &str) -> bool {
    name.contains('#')
        || name.contains("_int")
        || name.starts_with("v(pa_")
        || name.starts_with("i(b")
        || name.contains('@')
}

/// Names of the vectors that a deck's script makes.
fn scripted(text: &str) -> Vec<String> {
    let mut out = Vec::new();
    for line in text.lines().map(str::to_ascii_lowercase) {
        let words: Vec<&str> =
            line.split(|c: char| c.is_whitespace() || "=[".contains(c)).filter(|w| !w.is_empty()).collect();
        match words.as_slice() {
            ["let" | "compose" | "linearize", name, ..] | ["meas" | "measure", _, name, ..] => {
                out.push((*name).to_string());
            }
            _ => {}
        }
    }
    out
}

/// Why two tables differ; none if they do not. Vectors of a script are shorter or longer than the rest, and the file pads them.
fn difference(stem: &str, own: &Table, reference: &Table, made: &[String]) -> Option<String> {
    let time = stem.starts_with("tran");
    if !time && own.len() != reference.len() && (made.is_empty() || own.len() > reference.len()) {
        return Some(format!("{stem}: {} rows for {}", own.len(), reference.len()));
    }
    let abscissa = |t: &Table| t.data.iter().step_by(t.columns.len().max(1)).copied().collect::<Vec<f64>>();
    let (x, y) = (abscissa(own), abscissa(reference));
    let mut compared = 0;
    for name in &reference.columns {
        // `settype` takes the `v()` off a name.
        let shown = [name.clone(), format!("v({name})")];
        let Some(column) = shown.iter().find(|n| own.column_index(n).is_some()) else {
            let bare = name.trim_end_matches(".re").trim_end_matches(".im");
            let inner = bare.get(2..bare.len().saturating_sub(1)).unwrap_or(bare);
            if internal(name) || made.iter().any(|m| m == bare || m == inner) {
                continue;
            }
            return Some(format!("{stem}: no column `{name}` here"));
        };
        let a: Vec<f64> = own.column(column)?.collect();
        let mut b: Vec<f64> = reference.column(name)?.collect();
        if !time {
            b.truncate(own.len());
        }
        let top = b.iter().fold(0.0f64, |t, v| t.max(v.abs()));
        let low = b.iter().copied().fold(f64::INFINITY, f64::min);
        let range = b.iter().copied().fold(f64::NEG_INFINITY, f64::max) - low;
        let floor = if name.starts_with('i') { 1e-9 } else { 1e-6 };
        let outside = b.iter().enumerate().filter(|(k, v)| {
            let (u, tolerance) = if time {
                (at(&x, &a, y[*k]), 0.01 * range + 1e-3 * top + floor)
            } else {
                (a[*k], 1e-3 * v.abs() + 1e-6 * top + floor)
            };
            let near = (u - **v).abs() <= tolerance || u.is_nan() && v.is_nan();
            !near
        });
        let bad = outside.count();
        compared += 1;
        if bad as f64 > if time { 0.02 * b.len() as f64 } else { 0.0 } {
            return Some(format!("{stem}: `{name}` differs at {bad} of {} points", b.len()));
        }
    }
    (compared == 0).then(|| format!("{stem}: nothing to compare"))
}

/// Linear interpolation.
fn at(x: &[f64], y: &[f64], t: f64) -> f64 {
    if x.is_empty() {
        return f64::NAN;
    }
    let k = x.partition_point(|v| *v < t).clamp(1, x.len().max(2) - 1);
    let (x0, x1) = (x[k - 1], x[k.min(x.len() - 1)]);
    let (y0, y1) = (y[k - 1], y[k.min(y.len() - 1)]);
    if x1 > x0 { y0 + (y1 - y0) * ((t - x0) / (x1 - x0)).clamp(0.0, 1.0) } else { y1 }
}

fn main() -> ExitCode {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [flag, deck] = arguments.as_slice()
        && flag == "--run"
    {
        return run(deck);
    }
    let mut limit = Duration::from_secs(20);
    if let Some(k) = arguments.iter().position(|a| a == "--limit") {
        let seconds = arguments.get(k + 1).and_then(|s| s.parse().ok()).unwrap_or(20);
        limit = Duration::from_secs(seconds);
        arguments.drain(k..(k + 2).min(arguments.len()));
    }
    let Some((folder, wanted)) = arguments.split_first() else {
        eprintln!("usage: shipped_decks FOLDER [--limit SECONDS] [NAME-PART...]");
        return ExitCode::from(2);
    };
    let scratch = std::env::temp_dir().join(format!("hwgym-decks-{}", std::process::id()));
    if let Err(e) = copy(Path::new(folder), &scratch) {
        eprintln!("{folder}: {e}");
        return ExitCode::FAILURE;
    }
    let mut list = Vec::new();
    decks(&scratch, &mut list);
    let (mut equal, mut differ, mut refused, mut silent) = (0, 0, 0, 0);
    for deck in &list {
        let name = deck.strip_prefix(&scratch).unwrap_or(deck).display().to_string();
        if !wanted.is_empty() && !wanted.iter().any(|w| name.contains(w.as_str())) {
            continue;
        }
        let theirs = match reference(deck, limit) {
            Ok(tables) => tables,
            Err(why) => {
                silent += 1;
                println!("-       {name}: ngspice {why}");
                continue;
            }
        };
        match own(deck, limit) {
            Err(why) => {
                refused += 1;
                println!("refused {name}: {}", why.replace(&format!("{}/", scratch.display()), ""));
            }
            Ok(ours) => {
                let made = scripted(&String::from_utf8_lossy(&std::fs::read(deck).unwrap_or_default()));
                let wrong =
                    theirs.iter().find_map(|(stem, table)| match ours.iter().find(|(s, _)| s == stem) {
                        Some((_, own)) => difference(stem, own, table, &made),
                        None => Some(format!("{stem}: not run here")),
                    });
                match wrong {
                    None => {
                        equal += 1;
                        println!("equal   {name}");
                    }
                    Some(why) => {
                        differ += 1;
                        println!("differs {name}: {why}");
                    }
                }
            }
        }
    }
    let _ = std::fs::remove_dir_all(&scratch);
    println!("{equal} equal, {differ} differ, {refused} refused; ngspice gives nothing for {silent} more");
    ExitCode::SUCCESS
}
