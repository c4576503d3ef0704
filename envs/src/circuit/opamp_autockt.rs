//! `opamp-autockt-v0`: the two-stage amplifier of AutoCkt (Settaluri et al., DATE 2020), with its parameters, ranges and targets.
//!
//! Devices are sized by their multiplier (1 to 99), the Miller capacitor in steps of 0.1 pF: 99^7 designs. The original's transistors are
//! 0.5 um by 90 nm in a 45-nm card that is not free to ship; on our own cards they are 0.5 um by 180 nm. A card of your own goes in the
//! option `cards`, its channel length in `length_um`. 1.2 V supply, 30 uA bias, 10 pF load, common mode 0.6 V; bodies of the pair at its
//! source.
//!
//! The objective `targets` is AutoCkt's reward: the sum over the broken specifications of `-(value - target) / (value + target)`,
//! 0 when all are met; `target_seed` draws the targets from AutoCkt's ranges. The whole formulation, with its steps, observation of 15
//! numbers and targets drawn by each reset, is the walk [`TargetWalk`](crate::wrappers::TargetWalk). Two things differ there from the
//! original: observations have bounds that hold (the original declares specifications in [-1, 0] and indices in [1, 1]), and a phase
//! margin below 0 is normalised into them.
//!
//! Here the amplifier biases itself: a servo closes the loop for DC, and a design that does not cross unity gain is infeasible. With
//! `compat` the original's bench and measurements are used, quirks and all:
//! * inputs at 0.6 V and no feedback, so an amplifier whose stages disagree rails, and shows as one of little gain;
//! * bandwidth by a cubic spline through the gain over linear frequency and Brent's method, phase by a quadratic spline;
//! * a margin of 180 degrees plus the phase, or minus 180 degrees plus a phase that is above 0;
//! * without a crossing the first frequency as bandwidth and -180 degrees as margin, for what is not infeasible at all;
//! * in a walk, normalisation by `value + target`, which leaves [-1, 1] for margins below 0.

use serde::Deserialize;

use super::amplifier::OPEN_LOOP;
use super::miss::Miss;
use super::response::loop_figures;
use super::sizing::{DeckPlan, Figure, Plan, Sizing, Station, shared_options};
use super::spline::{Spline, brent_root};
use crate::{EnvEntry, EnvError, Group, Parameter};

/// What this circuit has beside the options of all.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Own {
    /// The original's test bench, measurements and observation, with their quirks.
    compat: bool,
    /// Channel length of all transistors, um; the original's 0.09 needs a card that goes so far down.
    length_um: f64,
}

impl Default for Own {
    fn default() -> Self {
        Self { compat: false, length_um: 0.18 }
    }
}

/// The amplifier, with `LENGTH` in place of the channel length.
const CORE: &str = "m1 d1 inn t t n4 w=0.5 l=LENGTH m=mn1
m2 d2 inp t t n4 w=0.5 l=LENGTH m=mn1
m3 d1 d1 vdd vdd p4 w=0.5 l=LENGTH m=mp1
m4 d2 d1 vdd vdd p4 w=0.5 l=LENGTH m=mp1
m5 t b 0 0 n4 w=0.5 l=LENGTH m=mn3
m6 b b 0 0 n4 w=0.5 l=LENGTH m=mn4
m7 out d2 vdd vdd p4 w=0.5 l=LENGTH m=mp3
m8 out b 0 0 n4 w=0.5 l=LENGTH m=mn5
ib vdd b 30u
cc d2 out {cc*1p}
cl out 0 10p
vdd vdd 0 {vdd}
.options reltol=1e-6 vntol=1e-9 abstol=1e-15
";

/// DC feedback that leaves the loop open for AC.
const SERVO: &str = "lfb out inn 1g
cin inn sig 1g
vip inp 0 dc 0.6
vsig sig 0 dc 0.6 ac 1
";

/// The original's bench: half the signal at each input, no feedback.
const DIFFERENTIAL: &str = "vcm cm 0 dc 0.6
vsig sig 0 dc 0 ac 1
ep inp cm sig 0 0.5
en inn cm sig 0 -0.5
";

fn measure(station: &mut Station) -> Result<Vec<f64>, Miss> {
    let supply_current = respond(station)?;
    let figures = loop_figures(station.frequencies, &station.benches[0].complex)?;
    let gain = 10f64.powf(figures.gain_db / 20.0);
    Ok(vec![gain, figures.unity_gain_hz, figures.phase_margin_deg, supply_current])
}

fn measure_as_original(station: &mut Station) -> Result<Vec<f64>, Miss> {
    let supply_current = respond(station)?;
    let (gain, bandwidth, margin) = original_figures(station.frequencies, &station.benches[0].complex);
    Ok(vec![gain, bandwidth, margin, supply_current])
}

/// Operating point and frequency response; returns the supply's current, A.
fn respond(station: &mut Station) -> Result<f64, Miss> {
    let bench = &mut station.benches[0];
    bench.operating_point()?;
    let supply_current = bench.value(1).abs();
    bench.ac(station.sweep, station.frequencies, 0)?;
    Ok(supply_current)
}

/// Gain, bandwidth (Hz) and phase margin (degrees) as the original reads them.
fn original_figures(frequencies: &[f64], response: &[(f64, f64)]) -> (f64, f64, f64) {
    let gains: Vec<f64> = response.iter().map(|(re, im)| re.hypot(*im)).collect();
    let mut phases: Vec<f64> = Vec::with_capacity(response.len());
    for (re, im) in response {
        let angle = im.atan2(*re).to_degrees();
        let turns = phases.last().map_or(0.0, |last: &f64| ((last - angle) / 360.0).round());
        phases.push(angle + 360.0 * turns);
    }
    let first = (gains.first().copied().unwrap_or(0.0), frequencies.first().copied().unwrap_or(0.0));
    let crossing = Spline::cubic(frequencies, &gains)
        .and_then(|gain| brent_root(|f| gain.at(f) - 1.0, first.1, *frequencies.last()?));
    match (crossing, Spline::quadratic(frequencies, &phases)) {
        (Some(bandwidth), Some(phase)) => {
            let phase = phase.at(bandwidth);
            (first.0, bandwidth, if phase > 0.0 { phase - 180.0 } else { phase + 180.0 })
        }
        _ => (first.0, first.1, -180.0),
    }
}

fn plan(own: &Own) -> Plan {
    let multiplier = |name: &str, what| Parameter::integer(name, 1, 99).describe(what);
    let core = CORE.replace("LENGTH", &format!("{}", own.length_um));
    let bench = if own.compat { DIFFERENTIAL } else { SERVO };
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
            Figure::more("gain", "1", "open-loop gain at 1 Hz").target(350.0, 200.0, 400.0).whole(),
            Figure::more("ugbw_hz", "Hz", "frequency at which the gain falls through 1")
                .target(9.5e5, 1e6, 2.5e7),
            Figure::more("phm_deg", "deg", "phase margin").target(60.0, 60.0, 60.000_000_1),
            Figure::less("ibias_a", "A", "supply current").target(1e-3, 1e-4, 1e-2),
        ],
        own: vec![("vdd", 1.2)],
        decks: vec![DeckPlan {
            deck: format!("* AutoCkt's two-stage amplifier, open loop\n{core}{bench}"),
            probes: OPEN_LOOP,
        }],
        extra_cards: "",
        bounds: Vec::new(),
        range_hz: (1.0, 1e10),
        small_signal_step: false,
        original_walk: own.compat,
        measure: if own.compat { measure_as_original } else { measure },
    }
}

/// The registry entry.
pub(crate) fn registry_entry() -> EnvEntry {
    let summary = "AutoCkt's two-stage amplifier: multipliers 1 to 99, its target ranges and reward";
    let entry = EnvEntry::new("opamp-autockt-v0", summary, |options| {
        let (own, shared) = options.split(&["compat", "length_um"]);
        let own: Own = own.parse()?;
        if !(0.01..=100.0).contains(&own.length_um) {
            return Err(EnvError::invalid("length_um", "give 0.01 to 100 um"));
        }
        Ok(Box::new(Sizing::new(|_| plan(&own), &shared)?))
    });
    shared_options(entry)
        .option("compat", "false", "the original's bench, measurements and observation, with their quirks")
        .option("length_um", "0.18", "channel length of all transistors in um; the original's is 0.09")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Poles at 20 kHz and 30 MHz, ten points per decade from 1 Hz to 10 GHz.
    fn response(gain: f64) -> (Vec<f64>, Vec<(f64, f64)>) {
        let frequencies: Vec<f64> = (0..=100).map(|k| 10f64.powf(f64::from(k) / 10.0)).collect();
        let at = |f: &f64| {
            let (a, b) = (f / 2e4, f / 3e7);
            let (re, im) = (1.0 - a * b, a + b);
            let size = re * re + im * im;
            (gain * re / size, -gain * im / size)
        };
        let response = frequencies.iter().map(at).collect();
        (frequencies, response)
    }

    #[test]
    fn figures_are_those_of_the_original() {
        // SciPy 1.17: spline, root and phase as the original takes them.
        let (frequencies, plain) = response(350.0);
        let (gain, bandwidth, margin) = original_figures(&frequencies, &plain);
        assert!((gain / 350.0 - 1.0).abs() < 1e-8);
        assert!((bandwidth / 6_824_832.542_312_649 - 1.0).abs() < 1e-9);
        assert!((margin - (180.0 - 102.648_485_295_558_49)).abs() < 1e-6, "{margin}");
        // An inverted output starts at 180 degrees, and the phase that is above 0 is taken off.
        let (_, inverted) = response(-350.0);
        let (_, _, margin) = original_figures(&frequencies, &inverted);
        assert!((margin - (77.351_514_704_441_51 - 180.0)).abs() < 1e-6, "{margin}");
        let (_, weak) = response(0.5);
        assert_eq!(original_figures(&frequencies, &weak).2, -180.0);
        assert_eq!(original_figures(&frequencies, &weak).1, 1.0);
    }
}
