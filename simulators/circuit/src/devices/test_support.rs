//! Test helpers: a minimal reader of `.model` cards and a finite-difference check of a device's derivatives.

use super::{Device, Model, ModelCard, Pass, Stamp};

/// Reads one card of a card file (own cards only: no expressions).
pub(crate) fn card(text: &str, name: &str) -> ModelCard {
    let joined = text.replace("\n+", " ").replace(['(', ')'], " ").replace('=', " = ");
    let line = joined
        .lines()
        .find(|line| {
            let mut words = line.split_whitespace();
            words.next() == Some(".model") && words.next() == Some(name)
        })
        .expect("card");
    let words: Vec<&str> = line.split_whitespace().collect();
    let parameters = words[3..].chunks(3).map(|c| (c[0].to_owned(), number(c[2]))).collect();
    ModelCard { name: name.into(), kind: words[2].into(), parameters, version: None }
}

/// A SPICE number with suffix.
pub(crate) fn number(text: &str) -> f64 {
    let scales = [("meg", 6), ("f", -15), ("p", -12), ("n", -9), ("u", -6), ("m", -3), ("k", 3), ("g", 9)];
    for (suffix, exponent) in scales {
        if let Some(mantissa) = text.strip_suffix(suffix) {
            return format!("{mantissa}e{exponent}").parse().expect("number");
        }
    }
    text.parse().expect("number")
}

/// A model from one of our card files.
pub(crate) fn model(text: &str, name: &str) -> Model {
    Model::from_card(&card(text, name), 300.15).expect("model").0
}

/// Parameter list from pairs.
pub(crate) fn list(pairs: &[(&str, f64)]) -> Vec<(String, f64)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect()
}

/// Checks `g` and `c` of a device against differences at `v`; `exact_charge` says whether `c` must be the true partial.
pub(crate) fn check_derivatives(device: &mut Device, v: &[f64], tolerance: f64, exact_charge: bool) {
    let n = device.node_count();
    let branches = device.charges().len();
    let mut at = |v: &[f64]| {
        let mut stamp = Stamp::default();
        device.evaluate(v, Pass::Free, true, &mut stamp);
        stamp
    };
    let centre = at(v);
    let total: f64 = centre.i[..n].iter().sum();
    let largest = centre.i[..n].iter().fold(1e-15_f64, |a, x| a.max(x.abs()));
    assert!(total.abs() < 1e-10 * largest, "currents must sum to zero: {total:e} of {largest:e}");
    for column in 0..n {
        let h = 1e-5;
        let (mut low, mut high) = (v.to_vec(), v.to_vec());
        low[column] -= h;
        high[column] += h;
        let (low, high) = (at(&low), at(&high));
        for row in 0..n {
            let slope = (high.i[row] - low.i[row]) / (2.0 * h);
            let stamped = centre.g[row * n + column];
            let scale = centre.g[..n * n].iter().fold(1e-12_f64, |a, x| a.max(x.abs()));
            assert!(
                (slope - stamped).abs() < tolerance * scale,
                "g[{row}][{column}] at {v:?}: {stamped:e}, {slope:e}"
            );
        }
        for k in 0..branches {
            if exact_charge {
                let slope = (high.q[k] - low.q[k]) / (2.0 * h);
                let stamped = centre.c[k * n + column];
                let scale = centre.c[..branches * n].iter().fold(1e-18_f64, |a, x| a.max(x.abs()));
                assert!(
                    (slope - stamped).abs() < tolerance * scale,
                    "c[{k}][{column}] at {v:?}: {stamped:e}, {slope:e}"
                );
            }
        }
    }
}

/// The folder of the full golden circuits, where it is present beside the repository.
pub(crate) fn golden_circuits() -> Option<std::path::PathBuf> {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .map(|folder| folder.join("shared/golden/circuit/circuits"))
        .find(|folder| folder.is_dir())
}

/// Compares the operating-point quantities of every device of a golden circuit: `devices` are its `m` lines, `rows` the
/// reference's values (type-normalised voltages, which are applied to the inner nodes here).
pub(crate) fn check_operating_points(devices: &str, rows: &str, tolerance: f64) {
    let mut reader = csv::Reader::from_reader(rows.as_bytes());
    let headers = reader.headers().unwrap().clone();
    let mut compared = 0;
    for row in reader.records() {
        let row = row.unwrap();
        let line = devices.lines().find(|line| line.starts_with(&format!("{} ", &row[0]))).unwrap();
        let words: Vec<&str> = line.split_whitespace().collect();
        let parameters: Vec<(String, f64)> = words[6..]
            .iter()
            .map(|word| word.split_once('=').unwrap())
            .map(|(name, value)| (name.to_owned(), number(value)))
            .collect();
        let text = match words[5] {
            "n4" | "p4" => crate::cards::BSIM4_BASE,
            "n4b" | "p4b" => crate::cards::BSIM4_FULL,
            "n4c" | "p4c" => crate::cards::BSIM4_V48,
            _ => crate::cards::LEVEL1,
        };
        let surroundings = super::Surroundings::default();
        let mut device = Device::new(words[0], &model(text, words[5]), &parameters, &surroundings).unwrap();
        let at = |name: &str| {
            let column = headers.iter().position(|header| header == name).unwrap();
            row[column].trim().parse::<f64>().unwrap()
        };
        let sign = if words[5].starts_with('p') { -1.0 } else { 1.0 };
        let (vgs, vds, vbs) = (sign * at("vgs"), sign * at("vds"), sign * at("vbs"));
        let mut v = vec![vds, vgs, 0.0, vbs];
        v.extend(device.internal_nodes().iter().map(|name| match *name {
            "drain" => vds,
            "source" => 0.0,
            "gate" | "midgate" => vgs,
            _ => vbs,
        }));
        device.evaluate(&v, Pass::Free, true, &mut Stamp::default());
        for (name, value) in device.op_info() {
            if headers.iter().any(|header| header == name) {
                let golden = at(name);
                // The reference prints 12 digits; capacitances below an attofarad are differences of larger ones.
                let floor = if name.starts_with('c') { 1e-18 } else { 1e-12 };
                let error = (value - golden).abs() / golden.abs().max(floor);
                assert!(error < tolerance, "{} {name}: {value:e}, reference {golden:e}", &row[0]);
                compared += 1;
            }
        }
    }
    assert!(compared > 0);
}
