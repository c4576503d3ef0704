//! Programs that stay: one line of JSON in, one line of JSON out.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::PoisonError;
use std::time::{Duration, Instant};

use hwgym_simulators::process::{Ending, Folder, LineProcess, Report, Runner, Silence};

use super::Command;
use super::definition::{Argument, Definition, Level};
use super::extract::{Output, with_named_numbers};
use super::one_shot::Run;
use super::text::Values;
use crate::{Design, Outcome};

/// How long a program that closed its output is given to end by itself.
const MOMENT: Duration = Duration::from_millis(200);

/// Bytes of lines between answers that are kept.
const CHATTER: usize = 2000;

/// A program that stays, with its folder.
pub(super) struct Worker {
    process: LineProcess,
    /// Removed with it.
    _folder: Folder,
    answered: bool,
}

impl Command {
    /// Asks a program that stays; starts one if none is idle. One that did not answer is not asked again.
    pub(super) fn ask(&self, level: &Level, design: &Design, seed: u64, time_s: Option<f64>) -> Run {
        let definition = &self.definition;
        let values = Values {
            names: &definition.names,
            design,
            constants: &level.constants,
            fidelity: &level.name,
            seed,
        };
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let worker = match idle.map_or_else(|| definition.start(&self.runner, &values), Ok) {
            Ok(worker) => worker,
            Err(reason) => return Run { outcome: Outcome::failed(reason), transient: false },
        };
        let (run, worker) = definition.converse(worker, &values, time_s);
        if let Some(worker) = worker {
            self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(worker);
        }
        run
    }
}

impl Definition {
    /// Starts the program in a folder of its own.
    fn start(&self, runner: &Runner, values: &Values) -> Result<Worker, String> {
        let folder = runner
            .folder()
            .map_err(|error| format!("no scratch folder in {}: {error}", self.scratch.display()))?;
        let work = folder.path().join("work");
        self.fill(&work, values)?;
        let mut words = self.program.launcher.clone();
        words.push(self.program.program.clone());
        for argument in &self.program.arguments {
            if let Argument::Always(text) = argument {
                words.push(text.write(values)?);
            }
        }
        let job = self.job(words, &work, values, None)?;
        let program = job.program.display().to_string();
        let process = LineProcess::start(job, runner.root())
            .map_err(|error| format!("`{program}` cannot be started: {error}"))?;
        Ok(Worker { process, _folder: folder, answered: false })
    }

    /// One question and its answer; the program is returned where it can be asked again.
    fn converse(&self, mut worker: Worker, values: &Values, time_s: Option<f64>) -> (Run, Option<Worker>) {
        let limit_s = time_s.map_or(self.limits.time_s, |time_s| time_s.min(self.limits.time_s));
        // The first answer may wait for the program to come up.
        let patience = limit_s + if worker.answered || time_s.is_some() { 0.0 } else { self.limits.start_s };
        let begun = Instant::now();
        let deadline =
            begun + Duration::try_from_secs_f64(patience).unwrap_or(Duration::from_secs(u32::MAX.into()));
        worker.process.send(&self.request(values).to_string());
        let mut chatter = String::new();
        let silence = loop {
            match worker.process.receive(deadline.saturating_duration_since(Instant::now())) {
                Ok(line) if line.trim_start().starts_with('{') => {
                    worker.answered = true;
                    let wall_s = begun.elapsed().as_secs_f64();
                    return match serde_json::from_str(&line)
                        .or_else(|error| with_named_numbers(&line).map_err(|_| error))
                    {
                        Ok(answer) => {
                            let outcome =
                                self.answer(&answer, wall_s, chatter, worker.process.said(), values);
                            (self.finished(outcome), Some(worker))
                        }
                        Err(error) => {
                            let shown: String = line.trim().chars().take(120).collect();
                            let reason = format!("the answer `{shown}` is no JSON: {error}");
                            (self.broken(reason, worker, chatter), None)
                        }
                    };
                }
                // A library that greets, a warning: no answer.
                Ok(line) => {
                    chatter.push_str(&line);
                    if chatter.len() > 2 * CHATTER {
                        let mut start = chatter.len() - CHATTER;
                        while !chatter.is_char_boundary(start) {
                            start += 1;
                        }
                        chatter.drain(..start);
                    }
                }
                Err(silence) => break silence,
            }
        };
        let run = match silence {
            Silence::TimedOut => {
                worker.process.end(Duration::ZERO);
                Run { outcome: Outcome::TimedOut { limit_s: patience }, transient: false }
            }
            Silence::Broken(reason) => {
                self.broken(format!("the program does not answer: {reason}"), worker, chatter)
            }
            Silence::Ended => self.broken(String::new(), worker, chatter),
        };
        (run, None)
    }

    fn finished(&self, outcome: Outcome) -> Run {
        let transient = match (&outcome, &self.retry) {
            (Outcome::Failed { reason, log_tail }, Some(retry)) => {
                retry.pattern.is_match(reason) || retry.pattern.is_match(log_tail)
            }
            _ => false,
        };
        Run { outcome, transient }
    }

    /// Ends a program that broke, and says how. Without a reason it is the way in which it ended.
    fn broken(&self, reason: String, worker: Worker, chatter: String) -> Run {
        let (report, said) = worker.process.end(MOMENT);
        let ending = report.map(|report| report.ending);
        let reason = match ending {
            Some(Ending::MemoryLimit) => self.no_memory(),
            Some(ending) if reason.is_empty() => {
                format!("the program ended with {ending} instead of an answer")
            }
            _ if reason.is_empty() => "the program ended instead of an answer".into(),
            _ => reason,
        };
        let log_tail =
            [chatter.trim(), said.trim()].into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>();
        self.finished(Outcome::Failed { reason, log_tail: log_tail.join("\n") })
    }

    /// What an answer amounts to.
    fn answer(
        &self,
        answer: &serde_json::Value,
        wall_s: f64,
        chatter: String,
        said: String,
        values: &Values,
    ) -> Outcome {
        let text = |name: &str| answer.get(name).and_then(|value| value.as_str());
        if let Some(meaning) = text("infeasible") {
            return Outcome::infeasible(meaning, answer["amount"].as_f64().unwrap_or(1.0));
        }
        if let Some(reason) = text("failed") {
            return Outcome::Failed { reason: format!("the program says: {reason}"), log_tail: said };
        }
        let report =
            Report { ending: Ending::Exit(0), wall_s, cpu_s: 0.0, peak_memory_bytes: 0, left: Vec::new() };
        let output = Output {
            folder: std::path::Path::new(""),
            stdout: chatter,
            stderr: said,
            report: &report,
            values,
            documents: RefCell::new(HashMap::from([(None, answer.clone())])),
        };
        self.measured(&output)
    }
}
