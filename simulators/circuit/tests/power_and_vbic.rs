//! Power MOS and VBIC transistors against what ngspice 39 gave for the decks `power_mos`, `vbic` and `vbic_heat` of `tests/decks`.

use std::path::Path;

use hwgym_circuit::{Circuit, ParseOptions, Table};

fn run(deck: &str, stem: &str) -> Table {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/decks").join(deck);
    let circuit = Circuit::read(path.to_str().unwrap(), &ParseOptions::default()).unwrap();
    circuit.simulate().unwrap().table(stem).unwrap().clone()
}

fn check(table: &Table, row: usize, expected: &[(&str, f64)]) {
    for (name, value) in expected {
        let own = table.column(name).unwrap().nth(row).unwrap();
        assert!((own - value).abs() < 1e-4 * value.abs(), "{name} in row {row}: {own:e}, ngspice {value:e}");
    }
}

#[test]
fn power_transistors_conduct_block_and_break_down() {
    let dc = run("power_mos.cir", "dc");
    // The switch, quasi-saturation, the p-channel, the body diode of a hot transistor forward, and one just below breakdown.
    check(&dc, 10, &[("v(dn)", 0.1313027380), ("i(vq)", 6.660805596), ("v(dp)", 5.782279114)]);
    check(&dc, 40, &[("v(dn)", 0.2339554491), ("i(vq)", 10.10626171), ("v(dp)", 11.59358090)]);
    check(&dc, 10, &[("i(vn)", -9.066108074), ("i(vb)", -1.196347603e-5)]);
    let ac = run("power_mos.cir", "ac");
    check(&ac, 10, &[("v(dn).im", 7.865302162e-3), ("i(vg).im", -6.637543835e-3)]);
}

#[test]
fn vbic_saturates_leaks_and_breaks_down() {
    let dc = run("vbic.cir", "dc");
    check(&dc, 10, &[("v(k)", 2.156862347), ("i(vc)", -6.399091518e-4), ("i(vb)", -2.333185009e-6)]);
    check(&dc, 40, &[("v(k)", 2.986789278), ("i(vbp)", -7.481560666e-6), ("i(vx)", 0.1461731829)]);
    let ac = run("vbic.cir", "ac");
    check(&ac, 10, &[("v(k).re", -7.948615392), ("v(k).im", 0.9912941987), ("i(vb).im", -1.754604074e-3)]);
}

#[test]
fn vbic_heats_itself() {
    let dc = run("vbic_heat.cir", "dc");
    // Kelvin above the circuit: a transistor with its own thermal resistance, and one with a second one beside it.
    check(&dc, 10, &[("v(t)", 0.1293231478), ("v(t2)", 0.02937852362)]);
    check(&dc, 40, &[("v(t)", 8.779669590), ("v(t2)", 0.9783223149), ("i(vc)", -0.01395604390)]);
}

#[test]
fn nodes_that_a_model_lacks_are_refused_by_name() {
    for (deck, what) in [
        ("q1 c b 0 0 t qg\n.model qg npn\n", "thermal node"),
        ("m1 d g 0 nm\n.model nm nmos\n", "nmos"),
        ("m1 d g 0 0 pm\n.model pm vdmos\n", "vdmos"),
        ("m1 d g 0 tj tc pm thermal\n.model pm vdmos\n", "with heat"),
    ] {
        let deck = format!("t\n{deck}v1 d 0 1\nv2 g 0 1\nv3 c 0 1\nv4 b 0 0.5\n.op\n.end\n");
        let error = Circuit::parse(&deck, &ParseOptions::default()).and_then(|c| c.simulate()).unwrap_err();
        assert!(error.to_string().contains(what), "{error}");
    }
}
