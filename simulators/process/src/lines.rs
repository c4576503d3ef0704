//! A program that stays, and speaks lines: one question, one answer.

use std::fs::File;
use std::io::{self, BufRead, BufReader, PipeReader, Read, Write};
use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::contain::{Running, Scope, Wake, file};
use crate::guard::{Guard, helper};
use crate::job::{Ending, Job, Report};

/// Bytes of standard error that are kept for messages.
const TAIL: usize = 2000;

/// Bytes past which a line is no answer.
const LONGEST_LINE: u64 = 64 << 20;

/// A program that reads lines on its standard input and writes lines on its standard output. It is stopped with all that it has started when
/// this is dropped.
pub struct LineProcess {
    held: Option<Held>,
    /// Lines on their way to the program; a thread of its own writes them, so that one that does not read blocks nobody.
    input: Option<Sender<String>>,
    lines: Receiver<Result<String, String>>,
    errors: Arc<Mutex<Vec<u8>>>,
}

enum Held {
    Guarded(Guard),
    Direct(Box<Running>),
}

/// Why no line came.
#[derive(Clone, Debug, PartialEq)]
pub enum Silence {
    /// Not in time.
    TimedOut,
    /// Its output has ended.
    Ended,
    /// What came is no line.
    Broken(String),
}

impl LineProcess {
    /// Starts the program. `remove` is a folder that goes when this process is gone. Errors: it cannot be started.
    pub fn start(job: Job, remove: Option<&Path>) -> io::Result<Self> {
        let (its_input, own_input) = io::pipe()?;
        let (own_output, its_output) = io::pipe()?;
        let (own_errors, its_errors) = io::pipe()?;
        let files = [file(its_input)?, file(its_output)?, file(its_errors)?];
        let held = match helper() {
            Some(helper) => {
                let mut guard = Guard::start(helper)?;
                guard.order(job, &files, remove)?;
                Held::Guarded(guard)
            }
            None => Held::Direct(Box::new(Running::start(job, files, Scope::mark())?)),
        };
        let (sender, lines) = channel();
        std::thread::spawn(move || read_lines(own_output, &sender));
        let errors = Arc::new(Mutex::new(Vec::new()));
        let kept = errors.clone();
        std::thread::spawn(move || keep_tail(own_errors, &kept));
        let (input, outgoing) = channel();
        let own_input = file(own_input)?;
        std::thread::spawn(move || write_lines(own_input, &outgoing));
        Ok(Self { held: Some(held), input: Some(input), lines, errors })
    }

    /// Sends a line; the newline is added. Where the program is gone, the next answer says so.
    pub fn send(&self, line: &str) {
        if let Some(input) = &self.input {
            let _ = input.send(format!("{line}\n"));
        }
    }

    /// The next line of the program, its newline included, if it comes in time. Errors: why there is none.
    pub fn receive(&self, limit: Duration) -> Result<String, Silence> {
        match self.lines.recv_timeout(limit) {
            Ok(line) => line.map_err(Silence::Broken),
            Err(RecvTimeoutError::Timeout) => Err(Silence::TimedOut),
            Err(RecvTimeoutError::Disconnected) => Err(Silence::Ended),
        }
    }

    /// Ends the program, and tells how it ended and what it last wrote to its standard error. One that is ending by itself is given a
    /// moment to do so.
    pub fn end(mut self, moment: Duration) -> (Option<Report>, String) {
        self.input = None;
        let report = match self.held.take() {
            Some(Held::Direct(mut running)) => Some(match running.wait(None, Some(moment)) {
                Ok(Wake::Over(report)) => report,
                _ => running.stop(Ending::Stopped),
            }),
            Some(Held::Guarded(mut guard)) => {
                // Where its output is closed it is ending, or has ended.
                let closing = self.lines_end_within(moment);
                if !(closing && guard.ends_within(moment)) {
                    guard.stop();
                }
                Some(guard.report())
            }
            None => None,
        };
        // The reader of its errors may still be at work on the last piece.
        std::thread::sleep(Duration::from_millis(5));
        let said = self.said();
        (report, said)
    }

    fn lines_end_within(&self, moment: Duration) -> bool {
        let until = std::time::Instant::now() + moment;
        loop {
            match self.lines.recv_timeout(until.saturating_duration_since(std::time::Instant::now())) {
                Ok(_) => {}
                Err(silence) => return silence == RecvTimeoutError::Disconnected,
            }
        }
    }

    /// What the program last wrote to its standard error.
    pub fn said(&self) -> String {
        let kept = self.errors.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&kept).trim().to_string()
    }
}

fn read_lines(output: PipeReader, sender: &Sender<Result<String, String>>) {
    let mut reader = BufReader::new(output);
    loop {
        let mut line = String::new();
        let answer = match reader.by_ref().take(LONGEST_LINE).read_line(&mut line) {
            Ok(0) => return,
            Ok(_) if !line.ends_with('\n') && line.len() as u64 >= LONGEST_LINE => {
                Err("its answer is longer than 64 MiB".to_string())
            }
            Ok(_) => Ok(line),
            Err(error) => Err(format!("its answer does not read: {error}")),
        };
        let broken = answer.is_err();
        if sender.send(answer).is_err() || broken {
            return;
        }
    }
}

fn keep_tail(mut output: PipeReader, tail: &Mutex<Vec<u8>>) {
    let mut piece = [0; 1024];
    while let Ok(count @ 1..) = output.read(&mut piece) {
        let mut kept = tail.lock().unwrap_or_else(PoisonError::into_inner);
        kept.extend_from_slice(&piece[..count]);
        let excess = kept.len().saturating_sub(TAIL);
        kept.drain(..excess);
    }
}

fn write_lines(mut input: File, outgoing: &Receiver<String>) {
    for line in outgoing {
        if input.write_all(line.as_bytes()).and_then(|()| input.flush()).is_err() {
            return;
        }
    }
}
