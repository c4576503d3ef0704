//! Measurements that the amplifiers share: open loop with a DC servo, unity-gain step response, input noise, power, area.

use hwgym_simulators::circuit::TranSpec;

use super::miss::Miss;
use super::response::{LoopFigures, StepFigures, StepInput, loop_figures, step_figures};
use super::sizing::{Figure, Station};

/// Probes of an open-loop deck, in this order.
pub(super) const OPEN_LOOP: &[&str] = &["v(out)", "i(vdd)"];
/// Probes of a follower deck.
pub(super) const FOLLOWER: &[&str] = &["v(out)"];
/// The output may be this far from the common-mode level that the servo asks for, V.
const OFFSET_LIMIT: f64 = 0.05;

/// The figures of an amplifier, in the order of [`measure`].
pub(super) fn figures(load_pf: f64) -> Vec<Figure> {
    let merit = format!("unity-gain bandwidth times {load_pf} pF load over power");
    vec![
        Figure::more("gain_db", "dB", "open-loop gain at 1 Hz"),
        Figure::more(
            "unity_gain_bandwidth_hz",
            "Hz",
            "frequency at which the open-loop gain falls through 1",
        ),
        Figure::more(
            "phase_margin_deg",
            "deg",
            "180 degrees minus the phase turned up to the unity-gain frequency",
        ),
        Figure::less("power_w", "W", "supply voltage times supply current"),
        Figure::less("input_noise_1khz_v_per_rthz", "V/rtHz", "input-referred noise density at 1 kHz"),
        Figure::less("input_noise_1mhz_v_per_rthz", "V/rtHz", "input-referred noise density at 1 MHz"),
        Figure::less("offset_v", "V", "distance of the output from the input common mode in unity feedback"),
        Figure::more(
            "slew_rate_v_per_s",
            "V/s",
            "20 to 80 % slope of the slower edge of a 0.3 V step as follower",
        )
        .in_time(),
        Figure::less("settling_time_s", "s", "time until the follower stays within 1 % of the step")
            .in_time(),
        Figure::less("area_um2", "um2", "gate area plus capacitor area at 2 fF/um2"),
        Figure::more("figure_of_merit", "MHz pF/mW", &merit),
    ]
}

/// What an amplifier's measurement needs to know of it.
pub(super) struct Amplifier {
    pub(super) common_mode_v: f64,
    pub(super) load_pf: f64,
    /// Input step of the follower, V, at 0.2 us and back 2 us later.
    pub(super) step_v: (f64, f64),
    /// Compensation capacitor, pF.
    pub(super) capacitor_pf: f64,
}

/// Open-loop figures of bench 0: gain, bandwidth, margin, and the output's distance from the common mode.
pub(super) fn open_loop(station: &mut Station, common_mode_v: f64) -> Result<(LoopFigures, f64, f64), Miss> {
    let (sweep, frequencies) = (*station.sweep, station.frequencies);
    let bench = &mut station.benches[0];
    bench.operating_point()?;
    let offset = (bench.value(0) - common_mode_v).abs();
    let supply_current = bench.value(1).abs();
    if offset > OFFSET_LIMIT {
        return Err(Miss::new(
            format!("the amplifier biases: its output follows the common mode within {OFFSET_LIMIT} V"),
            offset - OFFSET_LIMIT,
        ));
    }
    bench.ac(&sweep, frequencies, 0)?;
    Ok((loop_figures(frequencies, &bench.complex)?, offset, supply_current))
}

/// Measures an amplifier: bench 0 is the open loop, bench 1 the follower.
pub(super) fn measure(station: &mut Station, amplifier: &Amplifier) -> Result<Vec<f64>, Miss> {
    let (figures, offset, supply_current) = open_loop(station, amplifier.common_mode_v)?;
    let power = station.supply_v * supply_current;
    let mut noise = Vec::with_capacity(2);
    station.benches[0].input_noise(&[1e3, 1e6], 0, "vsig", &mut noise)?;
    let step = if station.options.transient {
        follower(station, amplifier.step_v)?
    } else {
        small_signal_step(figures.unity_gain_hz, amplifier.step_v.1 - amplifier.step_v.0)
    };
    let area = station.gate_area_um2 + amplifier.capacitor_pf * 500.0;
    let merit = figures.unity_gain_hz * 1e-6 * amplifier.load_pf / (power * 1e3);
    Ok(vec![
        figures.gain_db,
        figures.unity_gain_hz,
        figures.phase_margin_deg,
        power,
        noise[0],
        noise[1],
        offset,
        step.slew_v_per_s,
        step.settling_s,
        area,
        merit,
    ])
}

/// What the step response would be if the follower had one pole, at the unity-gain frequency, and no limit to its slope: the slope from 20 to
/// 80 % and the time to 1 %. Slewing and a poor phase margin make the true one slower.
fn small_signal_step(unity_gain_hz: f64, step_v: f64) -> StepFigures {
    let rate = 2.0 * std::f64::consts::PI * unity_gain_hz;
    StepFigures { slew_v_per_s: 0.6 * step_v * rate / 4f64.ln(), settling_s: 100f64.ln() / rate }
}

/// Step response of bench 1.
fn follower(station: &mut Station, (low, high): (f64, f64)) -> Result<StepFigures, Miss> {
    let spec = TranSpec { step: 2e-9, stop: 4.2e-6, start: 0.0, max_step: Some(1e-8), uic: false };
    let bench = &mut station.benches[1];
    bench.transient(spec, &[0])?;
    step_figures(&bench.rows, StepInput { low, high, rise_s: 0.2e-6, fall_s: 2.202e-6 })
}
