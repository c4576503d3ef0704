//! `hwgym compare`: several studies beside each other.

use std::path::PathBuf;
use std::process::ExitCode;

use crate::envs::number::significant;
use crate::experiments::report::{ContestantReport, TaskReport};
use crate::experiments::statistics::{holm, mann_whitney};
use crate::experiments::{Report, Store};
use crate::failure::bad_input;

/// Compare the findings of several studies, task by task
///
/// Tasks are the same if environment and objective have the same labels and the environments say the same of themselves; tasks that only one study has are
/// named. The p-value is that of the Mann-Whitney test against the best median of the task, adjusted for the number of contestants (Holm).
#[derive(clap::Args)]
pub struct CompareArgs {
    /// Directories of studies
    #[arg(required = true, num_args = 2..)]
    directories: Vec<PathBuf>,
}

/// A contestant of one of the studies.
struct Row<'a> {
    study: String,
    contestant: &'a ContestantReport,
    values: Vec<f64>,
}

impl CompareArgs {
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let mut studies = Vec::new();
        for directory in &self.directories {
            let store = Store::open(directory)?;
            let report = Report::of(&store, false)?;
            studies.push((directory.display().to_string(), store, report));
        }
        let mut names: Vec<String> = Vec::new();
        for task in studies.iter().flat_map(|(_, _, report)| &report.tasks) {
            if !names.contains(&task.name()) {
                names.push(task.name());
            }
        }
        let mut shared = 0;
        for name in &names {
            let mut found: Vec<(&String, &Store, &TaskReport)> = Vec::new();
            for (directory, store, report) in &studies {
                found.extend(
                    report
                        .tasks
                        .iter()
                        .filter(|task| task.name() == *name)
                        .map(|task| (directory, store, task)),
                );
            }
            let [(_, first_store, first), others @ ..] = &found[..] else { continue };
            if others.is_empty() {
                println!("{name}: only in {}\n", found[0].0);
                continue;
            }
            let facts = |store: &Store| {
                store.manifest().environment(&first.environment).map(|e| (e.id.clone(), e.provenance.clone()))
            };
            let apart = others
                .iter()
                .find(|(_, store, task)| facts(store) != facts(first_store) || task.goals != first.goals);
            if let Some((directory, _, _)) = apart {
                println!(
                    "{name}: the environment of {directory} is another one than that of {}; not compared\n",
                    found[0].0
                );
                continue;
            }
            if first.goals.len() > 1 && found.iter().any(|(_, _, task)| task.reference != first.reference) {
                println!(
                    "{name}: hypervolumes have different reference points; give the objective a `reference`. Not compared\n"
                );
                continue;
            }
            if let Some((_, _, task)) = others.iter().find(|(_, _, task)| task.budget != first.budget) {
                println!(
                    "{name}: after {} and {} evaluations; the longer search has it easier",
                    first.budget, task.budget
                );
            }
            print(name, &found);
            shared += 1;
        }
        if shared == 0 {
            return Err(bad_input(
                "the studies have no task in common: environment and objective of the same labels",
            ));
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn print(name: &str, found: &[(&String, &Store, &TaskReport)]) {
    let first = found[0].2;
    let mut rows: Vec<Row> = Vec::new();
    for (directory, _, task) in found {
        for contestant in &task.contestants {
            let values = contestant
                .trials
                .iter()
                .filter(|trial| trial.counted)
                .filter_map(|trial| trial.quality)
                .collect();
            rows.push(Row { study: (*directory).clone(), contestant, values });
        }
    }
    let median = |row: &Row| {
        row.contestant
            .quality
            .map_or(f64::INFINITY, |q| if first.smaller_is_better() { q.median } else { -q.median })
    };
    rows.sort_by(|a, b| median(a).total_cmp(&median(b)));
    let raw: Vec<f64> =
        rows[1..].iter().map(|row| mann_whitney(&row.values, &rows[0].values).unwrap_or(1.0)).collect();
    let adjusted = holm(&raw);
    let mut table = crate::env::plain_table();
    table.add_row([
        "study",
        "agent",
        &format!("median {}", first.quality_label()),
        "minimum to maximum",
        "seeds",
        "p against the best",
    ]);
    for (index, row) in rows.iter().enumerate() {
        let p = index.checked_sub(1).map_or(String::new(), |place| format!("{:.4}", adjusted[place]));
        let (middle, range) = match row.contestant.quality {
            Some(q) => (
                significant(q.median, 5),
                format!("{} to {}", significant(q.minimum, 5), significant(q.maximum, 5)),
            ),
            None => ("nothing feasible".into(), String::new()),
        };
        table.add_row([
            row.study.clone(),
            row.contestant.title(),
            middle,
            range,
            row.values.len().to_string(),
            p,
        ]);
    }
    println!("{name}\n{table}\n");
}
