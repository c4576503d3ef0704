//! Figures read off responses: gain, bandwidth and phase margin of a loop; slew rate and settling of a step.

use super::miss::Miss;

/// Figures of an open-loop response.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct LoopFigures {
    pub(super) gain_db: f64,
    pub(super) unity_gain_hz: f64,
    pub(super) phase_margin_deg: f64,
}

/// Gain at the first frequency, unity-gain crossing (first downward one, log-log interpolation) and phase margin
/// `180 - (phase(first) - phase(crossing))`, phase unwrapped.
///
/// # Errors
/// The response never falls through unity.
pub(super) fn loop_figures(frequencies: &[f64], response: &[(f64, f64)]) -> Result<LoopFigures, Miss> {
    let magnitude = |(re, im): (f64, f64)| re.hypot(im);
    let angle = |(re, im): (f64, f64)| im.atan2(re);
    let first = response.first().copied().unwrap_or_default();
    let dc = magnitude(first);
    if dc <= 1.0 || dc.is_nan() {
        return Err(Miss::new("the gain at the lowest frequency is above 1", 1.0 - dc));
    }
    let (mut phase, mut last) = (0.0, first);
    for k in 1..response.len().min(frequencies.len()) {
        let now = response[k];
        let mut turn = angle(now) - angle(last);
        turn -= (turn / std::f64::consts::TAU).round() * std::f64::consts::TAU;
        let (a, b) = (magnitude(last), magnitude(now));
        if a >= 1.0 && b < 1.0 {
            let weight = a.ln() / (a.ln() - b.ln());
            let (fa, fb) = (frequencies[k - 1].ln(), frequencies[k].ln());
            return Ok(LoopFigures {
                gain_db: 20.0 * dc.log10(),
                unity_gain_hz: (fa + weight * (fb - fa)).exp(),
                phase_margin_deg: 180.0 + (phase + weight * turn).to_degrees(),
            });
        }
        phase += turn;
        last = now;
    }
    Err(Miss::new("the gain falls through 1 within the frequency range", magnitude(last).ln().max(1e-3)))
}

/// A step from `low` to `high` at `rise_s` and back at `fall_s`.
#[derive(Clone, Copy, Debug)]
pub(super) struct StepInput {
    pub(super) low: f64,
    pub(super) high: f64,
    pub(super) rise_s: f64,
    pub(super) fall_s: f64,
}

/// Figures of a step response.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct StepFigures {
    /// The slower of the two edges between 20 % and 80 %, V/s.
    pub(super) slew_v_per_s: f64,
    /// Time after the rising step until the output stays within 1 % of the step around its final value, s.
    pub(super) settling_s: f64,
}

/// Reads a step response given as flat rows `time, value`.
///
/// # Errors
/// An edge that does not reach 80 % of its step.
pub(super) fn step_figures(rows: &[f64], input: StepInput) -> Result<StepFigures, Miss> {
    let step = input.high - input.low;
    let levels = [input.low + 0.2 * step, input.low + 0.8 * step];
    // First crossing of a level after `from`, upward or downward.
    let crossing = |from: f64, level: f64, up: bool| {
        rows.chunks_exact(2).zip(rows.chunks_exact(2).skip(1)).find_map(|(a, b)| {
            let (before, after) =
                if up { (a[1] < level, b[1] >= level) } else { (a[1] > level, b[1] <= level) };
            (a[0] >= from && before && after).then(|| a[0] + (level - a[1]) / (b[1] - a[1]) * (b[0] - a[0]))
        })
    };
    let missing =
        |edge: &str| Miss::new(format!("the {edge} edge of the step response covers 80 % of the step"), 1.0);
    let rising = (crossing(input.rise_s, levels[0], true), crossing(input.rise_s, levels[1], true));
    let falling = (crossing(input.fall_s, levels[1], false), crossing(input.fall_s, levels[0], false));
    let (Some(a), Some(b)) = rising else { return Err(missing("rising")) };
    let (Some(c), Some(d)) = falling else { return Err(missing("falling")) };
    let slew = |t: f64| 0.6 * step / t.abs().max(1e-15);
    let window = || rows.chunks_exact(2).filter(|row| row[0] >= input.rise_s && row[0] <= input.fall_s);
    let last = window().next_back().map_or(input.high, |row| row[1]);
    let outside = window().rfind(|row| (row[1] - last).abs() > 0.01 * step);
    let settling_s = outside.map_or(0.0, |row| row[0] - input.rise_s);
    Ok(StepFigures { slew_v_per_s: slew(b - a).min(slew(d - c)), settling_s })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_poles_have_their_textbook_phase_margin() {
        let frequencies: Vec<f64> = (0..=180).map(|k| 10f64.powf(f64::from(k) / 20.0)).collect();
        // 60 dB, poles at 1 kHz and 1 MHz: about 52 degrees at 786 kHz.
        let response: Vec<(f64, f64)> = frequencies
            .iter()
            .map(|f| {
                let (a, b) = (f / 1e3, f / 1e6);
                let (re, im) = (1.0 - a * b, a + b);
                let d = re * re + im * im;
                (1e3 * re / d, -1e3 * im / d)
            })
            .collect();
        let figures = loop_figures(&frequencies, &response).unwrap();
        assert!((figures.gain_db - 60.0).abs() < 1e-4);
        assert!((figures.unity_gain_hz / 786.15e3 - 1.0).abs() < 2e-3, "{figures:?}");
        assert!((figures.phase_margin_deg - 51.9).abs() < 0.2, "{figures:?}");
        assert!(loop_figures(&[1.0, 10.0], &[(0.5, 0.0), (0.4, 0.0)]).is_err());
    }

    #[test]
    fn a_ramp_slews_at_its_slope() {
        let mut rows = Vec::new();
        for k in 0..=100 {
            let t = f64::from(k) * 1e-8;
            let v = if t <= 5e-7 { (t * 1e7).min(1.0) } else { (1.0 - (t - 5e-7) * 1e7).max(0.0) };
            rows.extend([t, v]);
        }
        let input = StepInput { low: 0.0, high: 1.0, rise_s: 0.0, fall_s: 5e-7 };
        let figures = step_figures(&rows, input).unwrap();
        assert!((figures.slew_v_per_s / 1e7 - 1.0).abs() < 1e-9);
        assert!((figures.settling_s - 9e-8).abs() < 1.1e-8, "{figures:?}");
    }
}
