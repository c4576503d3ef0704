//! Reports: what a study found, from its records alone. [`publication`](crate::publication) writes them down.

mod attained;
mod curve;
mod goal;
mod lottery;
mod standing;
mod task;
mod trial;

pub use attained::{Attained, SHARES};
pub use curve::{CurvePoint, band_label, curve};
pub use goal::GoalView;
pub use lottery::{ExpectedBest, Tuned};
pub use standing::{Standing, WITHIN};
pub use task::{ContestantReport, DefaultPoint, FrontPoint, Mark, TaskReport};
pub use trial::{Cloud, State, TrialReport};

use crate::{Resimulation, Store, StudyError};

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
    /// The contestants over all tasks, where that says something.
    pub standing: Option<Standing>,
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
        let tasks: Vec<TaskReport> = manifest.tasks.iter().map(of).collect::<Result<_, _>>()?;
        Ok(Self {
            study: manifest.name.clone(),
            description: manifest.description.clone(),
            hwgym: env!("CARGO_PKG_VERSION").into(),
            budget: manifest.evaluations(),
            seeds: manifest.seeds.len(),
            standing: Standing::of(&tasks),
            tasks,
            resimulations: Resimulation::of(store)?,
        })
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
}
