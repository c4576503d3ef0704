//! `ldo-v0`: a low-dropout regulator: 5T error amplifier, PMOS pass device, 100 nF output capacitor with 0.5 ohm.
//!
//! 1.8 V in, 0.7 V reference, 1.4 V out through 60k/60k. Regulation is measured between 0.1 mA and 5 mA and between 1.7 V and 1.9 V, the
//! loop is broken at the feedback input by a 1 GH inductor, and all small-signal figures are at 2 mA.

use super::miss::Miss;
use super::response::loop_figures;
use super::sizing::{DeckPlan, Figure, Plan, SizingOptions, Station, entry};
use crate::{Bound, EnvEntry, Group, Parameter};

const CORE: &str = "vref ref 0 0.7
m1 d1 fbi t 0 n4 w=w1 l=l1
m2 g ref t 0 n4 w=w1 l=l1
m3 d1 d1 vdd vdd p4 w=w3 l=l3
m4 g d1 vdd vdd p4 w=w3 l=l3
m5 t b 0 0 n4 w=w5 l=l5 m=2
m6 b b 0 0 n4 w=w5 l=l5
ib vdd b {ib*1u}
mp out g vdd vdd p4 w=20 l=lp m=mp
r1 out fb 60k
r2 fb 0 60k
cc g out {cc*1p}
cl out esr 100n
resr esr 0 0.5
il out 0 {iload}
.options reltol=1e-6 vntol=1e-9 abstol=1e-15
";
const CLOSED: &str = "vdd vdd 0 dc {vdd} ac 1
rfb fb fbi 1
";
const LOOP: &str = "vdd vdd 0 dc {vdd}
lfb fb fbi 1g
cin fbi sig 1g
vsig sig 0 dc 0 ac 1
";
/// Probes of both decks.
const PROBES: &[&str] = &["v(out)", "i(vdd)", "v(fb)"];
/// Places in `Plan::own`.
const SUPPLY: usize = 0;
const LOAD: usize = 1;
/// Load of the small-signal figures, A.
const TYPICAL_LOAD_A: f64 = 2e-3;

fn measure(station: &mut Station) -> Result<Vec<f64>, Miss> {
    let supply = station.supply_v;
    let output = |station: &mut Station, own: usize, value: f64| -> Result<(f64, f64), Miss> {
        station.set_own(0, own, value)?;
        station.benches[0].operating_point()?;
        Ok((station.benches[0].value(0), station.benches[0].value(1).abs()))
    };
    let (light, light_current) = output(station, LOAD, 1e-4)?;
    let (heavy, _) = output(station, LOAD, 5e-3)?;
    if !(1.3..1.5).contains(&heavy) {
        return Err(Miss::new("the output holds 1.4 V within 0.1 V at 5 mA", (heavy - 1.4).abs()));
    }
    output(station, LOAD, TYPICAL_LOAD_A)?;
    let (low, _) = output(station, SUPPLY, supply - 0.1)?;
    let (high, _) = output(station, SUPPLY, supply + 0.1)?;
    let (typical, _) = output(station, SUPPLY, supply)?;

    // Supply rejection at 1 kHz and 1 MHz: the supply carries the AC source.
    let sweep = *station.sweep;
    let frequencies = station.frequencies;
    let bench = &mut station.benches[0];
    bench.ac(&sweep, frequencies, 0)?;
    let rejection = |f: f64| {
        let index = frequencies.partition_point(|x| *x < f * 0.999);
        let (re, im) = bench.complex.get(index).copied().unwrap_or((1.0, 0.0));
        -20.0 * re.hypot(im).log10()
    };
    let (slow, fast) = (rejection(1e3), rejection(1e6));

    station.set_own(1, LOAD, TYPICAL_LOAD_A)?;
    let bench = &mut station.benches[1];
    bench.operating_point()?;
    bench.ac(&sweep, frequencies, 2)?;
    let figures = loop_figures(frequencies, &bench.complex)?;
    let capacitor_pf = station.numbers[9];
    Ok(vec![
        (typical - 1.4).abs(),
        (light - heavy).abs() / 4.9e-3,
        (high - low).abs() / 0.2,
        slow,
        fast,
        light_current - 1e-4,
        figures.gain_db,
        figures.unity_gain_hz,
        figures.phase_margin_deg,
        station.gate_area_um2 + 500.0 * capacitor_pf,
    ])
}

fn plan(_: &SizingOptions) -> Plan {
    let width = |name: &str, what| Parameter::log_real(name, 1.0, 60.0).unit("um").describe(what);
    let length = |name: &str, what| Parameter::log_real(name, 0.18, 2.0).unit("um").describe(what);
    Plan {
        id: "ldo-v0",
        parameters: vec![
            width("w1", "width of the input pair"),
            width("w3", "width of the mirror"),
            width("w5", "width of one unit of tail and bias"),
            length("l1", "length of the input pair"),
            length("l3", "length of the mirror"),
            length("l5", "length of tail and bias"),
            Parameter::log_integer("mp", 10, 400).describe("20-um units of the pass device"),
            Parameter::log_real("lp", 0.18, 0.6).unit("um").describe("length of the pass device"),
            Parameter::log_real("ib", 1.0, 50.0).unit("uA").describe("bias current"),
            Parameter::log_real("cc", 0.1, 10.0).unit("pF").describe("Miller capacitor"),
        ],
        start: vec![20.0, 20.0, 10.0, 0.5, 0.5, 0.5, 100.0, 0.18, 10.0, 3.0],
        groups: vec![
            Group::new("error-amplifier", ["w1", "w3", "l1", "l3"]),
            Group::new("bias", ["w5", "l5", "ib"]),
            Group::new("pass-device", ["mp", "lp", "cc"]),
        ],
        figures: vec![
            Figure::less("error_v", "V", "distance of the output from 1.4 V at 2 mA")
                .target(0.01, 0.003, 0.02),
            Figure::less("load_regulation_v_per_a", "V/A", "change of the output from 0.1 mA to 5 mA load")
                .target(2.0, 0.5, 4.0),
            Figure::less("line_regulation_v_per_v", "V/V", "change of the output over 0.2 V of supply")
                .target(0.02, 0.005, 0.03),
            Figure::more("psrr_1khz_db", "dB", "supply rejection at 1 kHz").target(40.0, 30.0, 45.0),
            Figure::more("psrr_1mhz_db", "dB", "supply rejection at 1 MHz"),
            Figure::less("quiescent_current_a", "A", "supply current less load at 0.1 mA")
                .target(8e-5, 3e-5, 1.5e-4),
            Figure::more("loop_gain_db", "dB", "loop gain at 1 Hz"),
            Figure::more("loop_bandwidth_hz", "Hz", "unity-gain frequency of the loop"),
            Figure::more("loop_phase_margin_deg", "deg", "phase margin of the loop").target(60.0, 45.0, 65.0),
            Figure::less("area_um2", "um2", "gate area plus capacitor area at 2 fF/um2"),
        ],
        own: vec![("vdd", 1.8), ("iload", TYPICAL_LOAD_A)],
        decks: vec![
            DeckPlan { deck: format!("* LDO, closed loop\n{CORE}{CLOSED}"), probes: PROBES },
            DeckPlan { deck: format!("* LDO, loop open for AC\n{CORE}{LOOP}"), probes: PROBES },
        ],
        extra_cards: "",
        bounds: vec![
            Bound::at_least("loop_phase_margin_deg", 45.0),
            Bound::at_most("error_v", 0.02),
            Bound::at_most("quiescent_current_a", 1e-4),
        ],
        range_hz: (1.0, 1e9),
        small_signal_step: false,
        original_walk: false,
        measure,
    }
}

/// The registry entry.
pub(crate) fn registry_entry() -> EnvEntry {
    entry(
        "ldo-v0",
        "sizes a low-dropout regulator: regulation, supply rejection, quiescent current, loop margin",
        plan,
    )
}
