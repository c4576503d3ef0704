//! From what a program wrote to the numbers of its metrics.

use std::cell::RefCell;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

use hwgym_simulators::process::Report;
use regex::Regex;

use super::text::{Text, Values};
use super::unit;

/// Where a number is found.
pub(super) enum Place {
    Json { file: Option<Text>, pointer: String },
    Csv { file: Option<Text>, column: Column, row: Row, delimiter: Option<u8> },
    Pattern { file: Option<Text>, pattern: Regex, pick: Pick },
    Stdout,
    ExitCode,
    WallTime,
    CpuTime,
    PeakMemory,
}

/// A column of a table: by the name in its first line, or by its number, counted from 1, in a table without such a line.
pub(super) enum Column {
    Name(String),
    Number(usize),
}

/// A row of a table.
pub(super) enum Row {
    First,
    Last,
    /// Counted from 1.
    Number(usize),
    Key(Column, String),
}

/// Which match of a pattern.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Pick {
    /// The first.
    First,
    /// The last.
    #[default]
    Last,
    /// The one with the smallest number.
    Smallest,
    /// The one with the largest number.
    Largest,
}

/// A metric, and how it is had.
pub(super) struct Extraction {
    pub name: String,
    pub unit: String,
    /// The unit in which the program gives the number, where it does not say it itself.
    pub in_unit: Option<String>,
    pub place: Place,
    pub range: Option<(f64, f64)>,
    /// The number where there is none.
    pub otherwise: Option<f64>,
}

/// Why there is no number.
#[derive(Debug)]
pub(super) enum Miss {
    /// The program does not say it.
    Absent(String),
    /// What it says is no such number.
    Wrong(String),
}

/// What one run of a program wrote.
pub(super) struct Output<'a> {
    pub folder: &'a Path,
    pub stdout: String,
    pub stderr: String,
    pub report: &'a Report,
    pub values: &'a Values<'a>,
    pub documents: RefCell<HashMap<Option<PathBuf>, serde_json::Value>>,
}

impl Extraction {
    /// The number in the metric's unit. Errors: why there is none.
    pub fn number(&self, output: &Output) -> Result<f64, String> {
        match self.find(output) {
            Ok(number) => self.checked(number),
            Err(Miss::Absent(reason)) => {
                self.otherwise.ok_or_else(|| format!("metric `{}`: {reason}", self.name))
            }
            Err(Miss::Wrong(reason)) => Err(format!("metric `{}`: {reason}", self.name)),
        }
    }

    /// A number of the metric, if it is plausible.
    fn checked(&self, number: f64) -> Result<f64, String> {
        let name = &self.name;
        let unit = if self.unit == "1" { String::new() } else { format!(" {}", self.unit) };
        match self.range {
            _ if !number.is_finite() => Err(format!("metric `{name}` is {number}, which is no measurement")),
            Some((low, high)) if !(low..=high).contains(&number) => Err(format!(
                "metric `{name}` is {number}{unit}, outside of its plausible range of {low} to {high}{unit}"
            )),
            _ => Ok(number),
        }
    }

    fn find(&self, output: &Output) -> Result<f64, Miss> {
        let (text, unit) = match &self.place {
            Place::ExitCode => {
                let code = match output.report.ending {
                    hwgym_simulators::process::Ending::Exit(code) => code,
                    _ => return Err(Miss::Absent("the program has no exit code".into())),
                };
                return Ok(f64::from(code));
            }
            Place::WallTime => return self.converted(output.report.wall_s, "s"),
            Place::CpuTime => return self.converted(output.report.cpu_s, "s"),
            Place::PeakMemory => return self.converted(output.report.peak_memory_bytes as f64, "B"),
            Place::Stdout => (last_line(&output.stdout)?.to_string(), None),
            Place::Json { file, pointer } => match output.json(file.as_ref(), pointer)? {
                serde_json::Value::Number(number) => {
                    return self.converted(number.as_f64().unwrap_or(f64::NAN), self.given());
                }
                serde_json::Value::Bool(truth) => {
                    return self.converted(f64::from(u8::from(truth)), self.given());
                }
                serde_json::Value::String(text) => (text, None),
                serde_json::Value::Null => return Err(Miss::Absent(format!("`{pointer}` is null"))),
                _ => return Err(Miss::Wrong(format!("`{pointer}` is a list or an object, and no number"))),
            },
            Place::Csv { file, column, row, delimiter } => {
                let (name, text) = output.text(file.as_ref())?;
                (cell(&name, &text, column, row, *delimiter)?, None)
            }
            Place::Pattern { file, pattern, pick } => {
                let (name, text) = match file {
                    Some(_) => output.text(file.as_ref())?,
                    None => ("the log".into(), output.log()),
                };
                matched(&name, &text, pattern, *pick)?
            }
        };
        let Some((number, behind)) = unit::split(&text) else {
            return Err(Miss::Wrong(format!("`{}` is no number", shorten(&text))));
        };
        match unit.as_deref().unwrap_or(behind) {
            "" => self.converted(number, self.given()),
            unit => self.converted(number, unit),
        }
    }

    /// The unit of a number that comes without one.
    fn given(&self) -> &str {
        self.in_unit.as_deref().unwrap_or(&self.unit)
    }

    fn converted(&self, number: f64, unit: &str) -> Result<f64, Miss> {
        match unit::factor(unit, &self.unit) {
            // Dividing by a whole number keeps digits that multiplying by its inverse loses.
            // A power of ten below 1 is no exact number, its inverse is one.
            Some(factor) if factor < 1.0 => Ok(number / (1.0 / factor).round()),
            Some(factor) => Ok(number * factor),
            None => Err(Miss::Wrong(format!("{number} {unit} cannot be given in {}", self.unit))),
        }
    }
}

impl Output<'_> {
    /// Both outputs, as patterns are looked for in them.
    pub fn log(&self) -> String {
        let newline = if self.stdout.is_empty() || self.stdout.ends_with('\n') { "" } else { "\n" };
        format!("{}{newline}{}", self.stdout, self.stderr)
    }

    /// The text of a file that the program wrote, or of its standard output, with its name.
    pub fn text(&self, file: Option<&Text>) -> Result<(String, String), Miss> {
        let Some(file) = file else { return Ok(("the standard output".into(), self.stdout.clone())) };
        let name = file.write(self.values).map_err(Miss::Wrong)?;
        let path = self.folder.join(&name);
        match std::fs::metadata(&path) {
            Ok(found) if found.is_file() => {}
            Ok(_) => return Err(Miss::Wrong(format!("`{name}` is no file"))),
            Err(_) if !self.folder.exists() => {
                return Err(Miss::Absent(format!(
                    "`{name}` is gone with the scratch folder, which the program removed"
                )));
            }
            Err(_) => return Err(Miss::Absent(format!("the program wrote no `{name}`"))),
        }
        let bytes = std::fs::read(&path).map_err(|error| Miss::Wrong(format!("`{name}`: {error}")))?;
        Ok((format!("`{name}`"), String::from_utf8_lossy(&bytes).into_owned()))
    }

    fn json(&self, file: Option<&Text>, pointer: &str) -> Result<serde_json::Value, Miss> {
        let name =
            file.map(|file| file.write(self.values)).transpose().map_err(Miss::Wrong)?.map(PathBuf::from);
        let mut documents = self.documents.borrow_mut();
        let document = match documents.entry(name) {
            std::collections::hash_map::Entry::Occupied(known) => known.into_mut(),
            std::collections::hash_map::Entry::Vacant(place) => {
                let (name, text) = self.text(file)?;
                place.insert(document(&name, &text)?)
            }
        };
        document
            .pointer(pointer)
            .cloned()
            .ok_or_else(|| Miss::Absent(format!("there is no `{pointer}` in the JSON")))
    }
}

/// A JSON document; of a standard output with other lines, the last that is one.
fn document(name: &str, text: &str) -> Result<serde_json::Value, Miss> {
    let text = text.trim();
    if text.is_empty() {
        return Err(Miss::Absent(format!("{name} is empty")));
    }
    let whole = match serde_json::from_str(text) {
        Ok(document) => return Ok(document),
        Err(error) => error,
    };
    let lines = text.lines().rev().map(str::trim).filter(|line| line.starts_with(['{', '[']));
    if let Some(document) = lines.map(serde_json::from_str).find_map(Result::ok) {
        return Ok(document);
    }
    with_named_numbers(text).map_err(|_| Miss::Wrong(format!("{name} is no JSON: {whole}")))
}

/// A JSON document in which Python and others wrote numbers that JSON does not have: they become texts, so that they can be named.
pub(super) fn with_named_numbers(text: &str) -> serde_json::Result<serde_json::Value> {
    let named =
        text.replace("-Infinity", "\"-inf\"").replace("Infinity", "\"inf\"").replace("NaN", "\"NaN\"");
    serde_json::from_str(&named)
}

fn last_line(text: &str) -> Result<&str, Miss> {
    let last = text.lines().rev().map(str::trim).find(|line| !line.is_empty());
    last.ok_or_else(|| Miss::Absent("the standard output is empty".into()))
}

fn matched(name: &str, text: &str, pattern: &Regex, pick: Pick) -> Result<(String, Option<String>), Miss> {
    let found = pattern.captures_iter(text).filter_map(|captures| {
        let value = captures.name("value")?.as_str().to_string();
        Some((value, captures.name("unit").map(|unit| unit.as_str().to_string())))
    });
    let number =
        |(text, _): &(String, Option<String>)| unit::split(text).map_or(f64::NAN, |(number, _)| number);
    let chosen = match pick {
        Pick::First => found.into_iter().next(),
        Pick::Last => found.last(),
        Pick::Smallest => found.min_by(|a, b| number(a).total_cmp(&number(b))),
        Pick::Largest => found.max_by(|a, b| number(a).total_cmp(&number(b))),
    };
    chosen.ok_or_else(|| Miss::Absent(format!("nothing in {name} fits `{pattern}`")))
}

fn cell(name: &str, text: &str, column: &Column, row: &Row, delimiter: Option<u8>) -> Result<String, Miss> {
    let lines = text.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#'));
    let first = lines.clone().next().ok_or_else(|| Miss::Absent(format!("{name} is empty")))?;
    let delimiter = delimiter.unwrap_or_else(|| likely(first));
    let text = lines.collect::<Vec<_>>().join("\n");
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter)
        .has_headers(false)
        .flexible(true)
        .trim(csv::Trim::All)
        .from_reader(text.as_bytes());
    let rows: Vec<csv::StringRecord> = reader
        .records()
        .collect::<Result<_, _>>()
        .map_err(|error| Miss::Wrong(format!("{name} is no table: {error}")))?;
    let named = matches!(column, Column::Name(_)) || matches!(row, Row::Key(Column::Name(_), _));
    let header = if named { rows.first() } else { None };
    let rows = &rows[usize::from(named)..];
    let position = |column: &Column| match column {
        Column::Number(number) => Ok(number - 1),
        Column::Name(wanted) => {
            header.and_then(|header| header.iter().position(|found| found == wanted)).ok_or_else(|| {
                let known: Vec<&str> = header.map_or(Vec::new(), |header| header.iter().collect());
                let hint = crate::suggest::suggestion(wanted, &known);
                Miss::Absent(format!("{name} has no column `{wanted}`{hint}"))
            })
        }
    };
    let found = match row {
        Row::First => rows.first(),
        Row::Last => rows.last(),
        Row::Number(number) => rows.get(number - 1),
        Row::Key(key, wanted) => {
            let key = position(key)?;
            rows.iter().rev().find(|row| row.get(key) == Some(wanted))
        }
    };
    let found = found.ok_or_else(|| Miss::Absent(format!("{name} has no such row")))?;
    let column = position(column)?;
    let cell = found.get(column).filter(|cell| !cell.is_empty());
    cell.map(String::from).ok_or_else(|| Miss::Absent(format!("{name} has nothing in that row and column")))
}

/// What separates the columns of this line.
fn likely(line: &str) -> u8 {
    let count = |c: u8| line.bytes().filter(|b| *b == c).count();
    let candidates = [b',', b';', b'\t', b'|'];
    let best = candidates.into_iter().rev().max_by_key(|c| count(*c)).unwrap_or(b',');
    if count(best) == 0 && line.trim().contains(' ') { b' ' } else { best }
}

fn shorten(text: &str) -> String {
    let text = text.trim().escape_debug().to_string();
    if text.chars().count() <= 80 { text } else { text.chars().take(80).chain(['…']).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(column: Column, row: Row, text: &str) -> String {
        cell("a table", text, &column, &row, None).unwrap_or_else(|miss| format!("{miss:?}"))
    }

    #[test]
    fn cells_are_found() {
        let name = |name: &str| Column::Name(name.into());
        let text = "# a comment\nname, area ,power\nadd,10,1.5\nmul,40,\nadd,12,1.7\n";
        assert_eq!(read(name("area"), Row::Last, text), "12");
        assert_eq!(read(name("area"), Row::First, text), "10");
        assert_eq!(read(name("area"), Row::Number(2), text), "40");
        assert_eq!(read(name("area"), Row::Key(name("name"), "mul".into()), text), "40");
        assert_eq!(read(Column::Number(2), Row::Last, "1;2\n3;4\n"), "4");
        assert_eq!(read(Column::Number(2), Row::Last, "1 2\n3 4"), "4");
        for (column, row, expected) in [
            (name("ares"), Row::Last, "did you mean `area`?"),
            (name("area"), Row::Key(name("name"), "div".into()), "no such row"),
            (name("power"), Row::Number(2), "nothing in that row"),
            (name("power"), Row::Number(7), "no such row"),
        ] {
            let found = read(column, row, text);
            assert!(found.contains(expected), "{found}");
        }
        assert!(read(name("a"), Row::Last, "").contains("is empty"));
    }

    #[test]
    fn a_match_is_picked() {
        let pattern = Regex::new(r"(?P<value>[0-9.]+) (?P<unit>[kM]?Hz)").unwrap();
        let text = "a 3.5 MHz\nb 9 Hz\nc 2 kHz";
        for (pick, expected) in
            [(Pick::First, "3.5"), (Pick::Last, "2"), (Pick::Smallest, "2"), (Pick::Largest, "9")]
        {
            assert_eq!(matched("log", text, &pattern, pick).unwrap().0, expected);
        }
        assert!(matches!(matched("log", "nothing", &pattern, Pick::Last), Err(Miss::Absent(_))));
    }

    #[test]
    fn numbers_that_json_does_not_have_are_named() {
        let read = |text| document("out", text).ok();
        assert_eq!(read("{\"a\": NaN}").map(|d| d["a"].clone()), Some("NaN".into()));
        assert_eq!(read("banner\n{\"a\": 1}\n").map(|d| d["a"].clone()), Some(1.into()));
        assert!(matches!(document("out", "{\"a\": "), Err(Miss::Wrong(_))));
        assert!(matches!(document("out", " "), Err(Miss::Absent(_))));
    }
}
