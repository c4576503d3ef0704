//! Reader of the memory trace of valgrind's tool `lackey` (`valgrind --tool=lackey --trace-mem=yes`).
//!
//! Source of the format: the valgrind manual, chapter "Lackey: an example tool", option `--trace-mem`. One line per
//! access, `I  ADDRESS,SIZE` for an instruction, ` L`, ` S`, ` M` for load, store and modify (a load and a store).
//! Other lines (valgrind's own messages, the program's error output) are skipped and counted.
use std::io::BufRead;

use crate::{Error, Result};

/// One access of the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// An instruction is fetched.
    Instruction,
    /// Data is read.
    Load,
    /// Data is written.
    Store,
    /// Data is read and then written.
    Modify,
}

/// One line of the trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LackeyRecord {
    /// What happens.
    pub access: Access,
    /// Virtual address.
    pub address: u64,
    /// Bytes.
    pub bytes: u32,
}

/// Longest line that is looked at; longer ones are no records.
const MAX_LINE: u64 = 4096;

/// Streams the records of a lackey trace.
#[derive(Debug)]
pub struct LackeyReader<R> {
    name: String,
    input: R,
    line: Vec<u8>,
    records: u64,
    other_lines: u64,
}

impl<R: BufRead> LackeyReader<R> {
    /// Reads from `input`; `name` stands for it in messages.
    pub fn new(name: impl Into<String>, input: R) -> Self {
        Self { name: name.into(), input, line: Vec::new(), records: 0, other_lines: 0 }
    }

    /// Lines that were no records.
    pub fn other_lines(&self) -> u64 {
        self.other_lines
    }

    /// Records read so far.
    pub fn records(&self) -> u64 {
        self.records
    }

    /// The next record, `None` at the end.
    ///
    /// # Errors
    /// [`Error::Io`] if reading fails.
    pub fn next_record(&mut self) -> Result<Option<LackeyRecord>> {
        loop {
            self.line.clear();
            let read = std::io::Read::take(&mut self.input, MAX_LINE).read_until(b'\n', &mut self.line);
            if read.map_err(|source| Error::io(&self.name, source))? == 0 {
                return Ok(None);
            }
            match parse(&self.line) {
                Some(record) => {
                    self.records += 1;
                    return Ok(Some(record));
                }
                None => self.other_lines += 1,
            }
        }
    }
}

/// One line, `None` if it is no record.
fn parse(line: &[u8]) -> Option<LackeyRecord> {
    let access = match line.get(..3)? {
        b"I  " => Access::Instruction,
        b" L " => Access::Load,
        b" S " => Access::Store,
        b" M " => Access::Modify,
        _ => return None,
    };
    let mut address = 0_u64;
    let mut at = 3;
    while let Some(digit) = line.get(at).and_then(|byte| char::from(*byte).to_digit(16)) {
        address = address << 4 | u64::from(digit);
        at += 1;
    }
    if at == 3 || at > 19 || *line.get(at)? != b',' {
        return None;
    }
    let first = at + 1;
    let mut bytes = 0_u32;
    at = first;
    while let Some(digit) = line.get(at).filter(|byte| byte.is_ascii_digit()) {
        bytes = bytes.checked_mul(10)?.checked_add(u32::from(digit - b'0'))?;
        at += 1;
    }
    let ends = matches!(line.get(at..)?, b"" | b"\n" | b"\r\n");
    (at > first && ends && (1..=4096).contains(&bytes)).then_some(LackeyRecord { access, address, bytes })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_told_from_messages() {
        let text = "==7065== Lackey\nI  0401ab70,3\n S 1fff000768,8\n L 10,1\r\n M 1,4\nhello, 3\nI  zz,3\n L ,4\n S 10,\n\n S 10,8x\n";
        let mut reader = LackeyReader::new("t", text.as_bytes());
        let mut records = Vec::new();
        while let Some(record) = reader.next_record().unwrap() {
            records.push((record.access, record.address, record.bytes));
        }
        let expected = [
            (Access::Instruction, 0x401_ab70, 3),
            (Access::Store, 0x1f_ff00_0768, 8),
            (Access::Load, 0x10, 1),
            (Access::Modify, 1, 4),
        ];
        assert_eq!(records, expected);
        assert_eq!((reader.records(), reader.other_lines()), (4, 7));
    }
}
