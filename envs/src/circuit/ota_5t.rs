//! `ota-5t-v0`: the five-transistor transconductance amplifier, the smallest circuit here.
//!
//! NMOS input pair M1/M2, PMOS mirror M3/M4, tail M5 of `m5` units, bias diode M6; 1 pF load, 1.8 V, common mode 1 V.

use super::amplifier::{self, Amplifier, FOLLOWER, OPEN_LOOP};
use super::opamp_two_stage::{SERVO, STEP};
use super::sizing::{DeckPlan, Plan, SizingOptions, entry};
use crate::{Bound, EnvEntry, Group, Parameter};

const CORE: &str = "m1 d1 inp t 0 n4 w=w1 l=l1
m2 out inn t 0 n4 w=w1 l=l1
m3 d1 d1 vdd vdd p4 w=w3 l=l3
m4 out d1 vdd vdd p4 w=w3 l=l3
m5 t b 0 0 n4 w=w5 l=l5 m=m5
m6 b b 0 0 n4 w=w5 l=l5
ib vdd b {ib*1u}
cl out 0 1p
vdd vdd 0 {vdd}
";

fn plan(_: &SizingOptions) -> Plan {
    let width = |name: &str, what| Parameter::log_real(name, 1.0, 60.0).unit("um").describe(what);
    let length = |name: &str, what| Parameter::log_real(name, 0.18, 2.0).unit("um").describe(what);
    let mut figures = amplifier::figures(1.0);
    for (index, target) in
        [(0, (36.0, 32.0, 40.0)), (1, (2e7, 5e6, 5e7)), (2, (70.0, 60.0, 80.0)), (3, (1e-4, 3e-5, 3e-4))]
    {
        figures[index].target = Some(target);
    }
    Plan {
        id: "ota-5t-v0",
        parameters: vec![
            width("w1", "width of the input pair M1, M2"),
            width("w3", "width of the mirror M3, M4"),
            width("w5", "width of one unit of tail and bias M5, M6"),
            length("l1", "length of the input pair"),
            length("l3", "length of the mirror"),
            length("l5", "length of tail and bias"),
            Parameter::log_real("ib", 2.0, 50.0).unit("uA").describe("bias current"),
            Parameter::integer("m5", 1, 4).describe("units of the tail"),
        ],
        start: vec![20.0, 20.0, 10.0, 0.5, 0.5, 0.5, 20.0, 2.0],
        groups: vec![
            Group::new("input-pair", ["w1", "l1"]),
            Group::new("mirror", ["w3", "l3"]),
            Group::new("bias", ["w5", "l5", "ib", "m5"]),
        ],
        figures,
        own: vec![("vdd", 1.8)],
        decks: vec![
            DeckPlan { deck: format!("* 5T OTA, open loop\n{CORE}{SERVO}"), probes: OPEN_LOOP },
            DeckPlan { deck: format!("* 5T OTA, follower\n{CORE}{STEP}"), probes: FOLLOWER },
        ],
        extra_cards: "",
        bounds: vec![Bound::at_least("gain_db", 36.0), Bound::at_least("phase_margin_deg", 60.0)],
        range_hz: (1.0, 1e10),
        small_signal_step: true,
        original_walk: false,
        measure: |station| {
            let amplifier =
                Amplifier { common_mode_v: 1.0, load_pf: 1.0, step_v: (0.9, 1.2), capacitor_pf: 0.0 };
            amplifier::measure(station, &amplifier)
        },
    }
}

/// The registry entry.
pub(crate) fn registry_entry() -> EnvEntry {
    entry("ota-5t-v0", "sizes a five-transistor transconductance amplifier", plan)
}
