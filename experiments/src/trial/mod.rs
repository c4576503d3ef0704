//! One trial: the unit of work. It has one writer, one lock and one file, and needs nothing of any other trial.
//!
//! A trial is deterministic: its agent has a derived seed and learns outcomes in the order of its proposals. So the records depend neither
//! on the number of threads nor on where the trial runs, and a stopped trial goes on by replay: recorded outcomes are told to a fresh agent
//! instead of being simulated.

mod batch;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use hwgym_agents::{Agent, Evaluated};
use hwgym_envs::{Design, Fidelity, FidelityLevel, Guard};

use batch::Batch;

use crate::StudyError;
use crate::progress::Progress;
use crate::store::trial_log::{self, Journal, Records, Summary};
use crate::store::{End, Store, design_to_json};
use crate::study::{Study, Trial};

/// How work is watched and stopped from outside.
#[derive(Clone, Copy)]
pub struct Control<'a> {
    /// Set to stop between two evaluations.
    pub stop: &'a AtomicBool,
    /// Where progress is shown.
    pub progress: &'a Progress,
}

impl Control<'_> {
    /// True once the work is to stop.
    pub fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}

/// What became of a trial that was run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// It is over.
    Over,
    /// It was stopped, and can go on.
    Stopped,
    /// Another process is at work on it.
    Elsewhere,
}

/// Runs one trial to its end, or until it is stopped; with `parallel`, the evaluations of a batch run on the threads of the current pool.
///
/// # Errors
/// Damaged records, an agent that breaks or no longer does what it did, a file that cannot be written.
pub fn run(
    study: &Study,
    store: &Store,
    trial: &Trial,
    control: Control,
    parallel: bool,
) -> Result<Ended, StudyError> {
    if control.is_stopped() {
        return Ok(Ended::Stopped);
    }
    let name = trial.name();
    let path = store.records(&name);
    let Some(mut journal) = Journal::open(&path)? else { return Ok(Ended::Elsewhere) };
    if let Some(end) = final_end(study, journal.summary()) {
        control.progress.advance(study.evaluations);
        control.progress.trial(&name, &describe(journal.summary(), end));
        return Ok(Ended::Over);
    }
    let mut search = Search {
        study,
        trial,
        name: &name,
        control,
        parallel,
        agent: trial.agent(study)?,
        clock: Clock { before_s: journal.summary().at_s, start: Instant::now() },
        recorded: journal.summary().evaluations,
        records: trial_log::records(&path)?,
        journal: &mut journal,
        told: 0,
        cost: 0.0,
        met: false,
    };
    let end = search.go_on()?;
    let left = study.evaluations.saturating_sub(search.told);
    let Some(end) = end else { return Ok(Ended::Stopped) };
    journal.finish(end)?;
    control.progress.advance(left);
    control.progress.trial(&name, &describe(journal.summary(), end));
    Ok(Ended::Over)
}

/// Why the trial is over; `None` also for a spent budget that was extended since.
fn final_end(study: &Study, summary: &Summary) -> Option<End> {
    let end = summary.end?;
    let extended = end == End::Budget && summary.evaluations < study.evaluations;
    (!extended).then_some(end)
}

/// The clock of a trial: pauses between runs do not count.
#[derive(Clone, Copy)]
struct Clock {
    before_s: f64,
    start: Instant,
}

impl Clock {
    fn seconds(&self) -> f64 {
        self.before_s + self.start.elapsed().as_secs_f64()
    }
}

/// A trial at work.
struct Search<'a> {
    study: &'a Study,
    trial: &'a Trial<'a>,
    name: &'a str,
    control: Control<'a>,
    parallel: bool,
    agent: Box<dyn Agent>,
    clock: Clock,
    /// Evaluations on record when this run began, and their stream.
    recorded: usize,
    records: Records,
    journal: &'a mut Journal,
    /// Evaluations told to the agent, and what they cost.
    told: usize,
    cost: f64,
    /// All target specifications are met.
    met: bool,
}

impl Search<'_> {
    /// Asks, evaluates and tells until something ends the trial; `None` if it was stopped. What is on record is replayed.
    fn go_on(&mut self) -> Result<Option<End>, StudyError> {
        loop {
            if let Some(end) = self.end() {
                return Ok(Some(end));
            }
            if self.control.is_stopped() {
                return Ok(None);
            }
            let left = self.study.left_of_stage(self.told);
            let mut designs = self.agent.ask(self.study.batch.min(left));
            designs.truncate(left);
            let fidelity = self.agent.fidelity();
            if let Some(reason) = self.agent.ended() {
                // The trial stays open: once what broke is mended, `resume` goes on with it.
                return Err(self.broken(reason));
            }
            if designs.is_empty() {
                return Ok(Some(End::AgentDone));
            }
            let level = self.level(fidelity)?;
            let known = self.recorded.saturating_sub(self.told).min(designs.len());
            let mut results = Vec::with_capacity(designs.len());
            for design in &designs[..known] {
                results.push(self.recall(design, level.as_ref())?);
            }
            self.control.progress.advance(known);
            let batch = Batch {
                task: self.trial.task,
                guard: Guard { time_limit_s: self.study.time_limit_s },
                fidelity,
                level: level.as_ref(),
                first: self.told + known + 1,
                clock: self.clock,
                control: self.control,
            };
            let complete = batch.evaluate(&designs[known..], self.parallel, self.journal, &mut results)?;
            if !complete {
                return Ok(None);
            }
            // What a cheaper level says is no solution.
            self.met |= level.is_none() && results.iter().any(|result| result.score.done);
            self.told += results.len();
            self.cost += results.len() as f64 * level.map_or(1.0, |level| level.relative_cost);
            self.agent.tell(&results);
        }
    }

    fn end(&self) -> Option<End> {
        let study = self.study;
        let fresh = self.told >= self.recorded;
        if self.told >= study.evaluations {
            Some(End::Budget)
        } else if study.cost.is_some_and(|cost| self.cost >= cost) {
            Some(End::Cost)
        } else if self.met && study.stop_when_met {
            Some(End::TargetsMet)
        } else if fresh && study.seconds.is_some_and(|seconds| self.clock.seconds() >= seconds) {
            Some(End::Seconds)
        } else {
            None
        }
    }

    /// The level of fidelity as a record names it: nothing for the full one. Errors: the environment has no such level.
    fn level(&self, fidelity: Fidelity) -> Result<Option<FidelityLevel>, StudyError> {
        if fidelity == Fidelity::FULL {
            return Ok(None);
        }
        let level = self.trial.task.env.fidelities().into_iter().nth(usize::from(fidelity.0));
        let missing = || self.broken(&format!("the agent asks for level {} of fidelity", fidelity.0));
        level.map(Some).ok_or_else(missing)
    }

    /// Takes the outcome of a proposal from its record. Errors: the record is of another design, or of another level.
    fn recall(&mut self, design: &Design, level: Option<&FidelityLevel>) -> Result<Evaluated, StudyError> {
        let record = self.records.next().unwrap_or_else(|| Err(self.broken("a record is gone")))?;
        let task = self.trial.task;
        let values = match task.env.space().validate(design) {
            Ok(()) => design_to_json(task.env.space(), design),
            Err(_) => Default::default(),
        };
        if values != record.design || level != record.fidelity.as_ref() {
            let words = |values: &serde_json::Map<_, _>, level: Option<&FidelityLevel>| {
                let level = level.map_or(String::new(), |level| format!(" at fidelity `{}`", level.name));
                format!("{}{level}", serde_json::Value::from(values.clone()))
            };
            return Err(StudyError::Replay {
                trial: self.name.into(),
                evaluation: record.evaluation,
                now: words(&values, level),
                recorded: words(&record.design, record.fidelity.as_ref()),
            });
        }
        let outcome = record
            .outcome(task.env.metrics())
            .map_err(|message| self.broken(&format!("evaluation {}: {message}", record.evaluation)))?;
        let score = task.scorer.score(&outcome);
        Ok(Evaluated { design: design.clone(), outcome, score })
    }

    fn broken(&self, message: &str) -> StudyError {
        StudyError::Trial { trial: self.name.into(), message: message.into() }
    }
}

fn describe(summary: &Summary, end: End) -> String {
    let why = match end {
        End::Budget => "",
        End::Cost => ", the cost of the budget is spent",
        End::Seconds => ", the time budget is spent",
        End::AgentDone => ", the agent has nothing left to propose",
        End::TargetsMet => ", all targets are met",
    };
    format!("{} evaluations, {} feasible, {:.1} s{why}", summary.evaluations, summary.solutions, summary.at_s)
}
