//! A line of JSON that proves it is whole: its last member is a checksum of everything before it.
//!
//! `{"evaluation":1, ... ,"crc":"4d1b0f2a"}`: CRC-32 (IEEE 802.3, as in gzip) of the bytes before `,"crc"`, in hexadecimal. It finds a
//! changed digit, which the JSON alone would not.

use serde::Serialize;

const MARK: &str = ",\"crc\":\"";
/// The mark, eight digits, a quotation mark and a brace.
const TAIL: usize = MARK.len() + 8 + 2;

/// The value, which must be a JSON object with members, as a line with checksum and line feed.
pub(super) fn seal(value: &impl Serialize) -> serde_json::Result<Vec<u8>> {
    let mut line = serde_json::to_vec(value)?;
    line.pop();
    let sum = crc32fast::hash(&line);
    line.extend(format!("{MARK}{sum:08x}\"}}\n").bytes());
    Ok(line)
}

/// The object in a line without its line feed; `None` if the checksum is missing or does not fit.
pub(super) fn open(line: &[u8]) -> Option<Vec<u8>> {
    let (body, tail) = line.split_at_checked(line.len().checked_sub(TAIL)?)?;
    let digits = tail.strip_prefix(MARK.as_bytes())?.strip_suffix(b"\"}")?;
    let sum = u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
    (sum == crc32fast::hash(body)).then(|| [body, b"}"].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_changed_byte_is_noticed() {
        let value = serde_json::json!({ "evaluation": 17, "rewards": [-0.125] });
        let line = seal(&value).unwrap();
        let whole = line.strip_suffix(b"\n").unwrap();
        assert_eq!(serde_json::from_slice::<serde_json::Value>(&open(whole).unwrap()).unwrap(), value);
        for place in 0..whole.len() {
            for change in [1, 4, 128] {
                let mut changed = whole.to_vec();
                changed[place] ^= change;
                // A hexadecimal digit may be written in two ways.
                let same = changed.eq_ignore_ascii_case(whole) && place >= whole.len() - 10;
                assert!(open(&changed).is_none() || same, "byte {place}");
            }
        }
        assert!(open(b"{}").is_none() && open(b"").is_none());
    }
}
