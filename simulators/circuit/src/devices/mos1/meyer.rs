//! Meyer's gate capacitances: three two-terminal capacitors, each kept as half its value.

/// Half of the gate-source, gate-drain and gate-body capacitance (without overlaps) of a channel of oxide capacitance
/// `cox` (F), in the mode frame.
pub(super) fn meyer(vgst: f64, vds: f64, vdsat: f64, phi: f64, cox: f64) -> [f64; 3] {
    let vdsat = vdsat.max(0.025);
    // How the channel part divides between source and drain.
    let split = |total: f64| {
        if vds >= vdsat {
            return (total, 0.0);
        }
        let (a, b) = (2.0 * vdsat - vds, vdsat - vds);
        let square = a * a;
        (total * (1.0 - b * b / square), total * (1.0 - vdsat * vdsat / square))
    };
    if vgst <= -phi {
        [0.0, 0.0, cox / 2.0]
    } else if vgst <= -phi / 2.0 {
        [0.0, 0.0, -vgst * cox / (2.0 * phi)]
    } else if vgst <= 0.0 {
        let (source, drain) = split(vgst * cox / (1.5 * phi) + cox / 3.0);
        [source, drain, -vgst * cox / (2.0 * phi)]
    } else {
        let (source, drain) = split(cox / 3.0);
        [source, drain, 0.0]
    }
}

#[cfg(test)]
mod tests {
    use super::meyer;

    #[test]
    fn regions_have_their_classical_values() {
        assert_eq!(meyer(-1.0, 1.0, 0.0, 0.7, 2.0), [0.0, 0.0, 1.0]);
        let [source, drain, body] = meyer(1.0, 2.0, 1.0, 0.7, 3.0);
        assert_eq!((source, drain, body), (1.0, 0.0, 0.0));
        let [source, drain, _] = meyer(1.0, 0.0, 1.0, 0.7, 4.0);
        assert!((source - 1.0).abs() < 1e-15 && (drain - 1.0).abs() < 1e-15);
    }
}
