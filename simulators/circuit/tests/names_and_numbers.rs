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
fn start_values_of_a_subcircuit_are_those_of_its_instances() {
    let deck = "t\n.subckt cell n params: x0=0.1\ncx n 0 1n\n.ic v(n)={x0}\n.ends\nx1 a cell x0=0.3\nra a 0 1k\n\
                x2 b cell\nrb b 0 1k\n.tran 10n 5u\n";
    let results = Circuit::parse(deck, &ParseOptions::default()).and_then(|c| c.simulate()).unwrap();
    let tran = results.table("tran").unwrap();
    let first = |name: &str| tran.column(name).unwrap().next().unwrap();
    assert!((first("v(a)") - 0.3).abs() < 1e-6 && (first("v(b)") - 0.1).abs() < 1e-6);
}

#[test]
fn analyses_inside_subcircuits_and_long_expressions_are_refused_shortly() {
    let fault = |body: &str| {
        let circuit = Circuit::parse(&format!("t\n{body}\n"), &ParseOptions::default());
        circuit.and_then(|c| c.netlist()).err().unwrap().to_string()
    };
    assert!(
        fault(".subckt c n\nc1 n 0 1n\n.tran 1n 1u\n.ends\nx1 a c\nr1 a 0 1k")
            .contains("`.tran` inside subcircuit `c`")
    );
    assert!(fault(&format!("r1 a 0 {{{}}}", "1+".repeat(50_000))).len() < 500);
}

#[test]
fn conditions_choose_cards() {
    let deck = |fast: f64| {
        let text = format!(
            "i1 0 a 1\n.param fast={fast}\n.if (fast > 1)\nr1 a 0 1\n.elseif (fast == 1)\n.param r=2\nr1 a 0 {{r}}\n\
             .else\n.model rm r r=3\nr1 a 0 rm\n.endif"
        );
        voltage(&text)
    };
    assert_eq!([2.0, 1.0, 0.0].map(|f| deck(f).round()), [1.0, 2.0, 3.0]);
    // In a subcircuit, by its own parameters; a parameter that a condition needs may change.
    let inner =
        "i1 0 a 1\n.subckt s p n big=0\n.if (big)\nr1 p n 8\n.else\nr1 p n 1\n.endif\n.ends\nx1 a 0 s big=1";
    assert!((voltage(inner) - 8.0).abs() < 1e-6);
    let text = "t\n.param k=0\ni1 0 a 1\n.if (k)\nr1 a 0 8\n.else\nr1 a 0 1\n.endif\n.op\n";
    let circuit = Circuit::parse(text, &ParseOptions::default()).unwrap();
    let mut prepared = Prepared::new(&circuit, &["k"]).unwrap();
    prepared.set(&[1.0]).unwrap();
    prepared.operating_point().unwrap();
    let probe = prepared.probe("v(a)").unwrap();
    assert!((prepared.value(probe) - 8.0).abs() < 1e-6);
}

#[test]
fn comments_need_no_blank_and_files_may_end_with_ctrl_z() {
    assert!((voltage("i1 0 a 2 $comment\nr1 a 0 3 //another\n\u{1a}") - 6.0).abs() < 1e-6);
}

#[test]
fn sources_follow_formulas() {
    let b = "b1 0 a i = 2*v(b) + (v(b) > 1 ? 1 : 0)\nv1 b 0 3\nr1 a 0 1";
    assert!((voltage(b) - 7.0).abs() < 1e-6);
    let poly = "e1 a 0 poly(2) b 0 c 0 1 2 3 4 5 6\nv1 b 0 2\nv2 c 0 3\nr1 a 0 1";
    assert!((voltage(poly) - (1.0 + 4.0 + 9.0 + 16.0 + 30.0 + 54.0)).abs() < 1e-6);
    let table = "e1 a 0 table {v(b)} = (0,0) (1,10) (2,10)\nv1 b 0 0.5\nr1 a 0 1";
    assert!((voltage(table) - 5.0).abs() < 1e-6);
    let inner = ".subckt s o i k=2\n.func f(x) {x*x}\ne1 o 0 value={k*f(v(i))}\n.ends\nx1 a b s k=3\nv1 b 0 2\nr1 a 0 1";
    assert!((voltage(inner) - 12.0).abs() < 1e-6);
    let current = "f1 0 a poly(1) v1 0 1 1\nv1 b 0 2\nr2 b 0 1\nr1 a 0 1";
    assert!((voltage(current) - (-2.0 + 4.0)).abs() < 1e-6);
    // A resistor by formula: 1 A through 1 + v(a) ohm... solves v = 1 + v^2 / 10 at the lower root.
    let resistor = "i1 0 a 1\nr1 a 0 r={1 + v(a)*v(a)/10}";
    assert!((voltage(resistor) - 1.127_016_653_8).abs() < 1e-5);
}

#[test]
fn cards_give_sizes_and_resistors_flicker() {
    let mos = "i1 0 a 1u\nm1 a a 0 0 nm\n.model nm nmos level=1 vto=0.5 kp=100u w=20u l=2u";
    assert!((voltage(mos) - (0.5 + (2e-6f64 / 1e-3).sqrt())).abs() < 2e-3);
    let text = "t\ni1 a 0 dc 1m ac 1\nr1 a 0 1k rm l=1u w=10u\n.model rm r kf=1e-16 af=1.1\n.noise v(a) i1 dec 1 1 10\n";
    let results = Circuit::parse(text, &ParseOptions::default()).and_then(|c| c.simulate()).unwrap();
    let spectrum = results.table("noise").unwrap().column("onoise_spectrum").unwrap().next().unwrap();
    let expected = 1e-16 * 1e-3f64.powf(1.1) / 1e-11 * 1e6 + 4.0 * 1.380_648_52e-23 * 300.15 * 1e3;
    assert!((spectrum * spectrum / expected - 1.0).abs() < 1e-6);
}
