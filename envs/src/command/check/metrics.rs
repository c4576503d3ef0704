//! Metrics and where they are found, objectives, and what makes a design infeasible.

use ron::value::RawValue;

use regex::Regex;

use super::Reader;
use crate::command::definition::{Retry, Rule};
use crate::command::extract::{Column, Extraction, Place, Row};
use crate::command::file::{
    ColumnEntry, MetricEntry, ObjectiveEntry, PlaceEntry, Protocol, RetryEntry, RowEntry, RuleEntry,
};
use crate::command::text::{Names, Text};
use crate::command::unit;
use crate::{EnvError, Goal, Metric, Objective};

/// Metrics, how each is had, and how far each strays where the file says it.
type Metrics = (Vec<Metric>, Vec<Extraction>, Vec<Option<f64>>);

impl Reader<'_> {
    /// The metrics, and how each is had.
    pub fn metrics(&self, names: &Names, protocol: Protocol) -> Result<Metrics, EnvError> {
        if self.file.metrics.is_empty() {
            return Err(self.error(
                self.source.field(self.source.text(), "metrics"),
                "`metrics` is empty; name at least one",
            ));
        }
        let (mut metrics, mut extractions, mut deviations): Metrics = Default::default();
        for raw in &self.file.metrics {
            let entry: MetricEntry = self.source.part(raw)?;
            let part = |name: &str| self.source.field(raw.get_ron(), name);
            if entry.name.trim().is_empty() || metrics.iter().any(|metric: &Metric| metric.name == entry.name)
            {
                let message = format!(
                    "the name `{}` is empty, or that of a metric before it; choose another",
                    entry.name
                );
                return Err(self.error(part("name"), message));
            }
            let unit = entry.unit.clone().unwrap_or_else(|| "1".into());
            let place = match entry.from {
                Some(from) => self.place(from, names, protocol)?,
                // A program that stays answers `{"metrics": {"name": number}}`.
                None if protocol == Protocol::JsonLines => {
                    let name = entry.name.replace('~', "~0").replace('/', "~1");
                    Place::Json { file: None, pointer: format!("/metrics/{name}") }
                }
                None => {
                    let message = format!(
                        "metric `{}` is never extracted; say where its number is found, such as `from: Json(file: \"out.json\", pointer: \
                         \"/{}\")`, `from: Regex(pattern: \"...(?P<value>[0-9.]+)\")` or `from: Stdout`",
                        entry.name, entry.name
                    );
                    return Err(self.raw_error(raw, message));
                }
            };
            self.units(&entry, &unit, &place, raw)?;
            match (entry.required, entry.otherwise) {
                (false, None) => {
                    let message = format!(
                        "metric `{}` is not required, but an outcome has a number for every metric; say which by `otherwise`, the number \
                         where the program says none",
                        entry.name
                    );
                    return Err(self.raw_error(raw, message));
                }
                (_, Some(number)) if !number.is_finite() => {
                    return Err(self.error(part("otherwise"), "`otherwise` is a finite number"));
                }
                _ => {}
            }
            if let Some((low, high)) = entry.range
                && (low.is_nan() || high.is_nan() || low > high)
            {
                return Err(self.error(part("range"), "`range` is the smallest and the largest plausible number, such as (0.0, 1e9); `inf` is no limit"));
            }
            if entry.deviation.is_some_and(|deviation| !(deviation.is_finite() && deviation >= 0.0)) {
                return Err(self.error(
                    part("deviation"),
                    "`deviation` is a standard deviation in the metric's unit, at least 0",
                ));
            }
            metrics.push(Metric {
                name: entry.name.clone(),
                unit: unit.clone(),
                direction: entry.direction,
                definition: entry.definition.clone().unwrap_or_else(|| describe(&place)),
            });
            deviations.push(entry.deviation);
            extractions.push(Extraction {
                name: entry.name,
                unit,
                in_unit: entry.in_unit,
                place,
                range: entry.range,
                otherwise: entry.otherwise,
            });
        }
        Ok((metrics, extractions, deviations))
    }

    /// Checks that numbers can be converted to the metric's unit.
    fn units(&self, entry: &MetricEntry, unit: &str, place: &Place, raw: &RawValue) -> Result<(), EnvError> {
        let part = |name: &str| self.source.field(raw.get_ron(), name);
        if let Some(from) = &entry.in_unit
            && unit::factor(from, unit).is_none()
        {
            let message = format!(
                "a number in `{from}` cannot be given in `{unit}`; `in_unit` is the same unit with another prefix, such as MHz for Hz"
            );
            return Err(self.error(part("in_unit"), message));
        }
        let own = match place {
            Place::WallTime | Place::CpuTime => "s",
            Place::PeakMemory => "B",
            _ => return Ok(()),
        };
        if unit::factor(own, unit).is_none() {
            let message = format!(
                "this metric is measured in {own}; give its `unit`, such as `{own}` or one with a prefix"
            );
            return Err(self.error(part("unit"), message));
        }
        Ok(())
    }

    fn place(&self, raw: &RawValue, names: &Names, protocol: Protocol) -> Result<Place, EnvError> {
        let text = raw.get_ron();
        let part = |name: &str| self.source.field(text, name);
        let file = |file: &Option<String>| -> Result<Option<Text>, EnvError> {
            file.as_ref().map(|file| self.inner_path(part("file"), file, names)).transpose()
        };
        let entry: PlaceEntry = self.owned(raw)?;
        let staying = protocol == Protocol::JsonLines;
        Ok(match entry {
            PlaceEntry::Json { file: None, pointer } => {
                Place::Json { file: None, pointer: self.pointer(part("pointer"), pointer)? }
            }
            PlaceEntry::WallTime => Place::WallTime,
            _ if staying => {
                let message = "with `protocol: JsonLines` a number is found by `Json(pointer: ...)` in the answer, or is the `WallTime` of it; \
                               leave `from` out for `/metrics/NAME`";
                return Err(self.error(text, message));
            }
            PlaceEntry::Json { file: name, pointer } => {
                Place::Json { file: file(&name)?, pointer: self.pointer(part("pointer"), pointer)? }
            }
            PlaceEntry::Csv { file: name, column, row, delimiter } => {
                let delimiter = delimiter.map(|c| {
                    u8::try_from(c).map_err(|_| {
                        self.error(part("delimiter"), "`delimiter` is one ASCII character, such as ','")
                    })
                });
                Place::Csv {
                    file: file(&name)?,
                    column: self.column(part("column"), column)?,
                    row: self.row(part("row"), row)?,
                    delimiter: delimiter.transpose()?,
                }
            }
            PlaceEntry::Regex { file: name, pattern, pick } => {
                let pattern = self.pattern(part("pattern"), &pattern)?;
                if !pattern.capture_names().flatten().any(|name| name == "value") {
                    let message = format!(
                        "the pattern `{pattern}` has no group named `value`; put the number into one: (?P<value>[0-9.eE+-]+), and its unit, if \
                         it has one, into (?P<unit>[a-zA-Z]+)"
                    );
                    return Err(self.error(part("pattern"), message));
                }
                self.groups_of(part("pattern"), &pattern, &["value", "unit"])?;
                Place::Pattern { file: file(&name)?, pattern, pick }
            }
            PlaceEntry::Stdout => Place::Stdout,
            PlaceEntry::ExitCode => Place::ExitCode,
            PlaceEntry::CpuTime => Place::CpuTime,
            PlaceEntry::PeakMemory => Place::PeakMemory,
        })
    }

    /// Reads an owned value from a part. Errors: at its place in the file.
    fn owned<T: serde::de::DeserializeOwned>(&self, raw: &RawValue) -> Result<T, EnvError> {
        // The slice stands in the file's text, which is what its place is found from.
        let text = raw.get_ron();
        crate::options::reader().from_str(text).map_err(|error| {
            let skipped =
                text.lines().take(error.span.start.line - 1).map(|line| line.len() + 1).sum::<usize>();
            let column: usize = text[skipped.min(text.len())..]
                .chars()
                .take(error.span.start.col - 1)
                .map(char::len_utf8)
                .sum();
            let at = (skipped + column).min(text.len());
            self.error(&text[at..], crate::options::explain(&error.code))
        })
    }

    fn pointer(&self, part: &str, pointer: String) -> Result<String, EnvError> {
        if pointer.is_empty() || pointer.starts_with('/') {
            return Ok(pointer);
        }
        let message =
            format!("a JSON pointer begins with `/`, one step per level: `/{}`", pointer.replace('.', "/"));
        Err(self.error(part, message))
    }

    fn pattern(&self, part: &str, pattern: &str) -> Result<Regex, EnvError> {
        let built = regex::RegexBuilder::new(pattern).multi_line(true).build();
        built.map_err(|error| {
            let message = error.to_string().lines().last().unwrap_or("it does not read").trim().to_string();
            self.error(part, format!("the pattern `{pattern}` is no regular expression: {message}"))
        })
    }

    /// Checks the named groups of a pattern. Errors: one that nobody reads.
    fn groups_of(&self, part: &str, pattern: &Regex, known: &[&str]) -> Result<(), EnvError> {
        match pattern.capture_names().flatten().find(|name| !known.contains(name)) {
            Some(other) => {
                let message = format!(
                    "nothing reads the group `{other}` of the pattern; use {}, or a group without a name",
                    known.join(", ")
                );
                Err(self.error(part, message))
            }
            None => Ok(()),
        }
    }

    fn column(&self, part: &str, entry: ColumnEntry) -> Result<Column, EnvError> {
        match entry {
            ColumnEntry::Number(0) => Err(self.error(part, "columns are counted from 1")),
            ColumnEntry::Number(number) => Ok(Column::Number(number)),
            ColumnEntry::Name(name) => Ok(Column::Name(name)),
        }
    }

    fn row(&self, part: &str, entry: RowEntry) -> Result<Row, EnvError> {
        Ok(match entry {
            RowEntry::First => Row::First,
            RowEntry::Last => Row::Last,
            RowEntry::Number(0) => {
                return Err(
                    self.error(part, "rows are counted from 1, the first line of names not among them")
                );
            }
            RowEntry::Number(number) => Row::Number(number),
            RowEntry::Key { column, value } => Row::Key(self.column(part, column)?, value.to_string()),
        })
    }

    /// The objectives, the default first: those of the file, all metrics as a Pareto front, each metric alone.
    pub fn objectives(&self, metrics: &[Metric]) -> Result<Vec<Objective>, EnvError> {
        let mut objectives: Vec<Objective> = Vec::new();
        for raw in &self.file.objectives {
            let objective: ObjectiveEntry = self.owned(raw)?;
            objective.scorer(metrics).map_err(|error| self.raw_error(raw, error))?;
            if objectives.iter().any(|other| other.name == objective.name) {
                return Err(self.raw_error(raw, format!("two objectives are called `{}`", objective.name)));
            }
            objectives.push(objective);
        }
        let optimise = |metric: &Metric| Goal::Optimise(metric.name.clone());
        let mut further = Vec::new();
        if metrics.len() > 1 {
            further.push(Objective::new("pareto", metrics.iter().map(optimise).collect()));
        }
        further.extend(
            metrics.iter().map(|metric| Objective::new(metric.name.as_str(), vec![optimise(metric)])),
        );
        for objective in further {
            if objectives.iter().all(|other| other.name != objective.name) {
                objectives.push(objective);
            }
        }
        Ok(objectives)
    }

    /// Exit codes that are no failure; empty if all are, since one of the metrics is the exit code.
    pub fn success(&self, extractions: &[Extraction]) -> Result<Vec<i32>, EnvError> {
        match self.file.success {
            Some(raw) => {
                match self.source.part::<Vec<i32>>(raw)? {
                    codes if codes.is_empty() => Err(self
                        .raw_error(raw, "`success` lists the exit codes that are no failure, such as [0]")),
                    codes => Ok(codes),
                }
            }
            None if extractions.iter().any(|e| matches!(e.place, Place::ExitCode)) => Ok(Vec::new()),
            None => Ok(vec![0]),
        }
    }

    /// What makes a design infeasible.
    pub fn rules(&self, metrics: &[Metric], names: &Names) -> Result<Vec<Rule>, EnvError> {
        self.file.infeasible.iter().map(|raw| self.rule(raw, metrics, names)).collect()
    }

    fn rule(&self, raw: &RawValue, metrics: &[Metric], names: &Names) -> Result<Rule, EnvError> {
        let part = |name: &str| self.source.field(raw.get_ron(), name);
        let amount = |amount: Option<f64>| match amount {
            Some(amount) if !(amount.is_finite() && amount > 0.0) => {
                Err(self.error(part("amount"), "`amount` is a number above 0"))
            }
            amount => Ok(amount.unwrap_or(1.0)),
        };
        let staying = self.file.protocol == Protocol::JsonLines;
        let entry: RuleEntry = self.owned(raw)?;
        if staying && !matches!(entry, RuleEntry::Metric { .. }) {
            let message = "with `protocol: JsonLines` a program says by itself that a design is infeasible: {\"infeasible\": \"why\", \"amount\": 1.0}; \
                           here only `Metric(...)` has an effect";
            return Err(self.raw_error(raw, message));
        }
        Ok(match entry {
            RuleEntry::ExitCode { code, meaning, amount: given } => {
                Rule::ExitCode { code, meaning, amount: amount(given)? }
            }
            RuleEntry::Pattern { pattern, file, meaning, amount: given } => {
                let pattern = self.pattern(part("pattern"), &pattern)?;
                self.groups_of(part("pattern"), &pattern, &["amount"])?;
                let file = file.map(|file| self.inner_path(part("file"), &file, names)).transpose()?;
                Rule::Pattern { pattern, file, meaning, amount: amount(given)? }
            }
            RuleEntry::Metric { metric, at_most, at_least, meaning } => {
                let known: Vec<&str> = metrics.iter().map(|metric| metric.name.as_str()).collect();
                let index = known.iter().position(|name| *name == metric).ok_or_else(|| {
                    let hint = crate::suggest::suggestion(&metric, &known);
                    self.error(part("metric"), format!("no metric is called `{metric}`{hint}"))
                })?;
                let limits = [at_most, at_least];
                if limits.iter().all(Option::is_none)
                    || limits.iter().flatten().any(|limit| !limit.is_finite())
                {
                    return Err(
                        self.raw_error(raw, "the rule needs `at_most` or `at_least`, a finite number")
                    );
                }
                let unit = &metrics[index].unit;
                let unit = if unit == "1" { String::new() } else { format!(" {unit}") };
                let words = match (at_most, at_least) {
                    (Some(most), Some(least)) => format!("{metric} is from {least} to {most}{unit}"),
                    (Some(most), None) => format!("{metric} is at most {most}{unit}"),
                    (_, least) => format!("{metric} is at least {}{unit}", least.unwrap_or_default()),
                };
                Rule::Metric { metric: index, at_most, at_least, meaning: meaning.unwrap_or(words) }
            }
        })
    }

    /// What is tried again.
    pub fn retry(&self) -> Result<Option<Retry>, EnvError> {
        let Some(raw) = self.file.retry else { return Ok(None) };
        let entry: RetryEntry = self.owned(raw)?;
        let part = |name: &str| self.source.field(raw.get_ron(), name);
        if !(0.0..=86_400.0).contains(&entry.wait_s) {
            return Err(self.error(part("wait_s"), "`wait_s` is a number of seconds from 0 to 86400"));
        }
        if !(1..=1000).contains(&entry.times) {
            return Err(self.error(part("times"), "`times` is a number from 1 to 1000"));
        }
        let pattern = self.pattern(part("pattern"), &entry.pattern)?;
        Ok(Some(Retry { pattern, times: entry.times, wait_s: entry.wait_s }))
    }
}

/// A definition of a metric whose file gives none.
fn describe(place: &Place) -> String {
    let of = |file: &Option<Text>| match file.as_ref().and_then(Text::literal) {
        Some(name) => format!("`{name}`"),
        None => "the program's output".into(),
    };
    match place {
        Place::Json { file, pointer } => format!("`{pointer}` in {}", of(file)),
        Place::Csv { file, column: Column::Name(name), .. } => format!("column `{name}` in {}", of(file)),
        Place::Csv { file, column: Column::Number(number), .. } => format!("column {number} in {}", of(file)),
        Place::Pattern { file, pattern, .. } => format!("`{pattern}` in {}", of(file)),
        Place::Stdout => "the last line of the standard output".into(),
        Place::ExitCode => "the program's exit code".into(),
        Place::WallTime => "time from the start of the program to its end".into(),
        Place::CpuTime => "processor time of the program and its children".into(),
        Place::PeakMemory => "most resident memory of the program".into(),
    }
}
