//! Reports: what a study found, as tables, CSV, JSON, plots, and one page that links them.

mod goal;
mod page;
mod tables;
mod task;
pub(crate) mod text;
mod trial;

use std::path::{Path, PathBuf};

pub use goal::GoalView;
pub use task::{ContestantReport, FrontPoint, TaskReport};
pub use trial::{State, TrialReport};

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
    /// Reads the records of a study. Finished trials count; with `allow_unfinished` every trial that was started, up to the evaluation that
    /// the slowest of its task has reached. A damaged trial is named and left out. Errors: a file that cannot be read.
    pub fn of(store: &Store, allow_unfinished: bool) -> Result<Self, StudyError> {
        let manifest = store.manifest();
        let of = |task| TaskReport::of(store, task, allow_unfinished);
        let tasks = manifest.tasks.iter().map(of).collect::<Result<_, _>>()?;
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
    pub fn write(&self, store: &Store, folder: &Path) -> Result<Vec<PathBuf>, StudyError> {
        std::fs::create_dir_all(folder).map_err(|e| StudyError::file(folder, e))?;
        let mut files = vec![folder.join("report.md")];
        files.extend(tables::write(self, store, folder)?);
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

    /// True if every trial of every task is finished.
    pub fn is_complete(&self) -> bool {
        self.tasks.iter().flat_map(|task| &task.contestants).all(|contestant| contestant.missing.is_empty())
    }

    /// Evaluations in which the environment panicked, which is a mistake in it.
    pub fn panics(&self) -> usize {
        let reasons = self.tasks.iter().flat_map(|task| &task.contestants).flat_map(|c| &c.failures);
        reasons.filter(|(reason, _)| reason.starts_with(hwgym_envs::evaluate::PANICKED)).map(|(_, n)| n).sum()
    }

    /// The summary for a terminal.
    pub fn summary_text(&self) -> String {
        page::summary_text(self)
    }
}
