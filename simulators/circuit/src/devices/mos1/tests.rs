//! Level 1 against ngspice 39's numbers on our own cards, and against its own differences.

use crate::cards::LEVEL1;
use crate::devices::test_support::{check_derivatives, check_operating_points, golden_circuits, list, model};
use crate::devices::{Device, DeviceError, Pass, Stamp, Surroundings};

fn device(card: &str, parameters: &[(&str, f64)]) -> Result<Device, DeviceError> {
    Device::new("m1", &model(LEVEL1, card), &list(parameters), &Surroundings::default())
}

#[test]
fn sizes_must_be_positive() {
    assert!(device("n1", &[("w", 0.0)]).unwrap_err().to_string().contains("greater than zero"));
    let short = device("n1", &[("l", 3e-8)]).unwrap_err().to_string();
    assert!(short.contains("twice ld"), "{short}");
    let unknown = device("n1", &[("ww", 1e-6)]).unwrap_err().to_string();
    assert!(unknown.contains("did you mean"), "{unknown}");
}

#[test]
fn golden_iv_when_present() {
    let Some(path) = golden_circuits() else { return };
    for file in ["dc.csv", "dc2.csv"] {
        let Ok(mut reader) = csv::Reader::from_path(path.join("l1_nmos_iv").join(file)) else { continue };
        let headers = reader.headers().unwrap().clone();
        let mut device = device("n1", &[("w", 5e-6), ("l", 0.5e-6)]).unwrap();
        for row in reader.records() {
            let row = row.unwrap();
            let at = |name: &str| {
                headers.iter().position(|h| h == name).map_or(0.0, |c| row[c].trim().parse::<f64>().unwrap())
            };
            let mut stamp = Stamp::default();
            device.evaluate(&[at("v(d)"), at("v(g)"), 0.0, at("v(b)")], Pass::Free, false, &mut stamp);
            let golden = -at("i(vd)");
            assert!((stamp.i[0] - golden).abs() < 1e-11 * golden.abs() + 1e-16, "{} {golden}", stamp.i[0]);
        }
    }
}

#[test]
fn operating_points_equal_the_reference() {
    for (devices, rows) in [
        (
            include_str!("../../../tests/golden/operating_points/l1_ota5t.devices"),
            include_str!("../../../tests/golden/operating_points/l1_ota5t.csv"),
        ),
        (
            include_str!("../../../tests/golden/operating_points/l1_cs_nmos_r_variants.devices"),
            include_str!("../../../tests/golden/operating_points/l1_cs_nmos_r_variants.csv"),
        ),
    ] {
        check_operating_points(devices, rows, 1e-9);
    }
}

#[test]
fn derivatives_are_partials() {
    let mut device = device("n1", &[("w", 5e-6), ("l", 1e-6), ("ad", 1e-12), ("as", 1e-12)]).unwrap();
    // Meyer charges are products of a bias-dependent capacitance and a voltage, so `c` is not the partial of `q`.
    for v in [[2.0, 1.2, 0.0, -0.5], [0.2, 1.5, 0.0, -0.2], [-1.0, 0.8, 0.0, -1.5]] {
        check_derivatives(&mut device, &v, 1e-6, false);
    }
}
