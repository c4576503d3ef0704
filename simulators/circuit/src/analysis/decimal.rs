//! Numbers as C's `%.12e`, quickly: large tables are mostly spent on writing them.

/// Powers of ten that are tabulated, and the range of numbers that are written with them.
const LARGEST: i32 = 330;
const RANGE: std::ops::Range<f64> = 1e-280..1e280;
/// A number closer than this to the middle between two decimals is left to exact arithmetic.
const DOUBT: f64 = 1e-5;

/// `10^k` as the sum of two numbers, for k from `-LARGEST` to `LARGEST`; good to 1e-28.
#[derive(Debug)]
pub struct Decimal {
    powers: Vec<(f64, f64)>,
}

/// Product of two sums of two.
fn product(a: (f64, f64), b: (f64, f64)) -> (f64, f64) {
    let high = a.0 * b.0;
    let low = a.0.mul_add(b.0, -high) + (a.0 * b.1 + a.1 * b.0);
    (high + low, low - ((high + low) - high))
}

/// One over a sum of two.
fn reciprocal(a: (f64, f64)) -> (f64, f64) {
    let high = 1.0 / a.0;
    // What is missing of a * high = 1.
    let rest = (-high).mul_add(a.0, 1.0) - high * a.1;
    let low = rest * high;
    (high + low, low - ((high + low) - high))
}

impl Default for Decimal {
    fn default() -> Self {
        let mut up = vec![(1.0, 0.0)];
        for k in 1..=LARGEST as usize {
            // 10^308 is the largest that there is; beyond it nothing is looked up.
            let next = if k <= 300 { product(up[k - 1], (10.0, 0.0)) } else { (f64::INFINITY, 0.0) };
            up.push(next);
        }
        let down = up[1..].iter().rev().map(|p| if p.0.is_finite() { reciprocal(*p) } else { (0.0, 0.0) });
        Self { powers: down.chain(up.iter().copied()).collect() }
    }
}

impl Decimal {
    /// Appends `v` as `1.234567890123e-05`.
    pub fn push(&self, out: &mut String, v: f64) {
        if v == 0.0 && v.is_sign_positive() {
            out.push_str("0.000000000000e+00");
            return;
        }
        match RANGE.contains(&v.abs()).then(|| self.digits(v.abs())).flatten() {
            Some((digits, exponent)) => write(out, v < 0.0, digits, exponent),
            None => exact(out, v),
        }
    }

    /// Thirteen digits and the exponent of the first one; `None` where the rounding is in doubt.
    fn digits(&self, v: f64) -> Option<(u64, i32)> {
        let binary = ((v.to_bits() >> 52) & 0x7ff) as i32 - 1023;
        let mut exponent = (f64::from(binary) * std::f64::consts::LOG10_2).floor() as i32;
        loop {
            let (high, low) = self.powers[(12 - exponent + LARGEST) as usize];
            let scaled = v * high;
            let rest = v.mul_add(high, -scaled) + v * low;
            if scaled >= 1e13 - 0.5 {
                // Close to the next power of ten, or the estimate was one too small.
                if scaled < 1e13 + 0.5 {
                    return None;
                }
                exponent += 1;
                continue;
            }
            if scaled < 1e12 {
                if scaled > 1e12 - 1.0 {
                    return None;
                }
                exponent -= 1;
                continue;
            }
            let whole = scaled.floor();
            let fraction = (scaled - whole) + rest;
            if (fraction - 0.5).abs() < DOUBT {
                return None;
            }
            return Some((whole as u64 + u64::from(fraction > 0.5) - u64::from(fraction < -0.5), exponent));
        }
    }
}

fn write(out: &mut String, negative: bool, digits: u64, exponent: i32) {
    let mut text = [b'0'; 24];
    let (mut at, mut rest) = (15, digits);
    // Sign, first digit, point, twelve digits.
    while at > 3 {
        at -= 1;
        text[at + 1] = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    text[3] = b'.';
    text[2] = b'0' + rest as u8;
    text[1] = b'-';
    let mut end = 16;
    text[end] = b'e';
    text[end + 1] = if exponent < 0 { b'-' } else { b'+' };
    end += 2;
    let size = exponent.unsigned_abs();
    if size >= 100 {
        text[end] = b'0' + (size / 100) as u8;
        end += 1;
    }
    text[end] = b'0' + (size / 10 % 10) as u8;
    text[end + 1] = b'0' + (size % 10) as u8;
    let start = if negative { 1 } else { 2 };
    out.push_str(std::str::from_utf8(&text[start..end + 2]).unwrap_or_default());
}

/// The same by the standard library.
fn exact(out: &mut String, v: f64) {
    let text = format!("{v:.12e}");
    match text.split_once('e') {
        Some((mantissa, exponent)) => {
            let (sign, digits) = exponent.strip_prefix('-').map_or(('+', exponent), |d| ('-', d));
            out.push_str(mantissa);
            out.push('e');
            out.push(sign);
            if digits.len() < 2 {
                out.push('0');
            }
            out.push_str(digits);
        }
        None => out.push_str(&text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quick_numbers_are_the_exact_ones() {
        let decimal = Decimal::default();
        let (mut quick, mut slow) = (String::new(), String::new());
        let mut check = |v: f64| {
            quick.clear();
            slow.clear();
            decimal.push(&mut quick, v);
            exact(&mut slow, v);
            assert_eq!(quick, slow, "{v:e}");
        };
        for v in [
            1.0,
            -1.0,
            10.0,
            0.1,
            9.999_999_999_999_5,
            9.999_999_999_999_499,
            1e22,
            1e-22,
            0.5,
            123.456,
            -0.0,
        ] {
            check(v);
        }
        // A generator of bit patterns over all exponents, and of numbers of usual size.
        let mut state = 0x9e37_79b9_7f4a_7c15u64;
        for k in 0..200_000 {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            let any = f64::from_bits(state);
            if any.is_finite() {
                check(any);
            }
            let usual = (state >> 11) as f64 / (1u64 << 53) as f64 * 10f64.powi((k % 40) - 20);
            check(if k % 2 == 0 { usual } else { -usual });
            // Halves of the last digit.
            check((state % 10_000_000_000_000) as f64 + 0.5);
        }
    }
}
