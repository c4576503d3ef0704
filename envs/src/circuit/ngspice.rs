//! The same test benches on an installed ngspice, one child process per analysis.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use hwgym_simulators::circuit::TranSpec;

use super::bench::{Miss, Sweep};
use super::template::Template;
use crate::EnvError;

/// What to do about a missing ngspice.
pub(super) const MISSING: &str =
    "there is no `ngspice` on the PATH; install it (Debian: `apt install ngspice`), or use `native`";
/// A run that takes longer is stopped.
const LIMIT: Duration = Duration::from_secs(60);

/// The installed ngspice's version line; `None` where there is none on the PATH.
pub(super) fn version() -> Option<String> {
    static VERSION: OnceLock<Option<String>> = OnceLock::new();
    let find = || {
        let output = Command::new("ngspice").arg("--version").stdin(Stdio::null()).output().ok()?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let start = text.find("ngspice-")?;
        Some(text[start..].split_whitespace().next().unwrap_or("ngspice").to_owned())
    };
    VERSION.get_or_init(find).clone()
}

/// A deck evaluated by ngspice.
#[derive(Clone)]
pub(super) struct Ngspice {
    template: Template,
    probes: Vec<String>,
    values: Vec<f64>,
    temperature_c: f64,
    operating_point: Vec<f64>,
}

/// A folder that is removed when it goes out of scope.
struct Folder(PathBuf);

impl Folder {
    fn new() -> std::io::Result<Self> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("hwgym-ngspice-{}-{count}", std::process::id()));
        std::fs::create_dir_all(&path)?;
        Ok(Self(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

impl Ngspice {
    /// Makes a template ready.
    ///
    /// # Errors
    /// There is no ngspice on the PATH.
    pub(super) fn new(template: &Template, probes: &[&str]) -> Result<Self, EnvError> {
        if version().is_none() {
            return Err(EnvError::invalid("engine", MISSING));
        }
        Ok(Self {
            template: template.clone(),
            probes: probes.iter().map(|p| (*p).to_owned()).collect(),
            values: template.defaults.clone(),
            temperature_c: 27.0,
            operating_point: vec![f64::NAN; probes.len()],
        })
    }

    pub(super) fn set(&mut self, values: &[f64], temperature_c: f64) {
        self.values.clear();
        self.values.extend_from_slice(values);
        self.temperature_c = temperature_c;
    }

    /// Runs control commands that write `out.txt`, and returns its numbers row by row.
    fn run(&self, commands: &str) -> Result<Vec<Vec<f64>>, Miss> {
        let mut cards = format!(".temp {}\n", self.temperature_c);
        let _ = write!(cards, ".control\nset wr_singlescale\nset numdgt=13\n{commands}\nquit\n.endc");
        let deck = self.template.deck(&self.values, &cards);
        let (folder, log) = batch(&deck)?;
        read_table(&folder.0.join("out.txt")).ok_or_else(|| complaint(&log))
    }

    pub(super) fn operating_point(&mut self) -> Result<(), Miss> {
        let rows = self.run(&format!("op\nwrdata out.txt {}", self.probes.join(" ")))?;
        let row = rows.first().filter(|row| row.len() > self.probes.len());
        let row = row.ok_or_else(|| Miss::Failed("ngspice wrote no operating point".into()))?;
        self.operating_point = row[1..].to_vec();
        Ok(())
    }

    pub(super) fn value(&self, probe: usize) -> f64 {
        self.operating_point[probe]
    }

    pub(super) fn ac(&mut self, sweep: &Sweep, probe: usize, out: &mut Vec<(f64, f64)>) -> Result<(), Miss> {
        let Sweep { per_decade, from_hz, to_hz } = sweep;
        let name = &self.probes[probe];
        let rows = self.run(&format!("ac dec {per_decade} {from_hz:e} {to_hz:e}\nwrdata out.txt {name}"))?;
        out.clear();
        out.extend(rows.iter().filter(|row| row.len() >= 3).map(|row| (row[1], row[2])));
        Ok(())
    }

    pub(super) fn input_noise(
        &mut self,
        frequencies: &[f64],
        probe: usize,
        source: &str,
        out: &mut Vec<f64>,
    ) -> Result<(), Miss> {
        out.clear();
        for f in frequencies {
            let name = &self.probes[probe];
            let rows = self.run(&format!(
                "noise {name} {source} dec 1 {f:e} {f:e}\nsetplot noise1\nwrdata out.txt inoise_spectrum"
            ))?;
            let value = rows.first().and_then(|row| row.get(1)).copied();
            out.push(value.ok_or_else(|| Miss::Failed("ngspice wrote no noise spectrum".into()))?);
        }
        Ok(())
    }

    pub(super) fn transient(
        &mut self,
        spec: TranSpec,
        probes: &[usize],
        out: &mut Vec<f64>,
    ) -> Result<(), Miss> {
        let names: Vec<&str> = probes.iter().map(|p| self.probes[*p].as_str()).collect();
        let TranSpec { step, stop, start, max_step, .. } = spec;
        let largest = max_step.map_or(String::new(), |m| format!("{m:e}"));
        let rows = self.run(&format!(
            "tran {step:e} {stop:e} {start:e} {largest}\nwrdata out.txt {}",
            names.join(" ")
        ))?;
        out.clear();
        for row in rows.iter().filter(|row| row.len() > names.len()) {
            out.extend_from_slice(&row[..=names.len()]);
        }
        Ok(())
    }
}

/// Rows of whitespace-separated numbers; `None` if there are none.
fn read_table(path: &Path) -> Option<Vec<Vec<f64>>> {
    let text = std::fs::read_to_string(path).ok()?;
    let rows: Vec<Vec<f64>> = text
        .lines()
        .map(|line| line.split_whitespace().map_while(|word| word.parse().ok()).collect())
        .collect();
    (!rows.is_empty()).then_some(rows)
}

/// What ngspice's log says is wrong.
fn complaint(log: &str) -> Miss {
    let errors: Vec<&str> =
        log.lines().filter(|l| l.to_lowercase().contains("error") || l.contains("failed")).take(2).collect();
    Miss::new(format!("the circuit can be simulated: ngspice says `{}`", errors.join("; ")), 1.0)
}

/// Runs a deck in batch mode in a folder of its own. Returns the folder, which disappears when it is dropped, and the log.
fn batch(deck: &str) -> Result<(Folder, String), Miss> {
    let broken = |what: &str, error: std::io::Error| Miss::Failed(format!("ngspice: {what}: {error}"));
    let folder = Folder::new().map_err(|e| broken("cannot make a temporary folder", e))?;
    let write = |name: &str, text: &str| std::fs::write(folder.0.join(name), text);
    write(".spiceinit", "set num_threads=1\n").map_err(|e| broken("cannot write", e))?;
    write("deck.cir", deck).map_err(|e| broken("cannot write", e))?;
    let log = std::fs::File::create(folder.0.join("log.txt")).map_err(|e| broken("cannot write", e))?;
    let errors = log.try_clone().map_err(|e| broken("cannot write", e))?;
    let mut child = Command::new("ngspice")
        .arg("-b")
        .arg(folder.0.join("deck.cir"))
        .current_dir(&folder.0)
        .env("HOME", &folder.0)
        .stdin(Stdio::null())
        .stdout(log)
        .stderr(errors)
        .spawn()
        .map_err(|e| broken("cannot start", e))?;
    let started = Instant::now();
    let mut pause = Duration::from_millis(1);
    loop {
        match child.try_wait() {
            Ok(Some(_)) => break,
            Ok(None) if started.elapsed() > LIMIT => {
                let _ = child.kill();
                let _ = child.wait();
                return Err(Miss::Failed(format!("ngspice took more than {} s", LIMIT.as_secs())));
            }
            Ok(None) => {
                std::thread::sleep(pause);
                pause = (pause * 2).min(Duration::from_millis(20));
            }
            Err(error) => return Err(broken("cannot wait", error)),
        }
    }
    let log = std::fs::read_to_string(folder.0.join("log.txt")).unwrap_or_default();
    Ok((folder, log))
}
