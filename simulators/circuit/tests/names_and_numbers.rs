//! Scope of names, counts and numbers.

use hwgym_circuit::{Circuit, ParseOptions, Prepared};

/// `v(a)` at the operating point.
fn voltage(body: &str) -> f64 {
    let circuit = Circuit::parse(&format!("title\n{body}\n.op\n"), &ParseOptions::default()).unwrap();
    let mut prepared = Prepared::new(&circuit, &[]).unwrap();
    let probe = prepared.probe("v(a)").unwrap();
    prepared.operating_point().unwrap();
    prepared.value(probe)
}

#[test]
fn an_ampere_is_a_unit() {
    assert!((voltage("i1 0 a 2A\nr1 a 0 1") - 2.0).abs() < 1e-6);
}

#[test]
fn parameters_of_the_same_instance_come_before_outer_ones() {
    let deck = "i1 0 a 1\n.param w=7 nf=3\n.subckt rr p n w=1 nf=1 k=1\nr1 p n {k}\n.ends\nx1 a 0 rr k='w*nf' w=2 nf=4";
    assert!((voltage(deck) - 8.0).abs() < 1e-6);
}

#[test]
fn a_declared_m_is_applied_once() {
    let deck = "i1 0 a 1\n.subckt rr p n m=1\nr1 p n 8 m='m'\n.ends\nx1 a 0 rr m=2";
    assert!((voltage(deck) - 4.0).abs() < 1e-6);
}

#[test]
fn a_byte_order_mark_is_read_over() {
    assert_eq!(
        Circuit::parse("\u{feff}name\nr1 a 0 1\nv1 a 0 1\n.op\n", &ParseOptions::default())
            .unwrap()
            .netlist()
            .unwrap()
            .title,
        "name"
    );
}

#[test]
fn cards_inside_subcircuits_and_long_expressions_are_refused_shortly() {
    let fault = |body: &str| {
        let circuit = Circuit::parse(&format!("t\n{body}\n"), &ParseOptions::default());
        circuit.and_then(|c| c.netlist()).err().unwrap().to_string()
    };
    assert!(
        fault(".subckt c n\nc1 n 0 1n\n.ic v(n)=1\n.ends\nx1 a c\nr1 a 0 1k")
            .contains("`.ic` inside subcircuit `c`")
    );
    assert!(fault(&format!("r1 a 0 {{{}}}", "1+".repeat(50_000))).len() < 500);
}
