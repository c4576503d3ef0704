//! `opamp-two-stage-v0`: the Miller-compensated two-stage amplifier.
//!
//! NMOS input pair M1/M2, PMOS mirror M3/M4, tail M5; PMOS second stage M6 with sink M7; bias diode M8; Miller capacitor with nulling
//! resistor; 2 pF load, 1.8 V, common mode 1 V. The open loop is closed for DC only, through a 1 GH inductor.

use super::amplifier::{self, Amplifier, FOLLOWER, OPEN_LOOP};
use super::sizing::{DeckPlan, Figure, Plan, SizingOptions, entry};
use crate::{Bound, EnvEntry, Group, Parameter};

const CORE: &str = "m1 d1 inn t 0 n4 w=w1 l=l1
m2 d2 inp t 0 n4 w=w1 l=l1
m3 d1 d1 vdd vdd p4 w=w3 l=l3
m4 d2 d1 vdd vdd p4 w=w3 l=l3
m5 t b 0 0 n4 w=w5 l=l5
m6 out d2 vdd vdd p4 w=w6 l=l3
m7 out b 0 0 n4 w=w7 l=l5
m8 b b 0 0 n4 w=w8 l=l5
ib vdd b {ib*1u}
rz d2 z {rz*1k}
cc z out {cc*1p}
cl out 0 2p
vdd vdd 0 {vdd}
";

/// DC feedback that leaves the loop open for AC.
pub(super) const SERVO: &str = "lfb out inn 1g
cin inn sig 1g
vip inp 0 dc 1
vsig sig 0 dc 1 ac 1
.options reltol=1e-6 vntol=1e-9 abstol=1e-15
";

/// Follower with a step from 0.9 V to 1.2 V.
pub(super) const STEP: &str = "vip inp 0 dc 1 pulse(0.9 1.2 0.2u 1n 1n 2u 6u)
rfb out inn 1
.options reltol=1e-4 vntol=1e-7 abstol=1e-13
";

/// Figures with the usual target specifications of a small two-stage amplifier.
fn figures() -> Vec<Figure> {
    let targets: [Option<(f64, f64, f64)>; 11] = [
        Some((60.0, 50.0, 75.0)),
        Some((2e7, 5e6, 5e7)),
        Some((60.0, 55.0, 65.0)),
        Some((5e-4, 1e-4, 1e-3)),
        None,
        Some((2e-8, 1.5e-8, 4e-8)),
        None,
        Some((1e7, 3e6, 2e7)),
        None,
        None,
        None,
    ];
    amplifier::figures(2.0)
        .into_iter()
        .zip(targets)
        .map(|(figure, target)| match target {
            Some((usual, low, high)) => figure.target(usual, low, high),
            None => figure,
        })
        .collect()
}

fn plan(_: &SizingOptions) -> Plan {
    let width = |name: &str, low, high, what| Parameter::log_real(name, low, high).unit("um").describe(what);
    let length = |name: &str, what| Parameter::log_real(name, 0.18, 2.0).unit("um").describe(what);
    Plan {
        id: "opamp-two-stage-v0",
        parameters: vec![
            width("w1", 1.0, 60.0, "width of the input pair M1, M2"),
            width("w3", 1.0, 60.0, "width of the mirror M3, M4"),
            width("w5", 1.0, 60.0, "width of the tail M5"),
            width("w6", 2.0, 200.0, "width of the second stage M6"),
            width("w7", 2.0, 120.0, "width of its sink M7"),
            width("w8", 1.0, 30.0, "width of the bias diode M8"),
            length("l1", "length of the input pair"),
            length("l3", "length of the PMOS M3, M4, M6"),
            length("l5", "length of the NMOS M5, M7, M8"),
            Parameter::log_real("ib", 2.0, 50.0).unit("uA").describe("bias current"),
            Parameter::log_real("rz", 0.1, 10.0).unit("kohm").describe("nulling resistor"),
            Parameter::log_real("cc", 0.2, 5.0).unit("pF").describe("Miller capacitor"),
        ],
        start: vec![20.0, 20.0, 20.0, 120.0, 60.0, 10.0, 0.5, 0.5, 0.5, 15.0, 1.5, 1.5],
        groups: vec![
            Group::new("first-stage", ["w1", "w3", "w5", "l1"]),
            Group::new("second-stage", ["w6", "w7", "l3"]),
            Group::new("bias", ["w8", "l5", "ib"]),
            Group::new("compensation", ["rz", "cc"]),
        ],
        figures: figures(),
        own: vec![("vdd", 1.8)],
        decks: vec![
            DeckPlan { deck: format!("* two-stage amplifier, open loop\n{CORE}{SERVO}"), probes: OPEN_LOOP },
            DeckPlan { deck: format!("* two-stage amplifier, follower\n{CORE}{STEP}"), probes: FOLLOWER },
        ],
        extra_cards: "",
        bounds: vec![Bound::at_least("gain_db", 60.0), Bound::at_least("phase_margin_deg", 60.0)],
        range_hz: (1.0, 1e10),
        small_signal_step: true,
        original_walk: false,
        measure: |station| {
            let capacitor_pf = station.numbers[11];
            let amplifier = Amplifier { common_mode_v: 1.0, load_pf: 2.0, step_v: (0.9, 1.2), capacitor_pf };
            amplifier::measure(station, &amplifier)
        },
    }
}

/// The registry entry.
pub(crate) fn registry_entry() -> EnvEntry {
    entry(
        "opamp-two-stage-v0",
        "sizes a Miller-compensated two-stage amplifier in a 130-nm-like process",
        plan,
    )
}
