//! `opamp-folded-cascode-v0`: a folded-cascode amplifier with NMOS input and a wide-swing NMOS mirror.
//!
//! Input pair M1/M2 with tail M0, PMOS current sources M3/M4, PMOS cascodes M5/M6, NMOS cascodes M7/M8, mirror M9/M10; the PMOS gates are
//! set by MB/MBN/MBP from the bias current, the cascode gates by two voltages. 2 pF load, 1.8 V, common mode 1 V.

use super::amplifier::{self, Amplifier, FOLLOWER, OPEN_LOOP};
use super::opamp_two_stage::{SERVO, STEP};
use super::sizing::{DeckPlan, Plan, SizingOptions, entry};
use crate::{Bound, EnvEntry, Group, Parameter};

const CORE: &str = "m0 t b 0 0 n4 w=w0 l=lb
m1 f1 inp t 0 n4 w=w1 l=l1
m2 f2 inn t 0 n4 w=w1 l=l1
m3 f1 bp vdd vdd p4 w=w3 l=lb
m4 f2 bp vdd vdd p4 w=w3 l=lb
m5 o1 bc f1 vdd p4 w=w5 l=lc
m6 out bc f2 vdd p4 w=w5 l=lc
m7 o1 bn x1 0 n4 w=w7 l=lc
m8 out bn x2 0 n4 w=w7 l=lc
m9 x1 o1 0 0 n4 w=w9 l=lb
m10 x2 o1 0 0 n4 w=w9 l=lb
mb b b 0 0 n4 w=wb l=lb
mbn bp b 0 0 n4 w=wb l=lb
mbp bp bp vdd vdd p4 w=wp l=lb
vbc bc 0 {vbc}
vbn bn 0 {vbn}
ib vdd b {ib*1u}
cl out 0 2p
vdd vdd 0 {vdd}
";

fn plan(_: &SizingOptions) -> Plan {
    let width = |name: &str, what| Parameter::log_real(name, 1.0, 80.0).unit("um").describe(what);
    let length = |name: &str, what| Parameter::log_real(name, 0.18, 2.0).unit("um").describe(what);
    let mut figures = amplifier::figures(2.0);
    for (index, target) in
        [(0, (60.0, 50.0, 75.0)), (1, (3e7, 1e7, 6e7)), (2, (70.0, 60.0, 80.0)), (3, (2e-4, 1e-4, 6e-4))]
    {
        figures[index].target = Some(target);
    }
    Plan {
        id: "opamp-folded-cascode-v0",
        parameters: vec![
            width("w0", "width of the tail M0"),
            width("w1", "width of the input pair M1, M2"),
            width("w3", "width of the current sources M3, M4"),
            width("w5", "width of the PMOS cascodes M5, M6"),
            width("w7", "width of the NMOS cascodes M7, M8"),
            width("w9", "width of the mirror M9, M10"),
            width("wb", "width of the bias diodes MB, MBN"),
            width("wp", "width of the PMOS bias diode MBP"),
            length("l1", "length of the input pair"),
            length("lb", "length of current sources and mirrors"),
            length("lc", "length of the cascodes"),
            Parameter::log_real("ib", 2.0, 50.0).unit("uA").describe("bias current"),
            Parameter::real("vbc", 0.4, 1.2).unit("V").describe("gate voltage of the PMOS cascodes"),
            Parameter::real("vbn", 0.5, 1.3).unit("V").describe("gate voltage of the NMOS cascodes"),
        ],
        start: vec![20.0, 30.0, 40.0, 30.0, 15.0, 10.0, 10.0, 20.0, 0.4, 0.5, 0.3, 10.0, 0.8, 0.8],
        groups: vec![
            Group::new("input", ["w0", "w1", "l1"]),
            Group::new("pmos-branch", ["w3", "w5", "vbc"]),
            Group::new("nmos-branch", ["w7", "w9", "vbn", "lc"]),
            Group::new("bias", ["wb", "wp", "lb", "ib"]),
        ],
        figures,
        own: vec![("vdd", 1.8)],
        decks: vec![
            DeckPlan { deck: format!("* folded cascode, open loop\n{CORE}{SERVO}"), probes: OPEN_LOOP },
            DeckPlan { deck: format!("* folded cascode, follower\n{CORE}{STEP}"), probes: FOLLOWER },
        ],
        extra_cards: "",
        bounds: vec![Bound::at_least("gain_db", 60.0), Bound::at_least("phase_margin_deg", 60.0)],
        range_hz: (1.0, 1e10),
        small_signal_step: true,
        original_walk: false,
        measure: |station| {
            let amplifier =
                Amplifier { common_mode_v: 1.0, load_pf: 2.0, step_v: (0.9, 1.2), capacitor_pf: 0.0 };
            amplifier::measure(station, &amplifier)
        },
    }
}

/// The registry entry.
pub(crate) fn registry_entry() -> EnvEntry {
    entry("opamp-folded-cascode-v0", "sizes a folded-cascode amplifier with a wide-swing mirror", plan)
}
