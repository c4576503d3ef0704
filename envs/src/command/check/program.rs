//! The command, and what it finds in its folder.

use std::path::{Path, PathBuf};

use ron::value::RawValue;

use super::Reader;
use crate::command::definition::{Argument, Placed, Program, Template};
use crate::command::escape::{Escape, FileKind};
use crate::command::file::{FileEntry, Protocol, TemplateEntry, WhenFile};
use crate::command::packages;
use crate::command::text::{Names, Reading, Text, Variable};
use crate::source::{Fields, starts};
use crate::{EnvError, Value};

/// Programs whose argument after `-c` is a script.
const SHELLS: [&str; 7] = ["sh", "bash", "dash", "ash", "zsh", "ksh", "busybox"];

/// Files that a folder of the definition may hold.
const MOST_FILES: usize = 100_000;

impl Program {
    /// Variables of all texts.
    pub fn variables(&self) -> impl Iterator<Item = &Variable> {
        let arguments = self.arguments.iter().flat_map(|argument| match argument {
            Argument::Always(text) => std::slice::from_ref(text),
            Argument::When { arguments, .. } => arguments.as_slice(),
        });
        let env = self.env.iter().map(|(_, text)| text);
        let templates = self.templates.iter().flat_map(|template| [&template.to, &template.body]);
        arguments.chain(env).chain(templates).flat_map(Text::variables)
    }

    /// Parameters that decide about arguments.
    pub fn conditions(&self) -> impl Iterator<Item = usize> {
        self.arguments.iter().filter_map(|argument| match argument {
            Argument::When { parameter, .. } => Some(*parameter),
            Argument::Always(_) => None,
        })
    }
}

impl Reader<'_> {
    /// The program, and doubts about it.
    pub fn program(&self, names: &Names) -> Result<(Program, Vec<String>), EnvError> {
        let file = self.file;
        let words: Vec<&RawValue> = self.source.part(file.command)?;
        let env = self.env(names)?;
        let mut inputs = Vec::new();
        let files = self.files(&mut inputs)?;
        for raw in &file.reads {
            let path: String = self.source.part(raw)?;
            self.note(raw.get_ron(), &self.folder.join(path), &mut inputs)?;
        }
        let templates = self.templates(names, &mut inputs)?;
        let design_file = file.design_file.map(|raw| -> Result<String, EnvError> {
            let path: String = self.source.part(raw)?;
            self.check_inner(raw.get_ron(), &path)?;
            Ok(path)
        });
        let design_file = design_file.transpose()?;
        let launcher = self.launcher()?;
        let (program, arguments) = self.words(&words, names, &files)?;
        self.executables(&words, &launcher, &program, &env, names)?;
        let mut program = Program {
            protocol: file.protocol,
            launcher,
            program,
            arguments,
            env,
            files,
            templates,
            design_file,
            inputs,
        };
        // Words that name a file are a part of what results depend on.
        let words = program.arguments.iter().filter_map(|argument| match argument {
            Argument::Always(text) => text.fixed(names),
            Argument::When { .. } => None,
        });
        let absolute: Vec<PathBuf> =
            words.map(PathBuf::from).filter(|path| path.is_absolute() && path.is_file()).collect();
        let own = Path::new(&program.program);
        let own = (own.is_absolute() && own.starts_with(self.folder)).then(|| own.to_path_buf());
        program.inputs.extend(absolute.into_iter().chain(own).filter(|path| path.is_file()));
        program.inputs.sort();
        program.inputs.dedup();
        if program.protocol == Protocol::JsonLines {
            self.stays(&program, file.command)?;
        }
        let doubts = self.beside(&program, names);
        Ok((program, doubts))
    }

    /// The program and its arguments.
    fn words(
        &self,
        words: &[&RawValue],
        names: &Names,
        files: &[Placed],
    ) -> Result<(String, Vec<Argument>), EnvError> {
        let Some((first, rest)) = words.split_first() else {
            let message = "`command` is empty; give a program and its arguments, such as [\"python3\", \"model.py\", \"{{x}}\"]";
            return Err(self.raw_error(self.file.command, message));
        };
        let program: String = self.source.part(first)?;
        let text = self.text(first.get_ron(), &program, Escape::Argument, names)?;
        let Some(fixed) = text.fixed(names).filter(|fixed| !fixed.trim().is_empty()) else {
            let message =
                "the program cannot depend on a design; name it plainly, and give variables as arguments";
            return Err(self.raw_error(first, message));
        };
        let mut arguments = Vec::new();
        let mut before: Vec<String> = vec![fixed.clone()];
        for raw in rest {
            if starts(raw, '"') || starts(raw, 'r') {
                let text: String = self.source.part(raw)?;
                arguments.push(Argument::Always(self.argument(raw, &text, &before, names)?));
                before.push(text);
                continue;
            }
            let when: WhenFile = self.source.part(raw)?;
            let parameter: String = self.source.part(when.when)?;
            let index = names.space.position(&parameter).map_err(|error| self.raw_error(when.when, error))?;
            let values: Vec<Value> = self.source.part_or(when.is_one_of, vec![Value::Boolean(true)])?;
            let part = when.is_one_of.unwrap_or(when.when);
            let coordinates = values.iter().map(|value| names.space.parameters()[index].coordinate(value));
            let coordinates =
                coordinates.collect::<Result<_, _>>().map_err(|error| self.raw_error(part, error))?;
            let mut texts = Vec::new();
            for raw in when.arguments {
                let text: String = self.source.part(raw)?;
                texts.push(self.argument(raw, &text, &before, names)?);
                before.push(text);
            }
            arguments.push(Argument::When { parameter: index, coordinates, arguments: texts });
        }
        Ok((self.located(&fixed, files), arguments))
    }

    /// A word of the command. One that is a script holds values as a script does.
    fn argument(
        &self,
        raw: &RawValue,
        text: &str,
        before: &[String],
        names: &Names,
    ) -> Result<Text, EnvError> {
        let name =
            |word: &String| Path::new(word).file_name().map(|name| name.to_string_lossy().into_owned());
        let code = |flag: &String| flag.starts_with('-') && !flag.starts_with("--") && flag.ends_with('c');
        let reading = match before {
            [.., program, flag] if code(flag) => {
                let program = name(program).unwrap_or_default();
                if SHELLS.contains(&program.as_str()) {
                    Reading::File(FileKind::Shell)
                } else if program.starts_with("python") {
                    Reading::File(FileKind::Python)
                } else {
                    Reading::As(word(text))
                }
            }
            _ => Reading::As(word(text)),
        };
        Text::read(text, ("{{", "}}"), reading, names).map_err(|mistake| self.raw_error(raw, mistake.message))
    }

    /// A program as it is started: a path is one in the scratch folder if it is brought there, otherwise one beside the file.
    fn located(&self, program: &str, files: &[Placed]) -> String {
        if !program.contains('/') || Path::new(program).is_absolute() {
            return program.into();
        }
        let clean = program.trim_start_matches("./");
        let templates = self.file.templates.iter().filter_map(|raw| {
            let entry: TemplateEntry = self.source.part(raw).ok()?;
            entry.to.or_else(|| entry.from.map(|from| file_name(&from)))
        });
        let brought = files.iter().any(|file| clean == file.to || Path::new(clean).starts_with(&file.to));
        if brought || templates.into_iter().any(|to| to == clean) {
            format!("./{clean}")
        } else {
            self.folder.join(program).to_string_lossy().into_owned()
        }
    }

    fn launcher(&self) -> Result<Vec<String>, EnvError> {
        match &self.changes.launcher {
            Some(changed) => Ok(changed.clone()),
            None => self.source.part_or(self.file.launcher, Vec::new()),
        }
    }

    /// Checks that programs are there. Behind a launcher, which may start them on another machine, only the launcher is.
    fn executables(
        &self,
        words: &[&RawValue],
        launcher: &[String],
        program: &str,
        env: &[(String, Text)],
        names: &Names,
    ) -> Result<(), EnvError> {
        let path = env.iter().find(|(name, _)| name == "PATH").and_then(|(_, text)| text.fixed(names));
        let check = |part: &str, program: &str| match packages::find(program, self.folder, path.as_deref()) {
            Some(_) => Ok(()),
            None if program.contains('/') => {
                let message = format!(
                    "`{program}` is no program that can be run; correct the path, or make it executable"
                );
                Err(self.error(part, message))
            }
            None => Err(self.error(part, format!("`{program}` is not there; {}", packages::remedy(program)))),
        };
        match launcher.first() {
            Some(first) => check(self.file.launcher.map_or("", RawValue::get_ron), first)?,
            // One in the scratch folder comes into being with it.
            None if program.starts_with("./") => {}
            None => check(words[0].get_ron(), program)?,
        }
        for raw in &self.file.needs {
            let program: String = self.source.part(raw)?;
            check(raw.get_ron(), &program)?;
        }
        Ok(())
    }

    /// The files of the programs that results depend on.
    pub fn programs(&self, program: &Program) -> Vec<PathBuf> {
        let needs = self.file.needs.iter().filter_map(|raw| self.source.part::<String>(raw).ok());
        let all = std::iter::once(program.program.clone()).chain(needs);
        all.filter_map(|program| packages::find(&program, self.folder, None)).collect()
    }

    fn env(&self, names: &Names) -> Result<Vec<(String, Text)>, EnvError> {
        let Some(raw) = self.file.env else { return Ok(Vec::new()) };
        let fields: Fields = self.source.part(raw)?;
        let read = |(name, raw): (String, &RawValue)| {
            if name.is_empty() || name.contains(['=', '\0']) {
                return Err(self.raw_error(
                    raw,
                    format!("`{}` is no name of an environment variable", name.escape_debug()),
                ));
            }
            // The slice is one of the file's text.
            let text: String = crate::options::reader().from_str(raw.get_ron()).map_err(|_| {
                self.raw_error(raw, "the value of an environment variable is a text in quotes")
            })?;
            Ok((name, self.text(raw.get_ron(), &text, Escape::Argument, names)?))
        };
        fields.0.into_iter().map(read).collect()
    }

    fn files(&self, inputs: &mut Vec<PathBuf>) -> Result<Vec<Placed>, EnvError> {
        let mut files: Vec<Placed> = Vec::new();
        for raw in &self.file.files {
            let entry = if starts(raw, '"') {
                FileEntry { from: self.source.part(raw)?, to: None, link: false }
            } else {
                self.source.part(raw)?
            };
            let from = self.folder.join(&entry.from);
            let to = entry.to.unwrap_or_else(|| file_name(&entry.from));
            let to = to.trim_end_matches('/').to_string();
            self.check_inner(self.source.field(raw.get_ron(), "to"), &to)?;
            if files.iter().any(|other| other.to == to) {
                return Err(self.raw_error(
                    raw,
                    format!("another file is placed at `{to}` already; give one of them another `to`"),
                ));
            }
            self.note(self.source.field(raw.get_ron(), "from"), &from, inputs)?;
            files.push(Placed { from, to, link: entry.link });
        }
        Ok(files)
    }

    /// Notes a file, or all files in a folder. Errors: there is none.
    fn note(&self, part: &str, path: &Path, inputs: &mut Vec<PathBuf>) -> Result<(), EnvError> {
        let found = std::fs::metadata(path).map_err(|error| {
            self.error(
                part,
                format!("{}: {error}; paths are relative to the folder of this file", path.display()),
            )
        })?;
        if inputs.len() >= MOST_FILES {
            return Err(self.error(
                part,
                format!("there are more than {MOST_FILES} files; link a folder that holds fewer"),
            ));
        }
        if found.is_dir() {
            let entries = std::fs::read_dir(path)
                .map_err(|error| self.error(part, format!("{}: {error}", path.display())))?;
            let mut entries: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
            entries.sort();
            for entry in entries {
                // A link in the folder that leads nowhere is copied as it is.
                if entry.exists() && !(entry.is_symlink() && entry.is_dir()) {
                    self.note(part, &entry, inputs)?;
                }
            }
        } else {
            inputs.push(path.into());
        }
        Ok(())
    }

    fn templates(&self, names: &Names, inputs: &mut Vec<PathBuf>) -> Result<Vec<Template>, EnvError> {
        let mut templates = Vec::new();
        for raw in &self.file.templates {
            let entry: TemplateEntry = self.source.part(raw)?;
            let part = |name: &str| self.source.field(raw.get_ron(), name);
            let to = match (&entry.to, &entry.from) {
                (Some(to), _) => to.clone(),
                (None, Some(from)) => {
                    let name = file_name(from);
                    name.strip_suffix(".in").or(name.strip_suffix(".tpl")).map(String::from).unwrap_or(name)
                }
                (None, None) => {
                    return Err(
                        self.raw_error(raw, "the template has no `to`, the place of the file it makes")
                    );
                }
            };
            let kind = entry.escape.unwrap_or_else(|| {
                FileKind::of(entry.to.as_ref().or(entry.from.as_ref()).map_or("", |name| name))
            });
            let marks = entry.marks.clone().unwrap_or_else(|| ("{{".into(), "}}".into()));
            if marks.0.is_empty() || marks.1.is_empty() {
                return Err(self.error(
                    part("marks"),
                    "`marks` are what stands before and after a variable, such as (\"<%\", \"%>\")",
                ));
            }
            let marks = (marks.0.as_str(), marks.1.as_str());
            let (body, executable) = match (&entry.from, &entry.text) {
                (Some(from), None) => {
                    let path = self.folder.join(from);
                    let text = std::fs::read_to_string(&path).map_err(|error| {
                        self.error(
                            part("from"),
                            format!(
                                "{}: {error}; paths are relative to the folder of this file",
                                path.display()
                            ),
                        )
                    })?;
                    let body = Text::read(&text, marks, Reading::File(kind), names).map_err(|mistake| {
                        let before = &text[..mistake.at];
                        let line = before.matches('\n').count() + 1;
                        let column = before.rsplit('\n').next().map_or(0, |last| last.chars().count()) + 1;
                        EnvError::Options {
                            location: format!("{}:{line}:{column}", path.display()),
                            message: mistake.message,
                        }
                    })?;
                    let mode = std::fs::metadata(&path)
                        .map(|found| std::os::unix::fs::PermissionsExt::mode(&found.permissions()));
                    inputs.push(path);
                    (body, mode.is_ok_and(|mode| mode & 0o100 != 0))
                }
                (None, Some(text)) => {
                    let body = Text::read(text, marks, Reading::File(kind), names)
                        .map_err(|mistake| self.error(part("text"), mistake.message))?;
                    (body, text.starts_with("#!"))
                }
                _ => return Err(self.raw_error(raw, "a template has either `from`, a file, or `text`")),
            };
            templates.push(Template { to: self.inner_path(part("to"), &to, names)?, body, executable });
        }
        Ok(templates)
    }

    /// Checks that a program which stays does not depend on a design.
    fn stays(&self, program: &Program, raw: &RawValue) -> Result<(), EnvError> {
        let depends = |variable: &Variable| {
            matches!(
                variable,
                Variable::Parameter(_)
                    | Variable::Derived(_)
                    | Variable::Seed
                    | Variable::Fidelity
                    | Variable::Constant(_)
            )
        };
        if program.variables().any(depends) || program.conditions().next().is_some() {
            let message = "with `protocol: JsonLines` the program starts once, so nothing of a design or a level can stand in `command`, \
                           `env` or `templates`; it gets them line by line";
            return Err(self.raw_error(raw, message));
        }
        if let Some(raw) = self.file.design_file {
            return Err(self.raw_error(raw, "`design_file` has no effect with `protocol: JsonLines`, where designs come line by line; leave it out"));
        }
        Ok(())
    }

    /// Words that are the name of a file beside the definition which the program will not find in its folder.
    fn beside(&self, program: &Program, names: &Names) -> Vec<String> {
        let words = program.arguments.iter().filter_map(|argument| match argument {
            Argument::Always(text) => text.fixed(names),
            Argument::When { .. } => None,
        });
        let brought = |word: &str| {
            let path = Path::new(word.trim_start_matches("./"));
            let made = |to: &Text| to.literal().is_some_and(|to| Path::new(to) == path);
            program.files.iter().any(|file| path.starts_with(&file.to))
                || program.templates.iter().any(|t| made(&t.to))
        };
        let missing = words.filter(|word| {
            !word.is_empty() && Path::new(word).is_relative() && self.folder.join(word).is_file()
        });
        let doubt = |word: String| {
            format!(
                "`{word}` lies beside the definition, but the program starts in a fresh folder: list it in `files`, or write `{{{{folder}}}}/{word}`"
            )
        };
        missing.filter(|word| !brought(word)).map(doubt).collect()
    }
}

/// How a value stands in a word of the command: within a word that reads like a script only as a plain word.
fn word(text: &str) -> Escape {
    let mut outside = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{") {
        outside.push_str(before);
        rest = after.split_once("}}").map_or("", |(_, after)| after);
    }
    outside.push_str(rest);
    let script = |c: char| c.is_whitespace() || ";|&`$<>()".contains(c);
    if outside.contains(script) { Escape::Script } else { Escape::Argument }
}

fn file_name(path: &str) -> String {
    Path::new(path).file_name().map_or_else(|| path.to_string(), |name| name.to_string_lossy().into_owned())
}
