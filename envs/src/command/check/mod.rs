//! From the file to the definition: every mistake with its place, what was expected, and the remedy.

mod metrics;
mod names;
mod program;

use std::path::Path;
use std::process::{Command, Stdio};

use ron::value::RawValue;

use super::definition::Program;
use super::escape::Escape;
use super::file::{Changes, DefinitionFile, LimitsEntry, Protocol};
use super::packages;
use super::text::{Names, Reading, Text, Variable};
use crate::EnvError;
use crate::source::{Source, starts};

/// Seconds that a version command may take.
const VERSION_LIMIT_S: f64 = 60.0;

/// Runs of the program that one evaluation may take together.
const MOST_REPEATS: usize = 1000;

/// Reads the parts of a definition.
pub(super) struct Reader<'a> {
    pub source: &'a Source,
    pub file: &'a DefinitionFile<'a>,
    pub changes: &'a Changes,
    pub folder: &'a Path,
}

/// The numbers that say how the program is run.
pub(super) struct Numbers {
    pub limits: LimitsEntry,
    pub parallel: usize,
    pub repeats: usize,
    pub seed: u64,
}

impl<'a> Reader<'a> {
    fn error(&self, part: &str, message: impl ToString) -> EnvError {
        self.source.error(part, message)
    }

    fn raw_error(&self, raw: &RawValue, message: impl ToString) -> EnvError {
        self.source.error(raw.get_ron(), message)
    }

    /// A string of the file as a text with variables. Errors: see [`Text::read`], at the place of the string.
    fn text(&self, part: &str, text: &str, escape: Escape, names: &Names) -> Result<Text, EnvError> {
        Text::read(text, ("{{", "}}"), Reading::As(escape), names)
            .map_err(|mistake| self.error(part, mistake.message))
    }

    /// A path in the scratch folder, with variables. Errors: one that leads out of it.
    fn inner_path(&self, part: &str, path: &str, names: &Names) -> Result<Text, EnvError> {
        self.check_inner(part, path)?;
        let text = self.text(part, path, Escape::Name, names)?;
        if text.variables().any(|variable| *variable == Variable::Folder) {
            return Err(self.error(
                part,
                "a path in the scratch folder cannot name `{{folder}}`, which is outside of it",
            ));
        }
        Ok(text)
    }

    /// Checks a path in the scratch folder. Errors: one that leads out of it.
    fn check_inner(&self, part: &str, path: &str) -> Result<(), EnvError> {
        use std::path::Component::{CurDir, Normal};
        let inside = Path::new(path).components().all(|component| matches!(component, Normal(_) | CurDir));
        if path.trim().is_empty() || !inside || path.ends_with('/') {
            let message = format!(
                "`{path}` is no place for a file in the scratch folder; give a relative path without `..`"
            );
            return Err(self.error(part, message));
        }
        Ok(())
    }

    /// Limits, repetitions and the like.
    pub fn numbers(&self, protocol: Protocol) -> Result<Numbers, EnvError> {
        let (file, changes) = (self.file, self.changes);
        let mut limits: LimitsEntry = self.source.part_or(file.limits, LimitsEntry::default())?;
        if let Some(raw) = file.limits {
            let numbers = [
                ("time_s", Some(limits.time_s)),
                ("memory_mb", limits.memory_mb),
                ("output_mb", Some(limits.output_mb)),
                ("start_s", Some(limits.start_s)),
            ];
            for (name, number) in numbers {
                if number.is_some_and(|number| !(number.is_finite() && number > 0.0)) {
                    let message = format!("`{name}` is a number above 0");
                    return Err(self.error(self.source.field(raw.get_ron(), name), message));
                }
            }
            if !(0.0..=3600.0).contains(&limits.grace_s) {
                let part = self.source.field(raw.get_ron(), "grace_s");
                return Err(self.error(part, "`grace_s` is a number from 0 to 3600"));
            }
        }
        if let Some(time_s) = changes.time_s {
            if !(time_s.is_finite() && time_s > 0.0) {
                return Err(EnvError::invalid("time_s", "it is a number above 0"));
            }
            limits.time_s = time_s;
        }
        let parallel = changes.parallel.unwrap_or(self.source.part_or(file.parallel, 0)?);
        if let Some(raw) = file.parallel.filter(|_| parallel == 0) {
            return Err(self.raw_error(raw, "`parallel` is at least 1; leave it out for no limit"));
        }
        let repeats = changes.repeats.unwrap_or(self.source.part_or(file.repeats, 1)?);
        if !(1..=MOST_REPEATS).contains(&repeats) {
            let message = format!("`repeats` is {repeats}; expected 1 to {MOST_REPEATS}");
            return Err(match file.repeats.filter(|_| changes.repeats.is_none()) {
                Some(raw) => self.raw_error(raw, message),
                None => EnvError::invalid("repeats", message),
            });
        }
        if protocol == Protocol::JsonLines && file.keep != super::file::Keep::Never {
            let part = self.source.field(self.source.text(), "keep");
            return Err(self.error(part, "`keep` has no effect with `protocol: JsonLines`, whose program stays in one folder; leave it out"));
        }
        let seed = changes.seed.or(file.seed).unwrap_or(1);
        Ok(Numbers { limits, parallel, repeats, seed })
    }

    /// Runs the version commands; returns what they said. Errors: one that is not there, or fails.
    pub fn version(&self) -> Result<Vec<String>, EnvError> {
        let Some(raw) = self.file.version else { return Ok(Vec::new()) };
        let nested = self.source.parse::<Vec<&RawValue>>(raw.get_ron())?;
        let commands: Vec<(&str, Vec<String>)> = if nested.first().is_some_and(|first| starts(first, '[')) {
            nested
                .iter()
                .map(|raw| Ok((raw.get_ron(), self.source.part(raw)?)))
                .collect::<Result<_, EnvError>>()?
        } else {
            vec![(raw.get_ron(), self.source.part(raw)?)]
        };
        commands.iter().map(|(part, words)| self.version_of(part, words)).collect()
    }

    fn version_of(&self, part: &str, words: &[String]) -> Result<String, EnvError> {
        let Some((program, arguments)) = words.split_first() else {
            return Err(self.error(
                part,
                "`version` is a command such as `[\"yosys\", \"-V\"]`; leave it out if there is none",
            ));
        };
        let found = packages::find(program, self.folder, None).ok_or_else(|| {
            self.error(part, format!("`{program}` is not there; {}", packages::remedy(program)))
        })?;
        let said = said_by(&found, arguments).map_err(|error| {
            self.error(
                part,
                format!(
                    "`{}` does not tell a version: {error}; correct it, or leave `version` out",
                    words.join(" ")
                ),
            )
        })?;
        Ok(said)
    }

    /// Parameters that nothing uses: no mistake, but not meant either.
    pub fn unused(&self, names: &Names, program: &Program) -> Vec<String> {
        if program.design_file.is_some() || program.protocol == Protocol::JsonLines {
            return Vec::new();
        }
        let mut used = vec![false; names.space.len()];
        for variable in program.variables() {
            match variable {
                Variable::Parameter(index) => used[*index] = true,
                Variable::Derived(index) => {
                    for name in names.derived[*index].1.names() {
                        names.space.position(name).into_iter().for_each(|index| used[index] = true);
                    }
                }
                _ => {}
            }
        }
        program.conditions().for_each(|index| used[index] = true);
        let unused = names.space.parameters().iter().zip(used).filter(|(_, used)| !used);
        let doubt = |name: &str| {
            format!(
                "parameter `{name}` reaches the program nowhere: name it as `{{{{{name}}}}}` in `command`, `env` or a template, or set \
                 `design_file`"
            )
        };
        unused.map(|(parameter, _)| doubt(&parameter.name)).collect()
    }

    /// Hash of all that results depend on: the parts of the file that say what is run and read, the contents of files and programs, versions.
    pub fn digest(
        &self,
        program: &Program,
        numbers: &Numbers,
        version: &[String],
    ) -> Result<blake3::Hash, EnvError> {
        let file = self.file;
        let mut hasher = blake3::Hasher::new();
        let mut add = |name: &str, content: &[u8]| {
            hasher.update(&(name.len() as u64).to_le_bytes());
            hasher.update(name.as_bytes());
            hasher.update(&(content.len() as u64).to_le_bytes());
            hasher.update(content);
        };
        let single = [
            ("command", Some(file.command)),
            ("env", file.env),
            ("derived", file.derived),
            ("constants", file.constants),
            ("design_file", file.design_file),
            ("success", file.success),
        ];
        for (name, raw) in single {
            add(name, raw.map_or("", RawValue::get_ron).trim().as_bytes());
        }
        let lists = [
            ("files", &file.files),
            ("templates", &file.templates),
            ("metrics", &file.metrics),
            ("infeasible", &file.infeasible),
        ];
        for (name, list) in lists {
            list.iter().for_each(|raw| add(name, raw.get_ron().trim().as_bytes()));
        }
        let how = format!(
            "{:?} {} {:?} {} {:?}",
            file.protocol, numbers.repeats, file.aggregate, numbers.seed, self.changes.constants
        );
        add("how", how.as_bytes());
        version.iter().for_each(|version| add("version", version.as_bytes()));
        for path in &program.inputs {
            let name = path.strip_prefix(self.folder).unwrap_or(path);
            add("file", name.to_string_lossy().as_bytes());
            add(
                "content",
                content_hash(path)
                    .map_err(|source| EnvError::File { path: path.clone(), source })?
                    .as_bytes(),
            );
        }
        for found in self.programs(program) {
            // A program that cannot be read can still be run; its version has to do.
            add("program", content_hash(&found).map_or([0; 32], |hash| *hash.as_bytes()).as_slice());
        }
        Ok(hasher.finalize())
    }
}

fn content_hash(path: &Path) -> std::io::Result<blake3::Hash> {
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(std::fs::File::open(path)?)?;
    Ok(hasher.finalize())
}

/// The first line that a program says, within a limit of time.
fn said_by(program: &Path, arguments: &[String]) -> Result<String, String> {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    let child = command.spawn().map_err(|error| error.to_string())?;
    let group = child.id();
    let (sender, receiver) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        // Nobody waits any more where the limit has passed.
        let _ = sender.send(child.wait_with_output());
    });
    let limit = std::time::Duration::from_secs_f64(VERSION_LIMIT_S);
    let output = match receiver.recv_timeout(limit) {
        Ok(output) => output.map_err(|error| error.to_string())?,
        Err(_) => {
            hwgym_simulators::process::kill_group_of(group);
            return Err(format!("it took longer than {VERSION_LIMIT_S} s"));
        }
    };
    let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    let line = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    match (output.status.success(), line) {
        (_, "") => Err(format!("it says nothing ({})", output.status)),
        (false, line) => Err(format!("{} ({line})", output.status)),
        (true, line) => Ok(line.chars().take(200).collect()),
    }
}
