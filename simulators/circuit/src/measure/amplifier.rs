//! The figures of merit of amplifiers: gain, bandwidth, phase margin, slew rate and settling, by fixed interpolation rules.

/// Open-loop figures from a frequency response.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OpenLoop {
    /// 20 log10 |H| at the first frequency.
    pub gain_db: f64,
    /// Frequency where |H| falls to |H(first)|/sqrt 2, Hz; NaN if it does not.
    pub f3db_hz: f64,
    /// Frequency where |H| falls to 1, Hz; NaN if it does not.
    pub unity_gain_hz: f64,
    /// 180 degrees minus the phase lag accumulated from the first frequency to the unity-gain frequency; NaN without one.
    pub phase_margin_deg: f64,
}

/// Index of the interval and weight in it where a falling magnitude crosses `level`, by interpolation of its logarithm over log f.
fn falling(magnitude: &[f64], level: f64) -> Option<(usize, f64)> {
    let i = magnitude.windows(2).position(|w| w[0] >= level && w[1] < level)?;
    let (a, b) = (magnitude[i].log10(), magnitude[i + 1].log10());
    Some((i, (a - level.log10()) / (a - b)))
}

/// Open-loop figures of a response `h` (real and imaginary parts) over `frequencies` (Hz, logarithmic, both of equal length).
/// Crossings are the first ones, interpolated in log-log; the phase is unwrapped and interpolated with the same weight.
pub fn open_loop(frequencies: &[f64], h: &[(f64, f64)]) -> OpenLoop {
    let magnitude: Vec<f64> = h.iter().map(|(re, im)| re.hypot(*im)).collect();
    let mut phase: Vec<f64> = h.iter().map(|(re, im)| im.atan2(*re).to_degrees()).collect();
    super::unwrap_degrees(&mut phase);
    let first = magnitude.first().copied().unwrap_or(f64::NAN);
    let log = |i: usize| frequencies[i].log10();
    let at = |crossing: Option<(usize, f64)>| {
        crossing.map_or(f64::NAN, |(i, w)| 10f64.powf(log(i) + w * (log(i + 1) - log(i))))
    };
    let unity = falling(&magnitude, 1.0);
    let margin =
        unity.map_or(f64::NAN, |(i, w)| 180.0 - (phase[0] - (phase[i] + w * (phase[i + 1] - phase[i]))));
    OpenLoop {
        gain_db: 20.0 * first.log10(),
        f3db_hz: at(falling(&magnitude, first / std::f64::consts::SQRT_2)),
        unity_gain_hz: at(unity),
        phase_margin_deg: margin,
    }
}

/// A pulse applied to a buffer: levels in volts, times in seconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Step {
    /// Low level, V.
    pub low: f64,
    /// High level, V.
    pub high: f64,
    /// Time of the rising edge, s.
    pub rise_at: f64,
    /// Time of the falling edge, s.
    pub fall_at: f64,
}

/// Large-signal figures from the response of a buffer to a pulse.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StepResponse {
    /// Slew rate of the rising edge between 20 % and 80 % of the ideal step, V/s; NaN if a level is not reached.
    pub slew_rise: f64,
    /// Slew rate of the falling edge, V/s, positive.
    pub slew_fall: f64,
    /// Time from the rising edge until the output stays within 1 % of the step around its last value before the falling edge, s.
    pub settle_rise: f64,
}

/// First crossing of `level` after `from` by linear interpolation.
fn crossing(time: &[f64], v: &[f64], from: f64, level: f64, upward: bool) -> Option<f64> {
    for i in 1..time.len() {
        if time[i] < from {
            continue;
        }
        let (a, b) = (v[i - 1], v[i]);
        let hit = if upward { a < level && b >= level } else { a > level && b <= level };
        if hit {
            return Some(time[i - 1] + (time[i] - time[i - 1]) * (level - a) / (b - a));
        }
    }
    None
}

/// Large-signal figures of an output `v` over `time` (same length) for a pulse at the input.
pub fn step_response(time: &[f64], v: &[f64], step: Step) -> StepResponse {
    let height = step.high - step.low;
    let (low, high) = (step.low + 0.2 * height, step.low + 0.8 * height);
    let slew = |from: f64, a: f64, b: f64, upward: bool| {
        let t = (crossing(time, v, from, a, upward), crossing(time, v, from, b, upward));
        if let (Some(t0), Some(t1)) = t { 0.6 * height / (t1 - t0) } else { f64::NAN }
    };
    let window = || time.iter().zip(v).filter(|(t, _)| **t >= step.rise_at && **t <= step.fall_at);
    let last = window().next_back().map_or(f64::NAN, |(_, v)| *v);
    let outside = window().rfind(|(_, v)| (**v - last).abs() > 0.01 * height);
    StepResponse {
        slew_rise: slew(step.rise_at, low, high, true),
        slew_fall: slew(step.fall_at, high, low, false),
        settle_rise: outside.map_or(0.0, |(t, _)| t - step.rise_at),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_single_pole_has_its_textbook_figures() {
        let (gain, pole) = (1000.0, 1e4);
        let f: Vec<f64> = (0..=200).map(|i| 10f64.powf(f64::from(i) / 20.0)).collect();
        let h: Vec<(f64, f64)> = f
            .iter()
            .map(|f| (gain / (1.0 + (f / pole).powi(2)), -gain * f / pole / (1.0 + (f / pole).powi(2))))
            .collect();
        let o = open_loop(&f, &h);
        assert!((o.gain_db - 60.0).abs() < 1e-6);
        assert!((o.f3db_hz / pole - 1.0).abs() < 5e-3);
        assert!((o.unity_gain_hz / (gain * pole) - 1.0).abs() < 1e-4);
        assert!((o.phase_margin_deg - 90.0).abs() < 0.1);
    }

    #[test]
    fn a_ramp_slews_and_settles() {
        let time: Vec<f64> = (0..=1000).map(|i| f64::from(i) * 1e-9).collect();
        let v: Vec<f64> = time.iter().map(|t| ((t - 100e-9) * 1e7).clamp(0.0, 1.0)).collect();
        let r = step_response(&time, &v, Step { low: 0.0, high: 1.0, rise_at: 100e-9, fall_at: 900e-9 });
        assert!((r.slew_rise / 1e7 - 1.0).abs() < 1e-9);
        assert!(r.slew_fall.is_nan());
        assert!((r.settle_rise - 98e-9).abs() < 2e-9);
    }
}
