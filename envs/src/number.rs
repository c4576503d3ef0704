//! Numbers as people read them.

/// The value with this many significant digits, 1 to 17: plain between a thousandth and a million, in engineering notation (an exponent that
/// is a multiple of three) elsewhere.
///
/// ```
/// use hwgym_envs::number::significant;
/// assert_eq!(significant(2.345678e-9, 4), "2.346e-9");
/// assert_eq!(significant(0.0456789, 4), "0.04568");
/// assert_eq!(significant(-123456.7, 4), "-123457");
/// assert_eq!(significant(98.76543e9, 4), "98.77e9");
/// assert_eq!(significant(0.0, 4), "0");
/// ```
pub fn significant(value: f64, digits: usize) -> String {
    let digits = digits.clamp(1, 17);
    if value == 0.0 || !value.is_finite() {
        return if value == 0.0 { "0".into() } else { value.to_string() };
    }
    // Rounded first: 999.96 with four digits is 1000.
    let rounded: f64 = format!("{value:.*e}", digits - 1).parse().unwrap_or(value);
    let exponent = rounded.abs().log10().floor() as i32;
    let decimals = |exponent: i32| usize::try_from(digits as i32 - 1 - exponent).unwrap_or(0);
    if (-3..6).contains(&exponent) {
        return format!("{value:.*}", decimals(exponent));
    }
    let thousands = 3 * exponent.div_euclid(3);
    let mantissa = rounded / 10f64.powi(thousands);
    format!("{mantissa:.*}e{thousands}", decimals(exponent - thousands))
}

#[cfg(test)]
mod tests {
    use super::significant;

    #[test]
    fn small_values_keep_their_digits() {
        for (value, expected) in [
            (1e-9, "1.00000e-9"),
            (0.000002, "2.00000e-6"),
            (999.9996e-6, "0.00100000"),
            (0.00123456789, "0.00123457"),
            (1e6, "1.00000e6"),
            (999_999.4, "999999"),
            (123.0, "123.000"),
            (-4.5e-15, "-4.50000e-15"),
        ] {
            assert_eq!(significant(value, 6), expected, "{value}");
        }
        assert_eq!(significant(f64::NAN, 3), "NaN");
        // What is printed is the value, to the digits asked for.
        for exponent in -300..300 {
            let value = 1.23456789 * 10f64.powi(exponent);
            let read: f64 = significant(value, 6).parse().unwrap();
            assert!((read / value - 1.0).abs() < 1e-5, "{value} as {}", significant(value, 6));
        }
    }
}
