//! SPICE numbers: a decimal mantissa, an optional exponent and a scale suffix; letters after it are a unit and ignored.

/// Scale suffixes, longest first (`meg` and `mil` before `m`). Case-insensitive. `a` is the unit ampere, as in ngspice 39, not atto.
const SUFFIXES: [(&str, i32); 9] =
    [("meg", 6), ("t", 12), ("g", 9), ("k", 3), ("m", -3), ("u", -6), ("n", -9), ("p", -12), ("f", -15)];

/// Length of the leading decimal number (mantissa and exponent) of `text`, 0 if there is none.
pub fn decimal_length(text: &str) -> usize {
    let b = text.as_bytes();
    let mut i = usize::from(matches!(b.first(), Some(b'+' | b'-')));
    let start = i;
    while i < b.len() && b[i].is_ascii_digit() {
        i += 1;
    }
    let mut digits = i - start;
    if b.get(i) == Some(&b'.') {
        i += 1;
        let fraction = i;
        while i < b.len() && b[i].is_ascii_digit() {
            i += 1;
        }
        digits += i - fraction;
    }
    if digits == 0 {
        return 0;
    }
    if matches!(b.get(i), Some(b'e' | b'E' | b'd' | b'D')) {
        let mut j = i + 1;
        if matches!(b.get(j), Some(b'+' | b'-')) {
            j += 1;
        }
        if b.get(j).is_some_and(u8::is_ascii_digit) {
            while j < b.len() && b[j].is_ascii_digit() {
                j += 1;
            }
            i = j;
        }
    }
    i
}

/// Reads a number at the start of `text`: its value and how many bytes were used, unit letters included.
pub fn number_prefix(text: &str) -> Option<(f64, usize)> {
    let length = decimal_length(text);
    if length == 0 {
        return None;
    }
    let mantissa = &text[..length];
    let rest = &text[length..];
    let unit = rest.bytes().take_while(|c| c.is_ascii_alphabetic()).count();
    let letters = rest[..unit].to_ascii_lowercase();
    let scale = SUFFIXES.iter().find(|(s, _)| letters.starts_with(s) && !letters.starts_with("mil"));
    let value = match scale {
        // Scale in decimal so that 4.3u reads as 4.3e-6 exactly rounded.
        Some((_, power)) => scaled(mantissa, *power)?,
        None if letters.starts_with("mil") => parse_decimal(mantissa)? * 25.4e-6,
        None => parse_decimal(mantissa)?,
    };
    Some((value, length + unit))
}

fn parse_decimal(text: &str) -> Option<f64> {
    text.replace(['d', 'D'], "e").parse().ok()
}

fn scaled(mantissa: &str, power: i32) -> Option<f64> {
    let lower = mantissa.to_ascii_lowercase().replace('d', "e");
    let (digits, exponent) = match lower.split_once('e') {
        Some((d, e)) => (d, e.parse::<i32>().ok()?),
        None => (lower.as_str(), 0),
    };
    format!("{digits}e{}", exponent.saturating_add(power)).parse().ok()
}

/// Reads all of `text` as a SPICE number, or `None`.
pub fn parse_number(text: &str) -> Option<f64> {
    match number_prefix(text) {
        Some((v, used)) if used == text.len() => Some(v),
        // `10Ohm` is a number, `1k5` is not: see [`notation`].
        _ => None,
    }
}

/// What is meant by texts that look like numbers and are none: `2k7`, `inf`.
pub fn notation(text: &str) -> Option<String> {
    let lower = text.to_ascii_lowercase();
    if matches!(lower.trim_start_matches(['+', '-']), "inf" | "infinity" | "nan") {
        return Some("write a finite one, such as 1e30, or leave the element out".into());
    }
    let (_, used) = number_prefix(&lower)?;
    let (head, tail) = lower.split_at(used);
    let letters = head.bytes().rev().take_while(u8::is_ascii_alphabetic).count();
    let (digits, scale) = head.split_at(head.len() - letters);
    let plain = |t: &str| !t.is_empty() && t.bytes().all(|c| c.is_ascii_digit());
    (letters > 0 && plain(digits) && plain(tail)).then(|| match scale {
        "r" => format!("write {digits}.{tail}"),
        _ => format!("write {digits}.{tail}{scale}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suffixes_scale_decimally_and_units_are_ignored() {
        assert_eq!(parse_number("4.3u"), Some(4.3e-6));
        assert_eq!(parse_number("10MEG"), Some(1e7));
        assert_eq!(parse_number("10pF"), Some(1e-11));
        assert_eq!(parse_number("1.5kOhm"), Some(1500.0));
        assert_eq!(parse_number("-2.5e-3"), Some(-2.5e-3));
        assert_eq!(parse_number("1e3m"), Some(1.0));
        assert_eq!(parse_number("10v"), Some(10.0));
        assert_eq!(parse_number("2A"), Some(2.0));
        assert_eq!(parse_number("2mil"), Some(50.8e-6));
        assert_eq!(parse_number(".5"), Some(0.5));
        assert_eq!(parse_number("1.2.3"), None);
        assert_eq!(parse_number("k1"), None);
    }

    #[test]
    fn numbers_with_the_suffix_inside_say_what_is_meant() {
        assert_eq!(notation("2k7").unwrap(), "write 2.7k");
        assert_eq!(notation("1u2").unwrap(), "write 1.2u");
        assert_eq!(notation("4R7").unwrap(), "write 4.7");
        assert!(notation("inf").unwrap().contains("1e30"));
        assert_eq!(notation("2k"), None);
        assert_eq!(notation("2k+7"), None);
    }
}
