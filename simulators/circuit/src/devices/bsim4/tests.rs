//! BSIM4 against ngspice 39 (values computed with it on our own cards) and against its own differences.

use crate::cards::{BSIM4_BASE, BSIM4_FULL, BSIM4_V48};
use crate::devices::test_support::{check_derivatives, check_operating_points, golden_circuits, list, model};
use crate::devices::{Device, Model, ModelCard, Pass, Stamp, Surroundings, apply_model_checks};

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
            for row in reader.records() {
                let row = row.unwrap();
                let at = |name: &str| column(name).map_or(0.0, |c| row[c].trim().parse::<f64>().unwrap());
                let v = [at("v(d)"), at("v(g)"), 0.0, at("v(b)")];
                let mut stamp = Stamp::default();
                device.evaluate(&v, Pass::Free, false, &mut stamp);
                let golden = -at("i(vd)");
                let error = (stamp.i[0] - golden).abs();
                assert!(error < 1e-10 * golden.abs() + 1e-16, "{circuit}: {:e}, {golden:e}", stamp.i[0]);
            }
        }
    }
}

#[test]
fn operating_points_equal_the_reference() {
    for (devices, rows) in [
        (
            include_str!("../../../tests/golden/operating_points/a_miller_ol.devices"),
            include_str!("../../../tests/golden/operating_points/a_miller_ol.csv"),
        ),
        (
            include_str!("../../../tests/golden/operating_points/a_cv_ac.devices"),
            include_str!("../../../tests/golden/operating_points/a_cv_ac.csv"),
        ),
        (
            include_str!("../../../tests/golden/operating_points/b_miller_ol.devices"),
            include_str!("../../../tests/golden/operating_points/b_miller_ol.csv"),
        ),
        (
            include_str!("../../../tests/golden/operating_points/c_nmos_iv.devices"),
            include_str!("../../../tests/golden/operating_points/c_nmos_iv.csv"),
        ),
    ] {
        check_operating_points(devices, rows, 1e-8);
    }
}

const BIASES: [[f64; 4]; 6] = [
    [1.8, 0.9, 0.0, 0.0],
    [0.1, 1.5, 0.0, -0.4],
    [1.0, 0.2, 0.0, 0.0],
    [-0.8, 0.6, 0.0, -1.0],
    [1.5, -0.6, 0.0, 0.0],
    [0.05, 0.45, 0.0, 0.3],
];

#[test]
fn derivatives_are_partials_in_4_8() {
    for polarity in [1.0, -1.0] {
        let name = if polarity > 0.0 { "n4c" } else { "p4c" };
        let mut device = device(BSIM4_V48, name, &[("w", 4e-6), ("l", 0.2e-6), ("nf", 2.0), ("m", 3.0)]);
        for bias in BIASES {
            check_derivatives(&mut device, &bias.map(|v| v * polarity), 1e-5, true);
        }
    }
}

#[test]
fn derivatives_are_partials_with_all_networks() {
    for variant in 0..4 {
        let mut device =
            device(BSIM4_FULL, "n4b", &[("w", 4e-6), ("l", 0.2e-6), ("rgatemod", f64::from(variant))]);
        for [d, g, s, b] in BIASES {
            // Inner nodes a little off their terminals.
            let mut v = vec![d, g, s, b];
            v.extend(device.internal_nodes().iter().map(|name| match *name {
                "drain" => d - 0.01,
                "source" => s + 0.02,
                "gate" => g - 0.03,
                "midgate" => g - 0.01,
                "dbody" => b + 0.01,
                "sbody" => b - 0.02,
                _ => b + 0.005,
            }));
            // 4.5 follows the reference's own slopes in the Coulomb term and in the charges' drain voltage.
            check_derivatives(&mut device, &v, 2e-2, false);
        }
    }
}

#[test]
fn pattern_covers_every_entry() {
    for (text, card) in [(BSIM4_BASE, "n4"), (BSIM4_FULL, "n4b")] {
        for gate in 0..4 {
            let mut device = device(text, card, &[("w", 4e-6), ("l", 0.2e-6), ("rgatemod", f64::from(gate))]);
            let n = device.node_count();
            let (conductances, capacitances) = (device.conductance_pattern(), device.capacitance_pattern());
            let mut stamp = Stamp::default();
            device.evaluate(&vec![0.0; n], Pass::Junction, true, &mut stamp);
            for (index, g) in stamp.g[..n * n].iter().enumerate() {
                assert!(*g == 0.0 || conductances.contains(&(index / n, index % n)), "{index}");
            }
            for (k, charge) in device.charges().iter().enumerate() {
                for j in 0..n {
                    assert!(stamp.c[k * n + j] == 0.0 || capacitances.contains(&(charge.a, j)));
                }
            }
        }
    }
}

#[test]
fn resizing_equals_building_again() {
    let mut changed = device(BSIM4_BASE, "n4", &[("w", 4e-6), ("l", 0.2e-6)]);
    let fresh = device(BSIM4_BASE, "n4", &[("w", 7e-6), ("l", 0.3e-6)]);
    for (name, value) in [("w", 7e-6), ("l", 0.3e-6)] {
        let index = changed.parameter_index(name).unwrap();
        changed.set_parameter(index, value);
    }
    changed.update(&Surroundings::default()).unwrap();
    let run = |mut device: Device| {
        let mut stamp = Stamp::default();
        device.evaluate(&[1.0, 0.8, 0.0, 0.0], Pass::Free, true, &mut stamp);
        (stamp.i, stamp.q)
    };
    assert_eq!(run(changed), run(fresh));
}

#[test]
fn clamps_reach_only_the_last_instance_size() {
    let mut card = crate::devices::test_support::card(BSIM4_BASE, "n4");
    card.parameters.push(("ckappas".into(), 0.01));
    card.parameters.push(("ckappad".into(), 0.01));
    let (model, _) = Model::from_card(&card, 300.15).unwrap();
    let make = |w: f64| Device::new("m", &model, &list(&[("w", w)]), &Surroundings::default()).unwrap();
    let mut devices = [make(1e-6), make(2e-6), make(1e-6)];
    let charge = |device: &mut Device| {
        let mut stamp = Stamp::default();
        device.evaluate(&[0.0, -0.5, 0.0, 0.0], Pass::Free, true, &mut stamp);
        stamp.q[0]
    };
    let before = devices.each_mut().map(charge);
    apply_model_checks(&mut devices);
    let after = devices.each_mut().map(charge);
    assert!(before[0] != after[0] && before[2] != after[2] && before[1] == after[1]);
}

#[test]
fn switches_without_equations_are_refused() {
    let with = |parameter: &str, value: f64| {
        let mut card = crate::devices::test_support::card(BSIM4_V48, "n4c");
        card.parameters.push((parameter.into(), value));
        Model::from_card(&card, 300.15)
            .and_then(|(model, _)| Device::new("m1", &model, &list(&[("w", 1e-6)]), &Surroundings::default()))
    };
    for (parameter, value) in
        [("trnqsmod", 1.0), ("acnqsmod", 1.0), ("gidlmod", 1.0), ("mtrlmod", 1.0), ("tempmod", 3.0)]
    {
        let message = with(parameter, value).unwrap_err().to_string();
        assert!(message.contains(&format!("{parameter} = {value} is not supported, only 0")), "{message}");
    }
    assert!(
        with("mobmod", 3.0).is_ok()
            && with("rbodymod", 2.0).is_ok()
            && with("tnoimod", 2.0).is_ok()
            && with("gidlmod", 0.0).is_ok()
    );
    let size = list(&[("w", 1e-6), ("trnqsmod", 1.0)]);
    let message = Device::new("m7", &model(BSIM4_BASE, "n4"), &size, &Surroundings::default()).unwrap_err();
    assert!(message.to_string().contains("`m7`: trnqsmod = 1"), "{message}");
}

#[test]
fn bad_cards_and_sizes_are_refused() {
    let size = |pairs| {
        let model = model(BSIM4_BASE, "n4");
        Device::new("m1", &model, &list(pairs), &Surroundings::default()).unwrap_err().to_string()
    };
    assert!(size(&[("w", -1e-6)]).contains("greater than zero"));
    assert!(size(&[("l", 5e-9)]).contains("effective channel length"));
    assert!(size(&[("w", f64::NAN)]).contains("not a finite number"));
    assert!(size(&[("nff", 2.0)]).contains("did you mean `nf`"));
    let (_, warnings) =
        Model::from_card(&ModelCard::new("n", "nmos", &[("level", 54.0), ("vht0", 0.4)]), 300.15).unwrap();
    assert!(warnings[0].contains("`vth0`"), "{warnings:?}");
    assert!(Model::from_card(&ModelCard::new("n", "nmos", &[("level", 3.0)]), 300.15).is_err());
}
