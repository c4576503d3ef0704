//! Who runs the trials of a study. An executor is given trials and sees to it that each is run, in this process or elsewhere; how a trial
//! is run is said in [`trial`](crate::trial), once.
//!
//! A further executor is one file here. One that hands trials to other machines starts `hwgym worker DIR --share K/N` on them: a worker is a
//! plain process on the directory of the study, and each trial has a lock of its own.

mod local;

pub use local::Local;

use crate::study::Trial;
use crate::trial::Ended;
use crate::{Store, Study, StudyError};

/// Runs trials.
pub trait Executor {
    /// Runs these trials of the study, each to its end or until the executor is stopped. A trial that breaks does not stop the others.
    ///
    /// # Errors
    /// The executor itself cannot work; what goes wrong in a trial stands in [`Finished::failed`].
    fn run(&self, study: &Study, store: &Store, trials: &[Trial]) -> Result<Finished, StudyError>;
}

/// How a run ended.
#[derive(Debug, Default)]
pub struct Finished {
    /// Trials that were given.
    pub trials: usize,
    /// Trials that are over.
    pub complete: usize,
    /// Trials that another process is at work on.
    pub elsewhere: usize,
    /// Trials that broke, with their errors.
    pub failed: Vec<(String, StudyError)>,
}

impl Finished {
    /// Counts what became of trials.
    pub fn of(results: Vec<(String, Result<Ended, StudyError>)>) -> Self {
        let mut finished = Self { trials: results.len(), ..Self::default() };
        for (name, result) in results {
            match result {
                Ok(Ended::Over) => finished.complete += 1,
                Ok(Ended::Elsewhere) => finished.elsewhere += 1,
                Ok(Ended::Stopped) => {}
                Err(error) => finished.failed.push((name, error)),
            }
        }
        finished
    }

    /// True if every trial is over.
    pub fn is_complete(&self) -> bool {
        self.complete == self.trials
    }
}
