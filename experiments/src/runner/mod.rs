//! Runs the trials of a study, from the start or from where they stopped.
//!
//! A trial is deterministic: its agent has a derived seed and learns outcomes in the order of its proposals. So the records do not depend on
//! the number of threads, and a stopped trial goes on by replay: recorded outcomes are told to a fresh agent instead of being simulated.

mod guard;
mod progress;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use hwgym_agents::Evaluated;
use hwgym_envs::{Design, Outcome};
use rayon::prelude::*;

pub use guard::{evaluate, guarded};
pub use progress::Progress;

use crate::StudyError;
use crate::store::{End, Record, Store, TrialLog, Wall, design_to_json};
use crate::study::{Study, Trial};

/// How a study is run.
pub struct Runner<'a> {
    /// Trials, or evaluations of a batch, that run at the same time; 0 for one per processor.
    pub jobs: usize,
    /// Set from outside to stop between two evaluations.
    pub stop: &'a AtomicBool,
    /// Where progress is shown.
    pub progress: &'a Progress,
}

/// How a run ended.
#[derive(Debug)]
pub struct Finished {
    /// Trials of the study.
    pub trials: usize,
    /// Trials that are over.
    pub complete: usize,
    /// Trials that broke, with their errors.
    pub failed: Vec<(String, StudyError)>,
}

impl Finished {
    /// True if every trial is over.
    pub fn is_complete(&self) -> bool {
        self.complete == self.trials
    }
}

impl Runner<'_> {
    /// Runs every trial that is not over. A trial that breaks does not stop the others. Errors: no threads.
    pub fn run(&self, study: &Study, store: &Store) -> Result<Finished, StudyError> {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(self.jobs)
            .build()
            .map_err(|error| StudyError::file(store.directory(), std::io::Error::other(error)))?;
        let trials = study.trials();
        // Few trials: one after the other, their batches in parallel. Otherwise trials in parallel. Records are the same.
        let parallel_batches = trials.len() < pool.current_num_threads();
        let run = |trial: &Trial| {
            let name = trial.name();
            let result = guarded(|| self.trial(study, store, trial, parallel_batches));
            let result = result.unwrap_or_else(|message| {
                Err(StudyError::Trial {
                    trial: name.clone(),
                    message: format!("the agent panicked: {message}"),
                })
            });
            (name, result)
        };
        let results: Vec<_> = pool.install(|| {
            if parallel_batches {
                trials.iter().map(run).collect()
            } else {
                trials.par_iter().with_max_len(1).map(run).collect()
            }
        });
        self.progress.finish();
        let mut finished = Finished { trials: trials.len(), complete: 0, failed: Vec::new() };
        for (name, result) in results {
            match result {
                Ok(true) => finished.complete += 1,
                Ok(false) => {}
                Err(error) => finished.failed.push((name, error)),
            }
        }
        Ok(finished)
    }

    fn stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// Runs one trial to its end, or until it is stopped. True if it is over.
    fn trial(&self, study: &Study, store: &Store, trial: &Trial, parallel: bool) -> Result<bool, StudyError> {
        let name = trial.name();
        let mut log = TrialLog::read(&store.records(&name))?;
        if let Some(end) = log.end {
            self.progress.advance(study.evaluations);
            self.progress.trial(&name, &describe(&log, end));
            return Ok(true);
        }
        if self.stopped() {
            return Ok(false);
        }
        let mut agent = trial.agent(study.evaluations)?;
        let replayed = log.records.len();
        let before = log.records.last().map_or(0.0, |record| record.wall.at_s);
        let start = Instant::now();
        let mut told = 0;
        let mut met = false;
        let end = loop {
            if told >= study.evaluations {
                break End::Budget;
            }
            if met && study.stop_when_met {
                break End::TargetsMet;
            }
            let fresh = told >= replayed;
            let elapsed = before + start.elapsed().as_secs_f64();
            if fresh && study.seconds.is_some_and(|seconds| elapsed >= seconds) {
                break End::Seconds;
            }
            if self.stopped() {
                return Ok(false);
            }
            let mut designs = agent.ask(study.batch.min(study.evaluations - told));
            designs.truncate(study.evaluations - told);
            if let Some(reason) = agent.ended() {
                // The trial stays open: once what broke is mended, `resume` goes on with it.
                return Err(StudyError::Trial { trial: name, message: reason.into() });
            }
            if designs.is_empty() {
                break End::AgentDone;
            }
            let known = replayed.saturating_sub(told).min(designs.len());
            let mut results = Vec::with_capacity(designs.len());
            for design in &designs[..known] {
                results.push(replay(trial, &name, design, &log.records[told + results.len()])?);
            }
            let clock = |start: Instant| before + start.elapsed().as_secs_f64();
            let rest = &designs[known..];
            if !rest.is_empty() {
                let order = Mutex::new(InOrder { log: &mut log, waiting: BTreeMap::new() });
                let work = |(offset, design): (usize, &Design)| -> Result<Option<Evaluated>, StudyError> {
                    if self.stopped() {
                        return Ok(None);
                    }
                    let task = trial.task;
                    let space = task.env.space();
                    let (outcome, evaluation_s, values) = match space.validate(design) {
                        Ok(()) => {
                            let (outcome, seconds) = evaluate(&task.env, design, study.time_limit_s);
                            (outcome, seconds, design_to_json(space, design))
                        }
                        Err(error) => {
                            let reason = format!("the agent proposed a design outside of the space: {error}");
                            (Outcome::failed(reason), 0.0, Default::default())
                        }
                    };
                    let score = task.scorer.score(&outcome);
                    let wall = Wall { evaluation_s, at_s: clock(start) };
                    let number = told + known + offset + 1;
                    let record = Record::new(number, values, &outcome, &score, task.env.metrics(), wall);
                    order.lock().unwrap_or_else(PoisonError::into_inner).append(record)?;
                    self.progress.advance(1);
                    Ok(Some(Evaluated { design: design.clone(), outcome, score }))
                };
                let evaluated: Vec<_> = if parallel {
                    rest.par_iter().enumerate().with_max_len(1).map(work).collect::<Result<_, _>>()?
                } else {
                    rest.iter().enumerate().map(work).collect::<Result<_, _>>()?
                };
                results.extend(evaluated.into_iter().map_while(|evaluated| evaluated));
            }
            self.progress.advance(known);
            if results.len() < designs.len() {
                return Ok(false);
            }
            told += results.len();
            met |= results.iter().any(|result| result.score.done);
            agent.tell(&results);
        };
        log.finish(end)?;
        self.progress.advance(study.evaluations - told.min(study.evaluations));
        self.progress.trial(&name, &describe(&log, end));
        Ok(true)
    }
}

/// Takes the outcome of a proposal from its record. Errors: the record is of another design.
fn replay(trial: &Trial, name: &str, design: &Design, record: &Record) -> Result<Evaluated, StudyError> {
    let task = trial.task;
    let values = match task.env.space().validate(design) {
        Ok(()) => design_to_json(task.env.space(), design),
        Err(_) => Default::default(),
    };
    if values != record.design {
        return Err(StudyError::Replay {
            trial: name.into(),
            evaluation: record.evaluation,
            now: serde_json::Value::from(values).to_string(),
            recorded: serde_json::Value::from(record.design.clone()).to_string(),
        });
    }
    let outcome = record.outcome(task.env.metrics()).map_err(|message| StudyError::Trial {
        trial: name.into(),
        message: format!("evaluation {}: {message}", record.evaluation),
    })?;
    let score = task.scorer.score(&outcome);
    Ok(Evaluated { design: design.clone(), outcome, score })
}

/// Appends records in the order of their numbers, whatever the order in which they come.
struct InOrder<'a> {
    log: &'a mut TrialLog,
    waiting: BTreeMap<usize, Record>,
}

impl InOrder<'_> {
    fn append(&mut self, record: Record) -> Result<(), StudyError> {
        self.waiting.insert(record.evaluation, record);
        while let Some(next) = self.waiting.remove(&(self.log.records.len() + 1)) {
            self.log.append(next)?;
        }
        Ok(())
    }
}

fn describe(log: &TrialLog, end: End) -> String {
    let feasible = log.records.iter().filter(|r| r.violation == 0.0 && !r.rewards.is_empty()).count();
    let seconds = log.records.last().map_or(0.0, |record| record.wall.at_s);
    let why = match end {
        End::Budget => "",
        End::Seconds => ", the time budget is spent",
        End::AgentDone => ", the agent has nothing left to propose",
        End::TargetsMet => ", all targets are met",
    };
    format!("{} evaluations, {feasible} feasible, {seconds:.1} s{why}", log.records.len())
}
