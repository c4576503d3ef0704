//! Faulty decks: every one gives a clear error that names the place, and none panics or hangs.

use hwgym_circuit::{Circuit, CircuitError, ParseOptions, Prepared, cards};

/// The error of a deck (title line added), as text.
fn fault(body: &str) -> String {
    fault_of(&format!("title\n{body}\n"))
}

fn fault_of(deck: &str) -> String {
    match Circuit::parse(deck, &ParseOptions::default()).and_then(|c| c.simulate()) {
        Ok(_) => panic!("no error for\n{deck}"),
        Err(e) => e.to_string(),
    }
}

fn expect(body: &str, parts: &[&str]) {
    let message = fault(body);
    for part in parts {
        assert!(message.contains(part), "`{part}` is not in `{message}`");
    }
}

#[test]
fn a_floating_node_is_joined_to_ground_and_named_with_its_place() {
    let warned = |body: &str, parts: &[&str]| {
        let results = Circuit::parse(&format!("title\n{body}\n"), &ParseOptions::default())
            .and_then(|c| c.simulate())
            .unwrap();
        let all = results.warnings.join("\n");
        for part in parts {
            assert!(all.contains(part), "`{part}` is not in `{all}`");
        }
        results.table("op").unwrap().clone()
    };
    warned("v1 a 0 1\nr1 a b 1k\nc1 b c 1p\nc2 c 0 1p\n.op", &["`c`", "<netlist>:4", "ground", "1e-12 S"]);
    let mos = format!("{}\nv1 d 0 1\nm1 d g 0 0 n1 w=1u l=1u\n.op", cards::LEVEL1);
    warned(&mos, &["`g`", "ground"]);
    let table = warned("i1 0 a 1u\nc1 a 0 1p\n.op", &["`a`", "current sources"]);
    assert!((table.last("v(a)").unwrap() / 1e6 - 1.0).abs() < 1e-9);
    // A shunt from every node says how.
    let table = warned("i1 0 a 1u\nc1 a 0 1p\n.option rshunt=1meg\n.op", &[]);
    assert!((table.last("v(a)").unwrap() - 1.0).abs() < 1e-9);
}

#[test]
fn a_loop_of_voltage_sources_is_named() {
    expect("v1 a 0 1\nv2 a 0 2\nr1 a 0 1\n.op", &["`v2`", "loop", "<netlist>:3"]);
    expect("v1 a 0 1\nl1 a 0 1u\n.op", &["`l1`", "loop"]);
}

#[test]
fn unknown_names_come_with_a_suggestion() {
    expect("v1 a 0 1\nd1 a 0 dmodl\n.model dmodel d\n.op", &["model `dmodl`", "`dmodel`", "<netlist>:3"]);
    expect(
        "x1 a 0 invertr\n.subckt inverter a b\nr1 a b 1\n.ends\n.op",
        &["subcircuit `invertr`", "`inverter`"],
    );
    expect("r1 a 0 {rlod}\n.param rload=1k\n.op", &["parameter `rlod`", "`rload`"]);
    expect("r1 a 0 'sqtr(4)'\nv1 a 0 1\n.op", &["function `sqtr`", "`sqrt`"]);
    expect("v1 a 0 1\n.param p='1k*v(a)'\nr1 a 0 {p}\n.op", &["`v(...)`", "parameters only", "<netlist>:3"]);
    expect("b1 a 0 v=sqtr(v(a))\nr1 a 0 1\n.op", &["function `sqtr`", "`sqrt`", "<netlist>:2"]);
    expect("b1 a 0 v=2*i(vx)\nr1 a 0 1\n.op", &["controlling voltage source `vx`"]);
    expect("b1 a 0 q=1\nr1 a 0 1\n.op", &["`b1`", "v=formula"]);
    expect("e1 a 0 poly(2) b 0 1\nr1 a 0 1\n.op", &["`e1`", "poly(n)"]);
    expect("e1 a 0 table {v(a)} = (1,2) (0,3)\nr1 a 0 1\n.op", &["`e1`", "increasing"]);
    expect("t1 a 0 b 0 td=1n\nr1 a 0 1\nr2 b 0 1\n.op", &["t1", "z0"]);
    expect("r1 a 0 1\n.opp", &["card `.opp`"]);
    expect("r1 a 0 1\n.if (1)\n.op", &["`.if`", "<netlist>:3", ".endif"]);
    expect("r1 a 0 1\n.endif\n.op", &["`.endif` without `.if`"]);
    expect("r1 a 0 1\n.if\n.endif\n.op", &["no condition"]);
    expect("z1 a 0 1\n.op", &["element `z1`", "MESFETs"]);
    expect("v1 a 0 1\nq1 a a 0 vb\n.model vb npn level=2\n.op", &["`vb`", "level 2", "Gummel-Poon"]);
    expect("$1 a 0 1\nw9\n.op", &["w9", "Sname"]);
    expect("r1 a 0 1\n.pz 1 0 2 0 vol pz\n.op", &[".pz", "pole-zero"]);
    expect("v1 a 0 1\nr1 a 0 1\n.dc v2 0 1 0.1", &["`v2`"]);
    expect("v1 a 0 1\nr1 a 0 1\n.noise v(outt) v1 dec 1 1 10", &["`outt`"]);
    expect("f1 a 0 vx 2\nr1 a 0 1\n.op", &["controlling voltage source `vx`"]);
}

#[test]
fn sizes_must_be_positive_and_numbers_finite() {
    for size in ["w=0 l=1u", "w=-1u l=1u", "w=1u l=0"] {
        let body = format!("{}\nv1 d 0 1\nm1 d d 0 0 n1 {size}\n.op", cards::LEVEL1);
        expect(&body, &["m1", "greater than zero"]);
    }
    expect("v1 a 0 1\nr1 a 0 {0/0}\n.op", &["r1", "finite"]);
    expect("v1 a 0 {1/0}\nr1 a 0 1\n.op", &["v1", "finite"]);
    let circuit =
        Circuit::parse("t\n.param r=1\nv1 a 0 1\nr1 a 0 {r}\n.op\n", &ParseOptions::default()).unwrap();
    assert!(circuit.clone().with_param("r", f64::NAN).simulate().is_err());
    assert!(circuit.clone().with_param("rr", 1.0).simulate().unwrap_err().to_string().contains("`r`"));
    let mut prepared = Prepared::new(&circuit, &["r"]).unwrap();
    assert!(prepared.set(&[f64::INFINITY]).is_err());
    assert!(prepared.set(&[1.0, 2.0]).is_err());
    prepared.set(&[2.0]).unwrap();
    prepared.operating_point().unwrap();
}

#[test]
fn a_prepared_circuit_follows_every_parameter() {
    // One of each kind of value; setting a parameter and reading the deck with it give the same.
    let deck = "t\n.param p=2\n.model dm d is=1e-14 cjo=1p\n.model qn npn is=1e-16 bf=100\n.model qp pnp is=1e-16 bf=50\n\
                .model nm nmos level=1 vto=0.5 kp=1e-4\nv1 a 0 {p}\nr1 a b {1k*p}\nd1 b 0 dm {p}\nr2 a c {p*2k}\nq1 c b 0 qn {2*p}\n\
                i1 0 d {p*1m}\nq2 0 0 d qp {3*p}\nr3 a e 1k\nm1 e a 0 0 nm w={p*1u} l=1u m={p}\ne1 f 0 a 0 {p}\nr4 f g 1k tc1={p*1m}\n\
                r5 g 0 1k temp={20*p}\ng1 0 h a 0 {p*1m}\nr6 h 0 1k m={p}\nv2 i 0 0\nf1 0 j v2 {p}\nr7 a i 1k\nr8 j 0 1k\n\
                h1 k 0 v2 {p*100}\nd2 a l dm area={p} m={p}\nr9 l 0 1k\n.options reltol=1e-9 vntol=1e-12 abstol=1e-15\n.op\n";
    let circuit = Circuit::parse(deck, &ParseOptions::default()).unwrap();
    let mut prepared = Prepared::new(&circuit, &["p"]).unwrap();
    prepared.operating_point().unwrap();
    for p in [1.3, 3.0] {
        prepared.set(&[p]).unwrap();
        prepared.operating_point().unwrap();
        let fresh = circuit.clone().with_param("p", p).simulate().unwrap();
        let table = fresh.table("op").unwrap();
        for name in &table.columns {
            let (kept, read) = (prepared.value(prepared.probe(name).unwrap()), table.last(name).unwrap());
            assert!((kept - read).abs() < 1e-7 * read.abs() + 1e-12, "{name} at {p}: {kept} {read}");
        }
    }
}

#[test]
fn recursion_is_found() {
    expect("x1 a 0 s\n.subckt s a b\nx1 a b s\n.ends\n.op", &["`s`", "itself"]);
    expect(".param a={b} b={a}\nr1 x 0 {a}\n.op", &["itself"]);
    let folder = tempfile::tempdir().unwrap();
    let deck = folder.path().join("deck.cir");
    std::fs::write(&deck, "title\n.include deck.cir\n.op\n").unwrap();
    let error = Circuit::read(&deck, &ParseOptions::default()).unwrap_err();
    assert!(matches!(error, CircuitError::IncludeRecursion { .. }), "{error}");
}

#[test]
fn unbalanced_text_is_found() {
    expect("r1 a 0 {1+2\n.op", &["`{`", "never closed", "<netlist>:2"]);
    expect("r1 a 0 1+2}\n.op", &["`}`"]);
    expect("r1 a 0 '1+2\n.op", &["never closed"]);
    expect("r1 a 0 {(1+2}\n.op", &["`)`", "column"]);
    expect(".subckt s a b\nr1 a b 1\n.op", &[".subckt s", "never closed"]);
    expect("r1 a 0 1\n.ends\n.op", &["`.ends`"]);
    expect("+ continued", &["nothing to continue"]);
    expect("r1 a\n.op", &["r1", "Rname"]);
    expect("r1 a 0 1\nr1 a 0 2\n.op", &["r1", "already defined", "<netlist>:2"]);
    expect("r1 a 0 1\nv1 a 0 1", &["no analysis"]);
}

#[test]
fn what_is_left_over_on_a_card_is_refused() {
    expect("r1 a 0 1 2\n.op", &["`r1`", "did not expect `2`"]);
    expect("e1 a 0 b 0 2 3\nr1 a 0 1\n.op", &["`e1`", "`3`"]);
    expect("c1 a 0 1p ic=1,2\nr1 a 0 1\n.op", &["`c1`", "`ic` takes one value"]);
    expect("v1 a 0 1\nd1 a 0 dm 1 twice\n.model dm d\n.op", &["`d1`", "`twice`"]);
    expect("r1 a 0 2k7\n.op", &["`2k7` is not a number", "2.7k"]);
    expect("r1 a 0 inf\n.op", &["`inf` is not a number"]);
    expect("v1 a 0 trnoise(1 2 3)\nr1 a 0 1\n.op", &["`v1`", "trnoise"]);
}

#[test]
fn a_script_that_asks_for_what_is_missing_says_what() {
    let script = |lines: &str| format!("v1 a 0 1\nr1 a 0 1\n.control\nop\n{lines}\n.endc");
    expect(&script("sens v(a)"), &["`sens`", "sensitivity analysis", "<netlist>:6"]);
    expect(&script("prnt v(a)"), &["`prnt`", "`print`"]);
    expect(&script("let x = v(b)"), &["`v(b)`"]);
    expect(&script("while 1\nlet x = 1"), &["`while`", "never closed"]);
    expect(&script("end"), &["`end` without"]);
    expect(&script("print sqtr(2)"), &["`sqtr`", "`sqrt`"]);
    expect(&script("alter r2 = 3"), &["`r2`", "`r1`"]);
}

#[test]
fn files_that_are_no_decks_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let binary = folder.path().join("binary.cir");
    std::fs::write(&binary, b"title\n\x00\x01\x02").unwrap();
    assert!(matches!(
        Circuit::read(&binary, &ParseOptions::default()).unwrap_err(),
        CircuitError::Binary { .. }
    ));
    assert!(matches!(
        Circuit::read(folder.path(), &ParseOptions::default()).unwrap_err(),
        CircuitError::Read { .. }
    ));
    assert!(
        Circuit::read(folder.path().join("none.cir"), &ParseOptions::default())
            .unwrap_err()
            .to_string()
            .contains("none.cir")
    );
}

#[test]
fn includes_stay_in_the_allowed_folders() {
    let outer = tempfile::tempdir().unwrap();
    let inner = outer.path().join("inner");
    std::fs::create_dir(&inner).unwrap();
    std::fs::write(outer.path().join("r.mod"), "r1 a 0 1k\n").unwrap();
    let deck = inner.join("deck.cir");
    std::fs::write(&deck, "title\nv1 a 0 1\n.include ../r.mod\n.op\n").unwrap();
    let error = Circuit::read(&deck, &ParseOptions::default()).unwrap_err();
    assert!(matches!(error, CircuitError::IncludeEscapes { .. }), "{error}");
    let allowed = ParseOptions::default().allow_folder(outer.path());
    assert!(Circuit::read(&deck, &allowed).and_then(|c| c.simulate()).is_ok());
    // A deck given as text may include nothing at all unless a folder is named.
    assert!(Circuit::parse("t\n.include /etc/hostname\n", &ParseOptions::default()).is_err());
}

#[test]
fn impossible_ranges_are_refused() {
    let rc = "v1 a 0 dc 1 ac 1\nr1 a b 1k\nc1 b 0 1n\n";
    for card in [
        ".ac dec 0 1 10",
        ".ac dec 10 0 10",
        ".ac dec 10 10 1",
        ".tran 0 1u",
        ".tran 1n 0",
        ".dc v1 0 1 0",
        ".dc v1 0 1 -0.1",
        ".dc v1 0 1e9 1e-9",
    ] {
        let message = fault(&format!("{rc}{card}"));
        assert!(!message.is_empty());
    }
    // A step far too small for the range runs into the limit on points instead of running for ever.
    let mut circuit = format!("title\n{rc}.options reltol=1e-3\n.tran 1f 1 0 1f\n");
    circuit.push_str(".end\n");
    let mut prepared =
        Prepared::new(&Circuit::parse(&circuit, &ParseOptions::default()).unwrap(), &[]).unwrap();
    prepared.limit(1000, 10.0);
    let spec =
        hwgym_circuit::TranSpec { step: 1e-15, stop: 1.0, start: 0.0, max_step: Some(1e-15), uic: false };
    let error = prepared.transient(spec, &[], &mut Vec::new()).unwrap_err();
    assert!(matches!(error, CircuitError::Limit { .. }), "{error}");
}
