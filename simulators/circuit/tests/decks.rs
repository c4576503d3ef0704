//! Every golden deck against ngspice 39, with the published tolerances.

mod golden;

use golden::Golden;
use hwgym_circuit::{Circuit, Table};

/// Largest deviation in units of the tolerance, and where.
fn worst(
    stem: &str,
    deck: &str,
    columns: &[String],
    rows: &[Vec<f64>],
    table: &Table,
) -> Result<(f64, String), String> {
    if columns != table.columns {
        return Err(format!("{stem}: columns differ"));
    }
    let stem = stem.trim_end_matches(|c: char| c.is_ascii_digit());
    if stem != "tran" && rows.len() != table.len() {
        return Err(format!("{stem}: {} rows, expected {}", table.len(), rows.len()));
    }
    let mut worst = (0.0, String::new());
    let mut note = |e: f64, name: &str| {
        if e.is_nan() || e > worst.0 {
            worst = (e, name.to_string());
        }
    };
    match stem {
        "op" | "dc" | "tf" => {
            for (k, row) in rows.iter().enumerate() {
                for (i, name) in columns.iter().enumerate() {
                    let limit = if name.starts_with("i(") {
                        1e-5 * row[i].abs() + 1e-12
                    } else {
                        1e-6 * row[i].abs() + 1e-6
                    };
                    note((row[i] - table.row(k)[i]).abs() / limit, name);
                }
            }
        }
        "ac" => {
            for (k, row) in rows.iter().enumerate() {
                for i in (1..columns.len()).step_by(2) {
                    // Currents through the 1 GF and 1 GH of the DC servo are rounding noise in the reference.
                    let servo = deck.ends_with("_ol") || deck.ends_with("ota5t");
                    if servo && (columns[i].starts_with("i(vsig)") || columns[i].starts_with("i(lfb)")) {
                        continue;
                    }
                    let got = table.row(k);
                    let floor = if columns[i].starts_with("v(") { 1e-9 } else { 1e-15 };
                    let limit = 1e-4 * row[i].hypot(row[i + 1]) + floor;
                    note((row[i] - got[i]).hypot(row[i + 1] - got[i + 1]) / limit, &columns[i]);
                }
            }
        }
        "noise" | "noise_int" => {
            for (k, row) in rows.iter().enumerate() {
                for (i, name) in columns.iter().enumerate() {
                    note((row[i] - table.row(k)[i]).abs() / (1e-3 * row[i].abs() + 1e-20), name);
                }
            }
        }
        "tran" => {
            let n = columns.len();
            let time: Vec<f64> = table.data.iter().step_by(n).copied().collect();
            for i in (1..n).filter(|i| columns[*i].starts_with("v(")) {
                let (low, high) =
                    rows.iter().fold((f64::MAX, f64::MIN), |m, r| (m.0.min(r[i]), m.1.max(r[i])));
                let limit = 1e-3 + 1e-3 * (high - low);
                for row in rows {
                    let k = time.partition_point(|t| *t < row[0]).clamp(1, time.len() - 1);
                    let (a, b) = (table.row(k - 1), table.row(k));
                    let w = ((row[0] - a[0]) / (b[0] - a[0])).clamp(0.0, 1.0);
                    note((a[i] + w * (b[i] - a[i]) - row[i]).abs() / limit, &columns[i]);
                }
            }
        }
        _ => return Err(format!("unknown result {stem}")),
    }
    Ok(worst)
}

/// Mean period of the upward crossings of half the supply in the second half of a run, s.
fn period(time: &[f64], v: &[f64], level: f64) -> f64 {
    let crossings: Vec<f64> = (1..time.len())
        .filter(|k| v[k - 1] < level && v[*k] >= level)
        .map(|k| time[k - 1] + (time[k] - time[k - 1]) * (level - v[k - 1]) / (v[k] - v[k - 1]))
        .collect();
    let n = crossings.len();
    let from = n / 2;
    (crossings[n - 1] - crossings[from]) / (n - 1 - from) as f64
}

fn check(golden: &Golden, deck: &str) -> Result<String, String> {
    let text = golden.inline(&golden.text(&format!("circuits/{deck}/netlist.cir")));
    let results =
        Circuit::parse(&text, &Default::default()).and_then(|c| c.simulate()).map_err(|e| e.to_string())?;
    let mut notes = Vec::new();
    for stem in golden.results(deck).iter().filter(|s| *s != "opinfo") {
        let (columns, rows) = golden.table(&format!("circuits/{deck}/{stem}.csv"));
        let table = results.table(stem).ok_or(format!("{stem}: not computed"))?;
        if deck.contains("ring") {
            // The phase of an oscillator is arbitrary; its period is not.
            let i = columns.iter().position(|c| c == "v(n1)").ok_or("no v(n1)")?;
            let (t, v): (Vec<f64>, Vec<f64>) = rows.iter().map(|r| (r[0], r[i])).unzip();
            let level = rows[0][1] / 2.0;
            let want = period(&t, &v, level);
            let t: Vec<f64> = table.column("time").into_iter().flatten().collect();
            let v: Vec<f64> = table.column("v(n1)").into_iter().flatten().collect();
            let got = period(&t, &v, level);
            notes.push(format!("period {:.1e}", (got / want - 1.0).abs()));
            if (got / want - 1.0).abs() > 1e-3 {
                return Err(notes.join(", "));
            }
            continue;
        }
        let (e, name) = worst(stem, deck, &columns, &rows, table)?;
        notes.push(format!("{stem} {e:.1e} {name}"));
        if e.is_nan() || e > 1.0 {
            return Err(notes.join(", "));
        }
    }
    Ok(notes.join(", "))
}

#[test]
fn decks_agree_with_ngspice() {
    let golden = Golden::open();
    let decks = golden.decks();
    let mut failed = Vec::new();
    let mut counted = 0;
    for deck in &decks {
        let result = check(&golden, deck);
        println!(
            "{} {deck}: {}",
            if result.is_ok() { "ok  " } else { "MISS" },
            result.as_ref().unwrap_or_else(|e| e)
        );
        // Decks on a third-party card are shown but not counted.
        if !deck.starts_with("ptm") {
            counted += 1;
            if let Err(e) = result {
                failed.push(format!("{deck}: {e}"));
            }
        }
    }
    assert!(counted >= 40, "only {counted} golden decks were found");
    assert!(failed.len() * 20 <= counted, "{} of {counted} decks miss:\n{}", failed.len(), failed.join("\n"));
}
