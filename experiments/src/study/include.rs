//! Short study files: `include: ["common.ron"]` takes from other files what a study does not say itself, and `defaults: (environments: (...),
//! agents: (...))` gives every entry of those lists the fields that it leaves out.
//!
//! Both are carried out on the text, before it is read: what is kept with the records is a study without either, which needs no other file. A
//! field of the study itself goes before one that is included, and the first included file before the next. Options and hyperparameters of an
//! entry are joined with those of the defaults, the entry's own first. Relative paths are meant against the folder of the study, whichever file
//! they stand in.

use hwgym_envs::options::reader;
use ron::value::RawValue;
use serde::Deserialize;

use super::source::{Fields, Included, Source, leading};
use crate::StudyError;

/// Lists of the study that have defaults.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Defaults<'a> {
    #[serde(default, borrow)]
    environments: Option<&'a RawValue>,
    #[serde(default, borrow)]
    agents: Option<&'a RawValue>,
}

/// The source without `include` and `defaults`. Errors: a file that cannot be read, or holds no fields of a study; defaults that are none.
pub(super) fn expand(source: Source) -> Result<Source, StudyError> {
    with_defaults(with_includes(source)?)
}

/// A place in the text, and what goes there instead of so many bytes.
struct Edit {
    at: usize,
    bytes: usize,
    text: String,
}

/// Carries out edits that do not overlap.
fn apply(text: &str, mut edits: Vec<Edit>) -> String {
    edits.sort_by_key(|edit| std::cmp::Reverse(edit.at));
    let mut text = text.to_string();
    for edit in edits {
        text.replace_range(edit.at..edit.at + edit.bytes, &edit.text);
    }
    text
}

/// The fields of a struct; `None` if it is none, which the reader of the study says better.
fn fields(text: &str) -> Option<Fields<'_>> {
    reader().from_str(text).ok()
}

fn offset(part: &str, whole: &str) -> usize {
    (part.as_ptr() as usize).saturating_sub(whole.as_ptr() as usize)
}

/// Blanks a field with its name and comma; line breaks stay.
fn blank(text: &str, name: &str, value: &str) -> Edit {
    let from = offset(value, text);
    let start = text[..from].rfind(name).unwrap_or(from);
    let after = from + value.len();
    let end = match leading(&text[after..]) {
        spaces if text[after + spaces..].starts_with(',') => after + spaces + 1,
        _ => after,
    };
    let blank = text[start..end].chars().map(|c| if c == '\n' { '\n' } else { ' ' }).collect();
    Edit { at: start, bytes: end - start, text: blank }
}

/// Where further fields of a struct go, and whether a comma has to stand before them.
fn end(text: &str, part: &str, fields: &Fields) -> (usize, bool) {
    match fields.0.last() {
        None => (offset(part, text) + part.find('(').map_or(0, |at| at + 1), false),
        Some((_, value)) => {
            let value = value.get_ron();
            let after = offset(value, text) + value.len();
            let spaces = leading(&text[after..]);
            if text[after + spaces..].starts_with(',') { (after + spaces + 1, false) } else { (after, true) }
        }
    }
}

fn with_includes(mut source: Source) -> Result<Source, StudyError> {
    let text = source.text.clone();
    let Some(own) = fields(&text) else { return Ok(source) };
    let Some((_, list)) = own.0.iter().find(|(name, _)| name == "include") else { return Ok(source) };
    let original = Source {
        text: text.clone(),
        path: source.path.clone(),
        folder: Default::default(),
        included: Vec::new(),
    };
    let start = offset(list.get_ron(), &text);
    let place =
        |message: String| original.error(&original.text[start..start + list.get_ron().len()], message);
    let names: Vec<String> = match reader().from_str(list.get_ron()) {
        Ok(names) => names,
        Err(_) => return Err(place("`include` is a list of files, such as [\"common.ron\"]".into())),
    };
    let mut seen: Vec<String> = own.0.iter().map(|(name, _)| name.clone()).collect();
    let mut added = String::new();
    let (at, comma) = end(&text, &text, &own);
    if comma {
        added.push_str("\n,");
    }
    let first_line = text[..at].matches('\n').count() + 1;
    for name in names {
        let path = source.folder.join(&name);
        let read = std::fs::read_to_string(&path)
            .map_err(|error| place(format!("`{name}` cannot be read: {error}")))?;
        let other = Source { text: read, path, folder: source.folder.clone(), included: Vec::new() };
        let theirs: Fields = other.read()?;
        for (field, value) in &theirs.0 {
            if field == "include" {
                return Err(other.error(value.get_ron(), "an included file includes no others"));
            }
            if seen.contains(field) {
                continue;
            }
            seen.push(field.clone());
            // The value gets the column that it has in its file, so that mistakes are reported there.
            let start = offset(value.get_ron(), &other.text);
            let column = other.text[..start].chars().rev().take_while(|c| *c != '\n').count();
            added.push('\n');
            added.extend(std::iter::repeat_n(' ', column.saturating_sub(field.len() + 1)));
            added.push_str(&format!("{field}:"));
            source.included.push(Included {
                line: first_line + added.matches('\n').count(),
                lines: value.get_ron().matches('\n').count() + 1,
                path: other.path.clone(),
                original: other.text[..start].matches('\n').count() + 1,
            });
            // A comment at the end of the value would hide the comma.
            added.push_str(&format!("{}\n,", value.get_ron()));
        }
    }
    let edits = vec![blank(&text, "include", list.get_ron()), Edit { at, bytes: 0, text: added }];
    source.text = apply(&text, edits);
    Ok(source)
}

fn with_defaults(mut source: Source) -> Result<Source, StudyError> {
    let Some(own) = fields(&source.text) else { return Ok(source) };
    let Some((_, raw)) = own.0.iter().find(|(name, _)| name == "defaults") else { return Ok(source) };
    let defaults: Defaults = source.part(raw)?;
    let mut edits = vec![blank(&source.text, "defaults", raw.get_ron())];
    for (list, defaults) in [("environments", defaults.environments), ("agents", defaults.agents)] {
        let Some(defaults) = defaults else { continue };
        let given: Fields = source.part(defaults)?;
        let Some((_, entries)) = own.0.iter().find(|(name, _)| name == list) else { continue };
        let entries: Vec<&RawValue> = source.part(entries)?;
        for entry in entries {
            let entry = entry.get_ron();
            join(&source.text, entry, &given, &mut edits);
        }
    }
    source.text = apply(&source.text, edits);
    Ok(source)
}

/// Adds to a struct the fields that it leaves out; its options and hyperparameters are joined in the same way.
fn join(text: &str, part: &str, given: &Fields, edits: &mut Vec<Edit>) {
    let Some(own) = fields(part) else { return };
    let mut added = String::new();
    for (name, value) in &given.0 {
        // On one line, so that what follows keeps its line numbers, unless a comment needs its end.
        let value = value.get_ron();
        let flat = if value.contains("//") { format!("{value}\n") } else { value.replace('\n', " ") };
        match own.0.iter().find(|(field, _)| field == name) {
            None => added.push_str(&format!(" {name}: {},", flat.trim_start())),
            Some((_, own)) if matches!(name.as_str(), "options" | "hyperparameters") => {
                if let Some(given) = fields(value) {
                    join(text, own.get_ron(), &given, edits);
                }
            }
            Some(_) => {}
        }
    }
    if !added.is_empty() {
        let (at, comma) = end(text, part, &own);
        let comma = if comma { "," } else { "" };
        edits.push(Edit { at, bytes: 0, text: format!("{comma}{added}") });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;

    fn source(folder: &Path, text: &str) -> Source {
        Source {
            text: text.into(),
            path: folder.join("study.ron"),
            folder: folder.into(),
            included: Vec::new(),
        }
    }

    fn value(source: &Source, name: &str) -> String {
        let fields: Fields = source.read().unwrap_or_else(|error| panic!("{error}\n{}", source.text));
        let found = fields.0.into_iter().find(|(field, _)| field == name);
        found.map_or(String::new(), |(_, raw)| raw.get_ron().trim().to_string())
    }

    #[test]
    fn a_study_takes_what_it_does_not_say_from_other_files() -> Result {
        let folder = tempfile::tempdir()?;
        std::fs::write(
            folder.path().join("common.ron"),
            "// all studies\n(seeds: 5,\n  budget: 400 // each\n)",
        )?;
        std::fs::write(folder.path().join("more.ron"), "(budget: 1, batch: 8)")?;
        let text = "(\n  name: \"x\",\n  include: [\"common.ron\",\n \"more.ron\"],\n  seeds: 3 // mine\n)";
        let read = expand(source(folder.path(), text))?;
        assert!(value(&read, "seeds").starts_with('3'));
        assert!(value(&read, "budget").starts_with("400") && value(&read, "batch") == "8");
        assert!(value(&read, "include").is_empty() && value(&read, "name") == "\"x\"");
        // A mistake is reported where it stands.
        let fields: Fields = read.read()?;
        let budget = fields.0.iter().find(|(name, _)| name == "budget").map(|(_, raw)| raw.get_ron());
        let place = read.place(budget.unwrap_or_default());
        assert!(place.ends_with("common.ron:3:11"), "{place}");
        assert!(read.place(&read.text[read.text.find("\"x\"").unwrap_or(0)..]).ends_with("study.ron:2:9"));
        Ok(())
    }

    #[test]
    fn an_included_file_that_is_not_there_is_named_at_its_place() {
        let error = expand(source(Path::new("nowhere"), "(name: \"x\", include: [\"a.ron\"])")).err();
        let message = error.map(|error| error.to_string()).unwrap_or_default();
        assert!(
            message.contains("study.ron:1:22") && message.contains("`a.ron` cannot be read"),
            "{message}"
        );
    }

    #[test]
    fn entries_take_the_fields_that_they_leave_out() -> Result {
        let text = "(\n  defaults: (\n    environments: (id: \"dram\", options: (workload: \"bfs\", space: \"wide\")),\n    agents: (hyperparameters: (size: 4)),\n  ),\n  environments: [\n    (label: \"a\", options: (workload: \"xz\")),\n    (id: \"other\", options: ()),\n  ],\n  agents: [(id: \"random\", hyperparameters: (size: 9)), (id: \"genetic\")],\n)";
        let read = expand(source(Path::new("."), text))?;
        let environments = value(&read, "environments");
        for part in
            ["workload: \"xz\", space: \"wide\"", "id: \"dram\"", "workload: \"bfs\", space: \"wide\",)"]
        {
            assert!(environments.contains(part), "{environments}");
        }
        assert_eq!(environments.matches("id:").count(), 2, "{environments}");
        let agents = value(&read, "agents");
        assert!(agents.contains("size: 9") && agents.matches("size: 4").count() == 1, "{agents}");
        assert_eq!(read.text.lines().count(), text.lines().count(), "line numbers stay");
        Ok(())
    }

    #[test]
    fn a_study_without_either_stays_what_it_is() -> Result {
        for text in ["(name: \"x\") // ,)", "no study (", ""] {
            assert_eq!(expand(source(Path::new("."), text))?.text, text);
        }
        Ok(())
    }
}
