//! Logic from the Aladdin tables: dynamic and idle energy per action and area at 40/45 nm, by the latency of a unit.

/// Dynamic energy pJ, idle energy pJ and area um^2 of one unit at latencies of 1, 2 and 5 ns.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Unit {
    rows: [[f64; 3]; 3],
    /// Bits of the tabulated unit.
    bits: f64,
    /// Energy and area grow with this power of the bits.
    power: i32,
}

/// Latencies of the rows in ns.
const LATENCIES_NS: [f64; 3] = [1.0, 2.0, 5.0];

const fn unit(rows: [[f64; 3]; 3], bits: f64, power: i32) -> Unit {
    Unit { rows, bits, power }
}

/// Integer adder, 32 bits, linear in the bits.
pub const INT_ADDER: Unit =
    unit([[0.21, 0.0023, 278.0], [0.0858, 0.0048, 179.0], [0.0857, 0.0119, 179.0]], 32.0, 1);
/// Integer multiplier, 32 bits, quadratic in the bits.
pub const INT_MULTIPLIER: Unit =
    unit([[12.68, 0.08, 6350.0], [9.55, 0.1, 5140.0], [8.63, 0.24, 4600.0]], 32.0, 2);
/// Comparator, 32 bits, linear.
pub const COMPARATOR: Unit =
    unit([[0.029_47, 2.5e-5, 71.0], [0.028_966, 4.8e-5, 70.0], [0.029_015, 1.2e-4, 70.0]], 32.0, 1);
/// Counter, 32 bits, linear.
pub const COUNTER: Unit =
    unit([[0.250_74, 3.2e-4, 495.5], [0.214_62, 1.9e-4, 259.0], [0.206_325, 4.1e-4, 250.5]], 32.0, 1);
/// Register, per bit.
pub const REGISTER: Unit =
    unit([[0.009, 7e-5, 5.98], [0.009_01, 1.5e-4, 5.98], [0.009, 3.7e-4, 5.98]], 1.0, 1);
/// Bitwise operator, per bit.
pub const BITWISE: Unit = unit([[0.0181, 0.001, 50.4], [0.018, 0.001, 50.4], [0.018, 0.003, 50.4]], 1.0, 1);
/// Floating-point adder, 32 bits, linear.
pub const FLOAT_ADDER: Unit =
    unit([[16.679, 0.159, 4360.0], [11.026, 0.129, 3010.0], [7.928, 0.228, 2060.0]], 32.0, 1);
/// Floating-point multiplier, 32 bits, quadratic.
pub const FLOAT_MULTIPLIER: Unit =
    unit([[35.3, 0.36, 4360.0], [29.7, 0.357, 3010.0], [24.4, 0.632, 2060.0]], 32.0, 2);
/// Crossbar of one input and four outputs of 32 bits; the 1 ns row is not in the source and repeats that of 2 ns.
pub const CROSSBAR_1TO4: Unit =
    unit([[0.6804, 3.2e-4, 569.5], [0.6804, 3.2e-4, 569.5], [0.682_15, 8.0e-4, 569.5]], 32.0, 1);

/// Wire capacitance per length in F/um (with a switching activity of 0.2 at 1 V).
const WIRE_FARAD_PER_UM: f64 = 1.627e-15;
const WIRE_ACTIVITY: f64 = 0.2;

/// Dynamic energy pJ, idle energy pJ per cycle, area um^2.
pub type Logic = [f64; 3];

impl Unit {
    /// A unit of `bits` bits whose result must be there after `latency_ns`: the slowest row that is fast enough.
    pub fn estimate(&self, bits: f64, latency_ns: f64) -> Logic {
        let row = LATENCIES_NS.iter().rposition(|&latency| latency <= latency_ns).unwrap_or(0);
        let factor = (bits / self.bits).powi(self.power);
        self.rows[row].map(|value| value * factor)
    }
}

/// Sum of two units.
pub fn both(left: Logic, right: Logic) -> Logic {
    std::array::from_fn(|index| left[index] + right[index])
}

/// Integer multiply-accumulate: a multiplier and an adder of the same width.
pub fn int_mac(bits: f64, latency_ns: f64) -> Logic {
    both(INT_MULTIPLIER.estimate(bits, latency_ns), INT_ADDER.estimate(bits, latency_ns))
}

/// Energy of moving `bits` over `length_um` of wire in pJ.
pub fn wire_pj(bits: f64, length_um: f64) -> f64 {
    bits * WIRE_ACTIVITY * WIRE_FARAD_PER_UM * length_um * 1e12
}

/// A register file of `depth` words of `width_bits`: an access moves one word of registers and compares the address with
/// that of every word.
pub fn register_file(width_bits: f64, depth: f64, latency_ns: f64) -> Logic {
    let register = REGISTER.estimate(1.0, latency_ns);
    let compare = COMPARATOR.estimate(depth.log2().ceil().max(1.0), latency_ns);
    [
        register[0] * width_bits + compare[0] * depth,
        (register[1] * width_bits + compare[1]) * depth,
        (register[2] * width_bits + compare[2]) * depth,
    ]
}

/// The same with the formula of the Accelergy plug-in, which counts one bit of registers whatever the width and depth.
pub fn register_file_plugin(depth: f64, latency_ns: f64) -> Logic {
    let register = REGISTER.estimate(1.0, latency_ns);
    let compare = COMPARATOR.estimate(depth.log2().ceil(), latency_ns);
    std::array::from_fn(|index| register[index] + compare[index] * depth)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_values_are_met() {
        // 16-bit integer multiply-accumulate at 1 ns: 0.105 + 3.17 pJ.
        let mac = int_mac(16.0, 1.0);
        assert!((mac[0] - (0.105 + 3.17)).abs() < 1e-9, "{mac:?}");
        assert_eq!(INT_ADDER.estimate(32.0, 5.0), [0.0857, 0.0119, 179.0]);
        assert_eq!(INT_ADDER.estimate(32.0, 0.5), [0.21, 0.0023, 278.0]);
        assert_eq!(INT_MULTIPLIER.estimate(32.0, 3.0)[0], 9.55);
        assert!((wire_pj(64.0, 1000.0) - 64.0 * 0.2 * 1.627).abs() < 1e-9);
    }

    #[test]
    fn register_files_grow_with_width_and_depth() {
        assert!(register_file(32.0, 16.0, 5.0)[0] > register_file(16.0, 16.0, 5.0)[0]);
        assert!(register_file(16.0, 64.0, 5.0)[2] > 3.0 * register_file(16.0, 16.0, 5.0)[2]);
        assert!(register_file_plugin(16.0, 5.0)[0] < register_file(16.0, 16.0, 5.0)[0]);
    }
}
