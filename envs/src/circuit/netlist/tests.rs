//! Decks as environments: conditions, bounds, Monte Carlo, wrong names, the documented example.

use super::*;

const DECK: &str = "* divider\n.param r=1k dv=0\nv1 in 0 dc {1+dv}\nr1 in out {r}\nr2 out 0 1k tc1=1e-3\n.op\n.measure op v find v(out) at=0\n.end\n";

fn make(more: &str) -> Result<Netlist, EnvError> {
    let text = format!(
        "(text: {DECK:?}, parameters: [(name: \"r\", domain: Real(low: 100.0, high: 1e4, scale: Log))], \
         metrics: [(name: \"v\", unit: \"V\", direction: Maximise)], {more})"
    );
    Netlist::new(&Options::ron(text))
}

fn evaluate(env: &Netlist, r: f64) -> Outcome {
    let design = env.space().design([("r", r.into())]).unwrap();
    env.evaluate(&design, Fidelity::FULL)
}

#[test]
fn a_deck_is_an_environment() {
    let env = make("").unwrap();
    let outcome = evaluate(&env, 3e3);
    assert!((outcome.metrics().unwrap()[0] - 0.25).abs() < 1e-9, "{outcome:?}");
}

#[test]
fn metrics_are_the_worst_over_conditions() {
    let env = make(
        "conditions: [(name: \"low\", parameters: [(\"dv\", -0.5)]), (name: \"cold\", temperature_c: -73.0)]",
    );
    let outcome = evaluate(&env.unwrap(), 1e3);
    assert!((outcome.metrics().unwrap()[0] - 0.25).abs() < 1e-9, "{outcome:?}");
}

#[test]
fn requirements_make_designs_infeasible_with_a_reason() {
    let env = make("require: [(measure: \"v\", at_least: 0.5)]").unwrap();
    match evaluate(&env, 3e3) {
        Outcome::Infeasible { constraint, amount, .. } => {
            assert!(constraint.contains("v >= 0.5") && (amount - 0.5).abs() < 1e-9, "{constraint} {amount}");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn monte_carlo_has_a_seed() {
    let with = |seed: u64| {
        let env =
            make(&format!("monte_carlo: (samples: 5, seed: {seed}, sigmas: [(\"dv\", 0.05)])")).unwrap();
        evaluate(&env, 1e3)
    };
    assert_eq!(with(1), with(1));
    assert_ne!(with(1), with(2));
}

#[test]
fn the_documented_example_runs() {
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/netlist/options.ron");
    let text = std::fs::read_to_string(&file).unwrap();
    let env = Netlist::new(&Options::slice_of(&text, &text, &file)).unwrap();
    assert_eq!(env.objectives()[0].name, "specs");
    assert_eq!(env.space().groups().len(), 2);
    let values = [("w", 10e-6.into()), ("l", 0.5e-6.into()), ("rl", 8e3.into())];
    let outcome = env.evaluate(&env.space().design(values).unwrap(), Fidelity::FULL);
    let metrics = outcome.metrics().unwrap();
    assert!(metrics[0] > 10.0 && metrics[1] > 1e8 && metrics[2] < 1e-3, "{outcome:?}");
    let wide = [("w", 100e-6.into()), ("l", 0.5e-6.into()), ("rl", 1e5.into())];
    let outcome = env.evaluate(&env.space().design(wide).unwrap(), Fidelity::FULL);
    assert!(matches!(outcome, Outcome::Infeasible { .. }), "{outcome:?}");
}

#[test]
fn wrong_names_are_refused_with_a_hint() {
    let error = make("require: [(measure: \"vv\", at_least: 0.5)]").err().unwrap().to_string();
    assert!(error.contains("no .measure `vv`"), "{error}");
    let error = make("conditions: [(parameters: [(\"dw\", 1.0)])]").err().unwrap().to_string();
    assert!(error.contains("parameter `dw`; did you mean `dv`"), "{error}");
    assert!(make("paramters: []").is_err());
}

#[test]
fn both_engines_agree_where_ngspice_is_installed() {
    if Ngspice::find().is_err() {
        return;
    }
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/netlist/options.ron");
    let text = std::fs::read_to_string(&file).unwrap();
    let other = text.replacen("deck:", "engine: ngspice,\n    deck:", 1);
    let native = Netlist::new(&Options::slice_of(&text, &text, &file)).unwrap();
    let options = Options::slice_of(&text, &text, &file).with_text(other);
    let reference = Netlist::new(&options).unwrap();
    let values = [("w", 10e-6.into()), ("l", 0.5e-6.into()), ("rl", 8e3.into())];
    let design = native.space().design(values).unwrap();
    let (a, b) = (native.evaluate(&design, Fidelity::FULL), reference.evaluate(&design, Fidelity::FULL));
    for (a, b) in a.metrics().unwrap().iter().zip(b.metrics().expect("ngspice")) {
        assert!((a - b).abs() < 1e-4 * b.abs(), "{a} {b}");
    }
}
