//! The native engine against a live ngspice on the golden decks, where ngspice is installed.

mod golden;

use std::time::Duration;

use golden::Golden;
use hwgym_circuit::{Circuit, CircuitError, Ngspice, Table};

/// Largest relative deviation of the tables' last rows (floored at 1 uV or 1 pA).
fn deviation(stem: &str, native: &Table, other: &Table) -> f64 {
    let mut worst = 0.0f64;
    for name in native.columns.iter().filter(|n| !n.contains("lfb") && !n.contains("vsig")) {
        let (Some(a), Some(b)) = (native.last(name), other.last(name)) else { continue };
        let floor = match stem {
            "noise" | "noise_int" => 1e-20,
            _ if name.starts_with("i(") => 1e-9,
            _ => 1e-4,
        };
        let e = (a - b).abs() / (a.abs().max(b.abs()) + floor);
        worst = if e <= worst { worst } else { e };
    }
    worst
}

#[test]
fn both_engines_agree() {
    let Ok(ngspice) = Ngspice::find() else {
        println!("ngspice is not installed; nothing compared");
        return;
    };
    println!("{}", ngspice.version());
    let golden = Golden::open();
    let decks = [
        "lin_rc_lp",
        "lin_gmc_biquad",
        "lin_subckt_params",
        "lin_temp_res",
        "dio_dc_sweep",
        "bjt_ce",
        "l1_ota5t",
        "l1_ldo",
        "a_cs_res",
        "a_mirror_hot",
        "a_miller_ol",
        "b_miller_ol",
        "c_nmos_iv",
    ];
    for deck in decks {
        let text = golden.inline(&golden.text(&format!("circuits/{deck}/netlist.cir")));
        let circuit = Circuit::parse(&text, &Default::default()).unwrap();
        let (native, other) = (circuit.simulate().unwrap(), ngspice.simulate(&circuit).unwrap());
        for (stem, table) in &native.tables {
            let Some(reference) = other.table(stem) else { panic!("{deck}: ngspice gave no {stem}") };
            let missing: Vec<&String> =
                table.columns.iter().filter(|c| reference.column_index(c).is_none()).collect();
            assert!(
                missing.is_empty(),
                "{deck} {stem}: ngspice has no {missing:?}, but {:?}",
                reference.columns
            );
            let e = deviation(stem, table, reference);
            println!("{deck} {stem}: {e:.1e}");
            assert!(e < 2e-3, "{deck} {stem}: {e:e}");
        }
    }
}

#[test]
fn a_parameter_reaches_both_engines() {
    let Ok(ngspice) = Ngspice::find() else { return };
    let deck = "divider\n.param r=1k twice={2*r}\nv1 in 0 10\nr1 in out {r}\nr2 out 0 {twice}\nr3 out 0 6k\n.op\n.meas op vout find v(out) at=0\n.end\n";
    let circuit = Circuit::parse(deck, &Default::default()).unwrap().with_param("r", 3e3);
    for results in [circuit.simulate().unwrap(), ngspice.simulate(&circuit).unwrap()] {
        assert!((results.table("op").unwrap().last("v(out)").unwrap() - 5.0).abs() < 1e-9);
        assert!((results.measures[0].value.clone().unwrap() - 5.0).abs() < 1e-9);
    }
}

#[test]
fn an_endless_simulation_is_killed() {
    let Ok(ngspice) = Ngspice::find() else { return };
    let deck = "endless\nv1 in 0 sin(0 1 1g)\nr1 in out 1k\nc1 out 0 1p\n.tran 1p 1 0 1p\n.end\n";
    let circuit = Circuit::parse(deck, &Default::default()).unwrap();
    let error = ngspice.with_time_limit(Duration::from_millis(300)).simulate(&circuit).unwrap_err();
    assert!(matches!(error, CircuitError::Limit { .. }), "{error}");
}

#[test]
fn a_missing_program_says_how_to_get_it() {
    let error = Ngspice::at("/nonexistent/ngspice").unwrap_err();
    assert!(error.to_string().contains("apt-get install ngspice"), "{error}");
}
