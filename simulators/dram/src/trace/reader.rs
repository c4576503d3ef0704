//! Streaming reader of `.stl` traces. Memory does not depend on the length of the trace, nothing is allocated per line.
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use super::input::{self, Foreign};
use super::line::{self, FORMAT, Fault, quote};
use crate::{Error, Request, Result};

/// U+FEFF in UTF-8, which some editors put at the start of a file.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
/// Bytes read at a time.
const BUFFER: usize = 256 * 1024;
/// Longest line accepted. A line with the data of a 4 KiB access fits.
const MAX_LINE: usize = 16 * 1024;

/// An iterator over the requests of a trace, in file order.
///
/// It ends after the first error. A trace without any request is an error, reported at the end of the file.
///
/// ```
/// use hwgym_dram::trace::StlReader;
///
/// let text = "0:\tread\t0x0\n4:\twrite\t0x40\n";
/// let requests = StlReader::new("example", text.as_bytes())?.collect::<Result<Vec<_>, _>>()?;
/// assert_eq!(requests[1].address, 0x40);
/// # Ok::<(), hwgym_dram::Error>(())
/// ```
pub struct StlReader<'a> {
    name: String,
    input: Box<dyn Read + Send + 'a>,
    buffer: Box<[u8]>,
    /// The unread part of the buffer.
    start: usize,
    end: usize,
    input_ended: bool,
    /// Why the input ended, if not by its end.
    damage: Option<io::Error>,
    finished: bool,
    /// Lines read so far.
    lines: usize,
    requests: u64,
    previous_cycle: u64,
    /// Requests with a time stamp before that of an earlier one.
    late: u64,
    /// Late time stamps and data of another length than announced are errors.
    strict: bool,
    /// Clock of the time stamps as the header says it, in MHz.
    clock_mhz: Option<f64>,
    /// First byte address that does not exist.
    address_limit: u64,
}

impl StlReader<'static> {
    /// Opens the file `path`, plain or gzip.
    ///
    /// # Errors
    /// [`Error::Io`] if the file cannot be read, [`Error::Source`] if it is recognised as no trace.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        if path.extension().is_some_and(|extension| extension == "rstl") {
            return Err(Error::Source {
                file: path.display().to_string(),
                line: 1,
                column: 1,
                message:
                    "relative traces (`.rstl`) depend on the answers of one memory and are not supported"
                        .into(),
                remedy: "use absolute time stamps (`.stl`)".into(),
            });
        }
        let file = File::open(path).map_err(|source| Error::io(path, source))?;
        if file.metadata().is_ok_and(|metadata| metadata.is_dir()) {
            let source = io::Error::new(io::ErrorKind::IsADirectory, "is a directory, expected a trace file");
            return Err(Error::io(path, source));
        }
        Self::new(path.display().to_string(), file)
    }
}

impl<'a> StlReader<'a> {
    /// Reads from `input`, plain or gzip; `name` stands for it in messages.
    ///
    /// # Errors
    /// As [`StlReader::open`].
    pub fn new(name: impl Into<String>, input: impl Read + Send + 'a) -> Result<Self> {
        let name = name.into();
        let opened = input::open(input).map_err(|source| Error::io(&name, source))?;
        let mut reader = Self {
            name,
            input: Box::new(io::empty()),
            buffer: vec![0; BUFFER + 1].into_boxed_slice(),
            start: 0,
            end: 0,
            input_ended: false,
            damage: None,
            finished: false,
            lines: 0,
            requests: 0,
            previous_cycle: 0,
            late: 0,
            strict: false,
            clock_mhz: None,
            address_limit: u64::MAX,
        };
        match opened {
            Ok(input) => reader.input = input,
            Err(foreign) => return Err(reader.foreign(&foreign)),
        }
        reader.refill()?;
        if reader.buffer[..reader.end].starts_with(BYTE_ORDER_MARK) {
            reader.start = BYTE_ORDER_MARK.len();
        }
        reader.clock_mhz = reader.read_clock()?;
        Ok(reader)
    }

    /// Makes every address from `bytes` on an error: the size of the memory the trace is meant for.
    #[must_use]
    pub fn with_address_limit(mut self, bytes: u64) -> Self {
        self.address_limit = bytes;
        self
    }

    /// Makes a time stamp before an earlier one an error, and data of another length than the request. Without this such
    /// a request is played at once, as the reference's player does, and data are passed over.
    #[must_use]
    pub fn with_strict(mut self, strict: bool) -> Self {
        self.strict = strict;
        self
    }

    /// Clock of the time stamps in MHz, if the comments at the top of the trace say it: `# clock-mhz: 1200`, or
    /// `time stamps at 1200 MHz` as older recordings have it.
    pub fn clock_mhz(&self) -> Option<f64> {
        self.clock_mhz
    }

    /// Requests delivered so far whose time stamp was before that of an earlier one.
    pub fn late(&self) -> u64 {
        self.late
    }

    /// Requests delivered so far.
    pub fn requests(&self) -> u64 {
        self.requests
    }

    /// The clock that the comments before the first request state.
    fn read_clock(&mut self) -> Result<Option<f64>> {
        let text = &self.buffer[self.start..self.end];
        for (index, line) in text.split(|byte| *byte == b'\n').enumerate() {
            let line = String::from_utf8_lossy(line);
            let line = line.trim();
            let Some(comment) = line.strip_prefix('#').map(str::trim) else {
                if line.is_empty() {
                    continue;
                }
                break;
            };
            let formal = comment.strip_prefix("clock-mhz:").map(str::trim);
            let recorded =
                comment.split_once("time stamps at ").and_then(|(_, rest)| rest.strip_suffix(" MHz"));
            if let Some(word) = formal.or(recorded) {
                return match word.parse::<f64>() {
                    Ok(mhz) if (0.001..=1e6).contains(&mhz) => Ok(Some(mhz)),
                    _ => {
                        let message = format!("the clock of the trace is {}", quote(word.as_bytes()));
                        self.lines = index;
                        Err(self.source(
                            0,
                            message,
                            "write for example `# clock-mhz: 1200` (0.001 to 1000000)",
                        ))
                    }
                };
            }
        }
        Ok(None)
    }

    /// The next request, `None` at the end.
    ///
    /// # Errors
    /// [`Error::Source`] with line and column for malformed, decreasing or impossible requests, a trace without
    /// requests and a damaged gzip stream; [`Error::Io`] if reading fails.
    #[inline]
    pub fn next_request(&mut self) -> Result<Option<Request>> {
        if self.end - self.start < MAX_LINE && !self.input_ended {
            self.refill()?;
        }
        if let Some((request, length)) = line::parse_common(&self.buffer[self.start..self.end])
            && request.cycle >= self.previous_cycle
            && request.address < self.address_limit
        {
            self.start += length;
            self.lines += 1;
            self.requests += 1;
            self.previous_cycle = request.cycle;
            return Ok(Some(request));
        }
        self.next_uncommon()
    }

    /// Comments, empty lines, rare forms, errors, and the end.
    #[cold]
    fn next_uncommon(&mut self) -> Result<Option<Request>> {
        loop {
            if self.end - self.start < MAX_LINE && !self.input_ended {
                self.refill()?;
            }
            let unread = &self.buffer[self.start..self.end];
            if unread.is_empty() {
                return match self.damage.take() {
                    Some(error) => Err(self.damaged(error)),
                    None if self.requests == 0 => Err(self.empty()),
                    None => Ok(None),
                };
            }
            let Some(length) = unread.iter().position(|byte| *byte == b'\n') else {
                let message = format!("line longer than {MAX_LINE} bytes, starting with {}", quote(unread));
                return Err(self.source(0, message, "this does not look like a text trace"));
            };
            let parsed = line::parse_line(&unread[..length], self.strict);
            match parsed {
                Ok(None) => {
                    self.start += length + 1;
                    self.lines += 1;
                }
                Ok(Some(request)) => {
                    self.check(&request, length)?;
                    self.start += length + 1;
                    self.lines += 1;
                    self.requests += 1;
                    self.late += u64::from(request.cycle < self.previous_cycle);
                    self.previous_cycle = self.previous_cycle.max(request.cycle);
                    return Ok(Some(request));
                }
                Err(fault) => return Err(self.fault(&fault, length)),
            }
        }
    }

    /// Order of time and range of addresses.
    fn check(&self, request: &Request, length: usize) -> Result<()> {
        let line = &self.buffer[self.start..self.start + length];
        if self.strict && request.cycle < self.previous_cycle {
            let offset = line.iter().position(|byte| byte.is_ascii_digit()).unwrap_or(0);
            let message = format!("time stamp {} comes after {}", request.cycle, self.previous_cycle);
            return Err(self.source(
                offset,
                message,
                "time stamps must not decrease: sort the trace by time (`sort -n -s -t: -k1,1`)",
            ));
        }
        let last = request.address.saturating_add(u64::from(request.bytes.max(1)) - 1);
        if last >= self.address_limit {
            let offset = line.windows(2).position(|pair| pair.eq_ignore_ascii_case(b"0x")).unwrap_or(0);
            let message = format!(
                "address {:#x} is beyond the memory of {} bytes (last address {:#x})",
                last,
                self.address_limit,
                self.address_limit.saturating_sub(1)
            );
            return Err(self.source(
                offset,
                message,
                "choose a larger device or more ranks, or rebase the addresses",
            ));
        }
        Ok(())
    }

    /// Moves the unread bytes to the front and fills the rest of the buffer.
    fn refill(&mut self) -> Result<()> {
        self.buffer.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        while self.end < BUFFER {
            match self.input.read(&mut self.buffer[self.end..BUFFER]) {
                Ok(0) => {
                    self.input_ended = true;
                    // One byte is kept free for the newline that the last line may lack.
                    if self.end > 0 && self.buffer[self.end - 1] != b'\n' {
                        self.buffer[self.end] = b'\n';
                        self.end += 1;
                    }
                    break;
                }
                Ok(count) => self.end += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    self.cut(error);
                    break;
                }
            }
        }
        if self.lines == 0
            && let Some(foreign) = Foreign::detect(&self.buffer[..self.end.min(512)])
        {
            return Err(self.foreign(&foreign));
        }
        Ok(())
    }

    /// Reading failed. The whole lines before the damage are still delivered; then [`Self::damage`] is reported.
    fn cut(&mut self, error: io::Error) {
        self.end =
            self.buffer[..self.end].iter().rposition(|byte| *byte == b'\n').map_or(0, |newline| newline + 1);
        self.input_ended = true;
        self.damage = Some(error);
    }

    /// The error that ended the input, in the user's words.
    fn damaged(&self, error: io::Error) -> Error {
        let (message, remedy) = match error.kind() {
            io::ErrorKind::UnexpectedEof => {
                ("the gzip stream is cut short", "the file is incomplete: copy or download it again")
            }
            io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => {
                ("the gzip stream is damaged", "test the file with `gzip -t`, then copy or download it again")
            }
            _ => return Error::io(&self.name, error),
        };
        self.source(0, format!("{message} after {} requests ({error})", self.requests), remedy)
    }

    fn fault(&self, fault: &Fault, length: usize) -> Error {
        let line = &self.buffer[self.start..self.start + length];
        let column = String::from_utf8_lossy(&line[..fault.offset.min(length)]).chars().count();
        self.source(column, fault.message.clone(), fault.remedy)
    }

    fn foreign(&self, foreign: &Foreign) -> Error {
        self.source(0, foreign.message.into(), foreign.remedy)
    }

    fn empty(&self) -> Error {
        let message = if self.lines == 0 {
            "the trace is empty"
        } else {
            "the trace holds no request, only comments and empty lines"
        };
        self.source(0, message.into(), FORMAT)
    }

    /// An error in the next line, `column` counted from 0.
    fn source(&self, column: usize, message: String, remedy: &str) -> Error {
        Error::Source {
            file: self.name.clone(),
            line: self.lines + 1,
            column: column + 1,
            message,
            remedy: remedy.into(),
        }
    }
}

impl Iterator for StlReader<'_> {
    type Item = Result<Request>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.finished {
            return None;
        }
        let next = self.next_request().transpose();
        self.finished = !matches!(next, Some(Ok(_)));
        next
    }
}

impl std::fmt::Debug for StlReader<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("StlReader")
            .field("name", &self.name)
            .field("line", &self.lines)
            .finish_non_exhaustive()
    }
}

/// Reads the whole trace `path` into memory.
///
/// # Errors
/// As [`StlReader::open`] and [`StlReader::next_request`].
pub fn load(path: impl AsRef<Path>) -> Result<Vec<Request>> {
    StlReader::open(path)?.collect()
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn read(bytes: &[u8]) -> (Vec<Request>, Option<String>) {
        let mut requests = Vec::new();
        match StlReader::new("t.stl", bytes) {
            Err(error) => return (requests, Some(error.to_string())),
            Ok(reader) => {
                for next in reader {
                    match next {
                        Ok(request) => requests.push(request),
                        Err(error) => return (requests, Some(error.to_string())),
                    }
                }
            }
        }
        (requests, None)
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    /// A trace of `count` requests, with the request `count` in line `count`.
    fn long(count: u64) -> Vec<u8> {
        let mut text = Vec::new();
        for index in 0..count {
            let command = if index % 3 == 0 { "write" } else { "read" };
            writeln!(text, "{}:\t{command}\t{:#x}", index * 2, index * 64).unwrap();
        }
        text
    }

    #[test]
    fn plain_and_gzip_agree_across_buffer_borders() {
        let text = long(100_000);
        assert!(text.len() > 4 * BUFFER);
        let (plain, error) = read(&text);
        assert_eq!(error, None);
        assert_eq!(plain.len(), 100_000);
        for (index, request) in (0_u64..).zip(&plain) {
            assert_eq!(
                (request.cycle, request.address, request.is_write),
                (index * 2, index * 64, index % 3 == 0)
            );
        }
        let (packed, error) = read(&gzip(&text));
        assert_eq!(error, None);
        assert_eq!(packed, plain);
        // Two gzip members one after the other are one trace.
        let half = text.len() / 2;
        let joined = [gzip(&text[..half]), gzip(&text[half..])].concat();
        assert_eq!(read(&joined), (plain, None));
    }

    #[test]
    fn last_line_needs_no_newline() {
        assert_eq!(read(b"1:\tread\t0x40").0.len(), 1);
        assert_eq!(read(b"# c\r\n\r\n1:\tread\t0x40\r\n2: (4) read 0x44").0.len(), 2);
    }

    #[test]
    fn a_bad_line_is_named_by_file_line_and_column() {
        let mut text =
            String::from_utf8(long(10_000)).unwrap().lines().map(str::to_owned).collect::<Vec<_>>();
        text[7_212] = "14424:\tr".into();
        let (requests, error) = read(text.join("\n").as_bytes());
        assert_eq!(requests.len(), 7_212);
        let error = error.unwrap();
        assert!(error.starts_with("t.stl:7213:8: expected `read` or `write`, found `r`"), "{error}");
    }

    #[test]
    fn decreasing_time_and_outside_addresses_are_errors() {
        let late = b"5:\tread\t0x0\n4:\tread\t0x40\n";
        let results: Vec<_> = StlReader::new("t.stl", &late[..]).unwrap().with_strict(true).collect();
        assert_eq!(results.len(), 2);
        let error = results[1].as_ref().unwrap_err().to_string();
        assert!(error.starts_with("t.stl:2:1: time stamp 4 comes after 5"), "{error}");
        let mut reader = StlReader::new("t.stl", &late[..]).unwrap();
        assert_eq!(reader.by_ref().filter(Result::is_ok).count(), 2);
        assert_eq!(reader.late(), 1);
        let reader = StlReader::new("t.stl", &b"0:\tread\t0x3f\n0:\tread\t0x40\n"[..]).unwrap();
        let results: Vec<_> = reader.with_address_limit(0x40).collect();
        assert_eq!(results.len(), 2);
        let error = results[1].as_ref().unwrap_err().to_string();
        assert!(error.starts_with("t.stl:2:9: address 0x40 is beyond the memory of 64 bytes"), "{error}");
    }

    #[test]
    fn the_clock_is_read_from_the_top_and_a_byte_order_mark_is_passed_over() {
        let clock = |text: &str| StlReader::new("t.stl", text.as_bytes()).map(|reader| reader.clock_mhz());
        assert_eq!(clock("# a\n# clock-mhz: 933.5\n0: read 0x0\n").unwrap(), Some(933.5));
        assert_eq!(clock("# caches; time stamps at 1200 MHz\n0: read 0x0\n").unwrap(), Some(1200.0));
        assert_eq!(clock("0: read 0x0\n# clock-mhz: 5\n").unwrap(), None);
        let error = clock("\n# clock-mhz: fast\n0: read 0x0\n").unwrap_err().to_string();
        assert!(error.starts_with("t.stl:2:1: the clock of the trace is `fast`"), "{error}");
        let marked = "\u{feff}# clock-mhz: 800\n7: read 0x40\n";
        assert_eq!(clock(marked).unwrap(), Some(800.0));
        assert_eq!(read(marked.as_bytes()).0[0].cycle, 7);
        assert_eq!(read(&gzip("\u{feff}7: read 0x40\n".as_bytes())).0[0].cycle, 7);
    }

    #[test]
    fn data_are_passed_over_unless_asked_for() {
        let text = b"0:\t(16) write\t0x0\t0xffff\n";
        assert_eq!(read(text).0[0].bytes, 16);
        let error =
            StlReader::new("t.stl", &text[..]).unwrap().with_strict(true).next().unwrap().unwrap_err();
        assert!(error.to_string().contains("4 hexadecimal digits"), "{error}");
        assert!(read(b"0: (2000000) read 0x0\n").1.unwrap().contains("longer than 1048576"));
    }

    #[test]
    fn empty_foreign_and_binary_files_are_errors() {
        for (bytes, part) in [
            (&b""[..], "the trace is empty"),
            (b"\n# nothing\n", "holds no request"),
            (b"\xfd7zXZ\0rest", "xz archive"),
            (b"\x7fELF\x02", "program"),
            (b"version https://git-lfs.github.com/spec/v1\n", "Git LFS"),
            (b"1:\0\0", "binary data"),
            (b"\xff\xfe\x80", "expected a time stamp"),
            (b"{\"a\": 1}", "expected a time stamp"),
        ] {
            let (requests, error) = read(bytes);
            assert!(requests.is_empty());
            let error = error.unwrap();
            assert!(
                error.starts_with("t.stl:") && error.contains(part) && error.contains("help:"),
                "{error}"
            );
        }
        let (_, error) = read(&gzip(b"\0\0\0"));
        assert!(error.unwrap().contains("binary data"));
        let (_, error) = read(&vec![b'7'; 3 * BUFFER]);
        assert!(error.unwrap().contains("line longer than"));
    }

    #[test]
    fn a_truncated_gzip_delivers_what_it_holds_and_then_fails() {
        let packed = gzip(&long(50_000));
        let (requests, error) = read(&packed[..packed.len() / 2]);
        assert!(requests.len() > 1_000 && requests.len() < 50_000);
        let error = error.unwrap();
        assert!(error.contains("cut short") && error.contains("t.stl:"), "{error}");
        let mut broken = packed;
        // A wrong checksum is only noticed after everything was delivered.
        let checksum = broken.len() - 8;
        broken[checksum] ^= 1;
        assert_eq!(read(&broken).0.len(), 50_000);
        assert!(read(&broken).1.unwrap().contains("the gzip stream is damaged after 50000 requests"));
    }

    #[test]
    fn missing_files_and_directories_are_named() {
        let error = StlReader::open("no/such.stl").unwrap_err().to_string();
        assert!(error.starts_with("no/such.stl: "), "{error}");
        assert!(StlReader::open(".").unwrap_err().to_string().contains("directory"));
        assert!(StlReader::open("x.rstl").unwrap_err().to_string().contains("relative"));
    }
}
