//! Traces of real programs: the accesses of a program under valgrind, filtered by a cache hierarchy.
//!
//! The processor is simple on purpose: every instruction takes [`RecordConfig::cycles_per_instruction`], and a miss
//! does not stop it. Time stamps therefore tell how fast the program *asks*; the DRAM simulator decides how fast it is
//! served.
use std::io::{BufRead, BufReader, ErrorKind};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, ExitStatus};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::cache::{CacheConfig, Hierarchy, LineRequest};
use super::lackey::{Access, LackeyReader};
use super::paging::{FrameOrder, PAGE_BYTES, PageTable};
use crate::{Error, Request, Result};

/// How a program is turned into a trace.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RecordConfig {
    /// Caches between processor and memory.
    pub caches: CacheConfig,
    /// Processor cycles per instruction, 0.05 to 100.
    pub cycles_per_instruction: f64,
    /// Clock of the processor in MHz, 1 to 10,000.
    pub processor_mhz: f64,
    /// Clock of the trace's time stamps in MHz, 1 to 10,000: that of the DRAM, usually.
    pub clock_mhz: f64,
    /// Instructions at the start that warm the caches but leave no requests.
    pub skip_instructions: u64,
    /// Requests to leave out after that.
    pub skip_requests: u64,
    /// Requests to write, at least 1; the program is stopped afterwards.
    pub max_requests: u64,
    /// Capacity of the memory in bytes: physical addresses stay below.
    pub memory_bytes: u64,
    /// How pages are placed in memory.
    pub frames: FrameOrder,
}

impl Default for RecordConfig {
    fn default() -> Self {
        Self {
            caches: CacheConfig::default(),
            cycles_per_instruction: 1.0,
            processor_mhz: 2400.0,
            clock_mhz: 1200.0,
            skip_instructions: 0,
            skip_requests: 0,
            max_requests: 20_000,
            memory_bytes: 1 << 30,
            frames: FrameOrder::Shuffled { seed: 1 },
        }
    }
}

impl RecordConfig {
    /// Checks every range.
    ///
    /// # Errors
    /// [`Error::InvalidValue`] naming the property.
    pub fn check(&self) -> Result<()> {
        self.caches.check()?;
        within("cycles_per_instruction", self.cycles_per_instruction, 0.05, 100.0)?;
        within("processor_mhz", self.processor_mhz, 1.0, 1e4)?;
        within("clock_mhz", self.clock_mhz, 1.0, 1e4)?;
        within("max_requests", self.max_requests as f64, 1.0, 1e12)?;
        PageTable::new(self.memory_bytes, self.frames).map(drop)
    }
}

fn within(name: &str, value: f64, low: f64, high: f64) -> Result<()> {
    if (low..=high).contains(&value) {
        return Ok(());
    }
    Err(Error::InvalidValue {
        parameter: name.into(),
        value: value.to_string(),
        message: format!("outside {low} to {high}"),
        remedy: "choose a value inside the range".into(),
    })
}

/// What a recording saw.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RecordSummary {
    /// Requests written.
    pub requests: u64,
    /// Instructions seen, the skipped ones included.
    pub instructions: u64,
    /// Loads, stores and modifications seen.
    pub data_accesses: u64,
    /// Lines that were no accesses.
    pub other_lines: u64,
    /// 4 KiB pages touched.
    pub pages: usize,
    /// Hits and misses per cache, from near to far.
    pub caches: Vec<(u64, u64)>,
    /// Whether the recording ended before the program did.
    pub cut: bool,
}

/// Turns the lackey trace `input` into requests, given to `sink` one by one; `name` stands for the input in messages.
///
/// # Errors
/// Those of [`RecordConfig::check`], of the input and of `sink`; [`Error::Source`] if the input holds no access at all
/// or no request is left after the skipped ones.
pub fn import(
    name: &str,
    input: impl BufRead,
    config: &RecordConfig,
    mut sink: impl FnMut(&Request) -> Result<()>,
) -> Result<RecordSummary> {
    config.check()?;
    let mut caches = Hierarchy::new(&config.caches)?;
    let mut pages = PageTable::new(config.memory_bytes, config.frames)?;
    let mut reader = LackeyReader::new(name, input);
    let cycles = config.cycles_per_instruction * config.clock_mhz / config.processor_mhz;
    let (mut instructions, mut data_accesses, mut requests) = (0_u64, 0_u64, 0_u64);
    let mut to_skip = config.skip_requests;
    let mut first_instruction = None;
    let mut missed: Vec<LineRequest> = Vec::new();
    'records: while let Some(record) = reader.next_record()? {
        missed.clear();
        let is_instruction = record.access == Access::Instruction;
        instructions += u64::from(is_instruction);
        data_accesses += u64::from(!is_instruction);
        if is_instruction && !caches.traces_instructions() {
            continue;
        }
        // An access may cross into another page, which lies elsewhere in memory.
        let mut address = record.address;
        let mut left = u64::from(record.bytes);
        while left > 0 {
            let part = left.min(PAGE_BYTES - address % PAGE_BYTES);
            let physical = pages.translate(address)?;
            match record.access {
                Access::Instruction => caches.fetch(physical, part as u32, &mut missed),
                Access::Load => caches.access(physical, part as u32, false, &mut missed),
                Access::Store => caches.access(physical, part as u32, true, &mut missed),
                Access::Modify => {
                    caches.access(physical, part as u32, false, &mut missed);
                    caches.access(physical, part as u32, true, &mut missed);
                }
            }
            address = address.wrapping_add(part);
            left -= part;
        }
        if instructions <= config.skip_instructions {
            continue;
        }
        for line in &missed {
            if to_skip > 0 {
                to_skip -= 1;
                continue;
            }
            let origin = *first_instruction.get_or_insert(instructions);
            let cycle = ((instructions - origin) as f64 * cycles) as u64;
            sink(&Request { cycle, address: line.address, is_write: line.is_write, bytes: 0 })?;
            requests += 1;
            if requests == config.max_requests {
                break 'records;
            }
        }
    }
    let summary = RecordSummary {
        requests,
        instructions,
        data_accesses,
        other_lines: reader.other_lines(),
        pages: pages.pages(),
        caches: caches.statistics(),
        cut: requests == config.max_requests,
    };
    if requests == 0 {
        return Err(nothing_recorded(name, &summary));
    }
    Ok(summary)
}

fn nothing_recorded(name: &str, summary: &RecordSummary) -> Error {
    let (message, remedy) = if summary.instructions + summary.data_accesses == 0 {
        (
            format!("no memory access found in {} lines", summary.other_lines),
            "give the output of `valgrind --tool=lackey --trace-mem=yes PROGRAM`",
        )
    } else {
        (
            format!("none of {} instructions left a request", summary.instructions),
            "lower --skip-instructions and --skip-requests, or give the program more to do",
        )
    };
    Error::Source { file: name.into(), line: 1, column: 1, message, remedy: remedy.into() }
}

/// Runs `program` with `arguments` under valgrind and records it. Needs valgrind (Linux). The program keeps its standard
/// input and output; it is killed when enough requests are there. Returns its exit status unless it was cut.
///
/// # Errors
/// [`Error::InvalidValue`] if valgrind or the program cannot be run, and those of [`import`].
pub fn record(
    program: &str,
    arguments: &[String],
    config: &RecordConfig,
    sink: impl FnMut(&Request) -> Result<()>,
) -> Result<(RecordSummary, Option<ExitStatus>)> {
    config.check()?;
    // The trace comes through a local socket, so that it does not mix with the program's own output.
    let socket = |source| Error::io("127.0.0.1", source);
    let listener = TcpListener::bind(("127.0.0.1", 0)).map_err(socket)?;
    let port = listener.local_addr().map_err(socket)?.port();
    listener.set_nonblocking(true).map_err(socket)?;
    let child = Command::new("valgrind")
        .args([
            "-q",
            "--tool=lackey",
            "--trace-mem=yes",
            "--basic-counts=no",
            "--child-silent-after-fork=yes",
        ])
        .arg(format!("--log-socket=127.0.0.1:{port}"))
        .arg(program)
        .args(arguments)
        .spawn();
    let child = child.map_err(|source| match source.kind() {
        ErrorKind::NotFound => cannot_run(
            "valgrind",
            "valgrind is not installed",
            "install it (`apt install valgrind`, `dnf install valgrind`, `pacman -S valgrind`); shipped and generated \
             traces and `hwgym trace import` work without it",
        ),
        _ => Error::io("valgrind", source),
    })?;
    let mut running = Running(child);
    let stream = connect(&listener, &mut running, program)?;
    // Held until the program is dead: with nobody at the other end, valgrind would go on writing to standard error.
    let _held = stream.try_clone().map_err(socket)?;
    let summary = import(program, BufReader::with_capacity(1 << 16, stream), config, sink)?;
    if summary.cut {
        drop(running);
        return Ok((summary, None));
    }
    let status = running.0.wait().map_err(|source| Error::io("valgrind", source))?;
    Ok((summary, Some(status)))
}

/// Waits until valgrind connects, or ends without having done so.
fn connect(listener: &TcpListener, running: &mut Running, program: &str) -> Result<TcpStream> {
    let failed = |source| Error::io("valgrind", source);
    loop {
        match listener.accept() {
            Ok((stream, _)) => {
                stream.set_nonblocking(false).map_err(failed)?;
                return Ok(stream);
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                if let Some(status) = running.0.try_wait().map_err(failed)? {
                    let message = format!("valgrind could not run it ({status})");
                    return Err(cannot_run(
                        program,
                        &message,
                        "give a program that exists, with its path if needed",
                    ));
                }
                std::thread::sleep(Duration::from_millis(5));
            }
            Err(error) => return Err(failed(error)),
        }
    }
}

fn cannot_run(program: &str, message: &str, remedy: &str) -> Error {
    Error::InvalidValue {
        parameter: "program".into(),
        value: program.into(),
        message: message.into(),
        remedy: remedy.into(),
    }
}

/// A child process that does not outlive its recording.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // Both fail only for a process that has ended, which is what is wanted.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::CacheLevel;

    fn config() -> RecordConfig {
        let tiny = CacheLevel { size_bytes: 128, ways: 2, line_bytes: 64 };
        let caches = CacheConfig { instruction: None, data: Some(tiny), shared: Vec::new() };
        RecordConfig {
            caches,
            frames: FrameOrder::Sequential,
            cycles_per_instruction: 4.0,
            ..RecordConfig::default()
        }
    }

    fn run(text: &str, config: &RecordConfig) -> Result<(Vec<Request>, RecordSummary)> {
        let mut requests = Vec::new();
        let summary = import("t.lackey", text.as_bytes(), config, |request| {
            requests.push(*request);
            Ok(())
        })?;
        Ok((requests, summary))
    }

    const TEXT: &str =
        "I  1000,4\n S 5000,8\nI  1004,4\n L 5008,8\nI  1008,4\n L 5040,4\nI  100c,4\n M 7ffc,8\n";

    #[test]
    fn accesses_become_misses_with_time_stamps() {
        let (requests, summary) = run(TEXT, &config()).unwrap();
        let list: Vec<_> = requests.iter().map(|r| (r.cycle, r.address, r.is_write)).collect();
        // Four processor cycles per instruction at twice the memory clock: two cycles each. The modification crosses
        // from page 7 (second frame) into page 8 (third); the lines of page 5 leave, the stored one is written back.
        let expected =
            [(0, 0x0, false), (4, 0x40, false), (6, 0x1fc0, false), (6, 0x2000, false), (6, 0x0, true)];
        let mut sorted = list.clone();
        sorted.sort_by_key(|(cycle, _, is_write)| (*cycle, *is_write));
        assert_eq!(sorted, expected, "{list:?}");
        assert_eq!(
            (summary.instructions, summary.data_accesses, summary.pages, summary.cut),
            (4, 4, 3, false)
        );
    }

    #[test]
    fn skipping_and_cutting() {
        let cut = RecordConfig { max_requests: 2, ..config() };
        let (requests, summary) = run(TEXT, &cut).unwrap();
        assert_eq!((requests.len(), summary.cut), (2, true));
        let skip = RecordConfig { skip_instructions: 1, ..config() };
        let (requests, _) = run(TEXT, &skip).unwrap();
        assert_eq!((requests[0].cycle, requests[0].address), (0, 0x40));
        let skip = RecordConfig { skip_requests: 2, ..config() };
        assert_eq!(run(TEXT, &skip).unwrap().0[0].cycle, 0);
    }

    #[test]
    fn useless_input_is_explained() {
        let error = run("hello\n", &config()).unwrap_err().to_string();
        assert!(error.contains("t.lackey") && error.contains("no memory access"), "{error}");
        let skip = RecordConfig { skip_requests: 1000, ..config() };
        assert!(run(TEXT, &skip).unwrap_err().to_string().contains("--skip-requests"));
        let slow = RecordConfig { cycles_per_instruction: 0.0, ..config() };
        assert!(run(TEXT, &slow).unwrap_err().to_string().contains("cycles_per_instruction = 0"));
    }
}
