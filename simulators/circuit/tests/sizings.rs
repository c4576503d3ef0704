//! Sized amplifiers against ngspice: every metric of every row that is not railed, by the published tolerances.
//!
//! Always run on the compressed copy in the repository; with `HWGYM_GOLDEN_CIRCUIT` set to a folder, on all of its sizing tables.

mod golden;

use golden::Golden;
use hwgym_circuit::measure::amplifier::{open_loop, step_response};
use hwgym_circuit::{Circuit, Prepared, TranSpec};

/// Puts parameters in the place of the template's textual holes: `{w1}u` becomes `{w1*1u}`.
fn fill(template: &str, names: &[String]) -> String {
    let mut text = template.to_string();
    for name in names {
        for unit in ["u", "k", "p", ""] {
            let scaled = if unit.is_empty() { format!("{{{name} }}") } else { format!("{{{name}*1{unit}}}") };
            text = text.replace(&format!("{{{name}}}{unit}"), &scaled);
        }
    }
    let (title, rest) = text.split_once('\n').unwrap();
    let parameters: String = names.iter().map(|n| format!(".param {n}=1\n")).collect();
    format!("{title}\n{parameters}{rest}")
}

struct Score {
    rows: usize,
    good: usize,
    misses: Vec<String>,
}

fn score(golden: &Golden, set: &str, limit: usize) -> Score {
    let (columns, rows) = golden.table(&format!("sizings/{set}.csv"));
    let split = columns.iter().position(|c| c == "vout_dc").unwrap();
    let names: Vec<String> = columns[..split].to_vec();
    let list: Vec<&str> = names.iter().map(String::as_str).collect();
    let prepare = |kind: &str| {
        let text = fill(&golden.text(&format!("sizings/{set}_{kind}.tmpl.cir")), &names);
        Prepared::new(&Circuit::parse(&golden.inline(&text), &Default::default()).unwrap(), &list).unwrap()
    };
    let (mut open, mut buffer) = (prepare("ol"), prepare("buf"));
    let vdd = if set.ends_with("l1") {
        3.3
    } else if set.ends_with("ptm") {
        1.2
    } else {
        1.8
    };
    let vcm = golden.vcm(set);
    let ac: Vec<f64> = (0..=200).map(|i| 10f64.powf(f64::from(i) / 20.0)).collect();
    let noise: Vec<f64> = (0..=90).map(|i| 10f64.powf(f64::from(i) / 10.0)).collect();
    let (out, supply) = (open.probe("v(out)").unwrap(), open.probe("i(vdd)").unwrap());
    let out_buffer = buffer.probe("v(out)").unwrap();
    let mut score = Score { rows: 0, good: 0, misses: Vec::new() };
    let mut h = Vec::new();
    let mut wave = Vec::new();
    for (number, row) in rows.iter().enumerate().take(limit) {
        let get = |name: &str| columns.iter().position(|c| c == name).map_or(f64::NAN, |i| row[i]);
        let railed = (get("vout_dc") - vcm).abs();
        if railed.is_nan() || railed > 0.05 {
            continue;
        }
        score.rows += 1;
        let values = &row[..split];
        open.set(values).unwrap();
        open.operating_point().unwrap();
        let mut got = vec![("vout_dc", open.value(out)), ("power_w", vdd * open.value(supply).abs())];
        open.ac(&ac, out, &mut h).unwrap();
        let o = open_loop(&ac, &h);
        got.extend([
            ("gain_db", o.gain_db),
            ("f3db_hz", o.f3db_hz),
            ("ugbw_hz", o.unity_gain_hz),
            ("pm_deg", o.phase_margin_deg),
        ]);
        let total = open.noise(&noise, out, "vsig").unwrap();
        got.extend([
            ("inoise_1k", open.input_noise()[30]),
            ("inoise_1meg", open.input_noise()[60]),
            ("onoise_1meg", open.output_noise()[60]),
        ]);
        got.extend([("onoise_total_v", total.output), ("inoise_total_v", total.input)]);
        // The large-signal figures of a loop that oscillates depend on rounding in either simulator.
        let stable = get("pm_deg") >= 3.0;
        if stable && (get("slew_rise_vps").is_finite() || get("settle_rise_s").is_finite()) {
            let (step, at) = golden.pulse(set, vcm);
            buffer.set(values).unwrap();
            buffer
                .transient(
                    TranSpec { step: at.0, stop: at.1, start: 0.0, max_step: at.2, uic: false },
                    &[out_buffer],
                    &mut wave,
                )
                .unwrap();
            let (time, v): (Vec<f64>, Vec<f64>) = wave.chunks_exact(2).map(|p| (p[0], p[1])).unzip();
            let r = step_response(&time, &v, step);
            got.extend([
                ("slew_rise_vps", r.slew_rise),
                ("slew_fall_vps", r.slew_fall),
                ("settle_rise_s", r.settle_rise),
            ]);
        }
        let bad: Vec<String> = got
            .iter()
            .filter_map(|(name, value)| {
                let want = get(name);
                if want.is_nan() {
                    return None;
                }
                let limit = match *name {
                    "gain_db" => 0.01,
                    "pm_deg" => 0.1,
                    _ => 1e-3 * want.abs(),
                };
                let ok = (value - want).abs() <= limit;
                (!ok).then(|| format!("{name} {value:e} for {want:e}"))
            })
            .collect();
        if bad.is_empty() {
            score.good += 1;
        } else {
            score.misses.push(format!("{set} row {number} (pm {:.1}): {}", get("pm_deg"), bad.join(", ")));
        }
    }
    score
}

#[test]
fn sized_amplifiers_agree_with_ngspice() {
    let golden = Golden::open();
    let (mut rows, mut good) = (0, 0);
    for set in golden.sizing_sets() {
        let s = score(&golden, &set, golden.rows_per_set());
        println!("{set}: {} of {} rows", s.good, s.rows);
        s.misses.iter().for_each(|m| println!("  {m}"));
        rows += s.rows;
        good += s.good;
    }
    println!("all: {good} of {rows}");
    assert!(rows > 0 && good * 100 >= rows * 98, "{good} of {rows} rows agree, expected 98 %");
}
