//! `bandgap-v0`: a bandgap reference: PMOS mirrors around a 5T amplifier, two bipolar diodes and three resistors.
//!
//! 1.8 V; the reference is `V_EB + (R2 / R1) V_T ln N`. Temperatures -40, 0, 27, 80 and 125 C beside the condition's own.

use super::miss::Miss;
use super::sizing::{DeckPlan, Figure, Plan, SizingOptions, Station, entry};
use crate::{Bound, EnvEntry, Group, Parameter};

const DECK: &str = "* bandgap reference
vdd vdd 0 dc {vdd} ac 1
ma a g vdd vdd p4 w=wm l=lm
mb bb g vdd vdd p4 w=wm l=lm
mr ref g vdd vdd p4 w=wm l=lm
q1 0 0 a qp1 4
r1 bb e2 {r1*1k}
q2 0 0 e2 qp1 {4*nq}
r2 ref e3 {r2*1k}
q3 0 0 e3 qp1 4
m1 d1 bb t 0 n4 w=w1 l=l1
m2 g a t 0 n4 w=w1 l=l1
m3 d1 d1 vdd vdd p4 w=w3 l=lm
m4 g d1 vdd vdd p4 w=w3 l=lm
m5 t bias 0 0 n4 w=w5 l=lm
m6 bias bias 0 0 n4 w=w5 l=lm
ib vdd bias {ib*1u}
cs g vdd 2p
cl ref 0 5p
.nodeset v(a)=0.7 v(bb)=0.7 v(e2)=0.62 v(ref)=1.2 v(g)=1.2 v(e3)=0.7
.options reltol=1e-6 vntol=1e-9 abstol=1e-15
";
/// A vertical PNP of a digital process.
const PNP: &str = ".model qp1 pnp is=1e-17 bf=5 nf=1 vaf=200 br=1 xti=3 eg=1.12";
const SUPPLY: usize = 0;

fn measure(station: &mut Station) -> Result<Vec<f64>, Miss> {
    let supply = station.supply_v;
    let reference = |station: &mut Station| -> Result<f64, Miss> {
        station.benches[0].operating_point()?;
        let reference = station.benches[0].value(0);
        if (0.8..1.6).contains(&reference) {
            Ok(reference)
        } else {
            Err(Miss::new("the reference starts up, between 0.8 V and 1.6 V", (reference - 1.2).abs()))
        }
    };
    let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
    for celsius in [-40.0, 0.0, 27.0, 80.0, 125.0] {
        station.set_temperature(0, celsius)?;
        let v = reference(station)?;
        (low, high) = (low.min(v), high.max(v));
    }
    station.set_own(0, SUPPLY, supply + 0.1)?;
    let above = reference(station)?;
    station.set_own(0, SUPPLY, supply - 0.1)?;
    let below = reference(station)?;
    station.set_own(0, SUPPLY, supply)?;
    let nominal = reference(station)?;
    let power = supply * station.benches[0].value(1).abs();
    let (sweep, frequencies) = (*station.sweep, station.frequencies);
    let bench = &mut station.benches[0];
    bench.ac(&sweep, frequencies, 0)?;
    let index = frequencies.partition_point(|f| *f < 999.0);
    let (re, im) = bench.complex.get(index).copied().unwrap_or((1.0, 0.0));
    let rejection = -20.0 * re.hypot(im).log10();
    let resistors_kohm = station.numbers[7] + station.numbers[8];
    Ok(vec![
        nominal,
        (high - low) / nominal / 165.0 * 1e6,
        (above - below).abs() / 0.2,
        rejection,
        power,
        station.gate_area_um2 + 5.0 * resistors_kohm + 100.0 * (8.0 + 4.0 * station.numbers[9]),
    ])
}

fn plan(_: &SizingOptions) -> Plan {
    let width = |name: &str, what| Parameter::log_real(name, 1.0, 60.0).unit("um").describe(what);
    Plan {
        id: "bandgap-v0",
        parameters: vec![
            width("wm", "width of the three mirrors"),
            Parameter::log_real("lm", 0.5, 4.0).unit("um").describe("length of mirrors and bias"),
            width("w1", "width of the amplifier's input pair"),
            Parameter::log_real("l1", 0.18, 2.0).unit("um").describe("length of the input pair"),
            width("w3", "width of the amplifier's mirror"),
            width("w5", "width of the amplifier's tail"),
            Parameter::log_real("ib", 0.5, 10.0).unit("uA").describe("bias current of the amplifier"),
            Parameter::log_real("r1", 2.0, 30.0).unit("kohm").describe("resistor that sets the current"),
            Parameter::log_real("r2", 20.0, 300.0).unit("kohm").describe("resistor of the output branch"),
            Parameter::integer("nq", 2, 24).describe("ratio of the bipolar areas"),
        ],
        start: vec![20.0, 1.0, 10.0, 0.5, 10.0, 4.0, 2.0, 6.0, 55.0, 8.0],
        groups: vec![
            Group::new("core", ["r1", "r2", "nq"]),
            Group::new("mirrors", ["wm", "lm"]),
            Group::new("amplifier", ["w1", "l1", "w3", "w5", "ib"]),
        ],
        figures: vec![
            Figure::more(
                "reference_v",
                "V",
                "output at the condition's temperature (an observation: the bandgap is near 1.2 V)",
            ),
            Figure::less(
                "temperature_coefficient_ppm_per_k",
                "ppm/K",
                "spread over -40 to 125 C by the box method",
            )
            .target(60.0, 20.0, 150.0),
            Figure::less("line_sensitivity_v_per_v", "V/V", "change of the output over 0.2 V of supply")
                .target(0.02, 0.005, 0.05),
            Figure::more("psrr_1khz_db", "dB", "supply rejection at 1 kHz").target(35.0, 25.0, 45.0),
            Figure::less("power_w", "W", "supply voltage times supply current").target(1e-4, 5e-5, 2e-4),
            Figure::less("area_um2", "um2", "gates, 5 um2 per kohm, 100 um2 per bipolar unit"),
        ],
        own: vec![("vdd", 1.8)],
        decks: vec![DeckPlan { deck: DECK.into(), probes: &["v(ref)", "i(vdd)"] }],
        extra_cards: PNP,
        bounds: vec![Bound::at_least("reference_v", 1.1), Bound::at_most("reference_v", 1.3)],
        range_hz: (1.0, 1e8),
        small_signal_step: false,
        original_walk: false,
        measure,
    }
}

/// The registry entry.
pub(crate) fn registry_entry() -> EnvEntry {
    entry(
        "bandgap-v0",
        "sizes a bandgap reference: temperature coefficient, line sensitivity, supply rejection",
        plan,
    )
}
