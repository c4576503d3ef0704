//! A real ngspice as a second engine: found at run time, one child process per simulation, nothing linked in.
//!
//! Every child runs in a temporary folder and a process group of its own, with one thread and a time limit; at most a fixed number of
//! children run at once, however many threads ask.

mod deck;
mod raw;

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use crate::circuit::{Circuit, Results};
use crate::error::{CircuitError, Result};

/// How to get ngspice where it is missing.
const INSTALL: &str = "install it (Debian or Ubuntu: `apt-get install ngspice`, macOS: `brew install ngspice`) or use the native engine";

/// An ngspice program and the limits on its use. Clones share one pool of workers.
#[derive(Debug, Clone)]
pub struct Ngspice {
    program: PathBuf,
    version: String,
    time_limit: Duration,
    pool: Arc<Pool>,
}

#[derive(Debug)]
struct Pool {
    free: Mutex<usize>,
    changed: Condvar,
}

/// A place in the pool, given back when dropped.
struct Permit<'a>(&'a Pool);

impl Pool {
    fn take(&self) -> Permit<'_> {
        let mut free = self.free.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        while *free == 0 {
            free = self.changed.wait(free).unwrap_or_else(std::sync::PoisonError::into_inner);
        }
        *free -= 1;
        Permit(self)
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        *self.0.free.lock().unwrap_or_else(std::sync::PoisonError::into_inner) += 1;
        self.0.changed.notify_one();
    }
}

fn error(message: String) -> CircuitError {
    CircuitError::Ngspice { message }
}

impl Ngspice {
    /// Finds `ngspice` on the `PATH`; as many workers as the machine has cores, a limit of 60 s per simulation.
    ///
    /// # Errors
    /// With the command that installs it, when there is none.
    pub fn find() -> Result<Self> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let program = std::env::split_paths(&path).map(|p| p.join("ngspice")).find(|p| p.is_file());
        let Some(program) = program else {
            return Err(error(format!("ngspice was not found on the PATH; {INSTALL}")));
        };
        Self::at(program)
    }

    /// Uses a given program.
    ///
    /// # Errors
    /// When it does not run or does not say that it is ngspice.
    pub fn at(program: impl Into<PathBuf>) -> Result<Self> {
        let program = program.into();
        let output = Command::new(&program).arg("--version").stdin(Stdio::null()).output();
        let output =
            output.map_err(|e| error(format!("{} does not run: {e}; {INSTALL}", program.display())))?;
        let text =
            String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        let version = text.split_whitespace().find(|w| w.starts_with("ngspice-")).map(str::to_string);
        let Some(version) = version else {
            return Err(error(format!(
                "{} does not report an ngspice version; {INSTALL}",
                program.display()
            )));
        };
        let workers = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let pool = Arc::new(Pool { free: Mutex::new(workers), changed: Condvar::new() });
        Ok(Self { program, version, time_limit: Duration::from_secs(60), pool })
    }

    /// Sets how many children may run at once.
    #[must_use]
    pub fn with_workers(mut self, workers: usize) -> Self {
        self.pool = Arc::new(Pool { free: Mutex::new(workers.max(1)), changed: Condvar::new() });
        self
    }

    /// Sets the wall-clock limit of one simulation.
    #[must_use]
    pub fn with_time_limit(mut self, limit: Duration) -> Self {
        self.time_limit = limit;
        self
    }

    /// The version it reports, e.g. `ngspice-39`; to be recorded with results.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Runs all analyses of a circuit. Tables have the same names and columns as those of the native engine; measures are evaluated by
    /// the same code.
    ///
    /// # Errors
    /// When ngspice fails (with the tail of its log) or runs into the time limit.
    pub fn simulate(&self, circuit: &Circuit) -> Result<Results> {
        let netlist = circuit.netlist()?;
        let settings = "set num_threads=1\nset filetype=ascii\n";
        let Batch { output, log } =
            self.batch(&deck::text(circuit), settings, &["-r", "out.raw"], "out.raw")?;
        let tables = output
            .map(|b| raw::tables(&String::from_utf8_lossy(&b)))
            .transpose()
            .map_err(|m| error(format!("ngspice: {m}")))?;
        let tables = tables.unwrap_or_default();
        if tables.is_empty() {
            return Err(error(format!(
                "{} gave no results; the end of its log:\n{}",
                self.version,
                tail(&log)
            )));
        }
        let mut results = Results { tables, ..Results::default() };
        results.warnings = netlist.warnings.clone();
        results.measures = crate::circuit::measure(&netlist, &results);
        Ok(results)
    }
}

/// What a run left behind.
struct Batch {
    /// The file that was asked for, if it was written.
    output: Option<Vec<u8>>,
    log: String,
}

impl Ngspice {
    /// Runs the text of a deck whose `.control` section writes `file`, and returns that file's text (`None` if it was not written) and
    /// ngspice's log.
    ///
    /// # Errors
    /// When ngspice does not start or runs into the time limit.
    pub fn control(&self, deck: &str, file: &str) -> Result<(Option<String>, String)> {
        let Batch { output, log } = self.batch(deck, "set num_threads=1\n", &[], file)?;
        Ok((output.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()), log))
    }

    /// Runs the text of a deck in a folder of its own.
    fn batch(&self, deck: &str, settings: &str, arguments: &[&str], file: &str) -> Result<Batch> {
        let _permit = self.pool.take();
        let folder = Folder::new()?;
        let write = |name: &str, text: &str| {
            std::fs::write(folder.0.join(name), text)
                .map_err(|e| CircuitError::Write { path: folder.0.join(name), reason: e.to_string() })
        };
        write("deck.cir", deck)?;
        write(".spiceinit", settings)?;
        let mut command = Command::new(&self.program);
        command.arg("-b").args(arguments).args(["-o", "log", "deck.cir"]).current_dir(&folder.0);
        command.env("HOME", &folder.0).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let child = command
            .spawn()
            .map_err(|e| error(format!("{} does not start: {e}; {INSTALL}", self.program.display())))?;
        let finished = Guard(child).wait(self.time_limit)?;
        if !finished {
            let limit = format!("{} s passed; raise the time limit", self.time_limit.as_secs_f64());
            return Err(CircuitError::Limit { analysis: "ngspice", limit });
        }
        let log = std::fs::read(folder.0.join("log")).unwrap_or_default();
        Ok(Batch {
            output: std::fs::read(folder.0.join(file)).ok(),
            log: String::from_utf8_lossy(&log).into_owned(),
        })
    }
}

/// The last lines of a log that say something.
fn tail(log: &str) -> String {
    let lines: Vec<&str> = log.lines().filter(|l| !l.trim().is_empty()).collect();
    lines[lines.len().saturating_sub(12)..].join("\n")
}

/// A child that does not outlive its guard.
struct Guard(Child);

impl Guard {
    /// Waits up to `limit`; false if it was killed for taking longer.
    fn wait(mut self, limit: Duration) -> Result<bool> {
        let begun = Instant::now();
        let mut pause = Duration::from_millis(1);
        loop {
            match self.0.try_wait() {
                Ok(Some(_)) => return Ok(true),
                Ok(None) if begun.elapsed() >= limit => return Ok(false),
                Ok(None) => std::thread::sleep(pause),
                Err(e) => return Err(error(format!("waiting for ngspice: {e}"))),
            }
            pause = (pause * 2).min(Duration::from_millis(20));
        }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        if matches!(self.0.try_wait(), Ok(Some(_))) {
            return;
        }
        // The whole group, so that nothing the child started stays behind.
        hwgym_process::kill_group(&self.0);
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A temporary folder, removed when dropped.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Result<Self> {
        static COUNT: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
        let number = COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("hwgym-ngspice-{}-{number}", std::process::id()));
        let fail = |e: std::io::Error, path: &Path| CircuitError::Write {
            path: path.to_path_buf(),
            reason: e.to_string(),
        };
        // `create_dir` fails on an existing folder: nobody else's files are ever used.
        match std::fs::create_dir(&path) {
            Ok(()) => Ok(Self(path)),
            Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => Self::new(),
            Err(e) => Err(fail(e, &path)),
        }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The tables of an ASCII raw file, by kind: `op`, `dc`, `ac`, `tran`, `noise`, `noise_int`, `tf`.
///
/// # Errors
/// What is wrong with the file, in words.
pub fn raw_tables(text: &str) -> std::result::Result<Vec<(String, crate::analysis::Table)>, String> {
    raw::tables(text)
}
