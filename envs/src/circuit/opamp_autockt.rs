//! `opamp-autockt-v0`: the two-stage amplifier of AutoCkt (Settaluri et al., DATE 2020), with its parameters, ranges and targets.
//!
//! Devices are sized by their multiplier (1 to 99), the Miller capacitor in steps of 0.1 pF: 99^7 designs. The original's transistors are
//! 0.5 um by 90 nm in a 45-nm card that is not free to ship; on our own cards they are 0.5 um by 180 nm. A card of your own goes in the
//! option `cards`. 1.2 V supply, 30 uA bias, 10 pF load, common mode 0.6 V.
//!
//! The objective `targets` is AutoCkt's reward: the sum over the broken specifications of `-(value - target) / (value + target)`,
//! 0 when all are met; `target_seed` draws the targets from AutoCkt's ranges. With `compat` a design without a unity-gain crossing is
//! not infeasible but reports what the original reports: the first frequency as bandwidth and -180 degrees as margin.

use super::amplifier::OPEN_LOOP;
use super::bench::Miss;
use super::response::loop_figures;
use super::sizing::{DeckPlan, Figure, Plan, Station, entry};
use crate::{EnvEntry, Group, Parameter};

const DECK: &str = "* AutoCkt's two-stage amplifier, open loop
m1 d1 inn t 0 n4 w=0.5 l=0.18 m=mn1
m2 d2 inp t 0 n4 w=0.5 l=0.18 m=mn1
m3 d1 d1 vdd vdd p4 w=0.5 l=0.18 m=mp1
m4 d2 d1 vdd vdd p4 w=0.5 l=0.18 m=mp1
m5 t b 0 0 n4 w=0.5 l=0.18 m=mn3
m6 b b 0 0 n4 w=0.5 l=0.18 m=mn4
m7 out d2 vdd vdd p4 w=0.5 l=0.18 m=mp3
m8 out b 0 0 n4 w=0.5 l=0.18 m=mn5
ib vdd b 30u
cc d2 out {cc*1p}
cl out 0 10p
vdd vdd 0 {vdd}
lfb out inn 1g
cin inn sig 1g
vip inp 0 dc 0.6
vsig sig 0 dc 0.6 ac 1
.options reltol=1e-6 vntol=1e-9 abstol=1e-15
";

fn measure(station: &mut Station) -> Result<Vec<f64>, Miss> {
    let (sweep, frequencies, compat) = (*station.sweep, station.frequencies, station.options.compat);
    let bench = &mut station.benches[0];
    bench.operating_point()?;
    let supply_current = bench.value(1).abs();
    bench.ac(&sweep, frequencies, 0)?;
    match loop_figures(frequencies, &bench.complex) {
        Ok(figures) => Ok(vec![
            10f64.powf(figures.gain_db / 20.0),
            figures.unity_gain_hz,
            figures.phase_margin_deg,
            supply_current,
        ]),
        Err(_) if compat => {
            let gain = bench.complex.first().map_or(0.0, |(re, im)| re.hypot(*im));
            Ok(vec![gain, frequencies[0], -180.0, supply_current])
        }
        Err(miss) => Err(miss),
    }
}

fn plan() -> Plan {
    let multiplier = |name: &str, what| Parameter::integer(name, 1, 99).describe(what);
    Plan {
        id: "opamp-autockt-v0",
        parameters: vec![
            multiplier("mp1", "units of the mirror"),
            multiplier("mn1", "units of the input pair"),
            multiplier("mp3", "units of the second stage"),
            multiplier("mn3", "units of the tail"),
            multiplier("mn4", "units of the bias diode"),
            multiplier("mn5", "units of the second stage's sink"),
            Parameter::ordinal("cc", (1..100).map(|k| f64::from(k) / 10.0))
                .unit("pF")
                .describe("Miller capacitor"),
        ],
        start: vec![34.0, 34.0, 34.0, 34.0, 34.0, 15.0, 2.1],
        groups: vec![
            Group::new("first-stage", ["mp1", "mn1", "mn3"]),
            Group::new("second-stage", ["mp3", "mn5"]),
            Group::new("bias-and-compensation", ["mn4", "cc"]),
        ],
        figures: vec![
            Figure::more("gain", "1", "open-loop gain at 1 Hz").target(350.0, 200.0, 400.0),
            Figure::more("ugbw_hz", "Hz", "frequency at which the gain falls through 1")
                .target(9.5e5, 1e6, 2.5e7),
            Figure::more("phm_deg", "deg", "phase margin").target(60.0, 60.0, 60.000_000_1),
            Figure::less("ibias_a", "A", "supply current").target(1e-3, 1e-4, 1e-2),
        ],
        own: vec![("vdd", 1.2)],
        decks: vec![DeckPlan { deck: DECK.into(), probes: OPEN_LOOP }],
        extra_cards: "",
        bounds: Vec::new(),
        range_hz: (1.0, 1e10),
        measure,
    }
}

/// The registry entry.
pub(crate) fn registry_entry() -> EnvEntry {
    entry(
        "opamp-autockt-v0",
        "AutoCkt's two-stage amplifier: multipliers 1 to 99, its target ranges and reward",
        plan,
    )
    .option("compat", "false", "report the original's numbers for a design without unity-gain crossing")
}
