//! Reports: what a study found, as tables, CSV, JSON, plots, and one page that links them.

mod goal;
mod page;
mod tables;
mod task;

use std::path::{Path, PathBuf};

pub use goal::GoalView;
pub use task::{ContestantReport, FrontPoint, TaskReport, TrialReport};

pub(crate) use page::short;

use crate::{Resimulation, Store, StudyError, plot};

/// The report of a study, finished or not.
#[derive(Debug, serde::Serialize)]
pub struct Report {
    /// Name of the study.
    pub study: String,
    /// What it is for.
    pub description: String,
    /// Version of the program.
    pub hwgym: String,
    /// Evaluations per trial.
    pub budget: usize,
    /// Number of seeds.
    pub seeds: usize,
    /// One per environment and objective.
    pub tasks: Vec<TaskReport>,
    /// One per task that was searched on a stand-in and re-simulated.
    #[serde(skip)]
    pub resimulations: Vec<Resimulation>,
}

impl Report {
    /// Reads the records of a study. Errors: damaged records.
    pub fn of(store: &Store) -> Result<Self, StudyError> {
        let manifest = store.manifest();
        let tasks =
            manifest.tasks.iter().map(|task| TaskReport::of(store, task)).collect::<Result<_, _>>()?;
        Ok(Self {
            study: manifest.name.clone(),
            description: manifest.description.clone(),
            hwgym: env!("CARGO_PKG_VERSION").into(),
            budget: manifest.evaluations(),
            seeds: manifest.seeds.len(),
            tasks,
            resimulations: Resimulation::of(store)?,
        })
    }

    /// Writes everything into a folder; returns the files, the page first. Errors: a file cannot be written.
    pub fn write(&self, folder: &Path) -> Result<Vec<PathBuf>, StudyError> {
        std::fs::create_dir_all(folder).map_err(|e| StudyError::file(folder, e))?;
        let mut files = vec![folder.join("report.md")];
        files.extend(tables::write(self, folder)?);
        let mut plots: Vec<Vec<PathBuf>> = Vec::new();
        for task in &self.tasks {
            let mut of_task = Vec::new();
            if task.contestants.iter().any(|c| c.quality.is_some()) {
                of_task.extend(plot::convergence(task, folder)?);
                of_task.extend(plot::regret(task, folder)?);
                if task.goals.len() > 1 {
                    of_task.extend(plot::pareto(task, folder)?);
                }
            }
            files.extend(of_task.iter().cloned());
            plots.push(of_task);
        }
        crate::store::write_whole(&files[0], page::page(self, &plots).as_bytes())?;
        Ok(files)
    }

    /// The summary for a terminal.
    pub fn summary_text(&self) -> String {
        page::summary_text(self)
    }
}
