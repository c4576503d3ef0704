//! Studies as tables for other programs: every evaluation as a row of CSV or Parquet, or searches as episodes for offline reinforcement
//! learning.
//!
//! One file per task, named as in the report. Records are read twice, once for the kinds of the columns and once for the rows, and never held.
//!
//! | format | files | a row |
//! |---|---|---|
//! | CSV | `evaluations.TASK.csv` | an evaluation |
//! | Parquet | `evaluations.TASK.parquet` | the same |
//! | RLDS | `steps.TASK`, `episodes.csv` | a step of an episode, and an episode |
//!
//! RLDS (Ramos et al., 2021) says what a step is: an observation, the action taken on it, the reward that followed, `discount`, `is_first`,
//! `is_last`, `is_terminal`. Here an episode is a search, an action a design, and the observation the metrics of the design before (null at the
//! first step, and after a design without metrics). The last step holds the last observation alone: its action, reward and discount are null. An
//! episode that a budget cut off is not terminal; one that met its targets, or whose agent had nothing left to propose, is.

#[cfg(feature = "parquet")]
mod parquet;
mod table;

use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use crate::StudyError;
use crate::store::manifest::{ContestantFacts, TaskFacts};
use crate::store::trial_log::records;
use crate::store::{End, Record, Store};
use crate::study::{file_part, trial_name};
use table::{Cell, Column, CsvTable, Kind, Sink};

/// What a study is exported as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Comma-separated values.
    Csv,
    /// Apache Parquet; the program must be built with the feature `parquet`.
    Parquet,
    /// Steps and episodes: Parquet where the program has it, otherwise CSV.
    Rlds,
}

/// Writes the study into a folder, which is made; returns the files. Trials that are not over are there as far as they are.
///
/// # Errors
/// Damaged records, a file that cannot be written, Parquet without the feature.
pub fn write(store: &Store, format: Format, folder: &Path) -> Result<Vec<PathBuf>, StudyError> {
    std::fs::create_dir_all(folder).map_err(|error| StudyError::file(folder, error))?;
    let mut files = Vec::new();
    let mut episodes = Vec::new();
    for task in &store.manifest().tasks {
        let trials = trials(store, task);
        let columns = Columns::of(store, task, &trials)?;
        let stem = format!("{}.{}", file_part(&task.environment), file_part(&task.objective.name));
        match format {
            Format::Csv | Format::Parquet => {
                let extension = if format == Format::Csv { "csv" } else { "parquet" };
                let path = folder.join(format!("evaluations.{stem}.{extension}"));
                let mut sink = sink(store, &path, format == Format::Parquet, columns.evaluations())?;
                for trial in &trials {
                    for record in records(&store.records(&trial.name))? {
                        sink.row(columns.evaluation(trial, &record?))?;
                    }
                }
                sink.finish()?;
                files.push(path);
            }
            Format::Rlds => {
                let is_parquet = cfg!(feature = "parquet");
                let extension = if is_parquet { "parquet" } else { "csv" };
                let path = folder.join(format!("steps.{stem}.{extension}"));
                let mut sink = sink(store, &path, is_parquet, columns.steps())?;
                for trial in &trials {
                    episodes.push(steps(store, trial, &columns, sink.as_mut())?);
                }
                sink.finish()?;
                files.push(path);
            }
        }
    }
    if format == Format::Rlds {
        let path = folder.join("episodes.csv");
        let mut csv = CsvTable::new(&path, &EPISODES.map(|(name, kind)| Column::new(name, kind)))?;
        episodes.into_iter().try_for_each(|row| csv.row(row))?;
        Box::new(csv).finish()?;
        files.push(path);
    }
    Ok(files)
}

const EPISODES: [(&str, Kind); 8] = [
    ("episode_id", Kind::Text),
    ("environment", Kind::Text),
    ("objective", Kind::Text),
    ("agent", Kind::Text),
    ("hyperparameters", Kind::Text),
    ("seed", Kind::Whole),
    ("evaluations", Kind::Whole),
    ("end", Kind::Text),
];

/// A trial of a task.
struct Trial<'a> {
    name: String,
    task: &'a TaskFacts,
    contestant: &'a ContestantFacts,
    seed: u64,
}

fn trials<'a>(store: &'a Store, task: &'a TaskFacts) -> Vec<Trial<'a>> {
    let manifest = store.manifest();
    let of = |contestant: &'a ContestantFacts| {
        manifest.seeds.iter().map(move |seed| Trial {
            name: trial_name(&task.environment, &task.objective.name, &contestant.label, *seed),
            task,
            contestant,
            seed: *seed,
        })
    };
    manifest.contestants.iter().flat_map(of).collect()
}

fn sink(
    store: &Store,
    path: &Path,
    is_parquet: bool,
    columns: Vec<Column>,
) -> Result<Box<dyn Sink>, StudyError> {
    if !is_parquet {
        return Ok(Box::new(CsvTable::new(path, &columns)?));
    }
    #[cfg(feature = "parquet")]
    return Ok(Box::new(parquet::ParquetTable::new(path, columns, store.manifest())?));
    #[cfg(not(feature = "parquet"))]
    {
        let _ = store;
        let message =
            "this program was built without Parquet: build it with `--features parquet`, or export CSV";
        Err(StudyError::file(path, std::io::Error::new(std::io::ErrorKind::Unsupported, message)))
    }
}

/// What differs from task to task: the parameters with their kinds, and how many goals there are.
struct Columns {
    parameters: Vec<Column>,
    metrics: Vec<String>,
    goals: usize,
}

impl Columns {
    /// Looks at every design of the task.
    fn of(store: &Store, task: &TaskFacts, trials: &[Trial]) -> Result<Self, StudyError> {
        let mut parameters: Vec<Column> = Vec::new();
        for trial in trials {
            for record in records(&store.records(&trial.name))? {
                for (place, (name, value)) in record?.design.iter().enumerate() {
                    // Designs of a space have the same names in the same order, but for those that lie outside of it.
                    let at = match parameters.get(place) {
                        Some(column) if column.name == *name => place,
                        _ => parameters.iter().position(|column| column.name == *name).unwrap_or_else(|| {
                            parameters.push(Column::new(name, Kind::Unknown));
                            parameters.len() - 1
                        }),
                    };
                    parameters[at].kind = parameters[at].kind.with(Kind::of(value));
                }
            }
        }
        let metrics = store.manifest().metrics(task).iter().map(|metric| metric.name.clone()).collect();
        Ok(Self { parameters, metrics, goals: task.objective.goals.len() })
    }

    fn values(&self, prefix: &str) -> Vec<Column> {
        self.parameters.iter().map(|c| Column::new(&format!("{prefix}{}", c.name), c.kind)).collect()
    }

    fn reals(&self, prefix: &str) -> Vec<Column> {
        self.metrics.iter().map(|name| Column::new(&format!("{prefix}{name}"), Kind::Real)).collect()
    }

    fn rewards(&self) -> Vec<Column> {
        let name =
            |goal: usize| if self.goals == 1 { "reward".to_string() } else { format!("reward.{}", goal + 1) };
        (0..self.goals).map(|goal| Column::new(&name(goal), Kind::Real)).collect()
    }

    fn evaluations(&self) -> Vec<Column> {
        let mut columns = vec![
            Column::new("agent", Kind::Text),
            Column::new("seed", Kind::Whole),
            Column::new("evaluation", Kind::Whole),
            Column::new("status", Kind::Text),
            Column::new("reason", Kind::Text),
            Column::new("fidelity", Kind::Text),
            Column::new("violation", Kind::Real),
            Column::new("evaluation_s", Kind::Real),
            Column::new("at_s", Kind::Real),
        ];
        columns.extend(self.rewards());
        columns.extend(self.values("design."));
        columns.extend(self.reals("metric."));
        columns
    }

    fn evaluation(&self, trial: &Trial, record: &Record) -> Vec<Cell> {
        let status = record.outcome["status"].as_str().unwrap_or_default();
        let reason = ["constraint", "reason"].iter().find_map(|name| record.outcome[*name].as_str());
        let mut cells = vec![
            Cell::Text(trial.contestant.label.clone()),
            Cell::Whole(trial.seed as i64),
            Cell::Whole(record.evaluation as i64),
            Cell::Text(status.into()),
            reason.map_or(Cell::Null, |reason| Cell::Text(reason.into())),
            record.fidelity.as_ref().map_or(Cell::Null, |level| Cell::Text(level.name.clone())),
            Cell::Real(record.violation),
            Cell::Real(record.wall.evaluation_s),
            Cell::Real(record.wall.at_s),
        ];
        cells.extend(self.rewards_of(record));
        cells.extend(self.design(&record.design));
        cells.extend(self.observation(Some(&record.outcome)));
        cells
    }

    fn rewards_of(&self, record: &Record) -> impl Iterator<Item = Cell> {
        (0..self.goals).map(|goal| record.rewards.get(goal).map_or(Cell::Null, |reward| Cell::Real(*reward)))
    }

    fn design(&self, design: &Map<String, Value>) -> Vec<Cell> {
        let cell =
            |column: &Column| design.get(&column.name).map_or(Cell::Null, |value| column.kind.cell(value));
        self.parameters.iter().map(cell).collect()
    }

    fn observation(&self, outcome: Option<&Value>) -> Vec<Cell> {
        let metric = |name: &String| outcome.and_then(|outcome| outcome["metrics"].get(name)?.as_f64());
        self.metrics.iter().map(|name| metric(name).map_or(Cell::Null, Cell::Real)).collect()
    }

    fn steps(&self) -> Vec<Column> {
        let mut columns = vec![
            Column::new("episode_id", Kind::Text),
            Column::new("step", Kind::Whole),
            Column::new("is_first", Kind::Flag),
            Column::new("is_last", Kind::Flag),
            Column::new("is_terminal", Kind::Flag),
            Column::new("discount", Kind::Real),
        ];
        columns.extend(self.rewards());
        columns.extend(self.reals("observation."));
        columns.extend(self.values("action."));
        columns
    }
}

/// Writes the steps of an episode; returns its row in the table of episodes.
fn steps(
    store: &Store,
    trial: &Trial,
    columns: &Columns,
    sink: &mut dyn Sink,
) -> Result<Vec<Cell>, StudyError> {
    let mut stream = records(&store.records(&trial.name))?;
    let mut before: Option<Record> = None;
    let head = |step: usize, last: Option<bool>| {
        vec![
            Cell::Text(trial.name.clone()),
            Cell::Whole(step as i64),
            Cell::Flag(step == 0),
            Cell::Flag(last.is_some()),
            Cell::Flag(last == Some(true)),
            if last.is_some() { Cell::Null } else { Cell::Real(1.0) },
        ]
    };
    for record in stream.by_ref() {
        let record = record?;
        let mut cells = head(record.evaluation - 1, None);
        cells.extend(columns.rewards_of(&record));
        cells.extend(columns.observation(before.as_ref().map(|record| &record.outcome)));
        cells.extend(columns.design(&record.design));
        sink.row(cells)?;
        before = Some(record);
    }
    let summary = stream.summary().clone();
    if let Some(last) = before {
        let is_terminal = matches!(summary.end, Some(End::AgentDone | End::TargetsMet));
        let mut cells = head(last.evaluation, Some(is_terminal));
        cells.extend(std::iter::repeat_n(Cell::Null, columns.goals));
        cells.extend(columns.observation(Some(&last.outcome)));
        cells.extend(std::iter::repeat_n(Cell::Null, columns.parameters.len()));
        sink.row(cells)?;
    }
    let varied: Vec<String> =
        trial.contestant.varied.iter().map(|(name, value)| format!("{name}: {value}")).collect();
    let end = serde_json::to_value(summary.end).ok();
    Ok(vec![
        Cell::Text(trial.name.clone()),
        Cell::Text(trial.task.environment.clone()),
        Cell::Text(trial.task.objective.name.clone()),
        Cell::Text(trial.contestant.label.clone()),
        Cell::Text(varied.join(", ")),
        Cell::Whole(trial.seed as i64),
        Cell::Whole(summary.evaluations as i64),
        end.as_ref().and_then(Value::as_str).map_or(Cell::Null, |end| Cell::Text(end.into())),
    ])
}
