//! SPICE's voltage limiting: how far a Newton step may move a junction, a gate or a drain voltage.
//!
//! The rules are those of SPICE3 with A. Gillespie's changes, as ngspice has them. They decide the path of the iteration,
//! not the solution.

/// Limits a pn-junction voltage. Returns the voltage and whether it was limited.
#[inline]
#[must_use]
pub fn pn_junction(v_new: f64, v_old: f64, vt: f64, v_critical: f64) -> (f64, bool) {
    if v_new > v_critical && (v_new - v_old).abs() > vt + vt {
        if v_old > 0.0 {
            let x = (v_new - v_old) / vt;
            let v = if x > 0.0 {
                v_old + vt * (2.0 + (x - 2.0).ln())
            } else {
                v_old - vt * (2.0 + (2.0 - x).ln())
            };
            (v, true)
        } else {
            (vt * (v_new / vt).ln(), true)
        }
    } else if v_new < 0.0 {
        let floor = if v_old > 0.0 { -v_old - 1.0 } else { 2.0 * v_old - 1.0 };
        if v_new < floor { (floor, true) } else { (v_new, false) }
    } else {
        (v_new, false)
    }
}

/// Limits a gate-source voltage against the threshold voltage.
#[inline]
#[must_use]
pub fn gate(v_new: f64, v_old: f64, v_threshold: f64) -> f64 {
    let step_high = (2.0 * (v_old - v_threshold)).abs() + 2.0;
    let step_low = (v_old - v_threshold).abs() + 1.0;
    let v_on = v_threshold + 3.5;
    let step = v_new - v_old;
    if v_old >= v_threshold {
        if v_old >= v_on {
            if step <= 0.0 {
                if v_new >= v_on {
                    if -step > step_low { v_old - step_low } else { v_new }
                } else {
                    v_new.max(v_threshold + 2.0)
                }
            } else if step >= step_high {
                v_old + step_high
            } else {
                v_new
            }
        } else if step <= 0.0 {
            v_new.max(v_threshold - 0.5)
        } else {
            v_new.min(v_threshold + 4.0)
        }
    } else if step <= 0.0 {
        if -step > step_high { v_old - step_high } else { v_new }
    } else if v_new <= v_threshold + 0.5 {
        if step > step_low { v_old + step_low } else { v_new }
    } else {
        v_threshold + 0.5
    }
}

/// Limits a drain-source voltage.
#[inline]
#[must_use]
pub fn drain(v_new: f64, v_old: f64) -> f64 {
    if v_old >= 3.5 {
        if v_new > v_old {
            v_new.min(3.0 * v_old + 2.0)
        } else if v_new < 3.5 {
            v_new.max(2.0)
        } else {
            v_new
        }
    } else if v_new > v_old {
        v_new.min(4.0)
    } else {
        v_new.max(-0.5)
    }
}

/// Limits a rise of temperature to steps of about `step` kelvin. Returns the rise and whether it was limited.
#[inline]
#[must_use]
pub fn temperature(new: f64, old: f64, step: f64) -> (f64, bool) {
    let change = new - old;
    if change > step {
        (old + step + (change / step).log10(), true)
    } else if change < -step {
        (old - step - (-change / step).log10(), true)
    } else {
        (new, false)
    }
}

/// Critical voltage of a junction with saturation current `is` (amperes): where its exponential bends most.
#[inline]
#[must_use]
pub fn critical_voltage(vt: f64, is: f64) -> f64 {
    vt * (vt / (std::f64::consts::SQRT_2 * is)).ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_steps_pass_unchanged() {
        assert_eq!(pn_junction(0.61, 0.6, 0.0259, 0.7), (0.61, false));
        assert_eq!(gate(0.9, 0.8, 0.5), 0.9);
        assert_eq!(drain(1.0, 0.9), 1.0);
    }

    #[test]
    fn large_forward_steps_become_logarithmic() {
        let (v, limited) = pn_junction(5.0, 0.7, 0.0259, 0.6);
        assert!(limited && v > 0.7 && v < 1.0);
    }

    #[test]
    fn reverse_steps_have_a_floor() {
        assert_eq!(pn_junction(-10.0, 0.5, 0.0259, 0.6), (-1.5, true));
        assert_eq!(pn_junction(-10.0, -1.0, 0.0259, 0.6), (-3.0, true));
    }

    #[test]
    fn gate_crosses_the_threshold_in_two_steps() {
        assert_eq!(gate(5.0, 0.0, 0.7), 1.2);
        assert_eq!(gate(5.0, 1.2, 0.7), 4.7);
    }
}
