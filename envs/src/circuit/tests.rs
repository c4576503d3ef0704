//! The circuit environments: start designs work, conditions and engines agree, conformance.

use super::entries;
use crate::wrappers::TargetWalk;
use crate::{Design, Env, Episode, Fidelity, Options, Outcome, Random};
use std::sync::Arc;

fn make(id: &str, options: &str) -> Arc<dyn Env> {
    entries().iter().find(|e| e.id == id).unwrap().make(&Options::ron(options)).unwrap()
}

/// The design with these numbers.
fn design(env: &dyn Env, numbers: &[f64]) -> Design {
    let values =
        env.space().parameters().iter().zip(numbers).map(|(p, v)| (p.name.clone(), crate::Value::number(*v)));
    env.space().design(values).unwrap()
}

const TWO_STAGE: [f64; 12] = [20.0, 20.0, 20.0, 120.0, 60.0, 10.0, 0.5, 0.5, 0.5, 15.0, 1.5, 1.5];

#[test]
fn a_fair_share_of_random_designs_is_feasible() {
    for entry in entries() {
        let env = entry.make(&Options::none()).unwrap();
        let mut random = Random::new(3);
        let mut feasible = 0;
        let mut reasons = Vec::new();
        for _ in 0..40 {
            let design = env.space().sample(&mut random);
            match env.evaluate(&design, Fidelity::FULL) {
                Outcome::Feasible { .. } => feasible += 1,
                Outcome::Infeasible { constraint, .. } => reasons.push(constraint),
                other => panic!("{}: {other:?}", entry.id),
            }
        }
        println!("{} {feasible} of 40", entry.id);
        assert!(feasible > 0, "{}: {reasons:?}", entry.id);
    }
}

#[test]
fn conformance_holds() {
    for entry in entries() {
        let env = entry.make(&Options::none()).unwrap();
        let report = crate::conformance::check_env(&*env, 1);
        assert!(report.passed(), "{}\n{report}", entry.id);
    }
}

#[test]
fn the_two_stage_amplifier_equals_the_reference() {
    // A sizing of the reference data (ngspice 39.3, same decks, 20 points per decade).
    let env = make("opamp-two-stage-v0", "(points_per_decade: 20)");
    let sizes = [4.3, 18.05, 8.0, 14.6, 86.45, 6.8, 0.49, 0.67, 0.42, 32.1, 0.76, 0.45];
    let outcome = env.evaluate(&design(&*env, &sizes), Fidelity::FULL);
    let metrics = outcome.metrics().unwrap();
    for (name, expected, tolerance) in [
        ("gain_db", 51.302_791_74, 1e-4),
        ("unity_gain_bandwidth_hz", 51_541_226.99, 1e-3),
        ("phase_margin_deg", 27.590_564_63, 1e-3),
        ("power_w", 0.000_903_675_376_4, 1e-5),
        ("input_noise_1khz_v_per_rthz", 1.447_251_815e-7, 1e-4),
        ("input_noise_1mhz_v_per_rthz", 1.459_581_314e-8, 1e-4),
        ("slew_rate_v_per_s", 21_267_474.24, 1e-3),
    ] {
        let index = env.metrics().iter().position(|m| m.name == name).unwrap();
        assert!((metrics[index] / expected - 1.0).abs() < tolerance, "{name}: {} {expected}", metrics[index]);
    }
}

#[test]
fn the_worst_case_is_no_better_than_any_corner() {
    let all =
        make("opamp-two-stage-v0", "(transient: false, corners: [tt, ss, ff], temperatures_c: [-40, 125])");
    let worst = all.evaluate(&design(&*all, &TWO_STAGE), Fidelity::FULL);
    let worst = worst.metrics().unwrap();
    for corner in ["tt", "ss", "ff"] {
        let one = make(
            "opamp-two-stage-v0",
            &format!("(transient: false, corners: [{corner}], temperatures_c: [125])"),
        );
        let metrics = one.evaluate(&design(&*one, &TWO_STAGE), Fidelity::FULL);
        for ((metric, worst), value) in one.metrics().iter().zip(worst).zip(metrics.metrics().unwrap()) {
            let (a, b) = match metric.direction {
                crate::Direction::Minimise => (*worst, *value),
                crate::Direction::Maximise => (*value, *worst),
            };
            // Repeated evaluations from other start values agree to Newton's tolerance.
            assert!(a >= b - 1e-5 * b.abs(), "{} {corner}: worst {worst}, here {value}", metric.name);
        }
    }
}

#[test]
fn mismatch_has_a_seed_and_makes_offset() {
    let run = |options: &str| {
        let env = make("opamp-two-stage-v0", options);
        let offset = env.metrics().iter().position(|m| m.name == "offset_v").unwrap();
        env.evaluate(&design(&*env, &TWO_STAGE), Fidelity::FULL).metrics().unwrap()[offset]
    };
    let seed = |seed: u64| run(&format!("(transient: false, mismatch: (samples: 8, seed: {seed}))"));
    assert_eq!(seed(1), seed(1));
    assert_ne!(seed(1), seed(2));
    assert!(seed(1) > run("(transient: false)"));
}

#[test]
fn both_engines_agree_where_ngspice_is_installed() {
    if super::ngspice::version().is_none() {
        return;
    }
    for (id, numbers) in [
        ("opamp-two-stage-v0", &TWO_STAGE[..]),
        ("ota-5t-v0", &[20.0, 20.0, 10.0, 0.5, 0.5, 0.5, 20.0, 2.0][..]),
    ] {
        let native = make(id, "(corners: [ss], temperatures_c: [60])");
        let reference = make(id, "(corners: [ss], temperatures_c: [60], engine: ngspice)");
        let a = native.evaluate(&design(&*native, numbers), Fidelity::FULL);
        let b = reference.evaluate(&design(&*reference, numbers), Fidelity::FULL);
        let (a, b) = (a.metrics().unwrap().to_vec(), b.metrics().expect("ngspice").to_vec());
        for ((metric, a), b) in native.metrics().iter().zip(&a).zip(&b) {
            assert!((a - b).abs() < 2e-3 * b.abs() + 1e-9, "{id} {}: {a} {b}", metric.name);
        }
    }
}

#[test]
fn both_engines_measure_the_same_of_random_designs() {
    if super::ngspice::version().is_none() {
        return;
    }
    for id in
        ["bandgap-v0", "comparator-strongarm-v0", "ldo-v0", "opamp-autockt-v0", "opamp-folded-cascode-v0"]
    {
        let (native, reference) = (make(id, "()"), make(id, "(engine: ngspice)"));
        let mut random = Random::new(11);
        let designs = (0..60).map(|_| native.space().sample(&mut random));
        let feasible = designs.map(|d| (native.evaluate(&d, Fidelity::FULL), d));
        let mut compared = 0;
        for (outcome, design) in feasible.filter(|(outcome, _)| outcome.metrics().is_some()).take(2) {
            let other = reference.evaluate(&design, Fidelity::FULL);
            let (a, b) = (outcome.metrics().unwrap(), other.metrics().expect("ngspice"));
            for ((metric, a), b) in native.metrics().iter().zip(a).zip(b) {
                // Settling is read off at a time point: two of them either way.
                let floor = if metric.name == "settling_time_s" { 4e-8 } else { 1e-9 };
                assert!(
                    (a - b).abs() < 2e-3 * b.abs() + floor,
                    "{id} {}: {a} {b} of {design:?}",
                    metric.name
                );
            }
            compared += 1;
        }
        assert!(compared > 0, "{id}: no design is feasible");
    }
}

#[test]
fn random_targets_have_a_seed() {
    let objectives = |options: &str| format!("{:?}", make("opamp-autockt-v0", options).objectives()[0]);
    assert_eq!(objectives("(target_seed: 4)"), objectives("(target_seed: 4)"));
    assert_ne!(objectives("(target_seed: 4)"), objectives("(target_seed: 5)"));
}

#[test]
fn autockt_is_walked_as_in_the_paper() {
    let mut walk = TargetWalk::new(make("opamp-autockt-v0", "()")).unwrap();
    let names: Vec<&str> = walk.rules().specifications.iter().map(|s| s.metric.as_str()).collect();
    assert_eq!(names, ["gain", "ibias_a", "phm_deg", "ugbw_hz"]);
    assert_eq!(walk.rules().horizon, 30);
    let first = walk.reset(1);
    assert_eq!(first[8..], [33.0, 33.0, 33.0, 33.0, 33.0, 14.0, 20.0]);
    // Normalised by 350, 1 mA, 60 degrees and 0.95 MHz.
    let env = make("opamp-autockt-v0", "()");
    let outcome = env.evaluate(&walk.design(), Fidelity::FULL);
    let values = outcome.metrics().unwrap();
    let lookup = |value: f64, reference: f64| (value - reference) / (value.abs() + reference);
    for (seen, expected) in first.iter().zip([
        lookup(values[0], 350.0),
        lookup(values[3], 1e-3),
        lookup(values[2], 60.0),
        lookup(values[1], 9.5e5),
        lookup(walk.targets()[0], 350.0),
    ]) {
        assert!((seen - expected).abs() < 1e-6, "{seen} {expected}");
    }
    let mut random = Random::new(2);
    for seed in 0..6 {
        let mut observation = walk.reset(seed);
        let [gain, ibias, margin, bandwidth] = walk.targets() else { panic!() };
        assert!((200.0..=400.0).contains(gain) && gain.fract() == 0.0, "{gain}");
        assert!((1e-4..=1e-2).contains(ibias) && (60.0..=60.001).contains(margin));
        assert!((1e6..=2.5e7).contains(bandwidth));
        for taken in 1.. {
            assert!(observation.iter().zip(walk.observation_bounds()).all(|(v, (a, b))| (a..=b).contains(v)));
            let step = walk.step(&walk.action_space().sample(&mut random));
            assert!((-4.0..-0.02).contains(&step.reward) || step.terminated && step.reward == 10.0);
            assert_eq!(step.truncated, taken == 30);
            if step.terminated || step.truncated {
                break;
            }
            observation = step.observation;
        }
    }
}

#[test]
fn autockt_with_its_quirks_measures_every_design() {
    let quirky = make("opamp-autockt-v0", "(compat: true)");
    // A sink far stronger than the second stage rails without feedback.
    let railed = design(&*quirky, &[34.0, 34.0, 10.0, 34.0, 34.0, 99.0, 2.1]);
    let outcome = quirky.evaluate(&railed, Fidelity::FULL);
    let metrics = outcome.metrics().unwrap();
    assert!(metrics[0] < 10.0, "{metrics:?}");
    let mut random = Random::new(5);
    let mut without_crossing = 0;
    for _ in 0..40 {
        let outcome = quirky.evaluate(&quirky.space().sample(&mut random), Fidelity::FULL);
        let metrics = outcome.metrics().expect("every design is measured");
        without_crossing += usize::from(metrics[1] == 1.0 && metrics[2] == -180.0);
    }
    assert!((1..40).contains(&without_crossing), "{without_crossing}");
}

#[test]
fn every_amplifier_with_targets_can_be_walked() {
    for entry in entries() {
        let env = entry.make(&Options::none()).unwrap();
        let Some(rules) = env.walk() else { continue };
        let mut walk = TargetWalk::new(env.clone()).unwrap();
        walk.reset(1);
        let stay = Design::new(vec![1.0; env.space().len()]);
        let step = walk.step(&stay);
        assert!(step.evaluated.unwrap().outcome.metrics().is_some(), "{}: the start works", entry.id);
        assert_eq!(walk.design(), rules.start);
    }
    let env =
        make("opamp-two-stage-v0", "(transient: false, walk: (steps: [-3, 0, 1], grid: 50, horizon: 9))");
    let rules = env.walk().unwrap();
    assert_eq!((rules.steps.as_slice(), rules.grid, rules.horizon), (&[-3, 0, 1][..], 50, 9));
    assert_eq!(rules.specifications.len(), 5, "no targets for what is not measured");
}

#[test]
fn wrong_options_are_refused() {
    for options in [
        "(corners: [])",
        "(corner: [tt])",
        "(temperatures_c: [1000])",
        "(points_per_decade: 0)",
        "(cards: \"nowhere.mod\")",
        "(compat: true)",
        "(length_um: 0.09)",
    ] {
        assert!(entries()[6].make(&Options::ron(options)).is_err(), "{options}");
    }
}

#[test]
fn amplifiers_have_a_level_without_the_transient_analysis() {
    let env = make("opamp-two-stage-v0", "()");
    let levels = env.fidelities();
    assert_eq!((levels.len(), levels[1].name.as_str()), (2, "without-transient"));
    let design = env.walk().unwrap().start;
    let full = env.evaluate(&design, Fidelity::FULL).metrics().unwrap().to_vec();
    let cheap = env.evaluate(&design, Fidelity(1)).metrics().unwrap().to_vec();
    let in_time = ["slew_rate_v_per_s", "settling_time_s"];
    for ((metric, full), cheap) in env.metrics().iter().zip(&full).zip(&cheap) {
        // The same analyses; the step of one pole is not limited by slewing, and settles about as soon.
        match in_time.iter().position(|name| *name == metric.name) {
            None => assert_eq!(full, cheap, "{}", metric.name),
            Some(0) => assert!(cheap > full, "{cheap} {full}"),
            Some(_) => assert!((0.5..2.0).contains(&(cheap / full)), "{cheap} {full}"),
        }
    }
    for without in ["opamp-autockt-v0", "ldo-v0"] {
        assert_eq!(make(without, "()").fidelities().len(), 1, "{without}");
    }
    assert_eq!(make("opamp-two-stage-v0", "(transient: false)").fidelities().len(), 1);
}
