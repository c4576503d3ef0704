//! The evaluations of one batch: on one thread or on many, recorded in the order of their numbers.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use hwgym_agents::Evaluated;
use hwgym_envs::{Design, Fidelity, FidelityLevel, Guard, Outcome, evaluate, evaluate_batch};
use rayon::prelude::*;

use super::{Clock, Control};
use crate::StudyError;
use crate::store::trial_log::Journal;
use crate::store::{Record, Wall, design_to_json};
use crate::study::Task;

/// Designs that an environment which prefers batches is given at a time.
const CHUNK: usize = 256;

/// What the evaluations of a batch have in common.
#[derive(Clone, Copy)]
pub(super) struct Batch<'a> {
    pub task: &'a Task,
    pub guard: Guard,
    pub fidelity: Fidelity,
    /// The level as records name it; `None` for the full one.
    pub level: Option<&'a FidelityLevel>,
    /// Number of the first evaluation.
    pub first: usize,
    pub clock: Clock,
    pub control: Control<'a>,
}

impl Batch<'_> {
    /// Evaluates and records the designs, and adds their results. False if it was stopped on the way.
    pub fn evaluate(
        &self,
        designs: &[Design],
        parallel: bool,
        journal: &mut Journal,
        results: &mut Vec<Evaluated>,
    ) -> Result<bool, StudyError> {
        let order = Mutex::new(InOrder { next: self.first, journal, waiting: BTreeMap::new() });
        let together = self.task.env.prefers_batches() && self.guard.time_limit_s.is_none();
        let chunk = if together { CHUNK } else { 1 };
        let work = |(number, designs): (usize, &[Design])| self.chunk(number * chunk, designs, &order);
        let evaluated: Vec<Vec<Evaluated>> = if parallel && !together {
            designs.par_chunks(1).enumerate().with_max_len(1).map(work).collect::<Result<_, _>>()?
        } else {
            designs.chunks(chunk).enumerate().map(work).collect::<Result<_, _>>()?
        };
        let before = results.len();
        results.extend(evaluated.into_iter().take_while(|chunk| !chunk.is_empty()).flatten());
        Ok(results.len() - before == designs.len())
    }

    /// Evaluates and records a few designs; none if the work was stopped.
    fn chunk(
        &self,
        offset: usize,
        designs: &[Design],
        order: &Mutex<InOrder>,
    ) -> Result<Vec<Evaluated>, StudyError> {
        if self.control.is_stopped() {
            return Ok(Vec::new());
        }
        let start = Instant::now();
        let outcomes = match designs {
            [design] => vec![evaluate(&self.task.env, design, self.fidelity, &self.guard)],
            _ => evaluate_batch(&self.task.env, designs, self.fidelity, &self.guard),
        };
        let evaluation_s = start.elapsed().as_secs_f64() / designs.len() as f64;
        let mut results = Vec::with_capacity(designs.len());
        for (index, (design, outcome)) in designs.iter().zip(outcomes).enumerate() {
            let wall = Wall { evaluation_s, at_s: self.clock.seconds() };
            let (record, result) = self.record(self.first + offset + index, design, outcome, wall);
            order.lock().unwrap_or_else(PoisonError::into_inner).append(record)?;
            self.control.progress.advance(1);
            results.push(result);
        }
        Ok(results)
    }

    fn record(&self, number: usize, design: &Design, outcome: Outcome, wall: Wall) -> (Record, Evaluated) {
        let (space, metrics) = (self.task.env.space(), self.task.env.metrics());
        let score = self.task.scorer.score(&outcome);
        // A design outside of the space has no values; its outcome says so.
        let values = match space.validate(design) {
            Ok(()) => design_to_json(space, design),
            Err(_) => Default::default(),
        };
        let record = Record::new(number, values, &outcome, &score, metrics, wall);
        let record = Record { fidelity: self.level.cloned(), ..record };
        (record, Evaluated { design: design.clone(), outcome, score })
    }
}

/// Appends records in the order of their numbers, whatever the order in which they come.
struct InOrder<'a> {
    next: usize,
    journal: &'a mut Journal,
    waiting: BTreeMap<usize, Record>,
}

impl InOrder<'_> {
    fn append(&mut self, record: Record) -> Result<(), StudyError> {
        self.waiting.insert(record.evaluation, record);
        while let Some(record) = self.waiting.remove(&self.next) {
            self.journal.append(&record)?;
            self.next += 1;
        }
        Ok(())
    }
}
