//! Units of numbers that tools print: `12.5 MHz` is 12.5e6 Hz.

/// Units with what they are in their base unit, where a prefix does not say it.
const WORDS: [(&str, f64, &str); 24] = [
    ("1", 1.0, "1"),
    ("", 1.0, "1"),
    ("%", 0.01, "1"),
    ("percent", 0.01, "1"),
    ("ppm", 1e-6, "1"),
    ("min", 60.0, "s"),
    ("h", 3600.0, "s"),
    ("sec", 1.0, "s"),
    ("secs", 1.0, "s"),
    ("second", 1.0, "s"),
    ("seconds", 1.0, "s"),
    ("usec", 1e-6, "s"),
    ("msec", 1e-3, "s"),
    ("byte", 1.0, "B"),
    ("bytes", 1.0, "B"),
    ("bits", 1.0, "bit"),
    ("cycles", 1.0, "cycle"),
    ("ohms", 1.0, "ohm"),
    ("Ohm", 1.0, "ohm"),
    ("Ohms", 1.0, "ohm"),
    ("Ω", 1.0, "ohm"),
    ("Watt", 1.0, "W"),
    ("Watts", 1.0, "W"),
    ("Joules", 1.0, "J"),
];

/// Units that take prefixes, with the power to which a prefix is taken (a square millimetre is a millionth of a square metre).
const BASES: [(&str, i32, &str); 26] = [
    ("m^2", 2, "m2"),
    ("m2", 2, "m2"),
    ("m²", 2, "m2"),
    ("bit", 1, "bit"),
    ("Hz", 1, "Hz"),
    ("hz", 1, "Hz"),
    ("ohm", 1, "ohm"),
    ("Ohm", 1, "ohm"),
    ("Ω", 1, "ohm"),
    ("cycle", 1, "cycle"),
    ("OPS", 1, "OPS"),
    ("FLOPS", 1, "FLOPS"),
    ("byte", 1, "B"),
    ("sec", 1, "s"),
    ("s", 1, "s"),
    ("V", 1, "V"),
    ("A", 1, "A"),
    ("W", 1, "W"),
    ("J", 1, "J"),
    ("F", 1, "F"),
    ("H", 1, "H"),
    ("B", 1, "B"),
    ("T", 1, "T"),
    ("g", 1, "g"),
    ("K", 1, "K"),
    ("m", 1, "m"),
];

const PREFIXES: [(&str, f64); 21] = [
    ("", 1.0),
    ("a", 1e-18),
    ("f", 1e-15),
    ("p", 1e-12),
    ("n", 1e-9),
    ("u", 1e-6),
    ("µ", 1e-6),
    ("μ", 1e-6),
    ("m", 1e-3),
    ("c", 1e-2),
    ("k", 1e3),
    ("K", 1e3),
    ("M", 1e6),
    ("G", 1e9),
    ("T", 1e12),
    ("P", 1e15),
    ("Ki", 1024.0),
    ("ki", 1024.0),
    ("Mi", 1_048_576.0),
    ("Gi", 1_073_741_824.0),
    ("Ti", 1_099_511_627_776.0),
];

/// The factor from a number in one unit to a number in another; `None` if they measure different things, or one is not known.
pub(super) fn factor(from: &str, to: &str) -> Option<f64> {
    let (from, to) = (from.trim(), to.trim());
    if from == to {
        return Some(1.0);
    }
    let ((a, base_a), (b, base_b)) = (base(from)?, base(to)?);
    (base_a == base_b).then(|| {
        // Prefixes are whole multiples one way or the other; their quotient carries no rounding of its own.
        let (times, parts) = (a / b, b / a);
        let whole = |x: f64| x >= 1.0 && (x - x.round()).abs() < 1e-9 * x;
        match (whole(times), whole(parts)) {
            (true, _) => times.round(),
            (_, true) => 1.0 / parts.round(),
            _ => times,
        }
    })
}

/// The size of a unit and the base unit it is measured in.
fn base(unit: &str) -> Option<(f64, String)> {
    if let Some((above, below)) = unit.split_once('/') {
        let ((a, above), (b, below)) = (base(above.trim())?, base(below.trim())?);
        return Some((a / b, format!("{above}/{below}")));
    }
    if let Some((_, size, base)) = WORDS.iter().find(|(word, ..)| *word == unit) {
        return Some((*size, (*base).into()));
    }
    BASES.iter().find_map(|(suffix, power, base)| {
        let prefix = unit.strip_suffix(suffix)?;
        let (_, size) = PREFIXES.iter().find(|(known, _)| *known == prefix)?;
        Some((size.powi(*power), (*base).to_string()))
    })
}

/// A number and what stands behind it, as in `12.5 MHz`. `None` if it does not begin with a number.
pub(super) fn split(text: &str) -> Option<(f64, &str)> {
    let text = text.trim();
    let number_of = |end: usize| text[..end].parse::<f64>().ok();
    if let Some(number) = number_of(text.len()) {
        return Some((number, ""));
    }
    let digits = |c: char| c.is_ascii_digit() || ".+-eE".contains(c);
    let longest = text.find(|c| !digits(c)).unwrap_or(text.len());
    // The `e` of `1e` or of `3eV` is no exponent: the longest beginning that is a number counts.
    let ends = (1..=longest).rev().filter(|end| text.is_char_boundary(*end));
    let mut numbers = ends.filter_map(|end| Some((number_of(end)?, text[end..].trim())));
    numbers.next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_are_powers() {
        for (from, to, expected) in [
            ("MHz", "Hz", 1e6),
            ("Hz", "MHz", 1e-6),
            ("ns", "s", 1e-9),
            ("s", "ns", 1e9),
            ("um^2", "mm2", 1e-6),
            ("GB/s", "MB/s", 1e3),
            ("KiB", "B", 1024.0),
            ("%", "1", 0.01),
            ("kHz", "kHz", 1.0),
            ("mW", "uW", 1e3),
            ("widgets", "widgets", 1.0),
            ("min", "s", 60.0),
            ("bytes", "kB", 1e-3),
        ] {
            assert_eq!(factor(from, to), Some(expected), "{from} to {to}");
        }
        for (from, to) in [("MHz", "s"), ("widgets", "s"), ("", "Hz"), ("B", "bit")] {
            assert_eq!(factor(from, to), None, "{from} to {to}");
        }
    }

    #[test]
    fn a_number_is_told_from_its_unit() {
        for (text, expected) in [
            ("12.5 MHz", Some((12.5, "MHz"))),
            ("12.5MHz", Some((12.5, "MHz"))),
            ("-1e-3", Some((-1e-3, ""))),
            (" 3 ", Some((3.0, ""))),
            ("3e", Some((3.0, "e"))),
            ("1.5E3 %", Some((1500.0, "%"))),
            ("fast", None),
            ("", None),
        ] {
            assert_eq!(split(text), expected, "{text}");
        }
        assert!(split("NaN").is_some_and(|(number, _)| number.is_nan()));
    }
}
