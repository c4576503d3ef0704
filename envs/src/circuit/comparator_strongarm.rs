//! `comparator-strongarm-v0`: the StrongARM latch: decision delay, energy, noise and mismatch at its input.
//!
//! 1.8 V, common mode 1 V, 10 mV at the inputs, one decision 1 ns to 5 ns and the following reset.

use hwgym_simulators::circuit::TranSpec;

use super::miss::Miss;
use super::sizing::{DeckPlan, Figure, Plan, SizingOptions, Station, entry};
use crate::{Bound, EnvEntry, Group, Parameter};

const DECK: &str = "* StrongARM latch
vdd vdd 0 {vdd}
vclk clk 0 pulse(0 {vdd} 1n 50p 50p 4n 16n)
vip ip 0 1.005
vin in 0 0.995
mt t clk 0 0 n4 w=wt l=0.18
m1 x ip t 0 n4 w=w1 l=l1
m2 y in t 0 n4 w=w1 l=l1
m3 op on x 0 n4 w=w3 l=0.18
m4 on op y 0 n4 w=w3 l=0.18
m5 op on vdd vdd p4 w=w5 l=0.18
m6 on op vdd vdd p4 w=w5 l=0.18
ms1 op clk vdd vdd p4 w=ws l=0.18
ms2 on clk vdd vdd p4 w=ws l=0.18
ms3 x clk vdd vdd p4 w=ws l=0.18
ms4 y clk vdd vdd p4 w=ws l=0.18
c1 op 0 10f
c2 on 0 10f
.options reltol=1e-4 vntol=1e-6 abstol=1e-12
";
/// Elementary constants for the noise estimate: k T at 300 K, J.
const KT: f64 = 4.14e-21;
/// Pelgrom coefficient of the threshold, V um.
const AVT_V_UM: f64 = 3.5e-3;

fn measure(station: &mut Station) -> Result<Vec<f64>, Miss> {
    let supply = station.supply_v;
    let spec = TranSpec { step: 1e-11, stop: 9e-9, start: 0.0, max_step: Some(5e-11), uic: false };
    let bench = &mut station.benches[0];
    bench.transient(spec, &[0, 1, 2])?;
    let rows = || bench.rows.chunks_exact(4);
    // From the clock's middle to a difference of half the supply, the right way round (M1 pulls `op` down).
    let decided = rows().zip(rows().skip(1)).find(|(_, b)| b[0] > 1.0e-9 && (b[2] - b[1]) >= 0.5 * supply);
    let Some((a, b)) = decided else {
        let last = rows().rfind(|row| row[0] < 5e-9).map_or(0.0, |row| row[2] - row[1]);
        return Err(Miss::new("the latch decides within 4 ns", (0.5 * supply - last).max(1e-3)));
    };
    let (da, db) = (a[2] - a[1], b[2] - b[1]);
    let delay = a[0] + (0.5 * supply - da) / (db - da) * (b[0] - a[0]) - 1.025e-9;
    // Energy from the supply over decision and reset; trapezoidal rule.
    let energy: f64 =
        rows().zip(rows().skip(1)).map(|(a, b)| -0.5 * supply * (a[3] + b[3]) * (b[0] - a[0])).sum();
    // The supply's charge over the integration phase bounds the noise: v^2 = 4 k T / C at the input pair's gain of about one.
    let [wt, w1, l1, w3, ..] = station.numbers else {
        return Err(Miss::Failed("the design has too few parameters".into()));
    };
    let integration_f = 1e-15 * (2.0 * w1 * l1 * 10.0 + 2.0 * w3 * 0.18 * 10.0) + 1e-14;
    let noise = (4.0 * KT / integration_f).sqrt();
    // Mismatch of input pair and, divided by the pair's gain in the integration phase (about 4), of the latch.
    let pair = AVT_V_UM / (w1 * l1).sqrt();
    let latch = AVT_V_UM / (w3 * 0.18).sqrt() / 4.0;
    let offset = std::f64::consts::SQRT_2 * pair.hypot(latch);
    let _ = wt;
    Ok(vec![delay, energy, noise, offset, station.gate_area_um2, 1e-24 / (delay * energy)])
}

fn plan(_: &SizingOptions) -> Plan {
    let width = |name: &str, low, high, what| Parameter::log_real(name, low, high).unit("um").describe(what);
    Plan {
        id: "comparator-strongarm-v0",
        parameters: vec![
            width("wt", 1.0, 40.0, "width of the clocked tail"),
            width("w1", 1.0, 40.0, "width of the input pair"),
            Parameter::log_real("l1", 0.18, 0.5).unit("um").describe("length of the input pair"),
            width("w3", 0.5, 20.0, "width of the latch's NMOS"),
            width("w5", 0.5, 20.0, "width of the latch's PMOS"),
            width("ws", 0.5, 10.0, "width of the reset switches"),
        ],
        start: vec![10.0, 8.0, 0.18, 6.0, 6.0, 3.0],
        groups: vec![
            Group::new("input", ["wt", "w1", "l1"]),
            Group::new("latch", ["w3", "w5"]),
            Group::new("reset", ["ws"]),
        ],
        figures: vec![
            Figure::less(
                "delay_s",
                "s",
                "from the clock's edge to half the supply between the outputs, at 10 mV",
            )
            .target(3e-10, 2e-10, 5e-10),
            Figure::less("energy_j", "J", "energy from the supply for one decision and reset")
                .target(2e-13, 1e-13, 4e-13),
            Figure::less(
                "input_noise_v",
                "V",
                "sqrt(4 k T / C) with C the capacitance integrated on (10 fF/um2 of gate, 10 fF load)",
            )
            .target(6e-4, 4e-4, 8e-4),
            Figure::less(
                "offset_sigma_v",
                "V",
                "input-referred mismatch: 3.5 mV um on the input pair, and on the latch over a gain of 4",
            )
            .target(5e-3, 3e-3, 8e-3),
            Figure::less("area_um2", "um2", "gate area"),
            Figure::more("figure_of_merit", "1/(ps pJ)", "one over delay times energy"),
        ],
        own: vec![("vdd", 1.8)],
        decks: vec![DeckPlan { deck: DECK.into(), probes: &["v(op)", "v(on)", "i(vdd)"] }],
        extra_cards: "",
        bounds: vec![Bound::at_most("input_noise_v", 8e-4), Bound::at_most("offset_sigma_v", 8e-3)],
        range_hz: (1.0, 10.0),
        small_signal_step: false,
        original_walk: false,
        measure,
    }
}

/// The registry entry.
pub(crate) fn registry_entry() -> EnvEntry {
    entry("comparator-strongarm-v0", "sizes a StrongARM latch: delay, energy, noise, mismatch", plan)
}
