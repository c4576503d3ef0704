//! One run of a program that is started for every evaluation.

use std::cell::RefCell;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use hwgym_simulators::process::{Ending, Folder, Job, Limits, Runner};

use super::definition::{Argument, Definition, Level, Placed, Rule};
use super::extract::{Miss, Output};
use super::file::Keep;
use super::text::Values;
use crate::{Design, Outcome};

/// Bytes of each output that a failure keeps.
const TAIL: usize = 1000;

/// Words by which programs say that they were refused memory.
const NO_MEMORY: [&str; 7] = [
    "Out of space",
    "MemoryError",
    "bad_alloc",
    "ut of memory",
    "Cannot allocate memory",
    "OutOfMemory",
    "memory exhausted",
];

/// A run, finished.
pub(super) struct Run {
    pub outcome: Outcome,
    /// It may go well the next time.
    pub transient: bool,
}

impl Definition {
    /// Runs the program once. `time_s` is a limit of time below that of the definition.
    pub fn run(
        &self,
        runner: &Runner,
        level: &Level,
        design: &Design,
        seed: u64,
        time_s: Option<f64>,
    ) -> Run {
        let values =
            Values { names: &self.names, design, constants: &level.constants, fidelity: &level.name, seed };
        let limit_s = time_s.map_or(self.limits.time_s, |time_s| time_s.min(self.limits.time_s));
        self.run_prepared(runner, &values, limit_s, |work| {
            self.fill(work, &values)?;
            self.job(self.command(&values)?, work, &values, Some(limit_s))
        })
    }

    /// Runs another command in its place, its templates empty: what does a failure look like?
    pub fn run_words(&self, runner: &Runner, level: &Level, design: &Design, words: Vec<String>) -> Outcome {
        let seed = self.seed;
        let values =
            Values { names: &self.names, design, constants: &level.constants, fidelity: &level.name, seed };
        let prepare = |work: &Path| {
            self.fill(work, &values)?;
            for template in &self.program.templates {
                let name = template.to.write(&values)?;
                write(work, &name, b"", template.executable).map_err(|error| format!("{name}: {error}"))?;
            }
            self.job(words, work, &values, Some(self.limits.time_s))
        };
        self.run_prepared(runner, &values, self.limits.time_s, prepare).outcome
    }

    fn run_prepared(
        &self,
        runner: &Runner,
        values: &Values,
        limit_s: f64,
        prepare: impl FnOnce(&Path) -> Result<Job, String>,
    ) -> Run {
        let steady = |outcome| Run { outcome, transient: false };
        let folder = match runner.folder() {
            Ok(folder) => folder,
            Err(error) => {
                return steady(Outcome::failed(format!(
                    "no scratch folder in {}: {error}",
                    self.scratch.display()
                )));
            }
        };
        let work = folder.path().join("work");
        let job = match prepare(&work) {
            Ok(job) => job,
            Err(reason) => return steady(Outcome::failed(reason)),
        };
        let (out, err) = (folder.path().join("stdout"), folder.path().join("stderr"));
        let ran = log(&out).and_then(|stdout| {
            let stderr = log(&err)?;
            let report = runner.run(job, &stdout, &stderr)?;
            Ok((report, stdout, stderr))
        });
        let (report, stdout, stderr) = match ran {
            Ok(ran) => ran,
            Err(error) => {
                let program = self.program.launcher.first().unwrap_or(&self.program.program);
                return steady(Outcome::failed(format!("`{program}` cannot be started: {error}")));
            }
        };
        let (stdout, stderr) = (written(stdout), written(stderr));
        let output =
            Output { folder: &work, stdout, stderr, report: &report, values, documents: RefCell::default() };
        let outcome = self.judge(&output, limit_s);
        let own = matches!(report.ending, Ending::Exit(_) | Ending::Signal(_));
        let transient = own
            && outcome.metrics().is_none()
            && self.retry.as_ref().is_some_and(|retry| retry.pattern.is_match(&output.log()));
        let keep = match self.keep {
            Keep::Never => false,
            Keep::Failures => outcome.metrics().is_none(),
            Keep::Always => true,
        };
        if keep && let Err(error) = self.keep(folder, values, &outcome) {
            return steady(Outcome::failed(format!(
                "the scratch folder cannot be kept in {}: {error}",
                self.keep_in.display()
            )));
        }
        Run { outcome, transient }
    }

    /// The command for a design.
    fn command(&self, values: &Values) -> Result<Vec<String>, String> {
        let program = &self.program;
        let mut words = program.launcher.clone();
        words.push(program.program.clone());
        for argument in &program.arguments {
            match argument {
                Argument::Always(text) => words.push(text.write(values)?),
                Argument::When { parameter, coordinates, arguments } => {
                    let active = self.names.space.is_active(values.design, *parameter);
                    if active && coordinates.contains(&values.design.coordinate(*parameter)) {
                        for text in arguments {
                            words.push(text.write(values)?);
                        }
                    }
                }
            }
        }
        Ok(words)
    }

    /// A command with its surroundings.
    pub fn job(
        &self,
        mut words: Vec<String>,
        work: &Path,
        values: &Values,
        time_s: Option<f64>,
    ) -> Result<Job, String> {
        let mut variables = Vec::new();
        // What a program puts into the folder of temporary files goes with the scratch folder.
        if let Some(parent) = work.parent() {
            variables.push(("TMPDIR".to_string(), parent.to_string_lossy().into_owned()));
        }
        for (name, text) in &self.program.env {
            variables.push((name.clone(), text.write(values)?));
        }
        let mut program = PathBuf::from(words.remove(0));
        if program.starts_with(".") {
            program = work.join(program);
        }
        let bytes = |megabytes: f64| (megabytes * 1048576.0) as u64;
        let limits = Limits {
            time_s,
            memory_bytes: self.limits.memory_mb.map(bytes),
            output_bytes: Some(bytes(self.limits.output_mb)),
            grace_s: self.limits.grace_s,
        };
        Ok(Job { program, arguments: words, variables, folder: work.into(), limits })
    }

    /// Makes the folder in which the program starts.
    pub fn fill(&self, work: &Path, values: &Values) -> Result<(), String> {
        let problem =
            |what: &str, error: io::Error| format!("{what} cannot be put into the scratch folder: {error}");
        fs::create_dir(work).map_err(|error| problem("a folder", error))?;
        for file in &self.program.files {
            place(file, work).map_err(|error| problem(&file.from.display().to_string(), error))?;
        }
        for template in &self.program.templates {
            let name = template.to.write(values)?;
            let text = template.body.write(values)?;
            write(work, &name, text.as_bytes(), template.executable)
                .map_err(|error| problem(&name, error))?;
        }
        if let Some(name) = &self.program.design_file {
            let text = serde_json::to_vec_pretty(&self.request(values)).map_err(|error| error.to_string())?;
            write(work, name, &text, false).map_err(|error| problem(name, error))?;
        }
        Ok(())
    }

    /// A design as programs are given it: values by name, level, constants, seed.
    pub fn request(&self, values: &Values) -> serde_json::Value {
        let space = &self.names.space;
        let design: serde_json::Map<String, serde_json::Value> = space
            .values(values.design)
            .into_iter()
            .map(|(name, value)| (name, serde_json::json!(value)))
            .collect();
        let derived: serde_json::Map<String, serde_json::Value> = self
            .names
            .derived
            .iter()
            .map(|(name, expression)| {
                (name.clone(), serde_json::json!(expression.number(space, values.design)))
            })
            .collect();
        serde_json::json!({
            "design": design,
            "fidelity": values.fidelity,
            "constants": values.constants,
            "derived": derived,
            "seed": values.seed,
        })
    }

    /// What a run amounts to.
    fn judge(&self, output: &Output, limit_s: f64) -> Outcome {
        let report = output.report;
        let output_bytes = (self.limits.output_mb * 1048576.0) as usize;
        let full = output.stdout.len().max(output.stderr.len()) >= output_bytes;
        match report.ending {
            Ending::TimeLimit => return Outcome::TimedOut { limit_s },
            Ending::MemoryLimit => return self.failure(&self.no_memory(), output),
            Ending::OutputLimit => return self.failure(&self.too_much(), output),
            Ending::Lost => return self.failure("the process that guards the program was killed", output),
            Ending::Stopped => return self.failure("the program was stopped", output),
            _ if full => return self.failure(&self.too_much(), output),
            Ending::Exit(_) | Ending::Signal(_) => {}
        }
        match self.rule(output) {
            Ok(Some(infeasible)) => return infeasible,
            Ok(None) => {}
            Err(reason) => return self.failure(&reason, output),
        }
        let good = match report.ending {
            Ending::Exit(code) => self.success.is_empty() || self.success.contains(&code),
            _ => false,
        };
        if !good {
            let log = output.log();
            let refused =
                self.limits.memory_mb.is_some() && NO_MEMORY.iter().any(|words| log.contains(words));
            let reason = if refused {
                format!("{} ({})", self.no_memory(), report.ending)
            } else if log.contains("File too large") {
                format!("{} ({})", self.too_much(), report.ending)
            } else {
                format!("the program ended with {}", report.ending)
            };
            return self.failure(&reason, output);
        }
        self.measured(output)
    }

    /// The metrics of a run that went well, unless one of them is missing, implausible, or makes the design infeasible.
    pub fn measured(&self, output: &Output) -> Outcome {
        let numbers: Result<Vec<f64>, String> = self.extractions.iter().map(|e| e.number(output)).collect();
        match numbers {
            Ok(numbers) => self.within(&numbers).unwrap_or_else(|| Outcome::feasible(numbers)),
            Err(reason) => self.failure(&reason, output),
        }
    }

    /// The outcome by an exit code or a pattern, if there is one.
    fn rule(&self, output: &Output) -> Result<Option<Outcome>, String> {
        for rule in &self.rules {
            match rule {
                Rule::ExitCode { code, meaning, amount } if output.report.ending == Ending::Exit(*code) => {
                    return Ok(Some(Outcome::infeasible(meaning.as_str(), *amount)));
                }
                Rule::Pattern { pattern, file, meaning, amount } => {
                    let text = match file {
                        None => output.log(),
                        Some(_) => match output.text(file.as_ref()) {
                            Ok((_, text)) => text,
                            Err(Miss::Absent(_)) => continue,
                            Err(Miss::Wrong(reason)) => return Err(reason),
                        },
                    };
                    if let Some(found) = pattern.captures(&text) {
                        let told =
                            found.name("amount").and_then(|amount| super::unit::split(amount.as_str()));
                        let amount = told.map_or(*amount, |(number, _)| number);
                        return Ok(Some(Outcome::infeasible(meaning.as_str(), amount)));
                    }
                }
                _ => {}
            }
        }
        Ok(None)
    }

    /// The outcome by limits on metrics, if one is broken.
    pub fn within(&self, numbers: &[f64]) -> Option<Outcome> {
        self.rules.iter().find_map(|rule| {
            let Rule::Metric { metric, at_most, at_least, meaning } = rule else { return None };
            let number = numbers[*metric];
            let above = at_most.filter(|most| number > *most).map(|most| (number - most, most));
            let below = at_least.filter(|least| number < *least).map(|least| (least - number, least));
            above.or(below).map(|(amount, limit)| {
                let relative = if limit == 0.0 { amount } else { amount / limit.abs() };
                Outcome::infeasible(meaning.as_str(), amount).ranked_by(relative)
            })
        })
    }

    pub fn no_memory(&self) -> String {
        format!(
            "the program used more memory than its limit of {} MiB",
            self.limits.memory_mb.unwrap_or_default()
        )
    }

    fn too_much(&self) -> String {
        format!("the program wrote more than its output limit of {} MiB", self.limits.output_mb)
    }

    /// A failure with what belongs to it: processes that were left, what is probably not meant, the end of the log.
    pub fn failure(&self, reason: &str, output: &Output) -> Outcome {
        let mut reason = reason.to_string();
        if !output.report.left.is_empty() {
            let left: Vec<String> = output.report.left.iter().map(|name| format!("`{name}`")).collect();
            reason += &format!("; it left {} running, which was ended", left.join(", "));
        }
        if let Some(doubt) = self.doubts.iter().find(|doubt| doubt.contains("lies beside")) {
            reason += &format!("; {doubt}");
        }
        let tails = [tail(&output.stdout), tail(&output.stderr)];
        let log_tail = tails.into_iter().filter(|tail| !tail.is_empty()).collect::<Vec<_>>().join("\n");
        Outcome::Failed { reason, log_tail }
    }

    /// Moves the folder of a run to where such folders are kept, with the design and the outcome. One of an earlier run of it goes.
    fn keep(&self, folder: Folder, values: &Values, outcome: &Outcome) -> io::Result<()> {
        let request = serde_json::to_vec_pretty(&self.request(values))?;
        let name =
            format!("{}-{}", self.name.replace(['/', '\0'], "_"), &blake3::hash(&request).to_hex()[..12]);
        fs::write(folder.path().join("request.json"), &request)?;
        fs::write(folder.path().join("outcome.json"), serde_json::to_vec_pretty(outcome)?)?;
        let place = self.keep_in.join(name);
        if place.exists() {
            fs::remove_dir_all(&place)?;
        }
        folder.keep(&place)
    }
}

/// A fresh file for an output.
fn log(path: &Path) -> io::Result<File> {
    File::options().read(true).append(true).create_new(true).open(path)
}

/// What was written into a file, which may have lost its name since.
fn written(mut file: File) -> String {
    use io::{Read, Seek};
    let mut bytes = Vec::new();
    // A disk that does not read has said so elsewhere; what could be read counts.
    let _ = file.rewind().and_then(|()| file.read_to_end(&mut bytes));
    String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

/// The end of a text, from the start of a line where there is one.
fn tail(text: &str) -> String {
    let text = text.trim_end();
    if text.len() <= TAIL {
        return text.into();
    }
    let mut start = text.len() - TAIL;
    while !text.is_char_boundary(start) {
        start += 1;
    }
    let tail = &text[start..];
    tail.split_once('\n').map_or(tail, |(_, whole)| whole).into()
}

/// Writes a file into a folder, its own folders with it.
fn write(work: &Path, name: &str, bytes: &[u8], executable: bool) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let path = work.join(name);
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    fs::write(&path, bytes)?;
    if executable {
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
    }
    Ok(())
}

/// Brings a file or folder into the scratch folder.
fn place(file: &Placed, work: &Path) -> io::Result<()> {
    let to = work.join(&file.to);
    if let Some(parent) = to.parent() {
        fs::create_dir_all(parent)?;
    }
    if file.link { std::os::unix::fs::symlink(&file.from, to) } else { copy(&file.from, &to) }
}

/// Copies a file, or a folder with all that is in it; links stay links.
fn copy(from: &Path, to: &Path) -> io::Result<()> {
    if !from.is_dir() {
        return fs::copy(from, to).map(drop);
    }
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if entry.file_type()?.is_symlink() && (from.is_dir() || !from.exists()) {
            std::os::unix::fs::symlink(fs::read_link(&from)?, to)?;
        } else {
            copy(&from, &to)?;
        }
    }
    Ok(())
}
