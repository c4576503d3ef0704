//! One line of an `.stl` trace: a fast path for the common form, and a careful path for everything else.
use crate::Request;
use crate::request::MAX_BYTES;

/// Largest time stamp accepted, in trace clock cycles: 78 hours at 1 GHz. The limit keeps every later product of
/// cycles and picoseconds inside 64 bits.
pub const MAX_CYCLE: u64 = 1 << 48;

/// What is wrong in a line: byte offset, message, remedy.
pub(super) struct Fault {
    pub offset: usize,
    pub message: String,
    pub remedy: &'static str,
}

impl Fault {
    fn new(offset: usize, message: impl Into<String>, remedy: &'static str) -> Self {
        Self { offset, message: message.into(), remedy }
    }
}

/// Shown whenever a line is not understood.
pub(super) const FORMAT: &str =
    "write lines as `<cycle>:<tab><read|write><tab>0x<address>`, comments as `# ...`";

/// Value of a hexadecimal digit, 255 for any other byte.
const HEX: [u8; 256] = {
    let mut table = [255; 256];
    let mut digit = 0;
    while digit < 16 {
        table[b"0123456789abcdef"[digit] as usize] = digit as u8;
        table[b"0123456789ABCDEF"[digit] as usize] = digit as u8;
        digit += 1;
    }
    table
};

/// Parses the common form `<cycle>:<blanks>read|write<blanks>0x<address><newline>` at the start of `bytes` and returns
/// the request and the length of the line with its newline. `None` for anything else, right or wrong.
#[inline]
pub(super) fn parse_common(bytes: &[u8]) -> Option<(Request, usize)> {
    let mut at = 0;
    let mut cycle = 0_u64;
    loop {
        let digit = bytes.get(at)?.wrapping_sub(b'0');
        if digit > 9 {
            break;
        }
        cycle = cycle.wrapping_mul(10).wrapping_add(u64::from(digit));
        at += 1;
    }
    // Up to 15 digits cannot wrap; longer ones go the careful way.
    if at == 0 || at > 15 || cycle > MAX_CYCLE || bytes[at] != b':' {
        return None;
    }
    at = skip_blanks(bytes, at + 1)?;
    let rest = &bytes[at..];
    let is_write = if rest.starts_with(b"read") {
        at += 4;
        false
    } else if rest.starts_with(b"write") {
        at += 5;
        true
    } else {
        return None;
    };
    let after = skip_blanks(bytes, at)?;
    if after == at || bytes.get(after..after + 2)? != b"0x" {
        return None;
    }
    at = after + 2;
    let first = at;
    let mut address = 0_u64;
    loop {
        let digit = HEX[usize::from(*bytes.get(at)?)];
        if digit == 255 {
            break;
        }
        address = address << 4 | u64::from(digit);
        at += 1;
    }
    if at == first || at - first > 16 {
        return None;
    }
    if bytes[at] != b'\n' {
        at = skip_blanks(bytes, at)?;
        if bytes[at] == b'\r' {
            at += 1;
        }
        if *bytes.get(at)? != b'\n' {
            return None;
        }
    }
    Some((Request { cycle, address, is_write, bytes: 0 }, at + 1))
}

/// Index of the first byte from `at` on that is neither blank nor tab.
#[inline]
fn skip_blanks(bytes: &[u8], mut at: usize) -> Option<usize> {
    while matches!(*bytes.get(at)?, b' ' | b'\t') {
        at += 1;
    }
    Some(at)
}

/// Parses one line without its newline, in any accepted form. `Ok(None)` for an empty line or a comment.
///
/// A data column is passed over; with `check_data` it must be as long as the request says.
pub(super) fn parse_line(line: &[u8], check_data: bool) -> Result<Option<Request>, Fault> {
    let mut words = Words { line, at: 0 };
    let Some((start, first)) = words.next() else { return Ok(None) };
    if first[0] == b'#' {
        return Ok(None);
    }
    let cycle = parse_cycle(start, first, &mut words)?;
    let (at, mut word) = words.expect("`read`, `write` or a length such as `(64)`")?;
    let mut command_at = at;
    let mut bytes = 0;
    if word[0] == b'(' {
        bytes = parse_length(at, word)?;
        (command_at, word) = words.expect("`read` or `write`")?;
    }
    let is_write = match word {
        b"read" => false,
        b"write" => true,
        _ => {
            let message = format!("expected `read` or `write`, found {}", quote(word));
            let remedy = match word.to_ascii_lowercase().as_slice() {
                b"read" | b"write" => "commands are written in lower case",
                b"r" | b"rd" | b"p_mem_rd" => "write `read` in full",
                b"w" | b"wr" | b"p_mem_wr" => "write `write` in full",
                _ => FORMAT,
            };
            return Err(Fault::new(command_at, message, remedy));
        }
    };
    let (at, word) = words.expect("an address such as `0x400140`")?;
    let address = parse_hex(at, word)?;
    if let Some((at, word)) = words.next() {
        parse_data(at, word, if check_data { bytes } else { 0 })?;
    }
    if let Some((at, word)) = words.next().filter(|(_, word)| word[0] != b'#') {
        let message = format!("expected the end of the line, found {}", quote(word));
        return Err(Fault::new(
            at,
            message,
            "one request per line: cycle, command, address and optional data",
        ));
    }
    Ok(Some(Request { cycle, address, is_write, bytes }))
}

/// The time stamp with its colon, which may stand apart.
fn parse_cycle(start: usize, first: &[u8], words: &mut Words) -> Result<u64, Fault> {
    if first[0] == b'-' && first.len() > 1 && first[1].is_ascii_digit() {
        let message = format!("time stamp {} is negative", quote(first));
        return Err(Fault::new(start, message, "time stamps are clock cycles counted from 0"));
    }
    let digits = first.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if digits == 0 {
        let message = format!("expected a time stamp such as `120:`, found {}", quote(first));
        return Err(Fault::new(start, message, FORMAT));
    }
    let cycle = first[..digits].iter().try_fold(0_u64, |value, digit| {
        value.checked_mul(10)?.checked_add(u64::from(digit - b'0')).filter(|value| *value <= MAX_CYCLE)
    });
    let Some(cycle) = cycle else {
        let message = format!("time stamp {} is beyond 2^48 cycles", quote(&first[..digits]));
        return Err(Fault::new(start, message, "rebase the time stamps to start near 0"));
    };
    match &first[digits..] {
        b":" => Ok(cycle),
        [] => match words.next() {
            Some((_, b":")) => Ok(cycle),
            _ => Err(Fault::new(start + digits, "expected `:` after the time stamp", FORMAT)),
        },
        [b':', ..] => {
            // `0:read`: the rest of the word is the next field.
            words.at = start + digits + 1;
            Ok(cycle)
        }
        [b'.' | b'e' | b'E', ..] => Err(Fault::new(
            start + digits,
            format!("time stamp {} is not a whole number", quote(first)),
            "time stamps are whole clock cycles; choose the unit with the trace clock (MHz)",
        )),
        other => {
            let message = format!("expected `:` after the time stamp, found {}", quote(other));
            Err(Fault::new(start + digits, message, FORMAT))
        }
    }
}

/// A length such as `(64)`.
fn parse_length(at: usize, word: &[u8]) -> Result<u32, Fault> {
    let inner = word.strip_prefix(b"(").and_then(|rest| rest.strip_suffix(b")"));
    let value = inner.and_then(|digits| std::str::from_utf8(digits).ok()?.parse::<u32>().ok());
    match value {
        Some(value) if value > MAX_BYTES => Err(Fault::new(
            at,
            format!("a request of {value} bytes is longer than {MAX_BYTES}"),
            "split it into several requests",
        )),
        Some(value) if value > 0 => Ok(value),
        _ => {
            let message = format!("expected a length in bytes such as `(64)`, found {}", quote(word));
            Err(Fault::new(at, message, "leave the length out for one full burst of the device"))
        }
    }
}

/// An address such as `0x400140`.
fn parse_hex(at: usize, word: &[u8]) -> Result<u64, Fault> {
    let Some(digits) = word.strip_prefix(b"0x").or_else(|| word.strip_prefix(b"0X")) else {
        let message = format!("expected an address such as `0x400140`, found {}", quote(word));
        let remedy = if word.contains(&b',') {
            "this looks like a trace of address vectors; write one flat byte address"
        } else {
            "addresses are byte addresses in hexadecimal with the prefix `0x`"
        };
        return Err(Fault::new(at, message, remedy));
    };
    if digits.is_empty() {
        return Err(Fault::new(at, "the address has no digits after `0x`", FORMAT));
    }
    if let Some(bad) = digits.iter().position(|byte| HEX[usize::from(*byte)] == 255) {
        let message = format!("{} is not a hexadecimal digit", quote(&digits[bad..=bad]));
        return Err(Fault::new(at + 2 + bad, message, "addresses hold the digits 0-9 and a-f only"));
    }
    let significant = digits.iter().skip_while(|byte| **byte == b'0');
    if significant.clone().count() > 16 {
        let message = format!("address {} does not fit in 64 bits", quote(word));
        return Err(Fault::new(at, message, "addresses are byte addresses inside the memory"));
    }
    Ok(significant.fold(0, |value, byte| value << 4 | u64::from(HEX[usize::from(*byte)])))
}

/// The optional data column: checked for form, and for the announced length if there is one, then dropped.
fn parse_data(at: usize, word: &[u8], bytes: u32) -> Result<(), Fault> {
    if word[0] == b'#' {
        return Ok(());
    }
    let digits = word.strip_prefix(b"0x").or_else(|| word.strip_prefix(b"0X")).unwrap_or(word);
    if let Some(bad) = digits.iter().position(|byte| HEX[usize::from(*byte)] == 255) {
        let message = format!("expected data in hexadecimal or the end of the line, found {}", quote(word));
        return Err(Fault::new(at + (word.len() - digits.len()) + bad, message, FORMAT));
    }
    if bytes > 0 && digits.len() as u64 != 2 * u64::from(bytes) {
        let message = format!(
            "the data has {} hexadecimal digits, a length of {bytes} bytes needs {}",
            digits.len(),
            2 * u64::from(bytes)
        );
        return Err(Fault::new(at, message, "the data is not used: it can be left out"));
    }
    Ok(())
}

/// At most 40 characters of `bytes`, escaped and in quotes, for a message.
pub(super) fn quote(bytes: &[u8]) -> String {
    let shown = bytes.len().min(40);
    let dots = if bytes.len() > shown { "..." } else { "" };
    format!("`{}{dots}`", bytes[..shown].escape_ascii())
}

/// The words of a line, separated by blanks, with their byte offsets.
struct Words<'a> {
    line: &'a [u8],
    at: usize,
}

impl<'a> Words<'a> {
    fn next(&mut self) -> Option<(usize, &'a [u8])> {
        let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\r');
        let start = self.at + self.line[self.at..].iter().position(|byte| !is_blank(byte))?;
        let rest = &self.line[start..];
        // A comment is one word up to the end of the line.
        let length = match rest[0] {
            b'#' => rest.len(),
            _ => rest.iter().position(is_blank).unwrap_or(rest.len()),
        };
        self.at = start + length;
        Some((start, &rest[..length]))
    }

    fn expect(&mut self, what: &str) -> Result<(usize, &'a [u8]), Fault> {
        let end = self.line.len();
        match self.next() {
            Some((at, word)) if word[0] == b'#' => {
                Err(Fault::new(at, format!("expected {what}, found a comment"), FORMAT))
            }
            Some(word) => Ok(word),
            None => Err(Fault::new(end, format!("expected {what}, found the end of the line"), FORMAT)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ok(line: &str) -> Request {
        match parse_line(line.as_bytes(), true) {
            Ok(Some(request)) => request,
            Ok(None) => panic!("{line:?} was skipped"),
            Err(fault) => panic!("{line:?}: {}", fault.message),
        }
    }

    fn fault(line: &str) -> (usize, String) {
        match parse_line(line.as_bytes(), true) {
            Err(fault) => (fault.offset + 1, fault.message),
            _ => panic!("{line:?} was accepted"),
        }
    }

    #[test]
    fn accepts_every_documented_form() {
        let plain = Request { cycle: 31, address: 0x40_0140, is_write: false, bytes: 0 };
        for line in
            ["31:\tread\t0x400140", " 31 :  read 0x400140 ", "31:read 0X400140\r", "31: read 0x400140 # note"]
        {
            assert_eq!(ok(line), plain, "{line}");
        }
        assert_eq!(
            ok("31: (32) write 0x40"),
            Request { cycle: 31, address: 0x40, is_write: true, bytes: 32 }
        );
        assert_eq!(ok("31: (2) write 0x40 0xA0b1").bytes, 2);
        assert_eq!(ok("1: write 0x000000000000000000040").address, 0x40);
        for blank in ["", "   \t", "# all of it", "  # 1: read 0x0"] {
            assert!(matches!(parse_line(blank.as_bytes(), true), Ok(None)), "{blank:?}");
        }
    }

    #[test]
    fn faults_name_column_and_expectation() {
        for (line, column, part) in [
            ("-5:\tread\t0x0", 1, "negative"),
            ("x:\tread\t0x0", 1, "expected a time stamp"),
            ("5\tread\t0x0", 2, "expected `:`"),
            ("5.5:\tread\t0x0", 2, "not a whole number"),
            ("999999999999999999999:\tread\t0x0", 1, "beyond 2^48"),
            ("5:\tReed\t0x0", 4, "expected `read` or `write`, found `Reed`"),
            ("5:", 3, "found the end of the line"),
            ("5:\tread", 8, "expected an address"),
            ("5:\tread\t400140", 9, "expected an address"),
            ("5:\tread\t0x", 9, "no digits"),
            ("5:\tread\t0x4g", 12, "`g` is not a hexadecimal digit"),
            ("5:\tread\t0x11112222333344445", 9, "does not fit in 64 bits"),
            ("5:\t(0) read\t0x4", 4, "expected a length"),
            ("5:\t(4) write\t0x4\t0xff", 18, "needs 8"),
            ("5:\tread\t0x4 zz", 13, "expected data"),
            ("5:\tread\t0x4 0xff 7", 18, "expected the end of the line"),
        ] {
            let (found, message) = fault(line);
            assert!(message.contains(part), "{line}: {message}");
            assert_eq!(found, column, "{line}: {message}");
        }
    }

    proptest! {
        #[test]
        fn both_paths_agree(line in "[0-9]{1,17}:?[ \t]{0,2}(read|write|rea|\\(8\\) read)[ \t]{0,2}(0x|0X|)[0-9a-fA-Fg]{0,18}[ \r]{0,2}") {
            let mut text = line.clone().into_bytes();
            text.push(b'\n');
            if let Some((request, length)) = parse_common(&text) {
                prop_assert_eq!(length, text.len());
                let careful = parse_line(line.as_bytes(), true).ok().flatten();
                prop_assert_eq!(careful, Some(request));
            }
        }

        #[test]
        fn no_input_panics(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            let _ = parse_line(&bytes, true);
            let _ = parse_common(&bytes);
        }
    }
}
