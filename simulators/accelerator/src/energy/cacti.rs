//! SRAM energies: not CACTI itself, but a table of points that it gave, interpolated between them and scaled beyond them.
//!
//! Along the depth and the width the four quantities are interpolated linearly in their logarithms; on a point of the table
//! the result is the point, elsewhere it is as good as the tests below say. Below 64 rows and 32 bits the scaling of the Accelergy plug-in holds (energy with the 0.78th
//! power of the depth and with 0.7 of the width, area and leakage linearly); above 65536 rows and 256 bits the last slope
//! goes on. Banks and technology are factors measured at one and two sizes.

/// Read energy pJ, write energy pJ, leakage mW, area um^2; energies per access of the full width.
pub type Quantities = [f64; 4];

/// Width in bits, depth in rows, banks, technology in nm, quantities.
pub type Point = (u32, u32, u32, u32, Quantities);

/// What CACTI 7 gave by way of the Accelergy plug-in, which turns a width below 32 bits into one of 32 bits, scaled.
pub const POINTS: [Point; 37] = [
    (32, 64, 1, 45, [0.671565, 1.10514, 1.16591e-05, 1055.36]),
    (32, 256, 1, 45, [1.32373, 2.06548, 3.5316e-05, 3431.89]),
    (32, 1024, 1, 45, [2.86168, 3.73221, 0.000141511, 13180.6]),
    (32, 4096, 1, 45, [9.97801, 6.86756, 0.000471185, 50017.7]),
    (32, 16384, 1, 45, [17.8039, 13.4688, 0.00171688, 238696.0]),
    (32, 65536, 1, 45, [32.9192, 24.4175, 0.00667503, 821620.0]),
    (64, 64, 1, 45, [1.41365, 2.2808, 1.89185e-05, 2143.76]),
    (64, 256, 1, 45, [2.75566, 4.23915, 7.41733e-05, 7542.36]),
    (64, 1024, 1, 45, [6.13702, 7.87807, 0.000256785, 26267.3]),
    (64, 4096, 1, 45, [17.0418, 15.3975, 0.000923907, 94859.7]),
    (64, 16384, 1, 45, [32.2859, 26.065, 0.00334055, 429589.0]),
    (64, 65536, 1, 45, [68.3493, 51.346, 0.012496, 1.64463e+06]),
    (128, 64, 1, 45, [3.37845, 5.11277, 3.90173e-05, 5319.64]),
    (128, 256, 1, 45, [4.42684, 11.8899, 0.000140595, 14267.6]),
    (128, 1024, 1, 45, [10.7481, 23.2224, 0.000497793, 50649.4]),
    (128, 4096, 1, 45, [39.332, 36.0435, 0.00165181, 187953.0]),
    (128, 16384, 1, 45, [76.1191, 63.6773, 0.00626877, 887609.0]),
    (128, 65536, 1, 45, [153.433, 129.128, 0.0248517, 3.24735e+06]),
    (256, 64, 1, 45, [9.46053, 12.9292, 7.09633e-05, 13482.1]),
    (256, 256, 1, 45, [11.484, 26.4102, 0.000257769, 30797.9]),
    (256, 1024, 1, 45, [26.838, 51.7865, 0.000928967, 103395.0]),
    (256, 4096, 1, 45, [73.7616, 88.2016, 0.00331979, 473839.0]),
    (256, 16384, 1, 45, [167.908, 161.331, 0.0124637, 1.7977e+06]),
    (256, 65536, 1, 45, [353.951, 305.34, 0.0482658, 6.80054e+06]),
    (64, 16384, 2, 45, [31.5804, 25.3595, 0.0033506, 438278.0]),
    (64, 16384, 4, 45, [30.2369, 28.5926, 0.00376129, 411754.0]),
    (64, 16384, 8, 45, [27.9732, 27.0602, 0.00391008, 449338.0]),
    (64, 16384, 16, 45, [26.7335, 28.4746, 0.00452422, 471029.0]),
    (64, 16384, 32, 45, [27.7923, 28.5989, 0.00520682, 530829.0]),
    (16, 192, 1, 45, [0.627737, 1.53018, 1.5255e-05, 1330.32]),
    (16, 224, 1, 45, [0.783354, 1.20112, 1.4879e-05, 1509.18]),
    (64, 1024, 1, 22, [1.59026, 1.77144, 0.00161655, 6265.43]),
    (64, 1024, 1, 32, [3.44337, 4.27156, 0.00045001, 13287.2]),
    (64, 1024, 1, 65, [11.1253, 14.6927, 0.00177749, 54810.7]),
    (64, 16384, 1, 22, [7.40229, 6.16019, 0.0195391, 118839.0]),
    (64, 16384, 1, 32, [18.1554, 14.1095, 0.00564529, 217281.0]),
    (64, 16384, 1, 65, [59.3358, 49.595, 0.0216052, 896440.0]),
];

/// Energy and leakage below the smallest depth, as the plug-in scales them.
const DEPTH_EXPONENT: f64 = 0.78;

/// Estimates an SRAM of `depth` rows of `width_bits` bits in `banks` banks at `technology_nm`.
///
/// All arguments must be positive; [`super::Component::estimate`] checks them.
pub fn sram(width_bits: f64, depth: f64, banks: f64, technology_nm: f64) -> Quantities {
    let mut result = one_bank(width_bits, depth);
    let by_banks = bank_factors(banks);
    let by_technology = technology_factors(technology_nm, width_bits * depth / 8.0);
    for index in 0..4 {
        result[index] *= by_banks[index] * by_technology[index];
    }
    result
}

/// Factors from 45 nm to another technology for an SRAM of `bytes`.
///
/// Linear between the measured nodes, as in the plug-in. Below 22 nm energy falls with the square root and leakage and
/// area linearly; above 65 nm everything grows with the square.
pub fn technology_factors(technology_nm: f64, bytes: f64) -> Quantities {
    let at = |width: u32, depth: u32| {
        let reference = measured(width, depth, 1, 45);
        let nodes: Vec<(f64, Quantities)> = [22, 32, 45, 65]
            .into_iter()
            .map(|node| (f64::from(node), ratio(&measured(width, depth, 1, node), &reference)))
            .collect();
        at_node(technology_nm, &nodes)
    };
    let (small, large) = (at(64, 1024), at(64, 16384));
    let share = ((bytes / 8192.0).ln() / (131_072.0_f64 / 8192.0).ln()).clamp(0.0, 1.0);
    std::array::from_fn(|index| small[index].powf(1.0 - share) * large[index].powf(share))
}

fn at_node(technology_nm: f64, nodes: &[(f64, Quantities)]) -> Quantities {
    let (first, last) = (nodes[0], nodes[nodes.len() - 1]);
    if technology_nm <= first.0 {
        let shrink = technology_nm / first.0;
        let powers = [0.5, 0.5, 1.0, 1.0];
        return std::array::from_fn(|index| first.1[index] * shrink.powf(powers[index]));
    }
    if technology_nm >= last.0 {
        return last.1.map(|factor| factor * (technology_nm / last.0).powi(2));
    }
    let upper = nodes.iter().position(|node| node.0 >= technology_nm).unwrap_or(nodes.len() - 1);
    let (low, high) = (nodes[upper - 1], nodes[upper]);
    let share = (technology_nm - low.0) / (high.0 - low.0);
    std::array::from_fn(|index| low.1[index] + share * (high.1[index] - low.1[index]))
}

/// Factors from one bank to several, measured at 16384 rows of 64 bits; linear in the logarithm, constant beyond 32.
fn bank_factors(banks: f64) -> Quantities {
    let reference = measured(64, 16384, 1, 45);
    let knots: Vec<(f64, Quantities)> = [1, 2, 4, 8, 16, 32]
        .into_iter()
        .map(|banks| (f64::from(banks), ratio(&measured(64, 16384, banks, 45), &reference)))
        .collect();
    interpolate(&knots, banks.clamp(1.0, 32.0))
}

fn measured(width: u32, depth: u32, banks: u32, node: u32) -> Quantities {
    POINTS
        .iter()
        .find(|point| (point.0, point.1, point.2, point.3) == (width, depth, banks, node))
        .map_or([1.0; 4], |point| point.4)
}

fn ratio(of: &Quantities, to: &Quantities) -> Quantities {
    std::array::from_fn(|index| of[index] / to[index])
}

/// One bank at 45 nm.
fn one_bank(width_bits: f64, depth: f64) -> Quantities {
    let narrow = width_bits / 32.0;
    if narrow < 1.0 {
        let share = 0.7 * narrow + 0.3;
        return scale(&one_bank(32.0, depth), [share, share, narrow, narrow]);
    }
    let shallow = depth / 64.0;
    if shallow < 1.0 {
        let energy = shallow.powf(DEPTH_EXPONENT);
        return scale(&one_bank(width_bits, 64.0), [energy, energy, shallow, shallow]);
    }
    let curves: Vec<(f64, Quantities)> = [32, 64, 128, 256]
        .into_iter()
        .map(|width| (f64::from(width), interpolate(&depths(width), depth)))
        .collect();
    interpolate(&curves, width_bits)
}

fn scale(quantities: &Quantities, by: Quantities) -> Quantities {
    std::array::from_fn(|index| quantities[index] * by[index])
}

/// The measured depths of a width at one bank and 45 nm. A point of a narrower width than 32 bits is one of 32 bits, scaled.
fn depths(width: u32) -> Vec<(f64, Quantities)> {
    let mut knots: Vec<(f64, Quantities)> = Vec::new();
    for &(point_width, depth, banks, node, quantities) in &POINTS {
        if banks != 1 || node != 45 {
            continue;
        }
        if point_width.max(32) == width {
            let narrow = f64::from(point_width) / f64::from(width);
            let share = 0.7 * narrow + 0.3;
            knots
                .push((f64::from(depth), scale(&quantities, [share, share, narrow, narrow].map(f64::recip))));
        }
    }
    knots.sort_by(|a, b| a.0.total_cmp(&b.0));
    knots
}

/// Linear in the logarithms of the argument and of the values, between and beyond ascending knots.
fn interpolate(knots: &[(f64, Quantities)], at: f64) -> Quantities {
    let upper = knots.iter().position(|knot| knot.0 >= at).unwrap_or(knots.len() - 1).max(1);
    let (low, high) = (&knots[upper - 1], &knots[upper]);
    let share = (at / low.0).ln() / (high.0 / low.0).ln();
    std::array::from_fn(|index| low.1[index] * (high.1[index] / low.1[index]).powf(share))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_point_of_the_table_is_met() {
        POINTS.iter().for_each(met);
    }

    /// What CACTI gave for memories narrower or shallower than any in the table.
    #[test]
    fn points_beyond_the_table_are_met_by_scaling() {
        let beyond: [Point; 9] = [
            (16, 64, 1, 45, [0.436517, 0.718341, 5.82955e-06, 527.68]),
            (16, 256, 1, 45, [0.860424, 1.34256, 1.7658e-05, 1715.94]),
            (16, 1024, 1, 45, [1.86009, 2.42594, 7.07555e-05, 6590.3]),
            (16, 4096, 1, 45, [6.48571, 4.46391, 0.000235592, 25008.8]),
            (16, 16384, 1, 45, [11.5725, 8.75472, 0.00085844, 119348.0]),
            (16, 65536, 1, 45, [21.3975, 15.8714, 0.00333752, 410810.0]),
            (16, 12, 1, 45, [0.118288, 0.194658, 1.09304e-06, 98.94]),
            (16, 16, 1, 45, [0.148045, 0.243626, 1.45739e-06, 131.92]),
            (16, 24, 1, 45, [0.203117, 0.334253, 2.18608e-06, 197.88]),
        ];
        beyond.iter().for_each(met);
    }

    fn met(&(width, depth, banks, node, expected): &Point) {
        let ours = sram(f64::from(width), f64::from(depth), f64::from(banks), f64::from(node));
        for index in 0..4 {
            let error = (ours[index] / expected[index] - 1.0).abs();
            assert!(error < 0.001, "{width} x {depth}, {banks} banks, {node} nm, quantity {index}: {error}");
        }
    }

    #[test]
    fn leaving_a_point_out_keeps_it_near() {
        // The points between others along the depth, each predicted from its neighbours only: an estimate of the error
        // between points, which is larger than the error on them.
        let (mut worst, mut sum, mut count) = (0.0_f64, 0.0, 0);
        for width in [32, 64, 128, 256] {
            let knots = depths(width);
            for left_out in 1..knots.len() - 1 {
                let mut others = knots.clone();
                let (depth, expected) = others.remove(left_out);
                let error = (interpolate(&others, depth)[0] / expected[0]).ln().abs();
                worst = worst.max(error);
                sum += error;
                count += 1;
            }
        }
        assert!(worst < 0.7 && sum / f64::from(count) < 0.25, "{worst} {}", sum / f64::from(count));
    }

    #[test]
    fn larger_is_never_cheaper_along_the_measured_lines() {
        for width in [16.0, 32.0, 64.0, 100.0, 256.0, 512.0] {
            for step in 4..20 {
                let at = |step: i32| sram(width, 2f64.powi(step), 1.0, 45.0);
                assert!(at(step + 1)[0] > at(step)[0] && at(step + 1)[3] > at(step)[3]);
            }
        }
    }
}
