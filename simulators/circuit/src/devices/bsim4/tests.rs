//! BSIM4 against ngspice 39 (values computed with it on our own cards) and against its own differences.

use crate::cards::{BSIM4_BASE, BSIM4_V48};
use crate::devices::test_support::{golden_circuits, list, model, number};
use crate::devices::{Device, Pass, Stamp, Surroundings};

fn device(text: &str, card: &str, parameters: &[(&str, f64)]) -> Device {
    Device::new("m1", &model(text, card), &list(parameters), &Surroundings::default()).unwrap()
}

#[test]
fn golden_iv_when_present() {
    let Some(path) = golden_circuits() else { return };
    for (circuit, cards, name, w, l) in
        [("a_nmos_iv", BSIM4_BASE, "n4", 5e-6, 0.18e-6), ("c_nmos_iv", BSIM4_V48, "n4c", 5e-6, 0.18e-6)]
    {
        for file in ["dc.csv", "dc2.csv"] {
            let Ok(mut reader) = csv::Reader::from_path(path.join(circuit).join(file)) else { return };
            let headers = reader.headers().unwrap().clone();
            let column = |name: &str| headers.iter().position(|h| h == name);
            let mut device = device(cards, name, &[("w", w), ("l", l)]);
            let mut worst: f64 = 0.0;
            for row in reader.records() {
                let row = row.unwrap();
                let at = |name: &str| column(name).map_or(0.0, |c| row[c].trim().parse::<f64>().unwrap());
                let v = [at("v(d)"), at("v(g)"), 0.0, at("v(b)")];
                let mut stamp = Stamp::default();
                device.evaluate(&v, Pass::Free, false, &mut stamp);
                let golden = -at("i(vd)");
                worst = worst.max((stamp.i[0] - golden).abs() / golden.abs().max(1e-12));
            }
            println!("{circuit} {file}: worst {worst:e}");
        }
    }
}

#[test]
fn golden_operating_points_when_present() {
    let Some(path) = golden_circuits() else { return };
    for circuit in [
        "a_cs_res",
        "a_cv_ac",
        "a_ldo",
        "a_miller_ol",
        "a_mirror",
        "a_nmos_iv",
        "c_nmos_iv",
        "b_miller_ol",
        "b_cs_res",
        "b_nmos_iv",
    ] {
        let netlist = std::fs::read_to_string(path.join(circuit).join("netlist.cir")).unwrap();
        let mut reader = csv::Reader::from_path(path.join(circuit).join("opinfo.csv")).unwrap();
        let headers = reader.headers().unwrap().clone();
        let mut worst = std::collections::BTreeMap::<String, (f64, String)>::new();
        for row in reader.records() {
            let row = row.unwrap();
            let line = netlist.lines().find(|l| l.starts_with(&format!("{} ", &row[0]))).unwrap();
            let words: Vec<&str> = line.split_whitespace().collect();
            let parameters: Vec<(String, f64)> = words[6..]
                .iter()
                .map(|w| w.split_once('=').unwrap())
                .map(|(k, v)| (k.to_owned(), number(v)))
                .collect();
            let text = match words[5].chars().last() {
                Some('b') => crate::cards::BSIM4_FULL,
                Some('c') => BSIM4_V48,
                _ => BSIM4_BASE,
            };
            let mut device =
                Device::new(words[0], &model(text, words[5]), &parameters, &Surroundings::default()).unwrap();
            let at = |name: &str| {
                row[headers.iter().position(|h| h == name).unwrap()].trim().parse::<f64>().unwrap()
            };
            let ty = if words[5].starts_with('p') { -1.0 } else { 1.0 };
            let (vgs, vds, vbs) = (at("vgs"), at("vds"), at("vbs"));
            let mut v = vec![ty * vds, ty * vgs, 0.0, ty * vbs];
            for name in device.internal_nodes() {
                v.push(match *name {
                    "drain" => ty * vds,
                    "source" => 0.0,
                    "gate" | "midgate" => ty * vgs,
                    _ => ty * vbs,
                });
            }
            let mut stamp = Stamp::default();
            device.evaluate(&v, Pass::Free, true, &mut stamp);
            for (name, value) in device.op_info() {
                if !headers.iter().any(|h| h == name) {
                    continue;
                }
                let golden = at(name);
                let floor = if name.starts_with('c') { 1e-18 } else { 1e-15 };
                let error = (value - golden).abs() / golden.abs().max(floor);
                let entry = worst.entry(name.to_owned()).or_default();
                if error > entry.0 {
                    *entry = (error, format!("{} {value:e} {golden:e}", &row[0]));
                }
            }
        }
        println!("{circuit}");
        for (name, (error, what)) in worst {
            if error > 1e-8 {
                println!("   {name} {error:.1e} {what}");
            }
        }
    }
}
