//! Control blocks: what they compute, print and leave out.

use hwgym_circuit::{Circuit, ParseOptions, Results};

fn run(body: &str) -> Results {
    let deck = format!("title\n{body}\n.end\n");
    Circuit::parse(&deck, &ParseOptions::default()).and_then(|c| c.simulate()).unwrap()
}

#[test]
fn a_loop_alters_runs_and_collects() {
    let results = run("v1 a 0 1\nr1 a b 1k\nr2 b 0 1k\n.control\nlet n = 3\nlet all_v = unitvec(n)\nlet k = 0\n\
                       foreach ohms 1k 2k 3k\nalter r2 = $ohms\nop\nlet all_v[k] = op{$#plots}.v(b)\nlet k = k + 1\nend\n\
                       print all_v[0] all_v[2] vecmax(all_v)\nplot all_v\n.endc"
        .replace("op{$#plots}.v(b)", "v(b)")
        .as_str());
    assert_eq!(
        results.output,
        ["all_v[0] = 5.000000e-01", "all_v[2] = 7.500000e-01", "vecmax(all_v) = 7.500000e-01"]
    );
    let names: Vec<&str> = results.tables.iter().map(|t| t.0.as_str()).collect();
    assert_eq!(names, ["op", "op2", "op3"]);
    assert!(
        results.warnings.iter().any(|w| w.contains("skipped") && w.contains("`plot`")),
        "{:?}",
        results.warnings
    );
}

#[test]
fn cards_run_and_are_measured() {
    let results = run(
        "v1 a 0 dc 0 ac 1 pulse(0 1 1n 1n 1n 50n 100n)\nr1 a b 1k\nc1 b 0 1p\n.tran 0.1n 40n\n.control\nrun\n\
                       meas tran delay trig v(a) val=0.5 rise=1 targ v(b) val=0.5 rise=1\nlet twice = 2*v(b)\n\
                       meas tran top max twice\nif top > 1.9 & delay < 1n\necho good $&top\nelse\necho bad\nend\n\
                       ac dec 10 1meg 1g\nlet gain = db(v(b))\nmeas ac f3 when gain=-3\n.endc",
    );
    let value =
        |name: &str| *results.measures.iter().find(|m| m.name == name).unwrap().value.as_ref().unwrap();
    // A ramp as long as the time constant: 0.5 + ln(2 (1 - 1/e)) time constants behind the middle of the ramp.
    assert!((value("delay") / 0.734e-9 - 1.0).abs() < 0.01);
    assert!((value("f3") / 159e6 - 1.0).abs() < 0.05);
    assert!(results.output.iter().any(|l| l.starts_with("good")), "{:?}", results.output);
    // A vector as long as its plot joins the table.
    assert!(results.table("tran").unwrap().column_index("twice").is_some());
}

#[test]
fn parameters_options_functions_and_conditions() {
    let results = run(
        ".param r=1k\n.csparam rr={r}\nv1 a 0 2\nr1 a b {r}\nd1 b 0 dm\n.model dm d is=1e-14\n.control\n\
                       define ohms(v,i) v/i\nop\nprint ohms(v(a,b),-i(v1))\nalterparam r = 2k\nreset\nop\n\
                       print ohms(v(a,b),-i(v1)) rr\naltermod dm is = 1e-12\noption temp=50\nop\nset list = ( x y z )\n\
                       echo $list[2] $#list $?list $?none \"$curplot\"\nlet k = 5\ndowhile k > 2\nlet k = k - 1\nif k eq 3\nbreak\n\
                       end\nend\nlet good = @d1[id]/-i(v1) gt 0.999\nprint k good\nquit\nprint nothing\n.endc",
    );
    assert_eq!(
        results.output,
        [
            "ohms(v(a,b),-i(v1)) = 1.000000e+03",
            "ohms(v(a,b),-i(v1)) = 2.000000e+03",
            "rr = 2.000000e+03",
            "y 3 1 0 op3",
            "k = 3.000000e+00",
            "good = 1.000000e+00"
        ]
    );
}

#[test]
fn expressions_are_complex_and_indexed() {
    let results = run(
        "v1 a 0 dc 1 ac 1\nr1 a b 1k\nc1 b 0 1n\n.control\nac lin 3 100k 300k\nprint mag(v(b))[1] ph(v(b))[0]\n\
                       compose x values 1 2 3 4 5 6\nreshape x [2][3]\nprint x[1][2] length(x[0]) mean(x)\n\
                       print sqrt(-4) (1,2)*(3,-1) 7 % 4 2^10\nlet y = x[1,1]\nprint length(y)\n.endc",
    );
    let w = 2.0 * std::f64::consts::PI * 2e5 * 1e-6;
    let shown: f64 = results.output[0].strip_prefix("mag(v(b))[1] = ").unwrap().parse().unwrap();
    assert!((shown * (1.0f64 + w * w).sqrt() - 1.0).abs() < 1e-5);
    assert_eq!(
        results.output[2..5],
        ["x[1][2] = 6.000000e+00", "length(x[0]) = 3.000000e+00", "mean(x) = 3.500000e+00"]
    );
    assert_eq!(results.output[5], "sqrt(-4) = 0.000000e+00,2.000000e+00");
}

#[test]
fn a_block_without_analyses_leaves_the_cards() {
    let results = run("v1 a 0 1\nr1 a 0 1\n.op\n.control\nset filetype=ascii\n.endc");
    assert!(results.table("op").is_some());
    assert!(results.warnings.iter().any(|w| w.contains("runs no analysis")));
}

#[test]
fn a_loop_without_end_is_stopped() {
    let deck = "t\nv1 a 0 1\nr1 a 0 1\n.control\nop\nwhile 1\nlet x = 1\nend\n.endc\n";
    let error = Circuit::parse(deck, &ParseOptions::default()).and_then(|c| c.simulate()).unwrap_err();
    assert!(error.to_string().contains("more than"), "{error}");
}

#[test]
fn quantities_of_an_earlier_plot_and_a_run_of_nothing() {
    let results = run(
        "v1 a 0 1\nr1 a b 1k\nr2 b 0 1k\n.control\nrun\ndc v1 0 2 1\nset first = $curplot\ndc v1 0 4 2\n\
                       let i1 = {$first}.@r1[i]\nlet i2 = @r1[i]\nprint i1[2] i2[2]\n.endc",
    );
    assert_eq!(results.output, ["i1[2] = 1.000000e-03", "i2[2] = 2.000000e-03"]);
    assert!(results.warnings.iter().any(|w| w.contains("`run` runs nothing")), "{:?}", results.warnings);
}
