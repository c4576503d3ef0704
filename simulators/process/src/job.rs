//! What is to be run, within which limits, and how it ended.

use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// A program with all that it is given. No shell is involved: every argument arrives as it stands here.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Job {
    /// The program: a path, or a name that is looked for on the `PATH`.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// Environment variables that are set on top of those of this process.
    pub variables: Vec<(String, String)>,
    /// The folder in which it starts.
    pub folder: PathBuf,
    /// What it may use.
    pub limits: Limits,
}

/// What a job may use. Nothing is limited where a limit is `None`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Limits {
    /// Seconds from its start.
    pub time_s: Option<f64>,
    /// Bytes of resident memory, summed over all its processes.
    pub memory_bytes: Option<u64>,
    /// Bytes of each output and each file that it writes, and of its folder as a whole.
    pub output_bytes: Option<u64>,
    /// Seconds between SIGTERM and SIGKILL when a job is stopped.
    pub grace_s: f64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { time_s: None, memory_bytes: None, output_bytes: None, grace_s: 0.5 }
    }
}

/// How a job ended. All its processes are gone by then, those that left its process group included.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// Why it ended.
    pub ending: Ending,
    /// Seconds from its start to its end.
    pub wall_s: f64,
    /// Seconds of processor time, of the program and of every child that it waited for.
    pub cpu_s: f64,
    /// The most memory that was resident at a time: of the largest of its processes, or of all together where that was watched.
    pub peak_memory_bytes: u64,
    /// Names of processes that were still there when the program had ended, and were killed.
    pub left: Vec<String>,
}

/// Why a job ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Ending {
    /// By itself, with this exit code.
    Exit(i32),
    /// By a signal that nobody here sent.
    Signal(i32),
    /// Its time was over.
    TimeLimit,
    /// It used more memory than it may.
    MemoryLimit,
    /// It wrote more than it may.
    OutputLimit,
    /// It was stopped on demand.
    Stopped,
    /// Whoever watched it was killed; it was killed too.
    Lost,
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exit(code) => write!(f, "exit code {code}"),
            Self::Signal(number) => match name(*number) {
                Some(name) => write!(f, "signal {number} ({name})"),
                None => write!(f, "signal {number}"),
            },
            Self::TimeLimit => f.write_str("its time limit"),
            Self::MemoryLimit => f.write_str("its memory limit"),
            Self::OutputLimit => f.write_str("its output limit"),
            Self::Stopped => f.write_str("being stopped"),
            Self::Lost => f.write_str("the loss of the process that guards it"),
        }
    }
}

/// Signals by which programs die.
fn name(signal: i32) -> Option<&'static str> {
    Some(match signal {
        1 => "SIGHUP",
        2 => "SIGINT",
        3 => "SIGQUIT",
        4 => "SIGILL, an illegal instruction",
        6 => "SIGABRT, an abort",
        7 => "SIGBUS, a bus error",
        8 => "SIGFPE, an arithmetic error",
        9 => "SIGKILL; the system may have been short of memory",
        11 => "SIGSEGV, a segmentation fault",
        13 => "SIGPIPE",
        15 => "SIGTERM",
        24 => "SIGXCPU, its limit of processor time",
        25 => "SIGXFSZ, its limit of file sizes",
        _ => return None,
    })
}
