//! Trials on the threads of this process.

use hwgym_envs::evaluate::guarded;
use rayon::prelude::*;

use super::{Executor, Finished};
use crate::study::Trial;
use crate::trial::{Control, Ended, run};
use crate::{Store, Study, StudyError};

/// Runs trials on threads.
#[derive(Clone, Copy)]
pub struct Local<'a> {
    /// Trials, or evaluations of a batch, that run at the same time; 0 for one per processor.
    pub jobs: usize,
    /// How the work is watched and stopped.
    pub control: Control<'a>,
}

impl Executor for Local<'_> {
    fn run(&self, study: &Study, store: &Store, trials: &[Trial]) -> Result<Finished, StudyError> {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(self.jobs)
            .build()
            .map_err(|error| StudyError::file(store.directory(), std::io::Error::other(error)))?;
        // Few trials: one after the other, their batches in parallel. Otherwise trials in parallel. Records are the same.
        let parallel_batches = trials.len() < pool.current_num_threads();
        let work = |trial: &Trial| -> (String, Result<Ended, StudyError>) {
            let result = guarded(|| run(study, store, trial, self.control, parallel_batches));
            let panicked = |message| {
                let message = format!("the agent panicked: {message}");
                Err(StudyError::Trial { trial: trial.name(), message })
            };
            let result = result.unwrap_or_else(panicked);
            match &result {
                Ok(Ended::Over) => store.note_failure(&trial.name(), None),
                Err(error) => store.note_failure(&trial.name(), Some(error)),
                Ok(Ended::Stopped | Ended::Elsewhere) => {}
            }
            (trial.name(), result)
        };
        let results = pool.install(|| {
            if parallel_batches {
                trials.iter().map(work).collect()
            } else {
                trials.par_iter().with_max_len(1).map(work).collect()
            }
        });
        self.control.progress.finish();
        Ok(Finished::of(results))
    }
}
