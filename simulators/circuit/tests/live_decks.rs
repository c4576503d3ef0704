//! Decks that go through the corners of the netlist language, on both engines, where ngspice is installed.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use hwgym_circuit::{Circuit, Ngspice, ParseOptions, Table};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/decks")
}

/// Largest deviation of two tables over the columns that both have, relative to the larger value plus a floor. Transients have their own
/// time points, so the native one is read at the other's.
fn deviation(stem: &str, native: &Table, other: &Table) -> (f64, String) {
    let mut worst = (0.0, String::new());
    let time = stem.starts_with("tran");
    if !time && native.len() != other.len() {
        return (f64::INFINITY, format!("{} rows for {}", native.len(), other.len()));
    }
    let abscissae =
        |table: &Table| table.data.iter().step_by(table.columns.len()).copied().collect::<Vec<_>>();
    let (x, y) = (abscissae(native), abscissae(other));
    for name in &native.columns {
        let (Some(a), Some(b)) = (native.column(name), other.column(name)) else {
            return (f64::INFINITY, format!("ngspice has no `{name}`, but {:?}", other.columns));
        };
        let (a, b): (Vec<f64>, Vec<f64>) = (a.collect(), b.collect());
        let swing = b.iter().fold(f64::NEG_INFINITY, |m, v| m.max(*v))
            - b.iter().fold(f64::INFINITY, |m, v| m.min(*v));
        for (row, reference) in b.iter().enumerate() {
            // What ngspice says of the output resistance of a current.
            if *reference == 1e20 {
                continue;
            }
            let value = if time { interpolated(&x, &a, y[row]) } else { a[row] };
            let floor = match stem.trim_end_matches(|c: char| c.is_ascii_digit()) {
                "noise" | "noise_int" => 1e-20,
                "tran" => swing + if name.starts_with("i(") { 1e-9 } else { 1e-3 },
                _ if name.starts_with("i(") => 1e-7,
                _ => 1e-4,
            };
            let e = (value - reference).abs() / (value.abs().max(reference.abs()) + floor);
            if e > worst.0 || e.is_nan() {
                worst = (
                    if e.is_nan() { f64::INFINITY } else { e },
                    format!("{name} row {row}: {value:e} {reference:e}"),
                );
            }
        }
    }
    worst
}

fn interpolated(x: &[f64], y: &[f64], at: f64) -> f64 {
    let next = x.partition_point(|t| *t < at).clamp(1, x.len() - 1);
    let (a, b) = (x[next - 1], x[next]);
    if b == a { y[next] } else { y[next - 1] + (y[next] - y[next - 1]) * (at - a) / (b - a) }
}

/// The measures that ngspice itself takes of a deck, from its log.
fn measures_of_ngspice(deck: &Path) -> BTreeMap<String, f64> {
    // Phases in degrees.
    let home = tempfile::tempdir().unwrap();
    std::fs::write(home.path().join(".spiceinit"), "set units=degrees\nset num_threads=1\n").unwrap();
    let mut ngspice = Command::new("ngspice");
    let output = ngspice.arg("-b").arg(deck).current_dir(folder()).env("HOME", home.path()).output().unwrap();
    let log = String::from_utf8_lossy(&output.stdout).into_owned();
    let pairs = log.lines().filter_map(|line| {
        let (name, rest) = line.split_once('=')?;
        let value = rest.split_whitespace().next()?.parse().ok()?;
        Some((name.trim().to_ascii_lowercase(), value))
    });
    pairs.collect()
}

#[test]
fn both_engines_read_the_same_language() {
    let Ok(ngspice) = Ngspice::find() else {
        println!("ngspice is not installed; nothing compared");
        return;
    };
    let mut decks: Vec<PathBuf> = std::fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "cir"))
        .collect();
    decks.sort();
    let wanted = std::env::var("DECK").unwrap_or_default();
    let mut failures = Vec::new();
    for path in decks.iter().filter(|path| path.to_string_lossy().contains(&wanted)) {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let circuit = match Circuit::read(path, &ParseOptions::default()) {
            Ok(circuit) => circuit,
            Err(error) => {
                failures.push(format!("{name}: {error}"));
                continue;
            }
        };
        let (native, other) = match (circuit.simulate(), ngspice.simulate(&circuit)) {
            (Ok(native), Ok(other)) => (native, other),
            (native, other) => {
                failures.push(format!("{name}: native {:?}, ngspice {:?}", native.err(), other.err()));
                continue;
            }
        };
        for (stem, table) in &native.tables {
            let Some(reference) = other.table(stem) else {
                failures.push(format!("{name}: ngspice gave no {stem}"));
                continue;
            };
            let lacking: Vec<&String> = reference
                .columns
                .iter()
                .filter(|c| table.column_index(c).is_none() && !c.contains('#'))
                .collect();
            if !lacking.is_empty() {
                failures.push(format!("{name} {stem}: without {lacking:?}"));
            }
            let limit = match stem.trim_end_matches(|c: char| c.is_ascii_digit()) {
                "tran" => 1e-3,
                "noise" | "noise_int" => 1e-4,
                _ => 1e-5,
            };
            let (e, place) = deviation(stem, table, reference);
            println!("{name} {stem}: {e:.1e} {place}");
            if e > limit {
                failures.push(format!("{name} {stem}: {e:.1e} {place}"));
            }
        }
        if native.measures.is_empty() {
            continue;
        }
        let reference = measures_of_ngspice(path);
        for measured in &native.measures {
            let Some(expected) = reference.get(&measured.name) else {
                failures.push(format!(
                    "{name}: ngspice did not measure {}, native {:?}",
                    measured.name, measured.value
                ));
                continue;
            };
            match &measured.value {
                Ok(value) if (value - expected).abs() <= 1e-3 * expected.abs() + 1e-12 => {}
                value => failures.push(format!("{name} {}: {value:?}, ngspice {expected:e}", measured.name)),
            }
        }
    }
    assert!(failures.is_empty(), "\n{}", failures.join("\n"));
}
